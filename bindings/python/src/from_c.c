/* Converts C values to Python objects. */
#include "core.h"

#include <string.h>

typedef core_reader reader;

static PyObject *read_value(const reader *r, core_node *node, const void *at);

#define READ(c_type, at) (*(const c_type *)(at))

static PyObject *read_number(shmrpc_kind kind, const void *at)
{
    switch (kind) {
    case SHMRPC_KIND_I8:
        return PyLong_FromLong(READ(int8_t, at));
    case SHMRPC_KIND_I16:
        return PyLong_FromLong(READ(int16_t, at));
    case SHMRPC_KIND_I32:
        return PyLong_FromLong(READ(int32_t, at));
    case SHMRPC_KIND_I64:
        return PyLong_FromLongLong(READ(int64_t, at));
    case SHMRPC_KIND_U8:
        return PyLong_FromUnsignedLong(READ(uint8_t, at));
    case SHMRPC_KIND_U16:
        return PyLong_FromUnsignedLong(READ(uint16_t, at));
    case SHMRPC_KIND_U32:
        return PyLong_FromUnsignedLong(READ(uint32_t, at));
    case SHMRPC_KIND_U64:
        return PyLong_FromUnsignedLongLong(READ(uint64_t, at));
    case SHMRPC_KIND_F32:
        return PyFloat_FromDouble((double)READ(float, at));
    default:
        return PyFloat_FromDouble(READ(double, at));
    }
}

/* ---- any ----------------------------------------------------------------- */

