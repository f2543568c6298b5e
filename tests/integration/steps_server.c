/* Serves steps.svc, with handlers that work in steps and count what they have
 * sent. */
#include "steps_server.h"

#include <shmrpc/beside.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct walk {
    const char *name;
    uint64_t next;
    uint64_t most;
    uint64_t twice;
    bool has_twice; /* `twice` was computed and must be sent next */
} walk;

static void say(const char *what, const char *name)
{
    (void)printf("%s %s %d\n", what, name, (int)getpid());
    (void)fflush(stdout);
}

static walk *begin(const char *name, uint64_t most)
{
    walk *w = calloc(1, sizeof *w);
    if (w != NULL) {
        w->name = name;
        w->most = most;
        say("begin", name);
    }
    return w;
}

static void drop(void *state)
{
    walk *w = state;
    say("drop", w->name);
    free(w);
}

/* What a step returns after a send or a read that did not succeed. */
static int later(int status)
{
    return status == SHMRPC_E_BUSY ? SHMRPC_MORE : status;
}

static int echo(shmrpc_ctx *ctx, void *user, uint64_t number, uint64_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = number;
    return SHMRPC_OK;
}

static int pid(shmrpc_ctx *ctx, void *user, uint32_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = (uint32_t)getpid();
    return SHMRPC_OK;
}

static int count_step(shmrpc_ctx *ctx, void *state, steps_steps_count_sink *out)
{
    walk *w = state;
    (void)ctx;
    for (; w->most == 0 || w->next < w->most; w->next++) {
        int status = steps_steps_count_sink_send(out, &w->next);
        if (status != SHMRPC_OK) {
            return later(status);
        }
    }
    return SHMRPC_OK;
}

static int count(shmrpc_ctx *ctx, void *user, uint64_t most,
                 steps_steps_count_sink *out)
{
    (void)ctx;
    (void)user;
    walk *w = begin("count", most);
    return w == NULL ? SHMRPC_E_NO_MEMORY
                     : steps_steps_count_detach(out, count_step, w, drop);
}

static int rest_step(shmrpc_ctx *ctx, void *state, steps_steps_rest_sink *out)
{
    walk *w = state;
    (void)ctx;
    if (w->next > 0) {
        return SHMRPC_MORE;
    }
    int status = steps_steps_rest_sink_send(out, &w->next);
    w->next += status == SHMRPC_OK ? 1u : 0u;
    return status == SHMRPC_OK ? SHMRPC_MORE : later(status);
}

static int rest(shmrpc_ctx *ctx, void *user, steps_steps_rest_sink *out)
{
    (void)ctx;
    (void)user;
    walk *w = begin("rest", 0);
    return w == NULL ? SHMRPC_E_NO_MEMORY
                     : steps_steps_rest_detach(out, rest_step, w, drop);
}

static int sum_step(shmrpc_ctx *ctx, void *state, steps_steps_sum_source *in,
                    uint64_t *ret)
{
    walk *w = state;
    const uint64_t *number;
    int status;
    (void)ctx;
    while ((status = steps_steps_sum_source_next(in, &number)) == SHMRPC_MORE) {
        w->next += *number;
    }
    *ret = w->next;
    return later(status);
}

static int sum(shmrpc_ctx *ctx, void *user, steps_steps_sum_source *in,
               uint64_t *ret)
{
    (void)ctx;
    (void)user;
    (void)ret;
    walk *w = begin("sum", 0);
    return w == NULL ? SHMRPC_E_NO_MEMORY
                     : steps_steps_sum_detach(in, sum_step, w, drop);
}

static int twice_step(shmrpc_ctx *ctx, void *state,
                      steps_steps_twice_source *in, steps_steps_twice_sink *out)
{
    walk *w = state;
    int status = SHMRPC_MORE;
    (void)ctx;
    while (status == SHMRPC_MORE) {
        const uint64_t *number;
        if (w->has_twice) {
            status = steps_steps_twice_sink_send(out, &w->twice);
            if (status != SHMRPC_OK) {
                return later(status);
            }
            w->has_twice = false;
        }
        status = steps_steps_twice_source_next(in, &number);
        if (status == SHMRPC_MORE) {
            w->twice = 2 * *number;
            w->has_twice = true;
        }
    }
    return later(status);
}

static int twice(shmrpc_ctx *ctx, void *user, steps_steps_twice_source *in,
                 steps_steps_twice_sink *out)
{
    (void)ctx;
    (void)user;
    (void)in;
    walk *w = begin("twice", 0);
    return w == NULL ? SHMRPC_E_NO_MEMORY
                     : steps_steps_twice_detach(out, twice_step, w, drop);
}

static int held(shmrpc_ctx *ctx, void *user, steps_steps_held_sink *out)
{
    (void)ctx;
    (void)user;
    int status = SHMRPC_OK;
    say("begin", "held");
    for (uint64_t i = 0; status == SHMRPC_OK; i++) {
        status = steps_steps_held_sink_send(out, &i);
    }
    (void)printf("end held %d %s\n", (int)getpid(), shmrpc_status_name(status));
    (void)fflush(stdout);
    return status;
}

static int again(shmrpc_ctx *ctx, void *user, uint64_t most,
                 steps_steps_again_sink *out)
{
    (void)user;
    int status = SHMRPC_OK;
    bool is_first = !shmrpc_ctx_is_retry(ctx);
    uint64_t count = is_first && most == 0 ? 1 : is_first ? 0 : most;
    say("begin", "again");
    for (uint64_t i = 0; status == SHMRPC_OK && i < count; i++) {
        status = steps_steps_again_sink_send(out, &i);
    }
    while (is_first && !shmrpc_ctx_cancelled(ctx)) {
        (void)usleep(1000);
    }
    return status;
}

static int repeated(shmrpc_ctx *ctx, void *user, uint64_t most,
                    steps_steps_repeated_sink *out)
{
    return again(ctx, user, most, (steps_steps_again_sink *)(void *)out);
}

static int pour(shmrpc_ctx *ctx, void *user, shmrpc_bytes count,
                steps_steps_pour_sink *out)
{
    static _Thread_local uint8_t bytes[65536];
    uint64_t all = 0;
    int status = SHMRPC_OK;
    (void)ctx;
    (void)user;
    if (count.len != sizeof all) {
        return SHMRPC_E_INVALID;
    }
    memcpy(&all, count.ptr, sizeof all);
    for (uint64_t at = 0; status == SHMRPC_OK && at < all; at += sizeof bytes) {
        const shmrpc_bytes item = {bytes, sizeof bytes};
        memcpy(bytes, &at, sizeof at);
        memcpy(bytes + sizeof bytes - sizeof at, &at, sizeof at);
        status = steps_steps_pour_sink_send(out, &item);
    }
    return status;
}

int main(int argc, char **argv)
{
    steps_steps_impl impl = STEPS_STEPS_IMPL_INIT;
    impl.echo = echo;
    impl.pid = pid;
    impl.count = count;
    impl.rest = rest;
    impl.sum = sum;
    impl.twice = twice;
    impl.again = again;
    impl.repeated = repeated;
    impl.pour = pour;
    impl.held = held;
    return steps_steps_main(argc, argv, &impl, NULL);
}
