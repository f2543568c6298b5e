/*
 * Death at every point: for each kind of change, a writer is killed before each
 * of its writes to a shared word. Afterwards the table is as before the change,
 * or as after it. This holds for readers at once, for the next writer, and for
 * views. Once the heir has finished, each block is in exactly one place: in
 * use, or in one list of free blocks. The heir, and the writer that completes
 * the dead writer's change, are killed too.
 *
 * The library is compiled again for this test, with points at which it can die
 * (os/crash.h).
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dying/dying.h"
#include "table/nest.h"

/* ---- changes ------------------------------------------------------------- */

/* Key c is a nest: a list with an item in a block of its own, and an item that
 * is a list. */
#define NEST  \
    "\x93"    \
    "xyz\x91" \
    "3"
#define BEFORE "a=1 b=2 c=" NEST

static bool insert(shmrpci_table *table)
{
    return try_put(table, "d", "4") == SHMRPC_OK;
}

static bool replace(shmrpci_table *table)
{
    return try_put(table, "a", "5") == SHMRPC_OK;
}

static bool remove_one(shmrpci_table *table)
{
    return shmrpci_table_del(table, text("b"), SHMRPCI_TABLE_ANY, NULL, NULL) ==
           SHMRPC_OK;
}

static bool merge(shmrpci_table *table)
{
    const shmrpci_table_pair pairs[] = {
        {text("a"), text("6")}, {text("no"), {NULL, 0}}, {text("e"), text("7")},
        {text("b"), {NULL, 0}}, {text("f"), text("8")},
    };
    return shmrpci_table_merge(table, pairs, 5, NULL) == SHMRPC_OK;
}

static bool clear(shmrpci_table *table)
{
    return shmrpci_table_clear(table, NULL) == SHMRPC_OK;
}

/* The table was filled before, so that it must grow. */
static bool rehash(shmrpci_table *table)
{
    return try_put(table, "d", "4") == SHMRPC_OK;
}

static bool give_up(shmrpci_table *table)
{
    void *to;
    bool good =
        shmrpci_table_reserve(table, text("g"), 100, &to, NULL) == SHMRPC_OK;
    shmrpci_table_abort(table);
    return good;
}

/* ---- changes of the nest ------------------------------------------------- */

static const shmrpci_table_bytes nest = {"c", 1};

/* Makes key c the nest. Returns false if that fails, for example because
 * another writer was faster. */
static bool make_nest(shmrpci_table *table)
{
    shmrpci_nest_edit edit = {0};
    shmrpci_nest_value now = {.is_ref = true};
    shmrpci_nest_item inner = {.value = shmrpci_nest_bytes("3", 1)};
    shmrpci_nest_item items[3] = {
        {.value = shmrpci_nest_bytes("x", 1)},
        {.value = {.is_ref = true}},
        {.value = {.is_ref = true}},
    };
    bool good =
        shmrpci_nest_edit_begin(&edit, table, nest, NULL) == SHMRPC_OK &&
        shmrpci_nest_make_bytes(&edit, text("yz"), &items[1].value.ref, NULL) ==
            SHMRPC_OK &&
        shmrpci_nest_make(&edit, SHMRPCI_NEST_LIST, &inner, 1,
                          &items[2].value.ref, NULL) == SHMRPC_OK &&
        shmrpci_nest_make(&edit, SHMRPCI_NEST_LIST, items, 3, &now.ref, NULL) ==
            SHMRPC_OK &&
        shmrpci_nest_drop(&edit, &edit.value) == SHMRPC_OK &&
        shmrpci_nest_commit(&edit, &now, NULL, NULL) == SHMRPC_OK;
    shmrpci_nest_edit_end(&edit);
    return good;
}

static bool change_nest(shmrpci_table *table, uint64_t position, bool removes,
                        const char *value)
{
    shmrpci_nest_edit edit = {0};
    shmrpci_nest_item was = {0};
    shmrpci_nest_item item = {0};
    bool good =
        shmrpci_nest_edit_begin(&edit, table, nest, NULL) == SHMRPC_OK &&
        (!removes ||
         shmrpci_nest_at(table, &edit.value.ref, position, &was) == SHMRPC_OK);
    if (good && value != NULL) {
        item.value = shmrpci_nest_bytes(value, strlen(value));
    }
    good =
        good && shmrpci_nest_drop(&edit, &was.value) == SHMRPC_OK &&
        shmrpci_nest_splice(&edit, &edit.value.ref, position, removes,
                            value != NULL ? &item : NULL, NULL) == SHMRPC_OK &&
        shmrpci_nest_commit(&edit, &edit.value, NULL, NULL) == SHMRPC_OK;
    shmrpci_nest_edit_end(&edit);
    return good;
}

static bool append(shmrpci_table *table)
{
    return change_nest(table, 3, false, "w");
}

