/*
 * The entries of a dict or value: messages in a bucket of NATS, one for each
 * key. The number of a message in the stream is the revision of its entry.
 *
 * A deletion is a message too (KV-Operation: DEL), so that watchers learn of
 * it. Every change has an id, so the server stores a change that is sent twice
 * after a lost answer only once.
 */
#include "transport/nats/remote_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codec/base64.h"
#include "transport/nats/remote_json.h"

/* Error codes of the server to which we react. */
enum {
    JS_WRONG_LAST = 10071,
    JS_WRONG_LAST_CONSTANT = 10164,
    JS_STORE_FAILED = 10077,
    JS_TOO_LARGE = 10054
};

/* Pause before a request that nobody answered is repeated. Electing a leader
 * takes less time. */
#define REST_NS (50 * SHMRPCI_NS_PER_MS)

#define ID_HEADER       "Nats-Msg-Id"
#define EXPECTED_HEADER "Nats-Expected-Last-Subject-Sequence"

/* Room for $KV.BUCKET.KEY. */
#define SUBJECT_BYTES (NATS_PLACE_SUBJECT_BYTES + NATS_KEY_TEXT_BYTES)

static int subject_of(const shmrpci_remote *remote, const void *key, size_t len,
                      char out[SUBJECT_BYTES], shmrpc_error *error)
{
    char text[NATS_KEY_TEXT_BYTES];
    size_t prefix = strlen(remote->stream.subject) - 1;
    if (!nats_key_write(remote->key_form, key, len, text)) {
        return shmrpc_error_set(error, SHMRPC_E_TOO_LARGE,
                                "over NATS a key has at most %u bytes, where "
                                "each special character counts as three",
                                NATS_KEY_TEXT_BYTES - 4);
    }
    (void)snprintf(out, SUBJECT_BYTES, "%.*s%s", (int)prefix,
                   remote->stream.subject, text);
    return SHMRPC_OK;
}

/* ---- reading ------------------------------------------------------------- */

/* The newest message of a key. */
typedef struct entry {
    uint64_t revision; /* 0: the key has no message */
    bool is_deleted;
    char id[NATS_FROM_BYTES]; /* "": it has no id, or a foreign one */
} entry;

/* Appends a base64 member to `out`; a missing member counts as empty. Returns
 * false if it is malformed or memory is exhausted. */
static bool read_base64(nats_json in, const char *path, shmrpci_buf *out)
{
    nats_json value;
    size_t len = 0;
    if (!nats_json_find(in, path, &value)) {
        return true;
    }
    if (value.len < 2 || value.text[0] != '"') {
        return false;
    }
    uint8_t *at = shmrpci_buf_lend(out, value.len);
    if (at == NULL ||
        !shmrpci_base64_decode(value.text + 1, value.len - 2, at, &len)) {
        return false;
    }
    out->len -= value.len - len;
    return true;
}

/* Copies the value of a header if the line begins with its name. */
static bool is_header(const char *line, size_t len, const char *name, char *out,
                      size_t size)
{
    size_t name_len = strlen(name);
    if (len <= name_len || strncmp(line, name, name_len) != 0 ||
        line[name_len] != ':') {
        return false;
    }
    const char *value = line + name_len + 1;
    size_t left = len - name_len - 1;
    while (left > 0 && *value == ' ') {
        value++;
        left--;
    }
    (void)snprintf(out, size, "%.*s", (int)(left < size ? left : size), value);
    return true;
}

/* Reads the headers of a message. Each line ends with CR LF. */
static void read_headers(const char *at, size_t left, entry *out)
{
    char value[NATS_FROM_BYTES];
    while (left > 0) {
        const char *end = memchr(at, '\r', left);
        size_t len = end != NULL ? (size_t)(end - at) : left;
        if (is_header(at, len, NATS_KV_OPERATION, value, sizeof value)) {
            out->is_deleted = strcmp(value, "PUT") != 0;
        } else if (is_header(at, len, NATS_KV_MARKER, value, sizeof value)) {
            out->is_deleted = true;
        } else if (is_header(at, len, ID_HEADER, value, sizeof value)) {
            memcpy(out->id, value, sizeof value);
        }
        size_t used = left - len >= 2 ? len + 2 : left;
        at += used;
        left -= used;
    }
}

