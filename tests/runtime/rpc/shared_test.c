/* Objects that a service shares: who gets them, with which rights, and how long
 * they live. */
#include "sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/memory.h"
#include "os/poll.h"

/* How often objects were created and ended in this process. */
static unsigned made;
static unsigned ended;

static int make(const shmrpc_shared *row, int old_fd, int *out_fd,
                shmrpc_error *error)
{
    (void)error;
    made++;
    if (old_fd >= 0) {
        *out_fd = old_fd;
        return SHMRPC_OK;
    }
    return shmrpci_memory_create_sparse(row->name, 4096, out_fd);
}

static void end(const shmrpc_shared *row, int fd)
{
    (void)row;
    assert_true(fd >= 0);
    ended++;
}

static int fail_to_make(const shmrpc_shared *row, int old_fd, int *out_fd,
                        shmrpc_error *error)
{
    (void)old_fd;
    (void)out_fd;
    return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED, "no memory for %s",
                            row->name);
}

static const shmrpc_shared rows[] = {
    {.row_bytes = sizeof(shmrpc_shared),
     .kind = SHMRPC_SHARED_QUEUE,
     .name = "jobs"},
    {.row_bytes = sizeof(shmrpc_shared),
     .kind = SHMRPC_SHARED_DICT,
     .flags = SHMRPC_SHARED_SERVER_WRITES,
     .name = "voices"},
};
static const shmrpc_objects objects = {rows, 2, make, end, NULL, NULL};
static const shmrpc_objects impossible = {rows, 2,    fail_to_make,
                                          end,  NULL, NULL};

static shmrpc_service service_with(const shmrpc_objects *with)
{
    shmrpc_service service = sample_service;
    service.objects = with;
    return service;
}

static int set_up(void **state)
{
    (void)state;
    made = 0;
    ended = 0;
    sample_folder_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sample_folder_remove();
    return 0;
}

