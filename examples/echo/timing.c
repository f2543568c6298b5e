/* Roughly measures the times that a program sees when it makes calls. For
 * careful measurements see bench/. */
#include "timing.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CALLS = 2000 };

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(int64_t *samples)
{
    qsort(samples, CALLS, sizeof *samples, ascending);
    return samples[CALLS / 2];
}

static int64_t time_add(demo_echo *echo, int64_t *samples)
{
    int64_t sum;
    for (int64_t i = 0; i < CALLS; i++) {
        const int64_t start = now_ns();
        if (demo_echo_add(echo, i, 1, NULL, &sum, NULL) != SHMRPC_OK ||
            sum != i + 1) {
            return -1;
        }
        samples[i] = now_ns() - start;
    }
    return median(samples);
}

/* Sends every byte back until the other end is closed. */
static void reflect(int from, int to)
{
    char byte;
    while (read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1) {
    }
}

static int64_t time_pipe(int64_t *samples)
{
    int there[2];
    int back[2];
    char byte = 0;
    int64_t i = 0;
    if (pipe(there) != 0 || pipe(back) != 0) {
        return -1;
    }
    const pid_t child = fork();
    if (child == 0) {
        close(there[1]);
        reflect(there[0], back[1]);
        _exit(0);
    }
    for (; child > 0 && i < CALLS; i++) {
        const int64_t start = now_ns();
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) {
            break;
        }
        samples[i] = now_ns() - start;
    }
    close(there[0]);
    close(there[1]);
    close(back[0]);
    close(back[1]);
    if (child > 0) {
        waitpid(child, NULL, 0);
    }
    return i == CALLS ? median(samples) : -1;
}

int print_timing(demo_echo *echo)
{
    static int64_t samples[CALLS];
    const int64_t call = time_add(echo, samples);
    const int64_t byte = time_pipe(samples);
    if (call <= 0 || byte <= 0) {
        fprintf(stderr, "timing failed\n");
        return 1;
    }
    printf(
        "\n%d calls of add: half of them took at most %.2f us.\nOne byte "
        "through a pipe and back takes %.2f us: %.1f times as long.\n",
        CALLS, (double)call / 1e3, (double)byte / 1e3,
        (double)byte / (double)call);
    return 0;
}
