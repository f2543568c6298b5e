/* Converts Python objects to C values, as the service's tables say. This file
 * checks the width of numbers; the codec, which checks every value before it is
 * sent, checks bounds and UTF-8. */
#include "to_c.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* How many names an error lists at most. */
#define MOST_NAMES 12

static int write_value(core_scratch *scratch, core_node *node, PyObject *value,
                       void *at, const core_step *step);

/* ---- errors -------------------------------------------------------------- */

PyObject *core_type_name(PyObject *value)
{
    return PyObject_GetAttrString((PyObject *)Py_TYPE(value), "__name__");
}

/* Raises "expected int, got str". */
static int wrong_type(const core_node *node, PyObject *value,
                      const core_step *step)
{
    PyObject *wanted = core_type_text(node);
    PyObject *got = core_type_name(value);
    if (wanted != NULL && got != NULL) {
        core_refuse(PyExc_TypeError, step, "expected %U, got %U", wanted, got);
    }
    Py_XDECREF(wanted);
    Py_XDECREF(got);
    return -1;
}

/* ---- numbers ------------------------------------------------------------- */

static int write_signed(shmrpc_kind kind, long long value, void *at)
{
    switch (kind) {
    case SHMRPC_KIND_I8:
        *(int8_t *)at = (int8_t)value;
        return value >= INT8_MIN && value <= INT8_MAX;
    case SHMRPC_KIND_I16:
        *(int16_t *)at = (int16_t)value;
        return value >= INT16_MIN && value <= INT16_MAX;
    case SHMRPC_KIND_I32:
        *(int32_t *)at = (int32_t)value;
        return value >= INT32_MIN && value <= INT32_MAX;
    case SHMRPC_KIND_I64:
        *(int64_t *)at = value;
        return 1;
    case SHMRPC_KIND_U8:
        *(uint8_t *)at = (uint8_t)value;
        return value >= 0 && value <= UINT8_MAX;
    case SHMRPC_KIND_U16:
        *(uint16_t *)at = (uint16_t)value;
        return value >= 0 && value <= UINT16_MAX;
    case SHMRPC_KIND_U32:
        *(uint32_t *)at = (uint32_t)value;
        return value >= 0 && value <= UINT32_MAX;
    default:
        return 0;
    }
}

static int out_of_range(const core_node *node, PyObject *value,
                        const core_step *step)
{
    static const char *const names[] = {
        [SHMRPC_KIND_I8] = "i8",   [SHMRPC_KIND_I16] = "i16",
        [SHMRPC_KIND_I32] = "i32", [SHMRPC_KIND_I64] = "i64",
        [SHMRPC_KIND_U8] = "u8",   [SHMRPC_KIND_U16] = "u16",
        [SHMRPC_KIND_U32] = "u32", [SHMRPC_KIND_U64] = "u64"};
    PyErr_Clear();
    return core_refuse(PyExc_ValueError, step, "%R does not fit into %s", value,
                       names[node->type->kind]);
}

/* A bool is not accepted as a number, although Python derives it from int. */
static int write_integer(const core_node *node, PyObject *value, void *at,
                         const core_step *step)
{
    int fits;
    PyObject *number = NULL;
    if (PyBool_Check(value) || !PyIndex_Check(value)) {
        return wrong_type(node, value, step);
    }
    if (!PyLong_CheckExact(value)) {
        number = PyNumber_Index(value);
        if (number == NULL) {
            return -1;
        }
        value = number;
    }
    if (node->type->kind == SHMRPC_KIND_U64) {
        uint64_t wide = PyLong_AsUnsignedLongLong(value);
        fits = !(wide == UINT64_MAX && PyErr_Occurred());
        *(uint64_t *)at = wide;
    } else {
        int overflow = 0;
        long long wide = PyLong_AsLongLongAndOverflow(value, &overflow);
        fits = overflow == 0 && write_signed(node->type->kind, wide, at);
    }
    int failed = fits ? 0 : out_of_range(node, value, step);
    Py_XDECREF(number);
    return failed;
}

static int write_float(const core_node *node, PyObject *value, void *at,
                       const core_step *step)
{
    if (PyBool_Check(value)) {
        return wrong_type(node, value, step);
    }
    double wide = PyFloat_AsDouble(value);
    if (wide == -1.0 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
            return wrong_type(node, value, step);
        }
        if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
            PyErr_Clear();
            return core_refuse(PyExc_ValueError, step,
                               "%R does not fit into a float", value);
        }
        return -1;
    }
    if (node->type->kind == SHMRPC_KIND_F64) {
        *(double *)at = wide;
        return 0;
    }
    if (isfinite(wide) && fabs(wide) > (double)FLT_MAX) {
        return core_refuse(PyExc_ValueError, step, "%R does not fit into f32",
                           value);
    }
    *(float *)at = (float)wide;
    return 0;
}

