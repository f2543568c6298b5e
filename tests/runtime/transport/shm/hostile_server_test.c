/* A hostile server can only refuse a client, or spoil its calls. The client
 * checks everything that it gets, including descriptors. */
#include "service.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/memory.h"
#include "os/poll.h"
#include "os/socket.h"
#include "transport/shm/client.h"

/* A server that the test plays itself. */
typedef struct fake {
    int fd;        /* our end */
    int client_fd; /* the client's end, until the client takes it */
    int fds[SHM_FD_MAX];
    size_t fd_count;
    shm_message welcome;
    shm_block block;
    shmrpci_map status;
} fake;

static int setup(void **state)
{
    static fake it;
    int pair[2];
    size_t page = sizeof(shm_status_page);
    assert_int_equal(shmrpci_socket_pair(pair), SHMRPC_OK);
    it = (fake){.fd = pair[0], .client_fd = pair[1], .fd_count = SHM_FD_TAIL};
    assert_int_equal(
        shm_block_create(SHM_BLOCK_BYTES, &it.block, &it.fds[SHM_FD_BLOCK]),
        SHMRPC_OK);
    assert_int_equal(
        shmrpci_memory_create("status", page, &it.fds[SHM_FD_STATUS]),
        SHMRPC_OK);
    assert_int_equal(shmrpci_memory_map(it.fds[SHM_FD_STATUS], page,
                                        SHMRPCI_ACCESS_WRITE, false,
                                        &it.status),
                     SHMRPC_OK);
    shm_status_page *status = it.status.at;
    status->magic = SHM_STATUS_MAGIC;
    status->version = SHM_LAYOUT_VERSION;
    assert_int_equal(shmrpci_event_create(&it.fds[SHM_FD_BELL]), SHMRPC_OK);
    assert_int_equal(shmrpci_memory_create("ledger", sizeof(shm_ledger),
                                           &it.fds[SHM_FD_LEDGER]),
                     SHMRPC_OK);
    it.fds[SHM_FD_TAIL] = -1;
    it.welcome = (shm_message){.kind = SHM_MESSAGE_WELCOME,
                               .bytes = SHM_BLOCK_BYTES,
                               .max_message = 1u << 20};
    *state = &it;
    return 0;
}

static int teardown(void **state)
{
    fake *it = *state;
    for (size_t i = 0; i < SHM_FD_MAX; i++) {
        shmrpci_fd_close(&it->fds[i]);
    }
    shm_block_unmap(&it->block);
    shmrpci_memory_unmap(&it->status);
    shmrpci_fd_close(&it->fd);
    return 0;
}

static size_t open_fds(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 200; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

/* Connects a client to the fake server. The welcome is sent in advance, before
 * the client asks for it. */
static int shake_hands(fake *it, shmrpci_conn **out)
{
    shmrpci_buf welcome;
    shmrpc_error error;
    shmrpci_connect_opts opts = {.deadline_ns =
                                     shmrpci_deadline_after(PATIENCE_NS),
                                 .max_message_bytes = (size_t)1 << 20};
    assert_int_equal(
        shm_message_send(it->fd, it->welcome, "tail", it->fds, it->fd_count),
        SHMRPC_OK);
    shmrpci_buf_init_heap(&welcome);
    int status =
        shm_client_handshake(it->client_fd, &opts, out, &welcome, &error);
    it->client_fd = -1;
    shmrpci_buf_fini(&welcome);
    return status;
}

/* Checks that the handshake fails with this status and leaves nothing open. */
static void refuses(fake *it, int expected)
{
    shmrpci_conn *conn = NULL;
    size_t before = open_fds();
    assert_int_equal(shake_hands(it, &conn), expected);
    assert_int_equal(open_fds(), before - 1); /* the client's end is closed */
}

static void replace_fd(fake *it, size_t which, int fd)
{
    assert_true(fd >= 0);
    shmrpci_fd_close(&it->fds[which]);
    it->fds[which] = fd;
}

static void good_server_is_accepted(void **state)
{
    shmrpci_conn *conn = NULL;
    assert_int_equal(shake_hands(*state, &conn), SHMRPC_OK);
    conn->transport->client->disconnect(conn);
}

static void block_that_can_shrink_is_DENIED(void **state)
{
    int fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(fd, SHM_BLOCK_BYTES), 0);
    replace_fd(*state, SHM_FD_BLOCK, fd);
    refuses(*state, SHMRPC_E_DENIED);
}

static void block_that_is_no_memory_file_is_DENIED(void **state)
{
    replace_fd(*state, SHM_FD_BLOCK, open("/dev/zero", O_RDWR | O_CLOEXEC));
    refuses(*state, SHMRPC_E_DENIED);
}

static void ledger_that_can_shrink_is_DENIED(void **state)
{
    int fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(fd, sizeof(shm_ledger)), 0);
    replace_fd(*state, SHM_FD_LEDGER, fd);
    refuses(*state, SHMRPC_E_DENIED);
}

