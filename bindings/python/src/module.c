/* The extension module; each interpreter has a state of its own. */
#include "objects.h"

#include "shmrpc/version.h"

static int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **out)
{
    *out = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *out != NULL ? PyModule_AddType(module, *out) : -1;
}

/* shmrpc._helpers is not imported here, because it imports this module; it is
 * imported when first needed. */
static int start(PyObject *module)
{
    core_state *state = PyModule_GetState(module);
    return add_type(module, &core_connection_spec, &state->connection_type) !=
                       0 ||
                   add_type(module, &core_client_spec, &state->client_type) !=
                       0 ||
                   add_type(module, &core_method_spec, &state->method_type) !=
                       0 ||
                   add_type(module, &core_call_spec, &state->call_type) != 0 ||
                   add_type(module, &core_view_spec, &state->view_type) != 0 ||
                   add_type(module, &core_context_spec, &state->context_type) !=
                       0 ||
                   add_type(module, &core_aio_spec, &state->aio_type) != 0 ||
                   add_type(module, &core_aio_call_spec,
                            &state->aio_call_type) != 0 ||
                   add_type(module, &core_stream_spec, &state->stream_type) !=
                       0 ||
                   add_type(module, &core_source_spec, &state->source_type) !=
                       0 ||
                   add_type(module, &core_jobs_spec, &state->jobs_type) != 0 ||
                   add_type(module, &core_lock_spec, &state->lock_type) != 0 ||
                   objects_add_types(module, state) != 0
               ? -1
           /* The base class of generated clients, as type checkers see it. */
           : PyModule_AddObjectRef(module, "ServiceClient",
                                   (PyObject *)state->client_type) != 0
               ? -1
               : PyModule_AddStringConstant(module, "version", SHMRPC_VERSION);
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    core_state *state = PyModule_GetState(module);
    Py_VISIT(state->connection_type);
    Py_VISIT(state->client_type);
    Py_VISIT(state->method_type);
    Py_VISIT(state->call_type);
    Py_VISIT(state->view_type);
    Py_VISIT(state->context_type);
    Py_VISIT(state->aio_type);
    Py_VISIT(state->aio_call_type);
    Py_VISIT(state->stream_type);
    Py_VISIT(state->source_type);
    Py_VISIT(state->jobs_type);
    Py_VISIT(state->current);
    Py_VISIT(state->lock_type);
    for (size_t i = 0; i < CORE_OBJECT_TYPES; i++) {
        Py_VISIT(state->object_types[i]);
    }
    Py_VISIT(state->helpers);
    return 0;
}

static int clear(PyObject *module)
{
    core_state *state = PyModule_GetState(module);
    Py_CLEAR(state->connection_type);
    Py_CLEAR(state->client_type);
    Py_CLEAR(state->method_type);
    Py_CLEAR(state->call_type);
    Py_CLEAR(state->view_type);
    Py_CLEAR(state->context_type);
    Py_CLEAR(state->aio_type);
    Py_CLEAR(state->aio_call_type);
    Py_CLEAR(state->stream_type);
    Py_CLEAR(state->source_type);
    Py_CLEAR(state->jobs_type);
    Py_CLEAR(state->current);
    Py_CLEAR(state->lock_type);
    for (size_t i = 0; i < CORE_OBJECT_TYPES; i++) {
        Py_CLEAR(state->object_types[i]);
    }
    Py_CLEAR(state->helpers);
    return 0;
}

static PyObject *status_table(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
#define SHMRPC_X(name, number, connect, http, may_have_run, text) \
    {#name, (number)},
    static const struct {
        const char *name;
        int number;
    } rows[] = { SHMRPC_STATUS_LIST(SHMRPC_X) };
#undef SHMRPC_X
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < sizeof rows / sizeof *rows; i++) {
        PyObject *number = PyLong_FromLong(rows[i].number);
        if (number == NULL ||
            PyDict_SetItemString(dict, rows[i].name, number) != 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(number);
    }
    return dict;
}

static PyMethodDef functions[] = {
    {"connect", (PyCFunction)(void (*)(void))core_connect,
     METH_VARARGS | METH_KEYWORDS, "Connects; programs use shmrpc.connect."},
    {"serve", core_serve, METH_VARARGS,
     "Serves until stopped; programs use shmrpc.main."},
    {"context", core_context, METH_NOARGS,
     "The context of the call that this thread's handler handles."},
    {"jobs", core_jobs, METH_O,
     "The list from which shmrpc._async_worker takes calls."},
    {"log", core_log, METH_VARARGS, "Writes a line to the log, with a level."},
    {"open_lock", core_open_lock, METH_VARARGS,
     "Opens a lock; programs use shmrpc.Lock."},
    {"canonical", core_canonical, METH_O,
     "The canonical text of a .svc; programs use shmrpc.svc."},
    {"statuses", status_table, METH_NOARGS, "Name -> number of each status."},
    {"open_object", objects_open, METH_VARARGS,
     "Opens a shared object; programs use shmrpc.Dict and so on."},
    {"list_objects", objects_list, METH_VARARGS,
     "Lists the shared objects in a folder, as rows."},
    {"remove_object", objects_remove, METH_VARARGS,
     "Removes a shared object by its name."},
    {"collect_objects", objects_collect, METH_VARARGS,
     "Removes shared objects that are no longer in use."},
    {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, start}, {0, NULL}};

struct PyModuleDef core_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shmrpc._core",
    .m_doc = "The part of shmrpc that is written in C.",
    .m_size = sizeof(core_state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&core_module);
}
