/* Memory use, and the errors when something does not fit. Errors give sizes,
 * and the place in a tree. */
#include "stage.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shmrpc/dict.h"
#include "shmrpc/topic.h"
#include "shmrpc/value.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};

static shmrpc_dict *open_dict(const char *name, const shmrpc_dict_opts *opts)
{
    shmrpc_dict *dict = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_dict_open(name, opts, &dict, &error), SHMRPC_OK, &error);
    return dict;
}

static void put(shmrpc_dict *dict, const char *name, const shmrpc_any *value)
{
    shmrpc_any key = shmrpc_any_str(name);
    shmrpc_path path = shmrpc_path_of(&key, 1);
    shmrpc_error error;
    EXPECT(shmrpc_dict_put(dict, &path, value, &error), SHMRPC_OK, &error);
}

static uint64_t memory_of(const char *name)
{
    shmrpc_object_info info;
    char kind[32];
    assert_int_equal(stage_find(name, &info, kind), 1);
    return info.memory_bytes;
}

/* ---- memory -------------------------------------------------------------- */

/* Memory is not allocated before it is used. */
static void one_may_be_larger_than_the_machine(void **state)
{
    (void)state;
    uint64_t machine =
        (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t sizes[] = {8 * GIB, 2 * machine};
    for (size_t i = 0; i < 2; i++) {
        const shmrpc_dict_opts opts = {
            .shared = {.mode = SHMRPC_SHARED_REPLACE, .max_bytes = sizes[i]}};
        shmrpc_any one = shmrpc_any_i64(1);
        shmrpc_dict_stat stat;
        shmrpc_dict *dict = open_dict("large", &opts);
        put(dict, "k", &one);
        assert_int_equal(shmrpc_dict_stat_read(dict, &stat), SHMRPC_OK);
        assert_true(stat.max_bytes >= sizes[i]);
        assert_in_range(stat.memory_bytes, 4096, 64 * MIB);
        assert_in_range(memory_of("large"), 4096, 64 * MIB);
        shmrpc_dict_close(dict);
    }
}

#define PACKET_BYTES ((size_t)MIB - 64)

/* Pushes four packets of a MiB, and pops them. */
static void pass_four_packets(shmrpc_queue *queue)
{
    static char data[PACKET_BYTES];
    shmrpc_any packet = shmrpc_any_bytes(data, sizeof data);
    const shmrpc_any *items[4];
    shmrpc_error error;
    for (size_t i = 0; i < 4; i++) {
        EXPECT(shmrpc_queue_push(queue, &packet, &patient, &error), SHMRPC_OK,
               &error);
    }
    for (size_t i = 0; i < 4; i++) {
        EXPECT(shmrpc_queue_pop(queue, &patient, &items[i], &error), SHMRPC_OK,
               &error);
        assert_int_equal(items[i]->u.bytes.len, sizeof data);
    }
    for (size_t i = 0; i < 4; i++) {
        shmrpc_queue_release(queue, items[i]);
    }
}

static void what_was_taken_out_holds_no_memory(void **state)
{
    (void)state;
    const shmrpc_queue_opts opts = {.capacity = 4, .max_item_bytes = 4 * MIB};
    shmrpc_queue *queue = NULL;
    shmrpc_queue_stat stat;
    shmrpc_error error;
    EXPECT(shmrpc_queue_open("q", &opts, &queue, &error), SHMRPC_OK, &error);
    for (int i = 0; i < 3; i++) { /* so that the ring wraps once */
        pass_four_packets(queue);
    }
    uint64_t memory = memory_of("q");
    for (int i = 0; i < 20; i++) {
        pass_four_packets(queue);
    }
    assert_int_equal(memory_of("q"), memory);
    assert_int_equal(shmrpc_queue_stat_read(queue, &stat), SHMRPC_OK);
    assert_int_equal(stat.item_count, 0);
    assert_int_equal(stat.byte_count, 0);
    shmrpc_queue_close(queue);
}

/* UltraDict leaks a segment and a descriptor for each replaced tree. */
static void replaced_trees_leave_nothing_behind(void **state)
{
    (void)state;
    shmrpc_any counter = shmrpc_any_i64(0);
    shmrpc_any_entry inner = {shmrpc_any_str("counter"), counter};
    shmrpc_any_entry outer = {shmrpc_any_str("inner"),
                              shmrpc_any_map_of(&inner, 1)};
    shmrpc_any nested = shmrpc_any_map_of(&outer, 1);
    shmrpc_any steps[] = {shmrpc_any_str("nested"), shmrpc_any_str("inner"),
                          shmrpc_any_str("counter")};
    shmrpc_path path = shmrpc_path_of(steps, 3);
    shmrpc_error error;
    shmrpc_dict *dict = open_dict("d", NULL);
    uint64_t memory = 0;
    int descriptors = stage_descriptors();
    for (int64_t i = 0; i < 2000; i++) {
        put(dict, "nested", &nested);
        counter = shmrpc_any_i64(i);
        EXPECT(shmrpc_dict_put(dict, &path, &counter, &error), SHMRPC_OK,
               &error);
        memory = i == 1000 ? memory_of("d") : memory;
    }
    assert_int_equal(memory_of("d"), memory);
    assert_int_equal(stage_descriptors(), descriptors);
    shmrpc_dict_close(dict);
}

/* ---- messages ------------------------------------------------------------ */

static void a_full_dict_says_how_much_it_needs(void **state)
{
    (void)state;
    static char data[200000];
    char name[32];
    int status = SHMRPC_OK;
    shmrpc_error error = {0};
    shmrpc_any value = shmrpc_any_bytes(data, sizeof data);
    const shmrpc_dict_opts opts = {.shared = {.max_bytes = MIB}};
    shmrpc_dict *dict = open_dict("full", &opts);
    for (int i = 0; i < 10 && status == SHMRPC_OK; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        shmrpc_any key = shmrpc_any_str(name);
        shmrpc_path path = shmrpc_path_of(&key, 1);
        status = shmrpc_dict_put(dict, &path, &value, &error);
    }
    EXPECT(status, SHMRPC_E_EXHAUSTED, &error);
    stage_expect_text(&error, "dict \"full\": 200");
    stage_expect_text(&error, " contiguous bytes are needed, ");
    stage_expect_text(&error, " of max_bytes are free");
    shmrpc_dict_close(dict);
}

static void other_encodings_are_told_by_name(void **state)
{
    (void)state;
    static const char *const text[] = {
        "it is dict<any, any> in msgpack, expected dict<any, any> in json",
        "it is value<any> in msgpack, expected value<any> in json",
        "it is topic<any> in msgpack, expected topic<any> in json",
        "it is queue<any> in msgpack, expected queue<any> in json"};
    shmrpc_dict *dict;
    shmrpc_value *value;
    shmrpc_topic *topic;
    shmrpc_queue *queue;
    shmrpc_error error[4];
    for (int i = 0; i < 2; i++) {
        shmrpc_encoding encoding = i == 0 ? 0 : SHMRPC_ENCODING_JSON;
        const shmrpc_dict_opts dict_opts = {.encoding = encoding};
        const shmrpc_value_opts value_opts = {.encoding = encoding};
        const shmrpc_topic_opts topic_opts = {.encoding = encoding};
        const shmrpc_queue_opts queue_opts = {.encoding = encoding};
        int expected = i == 0 ? SHMRPC_OK : SHMRPC_E_CONTRACT;
        EXPECT(shmrpc_dict_open("e", &dict_opts, &dict, &error[0]), expected,
               &error[0]);
        EXPECT(shmrpc_value_open("e", &value_opts, &value, &error[1]), expected,
               &error[1]);
        EXPECT(shmrpc_topic_open("e", &topic_opts, &topic, &error[2]), expected,
               &error[2]);
        EXPECT(shmrpc_queue_open("e", &queue_opts, &queue, &error[3]), expected,
               &error[3]);
        if (i == 0) {
            shmrpc_dict_close(dict);
            shmrpc_value_close(value);
            shmrpc_topic_close(topic);
            shmrpc_queue_close(queue);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        stage_expect_text(&error[i], text[i]);
    }
}

/* PicklingTools calls IsSHM for values like these. */
static void errors_name_the_place_in_a_tree(void **state)
{
    (void)state;
    shmrpc_any list[] = {shmrpc_any_i64(0), shmrpc_any_i64(1),
                         shmrpc_any_i64(2), shmrpc_any_bytes("x", 1)};
    shmrpc_any_entry entry = {shmrpc_any_str("a"), shmrpc_any_list_of(list, 4)};
    shmrpc_any tree = shmrpc_any_map_of(&entry, 1);
    const shmrpc_queue_opts queue_opts = {.encoding = SHMRPC_ENCODING_JSON};
    const shmrpc_value_opts value_opts = {.encoding = SHMRPC_ENCODING_JSON};
    shmrpc_queue *queue;
    shmrpc_value *value;
    shmrpc_error error;
    EXPECT(shmrpc_queue_open("q", &queue_opts, &queue, &error), SHMRPC_OK,
           &error);
    EXPECT(shmrpc_queue_push(queue, &tree, &patient, &error), SHMRPC_E_INVALID,
           &error);
    assert_string_equal(error.path, "item[\"a\"][3]");
    EXPECT(shmrpc_value_open("v", &value_opts, &value, &error), SHMRPC_OK,
           &error);
    EXPECT(shmrpc_value_put(value, NULL, &tree, &error), SHMRPC_E_INVALID,
           &error);
    assert_string_equal(error.path, "item[\"a\"][3]");
    shmrpc_value_close(value);
    shmrpc_queue_close(queue);
}

static shmrpc_dict_stat stat_of(shmrpc_dict *dict)
{
    shmrpc_dict_stat stat;
    assert_int_equal(shmrpc_dict_stat_read(dict, &stat), SHMRPC_OK);
    return stat;
}

static void figures_tell_what_happened(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_view *view;
    shmrpc_any one = shmrpc_any_i64(1);
    shmrpc_any key = shmrpc_any_str("a");
    shmrpc_path path = shmrpc_path_of(&key, 1);
    const shmrpc_dict_opts opts = {.shared = {.max_bytes = 4 * MIB}};
    const shmrpc_dict_opts look = {
        .shared = {.flags = SHMRPC_SHARED_READ_ONLY}};
    shmrpc_dict *dict = open_dict("s", &opts);
    shmrpc_dict *second = open_dict("s", NULL);
    shmrpc_dict *reader = open_dict("s", &look);
    put(dict, "a", &one); /* the first put also creates the index */
    uint64_t changes = stat_of(reader).change_count;
    put(second, "b", &one);
    put(dict, "a", &one);
    EXPECT(shmrpc_dict_view_open(reader, &view, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_dict_del(dict, &path, &error), SHMRPC_OK, &error);
    shmrpc_dict_stat stat = stat_of(reader);
    assert_int_equal(stat.entry_count, 1);
    assert_int_equal(stat.change_count, changes + 3);
    assert_int_equal(stat.helped_count, 0);
    assert_int_equal(stat.open_count, 2);
    assert_int_equal(stat.view_age, 1);
    assert_in_range(stat.memory_bytes, 4096, stat.max_bytes);
    assert_in_range(stat.max_bytes, 4 * MIB, 5 * MIB);
    shmrpc_view_close(view);
    shmrpc_dict_close(second);
    stat = stat_of(reader);
    assert_int_equal(stat.open_count, 1);
    assert_int_equal(stat.view_age, 0);
    shmrpc_dict_close(reader);
    shmrpc_dict_close(dict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_may_be_larger_than_the_machine),
        TEST(what_was_taken_out_holds_no_memory),
        TEST(replaced_trees_leave_nothing_behind),
        TEST(a_full_dict_says_how_much_it_needs),
        TEST(other_encodings_are_told_by_name),
        TEST(errors_name_the_place_in_a_tree),
        TEST(figures_tell_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