static void block_smaller_than_said_is_DENIED(void **state)
{
    fake *it = *state;
    it->welcome.bytes = SHM_BLOCK_BYTES * 2;
    refuses(it, SHMRPC_E_DENIED);
}

static void block_without_an_arena_is_DENIED(void **state)
{
    fake *it = *state;
    it->welcome.bytes = SHM_ARENA_OFFSET;
    refuses(it, SHMRPC_E_DENIED);
}

static void block_of_absurd_size_is_DENIED(void **state)
{
    fake *it = *state;
    it->welcome.bytes = UINT64_MAX;
    refuses(it, SHMRPC_E_DENIED);
}

static void block_of_another_layout_is_CONTRACT(void **state)
{
    fake *it = *state;
    shm_block_head head;
    memcpy(&head, it->block.map.at, sizeof head);
    head.slots++;
    memcpy(it->block.map.at, &head, sizeof head);
    refuses(it, SHMRPC_E_CONTRACT);
}

static void status_page_without_magic_is_CONTRACT(void **state)
{
    fake *it = *state;
    ((shm_status_page *)it->status.at)->magic = 0;
    refuses(it, SHMRPC_E_CONTRACT);
}

static void welcome_without_descriptors_is_INVALID(void **state)
{
    fake *it = *state;
    it->fd_count = 2;
    refuses(it, SHMRPC_E_INVALID);
}

static void welcome_of_another_kind_is_INVALID(void **state)
{
    fake *it = *state;
    it->welcome.kind = SHM_MESSAGE_EXTENT;
    refuses(it, SHMRPC_E_INVALID);
}

static void long_tail_without_its_file_is_INVALID(void **state)
{
    fake *it = *state;
    it->welcome.tail = SHM_TAIL_MAX_BYTES + 1;
    refuses(it, SHMRPC_E_INVALID);
}

static void tail_beyond_the_limit_is_TOO_LARGE(void **state)
{
    fake *it = *state;
    it->welcome.tail = UINT32_MAX;
    refuses(it, SHMRPC_E_TOO_LARGE);
}

static void server_that_hangs_up_is_UNAVAILABLE(void **state)
{
    fake *it = *state;
    shmrpci_conn *conn = NULL;
    shmrpci_buf welcome;
    shmrpci_connect_opts opts = {.deadline_ns =
                                     shmrpci_deadline_after(PATIENCE_NS),
                                 .max_message_bytes = 1};
    shmrpci_buf_init_heap(&welcome);
    shmrpci_fd_close(&it->fd);
    assert_int_equal(
        shm_client_handshake(it->client_fd, &opts, &conn, &welcome, NULL),
        SHMRPC_E_UNAVAILABLE);
}

static void silent_server_costs_the_deadline(void **state)
{
    fake *it = *state;
    shmrpci_conn *conn = NULL;
    shmrpci_buf welcome;
    int64_t deadline_ns = shmrpci_deadline_after(20 * SHMRPCI_NS_PER_MS);
    shmrpci_connect_opts opts = {.deadline_ns = deadline_ns,
                                 .max_message_bytes = 1};
    shmrpci_buf_init_heap(&welcome);
    assert_int_equal(
        shm_client_handshake(it->client_fd, &opts, &conn, &welcome, NULL),
        SHMRPC_E_DEADLINE);
    assert_in_range(shmrpci_now_ns(), deadline_ns,
                    deadline_ns + 500 * SHMRPCI_NS_PER_MS);
}

/* ---- replies --------------------------------------------------------- */

typedef struct bad_reply {
    const char *name;
    uint16_t flags;
    uint32_t length;
    shm_span span;
} bad_reply;

/* Answers slot 0 with a bad reply, and returns the client's status. */
static int receive_raw(fake *it, shmrpci_conn *conn, const bad_reply *bad)
{
    shmrpci_call call = {0};
    shm_slot *slot = &it->block.slots[0];
    assert_int_equal(client_send(conn, &call, 1, "x", 1, 1000), SHMRPC_OK);
    uint32_t word = shmrpci_load_acquire(&slot->word);
    assert_int_equal(shm_word_state(word), SHM_SUBMITTED);
    memcpy(slot->payload, &bad->span, sizeof bad->span);
    shmrpci_store_relaxed(&slot->flags, bad->flags);
    shmrpci_store_relaxed(&slot->length, bad->length);
    (void)shmrpci_exchange_seq(&slot->word, shm_word_moved(word, SHM_DONE));
    int status = conn->transport->client->receive(
        &call, shmrpci_deadline_after(PATIENCE_NS));
    if (status == SHMRPC_OK) {
        conn->transport->client->release(&call);
    }
    return status;
}

