/* Queues of values: each pushed item is popped by one reader, whichever process
 * dies. */
#include "stage.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shmrpc/shared_stub.h"

static const shmrpc_opts at_once = {.flags = SHMRPC_OPT_NONBLOCK};
static const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};

static shmrpc_queue *open_queue(const char *name, const shmrpc_queue_opts *opts)
{
    shmrpc_queue *queue = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_queue_open(name, opts, &queue, &error), SHMRPC_OK, &error);
    return queue;
}

static void push_number(shmrpc_queue *queue, int64_t number)
{
    shmrpc_any item = shmrpc_any_i64(number);
    shmrpc_error error;
    EXPECT(shmrpc_queue_push(queue, &item, &patient, &error), SHMRPC_OK,
           &error);
}

static int64_t pop_number(shmrpc_queue *queue)
{
    const shmrpc_any *item = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_queue_pop(queue, &patient, &item, &error), SHMRPC_OK, &error);
    assert_int_equal(item->kind, SHMRPC_ANY_I64);
    int64_t number = item->u.i64;
    shmrpc_queue_release(queue, item);
    return number;
}

static void expect_empty(shmrpc_queue *queue)
{
    const shmrpc_any *item;
    shmrpc_error error;
    EXPECT(shmrpc_queue_pop(queue, &at_once, &item, &error), SHMRPC_E_BUSY,
           &error);
}

/* ---- values -------------------------------------------------------------- */

static void any_value_comes_out_as_it_went_in(void **state)
{
    (void)state;
    static char text[100000];
    memset(text, 'x', sizeof text);
    shmrpc_any inner[] = {shmrpc_any_i64(-1), shmrpc_any_f64(0.5),
                          shmrpc_any_bytes("\0\1", 2)};
    shmrpc_any_entry entries[] = {
        {shmrpc_any_str("list"), shmrpc_any_list_of(inner, 3)},
        {shmrpc_any_i64(7), shmrpc_any_bool(true)}};
    shmrpc_any large = shmrpc_any_bytes(text, sizeof text);
    shmrpc_any items[] = {shmrpc_any_null(), shmrpc_any_str("a text"),
                          shmrpc_any_map_of(entries, 2), large};
    shmrpc_queue_opts opts = {.max_item_bytes = 1u << 20};
    shmrpc_queue *queue = open_queue("values", &opts);
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        shmrpc_error error;
        const shmrpc_any *item;
        EXPECT(shmrpc_queue_push(queue, &items[i], NULL, &error), SHMRPC_OK,
               &error);
        EXPECT(shmrpc_queue_peek(queue, &item, &error), SHMRPC_OK, &error);
        assert_true(shmrpc_any_equal(&items[i], item));
        shmrpc_queue_release(queue, item);
        EXPECT(shmrpc_queue_pop(queue, NULL, &item, &error), SHMRPC_OK, &error);
        assert_true(shmrpc_any_equal(&items[i], item));
        assert_false(shmrpc_queue_is_redelivered(item));
        shmrpc_queue_release(queue, item);
    }
    expect_empty(queue);
    shmrpc_queue_close(queue);
}

static void json_is_an_encoding_too(void **state)
{
    (void)state;
    shmrpc_queue_opts opts = {.encoding = SHMRPC_ENCODING_JSON};
    shmrpc_queue *queue = open_queue("json", &opts);
    shmrpc_any bytes = shmrpc_any_bytes("x", 1);
    shmrpc_error error;
    push_number(queue, 17);
    assert_int_equal(pop_number(queue), 17);
    /* JSON has no form for bytes, so nothing is pushed. */
    EXPECT(shmrpc_queue_push(queue, &bytes, NULL, &error), SHMRPC_E_INVALID,
           &error);
    stage_expect_text(&error, "queue \"json\"");
    expect_empty(queue);
    shmrpc_queue_close(queue);
}

static void too_large_items_are_refused_with_what_fits(void **state)
{
    (void)state;
    static char text[1u << 20];
    shmrpc_any item = shmrpc_any_bytes(text, sizeof text);
    shmrpc_queue *queue = open_queue("small", NULL);
    shmrpc_queue_stat stat;
    shmrpc_error error;
    EXPECT(shmrpc_queue_push(queue, &item, NULL, &error), SHMRPC_E_TOO_LARGE,
           &error);
    stage_expect_text(&error, "max_item_bytes");
    assert_int_equal(shmrpc_queue_stat_read(queue, &stat), SHMRPC_OK);
    assert_in_range(stat.max_item_bytes, 64u << 10, 1u << 20);
    item = shmrpc_any_bytes(text, stat.max_item_bytes - 16);
    EXPECT(shmrpc_queue_push(queue, &item, NULL, &error), SHMRPC_OK, &error);
    shmrpc_queue_close(queue);
}

