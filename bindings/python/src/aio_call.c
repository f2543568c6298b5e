/* The object of an asyncio call: a coroutine that a task awaits. Throwing an
 * exception into the coroutine cancels the call. */
#include "aio.h"
#include "wait.h"

/* ---- giving up ----------------------------------------------------------- */

bool core_aio_cancel(core_aio_call *c)
{
    core_aio *aio = c->of->connection->aio;
    c->was_wanted = true;
    if (c->state == CORE_AIO_FLYING && c->call != NULL) {
        core_wait wait;
        core_wait_enter(&wait, CORE_WAIT_LATE);
        bool withdrawn = shmrpc_call_cancel(c->call);
        (void)core_wait_leave(&wait);
        return withdrawn;
    }
    if (c->state == CORE_AIO_QUEUED) {
        shmrpc_error error;
        (void)shmrpc_error_set(&error, SHMRPC_E_CANCELLED,
                               "method %s: cancelled before it was sent",
                               c->of->row->name);
        error.may_have_run = false;
        core_aio_end_queued(aio, c, &error);
        return true;
    }
    c->is_cancelled = c->state == CORE_AIO_STARTING;
    return false;
}

/* ---- awaiting ------------------------------------------------------------ */

/* Returns the value, or NULL with the exception set. The object does not
 * keep the exception, because its traceback may lead to a frame that holds
 * the call. */
static PyObject *outcome(core_aio_call *c)
{
    PyObject *raised = c->raised;
    if (raised != NULL) {
        c->raised = NULL;
        PyErr_SetObject((PyObject *)Py_TYPE(raised), raised);
        Py_DECREF(raised);
        return NULL;
    }
    if (c->value == NULL) {
        PyErr_Format(PyExc_RuntimeError,
                     "the call of %s() has failed, and was awaited before",
                     c->of->row->name);
    }
    return Py_XNewRef(c->value);
}

static int wait_for_future(core_aio_call *c)
{
    const core_aio *aio = c->of->connection->aio;
    c->future = PyObject_CallMethod(aio->glue, "future", NULL);
    c->steps = c->future != NULL
                   ? PyObject_CallMethod(c->future, "__await__", NULL)
                   : NULL;
    if (c->steps == NULL) {
        Py_CLEAR(c->future);
        return -1;
    }
    return 0;
}

static PySendResult call_send(PyObject *self, PyObject *sent, PyObject **out)
{
    core_aio_call *c = (core_aio_call *)self;
    (void)sent;
    c->was_wanted = true;
    *out = NULL;
    if (c->wants_turn) {
        c->wants_turn = false;
        core_aio_note_turn(c->of->connection->aio);
        *out = Py_NewRef(Py_None);
        return PYGEN_NEXT;
    }
    if (c->state == CORE_AIO_OVER) {
        Py_CLEAR(c->steps);
        *out = outcome(c);
        return *out != NULL ? PYGEN_RETURN : PYGEN_ERROR;
    }
    if (c->steps == NULL && wait_for_future(c) != 0) {
        return PYGEN_ERROR;
    }
    PySendResult result = PyIter_Send(c->steps, Py_None, out);
    if (result == PYGEN_RETURN) { /* other code has set the future */
        Py_CLEAR(*out);
        PyErr_SetString(PyExc_RuntimeError, "the call is not over");
        result = PYGEN_ERROR;
    }
    return result;
}

static PyObject *as_iteration(PySendResult result, PyObject *value)
{
    if (result != PYGEN_RETURN) {
        return value;
    }
    PyObject *stop =
        PyObject_CallFunctionObjArgs(PyExc_StopIteration, value, NULL);
    Py_DECREF(value);
    if (stop != NULL) {
        PyErr_SetObject(PyExc_StopIteration, stop);
        Py_DECREF(stop);
    }
    return NULL;
}

static PyObject *call_iternext(PyObject *self)
{
    PyObject *value;
    PySendResult result = call_send(self, Py_None, &value);
    return as_iteration(result, value);
}

