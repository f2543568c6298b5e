/*
 * Finds the folder and socket of a service.
 *
 * Folders are searched in this order: $SHMRPC_DIR, $XDG_RUNTIME_DIR/shmrpc,
 * /run/shmrpc, /tmp/shmrpc-<uid>. A server of root listens in /run/shmrpc (or
 * $SHMRPC_DIR), where other users find it; other servers listen in the first
 * usable folder. The socket is <name>[@instance].<port>.sock. Next to it lies a
 * lock file with the same stem, which is never removed; the server and its
 * worker processes hold the lock as long as they live (os/server_lock.h).
 *
 * Threading: any thread, as long as no other thread changes the environment.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_LOCATE_H
#define SHMRPCI_TRANSPORT_SHM_LOCATE_H

#include <stdbool.h>

#include "os/fork.h"
#include "transport/transport.h"

#define SHM_PATH_BYTES 512u

/* A listening socket, its folder and its lock; closed by shm_place_close.
 * Socket and lock are closed in forked children, which would otherwise keep the
 * name taken as long as they live. The struct must not be moved. */
typedef struct shm_place {
    int dir_fd;
    int lock_fd;
    int listen_fd;
    bool is_lent; /* the socket was passed to us by the process that started us,
                   * which also removes it (os/activation.h) */
    shmrpci_fork_fd lock_guard;
    shmrpci_fork_fd listen_guard;
    char socket_name[192];
    char path[SHM_PATH_BYTES];
} shm_place;

/* Takes the lock of an address, and listens at a socket with this mode (0666 in
 * a public folder, where the server decides after accepting whom to serve). A
 * socket that was passed to us keeps its mode. Returns INVALID for a bad name
 * or $SHMRPC_DIR; EXISTS if another server has the address; DEADLINE if workers
 * of a dead server still hold the lock (os/server_lock.h); DENIED or EXHAUSTED
 * if no folder can be used. */
int shm_place_listen(const shmrpci_address *address, uint32_t mode,
                     shm_place *out, shmrpc_error *error);

/* Makes a place from the descriptors of a running server whose socket is at
 * `path`. On success the place owns the descriptors. Returns INVALID if a
 * server at this address would listen elsewhere. */
int shm_place_adopt(const shmrpci_address *address, const char *path,
                    int lock_fd, int listen_fd, shm_place *out,
                    shmrpc_error *error);

/* Removes the socket, unless another process owns it, and releases the lock. */
void shm_place_close(shm_place *place);

/* Connects to the service at the first place where it listens. `out_path` has
 * room for SHM_PATH_BYTES and receives the socket's path. Returns UNAVAILABLE
 * if the service listens at none of the places (the message names them all),
 * else DENIED, DEADLINE or EXHAUSTED. */
int shm_place_connect(const shmrpci_address *address, int64_t deadline_ns,
                      int *out_fd, char *out_path, shmrpc_error *error);

/* The transport operation `find`: reports every socket in every folder of the
 * search order. */
int shm_place_find(shmrpci_on_found *found, void *user, shmrpc_error *error);

/* ---- locate.c, for use in find.c ------------------------------------- */

typedef struct shm_folders {
    char paths[4][SHM_PATH_BYTES];
    size_t count;
} shm_folders;

/* Lists the folders in search order. Returns INVALID if $SHMRPC_DIR can't be
 * used. */
int shm_folders_list(shm_folders *out, shmrpc_error *error);

/* Whether all characters of `text` are allowed in names of services. */
bool shm_is_word(const char *text);

#endif
