/* Queues: order, overflow, waiting, ending, statistics. */
#include "stage.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/memory.h"
#include "os/thread.h"

static int make(shmrpci_queue_spec spec)
{
    return stage_make_queue(&spec);
}

static void close_all(int fd, shmrpci_queue *first, shmrpci_queue *second)
{
    shmrpci_queue_close(first);
    shmrpci_queue_close(second);
    stage_check_queue(fd);
    shmrpci_fd_close(&fd);
}

static void each_record_goes_to_one_reader(void **state)
{
    (void)state;
    int fd = make((shmrpci_queue_spec){.capacity = 8});
    shmrpci_queue *first = stage_open_queue(fd);
    shmrpci_queue *second = stage_open_queue(fd);
    for (uint64_t i = 0; i < 100; i += 2) {
        assert_int_equal(stage_push(first, i), SHMRPC_OK);
        assert_int_equal(stage_push(first, i + 1), SHMRPC_OK);
        assert_int_equal(stage_pop(second), i);
        assert_int_equal(stage_pop(first), i + 1);
        uint64_t none;
        assert_int_equal(stage_try_pop(second, &none), SHMRPC_E_BUSY);
    }
    close_all(fd, first, second);
}

static void lanes_are_looked_at_in_turn(void **state)
{
    (void)state;
    int fd = make((shmrpci_queue_spec){.capacity = 8});
    shmrpci_queue *first = stage_open_queue(fd);
    shmrpci_queue *second = stage_open_queue(fd);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(stage_push(first, i), SHMRPC_OK);
        assert_int_equal(stage_push(second, 100 + i), SHMRPC_OK);
    }
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(stage_pop(first), i);
        assert_int_equal(stage_pop(first), 100 + i);
    }
    close_all(fd, first, second);
}

static void order_total_is_that_of_all_producers(void **state)
{
    (void)state;
    int fd = make((shmrpci_queue_spec){.capacity = 8, .is_total = true});
    shmrpci_queue *first = stage_open_queue(fd);
    shmrpci_queue *second = stage_open_queue(fd);
    for (uint64_t i = 0; i < 4000; i += 4) {
        assert_int_equal(stage_push(first, i), SHMRPC_OK);
        assert_int_equal(stage_push(first, i + 1), SHMRPC_OK);
        assert_int_equal(stage_push(second, i + 2), SHMRPC_OK);
        assert_int_equal(stage_push(first, i + 3), SHMRPC_OK);
        for (uint64_t j = 0; j < 4; j++) {
            assert_int_equal(stage_pop(second), i + j);
        }
    }
    /* The lanes share the capacity. */
    for (uint64_t i = 0; i < 8; i++) {
        assert_int_equal(stage_push(i % 2 == 0 ? first : second, i), SHMRPC_OK);
    }
    assert_int_equal(stage_push(first, 8), SHMRPC_E_BUSY);
    assert_int_equal(stage_push(second, 8), SHMRPC_E_BUSY);
    close_all(fd, first, second);
}

/* Pushes five records into a queue of three. */
static shmrpci_queue *overflow(int fd, shmrpc_status fourth)
{
    shmrpci_queue *queue = stage_open_queue(fd);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(stage_push(queue, i), SHMRPC_OK);
    }
    assert_int_equal(stage_push(queue, 3), fourth);
    assert_int_equal(stage_push(queue, 4), fourth);
    return queue;
}

static void expect_then_empty(shmrpci_queue *queue, uint64_t first,
                              uint64_t dropped)
{
    shmrpci_queue_stat stat;
    uint64_t none;
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(stage_pop(queue), first + i);
    }
    assert_int_equal(stage_try_pop(queue, &none), SHMRPC_E_BUSY);
    shmrpci_queue_get_stat(queue, &stat);
    assert_int_equal(stat.dropped, dropped);
    assert_int_equal(stat.popped, 3);
    assert_int_equal(stat.depth, 0);
}

