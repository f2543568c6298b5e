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

/* Before each run. */
void kernel_reset(void);

/* A descriptor. */
int kernel_fd(void);

#endif
