/* Arrays of numbers in values: as memoryviews, where Python has such. */
#include "core.h"

/* Elements one behind the other, of a kind that memoryview reads. */
static bool is_plain(const shmrpc_array *array, size_t *out_bytes)
{
    shmrpc_array packed = *array;
    if (array->dtype == SHMRPC_DTYPE_C64 || array->dtype == SHMRPC_DTYPE_C128 ||
        array->dims == 0 || shmrpc_array_pack(&packed) != SHMRPC_OK ||
        packed.data_len == 0 || packed.data_len > array->data_len) {
        return false;
    }
    for (uint32_t i = 0; i < array->dims; i++) {
        if (array->strides[i] != packed.strides[i]) {
            return false;
        }
    }
    *out_bytes = packed.data_len;
    return true;
}

static PyObject *shape_of(const shmrpc_array *array)
{
    PyObject *shape = PyTuple_New((Py_ssize_t)array->dims);
    for (uint32_t i = 0; shape != NULL && i < array->dims; i++) {
        PyObject *size = PyLong_FromUnsignedLongLong(array->shape[i]);
        if (size == NULL || PyTuple_SetItem(shape, (Py_ssize_t)i, size) != 0) {
            Py_CLEAR(shape);
        }
    }
    return shape;
}

PyObject *core_array_view(core_state *state, PyObject *owner,
                          const shmrpc_array *array)
{
    size_t bytes;
    (void)state, (void)owner;
    if (!is_plain(array, &bytes)) {
        PyErr_SetString(PyExc_ValueError,
                        "an array with gaps, of complex numbers, or empty");
        return NULL;
    }
    PyObject *copy =
        PyBytes_FromStringAndSize((const char *)array->data, (Py_ssize_t)bytes);
    PyObject *flat = copy != NULL ? PyMemoryView_FromObject(copy) : NULL;
    PyObject *shape = flat != NULL ? shape_of(array) : NULL;
    PyObject *view =
        shape != NULL
            ? PyObject_CallMethod(flat, "cast", "sO",
                                  core_dtype_format(array->dtype), shape)
            : NULL;
    Py_XDECREF(copy);
    Py_XDECREF(flat);
    Py_XDECREF(shape);
    return view;
}
