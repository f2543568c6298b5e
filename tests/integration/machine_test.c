/*
 * Effects of the machine on processes: slow system calls, CPUs that are removed
 * and restored, clocks that jump; and what many connections leave behind.
 *
 *     test_integration_machine_test          runs all tests
 *     test_integration_machine_test soak     makes many connections
 *     test_integration_machine_test clock    is started by the test of clocks
 */
#include "machine.h"

#include "ledger.h"

static int shell(const char *program, const char *const *arguments)
{
    child c = harness_start(program, arguments);
    return harness_wait(&c);
}

shmrpc_stats *machine_open_stats(const char *service, const char *where)
{
    char text[160];
    shmrpc_stats *stats = NULL;
    shmrpc_error error;
    (void)snprintf(text, sizeof text, "shm://%s%s", service,
                   strchr(where, '@'));
    uint16_t port = strcmp(service, "life") == 0 ? 5803 : 5811;
    if (shmrpc_stats_open(text, port, NULL, &stats, &error) != 0) {
        fail_msg("%s", error.message);
    }
    return stats;
}

shmrpc_snapshot *machine_take(shmrpc_stats *stats)
{
    shmrpc_snapshot *snapshot = NULL;
    shmrpc_error error;
    if (shmrpc_stats_read(stats, &snapshot, &error) != 0) {
        fail_msg("%s", error.message);
    }
    return snapshot;
}

/* ---- slow system calls --------------------------------------------------- */

#define DELAYED                                                             \
    "futex,sendmsg,recvmsg,epoll_wait,epoll_pwait,epoll_pwait2,write,poll," \
    "ppoll"

enum { CLIENTS = 4, MOST_CLIENTS = 16, EACH = 30 };

/* The delays of system calls of a server and of its clients. If there are as
 * many clients as workers, some worker sleeps in each call; if there are more
 * clients, workers seldom sleep. */
typedef struct delay {
    uint32_t clients;
    const char *profile;
    const char *server;
    const char *client;
} delay;

static ledger *book;

/* Starts a program whose system calls are delayed; the tracer is its
 * grandchild. `how` NULL: they are not delayed. */
static child start_slow(const char *how, const char *program,
                        const char *const *arguments)
{
    char inject[160];
    const char *all[16] = {"-D", "-f",        "-qq",  "--seccomp-bpf",
                           "-o", "/dev/null", "-e",   "trace=" DELAYED,
                           "-e", inject,      program};
    size_t count = 11;
    if (how == NULL) {
        return harness_start(program, arguments);
    }
    (void)snprintf(inject, sizeof inject, "inject=" DELAYED ":%s", how);
    while (*arguments != NULL) {
        assert_true(count < sizeof all / sizeof *all - 1);
        all[count++] = *arguments++;
    }
    return harness_start(STRACE, all);
}

/* Makes an empty ledger. */
static void open_book(void)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/ledger", harness_folder);
    (void)setenv("LIFE_LEDGER", path, 1);
    book = book != NULL ? book : ledger_open();
    assert_non_null(book);
    memset((void *)book, 0, sizeof *book);
}

static void expect_all_ran_once(uint32_t clients)
{
    for (unsigned n = 0; n < clients * EACH; n++) {
        if (atomic_load(&book->runs[n]) != 1 ||
            atomic_load(&book->ends[n]) != LEDGER_OK) {
            fail_msg("call %u ended as %u, and has run %u times", n,
                     atomic_load(&book->ends[n]), atomic_load(&book->runs[n]));
        }
    }
}

static void call_from_all(const delay *d, const char *where)
{
    child clients[MOST_CLIENTS];
    for (uint32_t i = 0; i < d->clients; i++) {
        char first[16];
        char count[16];
        (void)snprintf(first, sizeof first, "%u", i * EACH);
        (void)snprintf(count, sizeof count, "%u", (unsigned)EACH);
        const char *const arguments[] = {where, "calls", first, count, NULL};
        clients[i] = start_slow(d->client, LIFE_CLIENT, arguments);
    }
    for (uint32_t i = 0; i < d->clients; i++) {
        char said[512];
        harness_read_all(&clients[i], said, sizeof said);
        if (harness_wait(&clients[i]) != 0) {
            fail_msg("a client: %s", said);
        }
    }
}

/* Waits until all clients have left, and so have reported their rescued
 * wake-ups. Returns the number of these. */
