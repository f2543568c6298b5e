/* Turns words of the command line into JSON, and JSON into parameters. */
#define _POSIX_C_SOURCE 200809L
#include "tools/shmrpc/arguments.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "codec/codec.h"
#include "tools/shmrpc/names.h"

/* The largest file that is read into a value: as large as a message may be. */
#define FILE_MAX_BYTES ((size_t)1 << 30)

/* One word of the command line: a path of names, and a value. */
typedef struct word {
    const char *path;  /* not NUL-terminated; NULL until name_positions assigns
                        * a name */
    size_t path_len;   /* length of the path in the word */
    const char *value; /* after the `=`, up to the end of the word */
    bool is_json;      /* written with := instead of = */
} word;

typedef struct writer { /* state while words are turned into JSON */
    const word *words;  /* in the order of the command line */
    size_t count;
    shmrpci_arena *arena; /* for values that are parsed only to be checked */
    shmrpci_buf *json;    /* the parameters, as far as they are written */
    shmrpci_buf *message; /* why it failed, as text for people */
} writer;

/* Puts the word's path in front of the message, which says what is wrong with
 * the word. Returns INVALID. */
static int refuse(writer *w, const word *at)
{
    shmrpci_buf reason;
    shmrpci_buf_init_heap(&reason);
    shmrpci_buf_append(&reason, w->message->data, w->message->len);
    shmrpci_buf_reset(w->message);
    shmrpci_buf_printf(w->message, "%.*s: ", (int)at->path_len, at->path);
    shmrpci_buf_append(w->message, reason.data, reason.len);
    shmrpci_buf_fini(&reason);
    return SHMRPC_E_INVALID;
}

/* ---- files ---- */

/* Reads in pieces, because the size of a pipe isn't known. Stops beyond the
 * limit, so that `@/dev/zero` ends. */
static int read_stream(FILE *file, shmrpci_buf *out)
{
    char part[16384];
    size_t len;
    while ((len = fread(part, 1, sizeof part, file)) > 0) {
        shmrpci_buf_append(out, part, len);
        if (out->len > FILE_MAX_BYTES) {
            return SHMRPC_E_TOO_LARGE;
        }
    }
    return ferror(file) ? SHMRPC_E_NOT_FOUND : (int)out->status;
}

/* "-" is standard input, which stays open: another argument may name it again,
 * and reads nothing. */
static int read_file(const char *path, shmrpci_buf *out, shmrpci_buf *message)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "rbe");
    int status = file != NULL ? read_stream(file, out) : SHMRPC_E_NOT_FOUND;
    if (file != NULL && !is_stdin) {
        (void)fclose(file);
    }
    if (status != SHMRPC_OK) {
        shmrpci_buf_printf(
            message, "%s: %s", is_stdin ? "standard input" : path,
            status == SHMRPC_E_NOT_FOUND ? "can't be read"
                                         : shmrpc_status_text(status));
    }
    return status;
}

/* ---- values ---- */

/* Uses the codec's own encoder, so that the codec's decoder accepts the
 * escapes. */
static int encode(writer *w, const shmrpc_type *type, const void *value)
{
    shmrpc_error error;
    int status = shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                     ->encode(type, value, "", w->json, &error);
    if (status != SHMRPC_OK) {
        shmrpci_buf_append_text(w->message, status == SHMRPC_E_INVALID
                                                ? error.message
                                                : shmrpc_status_text(status));
    }
    return status;
}

/* Whether all of the text is one JSON value. */
static bool is_json(writer *w, const char *text)
{
    shmrpc_any value;
    return shmrpci_codec_of(SHMRPC_ENCODING_JSON)
               ->decode(&shmrpc_type_any, (const uint8_t *)text, strlen(text),
                        "", w->arena, &value, NULL) == SHMRPC_OK;
}

/* Inserts JSON unchanged, after checking that it is a single value: otherwise
 * `1,"y":2` would add a member. Whether it fits the type is left to the
 * decoder. */
static int write_json(writer *w, const shmrpc_type *type, const char *text)
{
    if (!is_json(w, text)) {
        shmrpci_buf_printf(w->message, "`%.64s` is not of type %s", text,
                           cli_type_text(type));
        switch (type->kind) {
        case SHMRPC_KIND_BOOL:
            shmrpci_buf_append_text(w->message, " (expected true or false)");
            break;
        case SHMRPC_KIND_LIST:
        case SHMRPC_KIND_ARRAY:
        case SHMRPC_KIND_MAP:
        case SHMRPC_KIND_STRUCT:
        case SHMRPC_KIND_UNION:
            shmrpci_buf_append_text(w->message, " (expected JSON)");
            break;
        default:
            break;
        }
        return SHMRPC_E_INVALID;
    }
    shmrpci_buf_append_text(w->json, text);
    return w->json->status;
}

static int write_text(writer *w, const char *text, size_t len)
{
    const shmrpc_str value = {text, len};
    return encode(w, &shmrpc_type_string, &value);
}

