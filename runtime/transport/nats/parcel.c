/* Encoding and decoding the messages of parcel.h. */
#include "transport/nats/parcel.h"

#include <stdio.h>
#include <string.h>

#define MAGIC   0xF4u
#define VERSION 1u

static void put(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

void nats_parcel_put(const nats_parcel *parcel, uint8_t out[NATS_PARCEL_HEAD])
{
    put(out, MAGIC, 1);
    put(out + 1, VERSION, 1);
    put(out + 2, (uint64_t)parcel->kind, 1);
    put(out + 3, 0, 1);
    put(out + 4, (uint32_t)parcel->value, 4);
    put(out + 8, parcel->link, 8);
    put(out + 16, parcel->at, 8);
    put(out + 24, parcel->acked, 8);
}

/* Whether a message of this kind may carry data. */
static bool fits(const nats_parcel *parcel)
{
    switch (parcel->kind) {
    case NATS_DATA:
        return parcel->len > 0 && parcel->len <= NATS_WINDOW_BYTES;
    case NATS_FOUND:
        return parcel->len > 0 && parcel->len <= NATS_WHO_BYTES;
    case NATS_FIND:
    case NATS_OPEN:
    case NATS_OPENED:
    case NATS_ACK:
    case NATS_PROBE:
    case NATS_ALIVE:
    case NATS_END:
    case NATS_CLOSE:
    case NATS_KIND_COUNT:
        break;
    }
    return parcel->len == 0;
}

bool nats_parcel_get(const uint8_t *bytes, size_t len, nats_parcel *out)
{
    if (len < NATS_PARCEL_HEAD || bytes[0] != MAGIC || bytes[1] != VERSION ||
        bytes[2] < NATS_FIND || bytes[2] >= NATS_KIND_COUNT || bytes[3] != 0) {
        return false;
    }
    *out = (nats_parcel){.kind = (nats_kind)bytes[2],
                         .value = (int32_t)(uint32_t)get(bytes + 4, 4),
                         .link = get(bytes + 8, 8),
                         .at = get(bytes + 16, 8),
                         .acked = get(bytes + 24, 8),
                         .data = bytes + NATS_PARCEL_HEAD,
                         .len = len - NATS_PARCEL_HEAD};
    return fits(out);
}

/* ---- identity of a gateway ----------------------------------------------- */

/* Writes three texts, each with its final 0. */
size_t nats_who_put(const nats_who *who, uint8_t out[NATS_WHO_BYTES])
{
    const char *texts[] = {who->id, who->zone, who->host};
    size_t len = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t size = strlen(texts[i]) + 1;
        memcpy(out + len, texts[i], size);
        len += size;
    }
    return len;
}

/* Takes the next text off the front of *data. */
static bool take_text(const uint8_t **data, size_t *len, char *out, size_t size)
{
    const uint8_t *end = memchr(*data, 0, *len);
    if (end == NULL || (size_t)(end - *data) >= size) {
        return false;
    }
    size_t taken = (size_t)(end - *data) + 1;
    memcpy(out, *data, taken);
    *data += taken;
    *len -= taken;
    return true;
}

/* Checks the characters of an id, because it becomes part of a subject. */
static bool is_id(const char *id)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return strlen(id) == NATS_ID_BYTES - 1 &&
           strspn(id, letters) == NATS_ID_BYTES - 1;
}

bool nats_who_get(const uint8_t *data, size_t len, nats_who *out)
{
    return take_text(&data, &len, out->id, sizeof out->id) &&
           take_text(&data, &len, out->zone, sizeof out->zone) &&
           take_text(&data, &len, out->host, sizeof out->host) && len == 0 &&
           is_id(out->id);
}

void nats_id_of(const uint8_t random[16], char out[NATS_ID_BYTES])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    uint32_t count = 0;
    size_t next = 0;
    for (size_t i = 0; i < NATS_ID_BYTES - 1; i++) {
        if (count < 6 && next < 16) {
            bits |= (uint32_t)random[next++] << count;
            count += 8;
        }
        out[i] = letters[bits & 63u];
        bits >>= 6;
        count = count >= 6 ? count - 6 : 0;
    }
    out[NATS_ID_BYTES - 1] = '\0';
}

/* ---- subjects ---------------------------------------------------------- */

void nats_token_of(const char *name, char *out, size_t size)
{
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < size; i++) {
        char c = name[i];
        bool keeps = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || c == '_';
        out[i] = keeps ? c : '-';
    }
    out[i] = '\0';
}

bool nats_is_inbox(const char *subject)
{
    static const char prefix[] = "_INBOX.";
    return subject != NULL &&
           strncmp(subject, prefix, sizeof prefix - 1) == 0 &&
           strlen(subject) < NATS_SUBJECT_BYTES;
}

void nats_subject_find(const char *service, char out[NATS_SUBJECT_BYTES])
{
    char token[130];
    nats_token_of(service, token, sizeof token);
    (void)snprintf(out, NATS_SUBJECT_BYTES, "shmrpc.%s.find", token);
}

void nats_subject_news(const char *service, bool is_up,
                       char out[NATS_SUBJECT_BYTES])
{
    char token[130];
    nats_token_of(service, token, sizeof token);
    (void)snprintf(out, NATS_SUBJECT_BYTES, "shmrpc.%s.%s", token,
                   is_up ? "up" : "down");
}

void nats_subject_call(const char *service, const char *method,
                       char out[NATS_SUBJECT_BYTES])
{
    char token[130];
    nats_token_of(service, token, sizeof token);
    (void)snprintf(out, NATS_SUBJECT_BYTES, "shmrpc.%s.call.%.50s", token,
                   method);
}

void nats_subject_instance(const char *service, const char *id,
                           char out[NATS_SUBJECT_BYTES])
{
    char token[130];
    nats_token_of(service, token, sizeof token);
    (void)snprintf(out, NATS_SUBJECT_BYTES, "shmrpc.%s.i.%s", token, id);
}
