/*
 * Errors with a path, and the check of bounds.
 *
 * Everything here is off the fast path: a valid message never reaches the text
 * functions. Texts are built in fixed buffers on the stack, without allocation,
 * because the failure may be a lack of memory. Any text may contain parts of a
 * malicious message, so keys are cleaned before they are shown.
 */
#include "codec/walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "codec/limits.h"
#include "codec/value.h"

/* A human-readable text of fixed size; what does not fit is silently cut. */
typedef struct text {
    char bytes[1024];
    size_t len;
} text;

static void add(text *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(text *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(out->bytes + out->len, sizeof out->bytes - out->len,
                        format, args);
    va_end(args);
    if (len > 0) {
        size_t left = sizeof out->bytes - 1 - out->len;
        out->len += (size_t)len < left ? (size_t)len : left;
    }
}

/* Adds a key in quotes. A key may hold any bytes: those that are not printable
 * ASCII or UTF-8 are replaced, so that a path can go to a terminal or a log. */
static void add_quoted(text *out, const char *key, size_t len)
{
    /* The rejected value may be a key with a length but no data. */
    len = key != NULL ? len : 0;
    size_t valid = shmrpci_utf8_valid_prefix(key, len);
    size_t shown = shmrpci_utf8_cut(key, valid, SHMRPCI_PATH_MAX_KEY_BYTES);
    add(out, "[\"");
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)key[i];
        if (c < 0x20 || c == 0x7f) {
            add(out, "?");
        } else if (c == '"' || c == '\\') {
            add(out, "\\%c", c);
        } else {
            add(out, "%c", c);
        }
    }
    add(out, "%s\"]", shown < len ? "..." : "");
}

/* Adds a key of type `any`. Containers, bytes and floats are shown as `[...]`,
 * because they are too long or too odd for a path. */
static void add_any_key(text *out, const shmrpc_any *key)
{
    switch (key->kind) {
    case SHMRPC_ANY_STR:
        add_quoted(out, key->u.str.ptr, key->u.str.len);
        return;
    case SHMRPC_ANY_I64:
        add(out, "[%" PRId64 "]", key->u.i64);
        return;
    case SHMRPC_ANY_U64:
        add(out, "[%" PRIu64 "]", key->u.u64);
        return;
    case SHMRPC_ANY_NULL:
    case SHMRPC_ANY_BOOL:
    case SHMRPC_ANY_F64:
    case SHMRPC_ANY_F32:
    case SHMRPC_ANY_BYTES:
    case SHMRPC_ANY_LIST:
    case SHMRPC_ANY_MAP:
    case SHMRPC_ANY_EXT:
        break;
    }
    add(out, "[...]");
}

/* Writes integers through their magnitude, so that u64 and i64 are both
 * exact. */
static void add_key(text *out, const shmrpc_type *type, const void *key)
{
    type = shmrpci_base_type(type);
    if (type->kind == SHMRPC_KIND_STRING) {
        shmrpci_span span = shmrpci_load_span(key);
        add_quoted(out, span.ptr, span.len);
    } else if (type->kind == SHMRPC_KIND_ANY) {
        add_any_key(out, key);
    } else if (type->kind == SHMRPC_KIND_BOOL) {
        add(out, *(const uint8_t *)key != 0 ? "[true]" : "[false]");
    } else if (shmrpci_is_integer(type)) {
        shmrpci_int number = shmrpci_load_int(type, key);
        add(out, "[%s%" PRIu64 "]", number.negative ? "-" : "",
            number.magnitude);
    } else {
        add(out, "[...]");
    }
}

/* Adds a step of the path. SHMRPCI_STEP_NONE is a container whose own length or
 * head is wrong: the path ends at the container's name. */
static void add_step(text *out, const shmrpci_step *step)
{
    switch (step->kind) {
    case SHMRPCI_STEP_NONE:
        break;
    case SHMRPCI_STEP_FIELD:
        add(out, "%s%s", out->len > 0 ? "." : "", step->name);
        break;
    case SHMRPCI_STEP_INDEX:
        add(out, "[%zu]", step->index);
        break;
    case SHMRPCI_STEP_KEY:
        add_key(out, step->key_type, step->key);
        break;
    }
}

/* Cuts a long path in the middle: its start names the parameter and its end the
 * offending part. */
static void cut_middle(const text *whole, char path[SHMRPC_ERROR_PATH_BYTES])
{
    const size_t room = SHMRPC_ERROR_PATH_BYTES - 1;
    if (whole->len <= room) {
        memcpy(path, whole->bytes, whole->len + 1);
        return;
    }
    size_t head = shmrpci_utf8_cut(whole->bytes, whole->len, room / 3);
    size_t tail = whole->len - (room - head - 3);
    while (((unsigned char)whole->bytes[tail] & 0xC0) == 0x80) {
        tail++;
    }
    memcpy(path, whole->bytes, head);
    memcpy(path + head, "...", 3);
    memcpy(path + head + 3, whole->bytes + tail, whole->len - tail + 1);
}

