/* Allocates slots to calls, and waits for a free one. */
#include "transport/shm/client.h"

#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/poll.h"
#include "os/waiting.h"
#include "transport/shm/client_stream.h"

/* A thread that waits while all slots are quarantined sleeps on the word of one
 * of them, so it must wake up often to check the others. */
#define QUARANTINE_SLICE_NS (2 * SHMRPCI_NS_PER_MS)

void shm_client_hint(shm_client *client, uint32_t index)
{
    uint64_t bit = UINT64_C(1) << index;
    SHMRPCI_ASSERT(index < SHM_SLOTS, "a slot number is in range");
    /* An earlier request on the slot may have left the hint set. Sequentially
     * consistent: a worker that clears a hint reads the word after that. So if
     * we still see the hint, the worker sees our request. */
    if (index >= SHM_HOT_SLOTS &&
        (shmrpci_load_seq(client->block.pending) & bit) == 0) {
        (void)shmrpci_or_seq(client->block.pending, bit);
    }
}

void shm_client_ring(shm_client *client, shm_client_slot *slot)
{
    /* Sequentially consistent: we have published the word and now read the idle
     * bits; the worker sets its idle bit and then scans. So one of the two sees
     * the other. */
    if (shmrpci_load_seq(&client->status->idle) != 0) {
        slot->futile = shmrpci_load_seq(&client->status->futile);
        slot->has_rung = true;
        shmrpci_event_set(client->bell_fd);
    }
}

static void drop_spans(shm_client *client, shm_client_slot *slot)
{
    shm_pool_free(&client->pool, slot->request);
    shm_pool_free(&client->pool, slot->reply);
    slot->request = (shm_span){0, 0, 0};
    slot->reply = (shm_span){0, 0, 0};
    if (slot->granted != 0) {
        shm_pool_drop_reply(&client->pool, slot->granted);
        slot->granted = 0;
    }
    if (slot->has_streams != 0) {
        shm_client_streams_drop(slot);
    }
}

void shm_client_free_slot(shm_client *client, uint32_t index)
{
    shm_client_slot *slot = &client->slots[index];
    SHMRPCI_ASSERT(index < SHM_SLOTS, "a slot number is in range");
    /* Relaxed: until the slot is free, only its user changes its bit. */
    SHMRPCI_ASSERT(
        (shmrpci_load_relaxed(&client->free) >> index & UINT64_C(1)) == 0,
        "a slot is freed once");
    if ((slot->request.size | slot->reply.size | slot->more) != 0) {
        drop_spans(client, slot);
    }
    /* Both accesses are sequentially consistent, unless no second thread has
     * ever used the client. A waiting thread joins the bias, increments
     * `waiters`, and then reads `free`. */
    shmrpci_bias_set(&client->bias, &client->free, UINT64_C(1) << index);
    if (shmrpci_load_seq(&client->waiters) != 0) {
        shmrpci_mutex_lock(&client->slot_lock);
        shmrpci_cond_signal(&client->slot_freed);
        shmrpci_mutex_unlock(&client->slot_lock);
    }
}

void shm_client_free_unread(shm_client *client, uint32_t index)
{
    const shm_slot *shared = &client->block.slots[index];
    /* Relaxed: DONE was acquired. */
    uint32_t flags = shmrpci_load_relaxed(&shared->flags);
    if (shm_word_state(shmrpci_load_acquire(&shared->word)) == SHM_DONE &&
        (flags & SHM_MSG_BODY_SPAN) != 0) {
        shm_span span;
        memcpy(&span, shared->payload, sizeof span);
        shm_pool_refuse_reply(&client->pool, span.region, index);
    }
    shm_client_free_slot(client, index);
}

void shm_client_reclaim_hot(shm_client *client)
{
    shm_client_reclaim(client, (UINT64_C(1) << SHM_HOT_SLOTS) - 1);
}

void shm_client_quarantine(shm_client *client, uint32_t index)
{
    SHMRPCI_ASSERT(
        (shmrpci_load_relaxed(&client->free) >> index & UINT64_C(1)) == 0,
        "a slot that is given up was in use");
    (void)shmrpci_or_seq(&client->quarantined, UINT64_C(1) << index);
}

bool shm_client_is_held(const shm_client *client, uint32_t index, uint32_t word)
{
    /* Sequentially consistent: see try_claim in worker_claim.c. */
    return shm_held_for(shmrpci_load_seq(&client->ledger->entries[index].held),
                        word);
}

