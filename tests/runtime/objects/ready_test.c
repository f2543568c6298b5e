/* Descriptors for event loops: of queues, pipes, subscriptions and watches. */
#include "stage.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "shmrpc/dict.h"
#include "shmrpc/pipe.h"
#include "shmrpc/topic.h"

#if defined(__SANITIZE_THREAD__)
static const bool has_thread_sanitizer = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
static const bool has_thread_sanitizer = true;
#else
static const bool has_thread_sanitizer = false;
#endif
#else
static const bool has_thread_sanitizer = false;
#endif

static const shmrpc_opts at_once = {.flags = SHMRPC_OPT_NONBLOCK};

/* Fails the test unless the descriptor becomes readable. */
static void await_readable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&entry, 1, (int)(PATIENCE_NS / SHMRPCI_NS_PER_MS)),
                     1);
    assert_int_equal(entry.revents, POLLIN);
}

static bool is_readable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    return poll(&entry, 1, 0) == 1;
}

static shmrpc_queue *open_queue(const char *name, uint32_t flags)
{
    const shmrpc_queue_opts opts = {.flags = flags};
    shmrpc_queue *queue = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_queue_open(name, &opts, &queue, &error), SHMRPC_OK, &error);
    return queue;
}

static int fd_of(shmrpc_queue *queue)
{
    int fd = shmrpc_queue_fd(queue);
    assert_true(fd >= 0);
    assert_int_equal(shmrpc_queue_fd(queue), fd);
    return fd;
}

static void push(shmrpc_queue *queue, int64_t number)
{
    shmrpc_any item = shmrpc_any_i64(number);
    shmrpc_error error;
    EXPECT(shmrpc_queue_push(queue, &item, NULL, &error), SHMRPC_OK, &error);
}

static shmrpc_status try_pop(shmrpc_queue *queue, int64_t *out)
{
    const shmrpc_any *item;
    shmrpc_status status = shmrpc_queue_pop(queue, &at_once, &item, NULL);
    if (status == SHMRPC_OK) {
        *out = item->u.i64;
        (void)shmrpc_queue_ack(queue, item); /* items may also be released */
    }
    return status;
}

/* The descriptor may be readable without an item, but not for long. */
static void expect_rest(shmrpc_queue *queue, int fd)
{
    int64_t number;
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    do {
        assert_int_equal(try_pop(queue, &number), SHMRPC_E_BUSY);
        assert_true(shmrpci_remaining_ns(deadline_ns) > 0);
    } while (is_readable(fd));
}

static void expect_item(shmrpc_queue *queue, int fd, int64_t expected)
{
    int64_t number = -1;
    shmrpc_status status = SHMRPC_E_BUSY;
    while (status == SHMRPC_E_BUSY) {
        await_readable(fd);
        status = try_pop(queue, &number);
    }
    assert_int_equal(status, SHMRPC_OK);
    assert_int_equal(number, expected);
}

/* ---- queues -------------------------------------------------------------- */

static void readable_as_long_as_there_is_something(void **state)
{
    (void)state;
    int64_t number;
    shmrpc_queue *queue = open_queue("q", 0);
    shmrpc_queue *other = open_queue("q", 0);
    int fd = fd_of(queue);
    await_readable(fd);
    expect_rest(queue, fd);
    push(other, 1);
    push(other, 2);
    expect_item(queue, fd, 1);
    assert_true(is_readable(fd));
    assert_int_equal(try_pop(queue, &number), SHMRPC_OK);
    assert_true(is_readable(fd));
    expect_rest(queue, fd);
    /* Another reader takes the item, so this one was woken for nothing. */
    push(other, 3);
    await_readable(fd);
    assert_int_equal(try_pop(other, &number), SHMRPC_OK);
    expect_rest(queue, fd);
    assert_int_equal(shmrpc_queue_end(other), SHMRPC_OK);
    await_readable(fd);
    assert_int_equal(try_pop(queue, &number), SHMRPC_E_CANCELLED);
    assert_true(is_readable(fd));
    assert_int_equal(shmrpc_queue_destroy(other), SHMRPC_OK);
    assert_int_equal(try_pop(queue, &number), SHMRPC_E_DESTROYED);
    assert_true(is_readable(fd));
    shmrpc_queue_close(other);
    shmrpc_queue_close(queue);
}

