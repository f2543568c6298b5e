/* Programs that a process starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/program.h"

/* Reads all output of a program. Returns false if it can't be read. */
static bool read_all(int fd, char *out, size_t size)
{
    size_t total = 0;
    for (;;) {
        struct pollfd waits = {.fd = fd, .events = POLLIN};
        size_t len = 0;
        if (poll(&waits, 1, 10000) != 1) {
            return false;
        }
        shmrpc_status status =
            shmrpci_program_read(fd, out + total, size - 1 - total, &len);
        if (status == SHMRPC_E_UNAVAILABLE) {
            out[total] = '\0';
            return true;
        }
        if (status != SHMRPC_OK) {
            return false;
        }
        total += len;
    }
}

/* Starts a program after closing the descriptors below `closed`. Returns 0 if
 * its input is /dev/null and its orders can be read. */
static int start_without(int closed)
{
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"},
                    (char[]){"readlink /proc/self/fd/0; read -r line <&3; "
                             "echo \"$line\"; echo fault >&2"},
                    NULL};
    char *env[] = {(char[]){"PATH=/usr/bin:/bin"}, NULL};
    shmrpci_setup setup;
    shmrpci_program program;
    shmrpci_setup_step failed;
    char text[200];
    shmrpci_setup_init(&setup);
    for (int fd = 0; fd < closed; fd++) {
        (void)close(fd);
    }
    if (shmrpci_program_start(argv, env, &setup, &program, &failed) !=
        SHMRPC_OK) {
        return 2;
    }
    if (!shmrpci_program_order(program.order_fd, "order\n") ||
        !read_all(program.out_fd, text, sizeof text)) {
        return 3;
    }
    if (strcmp(text, "/dev/null\norder\n") != 0) {
        return 4;
    }
    return read_all(program.err_fd, text, sizeof text) &&
                   strcmp(text, "fault\n") == 0
               ? 0
               : 5;
}

static void descriptors_are_placed_whatever_is_closed(void **state)
{
    (void)state;
    for (int closed = 0; closed <= 4; closed++) {
        pid_t pid = fork();
        if (pid == 0) {
            _exit(start_without(closed));
        }
        int status = -1;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_are_placed_whatever_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
