/*
 * Tests generated dicts as a user would use them: keys and values of every form
 * between two processes, concurrent changes, and the effects of the declared
 * options.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jobs.h"
#include "together.h"

#define ROUNDS 300

static jobs_v1_job job_of(uint64_t i)
{
    static const jobs_v1_level levels[] = {JOBS_V1_LEVEL_HIGH,
                                           JOBS_V1_LEVEL_LOW};
    return (jobs_v1_job){.id = i,
                         .text = shmrpc_str_of(i % 2 == 0 ? "even" : "odd"),
                         .levels = {levels, i % 3},
                         .level = JOBS_V1_LEVEL_HIGH};
}

static shmrpc_str name_of(uint64_t i, char *text)
{
    size_t len = 0;
    do {
        text[len++] = (char)('a' + i % 26);
        i /= 26;
    } while (i > 0);
    return (shmrpc_str){text, len};
}

/* ---- values that are not fixed ---- */

static bool put_jobs(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_jobs_dict *jobs = NULL;
    char text[16];
    bool good = went_well(jobs_v1_jobs_open(NULL, NULL, &jobs, &error), &error);
    for (uint64_t i = 0; good && i < ROUNDS; i++) {
        jobs_v1_job job = job_of(i);
        good = went_well(
            jobs_v1_jobs_put_new(jobs, name_of(i, text), &job, &error), &error);
    }
    jobs_v1_jobs_close(jobs);
    return good;
}

static void structs_with_texts_and_lists_are_there(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_jobs_dict *jobs = NULL;
    const jobs_v1_job *job = NULL;
    uint64_t len = 0;
    char text[16];
    together(put_jobs, NULL);
    assert_ok(jobs_v1_jobs_open(NULL, NULL, &jobs, &error), &error);
    assert_ok(jobs_v1_jobs_len(jobs, &len, &error), &error);
    assert_true(len == ROUNDS);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        jobs_v1_job wanted = job_of(i);
        assert_ok(jobs_v1_jobs_get(jobs, name_of(i, text), &job, &error),
                  &error);
        assert_true(job->id == i);
        assert_string_equal(job->text.ptr, wanted.text.ptr);
        assert_int_equal(job->levels.len, wanted.levels.len);
        jobs_v1_jobs_release(jobs, job);
    }
    shmrpc_str none = shmrpc_str_of("NONE");
    assert_int_equal(jobs_v1_jobs_get(jobs, none, &job, &error),
                     SHMRPC_E_NOT_FOUND);
    jobs_v1_job first = job_of(0);
    assert_int_equal(
        jobs_v1_jobs_put_new(jobs, name_of(0, text), &first, &error),
        SHMRPC_E_EXISTS);
    assert_ok(jobs_v1_jobs_del(jobs, name_of(0, text), &error), &error);
    assert_int_equal(jobs_v1_jobs_contains(jobs, name_of(0, text), &error),
                     SHMRPC_E_NOT_FOUND);
    assert_ok(jobs_v1_jobs_clear(jobs, &error), &error);
    assert_ok(jobs_v1_jobs_len(jobs, &len, &error), &error);
    assert_true(len == 0);
    assert_int_equal(jobs_v1_jobs_destroy(jobs), SHMRPC_OK);
    jobs_v1_jobs_close(jobs);
}

/* ---- fixed values, changed by two processes at a time -------------------- */

static int count_up(void *user, const jobs_v1_fixed *was, jobs_v1_fixed *now)
{
    (void)user;
    now->id = was != NULL ? was->id + 1 : 1;
    now->set = true;
    return SHMRPC_CHANGE_PUT;
}

static bool count(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_fixed_dict *fixed = NULL;
    bool good =
        went_well(jobs_v1_fixed_open("counter", NULL, &fixed, &error), &error);
    for (int i = 0; good && i < ROUNDS; i++) {
        good = went_well(jobs_v1_fixed_update(fixed, 7, count_up, NULL, &error),
                         &error);
    }
    jobs_v1_fixed_close(fixed);
    return good;
}

static void count_here(void)
{
    assert_true(count());
}

static void no_step_of_two_counters_is_lost(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_fixed_dict *fixed = NULL;
    jobs_v1_fixed value = {0, false};
    together(count, count_here);
    assert_ok(jobs_v1_fixed_open("counter", NULL, &fixed, &error), &error);
    assert_ok(jobs_v1_fixed_get(fixed, 7, &value, &error), &error);
    assert_true(value.id == 2 * ROUNDS && value.set);
    jobs_v1_fixed_close(fixed);
}

