/* Topics: history, lapped subscribers, publishers that wait or drop, read-only
 * subscribers. */
#include "stage.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/memory.h"
#include "os/thread.h"
#include "ring/topic.h"

typedef struct scene {
    int fd;
    int desk_fd;
    shmrpci_topic *topic;
} scene;

static shmrpci_topic *open_topic(const scene *of, bool is_reader)
{
    shmrpci_topic *topic = NULL;
    shmrpc_error error;
    int fd =
        is_reader ? stage_open_again_to_read(of->fd) : stage_open_again(of->fd);
    int desk_fd = of->desk_fd >= 0 ? stage_open_again(of->desk_fd) : -1;
    shmrpc_status status = shmrpci_topic_open(
        fd, desk_fd, is_reader ? SHMRPCI_ACCESS_READ : SHMRPCI_ACCESS_WRITE,
        SHMRPC_PROFILE_BALANCED, &topic, &error);
    if (status != SHMRPC_OK) {
        fail_msg("%s: %s", error.name, error.message);
    }
    return topic;
}

static scene begin(shmrpci_topic_spec spec)
{
    shmrpci_region_spec region;
    scene of = {.desk_fd = -1};
    spec.item_bytes = spec.item_bytes != 0 ? spec.item_bytes : 8;
    spec.max_item_bytes = spec.max_item_bytes != 0 ? spec.max_item_bytes : 512;
    assert_int_equal(shmrpci_topic_plan(&spec, &region, NULL), SHMRPC_OK);
    of.fd = stage_make(&region);
    if (spec.is_desk_apart) {
        assert_int_equal(
            shmrpci_memory_create_sparse(
                "desk", shmrpci_topic_desk_bytes(&spec), &of.desk_fd),
            SHMRPC_OK);
    }
    of.topic = open_topic(&of, false);
    return of;
}

static void end(scene *of)
{
    assert_int_equal(shmrpci_topic_check(of->topic, NULL, NULL), 0);
    shmrpci_topic_close(of->topic);
    shmrpci_fd_close(&of->fd);
    shmrpci_fd_close(&of->desk_fd);
}

static shmrpci_subscription *subscribe(shmrpci_topic *topic)
{
    shmrpci_subscription *of = NULL;
    assert_int_equal(shmrpci_topic_subscribe(topic, &of, NULL), SHMRPC_OK);
    return of;
}

static shmrpc_status publish(shmrpci_topic *topic, uint64_t number)
{
    return shmrpci_topic_publish(topic, &number, sizeof number, 0, NULL);
}

/* Reads the next number; `lost` receives the number of lost messages. */
static shmrpc_status next_until(shmrpci_subscription *of, int64_t deadline_ns,
                                uint64_t *number, uint64_t *lost)
{
    _Alignas(16) uint8_t room[1024];
    shmrpci_buf buf;
    shmrpci_item item;
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    shmrpc_status status =
        shmrpci_topic_next(of, deadline_ns, &buf, &item, lost, NULL);
    if (status == SHMRPC_OK) {
        assert_true(stage_is_whole(room + item.at, item.len, number));
    } else {
        assert_int_equal(buf.len, 0);
    }
    return status;
}

static shmrpc_status next(shmrpci_subscription *of, uint64_t *number,
                          uint64_t *lost)
{
    return next_until(of, 0, number, lost);
}

static void expect(shmrpci_subscription *of, uint64_t number)
{
    uint64_t is = 0;
    uint64_t lost;
    assert_int_equal(next(of, &is, &lost), SHMRPC_OK);
    assert_int_equal(is, number);
}

static void expect_none(shmrpci_subscription *of)
{
    uint64_t number;
    uint64_t lost;
    assert_int_equal(next(of, &number, &lost), SHMRPC_E_BUSY);
}

