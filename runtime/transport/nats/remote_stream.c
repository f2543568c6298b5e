/* The requests of JetStream's API that shared objects need. */
#include "transport/nats/remote_stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/number.h"
#include "transport/nats/remote_json.h"

#define NS_PER_S UINT64_C(1000000000)

/* How long the servers remember the ids of stored messages to drop
 * duplicates. */
#define DUPLICATES_S 120u

/* A topic's stream keeps this many messages beyond its history, for subscribers
 * that are a little behind. */
#define TOPIC_ROOM 256u

/* How long the server keeps the consumer of a topic whose reader is gone. */
#define CONSUMER_IDLE_S 60u

/* Room for our headers in a message. */
#define HEADER_ROOM 256u

#define ABOUT_BYTES 320u

/* Error codes of JetStream (server/errors.json). */
enum {
    JS_TOO_LARGE = 10054,
    JS_STREAM_EXISTS = 10058,
    JS_STREAM_NOT_FOUND = 10059,
    JS_CONSUMER_NOT_FOUND = 10014,
    JS_NO_MESSAGE = 10037,
    JS_NO_RESOURCES = 10023,
    JS_NO_MEMORY = 10028,
    JS_NO_STORAGE = 10047,
    JS_SUBJECT_TAKEN = 10065,
    JS_REPLICAS = 10074,
    JS_STORE_FAILED = 10077
};

/* ---- requests ------------------------------------------------------------ */

static int status_of(uint64_t code)
{
    switch (code) {
    case JS_STREAM_EXISTS:
        return SHMRPC_E_EXISTS;
    case JS_STREAM_NOT_FOUND:
    case JS_CONSUMER_NOT_FOUND:
    case JS_NO_MESSAGE:
        return SHMRPC_E_NOT_FOUND;
    case JS_NO_RESOURCES:
    case JS_NO_MEMORY:
    case JS_NO_STORAGE:
        return SHMRPC_E_EXHAUSTED;
    case JS_SUBJECT_TAKEN:
        return SHMRPC_E_CONTRACT;
    case JS_REPLICAS:
        return SHMRPC_E_INVALID;
    default:
        return SHMRPC_E_UNAVAILABLE;
    }
}

/* Returns OK, or the status of the error in the answer. */
static int read_error(nats_json answer, shmrpc_error *error)
{
    char text[128] = "";
    uint64_t code = nats_json_uint(answer, "error.err_code", 0);
    nats_json any;
    if (!nats_json_find(answer, "error", &any)) {
        return answer.len > 0 && answer.text[0] == '{'
                   ? (int)SHMRPC_OK
                   : shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                      "JetStream's answer is not JSON");
    }
    (void)nats_json_text(answer, "error.description", text, sizeof text);
    return shmrpc_error_set(error, status_of(code), "JetStream says: %.100s",
                            text);
}

int nats_stream_call(nats_line *line, const char *operation, const char *stream,
                     const char *consumer, const shmrpci_buf *body,
                     int64_t deadline_ns, shmrpci_buf *answer,
                     shmrpc_error *error)
{
    char subject[2 * NATS_PLACE_SUBJECT_BYTES];
    bool is_nobody = true;
    (void)snprintf(subject, sizeof subject, "$JS.API.%s.%s%s%s", operation,
                   stream, consumer != NULL ? "." : "",
                   consumer != NULL ? consumer : "");
    nats_post post = {.subject = subject,
                      .data = body != NULL ? body->data : NULL,
                      .len = body != NULL ? body->len : 0};
    shmrpci_buf_init_heap(answer);
    int status = body != NULL ? (int)body->status : (int)SHMRPC_OK;
    /* Tried twice, since it may have been another thread's request that found
     * no responder. */
    for (int i = 0; i < 2 && is_nobody && status == SHMRPC_OK; i++) {
        status =
            nats_line_ask(line, &post, deadline_ns, answer, &is_nobody, error);
    }
    if (status == SHMRPC_OK && is_nobody) {
        return shmrpc_error_set(
            error, SHMRPC_E_UNIMPLEMENTED,
            "NATS has no JetStream there, which queues, dicts and topics with "
            "history need: start nats-server with -js");
    }
    return status == SHMRPC_OK
               ? read_error(
                     (nats_json){(const char *)answer->data, answer->len},
                     error)
               : status;
}

static nats_json json_of(const shmrpci_buf *answer)
{
    return (nats_json){(const char *)answer->data, answer->len};
}