static void capacity_is_kept(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_fixed_dict *fixed = NULL;
    jobs_v1_fixed value = {1, true};
    assert_ok(jobs_v1_fixed_open(NULL, NULL, &fixed, &error), &error);
    for (uint64_t i = 0; i < 10; i++) {
        assert_ok(jobs_v1_fixed_put(fixed, i, &value, &error), &error);
    }
    assert_int_equal(jobs_v1_fixed_put(fixed, 10, &value, &error),
                     SHMRPC_E_EXHAUSTED);
    assert_ok(jobs_v1_fixed_put(fixed, 9, &value, &error), &error);
    jobs_v1_fixed_close(fixed);
}

/* ---- keys and values of other forms ---- */

static bool put_others(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_deep_dict *deep = NULL;
    jobs_v1_wild_dict *wild = NULL;
    jobs_v1_arrays_dict *arrays = NULL;
    jobs_v1_counts_dict *counts = NULL;
    jobs_v1_job jobs[] = {job_of(1), job_of(2)};
    jobs_v1_job_list list = {jobs, 2};
    jobs_v1_key key = {5, {6, 7}};
    shmrpc_any one = shmrpc_any_i64(1);
    shmrpc_any text = shmrpc_any_str("one");
    jobs_v1_arrays_item array = {{1, 2, 3}};
    jobs_v1_counts_item_entry entry = {shmrpc_str_of("k"), 99};
    jobs_v1_counts_item map = {&entry, 1};
    shmrpc_bytes bytes = {(const uint8_t *)"\0\xff", 2};
    bool good =
        went_well(jobs_v1_deep_open(NULL, NULL, &deep, &error), &error) &&
        went_well(jobs_v1_deep_put(deep, &key, &list, &error), &error) &&
        went_well(jobs_v1_wild_open(NULL, NULL, &wild, &error), &error) &&
        went_well(jobs_v1_wild_put(wild, &one, &text, &error), &error) &&
        went_well(jobs_v1_arrays_open(NULL, NULL, &arrays, &error), &error) &&
        went_well(jobs_v1_arrays_put(arrays, bytes, &array, &error), &error) &&
        went_well(jobs_v1_counts_open(NULL, NULL, &counts, &error), &error) &&
        went_well(jobs_v1_counts_put(counts, JOBS_V1_LEVEL_HIGH, &map, &error),
                  &error);
    jobs_v1_deep_close(deep);
    jobs_v1_wild_close(wild);
    jobs_v1_arrays_close(arrays);
    jobs_v1_counts_close(counts);
    return good;
}

static void look_at_trees(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_deep_dict *deep = NULL;
    jobs_v1_wild_dict *wild = NULL;
    const jobs_v1_job_list *list = NULL;
    const shmrpc_any *text = NULL;
    jobs_v1_key key = {5, {6, 7}};
    shmrpc_any one = shmrpc_any_f64(1.0);
    assert_ok(jobs_v1_deep_open(NULL, NULL, &deep, &error), &error);
    assert_ok(jobs_v1_deep_get(deep, &key, &list, &error), &error);
    assert_true(list->len == 2 && list->ptr[1].id == 2);
    jobs_v1_deep_release(deep, list);
    key.place[1] = 8;
    assert_int_equal(jobs_v1_deep_get(deep, &key, &list, &error),
                     SHMRPC_E_NOT_FOUND);
    assert_ok(jobs_v1_wild_open(NULL, NULL, &wild, &error), &error);
    assert_ok(jobs_v1_wild_get(wild, &one, &text, &error), &error);
    assert_string_equal(text->u.str.ptr, "one");
    jobs_v1_wild_release(wild, text);
    jobs_v1_deep_close(deep);
    jobs_v1_wild_close(wild);
}

static void keys_and_values_of_every_form_are_there(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_arrays_dict *arrays = NULL;
    jobs_v1_counts_dict *counts = NULL;
    const jobs_v1_counts_item *map = NULL;
    jobs_v1_arrays_item array;
    shmrpc_bytes bytes = {(const uint8_t *)"\0\xff", 2};
    together(put_others, NULL);
    look_at_trees();
    assert_ok(jobs_v1_arrays_open(NULL, NULL, &arrays, &error), &error);
    assert_ok(jobs_v1_arrays_get(arrays, bytes, &array, &error), &error);
    assert_int_equal(array.items[2], 3);
    assert_ok(jobs_v1_counts_open(NULL, NULL, &counts, &error), &error);
    assert_ok(jobs_v1_counts_get(counts, JOBS_V1_LEVEL_HIGH, &map, &error),
              &error);
    assert_true(map->len == 1 && map->ptr[0].value == 99);
    jobs_v1_counts_release(counts, map);
    jobs_v1_arrays_close(arrays);
    jobs_v1_counts_close(counts);
}

