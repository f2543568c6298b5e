/*
 * Dicts of values: shmrpc/dict.h over table/table.h, by whole keys.
 *
 * The engine (table/) maps bytes to bytes and knows nothing of types. This file
 * encodes keys and values, takes the handle's mutex around changes, and turns
 * the engine's statuses into errors that name the dict.
 *
 * Reading takes no lock: the engine checks after a read that nothing changed
 * meanwhile. Only if that fails again and again, the mutex is taken and the
 * value is read under a pin. Changes from one process take turns by the mutex;
 * the engine orders those of several processes.
 *
 * Every function begins with shmrpci_handle_ensure, which attaches again in a
 * forked child, and ends with shmrpci_handle_explain, which puts the kind and
 * the name before the message.
 */
#include <stdlib.h>
#include <string.h>

#include "base/likely.h"
#include "base/reserved.h"
#include "objects/dict_copy.h"
#include "objects/dict_remote.h"
#include "os/memory.h"
#include "os/tls_secret.h"
#include "table/quick.h"

/* The default if neither the `.svc` nor the options set one. The file is
 * sparse: memory is taken as entries come. */
#define DEFAULT_MAX_BYTES ((uint64_t)1 << 30)
#define DEFAULT_LOG       1024u

/* ---- opening ------------------------------------------------------------- */

/* Plans the region of a new dict or value: the region of a table, and in it the
 * area of the locks, after the table's roots. */
shmrpc_status shmrpci_dict_plan(const shmrpci_handle *handle, uint32_t kind,
                                shmrpci_region_spec *out, shmrpc_error *error)
{
    const shmrpc_shared *row = &handle->row;
    if (row->log > SHMRPCI_TABLE_LOG_MAX) {
        (void)shmrpc_error_set(
            error, SHMRPC_E_INVALID, "a log of %llu changes, allowed 1..%u",
            (unsigned long long)row->log, SHMRPCI_TABLE_LOG_MAX);
        return SHMRPC_E_INVALID;
    }
    shmrpci_table_spec spec = {
        .max_bytes = row->max_bytes != 0 ? row->max_bytes : DEFAULT_MAX_BYTES,
        .capacity = row->capacity,
        .log = row->log != 0 ? (uint32_t)row->log : DEFAULT_LOG,
        .kind = kind,
        .participants = handle->writers,
    };
    uint8_t seed[sizeof spec.hash_seed];
    /* The seed must be secret: keys may come from outside, and must not be
     * chosen so that they collide. If there are no random numbers the table
     * works nevertheless. */
    if (shmrpci_random_fill(seed, sizeof seed) == SHMRPC_OK) {
        memcpy(&spec.hash_seed, seed, sizeof seed);
    }
    shmrpc_status status = shmrpci_table_plan(&spec, out, error);
    if (status == SHMRPC_OK) {
        shmrpci_dict_lock_plan(out);
    }
    if (status == SHMRPC_OK && handle->remote != NULL) {
        shmrpci_dict_copy_plan(out);
    }
    return status;
}

/* Checks the key's type. A value has no key, so only dicts use this. */
static shmrpc_status plan(const shmrpci_handle *handle,
                          shmrpci_region_spec *out, shmrpc_error *error)
{
    if (!shmrpci_key_is_type(handle->row.key)) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID,
                               "this type can't be used for keys");
        return SHMRPC_E_INVALID;
    }
    return shmrpci_dict_plan(handle, SHMRPCI_TABLE_KIND_DICT, out, error);
}

shmrpc_status shmrpci_dict_open_engine(shmrpci_handle *handle, int fd,
                                       shmrpci_access access,
                                       shmrpc_error *error)
{
    shmrpc_dict *dict = shmrpci_dict_of(handle);
    shmrpc_status status =
        shmrpci_dict_lock_attach(fd, access, &dict->table, error);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&fd);
        return status;
    }
    /* The byte lock on this descriptor keeps the process's place. A forked
     * child closes its copy of the descriptor, because that copy would keep the
     * place taken after this process has ended. */
    status = shmrpci_fork_close_fd(&dict->guard, &dict->table.region.fd);
    if (status != SHMRPC_OK) {
        shmrpci_table_detach(&dict->table);
        return status;
    }
    shmrpci_mutex_init(&dict->mutex);
    dict->flat = shmrpci_flat_of(handle->codec, handle->row.element);
    dict->is_open = true;
    return SHMRPC_OK;
}

