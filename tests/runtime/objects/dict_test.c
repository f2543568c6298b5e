/* Dicts of values: keys, paths, changes, processes. */
#include "stage.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "objects/label.h"
#include "os/byte_lock.h"
#include "shmrpc/shared_stub.h"

/* A path of strings and numbers, such as STEPS("a", 3). */
typedef struct steps {
    shmrpc_any any[8];
    shmrpc_path path;
} steps;

static const shmrpc_path *key_of(steps *out, const char *key)
{
    out->any[0] = shmrpc_any_str(key);
    out->path = shmrpc_path_of(out->any, 1);
    return &out->path;
}

static const shmrpc_path *step(steps *out, shmrpc_any next)
{
    out->any[out->path.len++] = next;
    return &out->path;
}

static shmrpc_dict *open_dict(const char *name, const shmrpc_dict_opts *opts)
{
    shmrpc_dict *dict = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_dict_open(name, opts, &dict, &error), SHMRPC_OK, &error);
    return dict;
}

static void put(shmrpc_dict *dict, const char *key, shmrpc_any value)
{
    steps at;
    shmrpc_error error;
    EXPECT(shmrpc_dict_put(dict, key_of(&at, key), &value, &error), SHMRPC_OK,
           &error);
}

static void expect_at(shmrpc_dict *dict, const shmrpc_path *path,
                      shmrpc_any expected)
{
    const shmrpc_any *value = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_dict_get(dict, path, &value, NULL, &error), SHMRPC_OK,
           &error);
    assert_true(shmrpc_any_equal(value, &expected));
    shmrpc_dict_release(dict, value);
}

static void expect_none(shmrpc_dict *dict, const shmrpc_path *path, int status)
{
    const shmrpc_any *value;
    shmrpc_error error;
    EXPECT(shmrpc_dict_get(dict, path, &value, NULL, &error), status, &error);
}

static void values_come_back(void **state)
{
    (void)state;
    steps at;
    uint64_t len;
    shmrpc_error error;
    shmrpc_any list[] = {shmrpc_any_i64(1), shmrpc_any_null()};
    shmrpc_any values[] = {
        shmrpc_any_null(),          shmrpc_any_bool(false),
        shmrpc_any_i64(-7),         shmrpc_any_f64(0.25),
        shmrpc_any_str("text"),     shmrpc_any_bytes("\0", 1),
        shmrpc_any_list_of(list, 2)};
    shmrpc_dict *dict = open_dict("d", NULL);
    shmrpc_dict *other = open_dict("d", NULL);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        put(dict, "k", values[i]);
        expect_at(other, key_of(&at, "k"), values[i]);
    }
    EXPECT(shmrpc_dict_len(other, NULL, &len, &error), SHMRPC_OK, &error);
    assert_int_equal(len, 1);
    EXPECT(shmrpc_dict_contains(other, key_of(&at, "k"), &error), SHMRPC_OK,
           &error);
    EXPECT(shmrpc_dict_contains(other, key_of(&at, "x"), &error),
           SHMRPC_E_NOT_FOUND, &error);
    EXPECT(shmrpc_dict_put_new(dict, key_of(&at, "k"), values, &error),
           SHMRPC_E_EXISTS, &error);
    EXPECT(shmrpc_dict_del(dict, key_of(&at, "k"), &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_dict_del(dict, key_of(&at, "k"), &error), SHMRPC_E_NOT_FOUND,
           &error);
    stage_expect_text(&error, "dict \"d\": there is no such key");
    expect_none(other, key_of(&at, "k"), SHMRPC_E_NOT_FOUND);
    EXPECT(shmrpc_dict_put_new(dict, key_of(&at, "k"), values, &error),
           SHMRPC_OK, &error);
    EXPECT(shmrpc_dict_clear(dict, &error), SHMRPC_OK, &error);
    expect_none(other, key_of(&at, "k"), SHMRPC_E_NOT_FOUND);
    expect_none(other, &(shmrpc_path){NULL, 0}, SHMRPC_E_INVALID);
    shmrpc_dict_close(other);
    shmrpc_dict_close(dict);
}

