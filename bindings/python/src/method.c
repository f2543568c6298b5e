/* Methods of a service: callable objects with the attributes of a Python
 * function; calls that were started; and replies that are read in place. */
#include "method.h"
#include "wait.h"

#include <stddef.h>
#include <string.h>
#include <structmember.h>

/* Declared here because of the limited API; see core_vectorcall. */
PyAPI_FUNC(PyObject *) PyVectorcall_Call(PyObject *, PyObject *, PyObject *);
#define HAVE_VECTORCALL (1UL << 11)

/* Results up to this size are decoded on the stack. */
#define RESULT_BYTES 256

typedef core_method method;
typedef core_invocation invocation;

typedef struct call {
    PyObject_HEAD method *of;
    shmrpc_call *call; /* NULL if it is over */
    core_back *back;   /* for the metadata of the reply; or NULL */
    bool is_busy;      /* a thread is waiting for it */
    PyObject *value;   /* the result */
    PyObject *raised;  /* or the exception */
} call;

typedef struct view {
    PyObject_HEAD core_connection *connection;
    const void *reply; /* a shmrpc_bytes; NULL if released */
    Py_ssize_t exports;
    PyObject *memory; /* the memoryview that __enter__ returned */
} view;

/* ---- arguments ----------------------------------------------------------- */

static int too_many(const method *m, Py_ssize_t count)
{
    uint32_t most = m->params->type->count;
    PyErr_Format(PyExc_TypeError, "%s() takes %u argument%s but %zd %s given",
                 m->row->name, most, most == 1 ? "" : "s", count,
                 count == 1 ? "was" : "were");
    return -1;
}

/* Whether a keyword is the field's name. Names are usually interned, so their
 * text is compared only if they are different objects. */
static bool is_called(PyObject *name, PyObject *field)
{
    return name == field || PyUnicode_Compare(name, field) == 0;
}

static int unexpected(const method *m, PyObject *name)
{
    uint32_t count = m->params->type->count;
    PyObject *names = PyList_New((Py_ssize_t)count);
    for (uint32_t i = 0; names != NULL && i < count; i++) {
        (void)PyList_SetItem(names, (Py_ssize_t)i,
                             Py_NewRef(m->params->fields[i].name));
    }
    PyObject *error = names != NULL
                          ? core_help(m->connection->state, "unexpected", "sOO",
                                      m->row->name, name, names)
                          : NULL;
    if (error != NULL) {
        PyErr_SetObject(PyExc_TypeError, error);
    }
    Py_XDECREF(error);
    Py_XDECREF(names);
    return -1;
}

/* Stores the values of keyword arguments in `given`, by field. */
static int place_keywords(const method *m, PyObject *const *values,
                          PyObject *names, PyObject **given, invocation *in)
{
    Py_ssize_t count = names != NULL ? PyTuple_Size(names) : 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GetItem(names, i);
        uint32_t at = 0;
        while (at < m->params->type->count &&
               !is_called(name, m->params->fields[at].name)) {
            at++;
        }
        if (at < m->params->type->count) {
            if (given[at] != NULL) {
                PyErr_Format(PyExc_TypeError,
                             "%s() got multiple values for argument '%U'",
                             m->row->name, name);
                return -1;
            }
            given[at] = values[i];
        } else if (PyUnicode_CompareWithASCIIString(name, "_timeout") == 0) {
            if (core_timeout_of(values[i], &in->opts.timeout_ns) != 0) {
                return -1;
            }
        } else if (PyUnicode_CompareWithASCIIString(name, "_metadata") == 0) {
            in->metadata = values[i] != Py_None ? values[i] : NULL;
        } else if (PyUnicode_CompareWithASCIIString(name, "_reply_metadata") ==
                   0) {
            if (core_back_want(in, values[i]) != 0) {
                return -1;
            }
        } else {
            return unexpected(m, name);
        }
    }
    return 0;
}

/* Sends the metadata of this call and of the client. If both have a key, the
 * call's entry wins. */
