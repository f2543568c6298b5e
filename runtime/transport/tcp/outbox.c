/* The list of pieces to send, and flushing it. */
#include "transport/tcp/outbox.h"

#include <stdlib.h>

#include "base/assert.h"
#include "os/clock.h"
#include "transport/tcp/lane.h"
#include "transport/tcp/limits.h"

void tcp_outbox_init(tcp_outbox *outbox, int fd)
{
    *outbox = (tcp_outbox){.fd = fd};
    shmrpci_mutex_init(&outbox->lock);
}

void tcp_outbox_fini(tcp_outbox *outbox)
{
    shmrpci_mutex_fini(&outbox->lock);
}

static void free_note(tcp_piece *first)
{
    while (first != NULL) {
        tcp_piece *piece = first;
        first = piece->next;
        free(piece); /* the piece is the first member of its note */
    }
}

static bool is_note(const tcp_piece *piece)
{
    return piece->on_sent == free_note;
}

/* Tells owners that their pieces have left the outbox. Consecutive pieces with
 * the same on_sent get one notification. */
static void give_back(tcp_piece *first)
{
    while (first != NULL) {
        tcp_piece *group = first;
        tcp_piece *last = first;
        while (last->next != NULL && last->next->on_sent == group->on_sent) {
            last = last->next;
        }
        first = last->next;
        last->next = NULL;
        if (group->on_sent != NULL) {
            group->on_sent(group);
        }
    }
}

/* Returns the counter that includes this piece. */
static size_t *bytes_of(tcp_outbox *outbox, const tcp_piece *piece)
{
    return tcp_lane_is_of(piece) ? &outbox->lane_bytes : &outbox->bytes;
}

/* Called with the lock held. */
static void append(tcp_outbox *outbox, tcp_piece *first)
{
    SHMRPCI_ASSERT((outbox->first == NULL) == (outbox->pieces == 0),
                   "the list and its count agree");
    if (outbox->first == NULL) {
        outbox->first = first;
    } else {
        outbox->last->next = first;
    }
    for (tcp_piece *piece = first; piece != NULL; piece = piece->next) {
        SHMRPCI_ASSERT(piece->sent_bytes == 0 && piece->len > 0,
                       "a piece is added before any of it is sent");
        outbox->last = piece;
        *bytes_of(outbox, piece) += piece->len;
        outbox->notes += is_note(piece) ? 1u : 0u;
        outbox->pieces++;
    }
}

/* Called with the lock held. Empties the list. */
static tcp_piece *take_all(tcp_outbox *outbox)
{
    SHMRPCI_ASSERT(!outbox->is_flushing,
                   "the thread that sends owns the pieces");
    tcp_piece *more;
    while ((more = tcp_lane_take(outbox)) != NULL) {
        append(outbox, more);
    }
    tcp_piece *first = outbox->first;
    outbox->first = NULL;
    outbox->last = NULL;
    outbox->bytes = 0;
    outbox->lane_bytes = 0;
    outbox->pieces = 0;
    outbox->notes = 0;
    outbox->first_since_ns = 0;
    outbox->full_since_ns = 0;
    return first;
}

uint32_t tcp_outbox_add(tcp_outbox *outbox, tcp_piece *first)
{
    uint32_t waiting = 0;
    shmrpci_mutex_lock(&outbox->lock);
    bool failed = outbox->has_failed;
    if (!failed) {
        append(outbox, first);
        waiting = outbox->pieces;
    }
    shmrpci_mutex_unlock(&outbox->lock);
    if (failed) {
        give_back(first);
    }
    return waiting;
}

/* Called with the lock held. Moves the next pieces of lanes to the list, but
 * only a few, so that pieces that are added now need not wait long. */
static void fetch(tcp_outbox *outbox)
{
    tcp_piece *piece;
    while (outbox->lane_bytes < TCP_LANE_AHEAD_BYTES &&
           (piece = tcp_lane_take(outbox)) != NULL) {
        append(outbox, piece);
    }
}

