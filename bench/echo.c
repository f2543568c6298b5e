/*
 * shmrpc-echo SECONDS: calls the server of examples/echo from C, so that
 * bench/python.py can compare the same calls from Python. Times three calls: an
 * echo of 16 bytes, a call with two integers, and a json call with a text of 16
 * characters. Prints as JSON how many seconds each call takes. Each figure is
 * the best of three rounds, after a warm-up round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "echo_client.h"

#define ROUNDS 3
#define BATCH  20
#define TEXT   "0123456789abcdef"

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int raw(demo_echo *echo)
{
    const demo_echo_echo_raw_reply *reply;
    int status = demo_echo_echo_raw(echo, shmrpc_bytes_of(TEXT, strlen(TEXT)),
                                    NULL, &reply, NULL);
    if (status == SHMRPC_OK) {
        status =
            reply->value.len == strlen(TEXT) ? SHMRPC_OK : SHMRPC_E_DATA_LOSS;
        demo_echo_echo_raw_release(reply);
    }
    return status;
}

static int typed(demo_echo *echo)
{
    int64_t sum = 0;
    int status = demo_echo_add(echo, 1, 2, NULL, &sum, NULL);
    return status == SHMRPC_OK && sum != 3 ? SHMRPC_E_DATA_LOSS : status;
}

static int json(demo_echo *echo)
{
    const demo_echo_echo_json_reply *reply;
    const shmrpc_any data = shmrpc_any_str(TEXT);
    int status = demo_echo_echo_json(echo, &data, NULL, &reply, NULL);
    if (status == SHMRPC_OK) {
        demo_echo_echo_json_release(reply);
    }
    return status;
}

/* Returns the seconds of one call, or a negative number if a call failed. */
static double measure(demo_echo *echo, int (*call)(demo_echo *echo),
                      double seconds)
{
    double best_s = -1;
    for (int round = 0; round <= ROUNDS; round++) {
        double began_s = now_s();
        double end_s = began_s;
        unsigned long count = 0;
        while (end_s < began_s + seconds / ROUNDS) {
            for (int i = 0; i < BATCH; i++) {
                if (call(echo) != SHMRPC_OK) {
                    return -1;
                }
            }
            count += BATCH;
            end_s = now_s();
        }
        double call_s = (end_s - began_s) / (double)count;
        best_s = best_s < 0 || call_s < best_s ? call_s : best_s;
    }
    return best_s;
}

int main(int argc, char **argv)
{
    const shmrpc_opts opts = {.flags = SHMRPC_OPT_WAIT_FOR_READY};
    double seconds = argc == 2 ? strtod(argv[1], NULL) : 0;
    demo_echo *echo;
    shmrpc_error error;
    if (seconds <= 0) {
        fputs("usage: shmrpc-echo SECONDS\n", stderr);
        return 2;
    }
    if (demo_echo_connect("shm://", &opts, &echo, &error) != SHMRPC_OK) {
        fprintf(stderr, "shmrpc-echo: %s: %s\n", error.name, error.message);
        return EXIT_FAILURE;
    }
    double raw_s = measure(echo, raw, seconds);
    double typed_s = measure(echo, typed, seconds);
    double json_s = measure(echo, json, seconds);
    demo_echo_close(echo);
    if (raw_s < 0 || typed_s < 0 || json_s < 0) {
        fputs("shmrpc-echo: a call has failed\n", stderr);
        return EXIT_FAILURE;
    }
    printf("{\"raw\": %.9g, \"typed\": %.9g, \"json\": %.9g}\n", raw_s, typed_s,
           json_s);
    return EXIT_SUCCESS;
}