static bool may_write(int fd)
{
    return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

static char look(int fd)
{
    char letter = '?';
    assert_int_equal(pread(fd, &letter, 1, 0), 1);
    return letter;
}

static int get(shmrpc_client *client, const char *name, int *out_watch_fd)
{
    int fd = -1;
    shmrpc_error error = {.name = ""};
    if (shmrpc_stub_shared(client, &sample_service, name, 0, &fd, out_watch_fd,
                           &error) != SHMRPC_OK) {
        fail_msg("%s: %s", name, error.message);
    }
    return fd;
}

static void objects_are_the_same_for_all_over(const char *scheme)
{
    sample_server s;
    const shmrpc_service service = service_with(&objects);
    int watch_fds[3];
    sample_start(&s, scheme, &service, 1);
    shmrpc_client *client = sample_connect(&s);
    int jobs = get(client, "jobs", &watch_fds[0]);
    int voices = get(client, "voices", &watch_fds[1]);
    int own = get(NULL, "voices", &watch_fds[2]);
    assert_true(may_write(jobs));
    assert_false(may_write(voices)); /* only the service's processes may write
                                      * that object */
    assert_true(may_write(own));
    assert_int_equal(pwrite(own, "v", 1, 0), 1);
    assert_int_equal(pwrite(jobs, "j", 1, 0), 1);
    assert_int_equal(look(voices), 'v');
    /* Locks belong to open file descriptions, so clients must not share one. */
    shmrpci_fd_close(&watch_fds[0]);
    int again = get(client, "jobs", &watch_fds[0]);
    assert_int_equal(lseek(again, 7, SEEK_SET), 7);
    assert_int_equal(lseek(jobs, 0, SEEK_CUR), 0);
    assert_int_equal(look(again), 'j');
    assert_int_equal(made, 2);
    shmrpc_stub_close(client);
    assert_int_equal(ended, 0);
    sample_stop(&s);
    assert_int_equal(ended, 2);
    assert_true(watch_fds[1] < 0 || shmrpci_poll_is_hung_up(watch_fds[1]));
    for (size_t i = 0; i < 3; i++) {
        shmrpci_fd_close(&watch_fds[i]);
    }
    shmrpci_fd_close(&jobs);
    shmrpci_fd_close(&again);
    shmrpci_fd_close(&voices);
    shmrpci_fd_close(&own);
}

static void objects_are_the_same_for_all(void **state)
{
    (void)state;
    objects_are_the_same_for_all_over("inproc");
    made = ended = 0;
    objects_are_the_same_for_all_over("shm");
}

static void expect(shmrpc_client *client, const shmrpc_service *service,
                   const char *name, int status, const char *text)
{
    int fd = -1;
    int watch_fd = -1;
    shmrpc_error error = {.name = ""};
    assert_int_equal(
        shmrpc_stub_shared(client, service, name, 0, &fd, &watch_fd, &error),
        status);
    if (strstr(error.message, text) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", text, error.message);
    }
    assert_int_equal(fd, -1);
    assert_int_equal(watch_fd, -1);
}

static void what_is_not_shared_is_said(void **state)
{
    (void)state;
    sample_server s;
    const shmrpc_service service = service_with(&objects);
    expect(NULL, &sample_service, "jobs", SHMRPC_E_UNAVAILABLE,
           "this process does not serve");
    sample_start(&s, "shm", &service, 1);
    shmrpc_client *client = sample_connect(&s);
    expect(client, &sample_service, "job", SHMRPC_E_NOT_FOUND,
           "has no object \"job\"");
    shmrpc_stub_close(client);
    sample_stop(&s);
    /* A service without shared objects. */
    sample_start(&s, "shm", &sample_service, 1);
    client = sample_connect(&s);
    expect(client, &sample_service, "jobs", SHMRPC_E_NOT_FOUND,
           "has no object \"jobs\"");
    expect(NULL, &sample_service, "jobs", SHMRPC_E_NOT_FOUND,
           "has no object \"jobs\"");
    shmrpc_stub_close(client);
    sample_stop(&s);
}

static void other_machines_share_nothing(void **state)
{
    (void)state;
    sample_server s;
    char where[128];
    const shmrpc_service service = service_with(&objects);
    (void)snprintf(where, sizeof where, "unix://%s/socket",
                   getenv("SHMRPC_DIR"));
    sample_start_at(&s, where, &service, 1);
    shmrpc_client *client = sample_connect(&s);
    expect(client, &sample_service, "jobs", SHMRPC_E_UNIMPLEMENTED,
           "on the service's own machine only");
    shmrpc_stub_close(client);
    sample_stop(&s);
}

static void service_whose_objects_cannot_be_made_does_not_serve(void **state)
{
    (void)state;
    char where[128];
    shmrpc_server *server = NULL;
    shmrpc_error error = {.name = ""};
    const shmrpc_service service = service_with(&impossible);
    sample_address("shm", where);
    shmrpc_server_opts opts = {.listen = where, .workers = 1};
    assert_int_equal(shmrpc_server_create(&opts, &server, &error), 0);
    assert_int_equal(shmrpc_stub_serve(server, &service, sample_handlers,
                                       &sample_implementation,
                                       sizeof sample_implementation, NULL,
                                       &error),
                     SHMRPC_E_EXHAUSTED);
    assert_string_equal(error.message, "no memory for jobs");
    shmrpc_server_destroy(server);
    assert_int_equal(ended, 0);
}

/* A forked child's copy of the server is not the server, so the child asks the
 * server like any client. */
static void forked_child_asks_its_server(void **state)
{
    (void)state;
    sample_server s;
    int watch_fd = -1;
    const shmrpc_service service = service_with(&objects);
    sample_start(&s, "shm", &service, 1);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = -1;
        int status = shmrpc_stub_shared(NULL, &sample_service, "voices", 0, &fd,
                                        &watch_fd, NULL);
        _exit(status == SHMRPC_OK && pwrite(fd, "c", 1, 0) == 1 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    int voices = get(NULL, "voices", &watch_fd);
    assert_int_equal(look(voices), 'c');
    assert_int_equal(made, 2);
    shmrpci_fd_close(&voices);
    sample_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(objects_are_the_same_for_all, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_shared_is_said, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(other_machines_share_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            service_whose_objects_cannot_be_made_does_not_serve, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(forked_child_asks_its_server, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
