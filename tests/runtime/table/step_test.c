/*
 * A process that changes a table, helps another, or reads a view is killed
 * after each of its instructions; or it is stopped there while others go on,
 * and then runs to the end. With SHMRPC_TEST_LONG this is done after every
 * instruction, otherwise after some, which differ each time.
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dying/step.h"

/* ---- the victim's operations --------------------------------------------- */

static bool replace(shmrpci_table *table)
{
    return try_put(table, "a", "5") == SHMRPC_OK;
}

static bool insert(shmrpci_table *table)
{
    return try_put(table, "d", "4") == SHMRPC_OK;
}

static bool remove_one(shmrpci_table *table)
{
    return shmrpci_table_del(table, text("b"), SHMRPCI_TABLE_ANY, NULL, NULL) ==
           SHMRPC_OK;
}

static bool merge(shmrpci_table *table)
{
    const shmrpci_table_pair pairs[] = {
        {text("a"), text("6")}, {text("b"), {NULL, 0}}, {text("e"), text("7")}};
    return shmrpci_table_merge(table, pairs, 3, NULL) == SHMRPC_OK;
}

static bool look(shmrpci_table *table)
{
    shmrpci_table_view view;
    shmrpci_table_bytes value;
    bool good =
        shmrpci_table_view_open(table, &view, NULL) == SHMRPC_OK &&
        shmrpci_table_view_get(&view, text("c"), &value, NULL) == SHMRPC_OK &&
        value.len == 1 && memcmp(value.data, "3", 1) == 0;
    shmrpci_table_view_close(&view);
    return good;
}

#define BEFORE "a=1 b=2 c=3"

typedef struct deed {
    const char *name;
    bool (*act)(shmrpci_table *table);
    const char *after;
    bool helps; /* another process was stopped in the middle of a change */
} deed;

static const deed deeds[] = {
    {"replace", replace, "a=5 b=2 c=3", false},
    {"insert", insert, BEFORE " d=4", false},
    {"delete", remove_one, "a=1 c=3", false},
    {"merge", merge, "a=6 c=3 e=7", false},
    {"help", replace, "a=5 b=2 c=3 h=1", true},
    {"view", look, BEFORE, false},
};

#define DEEDS (sizeof deeds / sizeof *deeds)

/* ---- setting up one operation -------------------------------------------- */

typedef struct scene {
    const deed *of;
    int fd;
    shmrpci_table other; /* a participant that stays alive */
    shmrpci_table reader;
    shmrpci_table_view view; /* a view of BEFORE */
    step_victim victim;
    step_victim helped;
} scene;

/* The victim's handle. */
static shmrpci_table mine;

/* Makes free blocks available, because dividing a span for the first block
 * takes a hundred times as long as everything else. */
static bool warm_up(void)
{
    shmrpci_table_pair pairs[] = {
        {text("w"), text("1")}, {text("x"), text("1")}, {text("y"), text("1")}};
    for (int round = 0; round < 2; round++) {
        if (shmrpci_table_merge(&mine, pairs, 3, NULL) != SHMRPC_OK) {
            return false;
        }
        for (int i = 0; i < 3; i++) {
            pairs[i].value = (shmrpci_table_bytes){0};
        }
    }
    return true;
}

static bool attach_mine(void *user)
{
    const scene *of = user;
    return table_try_attach(of->fd, SHMRPCI_ACCESS_WRITE, &mine, NULL) ==
               SHMRPC_OK &&
           warm_up();
}

static bool act(void *user)
{
    const scene *of = user;
    return of->of->act(&mine);
}

static bool put_h(void *user)
{
    (void)user;
    return try_put(&mine, "h", "1") == SHMRPC_OK;
}

static bool is_busy(const shmrpci_table *table)
{
    return (shmrpci_load_seq(&table->roots->turn) & SHMRPCI_TURN_BUSY) != 0;
}

static void begin(scene *to, const deed *of)
{
    *to = (scene){.of = of, .fd = table_create(2 * MIB, 0, 16)};
    table_attach(to->fd, &to->other);
    table_attach_reader(to->fd, &to->reader);
    put(&to->other, "a", "1");
    put(&to->other, "b", "2");
    put(&to->other, "c", "3");
    assert_int_equal(shmrpci_table_view_open(&to->reader, &to->view, NULL),
                     SHMRPC_OK);
    step_begin(&to->victim, attach_mine, act, to);
    to->helped.is_over = true;
    if (of->helps) {
        step_begin(&to->helped, attach_mine, put_h, to);
        while (!is_busy(&to->other)) {
            assert_true(step_once(&to->helped));
        }
    }
}

