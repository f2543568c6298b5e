/* Streams on the client's side: memory for their rings, and sending a call with
 * streams. */
#include "transport/shm/client_stream.h"

#include <stdlib.h>

#include "base/assert.h"
#include "os/clock.h"

/* ---- memory of the rings ------------------------------------------------- */

static bool take_place(shm_client *client)
{
    /* Relaxed: it is only a count. */
    uint32_t count = shmrpci_load_relaxed(&client->streams);
    do {
        if (count >= SHMRPCI_STREAMS_MAX) {
            return false;
        }
    } while (!shmrpci_cas_seq(&client->streams, &count, count + 1));
    return true;
}

/* Sets the size of each ring: as requested, within the connection's limit. */
static void size_rings(const shm_client *client,
                       const shmrpci_stream_opts *opts,
                       shmrpci_stream_rings *rings)
{
    uint64_t most = client->max_message > SHM_EXTENT_MIN_BYTES
                        ? client->max_message
                        : SHM_EXTENT_MIN_BYTES;
    bool is_two_way = opts->in_bytes != 0 && opts->out_bytes != 0;
    most = (is_two_way ? most / 2 : most) / SHMRPCI_STREAM_ALIGN *
           SHMRPCI_STREAM_ALIGN;
    rings->in_bytes = shmrpci_stream_ring_bytes(opts->in_bytes);
    rings->out_bytes = shmrpci_stream_ring_bytes(opts->out_bytes);
    if (rings->in_bytes > most) {
        rings->in_bytes = (uint32_t)most;
    }
    if (rings->out_bytes > most) {
        rings->out_bytes = (uint32_t)most;
    }
}

static void unref(shm_client_streams *streams)
{
    if (shmrpci_sub_seq(&streams->refs, 1u) != 1) {
        return;
    }
    shm_client *client = streams->client;
    shm_pool_free(&client->pool, streams->said.span);
    (void)shmrpci_sub_seq(&client->streams, 1u);
    free(streams);
}

void shm_client_streams_drop(shm_client_slot *slot)
{
    SHMRPCI_ASSERT(slot->streams != NULL,
                   "a slot drops only streams that it has");
    unref(slot->streams);
    slot->streams = NULL;
    slot->has_streams = 0;
}

void shm_client_streams_forget(shm_client *client)
{
    for (size_t i = 0; i < SHM_SLOTS; i++) {
        shm_client_streams *streams = client->slots[i].streams;
        if (streams != NULL && shmrpci_sub_seq(&streams->refs, 1u) == 1) {
            free(streams);
        }
        client->slots[i].streams = NULL;
    }
}

void shm_client_streams_leave(const shm_client_slot *slot)
{
    shmrpci_stream_rings_leave(&slot->streams->rings);
}

/* Allocates memory for the rings. `streams` is already counted in
 * `client->streams`; dropping its last reference frees the memory. */
static shmrpc_status find_room(shm_client_streams *streams,
                               shm_client_slot *slot)
{
    shm_client *client = streams->client;
    shmrpci_stream_rings *rings = &streams->rings;
    uint64_t bytes = (uint64_t)rings->in_bytes + rings->out_bytes;
    shmrpc_status status =
        shm_client_make_room(client, slot, bytes, &streams->said.span);
    if (status != SHMRPC_OK) {
        return status;
    }
    uint8_t *at = shm_pool_at(&client->pool, streams->said.span);
    streams->said.in_bytes = rings->in_bytes;
    streams->said.out_bytes = rings->out_bytes;
    rings->in = (shmrpci_stream_ring *)(void *)at;
    rings->out = (shmrpci_stream_ring *)(void *)(at + rings->in_bytes);
    shmrpci_stream_rings_format(rings);
    return SHMRPC_OK;
}

/* ---- the client's end ---------------------------------------------------- */

static shm_client *client_of(const shmrpci_stream *stream)
{
    return stream->owner;
}

/* Also true once the call is over. That does no harm, because the worker ends
 * the rings before it replies. */
static bool is_gone(const shmrpci_stream *stream)
{
    shm_client *client = client_of(stream);
    return shmrpci_load_acquire(&client->block.slots[stream->slot].word) !=
               stream->word ||
           shm_client_is_lost(client);
}

static void told(void *user)
{
    shm_client *client = user;
    shmrpci_store_seq(&client->lost, 1u);
    shm_stream_raise(&client->alarm);
}