/* ---- views, merges, watches ---- */

static void views_stay_as_they_were(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_jobs_dict *jobs = NULL;
    jobs_v1_jobs_view *view = NULL;
    const shmrpc_str *key = NULL;
    const jobs_v1_job *job = NULL;
    jobs_v1_jobs_entry entries[] = {{shmrpc_str_of("b"), job_of(0)},
                                    {shmrpc_str_of("a"), job_of(1)},
                                    {shmrpc_str_of("c"), job_of(2)}};
    assert_ok(jobs_v1_jobs_open(NULL, NULL, &jobs, &error), &error);
    assert_ok(jobs_v1_jobs_merge(jobs, entries, 3, &error), &error);
    assert_ok(jobs_v1_jobs_view_open(jobs, &view, &error), &error);
    assert_ok(jobs_v1_jobs_clear(jobs, &error), &error);
    for (size_t i = 0; i < 3; i++) { /* in insertion order */
        assert_ok(jobs_v1_jobs_view_next(view, &key, &job, &error), &error);
        assert_int_equal(key->len, 1);
        assert_memory_equal(key->ptr, entries[i].key.ptr, 1);
        assert_true(job->id == i);
    }
    assert_int_equal(jobs_v1_jobs_view_next(view, &key, &job, &error),
                     SHMRPC_E_NOT_FOUND);
    assert_ok(jobs_v1_jobs_view_get(view, entries[1].key, &job, &error),
              &error);
    assert_true(job->id == 1);
    assert_string_equal(job->text.ptr, "odd");
    assert_int_equal(jobs_v1_jobs_contains(jobs, entries[1].key, &error),
                     SHMRPC_E_NOT_FOUND);
    jobs_v1_jobs_view_close(view);
    jobs_v1_jobs_close(jobs);
}

static jobs_v1_jobs_watch *watch;

static void watch_jobs(void)
{
    shmrpc_error error = {.code = 0};
    const shmrpc_opts patience = {.timeout_ns = INT64_C(20000000000)};
    const jobs_v1_jobs_event *event = NULL;
    char text[16];
    for (uint64_t i = 0; i < ROUNDS; i++) {
        assert_ok(jobs_v1_jobs_watch_next(watch, &event, &patience, &error),
                  &error);
        shmrpc_str wanted = name_of(i, text);
        assert_int_equal(event->kind, SHMRPC_EVENT_PUT);
        assert_int_equal(event->key->len, wanted.len);
        assert_memory_equal(event->key->ptr, wanted.ptr, wanted.len);
        assert_true(event->value->id == i);
    }
}

static void watches_tell_of_changes(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_jobs_dict *jobs = NULL;
    const jobs_v1_jobs_event *event = NULL;
    char text[16];
    assert_ok(jobs_v1_jobs_open(NULL, NULL, &jobs, &error), &error);
    assert_ok(jobs_v1_jobs_watch_open(jobs, NULL, &watch, &error), &error);
    together(put_jobs, watch_jobs);
    assert_ok(jobs_v1_jobs_del(jobs, name_of(3, text), &error), &error);
    assert_ok(jobs_v1_jobs_watch_next(watch, &event, NULL, &error), &error);
    assert_int_equal(event->kind, SHMRPC_EVENT_DEL);
    assert_null(event->value);
    jobs_v1_jobs_watch_close(watch);
    jobs_v1_jobs_close(jobs);
}

/* ---- values ---- */

static int count_state(void *user, const jobs_v1_fixed *was, jobs_v1_fixed *now)
{
    return count_up(user, was, now);
}

static bool count_in_state(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_state_value *state = NULL;
    bool good =
        went_well(jobs_v1_state_open(NULL, NULL, &state, &error), &error);
    for (int i = 0; good && i < ROUNDS; i++) {
        good = went_well(jobs_v1_state_update(state, count_state, NULL, &error),
                         &error);
    }
    jobs_v1_state_close(state);
    return good;
}

static void count_in_state_here(void)
{
    assert_true(count_in_state());
}

