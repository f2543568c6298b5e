/* Connects: goes through a list of places, exchanges hello and welcome, matches
 * the method tables. */
#include "rpc/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "codec/contract.h"
#include "os/clock.h"
#include "rpc/address.h"
#include "rpc/envelope.h"
#include "rpc/token.h"

static const shmrpc_type no_parameters = {
    .kind = SHMRPC_KIND_STRUCT, .size = 1, .align = 1, .name = ""};

const shmrpc_method shmrpci_ping = {.name = "_ping",
                                    .encoding = SHMRPC_ENCODING_RAW,
                                    .flags = SHMRPC_METHOD_IDEMPOTENT,
                                    .params = &no_parameters};

/* Memory limit for comparing a contract. */
#define CONTRACT_ARENA_BYTES (16 * SHMRPCI_CONTRACT_MAX_BYTES)

static int no_memory(shmrpc_error *error)
{
    return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
}

/* ---- agreeing on an interface -------------------------------------------- */

/* Stands in for the codec of a method that the server lacks or has with other
 * types. The error is set where the call is known (call_send.c). */
static int refuse(const shmrpc_type *type, const void *value, const char *name,
                  shmrpci_buf *out, shmrpc_error *error)
{
    (void)type;
    (void)value;
    (void)name;
    (void)out;
    (void)error;
    return SHMRPC_E_UNIMPLEMENTED;
}

/* Stands in for the decode function, as refuse does for encode. A loan's bytes
 * are checked by decoding them, so this function refuses the loan. */
static int refuse_loan(const shmrpc_type *type, const uint8_t *data, size_t len,
                       const char *name, shmrpci_arena *arena, void *value,
                       shmrpc_error *error)
{
    (void)type;
    (void)data;
    (void)len;
    (void)name;
    (void)arena;
    (void)value;
    (void)error;
    return SHMRPC_E_UNIMPLEMENTED;
}

static const shmrpci_codec absent = {
    .name = "absent", .encode = refuse, .decode = refuse_loan};

/* Compares the server's contract with ours and fills `ids`. */
static int compare_contracts(const shmrpc_service *service,
                             const shmrpci_welcome *welcome, bool is_partial,
                             uint32_t *ids, shmrpc_error *error)
{
    shmrpci_arena arena;
    const shmrpci_contract *ours;
    const shmrpci_contract *theirs;
    shmrpci_arena_init(&arena, CONTRACT_ARENA_BYTES);
    int status = shmrpci_contract_of(service, &arena, &ours);
    if (status != SHMRPC_OK) {
        (void)no_memory(error);
    } else {
        status = shmrpci_contract_decode(
            welcome->contract, welcome->contract_len, &arena, &theirs, error);
    }
    if (status == SHMRPC_OK) {
        status = is_partial
                     ? shmrpci_contract_compare_each(ours, theirs, ids)
                     : shmrpci_contract_compare(ours, theirs, ids, error);
    }
    shmrpci_arena_fini(&arena);
    return status;
}

