/* Clients whose server ends and comes back, possibly with another interface. */
#include "sample.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "rpc/address.h"
#include "rpc/envelope.h"
#include "shmrpc/client.h"
#include "sync/atomic.h"
#include "transport/transport.h"

static const char *scheme;
static shmrpc_error error;

static shmrpc_client_stats stats_of(const shmrpc_client *client)
{
    shmrpc_client_stats stats;
    shmrpc_stub_read_stats(client, &stats);
    return stats;
}

/* Ends a server and starts another one at its address. */
static void restart(sample_server *s)
{
    sample_stop(s);
    sample_start_at(s, s->where, &sample_service, 2);
}

static unsigned count_fds(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count;
}

/* Waits until at most `most` descriptors are open: after a connection has
 * ended, the server's threads close their ends a little later. */
static void await_fds(unsigned most)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    unsigned fds;
    while ((fds = count_fds()) > most) {
        if (shmrpci_now_ns() > deadline_ns) {
            fail_msg("%u descriptors, were %u", fds, most);
        }
        shmrpci_pause();
    }
}

/* ---- the same service again ---------------------------------------------- */

static void client_survives_its_servers(void **state)
{
    (void)state;
    enum { RESTARTS = 20 };
    sample_server server;
    sample_start(&server, scheme, &sample_service, 2);
    shmrpc_client *client = sample_connect(&server);
    sample_add(client, 1, 2);
    unsigned fds = count_fds();
    for (unsigned i = 1; i <= RESTARTS; i++) {
        restart(&server);
        sample_add(client, i, 2);
        shmrpc_client_stats stats = stats_of(client);
        assert_int_equal(stats.reconnects, i);
        assert_int_equal(stats.resent, i);
        assert_int_equal(stats.retried, 0);
    }
    await_fds(fds);
    shmrpc_stub_close(client);
    sample_stop(&server);
}

typedef struct later {
    sample_server server;
    char where[128];
    shmrpci_thread thread;
    int64_t delay_ns;
} later;

/* Starts a server after a delay. */
static void start_later(void *user)
{
    later *l = user;
    shmrpci_mutex lock;
    shmrpci_cond never;
    int64_t until_ns = shmrpci_deadline_after(l->delay_ns);
    shmrpci_mutex_init(&lock);
    shmrpci_cond_init(&never);
    shmrpci_mutex_lock(&lock);
    while (shmrpci_cond_wait_until(&never, &lock, until_ns)) {
    }
    shmrpci_mutex_unlock(&lock);
    shmrpci_cond_fini(&never);
    shmrpci_mutex_fini(&lock);
    sample_start_at(&l->server, l->where, &sample_service, 2);
}

static void begin_later(later *l, const char *where)
{
    (void)snprintf(l->where, sizeof l->where, "%s", where);
    l->delay_ns = 30 * SHMRPCI_NS_PER_MS;
    assert_int_equal(shmrpci_thread_create(&l->thread, "later", start_later, l),
                     0);
}

static void call_waits_for_the_server_to_come_back(void **state)
{
    (void)state;
    sample_server server;
    later l;
    sample_start(&server, scheme, &sample_service, 2);
    shmrpc_client *client = sample_connect(&server);
    sample_stop(&server);
    begin_later(&l, server.where);
    sample_add(client, 3, 4);
    shmrpci_thread_join(&l.thread);
    shmrpc_stub_close(client);
    sample_stop(&l.server);
}

