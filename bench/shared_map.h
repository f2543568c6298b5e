/*
 * Maps in the process's own memory, with which shared maps are compared.
 *
 * Threading: one thread.
 */
#ifndef BENCH_SHARED_MAP_H
#define BENCH_SHARED_MAP_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A std::unordered_map of std::string. There is only one such map. */
void bench_std_map_create(void);
void bench_std_map_put(const char *key, size_t key_len, const void *value,
                       size_t len);
/* Copies the value; returns its length. */
size_t bench_std_map_get(const char *key, size_t key_len, void *value);
void bench_std_map_destroy(void);

#ifdef __cplusplus
}
#endif

#endif
