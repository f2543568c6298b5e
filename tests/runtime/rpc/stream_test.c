/* Streams over inproc, shm and each kind of socket, and through a gateway. Uses
 * the tables and functions that generated code uses. Tests both sides,
 * and every way to end. */
#include "stream_sample.h"

#include <sys/wait.h>
#include <unistd.h>

#include "shmrpc/beside.h"
#include "transport/transport.h"

static int send_word(shmrpc_stream *stream, const char *word)
{
    const shmrpc_str item = shmrpc_str_of(word);
    return shmrpc_stub_stream_send(stream, &item, 0, &error);
}

/* ---- cases --------------------------------------------------------------- */

static void results_then_the_end(void **state)
{
    (void)state;
    const pair_params params = {3000, 0};
    const void *item;
    shmrpc_stream *stream = open_with(DOWN, &params, NULL);
    for (int64_t i = 0; i < params.a; i++) {
        expect_number(stream, i);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error),
                         SHMRPC_OK);
    }
    shmrpc_stub_stream_close(stream);
}

/* Items that were sent come first, then the error, with message and payload. */
static void items_then_the_error(void **state)
{
    (void)state;
    const pair_params params = {5, DETAILED_ERROR};
    const void *item;
    shmrpc_stream *stream = open_with(DOWN, &params, NULL);
    for (int64_t i = 0; i < params.a; i++) {
        expect_number(stream, i);
    }
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error),
                     DETAILED_ERROR);
    assert_string_equal(error.name, detailed_error.name);
    const detail *why = shmrpc_stub_stream_payload(stream, &detailed_error);
    assert_non_null(why);
    assert_true(shmrpc_str_equal(why->text, shmrpc_str_of("four")));
    shmrpc_stub_stream_close(stream);
}

static void early_close_cancels(void **state)
{
    (void)state;
    const pair_params params = {INT64_MAX, 0};
    shmrpc_stream *stream = open_with(DOWN, &params, NULL);
    expect_number(stream, 0);
    shmrpc_stub_stream_close(stream);
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
    shmrpc_stub_stream_close(NULL);
}

static void uploads_get_one_result(void **state)
{
    (void)state;
    static char large[50001];
    int64_t bytes = 0;
    shmrpc_stream *stream = open_with(UP, NULL, NULL);
    memset(large, 'x', 50000);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(send_word(stream, "four"), SHMRPC_OK);
    }
    assert_int_equal(send_word(stream, large), SHMRPC_OK);
    const shmrpc_str too_long = {large, 50001};
    assert_int_equal(shmrpc_stub_stream_send(stream, &too_long, 0, &error),
                     SHMRPC_E_INVALID);
    assert_non_null(strstr(error.message, "50000"));
    assert_int_equal(send_word(stream, "four"), SHMRPC_OK);
    assert_int_equal(shmrpc_stub_stream_finish(stream, &bytes, &error),
                     SHMRPC_OK);
    assert_int_equal(bytes, 101 * 4 + 50000);
}

/* The handler has read enough. Sends then report that, and the result is
 * available. */
static void handler_that_returns_early(void **state)
{
    (void)state;
    int64_t bytes = 0;
    int status;
    shmrpc_stream *stream = open_with(UP, NULL, NULL);
    assert_int_equal(send_word(stream, "four"), SHMRPC_OK);
    assert_int_equal(send_word(stream, "stop"), SHMRPC_OK);
    while ((status = send_word(stream, "more")) == SHMRPC_OK) {
    }
    assert_int_equal(status, SHMRPC_E_CANCELLED);
    assert_int_equal(shmrpc_stub_stream_finish(stream, &bytes, &error),
                     SHMRPC_OK);
    assert_int_equal(bytes, 4);
    stream = open_with(UP, NULL, NULL);
    assert_int_equal(send_word(stream, "fail"), SHMRPC_OK);
    while ((status = send_word(stream, "more")) == SHMRPC_OK) {
    }
    assert_int_equal(status, SHMRPC_E_NOT_FOUND);
    assert_string_equal(error.message, "no more");
    assert_int_equal(shmrpc_stub_stream_finish(stream, &bytes, &error),
                     SHMRPC_E_NOT_FOUND);
}