static void every_subscriber_sees_every_message(void **state)
{
    (void)state;
    scene of = begin((shmrpci_topic_spec){0});
    shmrpci_topic *reader = open_topic(&of, false);
    shmrpci_subscription *first = subscribe(of.topic);
    shmrpci_subscription *second = subscribe(reader);
    for (uint64_t i = 0; i < 5000; i++) {
        assert_int_equal(publish(of.topic, i), SHMRPC_OK);
        if (i % 10 == 9) {
            for (uint64_t j = i - 9; j <= i; j++) {
                expect(first, j);
                expect(second, j);
            }
            expect_none(first);
        }
    }
    shmrpci_topic_unsubscribe(first);
    shmrpci_topic_unsubscribe(second);
    shmrpci_topic_close(reader);
    end(&of);
}

static void a_late_subscriber_gets_the_history(void **state)
{
    (void)state;
    for (uint32_t history = 0; history < 40; history += 13) {
        scene of = begin((shmrpci_topic_spec){.history = history});
        for (uint64_t i = 0; i < 1000; i++) {
            assert_int_equal(publish(of.topic, i), SHMRPC_OK);
            if (i % 99 == 0) {
                shmrpci_subscription *late = subscribe(of.topic);
                uint64_t from = i + 1 > history ? i + 1 - history : 0;
                for (uint64_t j = from; j <= i; j++) {
                    expect(late, j);
                }
                expect_none(late);
                shmrpci_topic_unsubscribe(late);
            }
        }
        end(&of);
    }
}

static void publishers_have_lanes_of_their_own(void **state)
{
    (void)state;
    scene of = begin((shmrpci_topic_spec){.history = 2});
    shmrpci_subscription *early = subscribe(of.topic);
    shmrpci_topic *other = open_topic(&of, false);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(publish(of.topic, i), SHMRPC_OK);
        assert_int_equal(publish(other, 100 + i), SHMRPC_OK);
    }
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t number;
        uint64_t lost;
        assert_int_equal(next(early, &number, &lost), SHMRPC_OK);
        sum += number;
    }
    assert_int_equal(sum, 45 + 45 + 1000);
    expect_none(early);
    shmrpci_topic_unsubscribe(early);
    shmrpci_topic_close(other);
    end(&of);
}

static void who_is_lapped_is_told_how_many(void **state)
{
    (void)state;
    for (uint32_t history = 0; history < 9; history += 4) {
        scene of = begin((shmrpci_topic_spec){.history = history});
        shmrpci_subscription *slow = subscribe(of.topic);
        uint64_t seen = 0;
        uint64_t told = 0;
        uint64_t last = 0;
        uint64_t gap = 1;
        uint64_t left = 1;
        uint64_t number;
        uint64_t lost;
        for (uint64_t i = 0; i < 50000; i++) {
            assert_int_equal(publish(of.topic, i), SHMRPC_OK);
            /* The intervals grow. */
            if (--left == 0) {
                left = gap += 4;
                shmrpc_status status = next(slow, &number, &lost);
                if (status == SHMRPC_OK) {
                    assert_true(seen == 0 || number > last);
                    last = number;
                    seen++;
                } else {
                    assert_int_equal(status, SHMRPC_E_LOST);
                    told += lost;
                }
                assert_int_equal(status == SHMRPC_OK ? number + 1 : seen + told,
                                 seen + told);
            }
        }
        assert_true(told > 0);
        shmrpci_topic_unsubscribe(slow);
        end(&of);
    }
}

static void a_publisher_waits_for_who_reads(void **state)
{
    (void)state;
    scene of = begin((shmrpci_topic_spec){
        .laps = SHMRPCI_LAPS_BLOCK, .item_bytes = 8, .max_item_bytes = 8});
    shmrpci_subscription *slow = subscribe(of.topic);
    uint64_t published = 0;
    uint64_t read = 0;
    for (int round = 0; round < 200; round++) {
        shmrpc_status status;
        while ((status = publish(of.topic, published)) == SHMRPC_OK) {
            published++;
        }
        assert_int_equal(status, SHMRPC_E_BUSY);
        for (int i = 0; i <= round; i++) {
            expect(slow, read++);
        }
        if (round % 50 == 0) {
            /* A late subscriber misses none of the messages that follow. */
            shmrpci_subscription *late = subscribe(of.topic);
            uint64_t from = published;
            while (publish(of.topic, published) == SHMRPC_OK) {
                published++;
            }
            for (uint64_t i = from; i < published; i++) {
                expect(late, i);
            }
            expect_none(late);
            shmrpci_topic_unsubscribe(late);
        }
    }
    shmrpci_topic_unsubscribe(slow);
    assert_int_equal(publish(of.topic, 0), SHMRPC_OK);
    end(&of);
}

