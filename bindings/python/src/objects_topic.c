/* Topics and subscriptions. */
#include "objects.h"

#include <string.h>

/* ---- topics -------------------------------------------------------------- */

static void close_topic(void *at)
{
    shmrpc_topic_close(at);
}

static shmrpc_status destroy_topic(void *at)
{
    return shmrpc_topic_destroy(at);
}

static PyObject *stat_topic(void *at, shmrpc_status *out)
{
    shmrpc_topic_stat stat;
    *out = shmrpc_topic_stat_read(at, &stat);
    if (*out != SHMRPC_OK) {
        return NULL;
    }
    const objects_figure figures[] = {
        {"published_count", stat.published_count},
        {"dropped_count", stat.dropped_count},
        {"received_count", stat.received_count},
        {"lost_count", stat.lost_count},
        {"evicted_count", stat.evicted_count},
        {"history", stat.history},
        {"max_item_bytes", stat.max_item_bytes},
        {"open_count", stat.open_count},
        {"subscriber_count", stat.subscriber_count},
        {"is_ended", stat.is_ended}};
    return objects_figures(figures, sizeof figures / sizeof *figures);
}

static const objects_kind kind_topic = {"topic", close_topic, destroy_topic,
                                        stat_topic};

/* `more` is (history, overflow, encoding, max_item_bytes, max_stall or
 * None). */
int objects_open_topic(objects_opening *opening, int *status,
                       shmrpc_error *error)
{
    unsigned long long history;
    unsigned long long max_item_bytes;
    int overflow;
    int encoding;
    PyObject *stall;
    bool is_none = false;
    int64_t stall_ns = 0;
    if (!PyArg_ParseTuple(opening->more, "KiiKO", &history, &overflow,
                          &encoding, &max_item_bytes, &stall) ||
        (stall != Py_None &&
         objects_timeout(stall, &stall_ns, &is_none) != 0)) {
        return -1;
    }
    const shmrpc_topic_opts opts = {.shared = opening->shared,
                                    .history = history,
                                    .max_item_bytes = max_item_bytes,
                                    .overflow = (shmrpc_overflow)overflow,
                                    .encoding = (shmrpc_encoding)encoding,
                                    .max_stall_ns = is_none ? 1 : stall_ns};
    shmrpc_topic *made = NULL;
    opening->handle->kind = &kind_topic;
    *status = shmrpc_topic_open(opening->name, &opts, &made, error);
    opening->handle->at = made;
    return 0;
}

/* _publish(message, seconds) */
static PyObject *topic_publish(PyObject *self, PyObject *args)
{
    objects_handle *handle = (objects_handle *)self;
    core_scratch scratch;
    objects_call call;
    shmrpc_opts opts;
    shmrpc_any any;
    PyObject *message;
    PyObject *seconds;
    bool is_ok = false;
    if (!PyArg_ParseTuple(args, "OO:_publish", &message, &seconds) ||
        objects_wait_opts(seconds, &opts) != 0 ||
        objects_check_open(handle) != 0) {
        return NULL;
    }
    core_scratch_init_typed(&scratch, handle->state, true);
    if (objects_value_to_c(handle, &scratch, message, "message", &any) == 0 &&
        objects_enter(&call, handle, CORE_WAIT_LATE) == 0) {
        int status = shmrpc_topic_publish(handle->at, &any, &opts, &call.error);
        is_ok = objects_leave(&call, status);
    }
    core_scratch_fini(&scratch);
    return is_ok ? Py_NewRef(Py_None) : NULL;
}

static void sub_close(void *at)
{
    shmrpc_sub_close(at);
}

static PyObject *topic_subscribe(PyObject *self, PyObject *unused)
{
    objects_handle *handle = (objects_handle *)self;
    objects_call call;
    shmrpc_sub *sub = NULL;
    (void)unused;
    if (objects_enter(&call, handle, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status = shmrpc_topic_subscribe(handle->at, &sub, &call.error);
    if (!objects_leave(&call, status)) {
        shmrpc_sub_close(sub);
        return NULL;
    }
    return objects_part_new(handle, OBJECTS_SUB, sub, sub_close);
}

static PyObject *topic_end(PyObject *self, PyObject *unused)
{
    objects_handle *handle = (objects_handle *)self;
    objects_call call;
    (void)unused;
    if (objects_enter(&call, handle, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status = shmrpc_topic_end(handle->at);
    objects_status_error(&call.error, status);
    return objects_leave(&call, status) ? Py_NewRef(Py_None) : NULL;
}

static PyMethodDef topic_methods[] = {
    {"_publish", topic_publish, METH_VARARGS, NULL},
    {"_subscribe", topic_subscribe, METH_NOARGS, NULL},
    {"end", topic_end, METH_NOARGS, "Ends the topic, for all processes."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot topic_slots[] = {{Py_tp_methods, topic_methods}, {0, NULL}};

PyType_Spec objects_topic_spec = {.name = "shmrpc._core.Topic",
                                  .basicsize = sizeof(objects_handle),
                                  .flags =
                                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                  .slots = topic_slots};

/* ---- subscriptions ------------------------------------------------------- */

/* _next(seconds): returns the message. For LOST and other statuses it raises
 * the status's exception. */
static PyObject *sub_next(PyObject *self, PyObject *seconds)
{
    objects_part *part = (objects_part *)self;
    objects_call call;
    shmrpc_opts opts;
    const shmrpc_any *message;
    if (objects_wait_opts(seconds, &opts) != 0 ||
        objects_part_enter(&call, part, CORE_WAIT_LATE) != 0) {
        return NULL;
    }
    int status = shmrpc_sub_next(part->at, &message, &opts, &call.error);
    PyObject *value = objects_leave(&call, status)
                          ? objects_value_from_c(part->handle, message)
                          : NULL;
    objects_part_leave(part);
    return value;
}

static PyObject *sub_lost(PyObject *self, void *unused)
{
    const objects_part *part = (const objects_part *)self;
    (void)unused;
    return PyLong_FromUnsignedLongLong(
        part->at != NULL ? shmrpc_sub_lost(part->at) : 0);
}

static int sub_fd(void *at)
{
    return shmrpc_sub_fd(at);
}

static PyObject *sub_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    return objects_part_fileno(self, sub_fd);
}

static PyMethodDef sub_methods[] = {
    {"_next", sub_next, METH_O, NULL},
    {"fileno", sub_fileno, METH_NOARGS,
     "A descriptor that is readable when there may be a message."},
    {"close", objects_part_close, METH_NOARGS, "Ends the subscription."},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef sub_members[] = {
    {"lost", sub_lost, NULL,
     "How many messages this subscription has lost in all.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot sub_slots[] = {{Py_tp_dealloc, objects_part_dealloc},
                                  {Py_tp_methods, sub_methods},
                                  {Py_tp_getset, sub_members},
                                  {0, NULL}};

PyType_Spec objects_sub_spec = {.name = "shmrpc._core.Subscription",
                                .basicsize = sizeof(objects_part),
                                .flags = Py_TPFLAGS_DEFAULT |
                                         Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                .slots = sub_slots};
