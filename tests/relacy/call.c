/*
 * Calls over shared memory: the source of client_call.c, client_slot.c,
 * client_wait.c, worker_claim.c, worker_request.c, worker.c and
 * listener_recover.c.
 *
 * There is one connection. The first threads are the client's, the others are
 * workers. Results of calls are in plain variables, because only one thread
 * runs at a time.
 */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "kernel.h"
#include "os/clock.h"
#include "os/poll.h"
#include "transport/shm/client.h"
#include "transport/shm/worker.h"

#define CALLS 8u
#define BYTES 24u

typedef struct fate {
    unsigned runs;     /* how often a worker has run the call */
    unsigned got;      /* number of replies to the client */
    bool is_withdrawn; /* the client was told that the call never runs */
    bool has_died;     /* the client was told that the call's worker has died */
} fate;

/* The case that runs: what its threads do. */
static struct {
    unsigned clients;
    unsigned workers;
    unsigned calls;   /* of each client */
    uint64_t slots;   /* bits of the slots that may be used */
    bool may_give_up; /* calls may be given up at any moment */
    bool may_die;     /* the first worker may die at any moment */
    bool is_watched;  /* clients sleep in an event loop */
    bool hangs_up;    /* a client has two calls in flight, and one of its
                       * threads closes */
} plan;

static union {
    uint64_t align;
    _Alignas(256) uint8_t bytes[SHM_ARENA_OFFSET];
} block;
static shm_status_page status;
static shm_ledger ledger;
static shm_service_shared shared;
static shm_listener listener;
static shm_conn *conn;
static shm_conn *table[1];
static shm_client client;
static shm_worker *workers[4];
static fate fates[CALLS];
static unsigned busy; /* number of clients that are not done */
static int watch_set;
static int control_set;
static int hang_up_fd;
static shmrpci_atomic_u32 has_hung_up;

const shmrpci_transport shmrpci_transport_shm;

/* ---- before a run -------------------------------------------------------- */

static void attach_block(shm_block *it)
{
    *it = (shm_block){
        .slots = (void *)(block.bytes + SHM_SLOTS_OFFSET),
        .pending = (void *)(block.bytes + SHM_PENDING_OFFSET),
        .closed = (void *)(block.bytes + SHM_CLOSED_OFFSET),
        .armed = (void *)(block.bytes + SHM_ARMED_OFFSET),
        .sleepers = (void *)(block.bytes + SHM_SLEEPERS_OFFSET),
        .extents = (void *)(block.bytes + SHM_EXTENTS_OFFSET),
    };
}

static void before_server(void)
{
    listener = (shm_listener){.status = &status,
                              .shared = &shared,
                              .table = table,
                              .table_count = 1,
                              .table_cap = 1,
                              .signal = &listener.table_version,
                              .poll_set = -1,
                              .opts = {.max_workers = SHM_MAX_WORKERS},
                              .stop_fd = kernel_fd(),
                              .bell_fd = kernel_fd()};
    conn = malloc(sizeof *conn);
    ENGINE_CHECK(conn != NULL);
    table[0] = conn;
    *conn = (shm_conn){.listener = &listener,
                       .ledger = &ledger,
                       .ledger_map = {&ledger, sizeof ledger, 1},
                       .fd = kernel_fd(),
                       .bell_fd = kernel_fd(),
                       .max_message = SHM_PAYLOAD_BYTES};
    attach_block(&conn->block);
    conn->block.map = (shmrpci_map){block.bytes, sizeof block.bytes, 1};
}

/* Excludes slots, entries and places that nobody uses, because loops visit all
 * of them. */
static void ignore_others(void)
{
    unsigned first = (unsigned)__builtin_ctzll(plan.slots);
    unsigned end = SHM_SLOTS - (unsigned)__builtin_clzll(plan.slots);
    unsigned places = plan.workers + 1;
    engine_ignore(&conn->block.slots[0], first * sizeof(shm_slot));
    engine_ignore(&conn->block.slots[end],
                  (SHM_SLOTS - end) * sizeof(shm_slot));
    engine_ignore(&ledger.entries[0], first * sizeof(shm_ledger_entry));
    engine_ignore(&ledger.entries[end],
                  (SHM_WHOLE - end) * sizeof(shm_ledger_entry));
    engine_ignore(&listener.places[places],
                  (SHM_MAX_WORKERS - places) * sizeof(shm_worker_place));
    for (unsigned i = 0; i < SHM_MAX_WORKERS; i++) {
        shmrpci_store_relaxed(&listener.places[i].seen, SHM_OFFLINE);
    }
}

