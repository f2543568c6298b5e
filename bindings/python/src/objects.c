/* The common part of all kinds of shared objects: opening, closing, calls of
 * the library, errors. */
#include "objects.h"

#include <string.h>

/* ---- types --------------------------------------------------------------- */

/* In the order of the OBJECTS_ constants, so that base classes come first. */
static const struct type_row {
    PyType_Spec *spec;
    int base; /* -1 if it has none */
} rows[CORE_OBJECT_TYPES] = {
    [OBJECTS_ARRAY_VIEW] = {&objects_array_view_spec, -1},
    [OBJECTS_HANDLE] = {&objects_handle_spec, -1},
    [OBJECTS_TREE] = {&objects_tree_spec, OBJECTS_HANDLE},
    [OBJECTS_DICT] = {&objects_dict_spec, OBJECTS_TREE},
    [OBJECTS_ARRAY] = {&objects_array_spec, OBJECTS_TREE},
    [OBJECTS_WATCH] = {&objects_watch_spec, -1},
    [OBJECTS_VIEW] = {&objects_view_spec, -1},
    [OBJECTS_QUEUE] = {&objects_queue_spec, OBJECTS_HANDLE},
    [OBJECTS_TOPIC] = {&objects_topic_spec, OBJECTS_HANDLE},
    [OBJECTS_SUB] = {&objects_sub_spec, -1},
    [OBJECTS_PIPE] = {&objects_pipe_spec, OBJECTS_HANDLE},
};

