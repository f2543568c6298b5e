/* Workers: one handler for all methods, which calls the user's object; and the
 * hooks around it.
 *
 * The GIL is released while the library serves, and acquired by each hook. The
 * thread that runs the start hook acquires it with its first call, keeps it
 * from then on, and releases it only where it sleeps: acquiring it in each call
 * would cost more than the call. Other threads (--threads) acquire it in each
 * call. */
#include "worker.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shmrpc/fault.h"
#include "shmrpc/log.h"
#include "shmrpc/wait.h"

typedef core_program program;

/* The call that a thread is handling or handled last. The objects that its
 * result points into are kept until the next call, since the result is sent
 * after the handler has returned. */
typedef struct seat {
    shmrpc_ctx *ctx; /* NULL if the thread handles no call */
    const program *of;
    unsigned long long number; /* number of the call, by which contexts that
                                * outlive it are recognised */
    core_scratch scratch;
    bool has_scratch;
} seat;

static _Thread_local seat here;

/* ---- the GIL ------------------------------------------------------------- */

/* After SystemExit in a handler, the worker exits once it has had no call for
 * this long: by then the last call is answered. */
#define IDLE_MS 20

static long long now_ms(void)
{
    struct timespec now;
    (void)timespec_get(&now, TIME_UTC);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void leave(const program *p)
{
    PyObject *done = PyObject_CallMethod(p->object, "leave", NULL);
    Py_XDECREF(done);
    PyErr_Print();
}

/* An idle worker calls this repeatedly. A worker that is about to reply may
 * also call it, if it waits for room. */
static void on_block(void *user)
{
    program *p = user;
    if (p->is_leaving && here.ctx == NULL &&
        now_ms() - p->ended_ms >= IDLE_MS) {
        leave(p);
    }
    p->main_state = PyEval_SaveThread();
}

static void on_unblock(void *user)
{
    program *p = user;
    PyEval_RestoreThread(p->main_state);
}

/* Acquires the GIL. Returns true if the thread keeps it from now on; otherwise
 * the caller must release it. */
static bool take_lock(program *p, PyGILState_STATE *state)
{
    if (PyThread_get_thread_ident() != p->main_thread) {
        *state = PyGILState_Ensure();
        return false;
    }
    if (!p->has_lock) {
        (void)PyGILState_Ensure();
        p->has_lock = true;
        p->hooks.size = sizeof p->hooks;
        p->hooks.block = on_block;
        p->hooks.unblock = on_unblock;
        p->hooks.user = p;
        (void)shmrpc_wait_set_hooks(&p->hooks);
    }
    return true;
}

/* ---- failures ------------------------------------------------------------ */

static shmrpc_str view_of(PyObject *text)
{
    Py_ssize_t len = 0;
    const char *at = text != NULL && PyUnicode_Check(text)
                         ? PyUnicode_AsUTF8AndSize(text, &len)
                         : NULL;
    if (at == NULL) {
        PyErr_Clear();
        return (shmrpc_str){"", 0};
    }
    return (shmrpc_str){at, (size_t)len};
}

/* Answers with a fixed text, for an exception whose class and message could not
 * be determined because examining it raised, too. */
static int fault_without_words(shmrpc_ctx *ctx)
{
    const shmrpc_fault fault = {
        .type = shmrpc_str_of("Exception"),
        .message = shmrpc_str_of("<an exception that can't be printed>")};
    PyErr_Clear();
    return shmrpc_ctx_fault(ctx, &fault);
}

static int fault_of(shmrpc_ctx *ctx, PyObject *row, core_scratch *scratch)
{
    shmrpc_fault fault = {.type = view_of(PyTuple_GetItem(row, 2)),
                          .message = view_of(PyTuple_GetItem(row, 3)),
                          .trace = view_of(PyTuple_GetItem(row, 4))};
    PyObject *args = PyTuple_GetItem(row, 5);
    if (PyTuple_Size(row) > 6 && PyTuple_GetItem(row, 6) == Py_True) {
        fault.flags = SHMRPC_FAULT_TRACE_TO_ALL;
    }
    scratch->is_typed = true; /* so that the arguments keep their Python types,
                               * such as tuple */
    if (args == NULL || core_any_to_c(scratch, args, &fault.args) != 0) {
        PyErr_Clear();
        fault.args = shmrpc_any_null();
    }
    return shmrpc_ctx_fault(ctx, &fault);
}

static const shmrpc_error_type *thrown_by(const shmrpc_method *method,
                                          long number)
{
    for (uint32_t i = 0; i < method->throws_count; i++) {
        if (method->throws[i]->number == number) {
            return method->throws[i];
        }
    }
    return NULL;
}

/* Answers with a declared error and its fields. Returns -1 with an exception if
 * the fields do not fit. */
static int declared(const program *p, shmrpc_ctx *ctx,
                    const shmrpc_error_type *type, PyObject *row,
                    core_scratch *scratch)
{
    PyObject *details = PyTuple_GetItem(row, 5);
    shmrpc_str text = view_of(PyTuple_GetItem(row, 3));
    void *payload = NULL;
    if (type->payload != NULL && details != NULL && details != Py_None) {
        core_node *node = core_node_of(p->connection, type->payload);
        core_making_begin(p->connection);
        int failed = node == NULL ? -1 : core_node_prepare(p->connection, node);
        core_making_end(p->connection);
        payload = failed == 0 ? core_scratch_alloc(scratch, type->payload->size,
                                                   type->payload->align)
                              : NULL;
        if (payload == NULL || core_keep(scratch, Py_NewRef(details)) != 0 ||
            core_value_to_c(scratch, node, details, payload, type->name) != 0) {
            return -1;
        }
    }
    if (text.len > 0) {
        (void)shmrpc_ctx_fail(ctx, type->number, "%.*s", (int)text.len,
                              text.ptr);
    }
    return shmrpc_stub_raise(ctx, type, payload);
}

/* Kinds of exceptions, as the helper describes them. A description has the
 * kind, number, type, text, trace, and arguments or fields. */
enum { KIND_FAULT, KIND_STATUS, KIND_DECLARED };

static int answer(const program *p, shmrpc_ctx *ctx,
                  const shmrpc_method *method, PyObject *row,
                  core_scratch *scratch)
{
    long kind = PyLong_AsLong(PyTuple_GetItem(row, 0));
    long number = PyLong_AsLong(PyTuple_GetItem(row, 1));
    const shmrpc_error_type *type =
        kind == KIND_DECLARED ? thrown_by(method, number) : NULL;
    if (type != NULL) {
        return declared(p, ctx, type, row, scratch);
    }
    if (kind == KIND_STATUS) {
        shmrpc_str text = view_of(PyTuple_GetItem(row, 3));
        return shmrpc_ctx_fail(ctx, (int)number, "%.*s", (int)text.len,
                               text.ptr);
    }
    return fault_of(ctx, row, scratch);
}

int core_worker_fail(program *p, shmrpc_ctx *ctx, const shmrpc_method *method,
                     core_scratch *scratch)
{
    PyObject *exception = core_take_exception();
    if (exception == NULL) {
        return fault_without_words(ctx);
    }
    bool is_exit =
        PyErr_GivenExceptionMatches(exception, PyExc_SystemExit) != 0;
    p->is_leaving = p->is_leaving || is_exit;
    PyObject *row = PyObject_CallMethod(p->object, "describe", "Os", exception,
                                        method->name);
    Py_DECREF(exception);
    if (row == NULL || !PyTuple_Check(row) || PyTuple_Size(row) < 6) {
        Py_XDECREF(row);
        return fault_without_words(ctx);
    }
    int status = answer(p, ctx, method, row, scratch);
    Py_DECREF(row);
    /* If the fields of an error do not fit, the handler is to blame: report
     * that exception. */
    return PyErr_Occurred() ? core_worker_fail(p, ctx, method, scratch)
                            : status;
}

/* ---- calls --------------------------------------------------------------- */

PyObject *core_worker_arguments(const core_program *p, const core_node *node,
                                const void *params, unsigned how,
                                PyObject *items)
{
    uint32_t count = node->type->count;
    PyObject *args = PyTuple_New((Py_ssize_t)count + (items != NULL ? 1 : 0));
    for (uint32_t i = 0; args != NULL && i < count; i++) {
        PyObject *value =
            core_field_from_c(p->connection, &node->fields[i], params, how);
        if (value == NULL || PyTuple_SetItem(args, i, value) != 0) {
            Py_CLEAR(args);
        }
    }
    if (args != NULL && items != NULL) {
        (void)PyTuple_SetItem(args, (Py_ssize_t)count, Py_NewRef(items));
    }
    return args;
}

/* Copies the result of a raw method to memory from which it is sent. Returns 1
 * if the bytes can be sent from their own memory instead. */
static int lend_bytes(shmrpc_ctx *ctx, PyObject *value, shmrpc_bytes *result)
{
    char *from;
    Py_ssize_t len;
    if (!PyBytes_Check(value) ||
        PyBytes_AsStringAndSize(value, &from, &len) != 0 || len == 0) {
        return 1;
    }
    void *to = shmrpc_ctx_loan(ctx, (size_t)len);
    if (to == NULL) {
        return 1;
    }
    memcpy(to, from, (size_t)len);
    *result = (shmrpc_bytes){to, (size_t)len};
    return 0;
}

/* Raw replies of at least this size are copied directly into memory from which
 * they are sent. */
#define LEND_BYTES 1024

static int take_result(const shmrpc_method *method, shmrpc_ctx *ctx,
                       core_node *node, PyObject *value, void *result)
{
    if (method->encoding == SHMRPC_ENCODING_RAW && PyBytes_Check(value) &&
        PyBytes_Size(value) >= LEND_BYTES &&
        lend_bytes(ctx, value, result) == 0) {
        return 0;
    }
    return core_keep(&here.scratch, Py_NewRef(value)) == 0
               ? core_value_to_c(&here.scratch, node, value, result, "result")
               : -1;
}

/* Sends the handler's result. Returns a status, or CORE_RAISED. */
static int send_value(const program *p, shmrpc_ctx *ctx, uint32_t index,
                      PyObject *value, void *result)
{
    core_node *const *nodes = &p->nodes[CORE_NODES * index];
    const shmrpc_method *method = &p->connection->service->methods[index];
    if (nodes[CORE_ITEMS_OUT] != NULL) {
        return core_sink_all(p->connection, nodes[CORE_ITEMS_OUT],
                             core_how_of(method), shmrpc_stub_sink(ctx), value);
    }
    return nodes[CORE_RESULT] == NULL ||
                   take_result(method, ctx, nodes[CORE_RESULT], value,
                               result) == 0
               ? (int)SHMRPC_OK
               : CORE_RAISED;
}

static int run(program *p, shmrpc_ctx *ctx, uint32_t index, const void *params,
               void *result)
{
    core_node *const *nodes = &p->nodes[CORE_NODES * index];
    PyObject *function = PyList_GetItem(p->functions, (Py_ssize_t)index);
    unsigned how = core_how_of(&p->connection->service->methods[index]);
    here.scratch.is_typed = how == CORE_PYTHON;
    PyObject *items = nodes[CORE_ITEMS_IN] != NULL
                          ? core_source_new(p->connection, nodes[CORE_ITEMS_IN],
                                            how, shmrpc_stub_source(ctx))
                          : NULL;
    PyObject *args =
        PyErr_Occurred() == NULL
            ? core_worker_arguments(p, nodes[CORE_PARAMS], params, how, items)
            : NULL;
    PyObject *value = args != NULL ? PyObject_CallObject(function, args) : NULL;
    Py_XDECREF(args);
    int status =
        value != NULL ? send_value(p, ctx, index, value, result) : CORE_RAISED;
    Py_XDECREF(value);
    if (items != NULL) {
        core_source_end(items);
        Py_DECREF(items);
    }
    return status != CORE_RAISED
               ? status
               : core_worker_fail(p, ctx,
                                  &p->connection->service->methods[index],
                                  &here.scratch);
}

static int handle(shmrpc_ctx *ctx, const void *impl, void *user,
                  const void *params, void *result)
{
    program *p = user;
    PyGILState_STATE lock = PyGILState_LOCKED;
    (void)impl;
    if (p->async != NULL) {
        return core_async_handle(p, ctx, params);
    }
    bool is_kept = take_lock(p, &lock);
    shmrpc_ctx *outer = here.ctx;
    if (here.has_scratch) {
        core_scratch_fini(&here.scratch);
    }
    core_scratch_init(&here.scratch, p->connection);
    here.has_scratch = true;
    here.ctx = ctx;
    here.of = p;
    here.number++;
    int status = run(p, ctx, shmrpc_ctx_method(ctx), params, result);
    here.ctx = outer;
    if (p->is_leaving) {
        p->ended_ms = now_ms();
    }
    if (!is_kept) {
        PyGILState_Release(lock);
    }
    return status;
}

shmrpc_ctx *core_worker_here(const void **where, unsigned long long *number)
{
    *where = &here;
    *number = here.number;
    return here.ctx;
}

/* ---- hooks --------------------------------------------------------------- */

/* Stores the exception that is set as one line of text for people. */
static int explain(const program *p, shmrpc_error *error)
{
    PyObject *exception = core_take_exception();
    PyObject *text = PyObject_CallMethod(
        p->object, "explain", "O", exception != NULL ? exception : Py_None);
    const char *line =
        text != NULL ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
    int status = shmrpc_error_set(error, SHMRPC_E_PRECONDITION, "%s",
                                  line != NULL ? line : "an exception");
    PyErr_Clear();
    Py_XDECREF(exception);
    Py_XDECREF(text);
    return status;
}

/* Calls a function of the program object that returns nothing. */
static int tell(const program *p, const char *name)
{
    PyObject *done = PyObject_CallMethod(p->object, name, NULL);
    Py_XDECREF(done);
    return done != NULL ? 0 : -1;
}

/* Returns the names of the arguments that the method's handler gets: the
 * parameters, and "items" for a stream. New reference. */
static PyObject *names_of_arguments(const shmrpc_method *method)
{
    PyObject *names = PyList_New(0);
    for (uint32_t i = 0; names != NULL && i <= method->params->count; i++) {
        bool is_last = i == method->params->count;
        if (is_last && method->items_in == NULL) {
            break;
        }
        PyObject *name = PyUnicode_FromString(
            is_last ? "items" : method->params->fields[i].name);
        if (name == NULL || PyList_Append(names, name) != 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(name);
    }
    return names;
}

/* Returns (name, name in Python, names of arguments) for each method. */
static PyObject *rows_of(const shmrpc_service *service)
{
    PyObject *rows = PyList_New(0);
    for (uint32_t i = 0; rows != NULL && i < service->method_count; i++) {
        const shmrpc_method *method = &service->methods[i];
        PyObject *name = core_python_name(method->name);
        PyObject *names = name != NULL ? names_of_arguments(method) : NULL;
        PyObject *row = names != NULL
                            ? Py_BuildValue("(sOO)", method->name, name, names)
                            : NULL;
        if (row == NULL || PyList_Append(rows, row) != 0) {
            Py_CLEAR(rows);
        }
        Py_XDECREF(row);
        Py_XDECREF(names);
        Py_XDECREF(name);
    }
    return rows;
}

static core_node *make_node(core_connection *connection,
                            const shmrpc_type *type)
{
    core_node *node = core_node_of(connection, type);
    if (node == NULL) {
        return NULL;
    }
    core_making_begin(connection);
    int failed = core_node_prepare(connection, node);
    core_making_end(connection);
    return failed == 0 ? node : NULL;
}

static int make_nodes(program *p)
{
    const shmrpc_service *service = p->connection->service;
    p->nodes = PyMem_Calloc(CORE_NODES * (size_t)service->method_count + 1,
                            sizeof(core_node *));
    if (p->nodes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < service->method_count; i++) {
        const shmrpc_method *method = &service->methods[i];
        const shmrpc_type *const types[CORE_NODES] = {
            [CORE_PARAMS] = method->params,
            [CORE_RESULT] = method->result,
            [CORE_ITEMS_IN] = method->items_in,
            [CORE_ITEMS_OUT] = method->items_out};
        for (uint32_t k = 0; k < CORE_NODES; k++) {
            if (types[k] != NULL) {
                p->nodes[CORE_NODES * i + k] =
                    make_node(p->connection, types[k]);
                if (p->nodes[CORE_NODES * i + k] == NULL) {
                    return -1;
                }
            }
        }
    }
    return 0;
}

/* Runs before the fork: imports the user's class and makes its object, and
 * makes the classes of the service's types, so that workers share them. */
static int load(program *p)
{
    PyObject *classes = Py_None;
    int limit = 0;
    PyObject *rows = rows_of(p->connection->service);
    PyObject *made =
        rows != NULL ? PyObject_CallMethod(p->object, "load", "O", rows) : NULL;
    Py_XDECREF(rows);
    if (made == NULL) {
        return -1;
    }
    int failed = PyArg_ParseTuple(made, "O!Oi", &PyList_Type, &p->functions,
                                  &classes, &limit)
                     ? 0
                     : -1;
    p->async_limit = (unsigned)limit;
    if (failed == 0) {
        Py_INCREF(p->functions);
        if (classes != Py_None) {
            p->connection->classes = Py_NewRef(classes);
        }
        failed = make_nodes(p);
    }
    Py_DECREF(made);
    return failed == 0 ? tell(p, "freeze") : -1;
}

static int on_preload(void *user, shmrpc_error *error)
{
    program *p = user;
    PyGILState_STATE lock = PyGILState_Ensure();
    int status = load(p) == 0 ? SHMRPC_OK : explain(p, error);
    PyGILState_Release(lock);
    return status;
}

static int on_start(void *user, shmrpc_error *error)
{
    program *p = user;
    PyGILState_STATE lock = PyGILState_Ensure();
    p->main_thread = PyThread_get_thread_ident();
    int status = (p->async_limit == 0 || core_async_begin(p) == 0) &&
                         tell(p, "start") == 0
                     ? SHMRPC_OK
                     : explain(p, error);
    PyGILState_Release(lock);
    return status;
}

static void on_stop(void *user)
{
    program *p = user;
    PyGILState_STATE lock = PyGILState_Ensure();
    if (tell(p, "stop") != 0) {
        PyErr_Print();
    }
    PyGILState_Release(lock);
}

/* What PyGILState_Release needs: on_before_fork acquires the GIL, and
 * on_after_fork releases it in both processes. */
static PyGILState_STATE around_fork;

static void on_before_fork(void *user)
{
    (void)user;
    around_fork = PyGILState_Ensure();
    PyOS_BeforeFork();
}

static void on_after_fork(void *user, int32_t child_pid)
{
    (void)user;
    if (child_pid == 0) {
        PyOS_AfterFork_Child();
    } else {
        PyOS_AfterFork_Parent();
    }
    PyGILState_Release(around_fork);
}

/* ---- serving ------------------------------------------------------------- */

/* Returns the strings of a list, which live as long as the list. */
static char **strings_of(PyObject *list)
{
    Py_ssize_t count = PyList_Size(list);
    char **strings = PyMem_Calloc((size_t)count + 1, sizeof *strings);
    if (strings == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        const char *text =
            PyUnicode_AsUTF8AndSize(PyList_GetItem(list, i), NULL);
        strings[i] = text != NULL ? strdup(text) : NULL;
        if (strings[i] == NULL) {
            return NULL;
        }
    }
    return strings;
}

static int serve(program *p, int argc, char **argv, bool allow_threads)
{
    uint32_t count = p->connection->service->method_count;
    static const char nothing;
    shmrpc_handler *handlers = calloc((size_t)count + 1, sizeof *handlers);
    shmrpc_hooks hooks = SHMRPC_HOOKS_INIT;
    hooks.preload = on_preload;
    hooks.start = on_start;
    hooks.stop = on_stop;
    hooks.before_fork = on_before_fork;
    hooks.after_fork = on_after_fork;
    hooks.flags = allow_threads ? SHMRPC_HOOKS_ALLOW_THREADS : 0;
    for (uint32_t i = 0; handlers != NULL && i < count; i++) {
        handlers[i] = handle;
    }
    if (handlers == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    shmrpc_main_set_hooks(&hooks);
    PyThreadState *state = PyEval_SaveThread();
    int status = shmrpc_stub_main(argc, argv, p->connection->service, handlers,
                                  &nothing, sizeof nothing, p);
    if (p->has_lock) {
        (void)shmrpc_wait_set_hooks(NULL);
    } else {
        PyEval_RestoreThread(state);
    }
    free(handlers);
    return status;
}

/* serve(object, text, argv, allow_threads) -> exit status. The process ends
 * soon afterwards, so the program's memory is not freed. */
PyObject *core_serve(PyObject *module, PyObject *args)
{
    PyObject *object;
    PyObject *text;
    PyObject *list;
    int allow_threads;
    if (!PyArg_ParseTuple(args, "OUO!p:serve", &object, &text, &PyList_Type,
                          &list, &allow_threads)) {
        return NULL;
    }
    char **argv = strings_of(list);
    program *p = calloc(1, sizeof *p);
    if (p == NULL || argv == NULL) {
        free(p);
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    p->state = PyModule_GetState(module);
    p->state->program = p;
    p->object = Py_NewRef(object);
    p->connection = core_connection_serving(p->state, text);
    if (p->connection == NULL) {
        return NULL;
    }
    int status = serve(p, (int)PyList_Size(list), argv, allow_threads != 0);
    return PyErr_Occurred() ? NULL : PyLong_FromLong(status);
}

/* ---- the log ------------------------------------------------------------- */

PyObject *core_log(PyObject *module, PyObject *args)
{
    int level;
    const char *line;
    (void)module;
    if (!PyArg_ParseTuple(args, "is:log", &level, &line)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS shmrpc_log((shmrpc_log_level)level, "%s", line);
    Py_END_ALLOW_THREADS return Py_NewRef(Py_None);
}
