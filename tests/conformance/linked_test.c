/*
 * The conformance suite over shm with every worker behind a worker link, as if
 * it ran in a separate process. Here the workers are threads of this process,
 * so that the thread sanitizer sees all accesses.
 */
#include "suite.h"

#include <stdatomic.h>

#include "os/poll.h"
#include "os/socket.h"

#define shm (&shmrpci_transport_shm)

enum { LISTENERS = 8, PARTICIPANTS = 256 };

/* The thread that holds this acts as the control loop's thread. */
static shmrpci_mutex control = SHMRPCI_MUTEX_INIT;

static struct {
    shmrpci_listener *listener; /* NULL: unused */
    atomic_bool stopping;
} listeners[LISTENERS];

static struct {
    shmrpci_participant *participant; /* NULL: unused */
    shmrpci_listener *mirror;
} participants[PARTICIPANTS];

/* Until this time the control loop gets no CPU. */
static _Atomic int64_t starved_until_ns;

/* ---- the listener ---- */

static size_t find(const shmrpci_listener *listener)
{
    size_t i = 0;
    while (listeners[i].listener != listener) {
        i++;
    }
    return i;
}

static int linked_listen(const shmrpci_address *address,
                         const shmrpci_listen_opts *opts,
                         shmrpci_listener **out, shmrpc_error *error)
{
    shmrpci_listen_opts with = *opts;
    with.takes_processes = true;
    int status = shm->listener->listen(address, &with, out, error);
    if (status == SHMRPC_OK) {
        shmrpci_mutex_lock(&control);
        size_t i = find(NULL);
        listeners[i].listener = *out;
        atomic_store(&listeners[i].stopping, false);
        shmrpci_mutex_unlock(&control);
    }
    return status;
}

static int linked_run(shmrpci_listener *listener, shmrpc_error *error)
{
    (void)error;
    shmrpci_mutex_lock(&control);
    size_t i = find(listener);
    while (!atomic_load(&listeners[i].stopping)) {
        int64_t wake_ns = shm->processes->step(listener);
        shmrpci_mutex_unlock(&control);
        (void)shmrpci_poll_readable(shm->processes->poll_fd(listener), wake_ns);
        (void)shmrpci_poll_entries(NULL, 0, atomic_load(&starved_until_ns));
        shmrpci_mutex_lock(&control);
    }
    shmrpci_mutex_unlock(&control);
    return SHMRPC_OK;
}

static void linked_stop(shmrpci_listener *listener)
{
    shmrpci_mutex_lock(&control);
    atomic_store(&listeners[find(listener)].stopping, true);
    shm->listener->stop(listener);
    for (uint32_t i = 0; i < MAX_WORKERS; i++) {
        shm->processes->retire(listener, i);
    }
    shmrpci_mutex_unlock(&control);
}

static void linked_close(shmrpci_listener *listener)
{
    shmrpci_mutex_lock(&control);
    listeners[find(listener)].listener = NULL;
    shm->listener->close(listener);
    shmrpci_mutex_unlock(&control);
}

/* ---- participants ---- */

static int enlist(shmrpci_listener *listener, uint32_t index, int fds[2],
                  shmrpc_error *error)
{
    assert_int_equal(shmrpci_socket_pair(fds), SHMRPC_OK);
    shmrpci_mutex_lock(&control);
    int status = shm->processes->enlist(listener, index, 1, fds[0], error);
    /* If the listener is stopping, the existing workers were already told to
     * retire; this tells the new one. */
    if (status == SHMRPC_OK &&
        atomic_load(&listeners[find(listener)].stopping)) {
        shm->processes->retire(listener, index);
    }
    shmrpci_mutex_unlock(&control);
    return status;
}

static int linked_open(shmrpci_listener *listener, uint32_t index,
                       shmrpci_participant **out, shmrpc_error *error)
{
    int fds[2];
    shmrpci_listener *mirror;
    int status = enlist(listener, index, fds, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shm->processes->attach(fds[1], &mirror, error);
    assert_int_equal(status, SHMRPC_OK);
    status = shm->worker->participant_open(mirror, index, out, error);
    assert_int_equal(status, SHMRPC_OK);
    shmrpci_mutex_lock(&control);
    size_t i = 0;
    while (participants[i].participant != NULL) {
        i++;
    }
    participants[i].participant = *out;
    participants[i].mirror = mirror;
    shmrpci_mutex_unlock(&control);
    return SHMRPC_OK;
}

static void linked_participant_close(shmrpci_participant *participant)
{
    shmrpci_mutex_lock(&control);
    size_t i = 0;
    while (participants[i].participant != participant) {
        i++;
    }
    shmrpci_listener *mirror = participants[i].mirror;
    participants[i].participant = NULL;
    shmrpci_mutex_unlock(&control);
    shm->worker->participant_close(participant);
    shm->listener->close(mirror);
}

static void linked_recover(shmrpci_listener *listener, uint32_t index)
{
    shmrpci_mutex_lock(&control);
    shm->processes->dismiss(listener, index);
    shmrpci_mutex_unlock(&control);
}

/* ---- cases only for linked workers ---- */

#define STARVED_NS (300 * SHMRPCI_NS_PER_MS)

/* Messages that the control loop has not read yet must not keep a worker from
 * requesting memory. */
static void starved_control_loop_gives_memory_later(void **state)
{
    (void)state;
    enum { ENDS = 2000 };
    fixture f;
    shmrpci_call call;
    shmrpci_call *armed = &call;
    shmrpci_request request = {0};
    static uint8_t body[(size_t)1 << 20];
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_participant *me = worker_open(&f, 0);
    atomic_store(&starved_until_ns, shmrpci_deadline_after(STARVED_NS));
    for (int i = 0; i <= ENDS; i++) {
        size_t len = i < ENDS ? 1 : sizeof body;
        call = (shmrpci_call){0};
        assert_int_equal(
            shm->client->reserve(conn, &call, 1, 1,
                                 shmrpci_deadline_after(PATIENCE_NS), NULL),
            SHMRPC_OK);
        call.head = (shmrpci_head){.method = METHOD_SIZE,
                                   .flags = SHMRPCI_HEAD_TOLD,
                                   .timeout_ns = PATIENCE_NS};
        shmrpci_buf_append(&call.out, "x", 1);
        assert_int_equal(shm->client->commit(&call), SHMRPC_OK);
        (void)shm->client->arm(conn, &armed, 1);
        worker_next(me, &request);
        worker_reply(&request, body, len);
        expect_reply(&call, body, len);
    }
    f.transport->worker->participant_close(me);
    shm->client->disconnect(conn);
    fixture_stop(&f);
}

int main(void)
{
    static const struct CMUnitTest own[] = {
        cmocka_unit_test(starved_control_loop_gives_memory_later),
    };
    suite_own_cases = own;
    suite_own_case_count = sizeof own / sizeof *own;
    static shmrpci_transport linked;
    linked = *shm;
    static shmrpci_listener_ops listener;
    listener = *shm->listener;
    listener.listen = linked_listen;
    listener.run = linked_run;
    listener.stop = linked_stop;
    listener.close = linked_close;
    listener.recover = linked_recover;
    linked.listener = &listener;
    static shmrpci_worker_ops worker;
    worker = *shm->worker;
    worker.participant_open = linked_open;
    worker.participant_close = linked_participant_close;
    linked.worker = &worker;
    return suite_run(&linked);
}