static void one_key_has_one_form(void **state)
{
    (void)state;
    steps at = {.path = {at.any, 1}};
    shmrpc_error error;
    uint64_t len;
    shmrpc_dict *dict = open_dict("keys", NULL);
    static const double too_large = 36893488147419103232.0; /* 2^65 */
    struct {
        shmrpc_any key;
        int64_t value;
    } keys[] = {{shmrpc_any_i64(1), 1},
                {shmrpc_any_u64(1), 1},
                {shmrpc_any_f64(1.0), 1},
                {shmrpc_any_f32(1.0f), 1},
                {shmrpc_any_bool(true), 2},
                {shmrpc_any_str("1"), 3},
                {shmrpc_any_bytes("1", 1), 4},
                {shmrpc_any_null(), 5},
                {shmrpc_any_f64(-0.0), 6},
                {shmrpc_any_i64(0), 6},
                {shmrpc_any_f64(0.5), 7},
                {shmrpc_any_f32(0.5f), 7},
                {shmrpc_any_u64(UINT64_MAX), 8},
                {shmrpc_any_f64(9223372036854775808.0), 9},
                {shmrpc_any_u64(UINT64_C(1) << 63), 9},
                {shmrpc_any_f64(too_large), 10},
                {shmrpc_any_str(""), 11}};
    size_t count = sizeof keys / sizeof *keys;
    for (size_t i = 0; i < count; i++) {
        shmrpc_any value = shmrpc_any_i64(keys[i].value);
        at.any[0] = keys[i].key;
        EXPECT(shmrpc_dict_put(dict, &at.path, &value, &error), SHMRPC_OK,
               &error);
    }
    for (size_t i = 0; i < count; i++) {
        at.any[0] = keys[i].key;
        expect_at(dict, &at.path, shmrpc_any_i64(keys[i].value));
    }
    EXPECT(shmrpc_dict_len(dict, NULL, &len, &error), SHMRPC_OK, &error);
    assert_int_equal(len, 11);
    shmrpc_any bad[] = {shmrpc_any_list_of(NULL, 0), shmrpc_any_map_of(NULL, 0),
                        shmrpc_any_f64(0.0 / 0.0)};
    for (size_t i = 0; i < 3; i++) {
        at.any[0] = bad[i];
        EXPECT(shmrpc_dict_put(dict, &at.path, bad, &error), SHMRPC_E_INVALID,
               &error);
    }
    shmrpc_dict_close(dict);
}

