/* Tests what queues and topics over NATS promise, with a server that
 * with_server.py has started (its address is in TEST_NATS). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/process.h"
#include "os/thread.h"
#include "shmrpc/any.h"
#include "shmrpc/queue.h"
#include "shmrpc/topic.h"
#include "sync/atomic.h"

#define PATIENCE_NS (120 * SHMRPCI_NS_PER_S)

static const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};
static const shmrpc_opts at_once = {.flags = SHMRPC_OPT_NONBLOCK};

/* Returns an address that no other test uses. */
static const char *place(const char *options)
{
    static char text[160];
    static unsigned number;
    (void)snprintf(text, sizeof text, "%s/test.o%u%s", getenv("TEST_NATS"),
                   ++number, options);
    return text;
}

static void expect(int status, int expected, const shmrpc_error *error)
{
    if (status != expected) {
        fail_msg("status %d, expected %d: %s", status, expected,
                 status != SHMRPC_OK && error != NULL ? error->message : "");
    }
}

/* ---- queues -------------------------------------------------------------- */

static shmrpc_queue *open_queue(const char *address,
                                const shmrpc_queue_opts *opts)
{
    shmrpc_queue *queue = NULL;
    shmrpc_error error;
    expect(shmrpc_queue_open(address, opts, &queue, &error), SHMRPC_OK, &error);
    return queue;
}

static void push(shmrpc_queue *queue, int64_t number)
{
    shmrpc_any item = shmrpc_any_i64(number);
    shmrpc_error error;
    expect(shmrpc_queue_push(queue, &item, &patient, &error), SHMRPC_OK,
           &error);
}

static const shmrpc_any *pop(shmrpc_queue *queue, int64_t expected)
{
    const shmrpc_any *item = NULL;
    shmrpc_error error;
    expect(shmrpc_queue_pop(queue, &patient, &item, &error), SHMRPC_OK, &error);
    assert_int_equal(item->u.i64, expected);
    return item;
}

static void expect_empty(shmrpc_queue *queue)
{
    const shmrpc_any *item = NULL;
    shmrpc_error error;
    expect(shmrpc_queue_pop(queue, &at_once, &item, &error), SHMRPC_E_BUSY,
           &error);
}

static void items_come_in_order_each_to_one_reader(void **state)
{
    (void)state;
    const char *at = place("?storage=memory");
    shmrpc_queue *writer = open_queue(at, NULL);
    shmrpc_queue *reader = open_queue(at, NULL);
    shmrpc_queue *other = open_queue(at, NULL);
    for (int64_t i = 0; i < 20; i++) {
        push(writer, i);
    }
    for (int64_t i = 0; i < 20; i++) {
        shmrpc_queue *from = i % 2 == 0 ? reader : other;
        const shmrpc_any *item = pop(from, i);
        assert_false(shmrpc_queue_is_redelivered(item));
        shmrpc_queue_release(from, item);
    }
    expect_empty(reader);
    shmrpc_queue_close(writer);
    shmrpc_queue_close(reader);
    shmrpc_queue_close(other);
}

static void what_is_released_without_ack_comes_again(void **state)
{
    (void)state;
    shmrpc_queue_opts opts = {.flags = SHMRPC_SHARED_ACKED};
    const char *at = place("?storage=memory");
    shmrpc_queue *queue = open_queue(at, &opts);
    shmrpc_queue *second = open_queue(at, NULL); /* learns that it is ACKED */
    push(queue, 1);
    shmrpc_queue_release(queue, pop(queue, 1));
    const shmrpc_any *again = pop(second, 1);
    assert_true(shmrpc_queue_is_redelivered(again));
    assert_int_equal(shmrpc_queue_ack(second, again), SHMRPC_OK);
    expect_empty(queue);
    shmrpc_queue_close(queue);
    shmrpc_queue_close(second);
}

static void an_item_of_a_closed_reader_comes_again(void **state)
{
    (void)state;
    const char *at = place("?storage=memory");
    shmrpc_queue *gone = open_queue(at, NULL);
    shmrpc_queue *queue = open_queue(at, NULL);
    push(queue, 7);
    const shmrpc_any *mine = pop(gone, 7);
    shmrpc_queue_close(gone);
    const shmrpc_any *item = pop(queue, 7);
    assert_true(shmrpc_queue_is_redelivered(item));
    shmrpc_queue_release(queue, item);
    shmrpc_queue_release(NULL, mine); /* frees only its memory, as its queue is
                                       * closed */
    shmrpc_queue_close(queue);
}

/* Without a sign of life the server would redeliver the item after four
 * seconds. */
