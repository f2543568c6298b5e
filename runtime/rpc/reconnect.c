/* Replaces a lost connection: one thread connects, the others wait. */
#include "rpc/reconnect.h"

#include <stdlib.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/thread.h"
#include "os/waiting.h"
#include "rpc/async.h"
#include "rpc/limits.h"
#include "rpc/link.h"
#include "sync/hazard.h"

struct shmrpci_keeper {
    uint32_t generation; /* of the process that this belongs to */
    shmrpci_mutex lock;
    shmrpci_cond changed; /* signals changes of `busy` and of the client's
                           * link */
    bool busy;            /* a thread is connecting, without the lock */
    int64_t pause_ns;
    int64_t next_ns; /* earliest time of the next attempt */
    int status;      /* result of the last attempt; `error` has the detail */
    shmrpc_error error;
    shmrpci_link *replaced;
    shmrpci_keeper *inherited; /* the parent's */
};

static shmrpci_keeper *keeper_new(shmrpci_keeper *inherited)
{
    shmrpci_keeper *keeper = calloc(1, sizeof *keeper);
    if (keeper != NULL) {
        keeper->generation = shmrpci_fork_generation();
        shmrpci_mutex_init(&keeper->lock);
        shmrpci_cond_init(&keeper->changed);
        keeper->inherited = inherited;
    }
    return keeper;
}

/* The parent's lock is neither destroyed nor unlocked: a thread that does not
 * exist in this process may have held it. */
static void keeper_free(shmrpci_keeper *keeper)
{
    if (keeper->generation == shmrpci_fork_generation()) {
        shmrpci_cond_fini(&keeper->changed);
        shmrpci_mutex_fini(&keeper->lock);
    }
    free(keeper);
}

/* This process's keeper; NULL: out of memory. */
static shmrpci_keeper *keeper_of(shmrpc_client *client)
{
    shmrpci_keeper *keeper = shmrpci_load_acquire(&client->keeper);
    while (keeper == NULL || keeper->generation != shmrpci_fork_generation()) {
        shmrpci_keeper *own = keeper_new(keeper);
        if (own == NULL) {
            return NULL;
        }
        if (shmrpci_cas_seq(&client->keeper, &keeper, own)) {
            return own;
        }
        keeper_free(own); /* another thread was faster */
    }
    return keeper;
}

/* ---- pauses -------------------------------------------------------------- */

/* Returns a random time between half of the pause and the whole pause. The time
 * need not be secret, so the low bits of the tick counter, which differ from
 * client to client, are random enough. */
static int64_t shortened(int64_t pause_ns)
{
    SHMRPCI_ASSERT(pause_ns >= 0 && pause_ns <= SHMRPCI_RECONNECT_MAX_NS,
                   "pauses are bounded");
    uint64_t x = shmrpci_ticks() * UINT64_C(0x9E3779B97F4A7C15);
    x ^= x >> 32;
    return pause_ns / 2 + (int64_t)(x % (uint64_t)(pause_ns / 2 + 1));
}

static void note_failure(shmrpci_keeper *keeper, int status,
                         const shmrpc_error *error)
{
    int64_t pause_ns =
        keeper->pause_ns == 0 ? SHMRPCI_RECONNECT_MIN_NS : keeper->pause_ns * 2;
    keeper->pause_ns = pause_ns < SHMRPCI_RECONNECT_MAX_NS
                           ? pause_ns
                           : SHMRPCI_RECONNECT_MAX_NS;
    keeper->next_ns = shmrpci_deadline_after(shortened(keeper->pause_ns));
    SHMRPCI_ASSERT(keeper->pause_ns >= SHMRPCI_RECONNECT_MIN_NS,
                   "a failed attempt is followed by a pause");
    keeper->status = status;
    keeper->error = *error;
}

/* Sets the time of the next attempt also after a success, so that a server that
 * accepts connections and drops them is not tried more often than an absent
 * one. */
static void note_success(shmrpci_keeper *keeper)
{
    keeper->pause_ns = 0;
    keeper->next_ns = shmrpci_deadline_after(SHMRPCI_RECONNECT_MIN_NS);
    keeper->status = SHMRPC_E_UNAVAILABLE;
    (void)shmrpc_error_set(&keeper->error, SHMRPC_E_UNAVAILABLE,
                           "the server accepts connections and drops them");
}

/* ---- replacing ----------------------------------------------------------- */

