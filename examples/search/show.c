/* Prints documents and hits; folds snippets into lines of limited width. */
#include "show.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { INDENT = 5, WIDTH = 78 };

typedef struct pen {
    size_t column;
    bool terminal;
} pen;

static bool is_space(char c)
{
    return isspace((unsigned char)c) != 0;
}

/* Returns the mark that begins at `at`, or NULL. */
static const search_mark *mark_at(const search_hit *hit, size_t at)
{
    for (size_t i = 0; i < hit->marks.len; i++) {
        if (hit->marks.ptr[i].start == at) {
            return &hit->marks.ptr[i];
        }
    }
    return NULL;
}

/* Returns the columns that a word takes: characters, not bytes. */
static size_t width(const char *text, size_t length)
{
    size_t columns = 0;
    for (size_t i = 0; i < length; i++) {
        columns += ((unsigned char)text[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return columns;
}

static void begin_word(pen *p, size_t columns)
{
    if (p->column > INDENT && p->column + 1 + columns > WIDTH) {
        printf("\n%*s", INDENT, "");
        p->column = INDENT;
    } else if (p->column > INDENT) {
        putchar(' ');
        p->column++;
    }
    p->column += columns;
}

static void print_snippet(const search_hit *hit)
{
    const char *const text = hit->snippet.ptr;
    const size_t length = hit->snippet.len;
    pen p = {INDENT, isatty(STDOUT_FILENO) == 1};
    size_t mark_end = SIZE_MAX;
    printf("%*s", INDENT, "");
    for (size_t i = 0; i < length;) {
        size_t end = i;
        while (end < length && !is_space(text[end])) {
            end++;
        }
        if (end > i) {
            begin_word(&p, width(text + i, end - i));
        }
        for (; i < end; i++) {
            const search_mark *const mark = mark_at(hit, i);
            if (mark != NULL) {
                fputs(p.terminal ? "\033[1m" : "[", stdout);
                mark_end = i + mark->length;
            }
            putchar(text[i]);
            if (i + 1 == mark_end) {
                fputs(p.terminal ? "\033[0m" : "]", stdout);
                mark_end = SIZE_MAX;
            }
        }
        i += end < length ? 1 : 0;
    }
    putchar('\n');
}

void show_hit(unsigned long number, const search_hit *hit)
{
    printf("\n%3lu. %s  (document %" PRIu64 ")\n%*s%s\n", number,
           hit->title.ptr, hit->id, INDENT, "", hit->path.ptr);
    print_snippet(hit);
}

void show_document(const search_document *document)
{
    printf("%s\n%s, %zu bytes of %s\n\n%s\n", document->title.ptr,
           document->path.ptr, document->text.len,
           document->format == SEARCH_FORMAT_HTML ? "HTML" : "plain text",
           document->text.ptr);
}
