/* Two versions of one .svc, each as client and as server of the other: the
 * receiver fills in members that the sender lacks, and skips those that it
 * doesn't know. */
#include "harness.h"

#include <pthread.h>

#include "elder_client.h"
#include "elder_server.h"
#include "younger_client.h"
#include "younger_server.h"

typedef struct fixture {
    shmrpc_server *server;
    pthread_t thread;
    char where[96];
} fixture;

static void *run(void *server)
{
    (void)shmrpc_server_run(server, NULL);
    return NULL;
}

static void create(fixture *f)
{
    harness_address("growth", f->where);
    shmrpc_server_opts opts = {.listen = f->where, .workers = 1};
    assert_int_equal(shmrpc_server_create(&opts, &f->server, NULL), 0);
}

static void start(fixture *f)
{
    assert_int_equal(pthread_create(&f->thread, NULL, run, f->server), 0);
}

static void stop(fixture *f)
{
    shmrpc_server_stop(f->server);
    (void)pthread_join(f->thread, NULL);
    shmrpc_server_destroy(f->server);
}

/* ---- the younger server ---- */

/* A member that an older client can't send gets its default. */
static int younger_echo(shmrpc_ctx *ctx, void *user, const younger_item *item,
                        uint32_t more, const uint8_t *maybe, younger_item *ret)
{
    (void)user;
    if (item->has_second || item->third != 33 ||
        item->kind != YOUNGER_KIND_FANCY || more != 5 || maybe != NULL) {
        return SHMRPC_E_INTERNAL;
    }
    if (item->first == 0) {
        younger_gone gone = {9, shmrpc_str_of("sold")};
        return younger_raise_gone(ctx, &gone);
    }
    *ret = *item;
    ret->has_second = true;
    ret->second = shmrpc_str_of("unknown to you");
    return SHMRPC_OK;
}

static int younger_kind_of(shmrpc_ctx *ctx, void *user, younger_kind kind,
                           younger_kind *ret)
{
    (void)ctx;
    (void)user;
    *ret = kind == YOUNGER_KIND_PLAIN ? YOUNGER_KIND_PRECIOUS : kind;
    return SHMRPC_OK;
}