static int write_bytes(writer *w, const char *text, size_t len)
{
    const shmrpc_bytes value = {(const uint8_t *)text, len};
    return encode(w, &shmrpc_type_bytes, &value);
}

/* A `bytes` field takes any content. For text the encoder checks that it is
 * UTF-8. */
static int write_file(writer *w, const shmrpc_type *type, const char *path)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    int status = read_file(path, &text, w->message);
    if (status == SHMRPC_OK) {
        status = type->kind == SHMRPC_KIND_BYTES
                     ? write_bytes(w, (const char *)text.data, text.len)
                     : write_text(w, (const char *)text.data, text.len);
    }
    shmrpci_buf_fini(&text);
    return status;
}

/* The type decides how a word is read. A word for a string that begins with @
 * names a file. A string that itself begins with @ must be given as JSON, with
 * `:=`. */
static int write_value(writer *w, const shmrpc_type *type, const word *at)
{
    const char *text = at->value;
    bool is_text =
        type->kind == SHMRPC_KIND_STRING || type->kind == SHMRPC_KIND_BYTES;
    if (at->is_json) {
        return write_json(w, type, text);
    }
    if (is_text && text[0] == '@') {
        return write_file(w, type, text + 1);
    }
    switch (type->kind) {
    case SHMRPC_KIND_STRING:
        return write_text(w, text, strlen(text));
    case SHMRPC_KIND_BYTES:
        return write_bytes(w, text, strlen(text));
    case SHMRPC_KIND_ENUM:
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_F64:
    case SHMRPC_KIND_ANY:
        /* A word that is not JSON, such as a name, NaN or Infinity, becomes a
         * string. */
        return is_json(w, text) ? write_json(w, type, text)
                                : write_text(w, text, strlen(text));
    default:
        return write_json(w, type, text);
    }
}

/* ---- names ---- */

/* The length of the name that begins at `from`, up to a dot or the end. */
static size_t name_len(const word *at, size_t from)
{
    const char *dot = memchr(at->path + from, '.', at->path_len - from);
    return dot != NULL ? (size_t)(dot - at->path) - from : at->path_len - from;
}

/* Whether both paths have the same name at `from`; they are equal before it. */
static bool same_name(const word *a, const word *b, size_t from)
{
    size_t len = name_len(a, from);
    return a->path_len >= from && b->path_len >= from &&
           len == name_len(b, from) &&
           memcmp(a->path, b->path, from + len) == 0;
}

static int write_members(writer *w, const shmrpc_type *type, const word *under,
                         size_t from);

/* Writes the value of the field that `at` names at offset `from`: the word's
 * own value, or an object made of all words whose paths go through this
 * field. */
static int write_field(writer *w, const shmrpc_type *type, const word *at,
                       size_t from)
{
    size_t end = from + name_len(at, from);
    /* A dot in a path is allowed only after structs and unions. */
    bool is_record =
        type->kind == SHMRPC_KIND_STRUCT || type->kind == SHMRPC_KIND_UNION;
    for (const word *other = at + 1; other < w->words + w->count; other++) {
        if (same_name(at, other, from) &&
            (at->path_len == end || other->path_len == end)) {
            shmrpci_buf_append_text(w->message, "is given twice");
            return refuse(w, at);
        }
    }
    if (at->path_len == end) {
        int status = write_value(w, type, at);
        return status == SHMRPC_E_INVALID ? refuse(w, at) : status;
    }
    if (!is_record) {
        const word whole = {.path = at->path, .path_len = end};
        shmrpci_buf_printf(w->message, "is a %s and has no fields",
                           cli_type_text(type));
        return refuse(w, &whole);
    }
    return write_members(w, type, at, end + 1);
}

/* Whether no earlier word has the same name at `from`. The first such word
 * writes the object for all of them. */
static bool is_first(const writer *w, const word *at, size_t from)
{
    for (const word *before = w->words; before < at; before++) {
        if (same_name(at, before, from)) {
            return false;
        }
    }
    return true;
}

/* Writes an object from all words whose paths begin with the first `from` bytes
 * of the path of `under`. NULL means all words. */
static int write_members(writer *w, const shmrpc_type *type, const word *under,
                         size_t from)
{
    const char *what =
        (type->flags & SHMRPC_TYPE_PARAMS) != 0 ? "parameter" : "field";
    int status = SHMRPC_OK;
    shmrpci_buf_append_char(w->json, '{');
    size_t begin = w->json->len;
    for (const word *at = under != NULL ? under : w->words;
         at < w->words + w->count && status == SHMRPC_OK; at++) {
        /* Skip words of other objects, and those that an earlier word has
         * written. */
        if (at->path_len < from ||
            (under != NULL && memcmp(at->path, under->path, from) != 0) ||
            !is_first(w, at, from)) {
            continue;
        }
        size_t len = name_len(at, from);
        const shmrpc_field *field = cli_field_find(type, at->path + from, len);
        if (field == NULL) {
            if (from > 0) {
                shmrpci_buf_printf(w->message, "%.*s: ", (int)from - 1,
                                   at->path);
            }
            cli_field_unknown(type, what, at->path + from, len, w->message);
            return SHMRPC_E_INVALID;
        }
        shmrpci_buf_printf(
            w->json, "%s\"%s\":", w->json->len > begin ? "," : "", field->name);
        status = write_field(w, field->type, at, from);
    }
    shmrpci_buf_append_char(w->json, '}');
    return status != SHMRPC_OK ? status : (int)w->json->status;
}