static PyObject *call_send_method(PyObject *self, PyObject *sent)
{
    PyObject *value;
    PySendResult result = call_send(self, sent, &value);
    return as_iteration(result, value);
}

/* Cancels the call, because its task was cancelled or something else was thrown
 * into the coroutine. */
static PyObject *call_throw(PyObject *self, PyObject *args)
{
    core_aio_call *c = (core_aio_call *)self;
    PyObject *type;
    PyObject *value = NULL;
    PyObject *trace = NULL;
    if (!PyArg_ParseTuple(args, "O|OO:throw", &type, &value, &trace)) {
        return NULL;
    }
    Py_CLEAR(c->future);
    Py_CLEAR(c->steps);
    (void)core_aio_cancel(c);
    if (PyExceptionInstance_Check(type)) {
        PyErr_SetObject((PyObject *)Py_TYPE(type), type);
    } else if (value != NULL && PyExceptionInstance_Check(value)) {
        PyErr_SetObject(type, value);
    } else {
        PyErr_SetObject(type, value != Py_None ? value : NULL);
    }
    return NULL;
}

static PyObject *call_close(PyObject *self, PyObject *unused)
{
    core_aio_call *c = (core_aio_call *)self;
    (void)unused;
    Py_CLEAR(c->future);
    Py_CLEAR(c->steps);
    (void)core_aio_cancel(c);
    return Py_NewRef(Py_None);
}

static PyObject *call_cancel(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(core_aio_cancel((core_aio_call *)self));
}

static PyObject *call_done(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(((const core_aio_call *)self)->state ==
                           CORE_AIO_OVER);
}

static PyObject *call_name(PyObject *self, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(((const core_aio_call *)self)->of->row->name);
}

static PyObject *call_repr(PyObject *self)
{
    static const char *const states[] = {"queued", "starting", "sent", "over"};
    const core_aio_call *c = (const core_aio_call *)self;
    return PyUnicode_FromFormat("<call of %s(), %s>", c->of->row->name,
                                states[c->state]);
}

static void call_dealloc(PyObject *self)
{
    core_aio_call *c = (core_aio_call *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (!c->was_wanted && c->state == CORE_AIO_OVER) {
        PyObject *error;
        PyObject *value;
        PyObject *trace;
        PyErr_Fetch(&error, &value, &trace);
        if (PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                             "the call of %s() was never awaited",
                             c->of->row->name) != 0) {
            PyErr_WriteUnraisable(NULL);
        }
        PyErr_Restore(error, value, trace);
    }
    core_aio_forget_arguments(c);
    Py_XDECREF(c->future);
    Py_XDECREF(c->steps);
    Py_XDECREF(c->value);
    Py_XDECREF(c->raised);
    Py_XDECREF((PyObject *)c->of);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyMethodDef call_methods[] = {
    {"send", call_send_method, METH_O, NULL},
    {"throw", call_throw, METH_VARARGS, NULL},
    {"close", call_close, METH_NOARGS, NULL},
    {"cancel", call_cancel, METH_NOARGS,
     "Cancels the call. Returns True if it has not run and never will."},
    {"done", call_done, METH_NOARGS,
     "Return whether an await would end at once."},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef call_getset[] = {
    {"__name__", call_name, NULL, NULL, NULL},
    {"__qualname__", call_name, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot call_slots[] = {
    {Py_tp_dealloc, call_dealloc},
    {Py_tp_repr, call_repr},
    {Py_tp_iternext, call_iternext},
    {Py_tp_methods, call_methods},
    {Py_tp_getset, call_getset},
    {Py_am_await, PyObject_SelfIter},
    {Py_am_send, call_send},
    {Py_tp_doc, "A call that was started, to be awaited."},
    {0, NULL}};

PyType_Spec core_aio_call_spec = {.name = "shmrpc._core.AsyncCall",
                                  .basicsize = sizeof(core_aio_call),
                                  .flags = Py_TPFLAGS_DEFAULT |
                                           Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  .slots = call_slots};
