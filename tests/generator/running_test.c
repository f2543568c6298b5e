/*
 * Runs two versions of a service against each other: a client of one and a
 * server of the other, through connect, dispatch and the codecs, over inproc.
 *
 * Random pairs: a pair that `check` reports as safe connects in both directions
 * (except a new client whose method the old server lacks). Every call delivers
 * its parameters to the handler, and the handler's result or declared error,
 * with its details, to the caller. Unions and maps: for each rule one pair,
 * with the expected result of connect in both directions.
 *
 * SHMRPC_TEST_LONG=1 runs fifty times as many pairs; SHMRPC_TEST_SEED=n runs
 * the pair of this seed alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/codec.h"
#include "generator/check/check.h"
#include "idl/descriptor.h"
#include "idl/idl.h"
#include "random_svc.h"
#include "random_value.h"
#include "shmrpc/stub.h"

#define PAIRS   400
#define CALLS   4 /* of each method */
#define METHODS (RANDOM_SVC_METHODS + 1)

typedef struct version {
    shmrpci_arena arena;
    shmrpci_buf text;
    idl_diags diags;
    const idl_schema *schema;
    const shmrpc_service *service;
} version;

/* One call, seen from both sides, which never run at the same time. */
typedef struct call {
    const shmrpc_method *client;
    const shmrpc_method *server;
    const void *params;   /* a value of the client's type */
    const void *answered; /* the result or error details, a value of the
                           * server's type */
    const shmrpc_error_type *raised;
    uint64_t *seed;
    shmrpci_arena arena;
    bool handled;
    bool params_arrived;
    bool can_answer; /* the result can be written in the encoding */
} call;

typedef struct running {
    shmrpc_server *server;
    shmrpc_client *client;
    pthread_t thread;
    call call;
    char where[64];
} running;

/* ---- versions ---- */

static bool load(version *v, const char *name)
{
    const char *text = shmrpci_buf_text(&v->text);
    assert_non_null(text);
    shmrpci_arena_init(&v->arena, 0);
    idl_diags_init(&v->diags);
    return idl_load_text(NULL, name, text, v->text.len, &v->arena, &v->diags,
                         &v->schema) == SHMRPC_OK &&
           idl_descriptor(v->schema, v->schema->services[0], &v->arena,
                          &v->service) == SHMRPC_OK;
}

static bool load_random(version *v, const random_svc *svc, const char *name)
{
    shmrpci_buf_init_heap(&v->text);
    random_svc_print(svc, &v->text);
    return load(v, name);
}

static void unload(version *v)
{
    shmrpci_buf_fini(&v->text);
    shmrpci_arena_fini(&v->arena);
}

static bool is_safe(const version *old_one, version *new_one)
{
    idl_memory memory = {.arena = &new_one->arena};
    idl_diags diags;
    gen_check_result result;
    idl_diags_init(&diags);
    diags.memory = &memory;
    assert_int_equal(
        gen_check(old_one->schema, new_one->schema, NULL, 0, &diags, &result),
        SHMRPC_OK);
    return result.breaks[GEN_BREAK_WIRE] == 0;
}

static const shmrpc_method *method_of(const shmrpc_service *service,
                                      const char *name)
{
    for (uint32_t i = 0; i < service->method_count; i++) {
        if (strcmp(service->methods[i].name, name) == 0) {
            return &service->methods[i];
        }
    }
    return NULL;
}

/* ---- values ---- */

/* Makes a random value of the type, in the call's arena. */
static void *make_value(call *c, const shmrpc_type *type)
{
    void *value = shmrpci_arena_calloc(&c->arena, 1, type->size + 1, 16);
    assert_non_null(value);
    assert_true(random_value(type, value, c->seed, &c->arena));
    return value;
}

/* Whether the value can be expressed in the encoding. */
static bool can_write(shmrpc_encoding encoding, const shmrpc_type *type,
                      const void *value)
{
    shmrpc_error error;
    shmrpci_buf bytes;
    shmrpci_buf_init_heap(&bytes);
    int status = shmrpci_codec_numbered(shmrpci_codec_of(encoding))
                     ->encode(type, value, "", &bytes, &error);
    shmrpci_buf_fini(&bytes);
    return status == SHMRPC_OK;
}

/* ---- the server ---- */

static int answer_error(shmrpc_ctx *ctx, call *c)
{
    *c->seed = *c->seed * UINT64_C(6364136223846793005) + 1;
    c->raised = c->server->throws[(*c->seed >> 33) % c->server->throws_count];
    const shmrpc_type *payload = c->raised->payload;
    void *detail = payload != NULL ? make_value(c, payload) : NULL;
    c->answered = detail;
    c->can_answer =
        payload == NULL || can_write(c->server->encoding, payload, detail);
    return shmrpc_stub_raise(ctx, c->raised, detail);
}

