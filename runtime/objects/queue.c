/*
 * Queues of values: shmrpc/queue.h over ring/queue.h.
 *
 * The ring moves slices of bytes; this file encodes what is pushed and decodes
 * what is popped. Values without pointers in native form are written into the
 * ring itself; all others are encoded on the stack or the heap, then copied.
 * What is popped is copied out before it is decoded.
 *
 * A queue of many machines has no ring. Its engine is the one that
 * objects/remote.h describes; queue_remote.c calls it.
 *
 * An item of a queue with acknowledgement carries a ticket. The ticket is valid
 * in the process that popped the item, while its handle is open. In a forked
 * child, or after the handle was closed, releasing the item only frees memory,
 * and the engine delivers the item again.
 */
#include "shmrpc/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/reserved.h"
#include "objects/held.h"
#include "objects/queue_remote.h"
#include "objects/ready.h"
#include "ring/queue.h"
#include "shmrpc/shared_stub.h"

/* Items up to this size need no heap while they are encoded. */
#define STACK_BYTES 2048u

/* The most items that are pushed or popped in one step of the engine. */
#define BATCH 64u

/* A handle. `fixed_bytes` and `is_acked` are properties of the object, read
 * once. */
struct shmrpc_queue {
    shmrpci_handle handle;
    shmrpci_queue *engine;
    uint32_t fixed_bytes; /* of each encoded item; 0: sizes differ */
    bool is_acked;
    shmrpci_ready ready;
};

static shmrpc_queue *queue_of(shmrpci_handle *handle)
{
    return (shmrpc_queue *)(void *)handle;
}

/* ---- opening ------------------------------------------------------------- */

/* The most bytes that the native image of a value without pointers takes: 4 or
 * 8 bytes of head, and the fixed part. 0 if sizes differ. */
static uint32_t fixed_bytes(const shmrpci_handle *handle)
{
    const shmrpc_type *type = handle->row.element;
    return handle->row.encoding == SHMRPC_ENCODING_NATIVE &&
                   (type->flags & SHMRPC_TYPE_FIXED) != 0 &&
                   type->native_size <= UINT16_MAX
               ? type->native_size + 8
               : 0;
}

/* OVERWRITE is only for topics; plan refuses it here. */
static shmrpci_overflow overflow_of(shmrpc_overflow overflow)
{
    switch (overflow) {
    case SHMRPC_OVERFLOW_FAIL:
        return SHMRPCI_OVERFLOW_FAIL;
    case SHMRPC_OVERFLOW_DROP_OLDEST:
        return SHMRPCI_OVERFLOW_DROP_OLDEST;
    case SHMRPC_OVERFLOW_DROP_NEWEST:
        return SHMRPCI_OVERFLOW_DROP_NEWEST;
    case SHMRPC_OVERFLOW_DEFAULT:
    case SHMRPC_OVERFLOW_BLOCK:
    case SHMRPC_OVERFLOW_OVERWRITE:
        break;
    }
    return SHMRPCI_OVERFLOW_BLOCK;
}

/* Refuses limits that the engine can't meet. The error names the options. */
static shmrpc_status plan(const shmrpci_handle *handle,
                          shmrpci_region_spec *out, shmrpc_error *error)
{
    const shmrpc_shared *row = &handle->row;
    if (row->capacity > UINT32_MAX || row->max_item_bytes > UINT32_MAX ||
        (uint32_t)row->overflow > SHMRPC_OVERFLOW_DROP_NEWEST ||
        (row->flags &
         ~(uint32_t)(SHMRPC_SHARED_TOTAL_ORDER | SHMRPC_SHARED_ACKED)) != 0) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID,
                               "capacity, max_item_bytes, overflow or flags "
                               "are out of range for a queue");
        return SHMRPC_E_INVALID;
    }
    shmrpci_queue_spec spec = {
        .capacity = (uint32_t)row->capacity,
        .item_bytes = fixed_bytes(handle),
        .max_item_bytes = (uint32_t)row->max_item_bytes,
        .max_bytes = row->max_bytes,
        .participants = handle->writers,
        .overflow = overflow_of(row->overflow),
        .is_total = (row->flags & SHMRPC_SHARED_TOTAL_ORDER) != 0,
        .is_acked = (row->flags & SHMRPC_SHARED_ACKED) != 0,
    };
    if (spec.max_item_bytes == 0 && spec.item_bytes > 0) {
        spec.max_item_bytes = spec.item_bytes;
    }
    return shmrpci_queue_plan(&spec, out, error);
}

