/* Upper bounds of encoded sizes. The bound of a type is the sum of the bounds
 * of its parts, so no value is larger. */
#include "idl/largest.h"

#include <string.h>

#include "idl/layout.h"
#include "idl/limits.h"

/* Bytes added for each part: headers of lists, texts and maps; commas and
 * colons of JSON; in a native image, padding, and the NUL after a text. */
#define PART 16u

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > IDL_LARGEST_MAX || b > IDL_LARGEST_MAX ? IDL_LARGEST_UNKNOWN
                                                      : a + b;
}

static uint64_t times(uint64_t count, uint64_t each)
{
    bool fits = each <= IDL_LARGEST_MAX &&
                (each == 0 || count <= IDL_LARGEST_MAX / each);
    return fits ? count * each : IDL_LARGEST_UNKNOWN;
}

static uint64_t largest(const idl_type *type, idl_encoding encoding,
                        size_t depth);

/* JSON writes a control character as six characters, and three bytes as four
 * characters of base64. */
static uint64_t largest_text(const idl_type *type, idl_encoding encoding)
{
    if (!type->has_max) {
        return IDL_LARGEST_UNKNOWN;
    }
    bool is_json = encoding == IDL_ENCODING_JSON;
    uint64_t each = !is_json ? 1 : type->kind == IDL_STRING ? 6 : 2;
    return add(times(type->max.u, each), 2 * PART);
}

static uint64_t largest_enum(const idl_enum *enumeration, idl_encoding encoding)
{
    size_t len = 0;
    for (size_t i = 0; i < enumeration->item_count; i++) {
        size_t own = strlen(enumeration->items[i].name);
        len = own > len ? own : len;
    }
    return (encoding == IDL_ENCODING_JSON ? len : 0) + 2 * PART;
}

static uint64_t largest_record(const idl_record *record, idl_encoding encoding,
                               size_t depth)
{
    uint64_t sum = 2 * PART;
    for (size_t i = 0; i < record->field_count; i++) {
        const idl_field *field = &record->fields[i];
        sum = add(sum, strlen(field->name) + PART);
        sum = add(sum, largest(field->type, encoding, depth - 1));
    }
    return sum;
}

/* `depth` limits the recursion: a record that contains itself has no largest
 * value. */
static uint64_t largest(const idl_type *type, idl_encoding encoding,
                        size_t depth)
{
    if (depth == 0) {
        return IDL_LARGEST_UNKNOWN;
    }
    uint64_t each = 0;
    switch (type->kind) {
    case IDL_STRING:
    case IDL_BYTES:
        return largest_text(type, encoding);
    case IDL_ANY:
        return IDL_LARGEST_UNKNOWN;
    case IDL_LIST:
    case IDL_MAP:
        if (!type->has_max) {
            return IDL_LARGEST_UNKNOWN;
        }
        each = type->key != NULL ? largest(type->key, encoding, depth - 1) : 0;
        each = add(each, largest(type->element, encoding, depth - 1));
        return add(times(type->max.u, add(each, PART)), 2 * PART);
    case IDL_ARRAY:
        each = largest(type->element, encoding, depth - 1);
        return add(times(type->length, each), 2 * PART);
    case IDL_ENUM:
        return largest_enum(type->enumeration, encoding);
    case IDL_STRUCT:
    case IDL_UNION:
        return largest_record(type->record, encoding, depth);
    default:
        return 2 * PART;
    }
}

uint64_t idl_largest(const idl_type *type, idl_encoding encoding)
{
    if (encoding == IDL_ENCODING_NATIVE && idl_is_fixed(type)) {
        return idl_layout(type).size + PART;
    }
    /* A type that is nested deeper than 16 levels counts as one without bounds.
     * Most such types are recursive, or too large in any case, because the
     * bounds of nested lists multiply. */
    return largest(type, encoding, 16);
}

uint64_t idl_shared_max_item_bytes(const idl_shared *shared)
{
    if (shared->kind != IDL_SHARED_QUEUE && shared->kind != IDL_SHARED_TOPIC) {
        return 0;
    }
    uint64_t bytes = idl_largest(
        shared->element, (idl_encoding)shared->options[IDL_OPTION_ENCODING]);
    uint64_t memory = (uint64_t)shared->options[IDL_OPTION_MAX_BYTES];
    uint64_t parts = shared->kind == IDL_SHARED_QUEUE ? 8 : 16;
    uint64_t most = memory != 0                    ? memory / parts - 4 * PART
                    : bytes == IDL_LARGEST_UNKNOWN ? 256 << 10
                                                   : 16 << 20;
    most = most < UINT64_C(1) << 30 ? most : UINT64_C(1) << 30;
    return bytes < most ? bytes : most;
}

const idl_type *idl_stream_items(const idl_method *method, bool to_server)
{
    if (to_server) {
        return method->stream_param != NULL ? method->stream_param->type : NULL;
    }
    return method->result_is_stream ? method->result : NULL;
}

uint32_t idl_stream_window(const idl_method *method, bool to_server)
{
    const uint64_t least = 64 << 10;
    const uint64_t most = 4 << 20;
    const idl_type *items = idl_stream_items(method, to_server);
    if (items == NULL || method->window_bytes != 0) {
        return items != NULL ? method->window_bytes : 0;
    }
    uint64_t bytes = idl_largest(items, method->encoding);
    if (bytes == IDL_LARGEST_UNKNOWN || bytes < least / 16) {
        return (uint32_t)least;
    }
    return (uint32_t)(bytes < most / 16 ? bytes * 16 : most);
}
