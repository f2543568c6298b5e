/* The fixture and the helpers of the conformance suite. */
#include "suite.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/memory.h"

static const shmrpci_transport *transport;

const struct CMUnitTest *suite_own_cases;
size_t suite_own_case_count;
unsigned suite_windows = 1;
unsigned suite_links = 1;
const char *suite_worker_scheme;
char suite_cert_file[64];
char suite_ca_file[64];

/* ---- data ---- */

const size_t suite_sizes[] = {0,
                              1,
                              40,
                              41,
                              127,
                              128,
                              191,
                              192,
                              193,
                              231,
                              232,
                              233,
                              255,
                              256,
                              257,
                              4095,
                              4096,
                              4097,
                              16383,
                              16384,
                              16385,
                              32767,
                              32768,
                              32769,
                              65535,
                              65536,
                              65537,
                              ((size_t)1 << 18) - 1,
                              (size_t)1 << 18,
                              ((size_t)1 << 18) + 1,
                              ((size_t)1 << 20) + 1,
                              SIZE_MAX};

const size_t suite_long_sizes[] = {((size_t)1 << 19) + 1, ((size_t)1 << 20) - 1,
                                   (size_t)1 << 20,       ((size_t)1 << 21) + 1,
                                   ((size_t)1 << 22) - 1, (size_t)1 << 22,
                                   ((size_t)1 << 22) + 1, ((size_t)1 << 23) - 1,
                                   (size_t)1 << 23,       ((size_t)1 << 23) + 1,
                                   (size_t)10 << 20,      MAX_MESSAGE - 1,
                                   MAX_MESSAGE,           SIZE_MAX};

bool suite_is_long(void)
{
    const char *text = getenv("SHMRPC_TEST_LONG");
    return text != NULL && strcmp(text, "1") == 0;
}

/* The byte at `i` depends on all bits of i that matter, so that a comparison
 * detects bytes that were shifted, repeated or lost. */
static uint8_t pattern_byte(size_t i, uint8_t seed)
{
    return (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16) * 29 + seed);
}

void pattern_fill(uint8_t *data, size_t len, uint8_t seed)
{
    for (size_t i = 0; i < len; i++) {
        data[i] = pattern_byte(i, seed);
    }
}

bool pattern_is(const uint8_t *data, size_t len, uint8_t seed)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != pattern_byte(i, seed)) {
            return false;
        }
    }
    return true;
}

/* ---- the gate ---- */

static void gate_init(gate *g)
{
    *g = (gate){.open = false};
    shmrpci_mutex_init(&g->lock);
    shmrpci_cond_init(&g->changed);
}

static void gate_count(gate *g, unsigned *field)
{
    shmrpci_mutex_lock(&g->lock);
    (*field)++;
    shmrpci_cond_broadcast(&g->changed);
    shmrpci_mutex_unlock(&g->lock);
}

static void gate_pass(gate *g)
{
    shmrpci_mutex_lock(&g->lock);
    g->entered++;
    shmrpci_cond_broadcast(&g->changed);
    while (!g->open) {
        shmrpci_cond_wait(&g->changed, &g->lock);
    }
    shmrpci_mutex_unlock(&g->lock);
}

void gate_open(gate *g)
{
    shmrpci_mutex_lock(&g->lock);
    g->open = true;
    shmrpci_cond_broadcast(&g->changed);
    shmrpci_mutex_unlock(&g->lock);
}

void gate_await(gate *g, const unsigned *field, unsigned count)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    bool in_time = true;
    shmrpci_mutex_lock(&g->lock);
    while (*field < count && in_time) {
        in_time = shmrpci_cond_wait_until(&g->changed, &g->lock, deadline_ns);
    }
    unsigned got = *field;
    shmrpci_mutex_unlock(&g->lock);
    if (got < count) {
        fail_msg("timed out: %u of %u", got, count);
    }
}

/* Returns whether to use the operations for short bodies, post and answer. If
 * the transport has them, they are used for every second short body. */
