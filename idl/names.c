/* The map from names to objects: a hash table with chaining and FNV-1a. */
#include "idl/names.h"

#include <stdint.h>
#include <string.h>

/* Most maps hold the members of one record. */
#define FIRST_BUCKETS 4

struct idl_map_entry {
    idl_map_entry *next;
    const char *name;
    void *object;
    uint64_t hash;
};

/* Entries per bucket. Hashes are compared before names, so walking a chain is
 * cheap. */
#define LOAD 2

static uint64_t hash_of(const char *name)
{
    uint64_t hash = 14695981039346656037u;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    }
    return hash ^ (hash >> 32);
}

static idl_map_entry *find(const idl_map *map, const char *name, uint64_t hash)
{
    if (map->count == 0) {
        return NULL;
    }
    idl_map_entry *entry = map->buckets[hash & (map->bucket_count - 1)];
    while (entry != NULL &&
           (entry->hash != hash || strcmp(entry->name, name) != 0)) {
        entry = entry->next;
    }
    return entry;
}

void *idl_map_get(const idl_map *map, const char *name)
{
    const idl_map_entry *entry = find(map, name, hash_of(name));
    return entry != NULL ? entry->object : NULL;
}

static void link_entry(idl_map *map, idl_map_entry *entry)
{
    idl_map_entry **bucket =
        &map->buckets[entry->hash & (map->bucket_count - 1)];
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
    uint64_t hash = hash_of(name);
    idl_map_entry *entry = find(map, name, hash);
    if (entry != NULL) {
        return entry->object;
    }
    if (map->count >= LOAD * map->bucket_count) {
        grow(map, memory);
    }
    entry = IDL_NEW(memory, idl_map_entry);
    *entry = (idl_map_entry){.name = name, .object = object, .hash = hash};
    link_entry(map, entry);
    map->count++;
    return NULL;
}
