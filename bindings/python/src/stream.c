/* A client's streams: one object for reading and sending. It waits, or, for
 * shmrpc.aio, returns NotImplemented instead of waiting.
 *
 * One thread may read while another one sends. A stream that is closed while
 * threads use it is closed by the last of them. A stream is not reopened when
 * its server is lost. */
#include "method.h"
#include "wait.h"

#include <string.h>

typedef struct stream {
    PyObject_HEAD core_method *of;
    shmrpc_stream *stream; /* NULL if not open yet, or closed */
    core_node *in;         /* type of the items to send; NULL if it sends
                            * none */
    core_node *out;        /* type of the items to receive; NULL if it
                            * receives none */
    PyObject *args;        /* arguments and keyword names, while the stream is
                            * not open yet */
    PyObject *names;
    core_back *back; /* for the metadata of the reply; or NULL */
    PyObject *ready; /* for asyncio: called when there is news */
    int users;       /* number of threads in a function of the library */
    bool is_reading;
    bool is_sending;
    bool is_closing; /* the last user closes the stream */
    bool is_closed;
    bool is_over;  /* no more items will arrive */
    bool as_views; /* items of bytes are read in place */
    const shmrpc_bytes *item;
    Py_ssize_t exports; /* buffers of `item` */
    PyObject *memory;   /* weak reference to the memoryview of `item` */
} stream;

/* ---- using the stream ---------------------------------------------------- */

/* Reports the reply's metadata. Call this when the library is done with the
 * stream, since until then the library writes to `s->back`. */
static void end_back(stream *s)
{
    core_back *back = s->back;
    s->back = NULL;
    core_back_end(back);
}

static void close_now(stream *s)
{
    shmrpc_stream *gone = s->stream;
    s->is_closed = true;
    s->stream = NULL;
    s->item = NULL;
    if (gone != NULL) {
        core_wait wait;
        core_wait_enter(&wait, CORE_WAIT_LATE);
        shmrpc_stub_stream_close(gone);
        (void)core_wait_leave(&wait);
        core_connection_end(s->of->connection);
    }
    end_back(s);
}

/* Closes the stream, or lets its last user close it. May be called with an
 * exception set, and keeps it. An item that is being read in place stays
 * readable. */
static void close_soon(stream *s)
{
    s->is_closing = true;
    if (s->users == 0 && s->exports == 0 && !s->is_closed) {
        PyObject *type;
        PyObject *value;
        PyObject *trace;
        PyErr_Fetch(&type, &value, &trace);
        close_now(s);
        PyErr_Restore(type, value, trace);
    }
}

static int refuse_closed(const stream *s)
{
    PyErr_Format(PyExc_ValueError, "the stream of %s() is closed",
                 s->of->row->name);
    return -1;
}

/* Begins a use of the stream; `busy` is the flag of its direction. Returns -1
 * with an exception. */
static int enter(stream *s, bool *busy, core_wait *wait)
{
    if (s->stream == NULL || s->is_closing) {
        return refuse_closed(s);
    }
    if (*busy) {
        PyErr_Format(PyExc_RuntimeError, "another thread %s this stream",
                     busy == &s->is_reading ? "reads" : "sends to");
        return -1;
    }
    *busy = true;
    s->users++;
    core_wait_enter(wait, CORE_WAIT_LATE);
    wait->stop = &s->is_closing;
    return 0;
}

/* Ends a use of the stream. Returns true if a signal handler has raised; then
 * the stream ends. */
static bool leave(stream *s, bool *busy, core_wait *wait)
{
    bool raised = core_wait_leave(wait);
    *busy = false;
    s->users--;
    if (raised || s->is_closing) {
        close_soon(s);
    }
    return raised;
}

/* Raises the library's error, or that another thread has closed the stream.
 * Returns NULL. */
static PyObject *fail(stream *s, int status, const shmrpc_error *error)
{
    const core_method *m = s->of;
    if (status == SHMRPC_E_CANCELLED && s->is_closing) {
        (void)refuse_closed(s); /* another thread has closed it */
    } else if (s->stream != NULL) {
        (void)core_raise_stream(m->connection, m->row, error, s->stream);
    } else {
        (void)core_raise_plain(m->connection->state, error);
    }
    return NULL;
}

/* ---- opening ------------------------------------------------------------- */

