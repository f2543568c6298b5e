/* A hostile client can't harm a server. It spoils only its own calls; the
 * server answers INVALID or hangs up, and goes on serving other clients. */
#include "service.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/folder.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/socket.h"
#include "transport/shm/client.h"
#include "transport/shm/server.h"

static service s;
static shmrpci_conn *honest;

static void scribble(shm_client *client, uint64_t seed);

/* Processes that write random values to a block. They are forked before this
 * process has threads, and each waits for a byte before it begins. */
static pid_t scribblers[2];
static int go[2];

static void fork_scribbler(const shmrpci_address *address, uint64_t seed)
{
    char byte;
    shmrpci_conn *conn;
    pid_t pid = service_fork();
    if (pid != 0) {
        scribblers[seed] = pid;
        return;
    }
    if (read(go[0], &byte, 1) == 1 &&
        client_try_open(address, &conn, NULL) == SHMRPC_OK) {
        scribble((shm_client *)(void *)conn, seed);
    }
    _exit(1);
}

static int setup(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    if (pipe(go) != 0) {
        return -1;
    }
    for (uint64_t i = 0; i < 2; i++) {
        fork_scribbler(&address, i);
    }
    service_start(&s, &address, 2);
    honest = client_open(&address);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    client_echoes(honest, "still served");
    honest->transport->client->disconnect(honest);
    service_stop(&s);
    return 0;
}

/* ---- slots ----------------------------------------------------------- */

typedef struct bad_slot {
    const char *name;
    uint16_t flags;
    uint32_t length;
    shm_span first;
    shm_span second;
} bad_slot;

/* Fills and submits a slot without the client library. */
static void submit_unanswered(shm_client *client, const bad_slot *bad)
{
    shm_slot *slot = &client->block.slots[0];
    uint32_t gen = shm_word_gen(shmrpci_load_acquire(&slot->word)) + 1;
    memcpy(slot->payload, &bad->first, sizeof bad->first);
    memcpy(slot->payload + sizeof bad->first, &bad->second, sizeof bad->second);
    shmrpci_store_relaxed(&slot->method, METHOD_ECHO);
    shmrpci_store_relaxed(&slot->flags, bad->flags);
    shmrpci_store_relaxed(&slot->length, bad->length);
    shmrpci_store_relaxed(&slot->timeout_ns, UINT64_MAX);
    (void)shmrpci_exchange_seq(&slot->word,
                               shm_word(gen & 0xFFFFu, SHM_SUBMITTED));
    shmrpci_event_set(client->bell_fd);
}

/* Submits a slot in the same way, and returns the status of the answer. */
static int32_t submit_raw(shm_client *client, const bad_slot *bad)
{
    const shm_slot *slot = &client->block.slots[0];
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    submit_unanswered(client, bad);
    while (shm_word_state(shmrpci_load_acquire(&slot->word)) != SHM_DONE) {
        if (shmrpci_now_ns() > deadline_ns) {
            fail_msg("%s: no answer", bad->name);
        }
        (void)sched_yield();
    }
    return (int32_t)shmrpci_load_relaxed(&slot->status);
}

static void slots_with_nonsense_are_INVALID(void **state)
{
    (void)state;
    static const bad_slot bad[] = {
        {.name = "too long", .length = SHM_PAYLOAD_BYTES + 1},
        {.name = "huge", .length = UINT32_MAX},
        {.name = "no such region",
         .flags = SHM_MSG_BODY_SPAN,
         .length = 1,
         .first = {1, 1, 0}},
        {.name = "region beyond all",
         .flags = SHM_MSG_BODY_SPAN,
         .length = 1,
         .first = {UINT32_MAX, 1, 0}},
        {.name = "offset beyond",
         .flags = SHM_MSG_BODY_SPAN,
         .length = 1,
         .first = {0, 1, SHM_BLOCK_BYTES}},
        {.name = "offset wraps",
         .flags = SHM_MSG_BODY_SPAN,
         .length = 16,
         .first = {0, 16, UINT64_MAX - 7}},
        {.name = "length beyond",
         .flags = SHM_MSG_BODY_SPAN,
         .length = SHM_BLOCK_BYTES,
         .first = {0, SHM_BLOCK_BYTES, 0}},
        {.name = "reply beyond",
         .flags = SHM_MSG_REPLY_SPAN,
         .length = 1,
         .first = {0, 1, SHM_BLOCK_BYTES}},
        {.name = "reply wraps",
         .flags = SHM_MSG_REPLY_SPAN,
         .length = 1,
         .first = {0, UINT32_MAX, UINT64_MAX}},
        {.name = "too long after spans",
         .flags = SHM_MSG_REPLY_SPAN,
         .length = SHM_PAYLOAD_BYTES - 15,
         .first = {0, 64, 0}},
        {.name = "second span bad",
         .flags = SHM_MSG_BODY_SPAN | SHM_MSG_REPLY_SPAN,
         .length = 64,
         .first = {0, 64, 0},
         .second = {0, 64, UINT64_MAX}},
    };
    shmrpci_conn *conn = client_open(&s.address);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int32_t status = submit_raw((shm_client *)(void *)conn, &bad[i]);
        if (status != SHMRPC_E_INVALID) {
            fail_msg("%s: %d", bad[i].name, status);
        }
    }
    conn->transport->client->disconnect(conn);
}

