/* The memory that a listener keeps for all its peers is limited: slow peers are
 * disconnected to make room, and the others are served meanwhile. No peer here
 * is too slow for its deadlines. */
#include "service.h"

#include <unistd.h>

enum { PEERS = 8 };

/* Half of the total is for requests and half for replies: one message each. */
#define TOTAL_BYTES (2 * SERVICE_MESSAGE)

static service served;
static int peers[PEERS];

static int set_up(void **state)
{
    (void)state;
    tcp_limits limits = service_limits();
    limits.handshake_ns = limits.frame_ns = 4 * PATIENCE_NS;
    limits.max_total_bytes = TOTAL_BYTES;
    limits.room_ns = 50 * SHMRPCI_NS_PER_MS;
    limits.slow_bytes_per_s = 4u << 20;
    service_start(&served, &limits);
    for (int i = 0; i < PEERS; i++) {
        peers[i] = -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < PEERS; i++) {
        if (peers[i] >= 0) {
            (void)close(peers[i]);
        }
    }
    atomic_store(&served.is_open, true);
    service_expect_good(&served);
    service_expect_empty(&served);
    service_stop(&served);
    return 0;
}

static void ask_for(int fd, uint32_t call, uint32_t bytes)
{
    tcp_head head = {.type = TCP_REQUEST,
                     .method = METHOD_SIZE,
                     .call = call,
                     .len = sizeof bytes,
                     .value = UINT64_C(1) << 40};
    (void)raw_frame(fd, &head, &bytes, sizeof bytes);
}

static void peers_that_never_read_make_room_for_each_other(void **state)
{
    (void)state;
    shmrpci_conn *good = service_connect(&served);
    for (int i = 0; i < PEERS; i++) {
        peers[i] = raw_hello(&served);
        for (uint32_t call = 0; call < 16; call++) {
            ask_for(peers[i], call, 4u << 20);
        }
        assert_int_equal(call_echo(good, "still", 5), SHMRPC_OK);
    }
    /* How many peers are disconnected depends on how many bytes the system
     * buffers for each. */
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (service_counts(&served).ended[TCP_END_DISPLACED] == 0) {
        assert_int_equal(call_echo(good, "still", 5), SHMRPC_OK);
        assert_true(shmrpci_now_ns() < deadline_ns);
    }
    assert_true(service_counts(&served).most_kept_bytes <=
                TOTAL_BYTES + SERVICE_WORKERS * SERVICE_MESSAGE);
    shmrpci_transport_tcp.client->disconnect(good);
}

/* Each peer announces the largest message and sends a little of it. */
static void who_stops_in_a_request_makes_room_for_others(void **state)
{
    (void)state;
    static uint8_t body[SERVICE_MESSAGE];
    for (int i = 0; i < PEERS; i++) {
        tcp_head head = {.type = TCP_REQUEST,
                         .method = METHOD_ECHO,
                         .len = SERVICE_MESSAGE,
                         .value = UINT64_C(1) << 40};
        peers[i] = raw_hello(&served);
        (void)raw_frame(peers[i], &head, NULL, 0);
        (void)raw_send(peers[i], body, 1000);
    }
    /* A request that arrives whole needs no memory from the total. */
    shmrpci_conn *good = service_connect(&served);
    assert_int_equal(call_echo(good, "still", 5), SHMRPC_OK);
    /* A request as large as the peers' waits until there is memory. */
    assert_int_equal(call_echo(good, body, sizeof body), SHMRPC_OK);
    assert_true(service_counts(&served).ended[TCP_END_DISPLACED] > 0);
    assert_true(service_counts(&served).most_kept_bytes <= TOTAL_BYTES);
    shmrpci_transport_tcp.client->disconnect(good);
}

/* If requests only wait for a worker, no client is at fault and none is
 * disconnected. */
static void requests_of_a_busy_service_wait_at_their_senders(void **state)
{
    (void)state;
    static uint8_t body[SERVICE_MESSAGE];
    shmrpci_conn *good[PEERS];
    shmrpci_call calls[PEERS];
    for (int i = 0; i < PEERS; i++) {
        good[i] = service_connect(&served);
        assert_int_equal(call_send(good[i], METHOD_HOLD, body, 1u << 20,
                                   PATIENCE_NS, &calls[i]),
                         SHMRPC_OK);
    }
    service_await(&served.served, SERVICE_WORKERS);
    atomic_store(&served.is_open, true);
    for (int i = 0; i < PEERS; i++) {
        int status = shmrpci_transport_tcp.client->receive(
            &calls[i], shmrpci_deadline_after(PATIENCE_NS));
        assert_int_equal(status, SHMRPC_OK);
        shmrpci_transport_tcp.client->release(&calls[i]);
        shmrpci_transport_tcp.client->disconnect(good[i]);
    }
    assert_int_equal(service_counts(&served).ended[TCP_END_DISPLACED], 0);
}

static void silent_connections_make_room_for_the_next_one(void **state)
{
    (void)state;
    enum { SILENT = 100 };
    int silent[SILENT];
    for (int i = 0; i < SILENT; i++) {
        silent[i] = raw_open(&served);
    }
    shmrpci_conn *good = service_connect(&served);
    assert_int_equal(call_echo(good, "new", 3), SHMRPC_OK);
    shmrpci_transport_tcp.client->disconnect(good);
    service_expect_end(&served, TCP_END_DISPLACED, SILENT + 1 - 64);
    assert_int_equal(service_counts(&served).ended[TCP_END_FULL], 0);
    for (int i = 0; i < SILENT; i++) {
        (void)close(silent[i]);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(peers_that_never_read_make_room_for_each_other),
        CASE(who_stops_in_a_request_makes_room_for_others),
        CASE(requests_of_a_busy_service_wait_at_their_senders),
        CASE(silent_connections_make_room_for_the_next_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
