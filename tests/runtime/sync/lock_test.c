/* Modes, timeouts, spinning, initial value, owner, destruction, ownership. */
#include "lock_stage.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../reaction.h"
#include "os/thread.h"

static shmrpc_status open_as(shmrpc_lock_mode mode, uint32_t flags,
                             shmrpc_lock **out)
{
    shmrpc_lock_opts opts = {.flags = flags};
    return shmrpc_lock_open("test", mode, &opts, out, NULL);
}

static void assert_opens(shmrpc_lock_mode mode, shmrpc_lock **out)
{
    assert_int_equal(open_as(mode, 0, out), SHMRPC_OK);
}

/* ---- the four modes and their three errors ------------------------------- */

static void modes_do_what_they_say(void **state)
{
    (void)state;
    shmrpc_lock *first;
    shmrpc_lock *second;
    assert_int_equal(open_as(SHMRPC_LOCK_OPEN_EXISTING, 0, &first),
                     SHMRPC_E_NOT_FOUND);
    assert_opens(SHMRPC_LOCK_OPEN_OR_CREATE, &first);
    assert_int_equal(open_as(SHMRPC_LOCK_CREATE, 0, &second), SHMRPC_E_EXISTS);
    assert_opens(SHMRPC_LOCK_OPEN_EXISTING, &second);
    assert_int_equal(shmrpc_lock_acquire(first, NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_try_acquire(second), SHMRPC_E_BUSY);
    shmrpc_lock_close(second);
    assert_opens(SHMRPC_LOCK_OPEN_OR_CREATE, &second);
    assert_int_equal(shmrpc_lock_try_acquire(second), SHMRPC_E_BUSY);
    shmrpc_lock_close(second);

    assert_opens(SHMRPC_LOCK_REPLACE, &second);
    assert_true(shmrpc_lock_is_destroyed(first));
    assert_int_equal(shmrpc_lock_release(first), SHMRPC_E_DESTROYED);
    assert_int_equal(shmrpc_lock_acquire(first, NULL), SHMRPC_E_DESTROYED);
    assert_int_equal(shmrpc_lock_acquire(second, NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release(second), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_destroy(second), SHMRPC_OK);
    shmrpc_lock_close(first);
    assert_opens(SHMRPC_LOCK_CREATE, &first);
    shmrpc_lock_close(first);
    assert_opens(SHMRPC_LOCK_REPLACE, &first);
    shmrpc_lock_close(first);
    shmrpc_lock_close(second);
}

static void kinds_are_not_mixed_up(void **state)
{
    (void)state;
    shmrpc_lock *lock;
    shmrpc_lock *other;
    assert_int_equal(open_as(SHMRPC_LOCK_CREATE, SHMRPC_LOCK_SHARED, &lock),
                     SHMRPC_OK);
    assert_int_equal(open_as(SHMRPC_LOCK_OPEN_EXISTING, 0, &other),
                     SHMRPC_E_PRECONDITION);
    assert_int_equal(
        open_as(SHMRPC_LOCK_OPEN_OR_CREATE, SHMRPC_LOCK_SEMAPHORE, &other),
        SHMRPC_E_PRECONDITION);
    assert_int_equal(open_as(SHMRPC_LOCK_OPEN_EXISTING,
                             SHMRPC_LOCK_SHARED | SHMRPC_LOCK_RECURSIVE,
                             &other),
                     SHMRPC_OK);
    shmrpc_lock_close(other);
    shmrpc_lock_close(lock);
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"",    ".hidden",  "a/b",
                                        "a b", "\xc3\xa9", ".."};
    char longest[SHMRPC_LOCK_NAME_MAX + 2];
    shmrpc_lock *lock = NULL;
    shmrpc_error error;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(
            shmrpc_lock_open(names[i], SHMRPC_LOCK_CREATE, NULL, &lock, &error),
            SHMRPC_E_INVALID);
    }
    memset(longest, 'x', sizeof longest);
    longest[SHMRPC_LOCK_NAME_MAX + 1] = '\0';
    assert_int_equal(
        shmrpc_lock_open(longest, SHMRPC_LOCK_CREATE, NULL, &lock, NULL),
        SHMRPC_E_INVALID);
    longest[SHMRPC_LOCK_NAME_MAX] = '\0';
    assert_int_equal(
        shmrpc_lock_open(longest, SHMRPC_LOCK_CREATE, NULL, &lock, NULL),
        SHMRPC_OK);
    const shmrpc_lock_wait waits[] = {{.timeout_ns = -1}, {.spin_ns = -2}};
    assert_int_equal(shmrpc_lock_acquire(lock, NULL), SHMRPC_OK);
    shmrpc_lock *other;
    assert_int_equal(shmrpc_lock_open(longest, SHMRPC_LOCK_OPEN_EXISTING, NULL,
                                      &other, NULL),
                     SHMRPC_OK);
    assert_int_equal(shmrpc_lock_acquire(other, &waits[0]), SHMRPC_E_INVALID);
    assert_int_equal(shmrpc_lock_acquire(other, &waits[1]), SHMRPC_E_INVALID);
    shmrpc_lock_close(other);
    shmrpc_lock_close(lock);
    assert_int_equal(open_as(SHMRPC_LOCK_CREATE,
                             SHMRPC_LOCK_SEMAPHORE | SHMRPC_LOCK_RECURSIVE,
                             &lock),
                     SHMRPC_E_INVALID);
    assert_int_equal(open_as(SHMRPC_LOCK_CREATE, 1u << 30, &lock),
                     SHMRPC_E_INVALID);
}

