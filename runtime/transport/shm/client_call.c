/* Calls: reserve, encode, commit, receive, release. */
#include "transport/shm/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/copy.h"
#include "os/clock.h"
#include "os/process.h"
#include "transport/shm/client_stream.h"

static shm_client *client_of(const shmrpci_call *call)
{
    return (shm_client *)(void *)call->conn;
}

/* A call keeps the number of its slot in the caller's memory. */
static uint32_t index_of(const shmrpci_call *call)
{
    return (uint32_t)call->data.words[0];
}

/* ---- the request ----------------------------------------------------- */

/* A request that outgrows its memory continues on the heap; commit moves it
 * into a span of the right size. */
static shmrpc_status grow(shmrpci_buf *buf, size_t cap)
{
    shm_client_slot *slot = buf->owner;
    if (cap > slot->max_message) {
        return SHMRPC_E_TOO_LARGE;
    }
    uint8_t *data = realloc(slot->target == SHM_HEAP ? buf->data : NULL, cap);
    if (data == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    if (slot->target != SHM_HEAP && buf->len > 0) {
        memcpy(data, buf->data, buf->len);
    }
    slot->target = SHM_HEAP;
    buf->data = data;
    buf->cap = cap;
    return SHMRPC_OK;
}

static size_t inline_room(const shm_client_slot *slot)
{
    return SHM_PAYLOAD_BYTES - (slot->reply.size != 0 ? sizeof(shm_span) : 0u);
}

/* Allocates a span. A caller that won't wait for a slot (deadline 0) still
 * waits up to a second for memory. That deadline is computed only here, because
 * reading the clock takes a good part of a short call. */
shmrpc_status shm_client_make_room(shm_client *client,
                                   const shm_client_slot *slot, size_t bytes,
                                   shm_span *out)
{
    int64_t deadline_ns = slot->deadline_ns != 0
                              ? slot->deadline_ns
                              : shmrpci_deadline_after(SHMRPCI_NS_PER_S);
    return shm_client_room(client, bytes, deadline_ns, out);
}

static void place_request(shm_client *client, shm_client_slot *slot,
                          size_t size_hint, shmrpci_buf *out)
{
    size_t room = inline_room(slot);
    *out = (shmrpci_buf){
        .data = slot->staging, .cap = room, .grow = grow, .owner = slot};
    slot->target = SHM_STAGING;
    if (size_hint <= room || size_hint > slot->max_message) {
        return;
    }
    shm_span span;
    if (shm_client_make_room(client, slot, size_hint, &span) != SHMRPC_OK) {
        return; /* commit tries again, and reports the reason */
    }
    slot->request = span;
    slot->target = SHM_SPAN;
    out->data = shm_pool_at(&client->pool, span);
    out->cap = span.size;
}

/* Allocates a span for the reply, of twice the requested size if possible: a
 * reply that outgrows its span needs an extent, and there are few extents. If
 * there is no memory for a span, the server finds room for a large reply. */
static void place_reply(shm_client *client, shm_client_slot *slot, size_t hint)
{
    uint64_t roomy = (uint64_t)hint * 2 < 4096 ? 4096 : (uint64_t)hint * 2;
    if (!shm_pool_alloc(&client->pool, roomy, &slot->reply)) {
        (void)shm_pool_alloc(&client->pool, hint, &slot->reply);
    }
}

/* Whether this process opened the connection and the connection isn't known to
 * be lost. A server that stops in order sets `closed`. If it dies instead, the
 * first sleep notices. */
static bool is_usable(const shm_client *client)
{
    return client->generation == shmrpci_fork_generation() &&
           shmrpci_load_relaxed(&client->lost) == 0 &&
           shmrpci_load_relaxed(client->block.closed) == 0;
}

int shm_client_reserve(shmrpci_conn *conn, shmrpci_call *call, size_t size_hint,
                       size_t reply_hint, int64_t deadline_ns,
                       shmrpc_error *error)
{
    shm_client *client = (shm_client *)(void *)conn;
    uint32_t index;
    if (client->generation != shmrpci_fork_generation()) {
        return shmrpc_error_set(error, SHMRPC_E_FORKED,
                                "the connection belongs to the process that "
                                "opened it");
    }
    if (!is_usable(client)) {
        return shmrpc_error_set(error, SHMRPC_E_SERVER_LOST,
                                "the server has closed the connection");
    }
    call->waited = false;
    shmrpc_status status = shm_client_take_slot(client, 0, &index);
    if (status == SHMRPC_E_BUSY && deadline_ns != 0) {
        call->waited = true;
        status = shm_client_take_slot(client, deadline_ns, &index);
    }
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, status, "no call slot: %s",
                                shmrpc_status_text(status));
    }
    shm_client_slot *slot = &client->slots[index];
    SHMRPCI_ASSERT(slot->request.size == 0 && slot->reply.size == 0 &&
                       slot->granted == 0,
                   "a slot that was free has no memory");
    slot->deadline_ns = deadline_ns;
    slot->max_message = client->max_message;
    call->conn = conn;
    call->data.words[0] = index;
    if (reply_hint > SHM_PAYLOAD_BYTES && reply_hint <= slot->max_message) {
        place_reply(client, slot, reply_hint);
    }
    place_request(client, slot, size_hint, &call->out);
    return SHMRPC_OK;
}

