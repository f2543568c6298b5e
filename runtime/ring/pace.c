/* Waiting for more records, where that pays. */
#include "ring/pace.h"

/* How long to wait. The longer the wait, the more records arrive for one fetch
 * of a cache line, but the later they are taken. */
#define WAIT_NS 2000

/* Records that take longer than this don't come in a stream. */
#define SLOW_NS 2000

/* How many slow rounds in a row stop the trials. */
#define SLOW_ROUNDS 2u

/* The number of rounds from one trial to the next, at first and at most. It
 * doubles each time that a trial didn't pay. */
#define GAP_LEAST 4u
#define GAP_MOST  256u

/* A trial pays if it saves at least 1/PAYS. */
#define PAYS 8u

static void set32(shmrpci_atomic_u32 *at, uint32_t value)
{
    atomic_store_explicit(at, value, memory_order_relaxed);
}

static void set64(shmrpci_atomic_u64 *at, uint64_t value)
{
    atomic_store_explicit(at, value, memory_order_relaxed);
}

/* Plans the next trial after `gap` rounds, limited to GAP_LEAST..GAP_MOST; so 0
 * means GAP_LEAST. */
static void plan(shmrpci_pace *pace, uint32_t waits, uint32_t gap)
{
    set32(&pace->is_trial, 0);
    set32(&pace->waits, waits);
    gap = gap < GAP_LEAST ? GAP_LEAST : gap > GAP_MOST ? GAP_MOST : gap;
    set32(&pace->gap, gap);
    set32(&pace->left, gap);
}

/* Ends a trial: adopts the tried way if it saves enough. */
static void judge(shmrpci_pace *pace, uint32_t waits)
{
    uint64_t tried = shmrpci_load_relaxed(&pace->usual[waits]);
    uint64_t other = shmrpci_load_relaxed(&pace->usual[1 - waits]);
    uint32_t gap = shmrpci_load_relaxed(&pace->gap);
    if (tried + tried / PAYS < other) {
        plan(pace, waits, 0);
    } else {
        plan(pace, 1 - waits, gap * 2);
    }
}

/* Counts a slow round. A single one may be slow because other threads had the
 * CPU. */
static void note_slow(shmrpci_pace *pace)
{
    uint32_t slow = shmrpci_load_relaxed(&pace->slow) + 1;
    set32(&pace->slow, slow);
    if (slow >= SLOW_ROUNDS) {
        plan(pace, 0, 0);
        set64(&pace->usual[0], 0);
        set32(&pace->slow, 0);
    }
}

void shmrpci_pace_turn(shmrpci_pace *pace, uint64_t now)
{
    uint32_t waits = shmrpci_load_relaxed(&pace->waits) & 1;
    uint32_t count = shmrpci_load_relaxed(&pace->count);
    uint64_t took = now - shmrpci_load_relaxed(&pace->began);
    uint64_t usual = shmrpci_load_relaxed(&pace->usual[waits]);
    uint32_t left = shmrpci_load_relaxed(&pace->left);
    set64(&pace->began, now);
    set32(&pace->count, 0);
    if (count == 0) {
        return; /* another thread has ended this round */
    }
    took = took * SHMRPCI_PACE_ROUND / count;
    if (took > shmrpci_ticks_of_ns((int64_t)SLOW_NS * SHMRPCI_PACE_ROUND)) {
        note_slow(pace);
        return;
    }
    set32(&pace->slow, 0);
    if (usual == 0) {
        usual = took;
    } else {
        /* Limits the effect of a round in which other threads had the CPU. */
        uint64_t most = usual * 2;
        usual = (usual * 3 + (took < most ? took : most)) / 4;
    }
    set64(&pace->usual[waits], usual);
    if (shmrpci_load_relaxed(&pace->is_trial) != 0) {
        judge(pace, waits);
    } else if (left <= 1) {
        set32(&pace->is_trial, 1);
        set32(&pace->waits, 1 - waits);
        set64(&pace->usual[1 - waits], 0);
    } else {
        set32(&pace->left, left - 1);
    }
}

void shmrpci_pace_wait(void)
{
    uint64_t until = shmrpci_ticks() + shmrpci_ticks_of_ns(WAIT_NS);
    do {
        shmrpci_pause();
    } while ((int64_t)(until - shmrpci_ticks()) > 0);
}
