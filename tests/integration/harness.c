/* Starts programs as children and observes them from outside. */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

char harness_folder[64];

int64_t harness_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * S + now.tv_nsec;
}

bool harness_is_long(void)
{
    const char *text = getenv("SHMRPC_TEST_LONG");
    return text != NULL && strcmp(text, "1") == 0;
}

void harness_address(const char *name, char out[96])
{
    static unsigned number;
    (void)snprintf(out, 96, "shm://%s@%d-%u", name, (int)getpid(), number++);
}

void harness_tcp_address(uint16_t port, char out[96])
{
    unsigned pid = (unsigned)getpid(); /* has 22 bits */
    (void)snprintf(out, 96, "tcp://127.%u.%u.%u:%u", 64 + (pid >> 16),
                   pid >> 8 & 255, pid & 255, port);
}

/* ---- programs ---- */

static void become(const char *program, const char *const *arguments, int out,
                   pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(out, 1) < 0 || dup2(out, 2) < 0) {
        _exit(126);
    }
    /* exec's type asks for char *, although it does not change the strings. */
    char *argv[32] = {NULL};
    size_t count = 0;
    argv[count++] = strdup(program);
    while (*arguments != NULL && count < sizeof argv / sizeof *argv - 1) {
        argv[count++] = strdup(*arguments++);
    }
    (void)execv(program, argv);
    _exit(127);
}

child harness_start(const char *program, const char *const *arguments)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become(program, arguments, ends[1], parent);
    }
    assert_true(pid > 0);
    (void)close(ends[1]);
    return (child){.pid = pid, .out = ends[0]};
}

/* Reads one byte. Returns false at the end of the output or at the deadline. */
static bool read_byte(const child *c, int64_t deadline_ns, char *out)
{
    int64_t left_ns = deadline_ns - harness_now_ns();
    struct pollfd poll_fd = {.fd = c->out, .events = POLLIN};
    if (left_ns <= 0 || poll(&poll_fd, 1, (int)(left_ns / MS) + 1) != 1) {
        return false;
    }
    return read(c->out, out, 1) == 1;
}

void harness_read_line(child *c, char *out, size_t size)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    size_t len = 0;
    char byte = '\0';
    while (read_byte(c, deadline_ns, &byte) && byte != '\n') {
        if (len + 1 < size) {
            out[len++] = byte;
        }
    }
    out[len] = '\0';
    if (len == 0 && byte != '\n') {
        fail_msg("a program has %s", harness_now_ns() < deadline_ns
                                         ? "ended or closed its output"
                                         : "written no line in time");
    }
}

void harness_discard(const child *c)
{
    struct pollfd poll_fd = {.fd = c->out, .events = POLLIN};
    char bytes[4096];
    while (poll(&poll_fd, 1, 0) == 1 && read(c->out, bytes, sizeof bytes) > 0) {
    }
}

void harness_read_all(child *c, char *out, size_t size)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    size_t len = 0;
    char byte;
    while (read_byte(c, deadline_ns, &byte)) {
        if (len + 1 < size) {
            out[len++] = byte;
        }
    }
    out[len] = '\0';
}