static size_t gather(const tcp_outbox *outbox,
                     shmrpci_part parts[SHMRPCI_PARTS_MAX])
{
    size_t count = 0;
    for (const tcp_piece *at = outbox->first;
         at != NULL && count < SHMRPCI_PARTS_MAX; at = at->next) {
        SHMRPCI_ASSERT(at->sent_bytes < at->len,
                       "a sent piece has left the list");
        parts[count++] = (shmrpci_part){.data = at->data + at->sent_bytes,
                                        .len = at->len - at->sent_bytes};
    }
    return count;
}

/* Called with the lock held. Removes sent pieces from the list and returns
 * them. */
static tcp_piece *advance(tcp_outbox *outbox, size_t sent)
{
    tcp_piece *done = NULL;
    tcp_piece **end = &done;
    SHMRPCI_ASSERT(outbox->is_flushing, "one thread sends");
    SHMRPCI_ASSERT(sent <= outbox->bytes + outbox->lane_bytes,
                   "no more is sent than was queued");
    outbox->full_sent_bytes += sent;
    outbox->sent_at += sent;
    while (outbox->first != NULL) {
        tcp_piece *piece = outbox->first;
        size_t left = piece->len - piece->sent_bytes;
        size_t *bytes = bytes_of(outbox, piece);
        if (sent < left) {
            piece->sent_bytes += sent;
            *bytes -= sent;
            break;
        }
        sent -= left;
        *bytes -= left;
        piece->sent_bytes = piece->len;
        piece->end_at = outbox->sent_at - sent;
        outbox->first = piece->next;
        outbox->first_since_ns = 0;
        SHMRPCI_ASSERT(outbox->pieces > 0, "pieces are counted");
        outbox->pieces--;
        outbox->notes -= is_note(piece) ? 1u : 0u;
        piece->next = NULL;
        *end = piece;
        end = &piece->next;
    }
    if (outbox->first == NULL) {
        SHMRPCI_ASSERT(sent == 0 && outbox->bytes == 0 &&
                           outbox->lane_bytes == 0 && outbox->pieces == 0 &&
                           outbox->notes == 0,
                       "an empty list counts nothing");
        outbox->last = NULL;
        outbox->full_since_ns = 0;
    }
    return done;
}

/* Called with the lock held, and releases it while sending. Makes one system
 * call. Returns true if there may be more to do. */
static bool send_some(tcp_outbox *outbox, tcp_flushed *out)
{
    shmrpci_part parts[SHMRPCI_PARTS_MAX];
    size_t sent = 0;
    outbox->again = false;
    fetch(outbox);
    size_t count = gather(outbox, parts);
    shmrpci_mutex_unlock(&outbox->lock);
    shmrpc_status status =
        tcp_bytes_send(outbox->fd, outbox->tls, parts, count, &sent);
    shmrpci_mutex_lock(&outbox->lock);
    outbox->is_sealed = outbox->tls != NULL && status == SHMRPC_E_BUSY;
    tcp_piece *done = advance(outbox, sent);
    if (done != NULL) {
        shmrpci_mutex_unlock(&outbox->lock);
        give_back(done);
        shmrpci_mutex_lock(&outbox->lock);
    }
    if (status == SHMRPC_E_UNAVAILABLE) {
        outbox->has_failed = true;
    }
    if (status == SHMRPC_E_BUSY && !outbox->again) {
        if (outbox->first_since_ns == 0) {
            outbox->first_since_ns = shmrpci_now_ns();
        }
        if (outbox->full_since_ns == 0) {
            outbox->full_since_ns = outbox->first_since_ns;
            outbox->full_sent_bytes = 0;
        }
        *out = TCP_FLUSH_WAITS;
        return false;
    }
    return !outbox->has_failed;
}

tcp_flushed tcp_outbox_flush(tcp_outbox *outbox)
{
    tcp_flushed flushed = TCP_FLUSHED;
    shmrpci_mutex_lock(&outbox->lock);
    if (outbox->is_flushing) {
        outbox->again = true;
        shmrpci_mutex_unlock(&outbox->lock);
        return TCP_FLUSHED;
    }
    outbox->is_flushing = true;
    while ((outbox->first != NULL || outbox->lanes != NULL) &&
           !outbox->has_failed && send_some(outbox, &flushed)) {
    }
    SHMRPCI_ASSERT(outbox->is_flushing,
                   "no other thread ends our turn to send");
    outbox->is_flushing = false;
    tcp_piece *lost = NULL;
    if (outbox->has_failed) {
        flushed = TCP_FLUSH_FAILED;
        lost = take_all(outbox);
    }
    shmrpci_mutex_unlock(&outbox->lock);
    give_back(lost);
    return flushed;
}

