/* Servers are killed and restarted under load: what their clients got is
 * compared with what has really run. restart_keeper.c has the calls that kill
 * their server, restart_faults.c the programs whose system calls fail. */
#include "restart.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <shmrpc/client.h>

#include "life_client.h"

enum { CLIENTS = 8 };

ledger *book;

int restart_set_up(void **state)
{
    (void)state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/ledger", harness_folder);
    (void)setenv("LIFE_LEDGER", path, 1);
    book = ledger_open();
    return book != NULL ? 0 : -1;
}

void restart_clear_book(void)
{
    memset((void *)book, 0, sizeof *book);
}

/* ---- under load ---- */

/* For each client its first call that had not ended at the last check. */
static uint32_t nexts[CLIENTS];

/* Whether the client's call in `nexts` has ended meanwhile. Each kill waits for
 * that, since otherwise the same call could be lost again and again. */
static bool has_gone_on(uint32_t client, uint32_t each)
{
    return nexts[client] == (client + 1) * each ||
           atomic_load(&book->ends[nexts[client]]) != LEDGER_NONE;
}

static bool have_all_gone_on(uint32_t each)
{
    bool all = true;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        all = all && has_gone_on(i, each);
    }
    for (uint32_t i = 0; i < CLIENTS && all; i++) {
        while (nexts[i] < (i + 1) * each && has_gone_on(i, each)) {
            nexts[i]++;
        }
    }
    return all;
}

static bool is_any_alive(const child *clients)
{
    bool any = false;
    for (int i = 0; i < CLIENTS; i++) {
        siginfo_t info = {.si_pid = 0};
        any = any || (waitid(P_PID, (id_t)clients[i].pid, &info,
                             WEXITED | WNOHANG | WNOWAIT) == 0 &&
                      info.si_pid == 0);
    }
    return any;
}

/* Waits until the clients have ended some more calls. Returns false if no
 * client makes calls any more. */
static bool await_progress(const child *clients, const restart_load *load)
{
    static const struct timespec slice = {.tv_nsec = 1 * MS};
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    uint32_t from = atomic_load(&book->ended);
    while (atomic_load(&book->ended) - from < load->between ||
           !have_all_gone_on(load->each)) {
        if (!is_any_alive(clients)) {
            return false;
        }
        if (harness_now_ns() > deadline_ns) {
            fail_msg("%u calls in 20 s", atomic_load(&book->ended) - from);
        }
        (void)nanosleep(&slice, NULL);
    }
    return true;
}

void restart_check_call(unsigned number, restart_sums *s)
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

child restart_start_client(const char *where, const char *what, uint32_t first,
                           uint32_t count)
{
    char numbers[2][16];
    const char *const arguments[] = {where, what, numbers[0], numbers[1], NULL};
    (void)snprintf(numbers[0], sizeof numbers[0], "%u", first);
    (void)snprintf(numbers[1], sizeof numbers[1], "%u", count);
    return harness_start(LIFE_CLIENT, arguments);
}

void restart_await_client(child *client)
{
    char said[512];
    harness_read_all(client, said, sizeof said);
    if (harness_wait(client) != 0) {
        fail_msg("a client: %s", said);
    }
}

static child start_killed(const restart_load *load)
{
    return load->kills_gateway ? harness_relay(load->where, 5803, load->relayed)
                               : harness_serve(LIFE_SERVER, load->where, "2");
}

restart_sums restart_run(const restart_load *load)
{
    child clients[CLIENTS];
    child stays = {.pid = 0};
    restart_sums s = {0, 0, 0};
    const char *where = load->relayed != NULL ? load->relayed : load->where;
    restart_clear_book();
    if (load->kills_gateway) {
        stays = harness_serve(LIFE_SERVER, load->where, "2");
    }
    child killed = start_killed(load);
    if (load->relayed != NULL && !load->kills_gateway) {
        stays = harness_relay(load->where, 5803, load->relayed);
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        nexts[i] = i * load->each;
        clients[i] =
            restart_start_client(where, "calls", i * load->each, load->each);
    }
    for (size_t i = 0; await_progress(clients, load); i++) {
        harness_signal(&killed, load->signals[i % 2]);
        killed = start_killed(load);
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        restart_await_client(&clients[i]);
    }
    if (stays.pid != 0) {
        harness_signal(&stays, SIGTERM);
    }
    harness_signal(&killed, SIGTERM);
    for (unsigned n = 0; n < CLIENTS * load->each; n++) {
        restart_check_call(n, &s);
    }
    assert_int_equal(s.ok + s.maybe, CLIENTS * load->each);
    print_message("%u calls went well, %u may have run, %u were repeated\n",
                  s.ok, s.maybe, s.repeated);
    return s;
}

static uint32_t calls_of_each(void)
{
    return harness_is_long() ? 50000 : 1000;
}

