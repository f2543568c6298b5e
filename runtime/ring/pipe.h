/*
 * Pipes: a stream of bytes from one writer at a time to readers.
 *
 * A pipe is a region with one lane, whose ring has no records: just bytes from
 * the head to the tail. Each byte goes to one reader; usually there is one.
 *
 * Guarantees if a process dies at any instruction: a write stores its bytes in
 * pieces, and each piece is in the pipe completely, or not at all. When a
 * reader has read all the writer's bytes, it learns whether the writer ended
 * the stream (end of file) or died (OWNER_DIED). A dead writer blocks nobody;
 * another writer may continue when a reader has been told of the death.
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
    uint64_t capacity;     /* in bytes, at most 2 GiB; 0: 64 KiB. The ring for
                            * them is rounded up to a power of two, at least
                            * 4 KiB. */
    uint32_t participants; /* most handles at a time; 0: 64 */
} shmrpci_pipe_spec;

/* Fills in the region spec of a pipe. Returns INVALID if `spec` is not
 * valid. */
shmrpc_status shmrpci_pipe_plan(const shmrpci_pipe_spec *spec,
                                shmrpci_region_spec *out, shmrpc_error *error);

typedef struct shmrpci_pipe shmrpci_pipe;

/* Opens a pipe; for parameters and statuses see shmrpci_queue_open(). */
shmrpc_status shmrpci_pipe_open(int fd, shmrpc_profile profile,
                                shmrpci_pipe **out, shmrpc_error *error);
/* Closes it; NULL is allowed. If a writer closes its handle without ending the
 * stream, another handle may become the writer, and readers wait for that. */
void shmrpci_pipe_close(shmrpci_pipe *pipe);

const shmrpci_region *shmrpci_pipe_region(const shmrpci_pipe *pipe);

/* Deadlines are monotonic times. 0 means: don't wait, and return BUSY instead
 * of DEADLINE. */

/*
 * Writes `len` bytes, in as many pieces as room becomes free. The first write
 * of a handle makes it the writer, until it ends the stream or closes.
 * `out_len` is the number of bytes written, also on failure. Returns BUSY if
 * another handle is the writer (`error` has its pid), or if readers have not
 * been told yet that a writer died; DEADLINE or BUSY if not all bytes had room;
 * CANCELLED if the stream was ended; else DESTROYED, FORKED, EXHAUSTED or
 * DATA_LOSS.
 */
shmrpc_status shmrpci_pipe_write(shmrpci_pipe *pipe, const void *data,
                                 size_t len, int64_t deadline_ns,
                                 size_t *out_len, shmrpc_error *error);

/* Ends the stream, forever: readers get the remaining bytes, then the end.
 * Returns BUSY if another handle is the writer, CANCELLED if the stream was
 * ended before. */
shmrpc_status shmrpci_pipe_end(shmrpci_pipe *pipe);

/*
 * Reads up to `len` bytes, at least one unless `len` is 0. OK with 0 bytes is
 * the end of the stream. Returns OWNER_DIED if the writer died before it ended
 * the stream; that is reported once, after all its bytes, and then readers wait
 * for another writer. Returns DEADLINE or BUSY if no bytes came, else
 * DESTROYED, FORKED or DATA_LOSS.
 */
shmrpc_status shmrpci_pipe_read(shmrpci_pipe *pipe, void *data, size_t len,
                                int64_t deadline_ns, size_t *out_len,
                                shmrpc_error *error);

/* Ends all waits, and makes all further calls return DESTROYED. */
void shmrpci_pipe_destroy(shmrpci_pipe *pipe);

typedef struct shmrpci_pipe_stat {
    uint64_t capacity;
    uint64_t depth;   /* unread bytes */
    uint64_t written; /* bytes since it was made */
    uint64_t read;
    int32_t writer_pid; /* 0: there is no writer */
    uint32_t waiting_for_bytes;
    uint32_t waiting_for_room;
    uint32_t participants;
    bool is_ended;
    bool is_destroyed;
} shmrpci_pipe_stat;

void shmrpci_pipe_get_stat(const shmrpci_pipe *pipe, shmrpci_pipe_stat *out);

/* The same for a pipe that is not open here; compare shmrpci_queue_look(). */
shmrpc_status shmrpci_pipe_look(int fd, shmrpci_pipe_stat *out,
                                shmrpc_error *error);

/* Checks a pipe that nobody uses meanwhile. Returns the number of findings. */
uint64_t shmrpci_pipe_check(const shmrpci_pipe *pipe,
                            shmrpci_region_finding *finding, void *user);

/* Announces a sleeper that waits for bytes; compare
 * shmrpci_queue_announce(). */
void shmrpci_pipe_announce(shmrpci_pipe *pipe, shmrpci_futex_on *out,
                           int64_t *out_max_ns);

#endif
