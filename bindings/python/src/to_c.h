/*
 * Declarations shared by the files that convert Python values to C. A function
 * with a `step` parameter returns -1 on failure, with an exception that names
 * the path of the value.
 *
 * Threading: the caller holds the GIL.
 */
#ifndef SHMRPC_PYTHON_TO_C_H
#define SHMRPC_PYTHON_TO_C_H

#include "core.h"

#define CORE_MAX_DEPTH 64

static inline core_step core_below(const core_step *up)
{
    return (core_step){.up = up, .depth = up != NULL ? up->depth + 1 : 1};
}

/* Raises ValueError if values are nested too deeply. */
int core_too_deep(const core_step *step);

/* Returns the name of a value's class. New reference. */
PyObject *core_type_name(PyObject *value);

/* Makes a tuple of a sequence's items, so that no other thread changes them
 * meanwhile. It lives until the scratch ends. Borrowed reference. */
PyObject *core_freeze(core_scratch *scratch, PyObject *value);

/* Write a pointer to the object's own text or bytes, which stay valid until the
 * scratch ends. `node` may be NULL if the value has the right class. */
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
/* Writes a shmrpc.Ext, which has a code and data. */
int core_write_ext(core_scratch *scratch, PyObject *value, shmrpc_any *at,
                   const core_step *step);
/* Returns 1 if the value is an Ext, 0 if not, -1 with an exception. */
int core_is_ext(const core_scratch *scratch, PyObject *value);

#endif
