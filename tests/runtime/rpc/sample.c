/* The hand-written service, its handlers and its server. */
#include "sample.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

/* ---- descriptors --------------------------------------------------------- */

static const shmrpc_type text_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 100000);
static const shmrpc_type short_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 4);

static const shmrpc_field bytes_fields[] = {
    SHMRPC_FIELD_INIT(1, "data", &shmrpc_type_bytes, bytes_params, data, 0,
                      NULL, NULL),
};
static const shmrpc_type bytes_params_type = SHMRPC_TYPE_STRUCT_INIT(
    bytes_params, SHMRPC_TYPE_PARAMS, 8, 4, NULL, NULL, bytes_fields);

static const shmrpc_field text_fields[] = {
    SHMRPC_FIELD_INIT(1, "text", &text_type, text_params, text, 0, NULL, NULL),
};
static const shmrpc_type text_params_type = SHMRPC_TYPE_STRUCT_INIT(
    text_params, SHMRPC_TYPE_PARAMS, 8, 4, NULL, NULL, text_fields);

static const shmrpc_field pair_fields[] = {
    SHMRPC_FIELD_INIT(1, "a", &shmrpc_type_i64, pair_params, a, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "b", &shmrpc_type_i64, pair_params, b, 0, NULL, NULL),
};
static const shmrpc_type pair_params_type = SHMRPC_TYPE_STRUCT_INIT(
    pair_params, SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FIXED | SHMRPC_TYPE_FLAT, 16,
    8, NULL, NULL, pair_fields);

static const shmrpc_field fail_fields[] = {
    SHMRPC_FIELD_INIT(1, "status", &shmrpc_type_i32, fail_params, status, 0,
                      NULL, NULL),
    SHMRPC_FIELD_INIT(2, "message", &shmrpc_type_string, fail_params, message,
                      0, NULL, NULL),
};
static const shmrpc_type fail_params_type = SHMRPC_TYPE_STRUCT_INIT(
    fail_params, SHMRPC_TYPE_PARAMS, 12, 4, NULL, NULL, fail_fields);

static const shmrpc_error_type overflow_error = {"test.Overflow",
                                                 OVERFLOW_ERROR, NULL, NULL};
static const shmrpc_error_type *const overflow[] = {&overflow_error};

static const shmrpc_field detail_fields[] = {
    SHMRPC_FIELD_INIT(1, "text", &short_type, detail, text, 0, NULL, NULL),
};
static const shmrpc_type detail_type = SHMRPC_TYPE_STRUCT_INIT(
    detail, 0, 8, 4, "test.Detailed", NULL, detail_fields);
const shmrpc_error_type detailed_error = {"test.Detailed", DETAILED_ERROR,
                                          &detail_type, NULL};
static const shmrpc_error_type *const both[] = {&overflow_error,
                                                &detailed_error};

#define METHOD(name, encoding, flags, timeout_ns, params, result, throws, n) \
    {                                                                        \
        name, SHMRPC_ENCODING_##encoding, flags, 0x1000u + __LINE__,         \
            timeout_ns, #encoding " " name, NULL, params, result, throws, n, \
            SHMRPC_NO_STREAMS                                                \
    }
#define PLAIN(name, encoding, params, result) \
    METHOD(name, encoding, 0, 0, params, result, NULL, 0)

