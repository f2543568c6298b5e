/* Sends and receives notifications (sd_notify) over a real socket. */
#include "os/notify.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A message to a socket in this folder arrives, with our pid. */
static void check(const char *folder)
{
    char path[SHMRPCI_NOTIFY_PATH_BYTES];
    char text[SHMRPCI_NOTIFY_BYTES];
    int32_t pid = 0;
    int fd = -1;
    int dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir_fd >= 0);
    for (int i = 0; i < 2; i++) { /* the second time the socket exists
                                   * already */
        assert_int_equal(shmrpci_notify_listen(dir_fd, "n", &fd, path), 0);
        assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
        assert_int_equal(shmrpci_notify_receive(fd, text, &pid), SHMRPC_E_BUSY);
        assert_int_equal(shmrpci_notify_send("READY=1\nSTATUS=x"), 0);
        assert_int_equal(shmrpci_notify_receive(fd, text, &pid), 0);
        assert_string_equal(text, "READY=1\nSTATUS=x");
        assert_int_equal(pid, getpid());
        (void)close(fd);
        assert_int_equal(shmrpci_notify_send("READY=1"), SHMRPC_E_UNAVAILABLE);
    }
    assert_int_equal(unlinkat(dir_fd, "n", 0), 0);
    (void)close(dir_fd);
    assert_int_equal(rmdir(folder), 0);
}

static void what_is_sent_arrives_with_the_pid(void **state)
{
    (void)state;
    char folder[] = "/tmp/notify_test.XXXXXX";
    assert_non_null(mkdtemp(folder));
    check(folder);
}

/* These names are longer than the path of a socket may be. */
static void folders_may_have_long_names(void **state)
{
    (void)state;
    char folder[] = "/tmp/notify_test.XXXXXX";
    char below[256];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(below, sizeof below, "%s/%0150d", folder, 0);
    assert_int_equal(mkdir(below, 0700), 0);
    check(below);
    assert_int_equal(rmdir(folder), 0);
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(setenv("NOTIFY_SOCKET", "not a path", 1), 0);
    assert_int_equal(shmrpci_notify_send("READY=1"), 0);
    shmrpci_notify_forget();
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_int_equal(shmrpci_notify_send("READY=1"), 0);
}

static void what_is_forgotten_is_kept_from_others_only(void **state)
{
    (void)state;
    char path[SHMRPCI_NOTIFY_PATH_BYTES];
    char text[SHMRPCI_NOTIFY_BYTES];
    int32_t pid;
    int fd = -1;
    assert_int_equal(shmrpci_notify_listen_open(&fd, path), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    shmrpci_notify_forget();
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_int_equal(shmrpci_notify_send("STOPPING=1"), 0);
    assert_int_equal(shmrpci_notify_receive(fd, text, &pid), 0);
    assert_string_equal(text, "STOPPING=1");
    (void)close(fd);
}

static void too_much_is_refused_whole(void **state)
{
    (void)state;
    static char large[SHMRPCI_NOTIFY_BYTES + 100];
    char path[SHMRPCI_NOTIFY_PATH_BYTES];
    char text[SHMRPCI_NOTIFY_BYTES];
    char folder[] = "/tmp/notify_test.XXXXXX";
    int32_t pid;
    int fd = -1;
    assert_non_null(mkdtemp(folder));
    int dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(shmrpci_notify_listen(dir_fd, "n", &fd, path), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    memset(large, 'x', sizeof large - 1);
    assert_int_equal(shmrpci_notify_send(large), 0);
    assert_int_equal(shmrpci_notify_receive(fd, text, &pid),
                     SHMRPC_E_TOO_LARGE);
    assert_int_equal(shmrpci_notify_receive(fd, text, &pid), SHMRPC_E_BUSY);
    (void)close(fd);
    (void)unlinkat(dir_fd, "n", 0);
    (void)close(dir_fd);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_arrives_with_the_pid),
        cmocka_unit_test(folders_may_have_long_names),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(what_is_forgotten_is_kept_from_others_only),
        cmocka_unit_test(too_much_is_refused_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
