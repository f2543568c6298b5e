/*
 * The terminal of a live display: its size, its keys, and how wide a text is
 * there.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_TERMINAL_H
#define SHMRPC_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "base/buf.h"

/* How many columns `len` bytes of UTF-8 take: one for most characters, two for
 * those of East Asia and emoji, none for combining accents. A byte that is not
 * UTF-8 and a control character count as one. */
size_t cli_columns_of(const char *text, size_t len);

/* Appends as much of `text` as fits, and blanks up to `columns`. */
void cli_columns_pad(shmrpci_buf *out, const char *text, size_t columns);

/* Appends the sequence that replaces the screen's content by `text`: at most
 * `rows` lines, each cut to `columns`. 0 means no limit. */
void cli_screen_fill(shmrpci_buf *out, const shmrpci_buf *text, size_t rows,
                     size_t columns);

/* The size of the terminal on standard output; 0 if unknown. */
void cli_screen_size(size_t *rows, size_t *columns);

/* Standard input in the mode in which it returns single keys. Must be all 0 at
 * first. */
typedef struct cli_keys {
    bool is_on;
    struct termios before; /* restored by leave */
} cli_keys;

/* Makes standard input return each key at once, without echo, until `leave`.
 * Returns false if it is not a terminal. Must be called again after a stop
 * (SIGTSTP), because the shell may have reset the mode. */
bool cli_keys_enter(cli_keys *keys);
void cli_keys_leave(cli_keys *keys);

/* The next pressed key; 0 if there is none, -1 if the input has ended. */
int cli_keys_next(void);

#endif
