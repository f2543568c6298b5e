/* Chooses the link for a call, and handles lost links. */
#include "base/assert.h"
#include "os/fork.h"
#include "os/memory.h"
#include "transport/nats/client.h"

bool nats_client_is_ours(const nats_client *client)
{
    return client->generation == shmrpci_fork_generation();
}

/* xorshift64; the numbers need not be secret. */
uint64_t nats_client_random(nats_client *client)
{
    uint64_t x = client->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return client->random = x;
}

static nats_instance *instance_of(const nats_route *route)
{
    return &route->client->directory.instances[route->instance];
}

/* ---- opening and losing links -------------------------------------------- */

nats_route *nats_route_new(nats_client *client, uint32_t instance, int fd)
{
    uint32_t i = 0;
    while (i < NATS_ROUTES_MAX && client->routes[i].state != NATS_ROUTE_FREE) {
        i++;
    }
    if (i == NATS_ROUTES_MAX) {
        return NULL;
    }
    client->route_top = i + 1 > client->route_top ? i + 1 : client->route_top;
    nats_route *route = &client->routes[i];
    *route = (nats_route){.client = client,
                          .state = NATS_ROUTE_WANTED,
                          .instance = instance,
                          .fd = fd};
    instance_of(route)->links++;
    return route;
}

/* After this call the directory may reuse the instance's place for another
 * instance. */
static void leave_instance(nats_route *route)
{
    nats_instance *it = instance_of(route);
    SHMRPCI_ASSERT(it->links > 0 && it->calls >= route->calls,
                   "an instance counts the calls of its links");
    it->links--;
    it->ready -= route->state == NATS_ROUTE_READY ? 1u : 0u;
    it->calls -= route->calls;
    it->is_used =
        it->is_used && (it->links > 0 || it->has_answered || !it->is_silent);
    route->state = NATS_ROUTE_LOST;
}

void nats_route_failed(nats_route *route)
{
    nats_client *client = route->client;
    if (route->state == NATS_ROUTE_WANTED) {
        shmrpci_fd_close(&route->fd);
    }
    nats_directory_no_link(&client->directory, route->instance,
                           shmrpci_now_ns());
    leave_instance(route);
}

void nats_route_ready(nats_route *route, shmrpci_conn *inner)
{
    nats_client *client = route->client;
    SHMRPCI_ASSERT(route->state == NATS_ROUTE_OPENING,
                   "a route becomes ready once");
    route->inner = inner;
    route->state = NATS_ROUTE_READY;
    instance_of(route)->ready++;
    bool is_watched = client->watch_set < 0 ||
                      nats_inner()->watch(inner, client->watch_set,
                                          client->watch_tag) == SHMRPC_OK;
    if (!route->is_linked || !is_watched) {
        nats_route_lose(route);
    }
    shmrpci_cond_broadcast(&client->changed);
}

void nats_route_lose(nats_route *route)
{
    if (route->state == NATS_ROUTE_READY) {
        leave_instance(route);
        shmrpci_cond_broadcast(&route->client->changed);
    }
}

void nats_route_retire(nats_route *route)
{
    if (route->state == NATS_ROUTE_READY) {
        nats_directory_no_link(&route->client->directory, route->instance,
                               shmrpci_now_ns());
        nats_route_lose(route);
    }
}

/* Disconnecting closes the socket, which ends the pump's link. */
void nats_route_sweep(nats_client *client)
{
    for (uint32_t i = 0; i < client->route_top; i++) {
        nats_route *route = &client->routes[i];
        if (route->state != NATS_ROUTE_LOST || route->held > 0) {
            continue;
        }
        shmrpci_conn *inner = route->inner;
        route->inner = NULL;
        if (inner != NULL) {
            shmrpci_mutex_unlock(&client->lock);
            nats_inner()->disconnect(inner);
            shmrpci_mutex_lock(&client->lock);
        }
        if (!route->is_linked) {
            route->state = NATS_ROUTE_FREE;
        }
    }
}

/* ---- calls ------------------------------------------------------------- */

/* Returns the link of the instance with the fewest calls. */
static nats_route *route_to(nats_client *client, uint32_t instance)
{
    nats_route *best = NULL;
    for (uint32_t i = 0; i < client->route_top; i++) {
        nats_route *route = &client->routes[i];
        if (route->state == NATS_ROUTE_READY && route->instance == instance &&
            (best == NULL || route->calls < best->calls)) {
            best = route;
        }
    }
    SHMRPCI_ASSERT(best != NULL, "the directory counts the links");
    return best;
}

nats_route *nats_route_take(nats_client *client)
{
    nats_route *route = NULL;
    shmrpci_mutex_lock(&client->lock);
    uint32_t chosen = nats_directory_choose(
        &client->directory, shmrpci_now_ns(), nats_client_random(client));
    if (chosen != NATS_NO_INSTANCE) {
        nats_instance *it = &client->directory.instances[chosen];
        route = route_to(client, chosen);
        route->calls++;
        route->held++;
        it->calls++;
        client->calls++;
        if (it->calls % NATS_LINK_CALLS == 0) {
            shmrpci_cond_broadcast(&client->changed); /* makes the scout check
                                                       * whether to open another
                                                       * link */
        }
    }
    shmrpci_mutex_unlock(&client->lock);
    return route;
}

void nats_route_let_go(nats_route *route)
{
    nats_client *client = route->client;
    if (!nats_client_is_ours(client)) {
        return;
    }
    shmrpci_mutex_lock(&client->lock);
    SHMRPCI_ASSERT(route->held > 0, "only a held route is let go");
    route->held--;
    if (route->held == 0 && route->state == NATS_ROUTE_LOST) {
        shmrpci_cond_broadcast(&client->changed);
    }
    shmrpci_mutex_unlock(&client->lock);
}

void nats_route_hold(nats_route *route)
{
    shmrpci_mutex_lock(&route->client->lock);
    route->held++;
    shmrpci_mutex_unlock(&route->client->lock);
}

void nats_route_over(nats_route *route)
{
    nats_client *client = route->client;
    if (!nats_client_is_ours(client)) {
        return;
    }
    shmrpci_mutex_lock(&client->lock);
    SHMRPCI_ASSERT(route->calls > 0 && client->calls > 0, "a call ends once");
    route->calls--;
    client->calls--;
    if (route->state == NATS_ROUTE_READY) {
        instance_of(route)->calls--;
    }
    if (client->waiting > 0) {
        shmrpci_cond_broadcast(&client->changed);
    }
    shmrpci_mutex_unlock(&client->lock);
    nats_route_let_go(route);
}

void nats_route_answered(nats_route *route, int status)
{
    nats_client *client = route->client;
    shmrpci_mutex_lock(&client->lock);
    if (route->state == NATS_ROUTE_READY && status == SHMRPC_E_EXHAUSTED) {
        nats_directory_refused(&client->directory, route->instance,
                               shmrpci_now_ns());
        shmrpci_cond_broadcast(&client->changed);
    } else if (route->state == NATS_ROUTE_READY) {
        nats_directory_served(&client->directory, route->instance);
    }
    shmrpci_mutex_unlock(&client->lock);
}