static shmrpc_status open_engine(shmrpci_handle *handle, int fd,
                                 shmrpci_access access, shmrpc_error *error)
{
    shmrpc_queue *queue = queue_of(handle);
    (void)access; /* every use of a queue writes to it */
    shmrpc_status status =
        shmrpci_queue_open(fd, SHMRPC_PROFILE_BALANCED, &queue->engine, error);
    if (status == SHMRPC_OK) {
        queue->fixed_bytes = fixed_bytes(handle);
        queue->is_acked =
            (shmrpci_queue_region(queue->engine)->facts.limits[2] &
             SHMRPCI_RING_ACKED) != 0;
    }
    return status;
}

static void close_engine(shmrpci_handle *handle)
{
    shmrpc_queue *queue = queue_of(handle);
    shmrpci_ready_close(&queue->ready);
    shmrpci_queue_close(queue->engine);
    queue->engine = NULL;
}

static const shmrpci_region *region_of(const shmrpci_handle *handle)
{
    return shmrpci_queue_region(
        ((const shmrpc_queue *)(const void *)handle)->engine);
}

static void destroy_engine(shmrpci_handle *handle)
{
    shmrpci_queue_destroy(queue_of(handle)->engine);
}

const shmrpci_face shmrpci_face_queue = {
    .kind = &shmrpci_kind_queue,
    .number = SHMRPC_SHARED_QUEUE,
    .can_read_only = false,
    .plan = plan,
    .open = open_engine,
    .close = close_engine,
    .region = region_of,
    .destroy = destroy_engine,
};

/* Generated code calls the functions shmrpc_stub_...; items are pointers to C
 * values of the declared type. */
int shmrpc_stub_queue_open(const shmrpc_shared *row, const char *name,
                           const shmrpc_shared_opts *opts, shmrpc_queue **out,
                           shmrpc_error *error)
{
    shmrpci_handle *handle;
    shmrpc_status status =
        shmrpci_handle_open(&shmrpci_face_queue, sizeof(shmrpc_queue), row,
                            name, opts, &handle, error);
    if (status == SHMRPC_OK) {
        *out = queue_of(handle);
        if (handle->remote != NULL) {
            queue_of(handle)->is_acked = shmrpci_queue_remote_is_acked(handle);
        }
    }
    return status;
}

shmrpc_status shmrpc_queue_open(const char *name, const shmrpc_queue_opts *opts,
                                shmrpc_queue **out, shmrpc_error *error)
{
    static const shmrpc_queue_opts defaults = {.capacity = 0};
    opts = opts != NULL ? opts : &defaults;
    shmrpc_shared row =
        shmrpci_handle_any_row(SHMRPC_SHARED_QUEUE, opts->encoding);
    row.capacity = opts->capacity;
    row.overflow = opts->overflow;
    row.flags = opts->flags;
    row.max_item_bytes = opts->max_item_bytes;
    if (!shmrpci_reserved_is_zero(opts->reserved, sizeof opts->reserved /
                                                      sizeof *opts->reserved)) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID, SHMRPCI_RESERVED_TEXT);
        return SHMRPC_E_INVALID;
    }
    return (shmrpc_status)shmrpc_stub_queue_open(&row, name, &opts->shared, out,
                                                 error);
}

void shmrpc_queue_close(shmrpc_queue *queue)
{
    shmrpci_handle_close(queue != NULL ? &queue->handle : NULL);
}

/* ---- pushing ------------------------------------------------------------- */

/* Encodes into the ring itself. If reserving returns OK but sets `at` to NULL,
 * the queue is full and drops the newest item, which is this one. */
