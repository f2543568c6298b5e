/* Pipes: shmrpc/pipe.h over ring/pipe.h. They carry bytes without types or
 * encoding. This file has handles, deadlines and descriptors; the ring moves
 * the bytes. */
#include "shmrpc/pipe.h"

#include <string.h>

#include "base/reserved.h"
#include "objects/handle.h"
#include "objects/ready.h"
#include "ring/pipe.h"
#include "shmrpc/shared_stub.h"

/* A handle. `engine` is NULL while the pipe is closed; in a forked child it is
 * the parent's until the first use. */
struct shmrpc_pipe {
    shmrpci_handle handle;
    shmrpci_pipe *engine;
    shmrpci_ready ready;
};

static shmrpc_pipe *pipe_of(shmrpci_handle *handle)
{
    return (shmrpc_pipe *)(void *)handle;
}

/* ---- opening ------------------------------------------------------------- */

/* Capacity 0 in a row is the engine's default. */
static shmrpc_status plan(const shmrpci_handle *handle,
                          shmrpci_region_spec *out, shmrpc_error *error)
{
    shmrpci_pipe_spec spec = {.capacity = handle->row.capacity,
                              .participants = handle->writers};
    return shmrpci_pipe_plan(&spec, out, error);
}

static shmrpc_status open_engine(shmrpci_handle *handle, int fd,
                                 shmrpci_access access, shmrpc_error *error)
{
    (void)access; /* every use of a pipe writes to it */
    return shmrpci_pipe_open(fd, SHMRPC_PROFILE_BALANCED,
                             &pipe_of(handle)->engine, error);
}

/* Stops the descriptor's thread first: it must not sleep on a word that is
 * unmapped. */
static void close_engine(shmrpci_handle *handle)
{
    shmrpci_ready_close(&pipe_of(handle)->ready);
    shmrpci_pipe_close(pipe_of(handle)->engine);
    pipe_of(handle)->engine = NULL;
}

/* The region is constant as long as the engine is open. */
static const shmrpci_region *region_of(const shmrpci_handle *handle)
{
    return shmrpci_pipe_region(
        ((const shmrpc_pipe *)(const void *)handle)->engine);
}

static void destroy_engine(shmrpci_handle *handle)
{
    shmrpci_pipe_destroy(pipe_of(handle)->engine);
}

const shmrpci_face shmrpci_face_pipe = {
    .kind = &shmrpci_kind_pipe,
    .number = SHMRPC_SHARED_PIPE,
    .can_read_only = false,
    .plan = plan,
    .open = open_engine,
    .close = close_engine,
    .region = region_of,
    .destroy = destroy_engine,
};

int shmrpc_stub_pipe_open(const shmrpc_shared *row, const char *name,
                          const shmrpc_shared_opts *opts, shmrpc_pipe **out,
                          shmrpc_error *error)
{
    shmrpci_handle *handle;
    shmrpc_status status =
        shmrpci_handle_open(&shmrpci_face_pipe, sizeof(shmrpc_pipe), row, name,
                            opts, &handle, error);
    if (status == SHMRPC_OK) {
        *out = pipe_of(handle);
    }
    return status;
}

shmrpc_status shmrpc_pipe_open(const char *name, const shmrpc_pipe_opts *opts,
                               shmrpc_pipe **out, shmrpc_error *error)
{
    static const shmrpc_pipe_opts defaults = {.capacity = 0};
    opts = opts != NULL ? opts : &defaults;
    shmrpc_shared row = shmrpci_handle_any_row(SHMRPC_SHARED_PIPE, 0);
    row.capacity = opts->capacity;
    if (!shmrpci_reserved_is_zero(opts->reserved, sizeof opts->reserved /
                                                      sizeof *opts->reserved)) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID, SHMRPCI_RESERVED_TEXT);
        return SHMRPC_E_INVALID;
    }
    return (shmrpc_status)shmrpc_stub_pipe_open(&row, name, &opts->shared, out,
                                                error);
}

void shmrpc_pipe_close(shmrpc_pipe *pipe)
{
    shmrpci_handle_close(pipe != NULL ? &pipe->handle : NULL);
}

/* ---- bytes --------------------------------------------------------------- */

/* Called before each use: checks the options, and attaches this process's
 * engine. */
static shmrpc_status begin(shmrpc_pipe *pipe, const shmrpc_opts *opts,
                           int64_t *out_deadline_ns, shmrpc_error *error)
{
    shmrpc_status status =
        shmrpci_handle_deadline(opts, out_deadline_ns, error);
    return status == SHMRPC_OK ? shmrpci_handle_ensure(&pipe->handle, error)
                               : status;
}

