/* Asks the gateways of a cluster. */
#include "tools/common/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_text.h"
#include "codec/codec.h"
#include "os/clock.h"
#include "rpc/address.h"
#include "shmrpc/types.h"
#include "transport/nats/pump.h"

/* The most memory that an answer may take while it is read. */
#define ANSWER_ARENA_BYTES ((size_t)16 << 20)

#define CONNECT_MS 3000
#define ASK_NS     (2 * SHMRPCI_NS_PER_S)
#define QUIET_NS   (300 * SHMRPCI_NS_PER_MS)

/* A question, and the answers so far. */
typedef struct asking {
    tool_gateways *out;
    size_t room;
    int64_t heard_ns; /* time of the last answer; 0: none so far */
    bool is_nobody;   /* NATS has reported that there are no responders */
    bool no_memory;
} asking;

/* ---- answers ----------------------------------------------------------- */

/* Copies a text that a stranger wrote, so that it is harmless on a terminal. */
static void copy_text(const shmrpc_any *map, const char *key, char *out,
                      size_t size)
{
    const shmrpc_any *value = shmrpc_any_find(map, key);
    size_t len = 0;
    if (value != NULL && value->kind == SHMRPC_ANY_STR) {
        while (len < value->u.str.len && len + 1 < size) {
            unsigned char c = (unsigned char)value->u.str.ptr[len];
            out[len++] = (char)(c <= ' ' || c >= 0x7f ? '?' : c);
        }
    }
    out[len] = '\0';
}

/* Returns 0 if the number is missing, negative, or not a number: a stranger's
 * bad counter is not worth an error. */
static uint64_t number_of(const shmrpc_any *map, const char *key)
{
    const shmrpc_any *value = shmrpc_any_find(map, key);
    return value == NULL                   ? 0
           : value->kind == SHMRPC_ANY_U64 ? value->u.u64
           : value->kind == SHMRPC_ANY_I64 && value->u.i64 > 0
               ? (uint64_t)value->u.i64
               : 0;
}

/* The endpoint "link" is for clients that use shmrpc, and has the gateway's
 * counts. Each of the other endpoints is a method. */
static void take_endpoint(const shmrpc_any *endpoint, tool_gateway *out)
{
    const shmrpc_any *data = shmrpc_any_find(endpoint, "data");
    uint64_t requests = number_of(endpoint, "num_requests");
    if (data == NULL) {
        out->requests += requests;
        return;
    }
    out->messages = requests;
    out->calls = number_of(data, "calls_in_progress");
    out->links = number_of(data, "links");
}

/* Returns false if the answer is not from one of our gateways. */
static bool take_answer(const shmrpc_any *answer, tool_gateway *out)
{
    const shmrpc_any *metadata = shmrpc_any_find(answer, "metadata");
    const shmrpc_any *endpoints = shmrpc_any_find(answer, "endpoints");
    *out = (tool_gateway){.calls = 0};
    copy_text(metadata, "shmrpc.service", out->service, sizeof out->service);
    copy_text(metadata, "shmrpc.hash", out->hash, sizeof out->hash);
    copy_text(metadata, "host", out->host, sizeof out->host);
    copy_text(metadata, "zone", out->zone, sizeof out->zone);
    copy_text(answer, "id", out->id, sizeof out->id);
    copy_text(answer, "version", out->version, sizeof out->version);
    out->version[strcspn(out->version, ".")] = '\0';
    if (strspn(out->hash, "0") == strlen(out->hash)) {
        out->hash[0] = '\0';
    }
    for (size_t i = 0;
         endpoints != NULL && endpoints->kind == SHMRPC_ANY_LIST &&
         i < endpoints->u.list.len;
         i++) {
        take_endpoint(&endpoints->u.list.ptr[i], out);
    }
    return out->service[0] != '\0' && out->id[0] != '\0';
}

/* Gateways beyond the limit are dropped, because a stranger may pretend to be
 * any number of them. */
