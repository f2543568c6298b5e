/*
 * Compares the methods of two contracts. README.md of this folder states the
 * rules for users; the tests have a pair of contracts for each rule.
 *
 * Compares in one direction: every method of the client must exist at the
 * server and mean the same. Methods that only the server has don't matter.
 * Messages are for the developer of the client, so "here" is the client's
 * `.svc`.
 *
 * Each part of a method sets who writes it (`client_writes`), because most
 * rules differ for reader and writer: the client writes parameters and the
 * items that it sends, the server writes results, returned items and errors.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/codec.h"
#include "codec/contract_types.h"

typedef shmrpci_contract_method method_form;
typedef shmrpci_contract_error error_form;
typedef shmrpci_comparison comparison;

#define NAME(str) (int)(str).len, (str).ptr

/* Whether both sides have a stream in this direction, or neither has. */
static bool same_streams(const method_form *client, const method_form *server,
                         uint32_t flag)
{
    return ((client->flags ^ server->flags) & flag) == 0;
}

/* Compares the values that the server writes when the method returns. */
static int compare_results(comparison *cmp, const method_form *client,
                           const method_form *server)
{
    if (!same_streams(client, server, SHMRPC_METHOD_STREAMS_OUT)) {
        return SHMRPC_OK; /* one side has a stream instead, which has been
                           * reported */
    }
    cmp->client_writes = false;
    cmp->part = "";
    size_t old = shmrpci_contract_push(cmp, "", shmrpc_str_of("result"));
    int status = SHMRPC_OK;
    if (client->has_result != server->has_result) {
        status = shmrpci_contract_differ(
            cmp, SHMRPCI_DIFFERENCE_RESULT, "is %s here and %s at the server",
            client->has_result ? "something" : "nothing",
            server->has_result ? "something" : "nothing");
    } else if (client->has_result) {
        status =
            shmrpci_contract_compare_types(cmp, client->result, server->result);
    }
    shmrpci_contract_pop(cmp, old);
    return status;
}

/* Compares the streams of one direction by the types of their items, as for
 * parameters and results. If only one side has a stream, compare_streams has
 * reported that. */
static int compare_items(comparison *cmp, const method_form *client,
                         const method_form *server, bool to_server)
{
    uint32_t flag =
        to_server ? SHMRPC_METHOD_STREAMS_IN : SHMRPC_METHOD_STREAMS_OUT;
    if (!same_streams(client, server, flag) || (client->flags & flag) == 0) {
        return SHMRPC_OK;
    }
    cmp->client_writes = to_server;
    cmp->is_in_items = true;
    cmp->part = to_server ? "sent " : "returned ";
    size_t old = shmrpci_contract_push(cmp, "", shmrpc_str_of("item"));
    int status = shmrpci_contract_compare_types(
        cmp, to_server ? client->items_in : client->items_out,
        to_server ? server->items_in : server->items_out);
    shmrpci_contract_pop(cmp, old);
    cmp->is_in_items = false;
    return status;
}

/* Two declared errors are the same error if either the name or the number
 * agrees; then everything else must agree, too. Errors with nothing in common
 * are compatible. */
static int compare_error(comparison *cmp, const error_form *client,
                         const error_form *server)
{
    bool same_name = shmrpc_str_equal(client->name, server->name);
    if (!same_name && client->number != server->number) {
        return SHMRPC_OK;
    }
    size_t old = shmrpci_contract_push(cmp, "", client->name);
    cmp->here = (shmrpci_difference_place){.owner = client->name};
    cmp->there = (shmrpci_difference_place){.owner = server->name};
    int status = SHMRPC_OK;
    if (!same_name) {
        status = shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_ERROR,
                                         "(%" PRId32
                                         ") is called %.*s at the server",
                                         client->number, NAME(server->name));
    } else if (client->number != server->number) {
        status = shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_ERROR,
                                         "is %" PRId32 " here and %" PRId32
                                         " at the server",
                                         client->number, server->number);
    } else if (client->has_payload != server->has_payload) {
        status = shmrpci_contract_differ(
            cmp, SHMRPCI_DIFFERENCE_DETAILS,
            "carries %s here and %s at the server",
            client->has_payload ? "details" : "nothing",
            server->has_payload ? "details" : "nothing");
    } else if (client->has_payload) {
        status = shmrpci_contract_compare_types(cmp, client->payload,
                                                server->payload);
    }
    shmrpci_contract_pop(cmp, old);
    return status;
}

