/*
 * A worker's loop: searches while that is worthwhile, then sleeps on the
 * doorbell. Rule numbers are those of the protocol in README.md.
 */
#include "transport/shm/worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "observe/count.h"
#include "os/memory.h"
#include "os/poll.h"
#include "transport/shm/pace.h"
#include "transport/shm/worker_mirror.h"

/* Increments the counter `what`, if statistics are kept. */
#define COUNT_WAIT(worker, what)                             \
    ((worker)->base.waits != NULL                            \
         ? shmrpci_count_add(&(worker)->base.waits->what, 1) \
         : (void)0)

/* Rounds of searching between two reads of the clock. */
#define ROUNDS 4

static shmrpci_atomic_u64 *seen_of(const shm_worker *worker)
{
    return &worker->listener->places[worker->index].seen;
}

/* ---- the table ------------------------------------------------------- */

/* Copies the table. If there is no memory for a copy, the worker uses no
 * connection, because those of the old copy may be gone; it tries again the
 * next time. Under table_lock. */
static void copy_table(shm_worker *worker)
{
    const shm_listener *listener = worker->listener;
    size_t count = listener->table_count;
    SHMRPCI_ASSERT(count <= listener->table_cap, "the table has room");
    if (count > worker->view_cap) {
        size_t cap = listener->table_cap;
        shm_view *views = realloc(worker->views, cap * sizeof *views);
        if (views == NULL) {
            worker->view_count = 0;
            worker->is_single = false;
            worker->signal = SHM_OFFLINE;
            return;
        }
        worker->views = views;
        worker->view_cap = cap;
    }
    for (size_t i = 0; i < count; i++) {
        worker->views[i] =
            (shm_view){.conn = listener->table[i], .active = worker->now};
    }
    worker->view_count = count;
    worker->is_single =
        count == 1 && !shm_conn_has_threads(worker->views->conn);
    worker->turn.together = UINT64_MAX; /* until the next claim sets it */
    worker->version = shmrpci_load_seq(&listener->table_version);
    /* Store this under the lock. A worker is OFFLINE until its first copy, so
     * without the lock a connection in that copy could be freed before the
     * worker has published the version it has seen. */
    shmrpci_store_seq(seen_of(worker), worker->version);
}

/* Takes over changes of the table. In a mirror it reads the link first. */
static void refresh(shm_worker *worker)
{
    shm_listener *listener = worker->listener;
    uint64_t signal = shmrpci_load_seq(listener->signal);
    if (signal == worker->signal) {
        return;
    }
    shmrpci_mutex_lock(&listener->table_lock);
    worker->signal = signal;
    if (listener->mirror != NULL) {
        shm_mirror_read(listener);
    }
    if (shmrpci_load_seq(&listener->table_version) != worker->version) {
        copy_table(worker);
    }
    if (listener->mirror != NULL) {
        shm_mirror_reap(listener);
    }
    if (listener->farewells != NULL) {
        worker->has_news = true;
        worker->is_cold = true; /* makes the loop check has_news */
    }
    shmrpci_mutex_unlock(&listener->table_lock);
}

void shm_worker_go_online(shm_worker *worker)
{
    if (worker->is_offline) {
        worker->is_offline = false;
        shmrpci_store_seq(seen_of(worker), worker->version);
    }
}

void shm_worker_go_offline(shm_worker *worker)
{
    worker->is_offline = true;
    shmrpci_store_seq(seen_of(worker), SHM_OFFLINE);
}

/* ---- lease ----------------------------------------------------------- */

static void give_up_lease(shm_worker *worker)
{
    if (worker->lease != 0) {
        worker->lease = 0;
        /* The lease in the status page may be another worker's by now. Ending
         * that lease costs only a needless ring. */
        shmrpci_store_seq(&worker->listener->status->lease, UINT64_C(0));
    }
}

static void count_spin(const shm_worker *worker, uint64_t ticks, bool is_hit)
{
    shmrpci_stats_waits *waits = worker->base.waits;
    if (waits != NULL) {
        shmrpci_count_add(&waits->spins, 1);
        shmrpci_count_add(&waits->hits, is_hit);
        shmrpci_count_add(&waits->spin_ticks, ticks);
    }
}

static void renew_lease(shm_worker *worker)
{
    if ((int64_t)(worker->lease - worker->now) >
        (int64_t)(worker->lease_ticks / 2)) {
        return;
    }
    SHMRPCI_ASSERT(!worker->is_offline, "a worker with the lease is online");
    worker->lease = worker->now + worker->lease_ticks;
    shmrpci_store_seq(&worker->listener->status->lease, worker->lease);
}