/* ---- texts and bytes: views of objects kept by the scratch --------------- */

int core_write_text(const core_node *node, PyObject *value, shmrpc_str *at,
                    const core_step *step)
{
    Py_ssize_t len;
    if (!PyUnicode_Check(value)) {
        return wrong_type(node, value, step);
    }
    at->ptr = PyUnicode_AsUTF8AndSize(value, &len);
    if (at->ptr == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
            return -1;
        }
        PyErr_Clear();
        return core_refuse(PyExc_ValueError, step,
                           "text with a lone surrogate");
    }
    at->len = (size_t)len;
    return 0;
}

int core_write_bytes(core_scratch *scratch, const core_node *node,
                     PyObject *value, shmrpc_bytes *at, const core_step *step)
{
    if (PyBytes_Check(value)) {
        char *data;
        Py_ssize_t len;
        if (PyBytes_AsStringAndSize(value, &data, &len) != 0) {
            return -1;
        }
        *at = (shmrpc_bytes){(const uint8_t *)data, (size_t)len};
        return 0;
    }
    if (!PyObject_CheckBuffer(value)) {
        return wrong_type(node, value, step);
    }
    Py_buffer *buffer;
    int failed = core_keep_buffer(scratch, value, PyBUF_C_CONTIGUOUS, &buffer);
    if (failed != 0) {
        return failed < 0 ? -1
                          : core_refuse(PyExc_TypeError, step,
                                        "expected a contiguous buffer");
    }
    *at = (shmrpc_bytes){buffer->buf, (size_t)buffer->len};
    return 0;
}

/* ---- all types ----------------------------------------------------------- */

int core_too_deep(const core_step *step)
{
    return step != NULL && step->depth > CORE_MAX_DEPTH
               ? core_refuse(PyExc_ValueError, NULL,
                             "values nested more than %d deep", CORE_MAX_DEPTH)
               : 0;
}

PyObject *core_freeze(core_scratch *scratch, PyObject *value)
{
    if (PyTuple_CheckExact(value)) {
        return value;
    }
    PyObject *tuple = PySequence_Tuple(value);
    return tuple != NULL && core_keep(scratch, tuple) == 0 ? tuple : NULL;
}

/* ---- sequences and maps -------------------------------------------------- */

/* Uses the numbers in a buffer in place. Returns 1 if `value` has no buffer
 * with this format. */
static int write_buffer(core_scratch *scratch, core_node *element,
                        PyObject *value, const void **data, size_t *count)
{
    const char *format = core_format_of(element->type->kind);
    if (format == NULL || !PyObject_CheckBuffer(value)) {
        return 1;
    }
    Py_buffer *buffer;
    int failed = core_keep_buffer(scratch, value,
                                  PyBUF_C_CONTIGUOUS | PyBUF_FORMAT, &buffer);
    if (failed != 0) {
        return failed;
    }
    const char *own = buffer->format != NULL ? buffer->format : "B";
    own += own[0] == '<' || own[0] == '=' || own[0] == '@' ? 1 : 0;
    /* On LP64 a long has 64 bits, so that "l" and "q" are the same. */
    bool is_same = strcmp(own, format) == 0 ||
                   (strcmp(own, "l") == 0 && strcmp(format, "q") == 0) ||
                   (strcmp(own, "L") == 0 && strcmp(format, "Q") == 0);
    if (!is_same || buffer->ndim > 1 ||
        buffer->itemsize != (Py_ssize_t)element->type->size ||
        (uintptr_t)buffer->buf % element->type->align != 0) {
        return 1;
    }
    *data = buffer->buf;
    *count = (size_t)(buffer->len / buffer->itemsize);
    return 0;
}

