/*
 * Named objects: files in shared memory that may outlive their processes.
 *
 * A file gets its name when it is complete, and a name never changes hands: to
 * take it away from a file one holds the name byte of that file (byte_lock.h),
 * looks whether the name still is that file's, and unlinks. So nobody sees half
 * an object, and of many who create at once one does.
 *
 * Two rooms: the user's own folder, and one for all users, in which (it is
 * sticky) nobody but their owners and root removes files.  Where they are:
 * $SHMRPC_DIR/objects and $SHMRPC_DIR/shared if that is set, else
 * /dev/shm/shmrpc-UID and /dev/shm/shmrpc, else the same names in /tmp.
 *
 * Files are hostile: a process that may write to them may change any byte at
 * any time, and shorten them too, which kills all processes that touch the
 * memory (SIGBUS).  Permissions decide which processes may.
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

/* The byte to hold for unlinking a file; below it is everyone's own. */
#define SHMRPCI_OBJECT_NAME_BYTE (INT64_C(1) << 40)

typedef enum shmrpci_room {
    SHMRPCI_ROOM_USER,
    SHMRPCI_ROOM_ALL_USERS
} shmrpci_room;

/* Which file an open descriptor is, for comparing, and some facts of it. */
typedef struct shmrpci_object_facts {
    uint64_t device;
    uint64_t inode;
    uint64_t bytes;
    uint64_t memory_bytes; /* that it takes */
    uint32_t uid;
    uint32_t mode;  /* permission bits */
    int64_t age_ns; /* since it was touched, by the clock on the wall */
    bool is_file;
} shmrpci_object_facts;

/* Whether a name can stand in a file's name as it is: 1 to `max` letters,
 * digits, `_`, `-` and `.`, not beginning with `.`. NULL is none. */
bool shmrpci_object_is_plain(const char *name, size_t max);

/* The path of a room's folder. INVALID: $SHMRPC_DIR is not a good path. */
shmrpc_status shmrpci_object_folder(shmrpci_room room,
                                    char path[SHMRPCI_OBJECT_PATH_BYTES]);

/* Opens the folder, makes it before if `create`. NOT_FOUND; DENIED: others
 * could tamper with the folder itself. */
shmrpc_status shmrpci_object_folder_open(shmrpci_room room, const char *path,
                                         bool create, int *out_dir);

enum {
    /* With a temporary name even where files can do without. */
    SHMRPCI_DRAFT_NAMED = 1u << 0,
    /* Of which no memory is paid for yet. */
    SHMRPCI_DRAFT_SPARSE = 1u << 1
};

/* A file without name, of zeros, with its memory paid for unless SPARSE.
 * `temporary` is empty, or the name that it has for the time being where the
 * file system can't do without (or NAMED). EXHAUSTED: also where the process
 * may not make files so large (RLIMIT_FSIZE); DENIED. */
shmrpc_status shmrpci_object_draft(int dir_fd, uint32_t mode, uint64_t bytes,
                                   uint32_t flags,
                                   char temporary[SHMRPCI_OBJECT_NAME_BYTES],
                                   int *out_fd);
/* Gives a draft its name. EXISTS. The temporary name is gone in any case. */
shmrpc_status shmrpci_object_publish(int dir_fd, int fd, const char *temporary,
                                     const char *name);

/* Opens a file for reading and writing. NOT_FOUND; DENIED: also what is not
 * a regular file. */
shmrpc_status shmrpci_object_open(int dir_fd, const char *name, int *out_fd);
/* The same for reading only. */
shmrpc_status shmrpci_object_open_read_only(int dir_fd, const char *name,
                                            int *out_fd);
/* What an open descriptor is. */
shmrpc_status shmrpci_object_facts_of(int fd, shmrpci_object_facts *out);
/* Whether there is a file of that name, whatever it is. */
bool shmrpci_object_is_there(int dir_fd, const char *name);
/* Whether `name` is (still) the name of this file. */
bool shmrpci_object_is_named(int dir_fd, const char *name, int fd);
/* NOT_FOUND, DENIED. */
shmrpc_status shmrpci_object_unlink(int dir_fd, const char *name);
/* Makes it young. */
void shmrpci_object_touch(int fd);

/* Calls `visit` with each name in the folder, in no order, until it returns
 * false. */
typedef bool shmrpci_object_visit(void *user, const char *name);
shmrpc_status shmrpci_object_each(int dir_fd, shmrpci_object_visit *visit,
                                  void *user);
/* Whether that name is the temporary one of a draft. */
bool shmrpci_object_is_temporary(const char *name);

#endif
