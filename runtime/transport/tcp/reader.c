/* Splits a stream of bytes into frames as they arrive. */
#include "transport/tcp/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "transport/tcp/limits.h"

void tcp_reader_init(tcp_reader *reader, tcp_side from, uint32_t max_message)
{
    *reader = (tcp_reader){.from = from, .max_message = max_message};
}

void tcp_reader_fini(tcp_reader *reader)
{
    free(reader->body);
    reader->body = NULL;
    reader->body_cap = 0;
    free(reader->spare.data);
    reader->spare = (tcp_spare){.data = NULL};
}

void tcp_reader_lend(tcp_reader *reader, tcp_spare *spare)
{
    if (reader->spare.data == NULL) {
        reader->spare = *spare;
        *spare = (tcp_spare){.data = NULL};
    }
}

void tcp_spare_keep(tcp_spare *spare, uint8_t *data, size_t cap)
{
    if (cap > TCP_SPARE_BYTES || cap <= spare->cap) {
        free(data);
        return;
    }
    free(spare->data);
    *spare = (tcp_spare){.data = data, .cap = cap};
}

bool tcp_reader_is_midway(const tcp_reader *reader)
{
    return reader->head_len > 0;
}

/* Passes on a complete frame with the body `body`. */
static tcp_end hand_on(tcp_reader *reader, tcp_body *body,
                       tcp_on_frame *on_frame, void *user)
{
    SHMRPCI_ASSERT(reader->head_len == TCP_HEAD_BYTES &&
                       body->len == reader->head.len,
                   "only complete frames are passed on");
    tcp_head head = reader->head;
    reader->head_len = 0;
    reader->body_len = 0;
    return on_frame(user, &head, body);
}

/* Passes on a complete frame whose body was collected from several reads. */
static tcp_end hand_on_collected(tcp_reader *reader, tcp_on_frame *on_frame,
                                 void *user)
{
    tcp_body body = {.data = reader->body,
                     .len = reader->body_len,
                     .heap = reader->body,
                     .heap_cap = reader->body_cap};
    reader->body = NULL;
    reader->body_cap = 0;
    tcp_end end = hand_on(reader, &body, on_frame, user);
    free(body.heap);
    return end;
}

/* Makes room for more bytes of the body: twice what has arrived, but never more
 * than the length of the frame. */
static bool make_room(tcp_reader *reader, size_t extra)
{
    size_t wanted = reader->body_len + extra;
    SHMRPCI_ASSERT(reader->body_len <= reader->body_cap &&
                       wanted <= reader->head.len,
                   "a body never grows beyond the length in its head");
    if (reader->body == NULL && reader->head.len > TCP_KEEP_BYTES) {
        reader->body = reader->spare.data;
        reader->body_cap = reader->spare.cap;
        reader->spare = (tcp_spare){.data = NULL};
    }
    if (wanted <= reader->body_cap) {
        return true;
    }
    size_t cap = reader->body_cap * 2;
    cap = cap > wanted ? cap : wanted;
    cap = cap > TCP_BODY_FIRST_BYTES ? cap : TCP_BODY_FIRST_BYTES;
    cap = cap < reader->head.len ? cap : reader->head.len;
    uint8_t *body = realloc(reader->body, cap);
    if (body == NULL) {
        return false;
    }
    reader->body = body;
    reader->body_cap = cap;
    return true;
}

/* Takes bytes of the head; returns how many were taken. */
static size_t take_head(tcp_reader *reader, const uint8_t *data, size_t len,
                        tcp_end *end)
{
    SHMRPCI_ASSERT(reader->head_len < TCP_HEAD_BYTES, "the head is not whole");
    size_t missing = TCP_HEAD_BYTES - reader->head_len;
    size_t taken = len < missing ? len : missing;
    memcpy(reader->head_bytes + reader->head_len, data, taken);
    reader->head_len += taken;
    if (reader->head_len == TCP_HEAD_BYTES) {
        tcp_head_get(reader->head_bytes, &reader->head);
        *end = tcp_head_check(&reader->head, reader->from, reader->max_message,
                              reader->features);
    }
    return taken;
}

/* Takes bytes of the body; a body that is complete in `data` is passed on in
 * place. */
static size_t take_body(tcp_reader *reader, const uint8_t *data, size_t len,
                        tcp_on_frame *on_frame, void *user, tcp_end *end)
{
    SHMRPCI_ASSERT(reader->body_len < reader->head.len,
                   "a complete body was passed on");
    size_t missing = reader->head.len - reader->body_len;
    if (reader->body_len == 0 && len >= missing) {
        tcp_body body = {.data = data, .len = missing};
        *end = hand_on(reader, &body, on_frame, user);
        return missing;
    }
    size_t taken = len < missing ? len : missing;
    if (!make_room(reader, taken)) {
        *end = TCP_END_MEMORY;
        return 0;
    }
    memcpy(reader->body + reader->body_len, data, taken);
    reader->body_len += taken;
    if (taken == missing) {
        *end = hand_on_collected(reader, on_frame, user);
    }
    return taken;
}

tcp_end tcp_reader_feed(tcp_reader *reader, const uint8_t *data, size_t len,
                        tcp_on_frame *on_frame, void *user)
{
    tcp_end end = TCP_END_NONE;
    while (len > 0 && end == TCP_END_NONE) {
        size_t taken;
        if (reader->head_len < TCP_HEAD_BYTES) {
            taken = take_head(reader, data, len, &end);
        } else {
            taken = take_body(reader, data, len, on_frame, user, &end);
        }
        SHMRPCI_ASSERT(taken <= len && (taken > 0 || end != TCP_END_NONE),
                       "each turn takes bytes or ends the connection");
        data += taken;
        len -= taken;
        if (end == TCP_END_NONE && reader->head_len == TCP_HEAD_BYTES &&
            reader->head.len == 0) {
            tcp_body nothing = {.data = NULL};
            end = hand_on(reader, &nothing, on_frame, user);
        }
    }
    return end;
}

size_t tcp_reader_missing(const tcp_reader *reader)
{
    size_t missing = reader->head_len == TCP_HEAD_BYTES
                         ? reader->head.len - reader->body_len
                         : 0;
    return missing >= TCP_SCRATCH_BYTES ? missing : 0;
}

uint8_t *tcp_reader_space(tcp_reader *reader, size_t queued, size_t *out_len)
{
    size_t missing = tcp_reader_missing(reader);
    size_t extra = queued > TCP_SCRATCH_BYTES ? queued : TCP_SCRATCH_BYTES;
    extra = extra < missing ? extra : missing;
    if (missing == 0 || !make_room(reader, extra)) {
        return NULL;
    }
    size_t room = reader->body_cap - reader->body_len;
    *out_len = room < missing ? room : missing;
    return reader->body + reader->body_len;
}

tcp_end tcp_reader_filled(tcp_reader *reader, size_t filled,
                          tcp_on_frame *on_frame, void *user)
{
    reader->body_len += filled;
    SHMRPCI_ASSERT(reader->body_len <= reader->body_cap &&
                       reader->body_len <= reader->head.len,
                   "nothing is read beyond the space that was given");
    return reader->body_len == reader->head.len
               ? hand_on_collected(reader, on_frame, user)
               : TCP_END_NONE;
}
