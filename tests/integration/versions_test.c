/* A client that was built from an older .svc than the server. Compatible
 * differences work. If there are other differences, connecting fails with an
 * error that names them. Tested over shm, over tcp and through a gateway. */
#include "harness.h"

#include <pthread.h>
#include <signal.h>

#include <shmrpc/client.h>

#include "appended_client.h"
#include "appended_server.h"
#include "grown_server.h"
#include "old_client.h"
#include "old_server.h"
#include "renamed_server.h"
#include "retyped_server.h"
#include "swapped_server.h"

static int find(shmrpc_ctx *ctx, void *user, shmrpc_str text, uint32_t limit,
                const shmrpc_str *language, shmrpc_str *ret)
{
    (void)user;
    (void)text;
    return shmrpc_ctx_printf(ctx, ret, "limit %u, %s", limit,
                             language != NULL ? "a language" : "no language");
}

static int price(shmrpc_ctx *ctx, void *user, uint32_t item, uint64_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = item * 100u;
    return SHMRPC_OK;
}

static int store(shmrpc_ctx *ctx, void *user, const grown_item *item,
                 grown_kind kind, uint32_t count, uint32_t *ret)
{
    (void)user;
    if (item->has_third || kind != GROWN_KIND_FANCY) {
        return SHMRPC_E_INTERNAL;
    }
    if (item->first == 0) {
        return shmrpc_ctx_fail(ctx, GROWN_ERR_SOLD_OUT, "none left");
    }
    *ret = item->first + item->second + item->fourth + count;
    return SHMRPC_OK;
}

/* ---- a server in this process -------------------------------------------- */

typedef struct running {
    shmrpc_server *server;
    pthread_t thread;
    child gateway; /* pid 0: none */
    char where[96];
} running;

/* The transport under test: harness_shm, harness_tcp or harness_gateway. */
static const void *over;

static int set_up(void **state)
{
    over = *state;
    return 0;
}

/* A gateway may start before its service. */
static const shmrpc_opts patient = {.flags = SHMRPC_OPT_WAIT_FOR_READY};

static void *run(void *user)
{
    (void)shmrpc_server_run(user, NULL);
    return NULL;
}

static void begin(running *r)
{
    shmrpc_error error;
    r->gateway.pid = 0;
    harness_address("shop", r->where);
    if (over == harness_tcp) {
        harness_tcp_address(5803, r->where);
    }
    shmrpc_server_opts opts = {
        .listen = r->where, .workers = 1, .force_insecure_serialisation = true};
    if (shmrpc_server_create(&opts, &r->server, &error) != 0) {
        fail_msg("%s", error.message);
    }
    if (over == harness_gateway) {
        r->gateway = harness_relay(r->where, 5803, "tcp://:0");
        (void)snprintf(r->where, sizeof r->where, "%s", r->gateway.place);
    }
}

static int end(running *r, old_shop **client, shmrpc_error *error)
{
    assert_int_equal(pthread_create(&r->thread, NULL, run, r->server), 0);
    return old_shop_connect(r->where, &patient, client, error);
}

static void stop(running *r)
{
    shmrpc_server_stop(r->server);
    (void)pthread_join(r->thread, NULL);
    shmrpc_server_destroy(r->server);
    if (r->gateway.pid != 0) {
        harness_signal(&r->gateway, SIGTERM);
    }
}

static void expect_refusal(running *r, const char *method, const char *what)
{
    old_shop *client = NULL;
    shmrpc_error error = {.code = 0};
    int status = end(r, &client, &error);
    stop(r);
    assert_int_equal(status, SHMRPC_E_CONTRACT);
    assert_null(client);
    if (strstr(error.message, method) == NULL ||
        strstr(error.message, what) == NULL) {
        fail_msg("\"%s\" does not name \"%s\" and \"%s\"", error.message,
                 method, what);
    }
}

static void renamed_method_is_named_at_connect(void **state)
{
    (void)state;
    running r;
    renamed_shop_impl impl = RENAMED_SHOP_IMPL_INIT;
    begin(&r);
    assert_int_equal(renamed_shop_serve(r.server, &impl, NULL, NULL), 0);
    expect_refusal(&r, "find", "");
}

