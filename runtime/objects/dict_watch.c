/*
 * Watches: the changes of a dict, reported one at a time.
 *
 * The table keeps a log of its latest changes, and a watch has a cursor in it.
 * A watch that falls behind the log gets RESYNC, and then every entry of a view
 * as if it had been put; then it continues with the changes after the view. So
 * a watch never misses the final state of a key, though it may miss states in
 * between.
 *
 * A watch attaches to the table by itself, with its own place, descriptor and
 * mapping, because it may wait for long while other threads use the dict's
 * handle.
 */
#include <stdlib.h>
#include <string.h>

#include "base/reserved.h"
#include "objects/dict_inside.h"
#include "objects/ready.h"
#include "os/byte_lock.h"
#include "os/memory.h"

/* One watch. `key`, `value` and `event` are the result of the last call;
 * `bytes` and `arena` are their memory. */
struct shmrpc_watch {
    shmrpc_dict *dict; /* for types and codec; holds a reference */
    shmrpci_table table;
    shmrpci_table_watch watch;
    shmrpci_fork_fd guard;
    uint32_t generation; /* of the process that opened it */
    bool is_telling_all; /* after RESYNC: still reports entries of the view */
    char *prefix;
    size_t prefix_len;
    shmrpci_buf bytes;
    shmrpci_arena arena;
    void *key;
    void *value;
    shmrpc_stub_event event;
    shmrpci_ready ready;
};

/* Frees a watch that is detached, or never was attached. */
static void destroy(shmrpc_watch *watch)
{
    shmrpci_buf_fini(&watch->bytes);
    shmrpci_arena_fini(&watch->arena);
    free(watch->prefix);
    free(watch->key);
    free(watch->value);
    free(watch);
}

/* The prefix is copied, as the options need not outlive the call. */
static shmrpc_watch *make(shmrpc_dict *dict, const shmrpc_watch_opts *opts)
{
    const shmrpc_shared *row = &dict->handle.row;
    shmrpc_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return NULL;
    }
    watch->dict = dict;
    watch->generation = shmrpci_fork_generation();
    shmrpci_buf_init_heap(&watch->bytes);
    shmrpci_arena_init(&watch->arena, 0);
    watch->prefix_len = opts->prefix.len;
    watch->prefix = calloc(1, opts->prefix.len + 1);
    watch->key = calloc(1, row->key != NULL ? row->key->size : 1);
    watch->value = calloc(1, row->element->size);
    if (watch->prefix == NULL || watch->key == NULL || watch->value == NULL) {
        destroy(watch);
        return NULL;
    }
    if (opts->prefix.len > 0) {
        memcpy(watch->prefix, opts->prefix.ptr, opts->prefix.len);
    }
    return watch;
}

/* ---- opening ------------------------------------------------------------- */

static shmrpc_status attach(shmrpc_watch *watch, shmrpc_error *error)
{
    const shmrpc_dict *dict = watch->dict;
    bool reads = (dict->handle.flags & SHMRPC_SHARED_READ_ONLY) != 0;
    shmrpci_access access = reads ? SHMRPCI_ACCESS_READ : SHMRPCI_ACCESS_WRITE;
    int fd;
    shmrpc_status status =
        shmrpci_memory_reopen(dict->table.region.fd, access, &fd);
    if (status != SHMRPC_OK) {
        (void)shmrpc_error_set(error, status, "the file can't be opened again");
        return status;
    }
    status = shmrpci_dict_lock_attach(fd, access, &watch->table, error);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&fd);
        return status;
    }
    /* The owner belongs to the dict's handle. The watch holds a reference to
     * that handle, so the owner outlives the watch. */
    watch->table.region.owner = dict->table.region.owner;
    /* A read-only watch takes no writer's place. It shares the lock on the
     * readers' byte instead, which shows that the object is in use. */
    if (reads) {
        (void)shmrpci_byte_lock_share(watch->table.region.fd,
                                      SHMRPCI_OBJECT_READERS_BYTE);
    }
    status = shmrpci_fork_close_fd(&watch->guard, &watch->table.region.fd);
    if (status != SHMRPC_OK) {
        shmrpci_table_detach(&watch->table);
    }
    return status;
}

/* The descriptor may have been closed by a fork. */
static void detach(shmrpc_watch *watch)
{
    shmrpci_fork_keep_fd(&watch->guard);
    shmrpci_table_detach(&watch->table);
}

