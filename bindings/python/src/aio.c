/* Calls that are awaited: shmrpc.aio's part in C.
 *
 * A call is sent when its method is called, and is an object that a task
 * awaits.  It is first waited for as a blocking call waits while it spins: an
 * await of one that is over by then costs no turn of the loop.  What can't be
 * sent at once, for want of room or of a server, or has to be sent again
 * because no worker had taken it when its server was lost, waits in a queue
 * that dispatch and a timer of the loop look after; a thread of the loop's
 * executor makes a lost connection anew, by sending the first call of the
 * queue.
 *
 * Threading: the loop's thread, but for start_first. */
#include "method.h"
#include "wait.h"

#include <string.h>
#include <time.h>

/* How long the loop waits for a call before it goes on, where that has paid. */
#define PATIENCE_NS INT64_C(20000)
/* Calls that are over at once, and the time without a turn of the loop, after
 * which other tasks get one. */
#define CALLS_A_TURN 64
#define TURN_NS      INT64_C(1000000)
/* What waiting has brought: up to MOST where it pays; below 0 it is tried now
 * and then. */
#define SCORE_MOST  8
#define SCORE_LEAST (-64)

#define NEVER_WAITS SHMRPC_OPT_NONBLOCK

enum { QUEUED, STARTING, FLYING, OVER };

typedef struct aio_call {
    PyObject_HEAD core_method *of;
    int state;
    shmrpc_call *call;   /* FLYING */
    core_invocation *in; /* until it is over: it may have to be sent again */
    int64_t deadline_ns;
    struct aio_call *next; /* in the queue */
    PyObject *future;      /* that a task waits for, and its iterator */
    PyObject *steps;
    PyObject *value;   /* OVER: what it returned, */
    PyObject *raised;  /* or what it ended in */
    bool wants_turn;   /* of the loop, before the await ends */
    bool was_wanted;   /* somebody has awaited or cancelled it */
    bool is_cancelled; /* STARTING: it is to be given up */
} aio_call;

typedef struct core_aio {
    PyObject_HEAD core_connection *connection; /* NULL: gone */
    PyObject *glue;
    PyObject *running_loop; /* asyncio.get_running_loop */
    PyObject *loop;         /* that the connection belongs to, or NULL */
    aio_call *first;
    aio_call *last;
    aio_call *starting;
    unsigned flying;
    unsigned calls; /* since the last turn that we know of */
    int64_t turn_ns;
    int score;
    bool is_lost; /* the connection: only start_first sends */
} core_aio;

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void note_turn(core_aio *aio)
{
    aio->calls = 0;
    aio->turn_ns = now_ns();
}

/* A function of the glue that returns nothing; what it raises is told. */
static void tell(const core_aio *aio, const char *name, PyObject *argument)
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

/* ---- the end of a call ----------------------------------------------------
 */

static void forget_arguments(aio_call *c)
{
    if (c->in != NULL) {
        core_scratch_fini(&c->in->scratch);
        PyMem_Free(c->in);
        c->in = NULL;
    }
}

/* `value`, or the exception that is set. Takes the reference over. */
static void settle(core_aio *aio, aio_call *c, PyObject *value)
{
    c->value = value;
    c->raised = value == NULL ? core_take_exception() : NULL;
    c->state = OVER;
    c->call = NULL;
    forget_arguments(c);
    PyObject *future = c->future;
    c->future = NULL;
    if (future != NULL) {
        tell(aio, "wake", future);
        Py_DECREF(future);
    }
}

static void settle_error(core_aio *aio, aio_call *c, const shmrpc_error *error)
{
    (void)core_raise_plain(c->of->connection->state, error);
    settle(aio, c, NULL);
}

/* The library's callback. */
static void on_end(shmrpc_function done, void *user, int status, void *reply,
                   const shmrpc_error *error);

static void no_function(void)
{
}

/* ---- sending --------------------------------------------------------------
 */

/* Hands the call to the library, which keeps a reference to it until its end.
 * Statuses of shmrpc_stub_async. */
static int send(core_aio *aio, aio_call *c, int64_t patience_ns,
                shmrpc_error *error)
{
    const core_method *m = c->of;
    const core_invocation *in = c->in;
    shmrpc_client *client = m->connection->client;
    if ((m->row->flags & SHMRPC_METHOD_ONEWAY) != 0) {
        int status = shmrpc_stub_call(client, m->index, in->params, &in->opts,
                                      NULL, error);
        if (status == SHMRPC_OK) {
            settle(aio, c, Py_NewRef(Py_None));
        }
        return status;
    }
    c->state = FLYING;
    aio->flying++;
    Py_INCREF((PyObject *)c);
    int status = shmrpc_stub_async_soon(client, m->index, in->params, &in->opts,
                                        patience_ns, &c->call, error, on_end,
                                        no_function, c);
    if (status != SHMRPC_OK) {
        c->state = QUEUED;
        aio->flying--;
        Py_DECREF((PyObject *)c);
    }
    return status;
}

