/*
 * Declarations shared by the forms of a call: a method, and one prepared call
 * of it. method.c has the form that waits, aio_call.c the awaitable form, and
 * stream.c the form with items.
 */
#ifndef SHMRPC_PYTHON_METHOD_H
#define SHMRPC_PYTHON_METHOD_H

#include "core.h"

#include "shmrpc/beside.h"

/* The vectorcall type of PEP 590. The limited API has it only since 3.12, but
 * it was stable before. */
typedef PyObject *(*core_vectorcall)(PyObject *, PyObject *const *, size_t,
                                     PyObject *);

/* Mask for the number of positional arguments in `nargsf`. */
#define CORE_COUNT_MASK (~(SIZE_MAX ^ (SIZE_MAX >> 1)))

typedef struct core_method {
    PyObject_HEAD core_vectorcall vectorcall;
    core_connection *connection;
    const shmrpc_method *row;
    core_node *params;
    core_node *result; /* NULL if it returns nothing */
    core_options options;
    uint32_t index;
    bool is_fixed; /* whether the result has a fixed size and errors carry no
                    * fields */
} core_method;

/* Receives the metadata of a reply, to copy it to the caller's dict. */
typedef struct core_back {
    PyObject *dict;
    shmrpc_reply_metadata got;
} core_back;

/* One call. It must not be moved, since parameters point into its scratch. */
typedef struct core_invocation {
    core_scratch scratch;
    shmrpc_opts opts;
    void *params;
    PyObject *metadata; /* argument `_metadata`, borrowed; NULL if not given */
    core_back *back;    /* NULL if the reply's metadata is not wanted */
} core_invocation;

bool core_method_has_streams(const shmrpc_method *row);

/* Converts the arguments of a vectorcall (PEP 590) to parameters. Returns -1
 * with an exception; call core_invocation_fini() in any case. */
int core_prepare(const core_method *m, core_invocation *in,
                 PyObject *const *args, size_t nargsf, PyObject *names);

void core_invocation_init(core_invocation *in, core_connection *connection);
/* Ends the invocation; also fills the dict for the reply's metadata. */
void core_invocation_fini(core_invocation *in);

/* Sets the call's metadata to the entries of a dict. Steals the reference.
 * Returns -1 with an exception, also if `dict` is NULL. */
int core_metadata_send(core_invocation *in, PyObject *dict);

/* Takes the argument `_reply_metadata`, which is None or a dict, and empties
 * the dict. Returns -1 with an exception. */
int core_back_want(core_invocation *in, PyObject *dict);
/* Copies the received metadata to the dict. May be called with an exception
 * set, and keeps it. */
void core_back_fill(const core_back *back);
/* Called when the call has ended: copies the received metadata to the dict, and
 * frees `back`, which may be NULL. */
void core_back_end(core_back *back);

/* Makes the Python value of a reply, and releases the reply. New reference. */
PyObject *core_take_reply(const core_method *m, const void *reply);

/* The vectorcall functions of the awaitable form and of the form with items. */
PyObject *core_aio_invoke(PyObject *self, PyObject *const *args, size_t nargsf,
                          PyObject *names);
PyObject *core_stream_invoke(PyObject *self, PyObject *const *args,
                             size_t nargsf, PyObject *names);

#endif