/* Sets the server's ids of our methods, from the server's welcome. */
static int agree(shmrpci_link *link, const shmrpc_service *service,
                 const shmrpci_buf *answer, bool is_partial,
                 shmrpc_error *error)
{
    shmrpci_welcome welcome;
    int status =
        shmrpci_welcome_read(answer->data, answer->len, &welcome, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    uint32_t *ids = calloc((size_t)service->method_count + 1, sizeof *ids);
    if (ids == NULL) {
        return no_memory(error);
    }
    for (uint32_t i = 0; i < service->method_count; i++) {
        ids[i] = i + 1;
    }
    if (welcome.hash != service->hash) {
        status = compare_contracts(service, &welcome, is_partial, ids, error);
        link->head_flags = SHMRPCI_HEAD_NUMBERED;
    }
    for (uint32_t i = 0; i < service->method_count; i++) {
        shmrpci_link_method *method = &link->methods[i];
        method->id = ids[i];
        if (link->head_flags != 0) {
            method->codec = shmrpci_codec_numbered(method->codec);
        }
        if (method->id == 0) {
            method->codec = &absent;
        }
    }
    free(ids);
    return status;
}

/* Finds the requests and replies that need no codec. */
static void find_flat(shmrpci_link *link, const shmrpc_service *service)
{
    for (uint32_t i = 0; i < service->method_count; i++) {
        const shmrpc_method *method = &service->methods[i];
        shmrpci_link_method *own = &link->methods[i];
        own->request = shmrpci_flat_of(own->codec, method->params);
        own->reply = shmrpci_flat_of(own->codec, method->result);
    }
}

/* ---- the places ---------------------------------------------------------- */

/* Adds the address to the error, unless the transport named all places that it
 * tried. */
static void name_place(const shmrpci_place *place, int status,
                       const shmrpc_error *reason, shmrpc_error *error)
{
    (void)shmrpc_error_set(error, status, "%s%s%s",
                           status == SHMRPC_E_UNAVAILABLE ? "" : place->text,
                           status == SHMRPC_E_UNAVAILABLE ? "" : ": ",
                           reason->message);
}

/* Adds the token to the hello, if the place has one. */
static int show_token(const shmrpci_place *place, shmrpci_connect_opts *opts,
                      shmrpci_buf *hello, shmrpc_error *error)
{
    if (place->address.token_file[0] == '\0') {
        return SHMRPC_OK;
    }
    shmrpci_buf_append(hello, opts->hello, opts->hello_len);
    int status = shmrpci_token_write(place->address.token_file, hello, error);
    if (status == SHMRPC_OK && hello->status != SHMRPC_OK) {
        status = no_memory(error);
    }
    opts->hello = hello->data;
    opts->hello_len = hello->len;
    return status;
}

static int connect_place(shmrpci_link *link, const shmrpci_place *place,
                         const shmrpc_service *service,
                         const shmrpci_connect_opts *opts, bool is_partial,
                         shmrpc_error *error)
{
    const shmrpci_transport *transport = place->address.transport;
    SHMRPCI_ASSERT(link->conn == NULL, "a link has one connection, for good");
    if (transport == NULL) {
        return shmrpci_place_not_built(place, error);
    }
    shmrpc_error reason = {.path = ""};
    shmrpci_buf hello;
    shmrpci_buf welcome;
    shmrpci_buf_init_heap(&hello);
    shmrpci_buf_init_heap(&welcome);
    shmrpci_conn *conn = NULL;
    shmrpci_connect_opts own = *opts;
    int status = show_token(place, &own, &hello, &reason);
    if (status == SHMRPC_OK) {
        status = transport->client->connect(&place->address, &own, &conn,
                                            &welcome, &reason);
    }
    shmrpci_buf_fini(&hello);
    if (status != SHMRPC_OK) {
        name_place(place, status, &reason, error);
    } else if (welcome.status != SHMRPC_OK) {
        status = no_memory(error);
    } else {
        status = agree(link, service, &welcome, is_partial, error);
    }
    if (status == SHMRPC_OK) {
        link->conn = conn;
        link->client = transport->client;
        link->shared = transport->shared;
        find_flat(link, service);
        memcpy(link->where, place->text, sizeof link->where);
    } else if (conn != NULL) {
        transport->client->disconnect(conn);
    }
    shmrpci_buf_fini(&welcome);
    return status;
}

bool shmrpci_link_is_absent(int status)
{
    return status == SHMRPC_E_UNAVAILABLE || status == SHMRPC_E_DEADLINE;
}

/* Tries the places in order. The error names all that were tried. */
static int connect_any(shmrpci_link *link, const shmrpci_place_list *places,
                       const shmrpc_service *service,
                       const shmrpci_connect_opts *opts, bool is_partial,
                       shmrpc_error *error)
{
    int status = SHMRPC_E_UNAVAILABLE;
    shmrpc_error reason = {.path = ""};
    char tried[4 * SHMRPC_ERROR_MESSAGE_BYTES] = "";
    size_t len = 0;
    for (size_t i = 0; i < places->count; i++) {
        status = connect_place(link, &places->items[i], service, opts,
                               is_partial, &reason);
        if (status == SHMRPC_OK) {
            link->place = (uint32_t)i;
            return SHMRPC_OK;
        }
        if (!shmrpci_place_is_passed_over(status) || places->count == 1) {
            break;
        }
        bool is_named = status != SHMRPC_E_UNAVAILABLE;
        int more =
            snprintf(tried + len, sizeof tried - len, "%s%s%s%s",
                     i > 0 ? "; " : "", is_named ? "" : places->items[i].text,
                     is_named ? "" : ": ", reason.message);
        len = more > 0 && (size_t)more < sizeof tried - len ? len + (size_t)more
                                                            : len;
    }
    if (shmrpci_place_is_passed_over(status) && places->count > 1) {
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE, "%s", tried);
    }
    if (error != NULL) {
        *error = reason;
    }
    return status;
}

