/* The types of a service in Python: classes are made when they are first
 * needed. */
#include "core.h"

#include <string.h>

static int prepare_fields(core_connection *connection, core_node *node);

/* ---- nodes --------------------------------------------------------------- */

static core_node *find(const core_connection *connection,
                       const shmrpc_type *type)
{
    core_node *node = connection->nodes;
    while (node != NULL && node->type != type) {
        node = node->next;
    }
    return node;
}

static const char *const words[] = {
    "False",  "None",   "True",    "and",      "as",       "assert", "async",
    "await",  "break",  "class",   "continue", "def",      "del",    "elif",
    "else",   "except", "finally", "for",      "from",     "global", "if",
    "import", "in",     "is",      "lambda",   "nonlocal", "not",    "or",
    "pass",   "raise",  "return",  "try",      "while",    "with",   "yield"};

PyObject *core_python_name(const char *name)
{
    PyObject *text = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words && text == NULL; i++) {
        if (strcmp(words[i], name) == 0) {
            text = PyUnicode_FromFormat("%s_", name);
        }
    }
    text = text != NULL ? text : PyUnicode_FromString(name);
    if (text != NULL) {
        PyUnicode_InternInPlace(&text);
    }
    return text;
}

/* Fills in all of a node but its class: the nodes of its element, its key and
 * its fields. The node is already in the list, since types may contain
 * themselves. */
static int fill(core_connection *connection, core_node *node)
{
    const shmrpc_type *type = node->type;
    if (type->element != NULL &&
        (node->element = core_node_of(connection, type->element)) == NULL) {
        return -1;
    }
    if (type->key != NULL &&
        (node->key = core_node_of(connection, type->key)) == NULL) {
        return -1;
    }
    if (type->kind != SHMRPC_KIND_STRUCT && type->kind != SHMRPC_KIND_UNION) {
        return 0;
    }
    node->fields = PyMem_Calloc(type->count + 1u, sizeof *node->fields);
    if (node->fields == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < type->count; i++) {
        core_field *field = &node->fields[i];
        field->row = &type->fields[i];
        field->name = core_python_name(field->row->name);
        field->node = core_node_of(connection, field->row->type);
        if (field->name == NULL || field->node == NULL) {
            return -1;
        }
    }
    return 0;
}