static void drop_heap(shm_client_slot *slot, shmrpci_buf *out)
{
    SHMRPCI_ASSERT(slot->target == SHM_STAGING || slot->target == SHM_SPAN ||
                       slot->target == SHM_HEAP,
                   "a request lies in one of three places");
    if (slot->target == SHM_HEAP) {
        free(out->data);
        slot->target = SHM_STAGING;
    }
    *out = (shmrpci_buf){0};
}

void shm_client_abort(shmrpci_call *call)
{
    shm_client *client = client_of(call);
    drop_heap(&client->slots[index_of(call)], &call->out);
    shm_client_free_slot(client, index_of(call));
}

/* The bytes that a slot has for a body, behind the place of its streams' rings
 * if it has any. */
static size_t room_behind(const shm_client_slot *slot,
                          const shm_streams *streams)
{
    return inline_room(slot) - (streams != NULL ? sizeof *streams : 0u);
}

/* Moves a body into a span, unless it is small or already in one. */
static inline __attribute__((always_inline)) shmrpc_status
settle(shm_client *client, shm_client_slot *slot, const shm_streams *streams,
       shmrpci_buf *out)
{
    if (out->status != SHMRPC_OK) {
        return out->status;
    }
    if (out->len > slot->max_message) {
        return SHMRPC_E_TOO_LARGE;
    }
    if (slot->target == SHM_SPAN ||
        (slot->target == SHM_STAGING && streams == NULL) ||
        out->len <= room_behind(slot, streams)) {
        return SHMRPC_OK;
    }
    shm_pool_free(&client->pool, slot->request);
    slot->request = (shm_span){0, 0, 0};
    shmrpc_status status =
        shm_client_make_room(client, slot, out->len, &slot->request);
    if (status != SHMRPC_OK) {
        return status;
    }
    memcpy(shm_pool_at(&client->pool, slot->request), out->data, out->len);
    return SHMRPC_OK;
}

_Static_assert((uint32_t)SHMRPCI_HEAD_ONEWAY == SHM_MSG_ONEWAY &&
                   (uint32_t)SHMRPCI_HEAD_NUMBERED == SHM_MSG_NUMBERED &&
                   (uint32_t)SHMRPCI_HEAD_TOLD == SHM_MSG_TOLD &&
                   (uint32_t)SHMRPCI_HEAD_METADATA == SHM_MSG_METADATA &&
                   (uint32_t)SHMRPCI_HEAD_DETAIL == SHM_MSG_DETAIL,
               "a message's flags are sent unchanged");

/* The request's flags, except those that say where its parts lie. */
static uint32_t flags_of(const shmrpci_call *call)
{
    uint32_t cpu = shmrpci_current_cpu() & SHMRPCI_CPU_MASK;
    return (call->head.flags & (SHM_MSG_ONEWAY | SHM_MSG_NUMBERED |
                                SHM_MSG_TOLD | SHM_MSG_METADATA)) |
           cpu << SHM_MSG_CPU_SHIFT;
}

static uint32_t next_gen(shm_client_slot *slot)
{
    /* Relaxed: only the thread that owns the call writes `gen`. */
    uint32_t gen = (shmrpci_load_relaxed(&slot->gen) + 1) & 0xFFFFu;
    gen = gen != 0 ? gen : 1; /* a block whose memory the server has discarded
                               * reads as generation 0 (see withdraw) */
    SHMRPCI_ASSERT(gen <= 0xFFFFu, "a generation fits the word");
    shmrpci_store_relaxed(&slot->gen, gen);
    return gen;
}

