/* Networks that delay or lose data and cut connections: deadlines hold, and no
 * call runs twice. */
#include "service.h"

#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../reaction.h"
#include "forwarder.h"
#include "rpc/server.h"
#include "shmrpc/stub.h"

#define transport_of(s) ((s)->address.transport)

static service served;
static forwarder between;

static void start(size_t piece_bytes)
{
    static const tcp_limits limits = TCP_LIMITS_DEFAULT;
    service_start(&served, &limits);
    forwarder_start(&between, served.address.port, piece_bytes);
}

static void stop(void)
{
    forwarder_stop(&between);
    service_expect_empty(&served);
    service_stop(&served);
}

static shmrpci_conn *connect_through(void)
{
    shmrpci_conn *conn = NULL;
    shmrpc_error error = {0};
    shmrpci_address address = served.address;
    address.port = between.port;
    if (service_connect_at(&address, PATIENCE_NS, &conn, &error) != 0) {
        fail_msg("connect: %s", error.message);
    }
    return conn;
}

static void bytes_that_come_one_by_one_are_the_same(void **state)
{
    (void)state;
    uint8_t body[3000];
    start(1);
    shmrpci_conn *conn = connect_through();
    for (size_t i = 0; i < sizeof body; i++) {
        body[i] = (uint8_t)(i * 7);
    }
    assert_int_equal(call_echo(conn, body, sizeof body), SHMRPC_OK);
    transport_of(&served)->client->disconnect(conn);
    stop();
}

/* A reply fills the socket, so the PONG has to wait. The call after the PING is
 * served, which proves that the PING was read. */
static void ping_is_answered_while_a_reply_is_being_sent(void **state)
{
    (void)state;
    static uint8_t body[SERVICE_MESSAGE];
    uint32_t wanted = SERVICE_MESSAGE;
    uint8_t bytes[TCP_HEAD_BYTES];
    tcp_head ping = {.type = TCP_PING, .value = 42};
    tcp_head head = {.type = TCP_REQUEST,
                     .method = METHOD_SIZE,
                     .call = 1,
                     .len = sizeof wanted,
                     .value = UINT64_C(1) << 40};
    start(0);
    int fd = raw_hello(&served);
    assert_true(raw_frame(fd, &head, &wanted, sizeof wanted));
    assert_true(raw_receive(fd, bytes, sizeof bytes));
    assert_true(raw_frame(fd, &ping, NULL, 0));
    head.method = METHOD_ECHO;
    head.call = 2;
    head.len = 0;
    assert_true(raw_frame(fd, &head, NULL, 0));
    service_await(&served.served, 2);
    assert_true(raw_receive(fd, body, sizeof body));
    assert_true(raw_receive(fd, bytes, sizeof bytes));
    tcp_head_get(bytes, &head);
    assert_int_equal(head.type, TCP_PONG);
    assert_int_equal(head.value, 42);
    (void)close(fd);
    stop();
}

/* The last of three calls is held back to be sent together with others. It must
 * be sent although its caller does nothing more. */
static void calls_leave_without_their_caller(void **state)
{
    (void)state;
    enum { CALLS = 3 };
    shmrpci_call calls[CALLS];
    start(0);
    shmrpci_conn *conn = service_connect(&served);
    for (unsigned i = 0; i < CALLS; i++) {
        assert_int_equal(call_send(conn, i == 0 ? METHOD_HOLD : METHOD_ECHO,
                                   "x", 1, PATIENCE_NS, &calls[i]),
                         SHMRPC_OK);
    }
    service_await(&served.served, CALLS);
    atomic_store(&served.is_open, true);
    for (unsigned i = 0; i < CALLS; i++) {
        int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
        assert_int_equal(
            transport_of(&served)->client->receive(&calls[i], deadline_ns),
            SHMRPC_OK);
        transport_of(&served)->client->release(&calls[i]);
    }
    transport_of(&served)->client->disconnect(conn);
    stop();
}

