/* The metadata of calls and replies: converts dicts of strings to the library's
 * lists, and back. */
#include "method.h"

#include <string.h>

/* ---- metadata of calls --------------------------------------------------- */

static int check_text(PyObject *object, const char *what)
{
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "metadata: expected a str as %s, not %R",
                     what, object);
        return -1;
    }
    return 0;
}

static int put_item(PyObject *dict, PyObject *item)
{
    if (!PyTuple_Check(item) || PyTuple_Size(item) != 2) {
        PyErr_SetString(PyExc_TypeError, "metadata: items() must be pairs");
        return -1;
    }
    PyObject *key = PyTuple_GetItem(item, 0);
    PyObject *value = PyTuple_GetItem(item, 1);
    return check_text(key, "key") == 0 && check_text(value, "value") == 0
               ? PyDict_SetItem(dict, key, value)
               : -1;
}

PyObject *core_metadata_merge(PyObject *base, PyObject *mapping)
{
    if (!PyMapping_Check(mapping) || PyUnicode_Check(mapping) ||
        !PyObject_HasAttrString(mapping, "items")) {
        PyErr_Format(PyExc_TypeError,
                     "metadata: expected a mapping of str to str, not %R",
                     mapping);
        return NULL;
    }
    PyObject *items = PyMapping_Items(mapping); /* a new list, which other
                                                 * threads can't change */
    PyObject *dict = base != NULL ? PyDict_Copy(base) : PyDict_New();
    Py_ssize_t count = items != NULL ? PyList_Size(items) : 0;
    for (Py_ssize_t i = 0; dict != NULL && i < count; i++) {
        if (put_item(dict, PyList_GetItem(items, i)) != 0) {
            Py_CLEAR(dict);
        }
    }
    if (items == NULL) {
        Py_CLEAR(dict);
    }
    Py_XDECREF(items);
    return dict;
}

/* Returns the object's text as UTF-8, which lives as long as the object. */
static const char *text_of(PyObject *object)
{
    Py_ssize_t len;
    const char *text = PyUnicode_AsUTF8AndSize(object, &len);
    if (text != NULL && strlen(text) != (size_t)len) {
        PyErr_Format(PyExc_ValueError, "metadata: %R contains a NUL", object);
        return NULL;
    }
    return text;
}

int core_metadata_send(core_invocation *in, PyObject *dict)
{
    if (dict == NULL || core_keep(&in->scratch, dict) != 0) {
        return -1;
    }
    shmrpc_metadata *entries = core_scratch_alloc(
        &in->scratch, ((size_t)PyDict_Size(dict) + 1) * sizeof *entries,
        _Alignof(shmrpc_metadata));
    if (entries == NULL) {
        return -1;
    }
    in->opts.metadata = entries;
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    for (; PyDict_Next(dict, &position, &key, &value); entries++) {
        entries->key = text_of(key);
        entries->value = entries->key != NULL ? text_of(value) : NULL;
        if (entries->value == NULL) {
            return -1;
        }
    }
    return 0;
}

/* ---- metadata of replies ------------------------------------------------- */

int core_back_want(core_invocation *in, PyObject *dict)
{
    if (dict == Py_None) {
        return 0;
    }
    if (!PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError,
                     "_reply_metadata: expected a dict, to be filled, not %R",
                     dict);
        return -1;
    }
    in->back = PyMem_Calloc(1, sizeof *in->back);
    if (in->back == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    PyDict_Clear(dict);
    in->back->dict = Py_NewRef(dict);
    in->opts.reply_metadata = &in->back->got;
    return 0;
}

int core_metadata_add(PyObject *dict, const shmrpc_metadata *entry)
{
    PyObject *key = PyUnicode_FromString(entry->key);
    PyObject *value = key != NULL ? PyUnicode_FromString(entry->value) : NULL;
    int failed =
        value == NULL ||
        (PyDict_GetItemWithError(dict, key) == NULL &&
         (PyErr_Occurred() != NULL || PyDict_SetItem(dict, key, value) != 0));
    Py_XDECREF(key);
    Py_XDECREF(value);
    return failed ? -1 : 0;
}

void core_back_fill(const core_back *back)
{
    PyObject *type;
    PyObject *value;
    PyObject *trace;
    shmrpc_metadata entry;
    PyErr_Fetch(&type, &value, &trace);
    PyDict_Clear(back->dict);
    for (uint32_t i = 0; shmrpc_reply_metadata_at(&back->got, i, &entry); i++) {
        if (core_metadata_add(back->dict, &entry) != 0) {
            PyErr_WriteUnraisable(back->dict);
        }
    }
    PyErr_Restore(type, value, trace);
}

void core_back_end(core_back *back)
{
    if (back != NULL) {
        core_back_fill(back);
        Py_DECREF(back->dict);
        PyMem_Free(back);
    }
}
