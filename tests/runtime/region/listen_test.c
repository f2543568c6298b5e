/*
 * Writers ring for read-only listeners. A writer learns of a listener one tick
 * after the listener began to listen; until then the listener sleeps in short
 * slices. When the listener ends, by itself or by death, nobody rings any more.
 */
#include "region/listen.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/memory.h"
#include "stage.h"

#define LONG_NS (10 * SHMRPCI_NS_PER_S)

static int file_of_its_own(int fd, shmrpci_access access)
{
    int own;
    assert_int_equal(shmrpci_memory_reopen(fd, access, &own), SHMRPC_OK);
    return own;
}

static void await_next_tick(void)
{
    int64_t now_ns = shmrpci_coarse_ns();
    int64_t deadline_ns = shmrpci_deadline_after(30 * SHMRPCI_NS_PER_S);
    while (shmrpci_coarse_ns() == now_ns) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        (void)sched_yield();
    }
}

static void await_answer(shmrpci_listeners *writer, int fd, bool expected)
{
    int64_t deadline_ns = shmrpci_deadline_after(30 * SHMRPCI_NS_PER_S);
    while (shmrpci_listeners_are_there(writer, fd) != expected) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        (void)sched_yield();
    }
}

/* ---- tests --------------------------------------------------------------- */

static void writers_hear_of_it_with_the_next_tick(void **state)
{
    (void)state;
    int fd = stage_create(UINT64_C(1) << 20, 4);
    int reader = file_of_its_own(fd, SHMRPCI_ACCESS_READ);
    shmrpci_listeners writer = {0};
    shmrpci_listening listening = {0};
    for (int i = 0; i < 20; i++) {
        assert_false(shmrpci_listeners_are_there(&writer, fd));
        (void)shmrpci_listen(&listening, reader, LONG_NS);
        assert_true(listening.is_on);
        await_next_tick();
        /* From now on the writer rings for every change. */
        assert_true(shmrpci_listeners_are_there(&writer, fd));
        assert_true(shmrpci_listeners_are_there(&writer, fd));
        assert_int_equal(shmrpci_listen(&listening, reader, LONG_NS), LONG_NS);
        shmrpci_listen_end(&listening, reader);
        assert_false(listening.is_on);
        await_answer(&writer, fd, false);
    }
    shmrpci_fd_close(&reader);
    shmrpci_fd_close(&fd);
}

/* The writer has just found that nobody listens, and does not check again
 * before the next tick. So a new listener sleeps only in short slices until
 * then. */
static void before_that_one_sleeps_lightly(void **state)
{
    (void)state;
    int fd = stage_create(UINT64_C(1) << 20, 4);
    int reader = file_of_its_own(fd, SHMRPCI_ACCESS_READ);
    shmrpci_listening listening = {0};
    unsigned in_one_tick = 0;
    for (int i = 0; i < 10000 && in_one_tick < 20; i++) {
        shmrpci_listeners writer = {0};
        int64_t since_ns = shmrpci_coarse_ns();
        assert_false(shmrpci_listeners_are_there(&writer, fd));
        int64_t most_ns = shmrpci_listen(&listening, reader, LONG_NS);
        bool rings = shmrpci_listeners_are_there(&writer, fd);
        if (shmrpci_coarse_ns() == since_ns) {
            assert_false(rings);
            assert_true(most_ns <= 10 * SHMRPCI_NS_PER_MS);
            assert_int_equal(shmrpci_listen(&listening, reader, 5), 5);
            in_one_tick++;
        }
        shmrpci_listen_end(&listening, reader);
    }
    assert_int_equal(in_one_tick, 20);
    shmrpci_fd_close(&reader);
    shmrpci_fd_close(&fd);
}

static void who_dies_listens_no_more(void **state)
{
    (void)state;
    int fd = stage_create(UINT64_C(1) << 20, 4);
    shmrpci_listeners writer = {0};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        shmrpci_listening listening = {0};
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)shmrpci_listen(&listening,
                             file_of_its_own(fd, SHMRPCI_ACCESS_READ), LONG_NS);
        for (;;) {
            (void)pause();
        }
    }
    await_answer(&writer, fd, true);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    await_answer(&writer, fd, false);
    shmrpci_fd_close(&fd);
}

static void without_a_lock_one_looks_often(void **state)
{
    (void)state;
    shmrpci_listening listening = {0};
    assert_int_equal(shmrpci_listen(&listening, -1, LONG_NS),
                     50 * SHMRPCI_NS_PER_MS);
    assert_false(listening.is_on);
    shmrpci_listen_end(&listening, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_hear_of_it_with_the_next_tick),
        cmocka_unit_test(before_that_one_sleeps_lightly),
        cmocka_unit_test(who_dies_listens_no_more),
        cmocka_unit_test(without_a_lock_one_looks_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
