/* Tests what dicts and values over NATS promise, with a server that
 * with_server.py has started (its address is in TEST_NATS). Each SHMRPC_DIR
 * stands for a different machine. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/thread.h"
#include "shmrpc/any.h"
#include "shmrpc/dict.h"
#include "shmrpc/objects.h"
#include "shmrpc/value.h"
#include "transport/nats/remote_line.h"

#define PATIENCE_NS (120 * SHMRPCI_NS_PER_S)

/* The pause between two checks for something awaited. */
#define LOOK_NS (10 * SHMRPCI_NS_PER_MS)

static const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};

/* Returns an address that no other test uses. */
static const char *place(const char *options)
{
    static char text[160];
    static unsigned number;
    (void)snprintf(text, sizeof text, "%s/test.d%u%s", getenv("TEST_NATS"),
                   ++number, options);
    return text;
}

static void expect(int status, int expected, const shmrpc_error *error)
{
    if (status != expected) {
        fail_msg("status %d, expected %d: %s", status, expected,
                 status != SHMRPC_OK && error != NULL ? error->message : "");
    }
}

/* Objects that are opened from now on are on machine `number`. */
static void be_machine(unsigned number)
{
    static char home[128];
    char folder[160];
    if (home[0] == '\0') {
        (void)snprintf(home, sizeof home, "%s", getenv("SHMRPC_DIR"));
    }
    (void)snprintf(folder, sizeof folder, "%s/machine%u", home, number);
    (void)mkdir(folder, 0700);
    assert_int_equal(setenv("SHMRPC_DIR", folder, 1), 0);
}

static shmrpc_dict *open_dict(const char *address, const shmrpc_dict_opts *opts)
{
    shmrpc_dict *dict = NULL;
    shmrpc_error error;
    expect(shmrpc_dict_open(address, opts, &dict, &error), SHMRPC_OK, &error);
    return dict;
}

static int put(shmrpc_dict *dict, const char *key, int64_t number)
{
    shmrpc_any step = shmrpc_any_str(key);
    shmrpc_any value = shmrpc_any_i64(number);
    shmrpc_path path = shmrpc_path_of(&step, 1);
    shmrpc_error error;
    int status = shmrpc_dict_put(dict, &path, &value, &error);
    expect(status, SHMRPC_OK, &error);
    return status;
}

static int put_new(shmrpc_dict *dict, const char *key, int64_t number)
{
    shmrpc_any step = shmrpc_any_str(key);
    shmrpc_any value = shmrpc_any_i64(number);
    shmrpc_path path = shmrpc_path_of(&step, 1);
    return shmrpc_dict_put_new(dict, &path, &value, NULL);
}

static int del(shmrpc_dict *dict, const char *key)
{
    shmrpc_any step = shmrpc_any_str(key);
    shmrpc_path path = shmrpc_path_of(&step, 1);
    return shmrpc_dict_del(dict, &path, NULL);
}

/* Returns the number under `key`, or -1 if there is none. If `version` is NULL,
 * reads this machine's copy. */
static int64_t get(shmrpc_dict *dict, const char *key, uint64_t *version)
{
    shmrpc_any step = shmrpc_any_str(key);
    shmrpc_path path = shmrpc_path_of(&step, 1);
    const shmrpc_any *value;
    shmrpc_error error;
    int status = shmrpc_dict_get(dict, &path, &value, version, &error);
    if (status == SHMRPC_E_NOT_FOUND) {
        return -1;
    }
    expect(status, SHMRPC_OK, &error);
    int64_t number = value->u.i64;
    shmrpc_dict_release(dict, value);
    return number;
}

static uint64_t len_of(shmrpc_dict *dict)
{
    uint64_t len = 0;
    assert_int_equal(shmrpc_dict_len(dict, NULL, &len, NULL), SHMRPC_OK);
    return len;
}

/* Waits until the entry is there with this number. */
static void await(shmrpc_dict *dict, const char *key, int64_t number)
{
    int64_t until_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (get(dict, key, NULL) != number) {
        if (shmrpci_now_ns() >= until_ns) {
            fail_msg("%s is %lld, and never %lld", key,
                     (long long)get(dict, key, NULL), (long long)number);
        }
        shmrpci_sleep_until(shmrpci_deadline_after(LOOK_NS));
    }
}

static nats_line *connect_to(const char *address)
{
    nats_place where;
    nats_line *line = NULL;
    shmrpc_error error;
    const nats_line_opts opts = {.place = &where};
    assert_int_equal(nats_place_parse(address, NULL, false, &where, &error),
                     SHMRPC_OK);
    expect(nats_line_open(&opts, &line, &error), SHMRPC_OK, &error);
    return line;
}

