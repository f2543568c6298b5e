/*
 * The system calls that the source makes: futexes, events, epoll, mutexes,
 * time.
 *
 * Sleeps last until somebody ends them: lost wake-ups become deadlocks, which
 * relacy finds. Only short sleeps, on which the protocol relies (the end of a
 * lease, deadlines of the case), may end at any moment. Slices, which only hide
 * errors here, never end.
 */
#ifndef TESTS_RELACY_KERNEL_H
#define TESTS_RELACY_KERNEL_H

#include <stdint.h>

/* Resets the kernel; called before each run. Sleeps of at most `short_ns` may
 * time out at any moment. */
void kernel_reset(int64_t short_ns);

/* Makes each wake-up take up to `ns`. */
void kernel_be_slow(int64_t ns);

/* Drops all byte locks of a descriptor, because its process is dead. */
void kernel_bury(int fd);

/* Runs the destructors (tss_create) at the end of a thread. */
void kernel_end_thread(void);

/* Makes a new descriptor. */
int kernel_fd(void);

#endif
