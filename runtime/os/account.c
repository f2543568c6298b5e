/* Users and groups. */
#include "os/account.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Large, because the record of a group includes its members. */
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

shmrpc_status shmrpci_account_find(const char *name, shmrpci_account *out)
{
    struct passwd entry;
    struct passwd *found = NULL;
    uint32_t uid;
    bool is_id = is_number(name, &uid);
    char *record = malloc(RECORD_BYTES);
    if (record == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    int failed = is_id ? getpwuid_r(uid, &entry, record, RECORD_BYTES, &found)
                       : getpwnam_r(name, &entry, record, RECORD_BYTES, &found);
    if (failed == 0 && found != NULL) {
        *out = (shmrpci_account){.uid = entry.pw_uid, .gid = entry.pw_gid};
        (void)snprintf(out->name, sizeof out->name, "%s", entry.pw_name);
        (void)snprintf(out->home, sizeof out->home, "%s", entry.pw_dir);
    } else if (is_id) {
        *out = (shmrpci_account){.uid = uid, .gid = uid, .home = "/"};
    }
    free(record);
    return found != NULL || is_id ? SHMRPC_OK : SHMRPC_E_NOT_FOUND;
}
