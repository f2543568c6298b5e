/* Large messages: memory grows with them, is reused, and is given back. */
#include "service.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transport/shm/client.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

/* Short enough for a test, long enough to see memory reused. */
#define SHORT_IDLE_NS (200 * SHMRPCI_NS_PER_MS)

/* Each test begins with these options, and changes those that it needs. */
static int usual_opts(void **state)
{
    (void)state;
    service_opts.extent_idle_ns = 0;
    service_opts.max_bytes_per_uid = (size_t)256 << 20;
    service_opts.max_message_bytes = 16 * MIB;
    return 0;
}

static shm_client *client_of(shmrpci_conn *conn)
{
    return (shm_client *)(void *)conn;
}

/* Returns the number of extents according to the words in the block. extents_in
 * returns the number of those in one state. */
static unsigned extents_of(shmrpci_conn *conn)
{
    unsigned count = 0;
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        uint64_t word = shmrpci_load_seq(&client_of(conn)->block.extents[i]);
        count += shm_extent_state_of(word) != SHM_EXTENT_NONE;
    }
    return count;
}

static unsigned extents_in(shmrpci_conn *conn, shm_extent_state state)
{
    unsigned count = 0;
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        uint64_t word = shmrpci_load_seq(&client_of(conn)->block.extents[i]);
        count += shm_extent_state_of(word) == (uint32_t)state;
    }
    return count;
}

/* Returns how many extents were ever made for the connection. */
static uint32_t made_for(shmrpci_conn *conn)
{
    uint32_t most = 0;
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        uint64_t word = shmrpci_load_seq(&client_of(conn)->block.extents[i]);
        uint32_t incarnation = shm_extent_incarnation_of(word);
        most = incarnation > most ? incarnation : most;
    }
    return most;
}

/* Returns the shared memory, in KiB, that this process has touched and that is
 * still allocated. */
static size_t shared_kib(void)
{
    size_t kib = SIZE_MAX;
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "RssShmem: %zu", &kib);
    }
    (void)fclose(file);
    assert_true(kib != SIZE_MAX);
    return kib;
}

static uint8_t *random_bytes(size_t len)
{
    uint64_t *words = malloc(len + sizeof *words);
    uint64_t x = 88172645463325252u;
    assert_non_null(words);
    for (size_t i = 0; i <= len / sizeof *words; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        words[i] = x;
    }
    return (uint8_t *)words;
}

static void echoes_exactly(shmrpci_conn *conn, const uint8_t *bytes, size_t len,
                           size_t reply_hint)
{
    int status = client_call(conn, METHOD_ECHO, bytes, len, reply_hint, NULL);
    if (status != SHMRPC_OK) {
        fail_msg("echo of %zu bytes (reply foreseen: %zu): %s", len, reply_hint,
                 shmrpc_status_text(status));
    }
}

/* Waits until the connection has no extents; fails after the promised
 * minute. */
static void await_no_extents(shmrpci_conn *conn)
{
    int64_t deadline_ns = shmrpci_deadline_after(60 * SHMRPCI_NS_PER_S);
    while (extents_of(conn) != 0) {
        if (shmrpci_now_ns() > deadline_ns) {
            fail_msg("%u extents are still there", extents_of(conn));
        }
        (void)usleep(1000);
    }
}

/* ---- sizes and memory ------------------------------------------------ */

static void messages_of_all_sizes_come_back_exactly(void **state)
{
    (void)state;
    service s;
    shmrpci_address address = new_address();
    size_t most = is_long() ? 1024 * MIB : 16 * MIB;
    service_opts.max_message_bytes = most;
    service_opts.max_bytes_per_uid = 4 * most;
    /* A long run uses a real service's idle time. */
    service_opts.extent_idle_ns = is_long() ? 0 : SHORT_IDLE_NS;
    uint8_t *bytes = random_bytes(most);
    service_start(&s, &address, 1);
    shmrpci_conn *conn = client_open(&address);
    client_echoes(conn, "before");
    size_t before_kib = shared_kib();
    size_t peak_kib = 0;
    for (size_t power = 1; power <= most; power *= 2) {
        for (size_t len = power - 1; len <= power + 1 && len <= most; len++) {
            echoes_exactly(conn, bytes, len, 0);
            echoes_exactly(conn, bytes, len, len);
        }
        size_t kib = shared_kib();
        peak_kib = kib > peak_kib ? kib : peak_kib;
    }
    assert_true(peak_kib >= before_kib + most / KIB);
    /* The memory is given back although nobody makes a call. */
    await_no_extents(conn);
    assert_in_range(shared_kib(), 0, before_kib + 64);
    /* The next large call allocates it again. */
    echoes_exactly(conn, bytes, MIB, 0);
    conn->transport->client->disconnect(conn);
    service_stop(&s);
    free(bytes);
}

