/* Topics and pipes. */
#include "stage.h"

#include <stdlib.h>
#include <string.h>

#include "shmrpc/pipe.h"
#include "shmrpc/topic.h"

static const shmrpc_opts at_once = {.flags = SHMRPC_OPT_NONBLOCK};
static const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};

/* ---- topics -------------------------------------------------------------- */

static shmrpc_topic *open_topic(const char *name, const shmrpc_topic_opts *opts)
{
    shmrpc_topic *topic = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_topic_open(name, opts, &topic, &error), SHMRPC_OK, &error);
    return topic;
}

static shmrpc_sub *subscribe(shmrpc_topic *topic)
{
    shmrpc_sub *sub = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_topic_subscribe(topic, &sub, &error), SHMRPC_OK, &error);
    return sub;
}

static void publish(shmrpc_topic *topic, int64_t number)
{
    shmrpc_any message = shmrpc_any_i64(number);
    shmrpc_error error;
    EXPECT(shmrpc_topic_publish(topic, &message, &patient, &error), SHMRPC_OK,
           &error);
}

static int64_t next_number(shmrpc_sub *sub)
{
    const shmrpc_any *message = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_sub_next(sub, &message, &patient, &error), SHMRPC_OK, &error);
    return message->u.i64;
}

static void expect_next(shmrpc_sub *sub, int status)
{
    const shmrpc_any *message;
    shmrpc_error error;
    EXPECT(shmrpc_sub_next(sub, &message, &at_once, &error), status, &error);
}

static void each_subscriber_gets_each_message(void **state)
{
    (void)state;
    static const uint32_t flags[] = {0, SHMRPC_SHARED_READ_ONLY};
    shmrpc_topic_opts history = {.history = 2};
    shmrpc_topic *topic = open_topic("news", &history);
    for (int64_t i = 0; i < 5; i++) {
        publish(topic, i);
    }
    for (size_t i = 0; i < 2; i++) {
        shmrpc_topic_opts opts = {.shared = {.flags = flags[i]}};
        shmrpc_topic *other = open_topic("news", &opts);
        shmrpc_sub *sub = subscribe(other);
        shmrpc_sub *second = subscribe(topic);
        /* Read-only participants take no seat, but see which subscribers have
         * one. */
        shmrpc_topic_stat stat;
        assert_int_equal(shmrpc_topic_stat_read(other, &stat), SHMRPC_OK);
        assert_int_equal(stat.subscriber_count, i > 0 ? 1 : 2);
        assert_int_equal(next_number(sub), 3 + (i > 0 ? 3 : 0));
        assert_int_equal(next_number(sub), 4 + (i > 0 ? 3 : 0));
        expect_next(sub, SHMRPC_E_BUSY);
        for (int64_t j = 5; j < 8; j++) {
            publish(topic, j);
            assert_int_equal(next_number(sub), j);
        }
        assert_int_equal(next_number(second), 3 + (i > 0 ? 3 : 0));
        shmrpc_sub_close(second);
        shmrpc_sub_close(sub);
        shmrpc_topic_close(other);
    }
    shmrpc_topic_close(topic);
}

static void slow_subscribers_are_told_what_they_lost(void **state)
{
    (void)state;
    shmrpc_topic *topic = open_topic("fast", NULL);
    shmrpc_sub *sub = subscribe(topic);
    const shmrpc_any *message;
    shmrpc_error error;
    int64_t last = 100000;
    for (int64_t i = 0; i <= last; i++) {
        publish(topic, i);
    }
    EXPECT(shmrpc_sub_next(sub, &message, &at_once, &error), SHMRPC_E_LOST,
           &error);
    uint64_t lost = shmrpc_sub_lost(sub);
    assert_in_range(lost, 1, last);
    for (int64_t i = (int64_t)lost; i <= last; i++) {
        assert_int_equal(next_number(sub), i);
    }
    expect_next(sub, SHMRPC_E_BUSY);
    shmrpc_sub_close(sub);
    shmrpc_topic_close(topic);
}

