/* Creates, connects and closes clients. */
#include <stdlib.h>
#include <string.h>

#include "base/reserved.h"
#include "os/waiting.h"
#include "rpc/address.h"
#include "rpc/async.h"
#include "rpc/crowd.h"
#include "rpc/hedge.h"
#include "rpc/limits.h"
#include "rpc/misuse.h"
#include "rpc/reconnect.h"
#include "rpc/retry.h"
#include "rpc/rows.h"
#include "rpc/spread.h"
#include "shmrpc/client.h"

/* The clients that were closed last. Their memory is kept to detect programs
 * that still use them. */
static shmrpci_graveyard closed_clients;

/* The generation belongs to no process, so no call is made over this link. */
shmrpci_link shmrpci_closed_link = {.generation = UINT32_MAX};

int shmrpci_client_misused(const shmrpc_client *client,
                           const shmrpc_method *method, shmrpc_error *error)
{
    return shmrpci_misuse(error,
                          "method %s of %s was called on a client that was "
                          "closed",
                          method->name, client->service->name);
}

/* At least 1, because methods without a result may have reply objects too. */
static size_t largest_result(const shmrpc_service *service)
{
    size_t largest = 1;
    for (uint32_t i = 0; i < service->method_count; i++) {
        const shmrpc_type *result = service->methods[i].result;
        if (result != NULL && result->size > largest) {
            largest = result->size;
        }
    }
    return largest;
}

static char *copy_of(const char *text)
{
    const char *from = text != NULL ? text : "";
    char *copy = malloc(strlen(from) + 1);
    return copy != NULL ? strcpy(copy, from) : NULL;
}

/* Returns the SHMRPCI_CLIENT_... flags that make the client's calls leave the
 * plain path. */
static uint32_t reasons_to_look(const shmrpc_service *service,
                                const shmrpci_interceptors *interceptors)
{
    uint32_t all =
        interceptors->count > 0 ? (uint32_t)SHMRPCI_CLIENT_INTERCEPTED : 0u;
    for (uint32_t i = 0; i < service->method_count; i++) {
        const shmrpc_method *it = &service->methods[i];
        bool retries = shmrpci_retry_is_meant(it, NULL, SHMRPC_E_UNAVAILABLE);
        bool hedges = shmrpci_hedge_is_meant(it, NULL);
        all |= retries ? (uint32_t)SHMRPCI_CLIENT_RETRIES : 0u;
        all |= hedges ? (uint32_t)SHMRPCI_CLIENT_HEDGES : 0u;
    }
    return all;
}

/* Frees all members except those that a call on a closed client reads. */
static void client_end(shmrpc_client *client)
{
    shmrpci_crowd_close(client->crowd);
    client->crowd = NULL;
    shmrpci_spread_close(client->spread);
    client->spread = NULL;
    shmrpci_async_close(client);
    shmrpci_reconnect_close(client);
    shmrpci_reply_pool_close(client->pool);
    free(client->where);
}

static void client_free(shmrpc_client *client)
{
    if (client != NULL) {
        free(client->methods);
        free(client);
    }
}

static shmrpc_client *client_new(const shmrpc_service *service,
                                 const char *where, const shmrpc_opts *opts)
{
    shmrpc_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return NULL;
    }
    client->service = service;
    client->profile = opts->profile;
    client->max_message_bytes = opts->max_message_bytes != 0
                                    ? opts->max_message_bytes
                                    : SHMRPC_DEFAULT_MAX_MESSAGE_BYTES;
    client->timeout_ns =
        opts->timeout_ns != 0 ? opts->timeout_ns : SHMRPC_DEFAULT_TIMEOUT_NS;
    client->decode_limit = SHMRPCI_DECODE_LIMIT(client->max_message_bytes);
    client->where = copy_of(where);
    client->methods =
        calloc((size_t)service->method_count + 1, sizeof *client->methods);
    client->pool = shmrpci_reply_pool_create(largest_result(service),
                                             client->decode_limit);
    shmrpci_call_clock_init(&client->clock);
    if (client->where == NULL || client->methods == NULL ||
        client->pool == NULL) {
        client_end(client);
        client_free(client);
        return NULL;
    }
    return client;
}