static void connect_waits_for_the_server_if_it_is_asked_to(void **state)
{
    (void)state;
    char where[128];
    shmrpc_client *client = NULL;
    shmrpc_opts opts = {.timeout_ns = 20 * SHMRPCI_NS_PER_MS,
                        .flags = SHMRPC_OPT_WAIT_FOR_READY};
    later l;
    sample_address(scheme, where);
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(
        shmrpc_stub_connect(&sample_service, where, &opts, &client, &error),
        SHMRPC_E_UNAVAILABLE);
    assert_true(shmrpci_now_ns() - began_ns >= opts.timeout_ns);
    assert_non_null(strstr(error.message, "no server for "));
    assert_non_null(strstr(error.message, "sample"));
    opts.timeout_ns = PATIENCE_NS;
    begin_later(&l, where);
    if (shmrpc_stub_connect(&sample_service, where, &opts, &client, &error) !=
        0) {
        fail_msg("%s", error.message);
    }
    sample_add(client, 1, 1);
    assert_int_equal(stats_of(client).reconnects, 0);
    shmrpci_thread_join(&l.thread);
    shmrpc_stub_close(client);
    sample_stop(&l.server);
}

static void call_of_an_absent_server_ends_at_its_deadline(void **state)
{
    (void)state;
    sample_server server;
    shmrpc_opts opts = {.timeout_ns = 30 * SHMRPCI_NS_PER_MS};
    sample_start(&server, scheme, &sample_service, 2);
    shmrpc_client *client = sample_connect(&server);
    sample_stop(&server);
    for (int i = 0; i < 3; i++) {
        int64_t began_ns = shmrpci_now_ns();
        assert_int_equal(
            shmrpc_stub_call(client, NOTHING, NULL, &opts, NULL, &error),
            SHMRPC_E_UNAVAILABLE);
        assert_true(shmrpci_now_ns() - began_ns >= opts.timeout_ns);
        assert_false(error.may_have_run);
        assert_non_null(strstr(error.message, "not sent, no server for "));
    }
    shmrpc_stub_close(client);
}

/* A server without a worker, so that requests to it wait. */
typedef struct mute {
    const shmrpci_transport *transport;
    shmrpci_listener *listener;
    shmrpci_thread thread;
} mute;

static int welcome_all(void *user, const uint8_t *hello, size_t len,
                       const shmrpc_peer *peer, shmrpci_buf *welcome,
                       shmrpc_error *refusal)
{
    (void)user;
    (void)hello;
    (void)len;
    (void)peer;
    (void)refusal;
    shmrpci_welcome_write(sample_service.hash, NULL, 0, welcome);
    return SHMRPC_OK;
}

static void run_mute(void *user)
{
    mute *m = user;
    (void)m->transport->listener->run(m->listener, NULL);
}

static void mute_start(mute *m, const char *where)
{
    shmrpci_place_list places;
    shmrpci_listen_opts opts = {
        .max_workers = 1,
        .max_message_bytes = (size_t)1 << 20,
        .max_connections_per_uid = 10,
        .max_bytes_per_uid = (size_t)1 << 30,
        .on_hello = welcome_all,
    };
    assert_int_equal(
        shmrpci_places_parse(where, &sample_service, &places, NULL), 0);
    m->transport = places.items[0].address.transport;
    assert_int_equal(m->transport->listener->listen(&places.items[0].address,
                                                    &opts, &m->listener, NULL),
                     0);
    assert_int_equal(shmrpci_thread_create(&m->thread, "mute", run_mute, m), 0);
}

static void mute_stop(mute *m)
{
    m->transport->listener->stop(m->listener);
    shmrpci_thread_join(&m->thread);
    m->transport->listener->close(m->listener);
}

typedef struct caller {
    shmrpc_client *client;
    shmrpci_thread thread;
    uint32_t method;
    int status;
    shmrpc_error error;
} caller;

static void call_once(void *user)
{
    caller *c = user;
    pair_params params = {20, 22};
    int64_t sum = 0;
    c->status =
        shmrpc_stub_call(c->client, c->method, &params, NULL, &sum, &c->error);
}

