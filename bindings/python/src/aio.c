/* The state that a connection keeps for its event loop: the descriptor that the
 * loop watches, and the calls that wait to be sent.
 *
 * A call is sent when its method is called (aio_send.c); a task awaits the
 * call's object (aio_call.c). If the connection is lost, a thread of the loop's
 * executor replaces it by sending the first queued call.
 *
 * Threading: the loop's thread, except start_first. */
#include "aio.h"
#include "wait.h"

#include <string.h>

void core_aio_note_turn(core_aio *aio)
{
    aio->calls = 0;
    aio->turn_ns = core_now_ns();
}

void core_aio_tell(const core_aio *aio, const char *name, PyObject *argument)
{
    PyObject *done = aio->glue == NULL ? NULL
                     : argument != NULL
                         ? PyObject_CallMethod(aio->glue, name, "O", argument)
                         : PyObject_CallMethod(aio->glue, name, NULL);
    if (done == NULL && PyErr_Occurred()) {
        PyErr_WriteUnraisable(aio->glue);
    }
    Py_XDECREF(done);
}

/* ---- the state of a connection ------------------------------------------- */

int core_aio_attach(core_connection *connection, PyObject *glue)
{
    core_aio *aio = PyObject_New(core_aio, connection->state->aio_type);
    if (aio == NULL) {
        return -1;
    }
    memset((char *)aio + sizeof(PyObject), 0, sizeof *aio - sizeof(PyObject));
    aio->connection = connection;
    aio->glue = Py_NewRef(glue);
    connection->aio = aio;
    aio->running_loop = PyObject_GetAttrString(glue, "running_loop");
    return aio->running_loop != NULL &&
                   PyObject_SetAttrString(glue, "core", (PyObject *)aio) == 0
               ? 0
               : -1;
}

int core_aio_enter(core_aio *aio)
{
    PyObject *loop = PyObject_CallNoArgs(aio->running_loop);
    if (loop == NULL || loop == aio->loop) {
        Py_XDECREF(loop);
        return loop != NULL ? 0 : -1;
    }
    /* This is either the first call of the connection, or a call in another
     * loop than the first one, for which attach() raises. */
    PyObject *done = PyObject_CallMethod(aio->glue, "attach", "O", loop);
    if (done != NULL) {
        Py_CLEAR(aio->loop);
        aio->loop = loop;
        core_aio_note_turn(aio);
        Py_DECREF(done);
        return 0;
    }
    Py_DECREF(loop);
    return -1;
}

PyObject *core_aio_stream(core_aio *aio, PyObject *stream)
{
    return PyObject_CallMethod(aio->glue, "make_stream", "O", stream);
}

static void end_all_queued(core_aio *aio, int status, const char *why)
{
    while (aio->first != NULL) {
        shmrpc_error error;
        (void)shmrpc_error_set(&error, status, "method %s: %s",
                               aio->first->of->row->name, why);
        error.may_have_run = false;
        core_aio_end_queued(aio, aio->first, &error);
    }
}

void core_aio_close(core_aio *aio)
{
    if (aio != NULL && aio->glue != NULL) {
        if (aio->starting != NULL) {
            aio->starting->is_cancelled = true;
        }
        core_aio_tell(aio, "detach", NULL);
        end_all_queued(aio, SHMRPC_E_CANCELLED, "the client was closed");
    }
}

void core_aio_drop(core_aio *aio)
{
    if (aio != NULL) {
        aio->connection = NULL;
        Py_CLEAR(aio->glue);
        Py_CLEAR(aio->loop);
        Py_CLEAR(aio->running_loop);
        Py_DECREF((PyObject *)aio);
    }
}

/* Counts a user of the connection. Returns -1 with an exception if the
 * connection is gone or closed. */
static int claim(const core_aio *aio)
{
    if (aio->connection == NULL) {
        PyErr_SetString(PyExc_ValueError, "the client is closed");
        return -1;
    }
    return core_connection_begin(aio->connection);
}

/* Undoes claim(), and drops the caller's reference, which may be the last one
 * by now. */
