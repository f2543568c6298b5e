/* Reports errors of a service.ini. */
#include "supervise/ini_parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/excerpt.h"
#include "base/nearest.h"

/* A line of a file, with its number. */
typedef struct line {
    const char *begin;
    size_t len;
    uint32_t number;
    uint32_t column; /* column of the place, in characters */
} line;

static line line_of(const shmrpci_ini_place *place)
{
    const char *text = place->file->text;
    line at = {.begin = text, .number = 1, .column = 1};
    for (size_t i = 0; i < place->begin; i++) {
        if (text[i] == '\n') {
            at.begin = text + i + 1;
            at.number++;
            at.column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            at.column++;
        }
    }
    at.len = strcspn(at.begin, "\r\n");
    return at;
}

static void append_excerpt(shmrpci_buf *out, const shmrpci_ini_place *place,
                           const line *at)
{
    size_t from = place->begin - (size_t)(at->begin - place->file->text);
    shmrpci_excerpt(at->begin, at->len, at->number,
                    from < at->len ? from : at->len,
                    from + (place->end - place->begin), out);
}

static void append(shmrpci_ini_parser *p, const shmrpci_ini_place *place,
                   const char *what, const char *message)
{
    if (place->file == NULL) {
        shmrpci_buf_printf(p->messages, "%s: %s\n", what, message);
        return;
    }
    line at = line_of(place);
    shmrpci_buf_printf(p->messages, "%s:%u:%u: %s: %s\n", place->file->path,
                       at.number, at.column, what, message);
    append_excerpt(p->messages, place, &at);
}

void shmrpci_ini_report(shmrpci_ini_parser *p, shmrpci_ini_place place,
                        const char *format, ...)
{
    char message[512];
    va_list args;
    p->error_count++;
    if (p->error_count == SHMRPCI_INI_MAX_ERRORS + 1) {
        shmrpci_buf_append_text(p->messages, "error: there are more errors\n");
    }
    if (p->error_count > SHMRPCI_INI_MAX_ERRORS) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    append(p, &place, "error", message);
}

void shmrpci_ini_note(shmrpci_ini_parser *p, shmrpci_ini_place place,
                      const char *text)
{
    if (p->error_count <= SHMRPCI_INI_MAX_ERRORS && place.file != NULL) {
        append(p, &place, "note", text);
    }
}

const char *shmrpci_ini_nearest(shmrpci_ini_parser *p, const char *wanted,
                                const char *const *names, size_t count)
{
    const char *best = shmrpci_nearest_of(wanted, names, count);
    const char *text =
        best != NULL
            ? shmrpci_arena_printf(p->arena, "; did you mean `%s`?", best)
            : "";
    p->no_memory = p->no_memory || text == NULL;
    return text != NULL ? text : "";
}

void *shmrpci_ini_alloc(shmrpci_ini_parser *p, size_t count, size_t size)
{
    void *memory =
        shmrpci_arena_calloc(p->arena, count, size, _Alignof(max_align_t));
    p->no_memory = p->no_memory || memory == NULL;
    return memory;
}

const char *shmrpci_ini_text(shmrpci_ini_parser *p, const char *text,
                             size_t len)
{
    const char *copy = shmrpci_arena_strndup(p->arena, text, len);
    p->no_memory = p->no_memory || copy == NULL;
    return copy != NULL ? copy : "";
}
