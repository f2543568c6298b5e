/*
 * Anything that a client may leave in a slot: the worker must accept or refuse
 * it, and must neither read nor write outside the block.
 *
 *     0     1  size of the reply, in units of 16 bytes
 *     1     1  state and flags of the word
 *     2     2  message flags
 *     4     4  length
 *     8   232  payload: rings of streams, spans and body
 */
#include "fuzz_shm.h"

#include <string.h>

#include "os/thread.h"
#include "transport/shm/client.h"
#include "transport/shm/server.h"

#define SENTINEL_METHOD 7u

static shmrpci_participant *worker;
static shm_client *client;

static void run(void *user)
{
    shmrpci_listener *listener = user;
    (void)listener->transport->listener->run(listener, NULL);
}

/* Connects a new client: the server disconnects one that sends too much invalid
 * data. */
static void connect_anew(void)
{
    static shmrpci_address address;
    shmrpci_conn *conn = NULL;
    shmrpci_buf welcome;
    shmrpci_connect_opts opts = {
        .deadline_ns = shmrpci_deadline_after(10 * SHMRPCI_NS_PER_S),
        .max_message_bytes = FUZZ_MAX_MESSAGE};
    address = client == NULL ? fuzz_address() : address;
    shmrpci_buf_init_heap(&welcome);
    if (address.transport->client->connect(&address, &opts, &conn, &welcome,
                                           NULL) != SHMRPC_OK) {
        abort();
    }
    shmrpci_buf_fini(&welcome);
    if (client != NULL) {
        address.transport->client->disconnect(&client->base);
    }
    client = (shm_client *)(void *)conn;
}

static void set_up(void)
{
    shmrpci_thread thread;
    shmrpci_listener *listener = fuzz_listen();
    if (shmrpci_thread_create(&thread, "run", run, listener) != SHMRPC_OK) {
        abort();
    }
    connect_anew();
    if (client->base.transport->worker->participant_open(listener, 0, &worker,
                                                         NULL) != SHMRPC_OK) {
        abort();
    }
}

static void submit(uint32_t index, uint32_t method, uint32_t word_bits)
{
    shm_slot *slot = &client->block.slots[index];
    uint32_t gen = shm_word_gen(shmrpci_load_relaxed(&slot->word)) + 1;
    shmrpci_store_relaxed(&slot->method, (uint16_t)method);
    (void)shmrpci_exchange_seq(&slot->word, gen << SHM_GEN_SHIFT | word_bits);
}

static uint8_t touched;

/* Uses streams as a handler does, with the rings that the client has named. */
static void use_streams(shmrpci_request *request)
{
    static const uint8_t bytes[2000];
    const shmrpci_stream_ops *streams = worker->transport->streams;
    shmrpci_stream *stream;
    shmrpci_stream_item item;
    if ((request->head.flags & SHMRPCI_HEAD_STREAMS) == 0) {
        return;
    }
    if (streams->accept(request, 1, &stream, NULL) != SHMRPC_OK) {
        abort();
    }
    for (int i = 0; i < 50 && streams->next(stream, 0, &item) == SHMRPC_MORE;
         i++) {
        for (size_t at = 0; at < item.len; at++) {
            touched ^= item.data[at];
        }
    }
    for (size_t len = 0; len < sizeof bytes; len += 500) {
        (void)streams->send(stream, bytes, len, 0, true);
    }
    streams->close(stream);
}

/* Reads the whole request, and answers with `reply_len` bytes. */
static void serve(shmrpci_request *request, size_t reply_len)
{
    use_streams(request);
    for (size_t i = 0; i < request->in_len; i++) {
        touched ^= request->in[i];
    }
    worker->transport->worker->reply_reserve(request, reply_len);
    uint8_t *at = shmrpci_buf_extend(&request->out, reply_len);
    if (at != NULL) {
        memset(at, touched, reply_len);
    }
    request->head.status = SHMRPC_OK;
    worker->transport->worker->reply_commit(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t input[8 + SHM_PAYLOAD_BYTES] = {0};
    uint16_t flags;
    uint32_t length;
    static unsigned rounds;
    if (worker == NULL) {
        set_up();
    }
    if (++rounds % (SHM_MAX_NONSENSE / 2) == 0) {
        connect_anew();
    }
    memcpy(input, data, size < sizeof input ? size : sizeof input);
    memcpy(&flags, input + 2, sizeof flags);
    memcpy(&length, input + 4, sizeof length);
    shm_slot *slot = &client->block.slots[0];
    memcpy(slot->payload, input + 8, SHM_PAYLOAD_BYTES);
    shmrpci_store_relaxed(&slot->flags, flags);
    shmrpci_store_relaxed(&slot->length, length);
    submit(0, 1, input[1] % 8u == 0 ? input[1] : SHM_SUBMITTED);
    /* A second, valid request ends the round, whatever happened to the first
     * one. */
    shmrpci_store_relaxed(&client->block.slots[1].flags, (uint16_t)0);
    shmrpci_store_relaxed(&client->block.slots[1].length, 0u);
    submit(1, SENTINEL_METHOD, SHM_SUBMITTED);
    uint32_t method = 0;
    for (int i = 0; i < 2 && method != SENTINEL_METHOD; i++) {
        shmrpci_request request = {0};
        if (worker->transport->worker->next(worker, &request) != SHMRPC_OK) {
            abort();
        }
        method = request.head.method;
        serve(&request, method == SENTINEL_METHOD ? 0 : input[0] * 16u);
    }
    /* Returns extents that were received for the reply. */
    shm_client_drain_control(client);
    return 0;
}
