/*
 * The watch of a dict: a consumer of its bucket, from which this machine's copy
 * is filled.
 *
 *        this process may keep the copy      the bucket is still the same one
 *     ASIDE ------------------------> ASKED ---------------------------------+
 *                                       ^  \                                 v
 *                    a gap, silence,    |   bucket gone, or another      COMING
 *                    reconnected        |   one: GONE                        |
 *                                       +------------------------------------+
 *
 * Each consumer begins at the first message. So after a lost connection, or
 * after the death of the process that kept the copy, nobody needs to know how
 * far the watch had come. An entry that the copy already has costs only a
 * comparison and causes no event.
 *
 * All functions except follow and close run on the thread of the connection
 * (remote_line.h) and must not wait.
 */
#include "transport/nats/remote_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "transport/nats/remote_json.h"

#define NS_PER_S UINT64_C(1000000000)

/* The interval of the server's heartbeats, and after how much silence a
 * consumer counts as lost. */
#define HEARTBEAT_S UINT64_C(2)
#define SILENCE_NS  (8 * SHMRPCI_NS_PER_S)

/* How long the server keeps a consumer whose reader is gone. */
#define IDLE_S UINT64_C(60)

#define JS_STREAM_NOT_FOUND 10059u

/* Status of a control message, which is sent by the server and is no entry. */
#define STATUS_CONTROL 100

#define CONSUMER_BYTES 48u

/* ---- requests ------------------------------------------------------------ */

static bool is_awaited(const nats_copy *copy)
{
    return copy->state == NATS_COPY_ASKED || copy->state == NATS_COPY_COMING;
}

static void consumer_of(const shmrpci_remote *remote, char out[CONSUMER_BYTES])
{
    (void)snprintf(out, CONSUMER_BYTES, "%s_%" PRIu64 "_", remote->publisher,
                   remote->copy.number);
}

/* Makes a subject that we receive, for messages that concern the present
 * consumer. Its last token is `prefix`, followed by the number of the
 * consumer. */
static void inbox_of(const shmrpci_remote *remote, const char *prefix,
                     char out[NATS_PLACE_SUBJECT_BYTES])
{
    const char *inbox = nats_ear_subject(remote->copy.ear);
    (void)snprintf(out, NATS_PLACE_SUBJECT_BYTES, "%.*s%s%" PRIu64,
                   (int)strlen(inbox) - 1, inbox, prefix, remote->copy.number);
}

/* With flow control, the messages in flight stay below the limit at which the
 * server drops a slow reader. */
static void write_consumer(const shmrpci_remote *remote, const char *name,
                           shmrpci_buf *body)
{
    shmrpci_buf_append_char(body, '{');
    shmrpci_json_set_text(body, "stream_name", remote->stream.name);
    shmrpci_json_key(body, "config");
    shmrpci_buf_append_char(body, '{');
    shmrpci_json_set_text(body, "name", name);
    shmrpci_json_set_text(body, "deliver_subject",
                          nats_ear_subject(remote->copy.entry_ear));
    shmrpci_json_set_text(body, "ack_policy", "none");
    shmrpci_json_set_text(body, "deliver_policy", "all");
    shmrpci_json_set_text(body, "replay_policy", "instant");
    shmrpci_json_set_bool(body, "flow_control", true);
    shmrpci_json_set_uint(body, "idle_heartbeat", HEARTBEAT_S * NS_PER_S);
    shmrpci_json_set_uint(body, "inactive_threshold", IDLE_S * NS_PER_S);
    shmrpci_json_set_uint(body, "num_replicas", 1);
    shmrpci_json_set_bool(body, "mem_storage", true);
    shmrpci_buf_append_text(body, "}}");
}

/* Posts a request to $JS.API.OPERATION.STREAM[.CONSUMER]. The answer arrives at
 * the subject that inbox_of makes from `prefix`. */
