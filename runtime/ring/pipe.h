/*
 * Pipes: a stream of bytes from one writer at a time to readers.
 *
 * A pipe is a region with one lane, whose ring has no records: just bytes from
 * the head to the tail. Each byte goes to one reader; usually there is one.
 *
 * Guarantees if a process dies at any instruction: bytes are in the pipe once
 * write begins to return, or not at all; after all the writer's bytes a reader
 * learns whether it ended the stream (end of file) or died (OWNER_DIED). A dead
 * writer blocks nobody; another may continue when a reader has been told.
 *
 * Threading: any thread, except open and close. Threads of a handle that write
 * take turns.
 */
#ifndef SHMRPCI_RING_PIPE_H
#define SHMRPCI_RING_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/futex.h"
#include "region/region.h"
#include "shmrpc/error.h"
#include "shmrpc/options.h"

/* The settings of a new pipe. */
typedef struct shmrpci_pipe_spec {
    const char *name;
    size_t name_len;
    uint64_t capacity;     /* bytes; 0: 64 KiB; rounded up to a power of two, at
                            * least 4 KiB, at most 2 GiB */
    uint32_t participants; /* handles at a time; 0: 64 */
} shmrpci_pipe_spec;

/* Fills in the region spec of a pipe. INVALID. */
shmrpc_status shmrpci_pipe_plan(const shmrpci_pipe_spec *spec,
                                shmrpci_region_spec *out, shmrpc_error *error);

typedef struct shmrpci_pipe shmrpci_pipe;

/* As shmrpci_queue_open(). */
shmrpc_status shmrpci_pipe_open(int fd, shmrpc_profile profile,
                                shmrpci_pipe **out, shmrpc_error *error);
/* NULL is allowed. A writer that has not ended the stream leaves it to the next
 * one: readers wait. */
void shmrpci_pipe_close(shmrpci_pipe *pipe);

const shmrpci_region *shmrpci_pipe_region(const shmrpci_pipe *pipe);

/* Deadlines are monotonic times; 0: don't wait, and BUSY instead of
   DEADLINE. */

/*
 * Writes `len` bytes, in as many pieces as there is room for. The first write
 * of a handle makes it the writer, until it ends the stream or closes.
 * `out_len`, also on failure: bytes written. BUSY: another handle is the writer
 * (`error` has its pid), or readers have not been told yet that one died;
 * DEADLINE, BUSY: not all had room; CANCELLED: the stream was ended; DESTROYED;
 * FORKED; EXHAUSTED; DATA_LOSS.
 */
shmrpc_status shmrpci_pipe_write(shmrpci_pipe *pipe, const void *data,
                                 size_t len, int64_t deadline_ns,
                                 size_t *out_len, shmrpc_error *error);

/* Ends the stream, forever: readers get the remaining bytes, then the end.
 * BUSY: another handle is the writer; CANCELLED: it was ended before. */
shmrpc_status shmrpci_pipe_end(shmrpci_pipe *pipe);

/*
 * Reads up to `len` bytes, at least one unless `len` is 0. 0 bytes and OK: the
 * end of the stream. OWNER_DIED: the writer died before it ended the stream;
 * reported once, after all its bytes; then readers wait for another writer.
 * DEADLINE, BUSY: nothing came; DESTROYED; FORKED; DATA_LOSS.
 */
shmrpc_status shmrpci_pipe_read(shmrpci_pipe *pipe, void *data, size_t len,
                                int64_t deadline_ns, size_t *out_len,
                                shmrpc_error *error);

/* Ends all waits and all use with DESTROYED. */
void shmrpci_pipe_destroy(shmrpci_pipe *pipe);

typedef struct shmrpci_pipe_stat {
    uint64_t capacity;
    uint64_t depth;   /* bytes that wait */
    uint64_t written; /* since it was made */
    uint64_t read;
    int32_t writer_pid; /* 0: none */
    uint32_t waiting_for_bytes;
    uint32_t waiting_for_room;
    uint32_t participants;
    bool is_ended;
    bool is_destroyed;
} shmrpci_pipe_stat;

void shmrpci_pipe_get_stat(const shmrpci_pipe *pipe, shmrpci_pipe_stat *out);

/* The same of a pipe that is not open here, as shmrpci_queue_look(). */
shmrpc_status shmrpci_pipe_look(int fd, shmrpci_pipe_stat *out,
                                shmrpc_error *error);

/* Checks a pipe that nobody uses meanwhile. */
uint64_t shmrpci_pipe_check(const shmrpci_pipe *pipe,
                            shmrpci_region_finding *finding, void *user);

/* As shmrpci_queue_announce(), for bytes to read. */
void shmrpci_pipe_announce(shmrpci_pipe *pipe, shmrpci_futex_on *out,
                           int64_t *out_max_ns);

#endif