static void an_item_in_work_stays_with_its_reader(void **state)
{
    (void)state;
    const shmrpc_opts for_six_s = {.timeout_ns = 6 * SHMRPCI_NS_PER_S};
    const char *at = place("?storage=memory&ack_wait=4");
    shmrpc_queue *reader = open_queue(at, NULL);
    shmrpc_queue *other = open_queue(at, NULL);
    const shmrpc_any *item = NULL;
    shmrpc_error error;
    push(reader, 3);
    const shmrpc_any *mine = pop(reader, 3);
    expect(shmrpc_queue_pop(other, &for_six_s, &item, &error),
           SHMRPC_E_DEADLINE, &error);
    shmrpc_queue_release(reader, mine);
    shmrpc_queue_close(reader);
    shmrpc_queue_close(other);
}

static void a_full_queue_does_what_it_was_told(void **state)
{
    (void)state;
    static const struct {
        shmrpc_overflow overflow;
        int status;
        int64_t first; /* the first item that is left */
    } cases[] = {{SHMRPC_OVERFLOW_BLOCK, SHMRPC_E_DEADLINE, 0},
                 {SHMRPC_OVERFLOW_FAIL, SHMRPC_E_BUSY, 0},
                 {SHMRPC_OVERFLOW_DROP_NEWEST, SHMRPC_OK, 0},
                 {SHMRPC_OVERFLOW_DROP_OLDEST, SHMRPC_OK, 1}};
    const shmrpc_opts soon = {.timeout_ns = SHMRPCI_NS_PER_S / 2};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shmrpc_queue_opts opts = {.capacity = 3, .overflow = cases[i].overflow};
        shmrpc_queue *queue = open_queue(place("?storage=memory"), &opts);
        shmrpc_any more = shmrpc_any_i64(3);
        shmrpc_error error;
        for (int64_t k = 0; k < 3; k++) {
            push(queue, k);
        }
        int status = shmrpc_queue_push(queue, &more, &soon, &error);
        /* A slow server may not report within the timeout that the queue is
         * full. */
        assert_true(
            status == cases[i].status ||
            (status == SHMRPC_E_DEADLINE && cases[i].status == SHMRPC_E_BUSY));
        shmrpc_queue_release(queue, pop(queue, cases[i].first));
        shmrpc_queue_close(queue);
    }
}

static void an_ended_queue_is_emptied_then_cancelled(void **state)
{
    (void)state;
    const char *at = place("");
    shmrpc_queue *queue = open_queue(at, NULL);
    shmrpc_queue *other = open_queue(at, NULL);
    shmrpc_any more = shmrpc_any_i64(2);
    shmrpc_queue_stat stat;
    const shmrpc_any *item;
    shmrpc_error error;
    push(queue, 1);
    assert_int_equal(shmrpc_queue_end(other), SHMRPC_OK);
    expect(shmrpc_queue_push(queue, &more, &patient, &error),
           SHMRPC_E_CANCELLED, &error);
    assert_int_equal(shmrpc_queue_stat_read(queue, &stat), SHMRPC_OK);
    assert_true(stat.is_ended);
    assert_int_equal(stat.item_count, 1);
    shmrpc_queue_release(queue, pop(queue, 1));
    expect(shmrpc_queue_pop(queue, &patient, &item, &error), SHMRPC_E_CANCELLED,
           &error);
    assert_int_equal(shmrpc_queue_destroy(other), SHMRPC_OK);
    expect(shmrpc_queue_pop(queue, &patient, &item, &error), SHMRPC_E_DESTROYED,
           &error);
    shmrpc_queue_close(queue);
    shmrpc_queue_close(other);
}

static void modes_and_types_are_compared(void **state)
{
    (void)state;
    const char *at = place("?storage=memory");
    shmrpc_queue *queue = NULL;
    shmrpc_error error;
    shmrpc_queue_opts existing = {
        .shared = {.mode = SHMRPC_SHARED_OPEN_EXISTING}};
    shmrpc_queue_opts fresh = {.shared = {.mode = SHMRPC_SHARED_CREATE}};
    shmrpc_queue_opts json = {.encoding = SHMRPC_ENCODING_JSON};
    shmrpc_queue_opts closing = {
        .shared = {.lifetime = SHMRPC_LIFETIME_LAST_CLOSE}};
    expect(shmrpc_queue_open(at, &closing, &queue, &error), SHMRPC_E_INVALID,
           &error);
    expect(shmrpc_queue_open(at, &existing, &queue, &error), SHMRPC_E_NOT_FOUND,
           &error);
    queue = open_queue(at, &fresh);
    shmrpc_queue *other = NULL;
    expect(shmrpc_queue_open(at, &fresh, &other, &error), SHMRPC_E_EXISTS,
           &error);
    expect(shmrpc_queue_open(at, &json, &other, &error), SHMRPC_E_CONTRACT,
           &error);
    other = open_queue(at, &existing);
    shmrpc_queue_close(other);
    shmrpc_queue_close(queue);
}

