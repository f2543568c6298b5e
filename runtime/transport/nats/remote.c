/*
 * Shared objects over NATS: opening and ending them, and code that queues and
 * topics share.
 *
 * The object itself is a stream of JetStream, or for a topic without history
 * only a subject. Each process that opens it compares the stream's description
 * with the expected one; if several create it at once, the server lets one
 * succeed.
 */
#include "transport/nats/remote_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/memory.h"
#include "os/tls_secret.h"

/* Timeout of opening an object, ending it and reading its figures. */
#define OPEN_NS (10 * SHMRPCI_NS_PER_S)

/* How often the mode WAIT checks whether the object exists. */
#define LOOK_NS (100 * SHMRPCI_NS_PER_MS)

#define DEFAULT_CAPACITY       1024u
#define DEFAULT_MAX_ITEM_BYTES 65536u
#define MAX_COUNT              UINT64_C(1000000000)

/* ---- messages ------------------------------------------------------------ */

nats_got *nats_got_make(const nats_message *message)
{
    nats_got *got = calloc(1, sizeof *got + message->len);
    if (got != NULL) {
        got->len = message->len;
        memcpy(got->data, message->data, message->len);
        if (message->reply != NULL) {
            (void)snprintf(got->reply, sizeof got->reply, "%s", message->reply);
        }
    }
    return got;
}

void nats_gots_put(nats_gots *gots, nats_got *got)
{
    if (gots->first == NULL) {
        gots->end = &gots->first;
    }
    got->next = NULL;
    *gots->end = got;
    gots->end = &got->next;
    gots->count++;
    gots->bytes += got->len;
}

nats_got *nats_gots_take(nats_gots *gots)
{
    nats_got *got = gots->first;
    if (got != NULL) {
        gots->first = got->next;
        gots->count--;
        gots->bytes -= got->len;
    }
    return got;
}

shmrpc_status nats_got_give(const nats_got *got, shmrpci_buf *buf,
                            shmrpci_remote_item *item)
{
    static const uint8_t zeros[16];
    shmrpci_buf_append(buf, zeros, (16 - buf->len % 16) % 16);
    *item = (shmrpci_remote_item){.at = buf->len,
                                  .len = (uint32_t)got->len,
                                  .came_before = got->came_before};
    shmrpci_buf_append(buf, got->data, got->len);
    return buf->status;
}

/* ---- entering ------------------------------------------------------------ */

shmrpc_status nats_remote_enter(shmrpci_remote *remote, shmrpc_error *error)
{
    if (!nats_line_is_ours(remote->line)) {
        return (shmrpc_status)shmrpc_error_set(
            error, SHMRPC_E_FORKED,
            "a connection to NATS belongs to the process that opened it: a "
            "forked child opens its own");
    }
    nats_line_lock(remote->line);
    return SHMRPC_OK;
}

void nats_remote_leave(shmrpci_remote *remote)
{
    nats_line_unlock(remote->line);
}

/* ---- sending ------------------------------------------------------------- */

/* Called when nothing stores or receives what we send. Returns an error if the
 * object is gone or was ended. Otherwise its servers may be electing a leader,
 * which passes: waits a moment and returns OK. */
static int why_gone(shmrpci_remote *remote, int64_t deadline_ns,
                    shmrpc_error *error)
{
    nats_stream_info info;
    int status = nats_stream_check(remote->line, &remote->stream, deadline_ns,
                                   &info, error);
    if (status == SHMRPC_OK && info.about.is_ended) {
        return shmrpc_error_set(error, SHMRPC_E_CANCELLED, "it was ended");
    }
    if (status == SHMRPC_OK) {
        (void)nats_line_wait(remote->line,
                             shmrpci_deadline_after(SHMRPCI_NS_PER_MS * 50));
    }
    return status;
}

