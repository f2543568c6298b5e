/*
 * Whether processes that should sleep do.
 *
 * Threading: one thread.
 */
#ifndef SHMRPCI_TESTS_STRESS_WAKEUPS_H
#define SHMRPCI_TESTS_STRESS_WAKEUPS_H

#include <stdbool.h>
#include <sys/types.h>

/* ThreadSanitizer has a thread of its own in each process, which wakes. */
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

/* Context switches of all threads of a process since it began. */
unsigned long wakeups_switches(pid_t pid);

/* How many of what `count` counts there are in so many seconds: the least of
 * some tries, as a debugger's glance or a page that is moved may wake somebody.
 */
unsigned long wakeups_least(unsigned long (*count)(void), unsigned seconds);

#endif