static void read_all(shmrpci_table *table, shmrpci_buf *out)
{
    shmrpci_table_cursor cursor = {0};
    shmrpci_buf key;
    shmrpci_buf value;
    shmrpci_buf_init_heap(&key);
    shmrpci_buf_init_heap(&value);
    shmrpci_buf_init_heap(out);
    while (shmrpci_table_next(table, &cursor, &key, &value, NULL, NULL) ==
           SHMRPC_OK) {
        shmrpci_buf_append_text(out, out->len != 0 ? " " : "");
        shmrpci_buf_append(out, key.data, key.len);
        shmrpci_buf_append_text(out, "=");
        shmrpci_buf_append(out, value.data, value.len);
    }
    shmrpci_buf_fini(&key);
    shmrpci_buf_fini(&value);
}

/* The entry of a key in a text of entries; valid until the next call. */
static const char *value_in(const char *all, char key)
{
    static char value[32];
    const char *at = all;
    while (at != NULL && *at != key) {
        at = strchr(at, ' ');
        at = at != NULL ? at + 1 : NULL;
    }
    (void)snprintf(value, sizeof value, "%.*s",
                   at != NULL ? (int)strcspn(at, " ") : 0,
                   at != NULL ? at : "");
    return value;
}

/* Whether `key` has the same value in both texts. */
static bool is_as_in(const char *seen, const char *in, char key)
{
    char one[32];
    (void)snprintf(one, sizeof one, "%s", value_in(seen, key));
    return strcmp(one, value_in(in, key)) == 0;
}

/* Whether all keys of the change have the values that they have in `in`. */
static bool is_all_as_in(const scene *of, const char *seen, const char *in)
{
    for (const char *key = of->of->helps ? "abc" : "abcde"; *key != '\0';
         key++) {
        if (!is_as_in(seen, in, *key)) {
            return false;
        }
    }
    return true;
}

static void expect_either(scene *of, bool must_be_after, unsigned long steps)
{
    shmrpci_buf seen;
    read_all(&of->reader, &seen);
    const char *all = shmrpci_buf_text(&seen);
    bool is_after = is_all_as_in(of, all, of->of->after);
    if (!is_after && (must_be_after || !is_all_as_in(of, all, BEFORE))) {
        fail_msg("%s, %lu instructions: found %s", of->of->name, steps, all);
    }
    shmrpci_buf_fini(&seen);
}

/* Others write and read, and reclaim the blocks that are not in use. */
static void go_on(scene *of, unsigned long steps)
{
    shmrpci_table_view view;
    put(&of->other, "z", "0");
    expect(&of->reader, "z", "0");
    assert_int_equal(shmrpci_table_view_open(&of->other, &view, NULL),
                     SHMRPC_OK);
    shmrpci_table_view_close(&view);
    del(&of->other, "z");
    if (of->of->helps) {
        expect(&of->reader, "h", "1");
    }
    expect_either(of, false, steps);
    expect_view(&of->view, BEFORE);
}

static void end(scene *of)
{
    step_kill(&of->helped);
    put(&of->other, "z", "1");
    expect(&of->reader, "z", "1");
    table_check(&of->other);
    shmrpci_table_view_close(&of->view);
    assert_int_equal(shmrpci_table_clear(&of->other, NULL), SHMRPC_OK);
    shmrpci_arena_reclaim(&of->other.region, true);
    table_check(&of->other);
    shmrpci_table_detach(&of->reader);
    shmrpci_table_detach(&of->other);
    shmrpci_fd_close(&of->fd);
}

/* ---- tests, for each instruction ----------------------------------------- */

static void kill_behind(const void *what, const step_trace *trace,
                        unsigned long steps)
{
    scene of;
    begin(&of, what);
    (void)step_to(&of.victim, trace, steps);
    step_kill(&of.victim);
    go_on(&of, steps);
    end(&of);
}

static void stop_behind(const void *what, const step_trace *trace,
                        unsigned long steps)
{
    scene of;
    begin(&of, what);
    (void)step_to(&of.victim, trace, steps);
    go_on(&of, steps);
    step_finish(&of.victim);
    expect_either(&of, true, steps);
    end(&of);
}

static void each_instruction(step_visit *what)
{
    for (size_t i = 0; i < DEEDS; i++) {
        scene of;
        step_trace trace;
        begin(&of, &deeds[i]);
        step_record(&of.victim, &trace);
        end(&of);
        step_through(deeds[i].name, &trace, what, &deeds[i]);
        step_forget(&trace);
    }
}

static void a_kill_leaves_all_or_nothing(void **state)
{
    (void)state;
    each_instruction(kill_behind);
}

static void a_stop_holds_up_nobody(void **state)
{
    (void)state;
    each_instruction(stop_behind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_leaves_all_or_nothing),
        cmocka_unit_test(a_stop_holds_up_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
