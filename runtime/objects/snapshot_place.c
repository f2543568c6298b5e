/* The default places of snapshots. The folder is determined at each use,
 * because a program may set its environment at any time before that. */
#include "objects/snapshot_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/folder.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/read_file.h"

/* The message names the variable that is looked at first. */
static shmrpc_status no_folder(shmrpc_error *error)
{
    return shmrpc_error_set(error, SHMRPC_E_INVALID,
                            "there is no folder for snapshots: set "
                            "SHMRPC_SNAPSHOT_DIR to an absolute path");
}

/* Makes the path of a folder below the one that a variable names. The path is
 * "" if it would be too long, or if the variable has no absolute path. Returns
 * false if the variable isn't set, so that the next one is used. */
static bool below(const char *variable, const char *rest, char *out,
                  size_t size)
{
    const char *base = getenv(variable);
    if (base == NULL || base[0] == '\0') {
        return false;
    }
    int len = snprintf(out, size, "%s%s", base, rest);
    if (base[0] != '/' || (size_t)len >= size) {
        out[0] = '\0'; /* the variable is set, but unusable */
    }
    return true;
}

/* Tries the variables in the order of snapshot_place.h. */
static bool find_folder(char *out, size_t size)
{
    if (!below("SHMRPC_SNAPSHOT_DIR", "", out, size) &&
        !below("SHMRPC_DIR", "/snapshots", out, size) &&
        !below("XDG_STATE_HOME", "/shmrpc/snapshots", out, size) &&
        !below("HOME", "/.local/state/shmrpc/snapshots", out, size)) {
        (void)snprintf(out, size, "%s",
                       shmrpci_process_uid() == 0 ? "/var/lib/shmrpc/snapshots"
                                                  : "");
    }
    return out[0] != '\0';
}

/* The file's name is derived like that of the object's own file, so that any
 * object name is harmless here too. */
shmrpc_status shmrpci_snapshot_place(const shmrpci_snapshot_of *of,
                                     char out[SHMRPCI_SNAPSHOT_PATH_BYTES],
                                     shmrpc_error *error)
{
    char folder[SHMRPCI_SNAPSHOT_PATH_BYTES];
    char file[SHMRPCI_KIND_FILE_BYTES];
    if (shmrpci_kind_file_name(of->kind, of->name, file) != SHMRPC_OK) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "a name must have 1 to 255 bytes of UTF-8");
    }
    if (!find_folder(folder, sizeof folder)) {
        return no_folder(error);
    }
    const char *room =
        of->scope == SHMRPC_SCOPE_ALL_USERS ? "shared" : "objects";
    int len =
        of->service != NULL
            ? snprintf(out, SHMRPCI_SNAPSHOT_PATH_BYTES,
                       "%s/services/%s/%s.snapshot", folder, of->service, file)
            : snprintf(out, SHMRPCI_SNAPSHOT_PATH_BYTES, "%s/%s/%s.snapshot",
                       folder, room, file);
    return len > 0 && len < SHMRPCI_SNAPSHOT_PATH_BYTES ? SHMRPC_OK
                                                        : no_folder(error);
}

/* Makes the folders from the top down; those that exist are left unchanged. */
shmrpc_status shmrpci_snapshot_make_folders(const char *path,
                                            shmrpc_error *error)
{
    char folder[SHMRPCI_SNAPSHOT_PATH_BYTES];
    shmrpc_status status = SHMRPC_OK;
    size_t len = strlen(path);
    if (len >= sizeof folder) {
        return no_folder(error);
    }
    memcpy(folder, path, len + 1);
    for (char *at = strchr(folder + 1, '/'); at != NULL && status == SHMRPC_OK;
         at = strchr(at + 1, '/')) {
        *at = '\0';
        status = shmrpci_folder_create(folder, 0700u);
        *at = '/';
    }
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status,
                                  "the folder of %.120s can't be made: %s",
                                  path, shmrpc_status_text(status));
}

/* If the message has no room for the path, only its last part is shown. */
shmrpc_status shmrpci_snapshot_hint(const shmrpci_snapshot_of *of,
                                    shmrpc_status status, shmrpc_error *error)
{
    char path[SHMRPCI_SNAPSHOT_PATH_BYTES];
    char text[SHMRPC_ERROR_MESSAGE_BYTES];
    int fd;
    if (status != SHMRPC_E_DATA_LOSS || error == NULL ||
        shmrpci_snapshot_place(of, path, NULL) != SHMRPC_OK) {
        return status;
    }
    memcpy(text, error->message, sizeof text);
    if (shmrpci_read_file_open(path, &fd) != SHMRPC_OK) {
        return shmrpc_error_set(error, status, "%s; it has no snapshot", text);
    }
    shmrpci_fd_close(&fd);
    size_t len = strlen(text) + strlen("; its snapshot is ") + strlen(path);
    const char *shown = path;
    if (len >= sizeof text) {
        shown = strrchr(path, '/') + 1;
    }
    return shmrpc_error_set(error, status, "%s; its snapshot is %s", text,
                            shown);
}
