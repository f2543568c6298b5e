/* See kernel.h. This file is not instrumented, as it has no shared words. */
#include "kernel.h"

#include <threads.h>

#include "engine.h"
#include "os/byte_lock.h"
#include "os/clock.h"
#include "os/fork.h"
#include "os/futex.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/process.h"
#include "os/socket.h"
#include "os/thread.h"
#include "os/waiting.h"

#undef shmrpci_event_set
#undef shmrpci_futex_wake

/* Threads of the cases have no hooks. */
_Thread_local shmrpci_waiting shmrpci_my_waiting
    __attribute__((tls_model("initial-exec")));

#define THREADS 8
#define SETS    8
#define FDS     8
#define BYTES   8

typedef struct member {
    int fd;
    shmrpci_poll_mode mode;
    uint64_t tag;
    bool is_ready; /* an event is yet to be reported; not used for LEVEL */
} member;

typedef struct poll_set {
    member members[FDS];
    size_t count;
    int sleeper; /* the thread that sleeps on it, or -1 */
} poll_set;

static int64_t now_ns;
static int64_t short_ns;
static int64_t slow_ns;
static int fd_count;
static bool is_set[FDS];
static poll_set sets[SETS];
static size_t set_count;
static const void *sleeps_on[THREADS];
static bool is_parked[THREADS];

/* Byte locks: the words by which they order memory, and their owners. */
static uint32_t holders[BYTES];
static int has_holder[BYTES];

/* The same for bytes that several descriptors may share; these have the highest
 * numbers. */
#define SHARES      8
#define SHARED_FROM ((int64_t)1 << 41)
static uint32_t sharing;
static struct {
    int fd; /* -1: nobody has it */
    int64_t at;
} shares[SHARES];

static _Atomic uint32_t process = 1;
_Atomic(_Atomic uint32_t *) shmrpci_fork_word = &process;

void kernel_reset(int64_t short_sleep_ns)
{
    now_ns = SHMRPCI_NS_PER_S;
    short_ns = short_sleep_ns;
    slow_ns = 0;
    for (size_t i = 0; i < BYTES; i++) {
        holders[i] = 0;
        has_holder[i] = -1;
    }
    sharing = 0;
    for (size_t i = 0; i < SHARES; i++) {
        shares[i].fd = -1;
    }
    fd_count = 0;
    set_count = 0;
    for (size_t i = 0; i < THREADS; i++) {
        sleeps_on[i] = NULL;
        is_parked[i] = false;
    }
    for (size_t i = 0; i < FDS; i++) {
        is_set[i] = false;
    }
}

int kernel_fd(void)
{
    return fd_count++;
}

/* ---- time --------------------------------------------------------------- */

int64_t shmrpci_now_ns(void)
{
    return ++now_ns;
}

uint64_t shmrpci_ticks(void)
{
    return (uint64_t)++now_ns;
}

uint64_t shmrpci_ticks_of_ns(int64_t ns)
{
    return (uint64_t)ns;
}

int64_t shmrpci_ns_of_ticks(uint64_t ticks)
{
    return (int64_t)ticks;
}

int64_t shmrpci_deadline_after(int64_t timeout_ns)
{
    return now_ns + timeout_ns;
}