static void paths_lead_into_values(void **state)
{
    (void)state;
    steps at;
    uint64_t len;
    shmrpc_error error;
    const shmrpc_any *was;
    shmrpc_any five = shmrpc_any_i64(5);
    shmrpc_any six = shmrpc_any_i64(6);
    shmrpc_any empty_map = shmrpc_any_map_of(NULL, 0);
    shmrpc_any empty_list = shmrpc_any_list_of(NULL, 0);
    shmrpc_dict *dict = open_dict("paths", NULL);
    /* In Python: d = {"a": {}}; d["a"]["b"] = []; d["a"]["b"].append(5) ... */
    put(dict, "a", empty_map);
    (void)key_of(&at, "a");
    EXPECT(shmrpc_dict_put(dict, step(&at, shmrpc_any_str("b")), &empty_list,
                           &error),
           SHMRPC_OK, &error);
    EXPECT(shmrpc_dict_append(dict, &at.path, &five, &error), SHMRPC_OK,
           &error);
    EXPECT(shmrpc_dict_insert(dict, step(&at, shmrpc_any_i64(0)), &six, &error),
           SHMRPC_OK, &error);
    expect_at(dict, &at.path, six);
    at.any[2] = shmrpc_any_i64(-1);
    expect_at(dict, &at.path, five);
    at.path.len = 2;
    EXPECT(shmrpc_dict_len(dict, &at.path, &len, &error), SHMRPC_OK, &error);
    assert_int_equal(len, 2);
    at.path.len = 3;
    at.any[2] = shmrpc_any_i64(2);
    EXPECT(shmrpc_dict_put(dict, &at.path, &six, &error), SHMRPC_E_OUT_OF_RANGE,
           &error);
    expect_none(dict, &at.path, SHMRPC_E_NOT_FOUND);
    at.any[2] = shmrpc_any_i64(-3);
    expect_none(dict, &at.path, SHMRPC_E_NOT_FOUND);
    at.any[2] = shmrpc_any_str("x");
    expect_none(dict, &at.path, SHMRPC_E_INVALID);
    at.any[2] = shmrpc_any_i64(0);
    EXPECT(shmrpc_dict_pop(dict, &at.path, &was, &error), SHMRPC_OK, &error);
    assert_int_equal(was->u.i64, 6);
    shmrpc_dict_release(dict, was);
    expect_at(dict, &at.path, five);
    expect_none(dict, step(&at, shmrpc_any_i64(0)), SHMRPC_E_PRECONDITION);
    (void)key_of(&at, "a");
    EXPECT(
        shmrpc_dict_put_new(dict, step(&at, shmrpc_any_str("b")), &six, &error),
        SHMRPC_E_EXISTS, &error);
    EXPECT(shmrpc_dict_del(dict, &at.path, &error), SHMRPC_OK, &error);
    expect_at(dict, key_of(&at, "a"), empty_map);
    (void)key_of(&at, "nowhere");
    EXPECT(shmrpc_dict_put(dict, step(&at, shmrpc_any_str("b")), &six, &error),
           SHMRPC_E_NOT_FOUND, &error);
    EXPECT(shmrpc_dict_pop(dict, key_of(&at, "a"), &was, &error), SHMRPC_OK,
           &error);
    assert_true(shmrpc_any_equal(was, &empty_map));
    shmrpc_dict_release(dict, was);
    expect_none(dict, key_of(&at, "a"), SHMRPC_E_NOT_FOUND);
    shmrpc_dict_close(dict);
}

static void versions_tell_of_changes(void **state)
{
    (void)state;
    steps at;
    uint64_t version;
    uint64_t next;
    shmrpc_error error;
    const shmrpc_any *value;
    shmrpc_any one = shmrpc_any_i64(1);
    shmrpc_dict *dict = open_dict("versions", NULL);
    put(dict, "k", one);
    EXPECT(shmrpc_dict_get(dict, key_of(&at, "k"), &value, &version, &error),
           SHMRPC_OK, &error);
    shmrpc_dict_release(dict, value);
    EXPECT(shmrpc_dict_put_if(dict, &at.path, &one, version, &next, &error),
           SHMRPC_OK, &error);
    assert_int_not_equal(version, next);
    EXPECT(shmrpc_dict_put_if(dict, &at.path, &one, version, &next, &error),
           SHMRPC_E_ABORTED, &error);
    EXPECT(shmrpc_dict_put_if(dict, &at.path, &one, next, NULL, &error),
           SHMRPC_OK, &error);
    shmrpc_dict_close(dict);
}

/* ---- updates ------------------------------------------------------------- */

static int add_one(void *user, const shmrpc_any *was, shmrpc_any *now)
{
    (void)user;
    *now = shmrpc_any_i64(was != NULL ? was->u.i64 + 1 : 1);
    return SHMRPC_CHANGE_PUT;
}

static int answer_with(void *user, const shmrpc_any *was, shmrpc_any *now)
{
    (void)was;
    (void)now;
    return *(int *)user;
}