static bool drop_item(shmrpci_table *table)
{
    return change_nest(table, 2, true, NULL);
}

static bool replace_item(shmrpci_table *table)
{
    return change_nest(table, 1, true, "v");
}

static bool replace_nest(shmrpci_table *table)
{
    return try_put(table, "c", "9") == SHMRPC_OK;
}

static bool remove_nest(shmrpci_table *table)
{
    return shmrpci_table_del(table, nest, SHMRPCI_TABLE_ANY, NULL, NULL) ==
           SHMRPC_OK;
}

/* The next change of another writer, which completes the one that was begun. */
static bool go_on(shmrpci_table *table)
{
    return try_put(table, "z", "0") == SHMRPC_OK;
}

static bool inherit(shmrpci_table *table)
{
    (void)shmrpci_region_bury(&table->region);
    return true;
}

typedef struct change {
    const char *name;
    bool (*act)(shmrpci_table *table);
    const char *after;
    bool is_full; /* whether the table before the change is full */
} change;

static const change changes[] = {
    {"insert", insert, BEFORE " d=4", false},
    {"replace", replace, "a=5 b=2 c=" NEST, false},
    {"delete", remove_one, "a=1 c=" NEST, false},
    {"merge", merge, "a=6 c=" NEST " e=7 f=8", false},
    {"clear", clear, "", false},
    {"rehash", rehash, BEFORE " d=4", true},
    {"merge and rehash", merge, "a=6 c=" NEST " e=7 f=8", true},
    {"give up", give_up, BEFORE, false},
    {"make a nest", make_nest, BEFORE, false},
    {"append", append,
     "a=1 b=2 c=\x94"
     "xyz\x91"
     "3w",
     false},
    {"delete an item", drop_item,
     "a=1 b=2 c=\x92"
     "xyz",
     false},
    {"replace an item", replace_item,
     "a=1 b=2 c=\x93"
     "xv\x91"
     "3",
     false},
    {"replace a nest", replace_nest, "a=1 b=2 c=9", false},
    {"delete a nest", remove_nest, "a=1 b=2", false},
};

#define CHANGES (sizeof changes / sizeof *changes)

/* How many points each change has. */
static unsigned points_of[CHANGES];

/* ---- setting up one death ------------------------------------------------ */

typedef struct scene {
    int fd;
    shmrpci_table other; /* a participant that stays alive */
    shmrpci_table reader;
    shmrpci_table_view view; /* a view of BEFORE */
    const change *of;
} scene;

static void begin(scene *to, const change *of)
{
    to->fd = table_create(32 * MIB, 0, 16);
    to->of = of;
    table_attach(to->fd, &to->other);
    table_attach_reader(to->fd, &to->reader);
    /* Makes tombstones, some of which a rehash drops, and a full order. */
    for (int i = 0; i < (of->is_full ? 20 : 5); i++) {
        put(&to->other, "old", "x");
        del(&to->other, "old");
    }
    put(&to->other, "a", "1");
    put(&to->other, "b", "2");
    put(&to->other, "c", "3");
    assert_true(make_nest(&to->other));
    assert_int_equal(shmrpci_table_view_open(&to->reader, &to->view, NULL),
                     SHMRPC_OK);
    if (of->is_full) {
        put(&to->other, "old", "x");
        del(&to->other, "old");
    }
}

/* What a participant is to do. */
typedef struct part {
    int fd;
    bool (*act)(shmrpci_table *table);
} part;

static bool play(void *user)
{
    const part *of = user;
    shmrpci_table table;
    bool good = table_try_attach(of->fd, SHMRPCI_ACCESS_WRITE, &table, NULL) ==
                    SHMRPC_OK &&
                of->act(&table);
    if (good) {
        shmrpci_table_detach(&table);
    }
    return good;
}

/* Runs a participant. Returns false if it ran to the end. */
static bool dies(const scene *in, bool (*act)(shmrpci_table *table),
                 unsigned point)
{
    part of = {in->fd, act};
    return dying_runs(play, &of, point);
}