/* Returns OK; BUSY or UNAVAILABLE if it should be tried again later; or
 * CORE_RAISED. */
static int open_stream(stream *s, PyObject *const *args, size_t nargsf,
                       PyObject *names, uint32_t flags)
{
    const core_method *m = s->of;
    core_invocation in;
    core_wait wait;
    shmrpc_error error;
    int status = CORE_RAISED;
    if (core_connection_begin(m->connection) != 0) {
        return CORE_RAISED;
    }
    if (core_prepare(m, &in, args, nargsf, names) == 0) {
        in.opts.flags |= flags;
        core_wait_enter(&wait, CORE_WAIT_LATE);
        status =
            shmrpc_stub_stream_open(m->connection->client, m->index, in.params,
                                    &in.opts, &s->stream, &error);
        bool raised = core_wait_leave(&wait);
        bool is_later = flags != 0 && (status == SHMRPC_E_BUSY ||
                                       status == SHMRPC_E_UNAVAILABLE);
        if (raised) {
            status = CORE_RAISED;
        } else if (status != SHMRPC_OK && !is_later) {
            (void)core_raise_plain(m->connection->state, &error);
            status = CORE_RAISED;
        }
    }
    if (s->stream != NULL) {
        s->back = in.back; /* the library writes to it until the stream ends */
        in.back = NULL;
    }
    core_invocation_fini(&in);
    if (s->stream == NULL) {
        core_connection_end(m->connection);
    } else if (status != SHMRPC_OK) {
        close_soon(s); /* a signal handler has raised after the stream was
                        * opened */
    }
    return status;
}

static core_node *node_of_items(core_connection *connection,
                                const shmrpc_type *type)
{
    core_node *node = core_node_of(connection, type);
    if (node != NULL) {
        core_making_begin(connection);
        node = core_node_prepare(connection, node) == 0 ? node : NULL;
        core_making_end(connection);
    }
    return node;
}

static stream *stream_new(core_method *m)
{
    stream *s = PyObject_New(stream, m->connection->state->stream_type);
    if (s == NULL) {
        return NULL;
    }
    memset((char *)s + sizeof(PyObject), 0, sizeof *s - sizeof(PyObject));
    s->of = (core_method *)Py_NewRef((PyObject *)m);
    if (m->row->items_in != NULL) {
        s->in = node_of_items(m->connection, m->row->items_in);
    }
    if (m->row->items_out != NULL) {
        s->out = node_of_items(m->connection, m->row->items_out);
    }
    if (PyErr_Occurred()) {
        Py_DECREF((PyObject *)s);
        return NULL;
    }
    return s;
}

/* Keeps the arguments for another attempt, which converts them again. */
static int keep_args(stream *s, PyObject *const *args, size_t nargsf,
                     PyObject *names)
{
    Py_ssize_t count = (Py_ssize_t)(nargsf & CORE_COUNT_MASK) +
                       (names != NULL ? PyTuple_Size(names) : 0);
    s->names = Py_XNewRef(names);
    s->args = PyTuple_New(count);
    for (Py_ssize_t i = 0; s->args != NULL && i < count; i++) {
        (void)PyTuple_SetItem(s->args, i, Py_NewRef(args[i]));
    }
    return s->args != NULL ? 0 : -1;
}

#define NEVER_WAITS SHMRPC_OPT_NONBLOCK

PyObject *core_stream_invoke(PyObject *self, PyObject *const *args,
                             size_t nargsf, PyObject *names)
{
    core_method *m = (core_method *)self;
    struct core_aio *aio = m->connection->aio;
    if (aio != NULL && core_aio_enter(aio) != 0) {
        return NULL;
    }
    stream *s = stream_new(m);
    if (s == NULL) {
        return NULL;
    }
    PyObject *made = NULL;
    int status =
        open_stream(s, args, nargsf, names, aio != NULL ? NEVER_WAITS : 0);
    if (status == SHMRPC_E_BUSY || status == SHMRPC_E_UNAVAILABLE) {
        status =
            keep_args(s, args, nargsf, names) == 0 ? SHMRPC_OK : CORE_RAISED;
    }
    if (status == SHMRPC_OK) {
        made = aio != NULL ? core_aio_stream(aio, (PyObject *)s)
                           : Py_NewRef((PyObject *)s);
    }
    Py_DECREF((PyObject *)s);
    return made;
}

