/* Links, which are connections to the service: how many there are, when they
 * are made, and which of them a call takes. */
#include <stdio.h>
#include <stdlib.h>

#include "os/clock.h"
#include "os/poll.h"
#include "rpc/envelope.h"
#include "tools/relay/state.h"

/* Another link is made when even the least used link has this many calls. */
#define BUSY_CALLS (LINK_CALLS * 3 / 4)

#define CONNECT_NS (5 * SHMRPCI_NS_PER_S)
/* Pauses between attempts to connect: the first one, and the longest. Each is
 * twice as long as the one before. */
#define FIRST_PAUSE_NS (10 * SHMRPCI_NS_PER_MS)
#define LAST_PAUSE_NS  SHMRPCI_NS_PER_S

/* ---- using links --------------------------------------------------------- */

/* Called with the lock held. Returns the link with the fewest calls; NULL:
 * there is none. */
static link *least_used(const relay *r, uint32_t *live)
{
    link *best = NULL;
    *live = 0;
    for (uint32_t i = 0; i < r->opts.links; i++) {
        link *l = r->links[i];
        if (l != NULL && !l->is_lost) {
            (*live)++;
            best = best == NULL || l->users < best->users ? l : best;
        }
    }
    return best;
}

/* Called with the lock held. Returns the least used link for a request of
 * `epoch`; NULL: there is none. If that link is busy, it asks the linker for
 * another one. */
static link *find(relay *r, uint32_t epoch)
{
    uint32_t live;
    link *l = epoch == r->epoch ? least_used(r, &live) : NULL;
    if (l != NULL && l->users >= BUSY_CALLS && live < r->opts.links &&
        !r->more_is_wanted) {
        r->more_is_wanted = true;
        shmrpci_cond_signal(&r->wanted);
    }
    return l;
}

/* `wish` keeps the requests of one batch on one link, so that a single wake-up
 * serves them all. */
link *link_choose(relay *r, uint32_t epoch, link *wish)
{
    link *l = find(r, epoch);
    if (l != NULL && wish != NULL && !wish->is_lost &&
        wish->users < LINK_CALLS) {
        l = wish;
    }
    return l != NULL && l->users < LINK_CALLS ? l : NULL;
}

/* Chooses again after each wait, because the links may have changed
 * meanwhile. */
int link_use(relay *r, uint32_t epoch, int64_t deadline_ns, link **out)
{
    int status = SHMRPC_OK;
    shmrpci_mutex_lock(&r->lock);
    for (bool in_time = true;;) {
        link *l = find(r, epoch);
        if (l == NULL) {
            status = SHMRPC_E_UNAVAILABLE;
            break;
        }
        if (l->users < LINK_CALLS) {
            l->users++;
            *out = l;
            break;
        }
        if (!in_time) {
            status = SHMRPC_E_DEADLINE;
            break;
        }
        in_time = shmrpci_cond_wait_until(&r->changed, &r->lock, deadline_ns);
    }
    shmrpci_mutex_unlock(&r->lock);
    return status;
}

void link_unuse(relay *r, link *l)
{
    shmrpci_mutex_lock(&r->lock);
    l->users--;
    shmrpci_cond_broadcast(&r->changed);
    shmrpci_mutex_unlock(&r->lock);
}

/* Several threads may notice that a link is lost; the first one handles it. */
void link_lose(relay *r, link *l)
{
    shmrpci_mutex_lock(&r->lock);
    if (!l->is_lost) {
        l->is_lost = true;
        shmrpci_cond_signal(&r->wanted);
    }
    shmrpci_mutex_unlock(&r->lock);
    shmrpci_event_set(r->bell_fd); /* the returner frees it */
}

/* Called with the lock held. Returns a link over which the service can be told
 * that a peer has left, and counts the link as used. NULL: there is no link, or
 * the service does not want to know. */
static link *use_any(relay *r)
{
    uint32_t live;
    link *l = least_used(r, &live);
    if (l == NULL || !l->hears_left) {
        return NULL;
    }
    l->users++;
    return l;
}

/* It is enough to use one link, because the service tells all its processes. If
 * there is no link, the service has ended, so no process is left that could
 * know the peer. */
void links_say_left(relay *r, uint64_t peer)
{
    int status = SHMRPC_E_SERVER_LOST;
    while (status == SHMRPC_E_SERVER_LOST) {
        shmrpci_mutex_lock(&r->lock);
        link *l = use_any(r);
        shmrpci_mutex_unlock(&r->lock);
        if (l == NULL) {
            return;
        }
        status = r->back->peers->say_left(l->conn, peer);
        if (status == SHMRPC_E_SERVER_LOST) {
            link_lose(r, l);
        }
        link_unuse(r, l);
    }
}

bool relay_is_up(relay *r)
{
    uint32_t live;
    shmrpci_mutex_lock(&r->lock);
    bool up = least_used(r, &live) != NULL;
    shmrpci_mutex_unlock(&r->lock);
    return up;
}

/* ---- making links -------------------------------------------------------- */

/* Reports a line for people. `why` may be NULL. */
static void say(const relay *r, const char *what, const shmrpc_error *why)
{
    char text[SHMRPC_ERROR_TEXT_BYTES] = "";
    char line[SHMRPC_ERROR_TEXT_BYTES + 64];
    if (why != NULL) {
        (void)shmrpc_error_text(why, text, sizeof text);
    }
    (void)snprintf(line, sizeof line, "%s%s%s", what, why != NULL ? ": " : "",
                   text);
    if (r->opts.say != NULL) {
        r->opts.say(r->opts.listen.user, line);
    }
}

/* Called when the service at this address has another contract than before.
 * Clients are asked to reconnect, and requests that they sent before are
 * refused, since their method numbers may now mean other methods. */
