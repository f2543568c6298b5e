/*
 * The tokens of msgpack: a head with its payload.
 *
 * Bounded: lengths are checked against the input, and the number of items
 * missing from all open containers against the rest of the input, so that no
 * count can make the reader allocate for items that can't be there. Threading:
 * one thread at a time.
 */
#ifndef SHMRPCI_CODEC_MSGPACK_TOKEN_H
#define SHMRPCI_CODEC_MSGPACK_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/value.h"

/* The type families of the specification; widths are not kept. */
typedef enum shmrpci_msgpack_kind {
    SHMRPCI_MSGPACK_NIL,
    SHMRPCI_MSGPACK_BOOL,
    SHMRPCI_MSGPACK_INT,
    SHMRPCI_MSGPACK_FLOAT,
    SHMRPCI_MSGPACK_STR,
    SHMRPCI_MSGPACK_BIN,
    SHMRPCI_MSGPACK_ARRAY,
    SHMRPCI_MSGPACK_MAP,
    SHMRPCI_MSGPACK_EXT
} shmrpci_msgpack_kind;

typedef struct shmrpci_msgpack_token {
    shmrpci_msgpack_kind kind;
    int8_t ext_type;
    bool truth;         /* BOOL */
    bool is_single;     /* FLOAT: it had 32 bits, which are in `single` */
    float single;       /* a copy, so that no conversion changes the bits of a
                         * NaN */
    shmrpci_int number; /* INT */
    double real;        /* FLOAT */
    const uint8_t *ptr; /* STR, BIN, EXT: the bytes */
    size_t len;         /* STR, BIN, EXT: bytes; ARRAY: items; MAP: pairs */
    size_t at;          /* offset of the header */
} shmrpci_msgpack_token;

typedef struct shmrpci_msgpack_input {
    const uint8_t *data;
    size_t len;
    size_t at;
    size_t owed;         /* values that must still follow */
    const char *message; /* message of a failure; static */
} shmrpci_msgpack_input;

static inline void shmrpci_msgpack_init(shmrpci_msgpack_input *input,
                                        const uint8_t *data, size_t len)
{
    *input =
        (shmrpci_msgpack_input){.data = data, .len = len, .at = 0, .owed = 1};
}

/* Whether a nil comes next. */
static inline bool shmrpci_msgpack_at_nil(const shmrpci_msgpack_input *input)
{
    return input->at < input->len && input->data[input->at] == 0xC0;
}

/* Reads one token; returns false and sets `message` if it is malformed. */
bool shmrpci_msgpack_next(shmrpci_msgpack_input *input,
                          shmrpci_msgpack_token *token);

/* Returns "integer", "string", ... for messages. */
const char *shmrpci_msgpack_kind_text(shmrpci_msgpack_kind kind);

#endif
