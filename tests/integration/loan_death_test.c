/* Loans, and replies that are read in place, when a process dies: readers still
 * see intact data, and the memory is freed once they are gone. */
#include "workers_common.h"

#include <limits.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB      (1u << 10)
#define LARGE    (512 * KIB) /* each needs an extent */
#define SOME     (64 * KIB)
#define IN_PLACE 16u /* maximum per connection */

static const shmrpc_opts in_place = {.flags = SHMRPC_OPT_IN_PLACE};

typedef const workers_workers_lend_reply lent;

/* ---- loans ---- */

static uint8_t byte_at(size_t i, uint32_t seed)
{
    return (uint8_t)(i * 7 + i / 251 + seed);
}

/* Gets a reply that the worker wrote in lent memory. */
static int borrow(workers_workers *client, uint32_t size, uint32_t seed,
                  lent **reply)
{
    const uint32_t order[] = {size, seed, 0};
    return workers_workers_lend(client, shmrpc_bytes_of(order, sizeof order),
                                &in_place, reply, NULL);
}

static void expect_whole(lent *reply, uint32_t size, uint32_t seed)
{
    const uint8_t *at = reply->value.ptr;
    assert_int_equal(reply->value.len, size);
    for (size_t i = 0; i < size; i++) {
        if (at[i] != byte_at(i, seed)) {
            fail_msg("byte %zu of reply %u differs", i, (unsigned)seed);
        }
    }
}

/* Whether the reply is in memory that a server created. */
static bool is_in_place(lent *reply)
{
    char line[512];
    bool is_shared = false;
    uintptr_t at = (uintptr_t)reply->value.ptr;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        uintptr_t from;
        uintptr_t to;
        if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from <= at && at < to) {
            is_shared = strstr(line, "shmrpc-extent") != NULL;
        }
    }
    (void)fclose(maps);
    return is_shared;
}

static holdings no_more_maps_than(holdings now)
{
    return (holdings){.fds = UINT_MAX, .maps = now.maps};
}

/* ---- holding replies for long -------------------------------------------- */

static void more_replies_are_held_than_stay_in_place(void **state)
{
    (void)state;
    enum { HELD = IN_PLACE + 4 };
    char where[96];
    lent *replies[HELD];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    holdings before = harness_holdings(getpid());
    workers_workers *client = workers_connect(where);
    for (uint32_t i = 0; i < HELD; i++) {
        assert_int_equal(borrow(client, SOME, i, &replies[i]), SHMRPC_OK);
        assert_int_equal(is_in_place(replies[i]), i < IN_PLACE);
    }
    /* Releasing one reply makes room for another one that is read in place. */
    workers_workers_lend_release(replies[3]);
    assert_int_equal(borrow(client, SOME, 3, &replies[3]), SHMRPC_OK);
    assert_true(is_in_place(replies[3]));
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
    for (uint32_t i = 0; i < HELD; i++) {
        expect_whole(replies[i], SOME, i);
        workers_workers_lend_release(replies[i]);
    }
    harness_await_holdings(getpid(), before, PATIENCE);
}

static void memory_is_used_again_when_replies_are_let_go(void **state)
{
    (void)state;
    char where[96];
    lent *reply;
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    workers_workers *client = workers_connect(where);
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t size = SOME - i % 3 * 1000;
        assert_int_equal(borrow(client, size, i, &reply), SHMRPC_OK);
        assert_true(is_in_place(reply));
        expect_whole(reply, size, i);
        workers_workers_lend_release(reply);
    }
    holdings after = harness_holdings(getpid());
    harness_await_holdings(server.pid, (holdings){UINT_MAX, after.maps + 3},
                           PATIENCE);
    /* Only the block, the status page, and extents for the reply and for the
     * expected next reply are mapped, not 200 extents. */
    assert_in_range(after.maps, 1, 6);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

/* Threads share a connection; each reply is released by another thread than the
 * one that made the call. */
typedef struct borrower {
    workers_workers *client;
    pthread_t thread;
    uint32_t seed;
    lent *held[4];
    int status;
} borrower;

