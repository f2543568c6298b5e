/* Operations of lists and maps, as the containers of UltraDict and
 * PicklingTools have them: a table of changes and their results. */
#include "stage.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "codec/codec.h"
#include "shmrpc/dict.h"
#include "shmrpc/value.h"

static shmrpci_arena arena;

/* Makes a tree from its JSON; valid until the end of the test. */
static const shmrpc_any *tree_of(const char *text)
{
    shmrpc_any *tree = shmrpci_arena_alloc(&arena, sizeof *tree, 16);
    shmrpc_error error;
    assert_non_null(tree);
    EXPECT(shmrpci_codec_of(SHMRPC_ENCODING_JSON)
               ->decode(&shmrpc_type_any, (const uint8_t *)text, strlen(text),
                        "tree", &arena, tree, &error),
           SHMRPC_OK, &error);
    return tree;
}

/* Makes a path from JSON such as `["a", 3]`. */
static shmrpc_path path_of(const char *text)
{
    return tree_of(text)->u.list;
}

static void expect_tree(const char *what, const shmrpc_any *tree,
                        const char *expected)
{
    uint8_t room[4096];
    shmrpci_buf buf;
    shmrpc_error error;
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    EXPECT(shmrpci_codec_of(SHMRPC_ENCODING_JSON)
               ->encode(&shmrpc_type_any, tree, "tree", &buf, &error),
           SHMRPC_OK, &error);
    if (buf.len != strlen(expected) ||
        memcmp(buf.data, expected, buf.len) != 0) {
        fail_msg("%s: expected %s, got %.*s", what, expected, (int)buf.len,
                 (const char *)buf.data);
    }
}

typedef enum what { GET, LEN, PUT, DEL, POP, APPEND, INSERT } what;

typedef struct row {
    what what;
    const char *path;
    const char *tree; /* the value that is put, or that the call returns */
    int status;
    const char *after; /* the whole value afterwards; NULL: unchanged */
} row;

#define BEGIN "{\"b\":1,\"a\":[3,1,2]}"

static const row rows[] = {
    {GET, "[]", BEGIN, SHMRPC_OK, NULL},
    {GET, "[\"a\",1]", "1", SHMRPC_OK, NULL},
    {GET, "[\"a\",-1]", "2", SHMRPC_OK, NULL},
    {GET, "[\"none\"]", NULL, SHMRPC_E_NOT_FOUND, NULL},
    {GET, "[\"a\",3]", NULL, SHMRPC_E_NOT_FOUND, NULL},
    {GET, "[\"b\",0]", NULL, SHMRPC_E_PRECONDITION, NULL},
    {LEN, "[]", "2", SHMRPC_OK, NULL},
    {LEN, "[\"a\"]", "3", SHMRPC_OK, NULL},
    {LEN, "[\"b\"]", NULL, SHMRPC_E_PRECONDITION, NULL},
    {APPEND, "[\"a\"]", "{\"x\":[]}", SHMRPC_OK,
     "{\"b\":1,\"a\":[3,1,2,{\"x\":[]}]}"},
    {APPEND, "[\"a\",3,\"x\"]", "true", SHMRPC_OK,
     "{\"b\":1,\"a\":[3,1,2,{\"x\":[true]}]}"},
    {APPEND, "[\"b\"]", "0", SHMRPC_E_PRECONDITION, NULL},
    {POP, "[\"a\",-1]", "{\"x\":[true]}", SHMRPC_OK, BEGIN},
    {INSERT, "[\"a\",0]", "\"first\"", SHMRPC_OK,
     "{\"b\":1,\"a\":[\"first\",3,1,2]}"},
    {INSERT, "[\"a\",99]", "null", SHMRPC_OK,
     "{\"b\":1,\"a\":[\"first\",3,1,2,null]}"},
    {POP, "[\"a\",0]", "\"first\"", SHMRPC_OK, "{\"b\":1,\"a\":[3,1,2,null]}"},
    {DEL, "[\"a\",3]", NULL, SHMRPC_OK, BEGIN},
    {DEL, "[\"a\",3]", NULL, SHMRPC_E_NOT_FOUND, NULL},
    {PUT, "[\"a\",0]", "-3.5", SHMRPC_OK, "{\"b\":1,\"a\":[-3.5,1,2]}"},
    {PUT, "[\"a\",7]", "0", SHMRPC_E_OUT_OF_RANGE, NULL},
    {PUT, "[\"b\"]", "[]", SHMRPC_OK, "{\"b\":[],\"a\":[-3.5,1,2]}"},
    {PUT, "[\"c\"]", "{}", SHMRPC_OK, "{\"b\":[],\"a\":[-3.5,1,2],\"c\":{}}"},
    {PUT, "[\"none\",\"x\"]", "0", SHMRPC_E_NOT_FOUND, NULL},
    {DEL, "[\"b\"]", NULL, SHMRPC_OK, "{\"a\":[-3.5,1,2],\"c\":{}}"},
    /* A deleted key that is put again comes last. */
    {PUT, "[\"b\"]", "1", SHMRPC_OK, "{\"a\":[-3.5,1,2],\"c\":{},\"b\":1}"},
    {POP, "[\"none\"]", NULL, SHMRPC_E_NOT_FOUND, NULL},
    {PUT, "[]", "[1]", SHMRPC_OK, "[1]"},
    {APPEND, "[]", "[2]", SHMRPC_OK, "[1,[2]]"},
};