/* ---- words ---- */

/* The length of a path in front of `=` or `:=`; 0 means that the word is only a
 * value. A path may only contain characters of names, so that "http://x?a=b" is
 * a value. */
static size_t path_len(const char *text)
{
    size_t len = strspn(text,
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
                        "wxyz0123456789_.");
    bool is_name = len > 0 && (text[0] < '0' || text[0] > '9') &&
                   text[0] != '.' && text[len - 1] != '.';
    bool ends = text[len] == '=' || (text[len] == ':' && text[len + 1] == '=');
    return is_name && ends ? len : 0;
}

/* Points into the command line, which outlives the call. */
static word read_word(const char *text)
{
    size_t len = path_len(text);
    if (len == 0) {
        return (word){.value = text};
    }
    bool is_json = text[len] == ':';
    return (word){.path = text,
                  .path_len = len,
                  .value = text + len + (is_json ? 2 : 1),
                  .is_json = is_json};
}

/* Assigns names to the values without one, by their position. */
static int name_positions(const shmrpc_type *params, word *words, size_t count,
                          shmrpci_buf *message)
{
    uint32_t position = 0;
    for (size_t i = 0; i < count; i++) {
        if (words[i].path != NULL) {
            continue;
        }
        if (position == params->count) {
            shmrpci_buf_printf(message,
                               "`%.64s` is one value too many: there %s %u "
                               "parameter%s",
                               words[i].value, position == 1 ? "is" : "are",
                               position, position == 1 ? "" : "s");
            return SHMRPC_E_INVALID;
        }
        words[i].path = params->fields[position++].name;
        words[i].path_len = strlen(words[i].path);
    }
    return SHMRPC_OK;
}

/* A word that begins like an object or a list stands for all parameters, if it
 * is the only one. */
static bool is_whole(const char *text)
{
    const char *at = text + strspn(text, " \t\r\n");
    return *at == '{' || *at == '[';
}

/* Only decides in which form the parameters were given. cli_arguments_read
 * checks all values, whatever form they came in. */
int cli_arguments_json(const shmrpc_type *params, char *const *texts,
                       size_t count, shmrpci_arena *arena, shmrpci_buf *json,
                       shmrpci_buf *message)
{
    if (count == 1 && strcmp(texts[0], "-") == 0) {
        return read_file("-", json, message);
    }
    if (count == 1 && is_whole(texts[0])) {
        shmrpci_buf_append_text(json, texts[0]);
        return json->status;
    }
    word *words =
        shmrpci_arena_calloc(arena, count + 1, sizeof *words, _Alignof(word));
    if (words == NULL) {
        shmrpci_buf_append_text(message, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        words[i] = read_word(texts[i]);
    }
    /* Assign names first, so that all values can be treated alike. */
    int status = name_positions(params, words, count, message);
    writer w = {words, count, arena, json, message};
    return status == SHMRPC_OK ? write_members(&w, params, NULL, 0) : status;
}

/* ---- parameters ---- */

/* Passes on the decoder's message, which contains the field's path and the
 * position in the text. */
static int refuse_json(const shmrpc_error *error, int status,
                       shmrpci_buf *message)
{
    if (status != SHMRPC_E_INVALID) {
        shmrpci_buf_append_text(message, shmrpc_status_text(status));
        return status;
    }
    shmrpci_buf_printf(message, "%s%s%s", error->path,
                       error->path[0] != '\0' ? ": " : "", error->message);
    return status;
}

/* Reads the JSON twice: as a tree, whose names are compared with the type's,
 * and as the type. */
int cli_arguments_read(const shmrpc_type *params, const shmrpci_buf *json,
                       shmrpci_arena *arena, const void **out,
                       shmrpci_buf *message)
{
    const shmrpci_codec *codec = shmrpci_codec_of(SHMRPC_ENCODING_JSON);
    shmrpc_any tree;
    shmrpc_error error = {.path = ""};
    /* The struct of a method without parameters has a size of 0. */
    void *value = shmrpci_arena_calloc(arena, 1, params->size + 1u,
                                       params->align > 0 ? params->align : 1);
    if (value == NULL) {
        return refuse_json(&error, SHMRPC_E_NO_MEMORY, message);
    }
    int status = codec->decode(&shmrpc_type_any, json->data, json->len, "",
                               arena, &tree, &error);
    if (status == SHMRPC_OK && !cli_names_check(params, &tree, message)) {
        return SHMRPC_E_INVALID;
    }
    if (status == SHMRPC_OK) {
        status = codec->decode(params, json->data, json->len, "", arena, value,
                               &error);
    }
    if (status != SHMRPC_OK) {
        return refuse_json(&error, status, message);
    }
    *out = value;
    return SHMRPC_OK;
}
