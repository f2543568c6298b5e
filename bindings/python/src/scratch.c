/* The memory of one call and the objects that it keeps alive; also formats the
 * path of a wrong value in the parameters. */
#include "core.h"

#include <string.h>

/* ---- memory of a call ---------------------------------------------------- */

struct core_chunk {
    core_chunk *next;
    size_t size;
    _Alignas(16) unsigned char bytes[];
};

/* An object or a buffer that is released when the scratch ends. */
struct core_kept {
    core_kept *next;
    PyObject *object;
    Py_buffer buffer;
};

#define CHUNK_BYTES ((size_t)8192)

void core_scratch_init(core_scratch *scratch, core_connection *connection)
{
    core_scratch_init_typed(
        scratch, connection != NULL ? connection->state : NULL, false);
    scratch->connection = connection;
}

void core_scratch_init_typed(core_scratch *scratch, core_state *state,
                             bool is_typed)
{
    scratch->state = state;
    scratch->connection = NULL;
    scratch->is_typed = is_typed;
    scratch->is_pickled = false;
    scratch->memory = NULL;
    scratch->chunks = NULL;
    scratch->kept = NULL;
    scratch->used = 0;
}

void core_scratch_fini(core_scratch *scratch)
{
    for (core_kept *at = scratch->kept; at != NULL; at = at->next) {
        if (at->object != NULL) {
            Py_DECREF(at->object);
        } else {
            PyBuffer_Release(&at->buffer);
        }
    }
    while (scratch->chunks != NULL) {
        core_chunk *chunk = scratch->chunks;
        scratch->chunks = chunk->next;
        PyMem_Free(chunk);
    }
    shmrpc_any_memory_destroy(scratch->memory);
}

void *core_scratch_alloc(core_scratch *scratch, size_t size, size_t align)
{
    unsigned char *base =
        scratch->chunks != NULL ? scratch->chunks->bytes : scratch->first;
    size_t room =
        scratch->chunks != NULL ? scratch->chunks->size : sizeof scratch->first;
    size_t at = (scratch->used + align - 1) & ~(align - 1);
    if (at > room || size > room - at) {
        size_t bytes = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        core_chunk *chunk = PyMem_Malloc(sizeof *chunk + bytes);
        if (chunk == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        chunk->next = scratch->chunks;
        chunk->size = bytes;
        scratch->chunks = chunk;
        base = chunk->bytes;
        at = 0;
    }
    scratch->used = at + size;
    return memset(base + at, 0, size);
}

static core_kept *keep_new(core_scratch *scratch)
{
    core_kept *kept =
        core_scratch_alloc(scratch, sizeof *kept, _Alignof(core_kept));
    if (kept != NULL) {
        kept->next = scratch->kept;
        scratch->kept = kept;
    }
    return kept;
}

int core_keep(core_scratch *scratch, PyObject *object)
{
    core_kept *kept = keep_new(scratch);
    if (kept == NULL) {
        Py_DECREF(object);
        return -1;
    }
    kept->object = object;
    return 0;
}

int core_keep_buffer(core_scratch *scratch, PyObject *object, int flags,
                     Py_buffer **out)
{
    core_kept *kept = keep_new(scratch);
    if (kept == NULL) {
        return -1;
    }
    if (PyObject_GetBuffer(object, &kept->buffer, flags) != 0) {
        scratch->kept = kept->next;
        PyErr_Clear();
        return 1;
    }
    *out = &kept->buffer;
    return 0;
}

/* ---- errors -------------------------------------------------------------- */

/* Writes a key as the codec writes keys in its own paths: ["lang"]. */
static PyObject *quoted(PyObject *key)
{
    Py_ssize_t len = 0;
    const char *text =
        PyUnicode_Check(key) ? PyUnicode_AsUTF8AndSize(key, &len) : NULL;
    if (text == NULL) {
        PyErr_Clear();
        return PyUnicode_FromFormat("%R", key);
    }
    char *out = PyMem_Malloc(2 * (size_t)len + 3);
    char *end = out;
    if (out == NULL) {
        return PyErr_NoMemory();
    }
    *end++ = '"';
    for (Py_ssize_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            *end++ = '\\';
        }
        *end++ = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    *end++ = '"';
    PyObject *made = PyUnicode_FromStringAndSize(out, end - out);
    PyMem_Free(out);
    return made;
}

static PyObject *path_of(const core_step *step)
{
    if (step == NULL) {
        return PyUnicode_FromString("");
    }
    PyObject *up = path_of(step->up);
    PyObject *path = NULL;
    if (up == NULL) {
        return NULL;
    }
    if (step->name != NULL) {
        path = PyUnicode_FromFormat("%U%s%U", up, step->up != NULL ? "." : "",
                                    step->name);
    } else if (step->key != NULL) {
        PyObject *key = quoted(step->key);
        path = key != NULL ? PyUnicode_FromFormat("%U[%U]", up, key) : NULL;
        Py_XDECREF(key);
    } else {
        path = PyUnicode_FromFormat("%U[%zd]", up, step->index);
    }
    Py_DECREF(up);
    return path;
}

int core_refuse(PyObject *type, const core_step *step, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PyObject *text = PyUnicode_FromFormatV(format, args);
    va_end(args);
    PyObject *path = path_of(step);
    if (text != NULL && path != NULL) {
        PyErr_Format(type, PyUnicode_GetLength(path) > 0 ? "%U: %U" : "%U%U",
                     path, text);
    }
    Py_XDECREF(text);
    Py_XDECREF(path);
    return -1;
}