/* Errors that only one side declares are compatible: the client passes on a
 * number that it doesn't know, and the server never sends an error that only
 * the client declares. */
static int compare_errors(comparison *cmp, const method_form *client,
                          const method_form *server)
{
    int status = SHMRPC_OK;
    cmp->client_writes = false;
    cmp->part = "error ";
    for (size_t i = 0; i < client->throws.len; i++) {
        const error_form *mine =
            &cmp->client->errors.ptr[client->throws.ptr[i]];
        for (size_t j = 0; status == SHMRPC_OK && j < server->throws.len; j++) {
            status = compare_error(
                cmp, mine, &cmp->server->errors.ptr[server->throws.ptr[j]]);
        }
    }
    return status;
}

/* `encoding` may come from a peer, so it may be unknown. */
static const char *encoding_text(uint8_t encoding)
{
    const shmrpci_codec *codec = shmrpci_codec_of(encoding);
    return codec != NULL ? codec->name : "unknown";
}

static int compare_streams(comparison *cmp, const method_form *client,
                           const method_form *server, bool to_server)
{
    uint32_t flag =
        to_server ? SHMRPC_METHOD_STREAMS_IN : SHMRPC_METHOD_STREAMS_OUT;
    if (same_streams(client, server, flag)) {
        return SHMRPC_OK;
    }
    bool here = (client->flags & flag) != 0;
    return shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_STREAM,
                                   "%s %s stream here and %s at the server",
                                   to_server ? "takes" : "returns",
                                   here ? "a" : "no", here ? "none" : "one");
}

/* Compares the properties that must agree before types are compared, because
 * the rules for types depend on the encoding. With a listener all differences
 * are reported. */
static int compare_head(comparison *cmp, const method_form *client,
                        const method_form *server)
{
    int status = SHMRPC_OK;
    cmp->part = "";
    if (client->encoding != server->encoding) {
        status = shmrpci_contract_differ(
            cmp, SHMRPCI_DIFFERENCE_ENCODING, "is %s here and %s at the server",
            encoding_text(client->encoding), encoding_text(server->encoding));
    }
    if (status == SHMRPC_OK &&
        ((client->flags ^ server->flags) & SHMRPC_METHOD_ONEWAY) != 0) {
        bool here = (client->flags & SHMRPC_METHOD_ONEWAY) != 0;
        status = shmrpci_contract_differ(
            cmp, SHMRPCI_DIFFERENCE_ONEWAY, "is %s here and %s at the server",
            here ? "oneway" : "answered", here ? "answered" : "oneway");
    }
    if (status == SHMRPC_OK) {
        status = compare_streams(cmp, client, server, true);
    }
    if (status == SHMRPC_OK) {
        status = compare_streams(cmp, client, server, false);
    }
    if (status == SHMRPC_OK &&
        /* Checked in one direction only: a client that doesn't know that it may
         * retry is safe. */
        (client->flags & ~server->flags & SHMRPC_METHOD_IDEMPOTENT) != 0) {
        status =
            shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_IDEMPOTENT,
                                    "is idempotent here and not at the server");
    }
    return status;
}

/* Begins a method. Both places are empty, which stands for the method itself,
 * until the comparison enters a named type. */
static void enter_method(comparison *cmp, shmrpc_str name, uint8_t encoding)
{
    cmp->method = name;
    cmp->encoding = encoding;
    cmp->here = (shmrpci_difference_place){.owner = {.len = 0}};
    cmp->there = cmp->here;
}

/* Compares the parts in the order in which people read a method. Without a
 * listener the comparison ends at the first difference. */
