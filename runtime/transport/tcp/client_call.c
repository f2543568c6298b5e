/* Calls on the client's side. */
#include "transport/tcp/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "transport/adopted.h"

static tcp_slot *slot_of(const shmrpci_call *call)
{
    return call->data.pointers[0];
}

/* ---- reserving ------------------------------------------------------- */

/* Reuses the memory of an earlier request if it is large enough. */
static bool grow_into_spare(tcp_slot *slot, size_t len, size_t *cap)
{
    tcp_client *client = slot->client;
    tcp_spare spare = {.data = NULL};
    if (*cap <= TCP_KEEP_BYTES) {
        return false;
    }
    shmrpci_mutex_lock(&client->lock);
    if (client->spare_request.cap >= *cap) {
        spare = client->spare_request;
        client->spare_request = (tcp_spare){.data = NULL};
    }
    shmrpci_mutex_unlock(&client->lock);
    if (spare.data == NULL) {
        return false;
    }
    if (len > 0) { /* the head is written later, when the request is sent */
        memcpy(spare.data + TCP_HEAD_BYTES, slot->request + TCP_HEAD_BYTES,
               len);
    }
    free(slot->request);
    slot->request = spare.data;
    *cap = spare.cap;
    return true;
}

static shmrpc_status grow(shmrpci_buf *buf, size_t cap)
{
    tcp_slot *slot = buf->owner;
    SHMRPCI_ASSERT(slot->state == TCP_SLOT_RESERVED && slot->is_out,
                   "a request grows until it is sent");
    if (cap > slot->client->max_message_bytes) {
        return SHMRPC_E_TOO_LARGE;
    }
    if (!grow_into_spare(slot, buf->len, &cap)) {
        uint8_t *request = realloc(slot->request, TCP_HEAD_BYTES + cap);
        if (request == NULL) {
            return SHMRPC_E_NO_MEMORY;
        }
        slot->request = request;
    }
    slot->request_cap = cap;
    buf->data = slot->request + TCP_HEAD_BYTES;
    buf->cap = cap;
    return SHMRPC_OK;
}

/* Prepares the buffer of the request. If allocating for the hint fails, the
 * buffer grows later. */
static void ready(tcp_slot *slot, size_t size_hint, shmrpci_buf *out)
{
    *out = (shmrpci_buf){.grow = grow, .owner = slot};
    if (slot->request != NULL) {
        out->data = slot->request + TCP_HEAD_BYTES;
        out->cap = slot->request_cap;
    }
    if (size_hint > out->cap) {
        (void)grow(out, size_hint);
    }
}

/* Called with the lock held. Returns a free slot; NULL: none. */
static tcp_slot *find_free(tcp_client *client)
{
    if (client->in_flight >= client->credits) {
        return NULL;
    }
    SHMRPCI_ASSERT(client->credits <= TCP_SLOTS,
                   "the credits are limited to our slots");
    for (uint32_t i = 0; i < TCP_SLOTS; i++) {
        tcp_slot *slot = &client->slots[(client->next_slot + i) % TCP_SLOTS];
        if (slot->state == TCP_SLOT_FREE) {
            client->next_slot = slot->call_id + 1;
            return slot;
        }
    }
    return NULL;
}

static void take(tcp_slot *slot)
{
    SHMRPCI_ASSERT(slot->state == TCP_SLOT_FREE && slot->is_out &&
                       !slot->is_asking,
                   "a free slot is unused");
    slot->state = TCP_SLOT_RESERVED;
    slot->verdict = TCP_VERDICT_NONE;
    slot->call_id += TCP_SLOTS;
    SHMRPCI_ASSERT(slot == &slot->client->slots[slot->call_id % TCP_SLOTS],
                   "a call's id gives its slot");
    slot->client->in_flight++;
}

static int lost(const tcp_client *client, shmrpc_error *error)
{
    return shmrpc_error_set(
        error, SHMRPC_E_SERVER_LOST, "%s: %s", client->where,
        client->is_lost ? tcp_end_text(client->end) : "it has stopped");
}