/* ---- descriptions ---------------------------------------------------- */

static void write_about(const nats_about *about, char out[ABOUT_BYTES])
{
    (void)snprintf(out, ABOUT_BYTES,
                   "shmrpc1 %c %s %u %016" PRIx64 " %" PRIu64 " %" PRIu64
                   " %" PRIu64 " %u %u %u %s",
                   about->kind, about->id, about->encoding, about->type_hash,
                   about->history, about->capacity, about->max_item_bytes,
                   about->overflow, about->is_acked ? 1u : 0u,
                   about->is_ended ? 1u : 0u, about->signature);
}

/* Returns false if the stream is not one of ours. */
static bool read_about(const char *text, nats_about *out)
{
    unsigned is_acked = 0;
    unsigned is_ended = 0;
    int at = 0;
    *out = (nats_about){.kind = '\0'};
    int count = sscanf(text,
                       "shmrpc1 %c %16s %u %16" SCNx64 " %20" SCNu64
                       " %20" SCNu64 " %20" SCNu64 " %u %u %u %n",
                       &out->kind, out->id, &out->encoding, &out->type_hash,
                       &out->history, &out->capacity, &out->max_item_bytes,
                       &out->overflow, &is_acked, &is_ended, &at);
    if (count != 10 || at == 0) {
        return false;
    }
    out->is_acked = is_acked != 0;
    out->is_ended = is_ended != 0;
    (void)snprintf(out->signature, sizeof out->signature, "%s", text + at);
    return true;
}

int nats_stream_look(nats_line *line, const char *name, int64_t deadline_ns,
                     nats_stream_info *out, shmrpc_error *error)
{
    char about[ABOUT_BYTES] = "";
    shmrpci_buf answer;
    int status = nats_stream_call(line, "STREAM.INFO", name, NULL, NULL,
                                  deadline_ns, &answer, error);
    if (status == SHMRPC_OK) {
        nats_json in = json_of(&answer);
        *out = (nats_stream_info){
            .byte_count = nats_json_uint(in, "state.bytes", 0),
            .last_number = nats_json_uint(in, "state.last_seq", 0),
            .replicas = (uint32_t)nats_json_uint(in, "config.num_replicas", 1)};
        char storage[8] = "";
        (void)nats_json_text(in, "config.storage", storage, sizeof storage);
        out->is_in_file = strcmp(storage, "file") == 0;
        if (!nats_json_text(in, "config.description", about, sizeof about) ||
            !read_about(about, &out->about)) {
            status = shmrpc_error_set(error, SHMRPC_E_CONTRACT,
                                      "the stream %.80s there was not made by "
                                      "shmrpc, or by another version of it",
                                      name);
        }
    }
    shmrpci_buf_fini(&answer);
    return status;
}

bool nats_stream_read_id(nats_json answer, char out[NATS_ID_BYTES])
{
    char text[ABOUT_BYTES] = "";
    nats_about about;
    if (!nats_json_text(answer, "config.description", text, sizeof text) ||
        !read_about(text, &about)) {
        return false;
    }
    memcpy(out, about.id, sizeof about.id);
    return true;
}

int nats_stream_check(nats_line *line, const nats_stream *stream,
                      int64_t deadline_ns, nats_stream_info *out,
                      shmrpc_error *error)
{
    int status = nats_stream_look(line, stream->name, deadline_ns, out, error);
    if (status == SHMRPC_E_NOT_FOUND ||
        (status == SHMRPC_OK && strcmp(out->about.id, stream->id) != 0)) {
        return shmrpc_error_set(error, SHMRPC_E_DESTROYED,
                                "it was destroyed, or was in the memory of a "
                                "NATS server that has ended");
    }
    return status;
}

/* ---- making and ending --------------------------------------------------- */

/* A full bucket, and a full queue whose oldest items must not be dropped,
 * refuse new messages. */
static const char *discard_of(const nats_about *about)
{
    if (nats_about_is_bucket(about)) {
        return "new";
    }
    return about->kind == 'q' &&
                   about->overflow != (uint32_t)SHMRPC_OVERFLOW_DROP_OLDEST
               ? "new"
               : "old";
}

/* Writes the limits of the stream. A bucket keeps the last message of each key,
 * which a newer one replaces. */