/* Whether another worker is already searching; one is enough. */
static bool is_covered(const shm_worker *worker)
{
    uint64_t lease = shmrpci_load_seq(&worker->listener->status->lease);
    return lease != worker->lease && (int64_t)(lease - worker->now) > 0;
}

void shm_worker_share(shm_worker *worker)
{
    shm_listener *listener = worker->listener;
    give_up_lease(worker);
    worker->is_cold = false;
    if (shmrpci_load_seq(&listener->status->idle) != 0 &&
        shm_worker_sees_work(worker)) {
        shmrpci_event_set(listener->bell_fd);
    }
}

/* ---- search and sleep ------------------------------------------------ */

static bool is_stopping(const shm_worker *worker)
{
    return shmrpci_load_acquire(worker->order) != SHM_ORDER_WORK;
}

/* Yields instead of spinning, if the client that was last answered may need
 * this CPU. Returns true if it claimed a request. */
static bool yield(shm_worker *worker)
{
    shmrpci_yielder *yielder = &worker->yielder;
    if (!shmrpci_yielder_may(yielder, &worker->spinner, worker->peer_cpu,
                             worker->now)) {
        return false;
    }
    bool is_quick = true;
    bool is_found = false;
    for (int i = 0; i < SHMRPCI_YIELDS && is_quick && !is_found; i++) {
        renew_lease(worker);
        is_quick = shmrpci_yielder_yield(yielder);
        worker->now = shmrpci_ticks();
        refresh(worker);
        is_found = shm_worker_scan(worker, false);
    }
    shmrpci_yielder_note(yielder, is_found);
    count_spin(worker, 0, is_found); /* the time went to other threads */
    return is_found;
}

/* Spins over the connections as long as that is worthwhile. Returns true if it
 * claimed a request. */
static bool search(shm_worker *worker)
{
    /* A worker that has just ended a call has just read the clock. */
    uint64_t start = worker->is_now ? worker->now : shmrpci_ticks();
    worker->is_now = false;
    worker->now = start;
    worker->idle_since = start;
    shmrpci_spinner_refresh(&worker->spinner, start);
    uint64_t budget =
        shmrpci_spinner_budget(&worker->spinner, worker->peer_cpu);
    if (is_covered(worker)) {
        return shm_worker_scan(worker, true);
    }
    if (budget == 0) {
        return shm_worker_scan(worker, true) || yield(worker);
    }
    uint32_t rounds = 0;
    uint64_t step = start + worker->step_ticks;
    do {
        renew_lease(worker);
        if (shm_worker_scan(worker, false)) {
            shmrpci_spinner_hit(&worker->spinner, worker->now - start);
            count_spin(worker, worker->now - start, true);
            return true;
        }
        shmrpci_pause();
        if (++rounds % ROUNDS == 0) {
            worker->now = shmrpci_ticks();
            refresh(worker);
            if ((int64_t)(worker->now - step) >= 0) {
                if (shmrpci_spinner_step_aside(&worker->spinner,
                                               worker->now - step)) {
                    break;
                }
                step = worker->now + worker->step_ticks;
            }
        }
    } while (worker->now - start < budget && !is_stopping(worker));
    count_spin(worker, worker->now - start, false);
    return false;
}

/* Sleeps; the tag of what woke us says where to check first. */
static void sleep_for_tag(shm_worker *worker)
{
    uint64_t tags[4];
    size_t count =
        shmrpci_poll_wait(worker->poll_set, tags, 4, SHMRPCI_NEVER_NS);
    for (size_t i = 0; i < count; i++) {
        if (tags[i] == SHM_TAG_BELL) {
            worker->is_woken = true;
            COUNT_WAIT(worker, wakes);
        } else if (tags[i] == SHM_TAG_WORKER_LINK) {
            worker->signal = SHM_OFFLINE;
        }
    }
}

/* Sleeps until a bell rings. Returns true if it claimed a request before
 * sleeping. */
static bool sleep_by_bell(shm_worker *worker)
{
    shm_listener *listener = worker->listener;
    uint64_t me = UINT64_C(1) << worker->index;
    give_up_lease(worker);
    /* Sequentially consistent: clients publish a request and then read
     * `idle`. */
    (void)shmrpci_or_seq(&listener->status->idle, me);
    refresh(worker);
    bool found = shm_worker_scan(worker, true);
    /* An order is written before the nudge that announces it. So if `refresh`
     * has read the nudge from the link, is_stopping sees the order. Without
     * this check nothing would wake us, because the nudge is gone. */
    if (!found && !is_stopping(worker) && !worker->has_news) {
        SHMRPCI_ASSERT(worker->lease == 0,
                       "a worker with the lease doesn't sleep");
        COUNT_WAIT(worker, sleeps);
        shm_worker_go_offline(worker);
        sleep_for_tag(worker);
        shm_worker_go_online(worker);
        worker->has_slept = true;
    }
    (void)shmrpci_and_seq(&listener->status->idle, ~me);
    worker->is_cold = true;
    return found;
}

