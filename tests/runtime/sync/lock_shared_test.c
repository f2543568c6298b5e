/* Readers and writers, and fairness. */
#include "lock_stage.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/thread.h"
#include "sync/lock.h"

#define SHARED SHMRPC_LOCK_SHARED
#define FAIR   SHMRPC_LOCK_FAIR

static void readers_share_and_writers_do_not(void **state)
{
    (void)state;
    shmrpc_lock *first = stage_lock("test", SHARED);
    shmrpc_lock *second = stage_lock("test", SHARED);
    assert_int_equal(shmrpc_lock_acquire_shared(first, NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_try_acquire_shared(second), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_try_acquire_shared(second), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_value(first), 1);
    assert_int_equal(shmrpc_lock_try_acquire(second), SHMRPC_E_BUSY);
    assert_int_equal(shmrpc_lock_release_shared(first), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release_shared(first), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_release_shared(second), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_try_acquire(first), SHMRPC_E_BUSY);
    assert_int_equal(shmrpc_lock_release_shared(second), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_try_acquire(first), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_try_acquire_shared(second), SHMRPC_E_BUSY);
    assert_int_equal(shmrpc_lock_acquire_shared(first, NULL),
                     SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_release(first), SHMRPC_OK);
    shmrpc_lock_close(second);
    shmrpc_lock_close(first);
}

static void writer_gives_up_at_its_deadline(void **state)
{
    (void)state;
    shmrpc_lock_wait wait = {.timeout_ns = 20 * SHMRPCI_NS_PER_MS};
    shmrpc_lock *reader = stage_lock("test", SHARED);
    shmrpc_lock *writer = stage_lock("test", SHARED);
    assert_int_equal(shmrpc_lock_acquire_shared(reader, NULL), SHMRPC_OK);
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(shmrpc_lock_acquire(writer, &wait), SHMRPC_E_DEADLINE);
    assert_true(shmrpci_now_ns() - began_ns >= wait.timeout_ns);
    /* The writer has given up, so new readers are let in again. */
    assert_int_equal(shmrpc_lock_try_acquire_shared(writer), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release_shared(writer), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release_shared(reader), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_acquire(writer, &wait), SHMRPC_OK);
    shmrpc_lock_close(writer);
    shmrpc_lock_close(reader);
}

static void write_when_drained(int index, void *user)
{
    (void)index, (void)user;
    shmrpc_lock *lock = stage_lock("test", SHARED);
    shmrpc_status status = shmrpc_lock_acquire(lock, &stage_patience);
    CHECK(status == SHMRPC_OK || status == SHMRPC_E_DESTROYED);
    stage_advance(0);
    if (status == SHMRPC_OK) {
        CHECK(shmrpc_lock_release(lock) == SHMRPC_OK);
    }
}

static void await_writer_at(shmrpc_lock *reader)
{
    int64_t deadline_ns = shmrpci_now_ns() + PATIENCE_NS;
    while ((shmrpci_load_seq(&reader->self->reads) & SHMRPCI_READS_WAITING) ==
           0) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        shmrpci_pause();
    }
}

static void writer_waits_for_the_last_reader(void **state)
{
    (void)state;
    shmrpc_lock *lock = stage_lock("test", SHARED);
    assert_int_equal(shmrpc_lock_acquire_shared(lock, NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_acquire_shared(lock, NULL), SHMRPC_OK);
    pid_t writer = stage_cast(write_when_drained, 0, NULL);
    await_writer_at(lock);
    assert_int_equal(shmrpc_lock_try_acquire_shared(lock), SHMRPC_E_BUSY);
    assert_int_equal(shmrpc_lock_release_shared(lock), SHMRPC_OK);
    assert_int_equal(stage_step(0), 0);
    assert_int_equal(shmrpc_lock_release_shared(lock), SHMRPC_OK);
    stage_dismiss(writer, 0);
    assert_int_equal(shmrpc_lock_acquire_shared(lock, &stage_patience),
                     SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release_shared(lock), SHMRPC_OK);
    shmrpc_lock_close(lock);
}

static void destruction_reaches_a_writer_who_waits_for_readers(void **state)
{
    (void)state;
    shmrpc_lock *lock = stage_lock("test", SHARED);
    assert_int_equal(shmrpc_lock_acquire_shared(lock, NULL), SHMRPC_OK);
    pid_t writer = stage_cast(write_when_drained, 0, NULL);
    await_writer_at(lock);
    assert_int_equal(shmrpc_lock_destroy(lock), SHMRPC_OK);
    stage_dismiss(writer, 0);
    assert_int_equal(shmrpc_lock_acquire_shared(lock, NULL),
                     SHMRPC_E_DESTROYED);
    shmrpc_lock_close(lock);
}

/* ---- death --------------------------------------------------------------- */

static void die_reading_or_writing(int index, void *user)
{
    (void)user;
    shmrpc_lock *lock = stage_lock("test", SHARED);
    CHECK((index == 0 ? shmrpc_lock_acquire_shared(lock, NULL)
                      : shmrpc_lock_acquire(lock, NULL)) == SHMRPC_OK);
    stage_advance(1);
    stage_await(2, 1);
}

static void dead_reader_is_forgotten(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        memset(scene, 0, sizeof *scene);
        shmrpc_lock *lock = stage_lock("test", SHARED);
        pid_t reader = stage_cast(die_reading_or_writing, 0, NULL);
        stage_await(1, 1);
        assert_int_equal(shmrpc_lock_try_acquire(lock), SHMRPC_E_BUSY);
        stage_kill(reader);
        assert_int_equal(round == 0 ? shmrpc_lock_acquire(lock, &stage_patience)
                                    : shmrpc_lock_try_acquire(lock),
                         SHMRPC_OK);
        assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
        shmrpc_lock_close(lock);
    }
}