static void begin_epoch(relay *r)
{
    uint32_t epoch = r->front->relay->renew(r->listener);
    shmrpci_mutex_lock(&r->lock);
    r->epoch = epoch;
    for (uint32_t i = 0; i < r->opts.links; i++) {
        if (r->links[i] != NULL) {
            r->links[i]->is_lost = true;
        }
    }
    shmrpci_mutex_unlock(&r->lock);
}

/* Also wakes the returner, which must watch the new link before any thread
 * waits for a call on it. */
static bool add(relay *r, link *l)
{
    bool added = false;
    shmrpci_mutex_lock(&r->lock);
    for (uint32_t i = 0; i < r->opts.links && !added; i++) {
        if (r->links[i] == NULL) {
            r->links[i] = l;
            added = true;
        }
    }
    shmrpci_cond_broadcast(&r->changed);
    shmrpci_mutex_unlock(&r->lock);
    shmrpci_event_set(r->bell_fd);
    return added;
}

/* Connects and checks the service's answer. `*is_refused`: the service runs,
 * but on_welcome does not allow calls to it. */
static int make_link(relay *r, bool *is_refused, shmrpc_error *error)
{
    shmrpci_buf welcome;
    bool has_changed = false;
    shmrpci_connect_opts opts = {
        .deadline_ns = shmrpci_deadline_after(CONNECT_NS),
        .profile = r->opts.listen.profile,
        .max_message_bytes = r->opts.listen.max_message_bytes,
        .hello = r->opts.hello,
        .hello_len = r->opts.hello_len,
    };
    *is_refused = false;
    link *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    shmrpci_buf_init_heap(&welcome);
    int status = r->back->client->connect(&r->opts.back, &opts, &l->conn,
                                          &welcome, error);
    if (status == SHMRPC_OK) {
        status = r->opts.on_welcome(r->opts.listen.user, welcome.data,
                                    welcome.len, &has_changed, error);
        *is_refused = status != SHMRPC_OK;
    }
    if (status == SHMRPC_OK) {
        shmrpci_welcome said;
        uint32_t minor = shmrpci_welcome_read(welcome.data, welcome.len, &said,
                                              NULL) == SHMRPC_OK
                             ? said.minor
                             : 0;
        l->has_peers = minor >= SHMRPCI_RPC_MINOR_PEERS;
        l->hears_left =
            minor >= SHMRPCI_RPC_MINOR_LEFT && r->back->peers != NULL;
    }
    shmrpci_buf_fini(&welcome);
    if (status == SHMRPC_OK && has_changed) {
        begin_epoch(r);
    }
    if (status == SHMRPC_OK && add(r, l)) {
        return SHMRPC_OK;
    }
    if (l->conn != NULL) {
        r->back->client->disconnect(l->conn);
    }
    free(l);
    return status;
}

int links_open(relay *r, shmrpc_error *error)
{
    bool is_refused;
    int status = make_link(r, &is_refused, error);
    if (status != SHMRPC_OK && !is_refused) {
        say(r, "the service does not run yet", error);
        return SHMRPC_OK;
    }
    return status;
}

/* Called with the lock held. Waits until a link is needed: no link exists and
 * the pause is over, or calls have asked for another link. Returns false if the
 * thread must end. */
static bool wait_for_work(relay *r, int64_t pause_ns, uint32_t *live)
{
    int64_t retry_ns = shmrpci_deadline_after(pause_ns);
    bool in_time = true;
    while (!r->is_over) {
        bool is_up = least_used(r, live) != NULL;
        if (is_up ? r->more_is_wanted : !in_time) {
            return true;
        }
        if (is_up) {
            shmrpci_cond_wait(&r->wanted, &r->lock);
            retry_ns = shmrpci_now_ns(); /* if the last link was lost, the
                                          * first attempt to reconnect is made
                                          * at once */
            in_time = true;
        } else {
            in_time = shmrpci_cond_wait_until(&r->wanted, &r->lock, retry_ns);
        }
    }
    return false;
}

/* Makes links, on a thread of its own and without holding the lock, because
 * connecting to a service that hangs blocks for seconds. Logs when the service
 * becomes available or has to be refused, not each attempt. */
void links_run(void *user)
{
    relay *r = user;
    int64_t pause_ns = FIRST_PAUSE_NS;
    uint32_t live;
    shmrpci_mutex_lock(&r->lock);
    while (wait_for_work(r, pause_ns, &live)) {
        bool is_refused;
        shmrpc_error error = {.message = ""};
        shmrpci_mutex_unlock(&r->lock);
        int status = make_link(r, &is_refused, &error);
        if (is_refused && pause_ns == FIRST_PAUSE_NS) {
            say(r, "the service can't be relayed", &error);
        } else if (status == SHMRPC_OK && live == 0) {
            say(r, "the service can be called", NULL);
        }
        shmrpci_mutex_lock(&r->lock);
        if (status != SHMRPC_OK && live > 0) {
            (void)shmrpci_cond_wait_until(&r->wanted, &r->lock,
                                          shmrpci_deadline_after(pause_ns));
        }
        r->more_is_wanted = false;
        pause_ns = status == SHMRPC_OK ? FIRST_PAUSE_NS : pause_ns * 2;
        pause_ns = pause_ns < LAST_PAUSE_NS ? pause_ns : LAST_PAUSE_NS;
    }
    shmrpci_mutex_unlock(&r->lock);
}

void links_free(relay *r)
{
    for (uint32_t i = 0; i < r->opts.links; i++) {
        if (r->links[i] != NULL) {
            r->back->client->disconnect(r->links[i]->conn);
            free(r->links[i]);
            r->links[i] = NULL; /* relay_close closes the listener later, which
                                 * may still search this array */
        }
    }
}
