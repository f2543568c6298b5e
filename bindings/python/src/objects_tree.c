/* Operations on a path in a dict or value. The Python classes are thin: a path
 * is a tuple of keys and positions, and each function calls one function of the
 * library. */
#include "objects.h"

#include <string.h>

/* ---- opening ------------------------------------------------------------- */

/* `more` is (is_value, function that makes parts or None, class of parts,
 * capacity, log, encoding). */
int objects_open_tree(objects_opening *opening, int *status,
                      shmrpc_error *error)
{
    objects_tree *tree = (objects_tree *)opening->handle;
    unsigned long long capacity;
    unsigned long long log;
    PyObject *nested;
    PyObject *part;
    int is_value;
    int encoding;
    if (!PyArg_ParseTuple(opening->more, "pOOKKi", &is_value, &nested, &part,
                          &capacity, &log, &encoding)) {
        return -1;
    }
    tree->ops = is_value ? &objects_value_ops : &objects_dict_ops;
    opening->handle->kind = &tree->ops->base;
    /* A closed handle may be opened again, so drop what it held before. */
    Py_CLEAR(tree->nested);
    Py_CLEAR(tree->part);
    tree->nested = nested != Py_None ? Py_NewRef(nested) : NULL;
    tree->part = PyType_Check(part) ? Py_NewRef(part) : NULL;
    if (is_value) {
        const shmrpc_value_opts opts = {.shared = opening->shared,
                                        .log = log,
                                        .encoding = (shmrpc_encoding)encoding};
        shmrpc_value *value = NULL;
        *status = shmrpc_value_open(opening->name, &opts, &value, error);
        opening->handle->at = value;
        return 0;
    }
    const shmrpc_dict_opts opts = {.shared = opening->shared,
                                   .capacity = capacity,
                                   .log = log,
                                   .encoding = (shmrpc_encoding)encoding};
    shmrpc_dict *dict = NULL;
    *status = shmrpc_dict_open(opening->name, &opts, &dict, error);
    opening->handle->at = dict;
    return 0;
}

static void tree_dealloc(PyObject *self)
{
    Py_CLEAR(((objects_tree *)self)->nested);
    Py_CLEAR(((objects_tree *)self)->part);
    objects_handle_dealloc(self);
}

/* ---- keys, paths, values ------------------------------------------------- */

int objects_key_to_c(core_scratch *scratch, PyObject *key, shmrpc_any *out)
{
    const core_step step = {.key = key, .depth = 1};
    bool is_typed = scratch->is_typed;
    *out = shmrpc_any_null();
    /* Keys are always encoded as typed, whatever the encoding of values is. */
    scratch->is_typed = true;
    int failed = core_write_any(scratch, key, out, &step);
    scratch->is_typed = is_typed;
    if (failed != 0) {
        return -1;
    }
    if (out->kind == SHMRPC_ANY_LIST || out->kind == SHMRPC_ANY_MAP ||
        (out->kind == SHMRPC_ANY_EXT &&
         !shmrpc_any_is_ext(out, SHMRPC_EXT_TUPLE))) {
        PyObject *name = core_type_name(key);
        if (name != NULL) {
            PyErr_Format(PyExc_TypeError,
                         "a key is None, bool, a number, text, bytes, or a "
                         "tuple of these, got %U",
                         name);
            Py_DECREF(name);
        }
        return -1;
    }
    return 0;
}

/* A call with a path: the path's memory, and the key that errors name. */
typedef struct walk {
    core_scratch scratch;
    objects_call call;
    shmrpc_path path;
    shmrpc_any one;
    PyObject *key; /* the last step; borrowed, or NULL */
} walk;

static void walk_end(walk *w)
{
    core_scratch_fini(&w->scratch);
}

/* Begins a call with one key. On failure returns -1 with an exception, and has
 * ended `w`. */
