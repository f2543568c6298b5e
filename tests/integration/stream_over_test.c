/*
 * Streams over shared memory, each kind of socket and the gateway. They carry
 * metadata. If one end dies, the other end gets complete items, then an error.
 * A slow reader costs nobody else memory.
 *
 * With one argument this program is a client that opens a stream and waits;
 * with two it stops itself in the middle of a stream, and goes on.
 */
#include "flow_common.h"

#include <shmrpc/beside.h>
#include <signal.h>
#include <unistd.h>

static harness_service serve(const void *over)
{
    return harness_serve_over(over, FLOW_SERVER, "flow", 5813, "3");
}

/* ---- this program as a client ------------------------------------------- */

/* Reads a few items, stops itself, and reads the rest when it is continued. */
static int be_reader(const char *where)
{
    flow_flow *client = connect_to(where);
    flow_flow_count_stream *stream = open_count(client, 0, 0);
    shmrpc_error error;
    uint64_t at = 0;
    int status = read_to(stream, &at, 100, &error);
    (void)printf("read\n");
    (void)fflush(stdout);
    (void)raise(SIGSTOP);
    if (status == SHMRPC_MORE) {
        status = read_to(stream, &at, UINT64_MAX, &error);
    }
    (void)printf("over %s\n", shmrpc_status_name(status));
    flow_flow_count_close(stream);
    flow_flow_close(client);
    return 0;
}

/* Stops itself in a stream in which nobody waits for room, and is continued. */
static int be_sleeper(const char *where)
{
    flow_flow *client = connect_to(where);
    flow_flow_twice_stream *stream;
    shmrpc_error error;
    const uint64_t *two;
    int status = flow_flow_twice(client, NULL, &stream, &error);
    for (uint64_t i = 0; status == SHMRPC_OK && i < 2; i++) {
        status = flow_flow_twice_send(stream, &i, &error);
        if (status == SHMRPC_OK) {
            status = flow_flow_twice_next(stream, &two, &error);
        }
        status = status == SHMRPC_MORE ? SHMRPC_OK : status;
        if (i == 0) {
            (void)printf("asleep\n");
            (void)fflush(stdout);
            (void)raise(SIGSTOP);
        }
    }
    (void)printf("over %s\n", shmrpc_status_name(status));
    flow_flow_twice_close(stream);
    flow_flow_close(client);
    return 0;
}

static int be_client(const char *where)
{
    flow_flow *client = connect_to(where);
    flow_flow_twice_stream *stream;
    shmrpc_error error;
    const uint64_t one = 1;
    const uint64_t *two;
    int status = flow_flow_twice(client, NULL, &stream, &error);
    if (status == SHMRPC_OK) {
        status = flow_flow_twice_send(stream, &one, &error);
    }
    if (status == SHMRPC_OK) {
        status = flow_flow_twice_next(stream, &two, &error);
    }
    (void)printf("%s\n", status == SHMRPC_MORE ? "talked" : error.message);
    (void)fflush(stdout);
    return pause();
}

/* ---- metadata and several streams ---------------------------------------- */

static void metadata_goes_with_streams(void **state)
{
    const shmrpc_metadata with[] = {{"mark", "blue"}, {NULL, NULL}};
    const shmrpc_opts opts = {.metadata = with};
    shmrpc_error error;
    uint64_t at = 0;
    harness_service service = serve(*state);
    flow_flow *client = connect_to(service.where);
    flow_flow_count_stream *stream;
    if (flow_flow_count(client, 10, 0, &opts, &stream, &error) != SHMRPC_OK) {
        fail_msg("count: %s", error.message);
    }
    await_line(&service.server, " blue", NULL);
    assert_int_equal(read_to(stream, &at, UINT64_MAX, &error), SHMRPC_OK);
    assert_int_equal(at, 10);
    flow_flow_count_close(stream);
    flow_flow_close(client);
    harness_end(&service);
}

/* ---- deaths ------------------------------------------------------------- */

