/* Lanes: the chunks of frames, and the ring that decides which lane's turn it
 * is. */
#include "transport/tcp/lane.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

struct tcp_lane {
    tcp_lane *next; /* next lane in the ring; used only while this lane is in
                     * the ring */
    tcp_piece *first;
    tcp_piece *last;
    size_t bytes;
    bool is_closed;
};

/* Consecutive frames in one allocation, which is freed once they are sent. */
typedef struct chunk {
    tcp_piece piece; /* must be the first member */
    size_t cap;
    uint8_t bytes[];
} chunk;

static void free_chunks(tcp_piece *first)
{
    while (first != NULL) {
        tcp_piece *piece = first;
        first = piece->next;
        free(piece); /* the piece is the first member of its chunk */
    }
}

bool tcp_lane_is_of(const tcp_piece *piece)
{
    return piece->on_sent == free_chunks;
}

tcp_lane *tcp_lane_open(void)
{
    return calloc(1, sizeof(tcp_lane));
}

static chunk *chunk_new(size_t needed)
{
    size_t cap =
        needed > TCP_LANE_CHUNK_BYTES / 2 ? needed : TCP_LANE_CHUNK_BYTES;
    chunk *c = malloc(sizeof *c + cap);
    if (c != NULL) {
        c->piece = (tcp_piece){.data = c->bytes, .on_sent = free_chunks};
        c->cap = cap;
    }
    return c;
}

static void put_frame(chunk *c, const tcp_head *head, const void *body)
{
    uint8_t *at = c->bytes + c->piece.len;
    tcp_head_put(head, at);
    if (head->len > 0) {
        memcpy(at + TCP_HEAD_BYTES, body, head->len);
    }
    c->piece.len += TCP_HEAD_BYTES + head->len;
}

/* ---- the ring; the outbox's lock is held --------------------------------- */

/* Puts a lane at the end of the ring. */
static void line_up(tcp_outbox *outbox, tcp_lane *lane)
{
    if (outbox->lanes == NULL) {
        lane->next = lane;
    } else {
        lane->next = outbox->lanes->next;
        outbox->lanes->next = lane;
    }
    outbox->lanes = lane;
}

static void push(tcp_outbox *outbox, tcp_lane *lane, tcp_piece *piece)
{
    SHMRPCI_ASSERT(!lane->is_closed, "nothing is added to a closed lane");
    piece->next = NULL;
    if (lane->first == NULL) {
        lane->first = piece;
        line_up(outbox, lane);
    } else {
        lane->last->next = piece;
    }
    lane->last = piece;
    lane->bytes += piece->len;
}

tcp_piece *tcp_lane_take(tcp_outbox *outbox)
{
    if (outbox->lanes == NULL) {
        return NULL;
    }
    tcp_lane *lane = outbox->lanes->next; /* the lane whose turn it is */
    tcp_piece *piece = lane->first;
    SHMRPCI_ASSERT(piece != NULL && lane->bytes >= piece->len,
                   "a lane in the ring is not empty");
    lane->first = piece->next;
    lane->bytes -= piece->len;
    piece->next = NULL;
    if (lane->first != NULL) {
        outbox->lanes = lane; /* moves it from the first to the last place */
        return piece;
    }
    if (outbox->lanes == lane) {
        outbox->lanes = NULL;
    } else {
        outbox->lanes->next = lane->next;
    }
    lane->last = NULL;
    if (lane->is_closed) {
        free(lane);
    }
    return piece;
}

/* ---- adding ------------------------------------------------------------ */

/* Called with the lock held. Appends a frame to the last chunk, if that has
 * room. */
static bool put_behind(tcp_lane *lane, const tcp_head *head, const void *body)
{
    tcp_piece *last = lane->last;
    if (last == NULL || !tcp_lane_is_of(last)) {
        return false;
    }
    chunk *c = (chunk *)(void *)last;
    if (c->cap - c->piece.len < TCP_HEAD_BYTES + (size_t)head->len) {
        return false;
    }
    put_frame(c, head, body);
    lane->bytes += TCP_HEAD_BYTES + (size_t)head->len;
    return true;
}

/* Appends a frame in a new chunk. Returns false if memory is exhausted. */
static bool put_in_new(tcp_outbox *outbox, tcp_lane *lane, const tcp_head *head,
                       const void *body, size_t *out_bytes)
{
    chunk *c = chunk_new(TCP_HEAD_BYTES + (size_t)head->len);
    if (c == NULL) {
        return false;
    }
    put_frame(c, head, body);
    shmrpci_mutex_lock(&outbox->lock);
    bool has_failed = outbox->has_failed;
    if (!has_failed) {
        push(outbox, lane, &c->piece);
        *out_bytes = lane->bytes;
    }
    shmrpci_mutex_unlock(&outbox->lock);
    if (has_failed) {
        free(c);
    }
    return true;
}

bool tcp_lane_put(tcp_outbox *outbox, tcp_lane *lane, const tcp_head *head,
                  const void *body, size_t *out_bytes)
{
    size_t bytes = 0;
    bool done = false;
    if (TCP_HEAD_BYTES + (size_t)head->len <= TCP_LANE_CHUNK_BYTES / 2) {
        shmrpci_mutex_lock(&outbox->lock);
        done = put_behind(lane, head, body);
        bytes = lane->bytes;
        shmrpci_mutex_unlock(&outbox->lock);
    }
    done = done || put_in_new(outbox, lane, head, body, &bytes);
    if (out_bytes != NULL) {
        *out_bytes = bytes;
    }
    return done;
}

uint32_t tcp_lane_add(tcp_outbox *outbox, tcp_lane *lane, tcp_piece *piece)
{
    uint32_t waiting = 0;
    shmrpci_mutex_lock(&outbox->lock);
    bool is_empty = lane->first == NULL;
    if (!is_empty) {
        push(outbox, lane, piece);
        waiting = outbox->pieces + 1;
    }
    shmrpci_mutex_unlock(&outbox->lock);
    /* `is_empty` is still true: only the calling thread fills this lane. */
    return is_empty ? tcp_outbox_add(outbox, piece) : waiting;
}

size_t tcp_lane_waiting(tcp_outbox *outbox, const tcp_lane *lane)
{
    shmrpci_mutex_lock(&outbox->lock);
    size_t bytes = lane->bytes;
    shmrpci_mutex_unlock(&outbox->lock);
    return bytes;
}

void tcp_lane_close(tcp_outbox *outbox, tcp_lane *lane)
{
    if (lane == NULL) {
        return;
    }
    shmrpci_mutex_lock(&outbox->lock);
    lane->is_closed = true;
    bool is_empty = lane->first == NULL;
    shmrpci_mutex_unlock(&outbox->lock);
    if (is_empty) {
        free(lane);
    }
}