static bool is_short(atomic_uint *count, size_t len)
{
    return transport->shared != NULL && len <= SHMRPCI_POST_MAX_BYTES &&
           atomic_fetch_add(count, 1u) % 2 == 0;
}

/* ---- workers ---- */

static void reply_size(shmrpci_request *request, const uint8_t *body)
{
    uint32_t size = 0;
    memcpy(&size, body, sizeof size);
    transport->worker->reply_reserve(request, 0);
    uint8_t *at = shmrpci_buf_extend(&request->out, size);
    if (at != NULL) {
        pattern_fill(at, size, 3);
    }
    transport->worker->reply_commit(request);
}

static void reply_status(shmrpci_request *request, const uint8_t *body,
                         size_t len)
{
    transport->worker->reply_reserve(request, len);
    memcpy(&request->head.status, body, sizeof request->head.status);
    request->head.flags = SHMRPCI_HEAD_DETAIL;
    shmrpci_buf_append(&request->out, body + 4, len - 4);
    transport->worker->reply_commit(request);
}

static void watch(fixture *f, shmrpci_request *request)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    gate_count(&f->gate, &f->gate.entered);
    while (!transport->worker->is_cancelled(request)) {
        if (shmrpci_now_ns() > deadline_ns) {
            worker_reply(request, "", 0);
            return;
        }
        sched_yield();
    }
    gate_count(&f->gate, &f->gate.cancelled);
    worker_reply(request, "", 0);
}

static void serve(fixture *f, shmrpci_request *request)
{
    size_t len = request->in_len;
    uint8_t *body = malloc(len + 1);
    if (len > 0) {
        memcpy(body, request->in, len);
    }
    switch (request->head.method) {
    case METHOD_SIZE:
        reply_size(request, body);
        break;
    case METHOD_HOLD:
        gate_pass(&f->gate);
        worker_reply(request, body, len);
        break;
    case METHOD_STATUS:
        reply_status(request, body, len);
        break;
    case METHOD_COUNT:
        transport->worker->drop(request);
        gate_count(&f->gate, &f->gate.counted);
        break;
    case METHOD_WATCH:
        watch(f, request);
        break;
    case METHOD_PEER:
        worker_reply(request, request->peer, sizeof *request->peer);
        break;
    case METHOD_HEAD: {
        head_report report = {request->head, request->deadline_ns};
        worker_reply(request, &report, sizeof report);
        break;
    }
    default:
        worker_reply(request, body, len);
        break;
    }
    free(body);
}

static void work(void *user)
{
    const seat *place = user;
    fixture *f = place->fixture;
    shmrpci_participant *me;
    shmrpci_request request = {0};
    if (transport->worker->participant_open(f->listener, place->index, &me,
                                            NULL) != 0) {
        return; /* the case fails when its wait times out */
    }
    while (transport->worker->next(me, &request) == SHMRPC_OK) {
        serve(f, &request);
    }
    transport->worker->participant_close(me);
}

shmrpci_participant *worker_open(fixture *f, uint32_t index)
{
    shmrpci_participant *me = NULL;
    shmrpc_error error = {0};
    if (transport->worker->participant_open(f->listener, index, &me, &error) !=
        0) {
        fail_msg("participant_open: %s", error.message);
    }
    return me;
}

void worker_next(shmrpci_participant *participant, shmrpci_request *request)
{
    assert_int_equal(transport->worker->next(participant, request), SHMRPC_OK);
}

void worker_reply(shmrpci_request *request, const void *body, size_t len)
{
    static atomic_uint count;
    request->head.status = SHMRPC_OK;
    request->head.flags = 0;
    if (is_short(&count, len)) {
        transport->shared->answer(request, body, len);
        return;
    }
    transport->worker->reply_reserve(request, len);
    shmrpci_buf_append(&request->out, body, len);
    transport->worker->reply_commit(request);
}

/* ---- the listener ---- */

