/*
 * ADR-32 of NATS: describes a service in JSON, so that NATS's own tools list
 * it.
 *
 * Anybody may ask, so answers contain only names, signatures and counts.
 */
#include "tools/shmrpc-nats/announce.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json_text.h"
#include "codec/contract_form.h"

/* Maximum memory that a contract may take while it is read. */
#define ARENA_BYTES ((size_t)16 << 20)

/* The three verbs of $SRV; NONE: the subject is not for us. */
typedef enum question {
    QUESTION_NONE,
    QUESTION_PING,
    QUESTION_INFO,
    QUESTION_STATS
} question;

/* ---- subjects ---------------------------------------------------------- */

/* Takes `token` and the dot after it off the front of *at. */
static bool take_token(const char **at, const char *token)
{
    size_t len = strlen(token);
    if (strncmp(*at, token, len) != 0 ||
        ((*at)[len] != '\0' && (*at)[len] != '.')) {
        return false;
    }
    *at += len + ((*at)[len] == '.' ? 1 : 0);
    return true;
}

/* Parses $SRV.WHAT[.NAME[.ID]]. */
static question question_of(const gate *g, const char *subject)
{
    static const struct {
        const char *name;
        question what;
    } verbs[] = {{"PING", QUESTION_PING},
                 {"INFO", QUESTION_INFO},
                 {"STATS", QUESTION_STATS}};
    char token[130];
    const char *at = subject;
    question what = QUESTION_NONE;
    nats_token_of(g->name, token, sizeof token);
    if (!take_token(&at, "$SRV")) {
        return QUESTION_NONE;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (what == QUESTION_NONE && take_token(&at, verbs[i].name)) {
            what = verbs[i].what;
        }
    }
    if (*at != '\0' && !take_token(&at, token)) {
        return QUESTION_NONE;
    }
    if (*at != '\0' && !take_token(&at, g->who.id)) {
        return QUESTION_NONE;
    }
    return *at == '\0' ? what : QUESTION_NONE;
}

/* ---- writing ----------------------------------------------------------- */

/* Writes what distinguishes the instances of a service: the hash of the
 * contract, which tells shmrpc clients whether they know the methods, the
 * instance's name, the host and the zone. */
static void put_metadata(const gate *g, uint64_t hash, shmrpci_buf *out)
{
    char digits[17];
    const char *instance = strchr(g->service, '@');
    (void)snprintf(digits, sizeof digits, "%016" PRIx64, hash);
    shmrpci_json_key(out, "metadata");
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_text(out, "shmrpc.hash", digits);
    shmrpci_json_set_text(out, "shmrpc.service", g->name);
    if (instance != NULL) {
        shmrpci_json_set_text(out, "shmrpc.instance", instance + 1);
    }
    shmrpci_json_set_text(out, "host", g->who.host);
    shmrpci_json_set_text(out, "zone", g->who.zone);
    shmrpci_buf_append_char(out, '}');
}

/* Writes the members with which all three answers begin. NATS requires versions
 * in SemVer form. */
static void put_head(const gate *g, const char *type, uint32_t version,
                     uint64_t hash, shmrpci_buf *out)
{
    char text[130];
    shmrpci_buf_append_char(out, '{');
    (void)snprintf(text, sizeof text, "io.nats.micro.v1.%s_response", type);
    shmrpci_json_set_text(out, "type", text);
    nats_token_of(g->name, text, sizeof text);
    shmrpci_json_set_text(out, "name", text);
    shmrpci_json_set_text(out, "id", g->who.id);
    (void)snprintf(text, sizeof text, "%u.0.0", version);
    shmrpci_json_set_text(out, "version", text);
    put_metadata(g, hash, out);
}

/* Writes a member whose text is not terminated. */
static void put_str(shmrpci_buf *out, const char *key, shmrpc_str text)
{
    shmrpci_json_key(out, key);
    shmrpci_json_string(out, text.ptr, text.len);
}

/* Writes the subject on which clients without shmrpc call a method. A method
 * with streams is listed too; it answers that it can't be called that way. */
static void put_place(const gate *g, const shmrpci_contract_method *method,
                      shmrpci_buf *out)
{
    char name[64];
    char subject[NATS_SUBJECT_BYTES];
    (void)snprintf(name, sizeof name, "%.*s", (int)method->name.len,
                   method->name.ptr);
    nats_subject_call(g->name, name, subject);
    put_str(out, "name", method->name);
    shmrpci_json_set_text(out, "subject", subject);
    shmrpci_json_set_text(out, "queue_group", GATE_QUEUE);
}

static void put_endpoint(const gate *g, const shmrpci_contract_method *method,
                         shmrpci_buf *out)
{
    shmrpci_json_comma(out);
    shmrpci_buf_append_char(out, '{');
    put_place(g, method, out);
    shmrpci_json_key(out, "metadata");
    shmrpci_buf_append_char(out, '{');
    put_str(out, "signature", method->signature);
    shmrpci_json_set_text(out, "instance", g->instance);
    shmrpci_buf_append_text(out, "}}");
}