static int store(shmrpci_remote *remote, const nats_post *post,
                 int64_t deadline_ns, shmrpc_error *error)
{
    nats_stored stored = NATS_STORE_GONE;
    int status = SHMRPC_OK;
    int64_t until_ns = deadline_ns != 0
                           ? deadline_ns
                           : shmrpci_deadline_after(NATS_LINE_LOOK_NS);
    while (status == SHMRPC_OK && stored == NATS_STORE_GONE) {
        status =
            nats_stream_store(remote->line, post, until_ns, &stored, error);
        if (status == SHMRPC_OK && stored == NATS_STORE_GONE) {
            status = why_gone(remote, until_ns, error);
        }
    }
    if (status != SHMRPC_OK || stored == NATS_STORED) {
        return status;
    }
    return stored == NATS_STORE_FULL ? SHMRPC_E_BUSY : SHMRPC_E_TOO_LARGE;
}

shmrpc_status nats_remote_send(shmrpci_remote *remote, const void *data,
                               size_t len, bool is_stored, int64_t deadline_ns,
                               shmrpc_error *error)
{
    char from[NATS_FROM_BYTES];
    char id[NATS_FROM_BYTES];
    uint64_t number = ++remote->number;
    (void)snprintf(from, sizeof from, "%s %" PRIu64 " %u %016" PRIx64,
                   remote->publisher, number, remote->about.encoding,
                   remote->about.type_hash);
    (void)snprintf(id, sizeof id, "%s-%" PRIu64, remote->publisher, number);
    const nats_header headers[] = {{NATS_FROM_HEADER, from},
                                   {"Nats-Msg-Id", id}};
    nats_post post = {.subject = remote->stream.subject,
                      .headers = headers,
                      .header_count = is_stored ? 2 : 1,
                      .data = data,
                      .len = len};
    int status = is_stored ? store(remote, &post, deadline_ns, error)
                           : nats_line_post(remote->line, &post);
    if (status == SHMRPC_E_TOO_LARGE) {
        (void)shmrpc_error_set(
            error, status,
            "an item of %zu bytes is larger than max_item_bytes, or than the "
            "servers' max_payload allows",
            len);
    } else if (status == SHMRPC_E_UNAVAILABLE && !is_stored) {
        (void)shmrpc_error_set(error, status, "the connection to NATS is lost");
    }
    if (status != SHMRPC_OK) {
        /* The message was not sent, so the next one gets its number.
         * Subscribers would count a gap in the numbers as a lost message. */
        remote->number -= is_stored ? 0 : 1;
    }
    return (shmrpc_status)status;
}

/* ---- opening ------------------------------------------------------------- */

static int refuse(shmrpc_error *error, const char *what)
{
    return shmrpc_error_set(error, SHMRPC_E_INVALID, "%s", what);
}

static char kind_of(shmrpc_shared_kind kind)
{
    return kind == SHMRPC_SHARED_QUEUE   ? 'q'
           : kind == SHMRPC_SHARED_TOPIC ? 't'
           : kind == SHMRPC_SHARED_DICT  ? 'd'
                                         : 'v';
}

/* Makes the description for the stream of a dict or value. */
static int describe_bucket(const shmrpci_remote_spec *spec, nats_about *out,
                           shmrpc_error *error)
{
    const shmrpc_shared *row = spec->row;
    if (row->lifetime != SHMRPC_LIFETIME_FILE) {
        return refuse(error,
                      "an object over NATS lives until it is destroyed: "
                      "leave `lifetime` at file");
    }
    if (row->capacity != 0) {
        return refuse(error,
                      "over NATS no server counts keys: leave out `capacity`, "
                      "and limit the bytes by max_bytes");
    }
    if (row->max_bytes > INT64_MAX) {
        return refuse(error, "over NATS max_bytes can be at most 2^63 - 1");
    }
    *out = (nats_about){.kind = kind_of(row->kind),
                        .encoding = (uint32_t)row->encoding,
                        .type_hash = spec->type_hash,
                        .capacity = row->max_bytes};
    (void)snprintf(out->signature, sizeof out->signature, "%s",
                   row->signature != NULL ? row->signature : "");
    return SHMRPC_OK;
}