static void call_that_no_worker_took_is_sent_to_the_next_server(void **state)
{
    (void)state;
    static const uint32_t methods[] = {ADD, NOTE, NOTHING};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char where[128];
        mute m;
        sample_server server;
        caller c = {.method = methods[i]};
        sample_address(scheme, where);
        mute_start(&m, where);
        assert_int_equal(shmrpc_stub_connect(&sample_service, where, NULL,
                                             &c.client, &error),
                         0);
        assert_int_equal(
            shmrpci_thread_create(&c.thread, "caller", call_once, &c), 0);
        if (methods[i] == NOTE) { /* a oneway call that was sent is lost, not
                                   * repeated */
            shmrpci_thread_join(&c.thread);
        }
        mute_stop(&m);
        sample_start_at(&server, where, &sample_service, 1);
        if (methods[i] != NOTE) {
            shmrpci_thread_join(&c.thread);
        }
        assert_int_equal(c.status, 0);
        assert_int_equal(stats_of(c.client).resent, methods[i] == NOTE ? 0 : 1);
        assert_int_equal(stats_of(c.client).retried, 0);
        shmrpc_stub_close(c.client);
        sample_stop(&server);
    }
}

static void replies_of_an_earlier_server_stay(void **state)
{
    (void)state;
    sample_server server;
    pair_params params = {10, 'k'};
    const shmrpc_str *kept = NULL;
    sample_start(&server, scheme, &sample_service, 2);
    shmrpc_client *client = sample_connect(&server);
    assert_int_equal(shmrpc_stub_call_reply(client, FILL, &params, NULL,
                                            (const void **)&kept, &error),
                     0);
    restart(&server);
    sample_add(client, 1, 2);
    assert_string_equal(kept->ptr, "kkkkkkkkkk");
    shmrpc_stub_close(client);
    shmrpc_stub_release(kept);
    sample_stop(&server);
}

/* ---- another service ----------------------------------------------------- */

typedef struct variant {
    shmrpc_service service;
    shmrpc_method methods[SAMPLE_METHODS];
} variant;

static void variant_init(variant *v)
{
    v->service = sample_service;
    v->service.hash ^= 1;
    v->service.methods = v->methods;
    memcpy(v->methods, sample_methods, sizeof sample_methods);
}

static void changed_interface_is_named_until_it_is_mended(void **state)
{
    (void)state;
    sample_server server;
    variant v;
    pair_params params = {1, 2};
    int64_t sum = 0;
    variant_init(&v);
    v.methods[ADD].name = "sum";
    v.methods[ADD].hash ^= 1;
    sample_start(&server, scheme, &sample_service, 2);
    shmrpc_client *client = sample_connect(&server);
    sample_stop(&server);
    sample_start_at(&server, server.where, &v.service, 2);
    for (int i = 0; i < 3; i++) { /* the last two calls are made in the pause
                                   * between two attempts to connect */
        assert_int_equal(
            shmrpc_stub_call(client, ADD, &params, NULL, &sum, &error),
            SHMRPC_E_CONTRACT);
        assert_int_equal(error.code, SHMRPC_E_CONTRACT);
        assert_non_null(strstr(error.message, "not sent"));
        assert_non_null(strstr(error.message, "add"));
    }
    restart(&server);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    int status;
    do {
        status = shmrpc_stub_call(client, ADD, &params, NULL, &sum, &error);
    } while (status == SHMRPC_E_CONTRACT && shmrpci_now_ns() < deadline_ns);
    assert_int_equal(status, 0);
    assert_int_equal(sum, 3);
    shmrpc_stub_close(client);
    sample_stop(&server);
}

/* A method that only the client declares idempotent is refused, because
 * repeating its calls would do harm. */
static void server_that_forbids_repeating_is_refused(void **state)
{
    (void)state;
    sample_server server;
    variant v;
    int64_t result = 0;
    variant_init(&v);
    v.methods[AGAIN].flags &= ~(uint32_t)SHMRPC_METHOD_IDEMPOTENT;
    sample_start(&server, scheme, &sample_service, 2);
    shmrpc_client *client = sample_connect(&server);
    sample_stop(&server);
    sample_start_at(&server, server.where, &v.service, 2);
    assert_int_equal(
        shmrpc_stub_call(client, AGAIN, NULL, NULL, &result, &error),
        SHMRPC_E_CONTRACT);
    assert_non_null(strstr(error.message, "idempotent"));
    shmrpc_stub_close(client);
    sample_stop(&server);
}

