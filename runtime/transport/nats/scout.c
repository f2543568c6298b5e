/* Finds instances, opens links to them, and implements the pump's callbacks. */
#include <stdio.h>
#include <string.h>

#include "os/fork.h"
#include "os/memory.h"
#include "os/stream.h"
#include "transport/nats/client.h"

/* How long to wait for further answers after the first one. */
#define GATHER_NS (3 * SHMRPCI_NS_PER_MS)

/* How often the scout searches for instances, and the minimum pause between two
 * searches. */
#define SEARCH_NS       (30 * SHMRPCI_NS_PER_S)
#define SEARCH_AGAIN_NS SHMRPCI_NS_PER_S

/* Timeout of waiting for the welcome of an instance. */
#define WELCOME_NS (5 * SHMRPCI_NS_PER_S)

/* ---- callbacks from the pump --------------------------------------------- */

/* Called with the lock held. Makes the scout search for instances soon. */
static void search_soon(nats_client *client)
{
    int64_t soon_ns = client->searched_ns + SEARCH_AGAIN_NS;
    client->search_ns =
        soon_ns < client->search_ns ? soon_ns : client->search_ns;
    shmrpci_cond_broadcast(&client->changed);
}

static void on_message(void *user, uint32_t inbox, nats_result result,
                       const nats_message *message, const nats_parcel *parcel)
{
    nats_client *client = user;
    nats_who who;
    (void)message;
    shmrpci_mutex_lock(&client->lock);
    if (result == NATS_NOBODY) {
        client->is_nobody = true;
    } else if (parcel != NULL && parcel->kind == NATS_CLOSE) {
        client->is_refused = true;
    } else if (parcel != NULL && parcel->kind == NATS_FOUND &&
               nats_who_get(parcel->data, parcel->len, &who)) {
        if (inbox == NATS_INBOX_DOWN) {
            nats_directory_drop(&client->directory, who.id);
        } else {
            nats_directory_add(&client->directory, &who,
                               parcel->value > 0 ? (uint32_t)parcel->value : 0,
                               shmrpci_now_ns(), nats_client_random(client));
        }
    }
    shmrpci_cond_broadcast(&client->changed);
    shmrpci_mutex_unlock(&client->lock);
}

/* While we wait for the welcome of a route, this counts as a call, so that the
 * pump checks whether the gateway is alive. */
static uint32_t calls(void *user, void *owner)
{
    nats_client *client = user;
    const nats_route *route = owner;
    shmrpci_mutex_lock(&client->lock);
    uint32_t count = route->state == NATS_ROUTE_OPENING ? 1 : route->calls;
    shmrpci_mutex_unlock(&client->lock);
    return count;
}

static void on_load(void *user, void *owner, uint32_t load)
{
    nats_client *client = user;
    const nats_route *route = owner;
    shmrpci_mutex_lock(&client->lock);
    if (route->state == NATS_ROUTE_READY) {
        nats_directory_report(&client->directory, route->instance, load,
                              shmrpci_now_ns());
    }
    shmrpci_mutex_unlock(&client->lock);
}

static void on_cut(void *user, void *owner, nats_cut why, uint64_t lost_at)
{
    nats_client *client = user;
    nats_route *route = owner;
    shmrpci_mutex_lock(&client->lock);
    nats_directory *dir = &client->directory;
    bool is_there =
        route->state == NATS_ROUTE_READY || route->state == NATS_ROUTE_OPENING;
    if (is_there && why == NATS_CUT_NOBODY) {
        nats_directory_drop(dir, dir->instances[route->instance].who.id);
    } else if (is_there && why == NATS_CUT_SILENT) {
        nats_directory_silence(dir, route->instance);
    }
    if (route->inner != NULL) {
        shmrpci_adopted_lost(route->inner, lost_at);
    }
    route->is_linked = false;
    route->cut = why;
    nats_route_lose(route);
    search_soon(client);
    shmrpci_mutex_unlock(&client->lock);
}

/* ---- requests to the pump -------------------------------------------- */

static void send_find(nats_client *client)
{
    char subject[NATS_SUBJECT_BYTES];
    nats_parcel find = {.kind = NATS_FIND};
    nats_subject_find(client->over.name, subject);
    client->wants_find = nats_pump_send(client->pump, subject, client->reply,
                                        &find) != NATS_DONE;
}

static void give_to_pump(nats_client *client, nats_route *route)
{
    char subject[NATS_SUBJECT_BYTES];
    nats_subject_instance(client->over.name,
                          client->directory.instances[route->instance].who.id,
                          subject);
    route->state = NATS_ROUTE_OPENING;
    route->is_linked =
        nats_pump_open(client->pump, route->fd, subject, route) == SHMRPC_OK;
    route->cut = route->is_linked ? NATS_CUT_NONE : NATS_CUT_MEMORY;
}

/* Returns a route that is still being opened although the client is leaving. It
 * must be cut, since nobody should wait for its welcome. NULL: there is
 * none. */
