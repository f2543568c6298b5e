/*
 * Waiting for a reply: spin, then sleep on the slot's word.
 *
 * A client that publishes a request while a worker holds a lease need not ring;
 * in return it checks again when that lease has ended. Every sleep ends after
 * one slice. Then the client checks whether the server lives; if a wake-up was
 * lost, it rings again and counts that (no lost wake-up is known).
 */
#include "transport/shm/client.h"

#include "base/assert.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/waiting.h"
#include "transport/shm/pace.h"

/* Checks of the word between two reads of the clock. */
#define LOOKS 8

/* Checks before the first read of the clock: enough for a short call. */
#define FIRST_LOOKS 32

/* Whether the call is over. FREE means that the server took it back. */
static bool is_over(uint32_t word)
{
    return shm_word_state(word) != SHM_SUBMITTED;
}

/* Whether a call was submitted and no worker has it. */
static bool is_waiting(const shm_client *client, uint32_t index, uint32_t word)
{
    return shm_word_state(word) == SHM_SUBMITTED &&
           !shm_client_is_held(client, index, word);
}

/* Called when the lease on which we relied has ended: relies on another lease,
 * or rings. */
static void look_after_lease(shm_client *client, uint32_t index, uint64_t now)
{
    shm_client_slot *slot = &client->slots[index];
    slot->relied = 0;
    /* This fence orders our submit before these reads; submit itself has no
     * fence. */
    shmrpci_fence_seq();
    if (!is_waiting(client, index,
                    shmrpci_load_seq(&client->block.slots[index].word))) {
        return;
    }
    shm_client_hint(client, index);
    uint64_t lease = shmrpci_load_seq(&client->status->lease);
    if ((int64_t)(lease - now) > 0 && lease != 0) {
        slot->relied = lease;
    } else {
        shm_client_ring(client, slot);
    }
}

/* If this thread has many calls in flight, waits until several replies may have
 * arrived. Calls of other threads don't make it wait. */
static void let_come(shm_client *client, uint32_t index)
{
    uint64_t free = shmrpci_load_relaxed(&client->free);
    uint32_t depth = SHM_SLOTS - (uint32_t)__builtin_popcountll(free);
    uint32_t some = shm_pace_of(depth);
    if (some != 0 && shmrpci_bias_is_mine(&client->bias)) {
        uint32_t slot = (index + some) % depth;
        (void)shm_pace_wait(&client->block.slots[slot].word, false, some,
                            shmrpci_ticks());
    }
}

/* Yields instead of spinning if the worker may need this CPU. Returns true if
 * the call is over. */
static bool yield(shm_client *client, uint32_t index, uint32_t *word,
                  uint64_t now)
{
    shmrpci_yielder *yielder = &client->yielder;
    uint32_t peer_cpu = client->slots[index].peer_cpu - 1;
    if (!shmrpci_yielder_may(yielder, &client->spinner, peer_cpu, now)) {
        return false;
    }
    bool is_quick = true;
    for (int i = 0; i < SHMRPCI_YIELDS && is_quick && !is_over(*word); i++) {
        is_quick = shmrpci_yielder_yield(yielder);
        *word = shmrpci_load_acquire(&client->block.slots[index].word);
    }
    shmrpci_yielder_note(yielder, is_over(*word));
    return is_over(*word);
}

/* Spins on the word. Returns true if the call is over; otherwise `word` is the
 * last value seen, and `began` the time when the wait began. */
static bool spin(shm_client *client, uint32_t index, uint32_t *word,
                 uint64_t *began)
{
    shm_client_slot *slot = &client->slots[index];
    shmrpci_atomic_u32 *at = &client->block.slots[index].word;
    /* An unknown CPU is 0, and 0 - 1 is no CPU's number. */
    uint64_t budget =
        shmrpci_spinner_budget(&client->spinner, slot->peer_cpu - 1);
    if (budget == 0) {
        *began = shmrpci_ticks();
        return yield(client, index, word, *began);
    }
    let_come(client, index);
    for (int i = 0; i < FIRST_LOOKS; i++) {
        *word = shmrpci_load_acquire(at);
        if (is_over(*word)) {
            shmrpci_spinner_hit(&client->spinner, 0);
            return true;
        }
        shmrpci_pause();
    }
    uint64_t start = shmrpci_ticks();
    uint64_t now = start;
    uint64_t step = start + shmrpci_spinner_step_ticks();
    *began = start;
    while (now - start < budget) {
        for (int i = 0; i < LOOKS; i++) {
            /* Acquire: pairs with the worker's DONE, which publishes the
             * reply. */
            *word = shmrpci_load_acquire(at);
            if (is_over(*word)) {
                shmrpci_spinner_hit(&client->spinner, now - start);
                return true;
            }
            shmrpci_pause();
        }
        now = shmrpci_ticks();
        if (slot->relied != 0 && (int64_t)(now - slot->relied) >= 0) {
            look_after_lease(client, index, now);
        }
        if ((int64_t)(now - step) >= 0) {
            if (shmrpci_spinner_step_aside(&client->spinner, now - step)) {
                break;
            }
            step = now + shmrpci_spinner_step_ticks();
        }
    }
    return false;
}