static void write_limits(const nats_about *about, shmrpci_buf *out)
{
    if (nats_about_is_bucket(about)) {
        shmrpci_json_set_int(out, "max_msgs", -1);
        shmrpci_json_set_int(out, "max_msgs_per_subject", 1);
        shmrpci_json_set_int(out, "max_bytes",
                             about->capacity > 0 ? (int64_t)about->capacity
                                                 : -1);
        shmrpci_json_set_int(out, "max_msg_size", -1);
        shmrpci_json_set_bool(out, "deny_delete", true);
        shmrpci_json_set_bool(out, "allow_rollup_hdrs", true);
        shmrpci_json_set_bool(out, "allow_direct", true);
        return;
    }
    shmrpci_json_set_uint(out, "max_msgs",
                          about->kind == 'q' ? about->capacity
                                             : about->history + TOPIC_ROOM);
    shmrpci_json_set_int(out, "max_bytes", -1);
    shmrpci_json_set_uint(out, "max_msg_size",
                          about->max_item_bytes + HEADER_ROOM);
}

static void write_config(const nats_stream *stream, const nats_place *place,
                         const nats_about *about, shmrpci_buf *out)
{
    char text[ABOUT_BYTES];
    bool is_queue = about->kind == 'q';
    write_about(about, text);
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_text(out, "name", stream->name);
    shmrpci_json_set_text(out, "description", text);
    shmrpci_json_key(out, "subjects");
    shmrpci_buf_append_text(out, "[");
    shmrpci_json_string(out, stream->subject, strlen(stream->subject));
    shmrpci_buf_append_text(out, "]");
    shmrpci_json_set_text(out, "retention", is_queue ? "workqueue" : "limits");
    shmrpci_json_set_int(out, "max_consumers", -1);
    write_limits(about, out);
    shmrpci_json_set_int(out, "max_age", 0);
    shmrpci_json_set_text(out, "discard", discard_of(about));
    shmrpci_json_set_text(out, "storage",
                          place->is_in_file ? "file" : "memory");
    shmrpci_json_set_uint(out, "num_replicas", place->replicas);
    shmrpci_json_set_uint(out, "duplicate_window", DUPLICATES_S * NS_PER_S);
    shmrpci_buf_append_char(out, '}');
}

static int configure(nats_line *line, const char *operation,
                     const nats_stream *stream, const nats_place *place,
                     const nats_about *about, int64_t deadline_ns,
                     shmrpc_error *error)
{
    shmrpci_buf body;
    shmrpci_buf answer;
    shmrpci_buf_init_heap(&body);
    write_config(stream, place, about, &body);
    int status = nats_stream_call(line, operation, stream->name, NULL, &body,
                                  deadline_ns, &answer, error);
    shmrpci_buf_fini(&answer);
    shmrpci_buf_fini(&body);
    return status;
}

/* While another handle creates the same stream, nats-server 2.9.10 may already
 * report that the subject is taken but not yet that the name is. When asked
 * again it reports the name. */
int nats_stream_create(nats_line *line, const nats_stream *stream,
                       const nats_place *place, const nats_about *about,
                       int64_t deadline_ns, shmrpc_error *error)
{
    int status = SHMRPC_E_CONTRACT;
    for (int i = 0; i < 2 && status == SHMRPC_E_CONTRACT; i++) {
        status = configure(line, "STREAM.CREATE", stream, place, about,
                           deadline_ns, error);
    }
    return status;
}

/* Storage and replicas of a stream can't be changed, so the update repeats the
 * existing values. */
int nats_stream_end(nats_line *line, const nats_stream *stream,
                    const nats_stream_info *info, int64_t deadline_ns,
                    shmrpc_error *error)
{
    nats_stream ended = *stream;
    nats_about then = info->about;
    nats_place place = {.replicas = info->replicas,
                        .is_in_file = info->is_in_file};
    then.is_ended = true;
    (void)snprintf(ended.subject, sizeof ended.subject, "ended.%.200s",
                   stream->subject);
    return configure(line, "STREAM.UPDATE", &ended, &place, &then, deadline_ns,
                     error);
}