void shmrpci_dict_close_engine(shmrpci_handle *handle)
{
    shmrpc_dict *dict = shmrpci_dict_of(handle);
    if (!dict->is_open) {
        return;
    }
    /* A forked child has a copy of its parent's memory, but none of its
     * threads. So it must not end the mutex, which one of those threads may
     * hold, nor give back a record that they have reserved and still use. */
    if (dict->table.region.map.generation != shmrpci_fork_generation()) {
        /* Forgets a record that a thread of the parent may have reserved. */
        dict->table.reserved = 0;
    } else {
        shmrpci_dict_lock_leave(&dict->table.region);
        shmrpci_mutex_fini(&dict->mutex);
    }
    shmrpci_dict_locks_free(
        atomic_exchange_explicit(&dict->locks, NULL, memory_order_acq_rel));
    shmrpci_fork_keep_fd(&dict->guard);
    shmrpci_table_detach(&dict->table);
    dict->is_open = false;
}

const shmrpci_region *shmrpci_dict_region(const shmrpci_handle *handle)
{
    return &((const shmrpc_dict *)(const void *)handle)->table.region;
}

/* Destroys the table first: a thread that is woken when the locks are destroyed
 * then finds the table destroyed. */
void shmrpci_dict_destroy_engine(shmrpci_handle *handle)
{
    shmrpci_table *table = &shmrpci_dict_of(handle)->table;
    shmrpci_table_destroy(table);
    shmrpci_dict_lock_destroy(&table->region);
}

void shmrpci_dict_wake_engine(const shmrpci_handle *handle)
{
    shmrpci_table_wake_all(&((const shmrpc_dict *)(const void *)handle)->table);
}

/* Values have the same operations (value.c), except `plan`. */
const shmrpci_face shmrpci_face_dict = {
    .kind = &shmrpci_kind_dict,
    .number = SHMRPC_SHARED_DICT,
    .can_read_only = true,
    .has_locks = true,
    .plan = plan,
    .open = shmrpci_dict_open_engine,
    .close = shmrpci_dict_close_engine,
    .region = shmrpci_dict_region,
    .destroy = shmrpci_dict_destroy_engine,
    .wake = shmrpci_dict_wake_engine,
    .fill = shmrpci_dict_fill_engine,
    .follow = shmrpci_dict_copy_follow,
    .unfollow = shmrpci_dict_copy_unfollow,
};

/* Dicts and values use the same C type for their handles. */
shmrpc_status shmrpci_dict_open_as(const shmrpci_face *face,
                                   const shmrpc_shared *row, const char *name,
                                   const shmrpc_shared_opts *opts,
                                   shmrpc_dict **out, shmrpc_error *error)
{
    shmrpci_handle *handle;
    shmrpc_status status = shmrpci_handle_open(face, sizeof(shmrpc_dict), row,
                                               name, opts, &handle, error);
    if (status == SHMRPC_OK) {
        *out = shmrpci_dict_of(handle);
    }
    return status;
}

/* Generated code calls the functions shmrpc_stub_...; their keys and values are
 * pointers to C values of the declared types. */
int shmrpc_stub_dict_open(const shmrpc_shared *row, const char *name,
                          const shmrpc_shared_opts *opts, shmrpc_dict **out,
                          shmrpc_error *error)
{
    return shmrpci_dict_open_as(&shmrpci_face_dict, row, name, opts, out,
                                error);
}

shmrpc_status shmrpc_dict_open(const char *name, const shmrpc_dict_opts *opts,
                               shmrpc_dict **out, shmrpc_error *error)
{
    static const shmrpc_dict_opts defaults = {.capacity = 0};
    opts = opts != NULL ? opts : &defaults;
    shmrpc_shared row =
        shmrpci_handle_any_row(SHMRPC_SHARED_DICT, opts->encoding);
    row.capacity = opts->capacity;
    row.log = opts->log;
    if (opts->reserved32 != 0 ||
        !shmrpci_reserved_is_zero(opts->reserved, sizeof opts->reserved /
                                                      sizeof *opts->reserved)) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID, SHMRPCI_RESERVED_TEXT);
        return SHMRPC_E_INVALID;
    }
    return shmrpci_dict_open_as(&shmrpci_face_dict, &row, name, &opts->shared,
                                out, error);
}

