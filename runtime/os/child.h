/*
 * Child processes: made by fork, watched by descriptor, ended by signals.
 *
 * Threading: only for a process with a single thread, unless noted.
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
    int32_t status; /* exit status; valid if signal is 0 */
    int32_t signal;
    bool has_dumped; /* whether it left a core dump */
} shmrpci_child_end;

/* Flushes all standard output and forks; returns the child's pid, in the child
 * 0, or -1. */
int32_t shmrpci_child_fork(void);

/* Flushes standard output and ends this process at once, without the atexit
 * functions, which belong to the parent. */
void shmrpci_child_leave(int status) __attribute__((noreturn));

/* Gives a descriptor, for poll sets, that is readable when the process has
 * ended. `pid` is a child that was not reaped yet. */
shmrpc_status shmrpci_child_watch(int32_t pid, int *out_fd);

/* Writes the signal's name, as "SIGSEGV", or "a signal" if it has none. */
void shmrpci_child_signal_name(int signal, char *out, size_t size);

/* Sends a signal to the process behind a descriptor of shmrpci_child_watch. */
void shmrpci_child_signal(int watch_fd, int signal);
#define SHMRPCI_CHILD_KILL 9

/* Whether the child has ended; if so, reaps it and fills `out`. */
bool shmrpci_child_reap(int32_t pid, shmrpci_child_end *out);
/* Waits for the end of a child. */
void shmrpci_child_wait(int32_t pid);

/* Sets the event `fd` (os/poll.h) whenever a child ends; -1 turns this off. */
void shmrpci_child_notify(int fd);

/* What the signals do by which a terminal or a manager asks the process to
 * end. */
typedef enum shmrpci_end_signals {
    SHMRPCI_END_DEFAULT, /* they end the process */
    SHMRPCI_END_IGNORED, /* ignored, but reset to the default in programs
                          * started by exec */
} shmrpci_end_signals;
void shmrpci_child_set_end_signals(shmrpci_end_signals how);

/* Writes the names of the other threads of this process, separated by commas;
 * returns how many there are. */
size_t shmrpci_process_other_threads(char *names, size_t size);

/* Raises the descriptor limit as far as the system allows. */
void shmrpci_process_raise_descriptors(void);

/* The limits on processes and descriptors, for messages about running out:
 * "RLIMIT_NPROC (ulimit -u) is 100, RLIMIT_NOFILE (ulimit -n) is 1024". */
void shmrpci_process_limits(char *out, size_t size);

/* Returns the process's proportional share of its mapped memory (PSS), in
 * bytes, or 0 if unknown. Costs milliseconds if much is mapped. Any thread. */
uint64_t shmrpci_process_memory_bytes(int32_t pid);

/* Returns the memory in use that no file backs; pages shared with the parent
 * count in full. 0 if unknown. Costs microseconds. Any thread. */
uint64_t shmrpci_process_private_bytes(int32_t pid);

#endif