int nats_stream_next(nats_line *line, const nats_stream *stream, uint64_t from,
                     int64_t deadline_ns, uint64_t *out, shmrpc_error *error)
{
    shmrpci_buf body;
    shmrpci_buf answer;
    shmrpci_buf_init_heap(&body);
    shmrpci_buf_append_char(&body, '{');
    shmrpci_json_set_uint(&body, "seq", from);
    shmrpci_json_set_text(&body, "next_by_subj", stream->subject);
    shmrpci_buf_append_char(&body, '}');
    int status = nats_stream_call(line, "STREAM.MSG.GET", stream->name, NULL,
                                  &body, deadline_ns, &answer, error);
    if (status == SHMRPC_OK) {
        *out = nats_json_uint(json_of(&answer), "message.seq", from);
    }
    shmrpci_buf_fini(&answer);
    shmrpci_buf_fini(&body);
    return status;
}

int nats_stream_delete(nats_line *line, const char *name, int64_t deadline_ns,
                       shmrpc_error *error)
{
    shmrpci_buf answer;
    int status = nats_stream_call(line, "STREAM.DELETE", name, NULL, NULL,
                                  deadline_ns, &answer, error);
    shmrpci_buf_fini(&answer);
    return status;
}

/* ---- consumers ----------------------------------------------------------- */

static void begin_consumer(const nats_stream *stream, shmrpci_buf *body)
{
    shmrpci_buf_init_heap(body);
    shmrpci_buf_append_char(body, '{');
    shmrpci_json_set_text(body, "stream_name", stream->name);
    shmrpci_json_key(body, "config");
    shmrpci_buf_append_char(body, '{');
}

static int end_consumer(nats_line *line, const char *operation,
                        const nats_stream *stream, const char *name,
                        shmrpci_buf *body, int64_t deadline_ns,
                        shmrpc_error *error)
{
    shmrpci_buf answer;
    shmrpci_buf_append_text(body, "}}");
    int status = nats_stream_call(line, operation, stream->name, name, body,
                                  deadline_ns, &answer, error);
    shmrpci_buf_fini(&answer);
    shmrpci_buf_fini(body);
    return status;
}

int nats_consumer_share(nats_line *line, const nats_stream *stream,
                        const char *name, const nats_place *place,
                        int64_t deadline_ns, shmrpc_error *error)
{
    shmrpci_buf body;
    begin_consumer(stream, &body);
    shmrpci_json_set_text(&body, "durable_name", name);
    shmrpci_json_set_text(&body, "ack_policy", "explicit");
    shmrpci_json_set_uint(&body, "ack_wait", place->ack_wait_s * NS_PER_S);
    shmrpci_json_set_text(&body, "deliver_policy", "all");
    shmrpci_json_set_int(&body, "max_deliver", -1);
    shmrpci_json_set_int(&body, "max_ack_pending", -1);
    return end_consumer(line, "CONSUMER.DURABLE.CREATE", stream, name, &body,
                        deadline_ns, error);
}

int nats_consumer_make(nats_line *line, const nats_stream *stream,
                       const char *name, uint64_t from, int64_t deadline_ns,
                       shmrpc_error *error)
{
    shmrpci_buf body;
    begin_consumer(stream, &body);
    shmrpci_json_set_text(&body, "name", name);
    shmrpci_json_set_text(&body, "ack_policy", "none");
    shmrpci_json_set_text(&body, "deliver_policy", "by_start_sequence");
    shmrpci_json_set_uint(&body, "opt_start_seq", from);
    shmrpci_json_set_uint(&body, "inactive_threshold",
                          CONSUMER_IDLE_S * NS_PER_S);
    shmrpci_json_set_uint(&body, "num_replicas", 1);
    shmrpci_json_set_bool(&body, "mem_storage", true);
    return end_consumer(line, "CONSUMER.CREATE", stream, name, &body,
                        deadline_ns, error);
}

int nats_consumer_delete(nats_line *line, const nats_stream *stream,
                         const char *name)
{
    char subject[2 * NATS_PLACE_SUBJECT_BYTES];
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.DELETE.%s.%s",
                   stream->name, name);
    return nats_line_post(line, &(nats_post){.subject = subject});
}

int nats_consumer_look(nats_line *line, const nats_stream *stream,
                       const char *name, int64_t deadline_ns,
                       nats_consumer_info *out, shmrpc_error *error)
{
    shmrpci_buf answer;
    int status = nats_stream_call(line, "CONSUMER.INFO", stream->name, name,
                                  NULL, deadline_ns, &answer, error);
    if (status == SHMRPC_OK) {
        nats_json in = json_of(&answer);
        *out = (nats_consumer_info){
            .waiting_count = nats_json_uint(in, "num_pending", 0),
            .unacked_count = nats_json_uint(in, "num_ack_pending", 0),
            .again_count = nats_json_uint(in, "num_redelivered", 0),
            .acked_to = nats_json_uint(in, "ack_floor.stream_seq", 0),
            .given_to = nats_json_uint(in, "delivered.stream_seq", 0),
            .ack_wait_s = (uint32_t)(nats_json_uint(in, "config.ack_wait",
                                                    30 * NS_PER_S) /
                                     NS_PER_S)};
    }
    shmrpci_buf_fini(&answer);
    return status;
}