/* ---- reuse ----------------------------------------------------------- */

static void warm_extents_are_used_again(void **state)
{
    (void)state;
    service s;
    shmrpci_address address = new_address();
    uint8_t *bytes = random_bytes(MIB);
    service_start(&s, &address, 2);
    shmrpci_conn *conn = client_open(&address);
    for (int i = 0; i < 100; i++) {
        echoes_exactly(conn, bytes, MIB, 0);
    }
    /* There is one extent for requests and another for replies, or a single one
     * that serves both in turn. */
    assert_in_range(made_for(conn), 1, 2);
    assert_int_equal(extents_in(conn, SHM_EXTENT_IDLE), extents_of(conn));
    conn->transport->client->disconnect(conn);
    service_stop(&s);
    free(bytes);
}

/* Gives up calls before or after their reply has arrived. */
static void replies_that_nobody_reads_keep_no_extent(void **state)
{
    (void)state;
    service s;
    shmrpci_address address = new_address();
    service_start(&s, &address, 2);
    shmrpci_conn *conn = client_open(&address);
    for (uint32_t i = 0; i < 4 * SHM_EXTENTS; i++) {
        shmrpci_call call = {0};
        uint32_t size = 300000;
        assert_int_equal(
            client_send(conn, &call, METHOD_SIZE, &size, sizeof size, 0),
            SHMRPC_OK);
        if (i % 2 == 0) {
            const shm_slot *slot =
                &client_of(conn)->block.slots[call.data.words[0]];
            int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
            while (shm_word_state(shmrpci_load_acquire(&slot->word)) !=
                   SHM_DONE) {
                assert_true(shmrpci_now_ns() < deadline_ns);
                (void)usleep(10);
            }
        }
        (void)conn->transport->client->cancel(&call);
    }
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (extents_in(conn, SHM_EXTENT_REPLY) != 0) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        shm_client_reclaim(client_of(conn), UINT64_MAX);
        client_echoes(conn, "meanwhile");
    }
    conn->transport->client->disconnect(conn);
    service_stop(&s);
}

/* A server that shuts down normally leaves replies intact, whether the client
 * has received them already or not. */
static void replies_are_whole_when_the_server_has_ended(void **state)
{
    (void)state;
    service s;
    shmrpci_address address = new_address();
    uint8_t *bytes = random_bytes(MIB);
    service_start(&s, &address, 1);
    shmrpci_conn *conn = client_open(&address);
    shmrpci_call calls[2] = {{0}, {0}};
    for (size_t i = 0; i < 2; i++) {
        const int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
        assert_int_equal(
            client_send(conn, &calls[i], METHOD_ECHO, bytes, MIB, 0),
            SHMRPC_OK);
        while (conn->transport->client->arm(conn, (shmrpci_call *[]){&calls[i]},
                                            1) != 0) {
            assert_true(shmrpci_now_ns() < deadline_ns);
            (void)usleep(100);
        }
    }
    assert_int_equal(conn->transport->client->receive(&calls[0], 0), SHMRPC_OK);
    service_stop(&s);
    assert_int_equal(conn->transport->client->receive(&calls[1], 0), SHMRPC_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(calls[i].in_len, MIB);
        assert_memory_equal(calls[i].in, bytes, MIB);
        conn->transport->client->release(&calls[i]);
    }
    conn->transport->client->disconnect(conn);
    free(bytes);
}

/* ---- quota ----------------------------------------------------------- */

/* If other connections of the user hold idle memory, the server takes it back
 * instead of refusing an extent. */
