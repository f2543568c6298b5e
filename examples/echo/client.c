/*
 * Calls each method of the echo service and prints the results, then measures
 * how long calls take.
 *
 * Arguments are borrowed until the call returns, so they may live on the stack.
 * Results are in a reply, which must be released once; `add` returns a number
 * and needs no reply.
 */
#include "echo_client.h"

#include <inttypes.h>
#include <stdio.h>

#include "print.h"
#include "timing.h"

static int failed(const char *what, const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "%s: %s\n", what,
            shmrpc_error_text(error, text, sizeof text));
    return 1;
}

/* Sends {"greeting": "hello", "numbers": [1, 2.5, 18446744073709551615],
 * ...}. */
static int call_json(demo_echo *echo)
{
    const shmrpc_any numbers[] = {shmrpc_any_i64(1), shmrpc_any_f64(2.5),
                                  shmrpc_any_u64(UINT64_MAX)};
    const shmrpc_any_entry entries[] = {
        {shmrpc_any_str("greeting"), shmrpc_any_str("hello")},
        {shmrpc_any_str("numbers"), shmrpc_any_list_of(numbers, 3)},
        {shmrpc_any_str("nothing"), shmrpc_any_null()},
    };
    const shmrpc_any data = shmrpc_any_map_of(entries, 3);
    const demo_echo_echo_json_reply *reply;
    shmrpc_error error;
    if (demo_echo_echo_json(echo, &data, NULL, &reply, &error) != SHMRPC_OK) {
        return failed("echo_json", &error);
    }
    printf("echo_json     ");
    print_any(&reply->value);
    putchar('\n');
    demo_echo_echo_json_release(reply);
    return 0;
}

/* Sends values that JSON can't express: bytes, and keys that are not
 * strings. */
static int call_msgpack(demo_echo *echo)
{
    const shmrpc_any_entry entries[] = {
        {shmrpc_any_i64(7), shmrpc_any_bytes("\x00\xff", 2)},
        {shmrpc_any_str("ok"), shmrpc_any_bool(true)},
    };
    const shmrpc_any data = shmrpc_any_map_of(entries, 2);
    const demo_echo_echo_msgpack_reply *reply;
    shmrpc_error error;
    if (demo_echo_echo_msgpack(echo, &data, NULL, &reply, &error) !=
        SHMRPC_OK) {
        return failed("echo_msgpack", &error);
    }
    printf("echo_msgpack  ");
    print_any(&reply->value);
    putchar('\n');
    demo_echo_echo_msgpack_release(reply);
    return 0;
}

static int call_raw(demo_echo *echo)
{
    const shmrpc_bytes data = shmrpc_bytes_of("any bytes at all", 16);
    const demo_echo_echo_raw_reply *reply;
    shmrpc_error error;
    if (demo_echo_echo_raw(echo, data, NULL, &reply, &error) != SHMRPC_OK) {
        return failed("echo_raw", &error);
    }
    printf("echo_raw      %.*s\n", (int)reply->value.len,
           (const char *)reply->value.ptr);
    demo_echo_echo_raw_release(reply);
    return 0;
}

/* Adds numbers; one sum causes an error that the service declares. */
static int call_add(demo_echo *echo)
{
    int64_t sum;
    shmrpc_error error;
    if (demo_echo_add(echo, 40, 2, NULL, &sum, &error) != SHMRPC_OK) {
        return failed("add", &error);
    }
    printf("add           40 + 2 = %" PRId64 "\n", sum);
    const int status = demo_echo_add(echo, INT64_MAX, 1, NULL, &sum, &error);
    if (status != DEMO_ERR_OVERFLOW) {
        fprintf(stderr, "add: an overflow was not noticed\n");
        return 1;
    }
    printf("add           %" PRId64 " + 1: %s, %s\n", INT64_MAX, error.name,
           error.message);
    return 0;
}

int main(int argc, char **argv)
{
    const char *const where = argc > 1 ? argv[1] : "shm://";
    demo_echo *echo;
    shmrpc_error error;
    if (demo_echo_connect(where, NULL, &echo, &error) != SHMRPC_OK) {
        return failed("connect", &error);
    }
    const int status = call_json(echo) || call_msgpack(echo) ||
                       call_raw(echo) || call_add(echo) || print_timing(echo);
    demo_echo_close(echo);
    return status;
}
