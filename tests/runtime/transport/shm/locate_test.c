/* Finding services: folders, sockets and locks. */
#include "service.h"

#include "../../../reaction.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/memory.h"
#include "transport/shm/locate.h"

static void listens(const shmrpci_address *address, shm_place *place,
                    int expected)
{
    shmrpc_error error = {0};
    int status = shm_place_listen(address, 0600, place, &error);
    if (status != expected) {
        fail_msg("%d, not %d: %s", status, expected, error.message);
    }
}

static int try_connect(const shmrpci_address *address, shmrpc_error *error)
{
    int fd = -1;
    char path[SHM_PATH_BYTES];
    int status = shm_place_connect(address, shmrpci_deadline_after(PATIENCE_NS),
                                   &fd, path, error);
    shmrpci_fd_close(&fd);
    return status;
}

static void name_has_one_server(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    shm_place first;
    shm_place second;
    listens(&address, &first, SHMRPC_OK);
    listens(&address, &second, SHMRPC_E_EXISTS);
    assert_int_equal(try_connect(&address, NULL), SHMRPC_OK);
    shm_place_close(&first);
    listens(&address, &second, SHMRPC_OK);
    shm_place_close(&second);
}

/* A killed server's lock is released a little after its death is known. */
static void name_of_a_dying_server_is_waited_for(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    shm_place place;
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct timespec dying = {.tv_nsec = 100000000};
        bool is_held =
            shm_place_listen(&address, 0600, &place, NULL) == SHMRPC_OK;
        _exit(is_held && write(ends[1], "r", 1) == 1 &&
                      nanosleep(&dying, NULL) == 0
                  ? 0
                  : 1);
    }
    assert_true(pid > 0);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
    listens(&address, &place, SHMRPC_OK);
    shm_place_close(&place);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The child stands for a process that has not called exec yet, for example one
 * that a handler has forked to start a program. */
static void forked_child_does_not_keep_the_name(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    shm_place place;
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    listens(&address, &place, SHMRPC_OK);
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(60);
        _exit(write(ends[1], "r", 1) == 1 ? pause() : 1);
    }
    assert_true(pid > 0);
    /* The child releases the lock as soon as it runs. */
    assert_int_equal(read(ends[0], &byte, 1), 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
    shm_place_close(&place);
    listens(&address, &place, SHMRPC_OK);
    shm_place_close(&place);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void instances_and_ports_are_apart(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    shmrpci_address instance = address;
    shmrpci_address port = address;
    (void)snprintf(instance.instance, sizeof instance.instance, "two");
    port.port++;
    shm_place places[3];
    listens(&address, &places[0], SHMRPC_OK);
    listens(&instance, &places[1], SHMRPC_OK);
    listens(&port, &places[2], SHMRPC_OK);
    for (size_t i = 0; i < 3; i++) {
        shm_place_close(&places[i]);
    }
}

static int64_t connect_to_nobody(void *user)
{
    shmrpc_error *error = user;
    shmrpci_address address = new_address();
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(try_connect(&address, error), SHMRPC_E_UNAVAILABLE);
    return shmrpci_now_ns() - began_ns;
}

static void absent_service_names_every_place(void **state)
{
    (void)state;
    shmrpc_error error = {0};
    char own[64];
    (void)snprintf(own, sizeof own, "/tmp/shmrpc-%u", (unsigned)geteuid());
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "/tmp/xdg", 1), 0);
    expect_reaction(connect_to_nobody, &error, 0, 100 * SHMRPCI_NS_PER_MS);
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
    assert_non_null(strstr(error.message, folder_path()));
    assert_non_null(strstr(error.message, "/tmp/xdg/shmrpc"));
    assert_non_null(strstr(error.message, "/run/shmrpc"));
    assert_non_null(strstr(error.message, own));
}