/* ---- what can't be sent yet -----------------------------------------------
 */

static void enqueue(core_aio *aio, aio_call *c)
{
    Py_INCREF((PyObject *)c);
    c->state = QUEUED;
    c->next = NULL;
    if (aio->last != NULL) {
        aio->last->next = c;
    } else {
        aio->first = c;
    }
    aio->last = c;
}

/* Takes a call out of the queue; the reference is the caller's. */
static void dequeue(core_aio *aio, aio_call *c)
{
    aio_call **at = &aio->first;
    aio_call *before = NULL;
    while (*at != c) {
        before = *at;
        at = &before->next;
    }
    *at = c->next;
    if (aio->last == c) {
        aio->last = before;
    }
    c->next = NULL;
}

static void end_queued(core_aio *aio, aio_call *c, const shmrpc_error *error)
{
    dequeue(aio, c);
    settle_error(aio, c, error);
    Py_DECREF((PyObject *)c);
}

static void expire(core_aio *aio)
{
    int64_t now = now_ns();
    for (aio_call *c = aio->first; c != NULL;) {
        aio_call *next = c->next;
        if (c->deadline_ns <= now) {
            shmrpc_error error;
            (void)shmrpc_error_set(
                &error, SHMRPC_E_DEADLINE, "method %s: not sent in time: %s",
                c->of->row->name,
                aio->is_lost ? "there is no server"
                             : "calls of this client are in all 64 slots");
            error.may_have_run = false;
            end_queued(aio, c, &error);
        }
        c = next;
    }
}

/* As many as there is room for. */
static void send_queued(core_aio *aio)
{
    core_wait wait;
    expire(aio);
    while (aio->first != NULL && !aio->is_lost) {
        aio_call *c = aio->first;
        shmrpc_error error;
        int64_t left_ns = c->deadline_ns - now_ns();
        c->in->opts.timeout_ns = left_ns > 0 ? left_ns : 1;
        c->in->opts.flags |= NEVER_WAITS;
        core_wait_enter(&wait, CORE_WAIT_LATE);
        int status = send(aio, c, 0, &error);
        (void)core_wait_leave(&wait);
        if (status == SHMRPC_E_BUSY) {
            return;
        }
        if (status == SHMRPC_E_UNAVAILABLE) {
            aio->is_lost = true;
        } else if (status != SHMRPC_OK) {
            end_queued(aio, c, &error);
        } else {
            dequeue(aio, c);
            Py_DECREF((PyObject *)c);
        }
    }
    if (aio->is_lost && aio->first != NULL) {
        tell(aio, "revive", NULL);
    }
}

/* It is sent when there is room, or a server. */
static void queue(core_aio *aio, aio_call *c)
{
    enqueue(aio, c);
    tell(aio, "watch_queue", NULL);
    if (aio->is_lost) {
        tell(aio, "revive", NULL);
    }
}

/* The server was lost before a worker had taken the call: like calls that
 * wait, it goes to the next one. */
static bool is_to_be_sent_again(const core_aio *aio, const aio_call *c,
                                int status, const shmrpc_error *error)
{
    return status == SHMRPC_E_UNAVAILABLE && !error->may_have_run &&
           c->state == FLYING && !aio->connection->is_closing &&
           now_ns() < c->deadline_ns;
}

/* The thread has the interpreter's lock, as dispatch, send and close are called
 * so. */
static void on_end(shmrpc_function done, void *user, int status, void *reply,
                   const shmrpc_error *error)
{
    aio_call *c = user;
    const core_method *m = c->of;
    core_aio *aio = m->connection->aio;
    PyObject *type;
    PyObject *value;
    PyObject *trace;
    (void)done;
    PyErr_Fetch(&type, &value, &trace);
    aio->flying--;
    PyObject *result = NULL;
    if (is_to_be_sent_again(aio, c, status, error)) {
        shmrpc_stub_release(reply);
        c->call = NULL;
        aio->is_lost = true;
        queue(aio, c);
        Py_DECREF((PyObject *)c);
        PyErr_Restore(type, value, trace);
        return;
    }
    if (status == SHMRPC_OK) {
        result = core_take_reply(m, reply);
    } else {
        (void)core_raise(m->connection, m->row, error, reply);
        shmrpc_stub_release(reply);
    }
    settle(aio, c, result);
    Py_DECREF((PyObject *)c);
    PyErr_Restore(type, value, trace);
}