int harness_wait(child *c)
{
    int status = 0;
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR) {
    }
    c->pid = 0;
    (void)close(c->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void harness_signal(child *c, int number)
{
    (void)kill(c->pid, number);
    if (number != SIGSTOP && number != SIGCONT) {
        (void)harness_wait(c);
    }
}

child harness_serve(const char *program, const char *where, const char *threads)
{
    return harness_serve_by(program, where, "0", threads);
}

/* Waits for the line "...: serving at ADDRESS", possibly followed by ", " and
 * more. A gateway may first report that its service is not there yet. */
static void await_service(child *c, const char *program)
{
    static const char said[] = ": serving at ";
    char line[256];
    do {
        harness_read_line(c, line, sizeof line);
    } while (strstr(line, "does not run yet") != NULL);
    const char *at = strstr(line, said);
    if (at == NULL) {
        fail_msg("%s: %s", program, line);
    }
    at += strlen(said);
    (void)snprintf(c->place, sizeof c->place, "%.*s", (int)strcspn(at, ", "),
                   at);
}

/* Over a network, native methods must be allowed by an option. */
static bool is_network(const char *where)
{
    return strncmp(where, "tcp:", 4) == 0 || strncmp(where, "tls:", 4) == 0;
}

static child serve(const char *program, const char *where, const char *workers,
                   const char *threads, const char *option)
{
    const char *arguments[9] = {"--listen", where,       "--workers",
                                workers,    "--threads", threads};
    size_t count = 6;
    if (is_network(where)) {
        arguments[count++] = "--force-insecure-serialisation";
    }
    arguments[count] = option;
    child server = harness_start(program, arguments);
    await_service(&server, program);
    return server;
}

child harness_serve_by(const char *program, const char *where,
                       const char *workers, const char *threads)
{
    return serve(program, where, workers, threads, NULL);
}

child harness_relay(const char *where, uint16_t port, const char *to)
{
    char service[224];
    const char *const arguments[] = {"--force-insecure-serialisation", service,
                                     NULL};
    (void)snprintf(service, sizeof service, "%s:%u=%s",
                   where + strlen("shm://"), port, to);
    /* The leak checker would have to trace its own process, which the sandbox
     * forbids. */
    (void)setenv("ASAN_OPTIONS", "detect_leaks=0:verify_asan_link_order=0", 1);
    child gateway = harness_start(SHMRPC_TCP, arguments);
    (void)unsetenv("ASAN_OPTIONS");
    await_service(&gateway, SHMRPC_TCP);
    return gateway;
}

char harness_shm[] = "shm";
char harness_tcp[] = "tcp";
char harness_unix[] = "unix";
char harness_tls[] = "tls";
char harness_gateway[] = "gateway";

/* Makes certificates (pki.h) in the socket folder, for all tests of the
 * program. */
static void make_certificates(void)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/ca.pem", harness_folder);
    if (access(path, R_OK) != 0) {
        const char *const arguments[] = {harness_folder, NULL};
        child maker = harness_start(PKI, arguments);
        assert_int_equal(harness_wait(&maker), 0);
    }
}

/* Chooses the address at which a server listens. */
static void choose_address(const void *over, const char *name, uint16_t port,
                           char out[96])
{
    static unsigned number;
    if (over == harness_tcp) {
        harness_tcp_address(port, out);
    } else if (over == harness_unix) {
        (void)snprintf(out, 96, "unix://%.40s/%.16s-%u.sock", harness_folder,
                       name, number++);
    } else if (over == harness_tls) {
        make_certificates();
        (void)snprintf(out, 96, "tls://127.0.0.1:0?cert=%.40s/server.pem",
                       harness_folder);
    } else {
        harness_address(name, out);
    }
}

/* Finds the address at which clients connect to a server that listens at
 * `place`. */
static void find_address(const void *over, const char *place, char out[96])
{
    int len = (int)strcspn(place, "?");
    if (over == harness_tls) {
        (void)snprintf(out, 96, "%.*s?ca=%.40s/ca.pem", len, place,
                       harness_folder);
    } else {
        (void)snprintf(out, 96, "%s", place);
    }
}

harness_service harness_serve_with(const void *over, const char *program,
                                   const char *name, uint16_t port,
                                   const char *threads, const char *option)
{
    harness_service s = {.gateway = {.pid = 0}};
    choose_address(over, name, port, s.at);
    s.server = serve(program, s.at, "0", threads, option);
    if (over == harness_gateway) {
        s.gateway = harness_relay(s.at, port, "tcp://:0");
        find_address(over, s.gateway.place, s.where);
    } else {
        find_address(over, over == harness_tls ? s.server.place : s.at,
                     s.where);
    }
    return s;
}

harness_service harness_serve_over(const void *over, const char *program,
                                   const char *name, uint16_t port,
                                   const char *threads)
{
    return harness_serve_with(over, program, name, port, threads, NULL);
}

