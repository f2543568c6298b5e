/* Dicts of many machines: changes at the engine, and waiting until the copy has
 * them. dict_copy.c fills the copy. */
#include "objects/dict_remote.h"

#include <string.h>

#include "objects/dict_copy.h"
#include "os/clock.h"

/* How long the engine may take for a change. */
#define CHANGE_NS SHMRPC_DEFAULT_TIMEOUT_NS

/* How long to wait until the copy has a change: the copy's keeper may have been
 * stopped, or have lost its connection. */
#define COPY_NS (2 * SHMRPCI_NS_PER_S)

static const shmrpci_remote_ops *const ops = &shmrpci_remote_nats;

shmrpc_status shmrpci_dict_remote_lacks(const shmrpc_dict *dict,
                                        const char *text, shmrpc_error *error)
{
    return shmrpci_dict_is_remote(dict)
               ? shmrpc_error_set(error, SHMRPC_E_UNIMPLEMENTED, "%s", text)
               : SHMRPC_OK;
}

/* ---- reading ------------------------------------------------------------- */

shmrpc_status shmrpci_dict_remote_get(shmrpc_dict *dict,
                                      shmrpci_table_bytes key, shmrpci_buf *out,
                                      uint64_t *out_version,
                                      shmrpc_error *error)
{
    return ops->read(dict->handle.remote, key.data, key.len,
                     shmrpci_deadline_after(CHANGE_NS), out, out_version,
                     error);
}

/* ---- one key ------------------------------------------------------------- */

/* One attempt. If `value` is NULL it deletes. */
static shmrpc_status write_once(shmrpc_dict *dict, shmrpci_table_bytes key,
                                const shmrpci_table_bytes *value,
                                uint64_t expected, int64_t deadline_ns,
                                uint64_t *out_version, shmrpc_error *error)
{
    uint64_t revision;
    shmrpc_status status = ops->write(dict->handle.remote, key.data, key.len,
                                      value != NULL ? value->data : NULL,
                                      value != NULL ? value->len : 0, expected,
                                      deadline_ns, &revision, error);
    if (status == SHMRPC_OK) {
        shmrpci_dict_copy_await(dict, revision,
                                shmrpci_deadline_after(COPY_NS));
        if (out_version != NULL) {
            *out_version = revision;
        }
    }
    return status;
}

/* A put of a new key first expects that the key never existed. If the key was
 * deleted, this attempt fails, because the key then has the revision of its
 * deletion. That revision is requested, and the next attempt expects it. */
shmrpc_status shmrpci_dict_remote_put(shmrpc_dict *dict,
                                      shmrpci_table_bytes key,
                                      shmrpci_table_bytes value,
                                      uint64_t expected, uint64_t *out_version,
                                      shmrpc_error *error)
{
    int64_t deadline_ns = shmrpci_deadline_after(CHANGE_NS);
    bool is_new = expected == SHMRPCI_TABLE_ABSENT;
    shmrpci_buf there;
    shmrpci_buf_init_heap(&there);
    shmrpc_status status;
    for (;;) {
        status = write_once(dict, key, &value, expected, deadline_ns,
                            out_version, error);
        if (status != SHMRPC_E_ABORTED || !is_new ||
            shmrpci_remaining_ns(deadline_ns) == 0) {
            break;
        }
        status = ops->read(dict->handle.remote, key.data, key.len, deadline_ns,
                           &there, &expected, error);
        if (status != SHMRPC_E_NOT_FOUND) {
            status = status == SHMRPC_OK
                         ? shmrpc_error_set(error, SHMRPC_E_EXISTS,
                                            "the key exists already")
                         : status;
            break;
        }
    }
    shmrpci_buf_fini(&there);
    return status;
}

shmrpc_status shmrpci_dict_remote_del(shmrpc_dict *dict,
                                      shmrpci_table_bytes key, shmrpci_buf *out,
                                      shmrpc_error *error)
{
    int64_t deadline_ns = shmrpci_deadline_after(CHANGE_NS);
    uint64_t revision;
    shmrpci_buf there;
    shmrpc_status status;
    shmrpci_buf_init_heap(&there);
    do {
        status = ops->read(dict->handle.remote, key.data, key.len, deadline_ns,
                           &there, &revision, error);
        if (status == SHMRPC_OK) {
            status =
                write_once(dict, key, NULL, revision, deadline_ns, NULL, error);
        }
    } while (status == SHMRPC_E_ABORTED &&
             shmrpci_remaining_ns(deadline_ns) > 0);
    if (status == SHMRPC_OK && out != NULL) {
        shmrpci_buf_reset(out);
        shmrpci_buf_append(out, there.data, there.len);
        status = out->status;
    }
    shmrpci_buf_fini(&there);
    return status;
}

