/* The futex system call. */
#include "os/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/crash.h"
#include "os/waiting.h"

static shmrpci_futex_end sleep_on(_Atomic uint32_t *word, uint32_t expected,
                                  int64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / SHMRPCI_NS_PER_S),
                             .tv_nsec = (long)(until_ns % SHMRPCI_NS_PER_S)};
    /* Unlike FUTEX_WAIT, the bitset form takes an absolute time. */
    if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &until, NULL,
                FUTEX_BITSET_MATCH_ANY) == 0) {
        return SHMRPCI_FUTEX_WOKEN;
    }
    switch (errno) {
    case EAGAIN:
        return SHMRPCI_FUTEX_CHANGED;
    case ETIMEDOUT:
        return SHMRPCI_FUTEX_LATE;
    default:
        return SHMRPCI_FUTEX_WOKEN;
    }
}

shmrpci_futex_end shmrpci_futex_wait(_Atomic uint32_t *word, uint32_t expected,
                                     int64_t until_ns)
{
    if (!shmrpci_waiting_is_hooked()) {
        return sleep_on(word, expected, until_ns);
    }
    int64_t slice_ns = shmrpci_waiting_begin(until_ns);
    errno = 0;
    shmrpci_futex_end end = sleep_on(word, expected, slice_ns);
    shmrpci_waiting_end(slice_ns, errno == EINTR);
    return end == SHMRPCI_FUTEX_LATE && slice_ns < until_ns
               ? SHMRPCI_FUTEX_WOKEN
               : end;
}

/* The kernel's struct; older headers lack it. */
typedef struct waiter {
    uint64_t value;
    uint64_t word;
    uint32_t flags;
    uint32_t reserved;
} waiter;

#define WAITV_CALL 449 /* the system call's number on all architectures */
#define WAITV_32   2u  /* flag: a 32-bit word that processes share */

static bool sleep_on_any(const shmrpci_futex_on *on, size_t count,
                         int64_t until_ns)
{
    waiter waiters[SHMRPCI_FUTEX_ANY_MAX];
    struct timespec until = {.tv_sec = (time_t)(until_ns / SHMRPCI_NS_PER_S),
                             .tv_nsec = (long)(until_ns % SHMRPCI_NS_PER_S)};
    for (size_t i = 0; i < count; i++) {
        waiters[i] = (waiter){.value = on[i].expected,
                              .word = (uint64_t)(uintptr_t)on[i].word,
                              .flags = WAITV_32};
    }
    return syscall(WAITV_CALL, waiters, count, 0, &until, CLOCK_MONOTONIC) >=
               0 ||
           (errno != ENOSYS && errno != EPERM && errno != EINVAL);
}

bool shmrpci_futex_wait_any(const shmrpci_futex_on *on, size_t count,
                            int64_t until_ns)
{
    if (!shmrpci_waiting_is_hooked()) {
        return sleep_on_any(on, count, until_ns);
    }
    int64_t slice_ns = shmrpci_waiting_begin(until_ns);
    errno = 0;
    bool is_there = sleep_on_any(on, count, slice_ns);
    shmrpci_waiting_end(slice_ns, errno == EINTR);
    return is_there;
}

int shmrpci_futex_wake(_Atomic uint32_t *word, int count)
{
    SHMRPCI_CRASHPOINT;
    long woken = syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
    return woken > 0 ? (int)woken : 0;
}