/* The subject of the acknowledgement identifies the message by its number. */
int nats_consumer_ack(nats_line *line, const nats_stream *stream,
                      const char *name, uint64_t number)
{
    char subject[2 * NATS_PLACE_SUBJECT_BYTES];
    (void)snprintf(subject, sizeof subject, "$JS.ACK.%s.%s.1.%" PRIu64 ".0.0.0",
                   stream->name, name, number);
    return nats_line_post(
        line, &(nats_post){.subject = subject, .data = "+ACK", .len = 4});
}

int nats_consumer_pull(nats_line *line, const nats_stream *stream,
                       const char *name, const nats_ear *ear, uint64_t number,
                       uint32_t count, int64_t expires_ns)
{
    char subject[2 * NATS_PLACE_SUBJECT_BYTES];
    char reply[NATS_PLACE_SUBJECT_BYTES + 24];
    char body[96];
    const char *inbox = nats_ear_subject(ear);
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.%s.%s",
                   stream->name, name);
    (void)snprintf(reply, sizeof reply, "%.*s%" PRIu64, (int)strlen(inbox) - 1,
                   inbox, number);
    int len = expires_ns > 0
                  ? snprintf(body, sizeof body,
                             "{\"batch\":%u,\"expires\":%" PRId64 "}", count,
                             expires_ns)
                  : snprintf(body, sizeof body,
                             "{\"batch\":%u,\"no_wait\":true}", count);
    return nats_line_post(line, &(nats_post){.subject = subject,
                                             .reply = reply,
                                             .data = body,
                                             .len = (size_t)len});
}

/* ---- delivery metadata --------------------------------------------------- */

/* Parses $JS.ACK.STREAM.CONSUMER.TIMES.NUMBER.ORDER.TIME.PENDING. Servers with
 * domains insert two tokens before the stream and may append one. */
bool nats_delivery_of(const char *reply, nats_delivery *out)
{
    char text[2 * NATS_PLACE_SUBJECT_BYTES];
    const char *tokens[12];
    size_t count = 0;
    if (reply == NULL || strncmp(reply, "$JS.ACK.", 8) != 0 ||
        strlen(reply) >= sizeof text) {
        return false;
    }
    memcpy(text, reply, strlen(reply) + 1);
    char *rest = NULL;
    for (char *one = strtok_r(text, ".", &rest); one != NULL && count < 12;
         one = strtok_r(NULL, ".", &rest)) {
        tokens[count++] = one;
    }
    size_t at = count == 9 ? 4 : 6;
    return (count == 9 || count >= 11) &&
           shmrpci_number_read(tokens[at], 1, UINT64_MAX, &out->times) &&
           shmrpci_number_read(tokens[at + 1], 1, UINT64_MAX, &out->number) &&
           shmrpci_number_read(tokens[at + 2], 1, UINT64_MAX, &out->order) &&
           shmrpci_number_read(tokens[at + 4], 0, UINT64_MAX, &out->left);
}

/* ---- publishing ---------------------------------------------------------- */

int nats_stream_store(nats_line *line, const nats_post *post,
                      int64_t deadline_ns, nats_stored *out,
                      shmrpc_error *error)
{
    shmrpci_buf answer;
    bool is_nobody;
    shmrpci_buf_init_heap(&answer);
    int status =
        nats_line_ask(line, post, deadline_ns, &answer, &is_nobody, error);
    if (status == SHMRPC_OK && is_nobody) {
        *out = NATS_STORE_GONE;
    } else if (status == SHMRPC_OK) {
        nats_json in = json_of(&answer);
        uint64_t code = nats_json_uint(in, "error.err_code", 0);
        *out = code == JS_STORE_FAILED ? NATS_STORE_FULL
               : code == JS_TOO_LARGE  ? NATS_STORE_TOO_LARGE
                                       : NATS_STORED;
        status = *out == NATS_STORED ? read_error(in, error) : status;
    }
    shmrpci_buf_fini(&answer);
    return status;
}
