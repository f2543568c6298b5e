/* A supervisor is killed in the middle of a call. No process of its server runs
 * beside the next server, so an older call never takes effect after a call of
 * the next server. */
#include "workers_common.h"

#include <unistd.h>

/* LONG_MS is longer than any wait in this test. So if a handler that takes
 * LONG_MS ends, it was killed. */
enum { LONG_MS = 60000, SHORT_MS = 100 };

typedef struct putter {
    workers_workers *client;
    uint32_t ms;
    pthread_t thread;
    int status;
    shmrpc_error error;
} putter;

static void *put_one(void *user)
{
    putter *p = user;
    shmrpc_opts opts = {.timeout_ns = PATIENCE};
    p->status = workers_workers_put(p->client, 1, p->ms, &opts, &p->error);
    return NULL;
}

/* Chooses the file to which put writes. The server reads its path from $PUTS.
 */
static void choose_file(const char *name, char path[128])
{
    (void)snprintf(path, 128, "%s/%s", harness_folder, name);
    assert_int_equal(setenv("PUTS", path, 1), 0);
}

static void expect_order(const char *path, const char *once, const char *twice)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    if (strcmp(text, once) != 0 && strcmp(text, twice) != 0) {
        fail_msg("written:\n%s", text);
    }
}

/* A server that is in the middle of put 1. */
typedef struct family {
    child server;
    pid_t zygote;
    pid_t worker; /* the worker that runs the handler */
} family;

static void kill_supervisor(const family *f)
{
    assert_int_equal(kill(f->server.pid, SIGKILL), 0);
}

/* Afterwards nobody but the next server can end the worker. */
static void kill_supervisor_and_zygote(const family *f)
{
    assert_int_equal(kill(f->zygote, SIGKILL), 0);
    workers_await_end(f->zygote);
    kill_supervisor(f);
}

static void kill_supervisor_of_stopped_worker(const family *f)
{
    assert_int_equal(kill(f->worker, SIGSTOP), 0);
    kill_supervisor(f);
}

/* The client repeats put 1 at the next server, and then calls put 2. The next
 * server must not run either of them before the first run of put 1 is over. */
static void follow(const char *name, uint32_t ms,
                   void (*strike)(const family *f))
{
    char path[128];
    char where[96];
    choose_file(name, path);
    harness_address("workers", where);
    family f = {.server = harness_serve_by(WORKERS_SERVER, where, "2", "1")};
    f.zygote = workers_zygote(&f.server);
    putter p = {.client = workers_connect(where), .ms = ms};
    assert_int_equal(pthread_create(&p.thread, NULL, put_one, &p), 0);
    f.worker = workers_next_nap(&f.server);
    strike(&f);
    child next = harness_serve_by(WORKERS_SERVER, where, "2", "1");
    assert_int_equal(pthread_join(p.thread, NULL), 0);
    if (p.status != SHMRPC_OK) {
        fail_msg("put: %s", p.error.message);
    }
    assert_false(workers_is_alive(f.worker));
    assert_int_equal(workers_workers_put(p.client, 2, 0, NULL, NULL), 0);
    (void)harness_wait(&f.server);
    workers_await_end(f.zygote);
    expect_order(path, "1\n2\n", "1\n1\n2\n");
    workers_workers_close(p.client);
    harness_signal(&next, SIGTERM);
}

static void slow_handler_does_not_overtake_the_next_server(void **state)
{
    (void)state;
    follow("slow", LONG_MS, kill_supervisor);
}

static void handler_that_ends_soon_may_end(void **state)
{
    (void)state;
    follow("soon", SHORT_MS, kill_supervisor);
}

static void stopped_handler_does_not_overtake_the_next_server(void **state)
{
    (void)state;
    follow("stopped", LONG_MS, kill_supervisor_of_stopped_worker);
}

static void next_server_ends_workers_that_nobody_else_can(void **state)
{
    (void)state;
    follow("zygote", LONG_MS, kill_supervisor_and_zygote);
}

/* Even if no other server starts, all processes of the killed server end
 * soon. */
static void workers_do_not_outlive_their_supervisor(void **state)
{
    (void)state;
    char path[128];
    char where[96];
    choose_file("alone", path);
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "2", "1");
    pid_t zygote = workers_zygote(&server);
    napper n = {.client = workers_connect(where), .ms = LONG_MS};
    napper_start(&n);
    pid_t worker = workers_next_nap(&server);
    int64_t killed_ns = harness_now_ns();
    harness_signal(&server, SIGKILL);
    assert_int_equal(napper_join(&n), SHMRPC_E_SERVER_LOST);
    workers_await_end(worker);
    workers_await_end(zygote);
    assert_true(harness_now_ns() - killed_ns < 10 * S);
    workers_workers_close(n.client);
}

/* A new server leaves the workers of a running server alone, however long it
 * takes. */
static void workers_of_a_live_server_are_left_alone(void **state)
{
    (void)state;
    char where[96];
    char text[512];
    pid_t pids[MAX_PIDS];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "2", "1");
    pid_t zygote = workers_zygote(&server);
    workers_await(zygote, 2, pids);
    harness_signal(&server, SIGSTOP);
    const char *const arguments[] = {"--listen", where, "--workers=1", NULL};
    child other = harness_start(WORKERS_SERVER, arguments);
    harness_read_all(&other, text, sizeof text);
    assert_int_equal(harness_wait(&other), 1);
    assert_non_null(strstr(text, "already runs"));
    harness_signal(&server, SIGCONT);
    assert_true(workers_is_alive(pids[0]));
    assert_true(workers_is_alive(pids[1]));
    harness_signal(&server, SIGTERM);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_handler_does_not_overtake_the_next_server),
        cmocka_unit_test(handler_that_ends_soon_may_end),
        cmocka_unit_test(stopped_handler_does_not_overtake_the_next_server),
        cmocka_unit_test(next_server_ends_workers_that_nobody_else_can),
        cmocka_unit_test(workers_do_not_outlive_their_supervisor),
        cmocka_unit_test(workers_of_a_live_server_are_left_alone),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
