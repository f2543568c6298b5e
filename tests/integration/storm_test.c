/* Signals interrupt every system call of client and server, a thousand times a
 * second and without SA_RESTART; descriptors run out; servers answer
 * wrongly. */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ledger.h"
#include "life_client.h"

static volatile sig_atomic_t signals;

static void count(int number)
{
    (void)number;
    signals++;
}

static void storm(bool begin)
{
    struct sigaction action = {.sa_handler = count};
    struct itimerval often = {{0, 1000}, {0, 1000}};
    struct itimerval never = {{0, 0}, {0, 0}};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, begin ? &often : &never, NULL), 0);
}

static harness_service serve(const void *over)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/ledger", harness_folder);
    (void)setenv("LIFE_LEDGER", path, 1);
    (void)setenv("LIFE_STORM", "1", 1);
    return harness_serve_over(over, LIFE_SERVER, "life", 5803, "2");
}

static void expect_ok(int status, const shmrpc_error *error)
{
    if (status != 0) {
        storm(false);
        fail_msg("%s: %s", error->name, error->message);
    }
}

static void exchange(life_life *client, uint64_t number)
{
    static uint8_t data[3 << 20];
    const life_life_blob_reply *reply = NULL;
    shmrpc_error error;
    uint64_t back = 0;
    expect_ok(life_life_once(client, number, 0, NULL, &back, &error), &error);
    assert_true(back == number * 3);
    size_t size = (size_t)(number % 8) * sizeof data / 8;
    expect_ok(life_life_blob(client, shmrpc_bytes_of(data, size), NULL, &reply,
                             &error),
              &error);
    assert_int_equal(reply->value.len, size);
    life_life_blob_release(reply);
}

static void storm_of_signals_changes_nothing(void **state)
{
    enum { ROUNDS = 16 };
    harness_service server = serve(*state);
    const char *where = server.where;
    storm(true);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        life_life *client = NULL;
        shmrpc_error error;
        expect_ok(life_life_connect(where, NULL, &client, &error), &error);
        exchange(client, i);
        expect_ok(life_life_nap(client, 5, NULL, &error), &error);
        life_life_close(client);
    }
    storm(false);
    assert_true(signals > 0);
    harness_end(&server);
}

static void storm_does_not_move_deadlines(void **state)
{
    life_life *client = NULL;
    shmrpc_error error;
    harness_service server = serve(*state);
    const char *where = server.where;
    assert_int_equal(life_life_connect(where, NULL, &client, NULL), 0);
    storm(true);
    for (int i = 0; i < 5; i++) {
        shmrpc_opts opts = {.timeout_ns = 30 * MS};
        int64_t began_ns = harness_now_ns();
        int status = life_life_nap(client, 20000, &opts, &error);
        int64_t took_ns = harness_now_ns() - began_ns;
        if (status != SHMRPC_E_DEADLINE || took_ns < 29 * MS) {
            storm(false);
            fail_msg("%d after %lld us", status, (long long)(took_ns / 1000));
        }
    }
    storm(false);
    life_life_close(client);
    harness_end(&server);
}

static void storm_does_not_disturb_a_reconnect(void **state)
{
    life_life *client = NULL;
    shmrpc_error error;
    harness_service server = serve(*state);
    const char *where = server.where;
    assert_int_equal(life_life_connect(where, NULL, &client, NULL), 0);
    for (uint64_t i = 0; i < 5; i++) {
        harness_signal(&server.server, SIGKILL);
        shmrpc_opts soon = {.timeout_ns = 20 * MS};
        uint64_t back = 0;
        int64_t deadline_ns = harness_now_ns() + PATIENCE;
        int status;
        storm(true);
        do {
            /* DEADLINE: the client had no time to notice that the server has
             * ended. */
            status = life_life_once(client, i, 0, &soon, &back, &error);
        } while (status == SHMRPC_E_DEADLINE && harness_now_ns() < deadline_ns);
        storm(false);
        assert_int_equal(status, SHMRPC_E_UNAVAILABLE);
        server.server = harness_serve(LIFE_SERVER, where, "2");
        storm(true);
        exchange(client, 100 + i);
        storm(false);
    }
    life_life_close(client);
    harness_end(&server);
}

/* ---- descriptors ---- */

static void limit_fds(rlim_t most)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = most;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Returns the number that the next descriptor gets. RLIMIT_NOFILE limits these
 * numbers, which may be larger than the count of open descriptors. */
static rlim_t first_free_fd(void)
{
    int fd = dup(0);
    assert_true(fd >= 0);
    (void)close(fd);
    return (rlim_t)fd;
}