static void updates_change_keep_delete_or_fail(void **state)
{
    (void)state;
    steps at;
    shmrpc_error error;
    shmrpc_dict *dict = open_dict("updates", NULL);
    for (int i = 1; i < 4; i++) {
        EXPECT(
            shmrpc_dict_update(dict, key_of(&at, "n"), add_one, NULL, &error),
            SHMRPC_OK, &error);
        expect_at(dict, &at.path, shmrpc_any_i64(i));
    }
    int answer = SHMRPC_CHANGE_KEEP;
    EXPECT(shmrpc_dict_update(dict, &at.path, answer_with, &answer, &error),
           SHMRPC_OK, &error);
    expect_at(dict, &at.path, shmrpc_any_i64(3));
    answer = SHMRPC_E_CANCELLED;
    EXPECT(shmrpc_dict_update(dict, &at.path, answer_with, &answer, &error),
           SHMRPC_E_CANCELLED, &error);
    expect_at(dict, &at.path, shmrpc_any_i64(3));
    answer = SHMRPC_CHANGE_DELETE;
    EXPECT(shmrpc_dict_update(dict, &at.path, answer_with, &answer, &error),
           SHMRPC_OK, &error);
    expect_none(dict, &at.path, SHMRPC_E_NOT_FOUND);
    shmrpc_dict_close(dict);
}

/* UltraDict's example simple_counter: 40,000 increments must give 40,000. */
#define COUNTERS 4
#define COUNTS   10000

static void count_by_name(int index, void *user)
{
    (void)index;
    (void)user;
    steps at;
    shmrpc_dict *dict;
    shmrpc_error error;
    CHECK(shmrpc_dict_open("counter", NULL, &dict, &error) == SHMRPC_OK);
    for (int i = 0; i < COUNTS; i++) {
        CHECK(shmrpc_dict_update(dict, key_of(&at, "n"), add_one, NULL,
                                 &error) == SHMRPC_OK);
    }
    shmrpc_dict_close(dict);
}

static void counter_by_name_misses_none(void **state)
{
    (void)state;
    steps at;
    pid_t cast[COUNTERS];
    for (int i = 0; i < COUNTERS; i++) {
        cast[i] = stage_cast(count_by_name, i, NULL);
    }
    for (int i = 0; i < COUNTERS; i++) {
        stage_dismiss(cast[i], 0);
    }
    shmrpc_dict *dict = open_dict("counter", NULL);
    expect_at(dict, key_of(&at, "n"), shmrpc_any_i64(COUNTERS * COUNTS));
    shmrpc_dict_close(dict);
}

static void *count_in_a_thread(void *user)
{
    steps at;
    shmrpc_error error;
    for (int i = 0; i < 500; i++) {
        EXPECT(
            shmrpc_dict_update(user, key_of(&at, "n"), add_one, NULL, &error),
            SHMRPC_OK, &error);
    }
    return NULL;
}

static void threads_share_a_handle(void **state)
{
    (void)state;
    steps at;
    pthread_t threads[3];
    shmrpc_dict *dict = open_dict("threads", NULL);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL, count_in_a_thread, dict), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    expect_at(dict, key_of(&at, "n"), shmrpc_any_i64(1500));
    shmrpc_dict_close(dict);
}

/* ---- many processes (ronny-rentner/UltraDict#6, #7, #33) ------------------
 */

#define CROWD 54

static void join_the_crowd(int index, void *user)
{
    (void)user;
    char key[32];
    steps at;
    shmrpc_dict *dict;
    shmrpc_error error;
    stage_await(0, 1);
    EXPECT_HERE(shmrpc_dict_open("crowd", NULL, &dict, &error), &error);
    stage_advance(1);
    stage_await(1, CROWD);
    for (int i = 0; i < 20; i++) {
        shmrpc_any value = shmrpc_any_i64(index * 1000 + i);
        (void)snprintf(key, sizeof key, "%d/%d", index, i);
        EXPECT_HERE(shmrpc_dict_put(dict, key_of(&at, key), &value, &error),
                    &error);
        EXPECT_HERE(
            shmrpc_dict_update(dict, key_of(&at, "n"), add_one, NULL, &error),
            &error);
    }
    shmrpc_dict_close(dict);
}

