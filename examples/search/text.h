/*
 * Reads files as text: plain or HTML, also gzipped, with any content.
 *
 * Threading: any thread; a text belongs to its owner.
 */
#ifndef SEARCH_TEXT_H
#define SEARCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Limits for a document's text and title; longer files are refused, not cut. */
enum { MAX_TEXT_BYTES = 4 << 20, MAX_TITLE_BYTES = 200 };

typedef struct text {
    char *bytes; /* as text_repair() returns it, NUL-terminated; from malloc */
    size_t size;
    bool is_html;
    char title[MAX_TITLE_BYTES + 1];
} text;

/*
 * Reads a file. Returns false, with nothing to free, if the file is not a
 * regular file (a symbolic link is refused), has no known extension, contains
 * NUL bytes, is too large (also after unpacking), unreadable, or empty.
 */
bool text_read(text *out, const char *path);

void text_fini(text *t);

/* Converts the bytes in place to UTF-8 without control characters other than
 * white space; invalid bytes become '?', and the text does not get longer. The
 * ASCII part of text in old encodings stays searchable. */
void text_repair(char *bytes, size_t size);

#endif
