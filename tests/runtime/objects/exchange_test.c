/* Exchange between a process that writes and one that reads: trees, structs,
 * forked and started programs, readers next to writers. */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "shmrpc/dict.h"
#include "shmrpc/shared_stub.h"
#include "shmrpc/topic.h"
#include "shmrpc/value.h"

static const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};

static shmrpc_dict *open_dict(const char *name, const shmrpc_dict_opts *opts)
{
    shmrpc_dict *dict = NULL;
    shmrpc_error error;
    EXPECT_HERE(shmrpc_dict_open(name, opts, &dict, &error), &error);
    return dict;
}

/* ---- trees of any shape -------------------------------------------------- */

typedef struct forest {
    uint64_t seed;
    shmrpci_arena arena;
} forest;

static uint32_t draw(forest *of, uint32_t below)
{
    of->seed = of->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(of->seed >> 33) % below;
}

static void *room(forest *of, size_t size)
{
    void *out = shmrpci_arena_alloc(&of->arena, size, 16);
    CHECK(out != NULL);
    return out;
}

static shmrpc_any random_text(forest *of, bool is_text)
{
    static const char letters[] = "abc \n\"\\/<0";
    size_t len = draw(of, 40) == 0 ? 3000 : draw(of, 20);
    char *text = room(of, len + 1);
    for (size_t i = 0; i < len; i++) {
        text[i] = is_text ? letters[draw(of, sizeof letters - 1)]
                          : (char)draw(of, 256);
    }
    text[len] = '\0';
    return is_text ? shmrpc_any_of_str((shmrpc_str){text, len})
                   : shmrpc_any_bytes(text, len);
}

static shmrpc_any random_number(forest *of)
{
    static const double reals[] = {0.0, -0.0, 0.1, -1e308, 5e-324, 1e15};
    uint64_t word = (uint64_t)draw(of, UINT32_MAX) << (draw(of, 33));
    switch (draw(of, 5)) {
    case 0:
        return shmrpc_any_i64(-(int64_t)(word >> 1) - 1);
    case 1:
        return shmrpc_any_u64(word | UINT64_C(1) << 63);
    case 2:
        return shmrpc_any_f64(reals[draw(of, 6)]);
    case 3:
        return shmrpc_any_f32((float)reals[draw(of, 3)]);
    default:
        return shmrpc_any_i64(draw(of, 300));
    }
}

static shmrpc_any random_tree(forest *of, uint32_t depth)
{
    uint32_t kind = draw(of, depth > 0 ? 8 : 6);
    uint32_t len = draw(of, 6);
    if (kind >= 6 && kind % 2 == 0) {
        shmrpc_any *items = room(of, (len + 1) * sizeof *items);
        for (uint32_t i = 0; i < len; i++) {
            items[i] = random_tree(of, depth - 1);
        }
        return shmrpc_any_list_of(items, len);
    }
    if (kind >= 6) {
        shmrpc_any_entry *entries = room(of, (len + 1) * sizeof *entries);
        for (uint32_t i = 0; i < len; i++) {
            entries[i].key = shmrpc_any_i64(draw(of, 9) + 10 * (int64_t)i);
            if (draw(of, 2) == 0) {
                char *text = room(of, 16);
                (void)snprintf(text, 16, "k%u", i);
                entries[i].key = shmrpc_any_str(text);
            }
            entries[i].value = random_tree(of, depth - 1);
        }
        return shmrpc_any_map_of(entries, len);
    }
    shmrpc_any ext = random_text(of, false);
    ext.kind = SHMRPC_ANY_EXT;
    ext.ext_type = 100;
    return kind == 0   ? shmrpc_any_null()
           : kind == 1 ? shmrpc_any_bool(draw(of, 2) == 0)
           : kind == 2 ? random_text(of, true)
           : kind == 3 ? random_text(of, false)
           : kind == 4 ? ext
                       : random_number(of);
}

