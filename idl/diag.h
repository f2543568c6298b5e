/*
 * Diagnostics: errors and warnings about a .svc, collected for people to read.
 *
 * Every pass reports here and goes on; nothing is printed. Each diagnostic has
 * a stable code from the table below. Codes are never reused: a removed code
 * leaves a gap.
 *
 * Threading: one thread at a time.
 */
#ifndef IDL_DIAG_H
#define IDL_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "idl/memory.h"
#include "idl/syntax/source.h"

/* X(NAME, number, severity, title). The hundreds of a number are its topic: 0
 * files, 1 words, 2 syntax, 3 names, 4 types and values, 5 records and enums, 6
 * services, 7 annotations, 8 names in C, 9 the generator, 10 advice (lint.h).
 */
/* clang-format off */
#define IDL_DIAG_LIST(X)                                                      \
    X(FILE_NOT_FOUND,      1, ERROR,   "file not found")                      \
    X(FILE_NOT_TEXT,       2, ERROR,   "file is not UTF-8 text")              \
    X(FILE_TOO_LARGE,      3, ERROR,   "file too large")                      \
    X(TOO_MANY_FILES,      4, ERROR,   "too many files")                      \
    X(IMPORT_CYCLE,        5, ERROR,   "import cycle")                        \
    X(IMPORT_UNUSED,       6, WARNING, "unused import")                       \
    X(IMPORT_TWICE,        7, ERROR,   "file imported twice")                 \
    X(TOO_MANY_ERRORS,     8, ERROR,   "too many errors")                     \
    X(EMPTY_FILE,          9, WARNING, "nothing is declared")                 \
    X(BAD_CHARACTER,     101, ERROR,   "unexpected character")                \
    X(BAD_STRING,        102, ERROR,   "string without end")                  \
    X(BAD_ESCAPE,        103, ERROR,   "unknown escape")                      \
    X(BAD_NUMBER,        104, ERROR,   "malformed number")                    \
    X(BLOCK_COMMENT,     105, ERROR,   "block comment")                       \
    X(NUMBER_TOO_LARGE,  106, ERROR,   "number too large")                    \
    X(SYNTAX,            201, ERROR,   "syntax error")                        \
    X(MISSING_TOKEN,     202, ERROR,   "missing punctuation")                 \
    X(MISPLACED,         203, ERROR,   "statement in the wrong place")        \
    X(NESTED_TOO_DEEPLY, 204, ERROR,   "nested too deeply")                   \
    X(DOC_WITHOUT_OWNER, 205, WARNING, "documentation of nothing")            \
    X(MISSPELT_KEYWORD,  206, ERROR,   "misspelt keyword")                    \
    X(NOT_CLOSED,        207, ERROR,   "block without end")                   \
    X(UNKNOWN_NAME,      301, ERROR,   "unknown name")                        \
    X(AMBIGUOUS_NAME,    302, ERROR,   "ambiguous name")                      \
    X(NOT_IMPORTED,      303, ERROR,   "name of a file that isn't imported")  \
    X(WRONG_SORT,        304, ERROR,   "name of the wrong sort")              \
    X(DUPLICATE_NAME,    305, ERROR,   "name declared twice")                 \
    X(RESERVED_WORD,     306, ERROR,   "name belongs to the language")        \
    X(BAD_NAME,          307, ERROR,   "name not allowed")                    \
    X(NO_PACKAGE,        308, ERROR,   "declaration before any package")      \
    X(BOUNDS_MISPLACED,  401, ERROR,   "bounds on a type that takes none")    \
    X(BOUNDS_REVERSED,   402, ERROR,   "bounds reversed")                     \
    X(OUT_OF_RANGE,      403, ERROR,   "value out of range")                  \
    X(WRONG_VALUE,       404, ERROR,   "value of the wrong type")             \
    X(BAD_MAP_KEY,       405, ERROR,   "type can't be a map key")             \
    X(CYCLE,             407, ERROR,   "definition in terms of itself")       \
    X(TOO_DEEP,          408, ERROR,   "definition too deep")                 \
    X(RECORD_TOO_LARGE,  409, ERROR,   "record too large")                    \
    X(NO_DEFAULT,        410, ERROR,   "type can't have a default")           \
    X(TOO_MANY_MEMBERS,  411, ERROR,   "too many members")                    \
    X(BAD_TAG,           501, ERROR,   "bad tag")                             \
    X(DUPLICATE_TAG,     502, ERROR,   "tag used twice")                      \
    X(MIXED_TAGS,        503, ERROR,   "tags on some fields only")            \
    X(RESERVED_REUSED,   504, ERROR,   "reserved name or number used")        \
    X(BAD_RESERVED,      505, ERROR,   "bad reserved entry")                  \
    X(ENUM_WITHOUT_ZERO, 506, ERROR,   "enum without a value 0")              \
    X(BAD_ENUM_BASE,     507, ERROR,   "enum base is not an integer type")    \
    X(DUPLICATE_VALUE,   508, ERROR,   "enum value used twice")               \
    X(BAD_UNION,         509, ERROR,   "field not possible in a union")       \
    X(OPTIONAL_DEFAULT,  510, ERROR,   "optional field with a default")       \
    X(BAD_ERROR_NUMBER,  511, ERROR,   "bad error number")                    \
    X(DUPLICATE_ERROR,   512, ERROR,   "error number used twice")             \
    X(SERVICE_SETTING,   601, ERROR,   "setting missing or given twice")      \
    X(BAD_PORT,          602, ERROR,   "bad port")                            \
    X(DUPLICATE_PORT,    603, ERROR,   "port used twice")                     \
    X(BAD_SERVICE_NAME,  604, ERROR,   "bad service name")                    \
    X(BAD_VERSION,       605, ERROR,   "bad version")                         \
    X(BAD_RAW,           606, ERROR,   "raw method or object without bytes")  \
    X(BAD_ONEWAY,        607, ERROR,   "oneway method with an answer")        \
    X(BAD_STREAM,        608, ERROR,   "bad stream parameter")                \
    X(BAD_THROWS,        609, ERROR,   "bad throws list")                     \
    X(ANY_IN_NATIVE,     610, ERROR,   "any where layout is fixed")           \
    X(BAD_OPTION,        611, ERROR,   "bad option of a shared object")       \
    X(UNKNOWN_ANNOTATION,701, ERROR,   "unknown annotation")                  \
    X(ANNOTATION_PLACE,  702, ERROR,   "annotation in the wrong place")       \
    X(ANNOTATION_ARGS,   703, ERROR,   "bad annotation arguments")            \
    X(ANNOTATION_TWICE,  704, ERROR,   "annotation given twice")              \
    X(BAD_REST,          705, ERROR,   "bad REST mapping")                    \
    X(C_NAME_CLASH,      801, ERROR,   "two names become one in C")           \
    X(BAD_C_NAME,        802, ERROR,   "not a name for C")                    \
    X(NOT_GENERATED,     901, ERROR,   "not generated yet")                   \
    X(SERVICE_UNDOCUMENTED, 1001, WARNING, "service without documentation")   \
    X(METHOD_UNDOCUMENTED,  1002, WARNING, "method or object undocumented")   \
    X(NAME_STYLE,          1003, WARNING, "name in another style")            \
    X(UNBOUNDED,           1004, WARNING, "request without upper bound")      \
    X(BARE_RESULT,         1005, WARNING, "result that can't grow")           \
    X(UNUSED,              1006, WARNING, "declaration that nothing uses")    \
    X(JSON_INTEGER,        1007, WARNING, "integer too large for browsers")   \
    X(NOT_IDEMPOTENT,      1008, WARNING, "REST verb that is repeated")       \
    X(TAG_GAP,             1009, WARNING, "tag neither used nor reserved")
