/*
 * The returner: a thread that waits for all calls that take longer than a
 * moment. It sleeps until one of them is over, was cancelled or is overdue, or
 * a link is lost.
 */
#include <stdlib.h>

#include "os/clock.h"
#include "os/poll.h"
#include "tools/relay/state.h"

#define TAG_BELL UINT64_MAX

/* State used only by this thread. */
typedef struct returner {
    relay *relay;
    errand *errands; /* errands in progress */
    shmrpci_call *calls[RELAY_ERRANDS_MAX];
} returner;

/* ---- links ----------------------------------------------------------- */

/* Finds out whether a link without calls is lost. Only reserving a call shows
 * that; the reservation is given back at once. */
static void probe(relay *r, link *l)
{
    shmrpci_call call = {.conn = NULL};
    int status = r->back->client->reserve(l->conn, &call, 0, 0, 0, NULL);
    if (status == SHMRPC_OK) {
        r->back->client->abort(&call);
    } else if (status == SHMRPC_E_SERVER_LOST) {
        link_lose(r, l);
    }
}

/* No other thread frees links while this one runs, so it may use a link without
 * the lock. */
static void free_link(relay *r, uint32_t i)
{
    link *l = r->links[i];
    shmrpci_mutex_lock(&r->lock);
    bool is_done = l->is_lost && l->users == 0;
    r->links[i] = is_done ? NULL : l;
    shmrpci_mutex_unlock(&r->lock);
    if (is_done) {
        r->back->client->disconnect(l->conn);
        free(l);
    }
}

static link *link_at(relay *r, uint32_t i)
{
    shmrpci_mutex_lock(&r->lock);
    link *l = r->links[i];
    shmrpci_mutex_unlock(&r->lock);
    return l;
}

/* Begins to watch new links, and frees lost links that nobody uses. */
static void look_at_links(relay *r)
{
    for (uint32_t i = 0; i < r->opts.links; i++) {
        link *l = link_at(r, i);
        if (l == NULL) {
            continue;
        }
        l->calls = 0;
        if (!l->is_watched) {
            l->is_watched =
                r->back->client->watch(l->conn, r->set, i) == SHMRPC_OK;
            if (!l->is_watched) {
                link_lose(r, l); /* nobody would notice the ends of its calls */
            }
        }
        free_link(r, i);
    }
}

/* Arms every link with calls, so that the end of one wakes us. Returns when to
 * check again at the latest; 0: at once, because something has arrived
 * meanwhile. */
static int64_t arm(returner *me)
{
    relay *r = me->relay;
    int64_t wake_ns = SHMRPCI_NEVER_NS;
    for (uint32_t i = 0; i < r->opts.links && wake_ns > 0; i++) {
        link *l = link_at(r, i);
        size_t count = 0;
        if (l == NULL || l->calls == 0) {
            continue;
        }
        for (errand *e = me->errands; e != NULL; e = e->next) {
            if (e->link == l) {
                me->calls[count++] = &e->call;
            }
        }
        int64_t at_ns = r->back->client->arm(l->conn, me->calls, count);
        wake_ns = at_ns < wake_ns ? at_ns : wake_ns;
    }
    return wake_ns;
}

/* ---- calls ----------------------------------------------------------- */

/* Takes the whole list at once, so that carriers hardly wait for the lock. */
static void take_fresh(returner *me)
{
    relay *r = me->relay;
    shmrpci_mutex_lock(&r->lock);
    errand *e = r->fresh;
    r->fresh = NULL;
    shmrpci_mutex_unlock(&r->lock);
    while (e != NULL) {
        errand *next = e->next;
        e->next = me->errands;
        me->errands = e;
        e = next;
    }
}

/* Whether the streams of an errand can't go on, as reported by its streamer. */
static bool is_broken(relay *r, const errand *e)
{
    if (e->streams == NULL) {
        return false;
    }
    shmrpci_mutex_lock(&r->lock);
    bool broken = e->broken != SHMRPC_OK;
    shmrpci_mutex_unlock(&r->lock);
    return broken;
}

/* Checks one call without waiting. Returns true if it was answered or handed to
 * its streamer; then `e` must not be used any more. A call also ends here if
 * its deadline has passed, its client has cancelled it, or the relay gives up
 * (`stopping` is above 1: the time for calls in progress is over). */
static bool look_at(relay *r, errand_train *train, errand *e, int64_t now_ns)
{
    int status = r->back->client->receive(&e->call, 0);
    if (status != SHMRPC_E_DEADLINE) {
        if (e->streams != NULL) {
            streams_over(r, e, status);
        } else {
            errand_finish(r, train, e, status);
        }
        return true;
    }
    if (now_ns >= e->give_up_ns ||
        r->front->worker->is_cancelled(&e->request) || is_broken(r, e) ||
        shmrpci_load_relaxed(&r->stopping) > 1) {
        if (e->streams != NULL) {
            streams_withdraw(r, e);
        } else {
            errand_withdraw(r, e);
        }
        return true;
    }
    return false;
}

/* Checks all calls. Returns when the next one will be overdue. */
static int64_t look_at_calls(returner *me)
{
    int64_t now_ns = shmrpci_now_ns();
    int64_t wake_ns = SHMRPCI_NEVER_NS;
    errand_train train = {.count = 0};
    errand **at = &me->errands;
    while (*at != NULL) {
        errand *e = *at;
        errand *next = e->next;
        if (look_at(me->relay, &train, e, now_ns)) {
            *at = next;
            continue;
        }
        e->link->calls++;
        wake_ns = e->give_up_ns < wake_ns ? e->give_up_ns : wake_ns;
        at = &e->next;
    }
    errand_finish_all(me->relay, &train);
    return wake_ns;
}

/* ---- running --------------------------------------------------------- */

/* Sleeps, and then probes each link that woke us, because a link wakes us not
 * only when a call has an answer, but also when it is lost. */
static void sleep_until(relay *r, int64_t wake_ns)
{
    uint64_t tags[RELAY_LINKS_MAX * 2 + 1];
    size_t count =
        shmrpci_poll_wait(r->set, tags, sizeof tags / sizeof *tags, wake_ns);
    for (size_t i = 0; i < count; i++) {
        if (tags[i] == TAG_BELL) {
            shmrpci_event_clear(r->bell_fd);
            continue;
        }
        link *l = link_at(r, (uint32_t)tags[i]);
        if (l != NULL) {
            r->back->client->acknowledge(l->conn);
            probe(r, l);
        }
    }
}

static bool is_over(relay *r)
{
    shmrpci_mutex_lock(&r->lock);
    bool over = r->is_over && r->carried_count == 0;
    shmrpci_mutex_unlock(&r->lock);
    return over;
}

void returner_run(void *user)
{
    relay *r = user;
    returner me = {.relay = r};
    if (shmrpci_poll_add(r->set, r->bell_fd, SHMRPCI_POLL_LEVEL, TAG_BELL) !=
        SHMRPC_OK) {
        return;
    }
    /* The order matters: links are watched before calls are checked, and armed
     * afterwards, so that no end is missed in between. */
    for (;;) {
        take_fresh(&me);
        look_at_links(r);
        int64_t wake_ns = look_at_calls(&me);
        if (me.errands == NULL && is_over(r)) {
            break;
        }
        int64_t arm_ns = arm(&me);
        sleep_until(r, arm_ns < wake_ns ? arm_ns : wake_ns);
    }
}
