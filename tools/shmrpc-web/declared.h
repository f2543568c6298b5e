/*
 * Counts by name how often calls of a method ended in errors that it declares.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_WEB_DECLARED_H
#define SHMRPC_WEB_DECLARED_H

#include "tools/shmrpc-web/board.h"

typedef void web_declared_fn(const char *name, uint64_t count, void *user);

/* Calls `see` for each declared error that occurred in the method at `index` of
 * the row's snapshot. Errors without a known name are counted as "DECLARED". */
void web_declared_each(const web_row *row, uint32_t index, web_declared_fn *see,
                       void *user);

#endif
