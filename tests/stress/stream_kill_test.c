/*
 * Workers and clients are killed at random moments. All calls have streams.
 * Each side receives the first items that the other side has sent, each whole,
 * and then one end. When the clients are dead, nothing is left of them or their
 * rings. SHMRPC_TEST_SEED repeats a choice of moments and victims.
 */
#include "farm.h"

/* Usually everything that dead clients had must be freed within this time. A
 * machine that is busy with other work may take longer. */
#define BACK_NS (2 * SHMRPCI_NS_PER_S)

static unsigned kills(void)
{
    return (is_long() ? 100000u : 200u) / FARM_SLOWER;
}

/* Number of kills between two checks for leftovers. A check takes as long as a
 * hundred kills. */
static unsigned batch(void)
{
    return kills() < 1000 ? kills() / 4 : 200;
}

static void kills_leave_whole_items_and_one_end(void **state)
{
    (void)state;
    farm f = {.workers = 3, .clients = 4, .talks = true};
    int64_t longest_ns = 0;
    unsigned checks = 0;
    unsigned late = 0;
    farm_start(&f, farm_seed());
    farm_settle(&f);
    (void)farm_empty(&f);
    size_t fds = farm_open_fds();
    farm_start_clients(&f);
    for (unsigned i = 1; i <= kills(); i++) {
        farm_run_a_while(&f);
        farm_kill(&f);
        if (i % batch() == 0) {
            farm_settle(&f);
            int64_t took_ns = farm_empty(&f);
            longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
            checks++;
            late += took_ns > BACK_NS ? 1u : 0u;
            assert_int_equal(farm_open_fds(), fds);
            farm_check(&f);
            farm_start_clients(&f);
        }
    }
    print_message("%u kills; memory and descriptors were back within %lld ms\n",
                  kills(), (long long)(longest_ns / SHMRPCI_NS_PER_MS));
    assert_true(checks > 0 && late <= checks / 2);
    farm_settle(&f);
    farm_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills_leave_whole_items_and_one_end),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