static void overflow_is_as_was_asked_for(void **state)
{
    (void)state;
    static const struct {
        shmrpci_overflow overflow;
        shmrpc_status fourth;
        uint64_t first;
        uint64_t dropped;
    } cases[] = {
        {SHMRPCI_OVERFLOW_BLOCK, SHMRPC_E_BUSY, 0, 0},
        {SHMRPCI_OVERFLOW_FAIL, SHMRPC_E_BUSY, 0, 0},
        {SHMRPCI_OVERFLOW_DROP_OLDEST, SHMRPC_OK, 2, 2},
        {SHMRPCI_OVERFLOW_DROP_NEWEST, SHMRPC_OK, 0, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = make((shmrpci_queue_spec){.capacity = 3,
                                           .overflow = cases[i].overflow,
                                           .is_total = i % 2 == 0});
        shmrpci_queue *queue = overflow(fd, cases[i].fourth);
        expect_then_empty(queue, cases[i].first, cases[i].dropped);
        close_all(fd, queue, NULL);
    }
}

/* A long record needs the room of more than ten thousand short ones. */
static void a_long_record_drops_as_many_as_it_needs(void **state)
{
    (void)state;
    enum { SHORT = 8, LONG = 512 * 1024, COUNT = 1 << 20 };
    static uint8_t data[LONG];
    for (int is_total = 0; is_total < 2; is_total++) {
        int fd =
            make((shmrpci_queue_spec){.capacity = COUNT,
                                      .item_bytes = SHORT,
                                      .max_item_bytes = LONG,
                                      .participants = 2,
                                      .overflow = SHMRPCI_OVERFLOW_DROP_OLDEST,
                                      .is_total = is_total != 0});
        shmrpci_queue *queue = stage_open_queue(fd);
        shmrpci_queue_stat stat = {.dropped = 0};
        for (uint32_t i = 0; stat.dropped == 0; i++) {
            assert_true(i <= COUNT);
            assert_int_equal(shmrpci_queue_push(queue, data, SHORT, 0, NULL),
                             SHMRPC_OK);
            if (i % 1024 == 0) {
                shmrpci_queue_get_stat(queue, &stat);
            }
        }
        uint64_t before = stat.dropped;
        assert_int_equal(shmrpci_queue_push(queue, data, LONG, 0, NULL),
                         SHMRPC_OK);
        shmrpci_queue_get_stat(queue, &stat);
        assert_in_range(stat.dropped - before, LONG / (2 * SHORT) - 1, COUNT);
        close_all(fd, queue, NULL);
    }
}

static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    static uint8_t data[70000];
    shmrpc_error error;
    int fd = make((shmrpci_queue_spec){.capacity = 3, .max_item_bytes = 1000});
    shmrpci_queue *queue = stage_open_queue(fd);
    uint32_t most = shmrpci_queue_max_len(queue);
    assert_true(most >= 1000 && most < sizeof data);
    assert_int_equal(shmrpci_queue_push(queue, data, most, 0, NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_queue_push(queue, data, most + 1, 0, &error),
                     SHMRPC_E_TOO_LARGE);
    assert_non_null(strstr(error.message, "this queue takes"));
    close_all(fd, queue, NULL);
}

static void what_is_too_large_for_the_reader_stays(void **state)
{
    (void)state;
    uint8_t data[100];
    shmrpci_buf buf;
    shmrpci_item item;
    uint32_t count;
    int fd = make((shmrpci_queue_spec){.capacity = 3});
    shmrpci_queue *queue = stage_open_queue(fd);
    stage_fill(data, sizeof data, 5);
    assert_int_equal(shmrpci_queue_push(queue, data, sizeof data, 0, NULL),
                     SHMRPC_OK);
    shmrpci_buf_init_fixed(&buf, data, 99);
    assert_int_equal(shmrpci_queue_pop(queue, 1, 0, &buf, &item, &count, NULL),
                     SHMRPC_E_TOO_LARGE);
    shmrpci_buf_init_fixed(&buf, data, 100);
    assert_int_equal(shmrpci_queue_pop(queue, 1, 0, &buf, &item, &count, NULL),
                     SHMRPC_OK);
    assert_int_equal(item.len, 100);
    close_all(fd, queue, NULL);
}

static void a_reservation_is_published_or_given_up(void **state)
{
    (void)state;
    uint64_t number = 7;
    void *at;
    int fd = make((shmrpci_queue_spec){.capacity = 3});
    shmrpci_queue *queue = stage_open_queue(fd);
    assert_int_equal(shmrpci_queue_reserve(queue, 1000, 0, &at, NULL),
                     SHMRPC_OK);
    memcpy(at, &number, sizeof number);
    shmrpci_queue_publish(queue, sizeof number);
    assert_int_equal(shmrpci_queue_reserve(queue, 1000, 0, &at, NULL),
                     SHMRPC_OK);
    shmrpci_queue_give_up(queue);
    assert_int_equal(stage_push(queue, 8), SHMRPC_OK);
    assert_int_equal(stage_pop(queue), 7);
    assert_int_equal(stage_pop(queue), 8);
    close_all(fd, queue, NULL);
}

static void many_are_pushed_and_popped_at_once(void **state)
{
    (void)state;
    uint64_t numbers[40];
    shmrpci_slice slices[40];
    shmrpci_item items[64];
    shmrpci_buf buf;
    uint32_t count;
    shmrpci_buf_init_heap(&buf);
    int fd = make((shmrpci_queue_spec){.capacity = 32});
    shmrpci_queue *queue = stage_open_queue(fd);
    for (uint64_t i = 0; i < 40; i++) {
        numbers[i] = i;
        slices[i] = (shmrpci_slice){&numbers[i], sizeof numbers[i]};
    }
    assert_int_equal(
        shmrpci_queue_push_many(queue, slices, 40, 0, &count, NULL),
        SHMRPC_E_BUSY);
    assert_int_equal(count, 32);
    assert_int_equal(shmrpci_queue_pop(queue, 64, 0, &buf, items, &count, NULL),
                     SHMRPC_OK);
    assert_int_equal(count, 32);
    for (uint64_t i = 0; i < 32; i++) {
        uint64_t number;
        memcpy(&number, buf.data + items[i].at, sizeof number);
        assert_int_equal(number, i);
    }
    shmrpci_buf_fini(&buf);
    close_all(fd, queue, NULL);
}

static void peek_takes_nothing(void **state)
{
    (void)state;
    uint8_t room[64];
    shmrpci_buf buf;
    shmrpci_item item;
    int fd = make((shmrpci_queue_spec){.capacity = 32});
    shmrpci_queue *queue = stage_open_queue(fd);
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    assert_int_equal(shmrpci_queue_peek(queue, &buf, &item, NULL),
                     SHMRPC_E_BUSY);
    assert_int_equal(stage_push(queue, 77), SHMRPC_OK);
    for (int i = 0; i < 2; i++) {
        shmrpci_buf_reset(&buf);
        assert_int_equal(shmrpci_queue_peek(queue, &buf, &item, NULL),
                         SHMRPC_OK);
        assert_int_equal(room[item.at], 77);
    }
    assert_int_equal(stage_pop(queue), 77);
    assert_int_equal(shmrpci_queue_end(queue), SHMRPC_OK);
    assert_int_equal(shmrpci_queue_peek(queue, &buf, &item, NULL),
                     SHMRPC_E_CANCELLED);
    close_all(fd, queue, NULL);
}

static void an_ended_queue_is_emptied_first(void **state)
{
    (void)state;
    uint64_t none;
    int fd = make((shmrpci_queue_spec){.capacity = 32});
    shmrpci_queue *first = stage_open_queue(fd);
    shmrpci_queue *second = stage_open_queue(fd);
    assert_int_equal(stage_push(first, 1), SHMRPC_OK);
    assert_int_equal(shmrpci_queue_end(second), SHMRPC_OK);
    assert_int_equal(stage_push(first, 2), SHMRPC_E_CANCELLED);
    assert_int_equal(stage_pop(second), 1);
    assert_int_equal(stage_try_pop(second, &none), SHMRPC_E_CANCELLED);
    assert_int_equal(stage_try_pop(first, &none), SHMRPC_E_CANCELLED);
    close_all(fd, first, second);
}

/* ---- waiting ------------------------------------------------------------- */

typedef struct waiter {
    shmrpci_queue *queue;
    shmrpc_status status;
    uint64_t number;
} waiter;

static void wait_for_item(void *user)
{
    waiter *of = user;
    uint8_t room[64];
    shmrpci_buf buf;
    shmrpci_item item;
    uint32_t count;
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    of->status = shmrpci_queue_pop(of->queue, 1, stage_soon(), &buf, &item,
                                   &count, NULL);
    if (of->status == SHMRPC_OK) {
        memcpy(&of->number, room + item.at, sizeof of->number);
    }
}

static void wait_for_room(void *user)
{
    waiter *of = user;
    of->status = shmrpci_queue_push(of->queue, &of->number, sizeof of->number,
                                    stage_soon(), NULL);
}

/* Waits until that many threads sleep. */
static void until_asleep(shmrpci_queue *queue, uint32_t items, uint32_t room)
{
    shmrpci_queue_stat stat;
    int64_t deadline_ns = stage_soon();
    do {
        shmrpci_queue_get_stat(queue, &stat);
        shmrpci_thread_yield();
        assert_true(shmrpci_now_ns() < deadline_ns);
    } while (stat.waiting_for_items != items || stat.waiting_for_room != room);
}

static void who_waits_for_items_is_woken(void **state)
{
    (void)state;
    shmrpci_thread threads[3];
    waiter waiters[3];
    int fd = make((shmrpci_queue_spec){.capacity = 32});
    shmrpci_queue *queue = stage_open_queue(fd);
    for (uint64_t round = 0; round < 20; round++) {
        uint64_t sum = 0;
        for (int i = 0; i < 3; i++) {
            waiters[i] = (waiter){.queue = stage_open_queue(fd)};
            assert_int_equal(shmrpci_thread_create(&threads[i], "waiter",
                                                   wait_for_item, &waiters[i]),
                             SHMRPC_OK);
        }
        until_asleep(queue, 3, 0);
        for (uint64_t i = 0; i < 3; i++) {
            assert_int_equal(stage_push(queue, round + i), SHMRPC_OK);
        }
        for (int i = 0; i < 3; i++) {
            shmrpci_thread_join(&threads[i]);
            assert_int_equal(waiters[i].status, SHMRPC_OK);
            sum += waiters[i].number;
            shmrpci_queue_close(waiters[i].queue);
        }
        assert_int_equal(sum, 3 * round + 3);
    }
    close_all(fd, queue, NULL);
}

static void who_waits_for_room_is_woken(void **state)
{
    (void)state;
    for (int is_total = 0; is_total < 2; is_total++) {
        int fd = make(
            (shmrpci_queue_spec){.capacity = 2, .is_total = is_total != 0});
        shmrpci_queue *queue = stage_open_queue(fd);
        waiter of = {.queue = stage_open_queue(fd)};
        for (uint64_t i = 0; i < 2; i++) {
            assert_int_equal(stage_push(of.queue, i), SHMRPC_OK);
        }
        for (uint64_t i = 2; i < 20; i++) {
            shmrpci_thread thread;
            of.number = i;
            assert_int_equal(
                shmrpci_thread_create(&thread, "waiter", wait_for_room, &of),
                SHMRPC_OK);
            until_asleep(queue, 0, 1);
            assert_int_equal(stage_pop(queue), i - 2);
            shmrpci_thread_join(&thread);
            assert_int_equal(of.status, SHMRPC_OK);
        }
        close_all(fd, queue, of.queue);
    }
}

static void waits_end(void **state, bool is_end)
{
    (void)state;
    shmrpci_thread threads[2];
    int fd = make((shmrpci_queue_spec){.capacity = 1});
    shmrpci_queue *queue = stage_open_queue(fd);
    waiter reader = {.queue = stage_open_queue(fd)};
    assert_int_equal(
        shmrpci_thread_create(&threads[0], "reader", wait_for_item, &reader),
        SHMRPC_OK);
    until_asleep(queue, 1, 0);
    if (is_end) {
        assert_int_equal(shmrpci_queue_end(queue), SHMRPC_OK);
    } else {
        shmrpci_queue_destroy(queue);
    }
    shmrpci_thread_join(&threads[0]);
    assert_int_equal(reader.status,
                     is_end ? SHMRPC_E_CANCELLED : SHMRPC_E_DESTROYED);
    shmrpci_queue_close(reader.queue);
    shmrpci_queue_close(queue);
    shmrpci_fd_close(&fd);
}

static void an_end_wakes_who_waits(void **state)
{
    waits_end(state, true);
}

static void a_destruction_wakes_who_waits(void **state)
{
    waits_end(state, false);
}

static void waits_have_deadlines(void **state)
{
    (void)state;
    uint64_t number = 1;
    uint8_t room[64];
    shmrpci_buf buf;
    shmrpci_item item;
    uint32_t count;
    int fd = make((shmrpci_queue_spec){.capacity = 1});
    shmrpci_queue *queue = stage_open_queue(fd);
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    int64_t deadline_ns = shmrpci_deadline_after(2 * SHMRPCI_NS_PER_MS);
    assert_int_equal(
        shmrpci_queue_pop(queue, 1, deadline_ns, &buf, &item, &count, NULL),
        SHMRPC_E_DEADLINE);
    assert_true(shmrpci_now_ns() >= deadline_ns);
    assert_int_equal(stage_push(queue, 1), SHMRPC_OK);
    deadline_ns = shmrpci_deadline_after(2 * SHMRPCI_NS_PER_MS);
    assert_int_equal(shmrpci_queue_push(queue, &number, 8, deadline_ns, NULL),
                     SHMRPC_E_DEADLINE);
    assert_true(shmrpci_now_ns() >= deadline_ns);
    close_all(fd, queue, NULL);
}

/* ---- opening, statistics ------------------------------------------------- */

static void facts_name_who_takes_part(void **state);

static bool expect_member(void *user, const shmrpci_queue_member *member)
{
    uint32_t *next = user;
    assert_int_equal(member->number, *next);
    assert_true(member->is_alive);
    assert_true(member->pid > 0);
    assert_int_equal(member->pushed, *next == 0 ? 5 : 0);
    assert_int_equal(member->depth, *next == 0 ? 3 : 0);
    assert_int_equal(member->popped, *next == 1 ? 2 : 0);
    (*next)++;
    return true;
}

static void facts_name_who_takes_part(void **state)
{
    (void)state;
    shmrpci_queue_stat stat;
    uint32_t members = 0;
    int fd = make((shmrpci_queue_spec){.capacity = 9, .participants = 4});
    shmrpci_queue *first = stage_open_queue(fd);
    shmrpci_queue *second = stage_open_queue(fd);
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(stage_push(first, i), SHMRPC_OK);
    }
    assert_int_equal(stage_pop(second), 0);
    assert_int_equal(stage_pop(second), 1);
    shmrpci_queue_get_stat(first, &stat);
    assert_int_equal(stat.depth, 3);
    assert_int_equal(stat.pushed, 5);
    assert_int_equal(stat.popped, 2);
    assert_int_equal(stat.capacity, 9);
    assert_int_equal(stat.participants, 2);
    assert_int_equal(stat.lanes, 1);
    shmrpci_queue_each_member(first, expect_member, &members);
    assert_int_equal(members, 2);
    close_all(fd, first, second);
}

