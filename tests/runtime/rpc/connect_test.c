/* Connecting: lists of addresses, and services that differ a little. */
#include "sample.h"

#include <stdio.h>

#include "../../reaction.h"
#include "transport/transport.h"

static shmrpc_error error;

/* ---- lists of addresses -------------------------------------------------- */

static int64_t connect_to_nobody(void *user)
{
    (void)user;
    shmrpc_client *client = NULL;
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(shmrpc_stub_connect(&sample_service,
                                         "inproc://nobody-1@here", NULL,
                                         &client, &error),
                     SHMRPC_E_UNAVAILABLE);
    int64_t took_ns = shmrpci_now_ns() - began_ns;
    assert_non_null(strstr(error.message, "nobody-1@here"));
    assert_null(client);
    return took_ns;
}

static void absent_service_is_named_with_the_place(void **state)
{
    (void)state;
    expect_reaction(connect_to_nobody, NULL, 0, 100 * SHMRPCI_NS_PER_MS);
}

static void all_places_of_a_list_are_named_when_none_answers(void **state)
{
    (void)state;
    shmrpc_client *client = NULL;
    assert_int_equal(shmrpc_stub_connect(&sample_service,
                                         "inproc://nobody-1,unix:///nobody,"
                                         "inproc://nobody-2",
                                         NULL, &client, &error),
                     SHMRPC_E_UNAVAILABLE);
    assert_non_null(strstr(error.message, "inproc://nobody-1: "));
    assert_non_null(strstr(error.message, "unix:///nobody: "));
    assert_non_null(strstr(error.message, "inproc://nobody-2"));
}

static void place_that_is_malformed_is_INVALID(void **state)
{
    (void)state;
    shmrpc_client *client = NULL;
    assert_int_equal(
        shmrpc_stub_connect(&sample_service, "x", NULL, &client, &error),
        SHMRPC_E_INVALID);
}

static void first_place_that_answers_is_used(void **state)
{
    (void)state;
    sample_server first;
    sample_server second;
    char list[400];
    shmrpc_client *client = NULL;
    sample_start(&first, "inproc", &sample_service, 1);
    sample_start(&second, "inproc", &sample_service, 1);
    (void)snprintf(list, sizeof list, "tcp://h, inproc://nobody, %s, %s",
                   first.where, second.where);
    for (int i = 0; i < 2; i++) {
        pair_params params = {0, 0};
        assert_int_equal(
            shmrpc_stub_connect(&sample_service, list, NULL, &client, &error),
            0);
        assert_int_equal(
            shmrpc_stub_call(client, NOTE, &params, NULL, NULL, NULL), 0);
        sample_server *expected = i == 0 ? &first : &second;
        sample_await(&expected->state, &expected->state.noted, 1);
        shmrpc_stub_close(client);
        if (i == 0) {
            sample_stop(&first);
        }
    }
    sample_stop(&second);
}

static void server_that_does_not_run_yet_is_waited_for(void **state)
{
    (void)state;
    char where[128];
    shmrpc_server *server = NULL;
    shmrpc_client *client = NULL;
    shmrpc_opts opts = {.timeout_ns = 20 * SHMRPCI_NS_PER_MS};
    sample_address("inproc", where);
    shmrpc_server_opts server_opts = {.listen = where};
    assert_int_equal(shmrpc_server_create(&server_opts, &server, NULL), 0);
    assert_int_equal(shmrpc_stub_serve(server, &sample_service, sample_handlers,
                                       &sample_implementation,
                                       sizeof sample_implementation, NULL,
                                       NULL),
                     0);
    assert_int_equal(
        shmrpc_stub_connect(&sample_service, where, &opts, &client, &error),
        SHMRPC_E_DEADLINE);
    shmrpc_server_destroy(server);
}

/* ---- services that differ ------------------------------------------------ */

/* A service like the sample, which a test changes. */
typedef struct variant {
    shmrpc_service service;
    shmrpc_method methods[SAMPLE_METHODS + 1];
    shmrpc_handler handlers[SAMPLE_METHODS + 1];
    sample_server server;
} variant;

static void variant_init(variant *v)
{
    memset(v, 0, sizeof *v);
    v->service = sample_service;
    v->service.hash ^= 1;
    v->service.methods = v->methods;
    memcpy(v->methods, sample_methods, sizeof sample_methods);
    memcpy(v->handlers, sample_handlers, sizeof sample_handlers);
}

static void run(void *user)
{
    sample_server *s = user;
    s->status = shmrpc_server_run(s->server, NULL);
}

