/*
 * The shared objects of this machine (shmrpc/objects.h) and their figures,
 * inspected each second on a thread of its own.
 *
 * It only inspects objects: it doesn't join, create or wait for any. Only
 * objects of our own user have figures; for others there is just the data of
 * the list.
 *
 * Threading: any thread, except open and close.
 */
#ifndef SHMRPC_WEB_OBJECTS_H
#define SHMRPC_WEB_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "objects/kind.h"
#include "shmrpc/error.h"

/* The most objects that are shown; the rest is only counted. */
#define WEB_MAX_OBJECTS 1024

#define WEB_OBJECT_FIGURES 16

typedef struct web_objects web_objects;

typedef struct web_object_figure {
    const char *key; /* such as "pushed_count" */
    uint64_t value;
} web_object_figure;

/* The data of one object. Its name is UTF-8, with any characters. */
typedef struct web_object {
    shmrpc_object_info info;
    shmrpc_scope scope;
    size_t figure_count;
    web_object_figure figures[WEB_OBJECT_FIGURES];
} web_object;

/* Starts the thread, and returns after the first inspection. */
int web_objects_open(web_objects **out, shmrpc_error *error);
void web_objects_close(web_objects *objects);

/* Calls `see` for each object, sorted by scope, kind and name. A lock is held,
 * so `see` must not block. Returns the number of objects, shown or not. */
typedef void web_object_see(const web_object *object, void *user);
size_t web_objects_see(web_objects *objects, web_object_see *see, void *user);

/* The name of an object's scope, such as "user". */
const char *web_object_scope(const web_object *object);

/* Appends a JSON object: the array `objects`, how many were omitted, and why a
 * folder could not be read. */
void web_objects_show(web_objects *objects, shmrpci_buf *out);

#endif