/* The timeout for the first link. */
static int64_t first_timeout_ns(const shmrpc_client *client, uint32_t flags)
{
    bool is_patient = (flags & SHMRPC_OPT_WAIT_FOR_READY) != 0;
    return is_patient || client->timeout_ns < SHMRPCI_CONNECT_TIMEOUT_NS
               ? client->timeout_ns
               : SHMRPCI_CONNECT_TIMEOUT_NS;
}

/* Connects to all instances if the address asks for that. Returns false if it
 * does not. */
static bool gather(shmrpc_client *client, const shmrpc_opts *opts,
                   int *out_status, shmrpc_error *error)
{
    shmrpci_place_list places;
    bool is_meant = false;
    if (strchr(client->where, '*') == NULL ||
        shmrpci_places_parse(client->where, client->service, &places, NULL) !=
            SHMRPC_OK) {
        return false;
    }
    for (size_t i = 0; i < places.count; i++) {
        is_meant = is_meant || shmrpci_crowd_is_meant(&places.items[i]);
    }
    if (is_meant && places.count > 1) {
        *out_status = shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "an address of all instances can't be in a list with others");
    } else if (is_meant) {
        *out_status = shmrpci_crowd_open(client->service, &places.items[0],
                                         opts, &client->crowd, error);
        (void)shmrpci_or_seq(&client->watched, SHMRPCI_CLIENT_CROWD);
    }
    return is_meant;
}

static int first_link(shmrpc_client *client, const shmrpc_opts *opts,
                      shmrpc_error *error)
{
    int status;
    return gather(client, opts, &status, error)
               ? status
               : shmrpci_reconnect(client, 0,
                                   shmrpci_deadline_after(
                                       first_timeout_ns(client, opts->flags)),
                                   (opts->flags & SHMRPC_OPT_WAIT_FOR_READY) !=
                                           0
                                       ? SHMRPCI_KEEP_TRYING
                                       : SHMRPCI_TRY_ONCE,
                                   error);
}

int shmrpc_stub_connect(const shmrpc_service *service, const char *where,
                        const shmrpc_opts *defaults, shmrpc_client **out,
                        shmrpc_error *error)
{
    shmrpc_opts opts = defaults != NULL ? *defaults : (shmrpc_opts){0};
    if (opts.timeout_ns < 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "timeout_ns is negative");
    }
    if (!shmrpci_reserved_is_zero(opts.reserved, SHMRPC_COUNT(opts.reserved))) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID, SHMRPCI_RESERVED_TEXT);
    }
    shmrpci_interceptors interceptors;
    int status = shmrpci_rows_check(service, error);
    if (status == SHMRPC_OK) {
        status =
            shmrpci_interceptors_take(opts.interceptors, &interceptors, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    /* Registers the calling thread now rather than in its first call. */
    shmrpc_client *client = shmrpci_hazard_mine() != NULL
                                ? client_new(service, where, &opts)
                                : NULL;
    if (client == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    client->is_partial = (opts.flags & SHMRPC_OPT_PARTIAL) != 0;
    client->interceptors = interceptors;
    atomic_init(&client->watched, reasons_to_look(service, &interceptors));
    atomic_init(&client->budget, SHMRPCI_BUDGET_FULL);
    status = first_link(client, &opts, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_spread_open(client, &opts, error);
    }
    if (status != SHMRPC_OK) {
        client_end(client);
        client_free(client);
        return shmrpci_waiting_take_interrupt()
                   ? shmrpc_error_set(error, SHMRPC_E_CANCELLED,
                                      "connecting was interrupted")
                   : status;
    }
    *out = client;
    return SHMRPC_OK;
}

void shmrpc_stub_close(shmrpc_client *client)
{
    if (client == NULL) {
        return;
    }
    if (shmrpci_client_is_closed(client)) {
        (void)shmrpci_misuse(NULL, "a client of %s was closed twice",
                             client->service->name);
        return;
    }
    client_end(client);
    shmrpci_store_release(&client->async, NULL);
    shmrpci_store_release(&client->link, &shmrpci_closed_link);
    client_free(shmrpci_bury(&closed_clients, client));
}

void shmrpc_stub_read_stats(const shmrpc_client *client,
                            shmrpc_client_stats *out)
{
    /* Relaxed: they are statistics. */
    *out = (shmrpc_client_stats){
        .reconnects = shmrpci_load_relaxed(&client->reconnects),
        .resent = shmrpci_load_relaxed(&client->resent),
        .retried = shmrpci_load_relaxed(&client->retried),
    };
}
