/* Views, merges and watches of dicts. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shmrpc/dict.h"

static const shmrpc_opts at_once = {.flags = SHMRPC_OPT_NONBLOCK};
static const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};

static shmrpc_dict *open_dict(const char *name, const shmrpc_dict_opts *opts)
{
    shmrpc_dict *dict = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_dict_open(name, opts, &dict, &error), SHMRPC_OK, &error);
    return dict;
}

static void put(shmrpc_dict *dict, const char *key, int64_t number)
{
    shmrpc_any step = shmrpc_any_str(key);
    shmrpc_any value = shmrpc_any_i64(number);
    shmrpc_path path = shmrpc_path_of(&step, 1);
    shmrpc_error error;
    EXPECT(shmrpc_dict_put(dict, &path, &value, &error), SHMRPC_OK, &error);
}

static void del(shmrpc_dict *dict, const char *key)
{
    shmrpc_any step = shmrpc_any_str(key);
    shmrpc_path path = shmrpc_path_of(&step, 1);
    shmrpc_error error;
    EXPECT(shmrpc_dict_del(dict, &path, &error), SHMRPC_OK, &error);
}

/* ---- views --------------------------------------------------------------- */

static void expect_view(shmrpc_view *view, const char *key, int64_t number)
{
    shmrpc_any step = shmrpc_any_str(key);
    shmrpc_path path = shmrpc_path_of(&step, 1);
    const shmrpc_any *value = NULL;
    shmrpc_error error;
    if (number < 0) {
        EXPECT(shmrpc_view_get(view, &path, &value, &error), SHMRPC_E_NOT_FOUND,
               &error);
    } else {
        EXPECT(shmrpc_view_get(view, &path, &value, &error), SHMRPC_OK, &error);
        assert_int_equal(value->u.i64, number);
    }
}

static void expect_order(shmrpc_view *view, const char *expected)
{
    char text[256] = "";
    const shmrpc_any *key;
    const shmrpc_any *value;
    shmrpc_error error;
    int status;
    while ((status = shmrpc_view_next(view, &key, &value, &error)) ==
           SHMRPC_OK) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text),
                       "%.*s=%lld ", (int)key->u.str.len, key->u.str.ptr,
                       (long long)value->u.i64);
    }
    EXPECT(status, SHMRPC_E_NOT_FOUND, &error);
    assert_string_equal(text, expected);
}

static void views_stay_as_they_were(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_view *view;
    shmrpc_dict_stat stat;
    shmrpc_dict *dict = open_dict("v", NULL);
    put(dict, "a", 1);
    put(dict, "b", 2);
    put(dict, "c", 3);
    EXPECT(shmrpc_dict_view_open(dict, &view, &error), SHMRPC_OK, &error);
    put(dict, "a", 10);
    del(dict, "b");
    put(dict, "d", 4);
    put(dict, "b", 20);
    expect_view(view, "a", 1);
    expect_view(view, "b", 2);
    expect_view(view, "d", -1);
    expect_order(view, "a=1 b=2 c=3 ");
    expect_order(view, "a=1 b=2 c=3 "); /* the view starts at the beginning
                                         * again */
    assert_int_equal(shmrpc_dict_stat_read(dict, &stat), SHMRPC_OK);
    assert_int_equal(stat.view_age, 4);
    shmrpc_view_close(view);
    EXPECT(shmrpc_dict_view_open(dict, &view, &error), SHMRPC_OK, &error);
    expect_order(view, "a=10 c=3 d=4 b=20 ");
    EXPECT(shmrpc_dict_clear(dict, &error), SHMRPC_OK, &error);
    expect_order(view, "a=10 c=3 d=4 b=20 ");
    shmrpc_view_close(view);
    shmrpc_view_close(NULL);
    assert_int_equal(shmrpc_dict_stat_read(dict, &stat), SHMRPC_OK);
    assert_int_equal(stat.view_age, 0);
    shmrpc_dict_close(dict);
}

