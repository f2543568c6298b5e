/* Figures of processes with known behaviour. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/clock.h"
#include "tools/common/process.h"

static tool_process_figures read_own(void)
{
    tool_process_figures figures;
    assert_int_equal(tool_process_read(getpid(), &figures), 0);
    return figures;
}

static int64_t own_cpu_ns(void)
{
    struct timespec time;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
    return (int64_t)time.tv_sec * SHMRPCI_NS_PER_S + time.tv_nsec;
}

static void cpu_time_is_that_of_the_process(void **state)
{
    (void)state;
    int64_t before_ns = own_cpu_ns();
    while (own_cpu_ns() - before_ns < 20 * SHMRPCI_NS_PER_MS) {
    }
    int64_t least_ns = own_cpu_ns();
    tool_process_figures figures = read_own();
    int64_t most_ns = own_cpu_ns();
    assert_true(figures.cpu_ns >= least_ns);
    assert_true(figures.cpu_ns <= most_ns);
    assert_true(figures.began > 0);
    assert_int_equal(figures.threads >= 1, 1);
}

static void descriptors_are_counted(void **state)
{
    (void)state;
    int64_t before = read_own().descriptors;
    int fds[5];
    for (int i = 0; i < 5; i++) {
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fds[i] >= 0);
    }
    assert_int_equal(read_own().descriptors, before + 5);
    for (int i = 0; i < 5; i++) {
        (void)close(fds[i]);
    }
}

enum { MIB = 64 };

/* A forked child shares memory that it has not written to. */
static void shared_memory_counts_by_halves(void **state)
{
    (void)state;
    size_t bytes = (size_t)MIB << 20;
    uint8_t *memory = malloc(bytes);
    assert_non_null(memory);
    memset(memory, 1, bytes);
    tool_process_figures alone = read_own();
    assert_true(alone.pss_bytes >= (int64_t)bytes);
    assert_true(alone.rss_bytes >= alone.pss_bytes);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)pause();
        _exit(0);
    }
    tool_process_figures child;
    assert_int_equal(tool_process_read(pid, &child), 0);
    int64_t half = (int64_t)bytes / 2;
    assert_true(read_own().pss_bytes <= alone.pss_bytes - half / 2);
    assert_true(child.pss_bytes >= half - half / 4);
    /* A sanitizer may have a thread of its own. */
    assert_in_range(child.threads, 1, 2);
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(tool_process_read(pid, &child), SHMRPC_E_NOT_FOUND);
    free(memory);
}

static void who_has_ended_is_not_there(void **state)
{
    (void)state;
    siginfo_t info;
    tool_process_figures figures;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(0);
    }
    /* The child has ended, but nobody has waited for it. */
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(tool_process_read(pid, &figures), SHMRPC_E_NOT_FOUND);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(tool_process_read(0, &figures), SHMRPC_E_INVALID);
    assert_int_equal(tool_process_read(-1, &figures), SHMRPC_E_INVALID);
}

static void written_bytes_are_counted(void **state)
{
    (void)state;
    static char bytes[1 << 16];
    int64_t before = read_own().write_bytes;
    char path[] = "shmrpc-process-XXXXXX"; /* not in /tmp, which may be in
                                            * memory */
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)unlink(path);
    assert_int_equal(write(fd, bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(fsync(fd), 0);
    int64_t after = read_own().write_bytes;
    (void)close(fd);
    /* Some file systems don't count the bytes, and some systems hide the
     * figure. */
    assert_true(after >= before);
    assert_true(before >= -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_time_is_that_of_the_process),
        cmocka_unit_test(descriptors_are_counted),
        cmocka_unit_test(shared_memory_counts_by_halves),
        cmocka_unit_test(who_has_ended_is_not_there),
        cmocka_unit_test(written_bytes_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
