/*
 * Tests generated queues as a user would use them: typed items of every form
 * between two processes, and the effects of the declared options.
 *
 * Each test has its own folder for its objects.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acme/common.h"
#include "jobs.h"
#include "together.h"

#define ROUNDS 200

static const shmrpc_opts patience = {.timeout_ns = INT64_C(20000000000)};

/* ---- items that are not flat ---- */

static const jobs_v1_level levels[] = {JOBS_V1_LEVEL_LOW, JOBS_V1_LEVEL_HIGH,
                                       JOBS_V1_LEVEL_HIGH};
static char text[1001];

static jobs_v1_job job_of(uint64_t i)
{
    (void)memset(text, 'x', sizeof text - 1);
    return (jobs_v1_job){.id = i,
                         .text = {text, i * 5 % 1001},
                         .levels = {levels, i % 4},
                         .level = JOBS_V1_LEVEL_LOW};
}

static void assert_is_job(const jobs_v1_job *got, uint64_t i)
{
    jobs_v1_job wanted = job_of(i);
    assert_true(got->id == i);
    assert_int_equal(got->text.len, wanted.text.len);
    assert_memory_equal(got->text.ptr, wanted.text.ptr, wanted.text.len);
    assert_int_equal(got->levels.len, wanted.levels.len);
    for (size_t k = 0; k < wanted.levels.len; k++) {
        assert_int_equal(got->levels.ptr[k], levels[k]);
    }
    assert_int_equal(got->level, JOBS_V1_LEVEL_LOW);
}

static bool push_jobs(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_work_queue *work = NULL;
    bool good = went_well(jobs_v1_work_open(NULL, NULL, &work, &error), &error);
    for (uint64_t i = 0; good && i < ROUNDS; i++) {
        jobs_v1_job job = job_of(i);
        good =
            went_well(jobs_v1_work_push(work, &job, &patience, &error), &error);
    }
    good = good && jobs_v1_work_end(work) == SHMRPC_OK;
    jobs_v1_work_close(work);
    return good;
}

static void pop_jobs(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_work_queue *work = NULL;
    const jobs_v1_job *job = NULL;
    assert_ok(jobs_v1_work_open(NULL, NULL, &work, &error), &error);
    for (uint64_t i = 0; i < ROUNDS; i++) { /* in order, because of `order
                                             * total` */
        assert_ok(jobs_v1_work_pop(work, &patience, &job, &error), &error);
        assert_is_job(job, i);
        assert_false(jobs_v1_work_is_redelivered(job));
        assert_int_equal(jobs_v1_work_ack(work, job), SHMRPC_OK);
    }
    assert_int_equal(jobs_v1_work_pop(work, &patience, &job, &error),
                     SHMRPC_E_CANCELLED);
    jobs_v1_work_close(work);
}

static void structs_with_texts_and_lists_arrive(void **state)
{
    (void)state;
    together(push_jobs, pop_jobs);
}

/* ---- flat items, in batches ---- */

static bool push_points(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_points_queue *points = NULL;
    jobs_v1_flat batch[8];
    size_t pushed = 0;
    bool good = went_well(
        jobs_v1_points_open("elsewhere", NULL, &points, &error), &error);
    for (uint64_t i = 0; good && i < ROUNDS / 8; i++) {
        for (uint64_t k = 0; k < 8; k++) {
            batch[k] = (jobs_v1_flat){i * 8 + k, ~(i * 8 + k)};
        }
        good = went_well(jobs_v1_points_push_many(points, batch, 8, &patience,
                                                  &pushed, &error),
                         &error) &&
               pushed == 8;
    }
    jobs_v1_points_close(points);
    return good;
}

static jobs_v1_points_queue *parents_points; /* kept open, because the
                                              * object's lifetime is
                                              * `last_close` */

static void pop_points(void)
{
    shmrpc_error error = {.code = 0};
    const jobs_v1_flat *items[16];
    size_t count = 0;
    for (uint64_t i = 0; i < ROUNDS; i += count) {
        assert_ok(jobs_v1_points_pop_many(parents_points, &patience, items, 16,
                                          &count, &error),
                  &error);
        for (size_t k = 0; k < count; k++) {
            assert_true(items[k]->a == i + k && items[k]->b == ~(i + k));
            jobs_v1_points_release(parents_points, items[k]);
        }
    }
}