static shmrpc_status begin(shmrpc_watch *watch, const shmrpc_watch_opts *opts,
                           shmrpc_error *error)
{
    shmrpc_status status = attach(watch, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_table_watch_open(
        &watch->table, (opts->flags & SHMRPC_WATCH_SNAPSHOT) != 0,
        &watch->watch, error);
    if (status != SHMRPC_OK) {
        detach(watch);
    }
    return status;
}

shmrpc_status shmrpc_dict_watch_open(shmrpc_dict *dict,
                                     const shmrpc_watch_opts *opts,
                                     shmrpc_watch **out, shmrpc_error *error)
{
    static const shmrpc_watch_opts defaults = {.flags = 0};
    opts = opts != NULL ? opts : &defaults;
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if ((opts->flags & ~(uint32_t)SHMRPC_WATCH_SNAPSHOT) != 0 ||
        opts->reserved32 != 0 ||
        !shmrpci_reserved_is_zero(opts->reserved, sizeof opts->reserved /
                                                      sizeof *opts->reserved)) {
        return shmrpci_handle_fail(&dict->handle, SHMRPC_E_INVALID,
                                   SHMRPCI_RESERVED_TEXT, error);
    }
    shmrpc_watch *watch = make(dict, opts);
    if (watch == NULL) {
        return shmrpci_handle_fail(&dict->handle, SHMRPC_E_NO_MEMORY,
                                   "out of memory", error);
    }
    status = begin(watch, opts, error);
    if (status != SHMRPC_OK) {
        destroy(watch);
        return shmrpci_handle_explain(&dict->handle, status, error);
    }
    shmrpci_handle_ref(&dict->handle);
    *out = watch;
    return SHMRPC_OK;
}

/* A forked child closes its copies, and leaves the parent's place alone. */
void shmrpc_watch_close(shmrpc_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    shmrpc_dict *dict = watch->dict;
    /* Done first: afterwards the words on which the thread waits are
     * unmapped. */
    shmrpci_ready_close(&watch->ready);
    if (watch->generation == shmrpci_fork_generation()) {
        shmrpci_table_watch_close(&watch->watch);
    }
    detach(watch);
    destroy(watch);
    shmrpci_handle_unref(&dict->handle);
}

/* ---- events -------------------------------------------------------------- */

/* A private copy: bytes of the region could change while they are decoded. */
static const uint8_t *copy(shmrpc_watch *watch, shmrpci_table_bytes bytes)
{
    return (const uint8_t *)shmrpci_arena_strndup(
        &watch->arena, bytes.data != NULL ? bytes.data : "", bytes.len);
}

static shmrpc_status no_memory(shmrpc_error *error)
{
    (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    return SHMRPC_E_NO_MEMORY;
}

/* Whether the key is a text that begins with the prefix. Other keys never match
 * a prefix. */
static bool has_prefix(const shmrpc_watch *watch)
{
    const shmrpc_type *type = watch->dict->handle.row.key;
    shmrpc_str text = {NULL, 0};
    if (watch->prefix_len == 0) {
        return true;
    }
    if (type == NULL) {
        return false;
    }
    if (type->kind == SHMRPC_KIND_STRING) {
        memcpy(&text, watch->key, sizeof text);
    } else if (type->kind == SHMRPC_KIND_ANY) {
        const shmrpc_any *key = watch->key;
        text = key->kind == SHMRPC_ANY_STR ? key->u.str : text;
    }
    return text.len >= watch->prefix_len &&
           memcmp(text.ptr, watch->prefix, watch->prefix_len) == 0;
}

/* Decodes one change into the watch's event. Returns MORE if the change isn't
 * for this watch. `value` NULL means that the change has none. */
static shmrpc_status tell(shmrpc_watch *watch, shmrpc_event_kind kind,
                          uint64_t change, shmrpci_table_bytes key,
                          const shmrpci_table_bytes *value, shmrpc_error *error)
{
    const shmrpci_handle *handle = &watch->dict->handle;
    shmrpci_arena_reset(&watch->arena);
    watch->event = (shmrpc_stub_event){.kind = kind, .change = change};
    if (handle->row.key != NULL) {
        const uint8_t *data = copy(watch, key);
        if (data == NULL) {
            return no_memory(error);
        }
        shmrpc_status status = shmrpci_key_decode(
            handle->row.key, data, key.len, &watch->arena, watch->key, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        watch->event.key = watch->key;
    }
    if (!has_prefix(watch)) {
        return SHMRPC_MORE;
    }
    if (value == NULL) {
        return SHMRPC_OK;
    }
    const uint8_t *data = copy(watch, *value);
    if (data == NULL) {
        return no_memory(error);
    }
    watch->event.value = watch->value;
    return shmrpci_held_decode_to(handle, data, value->len, &watch->arena,
                                  watch->value, error);
}

/* Reports the next entry of the state as of RESYNC. Returns MORE after the last
 * one; then the caller looks for changes. */
static shmrpc_status tell_entry(shmrpc_watch *watch, shmrpc_error *error)
{
    shmrpci_table_bytes key;
    shmrpci_table_bytes value;
    shmrpc_status status = SHMRPC_MORE;
    while (status == SHMRPC_MORE) {
        status =
            shmrpci_table_view_next(&watch->watch.view, &key, &value, NULL);
        if (status == SHMRPC_E_NOT_FOUND) {
            watch->is_telling_all = false;
            return SHMRPC_MORE;
        }
        if (status != SHMRPC_OK) {
            (void)shmrpc_error_set(error, status, "it is damaged");
            return status;
        }
        status = tell(watch, SHMRPC_EVENT_PUT, watch->watch.view.change, key,
                      &value, error);
    }
    return status;
}

/* Reports a change, or RESYNC. After RESYNC the next calls report all
 * entries. */
static shmrpc_status tell_change(shmrpc_watch *watch,
                                 const shmrpci_table_event *event,
                                 shmrpc_error *error)
{
    switch (event->kind) {
    case SHMRPCI_TABLE_EVENT_PUT:
        return tell(watch, SHMRPC_EVENT_PUT, event->change, event->key,
                    &event->value, error);
    case SHMRPCI_TABLE_EVENT_DEL:
        return tell(watch, SHMRPC_EVENT_DEL, event->change, event->key, NULL,
                    error);
    case SHMRPCI_TABLE_EVENT_CLEAR:
        watch->event = (shmrpc_stub_event){.kind = SHMRPC_EVENT_CLEAR,
                                           .change = event->change};
        return SHMRPC_OK;
    case SHMRPCI_TABLE_EVENT_RESYNC:
        break;
    }
    watch->is_telling_all = true;
    watch->event = (shmrpc_stub_event){.kind = SHMRPC_EVENT_RESYNC,
                                       .change = event->change};
    return SHMRPC_OK;
}

/* Skips changes that aren't for this watch. The deadline covers all of it. */
static shmrpc_status next(shmrpc_watch *watch, int64_t deadline_ns,
                          shmrpc_error *error)
{
    shmrpc_status status = SHMRPC_MORE;
    while (status == SHMRPC_MORE) {
        shmrpci_table_event event;
        status = watch->is_telling_all ? tell_entry(watch, error) : SHMRPC_MORE;
        if (status != SHMRPC_MORE) {
            break;
        }
        status =
            shmrpci_table_watch_next(&watch->watch, deadline_ns, &event, error);
        if (status == SHMRPC_OK) {
            status = tell_change(watch, &event, error);
        }
    }
    return status;
}

/* The descriptor is readable while this may find something. So if it finds
 * nothing, it makes the descriptor unreadable, looks once more, and only then
 * lets the thread wait (ready.h). */
static shmrpc_status take_next(shmrpc_watch *watch, int64_t deadline_ns,
                               shmrpc_error *error)
{
    shmrpc_error late;
    shmrpci_futex_on on;
    int64_t max_ns;
    shmrpc_status status = next(watch, deadline_ns, error);
    if (status != SHMRPC_E_DEADLINE || !shmrpci_ready_is_on(&watch->ready)) {
        return status;
    }
    shmrpci_table_watch_announce(&watch->watch, &on, &max_ns);
    shmrpci_ready_clear(&watch->ready);
    shmrpc_status again = next(watch, 0, &late);
    if (again == SHMRPC_E_DEADLINE) {
        shmrpci_ready_rest(&watch->ready, &on, max_ns);
        return status;
    }
    shmrpci_ready_found(&watch->ready);
    if (again != SHMRPC_OK && error != NULL) {
        *error = late;
    }
    return again;
}

/* Passes false: when this watch is woken, no other watch needs to be woken in
 * its place, because each one reports every change. */
int shmrpc_watch_fd(shmrpc_watch *watch)
{
    int fd = -1;
    shmrpc_status status = watch->generation == shmrpci_fork_generation()
                               ? shmrpci_ready_open(&watch->ready, false, &fd)
                               : SHMRPC_E_FORKED;
    return status == SHMRPC_OK ? fd : (int)status;
}

int shmrpc_stub_watch_next(shmrpc_watch *watch, const void **out,
                           const shmrpc_opts *opts, shmrpc_error *error)
{
    int64_t deadline_ns;
    const shmrpci_handle *handle = &watch->dict->handle;
    shmrpc_status status = shmrpci_handle_deadline(opts, &deadline_ns, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (watch->generation != shmrpci_fork_generation()) {
        return shmrpci_handle_fail(handle, SHMRPC_E_FORKED,
                                   "the watch belongs to the parent process",
                                   error);
    }
    status = take_next(watch, deadline_ns, error);
    if (status == SHMRPC_E_DEADLINE) {
        return deadline_ns == 0
                   ? shmrpci_handle_fail(handle, SHMRPC_E_BUSY,
                                         "nothing has changed", error)
                   : shmrpci_handle_fail(handle, status,
                                         "nothing has changed in time", error);
    }
    if (status == SHMRPC_OK) {
        *out = &watch->event;
    }
    return shmrpci_handle_explain(handle, status, error);
}

_Static_assert(sizeof(shmrpc_event) == sizeof(shmrpc_stub_event) &&
                   offsetof(shmrpc_event, key) ==
                       offsetof(shmrpc_stub_event, key) &&
                   offsetof(shmrpc_event, value) ==
                       offsetof(shmrpc_stub_event, value),
               "events of any and of declared types have the same layout");

shmrpc_status shmrpc_watch_next(shmrpc_watch *watch, const shmrpc_event **out,
                                const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event;
    int status = shmrpc_stub_watch_next(watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = event;
    }
    return (shmrpc_status)status;
}
