/*
 * Workers and clients are killed and stopped at random moments under load. No
 * call hangs, runs twice, or is answered wrongly, and every call is accounted
 * for. SHMRPC_TEST_SEED repeats a choice of moments and victims.
 */
#include "farm.h"

static unsigned events(void)
{
    return (is_long() ? 50000u : 500u) / FARM_SLOWER;
}

/* Kills processes. Returns the number of wake-ups that clients had to rescue.
 */
static uint64_t kill_often(void)
{
    farm f = {.workers = 3, .clients = 4};
    farm_start(&f, farm_seed());
    for (unsigned i = 0; i < events(); i++) {
        farm_run_a_while(&f);
        farm_kill(&f);
        if (i % 50 == 0) {
            farm_settle(&f);
            farm_check(&f);
        }
    }
    farm_settle(&f);
    farm_check(&f);
    uint64_t rescued = farm_rescued(&f);
    farm_stop(&f);
    return rescued;
}

/* A process that gets no CPU between a reply and its wake-up looks like a
 * forgotten wake-up, but not in three runs in a row. */
static void kills_lose_and_repeat_nothing(void **state)
{
    (void)state;
    uint64_t rescued = kill_often();
    for (int again = 0; rescued > 0 && again < 2; again++) {
        print_message("%llu rescued; once more\n", (unsigned long long)rescued);
        rescued = kill_often();
    }
    assert_int_equal(rescued, 0);
}

static void stops_and_kills_lose_and_repeat_nothing(void **state)
{
    (void)state;
    farm f = {.workers = 3, .clients = 4};
    farm_start(&f, farm_seed());
    for (unsigned i = 0; i < events(); i++) {
        farm_run_a_while(&f);
        if (farm_random(&f) % 3 == 0) {
            farm_kill(&f);
        } else {
            int64_t ns = farm_some_time(&f, 30 * SHMRPCI_NS_PER_MS);
            farm_pause(&f, shmrpci_deadline_after(ns));
        }
        if (i % 50 == 0) {
            farm_settle(&f);
            farm_check(&f);
        }
    }
    farm_settle(&f);
    farm_check(&f);
    farm_stop(&f);
}

/* With an argument, runs the case with stops, which may run beside other load.
 * Otherwise runs the case with kills. */
int main(int argc, char **argv)
{
    (void)argv;
    const struct CMUnitTest kills[] = {
        cmocka_unit_test(kills_lose_and_repeat_nothing)};
    const struct CMUnitTest stops[] = {
        cmocka_unit_test(stops_and_kills_lose_and_repeat_nothing)};
    return argc > 1
               ? cmocka_run_group_tests(stops, folder_setup, folder_teardown)
               : cmocka_run_group_tests(kills, folder_setup, folder_teardown);
}