static void fifty_four_processes_write_one_dict(void **state)
{
    (void)state;
    pid_t cast[CROWD];
    steps at;
    for (int i = 0; i < CROWD; i++) {
        cast[i] = stage_cast(join_the_crowd, i, NULL);
    }
    stage_advance(0);
    for (int i = 0; i < CROWD; i++) {
        stage_dismiss(cast[i], 0);
    }
    shmrpc_dict *dict = open_dict("crowd", NULL);
    expect_at(dict, key_of(&at, "n"), shmrpc_any_i64(CROWD * 20));
    for (int i = 0; i < CROWD * 20; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "%d/%d", i / 20, i % 20);
        expect_at(dict, key_of(&at, key),
                  shmrpc_any_i64(i / 20 * 1000 + i % 20));
    }
    shmrpc_dict_close(dict);
}

static void write_until_killed(int index, void *user)
{
    (void)index;
    steps at;
    (void)key_of(&at, "inner");
    (void)step(&at, shmrpc_any_str("list"));
    for (int64_t i = 0;; i++) {
        shmrpc_any number = shmrpc_any_i64(i);
        shmrpc_error error;
        CHECK(shmrpc_dict_append(user, &at.path, &number, &error) == SHMRPC_OK);
        stage_advance(0);
    }
}

static void killed_writers_leave_whole_values(void **state)
{
    (void)state;
    steps at;
    shmrpc_any list = shmrpc_any_list_of(NULL, 0);
    shmrpc_any_entry entry = {shmrpc_any_str("list"), list};
    shmrpc_dict *dict = open_dict("kills", NULL);
    int rounds = stage_is_long() ? 300 : 10;
    for (int i = 0; i < rounds; i++) {
        const shmrpc_any *value;
        shmrpc_error error;
        memset(scene, 0, sizeof *scene);
        put(dict, "inner", shmrpc_any_map_of(&entry, 1));
        pid_t writer = stage_cast(write_until_killed, 0, dict);
        stage_await(0, 20);
        stage_kill(writer);
        (void)key_of(&at, "inner");
        (void)step(&at, shmrpc_any_str("list"));
        EXPECT(shmrpc_dict_get(dict, &at.path, &value, NULL, &error), SHMRPC_OK,
               &error);
        /* Every change whose call had returned is there, and at most one
         * more. */
        size_t len = value->u.list.len;
        assert_in_range(len, stage_step(0), stage_step(0) + 1);
        for (size_t j = 0; j < len; j++) {
            assert_int_equal(value->u.list.ptr[j].u.i64, j);
        }
        shmrpc_dict_release(dict, value);
    }
    shmrpc_dict_close(dict);
}

/* ---- read only, full, typed ---------------------------------------------- */

static void readers_change_nothing(void **state)
{
    (void)state;
    steps at;
    shmrpc_error error;
    shmrpc_any one = shmrpc_any_i64(1);
    shmrpc_dict_opts opts = {.shared = {.flags = SHMRPC_SHARED_READ_ONLY}};
    shmrpc_dict *reader = NULL;
    EXPECT(shmrpc_dict_open("r", &opts, &reader, &error), SHMRPC_E_NOT_FOUND,
           &error);
    shmrpc_dict_opts once = {
        .shared = {.lifetime = SHMRPC_LIFETIME_LAST_CLOSE}};
    shmrpc_dict *dict = open_dict("r", &once);
    put(dict, "k", one);
    EXPECT(shmrpc_dict_open("r", &opts, &reader, &error), SHMRPC_OK, &error);
    expect_at(reader, key_of(&at, "k"), one);
    EXPECT(shmrpc_dict_put(reader, &at.path, &one, &error), SHMRPC_E_DENIED,
           &error);
    EXPECT(shmrpc_dict_del(reader, &at.path, &error), SHMRPC_E_DENIED, &error);
    EXPECT(shmrpc_dict_clear(reader, &error), SHMRPC_E_DENIED, &error);
    assert_int_equal(shmrpc_dict_destroy(reader), SHMRPC_E_DENIED);
    /* The reader also keeps the dict open, so the dict does not end before the
     * reader closes it. */
    shmrpc_dict_close(dict);
    expect_at(reader, &at.path, one);
    assert_int_equal(access(stage_path("r.dict"), F_OK), 0);
    shmrpc_dict_close(reader);
    assert_int_equal(shmrpc_objects_collect(SHMRPC_SCOPE_USER, 0, NULL),
                     SHMRPC_OK);
    assert_int_not_equal(access(stage_path("r.dict"), F_OK), 0);
}