static void values_are_read_and_replaced_whole(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_state_value *counter = NULL;
    jobs_v1_current_value *current = NULL;
    jobs_v1_recent_value *recent = NULL;
    jobs_v1_recent_watch *recent_watch = NULL;
    const jobs_v1_recent_event *event = NULL;
    const jobs_v1_job *job = NULL;
    jobs_v1_fixed got = {0, false};
    jobs_v1_job first = job_of(1);
    jobs_v1_job both[] = {job_of(4), job_of(5)};
    jobs_v1_job_list list = {both, 2};
    assert_ok(jobs_v1_current_open(NULL, NULL, &current, &error), &error);
    assert_int_equal(jobs_v1_current_get(current, &job, &error),
                     SHMRPC_E_NOT_FOUND);
    assert_ok(jobs_v1_current_put(current, &first, &error), &error);
    assert_ok(jobs_v1_current_get(current, &job, &error), &error);
    assert_string_equal(job->text.ptr, "odd");
    jobs_v1_current_release(current, job);
    jobs_v1_current_close(current);
    together(count_in_state, count_in_state_here);
    assert_ok(jobs_v1_state_open(NULL, NULL, &counter, &error), &error);
    assert_ok(jobs_v1_state_get(counter, &got, &error), &error);
    assert_true(got.id == 2 * ROUNDS);
    jobs_v1_state_close(counter);
    assert_ok(jobs_v1_recent_open(NULL, NULL, &recent, &error), &error);
    assert_ok(jobs_v1_recent_watch_open(recent, 0, &recent_watch, &error),
              &error);
    assert_ok(jobs_v1_recent_put(recent, &list, &error), &error);
    assert_ok(jobs_v1_recent_watch_next(recent_watch, &event, NULL, &error),
              &error);
    assert_int_equal(event->kind, SHMRPC_EVENT_PUT);
    assert_true(event->value->len == 2 && event->value->ptr[1].id == 5);
    jobs_v1_recent_watch_close(recent_watch);
    jobs_v1_recent_close(recent);
}

static void lists_are_changed_item_by_item(void **state)
{
    (void)state;
    uint64_t len = 7;
    shmrpc_error error = {.code = 0};
    jobs_v1_past_value *past = NULL;
    const jobs_v1_job_list *all = NULL;
    const jobs_v1_job *job = NULL;
    jobs_v1_job jobs[] = {job_of(1), job_of(2), job_of(3), job_of(4)};
    assert_ok(jobs_v1_past_open(NULL, NULL, &past, &error), &error);
    assert_ok(jobs_v1_past_len(past, &len, &error), &error);
    assert_int_equal(len, 0);
    assert_int_equal(jobs_v1_past_at(past, 0, &job, &error),
                     SHMRPC_E_NOT_FOUND);
    assert_ok(jobs_v1_past_append(past, &jobs[0], &error), &error);
    assert_ok(jobs_v1_past_append(past, &jobs[1], &error), &error);
    assert_ok(jobs_v1_past_insert(past, 0, &jobs[2], &error), &error);
    assert_ok(jobs_v1_past_set(past, -1, &jobs[3], &error), &error);
    assert_int_equal(jobs_v1_past_set(past, 3, &jobs[3], &error),
                     SHMRPC_E_OUT_OF_RANGE);
    assert_ok(jobs_v1_past_at(past, 0, &job, &error), &error);
    assert_true(job->id == 3);
    assert_string_equal(job->text.ptr, "odd");
    jobs_v1_past_release_one(past, job);
    assert_ok(jobs_v1_past_pop(past, 1, &job, &error), &error);
    assert_true(job->id == 1);
    jobs_v1_past_release_one(past, job);
    assert_ok(jobs_v1_past_get(past, &all, &error), &error);
    assert_true(all->len == 2 && all->ptr[0].id == 3 && all->ptr[1].id == 4);
    /* A list that was read can be put back unchanged. */
    assert_ok(jobs_v1_past_put(past, all, &error), &error);
    jobs_v1_past_release(past, all);
    assert_ok(jobs_v1_past_len(past, &len, &error), &error);
    assert_int_equal(len, 2);
    assert_ok(jobs_v1_past_at(past, -1, &job, &error), &error);
    assert_true(job->id == 4);
    jobs_v1_past_release_one(past, job);
    assert_ok(jobs_v1_past_pop(past, 0, NULL, &error), &error);
    assert_ok(jobs_v1_past_pop(past, 0, NULL, &error), &error);
    assert_int_equal(jobs_v1_past_pop(past, 0, NULL, &error),
                     SHMRPC_E_NOT_FOUND);
    jobs_v1_past_close(past);
}

