/* The service and its peers. */
#include "service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static const shmrpci_transport *const transport = &shmrpci_transport_tcp;

/* ---- the service ------------------------------------------------------ */

tcp_limits service_limits(void)
{
    tcp_limits limits = TCP_LIMITS_DEFAULT;
    limits.handshake_ns = 300 * SHMRPCI_NS_PER_MS;
    limits.frame_ns = 300 * SHMRPCI_NS_PER_MS;
    limits.min_bytes_per_s = 64u << 20;
    return limits;
}

static void reply(shmrpci_request *request, const void *body, size_t len)
{
    transport->worker->reply_reserve(request, len);
    request->head.status = SHMRPC_OK;
    request->head.flags = 0;
    shmrpci_buf_append(&request->out, body, len);
    transport->worker->reply_commit(request);
}

static void reply_size(shmrpci_request *request)
{
    uint32_t len = 0;
    if (request->in_len == sizeof len) {
        memcpy(&len, request->in, sizeof len);
    }
    uint8_t *body = calloc(1, (size_t)len + 1);
    reply(request, body, len);
    free(body);
}

static void reply_status(shmrpci_request *request, int status)
{
    transport->worker->reply_reserve(request, 0);
    request->head.status = status;
    request->head.flags = 0;
    transport->worker->reply_commit(request);
}

static int take_items(service *s, shmrpci_stream *stream)
{
    shmrpci_stream_item item;
    int status;
    while ((status = transport->streams->next(stream, SHMRPCI_NEVER_NS,
                                              &item)) == SHMRPC_MORE) {
        atomic_fetch_add(&s->items, 1);
    }
    return status;
}

static int give_items(service *s, shmrpci_stream *stream,
                      const shmrpci_request *request)
{
    uint32_t wanted[2] = {0, 0};
    int status = SHMRPC_OK;
    if (request->in_len == sizeof wanted) {
        memcpy(wanted, request->in, sizeof wanted);
    }
    uint8_t *body = calloc(1, (size_t)wanted[1] + 1);
    for (uint32_t i = 0; status == SHMRPC_OK && i < wanted[0]; i++) {
        status = transport->streams->send(stream, body, wanted[1],
                                          SHMRPCI_NEVER_NS, true);
        atomic_fetch_add(&s->items, status == SHMRPC_OK ? 1u : 0u);
    }
    free(body);
    return status;
}

static void serve_stream(service *s, shmrpci_request *request)
{
    shmrpci_stream *stream;
    int status = transport->streams->accept(request, 64, &stream, NULL);
    if (status == SHMRPC_OK) {
        status = request->head.method == METHOD_TAKE
                     ? take_items(s, stream)
                     : give_items(s, stream, request);
        transport->streams->close(stream);
    }
    atomic_store(&s->last, status);
    atomic_fetch_add(&s->ended, 1);
    reply_status(request, status);
}

static void serve(service *s, shmrpci_request *request)
{
    atomic_fetch_add(&s->served, 1);
    switch (request->head.method) {
    case METHOD_TAKE:
    case METHOD_GIVE:
        serve_stream(s, request);
        return;
    case METHOD_SIZE:
        reply_size(request);
        return;
    case METHOD_HOLD:
        while (!atomic_load(&s->is_open)) {
            (void)sched_yield();
        }
        break;
    case METHOD_WATCH:
        while (!transport->worker->is_cancelled(request) &&
               !atomic_load(&s->is_open)) {
            (void)sched_yield();
        }
        atomic_fetch_add(&s->cancelled, 1);
        break;
    default:
        break;
    }
    if ((request->head.flags & SHMRPCI_HEAD_ONEWAY) != 0) {
        transport->worker->drop(request);
    } else {
        reply(request, request->in, request->in_len);
    }
}

static void work(void *user)
{
    service *s = user;
    shmrpci_participant *me;
    shmrpci_request request = {0};
    uint32_t index = atomic_fetch_add(&s->next_worker, 1);
    if (transport->worker->participant_open(s->listener, index, &me, NULL) !=
        0) {
        return; /* the test fails when its wait times out */
    }
    while (transport->worker->next(me, &request) == SHMRPC_OK) {
        serve(s, &request);
    }
    transport->worker->participant_close(me);
}