static nats_route *given_up(nats_client *client)
{
    for (uint32_t i = 0; i < client->route_top && client->is_leaving; i++) {
        if (client->routes[i].state == NATS_ROUTE_OPENING &&
            client->routes[i].is_linked) {
            return &client->routes[i];
        }
    }
    return NULL;
}

static void on_wake(void *user)
{
    nats_client *client = user;
    shmrpci_mutex_lock(&client->lock);
    if (client->wants_find && nats_pump_is_connected(client->pump)) {
        send_find(client);
    }
    for (uint32_t i = 0; i < client->route_top; i++) {
        if (client->routes[i].state == NATS_ROUTE_WANTED) {
            give_to_pump(client, &client->routes[i]);
        }
    }
    nats_route *cut = given_up(client);
    shmrpci_mutex_unlock(&client->lock);
    if (cut != NULL) {
        nats_pump_cut(client->pump, cut);
    }
}

/* Searches again, because messages about gateways that started or left may have
 * been lost while there was no connection. */
static void on_connect(void *user)
{
    nats_client *client = user;
    shmrpci_mutex_lock(&client->lock);
    search_soon(client);
    shmrpci_mutex_unlock(&client->lock);
    on_wake(client);
}

void nats_client_callbacks(nats_pump_opts *opts)
{
    opts->on_message = on_message;
    opts->calls = calls;
    opts->on_load = on_load;
    opts->on_cut = on_cut;
    opts->on_wake = on_wake;
    opts->on_connect = on_connect;
}

/* ---- finding ----------------------------------------------------------- */

/* Called with the lock held. Starts a search. A random part of the interval
 * keeps clients from searching all at once. */
static void search(nats_client *client)
{
    int64_t more_ns = (int64_t)(nats_client_random(client) % (SEARCH_NS / 8));
    nats_directory_search(&client->directory);
    client->is_nobody = client->is_refused = false;
    client->wants_find = true;
    client->searched_ns = shmrpci_now_ns();
    client->search_ns = client->searched_ns + SEARCH_NS + more_ns;
    nats_pump_wake(client->pump);
}

static int not_found(const nats_client *client, shmrpc_error *error)
{
    const char *name = client->over.name;
    if (client->is_refused) {
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                "%.60s is not running behind its gateway",
                                name);
    }
    return client->is_nobody
               ? shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                  "no gateway (shmrpc-nats) for %.60s is "
                                  "connected to the NATS servers",
                                  name)
               : shmrpc_error_set(error, SHMRPC_E_DEADLINE,
                                  "no gateway of %.60s answered in time", name);
}

/* Called with the lock held. Waits for the first answer, and a moment for
 * more. */
static int find(nats_client *client, int64_t deadline_ns, shmrpc_error *error)
{
    int64_t until_ns = deadline_ns;
    bool in_time = true;
    search(client);
    for (bool is_first = true; in_time && !client->is_nobody;) {
        in_time =
            shmrpci_cond_wait_until(&client->changed, &client->lock, until_ns);
        bool has_come = client->directory.answers > 0 || client->is_refused;
        if (is_first && has_come) {
            int64_t gathered_ns = shmrpci_deadline_after(GATHER_NS);
            until_ns = gathered_ns < until_ns ? gathered_ns : until_ns;
            is_first = false;
        }
    }
    return client->directory.answers > 0 ? (int)SHMRPC_OK
                                         : not_found(client, error);
}

/* ---- opening ----------------------------------------------------------- */

static const char *text_of(nats_cut cut)
{
    switch (cut) {
    case NATS_CUT_NOBODY:
        return "has gone";
    case NATS_CUT_SILENT:
        return "did not answer";
    case NATS_CUT_REFUSED:
        return "takes no more clients";
    case NATS_CUT_GAP:
    case NATS_CUT_LIE:
    case NATS_CUT_PEER:
        return "ended the link";
    case NATS_CUT_NONE:
    case NATS_CUT_MEMORY:
        break;
    }
    return NULL;
}

/* Calls of one connection may use any of its links, so method ids and limits
 * must be the same on all links. The first welcome decides. */
static bool fits(nats_client *client, const shmrpci_conn *inner,
                 const shmrpci_buf *welcome)
{
    if (!client->has_welcome) {
        client->has_welcome = true;
        shmrpci_buf_append(&client->welcome, welcome->data, welcome->len);
        client->base.features = inner->features | SHMRPCI_FEATURE_SEVERAL;
        return true;
    }
    return client->base.features ==
               (inner->features | SHMRPCI_FEATURE_SEVERAL) &&
           client->welcome.len == welcome->len &&
           memcmp(client->welcome.data, welcome->data, welcome->len) == 0;
}

/* Opens a link. Called with the lock held; releases it while connecting.
 * UNAVAILABLE and DEADLINE mean that another instance may work; other statuses
 * are a refusal by the service. */
