/*
 * Words: a map from names to objects.
 *
 * Threading: one thread at a time.
 */
#ifndef IDL_NAMES_H
#define IDL_NAMES_H

#include <stddef.h>

#include "idl/memory.h"

/* Names to objects; lives in the arena.  All zero is an empty map. */
typedef struct idl_map_entry idl_map_entry;
typedef struct idl_map {
    idl_map_entry **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
} idl_map;

/* The object under `name`, or NULL. */
void *idl_map_get(const idl_map *map, const char *name);

/* Puts `object` under `name`, which must live as long as the map.  Returns the
 * object that is there already and changes nothing, or NULL after adding. */
void *idl_map_put(idl_map *map, idl_memory *memory, const char *name,
                  void *object);

#endif