/* Makes the tree with this number; it is the same in every process. */
static const shmrpc_any *tree_number(forest *of, int64_t number)
{
    shmrpci_arena_reset(&of->arena);
    of->seed = (uint64_t)number * 2654435761u + 17;
    shmrpc_any *tree = room(of, sizeof *tree);
    *tree = random_tree(of, 5);
    return tree;
}

/* The objects that both processes open by name. */
typedef struct four {
    shmrpc_queue *queue;
    shmrpc_topic *topic;
    shmrpc_dict *dict;
    shmrpc_value *value;
} four;

static void open_four(four *out)
{
    shmrpc_error error;
    const shmrpc_queue_opts wide = {.max_item_bytes = 1u << 20};
    const shmrpc_topic_opts all = {.max_item_bytes = 1u << 20,
                                   .overflow = SHMRPC_OVERFLOW_BLOCK,
                                   .max_stall_ns = PATIENCE_NS};
    EXPECT_HERE(shmrpc_queue_open("four", &wide, &out->queue, &error), &error);
    EXPECT_HERE(shmrpc_topic_open("four", &all, &out->topic, &error), &error);
    EXPECT_HERE(shmrpc_dict_open("four", NULL, &out->dict, &error), &error);
    EXPECT_HERE(shmrpc_value_open("four", NULL, &out->value, &error), &error);
}

static void close_four(four *of)
{
    shmrpc_value_close(of->value);
    shmrpc_dict_close(of->dict);
    shmrpc_topic_close(of->topic);
    shmrpc_queue_close(of->queue);
}

static int64_t tree_count(void)
{
    return stage_is_long() ? 100000 : 400;
}

static void compare_trees(int index, void *user)
{
    (void)index;
    (void)user;
    four mine;
    forest of;
    shmrpc_sub *sub;
    shmrpc_error error;
    const shmrpc_any *got;
    open_four(&mine);
    shmrpci_arena_init(&of.arena, 64u << 20);
    EXPECT_HERE(shmrpc_topic_subscribe(mine.topic, &sub, &error), &error);
    stage_advance(0);
    for (int64_t i = 0; i < tree_count(); i++) {
        const shmrpc_any *tree = tree_number(&of, i);
        shmrpc_any key = shmrpc_any_i64(i % 50);
        shmrpc_path path = shmrpc_path_of(&key, 1);
        EXPECT_HERE(shmrpc_sub_next(sub, &got, &patient, &error), &error);
        CHECK(shmrpc_any_equal(got, tree));
        EXPECT_HERE(shmrpc_dict_get(mine.dict, &path, &got, NULL, &error),
                    &error);
        CHECK(shmrpc_any_equal(got, tree));
        shmrpc_dict_release(mine.dict, got);
        EXPECT_HERE(shmrpc_value_get(mine.value, NULL, &got, NULL, &error),
                    &error);
        CHECK(shmrpc_any_equal(got, tree));
        shmrpc_value_release(mine.value, got);
        EXPECT_HERE(shmrpc_queue_pop(mine.queue, &patient, &got, &error),
                    &error);
        CHECK(shmrpc_any_equal(got, tree));
        shmrpc_queue_release(mine.queue, got);
        stage_advance(1);
    }
    shmrpc_sub_close(sub);
    close_four(&mine);
    shmrpci_arena_fini(&of.arena);
}

static void any_tree_is_equal_in_another_process(void **state)
{
    (void)state;
    four mine;
    forest of;
    shmrpc_error error;
    shmrpci_arena_init(&of.arena, 64u << 20);
    open_four(&mine);
    pid_t reader = stage_cast(compare_trees, 0, NULL);
    stage_await(0, 1);
    for (int64_t i = 0; i < tree_count(); i++) {
        const shmrpc_any *tree = tree_number(&of, i);
        shmrpc_any key = shmrpc_any_i64(i % 50);
        shmrpc_path path = shmrpc_path_of(&key, 1);
        EXPECT(shmrpc_dict_put(mine.dict, &path, tree, &error), SHMRPC_OK,
               &error);
        EXPECT(shmrpc_value_put(mine.value, NULL, tree, &error), SHMRPC_OK,
               &error);
        EXPECT(shmrpc_queue_push(mine.queue, tree, &patient, &error), SHMRPC_OK,
               &error);
        EXPECT(shmrpc_topic_publish(mine.topic, tree, &patient, &error),
               SHMRPC_OK, &error);
        stage_await(1, (uint32_t)i + 1);
    }
    stage_dismiss(reader, 0);
    close_four(&mine);
    shmrpci_arena_fini(&of.arena);
}