static int64_t timeout_of(const core_method *m, const core_invocation *in)
{
    int64_t timeout_ns = in->opts.timeout_ns != 0  ? in->opts.timeout_ns
                         : m->row->timeout_ns != 0 ? m->row->timeout_ns
                                                   : m->connection->timeout_ns;
    return timeout_ns != 0 ? timeout_ns : SHMRPC_DEFAULT_TIMEOUT_NS;
}

/* ---- calling ---------------------------------------------------------------
 */

static aio_call *call_new(core_method *m)
{
    aio_call *c = PyObject_New(aio_call, m->connection->state->aio_call_type);
    if (c != NULL) {
        memset((char *)c + sizeof(PyObject), 0, sizeof *c - sizeof(PyObject));
        c->of = (core_method *)Py_NewRef((PyObject *)m);
        c->state = QUEUED;
    }
    return c;
}

/* Whether and for how long to wait for a call that is sent now: not while
 * others are under way, which may take longer. */
static int64_t patience_of(core_aio *aio)
{
    if (aio->flying > 0) {
        return 0;
    }
    if (aio->score < 0) {
        aio->score++;
        return 0;
    }
    return PATIENCE_NS;
}

static void note_patience(core_aio *aio, aio_call *c)
{
    if (c->state != OVER) {
        aio->score = aio->score > 0 ? aio->score - 4 : SCORE_LEAST;
        return;
    }
    aio->score = aio->score < SCORE_MOST ? aio->score + 1 : SCORE_MOST;
    aio->calls++;
    c->wants_turn =
        aio->calls >= CALLS_A_TURN || now_ns() - aio->turn_ns > TURN_NS;
}