void harness_end(harness_service *service)
{
    if (service->gateway.pid != 0) {
        harness_signal(&service->gateway, SIGTERM);
    }
    if (service->server.pid != 0) {
        harness_signal(&service->server, SIGTERM);
    }
}

/* ---- observing processes ------------------------------------------------- */

/* Counts the open descriptors whose link text contains `kind`. */
static unsigned count_fds(pid_t pid, const char *kind)
{
    char path[64];
    unsigned count = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL;
         entry = readdir(folder)) {
        char target[256];
        ssize_t len =
            readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        target[len > 0 ? len : 0] = '\0';
        count += len > 0 && strstr(target, kind) != NULL;
    }
    (void)closedir(folder);
    return count;
}

/* Counts shared mappings, except those of statistics: a worker creates these
 * when it starts, and it may start after the first call. */
static unsigned count_maps(pid_t pid)
{
    char line[512];
    unsigned count = 0;
    (void)snprintf(line, sizeof line, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(line, "re");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        count += strstr(line, "/memfd:") != NULL &&
                 strstr(line, "/memfd:shmrpc-stats") == NULL;
    }
    (void)fclose(maps);
    return count;
}

unsigned long harness_rss_kib(pid_t pid)
{
    char path[64];
    char line[256];
    unsigned long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (kib == 0 && fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "VmRSS: %lu kB", &kib);
    }
    (void)fclose(file);
    return kib;
}

holdings harness_holdings(pid_t pid)
{
    return (holdings){count_fds(pid, ""), count_maps(pid)};
}

void harness_await_watched(pid_t supervisor, unsigned workers)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    unsigned watched;
    while ((watched = count_fds(supervisor, "[pidfd]")) != workers) {
        if (harness_now_ns() > deadline_ns) {
            fail_msg("%u of %u workers are watched", watched, workers);
        }
    }
}

void harness_await_holdings(pid_t pid, holdings most, int64_t timeout_ns)
{
    static const struct timespec slice = {.tv_nsec = 2 * MS};
    int64_t deadline_ns = harness_now_ns() + timeout_ns;
    for (;;) {
        holdings now = harness_holdings(pid);
        if (now.fds <= most.fds && now.maps <= most.maps) {
            return;
        }
        if (harness_now_ns() > deadline_ns) {
            fail_msg("%u descriptors and %u mappings, were %u and %u", now.fds,
                     now.maps, most.fds, most.maps);
        }
        /* /proc can only be polled. */
        (void)nanosleep(&slice, NULL);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void harness_list(const char *path, char *out, size_t size)
{
    char *names[256];
    size_t count = 0;
    size_t len = 0;
    DIR *folder = opendir(path);
    out[0] = '\0';
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(folder);
         entry != NULL && count < 256; entry = readdir(folder)) {
        names[count++] = strdup(entry->d_name);
    }
    (void)closedir(folder);
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++) {
        int more = snprintf(out + len, size - len, "%s\n", names[i]);
        len += more > 0 && (size_t)more < size - len ? (size_t)more : 0;
        free(names[i]);
    }
}

/* ---- the program ---- */

/* Removes the socket folder, which has no subfolders. */
static void remove_folder(void)
{
    DIR *folder = opendir(harness_folder);
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL;
         entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
        }
    }
    (void)closedir(folder);
    (void)rmdir(harness_folder);
}

int harness_main(const struct CMUnitTest *tests, size_t count)
{
    (void)snprintf(harness_folder, sizeof harness_folder,
                   "/tmp/shmrpc-integration-XXXXXX");
    if (mkdtemp(harness_folder) == NULL ||
        setenv("SHMRPC_DIR", harness_folder, 1) != 0) {
        (void)fprintf(stderr, "no folder in /tmp\n");
        return EXIT_FAILURE;
    }
    cmocka_set_test_filter(getenv("SHMRPC_TEST_ONLY"));
    int failed =
        _cmocka_run_group_tests("integration", tests, count, NULL, NULL);
    remove_folder();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