static void publish_later(int index, void *user)
{
    (void)index;
    stage_await(0, 1);
    shmrpc_any message = shmrpc_any_i64(7);
    CHECK(shmrpc_topic_publish(user, &message, &patient, NULL) == SHMRPC_OK);
}

static void next_in_a_child(int index, void *user)
{
    (void)index;
    const shmrpc_any *message;
    CHECK(shmrpc_sub_next(user, &message, &at_once, NULL) == SHMRPC_E_FORKED);
    shmrpc_sub_close(user);
}

static void children_publish_but_do_not_inherit_subscriptions(void **state)
{
    (void)state;
    shmrpc_topic *topic = open_topic("forks", NULL);
    shmrpc_sub *sub = subscribe(topic);
    pid_t child = stage_cast(publish_later, 0, topic);
    stage_advance(0);
    assert_int_equal(next_number(sub), 7);
    stage_dismiss(child, 0);
    stage_dismiss(stage_cast(next_in_a_child, 0, sub), 0);
    publish(topic, 8);
    assert_int_equal(next_number(sub), 8);
    shmrpc_sub_close(sub);
    shmrpc_topic_close(topic);
}

static void ends_of_topics_are_told(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_any message = shmrpc_any_null();
    shmrpc_topic_stat stat;
    shmrpc_topic_opts bad = {.overflow = SHMRPC_OVERFLOW_FAIL};
    shmrpc_topic *topic = open_topic("end", NULL);
    shmrpc_sub *sub = subscribe(topic);
    publish(topic, 1);
    assert_int_equal(shmrpc_topic_end(topic), SHMRPC_OK);
    EXPECT(shmrpc_topic_publish(topic, &message, NULL, &error),
           SHMRPC_E_CANCELLED, &error);
    assert_int_equal(next_number(sub), 1);
    expect_next(sub, SHMRPC_E_CANCELLED);
    assert_int_equal(shmrpc_topic_stat_read(topic, &stat), SHMRPC_OK);
    assert_int_equal(stat.published_count, 1);
    assert_int_equal(stat.subscriber_count, 1);
    assert_int_equal(stat.open_count, 1);
    assert_true(stat.is_ended);
    assert_int_equal(shmrpc_topic_destroy(topic), SHMRPC_OK);
    expect_next(sub, SHMRPC_E_DESTROYED);
    assert_int_equal(shmrpc_topic_stat_read(topic, &stat), SHMRPC_E_DESTROYED);
    shmrpc_sub_close(sub);
    shmrpc_topic_close(topic);
    EXPECT(shmrpc_topic_open("bad", &bad, &topic, &error), SHMRPC_E_INVALID,
           &error);
}

/* ---- pipes --------------------------------------------------------------- */

static shmrpc_pipe *open_pipe(const char *name, uint64_t capacity)
{
    shmrpc_pipe *pipe = NULL;
    shmrpc_error error;
    shmrpc_pipe_opts opts = {.capacity = capacity};
    EXPECT(shmrpc_pipe_open(name, &opts, &pipe, &error), SHMRPC_OK, &error);
    return pipe;
}

#define STREAM_BYTES 1000000u

static uint8_t byte_at(size_t position)
{
    return (uint8_t)(position * 31 + position / 251);
}

static void write_a_stream(int index, void *user)
{
    uint8_t data[777];
    shmrpc_pipe *pipe = user;
    for (size_t at = 0; at < STREAM_BYTES;) {
        size_t len =
            STREAM_BYTES - at < sizeof data ? STREAM_BYTES - at : sizeof data;
        for (size_t i = 0; i < len; i++) {
            data[i] = byte_at(at + i);
        }
        CHECK(shmrpc_pipe_write(pipe, data, len, &patient, NULL, NULL) ==
              SHMRPC_OK);
        at += len;
    }
    if (index == 0) {
        CHECK(shmrpc_pipe_end(pipe) == SHMRPC_OK);
    } else {
        stage_advance(0);
        stage_await(1, 1);
    }
}

