/* Encodes and decodes the layouts of docs/protocol.md. */
#include "transport/wire/frame.h"

#include <stdbool.h>
#include <string.h>

#include "transport/transport.h"

static const uint8_t magic[4] = {0xf3, 'r', 'p', 'c'};

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

const char *tcp_end_text(tcp_end end)
{
    static const char *const texts[TCP_END_COUNT] = {
        [TCP_END_NONE] = "open",
        [TCP_END_PEER] = "the peer closed the connection",
        [TCP_END_CUT] = "the connection was cut",
        [TCP_END_MAGIC] = "the peer does not speak shmrpc's protocol",
        [TCP_END_VERSION] = "the peer speaks another version of the protocol",
        [TCP_END_OPENING] = "the opening is malformed",
        [TCP_END_TYPE] = "a frame of a type that is not allowed here",
        [TCP_END_FIELD] = "a frame with an invalid field",
        [TCP_END_LENGTH] = "a frame longer than agreed",
        [TCP_END_CREDIT] = "more calls than agreed, or an id used twice",
        [TCP_END_AUTH] = "client and server do not have the same key",
        [TCP_END_TLS] = "no TLS 1.3 connection with a trusted certificate",
        [TCP_END_REFUSED] = "refused",
        [TCP_END_HANDSHAKE] = "the peer was too slow to say hello",
        [TCP_END_SLOW_SENDER] = "the peer was too slow to send a frame",
        [TCP_END_SLOW_RECEIVER] = "the peer was too slow to receive a frame",
        [TCP_END_FULL] = "too many connections",
        [TCP_END_MEMORY] = "out of memory",
        [TCP_END_DISPLACED] = "displaced",
        [TCP_END_CLOSED] = "closed",
    };
    return (unsigned)end < TCP_END_COUNT ? texts[end] : "unknown";
}

/* ---- openings -------------------------------------------------------- */

void tcp_opening_put(const tcp_opening *opening, uint8_t out[TCP_OPENING_BYTES])
{
    memset(out, 0, TCP_OPENING_BYTES);
    memcpy(out, magic, sizeof magic);
    put(out + 4, opening->major, 2);
    put(out + 6, opening->minor, 2);
    put(out + 8, opening->auth, 1);
    put(out + 10, opening->auth_len, 2);
}

tcp_end tcp_opening_get(const uint8_t *data, size_t len, tcp_opening *out)
{
    for (size_t i = 0; i < len && i < sizeof magic; i++) {
        if (data[i] != magic[i]) {
            return TCP_END_MAGIC;
        }
    }
    if (len < TCP_OPENING_BYTES) {
        return TCP_END_NONE;
    }
    *out = (tcp_opening){.major = (uint16_t)get(data + 4, 2),
                         .minor = (uint16_t)get(data + 6, 2),
                         .auth = data[8],
                         .auth_len = (uint16_t)get(data + 10, 2)};
    if (out->major != TCP_MAJOR) {
        return TCP_END_VERSION;
    }
    if (out->auth > TCP_AUTH_TLS) {
        return TCP_END_AUTH;
    }
    bool has_more = out->auth != TCP_AUTH_KEY && out->auth_len != 0;
    return has_more || data[9] != 0 || get(data + 12, 4) != 0 ? TCP_END_OPENING
                                                              : TCP_END_NONE;
}

/* ---- heads ----------------------------------------------------------- */

void tcp_head_put(const tcp_head *head, uint8_t out[TCP_HEAD_BYTES])
{
    put(out, head->len, 4);
    put(out + 4, head->type, 1);
    put(out + 5, head->flags, 1);
    put(out + 6, head->method, 2);
    put(out + 8, head->call, 4);
    put(out + 12, (uint32_t)head->status, 4);
    put(out + 16, head->value, 8);
}

