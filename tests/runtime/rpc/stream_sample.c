/* A service with streams of each kind, its handlers, and a server for it. */
#include "stream_sample.h"

#include <stdio.h>
#include <stdlib.h>

#include "shmrpc/beside.h"

static const shmrpc_type word_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 50000);
static const shmrpc_type mirror_type = SHMRPC_TYPE_BOUNDED_INIT(
    SHMRPC_KIND_BYTES, shmrpc_bytes, 8, 4, 0, MIRROR_MOST);
static const shmrpc_error_type *const detailed[] = {&detailed_error};

static const shmrpc_field pair_fields[] = {
    SHMRPC_FIELD_INIT(1, "a", &shmrpc_type_i64, pair_params, a, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "b", &shmrpc_type_i64, pair_params, b, 0, NULL, NULL),
};
static const shmrpc_type pair_type = SHMRPC_TYPE_STRUCT_INIT(
    pair_params, SHMRPC_TYPE_PARAMS, 16, 8, NULL, NULL, pair_fields);
static const shmrpc_field data_fields[] = {
    SHMRPC_FIELD_INIT(1, "data", &shmrpc_type_bytes, bytes_params, data, 0,
                      NULL, NULL),
};
static const shmrpc_type data_type = SHMRPC_TYPE_STRUCT_INIT(
    bytes_params, SHMRPC_TYPE_PARAMS, 8, 4, NULL, NULL, data_fields);

#define IN  ((uint32_t)SHMRPC_METHOD_STREAMS_IN)
#define OUT ((uint32_t)SHMRPC_METHOD_STREAMS_OUT)

static const shmrpc_method methods[METHODS] = {
    [DOWN] = {.name = "down",
              .encoding = SHMRPC_ENCODING_JSON,
              .flags = OUT,
              .hash = 1,
              .signature = "",
              .params = &pair_type,
              .throws = detailed,
              .throws_count = 1,
              .window_out = 4096,
              .items_out = &shmrpc_type_i64},
    [UP] = {.name = "up",
            .encoding = SHMRPC_ENCODING_MSGPACK,
            .flags = IN,
            .hash = 2,
            .signature = "",
            .params = &shmrpc_type_no_params,
            .result = &shmrpc_type_i64,
            .window_in = 4096,
            .items_in = &word_type},
    [BOTH] = {.name = "both",
              .encoding = SHMRPC_ENCODING_NATIVE,
              .flags = IN | OUT,
              .hash = 3,
              .signature = "",
              .params = &shmrpc_type_no_params,
              .window_in = 4096,
              .window_out = 4096,
              .items_in = &shmrpc_type_i64,
              .items_out = &shmrpc_type_i64},
    [FLOOD] = {.name = "flood",
               .encoding = SHMRPC_ENCODING_NATIVE,
               .flags = IN | OUT,
               .hash = 4,
               .signature = "",
               .params = &shmrpc_type_no_params,
               .window_in = 4096,
               .window_out = 4096,
               .items_in = &shmrpc_type_i64,
               .items_out = &shmrpc_type_i64},
    [CAT] = {.name = "cat",
             .encoding = SHMRPC_ENCODING_RAW,
             .flags = OUT,
             .hash = 5,
             .signature = "",
             .params = &data_type,
             .window_out = 65536,
             .items_out = &shmrpc_type_bytes},
    [IDLE] = {.name = "idle",
              .encoding = SHMRPC_ENCODING_JSON,
              .flags = OUT,
              .hash = 6,
              .signature = "",
              .params = &shmrpc_type_no_params,
              .window_out = 4096,
              .idle_ns = 20 * SHMRPCI_NS_PER_MS,
              .items_out = &shmrpc_type_i64},
    [MIRROR] = {.name = "mirror",
                .encoding = SHMRPC_ENCODING_RAW,
                .flags = IN | OUT,
                .hash = 7,
                .signature = "",
                .params = &shmrpc_type_no_params,
                .window_in = 65536,
                .window_out = 65536,
                .items_in = &mirror_type,
                .items_out = &mirror_type},
};
static const char *const text[] = {"text", NULL};
const shmrpc_service stream_sample = {.rows = SHMRPC_ROWS_INIT,
                                      .name = "streams",
                                      .id = "test.Streams",
                                      .port = 5998,
                                      .version = 1,
                                      .hash = 7,
                                      .text = text,
                                      .methods = methods,
                                      .method_count = METHODS};

/* ---- handlers ------------------------------------------------------------ */

