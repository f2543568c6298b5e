/* The context of a call: what its handler can ask about it. */
#include "worker.h"

typedef core_call_context context;
typedef core_program program;

/* Returns the context of the running task, or NULL if there is none. New
 * reference. */
static PyObject *context_of_task(core_state *state)
{
    PyObject *found =
        state->current != NULL
            ? PyObject_CallMethod(state->current, "get", "O", Py_None)
            : NULL;
    if (found == Py_None) {
        Py_CLEAR(found);
    }
    return found;
}

PyObject *core_context(PyObject *module, PyObject *unused)
{
    core_state *state = PyModule_GetState(module);
    const void *seat;
    unsigned long long number;
    (void)unused;
    shmrpc_ctx *ctx = core_worker_here(&seat, &number);
    if (ctx == NULL) {
        PyObject *found = context_of_task(state);
        if (found == NULL && !PyErr_Occurred()) {
            PyErr_SetString(PyExc_RuntimeError,
                            "context() is for handlers, in the thread or task "
                            "that runs them");
        }
        return found;
    }
    context *c = core_context_new(state->program, ctx);
    if (c != NULL) {
        c->seat = seat;
        c->number = number;
    }
    return (PyObject *)c;
}

context *core_context_new(program *p, shmrpc_ctx *ctx)
{
    context *c = PyObject_New(context, p->state->context_type);
    if (c != NULL) {
        c->ctx = ctx;
        c->of = p;
        c->seat = NULL;
        c->number = 0;
        c->job = NULL;
    }
    return c;
}

/* Reserves the call until release(). Returns NULL with a RuntimeError if the
 * call is over or belongs to another thread. */
static shmrpc_ctx *claim(context *c)
{
    const void *seat;
    unsigned long long number;
    shmrpc_ctx *ctx = NULL;
    if (c->seat == NULL) {
        ctx = core_job_claim(c);
    } else if (core_worker_here(&seat, &number) == c->ctx && c->seat == seat &&
               c->number == number) {
        ctx = c->ctx;
    }
    if (ctx == NULL) {
        PyErr_SetString(
            PyExc_RuntimeError,
            "the call of this context is over, or belongs to another thread");
    }
    return ctx;
}

static void release(context *c)
{
    if (c->seat == NULL) {
        core_job_release(c);
    }
}

/* Calls `read` on the reserved call and returns its result. */
static PyObject *ask(PyObject *self,
                     PyObject *(*read)(const context *c, shmrpc_ctx *ctx))
{
    context *c = (context *)self;
    shmrpc_ctx *ctx = claim(c);
    if (ctx == NULL) {
        return NULL;
    }
    PyObject *value = read(c, ctx);
    release(c);
    return value;
}

static PyObject *cancelled(const context *c, shmrpc_ctx *ctx)
{
    (void)c;
    return PyBool_FromLong(shmrpc_ctx_cancelled(ctx));
}

static PyObject *context_cancelled(PyObject *self, void *closure)
{
    (void)closure;
    return ask(self, cancelled);
}

static PyObject *draining(const context *c, shmrpc_ctx *ctx)
{
    (void)c;
    return PyBool_FromLong(shmrpc_ctx_draining(ctx));
}

static PyObject *context_draining(PyObject *self, void *closure)
{
    (void)closure;
    return ask(self, draining);
}

static PyObject *remaining(const context *c, shmrpc_ctx *ctx)
{
    (void)c;
    return PyFloat_FromDouble((double)shmrpc_ctx_remaining_ns(ctx) / 1e9);
}

static PyObject *context_remaining(PyObject *self, void *closure)
{
    (void)closure;
    return ask(self, remaining);
}

static PyObject *peer(const context *c, shmrpc_ctx *ctx)
{
    const shmrpc_peer *who = shmrpc_ctx_peer(ctx);
    return core_help(c->of->state, "make_peer", "IIissz", (unsigned)who->uid,
                     (unsigned)who->gid, (int)who->pid, who->transport,
                     who->address, who->subject);
}

static PyObject *context_peer(PyObject *self, void *closure)
{
    (void)closure;
    return ask(self, peer);
}

static PyObject *transport(const context *c, shmrpc_ctx *ctx)
{
    (void)c;
    return PyUnicode_FromString(shmrpc_ctx_peer(ctx)->transport);
}

