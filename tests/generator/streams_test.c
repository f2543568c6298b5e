/*
 * Tests generated topics and pipes as a user would use them: typed messages and
 * bytes between two processes, and the effects of the declared options.
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

#define ROUNDS 200

static const shmrpc_opts patience = {.timeout_ns = INT64_C(20000000000)};

static jobs_v1_job job_of(uint64_t i)
{
    static const jobs_v1_level levels[] = {JOBS_V1_LEVEL_HIGH,
                                           JOBS_V1_LEVEL_LOW};
    return (jobs_v1_job){.id = i,
                         .text = shmrpc_str_of(i % 2 == 0 ? "even" : "odd"),
                         .levels = {levels, i % 3},
                         .level = JOBS_V1_LEVEL_HIGH};
}

static void assert_is_job(const jobs_v1_job *got, uint64_t i)
{
    jobs_v1_job wanted = job_of(i);
    assert_true(got->id == i);
    assert_string_equal(got->text.ptr, wanted.text.ptr);
    assert_int_equal(got->levels.len, wanted.levels.len);
}

/* ---- topics ---- */

static bool publish_news(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_news_topic *news = NULL;
    bool good = went_well(jobs_v1_news_open(NULL, NULL, &news, &error), &error);
    for (uint64_t i = 0; good && i < ROUNDS; i++) {
        jobs_v1_job job = job_of(i);
        good = went_well(jobs_v1_news_publish(news, &job, &patience, &error),
                         &error);
    }
    good = good && jobs_v1_news_end(news) == SHMRPC_OK;
    jobs_v1_news_close(news);
    return good;
}

static jobs_v1_news_sub *first_sub;
static jobs_v1_news_sub *second_sub;

static void read_news(jobs_v1_news_sub *sub)
{
    shmrpc_error error = {.code = 0};
    const jobs_v1_job *job = NULL;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        assert_ok(jobs_v1_news_next(sub, &job, &patience, &error), &error);
        assert_is_job(job, i);
    }
    assert_int_equal(jobs_v1_news_next(sub, &job, &patience, &error),
                     SHMRPC_E_CANCELLED);
    assert_true(jobs_v1_news_lost(sub) == 0);
}

static void read_both(void)
{
    read_news(first_sub);
    read_news(second_sub);
}

static void each_subscriber_gets_each_message(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_news_topic *news = NULL;
    assert_ok(jobs_v1_news_open(NULL, NULL, &news, &error), &error);
    assert_ok(jobs_v1_news_subscribe(news, &first_sub, &error), &error);
    assert_ok(jobs_v1_news_subscribe(news, &second_sub, &error), &error);
    together(publish_news, read_both);
    jobs_v1_news_unsubscribe(first_sub);
    jobs_v1_news_unsubscribe(second_sub);
    jobs_v1_news_close(news);
}

static void who_comes_late_gets_the_history(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_news_topic *news = NULL;
    jobs_v1_news_sub *sub = NULL;
    const jobs_v1_job *job = NULL;
    const shmrpc_opts at_once = {.flags = SHMRPC_OPT_NONBLOCK};
    assert_ok(jobs_v1_news_open(NULL, NULL, &news, &error), &error);
    for (uint64_t i = 0; i < 9; i++) {
        jobs_v1_job message = job_of(i);
        assert_ok(jobs_v1_news_publish(news, &message, NULL, &error), &error);
    }
    assert_ok(jobs_v1_news_subscribe(news, &sub, &error), &error);
    for (uint64_t i = 4; i < 9; i++) { /* the last five, because of `history
                                        * 5` */
        assert_ok(jobs_v1_news_next(sub, &job, &patience, &error), &error);
        assert_is_job(job, i);
    }
    assert_int_equal(jobs_v1_news_next(sub, &job, &at_once, &error),
                     SHMRPC_E_BUSY);
    shmrpc_topic_stat stat;
    assert_int_equal(jobs_v1_news_stat(news, &stat), SHMRPC_OK);
    assert_true(stat.published_count == 9 && stat.history == 5);
    jobs_v1_news_unsubscribe(sub);
    assert_int_equal(jobs_v1_news_destroy(news), SHMRPC_OK);
    jobs_v1_news_close(news);
}