/* Tries once more to open the stream. With True, waits for room and for a
 * server. Returns False if it could not be opened yet. */
static PyObject *stream_open(PyObject *self, PyObject *waits)
{
    stream *s = (stream *)self;
    int may_wait = PyObject_IsTrue(waits);
    if (may_wait < 0) {
        return NULL;
    }
    if (s->is_closed || s->is_closing) {
        (void)refuse_closed(s);
        return NULL;
    }
    if (s->stream != NULL || s->args == NULL) {
        return Py_NewRef(Py_True);
    }
    Py_ssize_t named = s->names != NULL ? PyTuple_Size(s->names) : 0;
    Py_ssize_t count = PyTuple_Size(s->args);
    PyObject **args = PyMem_Calloc((size_t)count + 1, sizeof *args);
    if (args == NULL) {
        return PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        args[i] = PyTuple_GetItem(s->args, i);
    }
    PyObject *kept = Py_NewRef(s->args);
    s->users++;
    int status = open_stream(s, args, (size_t)(count - named), s->names,
                             may_wait != 0 ? 0 : NEVER_WAITS);
    s->users--;
    if (s->is_closing) {
        close_soon(s);
    }
    Py_DECREF(kept);
    PyMem_Free(args);
    if (status == SHMRPC_OK) {
        Py_CLEAR(s->args);
        Py_CLEAR(s->names);
    }
    return status == CORE_RAISED ? NULL : PyBool_FromLong(status == SHMRPC_OK);
}

/* ---- reading ------------------------------------------------------------- */

/* Releases the previous item. Fails if a buffer of its memory is still in
 * use. */
static int let_go(stream *s)
{
    PyObject *weak = s->memory;
    s->memory = NULL;
    if (weak != NULL) {
        PyObject *memory = Py_NewRef(PyWeakref_GetObject(weak));
        PyObject *done = memory != Py_None
                             ? PyObject_CallMethod(memory, "release", NULL)
                             : Py_NewRef(Py_None);
        Py_DECREF(memory);
        Py_DECREF(weak);
        if (done == NULL && !PyErr_ExceptionMatches(PyExc_BufferError)) {
            return -1;
        }
        PyErr_Clear();
        Py_XDECREF(done);
    }
    if (s->exports > 0) {
        PyErr_SetString(PyExc_BufferError,
                        "a view of the previous item is in use: copy what must "
                        "outlive it");
        return -1;
    }
    s->item = NULL;
    return 0;
}

static PyObject *item_of(stream *s, const void *item)
{
    if (!s->as_views) {
        return core_from_c(s->of->connection, s->out, item, s->of->options.how);
    }
    s->item = item;
    PyObject *memory = PyMemoryView_FromObject((PyObject *)s);
    s->memory = memory != NULL ? PyWeakref_NewRef(memory, NULL) : NULL;
    return memory;
}

static int refuse_direction(const stream *s, const char *what)
{
    PyErr_Format(PyExc_TypeError, "%s() %s", s->of->row->name, what);
    return -1;
}

/* Ends reading after the last item: `status` and `error` tell whether it ended
 * well. Returns NULL. */
static PyObject *no_more(stream *s, int status, const shmrpc_error *error)
{
    s->is_over = true;
    if (s->back != NULL) {
        core_back_fill(s->back);
    }
    if (status != SHMRPC_OK) {
        (void)fail(s, status, error);
    }
    if (s->in == NULL || status != SHMRPC_OK) {
        close_soon(s);
    }
    return NULL;
}

static PyObject *stream_next(PyObject *self)
{
    stream *s = (stream *)self;
    const void *item = NULL;
    shmrpc_error error;
    core_wait wait;
    if (s->out == NULL) {
        (void)refuse_direction(s, "returns no items: send, then finish()");
        return NULL;
    }
    if (s->is_over) {
        return NULL;
    }
    if (let_go(s) != 0 || enter(s, &s->is_reading, &wait) != 0) {
        return NULL;
    }
    int status = shmrpc_stub_stream_next(s->stream, &item, &error);
    if (leave(s, &s->is_reading, &wait)) {
        return NULL;
    }
    if (status == SHMRPC_MORE && s->is_closed) {
        (void)refuse_closed(s); /* another thread has closed it meanwhile */
        return NULL;
    }
    return status == SHMRPC_MORE ? item_of(s, item)
                                 : no_more(s, status, &error);
}

