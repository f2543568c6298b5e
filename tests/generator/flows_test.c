/* Tests generated streams of every shape over inproc, linked with the public
 * library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "flows_client.h"
#include "flows_server.h"

/* ---- the service -----------------------------------------------------------
 */

static int words(shmrpc_ctx *ctx, void *user, shmrpc_str text,
                 flows_flows_words_sink *out)
{
    (void)user;
    const char *end = text.ptr + text.len;
    uint64_t count = 0;
    for (const char *at = text.ptr; at < end;) {
        const char *stop = memchr(at, ' ', (size_t)(end - at));
        size_t len = (size_t)((stop != NULL ? stop : end) - at);
        const flows_word word = {{at, len}, (uint64_t)(at - text.ptr)};
        int status = flows_flows_words_sink_send(out, &word);
        if (status != SHMRPC_OK) {
            return status;
        }
        if (++count == 3) {
            const flows_too_many detail = {3, shmrpc_str_of("enough")};
            return flows_raise_too_many(ctx, &detail);
        }
        at += len + 1;
    }
    return SHMRPC_OK;
}

static int count(shmrpc_ctx *ctx, void *user, uint64_t most,
                 flows_flows_count_source *in, uint64_t *ret)
{
    (void)user;
    const flows_word *word;
    int status;
    while ((status = flows_flows_count_source_next(in, &word)) == SHMRPC_MORE) {
        if (word->at != *ret || ++*ret > most) {
            const flows_too_many detail = {most, word->text};
            return flows_raise_too_many(ctx, &detail);
        }
    }
    return status;
}

static int joined(shmrpc_ctx *ctx, void *user, flows_flows_joined_source *in,
                  shmrpc_str *ret)
{
    (void)user;
    const shmrpc_str *piece;
    int status;
    shmrpc_str all = {"", 0};
    while ((status = flows_flows_joined_source_next(in, &piece)) ==
           SHMRPC_MORE) {
        if (shmrpc_ctx_printf(ctx, &all, "%.*s%.*s", (int)all.len, all.ptr,
                              (int)piece->len, piece->ptr) != SHMRPC_OK) {
            return SHMRPC_E_NO_MEMORY;
        }
    }
    *ret = all;
    return status;
}

static int drop(shmrpc_ctx *ctx, void *user, flows_flows_drop_source *in)
{
    (void)ctx;
    const uint32_t *number;
    int status;
    while ((status = flows_flows_drop_source_next(in, &number)) ==
           SHMRPC_MORE) {
        *(uint64_t *)user += *number;
    }
    return status;
}

static int twice(shmrpc_ctx *ctx, void *user, flows_flows_twice_source *in,
                 flows_flows_twice_sink *out)
{
    (void)ctx;
    (void)user;
    const int64_t *number;
    int status;
    while ((status = flows_flows_twice_source_next(in, &number)) ==
           SHMRPC_MORE) {
        int64_t *result;
        status = flows_flows_twice_sink_loan(out, &result);
        if (status == SHMRPC_OK) {
            *result = 2 * *number;
            status = flows_flows_twice_sink_commit(out, result);
        }
        if (status != SHMRPC_OK) {
            break;
        }
    }
    return status;
}

static int cat(shmrpc_ctx *ctx, void *user, shmrpc_bytes data,
               flows_flows_cat_sink *out)
{
    (void)ctx;
    (void)user;
    int status = SHMRPC_OK;
    for (size_t at = 0; status == SHMRPC_OK && at < data.len; at += 7) {
        size_t left = data.len - at;
        size_t len = left < 7 ? left : 7;
        uint8_t *part;
        status = flows_flows_cat_sink_loan(out, 7, &part);
        if (status == SHMRPC_OK) {
            memcpy(part, data.ptr + at, len);
            status = flows_flows_cat_sink_commit(out, part, len);
        }
    }
    return status;
}

/* ---- both ends --------------------------------------------------------------
 */

static shmrpc_server *server;
static flows_flows *client;
static pthread_t thread;
static uint64_t dropped;
static shmrpc_error error;

static void *serve(void *unused)
{
    (void)unused;
    shmrpc_error why;
    (void)shmrpc_server_run(server, &why);
    return NULL;
}

