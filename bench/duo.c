/* Forks and pins the processes of a case, and defines the functions that both
 * of its sides may call (case.h). */
#include "duo.h"

#include <errno.h>
#include <glob.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

enum { CLIENT = 0, SERVER = 1, HANG_SECONDS = 20, STOP_MS = 2000 };

/* How long the processes make calls before they are measured, so that the
 * scheduler can spread them over the CPUs. */
#define SETTLE_NS INT64_C(50000000)

/* The results that the children pass to the parent, in shared memory. */
typedef struct report {
    bench_figures figures;
    char error[BENCH_ERROR_BYTES];
} report;

static report *current;            /* report of the running case */
static int ready_fd[2] = {-1, -1}; /* the server writes a byte when it is
                                    * ready */
/* The CPU of each side: cpus[CLIENT] and cpus[SERVER]. */
static int cpus[2] = {0, 0};
static bool one_cpu = true;

/* ---- for the suites ------------------------------------------------------ */

void bench_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (current != NULL && current->error[0] == '\0') {
        vsnprintf(current->error, sizeof current->error, format, args);
    } else if (current == NULL) {
        fputs("shmrpc-bench: ", stderr);
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
    }
    va_end(args);
    _exit(1);
}

void *bench_alloc(size_t size)
{
    void *const memory = malloc(size);
    if (memory == NULL) {
        bench_fail("out of memory (%zu bytes)", size);
    }
    return memory;
}

void *bench_shared(size_t size)
{
    void *const memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) {
        bench_fail("no shared memory (%zu bytes): %s", size, strerror(errno));
    }
    return memory;
}

void bench_unshare(void *memory, size_t size)
{
    munmap(memory, size);
}

/* Forks a child that dies with this process. Returns its pid, 0 in the child,
 * or -1 if fork() failed. */
static pid_t fork_below(void)
{
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(1);
        }
    }
    return pid;
}

pid_t bench_fork(void)
{
    const pid_t pid = fork_below();
    if (pid < 0) {
        bench_fail("no process: %s", strerror(errno));
    }
    return pid;
}

unsigned bench_free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
        bench_fail("no free port");
    }
    close(fd);
    return ntohs(at.sin_port);
}

void bench_folder_make(char path[BENCH_FOLDER_BYTES])
{
    snprintf(path, BENCH_FOLDER_BYTES, "/tmp/shmrpc-bench-XXXXXX");
    if (mkdtemp(path) == NULL) {
        bench_fail("no folder in /tmp: %s", strerror(errno));
    }
}

void bench_folder_remove(const char *path)
{
    char pattern[BENCH_FOLDER_BYTES + 2];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/*", path);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            unlink(found.gl_pathv[i]);
        }
        globfree(&found);
    }
    rmdir(path);
}

void bench_ready(void)
{
    if (write(ready_fd[1], "r", 1) != 1) {
        bench_fail("the parent is gone");
    }
}

const char *bench_place_name(bench_place place)
{
    switch (place) {
    case BENCH_PLACE_APART:
        return "apart";
    case BENCH_PLACE_TOGETHER:
        return "together";
    case BENCH_PLACE_FREE:
        return "free";
    case BENCH_PLACE_ALONE:
        return "alone";
    }
    return "?";
}

/* ---- places -------------------------------------------------------------- */

/* Whether both CPUs are hardware threads of one core, according to the kernel's
 * topology files. */
static bool same_core(int a, int b)
{
    long core[2] = {-1, -2};
    for (int i = 0; i < 2; i++) {
        char path[96];
        snprintf(path, sizeof path,
                 "/sys/devices/system/cpu/cpu%d/topology/core_id",
                 i == 0 ? a : b);
        FILE *const file = fopen(path, "r");
        if (file != NULL) {
            if (fscanf(file, "%ld", &core[i]) != 1) {
                core[i] = -1 - i;
            }
            fclose(file);
        }
    }
    return core[0] == core[1];
}

void bench_cpus_init(void)
{
    cpu_set_t usable;
    int first = -1;
    int second = -1;
    if (sched_getaffinity(0, sizeof usable, &usable) != 0) {
        return;
    }
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET((size_t)cpu, &usable)) {
            continue;
        }
        if (first < 0) {
            first = cpu;
        } else if (second < 0 || same_core(first, second)) {
            second = cpu;
        }
    }
    one_cpu = second < 0;
    cpus[CLIENT] = first < 0 ? 0 : first;
    cpus[SERVER] = one_cpu ? cpus[CLIENT] : second;
}

int bench_cpu(int side)
{
    return cpus[side];
}

static pid_t busy[2];

void bench_busy_begin(void)
{
    for (int side = 0; side < (one_cpu ? 1 : 2); side++) {
        busy[side] = fork();
        if (busy[side] == 0) {
            cpu_set_t set;
            CPU_ZERO(&set);
            CPU_SET((size_t)cpus[side], &set);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            (void)sched_setaffinity(0, sizeof set, &set);
            for (volatile unsigned i = 0;; i++) {
            }
        }
    }
}

