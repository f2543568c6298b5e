/*
 * A map from names to objects.
 *
 * Threading: one thread at a time.
 */
#ifndef IDL_NAMES_H
#define IDL_NAMES_H

#include <stddef.h>

#include "idl/memory.h"

/* Maps names to objects; lives in the arena. All zeros are an empty map. */
typedef struct idl_map_entry idl_map_entry;
typedef struct idl_map {
    idl_map_entry **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
} idl_map;

/* The object under `name`, or NULL. */
void *idl_map_get(const idl_map *map, const char *name);

/* Adds `object` under `name`, which must live as long as the map. If the name
 * exists already, returns its object and changes nothing; else returns NULL. */
void *idl_map_put(idl_map *map, idl_memory *memory, const char *name,
                  void *object);

#endif
