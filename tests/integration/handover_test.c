/* Servers take over from each other under load: no call is lost, none runs
 * twice, and clients don't notice. */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <shmrpc/client.h>

#include "ledger.h"
#include "life_client.h"

enum { CLIENTS = 8, EACH = LEDGER_CALLS / (CLIENTS + 1), SAMPLES = 1 << 17 };

static ledger *book;

static int set_up(void **state)
{
    (void)state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/ledger", harness_folder);
    (void)setenv("LIFE_LEDGER", path, 1);
    book = ledger_open();
    return book != NULL ? 0 : -1;
}

static child serve(const char *where, const char *option)
{
    char line[512];
    const char *const arguments[] = {"--listen", where, "--workers=2", option,
                                     NULL};
    child server = harness_start(LIFE_SERVER, arguments);
    harness_read_line(&server, line, sizeof line);
    if (strstr(line, "serving at") == NULL) {
        fail_msg("%s", line);
    }
    return server;
}

/* Starts another server that takes over. The old server ends with success once
 * its workers have left. */
static void restart(child *server, const char *where)
{
    child before = *server;
    *server = serve(where, "--take-over");
    assert_int_equal(harness_wait(&before), 0);
}

static life_life *connect_to(const char *where)
{
    life_life *client = NULL;
    shmrpc_error error;
    shmrpc_opts opts = {.timeout_ns = PATIENCE};
    if (life_life_connect(where, &opts, &client, &error) != SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

/* ---- under load ------------------------------------------------------- */

/* A client that also measures the longest time without an answer. */
typedef struct prober {
    life_life *client;
    pthread_t thread;
    size_t count;
    int status;
    int64_t took_ns[SAMPLES];
    shmrpc_error error;
} prober;

static void *probe(void *user)
{
    prober *p = user;
    uint64_t first = (uint64_t)CLIENTS * EACH;
    while (atomic_load(&book->is_over) == 0 && p->count < EACH &&
           p->count < SAMPLES && p->status == SHMRPC_OK) {
        uint64_t back;
        int64_t began_ns = harness_now_ns();
        p->status = life_life_once(p->client, first + p->count, 0, NULL, &back,
                                   &p->error);
        p->took_ns[p->count++] = harness_now_ns() - began_ns;
    }
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static void report(prober *p, int restarts)
{
    qsort(p->took_ns, p->count, sizeof *p->took_ns, by_size);
    print_message(
        "%d hot restarts, %u calls; of %zu: p50 %lld us, p99 %lld us, "
        "p99.9 %lld us, max %lld us\n",
        restarts, atomic_load(&book->ended), p->count,
        (long long)p->took_ns[p->count / 2] / 1000,
        (long long)p->took_ns[p->count * 99 / 100] / 1000,
        (long long)p->took_ns[p->count * 999 / 1000] / 1000,
        (long long)p->took_ns[p->count - 1] / 1000);
}

static void start_clients(child *clients, const char *where)
{
    for (uint32_t i = 0; i < CLIENTS; i++) {
        char first[16];
        char count[16];
        (void)snprintf(first, sizeof first, "%u", i * EACH);
        (void)snprintf(count, sizeof count, "%u", (unsigned)EACH);
        const char *const arguments[] = {where, "calls", first, count, NULL};
        clients[i] = harness_start(LIFE_CLIENT, arguments);
    }
}

/* Waits until the clients have finished `more` calls. Polls a counter in memory
 * that the clients share with us. */
static void await_progress(uint32_t more)
{
    static const struct timespec slice = {.tv_nsec = 1 * MS};
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    uint32_t until = atomic_load(&book->ended) + more;
    while (atomic_load(&book->ended) < until) {
        if (harness_now_ns() > deadline_ns) {
            fail_msg("no %u calls in 20 s", more);
        }
        (void)nanosleep(&slice, NULL);
    }
}

static void end_clients(child *clients)
{
    atomic_store(&book->is_over, 1);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        char said[512];
        harness_read_all(&clients[i], said, sizeof said);
        if (harness_wait(&clients[i]) != 0) {
            fail_msg("a client: %s", said);
        }
    }
}

static void check_calls(const prober *p)
{
    unsigned ended = 0;
    for (unsigned n = 0; n < CLIENTS * EACH; n++) {
        unsigned runs = atomic_load(&book->runs[n]);
        unsigned end = atomic_load(&book->ends[n]);
        if (runs != (end != LEDGER_NONE) ||
            (end != LEDGER_NONE && end != LEDGER_OK)) {
            fail_msg("call %u ended as %u, and has run %u times", n, end, runs);
        }
        ended += end == LEDGER_OK;
    }
    assert_int_equal(ended, atomic_load(&book->ended));
    for (unsigned n = 0; n < p->count; n++) {
        assert_int_equal(atomic_load(&book->runs[CLIENTS * EACH + n]), 1);
    }
}

static void run_load(int restarts)
{
    static prober p;
    char where[96];
    child clients[CLIENTS];
    memset((void *)book, 0, sizeof *book);
    harness_address("life", where);
    child server = serve(where, NULL);
    p = (prober){.client = connect_to(where)};
    start_clients(clients, where);
    assert_int_equal(pthread_create(&p.thread, NULL, probe, &p), 0);
    for (int i = 0; i < restarts; i++) {
        await_progress(200);
        restart(&server, where);
    }
    await_progress(200);
    end_clients(clients);
    assert_int_equal(pthread_join(p.thread, NULL), 0);
    if (p.status != SHMRPC_OK) {
        fail_msg("call %zu: %s", p.count, p.error.message);
    }
    check_calls(&p);
    report(&p, restarts);
    life_life_close(p.client);
    harness_signal(&server, SIGTERM);
}

static void each_call_runs_once_whoever_serves(void **state)
{
    (void)state;
    int rounds = harness_is_long() ? 50 : 1;
    for (int i = 0; i < rounds; i++) {
        run_load(20);
    }
}

/* ---- what survives a take-over ------------------------------------------- */

typedef struct napper {
    life_life *client;
    pthread_t thread;
    int status;
    shmrpc_error error;
} napper;

static void *nap(void *user)
{
    napper *n = user;
    n->status = life_life_nap(n->client, 700, NULL, &n->error);
    return NULL;
}

/* A call ends in the worker where it began, although the supervisor of that
 * worker and the next supervisor are gone. */
static void a_call_in_progress_ends_well(void **state)
{
    (void)state;
    char where[96];
    harness_address("life", where);
    child first = serve(where, NULL);
    napper n = {.client = connect_to(where)};
    uint64_t back = 0;
    assert_int_equal(life_life_again(n.client, 1, 0, NULL, &back, NULL), 0);
    assert_int_equal(pthread_create(&n.thread, NULL, nap, &n), 0);
    child second = serve(where, "--take-over");
    child third = serve(where, "--take-over");
    assert_int_equal(life_life_again(n.client, 3, 0, NULL, &back, NULL), 0);
    assert_true(back == 9);
    assert_int_equal(pthread_join(n.thread, NULL), 0);
    if (n.status != SHMRPC_OK) {
        fail_msg("nap: %s", n.error.message);
    }
    assert_int_equal(harness_wait(&first), 0);
    assert_int_equal(harness_wait(&second), 0);
    life_life_close(n.client);
    harness_signal(&third, SIGTERM);
}

static void expect_blob(life_life *client, size_t size, unsigned char with)
{
    static unsigned char data[3 << 20];
    const life_life_blob_reply *reply = NULL;
    shmrpc_error error;
    memset(data, with, size);
    shmrpc_bytes there = {.ptr = data, .len = size};
    if (life_life_blob(client, there, NULL, &reply, &error) != SHMRPC_OK) {
        fail_msg("blob: %s", error.message);
    }
    assert_int_equal(reply->value.len, size);
    assert_memory_equal(reply->value.ptr, data, size);
    life_life_blob_release(reply);
}

/* Lists our own sockets by their inode numbers. */
static void list_sockets(char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (int fd = 0; fd < 256; fd++) {
        char path[64];
        char link[64] = "";
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, link, sizeof link - 1) > 0 &&
            strncmp(link, "socket:", 7) == 0 && len < size) {
            len += (size_t)snprintf(out + len, size - len, "%d %s\n", fd, link);
        }
    }
    assert_true(len > 0 && len < size);
}