static void upload_that_is_closed(void **state)
{
    (void)state;
    shmrpc_stream *stream = open_with(UP, NULL, NULL);
    assert_int_equal(send_word(stream, "four"), SHMRPC_OK);
    shmrpc_stub_stream_close(stream);
    /* If no worker has taken the call yet, it may be withdrawn; then no handler
     * returns. */
    stream = open_with(UP, NULL, NULL);
    int64_t bytes = 0;
    assert_int_equal(shmrpc_stub_stream_finish(stream, &bytes, &error),
                     SHMRPC_OK);
    assert_int_equal(bytes, 0);
}

static void both_ways(void **state)
{
    (void)state;
    const void *item;
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    for (int64_t i = 0; i < 1000; i++) {
        assert_int_equal(shmrpc_stub_stream_send(stream, &i, 0, &error),
                         SHMRPC_OK);
        expect_number(stream, 2 * i);
    }
    assert_int_equal(shmrpc_stub_stream_end(stream, &error), SHMRPC_OK);
    int64_t one = 1;
    assert_int_equal(shmrpc_stub_stream_send(stream, &one, 0, &error),
                     SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error), SHMRPC_OK);
    shmrpc_stub_stream_close(stream);
}

typedef struct sender {
    shmrpc_stream *stream;
    int status;
} sender;

static void send_many(void *user)
{
    sender *s = user;
    shmrpc_error why;
    s->status = SHMRPC_OK;
    for (int64_t i = 0; s->status == SHMRPC_OK && i < 20000; i++) {
        s->status = shmrpc_stub_stream_send(s->stream, &i, 0, &why);
    }
    (void)shmrpc_stub_stream_end(s->stream, &why);
}

/* One thread sends while another one reads: there is no deadlock, however full
 * the windows are. */
static void a_thread_for_each_way(void **state)
{
    (void)state;
    const void *item;
    shmrpci_thread other;
    sender s = {.stream = open_with(BOTH, NULL, NULL)};
    assert_int_equal(shmrpci_thread_create(&other, "sender", send_many, &s),
                     SHMRPC_OK);
    for (int64_t i = 0; i < 20000; i++) {
        expect_number(s.stream, 2 * i);
    }
    assert_int_equal(shmrpc_stub_stream_next(s.stream, &item, &error),
                     SHMRPC_OK);
    shmrpci_thread_join(&other);
    assert_int_equal(s.status, SHMRPC_OK);
    shmrpc_stub_stream_close(s.stream);
}

static void deadlock_is_named(void **state)
{
    (void)state;
    int64_t number = 1;
    int status;
    shmrpc_stream *stream = open_with(FLOOD, NULL, NULL);
    while ((status = shmrpc_stub_stream_send(stream, &number, 0, &error)) ==
           SHMRPC_OK) {
    }
    /* The stream was cancelled by us, or the handler returned the status. */
    assert_int_equal(status, SHMRPC_E_ABORTED);
    assert_non_null(strstr(error.message, "deadlock"));
    shmrpc_stub_stream_close(stream);
    status = returned(1);
    assert_true(status == SHMRPC_E_ABORTED || status == SHMRPC_E_CANCELLED);
}

static void send_without_waiting(void **state)
{
    (void)state;
    int64_t number = 1;
    int status;
    shmrpc_stream *stream = open_with(FLOOD, NULL, NULL);
    expect_number(stream, 0); /* the handler is running */
    while ((status = shmrpc_stub_stream_send(
                stream, &number, SHMRPC_OPT_NONBLOCK, &error)) == SHMRPC_OK) {
    }
    assert_int_equal(status, SHMRPC_E_BUSY);
    shmrpc_stub_stream_close(stream);
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
}

