/*
 * The shared objects of this machine (shmrpc/objects.h) and their figures,
 * inspected each second on a thread of its own.
 *
 * It only inspects them: it joins none, creates none, and waits for none. Only
 * objects of our own user have figures; for others there is just the list's
 * data.
 *
 * Threading: any thread, but for open and close.
 */
#ifndef SHMRPC_WEB_OBJECTS_H
#define SHMRPC_WEB_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "objects/kind.h"
#include "shmrpc/error.h"

/* The maximum number of objects shown; the rest is only counted. */
#define WEB_MAX_OBJECTS 1024

#define WEB_OBJECT_FIGURES 16

typedef struct web_objects web_objects;

typedef struct web_object_figure {
    const char *key; /* "pushed_count" */
    uint64_t value;
} web_object_figure;

/* The data of one object; its name is UTF-8, with any characters. */
typedef struct web_object {
    shmrpc_object_info info;
    shmrpc_scope scope;
    size_t figure_count;
    web_object_figure figures[WEB_OBJECT_FIGURES];
} web_object;

/* The first inspection is done when it returns. */
int web_objects_open(web_objects **out, shmrpc_error *error);
void web_objects_close(web_objects *objects);

/* Calls `see` for each one, by scope, kind and name, with a lock held: it must
 * not block. Returns how many there are, shown or not. */
typedef void web_object_see(const web_object *object, void *user);
size_t web_objects_see(web_objects *objects, web_object_see *see, void *user);

/* "user" */
const char *web_object_scope(const web_object *object);

/* Appends an object: `objects`, which is an array, how many were omitted, and
 * why a folder could not be read. */
void web_objects_show(web_objects *objects, shmrpci_buf *out);

#endif
