/*
 * Hints for functions in which a few nanoseconds matter: the compiler lays out
 * the common path without jumps, and rare paths don't take its registers.
 *
 * Threading: macros only.
 */
#ifndef SHMRPCI_BASE_LIKELY_H
#define SHMRPCI_BASE_LIKELY_H

#define SHMRPCI_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define SHMRPCI_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* Marks a function as rarely called. */
#define SHMRPCI_SLOW __attribute__((noinline, cold))

#endif