static void before_client(void)
{
    memset(&client, 0, sizeof client);
    attach_block(&client.block);
    client.generation = 1;
    client.status = &status;
    client.ledger = &ledger;
    client.control_fd = conn->fd;
    client.bell_fd = conn->bell_fd;
    client.max_message = SHM_PAYLOAD_BYTES;
    client.told_fd = client.watch_set = -1;
    shmrpci_store_relaxed(&client.free, plan.slots);
}

static void before(void)
{
    /* Short sleeps are leases, deadlines, and the slice for quarantined
     * slots. */
    kernel_reset(2 * SHMRPCI_NS_PER_MS);
    memset(block.bytes, 0, sizeof block.bytes);
    memset(&status, 0, sizeof status);
    memset(&ledger, 0, sizeof ledger);
    memset(fates, 0, sizeof fates);
    memset(workers, 0, sizeof workers);
    engine_ignore(&shared, sizeof shared);
    engine_ignore(shmrpci_fork_word, 4);
    engine_ignore(&shmrpci_fork_word, sizeof shmrpci_fork_word);
    before_server();
    ignore_others();
    before_client();
    engine_watch(client.slots, sizeof client.slots);
    for (uint64_t left = plan.slots; left != 0; left &= left - 1) {
        const shm_slot *slot = &conn->block.slots[__builtin_ctzll(left)];
        engine_watch(slot->payload, sizeof slot->payload);
    }
    busy = plan.clients;
    if (plan.hangs_up) {
        hang_up_fd = kernel_fd();
        has_hung_up = 0;
        (void)shmrpci_poll_create(&control_set);
        (void)shmrpci_poll_add(control_set, hang_up_fd, SHMRPCI_POLL_EDGE, 1);
    }
    if (plan.is_watched) {
        (void)shmrpci_poll_create(&watch_set);
        (void)shm_client_watch(&client.base, watch_set, 1);
    }
}

/* ---- clients ------------------------------------------------------------- */

static uint8_t byte_of(unsigned call, unsigned i)
{
    return (uint8_t)(call * 16 + i + 1);
}

static void fill(uint8_t bytes[BYTES], unsigned call, unsigned what)
{
    for (unsigned i = 0; i < BYTES; i++) {
        bytes[i] = byte_of(call, i + what);
    }
}

static void check_bytes(const uint8_t *at, size_t len, unsigned call,
                        unsigned what)
{
    uint8_t bytes[BYTES];
    ENGINE_CHECK(len == BYTES);
    memcpy(bytes, at, BYTES);
    for (unsigned i = 0; i < BYTES; i++) {
        ENGINE_CHECK(bytes[i] == byte_of(call, i + what));
    }
}

/* Waits for the reply by sleeping on the control socket, as an event loop
 * does. */
static int receive_watched(shmrpci_call *call)
{
    uint64_t tag;
    shmrpci_call *calls[] = {call};
    for (;;) {
        int status_of_it = shm_client_receive(call, 0);
        if (status_of_it != SHMRPC_E_DEADLINE) {
            return status_of_it;
        }
        int64_t until = shm_client_arm(&client.base, calls, 1);
        if (until != 0) {
            (void)shmrpci_poll_wait(watch_set, &tag, 1, SHMRPCI_NEVER_NS);
        }
        shm_client_acknowledge(&client.base);
    }
}

static int receive(shmrpci_call *call)
{
    if (plan.is_watched) {
        return receive_watched(call);
    }
    if (plan.may_give_up && engine_random(2) == 0) {
        return shm_client_receive(call, shmrpci_deadline_after(20));
    }
    return shm_client_receive(call, SHMRPCI_NEVER_NS);
}

/* Sends a call, either with shm_client_post or by reserving and committing a
 * message. The choice is random, but oneway calls are always reserved. */
static void send(shmrpci_call *call, unsigned number, uint32_t flags)
{
    uint8_t bytes[BYTES];
    bool is_short = (flags & SHMRPCI_HEAD_ONEWAY) == 0 && engine_random(2) == 0;
    call->head =
        (shmrpci_head){.method = number + 1, .timeout_ns = 1, .flags = flags};
    fill(bytes, number, 0);
    uint64_t prefix;
    memcpy(&prefix, bytes, sizeof prefix);
    if (is_short &&
        shm_client_post(&client.base, call, prefix, sizeof prefix,
                        bytes + sizeof prefix, BYTES - sizeof prefix)) {
        return;
    }
    ENGINE_CHECK(shm_client_reserve(&client.base, call, BYTES, BYTES,
                                    SHMRPCI_NEVER_NS, NULL) == SHMRPC_OK);
    memcpy(call->out.data, bytes, BYTES);
    call->out.len = BYTES;
    ENGINE_CHECK(shm_client_commit(call) == SHMRPC_OK);
}

