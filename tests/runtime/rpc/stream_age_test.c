/* Streams end when they reach the age that their server allows
 * (max_stream_age), whatever their handlers do, and their clients open them
 * again. */
#include "stream_sample.h"

#include <stdio.h>

#define AGE_NS (50 * SHMRPCI_NS_PER_MS)

static unsigned dropped;
static shmrpci_mutex lock = SHMRPCI_MUTEX_INIT;

/* ---- a stream that is detached, and has nothing to do -------------------- */

static int idle_step(shmrpc_ctx *ctx, shmrpc_function step, void *user,
                     void *result)
{
    (void)step, (void)user, (void)result;
    const void *item;
    int status = shmrpc_stub_source_try_next(shmrpc_stub_source(ctx), &item);
    return status == SHMRPC_E_BUSY ? (int)SHMRPC_MORE : status;
}

static void drop(void *user)
{
    (void)user;
    shmrpci_mutex_lock(&lock);
    dropped++;
    shmrpci_mutex_unlock(&lock);
}

static int detach(shmrpc_ctx *ctx, const void *impl, void *user,
                  const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    return shmrpc_stub_stream_detach(ctx, idle_step, NULL, NULL, drop);
}

/* Only checks, for a while, whether its client has left. */
static int look_only(shmrpc_ctx *ctx, const void *impl, void *user,
                     const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (!shmrpc_ctx_cancelled(ctx) && shmrpci_now_ns() < late_ns) {
        shmrpci_thread_yield();
    }
    return SHMRPC_E_CANCELLED;
}

static const shmrpc_handler own_handlers[METHODS] = {
    [BOTH] = detach, [UP] = look_only};

/* ---- set-up -------------------------------------------------------------- */

static int begin_young(void **state)
{
    other_handlers = NULL;
    age_ns = AGE_NS;
    return begin(state);
}

static int begin_detaching(void **state)
{
    other_handlers = own_handlers;
    age_ns = AGE_NS;
    return begin(state);
}

static int begin_ageless(void **state)
{
    other_handlers = NULL;
    age_ns = 0;
    return begin(state);
}

/* Reads items, which are 0, 1 and so on, up to the end. Returns how many there
 * were. */
static int64_t read_all(shmrpc_stream *stream, int *status)
{
    const void *item;
    int64_t count = 0;
    while ((*status = shmrpc_stub_stream_next(stream, &item, &error)) ==
           SHMRPC_MORE) {
        assert_int_equal(*(const int64_t *)item, count);
        count++;
    }
    return count;
}

static void expect_too_old(int status, int64_t items)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "had %lld items: open it again",
                   (long long)items);
    if (status != SHMRPC_E_UNAVAILABLE ||
        strstr(error.message, wanted) == NULL) {
        fail_msg("%s: \"%s\", but got %d, \"%s\"", place, wanted, status,
                 error.message);
    }
}

/* Checks that the stream has not ended before its time. */
static void expect_age(int64_t opened_ns)
{
    assert_true(shmrpci_now_ns() - opened_ns >= AGE_NS);
}

/* ---- cases --------------------------------------------------------------- */

/* There is always room, so the handler never waits for long. The client opens
 * the stream again, twice, as the error says. */
static void a_busy_stream_ends_after_whole_items(void **state)
{
    const pair_params params = {INT64_MAX, 0};
    (void)state;
    for (unsigned times = 1; times <= 3; times++) {
        int status;
        int64_t opened_ns = shmrpci_now_ns();
        shmrpc_stream *stream = open_with(DOWN, &params, NULL);
        int64_t items = read_all(stream, &status);
        expect_too_old(status, items);
        expect_age(opened_ns);
        shmrpc_stub_stream_close(stream);
        assert_int_equal(returned(times), SHMRPC_E_CANCELLED);
    }
}

/* Items that the handler had sent by then are read later. */
static void a_handler_that_waits_for_room_is_woken(void **state)
{
    const pair_params params = {INT64_MAX, 0};
    int status;
    (void)state;
    shmrpc_stream *stream = open_with(DOWN, &params, NULL);
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
    int64_t items = read_all(stream, &status);
    assert_true(items > 0);
    expect_too_old(status, items);
    shmrpc_stub_stream_close(stream);
}

static void a_handler_that_waits_for_items_is_woken(void **state)
{
    const void *item;
    const int64_t number = 4;
    (void)state;
    int64_t opened_ns = shmrpci_now_ns();
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    assert_int_equal(shmrpc_stub_stream_send(stream, &number, 0, &error),
                     SHMRPC_OK);
    expect_number(stream, 8);
    int status = shmrpc_stub_stream_next(stream, &item, &error);
    expect_too_old(status, 1);
    expect_age(opened_ns);
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
    shmrpc_stub_stream_close(stream);
}

static void a_handler_may_ask(void **state)
{
    int64_t bytes;
    (void)state;
    shmrpc_stream *stream = open_with(UP, NULL, NULL);
    int status = shmrpc_stub_stream_finish(stream, &bytes, &error);
    expect_too_old(status, 0);
}

static void a_detached_stream_ends_too(void **state)
{
    const void *item;
    (void)state;
    dropped = 0;
    int64_t opened_ns = shmrpci_now_ns();
    int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    int status = shmrpc_stub_stream_next(stream, &item, &error);
    expect_too_old(status, 0);
    expect_age(opened_ns);
    shmrpc_stub_stream_close(stream);
    for (unsigned seen = 0; seen != 1;) {
        shmrpci_mutex_lock(&lock);
        seen = dropped;
        shmrpci_mutex_unlock(&lock);
        assert_true(shmrpci_now_ns() < late_ns);
    }
}

/* If the call's deadline is before the age limit, the stream ends with
 * DEADLINE. */
static void an_earlier_deadline_is_a_DEADLINE(void **state)
{
    const shmrpc_opts hasty = {.timeout_ns = AGE_NS / 10};
    const void *item;
    (void)state;
    shmrpc_stream *stream = open_with(BOTH, NULL, &hasty);
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error),
                     SHMRPC_E_DEADLINE);
    shmrpc_stub_stream_close(stream);
}

static void without_a_limit_it_goes_on(void **state)
{
    const int64_t number = 1;
    (void)state;
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    shmrpci_sleep_until(shmrpci_deadline_after(2 * AGE_NS));
    assert_int_equal(shmrpc_stub_stream_send(stream, &number, 0, &error),
                     SHMRPC_OK);
    expect_number(stream, 2);
    shmrpc_stub_stream_close(stream);
}

int main(void)
{
#define CASE(name, begin) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(a_busy_stream_ends_after_whole_items, begin_young),
        CASE(a_handler_that_waits_for_room_is_woken, begin_young),
        CASE(a_handler_that_waits_for_items_is_woken, begin_young),
        CASE(a_handler_may_ask, begin_detaching),
        CASE(a_detached_stream_ends_too, begin_detaching),
        CASE(an_earlier_deadline_is_a_DEADLINE, begin_young),
        CASE(without_a_limit_it_goes_on, begin_ageless),
    };
    return over_all(tests, sizeof tests / sizeof *tests, false);
}
