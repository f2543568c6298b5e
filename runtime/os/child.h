/*
 * Child processes: made by fork, watched by descriptor, ended by signals.
 *
 * Threading: one thread of a process with a single thread, but for what says
 * otherwise.
 */
#ifndef SHMRPCI_OS_CHILD_H
#define SHMRPCI_OS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

/* So long the workers of a dead supervisor may go on, to end their calls. */
#define SHMRPCI_ORPHAN_NS INT64_C(500000000)

/* How a process ended. */
typedef struct shmrpci_child_end {
    int32_t status; /* of its exit; when signal is 0 */
    int32_t signal;
    bool has_dumped; /* a core */
} shmrpci_child_end;

/* Forks, with all standard output flushed: the child's pid, in the child 0,
 * or -1. */
int32_t shmrpci_child_fork(void);

/* Ends this process at once, with standard output flushed; what atexit knows
 * belongs to the process that was forked from. */
void shmrpci_child_leave(int status) __attribute__((noreturn));

/* A descriptor that is readable when the process has ended, for poll sets; of
 * a child that has not been reaped. */
shmrpc_status shmrpci_child_watch(int32_t pid, int *out_fd);

/* "SIGSEGV"; of one that has no name "a signal". */
void shmrpci_child_signal_name(int signal, char *out, size_t size);

/* Sends a signal to the process behind such a descriptor. */
void shmrpci_child_signal(int watch_fd, int signal);
#define SHMRPCI_CHILD_KILL 9

/* Whether the child has ended; if so, it is reaped, and `out` filled. */
bool shmrpci_child_reap(int32_t pid, shmrpci_child_end *out);
/* Waits for the end of a child. */
void shmrpci_child_wait(int32_t pid);

/* Sets the event `fd` (os/poll.h) whenever a child ends; -1: no more. */
void shmrpci_child_notify(int fd);

/* Signals to end, from a terminal or a manager. */
typedef enum shmrpci_end_signals {
    SHMRPCI_END_DEFAULT, /* they end the process */
    SHMRPCI_END_IGNORED, /* nothing happens; programs started by exec do end */
} shmrpci_end_signals;
void shmrpci_child_set_end_signals(shmrpci_end_signals how);

/* Names of the other threads of this process, separated by commas; returns
 * how many there are. */
size_t shmrpci_process_other_threads(char *names, size_t size);

/* Allows as many descriptors as the system lets us have. */
void shmrpci_process_raise_descriptors(void);

/* What processes and descriptors are limited to, for people, when one of them
 * is not to be had: "RLIMIT_NPROC (ulimit -u) is 100, RLIMIT_NOFILE (ulimit -n)
 * is 1024". */
void shmrpci_process_limits(char *out, size_t size);

/* Memory that is this process's share of what is mapped (PSS), in bytes; 0:
 * unknown. Costs milliseconds where much is mapped. Any thread. */
uint64_t shmrpci_process_memory_bytes(int32_t pid);

/* Memory in use that no file backs; what it shares with those that it was
 * forked from counts in full. 0: unknown. Costs microseconds. Any thread. */
uint64_t shmrpci_process_private_bytes(int32_t pid);

#endif