/* With SHMRPC_OPT_PARTIAL a client may connect although a method differs. Only
 * calls of that method fail. */
static void what_differs_is_unimplemented_for_who_accepts_that(void **state)
{
    (void)state;
    running r;
    old_shop *client = NULL;
    shmrpc_error error;
    const old_shop_find_reply *reply = NULL;
    uint64_t cents = 0;
    renamed_shop_impl impl = RENAMED_SHOP_IMPL_INIT;
    shmrpc_opts opts = patient;
    opts.flags |= SHMRPC_OPT_PARTIAL;
    impl.price = price;
    begin(&r);
    assert_int_equal(renamed_shop_serve(r.server, &impl, NULL, NULL), 0);
    assert_int_equal(pthread_create(&r.thread, NULL, run, r.server), 0);
    if (old_shop_connect(r.where, &opts, &client, &error) != 0) {
        fail_msg("connect: %s", error.message);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(old_shop_price(client, 5, NULL, &cents, &error), 0);
        assert_int_equal(cents, 500);
        assert_int_equal(
            old_shop_find(client, shmrpc_str_of("x"), 1, NULL, &reply, &error),
            SHMRPC_E_UNIMPLEMENTED);
        assert_non_null(strstr(error.message, "method find: "));
        assert_false(error.may_have_run);
    }
    old_shop_close(client);
    stop(&r);
}

static void changed_type_is_named_with_both_forms(void **state)
{
    (void)state;
    running r;
    retyped_shop_impl impl = RETYPED_SHOP_IMPL_INIT;
    begin(&r);
    assert_int_equal(retyped_shop_serve(r.server, &impl, NULL, NULL), 0);
    expect_refusal(&r, "price", "u64");
}

/* The fields have the same sizes and types in the same places. Only their names
 * differ, and that is an incompatible difference. */
static void swapped_fields_are_noticed(void **state)
{
    (void)state;
    running r;
    swapped_shop_impl impl = SWAPPED_SHOP_IMPL_INIT;
    begin(&r);
    assert_int_equal(swapped_shop_serve(r.server, &impl, NULL, NULL), 0);
    expect_refusal(&r, "store", "first");
}

static void grown_server(running *r, old_shop **client)
{
    shmrpc_error error;
    grown_shop_impl impl = GROWN_SHOP_IMPL_INIT;
    impl.find = find;
    impl.price = price;
    impl.store = store;
    begin(r);
    assert_int_equal(grown_shop_serve(r->server, &impl, NULL, NULL), 0);
    if (end(r, client, &error) != 0) {
        fail_msg("connect: %s", error.message);
    }
}

static void what_was_added_passes_and_has_its_default(void **state)
{
    (void)state;
    running r;
    old_shop *client = NULL;
    grown_server(&r, &client);
    const old_shop_find_reply *found;
    assert_int_equal(
        old_shop_find(client, shmrpc_str_of("x"), 7, NULL, &found, NULL), 0);
    assert_string_equal(found->value.ptr, "limit 7, no language");
    old_shop_find_release(found);
    uint64_t cents = 0;
    assert_int_equal(old_shop_price(client, 5, NULL, &cents, NULL), 0);
    assert_int_equal(cents, 500);
    old_item item = {1, 2};
    uint32_t stored = 0;
    assert_int_equal(
        old_shop_store(client, &item, OLD_KIND_FANCY, NULL, &stored, NULL), 0);
    assert_int_equal(stored, 1 + 2 + 44 + 3);
    old_shop_close(client);
    stop(&r);
}

static void error_that_was_added_arrives_by_number(void **state)
{
    (void)state;
    running r;
    old_shop *client = NULL;
    grown_server(&r, &client);
    old_item item = {0, 0};
    uint32_t stored = 0;
    shmrpc_error error;
    assert_int_equal(
        old_shop_store(client, &item, OLD_KIND_FANCY, NULL, &stored, &error),
        100);
    assert_string_equal(error.message, "none left");
    old_shop_close(client);
    stop(&r);
}

/* ---- handlers compiled with another header than the generated server ---- */