/* Makes the description for the stream. Returns INVALID if the object can't
 * exist between machines. */
static int describe(const shmrpci_remote_spec *spec, nats_about *out,
                    shmrpc_error *error)
{
    const shmrpc_shared *row = spec->row;
    bool is_queue = row->kind == SHMRPC_SHARED_QUEUE;
    if (!is_queue && row->kind != SHMRPC_SHARED_TOPIC) {
        return describe_bucket(spec, out, error);
    }
    if (row->lifetime != SHMRPC_LIFETIME_FILE) {
        return refuse(error,
                      "an object over NATS lives until it is destroyed: "
                      "leave `lifetime` at file");
    }
    if (!is_queue && row->overflow != SHMRPC_OVERFLOW_DEFAULT &&
        row->overflow != SHMRPC_OVERFLOW_OVERWRITE) {
        return refuse(error,
                      "over NATS a publisher can't wait for subscribers, as it "
                      "doesn't know those on other machines: a topic's "
                      "overflow can only be overwrite");
    }
    if (is_queue && ((uint32_t)row->overflow > SHMRPC_OVERFLOW_DROP_NEWEST ||
                     row->overflow == SHMRPC_OVERFLOW_OVERWRITE)) {
        return refuse(error, "a queue can't overwrite");
    }
    if (row->capacity > MAX_COUNT || row->history > MAX_COUNT ||
        row->max_item_bytes > INT32_MAX / 2) {
        return refuse(error,
                      "capacity, history or max_item_bytes are too large");
    }
    *out = (nats_about){
        .kind = kind_of(row->kind),
        .encoding = (uint32_t)row->encoding,
        .type_hash = spec->type_hash,
        .history = is_queue ? 0 : row->history,
        .capacity = row->capacity != 0 ? row->capacity : DEFAULT_CAPACITY,
        .max_item_bytes = row->max_item_bytes != 0 ? row->max_item_bytes
                                                   : DEFAULT_MAX_ITEM_BYTES,
        .overflow = (uint32_t)row->overflow,
        .is_acked = (row->flags & SHMRPC_SHARED_ACKED) != 0};
    (void)snprintf(out->signature, sizeof out->signature, "%s",
                   row->signature != NULL ? row->signature : "");
    return SHMRPC_OK;
}

/* Checks that the existing object has the expected type. */
static int compare(const nats_about *mine, const nats_about *theirs,
                   shmrpc_error *error)
{
    if (mine->kind == theirs->kind && mine->encoding == theirs->encoding &&
        mine->type_hash == theirs->type_hash) {
        return SHMRPC_OK;
    }
    return shmrpc_error_set(error, SHMRPC_E_CONTRACT,
                            "it is %.48s in encoding %u, expected %.48s in "
                            "encoding %u",
                            theirs->signature, theirs->encoding,
                            mine->signature, mine->encoding);
}

/* Opens an existing stream. */
static int join(shmrpci_remote *remote, int64_t deadline_ns,
                shmrpc_error *error)
{
    nats_stream_info info;
    int status = nats_stream_look(remote->line, remote->stream.name,
                                  deadline_ns, &info, error);
    if (status == SHMRPC_OK) {
        status = compare(&remote->about, &info.about, error);
    }
    if (status == SHMRPC_OK) {
        remote->about = info.about;
        memcpy(remote->stream.id, info.about.id, sizeof info.about.id);
    }
    return status;
}

/* If a stream exists already, JetStream reports success only if it equals the
 * one to be created. Ours never equals the stream of another handle, because
 * its description contains our id. */
static int make(shmrpci_remote *remote, bool is_exclusive, int64_t deadline_ns,
                shmrpc_error *error)
{
    int status =
        nats_stream_create(remote->line, &remote->stream, &remote->place,
                           &remote->about, deadline_ns, error);
    if (status == SHMRPC_E_EXISTS && !is_exclusive) {
        status = SHMRPC_OK;
    }
    return status == SHMRPC_OK ? join(remote, deadline_ns, error) : status;
}