/* Called with the lock held. */
static int take_slot(tcp_client *client, int64_t deadline_ns, tcp_slot **out,
                     bool *waited, shmrpc_error *error)
{
    /* Reads what has arrived first, because it may end the connection or free a
     * slot. This is skipped if the pusher is running and a thread has read the
     * socket since its last round. */
    if (client->in_flight == 0 || client->in_flight >= client->credits ||
        client->pusher_state != TCP_PUSHER_LOOKS || !client->has_looked) {
        tcp_client_look(client);
    }
    for (bool in_time = true; !client->is_lost && !client->is_leaving;) {
        *out = find_free(client);
        if (*out != NULL) {
            take(*out);
            return SHMRPC_OK;
        }
        if (deadline_ns == 0) {
            return shmrpc_error_set(error, SHMRPC_E_BUSY,
                                    "all %u call slots are in use",
                                    client->credits);
        }
        if (!in_time) {
            return shmrpc_error_set(
                error, SHMRPC_E_DEADLINE,
                "none of the %u call slots became free in time",
                client->credits);
        }
        *waited = true;
        client->reserving++;
        in_time = tcp_client_wait(client, &client->slot_free, deadline_ns);
        client->reserving--;
    }
    return lost(client, error);
}

int tcp_client_reserve(shmrpci_conn *base, shmrpci_call *call, size_t size_hint,
                       size_t reply_hint, int64_t deadline_ns,
                       shmrpc_error *error)
{
    (void)reply_hint; /* the memory of a reply is allocated when the reply
                       * arrives */
    tcp_client *client = (tcp_client *)(void *)base;
    tcp_slot *slot = NULL;
    if (!tcp_client_is_ours(client)) {
        return shmrpc_error_set(error, SHMRPC_E_FORKED,
                                "the connection belongs to the process that "
                                "opened it");
    }
    call->waited = false;
    shmrpci_mutex_lock(&client->lock);
    int status = take_slot(client, deadline_ns, &slot, &call->waited, error);
    tcp_client_leave(client);
    shmrpci_mutex_unlock(&client->lock);
    if (status != SHMRPC_OK) {
        return status;
    }
    call->conn = base;
    call->data.pointers[0] = slot;
    ready(slot, size_hint, &call->out);
    return SHMRPC_OK;
}

/* Frees the slot of a call that the server does not know of and so will not
 * end. */
static void give_back(tcp_slot *slot)
{
    tcp_client *client = slot->client;
    shmrpci_mutex_lock(&client->lock);
    client->in_flight--;
    tcp_slot_free(slot);
    shmrpci_mutex_unlock(&client->lock);
}

/* Like give_back, for a oneway call. A hostile server may already have returned
 * the credit of a request that it never got. */
static void give_back_oneway(tcp_slot *slot)
{
    tcp_client *client = slot->client;
    shmrpci_mutex_lock(&client->lock);
    if (client->oneways > 0) {
        client->oneways--;
        client->in_flight--;
    }
    tcp_slot_free(slot);
    shmrpci_mutex_unlock(&client->lock);
}

void shmrpci_adopted_lost(shmrpci_conn *base, uint64_t lost_at)
{
    tcp_client *client = (tcp_client *)(void *)base;
    shmrpci_mutex_lock(&client->lock);
    client->lost_at = lost_at;
    shmrpci_mutex_unlock(&client->lock);
}

void tcp_client_abort(shmrpci_call *call)
{
    if (tcp_client_is_ours(slot_of(call)->client)) {
        give_back(slot_of(call));
    }
}

/* ---- sending --------------------------------------------------------- */

/* A request that was sent only in part can't have run. */
static bool was_sent(const tcp_slot *slot)
{
    return slot->piece.sent_bytes == slot->piece.len;
}

/* The piece is a member of its slot. */
static tcp_slot *slot_with(tcp_piece *piece)
{
    return (tcp_slot *)(void *)((char *)piece - offsetof(tcp_slot, piece));
}

static void on_sent(tcp_piece *first)
{
    tcp_client *client = slot_with(first)->client;
    shmrpci_mutex_lock(&client->lock);
    while (first != NULL) {
        tcp_slot *slot = slot_with(first);
        first = first->next;
        SHMRPCI_ASSERT(!slot->is_out, "a request leaves the outbox once");
        slot->is_out = true;
        slot->was_cut = !was_sent(slot);
        SHMRPCI_ASSERT(
            slot->state != TCP_SLOT_FREE && slot->state != TCP_SLOT_RESERVED,
            "a slot is reused only when its request has left the outbox");
        if (slot->state == TCP_SLOT_LEAVING) {
            tcp_slot_free(slot);
        }
    }
    shmrpci_mutex_unlock(&client->lock);
}

