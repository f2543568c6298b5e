/*
 * Pipes: a stream of bytes from one writer at a time to readers.
 *
 * A pipe is a region with one lane, whose ring has no records: just bytes from
 * the head to the tail. Each byte goes to one reader; usually there is one.
 *
 * What is promised when a process dies at any instruction: bytes are there as
 * soon as write has begun to return, or are not; a reader is told whether the
 * writer ended the stream (end of file) or died in it (OWNER_DIED), after all
 * that it wrote. A writer that dies holds up nobody; another may go on when the
 * readers have been told.
 *
 * Threading: any thread, but for open and close. Threads of a handle that write
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

/* What a creator asks for. */
typedef struct shmrpci_pipe_spec {
    const char *name;
    size_t name_len;
    uint64_t capacity;     /* bytes; 0: 64 KiB; rounded up to a power of two, at
                            * least 4 KiB, at most 2 GiB */
    uint32_t participants; /* handles at a time; 0: 64 */
} shmrpci_pipe_spec;

/* What region a pipe needs. INVALID. */
shmrpc_status shmrpci_pipe_plan(const shmrpci_pipe_spec *spec,
                                shmrpci_region_spec *out, shmrpc_error *error);

typedef struct shmrpci_pipe shmrpci_pipe;

/* As shmrpci_queue_open(). */
shmrpc_status shmrpci_pipe_open(int fd, shmrpc_profile profile,
                                shmrpci_pipe **out, shmrpc_error *error);
/* NULL is fine. A writer that has not ended the stream leaves it to the next
 * one: readers wait. */
void shmrpci_pipe_close(shmrpci_pipe *pipe);

const shmrpci_region *shmrpci_pipe_region(const shmrpci_pipe *pipe);

/* Deadlines are monotonic times; 0: not waiting, and BUSY instead of DEADLINE.
 */

/*
 * Writes `len` bytes, in as many pieces as there is room for. The first write
 * of a handle makes it the writer, until it ends the stream or closes.
 * `out_len`, also when it fails: how many. BUSY: another handle is the writer
 * (`error` has its pid), or readers have not been told yet that one died;
 * DEADLINE, BUSY: not all had room; CANCELLED: the stream was ended; DESTROYED;
 * FORKED; EXHAUSTED; DATA_LOSS.
 */
shmrpc_status shmrpci_pipe_write(shmrpci_pipe *pipe, const void *data,
                                 size_t len, int64_t deadline_ns,
                                 size_t *out_len, shmrpc_error *error);

/* Ends the stream, for ever: readers get what is there, then the end. BUSY:
 * another is the writer; CANCELLED: it was ended before. */
shmrpc_status shmrpci_pipe_end(shmrpci_pipe *pipe);

/*
 * Reads up to `len` bytes, at least one unless `len` is 0. 0 bytes and OK: the
 * end of the stream. OWNER_DIED: the writer died before it ended the stream;
 * told once, after all that it wrote, and then readers wait for another
 * writer.
 * DEADLINE, BUSY: nothing came; DESTROYED; FORKED; DATA_LOSS.
 */
shmrpc_status shmrpci_pipe_read(shmrpci_pipe *pipe, void *data, size_t len,
                                int64_t deadline_ns, size_t *out_len,
                                shmrpc_error *error);

/* Ends all waits and all use: DESTROYED. */
void shmrpci_pipe_destroy(shmrpci_pipe *pipe);

typedef struct shmrpci_pipe_stat {
    uint64_t capacity;
    uint64_t depth;   /* bytes that wait */
    uint64_t written; /* since it was made */
    uint64_t read;
    int32_t writer_pid; /* 0: nobody is */
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

/* Judges a pipe that nobody uses meanwhile. */
uint64_t shmrpci_pipe_check(const shmrpci_pipe *pipe,
                            shmrpci_region_finding *finding, void *user);

/* As shmrpci_queue_announce(), for bytes to read. */
void shmrpci_pipe_announce(shmrpci_pipe *pipe, shmrpci_futex_on *out,
                           int64_t *out_max_ns);

#endif
