/*
 * Queues. In a queue with acknowledgements, a taken item is held until
 * task_done() or until the handle is closed; in other queues it is released at
 * once.
 */
#include "objects.h"

#include <string.h>

/* An item that was taken and is not acknowledged yet. */
typedef struct held_item {
    struct held_item *next;
    const shmrpc_any *item;
    unsigned long long id;
} held_item;

typedef struct queue {
    objects_handle base;
    bool is_acked;   /* items are held until task_done(); otherwise taking one
                      * acknowledges it */
    held_item *held; /* newest first */
    unsigned long long last_id;
    /* Items that were taken while a signal handler raised; they are returned
     * next. */
    PyObject *saved;
} queue;

static shmrpc_queue *queue_of(const queue *q)
{
    return q->base.at;
}

/* ---- opening ------------------------------------------------------------- */

static void close_queue(void *at)
{
    shmrpc_queue_close(at);
}

static shmrpc_status destroy_queue(void *at)
{
    return shmrpc_queue_destroy(at);
}

static PyObject *stat_queue(void *at, shmrpc_status *out)
{
    shmrpc_queue_stat stat;
    *out = shmrpc_queue_stat_read(at, &stat);
    if (*out != SHMRPC_OK) {
        return NULL;
    }
    const objects_figure figures[] = {
        {"item_count", stat.item_count},
        {"byte_count", stat.byte_count},
        {"capacity", stat.capacity},
        {"max_item_bytes", stat.max_item_bytes},
        {"pushed_count", stat.pushed_count},
        {"popped_count", stat.popped_count},
        {"dropped_count", stat.dropped_count},
        {"redelivered_count", stat.redelivered_count},
        {"unacked_count", stat.unacked_count},
        {"sleep_count", stat.sleep_count},
        {"rescued_count", stat.rescued_count},
        {"waiting_for_items", stat.waiting_for_items},
        {"waiting_for_room", stat.waiting_for_room},
        {"open_count", stat.open_count},
        {"producer_count", stat.producer_count},
        {"is_ended", stat.is_ended}};
    return objects_figures(figures, sizeof figures / sizeof *figures);
}

static const objects_kind kind_queue = {"queue", close_queue, destroy_queue,
                                        stat_queue};

/* `more` is (capacity, overflow, flags, encoding, max_item_bytes). */
int objects_open_queue(objects_opening *opening, int *status,
                       shmrpc_error *error)
{
    queue *q = (queue *)opening->handle;
    unsigned long long capacity;
    unsigned long long max_item_bytes;
    int overflow;
    unsigned flags;
    int encoding;
    if (!PyArg_ParseTuple(opening->more, "KiIiK", &capacity, &overflow, &flags,
                          &encoding, &max_item_bytes)) {
        return -1;
    }
    const shmrpc_queue_opts opts = {.shared = opening->shared,
                                    .capacity = capacity,
                                    .overflow = (shmrpc_overflow)overflow,
                                    .flags = flags,
                                    .encoding = (shmrpc_encoding)encoding,
                                    .max_item_bytes = max_item_bytes};
    shmrpc_queue *made = NULL;
    opening->handle->kind = &kind_queue;
    q->is_acked = (flags & SHMRPC_SHARED_ACKED) != 0;
    if (q->saved == NULL && (q->saved = PyList_New(0)) == NULL) {
        return -1;
    }
    *status = shmrpc_queue_open(opening->name, &opts, &made, error);
    opening->handle->at = made;
    return 0;
}

/* Gives all held items back, so that they are delivered again. If the queue was
 * closed before, the library has already given them back, and this function
 * only frees their memory. */
static void give_back(queue *q)
{
    core_wait wait;
    core_wait_enter(&wait, CORE_WAIT_LATE);
    while (q->held != NULL) {
        held_item *held = q->held;
        q->held = held->next;
        shmrpc_queue_release(queue_of(q), held->item);
        PyMem_Free(held);
    }
    (void)core_wait_leave(&wait);
}

static void queue_dealloc(PyObject *self)
{
    queue *q = (queue *)self;
    PyObject *type;
    PyObject *value;
    PyObject *trace;
    PyErr_Fetch(&type, &value, &trace);
    give_back(q);
    PyErr_Restore(type, value, trace);
    Py_CLEAR(q->saved);
    objects_handle_dealloc(self);
}

