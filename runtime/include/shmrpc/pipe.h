/*
 * Shared pipes: a stream of bytes from one writer to readers, through memory.
 *
 * Any number of processes may have a pipe open. One at a time is the writer:
 * the first that writes, until it closes its handle or dies. Each byte goes to
 * one reader. The writer can end the stream, for good. If it closes its handle
 * without doing so, another process may become the writer; if it dies, readers
 * are told. In all cases they first get everything that was written.
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
 * There are no pipes between machines ("nats://..." is UNIMPLEMENTED): use a
 * stream of a service, whose sender waits for the reader.
 *
 * shmrpc/shared.h describes what all shared objects have in common.
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
    uint64_t capacity;    /* bytes; applies when the pipe is created; 0: 64
                           * KiB */
    uint64_t reserved[4]; /* 0; later members take its place */
} shmrpc_pipe_opts;

/* Opens a pipe, creates it, or both. Returns the statuses in
 * shmrpc/shared.h. */
SHMRPC_API shmrpc_status
shmrpc_pipe_open(const char *name, const shmrpc_pipe_opts *opts,
                 shmrpc_pipe **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Closes a handle; NULL is fine. If it was the writer, another handle may
 * become the writer. */
SHMRPC_API void shmrpc_pipe_close(shmrpc_pipe *pipe);

/*
 * Writes all of `len` bytes; waits while the pipe is full, until the deadline
 * of `opts`. `*out_written` (may be NULL) is always set.
 *
 * Returns DEADLINE, or BUSY with NONBLOCK, if not all bytes were written; BUSY
 * also if another handle is the writer (the error names its process), or if
 * readers have not yet been told of a writer's death; CANCELLED if the stream
 * was ended; DESTROYED; EXHAUSTED; DATA_LOSS.
 */
SHMRPC_API shmrpc_status shmrpc_pipe_write(
    shmrpc_pipe *pipe, const void *data, size_t len, const shmrpc_opts *opts,
    size_t *out_written, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * Reads what is there, up to `size` bytes; waits until there is something, or
 * until the deadline of `opts`. OK with 0 bytes means the end of the stream.
 *
 * Returns DEADLINE if nothing came, or BUSY with NONBLOCK if the pipe is empty;
 * OWNER_DIED, once, if the writer died without ending the stream and everything
 * that it wrote has been read (after that, readers wait for a new writer);
 * DESTROYED; DATA_LOSS.
 */
SHMRPC_API shmrpc_status shmrpc_pipe_read(
    shmrpc_pipe *pipe, void *data, size_t size, const shmrpc_opts *opts,
    size_t *out_read, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Returns a descriptor for event loops. It is readable when there may be bytes
 * to read, or the end or a writer's death to report; see shmrpc_queue_fd(). */
SHMRPC_API int shmrpc_pipe_fd(shmrpc_pipe *pipe);

/* Ends the stream for good: readers get what is left in it, then the end.
 * Returns BUSY if another handle is the writer, CANCELLED if the stream was
 * ended before, or DESTROYED. */
SHMRPC_API shmrpc_status shmrpc_pipe_end(shmrpc_pipe *pipe);

/* Destroys the pipe for everyone, as shmrpc_queue_destroy() does. */
SHMRPC_API shmrpc_status shmrpc_pipe_destroy(shmrpc_pipe *pipe);

typedef struct shmrpc_pipe_stat {
    uint64_t byte_count; /* bytes in the pipe now */
    uint64_t capacity;
    uint64_t written_count; /* bytes in all */
    uint64_t read_count;
    int32_t writer_pid;         /* 0: none */
    uint32_t waiting_for_bytes; /* threads */
    uint32_t waiting_for_room;
    uint32_t open_count; /* living handles */
    bool is_ended;
    uint8_t reserved8[7];
    uint64_t reserved[7];
} shmrpc_pipe_stat;

/* Reads the pipe's current figures. */
SHMRPC_API shmrpc_status shmrpc_pipe_stat_read(shmrpc_pipe *pipe,
                                               shmrpc_pipe_stat *out);

SHMRPC_END_DECLS

#endif