static void who_is_too_slow_for_too_long_is_evicted(void **state)
{
    (void)state;
    uint64_t number = 0;
    uint64_t lost;
    shmrpci_topic_stat stat;
    scene of = begin((shmrpci_topic_spec){.laps = SHMRPCI_LAPS_BLOCK,
                                          .max_stall_ns = SHMRPCI_NS_PER_MS});
    shmrpci_subscription *slow = subscribe(of.topic);
    for (uint64_t i = 0; i < 10000; i++) {
        assert_int_equal(
            shmrpci_topic_publish(of.topic, &number, 8, stage_soon(), NULL),
            SHMRPC_OK);
    }
    assert_int_equal(next(slow, &number, &lost), SHMRPC_E_EVICTED);
    shmrpci_topic_get_stat(of.topic, &stat);
    assert_int_equal(stat.evicted, 1);
    assert_int_equal(stat.published, 10000);
    shmrpci_topic_unsubscribe(slow);
    slow = subscribe(of.topic);
    assert_int_equal(publish(of.topic, 7), SHMRPC_OK);
    expect(slow, 7);
    shmrpci_topic_unsubscribe(slow);
    end(&of);
}

static void what_nobody_has_room_for_is_dropped(void **state)
{
    (void)state;
    shmrpci_topic_stat stat;
    scene of = begin((shmrpci_topic_spec){.laps = SHMRPCI_LAPS_DROP});
    shmrpci_subscription *slow = subscribe(of.topic);
    for (uint64_t i = 0; i < 10000; i++) {
        assert_int_equal(publish(of.topic, i), SHMRPC_OK);
    }
    shmrpci_topic_get_stat(of.topic, &stat);
    assert_true(stat.dropped > 0);
    assert_int_equal(stat.dropped + stat.published, 10000);
    for (uint64_t i = 0; i < stat.published; i++) {
        expect(slow, i);
    }
    expect_none(slow);
    shmrpci_topic_unsubscribe(slow);
    end(&of);
}

/* Runs a child that subscribes, and is killed. */
static void dead_subscribers_hold_up_nobody(void **state)
{
    (void)state;
    for (int is_drop = 0; is_drop < 2; is_drop++) {
        scene of = begin((shmrpci_topic_spec){
            .laps = is_drop != 0 ? SHMRPCI_LAPS_DROP : SHMRPCI_LAPS_BLOCK});
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)subscribe(open_topic(&of, false));
            (void)kill(getpid(), SIGKILL);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        for (uint64_t i = 0; i < 10000; i++) {
            assert_int_equal(publish(of.topic, i), SHMRPC_OK);
        }
        shmrpci_topic_stat stat;
        shmrpci_topic_get_stat(of.topic, &stat);
        assert_int_equal(stat.published, 10000);
        end(&of);
    }
}

static void who_may_only_read_writes_to_the_desk(void **state)
{
    (void)state;
    scene of = begin((shmrpci_topic_spec){.laps = SHMRPCI_LAPS_BLOCK,
                                          .is_desk_apart = true});
    shmrpci_topic *reader = open_topic(&of, true);
    shmrpci_subscription *slow = subscribe(reader);
    uint64_t published = 0;
    assert_int_equal(publish(reader, 0), SHMRPC_E_DENIED);
    while (publish(of.topic, published) == SHMRPC_OK) {
        published++;
    }
    for (uint64_t i = 0; i < published; i++) {
        expect(slow, i);
    }
    assert_int_equal(publish(of.topic, published), SHMRPC_OK);
    shmrpci_topic_unsubscribe(slow);
    shmrpci_topic_close(reader);
    /* A subscriber without the desk's descriptor may read, but publishers do
     * not wait for it. */
    int desk_fd = of.desk_fd;
    of.desk_fd = -1;
    reader = open_topic(&of, true);
    of.desk_fd = desk_fd;
    slow = subscribe(reader);
    assert_int_equal(publish(of.topic, 4), SHMRPC_OK);
    expect(slow, 4);
    shmrpci_topic_unsubscribe(slow);
    shmrpci_topic_close(reader);
    end(&of);
}