/* Writes the rest of the slot's first cache line, then the word. Called after
 * the payload is written. */
static void write_head(shm_slot *shared, const shmrpci_call *call,
                       uint32_t flags, size_t len, uint64_t now, uint32_t gen)
{
    /* Relaxed: the word publishes them. */
    shmrpci_store_relaxed(&shared->method, (uint16_t)call->head.method);
    shmrpci_store_relaxed(&shared->flags, (uint16_t)flags);
    shmrpci_store_relaxed(&shared->length, (uint32_t)len);
    shmrpci_store_relaxed(&shared->stamp, shm_stamp(now));
    shmrpci_store_relaxed(&shared->timeout_ns, (uint64_t)call->head.timeout_ns);
    /* Release: pairs with the claim's acquire. */
    shmrpci_store_release(&shared->word, shm_word(gen, SHM_SUBMITTED));
}

/* Writes head, payload and word in one burst of stores, after everything that
 * takes time. A worker polls the line all the while, and each poll takes the
 * line away from us. */
static inline __attribute__((always_inline)) void
write_slot(shm_client_slot *slot, shm_slot *shared, const shmrpci_call *call,
           const shm_streams *streams, uint64_t now)
{
    const shmrpci_buf *out = &call->out;
    uint8_t *at = shared->payload;
    bool is_inline = out->len <= room_behind(slot, streams);
    uint32_t flags = flags_of(call);
    uint32_t gen = next_gen(slot);
    flags |= is_inline ? 0 : SHM_MSG_BODY_SPAN;
    flags |= slot->reply.size == 0 ? 0 : SHM_MSG_REPLY_SPAN;
    if (streams != NULL) {
        flags |= SHM_MSG_STREAMS;
        memcpy(at, streams, sizeof *streams);
        at += sizeof *streams;
    }
    if (!is_inline) {
        SHMRPCI_ASSERT(slot->request.size >= out->len,
                       "a long request has its span");
        shm_span body = slot->request;
        body.size = (uint32_t)out->len;
        memcpy(at, &body, sizeof body);
        at += sizeof body;
    }
    if (slot->reply.size != 0) {
        memcpy(at, &slot->reply, sizeof slot->reply);
        at += sizeof slot->reply;
    }
    if (is_inline && out->len > 0) {
        memcpy(at, out->data, out->len);
    }
    write_head(shared, call, flags, out->len, now, gen);
}

/* Until when a request may rely on the one that follows it: the worker that the
 * next request wakes finds this one too. If none has followed by then, the
 * waiting thread rings, as it does at the end of a lease. */
static uint64_t end_of_follow(uint64_t now)
{
    return now + shmrpci_ticks_of_ns(SHM_FOLLOW_NS);
}

/* Makes sure that a worker finds the request that was just written. The hint
 * and the lease are read without a fence, so they may be gone by the time the
 * word becomes visible. A client that relies on them checks again when it
 * waits, at the latest when the lease would have ended. `may_rely` is false
 * for calls that nobody checks again: no thread waits for a oneway call, and
 * the ends of streams wait on their rings. Such a call always rings if a worker
 * sleeps. */
static inline void announce(shm_client *client, uint32_t index, uint32_t flags,
                            bool may_rely, uint64_t now)
{
    shm_client_slot *slot = &client->slots[index];
    uint64_t lease = shmrpci_load_relaxed(&client->status->lease);
    bool is_leased = lease != 0 && (int64_t)(lease - now) > 0;
    bool is_followed = (flags & SHMRPCI_HEAD_MORE) != 0;
    if (may_rely && (is_leased || is_followed)) {
        slot->relied = is_followed ? end_of_follow(now) : lease;
        shm_client_hint(client, index);
        return;
    }
    slot->relied = 0;
    shmrpci_fence_seq();
    shm_client_hint(client, index);
    shm_client_ring(client, slot);
}

/* The time when the call was made. If it is slightly old, we may rely on a
 * lease that has ended meanwhile; the wait notices that. */
static uint64_t now_of(const shmrpci_call *call)
{
    return call->head.ticks != 0 ? call->head.ticks : shmrpci_ticks();
}

/* Inlined, so that the copy for calls without streams has no code for
 * streams. */
