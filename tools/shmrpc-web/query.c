/* Converts a query to members of a JSON object. It only checks names, escapes,
 * and that JSON values are JSON. The JSON codec decides whether a value fits
 * its field, as it does for a body. */
#include "tools/shmrpc-web/query.h"

#include <string.h>

#include "base/json_text.h"
#include "base/nearest.h"
#include "codec/codec.h"

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Resolves the escapes of `len` bytes; `+` is a blank. Returns NULL if an
 * escape is malformed or memory ran out. */
static char *unescape(shmrpci_arena *arena, const char *text, size_t len,
                      size_t *out_len)
{
    char *out = shmrpci_arena_alloc(arena, len + 1, 1);
    size_t count = 0;
    for (size_t i = 0; out != NULL && i < len; i++) {
        char c = text[i] == '+' ? ' ' : text[i];
        if (c == '%') {
            int high = i + 1 < len ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[count++] = c;
    }
    if (out != NULL) {
        out[count] = '\0';
        *out_len = count;
    }
    return out;
}

/* Whether the text is a number or word that is valid JSON without quotes. Its
 * meaning is left to the codec. */
static bool is_bare(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' ||
              c == 'e' || c == 'E')) {
            return (len == 4 && memcmp(text, "true", 4) == 0) ||
                   (len == 4 && memcmp(text, "null", 4) == 0) ||
                   (len == 5 && memcmp(text, "false", 5) == 0);
        }
    }
    return len > 0;
}

static bool is_json(const char *text, size_t len, shmrpci_arena *arena)
{
    shmrpc_any value;
    return shmrpci_codec_of(SHMRPC_ENCODING_JSON)
               ->decode(&shmrpc_type_any, (const uint8_t *)text, len, "", arena,
                        &value, NULL) == SHMRPC_OK;
}

int web_query_append_one(const shmrpc_field *field, const char *text,
                         size_t len, shmrpci_arena *arena, shmrpci_buf *out,
                         shmrpc_error *error)
{
    bool verbatim = false;
    switch (field->type->kind) {
    case SHMRPC_KIND_STRING:
    case SHMRPC_KIND_BYTES:
        break;
    case SHMRPC_KIND_ENUM:
    case SHMRPC_KIND_BOOL:
    case SHMRPC_KIND_I8:
    case SHMRPC_KIND_I16:
    case SHMRPC_KIND_I32:
    case SHMRPC_KIND_I64:
    case SHMRPC_KIND_U8:
    case SHMRPC_KIND_U16:
    case SHMRPC_KIND_U32:
    case SHMRPC_KIND_U64:
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_F64:
        verbatim = is_bare(text, len);
        break;
    case SHMRPC_KIND_ANY:
        verbatim = is_json(text, len, arena);
        break;
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_MAP:
    case SHMRPC_KIND_ARRAY:
    case SHMRPC_KIND_STRUCT:
    case SHMRPC_KIND_UNION:
        verbatim = is_json(text, len, arena);
        if (!verbatim) {
            return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                    "the value of `%s` is not JSON",
                                    field->name);
        }
        break;
    }
    shmrpci_json_key(out, field->name);
    if (verbatim) {
        shmrpci_buf_append(out, text, len);
    } else {
        shmrpci_json_string(out, text, len);
    }
    return out->status;
}

static const shmrpc_field *find_field(const shmrpc_type *params,
                                      const char *name)
{
    for (uint32_t i = 0; i < params->count; i++) {
        if (strcmp(params->fields[i].name, name) == 0) {
            return &params->fields[i];
        }
    }
    return NULL;
}

static int refuse_name(const shmrpc_type *params, const char *name,
                       shmrpc_error *error)
{
    shmrpci_nearest search = {.wanted = name};
    for (uint32_t i = 0; i < params->count; i++) {
        shmrpci_nearest_offer(&search, params->fields[i].name);
    }
    return shmrpc_error_set(error, SHMRPC_E_INVALID,
                            "there is no parameter `%.60s`%s%s%s", name,
                            search.best != NULL ? "; did you mean `" : "",
                            search.best != NULL ? search.best : "",
                            search.best != NULL ? "`?" : "");
}

static int append_pair(const shmrpc_type *params, const char *pair, size_t len,
                       shmrpci_arena *arena, shmrpci_buf *out,
                       shmrpc_error *error)
{
    const char *equals = memchr(pair, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - pair) : len;
    size_t rest = equals != NULL ? len - name_len - 1 : 0;
    size_t value_len = 0;
    char *name = unescape(arena, pair, name_len, &name_len);
    char *value = unescape(arena, pair + (len - rest), rest, &value_len);
    if (name == NULL || value == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "malformed escape in the query");
    }
    const shmrpc_field *field = find_field(params, name);
    return field != NULL ? web_query_append_one(field, value, value_len, arena,
                                                out, error)
                         : refuse_name(params, name, error);
}

int web_query_append(const shmrpc_type *params, const char *query,
                     shmrpci_arena *arena, shmrpci_buf *out,
                     shmrpc_error *error)
{
    int status = SHMRPC_OK;
    while (*query != '\0' && status == SHMRPC_OK) {
        size_t len = strcspn(query, "&");
        if (len > 0) {
            status = append_pair(params, query, len, arena, out, error);
        }
        query += len + (query[len] == '&');
    }
    return status;
}