static int send_metadata(const method *m, invocation *in)
{
    PyObject *own = m->options.metadata;
    if (in->metadata == NULL && own == NULL) {
        return 0;
    }
    return core_metadata_send(in, in->metadata != NULL
                                      ? core_metadata_merge(own, in->metadata)
                                      : Py_NewRef(own));
}

void core_invocation_init(invocation *in, core_connection *connection)
{
    core_scratch_init(&in->scratch, connection);
    memset(&in->opts, 0, sizeof in->opts);
    in->metadata = NULL;
    in->back = NULL;
}

void core_invocation_fini(invocation *in)
{
    core_scratch_fini(&in->scratch);
    core_back_end(in->back);
    in->back = NULL;
}

bool core_method_has_streams(const shmrpc_method *row)
{
    return (row->flags &
            (SHMRPC_METHOD_STREAMS_IN | SHMRPC_METHOD_STREAMS_OUT)) != 0;
}

int core_prepare(const method *m, invocation *in, PyObject *const *args,
                 size_t nargsf, PyObject *names)
{
    const shmrpc_type *type = m->params->type;
    size_t count = nargsf & CORE_COUNT_MASK;
    PyObject *few[16] = {NULL};
    PyObject **given = few;
    core_invocation_init(in, m->connection);
    in->scratch.is_typed = (m->options.how & CORE_PYTHON) != 0;
    in->opts.timeout_ns = m->options.timeout_ns;
    in->opts.flags = SHMRPC_OPT_FAULTS;
    if (count > type->count) {
        return too_many(m, (Py_ssize_t)count);
    }
    if (type->count > sizeof few / sizeof *few) {
        given = core_scratch_alloc(&in->scratch, type->count * sizeof *given,
                                   _Alignof(PyObject *));
    }
    in->params = core_scratch_alloc(&in->scratch, type->size + 1u,
                                    type->align > 0 ? type->align : 1);
    if (given == NULL || in->params == NULL) {
        return -1;
    }
    if (count > 0) {
        memcpy(given, args, count * sizeof *given);
    }
    if (place_keywords(m, args + count, names, given, in) != 0 ||
        send_metadata(m, in) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < type->count; i++) {
        if (core_field_to_c(&in->scratch, &m->params->fields[i], given[i],
                            in->params, NULL) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- calls --------------------------------------------------------------- */

PyObject *core_take_reply(const method *m, const void *reply)
{
    PyObject *value = m->result != NULL ? core_from_c(m->connection, m->result,
                                                      reply, m->options.how)
                                        : Py_NewRef(Py_None);
    shmrpc_stub_release(reply);
    return value;
}

static PyObject *fail(const method *m, const shmrpc_error *error,
                      const void *reply)
{
    (void)core_raise(m->connection, m->row, error, reply);
    shmrpc_stub_release(reply);
    return NULL;
}

static PyObject *call_fixed(const method *m, const invocation *in)
{
    _Alignas(16) unsigned char result[RESULT_BYTES];
    const void *reply = NULL;
    shmrpc_error error;
    core_wait wait;
    core_wait_enter(&wait, CORE_WAIT_LATE);
    int status =
        shmrpc_stub_call_fault(m->connection->client, m->index, in->params,
                               &in->opts, result, &reply, &error);
    if (core_wait_leave(&wait)) {
        shmrpc_stub_release(reply);
        return NULL;
    }
    if (status != SHMRPC_OK) {
        return fail(m, &error, reply);
    }
    return m->result != NULL
               ? core_from_c(m->connection, m->result, result, m->options.how)
               : Py_NewRef(Py_None);
}

static PyObject *call_reply(const method *m, const invocation *in)
{
    const void *reply = NULL;
    shmrpc_error error;
    core_wait wait;
    core_wait_enter(&wait, CORE_WAIT_LATE);
    int status = shmrpc_stub_call_reply(m->connection->client, m->index,
                                        in->params, &in->opts, &reply, &error);
    if (core_wait_leave(&wait)) {
        shmrpc_stub_release(reply);
        return NULL;
    }
    return status == SHMRPC_OK ? core_take_reply(m, reply)
                               : fail(m, &error, reply);
}

static PyObject *invoke(PyObject *self, PyObject *const *args, size_t nargsf,
                        PyObject *names)
{
    method *m = (method *)self;
    invocation in;
    PyObject *value = NULL;
    if (core_connection_begin(m->connection) != 0) {
        return NULL;
    }
    if (core_prepare(m, &in, args, nargsf, names) == 0) {
        value = m->is_fixed ? call_fixed(m, &in) : call_reply(m, &in);
    }
    core_invocation_fini(&in);
    core_connection_end(m->connection);
    return value;
}

/* ---- the object ---------------------------------------------------------- */

static void method_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((method *)self)->options.metadata);
    Py_XDECREF((PyObject *)((method *)self)->connection);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* Whether the method declares an error with fields. The fields of an error are
 * in the reply object, so such a method needs one. */
static bool has_payloads(const shmrpc_method *row)
{
    bool any = false;
    for (uint32_t i = 0; i < row->throws_count; i++) {
        any = any || row->throws[i]->payload != NULL;
    }
    return any;
}

PyObject *core_method_new(core_connection *connection, uint32_t index,
                          const core_options *options)
{
    const shmrpc_method *row = &connection->service->methods[index];
    core_node *params = core_node_of(connection, row->params);
    core_node *result =
        row->result != NULL ? core_node_of(connection, row->result) : NULL;
    if (params == NULL || (row->result != NULL && result == NULL)) {
        return NULL;
    }
    core_making_begin(connection);
    int failed = core_node_prepare(connection, params);
    if (failed == 0 && result != NULL) {
        failed = core_node_prepare(connection, result);
    }
    core_making_end(connection);
    method *m = failed == 0
                    ? PyObject_New(method, connection->state->method_type)
                    : NULL;
    if (m == NULL) {
        return NULL;
    }
    m->vectorcall = core_method_has_streams(row) ? core_stream_invoke
                    : connection->aio != NULL    ? core_aio_invoke
                                                 : invoke;
    m->connection = (core_connection *)Py_NewRef((PyObject *)connection);
    m->row = row;
    m->params = params;
    m->result = result;
    m->options = *options;
    Py_XINCREF(m->options.metadata);
    m->options.how |= core_how_of(row);
    m->index = index;
    m->is_fixed = !has_payloads(row) &&
                  ((row->flags & SHMRPC_METHOD_ONEWAY) != 0 || result == NULL ||
                   ((row->result->flags & SHMRPC_TYPE_FIXED) != 0 &&
                    row->result->size <= RESULT_BYTES));
    return (PyObject *)m;
}

static PyObject *method_repr(PyObject *self)
{
    const method *m = (const method *)self;
    return PyUnicode_FromFormat("<method %s of %s>", m->row->name,
                                m->connection->service->id);
}

static PyObject *method_name(PyObject *self, void *closure)
{
    (void)closure;
    return core_python_name(((const method *)self)->row->name);
}

static PyObject *method_doc(PyObject *self, void *closure)
{
    (void)closure;
    const char *doc = ((const method *)self)->row->doc;
    return doc != NULL ? PyUnicode_FromString(doc) : Py_NewRef(Py_None);
}

static PyObject *method_module(PyObject *self, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(
        ((const method *)self)->connection->service->id);
}

/* Returns the type of the result, such as "Hit", or of a stream: "Items[Hit]",
 * "Sender[Row, int]". New reference. */
static PyObject *result_text(const method *m)
{
    const core_node *nodes[2] = {NULL, NULL};
    PyObject *result = m->result != NULL ? core_type_text(m->result)
                                         : PyUnicode_FromString("None");
    if (result == NULL || !core_method_has_streams(m->row)) {
        return result;
    }
    PyObject *texts[2] = {NULL, NULL};
    PyObject *all = NULL;
    const shmrpc_type *types[2] = {m->row->items_in, m->row->items_out};
    for (int i = 0; i < 2; i++) {
        nodes[i] =
            types[i] != NULL ? core_node_of(m->connection, types[i]) : NULL;
        texts[i] = nodes[i] != NULL ? core_type_text(nodes[i]) : NULL;
    }
    if (PyErr_Occurred() == NULL) {
        all = texts[0] == NULL ? PyUnicode_FromFormat("Items[%U]", texts[1])
              : texts[1] == NULL
                  ? PyUnicode_FromFormat("Sender[%U, %U]", texts[0], result)
                  : PyUnicode_FromFormat("Duplex[%U, %U]", texts[0], texts[1]);
    }
    Py_XDECREF(texts[0]);
    Py_XDECREF(texts[1]);
    Py_DECREF(result);
    return all;
}

/* Makes an inspect.Signature when it is asked for. */
static PyObject *method_signature(PyObject *self, void *closure)
{
    (void)closure;
    const method *m = (const method *)self;
    PyObject *result = result_text(m);
    core_making_begin(m->connection);
    PyObject *rows =
        result != NULL ? core_fields_describe(m->connection, m->params) : NULL;
    core_making_end(m->connection);
    PyObject *signature = rows != NULL
                              ? core_help(m->connection->state,
                                          "make_signature", "OO", rows, result)
                              : NULL;
    Py_XDECREF(rows);
    Py_XDECREF(result);
    return signature;
}

/* Returns the method itself; having a __get__ makes inspect and help() treat it
 * as a function. */
static PyObject *method_get(PyObject *self, PyObject *object, PyObject *type)
{
    (void)object, (void)type;
    return Py_NewRef(self);
}

/* ---- started calls ------------------------------------------------------- */

/* Prepares a call from (*args, **kwargs), for functions that are not called by
 * vectorcall. */
static int prepare_plain(const method *m, invocation *in, PyObject *args,
                         PyObject *kwargs)
{
    Py_ssize_t count = PyTuple_Size(args);
    Py_ssize_t named = kwargs != NULL ? PyDict_Size(kwargs) : 0;
    PyObject **values =
        PyMem_Calloc((size_t)(count + named) + 1, sizeof *values);
    PyObject *names = PyTuple_New(named);
    int failed = -1;
    core_invocation_init(in, m->connection);
    if (values != NULL && names != NULL) {
        for (Py_ssize_t i = 0; i < count; i++) {
            values[i] = PyTuple_GetItem(args, i);
        }
        PyObject *key;
        PyObject *value;
        Py_ssize_t position = 0;
        for (Py_ssize_t i = 0;
             i < named && PyDict_Next(kwargs, &position, &key, &value); i++) {
            values[count + i] = value;
            (void)PyTuple_SetItem(names, i, Py_NewRef(key));
        }
        failed = core_prepare(m, in, values, (size_t)count, names);
    } else if (values == NULL) {
        PyErr_NoMemory();
    }
    PyMem_Free(values);
    Py_XDECREF(names);
    return failed;
}

/* For start() and view(), which need a blocking call with one reply: raises if
 * the method has streams or belongs to asyncio. */
static int refuse_other_forms(const method *m)
{
    bool streams = core_method_has_streams(m->row);
    if (streams || m->connection->aio != NULL) {
        PyErr_Format(PyExc_TypeError, "%s() %s", m->row->name,
                     streams ? "has a stream: call it"
                             : "is asyncio's: await it");
        return -1;
    }
    return 0;
}

/* Starts a call. The parameters point into the argument values, which `args`
 * and `kwargs` keep alive until the library has copied them. */
static PyObject *method_start(PyObject *self, PyObject *args, PyObject *kwargs)
{
    method *m = (method *)self;
    invocation in;
    shmrpc_error error;
    core_wait wait;
    shmrpc_call *started = NULL;
    if (refuse_other_forms(m) != 0) {
        return NULL;
    }
    if ((m->row->flags & SHMRPC_METHOD_ONEWAY) != 0) {
        PyErr_Format(PyExc_TypeError, "%s() is oneway: call it", m->row->name);
        return NULL;
    }
    if (core_connection_begin(m->connection) != 0) {
        return NULL;
    }
    call *c = PyObject_GC_New(call, m->connection->state->call_type);
    if (c == NULL) {
        core_connection_end(m->connection);
        return NULL;
    }
    c->of = (method *)Py_NewRef(self);
    c->call = NULL;
    c->back = NULL;
    c->is_busy = false;
    c->value = NULL;
    c->raised = NULL;
    PyObject_GC_Track(c);
    int status = SHMRPC_OK;
    int failed = prepare_plain(m, &in, args, kwargs);
    if (failed == 0) {
        core_wait_enter(&wait, CORE_WAIT_LATE);
        status = shmrpc_stub_start(m->connection->client, m->index, in.params,
                                   &in.opts, &started, &error);
        failed = core_wait_leave(&wait);
        if (failed != 0 && status == SHMRPC_OK) {
            shmrpc_call_release(started);
        } else if (failed == 0 && status != SHMRPC_OK) {
            (void)fail(m, &error, NULL);
            failed = -1;
        } else if (failed == 0) {
            c->back = in.back; /* the library writes to it until the call
                                * ends */
            in.back = NULL;
        }
    }
    core_invocation_fini(&in);
    if (failed != 0) {
        core_connection_end(m->connection);
        Py_DECREF(c);
        return NULL;
    }
    c->call = started; /* this reference keeps the connection open */
    return (PyObject *)c;
}

static void end_call(call *c)
{
    core_back *back = c->back;
    c->call = NULL;
    c->back = NULL;
    core_back_end(back);
    core_connection_end(c->of->connection);
}

/* A cycle is possible: the traceback of the kept exception leads to the frame
 * that holds the call. */
static int call_traverse(PyObject *self, visitproc visit, void *arg)
{
    const call *c = (const call *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(c->value);
    Py_VISIT(c->raised);
    return 0;
}

static int call_clear(PyObject *self)
{
    call *c = (call *)self;
    Py_CLEAR(c->value);
    Py_CLEAR(c->raised);
    return 0;
}

static void call_dealloc(PyObject *self)
{
    call *c = (call *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (c->call != NULL) {
        shmrpc_call_release(c->call);
        end_call(c);
    }
    (void)call_clear(self);
    Py_XDECREF((PyObject *)c->of);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static int claim_call(const call *c)
{
    if (c->is_busy) {
        PyErr_SetString(PyExc_RuntimeError,
                        "another thread waits for this call");
        return -1;
    }
    return 0;
}

static PyObject *wait_for(call *c)
{
    const method *m = c->of;
    const void *reply = NULL;
    shmrpc_error error;
    core_wait wait;
    c->is_busy = true;
    core_wait_enter(&wait, CORE_WAIT_LATE);
    int status = shmrpc_stub_finish_reply(c->call, m->connection->service,
                                          m->index, &reply, &error);
    bool raised = core_wait_leave(&wait);
    c->is_busy = false;
    PyObject *value = NULL;
    if (raised) {
        shmrpc_stub_release(reply);
    } else {
        value = status == SHMRPC_OK ? core_take_reply(m, reply)
                                    : fail(m, &error, reply);
    }
    end_call(c);
    return value;
}

/* Raises the kept exception again. */
static PyObject *again(const call *c)
{
    if (c->value != NULL) {
        return Py_NewRef(c->value);
    }
    PyErr_SetObject((PyObject *)Py_TYPE(c->raised), c->raised);
    return NULL;
}

static PyObject *call_result(PyObject *self, PyObject *unused)
{
    call *c = (call *)self;
    (void)unused;
    if (c->call == NULL) {
        return again(c);
    }
    if (claim_call(c) != 0) {
        return NULL;
    }
    c->value = wait_for(c);
    if (c->value == NULL) {
        PyObject *type;
        PyObject *trace;
        PyErr_Fetch(&type, &c->raised, &trace);
        PyErr_NormalizeException(&type, &c->raised, &trace);
        Py_XDECREF(type);
        Py_XDECREF(trace);
    }
    return again(c);
}

static PyObject *call_cancel(PyObject *self, PyObject *unused)
{
    call *c = (call *)self;
    (void)unused;
    if (claim_call(c) != 0) {
        return NULL;
    }
    return PyBool_FromLong(c->call != NULL && shmrpc_call_cancel(c->call));
}

static PyObject *call_done(PyObject *self, PyObject *unused)
{
    call *c = (call *)self;
    (void)unused;
    return PyBool_FromLong(c->call == NULL ||
                           (!c->is_busy && shmrpc_call_is_over(c->call)));
}

static PyMethodDef call_methods[] = {
    {"result", call_result, METH_NOARGS,
     "Waits for the call; returns its result, or raises its error."},
    {"cancel", call_cancel, METH_NOARGS,
     "Cancels the call. Returns True if it has not run and never will."},
    {"done", call_done, METH_NOARGS, "Whether result() would return at once."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot call_slots[] = {{Py_tp_dealloc, call_dealloc},
                                   {Py_tp_traverse, call_traverse},
                                   {Py_tp_clear, call_clear},
                                   {Py_tp_methods, call_methods},
                                   {Py_tp_doc, "A call that was started."},
                                   {0, NULL}};

PyType_Spec core_call_spec = {.name = "shmrpc._core.Call",
                              .basicsize = sizeof(call),
                              .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                                       Py_TPFLAGS_DISALLOW_INSTANTIATION,
                              .slots = call_slots};

/* ---- replies that are read in place -------------------------------------- */

static PyObject *method_view(PyObject *self, PyObject *args, PyObject *kwargs)
{
    method *m = (method *)self;
    invocation in;
    shmrpc_error error;
    core_wait wait;
    const void *reply = NULL;
    if (refuse_other_forms(m) != 0) {
        return NULL;
    }
    if (m->result == NULL || m->result->type->kind != SHMRPC_KIND_BYTES) {
        PyErr_Format(PyExc_TypeError, "%s() does not return bytes",
                     m->row->name);
        return NULL;
    }
    if (core_connection_begin(m->connection) != 0) {
        return NULL;
    }
    PyObject *made = NULL;
    if (prepare_plain(m, &in, args, kwargs) == 0) {
        in.opts.flags |= SHMRPC_OPT_IN_PLACE;
        core_wait_enter(&wait, CORE_WAIT_LATE);
        int status =
            shmrpc_stub_call_reply(m->connection->client, m->index, in.params,
                                   &in.opts, &reply, &error);
        if (core_wait_leave(&wait)) {
            shmrpc_stub_release(reply);
        } else if (status != SHMRPC_OK) {
            (void)fail(m, &error, reply);
        } else if ((made = core_view_new(m->connection, reply)) == NULL) {
            shmrpc_stub_release(reply);
        }
    }
    core_invocation_fini(&in);
    core_connection_end(m->connection);
    return made;
}

PyObject *core_view_new(core_connection *connection, const void *reply)
{
    view *v = PyObject_New(view, connection->state->view_type);
    if (v != NULL) {
        v->connection = (core_connection *)Py_NewRef((PyObject *)connection);
        v->reply = reply;
        v->exports = 0;
        v->memory = NULL;
    }
    return (PyObject *)v;
}

static void view_dealloc(PyObject *self)
{
    view *v = (view *)self;
    PyTypeObject *type = Py_TYPE(self);
    shmrpc_stub_release(v->reply);
    Py_XDECREF((PyObject *)v->connection);
    PyObject_Free(self);
    Py_DECREF(type);
}

static int view_get_buffer(PyObject *self, Py_buffer *buffer, int flags)
{
    view *v = (view *)self;
    if (v->reply == NULL) {
        PyErr_SetString(PyExc_ValueError, "the reply was released");
        return -1;
    }
    const shmrpc_bytes *bytes = v->reply;
    static unsigned char nothing;
    /* The memory is read-only, but the API's type has no const. */
    union {
        const void *from;
        void *to;
    } at = {bytes->len > 0 ? bytes->ptr : &nothing};
    if (PyBuffer_FillInfo(buffer, self, at.to, (Py_ssize_t)bytes->len, 1,
                          flags) != 0) {
        return -1;
    }
    v->exports++;
    return 0;
}

static void view_release_buffer(PyObject *self, Py_buffer *buffer)
{
    (void)buffer;
    ((view *)self)->exports--;
}

static PyObject *view_enter(PyObject *self, PyObject *unused)
{
    view *v = (view *)self;
    (void)unused;
    if (v->memory == NULL) {
        v->memory = PyMemoryView_FromObject(self);
    }
    return Py_XNewRef(v->memory);
}

/* Releases the reply. If objects made from its memory are in use, the reply
 * lives until they end. */
static PyObject *view_exit(PyObject *self, PyObject *unused)
{
    view *v = (view *)self;
    (void)unused;
    PyObject *memory = v->memory;
    v->memory = NULL;
    if (memory != NULL) {
        PyObject *done = PyObject_CallMethod(memory, "release", NULL);
        Py_DECREF(memory);
        if (done == NULL && !PyErr_ExceptionMatches(PyExc_BufferError)) {
            return NULL;
        }
        PyErr_Clear();
        Py_XDECREF(done);
    }
    if (v->exports == 0) {
        shmrpc_stub_release(v->reply);
        v->reply = NULL;
    }
    return Py_NewRef(Py_None);
}

static PyMethodDef view_methods[] = {
    {"__enter__", view_enter, METH_NOARGS, "A memoryview of the reply."},
    {"__exit__", view_exit, METH_VARARGS,
     "Frees the reply's memory, unless a memoryview of it is in use."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot view_slots[] = {
    {Py_tp_dealloc, view_dealloc},
    {Py_tp_methods, view_methods},
    {Py_bf_getbuffer, view_get_buffer},
    {Py_bf_releasebuffer, view_release_buffer},
    {Py_tp_doc, "A reply of bytes that is read where the worker wrote it."},
    {0, NULL}};

PyType_Spec core_view_spec = {.name = "shmrpc._core.View",
                              .basicsize = sizeof(view),
                              .flags = Py_TPFLAGS_DEFAULT |
                                       Py_TPFLAGS_DISALLOW_INSTANTIATION,
                              .slots = view_slots};

/* ---- the type of methods ------------------------------------------------- */

static PyMethodDef method_methods[] = {
    {"start", (PyCFunction)(void (*)(void))method_start,
     METH_VARARGS | METH_KEYWORDS,
     "Starts a call: result() waits for it, cancel() gives it up."},
    {"view", (PyCFunction)(void (*)(void))method_view,
     METH_VARARGS | METH_KEYWORDS,
     "Makes a call and returns a context manager: in a with statement, it "
     "gives a memoryview of the reply, which is not copied."},
    {NULL, NULL, 0, NULL}};

static PyMemberDef method_members[] = {{"__vectorcalloffset__", T_PYSSIZET,
                                        offsetof(method, vectorcall), READONLY,
                                        NULL},
                                       {NULL, 0, 0, 0, NULL}};

static PyGetSetDef method_getset[] = {
    {"__name__", method_name, NULL, NULL, NULL},
    {"__qualname__", method_name, NULL, NULL, NULL},
    {"__doc__", method_doc, NULL, NULL, NULL},
    {"__module__", method_module, NULL, NULL, NULL},
    {"__signature__", method_signature, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot method_slots[] = {
    {Py_tp_dealloc, method_dealloc}, {Py_tp_call, PyVectorcall_Call},
    {Py_tp_repr, method_repr},       {Py_tp_methods, method_methods},
    {Py_tp_members, method_members}, {Py_tp_getset, method_getset},
    {Py_tp_descr_get, method_get},   {0, NULL}};

PyType_Spec core_method_spec = {.name = "shmrpc._core.Method",
                                .basicsize = sizeof(method),
                                .flags = Py_TPFLAGS_DEFAULT | HAVE_VECTORCALL |
                                         Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                .slots = method_slots};
