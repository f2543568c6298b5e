/* Hazard pointers: objects that are replaced and freed while threads use
 * them. */
#include "sync/hazard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/thread.h"

enum { READERS = 3, REPLACEMENTS = 3000, ALIVE = 0x600d };

typedef struct object {
    volatile uint32_t state; /* ALIVE until it is freed */
    struct object *next;
} object;

typedef struct shared {
    shmrpci_atomic_pointer current;
    shmrpci_atomic_u32 stop;
    shmrpci_atomic_u32 reads;
    shmrpci_atomic_u32 wrong;
} shared;

static object *object_new(void)
{
    object *o = calloc(1, sizeof *o);
    assert_non_null(o);
    o->state = ALIVE;
    return o;
}

static void object_free(object *o)
{
    o->state = 0xdead;
    free(o);
}

static void read_on(void *user)
{
    shared *s = user;
    shmrpci_hazard *mine = shmrpci_hazard_mine();
    while (shmrpci_load_relaxed(&s->stop) == 0) {
        const object *o = shmrpci_hazard_enter(&mine->held, &s->current);
        if (o->state != ALIVE) {
            (void)shmrpci_add_relaxed(&s->wrong, 1u);
        }
        shmrpci_hazard_leave(&mine->held);
        (void)shmrpci_add_relaxed(&s->reads, 1u);
    }
}

static size_t free_unheld(object **list)
{
    size_t left = 0;
    while (*list != NULL) {
        object *o = *list;
        if (shmrpci_hazard_is_held(o)) {
            list = &o->next;
            left++;
        } else {
            *list = o->next;
            object_free(o);
        }
    }
    return left;
}

static void object_is_never_freed_under_a_reader(void **state)
{
    (void)state;
    shared s = {.stop = 0};
    shmrpci_thread threads[READERS];
    object *replaced = NULL;
    atomic_init(&s.current, object_new());
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(
            shmrpci_thread_create(&threads[i], "reader", read_on, &s), 0);
    }
    for (int i = 0; i < REPLACEMENTS; i++) {
        object *old = shmrpci_exchange_seq(&s.current, object_new());
        old->next = replaced;
        replaced = old;
        if (shmrpci_hazard_settle()) {
            assert_true(free_unheld(&replaced) <= READERS);
        }
    }
    int64_t deadline_ns = shmrpci_deadline_after(20 * SHMRPCI_NS_PER_S);
    while (shmrpci_load_relaxed(&s.reads) == 0 &&
           shmrpci_now_ns() < deadline_ns) {
        shmrpci_pause();
    }
    shmrpci_store_relaxed(&s.stop, 1u);
    for (int i = 0; i < READERS; i++) {
        shmrpci_thread_join(&threads[i]);
    }
    assert_true(shmrpci_load_relaxed(&s.reads) > 0);
    assert_int_equal(shmrpci_load_relaxed(&s.wrong), 0);
    assert_int_equal(free_unheld(&replaced), 0);
    object_free(shmrpci_load_relaxed(&s.current));
}

static void held_object_is_known_until_it_is_left(void **state)
{
    (void)state;
    object *o = object_new();
    shmrpci_atomic_pointer current;
    atomic_init(&current, o);
    shmrpci_hazard *mine = shmrpci_hazard_mine();
    assert_non_null(mine);
    assert_ptr_equal(shmrpci_hazard_mine(), mine);
    assert_ptr_equal(shmrpci_hazard_enter(&mine->held, &current), o);
    shmrpci_store_release(&current, NULL);
    (void)shmrpci_hazard_settle();
    assert_true(shmrpci_hazard_is_held(o));
    shmrpci_hazard_leave(&mine->held);
    assert_false(shmrpci_hazard_is_held(o));
    object_free(o);
}

static void note_place(void *user)
{
    *(shmrpci_hazard **)user = shmrpci_hazard_mine();
}

static void places_of_threads_that_ended_are_used_again(void **state)
{
    (void)state;
    shmrpci_hazard *own = shmrpci_hazard_mine();
    shmrpci_hazard *first = NULL;
    for (int i = 0; i < 100; i++) {
        shmrpci_thread thread;
        shmrpci_hazard *place = NULL;
        assert_int_equal(
            shmrpci_thread_create(&thread, "short", note_place, &place), 0);
        shmrpci_thread_join(&thread);
        assert_non_null(place);
        assert_ptr_not_equal(place, own);
        first = i == 0 ? place : first;
        assert_ptr_equal(place, first);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_object_is_known_until_it_is_left),
        cmocka_unit_test(places_of_threads_that_ended_are_used_again),
        cmocka_unit_test(object_is_never_freed_under_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
