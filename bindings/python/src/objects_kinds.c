/* The tables of functions through which objects_tree.c, which has one
 * implementation of trees, works on dicts and on values. */
#include "objects.h"

static PyObject *figures_of(const shmrpc_dict_stat *stat)
{
    const objects_figure figures[] = {
        {"entry_count", stat->entry_count},
        {"change_count", stat->change_count},
        {"helped_count", stat->helped_count},
        {"memory_bytes", stat->memory_bytes},
        {"max_bytes", stat->max_bytes},
        {"view_age", stat->view_age},
        {"open_count", stat->open_count},
        {"lock_count", stat->lock_count},
        {"snapshot_ns", (unsigned long long)stat->snapshot_ns},
        {"snapshot_failure_count", stat->snapshot_failure_count}};
    return objects_figures(figures, sizeof figures / sizeof *figures);
}

/* ---- dicts --------------------------------------------------------------- */

static void dict_close(void *at)
{
    shmrpc_dict_close(at);
}

static shmrpc_status dict_destroy(void *at)
{
    return shmrpc_dict_destroy(at);
}

static PyObject *dict_stat(void *at, shmrpc_status *out)
{
    shmrpc_dict_stat stat;
    *out = shmrpc_dict_stat_read(at, &stat);
    return *out == SHMRPC_OK ? figures_of(&stat) : NULL;
}

static shmrpc_status dict_get(void *at, const shmrpc_path *path,
                              const shmrpc_any **out, uint64_t *out_version,
                              shmrpc_error *error)
{
    return shmrpc_dict_get(at, path, out, out_version, error);
}

static shmrpc_status dict_contains(void *at, const shmrpc_path *path,
                                   shmrpc_error *error)
{
    return shmrpc_dict_contains(at, path, error);
}

static shmrpc_status dict_len(void *at, const shmrpc_path *path, uint64_t *out,
                              shmrpc_error *error)
{
    return shmrpc_dict_len(at, path, out, error);
}

static shmrpc_status dict_put(void *at, const shmrpc_path *path,
                              const shmrpc_any *value, shmrpc_error *error)
{
    return shmrpc_dict_put(at, path, value, error);
}

static shmrpc_status dict_put_new(void *at, const shmrpc_path *path,
                                  const shmrpc_any *value, shmrpc_error *error)
{
    return shmrpc_dict_put_new(at, path, value, error);
}

static shmrpc_status dict_put_if(void *at, const shmrpc_path *path,
                                 const shmrpc_any *value, uint64_t version,
                                 uint64_t *out_version, shmrpc_error *error)
{
    return shmrpc_dict_put_if(at, path, value, version, out_version, error);
}

static shmrpc_status dict_del(void *at, const shmrpc_path *path,
                              shmrpc_error *error)
{
    return shmrpc_dict_del(at, path, error);
}

static shmrpc_status dict_pop(void *at, const shmrpc_path *path,
                              const shmrpc_any **out, shmrpc_error *error)
{
    return shmrpc_dict_pop(at, path, out, error);
}

static shmrpc_status dict_insert(void *at, const shmrpc_path *path,
                                 const shmrpc_any *value, shmrpc_error *error)
{
    return shmrpc_dict_insert(at, path, value, error);
}

static shmrpc_status dict_append(void *at, const shmrpc_path *path,
                                 const shmrpc_any *value, shmrpc_error *error)
{
    return shmrpc_dict_append(at, path, value, error);
}

static shmrpc_status dict_watch(void *at, uint32_t flags, shmrpc_str prefix,
                                shmrpc_watch **out, shmrpc_error *error)
{
    const shmrpc_watch_opts opts = {.flags = flags, .prefix = prefix};
    return shmrpc_dict_watch_open(at, &opts, out, error);
}

static shmrpc_status dict_lock(void *at, const shmrpc_any *key,
                               const shmrpc_lock_wait *wait,
                               shmrpc_error *error)
{
    return shmrpc_dict_lock(at, key, wait, error);
}

static shmrpc_status dict_try_lock(void *at, const shmrpc_any *key,
                                   shmrpc_error *error)
{
    return shmrpc_dict_try_lock(at, key, error);
}

static shmrpc_status dict_unlock(void *at, const shmrpc_any *key,
                                 shmrpc_error *error)
{
    return shmrpc_dict_unlock(at, key, error);
}

static shmrpc_status dict_lock_consistent(void *at, const shmrpc_any *key,
                                          shmrpc_error *error)
{
    return shmrpc_dict_lock_consistent(at, key, error);
}

static shmrpc_status dict_snapshot(void *at, const char *path,
                                   const shmrpc_snapshot_opts *opts,
                                   shmrpc_error *error)
{
    return shmrpc_dict_snapshot(at, path, opts, error);
}

static shmrpc_status dict_load(void *at, const char *path, shmrpc_error *error)
{
    return shmrpc_dict_load(at, path, error);
}

const objects_tree_ops objects_dict_ops = {
    .base = {"dict", dict_close, dict_destroy, dict_stat},
    .get = dict_get,
    .contains = dict_contains,
    .len = dict_len,
    .put = dict_put,
    .put_new = dict_put_new,
    .put_if = dict_put_if,
    .del = dict_del,
    .pop = dict_pop,
    .insert = dict_insert,
    .append = dict_append,
    .watch = dict_watch,
    .lock = dict_lock,
    .try_lock = dict_try_lock,
    .unlock = dict_unlock,
    .lock_consistent = dict_lock_consistent,
    .snapshot = dict_snapshot,
    .load = dict_load,
};

