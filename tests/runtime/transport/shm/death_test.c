/* Deaths of real processes: a client or a server is killed or stopped, and the
 * other processes are checked. */
#include "service.h"

#include "../../../reaction.h"
#include "sync/atomic.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- processes ------------------------------------------------------- */

/* Runs a service in a process of its own; returns when it can be called. */
static pid_t fork_server(const shmrpci_address *address)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = service_fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static service s;
        service_start(&s, address, 2);
        ssize_t sent = write(ready[1], "r", 1);
        (void)sent;
        for (;;) {
            (void)pause();
        }
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return pid;
}

/* Kills the process and waits for its end; checks that it had not ended by
 * itself. */
static void kill_and_reap(pid_t pid)
{
    int status = 0;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Stops the process, and waits until it has stopped, because the signal takes a
 * while to arrive. */
static void stop(pid_t pid)
{
    int status;
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
}

/* ---- the server dies ------------------------------------------------- */

static int64_t time_to_notice(void *user)
{
    (void)user;
    shmrpci_address address = new_address();
    shmrpci_call call = {0};
    pid_t pid = fork_server(&address);
    shmrpci_conn *conn = client_open(&address);
    assert_int_equal(client_send(conn, &call, METHOD_HOLD, "x", 1, 0), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    int64_t start_ns = shmrpci_now_ns();
    int status = conn->transport->client->receive(
        &call, shmrpci_deadline_after(PATIENCE_NS));
    /* UNAVAILABLE if the server died before a worker had taken the call. */
    assert_true(status == SHMRPC_E_SERVER_LOST ||
                status == SHMRPC_E_UNAVAILABLE);
    int64_t took_ns = shmrpci_now_ns() - start_ns;
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    conn->transport->client->disconnect(conn);
    return took_ns;
}

static void killed_server_is_noticed_within_100_ms(void **state)
{
    (void)state;
    expect_reaction(time_to_notice, NULL, 0, 100 * SHMRPCI_NS_PER_MS);
}

static void killed_servers_leave_nothing_and_can_be_followed(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    size_t files = 0;
    int rounds = is_long() ? 1000 : 100;
    for (int i = 0; i < rounds; i++) {
        pid_t pid = fork_server(&address);
        shmrpci_conn *conn = client_open(&address);
        client_echoes(conn, "alive");
        kill_and_reap(pid);
        conn->transport->client->disconnect(conn);
        if (i == 0) {
            files = folder_count();
        }
    }
    assert_int_equal(folder_count(), files);
}

static int64_t connect_to_the_dead(void *address)
{
    shmrpci_conn *conn = NULL;
    shmrpc_error error;
    int64_t start_ns = shmrpci_now_ns();
    assert_int_equal(client_try_open(address, &conn, &error),
                     SHMRPC_E_UNAVAILABLE);
    int64_t took_ns = shmrpci_now_ns() - start_ns;
    assert_non_null(strstr(error.message, folder_path()));
    return took_ns;
}

static void service_of_a_killed_server_is_UNAVAILABLE_at_once(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    kill_and_reap(fork_server(&address));
    expect_reaction(connect_to_the_dead, &address, 0, 100 * SHMRPCI_NS_PER_MS);
}

/* Returns how long after its deadline a call to a stopped server returns. */
static int64_t wait_in_vain(void *user)
{
    shmrpci_conn *conn = user;
    shmrpci_call call = {0};
    assert_int_equal(client_send(conn, &call, METHOD_ECHO, "x", 1, 0), 0);
    int64_t deadline_ns = shmrpci_deadline_after(50 * SHMRPCI_NS_PER_MS);
    assert_int_equal(conn->transport->client->receive(&call, deadline_ns),
                     SHMRPC_E_DEADLINE);
    int64_t late_ns = shmrpci_now_ns() - deadline_ns;
    (void)conn->transport->client->cancel(&call);
    return late_ns;
}

static void stopped_server_costs_the_deadline_and_no_more(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    pid_t pid = fork_server(&address);
    shmrpci_conn *conn = client_open(&address);
    client_echoes(conn, "before");
    stop(pid);
    expect_reaction(wait_in_vain, conn, 0, 100 * SHMRPCI_NS_PER_MS);
    assert_int_equal(kill(pid, SIGCONT), 0);
    client_echoes(conn, "after");
    conn->transport->client->disconnect(conn);
    kill_and_reap(pid);
}

/* ---- clients die ----------------------------------------------------- */

/* Returns the number of a process's descriptors and mappings of our memory. */
static size_t holdings_of(pid_t pid)
{
    size_t count = 0;
    char path[64];
    char line[512];
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    (void)snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        count += strstr(line, "shmrpc-") != NULL;
    }
    (void)fclose(maps);
    return count;
}

/* Returns the lowest of several counts: a single one may include descriptors
 * that the server has just sent and not closed yet. */
static size_t least_holdings_of(pid_t pid)
{
    size_t least = SIZE_MAX;
    for (int i = 0; i < 50; i++) {
        size_t now = holdings_of(pid);
        least = now < least ? now : least;
        (void)sched_yield();
    }
    return least;
}

/* A process that waits for a byte, then connects and calls until it is killed.
 * Forked before this process has threads. */
typedef struct busy_client {
    pid_t pid;
    int go[2];
    int up[2];
} busy_client;

typedef void client_main(const shmrpci_address *address, busy_client *self);

/* Makes calls of all kinds, one after the other. */
static void be_busy(const shmrpci_address *address, busy_client *self)
{
    char byte;
    shmrpci_call held = {0};
    uint32_t large = 300000;
    if (read(self->go[0], &byte, 1) != 1) {
        _exit(0);
    }
    shmrpci_conn *conn = client_open(address);
    (void)client_send(conn, &held, METHOD_HOLD, "x", 1, 0);
    (void)client_call(conn, METHOD_SIZE, &large, sizeof large, 0, NULL);
    ssize_t sent = write(self->up[1], "u", 1);
    (void)sent;
    for (;;) {
        (void)client_call(conn, METHOD_ECHO, "busy", 4, 0, NULL);
    }
}

/* At the first byte sends one call for each of two workers, and at the second
 * byte more calls than they can take. */
static void be_impatient(const shmrpci_address *address, busy_client *self)
{
    static const int counts[] = {2, 30};
    shmrpci_conn *conn = NULL;
    char byte;
    for (size_t i = 0; i < 2 && read(self->go[0], &byte, 1) == 1; i++) {
        conn = conn != NULL ? conn : client_open(address);
        for (int k = 0; k < counts[i]; k++) {
            shmrpci_call call = {0};
            (void)client_send(conn, &call, METHOD_HOLD, "x", 1, 0);
        }
        ssize_t sent = write(self->up[1], "u", 1);
        (void)sent;
    }
    (void)pause();
}

static busy_client fork_client(const shmrpci_address *address,
                               client_main *behave)
{
    busy_client client;
    assert_int_equal(pipe(client.go), 0);
    assert_int_equal(pipe(client.up), 0);
    client.pid = service_fork();
    assert_true(client.pid >= 0);
    if (client.pid == 0) {
        behave(address, &client);
        _exit(0);
    }
    return client;
}

static void client_go(busy_client *client)
{
    char byte;
    assert_int_equal(write(client->go[1], "g", 1), 1);
    assert_int_equal(read(client->up[0], &byte, 1), 1);
}

static void client_close_pipes(busy_client *client)
{
    for (int i = 0; i < 2; i++) {
        (void)close(client->go[i]);
        (void)close(client->up[i]);
    }
}

/* Waits until the server holds at most `most` descriptors and mappings.
 * Meanwhile `other` makes calls, which wake the workers: they must notice that
 * a client is gone. */
static void await_holdings(shmrpci_conn *other, size_t most, int64_t timeout_ns)
{
    int64_t deadline_ns = shmrpci_deadline_after(timeout_ns);
    while (holdings_of(getpid()) > most) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        client_echoes(other, "meanwhile");
    }
}

