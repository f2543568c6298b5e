/*
 * Words biased to one thread, until a second one uses them: the source of
 * bias.c.
 *
 * Three threads take a bit and give it back; the data that it protects is not
 * atomic. In another case one of them waits for the bit, as for a free slot
 * (client_slot.c).
 */
#include "sync/bias.h"

#include "engine.h"
#include "kernel.h"
#include "os/clock.h"
#include "os/futex.h"

#define CHANGERS 3u
#define TURNS    2u

static shmrpci_bias bias;
static shmrpci_atomic_u64 bits;
static shmrpci_atomic_u32 waiters;
static uint64_t guarded;
static uint64_t taken; /* not checked for races, because only one fiber runs at
                        * a time */

static void begin(void)
{
    kernel_reset(0);
    atomic_init(&bias.owner, SHMRPCI_BIAS_NOBODY);
    atomic_init(&bias.inside, 0);
    atomic_init(&bits, 0);
    atomic_init(&waiters, 0);
    engine_watch(&guarded, sizeof guarded);
    guarded = 0;
    taken = 0;
}

/* The first thread has used the words before. */
static void begin_owned(void)
{
    begin();
    atomic_init(&bias.owner, 1);
}

static void change(unsigned index)
{
    /* A thread's own bit is never lost. */
    uint64_t own = UINT64_C(2) << index;
    for (unsigned i = 0; i < TURNS; i++) {
        uint64_t seen = shmrpci_load_relaxed(&bits);
        shmrpci_bias_set(&bias, &bits, own);
        while ((seen & 1) == 0) {
            if (shmrpci_bias_cas_u64(&bias, &bits, &seen, seen | 1)) {
                guarded++;
                taken++;
                shmrpci_bias_clear(&bias, &bits, 1);
                break;
            }
        }
        ENGINE_CHECK((shmrpci_load_relaxed(&bits) & own) != 0);
        shmrpci_bias_clear(&bias, &bits, own);
    }
}

static void changed(void)
{
    ENGINE_CHECK(bits == 0);
    ENGINE_CHECK(guarded == taken);
}

static void wait(unsigned index)
{
    if (index == 0) {
        guarded = 1;
        shmrpci_bias_set(&bias, &bits, 1);
        if (shmrpci_load_seq(&waiters) != 0) {
            (void)shmrpci_exchange_seq(&waiters, 2u);
            (void)shmrpci_futex_wake(&waiters, 1);
        }
    } else if (index == 1) {
        shmrpci_bias_join(&bias);
        (void)shmrpci_add_seq(&waiters, 1u);
        while (shmrpci_load_seq(&bits) == 0) {
            (void)shmrpci_futex_wait(&waiters, 1, SHMRPCI_NEVER_NS);
        }
        uint64_t seen = 1;
        ENGINE_CHECK(shmrpci_bias_cas_u64(&bias, &bits, &seen, 0));
        ENGINE_CHECK(guarded == 1);
    }
}

static void waited(void)
{
    ENGINE_CHECK(bits == 0);
}

const engine_case engine_cases[] = {
    {"first", CHANGERS, begin, change, changed},
    {"change", CHANGERS, begin_owned, change, changed},
    {"wait", 3, begin_owned, wait, waited},
    {0},
};
