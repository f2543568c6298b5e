/* Handlers that run in a loop of asyncio: what the library's threads and the
 * loop's hand each other.
 *
 * The library calls core_async_handle, which never takes the interpreter's
 * lock: it detaches the call, puts it into a list, and makes a descriptor
 * readable.  The loop takes what is there, runs the handlers as tasks, and
 * answers.  Of a call with streams a step runs in a thread of the library,
 * which sends what the loop has converted, and reads up to IN_MOST items ahead.
 *
 * Whoever has the lock of core_async waits for nothing else.  The context of a
 * call with streams is used by a step, or is claimed by the loop. */
#include "worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "shmrpc/stream_stub.h"

/* Items of a call that are held on their way, in each direction. */
#define IN_MOST  32u
#define OUT_MOST 32u
/* `number` of the context of a oneway call, which has no job. */
#define ONEWAY 1u
/* A loop that has not looked for so long is stuck: callers wait in their
 * handler, as the supervisor looks for such. */
#define STUCK_NS INT64_C(100000000)

typedef struct item {
    struct item *next;
    void *value;
    core_scratch scratch;
} item;

typedef struct core_job {
    struct core_job *next; /* in `first` */
    struct core_job *more; /* in `news` */
    core_async *async;
    core_call_context *context; /* with streams: a reference until the drop */
    shmrpc_ctx *ctx;            /* with streams: what steps are given */
    const void *params;
    uint32_t method;
    bool is_oneway;
    bool is_taken;
    bool has_streams;
    /* What follows is of those, under the lock but for what is named. */
    bool has_news;
    bool is_stepping;
    unsigned claims;
    bool is_dropped;
    bool is_ended; /* `status` is how */
    int status;
    void *result;
    item *out_first;
    item *out_last;
    item *sent; /* to be freed by the loop */
    unsigned out_count;
    unsigned in_count;
    int in_status;        /* MORE, or how the items have ended */
    PyObject *in;         /* a list; with the interpreter's lock */
    core_scratch scratch; /* of the result; the loop's */
} core_job;

struct core_async {
    core_program *of;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int event;
    core_job *first; /* not taken yet */
    core_job *last;
    core_job *news;
    int64_t first_ns; /* since when there is a first */
    unsigned count;   /* calls that are not answered */
    int64_t moved_ns; /* when that has changed */
};

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void ring(const core_async *a)
{
    const uint64_t one = 1;
    /* It can't fail but when it is readable already. */
    ssize_t done = write(a->event, &one, sizeof one);
    (void)done;
}

/* Under the lock. */
static void wait_for_change(core_async *a)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += STUCK_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&a->changed, &a->lock, &until);
}

