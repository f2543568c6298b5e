/* Handlers in an event loop: the loop answers calls, and passes items on in
 * both directions. */
#include "worker_async.h"

#include <stdlib.h>

#include "shmrpc/stream_stub.h"

static bool is_dropped(core_job *j)
{
    (void)pthread_mutex_lock(&j->async->lock);
    bool is_over = j->is_dropped;
    (void)pthread_mutex_unlock(&j->async->lock);
    return is_over;
}

/* Wakes the step of a stream, if there is one. The caller holds the lock. */
static void wake(const core_job *j)
{
    if (j->ctx != NULL && !j->is_dropped) {
        shmrpc_stream_wake(j->ctx);
    }
}

/* ---- the loop answers ---------------------------------------------------- */

/* Answers a call. `result` lives in `scratch`, which a call with streams
 * keeps. */
static void answer(core_call_context *c, int status, void *result)
{
    core_job *j = c->job;
    if (j == NULL) {
        return;
    }
    core_async *a = j->async;
    if (j->has_streams) {
        (void)pthread_mutex_lock(&a->lock);
        j->is_ended = true;
        j->status = status;
        j->result = result;
        wake(j);
        (void)pthread_mutex_unlock(&a->lock);
        return;
    }
    shmrpc_ctx *ctx = c->ctx;
    c->ctx = NULL;
    c->job = NULL;
    (void)shmrpc_ctx_reply(ctx, status, result);
    free(j);
    core_async_leave(a);
}

/* Answers with the exception that is set. */
static void answer_failure(core_call_context *c, core_scratch *scratch)
{
    const core_job *j = c->job;
    shmrpc_ctx *ctx = core_job_claim(c);
    int status = SHMRPC_E_CANCELLED;
    if (ctx != NULL) {
        status = core_worker_fail(c->of, ctx, core_job_method(j), scratch);
        core_job_release(c);
    }
    PyErr_Clear();
    answer(c, status, NULL);
}

/* Returns -1 with an exception if the call was already answered. */
static int check_open(const core_call_context *c)
{
    if (c->job != NULL && (!c->job->has_streams || !c->job->is_ended)) {
        return 0;
    }
    PyErr_SetString(PyExc_RuntimeError, "the call is over");
    return -1;
}

/* Answers with a value, or with an error if the value does not fit. */
static PyObject *job_reply(PyObject *self, PyObject *value)
{
    core_call_context *c = (core_call_context *)self;
    core_job *j = c->job;
    core_scratch local;
    if (j == NULL) { /* a oneway call, or one whose client has left */
        return Py_NewRef(Py_None);
    }
    if (check_open(c) != 0) {
        return NULL;
    }
    core_node *node = c->of->nodes[CORE_NODES * j->method + CORE_RESULT];
    core_scratch *scratch = j->has_streams ? &j->scratch : &local;
    core_scratch_init(scratch, c->of->connection);
    scratch->is_typed = core_how_of(core_job_method(j)) == CORE_PYTHON;
    void *at = NULL;
    int failed = 0;
    if (node != NULL) {
        at = core_scratch_alloc(scratch, node->type->size + 1u,
                                node->type->align > 0 ? node->type->align : 1);
        failed = at == NULL || core_keep(scratch, Py_NewRef(value)) != 0 ||
                 core_value_to_c(scratch, node, value, at, "result") != 0;
    }
    bool keeps = j->has_streams && failed == 0 && at != NULL;
    if (failed == 0) {
        answer(c, SHMRPC_OK, at);
    } else {
        answer_failure(c, scratch);
    }
    if (!keeps) {
        core_scratch_fini(scratch);
    }
    return Py_NewRef(Py_None);
}

/* Answers with an exception. */
static PyObject *job_fail(PyObject *self, PyObject *exception)
{
    core_call_context *c = (core_call_context *)self;
    core_scratch scratch;
    if (!PyExceptionInstance_Check(exception)) {
        PyErr_SetString(PyExc_TypeError, "fail: expected an exception");
        return NULL;
    }
    if (c->job == NULL) { /* log the exception if no client receives it */
        PyObject *row =
            c->number == CORE_ONEWAY
                ? PyObject_CallMethod(c->of->object, "describe", "Os",
                                      exception, "a oneway method")
                : Py_NewRef(Py_None);
        Py_XDECREF(row);
        return row != NULL ? Py_NewRef(Py_None) : NULL;
    }
    if (check_open(c) != 0) {
        return NULL;
    }
    core_scratch_init(&scratch, c->of->connection);
    PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    answer_failure(c, &scratch);
    core_scratch_fini(&scratch);
    return Py_NewRef(Py_None);
}

