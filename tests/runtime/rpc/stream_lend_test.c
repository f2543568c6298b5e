/* Lent items, on both sides and over all transports: items of raw and native
 * methods, in the window and in buffers; and the count of delivered items. */
#include "stream_sample.h"

static void *lend(shmrpc_stream *stream, size_t len)
{
    void *at = NULL;
    if (shmrpc_stub_stream_loan(stream, len, 0, &at, &error) != SHMRPC_OK) {
        fail_msg("loan: %s", error.message);
    }
    return at;
}

static void commit(shmrpc_stream *stream, const void *at, size_t len)
{
    if (shmrpc_stub_stream_commit(stream, at, len, &error) != SHMRPC_OK) {
        fail_msg("commit: %s", error.message);
    }
}

/* The handler sends back what it receives, in lent items too. */
static void raw_items(void **state)
{
    (void)state;
    /* Items within the window of 64 KiB, in pieces, and larger than it. */
    static const size_t lengths[] = {0, 1, 100, 5000, 16000, 20000, 100000};
    shmrpc_stream *stream = open_with(MIRROR, NULL, NULL);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const void *item;
        uint8_t *at = lend(stream, lengths[i] + 10);
        memset(at, (int)i + 1, lengths[i] + 10);
        commit(stream, at, lengths[i]);
        assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error),
                         SHMRPC_MORE);
        const shmrpc_bytes *bytes = item;
        assert_int_equal(bytes->len, lengths[i]);
        for (size_t k = 0; k < bytes->len; k++) {
            assert_int_equal(bytes->ptr[k], i + 1);
        }
    }
    shmrpc_stub_stream_close(stream);
}

static void native_items(void **state)
{
    (void)state;
    const void *item;
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    for (int64_t i = 0; i < 1000; i++) {
        int64_t *at = lend(stream, 0);
        assert_int_equal(*at, 0);
        *at = i;
        commit(stream, at, 0);
        expect_number(stream, 2 * i);
        assert_int_equal(shmrpc_stub_stream_send(stream, &i, 0, &error),
                         SHMRPC_OK);
        expect_number(stream, 2 * i);
    }
    assert_int_equal(shmrpc_stub_stream_end(stream, &error), SHMRPC_OK);
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error), SHMRPC_OK);
    assert_int_equal(shmrpc_stub_stream_delivered(stream), 2000);
    shmrpc_stub_stream_close(stream);
}

static void what_is_lent_is_sent_once(void **state)
{
    (void)state;
    const void *item;
    void *at;
    int64_t number = 7;
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    int64_t *lent = lend(stream, 0);
    *lent = 5;
    assert_int_equal(shmrpc_stub_stream_loan(stream, 0, 0, &at, &error),
                     SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_stub_stream_send(stream, &number, 0, &error),
                     SHMRPC_E_PRECONDITION);
    assert_non_null(strstr(error.message, "lent"));
    assert_int_equal(shmrpc_stub_stream_commit(stream, &number, 0, &error),
                     SHMRPC_E_PRECONDITION);
    shmrpc_stub_stream_abort(stream, &number); /* not a loan: no effect */
    commit(stream, lent, 0);
    expect_number(stream, 10);
    assert_int_equal(shmrpc_stub_stream_commit(stream, lent, 0, &error),
                     SHMRPC_E_PRECONDITION);
    lent = lend(stream, 0);
    shmrpc_stub_stream_abort(stream, lent);
    assert_int_equal(shmrpc_stub_stream_send(stream, &number, 0, &error),
                     SHMRPC_OK);
    expect_number(stream, 14);
    /* A loan that is still open at the end is not sent as an item. */
    (void)lend(stream, 0);
    assert_int_equal(shmrpc_stub_stream_end(stream, &error), SHMRPC_OK);
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error), SHMRPC_OK);
    shmrpc_stub_stream_close(stream);
}

/* Commit checks the bound of the type, and the loan has then ended. */
static void raw_items_keep_their_bounds(void **state)
{
    (void)state;
    void *at;
    shmrpc_stream *stream = open_with(MIRROR, NULL, NULL);
    at = lend(stream, MIRROR_MOST + 1);
    assert_int_equal(
        shmrpc_stub_stream_commit(stream, at, MIRROR_MOST + 1, &error),
        SHMRPC_E_INVALID);
    at = lend(stream, 10);
    assert_int_equal(shmrpc_stub_stream_commit(stream, at, 11, &error),
                     SHMRPC_E_PRECONDITION);
    shmrpc_stub_stream_abort(stream, at);
    shmrpc_stub_stream_close(stream);
    stream = open_with(UP, NULL, NULL);
    assert_int_equal(shmrpc_stub_stream_loan(stream, 10, 0, &at, &error),
                     SHMRPC_E_UNIMPLEMENTED);
    shmrpc_stub_stream_close(stream);
}

/* The client has no room, or the handler has gone. */
static void loans_end_as_sends_do(void **state)
{
    (void)state;
    void *at;
    int status;
    shmrpc_stream *stream = open_with(FLOOD, NULL, NULL);
    expect_number(stream, 0);
    while ((status = shmrpc_stub_stream_loan(stream, 0, SHMRPC_OPT_NONBLOCK,
                                             &at, &error)) == SHMRPC_OK &&
           (status = shmrpc_stub_stream_commit(stream, at, 0, &error)) ==
               SHMRPC_OK) {
    }
    /* If the loan is a buffer, commit finds that there is no room. */
    assert_true(status == SHMRPC_E_BUSY || status == SHMRPC_E_ABORTED);
    shmrpc_stub_stream_close(stream);
    (void)returned(1);
    stream = open_with(MIRROR, NULL, NULL);
    at = lend(stream, 4);
    memcpy(at, "stop", 4);
    commit(stream, at, 4);
    assert_int_equal(returned(2), SHMRPC_OK);
    while ((status = shmrpc_stub_stream_loan(stream, 4, 0, &at, &error)) ==
               SHMRPC_OK &&
           (status = shmrpc_stub_stream_commit(stream, at, 4, &error)) ==
               SHMRPC_OK) {
    }
    assert_int_equal(status, SHMRPC_E_CANCELLED);
    shmrpc_stub_stream_close(stream);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(raw_items),
        TEST(native_items),
        TEST(what_is_lent_is_sent_once),
        TEST(raw_items_keep_their_bounds),
        TEST(loans_end_as_sends_do),
    };
    return over_all(tests, sizeof tests / sizeof *tests, false);
}