/* Frees the replaced links that nobody holds. The caller has the lock. */
static void sweep(const shmrpc_client *client, shmrpci_keeper *keeper)
{
    if (keeper->replaced == NULL || !shmrpci_hazard_settle()) {
        return;
    }
    shmrpci_link **at = &keeper->replaced;
    SHMRPCI_ASSERT(keeper->generation == shmrpci_fork_generation(),
                   "a child leaves its parent's links alone");
    while (*at != NULL) {
        shmrpci_link *link = *at;
        /* Checked in this order, because a call moves the link from its hazard
         * pointer to a list. Acquire: pairs with forget in async_loop.c. */
        if (shmrpci_hazard_is_held(link) || shmrpci_async_holds(client, link) ||
            shmrpci_load_acquire(&link->watchers) != 0) {
            at = &link->next;
            continue;
        }
        SHMRPCI_ASSERT(link != shmrpci_load_relaxed(&client->link),
                       "a replaced link is not the client's link");
        *at = link->next;
        shmrpci_link_close(link);
    }
}

/* Makes `link` the client's link. The caller has the lock. */
static void replace(shmrpc_client *client, shmrpci_keeper *keeper,
                    shmrpci_link *link)
{
    SHMRPCI_ASSERT(link->serial == 0 && link->next == NULL &&
                       shmrpci_link_is_ours(link),
                   "a link becomes the client's once");
    link->serial = ++client->links;
    shmrpci_store_relaxed(&client->place, link->place);
    /* Sequentially consistent: publishes the link to threads that begin a call.
     */
    shmrpci_link *old = shmrpci_exchange_seq(&client->link, link);
    if (old != NULL) {
        SHMRPCI_ASSERT(old->next == NULL && old->serial < link->serial,
                       "a link is replaced once, by a newer one");
        old->next = keeper->replaced;
        keeper->replaced = old;
        (void)shmrpci_add_relaxed(&client->reconnects, UINT64_C(1));
    }
}

/* Whether the client has a link other than number `seen`. The link can't be
 * freed while the caller has the lock. */
static bool is_done(shmrpc_client *client, uint64_t seen)
{
    const shmrpci_link *link = shmrpci_load_acquire(&client->link);
    return link != NULL && link->serial != seen && shmrpci_link_is_ours(link);
}

/* Tries the first `places` of the list. Called with the lock, which it releases
 * meanwhile. */
static int try_places(shmrpc_client *client, shmrpci_keeper *keeper,
                      uint32_t places, int64_t deadline_ns, shmrpc_error *error)
{
    shmrpci_link *link = NULL;
    int64_t soon_ns = shmrpci_deadline_after(SHMRPCI_CONNECT_TIMEOUT_NS);
    shmrpci_link_opts opts = {
        .service = client->service,
        .where = client->where,
        .places = places,
        .deadline_ns = deadline_ns < soon_ns ? deadline_ns : soon_ns,
        .profile = client->profile,
        .max_message_bytes = client->max_message_bytes,
        .is_partial = client->is_partial,
    };
    SHMRPCI_ASSERT(!keeper->busy, "one thread connects");
    keeper->busy = true;
    shmrpci_mutex_unlock(&keeper->lock);
    int status = shmrpci_link_open(&opts, &link, error);
    shmrpci_mutex_lock(&keeper->lock);
    SHMRPCI_ASSERT(keeper->busy, "no other thread ends our attempt");
    keeper->busy = false;
    if (status == SHMRPC_OK) {
        note_success(keeper);
        replace(client, keeper, link);
    }
    shmrpci_cond_broadcast(&keeper->changed);
    return status;
}

/* Tries all places. A failure is followed by a pause. */
static void try_once(shmrpc_client *client, shmrpci_keeper *keeper,
                     int64_t deadline_ns)
{
    shmrpc_error error;
    int status = try_places(client, keeper, 0, deadline_ns, &error);
    if (status != SHMRPC_OK) {
        note_failure(keeper, status, &error);
    }
}

void shmrpci_reconnect_nearer(shmrpc_client *client, uint32_t places,
                              int64_t deadline_ns)
{
    shmrpc_error ignored;
    shmrpci_keeper *keeper = keeper_of(client);
    if (keeper == NULL) {
        return;
    }
    shmrpci_mutex_lock(&keeper->lock);
    if (!keeper->busy) {
        (void)try_places(client, keeper, places, deadline_ns, &ignored);
    }
    sweep(client, keeper);
    shmrpci_mutex_unlock(&keeper->lock);
}