static bool is_scheme(const char *scheme)
{
    return strcmp(transport->scheme, scheme) == 0;
}

/* Returns whether the transport is TCP, with or without TLS. */
static bool is_tcp(void)
{
    return is_scheme("tcp") || is_scheme("tls");
}

/* Returns a port that stays reserved: a socket that never listens is bound to
 * it, and SO_REUSEADDR lets a listener of the suite bind to it too. */
static uint16_t new_port(void)
{
    int yes = 1;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

shmrpci_address suite_new_address(void)
{
    static unsigned number;
    shmrpci_address address = {.transport = transport, .port = 5555};
    if (is_tcp()) {
        address.port = new_port();
        memcpy(address.cert_file, suite_cert_file, sizeof suite_cert_file);
        memcpy(address.ca_file, suite_ca_file, sizeof suite_ca_file);
    } else if (is_scheme("unix")) {
        (void)snprintf(address.host, sizeof address.host, "%s/conf-%u.sock",
                       getenv("SHMRPC_DIR"), number++);
    } else {
        (void)snprintf(address.name, sizeof address.name, "conf-%d-%u",
                       (int)getpid(), number++);
    }
    return address;
}

const char *suite_name_of(const shmrpci_address *address)
{
    static char port[16];
    if (is_tcp()) {
        (void)snprintf(port, sizeof port, ":%u", address->port);
        return port;
    }
    return is_scheme("unix") ? address->host : address->name;
}

shmrpci_address suite_other_copy(const shmrpci_address *address)
{
    shmrpci_address other = *address;
    if (is_tcp() || is_scheme("unix")) {
        return suite_new_address();
    }
    memcpy(other.instance, "two", 4);
    return other;
}

bool suite_tells_calls_only(void)
{
    return !is_tcp() && !is_scheme("unix") && !is_scheme("nats");
}

bool suite_ends_together(void)
{
    return !is_scheme("nats");
}

bool suite_knows_peers(void)
{
    return !is_tcp() || suite_worker_scheme != NULL;
}

/* Refuses the hello "refuse", gives "large" a large welcome, and echoes any
 * other hello. */
static int on_hello(void *user, const uint8_t *hello, size_t len,
                    const shmrpc_peer *peer, shmrpci_buf *welcome,
                    shmrpc_error *error)
{
    (void)user;
    if (len == 6 && memcmp(hello, "refuse", 6) == 0) {
        return shmrpc_error_set(error, SHMRPC_E_CONTRACT,
                                "user %u: method \xc3\xa4 differs", peer->uid);
    }
    if (len == 5 && memcmp(hello, "large", 5) == 0) {
        uint8_t *at = shmrpci_buf_extend(welcome, (size_t)1 << 20);
        if (at != NULL) {
            pattern_fill(at, (size_t)1 << 20, 9);
        }
        return SHMRPC_OK;
    }
    shmrpci_buf_append_text(welcome, "hello ");
    shmrpci_buf_append(welcome, hello, len);
    return SHMRPC_OK;
}

/* Gives "news", a file with that text, to everyone, and "secret" only to
 * servers. */
static int on_object(void *user, const char *name, bool as_server,
                     const shmrpc_peer *peer, int *out_fd, shmrpc_error *error)
{
    int fd;
    (void)user;
    if (strcmp(name, "secret") == 0 && !as_server) {
        return shmrpc_error_set(error, SHMRPC_E_DENIED, "not for user %u",
                                peer->uid);
    }
    if (strcmp(name, "news") != 0 && strcmp(name, "secret") != 0) {
        return shmrpc_error_set(error, SHMRPC_E_NOT_FOUND, "no \"%s\"", name);
    }
    int status = shmrpci_memory_create_constant("news", name, 4, &fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_READ, out_fd);
        shmrpci_fd_close(&fd);
    }
    return status;
}

