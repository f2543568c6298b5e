/* How the threads of a client wait: one thread, the reader, reads the socket
 * and handles the frames; the others sleep. */
#include "transport/tcp/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/poll.h"
#include "os/stream.h"
#include "os/waiting.h"

/* How often a thread that waits for room to send checks that some thread is the
 * reader. */
#define SLICE_NS (10 * SHMRPCI_NS_PER_MS)

/* ---- incoming frames -------------------------------------------------- */

void tcp_slot_free(tcp_slot *slot)
{
    tcp_client *client = slot->client;
    SHMRPCI_ASSERT(
        slot->state != TCP_SLOT_FREE &&
            (slot->state != TCP_SLOT_LEAVING || slot->is_out),
        "a slot is freed once, or once more when its request has been sent");
    tcp_slot_leave_streams(slot);
    if (slot->reply_cap > TCP_KEEP_BYTES) {
        tcp_spare_keep(&client->spare_reply, slot->reply, slot->reply_cap);
        slot->reply = NULL;
        slot->reply_cap = 0;
    }
    if (!slot->is_out) {
        slot->state = TCP_SLOT_LEAVING;
        return;
    }
    if (slot->request_cap > TCP_KEEP_BYTES) {
        tcp_spare_keep(&client->spare_request, slot->request,
                       slot->request_cap);
        slot->request = NULL;
        slot->request_cap = 0;
    }
    if (slot->packed.cap > TCP_KEEP_BYTES) {
        free(slot->packed.data);
        slot->packed = (tcp_pack_room){.data = NULL};
    }
    slot->state = TCP_SLOT_FREE;
    if (client->reader_reserves) {
        client->reader_reserves = false;
        shmrpci_event_set(client->wake_fd);
    } else if (client->reserving > 0) {
        shmrpci_cond_signal(&client->slot_free);
    }
}

/* Counts credits that the server has returned. */
static void credit(tcp_client *client, uint32_t count)
{
    SHMRPCI_ASSERT(count <= client->in_flight,
                   "only calls in flight have credits");
    client->in_flight -= count;
    if (client->reserving > 0) {
        shmrpci_cond_broadcast(&client->slot_free);
    }
}

static tcp_slot *slot_of(tcp_client *client, uint32_t call_id)
{
    tcp_slot *slot = &client->slots[call_id % TCP_SLOTS];
    bool is_sent =
        slot->state == TCP_SLOT_SENT || slot->state == TCP_SLOT_GIVEN_UP;
    return is_sent && slot->call_id == call_id ? slot : NULL;
}

static bool make_room(tcp_slot *slot, size_t len)
{
    slot->reply_len = len;
    if (len <= slot->reply_cap) {
        return true;
    }
    uint8_t *reply = realloc(slot->reply, len);
    if (reply == NULL) {
        return false;
    }
    slot->reply = reply;
    slot->reply_cap = len;
    return true;
}

/* Takes the body of a reply over, without a copy if possible. */
static tcp_end keep_reply(tcp_slot *slot, tcp_body *body)
{
    SHMRPCI_ASSERT(body->heap == NULL || body->len <= body->heap_cap,
                   "a body fits into its memory");
    if (body->heap != NULL) {
        free(slot->reply);
        slot->reply = body->heap;
        slot->reply_len = body->len;
        slot->reply_cap = body->heap_cap;
        body->heap = NULL;
        return TCP_END_NONE;
    }
    if (!make_room(slot, body->len)) {
        return TCP_END_MEMORY;
    }
    if (body->len > 0) {
        memcpy(slot->reply, body->data, body->len);
    }
    return TCP_END_NONE;
}

static tcp_end unpack_reply(tcp_slot *slot, const tcp_body *body)
{
    const tcp_client *client = slot->client;
    size_t len;
    tcp_end end = tcp_unpack_length(client->compression, body->data, body->len,
                                    client->max_message_bytes, &len);
    if (end != TCP_END_NONE) {
        return end;
    }
    return make_room(slot, len) ? tcp_unpack(client->compression, body->data,
                                             body->len, slot->reply, len)
                                : TCP_END_MEMORY;
}

