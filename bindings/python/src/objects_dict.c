/* Operations that only dicts have: changing many keys at once, reading all keys
 * at one instant, and views. */
#include "objects.h"

#include <string.h>

static shmrpc_dict *dict_of(const objects_tree *tree)
{
    return tree->base.at;
}

/* ---- one key ------------------------------------------------------------- */

static PyObject *dict_popitem(PyObject *self, PyObject *unused)
{
    objects_tree *tree = (objects_tree *)self;
    objects_call call;
    const shmrpc_any *key = NULL;
    const shmrpc_any *value = NULL;
    (void)unused;
    if (objects_enter(&call, &tree->base, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status = shmrpc_dict_popitem(dict_of(tree), &key, &value, &call.error);
    PyObject *pair = NULL;
    if (status == SHMRPC_E_NOT_FOUND) {
        if (objects_leave_quietly(&call)) {
            PyErr_SetString(PyExc_KeyError, "the dict is empty");
        }
    } else if (objects_leave(&call, status)) {
        PyObject *first = objects_value_from_c(&tree->base, key);
        PyObject *second =
            first != NULL ? objects_value_from_c(&tree->base, value) : NULL;
        pair = second != NULL ? PyTuple_Pack(2, first, second) : NULL;
        Py_XDECREF(first);
        Py_XDECREF(second);
    }
    shmrpc_dict_release(NULL, key);
    shmrpc_dict_release(NULL, value);
    return pair;
}

/* ---- many keys ----------------------------------------------------------- */

/* Converts a list of pairs to entries. Returns -1 with an exception. */
static int entries_to_c(objects_tree *tree, core_scratch *scratch,
                        PyObject *pairs, shmrpc_any_entry **out)
{
    Py_ssize_t count = PyList_Size(pairs);
    shmrpc_any_entry *entries =
        core_scratch_alloc(scratch, ((size_t)count + 1) * sizeof *entries,
                           _Alignof(shmrpc_any_entry));
    for (Py_ssize_t i = 0; entries != NULL && i < count; i++) {
        PyObject *pair = PyList_GetItem(pairs, i);
        PyObject *key;
        PyObject *value;
        if (!PyArg_ParseTuple(pair, "OO", &key, &value) ||
            objects_key_to_c(scratch, key, &entries[i].key) != 0) {
            return -1;
        }
        const core_step step = {.key = key, .depth = 1};
        scratch->is_typed = tree->base.is_typed;
        scratch->is_pickled = tree->base.is_pickled;
        if (core_write_any(scratch, value, &entries[i].value, &step) != 0) {
            return -1;
        }
    }
    *out = entries;
    return entries != NULL ? 0 : -1;
}

/* _merge([(key, value), ...]). The list can't change meanwhile, since no other
 * thread knows it. */
static PyObject *dict_merge(PyObject *self, PyObject *pairs)
{
    objects_tree *tree = (objects_tree *)self;
    core_scratch scratch;
    objects_call call;
    shmrpc_any_entry *entries;
    bool is_ok = false;
    if (!PyList_Check(pairs)) {
        PyErr_SetString(PyExc_TypeError, "expected a list of pairs");
        return NULL;
    }
    if (objects_check_open(&tree->base) != 0) {
        return NULL;
    }
    core_scratch_init_typed(&scratch, tree->base.state, true);
    if (entries_to_c(tree, &scratch, pairs, &entries) == 0 &&
        objects_enter(&call, &tree->base, CORE_WAIT_WHOLE) == 0) {
        int status = shmrpc_dict_merge(dict_of(tree), entries,
                                       (size_t)PyList_Size(pairs), &call.error);
        is_ok = objects_leave(&call, status);
    }
    core_scratch_fini(&scratch);
    return is_ok ? Py_NewRef(Py_None) : NULL;
}

static PyObject *dict_clear(PyObject *self, PyObject *unused)
{
    objects_tree *tree = (objects_tree *)self;
    objects_call call;
    (void)unused;
    if (objects_enter(&call, &tree->base, CORE_WAIT_WHOLE) != 0) {
        return NULL;
    }
    int status = shmrpc_dict_clear(dict_of(tree), &call.error);
    return objects_leave(&call, status) ? Py_NewRef(Py_None) : NULL;
}

/* Opens a view of all entries at one instant. */
static PyObject *dict_all(PyObject *self, PyObject *unused)
{
    objects_tree *tree = (objects_tree *)self;
    objects_call call;
    const shmrpc_any *all = NULL;
    (void)unused;
    if (objects_enter(&call, &tree->base, CORE_WAIT_WHOLE) != 0) {
        return NULL;
    }
    int status = shmrpc_dict_all(dict_of(tree), &all, &call.error);
    PyObject *dict = objects_leave(&call, status)
                         ? objects_value_from_c(&tree->base, all)
                         : NULL;
    shmrpc_dict_release(NULL, all);
    return dict;
}

/* ---- views --------------------------------------------------------------- */

static void view_close(void *at)
{
    shmrpc_view_close(at);
}

static PyObject *dict_view(PyObject *self, PyObject *unused)
{
    objects_tree *tree = (objects_tree *)self;
    objects_call call;
    shmrpc_view *view = NULL;
    (void)unused;
    if (objects_enter(&call, &tree->base, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status = shmrpc_dict_view_open(dict_of(tree), &view, &call.error);
    if (!objects_leave(&call, status)) {
        shmrpc_view_close(view);
        return NULL;
    }
    return objects_part_new(&tree->base, OBJECTS_VIEW, view, view_close);
}

static PyObject *view_get(PyObject *self, PyObject *key)
{
    objects_part *part = (objects_part *)self;
    core_scratch scratch;
    objects_call call;
    shmrpc_any any;
    const shmrpc_any *item;
    PyObject *value = NULL;
    core_scratch_init_typed(&scratch, part->handle->state, true);
    if (objects_key_to_c(&scratch, key, &any) == 0 &&
        objects_part_enter(&call, part, CORE_WAIT_LATE) == 0) {
        const shmrpc_path path = shmrpc_path_of(&any, 1);
        int status = shmrpc_view_get(part->at, &path, &item, &call.error);
        value = objects_leave_key(&call, status, key)
                    ? objects_value_from_c(part->handle, item)
                    : NULL;
        objects_part_leave(part);
    }
    core_scratch_fini(&scratch);
    return value;
}

enum { KEYS, ITEMS };

/* Returns the next entry, as a key or as a pair; NULL without an exception at
 * the end. */
static PyObject *view_step(objects_part *part, int what)
{
    objects_call call;
    const shmrpc_any *key;
    const shmrpc_any *value;
    if (objects_enter(&call, part->handle, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status = shmrpc_view_next(part->at, &key, &value, &call.error);
    if (status == SHMRPC_E_NOT_FOUND) {
        (void)objects_leave_quietly(&call);
        return NULL;
    }
    if (!objects_leave(&call, status)) {
        return NULL;
    }
    PyObject *first = objects_value_from_c(part->handle, key);
    if (first == NULL || what == KEYS) {
        return first;
    }
    PyObject *second = objects_value_from_c(part->handle, value);
    PyObject *pair = second != NULL ? PyTuple_Pack(2, first, second) : NULL;
    Py_DECREF(first);
    Py_XDECREF(second);
    return pair;
}

/* Lists all entries from the first one, even if some were already read, since
 * reaching the end restarts the view. */
static PyObject *view_list(PyObject *self, int what)
{
    objects_part *part = (objects_part *)self;
    if (part->at == NULL || part->is_closing || part->is_in_use) {
        PyErr_SetString(PyExc_ValueError, "the view is closed, or in use");
        return NULL;
    }
    part->is_in_use = true;
    PyObject *list = PyList_New(0);
    PyObject *item;
    while (list != NULL && (item = view_step(part, what)) != NULL) {
        if (PyList_Append(list, item) != 0) {
            Py_CLEAR(list);
        }
        Py_DECREF(item);
    }
    if (PyErr_Occurred()) {
        Py_CLEAR(list);
    }
    objects_part_leave(part);
    return list;
}

static PyObject *view_keys(PyObject *self, PyObject *unused)
{
    (void)unused;
    return view_list(self, KEYS);
}

static PyObject *view_items(PyObject *self, PyObject *unused)
{
    (void)unused;
    return view_list(self, ITEMS);
}

static PyMethodDef view_methods[] = {
    {"get", view_get, METH_O, "The value of a key."},
    {"keys", view_keys, METH_NOARGS, "A list of the keys."},
    {"items", view_items, METH_NOARGS, "A list of pairs."},
    {"close", objects_part_close, METH_NOARGS, "Ends the view."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot view_slots[] = {{Py_tp_dealloc, objects_part_dealloc},
                                   {Py_tp_methods, view_methods},
                                   {0, NULL}};

PyType_Spec objects_view_spec = {.name = "shmrpc._core.DictView",
                                 .basicsize = sizeof(objects_part),
                                 .flags = Py_TPFLAGS_DEFAULT |
                                          Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                 .slots = view_slots};

/* ---- the type ------------------------------------------------------------ */

static PyMethodDef dict_methods[] = {
    {"popitem", dict_popitem, METH_NOARGS,
     "Removes the entry that was inserted last; returns its key and value."},
    {"clear", dict_clear, METH_NOARGS, "Deletes all entries, in one change."},
    {"to_dict", dict_all, METH_NOARGS, "A dict of all entries at one instant."},
    {"_merge", dict_merge, METH_O, NULL},
    {"_view", dict_view, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL}};

static PyType_Slot dict_slots[] = {{Py_tp_methods, dict_methods}, {0, NULL}};

PyType_Spec objects_dict_spec = {.name = "shmrpc._core.Dict",
                                 .basicsize = sizeof(objects_tree),
                                 .flags =
                                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                 .slots = dict_slots};
