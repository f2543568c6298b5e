/* If a call ends with an error, raises an exception for it. The classes of
 * these exceptions are in shmrpc/_errors.py. */
#include "core.h"

PyObject *core_helper(core_state *state, const char *name)
{
    if (state->helpers == NULL) {
        state->helpers = PyImport_ImportModule("shmrpc._helpers");
    }
    return state->helpers != NULL ? PyObject_GetAttrString(state->helpers, name)
                                  : NULL;
}

PyObject *core_help(core_state *state, const char *name, const char *format,
                    ...)
{
    PyObject *function = core_helper(state, name);
    if (function == NULL) {
        return NULL;
    }
    va_list values;
    va_start(values, format);
    PyObject *args = Py_VaBuildValue(format, values);
    va_end(values);
    if (args != NULL && !PyTuple_Check(args)) {
        PyObject *one = PyTuple_Pack(1, args);
        Py_DECREF(args);
        args = one;
    }
    PyObject *result =
        args != NULL ? PyObject_CallObject(function, args) : NULL;
    Py_XDECREF(args);
    Py_DECREF(function);
    return result;
}

/* Raises the exception that a helper makes from the error. */
static PyObject *raise(core_state *state, PyObject *cls,
                       const shmrpc_error *error, PyObject *details)
{
    PyObject *exception =
        core_help(state, "make_exception", "OisssiOO", cls, (int)error->code,
                  error->name, error->message, error->path, (int)error->pid,
                  error->may_have_run ? Py_True : Py_False, details);
    if (exception != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
    return NULL;
}

PyObject *core_raise_plain(core_state *state, const shmrpc_error *error)
{
    return raise(state, Py_None, error, Py_None);
}

static const shmrpc_error_type *thrown_by(const shmrpc_method *method,
                                          int32_t code)
{
    for (uint32_t i = 0; i < method->throws_count; i++) {
        if (method->throws[i]->number == code) {
            return method->throws[i];
        }
    }
    return NULL;
}

/* Makes a str from the other side's text; replaces invalid UTF-8. */
static PyObject *text_of(const shmrpc_str *text)
{
    return PyUnicode_FromStringAndSize(text->len > 0 ? text->ptr : "",
                                       (Py_ssize_t)text->len);
}

/* Raises an exception of the handler. The helper chooses its class among the
 * exceptions that exist here. */
static PyObject *raise_fault(core_connection *connection,
                             const shmrpc_error *error,
                             const shmrpc_fault *fault)
{
    PyObject *type = text_of(&fault->type);
    PyObject *message = text_of(&fault->message);
    PyObject *trace = text_of(&fault->trace);
    PyObject *args = core_any_from_c(connection, &fault->args);
    if (args == NULL && type != NULL && message != NULL && trace != NULL) {
        PyErr_Clear(); /* keys that Python can't hash: raised without
                        * arguments */
        args = Py_NewRef(Py_None);
    }
    PyObject *exception =
        args != NULL
            ? core_help(connection->state, "make_fault", "OOOOsiO", type,
                        message, trace, args, error->name, (int)error->pid,
                        error->may_have_run ? Py_True : Py_False)
            : NULL;
    if (exception != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    }
    Py_XDECREF(exception);
    Py_XDECREF(type);
    Py_XDECREF(message);
    Py_XDECREF(trace);
    Py_XDECREF(args);
    return NULL;
}

/* Raises a declared error. `payload` is NULL if its fields are unknown. */
static PyObject *raise_declared(core_connection *connection,
                                const shmrpc_error *error,
                                const shmrpc_error_type *type,
                                const void *payload)
{
    core_making_begin(connection);
    PyObject *cls = core_error_class(connection, type);
    core_making_end(connection);
    PyObject *details = NULL;
    if (cls != NULL) {
        core_node *node =
            payload != NULL ? core_node_of(connection, type->payload) : NULL;
        details = node != NULL ? core_from_c(connection, node, payload, 0)
                               : (PyErr_Occurred() ? NULL : Py_NewRef(Py_None));
    }
    if (details != NULL) {
        (void)raise(connection->state, cls, error, details);
    }
    Py_XDECREF(cls);
    Py_XDECREF(details);
    return NULL;
}

PyObject *core_raise(core_connection *connection, const shmrpc_method *method,
                     const shmrpc_error *error, const void *reply)
{
    const shmrpc_error_type *type = thrown_by(method, error->code);
    const shmrpc_fault *fault = shmrpc_stub_fault(reply);
    if (fault != NULL) {
        return raise_fault(connection, error, fault);
    }
    return type != NULL ? raise_declared(connection, error, type,
                                         shmrpc_stub_payload(reply, type))
                        : core_raise_plain(connection->state, error);
}

PyObject *core_raise_stream(core_connection *connection,
                            const shmrpc_method *method,
                            const shmrpc_error *error,
                            const shmrpc_stream *stream)
{
    const shmrpc_error_type *type = thrown_by(method, error->code);
    const shmrpc_fault *fault = shmrpc_stub_stream_fault(stream);
    if (fault != NULL && error->code == SHMRPC_E_UNKNOWN) {
        return raise_fault(connection, error, fault);
    }
    return type != NULL
               ? raise_declared(connection, error, type,
                                shmrpc_stub_stream_payload(stream, type))
               : core_raise_plain(connection->state, error);
}

PyObject *core_take_exception(void)
{
    PyObject *type;
    PyObject *value;
    PyObject *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace != NULL && value != NULL) {
        (void)PyException_SetTraceback(value, trace);
        PyErr_Clear();
    }
    Py_XDECREF(type);
    Py_XDECREF(trace);
    return value;
}
