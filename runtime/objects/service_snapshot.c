/*
 * Snapshots of a service's objects: read and written by its server, which has
 * their memory. Each call joins the object, does its work and leaves, as it may
 * run in any process of the server.
 *
 * A snapshot that can't be read must not keep the service from starting, and
 * must not be lost. So it is renamed, and the object begins empty.
 */
#include <stdio.h>
#include <stdlib.h>

#include "objects/dict_lock.h"
#include "objects/snapshot.h"
#include "objects/snapshot_place.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/new_file.h"
#include "os/read_file.h"
#include "shmrpc/shared_stub.h"

/* An object that this call has joined, and the path of its snapshot. */
typedef struct scene {
    shmrpci_handle *handle;
    shmrpci_table table;
    shmrpci_fork_fd guard; /* closes the descriptor in workers that are forked
                            * during the call */
    char path[SHMRPCI_SNAPSHOT_PATH_BYTES];
} scene;

/* Snapshots are made if the `.svc` asks for them and the kind has them. */
static bool has_snapshots(const shmrpc_shared *row)
{
    return row->snapshot_ns > 0 && (row->kind == SHMRPC_SHARED_DICT ||
                                    row->kind == SHMRPC_SHARED_VALUE);
}

static shmrpc_status find_path(scene *on, const char *place,
                               shmrpc_error *error)
{
    const shmrpci_snapshot_of what = {.kind = on->handle->face->kind,
                                      .service = place,
                                      .name = on->handle->name};
    return shmrpci_snapshot_place(&what, on->path, error);
}

/* Attaches a table for this call, because `on->handle` was made only for
 * planning and has no engine. */
static shmrpc_status attach(scene *on, int fd, shmrpc_error *error)
{
    int own;
    shmrpc_status status =
        shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_WRITE, &own);
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, status, "its memory can't be opened");
    }
    status =
        shmrpci_dict_lock_attach(own, SHMRPCI_ACCESS_WRITE, &on->table, error);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&own);
        return status;
    }
    return shmrpci_fork_close_fd(&on->guard, &on->table.region.fd);
}

static void leave(scene *on)
{
    shmrpci_fork_keep_fd(&on->guard);
    shmrpci_table_detach(&on->table);
    free(on->handle);
}

/* Joins the object. On failure nothing needs to be undone. */
static shmrpc_status enter(const shmrpc_shared *row, const char *place, int fd,
                           scene *on, shmrpc_error *error)
{
    on->table = (shmrpci_table){.region = {.fd = -1}};
    on->guard = (shmrpci_fork_fd){.fd = NULL};
    on->handle = shmrpci_service_planner(row);
    if (on->handle == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    shmrpc_status status = shmrpci_handle_name(on->handle, row->name, error);
    if (status == SHMRPC_OK) {
        status = find_path(on, place, error);
    }
    if (status == SHMRPC_OK) {
        status = attach(on, fd, error);
    }
    if (status != SHMRPC_OK) {
        (void)shmrpci_handle_explain(on->handle, status, error);
        leave(on);
    }
    return status;
}

static bool is_there(const char *path)
{
    int fd;
    if (shmrpci_read_file_open(path, &fd) != SHMRPC_OK) {
        return false;
    }
    shmrpci_fd_close(&fd);
    return true;
}

/* The number of changes made to the table so far. */
static uint64_t changes_of(const shmrpci_table *table)
{
    shmrpci_table_stat stat;
    shmrpci_table_stat_get(table, &stat);
    return stat.changes;
}

/* Renames a file that could not be restored, because the next snapshot would
 * replace it. */
static void put_aside(const char *path)
{
    char old[SHMRPCI_SNAPSHOT_PATH_BYTES + sizeof ".old"];
    (void)snprintf(old, sizeof old, "%s.old", path);
    (void)shmrpci_new_file_rename(path, old);
}

/* Fills a new object. An object that a predecessor has handed over is left
 * alone, since it is newer than any snapshot. */
static shmrpc_status fill(scene *on, shmrpc_error *error)
{
    if (changes_of(&on->table) > 0 || !is_there(on->path)) {
        return SHMRPC_OK;
    }
    shmrpc_status status =
        shmrpci_snapshot_fill(on->handle, &on->table, on->path, error);
    if (status != SHMRPC_OK) {
        (void)shmrpci_table_clear(&on->table, NULL);
        put_aside(on->path);
    }
    return status;
}

/* Called before the service serves, so nobody uses the object yet. */
int shmrpc_stub_shared_restore(const shmrpc_shared *row, const char *place,
                               int fd, shmrpc_error *error)
{
    scene on;
    if (!has_snapshots(row)) {
        return SHMRPC_OK;
    }
    shmrpc_status status = enter(row, place, fd, &on, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = fill(&on, error);
    (void)shmrpci_handle_explain(on.handle, status, error);
    leave(&on);
    return status;
}

static shmrpc_status save(scene *on, uint64_t *change, shmrpc_error *error)
{
    /* Read before the snapshot is written, because the snapshot may not contain
     * changes made meanwhile. */
    uint64_t changes = changes_of(&on->table);
    /* Nothing has changed, so only the time of the last snapshot is renewed. */
    if (changes == *change && is_there(on->path)) {
        shmrpci_table_note_snapshot(&on->table, shmrpci_wall_ns());
        return SHMRPC_OK;
    }
    shmrpc_status status = shmrpci_snapshot_make_folders(on->path, error);
    if (status == SHMRPC_OK) {
        status =
            shmrpci_snapshot_save(&on->table, NULL, on->path, 0600u, error);
    } else {
        shmrpci_table_note_snapshot(&on->table, 0);
    }
    if (status == SHMRPC_OK) {
        *change = changes;
    }
    return status;
}

/* `*change` is the last change in the previous snapshot; the caller keeps it
 * between calls. */
int shmrpc_stub_shared_save(const shmrpc_shared *row, const char *place, int fd,
                            uint64_t *change, shmrpc_error *error)
{
    scene on;
    if (!has_snapshots(row)) {
        return SHMRPC_OK;
    }
    shmrpc_status status = enter(row, place, fd, &on, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = save(&on, change, error);
    (void)shmrpci_handle_explain(on.handle, status, error);
    leave(&on);
    return status;
}