static int walk_key(walk *w, objects_tree *tree, PyObject *key)
{
    if (objects_check_open(&tree->base) != 0) {
        return -1;
    }
    core_scratch_init_typed(&w->scratch, tree->base.state, true);
    w->key = key;
    if (objects_key_to_c(&w->scratch, key, &w->one) != 0) {
        walk_end(w);
        return -1;
    }
    w->path = shmrpc_path_of(&w->one, 1);
    return 0;
}

static int walk_path(walk *w, objects_tree *tree, PyObject *path)
{
    if (objects_check_open(&tree->base) != 0) {
        return -1;
    }
    core_scratch_init_typed(&w->scratch, tree->base.state, true);
    Py_ssize_t count = PyTuple_Size(path);
    shmrpc_any *steps =
        count >= 0 ? core_scratch_alloc(&w->scratch,
                                        ((size_t)count + 1) * sizeof *steps,
                                        _Alignof(shmrpc_any))
                   : NULL;
    w->key = count > 0 ? PyTuple_GetItem(path, count - 1) : NULL;
    for (Py_ssize_t i = 0; steps != NULL && i < count; i++) {
        if (objects_key_to_c(&w->scratch, PyTuple_GetItem(path, i),
                             &steps[i]) != 0) {
            steps = NULL;
        }
    }
    if (steps == NULL) {
        walk_end(w);
        return -1;
    }
    w->path = shmrpc_path_of(steps, (size_t)count);
    return 0;
}

/* Converts the value to store. Errors name the last step of the path. */
static int walk_value(walk *w, objects_tree *tree, PyObject *value,
                      shmrpc_any *out)
{
    const core_step step = {.key = w->key, .depth = 1};
    w->scratch.is_typed = tree->base.is_typed;
    w->scratch.is_pickled = tree->base.is_pickled;
    *out = shmrpc_any_null();
    if (core_write_any(&w->scratch, value, out,
                       w->key != NULL ? &step : NULL) == 0) {
        return 0;
    }
    walk_end(w);
    return -1;
}

PyObject *objects_take(const objects_handle *handle, const shmrpc_any *item)
{
    PyObject *value = objects_value_from_c(handle, item);
    shmrpc_dict_release(NULL, item);
    return value;
}

/* ---- reading ------------------------------------------------------------- */

enum { NOT_NESTED, NESTED_MAP, NESTED_LIST };

/* Finds out without copying whether the path leads to a map or a list. To tell
 * them apart, it adds a string to the path: the library refuses a string as a
 * position in a list, but not as a key of a map. */
static int nested_kind(const objects_tree *tree, void *at, const walk *w)
{
    shmrpc_any few[8];
    uint64_t count;
    if (tree->nested == NULL || w->path.len >= sizeof few / sizeof *few ||
        tree->ops->len(at, &w->path, &count, NULL) != SHMRPC_OK) {
        return NOT_NESTED;
    }
    if (w->path.len > 0) {
        memcpy(few, w->path.ptr, w->path.len * sizeof *few);
    }
    few[w->path.len] = shmrpc_any_str("");
    const shmrpc_path below = shmrpc_path_of(few, w->path.len + 1);
    return tree->ops->len(at, &below, &count, NULL) == SHMRPC_E_INVALID
               ? NESTED_LIST
               : NESTED_MAP;
}

static PyObject *nested_new(objects_tree *tree, PyObject *path, int kind)
{
    return PyObject_CallFunction(tree->nested, "OOO", (PyObject *)tree, path,
                                 kind == NESTED_LIST ? Py_True : Py_False);
}

/* Returns the item at a path or, if `path` is NULL, the item of the key in `w`.
 * The result is a copy of the item, or a proxy if the item is a map or list.
 * Ends `w`. */
