/* Queues whose records are delivered again unless they are acknowledged. */
#include "stage.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/memory.h"

static int make(shmrpci_queue_spec spec)
{
    spec.is_acked = true;
    return stage_make_queue(&spec);
}

static uint64_t take(shmrpci_queue *queue, uint64_t number, uint32_t flags)
{
    uint64_t is = 0;
    shmrpci_item item = {0};
    assert_int_equal(stage_try_take(queue, &is, &item), SHMRPC_OK);
    assert_int_equal(is, number);
    assert_int_equal(item.flags, flags);
    assert_int_not_equal(item.ticket, 0);
    return item.ticket;
}

static void expect_empty(shmrpci_queue *queue)
{
    uint64_t none;
    assert_int_equal(stage_try_pop(queue, &none), SHMRPC_E_BUSY);
}

static void what_is_acknowledged_does_not_come_again(void **state)
{
    (void)state;
    uint64_t tickets[3];
    int fd = make((shmrpci_queue_spec){.capacity = 8});
    shmrpci_queue *first = stage_open_queue(fd);
    shmrpci_queue *second = stage_open_queue(fd);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(stage_push(first, i), SHMRPC_OK);
    }
    for (uint64_t i = 0; i < 3; i++) {
        tickets[i] = take(second, i, 0);
    }
    assert_int_equal(shmrpci_queue_ack(second, tickets[1]), SHMRPC_OK);
    assert_int_equal(shmrpci_queue_ack(second, tickets[1]), SHMRPC_E_INVALID);
    assert_int_equal(shmrpci_queue_ack(second, 0), SHMRPC_E_INVALID);
    assert_int_equal(shmrpci_queue_ack(second, 12345), SHMRPC_E_INVALID);
    assert_int_equal(shmrpci_queue_release(second, tickets[2]), SHMRPC_OK);
    shmrpci_queue_close(second);
    (void)take(first, 2, SHMRPCI_RECORD_REDELIVERED);
    (void)take(first, 0, SHMRPCI_RECORD_REDELIVERED);
    expect_empty(first);
    shmrpci_queue_close(first);
    stage_check_queue(fd);
    shmrpci_fd_close(&fd);
}

/* Runs a process that takes three records, acknowledges the second, then is
 * killed. */
static void die_holding(int fd)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        shmrpci_queue *queue = stage_open_queue(fd);
        uint64_t number;
        shmrpci_item item;
        for (int i = 0; i < 3; i++) {
            if (stage_try_take(queue, &number, &item) != SHMRPC_OK ||
                (i == 1 &&
                 shmrpci_queue_ack(queue, item.ticket) != SHMRPC_OK)) {
                _exit(1);
            }
        }
        (void)kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void what_a_dead_reader_held_comes_again(void **state)
{
    (void)state;
    for (int is_total = 0; is_total < 2; is_total++) {
        int fd = make(
            (shmrpci_queue_spec){.capacity = 8, .is_total = is_total != 0});
        shmrpci_queue *queue = stage_open_queue(fd);
        for (uint64_t i = 0; i < 3; i++) {
            assert_int_equal(stage_push(queue, i), SHMRPC_OK);
        }
        die_holding(fd);
        /* A process that looks for records finds out that the other one is
         * dead. */
        uint64_t ticket = take(queue, 0, SHMRPCI_RECORD_REDELIVERED);
        assert_int_equal(shmrpci_queue_ack(queue, ticket), SHMRPC_OK);
        ticket = take(queue, 2, SHMRPCI_RECORD_REDELIVERED);
        assert_int_equal(shmrpci_queue_ack(queue, ticket), SHMRPC_OK);
        expect_empty(queue);
        shmrpci_queue_close(queue);
        stage_check_queue(fd);
        shmrpci_fd_close(&fd);
    }
}

static void who_sleeps_gets_what_a_dead_reader_held(void **state)
{
    (void)state;
    uint8_t room[64];
    shmrpci_buf buf;
    shmrpci_item item;
    uint32_t count;
    int fd = make((shmrpci_queue_spec){.capacity = 8});
    shmrpci_queue *queue = stage_open_queue(fd);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(stage_push(queue, i), SHMRPC_OK);
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        shmrpci_queue *own = stage_open_queue(fd);
        uint64_t number;
        for (int i = 0; i < 3; i++) {
            (void)stage_try_take(own, &number, &item);
        }
        (void)raise(SIGSTOP);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    expect_empty(queue);
    assert_int_equal(kill(child, SIGKILL), 0);
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    assert_int_equal(
        shmrpci_queue_pop(queue, 1, stage_soon(), &buf, &item, &count, NULL),
        SHMRPC_OK);
    assert_int_equal(item.flags, SHMRPCI_RECORD_REDELIVERED);
    assert_int_equal(waitpid(child, &status, 0), child);
    shmrpci_queue_close(queue);
    shmrpci_fd_close(&fd);
}

