/* Packets with descriptors, names in folders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/folder.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/socket.h"
#include "os/stream.h"

static int ends[2];

static int setup(void **state)
{
    (void)state;
    return shmrpci_socket_pair(ends) != SHMRPC_OK;
}

static int teardown(void **state)
{
    (void)state;
    shmrpci_fd_close(&ends[0]);
    shmrpci_fd_close(&ends[1]);
    return 0;
}

static shmrpc_status receive(char *text, size_t size, size_t *len, int *fds,
                             size_t *fd_count)
{
    return shmrpci_socket_receive(ends[1], text, size, len, fds, fd_count);
}

static void packets_keep_their_boundaries(void **state)
{
    (void)state;
    char text[16];
    size_t len;
    size_t fd_count;
    int fds[SHMRPCI_SOCKET_MAX_FDS];
    assert_int_equal(shmrpci_socket_send(ends[0], "one", 3, NULL, 0), 0);
    assert_int_equal(shmrpci_socket_send(ends[0], "three", 5, NULL, 0), 0);
    assert_int_equal(receive(text, 16, &len, fds, &fd_count), SHMRPC_OK);
    assert_int_equal(len, 3);
    assert_int_equal(receive(text, 16, &len, fds, &fd_count), SHMRPC_OK);
    assert_int_equal(len, 5);
    assert_int_equal(receive(text, 16, &len, fds, &fd_count), SHMRPC_E_BUSY);
}

static void descriptors_arrive_close_on_exec(void **state)
{
    (void)state;
    char text[16];
    size_t len;
    size_t fd_count;
    int fds[SHMRPCI_SOCKET_MAX_FDS];
    int sent[3] = {0, 1, 2};
    assert_int_equal(shmrpci_socket_send(ends[0], "x", 1, sent, 3), 0);
    assert_int_equal(receive(text, 16, &len, fds, &fd_count), SHMRPC_OK);
    assert_int_equal(fd_count, 3);
    for (size_t i = 0; i < fd_count; i++) {
        assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
        shmrpci_fd_close(&fds[i]);
    }
}

static void packet_longer_than_room_is_TOO_LARGE(void **state)
{
    (void)state;
    char text[4];
    size_t len;
    size_t fd_count;
    int fds[SHMRPCI_SOCKET_MAX_FDS];
    int before = dup(0);
    assert_int_equal(shmrpci_socket_send(ends[0], "12345", 5, &before, 1), 0);
    assert_int_equal(receive(text, 4, &len, fds, &fd_count),
                     SHMRPC_E_TOO_LARGE);
    int after = dup(0); /* shows that the descriptor of the packet was closed
                         * again */
    assert_int_equal(after, before + 1);
    shmrpci_fd_close(&before);
    shmrpci_fd_close(&after);
}

