/* Servers that are killed and started again under load: what their clients
 * get, against what has really run. */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <shmrpc/client.h>

#include "ledger.h"
#include "life_client.h"

enum { CLIENTS = 8, FREE_NUMBERS = LEDGER_CALLS - 1000 };

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

static void clear_book(void)
{
    memset((void *)book, 0, sizeof *book);
}

/* ---- under load ---- */

/* Until the clients have ended some more calls; false: none works any more. */
static bool await_progress(const child *clients, uint32_t more)
{
    static const struct timespec slice = {.tv_nsec = 1 * MS};
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    uint32_t from = atomic_load(&book->ended);
    while (atomic_load(&book->ended) - from < more) {
        bool has_any = false;
        for (int i = 0; i < CLIENTS; i++) {
            siginfo_t info = {.si_pid = 0};
            has_any = has_any || (waitid(P_PID, (id_t)clients[i].pid, &info,
                                         WEXITED | WNOHANG | WNOWAIT) == 0 &&
                                  info.si_pid == 0);
        }
        if (!has_any) {
            return false;
        }
        if (harness_now_ns() > deadline_ns) {
            fail_msg("%u calls in 20 s", atomic_load(&book->ended) - from);
        }
        (void)nanosleep(&slice, NULL);
    }
    return true;
}

typedef struct sums {
    unsigned ok;
    unsigned maybe;
    unsigned repeated;
} sums;

static void check_call(unsigned number, sums *s)
{
    unsigned runs = atomic_load(&book->runs[number]);
    unsigned end = atomic_load(&book->ends[number]);
    bool is_idempotent = number % 2 != 0;
    s->ok += end == LEDGER_OK;
    s->maybe += end == LEDGER_MAYBE_RUN;
    s->repeated += runs > 1;
    if (is_idempotent ? end != LEDGER_OK || runs < 1
                      : runs > 1 || (end == LEDGER_OK && runs != 1) ||
                            (end != LEDGER_OK && end != LEDGER_MAYBE_RUN)) {
        fail_msg("call %u ended as %u, and has run %u times", number, end,
                 runs);
    }
}

/* `signals`: how the servers are ended, in turn. */
static sums run_load(const char *where, const int *signals, size_t signal_count,
                     uint32_t each)
{
    child clients[CLIENTS];
    sums s = {0, 0, 0};
    clear_book();
    child server = harness_serve(LIFE_SERVER, where, "2");
    for (uint32_t i = 0; i < CLIENTS; i++) {
        char first[16];
        char count[16];
        (void)snprintf(first, sizeof first, "%u", i * each);
        (void)snprintf(count, sizeof count, "%u", each);
        const char *const arguments[] = {where, "calls", first, count, NULL};
        clients[i] = harness_start(LIFE_CLIENT, arguments);
    }
    for (size_t i = 0; await_progress(clients, each / 4); i++) {
        harness_signal(&server, signals[i % signal_count]);
        server = harness_serve(LIFE_SERVER, where, "2");
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        char said[512];
        harness_read_all(&clients[i], said, sizeof said);
        if (harness_wait(&clients[i]) != 0) {
            fail_msg("a client: %s", said);
        }
    }
    harness_signal(&server, SIGTERM);
    for (unsigned n = 0; n < CLIENTS * each; n++) {
        check_call(n, &s);
    }
    assert_int_equal(s.ok + s.maybe, CLIENTS * each);
    return s;
}

static uint32_t calls_of_each(void)
{
    return harness_is_long() ? 50000 : 1500;
}

static void killed_under_load_no_call_runs_twice(void **state)
{
    (void)state;
    static const int signals[] = {SIGKILL};
    char where[96];
    harness_address("life", where);
    sums s = run_load(where, signals, 1, calls_of_each());
    print_message("%u calls went well, %u may have run, %u were repeated\n",
                  s.ok, s.maybe, s.repeated);
}

/* What goes over the socket is what goes over TCP. */
static void killed_under_load_at_a_socket_no_call_runs_twice(void **state)
{
    (void)state;
    static const int signals[] = {SIGKILL, SIGTERM};
    char folder[] = "/tmp/shmrpc-restart-XXXXXX";
    char where[96];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(where, sizeof where, "unix://%s/life", folder);
    sums s = run_load(where, signals, 2, calls_of_each() / 3);
    print_message("%u calls went well, %u may have run, %u were repeated\n",
                  s.ok, s.maybe, s.repeated);
    (void)unlink(where + strlen("unix://"));
    (void)strcat(where, ".lock");
    (void)unlink(where + strlen("unix://"));
    assert_int_equal(rmdir(folder), 0);
}