static void killed_under_load_no_call_runs_twice(void **state)
{
    (void)state;
    char where[96];
    uint32_t each = calls_of_each();
    harness_address("life", where);
    (void)restart_run(&(restart_load){.where = where,
                                      .signals = {SIGKILL, SIGKILL},
                                      .each = each,
                                      .between = each / 4});
}

/* A unix socket carries the same protocol as TCP. */
static void killed_under_load_at_a_socket_no_call_runs_twice(void **state)
{
    (void)state;
    uint32_t each = calls_of_each() / 3;
    char folder[] = "/tmp/shmrpc-restart-XXXXXX";
    char where[96];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(where, sizeof where, "unix://%s/life", folder);
    (void)restart_run(&(restart_load){.where = where,
                                      .signals = {SIGKILL, SIGTERM},
                                      .each = each,
                                      .between = each / 4});
    (void)unlink(where + strlen("unix://"));
    (void)strcat(where, ".lock");
    (void)unlink(where + strlen("unix://"));
    assert_int_equal(rmdir(folder), 0);
}

static void ended_in_order_under_load_no_call_is_lost(void **state)
{
    (void)state;
    char where[96];
    uint32_t each = calls_of_each();
    harness_address("life", where);
    restart_sums s = restart_run(&(restart_load){.where = where,
                                                 .signals = {SIGTERM, SIGINT},
                                                 .each = each,
                                                 .between = each / 4});
    assert_int_equal(s.maybe, 0);
    assert_int_equal(s.repeated, 0);
}

/* Over TCP, with a tenth of the calls. Through a gateway, either the gateway or
 * the service is killed; without one, the service itself listens, with
 * threads. */
static void kill_over_tcp(bool has_gateway, bool kills_gateway)
{
    char where[96];
    char tcp[96];
    uint32_t each = calls_of_each() / 10;
    harness_address("life", where);
    harness_tcp_address(5803, tcp);
    (void)restart_run(&(restart_load){.where = has_gateway ? where : tcp,
                                      .relayed = has_gateway ? tcp : NULL,
                                      .kills_gateway = kills_gateway,
                                      .signals = {SIGKILL, SIGKILL},
                                      .each = each,
                                      .between = each});
}

static void killed_under_load_over_tcp_no_call_runs_twice(void **state)
{
    (void)state;
    kill_over_tcp(false, false);
}

static void killed_behind_a_gateway_no_call_runs_twice(void **state)
{
    (void)state;
    kill_over_tcp(true, false);
}

static void gateway_that_is_killed_has_no_call_run_twice(void **state)
{
    (void)state;
    kill_over_tcp(true, true);
}

/* Clients go to the next address of the list when the server at the first one
 * is gone for good. */
static void client_of_a_list_goes_on_over_tcp(void **state)
{
    (void)state;
    enum { EACH = 200 };
    char shm[96];
    char list[224];
    restart_sums s = {0, 0, 0};
    restart_clear_book();
    harness_address("life", shm);
    child first = harness_serve(LIFE_SERVER, shm, "2");
    child second = harness_serve(LIFE_SERVER, "tcp://:0", "2");
    (void)snprintf(list, sizeof list, "%s,%s", shm, second.place);
    child client = restart_start_client(list, "calls", 0, EACH);
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (atomic_load(&book->ended) < EACH / 4) {
        assert_true(harness_now_ns() < deadline_ns);
        (void)sched_yield();
    }
    harness_signal(&first, SIGKILL);
    restart_await_client(&client);
    harness_signal(&second, SIGTERM);
    for (unsigned n = 0; n < EACH; n++) {
        restart_check_call(n, &s);
    }
    assert_in_range(s.ok, EACH - 1, EACH);
}

#define CASE(test) cmocka_unit_test_setup(test, restart_set_up)
#define OVER_TCP                                             \
    CASE(client_of_a_list_goes_on_over_tcp),                 \
        CASE(killed_under_load_over_tcp_no_call_runs_twice), \
        CASE(killed_behind_a_gateway_no_call_runs_twice),    \
        CASE(gateway_that_is_killed_has_no_call_run_twice),  \
        CASE(interrupted_and_short_calls_are_not_noticed),   \
        CASE(full_sockets_are_not_noticed),                  \
        CASE(accept_that_fails_is_tried_again),              \
        CASE(connections_that_are_reset_have_no_call_run_twice)

/* With an argument, runs only the tests over TCP. */
int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        CASE(idempotent_call_outlives_servers_but_not_three),
        CASE(other_call_runs_once_and_says_that_it_may_have),
        CASE(storm_of_retries_costs_a_tenth_more),
        CASE(killed_under_load_no_call_runs_twice),
        CASE(killed_under_load_at_a_socket_no_call_runs_twice),
        OVER_TCP,
        CASE(ended_in_order_under_load_no_call_is_lost),
    };
    static const struct CMUnitTest over_tcp[] = {OVER_TCP};
    (void)argv;
    return argc > 1 ? harness_main(over_tcp, sizeof over_tcp / sizeof *over_tcp)
                    : harness_main(tests, sizeof tests / sizeof *tests);
}