typedef struct creator {
    shmrpci_thread thread;
    const char *address;
    shmrpc_queue *queue;
    int status;
    shmrpc_error error;
} creator;

static void create_it(void *user)
{
    creator *me = user;
    shmrpc_queue_opts fresh = {.shared = {.mode = SHMRPC_SHARED_CREATE}};
    me->status = shmrpc_queue_open(me->address, &fresh, &me->queue, &me->error);
}

static void of_many_that_create_at_once_one_does(void **state)
{
    (void)state;
    enum { CREATORS = 6 };
    for (int round = 0; round < 5; round++) {
        creator all[CREATORS] = {{.status = 0}};
        const char *at = place("?storage=memory");
        int done = 0;
        for (int i = 0; i < CREATORS; i++) {
            all[i].address = at;
            assert_int_equal(shmrpci_thread_create(&all[i].thread, "creator",
                                                   create_it, &all[i]),
                             SHMRPC_OK);
        }
        for (int i = 0; i < CREATORS; i++) {
            shmrpci_thread_join(&all[i].thread);
            if (all[i].status == SHMRPC_OK) {
                done++;
            } else {
                expect(all[i].status, SHMRPC_E_EXISTS, &all[i].error);
            }
            shmrpc_queue_close(all[i].queue);
        }
        assert_int_equal(done, 1);
    }
}

/* Two threads pop from one handle, and there is one item for each. */
typedef struct pair {
    shmrpc_queue *queue;
    shmrpci_thread threads[2];
    shmrpci_atomic_u32 popped;
} pair;

enum { PAIRS = 8 };

static void nap(int64_t ns)
{
    const struct timespec time = {.tv_sec = ns / SHMRPCI_NS_PER_S,
                                  .tv_nsec = ns % SHMRPCI_NS_PER_S};
    (void)nanosleep(&time, NULL);
}

/* Tries for less than three seconds to pop one item: after that time a lost
 * pull is repeated, which would hide the fault that the test looks for. */
static void pop_one(void *user)
{
    pair *mine = user;
    const shmrpc_opts soon = {.timeout_ns = 29 * SHMRPCI_NS_PER_S / 10};
    const shmrpc_any *item;
    if (shmrpc_queue_pop(mine->queue, &soon, &item, NULL) == SHMRPC_OK) {
        (void)shmrpci_add_relaxed(&mine->popped, 1);
        shmrpc_queue_release(mine->queue, item);
    }
}

/* Thread B may take the item that arrived for the pull of thread A. Then A goes
 * on waiting and takes over the pull of B, which ends after a second. The
 * second item is pushed after that, and A must get it. */
static void threads_of_one_handle_do_not_starve_each_other(void **state)
{
    (void)state;
    pair pairs[PAIRS] = {{.queue = NULL}};
    for (int i = 0; i < PAIRS; i++) {
        pairs[i].queue = open_queue(place("?storage=memory"), NULL);
    }
    for (int i = 0; i < 2 * PAIRS; i++) {
        assert_int_equal(shmrpci_thread_create(&pairs[i / 2].threads[i % 2],
                                               "popper", pop_one,
                                               &pairs[i / 2]),
                         SHMRPC_OK);
    }
    nap(SHMRPCI_NS_PER_S / 10);
    for (int i = 0; i < PAIRS; i++) {
        push(pairs[i].queue, 1);
    }
    nap(11 * SHMRPCI_NS_PER_S / 10);
    for (int i = 0; i < PAIRS; i++) {
        push(pairs[i].queue, 2);
    }
    for (int i = 0; i < PAIRS; i++) {
        shmrpci_thread_join(&pairs[i].threads[0]);
        shmrpci_thread_join(&pairs[i].threads[1]);
        assert_int_equal(shmrpci_load_relaxed(&pairs[i].popped), 2);
        shmrpc_queue_close(pairs[i].queue);
    }
}

static void what_does_not_exist_says_so(void **state)
{
    (void)state;
    shmrpc_queue *queue = open_queue(place("?storage=memory"), NULL);
    const shmrpc_any *item;
    shmrpc_error error;
    expect(shmrpc_queue_peek(queue, &item, &error), SHMRPC_E_UNIMPLEMENTED,
           &error);
    assert_int_equal(shmrpc_queue_fd(queue), SHMRPC_E_UNIMPLEMENTED);
    shmrpc_queue_close(queue);
}

