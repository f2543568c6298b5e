/*
 * Waiting for descriptors: sets (epoll), events, timers, and a quick look at a
 * single one.
 *
 * Threading: any thread; a set is waited on by one thread at a time.
 */
#ifndef SHMRPCI_OS_POLL_H
#define SHMRPCI_OS_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

typedef enum shmrpci_poll_mode {
    /* Every set that holds the descriptor reports it, as long as it is
     * readable. */
    SHMRPCI_POLL_LEVEL,
    /* For events that nobody clears: each time an event is set, one of the
     * waiting sets reports it, once. */
    SHMRPCI_POLL_BELL,
    /* Input, room for output and hang-up: each new occurrence is reported once,
     * to one of the threads that wait on the set. */
    SHMRPCI_POLL_EDGE
} shmrpci_poll_mode;

shmrpc_status shmrpci_poll_create(int *out_set);
/* Watches `fd` for input and hang-up; `tag` is what wait reports. */
shmrpc_status shmrpci_poll_add(int set, int fd, shmrpci_poll_mode mode,
                               uint64_t tag);
/* Makes the set report an EDGE descriptor again if it is still ready. */
void shmrpci_poll_again(int set, int fd, uint64_t tag);
void shmrpci_poll_remove(int set, int fd);
/* Waits until `deadline_ns` (SHMRPCI_NEVER_NS: forever; 0: returns at once) for
 * up to `max` (at most 64) ready descriptors; returns how many tags it filled,
 * 0 at the deadline or on a signal. */
size_t shmrpci_poll_wait(int set, uint64_t *tags, size_t max,
                         int64_t deadline_ns);

/* Like wait, for sets whose tags are below SHMRPCI_POLL_HUNG_UP. Once the peer
 * has closed its side, that bit is added to the tag; then the caller must read
 * what is left, up to the end. */
#define SHMRPCI_POLL_HUNG_UP (UINT64_C(1) << 63)
size_t shmrpci_poll_wait_edges(int set, uint64_t *tags, size_t max,
                               int64_t deadline_ns);

/* Whether the other end of a socket has hung up; doesn't block. */
bool shmrpci_poll_is_hung_up(int fd);

/* Waits for input or hang-up; returns false at the deadline. */
bool shmrpci_poll_readable(int fd, int64_t deadline_ns);

/* A descriptor to wait for: input if `read`, room for output if `write`,
 * hang-up always. `is_ready` is the result. */
typedef struct shmrpci_poll_entry {
    int fd;
    bool read;
    bool write;
    bool is_ready;
} shmrpci_poll_entry;

/* Waits for any of up to 4 entries; returns false at the deadline (0: returns
 * at once; NEVER: waits forever). A signal does not end the wait. */
bool shmrpci_poll_entries(shmrpci_poll_entry *entries, size_t count,
                          int64_t deadline_ns);

/* An event, which can be watched in a set. Setting it never blocks and is
 * async-signal-safe. */
shmrpc_status shmrpci_event_create(int *out_fd);
void shmrpci_event_set(int fd);
/* Clears the event. */
void shmrpci_event_clear(int fd);

/* A timer, which can be watched in a set: readable from `at_ns` on, a monotonic
 * time, until it is cleared or set again. SHMRPCI_NEVER_NS stops it. */
shmrpc_status shmrpci_timer_create(int *out_fd);
void shmrpci_timer_set(int fd, int64_t at_ns);
void shmrpci_timer_clear(int fd);

#endif