static void an_edge_for_each_rest(void **state)
{
    (void)state;
    shmrpc_queue *queue = open_queue("q", 0);
    shmrpc_queue *other = open_queue("q", 0);
    int fd = fd_of(queue);
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
    for (int64_t i = 0; i < 200; i++) {
        int64_t number = -1;
        shmrpc_status status;
        push(other, i);
        do { /* as an event loop does */
            assert_int_equal(epoll_wait(set, &event, 1, 30000), 1);
            status = try_pop(queue, &number);
        } while (status == SHMRPC_E_BUSY);
        assert_int_equal(number, i);
        assert_int_equal(try_pop(queue, &number), SHMRPC_E_BUSY);
    }
    (void)close(set);
    shmrpc_queue_close(other);
    shmrpc_queue_close(queue);
}

static void push_for_ever(int index, void *user)
{
    (void)index, (void)user;
    shmrpc_queue *queue = open_queue("q", 0);
    for (;;) {
        shmrpc_any item = shmrpc_any_i64(1);
        CHECK(shmrpc_queue_push(queue, &item, NULL, NULL) == SHMRPC_OK);
        stage_advance(0);
    }
}

/* Every pushed item arrives, even if its producer died before it could ring the
 * bell. */
static void what_killed_producers_pushed_comes(void **state)
{
    (void)state;
    shmrpc_queue *queue = open_queue("q", 0);
    int fd = fd_of(queue);
    uint32_t popped = 0;
    for (uint32_t i = 0; i < 10; i++) {
        pid_t producer = stage_cast(push_for_ever, 0, NULL);
        uint32_t until = stage_step(0) + 1 + i * 7;
        int64_t number;
        while (stage_step(0) < until) {
            await_readable(fd);
            popped += try_pop(queue, &number) == SHMRPC_OK ? 1 : 0;
        }
        stage_kill(producer);
        while (popped < stage_step(0)) {
            await_readable(fd);
            popped += try_pop(queue, &number) == SHMRPC_OK ? 1 : 0;
        }
        /* The producer may have died after it pushed an item and before it
         * counted the item. */
        while (try_pop(queue, &number) == SHMRPC_OK) {
        }
        popped = stage_step(0);
        expect_rest(queue, fd);
    }
    shmrpc_queue_close(queue);
}

static void pop_one(int index, void *user)
{
    (void)index, (void)user;
    shmrpc_queue *queue = open_queue("q", 0);
    const shmrpc_any *item;
    const shmrpc_opts opts = {.timeout_ns = PATIENCE_NS};
    for (int64_t i = 0; i < 50; i++) {
        CHECK(shmrpc_queue_pop(queue, &opts, &item, NULL) == SHMRPC_OK);
        CHECK(item->u.i64 == i);
        shmrpc_queue_release(queue, item);
        stage_advance(0);
    }
    shmrpc_queue_close(queue);
}

/* A process that has a descriptor and does not pop must not delay readers that
 * wait. */
static void who_only_polls_is_in_nobodys_way(void **state)
{
    (void)state;
    int64_t number;
    shmrpc_queue *queue = open_queue("q", 0);
    shmrpc_queue *producer = open_queue("q", 0);
    int fd = fd_of(queue);
    pid_t reader = stage_cast(pop_one, 0, NULL);
    for (int64_t i = 0; i < 50; i++) {
        int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
        while (try_pop(queue, &number) != SHMRPC_E_BUSY || is_readable(fd)) {
            assert_true(shmrpci_remaining_ns(deadline_ns) > 0);
        }
        push(producer, i);
        stage_await(0, (uint32_t)i + 1);
    }
    stage_dismiss(reader, 0);
    /* Rescued items were found at the end of a slice, and not by a wake-up. A
     * slice is much longer than a round, so many items are rescued only if
     * wake-ups were lost. On a busy machine a few may be rescued. */
    shmrpc_queue_stat stat;
    assert_int_equal(shmrpc_queue_stat_read(queue, &stat), SHMRPC_OK);
    assert_true(stat.rescued_count < 25);
    shmrpc_queue_close(producer);
    shmrpc_queue_close(queue);
}

static void take_and_wait(int index, void *user)
{
    (void)index, (void)user;
    shmrpc_queue *queue = open_queue("acked", SHMRPC_SHARED_ACKED);
    const shmrpc_any *item;
    CHECK(shmrpc_queue_pop(queue, NULL, &item, NULL) == SHMRPC_OK);
    stage_advance(0);
    stage_await(1, 1);
}