static void run(void *user)
{
    service *s = user;
    (void)transport->listener->run(s->listener, NULL);
}

static shmrpci_mutex subject_lock = SHMRPCI_MUTEX_INIT;

void service_expect_subject(service *s, const char *subject)
{
    shmrpci_mutex_lock(&subject_lock);
    assert_string_equal(s->subject, subject);
    shmrpci_mutex_unlock(&subject_lock);
}

static int on_hello(void *user, const uint8_t *hello, size_t len,
                    const shmrpc_peer *peer, shmrpci_buf *welcome,
                    shmrpc_error *error)
{
    service *s = user;
    (void)error;
    shmrpci_mutex_lock(&subject_lock);
    (void)snprintf(s->subject, sizeof s->subject, "%s",
                   peer->subject != NULL ? peer->subject : "nobody");
    shmrpci_mutex_unlock(&subject_lock);
    shmrpci_buf_append(welcome, hello, len);
    return SHMRPC_OK;
}

static void start(service *s, const tcp_limits *limits,
                  shmrpc_compression compression)
{
    if (s->address.transport == NULL) {
        s->address.transport = transport;
    }
    s->worker_count = s->worker_count != 0 ? s->worker_count : SERVICE_WORKERS;
    shmrpci_listen_opts opts = {.max_workers = s->worker_count,
                                .max_message_bytes = SERVICE_MESSAGE,
                                .compression = compression,
                                .on_hello = on_hello,
                                .user = s};
    assert_int_equal(tcp_listen(&s->address, &opts, limits, &s->listener, NULL),
                     0);
    const char *where = transport->listener->describe(s->listener);
    s->address.port = (uint16_t)strtoul(strrchr(where, ':') + 1, NULL, 10);
    assert_int_equal(shmrpci_thread_create(&s->run_thread, "listener", run, s),
                     0);
    for (unsigned i = 0; i < s->worker_count; i++) {
        assert_int_equal(
            shmrpci_thread_create(&s->workers[i], "worker", work, s), 0);
    }
}

void service_start(service *s, const tcp_limits *limits)
{
    memset(s, 0, sizeof *s);
    start(s, limits, SHMRPC_COMPRESSION_NONE);
}

void service_start_many(service *s, const tcp_limits *limits, unsigned workers)
{
    memset(s, 0, sizeof *s);
    assert_true(workers <= SERVICE_WORKERS_MAX);
    s->worker_count = workers;
    start(s, limits, SHMRPC_COMPRESSION_NONE);
}

void service_start_packed(service *s, const tcp_limits *limits,
                          shmrpc_compression compression)
{
    memset(s, 0, sizeof *s);
    start(s, limits, compression);
}

void service_start_at(service *s, const tcp_limits *limits,
                      const shmrpci_address *address)
{
    memset(s, 0, sizeof *s);
    s->address = *address;
    start(s, limits, SHMRPC_COMPRESSION_NONE);
}

void service_start_keyed(service *s, const tcp_limits *limits,
                         const char *key_file)
{
    memset(s, 0, sizeof *s);
    (void)snprintf(s->address.key_file, sizeof s->address.key_file, "%s",
                   key_file);
    start(s, limits, SHMRPC_COMPRESSION_NONE);
}

void service_stop(service *s)
{
    atomic_store(&s->is_open, true);
    transport->listener->stop(s->listener);
    shmrpci_thread_join(&s->run_thread);
    for (unsigned i = 0; i < s->worker_count; i++) {
        shmrpci_thread_join(&s->workers[i]);
    }
    transport->listener->close(s->listener);
}

tcp_counts service_counts(const service *s)
{
    tcp_counts counts;
    tcp_listener_counts(s->listener, &counts);
    return counts;
}

/* Pauses between two checks of a condition that no event reports. */
static void pause_a_little(int64_t deadline_ns, const char *what)
{
    if (shmrpci_now_ns() > deadline_ns) {
        fail_msg("timed out waiting for: %s", what);
    }
    (void)usleep(1000);
}