static int old_find(shmrpc_ctx *ctx, void *user, shmrpc_str text,
                    uint32_t limit, shmrpc_str *ret)
{
    return find(ctx, user, text, limit, NULL, ret);
}

static int twice(shmrpc_ctx *ctx, void *user, uint32_t a, uint32_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = 2 * a;
    return SHMRPC_OK;
}

static appended_shop *appended_connect(const running *r)
{
    appended_shop *client = NULL;
    shmrpc_error error;
    if (appended_shop_connect(r->where, &patient, &client, &error) != 0) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

/* The table of handlers is as short as in the older header, and nothing behind
 * it is read. */
static void handlers_of_an_older_header_are_served(void **state)
{
    (void)state;
    running r;
    old_shop_impl init = OLD_SHOP_IMPL_INIT;
    old_shop_impl *impl = malloc(sizeof *impl);
    *impl = init;
    impl->find = old_find;
    impl->price = price;
    begin(&r);
    assert_int_equal(
        appended_shop_serve(r.server, (const void *)impl, NULL, NULL), 0);
    free(impl);
    assert_int_equal(pthread_create(&r.thread, NULL, run, r.server), 0);
    appended_shop *client = appended_connect(&r);
    uint64_t cents = 0;
    uint32_t out = 0;
    shmrpc_error error;
    assert_int_equal(appended_shop_price(client, 5, NULL, &cents, NULL), 0);
    assert_int_equal(cents, 500);
    assert_int_equal(appended_shop_appended(client, 1, NULL, &out, &error),
                     SHMRPC_E_UNIMPLEMENTED);
    assert_int_equal(appended_shop_last(client, 1, NULL, &out, &error),
                     SHMRPC_E_UNIMPLEMENTED);
    appended_shop_close(client);
    stop(&r);
}

/* The server knows fewer methods than the header with which its handlers were
 * compiled. */
static void handlers_of_a_newer_header_are_served(void **state)
{
    (void)state;
    running r;
    appended_shop_impl impl = APPENDED_SHOP_IMPL_INIT;
    old_shop *client = NULL;
    shmrpc_error error;
    uint64_t cents = 0;
    impl.price = price;
    impl.last = twice;
    begin(&r);
    assert_int_equal(old_shop_serve(r.server, (const void *)&impl, NULL, NULL),
                     0);
    assert_int_equal(end(&r, &client, &error), 0);
    assert_int_equal(old_shop_price(client, 7, NULL, &cents, NULL), 0);
    assert_int_equal(cents, 700);
    old_shop_close(client);
    stop(&r);
}

static void handlers_of_the_same_header_are_all_served(void **state)
{
    (void)state;
    running r;
    appended_shop_impl impl = APPENDED_SHOP_IMPL_INIT;
    uint32_t out = 0;
    impl.appended = twice;
    impl.last = twice;
    begin(&r);
    assert_int_equal(appended_shop_serve(r.server, &impl, NULL, NULL), 0);
    assert_int_equal(pthread_create(&r.thread, NULL, run, r.server), 0);
    appended_shop *client = appended_connect(&r);
    assert_int_equal(appended_shop_last(client, 21, NULL, &out, NULL), 0);
    assert_int_equal(out, 42);
    appended_shop_close(client);
    stop(&r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        HARNESS_CASES(renamed_method_is_named_at_connect, set_up, NULL),
        HARNESS_CASES(what_differs_is_unimplemented_for_who_accepts_that,
                      set_up, NULL),
        HARNESS_CASES(changed_type_is_named_with_both_forms, set_up, NULL),
        HARNESS_CASES(swapped_fields_are_noticed, set_up, NULL),
        HARNESS_CASES(what_was_added_passes_and_has_its_default, set_up, NULL),
        HARNESS_CASES(error_that_was_added_arrives_by_number, set_up, NULL),
        HARNESS_CASES(handlers_of_an_older_header_are_served, set_up, NULL),
        HARNESS_CASES(handlers_of_a_newer_header_are_served, set_up, NULL),
        HARNESS_CASES(handlers_of_the_same_header_are_all_served, set_up, NULL),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