/* clang-format on */

/* Codes from this one to 1099 are advice of lint. */
#define IDL_FIRST_ADVICE 1001

typedef enum idl_severity { IDL_ERROR, IDL_WARNING } idl_severity;

typedef enum idl_code {
#define IDL_X(name, number, severity, title) IDL_S_##name = (number),
    IDL_DIAG_LIST(IDL_X)
#undef IDL_X
} idl_code;

typedef struct idl_note {
    struct idl_note *next;
    idl_span span;
    const char *message;
} idl_note;

typedef struct idl_diag {
    struct idl_diag *next;
    idl_code code;
    idl_severity severity;
    idl_span span;
    const char *message;  /* for example "expected `;`" */
    const char *expected; /* what should stand there instead, or NULL */
    const char *fix;      /* text to replace the span with, or NULL */
    const char *insert;   /* text to insert at the span, or NULL */
    idl_note *notes;      /* in the order in which they were added */
    size_t order;         /* position in the order of reporting, from 0 */
} idl_diag;

typedef struct idl_diags {
    idl_memory *memory; /* where all texts are allocated; set by the pass
                         * that reports */
    idl_diag *first;    /* sorted, once idl_load has returned */
    size_t error_count;
    size_t warning_count;
    size_t reported;  /* also counts dropped diagnostics */
    idl_diag dropped; /* stands in for every dropped diagnostic */
} idl_diags;

/* Makes `diags` an empty list. Diagnostics that are added to it live as long as
 * the arena of idl_load. */
void idl_diags_init(idl_diags *diags);

/*
 * Adds a diagnostic at `span`. The functions below add details to the returned
 * diagnostic, which is never NULL. After IDL_MAX_ERRORS reports, the returned
 * diagnostic is a dummy that is never shown.
 */
idl_diag *idl_report(idl_diags *diags, idl_code code, idl_span span,
                     const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Adds "(expected ...)" to the message. */
void idl_expected(idl_diags *diags, idl_diag *diag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a replacement for the span, shown as "did you mean `text`?". NULL adds
 * nothing. */
void idl_suggest(idl_diags *diags, idl_diag *diag, const char *text);

/* Adds a note with a place of its own. */
void idl_add_note(idl_diags *diags, idl_diag *diag, idl_span span,
                  const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Sorts the list by file path and position, and drops a second report of the
 * same code at the same place. */
void idl_diags_sort(idl_diags *diags);

/* The title of the code in the table above; static. */
const char *idl_code_title(idl_code code);

idl_severity idl_code_severity(idl_code code);

/* Whether the code is a rule of lint. */
bool idl_code_is_advice(idl_code code);

/* Reads "S0301"; false when there is no such code. */
bool idl_code_parse(const char *text, idl_code *out);

/* All codes in the order of the table; `*count` is their number. */
const idl_code *idl_codes(size_t *count);

/* Appends all diagnostics as text. */
void idl_diags_render(const idl_diags *diags, shmrpci_buf *out);

#endif
