/* Positions, lines and URIs. */
#include "generator/lsp/text.h"

#include <string.h>

/* ---- lines ---- */

/* The length of the line end at `at`; 0 if there is none. */
static size_t line_end(const char *text, size_t len, size_t at)
{
    if (text[at] == '\r') {
        return at + 1 < len && text[at + 1] == '\n' ? 2 : 1;
    }
    return text[at] == '\n' ? 1 : 0;
}

static size_t find_lines(const char *text, size_t len, size_t *starts)
{
    size_t count = 1;
    for (size_t i = 0; i < len;) {
        size_t end = line_end(text, len, i);
        if (end > 0 && starts != NULL) {
            starts[count] = i + end;
        }
        count += end > 0;
        i += end > 0 ? end : 1;
    }
    return count;
}

bool lsp_lines_init(lsp_lines *lines, shmrpci_arena *arena, const char *text,
                    size_t len)
{
    size_t count = find_lines(text, len, NULL);
    size_t *starts =
        shmrpci_arena_calloc(arena, count, sizeof *starts, sizeof *starts);
    if (starts == NULL) {
        return false;
    }
    (void)find_lines(text, len, starts);
    *lines =
        (lsp_lines){.text = text, .len = len, .starts = starts, .count = count};
    return true;
}

/* ---- characters ---- */

/* The number of bytes of the character at `text`, which has `left` bytes. */
static size_t char_bytes(const char *text, size_t left)
{
    unsigned char c = (unsigned char)*text;
    size_t bytes = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    return bytes < left ? bytes : left;
}

static uint32_t char_units(size_t bytes, lsp_encoding encoding)
{
    return encoding == LSP_UTF8 ? (uint32_t)bytes : bytes == 4 ? 2 : 1;
}

size_t lsp_offset_at(const lsp_lines *lines, lsp_position position,
                     lsp_encoding encoding)
{
    if (position.line >= lines->count) {
        return lines->len;
    }
    size_t at = lines->starts[position.line];
    uint32_t character = 0;
    while (at < lines->len && line_end(lines->text, lines->len, at) == 0) {
        size_t bytes = char_bytes(lines->text + at, lines->len - at);
        character += char_units(bytes, encoding);
        if (character > position.character) {
            break;
        }
        at += bytes;
    }
    return at;
}

lsp_position lsp_position_at(const lsp_lines *lines, size_t offset,
                             lsp_encoding encoding)
{
    offset = offset < lines->len ? offset : lines->len;
    size_t low = 0;
    size_t high = lines->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (lines->starts[middle] <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    uint32_t character = 0;
    for (size_t at = lines->starts[low]; at < offset;) {
        size_t bytes = char_bytes(lines->text + at, lines->len - at);
        character += char_units(bytes, encoding);
        at += bytes;
    }
    return (lsp_position){.line = (uint32_t)low, .character = character};
}

/* ---- URIs ---- */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) % 16 : -1;
}

/* Replaces %XX in place; false if one is malformed or encodes a NUL. */
static bool decode(char *text)
{
    char *out = text;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at != '%') {
            *out++ = *at;
            continue;
        }
        int high = hex_digit(at[1]);
        int low = high >= 0 ? hex_digit(at[2]) : -1;
        if (low < 0 || (high == 0 && low == 0)) {
            return false;
        }
        *out++ = (char)(high * 16 + low);
        at += 2;
    }
    *out = '\0';
    return true;
}

/* Removes "." and ".." parts and double slashes from an absolute path in place,
 * as the loader of imports does. */
static void normalise(char *path)
{
    size_t len = 0;
    for (const char *at = path; *at != '\0';) {
        size_t part = strcspn(at, "/");
        if (part == 2 && memcmp(at, "..", 2) == 0) {
            while (len > 0 && path[--len] != '/') {
            }
        } else if (part > 0 && !(part == 1 && *at == '.')) {
            path[len++] = '/';
            memmove(path + len, at, part);
            len += part;
        }
        at += part;
        at += *at == '/';
    }
    path[len] = '\0';
}

const char *lsp_path_of_uri(shmrpci_arena *arena, const char *uri)
{
    size_t len = strlen(uri);
    char *plain = shmrpci_arena_strndup(arena, uri, len);
    char *copy = shmrpci_arena_strndup(arena, uri, len);
    if (plain == NULL || copy == NULL || strncmp(uri, "file://", 7) != 0) {
        return copy != NULL ? plain : NULL;
    }
    char *path = strchr(copy + 7, '/'); /* after the host, which may be empty */
    if (path == NULL || !decode(path)) {
        return plain;
    }
    normalise(path);
    return path;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c != '\0' && strchr("/-._~", c) != NULL);
}

const char *lsp_uri_of_path(shmrpci_arena *arena, const char *path)
{
    if (path[0] != '/') {
        return path;
    }
    size_t len = strlen(path);
    char *uri = shmrpci_arena_calloc(arena, 3 * len + 8, 1, 1);
    if (uri == NULL) {
        return NULL;
    }
    memcpy(uri, "file://", 7);
    char *out = uri + 7;
    for (const char *at = path; *at != '\0'; at++) {
        if (is_plain(*at)) {
            *out++ = *at;
        } else {
            static const char digits[] = "0123456789ABCDEF";
            *out++ = '%';
            *out++ = digits[(unsigned char)*at >> 4];
            *out++ = digits[(unsigned char)*at & 15];
        }
    }
    return uri;
}
