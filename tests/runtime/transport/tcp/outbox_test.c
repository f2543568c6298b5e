/* What an outbox keeps for a peer that takes nothing. */
#include "transport/tcp/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "transport/tcp/limits.h"

static size_t waiting(tcp_outbox *outbox)
{
    size_t first;
    int64_t since_ns;
    return tcp_outbox_waiting(outbox, &first, &since_ns);
}

static void pongs_that_are_not_sent_are_few(void **state)
{
    (void)state;
    tcp_outbox outbox;
    tcp_outbox_init(&outbox, -1);
    for (uint64_t i = 0; i < 10 * TCP_UNSENT_NOTES; i++) {
        assert_true(tcp_outbox_pong(&outbox, i));
    }
    assert_int_equal(waiting(&outbox),
                     (size_t)TCP_UNSENT_NOTES * TCP_HEAD_BYTES);
    tcp_outbox_fail(&outbox);
    assert_int_equal(waiting(&outbox), 0);
    tcp_outbox_fini(&outbox);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pongs_that_are_not_sent_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