static void killed_client_leaves_nothing_within_2_s(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    service s;
    busy_client client = fork_client(&address, be_busy);
    service_start(&s, &address, 2);
    shmrpci_conn *other = client_open(&address);
    client_echoes(other, "other");
    size_t before = least_holdings_of(getpid());
    client_go(&client);
    await_count(&s.held, 1);
    assert_true(holdings_of(getpid()) > before);
    kill_and_reap(client.pid);
    atomic_store(&s.released, true);
    await_holdings(other, before, 2 * SHMRPCI_NS_PER_S);
    other->transport->client->disconnect(other);
    service_stop(&s);
    client_close_pipes(&client);
}

/* Waits until the service counts `count` connections. */
static void await_connections(shmrpci_stats_gauges *gauges, uint64_t count)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (shmrpci_load_relaxed(&gauges->connections) != count) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        (void)sched_yield();
    }
}

/* A call that no worker had taken when its client died never runs, although the
 * workers still run other calls of that client and search its slots next. */
static void waiting_calls_of_a_killed_client_do_not_run(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    shmrpci_stats_gauges gauges = {0};
    service s;
    busy_client client = fork_client(&address, be_impatient);
    service_opts.gauges = &gauges;
    service_start(&s, &address, 2);
    service_opts.gauges = NULL;
    shmrpci_conn *other = client_open(&address);
    client_echoes(other, "other");
    size_t before = least_holdings_of(getpid());
    client_go(&client);
    await_count(&s.held, 2);
    client_go(&client);
    kill_and_reap(client.pid);
    await_connections(&gauges, 1); /* the client's connection is gone */
    atomic_store(&s.released, true);
    await_holdings(other, before, PATIENCE_NS);
    assert_int_equal(atomic_load(&s.held), 2);
    other->transport->client->disconnect(other);
    service_stop(&s);
    client_close_pipes(&client);
}