static inline __attribute__((always_inline)) int
commit(shmrpci_call *call, const shm_streams *streams)
{
    shm_client *client = client_of(call);
    uint32_t index = index_of(call);
    shm_client_slot *slot = &client->slots[index];
    shmrpc_status status = settle(client, slot, streams, &call->out);
    if (status == SHMRPC_OK && shmrpci_load_relaxed(&client->lost) != 0) {
        status = SHMRPC_E_SERVER_LOST;
    }
    if (status != SHMRPC_OK) {
        call->needed_bytes = shmrpci_load_relaxed(&client->needed_bytes);
        call->left_bytes = shmrpci_load_relaxed(&client->left_bytes);
        shm_client_abort(call);
        return status;
    }
    uint64_t now = now_of(call);
    bool is_oneway = (call->head.flags & SHMRPCI_HEAD_ONEWAY) != 0;
    slot->has_rung = false;
    slot->unclaimed_ns = 0;
    write_slot(slot, &client->block.slots[index], call, streams, now);
    announce(client, index, call->head.flags, !is_oneway && streams == NULL,
             now);
    drop_heap(slot, &call->out);
    shmrpci_spinner_refresh(&client->spinner, now);
    if (is_oneway) {
        shm_client_quarantine(client, index);
    }
    return SHMRPC_OK;
}

int shm_client_commit(shmrpci_call *call)
{
    return commit(call, NULL);
}

int shm_client_commit_streams(shmrpci_call *call, const shm_streams *streams)
{
    return commit(call, streams);
}

_Static_assert(SHMRPCI_POST_MAX_BYTES <= SHM_PAYLOAD_BYTES,
               "a posted request and its reply fit into a slot");

bool shm_client_post(shmrpci_conn *conn, shmrpci_call *call, uint64_t prefix,
                     size_t prefix_len, const void *body, size_t len)
{
    shm_client *client = (shm_client *)(void *)conn;
    uint32_t index;
    if (!is_usable(client) || prefix_len + len > client->max_message ||
        !shm_client_try_slot(client, &index)) {
        return false;
    }
    shm_client_slot *slot = &client->slots[index];
    shm_slot *shared = &client->block.slots[index];
    uint64_t now = now_of(call);
    uint32_t flags = flags_of(call);
    SHMRPCI_ASSERT(slot->request.size == 0 && slot->reply.size == 0,
                   "a slot that was free has no memory");
    uint32_t gen = next_gen(slot);
    call->conn = conn;
    call->data.words[0] = index;
    slot->has_rung = false;
    slot->unclaimed_ns = 0;
    memcpy(shared->payload, &prefix, sizeof prefix);
    shmrpci_copy_short(shared->payload + prefix_len, body, len);
    write_head(shared, call, flags, prefix_len + len, now, gen);
    announce(client, index, call->head.flags,
             (call->head.flags & SHMRPCI_HEAD_ONEWAY) == 0, now);
    shmrpci_spinner_refresh(&client->spinner, now);
    return true;
}

/* ---- the reply ------------------------------------------------------- */

/* Finds a reply that lies in a span. Accepts only memory that was meant for
 * this reply. */
static const uint8_t *find_reply(shm_client *client, uint32_t index,
                                 const shm_span *span, size_t len)
{
    shm_client_slot *slot = &client->slots[index];
    if (span->region == slot->reply.region &&
        span->offset == slot->reply.offset && len <= slot->reply.size) {
        return shm_pool_at(&client->pool, slot->reply);
    }
    const uint8_t *at = shm_pool_take_reply(&client->pool, span->region, index,
                                            span->offset, len);
    if (at == NULL) {
        /* The reply lies in a new extent, which the server sent before the
         * reply. */
        shm_client_drain_control(client);
        at = shm_pool_take_reply(&client->pool, span->region, index,
                                 span->offset, len);
    }
    slot->granted = at != NULL ? span->region : 0;
    return at;
}

