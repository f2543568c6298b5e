/*
 * Anything that may arrive over tcp, from either side. The first byte chooses
 * the side and the size of pieces; the rest are an opening and frames. However
 * the bytes are split, they must give the same frames and the same end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/tcp/limits.h"
#include "transport/tcp/pack.h"
#include "transport/tcp/reader.h"

#define MAX_MESSAGE 100000u

/* The results of parsing the bytes. */
typedef struct outcome {
    tcp_end end;
    uint32_t frames;
    uint32_t sum; /* checksum of heads and bodies */
} outcome;

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}

static void add(outcome *o, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        o->sum = o->sum * 31 + bytes[i];
    }
}

/* Unpacks a body that is marked as compressed. It must be refused if it claims
 * to unpack to more bytes than any real compression could put into it. */
static void unpack(outcome *o, shmrpc_compression how, const tcp_body *body)
{
    tcp_pack_room room = {.data = NULL};
    size_t len;
    if (tcp_unpack_length(how, body->data, body->len, MAX_MESSAGE, &len) !=
        TCP_END_NONE) {
        return;
    }
    if (len > MAX_MESSAGE ||
        len > TCP_PACK_SLACK_BYTES + body->len * TCP_PACK_MAX_RATIO) {
        fail("more memory than the body justifies");
    }
    uint8_t *plain = malloc(len);
    uint8_t *again = malloc(len);
    if (tcp_unpack(how, body->data, body->len, plain, len) == TCP_END_NONE) {
        add(o, plain, len);
        size_t packed = tcp_pack(how, plain, len, &room);
        if (packed > 0 && (packed >= len ||
                           tcp_unpack(how, room.data + TCP_HEAD_BYTES, packed,
                                      again, len) != TCP_END_NONE ||
                           memcmp(again, plain, len) != 0)) {
            fail("packed, it is another body");
        }
    }
    free(room.data);
    free(again);
    free(plain);
}

static tcp_end on_frame(void *user, const tcp_head *head, tcp_body *body)
{
    outcome *o = user;
    uint8_t bytes[TCP_HEAD_BYTES];
    tcp_terms terms;
    o->frames++;
    if (head->len != body->len) {
        fail("a body with a wrong length");
    }
    tcp_head_put(head, bytes);
    add(o, bytes, sizeof bytes);
    add(o, body->data, body->len);
    if (head->type == TCP_HELLO || head->type == TCP_WELCOME) {
        return tcp_terms_get(body->data, body->len,
                             head->type == TCP_HELLO ? TCP_FROM_CLIENT
                                                     : TCP_FROM_SERVER,
                             &terms);
    }
    if ((head->flags & TCP_FLAG_PACKED) != 0) {
        unpack(o, SHMRPC_COMPRESSION_SNAPPY, body);
        unpack(o, SHMRPC_COMPRESSION_ZLIB, body);
    }
    if (body->heap != NULL && (head->call & 1) != 0) {
        free(body->heap); /* a receiver that keeps the body would free it
                           * later */
        body->heap = NULL;
    }
    return TCP_END_NONE;
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static outcome read_frames(tcp_side from, const uint8_t *data, size_t len,
                           size_t step)
{
    outcome o = {.end = TCP_END_NONE};
    tcp_reader reader;
    tcp_reader_init(&reader, from, MAX_MESSAGE);
    reader.features = TCP_FEATURES;
    while (len > 0 && o.end == TCP_END_NONE) {
        size_t room = 0;
        size_t taken = min(step, len);
        uint8_t *space = tcp_reader_space(&reader, taken, &room);
        if (space != NULL) {
            taken = min(taken, room);
            memcpy(space, data, taken);
            o.end = tcp_reader_filled(&reader, taken, on_frame, &o);
        } else {
            o.end = tcp_reader_feed(&reader, data, taken, on_frame, &o);
        }
        data += taken;
        len -= taken;
        if (reader.body_cap > TCP_BODY_FIRST_BYTES &&
            reader.body_cap > 2 * (reader.body_len + TCP_SCRATCH_BYTES)) {
            fail("more memory than has arrived");
        }
    }
    tcp_reader_fini(&reader);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    tcp_opening opening = {.major = 0};
    if (len < 1) {
        return 0;
    }
    tcp_side from = (data[0] & 1) != 0 ? TCP_FROM_SERVER : TCP_FROM_CLIENT;
    size_t step = (size_t)(data[0] >> 1) + 1;
    data++;
    len--;
    tcp_end end = tcp_opening_get(data, len, &opening);
    if (end == TCP_END_NONE && len >= TCP_OPENING_BYTES) {
        data += TCP_OPENING_BYTES;
        len -= TCP_OPENING_BYTES;
    }
    outcome whole = read_frames(from, data, len, len > 0 ? len : 1);
    outcome cut = read_frames(from, data, len, step);
    if (whole.end != cut.end || whole.frames != cut.frames ||
        whole.sum != cut.sum) {
        fail("frames depend on how the bytes are split");
    }
    return 0;
}
