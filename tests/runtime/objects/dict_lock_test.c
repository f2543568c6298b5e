/* Locks of dicts: of keys, and of the whole dict. */
#include "stage.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../reaction.h"
#include "objects/dict_lock.h"
#include "shmrpc/dict.h"
#include "shmrpc/value.h"

static shmrpc_dict *open_with(const char *name, uint32_t flags)
{
    const shmrpc_dict_opts opts = {.shared = {.flags = flags}};
    shmrpc_dict *dict = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_dict_open(name, &opts, &dict, &error), SHMRPC_OK, &error);
    return dict;
}

static int lock_key(shmrpc_dict *dict, const char *key, shmrpc_error *error)
{
    shmrpc_any any = shmrpc_any_str(key != NULL ? key : "");
    return shmrpc_dict_lock(dict, key != NULL ? &any : NULL, &stage_patience,
                            error);
}

static int try_key(shmrpc_dict *dict, const char *key, shmrpc_error *error)
{
    shmrpc_any any = shmrpc_any_str(key != NULL ? key : "");
    return shmrpc_dict_try_lock(dict, key != NULL ? &any : NULL, error);
}

static int unlock_key(shmrpc_dict *dict, const char *key)
{
    shmrpc_any any = shmrpc_any_str(key != NULL ? key : "");
    return shmrpc_dict_unlock(dict, key != NULL ? &any : NULL, NULL);
}

static int mend_key(shmrpc_dict *dict, const char *key)
{
    shmrpc_any any = shmrpc_any_str(key);
    return shmrpc_dict_lock_consistent(dict, &any, NULL);
}

/* ---- mutual exclusion ---------------------------------------------------- */

/* Increments by a read and a write, which are atomic only under a lock. */
static void add_one(shmrpc_dict *dict, const char *key)
{
    shmrpc_any name = shmrpc_any_str(key);
    shmrpc_path path = shmrpc_path_of(&name, 1);
    const shmrpc_any *was = NULL;
    int64_t count = 0;
    if (shmrpc_dict_get(dict, &path, &was, NULL, NULL) == SHMRPC_OK) {
        CHECK(was->kind == SHMRPC_ANY_I64);
        count = was->u.i64;
        shmrpc_dict_release(dict, was);
    }
    shmrpc_any now = shmrpc_any_i64(count + 1);
    CHECK(shmrpc_dict_put(dict, &path, &now, NULL) == SHMRPC_OK);
}

static int64_t count_at(shmrpc_dict *dict, const char *key)
{
    shmrpc_any name = shmrpc_any_str(key);
    shmrpc_path path = shmrpc_path_of(&name, 1);
    const shmrpc_any *value = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_dict_get(dict, &path, &value, NULL, &error), SHMRPC_OK,
           &error);
    assert_int_equal(value->kind, SHMRPC_ANY_I64);
    int64_t count = value->u.i64;
    shmrpc_dict_release(dict, value);
    return count;
}

enum { COUNTERS = 4, STEPS = 10000 };

static void count_up(int index, void *user)
{
    const char *key = user; /* NULL: each process uses its own way of locking */
    shmrpc_error error;
    shmrpc_dict *dict = open_with("counter", 0);
    for (int i = 0; i < STEPS; i++) {
        const char *locked = key != NULL          ? key
                             : i % 3 == index % 3 ? NULL
                                                  : "n";
        EXPECT_HERE(lock_key(dict, locked, &error), &error);
        add_one(dict, "n");
        CHECK(unlock_key(dict, locked) == SHMRPC_OK);
    }
    shmrpc_dict_close(dict);
}

static void count_with(char *key)
{
    pid_t cast[COUNTERS];
    shmrpc_dict *dict = open_with("counter", 0);
    for (int i = 0; i < COUNTERS; i++) {
        cast[i] = stage_cast(count_up, i, key);
    }
    for (int i = 0; i < COUNTERS; i++) {
        stage_dismiss(cast[i], 0);
    }
    assert_int_equal(count_at(dict, "n"), COUNTERS * STEPS);
    shmrpc_dict_close(dict);
}

static void four_processes_count_to_40000(void **state)
{
    (void)state;
    count_with("n");
}