#define RACERS 64

static void race(int index, void *user)
{
    shmrpc_lock *lock = NULL;
    stage_advance(0);
    stage_await(1, 1);
    shmrpc_status status = open_as(*(const shmrpc_lock_mode *)user, 0, &lock);
    atomic_store(&scene->counts[index], status == SHMRPC_OK ? 1u : 2u);
    CHECK(status == SHMRPC_OK || status == SHMRPC_E_EXISTS);
    stage_advance(2);
    stage_await(2, RACERS);
    if (lock != NULL && !shmrpc_lock_is_destroyed(lock)) {
        stage_advance(3);
        CHECK(shmrpc_lock_acquire(lock, &stage_patience) == SHMRPC_OK);
        scene->total++;
        CHECK(shmrpc_lock_release(lock) == SHMRPC_OK);
    }
}

/* Many processes open the same lock at once. Returns how many succeeded. Sets
 * steps[3] to how many of them have a lock that is not destroyed. */
static uint32_t race_of(shmrpc_lock_mode mode)
{
    pid_t pids[RACERS];
    uint32_t opened = 0;
    memset(scene, 0, sizeof *scene);
    for (int i = 0; i < RACERS; i++) {
        pids[i] = stage_cast(race, i, &mode);
    }
    stage_await(0, RACERS);
    stage_advance(1);
    for (int i = 0; i < RACERS; i++) {
        stage_dismiss(pids[i], 0);
        opened += atomic_load(&scene->counts[i]) == 1 ? 1 : 0;
    }
    assert_int_equal(scene->total, stage_step(3));
    return opened;
}

static void of_64_creators_one_creates(void **state)
{
    (void)state;
    shmrpc_lock *lock;
    int rounds = stage_is_long() ? 100 : 3;
    for (int i = 0; i < rounds; i++) {
        assert_int_equal(race_of(SHMRPC_LOCK_CREATE), 1);
        assert_int_equal(stage_step(3), 1);
        assert_opens(SHMRPC_LOCK_OPEN_EXISTING, &lock);
        assert_int_equal(shmrpc_lock_destroy(lock), SHMRPC_OK);
        shmrpc_lock_close(lock);
    }
}

static void all_64_get_the_same_lock(void **state)
{
    (void)state;
    assert_int_equal(race_of(SHMRPC_LOCK_OPEN_OR_CREATE), RACERS);
    assert_int_equal(stage_step(3), RACERS);
}

static void of_64_replacements_the_last_stays(void **state)
{
    (void)state;
    assert_int_equal(race_of(SHMRPC_LOCK_REPLACE), RACERS);
    assert_int_equal(stage_step(3), 1);
}