static void read_in_child(int index, void *user)
{
    (void)index;
    steps at;
    const shmrpc_any *value;
    for (int i = 0; i < 2; i++) {
        CHECK(shmrpc_dict_get(user, key_of(&at, "k"), &value, NULL, NULL) ==
              SHMRPC_OK);
        shmrpc_dict_release(user, value);
        stage_advance(0);
        stage_await(1, 1);
    }
}

/* The child attaches by itself, and counts as a user of its own. */
static void a_childs_reader_keeps_the_dict(void **state)
{
    (void)state;
    shmrpc_dict_opts once = {
        .shared = {.lifetime = SHMRPC_LIFETIME_LAST_CLOSE}};
    shmrpc_dict_opts opts = {.shared = {.flags = SHMRPC_SHARED_READ_ONLY}};
    shmrpc_dict *dict = open_dict("c", &once);
    put(dict, "k", shmrpc_any_i64(1));
    shmrpc_dict *reader = open_dict("c", &opts);
    pid_t child = stage_cast(read_in_child, 0, reader);
    stage_await(0, 1);
    shmrpc_dict_close(reader);
    shmrpc_dict_close(dict);
    assert_int_equal(access(stage_path("c.dict"), F_OK), 0);
    stage_advance(1);
    stage_dismiss(child, 0);
}

/* The test holds the byte locks that keep readers out while a process ends a
 * dict that nobody uses. */
static void a_reader_does_not_open_what_is_over(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_dict *reader = NULL;
    shmrpc_dict_opts opts = {.shared = {.flags = SHMRPC_SHARED_READ_ONLY}};
    shmrpc_dict *dict = open_dict("o", NULL);
    int fd = open(stage_path("o.dict"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(shmrpci_byte_lock_try(fd, SHMRPCI_OBJECT_JUDGE_BYTE, 1),
                     SHMRPC_OK);
    assert_int_equal(shmrpci_byte_lock_try(fd, SHMRPCI_OBJECT_READERS_BYTE, 1),
                     SHMRPC_OK);
    EXPECT(shmrpc_dict_open("o", &opts, &reader, &error), SHMRPC_E_NOT_FOUND,
           &error);
    assert_int_equal(close(fd), 0);
    reader = open_dict("o", &opts);
    shmrpc_dict_close(reader);
    shmrpc_dict_close(dict);
}

static void full_dicts_say_what_they_need(void **state)
{
    (void)state;
    static char large[20000];
    char key[32];
    steps at;
    shmrpc_error error = {0};
    shmrpc_any value = shmrpc_any_bytes(large, sizeof large);
    shmrpc_dict_opts opts = {.shared = {.max_bytes = 1u << 20}};
    shmrpc_dict *dict = open_dict("full", &opts);
    int status = SHMRPC_OK;
    int count = 0;
    for (; count < 100 && status == SHMRPC_OK; count++) {
        (void)snprintf(key, sizeof key, "%d", count);
        status = shmrpc_dict_put(dict, key_of(&at, key), &value, &error);
    }
    EXPECT(status, SHMRPC_E_EXHAUSTED, &error);
    assert_in_range(count, 20, 60);
    /* Existing entries stay, and freed room can be used. */
    expect_at(dict, key_of(&at, "0"), value);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        EXPECT(shmrpc_dict_del(dict, key_of(&at, key), &error), SHMRPC_OK,
               &error);
    }
    put(dict, "more", value);
    shmrpc_dict_opts two = {.capacity = 2};
    shmrpc_dict *small = open_dict("small", &two);
    put(small, "a", shmrpc_any_null());
    put(small, "b", shmrpc_any_null());
    EXPECT(shmrpc_dict_put(small, key_of(&at, "c"), &value, &error),
           SHMRPC_E_EXHAUSTED, &error);
    shmrpc_dict_close(small);
    shmrpc_dict_close(dict);
}

/* Mounts a tmpfs of 8 MiB and makes it the folder of objects. Returns false if
 * this process may not mount one. */
static bool enter_small_folder(void)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/small", stage_folder());
    return unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mkdir(path, 0700) == 0 &&
           mount("tmpfs", path, "tmpfs", 0, "size=8m") == 0 &&
           setenv("SHMRPC_DIR", path, 1) == 0;
}

