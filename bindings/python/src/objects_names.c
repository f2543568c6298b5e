/* Functions for the objects in a folder: list, remove, collect garbage. */
#include "objects.h"

#include "shmrpc/objects.h"

static const char *const states[] = {[SHMRPC_OBJECT_FREE] = "free",
                                     [SHMRPC_OBJECT_HELD] = "held",
                                     [SHMRPC_OBJECT_OWNER_DIED] = "owner died",
                                     [SHMRPC_OBJECT_DESTROYED] = "destroyed",
                                     [SHMRPC_OBJECT_DAMAGED] = "damaged",
                                     [SHMRPC_OBJECT_UNREADABLE] = "unreadable",
                                     [SHMRPC_OBJECT_IN_USE] = "in use",
                                     [SHMRPC_OBJECT_IDLE] = "idle",
                                     [SHMRPC_OBJECT_OVER] = "over"};

/* Adds a row. Names come from files: bytes that are not UTF-8 are replaced. */
static bool add_row(void *user, const shmrpc_object_info *info)
{
    PyObject *list = user;
    PyObject *name = PyUnicode_DecodeUTF8(
        info->name, (Py_ssize_t)strlen(info->name), "replace");
    PyObject *type = PyUnicode_DecodeUTF8(
        info->type, (Py_ssize_t)strlen(info->type), "replace");
    PyObject *row = name != NULL && type != NULL
                        ? Py_BuildValue("OsOsIIIK", name, info->kind, type,
                                        states[info->state], info->uid,
                                        info->mode, info->open_count,
                                        (unsigned long long)info->memory_bytes)
                        : NULL;
    int failed = row != NULL ? PyList_Append(list, row) : -1;
    Py_XDECREF(name);
    Py_XDECREF(type);
    Py_XDECREF(row);
    return failed == 0;
}

static PyObject *raise_of(PyObject *module, int status)
{
    shmrpc_error error;
    objects_status_error(&error, status);
    return core_raise_plain(PyModule_GetState(module), &error);
}

/* list_objects(scope) -> [(name, kind, type, state, uid, mode, open_count,
 * memory_bytes)] */
PyObject *objects_list(PyObject *module, PyObject *args)
{
    int scope;
    if (!PyArg_ParseTuple(args, "i:list_objects", &scope)) {
        return NULL;
    }
    PyObject *list = PyList_New(0);
    if (list == NULL) {
        return NULL;
    }
    core_wait wait;
    core_wait_enter(&wait, CORE_WAIT_LATE);
    shmrpc_status status =
        shmrpc_objects_visit((shmrpc_scope)scope, add_row, list);
    bool is_raised = core_wait_leave(&wait);
    if (is_raised || status != SHMRPC_OK) {
        Py_DECREF(list);
        return is_raised ? NULL : raise_of(module, status);
    }
    return list;
}

/* remove_object(scope, name, kind or None) */
PyObject *objects_remove(PyObject *module, PyObject *args)
{
    int scope;
    const char *name;
    const char *kind;
    shmrpc_error error;
    core_wait wait;
    if (!PyArg_ParseTuple(args, "isz:remove_object", &scope, &name, &kind)) {
        return NULL;
    }
    core_wait_enter(&wait, CORE_WAIT_WHOLE);
    shmrpc_status status =
        shmrpc_object_remove((shmrpc_scope)scope, name, kind, &error);
    if (core_wait_leave(&wait)) {
        return NULL;
    }
    return status == SHMRPC_OK
               ? Py_NewRef(Py_None)
               : core_raise_plain(PyModule_GetState(module), &error);
}

/* collect_objects(scope, idle seconds) -> number of removed objects */
PyObject *objects_collect(PyObject *module, PyObject *args)
{
    int scope;
    double idle;
    uint32_t removed = 0;
    core_wait wait;
    if (!PyArg_ParseTuple(args, "id:collect_objects", &scope, &idle)) {
        return NULL;
    }
    if (!(idle >= 0 && idle < 9e9)) {
        PyErr_SetString(PyExc_ValueError, "idle: expected 0 or more seconds");
        return NULL;
    }
    core_wait_enter(&wait, CORE_WAIT_WHOLE);
    shmrpc_status status = shmrpc_objects_collect(
        (shmrpc_scope)scope, (int64_t)(idle * 1e9), &removed);
    if (core_wait_leave(&wait)) {
        return NULL;
    }
    return status == SHMRPC_OK ? PyLong_FromUnsignedLong(removed)
                               : raise_of(module, status);
}
