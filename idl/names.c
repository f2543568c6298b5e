/* The name map (chained, FNV-1a) and the edit distance. */
#include "idl/names.h"

#include <stdint.h>
#include <string.h>

#include "idl/limits.h"

#define FIRST_BUCKETS 64

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

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_but_case(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Damerau and Levenshtein's distance, in its form without overlapping swaps;
 * three rows are enough.  Both are at most IDL_MAX_NAME_BYTES long. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][IDL_MAX_NAME_BYTES + 1];
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t cost = a[i - 1] != b[j - 1];
            row[j] =
                least(least(above[j], row[j - 1]) + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[a_len % 3][b_len];
}

void idl_nearest_offer(idl_nearest *search, const char *name)
{
    size_t wanted_len = strlen(search->wanted);
    size_t name_len = strlen(name);
    if (wanted_len > IDL_MAX_NAME_BYTES || name_len > IDL_MAX_NAME_BYTES ||
        strcmp(search->wanted, name) == 0) {
        return;
    }
    size_t longest = wanted_len > name_len ? wanted_len : name_len;
    size_t allowed = longest < 3 ? 0 : longest < 6 ? 1 : 2;
    size_t found = distance(search->wanted, wanted_len, name, name_len);
    if (same_but_case(search->wanted, name)) {
        allowed = found = 1;
    }
    if (found <= allowed &&
        (search->best == NULL || found < search->distance)) {
        search->best = name;
        search->distance = found;
    }
}

const char *idl_nearest_of(const char *wanted, const char *const *names,
                           size_t count)
{
    idl_nearest search = {.wanted = wanted};
    for (size_t i = 0; i < count; i++) {
        idl_nearest_offer(&search, names[i]);
    }
    return search.best;
}