static void lost_descriptors_are_EXHAUSTED(void **state)
{
    (void)state;
    char text[4];
    size_t len;
    size_t fd_count;
    int fds[SHMRPCI_SOCKET_MAX_FDS];
    int sent[2] = {0, 1};
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(shmrpci_socket_send(ends[0], "x", 1, sent, 2), 0);
    struct rlimit tight = {(rlim_t)ends[1] + 1, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    shmrpc_status status = receive(text, 4, &len, fds, &fd_count);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(status, SHMRPC_E_EXHAUSTED);
}

static void hang_up_is_UNAVAILABLE_and_no_signal(void **state)
{
    (void)state;
    char text[4];
    size_t len;
    size_t fd_count;
    int fds[SHMRPCI_SOCKET_MAX_FDS];
    assert_false(shmrpci_poll_is_hung_up(ends[1]));
    shmrpci_fd_close(&ends[0]);
    assert_true(shmrpci_poll_is_hung_up(ends[1]));
    assert_int_equal(receive(text, 4, &len, fds, &fd_count),
                     SHMRPC_E_UNAVAILABLE);
    assert_int_equal(shmrpci_socket_send(ends[1], "x", 1, NULL, 0),
                     SHMRPC_E_UNAVAILABLE);
}

static void last_word_is_heard_though_input_was_unread(void **state)
{
    (void)state;
    char text[4];
    size_t len;
    size_t fd_count;
    int fds[SHMRPCI_SOCKET_MAX_FDS];
    assert_int_equal(shmrpci_socket_send(ends[1], "unread", 6, NULL, 0), 0);
    shmrpci_socket_shut_input(ends[0]);
    assert_int_equal(shmrpci_socket_send(ends[0], "no", 2, NULL, 0), 0);
    shmrpci_fd_close(&ends[0]);
    assert_int_equal(receive(text, 4, &len, fds, &fd_count), SHMRPC_OK);
    assert_memory_equal(text, "no", 2);
}

static void peer_that_does_not_read_is_EXHAUSTED(void **state)
{
    (void)state;
    static char bytes[4096];
    shmrpc_status status = SHMRPC_OK;
    for (int i = 0; i < 10000 && status == SHMRPC_OK; i++) {
        status = shmrpci_socket_send(ends[0], bytes, sizeof bytes, NULL, 0);
    }
    assert_int_equal(status, SHMRPC_E_EXHAUSTED);
}

static void peer_is_known_by_its_credentials(void **state)
{
    (void)state;
    shmrpci_credentials who;
    assert_int_equal(shmrpci_socket_peer(ends[0], &who), SHMRPC_OK);
    assert_int_equal(who.uid, geteuid());
    assert_int_equal(who.pid, getpid());
}

static void names_lead_to_the_listener_of_the_day(void **state)
{
    (void)state;
    char path[] = "/tmp/shmrpc-test-XXXXXX";
    int dir_fd;
    int old;
    int new;
    int fd;
    int64_t soon_ns = shmrpci_deadline_after(SHMRPCI_NS_PER_S);
    assert_non_null(mkdtemp(path));
    assert_int_equal(shmrpci_folder_open(path, &dir_fd), SHMRPC_OK);
    assert_int_equal(shmrpci_socket_connect(dir_fd, "s", soon_ns, &fd),
                     SHMRPC_E_NOT_FOUND);
    assert_int_equal(shmrpci_socket_listen(dir_fd, "s", "s.new", 0600, &old),
                     SHMRPC_OK);
    shmrpci_fd_close(&old);
    assert_int_equal(shmrpci_socket_connect(dir_fd, "s", soon_ns, &fd),
                     SHMRPC_E_UNAVAILABLE);
    assert_int_equal(shmrpci_socket_listen(dir_fd, "s", "s.new", 0600, &new),
                     SHMRPC_OK);
    assert_int_equal(shmrpci_socket_accept(new, &fd), SHMRPC_E_BUSY);
    int connected;
    assert_int_equal(shmrpci_socket_connect(dir_fd, "s", soon_ns, &connected),
                     SHMRPC_OK);
    assert_int_equal(shmrpci_socket_accept(new, &fd), SHMRPC_OK);
    shmrpci_fd_close(&fd);
    shmrpci_fd_close(&connected);
    shmrpci_fd_close(&new);
    shmrpci_folder_remove(dir_fd, "s");
    shmrpci_fd_close(&dir_fd);
    assert_int_equal(rmdir(path), 0);
}

static void full_queue_costs_the_deadline(void **state)
{
    (void)state;
    char path[] = "/tmp/shmrpc-test-XXXXXX";
    int dir_fd;
    int listener;
    int fds[400];
    size_t count = 0;
    shmrpc_status status = SHMRPC_OK;
    assert_non_null(mkdtemp(path));
    assert_int_equal(shmrpci_folder_open(path, &dir_fd), SHMRPC_OK);
    assert_int_equal(
        shmrpci_socket_listen(dir_fd, "s", "s.new", 0600, &listener),
        SHMRPC_OK);
    while (count < 400 && status == SHMRPC_OK) {
        status = shmrpci_socket_connect(
            dir_fd, "s", shmrpci_deadline_after(10 * SHMRPCI_NS_PER_MS),
            &fds[count]);
        count += status == SHMRPC_OK;
    }
    assert_int_equal(status, SHMRPC_E_DEADLINE);
    while (count > 0) {
        shmrpci_fd_close(&fds[--count]);
    }
    shmrpci_fd_close(&listener);
    shmrpci_folder_remove(dir_fd, "s");
    shmrpci_fd_close(&dir_fd);
    assert_int_equal(rmdir(path), 0);
}

static void peer_with_our_address_is_local(void **state)
{
    (void)state;
    shmrpci_endpoint at[SHMRPCI_ENDPOINTS_MAX];
    shmrpci_endpoint peer;
    size_t count = SHMRPCI_ENDPOINTS_MAX;
    int64_t deadline_ns = shmrpci_deadline_after(20 * SHMRPCI_NS_PER_S);
    int listening = -1;
    int client = -1;
    int server = -1;
    assert_int_equal(
        shmrpci_stream_resolve("127.0.0.1", 0, deadline_ns, at, &count), 0);
    assert_int_equal(shmrpci_stream_listen(&at[0], &listening), 0);
    assert_int_equal(shmrpci_stream_local(listening, &at[0]), 0);
    assert_int_equal(shmrpci_stream_connect(&at[0], deadline_ns, &client), 0);
    assert_true(shmrpci_poll_readable(listening, deadline_ns));
    assert_int_equal(shmrpci_stream_accept(listening, &server, &peer), 0);
    assert_true(shmrpci_stream_is_local(client));
    assert_true(shmrpci_stream_is_local(server));
    assert_false(shmrpci_stream_is_local(listening)); /* a listening socket has
                                                       * no peer */
    shmrpci_fd_close(&listening);
    shmrpci_fd_close(&client);
    shmrpci_fd_close(&server);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(packets_keep_their_boundaries),
        CASE(descriptors_arrive_close_on_exec),
        CASE(packet_longer_than_room_is_TOO_LARGE),
        CASE(lost_descriptors_are_EXHAUSTED),
        CASE(hang_up_is_UNAVAILABLE_and_no_signal),
        CASE(last_word_is_heard_though_input_was_unread),
        CASE(peer_that_does_not_read_is_EXHAUSTED),
        CASE(peer_is_known_by_its_credentials),
        CASE(names_lead_to_the_listener_of_the_day),
        CASE(full_queue_costs_the_deadline),
        CASE(peer_with_our_address_is_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