static void keep(asking *a, const tool_gateway *one)
{
    if (a->out->count == a->room) {
        size_t room = a->room == 0 ? 16 : a->room * 2;
        tool_gateway *items = room <= TOOL_GATEWAYS_MAX
                                  ? realloc(a->out->items, room * sizeof *items)
                                  : NULL;
        if (items == NULL) {
            a->no_memory = room <= TOOL_GATEWAYS_MAX;
            return;
        }
        a->out->items = items;
        a->room = room;
    }
    a->out->items[a->out->count++] = *one;
}

/* An answer that can't be read comes from a service that is not ours. */
static void on_message(void *user, uint32_t inbox, nats_result result,
                       const nats_message *message, const nats_parcel *parcel)
{
    asking *a = user;
    shmrpci_arena arena;
    shmrpc_any answer;
    tool_gateway one;
    (void)inbox, (void)parcel;
    a->is_nobody |= result == NATS_NOBODY;
    if (result != NATS_DONE || message == NULL) {
        return;
    }
    a->heard_ns = shmrpci_now_ns();
    shmrpci_arena_init(&arena, ANSWER_ARENA_BYTES);
    if (shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                ->decode(&shmrpc_type_any, message->data, message->len, "",
                         &arena, &answer, NULL) == SHMRPC_OK &&
        take_answer(&answer, &one)) {
        keep(a, &one);
    }
    shmrpci_arena_fini(&arena);
}

/* ---- asking ------------------------------------------------------------ */

/* The servers of one cluster form one address. The name of the service in this
 * address does not matter. */
static int find_servers(const char *servers, shmrpci_address *out,
                        shmrpc_error *error)
{
    const shmrpc_service nobody = {.name = "x", .id = ""};
    shmrpci_place_list list;
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    tool_cluster_at(servers, "", &text);
    int status =
        shmrpci_places_parse(shmrpci_buf_text(&text), &nobody, &list, error);
    shmrpci_buf_fini(&text);
    if (status != SHMRPC_OK) {
        return status;
    }
    *out = list.items[0].address;
    if (out->transport == NULL || list.count != 1 ||
        strcmp(out->transport->scheme, "nats") != 0) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "expected nats:// addresses of the servers of one cluster, all "
            "with the same options after `?`");
    }
    return SHMRPC_OK;
}