static int prepare(aio_call *c, PyObject *const *args, size_t nargsf,
                   PyObject *names)
{
    core_invocation *in = PyMem_Malloc(sizeof *in);
    if (in == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    c->in = in;
    if (core_prepare(c->of, in, args, nargsf, names) != 0) {
        return -1;
    }
    in->opts.flags |= NEVER_WAITS;
    int64_t timeout_ns = timeout_of(c->of, in);
    int64_t now = now_ns();
    c->deadline_ns =
        timeout_ns < INT64_MAX - now ? now + timeout_ns : INT64_MAX;
    return 0;
}

/* Sends it or, if it has to wait, puts it into the queue. -1. */
static int begin(core_aio *aio, aio_call *c)
{
    core_wait wait;
    shmrpc_error error;
    if (aio->first != NULL || aio->starting != NULL || aio->is_lost) {
        queue(aio, c);
        return 0;
    }
    int64_t patience_ns = patience_of(aio);
    core_wait_enter(&wait, CORE_WAIT_LATE);
    int status = send(aio, c, patience_ns, &error);
    if (core_wait_leave(&wait)) {
        return -1;
    }
    if (status == SHMRPC_E_BUSY || status == SHMRPC_E_UNAVAILABLE) {
        aio->is_lost = status == SHMRPC_E_UNAVAILABLE;
        queue(aio, c);
        return 0;
    }
    if (status != SHMRPC_OK) {
        (void)core_raise_plain(aio->connection->state, &error);
        return -1;
    }
    if (patience_ns > 0) {
        note_patience(aio, c);
    }
    return 0;
}

PyObject *core_aio_invoke(PyObject *self, PyObject *const *args, size_t nargsf,
                          PyObject *names)
{
    core_method *m = (core_method *)self;
    core_aio *aio = m->connection->aio;
    if (core_connection_begin(m->connection) != 0) {
        return NULL;
    }
    aio_call *c = NULL;
    if (core_aio_enter(aio) == 0) {
        c = call_new(m);
    }
    if (c != NULL &&
        (prepare(c, args, nargsf, names) != 0 || begin(aio, c) != 0)) {
        c->was_wanted = true;
        Py_DECREF((PyObject *)c);
        c = NULL;
    }
    core_connection_end(m->connection);
    return (PyObject *)c;
}

/* ---- giving up ------------------------------------------------------------
 */

static bool cancel(aio_call *c)
{
    core_aio *aio = c->of->connection->aio;
    c->was_wanted = true;
    if (c->state == FLYING && c->call != NULL) {
        core_wait wait;
        core_wait_enter(&wait, CORE_WAIT_LATE);
        bool withdrawn = shmrpc_call_cancel(c->call);
        (void)core_wait_leave(&wait);
        return withdrawn;
    }
    if (c->state == QUEUED) {
        shmrpc_error error;
        (void)shmrpc_error_set(&error, SHMRPC_E_CANCELLED,
                               "method %s: cancelled before it was sent",
                               c->of->row->name);
        error.may_have_run = false;
        end_queued(aio, c, &error);
        return true;
    }
    c->is_cancelled = c->state == STARTING;
    return false;
}

/* ---- awaiting --------------------------------------------------------------
 */

/* The value, or NULL with the exception, which is given away: its traceback
 * may lead to a frame that has the call. */
static PyObject *outcome(aio_call *c)
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

static int wait_for_future(aio_call *c)
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
    aio_call *c = (aio_call *)self;
    (void)sent;
    c->was_wanted = true;
    *out = NULL;
    if (c->wants_turn) {
        c->wants_turn = false;
        note_turn(c->of->connection->aio);
        *out = Py_NewRef(Py_None);
        return PYGEN_NEXT;
    }
    if (c->state == OVER) {
        Py_CLEAR(c->steps);
        *out = outcome(c);
        return *out != NULL ? PYGEN_RETURN : PYGEN_ERROR;
    }
    if (c->steps == NULL && wait_for_future(c) != 0) {
        return PYGEN_ERROR;
    }
    PySendResult result = PyIter_Send(c->steps, Py_None, out);
    if (result == PYGEN_RETURN) { /* the future was set by others */
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

/* The task is cancelled, or has other news: so is the call. */
static PyObject *call_throw(PyObject *self, PyObject *args)
{
    aio_call *c = (aio_call *)self;
    PyObject *type;
    PyObject *value = NULL;
    PyObject *trace = NULL;
    if (!PyArg_ParseTuple(args, "O|OO:throw", &type, &value, &trace)) {
        return NULL;
    }
    Py_CLEAR(c->future);
    Py_CLEAR(c->steps);
    (void)cancel(c);
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
    aio_call *c = (aio_call *)self;
    (void)unused;
    Py_CLEAR(c->future);
    Py_CLEAR(c->steps);
    (void)cancel(c);
    return Py_NewRef(Py_None);
}

static PyObject *call_cancel(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(cancel((aio_call *)self));
}

static PyObject *call_done(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(((const aio_call *)self)->state == OVER);
}

static PyObject *call_name(PyObject *self, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(((const aio_call *)self)->of->row->name);
}

static PyObject *call_repr(PyObject *self)
{
    static const char *const states[] = {"queued", "starting", "sent", "over"};
    const aio_call *c = (const aio_call *)self;
    return PyUnicode_FromFormat("<call of %s(), %s>", c->of->row->name,
                                states[c->state]);
}

static void call_dealloc(PyObject *self)
{
    aio_call *c = (aio_call *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (!c->was_wanted && c->state == OVER) {
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
    forget_arguments(c);
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
     "Gives the call up. True: it has not run and never will."},
    {"done", call_done, METH_NOARGS, "Whether an await would return at once."},
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
    {Py_tp_doc, "A call that was sent, to be awaited."},
    {0, NULL}};

PyType_Spec core_aio_call_spec = {.name = "shmrpc._core.AsyncCall",
                                  .basicsize = sizeof(aio_call),
                                  .flags = Py_TPFLAGS_DEFAULT |
                                           Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  .slots = call_slots};

/* ---- a connection's part ---------------------------------------------------
 */

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
    /* The first call, or one in another loop, which raises. */
    PyObject *done = PyObject_CallMethod(aio->glue, "attach", "O", loop);
    if (done != NULL) {
        Py_CLEAR(aio->loop);
        aio->loop = loop;
        note_turn(aio);
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
        end_queued(aio, aio->first, &error);
    }
}

void core_aio_close(core_aio *aio)
{
    if (aio != NULL && aio->glue != NULL) {
        if (aio->starting != NULL) {
            aio->starting->is_cancelled = true;
        }
        tell(aio, "detach", NULL);
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

/* -1 with an exception: it is gone or closed. */
static int claim(const core_aio *aio)
{
    if (aio->connection == NULL) {
        PyErr_SetString(PyExc_ValueError, "the client is closed");
        return -1;
    }
    return core_connection_begin(aio->connection);
}

/* The end of claim. In between the connection may have lost its last owner. */
static void disclaim(core_connection *connection)
{
    core_connection_end(connection);
    Py_DECREF((PyObject *)connection);
}

/* The reader of the descriptor. */
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
    note_turn(aio);
    core_wait_enter(&wait, CORE_WAIT_LATE);
    (void)shmrpc_stub_dispatch(connection->client);
    bool raised = core_wait_leave(&wait);
    if (!raised && !connection->is_closing) {
        send_queued(aio);
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
                               "there is no descriptor for a loop of events");
        (void)core_raise_plain(aio->connection->state, &error);
        return NULL;
    }
    return PyLong_FromLong(fd);
}

/* True: there is more to send. */
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
    send_queued(aio);
    bool more = aio->first != NULL;
    disclaim(connection);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(more);
}

/* ---- making a lost connection anew ------------------------------------------
 */

/* Hooks of a thread that has given up the interpreter's lock. */
static void do_nothing(void *user)
{
    (void)user;
}

static int is_cancelled(void *user)
{
    const aio_call *c = user;
    return c->is_cancelled ? 1 : 0;
}

/* In a thread that may wait: sends the first call of the queue, until its
 * deadline. */
static PyObject *aio_start_first(PyObject *self, PyObject *unused)
{
    core_aio *aio = (core_aio *)self;
    core_connection *connection = aio->connection;
    (void)unused;
    aio_call *c = aio->first;
    if (c == NULL || aio->starting != NULL || claim(aio) != 0) {
        PyErr_Clear();
        return Py_NewRef(Py_None);
    }
    Py_INCREF((PyObject *)connection);
    dequeue(aio, c);
    c->state = STARTING;
    aio->starting = c;
    core_invocation *in = c->in;
    const core_method *m = c->of;
    bool is_oneway = (m->row->flags & SHMRPC_METHOD_ONEWAY) != 0;
    int64_t left_ns = c->deadline_ns - now_ns();
    in->opts.timeout_ns = left_ns > 0 ? left_ns : 1;
    in->opts.flags &= ~(uint32_t)NEVER_WAITS;
    const shmrpc_wait_hooks hooks = {.size = sizeof hooks,
                                     .block = do_nothing,
                                     .unblock = do_nothing,
                                     .interrupted = is_cancelled,
                                     .user = c};
    shmrpc_error error;
    shmrpc_call *call = NULL;
    Py_INCREF((PyObject *)c); /* the library's */
    aio->flying++;
    PyThreadState *state = PyEval_SaveThread();
    const shmrpc_wait_hooks *before = shmrpc_wait_set_hooks(&hooks);
    int status = is_oneway
                     ? shmrpc_stub_call(connection->client, m->index,
                                        in->params, &in->opts, NULL, &error)
                     : shmrpc_stub_async(connection->client, m->index,
                                         in->params, &in->opts, &call, &error,
                                         on_end, no_function, c);
    (void)shmrpc_wait_set_hooks(before);
    PyEval_RestoreThread(state);
    aio->starting = NULL;
    aio->is_lost = status == SHMRPC_E_UNAVAILABLE;
    bool is_flying = status == SHMRPC_OK && !is_oneway;
    if (!is_flying) {
        aio->flying--;
        Py_DECREF((PyObject *)c);
    }
    /* Unless dispatch has told its end already. */
    if (c->state == STARTING) {
        c->state = FLYING;
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

/* In the loop's thread: what start_first has returned. */
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
    aio_call *c = (aio_call *)object;
    if (c->state == FLYING && status != SHMRPC_OK) {
        PyErr_SetObject((PyObject *)Py_TYPE(what), what);
        settle(aio, c, NULL);
    } else if (c->state == FLYING &&
               (c->of->row->flags & SHMRPC_METHOD_ONEWAY) != 0) {
        settle(aio, c, Py_NewRef(Py_None));
    } else if (c->state == FLYING && c->is_cancelled) {
        (void)cancel(c);
    }
    return Py_NewRef(Py_None);
}

/* In a forked child: the parent's calls are not ours, nor is its loop. */
static PyObject *aio_forked(PyObject *self, PyObject *unused)
{
    core_aio *aio = (core_aio *)self;
    (void)unused;
    Py_CLEAR(aio->loop);
    aio->flying = 0;
    aio->starting = NULL;
    aio->is_lost = false;
    end_all_queued(aio, SHMRPC_E_FORKED, "the call is the parent's");
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
    {Py_tp_doc, "What shmrpc.aio has of a connection."},
    {0, NULL}};

PyType_Spec core_aio_spec = {.name = "shmrpc._core.Aio",
                             .basicsize = sizeof(core_aio),
                             .flags = Py_TPFLAGS_DEFAULT |
                                      Py_TPFLAGS_DISALLOW_INSTANTIATION,
                             .slots = aio_slots};