/* Observations of the handlers. */
static struct {
    shmrpci_mutex lock;
    shmrpci_cond changed;
    int last; /* the status of the last send or next that was not OK */
    unsigned returned;
} seen = {.lock = SHMRPCI_MUTEX_INIT};

static int returns(int status)
{
    shmrpci_mutex_lock(&seen.lock);
    seen.last = status;
    seen.returned++;
    shmrpci_cond_broadcast(&seen.changed);
    shmrpci_mutex_unlock(&seen.lock);
    return status;
}

static int down(shmrpc_ctx *ctx, const void *impl, void *user,
                const void *params, void *result)
{
    (void)impl, (void)user, (void)result;
    const pair_params *p = params;
    for (int64_t i = 0; i < p->a; i++) {
        int status = shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &i, 0);
        if (status != SHMRPC_OK) {
            return returns(status);
        }
    }
    if (p->b == DETAILED_ERROR) {
        const detail why = {shmrpc_str_of("four")};
        return returns(shmrpc_stub_raise(ctx, &detailed_error, &why));
    }
    return returns((int)p->b);
}

static int up(shmrpc_ctx *ctx, const void *impl, void *user, const void *params,
              void *result)
{
    (void)impl, (void)user, (void)params;
    const void *item;
    int64_t bytes = 0;
    int status;
    while ((status = shmrpc_stub_source_next(shmrpc_stub_source(ctx), &item)) ==
           SHMRPC_MORE) {
        const shmrpc_str *word = item;
        if (shmrpc_str_equal(*word, shmrpc_str_of("stop"))) {
            break;
        }
        if (shmrpc_str_equal(*word, shmrpc_str_of("fail"))) {
            return returns(shmrpc_ctx_fail(ctx, SHMRPC_E_NOT_FOUND, "no more"));
        }
        bytes += (int64_t)word->len;
    }
    *(int64_t *)result = bytes;
    return returns(status == SHMRPC_MORE ? SHMRPC_OK : status);
}

static int both(shmrpc_ctx *ctx, const void *impl, void *user,
                const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    const void *item;
    int status;
    while ((status = shmrpc_stub_source_next(shmrpc_stub_source(ctx), &item)) ==
           SHMRPC_MORE) {
        int64_t twice = 2 * *(const int64_t *)item;
        status = shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &twice, 0);
        if (status != SHMRPC_OK) {
            break;
        }
    }
    return returns(status);
}

static int flood(shmrpc_ctx *ctx, const void *impl, void *user,
                 const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    int64_t number = 0;
    int status;
    do {
        status = shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &number, 0);
    } while (status == SHMRPC_OK);
    return returns(status);
}

static int cat(shmrpc_ctx *ctx, const void *impl, void *user,
               const void *params, void *result)
{
    (void)impl, (void)user, (void)result;
    shmrpc_bytes all = ((const bytes_params *)params)->data;
    int status = SHMRPC_OK;
    for (size_t at = 0; status == SHMRPC_OK && at < all.len; at += 1000) {
        shmrpc_bytes part = {all.ptr + at,
                             all.len - at < 1000 ? all.len - at : 1000};
        status = shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &part, 0);
    }
    return returns(status);
}

static int idle(shmrpc_ctx *ctx, const void *impl, void *user,
                const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    int64_t number = 1;
    int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
    (void)shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &number, 0);
    while (!shmrpc_ctx_cancelled(ctx) && shmrpci_now_ns() < late_ns) {
        shmrpci_thread_yield();
    }
    return returns(shmrpc_ctx_cancelled(ctx) ? SHMRPC_E_CANCELLED
                                             : SHMRPC_E_DEADLINE);
}

static int mirror(shmrpc_ctx *ctx, const void *impl, void *user,
                  const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    shmrpc_sink *out = shmrpc_stub_sink(ctx);
    const void *item;
    int status;
    while ((status = shmrpc_stub_source_next(shmrpc_stub_source(ctx), &item)) ==
           SHMRPC_MORE) {
        const shmrpc_bytes *bytes = item;
        void *at;
        if (bytes->len == 4 && memcmp(bytes->ptr, "stop", 4) == 0) {
            return returns(SHMRPC_OK);
        }
        status = shmrpc_stub_sink_loan(out, bytes->len, 0, &at);
        if (status == SHMRPC_OK) {
            shmrpc_stub_sink_abort(out, at);
            status = shmrpc_stub_sink_loan(out, bytes->len + 1, 0, &at);
        }
        if (status == SHMRPC_OK) {
            if (bytes->len > 0) {
                memcpy(at, bytes->ptr, bytes->len);
            }
            status = shmrpc_stub_sink_commit(out, at, bytes->len);
        }
        if (status != SHMRPC_OK) {
            break;
        }
    }
    return returns(status);
}

