/*
 * The hybrid lock, compared with a process-shared mutex, a robust mutex and a
 * semaphore: uncontended, and contended by two and by eight processes.
 *
 * The timed operation is: lock, add one to a number, unlock. With contention, a
 * "call" is a thousand of these operations by any process.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case.h"
#include "shmrpc/lock.h"

enum { MAX_CONTENDERS = 8, CALLS = 1000 };

typedef struct lock_arena {
    _Alignas(128) pthread_mutex_t mutex;
    _Alignas(128) sem_t semaphore;
    _Alignas(128) volatile uint64_t count; /* written under the lock */
    /* Each process's part of the count, also under the lock. */
    volatile uint64_t by[MAX_CONTENDERS];
} lock_arena;

typedef struct lock_kind {
    void (*create)(lock_arena *arena);
    void (*lock)(lock_arena *arena);
    void (*unlock)(lock_arena *arena);
} lock_kind;

typedef struct lock_shape {
    const lock_kind *kind;
    unsigned contenders;
} lock_shape;

typedef struct lock_state {
    const lock_shape *shape;
    lock_arena *arena; /* shared by all processes */
} lock_state;

/* Inherited at the fork; each process attaches on first use. */
static shmrpc_lock *hybrid;

static void check(int code, const char *what)
{
    if (code != 0) {
        bench_fail("%s: %d", what, code);
    }
}

/* ---- the kinds ----------------------------------------------------------- */

static void hybrid_create(lock_arena *arena)
{
    char name[32];
    shmrpc_error error;
    (void)arena;
    snprintf(name, sizeof name, "bench-%d", (int)getpid());
    if (shmrpc_lock_open(name, SHMRPC_LOCK_REPLACE, NULL, &hybrid, &error) !=
        SHMRPC_OK) {
        bench_fail("%s: %s", error.name, error.message);
    }
}

static void hybrid_lock(lock_arena *arena)
{
    (void)arena;
    check(shmrpc_lock_acquire(hybrid, NULL), "shmrpc_lock_acquire");
}

static void hybrid_unlock(lock_arena *arena)
{
    (void)arena;
    check(shmrpc_lock_release(hybrid), "shmrpc_lock_release");
}

static void make_mutex(lock_arena *arena, int robustness)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, robustness);
    check(pthread_mutex_init(&arena->mutex, &attr), "pthread_mutex_init");
    pthread_mutexattr_destroy(&attr);
}

static void mutex_create(lock_arena *arena)
{
    make_mutex(arena, PTHREAD_MUTEX_STALLED);
}

static void robust_create(lock_arena *arena)
{
    make_mutex(arena, PTHREAD_MUTEX_ROBUST);
}

static void mutex_lock(lock_arena *arena)
{
    check(pthread_mutex_lock(&arena->mutex), "pthread_mutex_lock");
}

static void mutex_unlock(lock_arena *arena)
{
    check(pthread_mutex_unlock(&arena->mutex), "pthread_mutex_unlock");
}

static void semaphore_create(lock_arena *arena)
{
    check(sem_init(&arena->semaphore, 1, 1), "sem_init");
}

static void semaphore_lock(lock_arena *arena)
{
    while (sem_wait(&arena->semaphore) != 0) {
        if (errno != EINTR) {
            bench_fail("sem_wait: %s", strerror(errno));
        }
    }
}

static void semaphore_unlock(lock_arena *arena)
{
    check(sem_post(&arena->semaphore), "sem_post");
}

static const lock_kind kinds[] = {
    {hybrid_create, hybrid_lock, hybrid_unlock},
    {mutex_create, mutex_lock, mutex_unlock},
    {robust_create, mutex_lock, mutex_unlock},
    {semaphore_create, semaphore_lock, semaphore_unlock},
};

/* ---- the cases ----------------------------------------------------------- */

static void *lock_setup(const bench_case *self)
{
    lock_state *const s = bench_alloc(sizeof *s);
    s->shape = self->with;
    s->arena = bench_shared(sizeof *s->arena);
    hybrid = NULL;
    s->shape->kind->create(s->arena);
    return s;
}

