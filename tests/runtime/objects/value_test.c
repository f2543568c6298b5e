/* Shared values: a tree, a list, a struct. */
#include "stage.h"

#include <string.h>

#include "shmrpc/shared_stub.h"

static shmrpc_value *open_value(const char *name)
{
    shmrpc_value *value = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_value_open(name, NULL, &value, &error), SHMRPC_OK, &error);
    return value;
}

static int64_t number_at(shmrpc_value *value, const shmrpc_path *path)
{
    const shmrpc_any *tree = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_value_get(value, path, &tree, NULL, &error), SHMRPC_OK,
           &error);
    int64_t number = tree->u.i64;
    shmrpc_value_release(value, tree);
    return number;
}

static void trees_are_read_and_changed(void **state)
{
    (void)state;
    shmrpc_error error;
    const shmrpc_any *tree;
    uint64_t version;
    uint64_t len;
    shmrpc_any one = shmrpc_any_i64(1);
    shmrpc_any_entry entry = {shmrpc_any_str("a"), one};
    shmrpc_any map = shmrpc_any_map_of(&entry, 1);
    shmrpc_any steps[] = {shmrpc_any_str("b")};
    shmrpc_path path = shmrpc_path_of(steps, 1);
    shmrpc_value *value = open_value("v");
    shmrpc_value *other = open_value("v");
    EXPECT(shmrpc_value_get(value, NULL, &tree, NULL, &error),
           SHMRPC_E_NOT_FOUND, &error);
    EXPECT(shmrpc_value_put(value, &path, &one, &error), SHMRPC_E_NOT_FOUND,
           &error);
    EXPECT(shmrpc_value_put(value, NULL, &map, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_put(other, &path, &one, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_len(value, NULL, &len, &error), SHMRPC_OK, &error);
    assert_int_equal(len, 2);
    assert_int_equal(number_at(value, &path), 1);
    EXPECT(shmrpc_value_get(value, NULL, &tree, &version, &error), SHMRPC_OK,
           &error);
    shmrpc_value_release(value, tree);
    EXPECT(shmrpc_value_put_if(other, &map, version, NULL, &error), SHMRPC_OK,
           &error);
    EXPECT(shmrpc_value_put_if(other, &map, version, NULL, &error),
           SHMRPC_E_ABORTED, &error);
    EXPECT(shmrpc_value_del(value, NULL, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_get(value, NULL, &tree, NULL, &error),
           SHMRPC_E_NOT_FOUND, &error);
    shmrpc_value_close(other);
    shmrpc_value_close(value);
    shmrpc_value_close(NULL);
}

static void append_some(int index, void *user)
{
    shmrpc_error error;
    for (int i = 0; i < 50; i++) {
        shmrpc_any number = shmrpc_any_i64(index * 100 + i);
        EXPECT_HERE(shmrpc_value_append(user, NULL, &number, &error), &error);
    }
}

static void shared_lists_lose_nothing(void **state)
{
    (void)state;
    shmrpc_error error;
    const shmrpc_any *tree;
    pid_t cast[3];
    int next[3] = {0};
    shmrpc_any list = shmrpc_any_list_of(NULL, 0);
    shmrpc_value *value = open_value("list");
    EXPECT(shmrpc_value_put(value, NULL, &list, &error), SHMRPC_OK, &error);
    for (int i = 0; i < 3; i++) {
        cast[i] = stage_cast(append_some, i, value);
    }
    for (int i = 0; i < 3; i++) {
        stage_dismiss(cast[i], 0);
    }
    EXPECT(shmrpc_value_get(value, NULL, &tree, NULL, &error), SHMRPC_OK,
           &error);
    assert_int_equal(tree->u.list.len, 150);
    for (size_t i = 0; i < 150; i++) {
        int64_t number = tree->u.list.ptr[i].u.i64;
        assert_in_range(number, 0, 299);
        assert_int_equal(number % 100, next[number / 100]++);
    }
    shmrpc_value_release(value, tree);
    shmrpc_any first = shmrpc_any_i64(0);
    shmrpc_path path = shmrpc_path_of(&first, 1);
    shmrpc_any minus = shmrpc_any_i64(-5);
    EXPECT(shmrpc_value_insert(value, &path, &minus, &error), SHMRPC_OK,
           &error);
    EXPECT(shmrpc_value_pop(value, &path, &tree, &error), SHMRPC_OK, &error);
    assert_int_equal(tree->u.i64, -5);
    shmrpc_value_release(value, tree);
    /* A whole number in any form is a position: -1000.0 is before the first
     * item. */
    shmrpc_any before = shmrpc_any_f64(-1000);
    shmrpc_path far_before = shmrpc_path_of(&before, 1);
    EXPECT(shmrpc_value_insert(value, &far_before, &minus, &error), SHMRPC_OK,
           &error);
    EXPECT(shmrpc_value_pop(value, &path, &tree, &error), SHMRPC_OK, &error);
    assert_int_equal(tree->u.i64, -5);
    shmrpc_value_release(value, tree);
    shmrpc_value_close(value);
}

static void watchers_see_the_newest(void **state)
{
    (void)state;
    static const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};
    shmrpc_error error;
    shmrpc_watch *watch;
    const shmrpc_event *event;
    shmrpc_any one = shmrpc_any_i64(1);
    shmrpc_value *value = open_value("w");
    EXPECT(shmrpc_value_put(value, NULL, &one, &error), SHMRPC_OK, &error);
    EXPECT(
        shmrpc_value_watch_open(value, SHMRPC_WATCH_SNAPSHOT, &watch, &error),
        SHMRPC_OK, &error);
    static const shmrpc_event_kind kinds[] = {SHMRPC_EVENT_RESYNC,
                                              SHMRPC_EVENT_PUT};
    for (size_t i = 0; i < 2; i++) {
        EXPECT(shmrpc_watch_next(watch, &event, &patient, &error), SHMRPC_OK,
               &error);
        assert_int_equal(event->kind, kinds[i]);
    }
    assert_null(event->key);
    assert_int_equal(event->value->u.i64, 1);
    shmrpc_watch_close(watch);
    shmrpc_value_close(value);
}

/* Written as the generator would write it. */
typedef struct point {
    double x;
    double y;
} point;

static const shmrpc_field point_fields[] = {
    SHMRPC_FIELD_INIT(1, "x", &shmrpc_type_f64, point, x, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "y", &shmrpc_type_f64, point, y, 0, NULL, NULL)};
static const shmrpc_type point_type =
    SHMRPC_TYPE_STRUCT_INIT(point, SHMRPC_TYPE_FIXED | SHMRPC_TYPE_FLAT, 16, 8,
                            "test.Point", NULL, point_fields);

static void structs_are_replaced_whole(void **state)
{
    (void)state;
    shmrpc_shared row = {.row_bytes = sizeof row,
                         .kind = SHMRPC_SHARED_VALUE,
                         .name = "test.point",
                         .encoding = SHMRPC_ENCODING_NATIVE,
                         .element = &point_type,
                         .hash = 5,
                         .signature = "value<test.Point>"};
    point in = {1.5, -2};
    point out = {0, 0};
    shmrpc_value *value;
    shmrpc_error error;
    EXPECT(shmrpc_stub_value_open(&row, NULL, NULL, &value, &error), SHMRPC_OK,
           &error);
    EXPECT(shmrpc_stub_value_put(value, &in, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_stub_value_get(value, &out, &error), SHMRPC_OK, &error);
    assert_memory_equal(&in, &out, sizeof in);
    shmrpc_value_close(value);
    EXPECT(shmrpc_value_open("test.point", NULL, &value, &error),
           SHMRPC_E_CONTRACT, &error);
    stage_expect_text(&error, "it is value<test.Point> in native");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(trees_are_read_and_changed),
        TEST(shared_lists_lose_nothing),
        TEST(watchers_see_the_newest),
        TEST(structs_are_replaced_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
