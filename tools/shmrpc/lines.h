/*
 * A line of a service's log, as people read it.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_LINES_H
#define SHMRPC_TOOLS_LINES_H

struct manager_line; /* generated */

/* Prints "12:00:00.000 error NAME: text", in colour on a terminal. `service`
 * may be NULL. */
void cli_line_print(const char *service, const struct manager_line *line);

#endif