/* ---- structs ------------------------------------------------------------- */

/* Written as the generator would write it. */
typedef struct counts {
    uint64_t left;
    uint64_t right;
} counts;

static const shmrpc_field counts_fields[] = {
    SHMRPC_FIELD_INIT(1, "left", &shmrpc_type_u64, counts, left, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "right", &shmrpc_type_u64, counts, right, 0, NULL,
                      NULL)};
static const shmrpc_type counts_type =
    SHMRPC_TYPE_STRUCT_INIT(counts, SHMRPC_TYPE_FIXED | SHMRPC_TYPE_FLAT, 16, 8,
                            "test.Counts", NULL, counts_fields);
static const shmrpc_shared counts_row = {.row_bytes = sizeof(shmrpc_shared),
                                         .kind = SHMRPC_SHARED_VALUE,
                                         .name = "test.counts",
                                         .encoding = SHMRPC_ENCODING_NATIVE,
                                         .element = &counts_type,
                                         .hash = 21,
                                         .signature = "value<test.Counts>"};

static int count_one(shmrpc_function change, void *user, const void *was,
                     void *now)
{
    (void)change;
    (void)was;
    counts *out = now;
    *(*(int *)user == 0 ? &out->left : &out->right) += 1;
    return SHMRPC_CHANGE_PUT;
}

#define FIELD_STEPS 2000

static void change_one_field(int index, void *user)
{
    (void)user;
    shmrpc_value *value;
    shmrpc_error error;
    EXPECT_HERE(shmrpc_stub_value_open(&counts_row, NULL, NULL, &value, &error),
                &error);
    stage_advance(0);
    stage_await(0, 2);
    for (int i = 0; i < FIELD_STEPS; i++) {
        EXPECT_HERE(
            shmrpc_stub_value_update(value, count_one, NULL, &index, &error),
            &error);
    }
    shmrpc_value_close(value);
}

static void processes_share_the_fields_of_a_struct(void **state)
{
    (void)state;
    shmrpc_value *value;
    shmrpc_error error;
    counts got = {0, 0};
    pid_t cast[2];
    EXPECT(shmrpc_stub_value_open(&counts_row, NULL, NULL, &value, &error),
           SHMRPC_OK, &error);
    for (int i = 0; i < 2; i++) {
        cast[i] = stage_cast(change_one_field, i, NULL);
    }
    for (int i = 0; i < 2; i++) {
        stage_dismiss(cast[i], 0);
    }
    EXPECT(shmrpc_stub_value_get(value, &got, &error), SHMRPC_OK, &error);
    assert_int_equal(got.left, FIELD_STEPS);
    assert_int_equal(got.right, FIELD_STEPS);
    shmrpc_value_close(value);
}

/* ---- readers beside writers (ronny-rentner/UltraDict#6) -------------------
 */

/* The value is so large that most preemptions of a reader happen while it
 * copies the value. The block is then reused before the reader continues. */
enum { TORN_BYTES = 32 << 10, TORN_CHANGES = 6000, TORN_LOSSES = 100 };

static void put_the_same_bytes(int index, void *user)
{
    (void)user;
    static char data[TORN_BYTES];
    shmrpc_error error;
    shmrpc_any key = shmrpc_any_str("k");
    shmrpc_any value = shmrpc_any_bytes(data, sizeof data);
    shmrpc_path path = shmrpc_path_of(&key, 1);
    shmrpc_dict *dict = open_dict("torn", NULL);
    for (int i = index;; i++) {
        memset(data, i, sizeof data);
        EXPECT_HERE(shmrpc_dict_put(dict, &path, &value, &error), &error);
        stage_advance(0);
    }
}