/* Sends a message like any other client of NATS, and waits for the answer. */
static void post(nats_line *line, const char *subject, const void *data,
                 size_t len, const nats_header *header)
{
    const nats_post message = {.subject = subject,
                               .headers = header,
                               .header_count = header != NULL ? 1 : 0,
                               .data = data,
                               .len = len};
    shmrpci_buf answer;
    bool is_nobody = true;
    shmrpc_error error;
    shmrpci_buf_init_heap(&answer);
    nats_line_lock(line);
    expect(nats_line_ask(line, &message, shmrpci_deadline_after(PATIENCE_NS),
                         &answer, &is_nobody, &error),
           SHMRPC_OK, &error);
    nats_line_unlock(line);
    assert_false(is_nobody);
    shmrpci_buf_fini(&answer);
}

/* ---- one machine --------------------------------------------------------- */

static void what_was_put_is_read_at_once(void **state)
{
    (void)state;
    const char *at = place("?storage=memory");
    shmrpc_dict *dict = open_dict(at, NULL);
    shmrpc_dict *other = open_dict(at, NULL);
    for (int64_t i = 0; i < 20; i++) {
        (void)put(dict, "rate", i);
        assert_int_equal(get(dict, "rate", NULL), i);
        assert_int_equal(get(other, "rate", NULL), i);
    }
    assert_int_equal(len_of(other), 1);
    assert_int_equal(del(other, "rate"), SHMRPC_OK);
    assert_int_equal(get(dict, "rate", NULL), -1);
    assert_int_equal(del(dict, "rate"), SHMRPC_E_NOT_FOUND);
    assert_int_equal(len_of(dict), 0);
    shmrpc_dict_close(dict);
    shmrpc_dict_close(other);
}

static void a_new_key_is_put_once(void **state)
{
    (void)state;
    shmrpc_dict *dict = open_dict(place("?storage=memory"), NULL);
    assert_int_equal(put_new(dict, "a", 1), SHMRPC_OK);
    assert_int_equal(put_new(dict, "a", 2), SHMRPC_E_EXISTS);
    assert_int_equal(del(dict, "a"), SHMRPC_OK);
    assert_int_equal(put_new(dict, "a", 3), SHMRPC_OK);
    assert_int_equal(get(dict, "a", NULL), 3);
    shmrpc_dict_close(dict);
}

static void a_version_is_compared_by_the_server(void **state)
{
    (void)state;
    const char *at = place("?storage=memory");
    shmrpc_dict *dict = open_dict(at, NULL);
    shmrpc_dict *other = open_dict(at, NULL);
    shmrpc_any step = shmrpc_any_str("a");
    shmrpc_path path = shmrpc_path_of(&step, 1);
    shmrpc_any value = shmrpc_any_i64(9);
    uint64_t version = 0;
    uint64_t next = 0;
    shmrpc_error error;
    (void)put(dict, "a", 1);
    assert_int_equal(get(dict, "a", &version), 1);
    expect(shmrpc_dict_put_if(dict, &path, &value, version, &next, &error),
           SHMRPC_OK, &error);
    assert_true(next > version);
    /* Putting the same value again makes a new version. */
    (void)put(other, "a", 1);
    expect(shmrpc_dict_put_if(dict, &path, &value, version, NULL, &error),
           SHMRPC_E_ABORTED, &error);
    expect(shmrpc_dict_put_if(dict, &path, &value, next, NULL, &error),
           SHMRPC_E_ABORTED, &error);
    shmrpc_dict_close(dict);
    shmrpc_dict_close(other);
}

