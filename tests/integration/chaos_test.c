/*
 * Workers are killed every 5 to 50 ms under load: the service is never without
 * a worker for long, and no call gets a wrong answer. A request that kills its
 * workers delays other calls by at most a second.
 *
 * With an argument (`ctest -L long`) it runs for a minute, and for a million
 * calls.
 */
#include "workers_common.h"

#include <poll.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "../reaction.h"

enum { CALLERS = 3 };

static bool is_long;

/* The longest time without a worker, including the start of the next one. */
#define GAP_NS (1100 * MS)

typedef struct chaos {
    char where[96];
    child server;
    atomic_bool is_over;
    atomic_llong answered_ns; /* the last answer, by any worker */
    atomic_llong gap_ns;      /* the longest time between two answers */
    atomic_llong lost_ns;     /* sum of the delays that exceeded LATE_NS */
    atomic_ullong answered;
    atomic_ullong died;
    atomic_ullong refused;
    atomic_int wrong; /* a status that no caller may get */
    pthread_t callers[CALLERS];
    int reader_fd;
} chaos;

/* Shorter gaps between answers don't count as lost time, because on a busy
 * machine a call occasionally takes this long. */
#define LATE_NS (20 * MS)

static void note_answer(chaos *c)
{
    int64_t now_ns = harness_now_ns();
    int64_t gap_ns = now_ns - atomic_exchange(&c->answered_ns, now_ns);
    long long longest = atomic_load(&c->gap_ns);
    while (gap_ns > longest &&
           !atomic_compare_exchange_weak(&c->gap_ns, &longest, gap_ns)) {
    }
    if (gap_ns > LATE_NS) {
        atomic_fetch_add(&c->lost_ns, gap_ns);
    }
    atomic_fetch_add(&c->answered, 1);
}

static void *call_on(void *user)
{
    chaos *c = user;
    workers_workers *client = workers_connect(c->where);
    shmrpc_opts opts = {.timeout_ns = PATIENCE};
    for (uint64_t i = 1; !atomic_load(&c->is_over); i++) {
        uint64_t back = 0;
        int status = workers_workers_echo(client, i, &opts, &back, NULL);
        if (status == SHMRPC_OK && back == i) {
            note_answer(c);
        } else if (status == SHMRPC_E_WORKER_DIED) {
            atomic_fetch_add(&c->died, 1);
        } else if (status == SHMRPC_E_UNAVAILABLE) {
            atomic_fetch_add(&c->refused, 1);
        } else {
            atomic_store(&c->wrong, status == SHMRPC_OK ? 1 : status);
        }
    }
    workers_workers_close(client);
    return NULL;
}

static void begin(chaos *c, const char *workers)
{
    *c = (chaos){.is_over = false};
    harness_address("workers", c->where);
    c->server = harness_serve_by(WORKERS_SERVER, c->where, workers, "1");
    atomic_store(&c->answered_ns, harness_now_ns());
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_create(&c->callers[i], NULL, call_on, c), 0);
    }
}

static void end(chaos *c)
{
    atomic_store(&c->is_over, true);
    for (int i = 0; i < CALLERS; i++) {
        (void)pthread_join(c->callers[i], NULL);
    }
    harness_signal(&c->server, SIGTERM);
    assert_int_equal(atomic_load(&c->wrong), 0);
}

/* Reads the server's output, because the server blocks when the pipe is
 * full. */
static void *read_on(void *user)
{
    char text[4096];
    const chaos *c = user;
    struct pollfd out = {.fd = c->reader_fd, .events = POLLIN};
    while (!atomic_load(&c->is_over)) {
        if (poll(&out, 1, 50) > 0 && read(out.fd, text, sizeof text) <= 0) {
            break;
        }
    }
    (void)close(out.fd);
    return NULL;
}

/* Keeps the load running for this long. */
static void let_it_run(int64_t ns)
{
    struct timespec pause = {.tv_nsec = (long)ns};
    (void)nanosleep(&pause, NULL);
}

