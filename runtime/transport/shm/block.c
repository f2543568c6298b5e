/* Makes and maps blocks. */
#include "transport/shm/block.h"

#include <string.h>

static void find_parts(shm_block *block)
{
    uint8_t *base = block->map.at;
    block->slots = (shm_slot *)(void *)(base + SHM_SLOTS_OFFSET);
    block->pending = (shmrpci_atomic_u64 *)(void *)(base + SHM_PENDING_OFFSET);
    block->closed = (shmrpci_atomic_u32 *)(void *)(base + SHM_CLOSED_OFFSET);
    block->armed = (shmrpci_atomic_u32 *)(void *)(base + SHM_ARMED_OFFSET);
    block->sleepers =
        (shmrpci_atomic_u64 *)(void *)(base + SHM_SLEEPERS_OFFSET);
    block->extents = (shmrpci_atomic_u64 *)(void *)(base + SHM_EXTENTS_OFFSET);
    block->arena = (shm_region){base + SHM_ARENA_OFFSET,
                                block->map.bytes - SHM_ARENA_OFFSET};
}

shmrpc_status shm_block_create(size_t bytes, shm_block *out, int *out_fd)
{
    int fd;
    shmrpc_status status = shmrpci_memory_create("shmrpc-block", bytes, &fd);
    if (status != SHMRPC_OK) {
        return status;
    }
    status =
        shmrpci_memory_map(fd, bytes, SHMRPCI_ACCESS_WRITE, true, &out->map);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&fd);
        return status;
    }
    shm_block_head head = {.magic = SHM_BLOCK_MAGIC,
                           .version = SHM_LAYOUT_VERSION,
                           .slots = SHM_SLOTS,
                           .bytes = bytes,
                           .arena_offset = SHM_ARENA_OFFSET};
    memcpy(out->map.at, &head, sizeof head);
    find_parts(out);
    *out_fd = fd;
    return SHMRPC_OK;
}

static shmrpc_status check_head(const shm_block *block)
{
    shm_block_head head;
    memcpy(&head, block->map.at, sizeof head);
    bool same = head.magic == SHM_BLOCK_MAGIC &&
                head.version == SHM_LAYOUT_VERSION && head.slots == SHM_SLOTS &&
                head.bytes == block->map.bytes &&
                head.arena_offset == SHM_ARENA_OFFSET;
    return same ? SHMRPC_OK : SHMRPC_E_CONTRACT;
}

shmrpc_status shm_block_attach(int fd, size_t bytes, shm_block *out)
{
    if (bytes <= SHM_ARENA_OFFSET || bytes > SHM_BLOCK_MAX) {
        return SHMRPC_E_DENIED;
    }
    shmrpc_status status = shmrpci_memory_check(fd, bytes, NULL);
    if (status != SHMRPC_OK) {
        return status;
    }
    status =
        shmrpci_memory_map(fd, bytes, SHMRPCI_ACCESS_WRITE, true, &out->map);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = check_head(out);
    if (status != SHMRPC_OK) {
        shmrpci_memory_unmap(&out->map);
        return status;
    }
    find_parts(out);
    return SHMRPC_OK;
}

shmrpc_status shm_memory_attach(int fd, size_t bytes, shmrpci_map *out)
{
    shmrpc_status status = shmrpci_memory_check(fd, bytes, NULL);
    return status != SHMRPC_OK
               ? status
               : shmrpci_memory_map(fd, bytes, SHMRPCI_ACCESS_WRITE, true, out);
}

void shm_block_unmap(shm_block *block)
{
    shmrpci_memory_unmap(&block->map);
}