static void replies_with_nonsense_are_DATA_LOSS(void **state)
{
    static const bad_reply bad[] = {
        {.name = "too long", .length = SHM_PAYLOAD_BYTES + 1},
        {.name = "huge", .length = UINT32_MAX},
        {.name = "no such region",
         .flags = SHM_MSG_BODY_SPAN,
         .length = 1,
         .span = {3, 1, 0}},
        {.name = "not the span that was reserved",
         .flags = SHM_MSG_BODY_SPAN,
         .length = 1,
         .span = {0, 1, 8192}},
        {.name = "longer than reserved",
         .flags = SHM_MSG_BODY_SPAN,
         .length = SHM_BLOCK_BYTES,
         .span = {0, SHM_BLOCK_BYTES, 0}},
        {.name = "offset wraps",
         .flags = SHM_MSG_BODY_SPAN,
         .length = 16,
         .span = {0, 16, UINT64_MAX - 7}},
    };
    shmrpci_conn *conn = NULL;
    assert_int_equal(shake_hands(*state, &conn), SHMRPC_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int status = receive_raw(*state, conn, &bad[i]);
        if (status != SHMRPC_E_DATA_LOSS) {
            fail_msg("%s: %d", bad[i].name, status);
        }
    }
    static const bad_reply good = {.name = "good", .length = 3};
    assert_int_equal(receive_raw(*state, conn, &good), SHMRPC_OK);
    conn->transport->client->disconnect(conn);
}

/* ---- extents --------------------------------------------------------- */

static void send_extent(fake *it, uint32_t region, uint64_t bytes,
                        uint32_t incarnation, int fd)
{
    shm_message extent = {.kind = SHM_MESSAGE_EXTENT,
                          .region = region,
                          .bytes = bytes,
                          .incarnation = incarnation};
    assert_int_equal(
        shm_message_send(it->fd, extent, NULL, &fd, fd >= 0 ? 1 : 0),
        SHMRPC_OK);
}

static void extents_with_nonsense_are_ignored(void **state)
{
    fake *it = *state;
    int fd;
    shmrpci_conn *conn = NULL;
    assert_int_equal(shake_hands(it, &conn), SHMRPC_OK);
    shm_client *client = (shm_client *)(void *)conn;
    size_t before = open_fds();
    assert_int_equal(shmrpci_memory_create("extent", 8192, &fd), SHMRPC_OK);
    send_extent(it, 0, 8192, 0, fd);
    send_extent(it, SHM_EXTENTS + 1, 8192, 0, fd);
    send_extent(it, UINT32_MAX, 8192, 0, fd);
    send_extent(it, 1, 0, 0, fd);
    send_extent(it, 1, 1u << 20, 0, fd);
    send_extent(it, 1, UINT64_MAX, 0, fd);
    send_extent(it, 1, 8192, 0, -1);
    send_extent(it, 0, 8192, 0, -1);
    send_extent(it, UINT32_MAX, 8192, 0, -1);
    shm_client_drain_control(client);
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        assert_null(client->pool.regions[i]);
    }
    /* A good extent is accepted. A second extent with the same number is
     * refused while the first one is in use, and accepted afterwards. */
    send_extent(it, 9, 8192, 7, fd);
    shm_client_drain_control(client);
    assert_non_null(client->pool.regions[9]);
    client->pool.regions[9]->use = SHM_USE_REPLY;
    send_extent(it, 9, 8192, 8, fd);
    shm_client_drain_control(client);
    assert_int_equal(client->pool.regions[9]->incarnation, 7);
    client->pool.regions[9]->use = SHM_USE_NONE;
    send_extent(it, 9, 8192, 8, fd);
    shm_client_drain_control(client);
    assert_int_equal(client->pool.regions[9]->incarnation, 8);
    shmrpci_fd_close(&fd);
    assert_int_equal(open_fds(), before);
    conn->transport->client->disconnect(conn);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(good_server_is_accepted),
        CASE(block_that_can_shrink_is_DENIED),
        CASE(block_that_is_no_memory_file_is_DENIED),
        CASE(ledger_that_can_shrink_is_DENIED),
        CASE(block_smaller_than_said_is_DENIED),
        CASE(block_without_an_arena_is_DENIED),
        CASE(block_of_absurd_size_is_DENIED),
        CASE(block_of_another_layout_is_CONTRACT),
        CASE(status_page_without_magic_is_CONTRACT),
        CASE(welcome_without_descriptors_is_INVALID),
        CASE(welcome_of_another_kind_is_INVALID),
        CASE(long_tail_without_its_file_is_INVALID),
        CASE(tail_beyond_the_limit_is_TOO_LARGE),
        CASE(server_that_hangs_up_is_UNAVAILABLE),
        CASE(silent_server_costs_the_deadline),
        CASE(replies_with_nonsense_are_DATA_LOSS),
        CASE(extents_with_nonsense_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