/* Some lock the key, some the whole dict; both protect the value. */
static void key_and_whole_exclude_each_other(void **state)
{
    (void)state;
    count_with(NULL);
}

enum { KEYS = 8 };

static void hold_own_key(int index, void *user)
{
    (void)user;
    char key[] = {'k', (char)('0' + index), '\0'};
    shmrpc_error error;
    shmrpc_dict *dict = open_with("keys", 0);
    for (int i = 0; i < 200; i++) {
        EXPECT_HERE(lock_key(dict, key, &error), &error);
        add_one(dict, key);
        if (i == 100) {
            /* At this moment all of these processes hold a lock. */
            stage_advance(0);
            stage_await(0, KEYS);
        }
        CHECK(unlock_key(dict, key) == SHMRPC_OK);
    }
    shmrpc_dict_close(dict);
}

static void different_keys_are_held_at_once(void **state)
{
    (void)state;
    pid_t cast[KEYS];
    shmrpc_dict *dict = open_with("keys", 0);
    for (int i = 0; i < KEYS; i++) {
        cast[i] = stage_cast(hold_own_key, i, NULL);
    }
    for (int i = 0; i < KEYS; i++) {
        char key[] = {'k', (char)('0' + i), '\0'};
        stage_dismiss(cast[i], 0);
        assert_int_equal(count_at(dict, key), 200);
    }
    shmrpc_dict_close(dict);
}

/* Many keys for few entries, so that entries pass to other keys while threads
 * wait for them. */
enum { MANY = 40, ROUNDS = 1500, LEFT = 6 };

typedef struct crowd {
    _Atomic int inside[MANY];
} crowd;

static void use_many_keys(int index, void *user)
{
    crowd *of = user;
    shmrpc_error error;
    shmrpc_dict *dict = open_with("many", 0);
    unsigned random = (unsigned)index * 7919 + 1;
    for (int i = 0; i < ROUNDS; i++) {
        random = random * 1103515245 + 12345;
        /* In half of the rounds the key is one of the first four, so that many
         * processes want the same. */
        unsigned at =
            random >> 8 & 1 ? random >> 16 & 3 : (random >> 12) % MANY;
        shmrpc_any key = shmrpc_any_i64(at);
        EXPECT_HERE(shmrpc_dict_lock(dict, &key, &stage_patience, &error),
                    &error);
        CHECK(atomic_fetch_add(&of->inside[at], 1) == 0);
        if (i % 64 == 0) {
            (void)sched_yield();
        }
        CHECK(atomic_fetch_sub(&of->inside[at], 1) == 1);
        CHECK(shmrpc_dict_unlock(dict, &key, NULL) == SHMRPC_OK);
    }
    shmrpc_dict_close(dict);
}

static void entries_go_from_key_to_key(void **state)
{
    (void)state;
    pid_t cast[4];
    crowd *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    shmrpc_dict *dict = open_with("many", 0);
    for (int64_t i = 0; i < SHMRPCI_DICT_LOCK_COUNT - LEFT; i++) {
        shmrpc_any key = shmrpc_any_i64(-1 - i);
        assert_int_equal(shmrpc_dict_try_lock(dict, &key, NULL), SHMRPC_OK);
    }
    for (int i = 0; i < 4; i++) {
        cast[i] = stage_cast(use_many_keys, i, shared);
    }
    for (int i = 0; i < 4; i++) {
        stage_dismiss(cast[i], 0);
    }
    shmrpc_dict_close(dict);
    (void)munmap(shared, sizeof *shared);
}

/* ---- one thread ---------------------------------------------------------- */

