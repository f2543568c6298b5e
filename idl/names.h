/*
 * Words: a map from names to objects, and the nearest name to a misspelt one.
 *
 * Threading: one thread at a time.
 */
#ifndef IDL_NAMES_H
#define IDL_NAMES_H

#include <stdbool.h>
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

/* A search for the name nearest to `wanted`.  Start with `wanted` set and the
 * rest zero; `best` is NULL while nothing was near enough. */
typedef struct idl_nearest {
    const char *wanted;
    const char *best;
    size_t distance;
} idl_nearest;

/* Makes `name` the best if it is nearer than all before: at most two edits
 * (insert, delete, replace, swap neighbours), one in names shorter than six
 * bytes, none in names shorter than three; a difference in case only counts as
 * one edit and is allowed always.  The same name is no suggestion. */
void idl_nearest_offer(idl_nearest *search, const char *name);

/* The nearest of a list of static names, or NULL. */
const char *idl_nearest_of(const char *wanted, const char *const *names,
                           size_t count);

#endif
