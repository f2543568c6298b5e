/* Reading service.ini: files and sections. */
#include "supervise/ini_parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/utf8.h"

static void read_file(shmrpci_ini_parser *p, const char *path,
                      shmrpci_ini_place place,
                      const shmrpci_ini_file *includer);

/* ---- includes ------------------------------------------------------------ */

/* Reads `include = path`, which is allowed before the first section. */
static bool read_include(shmrpci_ini_parser *p, const shmrpci_ini_section *s,
                         const shmrpci_ini_file *file,
                         const shmrpci_ini_line *line)
{
    static const char word[] = "include";
    size_t len = (size_t)(line->name_end - line->name);
    shmrpci_ini_place place =
        shmrpci_ini_place_of(file, line->name, line->value_end);
    if (len != sizeof word - 1 || memcmp(line->name, word, len) != 0) {
        return false;
    }
    if (s->where != 0 || s->is_lost) {
        shmrpci_ini_report(
            p, place, "`include` must come before the first section of a file");
        return true;
    }
    const char *path = shmrpci_ini_expand(p, file, line);
    if (path != NULL && path[0] == '\0') {
        shmrpci_ini_report(p, place, "`include` without a path");
    } else if (path != NULL) {
        read_file(p, shmrpci_ini_path(p, file, path), place, file);
    }
    return true;
}

/* ---- sections ------------------------------------------------------------ */

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
                           "`%.64s` is not a service name (expected at most "
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

/* Begins a section for several services, like [A, B], which share its keys. */
static void begin_services(shmrpci_ini_parser *p, shmrpci_ini_section *s,
                           const shmrpci_ini_file *file,
                           const shmrpci_ini_line *line)
{
    *s = (shmrpci_ini_section){.where = SHMRPCI_INI_IN_SERVICE,
                               .first = p->service_count};
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
        if (!add_service(p, name, shmrpci_ini_place_of(file, begin, end))) {
            s->is_lost = true;
        }
    }
    s->end = p->service_count;
    /* The section's lines are still read for the names that are valid. */
    s->is_lost = s->is_lost && s->end == s->first;
}

static bool begin_only(shmrpci_ini_parser *p, shmrpci_ini_section *s,
                       unsigned where, shmrpci_ini_place place,
                       shmrpci_ini_place *first)
{
    *s = (shmrpci_ini_section){.where = where};
    if (first->file != NULL) {
        shmrpci_ini_report(p, place, "there is such a section already");
        shmrpci_ini_note(p, *first, "it is here");
        s->is_lost = true;
        return false;
    }
    *first = place;
    return true;
}

/* Reports a name that is probably a misspelling of one of the two special
 * names. Returns whether it is. */
static bool is_misspelt(shmrpci_ini_parser *p, const char *name,
                        shmrpci_ini_place place)
{
    static const char *const known[] = {SHMRPCI_INI_DEFAULTS, SHMRPCI_INI_WEB};
    const char *best = shmrpci_nearest_of(name, known, 2);
    if (best != NULL) {
        shmrpci_ini_report(p, place,
                           "unknown section [%.64s]; did you mean [%s]?", name,
                           best);
    }
    return best != NULL;
}

static void begin_section(shmrpci_ini_parser *p, shmrpci_ini_section *s,
                          const shmrpci_ini_file *file,
                          const shmrpci_ini_line *line)
{
    shmrpci_ini_place place =
        shmrpci_ini_place_of(file, line->name, line->name_end);
    const char *name =
        shmrpci_ini_text(p, line->name, (size_t)(line->name_end - line->name));
    if (strcmp(name, SHMRPCI_INI_DEFAULTS) == 0) {
        (void)begin_only(p, s, SHMRPCI_INI_IN_DEFAULTS, place,
                         &p->defaults_place);
    } else if (strcmp(name, SHMRPCI_INI_WEB) == 0) {
        p->out->has_web =
            begin_only(p, s, SHMRPCI_INI_IN_WEB, place, &p->web_place) ||
            p->out->has_web;
    } else if (is_misspelt(p, name, place)) {
        *s = (shmrpci_ini_section){.is_lost = true};
    } else {
        begin_services(p, s, file, line);
    }
}

/* ---- files --------------------------------------------------------------- */

static void read_line(shmrpci_ini_parser *p, shmrpci_ini_section *s,
                      shmrpci_ini_file *file, const shmrpci_ini_line *line)
{
    shmrpci_ini_place whole =
        shmrpci_ini_place_of(file, line->begin, line->end);
    switch (line->kind) {
    case SHMRPCI_INI_LINE_END:
    case SHMRPCI_INI_LINE_BLANK:
        break;
    case SHMRPCI_INI_LINE_TAIL:
        shmrpci_ini_report(
            p, shmrpci_ini_place_of(file, line->value, line->value_end),
            "unexpected text after the name of a section (comments have "
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
        shmrpci_ini_entry(p, s, file, line);
        break;
    case SHMRPCI_INI_LINE_OPEN:
        shmrpci_ini_report(p, whole,
                           "the name of a section has no end (expected `]`)");
        *s = (shmrpci_ini_section){.is_lost = true};
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
    shmrpci_ini_section s = {.where = 0};
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

/* Returns the length of the valid UTF-8 at the beginning of the text. */
static size_t valid_prefix(const char *text, size_t len)
{
    size_t valid = shmrpci_utf8_valid_prefix(text, len);
    const char *nul = memchr(text, '\0', valid);
    return nul != NULL ? (size_t)(nul - text) : valid;
}

/* Reads the text of a new file. On failure reports it and returns false. */
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
        /* The valid part of the text can be shown in the message. */
        const char *bad = shmrpci_ini_text(p, file->text, valid);
        *file = (shmrpci_ini_file){
            .path = file->path, .text = bad, .len = p->no_memory ? 0 : valid};
        shmrpci_ini_report(p, (shmrpci_ini_place){file, file->len, file->len},
                           "not text from here on (expected UTF-8)");
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

/* ---- defaults ------------------------------------------------------------ */

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
