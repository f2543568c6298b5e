/* For each operation of Python's dict, tests the call of this library that does
 * the same. */
#include "stage.h"

#include <stdio.h>
#include <string.h>

#include "shmrpc/any.h"
#include "shmrpc/dict.h"

static shmrpc_dict *d;
static shmrpc_error error;
static const shmrpc_any *out;

static shmrpc_dict *open_dict(const char *name)
{
    shmrpc_dict *dict = NULL;
    EXPECT(shmrpc_dict_open(name, NULL, &dict, &error), SHMRPC_OK, &error);
    return dict;
}

typedef struct at {
    shmrpc_any key;
    shmrpc_path path;
} at;

static const shmrpc_path *key(at *of, const char *name)
{
    of->key = shmrpc_any_str(name);
    of->path = shmrpc_path_of(&of->key, 1);
    return &of->path;
}

static void put(const char *name, int64_t number)
{
    at of;
    shmrpc_any value = shmrpc_any_i64(number);
    EXPECT(shmrpc_dict_put(d, key(&of, name), &value, &error), SHMRPC_OK,
           &error);
}

static void expect(const shmrpc_any *value, int64_t number)
{
    assert_int_equal(value->kind, SHMRPC_ANY_I64);
    assert_int_equal(value->u.i64, number);
}

/* Expects entries such as "a=1 b=2 c=3", forwards or backwards. */
static void expect_order(shmrpc_dict *dict, bool backwards,
                         const char *expected)
{
    char text[128] = "";
    const shmrpc_any *name;
    const shmrpc_any *value;
    shmrpc_view *view;
    EXPECT(shmrpc_dict_view_open(dict, &view, &error), SHMRPC_OK, &error);
    for (int round = 0; round < 2; round++) { /* a view that has reached its
                                               * end begins again, in both
                                               * directions */
        text[0] = '\0';
        while ((backwards ? shmrpc_view_prev : shmrpc_view_next)(
                   view, &name, &value, &error) == SHMRPC_OK) {
            size_t len = strlen(text);
            (void)snprintf(text + len, sizeof text - len, "%s%.*s=%d",
                           len > 0 ? " " : "", (int)name->u.str.len,
                           name->u.str.ptr, (int)value->u.i64);
        }
        assert_string_equal(text, expected);
    }
    shmrpc_view_close(view);
}

/* ---- operations, on {'a': 1, 'b': 2, 'c': 3} ----------------------------- */

static void get_item(void)
{
    at of;
    EXPECT(shmrpc_dict_get(d, key(&of, "b"), &out, NULL, &error), SHMRPC_OK,
           &error);
    expect(out, 2);
    shmrpc_dict_release(d, out);
    EXPECT(shmrpc_dict_get(d, key(&of, "x"), &out, NULL, &error),
           SHMRPC_E_NOT_FOUND, &error); /* Python: KeyError, or the default of
                                         * get */
}

static void set_item(void)
{
    put("b", 20);
    put("d", 4);
    expect_order(d, false, "a=1 b=20 c=3 d=4");
}

static void del_item(void)
{
    at of;
    EXPECT(shmrpc_dict_del(d, key(&of, "b"), &error), SHMRPC_OK, &error);
    expect_order(d, false, "a=1 c=3");
}

