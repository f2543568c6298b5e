/* Peers of relays: when the end of a peer is reported, and that it is reported
 * once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rpc/relayed.h"

enum { RELAY = 7, OTHER = 8 };

static shmrpci_relayed *all;
static unsigned told;
static uint64_t told_last;

static int begin(void **state)
{
    (void)state;
    told = 0;
    all = shmrpci_relayed_create();
    return all == NULL;
}

static int end(void **state)
{
    (void)state;
    shmrpci_relayed_destroy(all);
    return 0;
}

static void tell(void *user, uint64_t peer)
{
    assert_ptr_equal(user, all);
    told++;
    told_last = peer;
}

static void enter(uint64_t peer, uint64_t relay)
{
    shmrpc_error error;
    assert_int_equal(shmrpci_relayed_enter(all, peer, relay, &error),
                     SHMRPC_OK);
}

static void an_end_is_told_once(void **state)
{
    (void)state;
    assert_false(shmrpci_relayed_part(all, 1)); /* it has never called */
    enter(2, RELAY);
    assert_false(shmrpci_relayed_leave(all, 2));
    assert_true(shmrpci_relayed_part(all, 2));
    assert_false(shmrpci_relayed_part(all, 2));
}

static void not_while_a_call_runs(void **state)
{
    (void)state;
    enter(1, RELAY);
    enter(1, RELAY);
    assert_false(shmrpci_relayed_part(all, 1));
    assert_false(shmrpci_relayed_leave(all, 1));
    assert_true(shmrpci_relayed_leave(all, 1));
}

/* A oneway call may arrive after its sender's end was reported; the peer that
 * it creates is removed again. */
static void a_late_call_is_the_last(void **state)
{
    (void)state;
    enter(1, RELAY);
    assert_false(shmrpci_relayed_leave(all, 1));
    assert_true(shmrpci_relayed_part(all, 1));
    for (uint64_t other = 100; other < 300; other++) {
        assert_false(shmrpci_relayed_part(all, other));
    }
    enter(1, RELAY);
    assert_true(shmrpci_relayed_leave(all, 1));
    /* The departed peer's number is forgotten after many others have left. */
    for (uint64_t other = 300; other < 1000; other++) {
        assert_false(shmrpci_relayed_part(all, other));
    }
    enter(1, RELAY);
    assert_false(shmrpci_relayed_leave(all, 1));
}

static void a_relay_takes_its_peers_along(void **state)
{
    (void)state;
    enter(1, RELAY);
    assert_false(shmrpci_relayed_leave(all, 1));
    enter(2, RELAY);
    enter(3, RELAY);
    assert_false(shmrpci_relayed_leave(all, 3));
    enter(3, OTHER); /* it calls over another connection now */
    assert_false(shmrpci_relayed_leave(all, 3));
    assert_true(shmrpci_relayed_end(all, RELAY, tell, all));
    assert_int_equal(told, 1);
    assert_true(told_last == 1);
    assert_true(shmrpci_relayed_leave(all, 2)); /* its call ends later */
    assert_false(shmrpci_relayed_end(all, RELAY, tell, all));
    assert_true(shmrpci_relayed_end(all, OTHER, tell, all));
    assert_int_equal(told, 2);
    assert_true(told_last == 3);
    /* A direct client's connection is not a relay's. */
    assert_false(shmrpci_relayed_end(all, 9, tell, all));
    assert_int_equal(told, 2);
}

static void a_relay_has_so_many_peers(void **state)
{
    (void)state;
    shmrpc_error error;
    for (uint64_t i = 1; i <= SHMRPCI_RELAYED_MAX; i++) {
        enter(i, RELAY);
        assert_false(shmrpci_relayed_leave(all, i));
    }
    uint64_t one_more = SHMRPCI_RELAYED_MAX + 1;
    assert_int_equal(shmrpci_relayed_enter(all, one_more, RELAY, &error),
                     SHMRPC_E_EXHAUSTED);
    enter(5, RELAY);
    assert_false(shmrpci_relayed_leave(all, 5));
    enter(one_more, OTHER);
    assert_false(shmrpci_relayed_leave(all, one_more));
    assert_true(shmrpci_relayed_part(all, 5));
    one_more++;
    enter(one_more, RELAY);
    assert_false(shmrpci_relayed_leave(all, one_more));
    assert_true(shmrpci_relayed_end(all, RELAY, tell, all));
    assert_int_equal(told, SHMRPCI_RELAYED_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_end_is_told_once, begin, end),
        cmocka_unit_test_setup_teardown(not_while_a_call_runs, begin, end),
        cmocka_unit_test_setup_teardown(a_late_call_is_the_last, begin, end),
        cmocka_unit_test_setup_teardown(a_relay_takes_its_peers_along, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_relay_has_so_many_peers, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