static void messages_of_other_forms_arrive(void **state)
{
    (void)state;
    shmrpc_error error = {.code = 0};
    jobs_v1_talk_topic *talk = NULL;
    jobs_v1_talk_sub *sub = NULL;
    jobs_v1_levels_seen_topic *seen = NULL;
    jobs_v1_levels_seen_sub *seen_sub = NULL;
    const shmrpc_any *word = NULL;
    const jobs_v1_level *got = NULL;
    shmrpc_any hello = shmrpc_any_str("hello");
    jobs_v1_level level = JOBS_V1_LEVEL_HIGH;
    assert_ok(jobs_v1_talk_open(NULL, NULL, &talk, &error), &error);
    assert_ok(jobs_v1_talk_subscribe(talk, &sub, &error), &error);
    assert_ok(jobs_v1_talk_publish(talk, &hello, NULL, &error), &error);
    assert_ok(jobs_v1_talk_next(sub, &word, &patience, &error), &error);
    assert_string_equal(word->u.str.ptr, "hello");
    assert_ok(jobs_v1_levels_seen_open(NULL, NULL, &seen, &error), &error);
    assert_ok(jobs_v1_levels_seen_subscribe(seen, &seen_sub, &error), &error);
    assert_ok(jobs_v1_levels_seen_publish(seen, &level, NULL, &error), &error);
    assert_ok(jobs_v1_levels_seen_next(seen_sub, &got, &patience, &error),
              &error);
    assert_int_equal(*got, JOBS_V1_LEVEL_HIGH);
    jobs_v1_levels_seen_unsubscribe(seen_sub);
    jobs_v1_levels_seen_close(seen);
    jobs_v1_talk_unsubscribe(sub);
    jobs_v1_talk_close(talk);
}

/* ---- pipes ---- */

#define STREAM_BYTES ((size_t)1000000)

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + i / 251);
}

static bool write_sound(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_sound_pipe *sound = NULL;
    uint8_t chunk[7000];
    bool good =
        went_well(jobs_v1_sound_open(NULL, NULL, &sound, &error), &error);
    for (size_t at = 0; good && at < STREAM_BYTES;) {
        size_t len =
            STREAM_BYTES - at < sizeof chunk ? STREAM_BYTES - at : sizeof chunk;
        size_t written = 0;
        for (size_t i = 0; i < len; i++) {
            chunk[i] = byte_at(at + i);
        }
        good = went_well(jobs_v1_sound_write(sound, chunk, len, &patience,
                                             &written, &error),
                         &error) &&
               written == len;
        at += len;
    }
    good = good && jobs_v1_sound_end(sound) == SHMRPC_OK;
    jobs_v1_sound_close(sound);
    return good;
}

static void read_sound(void)
{
    shmrpc_error error = {.code = 0};
    jobs_v1_sound_pipe *sound = NULL;
    uint8_t chunk[9000];
    size_t count = 0;
    size_t at = 0;
    assert_ok(jobs_v1_sound_open(NULL, NULL, &sound, &error), &error);
    do {
        assert_ok(jobs_v1_sound_read(sound, chunk, sizeof chunk, &patience,
                                     &count, &error),
                  &error);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(chunk[i], byte_at(at + i));
        }
        at += count;
    } while (count > 0);
    assert_true(at == STREAM_BYTES);
    shmrpc_pipe_stat stat;
    assert_int_equal(jobs_v1_sound_stat(sound, &stat), SHMRPC_OK);
    assert_true(stat.is_ended && stat.read_count == STREAM_BYTES);
    assert_int_equal(jobs_v1_sound_destroy(sound), SHMRPC_OK);
    jobs_v1_sound_close(sound);
}

static void bytes_arrive_in_order_and_end(void **state)
{
    (void)state;
    together(write_sound, read_sound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(each_subscriber_gets_each_message),
        IN_FOLDER(who_comes_late_gets_the_history),
        IN_FOLDER(messages_of_other_forms_arrive),
        IN_FOLDER(bytes_arrive_in_order_and_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
