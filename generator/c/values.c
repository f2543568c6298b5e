/*
 * The language C: literals and comments.
 *
 * Anything that a `.svc` may contain must be printed as valid C and C++ that
 * compiles without warnings: the smallest integers, floats without a fraction,
 * trigraphs, bytes that aren't text, control characters that turn the direction
 * of a line, comment signs in comments. The output must be the same on every
 * machine.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "generator/c/lang_c.h"
#include "idl/canonical.h"

/* Longer defaults are not shown in comments. */
#define MAX_SHOWN_BYTES 60

/* Maximum bytes of one string literal, so that lines stay within 80 columns. */
#define LITERAL_BYTES 56

/* ---- numbers ---- */

/* INT64_MIN can't be written as a literal, because its minus is an operator
 * applied to a number that is too large. */
static const char *signed_text(gen_model *m, int64_t number)
{
    if (number == INT64_MIN) {
        return "INT64_MIN";
    }
    bool is_int = number >= -INT32_MAX && number <= INT32_MAX;
    return gen_c_text(m, is_int ? "%" PRId64 : "INT64_C(%" PRId64 ")", number);
}

/* A number that fits an int is printed without a macro, which is easier to
 * read. */
static const char *unsigned_text(gen_model *m, uint64_t number)
{
    bool is_int = number <= INT32_MAX;
    return gen_c_text(m, is_int ? "%" PRIu64 : "UINT64_C(%" PRIu64 ")", number);
}

/* The shortest text that reads back as the same number. It is found by trying
 * lengths: a file has few floats. */
static const char *float_text(gen_model *m, double number, bool is_f32)
{
    if (isnan(number)) {
        return "NAN";
    }
    if (isinf(number)) {
        return number > 0 ? "INFINITY" : "-INFINITY";
    }
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        double back = strtod(text, NULL);
        if (is_f32
                ? (float)back >= (float)number && (float)back <= (float)number
                : back >= number && back <= number) {
            break;
        }
    }
    /* Without a point the text would be an integer constant. */
    const char *point = strpbrk(text, ".e") == NULL ? ".0" : "";
    return gen_c_text(m, "%s%s%s", text, point, is_f32 ? "F" : "");
}

/* The bits that shmrpc_type stores; for a float, the bits of the double. */
const char *gen_c_bound(gen_model *m, const idl_type *type, idl_number number)
{
    if (idl_kind_is_float(type->kind)) {
        uint64_t bits;
        memcpy(&bits, &number.f, sizeof bits);
        return gen_c_text(m, "UINT64_C(0x%016" PRIx64 ")", bits);
    }
    if (idl_kind_is_signed(type->kind)) {
        return number.i >= 0
                   ? unsigned_text(m, (uint64_t)number.i)
                   : gen_c_text(m, "(uint64_t)%s", signed_text(m, number.i));
    }
    return unsigned_text(m, number.u);
}

/* ---- texts ---- */

/* Characters that change the direction of text. They can make source code look
 * like something else (CVE-2021-42574), so compilers warn about them. */
