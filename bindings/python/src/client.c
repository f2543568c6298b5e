/* Connections, and client objects, each of which is a view of one
 * connection. */
#include "core.h"
#include "wait.h"

#include <string.h>

typedef struct client {
    PyObject_HEAD core_connection *connection;
    core_options options;
    PyObject *methods; /* name in Python -> method, filled as names are used */
} client;

/* ---- connections --------------------------------------------------------- */

static void disconnect(core_connection *connection)
{
    shmrpc_client *gone = connection->client;
    connection->client = NULL;
    if (gone != NULL) {
        core_wait wait;
        /* Closing ends asyncio calls, whose callbacks need the GIL, so the GIL
         * is not released at once if there may be such calls. */
        core_wait_enter(&wait, connection->aio != NULL ? CORE_WAIT_LATE
                                                       : CORE_WAIT_WHOLE);
        shmrpc_stub_close(gone);
        (void)core_wait_leave(&wait);
    }
}

int core_connection_begin(core_connection *connection)
{
    if (connection->client == NULL || connection->is_closing) {
        PyErr_Format(PyExc_ValueError, "the client of %s is closed",
                     connection->service->name);
        return -1;
    }
    connection->in_flight++;
    return 0;
}

/* May be called with an exception set, and keeps it. */
void core_connection_end(core_connection *connection)
{
    connection->in_flight--;
    if (connection->in_flight == 0 && connection->is_closing) {
        PyObject *type;
        PyObject *value;
        PyObject *trace;
        PyErr_Fetch(&type, &value, &trace);
        disconnect(connection);
        PyErr_Restore(type, value, trace);
    }
}

void core_making_begin(core_connection *connection)
{
    if (PyThread_acquire_lock(connection->making, NOWAIT_LOCK) == 0) {
        Py_BEGIN_ALLOW_THREADS PyThread_acquire_lock(connection->making,
                                                     WAIT_LOCK);
        Py_END_ALLOW_THREADS
    }
}

void core_making_end(core_connection *connection)
{
    PyThread_release_lock(connection->making);
}