static void put_call(uint8_t **at, uint16_t method, uint32_t id)
{
    tcp_head head = {.type = TCP_REQUEST,
                     .method = method,
                     .call = id,
                     .value = UINT64_C(1) << 40};
    tcp_head_put(&head, *at);
    *at += TCP_HEAD_BYTES;
}

/* A worker holds its reply back to send it together with the next one. The
 * reply must be sent although the worker's next call is a long one. */
static void replies_leave_without_their_worker(void **state)
{
    (void)state;
    enum { QUICK = 3, TAKEN = 100, LAST = 101 };
    uint8_t frames[(QUICK + 2) * TCP_HEAD_BYTES];
    uint8_t *at = frames;
    start(0);
    int fd = raw_hello(&served);
    put_call(&at, METHOD_HOLD, TAKEN);
    assert_true(raw_send(fd, frames, TCP_HEAD_BYTES));
    service_await(&served.served, 1);
    at = frames;
    for (uint32_t i = 0; i < QUICK; i++) {
        put_call(&at, METHOD_ECHO, i);
    }
    put_call(&at, METHOD_HOLD, LAST);
    assert_true(raw_send(fd, frames, (size_t)(at - frames)));
    for (uint32_t i = 0; i < QUICK; i++) {
        uint8_t bytes[TCP_HEAD_BYTES];
        tcp_head head;
        assert_true(raw_receive(fd, bytes, sizeof bytes));
        tcp_head_get(bytes, &head);
        assert_int_equal(head.type, TCP_REPLY);
        assert_int_equal(head.call, i);
    }
    atomic_store(&served.is_open, true);
    (void)close(fd);
    stop();
}

static long faults(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_minflt;
}

/* The system allocates a new buffer page by page: 512 pages for a call of 1
 * MiB. */
static void large_calls_use_their_memory_again(void **state)
{
    (void)state;
    enum { CALLS_COUNTED = 8, FAULTS_ALLOWED = 64 };
    const tcp_limits limits = TCP_LIMITS_DEFAULT;
    size_t size = (size_t)1 << 20;
    uint8_t *body = calloc(1, size);
    assert_non_null(body);
    service_start(&served, &limits);
    shmrpci_conn *conn = service_connect(&served);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(call_echo(conn, body, size), SHMRPC_OK);
    }
    long before = faults();
    for (int i = 0; i < CALLS_COUNTED; i++) {
        assert_int_equal(call_echo(conn, body, size), SHMRPC_OK);
    }
    assert_in_range(faults() - before, 0, CALLS_COUNTED * FAULTS_ALLOWED);
    conn->transport->client->disconnect(conn);
    service_stop(&served);
    free(body);
}

/* Makes a call with a deadline of 50 ms whose reply never arrives; returns how
 * long after the deadline it ends. */
static int64_t call_in_vain(void *user)
{
    shmrpci_call call;
    int64_t timeout_ns = 50 * SHMRPCI_NS_PER_MS;
    int64_t deadline_ns = shmrpci_deadline_after(timeout_ns);
    int status = call_send(user, METHOD_ECHO, "x", 1, timeout_ns, &call);
    if (status == SHMRPC_OK) {
        status = transport_of(&served)->client->receive(&call, deadline_ns);
        (void)transport_of(&served)->client->cancel(&call);
    } /* else no slot became free before the deadline */
    assert_int_equal(status, SHMRPC_E_DEADLINE);
    return shmrpci_now_ns() - deadline_ns;
}

static void deadlines_hold_while_the_cable_is_out(void **state)
{
    (void)state;
    shmrpci_call call;
    start(0);
    shmrpci_conn *conn = connect_through();
    assert_int_equal(call_echo(conn, "before", 6), SHMRPC_OK);
    forwarder_hold(&between, true);
    /* The first call waits in vain for the server to say whether it has run.
     * Later calls don't wait for that any more. */
    for (int i = 0; i < 3; i++) {
        (void)call_in_vain(conn);
    }
    expect_reaction(call_in_vain, conn, 0, 5 * SHMRPCI_NS_PER_MS);
    assert_int_equal(
        call_send(conn, METHOD_ECHO, "after", 5, PATIENCE_NS, &call),
        SHMRPC_OK);
    forwarder_hold(&between, false);
    assert_int_equal(transport_of(&served)->client->receive(
                         &call, shmrpci_deadline_after(PATIENCE_NS)),
                     SHMRPC_OK);
    transport_of(&served)->client->release(&call);
    assert_int_equal(call_echo(conn, "again", 5), SHMRPC_OK);
    transport_of(&served)->client->disconnect(conn);
    stop();
}

