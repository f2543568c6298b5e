/* Code shared by the tests of streams between programs. */
#include "flow_common.h"

flow_flow *connect_to(const char *where)
{
    shmrpc_error error;
    const shmrpc_opts opts = {.timeout_ns = PATIENCE};
    flow_flow *client = NULL;
    if (flow_flow_connect(where, &opts, &client, &error) != SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

void await_line(child *c, const char *part, pid_t *pid)
{
    char line[512];
    harness_read_line(c, line, sizeof line);
    while (strstr(line, part) == NULL) {
        print_message("skipped: %s\n", line); /* an error may explain why no
                                               * matching line follows */
        harness_read_line(c, line, sizeof line);
    }
    if (pid != NULL) {
        const char *at = strpbrk(line, "0123456789");
        assert_non_null(at);
        *pid = (pid_t)strtol(at, NULL, 10);
    }
}

void expect_echo(flow_flow *client)
{
    uint64_t back = 0;
    assert_int_equal(flow_flow_echo(client, 7, NULL, &back, NULL), SHMRPC_OK);
    assert_int_equal(back, 7);
}

flow_flow_count_stream *open_count(flow_flow *client, uint64_t most,
                                   int32_t status)
{
    flow_flow_count_stream *stream;
    shmrpc_error error;
    if (flow_flow_count(client, most, status, NULL, &stream, &error) !=
        SHMRPC_OK) {
        fail_msg("count: %s", error.message);
    }
    return stream;
}

int read_to(flow_flow_count_stream *stream, uint64_t *at, uint64_t to,
            shmrpc_error *error)
{
    const uint64_t *number;
    int status = SHMRPC_MORE;
    while (*at < to && (status = flow_flow_count_next(stream, &number,
                                                      error)) == SHMRPC_MORE) {
        assert_int_equal(*number, *at);
        ++*at;
    }
    return status;
}