static int do_row(shmrpc_value *value, const row *of, const char *name,
                  shmrpc_error *error)
{
    shmrpc_path path = path_of(of->path);
    const shmrpc_any *got = NULL;
    uint64_t len = 0;
    int status = SHMRPC_OK;
    switch (of->what) {
    case GET:
        status = shmrpc_value_get(value, &path, &got, NULL, error);
        break;
    case POP:
        status = shmrpc_value_pop(value, &path, &got, error);
        break;
    case LEN:
        status = shmrpc_value_len(value, &path, &len, error);
        if (status == SHMRPC_OK) {
            shmrpc_any number = shmrpc_any_i64((int64_t)len);
            expect_tree(name, &number, of->tree);
        }
        return status;
    case PUT:
        return shmrpc_value_put(value, &path, tree_of(of->tree), error);
    case DEL:
        return shmrpc_value_del(value, &path, error);
    case APPEND:
        return shmrpc_value_append(value, &path, tree_of(of->tree), error);
    case INSERT:
        return shmrpc_value_insert(value, &path, tree_of(of->tree), error);
    }
    if (status == SHMRPC_OK) {
        expect_tree(name, got, of->tree);
        shmrpc_value_release(value, got);
    }
    return status;
}

static void containers_change_as_the_table_says(void **state)
{
    (void)state;
    shmrpc_value *value;
    shmrpc_value *other;
    shmrpc_error error;
    const char *all = BEGIN;
    shmrpci_arena_init(&arena, 1u << 20);
    EXPECT(shmrpc_value_open("v", NULL, &value, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_open("v", NULL, &other, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_put(value, NULL, tree_of(BEGIN), &error), SHMRPC_OK,
           &error);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[64];
        const shmrpc_any *whole;
        (void)snprintf(name, sizeof name, "row %zu, %s", i, rows[i].path);
        int status = do_row(value, &rows[i], name, &error);
        if (status != rows[i].status) {
            fail_msg("%s: %s, expected %s", name, shmrpc_status_name(status),
                     shmrpc_status_name(rows[i].status));
        }
        all = rows[i].after != NULL ? rows[i].after : all;
        EXPECT(shmrpc_value_get(other, NULL, &whole, NULL, &error), SHMRPC_OK,
               &error);
        expect_tree(name, whole, all);
        shmrpc_value_release(other, whole);
    }
    shmrpc_value_close(other);
    shmrpc_value_close(value);
    shmrpci_arena_fini(&arena);
}

static void put(shmrpc_dict *dict, const char *name, const char *tree)
{
    shmrpc_any key = shmrpc_any_str(name);
    shmrpc_path path = shmrpc_path_of(&key, 1);
    shmrpc_error error;
    EXPECT(shmrpc_dict_put(dict, &path, tree_of(tree), &error), SHMRPC_OK,
           &error);
}

/* No reader sees one of the keys twice, or misses one. */
static void two_entries_change_places_in_one_change(void **state)
{
    (void)state;
    static const shmrpc_opts at_once = {.flags = SHMRPC_OPT_NONBLOCK};
    shmrpc_dict *dict;
    shmrpc_watch *watch;
    shmrpc_error error;
    const shmrpc_event *event;
    uint64_t change = 0;
    shmrpci_arena_init(&arena, 1u << 20);
    EXPECT(shmrpc_dict_open("d", NULL, &dict, &error), SHMRPC_OK, &error);
    put(dict, "left", "[1]");
    put(dict, "right", "[2]");
    EXPECT(shmrpc_dict_watch_open(dict, NULL, &watch, &error), SHMRPC_OK,
           &error);
    const shmrpc_any_entry swapped[] = {
        {shmrpc_any_str("left"), *tree_of("[2]")},
        {shmrpc_any_str("right"), *tree_of("[1]")}};
    EXPECT(shmrpc_dict_merge(dict, swapped, 2, &error), SHMRPC_OK, &error);
    for (int i = 0; i < 2; i++) {
        EXPECT(shmrpc_watch_next(watch, &event, &at_once, &error), SHMRPC_OK,
               &error);
        assert_int_equal(event->kind, SHMRPC_EVENT_PUT);
        expect_tree("swapped", event->value, i == 0 ? "[2]" : "[1]");
        assert_true(i == 0 || event->change == change);
        change = event->change;
    }
    shmrpc_watch_close(watch);
    shmrpc_dict_close(dict);
    shmrpci_arena_fini(&arena);
}

/* In Python {}[0.0] = 1 makes a key that 0 finds. Here the stored key is 0, in
 * a small map as well as in a nest. */
static void a_whole_real_is_stored_as_its_integer(void **state)
{
    (void)state;
    static char filler[1024];
    shmrpc_dict *dict;
    shmrpc_error error;
    const shmrpc_any *whole;
    const shmrpc_any five = shmrpc_any_i64(5);
    const shmrpc_any steps[] = {shmrpc_any_str("t"), shmrpc_any_f64(0.0)};
    const shmrpc_path path = shmrpc_path_of(steps, 2);
    const shmrpc_path top = shmrpc_path_of(steps, 1);
    shmrpci_arena_init(&arena, 1u << 20);
    memset(filler, 'x', sizeof filler - 1);
    EXPECT(shmrpc_dict_open("d", NULL, &dict, &error), SHMRPC_OK, &error);
    for (int is_long = 0; is_long < 2; is_long++) {
        shmrpc_any_entry entry = {shmrpc_any_str("a"),
                                  shmrpc_any_str(is_long != 0 ? filler : "")};
        const shmrpc_any map = {.kind = SHMRPC_ANY_MAP, .u.map = {&entry, 1}};
        EXPECT(shmrpc_dict_put(dict, &top, &map, &error), SHMRPC_OK, &error);
        EXPECT(shmrpc_dict_put(dict, &path, &five, &error), SHMRPC_OK, &error);
        EXPECT(shmrpc_dict_get(dict, &top, &whole, NULL, &error), SHMRPC_OK,
               &error);
        assert_int_equal(whole->u.map.len, 2);
        assert_int_equal(whole->u.map.ptr[1].key.kind, SHMRPC_ANY_I64);
        assert_int_equal(whole->u.map.ptr[1].key.u.i64, 0);
        shmrpc_dict_release(dict, whole);
    }
    shmrpc_dict_close(dict);
    shmrpci_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_real_is_stored_as_its_integer),
        TEST(containers_change_as_the_table_says),
        TEST(two_entries_change_places_in_one_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