static uint64_t sum_of(const lock_arena *arena)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < MAX_CONTENDERS; i++) {
        sum += arena->by[i];
    }
    return sum;
}

static void lock_teardown(void *state)
{
    lock_state *const s = state;
    /* Other processes may still run, so the count must lie between two sums
     * taken before and after it. */
    const uint64_t before = sum_of(s->arena);
    const uint64_t count = s->arena->count;
    const uint64_t after = sum_of(s->arena);
    if (hybrid != NULL) {
        check(shmrpc_lock_destroy(hybrid), "shmrpc_lock_destroy");
        shmrpc_lock_close(hybrid);
    }
    bench_unshare(s->arena, sizeof *s->arena);
    free(s);
    if (before > count || count > after + 1) {
        bench_fail("the lock does not exclude: counted %llu of %llu",
                   (unsigned long long)count, (unsigned long long)before);
    }
}

static uint64_t add_one(const lock_state *s, unsigned who)
{
    s->shape->kind->lock(s->arena);
    const uint64_t count = s->arena->count + 1;
    s->arena->count = count;
    s->arena->by[who]++;
    s->shape->kind->unlock(s->arena);
    return count;
}

static void lock_serve(void *state)
{
    lock_state *const s = state;
    unsigned who = 1;
    for (unsigned i = 2; i < s->shape->contenders && who == 1; i++) {
        if (bench_fork() == 0) {
            who = i;
        }
    }
    if (who == 1) {
        bench_ready();
    }
    for (;;) {
        (void)add_one(s, who);
    }
}

static void lock_call(void *state)
{
    const lock_state *const s = state;
    const uint64_t before = s->arena->count;
    uint64_t made;
    do {
        made = add_one(s, 0) - before;
    } while (made < CALLS);
    bench_counts_as((double)made / CALLS);
}

static void free_call(void *state)
{
    (void)add_one(state, 0);
}

static const lock_shape shapes[][4] = {
    {{&kinds[0], 1}, {&kinds[1], 1}, {&kinds[2], 1}, {&kinds[3], 1}},
    {{&kinds[0], 2}, {&kinds[1], 2}, {&kinds[2], 2}, {&kinds[3], 2}},
    {{&kinds[0], 8}, {&kinds[1], 8}, {&kinds[2], 8}, {&kinds[3], 8}},
};

#define LOCK(label, what, shape, who, ours, kind)                        \
    {                                                                    \
        .name = "lock." label "." who, .about = (what),                  \
        .places = (shape) == 0   ? BENCH_IN_ALONE                        \
                  : (shape) == 1 ? BENCH_IN_ALL                          \
                                 : BENCH_IN_FREE,                        \
        .floor = BENCH_FLOOR_NONE,                                       \
        .contest = (shape) == 0 ? "uncontended" : "lock " label,         \
        .contestant = who, .is_ours = (ours),                            \
        .calls = (shape) == 0 ? 0 : CALLS, .with = &shapes[shape][kind], \
        .setup = lock_setup, .serve = (shape) == 0 ? NULL : lock_serve,  \
        .call = (shape) == 0 ? free_call : lock_call,                    \
        .teardown = lock_teardown                                        \
    }
#define LOCKS(label, what, shape)                 \
    LOCK(label, what, shape, "shmrpc", 1, 0),     \
        LOCK(label, what, shape, "mutex", 0, 1),  \
        LOCK(label, what, shape, "robust", 0, 2), \
        LOCK(label, what, shape, "semaphore", 0, 3)

static const bench_case cases[] = {
    LOCKS("free", "lock, add one, unlock: one process", 0),
    LOCKS("two", "lock, add one, unlock: two processes", 1),
    LOCKS("eight", "lock, add one, unlock: eight processes", 2),
};

const bench_suite locks = {cases, sizeof cases / sizeof *cases};