shmrpci_listen_opts suite_listen_opts(fixture *f)
{
    return (shmrpci_listen_opts){
        .max_workers = MAX_WORKERS,
        .max_message_bytes = MAX_MESSAGE,
        .max_connections_per_uid = 1024,
        .max_bytes_per_uid = (size_t)1 << 30,
        .on_hello = on_hello,
        .on_object = on_object,
        .user = f,
    };
}

void fixture_init(fixture *f, const shmrpci_listen_opts *opts)
{
    shmrpc_error error = {0};
    *f = (fixture){.transport = transport, .address = suite_new_address()};
    gate_init(&f->gate);
    for (uint32_t i = 0; i < MAX_WORKERS; i++) {
        f->seats[i] = (seat){f, i};
    }
    shmrpci_listen_opts defaults = suite_listen_opts(f);
    if (transport->listener->listen(&f->address,
                                    opts != NULL ? opts : &defaults,
                                    &f->listener, &error) != SHMRPC_OK) {
        fail_msg("listen: %s", error.message);
    }
}

static void run(void *user)
{
    fixture *f = user;
    (void)transport->listener->run(f->listener, NULL);
}

void fixture_run(fixture *f)
{
    assert_int_equal(shmrpci_thread_create(&f->run_thread, "listener", run, f),
                     SHMRPC_OK);
    f->running = true;
}

void fixture_start_workers(fixture *f, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(
            shmrpci_thread_create(&f->workers[i], "worker", work, &f->seats[i]),
            SHMRPC_OK);
        f->worker_count++;
    }
}

void fixture_start(fixture *f, unsigned workers)
{
    fixture_init(f, NULL);
    fixture_run(f);
    fixture_start_workers(f, workers);
}

void fixture_stop(fixture *f)
{
    gate_open(&f->gate);
    if (f->listener == NULL) {
        return;
    }
    transport->listener->stop(f->listener);
    if (f->running) {
        shmrpci_thread_join(&f->run_thread);
    }
    for (unsigned i = 0; i < f->worker_count; i++) {
        shmrpci_thread_join(&f->workers[i]);
    }
    transport->listener->close(f->listener);
    f->listener = NULL;
}

/* ---- clients ---- */

int client_try_connect(const fixture *f, const shmrpci_address *address,
                       const char *hello, int64_t timeout_ns,
                       shmrpci_conn **out, shmrpci_buf *welcome,
                       shmrpc_error *error)
{
    shmrpci_connect_opts opts = {
        .deadline_ns = shmrpci_deadline_after(timeout_ns),
        .max_message_bytes = MAX_MESSAGE,
        .hello = (const uint8_t *)hello,
        .hello_len = strlen(hello),
    };
    return f->transport->client->connect(address, &opts, out, welcome, error);
}

