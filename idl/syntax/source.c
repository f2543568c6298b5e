/* Loading source text and finding lines in it. */
#include "idl/syntax/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "idl/limits.h"

#define BOM       "\xef\xbb\xbf"
#define BOM_BYTES 3

/* Fills in the line table; false when out of memory. */
static bool index_lines(shmrpci_arena *arena, idl_source *source)
{
    uint32_t count = 1;
    for (uint32_t i = 0; i < source->len; i++) {
        count += source->text[i] == '\n';
    }
    uint32_t *lines =
        shmrpci_arena_calloc(arena, count, sizeof *lines, sizeof *lines);
    if (lines == NULL) {
        return false;
    }
    uint32_t line = 1;
    for (uint32_t i = 0; i < source->len; i++) {
        if (source->text[i] == '\n') {
            lines[line++] = i + 1;
        }
    }
    source->lines = lines;
    source->line_count = count;
    return true;
}

shmrpc_status idl_source_from_text(shmrpci_arena *arena, const char *path,
                                   const char *text, size_t len,
                                   const idl_source **out, size_t *bad_offset)
{
    if (len > IDL_MAX_FILE_BYTES) {
        return SHMRPC_E_TOO_LARGE;
    }
    size_t valid = shmrpci_utf8_valid_prefix(text, len);
    const char *nul = len > 0 ? memchr(text, '\0', valid) : NULL;
    if (nul != NULL || valid < len) {
        *bad_offset = nul != NULL ? (size_t)(nul - text) : valid;
        return SHMRPC_E_INVALID;
    }
    if (len >= BOM_BYTES && memcmp(text, BOM, BOM_BYTES) == 0) {
        text += BOM_BYTES;
        len -= BOM_BYTES;
    }
    idl_source *source =
        shmrpci_arena_alloc(arena, sizeof *source, sizeof(void *));
    char *path_copy = shmrpci_arena_strndup(arena, path, strlen(path));
    char *text_copy = shmrpci_arena_strndup(arena, text, len);
    if (source == NULL || path_copy == NULL || text_copy == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    *source = (idl_source){
        .path = path_copy, .text = text_copy, .len = (uint32_t)len};
    if (!index_lines(arena, source)) {
        return SHMRPC_E_NO_MEMORY;
    }
    *out = source;
    return SHMRPC_OK;
}

/* Reads all of `file` into `buffer`, which is one byte larger than the limit so
 * that a file over the limit is noticed. */
static shmrpc_status read_all(FILE *file, char *buffer, size_t *len)
{
    *len = fread(buffer, 1, (size_t)IDL_MAX_FILE_BYTES + 1, file);
    if (ferror(file)) {
        return SHMRPC_E_NOT_FOUND;
    }
    return *len > IDL_MAX_FILE_BYTES ? SHMRPC_E_TOO_LARGE : SHMRPC_OK;
}

shmrpc_status idl_source_read(shmrpci_arena *arena, const char *path,
                              const idl_source **out, size_t *bad_offset)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return SHMRPC_E_NOT_FOUND;
    }
    size_t len = 0;
    char *buffer = malloc((size_t)IDL_MAX_FILE_BYTES + 1);
    shmrpc_status status =
        buffer != NULL ? read_all(file, buffer, &len) : SHMRPC_E_NO_MEMORY;
    if (status == SHMRPC_OK) {
        status =
            idl_source_from_text(arena, path, buffer, len, out, bad_offset);
    }
    free(buffer);
    (void)fclose(file);
    return status;
}

/* The index of the line that holds `offset`: the last line that does not begin
 * after it. */
static uint32_t find_line(const idl_source *source, uint32_t offset)
{
    uint32_t low = 0;
    uint32_t high = source->line_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (source->lines[middle] <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

idl_place idl_source_place(const idl_source *source, uint32_t offset)
{
    uint32_t line = find_line(source, offset);
    uint32_t column = 1;
    for (uint32_t i = source->lines[line]; i < offset; i++) {
        /* Bytes 10xxxxxx continue a character. */
        column += ((unsigned char)source->text[i] & 0xC0) != 0x80;
    }
    return (idl_place){.line = line + 1, .column = column};
}

idl_span idl_source_line(const idl_source *source, uint32_t line)
{
    uint32_t begin = source->lines[line - 1];
    uint32_t end =
        line < source->line_count ? source->lines[line] - 1 : source->len;
    if (end > begin && source->text[end - 1] == '\r') {
        end--;
    }
    return (idl_span){.source = source, .begin = begin, .end = end};
}

idl_span idl_span_join(idl_span first, idl_span last)
{
    return (idl_span){
        .source = first.source, .begin = first.begin, .end = last.end};
}
