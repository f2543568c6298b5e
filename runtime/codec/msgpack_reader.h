/*
 * The state of the msgpack reader, shared by its two halves: values of a
 * described type (msgpack_read.c), and `any` (msgpack_any.c, with the steps
 * that both use). Threading: one thread.
 */
#ifndef SHMRPCI_CODEC_MSGPACK_READER_H
#define SHMRPCI_CODEC_MSGPACK_READER_H

#include "base/arena.h"
#include "codec/msgpack_token.h"
#include "codec/walk.h"
#include "shmrpc/types.h"

/* `arena` holds strings and lists of the value, which outlive the reader. */
typedef struct shmrpci_msgpack_reader {
    shmrpci_walk walk;
    shmrpci_msgpack_input input;
    shmrpci_arena *arena;
} shmrpci_msgpack_reader;

/* Returns INVALID with the lexer's message about a malformed token. */
int shmrpci_msgpack_malformed(const shmrpci_msgpack_reader *reader,
                              const shmrpci_msgpack_token *word);

/* Reads one token; returns INVALID if it is malformed. */
static inline int shmrpci_msgpack_word(shmrpci_msgpack_reader *reader,
                                       shmrpci_msgpack_token *word)
{
    return shmrpci_msgpack_next(&reader->input, word)
               ? SHMRPC_OK
               : shmrpci_msgpack_malformed(reader, word);
}

/* Returns INVALID unless the bytes of the token are UTF-8. */
int shmrpci_msgpack_check_utf8(const shmrpci_msgpack_reader *reader,
                               const shmrpci_msgpack_token *word);

/* Copies the token's bytes, with a NUL after them, into a string or bytes. */
int shmrpci_msgpack_copy(shmrpci_msgpack_reader *reader,
                         const shmrpci_msgpack_token *word, void *span);

/* Reads a value of any type that is not a container; the caller has made sure
 * that no container comes next. */
int shmrpci_msgpack_read_any_word(shmrpci_msgpack_reader *reader,
                                  shmrpc_any *out);

#endif