static void flat_structs_arrive_in_batches(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    assert_ok(jobs_v1_points_open("elsewhere", NULL, &parents_points, &error),
              &error);
    together(push_points, pop_points);
    jobs_v1_points_close(parents_points);
}

/* ---- items of other forms ---- */

static bool push_others(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_things_queue *things = NULL;
    jobs_v1_quads_queue *quads = NULL;
    jobs_v1_batches_queue *batches = NULL;
    jobs_v1_maps_queue *maps = NULL;
    jobs_v1_blobs_queue *blobs = NULL;
    jobs_v1_levels_queue *level_queue = NULL;
    shmrpc_any thing = shmrpc_any_str("anything");
    jobs_v1_quads_item quad = {{1, 2, 3, 4}};
    jobs_v1_job jobs[] = {job_of(3), job_of(6)};
    jobs_v1_job_list list = {jobs, 2};
    jobs_v1_maps_item_entry entry = {shmrpc_str_of("key"), 77};
    jobs_v1_maps_item map = {&entry, 1};
    size_t large = 1000000;
    uint8_t *bytes = calloc(large, 1);
    shmrpc_bytes blob = {bytes, large};
    jobs_v1_level level = JOBS_V1_LEVEL_HIGH;
    bool good =
        bytes != NULL &&
        went_well(jobs_v1_things_open(NULL, NULL, &things, &error), &error) &&
        went_well(jobs_v1_things_push(things, &thing, NULL, &error), &error) &&
        went_well(jobs_v1_quads_open(NULL, NULL, &quads, &error), &error) &&
        went_well(jobs_v1_quads_push(quads, &quad, NULL, &error), &error) &&
        went_well(jobs_v1_batches_open(NULL, NULL, &batches, &error), &error) &&
        went_well(jobs_v1_batches_push(batches, &list, NULL, &error), &error) &&
        went_well(jobs_v1_maps_open(NULL, NULL, &maps, &error), &error) &&
        went_well(jobs_v1_maps_push(maps, &map, NULL, &error), &error) &&
        went_well(jobs_v1_blobs_open(NULL, NULL, &blobs, &error), &error) &&
        went_well(jobs_v1_blobs_push(blobs, &blob, NULL, &error), &error) &&
        went_well(jobs_v1_levels_open(NULL, NULL, &level_queue, &error),
                  &error) &&
        went_well(jobs_v1_levels_push(level_queue, &level, NULL, &error),
                  &error);
    /* `things` exists only while its creator, the parent, has it open. */
    jobs_v1_things_close(things);
    jobs_v1_quads_close(quads);
    jobs_v1_batches_close(batches);
    jobs_v1_maps_close(maps);
    jobs_v1_blobs_close(blobs);
    jobs_v1_levels_close(level_queue);
    free(bytes);
    return good;
}

