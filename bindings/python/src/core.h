/*
 * Declarations shared by the files of the extension: the state of the module,
 * connections, and the type information of a service.
 *
 * Threading: everything here is used with the GIL held.
 */
#ifndef SHMRPC_PYTHON_CORE_H
#define SHMRPC_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <limits.h>

#include "shmrpc/any.h"
#include "shmrpc/interface.h"
#include "shmrpc/stream_stub.h"
#include "shmrpc/stub.h"

/* ---- the module ---------------------------------------------------------- */

/* Number of Python types that shared objects need. */
#define CORE_OBJECT_TYPES 11

/* The state of one interpreter; a process may have several interpreters. */
typedef struct core_state {
    PyTypeObject *connection_type;
    PyTypeObject *client_type;
    PyTypeObject *method_type;
    PyTypeObject *call_type;
    PyTypeObject *view_type;
    PyTypeObject *context_type;
    PyTypeObject *aio_type;
    PyTypeObject *aio_call_type;
    PyTypeObject *stream_type;
    PyTypeObject *source_type;
    PyTypeObject *lock_type;
    PyTypeObject *jobs_type;
    struct core_program *program; /* the program that this process serves; or
                                   * NULL */
    PyObject *current; /* a ContextVar: the call of the running task; or NULL */
    PyTypeObject *object_types[CORE_OBJECT_TYPES]; /* objects.h */
    PyObject *helpers; /* shmrpc._helpers, imported when first needed */
} core_state;

extern struct PyModuleDef core_module;

/* Returned in place of a status if an exception is set. */
#define CORE_RAISED INT_MIN

core_state *core_state_of(PyTypeObject *type);

/* Calls a function of shmrpc._helpers, with arguments as for
 * PyObject_CallFunction. New reference. */
PyObject *core_help(core_state *state, const char *name, const char *format,
                    ...);

/* Returns shmrpc._helpers.NAME. New reference. */
PyObject *core_helper(core_state *state, const char *name);

/* ---- types of a service -------------------------------------------------- */

/* A type of the service's tables, and its Python class. Lives as long as its
 * connection. */
typedef struct core_node core_node;

typedef struct core_field {
    const shmrpc_field *row;
    core_node *node;
    PyObject *name;  /* name in Python: keywords get a "_" appended */
    PyObject *descr; /* STRUCT: descriptor of the class's slot, once the class
                      * exists */
} core_field;

struct core_node {
    const shmrpc_type *type;
    core_node *next;    /* in the list of all nodes of a connection */
    core_node *element; /* node of a LIST's or ARRAY's element, of a MAP's
                         * value, or of an ENUM's base */
    core_node *key;
    core_field *fields; /* `type->count` of a STRUCT or UNION */
    PyObject *cls;      /* STRUCT, ENUM: the class, made when first needed */
    PyObject **cases;   /* UNION: a class for each field */
    PyObject *members;  /* ENUM: number -> member */
    bool is_prepared;
    bool is_finished; /* STRUCT: the class has a __post_init__ */
    descrsetfunc set; /* tp_descr_set that all fields' `descr` share; NULL if
                       * there are no slots */
    descrgetfunc get;
};

/* A client of the library, its tables, and its classes. */
typedef struct core_connection {
    PyObject_HEAD core_state *state;
    shmrpc_interface *interface;
    const shmrpc_service *service;
    shmrpc_client *client; /* NULL if closed */
    Py_ssize_t in_flight;  /* number of calls that are using `client` */
    bool is_closing;       /* the last call to end closes `client` */
    core_node *nodes;
    core_node **methods;       /* two nodes for each method: parameters, and
                                * result or NULL */
    PyObject *errors;          /* error number -> class, for the service's
                                * errors */
    PyThread_type_lock making; /* held while classes are made */
    PyObject *where;           /* the address passed to connect; None if this
                                * process serves the service */
    PyObject *text;            /* the .svc that was passed, or None */
    struct core_aio *aio;      /* state for asyncio clients; or NULL */
    int64_t timeout_ns;        /* default timeout of calls; 0 if not given */
    PyObject *classes;         /* full name -> class of a generated module, or
                                * NULL */
} core_connection;

/* Lock the making of classes: only one thread may make them at a time. The GIL
 * is not enough for that, because making a class runs Python code. */
void core_making_begin(core_connection *connection);
void core_making_end(core_connection *connection);

/* Returns the node of a type, or NULL with an exception. */
core_node *core_node_of(core_connection *connection, const shmrpc_type *type);

/* Makes the Python classes of a node, unless it already has them. Returns -1 on
 * failure. */
int core_node_prepare(core_connection *connection, core_node *node);

void core_nodes_free(core_connection *connection);

/* Returns the type as Python writes it, such as "list[int]". New reference. */
PyObject *core_type_text(const core_node *node);

/* Returns a list of (name, text of the type, default or NotImplemented), one
 * for each field. New reference. */
PyObject *core_fields_describe(core_connection *connection,
                               const core_node *node);