/* The feature bits of a connection equal those of the protocol, so they need no
 * mapping. */
_Static_assert((int)SHMRPCI_FEATURE_STREAMS == (int)TCP_FEATURE_STREAMS &&
                   (int)SHMRPCI_FEATURE_METADATA == (int)TCP_FEATURE_METADATA,
               "each feature has the same bit in both");

static uint8_t flags_of(uint32_t flags)
{
    unsigned out = 0;
    out |= (flags & SHMRPCI_HEAD_ONEWAY) != 0 ? TCP_FLAG_ONEWAY : 0u;
    out |= (flags & SHMRPCI_HEAD_NUMBERED) != 0 ? TCP_FLAG_NUMBERED : 0u;
    out |= (flags & SHMRPCI_HEAD_METADATA) != 0 ? TCP_FLAG_METADATA : 0u;
    out |= (flags & SHMRPCI_HEAD_STREAMS) != 0 ? TCP_FLAG_STREAMS : 0u;
    return (uint8_t)out;
}

static void fill_request(tcp_slot *slot, const shmrpci_call *call)
{
    SHMRPCI_ASSERT(slot->is_out,
                   "a request is written before the outbox has it");
    int64_t left_ns = call->head.timeout_ns;
    tcp_head head = {.len = (uint32_t)call->out.len,
                     .type = TCP_REQUEST,
                     .flags = flags_of(call->head.flags),
                     .method = (uint16_t)call->head.method,
                     .call = slot->call_id,
                     .value = left_ns > 0 ? (uint64_t)left_ns : 0};
    uint8_t *bytes = slot->request;
    size_t packed = call->out.len > 0 ? tcp_pack(slot->client->compression,
                                                 bytes + TCP_HEAD_BYTES,
                                                 call->out.len, &slot->packed)
                                      : 0;
    if (packed > 0) {
        bytes = slot->packed.data;
        head.flags |= TCP_FLAG_PACKED;
        head.len = (uint32_t)packed;
    }
    tcp_head_put(&head, bytes);
    slot->piece = (tcp_piece){
        .data = bytes, .len = TCP_HEAD_BYTES + head.len, .on_sent = on_sent};
}

/* A request without a body may have no memory yet. */
static bool has_room(tcp_slot *slot)
{
    if (slot->request == NULL) {
        slot->request = malloc(TCP_HEAD_BYTES);
    }
    return slot->request != NULL;
}

/* Called when the socket is full. Waits for room. A request that was sent in
 * part can't be withdrawn. */
static int wait_for_room(tcp_slot *slot, int64_t deadline_ns)
{
    tcp_client *client = slot->client;
    if (tcp_client_drain(client, deadline_ns) ||
        !tcp_outbox_take_back(&client->outbox, &slot->piece)) {
        return SHMRPC_OK;
    }
    shmrpci_mutex_lock(&client->lock);
    SHMRPCI_ASSERT(!slot->is_out,
                   "a request that is taken back was in the outbox");
    slot->is_out = true;
    shmrpci_mutex_unlock(&client->lock);
    return SHMRPC_E_DEADLINE;
}

/* Sends a request. If the socket is full, a thread of an event loop does not
 * wait for room: the rest is sent by the pusher, or when the loop arms the
 * client. */
static int post(tcp_slot *slot, int64_t timeout_ns, uint32_t flags)
{
    bool is_told = (flags & SHMRPCI_HEAD_TOLD) != 0;
    bool oneway = (flags & SHMRPCI_HEAD_ONEWAY) != 0;
    tcp_client *client = slot->client;
    shmrpci_mutex_lock(&client->lock);
    bool is_gone = client->is_lost || client->is_leaving;
    if (!is_gone) {
        SHMRPCI_ASSERT(slot->state == TCP_SLOT_RESERVED && slot->is_out,
                       "a request is sent once");
        slot->state = TCP_SLOT_SENT;
        slot->is_out = false;
        slot->was_cut = false;
        slot->is_told = is_told;
    }
    shmrpci_mutex_unlock(&client->lock);
    if (is_gone) {
        return SHMRPC_E_SERVER_LOST;
    }
    uint32_t waiting = tcp_outbox_add(&client->outbox, &slot->piece);
    if (!oneway && tcp_client_hold(client, slot->piece.len, waiting)) {
        return SHMRPC_OK;
    }
    switch (tcp_outbox_flush(&client->outbox)) {
    case TCP_FLUSHED:
        return SHMRPC_OK;
    case TCP_FLUSH_WAITS:
        if (!is_told) {
            return wait_for_room(slot, shmrpci_deadline_after(timeout_ns));
        }
        tcp_client_push_later(client);
        return SHMRPC_OK;
    case TCP_FLUSH_FAILED:
        break;
    }
    tcp_client_lose(client, TCP_END_CUT);
    return was_sent(slot) ? SHMRPC_OK : SHMRPC_E_SERVER_LOST;
}

