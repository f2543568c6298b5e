/*
 * Many streams, one after another, that end in every way; and one stream with
 * very many bytes. The resources of both ends and the gateway stay the same.
 *
 * With SHMRPC_TEST_LONG=1 there are 10^6 streams over shared memory, and 1 GiB.
 */
#include "../sanitized.h"
#include "steps_common.h"

#include <unistd.h>

#define ITEM_BYTES ((uint64_t)64 << 10)

static harness_service serve(const void *over)
{
    return harness_serve_over(over, STEPS_SERVER, "steps", 5823, "3");
}

/* ---- resources of the processes ------------------------------------------ */

typedef struct state_of {
    unsigned long kib;
    unsigned fds;
} state_of;

/* Returns the resources of server, client and gateway together. */
static state_of look(const harness_service *service)
{
    const pid_t pids[] = {service->server.pid, getpid(), service->gateway.pid};
    state_of all = {0, 0};
    for (size_t i = 0; i < 3; i++) {
        if (pids[i] != 0) {
            all.kib += harness_rss_kib(pids[i]);
            all.fds += harness_holdings(pids[i]).fds;
        }
    }
    return all;
}

/* The end of a stream may still be in flight, so this waits. Sanitizers use
 * memory of their own for each thread and for freed blocks; with them only
 * descriptors are compared. */
static void expect_no_more(const harness_service *service, state_of before)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    state_of now = look(service);
    while ((!IS_SANITIZED && now.kib > before.kib + HARNESS_GROWTH_KIB) ||
           now.fds > before.fds) {
        if (harness_now_ns() > deadline_ns) {
            fail_msg("%lu KiB and %u descriptors, before %lu and %u", now.kib,
                     now.fds, before.kib, before.fds);
        }
        (void)usleep(10000);
        now = look(service);
    }
}

/* ---- one stream of each kind; each returns how it ended ------------------ */

/* A stream that is half-closed, and closed before its end. */
static int talk(steps_steps *client, shmrpc_error *error)
{
    steps_steps_twice_stream *stream;
    const uint64_t one = 1;
    const uint64_t *two;
    int status = steps_steps_twice(client, NULL, &stream, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = steps_steps_twice_send(stream, &one, error);
    if (status == SHMRPC_OK) {
        status = steps_steps_twice_end(stream, error);
    }
    if (status == SHMRPC_OK) {
        status = steps_steps_twice_next(stream, &two, error);
        assert_true(status < 0 || *two == 2);
    }
    steps_steps_twice_close(stream);
    return status;
}

static int add(steps_steps *client, bool finishes, shmrpc_error *error)
{
    steps_steps_sum_stream *stream;
    const uint64_t one = 1;
    uint64_t sum = 0;
    int status = steps_steps_sum(client, NULL, &stream, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = steps_steps_sum_send(stream, &one, error);
    if (status != SHMRPC_OK || !finishes) {
        steps_steps_sum_close(stream);
        return status;
    }
    status = steps_steps_sum_finish(stream, &sum, error);
    assert_true(status < 0 || sum == 1);
    return status;
}

static int read_some(steps_steps *client, uint64_t most, shmrpc_error *error)
{
    steps_steps_count_stream *stream;
    const uint64_t *number;
    int status = steps_steps_count(client, most, NULL, &stream, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (uint64_t i = 0; status >= 0 && i < 10; i++) {
        status = steps_steps_count_next(stream, &number, error);
        assert_true(status != SHMRPC_MORE || *number == i);
    }
    steps_steps_count_close(stream);
    return status;
}

/* A stream whose handler waits for room. */
static int hold(steps_steps *client, shmrpc_error *error)
{
    steps_steps_held_stream *stream;
    const uint64_t *number;
    int status = steps_steps_held(client, NULL, &stream, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = steps_steps_held_next(stream, &number, error);
    steps_steps_held_close(stream);
    return status;
}

static int one_of(steps_steps *client, unsigned kind, shmrpc_error *error)
{
    switch (kind) {
    case 0:
        return talk(client, error);
    case 1:
        return add(client, true, error);
    case 2:
        return add(client, false, error);
    case 3:
        return read_some(client, 0, error);
    case 4:
        return read_some(client, 5, error);
    default:
        return hold(client, error);
    }
}

/* Opens one stream, retrying because the places of earlier streams may not be
 * free yet. Discards what the handlers print when they begin and end. */
static void one_more(const harness_service *service, steps_steps *client,
                     unsigned number)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    shmrpc_error error;
    int status;
    while ((status = one_of(client, number % 6, &error)) < 0) {
        if (status != SHMRPC_E_EXHAUSTED || harness_now_ns() > deadline_ns) {
            fail_msg("stream %u: %s", number, error.message);
        }
    }
    harness_discard(&service->server);
}

static void many_streams(void **state)
{
    bool is_local = *state == harness_shm;
    unsigned count = !harness_is_long() ? 600 : is_local ? 1000000 : 100000;
    harness_service service = serve(*state);
    steps_steps *client = connect_to(service.where);
    for (unsigned i = 0; i < count / 3; i++) {
        one_more(&service, client, i);
    }
    state_of before = look(&service);
    for (unsigned i = count / 3; i < count; i++) {
        one_more(&service, client, i);
    }
    expect_no_more(&service, before);
    expect_echo(client);
    steps_steps_close(client);
    harness_end(&service);
}

/* ---- many bytes ---------------------------------------------------------- */

/* Expects the next item; it contains its position at both ends. */
static void expect_item(steps_steps_pour_stream *stream, uint64_t at)
{
    shmrpc_error error;
    const shmrpc_bytes *item;
    uint64_t first;
    uint64_t last;
    if (steps_steps_pour_next(stream, &item, &error) != SHMRPC_MORE) {
        fail_msg("pour: %s", error.message);
    }
    assert_int_equal(item->len, ITEM_BYTES);
    memcpy(&first, item->ptr, sizeof first);
    memcpy(&last, item->ptr + ITEM_BYTES - sizeof last, sizeof last);
    assert_int_equal(first, at);
    assert_int_equal(last, at);
}

static void many_bytes(void **state)
{
    const uint64_t all = (uint64_t)(harness_is_long() ? 1024 : 32) << 20;
    const shmrpc_bytes count = {(const uint8_t *)&all, sizeof all};
    shmrpc_error error;
    steps_steps_pour_stream *stream;
    const shmrpc_bytes *none;
    harness_service service = serve(*state);
    steps_steps *client = connect_to(service.where);
    state_of before = {0, 0};
    int64_t began_ns = harness_now_ns();
    if (steps_steps_pour(client, count, NULL, &stream, &error) != SHMRPC_OK) {
        fail_msg("pour: %s", error.message);
    }
    for (uint64_t at = 0; at < all; at += ITEM_BYTES) {
        expect_item(stream, at);
        if (at == all / 4) {
            before = look(&service);
        }
    }
    assert_int_equal(steps_steps_pour_next(stream, &none, &error), SHMRPC_OK);
    print_message("%llu MiB in %lld ms\n", (unsigned long long)(all >> 20),
                  (long long)((harness_now_ns() - began_ns) / MS));
    expect_no_more(&service, before);
    steps_steps_pour_close(stream);
    steps_steps_close(client);
    harness_end(&service);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        HARNESS_CASES(many_streams, NULL, NULL),
        HARNESS_CASES(many_bytes, NULL, NULL),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