static void raw_bytes(void **state)
{
    (void)state;
    static uint8_t bytes[123456];
    const void *item;
    size_t at = 0;
    int status;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    const bytes_params params = {{bytes, sizeof bytes}};
    shmrpc_stream *stream = open_with(CAT, &params, NULL);
    while ((status = shmrpc_stub_stream_next(stream, &item, &error)) ==
           SHMRPC_MORE) {
        const shmrpc_bytes *part = item;
        assert_true(at + part->len <= sizeof bytes);
        assert_memory_equal(part->ptr, bytes + at, part->len);
        at += part->len;
    }
    assert_int_equal(status, SHMRPC_OK);
    assert_int_equal(at, sizeof bytes);
    shmrpc_stub_stream_close(stream);
}

static void idle_stream_is_given_up(void **state)
{
    (void)state;
    const void *item;
    shmrpc_stream *stream = open_with(IDLE, NULL, NULL);
    /* On a busy machine even the first item may arrive too late. */
    int status = shmrpc_stub_stream_next(stream, &item, &error);
    if (status == SHMRPC_MORE) {
        status = shmrpc_stub_stream_next(stream, &item, &error);
    }
    assert_int_equal(status, SHMRPC_E_DEADLINE);
    assert_non_null(strstr(error.message, "no item in 20 ms"));
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error),
                     SHMRPC_E_DEADLINE);
    shmrpc_stub_stream_close(stream);
}

/* The deadline applies to the whole stream, at both ends. */
static void deadline_of_the_whole(void **state)
{
    (void)state;
    const shmrpc_opts opts = {.timeout_ns = 30 * SHMRPCI_NS_PER_MS};
    const pair_params params = {INT64_MAX, 0};
    const void *item;
    int status;
    shmrpc_stream *stream = open_with(DOWN, &params, &opts);
    while ((status = shmrpc_stub_stream_next(stream, &item, &error)) ==
           SHMRPC_MORE) {
    }
    assert_int_equal(status, SHMRPC_E_DEADLINE);
    shmrpc_stub_stream_close(stream);
}

/* The number of streams that one client may have open is limited; short calls
 * still work. */
static void one_too_many(void **state)
{
    (void)state;
    shmrpc_stream *streams[SHMRPCI_STREAMS_MAX];
    shmrpc_stream *more = NULL;
    for (unsigned i = 0; i < SHMRPCI_STREAMS_MAX; i++) {
        streams[i] = open_with(UP, NULL, NULL);
    }
    assert_int_equal(
        shmrpc_stub_stream_open(client, UP, NULL, NULL, &more, &error),
        SHMRPC_E_EXHAUSTED);
    assert_non_null(strstr(error.message, "48 of 48 streams"));
    assert_false(error.may_have_run);
    for (unsigned i = 0; i < SHMRPCI_STREAMS_MAX; i++) {
        shmrpc_stub_stream_close(streams[i]);
    }
    int64_t bytes = -1;
    assert_int_equal(
        shmrpc_stub_stream_finish(open_with(UP, NULL, NULL), &bytes, &error),
        SHMRPC_OK);
    assert_int_equal(bytes, 0);
}

static void not_in_a_forked_child(void **state)
{
    (void)state;
    const void *item;
    int64_t number = 1;
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool good =
            shmrpc_stub_stream_next(stream, &item, &error) == SHMRPC_E_FORKED &&
            shmrpc_stub_stream_send(stream, &number, 0, &error) ==
                SHMRPC_E_FORKED &&
            shmrpc_stub_stream_end(stream, &error) == SHMRPC_E_FORKED;
        shmrpc_stub_stream_close(stream);
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(shmrpc_stub_stream_send(stream, &number, 0, &error),
                     SHMRPC_OK);
    expect_number(stream, 2);
    shmrpc_stub_stream_close(stream);
}

