/* Reading service.ini: files, sections, keys. */
#include "supervise/ini_parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/utf8.h"

const shmrpci_ini_row shmrpci_ini_rows[SHMRPCI_INI_KEYS] = {
#define SHMRPCI_X(key, name, where, type, least, most, choices, fallback) \
    {                                                                     \
        name,                                                             \
        SHMRPCI_INI_IN_##where,                                           \
        SHMRPCI_INI_##type,                                               \
        least,                                                            \
        most,                                                             \
        choices,                                                          \
        fallback},
    SHMRPCI_INI_KEY_LIST(SHMRPCI_X)
#undef SHMRPCI_X
};

static const struct {
    const char *name;
    shmrpci_ini_key key;
} aliases[] = {
#define SHMRPCI_X(name, key) {name, SHMRPCI_INI_##key},
    SHMRPCI_INI_ALIAS_LIST(SHMRPCI_X)
#undef SHMRPCI_X
};

#define ALIASES (sizeof aliases / sizeof *aliases)

/* The sections that are no services. */
#define DEFAULTS "defaults"
#define WEB      "web monitor"

/* What the lines of a file go to. */
typedef struct section {
    unsigned where; /* SHMRPCI_INI_IN_...; 0: nothing, or unknown */
    size_t first;   /* services [first, end) share the body */
    size_t end;
    bool is_lost; /* its header was wrong: its lines are not looked at */
} section;

static void read_file(shmrpci_ini_parser *p, const char *path,
                      shmrpci_ini_place place,
                      const shmrpci_ini_file *includer);

static shmrpci_ini_place place_of(const shmrpci_ini_file *file,
                                  const char *begin, const char *end)
{
    return (shmrpci_ini_place){file, (size_t)(begin - file->text),
                               (size_t)(end - file->text)};
}

/* ---- keys ---- */

/* SHMRPCI_INI_KEYS when there is none. */
static shmrpci_ini_key find_key(const char *name)
{
    for (int i = 0; i < SHMRPCI_INI_KEYS; i++) {
        if (strcmp(shmrpci_ini_rows[i].name, name) == 0) {
            return (shmrpci_ini_key)i;
        }
    }
    for (size_t i = 0; i < ALIASES; i++) {
        if (strcmp(aliases[i].name, name) == 0) {
            return aliases[i].key;
        }
    }
    return SHMRPCI_INI_KEYS;
}

static void unknown_key(shmrpci_ini_parser *p, const section *s,
                        const char *name, shmrpci_ini_place place)
{
    const char *names[SHMRPCI_INI_KEYS + ALIASES];
    size_t count = 0;
    for (int i = 0; i < SHMRPCI_INI_KEYS; i++) {
        if ((shmrpci_ini_rows[i].where & s->where) != 0) {
            names[count++] = shmrpci_ini_rows[i].name;
        }
    }
    for (size_t i = 0; i < ALIASES; i++) {
        if ((shmrpci_ini_rows[aliases[i].key].where & s->where) != 0) {
            names[count++] = aliases[i].name;
        }
    }
    shmrpci_ini_report(p, place, "unknown key `%.64s`%s", name,
                       shmrpci_ini_nearest(p, name, names, count));
}

static void misplaced_key(shmrpci_ini_parser *p, const char *name,
                          unsigned where, shmrpci_ini_place place)
{
    shmrpci_ini_report(p, place, "`%s` belongs into %s", name,
                       (where & SHMRPCI_INI_IN_WEB) != 0 ? "[" WEB "]"
                       : where == SHMRPCI_INI_IN_SERVICE
                           ? "the section of a service"
                           : "[" DEFAULTS "] or the section of a service");
}

static bool is_available(const shmrpci_ini_parser *p, shmrpci_ini_key key)
{
    for (size_t i = 0; i < p->opts->unavailable_count; i++) {
        if (p->opts->unavailable[i] == key) {
            return false;
        }
    }
    return true;
}

static shmrpci_ini_value *values_of(shmrpci_ini_parser *p, const section *s,
                                    size_t service)
{
    return s->where == SHMRPCI_INI_IN_DEFAULTS ? p->defaults
           : s->where == SHMRPCI_INI_IN_WEB    ? p->out->web
                                               : p->services[service].values;
}

/* ---- variables ---- */

static const char *variable(const shmrpci_ini_parser *p, const char *name)
{
    return p->opts->variable != NULL ? p->opts->variable(p->opts->user, name)
                                     : getenv(name);
}