/* Tells the spinner how a wait that began at `began` has ended, so that the
 * spinner learns whether spinning pays. A worker that saw us wait has stored
 * the time of its reply in the slot. */
static void learn(shm_client *client, uint32_t index, uint32_t word,
                  uint64_t began)
{
    const shm_slot *shared = &client->block.slots[index];
    uint64_t now = shmrpci_ticks();
    /* Relaxed: DONE was acquired. */
    uint64_t done = shmrpci_load_relaxed(&shared->done_ticks);
    if (shm_word_state(word) == SHM_DONE && done - began <= now - began) {
        shmrpci_spinner_slept(&client->spinner, done - began, now - done);
    } else {
        shmrpci_spinner_miss(&client->spinner);
    }
}

/* When this sleep ends: at the end of the lease, the deadline or the slice,
 * whichever comes first. */
static int64_t end_of_sleep(const shm_client_slot *slot, int64_t now_ns,
                            int64_t deadline_ns)
{
    SHMRPCI_ASSERT(now_ns < deadline_ns, "nobody sleeps when its time is up");
    int64_t until = now_ns + SHM_SLICE_NS;
    if (slot->relied != 0) {
        int64_t left = (int64_t)(slot->relied - shmrpci_ticks());
        int64_t left_ns = left > 0 ? shmrpci_ns_of_ticks((uint64_t)left) : 0;
        until = left_ns < SHM_SLICE_NS ? now_ns + left_ns : until;
    }
    return until < deadline_ns ? until : deadline_ns;
}

static void count_rescue(shm_client *client)
{
    shm_message told = {.kind = SHM_MESSAGE_RESCUED};
    (void)shmrpci_add_relaxed(&client->rescued_wakeups, UINT64_C(1));
    (void)shm_message_send(client->control_fd, told, NULL, NULL, 0);
}

/* We slept from `slept` to the end of a slice, and the call is DONE. Its worker
 * saw us wait and left the time of the reply. If that was long ago, a wake-up
 * was lost; otherwise the worker was just about to wake us. */
static void look_for_lost_wake(shm_client *client, uint32_t index,
                               uint64_t slept)
{
    const shm_slot *shared = &client->block.slots[index];
    uint64_t now = shmrpci_ticks();
    /* Relaxed: DONE was acquired. */
    uint64_t done = shmrpci_load_relaxed(&shared->done_ticks);
    if (done - slept <= now - slept &&
        now - done > shmrpci_ticks_of_ns(SHM_SLICE_NS / 2)) {
        count_rescue(client);
    }
}

/* A whole slice has passed and no worker has taken the call: rings again if a
 * worker sleeps. That counts as a lost wake-up if nobody was woken for this
 * call, or if a worker that was woken since then found nothing. A worker that
 * was woken but has not run yet is merely late. */
void shm_client_rescue(shm_client *client, uint32_t index)
{
    shm_client_slot *slot = &client->slots[index];
    uint64_t futile = shmrpci_load_seq(&client->status->futile);
    if (index >= SHM_HOT_SLOTS) {
        (void)shmrpci_or_seq(client->block.pending, UINT64_C(1) << index);
    }
    if (shmrpci_load_seq(&client->status->idle) != 0) {
        if (!slot->has_rung || futile != slot->futile) {
            count_rescue(client);
        }
        shm_client_ring(client, slot);
    }
}

/* Whether a sleep should end with the lease. A call that is being served needs
 * no lease, and if the lease had ended we would not sleep. While no worker
 * sleeps nobody has to be woken, because each worker scans everything before it
 * sleeps. So with many clients the sleepers don't each set a 50 us timer and
 * wake up for nothing. */