static void what_is_no_queue_is_refused(void **state)
{
    (void)state;
    shmrpci_queue *queue;
    shmrpc_error error;
    shmrpci_region_spec spec = {.max_bytes = 1 << 20, .participants = 2};
    int fd = stage_make(&spec);
    assert_int_equal(shmrpci_queue_open(stage_open_again(fd),
                                        SHMRPC_PROFILE_BALANCED, &queue,
                                        &error),
                     SHMRPC_E_CONTRACT);
    shmrpci_fd_close(&fd);
    spec.kind = 0x5155;
    fd = stage_make(&spec);
    assert_int_equal(shmrpci_queue_open(stage_open_again(fd),
                                        SHMRPC_PROFILE_BALANCED, &queue,
                                        &error),
                     SHMRPC_E_DATA_LOSS);
    shmrpci_fd_close(&fd);
}

static void more_producers_than_memory_are_exhausted(void **state)
{
    (void)state;
    shmrpc_error error;
    uint64_t number = 0;
    int fd = make((shmrpci_queue_spec){.capacity = 100,
                                       .max_item_bytes = 1000,
                                       .max_bytes = 100000,
                                       .participants = 8});
    shmrpci_queue *queues[8];
    shmrpc_status status = SHMRPC_OK;
    uint32_t made = 0;
    for (uint32_t i = 0; i < 8; i++) {
        queues[i] = stage_open_queue(fd);
        status = shmrpci_queue_push(queues[i], &number, 8, 0, &error);
        made += status == SHMRPC_OK ? 1 : 0;
    }
    assert_true(made >= 2 && made < 8);
    assert_int_equal(status, SHMRPC_E_EXHAUSTED);
    assert_non_null(strstr(error.message, "are free"));
    for (uint32_t i = 0; i < made; i++) {
        assert_int_equal(stage_pop(queues[7]), 0);
    }
    for (uint32_t i = 0; i < 8; i++) {
        shmrpci_queue_close(queues[i]);
    }
    close_all(fd, NULL, NULL);
}

