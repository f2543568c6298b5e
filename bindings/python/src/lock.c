/* Locks between processes (shmrpc/lock.h), for shmrpc/_lock.py: functions
 * return statuses, which that module turns into exceptions. */
#include "core.h"
#include "wait.h"

#include <string.h>
#include <time.h>

#include "shmrpc/lock.h"

typedef struct lock {
    PyObject_HEAD shmrpc_lock *lock; /* NULL if closed */
    Py_ssize_t users;                /* number of calls that are using the
                                      * lock */
    bool is_closing;                 /* the last call to end closes it */
} lock;

/* How long a thread sleeps before it checks for signals again. */
#define SLICE_NS SHMRPC_WAIT_SLICE_NS

static int begin(lock *l)
{
    if (l->lock == NULL || l->is_closing) {
        PyErr_SetString(PyExc_ValueError, "the lock is closed");
        return -1;
    }
    l->users++;
    return 0;
}

static void close_it(lock *l)
{
    shmrpc_lock *gone = l->lock;
    l->lock = NULL;
    if (gone != NULL) {
        Py_BEGIN_ALLOW_THREADS shmrpc_lock_close(gone);
        Py_END_ALLOW_THREADS
    }
}

static void end(lock *l)
{
    l->users--;
    if (l->users == 0 && l->is_closing) {
        close_it(l);
    }
}

/* ---- opening ------------------------------------------------------------- */

/* open_lock(class, name, mode, flags, permissions, spin_ns) */
PyObject *core_open_lock(PyObject *module, PyObject *args)
{
    core_state *state = PyModule_GetState(module);
    PyTypeObject *type;
    const char *name;
    int mode;
    long long spin_ns;
    shmrpc_lock_opts opts;
    shmrpc_error error;
    core_wait wait;
    memset(&opts, 0, sizeof opts);
    if (!PyArg_ParseTuple(args, "O!siIIL:open_lock", &PyType_Type, &type, &name,
                          &mode, &opts.flags, &opts.permissions, &spin_ns)) {
        return NULL;
    }
    opts.spin_ns = spin_ns;
    if (!PyType_IsSubtype(type, state->lock_type)) {
        PyErr_SetString(PyExc_TypeError, "expected a class of locks");
        return NULL;
    }
    lock *l = (lock *)PyType_GenericAlloc(type, 0);
    if (l == NULL) {
        return NULL;
    }
    core_wait_enter(&wait, CORE_WAIT_WHOLE);
    int status =
        shmrpc_lock_open(name, (shmrpc_lock_mode)mode, &opts, &l->lock, &error);
    bool raised = core_wait_leave(&wait);
    if (status == SHMRPC_OK && !raised) {
        return (PyObject *)l;
    }
    if (status != SHMRPC_OK) {
        l->lock = NULL;
    }
    if (!raised) {
        (void)core_raise_plain(state, &error);
    }
    Py_DECREF(l);
    return NULL;
}