/* ---- threads ------------------------------------------------------------- */

enum { THREADS = 16 };

typedef struct crowd {
    shmrpc_client *client;
    shmrpci_atomic_u32 stop;
    shmrpci_atomic_u32 calls;
    shmrpci_atomic_u32 failures;
    char message[SHMRPC_ERROR_MESSAGE_BYTES];
    shmrpci_thread threads[THREADS];
} crowd;

static void call_on(void *user)
{
    crowd *c = user;
    for (int64_t i = 0; shmrpci_load_relaxed(&c->stop) == 0; i++) {
        pair_params params = {i, 7};
        int64_t sum = 0;
        shmrpc_error failure = {.message = "wrong sum"};
        if (shmrpc_stub_call(c->client, ADD, &params, NULL, &sum, &failure) !=
                0 ||
            sum != i + 7) {
            if (shmrpci_add_seq(&c->failures, 1u) == 0) {
                memcpy(c->message, failure.message, sizeof c->message);
            }
        }
        (void)shmrpci_add_relaxed(&c->calls, 1u);
    }
}

static void await_calls(crowd *c, uint32_t more)
{
    uint32_t from = shmrpci_load_relaxed(&c->calls);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (shmrpci_load_relaxed(&c->calls) - from < more) {
        if (shmrpci_now_ns() > deadline_ns) {
            fail_msg("the threads stand still");
        }
        shmrpci_pause();
    }
}

/* An orderly end of the server loses no call, so all must succeed. */
static void one_of_many_threads_reconnects(void **state)
{
    (void)state;
    enum { RESTARTS = 10 };
    sample_server server;
    crowd c = {.stop = 0};
    sample_start(&server, scheme, &sample_service, 2);
    c.client = sample_connect(&server);
    unsigned fds = count_fds();
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(
            shmrpci_thread_create(&c.threads[i], "caller", call_on, &c), 0);
    }
    for (int i = 0; i < RESTARTS; i++) {
        await_calls(&c, 5 * THREADS);
        restart(&server);
    }
    await_calls(&c, 5 * THREADS);
    shmrpci_store_relaxed(&c.stop, 1u);
    for (int i = 0; i < THREADS; i++) {
        shmrpci_thread_join(&c.threads[i]);
    }
    if (shmrpci_load_relaxed(&c.failures) != 0) {
        fail_msg("%u calls failed: %s", shmrpci_load_relaxed(&c.failures),
                 c.message);
    }
    assert_int_equal(stats_of(c.client).reconnects, RESTARTS);
    await_fds(fds);
    shmrpc_stub_close(c.client);
    sample_stop(&server);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(client_survives_its_servers),
    cmocka_unit_test(call_waits_for_the_server_to_come_back),
    cmocka_unit_test(connect_waits_for_the_server_if_it_is_asked_to),
    cmocka_unit_test(call_of_an_absent_server_ends_at_its_deadline),
    cmocka_unit_test(call_that_no_worker_took_is_sent_to_the_next_server),
    cmocka_unit_test(replies_of_an_earlier_server_stay),
    cmocka_unit_test(changed_interface_is_named_until_it_is_mended),
    cmocka_unit_test(server_that_forbids_repeating_is_refused),
    cmocka_unit_test(one_of_many_threads_reconnects),
};

int main(void)
{
    static const char *const schemes[] = {"inproc", "shm"};
    int failed = 0;
    sample_folder_make();
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        scheme = schemes[i];
        failed += cmocka_run_group_tests_name(scheme, tests, NULL, NULL);
    }
    sample_folder_remove();
    return failed;
}
