/* A small service for tests of the shm transport. */
#include "service.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "transport/shm/client.h"

static char folder[64];

shmrpci_listen_opts service_opts;

int folder_setup(void **state)
{
    (void)state;
    service_opts =
        (shmrpci_listen_opts){.max_workers = MAX_WORKERS,
                              .max_message_bytes = (size_t)16 << 20,
                              .max_connections_per_uid = 100,
                              .max_bytes_per_uid = (size_t)256 << 20};
    (void)snprintf(folder, sizeof folder, "/tmp/shmrpc-test-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    return setenv("SHMRPC_DIR", folder, 1);
}

int folder_teardown(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

pid_t service_fork(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
    }
    return pid;
}

const char *folder_path(void)
{
    return folder;
}

size_t folder_count(void)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count - 2; /* "." and ".." */
}

shmrpci_address new_address(void)
{
    static unsigned number;
    shmrpci_address address = {.transport = &shmrpci_transport_shm, .port = 1};
    (void)snprintf(address.name, sizeof address.name, "test-%d-%u",
                   (int)getpid(), number++);
    return address;
}

static int say_welcome(void *user, const uint8_t *hello, size_t len,
                       const shmrpc_peer *peer, shmrpci_buf *welcome,
                       shmrpc_error *error)
{
    (void)user;
    (void)peer;
    (void)error;
    if (len > 0) {
        shmrpci_buf_append(welcome, hello, len);
    }
    return SHMRPC_OK;
}

static void reply(shmrpci_request *request, const void *body, size_t len)
{
    const shmrpci_transport *transport = request->participant->transport;
    transport->worker->reply_reserve(request, len);
    request->head.status = SHMRPC_OK;
    request->head.flags = 0;
    shmrpci_buf_append(&request->out, body, len);
    transport->worker->reply_commit(request);
}

/* Sends the items of a stream back until it ends or fails; a hostile client
 * makes it fail soon. */
static void send_back(service *s, shmrpci_request *request)
{
    const shmrpci_stream_ops *streams =
        request->participant->transport->streams;
    shmrpci_stream *stream;
    shmrpci_stream_item item;
    if (streams->accept(request, MAX_WORKERS, &stream, NULL) != SHMRPC_OK) {
        return;
    }
    int status;
    do {
        status = streams->next(stream, request->deadline_ns, &item);
        if (status == SHMRPC_MORE) {
            uint8_t *copy = malloc(item.len + 1);
            memcpy(copy, item.data, item.len);
            status = streams->send(stream, copy, item.len, request->deadline_ns,
                                   true);
            free(copy);
        } else if (status == SHMRPC_OK) {
            status =
                SHMRPC_E_CANCELLED; /* the stream has ended: leaves the loop */
        }
    } while (status == SHMRPC_OK);
    atomic_fetch_add(&s->lies, status == SHMRPC_E_DATA_LOSS ? 1u : 0u);
    streams->close(stream);
}

static void serve(service *s, shmrpci_request *request)
{
    size_t len = request->in_len;
    uint8_t *body = malloc(len + 1);
    memcpy(body, request->in, len);
    if ((request->head.flags & SHMRPCI_HEAD_STREAMS) != 0) {
        send_back(s, request);
    }
    if (request->head.method == METHOD_HOLD) {
        atomic_fetch_add(&s->held, 1);
        while (!atomic_load(&s->released)) {
            (void)sched_yield();
        }
    }
    if (request->head.method == METHOD_SIZE && len >= sizeof(uint32_t)) {
        uint32_t size;
        memcpy(&size, body, sizeof size);
        uint8_t *large = calloc(1, size + 1);
        reply(request, large, size);
        free(large);
    } else {
        reply(request, body, len);
    }
    free(body);
}

static void work(void *user)
{
    service *s = user;
    shmrpci_participant *me;
    shmrpci_request request = {0};
    uint32_t index = atomic_fetch_add(&s->next_index, 1);
    if (s->listener->transport->worker->participant_open(
            s->listener, index, &me, NULL) != SHMRPC_OK) {
        return; /* the test fails when its wait times out */
    }
    atomic_fetch_add(&s->opened, 1);
    while (s->listener->transport->worker->next(me, &request) == SHMRPC_OK) {
        serve(s, &request);
    }
    s->listener->transport->worker->participant_close(me);
}

static void run(void *user)
{
    service *s = user;
    (void)s->listener->transport->listener->run(s->listener, NULL);
}

void service_start(service *s, const shmrpci_address *address, unsigned workers)
{
    shmrpc_error error = {0};
    static const uint32_t allowed[] = {SERVICE_ALLOWED_UID};
    shmrpci_listen_opts opts = service_opts;
    opts.allowed_uids = allowed;
    opts.allowed_uid_count = 1;
    opts.on_hello = say_welcome;
    *s = (service){.address = *address, .worker_count = workers};
    if (address->transport->listener->listen(address, &opts, &s->listener,
                                             &error) != SHMRPC_OK) {
        fail_msg("listen: %s", error.message);
    }
    assert_int_equal(shmrpci_thread_create(&s->run_thread, "listener", run, s),
                     SHMRPC_OK);
    for (unsigned i = 0; i < workers; i++) {
        assert_int_equal(
            shmrpci_thread_create(&s->workers[i], "worker", work, s),
            SHMRPC_OK);
    }
    await_count(&s->opened, workers);
}