/* Whether the worker is done with a call that we gave up. `word` was loaded
 * with acquire, so the worker has read the request before we overwrite it. */
static bool is_back(const shm_client *client, uint32_t index, uint32_t word)
{
    uint32_t state = shm_word_state(word);
    return state == SHM_DONE || state == SHM_ABORTED ||
           (state == SHM_FREE && !shm_client_is_held(client, index, word));
}

/* Wakes the threads that sleep on the word of a slot that has just become
 * free. */
static void wake_sleepers(shm_client *client, uint32_t index)
{
    uint64_t bit = UINT64_C(1) << index;
    if ((shmrpci_load_relaxed(client->block.sleepers) & bit) != 0) {
        (void)shmrpci_and_seq(client->block.sleepers, ~bit);
        shmrpci_futex_wake(&client->block.slots[index].word, INT32_MAX);
    }
}

void shm_client_reclaim(shm_client *client, uint64_t mask)
{
    uint64_t left = shmrpci_load_relaxed(&client->quarantined) & mask;
    while (left != 0) {
        uint32_t index = (uint32_t)__builtin_ctzll(left);
        uint64_t bit = UINT64_C(1) << index;
        left &= ~bit;
        if (!is_back(client, index,
                     shmrpci_load_acquire(&client->block.slots[index].word))) {
            continue;
        }
        /* Whichever thread clears the bit frees the slot. */
        if ((shmrpci_and_seq(&client->quarantined, ~bit) & bit) != 0) {
            wake_sleepers(client, index);
            shm_client_free_unread(client, index);
        }
    }
}

/* Sleeps until a slot may be free, for at most one slice. */
static void sleep_for_slot(shm_client *client, int64_t deadline_ns)
{
    uint64_t quarantined = shmrpci_load_relaxed(&client->quarantined);
    int64_t slice = quarantined != 0 ? QUARANTINE_SLICE_NS : SHM_SLICE_NS;
    int64_t until = shmrpci_deadline_after(slice);
    if (deadline_ns < until) {
        until = deadline_ns;
    }
    if (quarantined != 0) {
        uint32_t index = (uint32_t)__builtin_ctzll(quarantined);
        shmrpci_atomic_u32 *at = &client->block.slots[index].word;
        (void)shmrpci_or_seq(client->block.sleepers, UINT64_C(1) << index);
        uint32_t word = shmrpci_load_seq(at);
        if (!is_back(client, index, word)) {
            (void)shmrpci_futex_wait(at, word, until);
        }
        return;
    }
    shmrpci_mutex_lock(&client->slot_lock);
    if (shmrpci_load_seq(&client->free) == 0) {
        (void)shmrpci_cond_wait_until(&client->slot_freed, &client->slot_lock,
                                      until);
    }
    shmrpci_mutex_unlock(&client->slot_lock);
}

static shmrpc_status wait_for_slot(shm_client *client, int64_t deadline_ns,
                                   uint32_t *out_index)
{
    for (;;) {
        shm_client_reclaim(client, UINT64_MAX);
        if (shm_client_try_slot(client, out_index)) {
            return SHMRPC_OK;
        }
        if (shm_client_is_lost(client)) {
            return SHMRPC_E_SERVER_LOST;
        }
        if (shmrpci_waiting_is_interrupted() ||
            shmrpci_remaining_ns(deadline_ns) == 0) {
            return SHMRPC_E_DEADLINE;
        }
        sleep_for_slot(client, deadline_ns);
    }
}

shmrpc_status shm_client_take_slot(shm_client *client, int64_t deadline_ns,
                                   uint32_t *out_index)
{
    if (shm_client_try_slot(client, out_index)) {
        return SHMRPC_OK;
    }
    if (deadline_ns == 0) {
        shm_client_reclaim(client, UINT64_MAX);
        return shm_client_try_slot(client, out_index) ? SHMRPC_OK
                                                      : SHMRPC_E_BUSY;
    }
    /* From here on, a thread that frees a slot reads `waiters` afterwards. */
    shmrpci_bias_join(&client->bias);
    (void)shmrpci_add_seq(&client->waiters, 1u);
    shmrpc_status status = wait_for_slot(client, deadline_ns, out_index);
    (void)shmrpci_sub_seq(&client->waiters, 1u);
    return status;
}
