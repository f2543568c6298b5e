/* Values: shmrpc/value.h. A value is a table with one key, which is empty. So
 * it is a dict without keys: the functions here call those of dicts, and only
 * opening differs. */
#include "shmrpc/value.h"

#include "base/reserved.h"
#include "objects/dict_copy.h"

/* shmrpc_value is never defined. Its handles are those of dicts, but the type
 * is another one, so that the C compiler keeps the two apart. */
static shmrpc_dict *dict_of(shmrpc_value *value)
{
    return (shmrpc_dict *)(void *)value;
}

static shmrpc_status plan(const shmrpci_handle *handle,
                          shmrpci_region_spec *out, shmrpc_error *error)
{
    return shmrpci_dict_plan(handle, SHMRPCI_TABLE_KIND_VALUE, out, error);
}

/* Like the face of dicts, except for names and plan. */
const shmrpci_face shmrpci_face_value = {
    .kind = &shmrpci_kind_value,
    .number = SHMRPC_SHARED_VALUE,
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

int shmrpc_stub_value_open(const shmrpc_shared *row, const char *name,
                           const shmrpc_shared_opts *opts, shmrpc_value **out,
                           shmrpc_error *error)
{
    shmrpc_dict *dict;
    shmrpc_status status = shmrpci_dict_open_as(&shmrpci_face_value, row, name,
                                                opts, &dict, error);
    if (status == SHMRPC_OK) {
        *out = (shmrpc_value *)(void *)dict;
    }
    return status;
}

shmrpc_status shmrpc_value_open(const char *name, const shmrpc_value_opts *opts,
                                shmrpc_value **out, shmrpc_error *error)
{
    static const shmrpc_value_opts defaults = {.log = 0};
    opts = opts != NULL ? opts : &defaults;
    shmrpc_shared row =
        shmrpci_handle_any_row(SHMRPC_SHARED_VALUE, opts->encoding);
    row.log = opts->log;
    if (opts->reserved32 != 0 ||
        !shmrpci_reserved_is_zero(opts->reserved, sizeof opts->reserved /
                                                      sizeof *opts->reserved)) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID, SHMRPCI_RESERVED_TEXT);
        return SHMRPC_E_INVALID;
    }
    return (shmrpc_status)shmrpc_stub_value_open(&row, name, &opts->shared, out,
                                                 error);
}

void shmrpc_value_close(shmrpc_value *value)
{
    shmrpc_dict_close(value != NULL ? dict_of(value) : NULL);
}

/* ---- any ----------------------------------------------------------------- */

/* A path begins inside the value, as there is no key. */
shmrpc_status shmrpc_value_get(shmrpc_value *value, const shmrpc_path *path,
                               const shmrpc_any **out, uint64_t *out_version,
                               shmrpc_error *error)
{
    return shmrpc_dict_get(dict_of(value), path, out, out_version, error);
}

/* An item knows its handle. `value` is not needed, and may be closed already;
 * it is a parameter only for uniformity. */
void shmrpc_value_release(shmrpc_value *value, const shmrpc_any *tree)
{
    (void)value;
    shmrpc_dict_release(NULL, tree);
}

shmrpc_status shmrpc_value_len(shmrpc_value *value, const shmrpc_path *path,
                               uint64_t *out, shmrpc_error *error)
{
    return shmrpc_dict_len(dict_of(value), path, out, error);
}

shmrpc_status shmrpc_value_put(shmrpc_value *value, const shmrpc_path *path,
                               const shmrpc_any *tree, shmrpc_error *error)
{
    return shmrpc_dict_put(dict_of(value), path, tree, error);
}

/* The version is that of the whole value, which is its only key. */
shmrpc_status shmrpc_value_put_if(shmrpc_value *value, const shmrpc_any *tree,
                                  uint64_t version, uint64_t *out_version,
                                  shmrpc_error *error)
{
    return shmrpc_dict_put_if(dict_of(value), NULL, tree, version, out_version,
                              error);
}