static int handle(shmrpc_ctx *ctx, call *c, uint32_t index, const void *params,
                  void *result, const shmrpc_service *service)
{
    const shmrpc_method *method = &service->methods[index];
    c->handled = method == c->server;
    c->params_arrived = method->params->count == 0 ||
                        random_value_arrived(c->client->params, c->params,
                                             method->params, params);
    if (method->throws_count > 0 && (*c->seed >> 40) % 3 == 0) {
        return answer_error(ctx, c);
    }
    c->can_answer = true;
    if (method->result != NULL) {
        c->answered = make_value(c, method->result);
        c->can_answer =
            can_write(method->encoding, method->result, c->answered);
        memcpy(result, c->answered, method->result->size);
    }
    return SHMRPC_OK;
}

/* The target of the server's `user` pointer. */
typedef struct serving {
    call *call;
    const shmrpc_service *service;
} serving;

#define HANDLER(n)                                                       \
    static int handle_##n(shmrpc_ctx *ctx, const void *impl, void *user, \
                          const void *params, void *result)              \
    {                                                                    \
        const serving *s = user;                                         \
        (void)impl;                                                      \
        return handle(ctx, s->call, n, params, result, s->service);      \
    }
HANDLER(0)
HANDLER(1)
HANDLER(2)
HANDLER(3)
HANDLER(4)
static const shmrpc_handler handlers[METHODS] = {handle_0, handle_1, handle_2,
                                                 handle_3, handle_4};

static void *run(void *server)
{
    (void)shmrpc_server_run(server, NULL);
    return NULL;
}

static void start(running *r, serving *s)
{
    static unsigned count;
    shmrpc_error error;
    snprintf(r->where, sizeof r->where, "inproc://running.%ld.%u",
             (long)getpid(), count++);
    shmrpc_server_opts opts = {.listen = r->where, .workers = 1};
    assert_true(s->service->method_count <= METHODS);
    assert_int_equal(shmrpc_server_create(&opts, &r->server, &error), 0);
    if (shmrpc_stub_serve(r->server, s->service, handlers, s, sizeof *s, s,
                          &error) != 0) {
        fail_msg("serve: %s", error.message);
    }
    assert_int_equal(pthread_create(&r->thread, NULL, run, r->server), 0);
}

static void stop(running *r)
{
    shmrpc_stub_close(r->client);
    shmrpc_server_stop(r->server);
    (void)pthread_join(r->thread, NULL);
    shmrpc_server_destroy(r->server);
}

/* ---- the client ---- */

static bool has_reply(const shmrpc_method *method)
{
    for (uint32_t i = 0; i < method->throws_count; i++) {
        if (method->throws[i]->payload != NULL) {
            return true;
        }
    }
    return method->result != NULL &&
           (method->result->flags & SHMRPC_TYPE_FIXED) == 0;
}

/* The caller's declaration of the raised error, or NULL. */
static const shmrpc_error_type *known_error(const call *c)
{
    for (uint32_t i = 0; i < c->client->throws_count; i++) {
        if (strcmp(c->client->throws[i]->name, c->raised->name) == 0) {
            return c->client->throws[i];
        }
    }
    return NULL;
}

/* NULL, or the reason why the answer is wrong. */
static const char *judge_error(const call *c, int status, const void *reply)
{
    const shmrpc_error_type *known = known_error(c);
    if (status != c->raised->number) {
        return "another status than the error's number";
    }
    if (known == NULL || known->payload == NULL || c->answered == NULL) {
        return NULL;
    }
    const void *got = shmrpc_stub_payload(reply, known);
    return got == NULL ? "the details are missing"
           : random_value_arrived(c->raised->payload, c->answered,
                                  known->payload, got)
               ? NULL
               : "other details have arrived";
}

static const char *judge(const call *c, int status, const void *got,
                         const void *reply)
{
    if (!can_write(c->client->encoding, c->client->params, c->params)) {
        return status != 0 ? NULL : "what can't be written was sent";
    }
    if (!c->handled) {
        return "the handler was not called";
    }
    if (!c->params_arrived) {
        return "other parameters have arrived";
    }
    if (!c->can_answer) {
        return status != 0 ? NULL : "what can't be written was answered";
    }
    if (c->raised != NULL) {
        return judge_error(c, status, reply);
    }
    if (status != 0) {
        return "the call failed";
    }
    return c->client->result == NULL ||
                   random_value_arrived(c->server->result, c->answered,
                                        c->client->result, got)
               ? NULL
               : "another result has arrived";
}