shmrpci_conn *client_connect(fixture *f, const char *hello)
{
    shmrpci_conn *conn = NULL;
    shmrpci_buf welcome;
    shmrpc_error error = {0};
    shmrpci_buf_init_heap(&welcome);
    int status = client_try_connect(f, &f->address, hello, PATIENCE_NS, &conn,
                                    &welcome, &error);
    shmrpci_buf_fini(&welcome);
    if (status != SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return conn;
}

/* Posts a body; passes its first 0 to 8 bytes, depending on `count`, as the
 * prefix if the body is longer than that. */
static bool post(shmrpci_conn *conn, shmrpci_call *call, const uint8_t *body,
                 size_t len, unsigned count)
{
    uint64_t prefix = 0;
    size_t prefix_len = count % (sizeof prefix + 1);
    if (prefix_len >= len) {
        return transport->shared->post(conn, call, 0, 0, body, len);
    }
    memcpy(&prefix, body, prefix_len);
    return transport->shared->post(conn, call, prefix, prefix_len,
                                   body + prefix_len, len - prefix_len);
}

int client_send(shmrpci_conn *conn, uint32_t method, const void *body,
                size_t len, shmrpci_call *call)
{
    static atomic_uint count;
    *call = (shmrpci_call){0};
    call->head.method = method;
    call->head.timeout_ns = PATIENCE_NS;
    if (is_short(&count, len) && post(conn, call, body, len, count)) {
        return SHMRPC_OK;
    }
    int status = transport->client->reserve(
        conn, call, len, len, shmrpci_deadline_after(PATIENCE_NS), NULL);
    if (status == SHMRPC_OK) {
        shmrpci_buf_append(&call->out, body, len);
        status = transport->client->commit(call);
    }
    return status;
}

int client_call(shmrpci_conn *conn, uint32_t method, const void *body,
                size_t len, int32_t *status, shmrpci_buf *reply)
{
    shmrpci_call call;
    int failed = client_send(conn, method, body, len, &call);
    if (failed != SHMRPC_OK) {
        return failed;
    }
    failed =
        transport->client->receive(&call, shmrpci_deadline_after(PATIENCE_NS));
    if (failed == SHMRPC_E_DEADLINE) {
        (void)transport->client->cancel(&call);
    }
    if (failed == SHMRPC_OK) {
        *status = call.head.status;
        shmrpci_buf_reset(reply);
        shmrpci_buf_append(reply, call.in, call.in_len);
        transport->client->release(&call);
    }
    return failed;
}

int client_echo(shmrpci_conn *conn, size_t len, uint8_t seed)
{
    int32_t status = 0;
    shmrpci_buf reply;
    shmrpci_buf_init_heap(&reply);
    uint8_t *body = malloc(len + 1);
    pattern_fill(body, len, seed);
    int failed = client_call(conn, METHOD_ECHO, body, len, &status, &reply);
    if (failed == SHMRPC_OK &&
        (status != SHMRPC_OK || reply.len != len ||
         (len > 0 && memcmp(reply.data, body, len) != 0))) {
        failed = SHMRPC_E_DATA_LOSS;
    }
    shmrpci_buf_fini(&reply);
    free(body);
    return failed;
}

void expect_reply(shmrpci_call *call, const void *body, size_t len)
{
    assert_int_equal(
        transport->client->receive(call, shmrpci_deadline_after(PATIENCE_NS)),
        SHMRPC_OK);
    assert_int_equal(call->head.status, SHMRPC_OK);
    assert_int_equal(call->in_len, len);
    if (len > 0) {
        assert_memory_equal(call->in, body, len);
    }
    transport->client->release(call);
}

/* ---- the program ---- */

/* Removes the folder of sockets, which has no subfolders. */
static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
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
    (void)rmdir(path);
}

static int run_group(const char *part, const struct CMUnitTest *cases,
                     size_t count)
{
    char name[64];
    if (count == 0) {
        return 0;
    }
    (void)snprintf(name, sizeof name, "%s: %s", transport->scheme, part);
    return _cmocka_run_group_tests(name, cases, count, NULL, NULL);
}

int suite_main(const char *scheme)
{
    return suite_run(shmrpci_transport_of(scheme, strlen(scheme)));
}

int suite_run(const shmrpci_transport *over)
{
    char folder[] = "/tmp/shmrpc-conformance-XXXXXX";
    transport = over;
    if (transport == NULL || mkdtemp(folder) == NULL ||
        setenv("SHMRPC_DIR", folder, 1) != 0) {
        (void)fprintf(stderr, "no such transport, or no /tmp\n");
        return EXIT_FAILURE;
    }
    int failed =
        run_group("connect", suite_connect_cases, suite_connect_case_count) +
        run_group("call", suite_call_cases, suite_call_case_count) +
        run_group("life", suite_life_cases, suite_life_case_count) +
        run_group("load", suite_load_cases, suite_load_case_count) +
        run_group("detach", suite_detach_cases, suite_detach_case_count) +
        run_group("watch", suite_watch_cases, suite_watch_case_count) +
        run_group("stream", suite_stream_cases,
                  transport->streams != NULL ? suite_stream_case_count : 0) +
        run_group("own", suite_own_cases, suite_own_case_count);
    remove_folder(folder);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