/* Appends a piece; false after reporting. */
static bool expand_piece(shmrpci_ini_parser *p, const shmrpci_ini_file *file,
                         const shmrpci_ini_piece *piece, shmrpci_buf *out)
{
    shmrpci_ini_place place = place_of(file, piece->begin, piece->end);
    if (piece->kind == SHMRPCI_INI_PIECE_TEXT) {
        shmrpci_buf_append(out, piece->begin,
                           (size_t)(piece->end - piece->begin));
    } else if (piece->kind == SHMRPCI_INI_PIECE_DOLLAR) {
        shmrpci_buf_append_char(out, '$');
    } else if (piece->kind == SHMRPCI_INI_PIECE_ODD) {
        shmrpci_ini_report(p, place,
                           "this is no variable (expected ${NAME} or "
                           "${NAME:-value}; $$ is a dollar)");
        return false;
    } else {
        const char *name = shmrpci_ini_text(
            p, piece->name, (size_t)(piece->name_end - piece->name));
        const char *value = variable(p, name);
        bool is_set = value != NULL && value[0] != '\0';
        if (is_set || (value != NULL && piece->fallback == NULL)) {
            shmrpci_buf_append_text(out, value);
        } else if (piece->fallback != NULL) {
            shmrpci_buf_append(out, piece->fallback,
                               (size_t)(piece->fallback_end - piece->fallback));
        } else {
            shmrpci_ini_report(
                p, place,
                "the environment has no `%.64s` (${%.64s:-value} "
                "gives one)",
                name, name);
            return false;
        }
    }
    return true;
}

/* A value with its variables; NULL after reporting. */
static const char *expand(shmrpci_ini_parser *p, const shmrpci_ini_file *file,
                          const shmrpci_ini_line *line)
{
    shmrpci_buf out;
    shmrpci_ini_piece piece;
    const char *at = line->value;
    bool good = true;
    shmrpci_buf_init_heap(&out);
    do {
        shmrpci_ini_next_piece(&at, line->value_end, &piece);
        good = piece.kind == SHMRPCI_INI_PIECE_END ||
               (expand_piece(p, file, &piece, &out) && good);
    } while (piece.kind != SHMRPCI_INI_PIECE_END && good);
    if (good && out.len > SHMRPCI_INI_MAX_VALUE_BYTES) {
        shmrpci_ini_report(p, place_of(file, line->value, line->value_end),
                           "the value is too long (%zu bytes, allowed %d)",
                           out.len, SHMRPCI_INI_MAX_VALUE_BYTES);
        good = false;
    }
    p->no_memory = p->no_memory || out.status != SHMRPC_OK;
    const char *text =
        good ? shmrpci_ini_text(p, (const char *)out.data, out.len) : NULL;
    shmrpci_buf_fini(&out);
    return text;
}

/* ---- entries ---- */

/* The places of key and value, for reports. */
static void read_entry(shmrpci_ini_parser *p, const section *s,
                       shmrpci_ini_file *file, const shmrpci_ini_line *line)
{
    shmrpci_ini_place at_key = place_of(file, line->name, line->name_end);
    shmrpci_ini_place at_value = place_of(file, line->value, line->value_end);
    const char *name =
        shmrpci_ini_text(p, line->name, (size_t)(line->name_end - line->name));
    shmrpci_ini_key key = find_key(name);
    if (key == SHMRPCI_INI_KEYS) {
        unknown_key(p, s, name, at_key);
        return;
    }
    const shmrpci_ini_row *row = &shmrpci_ini_rows[key];
    if ((row->where & s->where) == 0) {
        misplaced_key(p, name, row->where, at_key);
        return;
    }
    shmrpci_ini_value value = {.present = true, .place = at_key};
    shmrpci_ini_value *slot = values_of(p, s, s->first);
    if (slot[key].present) {
        shmrpci_ini_report(p, at_key, "`%s` is given twice", row->name);
        shmrpci_ini_note(p, slot[key].place, "it was given here first");
        return;
    }
    const char *text = expand(p, file, line);
    bool good =
        text != NULL && shmrpci_ini_value_read(p, key, text, at_value, &value);
    if (good && !is_available(p, key)) {
        shmrpci_ini_report(p, at_key, "`%s` is not available in this version",
                           name);
    }
    /* A value that is wrong counts as given: one report is enough. */
    slot[key] = value;
    for (size_t i = s->first + 1; i < s->end; i++) {
        values_of(p, s, i)[key] = value;
    }
}

