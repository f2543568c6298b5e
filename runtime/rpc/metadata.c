/* Metadata blocks: writing, checking, searching; W3C traces. */
#include "rpc/metadata.h"

#include <string.h>

#include "base/assert.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "os/tls_secret.h"

/* Size of an entry without key and value: the lengths and NULs. */
#define ENTRY_BYTES 5u

#define KNOWN_FLAGS                                     \
    (SHMRPCI_METADATA_WANTED | SHMRPCI_METADATA_TRACE | \
     SHMRPCI_METADATA_RETRY | SHMRPCI_METADATA_PEER)

#define PEER_BYTES 8u

static size_t peer_at(const uint8_t *block)
{
    return SHMRPCI_METADATA_HEAD_BYTES +
           ((block[3] & SHMRPCI_METADATA_TRACE) != 0 ? SHMRPCI_TRACE_BYTES
                                                     : 0u);
}

static size_t first_entry(const uint8_t *block)
{
    return peer_at(block) +
           ((block[3] & SHMRPCI_METADATA_PEER) != 0 ? PEER_BYTES : 0u);
}

static size_t padded(size_t len)
{
    return (len + 7) & ~(size_t)7;
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static bool is_key(const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = key[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
              c == '_' || c == '.')) {
            return false;
        }
    }
    return len > 0 && len <= SHMRPCI_METADATA_KEY_MAX;
}

static bool is_value(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)value[i] < ' ' || value[i] == '\x7f') {
            return false;
        }
    }
    return shmrpci_utf8_valid_prefix(value, len) == len;
}

/* ---- writing ------------------------------------------------------------- */

void shmrpci_metadata_init(shmrpci_metadata *m, unsigned flags)
{
    memset(m->bytes, 0, SHMRPCI_METADATA_HEAD_BYTES);
    /* The flags of trace and peer are set by the functions that add these. */
    m->bytes[3] = (uint8_t)(flags & (unsigned)(SHMRPCI_METADATA_WANTED |
                                               SHMRPCI_METADATA_RETRY));
    m->len = SHMRPCI_METADATA_HEAD_BYTES;
}

void shmrpci_metadata_set_trace(shmrpci_metadata *m,
                                const uint8_t trace[SHMRPCI_TRACE_BYTES])
{
    SHMRPCI_ASSERT(m->bytes[2] == 0, "the trace precedes the entries");
    m->bytes[3] |= SHMRPCI_METADATA_TRACE;
    memcpy(m->bytes + SHMRPCI_METADATA_HEAD_BYTES, trace, SHMRPCI_TRACE_BYTES);
    m->len = SHMRPCI_METADATA_HEAD_BYTES + SHMRPCI_TRACE_BYTES;
}

int shmrpci_metadata_put_trace(shmrpci_metadata *m,
                               const uint8_t trace[SHMRPCI_TRACE_BYTES],
                               shmrpc_error *error)
{
    uint8_t *at = m->bytes + SHMRPCI_METADATA_HEAD_BYTES;
    if ((m->bytes[3] & SHMRPCI_METADATA_TRACE) == 0) {
        if (sizeof m->bytes - m->len < SHMRPCI_TRACE_BYTES) {
            return shmrpc_error_set(
                error, SHMRPC_E_TOO_LARGE,
                "metadata traceparent: more than 1 KiB in one message");
        }
        memmove(at + SHMRPCI_TRACE_BYTES, at,
                m->len - SHMRPCI_METADATA_HEAD_BYTES);
        m->len += SHMRPCI_TRACE_BYTES;
        m->bytes[3] |= SHMRPCI_METADATA_TRACE;
    }
    memcpy(at, trace, SHMRPCI_TRACE_BYTES);
    return SHMRPC_OK;
}

int shmrpci_metadata_put_peer(shmrpci_metadata *m, uint64_t peer,
                              shmrpc_error *error)
{
    uint8_t *at = m->bytes + peer_at(m->bytes);
    if ((m->bytes[3] & SHMRPCI_METADATA_PEER) == 0) {
        if (sizeof m->bytes - m->len < PEER_BYTES) {
            return shmrpc_error_set(error, SHMRPC_E_TOO_LARGE,
                                    "metadata: more than 1 KiB in one message "
                                    "that passes a gateway");
        }
        memmove(at + PEER_BYTES, at, m->len - (size_t)(at - m->bytes));
        m->len += PEER_BYTES;
        m->bytes[3] |= SHMRPCI_METADATA_PEER;
    }
    for (size_t i = 0; i < PEER_BYTES; i++) {
        at[i] = (uint8_t)(peer >> (8 * i));
    }
    return SHMRPC_OK;
}