/* Returns an item, or NotImplemented if none has arrived yet. Raises
 * StopAsyncIteration at the end. */
static PyObject *stream_try_next(PyObject *self, PyObject *unused)
{
    stream *s = (stream *)self;
    const void *item = NULL;
    shmrpc_error error;
    core_wait wait;
    (void)unused;
    if (s->out == NULL) {
        (void)refuse_direction(s, "returns no items: send, then finish()");
        return NULL;
    }
    if (!s->is_over) {
        if (let_go(s) != 0 || enter(s, &s->is_reading, &wait) != 0) {
            return NULL;
        }
        int status = shmrpc_stub_stream_try_next(s->stream, &item, &error);
        if (leave(s, &s->is_reading, &wait)) {
            return NULL;
        }
        if (status == SHMRPC_MORE) {
            return item_of(s, item);
        }
        if (status == SHMRPC_E_BUSY) {
            return Py_NewRef(Py_NotImplemented);
        }
        (void)no_more(s, status, &error);
    }
    if (!PyErr_Occurred()) {
        PyErr_SetNone(PyExc_StopAsyncIteration);
    }
    return NULL;
}

static PyObject *stream_views(PyObject *self, PyObject *unused)
{
    stream *s = (stream *)self;
    (void)unused;
    if (s->out == NULL || s->out->type->kind != SHMRPC_KIND_BYTES) {
        (void)refuse_direction(s, "does not return items of bytes");
        return NULL;
    }
    s->as_views = true;
    return Py_NewRef(self);
}

static int stream_get_buffer(PyObject *self, Py_buffer *buffer, int flags)
{
    stream *s = (stream *)self;
    static unsigned char nothing;
    if (s->item == NULL) {
        PyErr_SetString(PyExc_BufferError, "there is no item of bytes to view");
        return -1;
    }
    /* The memory is read-only, but the API's type has no const. */
    union {
        const void *from;
        void *to;
    } at = {s->item->len > 0 ? s->item->ptr : &nothing};
    if (PyBuffer_FillInfo(buffer, self, at.to, (Py_ssize_t)s->item->len, 1,
                          flags) != 0) {
        return -1;
    }
    s->exports++;
    return 0;
}

static void stream_release_buffer(PyObject *self, Py_buffer *buffer)
{
    stream *s = (stream *)self;
    (void)buffer;
    s->exports--;
    if (s->is_closing) {
        close_soon(s);
    }
}

/* ---- sending ------------------------------------------------------------- */

/* Sends one item. Returns a status of the library, or CORE_RAISED. */
static int send_item(stream *s, PyObject *value,
                     int (*send)(shmrpc_stream *, const void *, shmrpc_error *),
                     shmrpc_error *error)
{
    core_scratch scratch;
    core_wait wait;
    int status = CORE_RAISED;
    if (s->in == NULL) {
        (void)refuse_direction(s, "takes no items");
        return CORE_RAISED;
    }
    core_scratch_init(&scratch, s->of->connection);
    scratch.is_typed = (s->of->options.how & CORE_PYTHON) != 0;
    const shmrpc_type *type = s->in->type;
    void *at = core_scratch_alloc(&scratch, type->size + 1u,
                                  type->align > 0 ? type->align : 1);
    if (at != NULL &&
        core_value_to_c(&scratch, s->in, value, at, "item") == 0 &&
        enter(s, &s->is_sending, &wait) == 0) {
        status = send(s->stream, at, error);
        status = leave(s, &s->is_sending, &wait) ? CORE_RAISED : status;
    }
    core_scratch_fini(&scratch);
    return status;
}

static int send_waiting(shmrpc_stream *at, const void *item,
                        shmrpc_error *error)
{
    return shmrpc_stub_stream_send(at, item, 0, error);
}

static PyObject *stream_send(PyObject *self, PyObject *value)
{
    stream *s = (stream *)self;
    shmrpc_error error;
    int status = send_item(s, value, send_waiting, &error);
    return status == SHMRPC_OK     ? Py_NewRef(Py_None)
           : status == CORE_RAISED ? NULL
                                   : fail(s, status, &error);
}

/* Returns None, or NotImplemented if the item was not sent completely: then
 * push_rest sends the rest. */