/* Ends the call of `slot` with a reply or another frame. */
static tcp_end finish(tcp_slot *slot, const tcp_head *head, tcp_body *body)
{
    SHMRPCI_ASSERT(slot->state == TCP_SLOT_SENT ||
                       slot->state == TCP_SLOT_GIVEN_UP,
                   "only a call that is under way ends");
    credit(slot->client, 1);
    slot->client->coming++;
    slot->head = *head;
    tcp_slot_leave_streams(slot);
    bool not_run =
        head->type == TCP_ENDED && (head->flags & TCP_FLAG_NOT_RUN) != 0;
    if (slot->state == TCP_SLOT_GIVEN_UP) {
        slot->verdict = not_run ? TCP_VERDICT_NOT_RUN : TCP_VERDICT_RUNS;
        slot->state = TCP_SLOT_ENDED;
        if (slot->is_asking) {
            shmrpci_cond_signal(&slot->changed);
        } else {
            tcp_slot_free(slot);
        }
        return TCP_END_NONE;
    }
    slot->state = TCP_SLOT_ENDED;
    if (slot->is_told) {
        tcp_client_tell(slot->client);
    }
    if (head->type == TCP_REPLY) {
        tcp_end end = (head->flags & TCP_FLAG_PACKED) != 0
                          ? unpack_reply(slot, body)
                          : keep_reply(slot, body);
        if (end != TCP_END_NONE) {
            return end;
        }
        slot->state = TCP_SLOT_DONE;
    }
    shmrpci_cond_signal(&slot->changed);
    return TCP_END_NONE;
}

static tcp_end on_call(tcp_client *client, const tcp_head *head, tcp_body *body)
{
    tcp_slot *slot = slot_of(client, head->call);
    if (slot == NULL) {
        /* The notice that a call was taken (TOLD) may arrive after the end of
         * the call. */
        return head->type == TCP_TOLD ? TCP_END_NONE : TCP_END_FIELD;
    }
    if (head->type != TCP_TOLD) {
        return finish(slot, head, body);
    }
    slot->verdict = TCP_VERDICT_RUNS;
    shmrpci_cond_signal(&slot->changed);
    return TCP_END_NONE;
}

/* Handles the last GOAWAY: the server has answered everything that it has read,
 * and reads no more. */
static tcp_end end_all(tcp_client *client)
{
    tcp_head head = {.type = TCP_ENDED,
                     .flags = TCP_FLAG_NOT_RUN,
                     .status = SHMRPC_E_CANCELLED};
    tcp_body nothing = {.data = NULL};
    for (uint32_t i = 0; i < TCP_SLOTS; i++) {
        tcp_slot *slot = &client->slots[i];
        if (slot->state == TCP_SLOT_SENT || slot->state == TCP_SLOT_GIVEN_UP) {
            (void)finish(slot, &head, &nothing);
        }
    }
    return TCP_END_NONE;
}

/* Handles the server's answer to hello. */
static tcp_end on_answer(tcp_client *client, const tcp_head *head,
                         const tcp_body *body)
{
    tcp_terms terms;
    if (head->type == TCP_REFUSED) {
        char text[TCP_REFUSAL_MAX_BYTES + 1];
        SHMRPCI_ASSERT(body->len <= TCP_REFUSAL_MAX_BYTES,
                       "the reader has checked the length of each type");
        memcpy(text, body->data != NULL ? (const char *)body->data : "",
               body->len);
        text[body->len] = '\0';
        client->refused = shmrpc_error_set(
            client->error, head->status < 0 ? head->status : SHMRPC_E_UNKNOWN,
            "%s", text);
        return TCP_END_REFUSED;
    }
    if (head->type != TCP_WELCOME) {
        return TCP_END_TYPE;
    }
    tcp_end end = tcp_terms_get(body->data, body->len, TCP_FROM_SERVER, &terms);
    if (end != TCP_END_NONE) {
        return end;
    }
    if (!tcp_pack_of_number(terms.compression, &client->compression) ||
        terms.max_message > client->reader.max_message) {
        return TCP_END_FIELD;
    }
    client->credits = terms.credits < TCP_SLOTS ? terms.credits : TCP_SLOTS;
    client->max_message_bytes = terms.max_message;
    client->reader.max_message = terms.max_message;
    client->base.features = terms.features & TCP_FEATURES;
    client->reader.features = client->base.features;
    client->flow.max_message_bytes = client->max_message_bytes;
    client->flow.compression = client->compression;
    client->is_open = true;
    shmrpci_buf_append(client->welcome, body->data + TCP_WELCOME_BYTES,
                       body->len - TCP_WELCOME_BYTES);
    return TCP_END_NONE;
}

