/* Sends and ends asyncio calls.
 *
 * After sending a call, the thread first waits for it like a blocking call that
 * spins: if the call ends meanwhile, awaiting it needs no turn of the loop.
 * Calls wait in a queue if they can't be sent at once, because there is no room
 * or no server, or if they must be sent again, because their server was lost
 * before a worker had taken them. Dispatch and a timer of the loop serve the
 * queue. */
#include "aio.h"
#include "wait.h"

#include <string.h>

/* How long the loop's thread waits for a call that it has just sent, if such
 * waits have paid off so far. */
#define PATIENCE_NS INT64_C(20000)
/* After this many calls that ended at once, or after this long without a turn
 * of the loop, other tasks get a turn. */
#define CALLS_A_TURN 64
#define TURN_NS      INT64_C(1000000)
/* Bounds of core_aio.score. While the score is below 0, the thread does not
 * wait for calls, and each call adds 1 to the score. */
#define SCORE_MOST  8
#define SCORE_LEAST (-64)

/* ---- the end of a call --------------------------------------------------- */

void core_aio_forget_arguments(core_aio_call *c)
{
    if (c->in != NULL) {
        core_invocation_fini(c->in);
        PyMem_Free(c->in);
        c->in = NULL;
    }
}

/* Stores `value`, or the exception that is set if `value` is NULL. Takes over
 * the reference. */
void core_aio_settle(core_aio *aio, core_aio_call *c, PyObject *value)
{
    c->value = value;
    c->raised = value == NULL ? core_take_exception() : NULL;
    c->state = CORE_AIO_OVER;
    c->call = NULL;
    core_aio_forget_arguments(c);
    PyObject *future = c->future;
    c->future = NULL;
    if (future != NULL) {
        core_aio_tell(aio, "wake", future);
        Py_DECREF(future);
    }
}

static void core_aio_settle_error(core_aio *aio, core_aio_call *c,
                                  const shmrpc_error *error)
{
    (void)core_raise_plain(c->of->connection->state, error);
    core_aio_settle(aio, c, NULL);
}

void core_aio_no_function(void)
{
}

/* ---- sending ------------------------------------------------------------- */

/* Passes the call to the library, which keeps a reference to the object until
 * the call ends. Returns a status of shmrpc_stub_async(). */
static int send(core_aio *aio, core_aio_call *c, int64_t patience_ns,
                shmrpc_error *error)
{
    const core_method *m = c->of;
    const core_invocation *in = c->in;
    shmrpc_client *client = m->connection->client;
    if ((m->row->flags & SHMRPC_METHOD_ONEWAY) != 0) {
        int status = shmrpc_stub_call(client, m->index, in->params, &in->opts,
                                      NULL, error);
        if (status == SHMRPC_OK) {
            core_aio_settle(aio, c, Py_NewRef(Py_None));
        }
        return status;
    }
    c->state = CORE_AIO_FLYING;
    aio->flying++;
    Py_INCREF((PyObject *)c);
    int status = shmrpc_stub_async_soon(
        client, m->index, in->params, &in->opts, patience_ns, &c->call, error,
        core_aio_on_end, core_aio_no_function, c);
    if (status != SHMRPC_OK) {
        c->state = CORE_AIO_QUEUED;
        aio->flying--;
        Py_DECREF((PyObject *)c);
    }
    return status;
}

/* ---- calls that can't be sent yet ---------------------------------------- */

static void enqueue(core_aio *aio, core_aio_call *c)
{
    Py_INCREF((PyObject *)c);
    c->state = CORE_AIO_QUEUED;
    c->next = NULL;
    if (aio->last != NULL) {
        aio->last->next = c;
    } else {
        aio->first = c;
    }
    aio->last = c;
}

