/* The part of handlers that runs in the event loop: takes new calls, and finds
 * the calls with streams that have news for the loop. */
#include "worker_async.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- the loop takes calls ------------------------------------------------ */

typedef struct jobs {
    PyObject_HEAD core_async *async;
} jobs;

PyObject *core_jobs(PyObject *module, PyObject *current)
{
    core_state *state = PyModule_GetState(module);
    if (state->program == NULL || state->program->async == NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "this process has no handlers in an event loop");
        return NULL;
    }
    jobs *made = PyObject_New(jobs, state->jobs_type);
    if (made != NULL) {
        made->async = state->program->async;
        PyObject *before = state->current;
        state->current = Py_NewRef(current);
        Py_XDECREF(before);
    }
    return (PyObject *)made;
}

static PyObject *jobs_fd(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyLong_FromLong(((const jobs *)self)->async->event);
}

/* Returns the seconds since the last call ended; 0 if calls are in progress. */
static PyObject *jobs_idle(PyObject *self, PyObject *unused)
{
    core_async *a = ((jobs *)self)->async;
    (void)unused;
    (void)pthread_mutex_lock(&a->lock);
    int64_t idle_ns = a->count == 0 ? core_now_ns() - a->moved_ns : 0;
    (void)pthread_mutex_unlock(&a->lock);
    return PyFloat_FromDouble((double)idle_ns / 1e9);
}

/* Makes the tuple that describes a call: (context, function, arguments or the
 * exception that making them raised, whether the client sends items, whether
 * items are returned). */
static PyObject *row_of(core_job *j)
{
    core_program *p = j->async->of;
    core_node *const *nodes = &p->nodes[CORE_NODES * j->method];
    core_call_context *context =
        core_context_new(p, j->is_oneway || j->has_streams ? NULL : j->ctx);
    if (context == NULL) {
        return NULL;
    }
    context->job = j->is_oneway ? NULL : j;
    context->number = j->is_oneway ? CORE_ONEWAY : 0;
    PyObject *args =
        core_worker_arguments(p, nodes[CORE_PARAMS], j->params,
                              core_how_of(core_job_method(j)), NULL);
    if (args == NULL) {
        args = core_take_exception();
    }
    if (j->has_streams) {
        j->context = (core_call_context *)Py_NewRef((PyObject *)context);
    }
    return Py_BuildValue("(NONOO)", (PyObject *)context,
                         PyList_GetItem(p->functions, (Py_ssize_t)j->method),
                         args,
                         nodes[CORE_ITEMS_IN] != NULL ? Py_True : Py_False,
                         nodes[CORE_ITEMS_OUT] != NULL ? Py_True : Py_False);
}

void core_items_free(core_item *first)
{
    while (first != NULL) {
        core_item *next = first->next;
        core_scratch_fini(&first->scratch);
        PyMem_Free(first);
        first = next;
    }
}

/* Frees items that were sent, which needs the GIL because they point into
 * Python objects. */
static void free_sent(core_job *j)
{
    (void)pthread_mutex_lock(&j->async->lock);
    core_item *sent = j->sent;
    j->sent = NULL;
    (void)pthread_mutex_unlock(&j->async->lock);
    core_items_free(sent);
}

/* Frees a job for which drop() has been called, after which only the loop uses
 * it. */
static void free_job(core_job *j)
{
    core_call_context *context = j->context;
    core_items_free(j->sent);
    core_items_free(j->out_first);
    if (j->result != NULL) {
        core_scratch_fini(&j->scratch);
    }
    Py_XDECREF(j->in);
    core_async_leave(j->async);
    free(j);
    if (context != NULL) {
        context->job = NULL;
        Py_DECREF((PyObject *)context);
    }
}

/* Returns the contexts of the calls in the list `news`. Frees the jobs of calls
 * that are over. */
static PyObject *take_news(core_job *news)
{
    PyObject *list = PyList_New(0);
    while (news != NULL) {
        core_job *j = news;
        core_async *a = j->async;
        (void)pthread_mutex_lock(&a->lock);
        news = j->more;
        j->has_news = false;
        bool is_over = j->is_dropped;
        if (j->context == NULL) { /* the loop has not taken the call yet: the
                                   * news stay in the list until it has */
            core_job_note_news(j);
        }
        (void)pthread_mutex_unlock(&a->lock);
        if (j->context == NULL) {
            continue;
        }
        if (list != NULL && PyList_Append(list, (PyObject *)j->context) != 0) {
            Py_CLEAR(list);
        }
        if (is_over) {
            free_job(j);
        } else {
            free_sent(j);
        }
    }
    return list;
}

