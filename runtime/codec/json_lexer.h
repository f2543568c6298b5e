/*
 * The tokens of JSON (RFC 8259), found by re2c rules in json_lexer.re.
 *
 * Strict: checks UTF-8, surrogates must pair, control characters must be
 * escaped, and nothing outside the grammar is accepted. Reads only within
 * [data, end). Threading: one thread at a time.
 */
#ifndef SHMRPCI_CODEC_JSON_LEXER_H
#define SHMRPCI_CODEC_JSON_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum shmrpci_json_token {
    SHMRPCI_JSON_END,
    SHMRPCI_JSON_ERROR, /* `message` says what is wrong at `at` */
    SHMRPCI_JSON_OBJECT_OPEN,
    SHMRPCI_JSON_OBJECT_CLOSE,
    SHMRPCI_JSON_ARRAY_OPEN,
    SHMRPCI_JSON_ARRAY_CLOSE,
    SHMRPCI_JSON_COMMA,
    SHMRPCI_JSON_COLON,
    SHMRPCI_JSON_NULL,
    SHMRPCI_JSON_TRUE,
    SHMRPCI_JSON_FALSE,
    SHMRPCI_JSON_INTEGER, /* has a text */
    SHMRPCI_JSON_REAL,    /* has a text, with a fraction or an exponent */
    SHMRPCI_JSON_STRING   /* its text is between the quotes, with escapes as
                           * written */
} shmrpci_json_token;

typedef struct shmrpci_json_lexer {
    const uint8_t *data;
    size_t len;
    size_t next; /* offset at which the search for the next token begins */
    shmrpci_json_token token;
    size_t at;      /* offset of the current token */
    size_t text_at; /* for INTEGER, REAL, STRING */
    size_t text_len;
    bool has_escapes;    /* for STRING */
    const char *message; /* for ERROR; static */
} shmrpci_json_lexer;

static inline void shmrpci_json_lexer_init(shmrpci_json_lexer *lexer,
                                           const uint8_t *data, size_t len)
{
    *lexer = (shmrpci_json_lexer){.data = data, .len = len};
}

/* Reads one token into `token` and the fields that belong to it. */
void shmrpci_json_next(shmrpci_json_lexer *lexer);

/* Skips plain ASCII, eight bytes at a time: no quote, no backslash, no control
 * character. Returns the offset of the first byte that is not plain. If it
 * finds none, returns an offset less than eight bytes before the end, where the
 * caller goes on. */
static inline size_t shmrpci_json_skip_plain(const uint8_t *data, size_t len,
                                             size_t at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    while (len - at >= 8) {
        uint64_t word;
        memcpy(&word, data + at, sizeof word);
        uint64_t quote = word ^ (ones * '"');
        uint64_t slash = word ^ (ones * '\\');
        uint64_t special = ((word - ones * 0x20) | ((quote - ones) & ~quote) |
                            ((slash - ones) & ~slash) | word) &
                           tops;
        if (special != 0) {
            /* Carries go upwards only, so the lowest marked byte is exact; and
             * it is the first byte, because we are little-endian. */
            return at + (size_t)__builtin_ctzll(special) / 8;
        }
        at += 8;
    }
    return at;
}

/* Resolves the escapes of the current STRING into `out`; returns the length of
 * the result, which is never longer than the text. */
size_t shmrpci_json_unescape(const shmrpci_json_lexer *lexer, char *out);

/* Returns "string", "number", "object", ... for messages. */
const char *shmrpci_json_token_text(shmrpci_json_token token);

#endif
