/*
 * A call of a method with a stream: items are read from standard input and
 * printed to standard output.
 *
 * Only the current item is buffered. While the stream's window is full,
 * standard input is not read; while standard output is not read, the stream
 * stands still.
 *
 * Ctrl-C, and closing standard output, end the program and so cancel the call:
 * the server sees the connection end.
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
    uint64_t max_items; /* stop after printing this many items; 0: print all */
} cli_streamed_opts;

/* Calls the method, and prints the items and how the stream ends. */
cli_exit cli_streamed_call(cli_invocation *in, const cli_streamed_opts *opts);

#endif