void shmrpc_dict_close(shmrpc_dict *dict)
{
    shmrpci_handle_close(dict != NULL ? &dict->handle : NULL);
}

/* ---- keys and values ----------------------------------------------------- */

shmrpc_status shmrpci_dict_key_init(const shmrpc_dict *dict, const void *key,
                                    shmrpci_dict_key *out, shmrpc_error *error)
{
    shmrpc_bytes there;
    /* Text, bytes and plain numbers are used in place, without a copy. */
    if (key != NULL && shmrpci_key_view(dict->handle.row.key, key, &there)) {
        /* The cast is safe: a full buffer is never written to. */
        out->buf = (shmrpci_buf){.data = (uint8_t *)(uintptr_t)there.ptr,
                                 .len = there.len,
                                 .cap = there.len};
        return SHMRPC_OK;
    }
    shmrpci_buf_init_fixed(&out->buf, out->room, sizeof out->room);
    if (key == NULL) {
        return SHMRPC_OK;
    }
    shmrpc_status status =
        shmrpci_key_encode(dict->handle.row.key, key, &out->buf, error);
    /* TOO_LARGE from a full stack buffer means: try again on the heap. A key
     * that is too long leaves the buffer intact. */
    if (status == SHMRPC_E_TOO_LARGE && out->buf.status == SHMRPC_E_TOO_LARGE) {
        shmrpci_buf_init_heap(&out->buf);
        status =
            shmrpci_key_encode(dict->handle.row.key, key, &out->buf, error);
    }
    return status;
}

void shmrpci_dict_key_fini(shmrpci_dict_key *key)
{
    shmrpci_buf_fini(&key->buf);
}

/* Called first in each change, so that a READ_ONLY handle gets that error
 * whatever else is wrong. */
shmrpc_status shmrpci_dict_may_change(shmrpc_dict *dict, shmrpc_error *error)
{
    if ((dict->handle.flags & SHMRPC_SHARED_READ_ONLY) != 0) {
        return shmrpci_handle_fail(&dict->handle, SHMRPC_E_DENIED,
                                   "it was opened READ_ONLY", error);
    }
    return shmrpci_handle_ensure(&dict->handle, error);
}

/* Explains NOT_FOUND. The message does not show the key, which may be
 * anything. */
shmrpc_status shmrpci_dict_missing(shmrpc_status status, shmrpc_error *error)
{
    (void)shmrpc_error_set(error, status,
                           status == SHMRPC_E_NOT_FOUND
                               ? "there is no such key"
                               : "the entry is damaged");
    return status;
}

shmrpc_status shmrpci_dict_unless_destroyed(const shmrpc_dict *dict,
                                            shmrpc_status status,
                                            shmrpc_error *error)
{
    /* Checked only for these statuses, as it costs another cache line. */
    if ((status == SHMRPC_OK || status == SHMRPC_E_NOT_FOUND) &&
        shmrpci_region_is_destroyed(&dict->table.region)) {
        (void)shmrpc_error_set(error, SHMRPC_E_DESTROYED,
                               "it has been destroyed");
        return SHMRPC_E_DESTROYED;
    }
    return status;
}

/* Reads the value of a key. In a dict of many machines the remote engine is
 * asked if the caller wants the version, because this machine's copy does not
 * have the engine's versions. ABORTED means that several attempts failed
 * because the entry changed during each of them; then the entry is read under a
 * pin, which keeps its memory from being reused. */
static shmrpc_status get_bytes(shmrpc_dict *dict, shmrpci_table_bytes key,
                               shmrpci_buf *out, uint64_t *out_version,
                               shmrpc_error *error)
{
    if (out_version != NULL && shmrpci_dict_is_remote(dict)) {
        return shmrpci_dict_remote_get(dict, key, out, out_version, error);
    }
    shmrpc_status status =
        shmrpci_quick_table_get(&dict->table, key, out, out_version, error);
    if (status == SHMRPC_E_ABORTED) {
        shmrpci_mutex_lock(&dict->mutex);
        status = shmrpci_table_get_pinned(&dict->table, key, out, out_version,
                                          error);
        shmrpci_mutex_unlock(&dict->mutex);
    }
    if (status == SHMRPC_E_NOT_FOUND) {
        (void)shmrpci_dict_missing(status, error);
    }
    return shmrpci_dict_unless_destroyed(dict, status, error);
}