/* If more than half of the text is in use, removes its middle, which cut_middle
 * would not show anyway. So there is always room for the next step, which takes
 * less than half of the text. */
static void drop_middle(text *whole)
{
    enum { KEPT = SHMRPC_ERROR_PATH_BYTES };
    if (whole->len > sizeof whole->bytes / 2) {
        memmove(whole->bytes + KEPT, whole->bytes + whole->len - KEPT,
                KEPT + 1);
        whole->len = 2 * (size_t)KEPT;
    }
}

/* Writes the path of the walk, at most SHMRPC_ERROR_PATH_BYTES with its NUL;
 * long paths lose their middle. */
static void path_of(const shmrpci_walk *walk,
                    char path[SHMRPC_ERROR_PATH_BYTES])
{
    /* walk_enter allows no more levels than this. */
    const shmrpci_step *steps[SHMRPCI_CODEC_MAX_DEPTH];
    size_t count = 0;
    for (const shmrpci_step *step = walk->top;
         step != NULL && count < SHMRPCI_CODEC_MAX_DEPTH; step = step->up) {
        steps[count++] = step;
    }
    text whole = {.len = 0};
    add(&whole, "%s", walk->root != NULL ? walk->root : "");
    while (count > 0) {
        add_step(&whole, steps[--count]);
        drop_middle(&whole);
    }
    cut_middle(&whole, path);
}

/* The path is stored in a member of its own, not in the message, because
 * programs read both. */
int shmrpci_walk_fail(const shmrpci_walk *walk, const char *format, ...)
{
    shmrpc_error *error = walk->error;
    if (error == NULL) {
        return SHMRPC_E_INVALID;
    }
    shmrpci_error_code(error, SHMRPC_E_INVALID);
    path_of(walk, error->path);
    text message = {.len = 0};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message.bytes, sizeof message.bytes, format, args);
    va_end(args);
    message.len =
        shmrpci_utf8_valid_prefix(message.bytes, strlen(message.bytes));
    message.len =
        shmrpci_utf8_cut(message.bytes, message.len, sizeof error->message - 1);
    memcpy(error->message, message.bytes, message.len);
    error->message[message.len] = '\0';
    return SHMRPC_E_INVALID;
}

/* The walk has left the map, or is between two entries, so the key gets a step
 * of its own. */
int shmrpci_walk_duplicate(const shmrpci_walk *walk,
                           const shmrpc_type *key_type, const void *key)
{
    shmrpci_walk here = *walk;
    shmrpci_step step = {.up = here.top};
    shmrpci_step_key(&step, key_type, key);
    here.top = &step;
    return shmrpci_walk_fail(&here, "duplicate key");
}

/* Like shmrpci_walk_fail, which always sets INVALID, but with the given
 * status. */
int shmrpci_walk_status(const shmrpci_walk *walk, int status)
{
    (void)shmrpci_walk_fail(walk, "%s", shmrpc_status_text(status));
    shmrpci_error_code(walk->error, status);
    return status;
}

int shmrpci_walk_too_deep(const shmrpci_walk *walk)
{
    return shmrpci_walk_fail(walk, "nested deeper than %d levels",
                             SHMRPCI_CODEC_MAX_DEPTH);
}

/* Ends the message with the range as the `.svc` writes it: "1..256", or "1.."
 * if there is no upper bound. `highest` is the greatest value that the type
 * could have. */
static int fail_range(const shmrpci_walk *walk, const char *what,
                      shmrpci_int got, shmrpci_int min, shmrpci_int max,
                      uint64_t highest)
{
    text range = {.len = 0};
    add(&range, "%s%" PRIu64 "..", min.negative ? "-" : "", min.magnitude);
    if (max.negative || max.magnitude != highest) {
        add(&range, "%s%" PRIu64, max.negative ? "-" : "", max.magnitude);
    }
    return shmrpci_walk_fail(walk, "%s %s%" PRIu64 ", allowed %s", what,
                             got.negative ? "-" : "", got.magnitude,
                             range.bytes);
}

static shmrpci_int positive(uint64_t magnitude)
{
    return (shmrpci_int){.negative = false, .magnitude = magnitude};
}

int shmrpci_walk_bad_length(const shmrpci_walk *walk, const shmrpc_type *type,
                            uint64_t length)
{
    /* A length without an upper bound has a `max` beyond any u32. */
    uint64_t highest = type->max > UINT32_MAX ? type->max : UINT64_MAX;
    return fail_range(walk, "length", positive(length), positive(type->min),
                      positive(type->max), highest);
}

int shmrpci_walk_no_data(const shmrpci_walk *walk, size_t length)
{
    return shmrpci_walk_fail(walk, "length %zu, but no data (NULL)", length);
}