static void request(shmrpci_remote *remote, const char *operation,
                    const char *consumer, const char *prefix,
                    const shmrpci_buf *body)
{
    char subject[2 * NATS_PLACE_SUBJECT_BYTES];
    char reply[NATS_PLACE_SUBJECT_BYTES];
    inbox_of(remote, prefix, reply);
    (void)snprintf(subject, sizeof subject, "$JS.API.%s.%s%s%s", operation,
                   remote->stream.name, consumer != NULL ? "." : "",
                   consumer != NULL ? consumer : "");
    const nats_post post = {.subject = subject,
                            .reply = reply,
                            .data = body != NULL ? body->data : NULL,
                            .len = body != NULL ? body->len : 0};
    bool is_sent = (body == NULL || body->status == SHMRPC_OK) &&
                   nats_line_post(remote->line, &post) == SHMRPC_OK;
    remote->copy.until_ns = is_sent ? shmrpci_deadline_after(SILENCE_NS) : 0;
}

static void drop_consumer(shmrpci_remote *remote)
{
    char name[CONSUMER_BYTES];
    if (is_awaited(&remote->copy)) {
        consumer_of(remote, name);
        (void)nats_consumer_delete(remote->line, &remote->stream, name);
    }
}

/* Makes a new consumer, if this process may keep the copy. */
static void start(shmrpci_remote *remote)
{
    char name[CONSUMER_BYTES];
    shmrpci_buf body;
    nats_copy *copy = &remote->copy;
    drop_consumer(remote);
    copy->state = NATS_COPY_ASIDE;
    if (!copy->to.may_keep(copy->to.user)) {
        return;
    }
    copy->state = NATS_COPY_ASKED;
    copy->number++;
    copy->order = 0;
    copy->has_all = false;
    copy->is_whole = false;
    copy->to.begin(copy->to.user);
    consumer_of(remote, name);
    shmrpci_buf_init_heap(&body);
    write_consumer(remote, name, &body);
    request(remote, "CONSUMER.CREATE", name, "c", &body);
    shmrpci_buf_fini(&body);
}

/* ---- incoming messages --------------------------------------------------- */

/* Gives up the present consumer: the next tick makes a new one. */
static void give_up(nats_copy *copy)
{
    copy->until_ns = 0;
}

static void tell_whole(nats_copy *copy)
{
    if (copy->has_all && !copy->is_whole && copy->state == NATS_COPY_COMING) {
        copy->is_whole = true;
        copy->to.whole(copy->to.user);
    }
}

static void end_gone(nats_copy *copy)
{
    copy->state = NATS_COPY_GONE;
    copy->to.gone(copy->to.user);
}

/* Handles the answer that the consumer exists. Then asks for the bucket's
 * description, whose id tells whether this is still our bucket or a newer one
 * of the same name. */
static void take_consumer(shmrpci_remote *remote, nats_json in)
{
    nats_copy *copy = &remote->copy;
    nats_json any;
    uint64_t code = nats_json_uint(in, "error.err_code", 0);
    if (code == JS_STREAM_NOT_FOUND) {
        end_gone(copy);
    } else if (code != 0 || !nats_json_find(in, "config", &any)) {
        give_up(copy);
    } else {
        copy->has_all = copy->has_all ||
                        (copy->order == 0 &&
                         nats_json_uint(in, "num_pending", UINT64_MAX) == 0);
        request(remote, "STREAM.INFO", NULL, "i", NULL);
    }
}

static void take_info(shmrpci_remote *remote, nats_json in)
{
    char id[NATS_ID_BYTES];
    nats_copy *copy = &remote->copy;
    uint64_t code = nats_json_uint(in, "error.err_code", 0);
    bool has_id = nats_stream_read_id(in, id);
    if (code == JS_STREAM_NOT_FOUND ||
        (has_id && strcmp(id, remote->stream.id) != 0)) {
        end_gone(copy);
    } else if (!has_id) {
        give_up(copy);
    } else {
        copy->state = NATS_COPY_COMING;
        copy->until_ns = shmrpci_deadline_after(SILENCE_NS);
        tell_whole(copy);
    }
}