/* Makes one call; if it goes wrong, `what` describes why. */
static bool call_once(running *r, uint32_t index, char what[400])
{
    call *c = &r->call;
    shmrpc_error error = {.code = 0};
    const void *reply = NULL;
    int status;
    shmrpci_arena_init(&c->arena, 0);
    c->params = make_value(c, c->client->params);
    c->handled = c->params_arrived = c->can_answer = false;
    c->raised = NULL;
    c->answered = NULL;
    void *got = NULL;
    if (has_reply(c->client)) {
        status = shmrpc_stub_call_reply(r->client, index, c->params, NULL,
                                        &reply, &error);
    } else {
        size_t size = c->client->result != NULL ? c->client->result->size : 1;
        got = shmrpci_arena_calloc(&c->arena, 1, size, 16);
        status =
            shmrpc_stub_call(r->client, index, c->params, NULL, got, &error);
    }
    const char *why = judge(c, status, got != NULL ? got : reply, reply);
    if (why != NULL) {
        snprintf(what, 400, "%s: %s (%d %s %s)", c->client->name, why, status,
                 error.path, error.message);
    }
    shmrpc_stub_release(reply);
    shmrpci_arena_fini(&c->arena);
    return why == NULL;
}

/* Connects and calls every method. `*status` is the result of connect. */
static bool pair_works(const shmrpc_service *client,
                       const shmrpc_service *server, uint64_t *seed,
                       int *status, char what[400])
{
    static running r;
    serving s = {.call = &r.call, .service = server};
    shmrpc_error error = {.code = 0};
    r = (running){.client = NULL};
    start(&r, &s);
    *status = shmrpc_stub_connect(client, r.where, NULL, &r.client, &error);
    bool works = true;
    snprintf(what, 400, "connect: %s", error.message);
    for (uint32_t i = 0;
         *status == 0 && works && i < client->method_count * CALLS; i++) {
        uint32_t index = i / CALLS;
        r.call.client = &client->methods[index];
        r.call.server = method_of(server, r.call.client->name);
        r.call.seed = seed;
        works = call_once(&r, index, what);
    }
    stop(&r);
    return works;
}

/* ---- random pairs ---- */

static bool knows_all(const shmrpc_service *client,
                      const shmrpc_service *server)
{
    for (uint32_t i = 0; i < client->method_count; i++) {
        if (method_of(server, client->methods[i].name) == NULL) {
            return false;
        }
    }
    return true;
}

static void expect_works(const version *client, const version *server,
                         uint64_t *seed, uint64_t number)
{
    char what[400];
    int status;
    int expected = knows_all(client->service, server->service)
                       ? SHMRPC_OK
                       : SHMRPC_E_CONTRACT;
    bool works =
        pair_works(client->service, server->service, seed, &status, what);
    if (status != expected || !works) {
        fail_msg("%s\n---- client\n%s---- server\n%s(SHMRPC_TEST_SEED=%llu)",
                 what, (const char *)client->text.data,
                 (const char *)server->text.data, (unsigned long long)number);
    }
}

/* Returns true if the pair is safe, and therefore was run. */
static bool run_pair(uint64_t number)
{
    static random_svc was;
    static random_svc now;
    version old_one;
    version new_one;
    uint64_t seed = number * UINT64_C(0x9E3779B97F4A7C15) + 1;
    random_svc_make(&was, &seed);
    now = was;
    random_svc_change(&now, &seed);
    assert_true(load_random(&old_one, &was, "old.svc"));
    bool safe =
        load_random(&new_one, &now, "new.svc") && is_safe(&old_one, &new_one);
    if (safe) {
        expect_works(&old_one, &new_one, &seed, number);
        expect_works(&new_one, &old_one, &seed, number);
    }
    unload(&new_one);
    unload(&old_one);
    return safe;
}

static void safe_pairs_work(void **state)
{
    (void)state;
    const char *wanted = getenv("SHMRPC_TEST_SEED");
    const char *is_long = getenv("SHMRPC_TEST_LONG");
    unsigned pairs = is_long != NULL && *is_long != '\0' ? 50 * PAIRS : PAIRS;
    unsigned safe = 0;
    if (wanted != NULL) {
        (void)run_pair(strtoull(wanted, NULL, 10));
        return;
    }
    for (unsigned i = 1; i <= pairs; i++) {
        safe += run_pair(i);
    }
    fprintf(stderr, "%u pairs, %u safe ones ran\n", pairs, safe);
    assert_true(safe > pairs / 10);
}