core_node *core_node_of(core_connection *connection, const shmrpc_type *type)
{
    core_node *node = find(connection, type);
    if (node != NULL) {
        return node;
    }
    node = PyMem_Calloc(1, sizeof *node);
    if (node == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    node->type = type;
    node->next = connection->nodes;
    connection->nodes = node;
    return fill(connection, node) == 0 ? node : NULL;
}

void core_nodes_free(core_connection *connection)
{
    while (connection->nodes != NULL) {
        core_node *node = connection->nodes;
        connection->nodes = node->next;
        uint32_t count = node->fields != NULL ? node->type->count : 0;
        for (uint32_t i = 0; i < count; i++) {
            Py_XDECREF(node->fields[i].name);
            Py_XDECREF(node->fields[i].descr);
            if (node->cases != NULL) {
                Py_XDECREF(node->cases[i]);
            }
        }
        PyMem_Free(node->fields);
        PyMem_Free(node->cases);
        Py_XDECREF(node->cls);
        Py_XDECREF(node->members);
        PyMem_Free(node);
    }
}

/* ---- texts --------------------------------------------------------------- */

static PyObject *short_name(const shmrpc_type *type)
{
    const char *dot = strrchr(type->name, '.');
    return PyUnicode_FromString(dot != NULL ? dot + 1 : type->name);
}

static PyObject *text_of_two(const core_node *node)
{
    PyObject *key = core_type_text(node->key);
    PyObject *value = core_type_text(node->element);
    PyObject *text = key != NULL && value != NULL
                         ? PyUnicode_FromFormat("dict[%U, %U]", key, value)
                         : NULL;
    Py_XDECREF(key);
    Py_XDECREF(value);
    return text;
}

static PyObject *text_of_list(const core_node *node)
{
    PyObject *item = core_type_text(node->element);
    PyObject *text =
        item != NULL ? PyUnicode_FromFormat("list[%U]", item) : NULL;
    Py_XDECREF(item);
    return text;
}

PyObject *core_type_text(const core_node *node)
{
    switch (node->type->kind) {
    case SHMRPC_KIND_BOOL:
        return PyUnicode_FromString("bool");
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_F64:
        return PyUnicode_FromString("float");
    case SHMRPC_KIND_STRING:
        return PyUnicode_FromString("str");
    case SHMRPC_KIND_BYTES:
        return PyUnicode_FromString("bytes");
    case SHMRPC_KIND_ANY:
        return PyUnicode_FromString("Any");
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_ARRAY:
        return text_of_list(node);
    case SHMRPC_KIND_MAP:
        return text_of_two(node);
    case SHMRPC_KIND_ENUM:
    case SHMRPC_KIND_STRUCT:
    case SHMRPC_KIND_UNION:
        return short_name(node->type);
    default:
        return PyUnicode_FromString("int");
    }
}

/* ---- classes ------------------------------------------------------------- */

/* Makes a tuple (name, text of the type, default or NotImplemented) for a
 * field. */
static PyObject *describe_field(core_connection *connection,
                                const core_field *field)
{
    PyObject *text = core_type_text(field->node);
    PyObject *value = core_field_default(connection, field);
    PyObject *row = NULL;
    bool is_optional = (field->row->flags & SHMRPC_FIELD_OPTIONAL) != 0;
    if (text != NULL && !PyErr_Occurred()) {
        PyObject *full = is_optional ? PyUnicode_FromFormat("%U | None", text)
                                     : Py_NewRef(text);
        row = full == NULL
                  ? NULL
                  : PyTuple_Pack(3, field->name, full,
                                 value != NULL ? value : Py_NotImplemented);
        Py_XDECREF(full);
    }
    Py_XDECREF(text);
    Py_XDECREF(value);
    return row;
}

PyObject *core_fields_describe(core_connection *connection,
                               const core_node *node)
{
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list != NULL && i < node->type->count; i++) {
        PyObject *row = describe_field(connection, &node->fields[i]);
        if (row == NULL || PyList_Append(list, row) != 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}

/* Whether a class has a slot for each field; if so, stores the slots'
 * descriptors. */
static bool has_slots(core_node *node)
{
    for (uint32_t i = 0; i < node->type->count; i++) {
        PyObject *descr = PyObject_GetAttr(node->cls, node->fields[i].name);
        PyErr_Clear();
        if (descr == NULL || !Py_IS_TYPE(descr, &PyMemberDescr_Type)) {
            Py_XDECREF(descr);
            return false;
        }
        node->fields[i].descr = descr;
    }
    return true;
}

/* Decides how fields are read and written: through the class's slots, or as
 * attributes if a user's class has no slots. */
static int find_slots(core_node *node)
{
    int has_more = PyObject_HasAttrString(node->cls, "__post_init__");
    node->is_finished = has_more != 0;
    if (!has_slots(node)) {
        for (uint32_t i = 0; i < node->type->count; i++) {
            Py_CLEAR(node->fields[i].descr);
        }
        return 0;
    }
    node->set =
        (descrsetfunc)PyType_GetSlot(&PyMemberDescr_Type, Py_tp_descr_set);
    node->get =
        (descrgetfunc)PyType_GetSlot(&PyMemberDescr_Type, Py_tp_descr_get);
    return 0;
}

/* Returns the class that a generated module has for a name of the service; for
 * a union's case, `part` is appended to the name. Returns NULL without an
 * exception if there is none. New reference. */
static PyObject *known_class(const core_connection *connection,
                             const char *full_name, const char *part)
{
    if (connection->classes == NULL) {
        return NULL;
    }
    PyObject *key = PyUnicode_FromFormat(
        "%s%s%s", full_name, part != NULL ? "." : "", part != NULL ? part : "");
    PyObject *found =
        key != NULL ? PyDict_GetItemWithError(connection->classes, key) : NULL;
    Py_XINCREF(found);
    Py_XDECREF(key);
    return found;
}

static int make_struct(core_connection *connection, core_node *node)
{
    if (prepare_fields(connection, node) != 0) {
        return -1;
    }
    node->cls = known_class(connection, node->type->name, NULL);
    if (node->cls != NULL || PyErr_Occurred()) {
        return node->cls != NULL ? find_slots(node) : -1;
    }
    PyObject *name = short_name(node->type);
    PyObject *rows =
        name != NULL ? core_fields_describe(connection, node) : NULL;
    if (rows != NULL) {
        node->cls = core_help(connection->state, "make_struct", "OsOs", name,
                              node->type->name, rows, node->type->doc);
    }
    Py_XDECREF(name);
    Py_XDECREF(rows);
    return node->cls != NULL ? find_slots(node) : -1;
}

static PyObject *number_of(const shmrpc_type *type, int64_t value)
{
    return type->element != NULL && type->element->kind == SHMRPC_KIND_U64
               ? PyLong_FromUnsignedLongLong((unsigned long long)value)
               : PyLong_FromLongLong(value);
}

static PyObject *describe_members(const shmrpc_type *type)
{
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list != NULL && i < type->count; i++) {
        PyObject *value = number_of(type, type->enumerators[i].value);
        PyObject *row =
            value != NULL
                ? Py_BuildValue("(sO)", type->enumerators[i].name, value)
                : NULL;
        if (row == NULL || PyList_Append(list, row) != 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
        Py_XDECREF(value);
    }
    return list;
}

static int make_enum(core_connection *connection, core_node *node)
{
    node->cls = known_class(connection, node->type->name, NULL);
    PyObject *name = short_name(node->type);
    PyObject *rows = name != NULL && node->cls == NULL && !PyErr_Occurred()
                         ? describe_members(node->type)
                         : NULL;
    if (rows != NULL) {
        node->cls = core_help(connection->state, "make_enum", "OsOs", name,
                              node->type->name, rows, node->type->doc);
    }
    Py_XDECREF(name);
    Py_XDECREF(rows);
    if (node->cls == NULL) {
        return -1;
    }
    node->members = PyDict_New();
    return node->members != NULL ? 0 : -1;
}

static int make_union(core_connection *connection, core_node *node)
{
    node->cases = PyMem_Calloc(node->type->count + 1u, sizeof *node->cases);
    if (node->cases == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (prepare_fields(connection, node) != 0) {
        return -1;
    }
    PyObject *name = short_name(node->type);
    for (uint32_t i = 0; name != NULL && i < node->type->count; i++) {
        node->cases[i] = known_class(connection, node->type->name,
                                     node->type->fields[i].name);
        PyObject *text = node->cases[i] == NULL && !PyErr_Occurred()
                             ? core_type_text(node->fields[i].node)
                             : NULL;
        if (text != NULL) {
            node->cases[i] =
                core_help(connection->state, "make_case", "OssO", name,
                          node->type->name, node->type->fields[i].name, text);
        }
        Py_XDECREF(text);
        if (node->cases[i] == NULL) {
            Py_CLEAR(name);
        }
    }
    Py_XDECREF(name);
    return name != NULL ? 0 : -1;
}

static int prepare_fields(core_connection *connection, core_node *node)
{
    for (uint32_t i = 0; i < node->type->count; i++) {
        if (core_node_prepare(connection, node->fields[i].node) != 0) {
            return -1;
        }
    }
    return 0;
}

int core_node_prepare(core_connection *connection, core_node *node)
{
    if (node->is_prepared) {
        return 0;
    }
    node->is_prepared = true;
    if ((node->element != NULL &&
         core_node_prepare(connection, node->element) != 0) ||
        (node->key != NULL && core_node_prepare(connection, node->key) != 0)) {
        node->is_prepared = false;
        return -1;
    }
    int failed = 0;
    if (node->type->kind == SHMRPC_KIND_STRUCT) {
        failed = (node->type->flags & SHMRPC_TYPE_PARAMS) != 0
                     ? prepare_fields(connection, node)
                     : make_struct(connection, node);
    } else if (node->type->kind == SHMRPC_KIND_ENUM) {
        failed = make_enum(connection, node);
    } else if (node->type->kind == SHMRPC_KIND_UNION) {
        failed = make_union(connection, node);
    }
    node->is_prepared = failed == 0;
    return failed;
}

/* Returns the generated module's class for an error, or a new class. New
 * reference. */
static PyObject *make_error(core_connection *connection,
                            const shmrpc_error_type *type)
{
    core_node *payload = NULL;
    if (type->payload != NULL &&
        ((payload = core_node_of(connection, type->payload)) == NULL ||
         core_node_prepare(connection, payload) != 0)) {
        return NULL;
    }
    PyObject *known = known_class(connection, type->name, "error");
    if (known != NULL || PyErr_Occurred()) {
        return known;
    }
    return core_help(connection->state, "make_error", "siOs", type->name,
                     (int)type->number,
                     payload != NULL ? payload->cls : Py_None, type->doc);
}

PyObject *core_error_class(core_connection *connection,
                           const shmrpc_error_type *type)
{
    PyObject *key = Py_BuildValue("(is)", (int)type->number, type->name);
    if (key == NULL) {
        return NULL;
    }
    PyObject *cls =
        Py_XNewRef(PyDict_GetItemWithError(connection->errors, key));
    if (cls == NULL && !PyErr_Occurred()) {
        cls = make_error(connection, type);
        if (cls != NULL && PyDict_SetItem(connection->errors, key, cls) != 0) {
            Py_CLEAR(cls);
        }
    }
    Py_DECREF(key);
    return cls;
}
