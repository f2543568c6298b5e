/*
 * Declarations shared by the files that convert Python values to C. A function
 * with a `step` parameter raises with its path, and returns -1 then.
 *
 * Threading: with the GIL.
 */
#ifndef SHMRPC_PYTHON_TO_C_H
#define SHMRPC_PYTHON_TO_C_H

#include "core.h"

#define CORE_MAX_DEPTH 64

static inline core_step core_below(const core_step *up)
{
    return (core_step){.up = up, .depth = up != NULL ? up->depth + 1 : 1};
}

/* ValueError if values are nested too deeply. */
int core_too_deep(const core_step *step);

/* The name of a value's class. New reference. */
PyObject *core_type_name(PyObject *value);

/* A tuple of a sequence's items, alive until the scratch ends, so that nobody
 * changes it meanwhile. Borrowed. */
PyObject *core_freeze(core_scratch *scratch, PyObject *value);

/* Views of objects that live until the scratch ends. `node` may be NULL for
 * values that have the right class. */
int core_write_text(const core_node *node, PyObject *value, shmrpc_str *at,
                    const core_step *step);
int core_write_bytes(core_scratch *scratch, const core_node *node,
                     PyObject *value, shmrpc_bytes *at, const core_step *step);

int core_write_any(core_scratch *scratch, PyObject *value, shmrpc_any *at,
                   const core_step *step);
/* Converts a value that is not None, bool, number, str, list or dict, if the
 * scratch is typed. */
int core_write_typed(core_scratch *scratch, PyObject *value, shmrpc_any *at,
                     const core_step *step);
/* Ext(code, data). */
int core_write_ext(core_scratch *scratch, PyObject *value, shmrpc_any *at,
                   const core_step *step);
/* 1: it is an Ext; -1: with an exception. */
int core_is_ext(const core_scratch *scratch, PyObject *value);

#endif