#define CALL_YOUNGER(method)                                                \
    static void call_younger_##method(elder_growth *client)                 \
    {                                                                       \
        const elder_growth_##method##_reply *reply = NULL;                  \
        elder_item item = {7};                                              \
        shmrpc_error error = {.message = ""};                               \
        assert_int_equal(                                                   \
            elder_growth_##method(client, &item, NULL, &reply, &error), 0); \
        assert_int_equal(reply->value.first, 7);                            \
        elder_growth_##method##_release(reply);                             \
        item.first = 0;                                                     \
        assert_int_equal(                                                   \
            elder_growth_##method(client, &item, NULL, &reply, &error),     \
            ELDER_ERR_GONE);                                                \
        assert_int_equal(elder_growth_##method##_gone(reply)->at, 9);       \
        elder_growth_##method##_release(reply);                             \
    }
CALL_YOUNGER(by_json)
CALL_YOUNGER(by_msgpack)

static void elder_client_of_a_younger_server(void **state)
{
    (void)state;
    fixture f;
    younger_growth_impl impl = YOUNGER_GROWTH_IMPL_INIT;
    elder_growth *client = NULL;
    elder_kind kind = ELDER_KIND_PLAIN;
    impl.by_json = younger_echo;
    impl.by_msgpack = younger_echo;
    impl.kind = younger_kind_of;
    impl.kind_by_json = younger_kind_of;
    create(&f);
    assert_int_equal(younger_growth_serve(f.server, &impl, NULL, NULL), 0);
    start(&f);
    assert_int_equal(elder_growth_connect(f.where, NULL, &client, NULL), 0);
    call_younger_by_json(client);
    call_younger_by_msgpack(client);
    assert_int_equal(elder_growth_kind(client, 0, NULL, &kind, NULL), 0);
    assert_int_equal(kind, 2); /* PRECIOUS, which this client can't name */
    assert_int_equal(elder_growth_kind(client, 77, NULL, &kind, NULL), 0);
    assert_int_equal(kind, 77);
    assert_int_equal(elder_growth_kind_by_json(client, 0, NULL, &kind, NULL),
                     0);
    assert_int_equal(kind, 2); /* a client of the same version would get the
                                * name PRECIOUS in json */
    assert_int_equal(elder_growth_kind_by_json(client, 1, NULL, &kind, NULL),
                     0);
    assert_int_equal(kind, ELDER_KIND_FANCY);
    elder_growth_close(client);
    stop(&f);
}

/* ---- the elder server ---- */

static int elder_echo(shmrpc_ctx *ctx, void *user, const elder_item *item,
                      elder_item *ret)
{
    (void)user;
    elder_gone gone = {4};
    if (item->first == 0) {
        return elder_raise_gone(ctx, &gone);
    }
    *ret = *item;
    return SHMRPC_OK;
}

static int elder_kind_of(shmrpc_ctx *ctx, void *user, elder_kind kind,
                         elder_kind *ret)
{
    (void)ctx;
    (void)user;
    *ret = kind;
    return SHMRPC_OK;
}

#define CALL_ELDER(method)                                                     \
    static void call_elder_##method(younger_growth *client)                    \
    {                                                                          \
        const younger_growth_##method##_reply *reply = NULL;                   \
        const uint8_t maybe = 1;                                               \
        younger_item item = {7, true, shmrpc_str_of("x"), 8, 0};               \
        assert_int_equal(younger_growth_##method(client, &item, 6, &maybe,     \
                                                 NULL, &reply, NULL),          \
                         0);                                                   \
        assert_int_equal(reply->value.first, 7);                               \
        assert_false(reply->value.has_second);                                 \
        assert_int_equal(reply->value.third, 33);                              \
        assert_int_equal(reply->value.kind, YOUNGER_KIND_FANCY);               \
        younger_growth_##method##_release(reply);                              \
        item.first = 0;                                                        \
        assert_int_equal(younger_growth_##method(client, &item, 6, NULL, NULL, \
                                                 &reply, NULL),                \
                         YOUNGER_ERR_GONE);                                    \
        const younger_gone *gone = younger_growth_##method##_gone(reply);      \
        assert_int_equal(gone->at, 4);                                         \
        assert_true(shmrpc_str_equal(gone->why, shmrpc_str_of("no reason")));  \
        younger_growth_##method##_release(reply);                              \
    }

CALL_ELDER(by_json)
CALL_ELDER(by_msgpack)

static void younger_client_of_an_elder_server(void **state)
{
    (void)state;
    fixture f;
    elder_growth_impl impl = ELDER_GROWTH_IMPL_INIT;
    younger_growth *client = NULL;
    impl.by_json = elder_echo;
    impl.by_msgpack = elder_echo;
    impl.kind_by_json = elder_kind_of;
    create(&f);
    assert_int_equal(elder_growth_serve(f.server, &impl, NULL, NULL), 0);
    start(&f);
    assert_int_equal(younger_growth_connect(f.where, NULL, &client, NULL), 0);
    call_elder_by_json(client);
    call_elder_by_msgpack(client);
    younger_kind kind = YOUNGER_KIND_PLAIN;
    assert_int_equal(younger_growth_kind_by_json(client, YOUNGER_KIND_PRECIOUS,
                                                 NULL, &kind, NULL),
                     0);
    assert_int_equal(kind, YOUNGER_KIND_PRECIOUS);
    younger_growth_close(client);
    stop(&f);
}

/* native needs equal layouts: the message names the method and the type. */
static void native_is_refused_with_the_type(void **state)
{
    (void)state;
    fixture f;
    younger_flat_impl impl = YOUNGER_FLAT_IMPL_INIT;
    elder_flat *client = NULL;
    shmrpc_error error = {.message = ""};
    create(&f);
    assert_int_equal(younger_flat_serve(f.server, &impl, NULL, NULL), 0);
    start(&f);
    assert_int_equal(elder_flat_connect(f.where, NULL, &client, &error),
                     SHMRPC_E_CONTRACT);
    assert_non_null(strstr(error.message, "put"));
    assert_non_null(strstr(error.message, "item"));
    stop(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(elder_client_of_a_younger_server),
        cmocka_unit_test(younger_client_of_an_elder_server),
        cmocka_unit_test(native_is_refused_with_the_type),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
