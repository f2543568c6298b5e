/*
 * Shared pipes: a stream of bytes from one writer to readers, through memory.
 *
 * Any number of processes may have a pipe open.  One at a time writes: the
 * first that does, until it closes its handle, or dies.  Each byte goes to one
 * reader.  A writer that ends the stream ends it for ever; one that closes its
 * handle without doing so leaves it to the next writer; and of one that dies
 * readers are told.  In all cases they first get all that is there.
 *
 *     shmrpc_pipe *pcm;
 *     size_t count;
 *     if (shmrpc_pipe_open("pcm", NULL, &pcm, &error) == SHMRPC_OK) {
 *         while (shmrpc_pipe_read(pcm, data, sizeof data, NULL, &count,
 *                                 &error) == SHMRPC_OK && count > 0) {
 *             play(data, count);
 *         }
 *         shmrpc_pipe_close(pcm);
 *     }
 *
 * What else holds for all shared objects stands in shmrpc/shared.h.
 */
#ifndef SHMRPC_PIPE_H
#define SHMRPC_PIPE_H

#include <stddef.h>

#include "shmrpc/shared.h"

SHMRPC_BEGIN_DECLS

typedef struct shmrpc_pipe shmrpc_pipe;

/* How to open or create. NULL or zeroed: the defaults. */
typedef struct shmrpc_pipe_opts {
    shmrpc_shared_opts shared;
    uint64_t capacity;    /* bytes, when it is created; 0: 64 KiB */
    uint64_t reserved[4]; /* 0; later members take its place */
} shmrpc_pipe_opts;

/* Opens a pipe, makes it, or both. Statuses: shmrpc/shared.h. */
SHMRPC_API shmrpc_status
shmrpc_pipe_open(const char *name, const shmrpc_pipe_opts *opts,
                 shmrpc_pipe **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Ends the use of a handle; NULL is fine. Another may be the writer then. */
SHMRPC_API void shmrpc_pipe_close(shmrpc_pipe *pipe);

/*
 * Writes all of `len` bytes; waits while the pipe is full, until the deadline
 * of `opts`.  `*out_written` (may be NULL) is written in any case.
 *
 * DEADLINE: not all; BUSY: another handle is the writer, whose process the
 * error names, or readers have not been told yet that one died, or NONBLOCK and
 * not all; CANCELLED: the stream was ended; DESTROYED; EXHAUSTED; DATA_LOSS.
 */
SHMRPC_API shmrpc_status shmrpc_pipe_write(
    shmrpc_pipe *pipe, const void *data, size_t len, const shmrpc_opts *opts,
    size_t *out_written, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * Reads what is there, up to `size` bytes; waits until there is something, or
 * the deadline of `opts`.  OK with 0 bytes: the end of the stream.
 *
 * DEADLINE: nothing came; BUSY: nothing is there, and NONBLOCK; OWNER_DIED: the
 * writer died without ending the stream, and all that it had written is read:
 * told once, then readers wait for another one; DESTROYED; DATA_LOSS.
 */
SHMRPC_API shmrpc_status shmrpc_pipe_read(
    shmrpc_pipe *pipe, void *data, size_t size, const shmrpc_opts *opts,
    size_t *out_read, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* A descriptor for event loops, readable when there may be bytes to
 * read, an end, or a death to be told of: as
 * shmrpc_queue_fd(). */
SHMRPC_API int shmrpc_pipe_fd(shmrpc_pipe *pipe);

/* Ends the stream, for ever: readers get what is there, and then the end. BUSY:
 * another handle is the writer; CANCELLED: it was ended before; DESTROYED. */
SHMRPC_API shmrpc_status shmrpc_pipe_end(shmrpc_pipe *pipe);

/* Ends the pipe for everyone, as shmrpc_queue_destroy(). */
SHMRPC_API shmrpc_status shmrpc_pipe_destroy(shmrpc_pipe *pipe);

typedef struct shmrpc_pipe_stat {
    uint64_t byte_count; /* in it now */
    uint64_t capacity;
    uint64_t written_count; /* bytes, ever */
    uint64_t read_count;
    int32_t writer_pid;         /* 0: none */
    uint32_t waiting_for_bytes; /* threads */
    uint32_t waiting_for_room;
    uint32_t open_count; /* living handles */
    bool is_ended;
    uint8_t reserved8[7];
    uint64_t reserved[7];
} shmrpc_pipe_stat;

/* Figures as of now. */
SHMRPC_API shmrpc_status shmrpc_pipe_stat_read(shmrpc_pipe *pipe,
                                               shmrpc_pipe_stat *out);

SHMRPC_END_DECLS

#endif