int shmrpci_walk_any(const shmrpci_walk *walk, const shmrpc_any *value)
{
    /* All five lengths share one place of the union, and all pointers share
     * another. */
    bool is_span =
        value->kind >= SHMRPC_ANY_STR && value->kind <= SHMRPC_ANY_EXT;
    if (is_span && value->u.bytes.ptr == NULL && value->u.bytes.len > 0) {
        return shmrpci_walk_no_data(walk, value->u.bytes.len);
    }
    return SHMRPC_OK;
}

/* Bounds exclude NaN, which compares false with both ends. */
static int check_float(const shmrpci_walk *walk, const shmrpc_type *type,
                       const void *value)
{
    double number;
    double min;
    double max;
    memcpy(&min, &type->min, sizeof min);
    memcpy(&max, &type->max, sizeof max);
    if (type->kind == SHMRPC_KIND_F32) {
        float single;
        memcpy(&single, value, sizeof single);
        number = (double)single;
        /* A bound such as 0.1 means the nearest number of the type. */
        min = (double)(float)min;
        max = (double)(float)max;
    } else {
        memcpy(&number, value, sizeof number);
    }
    if (number >= min && number <= max) {
        return SHMRPC_OK;
    }
    return shmrpci_walk_fail(walk, "value %g, allowed %g..%g", number, min,
                             max);
}

/* Splits the bits of an int64_t into sign and magnitude; works for INT64_MIN,
 * too. */
static shmrpci_int signed_bits(uint64_t bits)
{
    bool negative = (bits >> 63) != 0;
    return (shmrpci_int){.negative = negative,
                         .magnitude = negative ? 0 - bits : bits};
}

static int check_integer(const shmrpci_walk *walk, const shmrpc_type *type,
                         const void *value)
{
    uint64_t bits = shmrpci_load_bits(type, value);
    bool is_signed = shmrpci_is_signed(type);
    /* With the top bit flipped, signed numbers compare as unsigned ones. */
    uint64_t flip = is_signed ? UINT64_C(1) << 63 : 0;
    if ((bits ^ flip) >= (type->min ^ flip) &&
        (bits ^ flip) <= (type->max ^ flip)) {
        return SHMRPC_OK;
    }
    if (is_signed) {
        return fail_range(walk, "value", signed_bits(bits),
                          signed_bits(type->min), signed_bits(type->max),
                          INT64_MAX);
    }
    return fail_range(walk, "value", positive(bits), positive(type->min),
                      positive(type->max), UINT64_MAX);
}

int shmrpci_walk_bounds_slow(const shmrpci_walk *walk, const shmrpc_type *type,
                             const void *value)
{
    switch (type->kind) {
    case SHMRPC_KIND_I8:
    case SHMRPC_KIND_I16:
    case SHMRPC_KIND_I32:
    case SHMRPC_KIND_I64:
    case SHMRPC_KIND_U8:
    case SHMRPC_KIND_U16:
    case SHMRPC_KIND_U32:
    case SHMRPC_KIND_U64:
        return check_integer(walk, type, value);
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_F64:
        return check_float(walk, type, value);
    case SHMRPC_KIND_STRING:
    case SHMRPC_KIND_BYTES:
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_MAP:
        return shmrpci_walk_length(walk, type, shmrpci_load_span(value).len);
    case SHMRPC_KIND_BOOL:
    case SHMRPC_KIND_ANY:
    case SHMRPC_KIND_ARRAY:
    case SHMRPC_KIND_ENUM:
    case SHMRPC_KIND_STRUCT:
    case SHMRPC_KIND_UNION:
        break;
    }
    return SHMRPC_OK;
}

const char *shmrpci_kind_text(shmrpc_kind kind)
{
    switch (kind) {
    case SHMRPC_KIND_BOOL:
        return "bool";
    case SHMRPC_KIND_I8:
        return "i8";
    case SHMRPC_KIND_I16:
        return "i16";
    case SHMRPC_KIND_I32:
        return "i32";
    case SHMRPC_KIND_I64:
        return "i64";
    case SHMRPC_KIND_U8:
        return "u8";
    case SHMRPC_KIND_U16:
        return "u16";
    case SHMRPC_KIND_U32:
        return "u32";
    case SHMRPC_KIND_U64:
        return "u64";
    case SHMRPC_KIND_F32:
        return "f32";
    case SHMRPC_KIND_F64:
        return "f64";
    case SHMRPC_KIND_STRING:
        return "string";
    case SHMRPC_KIND_BYTES:
        return "bytes";
    case SHMRPC_KIND_ANY:
        return "any";
    case SHMRPC_KIND_LIST:
        return "list";
    case SHMRPC_KIND_MAP:
        return "map";
    case SHMRPC_KIND_ARRAY:
        return "array";
    case SHMRPC_KIND_ENUM:
        return "enum";
    case SHMRPC_KIND_STRUCT:
        return "struct";
    case SHMRPC_KIND_UNION:
        return "union";
    }
    return "unknown";
}

const char *shmrpci_type_text(const shmrpc_type *type)
{
    return type->name != NULL ? type->name : shmrpci_kind_text(type->kind);
}
