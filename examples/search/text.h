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
    char *bytes; /* as text_repair() leaves it, NUL-terminated; malloc */
    size_t size;
    bool is_html;
    char title[MAX_TITLE_BYTES + 1];
} text;

/*
 * Reads the file.  False, and nothing to free, when it is not a regular file
 * (a symbolic link is not), not of a kind known by its name, holds NUL bytes,
 * is too large (also once unpacked), unreadable, or empty.
 */
bool text_read(text *out, const char *path);

void text_fini(text *t);

/* Makes it UTF-8 without control characters but white space, and no longer:
 * what is wrong becomes '?'.  Text of old encodings stays searchable by its
 * ASCII. */
void text_repair(char *bytes, size_t size);

#endif
