/*
 * Topics of values: shmrpc/topic.h over ring/topic.h. The ring keeps the last
 * messages for all subscribers; this file encodes and decodes them, and has the
 * subscriptions' handles.
 *
 * A received message belongs to the subscriber until its next call. It is an
 * item of its own, decoded from a copy, so that publishers may overwrite the
 * ring meanwhile.
 */
#include "shmrpc/topic.h"

#include <stdlib.h>
#include <string.h>

#include "base/reserved.h"
#include "objects/held.h"
#include "objects/ready.h"
#include "ring/topic.h"
#include "shmrpc/shared_stub.h"

/* Messages up to this size need no heap while they are encoded. */
#define STACK_BYTES 2048u

/* How long publishers of a blocking topic wait for a subscriber before it is
 * evicted. */
#define DEFAULT_MAX_STALL_NS INT64_C(100000000)

/* Topics have no descriptor of their own, as publishers don't wait in event
 * loops. */
struct shmrpc_topic {
    shmrpci_handle handle;
    shmrpci_topic *engine;
};

/* A subscription. If its topic is closed first, its functions return FORKED. */
struct shmrpc_sub {
    shmrpc_topic *topic; /* holds a reference */
    shmrpci_subscription *engine;
    shmrpci_remote_sub *remote; /* for a topic of many machines */
    shmrpci_held *held;         /* the last message */
    uint64_t lost_count;
    uint32_t generation; /* of the process that subscribed */
    shmrpci_ready ready;
};

static shmrpc_topic *topic_of(shmrpci_handle *handle)
{
    return (shmrpc_topic *)(void *)handle;
}

/* ---- opening ------------------------------------------------------------- */

/* Translates the overflow rule for the engine. Returns false for rules that
 * only queues have. */
static bool read_laps(shmrpc_overflow overflow, shmrpci_laps *out)
{
    switch (overflow) {
    case SHMRPC_OVERFLOW_DEFAULT:
    case SHMRPC_OVERFLOW_OVERWRITE:
        *out = SHMRPCI_LAPS_OVERWRITE;
        return true;
    case SHMRPC_OVERFLOW_BLOCK:
        *out = SHMRPCI_LAPS_BLOCK;
        return true;
    case SHMRPC_OVERFLOW_DROP_NEWEST:
        *out = SHMRPCI_LAPS_DROP;
        return true;
    case SHMRPC_OVERFLOW_FAIL:
    case SHMRPC_OVERFLOW_DROP_OLDEST:
        break;
    }
    return false;
}

/* There are as many seats for subscribers as places for publishers. */
static shmrpc_status plan(const shmrpci_handle *handle,
                          shmrpci_region_spec *out, shmrpc_error *error)
{
    const shmrpc_shared *row = &handle->row;
    shmrpci_topic_spec spec = {
        .history = (uint32_t)row->history,
        .max_item_bytes = (uint32_t)row->max_item_bytes,
        .max_bytes = row->max_bytes,
        .participants = handle->writers,
        .seats = handle->writers,
        .max_stall_ns =
            row->max_stall_ns != 0 ? row->max_stall_ns : DEFAULT_MAX_STALL_NS,
    };
    if (!read_laps(row->overflow, &spec.laps) || row->history > UINT32_MAX ||
        row->max_item_bytes > UINT32_MAX || row->max_stall_ns < 0) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID,
                               "history, max_item_bytes, overflow or "
                               "max_stall_ns are out of range for a topic");
        return SHMRPC_E_INVALID;
    }
    return shmrpci_topic_plan(&spec, out, error);
}

/* If a topic is opened read-only, its subscribers write nothing to it. */
static shmrpc_status open_engine(shmrpci_handle *handle, int fd,
                                 shmrpci_access access, shmrpc_error *error)
{
    return shmrpci_topic_open(fd, -1, access, SHMRPC_PROFILE_BALANCED,
                              &topic_of(handle)->engine, error);
}

static void close_engine(shmrpci_handle *handle)
{
    shmrpci_topic_close(topic_of(handle)->engine);
    topic_of(handle)->engine = NULL;
}

static const shmrpci_region *region_of(const shmrpci_handle *handle)
{
    return shmrpci_topic_region(
        ((const shmrpc_topic *)(const void *)handle)->engine);
}

static void destroy_engine(shmrpci_handle *handle)
{
    shmrpci_topic_destroy(topic_of(handle)->engine);
}

/* Wakes readers, when the server that owned the topic has died. */
static void wake(const shmrpci_handle *handle)
{
    shmrpci_topic_wake_all(
        ((const shmrpc_topic *)(const void *)handle)->engine);
}