static int open_pump(const char *servers, asking *a, nats_pump **out,
                     shmrpc_error *error)
{
    shmrpci_address at;
    int status = find_servers(servers, &at, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    nats_pump_opts opts = {.carrier = {.servers = at.host,
                                       .name = "shmrpc",
                                       .creds_file = at.creds_file,
                                       .nkey_file = at.key_file,
                                       .ca_file = at.ca_file,
                                       .cert_file = at.cert_file,
                                       .timeout_ms = CONNECT_MS},
                           .on_message = on_message,
                           .user = a};
    return nats_pump_create(&opts, out, error);
}

/* Waits until no answer has arrived for a while, or NATS reports no
 * responders. */
static void collect(nats_pump *pump, asking *a)
{
    int64_t begun_ns = shmrpci_now_ns();
    for (;;) {
        int64_t now_ns = shmrpci_now_ns();
        int64_t until_ns = begun_ns + ASK_NS;
        if (a->heard_ns != 0 && a->heard_ns + QUIET_NS < until_ns) {
            until_ns = a->heard_ns + QUIET_NS;
        }
        if (now_ns >= until_ns || a->is_nobody) {
            return;
        }
        nats_pump_round(pump, until_ns);
    }
}

/* Compares the id last, so that rows keep their order between questions. */
static int compare(const void *a, const void *b)
{
    const tool_gateway *left = a;
    const tool_gateway *right = b;
    int order = strcmp(left->service, right->service);
    order = order != 0 ? order : strcmp(left->host, right->host);
    return order != 0 ? order : strcmp(left->id, right->id);
}

/* Answers arrive at an inbox of our own, in any order and number. */
static int ask(nats_pump *pump, asking *a, shmrpc_error *error)
{
    char inbox[NATS_SUBJECT_BYTES];
    int status = nats_pump_new_subject(pump, inbox, error);
    if (status == SHMRPC_OK) {
        status = nats_pump_subscribe(pump, inbox, NULL, error);
    }
    if (status == SHMRPC_OK) {
        (void)nats_pump_ask(pump, "$SRV.STATS", inbox);
        collect(pump, a);
    }
    if (status == SHMRPC_OK && a->no_memory) {
        status = shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    if (status == SHMRPC_OK && a->out->count > 0) {
        qsort(a->out->items, a->out->count, sizeof *a->out->items, compare);
    }
    return status;
}

int tool_cluster_ask(const char *servers, tool_gateways *out,
                     shmrpc_error *error)
{
    asking a = {.out = out};
    nats_pump *pump = NULL;
    *out = (tool_gateways){.items = NULL};
    int status = open_pump(servers, &a, &pump, error);
    if (status == SHMRPC_OK) {
        status = ask(pump, &a, error);
    }
    nats_pump_destroy(pump);
    if (status != SHMRPC_OK) {
        tool_cluster_free(out);
    }
    return status;
}

int tool_cluster_check(const char *servers, shmrpc_error *error)
{
    shmrpci_address at;
    return find_servers(servers, &at, error);
}

void tool_cluster_free(tool_gateways *gateways)
{
    free(gateways->items);
    *gateways = (tool_gateways){.items = NULL};
}

/* ---- servers and lists ------------------------------------------------- */

/* The value of the environment variable if it is set, else this machine's own
 * server. */
const char *tool_cluster_usual(void)
{
    const char *servers = getenv("SHMRPC_NATS");
    return servers != NULL && servers[0] != '\0' ? servers : "nats://127.0.0.1";
}

void tool_cluster_at(const char *servers, const char *service, shmrpci_buf *out)
{
    const char *at = servers != NULL ? servers : tool_cluster_usual();
    const char *slash = service[0] != '\0' ? "/" : "";
    do {
        at += strspn(at, ", ");
        size_t len = strcspn(at, ",");
        size_t place = strcspn(at, "?,");
        const char *scheme = strstr(at, "://");
        bool has_scheme = scheme != NULL && scheme < at + place;
        shmrpci_buf_printf(out, "%s%s%.*s%s%s%.*s", out->len > 0 ? "," : "",
                           has_scheme ? "" : "nats://", (int)place, at, slash,
                           service, (int)(len - place), at + place);
        at += len;
    } while (*at != '\0');
}

bool tool_cluster_differs(const tool_gateways *all, const tool_gateway *one)
{
    for (size_t i = 0; i < all->count; i++) {
        const tool_gateway *other = &all->items[i];
        if (strcmp(other->service, one->service) == 0 &&
            strcmp(other->hash, one->hash) != 0 && other->hash[0] != '\0' &&
            one->hash[0] != '\0') {
            return true;
        }
    }
    return false;
}

/* Control characters were replaced when the texts arrived; JSON escapes the
 * rest. */
void tool_gateway_append(const tool_gateways *all, const tool_gateway *one,
                         shmrpci_buf *out)
{
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_text(out, "service", one->service);
    shmrpci_json_set_text(out, "host", one->host);
    shmrpci_json_set_text(out, "zone", one->zone);
    shmrpci_json_set_text(out, "instance", one->id);
    shmrpci_json_set_uint(out, "calls", one->calls);
    shmrpci_json_set_uint(out, "links", one->links);
    shmrpci_json_set_uint(out, "messages", one->messages);
    shmrpci_json_set_uint(out, "requests", one->requests);
    shmrpci_json_set_text(out, "version", one->version);
    shmrpci_json_set_text(out, "hash", one->hash);
    shmrpci_json_set_bool(out, "differs", tool_cluster_differs(all, one));
    shmrpci_buf_append_char(out, '}');
}