int64_t shmrpci_remaining_ns(int64_t deadline_ns)
{
    return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

int64_t shmrpci_tick_clock_set(shmrpci_tick_clock *clock)
{
    (void)clock;
    return now_ns;
}

/* Sleeps. Returns true if the sleep was timed, and the time is up. */
static bool sleep_until(int64_t until_ns)
{
    unsigned me = engine_thread();
    is_parked[me] = true;
    bool is_late = engine_park(until_ns - now_ns <= short_ns);
    is_parked[me] = false;
    now_ns += slow_ns != 0 && engine_random(2) == 0 ? slow_ns : 0;
    if (!is_late) {
        return false;
    }
    now_ns = until_ns > now_ns ? until_ns : now_ns;
    return true;
}

/* ---- futexes, mutexes, conditions --------------------------------------- */

/* Sleeps on an address. Returns true if the time is up. */
static bool sleep_on(const void *at, int64_t until_ns)
{
    unsigned me = engine_thread();
    sleeps_on[me] = at;
    bool is_late = sleep_until(until_ns);
    sleeps_on[me] = NULL;
    return is_late;
}

/* Which sleeper is woken first is random. */
static int wake(const void *at, int count)
{
    unsigned start = engine_random(THREADS);
    int woken = 0;
    for (unsigned i = 0; i < THREADS && woken < count; i++) {
        unsigned thread = (start + i) % THREADS;
        if (sleeps_on[thread] == at) {
            sleeps_on[thread] = NULL;
            woken++;
            if (is_parked[thread]) {
                engine_unpark(thread);
            }
        }
    }
    return woken;
}

shmrpci_futex_end shmrpci_futex_wait(_Atomic uint32_t *word, uint32_t expected,
                                     int64_t until_ns)
{
    if (engine_kernel_load((const void *)word) != expected) {
        return SHMRPCI_FUTEX_CHANGED;
    }
    return sleep_on((const void *)word, until_ns) ? SHMRPCI_FUTEX_LATE
                                                  : SHMRPCI_FUTEX_WOKEN;
}

int shmrpci_futex_wake(_Atomic uint32_t *word, int count)
{
    engine_step();
    return wake((const void *)word, count);
}

/* This file is not instrumented, so it must call the engine explicitly. The
 * engine's functions have the names of the sanitizer's functions. */
uint32_t __tsan_atomic32_exchange(volatile uint32_t *at, uint32_t value,
                                  int order);
void __tsan_atomic32_store(volatile uint32_t *at, uint32_t value, int order);

static volatile uint32_t *word_of(shmrpci_mutex *mutex)
{
    return (volatile uint32_t *)(void *)mutex;
}

void shmrpci_mutex_lock(shmrpci_mutex *mutex)
{
    engine_spare(true);
    while (__tsan_atomic32_exchange(word_of(mutex), 1, __ATOMIC_ACQUIRE) != 0) {
        /* The engine keeps the plain memory up to date, so it can be read. */
        if (*word_of(mutex) != 0) {
            (void)sleep_on(mutex, SHMRPCI_NEVER_NS);
        }
    }
}

bool shmrpci_mutex_lock_until(shmrpci_mutex *mutex, int64_t deadline_ns)
{
    (void)deadline_ns;
    engine_spare(true);
    bool is_free =
        __tsan_atomic32_exchange(word_of(mutex), 1, __ATOMIC_ACQUIRE) == 0;
    if (!is_free) {
        engine_spare(false);
    }
    return is_free;
}

void shmrpci_mutex_unlock(shmrpci_mutex *mutex)
{
    __tsan_atomic32_store(word_of(mutex), 0, __ATOMIC_RELEASE);
    (void)wake(mutex, THREADS);
    engine_spare(false);
}

bool shmrpci_cond_wait_until(shmrpci_cond *cond, shmrpci_mutex *mutex,
                             int64_t deadline_ns)
{
    unsigned me = engine_thread();
    sleeps_on[me] = cond;
    shmrpci_mutex_unlock(mutex);
    bool is_late = false;
    if (sleeps_on[me] == cond) {
        is_late = sleep_on(cond, deadline_ns);
    }
    shmrpci_mutex_lock(mutex);
    return !is_late;
}

void shmrpci_cond_signal(shmrpci_cond *cond)
{
    (void)wake(cond, 1);
}

/* ---- byte locks --------------------------------------------------------- */

void kernel_be_slow(int64_t ns)
{
    slow_ns = ns;
}

shmrpc_status shmrpci_byte_lock_try(int fd, int64_t first, int64_t count)
{
    (void)count;
    engine_step();
    if (has_holder[first] >= 0 && has_holder[first] != fd) {
        return SHMRPC_E_BUSY;
    }
    has_holder[first] = fd;
    (void)__tsan_atomic32_exchange(&holders[first], 1, __ATOMIC_ACQUIRE);
    return SHMRPC_OK;
}

uint32_t __tsan_atomic32_fetch_add(volatile uint32_t *at, uint32_t value,
                                   int order);

/* Models the lock that the kernel has around its list. */
static void pass_through_the_list(void)
{
    (void)__tsan_atomic32_fetch_add(&sharing, 1, __ATOMIC_ACQ_REL);
}

static void drop_shares(int fd, int64_t at)
{
    for (size_t i = 0; i < SHARES; i++) {
        if (shares[i].fd == fd && (at < 0 || shares[i].at == at)) {
            shares[i].fd = -1;
        }
    }
}

shmrpc_status shmrpci_byte_lock_share(int fd, int64_t at)
{
    pass_through_the_list();
    for (size_t i = 0; i < SHARES; i++) {
        if (shares[i].fd < 0) {
            shares[i].fd = fd;
            shares[i].at = at;
            return SHMRPC_OK;
        }
    }
    return SHMRPC_E_EXHAUSTED;
}

int64_t shmrpci_byte_lock_lowest(int fd, int64_t first, int64_t count)
{
    int64_t lowest = -1;
    pass_through_the_list();
    for (size_t i = 0; i < SHARES; i++) {
        int64_t at = shares[i].at;
        if (shares[i].fd >= 0 && shares[i].fd != fd && at >= first &&
            at - first < count && (lowest < 0 || at < lowest)) {
            lowest = at;
        }
    }
    return lowest;
}

int shmrpci_byte_lock_holder(int fd, int64_t at)
{
    (void)fd;
    (void)at;
    return 0;
}

void shmrpci_byte_lock_drop(int fd, int64_t first, int64_t count)
{
    (void)count;
    if (first >= SHARED_FROM) {
        pass_through_the_list();
        drop_shares(fd, first);
        return;
    }
    __tsan_atomic32_store(&holders[first], 0, __ATOMIC_RELEASE);
    has_holder[first] = -1;
}

void kernel_bury(int fd)
{
    for (int64_t i = 0; i < BYTES; i++) {
        if (has_holder[i] == fd) {
            shmrpci_byte_lock_drop(fd, i, 1);
        }
    }
    pass_through_the_list();
    drop_shares(fd, -1);
}

/* ---- events and sets ---------------------------------------------------- */

shmrpc_status shmrpci_poll_create(int *out_set)
{
    sets[set_count] = (poll_set){.sleeper = -1};
    *out_set = (int)set_count++;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_poll_add(int set, int fd, shmrpci_poll_mode mode,
                               uint64_t tag)
{
    poll_set *it = &sets[set];
    it->members[it->count++] = (member){fd, mode, tag, false};
    return SHMRPC_OK;
}

void shmrpci_poll_remove(int set, int fd)
{
    poll_set *it = &sets[set];
    for (size_t i = 0; i < it->count; i++) {
        if (it->members[i].fd == fd) {
            it->members[i] = it->members[--it->count];
        }
    }
}

/* Lets a sleeper run. Returns true if there was one. */
static bool rouse(poll_set *set)
{
    if (set->sleeper < 0) {
        return false;
    }
    unsigned thread = (unsigned)set->sleeper;
    set->sleeper = -1;
    engine_unpark(thread);
    return true;
}

/* Visits the sets in a random order. Of the sets that hold the descriptor as a
 * BELL, only the first one with a sleeper is woken; those visited before it
 * keep the event for their next poll. */
void shmrpci_event_set(int fd)
{
    engine_step();
    is_set[fd] = true;
    size_t start = set_count != 0 ? engine_random((unsigned)set_count) : 0;
    bool is_heard = false;
    for (size_t i = 0; i < set_count; i++) {
        poll_set *set = &sets[(start + i) % set_count];
        for (size_t k = 0; k < set->count; k++) {
            member *it = &set->members[k];
            if (it->fd != fd || (it->mode == SHMRPCI_POLL_BELL && is_heard)) {
                continue;
            }
            it->is_ready = true;
            is_heard = rouse(set) || is_heard;
        }
    }
}

static size_t report(poll_set *set, uint64_t *tags, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count && count < max; i++) {
        member *it = &set->members[i];
        bool is_level = it->mode == SHMRPCI_POLL_LEVEL;
        if (is_level ? is_set[it->fd] : it->is_ready) {
            tags[count++] = it->tag;
        }
        it->is_ready = false;
    }
    return count;
}

size_t shmrpci_poll_wait(int set, uint64_t *tags, size_t max,
                         int64_t deadline_ns)
{
    poll_set *it = &sets[set];
    for (;;) {
        engine_step();
        size_t count = report(it, tags, max);
        if (count != 0) {
            return count;
        }
        it->sleeper = (int)engine_thread();
        bool is_late = sleep_until(deadline_ns);
        it->sleeper = -1;
        if (is_late) {
            return 0;
        }
    }
}

shmrpc_status shmrpci_event_create(int *out_fd)
{
    *out_fd = kernel_fd();
    return SHMRPC_OK;
}

void shmrpci_event_clear(int fd)
{
    is_set[fd] = false;
}

bool shmrpci_poll_is_hung_up(int fd)
{
    (void)fd;
    return false;
}

void shmrpci_fd_close(int *fd)
{
    *fd = -1;
}

/* ---- state of a thread -------------------------------------------------- */

/* One key is enough for all cases. */
static tss_dtor_t destructor;
static void *values[THREADS];

int tss_create(tss_t *key, tss_dtor_t end)
{
    *key = 0;
    destructor = end;
    return thrd_success;
}

int tss_set(tss_t key, void *value)
{
    (void)key;
    values[engine_thread()] = value;
    return thrd_success;
}

void tss_delete(tss_t key)
{
    (void)key;
}

void kernel_end_thread(void)
{
    destructor(values[engine_thread()]);
}

/* ---- process and thread ------------------------------------------------- */

uint32_t shmrpci_current_cpu(void)
{
    return 0;
}

int32_t shmrpci_process_id(void)
{
    return 1;
}

uint32_t shmrpci_fork_renew(void)
{
    return 1;
}

uint32_t shmrpci_thread_number(void)
{
    return engine_thread() + 1;
}

bool shmrpci_thread_can_barrier(void)
{
    return true;
}

bool shmrpci_thread_barrier(void)
{
    engine_at(__FILE__, __LINE__, __func__, "barrier", "");
    engine_barrier();
    return true;
}

void shmrpci_thread_yield(void)
{
    engine_step();
}

/* Models a short sleep. */
bool shmrpci_poll_entries(shmrpci_poll_entry *entries, size_t count,
                          int64_t deadline_ns)
{
    (void)entries;
    (void)count;
    (void)deadline_ns;
    engine_step();
    return false;
}

void shmrpci_object_touch(int fd)
{
    (void)fd;
}

void shmrpci_memory_unmap(shmrpci_map *map)
{
    engine_forbid(map->at, map->bytes);
}