/* Written as the generator would write it: a flat struct in native images. */
typedef struct job {
    uint64_t id;
    double weight;
    uint32_t parts[4];
} job;

static const shmrpc_type parts_type = SHMRPC_TYPE_ARRAY_INIT(
    uint32_t, SHMRPC_TYPE_FIXED | SHMRPC_TYPE_FLAT, 16, 4, 4, &shmrpc_type_u32);
static const shmrpc_field job_fields[] = {
    SHMRPC_FIELD_INIT(1, "id", &shmrpc_type_u64, job, id, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "weight", &shmrpc_type_f64, job, weight, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(3, "parts", &parts_type, job, parts, 0, NULL, NULL)};
static const shmrpc_type job_type =
    SHMRPC_TYPE_STRUCT_INIT(job, SHMRPC_TYPE_FIXED | SHMRPC_TYPE_FLAT, 32, 8,
                            "test.Job", NULL, job_fields);
static const char *const job_text[] = {"package test;\n", "struct Job {}\n",
                                       NULL};

static shmrpc_shared job_row(void)
{
    return (shmrpc_shared){.row_bytes = sizeof(shmrpc_shared),
                           .kind = SHMRPC_SHARED_QUEUE,
                           .name = "test.jobs",
                           .encoding = SHMRPC_ENCODING_NATIVE,
                           .element = &job_type,
                           .hash = 4711,
                           .signature = "queue<test.Job>",
                           .text = job_text,
                           .capacity = 16};
}

static void typed_items_travel_by_their_type(void **state)
{
    (void)state;
    shmrpc_shared row = job_row();
    shmrpc_queue *queue;
    shmrpc_queue *other;
    shmrpc_error error;
    job jobs[20];
    const void *out[20];
    size_t count;
    for (size_t i = 0; i < 20; i++) {
        jobs[i] =
            (job){.id = i, .weight = 0.5, .parts = {1, 2, 3, (uint32_t)i}};
    }
    EXPECT(shmrpc_stub_queue_open(&row, NULL, NULL, &queue, &error), SHMRPC_OK,
           &error);
    EXPECT(shmrpc_stub_queue_open(&row, NULL, NULL, &other, &error), SHMRPC_OK,
           &error);
    EXPECT(shmrpc_stub_queue_push(queue, &jobs[0], NULL, &error), SHMRPC_OK,
           &error);
    /* The capacity is 16. */
    EXPECT(shmrpc_stub_queue_push_many(queue, jobs + 1, 19, &at_once, &count,
                                       &error),
           SHMRPC_E_BUSY, &error);
    assert_int_equal(count, 15);
    for (size_t i = 0; i < 16;) {
        EXPECT(
            shmrpc_stub_queue_pop_many(other, &at_once, out, 5, &count, &error),
            SHMRPC_OK, &error);
        for (size_t j = 0; j < count; j++, i++) {
            assert_memory_equal(out[j], &jobs[i], sizeof(job));
            shmrpc_stub_queue_release(other, out[j]);
        }
    }
    EXPECT(shmrpc_stub_queue_pop(other, &at_once, out, &error), SHMRPC_E_BUSY,
           &error);
    shmrpc_queue_close(queue);
    shmrpc_queue_close(other);
}

static void other_types_and_encodings_are_refused_by_name(void **state)
{
    (void)state;
    shmrpc_shared row = job_row();
    shmrpc_queue *queue;
    shmrpc_queue *other;
    shmrpc_error error;
    EXPECT(shmrpc_stub_queue_open(&row, NULL, NULL, &queue, &error), SHMRPC_OK,
           &error);
    row.hash = 4712;
    EXPECT(shmrpc_stub_queue_open(&row, NULL, NULL, &other, &error),
           SHMRPC_E_CONTRACT, &error);
    stage_expect_text(&error, "types of these names differ");
    row.hash = 4711;
    row.signature = "queue<test.Jab>";
    EXPECT(shmrpc_stub_queue_open(&row, NULL, NULL, &other, &error),
           SHMRPC_E_CONTRACT, &error);
    stage_expect_text(&error,
                      "it is queue<test.Job> in native, expected "
                      "queue<test.Jab> in native");
    row.signature = "queue<test.Job>";
    row.encoding = SHMRPC_ENCODING_MSGPACK;
    EXPECT(shmrpc_stub_queue_open(&row, NULL, NULL, &other, &error),
           SHMRPC_E_CONTRACT, &error);
    stage_expect_text(
        &error,
        "it is queue<test.Job> in native, expected queue<test.Job> in "
        "msgpack");
    EXPECT(shmrpc_queue_open("test.jobs", NULL, &other, &error),
           SHMRPC_E_CONTRACT, &error);
    stage_expect_text(&error, "expected queue<any> in msgpack");
    shmrpc_queue_close(queue);
}

/* ---- waiting and ending -------------------------------------------------- */

static void full_queues_do_what_they_were_told(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_queue_stat stat;
    shmrpc_opts soon = {.timeout_ns = SHMRPCI_NS_PER_MS};
    static const struct {
        shmrpc_overflow overflow;
        int status;
        int64_t first; /* of the items in the queue at the end */
        uint64_t dropped;
    } cases[] = {{SHMRPC_OVERFLOW_DEFAULT, SHMRPC_E_DEADLINE, 0, 0},
                 {SHMRPC_OVERFLOW_BLOCK, SHMRPC_E_DEADLINE, 0, 0},
                 {SHMRPC_OVERFLOW_FAIL, SHMRPC_E_BUSY, 0, 0},
                 {SHMRPC_OVERFLOW_DROP_OLDEST, SHMRPC_OK, 1, 1},
                 {SHMRPC_OVERFLOW_DROP_NEWEST, SHMRPC_OK, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shmrpc_any item = shmrpc_any_i64(4);
        shmrpc_queue_opts opts = {.shared = {.mode = SHMRPC_SHARED_REPLACE},
                                  .capacity = 4,
                                  .overflow = cases[i].overflow};
        shmrpc_queue *queue = open_queue("full", &opts);
        for (int64_t j = 0; j < 4; j++) {
            push_number(queue, j);
        }
        EXPECT(shmrpc_queue_push(queue, &item, &soon, &error), cases[i].status,
               &error);
        assert_int_equal(shmrpc_queue_stat_read(queue, &stat), SHMRPC_OK);
        assert_int_equal(stat.item_count, 4);
        assert_int_equal(stat.dropped_count, cases[i].dropped);
        assert_int_equal(pop_number(queue), cases[i].first);
        shmrpc_queue_close(queue);
    }
    shmrpc_queue_opts bad = {.overflow = SHMRPC_OVERFLOW_OVERWRITE};
    shmrpc_queue *queue;
    EXPECT(shmrpc_queue_open("bad", &bad, &queue, &error), SHMRPC_E_INVALID,
           &error);
}

static void ended_and_destroyed_queues_say_so(void **state)
{
    (void)state;
    shmrpc_error error;
    const shmrpc_any *item;
    shmrpc_any one = shmrpc_any_i64(1);
    shmrpc_queue *queue = open_queue("end", NULL);
    shmrpc_queue *other = open_queue("end", NULL);
    push_number(queue, 1);
    assert_int_equal(shmrpc_queue_end(queue), SHMRPC_OK);
    EXPECT(shmrpc_queue_push(other, &one, NULL, &error), SHMRPC_E_CANCELLED,
           &error);
    assert_int_equal(pop_number(other), 1);
    EXPECT(shmrpc_queue_pop(other, NULL, &item, &error), SHMRPC_E_CANCELLED,
           &error);
    assert_int_equal(shmrpc_queue_destroy(queue), SHMRPC_OK);
    EXPECT(shmrpc_queue_pop(other, NULL, &item, &error), SHMRPC_E_DESTROYED,
           &error);
    shmrpc_queue_close(queue);
    /* The name can be used again. */
    queue = open_queue("end", NULL);
    push_number(queue, 2);
    assert_int_equal(pop_number(queue), 2);
    shmrpc_queue_close(queue);
    shmrpc_queue_close(other);
}

static void items_outlive_their_handle(void **state)
{
    (void)state;
    shmrpc_error error;
    const shmrpc_any *items[20];
    shmrpc_queue *queue = open_queue("late", NULL);
    for (int64_t i = 0; i < 20; i++) {
        push_number(queue, i);
        EXPECT(shmrpc_queue_pop(queue, NULL, &items[i], &error), SHMRPC_OK,
               &error);
    }
    shmrpc_queue_close(queue);
    for (int64_t i = 0; i < 20; i++) {
        assert_int_equal(items[i]->u.i64, i);
        shmrpc_queue_release(queue, items[i]);
    }
    shmrpc_queue_release(NULL, NULL);
    shmrpc_queue_close(NULL);
}

static void *pop_all(void *user)
{
    int64_t sum = 0;
    for (;;) {
        int64_t number = pop_number(user);
        if (number < 0) {
            return (void *)(intptr_t)sum;
        }
        sum += number;
    }
}

static void threads_share_a_handle(void **state)
{
    (void)state;
    shmrpc_queue_opts opts = {.capacity = 8};
    shmrpc_queue *queue = open_queue("threads", &opts);
    pthread_t threads[3];
    intptr_t sum = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, pop_all, queue), 0);
    }
    for (int64_t i = 0; i < 1000; i++) {
        push_number(queue, i);
    }
    for (size_t i = 0; i < 3; i++) {
        push_number(queue, -1);
    }
    for (size_t i = 0; i < 3; i++) {
        void *part;
        assert_int_equal(pthread_join(threads[i], &part), 0);
        sum += (intptr_t)part;
    }
    assert_int_equal(sum, 1000 * 999 / 2);
    shmrpc_queue_close(queue);
}

