/* Sets, events and bells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"

static int set;
static int event;

static int setup(void **state)
{
    (void)state;
    return shmrpci_poll_create(&set) != SHMRPC_OK ||
           shmrpci_event_create(&event) != SHMRPC_OK;
}

static int teardown(void **state)
{
    (void)state;
    shmrpci_fd_close(&set);
    shmrpci_fd_close(&event);
    return 0;
}

static size_t look(int which)
{
    uint64_t tags[4];
    return shmrpci_poll_wait(which, tags, 4, 0);
}

static void level_is_reported_as_long_as_it_is_set(void **state)
{
    (void)state;
    uint64_t tags[4] = {0};
    assert_int_equal(shmrpci_poll_add(set, event, SHMRPCI_POLL_LEVEL, 42), 0);
    assert_int_equal(look(set), 0);
    shmrpci_event_set(event);
    assert_int_equal(shmrpci_poll_wait(set, tags, 4, SHMRPCI_NEVER_NS), 1);
    assert_int_equal(tags[0], 42);
    assert_int_equal(look(set), 1);
    shmrpci_poll_remove(set, event);
    assert_int_equal(look(set), 0);
}

static void bell_is_reported_once_for_each_ring(void **state)
{
    (void)state;
    assert_int_equal(shmrpci_poll_add(set, event, SHMRPCI_POLL_BELL, 1), 0);
    assert_int_equal(look(set), 0);
    for (int i = 0; i < 3; i++) {
        shmrpci_event_set(event);
        assert_int_equal(look(set), 1);
        assert_int_equal(look(set), 0);
    }
}

static void waiting_ends_at_the_deadline(void **state)
{
    (void)state;
    uint64_t tags[4];
    int64_t deadline_ns = shmrpci_deadline_after(5 * SHMRPCI_NS_PER_MS);
    assert_int_equal(shmrpci_poll_wait(set, tags, 4, deadline_ns), 0);
    assert_true(shmrpci_now_ns() >= deadline_ns);
    deadline_ns = shmrpci_deadline_after(5 * SHMRPCI_NS_PER_MS);
    assert_false(shmrpci_poll_readable(event, deadline_ns));
    assert_true(shmrpci_now_ns() >= deadline_ns);
    shmrpci_event_set(event);
    assert_true(shmrpci_poll_readable(event, SHMRPCI_NEVER_NS));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(level_is_reported_as_long_as_it_is_set),
        CASE(bell_is_reported_once_for_each_ring),
        CASE(waiting_ends_at_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
