/*
 * Converts between byte offsets and positions of editors, and between paths and
 * URIs.
 *
 * A position is a line and a character, both from 0. A line ends with \n, \r\n
 * or \r; characters are counted in UTF-16 code units, or in bytes if the client
 * offered that. Texts are valid UTF-8.
 * Threading: pure functions.
 */
#ifndef SHMRPC_GENERATOR_LSP_TEXT_H
#define SHMRPC_GENERATOR_LSP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef enum lsp_encoding { LSP_UTF16, LSP_UTF8 } lsp_encoding;

typedef struct lsp_position {
    uint32_t line;
    uint32_t character;
} lsp_position;

/* A text, and the offsets at which its lines begin. */
typedef struct lsp_lines {
    const char *text;
    size_t len;
    const size_t *starts;
    size_t count; /* at least 1 */
} lsp_lines;

/* Builds the table of lines; the text is not copied. False if out of memory. */
bool lsp_lines_init(lsp_lines *lines, shmrpci_arena *arena, const char *text,
                    size_t len);

/* The byte offset of a position. For a position past the end of its line or of
 * the text, it is the offset of that end; for a position inside a character,
 * the offset of that character. */
size_t lsp_offset_at(const lsp_lines *lines, lsp_position position,
                     lsp_encoding encoding);

lsp_position lsp_position_at(const lsp_lines *lines, size_t offset,
                             lsp_encoding encoding);

/* The path of a "file:" URI, without "." and ".." parts; any other URI is
 * returned unchanged. NULL if out of memory. */
const char *lsp_path_of_uri(shmrpci_arena *arena, const char *uri);

/* "file:///..." for an absolute path; anything else is returned unchanged. NULL
 * if out of memory. */
const char *lsp_uri_of_path(shmrpci_arena *arena, const char *path);

#endif