static void disclaim(core_connection *connection)
{
    core_connection_end(connection);
    Py_DECREF((PyObject *)connection);
}

/* The event loop calls this when the descriptor is readable. */
static PyObject *aio_dispatch(PyObject *self, PyObject *unused)
{
    core_aio *aio = (core_aio *)self;
    core_connection *connection = aio->connection;
    core_wait wait;
    (void)unused;
    if (connection == NULL || connection->client == NULL ||
        connection->is_closing) {
        return Py_NewRef(Py_None);
    }
    (void)core_connection_begin(connection);
    Py_INCREF((PyObject *)connection);
    core_aio_note_turn(aio);
    core_wait_enter(&wait, CORE_WAIT_LATE);
    (void)shmrpc_stub_dispatch(connection->client);
    bool raised = core_wait_leave(&wait);
    if (!raised && !connection->is_closing) {
        core_aio_send_queued(aio);
    }
    disclaim(connection);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *aio_fd(PyObject *self, PyObject *unused)
{
    core_aio *aio = (core_aio *)self;
    (void)unused;
    if (claim(aio) != 0) {
        return NULL;
    }
    int fd = shmrpc_stub_fd(aio->connection->client);
    core_connection_end(aio->connection);
    if (fd < 0) {
        shmrpc_error error;
        (void)shmrpc_error_set(&error, fd,
                               "there is no descriptor for an event loop");
        (void)core_raise_plain(aio->connection->state, &error);
        return NULL;
    }
    return PyLong_FromLong(fd);
}

/* Sends queued calls; returns True if some are still queued. */
static PyObject *aio_send_queued(PyObject *self, PyObject *unused)
{
    core_aio *aio = (core_aio *)self;
    core_connection *connection = aio->connection;
    (void)unused;
    if (connection == NULL || connection->client == NULL ||
        connection->is_closing) {
        return Py_NewRef(Py_False);
    }
    (void)core_connection_begin(connection);
    Py_INCREF((PyObject *)connection);
    core_aio_send_queued(aio);
    bool more = aio->first != NULL;
    disclaim(connection);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(more);
}

/* ---- replacing a lost connection ----------------------------------------- */

/* Wait hooks for a thread that has released the GIL, and so has nothing to do
 * when it blocks. */
static void do_nothing(void *user)
{
    (void)user;
}

static int is_cancelled(void *user)
{
    const core_aio_call *c = user;
    return c->is_cancelled ? 1 : 0;
}

/* Runs in an executor thread, which may wait: sends the first queued call,
 * waiting until that call's deadline. Returns (call, result or exception,
 * status), or None if there was nothing to send. */
static PyObject *aio_start_first(PyObject *self, PyObject *unused)
{
    core_aio *aio = (core_aio *)self;
    core_connection *connection = aio->connection;
    (void)unused;
    core_aio_call *c = aio->first;
    if (c == NULL || aio->starting != NULL || claim(aio) != 0) {
        PyErr_Clear();
        return Py_NewRef(Py_None);
    }
    Py_INCREF((PyObject *)connection);
    core_aio_dequeue(aio, c);
    c->state = CORE_AIO_STARTING;
    aio->starting = c;
    core_invocation *in = c->in;
    const core_method *m = c->of;
    bool is_oneway = (m->row->flags & SHMRPC_METHOD_ONEWAY) != 0;
    int64_t left_ns = c->deadline_ns - core_now_ns();
    in->opts.timeout_ns = left_ns > 0 ? left_ns : 1;
    in->opts.flags &= ~(uint32_t)CORE_NEVER_WAITS;
    const shmrpc_wait_hooks hooks = {.size = sizeof hooks,
                                     .block = do_nothing,
                                     .unblock = do_nothing,
                                     .interrupted = is_cancelled,
                                     .user = c};
    shmrpc_error error;
    shmrpc_call *call = NULL;
    Py_INCREF((PyObject *)c); /* this reference belongs to the library */
    aio->flying++;
    PyThreadState *state = PyEval_SaveThread();
    const shmrpc_wait_hooks *before = shmrpc_wait_set_hooks(&hooks);
    int status =
        is_oneway ? shmrpc_stub_call(connection->client, m->index, in->params,
                                     &in->opts, NULL, &error)
                  : shmrpc_stub_async(connection->client, m->index, in->params,
                                      &in->opts, &call, &error, core_aio_on_end,
                                      core_aio_no_function, c);
    (void)shmrpc_wait_set_hooks(before);
    PyEval_RestoreThread(state);
    aio->starting = NULL;
    aio->is_lost = status == SHMRPC_E_UNAVAILABLE;
    bool is_flying = status == SHMRPC_OK && !is_oneway;
    if (!is_flying) {
        aio->flying--;
        Py_DECREF((PyObject *)c);
    }
    /* The state is different if dispatch has already reported the call's
     * end. */
    if (c->state == CORE_AIO_STARTING) {
        c->state = CORE_AIO_FLYING;
        c->call = call;
    }
    PyObject *made = PyTuple_Pack(1, (PyObject *)c);
    if (status != SHMRPC_OK) {
        (void)core_raise_plain(connection->state, &error);
        Py_XDECREF(made);
        made = NULL;
    }
    PyObject *row =
        Py_BuildValue("(ONi)", (PyObject *)c,
                      made != NULL ? made : core_take_exception(), status);
    Py_DECREF((PyObject *)c);
    disclaim(connection);
    return row;
}

/* Handles the result of start_first in the loop's thread. */
static PyObject *aio_started(PyObject *self, PyObject *row)
{
    core_aio *aio = (core_aio *)self;
    PyObject *object;
    PyObject *what;
    int status;
    if (row == Py_None ||
        !PyArg_ParseTuple(row, "OOi", &object, &what, &status)) {
        return row == Py_None ? Py_NewRef(Py_None) : NULL;
    }
    core_aio_call *c = (core_aio_call *)object;
    if (c->state == CORE_AIO_FLYING && status != SHMRPC_OK) {
        PyErr_SetObject((PyObject *)Py_TYPE(what), what);
        core_aio_settle(aio, c, NULL);
    } else if (c->state == CORE_AIO_FLYING &&
               (c->of->row->flags & SHMRPC_METHOD_ONEWAY) != 0) {
        core_aio_settle(aio, c, Py_NewRef(Py_None));
    } else if (c->state == CORE_AIO_FLYING && c->is_cancelled) {
        (void)core_aio_cancel(c);
    }
    return Py_NewRef(Py_None);
}

/* Forgets the loop and the calls in a forked child: they belong to the
 * parent. */
static PyObject *aio_forked(PyObject *self, PyObject *unused)
{
    core_aio *aio = (core_aio *)self;
    (void)unused;
    Py_CLEAR(aio->loop);
    aio->flying = 0;
    aio->starting = NULL;
    aio->is_lost = false;
    end_all_queued(aio, SHMRPC_E_FORKED,
                   "the call belongs to the parent process");
    return Py_NewRef(Py_None);
}

static void aio_dealloc(PyObject *self)
{
    core_aio *aio = (core_aio *)self;
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(aio->glue);
    Py_XDECREF(aio->loop);
    Py_XDECREF(aio->running_loop);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyMethodDef aio_methods[] = {
    {"dispatch", aio_dispatch, METH_NOARGS, NULL},
    {"fd", aio_fd, METH_NOARGS, NULL},
    {"send_queued", aio_send_queued, METH_NOARGS, NULL},
    {"start_first", aio_start_first, METH_NOARGS, NULL},
    {"started", aio_started, METH_O, NULL},
    {"forked", aio_forked, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL}};

static PyType_Slot aio_slots[] = {
    {Py_tp_dealloc, aio_dealloc},
    {Py_tp_methods, aio_methods},
    {Py_tp_doc, "The state that shmrpc.aio keeps for a connection."},
    {0, NULL}};

PyType_Spec core_aio_spec = {.name = "shmrpc._core.Aio",
                             .basicsize = sizeof(core_aio),
                             .flags = Py_TPFLAGS_DEFAULT |
                                      Py_TPFLAGS_DISALLOW_INSTANTIATION,
                             .slots = aio_slots};