/* Takes a call out of the queue; the caller gets the queue's reference. */
void core_aio_dequeue(core_aio *aio, core_aio_call *c)
{
    core_aio_call **at = &aio->first;
    core_aio_call *before = NULL;
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

void core_aio_end_queued(core_aio *aio, core_aio_call *c,
                         const shmrpc_error *error)
{
    core_aio_dequeue(aio, c);
    core_aio_settle_error(aio, c, error);
    Py_DECREF((PyObject *)c);
}

static void expire(core_aio *aio)
{
    int64_t now = core_now_ns();
    for (core_aio_call *c = aio->first; c != NULL;) {
        core_aio_call *next = c->next;
        if (c->deadline_ns <= now) {
            shmrpc_error error;
            (void)shmrpc_error_set(
                &error, SHMRPC_E_DEADLINE, "method %s: not sent in time: %s",
                c->of->row->name,
                aio->is_lost ? "there is no server"
                             : "calls of this client are in all 64 slots");
            error.may_have_run = false;
            core_aio_end_queued(aio, c, &error);
        }
        c = next;
    }
}

/* Sends queued calls while there is room in the connection. */
void core_aio_send_queued(core_aio *aio)
{
    core_wait wait;
    expire(aio);
    while (aio->first != NULL && !aio->is_lost) {
        core_aio_call *c = aio->first;
        shmrpc_error error;
        int64_t left_ns = c->deadline_ns - core_now_ns();
        c->in->opts.timeout_ns = left_ns > 0 ? left_ns : 1;
        c->in->opts.flags |= CORE_NEVER_WAITS;
        core_wait_enter(&wait, CORE_WAIT_LATE);
        int status = send(aio, c, 0, &error);
        (void)core_wait_leave(&wait);
        if (status == SHMRPC_E_BUSY) {
            return;
        }
        if (status == SHMRPC_E_UNAVAILABLE) {
            aio->is_lost = true;
        } else if (status != SHMRPC_OK) {
            core_aio_end_queued(aio, c, &error);
        } else {
            core_aio_dequeue(aio, c);
            Py_DECREF((PyObject *)c);
        }
    }
    if (aio->is_lost && aio->first != NULL) {
        core_aio_tell(aio, "revive", NULL);
    }
}

/* Queues a call until there is room, or a server. */
static void queue(core_aio *aio, core_aio_call *c)
{
    enqueue(aio, c);
    core_aio_tell(aio, "watch_queue", NULL);
    if (aio->is_lost) {
        core_aio_tell(aio, "revive", NULL);
    }
}

/* Whether to send a call again: its server was lost before a worker had taken
 * it, so it goes to the next server, like queued calls. */
static bool is_to_be_sent_again(const core_aio *aio, const core_aio_call *c,
                                int status, const shmrpc_error *error)
{
    return status == SHMRPC_E_UNAVAILABLE && !error->may_have_run &&
           c->state == CORE_AIO_FLYING && !aio->connection->is_closing &&
           core_now_ns() < c->deadline_ns;
}

/* The thread holds the GIL, because dispatch, send and close are called with
 * it. */
void core_aio_on_end(shmrpc_function done, void *user, int status, void *reply,
                     const shmrpc_error *error)
{
    core_aio_call *c = user;
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
    core_aio_settle(aio, c, result);
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

/* ---- calling ------------------------------------------------------------- */

static core_aio_call *call_new(core_method *m)
{
    core_aio_call *c =
        PyObject_New(core_aio_call, m->connection->state->aio_call_type);
    if (c != NULL) {
        memset((char *)c + sizeof(PyObject), 0, sizeof *c - sizeof(PyObject));
        c->of = (core_method *)Py_NewRef((PyObject *)m);
        c->state = CORE_AIO_QUEUED;
    }
    return c;
}

/* Returns how long to wait for the call that is sent now; 0 if other calls are
 * in flight, since they may take longer. */
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

static void note_patience(core_aio *aio, core_aio_call *c)
{
    if (c->state != CORE_AIO_OVER) {
        aio->score = aio->score > 0 ? aio->score - 4 : SCORE_LEAST;
        return;
    }
    aio->score = aio->score < SCORE_MOST ? aio->score + 1 : SCORE_MOST;
    aio->calls++;
    c->wants_turn =
        aio->calls >= CALLS_A_TURN || core_now_ns() - aio->turn_ns > TURN_NS;
}

static int prepare(core_aio_call *c, PyObject *const *args, size_t nargsf,
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
    in->opts.flags |= CORE_NEVER_WAITS;
    int64_t timeout_ns = timeout_of(c->of, in);
    int64_t now = core_now_ns();
    c->deadline_ns =
        timeout_ns < INT64_MAX - now ? now + timeout_ns : INT64_MAX;
    return 0;
}

/* Sends the call, or queues it if it can't be sent now. Returns -1 on
 * failure. */
static int begin(core_aio *aio, core_aio_call *c)
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
    core_aio_call *c = NULL;
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
