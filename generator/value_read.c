/* JSON values: the strict reader, a recursive descent parser for RFC 8259. */
#include "generator/value.h"

#include <string.h>

#include "base/utf8.h"

typedef struct reader {
    gen_tree *tree;
    const char *at;
    const char *end;
    size_t value_count;
} reader;

static gen_value *read_value(reader *r, int depth);

static void skip_space(reader *r)
{
    while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL &&
           *r->at != '\0') {
        r->at++;
    }
}

static bool take(reader *r, char c)
{
    if (r->at < r->end && *r->at == c) {
        r->at++;
        return true;
    }
    return false;
}

static bool take_word(reader *r, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0) {
        return false;
    }
    r->at += len;
    return true;
}

static bool take_digits(reader *r)
{
    const char *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        r->at++;
    }
    return r->at > start;
}

static gen_value *read_number(reader *r)
{
    const char *start = r->at;
    take(r, '-');
    if (!take(r, '0') && !take_digits(r)) {
        return NULL;
    }
    if (take(r, '.') && !take_digits(r)) {
        return NULL;
    }
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+')) {
            take(r, '-');
        }
        if (!take_digits(r)) {
            return NULL;
        }
    }
    gen_value *value = gen_string_n(r->tree, start, (size_t)(r->at - start));
    if (value->kind == GEN_KIND_STRING) {
        value->kind = GEN_KIND_NUMBER;
    }
    return value;
}

static bool read_hex4(reader *r, uint32_t *out)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit =
            r->at < r->end && *r->at != '\0' ? strchr(digits, *r->at) : NULL;
        if (digit == NULL) {
            return false;
        }
        code = code * 16 + (uint32_t)(digit - digits) % 16;
        r->at++;
    }
    *out = code;
    return true;
}

/* Reads what follows `\u`: one code unit, or a surrogate pair. */
static bool read_unicode(reader *r, shmrpci_buf *text)
{
    uint32_t code = 0;
    if (!read_hex4(r, &code)) {
        return false;
    }
    if (code >= 0xd800 && code < 0xdc00) {
        uint32_t low = 0;
        if (!take_word(r, "\\u") || !read_hex4(r, &low) || low < 0xdc00 ||
            low > 0xdfff) {
            return false;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        return false;
    }
    uint8_t bytes[4];
    shmrpci_buf_append(text, bytes, shmrpci_utf8_encode(code, bytes));
    return true;
}

static bool read_escape(reader *r, shmrpci_buf *text)
{
    static const char names[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (take(r, 'u')) {
        return read_unicode(r, text);
    }
    const char *name =
        r->at < r->end && *r->at != '\0' ? strchr(names, *r->at) : NULL;
    if (name == NULL) {
        return false;
    }
    r->at++;
    shmrpci_buf_append_char(text, meanings[name - names]);
    return true;
}

/* Reads the characters of a string after its opening quote. */
static bool read_characters(reader *r, shmrpci_buf *text)
{
    while (r->at < r->end && (unsigned char)*r->at >= 0x20) {
        if (take(r, '"')) {
            return true;
        }
        if (take(r, '\\')) {
            if (!read_escape(r, text)) {
                return false;
            }
        } else {
            shmrpci_buf_append_char(text, *r->at++);
        }
    }
    return false;
}

static gen_value *read_string(reader *r)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    gen_value *value = NULL;
    if (take(r, '"') && read_characters(r, &text) &&
        shmrpci_utf8_valid_prefix(text.data, text.len) == text.len) {
        size_t len = text.len;
        const char *chars = shmrpci_buf_text(&text);
        if (chars == NULL) {
            r->tree->out_of_memory = true;
        } else {
            value = gen_string_n(r->tree, chars, len);
        }
    }
    shmrpci_buf_fini(&text);
    return value;
}

static gen_value *read_array(reader *r, int depth)
{
    gen_value *array = gen_array(r->tree);
    skip_space(r);
    if (take(r, ']')) {
        return array;
    }
    do {
        gen_value *item = read_value(r, depth + 1);
        if (item == NULL) {
            return NULL;
        }
        gen_push(array, item);
        skip_space(r);
    } while (take(r, ','));
    return take(r, ']') ? array : NULL;
}

static gen_value *read_object(reader *r, int depth)
{
    gen_value *object = gen_object(r->tree);
    skip_space(r);
    if (take(r, '}')) {
        return object;
    }
    do {
        skip_space(r);
        gen_value *key = read_string(r);
        skip_space(r);
        if (key == NULL || !take(r, ':') ||
            object->len == GEN_JSON_MAX_MEMBERS ||
            gen_get(object, key->text, key->len) != NULL) {
            return NULL;
        }
        gen_value *item = read_value(r, depth + 1);
        if (item == NULL) {
            return NULL;
        }
        gen_set(object, key->text, item);
        skip_space(r);
    } while (take(r, ','));
    return take(r, '}') ? object : NULL;
}

static gen_value *read_value(reader *r, int depth)
{
    skip_space(r);
    if (depth >= GEN_JSON_MAX_DEPTH || r->at == r->end ||
        ++r->value_count > GEN_JSON_MAX_VALUES) {
        return NULL;
    }
    if (*r->at == '"') {
        return read_string(r);
    }
    if (take(r, '[')) {
        return read_array(r, depth);
    }
    if (take(r, '{')) {
        return read_object(r, depth);
    }
    if (take_word(r, "null")) {
        return gen_null(r->tree);
    }
    if (take_word(r, "true")) {
        return gen_bool(r->tree, true);
    }
    if (take_word(r, "false")) {
        return gen_bool(r->tree, false);
    }
    return read_number(r);
}

shmrpc_status gen_read_json(gen_tree *tree, const char *text, size_t len,
                            gen_value **out, size_t *error_offset)
{
    reader r = {.tree = tree, .at = text, .end = text + len};
    gen_value *value = read_value(&r, 0);
    if (value != NULL) {
        skip_space(&r);
    }
    if (tree->out_of_memory) {
        return SHMRPC_E_NO_MEMORY;
    }
    if (value == NULL || r.at != r.end) {
        *error_offset = (size_t)(r.at - text);
        return SHMRPC_E_INVALID;
    }
    *out = value;
    return SHMRPC_OK;
}
