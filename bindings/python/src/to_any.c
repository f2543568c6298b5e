/* Converts Python objects to values of the type `any`. */
#include "to_c.h"

static int write_any_list(core_scratch *scratch, PyObject *value,
                          shmrpc_any *at, const core_step *step)
{
    PyObject *items = core_freeze(scratch, value);
    if (items == NULL) {
        return -1;
    }
    Py_ssize_t count = PyTuple_Size(items);
    shmrpc_any *to = core_scratch_alloc(scratch, (size_t)count * sizeof *to,
                                        _Alignof(shmrpc_any));
    if (to == NULL) {
        return -1;
    }
    core_step here = core_below(step);
    for (Py_ssize_t i = 0; i < count; i++) {
        here.index = i;
        if (core_write_any(scratch, PyTuple_GetItem(items, i), &to[i], &here) !=
            0) {
            return -1;
        }
    }
    *at = shmrpc_any_list_of(to, (size_t)count);
    return 0;
}

static int write_any_map(core_scratch *scratch, PyObject *value, shmrpc_any *at,
                         const core_step *step)
{
    PyObject *copy = PyDict_Copy(value);
    if (copy == NULL || core_keep(scratch, copy) != 0) {
        return -1;
    }
    size_t count = (size_t)PyDict_Size(copy);
    shmrpc_any_entry *to = core_scratch_alloc(scratch, count * sizeof *to,
                                              _Alignof(shmrpc_any_entry));
    if (to == NULL) {
        return -1;
    }
    core_step here = core_below(step);
    PyObject *item;
    Py_ssize_t position = 0;
    size_t i = 0;
    while (PyDict_Next(copy, &position, &here.key, &item)) {
        if (core_write_any(scratch, here.key, &to[i].key, &here) != 0 ||
            core_write_any(scratch, item, &to[i].value, &here) != 0) {
            return -1;
        }
        i++;
    }
    *at = shmrpc_any_map_of(to, count);
    return 0;
}

static int write_any_integer(core_scratch *scratch, PyObject *value,
                             shmrpc_any *at, const core_step *step)
{
    int overflow = 0;
    long long narrow = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0) {
        *at = shmrpc_any_i64(narrow);
        return 0;
    }
    uint64_t wide = overflow > 0 ? PyLong_AsUnsignedLongLong(value) : 0;
    if (overflow < 0 || (wide == UINT64_MAX && PyErr_Occurred())) {
        PyErr_Clear();
        if (scratch->is_typed) {
            return core_write_typed(scratch, value, at, step);
        }
        return core_refuse(PyExc_ValueError, step,
                           "%R does not fit into 64 bits", value);
    }
    *at = shmrpc_any_u64(wide);
    return 0;
}

int core_write_ext(core_scratch *scratch, PyObject *value, shmrpc_any *at,
                   const core_step *step)
{
    PyObject *code = PyObject_GetAttrString(value, "code");
    PyObject *data =
        code != NULL ? PyObject_GetAttrString(value, "data") : NULL;
    long number = data != NULL ? PyLong_AsLong(code) : 0;
    int failed = -1;
    if (data != NULL && core_keep(scratch, Py_NewRef(data)) == 0 &&
        PyBytes_Check(data) && number >= INT8_MIN && number <= INT8_MAX) {
        char *bytes;
        Py_ssize_t len;
        failed = PyBytes_AsStringAndSize(data, &bytes, &len);
        at->kind = SHMRPC_ANY_EXT;
        at->ext_type = (int8_t)number;
        at->u.bytes = (shmrpc_bytes){(const uint8_t *)bytes, (size_t)len};
    }
    Py_XDECREF(code);
    Py_XDECREF(data);
    if (failed != 0) {
        PyErr_Clear();
        return core_refuse(PyExc_TypeError, step,
                           "expected Ext(code: -128..127, data: bytes)");
    }
    return 0;
}

int core_is_ext(const core_scratch *scratch, PyObject *value)
{
    PyObject *ext = core_helper(scratch->state, "Ext");
    int is_ext = ext != NULL ? PyObject_IsInstance(value, ext) : -1;
    Py_XDECREF(ext);
    return is_ext;
}

int core_write_any(core_scratch *scratch, PyObject *value, shmrpc_any *at,
                   const core_step *step)
{
    if (core_too_deep(step) != 0) {
        return -1;
    }
    if (value == Py_None) {
        return 0;
    }
    if (PyBool_Check(value)) {
        *at = shmrpc_any_bool(value == Py_True);
        return 0;
    }
    if (PyLong_Check(value)) {
        return write_any_integer(scratch, value, at, step);
    }
    if (PyFloat_Check(value)) {
        *at = shmrpc_any_f64(PyFloat_AsDouble(value));
        return 0;
    }
    if (PyUnicode_Check(value)) {
        at->kind = SHMRPC_ANY_STR;
        return core_write_text(NULL, value, &at->u.str, step);
    }
    if (scratch->is_typed && !PyList_Check(value) && !PyDict_Check(value)) {
        return core_write_typed(scratch, value, at, step);
    }
    if (PyList_Check(value) || PyTuple_Check(value)) {
        return write_any_list(scratch, value, at, step);
    }
    if (PyDict_Check(value)) {
        return write_any_map(scratch, value, at, step);
    }
    if (PyObject_CheckBuffer(value)) {
        at->kind = SHMRPC_ANY_BYTES;
        return core_write_bytes(scratch, NULL, value, &at->u.bytes, step);
    }
    int is_ext = core_is_ext(scratch, value);
    if (is_ext != 0) {
        return is_ext < 0 ? -1 : core_write_ext(scratch, value, at, step);
    }
    PyObject *name = core_type_name(value);
    if (name != NULL) {
        core_refuse(PyExc_TypeError, step,
                    "expected None, bool, int, float, str, bytes, list, tuple, "
                    "dict or Ext, got %U",
                    name);
        Py_DECREF(name);
    }
    return -1;
}

int core_any_to_c(core_scratch *scratch, PyObject *value, shmrpc_any *at)
{
    return core_write_any(scratch, value, at, NULL);
}
