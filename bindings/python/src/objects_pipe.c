/* Pipes, which transport a stream of bytes. */
#include "objects.h"

#include <string.h>

static void close_pipe(void *at)
{
    shmrpc_pipe_close(at);
}

static shmrpc_status destroy_pipe(void *at)
{
    return shmrpc_pipe_destroy(at);
}

static PyObject *stat_pipe(void *at, shmrpc_status *out)
{
    shmrpc_pipe_stat stat;
    *out = shmrpc_pipe_stat_read(at, &stat);
    if (*out != SHMRPC_OK) {
        return NULL;
    }
    const objects_figure figures[] = {
        {"byte_count", stat.byte_count},
        {"capacity", stat.capacity},
        {"written_count", stat.written_count},
        {"read_count", stat.read_count},
        {"writer_pid", (unsigned long long)stat.writer_pid},
        {"waiting_for_bytes", stat.waiting_for_bytes},
        {"waiting_for_room", stat.waiting_for_room},
        {"open_count", stat.open_count},
        {"is_ended", stat.is_ended}};
    return objects_figures(figures, sizeof figures / sizeof *figures);
}

static const objects_kind kind_pipe = {"pipe", close_pipe, destroy_pipe,
                                       stat_pipe};

/* `more` is (capacity,). */
int objects_open_pipe(objects_opening *opening, int *status,
                      shmrpc_error *error)
{
    unsigned long long capacity;
    if (!PyArg_ParseTuple(opening->more, "K", &capacity)) {
        return -1;
    }
    const shmrpc_pipe_opts opts = {.shared = opening->shared,
                                   .capacity = capacity};
    shmrpc_pipe *made = NULL;
    opening->handle->kind = &kind_pipe;
    *status = shmrpc_pipe_open(opening->name, &opts, &made, error);
    opening->handle->at = made;
    return 0;
}

/* _write(data, seconds) -> (number of bytes written, whether all were written
 * before the timeout) */
static PyObject *pipe_write(PyObject *self, PyObject *args)
{
    objects_handle *handle = (objects_handle *)self;
    objects_call call;
    shmrpc_opts opts;
    PyObject *seconds;
    Py_buffer data;
    size_t written = 0;
    if (!PyArg_ParseTuple(args, "y*O:_write", &data, &seconds)) {
        return NULL;
    }
    PyObject *result = NULL;
    if (objects_wait_opts(seconds, &opts) == 0 &&
        objects_enter(&call, handle, CORE_WAIT_LATE) == 0) {
        int status = shmrpc_pipe_write(handle->at, data.buf, (size_t)data.len,
                                       &opts, &written, &call.error);
        bool is_late = status == SHMRPC_E_DEADLINE ||
                       (status == SHMRPC_E_BUSY && call.error.pid == 0 &&
                        (opts.flags & SHMRPC_OPT_NONBLOCK) != 0);
        bool is_ok = is_late ? objects_leave_quietly(&call)
                             : objects_leave(&call, status);
        result = is_ok ? Py_BuildValue("nO", (Py_ssize_t)written,
                                       is_late ? Py_False : Py_True)
                       : NULL;
    }
    PyBuffer_Release(&data);
    return result;
}

/* Bytes are read to the heap first, since their number is not known in advance;
 * this bounds the buffer. */
#define MAX_READ_BYTES ((Py_ssize_t)1 << 30)

/* _read(size, seconds): returns b"" at the end, None if nothing has arrived. */
static PyObject *pipe_read(PyObject *self, PyObject *args)
{
    objects_handle *handle = (objects_handle *)self;
    objects_call call;
    shmrpc_opts opts;
    Py_ssize_t size;
    PyObject *seconds;
    size_t count = 0;
    if (!PyArg_ParseTuple(args, "nO:_read", &size, &seconds) ||
        objects_wait_opts(seconds, &opts) != 0) {
        return NULL;
    }
    if (size < 1 || size > MAX_READ_BYTES) {
        PyErr_Format(PyExc_ValueError, "size: %zd, allowed 1..%zd", size,
                     MAX_READ_BYTES);
        return NULL;
    }
    char *bytes = PyMem_Malloc((size_t)size);
    if (bytes == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *result = NULL;
    if (objects_enter(&call, handle, CORE_WAIT_LATE) == 0) {
        int status = shmrpc_pipe_read(handle->at, bytes, (size_t)size, &opts,
                                      &count, &call.error);
        if (status == SHMRPC_E_DEADLINE || status == SHMRPC_E_BUSY) {
            result = objects_leave_quietly(&call) ? Py_NewRef(Py_None) : NULL;
        } else if (objects_leave(&call, status)) {
            result = PyBytes_FromStringAndSize(bytes, (Py_ssize_t)count);
        }
    }
    PyMem_Free(bytes);
    return result;
}

static PyObject *pipe_end(PyObject *self, PyObject *unused)
{
    objects_handle *handle = (objects_handle *)self;
    objects_call call;
    (void)unused;
    if (objects_enter(&call, handle, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status = shmrpc_pipe_end(handle->at);
    objects_status_error(&call.error, status);
    return objects_leave(&call, status) ? Py_NewRef(Py_None) : NULL;
}

static int pipe_fd(void *at)
{
    return shmrpc_pipe_fd(at);
}

static PyObject *pipe_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    return objects_fileno((objects_handle *)self, pipe_fd);
}

static PyMethodDef pipe_methods[] = {
    {"_write", pipe_write, METH_VARARGS, NULL},
    {"_read", pipe_read, METH_VARARGS, NULL},
    {"end", pipe_end, METH_NOARGS,
     "Ends the stream: nothing can be written any more."},
    {"fileno", pipe_fileno, METH_NOARGS,
     "A descriptor that is readable when there may be bytes."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot pipe_slots[] = {{Py_tp_methods, pipe_methods}, {0, NULL}};

PyType_Spec objects_pipe_spec = {.name = "shmrpc._core.Pipe",
                                 .basicsize = sizeof(objects_handle),
                                 .flags =
                                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                 .slots = pipe_slots};