/* Checks the subject, so that no message can make us publish anywhere else. */
static void answer_flow(const shmrpci_remote *remote, const char *subject)
{
    if (subject != NULL && strncmp(subject, "$JS.FC.", 7) == 0) {
        (void)nats_line_post(remote->line, &(nats_post){.subject = subject});
    }
}

/* Handles a heartbeat or a flow control request, which must be answered. */
static void take_control(shmrpci_remote *remote, const nats_message *message)
{
    char text[2 * NATS_PLACE_SUBJECT_BYTES];
    nats_copy *copy = &remote->copy;
    copy->until_ns = shmrpci_deadline_after(SILENCE_NS);
    answer_flow(remote, message->reply);
    if (nats_line_header(remote->line, message, "Nats-Consumer-Stalled", text,
                         sizeof text)) {
        answer_flow(remote, text);
    }
    if (nats_line_header(remote->line, message, "Nats-Last-Consumer", text,
                         sizeof text) &&
        strtoull(text, NULL, 10) > copy->order) {
        /* Messages before the heartbeat were lost. */
        start(remote);
    }
}

static bool is_deletion(const shmrpci_remote *remote,
                        const nats_message *message)
{
    char value[16];
    return (nats_line_header(remote->line, message, NATS_KV_OPERATION, value,
                             sizeof value) &&
            strcmp(value, "PUT") != 0) ||
           nats_line_header(remote->line, message, NATS_KV_MARKER, value,
                            sizeof value);
}

/* Skips keys that are not in our encoding; other tools may have stored them. */
static bool apply(const shmrpci_remote *remote, const nats_message *message)
{
    uint8_t key[NATS_KEY_TEXT_BYTES];
    size_t key_len;
    const nats_copy *copy = &remote->copy;
    size_t prefix = strlen(remote->stream.subject) - 1;
    if (strncmp(message->subject, remote->stream.subject, prefix) != 0 ||
        !nats_key_read(remote->key_form, message->subject + prefix, key,
                       &key_len)) {
        return true;
    }
    const void *data = message->len > 0 ? message->data : (const uint8_t *)"";
    return copy->to.apply(copy->to.user, key, key_len,
                          is_deletion(remote, message) ? NULL : data,
                          message->len);
}

static void take_entry(shmrpci_remote *remote, const nats_message *message)
{
    nats_delivery delivery;
    nats_copy *copy = &remote->copy;
    if (!nats_delivery_of(message->reply, &delivery) ||
        delivery.order != copy->order + 1) {
        /* A message was lost between the server and us; the server still has
         * it. */
        start(remote);
        return;
    }
    copy->order = delivery.order;
    if (!apply(remote, message)) {
        drop_consumer(remote);
        copy->number++;
        give_up(copy);
        return;
    }
    copy->until_ns = shmrpci_deadline_after(SILENCE_NS);
    copy->to.reached(copy->to.user, delivery.number);
    copy->has_all = copy->has_all || delivery.left == 0;
    tell_whole(copy);
}

/* An entry has the subject of its key. The name of the consumer is only in the
 * subject for the acknowledgement. */
static bool is_entry(const shmrpci_remote *remote, const nats_message *message)
{
    char name[CONSUMER_BYTES];
    consumer_of(remote, name);
    return message->reply != NULL && strstr(message->reply, name) != NULL &&
           strncmp(message->subject, "$KV.", 4) == 0;
}

/* The subject at which an answer arrives contains the number of the consumer.
 * Answers for earlier consumers are ignored. */
static void take_answer(shmrpci_remote *remote, const nats_message *message)
{
    nats_copy *copy = &remote->copy;
    nats_json in = {(const char *)message->data, message->len};
    size_t prefix = strlen(nats_ear_subject(copy->ear)) - 1;
    const char *token =
        strlen(message->subject) > prefix ? message->subject + prefix : "";
    if (*token == '\0' || strtoull(token + 1, NULL, 10) != copy->number) {
        return;
    }
    if (*token == 'c') {
        take_consumer(remote, in);
    } else if (*token == 'i') {
        take_info(remote, in);
    }
}

