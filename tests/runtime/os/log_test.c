/* Log lines: levels; each line is written by one system call. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shmrpc/log.h"

/* The output of a shmrpc_log() call, which is one line. */
static char written[2 * SHMRPC_LOG_BYTES];

#define LOG(...)                 \
    do {                         \
        int saved_ = begin();    \
        shmrpc_log(__VA_ARGS__); \
        end(saved_);             \
    } while (0)

static int ends[2];

static int begin(void)
{
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    return saved;
}

static void end(int saved)
{
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    (void)close(ends[1]);
    ssize_t len = read(ends[0], written, sizeof written - 1);
    (void)close(ends[0]);
    assert_true(len > 0);
    written[len] = '\0';
}

static void levels_are_those_of_the_journal(void **state)
{
    (void)state;
    static const struct {
        int level;
        const char *line;
    } cases[] = {{SHMRPC_LOG_NOTSET, "hello 7\n"},
                 {SHMRPC_LOG_DEBUG, "<7>hello 7\n"},
                 {SHMRPC_LOG_DEBUG + 1, "<7>hello 7\n"},
                 {SHMRPC_LOG_INFO, "<6>hello 7\n"},
                 {SHMRPC_LOG_NOTICE, "<5>hello 7\n"},
                 {SHMRPC_LOG_STDOUT, "<6>hello 7\n"},
                 {SHMRPC_LOG_WARNING, "<4>hello 7\n"},
                 {SHMRPC_LOG_ERROR, "<3>hello 7\n"},
                 {SHMRPC_LOG_STDERR, "<3>hello 7\n"},
                 {SHMRPC_LOG_CRITICAL, "<2>hello 7\n"},
                 {1000, "<2>hello 7\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        LOG((shmrpc_log_level)cases[i].level, "hello %d", 7);
        assert_string_equal(written, cases[i].line);
    }
}

static void a_line_is_one_line(void **state)
{
    (void)state;
    static char text[2 * SHMRPC_LOG_BYTES];
    LOG(SHMRPC_LOG_INFO, "one\ntwo\n%s", "three\n<2>four");
    assert_string_equal(written, "<6>one two three <2>four\n");
    memset(text, 'x', sizeof text - 1);
    LOG(SHMRPC_LOG_INFO, "%s", text);
    assert_int_equal(strlen(written), 3 + SHMRPC_LOG_BYTES + 1);
    assert_int_equal(strchr(written, '\n') - written, 3 + SHMRPC_LOG_BYTES);
}

static void errno_stays(void **state)
{
    (void)state;
    int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    (void)close(STDERR_FILENO);
    errno = ENOTTY;
    shmrpc_log(SHMRPC_LOG_ERROR, "nobody can read this");
    int after = errno;
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    assert_int_equal(after, ENOTTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_those_of_the_journal),
        cmocka_unit_test(a_line_is_one_line),
        cmocka_unit_test(errno_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