void service_expect_end(const service *s, tcp_end end, uint64_t count)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (service_counts(s).ended[end] < count) {
        pause_a_little(deadline_ns, tcp_end_text(end));
    }
    assert_int_equal(service_counts(s).ended[end], count);
}

void service_expect_empty(const service *s)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    for (;;) {
        tcp_counts counts = service_counts(s);
        if (counts.open == 0 && counts.calls == 0) {
            return;
        }
        pause_a_little(deadline_ns, "no connection and no call");
    }
}

void service_await(const atomic_uint *counter, unsigned count)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (atomic_load(counter) < count) {
        pause_a_little(deadline_ns, "a count");
    }
}

/* ---- good clients ------------------------------------------------------ */

int service_connect_at(const shmrpci_address *address, int64_t timeout_ns,
                       shmrpci_conn **out, shmrpc_error *error)
{
    shmrpci_buf welcome;
    shmrpci_connect_opts opts = {
        .deadline_ns = shmrpci_deadline_after(timeout_ns),
        .max_message_bytes = SERVICE_MESSAGE,
        .hello = (const uint8_t *)"hi",
        .hello_len = 2,
    };
    shmrpci_buf_init_heap(&welcome);
    int status =
        transport->client->connect(address, &opts, out, &welcome, error);
    shmrpci_buf_fini(&welcome);
    return status;
}

shmrpci_conn *service_connect(const service *s)
{
    shmrpci_conn *conn = NULL;
    shmrpc_error error = {0};
    if (service_connect_at(&s->address, PATIENCE_NS, &conn, &error) != 0) {
        fail_msg("connect: %s", error.message);
    }
    return conn;
}

int call_send(shmrpci_conn *conn, uint32_t method, const void *body, size_t len,
              int64_t timeout_ns, shmrpci_call *call)
{
    *call = (shmrpci_call){0};
    int status = transport->client->reserve(
        conn, call, len, 0, shmrpci_deadline_after(timeout_ns), NULL);
    if (status == SHMRPC_OK) {
        call->head = (shmrpci_head){.method = method, .timeout_ns = timeout_ns};
        shmrpci_buf_append(&call->out, body, len);
        status = transport->client->commit(call);
    }
    return status;
}

int call_echo(shmrpci_conn *conn, const void *body, size_t len)
{
    shmrpci_call call;
    int status = call_send(conn, METHOD_ECHO, body, len, PATIENCE_NS, &call);
    if (status == SHMRPC_OK) {
        status = transport->client->receive(
            &call, shmrpci_deadline_after(PATIENCE_NS));
    }
    if (status == SHMRPC_OK) {
        assert_int_equal(call.in_len, len);
        assert_memory_equal(call.in, body, len);
        transport->client->release(&call);
    }
    return status;
}

void service_expect_good(const service *s)
{
    shmrpci_conn *conn = service_connect(s);
    assert_int_equal(call_echo(conn, "good", 4), SHMRPC_OK);
    transport->client->disconnect(conn);
}

/* ---- raw peers --------------------------------------------------------- */