static PyObject *stream_push(PyObject *self, PyObject *value)
{
    stream *s = (stream *)self;
    shmrpc_error error;
    int status = send_item(s, value, shmrpc_stub_stream_push, &error);
    return status == SHMRPC_OK       ? Py_NewRef(Py_None)
           : status == SHMRPC_E_BUSY ? Py_NewRef(Py_NotImplemented)
           : status == CORE_RAISED   ? NULL
                                     : fail(s, status, &error);
}

static PyObject *stream_push_rest(PyObject *self, PyObject *unused)
{
    stream *s = (stream *)self;
    shmrpc_error error;
    core_wait wait;
    (void)unused;
    if (enter(s, &s->is_sending, &wait) != 0) {
        return NULL;
    }
    int status = shmrpc_stub_stream_push(s->stream, NULL, &error);
    if (leave(s, &s->is_sending, &wait)) {
        return NULL;
    }
    return status == SHMRPC_OK       ? Py_NewRef(Py_None)
           : status == SHMRPC_E_BUSY ? Py_NewRef(Py_NotImplemented)
                                     : fail(s, status, &error);
}

static PyObject *stream_end(PyObject *self, PyObject *unused)
{
    stream *s = (stream *)self;
    shmrpc_error error;
    core_wait wait;
    (void)unused;
    if (s->in == NULL) {
        (void)refuse_direction(s, "takes no items");
        return NULL;
    }
    if (enter(s, &s->is_sending, &wait) != 0) {
        return NULL;
    }
    int status = shmrpc_stub_stream_end(s->stream, &error);
    if (leave(s, &s->is_sending, &wait)) {
        return NULL;
    }
    return status == SHMRPC_OK ? Py_NewRef(Py_None) : fail(s, status, &error);
}

/* ---- the result ---------------------------------------------------------- */

static PyObject *result_of(stream *s, const void *reply)
{
    const core_method *m = s->of;
    return m->result != NULL
               ? core_from_c(m->connection, m->result, reply, m->options.how)
               : Py_NewRef(Py_None);
}

static int refuse_result(const stream *s)
{
    return s->out == NULL
               ? 0
               : refuse_direction(s, "returns items: read them to the end");
}

/* Returns the result. To get it, the library ends the stream, so no other
 * thread may be reading. */
static PyObject *stream_finish(PyObject *self, PyObject *unused)
{
    stream *s = (stream *)self;
    const void *reply = NULL;
    shmrpc_error error;
    core_wait wait;
    (void)unused;
    if (refuse_result(s) != 0 || enter(s, &s->is_sending, &wait) != 0) {
        return NULL;
    }
    int status = shmrpc_stub_stream_finish_reply(s->stream, &reply, &error);
    s->stream = NULL;
    s->is_closed = true;
    bool raised = leave(s, &s->is_sending, &wait);
    end_back(s);
    PyObject *value = NULL;
    if (!raised && status == SHMRPC_OK) {
        value = result_of(s, reply);
    } else if (!raised) {
        (void)core_raise(s->of->connection, s->of->row, &error, reply);
    }
    shmrpc_stub_release(reply);
    PyObject *type;
    PyObject *exception;
    PyObject *trace;
    PyErr_Fetch(&type, &exception, &trace);
    core_connection_end(s->of->connection);
    PyErr_Restore(type, exception, trace);
    return value;
}

/* Returns (value,), or NotImplemented if the result has not arrived yet. */
static PyObject *stream_try_finish(PyObject *self, PyObject *unused)
{
    stream *s = (stream *)self;
    const void *reply = NULL;
    shmrpc_error error;
    core_wait wait;
    (void)unused;
    if (refuse_result(s) != 0 || enter(s, &s->is_sending, &wait) != 0) {
        return NULL;
    }
    int status = shmrpc_stub_stream_try_finish(s->stream, &reply, &error);
    if (leave(s, &s->is_sending, &wait)) {
        return NULL;
    }
    if (status == SHMRPC_E_BUSY) {
        return Py_NewRef(Py_NotImplemented);
    }
    PyObject *made = NULL;
    if (status == SHMRPC_OK) {
        PyObject *value = result_of(s, reply);
        made = value != NULL ? PyTuple_Pack(1, value) : NULL;
        Py_XDECREF(value);
    } else {
        (void)fail(s, status, &error);
    }
    close_soon(s);
    return made;
}

/* ---- for the event loop -------------------------------------------------- */

