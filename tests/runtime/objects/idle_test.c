/*
 * The cost of waiting. A thousand processes wait in queues, topics and watches,
 * some of them read-only. Each may wake up at most once in ten seconds.
 *
 * It takes a minute, and so runs only with the long tests.
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shmrpc/dict.h"
#include "shmrpc/topic.h"

enum { SLEEPERS = 1000, KINDS = 5, PLACES = 1024 };

/* GROWN_S seconds after the waits began, their slices have grown to ten
 * seconds. From then on wake-ups are counted for WINDOW_S seconds. */
#define GROWN_S  26u
#define WINDOW_S 30u

/* One wake-up for each ten seconds, and one at an end of the window. */
#define MOST_WAKES 4u

static const shmrpc_opts for_long = {.timeout_ns = 900 * SHMRPCI_NS_PER_S};

static _Atomic uint32_t *ready; /* number of processes that are about to wait */

/* ---- processes that wait ------------------------------------------------- */

static shmrpc_shared_opts places(uint32_t flags)
{
    return (shmrpc_shared_opts){.max_writers = PLACES, .flags = flags};
}

static shmrpc_queue *open_queue(void)
{
    shmrpc_queue *queue = NULL;
    shmrpc_error error;
    const shmrpc_queue_opts opts = {.shared = places(0)};
    EXPECT_HERE(shmrpc_queue_open("idle", &opts, &queue, &error), &error);
    return queue;
}

static shmrpc_topic *open_topic(uint32_t flags)
{
    shmrpc_topic *topic = NULL;
    shmrpc_error error;
    const shmrpc_topic_opts opts = {.shared = places(flags)};
    EXPECT_HERE(shmrpc_topic_open("idle", &opts, &topic, &error), &error);
    return topic;
}

static shmrpc_dict *open_dict(uint32_t flags)
{
    shmrpc_dict *dict = NULL;
    shmrpc_error error;
    const shmrpc_dict_opts opts = {.shared = places(flags)};
    EXPECT_HERE(shmrpc_dict_open("idle", &opts, &dict, &error), &error);
    return dict;
}

static int wait_in_queue(void)
{
    const shmrpc_any *item;
    shmrpc_queue *queue = open_queue();
    atomic_fetch_add(ready, 1);
    return shmrpc_queue_pop(queue, &for_long, &item, NULL);
}

static int wait_in_topic_with(uint32_t flags)
{
    const shmrpc_any *message;
    shmrpc_sub *sub = NULL;
    shmrpc_error error;
    EXPECT_HERE(shmrpc_topic_subscribe(open_topic(flags), &sub, &error),
                &error);
    atomic_fetch_add(ready, 1);
    return shmrpc_sub_next(sub, &message, &for_long, NULL);
}

static int wait_in_watch_with(uint32_t flags)
{
    const shmrpc_event *event;
    shmrpc_watch *watch = NULL;
    shmrpc_error error;
    EXPECT_HERE(shmrpc_dict_watch_open(open_dict(flags), NULL, &watch, &error),
                &error);
    atomic_fetch_add(ready, 1);
    return shmrpc_watch_next(watch, &event, &for_long, NULL);
}

static int wait_in_topic(void)
{
    return wait_in_topic_with(0);
}

static int wait_in_watch(void)
{
    return wait_in_watch_with(0);
}

static int read_topic(void)
{
    return wait_in_topic_with(SHMRPC_SHARED_READ_ONLY);
}

static int read_watch(void)
{
    return wait_in_watch_with(SHMRPC_SHARED_READ_ONLY);
}

static void wait_in_one(int index, void *user)
{
    static int (*const kinds[KINDS])(void) = {
        wait_in_queue, wait_in_topic, wait_in_watch, read_topic, read_watch};
    (void)user;
    CHECK(kinds[index % KINDS]() == SHMRPC_E_DESTROYED);
}

/* ---- counting wake-ups --------------------------------------------------- */

static unsigned long wakes_of(pid_t pid)
{
    char path[64];
    char line[256];
    unsigned long count = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL &&
           sscanf(line, "voluntary_ctxt_switches: %lu", &count) != 1) {
    }
    (void)fclose(file);
    return count;
}

static void those_who_wait_wake_once_in_ten_seconds(void **state)
{
    (void)state;
    static pid_t cast[SLEEPERS];
    static unsigned long before[SLEEPERS];
    shmrpc_queue *queue = open_queue();
    shmrpc_topic *topic = open_topic(0);
    shmrpc_dict *dict = open_dict(0);
    for (int i = 0; i < SLEEPERS; i++) {
        cast[i] = stage_cast(wait_in_one, i, NULL);
    }
    int64_t deadline_ns = shmrpci_deadline_after(120 * SHMRPCI_NS_PER_S);
    while (atomic_load(ready) < SLEEPERS) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        (void)usleep(10000);
    }
    (void)sleep(GROWN_S);
    for (int i = 0; i < SLEEPERS; i++) {
        before[i] = wakes_of(cast[i]);
    }
    (void)sleep(WINDOW_S);
    unsigned long sum = 0;
    unsigned long most = 0;
    for (int i = 0; i < SLEEPERS; i++) {
        unsigned long wakes = wakes_of(cast[i]) - before[i];
        sum += wakes;
        most = wakes > most ? wakes : most;
    }
    print_message("%d processes woke %lu times in %u s, one of them %lu\n",
                  SLEEPERS, sum, WINDOW_S, most);
    assert_true(most <= MOST_WAKES);
    assert_int_equal(shmrpc_queue_destroy(queue), SHMRPC_OK);
    assert_int_equal(shmrpc_topic_destroy(topic), SHMRPC_OK);
    assert_int_equal(shmrpc_dict_destroy(dict), SHMRPC_OK);
    for (int i = 0; i < SLEEPERS; i++) {
        stage_dismiss(cast[i], 0);
    }
    shmrpc_queue_close(queue);
    shmrpc_topic_close(topic);
    shmrpc_dict_close(dict);
}

int main(void)
{
    ready = mmap(NULL, sizeof *ready, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ready == MAP_FAILED) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(those_who_wait_wake_once_in_ten_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