/* Carries out what the updater has decided. */
static shmrpc_status carry_out(shmrpc_dict *dict, shmrpci_table_bytes key,
                               const shmrpci_buf *now,
                               shmrpci_table_verdict verdict, bool is_there,
                               uint64_t revision, int64_t deadline_ns,
                               shmrpc_error *error)
{
    const shmrpci_table_bytes value = shmrpci_table_bytes_of(now);
    switch (verdict) {
    case SHMRPCI_TABLE_LEAVE:
        return SHMRPC_OK;
    case SHMRPCI_TABLE_PUT:
        return write_once(dict, key, &value, revision, deadline_ns, NULL,
                          error);
    case SHMRPCI_TABLE_DEL:
        return is_there ? write_once(dict, key, NULL, revision, deadline_ns,
                                     NULL, error)
                        : SHMRPC_OK;
    }
    return SHMRPC_E_INTERNAL;
}

/* Reads at the engine, because the copy may be behind: a change based on the
 * copy's revision would be refused. */
shmrpc_status shmrpci_dict_remote_update(shmrpc_dict *dict,
                                         shmrpci_table_bytes key,
                                         shmrpci_table_updater *updater,
                                         void *user, shmrpc_error *error)
{
    int64_t deadline_ns = shmrpci_deadline_after(CHANGE_NS);
    uint64_t revision;
    shmrpci_buf was;
    shmrpci_buf now;
    shmrpc_status status;
    shmrpci_buf_init_heap(&was);
    shmrpci_buf_init_heap(&now);
    do {
        shmrpci_table_verdict verdict = SHMRPCI_TABLE_LEAVE;
        status = ops->read(dict->handle.remote, key.data, key.len, deadline_ns,
                           &was, &revision, error);
        bool is_there = status == SHMRPC_OK;
        if (!is_there && status != SHMRPC_E_NOT_FOUND) {
            break;
        }
        const shmrpci_table_bytes old =
            is_there ? shmrpci_table_bytes_of(&was) : (shmrpci_table_bytes){0};
        shmrpci_buf_reset(&now);
        status = updater(user, old, &now, &verdict);
        if (status == SHMRPC_OK) {
            status = now.status;
        }
        if (status != SHMRPC_OK) {
            break;
        }
        status = carry_out(dict, key, &now, verdict, is_there, revision,
                           deadline_ns, error);
    } while (status == SHMRPC_E_ABORTED &&
             shmrpci_remaining_ns(deadline_ns) > 0);
    shmrpci_buf_fini(&now);
    shmrpci_buf_fini(&was);
    return status;
}

/* ---- many keys ----------------------------------------------------------- */

static shmrpc_status del_if_there(shmrpc_dict *dict, shmrpci_table_bytes key,
                                  shmrpc_error *error)
{
    shmrpc_status status = shmrpci_dict_remote_del(dict, key, NULL, error);
    return status == SHMRPC_E_NOT_FOUND ? SHMRPC_OK : status;
}

shmrpc_status shmrpci_dict_remote_merge(shmrpc_dict *dict,
                                        const shmrpci_table_pair *pairs,
                                        size_t count, shmrpc_error *error)
{
    shmrpc_status status = SHMRPC_OK;
    for (size_t i = 0; i < count && status == SHMRPC_OK; i++) {
        status =
            pairs[i].value.data == NULL
                ? del_if_there(dict, pairs[i].key, error)
                : shmrpci_dict_remote_put(dict, pairs[i].key, pairs[i].value,
                                          SHMRPCI_TABLE_ANY, NULL, error);
    }
    return status;
}

/* Deletes the keys that the copy has. */
shmrpc_status shmrpci_dict_remote_clear(shmrpc_dict *dict, shmrpc_error *error)
{
    shmrpci_table_cursor cursor = {0};
    shmrpci_buf key;
    shmrpci_buf value;
    shmrpci_buf_init_heap(&key);
    shmrpci_buf_init_heap(&value);
    shmrpc_status status = SHMRPC_OK;
    while (status == SHMRPC_OK) {
        status = shmrpci_table_next(&dict->table, &cursor, &key, &value, NULL,
                                    error);
        if (status == SHMRPC_OK) {
            status = del_if_there(dict, shmrpci_table_bytes_of(&key), error);
        }
    }
    shmrpci_buf_fini(&value);
    shmrpci_buf_fini(&key);
    return status == SHMRPC_E_NOT_FOUND ? SHMRPC_OK : status;
}