/* ---- waiting ------------------------------------------------------------- */

typedef struct waiter {
    shmrpci_subscription *subscription;
    shmrpci_topic *topic;
    shmrpc_status status;
    uint64_t number;
} waiter;

static void wait_for_message(void *user)
{
    waiter *of = user;
    uint64_t lost;
    of->status = next_until(of->subscription, stage_soon(), &of->number, &lost);
}

static void wait_for_room(void *user)
{
    waiter *of = user;
    of->status =
        shmrpci_topic_publish(of->topic, &of->number, 8, stage_soon(), NULL);
}

static void who_waits_for_messages_is_woken(void **state)
{
    (void)state;
    for (int is_apart = 0; is_apart < 2; is_apart++) {
        scene of = begin((shmrpci_topic_spec){.is_desk_apart = is_apart != 0});
        waiter waiters[2];
        shmrpci_thread threads[2];
        for (int i = 0; i < 2; i++) {
            waiters[i].topic = open_topic(&of, is_apart != 0);
            waiters[i].subscription = subscribe(waiters[i].topic);
        }
        for (uint64_t round = 0; round < 50; round++) {
            for (int i = 0; i < 2; i++) {
                assert_int_equal(shmrpci_thread_create(&threads[i], "waiter",
                                                       wait_for_message,
                                                       &waiters[i]),
                                 SHMRPC_OK);
            }
            assert_int_equal(publish(of.topic, round), SHMRPC_OK);
            for (int i = 0; i < 2; i++) {
                shmrpci_thread_join(&threads[i]);
                assert_int_equal(waiters[i].status, SHMRPC_OK);
                assert_int_equal(waiters[i].number, round);
            }
        }
        assert_int_equal(shmrpci_thread_create(&threads[0], "waiter",
                                               wait_for_message, &waiters[0]),
                         SHMRPC_OK);
        assert_int_equal(shmrpci_topic_end(of.topic), SHMRPC_OK);
        shmrpci_thread_join(&threads[0]);
        assert_int_equal(waiters[0].status, SHMRPC_E_CANCELLED);
        for (int i = 0; i < 2; i++) {
            shmrpci_topic_unsubscribe(waiters[i].subscription);
            shmrpci_topic_close(waiters[i].topic);
        }
        end(&of);
    }
}

static void a_publisher_that_waits_is_woken(void **state)
{
    (void)state;
    scene of = begin((shmrpci_topic_spec){.laps = SHMRPCI_LAPS_BLOCK});
    shmrpci_topic *reader = open_topic(&of, false);
    shmrpci_subscription *slow = subscribe(reader);
    waiter waiting = {.topic = of.topic};
    uint64_t published = 0;
    while (publish(of.topic, published) == SHMRPC_OK) {
        published++;
    }
    for (uint64_t i = 0; i < 50; i++) {
        shmrpci_thread thread;
        waiting.number = published++;
        assert_int_equal(
            shmrpci_thread_create(&thread, "waiter", wait_for_room, &waiting),
            SHMRPC_OK);
        expect(slow, i);
        shmrpci_thread_join(&thread);
        assert_int_equal(waiting.status, SHMRPC_OK);
    }
    shmrpci_topic_unsubscribe(slow);
    shmrpci_topic_close(reader);
    end(&of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_subscriber_sees_every_message),
        cmocka_unit_test(a_late_subscriber_gets_the_history),
        cmocka_unit_test(publishers_have_lanes_of_their_own),
        cmocka_unit_test(who_is_lapped_is_told_how_many),
        cmocka_unit_test(a_publisher_waits_for_who_reads),
        cmocka_unit_test(who_is_too_slow_for_too_long_is_evicted),
        cmocka_unit_test(what_nobody_has_room_for_is_dropped),
        cmocka_unit_test(dead_subscribers_hold_up_nobody),
        cmocka_unit_test(who_may_only_read_writes_to_the_desk),
        cmocka_unit_test(who_waits_for_messages_is_woken),
        cmocka_unit_test(a_publisher_that_waits_is_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
