/* A server that sends invalid frames: each client detects them, and no call
 * hangs. */
#include "service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* The server of one connection, which answers the first request with `lies`. */
typedef struct liar {
    int listen_fd;
    shmrpci_address address;
    shmrpci_thread thread;
    tcp_head lies[2]; /* .type 0 ends the list; .call is filled in */
    bool has_streams; /* offers streams, and dies after sending its lies */
} liar;

static void welcome(int fd, uint32_t features)
{
    uint8_t bytes[TCP_OPENING_BYTES + TCP_HEAD_BYTES + TCP_WELCOME_BYTES];
    tcp_opening opening = {.major = TCP_MAJOR, .minor = 0};
    tcp_head head = {.type = TCP_WELCOME, .len = TCP_WELCOME_BYTES};
    tcp_terms terms = {.max_message = 4096, .credits = 4, .features = features};
    tcp_opening_put(&opening, bytes);
    tcp_head_put(&head, bytes + TCP_OPENING_BYTES);
    tcp_terms_put(&terms, bytes + TCP_OPENING_BYTES + TCP_HEAD_BYTES);
    (void)raw_send(fd, bytes, sizeof bytes);
}

static bool read_frame(int fd, tcp_head *head)
{
    uint8_t bytes[4096];
    if (!raw_receive(fd, bytes, TCP_HEAD_BYTES)) {
        return false;
    }
    tcp_head_get(bytes, head);
    return head->len <= sizeof bytes && raw_receive(fd, bytes, head->len);
}

static void lie(void *user)
{
    liar *l = user;
    uint8_t opening[TCP_OPENING_BYTES];
    tcp_head head;
    int fd = accept(l->listen_fd, NULL, NULL);
    if (raw_receive(fd, opening, sizeof opening) && read_frame(fd, &head)) {
        welcome(fd, l->has_streams ? TCP_FEATURES : 0);
    }
    while (read_frame(fd, &head)) {
        for (size_t i = 0; i < 2 && l->lies[i].type != 0; i++) {
            tcp_head answer = l->lies[i];
            bool is_credit = answer.type == TCP_CREDIT;
            answer.call = is_credit ? 0 : head.call;
            (void)raw_frame(fd, &answer, NULL, 0);
        }
        memset(l->lies, 0, sizeof l->lies);
        if (l->has_streams) {
            break;
        }
    }
    close(fd);
}

static void liar_start(liar *l)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    l->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(l->listen_fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(l->listen_fd, 1), 0);
    assert_int_equal(getsockname(l->listen_fd, (struct sockaddr *)&at, &len),
                     0);
    l->address.port = ntohs(at.sin_port);
    l->address.transport = &shmrpci_transport_tcp;
    assert_int_equal(shmrpci_thread_create(&l->thread, "liar", lie, l),
                     SHMRPC_OK);
}

static void liar_stop(liar *l)
{
    shmrpci_thread_join(&l->thread);
    close(l->listen_fd);
}

/* If the client counted the end of such a call twice, its count would
 * underflow, and no later call would be admitted. */
static void credit_for_a_call_with_a_reply_ends_the_connection(void **state)
{
    (void)state;
    liar l = {.lies = {{.type = TCP_CREDIT, .status = 1}, {.type = TCP_REPLY}}};
    shmrpc_error error = {0};
    shmrpci_conn *conn = NULL;
    liar_start(&l);
    if (service_connect_at(&l.address, PATIENCE_NS, &conn, &error) != 0) {
        fail_msg("connect: %s", error.message);
    }
    assert_int_equal(call_echo(conn, "a", 1), SHMRPC_E_SERVER_LOST);
    assert_int_equal(call_echo(conn, "b", 1), SHMRPC_E_SERVER_LOST);
    l.address.transport->client->disconnect(conn);
    liar_stop(&l);
}