static PyObject *get(objects_tree *tree, walk *w, PyObject *path, bool is_plain)
{
    const shmrpc_any *item = NULL;
    if (objects_enter(&w->call, &tree->base, CORE_WAIT_LATE) != 0) {
        walk_end(w);
        return NULL;
    }
    void *at = tree->base.at;
    int kind = is_plain ? NOT_NESTED : nested_kind(tree, at, w);
    int status = kind == NOT_NESTED
                     ? tree->ops->get(at, &w->path, &item, NULL, &w->call.error)
                     : SHMRPC_OK;
    if (!is_plain && tree->nested != NULL && item != NULL &&
        (item->kind == SHMRPC_ANY_LIST || item->kind == SHMRPC_ANY_MAP)) {
        kind = item->kind == SHMRPC_ANY_LIST ? NESTED_LIST : NESTED_MAP;
    }
    bool is_there = objects_leave_key(&w->call, status, w->key);
    PyObject *found = NULL;
    if (is_there && kind != NOT_NESTED) {
        PyObject *steps =
            path != NULL ? Py_NewRef(path) : PyTuple_Pack(1, w->key);
        found = steps != NULL ? nested_new(tree, steps, kind) : NULL;
        Py_XDECREF(steps);
    } else if (is_there) {
        found = objects_value_from_c(&tree->base, item);
    }
    shmrpc_dict_release(NULL, item);
    walk_end(w);
    return found;
}

static PyObject *tree_subscript(PyObject *self, PyObject *key)
{
    walk w;
    objects_tree *tree = (objects_tree *)self;
    return walk_key(&w, tree, key) == 0 ? get(tree, &w, NULL, false) : NULL;
}

/* _get(path, plain) */
static PyObject *tree_get(PyObject *self, PyObject *args)
{
    walk w;
    PyObject *path;
    int is_plain;
    objects_tree *tree = (objects_tree *)self;
    if (!PyArg_ParseTuple(args, "O!p:_get", &PyTuple_Type, &path, &is_plain) ||
        walk_path(&w, tree, path) != 0) {
        return NULL;
    }
    return get(tree, &w, path, is_plain != 0);
}

/* _get_version(path) -> (value, version) */
static PyObject *tree_get_version(PyObject *self, PyObject *path)
{
    walk w;
    uint64_t version = 0;
    const shmrpc_any *item;
    objects_tree *tree = (objects_tree *)self;
    if (walk_path(&w, tree, path) != 0) {
        return NULL;
    }
    PyObject *pair = NULL;
    if (objects_enter(&w.call, &tree->base, CORE_WAIT_LATE) == 0) {
        int status = tree->ops->get(tree->base.at, &w.path, &item, &version,
                                    &w.call.error);
        if (objects_leave_key(&w.call, status, w.key)) {
            PyObject *value = objects_take(&tree->base, item);
            pair = value != NULL
                       ? Py_BuildValue("NK", value, (unsigned long long)version)
                       : NULL;
        } else if (status == SHMRPC_OK) {
            shmrpc_dict_release(NULL, item);
        }
    }
    walk_end(&w);
    return pair;
}

static PyObject *tree_len(PyObject *self, PyObject *path)
{
    walk w;
    uint64_t count = 0;
    objects_tree *tree = (objects_tree *)self;
    if (walk_path(&w, tree, path) != 0) {
        return NULL;
    }
    bool is_ok = false;
    if (objects_enter(&w.call, &tree->base, CORE_WAIT_LATE) == 0) {
        int status =
            tree->ops->len(tree->base.at, &w.path, &count, &w.call.error);
        is_ok = objects_leave_key(&w.call, status, w.key);
    }
    walk_end(&w);
    return is_ok ? PyLong_FromUnsignedLongLong(count) : NULL;
}

static Py_ssize_t tree_length(PyObject *self)
{
    PyObject *whole = PyTuple_New(0);
    PyObject *count = whole != NULL ? tree_len(self, whole) : NULL;
    Py_ssize_t len = count != NULL ? PyLong_AsSsize_t(count) : -1;
    Py_XDECREF(count);
    Py_XDECREF(whole);
    return len;
}

/* Returns 1, 0, or -1 with an exception. Ends `w`. */
static int contains(objects_tree *tree, walk *w)
{
    int found = -1;
    if (objects_enter(&w->call, &tree->base, CORE_WAIT_LATE) == 0) {
        int status =
            tree->ops->contains(tree->base.at, &w->path, &w->call.error);
        if (status == SHMRPC_E_NOT_FOUND) {
            found = objects_leave_quietly(&w->call) ? 0 : -1;
        } else {
            found = objects_leave(&w->call, status) ? 1 : -1;
        }
    }
    walk_end(w);
    return found;
}

