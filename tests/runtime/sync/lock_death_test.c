/* What a killed process leaves behind, forked children, and exact
 * accounting. */
#include "lock_stage.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../reaction.h"
#include "os/thread.h"
#include "sync/lock.h"

/* ---- the owner is killed ------------------------------------------------- */

static void hold_for_ever(int index, void *user)
{
    (void)index;
    shmrpc_lock *lock = stage_lock("test", *(const uint32_t *)user);
    shmrpc_status status = shmrpc_lock_acquire(lock, &stage_patience);
    CHECK(status == SHMRPC_OK || status == SHMRPC_E_OWNER_DIED);
    stage_advance(0);
    stage_await(1, 1);
}

static void wait_for_the_dead(int index, void *user)
{
    shmrpc_lock *lock = stage_lock("test", *(const uint32_t *)user);
    shmrpc_status status = shmrpc_lock_acquire(lock, &stage_patience);
    atomic_store(&scene->times_ns[index], shmrpci_now_ns());
    CHECK(status == SHMRPC_E_OWNER_DIED);
    CHECK(shmrpc_lock_consistent(lock) == SHMRPC_OK);
    CHECK(shmrpc_lock_release(lock) == SHMRPC_OK);
}

/* Kills the owner of a lock while another process sleeps until it gets the
 * lock. Returns the time from the kill until that process owns the lock. */
static int64_t pass_on_by_death(void *user)
{
    memset(scene, 0, sizeof *scene);
    shmrpc_lock *lock = stage_lock("test", *(const uint32_t *)user);
    pid_t owner = stage_cast(hold_for_ever, 0, user);
    stage_await(0, 1);
    pid_t heir = stage_cast(wait_for_the_dead, 1, user);
    stage_await_sleeper(lock);
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(kill(owner, SIGKILL), 0);
    stage_dismiss(heir, 0);
    stage_dismiss(owner, SIGKILL);
    shmrpc_lock_close(lock);
    return atomic_load(&scene->times_ns[1]) - began_ns;
}

static void death_passes_it_on_within_50_ms(void **state)
{
    (void)state;
    static const uint32_t kinds[] = {0, SHMRPC_LOCK_SHARED, SHMRPC_LOCK_FAIR};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        uint32_t kind = kinds[i];
        expect_reaction(pass_on_by_death, &kind, 0, 50 * SHMRPCI_NS_PER_MS);
        shmrpc_lock *lock;
        shmrpc_lock_opts opts = {.flags = kind};
        assert_int_equal(shmrpc_lock_open("test", SHMRPC_LOCK_OPEN_EXISTING,
                                          &opts, &lock, NULL),
                         SHMRPC_OK);
        assert_int_equal(shmrpc_lock_destroy(lock), SHMRPC_OK);
        shmrpc_lock_close(lock);
    }
}

/* Kills a process that owns the lock "test". */
static void kill_an_owner(uint32_t kind)
{
    memset(scene, 0, sizeof *scene);
    pid_t owner = stage_cast(hold_for_ever, 0, &kind);
    stage_await(0, 1);
    stage_kill(owner);
}

static void try_takes_it_from_the_dead(void **state)
{
    (void)state;
    shmrpc_lock *lock = stage_lock("test", 0);
    kill_an_owner(0);
    assert_int_equal(shmrpc_lock_value(lock), 0);
    assert_int_equal(shmrpc_lock_try_acquire(lock), SHMRPC_E_OWNER_DIED);
    assert_int_equal(shmrpc_lock_owner_pid(lock), getpid());
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    shmrpc_lock_close(lock);
}