static void connecting_keeps_its_deadline(void **state)
{
    (void)state;
    shmrpci_conn *conn = NULL;
    shmrpc_error error = {0};
    start(0);
    forwarder_hold(&between, true);
    shmrpci_address address = served.address;
    address.port = between.port;
    assert_int_equal(
        service_connect_at(&address, 50 * SHMRPCI_NS_PER_MS, &conn, &error),
        SHMRPC_E_DEADLINE);
    assert_non_null(strstr(error.message, "did not answer in time"));
    forwarder_hold(&between, false);
    stop();
}

static void cut_connection_ends_calls_at_both_ends(void **state)
{
    (void)state;
    shmrpci_call call;
    start(0);
    shmrpci_conn *conn = connect_through();
    assert_int_equal(call_send(conn, METHOD_WATCH, "", 0, PATIENCE_NS, &call),
                     SHMRPC_OK);
    service_await(&served.served, 1);
    forwarder_cut(&between);
    assert_int_equal(transport_of(&served)->client->receive(
                         &call, shmrpci_deadline_after(PATIENCE_NS)),
                     SHMRPC_E_SERVER_LOST);
    service_await(&served.cancelled, 1);
    transport_of(&served)->client->disconnect(conn);
    conn = connect_through();
    assert_int_equal(call_echo(conn, "again", 5), SHMRPC_OK);
    transport_of(&served)->client->disconnect(conn);
    stop();
}

static void
large_request_to_one_who_reads_nothing_keeps_its_deadline(void **state)
{
    (void)state;
    static uint8_t body[(size_t)7 << 20];
    shmrpci_call call;
    start(0);
    shmrpci_conn *conn = connect_through();
    forwarder_hold(&between, true);
    int64_t timeout_ns = 100 * SHMRPCI_NS_PER_MS;
    int status = SHMRPC_OK;
    /* The first calls may fit into the systems' socket buffers. */
    for (int i = 0; i < 20 && status == SHMRPC_OK; i++) {
        int64_t deadline_ns = shmrpci_deadline_after(timeout_ns);
        status =
            call_send(conn, METHOD_ECHO, body, sizeof body, timeout_ns, &call);
        if (status == SHMRPC_OK) {
            assert_int_equal(
                transport_of(&served)->client->receive(&call, deadline_ns),
                SHMRPC_E_DEADLINE);
            (void)transport_of(&served)->client->cancel(&call);
        }
        assert_true(shmrpci_now_ns() - deadline_ns < 10 * SHMRPCI_NS_PER_S);
    }
    assert_int_equal(status, SHMRPC_E_DEADLINE);
    forwarder_cut(&between);
    transport_of(&served)->client->disconnect(conn);
    forwarder_hold(&between, false);
    stop();
}

/* ---- nothing runs twice -------------------------------------------------- */

enum { CALLS = 2000 };

typedef struct number_params {
    shmrpc_bytes number;
} number_params;

static const shmrpc_field number_fields[] = {
    SHMRPC_FIELD_INIT(1, "number", &shmrpc_type_bytes, number_params, number, 0,
                      NULL, NULL),
};
static const shmrpc_type number_type = SHMRPC_TYPE_STRUCT_INIT(
    number_params, SHMRPC_TYPE_PARAMS, 8, 4, NULL, NULL, number_fields);