static int tree_contains_key(PyObject *self, PyObject *key)
{
    walk w;
    objects_tree *tree = (objects_tree *)self;
    return walk_key(&w, tree, key) == 0 ? contains(tree, &w) : -1;
}

static PyObject *tree_contains(PyObject *self, PyObject *path)
{
    walk w;
    objects_tree *tree = (objects_tree *)self;
    int found = walk_path(&w, tree, path) == 0 ? contains(tree, &w) : -1;
    return found >= 0 ? PyBool_FromLong(found) : NULL;
}

/* ---- changing ------------------------------------------------------------ */

typedef shmrpc_status writer(void *at, const shmrpc_path *path,
                             const shmrpc_any *value, shmrpc_error *error);

/* Writes `value` at the path of `w`. Ends `w`. */
static int write_at(objects_tree *tree, walk *w, writer *write, PyObject *value)
{
    shmrpc_any any;
    if (walk_value(w, tree, value, &any) != 0) {
        return -1;
    }
    int failed = -1;
    if (objects_enter(&w->call, &tree->base, CORE_WAIT_LATE) == 0) {
        int status = write(tree->base.at, &w->path, &any, &w->call.error);
        failed = objects_leave_key(&w->call, status, w->key) ? 0 : -1;
    }
    walk_end(w);
    return failed;
}

/* Deletes the entry at the path of `w`. Ends `w`. */
static int delete_at(objects_tree *tree, walk *w)
{
    int failed = -1;
    if (objects_enter(&w->call, &tree->base, CORE_WAIT_LATE) == 0) {
        int status = tree->ops->del(tree->base.at, &w->path, &w->call.error);
        failed = objects_leave_key(&w->call, status, w->key) ? 0 : -1;
    }
    walk_end(w);
    return failed;
}

/* Whether the value is the proxy of the part that is already there: for `d[key]
 * += ...`, Python changes that part in place and then stores it. Returns 1, 0,
 * or -1 with an exception. */
static int is_itself(objects_tree *tree, PyObject *key, PyObject *value)
{
    if (tree->part == NULL || value == NULL ||
        !PyObject_TypeCheck(value, (PyTypeObject *)tree->part)) {
        return 0;
    }
    PyObject *is_at =
        PyObject_CallMethod(value, "_is_at", "O(O)", (PyObject *)tree, key);
    int is_true = is_at != NULL ? PyObject_IsTrue(is_at) : -1;
    Py_XDECREF(is_at);
    return is_true;
}

static int tree_ass_subscript(PyObject *self, PyObject *key, PyObject *value)
{
    walk w;
    objects_tree *tree = (objects_tree *)self;
    int is_same = is_itself(tree, key, value);
    if (is_same != 0) {
        return is_same < 0 ? -1 : 0;
    }
    if (walk_key(&w, tree, key) != 0) {
        return -1;
    }
    return value != NULL ? write_at(tree, &w, tree->ops->put, value)
                         : delete_at(tree, &w);
}

/* Implements the methods with the arguments (path, value). */
static PyObject *write_args(PyObject *self, PyObject *args, int which)
{
    walk w;
    PyObject *path;
    PyObject *value;
    objects_tree *tree = (objects_tree *)self;
    if (!PyArg_ParseTuple(args, "O!O", &PyTuple_Type, &path, &value) ||
        walk_path(&w, tree, path) != 0) {
        return NULL;
    }
    writer *write = which == 0   ? tree->ops->put
                    : which == 1 ? tree->ops->insert
                    : which == 2 ? tree->ops->append
                                 : tree->ops->put_new;
    return write_at(tree, &w, write, value) == 0 ? Py_NewRef(Py_None) : NULL;
}

static PyObject *tree_put(PyObject *self, PyObject *args)
{
    return write_args(self, args, 0);
}

static PyObject *tree_insert(PyObject *self, PyObject *args)
{
    return write_args(self, args, 1);
}