static tcp_end on_open_frame(tcp_client *client, const tcp_head *head,
                             tcp_body *body)
{
    switch (head->type) {
    case TCP_REPLY:
    case TCP_ENDED:
    case TCP_TOLD:
        return on_call(client, head, body);
    case TCP_CREDIT:
        /* Calls with a reply are uncounted when the reply arrives. If their
         * credits were also accepted here, the count would fall below zero. */
        if ((uint32_t)head->status > client->oneways) {
            return TCP_END_FIELD;
        }
        client->oneways -= (uint32_t)head->status;
        credit(client, (uint32_t)head->status);
        return TCP_END_NONE;
    case TCP_GOAWAY:
        client->is_leaving = true;
        shmrpci_cond_broadcast(&client->slot_free);
        return (head->flags & TCP_FLAG_LAST) != 0 ? end_all(client)
                                                  : TCP_END_NONE;
    case TCP_ITEM:
    case TCP_STREAM_END:
    case TCP_WINDOW:
        return tcp_flow_take(&client->flow, head, body);
    case TCP_PING:
    case TCP_PONG:
        return TCP_END_NONE;
    default:
        return TCP_END_TYPE;
    }
}

static tcp_end on_frame(void *user, const tcp_head *head, tcp_body *body)
{
    tcp_client *client = user;
    shmrpci_mutex_lock(&client->lock);
    client->is_mute = false;
    tcp_end end = client->is_open ? on_open_frame(client, head, body)
                                  : on_answer(client, head, body);
    shmrpci_mutex_unlock(&client->lock);
    if (end == TCP_END_NONE && head->type == TCP_ITEM) {
        tcp_flow_pay(&client->flow);
    }
    /* If memory is exhausted the PONG is left out; nothing depends on it. */
    if (end == TCP_END_NONE && head->type == TCP_PING &&
        tcp_outbox_pong(&client->outbox, head->value)) {
        (void)tcp_outbox_flush(&client->outbox);
    }
    return end;
}

/* ---- reading --------------------------------------------------------- */

/* Reads once. *out_got is the number of bytes; *more tells whether there are
 * probably more. */
static tcp_end read_once(tcp_client *client, size_t *out_got, bool *more)
{
    uint8_t scratch[TCP_SCRATCH_BYTES];
    size_t room;
    size_t got = 0;
    size_t missing = tcp_reader_missing(&client->reader);
    uint8_t *space = tcp_reader_space(
        &client->reader, tcp_bytes_queued(client->fd, client->tls, missing),
        &room);
    SHMRPCI_ASSERT(space == NULL || (client->has_opened && room > 0),
                   "only a frame's body is read into its own memory");
    uint8_t *to = space != NULL ? space : scratch;
    room = space != NULL ? room : sizeof scratch;
    shmrpc_status status =
        tcp_bytes_receive(client->fd, client->tls, to, room, &got);
    SHMRPCI_ASSERT(got <= room, "no more is read than there is space for");
    *more = status == SHMRPC_OK && got == room;
    *out_got = status == SHMRPC_OK ? got : 0;
    if (status == SHMRPC_E_BUSY) {
        return TCP_END_NONE;
    }
    if (status != SHMRPC_OK) {
        return got == 0 && !tcp_reader_is_midway(&client->reader) ? TCP_END_PEER
                                                                  : TCP_END_CUT;
    }
    if (space != NULL) {
        return tcp_reader_filled(&client->reader, got, on_frame, client);
    }
    const uint8_t *data = scratch;
    tcp_end end = TCP_END_NONE;
    if (!client->has_opened) { /* the opening precedes the first frame */
        end = tcp_client_open(client, &data, &got);
    }
    return end == TCP_END_NONE
               ? tcp_reader_feed(&client->reader, data, got, on_frame, client)
               : end;
}

void tcp_client_lose(tcp_client *client, tcp_end end)
{
    SHMRPCI_ASSERT(end != TCP_END_NONE, "a connection is lost for a reason");
    /* Called before the slots are ended, so that each call knows whether its
     * request was sent. */
    tcp_outbox_fail(&client->outbox);
    shmrpci_mutex_lock(&client->lock);
    if (!client->is_lost) {
        client->is_lost = true;
        client->end = end;
    }
    tcp_flow_lose(&client->flow);
    tcp_client_tell(client);
    for (const tcp_waiter *at = client->waiters; at != NULL; at = at->next) {
        shmrpci_cond_broadcast(at->cond);
    }
    shmrpci_mutex_unlock(&client->lock);
}

/* Called by the reader without the lock. Waits for the socket until
 * `deadline_ns` (0: neither waits nor sends held requests), then reads and
 * writes what it can. */