void shmrpci_metadata_reopen(shmrpci_metadata *m)
{
    size_t at = first_entry(m->bytes);
    for (unsigned i = 0; i < m->bytes[2]; i++) {
        at += ENTRY_BYTES + m->bytes[at] + get16(m->bytes + at + 1);
    }
    SHMRPCI_ASSERT(at <= m->len, "a block that was read is valid");
    m->len = at;
}

int shmrpci_metadata_add(shmrpci_metadata *m, const char *key,
                         const char *value, shmrpc_error *error)
{
    size_t key_len = strlen(key);
    size_t len = value != NULL ? strlen(value) : 0;
    if (!is_key(key, key_len)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "metadata \"%.64s\": a key must have 1 to 64 "
                                "lower-case letters, digits, '.', '_', '-'",
                                key);
    }
    if (value == NULL || !is_value(value, len)) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "metadata %s: a value must be UTF-8 without control characters",
            key);
    }
    size_t room = sizeof m->bytes - m->len;
    if (m->bytes[2] >= SHMRPC_METADATA_MAX_ENTRIES || len >= room ||
        ENTRY_BYTES + key_len + len > room) {
        return shmrpc_error_set(
            error, SHMRPC_E_TOO_LARGE,
            "metadata %s: more than 16 entries or 1 KiB in one message", key);
    }
    uint8_t *at = m->bytes + m->len;
    at[0] = (uint8_t)key_len;
    put16(at + 1, len);
    memcpy(at + 3, key, key_len + 1);
    memcpy(at + 4 + key_len, value, len + 1);
    m->len += ENTRY_BYTES + key_len + len;
    m->bytes[2]++;
    return SHMRPC_OK;
}

bool shmrpci_metadata_is_empty(const shmrpci_metadata *m)
{
    return m->bytes[2] == 0 && m->bytes[3] == 0;
}

size_t shmrpci_metadata_end(shmrpci_metadata *m)
{
    size_t len = padded(m->len);
    SHMRPCI_ASSERT(len <= sizeof m->bytes, "a block has room for its padding");
    memset(m->bytes + m->len, 0, len - m->len);
    put16(m->bytes, len);
    m->len = len;
    return len;
}

/* ---- reading ------------------------------------------------------------- */

/* Checks that the entry at *at ends before `end`, and advances *at to the next
 * one. */
static bool check_entry(const uint8_t *bytes, size_t *at, size_t end)
{
    if (end - *at < ENTRY_BYTES) {
        return false;
    }
    size_t key_len = bytes[*at];
    size_t len = get16(bytes + *at + 1);
    const char *key = (const char *)bytes + *at + 3;
    if (key_len + len > end - *at - ENTRY_BYTES) {
        return false;
    }
    const char *value = key + key_len + 1;
    *at += ENTRY_BYTES + key_len + len;
    return key[key_len] == '\0' && value[len] == '\0' && is_key(key, key_len) &&
           is_value(value, len);
}

static bool check(const uint8_t *bytes, size_t size)
{
    size_t at = first_entry(bytes);
    if (at > size || bytes[2] > SHMRPC_METADATA_MAX_ENTRIES ||
        (bytes[3] & ~KNOWN_FLAGS) != 0) {
        return false;
    }
    for (unsigned i = 0; i < bytes[2]; i++) {
        if (!check_entry(bytes, &at, size)) {
            return false;
        }
    }
    for (; at < size; at++) {
        if (bytes[at] != 0) {
            return false;
        }
    }
    return true;
}

size_t shmrpci_metadata_read(const uint8_t *data, size_t len,
                             shmrpci_metadata *out)
{
    if (len < 8) {
        return 0;
    }
    /* The length is read only once, and the copy is checked, because the peer
     * may change the original. */
    memcpy(out->bytes, data, 8);
    size_t size = get16(out->bytes);
    if (size < 8 || size > sizeof out->bytes || size % 8 != 0 || size > len) {
        return 0;
    }
    memcpy(out->bytes + 8, data + 8, size - 8);
    out->len = size;
    return check(out->bytes, size) ? size : 0;
}

unsigned shmrpci_metadata_flags(const shmrpci_metadata *m)
{
    return m->bytes[3];
}

bool shmrpci_metadata_peer(const shmrpci_metadata *m, uint64_t *out)
{
    const uint8_t *at = m->bytes + peer_at(m->bytes);
    *out = 0;
    if ((m->bytes[3] & SHMRPCI_METADATA_PEER) == 0) {
        return false;
    }
    for (size_t i = 0; i < PEER_BYTES; i++) {
        *out |= (uint64_t)at[i] << (8 * i);
    }
    return true;
}

const uint8_t *shmrpci_metadata_trace(const shmrpci_metadata *m)
{
    return (m->bytes[3] & SHMRPCI_METADATA_TRACE) != 0
               ? m->bytes + SHMRPCI_METADATA_HEAD_BYTES
               : NULL;
}