/* `value` may be NULL if the caller does not need the value. */
static int read_message(nats_json in, const char *subject, entry *out,
                        shmrpci_buf *value, shmrpc_error *error)
{
    char theirs[SUBJECT_BYTES] = "";
    shmrpci_buf headers;
    shmrpci_buf_init_heap(&headers);
    *out = (entry){.revision = nats_json_uint(in, "message.seq", 0)};
    bool is_good =
        out->revision != 0 && out->revision != SHMRPCI_REMOTE_ANY &&
        nats_json_text(in, "message.subject", theirs, sizeof theirs) &&
        strcmp(theirs, subject) == 0 &&
        read_base64(in, "message.hdrs", &headers) &&
        (value == NULL || read_base64(in, "message.data", value));
    if (is_good) {
        read_headers((const char *)headers.data, headers.len, out);
    }
    shmrpci_buf_fini(&headers);
    return is_good ? SHMRPC_OK
                   : shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                      "NATS's answer can't be read");
}

/* Asks the leader of the stream, because replicas may be stale. */
static int look(shmrpci_remote *remote, const char *subject,
                int64_t deadline_ns, entry *out, shmrpci_buf *value,
                shmrpc_error *error)
{
    shmrpci_buf body;
    shmrpci_buf answer;
    shmrpci_buf_init_heap(&body);
    shmrpci_buf_printf(&body, "{\"last_by_subj\":\"%s\"}", subject);
    int status =
        nats_stream_call(remote->line, "STREAM.MSG.GET", remote->stream.name,
                         NULL, &body, deadline_ns, &answer, error);
    if (status == SHMRPC_OK) {
        nats_json in = {(const char *)answer.data, answer.len};
        status = read_message(in, subject, out, value, error);
    }
    shmrpci_buf_fini(&answer);
    shmrpci_buf_fini(&body);
    return status;
}

/* NOT_FOUND from `look` may mean that the key or that the whole stream does not
 * exist; the check of the stream tells which. */
static int read_entry(shmrpci_remote *remote, const char *subject,
                      int64_t deadline_ns, shmrpci_buf *out,
                      uint64_t *out_revision, shmrpc_error *error)
{
    entry found = {.revision = 0};
    nats_stream_info info;
    shmrpci_buf_reset(out);
    int status = look(remote, subject, deadline_ns, &found, out, error);
    if (status == SHMRPC_E_NOT_FOUND) {
        status = nats_stream_check(remote->line, &remote->stream, deadline_ns,
                                   &info, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    *out_revision = found.revision;
    return found.revision == 0 || found.is_deleted
               ? shmrpc_error_set(error, SHMRPC_E_NOT_FOUND,
                                  "there is no such key")
               : (int)SHMRPC_OK;
}

shmrpc_status nats_kv_read(shmrpci_remote *remote, const void *key,
                           size_t key_len, int64_t deadline_ns,
                           shmrpci_buf *out, uint64_t *out_revision,
                           shmrpc_error *error)
{
    char subject[SUBJECT_BYTES];
    int status = subject_of(remote, key, key_len, subject, error);
    if (status == SHMRPC_OK) {
        status = nats_remote_enter(remote, error);
    }
    if (status != SHMRPC_OK) {
        return (shmrpc_status)status;
    }
    status = read_entry(remote, subject, deadline_ns, out, out_revision, error);
    nats_remote_leave(remote);
    return (shmrpc_status)status;
}

/* ---- writing ------------------------------------------------------------- */

/* Reads the answer to a message that was to be stored. Returns MORE if the key
 * has another revision than expected. */
static int read_stored(nats_json in, uint64_t *out_revision,
                       shmrpc_error *error)
{
    char text[128] = "";
    nats_json any;
    uint64_t code = nats_json_uint(in, "error.err_code", 0);
    (void)nats_json_text(in, "error.description", text, sizeof text);
    switch (code) {
    case JS_WRONG_LAST:
    case JS_WRONG_LAST_CONSTANT:
        return SHMRPC_MORE;
    case JS_STORE_FAILED:
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                "the bucket of NATS is full (max_bytes): %.80s",
                                text);
    case JS_TOO_LARGE:
        return shmrpc_error_set(error, SHMRPC_E_TOO_LARGE, "NATS says: %.100s",
                                text);
    default:
        break;
    }
    *out_revision = nats_json_uint(in, "seq", 0);
    return nats_json_find(in, "error", &any) || *out_revision == 0 ||
                   *out_revision == SHMRPCI_REMOTE_ANY
               ? shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                  "NATS did not store it: %.100s", text)
               : (int)SHMRPC_OK;
}

