/* Streams of handlers. The client's items are a blocking iterator. The items
 * that the handler returns or yields are sent one by one. */
#include "worker.h"

#include <string.h>

#include "wait.h"

typedef struct source {
    PyObject_HEAD core_connection *connection;
    core_node *node;
    unsigned how;
    shmrpc_source *source; /* NULL if the handler has returned */
    bool is_over;
    bool is_busy; /* a thread waits for the next item */
} source;

PyObject *core_source_new(core_connection *connection, core_node *node,
                          unsigned how, shmrpc_source *from)
{
    source *s = PyObject_New(source, connection->state->source_type);
    if (s != NULL) {
        s->connection = (core_connection *)Py_NewRef((PyObject *)connection);
        s->node = node;
        s->how = how;
        s->source = from;
        s->is_over = false;
        s->is_busy = false;
    }
    return (PyObject *)s;
}

void core_source_end(PyObject *object)
{
    ((source *)object)->source = NULL;
}

static PyObject *source_next(PyObject *self)
{
    source *s = (source *)self;
    const void *item = NULL;
    core_wait wait;
    if (s->is_over) {
        return NULL;
    }
    if (s->source == NULL || s->is_busy) {
        PyErr_SetString(PyExc_RuntimeError,
                        s->source == NULL ? "the call of this stream is over"
                                          : "another thread reads this stream");
        return NULL;
    }
    s->is_busy = true;
    core_wait_enter(&wait, CORE_WAIT_LATE);
    int status = shmrpc_stub_source_next(s->source, &item);
    bool raised = core_wait_leave(&wait);
    s->is_busy = false;
    if (raised) {
        return NULL;
    }
    if (status == SHMRPC_MORE) {
        return core_from_c(s->connection, s->node, item, s->how);
    }
    s->is_over = true;
    if (status != SHMRPC_OK) {
        core_source_fail(s->connection->state, status);
    }
    return NULL;
}

void core_source_fail(core_state *state, int status)
{
    shmrpc_error error;
    (void)shmrpc_error_set(&error, status, "the client's items: %s",
                           status == SHMRPC_E_CANCELLED
                               ? "the client no longer waits for this call"
                           : status == SHMRPC_E_INVALID
                               ? "an item can't be decoded"
                               : shmrpc_status_text(status));
    (void)core_raise_plain(state, &error);
}

static void source_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF((PyObject *)((source *)self)->connection);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyType_Slot source_slots[] = {
    {Py_tp_dealloc, source_dealloc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, source_next},
    {Py_tp_doc, "The items that the client sends."},
    {0, NULL}};

PyType_Spec core_source_spec = {.name = "shmrpc._core.Source",
                                .basicsize = sizeof(source),
                                .flags = Py_TPFLAGS_DEFAULT |
                                         Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                .slots = source_slots};

/* ---- sending ------------------------------------------------------------- */

static int send_one(core_connection *connection, core_node *node, unsigned how,
                    shmrpc_sink *sink, PyObject *item)
{
    core_scratch scratch;
    core_wait wait;
    int status = CORE_RAISED;
    const shmrpc_type *type = node->type;
    core_scratch_init(&scratch, connection);
    scratch.is_typed = (how & CORE_PYTHON) != 0;
    void *at = core_scratch_alloc(&scratch, type->size + 1u,
                                  type->align > 0 ? type->align : 1);
    if (at != NULL && core_value_to_c(&scratch, node, item, at, "item") == 0) {
        core_wait_enter(&wait, CORE_WAIT_LATE);
        status = shmrpc_stub_sink_send(sink, at, 0);
        status = core_wait_leave(&wait) ? CORE_RAISED : status;
    }
    core_scratch_fini(&scratch);
    return status;
}

/* Closes a generator, so that its `finally` blocks run. If closing raises, that
 * exception is used only if `status` is not an error already. */
static int close_items(PyObject *iterator, int status)
{
    PyObject *type;
    PyObject *value;
    PyObject *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyObject *close = PyObject_GetAttrString(iterator, "close");
    PyObject *done = close != NULL ? PyObject_CallNoArgs(close) : NULL;
    if (done == NULL && close != NULL && type == NULL) {
        Py_DECREF(close);
        return CORE_RAISED;
    }
    PyErr_Clear();
    Py_XDECREF(close);
    Py_XDECREF(done);
    PyErr_Restore(type, value, trace);
    return status;
}

int core_sink_all(core_connection *connection, core_node *node, unsigned how,
                  shmrpc_sink *sink, PyObject *items)
{
    if (items == Py_None) {
        return SHMRPC_OK;
    }
    PyObject *iterator = PyObject_GetIter(items);
    if (iterator == NULL) {
        return CORE_RAISED;
    }
    int status = SHMRPC_OK;
    PyObject *item = NULL;
    while (status == SHMRPC_OK && (item = PyIter_Next(iterator)) != NULL) {
        status = send_one(connection, node, how, sink, item);
        Py_DECREF(item);
    }
    if (status != SHMRPC_OK) {
        status = close_items(iterator, status);
    } else if (PyErr_Occurred()) {
        status = CORE_RAISED;
    }
    Py_DECREF(iterator);
    return status;
}