/* ---- values -------------------------------------------------------------- */

static void value_close(void *at)
{
    shmrpc_value_close(at);
}

static shmrpc_status value_destroy(void *at)
{
    return shmrpc_value_destroy(at);
}

static PyObject *value_stat(void *at, shmrpc_status *out)
{
    shmrpc_dict_stat stat;
    *out = shmrpc_value_stat_read(at, &stat);
    return *out == SHMRPC_OK ? figures_of(&stat) : NULL;
}

static shmrpc_status value_get(void *at, const shmrpc_path *path,
                               const shmrpc_any **out, uint64_t *out_version,
                               shmrpc_error *error)
{
    return shmrpc_value_get(at, path, out, out_version, error);
}

static shmrpc_status value_contains(void *at, const shmrpc_path *path,
                                    shmrpc_error *error)
{
    const shmrpc_any *tree;
    shmrpc_status status = shmrpc_value_get(at, path, &tree, NULL, error);
    if (status == SHMRPC_OK) {
        shmrpc_value_release(at, tree);
    }
    return status;
}

static shmrpc_status value_len(void *at, const shmrpc_path *path, uint64_t *out,
                               shmrpc_error *error)
{
    return shmrpc_value_len(at, path, out, error);
}

static shmrpc_status value_put(void *at, const shmrpc_path *path,
                               const shmrpc_any *value, shmrpc_error *error)
{
    return shmrpc_value_put(at, path, value, error);
}

static int put_if_missing(void *user, const shmrpc_any *was, shmrpc_any *now)
{
    if (was != NULL) {
        return SHMRPC_E_EXISTS;
    }
    *now = *(const shmrpc_any *)user;
    return SHMRPC_CHANGE_PUT;
}

/* Puts the whole value if it is missing; the path is always empty. */
static shmrpc_status value_put_new(void *at, const shmrpc_path *path,
                                   const shmrpc_any *value, shmrpc_error *error)
{
    (void)path;
    shmrpc_any copy = *value;
    shmrpc_status status =
        shmrpc_value_update(at, put_if_missing, &copy, error);
    if (status == SHMRPC_E_EXISTS) {
        objects_status_error(error, status);
    }
    return status;
}

static shmrpc_status value_put_if(void *at, const shmrpc_path *path,
                                  const shmrpc_any *value, uint64_t version,
                                  uint64_t *out_version, shmrpc_error *error)
{
    (void)path;
    return shmrpc_value_put_if(at, value, version, out_version, error);
}

static shmrpc_status value_del(void *at, const shmrpc_path *path,
                               shmrpc_error *error)
{
    return shmrpc_value_del(at, path, error);
}

static shmrpc_status value_pop(void *at, const shmrpc_path *path,
                               const shmrpc_any **out, shmrpc_error *error)
{
    return shmrpc_value_pop(at, path, out, error);
}

static shmrpc_status value_insert(void *at, const shmrpc_path *path,
                                  const shmrpc_any *value, shmrpc_error *error)
{
    return shmrpc_value_insert(at, path, value, error);
}

static shmrpc_status value_append(void *at, const shmrpc_path *path,
                                  const shmrpc_any *value, shmrpc_error *error)
{
    return shmrpc_value_append(at, path, value, error);
}

static shmrpc_status value_watch(void *at, uint32_t flags, shmrpc_str prefix,
                                 shmrpc_watch **out, shmrpc_error *error)
{
    (void)prefix;
    return shmrpc_value_watch_open(at, flags, out, error);
}

/* A value has one lock, for the whole. */
static shmrpc_status value_lock(void *at, const shmrpc_any *key,
                                const shmrpc_lock_wait *wait,
                                shmrpc_error *error)
{
    (void)key;
    return shmrpc_value_lock(at, wait, error);
}

static shmrpc_status value_try_lock(void *at, const shmrpc_any *key,
                                    shmrpc_error *error)
{
    (void)key;
    return shmrpc_value_try_lock(at, error);
}

static shmrpc_status value_unlock(void *at, const shmrpc_any *key,
                                  shmrpc_error *error)
{
    (void)key;
    return shmrpc_value_unlock(at, error);
}

static shmrpc_status value_lock_consistent(void *at, const shmrpc_any *key,
                                           shmrpc_error *error)
{
    (void)key;
    return shmrpc_value_lock_consistent(at, error);
}

static shmrpc_status value_snapshot(void *at, const char *path,
                                    const shmrpc_snapshot_opts *opts,
                                    shmrpc_error *error)
{
    return shmrpc_value_snapshot(at, path, opts, error);
}

static shmrpc_status value_load(void *at, const char *path, shmrpc_error *error)
{
    return shmrpc_value_load(at, path, error);
}

const objects_tree_ops objects_value_ops = {
    .base = {"value", value_close, value_destroy, value_stat},
    .get = value_get,
    .contains = value_contains,
    .len = value_len,
    .put = value_put,
    .put_new = value_put_new,
    .put_if = value_put_if,
    .del = value_del,
    .pop = value_pop,
    .insert = value_insert,
    .append = value_append,
    .watch = value_watch,
    .lock = value_lock,
    .try_lock = value_try_lock,
    .unlock = value_unlock,
    .lock_consistent = value_lock_consistent,
    .snapshot = value_snapshot,
    .load = value_load,
};
