/*
 * Child processes: made by fork, watched by descriptor, ended by signals.
 *
 * Threading: the only thread of the process, unless noted.
 */
#ifndef SHMRPCI_OS_CHILD_H
#define SHMRPCI_OS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

/* How long the workers of a dead supervisor have to end their calls. */
#define SHMRPCI_ORPHAN_NS INT64_C(500000000)

/* How a process ended. */
typedef struct shmrpci_child_end {
    int32_t status; /* exit status; if signal is 0 */
    int32_t signal;
    bool has_dumped; /* a core */
} shmrpci_child_end;

/* Forks, with all standard output flushed: the child's pid, in the child 0,
 * or -1. */
int32_t shmrpci_child_fork(void);

/* Ends this process at once, with standard output flushed; without the atexit
 * functions, which belong to the parent. */
void shmrpci_child_leave(int status) __attribute__((noreturn));

/* A descriptor that is readable when the process has ended, for poll sets; for
 * a child that was not reaped yet. */
shmrpc_status shmrpci_child_watch(int32_t pid, int *out_fd);

/* "SIGSEGV"; "a signal" if it has no name. */
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
    SHMRPCI_END_IGNORED, /* nothing happens; but they end programs started by
                          * exec */
} shmrpci_end_signals;
void shmrpci_child_set_end_signals(shmrpci_end_signals how);

/* Names of the other threads of this process, separated by commas; returns
 * how many there are. */
size_t shmrpci_process_other_threads(char *names, size_t size);

/* Raises the descriptor limit as far as the system allows. */
void shmrpci_process_raise_descriptors(void);

/* The limits on processes and descriptors, for messages about running out:
 * "RLIMIT_NPROC (ulimit -u) is 100, RLIMIT_NOFILE (ulimit -n) is 1024". */
void shmrpci_process_limits(char *out, size_t size);

/* The process's proportional share of its mapped memory (PSS), in bytes; 0:
 * unknown. Costs milliseconds if much is mapped. Any thread. */
uint64_t shmrpci_process_memory_bytes(int32_t pid);

/* Memory in use that no file backs; pages shared with the parent count in full.
 * 0: unknown. Costs microseconds. Any thread. */
uint64_t shmrpci_process_private_bytes(int32_t pid);

#endif
