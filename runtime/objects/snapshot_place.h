/*
 * The default places of snapshots:
 *
 *     FOLDER/objects/NAME.KIND.snapshot             of the user's objects
 *     FOLDER/shared/NAME.KIND.snapshot              of those for all users
 *     FOLDER/services/SERVICE/NAME.KIND.snapshot    of a service
 *
 * FOLDER is $SHMRPC_SNAPSHOT_DIR, else $SHMRPC_DIR/snapshots, else
 * $XDG_STATE_HOME/shmrpc/snapshots, else ~/.local/state/shmrpc/snapshots, else,
 * for root, /var/lib/shmrpc/snapshots. It is on a disk, unlike the objects
 * themselves.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OBJECTS_SNAPSHOT_PLACE_H
#define SHMRPCI_OBJECTS_SNAPSHOT_PLACE_H

#include "objects/kind.h"

#define SHMRPCI_SNAPSHOT_PATH_BYTES 1024

/* The object to which a snapshot belongs. */
typedef struct shmrpci_snapshot_of {
    const shmrpci_object_kind *kind;
    shmrpc_scope scope;
    const char *service; /* such as "tts" or "tts@2"; NULL: an object of the
                          * folder */
    const char *name;
} shmrpci_snapshot_of;

/* The path of the object's snapshot. Returns INVALID if no folder can be
 * determined, or the path is too long or not absolute. */
shmrpc_status shmrpci_snapshot_place(const shmrpci_snapshot_of *of,
                                     char out[SHMRPCI_SNAPSHOT_PATH_BYTES],
                                     shmrpc_error *error);

/* Makes the missing folders of such a path, accessible only to us. */
shmrpc_status shmrpci_snapshot_make_folders(const char *path,
                                            shmrpc_error *error);

/* If an object was lost (DATA_LOSS), adds the path of its snapshot to the
 * message. Returns `status`. */
shmrpc_status shmrpci_snapshot_hint(const shmrpci_snapshot_of *of,
                                    shmrpc_status status, shmrpc_error *error);

#endif