static void readers_have_views_too(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_view *view;
    shmrpc_dict *reader;
    shmrpc_dict_opts opts = {.shared = {.flags = SHMRPC_SHARED_READ_ONLY}};
    shmrpc_dict *dict = open_dict("v", NULL);
    put(dict, "a", 1);
    EXPECT(shmrpc_dict_open("v", &opts, &reader, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_dict_view_open(reader, &view, &error), SHMRPC_OK, &error);
    for (int i = 0; i < 2000; i++) {
        put(dict, "a", i);
    }
    expect_view(view, "a", 1);
    shmrpc_view_close(view);
    shmrpc_dict_close(reader);
    shmrpc_dict_close(dict);
}

static void merges_are_one_change(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_view *view;
    shmrpc_dict_stat before;
    shmrpc_dict_stat after;
    shmrpc_any_entry entries[] = {{shmrpc_any_str("b"), shmrpc_any_i64(20)},
                                  {shmrpc_any_str("x"), shmrpc_any_i64(7)},
                                  {shmrpc_any_str("y"), shmrpc_any_i64(8)}};
    shmrpc_dict *dict = open_dict("m", NULL);
    put(dict, "a", 1);
    put(dict, "b", 2);
    assert_int_equal(shmrpc_dict_stat_read(dict, &before), SHMRPC_OK);
    EXPECT(shmrpc_dict_merge(dict, entries, 3, &error), SHMRPC_OK, &error);
    assert_int_equal(shmrpc_dict_stat_read(dict, &after), SHMRPC_OK);
    assert_int_equal(after.change_count, before.change_count + 1);
    EXPECT(shmrpc_dict_view_open(dict, &view, &error), SHMRPC_OK, &error);
    expect_order(view, "a=1 b=20 x=7 y=8 ");
    shmrpc_view_close(view);
    EXPECT(shmrpc_dict_merge(dict, NULL, 0, &error), SHMRPC_OK, &error);
    entries[1].key = shmrpc_any_list_of(NULL, 0);
    EXPECT(shmrpc_dict_merge(dict, entries, 3, &error), SHMRPC_E_INVALID,
           &error);
    shmrpc_dict_close(dict);
}

static void use_the_parents_view(int index, void *user)
{
    (void)index;
    shmrpc_any step = shmrpc_any_str("a");
    shmrpc_path path = shmrpc_path_of(&step, 1);
    const shmrpc_any *value;
    CHECK(shmrpc_view_get(user, &path, &value, NULL) == SHMRPC_E_FORKED);
    shmrpc_view_close(user);
}

static void children_get_views_of_their_own(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_view *view;
    shmrpc_dict *dict = open_dict("f", NULL);
    put(dict, "a", 1);
    EXPECT(shmrpc_dict_view_open(dict, &view, &error), SHMRPC_OK, &error);
    stage_dismiss(stage_cast(use_the_parents_view, 0, view), 0);
    expect_view(view, "a", 1);
    shmrpc_view_close(view);
    shmrpc_dict_close(dict);
}

/* ---- watches ------------------------------------------------------------- */

/* Returns the next event as text: "PUT a=1", "DEL a", "CLEAR", "RESYNC". */
static const char *next_event(shmrpc_watch *watch, const shmrpc_opts *opts,
                              int expected)
{
    static char text[128];
    static const char *const kinds[] = {"?", "PUT", "DEL", "CLEAR", "RESYNC"};
    const shmrpc_event *event = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_watch_next(watch, &event, opts, &error), expected, &error);
    if (expected != SHMRPC_OK) {
        return "";
    }
    (void)snprintf(text, sizeof text, "%s", kinds[event->kind]);
    if (event->key != NULL) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), " %.*s",
                       (int)event->key->u.str.len, event->key->u.str.ptr);
    }
    if (event->value != NULL) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "=%lld",
                       (long long)event->value->u.i64);
    }
    return text;
}

#define EXPECT_EVENT(watch, expected) \
    assert_string_equal(next_event(watch, &patient, SHMRPC_OK), expected)
#define EXPECT_NO_EVENT(watch) (void)next_event(watch, &at_once, SHMRPC_E_BUSY)

static void changes_are_told(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_watch *watch;
    shmrpc_dict *dict = open_dict("w", NULL);
    put(dict, "before", 0);
    EXPECT(shmrpc_dict_watch_open(dict, NULL, &watch, &error), SHMRPC_OK,
           &error);
    EXPECT_NO_EVENT(watch);
    put(dict, "a", 1);
    EXPECT_EVENT(watch, "PUT a=1");
    put(dict, "a", 2);
    del(dict, "a");
    put(dict, "b", 3);
    EXPECT(shmrpc_dict_clear(dict, &error), SHMRPC_OK, &error);
    EXPECT_EVENT(watch, "PUT a=2");
    EXPECT_EVENT(watch, "DEL a");
    EXPECT_EVENT(watch, "PUT b=3");
    EXPECT_EVENT(watch, "CLEAR");
    EXPECT_NO_EVENT(watch);
    shmrpc_opts soon = {.timeout_ns = SHMRPCI_NS_PER_MS};
    (void)next_event(watch, &soon, SHMRPC_E_DEADLINE);
    /* The watch continues without the handle that opened it. */
    shmrpc_dict *other = open_dict("w", NULL);
    shmrpc_dict_close(dict);
    put(other, "c", 4);
    EXPECT_EVENT(watch, "PUT c=4");
    shmrpc_watch_close(watch);
    shmrpc_watch_close(NULL);
    shmrpc_dict_close(other);
}

