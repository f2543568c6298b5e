/*
 * Assertions about what our own code guarantees: states of state machines,
 * ownership, lists and counts that agree. Never use them for the input of a
 * peer, a file or a caller: check such input, and answer with a status.
 *
 * Debug and sanitizer builds (which define SHMRPCI_ASSERTS) check them; a
 * failed one prints where, what and why it matters, and aborts. Release builds
 * drop the conditions, so conditions must have no side effects. Threading: any
 * thread.
 */
#ifndef SHMRPCI_BASE_ASSERT_H
#define SHMRPCI_BASE_ASSERT_H

#ifdef SHMRPCI_ASSERTS

_Noreturn void shmrpci_assert_failed(const char *file, int line,
                                     const char *condition, const char *what);

/* `what` states the invariant, as a sentence. */
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