static void all_handles_in_use_is_exhausted(void **state)
{
    (void)state;
    shmrpc_lock *locks[3];
    shmrpc_lock_opts opts = {.max_handles = 2};
    assert_int_equal(
        shmrpc_lock_open("few", SHMRPC_LOCK_CREATE, &opts, &locks[0], NULL),
        SHMRPC_OK);
    assert_int_equal(shmrpc_lock_open("few", SHMRPC_LOCK_OPEN_EXISTING, NULL,
                                      &locks[1], NULL),
                     SHMRPC_OK);
    assert_int_equal(shmrpc_lock_open("few", SHMRPC_LOCK_OPEN_EXISTING, NULL,
                                      &locks[2], NULL),
                     SHMRPC_E_EXHAUSTED);
    shmrpc_lock_close(locks[0]);
    assert_int_equal(shmrpc_lock_open("few", SHMRPC_LOCK_OPEN_EXISTING, NULL,
                                      &locks[2], NULL),
                     SHMRPC_OK);
    shmrpc_lock_close(locks[1]);
    shmrpc_lock_close(locks[2]);
}

/* ---- timeouts ------------------------------------------------------------ */

static int64_t oversleep(void)
{
    struct timespec pause = {.tv_nsec = 500000};
    int64_t began_ns = shmrpci_now_ns();
    (void)nanosleep(&pause, NULL);
    return shmrpci_now_ns() - began_ns - 500000;
}

/* Measures the delay that the machine itself adds to a wait. */
static int64_t worst_oversleep(void)
{
    int64_t worst_ns = 0;
    for (int i = 0; i < 7; i++) {
        int64_t late_ns = oversleep();
        worst_ns = late_ns > worst_ns ? late_ns : worst_ns;
    }
    return worst_ns;
}

static int64_t wait_for_500_us(void *user)
{
    shmrpc_lock_wait wait = {.timeout_ns = 500000};
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(shmrpc_lock_acquire(user, &wait), SHMRPC_E_DEADLINE);
    return shmrpci_now_ns() - began_ns;
}

/* The limit is 1 ms, plus the delay that the machine itself adds. */
static void timeout_of_500_us_ends_within_1_ms(void **state)
{
    (void)state;
    shmrpc_lock *holder = stage_lock("test", 0);
    shmrpc_lock *waiter = stage_lock("test", 0);
    assert_int_equal(shmrpc_lock_acquire(holder, NULL), SHMRPC_OK);
    expect_reaction(wait_for_500_us, waiter, 500000,
                    1000000 + worst_oversleep());
    shmrpc_lock_close(waiter);
    shmrpc_lock_close(holder);
}

/* ---- spinning ------------------------------------------------------------ */

static int64_t own_cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * SHMRPCI_NS_PER_S + now.tv_nsec;
}

/* The CPU time of a wait of `timeout_ns` that fails. */
static int64_t cost_of_waiting(shmrpc_lock *lock, int64_t timeout_ns,
                               int64_t spin_ns)
{
    shmrpc_lock_wait wait = {.timeout_ns = timeout_ns, .spin_ns = spin_ns};
    int64_t began_ns = own_cpu_ns();
    assert_int_equal(shmrpc_lock_acquire(lock, &wait), SHMRPC_E_DEADLINE);
    return own_cpu_ns() - began_ns;
}

static int64_t second_without_spin(void *user)
{
    return cost_of_waiting(user, SHMRPCI_NS_PER_S, SHMRPC_LOCK_NO_SPIN);
}

static void waiting_without_spin_takes_less_than_1_percent(void **state)
{
    (void)state;
    shmrpc_lock *holder = stage_lock("test", 0);
    shmrpc_lock *waiter = stage_lock("test", 0);
    assert_int_equal(shmrpc_lock_acquire(holder, NULL), SHMRPC_OK);
    int64_t best_ns = second_without_spin(waiter);
    for (int i = 0; i < 5 && best_ns > SHMRPCI_NS_PER_S / 100; i++) {
        int64_t cost_ns = second_without_spin(waiter);
        best_ns = cost_ns < best_ns ? cost_ns : best_ns;
    }
    assert_in_range(best_ns, 0, SHMRPCI_NS_PER_S / 100);
    shmrpc_lock_close(waiter);
    shmrpc_lock_close(holder);
}

