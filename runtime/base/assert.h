/*
 * Assertions of what our own code guarantees: states of state machines, who
 * owns what, lists and counts that agree.  Never for input of a peer, a file or
 * a caller: that is checked, and answered with a status.
 *
 * Debug and sanitizer builds (those that define SHMRPCI_ASSERTS) check them; a
 * failed one prints where, what and why it matters, and aborts.  In releases
 * nothing is left, so conditions must have no effect.  Threading: any thread.
 */
#ifndef SHMRPCI_BASE_ASSERT_H
#define SHMRPCI_BASE_ASSERT_H

#ifdef SHMRPCI_ASSERTS

_Noreturn void shmrpci_assert_failed(const char *file, int line,
                                     const char *condition, const char *what);

/* `what`: the invariant, as a sentence. */
#define SHMRPCI_ASSERT(condition, what) \
    ((condition)                        \
         ? (void)0                      \
         : shmrpci_assert_failed(__FILE__, __LINE__, #condition, what))

#else

/* The condition is still compiled, so that it stays valid and its variables
 * count as used. */
#define SHMRPCI_ASSERT(condition, what) ((void)(0 && (condition)))

#endif
#endif
