/*
 * Clients write arbitrary values into the rings of their streams while the
 * streams are in use. This ends only the streams of these clients; the server
 * and its other clients continue.
 */
#include "service.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transport/shm/client.h"
#include "transport/shm/stream.h"

#define LIARS   2u
#define ITEMS   50u
#define LARGEST 3000u
#define WINDOW  8192u
/* How long a handler waits for a hostile client. */
#define LIAR_NS (50 * SHMRPCI_NS_PER_MS)

#define shm (&shmrpci_transport_shm)

static service s;

static int64_t soon(void)
{
    return shmrpci_deadline_after(PATIENCE_NS);
}

/* ---- hostile clients ----------------------------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 16;
}

/* Writes a random value to the ring's two cache lines or to its frames. */
static void scribble(shmrpci_stream_ring *ring, uint32_t bytes, uint64_t *seed)
{
    uint64_t random = next_random(seed);
    uint32_t size = bytes - (uint32_t)offsetof(shmrpci_stream_ring, frames);
    uint32_t offset = (uint32_t)(shmrpci_load_seq(&ring->head) % size & ~7u) +
                      (uint32_t)(random >> 8) % 16 * 8;
    switch (random % 8) {
    case 0:
        shmrpci_store_seq(&ring->head, next_random(seed));
        break;
    case 1:
        shmrpci_store_seq(&ring->head, shmrpci_load_seq(&ring->head) + 64);
        break;
    case 2:
        shmrpci_store_seq(&ring->waits, (uint32_t)(random >> 8) % 4);
        break;
    case 3:
        shmrpci_store_seq(&ring->ended, (uint32_t)(random >> 8) % 2);
        break;
    case 4:
        shmrpci_store_seq(&ring->cancelled, (uint32_t)(random >> 8) % 2);
        break;
    default:
        shmrpci_store_seq(shmrpci_stream_header_at(ring, offset % size),
                          (uint32_t)next_random(seed));
        break;
    }
}

/* Opens a stream correctly and then corrupts it. A client has one such stream
 * at a time, so it occupies at most one worker. */
static void lie_once(shmrpci_conn *conn, uint64_t *seed)
{
    static const uint8_t bytes[LARGEST];
    shmrpci_call call = {0};
    shmrpci_stream *stream;
    const shmrpci_stream_opts opts = {
        .in_bytes = WINDOW, .out_bytes = WINDOW, .max_item_bytes = LARGEST};
    if (shm->client->reserve(conn, &call, 0, 0, soon(), NULL) != SHMRPC_OK) {
        _exit(1);
    }
    call.head = (shmrpci_head){.method = METHOD_ECHO, .timeout_ns = LIAR_NS};
    if (shm->streams->open(&call, &opts, &stream, NULL) != SHMRPC_OK) {
        _exit(2);
    }
    shmrpci_stream_ring *rings[] = {stream->end.writer.ring,
                                    stream->end.reader.ring};
    uint64_t lies = next_random(seed) % 40;
    for (uint64_t i = 0; i < 40; i++) {
        (void)shm->streams->send(stream, bytes, next_random(seed) % LARGEST, 0,
                                 true);
        if (i >= lies) {
            scribble(rings[next_random(seed) % 2], WINDOW, seed);
        }
    }
    shm->streams->close(stream);
    int status = shm->client->receive(&call, soon());
    if (status == SHMRPC_OK) {
        shm->client->release(&call);
    } else if (status == SHMRPC_E_DEADLINE) {
        (void)shm->client->cancel(&call);
    }
}

static pid_t start_liar(const shmrpci_address *address, const int go[2],
                        uint64_t seed)
{
    char byte;
    shmrpci_conn *conn;
    pid_t pid = service_fork();
    if (pid != 0) {
        return pid;
    }
    (void)close(go[1]);
    if (read(go[0], &byte, 1) != 1 ||
        client_try_open(address, &conn, NULL) != SHMRPC_OK) {
        _exit(3);
    }
    for (;;) {
        lie_once(conn, &seed);
    }
}

/* ---- honest clients ------------------------------------------------------ */

static void converse(shmrpci_conn *conn)
{
    uint8_t bytes[LARGEST];
    shmrpci_call call = {0};
    shmrpci_stream *stream;
    shmrpci_stream_item item;
    const shmrpci_stream_opts opts = {
        .in_bytes = WINDOW, .out_bytes = WINDOW, .max_item_bytes = LARGEST};
    assert_int_equal(shm->client->reserve(conn, &call, 0, 0, soon(), NULL),
                     SHMRPC_OK);
    call.head =
        (shmrpci_head){.method = METHOD_ECHO, .timeout_ns = PATIENCE_NS};
    assert_int_equal(shm->streams->open(&call, &opts, &stream, NULL),
                     SHMRPC_OK);
    for (uint32_t i = 0; i < ITEMS; i++) {
        size_t len = i * 997u % LARGEST;
        memset(bytes, (int)i, len);
        assert_int_equal(shm->streams->send(stream, bytes, len, soon(), true),
                         SHMRPC_OK);
        assert_int_equal(shm->streams->next(stream, soon(), &item),
                         SHMRPC_MORE);
        assert_int_equal(item.len, len);
        assert_memory_equal(item.data, bytes, len);
    }
    shm->streams->finish(stream);
    assert_int_equal(shm->streams->next(stream, soon(), &item), SHMRPC_OK);
    shm->streams->close(stream);
    assert_int_equal(shm->client->receive(&call, soon()), SHMRPC_OK);
    shm->client->release(&call);
}

static void liars_end_their_own_streams(void **state)
{
    (void)state;
    int go[2];
    pid_t liars[LIARS];
    shmrpci_address address = new_address();
    assert_int_equal(pipe(go), 0);
    for (unsigned i = 0; i < LIARS; i++) {
        liars[i] = start_liar(&address, go, i + 1);
        assert_true(liars[i] > 0);
    }
    service_start(&s, &address, MAX_WORKERS);
    shmrpci_conn *honest = client_open(&address);
    assert_int_equal(write(go[1], "go", LIARS), LIARS);
    int64_t end_ns =
        shmrpci_deadline_after((is_long() ? 20000 : 500) * SHMRPCI_NS_PER_MS);
    int64_t patience_ns = soon();
    while (shmrpci_now_ns() < end_ns ||
           (atomic_load(&s.lies) < 20 && shmrpci_now_ns() < patience_ns)) {
        converse(honest);
        client_echoes(honest, "so do calls");
    }
    for (unsigned i = 0; i < LIARS; i++) {
        int status;
        assert_int_equal(kill(liars[i], SIGKILL), 0);
        assert_int_equal(waitpid(liars[i], &status, 0), liars[i]);
        assert_true(WIFSIGNALED(status)); /* it ran until it was killed */
    }
    converse(honest);
    assert_true(atomic_load(&s.lies) >= 20);
    shm->client->disconnect(honest);
    service_stop(&s);
    (void)close(go[0]);
    (void)close(go[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(liars_end_their_own_streams),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
