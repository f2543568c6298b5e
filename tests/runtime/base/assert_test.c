/* A failed assertion prints where and what, and ends the program. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"

/* Reads the output of a child that runs `body`, and returns how the child
 * ends. */
static int watch(void (*body)(void), char *said, size_t room)
{
    int ends[2];
    int status = 0;
    size_t len = 0;
    ssize_t got;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        body();
        _exit(0);
    }
    (void)close(ends[1]);
    while (len + 1 < room &&
           (got = read(ends[0], said + len, room - 1 - len)) > 0) {
        len += (size_t)got;
    }
    said[len] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void hold(void)
{
    SHMRPCI_ASSERT(1 + 1 == 2, "sums are right");
}

static void fail_at_line(void)
{
    SHMRPCI_ASSERT(1 + 1 == 3, "sums are right");
}

static void what_holds_goes_on(void **state)
{
    (void)state;
    char said[512];
    assert_int_equal(watch(hold, said, sizeof said), 0);
    assert_string_equal(said, "");
}

static void what_fails_says_where_and_why_and_aborts(void **state)
{
    (void)state;
    char said[512];
    int status = watch(fail_at_line, said, sizeof said);
#ifdef SHMRPCI_ASSERTS
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, "assert_test.c:"));
    assert_non_null(strstr(said, "sums are right (1 + 1 == 3)"));
    assert_non_null(strstr(said, "defect"));
#else
    assert_int_equal(status, 0); /* in a release build no assertions are left */
    assert_string_equal(said, "");
#endif
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds_goes_on),
        cmocka_unit_test(what_fails_says_where_and_why_and_aborts),
    };
    return cmocka_run_group_tests_name("assert", tests, NULL, NULL);
}