static int write_items(core_scratch *scratch, core_node *element,
                       PyObject *items, unsigned char *to, size_t item_bytes,
                       const core_step *step)
{
    core_step here = core_below(step);
    Py_ssize_t count = PyTuple_Size(items);
    for (Py_ssize_t i = 0; i < count; i++) {
        here.index = i;
        if (write_value(scratch, element, PyTuple_GetItem(items, i),
                        to + (size_t)i * item_bytes, &here) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Returns the items of a list or an array as a tuple. */
static PyObject *items_of(core_scratch *scratch, const core_node *node,
                          PyObject *value, const core_step *step)
{
    if (PyUnicode_Check(value) || PyBytes_Check(value) || PyDict_Check(value) ||
        !PySequence_Check(value)) {
        (void)wrong_type(node, value, step);
        return NULL;
    }
    return core_freeze(scratch, value);
}

static int write_list(core_scratch *scratch, core_node *node, PyObject *value,
                      shmrpc_u8_list *at, const core_step *step)
{
    const void *data;
    int is_other = write_buffer(scratch, node->element, value, &data, &at->len);
    if (is_other <= 0) {
        at->ptr = is_other == 0 ? data : NULL;
        return is_other;
    }
    PyObject *items = items_of(scratch, node, value, step);
    if (items == NULL) {
        return -1;
    }
    size_t count = (size_t)PyTuple_Size(items);
    unsigned char *to = core_scratch_alloc(
        scratch, count * node->type->item_size, node->element->type->align);
    if (to == NULL) {
        return -1;
    }
    *at = (shmrpc_u8_list){to, count};
    return write_items(scratch, node->element, items, to, node->type->item_size,
                       step);
}

static int write_array(core_scratch *scratch, core_node *node, PyObject *value,
                       unsigned char *at, const core_step *step)
{
    size_t wanted = node->type->count;
    size_t count;
    const void *data;
    int is_other = write_buffer(scratch, node->element, value, &data, &count);
    if (is_other < 0) {
        return -1;
    }
    PyObject *items =
        is_other != 0 ? items_of(scratch, node, value, step) : NULL;
    if (is_other != 0) {
        if (items == NULL) {
            return -1;
        }
        count = (size_t)PyTuple_Size(items);
    }
    if (count != wanted) {
        return core_refuse(PyExc_ValueError, step, "%zu items, expected %zu",
                           count, wanted);
    }
    if (is_other == 0) {
        memcpy(at, data, count * node->element->type->size);
        return 0;
    }
    return write_items(scratch, node->element, items, at,
                       node->element->type->size, step);
}

/* Makes a dict from any mapping; it lives until the scratch ends. Borrowed
 * reference. */
static PyObject *freeze_map(core_scratch *scratch, const core_node *node,
                            PyObject *value, const core_step *step)
{
    PyObject *copy = NULL;
    if (PyDict_Check(value)) {
        copy = PyDict_Copy(value);
    } else if (PyMapping_Check(value) &&
               PyObject_HasAttrString(value, "keys")) {
        copy = PyDict_New();
        if (copy != NULL && PyDict_Update(copy, value) != 0) {
            Py_CLEAR(copy);
        }
    } else {
        (void)wrong_type(node, value, step);
    }
    return copy != NULL && core_keep(scratch, copy) == 0 ? copy : NULL;
}

static int write_map(core_scratch *scratch, core_node *node, PyObject *value,
                     shmrpc_u8_list *at, const core_step *step)
{
    const shmrpc_type *type = node->type;
    PyObject *copy = freeze_map(scratch, node, value, step);
    if (copy == NULL) {
        return -1;
    }
    size_t count = (size_t)PyDict_Size(copy);
    unsigned char *to =
        core_scratch_alloc(scratch, count * type->item_size, 16);
    if (to == NULL) {
        return -1;
    }
    *at = (shmrpc_u8_list){to, count};
    core_step here = core_below(step);
    PyObject *item;
    Py_ssize_t position = 0;
    while (PyDict_Next(copy, &position, &here.key, &item)) {
        if (write_value(scratch, node->key, here.key, to, &here) != 0 ||
            write_value(scratch, node->element, item, to + type->value_offset,
                        &here) != 0) {
            return -1;
        }
        to += type->item_size;
    }
    return 0;
}

/* ---- named types --------------------------------------------------------- */

/* Lists the first names of an enum or struct, for errors. New reference. */
static PyObject *names_in(const shmrpc_type *type)
{
    PyObject *text = PyUnicode_FromString("");
    for (uint32_t i = 0; text != NULL && i < type->count; i++) {
        const char *name = i == MOST_NAMES ? "..."
                           : type->kind == SHMRPC_KIND_ENUM
                               ? type->enumerators[i].name
                               : type->fields[i].name;
        PyObject *more =
            PyUnicode_FromFormat("%U%s%s", text, i > 0 ? ", " : "", name);
        Py_DECREF(text);
        text = more;
        if (i == MOST_NAMES) {
            break;
        }
    }
    return text;
}

static int write_enum(const core_node *node, PyObject *value, void *at,
                      const core_step *step)
{
    if (!PyUnicode_Check(value)) {
        return write_integer(node->element, value, at, step);
    }
    const char *name = PyUnicode_AsUTF8AndSize(value, NULL);
    if (name == NULL) {
        return -1;
    }
    for (uint32_t i = 0; i < node->type->count; i++) {
        const shmrpc_enumerator *row = &node->type->enumerators[i];
        if (strcmp(row->name, name) == 0) {
            /* Numbers are little-endian, so the first bytes are the value. */
            memcpy(at, &row->value, node->type->size);
            return 0;
        }
    }
    PyObject *wanted = core_type_text(node);
    PyObject *names = wanted != NULL ? names_in(node->type) : NULL;
    if (names != NULL) {
        core_refuse(PyExc_ValueError, step, "%R is not a %U (%U)", value,
                    wanted, names);
    }
    Py_XDECREF(names);
    Py_XDECREF(wanted);
    return -1;
}

/* Raises an error if a name belongs to no field. */
static int check_names(const core_node *node, PyObject *dict,
                       const core_step *step)
{
    PyObject *key;
    PyObject *item;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict, &position, &key, &item)) {
        bool is_known = false;
        for (uint32_t i = 0; i < node->type->count && !is_known; i++) {
            int order =
                PyObject_RichCompareBool(key, node->fields[i].name, Py_EQ);
            if (order < 0) {
                return -1;
            }
            is_known = order == 1;
        }
        if (!is_known) {
            PyObject *names = names_in(node->type);
            if (names != NULL) {
                core_refuse(PyExc_TypeError, step,
                            "%R is not a field of %s (%U)", key,
                            node->type->name, names);
                Py_DECREF(names);
            }
            return -1;
        }
    }
    return 0;
}

static int write_dict(core_scratch *scratch, core_node *node, PyObject *dict,
                      void *at, const core_step *step)
{
    if (check_names(node, dict, step) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < node->type->count; i++) {
        const core_field *field = &node->fields[i];
        PyObject *item = PyDict_GetItemWithError(dict, field->name);
        if ((item == NULL && PyErr_Occurred()) ||
            core_field_to_c(scratch, field, item, at, step) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Reads the fields from an object's attributes, or by slots if the object has
 * the type's own class. */
static int write_attributes(core_scratch *scratch, core_node *node,
                            PyObject *value, void *at, const core_step *step)
{
    bool is_own = (PyObject *)Py_TYPE(value) == node->cls;
    for (uint32_t i = 0; i < node->type->count; i++) {
        const core_field *field = &node->fields[i];
        PyObject *item =
            is_own && node->get != NULL
                ? node->get(field->descr, value, (PyObject *)Py_TYPE(value))
                : PyObject_GetAttr(value, field->name);
        if (item == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
                return -1;
            }
            PyErr_Clear();
            bool is_first = i == 0;
            if (is_first && node->type->count > 0 && !is_own) {
                return wrong_type(node, value, step);
            }
        } else if (core_keep(scratch, item) != 0) {
            return -1;
        }
        if (core_field_to_c(scratch, field, item, at, step) != 0) {
            return -1;
        }
    }
    return 0;
}

static int write_struct(core_scratch *scratch, core_node *node, PyObject *value,
                        void *at, const core_step *step)
{
    if ((PyObject *)Py_TYPE(value) != node->cls &&
        (PyDict_Check(value) ||
         (PyMapping_Check(value) && PyObject_HasAttrString(value, "keys")))) {
        PyObject *copy = freeze_map(scratch, node, value, step);
        return copy != NULL ? write_dict(scratch, node, copy, at, step) : -1;
    }
    if (PyUnicode_Check(value) || PyLong_Check(value) || PyFloat_Check(value) ||
        value == Py_None || PyBytes_Check(value)) {
        return wrong_type(node, value, step);
    }
    return write_attributes(scratch, node, value, at, step);
}

static int write_case(core_scratch *scratch, const core_field *field,
                      PyObject *value, unsigned char *at, const core_step *step)
{
    core_step here = core_below(step);
    here.name = field->name;
    uint32_t tag = field->row->tag;
    memcpy(at, &tag, sizeof tag);
    void *place = at + field->row->offset;
    if ((field->row->flags & SHMRPC_FIELD_POINTER) != 0) {
        void *to = core_scratch_alloc(scratch, field->node->type->size,
                                      field->node->type->align);
        if (to == NULL) {
            return -1;
        }
        memcpy(place, &to, sizeof to);
        place = to;
    }
    return write_value(scratch, field->node, value, place, &here);
}

/* Writes a union from an object of a case's class, or from a dict such as
 * {"text": "x"}. */
static int write_union(core_scratch *scratch, core_node *node, PyObject *value,
                       unsigned char *at, const core_step *step)
{
    for (uint32_t i = 0; i < node->type->count; i++) {
        if ((PyObject *)Py_TYPE(value) == node->cases[i]) {
            PyObject *inner = PyObject_GetAttrString(value, "value");
            return inner != NULL && core_keep(scratch, inner) == 0
                       ? write_case(scratch, &node->fields[i], inner, at, step)
                       : -1;
        }
    }
    if (PyDict_Check(value) && PyDict_Size(value) == 1) {
        PyObject *copy = freeze_map(scratch, node, value, step);
        for (uint32_t i = 0; copy != NULL && i < node->type->count; i++) {
            PyObject *inner =
                PyDict_GetItemWithError(copy, node->fields[i].name);
            if (inner != NULL) {
                return write_case(scratch, &node->fields[i], inner, at, step);
            }
        }
        if (copy == NULL || PyErr_Occurred()) {
            return -1;
        }
    }
    return wrong_type(node, value, step);
}

/* ---- all types ----------------------------------------------------------- */

static int write_value(core_scratch *scratch, core_node *node, PyObject *value,
                       void *at, const core_step *step)
{
    if (core_too_deep(step) != 0) {
        return -1;
    }
    switch (node->type->kind) {
    case SHMRPC_KIND_BOOL:
        if (!PyBool_Check(value)) {
            return wrong_type(node, value, step);
        }
        *(bool *)at = value == Py_True;
        return 0;
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_F64:
        return write_float(node, value, at, step);
    case SHMRPC_KIND_STRING:
        return core_write_text(node, value, at, step);
    case SHMRPC_KIND_BYTES:
        return core_write_bytes(scratch, node, value, at, step);
    case SHMRPC_KIND_ANY:
        return core_write_any(scratch, value, at, step);
    case SHMRPC_KIND_LIST:
        return write_list(scratch, node, value, at, step);
    case SHMRPC_KIND_ARRAY:
        return write_array(scratch, node, value, at, step);
    case SHMRPC_KIND_MAP:
        return write_map(scratch, node, value, at, step);
    case SHMRPC_KIND_ENUM:
        return write_enum(node, value, at, step);
    case SHMRPC_KIND_STRUCT:
        return write_struct(scratch, node, value, at, step);
    case SHMRPC_KIND_UNION:
        return write_union(scratch, node, value, at, step);
    default:
        return write_integer(node, value, at, step);
    }
}

/* Writes a field that is not given: as absent, or its default. */
static int write_absent(const core_field *field, unsigned char *at,
                        const core_step *step)
{
    const shmrpc_field *row = field->row;
    if ((row->flags & SHMRPC_FIELD_OPTIONAL) != 0) {
        return 0;
    }
    if (row->default_value == NULL) {
        return core_refuse(PyExc_TypeError, step, "is missing");
    }
    if ((row->flags & SHMRPC_FIELD_POINTER) != 0) {
        memcpy(at, &row->default_value, sizeof row->default_value);
    } else {
        memcpy(at, row->default_value, row->type->size);
    }
    return 0;
}

int core_field_to_c(core_scratch *scratch, const core_field *field,
                    PyObject *value, void *base, const core_step *up)
{
    const shmrpc_field *row = field->row;
    unsigned char *at = (unsigned char *)base + row->offset;
    bool is_optional = (row->flags & SHMRPC_FIELD_OPTIONAL) != 0;
    core_step step = core_below(up);
    step.name = field->name;
    if (value == NULL || (value == Py_None && is_optional)) {
        return write_absent(field, at, &step);
    }
    if (row->has_offset != SHMRPC_NO_OFFSET) {
        ((unsigned char *)base)[row->has_offset] = 1;
    }
    if ((row->flags & SHMRPC_FIELD_POINTER) != 0) {
        void *to =
            core_scratch_alloc(scratch, row->type->size, row->type->align);
        if (to == NULL) {
            return -1;
        }
        memcpy(at, &to, sizeof to);
        at = to;
    }
    return write_value(scratch, field->node, value, at, &step);
}

int core_value_to_c(core_scratch *scratch, core_node *node, PyObject *value,
                    void *at, const char *name)
{
    core_step step = core_below(NULL);
    step.name = PyUnicode_FromString(name);
    int failed = step.name != NULL && core_keep(scratch, step.name) == 0
                     ? write_value(scratch, node, value, at, &step)
                     : -1;
    return failed;
}