/* Memory for large messages passes from one server to the next, and all of it
 * is freed when the client leaves. */
static void large_messages_and_what_is_held_go_along(void **state)
{
    (void)state;
    char where[96];
    harness_address("life", where);
    child server = serve(where, NULL);
    life_life *idle = connect_to(where);
    life_life *client = connect_to(where);
    char sockets[1024];
    char after[1024];
    list_sockets(sockets, sizeof sockets);
    harness_await_watched(server.pid, 2);
    holdings before = harness_holdings(server.pid);
    for (unsigned i = 0; i < 5; i++) {
        expect_blob(client, (size_t)1 << 20, (unsigned char)i);
        expect_blob(client, (size_t)3 << 20, (unsigned char)i);
        restart(&server, where);
        expect_blob(client, (size_t)1 << 19, (unsigned char)i);
    }
    expect_blob(client, (size_t)3 << 20, 77);
    /* No client has reconnected. */
    list_sockets(after, sizeof after);
    assert_string_equal(after, sockets);
    life_life_close(client);
    harness_await_holdings(server.pid, before, PATIENCE);
    expect_blob(idle, (size_t)3 << 20, 78);
    life_life_close(idle);
    harness_signal(&server, SIGTERM);
}

/* When the quota is used up, no further client may connect, but a successor of
 * the server may take over. */