const shmrpci_face shmrpci_face_topic = {
    .kind = &shmrpci_kind_topic,
    .number = SHMRPC_SHARED_TOPIC,
    .can_read_only = true,
    .plan = plan,
    .open = open_engine,
    .close = close_engine,
    .region = region_of,
    .destroy = destroy_engine,
    .wake = wake,
};

/* Generated code calls the functions shmrpc_stub_...; messages are pointers to
 * C values of the declared type. */
int shmrpc_stub_topic_open(const shmrpc_shared *row, const char *name,
                           const shmrpc_shared_opts *opts, shmrpc_topic **out,
                           shmrpc_error *error)
{
    shmrpci_handle *handle;
    shmrpc_status status =
        shmrpci_handle_open(&shmrpci_face_topic, sizeof(shmrpc_topic), row,
                            name, opts, &handle, error);
    if (status == SHMRPC_OK) {
        *out = topic_of(handle);
    }
    return status;
}

shmrpc_status shmrpc_topic_open(const char *name, const shmrpc_topic_opts *opts,
                                shmrpc_topic **out, shmrpc_error *error)
{
    static const shmrpc_topic_opts defaults = {.history = 0};
    opts = opts != NULL ? opts : &defaults;
    shmrpc_shared row =
        shmrpci_handle_any_row(SHMRPC_SHARED_TOPIC, opts->encoding);
    row.history = opts->history;
    row.overflow = opts->overflow;
    row.max_item_bytes = opts->max_item_bytes;
    row.max_stall_ns = opts->max_stall_ns;
    if (!shmrpci_reserved_is_zero(opts->reserved, sizeof opts->reserved /
                                                      sizeof *opts->reserved)) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID, SHMRPCI_RESERVED_TEXT);
        return SHMRPC_E_INVALID;
    }
    return (shmrpc_status)shmrpc_stub_topic_open(&row, name, &opts->shared, out,
                                                 error);
}

void shmrpc_topic_close(shmrpc_topic *topic)
{
    shmrpci_handle_close(topic != NULL ? &topic->handle : NULL);
}

/* ---- publishing ---------------------------------------------------------- */

/* The longest encoded message. */
static uint32_t max_len(const shmrpc_topic *topic)
{
    shmrpci_remote_facts facts;
    if (topic->handle.remote == NULL) {
        return shmrpci_topic_max_len(topic->engine);
    }
    shmrpci_remote_nats.facts(topic->handle.remote, &facts);
    return facts.max_item_bytes;
}

/* The length limit is a property of the object, set by its maker. */
static shmrpc_status publish_bytes(shmrpc_topic *topic, const shmrpci_buf *buf,
                                   int64_t deadline_ns, shmrpc_error *error)
{
    shmrpci_remote *remote = topic->handle.remote;
    uint32_t most = max_len(topic);
    if (buf->len > most) {
        (void)shmrpc_error_set(error, SHMRPC_E_TOO_LARGE,
                               "the message takes %zu bytes, but at most %u "
                               "fit: raise max_item_bytes, or pass a reference",
                               buf->len, most);
        return SHMRPC_E_TOO_LARGE;
    }
    if (remote != NULL) {
        return shmrpci_remote_nats.publish(remote, buf->data, buf->len,
                                           deadline_ns, error);
    }
    return shmrpci_topic_publish(topic->engine, buf->data, (uint32_t)buf->len,
                                 deadline_ns, error);
}

/* Publishes one message. If it can't be encoded, nothing is published. */
static shmrpc_status publish(shmrpc_topic *topic, const void *message,
                             int64_t deadline_ns, shmrpc_error *error)
{
    _Alignas(16) uint8_t room[STACK_BYTES];
    const shmrpci_handle *handle = &topic->handle;
    shmrpci_buf buf;
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    shmrpc_status status =
        shmrpci_held_encode(handle, handle->row.element, message, &buf, error);
    if (status == SHMRPC_E_TOO_LARGE) {
        shmrpci_buf_init_heap(&buf);
        status = shmrpci_held_encode(handle, handle->row.element, message, &buf,
                                     error);
    }
    if (status == SHMRPC_OK) {
        status = publish_bytes(topic, &buf, deadline_ns, error);
    }
    shmrpci_buf_fini(&buf);
    return status;
}