void bench_busy_end(void)
{
    for (int side = 0; side < 2; side++) {
        if (busy[side] > 0) {
            kill(busy[side], SIGKILL);
            waitpid(busy[side], NULL, 0);
            busy[side] = 0;
        }
    }
}

bool bench_has_place(bench_place place)
{
    return place != BENCH_PLACE_APART || !one_cpu;
}

static void take_place(bench_place place, int side)
{
    cpu_set_t set;
    if (place == BENCH_PLACE_FREE) {
        return;
    }
    CPU_ZERO(&set);
    CPU_SET((size_t)cpus[place == BENCH_PLACE_APART ? side : CLIENT], &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
        bench_fail("cannot pin to a CPU: %s", strerror(errno));
    }
}

/* ---- processes ----------------------------------------------------------- */

/* Forks one side of a case, pinned as `place` says; returns 0 in the child. The
 * child dies with this process. */
static pid_t spawn(bench_place place, int side)
{
    const pid_t pid = fork_below();
    if (pid == 0) {
        take_place(place, side);
    }
    return pid;
}

static void await_server(void)
{
    char byte;
    if (read(ready_fd[0], &byte, 1) != 1) {
        bench_fail("the server ended before it was ready");
    }
}

/* Calls until the scheduler has spread the new processes: they begin on one
 * CPU, and moving them takes a while. */
static void settle(const bench_case *c, void *state)
{
    const int64_t end_ns = bench_now_ns() + SETTLE_NS;
    do {
        c->call(state);
    } while (bench_now_ns() < end_ns);
}

__attribute__((noreturn)) static void be_client(const bench_case *c,
                                                bench_place place, void *state,
                                                int64_t budget_ns)
{
    alarm(HANG_SECONDS);
    if (c->serve != NULL) {
        close(ready_fd[1]);
        await_server();
    }
    if (c->dial != NULL) {
        c->dial(state);
    }
    if (place == BENCH_PLACE_FREE && c->spins) {
        settle(c, state);
    }
    bench_measure(c->call, state, budget_ns, &current->figures);
    _exit(0);
}

__attribute__((noreturn)) static void be_server(const bench_case *c,
                                                void *state)
{
    close(ready_fd[0]);
    c->serve(state);
    _exit(0);
}

/* Waits for the child for at most `limit_ms` (-1: forever). */
static bool reap(pid_t pid, int limit_ms, int *status)
{
    const int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    const bool ended = fd < 0 || limit_ms < 0 || poll(&p, 1, limit_ms) == 1;
    if (fd >= 0) {
        close(fd);
    }
    while (ended && waitpid(pid, status, 0) < 0 && errno == EINTR) {
    }
    return ended;
}

static void stop_server(pid_t pid)
{
    int status;
    kill(pid, SIGTERM);
    if (!reap(pid, STOP_MS, &status)) {
        kill(pid, SIGKILL);
        reap(pid, -1, &status);
    }
}

static bool run_pair(const bench_case *c, bench_place place, void *state,
                     int64_t budget_ns)
{
    pid_t server = -1;
    int status = 1;
    if (c->serve != NULL) {
        if (pipe(ready_fd) != 0) {
            bench_fail("no pipe: %s", strerror(errno));
        }
        server = spawn(place, SERVER);
        if (server == 0) {
            be_server(c, state);
        }
    }
    const pid_t client = spawn(place, CLIENT);
    if (client == 0) {
        be_client(c, place, state, budget_ns);
    }
    if (c->serve != NULL) {
        close(ready_fd[0]);
        close(ready_fd[1]);
    }
    if (client > 0) {
        reap(client, -1, &status);
    }
    if (server > 0) {
        stop_server(server);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool bench_run_case(const bench_case *c, bench_place place, int64_t budget_ns,
                    bench_figures *out, char error[BENCH_ERROR_BYTES])
{
    report *const shared = bench_shared(sizeof *shared);
    void *const state = c->setup(c);
    /* Flush first: the children would inherit buffered output and print it
     * again. */
    fflush(NULL);
    current = shared;
    const bool ok = run_pair(c, place, state, budget_ns);
    current = NULL;
    if (c->teardown != NULL) {
        c->teardown(state);
    }
    if (ok) {
        *out = shared->figures;
        if (c->calls > 1) {
            out->p99_ns /= c->calls;
            out->p999_ns /= c->calls;
            out->ops_per_s *= c->calls;
            /* Calls come in bursts, so the mean is used as the time of one
             * call. */
            out->p50_ns = 1e9 / out->ops_per_s;
        }
    } else {
        snprintf(error, BENCH_ERROR_BYTES, "%s",
                 shared->error[0] != '\0' ? shared->error
                                          : "a process hung or died");
    }
    bench_unshare(shared, sizeof *shared);
    return ok;
}