static void what_a_dead_reader_had_comes_again(void **state)
{
    (void)state;
    shmrpc_queue *queue = open_queue("acked", SHMRPC_SHARED_ACKED);
    int fd = fd_of(queue);
    push(queue, 7);
    pid_t reader = stage_cast(take_and_wait, 0, NULL);
    stage_await(0, 1);
    expect_rest(queue, fd);
    stage_kill(reader);
    expect_item(queue, fd, 7);
    shmrpc_queue_close(queue);
}

/* ---- pipes, subscriptions and watches ------------------------------------ */

static void subscriptions_have_one(void **state)
{
    (void)state;
    static const uint32_t flags[] = {0, SHMRPC_SHARED_READ_ONLY};
    shmrpc_error error;
    shmrpc_topic *topic = NULL;
    EXPECT(shmrpc_topic_open("t", NULL, &topic, &error), SHMRPC_OK, &error);
    for (size_t i = 0; i < 2; i++) {
        const shmrpc_topic_opts opts = {.shared = {.flags = flags[i]}};
        shmrpc_topic *mine = NULL;
        shmrpc_sub *sub = NULL;
        const shmrpc_any *message = NULL;
        EXPECT(shmrpc_topic_open("t", &opts, &mine, &error), SHMRPC_OK, &error);
        EXPECT(shmrpc_topic_subscribe(mine, &sub, &error), SHMRPC_OK, &error);
        int fd = shmrpc_sub_fd(sub);
        assert_true(fd >= 0);
        for (int64_t n = 0; n < 20; n++) {
            shmrpc_any news = shmrpc_any_i64(n);
            int status = shmrpc_sub_next(sub, &message, &at_once, NULL);
            assert_int_equal(status, SHMRPC_E_BUSY);
            EXPECT(shmrpc_topic_publish(topic, &news, NULL, &error), SHMRPC_OK,
                   &error);
            do {
                await_readable(fd);
                status = shmrpc_sub_next(sub, &message, &at_once, &error);
            } while (status == SHMRPC_E_BUSY);
            EXPECT(status, SHMRPC_OK, &error);
            assert_int_equal(message->u.i64, n);
        }
        shmrpc_sub_close(sub);
        shmrpc_topic_close(mine);
    }
    shmrpc_topic_close(topic);
}

static void watches_have_one(void **state)
{
    (void)state;
    static const uint32_t flags[] = {0, SHMRPC_SHARED_READ_ONLY};
    shmrpc_error error;
    shmrpc_dict *dict = NULL;
    EXPECT(shmrpc_dict_open("d", NULL, &dict, &error), SHMRPC_OK, &error);
    for (size_t i = 0; i < 2; i++) {
        const shmrpc_dict_opts opts = {.shared = {.flags = flags[i]}};
        shmrpc_dict *mine = NULL;
        shmrpc_watch *watch = NULL;
        const shmrpc_event *event = NULL;
        EXPECT(shmrpc_dict_open("d", &opts, &mine, &error), SHMRPC_OK, &error);
        EXPECT(shmrpc_dict_watch_open(mine, NULL, &watch, &error), SHMRPC_OK,
               &error);
        int fd = shmrpc_watch_fd(watch);
        assert_true(fd >= 0);
        for (int64_t n = 0; n < 20; n++) {
            shmrpc_any key = shmrpc_any_str("k");
            shmrpc_any value = shmrpc_any_i64(n);
            shmrpc_path path = shmrpc_path_of(&key, 1);
            int status = shmrpc_watch_next(watch, &event, &at_once, NULL);
            assert_int_equal(status, SHMRPC_E_BUSY);
            EXPECT(shmrpc_dict_put(dict, &path, &value, &error), SHMRPC_OK,
                   &error);
            do {
                await_readable(fd);
                status = shmrpc_watch_next(watch, &event, &at_once, &error);
            } while (status == SHMRPC_E_BUSY);
            EXPECT(status, SHMRPC_OK, &error);
            assert_int_equal(event->value->u.i64, n);
        }
        shmrpc_watch_close(watch);
        shmrpc_dict_close(mine);
    }
    shmrpc_dict_close(dict);
}

static void write_and_wait(int index, void *user)
{
    (void)index, (void)user;
    shmrpc_pipe *pipe = NULL;
    CHECK(shmrpc_pipe_open("p", NULL, &pipe, NULL) == SHMRPC_OK);
    CHECK(shmrpc_pipe_write(pipe, "abc", 3, NULL, NULL, NULL) == SHMRPC_OK);
    stage_advance(0);
    stage_await(1, 1);
}

