/* Handlers that build their replies in lent memory, over each transport. */
#include "harness.h"

#include <pthread.h>
#include <unistd.h>

#include "loan_client.h"
#include "loan_server.h"

typedef enum kind {
    WHOLE,
    HALF,
    MIDDLE,
    OTHER,
    FAILURE,
    TWICE,
    TOO_MUCH,
    KINDS
} kind;

#define MOST (1024u * 1024)

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

static void fill(uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        at[i] = byte_at(i);
    }
}

/* ---- the server ---- */

static int answer(shmrpc_ctx *ctx, void *user, shmrpc_bytes order,
                  shmrpc_bytes *ret)
{
    uint32_t words[2];
    (void)user;
    memcpy(words, order.ptr, sizeof words);
    size_t size = words[1];
    uint8_t *at = shmrpc_ctx_loan(ctx, size);
    if (at == NULL) {
        return shmrpc_ctx_fail(ctx, SHMRPC_E_NO_MEMORY, "no loan");
    }
    fill(at, size);
    *ret = shmrpc_bytes_of(at, size);
    switch ((kind)words[0]) {
    case HALF:
        ret->len = size / 2;
        break;
    case MIDDLE:
        *ret = shmrpc_bytes_of(at + size / 4, size / 2);
        break;
    case OTHER:
        at = shmrpc_ctx_alloc(ctx, size + 1, 1);
        fill(at, size + 1);
        *ret = shmrpc_bytes_of(at, size + 1);
        break;
    case FAILURE:
        return shmrpc_ctx_fail(ctx, SHMRPC_E_NOT_FOUND, "%u were lent",
                               (unsigned)size);
    case TWICE:
        return shmrpc_ctx_loan(ctx, 1) == NULL ? SHMRPC_OK : SHMRPC_E_INTERNAL;
    default:
        break;
    }
    return SHMRPC_OK;
}

static int lends(shmrpc_ctx *ctx, void *user, uint32_t *ret)
{
    (void)user;
    *ret = shmrpc_ctx_loan(ctx, 8) != NULL;
    return SHMRPC_OK;
}

static void *run(void *user)
{
    shmrpc_error error;
    if (shmrpc_server_run(user, &error) != SHMRPC_OK) {
        (void)fprintf(stderr, "run: %s\n", error.message);
        abort();
    }
    return NULL;
}

/* ---- the client ---- */

/* How calls are made: replies are copied, or read in place. */
static const shmrpc_opts ways[] = {{0}, {.flags = SHMRPC_OPT_IN_PLACE}};
static const shmrpc_opts *way;

static int ask(loan_lender *client, kind what, uint32_t size,
               const loan_lender_answer_reply **reply, shmrpc_error *error)
{
    uint32_t words[2] = {(uint32_t)what, size};
    return loan_lender_answer(client, shmrpc_bytes_of(words, sizeof words), way,
                              reply, error);
}

/* `from` and `len` are the part of the filled bytes that is returned. */
static void expect(loan_lender *client, kind what, uint32_t size, size_t from,
                   size_t len)
{
    const loan_lender_answer_reply *reply;
    shmrpc_error error;
    if (ask(client, what, size, &reply, &error) != SHMRPC_OK) {
        fail_msg("kind %d, %u bytes: %s", (int)what, size, error.message);
    }
    assert_int_equal(reply->value.len, len);
    const uint8_t *at = reply->value.ptr;
    for (size_t i = 0; i < len; i++) {
        if (at[i] != byte_at(from + i)) {
            fail_msg("kind %d, %u bytes: byte %zu differs", (int)what, size, i);
        }
    }
    loan_lender_answer_release(reply);
}

static void expect_all_kinds(loan_lender *client, uint32_t size)
{
    const loan_lender_answer_reply *reply;
    shmrpc_error error;
    expect(client, WHOLE, size, 0, size);
    expect(client, HALF, size, 0, size / 2);
    expect(client, MIDDLE, size, size / 4, size / 2);
    if (size < MOST) {
        expect(client, OTHER, size, 0, size + 1);
    }
    expect(client, TWICE, size, 0, size);
    assert_int_equal(ask(client, FAILURE, size, &reply, &error),
                     SHMRPC_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "were lent"));
    expect(client, WHOLE, size, 0, size);
}

static void expect_the_bound(loan_lender *client)
{
    const loan_lender_answer_reply *reply;
    shmrpc_error error;
    assert_int_equal(ask(client, TOO_MUCH, MOST + 1, &reply, &error),
                     SHMRPC_E_INTERNAL);
    assert_string_equal(error.path, "result");
    expect(client, WHOLE, 5, 0, 5);
}

static void over(const char *where)
{
    loan_lender_impl impl = LOAN_LENDER_IMPL_INIT;
    const shmrpc_server_opts opts = {.listen = where, .workers = 1};
    shmrpc_server *server;
    loan_lender *client;
    shmrpc_error error;
    pthread_t thread;
    uint32_t has_lent = 7;
    impl.answer = answer;
    impl.lends = lends;
    if (shmrpc_server_create(&opts, &server, &error) != SHMRPC_OK ||
        loan_lender_serve(server, &impl, NULL, &error) != SHMRPC_OK) {
        fail_msg("%s: %s", where, error.message);
    }
    assert_int_equal(pthread_create(&thread, NULL, run, server), 0);
    if (loan_lender_connect(where, NULL, &client, &error) != SHMRPC_OK) {
        fail_msg("%s: %s", where, error.message);
    }
    const uint32_t sizes[] = {4, 100, 232, 233, 5000, 70000, MOST};
    for (way = ways; way < ways + sizeof ways / sizeof *ways; way++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            expect_all_kinds(client, sizes[i]);
        }
        expect_the_bound(client);
    }
    assert_int_equal(loan_lender_lends(client, NULL, &has_lent, &error), 0);
    assert_int_equal(has_lent, 0);
    loan_lender_close(client);
    shmrpc_server_stop(server);
    assert_int_equal(pthread_join(thread, NULL), 0);
    shmrpc_server_destroy(server);
}

static void replies_in_place_over_shm(void **state)
{
    char where[96];
    (void)state;
    harness_address("lender", where);
    over(where);
}

static void replies_in_place_within_the_process(void **state)
{
    (void)state;
    over("inproc://");
}

static void replies_in_place_over_a_socket(void **state)
{
    char where[160];
    (void)state;
    (void)snprintf(where, sizeof where, "unix://%s/lender.%ld.sock",
                   getenv("SHMRPC_DIR"), (long)getpid());
    over(where);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_in_place_over_shm),
        cmocka_unit_test(replies_in_place_within_the_process),
        cmocka_unit_test(replies_in_place_over_a_socket),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