static PyObject *tree_append(PyObject *self, PyObject *args)
{
    return write_args(self, args, 2);
}

static PyObject *tree_put_new(PyObject *self, PyObject *args)
{
    return write_args(self, args, 3);
}

/* _put_if(path, value, version): returns None if the version has changed. */
static PyObject *tree_put_if(PyObject *self, PyObject *args)
{
    walk w;
    PyObject *path;
    PyObject *value;
    unsigned long long version;
    uint64_t now = 0;
    shmrpc_any any;
    objects_tree *tree = (objects_tree *)self;
    if (!PyArg_ParseTuple(args, "O!OK:_put_if", &PyTuple_Type, &path, &value,
                          &version) ||
        walk_path(&w, tree, path) != 0 ||
        walk_value(&w, tree, value, &any) != 0) {
        return NULL;
    }
    PyObject *result = NULL;
    if (objects_enter(&w.call, &tree->base, CORE_WAIT_LATE) == 0) {
        int status = tree->ops->put_if(tree->base.at, &w.path, &any, version,
                                       &now, &w.call.error);
        if (status == SHMRPC_E_ABORTED || status == SHMRPC_E_NOT_FOUND) {
            result = objects_leave_quietly(&w.call) ? Py_NewRef(Py_None) : NULL;
        } else if (objects_leave(&w.call, status)) {
            result = PyLong_FromUnsignedLongLong(now);
        }
    }
    walk_end(&w);
    return result;
}

static PyObject *tree_del(PyObject *self, PyObject *path)
{
    walk w;
    objects_tree *tree = (objects_tree *)self;
    return walk_path(&w, tree, path) == 0 && delete_at(tree, &w) == 0
               ? Py_NewRef(Py_None)
               : NULL;
}

static PyObject *tree_pop(PyObject *self, PyObject *path)
{
    walk w;
    const shmrpc_any *item = NULL;
    objects_tree *tree = (objects_tree *)self;
    if (walk_path(&w, tree, path) != 0) {
        return NULL;
    }
    PyObject *value = NULL;
    if (objects_enter(&w.call, &tree->base, CORE_WAIT_LATE) == 0) {
        int status =
            tree->ops->pop(tree->base.at, &w.path, &item, &w.call.error);
        if (objects_leave_key(&w.call, status, w.key)) {
            value = objects_value_from_c(&tree->base, item);
        }
        shmrpc_dict_release(NULL, item);
    }
    walk_end(&w);
    return value;
}

/* ---- locks --------------------------------------------------------------- */

enum { LOCK, TRY_LOCK, UNLOCK, CONSISTENT };

/* Converts a tuple with one key; an empty tuple stands for the whole object. */
static int lock_key(core_scratch *scratch, PyObject *key, shmrpc_any *any,
                    const shmrpc_any **out)
{
    *out = NULL;
    if (PyTuple_Size(key) == 0) {
        return 0;
    }
    *out = any;
    return objects_key_to_c(scratch, PyTuple_GetItem(key, 0), any);
}

/* Returns True if the owner died, so that the caller must repair what the lock
 * protects. */
static PyObject *lock_call(objects_tree *tree, PyObject *key, int what,
                           const shmrpc_lock_wait *wait)
{
    core_scratch scratch;
    objects_call call;
    shmrpc_any any;
    const shmrpc_any *which;
    PyObject *result = NULL;
    if (objects_check_open(&tree->base) != 0) {
        return NULL;
    }
    core_scratch_init_typed(&scratch, tree->base.state, true);
    if (lock_key(&scratch, key, &any, &which) == 0 &&
        objects_enter(&call, &tree->base, CORE_WAIT_LATE) == 0) {
        void *at = tree->base.at;
        const objects_tree_ops *ops = tree->ops;
        int status = what == LOCK ? ops->lock(at, which, wait, &call.error)
                     : what == TRY_LOCK ? ops->try_lock(at, which, &call.error)
                     : what == UNLOCK
                         ? ops->unlock(at, which, &call.error)
                         : ops->lock_consistent(at, which, &call.error);
        bool is_held = status == SHMRPC_OK || status == SHMRPC_E_OWNER_DIED;
        if (is_held && what <= TRY_LOCK && PyErr_Occurred()) {
            /* A signal handler has raised, so the caller must not hold the
             * lock. */
            (void)ops->unlock(at, which, NULL);
        }
        if (!is_held) {
            (void)objects_leave(&call, status);
        } else if (objects_leave_quietly(&call)) {
            result = PyBool_FromLong(status == SHMRPC_E_OWNER_DIED);
        }
    }
    core_scratch_fini(&scratch);
    return result;
}

