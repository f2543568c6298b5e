/*
 * A process that pushes or pops is killed after each of its instructions; or it
 * is stopped there while others go on, and then runs to the end. Afterwards
 * each record is there once, or is one of those that may be gone. With
 * SHMRPC_TEST_LONG this is done after every instruction, otherwise after some,
 * which differ each time.
 */
#include "dying/step.h"
#include "stage.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/memory.h"

enum { NUMBERS = 32, THERE = 4, OTHERS = 20, VICTIMS = 10 };

/* ---- the victim's operations --------------------------------------------- */

/* The victim's handle, and its note of what it has popped, in memory that
 * outlives the victim. */
static shmrpci_queue *mine;
static uint64_t *taken; /* one more than the number that the victim popped */

static bool push(void)
{
    return stage_push(mine, VICTIMS) == SHMRPC_OK;
}

static bool take(shmrpci_item *item)
{
    uint64_t number;
    bool good = stage_try_take(mine, &number, item) == SHMRPC_OK;
    *taken = good ? number + 1 : 0;
    return good;
}

static bool pop(void)
{
    shmrpci_item item;
    return take(&item);
}

static bool pop_and_ack(void)
{
    shmrpci_item item;
    return take(&item) && shmrpci_queue_ack(mine, item.ticket) == SHMRPC_OK;
}

typedef struct deed {
    const char *name;
    bool (*act)(void);
    bool is_acked;
    bool is_total;
    bool may_lose; /* the record that it was taking when it was killed may be
                    * lost */
    bool takes;    /* takes a record, if it runs to the end */
} deed;

static const deed deeds[] = {
    {"push", push, false, false, false, false},
    {"pop", pop, false, false, true, true},
    {"push, total order", push, false, true, false, false},
    {"pop, acked", pop, true, false, false, false},
    {"pop and ack", pop_and_ack, true, false, true, true},
};

#define DEEDS (sizeof deeds / sizeof *deeds)

/* ---- setting up one operation -------------------------------------------- */

typedef struct scene {
    const deed *of;
    int fd;
    shmrpci_queue *other;
    bool has_others; /* whether others push a record meanwhile */
    unsigned seen[NUMBERS];
    step_victim victim;
} scene;

static bool open_mine(void *user)
{
    const scene *of = user;
    mine = stage_open_queue(of->fd);
    return true;
}

static bool act(void *user)
{
    const scene *of = user;
    return of->of->act();
}

static void begin(scene *to, const deed *of)
{
    const shmrpci_queue_spec spec = {.capacity = 16,
                                     .item_bytes = 8,
                                     .max_item_bytes = 8,
                                     .participants = 4,
                                     .is_acked = of->is_acked,
                                     .is_total = of->is_total};
    *to = (scene){.of = of, .fd = stage_make_queue(&spec)};
    to->other = stage_open_queue(to->fd);
    *taken = 0;
    for (uint64_t i = 0; i < THERE; i++) {
        assert_int_equal(stage_push(to->other, i), SHMRPC_OK);
    }
    step_begin(&to->victim, open_mine, act, to);
}

/* Takes a record. Returns false if there is none. */
static bool take_one(scene *of, shmrpci_queue *queue)
{
    uint64_t number;
    shmrpci_item item;
    shmrpc_status status = stage_try_take(queue, &number, &item);
    if (status == SHMRPC_E_BUSY) {
        return false;
    }
    assert_int_equal(status, SHMRPC_OK);
    assert_true(number < NUMBERS);
    of->seen[number]++;
    if (of->of->is_acked) {
        assert_int_equal(shmrpci_queue_ack(queue, item.ticket), SHMRPC_OK);
    }
    return true;
}

/* What others do while the victim is stopped; with `order total` only
 * operations that don't need the turn. */
static void go_on(scene *of)
{
    if (!of->of->is_total) {
        assert_int_equal(stage_push(of->other, OTHERS), SHMRPC_OK);
        of->has_others = true;
    }
    assert_true(take_one(of, of->other));
}

static void judge(const scene *of, bool is_through, unsigned long steps)
{
    unsigned missing = 0;
    bool is_there = of->seen[VICTIMS] == 1;
    for (uint64_t i = 0; i < NUMBERS; i++) {
        bool was = i < THERE || (i == OTHERS && of->has_others);
        if (of->seen[i] > 1 || (of->seen[i] == 1 && !was && i != VICTIMS)) {
            fail_msg("%s, %lu instructions: %u came %u times", of->of->name,
                     steps, (unsigned)i, of->seen[i]);
        }
        missing += was && of->seen[i] == 0;
    }
    if (is_through && of->of->takes) {
        assert_true(*taken > 0 && of->seen[*taken - 1] == 0);
    }
    if (missing > (of->of->may_lose ? 1 : 0) ||
        (is_through && missing != (of->of->takes ? 1 : 0)) ||
        (is_through && of->of->act == push && !is_there)) {
        fail_msg("%s, %lu instructions: %u records are gone", of->of->name,
                 steps, missing);
    }
}

/* Opens the queue once more, takes all remaining records, and checks them. */
static void end(scene *of, bool is_through, unsigned long steps)
{
    shmrpci_queue *heir = stage_open_queue(of->fd);
    while (take_one(of, heir)) {
    }
    judge(of, is_through, steps);
    shmrpci_queue_close(heir);
    shmrpci_queue_close(of->other);
    stage_check_queue(of->fd);
    shmrpci_fd_close(&of->fd);
}

/* ---- tests, for each instruction ----------------------------------------- */

static void kill_behind(const void *what, const step_trace *trace,
                        unsigned long steps)
{
    scene of;
    begin(&of, what);
    bool is_through = !step_to(&of.victim, trace, steps);
    step_kill(&of.victim);
    end(&of, is_through, steps);
}

static void stop_behind(const void *what, const step_trace *trace,
                        unsigned long steps)
{
    scene of;
    begin(&of, what);
    (void)step_to(&of.victim, trace, steps);
    go_on(&of);
    step_finish(&of.victim);
    end(&of, true, steps);
}

static void each_instruction(step_visit *what)
{
    for (size_t i = 0; i < DEEDS; i++) {
        scene of;
        step_trace trace;
        begin(&of, &deeds[i]);
        step_record(&of.victim, &trace);
        end(&of, true, 0);
        step_through(deeds[i].name, &trace, what, &deeds[i]);
        step_forget(&trace);
    }
}

static void a_kill_loses_nothing_else(void **state)
{
    (void)state;
    each_instruction(kill_behind);
}

static void a_stop_holds_up_nobody(void **state)
{
    (void)state;
    each_instruction(stop_behind);
}

int main(void)
{
    taken = mmap(NULL, sizeof *taken, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (taken == MAP_FAILED) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_loses_nothing_else),
        cmocka_unit_test(a_stop_holds_up_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