static void connect_without_descriptors_says_so(void **state)
{
    struct rlimit before;
    life_life *client = NULL;
    shmrpc_error error = {.name = ""};
    harness_service server = serve(*state);
    const char *where = server.where;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    holdings held = harness_holdings(getpid());
    rlim_t first = first_free_fd();
    int failures = 0;
    int status;
    do {
        limit_fds(first + (rlim_t)failures);
        status = life_life_connect(where, NULL, &client, &error);
        limit_fds(before.rlim_cur);
        if (status != 0) {
            assert_int_equal(status, SHMRPC_E_EXHAUSTED);
            assert_non_null(strstr(error.message, "descriptors"));
            assert_non_null(strstr(error.message, where));
            holdings now = harness_holdings(getpid());
            assert_int_equal(now.fds, held.fds);
            assert_int_equal(now.maps, held.maps);
            failures++;
        }
    } while (status != 0 && failures < 30);
    assert_int_equal(status, 0);
    assert_true(failures >= 2);
    exchange(client, 1);
    life_life_close(client);
    harness_end(&server);
}

/* A server that is stopped, or not fully started, listens but does not
 * answer. */
static void connect_that_is_not_answered_names_the_address(void **state)
{
    life_life *client = NULL;
    shmrpc_error error = {.name = ""};
    shmrpc_opts opts = {.timeout_ns = 50 * MS};
    harness_service server = serve(*state);
    const char *where = server.where;
    harness_signal(&server.server, SIGSTOP);
    assert_int_equal(life_life_connect(where, &opts, &client, &error),
                     SHMRPC_E_DEADLINE);
    assert_non_null(strstr(error.message, where));
    assert_non_null(strstr(error.message, "did not answer"));
    harness_signal(&server.server, SIGCONT);
    assert_int_equal(life_life_connect(where, NULL, &client, &error), 0);
    exchange(client, 1);
    life_life_close(client);
    harness_end(&server);
}

/* ---- the peer is not a server ---- */

typedef struct impostor {
    pthread_t thread;
    int fd;
    const char *says;
} impostor;

static void *impose(void *user)
{
    impostor *i = user;
    char hello[2048];
    int fd = accept(i->fd, NULL, NULL);
    if (fd >= 0 && recv(fd, hello, sizeof hello, 0) > 0) {
        (void)send(fd, i->says, strlen(i->says), MSG_NOSIGNAL);
        (void)close(fd);
    }
    return NULL;
}

/* Connects to a fake server that sends `says` and closes the connection.
 * Returns the status of connecting. */
static int meet_impostor(const char *says, shmrpc_error *error)
{
    static unsigned number;
    char where[96];
    impostor i = {.says = says};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    life_life *client = NULL;
    number++;
    (void)snprintf(where, sizeof where, "shm://life@impostor-%u", number);
    (void)snprintf(address.sun_path, sizeof address.sun_path,
                   "%s/life@impostor-%u.5803.sock", harness_folder, number);
    i.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_true(i.fd >= 0);
    assert_int_equal(bind(i.fd, (struct sockaddr *)&address, sizeof address),
                     0);
    assert_int_equal(listen(i.fd, 1), 0);
    assert_int_equal(pthread_create(&i.thread, NULL, impose, &i), 0);
    int status = life_life_connect(where, NULL, &client, error);
    (void)pthread_join(i.thread, NULL);
    (void)close(i.fd);
    assert_non_null(strstr(error->message, "life@impostor"));
    return status;
}

static void server_that_hangs_up_or_talks_nonsense_is_named(void **state)
{
    (void)state;
    shmrpc_error error = {.name = ""};
    assert_int_equal(meet_impostor("", &error), SHMRPC_E_UNAVAILABLE);
    assert_non_null(strstr(error.message, "hung up"));
    assert_int_equal(meet_impostor("HTTP/1.1 400 Bad Request\r\n", &error),
                     SHMRPC_E_INVALID);
    assert_non_null(strstr(error.message, "another version of this library"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        HARNESS_CASES(storm_of_signals_changes_nothing, NULL, NULL),
        HARNESS_CASES(storm_does_not_move_deadlines, NULL, NULL),
        HARNESS_CASE(storm_does_not_disturb_a_reconnect, NULL, NULL, shm),
        HARNESS_CASE(storm_does_not_disturb_a_reconnect, NULL, NULL, tcp),
        HARNESS_CASES(connect_without_descriptors_says_so, NULL, NULL),
        HARNESS_CASE(connect_that_is_not_answered_names_the_address, NULL, NULL,
                     shm),
        HARNESS_CASE(connect_that_is_not_answered_names_the_address, NULL, NULL,
                     tcp),
        cmocka_unit_test(server_that_hangs_up_or_talks_nonsense_is_named),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