static const shmrpc_method methods[] = {
    {"run", SHMRPC_ENCODING_RAW, 0, 7, 0, "raw run", NULL, &number_type, NULL,
     NULL, 0, SHMRPC_NO_STREAMS},
};
static const char *const canonical[] = {"text", NULL};
static const shmrpc_service counting = {
    SHMRPC_ROWS_INIT, "counting", "tests.Counting", 1, 1,   4,
    canonical,        NULL,       methods,          1, NULL};

static atomic_uint runs[CALLS];

static int run_once(shmrpc_ctx *ctx, const void *impl, void *user,
                    const void *params, void *result)
{
    uint32_t number;
    const number_params *p = params;
    (void)ctx;
    (void)impl;
    (void)user;
    (void)result;
    memcpy(&number, p->number.ptr, sizeof number);
    atomic_fetch_add(&runs[number], 1);
    return SHMRPC_OK;
}

static void serve(void *user)
{
    (void)shmrpc_server_run(user, NULL);
}

/* Cuts all connections a moment after each new one is made. */
static void cut_often(void *user)
{
    (void)user;
    unsigned seen = 0;
    while (!atomic_load(&between.is_over)) {
        if (atomic_load(&between.accepted) != seen) {
            seen = atomic_load(&between.accepted);
            (void)usleep(1000 + seen * 137 % 9000);
            forwarder_cut(&between);
        }
        (void)usleep(500);
    }
}