static shmrpc_status push_fixed(shmrpc_queue *queue, const void *item,
                                int64_t deadline_ns, shmrpc_error *error)
{
    void *at;
    shmrpci_buf buf;
    shmrpc_status status = shmrpci_queue_reserve(
        queue->engine, queue->fixed_bytes, deadline_ns, &at, error);
    if (status != SHMRPC_OK || at == NULL) {
        return status;
    }
    shmrpci_buf_init_fixed(&buf, at, queue->fixed_bytes);
    status = shmrpci_held_encode(&queue->handle, queue->handle.row.element,
                                 item, &buf, error);
    if (status != SHMRPC_OK) {
        shmrpci_queue_give_up(queue->engine);
        return status;
    }
    shmrpci_queue_publish(queue->engine, (uint32_t)buf.len);
    return SHMRPC_OK;
}

/* The length limit is a property of the object, set by its maker. */
static shmrpc_status push_bytes(shmrpc_queue *queue, const shmrpci_buf *buf,
                                int64_t deadline_ns, shmrpc_error *error)
{
    if (queue->handle.remote != NULL) {
        return shmrpci_queue_remote_push(&queue->handle, buf, deadline_ns,
                                         error);
    }
    uint32_t most = shmrpci_queue_max_len(queue->engine);
    if (buf->len > most) {
        (void)shmrpc_error_set(error, SHMRPC_E_TOO_LARGE,
                               "the item takes %zu bytes, but at most %u fit: "
                               "raise max_item_bytes, or pass a reference",
                               buf->len, most);
        return SHMRPC_E_TOO_LARGE;
    }
    return shmrpci_queue_push(queue->engine, buf->data, (uint32_t)buf->len,
                              deadline_ns, error);
}

/* Pushes one item. If it can't be encoded, nothing is pushed. */
static shmrpc_status push_one(shmrpc_queue *queue, const void *item,
                              int64_t deadline_ns, shmrpc_error *error)
{
    _Alignas(16) uint8_t room[STACK_BYTES];
    const shmrpci_handle *handle = &queue->handle;
    shmrpci_buf buf;
    if (queue->fixed_bytes != 0) {
        return push_fixed(queue, item, deadline_ns, error);
    }
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    shmrpc_status status =
        shmrpci_held_encode(handle, handle->row.element, item, &buf, error);
    if (status == SHMRPC_E_TOO_LARGE) {
        shmrpci_buf_init_heap(&buf);
        status =
            shmrpci_held_encode(handle, handle->row.element, item, &buf, error);
    }
    if (status == SHMRPC_OK) {
        status = push_bytes(queue, &buf, deadline_ns, error);
    }
    shmrpci_buf_fini(&buf);
    return status;
}