static void read_all(shmrpci_table *table, shmrpci_buf *out)
{
    shmrpci_table_cursor cursor = {0};
    shmrpci_buf key;
    shmrpci_buf value;
    shmrpci_buf_init_heap(&key);
    shmrpci_buf_init_heap(&value);
    shmrpci_buf_reset(out);
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

/* Expects the table as before or as after the change. `more` is the text of
 * entries that a later change has added. */
static bool expect_either(scene *in, const char *more, const char *point)
{
    char before[128];
    char after[128];
    shmrpci_buf seen;
    (void)snprintf(before, sizeof before, "%s%s", BEFORE, more);
    (void)snprintf(after, sizeof after, "%s%s", in->of->after,
                   in->of->after[0] == '\0' && more[0] == ' ' ? more + 1
                                                              : more);
    shmrpci_buf_init_heap(&seen);
    read_all(&in->reader, &seen);
    bool is_after = strcmp(shmrpci_buf_text(&seen), after) == 0;
    if (!is_after && strcmp(shmrpci_buf_text(&seen), before) != 0) {
        fail_msg("%s, %s: found %s", in->of->name, point,
                 shmrpci_buf_text(&seen));
    }
    shmrpci_buf_fini(&seen);
    return is_after;
}

/* Whether the change has several parts. Until the next writer comes, readers
 * may then see only some of them. Views never do. */
static bool has_parts(const scene *in)
{
    return in->of->act == merge;
}

static void end(scene *in, const char *point)
{
    shmrpci_table_view view;
    expect_view(&in->view, BEFORE);
    if (!has_parts(in)) {
        (void)expect_either(in, "", point);
    }
    assert_int_equal(shmrpci_table_view_open(&in->other, &view, NULL),
                     SHMRPC_OK);
    bool was_after = expect_either(in, "", point);
    put(&in->other, "z", "0");
    assert_int_equal(expect_either(in, " z=0", point), was_after);
    table_check(&in->other);
    expect_view(&view, was_after ? in->of->after : BEFORE);
    expect_view(&in->view, BEFORE);
    shmrpci_table_view_close(&view);
    shmrpci_table_view_close(&in->view);
    /* All blocks that the view kept are reclaimed, and can be used. */
    assert_int_equal(shmrpci_table_clear(&in->other, NULL), SHMRPC_OK);
    shmrpci_arena_reclaim(&in->other.region, true);
    table_check(&in->other);
    shmrpci_table_detach(&in->reader);
    shmrpci_table_detach(&in->other);
    shmrpci_fd_close(&in->fd);
}

/* ---- deaths -------------------------------------------------------------- */

static void a_writer_dies_at_every_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHANGES; i++) {
        bool more = true;
        unsigned point = 0;
        while (more) {
            scene in;
            char where[32];
            begin(&in, &changes[i]);
            more = dies(&in, changes[i].act, ++point);
            (void)snprintf(where, sizeof where, "point %u", point);
            end(&in, where);
        }
        points_of[i] = point - 1;
        print_message("%s: %u points\n", changes[i].name, point - 1);
        assert_true(point > 10);
    }
}

/* How many pairs of points are tried for each change. */
#define SAMPLES 12u

static uint32_t seed;

static uint32_t random_of(uint32_t below)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % below;
}

/* A writer dies at a point of a change, then a second one at a point of its
 * own. Returns false if the second one ran to the end. */
static bool two_die(const change *of, unsigned point,
                    bool (*second_act)(shmrpci_table *table), unsigned second)
{
    scene in;
    char where[48];
    begin(&in, of);
    assert_true(dies(&in, of->act, point));
    bool again = dies(&in, second_act, second);
    (void)snprintf(where, sizeof where, "points %u and %u", point, second);
    if (second_act == go_on) {
        /* Opening a view finishes the second writer's change if that was
         * committed. From then on the first change has either happened
         * completely or not at all. */
        shmrpci_table_view view;
        assert_int_equal(shmrpci_table_view_open(&in.other, &view, NULL),
                         SHMRPC_OK);
        shmrpci_table_view_close(&view);
        if (shmrpci_table_contains(&in.other, text("z"), NULL) == SHMRPC_OK) {
            del(&in.other, "z");
        }
    }
    end(&in, where);
    return again;
}

/* The number of pairs is the square of the number of a change's points. If a
 * change has more points than this, a long run tries only every fourth point
 * for the second death, and begins with a random one. */
#define FEW_POINTS 150u
#define STRIDE     4u

/* In a long run, tries all pairs of points, except for changes with many
 * points. In a short run, tries some pairs. */
static void others_die(bool (*second_act)(shmrpci_table *table))
{
    bool is_long = getenv("SHMRPC_TEST_LONG") != NULL;
    seed = (uint32_t)getpid();
    print_message("seed %u\n", seed);
    for (size_t i = 0; i < CHANGES; i++) {
        unsigned stride = points_of[i] > FEW_POINTS ? STRIDE : 1;
        for (unsigned point = 1; is_long && point <= points_of[i]; point++) {
            unsigned second = 1 + random_of(stride);
            while (two_die(&changes[i], point, second_act, second)) {
                second += stride;
            }
        }
        for (unsigned n = 0; !is_long && n < SAMPLES; n++) {
            (void)two_die(&changes[i], 1 + random_of(points_of[i]), second_act,
                          1 + random_of(40));
        }
    }
}

static void its_heir_dies_at_every_point(void **state)
{
    (void)state;
    others_die(inherit);
}

static void who_helps_dies_at_every_point(void **state)
{
    (void)state;
    others_die(go_on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_dies_at_every_point),
        cmocka_unit_test(its_heir_dies_at_every_point),
        cmocka_unit_test(who_helps_dies_at_every_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