static PyObject *read_any_list(const reader *r, const shmrpc_any_list *from)
{
    PyObject *list = PyList_New((Py_ssize_t)from->len);
    for (size_t i = 0; list != NULL && i < from->len; i++) {
        PyObject *item = core_read_any(r, &from->ptr[i]);
        if (item == NULL || PyList_SetItem(list, (Py_ssize_t)i, item) != 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

/* Reads a map. A peer may send keys that Python can't hash, which is rare:
 * raises TypeError then. */
static PyObject *read_any_map(const reader *r, const shmrpc_any_map *from)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < from->len; i++) {
        PyObject *key = core_read_any(r, &from->ptr[i].key);
        PyObject *value =
            key != NULL ? core_read_any(r, &from->ptr[i].value) : NULL;
        if (value == NULL || PyDict_SetItem(dict, key, value) != 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *read_text(const shmrpc_str *text)
{
    return PyUnicode_FromStringAndSize(text->len > 0 ? text->ptr : "",
                                       (Py_ssize_t)text->len);
}

static PyObject *read_bytes(const shmrpc_bytes *bytes)
{
    return PyBytes_FromStringAndSize((const char *)bytes->ptr,
                                     (Py_ssize_t)bytes->len);
}

PyObject *core_read_any(const reader *r, const shmrpc_any *any)
{
    switch (any->kind) {
    case SHMRPC_ANY_NULL:
        return Py_NewRef(Py_None);
    case SHMRPC_ANY_BOOL:
        return PyBool_FromLong(any->u.b);
    case SHMRPC_ANY_I64:
        return PyLong_FromLongLong(any->u.i64);
    case SHMRPC_ANY_U64:
        return PyLong_FromUnsignedLongLong(any->u.u64);
    case SHMRPC_ANY_F64:
        return PyFloat_FromDouble(any->u.f64);
    case SHMRPC_ANY_F32:
        return PyFloat_FromDouble((double)any->u.f32);
    case SHMRPC_ANY_STR:
        return read_text(&any->u.str);
    case SHMRPC_ANY_BYTES:
        return read_bytes(&any->u.bytes);
    case SHMRPC_ANY_LIST:
        return read_any_list(r, &any->u.list);
    case SHMRPC_ANY_MAP:
        return read_any_map(r, &any->u.map);
    case SHMRPC_ANY_EXT:
        return r->is_typed
                   ? core_read_ext(r, any)
                   : core_help(r->state, "Ext", "iy#", (int)any->ext_type,
                               (const char *)any->u.bytes.ptr,
                               (Py_ssize_t)any->u.bytes.len);
    }
    PyErr_SetString(PyExc_SystemError, "a value of an unknown kind");
    return NULL;
}

/* ---- sequences ----------------------------------------------------------- */

const char *core_format_of(shmrpc_kind kind)
{
    static const char *const formats[] = {
        [SHMRPC_KIND_I8] = "b",  [SHMRPC_KIND_I16] = "h",
        [SHMRPC_KIND_I32] = "i", [SHMRPC_KIND_I64] = "q",
        [SHMRPC_KIND_U8] = "B",  [SHMRPC_KIND_U16] = "H",
        [SHMRPC_KIND_U32] = "I", [SHMRPC_KIND_U64] = "Q",
        [SHMRPC_KIND_F32] = "f", [SHMRPC_KIND_F64] = "d"};
    return (size_t)kind < sizeof formats / sizeof *formats ? formats[kind]
                                                           : NULL;
}

/* Returns a memoryview of the numbers in a copy of them. */
static PyObject *read_array(const char *format, const void *from, size_t bytes)
{
    PyObject *copy =
        PyBytes_FromStringAndSize((const char *)from, (Py_ssize_t)bytes);
    PyObject *flat = copy != NULL ? PyMemoryView_FromObject(copy) : NULL;
    PyObject *view =
        flat != NULL ? PyObject_CallMethod(flat, "cast", "s", format) : NULL;
    Py_XDECREF(copy);
    Py_XDECREF(flat);
    return view;
}

static PyObject *read_items(const reader *r, core_node *element,
                            const unsigned char *from, size_t count,
                            size_t item_bytes)
{
    const char *format = core_format_of(element->type->kind);
    if (r->arrays && format != NULL) {
        return read_array(format, from, count * item_bytes);
    }
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *item = read_value(r, element, from + i * item_bytes);
        if (item == NULL || PyList_SetItem(list, (Py_ssize_t)i, item) != 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static PyObject *read_map(const reader *r, core_node *node,
                          const shmrpc_u8_list *from)
{
    const shmrpc_type *type = node->type;
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < from->len; i++) {
        const unsigned char *entry = from->ptr + i * type->item_size;
        PyObject *key = read_value(r, node->key, entry);
        PyObject *value = key != NULL ? read_value(r, node->element,
                                                   entry + type->value_offset)
                                      : NULL;
        if (value == NULL || PyDict_SetItem(dict, key, value) != 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return dict;
}

/* ---- named types --------------------------------------------------------- */

static PyObject *read_enum(core_node *node, const void *at)
{
    PyObject *number = read_number(node->element->type->kind, at);
    if (number == NULL) {
        return NULL;
    }
    PyObject *member =
        Py_XNewRef(PyDict_GetItemWithError(node->members, number));
    if (member == NULL && !PyErr_Occurred()) {
        member = PyObject_CallFunctionObjArgs(node->cls, number, NULL);
        bool is_known = false;
        for (uint32_t i = 0; i < node->type->count && !is_known; i++) {
            int64_t value = PyLong_AsLongLong(number);
            is_known = value == node->type->enumerators[i].value;
            PyErr_Clear();
        }
        /* Only known members are kept in the dict. Numbers of unknown ones come
         * from a peer, and keeping them would let the dict grow without
         * limit. */
        if (member != NULL && is_known &&
            PyDict_SetItem(node->members, number, member) != 0) {
            Py_CLEAR(member);
        }
    }
    Py_DECREF(number);
    return member;
}

static PyObject *read_field(const reader *r, const core_field *field,
                            const unsigned char *base)
{
    const shmrpc_field *row = field->row;
    if (row->has_offset != SHMRPC_NO_OFFSET &&
        !READ(bool, base + row->has_offset)) {
        return Py_NewRef(Py_None);
    }
    const void *at = base + row->offset;
    if ((row->flags & SHMRPC_FIELD_POINTER) != 0) {
        at = READ(void *const, at);
        if (at == NULL) {
            return Py_NewRef(Py_None);
        }
    }
    return read_value(r, field->node, at);
}

/* Writes a field with the slot's descriptor if there is one, because a frozen
 * class refuses setattr. */
static int set_field(const core_node *node, const core_field *field,
                     PyObject *self, PyObject *value)
{
    return node->set != NULL
               ? node->set(field->descr, self, value)
               : PyObject_GenericSetAttr(self, field->name, value);
}

/* Calls the __post_init__ of a user's class; returns NULL if it raises. */
static PyObject *finished(PyObject *self)
{
    PyObject *done = PyObject_CallMethod(self, "__post_init__", NULL);
    if (done == NULL) {
        Py_CLEAR(self);
    }
    Py_XDECREF(done);
    return self;
}

/* Makes a struct without calling its class's constructor: the decoder has
 * already checked the fields. */
static PyObject *read_struct(const reader *r, core_node *node, const void *at)
{
    PyTypeObject *cls = (PyTypeObject *)node->cls;
    PyObject *self = PyType_GenericAlloc(cls, 0);
    for (uint32_t i = 0; self != NULL && i < node->type->count; i++) {
        const core_field *field = &node->fields[i];
        PyObject *value = read_field(r, field, at);
        if (value == NULL || set_field(node, field, self, value) != 0) {
            Py_CLEAR(self);
        }
        Py_XDECREF(value);
    }
    return self != NULL && node->is_finished ? finished(self) : self;
}

static PyObject *read_union(const reader *r, core_node *node, const void *at)
{
    uint32_t tag = READ(uint32_t, at);
    for (uint32_t i = 0; i < node->type->count; i++) {
        const core_field *field = &node->fields[i];
        if (field->row->tag != tag) {
            continue;
        }
        const void *place = (const unsigned char *)at + field->row->offset;
        if ((field->row->flags & SHMRPC_FIELD_POINTER) != 0) {
            place = READ(void *const, place);
        }
        PyObject *value = read_value(r, field->node, place);
        PyObject *self =
            value != NULL
                ? PyObject_CallFunctionObjArgs(node->cases[i], value, NULL)
                : NULL;
        Py_XDECREF(value);
        return self;
    }
    PyErr_Format(PyExc_ValueError, "%s: an unknown case of number %u",
                 node->type->name, tag);
    return NULL;
}

static PyObject *read_value(const reader *r, core_node *node, const void *at)
{
    const shmrpc_type *type = node->type;
    switch (type->kind) {
    case SHMRPC_KIND_BOOL:
        return PyBool_FromLong(READ(bool, at));
    case SHMRPC_KIND_STRING:
        return read_text(at);
    case SHMRPC_KIND_BYTES:
        return read_bytes(at);
    case SHMRPC_KIND_ANY:
        return core_read_any(r, at);
    case SHMRPC_KIND_LIST: {
        const shmrpc_u8_list *list = at;
        return read_items(r, node->element, list->ptr, list->len,
                          type->item_size);
    }
    case SHMRPC_KIND_ARRAY:
        return read_items(r, node->element, at, type->count,
                          type->element->size);
    case SHMRPC_KIND_MAP:
        return read_map(r, node, at);
    case SHMRPC_KIND_ENUM:
        return read_enum(node, at);
    case SHMRPC_KIND_STRUCT:
        return read_struct(r, node, at);
    case SHMRPC_KIND_UNION:
        return read_union(r, node, at);
    default:
        return read_number(type->kind, at);
    }
}

static core_reader reader_of(core_connection *connection, unsigned how,
                             shmrpc_any_memory **memory)
{
    return (core_reader){.state = connection->state,
                         .connection = connection,
                         .arrays = (how & CORE_ARRAYS) != 0,
                         .is_typed = (how & CORE_PYTHON) != 0,
                         .memory = memory};
}

PyObject *core_from_c(core_connection *connection, core_node *node,
                      const void *at, unsigned how)
{
    shmrpc_any_memory *memory = NULL;
    const core_reader r = reader_of(connection, how, &memory);
    PyObject *value = read_value(&r, node, at);
    shmrpc_any_memory_destroy(memory);
    return value;
}

PyObject *core_any_from_c(core_connection *connection, const shmrpc_any *any)
{
    shmrpc_any_memory *memory = NULL;
    const core_reader r = reader_of(connection, CORE_PYTHON, &memory);
    PyObject *value = core_read_any(&r, any);
    shmrpc_any_memory_destroy(memory);
    return value;
}

PyObject *core_typed_from_c(core_state *state, const shmrpc_any *any,
                            bool is_pickled)
{
    shmrpc_any_memory *memory = NULL;
    const reader r = {.state = state,
                      .is_typed = true,
                      .is_pickled = is_pickled,
                      .memory = &memory};
    PyObject *value = core_read_any(&r, any);
    shmrpc_any_memory_destroy(memory);
    return value;
}

PyObject *core_field_from_c(core_connection *connection,
                            const core_field *field, const void *base,
                            unsigned how)
{
    shmrpc_any_memory *memory = NULL;
    const core_reader r = reader_of(connection, how, &memory);
    PyObject *value = read_field(&r, field, base);
    shmrpc_any_memory_destroy(memory);
    return value;
}

PyObject *core_field_default(core_connection *connection,
                             const core_field *field)
{
    if ((field->row->flags & SHMRPC_FIELD_OPTIONAL) != 0) {
        return Py_NewRef(Py_None);
    }
    return field->row->default_value != NULL
               ? core_from_c(connection, field->node, field->row->default_value,
                             0)
               : NULL;
}