static int compare_method(comparison *cmp, const method_form *client,
                          const method_form *server)
{
    enter_method(cmp, client->name, client->encoding);
    int status = compare_head(cmp, client, server);
    if (status == SHMRPC_OK) {
        cmp->client_writes = true;
        cmp->part = "parameter ";
        status =
            shmrpci_contract_compare_types(cmp, client->params, server->params);
    }
    if (status == SHMRPC_OK) {
        status = compare_items(cmp, client, server, true);
    }
    if (status == SHMRPC_OK) {
        status = compare_results(cmp, client, server);
    }
    if (status == SHMRPC_OK) {
        status = compare_items(cmp, client, server, false);
    }
    return status == SHMRPC_OK ? compare_errors(cmp, client, server) : status;
}

static size_t method_by_name(const shmrpci_contract *contract, shmrpc_str name)
{
    for (size_t i = 0; i < contract->methods.len; i++) {
        if (shmrpc_str_equal(contract->methods.ptr[i].name, name)) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* Reports a missing method, and names the server's methods that the client
 * doesn't know, as many as fit the message: a renamed method is most likely
 * among them. */
static int method_missing(comparison *cmp, shmrpc_str name)
{
    char offers[96] = "";
    size_t len = 0;
    for (size_t i = 0; i < cmp->server->methods.len; i++) {
        shmrpc_str other = cmp->server->methods.ptr[i].name;
        if (method_by_name(cmp->client, other) == SIZE_MAX &&
            len + other.len + 2 < sizeof offers) {
            len += (size_t)snprintf(offers + len, sizeof offers - len, "%s%.*s",
                                    len > 0 ? ", " : "", NAME(other));
        }
    }
    enter_method(cmp, name, 0);
    cmp->part = "";
    return shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_METHOD,
                                   "unknown to the server%s%s",
                                   len > 0 ? ", which has " : "", offers);
}

static int compare_all(comparison *cmp, uint32_t *method_ids)
{
    int status = SHMRPC_OK;
    const shmrpci_contract *client = cmp->client;
    for (size_t i = 0; status == SHMRPC_OK && i < client->methods.len; i++) {
        const method_form *mine = &client->methods.ptr[i];
        size_t at = method_by_name(cmp->server, mine->name);
        status = at == SIZE_MAX
                     ? method_missing(cmp, mine->name)
                     : compare_method(cmp, mine, &cmp->server->methods.ptr[at]);
        /* Ids count from 1; SIZE_MAX becomes 0, which is no method. */
        method_ids[i] = (uint32_t)at + 1;
    }
    free(cmp->seen.slots);
    return status;
}

int shmrpci_contract_compare(const shmrpci_contract *client,
                             const shmrpci_contract *server,
                             uint32_t *method_ids, shmrpc_error *error)
{
    comparison cmp = {.client = client, .server = server, .error = error};
    return compare_all(&cmp, method_ids);
}

int shmrpci_contract_compare_each(const shmrpci_contract *client,
                                  const shmrpci_contract *server,
                                  uint32_t *method_ids)
{
    int status = SHMRPC_OK;
    for (size_t i = 0; i < client->methods.len && status != SHMRPC_E_NO_MEMORY;
         i++) {
        const method_form *mine = &client->methods.ptr[i];
        size_t at = method_by_name(server, mine->name);
        shmrpc_error why;
        /* Each method gets a new set of compared pairs: a pair that was found
         * to differ counts as compared, and would wrongly pass in the next
         * method. */
        comparison cmp = {.client = client, .server = server, .error = &why};
        status = at == SIZE_MAX
                     ? (int)SHMRPC_E_CONTRACT
                     : compare_method(&cmp, mine, &server->methods.ptr[at]);
        free(cmp.seen.slots);
        method_ids[i] = status == SHMRPC_OK ? (uint32_t)at + 1 : 0;
    }
    return status == SHMRPC_E_NO_MEMORY ? status : (int)SHMRPC_OK;
}

int shmrpci_contract_differences(const shmrpci_contract *client,
                                 const shmrpci_contract *server,
                                 uint32_t *method_ids,
                                 shmrpci_difference_fn *report, void *user)
{
    comparison cmp = {
        .client = client, .server = server, .report = report, .user = user};
    int status = compare_all(&cmp, method_ids);
    return status == SHMRPC_OK && cmp.differs ? SHMRPC_E_CONTRACT : status;
}