int raw_open(const service *s)
{
    struct timeval patience = {.tv_sec = PATIENCE_NS / SHMRPCI_NS_PER_S};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(s->address.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

size_t raw_hello_bytes(uint8_t out[128])
{
    tcp_opening opening = {.major = TCP_MAJOR, .minor = TCP_MINOR};
    tcp_terms terms = {.max_message = (uint32_t)SERVICE_MESSAGE};
    tcp_head head = {.type = TCP_HELLO, .len = TCP_HELLO_BYTES + 2};
    tcp_opening_put(&opening, out);
    tcp_head_put(&head, out + TCP_OPENING_BYTES);
    tcp_terms_put(&terms, out + TCP_OPENING_BYTES + TCP_HEAD_BYTES);
    memcpy(out + TCP_OPENING_BYTES + TCP_HEAD_BYTES + TCP_HELLO_BYTES, "hi", 2);
    return TCP_OPENING_BYTES + TCP_HEAD_BYTES + TCP_HELLO_BYTES + 2;
}

int raw_hello(const service *s)
{
    tcp_terms terms;
    return raw_hello_packed(s, 0, &terms);
}

static int hello_with(const service *s, const tcp_terms *terms, tcp_terms *out)
{
    uint8_t bytes[128];
    tcp_head head;
    int fd = raw_open(s);
    size_t len = raw_hello_bytes(bytes);
    tcp_terms_put(terms, bytes + TCP_OPENING_BYTES + TCP_HEAD_BYTES);
    assert_true(raw_send(fd, bytes, len));
    assert_true(raw_receive(fd, bytes, TCP_OPENING_BYTES + TCP_HEAD_BYTES));
    tcp_head_get(bytes + TCP_OPENING_BYTES, &head);
    assert_int_equal(head.type, TCP_WELCOME);
    assert_int_equal(head.len, TCP_WELCOME_BYTES + 2);
    assert_true(raw_receive(fd, bytes, head.len));
    assert_int_equal(tcp_terms_get(bytes, head.len, TCP_FROM_SERVER, out),
                     TCP_END_NONE);
    return fd;
}

int raw_hello_packed(const service *s, uint32_t offer, tcp_terms *out)
{
    tcp_terms terms = {.max_message = (uint32_t)SERVICE_MESSAGE,
                       .compression = offer};
    return hello_with(s, &terms, out);
}

int raw_hello_streams(const service *s)
{
    tcp_terms terms = {.max_message = (uint32_t)SERVICE_MESSAGE,
                       .compression = UINT32_MAX,
                       .features = UINT32_MAX};
    tcp_terms agreed;
    int fd = hello_with(s, &terms, &agreed);
    assert_int_equal(agreed.features, TCP_FEATURES);
    return fd;
}

void raw_open_streams(int fd, uint32_t method, uint32_t call, uint32_t in,
                      uint32_t out, const void *body, size_t len)
{
    uint8_t bytes[64];
    const tcp_windows windows = {.in = in, .out = out};
    tcp_head head = {.type = TCP_REQUEST,
                     .flags = TCP_FLAG_STREAMS,
                     .method = (uint16_t)method,
                     .call = call,
                     .len = (uint32_t)(TCP_WINDOWS_BYTES + len),
                     .value = UINT64_C(1) << 40};
    assert_true(TCP_WINDOWS_BYTES + len <= sizeof bytes);
    tcp_windows_put(&windows, bytes);
    if (len > 0) {
        memcpy(bytes + TCP_WINDOWS_BYTES, body, len);
    }
    assert_true(raw_frame(fd, &head, bytes, head.len));
}

bool raw_await(int fd, tcp_type type, uint32_t call, tcp_head *head)
{
    static uint8_t body[1u << 16];
    do {
        uint8_t bytes[TCP_HEAD_BYTES];
        if (!raw_receive(fd, bytes, sizeof bytes)) {
            return false;
        }
        tcp_head_get(bytes, head);
        assert_true(head->len <= sizeof body);
        if (head->len > 0 && !raw_receive(fd, body, head->len)) {
            return false;
        }
    } while (head->type != type || head->call != call);
    return true;
}

bool raw_send(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool raw_frame(int fd, const tcp_head *head, const void *body, size_t len)
{
    uint8_t bytes[TCP_HEAD_BYTES];
    tcp_head_put(head, bytes);
    return raw_send(fd, bytes, sizeof bytes) &&
           (len == 0 || raw_send(fd, body, len));
}

bool raw_receive(int fd, void *data, size_t len)
{
    uint8_t *at = data;
    while (len > 0) {
        ssize_t got = recv(fd, at, len, 0);
        if (got <= 0) {
            return false;
        }
        at += got;
        len -= (size_t)got;
    }
    return true;
}

size_t raw_expect_end(int fd)
{
    uint8_t bytes[4096];
    size_t total = 0;
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    for (ssize_t got; (got = recv(fd, bytes, sizeof bytes, 0)) > 0;) {
        total += (size_t)got;
    }
    if (shmrpci_now_ns() > deadline_ns) {
        fail_msg("the connection did not end");
    }
    (void)close(fd);
    return total;
}