static void bind_to(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
}

/* The least CPU time of several waits of 40 ms, of which 30 ms may be
 * spinning. */
static int64_t least_cost(shmrpc_lock *lock)
{
    int64_t least_ns = INT64_MAX;
    for (int i = 0; i < 8; i++) {
        int64_t cost_ns = cost_of_waiting(lock, 40000000, 30000000);
        least_ns = cost_ns < least_ns ? cost_ns : least_ns;
    }
    return least_ns;
}

static void wait_on_one_cpu(int index, void *user)
{
    (void)index, (void)user;
    bind_to(sched_getcpu());
    shmrpc_lock *holder = stage_lock("test", 0);
    shmrpc_lock *waiter = stage_lock("test", 0);
    CHECK(shmrpc_lock_acquire(holder, NULL) == SHMRPC_OK);
    CHECK(least_cost(waiter) < 10000000);
}

static void nobody_spins_on_one_cpu(void **state)
{
    (void)state;
    stage_dismiss(stage_cast(wait_on_one_cpu, 0, NULL), 0);
}

/* Pins this process to the first or the second of the usable CPUs. */
static void bind_to_nth(int n)
{
    cpu_set_t set;
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET((size_t)cpu, &set) && n-- == 0) {
            bind_to(cpu);
            return;
        }
    }
    CHECK(false);
}

static void hold_on_first_cpu(int index, void *user)
{
    (void)index, (void)user;
    bind_to_nth(0);
    shmrpc_lock *lock = stage_lock("test", 0);
    CHECK(shmrpc_lock_acquire(lock, NULL) == SHMRPC_OK);
    stage_advance(0);
    stage_await(1, 1);
}

/* The waiter spins for the requested 30 ms, although spinning for this lock has
 * never paid so far. On a busy machine the waiter gets only a part of the CPU,
 * so 4 ms of CPU time suffice. */
static void wait_on_second_cpu(int index, void *user)
{
    (void)index, (void)user;
    bind_to_nth(1);
    shmrpc_lock *lock = stage_lock("test", 0);
    int64_t most_ns = 0;
    for (int i = 0; i < 200 && most_ns <= 4000000; i++) {
        most_ns = cost_of_waiting(lock, 40000000, 30000000);
    }
    CHECK(most_ns > 4000000);
    CHECK(cost_of_waiting(lock, 40000000, SHMRPC_LOCK_NO_SPIN) < 4000000);
}

static void spin_is_as_long_as_asked(void **state)
{
    (void)state;
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    if (CPU_COUNT(&set) < 2) {
        skip();
    }
    pid_t holder = stage_cast(hold_on_first_cpu, 0, NULL);
    stage_await(0, 1);
    stage_dismiss(stage_cast(wait_on_second_cpu, 1, NULL), 0);
    stage_advance(1);
    stage_dismiss(holder, 0);
}

/* ---- initial value and permissions --------------------------------------- */

static void post_when_told(int index, void *user)
{
    (void)index;
    shmrpc_lock *lock = stage_lock("test", *(const uint32_t *)user);
    stage_await(0, 1);
    stage_await_sleeper(lock);
    CHECK(shmrpc_lock_release(lock) == SHMRPC_OK);
}

static void semaphore_of_value_0_waits_for_another_process(void **state)
{
    (void)state;
    uint32_t kind = SHMRPC_LOCK_SEMAPHORE;
    shmrpc_lock *lock;
    assert_int_equal(
        open_as(SHMRPC_LOCK_CREATE, kind | SHMRPC_LOCK_HELD, &lock), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_value(lock), 0);
    assert_int_equal(shmrpc_lock_try_acquire(lock), SHMRPC_E_BUSY);
    pid_t pid = stage_cast(post_when_told, 0, &kind);
    stage_advance(0);
    assert_int_equal(shmrpc_lock_acquire(lock, &stage_patience), SHMRPC_OK);
    stage_dismiss(pid, 0);
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_value(lock), 1);
    /* Its maximum is 1, so it can't be released again. */
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_value(lock), 1);
    shmrpc_lock_close(lock);
}