static unsigned kill_for(chaos *c, pid_t zygote, int64_t ns, uint64_t calls)
{
    unsigned kills = 0;
    unsigned seed = (unsigned)harness_now_ns();
    pid_t pids[MAX_PIDS];
    int64_t end_ns = harness_now_ns() + ns;
    int64_t never_ns = end_ns + ns * 9;
    while (harness_now_ns() < end_ns || atomic_load(&c->answered) < calls) {
        if (harness_now_ns() > never_ns) {
            fail_msg("%llu calls answered",
                     (unsigned long long)atomic_load(&c->answered));
        }
        let_it_run((5 + rand_r(&seed) % 46) * MS);
        size_t count = workers_children(zygote, pids);
        if (count > 0) {
            kills += kill(pids[(size_t)rand_r(&seed) % count], SIGKILL) == 0;
        }
    }
    return kills;
}

static int64_t longest_gap(void *user)
{
    (void)user;
    chaos c;
    pthread_t reader;
    begin(&c, "3");
    pid_t zygote = workers_zygote(&c.server);
    /* A copy, because the harness closes the original while the thread reads
     * it. */
    c.reader_fd = dup(c.server.out);
    assert_int_equal(pthread_create(&reader, NULL, read_on, &c), 0);
    int64_t began_ns = harness_now_ns();
    unsigned kills = is_long ? kill_for(&c, zygote, 60 * S, 1000000)
                             : kill_for(&c, zygote, 300 * MS, 1);
    int64_t took_ns = harness_now_ns() - began_ns;
    int64_t gap_ns = atomic_load(&c.gap_ns);
    print_message(
        "%.1f s, %u workers killed: %llu calls answered, %llu died "
        "with their worker, %llu refused; longest gap %.1f ms, %.1f %% "
        "of the time in gaps above %d ms\n",
        (double)took_ns / 1e9, kills,
        (unsigned long long)atomic_load(&c.answered),
        (unsigned long long)atomic_load(&c.died),
        (unsigned long long)atomic_load(&c.refused), (double)gap_ns / 1e6,
        100.0 * (double)atomic_load(&c.lost_ns) / (double)took_ns,
        (int)(LATE_NS / MS));
    end(&c);
    (void)pthread_join(reader, NULL);
    return gap_ns;
}

static void service_is_never_without_workers_for_long(void **state)
{
    (void)state;
    if (is_long) {
        assert_true(longest_gap(NULL) <= GAP_NS);
    } else {
        expect_reaction(longest_gap, NULL, 0, GAP_NS);
    }
}

/* Returns the total time without answers for one request that kills its
 * worker. */
static int64_t delay_by_poison(void *user)
{
    chaos *c = user;
    workers_workers *client = workers_connect(c->where);
    atomic_store(&c->lost_ns, 0);
    assert_int_equal(workers_workers_crash_again(client, NULL, NULL),
                     SHMRPC_E_WORKER_DIED);
    uint64_t answered = atomic_load(&c->answered);
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (atomic_load(&c->answered) < answered + 100) {
        assert_true(harness_now_ns() < deadline_ns);
        let_it_run(1 * MS);
    }
    workers_workers_close(client);
    return atomic_load(&c->lost_ns);
}

static void poison_delays_others_by_a_second_at_most(void **state)
{
    (void)state;
    static const char *const workers[] = {"1", "2"};
    for (size_t i = 0; i < 2; i++) {
        chaos c;
        pthread_t reader;
        begin(&c, workers[i]);
        /* A copy, because the harness closes the original while the thread
         * reads it. */
        c.reader_fd = dup(c.server.out);
        assert_int_equal(pthread_create(&reader, NULL, read_on, &c), 0);
        expect_reaction(delay_by_poison, &c, 0, 1 * S);
        print_message("%s worker(s): longest gap %.1f ms\n", workers[i],
                      (double)atomic_load(&c.gap_ns) / 1e6);
        end(&c);
        (void)pthread_join(reader, NULL);
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    is_long = argc > 1;
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(service_is_never_without_workers_for_long),
        cmocka_unit_test(poison_delays_others_by_a_second_at_most),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