static int open_route(nats_client *client, uint32_t instance,
                      shmrpci_buf *welcome, int64_t deadline_ns,
                      shmrpc_error *error)
{
    int fds[2];
    nats_route *route = NULL;
    shmrpci_conn *inner = NULL;
    shmrpci_address over = client->over;
    shmrpci_connect_opts opts = client->opts;
    if (shmrpci_stream_pair(fds) == SHMRPC_OK) {
        route = nats_route_new(client, instance, fds[0]);
        if (route == NULL) {
            shmrpci_fd_close(&fds[0]);
            shmrpci_fd_close(&fds[1]);
        }
    }
    if (route == NULL) {
        nats_directory_no_link(&client->directory, instance, shmrpci_now_ns());
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                "memory or descriptors ran out");
    }
    const nats_who who = client->directory.instances[instance].who;
    over.fd = fds[1];
    opts.deadline_ns = deadline_ns;
    shmrpci_mutex_unlock(&client->lock);
    nats_pump_wake(client->pump);
    int status = nats_inner()->connect(&over, &opts, &inner, welcome, error);
    shmrpci_mutex_lock(&client->lock);
    if (status == SHMRPC_OK && fits(client, inner, welcome)) {
        nats_route_ready(route, inner);
        return SHMRPC_OK;
    }
    const char *why = status == SHMRPC_E_UNAVAILABLE ? text_of(route->cut)
                                                     : (const char *)NULL;
    if (why != NULL) {
        (void)shmrpc_error_set(error, status,
                               "the gateway of %.60s at %.60s %s",
                               client->over.name, who.host, why);
    }
    if (status == SHMRPC_OK) { /* the instance is left out until it answers a
                                * search */
        nats_directory_silence(&client->directory, instance);
        status = SHMRPC_E_CONTRACT;
    }
    route->inner = inner; /* nats_route_sweep closes it */
    nats_route_failed(route);
    return status;
}

int nats_client_begin(nats_client *client, shmrpci_buf *welcome,
                      int64_t deadline_ns, shmrpc_error *error)
{
    shmrpci_mutex_lock(&client->lock);
    int status = find(client, deadline_ns, error);
    bool goes_on = status == SHMRPC_OK;
    while (goes_on) {
        uint32_t next = nats_directory_wanted(
            &client->directory, shmrpci_now_ns(), nats_client_random(client));
        if (next == NATS_NO_INSTANCE) {
            if (status == SHMRPC_OK) { /* the instance has left since the
                                        * search */
                status = shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                          "the last gateway of %.80s has left",
                                          client->over.name);
            }
            break;
        }
        shmrpci_buf_reset(welcome);
        status = open_route(client, next, welcome, deadline_ns, error);
        goes_on =
            (status == SHMRPC_E_UNAVAILABLE || status == SHMRPC_E_DEADLINE) &&
            shmrpci_now_ns() < deadline_ns;
    }
    shmrpci_mutex_unlock(&client->lock);
    return status;
}

/* ---- the scout --------------------------------------------------------- */

/* Called with the lock held. Opens an additional link to the instance. */
static void open_another(nats_client *client, uint32_t instance)
{
    shmrpc_error ignored;
    shmrpci_buf welcome;
    shmrpci_buf_init_heap(&welcome);
    (void)open_route(client, instance, &welcome,
                     shmrpci_deadline_after(WELCOME_NS), &ignored);
    shmrpci_buf_fini(&welcome);
}

static void scout(void *user)
{
    nats_client *client = user;
    shmrpci_mutex_lock(&client->lock);
    while (!client->is_leaving) {
        nats_route_sweep(client);
        int64_t now_ns = shmrpci_now_ns();
        if (now_ns >= client->search_ns) {
            search(client);
        }
        uint32_t next = nats_directory_wanted(&client->directory, now_ns,
                                              nats_client_random(client));
        if (next != NATS_NO_INSTANCE) {
            open_another(client, next);
            continue;
        }
        int64_t again_ns = nats_directory_next(&client->directory, now_ns);
        (void)shmrpci_cond_wait_until(
            &client->changed, &client->lock,
            again_ns < client->search_ns ? again_ns : client->search_ns);
    }
    shmrpci_mutex_unlock(&client->lock);
}

int nats_client_scout(nats_client *client, shmrpc_error *error)
{
    shmrpc_status status =
        shmrpci_thread_create(&client->scout, "nats scout", scout, client);
    client->has_scout = status == SHMRPC_OK;
    return status == SHMRPC_OK
               ? (int)SHMRPC_OK
               : shmrpc_error_set(error, status, "can't start a thread");
}

/* Queued messages are still sent. */
void nats_client_end(nats_client *client)
{
    bool is_ours = nats_client_is_ours(client);
    if (is_ours) {
        shmrpci_mutex_lock(&client->lock);
        client->is_leaving = true;
        shmrpci_cond_broadcast(&client->changed);
        shmrpci_mutex_unlock(&client->lock);
        nats_pump_wake(client->pump);
    }
    if (is_ours && client->has_scout) {
        shmrpci_thread_join(&client->scout);
    }
    for (uint32_t i = 0; i < client->route_top; i++) {
        nats_route *route = &client->routes[i];
        shmrpci_conn *inner = route->inner;
        if (is_ours) {
            shmrpci_mutex_lock(&client->lock);
            route->inner = NULL;
            shmrpci_mutex_unlock(&client->lock);
        }
        if (inner != NULL) {
            nats_inner()->disconnect(inner);
        }
    }
}