static void *borrow_on(void *user)
{
    borrower *b = user;
    for (uint32_t i = 0; i < 4 && b->status == SHMRPC_OK; i++) {
        b->status = borrow(b->client, SOME, b->seed + i, &b->held[i]);
    }
    return NULL;
}

static void threads_hold_replies_of_one_connection(void **state)
{
    (void)state;
    enum { THREADS = 4, ROUNDS = 5 };
    char where[96];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "2", "1");
    holdings before = harness_holdings(getpid());
    workers_workers *client = workers_connect(where);
    borrower all[THREADS];
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < THREADS; i++) {
            all[i] = (borrower){.client = client, .seed = round * 16 + i * 4};
            assert_int_equal(
                pthread_create(&all[i].thread, NULL, borrow_on, &all[i]), 0);
        }
        for (uint32_t i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(all[i].thread, NULL), 0);
            assert_int_equal(all[i].status, SHMRPC_OK);
        }
        for (uint32_t i = 0; i < 4 * THREADS; i++) {
            borrower *b = &all[i / 4];
            expect_whole(b->held[i % 4], SOME, b->seed + i % 4);
            workers_workers_lend_release(b->held[i % 4]);
        }
    }
    workers_workers_close(client);
    harness_await_holdings(getpid(), before, PATIENCE);
    harness_signal(&server, SIGTERM);
}

/* A forked child doesn't have the memory, but may release the reply and
 * close. */
static void forked_child_leaves_its_parents_replies_alone(void **state)
{
    (void)state;
    char where[96];
    lent *reply;
    int status;
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    holdings before = harness_holdings(getpid());
    workers_workers *client = workers_connect(where);
    assert_int_equal(borrow(client, LARGE, 5, &reply), SHMRPC_OK);
    assert_true(is_in_place(reply));
    pid_t pid = fork();
    if (pid == 0) {
        lent *own;
        uint64_t back = 0;
        bool is_well =
            workers_workers_echo(client, 7, NULL, &back, NULL) == SHMRPC_OK &&
            borrow(client, LARGE, 6, &own) == SHMRPC_OK && is_in_place(own);
        workers_workers_lend_release(reply);
        workers_workers_close(client);
        workers_workers_lend_release(own);
        _exit(is_well && back == 7 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    expect_whole(reply, LARGE, 5);
    workers_workers_close(client);
    expect_whole(reply, LARGE, 5);
    workers_workers_lend_release(reply);
    harness_await_holdings(getpid(), before, PATIENCE);
    harness_signal(&server, SIGTERM);
}

/* ---- a process dies ------------------------------------------------------ */

static void reply_outlives_a_killed_server(void **state)
{
    (void)state;
    char where[96];
    lent *first;
    lent *second;
    pid_t pids[MAX_PIDS];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    pid_t zygote = workers_zygote(&server);
    workers_await(zygote, 1, pids);
    holdings before = harness_holdings(getpid());
    workers_workers *client = workers_connect(where);
    holdings connected = harness_holdings(getpid());
    assert_int_equal(borrow(client, LARGE, 1, &first), SHMRPC_OK);
    assert_true(is_in_place(first));
    harness_signal(&server, SIGKILL);
    /* Wait for its end, because the worker may still take a call and exit
     * during it. */
    workers_await_end(pids[0]);
    workers_await_end(zygote);
    expect_whole(first, LARGE, 1);
    server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    assert_int_equal(borrow(client, LARGE, 2, &second), SHMRPC_OK);
    expect_whole(first, LARGE, 1);
    expect_whole(second, LARGE, 2);
    /* The first connection is freed together with its last reply. */
    workers_workers_lend_release(second);
    workers_workers_lend_release(first);
    harness_await_holdings(
        getpid(),
        (holdings){before.fds + 2 * connected.fds, connected.maps + 2},
        PATIENCE);
    workers_workers_close(client);
    harness_await_holdings(getpid(), before, PATIENCE);
    harness_signal(&server, SIGTERM);
}

/* Waits until a call succeeds. Workers that die soon after their start are
 * restarted at growing intervals of at most a second; meanwhile calls are
 * refused. */
static void await_a_worker(workers_workers *client)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    uint64_t back;
    int status;
    while ((status = workers_workers_echo(client, 1, NULL, &back, NULL)) ==
               SHMRPC_E_UNAVAILABLE &&
           harness_now_ns() < deadline_ns) {
        (void)usleep(10000);
    }
    assert_int_equal(status, SHMRPC_OK);
}

/* The loan of a killed worker can be granted to the next worker. */
static void killed_workers_give_back_what_they_were_lent(void **state)
{
    (void)state;
    const int rounds = harness_is_long() ? 60 : 6;
    char where[96];
    pid_t pids[MAX_PIDS];
    holdings first = {0, 0};
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "2", "1");
    workers_await(workers_zygote(&server), 2, pids);
    holdings before = harness_holdings(server.pid);
    workers_workers *client = workers_connect(where);
    for (int i = 0; i < rounds; i++) {
        const uint32_t order[] = {LARGE, 0, 1};
        shmrpc_call *call;
        lent *reply;
        await_a_worker(client);
        assert_int_equal(workers_workers_lend_start(
                             client, shmrpc_bytes_of(order, sizeof order),
                             &in_place, &call, NULL),
                         SHMRPC_OK);
        assert_int_equal(kill(workers_next_nap(&server), SIGKILL), 0);
        assert_int_equal(workers_workers_lend_finish(call, &reply, NULL),
                         SHMRPC_E_WORKER_DIED);
        first = i == 0 ? harness_holdings(server.pid) : first;
    }
    harness_await_holdings(server.pid, no_more_maps_than(first), PATIENCE);
    workers_workers_close(client);
    harness_await_holdings(server.pid, no_more_maps_than(before), PATIENCE);
    harness_signal(&server, SIGTERM);
}