static void snapshot_comes_first(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_watch *watch;
    shmrpc_watch_opts opts = {.flags = SHMRPC_WATCH_SNAPSHOT,
                              .prefix = shmrpc_str_of("x/")};
    shmrpc_dict *dict = open_dict("w", NULL);
    put(dict, "x/1", 1);
    put(dict, "y/1", 2);
    put(dict, "x/2", 3);
    EXPECT(shmrpc_dict_watch_open(dict, &opts, &watch, &error), SHMRPC_OK,
           &error);
    EXPECT_EVENT(watch, "RESYNC");
    EXPECT_EVENT(watch, "PUT x/1=1");
    put(dict, "y/2", 4);
    put(dict, "x/3", 5);
    EXPECT_EVENT(watch, "PUT x/2=3");
    EXPECT_EVENT(watch, "PUT x/3=5");
    EXPECT_NO_EVENT(watch);
    shmrpc_watch_close(watch);
    shmrpc_dict_close(dict);
}

static void who_is_too_slow_begins_anew(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_watch *watch;
    shmrpc_dict_opts opts = {.log = 8};
    shmrpc_dict *dict = open_dict("w", &opts);
    EXPECT(shmrpc_dict_watch_open(dict, NULL, &watch, &error), SHMRPC_OK,
           &error);
    for (int i = 0; i < 100; i++) {
        put(dict, i % 2 == 0 ? "even" : "odd", i);
    }
    EXPECT_EVENT(watch, "RESYNC");
    EXPECT_EVENT(watch, "PUT even=98");
    EXPECT_EVENT(watch, "PUT odd=99");
    put(dict, "odd", 101);
    EXPECT_EVENT(watch, "PUT odd=101");
    EXPECT_NO_EVENT(watch);
    shmrpc_watch_close(watch);
    shmrpc_dict_close(dict);
}

static void change_later(int index, void *user)
{
    (void)index;
    stage_await(0, 1);
    put(user, "late", 7);
}

static void watchers_are_woken(void **state)
{
    (void)state;
    shmrpc_error error;
    static const uint32_t flags[] = {0, SHMRPC_SHARED_READ_ONLY};
    shmrpc_dict *dict = open_dict("w", NULL);
    for (size_t i = 0; i < 2; i++) {
        shmrpc_dict_opts opts = {.shared = {.flags = flags[i]}};
        shmrpc_dict *other;
        shmrpc_watch *watch;
        memset(scene, 0, sizeof *scene);
        EXPECT(shmrpc_dict_open("w", &opts, &other, &error), SHMRPC_OK, &error);
        EXPECT(shmrpc_dict_watch_open(other, NULL, &watch, &error), SHMRPC_OK,
               &error);
        pid_t writer = stage_cast(change_later, 0, dict);
        stage_advance(0);
        EXPECT_EVENT(watch, "PUT late=7");
        stage_dismiss(writer, 0);
        shmrpc_watch_close(watch);
        shmrpc_dict_close(other);
    }
    shmrpc_dict_close(dict);
}

static void destroyed_dicts_end_watches(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_watch *watch;
    shmrpc_dict *dict = open_dict("w", NULL);
    EXPECT(shmrpc_dict_watch_open(dict, NULL, &watch, &error), SHMRPC_OK,
           &error);
    assert_int_equal(shmrpc_dict_destroy(dict), SHMRPC_OK);
    (void)next_event(watch, &patient, SHMRPC_E_DESTROYED);
    shmrpc_watch_close(watch);
    shmrpc_dict_close(dict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(views_stay_as_they_were),
        TEST(readers_have_views_too),
        TEST(merges_are_one_change),
        TEST(children_get_views_of_their_own),
        TEST(changes_are_told),
        TEST(snapshot_comes_first),
        TEST(who_is_too_slow_begins_anew),
        TEST(watchers_are_woken),
        TEST(destroyed_dicts_end_watches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