static shmrpc_status read_when_ready(shmrpc_pipe *pipe, int fd, size_t *out_len)
{
    char bytes[16];
    shmrpc_status status = SHMRPC_E_BUSY;
    while (status == SHMRPC_E_BUSY) {
        await_readable(fd);
        status = shmrpc_pipe_read(pipe, bytes, sizeof bytes, &at_once, out_len,
                                  NULL);
    }
    return status;
}

/* A pipe's descriptor reports data, and the death of the writer. */
static void pipes_have_one(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_pipe *pipe = NULL;
    size_t len = 0;
    EXPECT(shmrpc_pipe_open("p", NULL, &pipe, &error), SHMRPC_OK, &error);
    int fd = shmrpc_pipe_fd(pipe);
    assert_true(fd >= 0);
    pid_t writer = stage_cast(write_and_wait, 0, NULL);
    assert_int_equal(read_when_ready(pipe, fd, &len), SHMRPC_OK);
    assert_int_equal(len, 3);
    stage_await(0, 1);
    stage_kill(writer);
    assert_int_equal(read_when_ready(pipe, fd, &len), SHMRPC_E_OWNER_DIED);
    shmrpc_pipe_close(pipe);
}

/* ---- many, forks and ends ------------------------------------------------ */

enum { MANY = 200 };

static void any_number_at_once(void **state)
{
    (void)state;
    shmrpc_queue *queues[MANY];
    struct pollfd fds[MANY];
    const shmrpc_queue_opts opts = {.shared = {.max_bytes = 1 << 20}};
    shmrpc_error error;
    for (int i = 0; i < MANY; i++) {
        char name[] = {'q', (char)('a' + i / 20), (char)('a' + i % 20), '\0'};
        EXPECT(shmrpc_queue_open(name, &opts, &queues[i], &error), SHMRPC_OK,
               &error);
        fds[i] = (struct pollfd){.fd = fd_of(queues[i]), .events = POLLIN};
        expect_rest(queues[i], fds[i].fd);
    }
    for (int i = 0; i < MANY; i += 13) {
        push(queues[i], i);
        expect_item(queues[i], fds[i].fd, i);
    }
    for (int i = 0; i < MANY; i++) {
        shmrpc_queue_close(queues[i]);
    }
}

static void use_as_child(int index, void *user)
{
    (void)index;
    shmrpc_queue *queue = user;
    int64_t number;
    int fd = shmrpc_queue_fd(queue);
    CHECK(fd >= 0);
    CHECK(try_pop(queue, &number) == SHMRPC_E_BUSY);
    stage_advance(0);
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    shmrpc_status status = SHMRPC_E_BUSY;
    while (status == SHMRPC_E_BUSY) {
        CHECK(poll(&entry, 1, 30000) == 1);
        status = try_pop(queue, &number);
    }
    CHECK(status == SHMRPC_OK && number == 5);
    shmrpc_queue_close(queue);
}

static void a_child_asks_for_its_own(void **state)
{
    (void)state;
    if (has_thread_sanitizer) {
        skip(); /* the sanitizer has no threads in child processes */
    }
    shmrpc_queue *queue = open_queue("q", 0);
    int fd = fd_of(queue);
    expect_rest(queue, fd);
    pid_t child = stage_cast(use_as_child, 0, queue);
    stage_await(0, 1);
    push(queue, 5);
    stage_dismiss(child, 0);
    expect_rest(queue, fd);
    push(queue, 6);
    expect_item(queue, fd, 6);
    shmrpc_queue_close(queue);
}

static void *poll_until_woken(void *user)
{
    struct pollfd entry = {.fd = *(int *)user, .events = POLLIN};
    stage_advance(0);
    CHECK(poll(&entry, 1, 30000) == 1);
    return NULL;
}

static void closing_wakes_who_polls(void **state)
{
    (void)state;
    pthread_t thread;
    int before = stage_descriptors();
    shmrpc_queue *queue = open_queue("q", 0);
    int fd = fd_of(queue);
    expect_rest(queue, fd);
    assert_int_equal(pthread_create(&thread, NULL, poll_until_woken, &fd), 0);
    stage_await(0, 1);
    shmrpc_queue_close(queue);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(stage_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readable_as_long_as_there_is_something),
        TEST(an_edge_for_each_rest),
        TEST(what_killed_producers_pushed_comes),
        TEST(who_only_polls_is_in_nobodys_way),
        TEST(what_a_dead_reader_had_comes_again),
        TEST(subscriptions_have_one),
        TEST(watches_have_one),
        TEST(pipes_have_one),
        TEST(any_number_at_once),
        TEST(a_child_asks_for_its_own),
        TEST(closing_wakes_who_polls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
