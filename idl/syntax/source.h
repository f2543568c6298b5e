/*
 * Source text and places in it.
 *
 * A source is one .svc file in memory; a span is a range of its bytes. Lines
 * and columns are computed from offsets only when needed.
 *
 * Invariant: the text is valid UTF-8 without NUL, has a NUL after it, and lives
 * as long as the arena that it was loaded into.
 * Threading: immutable after loading.
 */
#ifndef IDL_SOURCE_H
#define IDL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "shmrpc/status.h"

typedef struct idl_source {
    const char *path; /* as it was opened; diagnostics print it */
    const char *text;
    uint32_t len;
    const uint32_t *lines; /* offset of the first byte of each line */
    uint32_t line_count;   /* at least 1 */
} idl_source;

/* Bytes [begin, end) of a source; if begin == end, a place between bytes. A
 * NULL source means "no place". */
typedef struct idl_span {
    const idl_source *source;
    uint32_t begin;
    uint32_t end;
} idl_span;

/* A place for people: line and column count from 1; columns are characters, and
 * a tab is one. */
typedef struct idl_place {
    uint32_t line;
    uint32_t column;
} idl_place;

/*
 * Reads the file `path`. Returns INVALID if it isn't UTF-8 text (`*bad_offset`
 * is the offending byte), TOO_LARGE if it exceeds IDL_MAX_FILE_BYTES, NOT_FOUND
 * if it can't be opened or read, or NO_MEMORY. Everything lives in `arena`.
 */
shmrpc_status idl_source_read(shmrpci_arena *arena, const char *path,
                              const idl_source **out,
                              size_t *bad_offset) SHMRPC_WARN_UNUSED;

/* Like idl_source_read, for text that is in memory already; text and path are
 * copied. */
shmrpc_status idl_source_from_text(shmrpci_arena *arena, const char *path,
                                   const char *text, size_t len,
                                   const idl_source **out,
                                   size_t *bad_offset) SHMRPC_WARN_UNUSED;

/* The position of byte `offset` (at most len) of the text. */
idl_place idl_source_place(const idl_source *source, uint32_t offset);

/* The bytes of line `line` (from 1), without its line end. */
idl_span idl_source_line(const idl_source *source, uint32_t line);

/* The span from the beginning of `first` to the end of `last`, both in one
 * source. */
idl_span idl_span_join(idl_span first, idl_span last);

#endif