static void lists_keep_their_bounds(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_marks_value *marks = NULL;
    const uint32_t *mark = NULL;
    assert_ok(jobs_v1_marks_open(NULL, NULL, &marks, &error), &error);
    for (uint32_t i = 0; i < 4; i++) {
        assert_ok(jobs_v1_marks_insert(marks, 9, &i, &error), &error);
    }
    uint32_t five = 5;
    assert_int_equal(jobs_v1_marks_append(marks, &five, &error),
                     SHMRPC_E_INVALID);
    for (uint32_t i = 0; i < 3; i++) {
        assert_ok(jobs_v1_marks_pop(marks, 0, &mark, &error), &error);
        assert_int_equal(*mark, i);
        jobs_v1_marks_release_one(marks, mark);
    }
    assert_int_equal(jobs_v1_marks_pop(marks, 0, NULL, &error),
                     SHMRPC_E_INVALID);
    jobs_v1_marks_close(marks);
}

static void keys_of_every_form_have_locks(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_fixed_dict *numbers[2] = {NULL, NULL};
    jobs_v1_jobs_dict *texts[2] = {NULL, NULL};
    uint64_t one = 1;
    uint64_t two = 2;
    shmrpc_str empty = {NULL, 0};
    for (int i = 0; i < 2; i++) {
        assert_ok(jobs_v1_fixed_open(NULL, NULL, &numbers[i], &error), &error);
        assert_ok(jobs_v1_jobs_open(NULL, NULL, &texts[i], &error), &error);
    }
    assert_ok(jobs_v1_fixed_lock(numbers[0], &one, NULL, &error), &error);
    assert_int_equal(jobs_v1_fixed_try_lock(numbers[1], &one, &error),
                     SHMRPC_E_BUSY);
    assert_ok(jobs_v1_fixed_try_lock(numbers[1], &two, &error), &error);
    assert_ok(jobs_v1_fixed_unlock(numbers[1], &two, &error), &error);
    assert_ok(jobs_v1_fixed_unlock(numbers[0], &one, &error), &error);
    /* An empty text is an ordinary key; NULL locks the whole dict. */
    assert_ok(jobs_v1_jobs_lock(texts[0], &empty, NULL, &error), &error);
    assert_int_equal(jobs_v1_jobs_try_lock(texts[1], NULL, &error),
                     SHMRPC_E_BUSY);
    jobs_v1_jobs_close(texts[0]);
    assert_int_equal(jobs_v1_jobs_lock(texts[1], &empty, NULL, &error),
                     SHMRPC_E_OWNER_DIED);
    assert_ok(jobs_v1_jobs_lock_consistent(texts[1], &empty, &error), &error);
    assert_ok(jobs_v1_jobs_unlock(texts[1], &empty, &error), &error);
    assert_ok(jobs_v1_jobs_try_lock(texts[1], NULL, &error), &error);
    jobs_v1_jobs_close(texts[1]);
    for (int i = 0; i < 2; i++) {
        jobs_v1_fixed_close(numbers[i]);
    }
}

static void another_type_of_that_name_is_refused(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_fixed_dict *fixed = NULL;
    jobs_v1_arrays_dict *arrays = NULL;
    assert_ok(jobs_v1_fixed_open("one", NULL, &fixed, &error), &error);
    assert_int_equal(jobs_v1_arrays_open("one", NULL, &arrays, &error),
                     SHMRPC_E_CONTRACT);
    assert_non_null(strstr(error.message, "dict<bytes, u8[3]>"));
    jobs_v1_fixed_close(fixed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(structs_with_texts_and_lists_are_there),
        IN_FOLDER(no_step_of_two_counters_is_lost),
        IN_FOLDER(capacity_is_kept),
        IN_FOLDER(keys_and_values_of_every_form_are_there),
        IN_FOLDER(views_stay_as_they_were),
        IN_FOLDER(watches_tell_of_changes),
        IN_FOLDER(values_are_read_and_replaced_whole),
        IN_FOLDER(lists_are_changed_item_by_item),
        IN_FOLDER(lists_keep_their_bounds),
        IN_FOLDER(keys_of_every_form_have_locks),
        IN_FOLDER(another_type_of_that_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
