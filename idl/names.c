/* The name map: chained, FNV-1a. */
#include "idl/names.h"

#include <stdint.h>
#include <string.h>

/* Most maps are of the members of one record. */
#define FIRST_BUCKETS 8

struct idl_map_entry {
    idl_map_entry *next;
    const char *name;
    void *object;
};

static size_t bucket_of(const idl_map *map, const char *name)
{
    uint64_t hash = 14695981039346656037u;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    }
    return (size_t)(hash ^ (hash >> 32)) & (map->bucket_count - 1);
}

void *idl_map_get(const idl_map *map, const char *name)
{
    if (map->count == 0) {
        return NULL;
    }
    const idl_map_entry *entry = map->buckets[bucket_of(map, name)];
    while (entry != NULL && strcmp(entry->name, name) != 0) {
        entry = entry->next;
    }
    return entry != NULL ? entry->object : NULL;
}

static void link_entry(idl_map *map, idl_map_entry *entry)
{
    idl_map_entry **bucket = &map->buckets[bucket_of(map, entry->name)];
    entry->next = *bucket;
    *bucket = entry;
}

static void grow(idl_map *map, idl_memory *memory)
{
    idl_map old = *map;
    map->bucket_count =
        old.bucket_count == 0 ? FIRST_BUCKETS : old.bucket_count * 2;
    map->buckets = IDL_NEW_ARRAY(memory, map->bucket_count, idl_map_entry *);
    for (size_t i = 0; i < old.bucket_count; i++) {
        idl_map_entry *entry = old.buckets[i];
        while (entry != NULL) {
            idl_map_entry *next = entry->next;
            link_entry(map, entry);
            entry = next;
        }
    }
}

void *idl_map_put(idl_map *map, idl_memory *memory, const char *name,
                  void *object)
{
    void *present = idl_map_get(map, name);
    if (present != NULL) {
        return present;
    }
    if (map->count >= map->bucket_count) {
        grow(map, memory);
    }
    idl_map_entry *entry = IDL_NEW(memory, idl_map_entry);
    entry->name = name;
    entry->object = object;
    link_entry(map, entry);
    map->count++;
    return NULL;
}