static void make_call(unsigned number)
{
    shmrpci_call call = {0};
    /* Waits for a random time, so that a thread may find slots that others have
     * freed. */
    for (unsigned i = plan.clients > 1 ? engine_random(200) : 0; i > 0; i--) {
        engine_step();
    }
    send(&call, number, plan.is_watched ? SHMRPCI_HEAD_TOLD : 0u);
    int result = receive(&call);
    if (result == SHMRPC_OK) {
        fates[number].got++;
        ENGINE_CHECK(call.head.status == (int)number + 100);
        check_bytes(call.in, call.in_len, number, 5);
        shm_client_release(&call);
    } else if (result == SHMRPC_E_WORKER_DIED) {
        ENGINE_CHECK(plan.may_die);
        fates[number].has_died = true;
    } else {
        ENGINE_CHECK(result == SHMRPC_E_DEADLINE && plan.may_give_up);
        fates[number].is_withdrawn = shm_client_cancel(&call);
        ENGINE_CHECK(!fates[number].is_withdrawn || fates[number].runs == 0);
    }
}

static void stop(void)
{
    shmrpci_store_release(&listener.stopping, (uint32_t)SHM_ORDER_LEAVE);
    (shmrpci_event_set)(listener.stop_fd);
}

/* Starts a call without waiting for it. */
static void leave_call(unsigned number, uint32_t flags)
{
    shmrpci_call call = {0};
    send(&call, number, flags);
}

/* The kernel orders the end of a process before the notification of others. */
static void hang_up(void)
{
    leave_call(1, SHMRPCI_HEAD_ONEWAY);
    leave_call(2, 0);
    shmrpci_store_release(&has_hung_up, 1u);
    (shmrpci_event_set)(hang_up_fd);
}

static void run_client(unsigned index)
{
    for (unsigned i = 0; i < plan.calls; i++) {
        make_call(index * plan.calls + i);
    }
    if (plan.hangs_up) {
        hang_up();
    } else if (--busy == 0) {
        stop();
    }
}

/* ---- the control loop ---------------------------------------------------- */

static void close_connection(void)
{
    uint64_t tag;
    (void)shmrpci_poll_wait(control_set, &tag, 1, SHMRPCI_NEVER_NS);
    while (shmrpci_load_acquire(&has_hung_up) == 0) {
    }
    shm_control_close(conn);
    /* The control loop checks again after a millisecond. */
    while (shm_control_reap(&listener)) {
        (void)shmrpci_poll_wait(control_set, &tag, 1,
                                shmrpci_deadline_after(SHMRPCI_NS_PER_MS));
    }
    stop();
}

/* ---- workers ------------------------------------------------------------- */

static void serve(shmrpci_request *request)
{
    unsigned number = request->head.method - 1;
    ENGINE_CHECK(number < CALLS);
    ENGINE_CHECK(request->head.timeout_ns == 1);
    fate *it = &fates[number];
    it->runs++;
    ENGINE_CHECK(it->runs == 1 && !it->is_withdrawn && it->got == 0);
    check_bytes(request->in, request->in_len, number, 0);
    if ((request->head.flags & SHMRPCI_HEAD_ONEWAY) != 0) {
        shm_worker_drop(request);
        return;
    }
    uint8_t bytes[BYTES];
    fill(bytes, number, 5);
    request->head.status = (int)number + 100;
    if (engine_random(2) == 0) {
        shm_worker_answer(request, bytes, BYTES);
        return;
    }
    shm_worker_reply_reserve(request, BYTES);
    memcpy(request->out.data, bytes, BYTES);
    request->out.len = BYTES;
    shm_worker_reply_commit(request);
}

static void work(unsigned index)
{
    shmrpci_participant *base;
    ENGINE_CHECK(shm_worker_open(&listener.base, index, &base, NULL) ==
                 SHMRPC_OK);
    workers[index] = (shm_worker *)(void *)base;
    /* Chooses whether methods are assumed to be short. */
    for (uint32_t i = 0; engine_random(2) == 0 && i < CALLS; i++) {
        workers[index]->methods[(i + 1) % SHM_METHOD_WAYS].method = i + 2;
    }
    shmrpci_request request;
    while (shm_worker_next(base, &request) == SHMRPC_OK) {
        serve(&request);
    }
}