/* A topic without history has no stream, so one can't find out whether it
 * exists. */
static bool has_no_stream(const shmrpci_remote *remote)
{
    return remote->about.kind == 't' && remote->about.history == 0;
}

static int open_or_make(shmrpci_remote *remote, int64_t deadline_ns,
                        shmrpc_error *error)
{
    int status = join(remote, deadline_ns, error);
    if (has_no_stream(remote) &&
        (status == SHMRPC_E_NOT_FOUND || status == SHMRPC_E_UNIMPLEMENTED)) {
        /* Without JetStream there can be no history either. */
        remote->stream.name[0] = '\0';
        return nats_line_await(remote->line, deadline_ns, error);
    }
    return status == SHMRPC_E_NOT_FOUND
               ? make(remote, false, deadline_ns, error)
               : status;
}

static int wait_for_it(shmrpci_remote *remote, int64_t timeout_ns,
                       shmrpc_error *error)
{
    int64_t until_ns = shmrpci_deadline_after(
        timeout_ns != 0 ? timeout_ns : SHMRPC_DEFAULT_TIMEOUT_NS);
    for (;;) {
        int status = join(remote, until_ns, error);
        if (status != SHMRPC_E_NOT_FOUND) {
            return status;
        }
        if (shmrpci_now_ns() >= until_ns) {
            return shmrpc_error_set(error, SHMRPC_E_DEADLINE,
                                    "no process has made it");
        }
        int64_t next_ns = shmrpci_deadline_after(LOOK_NS);
        next_ns = next_ns < until_ns ? next_ns : until_ns;
        while (nats_line_wait(remote->line, next_ns)) {
        }
    }
}

static int absent(const shmrpci_remote *remote, shmrpc_error *error)
{
    return shmrpc_error_set(
        error, SHMRPC_E_NOT_FOUND,
        remote->about.kind != 't'
            ? "it does not exist there"
            : "the servers keep no history of it, and so can't tell whether it "
              "exists: open or create it");
}

static int find(shmrpci_remote *remote, const shmrpci_remote_spec *spec,
                int64_t deadline_ns, shmrpc_error *error)
{
    int status;
    bool makes = spec->mode == SHMRPC_SHARED_CREATE ||
                 spec->mode == SHMRPC_SHARED_REPLACE;
    if (makes && has_no_stream(remote)) {
        return refuse(error,
                      "a topic without history is only a subject of "
                      "NATS, which can't be created or replaced");
    }
    switch (spec->mode) {
    case SHMRPC_SHARED_OPEN_OR_CREATE:
        return open_or_make(remote, deadline_ns, error);
    case SHMRPC_SHARED_OPEN_EXISTING:
        status = join(remote, deadline_ns, error);
        return status == SHMRPC_E_NOT_FOUND ? absent(remote, error) : status;
    case SHMRPC_SHARED_CREATE:
        status = make(remote, true, deadline_ns, error);
        return status == SHMRPC_E_EXISTS
                   ? shmrpc_error_set(error, status, "it already exists there")
                   : status;
    case SHMRPC_SHARED_REPLACE:
        status = nats_stream_delete(remote->line, remote->stream.name,
                                    deadline_ns, error);
        return status == SHMRPC_OK || status == SHMRPC_E_NOT_FOUND
                   ? make(remote, false, deadline_ns, error)
                   : status;
    case SHMRPC_SHARED_WAIT:
        return wait_for_it(remote, spec->timeout_ns, error);
    }
    return refuse(error, "there is no such mode");
}

/* Sets the names of the object's subjects and stream. */
static int name_stream(shmrpci_remote *remote, shmrpc_error *error)
{
    const char *name = remote->place.name;
    nats_stream *stream = &remote->stream;
    if (nats_about_is_bucket(&remote->about)) {
        int status = nats_place_bucket(name, stream->name, error);
        (void)snprintf(stream->subject, sizeof stream->subject, "$KV.%.200s.>",
                       status == SHMRPC_OK ? stream->name + 3 : "");
        return status;
    }
    int status =
        nats_place_subject(name, remote->about.kind, stream->subject, error);
    return status == SHMRPC_OK ? nats_place_stream(name, remote->about.kind,
                                                   stream->name, error)
                               : status;
}