/* ---- processes ----------------------------------------------------------- */

static void push_as_a_child(int index, void *user)
{
    shmrpc_queue *queue = user;
    shmrpc_any item = shmrpc_any_i64(index);
    CHECK(shmrpc_queue_push(queue, &item, &patient, NULL) == SHMRPC_OK);
}

static void children_use_their_parents_handle(void **state)
{
    (void)state;
    shmrpc_queue *queue = open_queue("forks", NULL);
    push_number(queue, 0);
    int64_t sum = 0;
    for (int i = 1; i < 4; i++) {
        stage_dismiss(stage_cast(push_as_a_child, i, queue), 0);
    }
    push_number(queue, 4);
    for (int i = 0; i < 5; i++) {
        sum += pop_number(queue);
    }
    assert_int_equal(sum, 10);
    expect_empty(queue);
    shmrpc_queue_close(queue);
}

static void close_as_a_child(int index, void *user)
{
    (void)index;
    shmrpc_queue_close(user);
}

static void children_may_close_what_they_did_not_use(void **state)
{
    (void)state;
    shmrpc_queue_opts opts = {
        .shared = {.lifetime = SHMRPC_LIFETIME_LAST_CLOSE}};
    shmrpc_queue *queue = open_queue("forks", &opts);
    stage_dismiss(stage_cast(close_as_a_child, 0, queue), 0);
    push_number(queue, 7);
    assert_int_equal(pop_number(queue), 7);
    shmrpc_queue_close(queue);
}

