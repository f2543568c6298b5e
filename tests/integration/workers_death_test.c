/* Worker processes, their supervisor and their zygote are killed and stopped:
 * what clients see in each of these cases. */
#include "workers_common.h"

#include <unistd.h>

#include "../reaction.h"

/* How long a server may take to start; a server in Python must import modules
 * first. */
#ifndef START_S
#define START_S 1
#endif

/* A server and a client, for reactions that are measured several times. */
typedef struct pair {
    char where[96];
    child server;
    workers_workers *client;
} pair;

static child serve(const char *workers, char where[96])
{
    harness_address("workers", where);
    return harness_serve_by(WORKERS_SERVER, where, workers, "1");
}

static void pair_open(pair *p, const char *workers)
{
    p->server = serve(workers, p->where);
    p->client = workers_connect(p->where);
}

static void pair_close(pair *p)
{
    workers_workers_close(p->client);
    harness_signal(&p->server, SIGTERM);
}

/* ---- a worker dies --------------------------------------------------- */

static int64_t kill_a_worker(void *user)
{
    pair *p = user;
    napper n = {.client = p->client, .ms = 20000};
    napper_start(&n);
    pid_t pid = workers_next_nap(&p->server);
    int64_t killed_ns = harness_now_ns();
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(napper_join(&n), SHMRPC_E_WORKER_DIED);
    assert_true(shmrpc_status_may_have_run(n.status));
    workers_expect_echo(p->client, 1); /* the connection stays up */
    return n.ended_ns - killed_ns;
}

static void killed_workers_call_ends_within_100_ms(void **state)
{
    (void)state;
    pair p;
    pair_open(&p, "2");
    expect_reaction(kill_a_worker, &p, 0, 100 * MS);
    pair_close(&p);
}

static int64_t replace_the_only_worker(void *user)
{
    pair *p = user;
    uint32_t old = 0;
    uint32_t new = 0;
    assert_int_equal(workers_workers_pid(p->client, NULL, &old, NULL), 0);
    assert_int_equal(kill((pid_t)old, SIGKILL), 0);
    int64_t killed_ns = harness_now_ns();
    /* The successor takes the call, unless the dying worker has already taken
     * it. */
    int status = workers_workers_pid(p->client, NULL, &new, NULL);
    assert_true(status == SHMRPC_OK || status == SHMRPC_E_WORKER_DIED);
    if (status != SHMRPC_OK || new == old) {
        workers_await_end((pid_t)old);
        assert_int_equal(workers_workers_pid(p->client, NULL, &new, NULL), 0);
    }
    assert_int_not_equal(new, old);
    return harness_now_ns() - killed_ns;
}

static void killed_worker_is_replaced_within_a_second(void **state)
{
    (void)state;
    pair p;
    pid_t pids[MAX_PIDS];
    pair_open(&p, "1");
    expect_reaction(replace_the_only_worker, &p, 0, 1 * S);
    workers_await(workers_zygote(&p.server), 1, pids);
    pair_close(&p);
}

