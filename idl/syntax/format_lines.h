/*
 * The lines passed between the two halves of formatting: format.c decides what
 * is on which line, format_print.c in which column.
 *
 * For these two files only. Threading: one thread at a time.
 */
#ifndef IDL_FORMAT_LINES_H
#define IDL_FORMAT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "idl/syntax/token.h"

/* The kind of an element that is a comment but not documentation. */
#define FORMAT_COMMENT (-1)

/* A token or a comment, without trailing spaces. */
typedef struct format_element {
    int kind;
    const char *text;
    size_t len;
    unsigned breaks; /* number of line ends before it: 0, 1, or 2 for more */
} format_element;

/* Neighbouring lines of the same class share columns. */
typedef enum format_class {
    FORMAT_NEUTRAL, /* such as comments: does not separate neighbours */
    FORMAT_ALONE,
    FORMAT_FIELD,
    FORMAT_ENUM_ITEM,
    FORMAT_METHOD,
    FORMAT_SHARED,
    FORMAT_RECORD
} format_class;

#define FORMAT_MAX_CELLS 3

typedef struct format_line {
    unsigned indent; /* number of spaces */
    bool blank;      /* an empty line before it */
    bool one_line;   /* contains a block: never broken */
    bool loose;      /* its first cell is not aligned */
    format_class class;
    size_t starts[FORMAT_MAX_CELLS + 1]; /* Index of each cell's first
                                          * element; one more entry is the end
                                          * of the line. */
    size_t cell_count;
    const format_element *comment; /* the comment at its end, or NULL */
} format_line;

typedef struct format_text {
    const format_element *elements;
    format_line *lines;
    size_t line_count;
} format_text;

/* Whether the element is a comment or documentation. */
bool format_is_comment(const format_element *element);

/* Width in characters of the elements [from, to) on one line. */
size_t format_width(const format_element *elements, size_t from, size_t to);

/* Appends all lines. */
void format_print(const format_text *text, idl_memory *memory,
                  shmrpci_buf *out);

#endif
