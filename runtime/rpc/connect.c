/* Connecting: a list of places, hello and welcome, the method tables. */
#include "rpc/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/contract.h"
#include "rpc/address.h"
#include "rpc/envelope.h"
#include "rpc/limits.h"

/* However long calls may take: a service that does not answer hello by then
 * will not. */
#define CONNECT_TIMEOUT_NS (5 * SHMRPCI_NS_PER_S)

/* What a contract may take in memory while it is compared. */
#define CONTRACT_ARENA_BYTES (16 * SHMRPCI_CONTRACT_MAX_BYTES)

/* Compares the server's contract with ours and fills `ids`. */
static int compare_contracts(const shmrpc_service *service,
                             const shmrpci_welcome *welcome, uint32_t *ids,
                             shmrpc_error *error)
{
    shmrpci_arena arena;
    const shmrpci_contract *ours;
    const shmrpci_contract *theirs;
    shmrpci_arena_init(&arena, CONTRACT_ARENA_BYTES);
    int status = shmrpci_contract_of(service, &arena, &ours);
    if (status != SHMRPC_OK) {
        (void)shmrpc_error_set(error, status, "out of memory");
    } else {
        status = shmrpci_contract_decode(
            welcome->contract, welcome->contract_len, &arena, &theirs, error);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_contract_compare(ours, theirs, ids, error);
    }
    shmrpci_arena_fini(&arena);
    return status;
}

