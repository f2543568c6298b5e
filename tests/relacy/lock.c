/*
 * The hybrid lock: the source of lock.c, lock_wait.c, lock_shared.c and
 * lock_file.c.
 *
 * Each thread has its own handle of the lock, as processes have. The lock
 * protects a plain number.
 */
#include <setjmp.h>
#include <string.h>

#include "engine.h"
#include "kernel.h"
#include "os/byte_lock.h"
#include "os/clock.h"
#include "sync/lock.h"

#define THREADS 3u

static struct {
    uint32_t flags;
    unsigned turns;     /* of each thread */
    bool may_give_up;   /* they may give up at any moment */
    bool may_die;       /* the first thread may die at any moment */
    bool is_one_handle; /* all threads use one handle, as in one process */
} plan;

static union {
    shmrpci_lock_file file;
    _Alignas(128) uint8_t bytes[256 + THREADS * 128];
} memory;
static shmrpc_lock handles[THREADS];
static uint64_t number;  /* protected by the lock */
static unsigned entered; /* how often it was changed, including a change in
                          * progress */
static unsigned changed; /* how often it was surely changed */
static unsigned inside_writers;
static unsigned inside_readers;
static jmp_buf death;

/* Functions for forks, which do not happen here. */
shmrpc_status shmrpci_lock_ensure(shmrpc_lock *lock)
{
    (void)lock;
    return SHMRPC_OK;
}

static void attach(shmrpc_lock *lock)
{
    memset(lock, 0, sizeof *lock);
    lock->flags = plan.flags;
    lock->fd = kernel_fd();
    lock->at = (shmrpci_lock_map){.file = &memory.file,
                                  .kind = plan.flags & SHMRPCI_LOCK_KIND,
                                  .slot_count = THREADS};
    shmrpci_store_relaxed(&lock->descent.generation, 1u);
    engine_ignore(&lock->descent.generation, sizeof lock->descent.generation);
    engine_ignore(&lock->spinner, sizeof lock->spinner);
    ENGINE_CHECK(shmrpci_lock_attach(lock) == SHMRPC_OK);
    engine_ignore(&lock->self->cpu, sizeof lock->self->cpu);
}

static void before(void)
{
    /* Slices may time out only if threads may die, because a waiter notices a
     * dead owner at the end of a slice. */
    kernel_reset(plan.may_die ? SHMRPCI_LOCK_SLICE_NS : SHMRPCI_NS_PER_US);
    if ((plan.flags & SHMRPC_LOCK_FAIR) != 0) {
        kernel_be_slow(SHMRPCI_LOCK_PATIENCE_NS);
    }
    memset(&memory, 0, sizeof memory);
    engine_ignore(shmrpci_fork_word, 4);
    engine_ignore(&shmrpci_fork_word, sizeof shmrpci_fork_word);
    for (unsigned i = 0; i < THREADS; i++) {
        if (i == 0 || !plan.is_one_handle) {
            attach(&handles[i]);
        }
    }
    number = entered = changed = inside_writers = inside_readers = 0;
    engine_watch(&number, sizeof number);
}

/* ---- threads
 * ----------------------------------------------------------------- */

static const shmrpc_lock_wait *patience(void)
{
    static const shmrpc_lock_wait shortly = {.timeout_ns = 8};
    static const shmrpc_lock_wait for_long = {.timeout_ns = SHMRPCI_NEVER_NS};
    return plan.may_give_up && engine_random(2) == 0 ? &shortly : &for_long;
}

/* Whether this thread got the lock. */
static bool is_had(shmrpc_lock *lock, shmrpc_status status)
{
    if (status == SHMRPC_E_OWNER_DIED) {
        ENGINE_CHECK(plan.may_die);
        (void)shmrpc_lock_consistent(lock);
        return true;
    }
    ENGINE_CHECK(status == SHMRPC_OK ||
                 (status == SHMRPC_E_DEADLINE && plan.may_give_up));
    return status == SHMRPC_OK;
}

static void write_once(shmrpc_lock *lock)
{
    if (!is_had(lock, shmrpc_lock_acquire(lock, patience()))) {
        return;
    }
    ENGINE_CHECK(inside_writers == 0 && inside_readers == 0);
    inside_writers = engine_thread() + 1;
    entered++;
    uint64_t was = number;
    engine_step();
    number = was + 1;
    changed++;
    inside_writers = 0;
    ENGINE_CHECK(shmrpc_lock_release(lock) == SHMRPC_OK);
}

static void read_once(shmrpc_lock *lock)
{
    if (!is_had(lock, shmrpc_lock_acquire_shared(lock, patience()))) {
        return;
    }
    ENGINE_CHECK(inside_writers == 0);
    inside_readers++;
    uint64_t was = number;
    engine_step();
    ENGINE_CHECK(number == was);
    inside_readers--;
    ENGINE_CHECK(shmrpc_lock_release_shared(lock) == SHMRPC_OK);
}

static void take_turns(unsigned index)
{
    shmrpc_lock *lock = &handles[plan.is_one_handle ? 0 : index];
    bool is_reader = (plan.flags & SHMRPC_LOCK_SHARED) != 0 && index != 1;
    for (unsigned i = 0; i < plan.turns; i++) {
        is_reader ? read_once(lock) : write_once(lock);
    }
}

/* What the kernel does after the dead thread's last access. */
static void bury(shmrpc_lock *lock)
{
    if (inside_writers == engine_thread() + 1) {
        inside_writers = 0;
    }
    kernel_bury(lock->fd);
}

static void thread(unsigned index)
{
    if (index != 0 || !plan.may_die) {
        take_turns(index);
        return;
    }
    if (setjmp(death) == 0) {
        engine_die(&death, 1 + engine_random(24));
        take_turns(index);
        engine_die(&death, 0);
    } else {
        bury(&handles[index]);
    }
}

static void after(void)
{
    ENGINE_CHECK(number == changed);
    ENGINE_CHECK(plan.may_give_up || plan.may_die ||
                 (plan.flags & SHMRPC_LOCK_SHARED) != 0 ||
                 changed == THREADS * plan.turns);
    ENGINE_CHECK(plan.may_die || (shmrpci_load_seq(&memory.file.word) &
                                  SHMRPCI_LOCK_OWNER) == 0);
}

/* ---- cases
 * ------------------------------------------------------------------- */

#define CASE(name, ...)                \
    static void before_##name(void)    \
    {                                  \
        memset(&plan, 0, sizeof plan); \
        plan.turns = 2;                \
        __VA_ARGS__;                   \
        before();                      \
    }

CASE(simple, plan.flags = 0)
CASE(threads, plan.is_one_handle = true)
CASE(semaphore, plan.flags = SHMRPC_LOCK_SEMAPHORE)
CASE(given_up, plan.may_give_up = true)
CASE(fair, plan.flags = SHMRPC_LOCK_FAIR)
CASE(death, plan.may_die = true)
CASE(shared, plan.flags = SHMRPC_LOCK_SHARED)
CASE(shared_death, (plan.flags = SHMRPC_LOCK_SHARED, plan.may_die = true))

const engine_case engine_cases[] = {
    {"simple", 3, before_simple, thread, after},
    {"threads", 3, before_threads, thread, after},
    {"semaphore", 3, before_semaphore, thread, after},
    {"given-up", 3, before_given_up, thread, after},
    {"fair", 3, before_fair, thread, after},
    {"death", 3, before_death, thread, after},
    {"shared", 3, before_shared, thread, after},
    {"shared-death", 3, before_shared_death, thread, after},
    {0},
};
