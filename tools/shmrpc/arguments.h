/*
 * Turns the words behind METHOD on the command line into the method's
 * parameters.
 *
 *     '{"text":"x","limit":5}'   one JSON object: parameters by name
 *     '["x",5]'                  one JSON array: parameters by position
 *     -                          that JSON, from standard input
 *     x 5                        by position
 *     text=x limit=5             by name; query.text=x goes into a struct
 *     tags:='["a","b"]'          a value in JSON, whatever the type
 *     data=@file  data=@-        bytes or text from a file or standard input
 *
 * Strings and bytes are taken literally, and enums are given by name. For
 * `any`, a word that is valid JSON counts as JSON, and any other as text. All
 * other types are JSON.
 *
 * All words become one JSON text.  Its names are compared with the types, so
 * that a wrong one gets a suggestion; then the codec decodes it.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_ARGUMENTS_H
#define SHMRPC_TOOLS_ARGUMENTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/descriptor.h"

/* Converts the words to JSON. Returns INVALID if a word is malformed (the
 * message names the word and what was expected), NOT_FOUND if a file can't be
 * read, or NO_MEMORY. */
int cli_arguments_json(const shmrpc_type *params, char *const *words,
                       size_t count, shmrpci_arena *arena, shmrpci_buf *json,
                       shmrpci_buf *message);

/* Reads the JSON of a method's parameters; `*out` lives in `arena`. Returns
 * INVALID if it doesn't fit the type, or NO_MEMORY. The message of INVALID
 * contains the path of the field and, for an unknown name, the nearest known
 * one. */
int cli_arguments_read(const shmrpc_type *params, const shmrpci_buf *json,
                       shmrpci_arena *arena, const void **out,
                       shmrpci_buf *message);

#endif