/* Replays the recorded answer of a 1.0 server to the opening and HELLO. */
static void a_server_of_1_0_is_called_but_has_no_streams(void **state)
{
    (void)state;
    liar l = {.lies = {{.type = TCP_REPLY}}};
    const shmrpci_stream_opts opts = {.out_bytes = 4096,
                                      .max_item_bytes = 4096};
    shmrpci_stream *stream = NULL;
    shmrpci_call call = {.conn = NULL};
    shmrpc_error error = {0};
    shmrpci_conn *conn = NULL;
    liar_start(&l);
    if (service_connect_at(&l.address, PATIENCE_NS, &conn, &error) != 0) {
        fail_msg("connect: %s", error.message);
    }
    const shmrpci_transport *transport = l.address.transport;
    assert_int_equal(
        transport->client->reserve(conn, &call, 0, 0,
                                   shmrpci_deadline_after(PATIENCE_NS), &error),
        SHMRPC_OK);
    assert_int_equal(transport->streams->open(&call, &opts, &stream, &error),
                     SHMRPC_E_UNIMPLEMENTED);
    assert_non_null(strstr(error.message, "does not support streams"));
    assert_int_equal(call_echo(conn, NULL, 0), SHMRPC_OK);
    transport->client->disconnect(conn);
    liar_stop(&l);
}

/* The client gets the items that the server sent before its lie, and then
 * `status` from the stream; the call is lost. */
static void expect_stream(liar *l, unsigned items, int status)
{
    const shmrpci_stream_opts opts = {.out_bytes = 4096,
                                      .max_item_bytes = 4096};
    shmrpci_stream *stream = NULL;
    shmrpci_stream_item item;
    shmrpci_call call = {.conn = NULL};
    shmrpci_conn *conn = NULL;
    int64_t soon_ns = shmrpci_deadline_after(PATIENCE_NS);
    l->has_streams = true;
    liar_start(l);
    assert_int_equal(service_connect_at(&l->address, PATIENCE_NS, &conn, NULL),
                     SHMRPC_OK);
    const shmrpci_transport *transport = l->address.transport;
    assert_int_equal(
        transport->client->reserve(conn, &call, 0, 0, soon_ns, NULL),
        SHMRPC_OK);
    call.head.timeout_ns = PATIENCE_NS;
    assert_int_equal(transport->streams->open(&call, &opts, &stream, NULL),
                     SHMRPC_OK);
    for (unsigned i = 0; i < items; i++) {
        assert_int_equal(transport->streams->next(stream, soon_ns, &item),
                         SHMRPC_MORE);
    }
    assert_int_equal(transport->streams->next(stream, soon_ns, &item), status);
    assert_int_equal(transport->client->receive(&call, soon_ns),
                     SHMRPC_E_SERVER_LOST);
    transport->streams->close(stream);
    transport->client->disconnect(conn);
    liar_stop(l);
}

static void server_that_dies_ends_its_streams_behind_their_items(void **state)
{
    (void)state;
    liar l = {.lies = {{.type = TCP_ITEM}, {.type = TCP_ITEM, .value = 1}}};
    expect_stream(&l, 2, SHMRPC_E_CANCELLED);
}

static void server_that_lies_about_items_breaks_their_stream(void **state)
{
    (void)state;
    liar hole = {.lies = {{.type = TCP_ITEM}, {.type = TCP_ITEM, .value = 2}}};
    expect_stream(&hole, 1, SHMRPC_E_DATA_LOSS);
    liar credit = {
        .lies = {{.type = TCP_ITEM}, {.type = TCP_WINDOW, .value = 1}}};
    expect_stream(&credit, 1, SHMRPC_E_DATA_LOSS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_that_dies_ends_its_streams_behind_their_items),
        cmocka_unit_test(server_that_lies_about_items_breaks_their_stream),
        cmocka_unit_test(a_server_of_1_0_is_called_but_has_no_streams),
        cmocka_unit_test(credit_for_a_call_with_a_reply_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