static int64_t echo_on(void *conn)
{
    int64_t start_ns = shmrpci_now_ns();
    client_echoes(conn, "on");
    return shmrpci_now_ns() - start_ns;
}

static void stopped_client_delays_nobody(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    service s;
    busy_client client = fork_client(&address, be_busy);
    service_start(&s, &address, 2);
    shmrpci_conn *other = client_open(&address);
    client_go(&client);
    stop(client.pid);
    expect_reaction(echo_on, other, 0, 10 * SHMRPCI_NS_PER_MS);
    kill_and_reap(client.pid);
    other->transport->client->disconnect(other);
    service_stop(&s);
    client_close_pipes(&client);
}

/* Makes calls of all sizes as fast as it can, until it is killed. */
static void hammer(const shmrpci_address *address, unsigned seed)
{
    static uint8_t body[300000];
    shmrpci_conn *conn = client_open(address);
    for (;;) {
        seed = seed * 1103515245u + 12345u;
        size_t len = (seed >> 16) % (seed % 7 == 0 ? sizeof body : 300);
        shmrpci_call call = {0};
        switch (seed >> 8 & 7) {
        case 0: /* cancelled without waiting for the reply */
            if (client_send(conn, &call, METHOD_ECHO, body, len, 0) == 0) {
                (void)conn->transport->client->cancel(&call);
            }
            break;
        case 1: {
            uint32_t size = (uint32_t)len;
            (void)client_call(conn, METHOD_SIZE, &size, sizeof size, 0, NULL);
            break;
        }
        default:
            (void)client_call(conn, METHOD_ECHO, body, len, len, NULL);
            break;
        }
    }
}

static void clients_killed_at_any_time_leave_nothing(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    pid_t server = fork_server(&address);
    shmrpci_conn *conn = client_open(&address);
    client_echoes(conn, "before");
    size_t before = least_holdings_of(server);
    unsigned rounds = is_long() ? 2000 : 100;
    for (unsigned i = 0; i < rounds; i++) {
        pid_t pid = service_fork();
        if (pid == 0) {
            hammer(&address, i * 7919u + 1u);
        }
        int64_t end_ns =
            shmrpci_deadline_after((i * 7919u % 8000) * SHMRPCI_NS_PER_US);
        do {
            client_echoes(conn, "meanwhile");
        } while (shmrpci_now_ns() < end_ns);
        kill_and_reap(pid);
    }
    int64_t deadline_ns = shmrpci_deadline_after(2 * SHMRPCI_NS_PER_S);
    while (holdings_of(server) > before) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        client_echoes(conn, "after");
    }
    conn->transport->client->disconnect(conn);
    kill_and_reap(server);
}

/* ---- fork ------------------------------------------------------------ */

static void forked_child_gets_FORKED_and_the_parent_goes_on(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    int status;
    pid_t server = fork_server(&address);
    shmrpci_conn *conn = client_open(&address);
    pid_t child = service_fork();
    if (child == 0) {
        _exit(client_call(conn, METHOD_ECHO, "x", 1, 0, NULL) == SHMRPC_E_FORKED
                  ? 7
                  : 8);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    client_echoes(conn, "parent");
    conn->transport->client->disconnect(conn);
    kill_and_reap(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_server_is_noticed_within_100_ms),
        cmocka_unit_test(killed_servers_leave_nothing_and_can_be_followed),
        cmocka_unit_test(service_of_a_killed_server_is_UNAVAILABLE_at_once),
        cmocka_unit_test(stopped_server_costs_the_deadline_and_no_more),
        cmocka_unit_test(killed_client_leaves_nothing_within_2_s),
        cmocka_unit_test(waiting_calls_of_a_killed_client_do_not_run),
        cmocka_unit_test(stopped_client_delays_nobody),
        cmocka_unit_test(clients_killed_at_any_time_leave_nothing),
        cmocka_unit_test(forked_child_gets_FORKED_and_the_parent_goes_on),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