static void run_worker(unsigned index)
{
    jmp_buf death;
    volatile bool is_dead = false;
    if (setjmp(death) == 0) {
        if (plan.may_die && index == 0) {
            engine_die(&death, 20 + engine_random(120));
        }
        work(index);
        engine_die(&death, 0);
    } else {
        is_dead = true;
    }
    if (is_dead) {
        /* The kernel notifies the control loop of the death. */
        shm_recover(&listener.base, index);
    }
}

static void thread(unsigned index)
{
    if (index < plan.clients) {
        run_client(index);
    } else if (index < plan.clients + plan.workers) {
        run_worker(index - plan.clients);
    } else if (plan.hangs_up) {
        close_connection();
    }
}

/* ---- after a run --------------------------------------------------------- */

/* Called last, because the engine identifies words by their addresses. */
static void free_workers(void)
{
    for (unsigned i = 0; i < plan.workers; i++) {
        if (workers[i] != NULL) {
            (free)(workers[i]->views);
            (free)(workers[i]);
        }
    }
}

static void after(void)
{
    free_workers();
    if (plan.hangs_up) {
        ENGINE_CHECK(fates[0].got == 1);
        ENGINE_CHECK(fates[1].runs == 1 && fates[2].runs <= 1);
        return;
    }
    (free)(conn);
    for (unsigned i = 0; i < plan.clients * plan.calls; i++) {
        const fate *it = &fates[i];
        ENGINE_CHECK(it->runs <= 1 && it->got <= it->runs);
        ENGINE_CHECK(!it->is_withdrawn || it->runs == 0);
        ENGINE_CHECK(plan.may_give_up || it->got + it->has_died == 1);
    }
    for (uint64_t left = plan.slots; left != 0; left &= left - 1) {
        unsigned slot = (unsigned)__builtin_ctzll(left);
        ENGINE_CHECK(shmrpci_load_seq(&ledger.entries[slot].held) == 0);
    }
    ENGINE_CHECK(shmrpci_load_seq(conn->block.sleepers) == 0);
    ENGINE_CHECK(shmrpci_load_seq(&status.idle) == 0);
    ENGINE_CHECK(shmrpci_load_relaxed(&client.rescued_wakeups) == 0);
}

/* ---- cases -------------------------------------------------------------- */

static void before_simple(void)
{
    memset(&plan, 0, sizeof plan);
    plan.clients = 1;
    plan.workers = 2;
    plan.calls = 2;
    plan.slots = 1;
    before();
}

static void before_shared(void)
{
    memset(&plan, 0, sizeof plan);
    plan.clients = 2;
    plan.workers = 1;
    plan.calls = 2;
    plan.slots = 1;
    before();
}

static void before_hinted(void)
{
    memset(&plan, 0, sizeof plan);
    plan.clients = 2;
    plan.workers = 2;
    plan.calls = 1;
    plan.slots = UINT64_C(3) << SHM_HOT_SLOTS;
    before();
}

static void before_given_up(void)
{
    memset(&plan, 0, sizeof plan);
    plan.clients = 1;
    plan.workers = 2;
    plan.calls = 2;
    plan.slots = 1;
    plan.may_give_up = true;
    before();
}

static void before_death(void)
{
    memset(&plan, 0, sizeof plan);
    plan.clients = 1;
    plan.workers = 2;
    plan.calls = 2;
    plan.slots = 1;
    plan.may_die = true;
    before();
}

static void before_told(void)
{
    memset(&plan, 0, sizeof plan);
    plan.clients = 1;
    plan.workers = 1;
    plan.calls = 2;
    plan.slots = 1;
    plan.is_watched = true;
    before();
}

static void before_close(void)
{
    memset(&plan, 0, sizeof plan);
    plan.clients = 1;
    plan.workers = 2;
    plan.calls = 1;
    plan.slots = 7;
    plan.hangs_up = true;
    before();
}

const engine_case engine_cases[] = {
    {"call", 3, before_simple, thread, after},
    {"shared", 3, before_shared, thread, after},
    {"hinted", 4, before_hinted, thread, after},
    {"given-up", 3, before_given_up, thread, after},
    {"death", 3, before_death, thread, after},
    {"told", 3, before_told, thread, after},
    {"close", 4, before_close, thread, after},
    {0},
};
