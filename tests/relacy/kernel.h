/*
 * What the text asks of the system: futexes, events, epoll, mutexes, time.
 *
 * Sleeps last until somebody ends them: lost wake-ups are deadlocks, which
 * relacy finds.  Only short ones, which the protocol counts on (the end of a
 * lease, deadlines of the case), end at any moment; slices, which make up for
 * what should not happen, never do.
 */
#ifndef TESTS_RELACY_KERNEL_H
#define TESTS_RELACY_KERNEL_H

#include <stdint.h>

/* Before each run. Sleeps of at most `short_ns` end at any moment. */
void kernel_reset(int64_t short_ns);

/* Each wake-up may take so long. */
void kernel_be_slow(int64_t ns);

/* All byte locks of a descriptor are dropped, as its process is dead. */
void kernel_bury(int fd);

/* What the end of a thread has done for it (tss_create). */
void kernel_end_thread(void);

/* A descriptor. */
int kernel_fd(void);

#endif
