#include "stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "os/memory.h"

#define KIND 7u

static shmrpci_atomic_u64 *root_at(const shmrpci_region *region, uint32_t index)
{
    return (shmrpci_atomic_u64 *)shmrpci_region_at(
               region, region->facts.roots_offset,
               STAGE_ROOTS * sizeof(uint64_t)) +
           index;
}

static bool is_reachable(void *user, const shmrpci_region *region,
                         uint64_t offset)
{
    (void)user;
    for (uint32_t i = 0; i < STAGE_ROOTS; i++) {
        if (shmrpci_load_seq(root_at(region, i)) == offset) {
            return true;
        }
    }
    return false;
}

int stage_create(uint64_t max_bytes, uint32_t participants)
{
    shmrpci_region_spec spec = {
        .name = "stage",
        .name_len = 5,
        .max_bytes = max_bytes,
        .roots_bytes = STAGE_ROOTS * sizeof(uint64_t),
        .kind = KIND,
        .participants = participants,
    };
    uint64_t bytes;
    int fd;
    assert_int_equal(shmrpci_region_size(&spec, &bytes, NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_memory_create_sparse("stage", bytes, &fd),
                     SHMRPC_OK);
    assert_int_equal(shmrpci_region_format(fd, &spec, NULL), SHMRPC_OK);
    return fd;
}

int stage_open_again(int fd)
{
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDWR | O_CLOEXEC);
}

shmrpc_status stage_attach(int fd, shmrpci_region *out, shmrpc_error *error)
{
    static const shmrpci_region_kind kind = {.is_reachable = is_reachable};
    int own = stage_open_again(fd);
    shmrpc_status status =
        shmrpci_region_attach(own, SHMRPCI_ACCESS_WRITE, &kind, out, error);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&own);
    }
    return status;
}

shmrpc_status stage_put(shmrpci_region *region, uint32_t index, uint64_t bytes,
                        shmrpc_error *error)
{
    uint64_t offset;
    shmrpc_status status =
        shmrpci_region_take(region, bytes, 0, &offset, error);
    if (status == SHMRPC_OK) {
        shmrpci_store_seq(root_at(region, index), offset);
        shmrpci_region_keep(region);
    }
    return status;
}

void stage_remove(shmrpci_region *region, uint32_t index)
{
    uint64_t offset = stage_root(region, index);
    if (offset != 0) {
        shmrpci_region_intend(region, offset);
        shmrpci_store_seq(root_at(region, index), 0u);
        shmrpci_region_give(region);
    }
}

uint64_t stage_root(const shmrpci_region *region, uint32_t index)
{
    return shmrpci_load_seq(root_at(region, index));
}

static void show(void *user, uint64_t offset, const char *what)
{
    (void)user;
    print_error("at %llu: %s\n", (unsigned long long)offset, what);
}

void stage_check(const shmrpci_region *region)
{
    if (shmrpci_region_check(region, show, NULL) != 0) {
        fail_msg("the region is damaged");
    }
}

uint32_t stage_free_spans(const shmrpci_region *region)
{
    const uint32_t *table =
        (const uint32_t *)(const void *)((const uint8_t *)region->map.at +
                                         region->facts.table_offset);
    uint32_t count = 0;
    for (uint32_t i = 0; i < region->facts.span_count; i++) {
        count += table[i] == 0 ? 1 : 0;
    }
    return count;
}
