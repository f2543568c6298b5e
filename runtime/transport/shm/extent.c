/*
 * Extents, server side: made in power-of-two classes, charged to the user,
 * kept until the connection closes.
 */
#include "transport/shm/server.h"

#include "os/memory.h"
#include "transport/shm/mirror.h"

static size_t class_of(uint64_t bytes)
{
    size_t size = SHM_EXTENT_MIN_BYTES;
    while (size < bytes) {
        size *= 2;
    }
    return size;
}

/* Under grow_lock. The region is known to workers before the client hears of
 * it, and never unmapped before the connection is. */
static shmrpc_status create(shm_conn *conn, size_t bytes, int *out_fd)
{
    /* Relaxed: only written under this lock. */
    uint32_t region = shmrpci_load_relaxed(&conn->ledger->extents) + 1;
    if (region > SHM_EXTENTS) {
        return SHMRPC_E_EXHAUSTED;
    }
    shmrpc_status status =
        shm_account_charge(conn->listener, conn->account, bytes);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_map *map = &conn->extent_maps[region];
    status = shmrpci_memory_create("shmrpc-extent", bytes, out_fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_map(*out_fd, bytes, SHMRPCI_ACCESS_WRITE, false,
                                    map);
        if (status != SHMRPC_OK) {
            shmrpci_fd_close(out_fd);
        }
    }
    if (status != SHMRPC_OK) {
        shm_account_refund(conn->listener, conn->account, bytes);
        return status;
    }
    conn->regions[region] = (shm_region){map->at, bytes};
    (void)shmrpci_or_seq(&conn->mapped, UINT64_C(1) << region);
    shmrpci_store_release(&conn->ledger->extents, region);
    return SHMRPC_OK;
}

/* Under grow_lock: takes the smallest that the client has given back and that
 * is large enough; 0: none. A client that says so of one in use spoils its own
 * replies. */
static uint32_t take_given(shm_conn *conn, uint64_t bytes)
{
    uint32_t best = 0;
    /* Acquire: pairs with the client's release; it has read what was there. */
    uint64_t given = shmrpci_load_acquire(conn->block.given);
    /* Relaxed: only written under this lock. */
    uint32_t count = shmrpci_load_relaxed(&conn->ledger->extents);
    for (uint32_t i = 1; i <= count; i++) {
        if ((given >> i & 1) != 0 && conn->regions[i].bytes >= bytes &&
            (best == 0 || conn->regions[i].bytes < conn->regions[best].bytes)) {
            best = i;
        }
    }
    if (best != 0) {
        (void)shmrpci_and_seq(conn->block.given, ~(UINT64_C(1) << best));
    }
    return best;
}

/* Under grow_lock. */
static shmrpc_status grant(shm_conn *conn, uint64_t bytes, shm_message *extent)
{
    int fd = -1;
    extent->region = take_given(conn, bytes);
    if (extent->region == 0) {
        shmrpc_status status = create(conn, class_of(bytes), &fd);
        if (status != SHMRPC_OK) {
            return status;
        }
        extent->region = shmrpci_load_relaxed(&conn->ledger->extents);
    }
    extent->bytes = conn->regions[extent->region].bytes;
    shmrpc_status status =
        shm_message_send(conn->fd, *extent, NULL, &fd, fd >= 0 ? 1 : 0);
    if (fd >= 0 && conn->listener->opts.takes_processes) {
        conn->extent_fds[extent->region] = fd;
    } else {
        shmrpci_fd_close(&fd);
    }
    return status;
}

shmrpc_status shm_extent_grant(shm_conn *conn, uint64_t bytes, uint32_t slot,
                               uint32_t gen, uint32_t *out_region)
{
    if (bytes > conn->max_message) {
        return SHMRPC_E_TOO_LARGE;
    }
    if (conn->listener->mirror != NULL) {
        return shm_mirror_grant(conn, bytes, slot, gen, out_region);
    }
    shm_message extent = {.kind = SHM_MESSAGE_EXTENT, .slot = slot, .gen = gen};
    shmrpci_mutex_lock(&conn->grow_lock);
    shmrpc_status status = grant(conn, bytes, &extent);
    shmrpci_mutex_unlock(&conn->grow_lock);
    if (status == SHMRPC_OK) {
        *out_region = extent.region;
    }
    return status;
}

/* Acquire: pairs with the change where it was mapped. */
static bool is_mapped(const shm_conn *conn, uint32_t region)
{
    return (shmrpci_load_acquire(&conn->mapped) >> region & 1) != 0;
}

uint8_t *shm_extent_at(shm_conn *conn, uint32_t region, uint64_t offset,
                       uint64_t length)
{
    if (region > SHM_EXTENTS ||
        (!is_mapped(conn, region) &&
         (conn->listener->mirror == NULL || !shm_mirror_map(conn, region))) ||
        !shm_is_within(offset, length, conn->regions[region].bytes)) {
        return NULL;
    }
    return conn->regions[region].at + offset;
}