static void create_held(int index, void *user)
{
    (void)index, (void)user;
    shmrpc_lock *lock;
    CHECK(open_as(SHMRPC_LOCK_REPLACE, SHMRPC_LOCK_HELD, &lock) == SHMRPC_OK);
    stage_advance(0);
    stage_await_sleeper(lock);
    CHECK(shmrpc_lock_release(lock) == SHMRPC_OK);
}

static void lock_created_held_is_its_creators(void **state)
{
    (void)state;
    pid_t pid = stage_cast(create_held, 0, NULL);
    stage_await(0, 1);
    /* The option is ignored, because the lock exists. */
    shmrpc_lock *lock;
    assert_int_equal(
        open_as(SHMRPC_LOCK_OPEN_OR_CREATE, SHMRPC_LOCK_HELD, &lock),
        SHMRPC_OK);
    assert_int_equal(shmrpc_lock_value(lock), 0);
    assert_int_equal(shmrpc_lock_owner_pid(lock), pid);
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_acquire(lock, &stage_patience), SHMRPC_OK);
    stage_dismiss(pid, 0);
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    shmrpc_lock_close(lock);
}

static uint32_t mode_of(const char *name)
{
    char path[128];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%s", stage_folder(), name);
    assert_int_equal(stat(path, &info), 0);
    return (uint32_t)info.st_mode & 07777u;
}

static void permissions_are_exactly_as_asked(void **state)
{
    (void)state;
    static const uint32_t wanted[] = {0, 0600, 0660, 0666, 0640};
    mode_t before = umask(077);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        shmrpc_lock *lock;
        shmrpc_lock_opts opts = {.permissions = wanted[i],
                                 .flags = SHMRPC_LOCK_ALL_USERS};
        assert_int_equal(
            shmrpc_lock_open("mode", SHMRPC_LOCK_REPLACE, &opts, &lock, NULL),
            SHMRPC_OK);
        shmrpc_lock_close(lock);
        assert_int_equal(mode_of("shared/mode.lock"),
                         wanted[i] != 0 ? wanted[i] : 0600);
    }
    assert_int_equal(mode_of("shared"), 01777);
    (void)umask(before);
}

/* ---- owner and destruction ----------------------------------------------- */

static void tell_owner(int index, void *user)
{
    (void)index, (void)user;
    shmrpc_lock *lock = stage_lock("test", 0);
    CHECK(shmrpc_lock_acquire(lock, NULL) == SHMRPC_OK);
    stage_advance(0);
    stage_await(1, 1);
    CHECK(shmrpc_lock_release(lock) == SHMRPC_OK);
}

static void owner_and_value_can_be_asked(void **state)
{
    (void)state;
    shmrpc_lock *lock = stage_lock("test", 0);
    assert_int_equal(shmrpc_lock_owner_pid(lock), 0);
    assert_int_equal(shmrpc_lock_value(lock), 1);
    pid_t pid = stage_cast(tell_owner, 0, NULL);
    stage_await(0, 1);
    assert_int_equal(shmrpc_lock_owner_pid(lock), pid);
    assert_int_equal(shmrpc_lock_value(lock), 0);
    stage_advance(1);
    stage_dismiss(pid, 0);
    assert_int_equal(shmrpc_lock_owner_pid(lock), 0);
    assert_int_equal(shmrpc_lock_value(lock), 1);
    shmrpc_lock_close(lock);
}

static void wait_for_the_end(int index, void *user)
{
    uint32_t flags = *(const uint32_t *)user;
    shmrpc_lock *lock = stage_lock("test", flags);
    stage_advance(0);
    shmrpc_status status =
        index == 1 && (flags & SHMRPC_LOCK_SHARED) != 0
            ? shmrpc_lock_acquire_shared(lock, &stage_patience)
            : shmrpc_lock_acquire(lock, &stage_patience);
    atomic_store(&scene->times_ns[index], shmrpci_now_ns());
    CHECK(status == SHMRPC_E_DESTROYED);
}

/* The time from the destruction until the second of three waiters knows of it.
 * The third waiter is not measured: on a busy machine with few CPUs it also
 * waits until the others have run. */