static void fill_the_folder(int index, void *user)
{
    static char large[50000];
    (void)index;
    (void)user;
    char key[32];
    steps at;
    shmrpc_dict *dict;
    shmrpc_dict *other;
    shmrpc_error error;
    shmrpc_any value = shmrpc_any_bytes(large, sizeof large);
    if (!enter_small_folder()) {
        return;
    }
    EXPECT_HERE(shmrpc_dict_open("full", NULL, &dict, &error), &error);
    int status = SHMRPC_OK;
    for (int i = 0; i < 1000 && status == SHMRPC_OK; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        status = shmrpc_dict_put(dict, key_of(&at, key), &value, &error);
    }
    CHECK(status == SHMRPC_E_EXHAUSTED);
    /* Other objects can't be made either; the errors say why. */
    for (int i = 0; i < 100 && status != SHMRPC_OK; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        int made = shmrpc_dict_open(key, NULL, &other, &error);
        CHECK(made == SHMRPC_OK || made == SHMRPC_E_EXHAUSTED);
        if (made != SHMRPC_OK) {
            break;
        }
        shmrpc_dict_close(other);
    }
    /* Existing entries stay. */
    EXPECT_HERE(shmrpc_dict_contains(dict, key_of(&at, "0"), &error), &error);
    EXPECT_HERE(shmrpc_dict_del(dict, key_of(&at, "0"), &error), &error);
    shmrpc_dict_close(dict);
}

static void full_memory_is_no_signal(void **state)
{
    (void)state;
    stage_dismiss(stage_cast(fill_the_folder, 0, NULL), 0);
}

typedef struct voice {
    uint32_t rate;
    float gain;
} voice;

static const shmrpc_field voice_fields[] = {
    SHMRPC_FIELD_INIT(1, "rate", &shmrpc_type_u32, voice, rate, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "gain", &shmrpc_type_f32, voice, gain, 0, NULL, NULL)};
static const shmrpc_type voice_type =
    SHMRPC_TYPE_STRUCT_INIT(voice, SHMRPC_TYPE_FIXED | SHMRPC_TYPE_FLAT, 8, 4,
                            "test.Voice", NULL, voice_fields);

static int louder(shmrpc_function change, void *user, const void *was,
                  void *now)
{
    (void)change;
    voice *out = now;
    out->gain += *(float *)user;
    return was != NULL ? SHMRPC_CHANGE_PUT : SHMRPC_CHANGE_KEEP;
}