static void pump(tcp_client *client, bool reserves, int64_t deadline_ns)
{
    SHMRPCI_ASSERT(client->has_reader, "the reader has announced itself");
    tcp_end end = TCP_END_NONE;
    bool more =
        deadline_ns == 0 || tcp_client_await(client, reserves, deadline_ns);
    while (end == TCP_END_NONE && more) {
        size_t got = 0;
        end = read_once(client, &got, &more);
        /* A caller that does not wait needs everything that has arrived,
         * including the end of the connection. */
        more = more || (deadline_ns == 0 && got > 0);
    }
    tcp_bytes_mark(client->fd, client->tls, tcp_reader_missing(&client->reader),
                   &client->mark);
    if (end != TCP_END_NONE) {
        tcp_client_lose(client, end);
    }
}

/* ---- waiting --------------------------------------------------------- */

static void remove_waiter(tcp_client *client, const tcp_waiter *waiter)
{
    tcp_waiter **at = &client->waiters;
    while (*at != waiter) {
        SHMRPCI_ASSERT(*at != NULL,
                       "a waiter is in the list until it removes itself");
        at = &(*at)->next;
    }
    *at = waiter->next;
}

bool tcp_client_wait(tcp_client *client, shmrpci_cond *cond,
                     int64_t deadline_ns)
{
    if (client->is_lost) {
        return true;
    }
    bool flushes = client->has_held && deadline_ns != 0;
    client->has_held = client->has_held && !flushes;
    if (client->has_reader && flushes) {
        shmrpci_mutex_unlock(&client->lock);
        if (tcp_client_flush(client) == TCP_FLUSH_FAILED) {
            tcp_client_lose(client, TCP_END_CUT);
        }
        shmrpci_mutex_lock(&client->lock);
        return true;
    }
    if (client->has_reader) {
        tcp_waiter waiter = {.next = client->waiters, .cond = cond};
        client->waiters = &waiter;
        bool in_time =
            deadline_ns != 0 &&
            shmrpci_cond_wait_until(cond, &client->lock, deadline_ns);
        remove_waiter(client, &waiter);
        return in_time;
    }
    bool reserves = cond == &client->slot_free;
    SHMRPCI_ASSERT(!client->reader_reserves, "only the reader reserves slots");
    client->has_reader = true;
    client->reader_reserves = reserves;
    tcp_reader_lend(&client->reader, &client->spare_reply);
    shmrpci_mutex_unlock(&client->lock);
    pump(client, reserves, deadline_ns);
    shmrpci_mutex_lock(&client->lock);
    SHMRPCI_ASSERT(client->has_reader, "no other thread ends our turn to read");
    client->has_looked = true;
    client->came = client->coming > 0 ? client->coming : client->came;
    client->coming = 0;
    client->has_reader = false;
    client->reader_reserves = false;
    return deadline_ns != 0 && !shmrpci_waiting_is_interrupted() &&
           shmrpci_remaining_ns(deadline_ns) > 0;
}

void tcp_client_leave(tcp_client *client)
{
    if (!client->has_reader && client->waiters != NULL) {
        shmrpci_cond_broadcast(client->waiters->cond);
    }
}

void tcp_client_look(tcp_client *client)
{
    if (!client->has_reader) {
        (void)tcp_client_wait(client, NULL, 0);
        tcp_client_leave(client);
    }
}

bool tcp_client_drain(tcp_client *client, int64_t deadline_ns)
{
    for (;;) {
        (void)tcp_outbox_flush(&client->outbox);
        if (tcp_outbox_waiting(&client->outbox).bytes == 0) {
            return true;
        }
        if (shmrpci_waiting_is_interrupted() ||
            shmrpci_remaining_ns(deadline_ns) == 0) {
            return false;
        }
        int64_t slice_ns = shmrpci_deadline_after(SLICE_NS);
        slice_ns = slice_ns < deadline_ns ? slice_ns : deadline_ns;
        shmrpci_mutex_lock(&client->lock);
        bool reads = !client->has_reader && !client->is_lost;
        if (reads) {
            (void)tcp_client_wait(client, NULL, slice_ns);
            tcp_client_leave(client);
        }
        shmrpci_mutex_unlock(&client->lock);
        if (!reads) {
            shmrpci_poll_entry entry = {.fd = client->fd, .write = true};
            if (shmrpci_poll_entries(&entry, 1, slice_ns)) {
                (void)tcp_outbox_flush(&client->outbox);
            }
        }
    }
}