/* `message` is NULL if nobody answers, or if messages were dropped here. */
static void on_answer(void *user, nats_result result,
                      const nats_message *message)
{
    shmrpci_remote *remote = user;
    (void)result;
    if (is_awaited(&remote->copy) && message == NULL) {
        give_up(&remote->copy);
    } else if (is_awaited(&remote->copy)) {
        take_answer(remote, message);
    }
}

static void on_entry(void *user, nats_result result,
                     const nats_message *message)
{
    shmrpci_remote *remote = user;
    nats_copy *copy = &remote->copy;
    (void)result;
    if (!is_awaited(copy)) {
        return;
    }
    if (message == NULL) {
        give_up(copy);
    } else if (is_entry(remote, message)) {
        take_entry(remote, message);
    } else if (nats_line_status(remote->line, message) == STATUS_CONTROL) {
        take_control(remote, message);
    } else if (nats_line_status(remote->line, message) != 0) {
        give_up(copy);
    }
}

/* ---- following the bucket ------------------------------------------------ */

static bool is_followed(const nats_copy *copy)
{
    return copy->to.apply != NULL && copy->state != NATS_COPY_GONE;
}

void nats_copy_tick(shmrpci_remote *remote)
{
    nats_copy *copy = &remote->copy;
    if (is_followed(copy) && (copy->state == NATS_COPY_ASIDE ||
                              shmrpci_now_ns() >= copy->until_ns)) {
        start(remote);
    }
}

void nats_copy_reconnect(shmrpci_remote *remote)
{
    nats_copy *copy = &remote->copy;
    if (is_followed(copy) && copy->state != NATS_COPY_ASIDE) {
        start(remote);
    }
}

/* Only a hint: we may lack the permission to receive this message. Then the
 * watch notices some seconds later that the server is silent. */
static void on_deleted(void *user, nats_result result,
                       const nats_message *message)
{
    shmrpci_remote *remote = user;
    (void)result;
    if (message != NULL && is_awaited(&remote->copy)) {
        start(remote);
    }
}

/* JetStream delivers only to subjects without wildcards, and the subscription
 * for answers has a wildcard. So entries get a subscription of their own. */
static int listen(shmrpci_remote *remote)
{
    char subject[NATS_PLACE_SUBJECT_BYTES];
    nats_copy *copy = &remote->copy;
    int status =
        nats_line_listen(remote->line, NULL, on_answer, remote, &copy->ear);
    if (status != SHMRPC_OK) {
        return status;
    }
    const char *inbox = nats_ear_subject(copy->ear);
    (void)snprintf(subject, sizeof subject, "%.*sof.entries",
                   (int)strlen(inbox) - 1, inbox);
    status = nats_line_listen(remote->line, subject, on_entry, remote,
                              &copy->entry_ear);
    (void)snprintf(subject, sizeof subject,
                   "$JS.EVENT.ADVISORY.STREAM.DELETED.%.180s",
                   remote->stream.name);
    return status == SHMRPC_OK
               ? nats_line_listen(remote->line, subject, on_deleted, remote,
                                  &copy->deleted_ear)
               : status;
}

shmrpc_status nats_copy_follow(shmrpci_remote *remote,
                               const shmrpci_remote_copy *copy,
                               shmrpc_error *error)
{
    int status = nats_remote_enter(remote, error);
    if (status != SHMRPC_OK) {
        return (shmrpc_status)status;
    }
    status = listen(remote);
    if (status == SHMRPC_OK) {
        remote->copy.to = *copy;
        start(remote);
    } else {
        (void)shmrpc_error_set(error, status, "can't subscribe");
    }
    nats_remote_leave(remote);
    return (shmrpc_status)status;
}

void nats_copy_close(shmrpci_remote *remote)
{
    if (remote->copy.to.apply != NULL) {
        drop_consumer(remote);
        remote->copy.state = NATS_COPY_GONE;
    }
}