static const shmrpc_handler handlers[METHODS] = {
    [DOWN] = down, [UP] = up,     [BOTH] = both,     [FLOOD] = flood,
    [CAT] = cat,   [IDLE] = idle, [MIRROR] = mirror,
};

/* ---- a server and a client ----------------------------------------------- */

const char *place;
char client_place[PLACE_BYTES];
shmrpc_client *client;
shmrpc_error error;
static shmrpc_server *server;
static shmrpci_thread thread;
static place_gateway *gateway;

static void serve(void *unused)
{
    (void)unused;
    shmrpc_error why;
    (void)shmrpc_server_run(server, &why);
}

const shmrpc_interceptor *const *who_looks;
const shmrpc_handler *other_handlers;
int64_t drain_ns;
int64_t age_ns;
const char *also_at;

int begin(void **state)
{
    (void)state;
    char listen[2 * PLACE_BYTES];
    place_listen(place, listen);
    if (also_at != NULL) {
        size_t len = strlen(listen);
        (void)snprintf(listen + len, sizeof listen - len, ",%s", also_at);
    }
    const shmrpc_server_opts opts = {
        .listen = listen,
        .workers = 2,
        .max_streams = 2,
        .force_insecure_serialisation = !place_is_local(place),
        .interceptors = who_looks,
        .stream_drain_ns = drain_ns,
        .max_stream_age_ns = age_ns,
    };
    const shmrpc_opts with = {.interceptors = who_looks};
    shmrpci_mutex_lock(&seen.lock);
    seen.returned = 0;
    shmrpci_mutex_unlock(&seen.lock);
    assert_int_equal(shmrpc_server_create(&opts, &server, &error), SHMRPC_OK);
    assert_int_equal(
        shmrpc_stub_serve(server, &stream_sample,
                          other_handlers != NULL ? other_handlers : handlers,
                          "", 1, NULL, &error),
        SHMRPC_OK);
    assert_int_equal(shmrpci_thread_create(&thread, "server", serve, NULL),
                     SHMRPC_OK);
    gateway = place_open(place, server, &stream_sample, client_place);
    assert_int_equal(shmrpc_stub_connect(&stream_sample, client_place, &with,
                                         &client, &error),
                     SHMRPC_OK);
    return 0;
}

void stop_server(void)
{
    shmrpc_server_stop(server);
}

int end(void **state)
{
    (void)state;
    shmrpc_stub_close(client);
    stop_server();
    shmrpci_thread_join(&thread);
    place_close(gateway);
    shmrpc_server_destroy(server);
    return 0;
}

int returned(unsigned count)
{
    int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
    bool in_time = true;
    shmrpci_mutex_lock(&seen.lock);
    while (seen.returned < count && in_time) {
        in_time = shmrpci_cond_wait_until(&seen.changed, &seen.lock, late_ns);
    }
    int status = seen.last;
    bool good = seen.returned >= count;
    shmrpci_mutex_unlock(&seen.lock);
    assert_true(good);
    return status;
}

shmrpc_stream *open_with(uint32_t method, const void *params,
                         const shmrpc_opts *opts)
{
    shmrpc_stream *stream = NULL;
    if (shmrpc_stub_stream_open(client, method, params, opts, &stream,
                                &error) != SHMRPC_OK) {
        fail_msg("open: %s", error.message);
    }
    return stream;
}

void expect_number(shmrpc_stream *stream, int64_t number)
{
    const void *item;
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error),
                     SHMRPC_MORE);
    assert_int_equal(*(const int64_t *)item, number);
}

int over_all(const struct CMUnitTest *tests, size_t count, bool is_local)
{
    static const char *const others[] = {"unix", "tcp", "tls", "relay"};
    char address[PLACE_BYTES];
    int failed = 0;
    sample_folder_make();
    shmrpci_cond_init(&seen.changed);
    place = "inproc://";
    failed += _cmocka_run_group_tests(place, tests, count, NULL, NULL);
    place = "shm://";
    failed += _cmocka_run_group_tests(place, tests, count, NULL, NULL);
    for (size_t i = 0; !is_local && i < sizeof others / sizeof *others; i++) {
        place_new(others[i], address);
        place = address;
        failed += _cmocka_run_group_tests(place, tests, count, NULL, NULL);
    }
    sample_folder_remove();
    return failed;
}
