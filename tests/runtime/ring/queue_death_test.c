/*
 * Death at every point: a process that pushes, pops, acknowledges and gives
 * back is killed before each change of a shared word, and its heir before each
 * of the heir's changes. Afterwards each record is in the queue once, or is one
 * of those that may be gone.
 */
#include "dying/dying.h"
#include "stage.h"

#include <stdlib.h>

#include "os/memory.h"

enum {
    NUMBERS = 16,
    THERE = 4, /* pushed by a process that stays alive */
    BATCH = 3,
    FIRST_OF_BATCH = 12
};

/* What may have happened to a number, depending on how far the process got. */
typedef enum fate {
    ABSENT,
    PUSHING, /* being pushed: may be in the queue or not */
    PRESENT,
    GOING, /* being popped: may be in the queue or not */
    GONE
} fate;

typedef struct log {
    fate fates[NUMBERS];
    bool is_popping; /* without acknowledgement: any one record may be lost */
} log;

typedef struct scene {
    shmrpci_queue_spec spec;
    int fd;
    log *log; /* shared */
    shmrpci_queue *other;
} scene;

static bool push(scene *of, shmrpci_queue *queue, uint64_t number)
{
    of->log->fates[number] = PUSHING;
    bool good = stage_push(queue, number) == SHMRPC_OK;
    of->log->fates[number] = PRESENT;
    return good;
}

/* Pushes three records at once. */
static bool push_many(scene *of, shmrpci_queue *queue)
{
    shmrpci_slice slices[BATCH];
    uint64_t numbers[BATCH];
    uint32_t count = 0;
    for (unsigned i = 0; i < BATCH; i++) {
        numbers[i] = FIRST_OF_BATCH + i;
        slices[i] = (shmrpci_slice){&numbers[i], sizeof numbers[i]};
        of->log->fates[numbers[i]] = PUSHING;
    }
    shmrpc_status status =
        shmrpci_queue_push_many(queue, slices, BATCH, 0, &count, NULL);
    for (unsigned i = 0; i < BATCH; i++) {
        of->log->fates[numbers[i]] = PRESENT;
    }
    return status == SHMRPC_OK && count == BATCH;
}

static bool pop(scene *of, shmrpci_queue *queue, shmrpci_item *item,
                uint64_t *number)
{
    of->log->is_popping = !of->spec.is_acked;
    bool good = stage_try_take(queue, number, item) == SHMRPC_OK;
    if (good && !of->spec.is_acked) {
        of->log->fates[*number] = GONE;
    }
    of->log->is_popping = false;
    return good;
}

static bool ack(scene *of, shmrpci_queue *queue, const shmrpci_item *item,
                uint64_t number)
{
    if (!of->spec.is_acked) {
        return true;
    }
    of->log->fates[number] = GOING;
    bool good = shmrpci_queue_ack(queue, item->ticket) == SHMRPC_OK;
    of->log->fates[number] = GONE;
    return good;
}

static bool act(void *user)
{
    scene *of = user;
    shmrpci_item items[3];
    uint64_t numbers[3];
    shmrpci_queue *queue = stage_open_queue(of->fd);
    bool good = push(of, queue, 10) && pop(of, queue, &items[0], &numbers[0]) &&
                pop(of, queue, &items[1], &numbers[1]) &&
                ack(of, queue, &items[0], numbers[0]) && push(of, queue, 11) &&
                pop(of, queue, &items[2], &numbers[2]) && push_many(of, queue);
    if (good && of->spec.is_acked) {
        good = shmrpci_queue_release(queue, items[1].ticket) == SHMRPC_OK;
    }
    shmrpci_queue_close(queue);
    return good;
}

/* Takes over the dead participant's place, and leaves properly. */
static bool inherit(void *user)
{
    scene *of = user;
    shmrpci_queue_close(stage_open_queue(of->fd));
    return true;
}

