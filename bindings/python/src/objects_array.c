/*
 * Arrays of numbers: the content of a value, in place or copied, as a Python
 * buffer with format, shape and strides.
 *
 * An array view keeps its memory alive: Python bytes, or an item of the
 * library, which outlives its handle. The memory never changes, because writing
 * an array replaces the item.
 */
#include "objects.h"

#include <string.h>

typedef struct array_view {
    PyObject_HEAD PyObject *owner; /* the bytes; NULL if `item` is set */
    const shmrpc_any *item;
    const void *data;
    const char *format;
    Py_ssize_t itemsize;
    Py_ssize_t count;
    int dims;
    Py_ssize_t shape[SHMRPC_ARRAY_MAX_DIMS];
    Py_ssize_t strides[SHMRPC_ARRAY_MAX_DIMS];
} array_view;

/* ---- views --------------------------------------------------------------- */

static void view_dealloc(PyObject *self)
{
    array_view *view = (array_view *)self;
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(view->owner);
    shmrpc_dict_release(NULL, view->item);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* Whether the items are contiguous in memory. */
static bool is_packed(const array_view *view)
{
    Py_ssize_t step = view->itemsize;
    for (int i = view->dims - 1; i >= 0; i--) {
        if (view->shape[i] != 1 && view->strides[i] != step) {
            return view->count == 0;
        }
        step *= view->shape[i];
    }
    return true;
}

static int view_get_buffer(PyObject *self, Py_buffer *buffer, int flags)
{
    array_view *view = (array_view *)self;
    buffer->obj = NULL;
    if ((flags & PyBUF_WRITABLE) != 0) {
        PyErr_SetString(
            PyExc_BufferError,
            "a shared array can't be changed in place: put() a new one");
        return -1;
    }
    const int orders =
        (PyBUF_C_CONTIGUOUS | PyBUF_F_CONTIGUOUS | PyBUF_ANY_CONTIGUOUS) &
        ~PyBUF_STRIDES;
    bool wants_order =
        (flags & orders) != 0 || (flags & PyBUF_STRIDES) != PyBUF_STRIDES;
    bool wants_fortran = (flags & PyBUF_F_CONTIGUOUS & orders) != 0;
    if ((wants_order && !is_packed(view)) ||
        (wants_fortran && view->dims > 1)) {
        PyErr_SetString(PyExc_BufferError,
                        "the array is not contiguous in the requested order");
        return -1;
    }
    bool has_shape = (flags & PyBUF_ND) == PyBUF_ND;
    buffer->buf = (void *)(uintptr_t)view->data;
    buffer->len = view->count * view->itemsize;
    buffer->itemsize = view->itemsize;
    buffer->readonly = 1;
    buffer->ndim = has_shape ? view->dims : 1;
    buffer->format =
        (flags & PyBUF_FORMAT) != 0 ? (char *)(uintptr_t)view->format : NULL;
    buffer->shape = has_shape ? view->shape : NULL;
    buffer->strides =
        (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? view->strides : NULL;
    buffer->suboffsets = NULL;
    buffer->internal = NULL;
    buffer->obj = Py_NewRef(self);
    return 0;
}

static PyType_Slot view_slots[] = {{Py_tp_dealloc, view_dealloc},
                                   {Py_bf_getbuffer, view_get_buffer},
                                   {0, NULL}};

PyType_Spec objects_array_view_spec = {
    .name = "shmrpc._core.ArrayView",
    .basicsize = sizeof(array_view),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = view_slots};

/* Makes a view. The library has already checked the array: strides are
 * multiples of the item size, and the data contains the last item. */
static array_view *view_new(core_state *state, const shmrpc_array *array)
{
    array_view *view = (array_view *)PyType_GenericAlloc(
        state->object_types[OBJECTS_ARRAY_VIEW], 0);
    if (view == NULL) {
        return NULL;
    }
    view->data = array->data;
    view->format = core_dtype_format(array->dtype);
    view->itemsize = (Py_ssize_t)shmrpc_dtype_bytes(array->dtype);
    view->dims = (int)array->dims;
    view->count = 1;
    for (int i = 0; i < view->dims; i++) {
        view->shape[i] = (Py_ssize_t)array->shape[i];
        view->strides[i] = (Py_ssize_t)array->strides[i];
        if (view->shape[i] < 0 || view->strides[i] < 0 ||
            (view->shape[i] > 0 &&
             view->count > PY_SSIZE_T_MAX / view->itemsize / view->shape[i])) {
            PyErr_SetString(PyExc_ValueError,
                            "the array is larger than the address space");
            Py_DECREF((PyObject *)view);
            return NULL;
        }
        view->count *= view->shape[i];
    }
    return view;
}

PyObject *core_array_view(core_state *state, PyObject *owner,
                          const shmrpc_array *array)
{
    array_view *view = view_new(state, array);
    if (view == NULL) {
        return NULL;
    }
    view->owner = owner != NULL
                      ? Py_NewRef(owner)
                      : PyBytes_FromStringAndSize((const char *)array->data,
                                                  (Py_ssize_t)array->data_len);
    PyObject *memory = NULL;
    if (view->owner != NULL) {
        if (owner == NULL) {
            char *bytes;
            Py_ssize_t len;
            (void)PyBytes_AsStringAndSize(view->owner, &bytes, &len);
            view->data = bytes;
        }
        memory = PyMemoryView_FromObject((PyObject *)view);
    }
    Py_DECREF((PyObject *)view);
    return memory;
}

/* ---- the handle ---------------------------------------------------------- */

/* Returns a view of the value's current content. The content stays unchanged
 * and alive as long as the view lives. */
static array_view *array_now(objects_tree *tree, uint64_t *out_version)
{
    objects_call call;
    shmrpc_array array;
    const shmrpc_any *item = NULL;
    if (objects_enter(&call, &tree->base, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status =
        tree->ops->get(tree->base.at, NULL, &item, out_version, &call.error);
    array_view *view = NULL;
    if (objects_leave(&call, status)) {
        if (shmrpc_any_read_array(item, &array) == SHMRPC_OK) {
            view = view_new(tree->base.state, &array);
        } else {
            PyErr_Format(PyExc_TypeError, "the value %R does not hold an array",
                         tree->base.name);
        }
    }
    if (view == NULL) {
        shmrpc_dict_release(NULL, item);
        return NULL;
    }
    view->item = item;
    return view;
}

static int array_get_buffer(PyObject *self, Py_buffer *buffer, int flags)
{
    buffer->obj = NULL;
    array_view *view = array_now((objects_tree *)self, NULL);
    if (view == NULL) {
        return -1;
    }
    int failed = view_get_buffer((PyObject *)view, buffer, flags);
    Py_DECREF((PyObject *)view);
    return failed;
}

/* _now() -> (memoryview, version) */
static PyObject *array_get_now(PyObject *self, PyObject *unused)
{
    uint64_t version = 0;
    (void)unused;
    array_view *view = array_now((objects_tree *)self, &version);
    PyObject *memory =
        view != NULL ? PyMemoryView_FromObject((PyObject *)view) : NULL;
    Py_XDECREF((PyObject *)view);
    return memory != NULL
               ? Py_BuildValue("NK", memory, (unsigned long long)version)
               : NULL;
}

enum { PUT, PUT_NEW, PUT_IF };

static int put_call(objects_tree *tree, int how, const shmrpc_any *any,
                    uint64_t version, shmrpc_error *error)
{
    const objects_tree_ops *ops = tree->ops;
    void *at = tree->base.at;
    uint64_t now;
    return how == PUT       ? ops->put(at, NULL, any, error)
           : how == PUT_NEW ? ops->put_new(at, NULL, any, error)
                            : ops->put_if(at, NULL, any, version, &now, error);
}

/* _put_array(buffer, how, version): returns False if another writer has changed
 * the value meanwhile. */
static PyObject *array_put(PyObject *self, PyObject *args)
{
    objects_tree *tree = (objects_tree *)self;
    core_scratch scratch;
    objects_call call;
    shmrpc_any any;
    PyObject *value;
    int how;
    unsigned long long version;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "OiK:_put_array", &value, &how, &version) ||
        objects_check_open(&tree->base) != 0) {
        return NULL;
    }
    core_scratch_init_typed(&scratch, tree->base.state, true);
    if (core_array_to_c(&scratch, value, &any) == 0 &&
        objects_enter(&call, &tree->base, CORE_WAIT_LATE) == 0) {
        int status = put_call(tree, how, &any, version, &call.error);
        bool is_late = (how == PUT_NEW && status == SHMRPC_E_EXISTS) ||
                       (how == PUT_IF && status == SHMRPC_E_ABORTED);
        bool is_ok = is_late ? objects_leave_quietly(&call)
                             : objects_leave(&call, status);
        result = is_ok ? PyBool_FromLong(!is_late) : NULL;
    }
    core_scratch_fini(&scratch);
    return result;
}

static PyMethodDef array_methods[] = {
    {"_now", array_get_now, METH_NOARGS, NULL},
    {"_put_array", array_put, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL}};

static PyType_Slot array_slots[] = {{Py_bf_getbuffer, array_get_buffer},
                                    {Py_tp_methods, array_methods},
                                    {0, NULL}};

PyType_Spec objects_array_spec = {.name = "shmrpc._core.Array",
                                  .basicsize = sizeof(objects_tree),
                                  .flags =
                                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                  .slots = array_slots};
