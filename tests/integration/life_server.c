/* Serves life.svc. If LIFE_STORM is set, signals interrupt everything that the
 * server does. */
#include "life_server.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "ledger.h"

static ledger *book;

/* The load: half of the calls take this long, so that kills hit running
 * calls. */
static int note(uint64_t number, uint32_t deaths, uint64_t *ret)
{
    static const struct timespec some_time = {.tv_nsec = 200000};
    if (number >= LEDGER_CALLS) {
        return SHMRPC_E_OUT_OF_RANGE;
    }
    if (atomic_fetch_add(&book->runs[number], 1) < deaths) {
        (void)raise(SIGKILL);
    }
    if (number % 4 < 2) {
        (void)nanosleep(&some_time, NULL);
    }
    *ret = number * 3;
    return SHMRPC_OK;
}

static int once(shmrpc_ctx *ctx, void *user, uint64_t number, uint32_t deaths,
                uint64_t *ret)
{
    (void)ctx;
    (void)user;
    return note(number, deaths, ret);
}

static int again(shmrpc_ctx *ctx, void *user, uint64_t number, uint32_t deaths,
                 uint64_t *ret)
{
    (void)ctx;
    (void)user;
    return note(number, deaths, ret);
}

static int insistent(shmrpc_ctx *ctx, void *user, uint64_t number,
                     uint32_t deaths, uint64_t *ret)
{
    (void)ctx;
    (void)user;
    return note(number, deaths, ret);
}

static int blob(shmrpc_ctx *ctx, void *user, shmrpc_bytes data,
                shmrpc_bytes *ret)
{
    (void)ctx;
    (void)user;
    *ret = data;
    return SHMRPC_OK;
}

static int nap(shmrpc_ctx *ctx, void *user, uint32_t ms)
{
    (void)user;
    static const struct timespec slice = {.tv_nsec = 1000000};
    for (uint32_t i = 0; i < ms; i++) {
        (void)nanosleep(&slice, NULL);
        if (shmrpc_ctx_cancelled(ctx)) {
            return SHMRPC_E_CANCELLED;
        }
    }
    return SHMRPC_OK;
}

static void ignore(int number)
{
    (void)number;
}

static void begin_storm(void)
{
    struct sigaction action = {.sa_handler = ignore}; /* without SA_RESTART */
    struct itimerval often = {{0, 1000}, {0, 1000}};
    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &often, NULL);
}

int main(int argc, char **argv)
{
    life_life_impl impl = LIFE_LIFE_IMPL_INIT;
    impl.once = once;
    impl.again = again;
    impl.insistent = insistent;
    impl.blob = blob;
    impl.nap = nap;
    book = ledger_open();
    if (book == NULL) {
        return 3;
    }
    if (getenv("LIFE_STORM") != NULL) {
        begin_storm();
    }
    return life_life_main(argc, argv, &impl, NULL);
}