static void expect_whole(const shmrpc_any *value)
{
    static char expected[TORN_BYTES];
    assert_int_equal(value->u.bytes.len, sizeof expected);
    memset(expected, value->u.bytes.ptr[0], sizeof expected);
    assert_memory_equal(value->u.bytes.ptr, expected, sizeof expected);
}

/* How often this process was preempted. */
static long losses(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_nivcsw;
}

static void no_value_is_ever_torn(void **state)
{
    (void)state;
    shmrpc_error error;
    const shmrpc_any *value;
    shmrpc_any key = shmrpc_any_str("k");
    shmrpc_path path = shmrpc_path_of(&key, 1);
    const shmrpc_dict_opts look = {
        .shared = {.flags = SHMRPC_SHARED_READ_ONLY}};
    shmrpc_dict *dicts[2] = {open_dict("torn", NULL), NULL};
    dicts[1] = open_dict("torn", &look);
    pid_t writers[2];
    for (int i = 0; i < 2; i++) {
        writers[i] = stage_cast(put_the_same_bytes, i * 50, NULL);
    }
    int64_t end_ns =
        shmrpci_now_ns() + (stage_is_long() ? 60 * SHMRPCI_NS_PER_S : 0);
    stage_await(0, 1);
    int64_t soon_ns = shmrpci_deadline_after(2 * SHMRPCI_NS_PER_S);
    long enough = losses() + TORN_LOSSES;
    /* Read until TORN_CHANGES changes were made and this reader was preempted
     * TORN_LOSSES times. Wait for the latter only until `soon_ns`, because on a
     * machine with many processors the reader may never be preempted. */
    while (stage_step(0) < TORN_CHANGES || shmrpci_now_ns() < end_ns ||
           (losses() < enough && shmrpci_now_ns() < soon_ns)) {
        for (size_t i = 0; i < 2; i++) {
            EXPECT(shmrpc_dict_get(dicts[i], &path, &value, NULL, &error),
                   SHMRPC_OK, &error);
            expect_whole(value);
            shmrpc_dict_release(dicts[i], value);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        stage_kill(writers[i]);
        shmrpc_dict_close(dicts[i]);
    }
}

/* ---- forked and started -------------------------------------------------- */

static void put_number(shmrpc_dict *dict, const char *name, int64_t number)
{
    shmrpc_any key = shmrpc_any_str(name);
    shmrpc_any value = shmrpc_any_i64(number);
    shmrpc_path path = shmrpc_path_of(&key, 1);
    shmrpc_error error;
    EXPECT_HERE(shmrpc_dict_put(dict, &path, &value, &error), &error);
}

static int64_t number_of(shmrpc_dict *dict, const char *name)
{
    shmrpc_any key = shmrpc_any_str(name);
    shmrpc_path path = shmrpc_path_of(&key, 1);
    const shmrpc_any *value;
    shmrpc_error error;
    EXPECT_HERE(shmrpc_dict_get(dict, &path, &value, NULL, &error), &error);
    int64_t number = value->u.i64;
    shmrpc_dict_release(dict, value);
    return number;
}

/* The same program, started again. It knows only a name. */
static int started(const char *name)
{
    shmrpc_dict *dict = open_dict(name, NULL);
    put_number(dict, "started", number_of(dict, "parent") + 2);
    shmrpc_dict_close(dict);
    return 0;
}

static void use_and_start(int index, void *user)
{
    (void)index;
    put_number(user, "forked", number_of(user, "parent") + 1);
    char program[] = "/proc/self/exe";
    char flag[] = "--started";
    char name[] = "family";
    char *const words[] = {program, flag, name, NULL};
    (void)execv(program, words);
    stage_fail(__FILE__, __LINE__, strerror(errno));
}

static void forked_and_started_processes_share_it(void **state)
{
    (void)state;
    shmrpc_dict *dict = open_dict("family", NULL);
    put_number(dict, "parent", 40);
    stage_dismiss(stage_cast(use_and_start, 0, dict), 0);
    assert_int_equal(number_of(dict, "forked"), 41);
    assert_int_equal(number_of(dict, "started"), 42);
    put_number(dict, "parent", 43); /* the parent still writes, too */
    shmrpc_dict_stat stat;
    assert_int_equal(shmrpc_dict_stat_read(dict, &stat), SHMRPC_OK);
    assert_int_equal(stat.open_count, 1);
    shmrpc_dict_close(dict);
}

/* ---- the client comes first ---------------------------------------------- */

static void wait_for_a_queue(int index, void *user)
{
    (void)index;
    (void)user;
    const shmrpc_queue_opts opts = {
        .shared = {.mode = SHMRPC_SHARED_WAIT, .timeout_ns = INT64_MAX}};
    shmrpc_queue *queue;
    shmrpc_queue_stat stat;
    const shmrpc_any *item;
    shmrpc_error error;
    stage_advance(0);
    EXPECT_HERE(shmrpc_queue_open("pipe", &opts, &queue, &error), &error);
    CHECK(shmrpc_queue_stat_read(queue, &stat) == SHMRPC_OK);
    CHECK(stat.capacity == 4);
    EXPECT_HERE(shmrpc_queue_pop(queue, &patient, &item, &error), &error);
    CHECK(item->u.i64 == 7);
    shmrpc_queue_release(queue, item);
    shmrpc_queue_close(queue);
}

/* How often a process has gone to sleep. */
static unsigned long sleeps_of(pid_t pid)
{
    char text[4096] = "";
    (void)snprintf(text, sizeof text, "/proc/%d/status", (int)pid);
    int fd = open(text, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t len = read(fd, text, sizeof text - 1);
    (void)close(fd);
    text[len < 0 ? 0 : len] = '\0';
    const char *line = strstr(text, "\nvoluntary_ctxt_switches:");
    assert_non_null(line);
    return strtoul(strchr(line, ':') + 1, NULL, 10);
}

static void await_sleeps(pid_t pid, unsigned long count)
{
    int64_t deadline_ns = shmrpci_now_ns() + PATIENCE_NS;
    unsigned long before = sleeps_of(pid);
    while (sleeps_of(pid) < before + count) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        shmrpci_sleep_until(shmrpci_now_ns() + SHMRPCI_NS_PER_MS);
    }
}

static void who_waits_for_a_queue_gets_it_when_it_is_made(void **state)
{
    (void)state;
    const shmrpc_queue_opts opts = {.capacity = 4};
    shmrpc_queue *queue;
    shmrpc_error error;
    shmrpc_any item = shmrpc_any_i64(7);
    pid_t client = stage_cast(wait_for_a_queue, 0, NULL);
    stage_await(0, 1);
    await_sleeps(client, 5);
    EXPECT(shmrpc_queue_open("pipe", &opts, &queue, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_queue_push(queue, &item, &patient, &error), SHMRPC_OK,
           &error);
    stage_dismiss(client, 0);
    shmrpc_queue_close(queue);
}

static void who_waits_in_vain_is_told_in_time(void **state)
{
    (void)state;
    const shmrpc_queue_opts opts = {
        .shared = {.mode = SHMRPC_SHARED_WAIT,
                   .timeout_ns = 30 * SHMRPCI_NS_PER_MS}};
    shmrpc_queue *queue;
    shmrpc_error error;
    int64_t begin_ns = shmrpci_now_ns();
    EXPECT(shmrpc_queue_open("pipe", &opts, &queue, &error), SHMRPC_E_DEADLINE,
           &error);
    assert_true(shmrpci_now_ns() - begin_ns >= 30 * SHMRPCI_NS_PER_MS);
    stage_expect_text(&error, "queue \"pipe\": no process has made it");
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--started") == 0) {
        return started(argv[2]);
    }
    const struct CMUnitTest tests[] = {
        TEST(any_tree_is_equal_in_another_process),
        TEST(processes_share_the_fields_of_a_struct),
        TEST(no_value_is_ever_torn),
        TEST(forked_and_started_processes_share_it),
        TEST(who_waits_for_a_queue_gets_it_when_it_is_made),
        TEST(who_waits_in_vain_is_told_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
