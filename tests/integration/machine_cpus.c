/* CPUs, CPU time and memory are removed and restored while a service runs. */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

/* A service with one worker, and a client of it. */
typedef struct spot {
    child server;
    pid_t worker;
    workers_workers *client;
    shmrpc_stats *stats;
    cpu_set_t before; /* the CPUs that this test may use */
    size_t cpus[2];
    char group[128]; /* a control group of our own; "": none */
} spot;

static spot it;

static void bind_to(pid_t pid, size_t cpu)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(pid, sizeof one, &one), 0);
}

/* Without a steady tick counter nothing spins. */
static bool has_steady_ticks(void)
{
#if defined(__x86_64__)
    char line[8192];
    bool found = false;
    FILE *file = fopen("/proc/cpuinfo", "re");
    assert_non_null(file);
    while (!found && fgets(line, sizeof line, file) != NULL) {
        found = strstr(line, " nonstop_tsc") != NULL;
    }
    (void)fclose(file);
    return found;
#else
    return true;
#endif
}

static void serve(void)
{
    char where[96];
    pid_t pids[MAX_PIDS];
    harness_address("workers", where);
    it.server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    workers_await(workers_zygote(&it.server), 1, pids);
    it.worker = pids[0];
    it.client = workers_connect(where);
    it.stats = machine_open_stats("workers", where);
}

/* Binds this test to one CPU and the worker to another, the best case for
 * spinning. */
static void spot_open(void)
{
    int count = 0;
    it = (spot){.server = {.out = -1}};
    assert_int_equal(sched_getaffinity(0, sizeof it.before, &it.before), 0);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && count < 2; cpu++) {
        if (CPU_ISSET(cpu, &it.before)) {
            it.cpus[count++] = cpu;
        }
    }
    if (count < 2 || !has_steady_ticks()) {
        print_message("SKIPPED: nobody spins on such CPUs\n");
        skip();
    }
    serve();
    bind_to(0, it.cpus[0]);
    bind_to(it.worker, it.cpus[1]);
}

static bool remove_group(void)
{
    char inner[160];
    (void)snprintf(inner, sizeof inner, "%s/inner", it.group);
    return (rmdir(inner) == 0 || errno == ENOENT) && rmdir(it.group) == 0;
}

int cpus_close(void **state)
{
    (void)state;
    (void)sched_setaffinity(0, sizeof it.before, &it.before);
    workers_workers_close(it.client);
    shmrpc_stats_close(it.stats);
    if (it.server.pid > 0) {
        harness_signal(&it.server, SIGTERM);
    }
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (it.group[0] != '\0' && !remove_group() &&
           harness_now_ns() < deadline_ns) {
        (void)sched_yield(); /* the last process of the group may still be
                              * ending */
    }
    it = (spot){.server = {.out = -1}};
    return 0;
}

static uint64_t spins(void)
{
    shmrpc_snapshot *s = machine_take(it.stats);
    uint64_t count = 0;
    for (uint32_t i = 0; i < shmrpc_snapshot_service(s)->worker_count; i++) {
        count += shmrpc_snapshot_worker(s, i)->spins;
    }
    shmrpc_snapshot_free(s);
    return count;
}

/* Makes at least `calls` calls, for at least `time_ns`. Returns whether the
 * worker has spun meanwhile. It tries to spin before one call in 16, and not if
 * that call was already there when the previous one ended. */
static bool spins_at(int calls, int64_t time_ns)
{
    uint64_t before = spins();
    int64_t end_ns = harness_now_ns() + time_ns;
    for (int i = 0; i < calls || harness_now_ns() < end_ns; i++) {
        workers_expect_echo(it.client, (uint64_t)i);
    }
    return spins() != before;
}

/* Returns how long it takes until the worker spins, or spins no more. Calls
 * follow each other without a pause, so a worker that spins with success does
 * not sleep. A worker that gets no CPU for a while does not spin meanwhile
 * either, so the end of spinning is checked twice. */
static int64_t time_until(bool it_spins)
{
    int64_t began_ns = harness_now_ns();
    int64_t asked_ns = began_ns;
    while (spins_at(40, 20 * MS) != it_spins ||
           (!it_spins && spins_at(100, 100 * MS))) {
        asked_ns = harness_now_ns();
        if (asked_ns - began_ns > PATIENCE) {
            fail_msg("it still %s", it_spins ? "does not spin" : "spins");
        }
    }
    return asked_ns - began_ns;
}