/* ---- putting ------------------------------------------------------------- */

/* _put(item, seconds): returns 1 if the item was put, 0 if there was no
 * room. */
static PyObject *queue_put(PyObject *self, PyObject *args)
{
    queue *q = (queue *)self;
    core_scratch scratch;
    objects_call call;
    shmrpc_opts opts;
    shmrpc_any any;
    PyObject *item;
    PyObject *seconds;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "OO:_put", &item, &seconds) ||
        objects_wait_opts(seconds, &opts) != 0 ||
        objects_check_open(&q->base) != 0) {
        return NULL;
    }
    core_scratch_init_typed(&scratch, q->base.state, true);
    if (objects_value_to_c(&q->base, &scratch, item, "item", &any) == 0 &&
        objects_enter(&call, &q->base, CORE_WAIT_LATE) == 0) {
        int status = shmrpc_queue_push(queue_of(q), &any, &opts, &call.error);
        bool is_full = status == SHMRPC_E_DEADLINE || status == SHMRPC_E_BUSY;
        bool is_ok = is_full ? objects_leave_quietly(&call)
                             : objects_leave(&call, status);
        result = is_ok ? PyBool_FromLong(!is_full) : NULL;
    }
    core_scratch_fini(&scratch);
    return result;
}

/* ---- taking -------------------------------------------------------------- */

/* Takes over the item and returns its id. Returns 0 if there is no memory; then
 * the item was given back. */
static unsigned long long hold(queue *q, const shmrpc_any *item)
{
    held_item *held = PyMem_Malloc(sizeof *held);
    if (held == NULL) {
        shmrpc_queue_release(queue_of(q), item);
        PyErr_NoMemory();
        return 0;
    }
    *held = (held_item){q->held, item, ++q->last_id};
    q->held = held;
    return held->id;
}

/* Makes (value, id or 0, whether the item was delivered before). Takes over the
 * item. Must be called between objects_enter() and objects_leave(). An item
 * that can't be converted is acknowledged, since otherwise it would be
 * delivered again and again. If the queue has no acknowledgements, the item is
 * only freed. */
static PyObject *taken(queue *q, const shmrpc_any *item)
{
    unsigned long long id = 0;
    PyObject *value = objects_value_from_c(&q->base, item);
    PyObject *came_before = PyBool_FromLong(shmrpc_queue_is_redelivered(item));
    if (value != NULL && q->is_acked) {
        id = hold(q, item);
        if (id == 0) {
            Py_CLEAR(value);
        }
    } else {
        (void)shmrpc_queue_ack(queue_of(q), item);
    }
    PyObject *row =
        value != NULL ? Py_BuildValue("OKO", value, id, came_before) : NULL;
    Py_XDECREF(value);
    Py_DECREF(came_before);
    return row;
}

/* Keeps an item that arrived while a signal handler raised: the next call
 * returns it. If that fails, it is delivered again. */
static void save(queue *q, const shmrpc_any *item)
{
    PyObject *type;
    PyObject *value;
    PyObject *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyObject *row = taken(q, item); /* also sets an exception if it fails */
    if (row == NULL || PyList_Append(q->saved, row) != 0) {
        PyErr_WriteUnraisable((PyObject *)q);
    }
    Py_XDECREF(row);
    PyErr_Restore(type, value, trace);
}

