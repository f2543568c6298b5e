/*
 * While a service has no worker, the control loop answers the waiting calls as
 * a worker would. It claims them by the same steps as worker_claim.c, and
 * answers them by the same steps as worker_request.c.
 */
#include "transport/shm/server.h"

#include <string.h>

#include "os/futex.h"
#include "os/map_alias.h"

static bool claim(shm_conn *conn, uint32_t slot, uint32_t index,
                  uint32_t *out_word)
{
    shmrpci_atomic_u32 *at = &conn->block.slots[slot].word;
    shmrpci_atomic_u32 *held = &conn->ledger->entries[slot].held;
    uint32_t word = shmrpci_load_seq(at);
    uint32_t nobody = 0;
    if (shm_word_state(word) != SHM_SUBMITTED ||
        !shmrpci_cas_seq(held, &nobody,
                         shm_held(shm_word_gen(word), index, SHM_TRIES))) {
        return false;
    }
    if (shmrpci_load_seq(at) != word) {
        /* The client has withdrawn the call. If it has put a newer call on the
         * slot, our next check finds that call. */
        (void)shmrpci_exchange_seq(held, 0u);
        return false;
    }
    shmrpci_store_release(held, shm_held(shm_word_gen(word), index, SHM_HOLDS));
    *out_word = word;
    return true;
}

/* A oneway call keeps waiting, because nobody could be told of its refusal. */
static bool is_oneway(const shm_conn *conn, uint32_t slot)
{
    return (shmrpci_load_relaxed(&conn->block.slots[slot].flags) &
            SHM_MSG_ONEWAY) != 0;
}

static void refuse(shm_conn *conn, uint32_t index, uint32_t number,
                   int32_t status, const uint8_t *detail, size_t len)
{
    uint32_t word;
    shm_slot *slot = &conn->block.slots[index];
    if (is_oneway(conn, index) || !claim(conn, index, number, &word)) {
        return;
    }
    shmrpci_note_after(conn);
    uint32_t flags = shmrpci_load_relaxed(&slot->flags);
    shm_streams_lose(conn, index);
    shmrpci_store_release(&conn->ledger->entries[index].ended,
                          shm_word_gen(word));
    shmrpci_note_before(conn);
    memcpy(slot->payload, detail, len);
    /* Relaxed: the store of the word publishes these fields. */
    shmrpci_store_relaxed(&slot->flags,
                          (uint16_t)(len > 0 ? SHM_MSG_DETAIL : 0u));
    shmrpci_store_relaxed(&slot->length, (uint32_t)len);
    shmrpci_store_relaxed(&slot->status, (uint32_t)status);
    shmrpci_store_release(&slot->word, shm_word_moved(word, SHM_DONE));
    (void)shmrpci_exchange_seq(&conn->ledger->entries[index].held, 0u);
    if ((shmrpci_load_seq(conn->block.sleepers) >> index & 1) != 0) {
        shmrpci_futex_wake(&slot->word, INT32_MAX);
    }
    if ((flags & SHM_MSG_TOLD) != 0) {
        shm_conn_tell(conn);
    }
}

void shm_refuse_all(shmrpci_listener *base, uint32_t index, int status,
                    const void *detail, size_t len)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    len = len <= SHM_PAYLOAD_BYTES ? len : 0;
    for (size_t i = 0; i < listener->table_count; i++) {
        shm_conn *conn = listener->table[i];
        for (uint32_t slot = 0; slot < SHM_SLOTS; slot++) {
            if (conn->state == SHM_CONN_OPEN && shm_conn_waits(conn, slot)) {
                refuse(conn, slot, index, (int32_t)status, detail, len);
            }
        }
    }
}