/* The client calls a method with streams as if it had none, and the server
 * refuses the call. */
static void call_without_its_streams(void **state)
{
    (void)state;
    const pair_params params = {1, 0};
    assert_int_equal(
        shmrpc_stub_call(client, DOWN, &params, NULL, NULL, &error),
        SHMRPC_E_INVALID);
}

/* ---- interceptors -------------------------------------------------------- */

static struct {
    shmrpci_mutex lock;
    shmrpci_cond changed;
    unsigned begun, ended;
    uint64_t in, out;
} looked[2];

static void looked_item(void *user, shmrpc_intercepted *call)
{
    size_t at = call->ctx != NULL ? 1 : 0;
    (void)user;
    shmrpci_mutex_lock(&looked[at].lock);
    looked[at].in = call->items_in;
    looked[at].out = call->items_out;
    shmrpci_mutex_unlock(&looked[at].lock);
}

static int looked_begin(void *user, shmrpc_intercepted *call, shmrpc_error *why)
{
    size_t at = call->ctx != NULL ? 1 : 0;
    (void)user;
    (void)why;
    looked[at].begun++;
    call->state = &looked[at];
    return SHMRPC_OK;
}

static void looked_end(void *user, shmrpc_intercepted *call, int status,
                       const shmrpc_error *why)
{
    size_t at = call->state == &looked[1] ? 1 : 0;
    (void)user;
    (void)status;
    (void)why;
    shmrpci_mutex_lock(&looked[at].lock);
    looked[at].ended++;
    shmrpci_cond_broadcast(&looked[at].changed);
    shmrpci_mutex_unlock(&looked[at].lock);
}

static const shmrpc_interceptor looking = {.size = sizeof looking,
                                           .begin = looked_begin,
                                           .item = looked_item,
                                           .end = looked_end};
static const shmrpc_interceptor *const lookers[] = {&looking, NULL};

static int begin_looked_at(void **state)
{
    memset(looked, 0, sizeof looked);
    for (size_t i = 0; i < 2; i++) {
        shmrpci_mutex_init(&looked[i].lock);
        shmrpci_cond_init(&looked[i].changed);
    }
    who_looks = lookers;
    int status = begin(state);
    who_looks = NULL;
    return status;
}

static void interceptors_see_items_and_one_end(void **state)
{
    (void)state;
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    for (int64_t i = 0; i < 5; i++) {
        assert_int_equal(shmrpc_stub_stream_send(stream, &i, 0, &error),
                         SHMRPC_OK);
        expect_number(stream, 2 * i);
    }
    shmrpc_stub_stream_close(stream);
    for (size_t i = 0; i < 2; i++) {
        int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
        shmrpci_mutex_lock(&looked[i].lock);
        while (looked[i].ended == 0 &&
               shmrpci_cond_wait_until(&looked[i].changed, &looked[i].lock,
                                       late_ns)) {
        }
        assert_int_equal(looked[i].begun, 1);
        assert_int_equal(looked[i].ended, 1);
        assert_int_equal(looked[i].in, 5);
        assert_int_equal(looked[i].out, 5);
        shmrpci_mutex_unlock(&looked[i].lock);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(results_then_the_end),
        TEST(items_then_the_error),
        TEST(early_close_cancels),
        TEST(uploads_get_one_result),
        TEST(handler_that_returns_early),
        TEST(upload_that_is_closed),
        TEST(both_ways),
        TEST(a_thread_for_each_way),
        TEST(deadlock_is_named),
        TEST(send_without_waiting),
        TEST(raw_bytes),
        TEST(idle_stream_is_given_up),
        TEST(deadline_of_the_whole),
        TEST(one_too_many),
        TEST(not_in_a_forked_child),
        TEST(call_without_its_streams),
        cmocka_unit_test_setup_teardown(interceptors_see_items_and_one_end,
                                        begin_looked_at, end),
    };
    return over_all(tests, sizeof tests / sizeof *tests, false);
}
