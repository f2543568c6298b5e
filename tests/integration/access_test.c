/* Permissions to connect and to call methods, tested with processes that switch
 * to another user. */
#include "workers_common.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALICE = 61001, BOB = 61002, STAFF = 61100, GUESTS = 61101 };

/* The results of connect, echo, pid and sum for another user, in this order. If
 * connect fails, the others stay 1. */
typedef struct outcome {
    int connected;
    int echo;
    int pid;
    int sum;
} outcome;

static child serve(const char *where, const char *const *options)
{
    char line[512];
    const char *arguments[16] = {"--listen", where, "--workers=1"};
    size_t count = 3;
    while (*options != NULL) {
        arguments[count++] = *options++;
    }
    child server = harness_start(WORKERS_SERVER, arguments);
    harness_read_line(&server, line, sizeof line);
    if (strstr(line, "serving at") == NULL) {
        fail_msg("%s", line);
    }
    return server;
}

static outcome call_all(const char *where)
{
    uint64_t number;
    uint32_t pid;
    workers_workers *client = NULL;
    outcome out = {0, 1, 1, 1};
    shmrpc_opts opts = {.timeout_ns = PATIENCE};
    out.connected = workers_workers_connect(where, &opts, &client, NULL);
    if (out.connected == SHMRPC_OK) {
        out.echo = workers_workers_echo(client, 1, NULL, &number, NULL);
        out.pid = workers_workers_pid(client, NULL, &pid, NULL);
        out.sum = workers_workers_sum(client, NULL, &number, NULL);
        workers_workers_close(client);
    }
    return out;
}

/* Makes the calls in a process with this user, this group, and one more
 * group. */
static outcome as(uid_t uid, gid_t gid, gid_t other, const char *where)
{
    int ends[2];
    outcome out = {1, 1, 1, 1};
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (setgroups(1, &other) != 0 || setgid(gid) != 0 || setuid(uid) != 0) {
            _exit(2);
        }
        out = call_all(where);
        _exit(write(ends[1], &out, sizeof out) != sizeof out);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &out, sizeof out), sizeof out);
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return out;
}

static int set_up(void **state)
{
    (void)state;
    /* Other users must be able to reach the socket. */
    return chmod(harness_folder, 0755);
}

static void skip_unless_root(void)
{
    if (getuid() != 0) {
        print_message("only root can be somebody else\n");
        skip();
    }
}

static void others_may_not_connect_unless_listed(void **state)
{
    (void)state;
    skip_unless_root();
    char where[96];
    harness_address("workers", where);
    const char *const options[] = {"--allowed-users=61001",
                                   "--allowed-groups=61100", NULL};
    child server = serve(where, options);
    assert_int_equal(as(ALICE, GUESTS, GUESTS, where).echo, SHMRPC_OK);
    assert_int_equal(as(BOB, GUESTS, GUESTS, where).connected, SHMRPC_E_DENIED);
    assert_int_equal(as(BOB, STAFF, GUESTS, where).echo, SHMRPC_OK);
    assert_int_equal(as(BOB, GUESTS, STAFF, where).echo, SHMRPC_OK);
    assert_int_equal(call_all(where).echo, SHMRPC_OK);
    harness_signal(&server, SIGTERM);
}

static void methods_may_be_for_some_only(void **state)
{
    (void)state;
    skip_unless_root();
    char where[96];
    harness_address("workers", where);
    const char *const options[] = {"--allowed-users=61001,61002",
                                   "--allow=pid=61001", "--allow=sum=@61100",
                                   NULL};
    child server = serve(where, options);
    for (int i = 0; i < 2; i++) {
        outcome alice = as(ALICE, GUESTS, GUESTS, where);
        assert_int_equal(alice.echo, SHMRPC_OK);
        assert_int_equal(alice.pid, SHMRPC_OK);
        assert_int_equal(alice.sum, SHMRPC_E_DENIED);
        outcome bob = as(BOB, GUESTS, STAFF, where);
        assert_int_equal(bob.echo, SHMRPC_OK);
        assert_int_equal(bob.pid, SHMRPC_E_DENIED);
        assert_int_equal(bob.sum, SHMRPC_OK);
        assert_int_equal(call_all(where).sum, SHMRPC_OK);
        if (i == 0) {
            /* The server that takes over has the same rules. */
            const char *const again[] = {options[0], options[1], options[2],
                                         "--take-over", NULL};
            child before = server;
            server = serve(where, again);
            assert_int_equal(harness_wait(&before), 0);
        }
    }
    harness_signal(&server, SIGTERM);
}

/* The lists of the new server apply, whatever those of the old one were. */
static void a_successor_may_let_others_in(void **state)
{
    (void)state;
    skip_unless_root();
    char where[96];
    harness_address("workers", where);
    const char *const first[] = {NULL};
    const char *const second[] = {"--allowed-users=61001", "--take-over", NULL};
    child before = serve(where, first);
    assert_int_equal(as(ALICE, GUESTS, GUESTS, where).connected,
                     SHMRPC_E_DENIED);
    child server = serve(where, second);
    assert_int_equal(harness_wait(&before), 0);
    assert_int_equal(as(ALICE, GUESTS, GUESTS, where).echo, SHMRPC_OK);
    assert_int_equal(as(BOB, GUESTS, GUESTS, where).connected, SHMRPC_E_DENIED);
    harness_signal(&server, SIGTERM);
}

/* A misspelt name must not silently become a rule that matches nobody. */
static void unknown_names_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"--allow=no_such_method=root", "no_such_method"},
        {"--allow=echo=no-such-user", "no such user"},
        {"--allowed-groups=no-such-group", "no such group"},
        {"--allowed-users=no-such-user", "no such user"},
        {"--allowed-users=65534", "65534 (nobody)"},
        {"--allow=echo=65534", "65534 (nobody)"},
        {"--allow=echo", "METHOD=NAMES"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char where[96];
        char said[4096];
        harness_address("workers", where);
        const char *const arguments[] = {"--listen", where, wrong[i][0], NULL};
        child server = harness_start(WORKERS_SERVER, arguments);
        harness_read_all(&server, said, sizeof said);
        int status = harness_wait(&server);
        if (status == 0 || strstr(said, wrong[i][1]) == NULL) {
            fail_msg("%s: %d, %s", wrong[i][0], status, said);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(others_may_not_connect_unless_listed, set_up),
        cmocka_unit_test_setup(methods_may_be_for_some_only, set_up),
        cmocka_unit_test_setup(a_successor_may_let_others_in, set_up),
        cmocka_unit_test(unknown_names_are_refused),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