static bool needs_lease(shm_client *client, uint32_t index, uint32_t word)
{
    /* This fence orders our submit before these reads; submit itself has no
     * fence. */
    shmrpci_fence_seq();
    if (!is_waiting(client, index, word)) {
        return false;
    }
    shm_client_hint(client, index);
    return shmrpci_load_seq(&client->status->idle) != 0;
}

/* Sleeps once; our bit in `sleepers` is set. The caller reads the word again
 * whatever woke us. */
static shmrpc_status sleep_once(shm_client *client, uint32_t index,
                                uint32_t word, int64_t deadline_ns)
{
    shm_client_slot *slot = &client->slots[index];
    shmrpci_atomic_u32 *at = &client->block.slots[index].word;
    int64_t now_ns = shmrpci_now_ns();
    if (now_ns >= deadline_ns || shmrpci_waiting_is_interrupted()) {
        return SHMRPC_E_DEADLINE;
    }
    if (slot->relied != 0 && !needs_lease(client, index, word)) {
        slot->relied = 0;
    }
    bool had_lease = slot->relied != 0;
    int64_t until = end_of_sleep(slot, now_ns, deadline_ns);
    uint64_t slept = shmrpci_ticks();
    shmrpci_futex_end end = shmrpci_futex_wait(at, word, until);
    uint32_t after = shmrpci_load_acquire(at);
    if (is_over(after)) {
        if (end == SHMRPCI_FUTEX_LATE && shm_word_state(after) == SHM_DONE) {
            look_for_lost_wake(client, index, slept);
        }
        return SHMRPC_OK;
    }
    if (is_waiting(client, index, after)) {
        uint64_t now = shmrpci_ticks();
        if (had_lease && (int64_t)(now - slot->relied) >= 0) {
            look_after_lease(client, index, now);
        } else if (!had_lease && shmrpci_now_ns() >= now_ns + SHM_SLICE_NS) {
            shm_client_rescue(client, index);
        }
    }
    return shm_client_is_lost(client) ? SHMRPC_E_SERVER_LOST : SHMRPC_OK;
}

shmrpc_status shm_client_look(shm_client *client, uint32_t index,
                              uint32_t *out_word)
{
    shm_client_slot *slot = &client->slots[index];
    /* Relaxed: `lost` is read before the word, so a call that ended before the
     * server was lost counts as done. */
    bool is_lost = shmrpci_load_relaxed(&client->lost) != 0;
    uint32_t word = shmrpci_load_seq(&client->block.slots[index].word);
    if (is_over(word)) {
        *out_word = word;
        return SHMRPC_OK;
    }
    if (is_lost) {
        return SHMRPC_E_SERVER_LOST;
    }
    if (slot->relied != 0) {
        uint64_t now = shmrpci_ticks();
        if ((int64_t)(now - slot->relied) >= 0) {
            look_after_lease(client, index, now);
        }
    }
    return SHMRPC_E_DEADLINE;
}

/* Sleeps until the call is over. */
static shmrpc_status sleep_on(shm_client *client, uint32_t index,
                              int64_t deadline_ns, uint64_t began,
                              uint32_t *word)
{
    shmrpci_atomic_u32 *at = &client->block.slots[index].word;
    for (;;) {
        shmrpc_status status = sleep_once(client, index, *word, deadline_ns);
        *word = shmrpci_load_acquire(at);
        if (is_over(*word)) {
            learn(client, index, *word, began);
            return SHMRPC_OK;
        }
        if (status != SHMRPC_OK) {
            shmrpci_spinner_miss(&client->spinner);
            return status;
        }
    }
}

shmrpc_status shm_client_wait(shm_client *client, uint32_t index,
                              int64_t deadline_ns, uint32_t *out_word)
{
    SHMRPCI_ASSERT(index < SHM_SLOTS, "a slot number is in range");
    uint64_t began;
    if (deadline_ns == 0) {
        return shm_client_look(client, index, out_word);
    }
    *out_word = shmrpci_load_acquire(&client->block.slots[index].word);
    if (is_over(*out_word) || spin(client, index, out_word, &began)) {
        return SHMRPC_OK;
    }
    /* Sequentially consistent: we set our bit, and then the kernel reads the
     * word; the worker changes the word and then reads the bitmap. So one of
     * the two sees the other. */
    uint64_t bit = UINT64_C(1) << index;
    (void)shmrpci_or_seq(client->block.sleepers, bit);
    shmrpc_status status =
        sleep_on(client, index, deadline_ns, began, out_word);
    (void)shmrpci_and_seq(client->block.sleepers, ~bit);
    return status;
}