/* dispatch calls this, with the GIL. */
static void on_ready(void *user)
{
    stream *s = user;
    if (s->ready != NULL && !s->is_closed) {
        PyObject *kept = Py_NewRef((PyObject *)s);
        PyObject *done = PyObject_CallNoArgs(s->ready);
        if (done == NULL) {
            PyErr_WriteUnraisable(s->ready);
        }
        Py_XDECREF(done);
        Py_DECREF(kept);
    }
}

static PyObject *stream_on_ready(PyObject *self, PyObject *ready)
{
    stream *s = (stream *)self;
    shmrpc_error error;
    core_wait wait;
    if (enter(s, &s->is_reading, &wait) != 0) {
        return NULL;
    }
    Py_CLEAR(s->ready);
    s->ready = Py_NewRef(ready);
    int status = shmrpc_stub_stream_on_ready(s->stream, on_ready, s, &error);
    if (leave(s, &s->is_reading, &wait)) {
        return NULL;
    }
    return status == SHMRPC_OK ? Py_NewRef(Py_None) : fail(s, status, &error);
}

/* ---- the object ---------------------------------------------------------- */

static PyObject *stream_close(PyObject *self, PyObject *unused)
{
    stream *s = (stream *)self;
    (void)unused;
    if (s->users == 0 && let_go(s) != 0) {
        PyErr_Clear(); /* a view of the item is in use; the stream is closed
                        * when the view is released */
    }
    close_soon(s);
    Py_CLEAR(s->args);
    Py_CLEAR(s->ready);
    return Py_NewRef(Py_None);
}

static PyObject *stream_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyObject *stream_closed(PyObject *self, void *closure)
{
    const stream *s = (const stream *)self;
    (void)closure;
    return PyBool_FromLong(s->is_closing || s->is_closed);
}

static PyObject *stream_repr(PyObject *self)
{
    const stream *s = (const stream *)self;
    return PyUnicode_FromFormat("<stream of %s()%s>", s->of->row->name,
                                s->is_closing || s->is_closed ? ", closed"
                                                              : "");
}

static void stream_dealloc(PyObject *self)
{
    stream *s = (stream *)self;
    PyTypeObject *type = Py_TYPE(self);
    Py_CLEAR(s->memory);
    close_soon(s);
    Py_XDECREF(s->args);
    Py_XDECREF(s->names);
    Py_XDECREF(s->ready);
    Py_XDECREF((PyObject *)s->of);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyMethodDef stream_methods[] = {
    {"send", stream_send, METH_O,
     "Sends an item; waits while there is no room."},
    {"end", stream_end, METH_NOARGS,
     "Sends the end of the items; receiving goes on."},
    {"finish", stream_finish, METH_NOARGS,
     "Ends the items, waits for the method's result, and closes the stream."},
    {"close", stream_close, METH_NOARGS,
     "Closes the stream; a call that is not over is cancelled."},
    {"views", stream_views, METH_NOARGS,
     "For a stream of bytes: returns each item as a memoryview of the received "
     "data instead of a copy. It is valid until the next item. Returns the "
     "stream."},
    {"open", stream_open, METH_O, NULL},
    {"on_ready", stream_on_ready, METH_O, NULL},
    {"try_next", stream_try_next, METH_NOARGS, NULL},
    {"push", stream_push, METH_O, NULL},
    {"push_rest", stream_push_rest, METH_NOARGS, NULL},
    {"try_finish", stream_try_finish, METH_NOARGS, NULL},
    {"__enter__", stream_enter, METH_NOARGS, NULL},
    {"__exit__", stream_close, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef stream_getset[] = {
    {"closed", stream_closed, NULL, "Whether the stream was closed.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot stream_slots[] = {
    {Py_tp_dealloc, stream_dealloc},
    {Py_tp_repr, stream_repr},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, stream_next},
    {Py_tp_methods, stream_methods},
    {Py_tp_getset, stream_getset},
    {Py_bf_getbuffer, stream_get_buffer},
    {Py_bf_releasebuffer, stream_release_buffer},
    {Py_tp_doc, "A call with streams: items are read by iterating over it."},
    {0, NULL}};

PyType_Spec core_stream_spec = {.name = "shmrpc._core.Stream",
                                .basicsize = sizeof(stream),
                                .flags = Py_TPFLAGS_DEFAULT |
                                         Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                .slots = stream_slots};