/* Takes records of all lengths until the queue allows no more, and gives some
 * back. */
static void holds_of_all_lengths_fit_into_the_own_lane(void **state)
{
    (void)state;
    uint8_t *data = malloc(70000);
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    int fd = make((shmrpci_queue_spec){
        .capacity = 1000, .item_bytes = 16, .max_item_bytes = 3000});
    shmrpci_queue *first = stage_open_queue(fd);
    shmrpci_queue *second = stage_open_queue(fd);
    uint64_t pushed = 0;
    uint64_t sum = 0;
    uint64_t left = 0;
    for (int round = 0; round < 200; round++) {
        uint32_t most = shmrpci_queue_max_len(first);
        shmrpc_status status = SHMRPC_OK;
        while (status == SHMRPC_OK) {
            uint32_t len = stage_length(pushed, most);
            stage_fill(data, len, pushed);
            status = shmrpci_queue_push(round % 2 == 0 ? first : second, data,
                                        len, 0, NULL);
            sum += status == SHMRPC_OK ? pushed : 0;
            pushed += status == SHMRPC_OK ? 1 : 0;
        }
        assert_int_equal(status, SHMRPC_E_BUSY);
        uint32_t taken = 0;
        for (;;) {
            shmrpci_item item;
            uint32_t count;
            uint64_t number;
            shmrpci_buf_reset(&buf);
            status = shmrpci_queue_pop(second, 1, 0, &buf, &item, &count, NULL);
            if (status != SHMRPC_OK) {
                break;
            }
            assert_true(stage_is_whole(buf.data + item.at, item.len, &number));
            if (++taken % 3 != 0 && taken < 1000) {
                sum -= number;
                assert_int_equal(shmrpci_queue_ack(second, item.ticket),
                                 SHMRPC_OK);
            } else if (taken % 2 == 0 && taken < 1000) {
                assert_int_equal(shmrpci_queue_release(second, item.ticket),
                                 SHMRPC_OK);
            }
        }
        assert_true(status == SHMRPC_E_BUSY || status == SHMRPC_E_EXHAUSTED);
        /* All records that this handle holds are delivered again. */
        shmrpci_queue_close(second);
        second = stage_open_queue(fd);
    }
    shmrpci_queue_stat stat;
    shmrpci_queue_get_stat(first, &stat);
    for (uint64_t i = 0; i < stat.depth; i++) {
        shmrpci_item item;
        uint32_t count;
        uint64_t number;
        shmrpci_buf_reset(&buf);
        assert_int_equal(
            shmrpci_queue_pop(first, 1, 0, &buf, &item, &count, NULL),
            SHMRPC_OK);
        assert_true(stage_is_whole(buf.data + item.at, item.len, &number));
        assert_int_equal(shmrpci_queue_ack(first, item.ticket), SHMRPC_OK);
        left += number;
    }
    assert_int_equal(left, sum);
    shmrpci_queue_close(first);
    shmrpci_queue_close(second);
    shmrpci_buf_fini(&buf);
    free(data);
    stage_check_queue(fd);
    shmrpci_fd_close(&fd);
}

static void an_ended_queue_waits_for_what_is_held(void **state)
{
    (void)state;
    uint64_t none;
    int fd = make((shmrpci_queue_spec){.capacity = 8});
    shmrpci_queue *first = stage_open_queue(fd);
    shmrpci_queue *second = stage_open_queue(fd);
    assert_int_equal(stage_push(first, 1), SHMRPC_OK);
    assert_int_equal(shmrpci_queue_end(first), SHMRPC_OK);
    uint64_t ticket = take(first, 1, 0);
    assert_int_equal(stage_try_pop(second, &none), SHMRPC_E_BUSY);
    assert_int_equal(shmrpci_queue_ack(first, ticket), SHMRPC_OK);
    assert_int_equal(stage_try_pop(second, &none), SHMRPC_E_CANCELLED);
    shmrpci_queue_close(first);
    shmrpci_queue_close(second);
    shmrpci_fd_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_acknowledged_does_not_come_again),
        cmocka_unit_test(what_a_dead_reader_held_comes_again),
        cmocka_unit_test(who_sleeps_gets_what_a_dead_reader_held),
        cmocka_unit_test(holds_of_all_lengths_fit_into_the_own_lane),
        cmocka_unit_test(an_ended_queue_waits_for_what_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