/* `include = path`, before the first section. */
static bool read_include(shmrpci_ini_parser *p, const section *s,
                         const shmrpci_ini_file *file,
                         const shmrpci_ini_line *line)
{
    static const char word[] = "include";
    size_t len = (size_t)(line->name_end - line->name);
    shmrpci_ini_place place = place_of(file, line->name, line->value_end);
    if (len != sizeof word - 1 || memcmp(line->name, word, len) != 0) {
        return false;
    }
    if (s->where != 0 || s->is_lost) {
        shmrpci_ini_report(
            p, place, "`include` stands before the first section of a file");
        return true;
    }
    const char *path = expand(p, file, line);
    if (path != NULL && path[0] == '\0') {
        shmrpci_ini_report(p, place, "`include` of nothing (expected a path)");
    } else if (path != NULL) {
        read_file(p, shmrpci_ini_path(p, file, path), place, file);
    }
    return true;
}

/* ---- sections ---- */

static bool is_name(const char *text)
{
    size_t len = strspn(text,
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789_.-");
    return len > 0 && len <= 63 && text[len] == '\0' && text[0] != '.';
}

static const shmrpci_ini_service *find_service(const shmrpci_ini_parser *p,
                                               const char *name)
{
    for (size_t i = 0; i < p->service_count; i++) {
        if (strcmp(p->services[i].name, name) == 0) {
            return &p->services[i];
        }
    }
    return NULL;
}

static bool grow(shmrpci_ini_parser *p)
{
    if (p->service_count < p->service_room) {
        return true;
    }
    size_t room = p->service_room == 0 ? 16 : p->service_room * 2;
    shmrpci_ini_service *services =
        shmrpci_ini_alloc(p, room, sizeof *services);
    if (services == NULL) {
        return false;
    }
    if (p->service_count > 0) {
        memcpy(services, p->services, p->service_count * sizeof *services);
    }
    p->services = services;
    p->service_room = room;
    return true;
}

static bool add_service(shmrpci_ini_parser *p, const char *name,
                        shmrpci_ini_place place)
{
    const shmrpci_ini_service *same = find_service(p, name);
    if (!is_name(name)) {
        shmrpci_ini_report(p, place,
                           "`%.64s` is no name of a service (expected at most "
                           "63 letters, digits, `_`, `-` and `.`)",
                           name);
    } else if (same != NULL) {
        shmrpci_ini_report(p, place, "there is a section [%s] already", name);
        shmrpci_ini_note(p, same->place, "it is here");
    } else if (p->service_count == SHMRPCI_INI_MAX_SERVICES) {
        shmrpci_ini_report(p, place, "more than %d services",
                           SHMRPCI_INI_MAX_SERVICES);
    } else if (grow(p)) {
        p->services[p->service_count++] =
            (shmrpci_ini_service){.name = name, .place = place};
        return true;
    }
    return false;
}

/* [A, B]: services that share what follows. */
static void begin_services(shmrpci_ini_parser *p, section *s,
                           const shmrpci_ini_file *file,
                           const shmrpci_ini_line *line)
{
    *s = (section){.where = SHMRPCI_INI_IN_SERVICE, .first = p->service_count};
    for (const char *at = line->name; at <= line->name_end;) {
        const char *begin = at + strspn(at, " \t");
        const char *comma = memchr(at, ',', (size_t)(line->name_end - at));
        const char *end = comma != NULL ? comma : line->name_end;
        at = end + 1;
        begin = begin < end ? begin : end;
        while (end > begin && (end[-1] == ' ' || end[-1] == '\t')) {
            end--;
        }
        const char *name = shmrpci_ini_text(p, begin, (size_t)(end - begin));
        if (!add_service(p, name, place_of(file, begin, end))) {
            s->is_lost = true;
        }
    }
    s->end = p->service_count;
    /* The lines of some of the names are looked at all the same. */
    s->is_lost = s->is_lost && s->end == s->first;
}

static bool begin_only(shmrpci_ini_parser *p, section *s, unsigned where,
                       shmrpci_ini_place place, shmrpci_ini_place *first)
{
    *s = (section){.where = where};
    if (first->file != NULL) {
        shmrpci_ini_report(p, place, "there is such a section already");
        shmrpci_ini_note(p, *first, "it is here");
        s->is_lost = true;
        return false;
    }
    *first = place;
    return true;
}

/* Almost one of the two names that mean something. */
static bool is_misspelt(shmrpci_ini_parser *p, const char *name,
                        shmrpci_ini_place place)
{
    static const char *const known[] = {DEFAULTS, WEB};
    const char *best = shmrpci_nearest_of(name, known, 2);
    if (best != NULL) {
        shmrpci_ini_report(p, place,
                           "unknown section [%.64s]; did you mean [%s]?", name,
                           best);
    }
    return best != NULL;
}

static void begin_section(shmrpci_ini_parser *p, section *s,
                          const shmrpci_ini_file *file,
                          const shmrpci_ini_line *line)
{
    shmrpci_ini_place place = place_of(file, line->name, line->name_end);
    const char *name =
        shmrpci_ini_text(p, line->name, (size_t)(line->name_end - line->name));
    if (strcmp(name, DEFAULTS) == 0) {
        (void)begin_only(p, s, SHMRPCI_INI_IN_DEFAULTS, place,
                         &p->defaults_place);
    } else if (strcmp(name, WEB) == 0) {
        p->out->has_web =
            begin_only(p, s, SHMRPCI_INI_IN_WEB, place, &p->web_place) ||
            p->out->has_web;
    } else if (is_misspelt(p, name, place)) {
        *s = (section){.is_lost = true};
    } else {
        begin_services(p, s, file, line);
    }
}

/* ---- files ---- */

static void read_line(shmrpci_ini_parser *p, section *s, shmrpci_ini_file *file,
                      const shmrpci_ini_line *line)
{
    shmrpci_ini_place whole = place_of(file, line->begin, line->end);
    switch (line->kind) {
    case SHMRPCI_INI_LINE_END:
    case SHMRPCI_INI_LINE_BLANK:
        break;
    case SHMRPCI_INI_LINE_TAIL:
        shmrpci_ini_report(p, place_of(file, line->value, line->value_end),
                           "more behind the name of a section (comments have "
                           "lines of their own)");
        begin_section(p, s, file, line);
        break;
    case SHMRPCI_INI_LINE_SECTION:
        begin_section(p, s, file, line);
        break;
    case SHMRPCI_INI_LINE_ENTRY:
        if (read_include(p, s, file, line) || s->is_lost) {
            break;
        }
        if (s->where == 0) {
            shmrpci_ini_report(p, whole,
                               "a key before any section (expected [NAME])");
            break;
        }
        read_entry(p, s, file, line);
        break;
    case SHMRPCI_INI_LINE_OPEN:
        shmrpci_ini_report(p, whole,
                           "the name of a section has no end (expected `]`)");
        *s = (section){.is_lost = true};
        break;
    case SHMRPCI_INI_LINE_ODD:
        shmrpci_ini_report(p, whole,
                           "this is neither a section nor a key (expected "
                           "[NAME] or key = value)");
        break;
    }
}

static void read_lines(shmrpci_ini_parser *p, shmrpci_ini_file *file)
{
    const char *at = file->text;
    section s = {.where = 0};
    shmrpci_ini_line line;
    do {
        shmrpci_ini_next_line(&at, &line);
        read_line(p, &s, file, &line);
    } while (line.kind != SHMRPCI_INI_LINE_END && !p->no_memory);
}

static shmrpc_status read_stream(FILE *stream, shmrpci_arena *arena,
                                 const char **text, size_t *len)
{
    char *bytes = malloc(SHMRPCI_INI_MAX_FILE_BYTES + 1);
    size_t count = bytes != NULL
                       ? fread(bytes, 1, SHMRPCI_INI_MAX_FILE_BYTES + 1, stream)
                       : 0;
    shmrpc_status status = bytes == NULL    ? SHMRPC_E_NO_MEMORY
                           : ferror(stream) ? SHMRPC_E_NOT_FOUND
                           : count > SHMRPCI_INI_MAX_FILE_BYTES
                               ? SHMRPC_E_TOO_LARGE
                               : SHMRPC_OK;
    if (status == SHMRPC_OK) {
        *text = shmrpci_arena_strndup(arena, bytes, count);
        *len = count;
        status = *text != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
    }
    free(bytes);
    return status;
}

static shmrpc_status read_disk(void *user, const char *path,
                               shmrpci_arena *arena, const char **text,
                               size_t *len)
{
    (void)user;
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        return SHMRPC_E_NOT_FOUND;
    }
    shmrpc_status status = read_stream(stream, arena, text, len);
    (void)fclose(stream);
    return status;
}