/* Writes no endpoints until the service has sent its contract. */
static void put_endpoints(const gate *g, const shmrpci_contract *contract,
                          shmrpci_buf *out)
{
    shmrpci_json_key(out, "endpoints");
    shmrpci_buf_append_char(out, '[');
    for (size_t i = 0; contract != NULL && i < contract->methods.len; i++) {
        put_endpoint(g, &contract->methods.ptr[i], out);
    }
    shmrpci_buf_append_char(out, ']');
}

/* Writes counts of the gateway that ADR-32 does not require. */
static void put_counts(gate *g, const nats_counts *counts, shmrpci_buf *out)
{
    shmrpci_json_key(out, "data");
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_uint(out, "calls_in_progress", gate_calls(g));
    shmrpci_json_set_uint(out, "links", nats_pump_links(g->pump));
    shmrpci_json_set_uint(out, "links_opened", counts->links);
    shmrpci_json_set_uint(out, "links_cut_by_gaps", counts->gaps);
    shmrpci_json_set_uint(out, "messages_out", counts->messages_out);
    shmrpci_buf_append_char(out, '}');
}

/* Calls of clients without shmrpc are counted by method. Of the last error only
 * the name is shown, since anybody may ask. */
static void put_method_stats(gate *g, const shmrpci_contract_method *method,
                             shmrpci_buf *out)
{
    foreign_counts counts;
    foreign_count(g->foreign, method->name.ptr, method->name.len, &counts);
    shmrpci_json_comma(out);
    shmrpci_buf_append_char(out, '{');
    put_place(g, method, out);
    shmrpci_json_set_uint(out, "num_requests", counts.requests);
    shmrpci_json_set_uint(out, "num_errors", counts.errors);
    shmrpci_json_set_text(out, "last_error", counts.last_error);
    shmrpci_json_set_uint(out, "processing_time", counts.total_ns);
    shmrpci_json_set_uint(
        out, "average_processing_time",
        counts.requests > 0 ? counts.total_ns / counts.requests : 0);
    shmrpci_buf_append_char(out, '}');
}

/* For our own clients the gateway counts messages and links, as the endpoint
 * "link". Their calls are in the service's own statistics. */
static void put_stats(gate *g, const shmrpci_contract *contract,
                      shmrpci_buf *out)
{
    char started[32] = "";
    time_t at = (time_t)g->started_s;
    struct tm utc;
    nats_counts counts;
    nats_pump_count(g->pump, &counts);
    if (gmtime_r(&at, &utc) != NULL) {
        (void)strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    shmrpci_json_set_text(out, "started", started);
    shmrpci_json_key(out, "endpoints");
    shmrpci_buf_append_text(out, "[{");
    shmrpci_json_set_text(out, "name", "link");
    shmrpci_json_set_text(out, "subject", g->instance);
    shmrpci_json_set_text(out, "queue_group", "");
    shmrpci_json_set_uint(out, "num_requests", counts.messages_in);
    shmrpci_json_set_uint(out, "num_errors", counts.refused);
    shmrpci_json_set_text(out, "last_error", "");
    shmrpci_json_set_uint(out, "processing_time", 0);
    shmrpci_json_set_uint(out, "average_processing_time", 0);
    put_counts(g, &counts, out);
    shmrpci_buf_append_char(out, '}');
    for (size_t i = 0; contract != NULL && i < contract->methods.len; i++) {
        put_method_stats(g, &contract->methods.ptr[i], out);
    }
    shmrpci_buf_append_char(out, ']');
}

/* Reads the contract each time, since it may have changed. */
static void put_answer(gate *g, question what, shmrpci_buf *out)
{
    shmrpci_arena arena;
    const shmrpci_contract *contract = NULL;
    uint64_t hash = 0;
    shmrpci_arena_init(&arena, ARENA_BYTES);
    if (greeting_contract(&g->greeting, &arena, &contract, &hash) !=
        SHMRPC_OK) {
        contract = NULL;
    }
    uint32_t version = contract != NULL ? contract->version : 0;
    switch (what) {
    case QUESTION_PING:
        put_head(g, "ping", version, hash, out);
        break;
    case QUESTION_INFO:
        put_head(g, "info", version, hash, out);
        shmrpci_json_set_text(out, "description", "");
        put_endpoints(g, contract, out);
        break;
    case QUESTION_STATS:
        put_head(g, "stats", version, hash, out);
        put_stats(g, contract, out);
        break;
    case QUESTION_NONE:
        break;
    }
    shmrpci_buf_append_char(out, '}');
    shmrpci_arena_fini(&arena);
}

/* Drops a request that has no inbox for the answer. Also drops it if memory for
 * the answer runs out; the sender will then ask again. */
void announce_answer(gate *g, const nats_message *message)
{
    question what = question_of(g, message->subject);
    if (what == QUESTION_NONE || message->reply == NULL) {
        return;
    }
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    put_answer(g, what, &out);
    if (out.status == SHMRPC_OK) {
        (void)nats_pump_publish(g->pump, message->reply, out.data, out.len);
    }
    shmrpci_buf_fini(&out);
}