static int variant_connect(variant *v, shmrpc_client **client)
{
    sample_server *s = &v->server;
    shmrpci_mutex_init(&s->state.lock);
    shmrpci_cond_init(&s->state.changed);
    sample_address("inproc", s->where);
    shmrpc_server_opts opts = {.listen = s->where, .workers = 1};
    assert_int_equal(shmrpc_server_create(&opts, &s->server, NULL), 0);
    if (shmrpc_stub_serve(s->server, &v->service, v->handlers,
                          &sample_implementation, sizeof sample_implementation,
                          &s->state, &error) != 0) {
        fail_msg("serve: %s", error.message);
    }
    assert_int_equal(shmrpci_thread_create(&s->thread, "server", run, s), 0);
    return shmrpc_stub_connect(&sample_service, s->where, NULL, client, &error);
}

static void expect_refusal(variant *v, const char *method, const char *what)
{
    shmrpc_client *client = NULL;
    assert_int_equal(variant_connect(v, &client), SHMRPC_E_CONTRACT);
    assert_int_equal(error.code, SHMRPC_E_CONTRACT);
    if (strstr(error.message, method) == NULL ||
        strstr(error.message, what) == NULL) {
        fail_msg("\"%s\" does not name \"%s\" and \"%s\"", error.message,
                 method, what);
    }
    assert_null(client);
    sample_stop(&v->server);
}

static void renamed_method_is_named(void **state)
{
    (void)state;
    variant v;
    variant_init(&v);
    v.methods[ADD].name = "sum";
    v.methods[ADD].hash ^= 1;
    v.methods[ADD].signature = "NATIVE sum";
    expect_refusal(&v, "add", "");
}

typedef struct changed_params {
    uint32_t a;
    int64_t b;
} changed_params;

static const shmrpc_field changed_fields[] = {
    SHMRPC_FIELD_INIT(1, "a", &shmrpc_type_u32, changed_params, a, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(2, "b", &shmrpc_type_i64, changed_params, b, 0, NULL,
                      NULL),
};
static const shmrpc_type changed_type = SHMRPC_TYPE_STRUCT_INIT(
    changed_params, SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FIXED, 16, 8, NULL, NULL,
    changed_fields);

static void changed_parameter_is_named(void **state)
{
    (void)state;
    static const uint32_t methods[] = {ADD, ADD_MSGPACK};
    for (size_t i = 0; i < 2; i++) {
        variant v;
        variant_init(&v);
        v.methods[methods[i]].params = &changed_type;
        v.methods[methods[i]].hash ^= 1;
        expect_refusal(&v, sample_methods[methods[i]].name, "u32");
    }
}

static void changed_encoding_is_named(void **state)
{
    (void)state;
    variant v;
    variant_init(&v);
    v.methods[ECHO_JSON].encoding = SHMRPC_ENCODING_MSGPACK;
    v.methods[ECHO_JSON].hash ^= 1;
    expect_refusal(&v, "echo_json", "msgpack");
}

/* After a refusal the next place of a list is not tried, because a server did
 * answer. */
static void refusal_is_not_passed_over(void **state)
{
    (void)state;
    variant v;
    shmrpc_client *client = NULL;
    char list[300];
    variant_init(&v);
    v.methods[ADD].params = &changed_type;
    v.methods[ADD].hash ^= 1;
    assert_int_equal(variant_connect(&v, &client), SHMRPC_E_CONTRACT);
    (void)snprintf(list, sizeof list, "%s,inproc://nobody", v.server.where);
    assert_int_equal(
        shmrpc_stub_connect(&sample_service, list, NULL, &client, &error),
        SHMRPC_E_CONTRACT);
    sample_stop(&v.server);
}

/* The server has one more method, before the others, so all ids differ there.
 */
static void more_methods_pass_and_ids_are_the_servers(void **state)
{
    (void)state;
    variant v;
    shmrpc_client *client = NULL;
    variant_init(&v);
    memmove(v.methods + 1, v.methods, sizeof sample_methods);
    memmove(v.handlers + 1, v.handlers, sizeof sample_handlers);
    v.methods[0] = sample_methods[NOTHING];
    v.methods[0].name = "newer";
    v.methods[0].hash ^= 1;
    v.handlers[0] = sample_handlers[MISSING];
    v.service.method_count++;
    if (variant_connect(&v, &client) != 0) {
        fail_msg("%s", error.message);
    }
    sample_add(client, 20, 22);
    assert_int_equal(
        shmrpc_stub_call(client, NOTHING, NULL, NULL, NULL, &error), 0);
    assert_int_equal(
        shmrpc_stub_call(client, MISSING, NULL, NULL, NULL, &error),
        SHMRPC_E_UNIMPLEMENTED);
    shmrpc_stub_close(client);
    sample_stop(&v.server);
}

/* A client that never calls the methods that differ may connect with
 * SHMRPC_OPT_PARTIAL, at every kind of place. */
static void a_part_of_a_service_is_enough(void **state)
{
    variant v;
    char where[128];
    shmrpc_client *client = NULL;
    const shmrpc_server_opts one = {.workers = 1};
    const shmrpc_opts partial = {.flags = SHMRPC_OPT_PARTIAL};
    pair_params params = {1, 2};
    int64_t sum = 0;
    variant_init(&v);
    v.methods[ADD].name = "sum";
    v.methods[ADD].hash ^= 1;
    v.methods[ADD].signature = "NATIVE sum";
    sample_address(*state, where);
    sample_start_serving(&v.server, where, &v.service, v.handlers, &one);
    assert_int_equal(shmrpc_stub_connect(&sample_service, v.server.where, NULL,
                                         &client, &error),
                     SHMRPC_E_CONTRACT);
    if (shmrpc_stub_connect(&sample_service, v.server.where, &partial, &client,
                            &error) != SHMRPC_OK) {
        fail_msg("%s: %s", v.server.where, error.message);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            shmrpc_stub_call(client, ADD, &params, NULL, &sum, &error),
            SHMRPC_E_UNIMPLEMENTED);
        assert_non_null(strstr(error.message, "method add: "));
        assert_false(error.may_have_run);
        assert_int_equal(
            shmrpc_stub_call(client, ADD_MSGPACK, &params, NULL, &sum, &error),
            SHMRPC_OK);
        assert_int_equal(sum, 3);
    }
    shmrpc_stub_close(client);
    sample_stop(&v.server);
}