static void connection_dealloc(PyObject *self)
{
    core_connection *connection = (core_connection *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (connection->client != NULL) {
        PyObject *error;
        PyObject *value;
        PyObject *trace;
        PyErr_Fetch(&error, &value, &trace);
        core_aio_close(connection->aio);
        if (!connection->is_closing &&
            PyErr_ResourceWarning(NULL, 1, "the client of %s was not closed",
                                  connection->service->name) != 0) {
            PyErr_WriteUnraisable(NULL);
        }
        disconnect(connection);
        PyErr_Restore(error, value, trace);
    }
    core_aio_drop(connection->aio);
    core_nodes_free(connection);
    Py_XDECREF(connection->errors);
    Py_XDECREF(connection->where);
    Py_XDECREF(connection->text);
    Py_XDECREF(connection->classes);
    if (connection->making != NULL) {
        PyThread_free_lock(connection->making);
    }
    shmrpc_interface_release(connection->interface);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyType_Slot connection_slots[] = {{Py_tp_dealloc, connection_dealloc},
                                         {0, NULL}};

PyType_Spec core_connection_spec = {.name = "shmrpc._core.Connection",
                                    .basicsize = sizeof(core_connection),
                                    .flags = Py_TPFLAGS_DEFAULT |
                                             Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                    .slots = connection_slots};

static core_connection *connection_new(core_state *state, PyObject *where,
                                       PyObject *text)
{
    core_connection *connection =
        PyObject_New(core_connection, state->connection_type);
    if (connection == NULL) {
        return NULL;
    }
    /* Clear everything after the object head. */
    memset((char *)connection + sizeof(PyObject), 0,
           sizeof *connection - sizeof(PyObject));
    connection->state = state;
    connection->where = Py_NewRef(where);
    connection->text = Py_NewRef(text);
    connection->errors = PyDict_New();
    connection->making = PyThread_allocate_lock();
    if (connection->errors == NULL || connection->making == NULL) {
        Py_DECREF((PyObject *)connection);
        return NULL;
    }
    return connection;
}

core_connection *core_connection_serving(core_state *state, PyObject *text)
{
    Py_ssize_t len;
    shmrpc_error error;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &len);
    core_connection *connection =
        bytes != NULL ? connection_new(state, Py_None, text) : NULL;
    if (connection == NULL) {
        return NULL;
    }
    if (shmrpc_interface_read(bytes, (size_t)len, &connection->interface,
                              &error) != SHMRPC_OK) {
        (void)core_raise_plain(state, &error);
        Py_DECREF((PyObject *)connection);
        return NULL;
    }
    connection->service = shmrpc_interface_service(connection->interface);
    return connection;
}

/* Connects, and gets the service's text from the argument or from the service
 * itself. */
static int open_connection(core_connection *connection, const shmrpc_opts *opts)
{
    Py_ssize_t len = 0;
    shmrpc_error error;
    core_wait wait;
    const char *text = NULL;
    const char *where = PyUnicode_AsUTF8AndSize(connection->where, NULL);
    if (where == NULL) {
        return -1;
    }
    if (connection->text != Py_None) {
        text = PyUnicode_AsUTF8AndSize(connection->text, &len);
        if (text == NULL) {
            return -1;
        }
    }
    core_wait_enter(&wait, CORE_WAIT_WHOLE);
    int status = text != NULL
                     ? (int)shmrpc_interface_read(
                           text, (size_t)len, &connection->interface, &error)
                     : (int)shmrpc_interface_ask(
                           where, opts, &connection->interface, &error);
    if (status == SHMRPC_OK) {
        connection->service = shmrpc_interface_service(connection->interface);
        const char *found = shmrpc_interface_where(connection->interface);
        status = shmrpc_stub_connect(connection->service,
                                     found != NULL ? found : where, opts,
                                     &connection->client, &error);
    }
    if (core_wait_leave(&wait)) {
        connection->is_closing = true;
        return -1;
    }
    if (status != SHMRPC_OK) {
        (void)core_raise_plain(connection->state, &error);
        return -1;
    }
    return 0;
}

/* ---- clients ------------------------------------------------------------- */

static PyObject *client_new(core_connection *connection, PyTypeObject *type,
                            const core_options *options)
{
    PyObject *methods = PyDict_New();
    client *c = methods != NULL ? (client *)PyType_GenericAlloc(type, 0) : NULL;
    if (c == NULL) {
        Py_XDECREF(methods);
        return NULL;
    }
    c->connection = (core_connection *)Py_NewRef((PyObject *)connection);
    c->options = *options;
    Py_XINCREF(c->options.metadata);
    c->methods = methods;
    return (PyObject *)c;
}

static void client_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((client *)self)->methods);
    Py_XDECREF(((client *)self)->options.metadata);
    Py_XDECREF((PyObject *)((client *)self)->connection);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

int core_timeout_of(PyObject *seconds, int64_t *out_ns)
{
    if (seconds == Py_None) {
        return 0;
    }
    double value = PyFloat_AsDouble(seconds);
    if (value == -1.0 && PyErr_Occurred()) {
        return -1;
    }
    if (!(value > 0)) {
        PyErr_Format(PyExc_ValueError,
                     "timeout: %R seconds, expected more "
                     "than 0",
                     seconds);
        return -1;
    }
    *out_ns =
        value < 9e9 ? (int64_t)(value * 1e9) : INT64_C(9000000000000000000);
    *out_ns = *out_ns > 0 ? *out_ns : 1;
    return 0;
}

