#include "arena_stage.h"

#include <fcntl.h>
#include <unistd.h>

#include "os/memory.h"

/* Words of a participant's block in the region. They say what the participant
 * is doing: the root that it changes + 1 (0: none), old block, new block,
 * change. */
enum { AT_ROOT, AT_OLD, AT_NEW, AT_CHANGE };

uint64_t arena_used;

static shmrpci_atomic_u64 *root_at(const shmrpci_region *region, uint32_t index)
{
    return (shmrpci_atomic_u64 *)shmrpci_region_at(
               region, region->facts.roots_offset,
               ARENA_ROOTS * sizeof(uint64_t)) +
           index;
}

static shmrpci_atomic_u64 *at_of(const shmrpci_region *region)
{
    return (shmrpci_atomic_u64 *)(void *)shmrpci_region_participant(region,
                                                                    region->me)
        ->kind;
}

static shmrpci_block_head *head_of(const shmrpci_region *region,
                                   uint64_t offset)
{
    return shmrpci_region_at(region, offset, sizeof(shmrpci_block_head));
}

uint64_t arena_root(const shmrpci_region *region, uint32_t index)
{
    return shmrpci_load_seq(root_at(region, index));
}

/* The root has changed: the participant or its heir does the rest. */
static void finish(shmrpci_region *region)
{
    shmrpci_atomic_u64 *at = at_of(region);
    uint64_t old = shmrpci_load_seq(&at[AT_OLD]);
    uint64_t new = shmrpci_load_seq(&at[AT_NEW]);
    if (new != 0) {
        shmrpci_store_release(&head_of(region, new)->committed, 1u);
    }
    if (old != 0 && shmrpci_arena_last_retired(region) != old) {
        assert_int_equal(
            shmrpci_arena_retire(region, old, shmrpci_load_seq(&at[AT_CHANGE])),
            SHMRPC_OK);
    }
    shmrpci_store_release(&at[AT_ROOT], (uint64_t)0);
}

static void inherit(void *user, shmrpci_region *region, uint32_t participant)
{
    (void)user;
    shmrpci_atomic_u64 *at = at_of(region);
    uint64_t root = shmrpci_load_seq(&at[AT_ROOT]);
    assert_int_equal(participant, region->me);
    if (root != 0 && arena_root(region, (uint32_t)root - 1) ==
                         shmrpci_load_seq(&at[AT_NEW])) {
        finish(region);
    }
    shmrpci_store_release(&at[AT_ROOT], (uint64_t)0);
}

static bool is_used(void *user, const shmrpci_region *region, uint64_t offset,
                    uint64_t change)
{
    (void)user, (void)region, (void)change;
    return offset == arena_used;
}

static void each_block(void *user, const shmrpci_region *region,
                       shmrpci_block_visit *visit, void *to)
{
    (void)user;
    for (uint32_t i = 0; i < ARENA_ROOTS; i++) {
        if (arena_root(region, i) != 0) {
            visit(to, arena_root(region, i));
        }
    }
}

static const shmrpci_region_kind kind = {
    .inherit = inherit,
    .is_used = is_used,
    .each_block = each_block,
};

int arena_create(uint64_t max_bytes, uint32_t participants)
{
    shmrpci_region_spec spec = {
        .max_bytes = max_bytes,
        .roots_bytes = ARENA_ROOTS * sizeof(uint64_t),
        .participants = participants,
    };
    uint64_t bytes;
    int fd;
    assert_int_equal(shmrpci_region_size(&spec, &bytes, NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_memory_create_sparse("arena", bytes, &fd),
                     SHMRPC_OK);
    assert_int_equal(shmrpci_region_format(fd, &spec, NULL), SHMRPC_OK);
    return fd;
}

shmrpc_status arena_attach(int fd, shmrpci_region *out, shmrpc_error *error)
{
    int own = stage_open_again(fd);
    shmrpc_status status =
        shmrpci_region_attach(own, SHMRPCI_ACCESS_WRITE, &kind, out, error);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&own);
    }
    return status;
}

shmrpc_status arena_attach_reader(int fd, shmrpci_region *out)
{
    int own;
    assert_int_equal(shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_READ, &own),
                     SHMRPC_OK);
    return shmrpci_region_attach(own, SHMRPCI_ACCESS_READ, &kind, out, NULL);
}

shmrpc_status arena_put(shmrpci_region *region, uint32_t index, uint64_t bytes,
                        uint64_t change, shmrpc_error *error)
{
    shmrpci_atomic_u64 *at = at_of(region);
    uint64_t new = 0;
    if (bytes != 0) {
        shmrpc_status status = shmrpci_arena_take(region, bytes, &new, error);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    shmrpci_store_release(&at[AT_OLD], arena_root(region, index));
    shmrpci_store_release(&at[AT_NEW], new);
    shmrpci_store_release(&at[AT_CHANGE], change);
    shmrpci_store_release(&at[AT_ROOT], (uint64_t)index + 1);
    shmrpci_store_seq(root_at(region, index), new);
    finish(region);
    shmrpci_arena_keep(region);
    return SHMRPC_OK;
}

uint64_t arena_reachable(const shmrpci_region *region)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < ARENA_ROOTS; i++) {
        uint64_t root = arena_root(region, i);
        bytes += root != 0 ? shmrpci_arena_block_bytes(region, root) : 0;
    }
    return bytes;
}
