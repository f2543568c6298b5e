/*
 * Declarations shared by the forms of a call: a method, and one prepared call
 * of it. method.c has the form that waits, aio_call.c the one that is awaited,
 * stream.c the one with items.
 */
#ifndef SHMRPC_PYTHON_METHOD_H
#define SHMRPC_PYTHON_METHOD_H

#include "core.h"

#include "shmrpc/beside.h"

/* Of the limited API since 3.12 only, but as stable before: the protocol of
 * PEP 590. */
typedef PyObject *(*core_vectorcall)(PyObject *, PyObject *const *, size_t,
                                     PyObject *);

/* The number of positional arguments in `nargsf`. */
#define CORE_COUNT_MASK (~(SIZE_MAX ^ (SIZE_MAX >> 1)))

typedef struct core_method {
    PyObject_HEAD core_vectorcall vectorcall;
    core_connection *connection;
    const shmrpc_method *row;
    core_node *params;
    core_node *result; /* NULL: returns nothing */
    core_options options;
    uint32_t index;
    bool is_fixed; /* the result has a fixed size, and errors no payload */
} core_method;

/* Receives the metadata of a reply, which is then copied to the dict. */
typedef struct core_back {
    PyObject *dict;
    shmrpc_reply_metadata got;
} core_back;

/* One call. It is not to be moved: parameters point into the scratch. */
typedef struct core_invocation {
    core_scratch scratch;
    shmrpc_opts opts;
    void *params;
    PyObject *metadata; /* argument `_metadata`, borrowed; NULL: not given */
    core_back *back;    /* NULL: the reply's metadata is not wanted */
} core_invocation;

bool core_method_has_streams(const shmrpc_method *row);

/* Makes the parameters, as called by PEP 590. -1 with an exception; the
 * invocation is to be ended in any case. */
int core_prepare(const core_method *m, core_invocation *in,
                 PyObject *const *args, size_t nargsf, PyObject *names);

void core_invocation_init(core_invocation *in, core_connection *connection);
/* Also fills the dict of the reply's metadata. */
void core_invocation_fini(core_invocation *in);

/* Sets the call's metadata to the entries of a dict. Steals the reference. -1
 * with an exception; so it is if `dict` is NULL. */
int core_metadata_send(core_invocation *in, PyObject *dict);

/* Takes the argument `_reply_metadata`, which is None or a dict, and empties
 * the dict. -1 with an exception. */
int core_back_want(core_invocation *in, PyObject *dict);
/* Copies the metadata that has come to the dict. May be called with an
 * exception set, which stays set. */
void core_back_fill(const core_back *back);
/* The same, and frees it, once the call has ended. It may be NULL. */
void core_back_end(core_back *back);

/* The Python value of a reply, which is released. New reference. */
PyObject *core_take_reply(const core_method *m, const void *reply);

/* The forms. */
PyObject *core_aio_invoke(PyObject *self, PyObject *const *args, size_t nargsf,
                          PyObject *names);
PyObject *core_stream_invoke(PyObject *self, PyObject *const *args,
                             size_t nargsf, PyObject *names);

#endif
