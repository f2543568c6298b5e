/*
 * Trees as literals of Python: what `repr()` writes and `ast.literal_eval()`
 * reads, and a little more.
 *
 *     None True False   null, bool
 *     12  0xff  1_000   integers of any size
 *     1.5  1e999        f64; numbers that are too large are infinite, as in
 *                       Python; NaN is float('nan'); an f32 reads back as f64
 *     'text'  b'bytes'  with Python's escapes; also raw and triple-quoted
 *     [1]  {'a': 1}     list, map with keys of any kind
 *     (1,)  {1}         tuple, set; set() is the empty set
 *     frozenset({1})  Decimal('1.50')  (1+2j)
 *     Ext(11, b'...')   other extensions, with their number
 *
 * Comments and white space may stand between the tokens. Each tree that
 * shmrpc_any_check() accepts reads back equal, except for f32.
 *
 * Threading: pure functions; an arena belongs to one thread at a time.
 */
#ifndef SHMRPCI_CODEC_PYTHON_TEXT_H
#define SHMRPCI_CODEC_PYTHON_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/error.h"
#include "shmrpc/types.h"

/* Appends the literal of a tree. Returns INVALID if the tree is too deep, or
 * has text that is not UTF-8; otherwise the status of `out`. An extension whose
 * contents don't match its number is written as Ext(). */
shmrpc_status shmrpci_python_write(const shmrpc_any *tree, shmrpci_buf *out,
                                   shmrpc_error *error);

/* Reads one literal, which must be the whole text. The tree is allocated in
 * `arena`. Returns INVALID (the error says what was expected, and at which
 * byte) or NO_MEMORY. */
shmrpc_status shmrpci_python_read(const char *text, size_t len,
                                  shmrpci_arena *arena, shmrpc_any *out,
                                  shmrpc_error *error);

#endif
