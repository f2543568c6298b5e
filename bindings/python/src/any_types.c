/* Converts values that JSON lacks to msgpack extensions with fixed numbers
 * (shmrpc/any.h), and back. This file handles tuples, sets, complex numbers and
 * arrays; shmrpc/_types.py handles the rarer types. */
#include "to_c.h"

#include <string.h>

#define CORE_MAX_EXT_DEPTH 64

/* ---- writing ------------------------------------------------------------- */

static shmrpc_any_memory *memory_of(core_scratch *scratch)
{
    if (scratch->memory == NULL) {
        scratch->memory = shmrpc_any_memory_create();
        if (scratch->memory == NULL) {
            PyErr_NoMemory();
        }
    }
    return scratch->memory;
}

/* Raises the library's error about a value that can't be converted. */
static int refused(const core_step *step, int status, const char *message)
{
    if (status == SHMRPC_E_NO_MEMORY) {
        PyErr_NoMemory();
        return -1;
    }
    return core_refuse(PyExc_ValueError, step, "%s", message);
}

/* Writes a tuple or a set as an extension. */
static int write_items(core_scratch *scratch, shmrpc_ext ext, PyObject *value,
                       shmrpc_any *at, const core_step *step)
{
    PyObject *items = core_freeze(scratch, value);
    shmrpc_any_memory *memory = items != NULL ? memory_of(scratch) : NULL;
    if (memory == NULL) {
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
    shmrpc_error error;
    int status =
        shmrpc_any_make_items(memory, ext, to, (size_t)count, at, &error);
    return status == SHMRPC_OK ? 0 : refused(step, status, error.message);
}

static int write_complex(core_scratch *scratch, PyObject *value, shmrpc_any *at)
{
    shmrpc_any_memory *memory = memory_of(scratch);
    if (memory == NULL) {
        return -1;
    }
    if (shmrpc_any_make_complex(memory, PyComplex_RealAsDouble(value),
                                PyComplex_ImagAsDouble(value),
                                at) != SHMRPC_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* Maps the type letters of Python's buffers (without byte-order characters) to
 * types of array items. */
static const struct dtype_row {
    const char *letters;
    const char *wide; /* complex numbers have two letters */
    size_t bytes;
    shmrpc_dtype dtype;
    const char *format;
} dtypes[] = {
    {"?", NULL, 1, SHMRPC_DTYPE_BOOL, "?"},
    {"b", NULL, 1, SHMRPC_DTYPE_I8, "b"},
    {"B", NULL, 1, SHMRPC_DTYPE_U8, "B"},
    {"h", NULL, 2, SHMRPC_DTYPE_I16, "h"},
    {"H", NULL, 2, SHMRPC_DTYPE_U16, "H"},
    {"il", NULL, 4, SHMRPC_DTYPE_I32, "i"},
    {"IL", NULL, 4, SHMRPC_DTYPE_U32, "I"},
    {"qln", NULL, 8, SHMRPC_DTYPE_I64, "q"},
    {"QLN", NULL, 8, SHMRPC_DTYPE_U64, "Q"},
    {"e", NULL, 2, SHMRPC_DTYPE_F16, "e"},
    {"f", NULL, 4, SHMRPC_DTYPE_F32, "f"},
    {"d", NULL, 8, SHMRPC_DTYPE_F64, "d"},
    {"", "Zf", 8, SHMRPC_DTYPE_C64, "Zf"},
    {"", "Zd", 16, SHMRPC_DTYPE_C128, "Zd"},
};

#define DTYPE_COUNT (sizeof dtypes / sizeof *dtypes)

/* Returns the row for the item type of a buffer, or NULL if arrays can't have
 * that type. */
static const struct dtype_row *row_of(const Py_buffer *buffer)
{
    const char *format = buffer->format != NULL ? buffer->format : "B";
    if (format[0] == '@' || format[0] == '=' || format[0] == '<' ||
        (buffer->itemsize == 1 && format[0] == '>')) {
        format++;
    }
    for (size_t i = 0; i < DTYPE_COUNT; i++) {
        const struct dtype_row *row = &dtypes[i];
        bool is_letter = format[0] != '\0' && format[1] == '\0' &&
                         strchr(row->letters, format[0]) != NULL;
        bool is_wide = row->wide != NULL && strcmp(row->wide, format) == 0;
        if ((is_letter || is_wide) &&
            buffer->itemsize == (Py_ssize_t)row->bytes) {
            return row;
        }
    }
    return NULL;
}

/* Returns the items as one contiguous block: the buffer's own memory, or a
 * copy. */
static const void *packed(core_scratch *scratch, const Py_buffer *buffer)
{
    if (PyBuffer_IsContiguous(buffer, 'C')) {
        return buffer->len > 0 ? buffer->buf : "";
    }
    void *copy = core_scratch_alloc(scratch, (size_t)buffer->len, 64);
    return copy != NULL &&
                   PyBuffer_ToContiguous(copy, buffer, buffer->len, 'C') == 0
               ? copy
               : NULL;
}

static int write_array(core_scratch *scratch, const Py_buffer *buffer,
                       shmrpc_any *at, const core_step *step)
{
    const struct dtype_row *row = row_of(buffer);
    if (row == NULL || buffer->ndim > SHMRPC_ARRAY_MAX_DIMS) {
        return core_refuse(
            PyExc_TypeError, step,
            "an array of %d dimensions and format '%s': expected "
            "numbers of up to 16 bytes, in the byte order of "
            "this machine",
            buffer->ndim, buffer->format != NULL ? buffer->format : "B");
    }
    shmrpc_any_memory *memory = memory_of(scratch);
    shmrpc_array array = {.dtype = row->dtype, .dims = (uint32_t)buffer->ndim};
    for (int i = 0; i < buffer->ndim; i++) {
        array.shape[i] = (uint64_t)buffer->shape[i];
    }
    array.data = memory != NULL ? packed(scratch, buffer) : NULL;
    if (array.data == NULL) {
        return -1;
    }
    shmrpc_error error;
    (void)shmrpc_error_set(&error, SHMRPC_E_TOO_LARGE,
                           "the array is larger than the address space");
    int status = shmrpc_array_pack(&array);
    if (status == SHMRPC_OK) {
        status = shmrpc_any_make_array(memory, &array, at);
        (void)shmrpc_error_set(&error, status, "%s",
                               shmrpc_status_text(status));
    }
    return status == SHMRPC_OK ? 0 : refused(step, status, error.message);
}

int core_array_to_c(core_scratch *scratch, PyObject *value, shmrpc_any *at)
{
    Py_buffer *buffer;
    int failed = core_keep_buffer(scratch, value, PyBUF_FULL_RO, &buffer);
    *at = shmrpc_any_null();
    if (failed != 0) {
        return failed < 0 ? -1
                          : core_refuse(PyExc_TypeError, NULL,
                                        "expected an object that supports the "
                                        "buffer protocol");
    }
    return write_array(scratch, buffer, at, NULL);
}

/* Writes any object with a buffer. A single number, such as a numpy scalar,
 * becomes a Python number; bytes without a shape stay bytes. */
static int write_buffer(core_scratch *scratch, PyObject *value, shmrpc_any *at,
                        const core_step *step)
{
    Py_buffer *buffer;
    int failed = core_keep_buffer(scratch, value, PyBUF_FULL_RO, &buffer);
    if (failed != 0) {
        return failed < 0 ? -1
                          : core_refuse(PyExc_TypeError, step,
                                        "its buffer can't be read");
    }
    if (buffer->ndim == 0 && PyObject_HasAttrString(value, "item")) {
        PyObject *item = PyObject_CallMethod(value, "item", NULL);
        core_step here = core_below(step);
        return item != NULL && core_keep(scratch, item) == 0
                   ? core_write_any(scratch, item, at, &here)
                   : -1;
    }
    bool is_bytes = PyByteArray_Check(value) || PyMemoryView_Check(value);
    bool is_plain =
        buffer->ndim == 1 && buffer->itemsize == 1 &&
        (buffer->format == NULL || strcmp(buffer->format, "B") == 0);
    if (is_bytes && is_plain) {
        at->kind = SHMRPC_ANY_BYTES;
        return core_write_bytes(scratch, NULL, value, &at->u.bytes, step);
    }
    return write_array(scratch, buffer, at, step);
}

/* Prefixes the set exception, which a helper raised about a value, with the
 * value's path. */
static int with_path(const core_step *step)
{
    PyObject *type;
    PyObject *value;
    PyObject *trace;
    if (!PyErr_ExceptionMatches(PyExc_ValueError)) {
        return -1;
    }
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    PyObject *text = value != NULL ? PyObject_Str(value) : NULL;
    if (text != NULL) {
        (void)core_refuse(PyExc_ValueError, step, "%U", text);
    }
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return -1;
}

/* Writes what shmrpc._types.plain() returns for `value`: a value of a simpler
 * type. It returns NotImplemented for types that it does not know. */
static int write_other(core_scratch *scratch, PyObject *value, shmrpc_any *at,
                       const core_step *step)
{
    PyObject *plain = core_help(scratch->state, "plain", "(O)", value);
    if (plain == NULL) {
        return with_path(step);
    }
    if (plain == Py_NotImplemented && scratch->is_pickled) {
        Py_DECREF(plain);
        plain = core_help(scratch->state, "pickled", "(O)", value);
    }
    if (plain == NULL || core_keep(scratch, plain) != 0) {
        return -1;
    }
    if (plain == Py_NotImplemented) {
        PyObject *name = core_type_name(value);
        if (name != NULL) {
            core_refuse(PyExc_TypeError, step,
                        "%U can't be sent or shared (expected None, bool, "
                        "int, float, str, bytes, list, dict, tuple, set, "
                        "dates, Decimal, UUID, arrays, dataclasses)",
                        name);
            Py_DECREF(name);
        }
        return -1;
    }
    int is_ext = core_is_ext(scratch, plain);
    if (is_ext != 0) {
        return is_ext < 0 ? -1 : core_write_ext(scratch, plain, at, step);
    }
    /* The simpler value may again need to be converted. Each round counts as
     * one level deeper, so the limit of the depth ends the recursion. */
    core_step here = step != NULL ? *step : core_below(NULL);
    here.depth++;
    return core_write_any(scratch, plain, at, &here);
}

int core_write_typed(core_scratch *scratch, PyObject *value, shmrpc_any *at,
                     const core_step *step)
{
    if (PyBytes_Check(value)) {
        at->kind = SHMRPC_ANY_BYTES;
        return core_write_bytes(scratch, NULL, value, &at->u.bytes, step);
    }
    if (PyTuple_Check(value)) {
        return write_items(scratch, SHMRPC_EXT_TUPLE, value, at, step);
    }
    if (PyAnySet_Check(value)) {
        return write_items(scratch,
                           PyFrozenSet_Check(value) ? SHMRPC_EXT_FROZENSET
                                                    : SHMRPC_EXT_SET,
                           value, at, step);
    }
    if (PyComplex_Check(value)) {
        return write_complex(scratch, value, at);
    }
    if (PyObject_CheckBuffer(value)) {
        return write_buffer(scratch, value, at, step);
    }
    return write_other(scratch, value, at, step);
}

/* ---- reading ------------------------------------------------------------- */

/* Raises: an extension with one of our numbers is malformed. */
static PyObject *not_well_formed(const shmrpc_any *any)
{
    PyErr_Format(PyExc_ValueError,
                 "a damaged value: extension %d is not well formed",
                 any->ext_type);
    return NULL;
}

/* Returns the items of a tuple or a set as a list. */
static PyObject *read_items(const core_reader *r, const shmrpc_any *any)
{
    shmrpc_any_list items;
    if (*r->memory == NULL &&
        (*r->memory = shmrpc_any_memory_create()) == NULL) {
        return PyErr_NoMemory();
    }
    if (r->depth >= CORE_MAX_EXT_DEPTH ||
        shmrpc_any_read_items(*r->memory, any, &items, NULL) != SHMRPC_OK) {
        return not_well_formed(any);
    }
    core_reader below = *r;
    below.depth++;
    PyObject *list = PyList_New((Py_ssize_t)items.len);
    for (size_t i = 0; list != NULL && i < items.len; i++) {
        PyObject *item = core_read_any(&below, &items.ptr[i]);
        if (item == NULL || PyList_SetItem(list, (Py_ssize_t)i, item) != 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static PyObject *read_as(const core_reader *r, const shmrpc_any *any,
                         PyObject *(*make)(PyObject *))
{
    PyObject *list = read_items(r, any);
    PyObject *made = list != NULL ? make(list) : NULL;
    Py_XDECREF(list);
    return made;
}

PyObject *core_read_ext(const core_reader *r, const shmrpc_any *any)
{
    double real;
    double imag;
    shmrpc_array array;
    switch (any->ext_type) {
    case SHMRPC_EXT_TUPLE:
        return read_as(r, any, PyList_AsTuple);
    case SHMRPC_EXT_SET:
        return read_as(r, any, PySet_New);
    case SHMRPC_EXT_FROZENSET:
        return read_as(r, any, PyFrozenSet_New);
    case SHMRPC_EXT_COMPLEX:
        return shmrpc_any_read_complex(any, &real, &imag) == SHMRPC_OK
                   ? PyComplex_FromDoubles(real, imag)
                   : not_well_formed(any);
    case SHMRPC_EXT_ARRAY:
        return shmrpc_any_read_array(any, &array) == SHMRPC_OK
                   ? core_array_view(r->state, NULL, &array)
                   : not_well_formed(any);
    default:
        return core_help(r->state, r->is_pickled ? "from_own_ext" : "from_ext",
                         "iy#", (int)any->ext_type,
                         (const char *)any->u.bytes.ptr,
                         (Py_ssize_t)any->u.bytes.len);
    }
}

const char *core_dtype_format(shmrpc_dtype dtype)
{
    for (size_t i = 0; i < DTYPE_COUNT; i++) {
        if (dtypes[i].dtype == dtype) {
            return dtypes[i].format;
        }
    }
    return "B";
}
