/*
 * Standard input as the items of a stream: line by line, or in pieces as they
 * arrive, until it ends or stop is called.
 *
 * Only the current line and the data of one read are buffered.
 *
 * Threading: one thread; stop may be called from any.
 */
#ifndef SHMRPC_TOOLS_INPUT_H
#define SHMRPC_TOOLS_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* The most that one read returns. Sent as an item, a piece of this size takes a
 * quarter of the smallest default window. */
#define CLI_INPUT_BYTES 16384u

/* Longer lines are refused. */
#define CLI_INPUT_MAX_LINE ((size_t)256 << 20)

typedef struct cli_input {
    int fd;
    int stop; /* event descriptor that stop signals */
    shmrpci_buf data;
    size_t at;     /* offset of the unread data */
    bool is_over;  /* the end of the input was reached */
    uint64_t line; /* number of the last line, from 1 */
} cli_input;

/* Returns EXHAUSTED if no descriptor is left. */
int cli_input_open(cli_input *input, int fd);
void cli_input_close(cli_input *input);

/* Ends the input, and wakes a thread that waits for it. */
void cli_input_stop(cli_input *input);

/* Waits for the next line that is not blank. On MORE, `*text` is that line, of
 * `*len` bytes without the newline, valid until the next call. OK means that
 * there are no more lines. Otherwise returns NOT_FOUND if the input can't be
 * read, TOO_LARGE or NO_MEMORY. */
int cli_input_line(cli_input *input, const char **text, size_t *len);

/* Like cli_input_line, but returns the next bytes as they arrive. */
int cli_input_piece(cli_input *input, const uint8_t **data, size_t *len);

#endif
