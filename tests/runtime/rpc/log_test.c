/* Log lines of handlers carry the numbers of thread and call. */
#include "sample.h"

#include <stdio.h>
#include <unistd.h>

#include "shmrpc/log.h"

static shmrpc_error error;

/* The mark that the manager reads, like "<6;71;1f>text". */
typedef struct mark {
    char level;
    long thread;
    unsigned long long call;
    char text[32];
} mark;

static int log_twice(shmrpc_ctx *ctx, const void *impl, void *user,
                     const void *params, void *result)
{
    (void)ctx;
    (void)impl;
    (void)user;
    (void)params;
    (void)result;
    shmrpc_log(SHMRPC_LOG_INFO, "first");
    shmrpc_log(SHMRPC_LOG_WARNING, "second");
    return SHMRPC_OK;
}

static mark read_mark(FILE *from)
{
    char line[128];
    mark it;
    assert_non_null(fgets(line, sizeof line, from));
    if (sscanf(line, "<%c;%ld;%llx>%31s", &it.level, &it.thread, &it.call,
               it.text) != 4) {
        fail_msg("no mark: %s", line);
    }
    return it;
}

/* Reads two lines of one call. Returns the call's number. */
static unsigned long long expect_call(FILE *from)
{
    mark first = read_mark(from);
    mark second = read_mark(from);
    assert_string_equal(first.text, "first");
    assert_string_equal(second.text, "second");
    assert_true(first.level == '6' && second.level == '4');
    assert_true(first.thread > 0 && first.thread == second.thread);
    assert_true(first.call != 0 && first.call == second.call);
    return first.call;
}

static void lines_of_a_call_have_its_number(void **state)
{
    shmrpc_handler handlers[SAMPLE_METHODS];
    sample_server s;
    int ends[2];
    sample_folder_make();
    memcpy(handlers, sample_handlers, sizeof handlers);
    handlers[NOTHING] = log_twice;
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(setenv("SHMRPCD_OF", "/tmp/some.sock", 1), 0);
    sample_start_with(&s, *state, handlers, NULL);
    shmrpc_client *client = sample_connect(&s);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            shmrpc_stub_call(client, NOTHING, NULL, NULL, NULL, &error),
            SHMRPC_OK);
    }
    shmrpc_log(SHMRPC_LOG_ERROR, "outside");
    shmrpc_stub_close(client);
    sample_stop(&s);
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    (void)close(ends[1]);
    assert_int_equal(unsetenv("SHMRPCD_OF"), 0);
    FILE *from = fdopen(ends[0], "r");
    assert_non_null(from);
    unsigned long long before = expect_call(from);
    assert_true(expect_call(from) != before);
    mark outside = read_mark(from);
    assert_string_equal(outside.text, "outside");
    assert_true(outside.call == 0 && outside.thread > 0);
    (void)fclose(from);
    sample_folder_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_OVER_ALL(lines_of_a_call_have_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