void tcp_head_get(const uint8_t data[TCP_HEAD_BYTES], tcp_head *out)
{
    *out = (tcp_head){.len = (uint32_t)get(data, 4),
                      .type = data[4],
                      .flags = data[5],
                      .method = (uint16_t)get(data + 6, 2),
                      .call = (uint32_t)get(data + 8, 4),
                      .status = (int32_t)(uint32_t)get(data + 12, 4),
                      .value = get(data + 16, 8)};
}

enum { MAY_METHOD = 1, MAY_STATUS = 2, MAY_VALUE = 4, HAS_CALL = 8 };

/* For each frame type: who may send it, which flags and head fields it may
 * have, and how long its body may be. LEN_MESSAGE stands for the agreed limit
 * of messages. */
#define LEN_MESSAGE UINT32_MAX
static const struct {
    tcp_side from;
    bool either_side;
    uint8_t flags;
    uint8_t fields;
    uint32_t max_len;
} rules[TCP_TYPE_COUNT] = {
    [TCP_HELLO] = {TCP_FROM_CLIENT, false, 0, 0,
                   TCP_HELLO_BYTES + SHMRPCI_HELLO_MAX_BYTES},
    [TCP_WELCOME] = {TCP_FROM_SERVER, false, 0, 0,
                     TCP_WELCOME_BYTES + (uint32_t)SHMRPCI_WELCOME_MAX_BYTES},
    [TCP_REFUSED] = {TCP_FROM_SERVER, false, 0, MAY_STATUS,
                     TCP_REFUSAL_MAX_BYTES},
    [TCP_REQUEST] = {TCP_FROM_CLIENT, false,
                     TCP_FLAG_ONEWAY | TCP_FLAG_METADATA | TCP_FLAG_PACKED |
                         TCP_FLAG_NUMBERED | TCP_FLAG_STREAMS,
                     MAY_METHOD | MAY_VALUE | HAS_CALL, LEN_MESSAGE},
    [TCP_REPLY] = {TCP_FROM_SERVER, false,
                   TCP_FLAG_DETAIL | TCP_FLAG_METADATA | TCP_FLAG_PACKED,
                   MAY_STATUS | HAS_CALL, LEN_MESSAGE},
    [TCP_CANCEL] = {TCP_FROM_CLIENT, false, 0, HAS_CALL, 0},
    [TCP_TOLD] = {TCP_FROM_SERVER, false, 0, HAS_CALL, 0},
    [TCP_ENDED] = {TCP_FROM_SERVER, false, TCP_FLAG_NOT_RUN,
                   MAY_STATUS | HAS_CALL, 0},
    [TCP_CREDIT] = {TCP_FROM_SERVER, false, 0, MAY_STATUS, 0},
    [TCP_PING] = {TCP_FROM_CLIENT, true, 0, MAY_VALUE, 0},
    [TCP_PONG] = {TCP_FROM_CLIENT, true, 0, MAY_VALUE, 0},
    [TCP_AUTH] = {TCP_FROM_STRANGER, false, 0, 0, TCP_PROOF_BYTES},
    [TCP_GOAWAY] = {TCP_FROM_SERVER, false, TCP_FLAG_LAST, MAY_STATUS,
                    TCP_REFUSAL_MAX_BYTES},
    [TCP_ITEM] = {TCP_FROM_CLIENT, true, TCP_FLAG_MORE | TCP_FLAG_PACKED,
                  MAY_VALUE | HAS_CALL, TCP_PIECE_BYTES},
    [TCP_STREAM_END] = {TCP_FROM_CLIENT, true, 0,
                        MAY_STATUS | MAY_VALUE | HAS_CALL, 0},
    [TCP_WINDOW] = {TCP_FROM_CLIENT, true, TCP_FLAG_WAITS, MAY_VALUE | HAS_CALL,
                    0},
};

/* Returns the flags that a head of this type may not have, because they need
 * features that are not in use. */