static shmrpc_status watch(shmrpci_stream *stream)
{
    shm_client *client = client_of(stream);
    shmrpci_mutex_lock(&client->slot_lock);
    shmrpc_status status =
        shmrpci_hangup_begin(&client->hangup, client->control_fd, told, client);
    shmrpci_mutex_unlock(&client->slot_lock);
    return status;
}

static void free_end(shmrpci_stream *stream)
{
    unref(stream->shared);
    free(stream);
}

static shmrpci_stream *end_new(shm_client_streams *streams, uint32_t slot,
                               size_t max_item_bytes)
{
    shm_client *client = streams->client;
    shmrpci_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    stream->alarm = &client->alarm;
    stream->is_gone = is_gone;
    stream->watch = watch;
    stream->free = free_end;
    stream->owner = client;
    stream->is_trusted = client->is_trusted;
    stream->shared = streams;
    stream->slot = slot;
    shm_stream_init(stream, &streams->rings, false, max_item_bytes,
                    &client->stream_spinner);
    return stream;
}

/* ---- opening a call with streams ----------------------------------------- */

/* On OK, the slot owns one reference to the streams and the end the other. */
static shmrpc_status prepare(shm_client *client, uint32_t index,
                             const shmrpci_stream_opts *opts,
                             shmrpci_stream **out)
{
    shm_client_slot *slot = &client->slots[index];
    shm_client_streams *streams = calloc(1, sizeof *streams);
    if (streams == NULL) {
        (void)shmrpci_sub_seq(&client->streams, 1u);
        return SHMRPC_E_NO_MEMORY;
    }
    streams->client = client;
    atomic_init(&streams->refs, 1u);
    size_rings(client, opts, &streams->rings);
    shmrpc_status status = find_room(streams, slot);
    if (status == SHMRPC_OK) {
        *out = end_new(streams, index, opts->max_item_bytes);
        status = *out != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
    }
    if (status != SHMRPC_OK) {
        unref(streams);
        return status;
    }
    (void)shmrpci_add_seq(&streams->refs, 1u); /* one reference for the end, one
                                                * for the slot */
    slot->streams = streams;
    slot->has_streams = 1;
    return SHMRPC_OK;
}

static int refuse(shmrpci_call *call, shmrpc_status status, shmrpc_error *error)
{
    const shm_client *client = (const shm_client *)(const void *)call->conn;
    call->needed_bytes = shmrpci_load_relaxed(&client->needed_bytes);
    call->left_bytes = shmrpci_load_relaxed(&client->left_bytes);
    shm_client_abort(call);
    return shmrpc_error_set(error, status, "no memory for the streams: %s",
                            shmrpc_status_text(status));
}

int shm_client_open(shmrpci_call *call, const shmrpci_stream_opts *opts,
                    shmrpci_stream **out, shmrpc_error *error)
{
    shm_client *client = (shm_client *)(void *)call->conn;
    uint32_t index = (uint32_t)call->data.words[0];
    const shm_client_slot *slot = &client->slots[index];
    shmrpci_stream *stream;
    if (!take_place(client)) {
        shm_client_abort(call);
        return shmrpc_error_set(
            error, SHMRPC_E_EXHAUSTED,
            "%u of %u streams of this connection are already open",
            SHMRPCI_STREAMS_MAX, SHMRPCI_STREAMS_MAX);
    }
    shmrpc_status status = prepare(client, index, opts, &stream);
    if (status != SHMRPC_OK) {
        return refuse(call, status, error);
    }
    int failed = shm_client_commit_streams(call, &slot->streams->said);
    if (failed != SHMRPC_OK) {
        shmrpci_stream_end_fini(&stream->end);
        free_end(stream);
        return failed;
    }
    /* Relaxed: only the thread that owns the call writes `gen`. */
    stream->word = shm_word(shmrpci_load_relaxed(&slot->gen), SHM_SUBMITTED);
    *out = stream;
    return SHMRPC_OK;
}

/* Sequentially consistent, as in the thread that withdraws a call. */
bool shm_client_is_taken(const shmrpci_call *call)
{
    const shm_client *client = (const shm_client *)(const void *)call->conn;
    uint32_t index = (uint32_t)call->data.words[0];
    /* Relaxed: only the thread that owns the call writes `gen`. */
    uint32_t gen = shmrpci_load_relaxed(&client->slots[index].gen);
    uint32_t word = shmrpci_load_seq(&client->block.slots[index].word);
    uint32_t held = shmrpci_load_seq(&client->ledger->entries[index].held);
    return word != shm_word(gen, SHM_SUBMITTED) ||
           (shm_held_for(held, word) && shm_held_is_claimed(held));
}