static uint64_t rescued_in(shmrpc_stats *stats)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    for (;;) {
        shmrpc_snapshot *s = machine_take(stats);
        const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
        uint64_t connections = service->connections;
        uint64_t rescued = service->rescued_wakeups;
        shmrpc_snapshot_free(s);
        if (connections == 0) {
            return rescued;
        }
        if (harness_now_ns() > deadline_ns) {
            fail_msg("%llu connections are left",
                     (unsigned long long)connections);
        }
    }
}

/* Checks that every call is answered once and within its deadline. Returns how
 * many wake-ups had to be rescued. */
static uint64_t rescued_with(const delay *d)
{
    char where[96];
    char line[256];
    harness_address("life", where);
    open_book();
    const char *const arguments[] = {"-l", where, "-w2", d->profile, NULL};
    child server = start_slow(d->server, LIFE_SERVER, arguments);
    harness_read_line(&server, line, sizeof line);
    if (strstr(line, "serving at") == NULL) {
        fail_msg("%s", line);
    }
    shmrpc_stats *stats = machine_open_stats("life", where);
    call_from_all(d, where);
    expect_all_ran_once(d->clients);
    uint64_t rescued = rescued_in(stats);
    shmrpc_stats_close(stats);
    harness_signal(&server, SIGTERM);
    return rescued;
}

/* A process that gets no CPU for 20 ms at the wrong moment looks like a lost
 * wake-up, but that is rare. If the ring for a request, or the wake-up for a
 * reply, really got lost, each run would have a dozen rescues. */
static void late_system_calls_lose_no_wake_up(void **state)
{
    (void)state;
    enum { FEW = 3 };
    static const delay delays[] = {
        {1, "-ppower", "delay_exit=5000", "delay_exit=5000"},
        {2, "-ppower", "delay_enter=2000:when=1+2", "delay_enter=2000"},
        {CLIENTS, "-pbalanced", "delay_exit=9000:when=2+3",
         "delay_exit=2000:when=1+2"},
    };
    static const char *const nothing[] = {"-f", "-o", "/dev/null", "true",
                                          NULL};
    if (IS_SANITIZED || shell(STRACE, nothing) != 0) {
        print_message("SKIPPED: strace can't trace programs here\n");
        skip();
    }
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        uint64_t rescued = rescued_with(&delays[i]);
        for (int again = 0; rescued > FEW && again < 5; again++) {
            print_message("%llu rescued; once more\n",
                          (unsigned long long)rescued);
            rescued = rescued_with(&delays[i]);
        }
        assert_in_range(rescued, 0, FEW);
    }
}

/* ---- more processes than CPUs ------------------------------------------ */

static unsigned long switches(pid_t pid)
{
    char line[256];
    unsigned long sum = 0;
    (void)snprintf(line, sizeof line, "/proc/%d/status", (int)pid);
    FILE *file = fopen(line, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long count = 0;
        if (sscanf(line, "voluntary_ctxt_switches: %lu", &count) == 1) {
            sum += count;
        }
    }
    (void)fclose(file);
    return sum;
}

/* Waits until workers without calls no longer wake up; the end of a client may
 * still wake them. */
static void await_rest(const pid_t *workers, size_t count)
{
    static const struct timespec look = {.tv_nsec = 100 * MS};
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    unsigned long before = 0;
    unsigned long after = 1;
    while (after != before) {
        assert_true(harness_now_ns() < deadline_ns);
        before = after = 0;
        for (size_t i = 0; i < count; i++) {
            before += switches(workers[i]);
        }
        (void)nanosleep(&look, NULL);
        for (size_t i = 0; i < count; i++) {
            after += switches(workers[i]);
        }
    }
}

/* All calls of 16 clients to four workers are answered once, and then no
 * process uses a CPU. The speed is measured by the benchmark. */
static void more_processes_than_cpus_are_all_served(void **state)
{
    (void)state;
    const delay d = {.clients = MOST_CLIENTS};
    char where[96];
    pid_t pids[MAX_PIDS];
    harness_address("life", where);
    open_book();
    child server = harness_serve_by(LIFE_SERVER, where, "4", "1");
    workers_await(workers_zygote(&server), 4, pids);
    shmrpc_stats *stats = machine_open_stats("life", where);
    call_from_all(&d, where);
    expect_all_ran_once(d.clients);
    (void)rescued_in(stats); /* all clients have left */
    if (!IS_SANITIZED) {     /* sanitizers have threads of their own */
        await_rest(pids, 4);
    }
    shmrpc_stats_close(stats);
    harness_signal(&server, SIGTERM);
}

/* ---- what connections leave behind --------------------------------------- */

