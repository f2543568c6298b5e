/* A program that does not use nats:// does not load the libraries of NATS:
 * neither a client nor a server of shm:// maps them before the first nats://
 * address is used. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "echo_client.h"
#include "echo_server.h"

static int add(shmrpc_ctx *ctx, void *user, int64_t a, int64_t b, int64_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = a + b;
    return SHMRPC_OK;
}

/* Serves until it is killed; the test checks it by making calls. */
static _Noreturn void serve(const char *address)
{
    const shmrpc_server_opts opts = {.listen = address, .workers = 1};
    demo_echo_impl impl = DEMO_ECHO_IMPL_INIT;
    shmrpc_server *server = NULL;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    impl.add = add;
    if (shmrpc_server_create(&opts, &server, NULL) == SHMRPC_OK &&
        demo_echo_serve(server, &impl, NULL, NULL) == SHMRPC_OK) {
        (void)shmrpc_server_run(server, NULL);
    }
    _exit(EXIT_FAILURE);
}

/* Returns whether the process maps a library of that name. */
static bool maps(pid_t pid, const char *library)
{
    char path[64];
    char line[512];
    bool found = false;
    (void)snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        found = found || strstr(line, library) != NULL;
    }
    (void)fclose(file);
    return found;
}

static void expect_mapped(pid_t pid, bool is_mapped)
{
    static const char *const libraries[] = {"/libshmrpc-nats.", "/libnats."};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        if (maps(pid, libraries[i]) != is_mapped) {
            fail_msg("process %d: %s%s", (int)pid, libraries[i],
                     is_mapped ? " is not mapped" : " is mapped");
        }
    }
}

static void only_an_address_of_nats_loads_its_libraries(void **state)
{
    (void)state;
    const shmrpc_opts patient = {.flags = SHMRPC_OPT_WAIT_FOR_READY};
    char address[64];
    demo_echo *echo = NULL;
    shmrpc_error error;
    int64_t sum = 0;
    (void)snprintf(address, sizeof address, "shm://@unloaded-%d",
                   (int)getpid());
    pid_t server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        serve(address);
    }
    if (demo_echo_connect(address, &patient, &echo, &error) != SHMRPC_OK ||
        demo_echo_add(echo, 40, 2, NULL, &sum, &error) != SHMRPC_OK) {
        fail_msg("%s: %s", error.name, error.message);
    }
    assert_int_equal(sum, 42);
    expect_mapped(getpid(), false);
    expect_mapped(server, false);
    demo_echo_close(echo);
    /* No server listens there, but the attempt to connect loads the library. */
    assert_int_equal(
        demo_echo_connect("nats://127.0.0.1:1", NULL, &echo, &error),
        SHMRPC_E_UNAVAILABLE);
    expect_mapped(getpid(), true);
    assert_int_equal(kill(server, SIGKILL), 0);
    (void)waitpid(server, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_address_of_nats_loads_its_libraries),
    };
    /* The killed server leaves its socket behind, so the test uses and removes
     * a folder of its own. */
    char folder[] = "/tmp/shmrpc-unloaded-XXXXXX";
    char command[64];
    if (mkdtemp(folder) == NULL || setenv("SHMRPC_DIR", folder, 1) != 0) {
        return EXIT_FAILURE;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? failed : EXIT_FAILURE;
}
