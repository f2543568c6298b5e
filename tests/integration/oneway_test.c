/* Oneway methods: the call returns once the request was sent, in every encoding
 * and over every local transport. */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "oneway_client.h"
#include "oneway_server.h"

#define SLOTS 64

typedef struct fixture {
    shmrpc_server *server;
    pthread_t thread;
    char where[128];
    oneway_notes *client;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t sum;
    uint32_t entered; /* number of handlers that are blocked */
    bool open;
} fixture;

static void add(fixture *f, uint32_t value)
{
    (void)pthread_mutex_lock(&f->lock);
    f->sum += value;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
}

/* ---- handlers ---- */

static int by_json(shmrpc_ctx *ctx, void *user, uint32_t value,
                   const shmrpc_str *text)
{
    (void)ctx;
    add(user, value + (text != NULL ? (uint32_t)text->len : 0));
    return SHMRPC_OK;
}

static int by_msgpack(shmrpc_ctx *ctx, void *user, uint32_t value,
                      shmrpc_u32_list more)
{
    (void)ctx;
    for (size_t i = 0; i < more.len; i++) {
        value += more.ptr[i];
    }
    add(user, value);
    return SHMRPC_OK;
}

static int by_native(shmrpc_ctx *ctx, void *user, uint32_t value)
{
    (void)ctx;
    add(user, value);
    return SHMRPC_OK;
}

static int by_raw(shmrpc_ctx *ctx, void *user, shmrpc_bytes data)
{
    (void)ctx;
    add(user, (uint32_t)data.len);
    return SHMRPC_OK;
}

static int hold(shmrpc_ctx *ctx, void *user)
{
    (void)ctx;
    fixture *f = user;
    (void)pthread_mutex_lock(&f->lock);
    f->entered++;
    (void)pthread_cond_broadcast(&f->changed);
    while (!f->open) {
        (void)pthread_cond_wait(&f->changed, &f->lock);
    }
    (void)pthread_mutex_unlock(&f->lock);
    return SHMRPC_OK;
}

static int fail_as_asked(shmrpc_ctx *ctx, void *user, int32_t status)
{
    (void)user;
    return shmrpc_ctx_fail(ctx, status, "to nobody");
}

/* ---- the server ---- */

static void *run(void *server)
{
    (void)shmrpc_server_run(server, NULL);
    return NULL;
}

static int set_up(void **state)
{
    const char *scheme = *state;
    fixture *f = calloc(1, sizeof *f);
    shmrpc_error error;
    char shm[96];
    harness_address("notes", shm);
    (void)snprintf(f->where, sizeof f->where, "%s%s", scheme,
                   strstr(shm, "://"));
    (void)pthread_mutex_init(&f->lock, NULL);
    (void)pthread_cond_init(&f->changed, NULL);
    oneway_notes_impl impl = ONEWAY_NOTES_IMPL_INIT;
    impl.by_json = by_json;
    impl.by_msgpack = by_msgpack;
    impl.by_native = by_native;
    impl.by_raw = by_raw;
    impl.hold = hold;
    impl.fail = fail_as_asked;
    shmrpc_server_opts opts = {.listen = f->where, .workers = 1};
    *state = f;
    if (shmrpc_server_create(&opts, &f->server, &error) != 0 ||
        oneway_notes_serve(f->server, &impl, f, &error) != 0 ||
        pthread_create(&f->thread, NULL, run, f->server) != 0 ||
        oneway_notes_connect(f->where, NULL, &f->client, &error) != 0) {
        fail_msg("%s", error.message);
    }
    return 0;
}

static void open_gate(fixture *f)
{
    (void)pthread_mutex_lock(&f->lock);
    f->open = true;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
}

static void stop(fixture *f)
{
    open_gate(f);
    shmrpc_server_stop(f->server);
    (void)pthread_join(f->thread, NULL);
    shmrpc_server_destroy(f->server);
}

static int tear_down(void **state)
{
    fixture *f = *state;
    oneway_notes_close(f->client);
    stop(f);
    (void)pthread_cond_destroy(&f->changed);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
    return 0;
}

static void await(fixture *f, const uint32_t *field, uint32_t wanted)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE / S;
    int timed_out = 0;
    (void)pthread_mutex_lock(&f->lock);
    while (*field < wanted && timed_out == 0) {
        timed_out = pthread_cond_timedwait(&f->changed, &f->lock, &until);
    }
    uint32_t got = *field;
    (void)pthread_mutex_unlock(&f->lock);
    assert_int_equal(got, wanted);
}

/* ---- tests ---- */

static void every_encoding_arrives(void **state)
{
    fixture *f = *state;
    static const uint32_t more[] = {20, 30};
    const shmrpc_u32_list list = {more, 2};
    const shmrpc_str text = shmrpc_str_of("1234");
    char *large = calloc(1, 100000);
    shmrpc_error error;
    assert_int_equal(oneway_notes_by_json(f->client, 1, &text, NULL, &error),
                     0);
    assert_int_equal(
        oneway_notes_by_msgpack(f->client, 1000, list, NULL, &error), 0);
    assert_int_equal(oneway_notes_by_native(f->client, 7, NULL, &error), 0);
    assert_int_equal(oneway_notes_by_raw(f->client,
                                         shmrpc_bytes_of(large, 100000), NULL,
                                         &error),
                     0);
    await(f, &f->sum, 5 + 1050 + 7 + 100000);
    free(large);
}