/* Called when nobody has stored the message: the bucket is gone (an error), or
 * its servers are electing a leader (waits a moment and returns OK). */
static int rest(shmrpci_remote *remote, int64_t deadline_ns,
                shmrpc_error *error)
{
    nats_stream_info info;
    int64_t until_ns = shmrpci_deadline_after(REST_NS);
    int status = nats_stream_check(remote->line, &remote->stream, deadline_ns,
                                   &info, error);
    while (status == SHMRPC_OK && nats_line_wait(remote->line, until_ns)) {
    }
    return status;
}

static int store(shmrpci_remote *remote, const nats_post *post,
                 int64_t deadline_ns, uint64_t *out_revision,
                 shmrpc_error *error)
{
    bool is_nobody = true;
    int status = SHMRPC_OK;
    while (status == SHMRPC_OK && is_nobody) {
        shmrpci_buf answer;
        shmrpci_buf_init_heap(&answer);
        status = nats_line_ask(remote->line, post, deadline_ns, &answer,
                               &is_nobody, error);
        if (status == SHMRPC_OK && is_nobody) {
            status = rest(remote, deadline_ns, error);
        } else if (status == SHMRPC_OK) {
            status =
                read_stored((nats_json){(const char *)answer.data, answer.len},
                            out_revision, error);
        }
        shmrpci_buf_fini(&answer);
    }
    if (status == SHMRPC_E_TOO_LARGE) {
        (void)shmrpc_error_set(error, status,
                               "a value of %zu bytes is too large for the "
                               "servers of NATS (max_payload)",
                               post->len);
    }
    return status;
}

/* Stores a message. If the server reports another revision than expected, this
 * message may have been stored already by a request whose answer was lost. So
 * the id of the newest message is compared with ours. */
static int write_entry(shmrpci_remote *remote, const char *subject,
                       const void *data, size_t len, uint64_t expected,
                       int64_t deadline_ns, uint64_t *out_revision,
                       shmrpc_error *error)
{
    char id[NATS_FROM_BYTES];
    char number[24];
    nats_header headers[3] = {{ID_HEADER, id}};
    size_t count = 1;
    (void)snprintf(id, sizeof id, "%s-%" PRIu64, remote->publisher,
                   ++remote->number);
    (void)snprintf(number, sizeof number, "%" PRIu64, expected);
    if (expected != SHMRPCI_REMOTE_ANY) {
        headers[count++] = (nats_header){EXPECTED_HEADER, number};
    }
    if (data == NULL) {
        headers[count++] = (nats_header){NATS_KV_OPERATION, "DEL"};
    }
    const nats_post post = {.subject = subject,
                            .headers = headers,
                            .header_count = count,
                            .data = data,
                            .len = len};
    int status = store(remote, &post, deadline_ns, out_revision, error);
    if (status != SHMRPC_MORE) {
        return status;
    }
    entry found = {.revision = 0};
    status = look(remote, subject, deadline_ns, &found, NULL, error);
    if (status == SHMRPC_OK && strcmp(found.id, id) == 0) {
        *out_revision = found.revision;
        return SHMRPC_OK;
    }
    return status == SHMRPC_OK || status == SHMRPC_E_NOT_FOUND
               ? shmrpc_error_set(error, SHMRPC_E_ABORTED,
                                  "the key has changed meanwhile")
               : status;
}

shmrpc_status nats_kv_write(shmrpci_remote *remote, const void *key,
                            size_t key_len, const void *data, size_t len,
                            uint64_t expected, int64_t deadline_ns,
                            uint64_t *out_revision, shmrpc_error *error)
{
    char subject[SUBJECT_BYTES];
    int status = subject_of(remote, key, key_len, subject, error);
    if (status == SHMRPC_OK) {
        status = nats_remote_enter(remote, error);
    }
    if (status != SHMRPC_OK) {
        return (shmrpc_status)status;
    }
    status = write_entry(remote, subject, data, len, expected, deadline_ns,
                         out_revision, error);
    nats_remote_leave(remote);
    return (shmrpc_status)status;
}
