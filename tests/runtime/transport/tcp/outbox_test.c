/* The memory that an outbox keeps for a peer that reads nothing. */
#include "transport/tcp/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "transport/tcp/limits.h"

static size_t waiting(tcp_outbox *outbox)
{
    return tcp_outbox_waiting(outbox).bytes;
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

/* ---- returning pieces to their owners ---- */

static unsigned told;       /* number of calls of on_sent */
static unsigned came[3][3]; /* numbers of the pieces that each call got */

typedef struct numbered {
    tcp_piece piece; /* must be first */
    unsigned number;
} numbered;

static void note(tcp_piece *first)
{
    unsigned count = 0;
    for (tcp_piece *at = first; at != NULL; at = at->next) {
        came[told][count++] = ((numbered *)(void *)at)->number;
    }
    told++;
}

static void note_of_another(tcp_piece *first)
{
    note(first);
}

static void neighbours_of_one_owner_come_back_together(void **state)
{
    (void)state;
    static const unsigned expected[3][3] = {{1, 2}, {3}, {4}};
    tcp_on_sent *owners[] = {note, note, note_of_another, note};
    numbered pieces[4];
    tcp_outbox outbox;
    tcp_outbox_init(&outbox, -1);
    told = 0;
    for (unsigned i = 0; i < 4; i++) {
        pieces[i] = (numbered){.number = i + 1};
        pieces[i].piece = (tcp_piece){
            .data = (const uint8_t *)"x", .len = 1, .on_sent = owners[i]};
    }
    /* Two at a time, as a thread with several pieces adds them. */
    pieces[0].piece.next = &pieces[1].piece;
    pieces[2].piece.next = &pieces[3].piece;
    assert_int_equal(tcp_outbox_add(&outbox, &pieces[0].piece), 2);
    assert_int_equal(tcp_outbox_add(&outbox, &pieces[2].piece), 4);
    assert_int_equal(waiting(&outbox), 4);
    tcp_outbox_fail(&outbox);
    assert_int_equal(told, 3);
    assert_memory_equal(came, expected, sizeof expected);
    /* After the failure, an added piece is handed back to its owner at once. */
    pieces[3].piece.next = NULL;
    told = 0;
    assert_int_equal(tcp_outbox_add(&outbox, &pieces[3].piece), 0);
    assert_int_equal(told, 1);
    tcp_outbox_fini(&outbox);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pongs_that_are_not_sent_are_few),
        cmocka_unit_test(neighbours_of_one_owner_come_back_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