static int name_it(shmrpci_remote *remote, const shmrpci_remote_spec *spec,
                   shmrpc_error *error)
{
    uint8_t random[8];
    int status =
        nats_place_parse(spec->address, spec->row->name,
                         remote->about.kind != 't', &remote->place, error);
    if (status == SHMRPC_OK) {
        status = name_stream(remote, error);
    }
    if (status == SHMRPC_OK &&
        shmrpci_random_fill(random, sizeof random) != SHMRPC_OK) {
        status = shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                  "the system has no random numbers");
    }
    for (size_t i = 0; i < sizeof random && status == SHMRPC_OK; i++) {
        (void)snprintf(remote->publisher + 2 * i, 3, "%02x", random[i]);
    }
    /* Becomes the object's id if this handle creates the object. */
    memcpy(remote->about.id, remote->publisher, sizeof remote->about.id);
    return status;
}

/* ---- callbacks of the connection ----------------------------------------- */

static void on_second(void *user)
{
    nats_queue_tick(user);
    nats_copy_tick(user);
}

static void on_connect(void *user)
{
    nats_queue_reconnect(user);
    nats_topic_reconnect(user);
    nats_copy_reconnect(user);
}

/* ---- operations ---------------------------------------------------------- */

static void close_it(shmrpci_remote *remote)
{
    if (remote == NULL) {
        return;
    }
    if (remote->line != NULL && nats_line_is_ours(remote->line)) {
        nats_line_lock(remote->line);
        nats_topic_close(remote);
        nats_queue_close(remote);
        nats_copy_close(remote);
        nats_line_unlock(remote->line);
    }
    nats_line_close(remote->line);
    free(remote);
}

static int open_on(shmrpci_remote *remote, const shmrpci_remote_spec *spec,
                   shmrpc_error *error)
{
    const shmrpc_type *key = spec->row->key;
    int64_t deadline_ns = shmrpci_deadline_after(OPEN_NS);
    remote->key_form = key == NULL                    ? NATS_KEY_NONE
                       : key->kind == SHMRPC_KIND_ANY ? NATS_KEY_ANY
                                                      : NATS_KEY_PLAIN;
    nats_line_opts opts = {.place = &remote->place,
                           .on_second = on_second,
                           .on_connect = on_connect,
                           .user = remote};
    int status = nats_line_open(&opts, &remote->line, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    nats_line_lock(remote->line);
    status = find(remote, spec, deadline_ns, error);
    if (status == SHMRPC_OK && remote->about.kind == 'q') {
        status = nats_queue_open(remote, deadline_ns, error);
    }
    nats_line_unlock(remote->line);
    return status;
}

static shmrpc_status open_it(const shmrpci_remote_spec *spec,
                             shmrpci_remote **out, shmrpc_error *error)
{
    shmrpci_remote *remote = calloc(1, sizeof *remote);
    if (remote == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    int status = describe(spec, &remote->about, error);
    if (status == SHMRPC_OK) {
        status = name_it(remote, spec, error);
    }
    if (status == SHMRPC_OK) {
        status = open_on(remote, spec, error);
    }
    if (status != SHMRPC_OK) {
        close_it(remote);
        return (shmrpc_status)status;
    }
    *out = remote;
    return SHMRPC_OK;
}

/* FNV-1a is enough: names and ids may collide by accident, but not on
 * purpose. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* A stream that is made anew has another id, and so another hash. */
static void facts(const shmrpci_remote *remote, shmrpci_remote_facts *out)
{
    uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), remote->stream.id);
    *out = (shmrpci_remote_facts){
        .max_item_bytes = (uint32_t)remote->about.max_item_bytes,
        .is_acked = remote->about.is_acked,
        .name = remote->place.name,
        .identity = hash_text(hash, remote->stream.name)};
}