/* Removes a call that was never begun from the list of news. */
static void forget_news(core_job *j)
{
    (void)pthread_mutex_lock(&j->async->lock);
    core_job **at = &j->async->news;
    while (*at != NULL && *at != j) {
        at = &(*at)->more;
    }
    if (*at == j) {
        *at = j->more;
    }
    (void)pthread_mutex_unlock(&j->async->lock);
}

static core_job *take_first(core_async *a)
{
    (void)pthread_mutex_lock(&a->lock);
    core_job *j = a->first;
    if (j != NULL) {
        a->first = j->next;
        a->first_ns = core_now_ns();
        (void)pthread_cond_broadcast(&a->changed);
    }
    (void)pthread_mutex_unlock(&a->lock);
    return j;
}

static void say_taken(core_async *a, core_job *j)
{
    (void)pthread_mutex_lock(&a->lock);
    j->is_taken = true;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
}

static void release(core_job *j)
{
    (void)pthread_mutex_lock(&j->async->lock);
    j->claims--;
    (void)pthread_cond_broadcast(&j->async->changed);
    (void)pthread_mutex_unlock(&j->async->lock);
}

/* Makes the tuple that describes a call with streams. Claims the job meanwhile,
 * so that its context and parameters stay alive. Returns NULL without an
 * exception if the call has ended. */
static PyObject *row_of_stream(core_job *j)
{
    core_async *a = j->async;
    (void)pthread_mutex_lock(&a->lock);
    bool is_over = j->is_dropped;
    j->claims += is_over ? 0 : 1;
    (void)pthread_mutex_unlock(&a->lock);
    if (is_over) {
        forget_news(j);
        free_job(j);
        return NULL;
    }
    PyObject *row = row_of(j);
    release(j);
    return row;
}

/* Returns the tuple (new calls, contexts of calls that have news). */
static PyObject *jobs_take(PyObject *self, PyObject *unused)
{
    core_async *a = ((jobs *)self)->async;
    uint64_t rings;
    (void)unused;
    ssize_t got = read(a->event, &rings, sizeof rings);
    (void)got;
    PyObject *calls = PyList_New(0);
    core_job *j;
    while (calls != NULL && (j = take_first(a)) != NULL) {
        bool is_oneway = j->is_oneway;
        PyObject *row = j->has_streams ? row_of_stream(j) : row_of(j);
        if (row != NULL ? PyList_Append(calls, row) != 0
                        : PyErr_Occurred() != NULL) {
            Py_CLEAR(calls);
        }
        Py_XDECREF(row);
        if (is_oneway) {
            say_taken(a, j);
        }
    }
    (void)pthread_mutex_lock(&a->lock);
    core_job *news = a->news;
    a->news = NULL;
    (void)pthread_mutex_unlock(&a->lock);
    PyObject *told = take_news(news);
    if (calls == NULL || told == NULL) {
        Py_XDECREF(calls);
        Py_XDECREF(told);
        return NULL;
    }
    return Py_BuildValue("(NN)", calls, told);
}

static void jobs_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyMethodDef jobs_methods[] = {{"fd", jobs_fd, METH_NOARGS, NULL},
                                     {"idle", jobs_idle, METH_NOARGS, NULL},
                                     {"take", jobs_take, METH_NOARGS, NULL},
                                     {NULL, NULL, 0, NULL}};

static PyType_Slot jobs_slots[] = {
    {Py_tp_dealloc, jobs_dealloc},
    {Py_tp_methods, jobs_methods},
    {Py_tp_doc, "The calls that wait for the loop of this worker."},
    {0, NULL}};

PyType_Spec core_jobs_spec = {.name = "shmrpc._core.Jobs",
                              .basicsize = sizeof(jobs),
                              .flags = Py_TPFLAGS_DEFAULT |
                                       Py_TPFLAGS_DISALLOW_INSTANTIATION,
                              .slots = jobs_slots};

/* ---- the context of a call with streams ---------------------------------- */

shmrpc_ctx *core_job_claim(core_call_context *c)
{
    core_job *j = c->job;
    if (j == NULL || !j->has_streams) {
        return c->ctx;
    }
    core_async *a = j->async;
    PyThreadState *state = PyEval_SaveThread();
    (void)pthread_mutex_lock(&a->lock);
    /* A call has no context before its first step. */
    while ((j->is_stepping || j->ctx == NULL) && !j->is_dropped) {
        core_async_wait(a);
    }
    bool is_there = !j->is_dropped;
    j->claims += is_there ? 1 : 0;
    shmrpc_ctx *ctx = is_there ? j->ctx : NULL;
    (void)pthread_mutex_unlock(&a->lock);
    PyEval_RestoreThread(state);
    return ctx;
}

void core_job_release(core_call_context *c)
{
    if (c->job != NULL && c->job->has_streams) {
        release(c->job);
    }
}