static void long_places_are_cut_so_that_all_are_named(void **state)
{
    (void)state;
    shmrpc_error error = {0};
    shmrpci_address address = new_address();
    char path[300];
    char own[64];
    (void)snprintf(path, sizeof path, "/tmp/%0200d/end", 7);
    (void)snprintf(own, sizeof own, ", /tmp/shmrpc-%u", (unsigned)geteuid());
    assert_int_equal(setenv("SHMRPC_DIR", path, 1), 0);
    assert_int_equal(try_connect(&address, &error), SHMRPC_E_UNAVAILABLE);
    assert_int_equal(setenv("SHMRPC_DIR", folder_path(), 1), 0);
    assert_non_null(strstr(error.message, " ...0"));
    assert_non_null(strstr(error.message, "/end, /run/shmrpc"));
    assert_non_null(strstr(error.message, own));
}

static void folder_that_is_no_absolute_path_is_INVALID(void **state)
{
    (void)state;
    shmrpc_error error = {0};
    shmrpci_address address = new_address();
    char endless[700];
    (void)snprintf(endless, sizeof endless, "/%0600d", 7);
    const char *const bad[] = {"run", "./run", endless};
    shm_place place;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(setenv("SHMRPC_DIR", bad[i], 1), 0);
        listens(&address, &place, SHMRPC_E_INVALID);
        assert_int_equal(try_connect(&address, &error), SHMRPC_E_INVALID);
        assert_non_null(strstr(error.message, "SHMRPC_DIR is"));
    }
    assert_int_equal(setenv("SHMRPC_DIR", folder_path(), 1), 0);
}

static void folder_that_others_may_write_to_is_DENIED(void **state)
{
    (void)state;
    shm_place place;
    shmrpci_address address = new_address();
    assert_int_equal(chmod(folder_path(), 0777), 0);
    listens(&address, &place, SHMRPC_E_DENIED);
    assert_int_equal(try_connect(&address, NULL), SHMRPC_E_DENIED);
    assert_int_equal(chmod(folder_path(), 0700), 0);
}

static void link_to_a_folder_is_DENIED(void **state)
{
    (void)state;
    shm_place place;
    char link[128];
    shmrpci_address address = new_address();
    (void)snprintf(link, sizeof link, "%s/link", folder_path());
    assert_int_equal(symlink("/tmp", link), 0);
    assert_int_equal(setenv("SHMRPC_DIR", link, 1), 0);
    listens(&address, &place, SHMRPC_E_DENIED);
    assert_int_equal(setenv("SHMRPC_DIR", folder_path(), 1), 0);
    assert_int_equal(unlink(link), 0);
}

static void names_with_paths_in_them_are_INVALID(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "..", ".hidden", "a/b", "a b", "\n"};
    shm_place place;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        shmrpci_address address = {.port = 1};
        (void)snprintf(address.name, sizeof address.name, "%s", bad[i]);
        listens(&address, &place, SHMRPC_E_INVALID);
        assert_int_equal(try_connect(&address, NULL), SHMRPC_E_INVALID);
    }
}

static void long_folder_is_no_obstacle(void **state)
{
    (void)state;
    char path[300];
    shm_place place;
    shmrpci_address address = new_address();
    (void)snprintf(path, sizeof path, "%s/%0150d", folder_path(), 7);
    assert_int_equal(setenv("SHMRPC_DIR", path, 1), 0);
    listens(&address, &place, SHMRPC_OK);
    assert_int_equal(try_connect(&address, NULL), SHMRPC_OK);
    shm_place_close(&place);
    assert_int_equal(setenv("SHMRPC_DIR", folder_path(), 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_has_one_server),
        cmocka_unit_test(name_of_a_dying_server_is_waited_for),
        cmocka_unit_test(forked_child_does_not_keep_the_name),
        cmocka_unit_test(instances_and_ports_are_apart),
        cmocka_unit_test(absent_service_names_every_place),
        cmocka_unit_test(long_places_are_cut_so_that_all_are_named),
        cmocka_unit_test(folder_that_is_no_absolute_path_is_INVALID),
        cmocka_unit_test(folder_that_others_may_write_to_is_DENIED),
        cmocka_unit_test(link_to_a_folder_is_DENIED),
        cmocka_unit_test(names_with_paths_in_them_are_INVALID),
        cmocka_unit_test(long_folder_is_no_obstacle),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