static void killed_clients_handler_is_CANCELLED(void **state)
{
    char line[512];
    harness_service service = serve(*state);
    const char *const arguments[] = {service.where, NULL};
    child client = harness_start("/proc/self/exe", arguments);
    await_line(&client, "talked", NULL);
    harness_signal(&client, SIGKILL);
    do {
        harness_read_line(&service.server, line, sizeof line);
    } while (strstr(line, "end twice") == NULL);
    assert_non_null(strstr(line, "CANCELLED"));
    flow_flow *other = connect_to(service.where);
    expect_echo(other);
    flow_flow_close(other);
    harness_end(&service);
}

/* Kills `victim` while its items are in flight. Returns how the stream
 * ended. */
static int read_from_killed(const harness_service *service, child *victim)
{
    shmrpc_error error;
    uint64_t at = 0;
    flow_flow *client = connect_to(service->where);
    flow_flow_count_stream *stream = open_count(client, 0, 0);
    assert_int_equal(read_to(stream, &at, 1000, &error), SHMRPC_MORE);
    harness_signal(victim, SIGKILL);
    int status = read_to(stream, &at, UINT64_MAX, &error);
    flow_flow_count_close(stream);
    flow_flow_close(client);
    return status;
}

/* ---- stopped ------------------------------------------------------------ */

/* When the client continues, it first gets the items that were sent before the
 * eviction, however many they are. */
static void stopped_client_is_EVICTED(void **state)
{
    char line[512];
    harness_service service = harness_serve_with(
        *state, FLOW_SERVER, "flow", 5813, "3", "--stream-stall=300ms");
    const char *const arguments[] = {"reader", service.where, NULL};
    child client = harness_start("/proc/self/exe", arguments);
    await_line(&client, "read", NULL);
    do {
        harness_read_line(&service.server, line, sizeof line);
    } while (strstr(line, "end count") == NULL);
    assert_non_null(strstr(line, "EVICTED"));
    harness_signal(&client, SIGCONT);
    await_line(&client, "over EVICTED", NULL);
    assert_int_equal(harness_wait(&client), 0);
    flow_flow *other = connect_to(service.where);
    expect_echo(other);
    flow_flow_close(other);
    harness_end(&service);
}

/* A stopped client is not evicted while its handler has room for items. The
 * client stays stopped for five times the limit. */
static void stopped_client_with_room_is_left_alone(void **state)
{
    harness_service service = harness_serve_with(
        *state, FLOW_SERVER, "flow", 5813, "3", "--stream-stall=100ms");
    const char *const arguments[] = {"sleeper", service.where, NULL};
    child client = harness_start("/proc/self/exe", arguments);
    await_line(&client, "asleep", NULL);
    (void)usleep(500000);
    harness_signal(&client, SIGCONT);
    await_line(&client, "over OK", NULL);
    assert_int_equal(harness_wait(&client), 0);
    harness_end(&service);
}

static void killed_server_ends_after_whole_items(void **state)
{
    harness_service service = serve(*state);
    assert_int_equal(read_from_killed(&service, &service.server),
                     SHMRPC_E_SERVER_LOST);
    harness_end(&service);
}

static void killed_gateway_ends_both(void **state)
{
    char line[512];
    harness_service service = serve(*state);
    assert_int_equal(read_from_killed(&service, &service.gateway),
                     SHMRPC_E_SERVER_LOST);
    do {
        harness_read_line(&service.server, line, sizeof line);
    } while (strstr(line, "end count") == NULL);
    assert_non_null(strstr(line, "CANCELLED"));
    harness_end(&service);
}