int tcp_client_commit(shmrpci_call *call)
{
    tcp_slot *slot = slot_of(call);
    bool oneway = (call->head.flags & SHMRPCI_HEAD_ONEWAY) != 0;
    int status = (int)call->out.status;
    if (status == SHMRPC_OK && !has_room(slot)) {
        status = SHMRPC_E_NO_MEMORY;
    }
    if (oneway) { /* counted before it is sent, because its credit may come back
                   * at once */
        shmrpci_mutex_lock(&slot->client->lock);
        slot->client->oneways++;
        shmrpci_mutex_unlock(&slot->client->lock);
    }
    if (status == SHMRPC_OK) {
        fill_request(slot, call);
        status = post(slot, call->head.timeout_ns, call->head.flags);
    }
    if (status != SHMRPC_OK && oneway) {
        give_back_oneway(slot);
    } else if (status != SHMRPC_OK) {
        give_back(slot);
    } else if (oneway) {
        /* No thread will wait for this call, so it must be sent now. */
        (void)tcp_client_drain(slot->client,
                               shmrpci_deadline_after(call->head.timeout_ns));
        shmrpci_mutex_lock(&slot->client->lock);
        slot->client->sent_oneway = true;
        tcp_slot_free(slot);
        shmrpci_mutex_unlock(&slot->client->lock);
    }
    return status;
}

/* ---- receiving ------------------------------------------------------- */

static void fill_reply(shmrpci_call *call, const tcp_slot *slot)
{
    bool has_detail = (slot->head.flags & TCP_FLAG_DETAIL) != 0;
    bool has_metadata = (slot->head.flags & TCP_FLAG_METADATA) != 0;
    call->head.flags = (has_detail ? (uint32_t)SHMRPCI_HEAD_DETAIL : 0) |
                       (has_metadata ? (uint32_t)SHMRPCI_HEAD_METADATA : 0);
    call->head.status = slot->head.status;
    call->in = slot->reply;
    call->in_len = slot->reply_len;
    call->in_shared = false;
}

/* Returns the status of a call that ended without a reply. */
static int end_status(const tcp_head *end)
{
    if ((end->flags & TCP_FLAG_NOT_RUN) != 0) {
        return SHMRPC_E_UNAVAILABLE;
    }
    return end->status == SHMRPC_E_WORKER_DIED ? SHMRPC_E_WORKER_DIED
                                               : SHMRPC_E_SERVER_LOST;
}

/* Called with the lock held. Whether the call has ended. */
static bool is_over(tcp_slot *slot, shmrpci_call *call, int *status)
{
    switch (slot->state) {
    case TCP_SLOT_DONE:
        fill_reply(call, slot);
        *status = SHMRPC_OK;
        return true;
    case TCP_SLOT_ENDED:
        *status = end_status(&slot->head);
        tcp_slot_free(slot);
        return true;
    case TCP_SLOT_FREE:
    case TCP_SLOT_RESERVED:
    case TCP_SLOT_SENT:
    case TCP_SLOT_GIVEN_UP:
    case TCP_SLOT_LEAVING:
        break;
    }
    SHMRPCI_ASSERT(slot->state == TCP_SLOT_SENT,
                   "a call that is waited for was sent, and not given up");
    const tcp_client *client = slot->client;
    if (client->is_lost) {
        bool is_known = slot->was_cut ||
                        (slot->is_out && slot->piece.end_at > client->lost_at);
        *status = is_known ? SHMRPC_E_UNAVAILABLE : SHMRPC_E_SERVER_LOST;
        slot->client->in_flight--;
        tcp_slot_free(slot);
        return true;
    }
    return false;
}