/* ---- waiting ------------------------------------------------------------- */

typedef struct wanted {
    uint64_t seen;
    int64_t began_ns;
    int64_t deadline_ns;
    shmrpci_patience patience;
    bool has_tried;
} wanted;

/* Sets the error: why there is no link. The caller has the lock. */
static int report(const shmrpc_client *client, const shmrpci_keeper *keeper,
                  const wanted *w, shmrpc_error *error)
{
    bool is_first = shmrpci_load_relaxed(&client->link) == NULL;
    if (keeper->status == SHMRPC_OK) { /* another thread is making the first
                                        * attempt */
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                "%s%s: no server has answered yet",
                                is_first ? "" : "not sent: ", client->where);
    }
    if (is_first && w->patience == SHMRPCI_TRY_ONCE) {
        if (error != NULL) {
            *error = keeper->error;
        }
        return keeper->status;
    }
    if (!shmrpci_link_is_absent(keeper->status)) {
        return shmrpc_error_set(
            error, keeper->status, "%s%s",
            is_first ? "" : "not sent: ", keeper->error.message);
    }
    int64_t waited_ns =
        shmrpci_now_ns() - w->began_ns + SHMRPCI_NS_PER_MS / 2; /* rounded */
    return shmrpc_error_set(
        error, SHMRPC_E_UNAVAILABLE, "%sno server for %lld ms: %s",
        is_first ? "" : "not sent, ",
        (long long)(waited_ns / SHMRPCI_NS_PER_MS), keeper->error.message);
}

/* Waits for another thread's attempt, or makes one. The caller has the lock.
 * Returns false if the caller must give up. */
static bool get_on(shmrpc_client *client, shmrpci_keeper *keeper, wanted *w)
{
    int64_t now_ns = shmrpci_now_ns();
    if ((now_ns >= w->deadline_ns && w->has_tried) ||
        shmrpci_waiting_is_interrupted()) {
        return false;
    }
    if (keeper->busy) {
        w->has_tried = true;
        (void)shmrpci_cond_wait_until(&keeper->changed, &keeper->lock,
                                      w->deadline_ns);
        return true;
    }
    bool is_pause = keeper->next_ns > now_ns;
    if (w->has_tried || is_pause) {
        if (w->patience == SHMRPCI_TRY_ONCE ||
            !shmrpci_link_is_absent(keeper->status)) {
            return false;
        }
    }
    w->has_tried = true;
    if (is_pause) {
        (void)shmrpci_cond_wait_until(&keeper->changed, &keeper->lock,
                                      keeper->next_ns < w->deadline_ns
                                          ? keeper->next_ns
                                          : w->deadline_ns);
    } else {
        try_once(client, keeper, w->deadline_ns);
    }
    return true;
}

int shmrpci_reconnect(shmrpc_client *client, uint64_t seen, int64_t deadline_ns,
                      shmrpci_patience patience, shmrpc_error *error)
{
    wanted w = {.seen = seen,
                .began_ns = shmrpci_now_ns(),
                .deadline_ns = deadline_ns,
                .patience = patience};
    shmrpci_keeper *keeper = keeper_of(client);
    if (keeper == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    int status = SHMRPC_OK;
    shmrpci_mutex_lock(&keeper->lock);
    while (status == SHMRPC_OK && !is_done(client, w.seen)) {
        if (!get_on(client, keeper, &w)) {
            status = report(client, keeper, &w, error);
        }
    }
    sweep(client, keeper);
    shmrpci_mutex_unlock(&keeper->lock);
    return status;
}

void shmrpci_reconnect_sweep(shmrpc_client *client)
{
    shmrpci_keeper *keeper = keeper_of(client);
    if (keeper != NULL) {
        shmrpci_mutex_lock(&keeper->lock);
        sweep(client, keeper);
        shmrpci_mutex_unlock(&keeper->lock);
    }
}

static void close_all(shmrpci_link *link)
{
    while (link != NULL) {
        shmrpci_link *next = link->next;
        shmrpci_link_close(link);
        link = next;
    }
}

void shmrpci_reconnect_close(shmrpc_client *client)
{
    close_all(shmrpci_load_acquire(&client->link));
    shmrpci_keeper *keeper = shmrpci_load_acquire(&client->keeper);
    while (keeper != NULL) {
        shmrpci_keeper *inherited = keeper->inherited;
        close_all(keeper->replaced);
        keeper_free(keeper);
        keeper = inherited;
    }
}