static int begin(void **state)
{
    (void)state;
    const shmrpc_server_opts opts = {.listen = "inproc://", .workers = 2};
    flows_flows_impl impl = FLOWS_FLOWS_IMPL_INIT;
    impl.words = words;
    impl.count = count;
    impl.joined = joined;
    impl.drop = drop;
    impl.twice = twice;
    impl.cat = cat;
    assert_int_equal(shmrpc_server_create(&opts, &server, &error), SHMRPC_OK);
    assert_int_equal(flows_flows_serve(server, &impl, &dropped, &error),
                     SHMRPC_OK);
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
    assert_int_equal(flows_flows_connect("inproc://", NULL, &client, &error),
                     SHMRPC_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    flows_flows_close(client);
    shmrpc_server_stop(server);
    assert_int_equal(pthread_join(thread, NULL), 0);
    shmrpc_server_destroy(server);
    return 0;
}

static void results_then_an_error_with_details(void **state)
{
    (void)state;
    static const char *const wanted[] = {"one", "two", "three"};
    flows_flows_words_stream *stream;
    const flows_word *word;
    assert_int_equal(flows_flows_words(client, shmrpc_str_of("one two three"),
                                       NULL, &stream, &error),
                     SHMRPC_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(flows_flows_words_next(stream, &word, &error),
                         SHMRPC_MORE);
        assert_true(shmrpc_str_equal(word->text, shmrpc_str_of(wanted[i])));
    }
    assert_int_equal(flows_flows_words_next(stream, &word, &error),
                     FLOWS_ERR_TOO_MANY);
    const flows_too_many *why = flows_flows_words_too_many(stream);
    assert_non_null(why);
    assert_int_equal(why->most, 3);
    assert_true(shmrpc_str_equal(why->why, shmrpc_str_of("enough")));
    flows_flows_words_close(stream);
    assert_int_equal(flows_flows_words(client, shmrpc_str_of("one two"), NULL,
                                       &stream, &error),
                     SHMRPC_OK);
    int status;
    while ((status = flows_flows_words_next(stream, &word, &error)) ==
           SHMRPC_MORE) {
    }
    assert_int_equal(status, SHMRPC_OK);
    assert_null(flows_flows_words_too_many(stream));
    flows_flows_words_close(stream);
}

static void uploads(void **state)
{
    (void)state;
    flows_flows_count_stream *counted;
    const flows_flows_count_reply *reply = NULL;
    flows_word word = {shmrpc_str_of("word"), 0};
    assert_int_equal(flows_flows_count(client, 1000, NULL, &counted, &error),
                     SHMRPC_OK);
    for (; word.at < 1000; word.at++) {
        assert_int_equal(flows_flows_count_send(counted, &word, &error),
                         SHMRPC_OK);
    }
    assert_int_equal(flows_flows_count_finish(counted, &reply, &error),
                     SHMRPC_OK);
    assert_int_equal(reply->value, 1000);
    flows_flows_count_release(reply);
    reply = NULL;
    word.at = 0;
    assert_int_equal(flows_flows_count(client, 0, NULL, &counted, &error),
                     SHMRPC_OK);
    assert_int_equal(flows_flows_count_send(counted, &word, &error), SHMRPC_OK);
    assert_int_equal(flows_flows_count_finish(counted, &reply, &error),
                     FLOWS_ERR_TOO_MANY);
    assert_non_null(flows_flows_count_too_many(reply));
    flows_flows_count_release(reply);
}

static void text_and_nothing_come_back(void **state)
{
    (void)state;
    flows_flows_joined_stream *text;
    flows_flows_drop_stream *numbers;
    const flows_flows_joined_reply *reply = NULL;
    assert_int_equal(flows_flows_joined(client, NULL, &text, &error),
                     SHMRPC_OK);
    for (const char *at = "stream"; *at != '\0'; at++) {
        const shmrpc_str piece = {at, 1};
        assert_int_equal(flows_flows_joined_send(text, &piece, &error),
                         SHMRPC_OK);
    }
    assert_int_equal(flows_flows_joined_finish(text, &reply, &error),
                     SHMRPC_OK);
    assert_true(shmrpc_str_equal(reply->value, shmrpc_str_of("stream")));
    flows_flows_joined_release(reply);
    dropped = 0;
    assert_int_equal(flows_flows_drop(client, NULL, &numbers, &error),
                     SHMRPC_OK);
    for (uint32_t i = 1; i <= 100; i++) {
        assert_int_equal(flows_flows_drop_send(numbers, &i, &error), SHMRPC_OK);
    }
    assert_int_equal(flows_flows_drop_finish(numbers, &error), SHMRPC_OK);
    assert_int_equal(dropped, 5050);
}

static void both_ways(void **state)
{
    (void)state;
    flows_flows_twice_stream *stream;
    const int64_t *number;
    assert_int_equal(flows_flows_twice(client, NULL, &stream, &error),
                     SHMRPC_OK);
    for (int64_t i = 0; i < 500; i++) {
        int64_t *lent;
        assert_int_equal(flows_flows_twice_loan(stream, &lent, &error),
                         SHMRPC_OK);
        flows_flows_twice_abort(stream, lent);
        if (i % 2 == 0) {
            assert_int_equal(flows_flows_twice_try_send(stream, &i, &error),
                             SHMRPC_OK);
        } else {
            assert_int_equal(flows_flows_twice_loan(stream, &lent, &error),
                             SHMRPC_OK);
            *lent = i;
            assert_int_equal(flows_flows_twice_commit(stream, lent, &error),
                             SHMRPC_OK);
        }
        assert_int_equal(flows_flows_twice_next(stream, &number, &error),
                         SHMRPC_MORE);
        assert_int_equal(*number, 2 * i);
    }
    assert_int_equal(flows_flows_twice_end(stream, &error), SHMRPC_OK);
    assert_int_equal(flows_flows_twice_next(stream, &number, &error),
                     SHMRPC_OK);
    assert_int_equal(flows_flows_twice_delivered(stream), 500);
    flows_flows_twice_close(stream);
}

typedef struct pieces {
    size_t bytes;
    unsigned ends;
    int status;
} pieces;

static int on_piece(void *user, const shmrpc_bytes *piece)
{
    pieces *p = user;
    p->bytes += piece->len;
    return p->bytes == 7 ? SHMRPC_PAUSE : SHMRPC_MORE;
}

static void on_pieces_end(void *user, int status, const shmrpc_error *why)
{
    pieces *p = user;
    (void)why;
    p->ends++;
    p->status = status;
}

static void by_dispatch(void **state)
{
    (void)state;
    static const char text[] = "the quick brown fox";
    const shmrpc_bytes data = {(const uint8_t *)text, sizeof text};
    flows_flows_cat_stream *stream = NULL;
    pieces got = {.status = 1};
    assert_int_equal(flows_flows_cat_async(client, data, NULL, on_piece,
                                           on_pieces_end, &got, &stream,
                                           &error),
                     SHMRPC_OK);
    while (got.bytes < 7) {
        assert_true(flows_flows_dispatch(client) >= 0);
    }
    assert_true(flows_flows_dispatch(client) >= 0);
    assert_int_equal(got.bytes, 7);
    flows_flows_cat_resume(stream);
    while (got.ends == 0) {
        assert_true(flows_flows_dispatch(client) >= 0);
    }
    assert_int_equal(got.status, SHMRPC_OK);
    assert_int_equal(got.bytes, sizeof text);
    flows_flows_cat_close(stream);
}

static void raw_bytes_and_a_handler_that_is_missing(void **state)
{
    (void)state;
    static const char text[] = "the quick brown fox";
    const shmrpc_bytes data = {(const uint8_t *)text, sizeof text};
    flows_flows_cat_stream *stream;
    flows_flows_through_stream *other;
    const shmrpc_bytes *part;
    size_t at = 0;
    int status;
    assert_int_equal(flows_flows_cat(client, data, NULL, &stream, &error),
                     SHMRPC_OK);
    while ((status = flows_flows_cat_next(stream, &part, &error)) ==
           SHMRPC_MORE) {
        assert_memory_equal(part->ptr, text + at, part->len);
        at += part->len;
    }
    assert_int_equal(status, SHMRPC_OK);
    assert_int_equal(at, sizeof text);
    flows_flows_cat_close(stream);
    assert_int_equal(flows_flows_through(client, NULL, &other, &error),
                     SHMRPC_OK);
    assert_int_equal(flows_flows_through_next(other, &part, &error),
                     SHMRPC_E_UNIMPLEMENTED);
    flows_flows_through_close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(results_then_an_error_with_details),
        TEST(uploads),
        TEST(text_and_nothing_come_back),
        TEST(both_ways),
        TEST(by_dispatch),
        TEST(raw_bytes_and_a_handler_that_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