/* Reports connections that have ended. The worker is offline meanwhile, as in a
 * long handler. */
static void tell_news(shm_worker *worker)
{
    shm_listener *listener = worker->listener;
    shmrpci_farewell *f;
    worker->has_news = false;
    give_up_lease(worker);
    shm_worker_go_offline(worker);
    do {
        shmrpci_mutex_lock(&listener->table_lock);
        f = shmrpci_farewell_pop(&listener->farewells);
        if (f != NULL && (f->connection & SHMRPCI_PEER_CONNECTION) != 0) {
            listener->left_waiting--;
        }
        shmrpci_mutex_unlock(&listener->table_lock);
        if (f != NULL && worker->base.on_end != NULL) {
            worker->base.on_end(worker->base.end_user, f->connection);
        }
        free(f);
    } while (f != NULL);
    shm_worker_go_online(worker);
    worker->is_now = false;
    refresh(worker);
}

/* Rule 2: after a wake-up, check everything before doing anything else. */
static bool find_work(shm_worker *worker)
{
    if (worker->now - worker->looked > worker->look_ticks) {
        worker->looked = worker->now;
        worker->signal = SHM_OFFLINE;
    }
    refresh(worker);
    if (worker->is_cold) {
        if (worker->has_news) {
            tell_news(worker);
        }
        worker->now = shmrpci_ticks();
        if (shm_worker_scan(worker, true)) {
            worker->is_woken = false;
            return true;
        }
        if (worker->is_woken) {
            worker->is_woken = false;
            COUNT_WAIT(worker, futile);
            (void)shmrpci_add_seq(&worker->listener->status->futile,
                                  UINT64_C(1));
        }
    }
    return search(worker) || sleep_by_bell(worker);
}

/* Waits until several calls of the only client may have arrived. Returns false
 * if few are in flight. */
static bool let_come(shm_worker *worker)
{
    const shm_view *view = worker->views;
    SHMRPCI_ASSERT(worker->view_count == 1, "there is one client");
    uint32_t some = shm_pace_of(view->depth);
    if (some == 0) {
        return false;
    }
    uint32_t slot = (view->next + some) % view->depth;
    worker->now = shm_pace_wait(&view->conn->block.slots[slot].word, true, some,
                                worker->now);
    return true;
}

/* A worker that has just answered its only client finds the next request where
 * it is likely to be, as long as nothing else is due. Calls in flight follow
 * one another, so a search of all slots would find nothing more. */
static bool find_next(shm_worker *worker)
{
    if (!worker->is_now || !worker->is_single || worker->is_cold ||
        (int64_t)(worker->lease - worker->now) <=
            (int64_t)(worker->lease_ticks / 2) ||
        shmrpci_load_seq(worker->listener->signal) != worker->signal) {
        return false;
    }
    return shm_worker_claim_next(worker) ||
           (let_come(worker) && shm_worker_claim_next(worker));
}

int shm_worker_next(shmrpci_participant *base, shmrpci_request *request)
{
    shm_worker *worker = (shm_worker *)(void *)base;
    shm_worker_go_online(worker);
    while (!is_stopping(worker)) {
        if ((find_next(worker) || find_work(worker)) &&
            shm_worker_begin(worker, request)) {
            return SHMRPC_OK;
        }
    }
    give_up_lease(worker);
    shm_worker_go_offline(worker);
    return SHMRPC_E_CANCELLED;
}

/* ---- opening and closing --------------------------------------------- */

/* Under table_lock. */
static shmrpc_status fill_poll_set(const shm_worker *worker)
{
    const shm_listener *listener = worker->listener;
    int set = worker->poll_set;
    shmrpc_status status = shmrpci_poll_add(set, listener->stop_fd,
                                            SHMRPCI_POLL_LEVEL, SHM_TAG_STOP);
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(set, listener->bell_fd, SHMRPCI_POLL_BELL,
                                  SHM_TAG_BELL);
    }
    if (status == SHMRPC_OK && listener->mirror != NULL) {
        status = shmrpci_poll_add(set, listener->mirror->link_fd,
                                  SHMRPCI_POLL_LEVEL, SHM_TAG_WORKER_LINK);
    }
    for (size_t i = 0; i < listener->table_count && status == SHMRPC_OK; i++) {
        status = shmrpci_poll_add(set, listener->table[i]->bell_fd,
                                  SHMRPCI_POLL_BELL, SHM_TAG_BELL);
    }
    return status;
}