/* Where the text is not what a file may be, or its length. */
static size_t valid_prefix(const char *text, size_t len)
{
    size_t valid = shmrpci_utf8_valid_prefix(text, len);
    const char *nul = memchr(text, '\0', valid);
    return nul != NULL ? (size_t)(nul - text) : valid;
}

/* Reads the text of a new file; false after reporting. */
static bool fetch(shmrpci_ini_parser *p, shmrpci_ini_file *file,
                  shmrpci_ini_place place)
{
    shmrpc_status status =
        p->opts->read != NULL
            ? p->opts->read(p->opts->user, file->path, p->arena, &file->text,
                            &file->len)
            : read_disk(NULL, file->path, p->arena, &file->text, &file->len);
    if (status == SHMRPC_E_NO_MEMORY) {
        p->no_memory = true;
        return false;
    }
    if (status != SHMRPC_OK) {
        shmrpci_ini_report(p, place, "%.300s: %s", file->path,
                           status == SHMRPC_E_TOO_LARGE ? "larger than a MiB"
                                                        : "can't be read");
        return false;
    }
    size_t valid = valid_prefix(file->text, file->len);
    if (valid < file->len) {
        /* What is before it may be shown. */
        const char *bad = shmrpci_ini_text(p, file->text, valid);
        *file = (shmrpci_ini_file){
            .path = file->path, .text = bad, .len = p->no_memory ? 0 : valid};
        shmrpci_ini_report(p, (shmrpci_ini_place){file, file->len, file->len},
                           "here begins what is no text (expected UTF-8)");
        return false;
    }
    return true;
}