static void calls_that_nobody_had_taken_are_answered(void **state)
{
    (void)state;
    enum { WAITING = 8 };
    char where[96];
    child server = serve("1", where);
    workers_workers *client = workers_connect(where);
    napper first = {.client = client, .ms = 20000};
    napper waiting[WAITING];
    napper_start(&first);
    pid_t pid = workers_next_nap(&server);
    for (int i = 0; i < WAITING; i++) {
        waiting[i] = (napper){.client = client, .ms = 1};
        napper_start(&waiting[i]);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(napper_join(&first), SHMRPC_E_WORKER_DIED);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(napper_join(&waiting[i]), SHMRPC_OK);
        assert_int_not_equal(waiting[i].pid, pid);
    }
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

static void idempotent_call_is_made_again(void **state)
{
    (void)state;
    char where[96];
    child server = serve("2", where);
    workers_workers *client = workers_connect(where);
    napper n = {.client = client, .is_again = true, .ms = 300};
    napper_start(&n);
    pid_t pid = workers_next_nap(&server);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(napper_join(&n), SHMRPC_OK);
    assert_int_not_equal(n.pid, pid);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

static void hung_worker_is_killed_after_its_deadline(void **state)
{
    (void)state;
    char where[96];
    harness_address("workers", where);
    const char *const arguments[] = {"--listen", where, "--workers=2",
                                     "--hang-kill=1", NULL};
    child server = harness_start(WORKERS_SERVER, arguments);
    workers_await_line(&server, "serving at");
    workers_workers *client = workers_connect(where);
    shmrpc_opts opts = {.timeout_ns = 50 * MS};
    assert_int_equal(workers_workers_hang(client, &opts, NULL),
                     SHMRPC_E_DEADLINE);
    workers_expect_echo(client, 1);
    workers_await_line(&server, "hangs");
    workers_await_line(&server, "signal 9");
    for (uint64_t i = 0; i < 100; i++) {
        workers_expect_echo(client, i);
    }
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

/* Ten crashes in a row are a series. But a worker that lives for 2 s, because
 * the machine is slow, ends the series. Therefore the test makes up to CRASHES
 * crashes. */
static void series_of_crashes_is_told_and_survived(void **state)
{
    (void)state;
    enum { CRASHES = 60 };
    char where[96];
    char line[512];
    bool is_degraded = false;
    child server = serve("1", where);
    workers_workers *client = workers_connect(where);
    int crashes = 0;
    for (; crashes < CRASHES && !is_degraded; crashes++) {
        shmrpc_opts opts = {.timeout_ns = PATIENCE};
        int status;
        do {
            status = workers_workers_crash(client, &opts, NULL);
        } while (status == SHMRPC_E_UNAVAILABLE); /* no worker lives at the
                                                   * moment */
        assert_int_equal(status, SHMRPC_E_WORKER_DIED);
        do {
            harness_read_line(&server, line, sizeof line);
            is_degraded = is_degraded || strstr(line, ": degraded") != NULL;
        } while (strstr(line, "signal 6") == NULL);
    }
    assert_true(is_degraded);
    assert_in_range(crashes, 10, CRASHES);
    uint64_t back;
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (workers_workers_echo(client, 1, NULL, &back, NULL) != SHMRPC_OK) {
        assert_true(harness_now_ns() < deadline_ns);
    }
    workers_await_line(&server, "no longer degraded");
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

/* ---- the supervisor dies --------------------------------------------- */

static void workers_of_a_dead_supervisor_finish_and_leave(void **state)
{
    (void)state;
    char where[96];
    pid_t pids[MAX_PIDS];
    child server = serve("3", where);
    pid_t zygote = workers_zygote(&server);
    workers_await(zygote, 3, pids);
    workers_workers *client = workers_connect(where);
    napper n = {.client = client, .ms = 300};
    napper_start(&n);
    (void)workers_next_nap(&server);
    int64_t killed_ns = harness_now_ns();
    (void)kill(server.pid, SIGKILL);
    int status = napper_join(&n);
    assert_true(status == SHMRPC_OK || status == SHMRPC_E_SERVER_LOST);
    assert_true(n.ended_ns - killed_ns < 10 * S);
    for (size_t i = 0; i < 3; i++) {
        workers_await_end(pids[i]);
    }
    workers_await_end(zygote);
    uint64_t back;
    shmrpc_opts opts = {.timeout_ns = 100 * MS};
    assert_int_equal(workers_workers_echo(client, 1, &opts, &back, NULL),
                     SHMRPC_E_UNAVAILABLE);
    (void)harness_wait(&server);
    workers_workers_close(client);
}

static int64_t follow_a_dead_supervisor(void *user)
{
    pair *p = user;
    workers_expect_echo(p->client, 1);
    int64_t killed_ns = harness_now_ns();
    harness_signal(&p->server, SIGKILL);
    p->server = harness_serve_by(WORKERS_SERVER, p->where, "2", "1");
    workers_workers *next = workers_connect(p->where);
    workers_expect_echo(next, 2);
    int64_t took_ns = harness_now_ns() - killed_ns;
    workers_workers_close(p->client);
    p->client = next;
    return took_ns;
}

static void dead_supervisor_is_followed_within_a_second(void **state)
{
    (void)state;
    pair p;
    pair_open(&p, "2");
    expect_reaction(follow_a_dead_supervisor, &p, 0, START_S * S);
    pair_close(&p);
}

/* A thread that makes calls until a process other than `old` answers. */
typedef struct caller {
    workers_workers *client;
    uint32_t old;
    int status;
} caller;

static void *call_on(void *user)
{
    caller *c = user;
    uint32_t pid = c->old;
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (pid == c->old && harness_now_ns() < deadline_ns &&
           (c->status == SHMRPC_OK || c->status == SHMRPC_E_SERVER_LOST)) {
        c->status = workers_workers_pid(c->client, NULL, &pid, NULL);
    }
    if (pid == c->old) {
        c->status = SHMRPC_E_DEADLINE;
    }
    return NULL;
}

/* The worker never sleeps, so it could go on serving without a supervisor. */
static void busy_client_moves_on_to_the_next_supervisor(void **state)
{
    (void)state;
    pair p;
    pthread_t thread;
    pair_open(&p, "1");
    caller c = {.client = p.client};
    assert_int_equal(workers_workers_pid(p.client, NULL, &c.old, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, call_on, &c), 0);
    harness_signal(&p.server, SIGKILL);
    p.server = harness_serve_by(WORKERS_SERVER, p.where, "1", "1");
    (void)pthread_join(thread, NULL);
    assert_int_equal(c.status, SHMRPC_OK);
    workers_await_end((pid_t)c.old);
    pair_close(&p);
}

static int64_t kill_the_group(void *user)
{
    (void)user;
    char where[96];
    pid_t pids[MAX_PIDS];
    child server = serve("2", where);
    pid_t zygote = workers_zygote(&server);
    workers_await(zygote, 2, pids);
    napper n = {.client = workers_connect(where), .ms = 20000};
    napper_start(&n);
    (void)workers_next_nap(&server);
    int64_t killed_ns = harness_now_ns();
    assert_int_equal(kill(pids[0], SIGKILL), 0);
    assert_int_equal(kill(pids[1], SIGKILL), 0);
    (void)kill(zygote, SIGKILL);
    harness_signal(&server, SIGKILL);
    int status = napper_join(&n);
    /* WORKER_DIED: the supervisor was killed last, and before that it had
     * noticed the worker's death. */
    assert_true(status == SHMRPC_E_SERVER_LOST ||
                status == SHMRPC_E_WORKER_DIED);
    workers_workers_close(n.client);
    return n.ended_ns - killed_ns;
}

static void whole_group_killed_is_noticed_within_100_ms(void **state)
{
    (void)state;
    expect_reaction(kill_the_group, NULL, 0, 100 * MS);
}

static void dead_zygote_is_replaced_and_calls_go_on(void **state)
{
    (void)state;
    char where[96];
    pid_t pids[MAX_PIDS];
    child server = serve("2", where);
    pid_t zygote = workers_zygote(&server);
    workers_await(zygote, 2, pids);
    workers_workers *client = workers_connect(where);
    assert_int_equal(kill(zygote, SIGKILL), 0);
    workers_await_line(&server, "zygote has ended");
    workers_expect_echo(client, 1);
    /* The old workers still serve. If one of them dies, the new zygote forks
     * its successor. */
    assert_int_equal(kill(pids[0], SIGKILL), 0);
    assert_int_equal(kill(pids[1], SIGKILL), 0);
    uint32_t pid = 0;
    int status = workers_workers_pid(client, NULL, &pid, NULL);
    if (status == SHMRPC_E_WORKER_DIED || (pid_t)pid == pids[0] ||
        (pid_t)pid == pids[1]) {
        workers_await_end(pids[0]);
        workers_await_end(pids[1]);
        status = workers_workers_pid(client, NULL, &pid, NULL);
    }
    /* Calls are refused while no worker lives. That may take long, because a
     * zygote in Python loads its modules before it forks a worker. */
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (START_S > 1 && status == SHMRPC_E_UNAVAILABLE &&
           harness_now_ns() < deadline_ns) {
        status = workers_workers_pid(client, NULL, &pid, NULL);
    }
    assert_int_equal(status, SHMRPC_OK);
    assert_int_not_equal(workers_zygote(&server), zygote);
    workers_await(workers_zygote(&server), 2, pids);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

/* ---- a process is stopped ------------------------------------------------ */

static void stopped_worker_costs_its_call_the_deadline(void **state)
{
    (void)state;
    char where[96];
    child server = serve("2", where);
    workers_workers *client = workers_connect(where);
    napper n = {.client = client, .ms = 200, .timeout_ns = 400 * MS};
    napper_start(&n);
    pid_t pid = workers_next_nap(&server);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_int_equal(napper_join(&n), SHMRPC_E_DEADLINE);
    for (uint64_t i = 0; i < 200; i++) {
        workers_expect_echo(client, i);
    }
    /* The worker was not taken for dead: it is alive, and serves again. */
    assert_true(workers_is_alive(pid));
    assert_int_equal(kill(pid, SIGCONT), 0);
    napper both[2] = {{.client = client, .ms = 300},
                      {.client = client, .ms = 300}};
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    do {
        napper_start(&both[0]);
        napper_start(&both[1]);
        assert_int_equal(napper_join(&both[0]), SHMRPC_OK);
        assert_int_equal(napper_join(&both[1]), SHMRPC_OK);
        assert_true(harness_now_ns() < deadline_ns);
    } while (both[0].pid != (uint32_t)pid && both[1].pid != (uint32_t)pid);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

static void stopped_supervisor_delays_new_clients_only(void **state)
{
    (void)state;
    char where[96];
    child server = serve("2", where);
    workers_workers *client = workers_connect(where);
    workers_workers *late = NULL;
    harness_signal(&server, SIGSTOP);
    for (uint64_t i = 0; i < 1000; i++) {
        workers_expect_echo(client, i);
    }
    shmrpc_opts opts = {.timeout_ns = 100 * MS};
    assert_int_equal(workers_workers_connect(where, &opts, &late, NULL),
                     SHMRPC_E_DEADLINE);
    harness_signal(&server, SIGCONT);
    late = workers_connect(where);
    workers_expect_echo(late, 1);
    workers_expect_echo(client, 2);
    workers_workers_close(late);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

/* The supervisor may have sent only SHM_WORKER_LINK_WINDOW connections that a
 * worker has not acknowledged. Here there are more connections than that. */
static void stopped_worker_gets_its_connections_later(void **state)
{
    (void)state;
    enum { CLIENTS = 100 };
    char where[96];
    pid_t pids[MAX_PIDS];
    static workers_workers *clients[CLIENTS];
    child server = serve("2", where);
    workers_await(workers_zygote(&server), 2, pids);
    workers_stop_asleep(pids[0]);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = workers_connect(where);
        workers_expect_echo(clients[i], 1);
    }
    assert_int_equal(kill(pids[0], SIGCONT), 0);
    workers_stop_asleep(pids[1]);
    for (int i = 0; i < CLIENTS; i++) {
        workers_expect_echo(clients[i], 2);
    }
    assert_int_equal(kill(pids[1], SIGCONT), 0);
    for (int i = 0; i < CLIENTS; i++) {
        workers_workers_close(clients[i]);
    }
    harness_signal(&server, SIGTERM);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_workers_call_ends_within_100_ms),
        cmocka_unit_test(killed_worker_is_replaced_within_a_second),
        cmocka_unit_test(calls_that_nobody_had_taken_are_answered),
        cmocka_unit_test(idempotent_call_is_made_again),
        cmocka_unit_test(hung_worker_is_killed_after_its_deadline),
        cmocka_unit_test(series_of_crashes_is_told_and_survived),
        cmocka_unit_test(workers_of_a_dead_supervisor_finish_and_leave),
        cmocka_unit_test(dead_supervisor_is_followed_within_a_second),
        cmocka_unit_test(busy_client_moves_on_to_the_next_supervisor),
        cmocka_unit_test(whole_group_killed_is_noticed_within_100_ms),
        cmocka_unit_test(dead_zygote_is_replaced_and_calls_go_on),
        cmocka_unit_test(stopped_worker_costs_its_call_the_deadline),
        cmocka_unit_test(stopped_supervisor_delays_new_clients_only),
        cmocka_unit_test(stopped_worker_gets_its_connections_later),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