/* _lock(key, seconds, spin_ns) */
static PyObject *tree_lock(PyObject *self, PyObject *args)
{
    PyObject *key;
    PyObject *seconds;
    long long spin_ns;
    bool is_nonblock;
    shmrpc_lock_wait wait;
    memset(&wait, 0, sizeof wait);
    if (!PyArg_ParseTuple(args, "O!OL:_lock", &PyTuple_Type, &key, &seconds,
                          &spin_ns) ||
        objects_timeout(seconds, &wait.timeout_ns, &is_nonblock) != 0) {
        return NULL;
    }
    wait.spin_ns = spin_ns;
    return lock_call((objects_tree *)self, key, is_nonblock ? TRY_LOCK : LOCK,
                     &wait);
}

static PyObject *tree_unlock(PyObject *self, PyObject *key)
{
    return lock_call((objects_tree *)self, key, UNLOCK, NULL);
}

static PyObject *tree_consistent(PyObject *self, PyObject *key)
{
    return lock_call((objects_tree *)self, key, CONSISTENT, NULL);
}

/* ---- snapshots ----------------------------------------------------------- */

static PyObject *tree_snapshot(PyObject *self, PyObject *args)
{
    const char *path;
    objects_call call;
    shmrpc_snapshot_opts opts;
    objects_tree *tree = (objects_tree *)self;
    memset(&opts, 0, sizeof opts);
    if (!PyArg_ParseTuple(args, "zI:_snapshot", &path, &opts.permissions) ||
        objects_enter(&call, &tree->base, CORE_WAIT_WHOLE) != 0) {
        return NULL;
    }
    int status = tree->ops->snapshot(tree->base.at, path, &opts, &call.error);
    return objects_leave(&call, status) ? Py_NewRef(Py_None) : NULL;
}

static PyObject *tree_load(PyObject *self, PyObject *args)
{
    const char *path;
    objects_call call;
    objects_tree *tree = (objects_tree *)self;
    if (!PyArg_ParseTuple(args, "z:_load", &path) ||
        objects_enter(&call, &tree->base, CORE_WAIT_WHOLE) != 0) {
        return NULL;
    }
    int status = tree->ops->load(tree->base.at, path, &call.error);
    return objects_leave(&call, status) ? Py_NewRef(Py_None) : NULL;
}

/* ---- watches ------------------------------------------------------------- */

static void watch_close(void *at)
{
    shmrpc_watch_close(at);
}