int core_async_begin(core_program *p)
{
    core_async *a = calloc(1, sizeof *a);
    if (a == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    a->of = p;
    a->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (a->event < 0) {
        free(a);
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_cond_init(&a->changed, NULL);
    p->async = a;
    return 0;
}

/* ---- the library's threads ------------------------------------------------
 */

static const shmrpc_method *method_of(const core_job *j)
{
    return &j->async->of->connection->service->methods[j->method];
}

/* Waits until one more may begin. */
static void enter(core_async *a)
{
    (void)pthread_mutex_lock(&a->lock);
    while (a->count >= a->of->async_limit ||
           (a->first != NULL && now_ns() - a->first_ns > STUCK_NS)) {
        wait_for_change(a);
    }
    a->count++;
    a->moved_ns = now_ns();
    (void)pthread_mutex_unlock(&a->lock);
}

static void leave(core_async *a)
{
    (void)pthread_mutex_lock(&a->lock);
    a->count--;
    a->moved_ns = now_ns();
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
}

static void push_job(core_async *a, core_job *j)
{
    (void)pthread_mutex_lock(&a->lock);
    if (a->first == NULL) {
        a->first = j;
        a->first_ns = now_ns();
    } else {
        a->last->next = j;
    }
    a->last = j;
    (void)pthread_mutex_unlock(&a->lock);
    ring(a);
}

/* A oneway call can't be detached: its parameters are the handler's until they
 * are taken. */
static void await_taken(core_async *a, const core_job *j)
{
    (void)pthread_mutex_lock(&a->lock);
    while (!j->is_taken) {
        wait_for_change(a);
    }
    (void)pthread_mutex_unlock(&a->lock);
}

/* Under the lock. */
static void note_news(core_job *j)
{
    if (!j->has_news) {
        j->has_news = true;
        j->more = j->async->news;
        j->async->news = j;
    }
}

/* Sends what the loop has made. OK: all of it; BUSY: there is no room. */
static int send_items(core_job *j, shmrpc_ctx *ctx)
{
    shmrpc_sink *sink = shmrpc_stub_sink(ctx);
    int status = SHMRPC_OK;
    while (j->out_first != NULL && status == SHMRPC_OK) {
        item *it = j->out_first;
        status = shmrpc_stub_sink_send(sink, it->value, SHMRPC_OPT_NONBLOCK);
        if (status == SHMRPC_OK) {
            j->out_first = it->next;
            j->out_last = j->out_first != NULL ? j->out_last : NULL;
            j->out_count--;
            it->next = j->sent;
            j->sent = it;
        }
    }
    return status;
}

/* With the interpreter's lock: reads ahead. */
static int read_items(core_job *j, shmrpc_ctx *ctx, unsigned *count)
{
    const core_program *p = j->async->of;
    core_node *node = p->nodes[CORE_NODES * j->method + CORE_ITEMS_IN];
    shmrpc_source *source = shmrpc_stub_source(ctx);
    int status = SHMRPC_MORE;
    j->in = j->in != NULL ? j->in : PyList_New(0);
    while (j->in != NULL && *count < IN_MOST && status == SHMRPC_MORE) {
        const void *at;
        status = shmrpc_stub_source_try_next(source, &at);
        PyObject *value = status == SHMRPC_MORE
                              ? core_from_c(p->connection, node, at,
                                            core_how_of(method_of(j)))
                              : NULL;
        if (status == SHMRPC_MORE &&
            (value == NULL || PyList_Append(j->in, value) != 0)) {
            PyErr_Clear();
            status = SHMRPC_E_NO_MEMORY;
        }
        *count += status == SHMRPC_MORE ? 1 : 0;
        Py_XDECREF(value);
    }
    return status;
}

static void read_ahead(core_job *j, shmrpc_ctx *ctx)
{
    core_async *a = j->async;
    PyGILState_STATE state = PyGILState_Ensure();
    unsigned count = 0;
    int status = read_items(j, ctx, &count);
    PyGILState_Release(state);
    (void)pthread_mutex_lock(&a->lock);
    j->in_count += count;
    if (status != SHMRPC_MORE && status != SHMRPC_E_BUSY) {
        j->in_status = status;
    }
    if (count > 0 || j->in_status != SHMRPC_MORE) {
        note_news(j);
    }
    (void)pthread_mutex_unlock(&a->lock);
}

/* Under the lock: what the step is to do. */
static bool wants_items(const core_job *j)
{
    return method_of(j)->items_in != NULL && j->in_status == SHMRPC_MORE &&
           j->in_count < IN_MOST && !j->is_ended;
}

static void begin_step(core_job *j, shmrpc_ctx *ctx)
{
    while (j->claims > 0) {
        wait_for_change(j->async);
    }
    j->is_stepping = true;
    j->ctx = ctx;
}

static int step(shmrpc_ctx *ctx, shmrpc_function unused, void *state,
                void *result)
{
    core_job *j = state;
    core_async *a = j->async;
    (void)unused;
    (void)pthread_mutex_lock(&a->lock);
    begin_step(j, ctx);
    item *sent = j->sent;
    int status = j->out_first != NULL ? send_items(j, ctx) : (int)SHMRPC_OK;
    if (j->sent != sent) {
        note_news(j);
    }
    bool reads = wants_items(j);
    (void)pthread_mutex_unlock(&a->lock);
    if (reads && (status == SHMRPC_OK || status == SHMRPC_E_BUSY)) {
        read_ahead(j, ctx);
    }
    (void)pthread_mutex_lock(&a->lock);
    if (status == SHMRPC_E_BUSY) {
        status = SHMRPC_MORE;
    } else if (status == SHMRPC_OK) {
        status =
            j->is_ended && j->out_first == NULL ? j->status : (int)SHMRPC_MORE;
        if (status == SHMRPC_OK && j->result != NULL && result != NULL) {
            memcpy(result, j->result, method_of(j)->result->size);
        }
    }
    bool has_news = j->has_news;
    j->is_stepping = false;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
    if (has_news) {
        ring(a);
    }
    return status;
}

/* The call is over; so is its context. */
static void drop(void *state)
{
    core_job *j = state;
    core_async *a = j->async;
    (void)pthread_mutex_lock(&a->lock);
    while (j->claims > 0) {
        wait_for_change(a);
    }
    j->is_dropped = true;
    j->ctx = NULL;
    note_news(j);
    (void)pthread_mutex_unlock(&a->lock);
    ring(a);
}

static void no_function(void)
{
}

int core_async_handle(core_program *p, shmrpc_ctx *ctx, const void *params)
{
    core_async *a = p->async;
    core_job *j = calloc(1, sizeof *j);
    if (j == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    j->async = a;
    j->params = params;
    j->method = shmrpc_ctx_method(ctx);
    j->is_oneway = (method_of(j)->flags & SHMRPC_METHOD_ONEWAY) != 0;
    j->has_streams =
        method_of(j)->items_in != NULL || method_of(j)->items_out != NULL;
    j->in_status = SHMRPC_MORE;
    enter(a);
    int status = SHMRPC_DETACHED;
    if (j->has_streams) {
        status = shmrpc_stub_stream_detach(ctx, step, no_function, j, drop);
    } else if (!j->is_oneway) {
        status = shmrpc_ctx_detach(ctx, &j->ctx);
    }
    if (status != SHMRPC_DETACHED) {
        leave(a);
        free(j);
        return status;
    }
    bool is_oneway = j->is_oneway;
    push_job(a, j); /* which is the loop's from now on */
    if (is_oneway) {
        await_taken(a, j);
        leave(a);
        free(j);
        return SHMRPC_OK;
    }
    return SHMRPC_DETACHED;
}

/* ---- the loop takes calls -------------------------------------------------
 */

typedef struct jobs {
    PyObject_HEAD core_async *async;
} jobs;

PyObject *core_jobs(PyObject *module, PyObject *current)
{
    core_state *state = PyModule_GetState(module);
    if (state->program == NULL || state->program->async == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "this process serves no loop");
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

/* Seconds since the last call; 0: there are some. */
static PyObject *jobs_idle(PyObject *self, PyObject *unused)
{
    core_async *a = ((jobs *)self)->async;
    (void)unused;
    (void)pthread_mutex_lock(&a->lock);
    int64_t idle_ns = a->count == 0 ? now_ns() - a->moved_ns : 0;
    (void)pthread_mutex_unlock(&a->lock);
    return PyFloat_FromDouble((double)idle_ns / 1e9);
}

/* (context, function, arguments or the exception, whether items come, whether
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
    context->number = j->is_oneway ? ONEWAY : 0;
    PyObject *args = core_worker_arguments(p, nodes[CORE_PARAMS], j->params,
                                           core_how_of(method_of(j)), NULL);
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

static void free_items(item *first)
{
    while (first != NULL) {
        item *next = first->next;
        core_scratch_fini(&first->scratch);
        PyMem_Free(first);
        first = next;
    }
}

/* Those that were sent point into Python's objects. */
static void free_sent(core_job *j)
{
    (void)pthread_mutex_lock(&j->async->lock);
    item *sent = j->sent;
    j->sent = NULL;
    (void)pthread_mutex_unlock(&j->async->lock);
    free_items(sent);
}

/* Its drop was called: nobody else has it. */
static void free_job(core_job *j)
{
    core_call_context *context = j->context;
    free_items(j->sent);
    free_items(j->out_first);
    if (j->result != NULL) {
        core_scratch_fini(&j->scratch);
    }
    Py_XDECREF(j->in);
    leave(j->async);
    free(j);
    if (context != NULL) {
        context->job = NULL;
        Py_DECREF((PyObject *)context);
    }
}

/* The contexts of calls with streams that have news. */
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
        if (j->context == NULL) { /* not pushed yet: that will ring */
            note_news(j);
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

/* It was never begun, and nobody asks for its news. */
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
        a->first_ns = now_ns();
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

/* The row of a call whose context can't end meanwhile, as its parameters would.
 * NULL without an exception: it has ended. */
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

/* (calls, contexts with news). */
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

/* ---- the context of a call with streams ------------------------------------
 */

shmrpc_ctx *core_job_claim(core_call_context *c)
{
    core_job *j = c->job;
    if (j == NULL || !j->has_streams) {
        return c->ctx;
    }
    core_async *a = j->async;
    PyThreadState *state = PyEval_SaveThread();
    (void)pthread_mutex_lock(&a->lock);
    /* Before its first step there is none. */
    while ((j->is_stepping || j->ctx == NULL) && !j->is_dropped) {
        wait_for_change(a);
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

static bool is_dropped(core_job *j)
{
    (void)pthread_mutex_lock(&j->async->lock);
    bool is_over = j->is_dropped;
    (void)pthread_mutex_unlock(&j->async->lock);
    return is_over;
}

/* Under the lock. */
static void wake(const core_job *j)
{
    if (j->ctx != NULL && !j->is_dropped) {
        shmrpc_stream_wake(j->ctx);
    }
}

/* ---- the loop answers ------------------------------------------------------
 */

/* `result` lives in `scratch`, which a call with streams keeps. */
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
    leave(a);
}

/* With the exception that is set. */
static void answer_failure(core_call_context *c, core_scratch *scratch)
{
    const core_job *j = c->job;
    shmrpc_ctx *ctx = core_job_claim(c);
    int status = SHMRPC_E_CANCELLED;
    if (ctx != NULL) {
        status = core_worker_fail(c->of, ctx, method_of(j), scratch);
        core_job_release(c);
    }
    PyErr_Clear();
    answer(c, status, NULL);
}

/* -1 with an exception: it was answered. */
static int check_open(const core_call_context *c)
{
    if (c->job != NULL && (!c->job->has_streams || !c->job->is_ended)) {
        return 0;
    }
    PyErr_SetString(PyExc_RuntimeError, "the call is over");
    return -1;
}

/* Answers with a value, or with how that does not fit. */
static PyObject *job_reply(PyObject *self, PyObject *value)
{
    core_call_context *c = (core_call_context *)self;
    core_job *j = c->job;
    core_scratch local;
    if (j == NULL) { /* oneway, or its client has left */
        return Py_NewRef(Py_None);
    }
    if (check_open(c) != 0) {
        return NULL;
    }
    core_node *node = c->of->nodes[CORE_NODES * j->method + CORE_RESULT];
    core_scratch *scratch = j->has_streams ? &j->scratch : &local;
    core_scratch_init(scratch, c->of->connection);
    scratch->is_typed = core_how_of(method_of(j)) == CORE_PYTHON;
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
    if (c->job == NULL) { /* it is logged, if nobody is told */
        PyObject *row =
            c->number == ONEWAY
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

/* ---- items -----------------------------------------------------------------
 */

/* Whether items can be handed on; -1 with an exception: nobody wants them. */
static int check_wanted(const core_call_context *c)
{
    if (c->job == NULL || (c->job->has_streams && is_dropped(c->job))) {
        core_source_fail(c->of->state, SHMRPC_E_CANCELLED);
        return -1;
    }
    return check_open(c);
}

/* None, or NotImplemented: there is no room. */
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
    bool is_full = j->out_count >= OUT_MOST;
    (void)pthread_mutex_unlock(&a->lock);
    if (is_full) {
        return Py_NewRef(Py_NotImplemented);
    }
    item *it = PyMem_Malloc(sizeof *it);
    if (it == NULL) {
        return PyErr_NoMemory();
    }
    it->next = NULL;
    core_scratch_init(&it->scratch, c->of->connection);
    it->scratch.is_typed = core_how_of(method_of(j)) == CORE_PYTHON;
    it->value =
        core_scratch_alloc(&it->scratch, node->type->size + 1u,
                           node->type->align > 0 ? node->type->align : 1);
    if (it->value == NULL || core_keep(&it->scratch, Py_NewRef(value)) != 0 ||
        core_value_to_c(&it->scratch, node, value, it->value, "item") != 0) {
        free_items(it);
        return NULL;
    }
    (void)pthread_mutex_lock(&a->lock);
    if (j->out_last != NULL) {
        j->out_last->next = it;
    } else {
        j->out_first = it;
    }
    j->out_last = it;
    /* One that waits for room is told of that. */
    if (j->out_count++ == 0) {
        wake(j);
    }
    (void)pthread_mutex_unlock(&a->lock);
    return Py_NewRef(Py_None);
}

/* An item; NotImplemented: none yet. StopAsyncIteration is the end. */
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
    if (value != NULL && --j->in_count == IN_MOST / 2) {
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
    return PyBool_FromLong(j == NULL        ? c->number == ONEWAY
                           : j->has_streams ? !is_dropped(j)
                                            : !shmrpc_ctx_cancelled(c->ctx));
}

PyMethodDef core_job_methods[] = {{"_reply", job_reply, METH_O, NULL},
                                  {"_fail", job_fail, METH_O, NULL},
                                  {"_push", job_push, METH_O, NULL},
                                  {"_next", job_next, METH_NOARGS, NULL},
                                  {"_wanted", job_wanted, METH_NOARGS, NULL},
                                  {NULL, NULL, 0, NULL}};