static void is_in(void)
{
    at of;
    EXPECT(shmrpc_dict_contains(d, key(&of, "a"), &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_dict_contains(d, key(&of, "x"), &error), SHMRPC_E_NOT_FOUND,
           &error);
}

static void len_of(void)
{
    uint64_t len;
    EXPECT(shmrpc_dict_len(d, NULL, &len, &error), SHMRPC_OK, &error);
    assert_int_equal(len, 3);
}

/* Python: also keys, values and items. */
static void iterate(void)
{
    expect_order(d, false, "a=1 b=2 c=3");
}

static void iterate_backwards(void)
{
    at of;
    expect_order(d, true, "c=3 b=2 a=1");
    put("b", 20); /* the key keeps its place */
    EXPECT(shmrpc_dict_del(d, key(&of, "c"), &error), SHMRPC_OK, &error);
    put("c", 30);
    put("d", 4);
    EXPECT(shmrpc_dict_del(d, key(&of, "d"), &error), SHMRPC_OK, &error);
    expect_order(d, true, "c=30 b=20 a=1");
}

static void pop_key(void)
{
    at of;
    EXPECT(shmrpc_dict_pop(d, key(&of, "a"), &out, &error), SHMRPC_OK, &error);
    expect(out, 1);
    shmrpc_dict_release(d, out);
    EXPECT(shmrpc_dict_pop(d, key(&of, "a"), &out, &error), SHMRPC_E_NOT_FOUND,
           &error);
}

static void pop_last(void)
{
    const shmrpc_any *name;
    static const char *const names[] = {"c", "b", "a"};
    for (int i = 0; i < 3; i++) {
        EXPECT(shmrpc_dict_popitem(d, &name, &out, &error), SHMRPC_OK, &error);
        assert_true(shmrpc_str_equal(name->u.str, shmrpc_str_of(names[i])));
        expect(out, 3 - i);
        shmrpc_dict_release(d, name);
        shmrpc_dict_release(d, out);
    }
    EXPECT(shmrpc_dict_popitem(d, &name, &out, &error), SHMRPC_E_NOT_FOUND,
           &error);
}

static void set_default(void)
{
    at of;
    shmrpc_any value = shmrpc_any_i64(9);
    EXPECT(shmrpc_dict_get_or_put(d, key(&of, "a"), &value, &out, &error),
           SHMRPC_OK, &error);
    expect(out, 1);
    shmrpc_dict_release(d, out);
    EXPECT(shmrpc_dict_get_or_put(d, key(&of, "x"), &value, &out, &error),
           SHMRPC_OK, &error);
    expect(out, 9);
    shmrpc_dict_release(d, out);
    expect_order(d, false, "a=1 b=2 c=3 x=9");
}

/* Python: also |=, and dict.fromkeys. */
static void update(void)
{
    const shmrpc_any_entry more[] = {{shmrpc_any_str("b"), shmrpc_any_i64(7)},
                                     {shmrpc_any_str("e"), shmrpc_any_i64(7)}};
    EXPECT(shmrpc_dict_merge(d, more, 2, &error), SHMRPC_OK, &error);
    expect_order(d, false, "a=1 b=7 c=3 e=7");
}

static void clear(void)
{
    EXPECT(shmrpc_dict_clear(d, &error), SHMRPC_OK, &error);
    expect_order(d, false, "");
    expect_order(d, true, "");
}

/* Python: also |, which merges two dicts into a new one. */
static void copy(void)
{
    shmrpc_dict *other = open_dict("other");
    EXPECT(shmrpc_dict_all(d, &out, &error), SHMRPC_OK, &error);
    assert_int_equal(out->u.map.len, 3);
    put("a", 100); /* the copy does not change */
    expect(shmrpc_any_find(out, "a"), 1);
    EXPECT(shmrpc_dict_merge(other, out->u.map.ptr, out->u.map.len, &error),
           SHMRPC_OK, &error);
    shmrpc_dict_release(d, out);
    expect_order(other, false, "a=1 b=2 c=3");
    EXPECT(shmrpc_dict_destroy(other), SHMRPC_OK, &error);
    shmrpc_dict_close(other);
}

static void expect_equal(shmrpc_dict *other, bool expected)
{
    bool is_equal = !expected;
    EXPECT(shmrpc_dict_equal(d, other, &is_equal, &error), SHMRPC_OK, &error);
    assert_int_equal(is_equal, expected);
    is_equal = !expected;
    EXPECT(shmrpc_dict_equal(other, d, &is_equal, &error), SHMRPC_OK, &error);
    assert_int_equal(is_equal, expected);
}

static void equals(void)
{
    static const char *const names[] = {"c", "b", "a"};
    shmrpc_dict *mine = d;
    shmrpc_dict *other = open_dict("other");
    expect_equal(d, true);
    expect_equal(other, false);
    d = other; /* with another order of entries */
    for (int i = 0; i < 3; i++) {
        put(names[i], 3 - i);
    }
    d = mine;
    expect_equal(other, true);
    put("a", 5);
    expect_equal(other, false);
    put("a", 1);
    put("z", 1);
    expect_equal(other, false);
    EXPECT(shmrpc_dict_destroy(other), SHMRPC_OK, &error);
    shmrpc_dict_close(other);
}

static void tuples_as_keys(void)
{
    shmrpc_any_memory *memory = shmrpc_any_memory_create();
    shmrpc_any one[] = {shmrpc_any_str("x"), shmrpc_any_i64(1)};
    shmrpc_any same[] = {shmrpc_any_str("x"), shmrpc_any_f64(1.0)};
    shmrpc_any other[] = {shmrpc_any_str("x"), shmrpc_any_bool(true)};
    shmrpc_any bad[] = {shmrpc_any_str("x"), shmrpc_any_list_of(NULL, 0)};
    shmrpc_any *rows[] = {one, same, other, bad};
    static const int found[] = {SHMRPC_OK, SHMRPC_OK, SHMRPC_E_NOT_FOUND,
                                SHMRPC_E_INVALID};
    shmrpc_any tuple;
    shmrpc_any value = shmrpc_any_i64(42);
    shmrpc_path path = shmrpc_path_of(&tuple, 1);
    for (int i = 0; i < 4; i++) {
        EXPECT(shmrpc_any_make_items(memory, SHMRPC_EXT_TUPLE, rows[i], 2,
                                     &tuple, &error),
               SHMRPC_OK, &error);
        if (i == 0) {
            EXPECT(shmrpc_dict_put(d, &path, &value, &error), SHMRPC_OK,
                   &error);
        }
        EXPECT(shmrpc_dict_contains(d, &path, &error), found[i], &error);
    }
    /* A tuple of tuples, with its type kept. */
    shmrpc_any outer;
    const shmrpc_any *name;
    shmrpc_any_list items;
    EXPECT(
        shmrpc_any_make_items(memory, SHMRPC_EXT_TUPLE, one, 2, &tuple, &error),
        SHMRPC_OK, &error);
    EXPECT(shmrpc_any_make_items(memory, SHMRPC_EXT_TUPLE, &tuple, 1, &outer,
                                 &error),
           SHMRPC_OK, &error);
    path = shmrpc_path_of(&outer, 1);
    EXPECT(shmrpc_dict_put(d, &path, &value, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_dict_popitem(d, &name, &out, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_any_read_items(memory, name, &items, &error), SHMRPC_OK,
           &error);
    assert_int_equal(items.len, 1);
    assert_true(shmrpc_any_equal(&items.ptr[0], &tuple));
    shmrpc_dict_release(d, name);
    shmrpc_dict_release(d, out);
    shmrpc_any_memory_destroy(memory);
}

static void do_as_python_does(void **state)
{
    (void)state;
    static const struct {
        const char *python;
        void (*ours)(void);
    } rows[] = {
        {"d[k], d.get(k)", get_item},
        {"d[k] = v", set_item},
        {"del d[k]", del_item},
        {"k in d", is_in},
        {"len(d)", len_of},
        {"iter(d), d.keys(), d.values(), d.items()", iterate},
        {"reversed(d)", iterate_backwards},
        {"d.pop(k)", pop_key},
        {"d.popitem()", pop_last},
        {"d.setdefault(k, v)", set_default},
        {"d.update(e), d |= e, dict.fromkeys(e)", update},
        {"d.clear()", clear},
        {"d.copy(), d | e", copy},
        {"d == e", equals},
        {"d[(x, 1)]", tuples_as_keys},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("%s\n", rows[i].python);
        d = open_dict("d");
        EXPECT(shmrpc_dict_clear(d, &error), SHMRPC_OK, &error);
        put("a", 1);
        put("b", 2);
        put("c", 3);
        rows[i].ours();
        shmrpc_dict_close(d);
    }
}

static void take_all(int index, void *user)
{
    (void)index, (void)user;
    shmrpc_dict *mine = NULL;
    const shmrpc_any *name;
    const shmrpc_any *value;
    CHECK(shmrpc_dict_open("many", NULL, &mine, NULL) == SHMRPC_OK);
    shmrpc_status status;
    while ((status = shmrpc_dict_popitem(mine, &name, &value, NULL)) ==
           SHMRPC_OK) {
        CHECK(name->u.i64 == value->u.i64);
        atomic_fetch_add(&scene->counts[0], 1);
        atomic_fetch_add(&scene->counts[1], (uint32_t)name->u.i64);
        shmrpc_dict_release(mine, name);
        shmrpc_dict_release(mine, value);
    }
    CHECK(status == SHMRPC_E_NOT_FOUND);
    shmrpc_dict_close(mine);
}

enum { MANY = 300 };

/* Each entry is popped by exactly one process. */
static void each_item_is_popped_once(void **state)
{
    (void)state;
    pid_t cast[3];
    d = open_dict("many");
    for (int64_t i = 0; i < MANY; i++) {
        shmrpc_any name = shmrpc_any_i64(i);
        shmrpc_path path = shmrpc_path_of(&name, 1);
        EXPECT(shmrpc_dict_put(d, &path, &name, &error), SHMRPC_OK, &error);
    }
    for (int i = 0; i < 3; i++) {
        cast[i] = stage_cast(take_all, i, NULL);
    }
    for (int i = 0; i < 3; i++) {
        stage_dismiss(cast[i], 0);
    }
    assert_int_equal(atomic_load(&scene->counts[0]), MANY);
    assert_int_equal(atomic_load(&scene->counts[1]), MANY * (MANY - 1) / 2);
    shmrpc_dict_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(do_as_python_does),
        TEST(each_item_is_popped_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
