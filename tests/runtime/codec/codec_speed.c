/*
 * Measures what one encode and decode costs: codec_speed [ROUNDS]. Not a test;
 * the figures in runtime/codec/README.md come from it. The best of 50 runs
 * counts, because the machine may be doing other things too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/codec.h"
#include "sample.h"

static double now_ns(void)
{
    struct timespec time;
    (void)timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void measure(const char *what, uint32_t encoding,
                    const shmrpc_type *type, const void *value, long rounds)
{
    static uint8_t memory[1 << 21];
    _Alignas(16) static uint8_t copy[sizeof(sample_all)];
    const shmrpci_codec *codec = shmrpci_codec_of(encoding);
    shmrpci_arena arena;
    shmrpci_buf buf;
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_fixed(&buf, memory, sizeof memory);
    double best_encode = 1e18;
    double best_decode = 1e18;
    for (int run = 0; run < 50; run++) {
        double start = now_ns();
        for (long i = 0; i < rounds; i++) {
            shmrpci_buf_reset(&buf);
            (void)codec->encode(type, value, "", &buf, NULL);
        }
        double middle = now_ns();
        int status = SHMRPC_OK;
        for (long i = 0; i < rounds && status == SHMRPC_OK; i++) {
            shmrpci_arena_reset(&arena);
            status =
                codec->decode(type, buf.data, buf.len, "", &arena, copy, NULL);
        }
        double end = now_ns();
        if (status != SHMRPC_OK || buf.status != SHMRPC_OK) {
            printf("%s: failed\n", what);
            exit(1);
        }
        double encode = (middle - start) / (double)rounds;
        double decode = (end - middle) / (double)rounds;
        best_encode = encode < best_encode ? encode : best_encode;
        best_decode = decode < best_decode ? decode : best_decode;
    }
    printf("%-10s %-8s %8zu bytes %10.1f ns encode %10.1f ns decode\n", what,
           codec->name, buf.len, best_encode, best_decode);
    shmrpci_arena_fini(&arena);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 20000;
    static char letters[1 << 20];
    sample_init();
    for (size_t i = 0; i < sizeof letters; i++) {
        letters[i] = (char)('a' + i % 26);
    }
    const sample_sum sum = {1, -2};
    const sample_point point = {1, 2};
    const sample_params params = {
        .text = {"hello", 5}, .point = &point, .limit = 10};
    const shmrpc_str text = {letters, sizeof letters};
    const double number = 0.1234567890123456;
    for (uint32_t e = SHMRPC_ENCODING_JSON; e <= SHMRPC_ENCODING_NATIVE; e++) {
        measure("two i64", e, &sample_sum_type, &sum, rounds);
        measure("params", e, &sample_params_type, &params, rounds);
        measure("all kinds", e, &sample_native_type, &sample_full, rounds / 10);
        measure("f64", e, &shmrpc_type_f64, &number, rounds / 10);
        measure("1 MiB text", e, &shmrpc_type_string, &text, rounds / 5000 + 1);
    }
    return 0;
}