static uint8_t unknown_flags(const tcp_head *head, uint32_t features)
{
    bool is_message = head->type == TCP_REQUEST || head->type == TCP_REPLY;
    unsigned flags = 0;
    if (is_message && (features & TCP_FEATURE_METADATA) == 0) {
        flags |= TCP_FLAG_METADATA;
    }
    if (head->type == TCP_REQUEST && (features & TCP_FEATURE_STREAMS) == 0) {
        flags |= TCP_FLAG_STREAMS;
    }
    return (uint8_t)flags;
}

/* Returns whether the type exists with these features; the types of streams,
 * from TCP_ITEM on, need TCP_FEATURE_STREAMS. */
static bool is_known(const tcp_head *head, uint32_t features)
{
    uint32_t count =
        (features & TCP_FEATURE_STREAMS) != 0 ? TCP_TYPE_COUNT : TCP_ITEM;
    return head->type != 0 && head->type < count;
}

tcp_end tcp_head_check(const tcp_head *head, tcp_side from,
                       uint32_t max_message, uint32_t features)
{
    if (!is_known(head, features) ||
        (rules[head->type].from != from &&
         (!rules[head->type].either_side || from == TCP_FROM_STRANGER))) {
        return TCP_END_TYPE;
    }
    unsigned flags =
        rules[head->type].flags & ~(unsigned)unknown_flags(head, features);
    uint8_t fields = rules[head->type].fields;
    uint32_t max_len = rules[head->type].max_len;
    if ((head->flags & ~flags) != 0 ||
        ((fields & MAY_METHOD) == 0 && head->method != 0) ||
        ((fields & MAY_STATUS) == 0 && head->status != 0) ||
        ((fields & MAY_VALUE) == 0 && head->value != 0) ||
        ((fields & HAS_CALL) == 0 && head->call != 0) ||
        (head->type == TCP_CREDIT && head->status <= 0) ||
        (head->type == TCP_STREAM_END &&
         (head->status > 0 || head->value > TCP_END_CLOSES))) {
        return TCP_END_FIELD;
    }
    return head->len > (max_len == LEN_MESSAGE ? max_message : max_len)
               ? TCP_END_LENGTH
               : TCP_END_NONE;
}

/* ---- terms ----------------------------------------------------------- */

void tcp_terms_put(const tcp_terms *terms, uint8_t out[TCP_HELLO_BYTES])
{
    put(out, terms->max_message, 4);
    put(out + 4, terms->compression, 4);
    put(out + 8, terms->credits, 4);
    put(out + 12, terms->features, 4);
}

tcp_end tcp_terms_get(const uint8_t *data, size_t len, tcp_side from,
                      tcp_terms *out)
{
    if (len < TCP_HELLO_BYTES) {
        return TCP_END_LENGTH;
    }
    *out = (tcp_terms){.max_message = (uint32_t)get(data, 4),
                       .compression = (uint32_t)get(data + 4, 4),
                       .credits = (uint32_t)get(data + 8, 4),
                       .features = (uint32_t)get(data + 12, 4)};
    bool credits_fit =
        from == TCP_FROM_CLIENT ? out->credits == 0 : out->credits > 0;
    return out->max_message == 0 || !credits_fit ? TCP_END_FIELD : TCP_END_NONE;
}

void tcp_windows_put(const tcp_windows *windows, uint8_t out[TCP_WINDOWS_BYTES])
{
    put(out, windows->in, 4);
    put(out + 4, windows->out, 4);
}

static bool is_window(uint32_t bytes)
{
    return bytes == 0 ||
           (bytes >= TCP_WINDOW_MIN_BYTES && bytes <= TCP_WINDOW_MAX_BYTES);
}

tcp_end tcp_windows_get(const uint8_t *data, size_t len, tcp_windows *out)
{
    if (len < TCP_WINDOWS_BYTES) {
        return TCP_END_LENGTH;
    }
    *out = (tcp_windows){.in = (uint32_t)get(data, 4),
                         .out = (uint32_t)get(data + 4, 4)};
    return is_window(out->in) && is_window(out->out) ? TCP_END_NONE
                                                     : TCP_END_FIELD;
}