static bool is_bidi(const char *text, size_t left)
{
    const unsigned char *at = (const unsigned char *)text;
    return left >= 3 && at[0] == 0xe2 &&
           ((at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae) ||
            (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
}

/* Prints one byte of a literal; `escape` means that it must not be printed as
 * itself. Escapes are octal, because a hexadecimal escape would include any
 * hexadecimal digits after it. */
static void append_byte(shmrpci_buf *out, char c, bool escape)
{
    if (c == '"' || c == '\\') {
        shmrpci_buf_printf(out, "\\%c", c);
    } else if (c == '\n') {
        shmrpci_buf_append_text(out, "\\n");
    } else if (c == '\t') {
        shmrpci_buf_append_text(out, "\\t");
    } else if (escape) {
        shmrpci_buf_printf(out, "\\%03o", (unsigned)(unsigned char)c);
    } else {
        shmrpci_buf_append_char(out, c);
    }
}

/* Where to end a literal of `text`: after a newline, or after the last space
 * that fits, and never inside a character. Returns at least 1. */
static size_t literal_end(const char *text, size_t len)
{
    const char *newline = memchr(text, '\n', len);
    size_t line = newline != NULL ? (size_t)(newline - text) + 1 : len;
    if (line <= LITERAL_BYTES) {
        return line;
    }
    size_t end = LITERAL_BYTES;
    while (end > LITERAL_BYTES / 2 && text[end - 1] != ' ') {
        end--;
    }
    if (text[end - 1] != ' ') {
        end = shmrpci_utf8_cut(text, len, LITERAL_BYTES);
    }
    return end > 0 ? end : 1;
}

/* If the text is not UTF-8, all of its bytes that are not ASCII are escaped. */
static const char *literal(gen_model *m, const char *text, size_t len)
{
    shmrpci_buf out;
    gen_buf_init(m->tree, &out);
    bool is_text = shmrpci_utf8_valid_prefix(text, len) == len;
    size_t bidi_left = 0;
    shmrpci_buf_append_char(&out, '"');
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bidi_left = is_bidi(text + i, len - i) ? 3 : bidi_left;
        bool is_control = (unsigned char)c < 0x20 || c == 0x7f;
        /* "??" can begin a trigraph. */
        bool is_second = c == '?' && i > 0 && text[i - 1] == '?';
        bool is_raw = !is_text && (unsigned char)c >= 0x80;
        append_byte(&out, c,
                    is_control || is_second || is_raw || bidi_left > 0);
        bidi_left -= bidi_left > 0;
    }
    shmrpci_buf_append_char(&out, '"');
    return gen_buf_take(m->tree, &out);
}

/* An empty text also gets one literal. */
const char *gen_c_literals(gen_model *m, const char *text, size_t len)
{
    const char *all = NULL;
    if (len > IDL_MAX_LITERAL_BYTES) {
        len = shmrpci_utf8_cut(text, len, IDL_MAX_LITERAL_BYTES);
    }
    do {
        size_t end = literal_end(text, len);
        const char *part = literal(m, text, end);
        all = all == NULL ? part : gen_c_text(m, "%s %s", all, part);
        text += end;
        len -= end;
    } while (len > 0);
    return all;
}

const char *gen_c_macro_text(gen_model *m, idl_text text)
{
    const char *at = text.ptr;
    size_t len = text.len;
    size_t end = literal_end(at, len);
    if (end == len) {
        return literal(m, at, len);
    }
    const char *all = "\\\n   ";
    while (len > 0) {
        end = literal_end(at, len);
        bool last = end == len;
        all = gen_c_text(m, "%s %s%s", all, literal(m, at, end),
                         last ? "" : " \\\n   ");
        at += end;
        len -= end;
    }
    return all;
}

/* For texts that are too long for one C literal (4,095 characters): an array of
 * literals. */
gen_value *gen_c_lines(gen_model *m, const char *text, size_t len)
{
    gen_value *list = gen_array(m->tree);
    while (len > 0) {
        size_t line = literal_end(text, len);
        gen_push(list, gen_ref(m->tree, literal(m, text, line)));
        text += line;
        len -= line;
    }
    return list;
}

/* ---- values ---- */

/* The whole text in one literal: an initialiser needs a single string, so it
 * can't use the array that gen_c_lines makes. */
static const char *whole_literal(gen_model *m, idl_text text)
{
    return literal(m, text.ptr, text.len);
}

const char *gen_c_value(gen_model *m, const idl_type *type,
                        const idl_value *value)
{
    switch (value->kind) {
    case IDL_VALUE_BOOL:
        return value->u.b ? "true" : "false";
    case IDL_VALUE_INT:
        return signed_text(m, value->u.i);
    case IDL_VALUE_UINT:
        return unsigned_text(m, value->u.u);
    case IDL_VALUE_FLOAT:
        return float_text(m, value->u.f, type->kind == IDL_F32);
    case IDL_VALUE_ENUM:
        return gen_c_enumerator(m, value->u.item);
    case IDL_VALUE_TEXT: {
        const char *cast = type->kind == IDL_BYTES ? "(const uint8_t *)" : "";
        return gen_c_text(m, "{%s%s, %zu}", cast,
                          whole_literal(m, value->u.text), value->u.text.len);
    }
    case IDL_VALUE_NONE:
    case IDL_VALUE_DURATION:
    case IDL_VALUE_WORD:
        break;
    }
    return "0";
}

/* ---- initialisers ---- */

static const char *type_initial(gen_model *m, const idl_type *type, bool zeros);

/* Pointers of any type are initialised to NULL. */
static const char *field_initial(gen_model *m, const idl_field *field,
                                 bool zeros)
{
    if ((idl_field_flags(field, false) & SHMRPC_FIELD_POINTER) != 0) {
        return "NULL";
    }
    return field->default_value.kind != IDL_VALUE_NONE && !zeros
               ? gen_c_value(m, field->type, &field->default_value)
               : type_initial(m, field->type, zeros);
}

/* Positional, because C++17 has no designated initialisers. */
static const char *record_initial(gen_model *m, const idl_record *record,
                                  bool zeros)
{
    if (gen_c_has_defaults(record) && !zeros) {
        return gen_c_text(m, "%s_DEFAULTS", gen_c_macro(m, &record->decl));
    }
    if (record->field_count == 0) {
        return "{0}";
    }
    if (record->kind == IDL_RECORD_UNION) {
        return gen_c_text(m, "{0, {%s}}",
                          field_initial(m, &record->fields[0], true));
    }
    const char *text = "";
    for (size_t i = 0; i < record->field_count; i++) {
        const idl_field *field = &record->fields[i];
        bool has = idl_field_flags(field, false) == SHMRPC_FIELD_OPTIONAL;
        text = gen_c_text(m, "%s%s%s%s", text, i > 0 ? ", " : "",
                          has ? "false, " : "", field_initial(m, field, zeros));
    }
    return gen_c_text(m, "{%s}", text);
}

/* With `zeros`, fields get zeros instead of their defaults. It is set inside
 * arrays and unions: only their first element or member gets an initialiser
 * here, and C sets the rest to zero. */
static const char *type_initial(gen_model *m, const idl_type *type, bool zeros)
{
    switch (type->kind) {
    case IDL_BOOL:
        return "false";
    case IDL_STRING:
    case IDL_BYTES:
    case IDL_LIST:
    case IDL_MAP:
        return "{NULL, 0}";
    case IDL_ANY:
        return "{SHMRPC_ANY_NULL, 0, {false}}";
    case IDL_ARRAY:
        /* C sets the other elements to zero. */
        return gen_c_text(m, "{%s}", type_initial(m, type->element, true));
    case IDL_STRUCT:
    case IDL_UNION:
        return record_initial(m, type->record, zeros);
    default:
        return "0";
    }
}

const char *gen_c_initial(gen_model *m, const idl_field *field)
{
    return field_initial(m, field, false);
}

/* ---- documentation ---- */

/* Whether a trigraph that C reads as a backslash begins here. At the end of a
 * line it would join the line with the next one, even in a comment. */
static bool is_trigraph(const char *text)
{
    return text[0] == '?' && text[1] == '?' && text[2] == '/';
}

/* A line made safe for a comment: comment signs and trigraphs are split by a
 * space; bidi controls and control characters are left out. */
static const char *comment_line(gen_model *m, const char *text)
{
    shmrpci_buf out;
    gen_buf_init(m->tree, &out);
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        bool is_sign = i > 0 && ((text[i] == '/' && text[i - 1] == '*') ||
                                 (text[i] == '*' && text[i - 1] == '/'));
        if (is_sign || (i > 0 && is_trigraph(text + i - 1))) {
            shmrpci_buf_append_char(&out, ' ');
        }
        if (is_bidi(text + i, len - i)) {
            i += 2;
        } else if ((unsigned char)text[i] >= 0x20 || text[i] == '\t') {
            shmrpci_buf_append_char(&out, text[i]);
        }
    }
    return gen_buf_take(m->tree, &out);
}

