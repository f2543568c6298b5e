/*
 * Readers of a lock, in one process and in two: whether readers slow each other
 * down.
 *
 * The timed operation is: lock for reading, read a number, unlock. Nobody
 * writes. A "call" is a thousand of these operations by the timed process;
 * operations of the other process in that time count, too. If readers share no
 * cache line, two processes make twice as many operations.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "case.h"
#include "shmrpc/lock.h"

enum { CALLS = 1000 };

typedef struct readers_arena {
    _Alignas(128) pthread_rwlock_t rwlock;
    _Alignas(128) volatile uint64_t value; /* read under the lock */
    _Alignas(
        128) volatile uint64_t others; /* number of the other process's reads */
} readers_arena;

typedef struct readers_kind {
    void (*create)(readers_arena *arena);
    void (*lock)(readers_arena *arena);
    void (*unlock)(readers_arena *arena);
} readers_kind;

typedef struct readers_state {
    const readers_kind *kind;
    readers_arena *arena; /* shared by both processes */
} readers_state;

/* Inherited at the fork; each process attaches on first use. */
static shmrpc_lock *hybrid;

static void check(int code, const char *what)
{
    if (code != 0) {
        bench_fail("%s: %d", what, code);
    }
}

/* ---- the kinds ----------------------------------------------------------- */

static void hybrid_create(readers_arena *arena)
{
    char name[32];
    shmrpc_error error;
    const shmrpc_lock_opts opts = {.flags = SHMRPC_LOCK_SHARED};
    (void)arena;
    snprintf(name, sizeof name, "bench-readers-%d", (int)getpid());
    if (shmrpc_lock_open(name, SHMRPC_LOCK_REPLACE, &opts, &hybrid, &error) !=
        SHMRPC_OK) {
        bench_fail("%s: %s", error.name, error.message);
    }
}

static void hybrid_lock(readers_arena *arena)
{
    (void)arena;
    check(shmrpc_lock_acquire_shared(hybrid, NULL),
          "shmrpc_lock_acquire_shared");
}

static void hybrid_unlock(readers_arena *arena)
{
    (void)arena;
    check(shmrpc_lock_release_shared(hybrid), "shmrpc_lock_release_shared");
}

static void rwlock_create(readers_arena *arena)
{
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    check(pthread_rwlock_init(&arena->rwlock, &attr), "pthread_rwlock_init");
    pthread_rwlockattr_destroy(&attr);
}

static void rwlock_lock(readers_arena *arena)
{
    check(pthread_rwlock_rdlock(&arena->rwlock), "pthread_rwlock_rdlock");
}

static void rwlock_unlock(readers_arena *arena)
{
    check(pthread_rwlock_unlock(&arena->rwlock), "pthread_rwlock_unlock");
}

static const readers_kind kinds[] = {
    {hybrid_create, hybrid_lock, hybrid_unlock},
    {rwlock_create, rwlock_lock, rwlock_unlock},
};

/* ---- the cases ----------------------------------------------------------- */

static void *readers_setup(const bench_case *self)
{
    readers_state *const s = bench_alloc(sizeof *s);
    s->kind = self->with;
    s->arena = bench_shared(sizeof *s->arena);
    hybrid = NULL;
    s->kind->create(s->arena);
    return s;
}

static void readers_teardown(void *state)
{
    readers_state *const s = state;
    if (hybrid != NULL) {
        check(shmrpc_lock_destroy(hybrid), "shmrpc_lock_destroy");
        shmrpc_lock_close(hybrid);
    }
    bench_unshare(s->arena, sizeof *s->arena);
    free(s);
}

static void read_once(const readers_state *s)
{
    s->kind->lock(s->arena);
    if (s->arena->value != 0) {
        bench_fail("read %llu from a value that is never written",
                   (unsigned long long)s->arena->value);
    }
    s->kind->unlock(s->arena);
}

static void readers_serve(void *state)
{
    readers_state *const s = state;
    bench_ready();
    for (;;) {
        read_once(s);
        s->arena->others++;
    }
}

static void readers_call(void *state)
{
    const readers_state *const s = state;
    const uint64_t before = s->arena->others;
    for (unsigned i = 0; i < CALLS; i++) {
        read_once(s);
    }
    const uint64_t others = s->arena->others - before;
    bench_counts_as(1.0 + (double)others / CALLS);
}

#define READERS(label, what, where, other, who, ours, kind)                \
    {                                                                      \
        .name = "lock." label "." who, .about = (what), .places = (where), \
        .floor = BENCH_FLOOR_NONE, .contest = "lock " label,               \
        .contestant = who, .is_ours = (ours), .calls = CALLS,              \
        .with = &kinds[kind], .setup = readers_setup, .serve = (other),    \
        .call = readers_call, .teardown = readers_teardown                 \
    }

static const bench_case cases[] = {
    READERS("reader", "lock for reading, read, unlock: one process",
            BENCH_IN_ALONE, NULL, "shmrpc", 1, 0),
    READERS("reader", "lock for reading, read, unlock: one process",
            BENCH_IN_ALONE, NULL, "rwlock", 0, 1),
    READERS("readers", "lock for reading, read, unlock: two processes",
            BENCH_IN_ALL, readers_serve, "shmrpc", 1, 0),
    READERS("readers", "lock for reading, read, unlock: two processes",
            BENCH_IN_ALL, readers_serve, "rwlock", 0, 1),
};

const bench_suite readers = {cases, sizeof cases / sizeof *cases};
