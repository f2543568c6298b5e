/*
 * Serves workers.svc. Environment variables control the hooks:
 *
 *     PRELOAD_MB=N    preload loads N MB
 *     PRELOAD=WORD    preload fails (fail), dies (die) or leaves a thread
 *                     (thread)
 *     START=fail      no worker can start
 *     PUTS=FILE       put writes to this file
 *     THREADS=allow   preload may leave threads behind
 *     GUARD=1         token returns the token that its caller has shown
 *     GONE=1          prints "gone PID NUMBER" when a connection ends
 */
#include "workers_server.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int echo(shmrpc_ctx *ctx, void *user, uint64_t number, uint64_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = number;
    return SHMRPC_OK;
}

static int connection(shmrpc_ctx *ctx, void *user, uint64_t *ret)
{
    (void)user;
    *ret = shmrpc_ctx_connection(ctx);
    return SHMRPC_OK;
}

/* The token of the call that is running; there is only one thread. */
static char shown[600];

static int authorize(void *user, shmrpc_ctx *ctx, const char *method,
                     const char *token, shmrpc_error *error)
{
    (void)user;
    (void)ctx;
    (void)method;
    (void)error;
    (void)snprintf(shown, sizeof shown, "%s", token != NULL ? token : "-");
    return SHMRPC_OK;
}

static int token(shmrpc_ctx *ctx, void *user, shmrpc_str *ret)
{
    (void)user;
    return shmrpc_ctx_str(ctx, ret, shown);
}

static int blob(shmrpc_ctx *ctx, void *user, shmrpc_bytes data,
                shmrpc_bytes *ret)
{
    (void)ctx;
    (void)user;
    *ret = data;
    return SHMRPC_OK;
}

static int pid(shmrpc_ctx *ctx, void *user, uint32_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = (uint32_t)getpid();
    return SHMRPC_OK;
}

static int nap(shmrpc_ctx *ctx, void *user, uint32_t ms, uint32_t *ret)
{
    struct timespec left = {.tv_sec = ms / 1000,
                            .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)printf("nap %d\n", (int)getpid());
    (void)fflush(stdout);
    while (nanosleep(&left, &left) != 0) {
    }
    return pid(ctx, user, ret);
}