int shmrpc_stub_queue_push(shmrpc_queue *queue, const void *item,
                           const shmrpc_opts *opts, shmrpc_error *error)
{
    int64_t deadline_ns;
    shmrpc_status status = shmrpci_handle_deadline(opts, &deadline_ns, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_handle_ensure(&queue->handle, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    status = push_one(queue, item, deadline_ns, error);
    return shmrpci_handle_explain(&queue->handle, status, error);
}

shmrpc_status shmrpc_queue_push(shmrpc_queue *queue, const shmrpc_any *item,
                                const shmrpc_opts *opts, shmrpc_error *error)
{
    return (shmrpc_status)shmrpc_stub_queue_push(queue, item, opts, error);
}

/* Encodes items in turn, up to the first that can't be encoded. The
 * `*out_count` good ones are pushed before the failure is reported. */
static shmrpc_status encode_batch(const shmrpc_queue *queue,
                                  const uint8_t *items, size_t count,
                                  shmrpci_buf *buf, size_t ends[BATCH],
                                  uint32_t *out_count, shmrpc_error *error)
{
    const shmrpc_type *type = queue->handle.row.element;
    *out_count = 0;
    for (size_t i = 0; i < count; i++) {
        shmrpc_status status = shmrpci_held_encode(
            &queue->handle, type, items + i * type->size, buf, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        ends[(*out_count)++] = buf->len;
    }
    return SHMRPC_OK;
}

/* The queue's status has priority: the item that can't be encoded comes after
 * those that the queue refused. */
static shmrpc_status push_batch(shmrpc_queue *queue, const uint8_t *items,
                                size_t count, int64_t deadline_ns,
                                size_t *out_pushed, shmrpc_error *error)
{
    shmrpci_buf buf;
    size_t ends[BATCH];
    shmrpci_slice slices[BATCH];
    uint32_t encoded;
    uint32_t pushed = 0;
    shmrpci_buf_init_heap(&buf);
    shmrpc_error later;
    shmrpc_status last =
        encode_batch(queue, items, count, &buf, ends, &encoded, &later);
    for (uint32_t i = 0; i < encoded; i++) {
        size_t from = i > 0 ? ends[i - 1] : 0;
        slices[i] =
            (shmrpci_slice){buf.data + from, (uint32_t)(ends[i] - from)};
    }
    shmrpc_status status = SHMRPC_OK;
    if (encoded > 0 && queue->handle.remote != NULL) {
        status = shmrpci_queue_remote_push_many(&queue->handle, slices, encoded,
                                                deadline_ns, &pushed, error);
    } else if (encoded > 0) {
        status = shmrpci_queue_push_many(queue->engine, slices, encoded,
                                         deadline_ns, &pushed, error);
    }
    if (status == SHMRPC_OK && last != SHMRPC_OK) {
        status = last;
        if (error != NULL) {
            *error = later;
        }
    }
    *out_pushed = pushed;
    shmrpci_buf_fini(&buf);
    return status;
}

/* `*out_pushed` is set whatever the status, so that the caller can continue
 * from there. */
int shmrpc_stub_queue_push_many(shmrpc_queue *queue, const void *items,
                                size_t count, const shmrpc_opts *opts,
                                size_t *out_pushed, shmrpc_error *error)
{
    int64_t deadline_ns;
    size_t pushed = 0;
    shmrpc_status status = shmrpci_handle_deadline(opts, &deadline_ns, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_handle_ensure(&queue->handle, error);
    }
    while (status == SHMRPC_OK && pushed < count) {
        const uint8_t *at =
            (const uint8_t *)items + pushed * queue->handle.row.element->size;
        size_t left = count - pushed;
        size_t more;
        status = push_batch(queue, at, left < BATCH ? left : BATCH, deadline_ns,
                            &more, error);
        pushed += more;
        (void)shmrpci_handle_explain(&queue->handle, status, error);
    }
    if (out_pushed != NULL) {
        *out_pushed = pushed;
    }
    return status;
}

shmrpc_status shmrpc_queue_push_many(shmrpc_queue *queue,
                                     const shmrpc_any *items, size_t count,
                                     const shmrpc_opts *opts,
                                     size_t *out_pushed, shmrpc_error *error)
{
    return (shmrpc_status)shmrpc_stub_queue_push_many(queue, items, count, opts,
                                                      out_pushed, error);
}

/* ---- popping ------------------------------------------------------------- */

/* Acknowledges an item, or gives it back. */
static shmrpc_status settle(shmrpc_queue *queue, uint64_t ticket,
                            shmrpci_settle how)
{
    if (queue->handle.remote != NULL) {
        return shmrpci_remote_nats.settle(queue->handle.remote, ticket, how);
    }
    return how == SHMRPCI_SETTLE_DONE
               ? shmrpci_queue_ack(queue->engine, ticket)
               : shmrpci_queue_release(queue->engine, ticket);
}

/* The bytes are in `held` or, for several items, in another buffer. The ticket
 * is stored before decoding, because even a damaged item must be
 * acknowledged. */
static shmrpc_status decode(shmrpc_queue *queue, shmrpci_held *held,
                            const shmrpci_item *item, const uint8_t *data,
                            shmrpc_error *error)
{
    held->came_before = (item->flags & SHMRPCI_RECORD_REDELIVERED) != 0;
    held->ticket = item->ticket;
    held->has_ticket = queue->is_acked || queue->handle.remote != NULL;
    shmrpc_status status = shmrpci_held_decode(held, data, item->len, error);
    if (status != SHMRPC_OK && held->has_ticket) {
        /* Otherwise the damaged item would be delivered again and again. */
        (void)settle(queue, held->ticket, SHMRPCI_SETTLE_DONE);
    }
    return status;
}

/* The descriptor is readable while this may find something. So if it finds
 * nothing, it makes the descriptor unreadable, and looks again (ready.h). */
static shmrpc_status pop(shmrpc_queue *queue, uint32_t max, int64_t deadline_ns,
                         shmrpci_buf *buf, shmrpci_item *items,
                         uint32_t *out_count, shmrpc_error *error)
{
    shmrpc_error late;
    shmrpci_futex_on on;
    int64_t max_ns;
    if (queue->handle.remote != NULL) {
        return shmrpci_queue_remote_pop(&queue->handle, max, deadline_ns, buf,
                                        items, out_count, error);
    }
    shmrpc_status status = shmrpci_queue_pop(queue->engine, max, deadline_ns,
                                             buf, items, out_count, error);
    if ((status != SHMRPC_E_BUSY && status != SHMRPC_E_DEADLINE) ||
        !shmrpci_ready_is_on(&queue->ready)) {
        return status;
    }
    shmrpci_queue_announce(queue->engine, &on, &max_ns);
    shmrpci_ready_clear(&queue->ready);
    shmrpc_status again =
        shmrpci_queue_pop(queue->engine, max, 0, buf, items, out_count, &late);
    if (again == SHMRPC_E_BUSY) {
        shmrpci_ready_rest(&queue->ready, &on, max_ns);
        return status;
    }
    shmrpci_ready_found(&queue->ready);
    if (again != SHMRPC_OK && error != NULL) {
        *error = late;
    }
    return again;
}

/* The descriptor is made by the first call, and kept until close. */
int shmrpc_queue_fd(shmrpc_queue *queue)
{
    int fd = -1;
    shmrpc_status status = shmrpci_handle_ensure(&queue->handle, NULL);
    if (status == SHMRPC_OK && queue->handle.remote != NULL) {
        status = SHMRPC_E_UNIMPLEMENTED;
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_ready_open(&queue->ready, true, &fd);
    }
    return status == SHMRPC_OK ? fd : (int)status;
}

/* Memory is allocated first, as a popped item can't be put back. */
static shmrpc_status take_one(shmrpc_queue *queue, int64_t deadline_ns,
                              bool peeks, const void **out, shmrpc_error *error)
{
    shmrpci_item item;
    uint32_t count;
    shmrpci_held *held = shmrpci_held_take(&queue->handle);
    if (held == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    shmrpc_status status =
        peeks ? shmrpci_queue_peek(queue->engine, &held->bytes, &item, error)
              : pop(queue, 1, deadline_ns, &held->bytes, &item, &count, error);
    if (status == SHMRPC_OK) {
        status = decode(queue, held, &item, held->bytes.data + item.at, error);
        /* An item that was only peeked at can't be acknowledged. */
        held->has_ticket = held->has_ticket && !peeks;
    }
    if (status != SHMRPC_OK) {
        shmrpci_held_give(held);
        return status;
    }
    *out = shmrpci_held_value(held);
    return SHMRPC_OK;
}

int shmrpc_stub_queue_pop(shmrpc_queue *queue, const shmrpc_opts *opts,
                          const void **out, shmrpc_error *error)
{
    int64_t deadline_ns;
    shmrpc_status status = shmrpci_handle_deadline(opts, &deadline_ns, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_handle_ensure(&queue->handle, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    status = take_one(queue, deadline_ns, false, out, error);
    return shmrpci_handle_explain(&queue->handle, status, error);
}

shmrpc_status shmrpc_queue_pop(shmrpc_queue *queue, const shmrpc_opts *opts,
                               const shmrpc_any **out, shmrpc_error *error)
{
    const void *item;
    int status = shmrpc_stub_queue_pop(queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = item;
    }
    return (shmrpc_status)status;
}

/* The item stays in the queue; another reader may take it at any time. */
int shmrpc_stub_queue_peek(shmrpc_queue *queue, const void **out,
                           shmrpc_error *error)
{
    shmrpc_status status = shmrpci_handle_ensure(&queue->handle, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (queue->handle.remote != NULL) {
        return shmrpci_handle_fail(&queue->handle, SHMRPC_E_UNIMPLEMENTED,
                                   "over NATS items can't be peeked at: with "
                                   "ACKED, pop, then release without ack",
                                   error);
    }
    status = take_one(queue, 0, true, out, error);
    return shmrpci_handle_explain(&queue->handle, status, error);
}

shmrpc_status shmrpc_queue_peek(shmrpc_queue *queue, const shmrpc_any **out,
                                shmrpc_error *error)
{
    const void *item;
    int status = shmrpc_stub_queue_peek(queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = item;
    }
    return (shmrpc_status)status;
}

/* Allocates `max` items beforehand, as popped records can't be put back. */
static size_t take_room(shmrpc_queue *queue, shmrpci_held **helds, size_t max)
{
    size_t count = 0;
    while (count < max) {
        helds[count] = shmrpci_held_take(&queue->handle);
        if (helds[count] == NULL) {
            break;
        }
        count++;
    }
    return count;
}

/* A raw value points to its bytes, so each item gets its own copy of them. */
static shmrpc_status keep(shmrpc_queue *queue, shmrpci_held *held,
                          const shmrpci_item *item, const shmrpci_buf *buf,
                          shmrpc_error *error)
{
    const uint8_t *data = buf->data + item->at;
    if (queue->handle.row.encoding == SHMRPC_ENCODING_RAW) {
        shmrpci_buf_append(&held->bytes, data, item->len);
        if (held->bytes.status != SHMRPC_OK) {
            (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
            return SHMRPC_E_NO_MEMORY;
        }
        data = held->bytes.data;
    }
    return decode(queue, held, item, data, error);
}

/* Leaves out damaged items. If all are damaged, the status says so. */
static shmrpc_status hand_out(shmrpc_queue *queue, shmrpci_held **helds,
                              const shmrpci_item *items, uint32_t count,
                              const shmrpci_buf *buf, const void **out,
                              size_t *out_count, shmrpc_error *error)
{
    shmrpc_status status = SHMRPC_OK;
    size_t good = 0;
    for (uint32_t i = 0; i < count; i++) {
        shmrpc_status one = keep(queue, helds[i], &items[i], buf, error);
        if (one == SHMRPC_OK) {
            out[good++] = shmrpci_held_value(helds[i]);
            helds[i] = NULL;
        } else {
            status = one;
        }
    }
    *out_count = good;
    return good > 0 ? SHMRPC_OK : status;
}

/* Items that are not needed go back to the handle. */
static shmrpc_status take_many(shmrpc_queue *queue, int64_t deadline_ns,
                               const void **out, size_t max, size_t *out_count,
                               shmrpc_error *error)
{
    shmrpci_held *helds[BATCH];
    shmrpci_item items[BATCH];
    shmrpci_buf buf;
    uint32_t count = 0;
    size_t room = take_room(queue, helds, max < BATCH ? max : BATCH);
    shmrpci_buf_init_heap(&buf);
    shmrpc_status status = SHMRPC_E_NO_MEMORY;
    if (room > 0) {
        status =
            pop(queue, (uint32_t)room, deadline_ns, &buf, items, &count, error);
    }
    if (status == SHMRPC_OK) {
        status =
            hand_out(queue, helds, items, count, &buf, out, out_count, error);
    }
    for (size_t i = 0; i < room; i++) {
        if (helds[i] != NULL) {
            shmrpci_held_give(helds[i]);
        }
    }
    shmrpci_buf_fini(&buf);
    return status;
}

int shmrpc_stub_queue_pop_many(shmrpc_queue *queue, const shmrpc_opts *opts,
                               const void **out, size_t max, size_t *out_count,
                               shmrpc_error *error)
{
    int64_t deadline_ns;
    shmrpc_status status = shmrpci_handle_deadline(opts, &deadline_ns, error);
    if (status == SHMRPC_OK && max == 0) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID, "room for 0 items");
        status = SHMRPC_E_INVALID;
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_handle_ensure(&queue->handle, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    status = take_many(queue, deadline_ns, out, max, out_count, error);
    return shmrpci_handle_explain(&queue->handle, status, error);
}

shmrpc_status shmrpc_queue_pop_many(shmrpc_queue *queue,
                                    const shmrpc_opts *opts,
                                    const shmrpc_any **out, size_t max,
                                    size_t *out_count, shmrpc_error *error)
{
    return (shmrpc_status)shmrpc_stub_queue_pop_many(
        queue, opts, (const void **)out, max, out_count, error);
}

/* ---- acknowledging and releasing ----------------------------------------- */

/* The queue that a ticket belongs to; NULL if the queue was closed, or the
 * handle is the parent's. */
static shmrpc_queue *queue_with(const shmrpci_held *held)
{
    shmrpc_queue *queue = queue_of(held->handle);
    return held->has_ticket && shmrpci_held_is_ours(held) &&
                   (queue->engine != NULL || queue->handle.remote != NULL)
               ? queue
               : NULL;
}

/* An item that was not acknowledged is delivered to another reader. Over NATS,
 * an item of a queue without acknowledgement is done when it is released. */
void shmrpc_stub_queue_release(shmrpc_queue *queue, const void *item)
{
    (void)queue;
    if (item == NULL) {
        return;
    }
    shmrpci_held *held = shmrpci_held_of(item);
    shmrpc_queue *owner = queue_with(held);
    if (owner != NULL) {
        (void)settle(owner, held->ticket,
                     owner->is_acked ? SHMRPCI_SETTLE_AGAIN
                                     : SHMRPCI_SETTLE_DONE);
    }
    shmrpci_held_give(held);
}

void shmrpc_queue_release(shmrpc_queue *queue, const shmrpc_any *item)
{
    shmrpc_stub_queue_release(queue, item);
}

/* Frees the item whatever the status. */
int shmrpc_stub_queue_ack(shmrpc_queue *queue, const void *item)
{
    (void)queue;
    shmrpci_held *held = shmrpci_held_of(item);
    shmrpc_queue *owner = queue_with(held);
    shmrpc_status status = SHMRPC_E_PRECONDITION;
    if (!shmrpci_held_is_ours(held)) {
        status = SHMRPC_E_FORKED;
    } else if (owner != NULL) {
        bool is_acked = owner->is_acked;
        shmrpc_status done = settle(owner, held->ticket, SHMRPCI_SETTLE_DONE);
        status = is_acked ? done : status;
    }
    shmrpci_held_give(held);
    return status;
}

shmrpc_status shmrpc_queue_ack(shmrpc_queue *queue, const shmrpc_any *item)
{
    return (shmrpc_status)shmrpc_stub_queue_ack(queue, item);
}

bool shmrpc_stub_queue_is_redelivered(const void *item)
{
    return shmrpci_held_of(item)->came_before;
}

bool shmrpc_queue_is_redelivered(const shmrpc_any *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

/* ---- ending, statistics -------------------------------------------------- */

shmrpc_status shmrpc_queue_end(shmrpc_queue *queue)
{
    shmrpc_status status = shmrpci_handle_ensure(&queue->handle, NULL);
    if (status == SHMRPC_OK && queue->handle.remote != NULL) {
        return shmrpci_remote_nats.end(queue->handle.remote);
    }
    return status == SHMRPC_OK ? shmrpci_queue_end(queue->engine) : status;
}

shmrpc_status shmrpc_queue_destroy(shmrpc_queue *queue)
{
    return shmrpci_handle_destroy(&queue->handle);
}

/* The figures are read without a lock, each at a different moment. */
shmrpc_status shmrpc_queue_stat_read(shmrpc_queue *queue,
                                     shmrpc_queue_stat *out)
{
    shmrpci_queue_stat stat;
    shmrpc_status status = shmrpci_handle_ensure(&queue->handle, NULL);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (queue->handle.remote != NULL) {
        return shmrpci_queue_remote_stat(&queue->handle, out);
    }
    shmrpci_queue_get_stat(queue->engine, &stat);
    if (stat.is_destroyed) {
        return SHMRPC_E_DESTROYED;
    }
    memset(out, 0, sizeof *out);
    out->item_count = stat.depth;
    out->byte_count = stat.depth_bytes;
    out->capacity = stat.capacity;
    out->max_item_bytes = shmrpci_queue_max_len(queue->engine);
    out->pushed_count = stat.pushed;
    out->popped_count = stat.popped;
    out->dropped_count = stat.dropped;
    out->redelivered_count = stat.redelivered;
    out->unacked_count = stat.unacked;
    out->sleep_count = stat.sleeps;
    out->rescued_count = stat.rescued;
    out->waiting_for_items = stat.waiting_for_items;
    out->waiting_for_room = stat.waiting_for_room;
    out->open_count = stat.participants;
    out->producer_count = stat.lanes;
    out->is_ended = stat.is_ended;
    return SHMRPC_OK;
}