static void call_returns_before_its_handler(void **state)
{
    fixture *f = *state;
    assert_int_equal(oneway_notes_hold(f->client, NULL, NULL), 0);
    await(f, &f->entered, 1);
    assert_int_equal(oneway_notes_by_native(f->client, 1, NULL, NULL), 0);
    open_gate(f);
    await(f, &f->sum, 1);
}

/* A handler that waits occupies one slot; the calls queued behind it occupy the
 * others. */
static void full_slots_are_BUSY_or_DEADLINE(void **state)
{
    fixture *f = *state;
    const shmrpc_opts at_once = {.flags = SHMRPC_OPT_NONBLOCK};
    const shmrpc_opts soon = {.timeout_ns = 20 * MS};
    shmrpc_error error;
    uint32_t sent = 0;
    assert_int_equal(oneway_notes_hold(f->client, NULL, NULL), 0);
    await(f, &f->entered, 1);
    while (sent <= SLOTS &&
           oneway_notes_by_native(f->client, 1, &at_once, &error) == 0) {
        sent++;
    }
    assert_int_equal(sent, SLOTS - 1);
    assert_int_equal(error.code, SHMRPC_E_BUSY);
    int64_t began = harness_now_ns();
    assert_int_equal(oneway_notes_by_native(f->client, 1, &soon, &error),
                     SHMRPC_E_DEADLINE);
    assert_true(harness_now_ns() - began >= 20 * MS);
    open_gate(f);
    await(f, &f->sum, sent);
}

static void failures_of_the_server_reach_nobody(void **state)
{
    fixture *f = *state;
    shmrpc_error error;
    for (int i = 0; i < 2 * SLOTS; i++) {
        assert_int_equal(oneway_notes_missing(f->client, NULL, &error), 0);
        assert_int_equal(oneway_notes_fail(f->client,
                                           i % 2 == 0 ? SHMRPC_E_INTERNAL : 100,
                                           NULL, &error),
                         0);
    }
    assert_int_equal(oneway_notes_by_native(f->client, 1, NULL, &error), 0);
    await(f, &f->sum, 1);
}

static void parameter_out_of_bounds_is_not_sent(void **state)
{
    fixture *f = *state;
    shmrpc_error error;
    assert_int_equal(
        oneway_notes_by_json(f->client, 1000001, NULL, NULL, &error),
        SHMRPC_E_INVALID);
    assert_string_equal(error.path, "value");
}

static void lost_connection_is_UNAVAILABLE(void **state)
{
    fixture *f = *state;
    const shmrpc_opts at_once = {.flags = SHMRPC_OPT_NONBLOCK};
    shmrpc_error error;
    int status = SHMRPC_OK;
    assert_int_equal(oneway_notes_by_native(f->client, 1, NULL, &error), 0);
    await(f, &f->sum, 1);
    stop(f);
    for (int i = 0; i < 3 * SLOTS && status == SHMRPC_OK; i++) {
        status = oneway_notes_by_native(f->client, 1, &at_once, &error);
    }
    assert_int_equal(status, SHMRPC_E_UNAVAILABLE);
    /* Start another server, because tear_down expects a running one. */
    assert_int_equal(shmrpc_server_create(NULL, &f->server, &error), 0);
    assert_int_equal(pthread_create(&f->thread, NULL, run, f->server), 0);
}

static void notes_of_a_closed_client_run(void **state)
{
    fixture *f = *state;
    oneway_notes *client = NULL;
    shmrpc_error error;
    assert_int_equal(oneway_notes_hold(f->client, NULL, NULL), 0);
    await(f, &f->entered, 1);
    assert_int_equal(oneway_notes_connect(f->where, NULL, &client, &error), 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(oneway_notes_by_native(client, 1, NULL, &error), 0);
    }
    oneway_notes_close(client);
    open_gate(f);
    await(f, &f->sum, 10);
}

static void notes_of_a_killed_client_run(void **state)
{
    fixture *f = *state;
    for (uint32_t i = 1; i <= 5; i++) {
        const char *arguments[] = {f->where, NULL};
        child client = harness_start(ONEWAY_CLIENT, arguments);
        assert_int_equal(harness_wait(&client), -SIGKILL);
        await(f, &f->sum, i * 1000 * (1 + 6 + 1 + 1));
    }
}

#define OVER(scheme, test)                                  \
    {                                                       \
#test ", " #scheme, test, set_up, tear_down, scheme \
    }
#define BOTH(test) OVER(inproc, test), OVER(shm, test)

int main(void)
{
    static char inproc[] = "inproc";
    static char shm[] = "shm";
    static const struct CMUnitTest tests[] = {
        BOTH(every_encoding_arrives),
        BOTH(call_returns_before_its_handler),
        BOTH(full_slots_are_BUSY_or_DEADLINE),
        BOTH(failures_of_the_server_reach_nobody),
        BOTH(parameter_out_of_bounds_is_not_sent),
        BOTH(lost_connection_is_UNAVAILABLE),
        BOTH(notes_of_a_closed_client_run),
        OVER(shm, notes_of_a_killed_client_run),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