static void readers_are_warned_of_a_dead_writer(void **state)
{
    (void)state;
    shmrpc_lock *lock = stage_lock("test", SHARED);
    shmrpc_lock *other = stage_lock("test", SHARED);
    pid_t writer = stage_cast(die_reading_or_writing, 1, NULL);
    stage_await(1, 1);
    stage_kill(writer);
    assert_int_equal(shmrpc_lock_acquire_shared(lock, &stage_patience),
                     SHMRPC_E_OWNER_DIED);
    assert_int_equal(shmrpc_lock_try_acquire_shared(other),
                     SHMRPC_E_OWNER_DIED);
    assert_int_equal(shmrpc_lock_consistent(lock), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_lock_release_shared(lock), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release_shared(other), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_acquire(lock, NULL), SHMRPC_E_OWNER_DIED);
    assert_int_equal(shmrpc_lock_consistent(lock), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_acquire_shared(lock, NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_release_shared(lock), SHMRPC_OK);
    shmrpc_lock_close(other);
    shmrpc_lock_close(lock);
}

/* ---- readers, writers and deaths together -------------------------------- */

typedef struct {
    uint32_t flags;
    uint32_t rounds;
    int64_t end_ns; /* the processes continue at least until then */
} mix_orders;

/* Writers increment two numbers, and readers must never see them differ. Each
 * writer also releases the lock a second time. This release must fail, and must
 * not let anybody in while the next owner holds the lock. */
static void mix_once(shmrpc_lock *lock, int index, uint32_t round)
{
    if ((round + (uint32_t)index) % 4 == 0) {
        CHECK(shmrpc_lock_acquire(lock, &stage_patience) == SHMRPC_OK);
        CHECK(atomic_fetch_add(&scene->inside, 1) == 0);
        scene->total++;
        scene->shadow++;
        CHECK(atomic_fetch_sub(&scene->inside, 1) == 1);
        CHECK(shmrpc_lock_release(lock) == SHMRPC_OK);
        CHECK(shmrpc_lock_release(lock) == SHMRPC_E_PRECONDITION);
        atomic_fetch_add(&scene->counts[index], 1);
        return;
    }
    CHECK(shmrpc_lock_acquire_shared(lock, &stage_patience) == SHMRPC_OK);
    CHECK(atomic_load(&scene->inside) == 0);
    CHECK(scene->total == scene->shadow);
    CHECK(shmrpc_lock_release_shared(lock) == SHMRPC_OK);
}

static void mix(int index, void *user)
{
    const mix_orders *orders = user;
    shmrpc_lock *lock = stage_lock("mix", orders->flags);
    for (uint32_t i = 0; i < orders->rounds; i++) {
        mix_once(lock, index, i);
    }
}

static uint64_t written(int casts)
{
    uint64_t sum = 0;
    for (int i = 0; i < casts; i++) {
        sum += atomic_load(&scene->counts[i]);
    }
    return sum;
}

static void readers_never_see_half_a_write(void **state)
{
    (void)state;
    pid_t pids[6];
    for (uint32_t flags = SHARED;; flags |= FAIR) {
        mix_orders orders = {flags, stage_is_long() ? 1000000 : 4000, 0};
        memset(scene, 0, sizeof *scene);
        for (int i = 0; i < 6; i++) {
            pids[i] = stage_cast(mix, i, &orders);
        }
        for (int i = 0; i < 6; i++) {
            stage_dismiss(pids[i], 0);
        }
        assert_int_equal(scene->total, written(6));
        shmrpc_lock *lock = stage_lock("mix", flags);
        assert_int_equal(shmrpc_lock_destroy(lock), SHMRPC_OK);
        shmrpc_lock_close(lock);
        if ((flags & FAIR) != 0) {
            break;
        }
    }
}

typedef struct {
    shmrpc_lock *lock;
    uint32_t rounds;
    int index;
} thread_orders;

static void mix_in_a_thread(void *user)
{
    const thread_orders *orders = user;
    for (uint32_t i = 0; i < orders->rounds; i++) {
        mix_once(orders->lock, orders->index, i);
    }
}

/* The owners are threads of one process: some share a handle, and the others
 * share a second handle. This is mainly for ThreadSanitizer. */
static void threads_exclude_each_other(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    shmrpci_thread threads[THREADS];
    thread_orders orders[THREADS];
    shmrpc_lock *locks[2] = {stage_lock("mix", SHARED),
                             stage_lock("mix", SHARED)};
    for (int i = 0; i < THREADS; i++) {
        orders[i] = (thread_orders){locks[i % 2], 3000, i};
        assert_int_equal(shmrpci_thread_create(&threads[i], "mix",
                                               mix_in_a_thread, &orders[i]),
                         SHMRPC_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        shmrpci_thread_join(&threads[i]);
    }
    assert_int_equal(scene->total, written(THREADS));
    shmrpc_lock_close(locks[0]);
    shmrpc_lock_close(locks[1]);
}

/* ---- fairness ------------------------------------------------------------ */

#define RIVALS 4

/* Takes the lock as often as it can, until all have had their turns. Nobody may
 * wait longer than the test allows. */
static void rush(int index, void *user)
{
    const mix_orders *orders = user;
    bool reads = (orders->flags & SHARED) != 0 && index % 2 == 1;
    shmrpc_lock *lock = stage_lock("fair", orders->flags);
    stage_advance(0);
    stage_await(0, RIVALS);
    bool is_content = false;
    for (uint32_t turns = 0; stage_step(1) < RIVALS; turns++) {
        if (!is_content && turns >= orders->rounds &&
            shmrpci_now_ns() >= orders->end_ns) {
            stage_advance(1);
            is_content = true;
        }
        if (reads) {
            CHECK(shmrpc_lock_acquire_shared(lock, &stage_patience) ==
                  SHMRPC_OK);
            CHECK(shmrpc_lock_release_shared(lock) == SHMRPC_OK);
        } else {
            CHECK(shmrpc_lock_acquire(lock, &stage_patience) == SHMRPC_OK);
            CHECK(shmrpc_lock_release(lock) == SHMRPC_OK);
        }
    }
}

static void nobody_starves(void **state)
{
    (void)state;
    const int64_t lasts_ns = (stage_is_long() ? 60 : 0) * SHMRPCI_NS_PER_S;
    static const uint32_t kinds[] = {FAIR, FAIR | SHARED};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        mix_orders orders = {kinds[i], 200, shmrpci_now_ns() + lasts_ns};
        pid_t pids[RIVALS];
        memset(scene, 0, sizeof *scene);
        for (int j = 0; j < RIVALS; j++) {
            pids[j] = stage_cast(rush, j, &orders);
        }
        for (int j = 0; j < RIVALS; j++) {
            stage_dismiss(pids[j], 0);
        }
        shmrpc_lock *lock = stage_lock("fair", kinds[i]);
        assert_int_equal(shmrpc_lock_destroy(lock), SHMRPC_OK);
        shmrpc_lock_close(lock);
    }
}

/* A newcomer does not take a lock that is reserved. */
static void who_has_waited_goes_first(void **state)
{
    (void)state;
    shmrpc_lock *lock = stage_lock("fair", FAIR);
    shmrpci_or_seq(lock->word, SHMRPCI_LOCK_RESERVED);
    assert_int_equal(shmrpc_lock_try_acquire(lock), SHMRPC_E_BUSY);
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(shmrpc_lock_acquire(lock, &stage_patience), SHMRPC_OK);
    assert_true(shmrpci_now_ns() - began_ns >= SHMRPCI_LOCK_PATIENCE_NS);
    /* Nobody else waits, so the next acquisition succeeds at once. */
    assert_int_equal(shmrpc_lock_release(lock), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_try_acquire(lock), SHMRPC_OK);
    shmrpc_lock_close(lock);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, stage_open, stage_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readers_share_and_writers_do_not),
        TEST(writer_gives_up_at_its_deadline),
        TEST(writer_waits_for_the_last_reader),
        TEST(destruction_reaches_a_writer_who_waits_for_readers),
        TEST(dead_reader_is_forgotten),
        TEST(readers_are_warned_of_a_dead_writer),
        TEST(readers_never_see_half_a_write),
        TEST(threads_exclude_each_other),
        TEST(nobody_starves),
        TEST(who_has_waited_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