PyObject *core_connect(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {
        "where", "svc",     "timeout", "arrays", "profile", "max_message_bytes",
        "cls",   "classes", "glue",    NULL};
    core_state *state = PyModule_GetState(module);
    PyObject *where;
    PyObject *text = Py_None;
    PyObject *timeout = Py_None;
    PyObject *classes = NULL;
    PyObject *glue = Py_None;
    PyTypeObject *type = state->client_type;
    int arrays = 0;
    int profile = 0;
    Py_ssize_t max_bytes = 0;
    shmrpc_opts opts;
    memset(&opts, 0, sizeof opts);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|OOpinO!O!O:connect",
                                     names, &where, &text, &timeout, &arrays,
                                     &profile, &max_bytes, &PyType_Type, &type,
                                     &PyDict_Type, &classes, &glue) ||
        core_timeout_of(timeout, &opts.timeout_ns) != 0) {
        return NULL;
    }
    if (text != Py_None && !PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "svc: expected a text or None");
        return NULL;
    }
    if (!PyType_IsSubtype(type, state->client_type)) {
        PyErr_SetString(PyExc_TypeError, "cls: expected a class of clients");
        return NULL;
    }
    opts.profile = (shmrpc_profile)profile;
    opts.max_message_bytes = max_bytes > 0 ? (size_t)max_bytes : 0;
    core_connection *connection = connection_new(state, where, text);
    PyObject *made = NULL;
    if (connection != NULL) {
        connection->classes = Py_XNewRef(classes);
        connection->timeout_ns = opts.timeout_ns;
    }
    if (connection != NULL && open_connection(connection, &opts) == 0 &&
        (glue == Py_None || core_aio_attach(connection, glue) == 0)) {
        const core_options options = {.how = arrays != 0 ? CORE_ARRAYS : 0};
        made = client_new(connection, type, &options);
    }
    if (made == NULL && connection != NULL) {
        connection->is_closing = true;
    }
    Py_XDECREF((PyObject *)connection);
    return made;
}

/* ---- methods of the service ---------------------------------------------- */

/* Returns the index of the method with this name on the wire; the number of
 * methods if there is none. */
static uint32_t index_of(const shmrpc_service *service, const char *name,
                         size_t len)
{
    uint32_t i = 0;
    while (i < service->method_count &&
           (strlen(service->methods[i].name) != len ||
            memcmp(service->methods[i].name, name, len) != 0)) {
        i++;
    }
    return i;
}

/* Finds a method and caches it. Returns NULL without an exception if there is
 * none. New reference. */
static PyObject *find_method(client *c, PyObject *name, bool is_python)
{
    Py_ssize_t len;
    const shmrpc_service *service = c->connection->service;
    const char *text = PyUnicode_AsUTF8AndSize(name, &len);
    if (text == NULL) {
        return NULL;
    }
    uint32_t index = index_of(service, text, (size_t)len);
    if (index == service->method_count && is_python && len > 1 &&
        text[len - 1] == '_') {
        index = index_of(service, text, (size_t)len - 1);
    }
    return index < service->method_count
               ? core_method_new(c->connection, index, &c->options)
               : NULL;
}

/* Raises `type` for an unknown name, with a hint about similar names. */
static void refuse_name(PyObject *self, PyObject *type, PyObject *name)
{
    PyObject *error = core_help(((client *)self)->connection->state,
                                "no_method", "OO", self, name);
    PyObject *text = error != NULL ? PyObject_Str(error) : NULL;
    if (text != NULL) {
        PyErr_SetObject(type, type == PyExc_AttributeError ? error : text);
    }
    Py_XDECREF(text);
    Py_XDECREF(error);
}

static PyObject *client_getattro(PyObject *self, PyObject *name)
{
    client *c = (client *)self;
    PyObject *found = PyDict_GetItemWithError(c->methods, name);
    if (found != NULL || PyErr_Occurred()) {
        return Py_XNewRef(found);
    }
    found = PyObject_GenericGetAttr(self, name);
    if (found != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError)) {
        return found;
    }
    PyErr_Clear();
    found = find_method(c, name, true);
    if (found != NULL) {
        if (PyDict_SetItem(c->methods, name, found) != 0) {
            Py_CLEAR(found);
        }
    } else if (!PyErr_Occurred()) {
        refuse_name(self, PyExc_AttributeError, name);
    }
    return found;
}

/* Finds a method by its name on the wire, even if that name is reserved in
 * Python. */
static PyObject *client_subscript(PyObject *self, PyObject *name)
{
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "expected the name of a method");
        return NULL;
    }
    PyObject *found = find_method((client *)self, name, false);
    if (found == NULL && !PyErr_Occurred()) {
        refuse_name(self, PyExc_KeyError, name);
    }
    return found;
}

/* Attributes of the client itself; they hide methods with the same names. */
static const char *const own_names[] = {"close",  "with_options", "service",
                                        "errors", "types",        "connect"};