static shmrpc_client *connect_counting(void)
{
    char where[64];
    shmrpc_error error = {.message = ""};
    shmrpc_client *client = NULL;
    shmrpc_opts opts = {.timeout_ns = PATIENCE_NS};
    (void)snprintf(where, sizeof where, "tcp://127.0.0.1:%u", between.port);
    int status;
    do { /* the handshake may be cut, too */
        status = shmrpc_stub_connect(&counting, where, &opts, &client, &error);
    } while (status == SHMRPC_E_UNAVAILABLE);
    if (status != SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

static void check_call(uint32_t number, int status)
{
    unsigned count = atomic_load(&runs[number]);
    if (count > 1) {
        fail_msg("call %u has run %u times", number, count);
    }
    if (status == SHMRPC_OK && count != 1) {
        fail_msg("call %u is said to have run, and has not", number);
    }
    if (status != SHMRPC_OK && !shmrpc_status_may_have_run(status) &&
        count != 0) {
        fail_msg("call %u has run, and %s says it has not", number,
                 shmrpc_status_name(status));
    }
}

static uint16_t port_of(const char *where)
{
    return (uint16_t)strtoul(strrchr(where, ':') + 1, NULL, 10);
}

static shmrpc_server *start_counting(const char *listen, shmrpci_thread *thread)
{
    static const shmrpc_handler handlers[] = {run_once};
    static const char nothing;
    shmrpc_server *server = NULL;
    shmrpc_server_opts opts = {.listen = listen, .workers = 2};
    assert_int_equal(shmrpc_server_create(&opts, &server, NULL), 0);
    assert_int_equal(
        shmrpc_stub_serve(server, &counting, handlers, &nothing, 1, NULL, NULL),
        0);
    assert_int_equal(shmrpci_thread_create(thread, "server", serve, server), 0);
    return server;
}

/* Makes all calls to the service at `port` while connections are being cut. */
static unsigned call_through_cuts(uint16_t port, int statuses[CALLS])
{
    shmrpci_thread cutter;
    for (uint32_t i = 0; i < CALLS; i++) {
        atomic_store(&runs[i], 0);
    }
    forwarder_start(&between, port, 0);
    assert_int_equal(shmrpci_thread_create(&cutter, "cutter", cut_often, NULL),
                     0);
    shmrpc_client *client = connect_counting();
    unsigned good = 0;
    for (uint32_t i = 0; i < CALLS; i++) {
        /* If the cutter gets no CPU time, the calls wait for it. */
        service_await(&between.cuts, i / (CALLS / 5));
        number_params params = {{(const uint8_t *)&i, sizeof i}};
        statuses[i] = shmrpc_stub_call(client, 0, &params, NULL, NULL, NULL);
        good += statuses[i] == SHMRPC_OK;
    }
    shmrpc_stub_close(client);
    forwarder_stop(&between);
    shmrpci_thread_join(&cutter);
    return good;
}

/* Checks the calls after the server has ended, when none can still run. */
static void check_calls(const int statuses[CALLS], unsigned good)
{
    for (uint32_t i = 0; i < CALLS; i++) {
        check_call(i, statuses[i]);
    }
    /* Connections were cut, and yet most calls succeeded. */
    assert_true(atomic_load(&between.cuts) > 3);
    assert_true(good > CALLS / 2);
}

static int forget(const char *path, const struct stat *about, int kind,
                  struct FTW *at)
{
    (void)about;
    (void)kind;
    (void)at;
    return remove(path);
}

static void stop_counting(shmrpc_server *server, shmrpci_thread *thread)
{
    shmrpc_server_stop(server);
    shmrpci_thread_join(thread);
    shmrpc_server_destroy(server);
}

static void no_call_runs_twice_however_often_it_is_cut(void **state)
{
    (void)state;
    static int statuses[CALLS];
    shmrpci_thread thread;
    shmrpc_server *server = start_counting("tcp://:0", &thread);
    unsigned good = call_through_cuts(
        port_of(shmrpci_server_describe(server, 0)), statuses);
    stop_counting(server, &thread);
    check_calls(statuses, good);
}

/* Starts the gateway as a separate program in front of the service. */
static pid_t start_gateway(char *line, size_t size)
{
    int out[2];
    char *const words[] = {(char[]){SHMRPC_TCP},
                           (char[]){"counting=tcp://127.0.0.1:0"}, NULL};
    pid_t pid = -1;
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe(out), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out[1], 1), 0);
    assert_int_equal(posix_spawn_file_actions_addclose(&actions, out[0]), 0);
    assert_int_equal(
        posix_spawn(&pid, words[0], &actions, NULL, words, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(out[1]);
    FILE *said = fdopen(out[0], "r");
    assert_non_null(said);
    assert_non_null(fgets(line, (int)size, said));
    assert_int_equal(fclose(said), 0);
    return pid;
}

static void no_call_runs_twice_through_a_gateway(void **state)
{
    (void)state;
    static int statuses[CALLS];
    static char folder[] = "/tmp/shmrpc-network-XXXXXX";
    char line[256];
    shmrpci_thread thread;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("SHMRPC_DIR", folder, 1), 0);
    /* The leak detector would have to trace its own process, which the
     * gateway's sandbox forbids. */
    assert_int_equal(setenv("ASAN_OPTIONS", "detect_leaks=0", 1), 0);
    shmrpc_server *server = start_counting("shm://", &thread);
    pid_t gateway = start_gateway(line, sizeof line);
    assert_non_null(strstr(line, ": serving at "));
    unsigned good = call_through_cuts(port_of(line), statuses);
    assert_int_equal(kill(gateway, SIGTERM), 0);
    assert_int_equal(waitpid(gateway, NULL, 0), gateway);
    stop_counting(server, &thread);
    check_calls(statuses, good);
    assert_int_equal(nftw(folder, forget, 4, FTW_DEPTH | FTW_PHYS), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_that_come_one_by_one_are_the_same),
        cmocka_unit_test(ping_is_answered_while_a_reply_is_being_sent),
        cmocka_unit_test(calls_leave_without_their_caller),
        cmocka_unit_test(replies_leave_without_their_worker),
        cmocka_unit_test(large_calls_use_their_memory_again),
        cmocka_unit_test(deadlines_hold_while_the_cable_is_out),
        cmocka_unit_test(connecting_keeps_its_deadline),
        cmocka_unit_test(cut_connection_ends_calls_at_both_ends),
        cmocka_unit_test(
            large_request_to_one_who_reads_nothing_keeps_its_deadline),
        cmocka_unit_test(no_call_runs_twice_however_often_it_is_cut),
        cmocka_unit_test(no_call_runs_twice_through_a_gateway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