static void a_key_is_held_or_free(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_dict *dict = open_with("d", 0);
    shmrpc_dict *other = open_with("d", 0);
    EXPECT(lock_key(dict, "a", &error), SHMRPC_OK, &error);
    EXPECT(lock_key(dict, "a", &error), SHMRPC_E_PRECONDITION, &error);
    stage_expect_text(&error, "this thread already holds the lock");
    EXPECT(lock_key(dict, NULL, &error), SHMRPC_E_PRECONDITION, &error);
    stage_expect_text(&error, "release that first");
    EXPECT(try_key(other, "a", &error), SHMRPC_E_BUSY, &error);
    assert_int_equal(error.pid, getpid());
    stage_expect_text(&error, "dict \"d\": the key is locked by process ");
    EXPECT(try_key(other, NULL, &error), SHMRPC_E_BUSY, &error);
    assert_int_equal(error.pid, getpid());
    EXPECT(try_key(other, "b", &error), SHMRPC_OK, &error);
    assert_int_equal(unlock_key(other, "a"), SHMRPC_E_PRECONDITION);
    assert_int_equal(unlock_key(other, "never seen"), SHMRPC_E_PRECONDITION);
    assert_int_equal(unlock_key(other, "b"), SHMRPC_OK);
    assert_int_equal(unlock_key(dict, "a"), SHMRPC_OK);
    assert_int_equal(unlock_key(dict, "a"), SHMRPC_E_PRECONDITION);
    EXPECT(try_key(other, NULL, &error), SHMRPC_OK, &error);
    EXPECT(try_key(dict, "a", &error), SHMRPC_E_BUSY, &error);
    stage_expect_text(&error, "locked by process ");
    /* The holder of the whole dict may also lock keys, and keep them. */
    EXPECT(try_key(other, "a", &error), SHMRPC_OK, &error);
    assert_int_equal(unlock_key(other, NULL), SHMRPC_OK);
    EXPECT(try_key(dict, NULL, &error), SHMRPC_E_BUSY, &error);
    EXPECT(try_key(dict, "a", &error), SHMRPC_E_BUSY, &error);
    assert_int_equal(unlock_key(other, "a"), SHMRPC_OK);
    EXPECT(try_key(dict, NULL, &error), SHMRPC_OK, &error);
    assert_int_equal(unlock_key(dict, NULL), SHMRPC_OK);
    shmrpc_dict_close(other);
    shmrpc_dict_close(dict);
}

static void recursive_handles_nest(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_dict *dict = open_with("d", SHMRPC_SHARED_RECURSIVE);
    shmrpc_dict *other = open_with("d", 0);
    static const char *const keys[] = {"a", NULL};
    for (size_t i = 0; i < 2; i++) {
        EXPECT(lock_key(dict, keys[i], &error), SHMRPC_OK, &error);
        EXPECT(lock_key(dict, keys[i], &error), SHMRPC_OK, &error);
        assert_int_equal(unlock_key(dict, keys[i]), SHMRPC_OK);
        EXPECT(try_key(other, keys[i], &error), SHMRPC_E_BUSY, &error);
        assert_int_equal(unlock_key(dict, keys[i]), SHMRPC_OK);
        EXPECT(try_key(other, keys[i], &error), SHMRPC_OK, &error);
        assert_int_equal(unlock_key(other, keys[i]), SHMRPC_OK);
        assert_int_equal(unlock_key(dict, keys[i]), SHMRPC_E_PRECONDITION);
    }
    shmrpc_dict_close(other);
    shmrpc_dict_close(dict);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    shmrpc_error error;
    const shmrpc_lock_wait backwards = {.timeout_ns = -1};
    shmrpc_any list = shmrpc_any_list_of(NULL, 0);
    shmrpc_queue *queue;
    const shmrpc_queue_opts opts = {
        .shared = {.flags = SHMRPC_SHARED_RECURSIVE}};
    shmrpc_dict *dict = open_with("d", 0);
    shmrpc_dict *reader = open_with("d", SHMRPC_SHARED_READ_ONLY);
    EXPECT(lock_key(reader, "a", &error), SHMRPC_E_DENIED, &error);
    stage_expect_text(&error, "dict \"d\": it was opened READ_ONLY");
    EXPECT(lock_key(reader, NULL, &error), SHMRPC_E_DENIED, &error);
    assert_int_equal(unlock_key(reader, NULL), SHMRPC_E_DENIED);
    EXPECT(shmrpc_dict_lock(dict, NULL, &backwards, &error), SHMRPC_E_INVALID,
           &error);
    EXPECT(shmrpc_dict_lock(dict, &list, NULL, &error), SHMRPC_E_INVALID,
           &error);
    EXPECT(shmrpc_queue_open("q", &opts, &queue, &error), SHMRPC_E_INVALID,
           &error);
    stage_expect_text(&error, "RECURSIVE");
    shmrpc_dict_close(reader);
    shmrpc_dict_close(dict);
}

