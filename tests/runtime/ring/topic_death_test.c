/*
 * Death at every point: a process that publishes, subscribes and reads is
 * killed before each change of a shared word, and another takes its place.
 * Living subscribers see each message whole and once, in order, with none
 * missing.
 */
#include "dying/dying.h"
#include "stage.h"

#include <string.h>

#include "os/memory.h"
#include "ring/topic.h"

enum { MESSAGES = 6 };

typedef struct log {
    uint64_t surely; /* messages whose publication had returned */
    uint64_t perhaps;
} log;

typedef struct scene {
    shmrpci_laps laps;
    int fd;
    log *log; /* shared */
    shmrpci_topic *other;
    shmrpci_subscription *reader;
} scene;

static shmrpci_topic *open_topic(int fd)
{
    shmrpci_topic *topic = NULL;
    assert_int_equal(shmrpci_topic_open(stage_open_again(fd), -1,
                                        SHMRPCI_ACCESS_WRITE,
                                        SHMRPC_PROFILE_BALANCED, &topic, NULL),
                     SHMRPC_OK);
    return topic;
}

static shmrpc_status publish(shmrpci_topic *topic, uint64_t number)
{
    uint8_t data[400];
    uint32_t len = stage_length(number, sizeof data);
    stage_fill(data, len, number);
    return shmrpci_topic_publish(topic, data, len, 0, NULL);
}

static shmrpc_status next(shmrpci_subscription *of, uint64_t *number)
{
    _Alignas(16) uint8_t room[1024];
    shmrpci_buf buf;
    shmrpci_item item;
    uint64_t lost = 0;
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    shmrpc_status status = shmrpci_topic_next(of, 0, &buf, &item, &lost, NULL);
    if (status == SHMRPC_OK) {
        assert_true(stage_is_whole(room + item.at, item.len, number));
    }
    return status;
}

/* Continues with the messages after `from`. */
static bool act_from(scene *of, uint64_t from)
{
    shmrpci_subscription *own = NULL;
    uint64_t number = 0;
    shmrpci_topic *topic = open_topic(of->fd);
    bool good = shmrpci_topic_subscribe(topic, &own, NULL) == SHMRPC_OK;
    for (uint64_t i = from; good && i < from + MESSAGES; i++) {
        of->log->perhaps = i + 1;
        good = publish(topic, i) == SHMRPC_OK;
        of->log->surely = i + 1;
        if (i % 2 == 1) {
            good = good && next(own, &number) == SHMRPC_OK;
        }
    }
    shmrpci_topic_unsubscribe(own);
    shmrpci_topic_close(topic);
    return good;
}

static bool act(void *user)
{
    return act_from(user, 0);
}

/* Reads with the subscription that has existed all the time. */
static uint64_t read_all(const scene *of, uint64_t from)
{
    uint64_t number;
    while (next(of->reader, &number) == SHMRPC_OK) {
        assert_int_equal(number, from);
        from++;
    }
    return from;
}

static void judge(scene *of)
{
    uint64_t read = read_all(of, 0);
    assert_true(read >= of->log->surely && read <= of->log->perhaps);
    /* Another process continues in the dead one's place, with its lane. */
    assert_true(act_from(of, read));
    assert_int_equal(read_all(of, read), read + MESSAGES);
    /* The history consists of the messages that were published last. */
    shmrpci_subscription *late = NULL;
    uint64_t number;
    assert_int_equal(shmrpci_topic_subscribe(of->other, &late, NULL),
                     SHMRPC_OK);
    for (uint64_t i = 3; i > 0; i--) {
        assert_int_equal(next(late, &number), SHMRPC_OK);
        assert_int_equal(number, read + MESSAGES - i);
    }
    assert_int_equal(next(late, &number), SHMRPC_E_BUSY);
    shmrpci_topic_unsubscribe(late);
    assert_int_equal(shmrpci_topic_check(of->other, NULL, NULL), 0);
}

static void run(void **state, shmrpci_laps laps)
{
    scene of = {.laps = laps, .log = *state};
    bool more = true;
    unsigned point = 0;
    while (more) {
        shmrpci_topic_spec spec = {.laps = laps,
                                   .history = 3,
                                   .item_bytes = 64,
                                   .max_item_bytes = 400,
                                   .participants = 3,
                                   .seats = 4};
        shmrpci_region_spec region;
        assert_int_equal(shmrpci_topic_plan(&spec, &region, NULL), SHMRPC_OK);
        of.fd = stage_make(&region);
        of.other = open_topic(of.fd);
        assert_int_equal(shmrpci_topic_subscribe(of.other, &of.reader, NULL),
                         SHMRPC_OK);
        *of.log = (log){0};
        more = dying_runs(act, &of, ++point);
        judge(&of);
        shmrpci_topic_unsubscribe(of.reader);
        shmrpci_topic_close(of.other);
        shmrpci_fd_close(&of.fd);
    }
    print_message("%u points\n", point - 1);
    assert_true(point > 60);
}

static void a_publisher_that_overwrites_dies(void **state)
{
    run(state, SHMRPCI_LAPS_OVERWRITE);
}

static void a_publisher_that_waits_dies(void **state)
{
    run(state, SHMRPCI_LAPS_BLOCK);
}

static int share(void **state)
{
    *state = dying_shared(sizeof(log));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publisher_that_overwrites_dies),
        cmocka_unit_test(a_publisher_that_waits_dies),
    };
    return cmocka_run_group_tests(tests, share, NULL);
}