static shmrpc_status make_poll_set(shm_worker *worker)
{
    shm_listener *listener = worker->listener;
    shmrpc_status status = shmrpci_poll_create(&worker->poll_set);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_mutex_lock(&listener->table_lock);
    status = fill_poll_set(worker);
    if (status == SHMRPC_OK) {
        listener->places[worker->index].poll_set = worker->poll_set;
    }
    shmrpci_mutex_unlock(&listener->table_lock);
    return status;
}

uint8_t *shm_worker_make_room(void)
{
    return aligned_alloc(64, (SHM_PAYLOAD_BYTES + 63) / 64 * 64);
}

static shm_worker *create(shm_listener *listener, uint32_t index)
{
    shm_worker *worker = aligned_alloc(128, (sizeof *worker + 127) / 128 * 128);
    uint8_t *room = worker != NULL ? shm_worker_make_room() : NULL;
    if (room == NULL) {
        free(worker);
        return NULL;
    }
    memset(worker, 0, sizeof *worker);
    worker->in = room;
    worker->base.transport = &shmrpci_transport_shm;
    worker->listener = listener;
    worker->index = index;
    worker->poll_set = -1;
    worker->version = SHM_OFFLINE; /* not the version of any table, so the first
                                    * check copies the table */
    worker->signal = SHM_OFFLINE;
    worker->shared = &listener->shared->workers[index];
    worker->order = &listener->stopping;
    worker->look_ticks = UINT64_MAX; /* in a mirror set below */
    if (listener->mirror != NULL) {
        worker->order = &worker->shared->order;
        worker->look_ticks = shmrpci_ticks_of_ns(SHM_LOOK_NS);
    }
    worker->is_cold = true;
    worker->lease_ticks = shmrpci_ticks_of_ns(SHM_LEASE_NS);
    worker->short_ticks = shmrpci_ticks_of_ns(SHM_SHORT_NS);
    worker->recent_ticks = shmrpci_ticks_of_ns(SHM_RECENT_NS);
    worker->step_ticks = shmrpci_spinner_step_ticks();
    worker->turn.again_ticks = shmrpci_ticks_of_ns(SHM_AGAIN_NS);
    worker->turn.passed_ticks = shmrpci_ticks_of_ns(SHM_PASSED_NS);
    worker->peer_cpu = SHMRPCI_CPU_UNKNOWN;
    shmrpci_spinner_init(&worker->spinner, listener->opts.profile,
                         SHMRPCI_SIDE_WORKER);
    shmrpci_spinner_init(&worker->stream_spinner, listener->opts.profile,
                         SHMRPCI_SIDE_WORKER);
    shmrpci_yielder_init(&worker->yielder, listener->opts.profile);
    return worker;
}

int shm_worker_open(shmrpci_listener *base, uint32_t index,
                    shmrpci_participant **out, shmrpc_error *error)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    if (index >= SHM_MAX_WORKERS || index >= listener->opts.max_workers ||
        (listener->mirror != NULL && index < listener->mirror->first)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "worker %u is beyond the limit", index);
    }
    if (shmrpci_exchange_seq(&listener->places[index].taken, 1u) != 0) {
        return shmrpc_error_set(error, SHMRPC_E_EXISTS,
                                "worker %u already exists", index);
    }
    shm_worker *worker = create(listener, index);
    shmrpc_status status =
        worker == NULL ? SHMRPC_E_NO_MEMORY : make_poll_set(worker);
    if (status != SHMRPC_OK) {
        if (worker != NULL) {
            shmrpci_fd_close(&worker->poll_set);
            free(worker->in);
        }
        free(worker);
        shmrpci_store_release(&listener->places[index].taken, 0u);
        return shmrpc_error_set(error, status, "can't start worker %u: %s",
                                index, shmrpc_status_text(status));
    }
    shm_worker_go_offline(worker);
    (void)shmrpci_or_seq(&listener->shared->present, UINT64_C(1) << index);
    shmrpci_store_release(&worker->shared->arrived, 1u);
    *out = &worker->base;
    return SHMRPC_OK;
}

void shm_worker_close(shmrpci_participant *base)
{
    shm_worker *worker = (shm_worker *)(void *)base;
    shm_listener *listener = worker->listener;
    shmrpci_mutex_lock(&listener->table_lock);
    if (listener->places[worker->index].poll_set == worker->poll_set) {
        listener->places[worker->index].poll_set = -1;
    }
    shmrpci_mutex_unlock(&listener->table_lock);
    shm_recover(&listener->base, worker->index);
    shmrpci_fd_close(&worker->poll_set);
    free(worker->views);
    free(worker->in);
    free(worker);
}
