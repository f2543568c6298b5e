/* ADR-32: a service in JSON. */
#include "tools/shmrpc-nats/announce.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "codec/contract_form.h"

/* What a contract takes in memory while it is looked at. */
#define ARENA_BYTES ((size_t)16 << 20)

typedef enum question {
    QUESTION_NONE,
    QUESTION_PING,
    QUESTION_INFO,
    QUESTION_STATS
} question;

/* ---- whose ------------------------------------------------------------- */

/* Takes `token` and the dot behind it off the front. */
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

/* $SRV.WHAT[.NAME[.ID]] */
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

/* A text in JSON; what is not plain ASCII becomes a question mark. */
static void put_text(shmrpci_buf *out, const char *text, size_t len)
{
    shmrpci_buf_append_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '"' || c == '\\') {
            shmrpci_buf_append_char(out, '\\');
        }
        shmrpci_buf_append_char(out, c >= ' ' && c <= '~' ? c : '?');
    }
    shmrpci_buf_append_char(out, '"');
}

/* A member of an object, whose comma is the caller's business. */
static void put_member(shmrpci_buf *out, const char *name, const char *text)
{
    shmrpci_buf_printf(out, "\"%s\":", name);
    put_text(out, text, strlen(text));
}

static void put_metadata(const gate *g, uint64_t hash, shmrpci_buf *out)
{
    shmrpci_buf_printf(out, "\"metadata\":{\"shmrpc.hash\":\"%016" PRIx64 "\",",
                       hash);
    put_member(out, "shmrpc.service", g->name);
    shmrpci_buf_append_char(out, ',');
    put_member(out, "host", g->who.host);
    shmrpci_buf_append_char(out, ',');
    put_member(out, "zone", g->who.zone);
    shmrpci_buf_append_char(out, '}');
}

/* What all three answers begin with. Versions are SemVer there. */
static void put_head(const gate *g, const char *type, uint32_t version,
                     uint64_t hash, shmrpci_buf *out)
{
    char token[130];
    nats_token_of(g->name, token, sizeof token);
    shmrpci_buf_printf(out, "{\"type\":\"io.nats.micro.v1.%s_response\",",
                       type);
    put_member(out, "name", token);
    shmrpci_buf_append_char(out, ',');
    put_member(out, "id", g->who.id);
    shmrpci_buf_printf(out, ",\"version\":\"%u.0.0\",", version);
    put_metadata(g, hash, out);
}

/* A method; its calls are told apart inside the protocol, so that all have the
 * instance's subject. */
static void put_endpoint(const gate *g, const shmrpci_contract_method *method,
                         shmrpci_buf *out)
{
    shmrpci_buf_append_text(out, "{\"name\":");
    put_text(out, method->name.ptr, method->name.len);
    shmrpci_buf_append_char(out, ',');
    put_member(out, "subject", g->instance);
    shmrpci_buf_append_text(
        out,
        ",\"queue_group\":\"\",\"metadata\":{\"protocol\":\"shmrpc\","
        "\"signature\":");
    put_text(out, method->signature.ptr, method->signature.len);
    shmrpci_buf_append_text(out, "}}");
}

/* None while the service has not said what it has. */
static void put_endpoints(const gate *g, const shmrpci_contract *contract,
                          shmrpci_buf *out)
{
    shmrpci_buf_append_text(out, ",\"endpoints\":[");
    for (size_t i = 0; contract != NULL && i < contract->methods.len; i++) {
        shmrpci_buf_append_text(out, i > 0 ? "," : "");
        put_endpoint(g, &contract->methods.ptr[i], out);
    }
    shmrpci_buf_append_char(out, ']');
}

/* The gateway counts messages and links, not calls of each method: those are in
 * the service's own statistics. */
static void put_stats(gate *g, shmrpci_buf *out)
{
    char started[32] = "";
    time_t at = (time_t)g->started_s;
    struct tm utc;
    nats_counts counts;
    nats_pump_count(g->pump, &counts);
    if (gmtime_r(&at, &utc) != NULL) {
        (void)strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    shmrpci_buf_append_char(out, ',');
    put_member(out, "started", started);
    shmrpci_buf_printf(
        out,
        ",\"endpoints\":[{\"name\":\"link\",\"subject\":\"%s\","
        "\"queue_group\":\"\",\"num_requests\":%" PRIu64
        ",\"num_errors\":%" PRIu64
        ",\"last_error\":\"\",\"processing_time\":0,"
        "\"average_processing_time\":0,\"data\":{\"calls_in_progress\":%u,"
        "\"links\":%u,\"links_opened\":%" PRIu64
        ",\"links_cut_by_gaps\":%" PRIu64 ",\"messages_out\":%" PRIu64 "}}]",
        g->instance, counts.messages_in, counts.refused, relay_calls(g->relay),
        nats_pump_links(g->pump), counts.links, counts.gaps,
        counts.messages_out);
}

/* The contract is read anew each time: it may be another one by now. */
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
        shmrpci_buf_append_text(out, ",\"description\":\"\"");
        put_endpoints(g, contract, out);
        break;
    case QUESTION_STATS:
        put_head(g, "stats", version, hash, out);
        put_stats(g, out);
        break;
    case QUESTION_NONE:
        break;
    }
    shmrpci_buf_append_char(out, '}');
    shmrpci_arena_fini(&arena);
}

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