bool shmrpci_metadata_at(const shmrpci_metadata *m, uint32_t index,
                         shmrpc_metadata *out)
{
    size_t at = first_entry(m->bytes);
    if (index >= m->bytes[2]) {
        return false;
    }
    for (uint32_t i = 0; i < index; i++) {
        at += ENTRY_BYTES + m->bytes[at] + get16(m->bytes + at + 1);
    }
    out->key = (const char *)m->bytes + at + 3;
    out->value = out->key + m->bytes[at] + 1;
    return true;
}

const char *shmrpci_metadata_find(const shmrpci_metadata *m, const char *key)
{
    shmrpc_metadata entry;
    for (uint32_t i = 0; shmrpci_metadata_at(m, i, &entry); i++) {
        if (strcmp(entry.key, key) == 0) {
            return entry.value;
        }
    }
    return NULL;
}

/* ---- W3C traceparent ----------------------------------------------------- */

/* Lengths in bytes of the four parts of a traceparent. Each byte is written as
 * two digits. */
static const uint8_t parts[] = {1, 16, 8, 1};

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

bool shmrpci_trace_read(const char *text, uint8_t out[SHMRPCI_TRACE_BYTES])
{
    uint8_t *to = out;
    if (strlen(text) != SHMRPC_TRACEPARENT_BYTES - 1) {
        return false;
    }
    for (size_t part = 0; part < sizeof parts; part++) {
        if (part > 0 && *text++ != '-') {
            return false;
        }
        for (size_t i = 0; i < parts[part]; i++, text += 2) {
            int high = digit(text[0]);
            int low = digit(text[1]);
            if (high < 0 || low < 0) {
                return false;
            }
            *to++ = (uint8_t)(high << 4 | low);
        }
    }
    return out[0] != 0xFF && !is_zero(out + 1, 16) && !is_zero(out + 17, 8);
}

void shmrpci_trace_write(const uint8_t trace[SHMRPCI_TRACE_BYTES],
                         char out[SHMRPC_TRACEPARENT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t part = 0; part < sizeof parts; part++) {
        if (part > 0) {
            *out++ = '-';
        }
        for (size_t i = 0; i < parts[part]; i++, trace++) {
            *out++ = digits[*trace >> 4];
            *out++ = digits[*trace & 15];
        }
    }
    *out = '\0';
}

/* Ids need not be secret. If there is no randomness, the time makes them
 * distinct. */
static void make_id(uint8_t *out, size_t len)
{
    if (shmrpci_random_fill(out, len) != SHMRPC_OK || is_zero(out, len)) {
        uint64_t ticks = shmrpci_ticks() | 1;
        memcpy(out, &ticks, sizeof ticks);
    }
}

void shmrpci_trace_child(const uint8_t trace[SHMRPCI_TRACE_BYTES],
                         uint8_t out[SHMRPCI_TRACE_BYTES])
{
    memmove(out, trace, SHMRPCI_TRACE_BYTES);
    make_id(out + 17, 8);
}

void shmrpc_trace_begin(char out[SHMRPC_TRACEPARENT_BYTES])
{
    uint8_t trace[SHMRPCI_TRACE_BYTES] = {0};
    make_id(trace + 1, 16);
    trace[SHMRPCI_TRACE_BYTES - 1] = 1; /* sampled */
    shmrpci_trace_child(trace, trace);
    shmrpci_trace_write(trace, out);
}

/* ---- metadata of a reply, in the user's memory --------------------------- */

/* Checks the block again, because it is in the user's memory and may have been
 * changed. */
static bool view(const shmrpc_reply_metadata *metadata, shmrpci_metadata *out)
{
    return metadata->len <= sizeof metadata->bytes &&
           shmrpci_metadata_read(metadata->bytes, metadata->len, out) != 0;
}

bool shmrpc_reply_metadata_at(const shmrpc_reply_metadata *metadata,
                              uint32_t index, shmrpc_metadata *out)
{
    shmrpci_metadata block;
    if (!view(metadata, &block) || !shmrpci_metadata_at(&block, index, out)) {
        return false;
    }
    out->key =
        (const char *)metadata->bytes + (out->key - (const char *)block.bytes);
    out->value = (const char *)metadata->bytes +
                 (out->value - (const char *)block.bytes);
    return true;
}

const char *shmrpc_reply_metadata_get(const shmrpc_reply_metadata *metadata,
                                      const char *key)
{
    shmrpc_metadata entry;
    for (uint32_t i = 0; shmrpc_reply_metadata_at(metadata, i, &entry); i++) {
        if (strcmp(entry.key, key) == 0) {
            return entry.value;
        }
    }
    return NULL;
}