/* Returns the class for a declared error. New reference. */
PyObject *core_error_class(core_connection *connection,
                           const shmrpc_error_type *type);

/* Returns the value of a field that is not given: None if it is optional,
 * else its default, or NULL without an exception if it is required. New
 * reference. */
PyObject *core_field_default(core_connection *connection,
                             const core_field *field);

/* Returns the name that Python uses: "find", or "from_" for the keyword "from".
 * New reference. */
PyObject *core_python_name(const char *name);

/* ---- Python -> C --------------------------------------------------------- */

/* The memory of one call's parameters, and the objects that they point into. */
typedef struct core_chunk core_chunk;
typedef struct core_kept core_kept;
typedef struct core_scratch {
    core_state *state;
    core_connection *connection; /* NULL for a shared object */
    /* Values that JSON lacks are written as extensions (shmrpc/any.h): tuples,
     * sets, dates... */
    bool is_typed;
    bool is_pickled;           /* all other values are pickled */
    shmrpc_any_memory *memory; /* for pickles; NULL until first needed */
    core_chunk *chunks;
    core_kept *kept;
    size_t used;
    _Alignas(16) unsigned char first[768];
} core_scratch;

void core_scratch_init(core_scratch *scratch, core_connection *connection);
/* Like core_scratch_init(), without a service. */
void core_scratch_init_typed(core_scratch *scratch, core_state *state,
                             bool is_typed);
void core_scratch_fini(core_scratch *scratch);
/* Allocates zeroed memory; NULL with an exception. */
void *core_scratch_alloc(core_scratch *scratch, size_t size, size_t align);

/* Keeps an object alive until the scratch ends; takes over the reference. */
int core_keep(core_scratch *scratch, PyObject *object);
/* Keeps an object's buffer. Returns 1 if the object has no buffer of that
 * kind. */
int core_keep_buffer(core_scratch *scratch, PyObject *object, int flags,
                     Py_buffer **out);

/* Where a value is, for errors: `query.filters["lang"][3]`. */
typedef struct core_step {
    const struct core_step *up;
    PyObject *name;   /* name of a field; NULL for an index or a key */
    PyObject *key;    /* key of a map, or NULL */
    Py_ssize_t index; /* index in a list, if `name` and `key` are NULL */
    int depth;
} core_step;

/* Writes a parameter or field to the struct at `base`. If `value` is NULL, the
 * field is not given: writes its default, or that it is absent. Returns -1 with
 * a TypeError or ValueError that names the path. */
int core_field_to_c(core_scratch *scratch, const core_field *field,
                    PyObject *value, void *base, const core_step *up);

/* Writes an object's buffer as an array, whatever its item type is. */
int core_array_to_c(core_scratch *scratch, PyObject *value, shmrpc_any *at);

/* Writes a value of any type; errors name no path. */
int core_any_to_c(core_scratch *scratch, PyObject *value, shmrpc_any *at);

/* Writes a single value, which errors call `name`. The memory that it points
 * into lives until the scratch ends. */
int core_value_to_c(core_scratch *scratch, core_node *node, PyObject *value,
                    void *at, const char *name);

/* Raises `type` with the path before the text. Returns -1. */
int core_refuse(PyObject *type, const core_step *step, const char *format, ...);

/* ---- C -> Python --------------------------------------------------------- */

/* Flags for making Python values. */
enum {
    CORE_ARRAYS = 1, /* lists of numbers become memoryviews */
    CORE_PYTHON = 2  /* extensions of `any` become Python's types */
};

/* Returns the flags that apply to a method. */
static inline unsigned core_how_of(const shmrpc_method *method)
{
    return (method->flags & SHMRPC_METHOD_PYTHON_TYPES) != 0 ? CORE_PYTHON : 0;
}

/* Makes the Python value of the C value at `at`. New reference. */
PyObject *core_from_c(core_connection *connection, core_node *node,
                      const void *at, unsigned how);

PyObject *core_any_from_c(core_connection *connection, const shmrpc_any *any);

/* Makes the Python value of `any`; extensions become the Python values that
 * they represent. New reference. */
PyObject *core_typed_from_c(core_state *state, const shmrpc_any *any,
                            bool is_pickled);

/* How to read a value. */
typedef struct core_reader {
    core_state *state;
    core_connection *connection;
    bool arrays;
    bool is_typed;
    bool is_pickled;            /* pickles may be loaded, since the data comes
                                 * from our own processes */
    int depth;                  /* nesting depth of extensions */
    shmrpc_any_memory **memory; /* memory of a typed reader, allocated when
                                 * first needed */
} core_reader;

PyObject *core_read_any(const core_reader *r, const shmrpc_any *any);
/* Makes the value that the extension represents if the reader is typed, else a
 * shmrpc.Ext. */
PyObject *core_read_ext(const core_reader *r, const shmrpc_any *any);

/* Returns the format that Python's buffers use for an array's items. */
const char *core_dtype_format(shmrpc_dtype dtype);

