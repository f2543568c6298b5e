/* Processes that fork while they hold a connection: prefork servers, and
 * programs that start others. */
#include "harness.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmrpc/client.h>

#include "ledger.h"
#include "life_client.h"

enum { NUMBERS = 100000 };

static ledger *book;

typedef struct fixture {
    char where[96];
    child server;
    life_life *client;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/ledger", harness_folder);
    (void)setenv("LIFE_LEDGER", path, 1);
    book = book != NULL ? book : ledger_open();
    assert_non_null(book);
    memset((void *)book, 0, sizeof *book);
    harness_address("life", f.where);
    f.server = harness_serve(LIFE_SERVER, f.where, "2");
    assert_int_equal(life_life_connect(f.where, NULL, &f.client, NULL), 0);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    life_life_close(f->client);
    harness_signal(&f->server, SIGTERM);
    return 0;
}

/* Makes `count` calls with numbers from `first` on. Returns false if one fails
 * or returns a wrong result. */
static bool make_calls(life_life *client, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        uint64_t back = 0;
        shmrpc_opts opts = {.timeout_ns = PATIENCE};
        if (life_life_once(client, i, 0, &opts, &back, NULL) != 0 ||
            back != i * 3) {
            return false;
        }
    }
    return true;
}

static void expect_runs(uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        if (atomic_load(&book->runs[i]) != 1) {
            fail_msg("call %d has run %d times", (int)i,
                     (int)atomic_load(&book->runs[i]));
        }
    }
}

static void expect_exit(pid_t pid, int expected)
{
    child c = {.pid = pid, .out = dup(0)};
    assert_true(pid > 0);
    assert_int_equal(harness_wait(&c), expected);
}

/* The parent opens one connection and forks workers. The workers and the parent
 * then make calls with it. */
static void preforked_workers_share_nothing(void **state)
{
    fixture *f = *state;
    enum { WORKERS = 6, CALLS = 300 };
    pid_t workers[WORKERS];
    assert_true(make_calls(f->client, 0, 10));
    for (uint64_t i = 0; i < WORKERS; i++) {
        workers[i] = fork();
        if (workers[i] == 0) {
            bool well = make_calls(f->client, (i + 1) * CALLS, CALLS);
            life_life_close(f->client);
            _exit(well ? 0 : 1);
        }
    }
    assert_true(make_calls(f->client, 10, CALLS - 10));
    for (int i = 0; i < WORKERS; i++) {
        expect_exit(workers[i], 0);
    }
    expect_runs(0, CALLS * (WORKERS + 1));
    /* The children did not affect the parent's connection. */
    shmrpc_client_stats stats;
    life_life_read_stats(f->client, &stats);
    assert_int_equal(stats.reconnects, 0);
    assert_true(make_calls(f->client, 50000, 10));
}

static void child_that_only_closes_disturbs_nobody(void **state)
{
    fixture *f = *state;
    assert_true(make_calls(f->client, 0, 1));
    for (uint64_t i = 1; i <= 10; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            life_life_close(f->client);
            _exit(0);
        }
        expect_exit(pid, 0);
        assert_true(make_calls(f->client, i, 1));
    }
}

static void grandchildren_connect_too(void **state)
{
    fixture *f = *state;
    pid_t pid = fork();
    if (pid == 0) {
        if (!make_calls(f->client, 1, 10)) {
            _exit(1);
        }
        pid = fork();
        if (pid == 0) {
            bool well = make_calls(f->client, 11, 10);
            life_life_close(f->client);
            _exit(well ? 0 : 2);
        }
        int status = 0;
        bool well = waitpid(pid, &status, 0) == pid && status == 0 &&
                    make_calls(f->client, 21, 10);
        life_life_close(f->client);
        _exit(well ? 0 : 3);
    }
    expect_exit(pid, 0);
    expect_runs(1, 30);
}

static void replies_from_before_the_fork_stay(void **state)
{
    fixture *f = *state;
    static uint8_t data[200000];
    const life_life_blob_reply *reply = NULL;
    memset(data, 7, sizeof data);
    assert_int_equal(life_life_blob(f->client,
                                    shmrpc_bytes_of(data, sizeof data), NULL,
                                    &reply, NULL),
                     0);
    pid_t pid = fork();
    if (pid == 0) {
        bool same = reply->value.len == sizeof data &&
                    memcmp(reply->value.ptr, data, sizeof data) == 0;
        life_life_blob_release(reply);
        same = same && make_calls(f->client, 1, 1);
        life_life_close(f->client);
        _exit(same ? 0 : 1);
    }
    expect_exit(pid, 0);
    life_life_blob_release(reply);
}

/* ---- threads ---- */

typedef struct caller {
    fixture *f;
    pthread_t thread;
    uint64_t first;
    uint64_t count;
    atomic_bool *stop;
    bool well;
} caller;

static void *call_on(void *user)
{
    caller *c = user;
    c->well = true;
    while (c->well && !atomic_load(c->stop) && c->count < 10000) {
        c->well = make_calls(c->f->client, c->first + c->count, 1);
        c->count += c->well;
    }
    return NULL;
}

/* The child must be able to make calls, whatever locks other threads held at
 * the fork. */