static void killed_worker_behind_a_gateway_is_told(void **state)
{
    (void)state;
    pid_t worker;
    uint64_t at = 0;
    shmrpc_error error;
    harness_service service = {.gateway = {.pid = 0}};
    harness_address("flow", service.at);
    service.server = harness_serve_by(FLOW_SERVER, service.at, "2", "1");
    service.gateway = harness_relay(service.at, 5813, "tcp://:0");
    flow_flow *client = connect_to(service.gateway.place);
    flow_flow_count_stream *stream = open_count(client, 0, 0);
    await_line(&service.server, "begin", &worker);
    assert_int_equal(read_to(stream, &at, 1000, &error), SHMRPC_MORE);
    assert_int_equal(kill(worker, SIGKILL), 0);
    assert_int_equal(read_to(stream, &at, UINT64_MAX, &error),
                     SHMRPC_E_WORKER_DIED);
    flow_flow_count_close(stream);
    expect_echo(client); /* the connection stays up */
    flow_flow_close(client);
    harness_end(&service);
}

/* ---- memory ------------------------------------------------------------- */

static unsigned long rss_of_all(const harness_service *service)
{
    return harness_rss_kib(service->server.pid) + harness_rss_kib(getpid()) +
           (service->gateway.pid != 0 ? harness_rss_kib(service->gateway.pid)
                                      : 0);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Returns the p99 of short calls in us. It is only printed, because it also
 * depends on how busy the machine is. */
static long long p99_of_calls(flow_flow *client)
{
    static int64_t took_ns[10000];
    const size_t count = harness_is_long() ? 10000 : 200;
    for (size_t i = 0; i < count; i++) {
        int64_t began_ns = harness_now_ns();
        expect_echo(client);
        took_ns[i] = harness_now_ns() - began_ns;
    }
    qsort(took_ns, count, sizeof *took_ns, by_size);
    return (long long)(took_ns[count * 99 / 100] / 1000);
}

static void slow_reader_keeps_memory_flat(void **state)
{
    const uint64_t all = harness_is_long() ? 1000000 : 20000;
    shmrpc_error error;
    uint64_t at = 0;
    harness_service service = serve(*state);
    flow_flow *client = connect_to(service.where);
    long long without_us = p99_of_calls(client);
    flow_flow_count_stream *stream = open_count(client, all, 0);
    assert_int_equal(read_to(stream, &at, 100, &error), SHMRPC_MORE);
    print_message("p99 of short calls: %lld us, beside a full stream %lld us\n",
                  without_us, p99_of_calls(client));
    unsigned long before = rss_of_all(&service);
    unsigned long most = before;
    while (at < all) {
        /* Let the window fill up again before the next items are read. */
        (void)usleep(500);
        uint64_t to = at + 100 < all ? at + 100 : all;
        assert_int_equal(read_to(stream, &at, to, &error), SHMRPC_MORE);
        if (at % 5000 == 0) {
            unsigned long now = rss_of_all(&service);
            most = now > most ? now : most;
            expect_echo(client);
        }
    }
    assert_int_equal(read_to(stream, &at, UINT64_MAX, &error), SHMRPC_OK);
    assert_in_range(most, before, before + HARNESS_GROWTH_KIB);
    flow_flow_count_close(stream);
    flow_flow_close(client);
    harness_end(&service);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return argc == 2                        ? be_client(argv[1])
               : strcmp(argv[1], "reader") == 0 ? be_reader(argv[2])
                                                : be_sleeper(argv[2]);
    }
    const struct CMUnitTest tests[] = {
        HARNESS_ALL_CASES(metadata_goes_with_streams, NULL, NULL),
        HARNESS_ALL_CASES(killed_clients_handler_is_CANCELLED, NULL, NULL),
        HARNESS_ALL_CASES(stopped_client_is_EVICTED, NULL, NULL),
        HARNESS_CASES(stopped_client_with_room_is_left_alone, NULL, NULL),
        HARNESS_ALL_CASES(killed_server_ends_after_whole_items, NULL, NULL),
        HARNESS_CASE(killed_gateway_ends_both, NULL, NULL, gateway),
        cmocka_unit_test(killed_worker_behind_a_gateway_is_told),
        HARNESS_ALL_CASES(slow_reader_keeps_memory_flat, NULL, NULL),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
