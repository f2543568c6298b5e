/* Objects of services: makes, passes on and opens them. */
#include "rpc/shared.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/fork.h"
#include "os/memory.h"
#include "os/thread.h"
#include "rpc/address.h"
#include "rpc/client.h"
#include "rpc/saver.h"

#define SHARED_TIMEOUT_NS (5 * SHMRPCI_NS_PER_S)

/* The services of this process, or of the parent that forked it. */
static shmrpci_mutex list_lock = SHMRPCI_MUTEX_INIT;
static shmrpci_served *list;

/* ---- the server's side --------------------------------------------------- */

static uint32_t object_count(const shmrpci_served *served)
{
    return served->object_fds != NULL ? served->service->objects->count : 0;
}

int shmrpci_shared_make(shmrpci_served *served, shmrpc_error *error)
{
    const shmrpc_objects *objects = served->service->objects;
    for (uint32_t i = 0; i < object_count(served); i++) {
        int status = served->object_fds[i] >= 0
                         ? SHMRPC_OK
                         : objects->make(&objects->rows[i], -1,
                                         &served->object_fds[i], error);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    served->object_generation = shmrpci_fork_generation();
    return served->saver != NULL || object_count(served) == 0
               ? SHMRPC_OK
               : shmrpci_saver_start(served, &served->saver, error);
}

int shmrpci_shared_inherit(shmrpci_served *served,
                           const shmrpci_address *address, int64_t deadline_ns,
                           shmrpc_error *error)
{
    const shmrpc_objects *objects = served->service->objects;
    const shmrpci_discovery_ops *ops = address->transport->discovery;
    for (uint32_t i = 0; i < object_count(served); i++) {
        int fd;
        int watch_fd;
        if (served->object_fds[i] >= 0 || ops == NULL ||
            ops->open_object(address, objects->rows[i].name, true, deadline_ns,
                             &fd, &watch_fd, NULL) != SHMRPC_OK) {
            continue; /* an older server may have fewer objects */
        }
        shmrpci_fd_close(&watch_fd);
        int status =
            objects->make(&objects->rows[i], fd, &served->object_fds[i], error);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    return SHMRPC_OK;
}

void shmrpci_shared_abandon(shmrpci_served *served)
{
    shmrpci_saver_stop(served->saver, false);
    served->saver = NULL;
    for (uint32_t i = 0; i < object_count(served); i++) {
        shmrpci_fd_close(&served->object_fds[i]);
    }
}

void shmrpci_shared_end(shmrpci_served *served)
{
    const shmrpc_objects *objects = served->service->objects;
    bool is_ours = served->object_generation == shmrpci_fork_generation();
    shmrpci_saver_stop(served->saver, true);
    served->saver = NULL;
    for (uint32_t i = 0; i < object_count(served); i++) {
        if (is_ours && served->object_fds[i] >= 0) {
            objects->end(&objects->rows[i], served->object_fds[i]);
        }
    }
    shmrpci_shared_abandon(served);
}

/* Returns the index of an object, or object_count if there is none of this
 * name. */
static uint32_t find(const shmrpci_served *served, const char *name)
{
    uint32_t i = 0;
    while (i < object_count(served) &&
           strcmp(served->service->objects->rows[i].name, name) != 0) {
        i++;
    }
    return i;
}

static int hand_out(const shmrpci_served *served, const char *name,
                    bool as_server, int *out_fd, shmrpc_error *error)
{
    uint32_t i = find(served, name);
    if (i == object_count(served) || served->object_fds[i] < 0) {
        return shmrpc_error_set(error, SHMRPC_E_NOT_FOUND,
                                "service %s has no object \"%s\"",
                                served->service->name, name);
    }
    const shmrpc_shared *row = &served->service->objects->rows[i];
    bool writes = as_server || (row->flags & SHMRPC_SHARED_SERVER_WRITES) == 0;
    shmrpc_status status = shmrpci_memory_reopen(
        served->object_fds[i],
        writes ? SHMRPCI_ACCESS_WRITE : SHMRPCI_ACCESS_READ, out_fd);
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "object \"%s\": %s", name,
                                  shmrpc_status_text(status));
}

int shmrpci_shared_on_object(void *user, const char *name, bool as_server,
                             const shmrpc_peer *peer, int *out_fd,
                             shmrpc_error *error)
{
    (void)peer;
    return hand_out(user, name, as_server, out_fd, error);
}

void shmrpci_shared_enter(shmrpci_served *served)
{
    shmrpci_mutex_lock(&list_lock);
    served->next = list;
    list = served;
    shmrpci_mutex_unlock(&list_lock);
}

void shmrpci_shared_leave(shmrpci_served *served)
{
    shmrpci_mutex_lock(&list_lock);
    shmrpci_served **at = &list;
    while (*at != NULL && *at != served) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = served->next;
    }
    shmrpci_mutex_unlock(&list_lock);
}

/* ---- opening ------------------------------------------------------------- */

static int ask_at(const shmrpci_address *address, const char *text,
                  const char *name, bool as_server, int64_t deadline_ns,
                  int *out_fd, int *out_watch_fd, shmrpc_error *error)
{
    const shmrpci_transport *transport = address->transport;
    if (transport->discovery == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_UNIMPLEMENTED,
                                "%s: objects are shared on the service's own "
                                "machine only, through shm://",
                                text);
    }
    return transport->discovery->open_object(
        address, name, as_server, deadline_ns, out_fd, out_watch_fd, error);
}

/* Gets an object of a service that this process or its parent serves. */
static int ask_own(const shmrpc_service *service, const char *name,
                   int64_t deadline_ns, int *out_fd, int *out_watch_fd,
                   shmrpc_error *error)
{
    int status = SHMRPC_E_UNAVAILABLE;
    shmrpci_mutex_lock(&list_lock);
    const shmrpci_served *at = list;
    while (at != NULL && strcmp(at->service->id, service->id) != 0) {
        at = at->next;
    }
    if (at == NULL) {
        (void)shmrpc_error_set(
            error, status, "this process does not serve %s: use a client of it",
            service->id);
    } else if (at->object_generation == shmrpci_fork_generation()) {
        *out_watch_fd = -1;
        status = hand_out(at, name, true, out_fd, error);
    } else {
        status = ask_at(at->address, at->service->name, name, true, deadline_ns,
                        out_fd, out_watch_fd, error);
    }
    shmrpci_mutex_unlock(&list_lock);
    return status;
}

int shmrpc_stub_shared(shmrpc_client *client, const shmrpc_service *service,
                       const char *name, int64_t timeout_ns, int *out_fd,
                       int *out_watch_fd, shmrpc_error *error)
{
    shmrpci_place_list places;
    if (timeout_ns < 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "timeout_ns is negative");
    }
    int64_t deadline_ns = shmrpci_deadline_after(
        timeout_ns != 0 ? timeout_ns : SHARED_TIMEOUT_NS);
    if (client == NULL) {
        return ask_own(service, name, deadline_ns, out_fd, out_watch_fd, error);
    }
    int status = shmrpci_places_parse(client->where, service, &places, error);
    for (size_t i = 0; status == SHMRPC_OK && i < places.count; i++) {
        const shmrpci_place *place = &places.items[i];
        int tried = place->address.transport == NULL
                        ? shmrpci_place_not_built(place, error)
                        : ask_at(&place->address, place->text, name, false,
                                 deadline_ns, out_fd, out_watch_fd, error);
        if (i + 1 == places.count || !shmrpci_place_is_passed_over(tried)) {
            return tried;
        }
    }
    return status;
}
