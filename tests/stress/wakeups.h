/*
 * Counts wake-ups, to check that processes that should sleep do sleep.
 *
 * Threading: one thread.
 */
#ifndef SHMRPCI_TESTS_STRESS_WAKEUPS_H
#define SHMRPCI_TESTS_STRESS_WAKEUPS_H

#include <stdbool.h>
#include <sys/types.h>

/* ThreadSanitizer adds a thread to each process, which wakes up. */
#if defined(__SANITIZE_THREAD__)
#define WAKEUPS_HAS_STRANGERS true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WAKEUPS_HAS_STRANGERS true
#endif
#endif
#ifndef WAKEUPS_HAS_STRANGERS
#define WAKEUPS_HAS_STRANGERS false
#endif

/* Context switches of all threads of a process since it started. */
unsigned long wakeups_switches(pid_t pid);

/* Returns by how much the result of `count` increases within `seconds`: the
 * least of several attempts, because a debugger or the migration of a page may
 * wake a process. */
unsigned long wakeups_least(unsigned long (*count)(void), unsigned seconds);

#endif