typedef struct longer_params {
    shmrpc_str text;
    bool has_more;
    uint32_t more;
} longer_params;

static const shmrpc_type text_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 100000);
static const shmrpc_field longer_fields[] = {
    SHMRPC_FIELD_INIT(1, "text", &text_type, longer_params, text, 0, NULL,
                      NULL),
    SHMRPC_FIELD_HAS_INIT(2, "more", &shmrpc_type_u32, longer_params, more,
                          has_more, NULL, NULL),
};
static const shmrpc_type longer_type = SHMRPC_TYPE_STRUCT_INIT(
    longer_params, SHMRPC_TYPE_PARAMS, 16, 4, NULL, NULL, longer_fields);

static int echo_longer(shmrpc_ctx *ctx, const void *impl, void *user,
                       const void *params, void *result)
{
    (void)impl;
    (void)user;
    const longer_params *p = params;
    *(shmrpc_str *)result = p->text;
    return p->has_more ? shmrpc_ctx_fail(ctx, SHMRPC_E_INTERNAL, "more?") : 0;
}

static void added_optional_parameter_passes_and_is_absent(void **state)
{
    (void)state;
    variant v;
    shmrpc_client *client = NULL;
    variant_init(&v);
    v.methods[ECHO_JSON].params = &longer_type;
    v.methods[ECHO_JSON].hash ^= 1;
    v.handlers[ECHO_JSON] = echo_longer;
    if (variant_connect(&v, &client) != 0) {
        fail_msg("%s", error.message);
    }
    text_params params = {shmrpc_str_of("old client")};
    const shmrpc_str *reply = NULL;
    assert_int_equal(shmrpc_stub_call_reply(client, ECHO_JSON, &params, NULL,
                                            (const void **)&reply, &error),
                     0);
    assert_string_equal(reply->ptr, "old client");
    shmrpc_stub_release(reply);
    shmrpc_stub_close(client);
    sample_stop(&v.server);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_service_is_named_with_the_place),
        cmocka_unit_test(all_places_of_a_list_are_named_when_none_answers),
        cmocka_unit_test(place_that_is_malformed_is_INVALID),
        cmocka_unit_test(first_place_that_answers_is_used),
        cmocka_unit_test(server_that_does_not_run_yet_is_waited_for),
        cmocka_unit_test(renamed_method_is_named),
        cmocka_unit_test(changed_parameter_is_named),
        cmocka_unit_test(changed_encoding_is_named),
        cmocka_unit_test(refusal_is_not_passed_over),
        cmocka_unit_test(more_methods_pass_and_ids_are_the_servers),
        cmocka_unit_test(added_optional_parameter_passes_and_is_absent),
        SAMPLE_OVER_ALL(a_part_of_a_service_is_enough),
    };
    return cmocka_run_group_tests(tests, sample_set_up, sample_tear_down);
}