static shmrpc_status read_reply(shm_client *client, uint32_t index,
                                shmrpci_call *call)
{
    shm_client_slot *slot = &client->slots[index];
    shm_slot *shared = &client->block.slots[index];
    /* Relaxed: DONE was acquired. Each field is read once, because a hostile
     * server may change it. */
    uint32_t flags = shmrpci_load_relaxed(&shared->flags);
    uint32_t len = shmrpci_load_relaxed(&shared->length);
    call->head.status = (int32_t)shmrpci_load_relaxed(&shared->status);
    call->head.flags = flags & (SHM_MSG_DETAIL | SHM_MSG_METADATA);
    call->in_len = len;
    slot->peer_cpu = (flags >> SHM_MSG_CPU_SHIFT) + 1;
    if ((flags & SHM_MSG_BODY_SPAN) == 0) {
        if (len > SHM_PAYLOAD_BYTES) {
            return SHMRPC_E_DATA_LOSS;
        }
        call->in = shared->payload;
        call->in_shared = true;
        return SHMRPC_OK;
    }
    shm_span span;
    memcpy(&span, shared->payload, sizeof span);
    call->in = find_reply(client, index, &span, len);
    call->in_shared = true;
    if (call->in != NULL) {
        return SHMRPC_OK;
    }
    return shmrpci_exchange_seq(&client->shortage, 0u) != 0
               ? SHMRPC_E_NO_MEMORY
               : SHMRPC_E_DATA_LOSS;
}

/* Withdraws a call unless it is over or a worker has it. Returns true if it has
 * not run and never will: we changed the word, no worker had the entry after
 * that (try_claim in worker_claim.c), and the call is not DONE. A block whose
 * memory the server has discarded is all zeros, so the test is for FREE with
 * our generation. */
static bool withdraw(const shm_client *client, uint32_t index,
                     uint32_t *out_word)
{
    shmrpci_atomic_u32 *at = &client->block.slots[index].word;
    uint32_t word = shmrpci_load_seq(at);
    if (shm_word_state(word) == SHM_SUBMITTED &&
        shmrpci_cas_seq(at, &word, shm_word_moved(word, SHM_FREE))) {
        word = shm_word_moved(word, SHM_FREE);
    }
    bool is_held = shm_client_is_held(client, index, word);
    *out_word = shmrpci_load_seq(at);
    return !is_held &&
           *out_word ==
               shm_word(shmrpci_load_relaxed(&client->slots[index].gen),
                        SHM_FREE);
}

/* The server is gone, or has taken back waiting requests: returns the status
 * that says whether the call may have run. */
static shmrpc_status end_of_call(const shm_client *client, uint32_t index)
{
    uint32_t word;
    if (withdraw(client, index, &word)) {
        return SHMRPC_E_UNAVAILABLE;
    }
    switch (shm_word_state(word)) {
    case SHM_DONE:
        return SHMRPC_OK;
    case SHM_ABORTED:
        return SHMRPC_E_WORKER_DIED;
    default:
        return SHMRPC_E_SERVER_LOST;
    }
}

int shm_client_receive(shmrpci_call *call, int64_t deadline_ns)
{
    shm_client *client = client_of(call);
    uint32_t index = index_of(call);
    uint32_t word;
    shmrpc_status status = shm_client_wait(client, index, deadline_ns, &word);
    if (status == SHMRPC_E_DEADLINE) {
        return status;
    }
    if (status != SHMRPC_OK || shm_word_state(word) != SHM_DONE) {
        status = end_of_call(client, index);
    }
    if (status == SHMRPC_OK) {
        status = read_reply(client, index, call);
    }
    if (status == SHMRPC_E_SERVER_LOST) {
        shm_client_quarantine(client, index); /* a worker may still have it */
    } else if (status != SHMRPC_OK) {
        shm_client_free_slot(client, index);
    }
    return status;
}

void shm_client_release(shmrpci_call *call)
{
    call->in = NULL;
    shm_client_free_slot(client_of(call), index_of(call));
}

bool shm_client_cancel(shmrpci_call *call)
{
    shm_client *client = client_of(call);
    uint32_t index = index_of(call);
    uint32_t word;
    if (withdraw(client, index, &word)) {
        /* A stopped worker may still hold the entry for an earlier call: use
         * this slot last. */
        if (shmrpci_load_relaxed(&client->ledger->entries[index].held) != 0) {
            (void)shmrpci_or_seq(&client->avoided, UINT64_C(1) << index);
        }
        shm_client_free_slot(client, index);
        return true;
    }
    if (shm_word_state(word) == SHM_FREE) {
        if (client->slots[index].has_streams != 0) {
            shm_client_streams_leave(&client->slots[index]);
        }
        shm_client_quarantine(client, index);
    } else {
        shm_client_free_unread(client, index);
    }
    return false;
}
