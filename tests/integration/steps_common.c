/* Code shared by the tests of steps.svc. */
#include "steps_common.h"

steps_steps *connect_for(const char *where, int64_t timeout_ns)
{
    shmrpc_error error;
    const shmrpc_opts opts = {.timeout_ns = timeout_ns};
    const int64_t last_ns = harness_now_ns() + PATIENCE;
    steps_steps *client = NULL;
    while (steps_steps_connect(where, &opts, &client, &error) != SHMRPC_OK) {
        if (harness_now_ns() > last_ns) {
            fail_msg("connect: %s", error.message);
        }
    }
    return client;
}

steps_steps *connect_to(const char *where)
{
    return connect_for(where, PATIENCE);
}

void await_line(child *c, const char *part, pid_t *pid)
{
    char line[512];
    do {
        harness_read_line(c, line, sizeof line);
    } while (strstr(line, part) == NULL);
    const char *at = strpbrk(line, "0123456789");
    if (pid != NULL && at != NULL) {
        *pid = (pid_t)strtol(at, NULL, 10);
    }
}

child serve_steps(const char *where, const char *workers, const char *one,
                  const char *two)
{
    const char *const arguments[] = {"--listen", where, workers, "--threads=1",
                                     one,        two,   NULL};
    child server = harness_start(STEPS_SERVER, arguments);
    await_line(&server, "serving at", NULL);
    return server;
}

void expect_echo(steps_steps *client)
{
    uint64_t back = 0;
    assert_int_equal(steps_steps_echo(client, 7, NULL, &back, NULL), SHMRPC_OK);
    assert_int_equal(back, 7);
}
