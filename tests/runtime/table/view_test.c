/* Views stay as they were; merges are one change; watchers see every change. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"

static void open_view(shmrpci_table *table, shmrpci_table_view *out)
{
    assert_int_equal(shmrpci_table_view_open(table, out, NULL), SHMRPC_OK);
}

static void a_view_stays_as_it_was(void **state)
{
    (void)state;
    int fd = table_create(4 * MIB, 0, 16);
    shmrpci_table table;
    shmrpci_table reader;
    shmrpci_table_view views[4];
    shmrpci_table_bytes value;
    char name[16];
    table_attach(fd, &table);
    table_attach_reader(fd, &reader);
    open_view(&reader, &views[0]);
    put(&table, "a", "1");
    put(&table, "b", "2");
    put(&table, "c", "3");
    open_view(&reader, &views[1]);
    put(&table, "a", "4");
    del(&table, "b");
    put(&table, "b", "5");
    open_view(&table, &views[2]);
    /* Everything is replaced many times, including the table, and then
     * cleared. */
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "%d", i % 300);
        put(&table, name, "x");
        put(&table, "a", "y");
        if (i % 7 == 0) {
            del(&table, name);
        }
    }
    del(&table, "c");
    assert_int_equal(shmrpci_table_clear(&table, NULL), SHMRPC_OK);
    put(&table, "z", "9");
    open_view(&reader, &views[3]);
    put(&table, "a", "0");
    for (int round = 0; round < 2; round++) {
        expect_view(&views[0], "");
        expect_view(&views[1], "a=1 b=2 c=3");
        expect_view(&views[2], "a=4 c=3 b=5");
        expect_view(&views[3], "z=9");
        assert_int_equal(
            shmrpci_table_view_get(&views[3], text("a"), &value, NULL),
            SHMRPC_E_NOT_FOUND);
    }
    expect_all(&reader, "z=9 a=0");
    table_check(&table);
    shmrpci_table_stat stat;
    shmrpci_table_stat_get(&table, &stat);
    assert_int_equal(stat.oldest_pin, views[0].change);
    assert_int_equal(stat.oldest_pid, getpid());
    for (int i = 0; i < 4; i++) {
        shmrpci_table_view_close(&views[i]);
        shmrpci_table_view_close(&views[i]);
    }
    shmrpci_table_stat_get(&table, &stat);
    assert_int_equal(stat.oldest_pin, stat.changes);
    assert_int_equal(stat.oldest_pid, 0);
    assert_int_equal(stat.len, 2);
    /* The blocks that the views kept are reclaimed. */
    for (int i = 0; i < 5000; i++) {
        put(&table, "a", "y");
    }
    table_check(&table);
    shmrpci_table_detach(&reader);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

static shmrpci_table_pair pair(const char *key, const char *value)
{
    return (shmrpci_table_pair){
        text(key), value != NULL ? text(value) : (shmrpci_table_bytes){0}};
}

/* At any time some view is open. Nevertheless changes do not need more and more
 * memory. */
