/* A server in a control group with limited memory: a call that does not fit is
 * EXHAUSTED, and no process is killed. */
#include "sample.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/group.h"

#define LIMIT "67108864"

/* The folder in which a group could be made: our own group, or the root in a
 * container. */
typedef struct place {
    char folder[4096];
    const char *limit;
    bool is_found;
} place;

static bool write_to(const char *folder, const char *name, const char *text)
{
    char path[4400];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "re+");
    bool ok = out != NULL && fputs(text, out) >= 0;
    return out != NULL && fclose(out) == 0 && ok;
}

static void try_place(void *user, const char *folder)
{
    place *at = user;
    if (at->is_found) {
        return;
    }
    int len = snprintf(at->folder, sizeof at->folder, "%s/shmrpc-test-%d",
                       folder, (int)getpid());
    if (len < 0 || (size_t)len >= sizeof at->folder ||
        mkdir(at->folder, 0755) != 0) {
        return;
    }
    at->is_found = write_to(at->folder, at->limit, LIMIT);
    if (!at->is_found) {
        (void)rmdir(at->folder);
    }
}

static bool make_group(place *at)
{
    at->limit = "memory.max";
    shmrpci_group_each("/proc/self/cgroup", "", "/sys/fs/cgroup", try_place,
                       at);
    if (!at->is_found) {
        at->limit = "memory.limit_in_bytes";
        shmrpci_group_each("/proc/self/cgroup", "memory",
                           "/sys/fs/cgroup/memory", try_place, at);
    }
    return at->is_found;
}

/* Forks a server that joins the group of `folder`. */
static pid_t fork_server(const char *where, const char *folder, bool *is_in)
{
    int ends[2];
    char byte = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char own[16];
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)snprintf(own, sizeof own, "%d", (int)getpid());
        bool ok = write_to(folder, "cgroup.procs", own);
        sample_server server;
        sample_start_at(&server, where, &sample_service, 1);
        (void)!write(ends[1], ok ? "y" : "n", 1);
        (void)alarm(120);
        for (;;) {
            (void)pause();
        }
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
    *is_in = byte == 'y';
    return pid;
}

static int echo(shmrpc_client *client, const uint8_t *data, size_t len,
                shmrpc_error *error)
{
    bytes_params params = {{data, len}};
    const void *reply = NULL;
    int status =
        shmrpc_stub_call_reply(client, ECHO_RAW, &params, NULL, &reply, error);
    shmrpc_stub_release(status == SHMRPC_OK ? reply : NULL);
    return status;
}

static void request_above_the_memory_limit_is_EXHAUSTED(void **state)
{
    (void)state;
    place at = {.is_found = false};
    char where[128];
    int status;
    bool is_in = false;
    if (!make_group(&at)) {
        print_message("SKIPPED: no control group can be made here\n");
        skip();
    }
    sample_address("shm", where);
    pid_t pid = fork_server(where, at.folder, &is_in);
    sample_server server = {.status = 0};
    memcpy(server.where, where, sizeof where);
    if (is_in) {
        const size_t len = (size_t)60 << 20;
        uint8_t *data = calloc(1, len);
        shmrpc_client *client = sample_connect(&server);
        shmrpc_error error;
        assert_int_equal(echo(client, data, 1000000, &error), SHMRPC_OK);
        assert_int_equal(echo(client, data, len, &error), SHMRPC_E_EXHAUSTED);
        assert_false(error.may_have_run);
        assert_non_null(strstr(error.message, "needs 67108864 bytes"));
        unsigned long long left = 0;
        const char *said = strstr(error.message, "leaves ");
        assert_non_null(said);
        assert_int_equal(sscanf(said, "leaves %llu", &left), 1);
        assert_in_range(left, 1, 60000000);
        assert_int_equal(echo(client, data, 1000000, &error), SHMRPC_OK);
        shmrpc_stub_close(client);
        free(data);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    /* The kernel may need a moment to notice that the group is empty. */
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (rmdir(at.folder) != 0) {
        assert_true(shmrpci_now_ns() < deadline_ns);
    }
    if (!is_in) {
        print_message("SKIPPED: no process may be put into a group here\n");
        skip();
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_above_the_memory_limit_is_EXHAUSTED),
    };
    sample_folder_make();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sample_folder_remove();
    return failed;
}