/* _get(seconds): returns None if nothing has arrived. */
static PyObject *queue_get(PyObject *self, PyObject *seconds)
{
    queue *q = (queue *)self;
    objects_call call;
    shmrpc_opts opts;
    const shmrpc_any *item = NULL;
    if (objects_wait_opts(seconds, &opts) != 0 ||
        objects_check_open(&q->base) != 0) {
        return NULL;
    }
    if (PyList_Size(q->saved) > 0) {
        PyObject *row = Py_NewRef(PyList_GetItem(q->saved, 0));
        if (PyList_SetSlice(q->saved, 0, 1, NULL) != 0) {
            Py_CLEAR(row);
        }
        return row;
    }
    if (objects_enter(&call, &q->base, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status = shmrpc_queue_pop(queue_of(q), &opts, &item, &call.error);
    if (status == SHMRPC_OK && PyErr_Occurred()) {
        save(q, item);
        item = NULL;
    }
    if (status == SHMRPC_E_DEADLINE || status == SHMRPC_E_BUSY) {
        return objects_leave_quietly(&call) ? Py_NewRef(Py_None) : NULL;
    }
    PyObject *row = status == SHMRPC_OK && item != NULL ? taken(q, item) : NULL;
    if (!objects_leave(&call, status)) {
        Py_CLEAR(row);
    }
    return row;
}

static PyObject *queue_peek(PyObject *self, PyObject *unused)
{
    queue *q = (queue *)self;
    objects_call call;
    const shmrpc_any *item;
    (void)unused;
    if (objects_enter(&call, &q->base, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status = shmrpc_queue_peek(queue_of(q), &item, &call.error);
    PyObject *value = NULL;
    if (status == SHMRPC_OK) {
        value = objects_value_from_c(&q->base, item);
        shmrpc_queue_release(queue_of(q), item);
    }
    if (status == SHMRPC_E_BUSY) {
        return objects_leave_quietly(&call) ? PyTuple_New(0) : NULL;
    }
    return objects_leave(&call, status) && value != NULL
               ? Py_BuildValue("(N)", value)
               : NULL;
}

/* Finds the held item with this id and stops holding it; NULL if there is
 * none. */
static const shmrpc_any *unhold(queue *q, unsigned long long id)
{
    for (held_item **at = &q->held; *at != NULL; at = &(*at)->next) {
        held_item *held = *at;
        if (held->id == id) {
            const shmrpc_any *item = held->item;
            *at = held->next;
            PyMem_Free(held);
            return item;
        }
    }
    return NULL;
}

/* _done(id, is_done): acknowledges an item, or gives it back. */
static PyObject *queue_done(PyObject *self, PyObject *args)
{
    queue *q = (queue *)self;
    objects_call call;
    unsigned long long id;
    int is_done;
    if (!PyArg_ParseTuple(args, "Kp:_done", &id, &is_done) ||
        objects_enter(&call, &q->base, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    const shmrpc_any *item = unhold(q, id);
    int status = SHMRPC_OK;
    if (item == NULL) {
        PyErr_SetString(PyExc_ValueError, "the item is already done");
    } else if (is_done) {
        status = shmrpc_queue_ack(queue_of(q), item);
    } else {
        shmrpc_queue_release(queue_of(q), item);
    }
    objects_status_error(&call.error, status);
    return objects_leave(&call, status) ? Py_NewRef(Py_None) : NULL;
}

/* Returns the ids of held items, oldest first. */
static PyObject *queue_held(PyObject *self, PyObject *unused)
{
    PyObject *list = PyList_New(0);
    (void)unused;
    for (const held_item *at = ((queue *)self)->held;
         list != NULL && at != NULL; at = at->next) {
        PyObject *id = PyLong_FromUnsignedLongLong(at->id);
        if (id == NULL || PyList_Insert(list, 0, id) != 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(id);
    }
    return list;
}

static PyObject *queue_end(PyObject *self, PyObject *unused)
{
    queue *q = (queue *)self;
    objects_call call;
    (void)unused;
    if (objects_enter(&call, &q->base, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status = shmrpc_queue_end(queue_of(q));
    objects_status_error(&call.error, status);
    return objects_leave(&call, status) ? Py_NewRef(Py_None) : NULL;
}

static int queue_fd(void *at)
{
    return shmrpc_queue_fd(at);
}

static PyObject *queue_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    return objects_fileno((objects_handle *)self, queue_fd);
}

static PyMethodDef queue_methods[] = {
    {"_put", queue_put, METH_VARARGS, NULL},
    {"_get", queue_get, METH_O, NULL},
    {"_peek", queue_peek, METH_NOARGS, NULL},
    {"_done", queue_done, METH_VARARGS, NULL},
    {"_held", queue_held, METH_NOARGS, NULL},
    {"_end", queue_end, METH_NOARGS, NULL},
    {"fileno", queue_fileno, METH_NOARGS,
     "A descriptor that is readable when there may be an item."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot queue_slots[] = {
    {Py_tp_dealloc, queue_dealloc}, {Py_tp_methods, queue_methods}, {0, NULL}};

PyType_Spec objects_queue_spec = {.name = "shmrpc._core.Queue",
                                  .basicsize = sizeof(queue),
                                  .flags =
                                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                  .slots = queue_slots};
