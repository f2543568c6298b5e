/*
 * Files as text: plain or HTML, also gzipped, whatever their bytes.
 *
 * Threading: values; any thread.
 */
#ifndef SEARCH_TEXT_H
#define SEARCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Of a document's text; longer files are refused, not cut. */
enum { MAX_TEXT_BYTES = 4 << 20, MAX_TITLE_BYTES = 200 };

typedef struct text {
    char *bytes; /* as text_repair() returns it, NUL-terminated; from malloc */
    size_t size;
    bool is_html;
    char title[MAX_TITLE_BYTES + 1];
} text;

/*
 * Reads the file. False, and nothing to free, if it is not a regular file (a
 * symbolic link is not), has no known extension, contains NUL bytes, is too
 * large (also when unpacked), unreadable, or empty.
 */
bool text_read(text *out, const char *path);

void text_fini(text *t);

/* Converts it in place to UTF-8 without control characters except white space,
 * and not longer: invalid bytes become '?'. The ASCII part of text in old
 * encodings stays searchable. */
void text_repair(char *bytes, size_t size);

#endif
