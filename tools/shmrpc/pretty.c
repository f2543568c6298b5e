/*
 * Lays out JSON in one pass over its text.
 *
 * A short container that holds no other container stays on one line; all others
 * are broken into lines.  The state is only the depth, and the depth of the
 * container that stays on one line.
 */
#include "tools/shmrpc/pretty.h"

#include <stdbool.h>
#include <string.h>

/* A container up to this length stays on one line. */
#define LINE_BYTES 60

/* Finds the end of the string that begins at `at`. A backslash escapes the byte
 * after it, which may be a quote. */
static const char *string_end(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        at += *at == '\\' ? 1 : 0;
    }
    return at < end ? at + 1 : end;
}

/* Whether the container at `at` is short enough for one line, and holds no
 * other container. */
static bool is_short(const char *at, const char *end)
{
    const char *begin = at++;
    while (at < end && at - begin < LINE_BYTES) {
        if (*at == '{' || *at == '[') {
            return false;
        }
        if (*at == '}' || *at == ']') {
            return true;
        }
        at = *at == '"' ? string_end(at, end) : at + 1;
    }
    return false;
}

static void new_line(shmrpci_buf *out, size_t depth)
{
    shmrpci_buf_append_char(out, '\n');
    for (size_t i = 0; i < depth; i++) {
        shmrpci_buf_append_text(out, "  ");
    }
}

/* Only adds white space, so the output is the same JSON. No tree is built, so
 * that a reply takes no more memory than its text. */
void cli_pretty(const shmrpci_buf *json, shmrpci_buf *out)
{
    const char *at = (const char *)json->data;
    const char *end = at + json->len;
    size_t depth = 0;
    size_t flat = 0; /* depth of the container that is on one line, or 0 */
    while (at < end) {
        const char *next = *at == '"' ? string_end(at, end) : at + 1;
        bool opens = *at == '{' || *at == '[';
        bool closes = *at == '}' || *at == ']';
        if (closes && depth != flat) {
            new_line(out, depth - 1);
        }
        shmrpci_buf_append(out, at, (size_t)(next - at));
        if (opens) {
            depth++;
            flat = flat == 0 && is_short(at, end) ? depth : flat;
        } else if (closes) {
            flat = flat == depth ? 0 : flat;
            depth--;
        }
        if ((opens && flat == 0) || (*at == ',' && flat == 0)) {
            new_line(out, depth);
        } else if (*at == ',' || *at == ':') {
            shmrpci_buf_append_char(out, ' ');
        }
        at = next;
    }
}
