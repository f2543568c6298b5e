/*
 * If one end of a stream is slow, the memory of the other end does not grow.
 * Tested over inproc, shm and each kind of socket, and through a gateway. Both
 * ends and the gateway are in this process. SHMRPC_TEST_LONG=1 moves 60 times
 * as many large items, and a million small ones.
 */
#include "stream_sample.h"

#include <fcntl.h>
#include <unistd.h>

#include "../../sanitized.h"

/* 8 MB in either direction, in few items, because each item takes long on a
 * busy machine. */
#define ITEM_BYTES 100000
#define ITEMS      80
/* Each of these two numbers of items fills several windows. */
#define WARM_ITEMS  5
#define PAUSE_ITEMS 4
#define GROWTH_KIB  4096

static const uint8_t data[ITEM_BYTES];
static const shmrpc_bytes item_sent = {data, sizeof data};

static unsigned rounds(void)
{
    return getenv("SHMRPC_TEST_LONG") != NULL ? 60 : 1;
}

/* Returns the resident memory of this process: private and shared. */
static size_t resident_kib(void)
{
    char text[128] = "";
    char *rest;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t len = read(fd, text, sizeof text - 1);
    assert_true(len > 0);
    (void)close(fd);
    (void)strtoul(text, &rest, 10);
    return strtoul(rest, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void pause_shortly(void)
{
    shmrpci_sleep_until(shmrpci_deadline_after(SHMRPCI_NS_PER_MS));
}

typedef struct growth {
    size_t first_kib;
    size_t most_kib;
} growth;

static growth growth_begin(void)
{
    size_t now_kib = resident_kib();
    return (growth){now_kib, now_kib};
}

static void growth_look(growth *g)
{
    size_t now_kib = resident_kib();
    g->most_kib = now_kib > g->most_kib ? now_kib : g->most_kib;
}

/* Fails the test if memory has grown. (Not under sanitizers, which keep memory
 * of their own.) */
static void expect_flat(const growth *g)
{
    if (!IS_SANITIZED && g->most_kib > g->first_kib + GROWTH_KIB) {
        fail_msg("%s: %zu KiB have become %zu KiB", place, g->first_kib,
                 g->most_kib);
    }
}

/* Sends as fast as it can. */
static int pour(shmrpc_ctx *ctx, const void *impl, void *user,
                const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    int status = SHMRPC_OK;
    for (int i = 0; i < ITEMS && status == SHMRPC_OK; i++) {
        status = shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &item_sent, 0);
    }
    return status;
}

static void client_that_reads_slowly(void **state)
{
    (void)state;
    const bytes_params params = {{NULL, 0}};
    for (unsigned round = 0; round < rounds(); round++) {
        const void *item;
        int count = 0;
        int status;
        growth g = {0, 0};
        shmrpc_stream *stream = open_with(CAT, &params, NULL);
        while ((status = shmrpc_stub_stream_next(stream, &item, &error)) ==
               SHMRPC_MORE) {
            if (++count == WARM_ITEMS) {
                g = growth_begin();
            } else if (count % PAUSE_ITEMS == 0) {
                pause_shortly();
                growth_look(&g);
            }
        }
        if (status != SHMRPC_OK) {
            fail_msg("%s: %s", place, error.message);
        }
        assert_int_equal(count, ITEMS);
        shmrpc_stub_stream_close(stream);
        expect_flat(&g);
    }
}

/* The items are numbers: a window has room for a few hundred of them, and is
 * full after each pause. */
static void client_that_reads_many_slowly(void **state)
{
    const pair_params params = {rounds() == 1 ? 20000 : 1000000, 0};
    growth g = {0, 0};
    (void)state;
    shmrpc_stream *stream = open_with(DOWN, &params, NULL);
    for (int64_t i = 0; i < params.a; i++) {
        expect_number(stream, i);
        if (i == 1000) {
            g = growth_begin();
        } else if (i % 1000 == 0) {
            pause_shortly();
            growth_look(&g);
        }
    }
    const void *item;
    if (shmrpc_stub_stream_next(stream, &item, &error) != SHMRPC_OK) {
        fail_msg("%s: %s", place, error.message);
    }
    shmrpc_stub_stream_close(stream);
    expect_flat(&g);
}

/* Reads only. */
static int read_slowly(shmrpc_ctx *ctx, const void *impl, void *user,
                       const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    const void *item;
    int count = 0;
    int status;
    while ((status = shmrpc_stub_source_next(shmrpc_stub_source(ctx), &item)) ==
           SHMRPC_MORE) {
        if (++count % PAUSE_ITEMS == 0) {
            pause_shortly();
        }
    }
    return status == SHMRPC_OK && count != ITEMS ? SHMRPC_E_INTERNAL : status;
}

static const shmrpc_handler own_handlers[METHODS] = {
    [CAT] = pour, [MIRROR] = read_slowly};

static int begin_own(void **state)
{
    other_handlers = own_handlers;
    return begin(state);
}

static int begin_usual(void **state)
{
    other_handlers = NULL;
    return begin(state);
}

/* The client sends as fast as it can. */
static void handler_that_reads_slowly(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        const void *item;
        growth g = {0, 0};
        shmrpc_stream *stream = open_with(MIRROR, NULL, NULL);
        for (int i = 0; i < ITEMS; i++) {
            assert_int_equal(
                shmrpc_stub_stream_send(stream, &item_sent, 0, &error),
                SHMRPC_OK);
            if (i == WARM_ITEMS) {
                g = growth_begin();
            } else if (i > WARM_ITEMS) {
                growth_look(&g);
            }
        }
        assert_int_equal(shmrpc_stub_stream_end(stream, &error), SHMRPC_OK);
        if (shmrpc_stub_stream_next(stream, &item, &error) != SHMRPC_OK) {
            fail_msg("%s: %s", place, error.message);
        }
        shmrpc_stub_stream_close(stream);
        expect_flat(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(client_that_reads_slowly, begin_own,
                                        end),
        cmocka_unit_test_setup_teardown(client_that_reads_many_slowly,
                                        begin_usual, end),
        cmocka_unit_test_setup_teardown(handler_that_reads_slowly, begin_own,
                                        end),
    };
    return over_all(tests, sizeof tests / sizeof *tests, false);
}
