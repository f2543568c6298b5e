/* Connecting and deadlines between processes: times and error messages. */
#include "harness.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../reaction.h"
#include "../sanitized.h"
#include "fault_client.h"

static int64_t connect_to_nobody(void *user)
{
    (void)user;
    fault_fault *client = NULL;
    shmrpc_error error = {.code = 0};
    int64_t began_ns = harness_now_ns();
    assert_int_equal(fault_fault_connect("shm://nobody", NULL, &client, &error),
                     SHMRPC_E_UNAVAILABLE);
    int64_t took_ns = harness_now_ns() - began_ns;
    assert_null(client);
    assert_non_null(strstr(error.message, "nobody"));
    assert_non_null(strstr(error.message, harness_folder));
    return took_ns;
}

static void absent_service_fails_within_100_ms_and_names_places(void **state)
{
    (void)state;
    expect_reaction(connect_to_nobody, NULL, 0, 100 * MS);
}

static void every_folder_that_was_searched_is_named(void **state)
{
    (void)state;
    fault_fault *client = NULL;
    shmrpc_error error = {.code = 0};
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char *kept = runtime != NULL ? strdup(runtime) : NULL;
    assert_int_equal(unsetenv("SHMRPC_DIR"), 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", harness_folder, 1), 0);
    int status = fault_fault_connect("shm://nobody", NULL, &client, &error);
    if (kept != NULL) {
        (void)setenv("XDG_RUNTIME_DIR", kept, 1);
    } else {
        (void)unsetenv("XDG_RUNTIME_DIR");
    }
    (void)setenv("SHMRPC_DIR", harness_folder, 1);
    free(kept);
    assert_int_equal(status, SHMRPC_E_UNAVAILABLE);
    assert_non_null(strstr(error.message, harness_folder));
    assert_non_null(strstr(error.message, "/run/shmrpc"));
    assert_non_null(strstr(error.message, "/tmp/shmrpc-"));
}

static int64_t connect_and_call(void *where)
{
    fault_fault *client = NULL;
    uint64_t back = 0;
    int64_t began_ns = harness_now_ns();
    assert_int_equal(fault_fault_connect(where, NULL, &client, NULL), 0);
    assert_int_equal(fault_fault_echo(client, 9, NULL, &back, NULL), 0);
    int64_t took_ns = harness_now_ns() - began_ns;
    assert_true(back == 9);
    fault_fault_close(client);
    return took_ns;
}

static void connect_and_first_call_need_no_polling(void **state)
{
    (void)state;
    char where[96];
    harness_address("fault", where);
    child server = harness_serve(FAULT_SERVER, where, "1");
    expect_reaction(connect_and_call, where, 0, (IS_SANITIZED ? 10 : 2) * MS);
    harness_signal(&server, SIGTERM);
}

static void await_cancelled(fault_fault *client, uint32_t wanted)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    uint32_t got = 0;
    while (got < wanted && harness_now_ns() < deadline_ns) {
        assert_int_equal(fault_fault_cancelled(client, NULL, &got, NULL), 0);
    }
    assert_int_equal(got, wanted);
}

typedef struct napping {
    fault_fault *client;
    uint32_t naps;
} napping;

static int64_t nap_too_long(void *user)
{
    napping *n = user;
    shmrpc_opts opts = {.timeout_ns = 50 * MS};
    shmrpc_error error;
    int64_t began_ns = harness_now_ns();
    assert_int_equal(fault_fault_nap(n->client, 1000, &opts, &error),
                     SHMRPC_E_DEADLINE);
    int64_t took_ns = harness_now_ns() - began_ns;
    assert_non_null(strstr(error.message, "nap"));
    await_cancelled(n->client, ++n->naps);
    return took_ns;
}

static void deadline_of_50_ms_holds_and_stops_the_handler(void **state)
{
    (void)state;
    char where[96];
    harness_address("fault", where);
    child server = harness_serve(FAULT_SERVER, where, "2");
    napping n = {.naps = 0};
    assert_int_equal(fault_fault_connect(where, NULL, &n.client, NULL), 0);
    /* The handler may notice the deadline a little earlier than the caller. */
    expect_reaction(nap_too_long, &n, 48 * MS, 55 * MS);
    fault_fault_close(n.client);
    harness_signal(&server, SIGTERM);
}

/* ---- permissions ---- */

static void socket_is_for_its_owner_only(void **state)
{
    (void)state;
    char where[96];
    char names[4096];
    harness_address("fault", where);
    child server = harness_serve(FAULT_SERVER, where, "1");
    harness_list(harness_folder, names, sizeof names);
    unsigned sockets = 0;
    for (char *name = strtok(names, "\n"); name != NULL;
         name = strtok(NULL, "\n")) {
        char path[512];
        struct stat facts;
        (void)snprintf(path, sizeof path, "%s/%s", harness_folder, name);
        assert_int_equal(lstat(path, &facts), 0);
        if (S_ISSOCK(facts.st_mode)) {
            sockets++;
            assert_int_equal(facts.st_mode & 077, 0);
        }
    }
    assert_true(sockets >= 1);
    harness_signal(&server, SIGTERM);
}