/* Two forms of the same key have the same lock. */
static void equal_keys_have_one_lock(void **state)
{
    (void)state;
    shmrpc_any one = shmrpc_any_i64(1);
    shmrpc_any same = shmrpc_any_f64(1.0);
    shmrpc_any other = shmrpc_any_bool(true);
    shmrpc_dict *dict = open_with("d", 0);
    assert_int_equal(shmrpc_dict_lock(dict, &one, NULL, NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_dict_try_lock(dict, &same, NULL),
                     SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_dict_try_lock(dict, &other, NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_dict_unlock(dict, &same, NULL), SHMRPC_OK);
    shmrpc_dict_close(dict);
}

/* As many keys as there are entries can be locked at once, and any number of
 * keys one after another. */
static void entries_are_used_again(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_dict *dict = open_with("d", 0);
    shmrpc_dict *other = open_with("d", 0);
    for (int64_t round = 0; round < 3; round++) {
        for (int64_t i = 0; i <= SHMRPCI_DICT_LOCK_COUNT; i++) {
            shmrpc_any key = shmrpc_any_i64(round * 10000 + i);
            EXPECT(shmrpc_dict_try_lock(dict, &key, &error),
                   i < SHMRPCI_DICT_LOCK_COUNT ? SHMRPC_OK : SHMRPC_E_EXHAUSTED,
                   &error);
        }
        stage_expect_text(&error, "the locks of 512 keys are held");
        for (int64_t i = 0; i < SHMRPCI_DICT_LOCK_COUNT; i++) {
            shmrpc_any key = shmrpc_any_i64(round * 10000 + i);
            EXPECT(shmrpc_dict_try_lock(other, &key, &error), SHMRPC_E_BUSY,
                   &error);
            assert_int_equal(shmrpc_dict_unlock(dict, &key, NULL), SHMRPC_OK);
        }
    }
    EXPECT(try_key(other, NULL, &error), SHMRPC_OK, &error);
    shmrpc_dict_close(other);
    shmrpc_dict_close(dict);
}

static void see_held(void *user, const shmrpc_dict_held *held)
{
    int *count = user;
    assert_int_equal(held->pid, getpid());
    assert_false(held->is_broken);
    if (!held->is_whole) {
        assert_int_equal(held->key_len, 2); /* as msgpack */
        assert_memory_equal(held->key_bytes.ptr, "\xA1k", 2);
    }
    *count += held->is_whole ? 10 : 1;
}

static void ignore_held(void *user, const shmrpc_dict_held *held)
{
    (void)user, (void)held;
}

static void people_see_what_is_held(void **state)
{
    (void)state;
    int count = 0;
    shmrpc_error error;
    shmrpc_dict *dict = open_with("d", 0);
    shmrpc_dict *reader = open_with("d", SHMRPC_SHARED_READ_ONLY);
    EXPECT(lock_key(dict, NULL, &error), SHMRPC_OK, &error);
    EXPECT(lock_key(dict, "k", &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_dict_each_lock(reader, see_held, &count, &error), SHMRPC_OK,
           &error);
    assert_int_equal(count, 11);
    shmrpc_dict_close(reader);
    shmrpc_dict_close(dict);
}

static void values_have_a_lock(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_value *one = NULL;
    shmrpc_value *two = NULL;
    EXPECT(shmrpc_value_open("v", NULL, &one, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_open("v", NULL, &two, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_lock(one, NULL, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_try_lock(two, &error), SHMRPC_E_BUSY, &error);
    EXPECT(shmrpc_value_unlock(one, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_try_lock(two, &error), SHMRPC_OK, &error);
    shmrpc_value_close(two); /* has the effect of the owner's death */
    EXPECT(shmrpc_value_lock(one, NULL, &error), SHMRPC_E_OWNER_DIED, &error);
    EXPECT(shmrpc_value_lock_consistent(one, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_unlock(one, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_lock(one, NULL, &error), SHMRPC_OK, &error);
    shmrpc_value_close(one);
}

/* ---- waiting ------------------------------------------------------------- */

static void hold_a(int index, void *user)
{
    (void)index;
    (void)user;
    shmrpc_dict *dict = open_with("d", 0);
    CHECK(lock_key(dict, "a", NULL) == SHMRPC_OK);
    stage_advance(0);
    stage_await(1, 1);
    CHECK(unlock_key(dict, "a") == SHMRPC_OK);
    shmrpc_dict_close(dict);
}

/* A stopped owner keeps the lock, too, because it is alive. */
static void a_living_owner_keeps_it(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_any key = shmrpc_any_str("a");
    const shmrpc_lock_wait brief = {.timeout_ns = 150 * SHMRPCI_NS_PER_MS};
    shmrpc_dict *dict = open_with("d", 0);
    pid_t owner = stage_cast(hold_a, 0, NULL);
    stage_await(0, 1);
    assert_int_equal(kill(owner, SIGSTOP), 0);
    const shmrpc_any *keys[] = {&key, NULL};
    for (size_t i = 0; i < 2; i++) {
        int64_t began_ns = shmrpci_now_ns();
        EXPECT(shmrpc_dict_lock(dict, keys[i], &brief, &error),
               SHMRPC_E_DEADLINE, &error);
        assert_true(shmrpci_now_ns() - began_ns >= brief.timeout_ns);
        assert_int_equal(error.pid, owner);
        stage_expect_text(&error, "; waited ");
    }
    EXPECT(shmrpc_dict_lock(dict, &key, &brief, &error), SHMRPC_E_DEADLINE,
           &error);
    assert_true(error.held_ns >= brief.timeout_ns);
    stage_advance(1);
    assert_int_equal(kill(owner, SIGCONT), 0);
    EXPECT(lock_key(dict, "a", &error), SHMRPC_OK, &error);
    stage_dismiss(owner, 0);
    shmrpc_dict_close(dict);
}

static void *wait_for_whole(void *user)
{
    shmrpc_dict *dict = user;
    shmrpc_error error;
    CHECK(lock_key(dict, NULL, &error) == SHMRPC_OK);
    stage_advance(1);
    CHECK(unlock_key(dict, NULL) == SHMRPC_OK);
    return NULL;
}

/* While a thread waits for the whole dict, a thread that holds a key can lock
 * another key, but a thread that holds none can't. */
static void who_has_a_key_gets_more(void **state)
{
    (void)state;
    shmrpc_error error;
    pthread_t thread;
    shmrpc_dict *dict = open_with("d", 0);
    shmrpc_dict *other = open_with("d", 0);
    shmrpc_dict *third = open_with("d", 0);
    EXPECT(lock_key(dict, "a", &error), SHMRPC_OK, &error);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_whole, other), 0);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (try_key(third, "c", &error) == SHMRPC_OK) {
        assert_int_equal(unlock_key(third, "c"), SHMRPC_OK);
        assert_true(shmrpci_remaining_ns(deadline_ns) > 0);
    }
    EXPECT(lock_key(dict, "b", &error), SHMRPC_OK, &error);
    assert_int_equal(stage_step(1), 0);
    assert_int_equal(unlock_key(dict, "a"), SHMRPC_OK);
    assert_int_equal(stage_step(1), 0);
    assert_int_equal(unlock_key(dict, "b"), SHMRPC_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    EXPECT(lock_key(third, "c", &error), SHMRPC_OK, &error);
    shmrpc_dict_close(third);
    shmrpc_dict_close(other);
    shmrpc_dict_close(dict);
}

/* ---- deaths and destruction ---------------------------------------------- */

static void wait_for_a(int index, void *user)
{
    (void)user;
    shmrpc_error error;
    shmrpc_dict *dict = open_with("d", 0);
    stage_advance(2);
    shmrpc_status status = lock_key(dict, "a", &error);
    atomic_store(&scene->times_ns[index], shmrpci_now_ns());
    CHECK(status == SHMRPC_E_OWNER_DIED);
    CHECK(mend_key(dict, "a") == SHMRPC_OK);
    CHECK(unlock_key(dict, "a") == SHMRPC_OK);
    CHECK(lock_key(dict, "a", &error) == SHMRPC_OK);
    shmrpc_dict_close(dict);
}

static int64_t pass_on_by_death(void *user)
{
    (void)user;
    memset(scene, 0, sizeof *scene);
    shmrpc_dict *dict = open_with("d", 0);
    assert_int_equal(shmrpc_dict_destroy(dict), SHMRPC_OK);
    shmrpc_dict_close(dict);
    dict = open_with("d", 0);
    pid_t owner = stage_cast(hold_a, 0, NULL);
    stage_await(0, 1);
    pid_t heir = stage_cast(wait_for_a, 1, NULL);
    stage_await(2, 1);
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(kill(owner, SIGKILL), 0);
    stage_dismiss(heir, 0);
    stage_dismiss(owner, SIGKILL);
    shmrpc_dict_close(dict);
    return atomic_load(&scene->times_ns[1]) - began_ns;
}

static void death_passes_a_key_on_within_50_ms(void **state)
{
    (void)state;
    expect_reaction(pass_on_by_death, NULL, 0, 50 * SHMRPCI_NS_PER_MS);
}

/* The next participant gets the number of the dead one, but not its locks. */
static void the_successor_holds_nothing(void **state)
{
    (void)state;
    shmrpc_error error;
    static const char *const keys[] = {"a", NULL};
    shmrpc_dict *dict = open_with("d", 0);
    for (size_t i = 0; i < 2; i++) {
        memset(scene, 0, sizeof *scene);
        pid_t owner = stage_cast(hold_a, 0, NULL);
        stage_await(0, 1);
        stage_kill(owner);
        shmrpc_dict *successor = open_with("d", 0);
        int expected = keys[i] != NULL ? SHMRPC_E_OWNER_DIED : SHMRPC_OK;
        EXPECT(lock_key(dict, keys[i], &error), expected, &error);
        assert_int_equal(unlock_key(dict, keys[i]), SHMRPC_OK);
        EXPECT(lock_key(dict, "a", &error), SHMRPC_E_OWNER_DIED, &error);
        assert_int_equal(mend_key(dict, "a"), SHMRPC_OK);
        assert_int_equal(unlock_key(dict, "a"), SHMRPC_OK);
        shmrpc_dict_close(successor);
    }
    shmrpc_dict_close(dict);
}

static void closing_is_as_a_death(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_dict *dict = open_with("d", 0);
    shmrpc_dict *other = open_with("d", 0);
    EXPECT(lock_key(other, "a", &error), SHMRPC_OK, &error);
    shmrpc_dict_close(other);
    EXPECT(lock_key(dict, "a", &error), SHMRPC_E_OWNER_DIED, &error);
    stage_expect_text(&error, "died while it held this lock");
    assert_int_equal(unlock_key(dict, "a"), SHMRPC_OK);
    EXPECT(try_key(dict, "a", &error), SHMRPC_E_OWNER_DIED, &error);
    assert_int_equal(mend_key(dict, "a"), SHMRPC_OK);
    assert_int_equal(unlock_key(dict, "a"), SHMRPC_OK);
    EXPECT(try_key(dict, "a", &error), SHMRPC_OK, &error);
    shmrpc_dict_close(dict);
}

static void use_as_child(int index, void *user)
{
    (void)index;
    shmrpc_error error;
    shmrpc_dict *dict = user;
    CHECK(try_key(dict, "a", &error) == SHMRPC_E_BUSY);
    CHECK(error.pid == getppid());
    CHECK(unlock_key(dict, "a") == SHMRPC_E_PRECONDITION);
    CHECK(try_key(dict, "b", &error) == SHMRPC_OK);
    shmrpc_dict_close(dict);
}

static void a_child_holds_nothing(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_dict *dict = open_with("d", 0);
    EXPECT(lock_key(dict, "a", &error), SHMRPC_OK, &error);
    stage_dismiss(stage_cast(use_as_child, 0, dict), 0);
    EXPECT(try_key(dict, "a", &error), SHMRPC_E_PRECONDITION, &error);
    EXPECT(lock_key(dict, "b", &error), SHMRPC_E_OWNER_DIED, &error);
    assert_int_equal(unlock_key(dict, "a"), SHMRPC_OK);
    shmrpc_dict_close(dict);
}

static void wait_for_the_end(int index, void *user)
{
    static const char *const keys[] = {"a", NULL};
    (void)user;
    shmrpc_error error;
    shmrpc_dict *dict = open_with("d", 0);
    stage_advance(0);
    CHECK(lock_key(dict, keys[index], &error) == SHMRPC_E_DESTROYED);
    CHECK(try_key(dict, "new", &error) == SHMRPC_E_DESTROYED);
    shmrpc_dict_close(dict);
}

static void who_waits_is_told_of_the_end(void **state)
{
    (void)state;
    pid_t cast[2];
    shmrpc_error error;
    shmrpc_dict *dict = open_with("d", 0);
    EXPECT(lock_key(dict, "a", &error), SHMRPC_OK, &error);
    for (int i = 0; i < 2; i++) {
        cast[i] = stage_cast(wait_for_the_end, i, NULL);
    }
    stage_await(0, 2);
    assert_int_equal(shmrpc_dict_destroy(dict), SHMRPC_OK);
    for (int i = 0; i < 2; i++) {
        stage_dismiss(cast[i], 0);
    }
    shmrpc_dict_close(dict);
}

/* A process that may write to the file may write anything into it; calls must
 * still return. */
static void damage_ends_in_a_status(void **state)
{
    (void)state;
    static const char *const keys[] = {"a", "b", NULL};
    const shmrpc_lock_wait brief = {.timeout_ns = SHMRPCI_NS_PER_MS};
    shmrpci_region_head head;
    shmrpc_dict *dict = open_with("d", 0);
    shmrpc_dict *other = open_with("d", 0);
    int fd = open(stage_path("d.dict"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &head, sizeof head, 0), sizeof head);
    uint64_t from = head.roots_offset + head.limits[SHMRPCI_DICT_LIMIT_LOCKS];
    uint64_t bytes = head.roots_offset + head.roots_bytes - from;
    uint64_t random = 1;
    for (int i = 0; i < 600; i++) {
        uint64_t word = 0;
        for (int b = 0; b < 8; b++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            word = word << 8 | random >> 56;
        }
        word &= i % 3 == 0 ? UINT64_MAX : 0xFFFFF; /* these bits are those of a
                                                    * lock's word */
        uint64_t at = from + (i % 2 == 0 ? random >> 20 : 128) % (bytes - 8);
        assert_int_equal(pwrite(fd, &word, 8, (off_t)(at & ~(uint64_t)7)), 8);
        shmrpc_any key = shmrpc_any_str(keys[i % 3] != NULL ? keys[i % 3] : "");
        const shmrpc_any *name = keys[i % 3] != NULL ? &key : NULL;
        (void)!shmrpc_dict_lock(i % 5 < 3 ? dict : other, name, &brief, NULL);
        (void)!shmrpc_dict_try_lock(other, name, NULL);
        (void)shmrpc_dict_unlock(dict, name, NULL);
        (void)shmrpc_dict_unlock(other, name, NULL);
        (void)shmrpc_dict_each_lock(dict, ignore_held, NULL, NULL);
    }
    (void)close(fd);
    shmrpc_dict_close(other);
    shmrpc_dict_close(dict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(four_processes_count_to_40000),
        TEST(key_and_whole_exclude_each_other),
        TEST(different_keys_are_held_at_once),
        TEST(entries_go_from_key_to_key),
        TEST(a_key_is_held_or_free),
        TEST(recursive_handles_nest),
        TEST(what_cannot_be_is_refused),
        TEST(equal_keys_have_one_lock),
        TEST(entries_are_used_again),
        TEST(people_see_what_is_held),
        TEST(values_have_a_lock),
        TEST(a_living_owner_keeps_it),
        TEST(who_has_a_key_gets_more),
        TEST(death_passes_a_key_on_within_50_ms),
        TEST(the_successor_holds_nothing),
        TEST(closing_is_as_a_death),
        TEST(a_child_holds_nothing),
        TEST(who_waits_is_told_of_the_end),
        TEST(damage_ends_in_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