static void read_a_stream(shmrpc_pipe *pipe)
{
    uint8_t data[1000];
    shmrpc_error error;
    for (size_t at = 0; at < STREAM_BYTES;) {
        size_t len = 0;
        EXPECT(
            shmrpc_pipe_read(pipe, data, sizeof data, &patient, &len, &error),
            SHMRPC_OK, &error);
        assert_in_range(len, 1, sizeof data);
        for (size_t i = 0; i < len; i++) {
            if (data[i] != byte_at(at + i)) {
                fail_msg("wrong byte at %zu", at + i);
            }
        }
        at += len;
    }
}

static void streams_come_whole_and_end(void **state)
{
    (void)state;
    uint8_t data[8];
    size_t len = 9;
    shmrpc_error error;
    shmrpc_pipe_stat stat;
    shmrpc_pipe *pipe = open_pipe("p", 0);
    pid_t writer = stage_cast(write_a_stream, 0, pipe);
    read_a_stream(pipe);
    stage_dismiss(writer, 0);
    EXPECT(shmrpc_pipe_read(pipe, data, sizeof data, &patient, &len, &error),
           SHMRPC_OK, &error);
    assert_int_equal(len, 0);
    EXPECT(shmrpc_pipe_write(pipe, data, 1, &patient, &len, &error),
           SHMRPC_E_CANCELLED, &error);
    assert_int_equal(shmrpc_pipe_stat_read(pipe, &stat), SHMRPC_OK);
    assert_int_equal(stat.written_count, STREAM_BYTES);
    assert_int_equal(stat.read_count, STREAM_BYTES);
    assert_true(stat.is_ended);
    assert_int_equal(shmrpc_pipe_destroy(pipe), SHMRPC_OK);
    assert_int_equal(shmrpc_pipe_stat_read(pipe, &stat), SHMRPC_E_DESTROYED);
    shmrpc_pipe_close(pipe);
}

static void dead_writers_are_no_end(void **state)
{
    (void)state;
    uint8_t data[8];
    size_t len;
    shmrpc_error error;
    shmrpc_pipe *pipe = open_pipe("p", 4u << 20);
    pid_t writer = stage_cast(write_a_stream, 1, pipe);
    stage_await(0, 1);
    EXPECT(shmrpc_pipe_write(pipe, "x", 1, &at_once, &len, &error),
           SHMRPC_E_BUSY, &error);
    stage_kill(writer);
    read_a_stream(pipe);
    EXPECT(shmrpc_pipe_read(pipe, data, sizeof data, &patient, &len, &error),
           SHMRPC_E_OWNER_DIED, &error);
    EXPECT(shmrpc_pipe_read(pipe, data, sizeof data, &at_once, &len, &error),
           SHMRPC_E_BUSY, &error);
    EXPECT(shmrpc_pipe_write(pipe, "hello", 5, &patient, &len, &error),
           SHMRPC_OK, &error);
    assert_int_equal(len, 5);
    EXPECT(shmrpc_pipe_read(pipe, data, sizeof data, &patient, &len, &error),
           SHMRPC_OK, &error);
    assert_int_equal(len, 5);
    assert_memory_equal(data, "hello", 5);
    shmrpc_pipe_close(pipe);
}

static void full_pipes_take_what_fits(void **state)
{
    (void)state;
    static uint8_t data[100000];
    size_t len = 0;
    shmrpc_error error;
    shmrpc_pipe *pipe = open_pipe("p", 4096);
    EXPECT(shmrpc_pipe_write(pipe, data, sizeof data, &at_once, &len, &error),
           SHMRPC_E_BUSY, &error);
    assert_int_equal(len, 4096);
    shmrpc_pipe_close(pipe);
    shmrpc_pipe_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_subscriber_gets_each_message),
        TEST(slow_subscribers_are_told_what_they_lost),
        TEST(children_publish_but_do_not_inherit_subscriptions),
        TEST(ends_of_topics_are_told),
        TEST(streams_come_whole_and_end),
        TEST(dead_writers_are_no_end),
        TEST(full_pipes_take_what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