const shmrpc_method sample_methods[SAMPLE_METHODS] = {
    [ECHO_RAW] = PLAIN("echo_raw", RAW, &bytes_params_type, &shmrpc_type_bytes),
    [ECHO_JSON] = PLAIN("echo_json", JSON, &text_params_type, &text_type),
    [ADD] = METHOD("add", NATIVE, 0, 0, &pair_params_type, &shmrpc_type_i64,
                   overflow, 1),
    [ADD_MSGPACK] = METHOD("add_msgpack", MSGPACK, 0, 0, &pair_params_type,
                           &shmrpc_type_i64, overflow, 1),
    [NOTHING] = PLAIN("nothing", JSON, &shmrpc_type_no_params, NULL),
    [FAIL] = METHOD("fail", JSON, 0, 0, &fail_params_type, NULL, overflow, 1),
    [LONG_RESULT] =
        PLAIN("long_result", JSON, &shmrpc_type_no_params, &short_type),
    [HOLD] = METHOD("hold", JSON, 0, 50 * SHMRPCI_NS_PER_MS,
                    &shmrpc_type_no_params, NULL, NULL, 0),
    [WATCH] = PLAIN("watch", JSON, &shmrpc_type_no_params, NULL),
    [NOTE] = METHOD("note", NATIVE, SHMRPC_METHOD_ONEWAY, 0, &pair_params_type,
                    NULL, NULL, 0),
    [REMAINING] =
        PLAIN("remaining", NATIVE, &shmrpc_type_no_params, &shmrpc_type_i64),
    [PEER] = PLAIN("peer", NATIVE, &shmrpc_type_no_params, &shmrpc_type_i64),
    [FILL] = PLAIN("fill", JSON, &pair_params_type, &shmrpc_type_string),
    [MISSING] = PLAIN("missing", JSON, &shmrpc_type_no_params, NULL),
    [AGAIN] = METHOD("again", NATIVE, SHMRPC_METHOD_IDEMPOTENT, 0,
                     &shmrpc_type_no_params, &shmrpc_type_i64, NULL, 0),
    [THROW] =
        METHOD("throw", NATIVE, 0, 0, &shmrpc_type_no_params, NULL, both, 2),
};

static const char *const sample_text[] = {
    "package test;\n",
    "service Sample { port 5999; name \"sample\"; }\n",
    NULL,
};

const shmrpc_service sample_service = {
    .rows = SHMRPC_ROWS_INIT,
    .name = "sample",
    .id = "test.Sample",
    .port = 5999,
    .version = 1,
    .hash = 0x1122334455667788u,
    .text = sample_text,
    .methods = sample_methods,
    .method_count = SAMPLE_METHODS,
};

/* ---- handlers ------------------------------------------------------------ */

static int echo_raw(shmrpc_ctx *ctx, const void *impl, void *user,
                    const void *params, void *result)
{
    (void)ctx;
    (void)impl;
    (void)user;
    *(shmrpc_bytes *)result = ((const bytes_params *)params)->data;
    return SHMRPC_OK;
}

static int echo_json(shmrpc_ctx *ctx, const void *impl, void *user,
                     const void *params, void *result)
{
    (void)ctx;
    (void)impl;
    (void)user;
    *(shmrpc_str *)result = ((const text_params *)params)->text;
    return SHMRPC_OK;
}

static int add(shmrpc_ctx *ctx, const void *impl, void *user,
               const void *params, void *result)
{
    (void)impl;
    (void)user;
    const pair_params *p = params;
    if (__builtin_add_overflow(p->a, p->b, (int64_t *)result)) {
        if (p->b < 0) {
            return OVERFLOW_ERROR;
        }
        return shmrpc_ctx_fail(ctx, OVERFLOW_ERROR, "%lld + %lld is too much",
                               (long long)p->a, (long long)p->b);
    }
    return SHMRPC_OK;
}

static int nothing(shmrpc_ctx *ctx, const void *impl, void *user,
                   const void *params, void *result)
{
    (void)ctx;
    (void)impl;
    (void)user;
    (void)params;
    (void)result;
    return SHMRPC_OK;
}

static int fail_as_asked(shmrpc_ctx *ctx, const void *impl, void *user,
                         const void *params, void *result)
{
    (void)impl;
    (void)user;
    (void)result;
    const fail_params *p = params;
    if (p->message.len == 0) {
        return p->status;
    }
    return shmrpc_ctx_fail(ctx, p->status, "%.*s", (int)p->message.len,
                           p->message.ptr);
}

static int long_result(shmrpc_ctx *ctx, const void *impl, void *user,
                       const void *params, void *result)
{
    (void)ctx;
    (void)impl;
    (void)user;
    (void)params;
    *(shmrpc_str *)result = shmrpc_str_of("12345");
    return SHMRPC_OK;
}

static void count(sample_state *state, unsigned *field)
{
    shmrpci_mutex_lock(&state->lock);
    (*field)++;
    shmrpci_cond_broadcast(&state->changed);
    shmrpci_mutex_unlock(&state->lock);
}

static int hold(shmrpc_ctx *ctx, const void *impl, void *user,
                const void *params, void *result)
{
    (void)ctx;
    (void)impl;
    (void)params;
    (void)result;
    sample_state *state = user;
    shmrpci_mutex_lock(&state->lock);
    state->entered++;
    shmrpci_cond_broadcast(&state->changed);
    while (!state->open) {
        shmrpci_cond_wait(&state->changed, &state->lock);
    }
    shmrpci_mutex_unlock(&state->lock);
    return SHMRPC_OK;
}