static bool is_open(const shmrpci_ini_file *file, const char *path)
{
    for (; file != NULL; file = file->included_by) {
        if (strcmp(file->path, path) == 0) {
            return true;
        }
    }
    return false;
}

static void read_file(shmrpci_ini_parser *p, const char *path,
                      shmrpci_ini_place place, const shmrpci_ini_file *includer)
{
    if (is_open(includer, path)) {
        shmrpci_ini_report(p, place, "%.300s includes itself", path);
        return;
    }
    if (p->file_count == SHMRPCI_INI_MAX_FILES) {
        shmrpci_ini_report(p, place, "more than %d files",
                           SHMRPCI_INI_MAX_FILES);
        return;
    }
    shmrpci_ini_file *file = shmrpci_ini_alloc(p, 1, sizeof *file);
    if (file == NULL) {
        return;
    }
    file->path = path;
    file->included_by = includer;
    p->files[p->file_count++] = file;
    if (fetch(p, file, place)) {
        read_lines(p, file);
    }
}

/* ---- defaults ---- */

static void fill(shmrpci_ini_parser *p, shmrpci_ini_value *values,
                 unsigned where)
{
    for (int i = 0; i < SHMRPCI_INI_KEYS; i++) {
        const shmrpci_ini_row *row = &shmrpci_ini_rows[i];
        if ((row->where & where) == 0 || values[i].present) {
            continue;
        }
        if ((row->where & SHMRPCI_INI_IN_DEFAULTS) != 0 &&
            p->defaults[i].present) {
            values[i] = p->defaults[i];
        } else if (row->fallback != NULL) {
            values[i].present = shmrpci_ini_value_read(
                p, (shmrpci_ini_key)i, row->fallback,
                (shmrpci_ini_place){.file = NULL}, &values[i]);
        }
    }
}

shmrpc_status shmrpci_ini_load(const shmrpci_ini_opts *opts, const char *path,
                               shmrpci_arena *arena, const shmrpci_ini **out,
                               shmrpci_buf *messages)
{
    static const shmrpci_ini_opts defaults;
    shmrpci_ini_parser p = {.opts = opts != NULL ? opts : &defaults,
                            .arena = arena,
                            .messages = messages};
    p.out = shmrpci_ini_alloc(&p, 1, sizeof *p.out);
    if (p.out == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    read_file(&p, path, (shmrpci_ini_place){.file = NULL}, NULL);
    for (size_t i = 0; i < p.service_count; i++) {
        fill(&p, p.services[i].values, SHMRPCI_INI_IN_SERVICE);
    }
    fill(&p, p.out->web, SHMRPCI_INI_IN_WEB);
    if (!p.no_memory) {
        shmrpci_ini_check(&p);
    }
    p.out->services = p.services;
    p.out->service_count = p.service_count;
    if (p.no_memory || messages->status != SHMRPC_OK) {
        return SHMRPC_E_NO_MEMORY;
    }
    *out = p.out;
    return p.error_count == 0 ? SHMRPC_OK : SHMRPC_E_INVALID;
}