static void begin(scene *of)
{
    of->fd = stage_make_queue(&of->spec);
    *of->log = (log){0};
    of->other = stage_open_queue(of->fd);
    for (uint64_t i = 0; i < THERE; i++) {
        assert_int_equal(stage_push(of->other, i), SHMRPC_OK);
        of->log->fates[i] = PRESENT;
    }
}

static void judge(const scene *of, const unsigned *seen)
{
    unsigned missing = 0;
    for (uint64_t i = 0; i < NUMBERS; i++) {
        fate is = of->log->fates[i];
        if (seen[i] > 1 || (seen[i] == 1 && (is == ABSENT || is == GONE))) {
            fail_msg("%u came %u times, fate %d", (unsigned)i, seen[i], is);
        }
        missing += seen[i] == 0 && is == PRESENT ? 1 : 0;
    }
    /* Either the whole batch is there, or nothing of it. */
    for (uint64_t i = FIRST_OF_BATCH; i < FIRST_OF_BATCH + BATCH; i++) {
        assert_int_equal(seen[i], seen[FIRST_OF_BATCH]);
    }
    if (missing > (of->log->is_popping ? 1 : 0)) {
        fail_msg("%u records are lost", missing);
    }
}

/* A living process takes all remaining records. */
static void end(scene *of)
{
    unsigned seen[NUMBERS] = {0};
    uint64_t number;
    shmrpci_item item;
    while (stage_try_take(of->other, &number, &item) == SHMRPC_OK) {
        assert_true(number < NUMBERS);
        seen[number]++;
        if (of->spec.is_acked) {
            assert_int_equal(shmrpci_queue_ack(of->other, item.ticket),
                             SHMRPC_OK);
        }
    }
    judge(of, seen);
    /* The queue can still be used. */
    assert_int_equal(stage_push(of->other, 1), SHMRPC_OK);
    assert_int_equal(stage_pop(of->other), 1);
    shmrpci_queue_close(of->other);
    stage_check_queue(of->fd);
    shmrpci_fd_close(&of->fd);
}

static const shmrpci_queue_spec specs[] = {
    {.capacity = 8, .item_bytes = 8, .max_item_bytes = 64, .participants = 4},
    {.capacity = 8,
     .item_bytes = 8,
     .max_item_bytes = 64,
     .participants = 4,
     .is_total = true},
    {.capacity = 8,
     .item_bytes = 8,
     .max_item_bytes = 64,
     .participants = 4,
     .is_acked = true},
    {.capacity = 8,
     .item_bytes = 8,
     .max_item_bytes = 64,
     .participants = 4,
     .is_acked = true,
     .is_total = true},
};
enum { SPECS = sizeof specs / sizeof specs[0] };

static void a_participant_dies_at_every_point(void **state)
{
    for (unsigned i = 0; i < SPECS; i++) {
        scene of = {.spec = specs[i], .log = *state};
        bool more = true;
        unsigned point = 0;
        while (more) {
            begin(&of);
            more = dying_runs(act, &of, ++point);
            end(&of);
        }
        print_message("%u points\n", point - 1);
        assert_true(point > 30);
    }
}

/* Uses only `acked` queues, because only there an heir has work to do: it gives
 * back the records that the dead process held. Tests every fifth point of the
 * first death, or all with SHMRPC_TEST_LONG. */
static void its_heir_dies_at_every_point(void **state)
{
    bool is_long = getenv("SHMRPC_TEST_LONG") != NULL;
    for (unsigned i = 2; i < (is_long ? SPECS : 3); i++) {
        scene of = {.spec = specs[i], .log = *state};
        bool more = true;
        for (unsigned point = 1; more; point += is_long ? 1 : 5) {
            bool heir_died = true;
            for (unsigned second = 1; more && heir_died; second++) {
                begin(&of);
                more = dying_runs(act, &of, point);
                heir_died = more && dying_runs(inherit, &of, second);
                end(&of);
            }
        }
    }
}

static int share(void **state)
{
    *state = dying_shared(sizeof(log));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_participant_dies_at_every_point),
        cmocka_unit_test(its_heir_dies_at_every_point),
    };
    return cmocka_run_group_tests(tests, share, NULL);
}
