/* A topic's seats, and how far the subscribers in them have read. */
#include "ring/desk.h"

#include "os/byte_lock.h"
#include "os/process.h"

static uint64_t row_bytes(uint32_t lanes)
{
    return ((uint64_t)lanes * sizeof(uint64_t) + 127) / 128 * 128;
}

uint64_t shmrpci_desk_bytes(uint32_t seats, uint32_t lanes)
{
    return sizeof(shmrpci_desk_words) +
           seats * (sizeof(shmrpci_seat) + row_bytes(lanes));
}

shmrpci_atomic_u64 *shmrpci_desk_cursor(const shmrpci_desk *desk, uint32_t seat,
                                        uint32_t lane)
{
    uint8_t *rows = (uint8_t *)desk->words + sizeof(shmrpci_desk_words) +
                    desk->seats * sizeof(shmrpci_seat);
    return (shmrpci_atomic_u64 *)(void *)(rows +
                                          seat * row_bytes(desk->lanes)) +
           lane;
}

shmrpc_status shmrpci_desk_take(shmrpci_desk *desk, uint32_t *out_seat)
{
    for (uint32_t i = 0; i < desk->seats; i++) {
        if (desk->own[i] ||
            shmrpci_byte_lock_try(desk->fd, SHMRPCI_DESK_BYTE(i), 1) !=
                SHMRPC_OK) {
            continue;
        }
        shmrpci_seat *seat = &desk->words->seats[i];
        /* The seat's subscriber has died or left. */
        shmrpci_store_seq(&seat->state, (uint32_t)SHMRPCI_SEAT_FREE);
        shmrpci_store_relaxed(&seat->pid, (uint32_t)shmrpci_process_id());
        shmrpci_store_relaxed(&seat->received, 0u);
        shmrpci_store_relaxed(&seat->lost, 0u);
        desk->own[i] = true;
        *out_seat = i;
        return SHMRPC_OK;
    }
    return SHMRPC_E_EXHAUSTED;
}

void shmrpci_desk_leave(shmrpci_desk *desk, uint32_t seat)
{
    shmrpci_store_seq(&desk->words->seats[seat].state,
                      (uint32_t)SHMRPCI_SEAT_FREE);
    desk->own[seat] = false;
    shmrpci_byte_lock_drop(desk->fd, SHMRPCI_DESK_BYTE(seat), 1);
}

bool shmrpci_desk_bury(const shmrpci_desk *desk, uint32_t seat)
{
    if (desk->own[seat] ||
        shmrpci_byte_lock_try(desk->fd, SHMRPCI_DESK_BYTE(seat), 1) !=
            SHMRPC_OK) {
        return false;
    }
    shmrpci_store_seq(&desk->words->seats[seat].state,
                      (uint32_t)SHMRPCI_SEAT_FREE);
    shmrpci_byte_lock_drop(desk->fd, SHMRPCI_DESK_BYTE(seat), 1);
    return true;
}