static void use_a_destroyed_one(int index, void *user)
{
    (void)index;
    shmrpc_any item = shmrpc_any_i64(1);
    shmrpc_error error;
    stage_await(0, 1);
    CHECK(shmrpc_queue_push(user, &item, &patient, &error) ==
          SHMRPC_E_DESTROYED);
}

static void children_of_destroyed_ones_are_told(void **state)
{
    (void)state;
    shmrpc_queue *queue = open_queue("forks", NULL);
    pid_t child = stage_cast(use_a_destroyed_one, 0, queue);
    assert_int_equal(shmrpc_queue_destroy(queue), SHMRPC_OK);
    shmrpc_queue *another = open_queue("forks", NULL);
    stage_advance(0);
    stage_dismiss(child, 0);
    expect_empty(another);
    shmrpc_queue_close(another);
    shmrpc_queue_close(queue);
}

static void push_until_killed(int index, void *user)
{
    (void)user;
    shmrpc_queue *queue;
    CHECK(shmrpc_queue_open("kills", NULL, &queue, NULL) == SHMRPC_OK);
    for (int64_t i = 0;; i++) {
        shmrpc_any item = shmrpc_any_i64(index * INT64_C(1000000) + i);
        CHECK(shmrpc_queue_push(queue, &item, &patient, NULL) == SHMRPC_OK);
        stage_advance(0);
    }
}

static void killed_producers_leave_whole_items(void **state)
{
    (void)state;
    shmrpc_queue *queue = open_queue("kills", NULL);
    int rounds = stage_is_long() ? 500 : 20;
    for (int i = 0; i < rounds; i++) {
        memset(scene, 0, sizeof *scene);
        pid_t child = stage_cast(push_until_killed, i, NULL);
        stage_await(0, 1);
        int64_t next = 0;
        for (; next < 5; next++) {
            assert_int_equal(pop_number(queue), i * INT64_C(1000000) + next);
        }
        stage_kill(child);
        const shmrpc_any *item;
        while (shmrpc_queue_pop(queue, &at_once, &item, NULL) == SHMRPC_OK) {
            assert_int_equal(item->u.i64, i * INT64_C(1000000) + next++);
            shmrpc_queue_release(queue, item);
        }
        /* All items whose push had returned are there. */
        assert_true((uint32_t)next >= stage_step(0));
    }
    shmrpc_queue_close(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_value_comes_out_as_it_went_in),
        TEST(json_is_an_encoding_too),
        TEST(too_large_items_are_refused_with_what_fits),
        TEST(typed_items_travel_by_their_type),
        TEST(other_types_and_encodings_are_refused_by_name),
        TEST(full_queues_do_what_they_were_told),
        TEST(ended_and_destroyed_queues_say_so),
        TEST(items_outlive_their_handle),
        TEST(threads_share_a_handle),
        TEST(children_use_their_parents_handle),
        TEST(children_may_close_what_they_did_not_use),
        TEST(children_of_destroyed_ones_are_told),
        TEST(killed_producers_leave_whole_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