/* `change` takes away what spinning needs, or restores it. The worker stops or
 * resumes spinning within 2 s in the best of several attempts. */
static void expect_to_adapt(void (*change)(bool it_spins))
{
    int64_t best_ns[2] = {INT64_MAX, INT64_MAX};
    (void)time_until(true);
    for (int i = 0; i < 5; i++) {
        for (int it_spins = 0; it_spins < 2; it_spins++) {
            change(it_spins);
            int64_t took_ns = time_until(it_spins);
            if (took_ns < best_ns[it_spins]) {
                best_ns[it_spins] = took_ns;
            }
        }
        if (best_ns[0] <= 2 * S && best_ns[1] <= 2 * S) {
            print_message("spins no more after %lld ms, again after %lld ms\n",
                          (long long)(best_ns[0] / MS),
                          (long long)(best_ns[1] / MS));
            return;
        }
    }
    fail_msg("%lld and %lld ms, expected 2000", (long long)(best_ns[0] / MS),
             (long long)(best_ns[1] / MS));
}

static void bind_worker(bool it_spins)
{
    bind_to(it.worker, it.cpus[it_spins]);
}

void who_is_bound_to_the_callers_cpu_spins_no_more(void **state)
{
    (void)state;
    spot_open();
    expect_to_adapt(bind_worker);
}

static bool write_to(const char *folder, const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_written =
        fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_written;
}

/* If `enough`, does not limit the CPU time of the two processes. Otherwise
 * gives them the time of one CPU, which is not enough for both. */
static bool give_time(bool enough)
{
    return write_to(it.group, "cpu.max",
                    enough ? "max 100000" : "100000 100000") ||
           write_to(it.group, "cpu.cfs_quota_us", enough ? "-1" : "100000");
}

static void limit_worker(bool it_spins)
{
    assert_true(give_time(it_spins));
}

/* Makes a control group, in a hierarchy of version 1 or 2, in which `give` can
 * limit resources, and in it another group for the worker. */
static bool group_open(const char *const roots[2], bool (*give)(bool enough))
{
    char inner[160];
    char pid[16];
    (void)snprintf(pid, sizeof pid, "%d", (int)it.worker);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(it.group, sizeof it.group, "%s/shmrpc-test-%d", roots[i],
                       (int)getpid());
        if (mkdir(it.group, 0755) != 0) {
            continue;
        }
        (void)snprintf(inner, sizeof inner, "%s/inner", it.group);
        if (give(true) && mkdir(inner, 0755) == 0 &&
            write_to(inner, "cgroup.procs", pid)) {
            return true;
        }
        (void)remove_group();
    }
    it.group[0] = '\0';
    print_message("SKIPPED: no control group can be made here\n");
    return false;
}

void who_has_too_little_cpu_time_spins_no_more(void **state)
{
    (void)state;
    static const char *const roots[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup"};
    spot_open();
    if (!group_open(roots, give_time)) {
        skip();
    }
    expect_to_adapt(limit_worker);
}

/* ---- memory ------------------------------------------------------------ */

static bool give_memory(bool enough)
{
    const char *most = enough ? "-1" : "67108864";
    (void)write_to(it.group, "memory.swap.max", "0");
    return write_to(it.group, "memory.max", enough ? "max" : most) ||
           write_to(it.group, "memory.limit_in_bytes", most);
}

/* The kernel kills the worker during a call. The client gets an error, and
 * another worker serves the next call. */
void worker_that_takes_too_much_memory_is_killed_alone(void **state)
{
    (void)state;
    static const char *const roots[] = {"/sys/fs/cgroup/memory",
                                        "/sys/fs/cgroup"};
    uint32_t pid = 0;
    it = (spot){.server = {.out = -1}};
    assert_int_equal(sched_getaffinity(0, sizeof it.before, &it.before), 0);
    serve();
    if (!group_open(roots, give_memory)) {
        skip();
    }
    assert_true(give_memory(false));
    shmrpc_opts opts = {.timeout_ns = PATIENCE};
    assert_int_equal(workers_workers_leak(it.client, 256, &opts, &pid, NULL),
                     SHMRPC_E_WORKER_DIED);
    assert_int_equal(workers_workers_pid(it.client, &opts, &pid, NULL), 0);
    assert_true((pid_t)pid != it.worker);
    workers_await_line(&it.server, "was ended by signal 9");
}