/* Fills the ids of the client's methods from what the server said. */
static int agree(shmrpc_client *client, const shmrpci_buf *answer,
                 shmrpc_error *error)
{
    const shmrpc_service *service = client->service;
    shmrpci_welcome welcome;
    int status =
        shmrpci_welcome_read(answer->data, answer->len, &welcome, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    uint32_t *ids = calloc((size_t)service->method_count + 1, sizeof *ids);
    if (ids == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    for (uint32_t i = 0; i < service->method_count; i++) {
        ids[i] = i + 1;
    }
    if (welcome.hash != service->hash) {
        status = compare_contracts(service, &welcome, ids, error);
        client->head_flags = SHMRPCI_HEAD_NUMBERED;
    }
    for (uint32_t i = 0; i < service->method_count; i++) {
        shmrpci_client_method *method = &client->methods[i];
        method->id = ids[i];
        if (client->head_flags != 0) {
            method->codec = shmrpci_codec_numbered(method->codec);
        }
    }
    free(ids);
    return status;
}

static int connect_place(shmrpc_client *client, const shmrpci_place *place,
                         const shmrpci_connect_opts *opts, shmrpc_error *error)
{
    const shmrpci_transport *transport = place->address.transport;
    if (transport == NULL) {
        return shmrpci_place_not_built(place, error);
    }
    shmrpci_buf welcome;
    shmrpci_buf_init_heap(&welcome);
    shmrpci_conn *conn = NULL;
    int status =
        transport->connect(&place->address, opts, &conn, &welcome, error);
    if (status == SHMRPC_OK && welcome.status != SHMRPC_OK) {
        status = shmrpc_error_set(error, welcome.status, "out of memory");
    }
    if (status == SHMRPC_OK) {
        status = agree(client, &welcome, error);
    }
    if (status == SHMRPC_OK) {
        client->conn = conn;
        client->transport = transport;
        memcpy(client->where, place->text, sizeof client->where);
    } else if (conn != NULL) {
        transport->disconnect(conn);
    }
    shmrpci_buf_fini(&welcome);
    return status;
}

/* Whether the next place of a list may help. Somebody who answered, but can't
 * be talked to, is not passed over in silence. */
static bool is_absent(int status)
{
    return status == SHMRPC_E_UNAVAILABLE || status == SHMRPC_E_UNIMPLEMENTED ||
           status == SHMRPC_E_DEADLINE;
}

/* Tries the places in order. The error tells of all that were tried. */
static int connect_any(shmrpc_client *client, const shmrpci_place_list *places,
                       const shmrpci_connect_opts *opts, shmrpc_error *error)
{
    int status = SHMRPC_E_UNAVAILABLE;
    shmrpc_error reason = {.path = ""};
    char tried[4 * SHMRPC_ERROR_MESSAGE_BYTES] = "";
    size_t len = 0;
    for (size_t i = 0; i < places->count; i++) {
        status = connect_place(client, &places->items[i], opts, &reason);
        if (status == SHMRPC_OK) {
            return SHMRPC_OK;
        }
        if (!is_absent(status) || places->count == 1) {
            break;
        }
        int more =
            snprintf(tried + len, sizeof tried - len, "%s%s: %s",
                     i > 0 ? "; " : "", places->items[i].text, reason.message);
        len = more > 0 && (size_t)more < sizeof tried - len ? len + (size_t)more
                                                            : len;
    }
    if (is_absent(status) && places->count > 1) {
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE, "%s", tried);
    }
    if (error != NULL) {
        *error = reason;
    }
    return status;
}

/* At least a byte: methods without a result may have replies too. */
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

static int client_new(const shmrpc_service *service, size_t max_message_bytes,
                      shmrpc_client **out, shmrpc_error *error)
{
    shmrpc_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    client->service = service;
    client->methods =
        calloc((size_t)service->method_count + 1, sizeof *client->methods);
    client->decode_limit = SHMRPCI_DECODE_LIMIT(max_message_bytes);
    client->pool = shmrpci_reply_pool_create(largest_result(service),
                                             client->decode_limit);
    shmrpci_call_clock_init(&client->clock);
    if (client->methods == NULL || client->pool == NULL) {
        shmrpc_stub_close(client);
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    for (uint32_t i = 0; i < service->method_count; i++) {
        const shmrpc_method *method = &service->methods[i];
        client->methods[i].codec = shmrpci_codec_of((uint32_t)method->encoding);
        if (client->methods[i].codec == NULL) {
            shmrpc_stub_close(client);
            return shmrpc_error_set(
                error, SHMRPC_E_UNIMPLEMENTED,
                "method %s: this library lacks its encoding", method->name);
        }
    }
    *out = client;
    return SHMRPC_OK;
}

static int connect_client(shmrpc_client *client,
                          const shmrpci_place_list *places,
                          const shmrpc_opts *opts, size_t max_message_bytes,
                          shmrpc_error *error)
{
    shmrpci_buf hello;
    int64_t timeout_ns = opts->timeout_ns;
    client->timeout_ns =
        timeout_ns != 0 ? timeout_ns : SHMRPC_DEFAULT_TIMEOUT_NS;
    if (timeout_ns == 0 || timeout_ns > CONNECT_TIMEOUT_NS) {
        timeout_ns = CONNECT_TIMEOUT_NS;
    }
    shmrpci_buf_init_heap(&hello);
    shmrpci_hello_write(client->service->hash, client->service->id, &hello);
    shmrpci_connect_opts connect_opts = {
        .deadline_ns = shmrpci_deadline_after(timeout_ns),
        .profile = opts->profile,
        .max_message_bytes = max_message_bytes,
        .hello = hello.data,
        .hello_len = hello.len,
    };
    int status = hello.status == SHMRPC_OK
                     ? connect_any(client, places, &connect_opts, error)
                     : shmrpc_error_set(error, hello.status, "out of memory");
    shmrpci_buf_fini(&hello);
    return status;
}

int shmrpc_stub_connect(const shmrpc_service *service, const char *where,
                        const shmrpc_opts *defaults, shmrpc_client **out,
                        shmrpc_error *error)
{
    shmrpc_opts opts = defaults != NULL ? *defaults : (shmrpc_opts){0};
    shmrpci_place_list places;
    shmrpc_client *client = NULL;
    if (opts.timeout_ns < 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "timeout_ns is negative");
    }
    size_t max_message_bytes = opts.max_message_bytes != 0
                                   ? opts.max_message_bytes
                                   : SHMRPC_DEFAULT_MAX_MESSAGE_BYTES;
    int status = shmrpci_places_parse(where, service, &places, error);
    if (status == SHMRPC_OK) {
        status = client_new(service, max_message_bytes, &client, error);
    }
    if (status == SHMRPC_OK) {
        status =
            connect_client(client, &places, &opts, max_message_bytes, error);
    }
    if (status != SHMRPC_OK) {
        shmrpc_stub_close(client);
        return status;
    }
    *out = client;
    return SHMRPC_OK;
}

void shmrpc_stub_close(shmrpc_client *client)
{
    if (client == NULL) {
        return;
    }
    if (client->conn != NULL) {
        client->transport->disconnect(client->conn);
    }
    shmrpci_reply_pool_close(client->pool);
    free(client->methods);
    free(client);
}
