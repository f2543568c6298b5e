/*
 * Shared objects in Python: declarations shared by the C files.
 *
 * Each kind has a C type that does the work, and a Python class derived from it
 * (for example in shmrpc/_dict.py), which users see. The class's constructor
 * calls open_object(), which opens the handle.
 *
 * A function of the library is called between objects_enter() and
 * objects_leave(): they keep the handle open meanwhile, release the GIL where
 * the thread sleeps, and check for signals.
 *
 * Threading: the caller holds the GIL.
 */
#ifndef SHMRPC_PYTHON_OBJECTS_H
#define SHMRPC_PYTHON_OBJECTS_H

#include "to_c.h"
#include "wait.h"

#include "shmrpc/dict.h"
#include "shmrpc/pipe.h"
#include "shmrpc/queue.h"
#include "shmrpc/topic.h"
#include "shmrpc/value.h"

/* Indexes of core_state.object_types. */
enum {
    OBJECTS_ARRAY_VIEW, /* a buffer; objects_array.c */
    OBJECTS_HANDLE,     /* base of all kinds */
    OBJECTS_TREE,       /* base of dict and value: paths */
    OBJECTS_DICT,
    OBJECTS_ARRAY, /* a value with a buffer */
    OBJECTS_WATCH,
    OBJECTS_VIEW,
    OBJECTS_QUEUE,
    OBJECTS_TOPIC,
    OBJECTS_SUB,
    OBJECTS_PIPE
};

/* What common functions need to know about a kind. */
typedef struct objects_kind {
    const char *name; /* "dict" */
    void (*close)(void *at);
    shmrpc_status (*destroy)(void *at);
    /* Makes a dict of the object's statistics. New reference. */
    PyObject *(*stat)(void *at, shmrpc_status *out);
} objects_kind;

/* An open object; the C types of all kinds begin with it. */
typedef struct objects_handle {
    PyObject_HEAD core_state *state;
    const objects_kind *kind;
    void *at;          /* the library's handle; NULL if closed */
    Py_ssize_t in_use; /* number of calls that are using the object */
    bool is_closing;   /* the last call to end closes the object */
    bool is_typed;     /* false: JSON; values that JSON lacks are refused */
    bool is_pickled;
    PyObject *name;
} objects_handle;

/* One call of the library. */
typedef struct objects_call {
    objects_handle *handle;
    core_wait wait;
    shmrpc_error error;
} objects_call;

/* Returns -1 with a ValueError if the object is closed. */
int objects_check_open(const objects_handle *handle);

/* Begins a call; `mode` says how to release the GIL (core_wait_enter()).
 * Returns -1 with an exception if the object is closed; then there is nothing
 * to leave. */
int objects_enter(objects_call *call, objects_handle *handle, int mode);

/* Ends a call that returned `status`. Returns true if the status is OK and no
 * signal handler has raised; otherwise sets an exception. */
bool objects_leave(objects_call *call, int status);

/* Ends a call without raising for its status; returns false only if a signal
 * handler has raised. */
bool objects_leave_quietly(objects_call *call);

/* Raises the exception for a status: KeyError of `key` (without an argument if
 * `key` is NULL) for NOT_FOUND, IndexError for OUT_OF_RANGE, otherwise the
 * status's own class. Returns NULL. */
PyObject *objects_raise(const objects_handle *handle, const shmrpc_error *error,
                        PyObject *key);

/* Makes the error of a status, for functions without an error object. */
void objects_status_error(shmrpc_error *error, int status);

/* One entry of the dict that objects_figures() makes. */
typedef struct objects_figure {
    const char *name;
    unsigned long long value;
} objects_figure;
/* Makes a dict from names and numbers. New reference. */
PyObject *objects_figures(const objects_figure *figures, size_t count);

/* Converts a wait in seconds to a timeout: None waits for ever, 0 or less does
 * not wait. */
int objects_timeout(PyObject *seconds, int64_t *out_ns, bool *out_is_nonblock);
int objects_wait_opts(PyObject *seconds, shmrpc_opts *out);

/* Converts a value that is to be sent; paths in errors begin with `what`. */
int objects_value_to_c(objects_handle *handle, core_scratch *scratch,
                       PyObject *value, const char *what, shmrpc_any *out);
PyObject *objects_value_from_c(const objects_handle *handle,
                               const shmrpc_any *any);

/* The arguments of open_object(), as passed to a kind's open function. */
typedef struct objects_opening {
    objects_handle *handle;
    const char *name;
    shmrpc_shared_opts shared;
    PyObject *more; /* a tuple of arguments for this kind only */
} objects_opening;

/* Open functions of the kinds. On success they set the handle's `kind` and
 * `at`. */
int objects_open_tree(objects_opening *opening, int *status,
                      shmrpc_error *error);
int objects_open_queue(objects_opening *opening, int *status,
                       shmrpc_error *error);
int objects_open_topic(objects_opening *opening, int *status,
                       shmrpc_error *error);
int objects_open_pipe(objects_opening *opening, int *status,
                      shmrpc_error *error);