/* Part of the bytes may have been written when the deadline passes, so
 * `*out_written` is set whatever the status. */
shmrpc_status shmrpc_pipe_write(shmrpc_pipe *pipe, const void *data, size_t len,
                                const shmrpc_opts *opts, size_t *out_written,
                                shmrpc_error *error)
{
    int64_t deadline_ns;
    size_t written = 0;
    shmrpc_status status = begin(pipe, opts, &deadline_ns, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_pipe_write(pipe->engine, data, len, deadline_ns,
                                    &written, error);
        (void)shmrpci_handle_explain(&pipe->handle, status, error);
    }
    if (out_written != NULL) {
        *out_written = written;
    }
    return status;
}

/* Reads available bytes. The descriptor is readable while this may find
 * something. So if it finds nothing, it makes the descriptor unreadable, and
 * looks again (ready.h). */
static shmrpc_status take(shmrpc_pipe *pipe, void *data, size_t size,
                          int64_t deadline_ns, size_t *out_read,
                          shmrpc_error *error)
{
    shmrpc_error late;
    shmrpci_futex_on on;
    int64_t max_ns;
    shmrpc_status status = shmrpci_pipe_read(pipe->engine, data, size,
                                             deadline_ns, out_read, error);
    if ((status != SHMRPC_E_BUSY && status != SHMRPC_E_DEADLINE) ||
        !shmrpci_ready_is_on(&pipe->ready)) {
        return status;
    }
    shmrpci_pipe_announce(pipe->engine, &on, &max_ns);
    shmrpci_ready_clear(&pipe->ready);
    shmrpc_status again =
        shmrpci_pipe_read(pipe->engine, data, size, 0, out_read, &late);
    if (again == SHMRPC_E_BUSY) {
        shmrpci_ready_rest(&pipe->ready, &on, max_ns);
        return status;
    }
    shmrpci_ready_found(&pipe->ready);
    if (again != SHMRPC_OK && error != NULL) {
        *error = late;
    }
    return again;
}

int shmrpc_pipe_fd(shmrpc_pipe *pipe)
{
    int fd = -1;
    shmrpc_status status = shmrpci_handle_ensure(&pipe->handle, NULL);
    if (status == SHMRPC_OK) {
        status = shmrpci_ready_open(&pipe->ready, true, &fd);
    }
    return status == SHMRPC_OK ? fd : (int)status;
}

/* Returns when at least one byte was read, at the end of the data, or at the
 * deadline. */
shmrpc_status shmrpc_pipe_read(shmrpc_pipe *pipe, void *data, size_t size,
                               const shmrpc_opts *opts, size_t *out_read,
                               shmrpc_error *error)
{
    int64_t deadline_ns;
    shmrpc_status status = begin(pipe, opts, &deadline_ns, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = take(pipe, data, size, deadline_ns, out_read, error);
    return shmrpci_handle_explain(&pipe->handle, status, error);
}

/* After this, readers get the remaining bytes, then the end; writers get the
 * end at once. */
shmrpc_status shmrpc_pipe_end(shmrpc_pipe *pipe)
{
    shmrpc_status status = shmrpci_handle_ensure(&pipe->handle, NULL);
    return status == SHMRPC_OK ? shmrpci_pipe_end(pipe->engine) : status;
}

shmrpc_status shmrpc_pipe_destroy(shmrpc_pipe *pipe)
{
    return shmrpci_handle_destroy(&pipe->handle);
}

/* A destroyed pipe has no meaningful figures. */
shmrpc_status shmrpc_pipe_stat_read(shmrpc_pipe *pipe, shmrpc_pipe_stat *out)
{
    shmrpci_pipe_stat stat;
    shmrpc_status status = shmrpci_handle_ensure(&pipe->handle, NULL);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_pipe_get_stat(pipe->engine, &stat);
    if (stat.is_destroyed) {
        return SHMRPC_E_DESTROYED;
    }
    memset(out, 0, sizeof *out);
    out->byte_count = stat.depth;
    out->capacity = stat.capacity;
    out->written_count = stat.written;
    out->read_count = stat.read;
    out->writer_pid = stat.writer_pid;
    out->waiting_for_bytes = stat.waiting_for_bytes;
    out->waiting_for_room = stat.waiting_for_room;
    out->open_count = stat.participants;
    out->is_ended = stat.is_ended;
    return SHMRPC_OK;
}