static void who_sends_nothing_but_nonsense_is_hung_up_on(void **state)
{
    (void)state;
    static const bad_slot bad = {.name = "huge", .length = UINT32_MAX};
    shmrpci_conn *conn = client_open(&s.address);
    shm_client *client = (shm_client *)(void *)conn;
    for (unsigned i = 1; i < SHM_MAX_NONSENSE; i++) {
        assert_int_equal(submit_raw(client, &bad), SHMRPC_E_INVALID);
    }
    client_echoes(conn, "still there");
    submit_unanswered(client, &bad);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (!shm_client_is_lost(client)) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        (void)sched_yield();
    }
    client_echoes(honest, "so are others");
    conn->transport->client->disconnect(conn);
}

static void request_and_reply_in_one_span_are_harmless(void **state)
{
    (void)state;
    static const bad_slot same = {.name = "the same span twice",
                                  .flags =
                                      SHM_MSG_BODY_SPAN | SHM_MSG_REPLY_SPAN,
                                  .length = 4096,
                                  .first = {0, 4096, 0},
                                  .second = {0, 4096, 0}};
    shmrpci_conn *conn = client_open(&s.address);
    assert_int_equal(submit_raw((shm_client *)(void *)conn, &same), SHMRPC_OK);
    conn->transport->client->disconnect(conn);
}

/* ---- a block that changes all the time ------------------------------- */

static void scribble(shm_client *client, uint64_t seed)
{
    uint8_t *bytes = client->block.map.at;
    for (;;) {
        for (int i = 0; i < 1000; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t at = (size_t)(seed >> 33) % (SHM_ARENA_OFFSET + 4096);
            if ((seed & 7) == 0) {
                /* Writes a word with a valid state to a random slot, hot or
                 * not. */
                uint32_t slot = (uint32_t)(seed >> 20) % SHM_SLOTS;
                shmrpci_store_relaxed(&client->block.slots[slot].word,
                                      shm_word((uint32_t)(seed >> 40) & 0xFFFFu,
                                               (shm_state)((seed >> 8) % 6)));
            } else {
                bytes[at] = (uint8_t)seed;
            }
        }
        shmrpci_event_set(client->bell_fd);
    }
}

static void scribblers_disturb_nobody(void **state)
{
    (void)state;
    assert_int_equal(write(go[1], "go", 2), 2);
    int64_t end_ns =
        shmrpci_deadline_after((is_long() ? 10000 : 700) * SHMRPCI_NS_PER_MS);
    while (shmrpci_now_ns() < end_ns) {
        client_echoes(honest, "the quick brown fox jumps over the lazy dog");
    }
    for (size_t i = 0; i < 2; i++) {
        int status;
        assert_int_equal(kill(scribblers[i], SIGKILL), 0);
        assert_int_equal(waitpid(scribblers[i], &status, 0), scribblers[i]);
        assert_true(WIFSIGNALED(status));
    }
}

/* ---- handshake ------------------------------------------------------- */

static int connect_raw(void)
{
    int dir_fd;
    int fd;
    char name[160];
    (void)snprintf(name, sizeof name, "%.100s.%u.sock", s.address.name,
                   (unsigned)s.address.port);
    assert_int_equal(shmrpci_folder_open(folder_path(), &dir_fd), SHMRPC_OK);
    assert_int_equal(shmrpci_socket_connect(dir_fd, name,
                                            shmrpci_deadline_after(PATIENCE_NS),
                                            &fd),
                     SHMRPC_OK);
    shmrpci_fd_close(&dir_fd);
    return fd;
}

/* Sends a packet and returns the status of the refusal, or UNAVAILABLE if the
 * server hung up without an answer. */
static int refusal_of(const void *bytes, size_t len, const int *fds,
                      size_t fd_count)
{
    static shm_packet packet;
    int fd = connect_raw();
    assert_int_equal(shmrpci_socket_send(fd, bytes, len, fds, fd_count),
                     SHMRPC_OK);
    shmrpc_status status;
    do {
        assert_true(
            shmrpci_poll_readable(fd, shmrpci_deadline_after(PATIENCE_NS)));
        status = shm_message_receive(fd, &packet);
    } while (status == SHMRPC_E_BUSY);
    shm_packet_close_fds(&packet);
    shmrpci_fd_close(&fd);
    if (status != SHMRPC_OK) {
        return SHMRPC_E_UNAVAILABLE;
    }
    assert_int_equal(packet.head.kind, SHM_MESSAGE_REFUSED);
    return packet.head.status;
}

