/*
 * The state of the JSON reader, shared by its files. json_read.c reads the
 * containers of a described type, and json_scalar.c all its other values.
 * json_any.c reads `any`, and has the steps that all three use.
 *
 * Convention: a read function starts with the value's first token as the
 * current one, and ends with the token after the value. Threading: one thread.
 */
#ifndef SHMRPCI_CODEC_JSON_READER_H
#define SHMRPCI_CODEC_JSON_READER_H

#include "base/arena.h"
#include "codec/json_lexer.h"
#include "codec/walk.h"
#include "shmrpc/types.h"

/* `arena` holds strings and lists of the value, which outlive the reader. */
typedef struct shmrpci_json_reader {
    shmrpci_walk walk;
    shmrpci_json_lexer lexer;
    shmrpci_arena *arena;
} shmrpci_json_reader;

/* Goes to the next token; returns INVALID if it is malformed. */
int shmrpci_json_advance(shmrpci_json_reader *reader);

/* Returns INVALID with "expected `what`, found string (at byte 17)". */
int shmrpci_json_expected(const shmrpci_json_reader *reader, const char *what);

/* Copies the current string into the arena, followed by a NUL; does not go to
 * the next token. */
int shmrpci_json_copy_string(shmrpci_json_reader *reader, shmrpc_str *out);

/* Like shmrpci_json_copy_string, but a string without escapes becomes a view of
 * the input. */
int shmrpci_json_view_string(shmrpci_json_reader *reader, shmrpc_str *out);

/* Checks that the current number is not too long to be read. */
int shmrpci_json_check_number(const shmrpci_json_reader *reader);

/* Steps over the current token, which must be a key, and over the colon after
 * it. */
int shmrpci_json_finish_key(shmrpci_json_reader *reader);

/* Like shmrpci_json_finish_key, but also gives a view of the key. */
int shmrpci_json_read_key(shmrpci_json_reader *reader, shmrpc_str *out);

/* Called after each value in a container that ends with the token `close`.
 * Steps over a comma and sets `*more` to true, or steps over `close` and sets
 * `*more` to false. Any other token is INVALID; the message then says that
 * `what` was expected. */
int shmrpci_json_next_item(shmrpci_json_reader *reader,
                           shmrpci_json_token close, const char *what,
                           bool *more);

/* Steps over the first token of a container. Sets `*more` to true if an item
 * follows. If the container is empty, also steps over its end and sets `*more`
 * to false. */
int shmrpci_json_open(shmrpci_json_reader *reader, shmrpci_json_token close,
                      bool *more);

/* Reads a value of any type that is a single token, without going to the next
 * token. The value refers only to the arena. */
int shmrpci_json_read_any_word(shmrpci_json_reader *reader, shmrpc_any *out);

/* Read a single-token value of a described type, of each kind. */
int shmrpci_json_read_bool(shmrpci_json_reader *reader, const shmrpc_type *type,
                           void *out);
int shmrpci_json_read_integer(shmrpci_json_reader *reader,
                              const shmrpc_type *type, void *out);
int shmrpci_json_read_float(shmrpci_json_reader *reader,
                            const shmrpc_type *type, void *out);
int shmrpci_json_read_string(shmrpci_json_reader *reader,
                             const shmrpc_type *type, void *out);
int shmrpci_json_read_bytes(shmrpci_json_reader *reader,
                            const shmrpc_type *type, void *out);
int shmrpci_json_read_enum(shmrpci_json_reader *reader, const shmrpc_type *type,
                           void *out);

/* Reads the key of a typed map and the colon after it. The key is a JSON
 * string, whatever its type. */
int shmrpci_json_read_map_key(shmrpci_json_reader *reader,
                              const shmrpc_type *type, void *out);

#endif