/* Pops from NAME into `item`, checks it, and releases it. */
#define POP(name, item_type, ...)                                             \
    do {                                                                      \
        shmrpc_error error = {.code = 0};                                     \
        jobs_v1_##name##_queue *queue = NULL;                                 \
        const item_type *item = NULL;                                         \
        assert_ok(jobs_v1_##name##_open(NULL, NULL, &queue, &error), &error); \
        assert_ok(jobs_v1_##name##_pop(queue, &patience, &item, &error),      \
                  &error);                                                    \
        __VA_ARGS__;                                                          \
        jobs_v1_##name##_release(queue, item);                                \
        jobs_v1_##name##_close(queue);                                        \
    } while (0)

static void pop_others(void)
{
    POP(things, shmrpc_any, assert_int_equal(item->kind, SHMRPC_ANY_STR);
        assert_string_equal(item->u.str.ptr, "anything"));
    POP(quads, jobs_v1_quads_item, assert_int_equal(item->items[3], 4));
    POP(batches, jobs_v1_job_list, assert_int_equal(item->len, 2);
        assert_is_job(&item->ptr[0], 3); assert_is_job(&item->ptr[1], 6));
    POP(maps, jobs_v1_maps_item, assert_int_equal(item->len, 1);
        assert_string_equal(item->ptr->key.ptr, "key");
        assert_true(item->ptr->value == 77));
    POP(blobs, shmrpc_bytes, assert_int_equal(item->len, 1000000));
    POP(levels, jobs_v1_level, assert_int_equal(*item, JOBS_V1_LEVEL_HIGH));
}

static void items_of_every_form_arrive(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_things_queue *things = NULL;
    assert_ok(jobs_v1_things_open(NULL, NULL, &things, &error), &error);
    together(push_others, pop_others);
    jobs_v1_things_close(things);
}

/* ---- options ---- */

static bool take_one_and_die(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_work_queue *work = NULL;
    const jobs_v1_job *job = NULL;
    return went_well(jobs_v1_work_open(NULL, NULL, &work, &error), &error) &&
           went_well(jobs_v1_work_pop(work, &patience, &job, &error), &error);
}

static void what_the_dead_had_comes_again(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_work_queue *work = NULL;
    const jobs_v1_job *job = NULL;
    assert_ok(jobs_v1_work_open(NULL, NULL, &work, &error), &error);
    jobs_v1_job first = job_of(9);
    assert_ok(jobs_v1_work_push(work, &first, NULL, &error), &error);
    together(take_one_and_die, NULL);
    assert_ok(jobs_v1_work_pop(work, &patience, &job, &error), &error);
    assert_is_job(job, 9);
    assert_true(jobs_v1_work_is_redelivered(job));
    assert_int_equal(jobs_v1_work_ack(work, job), SHMRPC_OK);
    jobs_v1_work_close(work);
}

static void bounds_of_items_are_kept(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_lines_queue *lines = NULL;
    const shmrpc_str *line = NULL;
    static const char long_line[65] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    shmrpc_str item = {long_line, 64};
    assert_ok(jobs_v1_lines_open(NULL, NULL, &lines, &error), &error);
    assert_ok(jobs_v1_lines_push(lines, &item, NULL, &error), &error);
    item.len = 65;
    assert_int_equal(jobs_v1_lines_push(lines, &item, NULL, &error),
                     SHMRPC_E_INVALID);
    assert_ok(jobs_v1_lines_peek(lines, &line, &error), &error);
    assert_string_equal(line->ptr, long_line);
    jobs_v1_lines_release(lines, line);
    shmrpc_queue_stat stat;
    assert_int_equal(jobs_v1_lines_stat(lines, &stat), SHMRPC_OK);
    assert_true(stat.item_count == 1 && stat.capacity == 1024);
    assert_int_equal(jobs_v1_lines_destroy(lines), SHMRPC_OK);
    assert_int_equal(
        jobs_v1_lines_push(lines, &(shmrpc_str){"x", 1}, NULL, &error),
        SHMRPC_E_DESTROYED);
    jobs_v1_lines_close(lines);
}

static void another_type_of_that_name_is_refused(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_lines_queue *lines = NULL;
    jobs_v1_points_queue *points = NULL;
    assert_ok(jobs_v1_lines_open("one", NULL, &lines, &error), &error);
    assert_int_equal(jobs_v1_points_open("one", NULL, &points, &error),
                     SHMRPC_E_CONTRACT);
    assert_non_null(strstr(error.message, "queue string(..64)"));
    assert_non_null(strstr(error.message, "queue acme.jobs.v1.Flat"));
    jobs_v1_lines_close(lines);
}

static void rows_have_the_declared_options(void **state)
{
    (void)state;
    const shmrpc_shared *work = &jobs_v1_work_queue_descriptor;
    assert_string_equal(work->name, "acme.jobs.v1.work");
    assert_true(work->capacity == 64);
    assert_int_equal(work->flags,
                     SHMRPC_SHARED_TOTAL_ORDER | SHMRPC_SHARED_ACKED);
    assert_int_equal(work->permissions, 0660);
    assert_int_equal(jobs_v1_points_queue_descriptor.overflow,
                     SHMRPC_OVERFLOW_DROP_OLDEST);
    assert_int_equal(jobs_v1_points_queue_descriptor.lifetime,
                     SHMRPC_LIFETIME_LAST_CLOSE);
    assert_true(jobs_v1_blobs_queue_descriptor.max_item_bytes ==
                (8u << 20) - 64);
    assert_true(jobs_v1_points_queue_descriptor.max_item_bytes < 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(structs_with_texts_and_lists_arrive),
        IN_FOLDER(flat_structs_arrive_in_batches),
        IN_FOLDER(items_of_every_form_arrive),
        IN_FOLDER(what_the_dead_had_comes_again),
        IN_FOLDER(bounds_of_items_are_kept),
        IN_FOLDER(another_type_of_that_name_is_refused),
        cmocka_unit_test(rows_have_the_declared_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