static void typed_values_are_read_into_place(void **state)
{
    (void)state;
    static const shmrpc_encoding encodings[] = {
        SHMRPC_ENCODING_NATIVE, SHMRPC_ENCODING_MSGPACK, SHMRPC_ENCODING_JSON};
    for (size_t i = 0; i < 3; i++) {
        shmrpc_shared row = {.row_bytes = sizeof row,
                             .kind = SHMRPC_SHARED_DICT,
                             .name = "test.voices",
                             .encoding = encodings[i],
                             .key = &shmrpc_type_string,
                             .element = &voice_type,
                             .hash = 99,
                             .signature = "dict<string, test.Voice>"};
        shmrpc_shared_opts opts = {.mode = SHMRPC_SHARED_REPLACE};
        shmrpc_str key = shmrpc_str_of("anna");
        voice in = {.rate = 16000, .gain = 0.5f};
        voice out = {0};
        const void *item;
        float more = 0.25f;
        shmrpc_dict *dict;
        shmrpc_error error;
        EXPECT(shmrpc_stub_dict_open(&row, NULL, &opts, &dict, &error),
               SHMRPC_OK, &error);
        EXPECT(shmrpc_stub_dict_get(dict, &key, &out, &error),
               SHMRPC_E_NOT_FOUND, &error);
        EXPECT(shmrpc_stub_dict_put(dict, &key, &in, &error), SHMRPC_OK,
               &error);
        EXPECT(shmrpc_stub_dict_get(dict, &key, &out, &error), SHMRPC_OK,
               &error);
        assert_memory_equal(&in, &out, sizeof in);
        EXPECT(shmrpc_stub_dict_update(dict, &key, louder, NULL, &more, &error),
               SHMRPC_OK, &error);
        EXPECT(shmrpc_stub_dict_get_item(dict, &key, &item, &error), SHMRPC_OK,
               &error);
        assert_true(((const voice *)item)->gain == 0.75f);
        shmrpc_stub_dict_release(dict, item);
        shmrpc_dict_close(dict);
    }
}

static void expect_destroyed(shmrpc_dict *dict)
{
    steps at;
    shmrpc_any one = shmrpc_any_i64(1);
    shmrpc_error error;
    shmrpc_dict_stat stat;
    expect_none(dict, key_of(&at, "k"), SHMRPC_E_DESTROYED);
    EXPECT(shmrpc_dict_put(dict, &at.path, &one, &error), SHMRPC_E_DESTROYED,
           &error);
    assert_int_equal(shmrpc_dict_stat_read(dict, &stat), SHMRPC_E_DESTROYED);
}

static void destroyed_ones_say_so(void **state)
{
    (void)state;
    shmrpc_dict_stat stat;
    shmrpc_dict *dict = open_dict("gone", NULL);
    shmrpc_dict *other = open_dict("gone", NULL);
    put(dict, "k", shmrpc_any_null());
    assert_int_equal(shmrpc_dict_stat_read(dict, &stat), SHMRPC_OK);
    assert_int_equal(stat.entry_count, 1);
    assert_int_equal(stat.open_count, 2);
    assert_int_equal(shmrpc_dict_destroy(dict), SHMRPC_OK);
    expect_destroyed(other);
    shmrpc_dict_close(other);
    shmrpc_dict_close(dict);
    dict = open_dict("gone", NULL);
    other = open_dict("gone", NULL);
    shmrpc_error error;
    EXPECT(shmrpc_object_remove(SHMRPC_SCOPE_USER, "gone", "dict", &error),
           SHMRPC_OK, &error);
    expect_destroyed(other);
    shmrpc_dict_close(other);
    shmrpc_dict_close(dict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_come_back),
        TEST(one_key_has_one_form),
        TEST(paths_lead_into_values),
        TEST(versions_tell_of_changes),
        TEST(updates_change_keep_delete_or_fail),
        TEST(counter_by_name_misses_none),
        TEST(threads_share_a_handle),
        TEST(fifty_four_processes_write_one_dict),
        TEST(killed_writers_leave_whole_values),
        TEST(readers_change_nothing),
        TEST(a_childs_reader_keeps_the_dict),
        TEST(a_reader_does_not_open_what_is_over),
        TEST(full_dicts_say_what_they_need),
        TEST(full_memory_is_no_signal),
        TEST(typed_values_are_read_into_place),
        TEST(destroyed_ones_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