static void keys_of_any_kind_are_different_keys(void **state)
{
    (void)state;
    shmrpc_dict *dict = open_dict(place("?storage=memory"), NULL);
    const shmrpc_any keys[] = {
        shmrpc_any_str(""),         shmrpc_any_str("a.b"),
        shmrpc_any_str("a..b"),     shmrpc_any_str(".a"),
        shmrpc_any_str("a=b"),      shmrpc_any_str("a*> \t\n"),
        shmrpc_any_str("\xc3\xa4"), shmrpc_any_str("1"),
        shmrpc_any_i64(1),          shmrpc_any_i64(-70000),
        shmrpc_any_null(),          shmrpc_any_bool(true),
        shmrpc_any_f64(0.5),        shmrpc_any_bytes("\0\xff", 2),
        shmrpc_any_str("=k"),       shmrpc_any_str("a/b-c_D")};
    shmrpc_error error;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        shmrpc_path path = shmrpc_path_of(&keys[i], 1);
        shmrpc_any value = shmrpc_any_i64((int64_t)i);
        expect(shmrpc_dict_put(dict, &path, &value, &error), SHMRPC_OK, &error);
    }
    assert_int_equal(len_of(dict), sizeof keys / sizeof *keys);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        shmrpc_path path = shmrpc_path_of(&keys[i], 1);
        const shmrpc_any *value;
        expect(shmrpc_dict_get(dict, &path, &value, NULL, &error), SHMRPC_OK,
               &error);
        assert_int_equal(value->u.i64, i);
        shmrpc_dict_release(dict, value);
    }
    shmrpc_dict_close(dict);
}

static int add_one(void *user, const shmrpc_any *was, shmrpc_any *now)
{
    (void)user;
    *now = shmrpc_any_i64(was != NULL ? was->u.i64 + 1 : 1);
    return SHMRPC_CHANGE_PUT;
}

#define ADDS 25

static void count_up(void *user)
{
    shmrpc_dict *dict = user;
    shmrpc_any step = shmrpc_any_str("count");
    shmrpc_path path = shmrpc_path_of(&step, 1);
    for (int i = 0; i < ADDS; i++) {
        shmrpc_error error;
        if (shmrpc_dict_update(dict, &path, add_one, NULL, &error) !=
            SHMRPC_OK) {
            (void)fprintf(stderr, "update: %s\n", error.message);
            abort();
        }
    }
}