static void memory_is_for_its_owner_only(void **state)
{
    (void)state;
    char where[96];
    char folder[64];
    static char names[16384];
    harness_address("fault", where);
    child server = harness_serve(FAULT_SERVER, where, "1");
    fault_fault *client = NULL;
    assert_int_equal(fault_fault_connect(where, NULL, &client, NULL), 0);
    (void)snprintf(folder, sizeof folder, "/proc/%d/fd", (int)server.pid);
    harness_list(folder, names, sizeof names);
    unsigned memories = 0;
    for (char *name = strtok(names, "\n"); name != NULL;
         name = strtok(NULL, "\n")) {
        char path[128];
        char target[256] = "";
        struct stat facts;
        (void)snprintf(path, sizeof path, "%s/%s", folder, name);
        if (readlink(path, target, sizeof target - 1) > 0 &&
            strstr(target, "memfd:") != NULL && stat(path, &facts) == 0) {
            memories++;
            assert_int_equal(facts.st_mode & 077, 0);
        }
    }
    assert_true(memories >= 1);
    fault_fault_close(client);
    harness_signal(&server, SIGTERM);
}

static void other_user_is_refused_and_the_service_goes_on(void **state)
{
    (void)state;
    char where[96];
    if (getuid() != 0) {
        skip(); /* only root can become another user */
    }
    harness_address("fault", where);
    child server = harness_serve(FAULT_SERVER, where, "1");
    pid_t pid = fork();
    if (pid == 0) {
        fault_fault *client = NULL;
        shmrpc_error error;
        int status = setgid(12345) != 0 || setuid(12345) != 0
                         ? -1
                         : fault_fault_connect(where, NULL, &client, &error);
        _exit(status == SHMRPC_E_DENIED || status == SHMRPC_E_UNAVAILABLE ? 0
                                                                          : 1);
    }
    child other = {.pid = pid, .out = dup(0)};
    assert_int_equal(harness_wait(&other), 0);
    fault_fault *client = NULL;
    assert_int_equal(fault_fault_connect(where, NULL, &client, NULL), 0);
    fault_fault_close(client);
    harness_signal(&server, SIGTERM);
}

/* ---- the program ---- */

static int run_server(const char *const *arguments, char *out, size_t size)
{
    child server = harness_start(FAULT_SERVER, arguments);
    harness_read_all(&server, out, size);
    return harness_wait(&server);
}

static void program_tells_of_its_options_and_its_interface(void **state)
{
    (void)state;
    static char text[8192];
    const char *const help[] = {"--help", NULL};
    assert_int_equal(run_server(help, text, sizeof text), 0);
    assert_non_null(strstr(text, "--listen"));
    assert_non_null(strstr(text, "test.fault.Fault"));
    const char *const describe[] = {"--describe", NULL};
    assert_int_equal(run_server(describe, text, sizeof text), 0);
    assert_non_null(strstr(text, "service"));
    assert_non_null(strstr(text, "nap"));
    const char *const version[] = {"--version", NULL};
    assert_int_equal(run_server(version, text, sizeof text), 0);
    assert_non_null(strstr(text, "shmrpc "));
}

static void program_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"--threads=0", NULL},      {"--workers=x", NULL},
        {"--workers=65", NULL},     {"--profile=fast", NULL},
        {"--max-message=-1", NULL}, {"--nonsense", NULL},
        {"surplus", NULL},
    };
    char text[1024];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(run_server(wrong[i], text, sizeof text), 2);
        assert_true(text[0] != '\0');
    }
    const char *const address[] = {"--listen=http://x", NULL};
    assert_int_equal(run_server(address, text, sizeof text), 1);
    assert_non_null(strstr(text, "\"http\""));
}

static void second_program_says_who_is_there(void **state)
{
    (void)state;
    char where[96];
    char text[1024];
    harness_address("fault", where);
    child server = harness_serve(FAULT_SERVER, where, "1");
    const char *const arguments[] = {"--listen", where, NULL};
    assert_int_equal(run_server(arguments, text, sizeof text), 1);
    assert_non_null(strstr(text, "EXISTS"));
    harness_signal(&server, SIGTERM);
}

static void program_ends_well_on_SIGTERM_and_SIGINT(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT};
    for (int i = 0; i < 2; i++) {
        char where[96];
        harness_address("fault", where);
        child server = harness_serve(FAULT_SERVER, where, "2");
        assert_int_equal(kill(server.pid, signals[i]), 0);
        assert_int_equal(harness_wait(&server), 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_service_fails_within_100_ms_and_names_places),
        cmocka_unit_test(every_folder_that_was_searched_is_named),
        cmocka_unit_test(connect_and_first_call_need_no_polling),
        cmocka_unit_test(deadline_of_50_ms_holds_and_stops_the_handler),
        cmocka_unit_test(socket_is_for_its_owner_only),
        cmocka_unit_test(memory_is_for_its_owner_only),
        cmocka_unit_test(other_user_is_refused_and_the_service_goes_on),
        cmocka_unit_test(program_tells_of_its_options_and_its_interface),
        cmocka_unit_test(program_refuses_what_it_does_not_know),
        cmocka_unit_test(second_program_says_who_is_there),
        cmocka_unit_test(program_ends_well_on_SIGTERM_and_SIGINT),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