shmrpc_status shmrpc_value_del(shmrpc_value *value, const shmrpc_path *path,
                               shmrpc_error *error)
{
    return shmrpc_dict_del(dict_of(value), path, error);
}

shmrpc_status shmrpc_value_pop(shmrpc_value *value, const shmrpc_path *path,
                               const shmrpc_any **out, shmrpc_error *error)
{
    return shmrpc_dict_pop(dict_of(value), path, out, error);
}

shmrpc_status shmrpc_value_insert(shmrpc_value *value, const shmrpc_path *path,
                                  const shmrpc_any *tree, shmrpc_error *error)
{
    return shmrpc_dict_insert(dict_of(value), path, tree, error);
}

shmrpc_status shmrpc_value_append(shmrpc_value *value, const shmrpc_path *path,
                                  const shmrpc_any *tree, shmrpc_error *error)
{
    return shmrpc_dict_append(dict_of(value), path, tree, error);
}

shmrpc_status shmrpc_value_update(shmrpc_value *value,
                                  shmrpc_dict_updater *updater, void *user,
                                  shmrpc_error *error)
{
    return shmrpc_dict_update(dict_of(value), NULL, updater, user, error);
}

/* There is no prefix, as only keys have one. */
shmrpc_status shmrpc_value_watch_open(shmrpc_value *value, uint32_t flags,
                                      shmrpc_watch **out, shmrpc_error *error)
{
    const shmrpc_watch_opts opts = {.flags = flags};
    return shmrpc_dict_watch_open(dict_of(value), &opts, out, error);
}

/* Locks the whole, as there are no keys to lock. */
shmrpc_status shmrpc_value_lock(shmrpc_value *value,
                                const shmrpc_lock_wait *wait,
                                shmrpc_error *error)
{
    return shmrpc_dict_lock(dict_of(value), NULL, wait, error);
}

shmrpc_status shmrpc_value_try_lock(shmrpc_value *value, shmrpc_error *error)
{
    return shmrpc_dict_try_lock(dict_of(value), NULL, error);
}

shmrpc_status shmrpc_value_unlock(shmrpc_value *value, shmrpc_error *error)
{
    return shmrpc_dict_unlock(dict_of(value), NULL, error);
}

shmrpc_status shmrpc_value_lock_consistent(shmrpc_value *value,
                                           shmrpc_error *error)
{
    return shmrpc_dict_lock_consistent(dict_of(value), NULL, error);
}

shmrpc_status shmrpc_value_destroy(shmrpc_value *value)
{
    return shmrpc_dict_destroy(dict_of(value));
}

shmrpc_status shmrpc_value_stat_read(shmrpc_value *value, shmrpc_dict_stat *out)
{
    return shmrpc_dict_stat_read(dict_of(value), out);
}

/* ---- declared types ------------------------------------------------------ */

/* For generated code, with declared types: like the functions of dicts, with
 * NULL for the key. */
int shmrpc_stub_value_get(shmrpc_value *value, void *out, shmrpc_error *error)
{
    return shmrpc_stub_dict_get(dict_of(value), NULL, out, error);
}

int shmrpc_stub_value_get_item(shmrpc_value *value, const void **out,
                               shmrpc_error *error)
{
    return shmrpc_stub_dict_get_item(dict_of(value), NULL, out, error);
}

void shmrpc_stub_value_release(shmrpc_value *value, const void *item)
{
    (void)value;
    shmrpc_stub_dict_release(NULL, item);
}

int shmrpc_stub_value_put(shmrpc_value *value, const void *item,
                          shmrpc_error *error)
{
    return shmrpc_stub_dict_put(dict_of(value), NULL, item, error);
}

int shmrpc_stub_value_update(shmrpc_value *value, shmrpc_stub_change call,
                             shmrpc_function change, void *user,
                             shmrpc_error *error)
{
    return shmrpc_stub_dict_update(dict_of(value), NULL, call, change, user,
                                   error);
}