/* Runs in a child: holds replies and an unsent request until it is killed. */
__attribute__((noreturn)) static void hold_for_ever(const char *where,
                                                    int ready)
{
    workers_workers *client;
    lent *reply;
    shmrpc_call *call;
    uint8_t *at;
    bool is_held =
        workers_workers_connect(where, NULL, &client, NULL) == SHMRPC_OK;
    for (uint32_t i = 0; i < 4 && is_held; i++) {
        is_held =
            borrow(client, LARGE, i, &reply) == SHMRPC_OK && is_in_place(reply);
    }
    is_held = is_held && workers_workers_lend_loan(client, LARGE, NULL, &at,
                                                   &call, NULL) == SHMRPC_OK;
    if (is_held) {
        memset(at, 1, LARGE);
        is_held = write(ready, "r", 1) == 1;
    }
    while (is_held) {
        (void)pause();
    }
    _exit(1);
}

static void killed_clients_give_back_what_they_held(void **state)
{
    (void)state;
    const int rounds = harness_is_long() ? 500 : 6;
    char where[96];
    pid_t pids[MAX_PIDS];
    harness_address("workers", where);
    /* Enough memory for one of the clients, but not for two. */
    const char *const arguments[] = {"--listen", where, "--workers=1",
                                     "--max-bytes-per-user=4M", NULL};
    child server = harness_start(WORKERS_SERVER, arguments);
    workers_await_line(&server, "serving at");
    workers_await(workers_zygote(&server), 1, pids);
    /* Memory of a user is only counted while the user has a connection, so keep
     * one open. */
    workers_workers *other = workers_connect(where);
    workers_expect_echo(other, 1);
    holdings before = harness_holdings(server.pid);
    for (int i = 0; i < rounds; i++) {
        int ready[2];
        char byte;
        assert_int_equal(pipe(ready), 0);
        pid_t pid = fork();
        if (pid == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            hold_for_ever(where, ready[1]);
        }
        (void)close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void)close(ready[0]);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        harness_await_holdings(server.pid, no_more_maps_than(before), PATIENCE);
    }
    workers_workers_close(other);
    harness_signal(&server, SIGTERM);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_replies_are_held_than_stay_in_place),
        cmocka_unit_test(memory_is_used_again_when_replies_are_let_go),
        cmocka_unit_test(threads_hold_replies_of_one_connection),
        cmocka_unit_test(forked_child_leaves_its_parents_replies_alone),
        cmocka_unit_test(reply_outlives_a_killed_server),
        cmocka_unit_test(killed_workers_give_back_what_they_were_lent),
        cmocka_unit_test(killed_clients_give_back_what_they_held),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
