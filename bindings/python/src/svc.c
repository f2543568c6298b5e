/* The text of services: shmrpc.svc writes it; this file parses it and makes it
 * canonical. */
#include "core.h"

/* Joins the pieces of a service's text. A piece may end within a character;
 * only all pieces together are valid UTF-8. */
static PyObject *join(const char *const *pieces)
{
    PyObject *whole = PyBytes_FromString("");
    for (; whole != NULL && *pieces != NULL; pieces++) {
        PyObject *piece = PyBytes_FromString(*pieces);
        if (piece == NULL) {
            Py_CLEAR(whole);
        } else {
            PyBytes_ConcatAndDel(&whole, piece);
        }
    }
    PyObject *text = whole != NULL
                         ? PyUnicode_FromEncodedObject(whole, "utf-8", NULL)
                         : NULL;
    Py_XDECREF(whole);
    return text;
}

/* canonical(text) -> text. Raises ValueError("line:column: what is wrong"). */
PyObject *core_canonical(PyObject *module, PyObject *text)
{
    Py_ssize_t len;
    shmrpc_error error;
    shmrpc_interface *interface;
    (void)module;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &len);
    if (bytes == NULL) {
        return NULL;
    }
    int status = shmrpc_interface_read(bytes, (size_t)len, &interface, &error);
    if (status == SHMRPC_E_NO_MEMORY) {
        return PyErr_NoMemory();
    }
    if (status != SHMRPC_OK) {
        return PyErr_Format(PyExc_ValueError, "%s%s%s", error.path,
                            error.path[0] != '\0' ? ": " : "", error.message);
    }
    PyObject *whole = join(shmrpc_interface_service(interface)->text);
    shmrpc_interface_release(interface);
    return whole;
}