/* A piece that is being sent, or was sent in part, can't be withdrawn. */
bool tcp_outbox_take_back(tcp_outbox *outbox, tcp_piece *piece)
{
    bool taken = false;
    shmrpci_mutex_lock(&outbox->lock);
    tcp_piece *before = NULL;
    tcp_piece *at =
        outbox->is_flushing || outbox->is_sealed ? NULL : outbox->first;
    while (at != NULL && at != piece) {
        before = at;
        at = at->next;
    }
    if (at != NULL && piece->sent_bytes == 0) {
        SHMRPCI_ASSERT(!is_note(piece) && outbox->pieces > 0 &&
                           outbox->bytes >= piece->len,
                       "an owner takes its own piece back, and it was counted");
        taken = true;
        if (before == NULL) {
            outbox->first = piece->next;
            outbox->first_since_ns = 0;
        } else {
            before->next = piece->next;
        }
        if (outbox->last == piece) {
            outbox->last = before;
        }
        outbox->bytes -= piece->len;
        outbox->pieces--;
    }
    shmrpci_mutex_unlock(&outbox->lock);
    return taken;
}

void tcp_outbox_fail(tcp_outbox *outbox)
{
    shmrpci_mutex_lock(&outbox->lock);
    outbox->has_failed = true;
    /* A thread that is sending gives its pieces back itself. */
    tcp_piece *lost = outbox->is_flushing ? NULL : take_all(outbox);
    shmrpci_mutex_unlock(&outbox->lock);
    give_back(lost);
}

tcp_unsent tcp_outbox_waiting(tcp_outbox *outbox)
{
    shmrpci_mutex_lock(&outbox->lock);
    const tcp_piece *first = outbox->first;
    tcp_unsent unsent = {
        .bytes = outbox->bytes,
        .lane_bytes = outbox->lane_bytes,
        .has_lanes = outbox->lanes != NULL,
        .first_is_of_lane = first != NULL && tcp_lane_is_of(first),
        .first = first != NULL ? first->len : 0,
        .since_ns = outbox->first_since_ns,
    };
    shmrpci_mutex_unlock(&outbox->lock);
    return unsent;
}

bool tcp_outbox_pace(tcp_outbox *outbox, int64_t *out_since_ns,
                     size_t *out_sent)
{
    shmrpci_mutex_lock(&outbox->lock);
    *out_since_ns = outbox->full_since_ns;
    *out_sent = outbox->full_sent_bytes;
    shmrpci_mutex_unlock(&outbox->lock);
    return *out_since_ns != 0;
}

bool tcp_outbox_note(tcp_outbox *outbox, const tcp_head *head)
{
    tcp_note *note = calloc(1, sizeof *note);
    if (note == NULL) {
        return false;
    }
    tcp_head_put(head, note->bytes);
    note->piece = (tcp_piece){
        .data = note->bytes, .len = TCP_HEAD_BYTES, .on_sent = free_note};
    (void)tcp_outbox_add(outbox, &note->piece);
    return true;
}

bool tcp_outbox_pong(tcp_outbox *outbox, uint64_t value)
{
    tcp_head head = {.type = TCP_PONG, .value = value};
    shmrpci_mutex_lock(&outbox->lock);
    bool enough = outbox->notes >= TCP_UNSENT_NOTES;
    shmrpci_mutex_unlock(&outbox->lock);
    return enough || tcp_outbox_note(outbox, &head);
}

bool tcp_outbox_is_stuck(tcp_outbox *outbox)
{
    shmrpci_mutex_lock(&outbox->lock);
    bool stuck =
        outbox->notes > TCP_UNSENT_NOTES && outbox->first_since_ns != 0;
    shmrpci_mutex_unlock(&outbox->lock);
    return stuck;
}
