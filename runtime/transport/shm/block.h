/*
 * A mapped block, as one side sees it: addresses and sizes, read once and kept
 * in private memory.
 *
 * Threading: shm_block is a plain value; the memory it points to is shared.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_BLOCK_H
#define SHMRPCI_TRANSPORT_SHM_BLOCK_H

#include "os/memory.h"
#include "shmrpc/status.h"
#include "transport/shm/layout.h"

typedef struct shm_region {
    uint8_t *at;
    uint64_t bytes;
} shm_region;

typedef struct shm_block {
    shmrpci_map map;
    shm_slot *slots;
    shmrpci_atomic_u64 *pending;
    shmrpci_atomic_u32 *closed;
    shmrpci_atomic_u32 *armed;
    shmrpci_atomic_u64 *sleepers;
    shmrpci_atomic_u64 *extents; /* SHM_EXTENTS + 1 words */
    shm_region arena;
} shm_block;

/* Makes and maps an empty block. Returns OK, EXHAUSTED or NO_MEMORY. */
shmrpc_status shm_block_create(size_t bytes, shm_block *out, int *out_fd);

/* Maps a block that a server made, after checking it. Returns DENIED if it is
 * not a sealed memory file of that size, CONTRACT if it has another layout. */
shmrpc_status shm_block_attach(int fd, size_t bytes, shm_block *out);

/* Maps other memory, after checking that it is a sealed memory file of the size
 * that the peer has stated. Returns DENIED if it is not. */
shmrpc_status shm_memory_attach(int fd, size_t bytes, shmrpci_map *out);

void shm_block_unmap(shm_block *block);

#endif