static PyObject *context_transport(PyObject *self, void *closure)
{
    (void)closure;
    return ask(self, transport);
}

static PyObject *connection(const context *c, shmrpc_ctx *ctx)
{
    (void)c;
    return PyLong_FromUnsignedLongLong(shmrpc_ctx_connection(ctx));
}

static PyObject *context_connection(PyObject *self, void *closure)
{
    (void)closure;
    return ask(self, connection);
}

static PyObject *method(const context *c, shmrpc_ctx *ctx)
{
    return PyUnicode_FromString(
        c->of->connection->service->methods[shmrpc_ctx_method(ctx)].name);
}

static PyObject *context_method(PyObject *self, void *closure)
{
    (void)closure;
    return ask(self, method);
}

/* Returns the metadata as a dict. If two entries have the same key, the first
 * one wins. */
static PyObject *metadata(const context *c, shmrpc_ctx *ctx)
{
    shmrpc_metadata entry;
    (void)c;
    PyObject *dict = PyDict_New();
    for (uint32_t i = 0; dict != NULL && shmrpc_ctx_metadata_at(ctx, i, &entry);
         i++) {
        if (core_metadata_add(dict, &entry) != 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

static PyObject *context_metadata(PyObject *self, void *closure)
{
    (void)closure;
    return ask(self, metadata);
}

PyObject *core_context_set_reply_metadata(PyObject *self, PyObject *args)
{
    context *c = (context *)self;
    const char *key;
    const char *value;
    if (!PyArg_ParseTuple(args, "ss:set_reply_metadata", &key, &value)) {
        return NULL;
    }
    shmrpc_ctx *ctx = claim(c);
    if (ctx == NULL) {
        return NULL;
    }
    int status = shmrpc_ctx_set_reply_metadata(ctx, key, value);
    release(c);
    if (status == SHMRPC_OK) {
        return Py_NewRef(Py_None);
    }
    if (status == SHMRPC_E_TOO_LARGE) {
        PyErr_Format(PyExc_ValueError,
                     "metadata \"%s\": a reply has at most %d entries, of %d "
                     "bytes in all",
                     key, SHMRPC_METADATA_MAX_ENTRIES,
                     SHMRPC_METADATA_MAX_BYTES);
    } else {
        PyErr_Format(PyExc_ValueError,
                     "metadata %R: a key consists of up to 64 lower-case "
                     "letters, digits, '.', '_' and '-'; a value of text "
                     "without control characters",
                     args);
    }
    return NULL;
}

static PyObject *context_errors(PyObject *self, void *closure)
{
    (void)closure;
    return core_errors_of(((const context *)self)->of->connection);
}

static PyObject *context_types(PyObject *self, void *closure)
{
    (void)closure;
    return core_types_of(((const context *)self)->of->connection);
}

static void context_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    core_job_forget((context *)self);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyGetSetDef context_getset[] = {
    {"cancelled", context_cancelled, NULL,
     "Whether nobody waits for the result any more.", NULL},
    {"draining", context_draining, NULL,
     "Whether this worker exits after its calls.", NULL},
    {"metadata", context_metadata, NULL,
     "The metadata that came with the call: a dict.", NULL},
    {"remaining", context_remaining, NULL,
     "Seconds until the caller's deadline; 0 when it has passed.", NULL},
    {"peer", context_peer, NULL, "Who calls.", NULL},
    {"transport", context_transport, NULL, "\"shm\", \"tcp\", \"unix\".", NULL},
    {"connection", context_connection, NULL,
     "The number of the connection; all its calls have the same.", NULL},
    {"method", context_method, NULL, "The method's name in the .svc.", NULL},
    {"errors", context_errors, NULL,
     "The classes of the errors that the service declares.", NULL},
    {"types", context_types, NULL, "Its structs, enums and cases of unions.",
     NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot context_slots[] = {
    {Py_tp_dealloc, context_dealloc},
    {Py_tp_getset, context_getset},
    {Py_tp_methods, core_context_methods},
    {Py_tp_doc, "The context of the call that a handler handles."},
    {0, NULL}};

PyType_Spec core_context_spec = {.name = "shmrpc._core.Context",
                                 .basicsize = sizeof(context),
                                 .flags = Py_TPFLAGS_DEFAULT |
                                          Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                 .slots = context_slots};