/* The bytes are copied out of the region before they are decoded, because a
 * decoder looks at them twice, and others may write to them in between. */
shmrpc_status shmrpci_dict_fetch(shmrpc_dict *dict, shmrpci_table_bytes key,
                                 shmrpci_held **out, uint64_t *out_version,
                                 shmrpc_error *error)
{
    shmrpci_held *held = shmrpci_held_take(&dict->handle);
    if (held == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    shmrpc_status status =
        get_bytes(dict, key, &held->bytes, out_version, error);
    if (status == SHMRPC_OK) {
        status =
            shmrpci_held_decode(held, held->bytes.data, held->bytes.len, error);
    }
    if (status != SHMRPC_OK) {
        shmrpci_held_give(held);
        return status;
    }
    *out = held;
    return SHMRPC_OK;
}

/* Short values are encoded on the stack. Their size isn't known before, so
 * longer ones are encoded once more, on the heap. */
shmrpc_status shmrpci_dict_store(shmrpc_dict *dict, shmrpci_table_bytes key,
                                 const void *value, uint64_t expected,
                                 uint64_t *out_version, shmrpc_error *error)
{
    _Alignas(16) uint8_t room[SHMRPCI_DICT_STACK_BYTES];
    const shmrpci_handle *handle = &dict->handle;
    shmrpci_buf buf;
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    shmrpc_status status =
        shmrpci_held_encode(handle, handle->row.element, value, &buf, error);
    if (status == SHMRPC_E_TOO_LARGE) {
        shmrpci_buf_init_heap(&buf);
        status = shmrpci_held_encode(handle, handle->row.element, value, &buf,
                                     error);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_dict_put_bytes(dict, key, shmrpci_table_bytes_of(&buf),
                                        expected, out_version, error);
    }
    shmrpci_buf_fini(&buf);
    return status;
}

/* ---- access by whole keys ------------------------------------------------ */

/* Gets a value that is not its own encoding, or does not fit on the stack
 * (TOO_LARGE). Out of line, so that the common case stays short. */
static SHMRPCI_SLOW shmrpc_status get_decoded(shmrpc_dict *dict,
                                              shmrpci_table_bytes key,
                                              shmrpci_buf *buf, void *out,
                                              shmrpc_error *error)
{
    shmrpc_status status = buf->status;
    shmrpci_arena arena;
    if (status == SHMRPC_E_TOO_LARGE) {
        shmrpci_buf_init_heap(buf);
        status = get_bytes(dict, key, buf, NULL, error);
    }
    if (status == SHMRPC_OK) {
        shmrpci_arena_init(&arena, 0);
        status = shmrpci_held_decode_to(&dict->handle, buf->data, buf->len,
                                        &arena, out, error);
        shmrpci_arena_fini(&arena);
    }
    shmrpci_buf_fini(buf);
    return status;
}

/* For values without pointers. They are copied to `out`, so no memory needs to
 * outlive the call. */
int shmrpc_stub_dict_get(shmrpc_dict *dict, const void *key, void *out,
                         shmrpc_error *error)
{
    _Alignas(16) uint8_t room[SHMRPCI_DICT_STACK_BYTES];
    shmrpci_dict_key bytes;
    shmrpci_buf buf;
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    status = shmrpci_dict_key_init(dict, key, &bytes, error);
    if (status == SHMRPC_OK) {
        status =
            get_bytes(dict, shmrpci_dict_key_bytes(&bytes), &buf, NULL, error);
        if (SHMRPCI_LIKELY(status == SHMRPC_OK &&
                           shmrpci_flat_fits(&dict->flat, buf.data, buf.len))) {
            shmrpci_flat_read(&dict->flat, buf.data, out);
        } else if (status == SHMRPC_OK || status == SHMRPC_E_TOO_LARGE) {
            status = get_decoded(dict, shmrpci_dict_key_bytes(&bytes), &buf,
                                 out, error);
        }
    }
    shmrpci_dict_key_fini(&bytes);
    return SHMRPCI_LIKELY(status == SHMRPC_OK)
               ? SHMRPC_OK
               : shmrpci_handle_explain(&dict->handle, status, error);
}

/* For all other values: the user owns `*out` until release. */
int shmrpc_stub_dict_get_item(shmrpc_dict *dict, const void *key,
                              const void **out, shmrpc_error *error)
{
    shmrpci_dict_key bytes;
    shmrpci_held *held;
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_dict_key_init(dict, key, &bytes, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_dict_fetch(dict, shmrpci_dict_key_bytes(&bytes), &held,
                                    NULL, error);
    }
    shmrpci_dict_key_fini(&bytes);
    if (status == SHMRPC_OK) {
        *out = shmrpci_held_value(held);
    }
    return shmrpci_handle_explain(&dict->handle, status, error);
}

void shmrpc_stub_dict_release(shmrpc_dict *dict, const void *value)
{
    (void)dict;
    if (value != NULL) {
        shmrpci_held_give(shmrpci_held_of(value));
    }
}

/* `expected` is the required current version, or ANY or ABSENT. */
static shmrpc_status put(shmrpc_dict *dict, const void *key, const void *value,
                         uint64_t expected, shmrpc_error *error)
{
    shmrpci_dict_key bytes;
    shmrpc_status status = shmrpci_dict_may_change(dict, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_dict_key_init(dict, key, &bytes, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_dict_store(dict, shmrpci_dict_key_bytes(&bytes), value,
                                    expected, NULL, error);
    }
    shmrpci_dict_key_fini(&bytes);
    return shmrpci_handle_explain(&dict->handle, status, error);
}

int shmrpc_stub_dict_put(shmrpc_dict *dict, const void *key, const void *value,
                         shmrpc_error *error)
{
    return put(dict, key, value, SHMRPCI_TABLE_ANY, error);
}

int shmrpc_stub_dict_put_new(shmrpc_dict *dict, const void *key,
                             const void *value, shmrpc_error *error)
{
    return put(dict, key, value, SHMRPCI_TABLE_ABSENT, error);
}

int shmrpc_stub_dict_del(shmrpc_dict *dict, const void *key,
                         shmrpc_error *error)
{
    shmrpci_dict_key bytes;
    shmrpc_status status = shmrpci_dict_may_change(dict, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_dict_key_init(dict, key, &bytes, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_dict_del_bytes(dict, shmrpci_dict_key_bytes(&bytes),
                                        NULL, error);
    }
    shmrpci_dict_key_fini(&bytes);
    return shmrpci_handle_explain(&dict->handle, status, error);
}

/* Looks for the key only, without copying the value. */
int shmrpc_stub_dict_contains(shmrpc_dict *dict, const void *key,
                              shmrpc_error *error)
{
    shmrpci_dict_key bytes;
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_dict_key_init(dict, key, &bytes, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_table_contains(&dict->table,
                                        shmrpci_dict_key_bytes(&bytes), NULL);
    }
    shmrpci_dict_key_fini(&bytes);
    if (status == SHMRPC_E_NOT_FOUND) {
        (void)shmrpc_error_set(error, status, "there is no such key");
    }
    return shmrpci_handle_explain(&dict->handle, status, error);
}

/* ---- update: read, ask the user, retry if it changed --------------------- */

/* The state of one call of update. `error` is filled in by the updater or the
 * codec; the table has an error of its own. */
typedef struct asking {
    shmrpc_dict *dict;
    shmrpc_stub_change call;
    shmrpc_function change;
    void *user;
    shmrpci_arena arena; /* memory of the previous value */
    shmrpc_error *error;
} asking;

/* Translates the decision of the user's function for the table. Any number
 * other than SHMRPC_CHANGE_... is a status that this function chose, with which
 * the update fails. */
static shmrpc_status answer(asking *of, int wanted, const void *value,
                            shmrpci_buf *now, shmrpci_table_verdict *verdict)
{
    const shmrpci_handle *handle = &of->dict->handle;
    switch (wanted) {
    case SHMRPC_CHANGE_PUT:
        *verdict = SHMRPCI_TABLE_PUT;
        return shmrpci_held_encode(handle, handle->row.element, value, now,
                                   of->error);
    case SHMRPC_CHANGE_KEEP:
        *verdict = SHMRPCI_TABLE_LEAVE;
        return SHMRPC_OK;
    case SHMRPC_CHANGE_DELETE:
        *verdict = SHMRPCI_TABLE_DEL;
        return SHMRPC_OK;
    default:
        if (of->error != NULL && of->error->code != wanted) {
            (void)shmrpc_error_set(of->error, wanted, "the updater gave up");
        }
        return (shmrpc_status)wanted;
    }
}

/* Called by the table, and called again if another change was committed first.
 * So the arena is reset each time, and the user's function must have no effect
 * but its answer. The user's function gets two copies of the current value:
 * `old`, which it must not change, and `value`, which it may change. */
static shmrpc_status ask(void *user, shmrpci_table_bytes was, shmrpci_buf *now,
                         shmrpci_table_verdict *verdict)
{
    asking *of = user;
    const shmrpci_handle *handle = &of->dict->handle;
    uint32_t size = handle->row.element->size;
    shmrpci_arena_reset(&of->arena);
    void *old = shmrpci_arena_calloc(&of->arena, 1, size, 16);
    void *value = shmrpci_arena_calloc(&of->arena, 1, size, 16);
    if (old == NULL || value == NULL) {
        (void)shmrpc_error_set(of->error, SHMRPC_E_NO_MEMORY, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    if (was.data != NULL) {
        shmrpc_status status = shmrpci_held_decode_to(
            handle, was.data, was.len, &of->arena, old, of->error);
        if (status != SHMRPC_OK) {
            return status;
        }
        memcpy(value, old, size);
    }
    int wanted =
        of->call(of->change, of->user, was.data != NULL ? old : NULL, value);
    return answer(of, wanted, value, now, verdict);
}

/* The user's function must not change this dict, because the mutex is held
 * while the function runs. An update of a dict of many machines does not take
 * the mutex. */
int shmrpc_stub_dict_update(shmrpc_dict *dict, const void *key,
                            shmrpc_stub_change call, shmrpc_function change,
                            void *user, shmrpc_error *error)
{
    shmrpci_dict_key bytes;
    shmrpc_error inner = {0};
    shmrpc_error outer = {0};
    asking of = {.dict = dict,
                 .call = call,
                 .change = change,
                 .user = user,
                 .error = &inner};
    shmrpc_status status = shmrpci_dict_may_change(dict, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_arena_init(&of.arena, 0);
    status = shmrpci_dict_key_init(dict, key, &bytes, &inner);
    if (status == SHMRPC_OK) {
        status = shmrpci_dict_update_bytes(dict, shmrpci_dict_key_bytes(&bytes),
                                           ask, &of, &outer);
    }
    shmrpci_dict_key_fini(&bytes);
    shmrpci_arena_fini(&of.arena);
    if (status != SHMRPC_OK && error != NULL) {
        /* The error of the updater or the codec says more than the table's. */
        *error = inner.code == (int32_t)status ? inner : outer;
    }
    return shmrpci_handle_explain(&dict->handle, status, error);
}

/* ---- ending, statistics -------------------------------------------------- */

shmrpc_status shmrpc_dict_destroy(shmrpc_dict *dict)
{
    return shmrpci_handle_destroy(&dict->handle);
}

/* The figures are read without a lock, each at a different moment. */
shmrpc_status shmrpc_dict_stat_read(shmrpc_dict *dict, shmrpc_dict_stat *out)
{
    shmrpci_table_stat stat;
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, NULL);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (shmrpci_region_is_destroyed(&dict->table.region)) {
        return SHMRPC_E_DESTROYED;
    }
    shmrpci_table_stat_get(&dict->table, &stat);
    memset(out, 0, sizeof *out);
    out->entry_count = stat.len;
    out->change_count = stat.changes;
    out->helped_count = stat.helped;
    out->memory_bytes = stat.paid_bytes;
    out->max_bytes = stat.max_bytes;
    out->view_age = stat.changes - stat.oldest_pin;
    out->lock_count = shmrpci_dict_lock_held_count(&dict->table.region);
    out->open_count = shmrpci_handle_count_open(&dict->handle);
    out->snapshot_ns = stat.snapshot_ns;
    out->snapshot_failure_count = stat.snapshot_failures;
    return SHMRPC_OK;
}
