/*
 * What the files that serve share: worker.c, which calls handlers, and
 * worker_stream.c, with their streams.
 */
#ifndef SHMRPC_PYTHON_WORKER_H
#define SHMRPC_PYTHON_WORKER_H

#include "core.h"

/* The client's items, for a handler. New reference; `end` when it has returned.
 */
PyObject *core_source_new(core_connection *connection, core_node *node,
                          shmrpc_source *from);
void core_source_end(PyObject *source);
/* Raises what reading has ended in. */
void core_source_fail(core_state *state, int status);

/* Sends what an iterable has; None: nothing. Statuses of a sink; CORE_RAISED. A
 * generator that is not at its end is closed. */
int core_sink_all(core_connection *connection, core_node *node,
                  shmrpc_sink *sink, PyObject *items);

#endif
