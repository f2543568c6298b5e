/*
 * A moving average of whether something has paid recently. If it has not paid,
 * it is still tried now and then, because that may change.
 *
 * Threading: odds may be shared; concurrent updates may be lost, which does no
 * harm.
 */
#ifndef SHMRPCI_SYNC_ODDS_H
#define SHMRPCI_SYNC_ODDS_H

#include <stdbool.h>

#include "sync/atomic.h"

#define SHMRPCI_ODDS_ONE   1024u
#define SHMRPCI_ODDS_LOW   307u /* below 0.3 it is only tried now and then */
#define SHMRPCI_ODDS_EVERY 16u

/* All accesses are relaxed, since these are estimates. */
typedef struct shmrpci_odds {
    shmrpci_atomic_u32 rate;     /* of 1024 tries, how many paid */
    shmrpci_atomic_u32 refusals; /* since the last try */
} shmrpci_odds;

static inline void shmrpci_odds_init(shmrpci_odds *odds)
{
    shmrpci_store_relaxed(&odds->rate, SHMRPCI_ODDS_ONE);
    shmrpci_store_relaxed(&odds->refusals, 0u);
}

static inline bool shmrpci_odds_are_good(const shmrpci_odds *odds)
{
    return shmrpci_load_relaxed(&odds->rate) >= SHMRPCI_ODDS_LOW;
}

/* Whether to try this time. */
static inline bool shmrpci_odds_try(shmrpci_odds *odds)
{
    if (shmrpci_odds_are_good(odds)) {
        return true;
    }
    uint32_t refusals = shmrpci_load_relaxed(&odds->refusals) + 1;
    bool is_due = refusals >= SHMRPCI_ODDS_EVERY;
    shmrpci_store_relaxed(&odds->refusals, is_due ? 0 : refusals);
    return is_due;
}

static inline void shmrpci_odds_note(shmrpci_odds *odds, bool has_paid)
{
    uint32_t rate = shmrpci_load_relaxed(&odds->rate);
    rate = has_paid ? rate + (SHMRPCI_ODDS_ONE - rate) / 8 : rate - rate / 8;
    shmrpci_store_relaxed(&odds->rate, rate);
}

#endif