void core_job_forget(core_call_context *c)
{
    if (c->job != NULL && !c->job->has_streams && c->ctx != NULL) {
        answer(c,
               shmrpc_ctx_fail(c->ctx, SHMRPC_E_INTERNAL,
                               "the handler has ended without an answer"),
               NULL);
    }
}

/* ---- items --------------------------------------------------------------- */

/* Whether the call still takes items. Returns -1 with an exception if its items
 * are not wanted any more. */
static int check_wanted(const core_call_context *c)
{
    if (c->job == NULL || (c->job->has_streams && is_dropped(c->job))) {
        core_source_fail(c->of->state, SHMRPC_E_CANCELLED);
        return -1;
    }
    return check_open(c);
}

/* Returns None, or NotImplemented if there is no room. */
static PyObject *job_push(PyObject *self, PyObject *value)
{
    core_call_context *c = (core_call_context *)self;
    if (check_wanted(c) != 0) {
        return NULL;
    }
    core_job *j = c->job;
    core_async *a = j->async;
    core_node *node = c->of->nodes[CORE_NODES * j->method + CORE_ITEMS_OUT];
    (void)pthread_mutex_lock(&a->lock);
    bool is_full = j->out_count >= CORE_OUT_MOST;
    (void)pthread_mutex_unlock(&a->lock);
    if (is_full) {
        return Py_NewRef(Py_NotImplemented);
    }
    core_item *it = PyMem_Malloc(sizeof *it);
    if (it == NULL) {
        return PyErr_NoMemory();
    }
    it->next = NULL;
    core_scratch_init(&it->scratch, c->of->connection);
    it->scratch.is_typed = core_how_of(core_job_method(j)) == CORE_PYTHON;
    it->value =
        core_scratch_alloc(&it->scratch, node->type->size + 1u,
                           node->type->align > 0 ? node->type->align : 1);
    if (it->value == NULL || core_keep(&it->scratch, Py_NewRef(value)) != 0 ||
        core_value_to_c(&it->scratch, node, value, it->value, "item") != 0) {
        core_items_free(it);
        return NULL;
    }
    (void)pthread_mutex_lock(&a->lock);
    if (j->out_last != NULL) {
        j->out_last->next = it;
    } else {
        j->out_first = it;
    }
    j->out_last = it;
    /* Wakes a step that waits for items to send. */
    if (j->out_count++ == 0) {
        wake(j);
    }
    (void)pthread_mutex_unlock(&a->lock);
    return Py_NewRef(Py_None);
}

/* Returns a core_item, or NotImplemented if none has arrived yet. Raises
 * StopAsyncIteration at the end. */
static PyObject *job_next(PyObject *self, PyObject *unused)
{
    core_call_context *c = (core_call_context *)self;
    (void)unused;
    if (check_wanted(c) != 0) {
        return NULL;
    }
    core_job *j = c->job;
    core_async *a = j->async;
    PyObject *value = j->in != NULL && PyList_Size(j->in) > 0
                          ? Py_NewRef(PyList_GetItem(j->in, 0))
                          : NULL;
    if (value != NULL && PySequence_DelItem(j->in, 0) != 0) {
        Py_CLEAR(value);
    }
    (void)pthread_mutex_lock(&a->lock);
    int status = j->in_status;
    if (value != NULL && --j->in_count == CORE_IN_MOST / 2) {
        wake(j);
    }
    bool has_more = j->in_count > 0;
    (void)pthread_mutex_unlock(&a->lock);
    if (value != NULL || PyErr_Occurred()) {
        return value;
    }
    if (status == SHMRPC_MORE || has_more) {
        return Py_NewRef(Py_NotImplemented);
    }
    if (status == SHMRPC_OK) {
        PyErr_SetNone(PyExc_StopAsyncIteration);
    } else {
        core_source_fail(c->of->state, status);
    }
    return NULL;
}

static PyObject *job_wanted(PyObject *self, PyObject *unused)
{
    const core_call_context *c = (const core_call_context *)self;
    (void)unused;
    core_job *j = c->job;
    return PyBool_FromLong(j == NULL        ? c->number == CORE_ONEWAY
                           : j->has_streams ? !is_dropped(j)
                                            : !shmrpc_ctx_cancelled(c->ctx));
}

PyMethodDef core_context_methods[] = {
    {"set_reply_metadata", core_context_set_reply_metadata, METH_VARARGS,
     "Sends metadata with the reply, to callers that ask for it: a key and a "
     "text."},
    {"_reply", job_reply, METH_O, NULL},
    {"_fail", job_fail, METH_O, NULL},
    {"_push", job_push, METH_O, NULL},
    {"_next", job_next, METH_NOARGS, NULL},
    {"_wanted", job_wanted, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL}};