static void ended_in_order_under_load_no_call_is_lost(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT};
    char where[96];
    harness_address("life", where);
    sums s = run_load(where, signals, 2, calls_of_each());
    assert_int_equal(s.maybe, 0);
    assert_int_equal(s.repeated, 0);
}

/* ---- one call that kills its server ---- */

typedef struct keeper {
    pthread_t thread;
    char where[96];
    child server;       /* the thread's */
    atomic_int serving; /* its process id; 0: none */
    atomic_bool stop;
    unsigned starts;
} keeper;

/* Starts the server again as often as it dies. */
static void *keep(void *user)
{
    keeper *k = user;
    for (;;) {
        (void)harness_wait(&k->server);
        atomic_store(&k->serving, 0);
        if (atomic_load(&k->stop)) {
            return NULL;
        }
        k->server = harness_serve(LIFE_SERVER, k->where, "1");
        k->starts++;
        atomic_store(&k->serving, (int)k->server.pid);
    }
}

static life_life *keeper_start(keeper *k)
{
    life_life *client = NULL;
    *k = (keeper){.starts = 0};
    clear_book();
    harness_address("life", k->where);
    k->server = harness_serve(LIFE_SERVER, k->where, "1");
    atomic_store(&k->serving, (int)k->server.pid);
    assert_int_equal(life_life_connect(k->where, NULL, &client, NULL), 0);
    assert_int_equal(pthread_create(&k->thread, NULL, keep, k), 0);
    return client;
}

static void keeper_stop(keeper *k, life_life *client)
{
    shmrpc_error error;
    uint64_t back = 0;
    /* Serves again by now, or soon: then it is known whom to end. */
    if (life_life_again(client, 0, 0, NULL, &back, &error) != 0) {
        fail_msg("%s", error.message);
    }
    life_life_close(client);
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (atomic_load(&k->serving) == 0) {
        assert_true(harness_now_ns() < deadline_ns);
    }
    atomic_store(&k->stop, true);
    (void)kill(atomic_load(&k->serving), SIGKILL);
    (void)pthread_join(k->thread, NULL);
}

static void idempotent_call_outlives_servers_but_not_three(void **state)
{
    (void)state;
    for (uint32_t deaths = 0; deaths <= 3; deaths++) {
        keeper k;
        life_life *client = keeper_start(&k);
        shmrpc_client_stats stats;
        shmrpc_error error = {.message = ""};
        uint64_t back = 0;
        int status = life_life_again(client, 7, deaths, NULL, &back, &error);
        assert_int_equal(status, deaths < 3 ? SHMRPC_OK : SHMRPC_E_SERVER_LOST);
        assert_int_equal(atomic_load(&book->runs[7]),
                         deaths < 3 ? deaths + 1 : 3);
        shmrpc_client_read_stats(client, &stats);
        assert_int_equal(stats.retried, deaths < 3 ? deaths : 2);
        keeper_stop(&k, client);
        assert_int_equal(k.starts, deaths);
    }
}

static void other_call_runs_once_and_says_that_it_may_have(void **state)
{
    (void)state;
    keeper k;
    life_life *client = keeper_start(&k);
    shmrpc_error error;
    uint64_t back = 0;
    assert_int_equal(life_life_once(client, 7, 1, NULL, &back, &error),
                     SHMRPC_E_SERVER_LOST);
    assert_non_null(strstr(error.message, "once"));
    assert_non_null(strstr(error.message, "may have been executed"));
    assert_true(shmrpc_status_may_have_run(error.code));
    assert_int_equal(atomic_load(&book->runs[7]), 1);
    /* And the handle goes on. */
    assert_int_equal(life_life_once(client, 8, 0, NULL, &back, &error), 0);
    assert_int_equal(back, 24);
    keeper_stop(&k, client);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(idempotent_call_outlives_servers_but_not_three,
                               set_up),
        cmocka_unit_test_setup(other_call_runs_once_and_says_that_it_may_have,
                               set_up),
        cmocka_unit_test_setup(killed_under_load_no_call_runs_twice, set_up),
        cmocka_unit_test_setup(killed_under_load_at_a_socket_no_call_runs_twice,
                               set_up),
        cmocka_unit_test_setup(ended_in_order_under_load_no_call_is_lost,
                               set_up),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
