/* Finds members in JSON text without building a tree. */
#include "transport/nats/remote_json.h"

#include <string.h>

#define DEPTH_MAX 16

static void skip_blanks(nats_json *at)
{
    while (at->len > 0 && strchr(" \t\r\n", *at->text) != NULL &&
           *at->text != '\0') {
        at->text++;
        at->len--;
    }
}

static void advance(nats_json *at, size_t count)
{
    at->text += count;
    at->len -= count;
}

/* Skips blanks and takes the character `c`. Returns false if another one
 * follows. */
static bool take(nats_json *at, char c)
{
    skip_blanks(at);
    if (at->len == 0 || *at->text != c) {
        return false;
    }
    advance(at, 1);
    return true;
}

/* Takes a string. `out` becomes the text between the quotes, with its
 * escapes. */
static bool take_string(nats_json *at, nats_json *out)
{
    if (!take(at, '"')) {
        return false;
    }
    *out = *at;
    for (size_t i = 0; i < at->len; i++) {
        if (at->text[i] == '\\') {
            i++;
        } else if (at->text[i] == '"') {
            out->len = i;
            advance(at, i + 1);
            return true;
        }
    }
    return false;
}

static bool skip_value(nats_json *at, int depth);

/* Skips the members of an object, or the items of an array, up to `end`. */
static bool skip_all(nats_json *at, char end, int depth)
{
    nats_json key;
    if (take(at, end)) {
        return true;
    }
    do {
        if (end == '}' && (!take_string(at, &key) || !take(at, ':'))) {
            return false;
        }
        if (!skip_value(at, depth)) {
            return false;
        }
    } while (take(at, ','));
    return take(at, end);
}

static bool skip_value(nats_json *at, int depth)
{
    nats_json string;
    if (depth == DEPTH_MAX) {
        return false;
    }
    skip_blanks(at);
    if (at->len == 0) {
        return false;
    }
    if (*at->text == '"') {
        return take_string(at, &string);
    }
    if (take(at, '{')) {
        return skip_all(at, '}', depth + 1);
    }
    if (take(at, '[')) {
        return skip_all(at, ']', depth + 1);
    }
    /* The rest are numbers, true, false and null. */
    size_t len = 0;
    while (len < at->len && strchr(",]} \t\r\n", at->text[len]) == NULL) {
        len++;
    }
    advance(at, len);
    return len > 0;
}

/* Finds one member of the object `in`. */
static bool find_one(nats_json in, const char *key, size_t key_len,
                     nats_json *out)
{
    nats_json name;
    if (!take(&in, '{')) {
        return false;
    }
    do {
        if (!take_string(&in, &name) || !take(&in, ':')) {
            return false;
        }
        skip_blanks(&in);
        nats_json value = in;
        if (!skip_value(&in, 0)) {
            return false;
        }
        if (name.len == key_len && memcmp(name.text, key, key_len) == 0) {
            *out = (nats_json){value.text, value.len - in.len};
            return true;
        }
    } while (take(&in, ','));
    return false;
}

bool nats_json_find(nats_json in, const char *path, nats_json *out)
{
    for (;;) {
        size_t len = strcspn(path, ".");
        if (!find_one(in, path, len, &in)) {
            return false;
        }
        if (path[len] == '\0') {
            *out = in;
            return true;
        }
        path += len + 1;
    }
}

uint64_t nats_json_uint(nats_json in, const char *path, uint64_t otherwise)
{
    nats_json value;
    uint64_t number = 0;
    if (!nats_json_find(in, path, &value) || value.len == 0) {
        return otherwise;
    }
    for (size_t i = 0; i < value.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)value.text[i] - '0';
        if (digit > 9 || number > (UINT64_MAX - digit) / 10) {
            return otherwise;
        }
        number = number * 10 + digit;
    }
    return number;
}

static int hex_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes an escape. Of \u escapes only \u00XX is supported, with which Go
 * writes < and >; any other character becomes a question mark. */
static char unescape(const nats_json *string, size_t *i)
{
    char c = string->text[++*i];
    if (c != 'u' || *i + 4 >= string->len) {
        return c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
    const char *at = string->text + *i + 1;
    int high = hex_of(at[2]);
    int low = hex_of(at[3]);
    bool is_ascii =
        at[0] == '0' && at[1] == '0' && high >= 0 && high < 8 && low >= 0;
    *i += 4;
    return is_ascii ? (char)(high * 16 + low) : '?';
}

bool nats_json_text(nats_json in, const char *path, char *out, size_t size)
{
    nats_json value;
    nats_json string;
    size_t len = 0;
    if (!nats_json_find(in, path, &value) || !take_string(&value, &string)) {
        return false;
    }
    for (size_t i = 0; i < string.len; i++) {
        if (len + 1 >= size) {
            return false;
        }
        out[len++] =
            string.text[i] == '\\' ? unescape(&string, &i) : string.text[i];
    }
    out[len] = '\0';
    return true;
}
