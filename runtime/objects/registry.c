/*
 * The list of kinds, and the names of their files.
 *
 * A plain name (os/object.h) with the kind's suffix is the file's name, so that
 * people can read a folder. Any other name, up to 255 bytes of UTF-8, is stored
 * as a hash, with the name in the file; kinds whose files have no room for a
 * name, such as locks, allow plain names only.
 */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "objects/kind.h"
#include "os/object.h"

_Static_assert(SHMRPCI_KIND_FILE_BYTES == SHMRPCI_OBJECT_NAME_BYTES,
               "the same names");

const shmrpci_object_kind *const shmrpci_kinds[] = {
    &shmrpci_kind_lock,
    &shmrpci_kind_queue,
    &shmrpci_kind_topic,
    &shmrpci_kind_pipe,
    &shmrpci_kind_dict,
    &shmrpci_kind_value,
    NULL,
};

const shmrpci_object_kind *shmrpci_kind_of(const char *name)
{
    for (const shmrpci_object_kind *const *at = shmrpci_kinds; *at != NULL;
         at++) {
        if (strcmp((*at)->name, name) == 0) {
            return *at;
        }
    }
    return NULL;
}

/* ---- names --------------------------------------------------------------- */

/* No plain name begins with this. */
#define HASH_PREFIX '%'
#define HASH_DIGITS 32

/* FNV-1a whose result is mixed as in splitmix64, twice with different seeds:
 * 128 bits. It need not withstand attacks, since names with the same hash are
 * distinguished by the names in the files. */
static uint64_t hash(const char *text, size_t len, uint64_t seed)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    }
    h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 31;
}

shmrpc_status shmrpci_kind_file_name(const shmrpci_object_kind *kind,
                                     const char *name,
                                     char out[SHMRPCI_KIND_FILE_BYTES])
{
    size_t len = name == NULL ? 0 : strlen(name);
    if (shmrpci_object_is_plain(name, kind->plain_name_max)) {
        (void)snprintf(out, SHMRPCI_KIND_FILE_BYTES, "%s%s", name,
                       kind->suffix);
        return SHMRPC_OK;
    }
    if (!kind->has_long_names || len == 0 || len > SHMRPC_SHARED_NAME_MAX ||
        shmrpci_utf8_valid_prefix(name, len) != len) {
        return SHMRPC_E_INVALID;
    }
    (void)snprintf(out, SHMRPCI_KIND_FILE_BYTES, "%c%016llx%016llx%s",
                   HASH_PREFIX, (unsigned long long)hash(name, len, 0),
                   (unsigned long long)hash(name, len, 1), kind->suffix);
    return SHMRPC_OK;
}

static bool is_hashed(const shmrpci_object_kind *kind, const char *name,
                      size_t len)
{
    return kind->has_long_names && len == HASH_DIGITS + 1 &&
           name[0] == HASH_PREFIX &&
           strspn(name + 1, "0123456789abcdef") >= HASH_DIGITS;
}

const shmrpci_object_kind *
shmrpci_kind_of_file(const char *file, char out[SHMRPCI_KIND_NAME_BYTES])
{
    size_t len = strlen(file);
    for (const shmrpci_object_kind *const *at = shmrpci_kinds; *at != NULL;
         at++) {
        size_t suffix = strlen((*at)->suffix);
        if (len <= suffix || len - suffix >= SHMRPCI_KIND_NAME_BYTES ||
            strcmp(file + len - suffix, (*at)->suffix) != 0) {
            continue;
        }
        memcpy(out, file, len - suffix);
        out[len - suffix] = '\0';
        if (shmrpci_object_is_plain(out, (*at)->plain_name_max)) {
            return *at;
        }
        if (is_hashed(*at, out, len - suffix)) {
            out[0] = '\0';
            return *at;
        }
    }
    return NULL;
}