static void a_used_up_quota_keeps_no_successor_out(void **state)
{
    (void)state;
    char where[96];
    uint64_t back = 0;
    life_life *refused = NULL;
    harness_address("life", where);
    child server = serve(where, "--max-connections-per-user=1");
    life_life *client = connect_to(where);
    assert_int_equal(life_life_connect(where, NULL, &refused, NULL),
                     SHMRPC_E_EXHAUSTED);
    restart(&server, where);
    assert_int_equal(life_life_again(client, 5, 0, NULL, &back, NULL), 0);
    life_life_close(client);
    harness_signal(&server, SIGTERM);
}

/* A server started with --take-over starts normally if no server is running. */
static void with_nobody_there_it_just_serves(void **state)
{
    (void)state;
    char where[96];
    uint64_t back = 0;
    harness_address("life", where);
    child server = serve(where, "--take-over");
    life_life *client = connect_to(where);
    assert_int_equal(life_life_again(client, 5, 0, NULL, &back, NULL), 0);
    life_life_close(client);
    harness_signal(&server, SIGTERM);
}

/* A server with another interface is refused, and the running server goes
 * on. */
static void another_interface_takes_nothing_over(void **state)
{
    (void)state;
    char where[96];
    char said[1024];
    char sockets[1024];
    char after[1024];
    uint64_t back = 0;
    harness_address("life", where);
    child server = serve(where, NULL);
    life_life *client = connect_to(where);
    assert_int_equal(life_life_again(client, 6, 0, NULL, &back, NULL), 0);
    list_sockets(sockets, sizeof sockets);
    const char *const arguments[] = {"--listen", where, "--workers=2",
                                     "--take-over", NULL};
    child stranger = harness_start(STRANGER_SERVER, arguments);
    harness_read_line(&stranger, said, sizeof said);
    assert_non_null(strstr(said, "another interface"));
    assert_true(harness_wait(&stranger) > 0);
    harness_read_line(&server, said, sizeof said);
    assert_non_null(strstr(said, "this one goes on"));
    assert_int_equal(life_life_again(client, 7, 0, NULL, &back, NULL), 0);
    assert_true(back == 21);
    list_sockets(after, sizeof after);
    assert_string_equal(after, sockets);
    /* At the next take-over clients don't have to reconnect either. */
    restart(&server, where);
    assert_int_equal(life_life_again(client, 8, 0, NULL, &back, NULL), 0);
    life_life_close(client);
    harness_signal(&server, SIGTERM);
}

static bool has_ended(const child *server)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)server->pid, &info,
                  WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0;
}

/* Makes calls until one succeeds. Returns false if the server has ended and no
 * other has taken its place. */
static bool answers(life_life *client, const child *server, uint64_t number)
{
    uint64_t back = 0;
    shmrpc_error error = {.message = ""};
    shmrpc_opts opts = {.timeout_ns = S / 2};
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (life_life_again(client, number, 0, &opts, &back, &error) !=
           SHMRPC_OK) {
        if (has_ended(server)) {
            return false;
        }
        if (harness_now_ns() > deadline_ns) {
            fail_msg("%s", error.message);
        }
    }
    return back == number * 3;
}

/* A successor is killed at random points, again and again: either the old
 * server continues, or the successor has taken over everything and clients
 * notice when it is killed. */
static void a_successor_that_dies_changes_nothing(void **state)
{
    (void)state;
    char where[96];
    uint64_t number = 10;
    int taken = 0;
    harness_address("life", where);
    child server = serve(where, NULL);
    life_life *client = connect_to(where);
    for (int i = 0; i < (harness_is_long() ? 500 : 12); i++) {
        const char *const arguments[] = {"--listen", where, "--take-over",
                                         "--workers=2", NULL};
        child successor = harness_start(LIFE_SERVER, arguments);
        struct timespec wait = {.tv_nsec = (i * 1700 % 12000) * 1000L};
        (void)nanosleep(&wait, NULL);
        harness_signal(&successor, SIGKILL);
        if (!answers(client, &server, ++number)) {
            assert_int_equal(harness_wait(&server), 0);
            server = serve(where, NULL);
            assert_true(answers(client, &server, number));
            taken++;
        }
    }
    print_message("%d of them had taken over before\n", taken);
    life_life_close(client);
    harness_signal(&server, SIGTERM);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_call_runs_once_whoever_serves, set_up),
        cmocka_unit_test_setup(a_call_in_progress_ends_well, set_up),
        cmocka_unit_test_setup(large_messages_and_what_is_held_go_along,
                               set_up),
        cmocka_unit_test_setup(a_used_up_quota_keeps_no_successor_out, set_up),
        cmocka_unit_test_setup(with_nobody_there_it_just_serves, set_up),
        cmocka_unit_test_setup(another_interface_takes_nothing_over, set_up),
        cmocka_unit_test_setup(a_successor_that_dies_changes_nothing, set_up),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
