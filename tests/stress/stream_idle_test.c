/*
 * Idle streams: both ends of each stream sleep, without a single wake-up.
 *
 * One process has all workers of a service. All workers but one have a stream.
 * Another process has all clients, with a thread for each stream. With
 * SHMRPC_TEST_LONG=1 there are a thousand streams, for a minute.
 */
#include "service.h"
#include "wakeups.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The transport of the present case. */
static const shmrpci_transport *over;

enum {
    WORKERS = 64,
    STREAMS = WORKERS - 1, /* streams of a service, which keeps one worker for
                            * calls */
    EACH = 32,             /* streams of a connection */
    MAX_SERVICES = 16,
    WINDOW = 32 << 10
};

typedef struct scene {
    pid_t pids[MAX_SERVICES + 1]; /* the last one runs all clients */
    atomic_uint listening;
    atomic_uint accepted;
    atomic_uint opened;
} scene;

static scene *it;
static shmrpci_address addresses[MAX_SERVICES];

static unsigned services(void)
{
    return is_long() ? MAX_SERVICES : 1;
}

/* ---- the servers --------------------------------------------------------- */

static int say_welcome(void *user, const uint8_t *hello, size_t len,
                       const shmrpc_peer *peer, shmrpci_buf *welcome,
                       shmrpc_error *error)
{
    (void)user, (void)hello, (void)len, (void)peer, (void)welcome, (void)error;
    return SHMRPC_OK;
}

static shmrpci_listener *listener;
static atomic_uint next_index;

/* Accepts a stream, and waits without a deadline for its first item, which
 * never comes. */
static void work(void *unused)
{
    (void)unused;
    shmrpci_participant *me;
    shmrpci_request request = {0};
    shmrpci_stream *stream;
    shmrpci_stream_item item;
    uint32_t index = atomic_fetch_add(&next_index, 1);
    if (over->worker->participant_open(listener, index, &me, NULL) !=
        SHMRPC_OK) {
        return; /* the test then times out and fails */
    }
    while (over->worker->next(me, &request) == SHMRPC_OK) {
        if (over->streams->accept(&request, STREAMS, &stream, NULL) ==
            SHMRPC_OK) {
            atomic_fetch_add(&it->accepted, 1);
            (void)over->streams->next(stream, SHMRPCI_NEVER_NS, &item);
            over->streams->close(stream);
        }
        worker_finish(&request);
    }
}

static void be_server(const shmrpci_address *address)
{
    static shmrpci_thread threads[WORKERS];
    shmrpci_listen_opts opts = {.max_workers = WORKERS,
                                .max_message_bytes = (size_t)16 << 20,
                                .max_connections_per_uid = 1000,
                                .max_bytes_per_uid = (size_t)1 << 30,
                                .extent_idle_ns = 100 * SHMRPCI_NS_PER_MS,
                                .on_hello = say_welcome};
    if (over->listener->listen(address, &opts, &listener, NULL) != SHMRPC_OK) {
        _exit(1);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        if (shmrpci_thread_create(&threads[i], "worker", work, NULL) !=
            SHMRPC_OK) {
            _exit(2);
        }
    }
    atomic_fetch_add(&it->listening, 1);
    (void)over->listener->run(listener, NULL);
    _exit(0);
}

/* ---- the clients --------------------------------------------------------- */

static void read_for_ever(void *user)
{
    shmrpci_call call = {0};
    shmrpci_stream *stream;
    shmrpci_stream_item item;
    const shmrpci_stream_opts opts = {
        .in_bytes = WINDOW, .out_bytes = WINDOW, .max_item_bytes = WINDOW};
    if (over->client->reserve(user, &call, 0, 0,
                              shmrpci_deadline_after(PATIENCE_NS),
                              NULL) != SHMRPC_OK) {
        return;
    }
    call.head = (shmrpci_head){.method = 1, .timeout_ns = INT64_MAX};
    if (over->streams->open(&call, &opts, &stream, NULL) == SHMRPC_OK) {
        atomic_fetch_add(&it->opened, 1);
        (void)over->streams->next(stream, SHMRPCI_NEVER_NS, &item);
    }
}

static void be_client(void)
{
    static shmrpci_thread threads[MAX_SERVICES * STREAMS];
    for (unsigned i = 0; i < services(); i++) {
        shmrpci_conn *conn = NULL;
        for (unsigned j = 0; j < STREAMS; j++) {
            conn = j % EACH == 0 ? client_open(&addresses[i]) : conn;
            if (shmrpci_thread_create(&threads[i * STREAMS + j], "reader",
                                      read_for_ever, conn) != SHMRPC_OK) {
                _exit(1);
            }
        }
    }
    for (;;) {
        (void)pause();
    }
}

/* ---- costs --------------------------------------------------------------- */

static unsigned long switches(void)
{
    unsigned long sum = wakeups_switches(it->pids[MAX_SERVICES]);
    for (unsigned i = 0; i < services(); i++) {
        sum += wakeups_switches(it->pids[i]);
    }
    return sum;
}

/* Runs the clients, or one service. */
static void start(unsigned index)
{
    pid_t pid = service_fork();
    assert_true(pid >= 0);
    if (pid == 0 && index == MAX_SERVICES) {
        be_client();
    }
    if (pid == 0) {
        be_server(&addresses[index]);
    }
    it->pids[index] = pid;
}

static shmrpci_address free_address(void)
{
    static unsigned number;
    shmrpci_address address = new_address();
    if (over == &shmrpci_transport_unix) {
        address = (shmrpci_address){.transport = over};
        (void)snprintf(address.host, sizeof address.host, "%s/idle-%u.sock",
                       folder_path(), number++);
    }
    return address;
}

static void idle_streams_wake_nobody(void **state)
{
    (void)state;
    if (WAKEUPS_HAS_STRANGERS) {
        skip();
    }
    for (unsigned i = 0; i < services(); i++) {
        addresses[i] = free_address();
        start(i);
    }
    await_count(&it->listening, services());
    start(MAX_SERVICES);
    await_count(&it->accepted, services() * STREAMS);
    await_count(&it->opened, services() * STREAMS);
    print_message("%u streams\n", services() * STREAMS);
    assert_int_equal(wakeups_least(switches, is_long() ? 60 : 1), 0);
}

static int setup(void **state)
{
    over = *state;
    it = mmap(NULL, sizeof *it, PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return it != MAP_FAILED ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i <= MAX_SERVICES; i++) {
        if (it->pids[i] > 0) {
            (void)kill(it->pids[i], SIGKILL);
            (void)waitpid(it->pids[i], NULL, 0);
        }
    }
    return munmap(it, sizeof *it);
}

/* TCP is not tested, because it shares the implementation of unix sockets. */
#define CASE(test, scheme)                                 \
    {                                                      \
#test ", " #scheme, test, setup, teardown,         \
            (void *)(uintptr_t)&shmrpci_transport_##scheme \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(idle_streams_wake_nobody, shm),
        CASE(idle_streams_wake_nobody, unix),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
