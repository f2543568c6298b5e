/* Processes with known behaviour between two samples. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/clock.h"
#include "tools/common/samples.h"

static int64_t own_cpu_ns(void)
{
    struct timespec time;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
    return (int64_t)time.tv_sec * SHMRPCI_NS_PER_S + time.tv_nsec;
}

static void what_is_used_between_two_looks(void **state)
{
    (void)state;
    tool_samples s = {.items = NULL};
    const int32_t pid = getpid();
    tool_samples_take(&s, &pid, 1);
    assert_int_equal(s.count, 1);
    assert_true(s.items[0].is_new);
    assert_true(s.span_ns == 0);
    assert_true(s.items[0].cpu_ns == s.items[0].now.cpu_ns);
    int64_t first_ns = s.items[0].now.cpu_ns;
    int64_t taken_ns = s.taken_ns;
    while (own_cpu_ns() - first_ns < 20 * SHMRPCI_NS_PER_MS) {
    }
    tool_samples_take(&s, &pid, 1);
    const tool_sample *it = tool_samples_find(&s, pid);
    assert_non_null(it);
    assert_false(it->is_new);
    assert_true(it->cpu_ns >= 20 * SHMRPCI_NS_PER_MS);
    assert_true(it->cpu_ns == it->now.cpu_ns - first_ns);
    assert_true(s.span_ns == s.taken_ns - taken_ns);
    tool_samples_forget(&s);
    assert_int_equal(s.count, 0);
    assert_null(tool_samples_find(&s, pid));
}

static void each_counts_once_and_the_dead_not_at_all(void **state)
{
    (void)state;
    tool_samples s = {.items = NULL};
    pid_t child = fork();
    if (child == 0) {
        for (;;) {
            (void)pause();
        }
    }
    const int32_t pids[] = {getpid(), child, getpid(), child};
    tool_samples_take(&s, pids, 4);
    assert_int_equal(s.count, 2);
    tool_sample sum = tool_samples_sum(&s);
    assert_true(sum.now.threads ==
                s.items[0].now.threads + s.items[1].now.threads);
    assert_true(sum.cpu_ns == s.items[0].cpu_ns + s.items[1].cpu_ns);
    s.items[1].now.pss_bytes = -1; /* as for another user's process */
    assert_true(tool_samples_sum(&s).now.pss_bytes == -1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    tool_samples_take(&s, pids, 4);
    assert_int_equal(s.count, 1);
    assert_null(tool_samples_find(&s, child));
    assert_false(tool_samples_find(&s, getpid())->is_new);
    tool_samples_forget(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_used_between_two_looks),
        cmocka_unit_test(each_counts_once_and_the_dead_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