/* ---- links --------------------------------------------------------------- */

static int link_new(const shmrpc_service *service, shmrpci_link **out,
                    shmrpc_error *error)
{
    shmrpci_link *link = calloc(1, sizeof *link + (service->method_count + 1u) *
                                                      sizeof *link->methods);
    if (link == NULL) {
        return no_memory(error);
    }
    link->generation = shmrpci_fork_generation();
    for (uint32_t i = 0; i < service->method_count; i++) {
        const shmrpc_method *method = &service->methods[i];
        link->methods[i].codec = shmrpci_codec_of((uint32_t)method->encoding);
        if (link->methods[i].codec == NULL) {
            free(link);
            return shmrpc_error_set(
                error, SHMRPC_E_UNIMPLEMENTED,
                "method %s: this library lacks its encoding", method->name);
        }
    }
    link->methods[service->method_count] = (shmrpci_link_method){
        .codec = shmrpci_codec_of((uint32_t)shmrpci_ping.encoding),
        .id = SHMRPCI_METHOD_PING};
    *out = link;
    return SHMRPC_OK;
}

static int say_hello(shmrpci_link *link, const shmrpci_link_opts *opts,
                     const shmrpci_place_list *places, shmrpc_error *error)
{
    shmrpci_buf hello;
    shmrpci_buf_init_heap(&hello);
    shmrpci_hello_write(opts->service->hash, opts->service->id, &hello);
    shmrpci_connect_opts connect_opts = {
        .deadline_ns = opts->deadline_ns,
        .profile = opts->profile,
        .max_message_bytes = opts->max_message_bytes,
        .hello = hello.data,
        .hello_len = hello.len,
    };
    int status = hello.status == SHMRPC_OK
                     ? connect_any(link, places, opts->service, &connect_opts,
                                   opts->is_partial, error)
                     : no_memory(error);
    shmrpci_buf_fini(&hello);
    return status;
}

int shmrpci_link_open(const shmrpci_link_opts *opts, shmrpci_link **out,
                      shmrpc_error *error)
{
    shmrpci_place_list places;
    shmrpci_link *link = NULL;
    int status =
        shmrpci_places_parse(opts->where, opts->service, &places, error);
    if (opts->places != 0 && opts->places < places.count) {
        places.count = opts->places;
    }
    if (status == SHMRPC_OK) {
        status = link_new(opts->service, &link, error);
    }
    if (status == SHMRPC_OK) {
        status = say_hello(link, opts, &places, error);
    }
    if (status != SHMRPC_OK) {
        free(link);
        return status;
    }
    *out = link;
    return SHMRPC_OK;
}

/* A flag in `kept`. After it is set, dropping the last kept reply frees the
 * link. */
#define IS_CLOSED UINT32_C(0x80000000)

static void end(shmrpci_link *link)
{
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&link->kept) == IS_CLOSED,
                   "no reply is kept when a link is freed");
    link->client->disconnect(link->conn);
    free(link);
}

void shmrpci_link_close(shmrpci_link *link)
{
    SHMRPCI_ASSERT((shmrpci_load_relaxed(&link->kept) & IS_CLOSED) == 0,
                   "a link is closed once");
    /* Sequentially consistent: whichever of close and the last let_go comes
     * later sees the other's change, and frees the link. */
    if (shmrpci_or_seq(&link->kept, IS_CLOSED) == 0) {
        end(link);
    }
}

bool shmrpci_link_keep(shmrpci_link *link, shmrpci_call *call,
                       shmrpci_kept *out)
{
    if (link->shared == NULL || !link->shared->keep(call, out)) {
        return false;
    }
    SHMRPCI_ASSERT((shmrpci_load_relaxed(&link->kept) & IS_CLOSED) == 0,
                   "a link held by a call is open");
    /* Relaxed: the call holds the link. */
    (void)shmrpci_add_relaxed(&link->kept, 1u);
    return true;
}

void shmrpci_link_let_go(shmrpci_link *link, const shmrpci_kept *kept)
{
    if (shmrpci_link_is_ours(link)) {
        link->shared->let_go(link->conn, kept);
    }
    SHMRPCI_ASSERT((shmrpci_load_relaxed(&link->kept) & ~IS_CLOSED) > 0,
                   "only a kept link is let go");
    if (shmrpci_sub_seq(&link->kept, 1u) == (IS_CLOSED | 1u)) {
        end(link);
    }
}
