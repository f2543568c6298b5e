/* A server reports that it serves once a worker can serve. If limits prevent
 * that, starting fails with an error that names them. */
#include "workers_common.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ThreadSanitizer adds a thread to each process, which counts against the
 * limit. */
#define IS_THREAD_SANITIZED 0
#if defined(__SANITIZE_THREAD__)
#undef IS_THREAD_SANITIZED
#define IS_THREAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#undef IS_THREAD_SANITIZED
#define IS_THREAD_SANITIZED 1
#endif
#endif

/* A user id that only this test uses, so that its processes can be counted. */
enum { LONELY_ID = 61234 };

typedef struct limits {
    rlim_t descriptors; /* 0: unchanged */
    rlim_t processes;
} limits;

static void set_limit(int which, rlim_t most)
{
    struct rlimit limit = {most, most};
    if (most != 0 && setrlimit((__rlimit_resource_t)which, &limit) != 0) {
        _exit(99);
    }
}

/* Starts the server with these limits, which harness_start can't set. */
static child start_within(const char *where, limits most, const char *workers)
{
    int out[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(out[1], 1);
        (void)dup2(out[1], 2);
        if (most.processes != 0 &&
            (setgroups(0, NULL) != 0 || setgid(LONELY_ID) != 0 ||
             setuid(LONELY_ID) != 0)) {
            _exit(99);
        }
        set_limit(RLIMIT_NPROC, most.processes);
        set_limit(RLIMIT_NOFILE, most.descriptors);
        (void)execl(WORKERS_SERVER, WORKERS_SERVER, "--listen", where, workers,
                    NULL);
        _exit(99);
    }
    (void)close(out[1]);
    return (child){.pid = pid, .out = out[0]};
}

/* Reads until the outcome is known. Returns true if the server serves;
 * otherwise it has ended and printed why. */
static bool serves(child *server, const char *limit)
{
    char line[512];
    bool is_named = false;
    for (;;) {
        harness_read_line(server, line, sizeof line);
        if (strstr(line, "serving at") != NULL) {
            return true;
        }
        is_named = is_named || strstr(line, limit) != NULL;
        const char *said = strstr(line, ": error: ");
        unsigned worker;
        /* After an error about a worker the server goes on. If the server ends,
         * its last error is about the server itself. */
        if (said != NULL &&
            sscanf(said, ": error: can't fork worker %u", &worker) != 1) {
            if (!is_named) {
                fail_msg("%s", line);
            }
            assert_int_equal(harness_wait(server), 1);
            return false;
        }
    }
}

static void too_few_descriptors_are_said_at_the_start(void **state)
{
    (void)state;
    unsigned served = 0;
    unsigned refused = 0;
    for (rlim_t most = 8; served < 3; most++) {
        char where[96];
        harness_address("workers", where);
        limits few = {.descriptors = most};
        child server = start_within(where, few, "--workers=1");
        if (!serves(&server, "RLIMIT_NOFILE")) {
            refused++;
            continue;
        }
        served++;
        assert_true(most < 200);
        harness_signal(&server, SIGTERM);
    }
    assert_true(refused > 0);
}

/* Three processes are the supervisor, its zygote and one worker. */
static void too_few_processes_are_said_at_the_start(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("only root can set limits for another user\n");
        skip();
    }
    if (IS_THREAD_SANITIZED) {
        print_message(
            "ThreadSanitizer adds a thread to each process, which counts "
            "against the limit\n");
        skip();
    }
    assert_int_equal(chown(harness_folder, LONELY_ID, LONELY_ID), 0);
    for (rlim_t most = 1; most <= 4; most++) {
        char where[96];
        harness_address("workers", where);
        limits few = {.processes = most};
        child server = start_within(where, few, "--workers=2");
        assert_int_equal(serves(&server, "RLIMIT_NPROC"), most >= 3);
        if (most >= 3) {
            pid_t pids[MAX_PIDS];
            workers_await(workers_zygote(&server), most == 3 ? 1 : 2, pids);
            harness_signal(&server, SIGTERM);
        }
    }
    assert_int_equal(chown(harness_folder, 0, 0), 0);
}

static void too_few_threads_are_said_at_the_start(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(harness_folder, LONELY_ID, LONELY_ID), 0);
    char where[96];
    harness_address("workers", where);
    limits few = {.processes = 1};
    child server = start_within(where, few, "--workers=0");
    assert_false(serves(&server, "RLIMIT_NPROC"));
    assert_int_equal(chown(harness_folder, 0, 0), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_few_descriptors_are_said_at_the_start),
        cmocka_unit_test(too_few_processes_are_said_at_the_start),
        cmocka_unit_test(too_few_threads_are_said_at_the_start),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