/* Only queues can be ended: there is no way to tell the subscribers of a
 * topic. */
static shmrpc_status end(shmrpci_remote *remote)
{
    nats_stream_info info;
    int64_t deadline_ns = shmrpci_deadline_after(OPEN_NS);
    if (remote->about.kind != 'q') {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    int status = nats_remote_enter(remote, NULL);
    if (status != SHMRPC_OK) {
        return (shmrpc_status)status;
    }
    status = nats_stream_check(remote->line, &remote->stream, deadline_ns,
                               &info, NULL);
    if (status == SHMRPC_OK && !info.about.is_ended) {
        status = nats_stream_end(remote->line, &remote->stream, &info,
                                 deadline_ns, NULL);
    }
    nats_remote_leave(remote);
    return (shmrpc_status)status;
}

static shmrpc_status destroy(shmrpci_remote *remote)
{
    nats_stream_info info;
    int64_t deadline_ns = shmrpci_deadline_after(OPEN_NS);
    int status = nats_remote_enter(remote, NULL);
    if (status != SHMRPC_OK) {
        return (shmrpc_status)status;
    }
    status = SHMRPC_E_UNIMPLEMENTED;
    if (remote->stream.name[0] != '\0') {
        status = nats_stream_check(remote->line, &remote->stream, deadline_ns,
                                   &info, NULL);
        if (status == SHMRPC_OK) {
            status = nats_stream_delete(remote->line, remote->stream.name,
                                        deadline_ns, NULL);
        }
        /* Another process has destroyed it first. */
        status = status == SHMRPC_E_DESTROYED || status == SHMRPC_E_NOT_FOUND
                     ? (int)SHMRPC_OK
                     : status;
    }
    nats_remote_leave(remote);
    return (shmrpc_status)status;
}

static int read_figures(shmrpci_remote *remote, shmrpci_remote_figures *out)
{
    nats_stream_info info;
    nats_consumer_info readers = {.waiting_count = 0};
    int64_t deadline_ns = shmrpci_deadline_after(OPEN_NS);
    int status = nats_stream_check(remote->line, &remote->stream, deadline_ns,
                                   &info, NULL);
    if (status == SHMRPC_OK && remote->about.kind == 'q') {
        status = nats_consumer_look(remote->line, &remote->stream, NATS_READERS,
                                    deadline_ns, &readers, NULL);
    }
    if (status == SHMRPC_OK) {
        *out =
            (shmrpci_remote_figures){.item_count = readers.waiting_count,
                                     .byte_count = info.byte_count,
                                     .capacity = info.about.capacity,
                                     .pushed_count = info.last_number,
                                     .dropped_count = remote->dropped,
                                     .redelivered_count = readers.again_count,
                                     .unacked_count = readers.unacked_count,
                                     .history = info.about.history,
                                     .is_ended = info.about.is_ended};
    }
    return status;
}

static shmrpc_status figures(shmrpci_remote *remote,
                             shmrpci_remote_figures *out)
{
    int status = nats_remote_enter(remote, NULL);
    if (status != SHMRPC_OK) {
        return (shmrpc_status)status;
    }
    if (remote->stream.name[0] != '\0') {
        status = read_figures(remote, out);
    } else {
        *out = (shmrpci_remote_figures){.pushed_count = remote->number};
    }
    nats_remote_leave(remote);
    return (shmrpc_status)status;
}

const shmrpci_remote_ops shmrpci_remote_nats = {
    .open = open_it,
    .close = close_it,
    .facts = facts,
    .end = end,
    .destroy = destroy,
    .figures = figures,
    .push = nats_queue_push,
    .pop = nats_queue_pop,
    .settle = nats_queue_settle,
    .publish = nats_topic_publish,
    .subscribe = nats_topic_subscribe,
    .unsubscribe = nats_topic_unsubscribe,
    .next = nats_topic_next,
    .follow = nats_copy_follow,
    .read = nats_kv_read,
    .write = nats_kv_write,
};
