/*
 * The contents of the board as JSON, for the page and for scripts.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_WEB_SHOW_H
#define SHMRPC_WEB_SHOW_H

#include <stdbool.h>

#include "base/buf.h"
#include "tools/shmrpc-web/board.h"

/* Appends an array with an object for each service. */
void web_show_services(web_board *board, shmrpci_buf *out);

/* Appends the object of one service, with its methods and workers. Returns
 * false if there is no such service. */
bool web_show_service(web_board *board, const char *name, shmrpci_buf *out);

#endif