static void fork_amid_the_calls_of_other_threads(void **state)
{
    fixture *f = *state;
    enum { THREADS = 4, FORKS = 30 };
    caller callers[THREADS];
    atomic_bool stop = false;
    for (uint64_t i = 0; i < THREADS; i++) {
        callers[i] = (caller){.f = f, .first = i * 10000, .stop = &stop};
        assert_int_equal(
            pthread_create(&callers[i].thread, NULL, call_on, &callers[i]), 0);
    }
    for (uint64_t i = 0; i < FORKS; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            bool well = make_calls(f->client, NUMBERS + i * 10, 10);
            life_life_close(f->client);
            _exit(well ? 0 : 1);
        }
        expect_exit(pid, 0);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(callers[i].thread, NULL);
        assert_true(callers[i].well);
        expect_runs(callers[i].first, callers[i].count);
    }
    expect_runs(NUMBERS, 10 * FORKS);
}

/* Several threads of a child use the parent's connection for the first time at
 * the same moment. */
static void threads_of_a_child_make_one_connection(void **state)
{
    fixture *f = *state;
    enum { THREADS = 8, CALLS = 50 };
    assert_true(make_calls(f->client, 0, 1));
    pid_t pid = fork();
    if (pid == 0) {
        caller callers[THREADS];
        atomic_bool stop = false;
        bool well = true;
        for (uint64_t i = 0; i < THREADS; i++) {
            callers[i] = (caller){.f = f,
                                  .first = 1000 + i * 10000,
                                  .count = 10000 - CALLS,
                                  .stop = &stop};
            well = well && pthread_create(&callers[i].thread, NULL, call_on,
                                          &callers[i]) == 0;
        }
        for (int i = 0; well && i < THREADS; i++) {
            (void)pthread_join(callers[i].thread, NULL);
            well = callers[i].well;
        }
        shmrpc_client_stats stats;
        life_life_read_stats(f->client, &stats);
        well = well && stats.reconnects == 1;
        life_life_close(f->client);
        _exit(well ? 0 : 1);
    }
    expect_exit(pid, 0);
}

/* ---- descriptors ---- */

static void dead_parent_is_noticed_though_its_child_lives(void **state)
{
    fixture *f = *state;
    char line[64];
    assert_true(make_calls(f->client, 0, 1));
    holdings before = {UINT_MAX, harness_holdings(f->server.pid).maps};
    const char *const arguments[] = {f->where, "linger", NULL};
    child parent = harness_start(LIFE_CLIENT, arguments);
    harness_read_line(&parent, line, sizeof line);
    pid_t orphan = (pid_t)strtol(line, NULL, 10);
    assert_true(orphan > 0);
    assert_true(harness_holdings(f->server.pid).maps > before.maps);
    harness_signal(&parent, SIGKILL);
    harness_await_holdings(f->server.pid, before, 2 * S);
    assert_int_equal(kill(orphan, 0), 0);
    (void)kill(orphan, SIGKILL);
}

static unsigned fds_of_an_executed_program(void)
{
    char line[64];
    const char *const arguments[] = {"-", "fds", NULL};
    child program = harness_start(LIFE_CLIENT, arguments);
    harness_read_line(&program, line, sizeof line);
    assert_int_equal(harness_wait(&program), 0);
    return (unsigned)strtoul(line, NULL, 10);
}

static void executed_program_inherits_no_descriptor(void **state)
{
    fixture *f = *state;
    life_life *more[4];
    unsigned before = fds_of_an_executed_program();
    for (int i = 0; i < 4; i++) {
        assert_int_equal(life_life_connect(f->where, NULL, &more[i], NULL), 0);
        assert_true(make_calls(more[i], 10 * (uint64_t)i, 10));
    }
    assert_int_equal(fds_of_an_executed_program(), before);
    for (int i = 0; i < 4; i++) {
        life_life_close(more[i]);
    }
}

static void forked_child_holds_none_of_its_parents_sockets(void **state)
{
    fixture *f = *state;
    assert_true(make_calls(f->client, 0, 1));
    life_life *more = NULL;
    unsigned before = harness_holdings(getpid()).fds;
    assert_int_equal(life_life_connect(f->where, NULL, &more, NULL), 0);
    unsigned with = harness_holdings(getpid()).fds;
    assert_true(with > before);
    pid_t pid = fork();
    if (pid == 0) {
        /* In the child the descriptors of both clients are closed. `f->client`
         * has as many as `more`, which has `with` - `before`. */
        unsigned left = harness_holdings(getpid()).fds;
        _exit(left == before - (with - before) &&
                      harness_holdings(getpid()).maps == 0
                  ? 0
                  : 1);
    }
    expect_exit(pid, 0);
    life_life_close(more);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(preforked_workers_share_nothing),
        CASE(child_that_only_closes_disturbs_nobody),
        CASE(grandchildren_connect_too),
        CASE(replies_from_before_the_fork_stay),
        CASE(fork_amid_the_calls_of_other_threads),
        CASE(threads_of_a_child_make_one_connection),
        CASE(dead_parent_is_noticed_though_its_child_lives),
        CASE(executed_program_inherits_no_descriptor),
        CASE(forked_child_holds_none_of_its_parents_sockets),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