static int64_t destroy_under_waiters(void *user)
{
    uint32_t flags = *(const uint32_t *)user;
    pid_t pids[3];
    shmrpc_lock *lock = stage_lock("test", flags);
    memset(scene, 0, sizeof *scene);
    assert_int_equal(shmrpc_lock_acquire(lock, NULL), SHMRPC_OK);
    for (int i = 0; i < 3; i++) {
        pids[i] = stage_cast(wait_for_the_end, i, user);
    }
    stage_await(0, 3);
    stage_await_sleeper(lock);
    int64_t began_ns = shmrpci_now_ns();
    int64_t ends_ns[3];
    assert_int_equal(shmrpc_lock_destroy(lock), SHMRPC_OK);
    for (int i = 0; i < 3; i++) {
        stage_dismiss(pids[i], 0);
        ends_ns[i] = atomic_load(&scene->times_ns[i]);
    }
    assert_true(shmrpc_lock_is_destroyed(lock));
    assert_int_equal(shmrpc_lock_value(lock), 0);
    assert_int_equal(shmrpc_lock_try_acquire(lock), SHMRPC_E_DESTROYED);
    shmrpc_lock_close(lock);
    qsort(ends_ns, 3, sizeof *ends_ns, reaction_compare);
    return ends_ns[1] - began_ns;
}

static void destruction_reaches_waiters_within_10_ms(void **state)
{
    (void)state;
    static const uint32_t kinds[] = {0, SHMRPC_LOCK_SEMAPHORE,
                                     SHMRPC_LOCK_SHARED, SHMRPC_LOCK_FAIR};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        uint32_t kind = kinds[i];
        expect_reaction(destroy_under_waiters, &kind, 0,
                        10 * SHMRPCI_NS_PER_MS + worst_oversleep());
    }
}

/* ---- ownership ----------------------------------------------------------- */

static void release_from_another_thread(void *user)
{
    assert_int_equal(shmrpc_lock_release(user), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_consistent(user), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_try_acquire(user), SHMRPC_E_BUSY);
}

static void only_the_owning_thread_releases(void **state)
{
    (void)state;
    shmrpci_thread thread;
    shmrpc_lock *lock = stage_lock("test", 0);
    shmrpc_lock *other = stage_lock("test", 0);
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_acquire(lock, NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_acquire(lock, NULL), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_release(other), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpci_thread_create(&thread, "other",
                                           release_from_another_thread, lock),
                     SHMRPC_OK);
    shmrpci_thread_join(&thread);
    assert_int_equal(shmrpc_lock_value(lock), 0);
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_acquire_shared(lock, NULL),
                     SHMRPC_E_PRECONDITION);
    shmrpc_lock_close(other);
    shmrpc_lock_close(lock);
}

static void recursive_lock_counts(void **state)
{
    (void)state;
    shmrpc_lock *lock = stage_lock("test", SHMRPC_LOCK_RECURSIVE);
    shmrpc_lock *other = stage_lock("test", 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(shmrpc_lock_acquire(lock, NULL), SHMRPC_OK);
    }
    assert_int_equal(shmrpc_lock_try_acquire(lock), SHMRPC_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(shmrpc_lock_try_acquire(other), SHMRPC_E_BUSY);
        assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    }
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_try_acquire(other), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release(other), SHMRPC_OK);
    shmrpc_lock_close(other);
    shmrpc_lock_close(lock);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, stage_open, stage_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(modes_do_what_they_say),
        TEST(kinds_are_not_mixed_up),
        TEST(bad_arguments_are_refused),
        TEST(of_64_creators_one_creates),
        TEST(all_64_get_the_same_lock),
        TEST(of_64_replacements_the_last_stays),
        TEST(all_handles_in_use_is_exhausted),
        TEST(timeout_of_500_us_ends_within_1_ms),
        TEST(waiting_without_spin_takes_less_than_1_percent),
        TEST(nobody_spins_on_one_cpu),
        TEST(spin_is_as_long_as_asked),
        TEST(semaphore_of_value_0_waits_for_another_process),
        TEST(lock_created_held_is_its_creators),
        TEST(permissions_are_exactly_as_asked),
        TEST(owner_and_value_can_be_asked),
        TEST(destruction_reaches_waiters_within_10_ms),
        TEST(only_the_owning_thread_releases),
        TEST(recursive_lock_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