static PyObject *name_of(const char *name)
{
    for (size_t i = 0; i < sizeof own_names / sizeof *own_names; i++) {
        if (strcmp(own_names[i], name) == 0) {
            return PyUnicode_FromFormat("%s_", name);
        }
    }
    return core_python_name(name);
}

static PyObject *client_dir(PyObject *self, PyObject *unused)
{
    const client *c = (const client *)self;
    const shmrpc_service *service = c->connection->service;
    (void)unused;
    PyObject *list = PyObject_CallMethod((PyObject *)&PyBaseObject_Type,
                                         "__dir__", "O", self);
    for (uint32_t i = 0; list != NULL && i < service->method_count; i++) {
        PyObject *name = name_of(service->methods[i].name);
        if (name == NULL || PyList_Append(list, name) != 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(name);
    }
    return list;
}

/* ---- attributes of the client itself ------------------------------------- */

static PyObject *client_close(PyObject *self, PyObject *unused)
{
    core_connection *connection = ((client *)self)->connection;
    (void)unused;
    core_aio_close(connection->aio);
    connection->is_closing = true;
    if (connection->in_flight == 0) {
        disconnect(connection);
    }
    return Py_NewRef(Py_None);
}

static PyObject *client_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyObject *client_with_options(PyObject *self, PyObject *args,
                                     PyObject *kwargs)
{
    static char *names[] = {"timeout", "arrays", "metadata", NULL};
    const client *c = (const client *)self;
    core_options options = c->options;
    PyObject *timeout = Py_None;
    PyObject *metadata = Py_None;
    int arrays = (options.how & CORE_ARRAYS) != 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OpO:with_options", names,
                                     &timeout, &arrays, &metadata) ||
        core_timeout_of(timeout, &options.timeout_ns) != 0) {
        return NULL;
    }
    options.how = arrays != 0 ? CORE_ARRAYS : 0;
    PyObject *checked = NULL;
    if (metadata != Py_None) {
        checked = core_metadata_merge(NULL, metadata);
        if (checked == NULL) {
            return NULL;
        }
        options.metadata = checked;
    }
    PyObject *made = client_new(c->connection, Py_TYPE(self), &options);
    Py_XDECREF(checked);
    return made;
}

/* Supports pickle: a client that is unpickled in another process connects
 * there. Secrets are never included. */
static PyObject *client_reduce(PyObject *self, PyObject *unused)
{
    const client *c = (const client *)self;
    (void)unused;
    PyObject *function = core_helper(c->connection->state, "reconnect");
    PyObject *made =
        function != NULL
            ? Py_BuildValue(
                  "O(OOdOO)", function, c->connection->where,
                  c->connection->text, (double)c->options.timeout_ns / 1e9,
                  (c->options.how & CORE_ARRAYS) != 0 ? Py_True : Py_False,
                  c->connection->classes != NULL ? (PyObject *)Py_TYPE(self)
                                                 : Py_None)
            : NULL;
    Py_XDECREF(function);
    return made;
}

static PyObject *client_repr(PyObject *self)
{
    const core_connection *connection = ((const client *)self)->connection;
    return PyUnicode_FromFormat(
        "<client of %s at %R%s>", connection->service->id, connection->where,
        connection->client == NULL || connection->is_closing ? ", closed" : "");
}

static PyObject *client_service(PyObject *self, void *closure)
{
    const shmrpc_service *service = ((const client *)self)->connection->service;
    (void)closure;
    return Py_BuildValue("{s:s,s:s,s:i,s:I,s:z}", "name", service->name, "id",
                         service->id, "port", (int)service->port, "version",
                         (unsigned)service->version, "doc", service->doc);
}

/* Adds an error or type to the dict under its short name. namespace_of() makes
 * the entries of the dict attributes of one object. */
static int add_named(PyObject *dict, const char *full_name, PyObject *value)
{
    const char *dot = strrchr(full_name, '.');
    int failed = value == NULL
                     ? -1
                     : PyDict_SetItemString(
                           dict, dot != NULL ? dot + 1 : full_name, value);
    Py_XDECREF(value);
    return failed;
}

static PyObject *namespace_of(core_connection *connection, PyObject *dict)
{
    PyObject *made =
        dict != NULL ? core_help(connection->state, "Namespace", "(O)", dict)
                     : NULL;
    Py_XDECREF(dict);
    return made;
}