/* Makes a memoryview of an array. The data stays in memory of `owner`; if
 * `owner` is NULL, the view gets a copy. */
PyObject *core_array_view(core_state *state, PyObject *owner,
                          const shmrpc_array *array);

/* Makes the value of a parameter or field of the struct at `base`. New
 * reference. */
PyObject *core_field_from_c(core_connection *connection,
                            const core_field *field, const void *base,
                            unsigned how);

/* Returns the format that Python's buffers use for a number; NULL if `kind` is
 * not a number. */
const char *core_format_of(shmrpc_kind kind);

/* ---- errors -------------------------------------------------------------- */

/* Raises the error with which a call has ended. `reply` may be NULL. Returns
 * NULL. */
PyObject *core_raise(core_connection *connection, const shmrpc_method *method,
                     const shmrpc_error *error, const void *reply);
PyObject *core_raise_plain(core_state *state, const shmrpc_error *error);
/* Raises the error with which a stream has ended. Returns NULL. */
PyObject *core_raise_stream(core_connection *connection,
                            const shmrpc_method *method,
                            const shmrpc_error *error,
                            const shmrpc_stream *stream);
/* Takes the exception that is set, with its traceback; returns NULL if none is
 * set. New reference. */
PyObject *core_take_exception(void);

/* ---- waiting ------------------------------------------------------------- */

/* Blocking functions of the library are called between core_wait_enter() and
 * core_wait_leave(): the GIL is released where the thread would sleep, and
 * signals are checked. */
typedef struct core_wait core_wait;

/* ---- connections, clients, methods --------------------------------------- */

extern PyType_Spec core_connection_spec;
extern PyType_Spec core_client_spec;
extern PyType_Spec core_method_spec;
extern PyType_Spec core_call_spec;
extern PyType_Spec core_view_spec;
extern PyType_Spec core_context_spec;
extern PyType_Spec core_aio_spec;
extern PyType_Spec core_aio_call_spec;
extern PyType_Spec core_stream_spec;
extern PyType_Spec core_source_spec;
extern PyType_Spec core_jobs_spec;

/* Settings for a client's calls. */
typedef struct core_options {
    int64_t timeout_ns; /* 0 if not given */
    unsigned how;       /* CORE_ARRAYS; for methods also CORE_PYTHON */
    PyObject *metadata; /* a dict that is never changed; or NULL */
} core_options;

/* Converts seconds to ns; None becomes 0. Returns -1 with an exception. */
int core_timeout_of(PyObject *seconds, int64_t *out_ns);

/* Returns a new dict with the entries of `base`, which may be NULL, and of
 * `mapping`, which wins if both have a key. Returns NULL with a TypeError if
 * `mapping` does not map str to str. */
PyObject *core_metadata_merge(PyObject *base, PyObject *mapping);
/* Adds an entry, unless the dict has its key. Returns -1 with an exception. */
int core_metadata_add(PyObject *dict, const struct shmrpc_metadata *entry);

PyObject *core_method_new(core_connection *connection, uint32_t index,
                          const core_options *options);
PyObject *core_view_new(core_connection *connection, const void *reply);

/* Called before a call: raises and returns -1 if the connection is closed, else
 * counts the call as in flight. */
int core_connection_begin(core_connection *connection);
void core_connection_end(core_connection *connection);

PyObject *core_connect(PyObject *module, PyObject *args, PyObject *kwargs);

/* Return the service's classes as attributes of an object. New references. */
PyObject *core_errors_of(core_connection *connection);
PyObject *core_types_of(core_connection *connection);

/* Makes a connection that has no client, for a service that this process
 * serves. New reference. */
core_connection *core_connection_serving(core_state *state, PyObject *text);

/* ---- asyncio ------------------------------------------------------------- */

/* Makes the state that a connection keeps for its loop; `glue` is the Python
 * part of shmrpc.aio. Returns -1 on failure. */
int core_aio_attach(core_connection *connection, PyObject *glue);
/* Called before the connection is closed: no more calls can begin. */
void core_aio_close(struct core_aio *aio);
/* Called when the connection is freed. */
void core_aio_drop(struct core_aio *aio);
/* Whether the running loop is the connection's loop; the first call sets that
 * loop. Returns -1 with an exception. */
int core_aio_enter(struct core_aio *aio);
/* Makes shmrpc.aio's object for a new stream. New reference. */
PyObject *core_aio_stream(struct core_aio *aio, PyObject *stream);

/* ---- serving ------------------------------------------------------------- */

PyObject *core_serve(PyObject *module, PyObject *args);
PyObject *core_context(PyObject *module, PyObject *unused);
PyObject *core_jobs(PyObject *module, PyObject *current);
PyObject *core_log(PyObject *module, PyObject *args);

/* ---- locks --------------------------------------------------------------- */

extern PyType_Spec core_lock_spec;
PyObject *core_open_lock(PyObject *module, PyObject *args);

/* ---- texts of services --------------------------------------------------- */

PyObject *core_canonical(PyObject *module, PyObject *text);

#endif
