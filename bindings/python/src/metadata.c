/* The metadata of a call: converts a mapping of strings to the list in the
 * options. */
#include "method.h"

#include <string.h>

#include "shmrpc/beside.h"

/* Lives as long as the object. */
static const char *text_of(PyObject *object, const char *what)
{
    Py_ssize_t len;
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "_metadata: expected a str as %s, not %R",
                     what, object);
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8AndSize(object, &len);
    if (text != NULL && strlen(text) != (size_t)len) {
        PyErr_Format(PyExc_ValueError, "_metadata: %s %R contains a NUL", what,
                     object);
        return NULL;
    }
    return text;
}

static int entry_to_c(PyObject *item, shmrpc_metadata *entry)
{
    if (!PyTuple_Check(item) || PyTuple_Size(item) != 2) {
        PyErr_SetString(PyExc_TypeError, "_metadata: items() must be pairs");
        return -1;
    }
    entry->key = text_of(PyTuple_GetItem(item, 0), "key");
    entry->value =
        entry->key != NULL ? text_of(PyTuple_GetItem(item, 1), "value") : NULL;
    return entry->value != NULL ? 0 : -1;
}

int core_metadata_to_c(core_invocation *in, PyObject *mapping)
{
    if (mapping == Py_None) {
        return 0;
    }
    if (!PyMapping_Check(mapping) || PyUnicode_Check(mapping) ||
        !PyObject_HasAttrString(mapping, "items")) {
        PyErr_Format(PyExc_TypeError,
                     "_metadata: expected a mapping of str to str, not %R",
                     mapping);
        return -1;
    }
    PyObject *items = PyMapping_Items(mapping); /* a new list */
    if (items == NULL || core_keep(&in->scratch, items) != 0) {
        return -1;
    }
    Py_ssize_t count = PyList_Size(items);
    shmrpc_metadata *entries =
        core_scratch_alloc(&in->scratch, ((size_t)count + 1) * sizeof *entries,
                           _Alignof(shmrpc_metadata));
    if (entries == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (entry_to_c(PyList_GetItem(items, i), &entries[i]) != 0) {
            return -1;
        }
    }
    in->opts.metadata = entries;
    return 0;
}
