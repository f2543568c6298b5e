/* Users and groups. */
#include "os/account.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>

/* Members of a group are part of what is read. */
#define RECORD_BYTES ((size_t)1 << 20)

static bool is_number(const char *name, uint32_t *out)
{
    char *end;
    unsigned long long number = strtoull(name, &end, 10);
    *out = (uint32_t)number;
    return name[0] >= '0' && name[0] <= '9' && *end == '\0' &&
           number < UINT32_MAX;
}

shmrpc_status shmrpci_account_user(const char *name, uint32_t *out_uid)
{
    struct passwd entry;
    struct passwd *found = NULL;
    if (is_number(name, out_uid)) {
        return SHMRPC_OK;
    }
    char *record = malloc(RECORD_BYTES);
    if (record != NULL &&
        getpwnam_r(name, &entry, record, RECORD_BYTES, &found) == 0 &&
        found != NULL) {
        *out_uid = found->pw_uid;
    }
    free(record);
    return found != NULL ? SHMRPC_OK : SHMRPC_E_NOT_FOUND;
}

shmrpc_status shmrpci_account_group(const char *name, uint32_t *out_gid)
{
    struct group entry;
    struct group *found = NULL;
    if (is_number(name, out_gid)) {
        return SHMRPC_OK;
    }
    char *record = malloc(RECORD_BYTES);
    if (record != NULL &&
        getgrnam_r(name, &entry, record, RECORD_BYTES, &found) == 0 &&
        found != NULL) {
        *out_gid = found->gr_gid;
    }
    free(record);
    return found != NULL ? SHMRPC_OK : SHMRPC_E_NOT_FOUND;
}