/* Deprecated declarations get a comment even without documentation. */
gen_value *gen_c_doc(gen_model *m, const idl_meta *meta)
{
    const idl_docs *docs = &meta->docs;
    if (docs->count == 0 && !meta->deprecated) {
        return gen_null(m->tree);
    }
    gen_value *doc = gen_object(m->tree);
    gen_value *lines = gen_array(m->tree);
    for (size_t i = 0; i < docs->count; i++) {
        gen_push(lines, gen_ref(m->tree, comment_line(m, docs->lines[i])));
    }
    if (meta->deprecated) {
        const char *text = meta->deprecation;
        const char *line =
            gen_c_text(m, "Deprecated%s%s.", text != NULL ? ": " : "",
                       text != NULL ? text : "");
        gen_push(lines, gen_ref(m->tree, comment_line(m, line)));
    }
    /* A single line makes a one-line comment. */
    bool single = lines->len == 1;
    gen_set(doc, "one_line",
            single ? gen_ref(m->tree, gen_first(lines)->text)
                   : gen_null(m->tree));
    gen_set(doc, "lines", lines);
    return doc;
}

/* Whether the type or any of its parts has bounds. */
static bool has_bounds(const idl_type *type)
{
    return type != NULL && (type->has_min || type->has_max ||
                            has_bounds(type->key) || has_bounds(type->element));
}

/* Long defaults are left out: they are in the header anyway. */
const char *gen_c_limits(gen_model *m, const idl_field *field)
{
    bool bounded = has_bounds(field->type);
    shmrpci_buf text;
    shmrpci_buf value;
    shmrpci_buf_init_heap(&text);
    shmrpci_buf_init_heap(&value);
    if (bounded) {
        idl_canonical_type(field->type, &text);
    }
    idl_canonical_value(&field->default_value, field->type->kind, &value);
    const char *chars = shmrpci_buf_text(&value);
    if (chars != NULL && value.len > 0 && value.len <= MAX_SHOWN_BYTES) {
        shmrpci_buf_printf(&text, "%sdefault %s", bounded ? ", " : "", chars);
    }
    const char *line = NULL;
    const char *all = shmrpci_buf_text(&text);
    if (all != NULL && text.len > 0) {
        line = comment_line(m, all);
    }
    m->tree->out_of_memory =
        m->tree->out_of_memory || chars == NULL || all == NULL;
    shmrpci_buf_fini(&value);
    shmrpci_buf_fini(&text);
    return line;
}

/* The documentation for a descriptor, which makes it part of the program. */
const char *gen_c_doc_text(gen_model *m, const idl_docs *docs)
{
    if (docs->count == 0) {
        return "NULL";
    }
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    for (size_t i = 0; i < docs->count; i++) {
        shmrpci_buf_printf(&text, "%s%s", i > 0 ? "\n" : "", docs->lines[i]);
    }
    const char *chars = shmrpci_buf_text(&text);
    const char *all = gen_c_literals(m, chars != NULL ? chars : "",
                                     chars != NULL ? text.len : 0);
    m->tree->out_of_memory = m->tree->out_of_memory || chars == NULL;
    shmrpci_buf_fini(&text);
    return all;
}
