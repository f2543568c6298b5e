/* Words that belong to one thread until a second thread uses them. */
#include "sync/bias.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/thread.h"

enum { THREADS = 3, TURNS = 500, ROUNDS = 3000 };

typedef struct shared {
    shmrpci_bias bias;
    shmrpci_atomic_u64 word;
    shmrpci_atomic_u32 begun;
    shmrpci_atomic_u32 lost;
    uint64_t guarded; /* protected by the lowest bit of word */
} shared;

/* Sets the lowest bit. Returns false if it was set already. */
static bool take(shared *s)
{
    uint64_t seen = shmrpci_load_relaxed(&s->word);
    while ((seen & 1) == 0) {
        if (shmrpci_bias_cas_u64(&s->bias, &s->word, &seen, seen | 1)) {
            return true;
        }
    }
    return false;
}

static void change(void *user)
{
    shared *s = user;
    uint64_t own = UINT64_C(2) << shmrpci_add_seq(&s->begun, 1u);
    for (int taken = 0; taken < TURNS;) {
        shmrpci_bias_set(&s->bias, &s->word, own);
        if (take(s)) {
            taken++;
            s->guarded++;
            shmrpci_bias_clear(&s->bias, &s->word, 1);
        }
        if ((shmrpci_load_relaxed(&s->word) & own) == 0) {
            (void)shmrpci_add_relaxed(&s->lost, 1u);
        }
        shmrpci_bias_clear(&s->bias, &s->word, own);
    }
}

static void nothing_is_lost_when_another_comes(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        shared s = {0};
        shmrpci_thread threads[THREADS];
        for (uint32_t i = 0; i < THREADS; i++) {
            assert_int_equal(
                shmrpci_thread_create(&threads[i], "change", change, &s),
                SHMRPC_OK);
            while (shmrpci_load_seq(&s.begun) <= i) {
                shmrpci_thread_yield();
            }
        }
        for (size_t i = 0; i < THREADS; i++) {
            shmrpci_thread_join(&threads[i]);
        }
        assert_int_equal(s.lost, 0);
        assert_int_equal(s.guarded, THREADS * TURNS);
        assert_int_equal(s.word, 0);
        assert_int_equal(s.bias.owner, SHMRPCI_BIAS_SHARED);
    }
}

static void one_thread_keeps_them(void **state)
{
    (void)state;
    shared s = {0};
    change(&s);
    assert_int_equal(s.guarded, TURNS);
    assert_int_equal(s.bias.owner, shmrpci_thread_can_barrier()
                                       ? shmrpci_thread_number()
                                       : SHMRPCI_BIAS_SHARED);
    assert_int_equal(s.bias.inside, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_keeps_them),
        cmocka_unit_test(nothing_is_lost_when_another_comes),
    };
    return cmocka_run_group_tests_name("bias", tests, NULL, NULL);
}