/* The operations on a tree; there is a table for dicts and one for values. */
typedef struct objects_tree_ops {
    objects_kind base;
    shmrpc_status (*get)(void *at, const shmrpc_path *path,
                         const shmrpc_any **out, uint64_t *out_version,
                         shmrpc_error *error);
    shmrpc_status (*contains)(void *at, const shmrpc_path *path,
                              shmrpc_error *error);
    shmrpc_status (*len)(void *at, const shmrpc_path *path, uint64_t *out,
                         shmrpc_error *error);
    shmrpc_status (*put)(void *at, const shmrpc_path *path,
                         const shmrpc_any *value, shmrpc_error *error);
    shmrpc_status (*put_new)(void *at, const shmrpc_path *path,
                             const shmrpc_any *value, shmrpc_error *error);
    shmrpc_status (*put_if)(void *at, const shmrpc_path *path,
                            const shmrpc_any *value, uint64_t version,
                            uint64_t *out_version, shmrpc_error *error);
    shmrpc_status (*del)(void *at, const shmrpc_path *path,
                         shmrpc_error *error);
    shmrpc_status (*pop)(void *at, const shmrpc_path *path,
                         const shmrpc_any **out, shmrpc_error *error);
    shmrpc_status (*insert)(void *at, const shmrpc_path *path,
                            const shmrpc_any *value, shmrpc_error *error);
    shmrpc_status (*append)(void *at, const shmrpc_path *path,
                            const shmrpc_any *value, shmrpc_error *error);
    shmrpc_status (*watch)(void *at, uint32_t flags, shmrpc_str prefix,
                           shmrpc_watch **out, shmrpc_error *error);
    /* `key` is NULL for the whole object. */
    shmrpc_status (*lock)(void *at, const shmrpc_any *key,
                          const shmrpc_lock_wait *wait, shmrpc_error *error);
    shmrpc_status (*try_lock)(void *at, const shmrpc_any *key,
                              shmrpc_error *error);
    shmrpc_status (*unlock)(void *at, const shmrpc_any *key,
                            shmrpc_error *error);
    shmrpc_status (*lock_consistent)(void *at, const shmrpc_any *key,
                                     shmrpc_error *error);
    shmrpc_status (*snapshot)(void *at, const char *path,
                              const shmrpc_snapshot_opts *opts,
                              shmrpc_error *error);
    shmrpc_status (*load)(void *at, const char *path, shmrpc_error *error);
} objects_tree_ops;

extern const objects_tree_ops objects_dict_ops;
extern const objects_tree_ops objects_value_ops;

/* A dict or a value: both hold a tree. */
typedef struct objects_tree {
    objects_handle base;
    const objects_tree_ops *ops;
    PyObject *nested; /* (tree, path, is_list) -> part; NULL if reading makes
                       * copies */
    PyObject *part;   /* the class of parts, or NULL */
} objects_tree;

/* Converts one key; raises TypeError if it is not a valid key. */
int objects_key_to_c(core_scratch *scratch, PyObject *key, shmrpc_any *out);
/* Makes the Python value of an item from the library, and releases the item
 * with shmrpc_dict_release(). */
PyObject *objects_take(const objects_handle *handle, const shmrpc_any *item);
/* Like objects_leave(), but raises KeyError for a missing entry. */
bool objects_leave_key(objects_call *call, int status, PyObject *key);

/* A subscription, a watch or a view; it keeps its object open. */
typedef struct objects_part {
    PyObject_HEAD objects_handle *handle;
    void *at;       /* NULL if closed */
    bool is_in_use; /* only one thread may use it at a time */
    bool is_closing;
    void (*close)(void *at);
} objects_part;

PyObject *objects_part_new(objects_handle *handle, int type, void *at,
                           void (*close)(void *at));
/* Like objects_enter(); raises RuntimeError if another thread uses the part. */
int objects_part_enter(objects_call *call, objects_part *part, int mode);
void objects_part_leave(objects_part *part);
PyObject *objects_part_close(PyObject *self, PyObject *unused);
void objects_part_dealloc(PyObject *self);
/* Return the descriptor that a function of the library returns. */
PyObject *objects_part_fileno(PyObject *self, int (*fd)(void *at));
PyObject *objects_fileno(objects_handle *handle, int (*fd)(void *at));

/* ---- for the module ------------------------------------------------------ */

int objects_add_types(PyObject *module, core_state *state);
PyObject *objects_open(PyObject *module, PyObject *args);
PyObject *objects_list(PyObject *module, PyObject *args);
PyObject *objects_remove(PyObject *module, PyObject *args);
PyObject *objects_collect(PyObject *module, PyObject *args);

extern PyType_Spec objects_array_view_spec;
extern PyType_Spec objects_handle_spec;
extern PyType_Spec objects_tree_spec;
extern PyType_Spec objects_dict_spec;
extern PyType_Spec objects_array_spec;
extern PyType_Spec objects_watch_spec;
extern PyType_Spec objects_view_spec;
extern PyType_Spec objects_queue_spec;
extern PyType_Spec objects_topic_spec;
extern PyType_Spec objects_sub_spec;
extern PyType_Spec objects_pipe_spec;

void objects_handle_dealloc(PyObject *self);

#endif