static void views_in_turn_keep_only_what_they_see(void **state)
{
    (void)state;
    int fd = table_create(MIB, 0, 16);
    shmrpci_table table;
    shmrpci_table_view views[2];
    char name[16];
    table_attach(fd, &table);
    open_view(&table, &views[1]);
    for (int i = 0; i < 30000; i++) {
        if (i % 50 == 0) {
            open_view(&table, &views[i / 50 % 2]);
            shmrpci_table_view_close(&views[1 - i / 50 % 2]);
        }
        (void)snprintf(name, sizeof name, "%d", i);
        put(&table, name, "x");
        del(&table, name);
    }
    shmrpci_table_view_close(&views[1 - 30000 / 50 % 2]);
    table_check(&table);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

static void a_merge_is_one_change(void **state)
{
    (void)state;
    int fd = table_create(8 * MIB, 3000, 16);
    shmrpci_table table;
    shmrpci_table_view before;
    shmrpci_table_view after;
    shmrpc_error error;
    table_attach(fd, &table);
    put(&table, "a", "1");
    put(&table, "b", "2");
    put(&table, "c", "3");
    open_view(&table, &before);
    const shmrpci_table_pair pairs[] = {
        pair("d", "old"), pair("b", NULL),  pair("c", "5"), pair("e", "6"),
        pair("d", "4"),   pair("no", NULL), pair("f", "7"), pair("f", NULL),
    };
    assert_int_equal(shmrpci_table_merge(&table, pairs, 8, NULL), SHMRPC_OK);
    open_view(&table, &after);
    assert_int_equal(after.change, before.change + 1);
    expect_all(&table, "a=1 c=5 e=6 d=4");
    expect_view(&before, "a=1 b=2 c=3");
    expect_view(&after, "a=1 c=5 e=6 d=4");
    shmrpci_table_view_close(&before);
    shmrpci_table_view_close(&after);
    table_check(&table);
    const shmrpci_table_pair nothing[] = {pair("x", NULL)};
    assert_int_equal(shmrpci_table_merge(&table, nothing, 1, NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_table_merge(&table, NULL, 0, NULL), SHMRPC_OK);
    table_check(&table);
    /* First more entries than the table may have, then more than it has
     * slots for so far. */
    enum { MANY = 2900 };
    shmrpci_table_pair *many = calloc(MANY + 100, sizeof *many);
    char(*names)[16] = calloc(MANY + 100, sizeof *names);
    for (int i = 0; i < MANY + 100; i++) {
        (void)snprintf(names[i], sizeof names[i], "%d", i);
        many[i] = pair(names[i], names[i]);
    }
    assert_int_equal(shmrpci_table_merge(&table, many, MANY + 100, &error),
                     SHMRPC_E_EXHAUSTED);
    assert_string_equal(
        error.message,
        "3000 more entries are needed, but only 2996 of 3000 are free");
    table_check(&table);
    assert_int_equal(shmrpci_table_merge(&table, many, MANY, NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_table_len(&table), MANY + 4);
    expect(&table, "2899", "2899");
    table_check(&table);
    free(many);
    free(names);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* Expects an event such as "put k=v", or "" if none comes for a moment. */
static void expect_event(shmrpci_table_watch *watch, const char *expected)
{
    shmrpci_table_event event;
    shmrpci_buf said;
    shmrpci_buf_init_heap(&said);
    shmrpc_status status = shmrpci_table_watch_next(
        watch, expected[0] == '\0' ? 0 : shmrpci_now_ns() + 10000000000, &event,
        NULL);
    if (status == SHMRPC_OK) {
        static const char *const names[] = {"put", "del", "clear", "resync"};
        shmrpci_buf_append_text(&said, names[event.kind]);
        if (event.kind <= SHMRPCI_TABLE_EVENT_DEL) {
            shmrpci_buf_append_text(&said, " ");
            shmrpci_buf_append(&said, event.key.data, event.key.len);
        }
        if (event.kind == SHMRPCI_TABLE_EVENT_PUT) {
            shmrpci_buf_append_text(&said, "=");
            shmrpci_buf_append(&said, event.value.data, event.value.len);
        }
    } else {
        assert_int_equal(status, SHMRPC_E_DEADLINE);
    }
    assert_string_equal(shmrpci_buf_text(&said), expected);
    shmrpci_buf_fini(&said);
}

static void watchers_are_told_all_changes(void **state)
{
    (void)state;
    int fd = table_create(4 * MIB, 0, 16);
    shmrpci_table table;
    shmrpci_table reader;
    shmrpci_table_watch watches[2];
    table_attach(fd, &table);
    table_attach_reader(fd, &reader);
    put(&table, "a", "1");
    assert_int_equal(shmrpci_table_watch_open(&table, false, &watches[0], NULL),
                     SHMRPC_OK);
    assert_int_equal(shmrpci_table_watch_open(&reader, true, &watches[1], NULL),
                     SHMRPC_OK);
    expect_event(&watches[0], "");
    expect_event(&watches[1], "resync");
    expect_view(&watches[1].view, "a=1");
    put(&table, "a", "2");
    put(&table, "b", "");
    del(&table, "a");
    const shmrpci_table_pair pairs[] = {pair("b", NULL), pair("c", "3")};
    assert_int_equal(shmrpci_table_merge(&table, pairs, 2, NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_table_clear(&table, NULL), SHMRPC_OK);
    put(&table, "d", "4");
    for (int i = 0; i < 2; i++) {
        static const char *const events[] = {"put a=2", "put b=",  "del a",
                                             "del b",   "put c=3", "clear",
                                             "put d=4", ""};
        for (size_t j = 0; j < sizeof events / sizeof *events; j++) {
            expect_event(&watches[i], events[j]);
        }
    }
    /* The watches fall so far behind that the log, or the memory of old
     * entries, no longer has the next change. */
    for (int i = 0; i < 1000; i++) {
        put(&table, "a", "x");
    }
    put(&table, "a", "y");
    for (int i = 0; i < 2; i++) {
        expect_event(&watches[i], "resync");
        expect_view(&watches[i].view, "d=4 a=y");
        expect_event(&watches[i], "");
    }
    put(&table, "a", "z");
    expect_event(&watches[0], "put a=z");
    shmrpci_table_destroy(&table);
    shmrpci_table_event event;
    assert_int_equal(
        shmrpci_table_watch_next(&watches[1], SHMRPCI_NEVER_NS, &event, NULL),
        SHMRPC_E_DESTROYED);
    shmrpci_table_watch_close(&watches[0]);
    shmrpci_table_watch_close(&watches[1]);
    shmrpci_table_detach(&reader);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* Writers ring from the tick after the reader first announced that it sleeps,
 * until its watch is closed. */
static void readers_who_sleep_are_rung_for(void **state)
{
    (void)state;
    shmrpci_table table;
    shmrpci_table reader;
    shmrpci_table_watch watch;
    shmrpci_futex_on on;
    int64_t max_ns = 0;
    int64_t deadline_ns = shmrpci_deadline_after(30 * SHMRPCI_NS_PER_S);
    int fd = table_create(MIB, 0, 1024);
    table_attach(fd, &table);
    table_attach_reader(fd, &reader);
    assert_int_equal(shmrpci_table_watch_open(&reader, false, &watch, NULL),
                     SHMRPC_OK);
    while (max_ns < SHMRPCI_NS_PER_S) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        shmrpci_table_watch_announce(&watch, &on, &max_ns);
    }
    for (int i = 0; i < 3; i++) {
        shmrpci_table_watch_announce(&watch, &on, &max_ns);
        assert_int_equal(shmrpci_load_seq(on.word), on.expected);
        put(&table, "a", "1");
        assert_int_not_equal(shmrpci_load_seq(on.word), on.expected);
        expect_event(&watch, "put a=1");
    }
    /* Nobody needs to ring for a process that does not sleep. */
    for (int i = 0; i < 100; i++) {
        put(&table, "a", "1");
        expect_event(&watch, "put a=1");
    }
    assert_false(watch.listening.is_on);
    shmrpci_table_watch_announce(&watch, &on, &max_ns);
    shmrpci_table_destroy(&table);
    assert_int_not_equal(shmrpci_load_seq(on.word), on.expected);
    shmrpci_table_watch_close(&watch);
    shmrpci_table_detach(&reader);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_stays_as_it_was),
        cmocka_unit_test(views_in_turn_keep_only_what_they_see),
        cmocka_unit_test(a_merge_is_one_change),
        cmocka_unit_test(watchers_are_told_all_changes),
        cmocka_unit_test(readers_who_sleep_are_rung_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