static int watch(shmrpc_ctx *ctx, const void *impl, void *user,
                 const void *params, void *result)
{
    (void)impl;
    (void)params;
    (void)result;
    sample_state *state = user;
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    count(state, &state->entered);
    while (!shmrpc_ctx_cancelled(ctx)) {
        if (shmrpci_now_ns() > deadline_ns) {
            return SHMRPC_E_DEADLINE;
        }
        sched_yield();
    }
    count(state, &state->cancelled);
    return SHMRPC_E_CANCELLED;
}

static int note(shmrpc_ctx *ctx, const void *impl, void *user,
                const void *params, void *result)
{
    (void)ctx;
    (void)impl;
    (void)params;
    (void)result;
    sample_state *state = user;
    count(state, &state->noted);
    return SHMRPC_OK;
}

static int remaining(shmrpc_ctx *ctx, const void *impl, void *user,
                     const void *params, void *result)
{
    (void)impl;
    (void)user;
    (void)params;
    *(int64_t *)result = shmrpc_ctx_remaining_ns(ctx);
    return SHMRPC_OK;
}

static int peer(shmrpc_ctx *ctx, const void *impl, void *user,
                const void *params, void *result)
{
    (void)impl;
    (void)user;
    (void)params;
    *(int64_t *)result = shmrpc_ctx_peer(ctx)->pid;
    return SHMRPC_OK;
}