int objects_add_types(PyObject *module, core_state *state)
{
    for (size_t i = 0; i < CORE_OBJECT_TYPES; i++) {
        PyObject *base = rows[i].base >= 0
                             ? (PyObject *)state->object_types[rows[i].base]
                             : NULL;
        PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(
            module, rows[i].spec, base);
        state->object_types[i] = type;
        if (type == NULL || PyModule_AddType(module, type) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- handles ------------------------------------------------------------- */

/* May be called with an exception set, and keeps it. */
static void close_now(objects_handle *handle)
{
    PyObject *type;
    PyObject *value;
    PyObject *trace;
    void *gone = handle->at;
    handle->at = NULL;
    if (gone != NULL) {
        core_wait wait;
        PyErr_Fetch(&type, &value, &trace);
        core_wait_enter(&wait, CORE_WAIT_WHOLE);
        handle->kind->close(gone);
        (void)core_wait_leave(&wait);
        PyErr_Restore(type, value, trace);
    }
}

static void use_ends(objects_handle *handle)
{
    handle->in_use--;
    if (handle->in_use == 0 && handle->is_closing) {
        close_now(handle);
    }
}

void objects_handle_dealloc(PyObject *self)
{
    objects_handle *handle = (objects_handle *)self;
    PyTypeObject *type = Py_TYPE(self);
    close_now(handle);
    Py_XDECREF(handle->name);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *handle_close(PyObject *self, PyObject *unused)
{
    objects_handle *handle = (objects_handle *)self;
    (void)unused;
    handle->is_closing = true;
    if (handle->in_use == 0) {
        close_now(handle);
    }
    return Py_NewRef(Py_None);
}

static PyObject *handle_destroy(PyObject *self, PyObject *unused)
{
    objects_handle *handle = (objects_handle *)self;
    objects_call call;
    (void)unused;
    if (objects_enter(&call, handle, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status = handle->kind->destroy(handle->at);
    objects_status_error(&call.error, status);
    return objects_leave(&call, status) ? Py_NewRef(Py_None) : NULL;
}

static PyObject *handle_stat(PyObject *self, PyObject *unused)
{
    objects_handle *handle = (objects_handle *)self;
    objects_call call;
    (void)unused;
    if (objects_enter(&call, handle, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    shmrpc_status status;
    PyObject *figures = handle->kind->stat(handle->at, &status);
    objects_status_error(&call.error, status);
    if (!objects_leave(&call, status)) {
        Py_CLEAR(figures);
    }
    return figures;
}

static PyObject *handle_get_name(PyObject *self, void *unused)
{
    const objects_handle *handle = (const objects_handle *)self;
    (void)unused;
    return Py_NewRef(handle->name != NULL ? handle->name : Py_None);
}

static PyObject *handle_get_closed(PyObject *self, void *unused)
{
    const objects_handle *handle = (const objects_handle *)self;
    (void)unused;
    return PyBool_FromLong(handle->at == NULL || handle->is_closing);
}

static PyMethodDef handle_methods[] = {
    {"close", handle_close, METH_NOARGS, "Closes this handle."},
    {"destroy", handle_destroy, METH_NOARGS,
     "Destroys the object for all processes, and removes its name."},
    {"status", handle_stat, METH_NOARGS,
     "Statistics of the object, as a dict."},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef handle_members[] = {
    {"name", handle_get_name, NULL, "The object's name.", NULL},
    {"closed", handle_get_closed, NULL, "Whether this handle is closed.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot handle_slots[] = {{Py_tp_dealloc, objects_handle_dealloc},
                                     {Py_tp_methods, handle_methods},
                                     {Py_tp_getset, handle_members},
                                     {0, NULL}};

PyType_Spec objects_handle_spec = {.name = "shmrpc._core.Handle",
                                   .basicsize = sizeof(objects_handle),
                                   .flags =
                                       Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                   .slots = handle_slots};

/* ---- opening ------------------------------------------------------------- */

/* Reads the options from the tuple that shmrpc/_shared.py makes. */
static int shared_opts(PyObject *args, shmrpc_shared_opts *out)
{
    int mode;
    int lifetime;
    PyObject *timeout;
    unsigned long long max_bytes;
    memset(out, 0, sizeof *out);
    if (!PyArg_ParseTuple(args, "iIOIiKIz", &mode, &out->flags, &timeout,
                          &out->permissions, &lifetime, &max_bytes,
                          &out->max_writers, &out->snapshot)) {
        return -1;
    }
    out->mode = (shmrpc_shared_mode)mode;
    out->lifetime = (shmrpc_lifetime)lifetime;
    out->max_bytes = max_bytes;
    bool is_nonblock = false;
    if (timeout != Py_None &&
        objects_timeout(timeout, &out->timeout_ns, &is_nonblock) != 0) {
        return -1;
    }
    out->timeout_ns = is_nonblock ? 1 : out->timeout_ns;
    return 0;
}

typedef int opener(objects_opening *opening, int *status, shmrpc_error *error);

/* Returns the function that opens objects of this handle's kind; the class of
 * the handle determines the kind. Returns NULL with an exception if it is not a
 * handle. */
static opener *opener_of(const core_state *state, PyObject *self)
{
    static const struct {
        int type;
        opener *open;
    } openers[] = {{OBJECTS_TREE, objects_open_tree},
                   {OBJECTS_QUEUE, objects_open_queue},
                   {OBJECTS_TOPIC, objects_open_topic},
                   {OBJECTS_PIPE, objects_open_pipe}};
    for (size_t i = 0; i < sizeof openers / sizeof *openers; i++) {
        if (PyObject_TypeCheck(self, state->object_types[openers[i].type])) {
            return openers[i].open;
        }
    }
    PyErr_SetString(PyExc_TypeError, "expected a handle of a shared object");
    return NULL;
}

/* open_object(self, name, is_typed, is_pickled, shared, more) */
PyObject *objects_open(PyObject *module, PyObject *args)
{
    core_state *state = PyModule_GetState(module);
    PyObject *self;
    PyObject *name;
    PyObject *shared;
    objects_opening opening;
    shmrpc_error error;
    core_wait wait;
    int is_typed;
    int is_pickled;
    if (!PyArg_ParseTuple(args, "OUppO!O!:open_object", &self, &name, &is_typed,
                          &is_pickled, &PyTuple_Type, &shared, &PyTuple_Type,
                          &opening.more) ||
        shared_opts(shared, &opening.shared) != 0) {
        return NULL;
    }
    Py_ssize_t len;
    opener *open = opener_of(state, self);
    opening.name = open != NULL ? PyUnicode_AsUTF8AndSize(name, &len) : NULL;
    if (opening.name == NULL) {
        return NULL;
    }
    if (strlen(opening.name) != (size_t)len) {
        PyErr_SetString(PyExc_ValueError, "name: contains a NUL character");
        return NULL;
    }
    opening.handle = (objects_handle *)self;
    if (opening.handle->at != NULL || opening.handle->in_use > 0) {
        PyErr_SetString(PyExc_RuntimeError, "the object is already open");
        return NULL;
    }
    int status = SHMRPC_OK;
    opening.handle->in_use++;
    core_wait_enter(&wait, CORE_WAIT_LATE);
    int failed = open(&opening, &status, &error);
    bool is_raised = core_wait_leave(&wait);
    opening.handle->in_use--;
    if (failed == 0 && !is_raised && status != SHMRPC_OK) {
        (void)core_raise_plain(state, &error);
    }
    if (failed != 0 || is_raised || status != SHMRPC_OK) {
        close_now(opening.handle);
        return NULL;
    }
    opening.handle->state = state;
    opening.handle->is_closing = false;
    opening.handle->is_typed = is_typed != 0;
    opening.handle->is_pickled = is_pickled != 0;
    PyObject *before = opening.handle->name;
    opening.handle->name = Py_NewRef(name);
    Py_XDECREF(before);
    return Py_NewRef(Py_None);
}

/* ---- calls --------------------------------------------------------------- */

int objects_check_open(const objects_handle *handle)
{
    if (handle->at != NULL && !handle->is_closing) {
        return 0;
    }
    if (handle->name == NULL) {
        PyErr_SetString(PyExc_ValueError, "the object was never opened");
    } else {
        PyErr_Format(PyExc_ValueError, "the %s %R is closed",
                     handle->kind->name, handle->name);
    }
    return -1;
}

int objects_enter(objects_call *call, objects_handle *handle, int mode)
{
    if (objects_check_open(handle) != 0) {
        return -1;
    }
    handle->in_use++;
    call->handle = handle;
    core_wait_enter(&call->wait, mode);
    return 0;
}

bool objects_leave_quietly(objects_call *call)
{
    bool is_raised = core_wait_leave(&call->wait);
    use_ends(call->handle);
    return !is_raised;
}

bool objects_leave_key(objects_call *call, int status, PyObject *key)
{
    if (!objects_leave_quietly(call)) {
        return false;
    }
    if (status != SHMRPC_OK) {
        (void)objects_raise(call->handle, &call->error, key);
    }
    return status == SHMRPC_OK;
}

bool objects_leave(objects_call *call, int status)
{
    return objects_leave_key(call, status, NULL);
}

PyObject *objects_raise(const objects_handle *handle, const shmrpc_error *error,
                        PyObject *key)
{
    if (error->code == SHMRPC_E_NOT_FOUND && key != NULL) {
        PyErr_SetObject(PyExc_KeyError, key);
        return NULL;
    }
    if (error->code == SHMRPC_E_OUT_OF_RANGE) {
        PyErr_SetString(PyExc_IndexError, error->message);
        return NULL;
    }
    (void)core_raise_plain(handle->state, error);
    if (error->held_ns > 0) {
        PyObject *type;
        PyObject *value;
        PyObject *trace;
        PyErr_Fetch(&type, &value, &trace);
        PyErr_NormalizeException(&type, &value, &trace);
        PyObject *held = PyFloat_FromDouble((double)error->held_ns * 1e-9);
        if (held == NULL || value == NULL ||
            PyObject_SetAttrString(value, "held", held) != 0) {
            PyErr_Clear();
        }
        Py_XDECREF(held);
        PyErr_Restore(type, value, trace);
    }
    return NULL;
}

void objects_status_error(shmrpc_error *error, int status)
{
    if (status != SHMRPC_OK) {
        (void)shmrpc_error_set(error, status, "%s",
                               shmrpc_status_text((shmrpc_status)status));
    }
}

PyObject *objects_figures(const objects_figure *figures, size_t count)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < count; i++) {
        PyObject *value = PyLong_FromUnsignedLongLong(figures[i].value);
        if (value == NULL ||
            PyDict_SetItemString(dict, figures[i].name, value) != 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(value);
    }
    return dict;
}

int objects_timeout(PyObject *seconds, int64_t *out_ns, bool *out_is_nonblock)
{
    *out_is_nonblock = false;
    *out_ns = INT64_MAX;
    if (seconds == Py_None) {
        return 0;
    }
    double value = PyFloat_AsDouble(seconds);
    if (value == -1.0 && PyErr_Occurred()) {
        return -1;
    }
    if (value != value) {
        PyErr_SetString(PyExc_ValueError, "timeout: not a number");
        return -1;
    }
    *out_is_nonblock = value <= 0;
    if (value > 0 && value < 9e9) {
        int64_t ns = (int64_t)(value * 1e9);
        *out_ns = ns > 0 ? ns : 1;
    }
    return 0;
}

int objects_wait_opts(PyObject *seconds, shmrpc_opts *out)
{
    bool is_nonblock;
    memset(out, 0, sizeof *out);
    if (objects_timeout(seconds, &out->timeout_ns, &is_nonblock) != 0) {
        return -1;
    }
    if (is_nonblock) {
        out->timeout_ns = 0;
        out->flags = SHMRPC_OPT_NONBLOCK;
    }
    return 0;
}

/* ---- values -------------------------------------------------------------- */

int objects_value_to_c(objects_handle *handle, core_scratch *scratch,
                       PyObject *value, const char *what, shmrpc_any *out)
{
    PyObject *name = PyUnicode_InternFromString(what);
    if (name == NULL || core_keep(scratch, name) != 0) {
        return -1;
    }
    const core_step step = {.name = name, .depth = 1};
    scratch->is_typed = handle->is_typed;
    scratch->is_pickled = handle->is_pickled;
    *out = shmrpc_any_null();
    return core_write_any(scratch, value, out, &step);
}

PyObject *objects_value_from_c(const objects_handle *handle,
                               const shmrpc_any *any)
{
    return core_typed_from_c(handle->state, any, handle->is_pickled);
}

/* ---- parts --------------------------------------------------------------- */

PyObject *objects_part_new(objects_handle *handle, int type, void *at,
                           void (*close)(void *at))
{
    objects_part *part = (objects_part *)PyType_GenericAlloc(
        handle->state->object_types[type], 0);
    if (part == NULL) {
        close(at);
        return NULL;
    }
    /* This reference makes sure that the object is closed after its parts. */
    part->handle = (objects_handle *)Py_NewRef((PyObject *)handle);
    handle->in_use++;
    part->at = at;
    part->close = close;
    return (PyObject *)part;
}

int objects_part_enter(objects_call *call, objects_part *part, int mode)
{
    if (part->at == NULL || part->is_closing) {
        PyErr_SetString(PyExc_ValueError, "it is closed");
        return -1;
    }
    if (part->is_in_use) {
        PyErr_SetString(PyExc_RuntimeError,
                        "another thread is using this object: only one thread "
                        "may use it at a time");
        return -1;
    }
    if (objects_enter(call, part->handle, mode) != 0) {
        return -1;
    }
    part->is_in_use = true;
    return 0;
}

/* May be called with an exception set, and keeps it. */
static void part_close_now(objects_part *part)
{
    PyObject *type;
    PyObject *value;
    PyObject *trace;
    void *gone = part->at;
    part->at = NULL;
    if (gone != NULL) {
        core_wait wait;
        PyErr_Fetch(&type, &value, &trace);
        core_wait_enter(&wait, CORE_WAIT_WHOLE);
        part->close(gone);
        (void)core_wait_leave(&wait);
        PyErr_Restore(type, value, trace);
        use_ends(part->handle);
    }
}

void objects_part_leave(objects_part *part)
{
    part->is_in_use = false;
    if (part->is_closing) {
        part_close_now(part);
    }
}

PyObject *objects_part_close(PyObject *self, PyObject *unused)
{
    objects_part *part = (objects_part *)self;
    (void)unused;
    part->is_closing = true;
    if (!part->is_in_use) {
        part_close_now(part);
    }
    return Py_NewRef(Py_None);
}

void objects_part_dealloc(PyObject *self)
{
    objects_part *part = (objects_part *)self;
    PyTypeObject *type = Py_TYPE(self);
    part_close_now(part);
    Py_XDECREF((PyObject *)part->handle);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *descriptor(objects_call *call, int fd)
{
    int status = fd < 0 ? fd : SHMRPC_OK;
    objects_status_error(&call->error, status);
    return objects_leave(call, status) ? PyLong_FromLong(fd) : NULL;
}

PyObject *objects_part_fileno(PyObject *self, int (*fd)(void *at))
{
    objects_part *part = (objects_part *)self;
    objects_call call;
    if (objects_part_enter(&call, part, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    PyObject *number = descriptor(&call, fd(part->at));
    objects_part_leave(part);
    return number;
}

PyObject *objects_fileno(objects_handle *handle, int (*fd)(void *at))
{
    objects_call call;
    return objects_enter(&call, handle, CORE_WAIT_LATE) == 0
               ? descriptor(&call, fd(handle->at))
               : NULL;
}