static int put(shmrpc_ctx *ctx, void *user, uint32_t number, uint32_t ms)
{
    char line[16];
    char first[128];
    uint32_t nobody;
    const char *path = getenv("PUTS");
    (void)snprintf(first, sizeof first, "%.100s.first", path);
    int once = open(first, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (once >= 0) {
        (void)close(once);
        (void)nap(ctx, user, ms, &nobody);
    }
    int len = snprintf(line, sizeof line, "%u\n", number);
    int fd = open(path, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
    bool is_written = fd >= 0 && write(fd, line, (size_t)len) == len;
    (void)close(fd);
    return is_written ? SHMRPC_OK : SHMRPC_E_INTERNAL;
}

static int lend(shmrpc_ctx *ctx, void *user, shmrpc_bytes order,
                shmrpc_bytes *ret)
{
    uint32_t words[3];
    (void)user;
    memcpy(words, order.ptr, sizeof words);
    uint8_t *at = shmrpc_ctx_loan(ctx, words[0]);
    if (at == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    for (size_t i = 0; i < words[0]; i++) {
        at[i] = (uint8_t)(i * 7 + i / 251 + words[1]);
    }
    *ret = shmrpc_bytes_of(at, words[0]);
    if (words[2] != 0) {
        uint32_t nobody;
        (void)nap(ctx, user, UINT32_MAX, &nobody);
    }
    return SHMRPC_OK;
}

static int leak(shmrpc_ctx *ctx, void *user, uint32_t mb, uint32_t *ret)
{
    size_t bytes = (size_t)mb << 20;
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        return SHMRPC_E_NO_MEMORY;
    }
    memset(at, 1, bytes);
    return pid(ctx, user, ret);
}

static int crash(shmrpc_ctx *ctx, void *user)
{
    (void)ctx;
    (void)user;
    abort();
}

static int hang(shmrpc_ctx *ctx, void *user)
{
    (void)ctx;
    (void)user;
    while (sleep(1) == 0) {
    }
    return SHMRPC_E_INTERNAL;
}

static int fail(shmrpc_ctx *ctx, void *user, int32_t status)
{
    (void)user;
    return shmrpc_ctx_fail(ctx, status, "as you wish");
}

/* ---- preloading ---- */

typedef struct data {
    uint64_t *numbers;
    size_t count;
    uint32_t loads; /* number of loads in this process and its ancestors */
    bool has_started;
    uint32_t before; /* number of forks in this process and its ancestors */
    uint32_t as_parent;
    uint32_t as_child;
} data;

static int sum(shmrpc_ctx *ctx, void *user, uint64_t *ret)
{
    (void)ctx;
    const data *d = user;
    *ret = 0;
    for (size_t i = 0; i < d->count; i++) {
        *ret += d->numbers[i];
    }
    return SHMRPC_OK;
}

static int loads(shmrpc_ctx *ctx, void *user, uint32_t *ret)
{
    const data *d = user;
    if (!d->has_started) {
        return shmrpc_ctx_fail(ctx, SHMRPC_E_INTERNAL, "not started");
    }
    *ret = d->loads;
    return SHMRPC_OK;
}

static int forks(shmrpc_ctx *ctx, void *user, uint32_t *ret)
{
    (void)ctx;
    const data *d = user;
    *ret = d->before == d->as_parent + d->as_child ? d->as_child : 0;
    return SHMRPC_OK;
}

static void before_fork(void *user)
{
    ((data *)user)->before++;
}

static void after_fork(void *user, int32_t child_pid)
{
    data *d = user;
    d->as_parent += child_pid != 0;
    d->as_child += child_pid == 0;
}

static bool is_set(const char *name, const char *value)
{
    const char *text = getenv(name);
    return text != NULL && strcmp(text, value) == 0;
}

static void *stay(void *user)
{
    (void)user;
    (void)pthread_setname_np(pthread_self(), "straggler");
    (void)sleep(60);
    return NULL;
}

static int leave_a_thread(void)
{
    pthread_t thread;
    char name[16] = "";
    if (pthread_create(&thread, NULL, stay, NULL) != 0) {
        return SHMRPC_E_EXHAUSTED;
    }
    while (strcmp(name, "straggler") != 0) {
        (void)pthread_getname_np(thread, name, sizeof name);
    }
    return SHMRPC_OK;
}

static int preload(void *user, shmrpc_error *error)
{
    data *d = user;
    const char *megabytes = getenv("PRELOAD_MB");
    if (is_set("PRELOAD", "fail")) {
        return shmrpc_error_set(error, SHMRPC_E_NOT_FOUND, "no such model");
    }
    if (is_set("PRELOAD", "die")) {
        abort();
    }
    if (is_set("PRELOAD", "thread")) {
        return leave_a_thread();
    }
    d->loads++;
    if (megabytes != NULL) {
        d->count = (size_t)strtoul(megabytes, NULL, 10) << 17;
        d->numbers = malloc(d->count * sizeof *d->numbers);
    }
    for (size_t i = 0; i < d->count; i++) {
        d->numbers[i] = i;
    }
    return SHMRPC_OK;
}

static int start(void *user, shmrpc_error *error)
{
    data *d = user;
    d->has_started = true;
    return is_set("START", "fail")
               ? shmrpc_error_set(error, SHMRPC_E_DENIED, "no database")
               : SHMRPC_OK;
}

static void stop(void *user)
{
    (void)user;
    (void)printf("stop %d\n", (int)getpid());
}

static void gone(void *user, uint64_t connection)
{
    (void)user;
    (void)printf("gone %d %llu\n", (int)getpid(),
                 (unsigned long long)connection);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    workers_workers_impl impl = WORKERS_WORKERS_IMPL_INIT;
    impl.echo = echo;
    impl.blob = blob;
    impl.pid = pid;
    impl.nap = nap;
    impl.nap_again = nap;
    impl.nap_alone = nap;
    impl.connection = connection;
    impl.token = token;
    impl.put = put;
    impl.lend = lend;
    impl.leak = leak;
    impl.crash = crash;
    impl.crash_again = crash;
    impl.hang = hang;
    impl.sum = sum;
    impl.loads = loads;
    impl.forks = forks;
    impl.fail = fail;
    impl.note = fail;
    shmrpc_hooks hooks = SHMRPC_HOOKS_INIT;
    hooks.preload = preload;
    hooks.start = start;
    hooks.stop = stop;
    hooks.before_fork = before_fork;
    hooks.after_fork = after_fork;
    hooks.flags = is_set("THREADS", "allow") ? SHMRPC_HOOKS_ALLOW_THREADS : 0;
    hooks.authorize = getenv("GUARD") != NULL ? authorize : NULL;
    hooks.disconnected = getenv("GONE") != NULL ? gone : NULL;
    shmrpc_main_set_hooks(&hooks);
    static data loaded;
    return workers_workers_main(argc, argv, &impl, &loaded);
}