static shm_message good_hello(void)
{
    return (shm_message){.magic = SHM_MESSAGE_MAGIC,
                         .layout = SHM_LAYOUT_HASH,
                         .kind = SHM_MESSAGE_HELLO,
                         .max_message = 1u << 20};
}

static void garbage_for_a_hello_is_refused(void **state)
{
    (void)state;
    shm_message head = good_hello();
    assert_int_equal(refusal_of("x", 1, NULL, 0), SHMRPC_E_UNAVAILABLE);
    assert_int_equal(refusal_of("GET / HTTP/1.1\r\n\r\n", 18, NULL, 0),
                     SHMRPC_E_UNAVAILABLE);
    head.magic++;
    assert_int_equal(refusal_of(&head, sizeof head, NULL, 0),
                     SHMRPC_E_UNAVAILABLE);
    head = good_hello();
    head.layout++;
    assert_int_equal(refusal_of(&head, sizeof head, NULL, 0),
                     SHMRPC_E_CONTRACT);
    head = good_hello();
    head.tail = 5; /* announces 5 bytes that do not follow */
    assert_int_equal(refusal_of(&head, sizeof head, NULL, 0),
                     SHMRPC_E_UNAVAILABLE);
    head = good_hello();
    head.tail = UINT32_MAX;
    assert_int_equal(refusal_of(&head, sizeof head, NULL, 0), SHMRPC_E_INVALID);
    head = good_hello();
    head.kind = SHM_MESSAGE_WANT;
    assert_int_equal(refusal_of(&head, sizeof head, NULL, 0), SHMRPC_E_INVALID);
}

static void descriptors_with_a_hello_are_refused_and_closed(void **state)
{
    (void)state;
    shm_message head = good_hello();
    int fds[2] = {0, 1};
    assert_int_equal(refusal_of(&head, sizeof head, fds, 2), SHMRPC_E_INVALID);
}

static void silent_clients_keep_nobody_out(void **state)
{
    (void)state;
    int silent[20];
    for (size_t i = 0; i < 20; i++) {
        silent[i] = connect_raw();
    }
    shmrpci_conn *conn = client_open(&s.address);
    client_echoes(conn, "let in");
    conn->transport->client->disconnect(conn);
    for (size_t i = 0; i < 20; i++) {
        shmrpci_fd_close(&silent[i]);
    }
}

/* ---- after the handshake --------------------------------------------- */

static void wanting_too_much_costs_that_call_only(void **state)
{
    (void)state;
    shmrpci_conn *conn = client_open(&s.address);
    shm_client *client = (shm_client *)(void *)conn;
    shm_span span;
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    assert_int_equal(
        shm_client_room(client, (uint64_t)1 << 30, deadline_ns, &span),
        SHMRPC_E_TOO_LARGE);
    client_echoes(conn, "goes on");
    conn->transport->client->disconnect(conn);
}

static void giving_back_what_one_never_had_is_harmless(void **state)
{
    (void)state;
    shmrpci_conn *conn = client_open(&s.address);
    shm_client *client = (shm_client *)(void *)conn;
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        shmrpci_store_seq(&client->block.extents[i],
                          shm_extent_word(i, SHM_EXTENT_IDLE, 0));
    }
    uint32_t size = 300000;
    assert_int_equal(
        client_call(conn, METHOD_SIZE, &size, sizeof size, 0, NULL), SHMRPC_OK);
    conn->transport->client->disconnect(conn);
}

static void unforeseen_large_replies_never_exhaust_extents(void **state)
{
    (void)state;
    shmrpci_conn *conn = client_open(&s.address);
    for (uint32_t i = 0; i < 4 * SHM_EXTENTS; i++) {
        uint32_t size = 50000 + i * 1000;
        size_t len = 0;
        assert_int_equal(
            client_call(conn, METHOD_SIZE, &size, sizeof size, 0, &len),
            SHMRPC_OK);
        assert_int_equal(len, size);
    }
    conn->transport->client->disconnect(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_with_nonsense_are_INVALID),
        cmocka_unit_test(who_sends_nothing_but_nonsense_is_hung_up_on),
        cmocka_unit_test(request_and_reply_in_one_span_are_harmless),
        cmocka_unit_test(scribblers_disturb_nobody),
        cmocka_unit_test(garbage_for_a_hello_is_refused),
        cmocka_unit_test(descriptors_with_a_hello_are_refused_and_closed),
        cmocka_unit_test(silent_clients_keep_nobody_out),
        cmocka_unit_test(wanting_too_much_costs_that_call_only),
        cmocka_unit_test(giving_back_what_one_never_had_is_harmless),
        cmocka_unit_test(unforeseen_large_replies_never_exhaust_extents),
    };
    int failed = folder_setup(NULL);
    if (failed == 0) {
        failed = cmocka_run_group_tests(tests, setup, teardown);
        (void)folder_teardown(NULL);
    }
    return failed;
}