static void idle_memory_goes_when_the_quota_is_short(void **state)
{
    (void)state;
    service s;
    shmrpci_address address = new_address();
    uint8_t *bytes = random_bytes(8 * MIB);
    service_opts.max_bytes_per_uid = 20 * MIB;
    service_start(&s, &address, 1);
    shmrpci_conn *conns[4];
    for (size_t i = 0; i < 4; i++) {
        conns[i] = client_open(&address);
    }
    for (size_t len = 512 * KIB; len <= 8 * MIB; len *= 2) {
        for (size_t i = 0; i < 4; i++) {
            echoes_exactly(conns[i], bytes, len, 0);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        conns[i]->transport->client->disconnect(conns[i]);
    }
    service_stop(&s);
    free(bytes);
}

/* While calls use all extents, the server stops looking for idle ones. The
 * client tells the server when a call is over, and then the server takes the
 * extent back. */
static void extent_goes_that_was_in_use_for_long(void **state)
{
    (void)state;
    service s;
    shmrpci_call call;
    shmrpci_address address = new_address();
    service_opts.extent_idle_ns = SHMRPCI_NS_PER_MS;
    service_start(&s, &address, 1);
    shmrpci_conn *conn = client_open(&address);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            conn->transport->client->reserve(conn, &call, MIB, 0, 0, NULL),
            SHMRPC_OK);
        assert_non_null(shmrpci_buf_extend(&call.out, MIB));
        assert_int_equal(extents_in(conn, SHM_EXTENT_CLIENT), 1);
        int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
        while (shmrpci_load_seq(&client_of(conn)->status->swept) != 0) {
            assert_true(shmrpci_now_ns() < deadline_ns);
            (void)usleep(1000);
        }
        conn->transport->client->abort(&call);
        await_no_extents(conn);
    }
    conn->transport->client->disconnect(conn);
    service_stop(&s);
}

/* ---- extents taken back at any moment -------------------------------- */

typedef struct caller {
    shmrpci_conn *conn;
    const uint8_t *bytes;
    unsigned seed;
    int64_t end_ns;
    int status;
    unsigned calls;
} caller;

static void *call_all_the_time(void *user)
{
    caller *it = user;
    while (shmrpci_now_ns() < it->end_ns && it->status == SHMRPC_OK) {
        it->seed = it->seed * 1103515245u + 12345u;
        size_t len = (it->seed >> 8) % (600 * KIB);
        size_t hint = (it->seed & 64) != 0 ? len : 0;
        it->status =
            client_call(it->conn, METHOD_ECHO, it->bytes, len, hint, NULL);
        it->calls++;
        if (it->seed % 16 == 0) {
            /* Long enough for all extents to be taken back. */
            (void)usleep(3000);
        }
    }
    return NULL;
}

static void extents_taken_back_at_any_moment_harm_no_call(void **state)
{
    (void)state;
    service s;
    shmrpci_address address = new_address();
    uint8_t *bytes = random_bytes(600 * KIB);
    service_opts.extent_idle_ns = SHMRPCI_NS_PER_MS;
    service_start(&s, &address, 2);
    shmrpci_conn *conns[2] = {client_open(&address), client_open(&address)};
    caller callers[4];
    pthread_t threads[4];
    int64_t end_ns =
        shmrpci_deadline_after((is_long() ? 60 : 1) * SHMRPCI_NS_PER_S);
    for (unsigned i = 0; i < 4; i++) {
        callers[i] = (caller){.conn = conns[i % 2],
                              .bytes = bytes,
                              .seed = i * 7919 + 1,
                              .end_ns = end_ns};
        assert_int_equal(
            pthread_create(&threads[i], NULL, call_all_the_time, &callers[i]),
            0);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(callers[i].status, SHMRPC_OK);
    }
    /* Extents were indeed taken back and made again. */
    assert_true(made_for(conns[0]) > 3);
    for (unsigned i = 0; i < 2; i++) {
        await_no_extents(conns[i]);
        conns[i]->transport->client->disconnect(conns[i]);
    }
    service_stop(&s);
    free(bytes);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, usual_opts)
    const struct CMUnitTest tests[] = {
        CASE(messages_of_all_sizes_come_back_exactly),
        CASE(warm_extents_are_used_again),
        CASE(replies_that_nobody_reads_keep_no_extent),
        CASE(replies_are_whole_when_the_server_has_ended),
        CASE(idle_memory_goes_when_the_quota_is_short),
        CASE(extent_goes_that_was_in_use_for_long),
        CASE(extents_taken_back_at_any_moment_harm_no_call),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
