/* What a forked child inherits: its generation, and its descriptors. */
#include "os/fork.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/thread.h"

static int exit_status(pid_t pid)
{
    int status;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void generation_is_another_one_in_children_and_theirs(void **state)
{
    (void)state;
    uint32_t mine = shmrpci_fork_generation();
    assert_int_not_equal(mine, 0);
    assert_int_equal(shmrpci_fork_generation(), mine);
    pid_t pid = fork();
    if (pid == 0) {
        uint32_t own = shmrpci_fork_generation();
        if (own == 0 || own == mine || own != shmrpci_fork_generation()) {
            _exit(1);
        }
        pid = fork();
        if (pid == 0) {
            uint32_t theirs = shmrpci_fork_generation();
            _exit(theirs != 0 && theirs != own && theirs != mine ? 0 : 2);
        }
        int status;
        _exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status)
                  ? WEXITSTATUS(status)
                  : 3);
    }
    assert_int_equal(exit_status(pid), 0);
    assert_int_equal(shmrpci_fork_generation(), mine);
}

/* A bare clone() does not run the handlers of fork(). But in any child the
 * kernel wipes the page that holds the generation. */
static void generation_is_another_one_after_a_bare_clone(void **state)
{
    (void)state;
    uint32_t mine = shmrpci_fork_generation();
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        _exit(shmrpci_fork_generation() != mine ? 0 : 1);
    }
    assert_int_equal(exit_status(pid), 0);
}

enum { THREADS = 4 };

static void ask(void *user)
{
    *(uint32_t *)user = shmrpci_fork_generation();
}

/* In the child several threads ask at once, and none has asked before. */
static void threads_agree_on_the_generation(void **state)
{
    (void)state;
    uint32_t mine = shmrpci_fork_generation();
    pid_t pid = fork();
    if (pid == 0) {
        shmrpci_thread threads[THREADS];
        uint32_t seen[THREADS];
        bool same = true;
        for (int i = 0; i < THREADS; i++) {
            if (shmrpci_thread_create(&threads[i], "ask", ask, &seen[i]) != 0) {
                _exit(2);
            }
        }
        for (int i = 0; i < THREADS; i++) {
            shmrpci_thread_join(&threads[i]);
            same = same && seen[i] == seen[0] && seen[i] != mine;
        }
        _exit(same ? 0 : 1);
    }
    assert_int_equal(exit_status(pid), 0);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void listed_descriptors_are_closed_in_the_child_only(void **state)
{
    (void)state;
    enum { COUNT = 5 };
    int fds[COUNT];
    int kept[COUNT];
    shmrpci_fork_fd places[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        kept[i] = fds[i];
        assert_true(fds[i] >= 0);
        assert_int_equal(shmrpci_fork_close_fd(&places[i], &fds[i]), SHMRPC_OK);
    }
    /* Removes the first, middle and last of the list, each twice. */
    for (int i = 0; i < COUNT; i += 2) {
        shmrpci_fork_keep_fd(&places[i]);
        shmrpci_fork_keep_fd(&places[i]);
    }
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < COUNT; i++) {
            bool is_kept = i % 2 == 0;
            if (is_open(kept[i]) != is_kept || (fds[i] >= 0) != is_kept) {
                _exit(1 + i);
            }
            shmrpci_fork_keep_fd(&places[i]);
        }
        _exit(0);
    }
    assert_int_equal(exit_status(pid), 0);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(fds[i], kept[i]);
        assert_true(is_open(fds[i]));
        shmrpci_fork_keep_fd(&places[i]);
        (void)close(fds[i]);
    }
}

static void descriptor_that_is_not_open_yet_is_passed_over(void **state)
{
    (void)state;
    int fd = -1;
    shmrpci_fork_fd place;
    assert_int_equal(shmrpci_fork_close_fd(&place, &fd), SHMRPC_OK);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(fd == -1 ? 0 : 1);
    }
    assert_int_equal(exit_status(pid), 0);
    shmrpci_fork_keep_fd(&place);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(generation_is_another_one_in_children_and_theirs),
        cmocka_unit_test(generation_is_another_one_after_a_bare_clone),
        cmocka_unit_test(threads_agree_on_the_generation),
        cmocka_unit_test(listed_descriptors_are_closed_in_the_child_only),
        cmocka_unit_test(descriptor_that_is_not_open_yet_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