static void a_forked_child_has_no_connection(void **state)
{
    (void)state;
    shmrpc_queue *queue = open_queue(place("?storage=memory"), NULL);
    int status;
    pid_t child = fork();
    if (child == 0) {
        shmrpc_any item = shmrpc_any_i64(1);
        int got = shmrpc_queue_push(queue, &item, NULL, NULL);
        shmrpc_queue_close(queue);
        _exit(got == SHMRPC_E_FORKED ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    push(queue, 5); /* the parent's connection still works */
    shmrpc_queue_release(queue, pop(queue, 5));
    shmrpc_queue_close(queue);
}

/* ---- topics -------------------------------------------------------------- */

static shmrpc_topic *open_topic(const char *address, uint64_t history)
{
    shmrpc_topic_opts opts = {.history = history};
    shmrpc_topic *topic = NULL;
    shmrpc_error error;
    expect(shmrpc_topic_open(address, &opts, &topic, &error), SHMRPC_OK,
           &error);
    return topic;
}

static shmrpc_sub *subscribe(shmrpc_topic *topic)
{
    shmrpc_sub *sub = NULL;
    shmrpc_error error;
    expect(shmrpc_topic_subscribe(topic, &sub, &error), SHMRPC_OK, &error);
    return sub;
}

static void publish(shmrpc_topic *topic, int64_t number)
{
    shmrpc_any message = shmrpc_any_i64(number);
    shmrpc_error error;
    expect(shmrpc_topic_publish(topic, &message, &patient, &error), SHMRPC_OK,
           &error);
}

static void expect_next(shmrpc_sub *sub, int64_t expected)
{
    const shmrpc_any *message = NULL;
    shmrpc_error error;
    expect(shmrpc_sub_next(sub, &message, &patient, &error), SHMRPC_OK, &error);
    assert_int_equal(message->u.i64, expected);
}

static void each_subscriber_gets_each_message(void **state)
{
    (void)state;
    static const uint64_t histories[] = {0, 4};
    for (size_t h = 0; h < 2; h++) {
        const char *at = place("");
        shmrpc_topic *topic = open_topic(at, histories[h]);
        shmrpc_topic *other = open_topic(at, histories[h]);
        shmrpc_sub *one = subscribe(topic);
        shmrpc_sub *two = subscribe(other);
        for (int64_t i = 0; i < 200; i++) {
            publish(topic, i);
        }
        for (int64_t i = 0; i < 200; i++) {
            expect_next(one, i);
            expect_next(two, i);
        }
        const shmrpc_any *message;
        shmrpc_error error;
        expect(shmrpc_sub_next(one, &message, &at_once, &error), SHMRPC_E_BUSY,
               &error);
        shmrpc_sub_close(one);
        shmrpc_sub_close(two);
        shmrpc_topic_close(topic);
        shmrpc_topic_close(other);
    }
}

static void a_late_subscriber_gets_the_history(void **state)
{
    (void)state;
    const char *at = place("");
    shmrpc_topic *topic = open_topic(at, 3);
    for (int64_t i = 0; i < 10; i++) {
        publish(topic, i);
    }
    shmrpc_topic *late = open_topic(at, 0); /* learns the length of the history
                                             * from the stream */
    shmrpc_sub *sub = subscribe(late);
    for (int64_t i = 7; i < 10; i++) {
        expect_next(sub, i);
    }
    publish(late, 10);
    expect_next(sub, 10);
    assert_int_equal(shmrpc_topic_destroy(topic), SHMRPC_OK);
    const shmrpc_any *message;
    shmrpc_error error;
    expect(shmrpc_sub_next(sub, &message, &patient, &error), SHMRPC_E_DESTROYED,
           &error);
    shmrpc_sub_close(sub);
    shmrpc_topic_close(topic);
    shmrpc_topic_close(late);
}

/* Reads until `last`, in order, and returns how many were lost. */
static uint64_t read_to(shmrpc_sub *sub, int64_t last)
{
    int64_t before = -1;
    uint64_t lost = 0;
    while (before < last) {
        const shmrpc_any *message;
        shmrpc_error error;
        int status = shmrpc_sub_next(sub, &message, &patient, &error);
        if (status == SHMRPC_E_LOST) {
            uint64_t now = shmrpc_sub_lost(sub);
            assert_true(now > lost);
            before += (int64_t)(now - lost);
            lost = now;
        } else {
            expect(status, SHMRPC_OK, &error);
            assert_int_equal(message->u.i64, before + 1);
            before++;
        }
    }
    return lost;
}

/* Each message is either read, or counted as lost at the point where it is
 * missing. Once another subscriber has read the last message, all messages have
 * also reached the slow subscriber. */
static void a_slow_subscriber_learns_what_it_has_lost(void **state)
{
    (void)state;
    static const struct {
        uint64_t history;
        int64_t count; /* more messages than are kept for the slow one */
    } cases[] = {{0, 1400}, {1, 400}};
    for (size_t c = 0; c < 2; c++) {
        const char *at = place("");
        int64_t last = cases[c].count - 1;
        shmrpc_topic *topic = open_topic(at, cases[c].history);
        shmrpc_sub *slow = subscribe(topic);
        shmrpc_sub *quick = subscribe(topic);
        for (int64_t i = 0; i <= last; i++) {
            publish(topic, i);
            if (i % 100 == 99) {
                for (int64_t k = i - 99; k <= i; k++) {
                    expect_next(quick, k);
                }
            }
        }
        assert_true(read_to(slow, last) > 0);
        shmrpc_sub_close(slow);
        shmrpc_sub_close(quick);
        shmrpc_topic_close(topic);
    }
}

static void no_publisher_waits_for_another_machine(void **state)
{
    (void)state;
    static const shmrpc_overflow rules[] = {SHMRPC_OVERFLOW_BLOCK,
                                            SHMRPC_OVERFLOW_DROP_NEWEST};
    for (size_t i = 0; i < 2; i++) {
        shmrpc_topic_opts opts = {.overflow = rules[i]};
        shmrpc_topic *topic = NULL;
        shmrpc_error error;
        expect(shmrpc_topic_open(place(""), &opts, &topic, &error),
               SHMRPC_E_INVALID, &error);
        assert_non_null(strstr(error.message, "a publisher can't wait"));
    }
}

static void another_encoding_is_told(void **state)
{
    (void)state;
    const char *at = place("");
    shmrpc_topic_opts json = {.encoding = SHMRPC_ENCODING_JSON};
    shmrpc_topic *topic = open_topic(at, 0);
    shmrpc_topic *other = NULL;
    const shmrpc_any *message;
    shmrpc_error error;
    expect(shmrpc_topic_open(at, &json, &other, &error), SHMRPC_OK, &error);
    shmrpc_sub *sub = subscribe(topic);
    publish(other, 1);
    expect(shmrpc_sub_next(sub, &message, &patient, &error), SHMRPC_E_CONTRACT,
           &error);
    publish(topic, 2);
    expect_next(sub, 2);
    shmrpc_sub_close(sub);
    shmrpc_topic_close(topic);
    shmrpc_topic_close(other);
}

static void nobody_there_is_unavailable(void **state)
{
    (void)state;
    shmrpc_topic *topic = NULL;
    shmrpc_error error;
    expect(shmrpc_topic_open("nats://127.0.0.1:1/x", NULL, &topic, &error),
           SHMRPC_E_UNAVAILABLE, &error);
    expect(shmrpc_topic_open("nats://127.0.0.1:1", NULL, &topic, &error),
           SHMRPC_E_INVALID, &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_in_order_each_to_one_reader),
        cmocka_unit_test(what_is_released_without_ack_comes_again),
        cmocka_unit_test(an_item_of_a_closed_reader_comes_again),
        cmocka_unit_test(an_item_in_work_stays_with_its_reader),
        cmocka_unit_test(a_full_queue_does_what_it_was_told),
        cmocka_unit_test(an_ended_queue_is_emptied_then_cancelled),
        cmocka_unit_test(modes_and_types_are_compared),
        cmocka_unit_test(of_many_that_create_at_once_one_does),
        cmocka_unit_test(threads_of_one_handle_do_not_starve_each_other),
        cmocka_unit_test(what_does_not_exist_says_so),
        cmocka_unit_test(a_forked_child_has_no_connection),
        cmocka_unit_test(each_subscriber_gets_each_message),
        cmocka_unit_test(a_late_subscriber_gets_the_history),
        cmocka_unit_test(a_slow_subscriber_learns_what_it_has_lost),
        cmocka_unit_test(no_publisher_waits_for_another_machine),
        cmocka_unit_test(another_encoding_is_told),
        cmocka_unit_test(nobody_there_is_unavailable),
    };
    if (getenv("TEST_NATS") == NULL) {
        (void)fprintf(stderr, "run it by with_server.py\n");
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