static void a_forked_child_opens_it_anew(void **state)
{
    (void)state;
    int fd = make((shmrpci_queue_spec){.capacity = 3});
    shmrpci_queue *queue = stage_open_queue(fd);
    assert_int_equal(stage_push(queue, 1), SHMRPC_OK);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        uint64_t number;
        shmrpci_queue_stat stat;
        bool good = stage_push(queue, 2) == SHMRPC_E_FORKED &&
                    stage_try_pop(queue, &number) == SHMRPC_E_FORKED;
        shmrpci_queue_get_stat(queue, &stat);
        shmrpci_queue_close(queue);
        queue = stage_open_queue(fd);
        good = good && stat.pushed == 0 && stage_push(queue, 3) == SHMRPC_OK;
        shmrpci_queue_close(queue);
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(stage_pop(queue), 1);
    assert_int_equal(stage_pop(queue), 3);
    close_all(fd, queue, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_record_goes_to_one_reader),
        cmocka_unit_test(lanes_are_looked_at_in_turn),
        cmocka_unit_test(order_total_is_that_of_all_producers),
        cmocka_unit_test(overflow_is_as_was_asked_for),
        cmocka_unit_test(a_long_record_drops_as_many_as_it_needs),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(what_is_too_large_for_the_reader_stays),
        cmocka_unit_test(a_reservation_is_published_or_given_up),
        cmocka_unit_test(many_are_pushed_and_popped_at_once),
        cmocka_unit_test(peek_takes_nothing),
        cmocka_unit_test(an_ended_queue_is_emptied_first),
        cmocka_unit_test(who_waits_for_items_is_woken),
        cmocka_unit_test(who_waits_for_room_is_woken),
        cmocka_unit_test(an_end_wakes_who_waits),
        cmocka_unit_test(a_destruction_wakes_who_waits),
        cmocka_unit_test(waits_have_deadlines),
        cmocka_unit_test(facts_name_who_takes_part),
        cmocka_unit_test(a_forked_child_opens_it_anew),
        cmocka_unit_test(what_is_no_queue_is_refused),
        cmocka_unit_test(more_producers_than_memory_are_exhausted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
