/*
 * Named objects: files in shared memory that may outlive their processes.
 *
 * A file gets its name when it is complete. To remove a name, a process locks
 * the name byte of the file (byte_lock.h), checks that the name still belongs
 * to that file, and unlinks it. So nobody sees half an object, and of several
 * processes that create one at the same time only one succeeds.
 *
 * There are two rooms: the user's own folder, and a sticky folder for all
 * users, in which only a file's owner and root can remove the file. They are
 * $SHMRPC_DIR/objects and $SHMRPC_DIR/shared if that variable is set, else
 * /dev/shm/shmrpc-UID and /dev/shm/shmrpc, else the same names in /tmp.
 *
 * The content of files is untrusted: a process that may write to a file may
 * change any byte at any time, and may also shorten the file, which kills all
 * processes that access the memory (SIGBUS). Permissions decide which processes
 * may.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_OBJECT_H
#define SHMRPCI_OS_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

#define SHMRPCI_OBJECT_PATH_BYTES 256
#define SHMRPCI_OBJECT_NAME_BYTES 224

/* The byte to lock for unlinking a file; lower bytes are free for other
 * uses. */
#define SHMRPCI_OBJECT_NAME_BYTE (INT64_C(1) << 40)

typedef enum shmrpci_room {
    SHMRPCI_ROOM_USER,
    SHMRPCI_ROOM_ALL_USERS
} shmrpci_room;

/* The identity of an open file, for comparison, and some of its properties. */
typedef struct shmrpci_object_facts {
    uint64_t device;
    uint64_t inode;
    uint64_t bytes;
    uint64_t memory_bytes; /* bytes of memory that it occupies */
    uint32_t uid;
    uint32_t mode;  /* permission bits */
    int64_t age_ns; /* time since it was last touched, by the wall clock */
    bool is_file;
} shmrpci_object_facts;

/* Whether a name can be used as a file name: 1 to `max` letters, digits, `_`,
 * `-` and `.`, not beginning with `.`. False for NULL. */
bool shmrpci_object_is_plain(const char *name, size_t max);

/* Gives the path of a room's folder. Returns INVALID if $SHMRPC_DIR is not
 * usable. */
shmrpc_status shmrpci_object_folder(shmrpci_room room,
                                    char path[SHMRPCI_OBJECT_PATH_BYTES]);

/* Opens the folder; if `create`, creates it first. Returns NOT_FOUND, or DENIED
 * if others could tamper with the folder itself. */
shmrpc_status shmrpci_object_folder_open(shmrpci_room room, const char *path,
                                         bool create, int *out_dir);

enum {
    /* Use a temporary name even if nameless files are possible. */
    SHMRPCI_DRAFT_NAMED = 1u << 0,
    /* Don't allocate the memory yet. */
    SHMRPCI_DRAFT_SPARSE = 1u << 1
};

/* Creates a nameless file of zeros, with its memory allocated unless SPARSE.
 * `temporary` is empty, or its temporary name if the file system has no
 * nameless files (or NAMED). Returns EXHAUSTED, also if the process may not
 * make files that large (RLIMIT_FSIZE), or DENIED. */
shmrpc_status shmrpci_object_draft(int dir_fd, uint32_t mode, uint64_t bytes,
                                   uint32_t flags,
                                   char temporary[SHMRPCI_OBJECT_NAME_BYTES],
                                   int *out_fd);
/* Gives a draft its name; returns EXISTS if the name is taken. Removes the
 * temporary name in any case. */
shmrpc_status shmrpci_object_publish(int dir_fd, int fd, const char *temporary,
                                     const char *name);

/* Opens a file for reading and writing. Returns NOT_FOUND, or DENIED, also if
 * it is not a regular file. */
shmrpc_status shmrpci_object_open(int dir_fd, const char *name, int *out_fd);
/* Opens a file for reading only, otherwise like open. */
shmrpc_status shmrpci_object_open_read_only(int dir_fd, const char *name,
                                            int *out_fd);
/* Gives the facts of an open file. */
shmrpc_status shmrpci_object_facts_of(int fd, shmrpci_object_facts *out);
/* Whether there is a file with that name, of any kind. */
bool shmrpci_object_is_there(int dir_fd, const char *name);
/* Whether `name` is still the name of this file. */
bool shmrpci_object_is_named(int dir_fd, const char *name, int fd);
/* Removes the name. Returns NOT_FOUND or DENIED on failure. */
shmrpc_status shmrpci_object_unlink(int dir_fd, const char *name);
/* Resets the file's age. */
void shmrpci_object_touch(int fd);

/* Calls `visit` with each name in the folder, in no particular order, until it
 * returns false. */
typedef bool shmrpci_object_visit(void *user, const char *name);
shmrpc_status shmrpci_object_each(int dir_fd, shmrpci_object_visit *visit,
                                  void *user);
/* Whether `name` is the temporary name of a draft. */
bool shmrpci_object_is_temporary(const char *name);

#endif