void service_stop(service *s)
{
    atomic_store(&s->released, true);
    s->listener->transport->listener->stop(s->listener);
    shmrpci_thread_join(&s->run_thread);
    for (unsigned i = 0; i < s->worker_count; i++) {
        shmrpci_thread_join(&s->workers[i]);
    }
    s->listener->transport->listener->close(s->listener);
}

int client_try_open(const shmrpci_address *address, shmrpci_conn **out,
                    shmrpc_error *error)
{
    shmrpci_buf welcome;
    shmrpci_connect_opts opts = {
        .deadline_ns = shmrpci_deadline_after(PATIENCE_NS),
        .max_message_bytes = service_opts.max_message_bytes,
        .hello = (const uint8_t *)"hello",
        .hello_len = 5};
    shmrpci_buf_init_heap(&welcome);
    int status = address->transport->client->connect(address, &opts, out,
                                                     &welcome, error);
    shmrpci_buf_fini(&welcome);
    return status;
}

shmrpci_conn *client_open(const shmrpci_address *address)
{
    shmrpci_conn *conn = NULL;
    shmrpc_error error = {0};
    if (client_try_open(address, &conn, &error) != SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return conn;
}

/* Returns the timeout for a message of `len` bytes: one GiB takes a while on a
 * busy machine. */
static int64_t patience_for(size_t len)
{
    return PATIENCE_NS + (int64_t)(len >> 23) * SHMRPCI_NS_PER_S;
}

int client_send(shmrpci_conn *conn, shmrpci_call *call, uint32_t method,
                const void *body, size_t len, size_t reply_hint)
{
    int status = conn->transport->client->reserve(
        conn, call, len, reply_hint, shmrpci_deadline_after(patience_for(len)),
        NULL);
    if (status != SHMRPC_OK) {
        return status;
    }
    call->head =
        (shmrpci_head){.method = method, .timeout_ns = patience_for(len)};
    shmrpci_buf_append(&call->out, body, len);
    return conn->transport->client->commit(call);
}

int client_call(shmrpci_conn *conn, uint32_t method, const void *body,
                size_t len, size_t reply_hint, size_t *out_len)
{
    shmrpci_call call = {0};
    int status = client_send(conn, &call, method, body, len, reply_hint);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = conn->transport->client->receive(
        &call, shmrpci_deadline_after(patience_for(len)));
    if (status == SHMRPC_E_DEADLINE) {
        (void)conn->transport->client->cancel(&call);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    if (out_len != NULL) {
        *out_len = call.in_len;
    }
    status = call.head.status;
    if (status == SHMRPC_OK && method == METHOD_ECHO &&
        (call.in_len != len || memcmp(call.in, body, len) != 0)) {
        status = SHMRPC_E_DATA_LOSS;
    }
    conn->transport->client->release(&call);
    return status;
}

void client_echoes(shmrpci_conn *conn, const char *text)
{
    assert_int_equal(
        client_call(conn, METHOD_ECHO, text, strlen(text), 0, NULL), SHMRPC_OK);
}

void await_count(atomic_uint *value, unsigned least)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (atomic_load(value) < least) {
        if (shmrpci_now_ns() > deadline_ns) {
            fail_msg("timed out waiting for %u, have %u", least,
                     atomic_load(value));
        }
        (void)sched_yield();
    }
}

bool is_long(void)
{
    const char *text = getenv("SHMRPC_TEST_LONG");
    return text != NULL && strcmp(text, "1") == 0;
}

void client_publish(shmrpci_conn *conn, uint32_t slot, uint32_t method)
{
    const shm_client *client = (shm_client *)(void *)conn;
    shm_slot *at = &client->block.slots[slot];
    uint32_t gen = shm_word_gen(shmrpci_load_seq(&at->word)) + 1;
    shmrpci_store_relaxed(&at->method, (uint16_t)method);
    shmrpci_store_relaxed(&at->flags, (uint16_t)0);
    shmrpci_store_relaxed(&at->length, 0u);
    shmrpci_store_relaxed(&at->timeout_ns, (uint64_t)PATIENCE_NS);
    (void)shmrpci_exchange_seq(&at->word, shm_word(gen, SHM_SUBMITTED));
    if (slot >= SHM_HOT_SLOTS) {
        (void)shmrpci_or_seq(client->block.pending, UINT64_C(1) << slot);
    }
}

shmrpci_participant *service_open_worker(service *s)
{
    shmrpci_participant *worker = NULL;
    assert_int_equal(s->listener->transport->worker->participant_open(
                         s->listener, MAX_WORKERS - 1, &worker, NULL),
                     SHMRPC_OK);
    return worker;
}

void worker_finish(shmrpci_request *request)
{
    const shmrpci_transport *transport = request->participant->transport;
    transport->worker->reply_reserve(request, 0);
    request->head.status = SHMRPC_OK;
    transport->worker->reply_commit(request);
}