/* ---- unions and maps ---- */

/* `before` and `after` are two versions of T, a type of parameters or of the
 * result. The other members say whether connect must succeed if the side that
 * writes T has the old version, and if it has the new one. */
typedef struct rule {
    const char *name;
    const char *before;
    const char *after;
    bool old_writer_passes;
    bool new_writer_passes;
} rule;

static const rule rules[] = {
    {"a member more in a union", "union T { 1: u32 a; }",
     "union T { 1: u32 a; 2: string b; }", true, false},
    {"a member of a union renamed", "union T { 1: u32 a; 2: bool b; }",
     "union T { 1: u32 a; 2: bool c; }", false, false},
    {"a member of a union with another number",
     "union T { 1: u32 a; 2: bool b; }", "union T { 1: u32 a; 3: bool b; }",
     false, false},
    {"a member of a union of another type", "union T { 1: u32 a; }",
     "union T { 1: string a; }", false, false},
    {"a field more in a member of a union",
     "struct S { 1: u32 a; } union T { 1: S s; }",
     "struct S { 1: u32 a; 2: u32 b = 7; } union T { 1: S s; }", true, true},
    {"wider bounds in a member of a union", "union T { 1: u32(..9) a; }",
     "union T { 1: u32(..99) a; }", true, false},
    {"a longer map", "struct T { 1: map<u16, u32>(..3) m; }",
     "struct T { 1: map<u16, u32>(..5) m; }", true, false},
    {"another key", "struct T { 1: map<u16, u32> m; }",
     "struct T { 1: map<string, u32> m; }", false, false},
    {"longer keys", "struct T { 1: map<string(..3), u32> m; }",
     "struct T { 1: map<string(..5), u32> m; }", true, false},
    {"another value", "struct T { 1: map<u16, u32> m; }",
     "struct T { 1: map<u16, string> m; }", false, false},
    {"a field more in a value",
     "struct S { 1: u32 a; } struct T { 1: map<u16, S> m; }",
     "struct S { 1: u32 a; 2: optional string b; } "
     "struct T { 1: map<u16, S> m; }",
     true, true},
    {"a member more in a value",
     "union U { 1: u32 a; } struct T { 1: map<u16, U> m; }",
     "union U { 1: u32 a; 2: bool b; } struct T { 1: map<u16, U> m; }", true,
     false},
    {"a map becomes a list", "struct T { 1: map<u16, u32> m; }",
     "struct T { 1: list<u32> m; }", false, false},
    {"a map more", "struct T { 1: u32 a; }",
     "struct T { 1: u32 a; 2: optional map<u16, u32> m; }", true, true},
};

static void load_rule(version *v, const char *types, const char *encoding,
                      bool is_result)
{
    shmrpci_buf_init_heap(&v->text);
    shmrpci_buf_printf(
        &v->text, "package p; %s service Svc { port 1; %s f(%s)%s; }", types,
        encoding, is_result ? "" : "T t", is_result ? " -> T" : "");
    assert_true(load(v, "rule.svc"));
}

static void run_rule(const rule *r, const char *encoding, bool is_result)
{
    version versions[2];
    uint64_t seed = 1;
    load_rule(&versions[0], r->before, encoding, is_result);
    load_rule(&versions[1], r->after, encoding, is_result);
    for (int writer = 0; writer < 2; writer++) {
        const shmrpc_service *client = versions[writer ^ is_result].service;
        const shmrpc_service *server = versions[!writer ^ is_result].service;
        bool passes = writer == 0 ? r->old_writer_passes : r->new_writer_passes;
        char what[400];
        int status;
        bool works = pair_works(client, server, &seed, &status, what);
        if (!works || status != (passes ? SHMRPC_OK : SHMRPC_E_CONTRACT)) {
            fail_msg("%s, %s, %s of a%s writer: expected it to %s, got %d: %s",
                     r->name, encoding, is_result ? "result" : "parameter",
                     writer == 0 ? "n old" : " new",
                     passes ? "pass" : "be refused", status, what);
        }
    }
    unload(&versions[1]);
    unload(&versions[0]);
}

static void unions_and_maps_follow_the_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        run_rule(&rules[i], "json", false);
        run_rule(&rules[i], "json", true);
        run_rule(&rules[i], "msgpack", false);
        run_rule(&rules[i], "msgpack", true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unions_and_maps_follow_the_rules),
        cmocka_unit_test(safe_pairs_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