static void until_it_is_consistent_everyone_is_warned(void **state)
{
    (void)state;
    shmrpc_lock *lock = stage_lock("test", 0);
    kill_an_owner(0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(shmrpc_lock_acquire(lock, NULL), SHMRPC_E_OWNER_DIED);
        assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    }
    assert_int_equal(shmrpc_lock_consistent(lock), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_acquire(lock, NULL), SHMRPC_E_OWNER_DIED);
    assert_int_equal(shmrpc_lock_consistent(lock), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_acquire(lock, NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    shmrpc_lock_close(lock);
}

/* A new process that gets the number of a dead participant is not mistaken for
 * the dead one. */
static void newcomer_is_not_the_dead(void **state)
{
    (void)state;
    kill_an_owner(0);
    shmrpc_lock *heir = stage_lock("test", 0);
    assert_int_equal(heir->me, 1);
    assert_int_equal(shmrpc_lock_release(heir), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_try_acquire(heir), SHMRPC_E_OWNER_DIED);
    assert_int_equal(shmrpc_lock_release(heir), SHMRPC_OK);
    shmrpc_lock_close(heir);
}

static void closing_while_holding_is_like_dying(void **state)
{
    (void)state;
    shmrpc_lock *first = stage_lock("test", 0);
    shmrpc_lock *second = stage_lock("test", 0);
    assert_int_equal(shmrpc_lock_acquire(first, NULL), SHMRPC_OK);
    shmrpc_lock_close(first);
    assert_int_equal(shmrpc_lock_acquire(second, &stage_patience),
                     SHMRPC_E_OWNER_DIED);
    shmrpc_lock_close(second);
}

static void stopped_owner_is_alive(void **state)
{
    (void)state;
    uint32_t kind = 0;
    shmrpc_lock_wait wait = {.timeout_ns = 200 * SHMRPCI_NS_PER_MS};
    int status;
    shmrpc_lock *lock = stage_lock("test", 0);
    pid_t owner = stage_cast(hold_for_ever, 0, &kind);
    stage_await(0, 1);
    assert_int_equal(kill(owner, SIGSTOP), 0);
    assert_int_equal(waitpid(owner, &status, WUNTRACED), owner);
    assert_int_equal(shmrpc_lock_acquire(lock, &wait), SHMRPC_E_DEADLINE);
    assert_int_equal(kill(owner, SIGKILL), 0);
    assert_int_equal(shmrpc_lock_acquire(lock, &stage_patience),
                     SHMRPC_E_OWNER_DIED);
    stage_dismiss(owner, SIGKILL);
    shmrpc_lock_close(lock);
}

static void semaphore_outlives_who_took_it(void **state)
{
    (void)state;
    uint32_t kind = SHMRPC_LOCK_SEMAPHORE;
    shmrpc_lock *lock = stage_lock("test", kind);
    kill_an_owner(kind);
    assert_int_equal(shmrpc_lock_try_acquire(lock), SHMRPC_E_BUSY);
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_try_acquire(lock), SHMRPC_OK);
    shmrpc_lock_close(lock);
}

/* ---- fork ---------------------------------------------------------------- */

static void use_inherited(int index, void *user)
{
    (void)index;
    shmrpc_lock *lock = user;
    CHECK(shmrpc_lock_release(lock) == SHMRPC_E_PRECONDITION);
    CHECK(shmrpc_lock_try_acquire(lock) == SHMRPC_E_BUSY);
    CHECK(shmrpc_lock_owner_pid(lock) == getppid());
    stage_advance(0);
    CHECK(shmrpc_lock_acquire(lock, &stage_patience) == SHMRPC_OK);
    CHECK(shmrpc_lock_owner_pid(lock) == getpid());
    CHECK(shmrpc_lock_release(lock) == SHMRPC_OK);
    shmrpc_lock_close(lock);
}

static void child_takes_part_by_itself(void **state)
{
    (void)state;
    shmrpc_lock *lock = stage_lock("test", 0);
    assert_int_equal(shmrpc_lock_acquire(lock, NULL), SHMRPC_OK);
    pid_t pid = stage_cast(use_inherited, 0, lock);
    stage_await(0, 1);
    stage_await_sleeper(lock);
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    stage_dismiss(pid, 0);
    assert_int_equal(shmrpc_lock_acquire(lock, NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    shmrpc_lock_close(lock);
}

static void only_live(int index, void *user)
{
    (void)index, (void)user;
    stage_advance(0);
    stage_await(1, 1);
}

static void hold_with_a_child(int index, void *user)
{
    (void)index, (void)user;
    shmrpc_lock *lock = stage_lock("test", 0);
    CHECK(shmrpc_lock_acquire(lock, NULL) == SHMRPC_OK);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        only_live(0, NULL);
        _exit(0);
    }
    stage_await(1, 1);
}

/* The child has the parent's descriptors, but never touches the lock. */
static void child_does_not_keep_its_parent_alive(void **state)
{
    (void)state;
    /* The child outlives its parent. */
    shmrpc_lock_wait wait = {.timeout_ns = PATIENCE_NS / 3};
    shmrpc_lock *lock = stage_lock("test", 0);
    pid_t parent = stage_cast(hold_with_a_child, 0, NULL);
    stage_await(0, 1);
    stage_kill(parent);
    assert_int_equal(shmrpc_lock_acquire(lock, &wait), SHMRPC_E_OWNER_DIED);
    stage_advance(1);
    shmrpc_lock_close(lock);
}

static void child_of_a_replaced_lock(int index, void *user)
{
    (void)index;
    stage_await(0, 1);
    CHECK(shmrpc_lock_acquire(user, NULL) == SHMRPC_E_DESTROYED);
    CHECK(shmrpc_lock_is_destroyed(user));
    shmrpc_lock_close(user);
}

static void child_learns_that_it_was_replaced(void **state)
{
    (void)state;
    shmrpc_lock *second;
    shmrpc_lock *lock = stage_lock("test", 0);
    pid_t pid = stage_cast(child_of_a_replaced_lock, 0, lock);
    assert_int_equal(
        shmrpc_lock_open("test", SHMRPC_LOCK_REPLACE, NULL, &second, NULL),
        SHMRPC_OK);
    stage_advance(0);
    stage_dismiss(pid, 0);
    shmrpc_lock_close(second);
    shmrpc_lock_close(lock);
}

/* ---- ownership and deaths together: counting, with kills ----------------- */

/* Counts once, and checks that there is no other holder. A holder that is
 * killed while it writes leaves a journal, from which the next holder undoes
 * the unfinished change. */
static void count_once(shmrpc_lock *lock, int me, shmrpc_status status,
                       uint32_t dwell)
{
    if (status == SHMRPC_E_OWNER_DIED) {
        if (scene->writing) {
            scene->total = scene->shadow;
            scene->by[scene->writer] = scene->by_before;
            scene->writing = 0;
        }
        atomic_store(&scene->inside, 0);
        CHECK(shmrpc_lock_consistent(lock) == SHMRPC_OK);
        stage_advance(2);
        status = SHMRPC_OK;
    }
    CHECK(status == SHMRPC_OK);
    CHECK(atomic_fetch_add(&scene->inside, 1) == 0);
    scene->shadow = scene->total;
    scene->writer = (uint32_t)me;
    scene->by_before = scene->by[me];
    atomic_signal_fence(memory_order_seq_cst);
    scene->writing = 1;
    atomic_signal_fence(memory_order_seq_cst);
    for (uint32_t i = 0; i < dwell; i++) {
        shmrpci_pause();
    }
    scene->total = scene->shadow + 1;
    scene->by[me] = scene->by[me] + 1;
    atomic_signal_fence(memory_order_seq_cst);
    scene->writing = 0;
    CHECK(atomic_fetch_sub(&scene->inside, 1) == 1);
    CHECK(shmrpc_lock_release(lock) == SHMRPC_OK);
}

typedef struct {
    uint32_t flags;
    uint32_t rounds;
    uint32_t dwell; /* number of pauses while holding the lock: with more
                     * pauses, more kills hit an owner */
    bool reopens;
} count_orders;

/* steps[0] counts started processes. If `rounds` is 0, the processes run until
 * steps[1] is 1. */
static void count(int index, void *user)
{
    const count_orders *orders = user;
    shmrpc_lock *lock = stage_lock("count", orders->flags);
    stage_advance(0);
    for (uint32_t i = 0;
         orders->rounds != 0 ? i < orders->rounds : stage_step(1) == 0; i++) {
        if (orders->reopens && i % 64 == 63) {
            shmrpc_lock_close(lock);
            lock = stage_lock("count", orders->flags);
        }
        shmrpc_status status = SHMRPC_E_BUSY;
        if (i % 8 == 0) {
            status = shmrpc_lock_try_acquire(lock);
        }
        if (status == SHMRPC_E_BUSY) {
            status = shmrpc_lock_acquire(lock, &stage_patience);
        }
        count_once(lock, index, status, orders->dwell);
        if ((orders->flags & SHMRPC_LOCK_SEMAPHORE) == 0) {
            /* A second release must fail: another process may own the lock by
             * now, and nobody else must be let in. */
            CHECK(shmrpc_lock_release(lock) == SHMRPC_E_PRECONDITION);
        }
    }
}

#define CAST 6

static void count_all(uint32_t flags, uint32_t rounds)
{
    count_orders orders = {flags, rounds, 0, false};
    pid_t pids[CAST];
    memset(scene, 0, sizeof *scene);
    for (int i = 0; i < CAST; i++) {
        pids[i] = stage_cast(count, i, &orders);
    }
    for (int i = 0; i < CAST; i++) {
        stage_dismiss(pids[i], 0);
        assert_int_equal(scene->by[i], rounds);
    }
    assert_int_equal(scene->total, (uint64_t)CAST * rounds);
    shmrpc_lock *lock = stage_lock("count", flags);
    assert_int_equal(shmrpc_lock_destroy(lock), SHMRPC_OK);
    shmrpc_lock_close(lock);
}

static void processes_exclude_each_other(void **state)
{
    (void)state;
    static const uint32_t kinds[] = {0, SHMRPC_LOCK_FAIR, SHMRPC_LOCK_SEMAPHORE,
                                     SHMRPC_LOCK_SHARED, SHMRPC_LOCK_RECURSIVE};
    uint32_t rounds = stage_is_long() ? 2000000 : 5000;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        count_all(kinds[i], rounds);
    }
}

/* Kills one process after another, at random moments, and replaces each. */
static void count_with_kills(uint32_t flags, int kills)
{
    count_orders orders = {flags, 0, 200, true};
    pid_t pids[CAST];
    uint64_t sum = 0;
    unsigned seed = 1;
    memset(scene, 0, sizeof *scene);
    for (int i = 0; i < CAST; i++) {
        pids[i] = stage_cast(count, i, &orders);
    }
    stage_await(0, CAST);
    for (int i = 0; i < kills; i++) {
        int victim = rand_r(&seed) % CAST;
        struct timespec pause = {.tv_nsec = rand_r(&seed) % 2000000};
        (void)nanosleep(&pause, NULL);
        stage_kill(pids[victim]);
        pids[victim] = stage_cast(count, victim, &orders);
    }
    stage_advance(1);
    for (int i = 0; i < CAST; i++) {
        stage_dismiss(pids[i], 0);
        sum += scene->by[i];
    }
    assert_true(stage_step(2) > 0); /* some of the killed processes held the
                                     * lock */
    shmrpc_lock *lock = stage_lock("count", flags);
    count_once(lock, CAST, shmrpc_lock_acquire(lock, &stage_patience), 0);
    assert_int_equal(scene->total, sum + 1);
    assert_int_equal(shmrpc_lock_destroy(lock), SHMRPC_OK);
    shmrpc_lock_close(lock);
}

static void kills_lose_and_double_nothing(void **state)
{
    (void)state;
    static const uint32_t kinds[] = {0, SHMRPC_LOCK_FAIR, SHMRPC_LOCK_SHARED};
    int kills = stage_is_long() ? 5000 : 150;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        count_with_kills(kinds[i], kills);
    }
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, stage_open, stage_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(death_passes_it_on_within_50_ms),
        TEST(try_takes_it_from_the_dead),
        TEST(until_it_is_consistent_everyone_is_warned),
        TEST(newcomer_is_not_the_dead),
        TEST(closing_while_holding_is_like_dying),
        TEST(stopped_owner_is_alive),
        TEST(semaphore_outlives_who_took_it),
        TEST(child_takes_part_by_itself),
        TEST(child_does_not_keep_its_parent_alive),
        TEST(child_learns_that_it_was_replaced),
        TEST(processes_exclude_each_other),
        TEST(kills_lose_and_double_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