/* Private memory of a process in KiB, and its descriptors and mappings. */
typedef struct weight {
    pid_t pid;
    size_t kib;
    holdings held;
} weight;

static size_t own_kib(pid_t pid)
{
    char line[256];
    size_t kib = 0;
    (void)snprintf(line, sizeof line, "/proc/%d/status", (int)pid);
    FILE *file = fopen(line, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL &&
           sscanf(line, "RssAnon: %zu", &kib) != 1) {
    }
    (void)fclose(file);
    return kib;
}

static void come_and_go(const char *where, unsigned number)
{
    static uint8_t data[2 << 20];
    static const size_t sizes[] = {10, 10000, 300000, sizeof data};
    const workers_workers_blob_reply *reply = NULL;
    shmrpc_error error;
    workers_workers *client = workers_connect(where);
    workers_expect_echo(client, number);
    size_t size = sizes[number % 4];
    if (workers_workers_blob(client, shmrpc_bytes_of(data, size), NULL, &reply,
                             &error) != 0) {
        fail_msg("blob: %s", error.message);
    }
    assert_int_equal(reply->value.len, size);
    workers_workers_blob_release(reply);
    workers_workers_close(client);
}

/* Connects and closes at least `cycles` times, and for at least `seconds`
 * seconds. Returns how often it has done so. */
static unsigned come_and_go_for(const char *where, unsigned cycles, int seconds)
{
    unsigned done = 0;
    int64_t end_ns = harness_now_ns() + seconds * S;
    while (done < cycles || harness_now_ns() < end_ns) {
        come_and_go(where, done++);
    }
    return done;
}

static void weigh(weight *weights, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        weights[i].kib = own_kib(weights[i].pid);
        weights[i].held = harness_holdings(weights[i].pid);
    }
}

static void connections_leave_nothing(void **state)
{
    (void)state;
    enum { PROCESSES = 5, MOST_KIB = 1024 };
    const char *soak = getenv("SHMRPC_TEST_SOAK");
    int seconds = soak != NULL ? (int)strtol(soak, NULL, 10) : 0;
    char where[96];
    pid_t pids[MAX_PIDS];
    weight before[PROCESSES] = {{.pid = getpid()}};
    weight after[PROCESSES];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "2", "1");
    pid_t zygote = workers_zygote(&server);
    workers_await(zygote, 2, pids);
    harness_await_watched(server.pid, 2);
    before[1].pid = server.pid;
    before[2].pid = zygote;
    before[3].pid = pids[0];
    before[4].pid = pids[1];
    (void)come_and_go_for(where, 40, seconds / 20);
    weigh(before, PROCESSES);
    unsigned cycles = come_and_go_for(where, 200, seconds);
    for (size_t i = 0; i < PROCESSES; i++) {
        harness_await_holdings(before[i].pid, before[i].held, PATIENCE);
    }
    memcpy(after, before, sizeof after);
    weigh(after, PROCESSES);
    for (size_t i = 0; i < PROCESSES; i++) {
        if (seconds > 0) {
            print_message("process %zu after %u cycles: %zu KiB, was %zu\n", i,
                          cycles, after[i].kib, before[i].kib);
        }
        /* A sanitizer keeps freed memory. */
        if (!IS_SANITIZED && after[i].kib > before[i].kib + MOST_KIB) {
            fail_msg("process %zu: %zu KiB after %u cycles, was %zu", i,
                     after[i].kib, cycles, before[i].kib);
        }
    }
    harness_signal(&server, SIGTERM);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_system_calls_lose_no_wake_up),
        cmocka_unit_test_teardown(who_is_bound_to_the_callers_cpu_spins_no_more,
                                  cpus_close),
        cmocka_unit_test_teardown(who_has_too_little_cpu_time_spins_no_more,
                                  cpus_close),
        cmocka_unit_test(clocks_may_jump),
        cmocka_unit_test(more_processes_than_cpus_are_all_served),
        cmocka_unit_test_teardown(
            worker_that_takes_too_much_memory_is_killed_alone, cpus_close),
        cmocka_unit_test(connections_leave_nothing),
    };
    static const struct CMUnitTest soak[] = {
        cmocka_unit_test(connections_leave_nothing)};
    static const struct CMUnitTest clock[] = {
        cmocka_unit_test(jumps_of_the_clock_change_nothing)};
    if (argc > 1) {
        return harness_main(strcmp(argv[1], "soak") == 0 ? soak : clock, 1);
    }
    return harness_main(tests, sizeof tests / sizeof *tests);
}
