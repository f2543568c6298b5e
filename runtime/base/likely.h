/*
 * Hints for functions of which a few nanoseconds count: what happens nearly
 * always is laid out in one line, the rest is kept out of its registers.
 *
 * Threading: none.
 */
#ifndef SHMRPCI_BASE_LIKELY_H
#define SHMRPCI_BASE_LIKELY_H

#define SHMRPCI_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define SHMRPCI_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* Marks a function as rarely called. */
#define SHMRPCI_SLOW __attribute__((noinline, cold))

#endif