static void lock_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    close_it((lock *)self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* ---- taking -------------------------------------------------------------- */

static int take(shmrpc_lock *it, bool is_shared, int64_t timeout_ns)
{
    const shmrpc_lock_wait wait = {.timeout_ns = timeout_ns};
    if (timeout_ns == 0) {
        return is_shared ? shmrpc_lock_try_acquire_shared(it)
                         : shmrpc_lock_try_acquire(it);
    }
    return is_shared ? shmrpc_lock_acquire_shared(it, &wait)
                     : shmrpc_lock_acquire(it, &wait);
}

static int give_back(shmrpc_lock *it, bool is_shared)
{
    return is_shared ? shmrpc_lock_release_shared(it) : shmrpc_lock_release(it);
}

/* Waits in slices, because a signal does not interrupt the library's waits for
 * locks. Returns -1 with an exception if a signal handler has raised; the lock
 * is not held then. */
static int take_in_slices(shmrpc_lock *it, bool is_shared, int64_t timeout_ns,
                          int *out)
{
    int64_t began_ns = core_now_ns();
    int64_t left_ns = timeout_ns;
    for (;;) {
        core_wait wait;
        int64_t slice_ns = left_ns < SLICE_NS ? left_ns : SLICE_NS;
        core_wait_enter(&wait, CORE_WAIT_LATE);
        int status = take(it, is_shared, slice_ns);
        bool raised = core_wait_leave(&wait) || PyErr_CheckSignals() != 0;
        bool is_held = status == SHMRPC_OK || status == SHMRPC_E_OWNER_DIED;
        if (raised && is_held) {
            (void)give_back(it, is_shared);
        }
        if (timeout_ns != INT64_MAX) {
            left_ns = timeout_ns - (core_now_ns() - began_ns);
        }
        if (raised || status != SHMRPC_E_DEADLINE || left_ns <= 0) {
            *out = status;
            return raised ? -1 : 0;
        }
    }
}

/* acquire(seconds, shared) -> status. Waits for ever if seconds is None, and
 * not at all if it is 0. */
static PyObject *lock_acquire(PyObject *self, PyObject *args)
{
    lock *l = (lock *)self;
    PyObject *seconds;
    int is_shared;
    int status;
    int64_t timeout_ns = 0;
    if (!PyArg_ParseTuple(args, "Op:acquire", &seconds, &is_shared)) {
        return NULL;
    }
    int at_once = PyObject_RichCompareBool(seconds, Py_False, Py_EQ);
    if (at_once < 0 || (at_once == 0 && seconds != Py_None &&
                        core_timeout_of(seconds, &timeout_ns) != 0)) {
        return NULL;
    }
    timeout_ns = seconds == Py_None ? INT64_MAX : timeout_ns;
    if (begin(l) != 0) {
        return NULL;
    }
    int failed = take_in_slices(l->lock, is_shared != 0, timeout_ns, &status);
    end(l);
    return failed == 0 ? PyLong_FromLong(status) : NULL;
}

/* release(shared) -> status */
static PyObject *lock_release(PyObject *self, PyObject *args)
{
    lock *l = (lock *)self;
    int is_shared;
    if (!PyArg_ParseTuple(args, "p:release", &is_shared) || begin(l) != 0) {
        return NULL;
    }
    int status = give_back(l->lock, is_shared != 0);
    end(l);
    return PyLong_FromLong(status);
}

static PyObject *lock_consistent(PyObject *self, PyObject *unused)
{
    lock *l = (lock *)self;
    (void)unused;
    if (begin(l) != 0) {
        return NULL;
    }
    int status = shmrpc_lock_consistent(l->lock);
    end(l);
    return PyLong_FromLong(status);
}

static PyObject *lock_destroy(PyObject *self, PyObject *unused)
{
    lock *l = (lock *)self;
    (void)unused;
    if (begin(l) != 0) {
        return NULL;
    }
    int status;
    Py_BEGIN_ALLOW_THREADS status = shmrpc_lock_destroy(l->lock);
    Py_END_ALLOW_THREADS end(l);
    return PyLong_FromLong(status);
}

/* state() -> (1 if it is free, else 0; pid of the holder, or 0; whether it is
 * destroyed) */
static PyObject *lock_state(PyObject *self, PyObject *unused)
{
    lock *l = (lock *)self;
    (void)unused;
    if (begin(l) != 0) {
        return NULL;
    }
    PyObject *state = Py_BuildValue(
        "iiO", shmrpc_lock_value(l->lock), (int)shmrpc_lock_owner_pid(l->lock),
        shmrpc_lock_is_destroyed(l->lock) ? Py_True : Py_False);
    end(l);
    return state;
}

static PyObject *lock_close(PyObject *self, PyObject *unused)
{
    lock *l = (lock *)self;
    (void)unused;
    l->is_closing = true;
    if (l->users == 0) {
        close_it(l);
    }
    return Py_NewRef(Py_None);
}

static PyMethodDef methods[] = {
    {"_acquire", lock_acquire, METH_VARARGS, NULL},
    {"_release", lock_release, METH_VARARGS, NULL},
    {"_consistent", lock_consistent, METH_NOARGS, NULL},
    {"_destroy", lock_destroy, METH_NOARGS, NULL},
    {"_state", lock_state, METH_NOARGS, NULL},
    {"close", lock_close, METH_NOARGS,
     "Closes this handle; other handles can still use the lock. If the lock is "
     "held through this handle, its owner counts as dead."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot slots[] = {{Py_tp_dealloc, lock_dealloc},
                              {Py_tp_methods, methods},
                              {Py_tp_doc, "The base class of shmrpc.Lock."},
                              {0, NULL}};

PyType_Spec core_lock_spec = {.name = "shmrpc._core.Lock",
                              .basicsize = sizeof(lock),
                              .flags = Py_TPFLAGS_DEFAULT |
                                       Py_TPFLAGS_BASETYPE |
                                       Py_TPFLAGS_DISALLOW_INSTANTIATION,
                              .slots = slots};
