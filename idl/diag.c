/* The list of diagnostics. */
#include "idl/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "idl/limits.h"

typedef struct code_row {
    idl_code code;
    idl_severity severity;
    const char *title;
} code_row;

/* One row per code. The last row stands for values that are not in the list. */
static const code_row rows[] = {
#define IDL_X(name, number, severity, title) \
    {IDL_S_##name, IDL_##severity, title},
    IDL_DIAG_LIST(IDL_X)
#undef IDL_X
        {(idl_code)0, IDL_ERROR, "unknown diagnostic"},
};

static const idl_code codes[] = {
#define IDL_X(name, number, severity, title) IDL_S_##name,
    IDL_DIAG_LIST(IDL_X)
#undef IDL_X
};

static const code_row *find_row(idl_code code)
{
    const code_row *row = rows;
    const code_row *last = &rows[sizeof rows / sizeof rows[0] - 1];
    while (row != last && row->code != code) {
        row++;
    }
    return row;
}

const char *idl_code_title(idl_code code)
{
    return find_row(code)->title;
}

idl_severity idl_code_severity(idl_code code)
{
    return find_row(code)->severity;
}

bool idl_code_is_advice(idl_code code)
{
    return (int)code >= IDL_FIRST_ADVICE && (int)code < 1100;
}

const idl_code *idl_codes(size_t *count)
{
    *count = sizeof codes / sizeof codes[0];
    return codes;
}

bool idl_code_parse(const char *text, idl_code *out)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "S%04d", (int)codes[i]);
        if (strcmp(text, name) == 0) {
            *out = codes[i];
            return true;
        }
    }
    return false;
}

static const char *format_text(idl_diags *diags, const char *format,
                               va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    size_t size = len > 0 ? (size_t)len + 1 : 1;
    char *text = idl_alloc(diags->memory, size, 1);
    (void)vsnprintf(text, size, format, args);
    return text;
}

void idl_diags_init(idl_diags *diags)
{
    *diags = (idl_diags){.memory = NULL};
}

static void add(idl_diags *diags, idl_diag *diag)
{
    diag->next = diags->first; /* idl_diags_sort orders the list */
    diags->first = diag;
    if (diag->severity == IDL_ERROR) {
        diags->error_count++;
    } else {
        diags->warning_count++;
    }
}

idl_diag *idl_report(idl_diags *diags, idl_code code, idl_span span,
                     const char *format, ...)
{
    size_t order = diags->reported++;
    if (order > IDL_MAX_ERRORS) {
        diags->dropped = (idl_diag){.code = code};
        return &diags->dropped;
    }
    idl_diag *diag = IDL_NEW(diags->memory, idl_diag);
    diag->order = order;
    diag->span = span;
    if (order == IDL_MAX_ERRORS) {
        diag->code = IDL_S_TOO_MANY_ERRORS;
        diag->message = "too many errors, the rest is not shown";
    } else {
        diag->code = code;
        va_list args;
        va_start(args, format);
        diag->message = format_text(diags, format, args);
        va_end(args);
    }
    diag->severity = find_row(diag->code)->severity;
    add(diags, diag);
    return diag;
}

static bool is_dropped(const idl_diags *diags, const idl_diag *diag)
{
    return diag == &diags->dropped || diag->code == IDL_S_TOO_MANY_ERRORS;
}

void idl_expected(idl_diags *diags, idl_diag *diag, const char *format, ...)
{
    if (!is_dropped(diags, diag)) {
        va_list args;
        va_start(args, format);
        diag->expected = format_text(diags, format, args);
        va_end(args);
    }
}

void idl_suggest(idl_diags *diags, idl_diag *diag, const char *text)
{
    if (!is_dropped(diags, diag) && text != NULL) {
        diag->fix = text;
    }
}

void idl_add_note(idl_diags *diags, idl_diag *diag, idl_span span,
                  const char *format, ...)
{
    if (is_dropped(diags, diag)) {
        return;
    }
    idl_note *note = IDL_NEW(diags->memory, idl_note);
    note->span = span;
    va_list args;
    va_start(args, format);
    note->message = format_text(diags, format, args);
    va_end(args);
    idl_note **end = &diag->notes;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = note;
}

/* A diagnostic without a place is sorted last. */
static int compare(const idl_diag *a, const idl_diag *b)
{
    bool a_last = a->code == IDL_S_TOO_MANY_ERRORS || a->span.source == NULL;
    bool b_last = b->code == IDL_S_TOO_MANY_ERRORS || b->span.source == NULL;
    if (a_last != b_last) {
        return a_last ? 1 : -1;
    }
    if (!a_last && a->span.source != b->span.source) {
        int order = strcmp(a->span.source->path, b->span.source->path);
        if (order != 0) {
            return order;
        }
    }
    if (!a_last && a->span.begin != b->span.begin) {
        return a->span.begin < b->span.begin ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

static bool is_repeated(const idl_diag *a, const idl_diag *b)
{
    return a->code == b->code && a->span.source == b->span.source &&
           a->span.begin == b->span.begin;
}

void idl_diags_sort(idl_diags *diags)
{
    idl_diag *sorted = NULL;
    diags->error_count = 0;
    diags->warning_count = 0;
    while (diags->first != NULL) { /* insertion sort, as the list is short */
        idl_diag *diag = diags->first;
        diags->first = diag->next;
        idl_diag **at = &sorted;
        while (*at != NULL && compare(*at, diag) < 0) {
            at = &(*at)->next;
        }
        diag->next = *at;
        *at = diag;
    }
    for (idl_diag **at = &sorted; *at != NULL;) {
        idl_diag *diag = *at;
        if (diag->next != NULL && is_repeated(diag, diag->next)) {
            diag->next = diag->next->next;
            continue;
        }
        diags->error_count += diag->severity == IDL_ERROR;
        diags->warning_count += diag->severity == IDL_WARNING;
        at = &diag->next;
    }
    diags->first = sorted;
}
