/*
 * Users of a dict over NATS, for dict_death_test.py.
 *
 *     entries put ADDRESS WHO KEYS ROUNDS   puts KEYS keys of its own in each
 *                                           round, and says "round N"
 *     entries show ADDRESS                  answers each line of input with the
 *                                           number of entries, a checksum of
 *                                           all entries, and how many entries
 *                                           are of the latest round
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shmrpc/any.h"
#include "shmrpc/dict.h"

static int fail(const char *what, const shmrpc_error *error)
{
    (void)fprintf(stderr, "%s: %s\n", what, error->message);
    return 1;
}

/* ---- put ----------------------------------------------------------------- */

static int put(shmrpc_dict *dict, const char *who, long keys, long rounds)
{
    shmrpc_error error;
    for (long round = 1; round <= rounds; round++) {
        for (long i = 0; i < keys; i++) {
            char name[64];
            (void)snprintf(name, sizeof name, "%s.%ld", who, i);
            shmrpc_any key = shmrpc_any_str(name);
            shmrpc_any value = shmrpc_any_i64(round);
            shmrpc_path path = shmrpc_path_of(&key, 1);
            if (shmrpc_dict_put(dict, &path, &value, &error) != SHMRPC_OK) {
                return fail("put", &error);
            }
        }
        (void)printf("round %ld\n", round);
        (void)fflush(stdout);
    }
    return 0;
}

/* ---- show ---------------------------------------------------------------- */

/* FNV-1a of a key and its value. The hashes of all entries are added, so the
 * order of the entries does not matter. */
static uint64_t hash_of(const shmrpc_any_entry *entry)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < entry->key.u.str.len; i++) {
        hash ^= (unsigned char)entry->key.u.str.ptr[i];
        hash *= UINT64_C(0x100000001b3);
    }
    return (hash ^ (uint64_t)entry->value.u.i64) * UINT64_C(0x100000001b3);
}

static int show(shmrpc_dict *dict)
{
    char line[16];
    shmrpc_error error;
    (void)puts("open");
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        const shmrpc_any *all;
        uint64_t sum = 0;
        int64_t last = 0;
        size_t of_last = 0;
        if (shmrpc_dict_all(dict, &all, &error) != SHMRPC_OK) {
            return fail("all", &error);
        }
        for (size_t i = 0; i < all->u.map.len; i++) {
            const shmrpc_any_entry *entry = &all->u.map.ptr[i];
            int64_t round = entry->value.u.i64;
            of_last = round > last ? 0 : of_last;
            last = round > last ? round : last;
            of_last += round == last ? 1 : 0;
            sum += hash_of(entry);
        }
        (void)printf("%zu %" PRIx64 " %zu\n", all->u.map.len, sum, of_last);
        (void)fflush(stdout);
        shmrpc_dict_release(dict, all);
    }
    return 0;
}

int main(int argc, char **argv)
{
    shmrpc_dict *dict;
    shmrpc_error error;
    if (argc < 3) {
        return 2;
    }
    if (shmrpc_dict_open(argv[2], NULL, &dict, &error) != SHMRPC_OK) {
        return fail("open", &error);
    }
    int result = argc == 6 ? put(dict, argv[3], strtol(argv[4], NULL, 10),
                                 strtol(argv[5], NULL, 10))
                           : show(dict);
    shmrpc_dict_close(dict);
    return result;
}