static int fill(shmrpc_ctx *ctx, const void *impl, void *user,
                const void *params, void *result)
{
    (void)impl;
    (void)user;
    const pair_params *p = params;
    char *text = shmrpc_ctx_alloc(ctx, (size_t)p->a + 1, 1);
    if (text == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    memset(text, (int)p->b, (size_t)p->a);
    *(shmrpc_str *)result = (shmrpc_str){text, (size_t)p->a};
    return SHMRPC_OK;
}

static int missing(shmrpc_ctx *ctx, const void *impl, void *user,
                   const void *params, void *result)
{
    (void)ctx;
    (void)impl;
    (void)user;
    (void)params;
    (void)result;
    return SHMRPC_E_UNIMPLEMENTED;
}

static int again(shmrpc_ctx *ctx, const void *impl, void *user,
                 const void *params, void *result)
{
    (void)ctx;
    (void)user;
    (void)params;
    const sample_impl *mine = impl;
    if (mine->size < sizeof *mine || mine->again == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    *(int64_t *)result = mine->again();
    return SHMRPC_OK;
}

static int throw_detail(shmrpc_ctx *ctx, const void *impl, void *user,
                        const void *params, void *result)
{
    (void)impl;
    (void)user;
    (void)params;
    (void)result;
    detail thrown = {shmrpc_str_of("four")};
    return shmrpc_stub_raise(ctx, &detailed_error, &thrown);
}

static int answer(void)
{
    return 42;
}

const sample_impl sample_implementation = {sizeof(sample_impl), answer};

const shmrpc_handler sample_handlers[SAMPLE_METHODS] = {
    [ECHO_RAW] = echo_raw, [ECHO_JSON] = echo_json,
    [ADD] = add,           [ADD_MSGPACK] = add,
    [NOTHING] = nothing,   [FAIL] = fail_as_asked,
    [HOLD] = hold,         [LONG_RESULT] = long_result,
    [WATCH] = watch,       [NOTE] = note,
    [PEER] = peer,         [REMAINING] = remaining,
    [FILL] = fill,         [MISSING] = missing,
    [AGAIN] = again,       [THROW] = throw_detail,
};

/* ---- a server ------------------------------------------------------------ */

void sample_address(const char *scheme, char out[128])
{
    place_new(scheme, out);
}

static void run(void *user)
{
    sample_server *s = user;
    s->status = shmrpc_server_run(s->server, NULL);
}

void sample_start(sample_server *s, const char *scheme,
                  const shmrpc_service *service, uint32_t workers)
{
    char where[128];
    sample_address(scheme, where);
    sample_start_at(s, where, service, workers);
}

void sample_start_serving(sample_server *s, const char *where,
                          const shmrpc_service *service,
                          const shmrpc_handler *handlers,
                          const shmrpc_server_opts *with)
{
    shmrpc_error error = {.name = ""};
    char copy[sizeof s->where]; /* `where` may point to s->where */
    (void)snprintf(copy, sizeof copy, "%s", where);
    *s = (sample_server){.status = -1};
    shmrpci_mutex_init(&s->state.lock);
    shmrpci_cond_init(&s->state.changed);
    place_listen(copy, s->where);
    shmrpc_server_opts opts = *with;
    opts.listen = s->where;
    opts.force_insecure_serialisation |= !place_is_local(copy);
    assert_int_equal(shmrpc_server_create(&opts, &s->server, &error), 0);
    if (shmrpc_stub_serve(s->server, service, handlers, &sample_implementation,
                          sizeof sample_implementation, &s->state,
                          &error) != SHMRPC_OK) {
        fail_msg("serve: %s", error.message);
    }
    assert_int_equal(shmrpci_thread_create(&s->thread, "server", run, s), 0);
    s->gateway = place_open(copy, s->server, service, s->where);
}

void sample_start_at(sample_server *s, const char *where,
                     const shmrpc_service *service, uint32_t workers)
{
    const shmrpc_server_opts opts = {.workers = workers};
    sample_start_serving(s, where, service, sample_handlers, &opts);
}

void sample_start_with(sample_server *s, const char *scheme,
                       const shmrpc_handler *handlers,
                       const shmrpc_server_opts *more)
{
    static const shmrpc_server_opts plain = {.workers = 1};
    char where[128];
    sample_address(scheme, where);
    sample_start_serving(s, where, &sample_service, handlers,
                         more != NULL ? more : &plain);
}

void sample_stop(sample_server *s)
{
    sample_open(&s->state);
    shmrpc_server_stop(s->server);
    shmrpci_thread_join(&s->thread);
    place_close(s->gateway);
    assert_int_equal(s->status, SHMRPC_OK);
    shmrpc_server_destroy(s->server);
    shmrpci_cond_fini(&s->state.changed);
    shmrpci_mutex_fini(&s->state.lock);
}

shmrpc_client *sample_connect(const sample_server *s)
{
    shmrpc_client *client = NULL;
    shmrpc_error error = {.name = ""};
    if (shmrpc_stub_connect(&sample_service, s->where, NULL, &client, &error) !=
        SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

void sample_open(sample_state *state)
{
    shmrpci_mutex_lock(&state->lock);
    state->open = true;
    shmrpci_cond_broadcast(&state->changed);
    shmrpci_mutex_unlock(&state->lock);
}

void sample_await(sample_state *state, const unsigned *field, unsigned wanted)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    bool in_time = true;
    shmrpci_mutex_lock(&state->lock);
    while (*field < wanted && in_time) {
        in_time =
            shmrpci_cond_wait_until(&state->changed, &state->lock, deadline_ns);
    }
    unsigned got = *field;
    shmrpci_mutex_unlock(&state->lock);
    if (got < wanted) {
        fail_msg("timed out: %u of %u", got, wanted);
    }
}

void sample_add(shmrpc_client *client, int64_t a, int64_t b)
{
    pair_params params = {a, b};
    int64_t sum = 0;
    shmrpc_error error = {.name = ""};
    if (shmrpc_stub_call(client, ADD, &params, NULL, &sum, &error) != 0) {
        fail_msg("add: %s", error.message);
    }
    assert_int_equal(sum, a + b);
}

/* ---- the socket folder --------------------------------------------------- */

static char folder_path[64];

void sample_folder_make(void)
{
    (void)snprintf(folder_path, sizeof folder_path, "/tmp/shmrpc-test-XXXXXX");
    if (mkdtemp(folder_path) == NULL ||
        setenv("SHMRPC_DIR", folder_path, 1) != 0) {
        abort();
    }
}

void sample_folder_remove(void)
{
    DIR *folder = opendir(folder_path);
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL;
         entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
        }
    }
    (void)closedir(folder);
    (void)rmdir(folder_path);
}

int sample_set_up(void **state)
{
    (void)state;
    sample_folder_make();
    return 0;
}

int sample_tear_down(void **state)
{
    (void)state;
    sample_folder_remove();
    return 0;
}

char sample_inproc[] = "inproc";
char sample_shm[] = "shm";
char sample_unix[] = "unix";
char sample_tcp[] = "tcp";
char sample_tls[] = "tls";
char sample_relay[] = "relay";
