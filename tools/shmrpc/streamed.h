/*
 * A call of a method with a stream: its items come from standard input, and go
 * to standard output.
 *
 * Nothing is kept but the item at hand: without room in the stream's window
 * standard input is not read, and without a reader of standard output the
 * stream stands still.
 *
 * Who ends the program, by Ctrl-C or by closing its standard output, cancels
 * the call so: the server sees the connection end.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_STREAMED_H
#define SHMRPC_TOOLS_STREAMED_H

#include "tools/shmrpc/invocation.h"

typedef struct cli_streamed_opts {
    bool json;
    bool raw;
    bool time;
    uint64_t max_items; /* that are printed; 0: all */
} cli_streamed_opts;

/* Calls, and prints what comes and how it ends. */
cli_exit cli_streamed_call(cli_invocation *in, const cli_streamed_opts *opts);

#endif