int shmrpc_stub_topic_publish(shmrpc_topic *topic, const void *message,
                              const shmrpc_opts *opts, shmrpc_error *error)
{
    int64_t deadline_ns;
    shmrpc_status status = shmrpci_handle_deadline(opts, &deadline_ns, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_handle_ensure(&topic->handle, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    status = publish(topic, message, deadline_ns, error);
    return shmrpci_handle_explain(&topic->handle, status, error);
}

shmrpc_status shmrpc_topic_publish(shmrpc_topic *topic,
                                   const shmrpc_any *message,
                                   const shmrpc_opts *opts, shmrpc_error *error)
{
    return (shmrpc_status)shmrpc_stub_topic_publish(topic, message, opts,
                                                    error);
}

/* ---- subscribing --------------------------------------------------------- */

shmrpc_status shmrpc_topic_subscribe(shmrpc_topic *topic, shmrpc_sub **out,
                                     shmrpc_error *error)
{
    shmrpc_status status = shmrpci_handle_ensure(&topic->handle, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpc_sub *sub = calloc(1, sizeof *sub);
    if (sub == NULL) {
        return shmrpci_handle_fail(&topic->handle, SHMRPC_E_NO_MEMORY,
                                   "out of memory", error);
    }
    status = topic->handle.remote != NULL
                 ? shmrpci_remote_nats.subscribe(topic->handle.remote,
                                                 &sub->remote, error)
                 : shmrpci_topic_subscribe(topic->engine, &sub->engine, error);
    if (status != SHMRPC_OK) {
        free(sub);
        return shmrpci_handle_explain(&topic->handle, status, error);
    }
    sub->topic = topic;
    /* A seat belongs to the process that took it. */
    sub->generation = shmrpci_fork_generation();
    shmrpci_handle_ref(&topic->handle);
    *out = sub;
    return SHMRPC_OK;
}

/* Whether the subscription is usable here. Both engines of a topic are NULL
 * once its handle is closed. */
static bool is_ours(const shmrpc_sub *sub)
{
    return sub->generation == shmrpci_fork_generation() &&
           (sub->topic->engine != NULL || sub->topic->handle.remote != NULL);
}

void shmrpc_sub_close(shmrpc_sub *sub)
{
    if (sub == NULL) {
        return;
    }
    shmrpci_handle *handle = &sub->topic->handle;
    shmrpci_ready_close(&sub->ready);
    if (is_ours(sub) && sub->remote != NULL) {
        shmrpci_remote_nats.unsubscribe(sub->remote);
    } else if (is_ours(sub)) {
        shmrpci_topic_unsubscribe(sub->engine);
    }
    /* The last message ends together with the subscription. */
    if (sub->held != NULL) {
        shmrpci_held_give(sub->held);
    }
    free(sub);
    shmrpci_handle_unref(handle);
}

static shmrpc_status take_remote(shmrpc_sub *sub, int64_t deadline_ns,
                                 shmrpci_item *item, uint64_t *lost,
                                 shmrpc_error *error)
{
    shmrpci_remote_item got = {.at = 0};
    shmrpc_status status = shmrpci_remote_nats.next(
        sub->remote, deadline_ns, &sub->held->bytes, &got, lost, error);
    *item = (shmrpci_item){.at = got.at, .len = got.len};
    return status;
}

/* The descriptor is readable while this may find something. So if it finds
 * nothing, it makes the descriptor unreadable, and looks again (ready.h). */
static shmrpc_status take_next(shmrpc_sub *sub, int64_t deadline_ns,
                               shmrpci_item *item, uint64_t *lost,
                               shmrpc_error *error)
{
    shmrpc_error late;
    shmrpci_futex_on on;
    int64_t max_ns;
    shmrpci_buf *bytes = &sub->held->bytes;
    if (sub->remote != NULL) {
        return take_remote(sub, deadline_ns, item, lost, error);
    }
    shmrpc_status status =
        shmrpci_topic_next(sub->engine, deadline_ns, bytes, item, lost, error);
    if ((status != SHMRPC_E_BUSY && status != SHMRPC_E_DEADLINE) ||
        !shmrpci_ready_is_on(&sub->ready)) {
        return status;
    }
    shmrpci_topic_announce(sub->engine, &on, &max_ns);
    shmrpci_ready_clear(&sub->ready);
    shmrpc_status again =
        shmrpci_topic_next(sub->engine, 0, bytes, item, lost, &late);
    if (again == SHMRPC_E_BUSY) {
        shmrpci_ready_rest(&sub->ready, &on, max_ns);
        return status;
    }
    shmrpci_ready_found(&sub->ready);
    if (again != SHMRPC_OK && error != NULL) {
        *error = late;
    }
    return again;
}

int shmrpc_sub_fd(shmrpc_sub *sub)
{
    int fd = -1;
    if (sub->remote != NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    shmrpc_status status = is_ours(sub)
                               ? shmrpci_ready_open(&sub->ready, false, &fd)
                               : SHMRPC_E_FORKED;
    return status == SHMRPC_OK ? fd : (int)status;
}

/* Frees the last message. LOST is reported once for each gap, and counted. */
static shmrpc_status next(shmrpc_sub *sub, int64_t deadline_ns,
                          shmrpc_error *error)
{
    shmrpci_item item;
    uint64_t lost = 0;
    if (sub->held != NULL) {
        shmrpci_held_give(sub->held);
    }
    sub->held = shmrpci_held_take(&sub->topic->handle);
    if (sub->held == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    shmrpc_status status = take_next(sub, deadline_ns, &item, &lost, error);
    sub->lost_count += status == SHMRPC_E_LOST ? lost : 0;
    return status == SHMRPC_OK
               ? shmrpci_held_decode(sub->held, sub->held->bytes.data + item.at,
                                     item.len, error)
               : status;
}

int shmrpc_stub_sub_next(shmrpc_sub *sub, const void **out,
                         const shmrpc_opts *opts, shmrpc_error *error)
{
    int64_t deadline_ns;
    const shmrpci_handle *handle = &sub->topic->handle;
    shmrpc_status status = shmrpci_handle_deadline(opts, &deadline_ns, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (!is_ours(sub)) {
        return shmrpci_handle_fail(handle, SHMRPC_E_FORKED,
                                   "the subscription belongs to the parent "
                                   "process, or its topic is closed",
                                   error);
    }
    status = next(sub, deadline_ns, error);
    if (status == SHMRPC_OK) {
        *out = shmrpci_held_value(sub->held);
    }
    return shmrpci_handle_explain(handle, status, error);
}

shmrpc_status shmrpc_sub_next(shmrpc_sub *sub, const shmrpc_any **out,
                              const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *message;
    int status = shmrpc_stub_sub_next(sub, &message, opts, error);
    if (status == SHMRPC_OK) {
        *out = message;
    }
    return (shmrpc_status)status;
}

/* Counted since the subscription began. */
uint64_t shmrpc_sub_lost(const shmrpc_sub *sub)
{
    return sub->lost_count;
}

/* ---- ending, statistics -------------------------------------------------- */

shmrpc_status shmrpc_topic_end(shmrpc_topic *topic)
{
    if ((topic->handle.flags & SHMRPC_SHARED_READ_ONLY) != 0) {
        return SHMRPC_E_DENIED;
    }
    shmrpc_status status = shmrpci_handle_ensure(&topic->handle, NULL);
    if (status == SHMRPC_OK && topic->handle.remote != NULL) {
        return shmrpci_remote_nats.end(topic->handle.remote);
    }
    return status == SHMRPC_OK ? shmrpci_topic_end(topic->engine) : status;
}

shmrpc_status shmrpc_topic_destroy(shmrpc_topic *topic)
{
    return shmrpci_handle_destroy(&topic->handle);
}

/* NATS servers don't report subscribers. */
static shmrpc_status read_remote(const shmrpc_topic *topic,
                                 shmrpc_topic_stat *out)
{
    shmrpci_remote_figures figures;
    shmrpc_status status =
        shmrpci_remote_nats.figures(topic->handle.remote, &figures);
    if (status == SHMRPC_OK) {
        memset(out, 0, sizeof *out);
        out->published_count = figures.pushed_count;
        out->history = figures.history;
        out->max_item_bytes = max_len(topic);
        out->open_count = 1; /* only this handle is known */
    }
    return status;
}

shmrpc_status shmrpc_topic_stat_read(shmrpc_topic *topic,
                                     shmrpc_topic_stat *out)
{
    shmrpci_topic_stat stat;
    shmrpc_status status = shmrpci_handle_ensure(&topic->handle, NULL);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (topic->handle.remote != NULL) {
        return read_remote(topic, out);
    }
    shmrpci_topic_get_stat(topic->engine, &stat);
    if (stat.is_destroyed) {
        return SHMRPC_E_DESTROYED;
    }
    memset(out, 0, sizeof *out);
    out->published_count = stat.published;
    out->dropped_count = stat.dropped;
    out->received_count = stat.received;
    out->lost_count = stat.lost;
    out->evicted_count = stat.evicted;
    out->history = stat.history;
    out->max_item_bytes = shmrpci_topic_max_len(topic->engine);
    out->open_count = stat.publishers;
    out->subscriber_count = stat.subscribers;
    out->is_ended = stat.is_ended;
    return SHMRPC_OK;
}