int tcp_client_receive(shmrpci_call *call, int64_t deadline_ns)
{
    tcp_slot *slot = slot_of(call);
    tcp_client *client = slot->client;
    int status = SHMRPC_E_DEADLINE;
    if (!tcp_client_is_ours(client)) {
        return SHMRPC_E_FORKED;
    }
    shmrpci_mutex_lock(&client->lock);
    bool in_time = true;
    while (!is_over(slot, call, &status)) {
        if (!in_time || deadline_ns == 0) {
            break;
        }
        in_time = tcp_client_wait(client, &slot->changed, deadline_ns);
    }
    tcp_client_leave(client);
    shmrpci_mutex_unlock(&client->lock);
    return status;
}

void tcp_client_release(shmrpci_call *call)
{
    tcp_slot *slot = slot_of(call);
    if (!tcp_client_is_ours(slot->client)) {
        return;
    }
    shmrpci_mutex_lock(&slot->client->lock);
    SHMRPCI_ASSERT(slot->state == TCP_SLOT_DONE,
                   "a released call was received");
    tcp_slot_free(slot);
    shmrpci_mutex_unlock(&slot->client->lock);
}

/* ---- giving up ------------------------------------------------------- */

/* Called with the lock held. Waits for the server's verdict, unless the server
 * did not answer the last CANCEL. */
static bool ask_whether_it_ran(tcp_slot *slot)
{
    tcp_client *client = slot->client;
    int64_t deadline_ns =
        client->is_mute ? 0 : shmrpci_deadline_after(TCP_CANCEL_NS);
    SHMRPCI_ASSERT(slot->is_asking && (slot->state == TCP_SLOT_GIVEN_UP ||
                                       slot->state == TCP_SLOT_ENDED),
                   "a slot belongs to its call until the verdict is read");
    bool in_time = true;
    while (slot->verdict == TCP_VERDICT_NONE && in_time && !client->is_lost) {
        in_time = tcp_client_wait(client, &slot->changed, deadline_ns);
    }
    slot->is_asking = false;
    client->is_mute = slot->verdict == TCP_VERDICT_NONE;
    bool not_run = slot->verdict == TCP_VERDICT_NOT_RUN;
    if (slot->state == TCP_SLOT_ENDED) {
        tcp_slot_free(slot);
    }
    return not_run;
}

/* Called with the lock held, and releases it meanwhile. Sends CANCEL behind the
 * items that were sent earlier. */
static void say_cancel(tcp_slot *slot)
{
    tcp_client *client = slot->client;
    tcp_head head = {.type = TCP_CANCEL, .call = slot->call_id};
    shmrpci_stream *stream = slot->stream;
    if (stream != NULL) {
        tcp_stream_ref(stream);
        tcp_stream_over(stream);
    }
    shmrpci_mutex_unlock(&client->lock);
    bool added = stream != NULL ? tcp_lane_put(&client->outbox, stream->lane,
                                               &head, NULL, NULL)
                                : tcp_outbox_note(&client->outbox, &head);
    if (added) {
        (void)tcp_client_flush(client);
    }
    shmrpci_mutex_lock(&client->lock);
    if (stream != NULL) {
        tcp_stream_unref(stream);
    }
}

bool tcp_client_cancel(shmrpci_call *call)
{
    tcp_slot *slot = slot_of(call);
    tcp_client *client = slot->client;
    bool withdrawn = false;
    if (!tcp_client_is_ours(client)) {
        return false;
    }
    if (tcp_outbox_take_back(&client->outbox, &slot->piece)) {
        shmrpci_mutex_lock(&client->lock);
        slot->is_out = true;
        shmrpci_mutex_unlock(&client->lock);
        give_back(slot);
        return true;
    }
    shmrpci_mutex_lock(&client->lock);
    bool is_open = slot->state == TCP_SLOT_SENT && !client->is_lost;
    if (is_open) {
        slot->state = TCP_SLOT_GIVEN_UP;
        slot->is_asking = true; /* set before the lock is released, as the end
                                 * may arrive at once */
        say_cancel(slot);
        withdrawn = ask_whether_it_ran(slot);
    } else {
        client->in_flight -= slot->state == TCP_SLOT_SENT ? 1u : 0u;
        tcp_slot_free(slot);
    }
    tcp_client_leave(client);
    shmrpci_mutex_unlock(&client->lock);
    return withdrawn;
}