/* _watch(prefix, has_snapshot) */
static PyObject *tree_watch(PyObject *self, PyObject *args)
{
    int has_snapshot;
    Py_ssize_t len;
    objects_call call;
    shmrpc_str prefix;
    shmrpc_watch *watch = NULL;
    objects_tree *tree = (objects_tree *)self;
    if (!PyArg_ParseTuple(args, "s#p:_watch", &prefix.ptr, &len,
                          &has_snapshot) ||
        objects_enter(&call, &tree->base, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    prefix.len = (size_t)len;
    int status = tree->ops->watch(tree->base.at,
                                  has_snapshot ? SHMRPC_WATCH_SNAPSHOT : 0,
                                  prefix, &watch, &call.error);
    if (!objects_leave(&call, status)) {
        shmrpc_watch_close(watch);
        return NULL;
    }
    return objects_part_new(&tree->base, OBJECTS_WATCH, watch, watch_close);
}

static const char *const event_names[] = {[SHMRPC_EVENT_PUT] = "put",
                                          [SHMRPC_EVENT_DEL] = "del",
                                          [SHMRPC_EVENT_CLEAR] = "clear",
                                          [SHMRPC_EVENT_RESYNC] = "resync"};

/* Converts a part of an event; the part may be missing. */
static PyObject *event_part(const objects_handle *handle, const shmrpc_any *any)
{
    return any != NULL ? objects_value_from_c(handle, any) : Py_NewRef(Py_None);
}

/* next(seconds) -> (kind, key, value, change) */
static PyObject *watch_next(PyObject *self, PyObject *seconds)
{
    objects_part *part = (objects_part *)self;
    objects_call call;
    shmrpc_opts opts;
    const shmrpc_event *event;
    if (objects_wait_opts(seconds, &opts) != 0 ||
        objects_part_enter(&call, part, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status = shmrpc_watch_next(part->at, &event, &opts, &call.error);
    PyObject *result = NULL;
    if (objects_leave(&call, status)) {
        PyObject *key = event_part(part->handle, event->key);
        PyObject *value =
            key != NULL ? event_part(part->handle, event->value) : NULL;
        result = value != NULL
                     ? Py_BuildValue("sOOK", event_names[event->kind], key,
                                     value, (unsigned long long)event->change)
                     : NULL;
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    objects_part_leave(part);
    return result;
}

static int watch_fd(void *at)
{
    return shmrpc_watch_fd(at);
}

static PyObject *watch_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    return objects_part_fileno(self, watch_fd);
}

static PyMethodDef watch_methods[] = {
    {"_next", watch_next, METH_O, "The next event."},
    {"fileno", watch_fileno, METH_NOARGS,
     "A descriptor that is readable when there may be an event."},
    {"close", objects_part_close, METH_NOARGS, "Ends the watch."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot watch_slots[] = {{Py_tp_dealloc, objects_part_dealloc},
                                    {Py_tp_methods, watch_methods},
                                    {0, NULL}};

PyType_Spec objects_watch_spec = {.name = "shmrpc._core.Watch",
                                  .basicsize = sizeof(objects_part),
                                  .flags = Py_TPFLAGS_DEFAULT |
                                           Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  .slots = watch_slots};

/* ---- the type ------------------------------------------------------------ */

static PyMethodDef tree_methods[] = {
    {"_get", tree_get, METH_VARARGS, NULL},
    {"_get_version", tree_get_version, METH_O, NULL},
    {"_len", tree_len, METH_O, NULL},
    {"_contains", tree_contains, METH_O, NULL},
    {"_put", tree_put, METH_VARARGS, NULL},
    {"_put_new", tree_put_new, METH_VARARGS, NULL},
    {"_put_if", tree_put_if, METH_VARARGS, NULL},
    {"_del", tree_del, METH_O, NULL},
    {"_pop", tree_pop, METH_O, NULL},
    {"_insert", tree_insert, METH_VARARGS, NULL},
    {"_append", tree_append, METH_VARARGS, NULL},
    {"_lock", tree_lock, METH_VARARGS, NULL},
    {"_unlock", tree_unlock, METH_O, NULL},
    {"_lock_consistent", tree_consistent, METH_O, NULL},
    {"_snapshot", tree_snapshot, METH_VARARGS, NULL},
    {"_load", tree_load, METH_VARARGS, NULL},
    {"_watch", tree_watch, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL}};

static PyType_Slot tree_slots[] = {{Py_tp_dealloc, tree_dealloc},
                                   {Py_tp_methods, tree_methods},
                                   {Py_mp_subscript, tree_subscript},
                                   {Py_mp_ass_subscript, tree_ass_subscript},
                                   {Py_mp_length, tree_length},
                                   {Py_sq_contains, tree_contains_key},
                                   {0, NULL}};

PyType_Spec objects_tree_spec = {.name = "shmrpc._core.Tree",
                                 .basicsize = sizeof(objects_tree),
                                 .flags =
                                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                 .slots = tree_slots};