PyObject *core_errors_of(core_connection *connection)
{
    const shmrpc_service *service = connection->service;
    PyObject *dict = PyDict_New();
    core_making_begin(connection);
    for (uint32_t i = 0; i < service->method_count; i++) {
        const shmrpc_method *row = &service->methods[i];
        for (uint32_t k = 0; dict != NULL && k < row->throws_count; k++) {
            if (add_named(dict, row->throws[k]->name,
                          core_error_class(connection, row->throws[k])) != 0) {
                Py_CLEAR(dict);
            }
        }
    }
    core_making_end(connection);
    return namespace_of(connection, dict);
}

/* Adds the classes of a node; a union has one class for each case, such as
 * Shape.text. */
static int add_types(core_connection *connection, PyObject *dict,
                     core_node *node)
{
    const shmrpc_type *type = node->type;
    if (core_node_prepare(connection, node) != 0) {
        return -1;
    }
    if (node->cls != NULL) {
        return add_named(dict, type->name, Py_NewRef(node->cls));
    }
    if (type->kind != SHMRPC_KIND_UNION || node->cases == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < type->count; i++) {
        PyObject *name = PyObject_GetAttrString(node->cases[i], "__name__");
        int failed =
            name != NULL ? PyDict_SetItem(dict, name, node->cases[i]) : -1;
        Py_XDECREF(name);
        if (failed != 0) {
            return -1;
        }
    }
    return 0;
}

PyObject *core_types_of(core_connection *connection)
{
    const shmrpc_service *service = connection->service;
    PyObject *dict = PyDict_New();
    for (uint32_t i = 0; dict != NULL && i < service->method_count; i++) {
        const shmrpc_method *row = &service->methods[i];
        const shmrpc_type *const types[] = {row->params, row->result,
                                            row->items_in, row->items_out};
        for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
            if (types[k] != NULL &&
                core_node_of(connection, types[k]) == NULL) {
                Py_CLEAR(dict);
            }
        }
    }
    core_making_begin(connection);
    for (core_node *node = connection->nodes; dict != NULL && node != NULL;
         node = node->next) {
        if (add_types(connection, dict, node) != 0) {
            Py_CLEAR(dict);
        }
    }
    core_making_end(connection);
    return namespace_of(connection, dict);
}

static PyObject *client_errors(PyObject *self, void *closure)
{
    (void)closure;
    return core_errors_of(((client *)self)->connection);
}

static PyObject *client_types(PyObject *self, void *closure)
{
    (void)closure;
    return core_types_of(((client *)self)->connection);
}

static PyMethodDef client_methods[] = {
    {"close", client_close, METH_NOARGS,
     "Closes the connection once the calls in progress have ended."},
    {"with_options", (PyCFunction)(void (*)(void))client_with_options,
     METH_VARARGS | METH_KEYWORDS,
     "The same connection with other options: timeout in seconds; arrays=True "
     "returns lists of numbers as memoryviews; metadata={...} goes with each "
     "call, unless its own _metadata has the same key."},
    {"__enter__", client_enter, METH_NOARGS, NULL},
    {"__exit__", client_close, METH_VARARGS, NULL},
    {"__dir__", client_dir, METH_NOARGS, NULL},
    {"__reduce__", client_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef client_getset[] = {
    {"service", client_service, NULL,
     "Name, id, port, version and documentation of the service.", NULL},
    {"errors", client_errors, NULL,
     "The classes of the errors that the service declares.", NULL},
    {"types", client_types, NULL, "Its structs, enums and cases of unions.",
     NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot client_slots[] = {
    {Py_tp_dealloc, client_dealloc},
    {Py_tp_getattro, client_getattro},
    {Py_tp_repr, client_repr},
    {Py_tp_methods, client_methods},
    {Py_tp_getset, client_getset},
    {Py_mp_subscript, client_subscript},
    {Py_tp_doc, "A client: the service's methods are its attributes."},
    {0, NULL}};

PyType_Spec core_client_spec = {.name = "shmrpc._core.Client",
                                .basicsize = sizeof(client),
                                .flags = Py_TPFLAGS_DEFAULT |
                                         Py_TPFLAGS_BASETYPE |
                                         Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                .slots = client_slots};