static void no_increment_of_two_machines_is_lost(void **state)
{
    (void)state;
    const char *at = place("?storage=memory");
    shmrpc_dict *dicts[4];
    shmrpci_thread threads[4];
    for (unsigned i = 0; i < 4; i++) {
        be_machine(i / 2);
        dicts[i] = open_dict(at, NULL);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(
            shmrpci_thread_create(&threads[i], "adds", count_up, dicts[i]),
            SHMRPC_OK);
    }
    for (unsigned i = 0; i < 4; i++) {
        shmrpci_thread_join(&threads[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        uint64_t version;
        assert_int_equal(get(dicts[i], "count", &version), 4 * ADDS);
        await(dicts[i], "count", 4 * ADDS);
        shmrpc_dict_close(dicts[i]);
    }
}

/* A path may lead into a list that is the value of a key. A change of the part
 * reads and puts the whole value. */
static void a_path_changes_a_part(void **state)
{
    (void)state;
    const char *at = place("?storage=memory");
    shmrpc_dict *dict = open_dict(at, NULL);
    const shmrpc_any steps[] = {shmrpc_any_str("list"), shmrpc_any_i64(0)};
    shmrpc_path whole = shmrpc_path_of(steps, 1);
    shmrpc_path first = shmrpc_path_of(steps, 2);
    shmrpc_any empty = shmrpc_any_list_of(NULL, 0);
    shmrpc_error error;
    expect(shmrpc_dict_put(dict, &whole, &empty, &error), SHMRPC_OK, &error);
    for (int64_t i = 0; i < 300; i++) {
        shmrpc_any item = shmrpc_any_i64(i);
        expect(shmrpc_dict_append(dict, &whole, &item, &error), SHMRPC_OK,
               &error);
    }
    const shmrpc_any *was;
    uint64_t version = 0;
    expect(shmrpc_dict_pop(dict, &first, &was, &error), SHMRPC_OK, &error);
    assert_int_equal(was->u.i64, 0);
    shmrpc_dict_release(dict, was);
    expect(shmrpc_dict_get(dict, &first, &was, &version, &error), SHMRPC_OK,
           &error);
    assert_int_equal(was->u.i64, 1);
    assert_true(version > 0);
    shmrpc_dict_release(dict, was);
    uint64_t len;
    expect(shmrpc_dict_len(dict, &whole, &len, &error), SHMRPC_OK, &error);
    assert_int_equal(len, 299);
    shmrpc_dict_close(dict);
}

static void many_keys_are_merged_and_cleared(void **state)
{
    (void)state;
    shmrpc_dict *dict = open_dict(place("?storage=memory"), NULL);
    shmrpc_any_entry entries[20];
    const shmrpc_any *all;
    shmrpc_error error;
    for (int64_t i = 0; i < 20; i++) {
        entries[i].key = shmrpc_any_i64(i);
        entries[i].value = shmrpc_any_i64(i * i);
    }
    expect(shmrpc_dict_merge(dict, entries, 20, &error), SHMRPC_OK, &error);
    expect(shmrpc_dict_all(dict, &all, &error), SHMRPC_OK, &error);
    shmrpc_any expected = shmrpc_any_map_of(entries, 20);
    assert_true(shmrpc_any_equal(all, &expected));
    shmrpc_dict_release(dict, all);
    expect(shmrpc_dict_clear(dict, &error), SHMRPC_OK, &error);
    assert_int_equal(len_of(dict), 0);
    shmrpc_dict_close(dict);
}

static void a_value_is_shared_too(void **state)
{
    (void)state;
    const char *at = place("?storage=memory");
    shmrpc_value *value = NULL;
    shmrpc_value *other = NULL;
    shmrpc_dict *dict = NULL;
    shmrpc_any seven = shmrpc_any_i64(7);
    const shmrpc_any *got;
    shmrpc_error error;
    expect(shmrpc_value_open(at, NULL, &value, &error), SHMRPC_OK, &error);
    be_machine(7);
    expect(shmrpc_value_open(at, NULL, &other, &error), SHMRPC_OK, &error);
    expect(shmrpc_value_put(value, NULL, &seven, &error), SHMRPC_OK, &error);
    uint64_t version;
    expect(shmrpc_value_get(other, NULL, &got, &version, &error), SHMRPC_OK,
           &error);
    assert_int_equal(got->u.i64, 7);
    shmrpc_value_release(other, got);
    expect(shmrpc_dict_open(at, NULL, &dict, &error), SHMRPC_E_CONTRACT,
           &error);
    shmrpc_value_close(value);
    shmrpc_value_close(other);
}

/* ---- several machines ---------------------------------------------------- */

static void another_machine_hears_of_all_changes(void **state)
{
    (void)state;
    const char *at = place("?storage=memory");
    be_machine(0);
    shmrpc_dict *here = open_dict(at, NULL);
    (void)put(here, "old", 1);
    be_machine(1);
    shmrpc_dict *there = open_dict(at, NULL);
    shmrpc_watch *watch;
    shmrpc_error error;
    /* Entries from before the watch come first. */
    assert_int_equal(get(there, "old", NULL), 1);
    expect(shmrpc_dict_watch_open(there, NULL, &watch, &error), SHMRPC_OK,
           &error);
    (void)put(here, "new", 2);
    assert_int_equal(del(here, "old"), SHMRPC_OK);
    const shmrpc_event *event;
    expect(shmrpc_watch_next(watch, &event, &patient, &error), SHMRPC_OK,
           &error);
    assert_int_equal(event->kind, SHMRPC_EVENT_PUT);
    assert_int_equal(event->value->u.i64, 2);
    expect(shmrpc_watch_next(watch, &event, &patient, &error), SHMRPC_OK,
           &error);
    assert_int_equal(event->kind, SHMRPC_EVENT_DEL);
    shmrpc_watch_close(watch);
    assert_int_equal(len_of(there), 1);
    shmrpc_dict_close(here);
    shmrpc_dict_close(there);
}

/* Opens the dict, reports that, and runs until it is killed. */
static void keep(const char *address, int ready)
{
    shmrpc_dict *dict = open_dict(address, NULL);
    (void)dict;
    assert_int_equal(write(ready, "x", 1), 1);
    for (;;) {
        (void)pause();
    }
}

static pid_t start_keeper(const char *address)
{
    int ready[2];
    char byte;
    char number[16];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        /* Starts a new program: with tsan a forked process may not start
         * threads. */
        (void)snprintf(number, sizeof number, "%d", ready[1]);
        (void)execl("/proc/self/exe", "dict_test", address, number,
                    (char *)NULL);
        _exit(127);
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return pid;
}

/* Purging a key leaves no message, so only a comparison with the whole bucket
 * finds that it is gone. */
static void the_copy_has_a_new_keeper_when_the_old_one_dies(void **state)
{
    (void)state;
    static const char filter[] = "{\"filter\":\"$KV.test-kept.purged\"}";
    char at[160];
    (void)snprintf(at, sizeof at, "%s/test.kept?storage=memory",
                   getenv("TEST_NATS"));
    be_machine(2);
    pid_t keeper = start_keeper(at);
    shmrpc_dict *here = open_dict(at, NULL);
    be_machine(3);
    shmrpc_dict *there = open_dict(at, NULL);
    nats_line *line = connect_to(at);
    (void)put(there, "gone", 1);
    (void)put(there, "purged", 1);
    (void)put(there, "stays", 2);
    await(here, "stays", 2);
    assert_int_equal(kill(keeper, SIGKILL), 0);
    assert_int_equal(waitpid(keeper, NULL, 0), keeper);
    assert_int_equal(del(there, "gone"), SHMRPC_OK);
    post(line, "$JS.API.STREAM.PURGE.KV_test-kept", filter, sizeof filter - 1,
         NULL);
    (void)put(there, "after", 3);
    await(here, "after", 3);
    await(here, "gone", -1);
    await(here, "purged", -1);
    assert_int_equal(get(here, "stays", NULL), 2);
    assert_int_equal(len_of(here), 2);
    nats_line_close(line);
    shmrpc_dict_close(here);
    shmrpc_dict_close(there);
}

static bool count(void *user, const shmrpc_object_info *info)
{
    *(int *)user += strcmp(info->kind, "dict") == 0 ? 1 : 0;
    return true;
}

static int count_dicts(void)
{
    int dicts = 0;
    assert_int_equal(shmrpc_objects_visit(SHMRPC_SCOPE_USER, count, &dicts),
                     SHMRPC_OK);
    return dicts;
}

static void the_copy_ends_with_its_last_user(void **state)
{
    (void)state;
    const char *at = place("?storage=memory");
    be_machine(4);
    shmrpc_dict *dict = open_dict(at, NULL);
    shmrpc_dict *other = open_dict(at, NULL);
    (void)put(dict, "a", 1);
    shmrpc_dict_close(dict);
    assert_int_equal(count_dicts(), 1);
    shmrpc_dict_close(other);
    assert_int_equal(count_dicts(), 0);
    dict = open_dict(at, NULL);
    assert_int_equal(get(dict, "a", NULL), 1);
    shmrpc_dict_close(dict);
}

static void destroying_it_is_heard_of_everywhere(void **state)
{
    (void)state;
    const char *at = place("?storage=memory");
    shmrpc_any step = shmrpc_any_str("a");
    shmrpc_path path = shmrpc_path_of(&step, 1);
    shmrpc_any one = shmrpc_any_i64(1);
    const shmrpc_event *event;
    shmrpc_watch *watch;
    shmrpc_error error;
    be_machine(5);
    shmrpc_dict *here = open_dict(at, NULL);
    be_machine(6);
    shmrpc_dict *there = open_dict(at, NULL);
    expect(shmrpc_dict_watch_open(there, NULL, &watch, &error), SHMRPC_OK,
           &error);
    assert_int_equal(shmrpc_dict_destroy(here), SHMRPC_OK);
    expect(shmrpc_dict_put(here, &path, &one, &error), SHMRPC_E_DESTROYED,
           &error);
    expect(shmrpc_dict_put(there, &path, &one, &error), SHMRPC_E_DESTROYED,
           &error);
    expect(shmrpc_watch_next(watch, &event, &patient, &error),
           SHMRPC_E_DESTROYED, &error);
    shmrpc_watch_close(watch);
    /* A new dict of the same name is a different dict. */
    shmrpc_dict *again = open_dict(at, NULL);
    (void)put(again, "b", 2);
    expect(shmrpc_dict_put(there, &path, &one, &error), SHMRPC_E_DESTROYED,
           &error);
    assert_int_equal(get(again, "b", NULL), 2);
    shmrpc_dict_close(again);
    shmrpc_dict_close(here);
    shmrpc_dict_close(there);
}

/* ---- refusals ------------------------------------------------------------ */

static void what_does_not_exist_between_machines_says_why(void **state)
{
    (void)state;
    const char *at = place("?storage=memory");
    shmrpc_dict *dict = open_dict(at, NULL);
    shmrpc_dict *none = NULL;
    shmrpc_dict_opts counted = {.capacity = 5};
    shmrpc_dict_opts endless = {.shared = {.max_bytes = UINT64_MAX}};
    shmrpc_dict_opts loaded = {.shared = {.snapshot = "/x"}};
    shmrpc_error error;
    expect(shmrpc_dict_lock(dict, NULL, NULL, &error), SHMRPC_E_UNIMPLEMENTED,
           &error);
    assert_non_null(strstr(error.message, "put_if"));
    expect(shmrpc_dict_load(dict, "/x", &error), SHMRPC_E_UNIMPLEMENTED,
           &error);
    expect(shmrpc_dict_open(at, &counted, &none, &error), SHMRPC_E_INVALID,
           &error);
    assert_non_null(strstr(error.message, "leave out `capacity`"));
    expect(shmrpc_dict_open(at, &endless, &none, &error), SHMRPC_E_INVALID,
           &error);
    assert_non_null(strstr(error.message, "2^63 - 1"));
    expect(shmrpc_dict_open(at, &loaded, &none, &error), SHMRPC_E_INVALID,
           &error);
    shmrpc_dict_close(dict);
}

static void what_is_too_large_or_too_much_is_refused(void **state)
{
    (void)state;
    static char big[2 << 20];
    shmrpc_dict_opts small = {.shared = {.max_bytes = 4096}};
    shmrpc_dict *dict = open_dict(place("?storage=memory"), &small);
    shmrpc_any step = shmrpc_any_str("a");
    shmrpc_path path = shmrpc_path_of(&step, 1);
    shmrpc_any value = shmrpc_any_bytes(big, sizeof big);
    shmrpc_error error;
    expect(shmrpc_dict_put(dict, &path, &value, &error), SHMRPC_E_TOO_LARGE,
           &error);
    shmrpc_any long_key = shmrpc_any_bytes(big, 500);
    shmrpc_path by_long = shmrpc_path_of(&long_key, 1);
    shmrpc_any one = shmrpc_any_i64(1);
    expect(shmrpc_dict_put(dict, &by_long, &one, &error), SHMRPC_E_TOO_LARGE,
           &error);
    value = shmrpc_any_bytes(big, 8192);
    expect(shmrpc_dict_put(dict, &path, &value, &error), SHMRPC_E_EXHAUSTED,
           &error);
    assert_int_equal(len_of(dict), 0);
    shmrpc_dict_close(dict);
}

/* ---- other tools --------------------------------------------------------- */

static void foreign_entries_are_read_and_damaged_ones_left_out(void **state)
{
    (void)state;
    char at[160];
    shmrpc_dict_opts json = {.encoding = SHMRPC_ENCODING_JSON};
    (void)snprintf(at, sizeof at, "%s/test.foreign?storage=memory",
                   getenv("TEST_NATS"));
    shmrpc_dict *dict = open_dict(at, &json);
    nats_line *line = connect_to(at);
    static const nats_header purge = {"KV-Operation", "PURGE"};
    post(line, "$KV.test-foreign.rate", "48000", 5, NULL);
    post(line, "$KV.test-foreign.bad-value", "{", 1, NULL);
    post(line, "$KV.test-foreign.bad=key", "1", 1, NULL);
    post(line, "$KV.test-foreign.bad=ktext", "1", 1, NULL);
    post(line, "$KV.test-foreign.=k=C1", "1", 1, NULL); /* not msgpack */
    post(line, "$KV.test-foreign.=k=01", "\"one\"", 5, NULL);
    post(line, "$KV.test-foreign.gone", "1", 1, NULL);
    post(line, "$KV.test-foreign.gone", NULL, 0, &purge);
    post(line, "$KV.test-foreign.last", "2", 1, NULL);
    await(dict, "last", 2);
    assert_int_equal(get(dict, "rate", NULL), 48000);
    assert_int_equal(get(dict, "gone", NULL), -1);
    assert_int_equal(get(dict, "bad-value", NULL), -1);
    assert_int_equal(len_of(dict), 3); /* rate, last, and the key that is the
                                        * number 1 */
    nats_line_close(line);
    shmrpc_dict_close(dict);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        keep(argv[1], (int)strtol(argv[2], NULL, 10));
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_read_at_once),
        cmocka_unit_test(a_new_key_is_put_once),
        cmocka_unit_test(a_version_is_compared_by_the_server),
        cmocka_unit_test(keys_of_any_kind_are_different_keys),
        cmocka_unit_test(no_increment_of_two_machines_is_lost),
        cmocka_unit_test(a_path_changes_a_part),
        cmocka_unit_test(many_keys_are_merged_and_cleared),
        cmocka_unit_test(a_value_is_shared_too),
        cmocka_unit_test(another_machine_hears_of_all_changes),
        cmocka_unit_test(the_copy_has_a_new_keeper_when_the_old_one_dies),
        cmocka_unit_test(the_copy_ends_with_its_last_user),
        cmocka_unit_test(destroying_it_is_heard_of_everywhere),
        cmocka_unit_test(what_does_not_exist_between_machines_says_why),
        cmocka_unit_test(what_is_too_large_or_too_much_is_refused),
        cmocka_unit_test(foreign_entries_are_read_and_damaged_ones_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
