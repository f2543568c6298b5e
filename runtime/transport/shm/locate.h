/*
 * Where the socket of a service is.
 *
 * One search order: $SHMRPC_DIR, $XDG_RUNTIME_DIR/shmrpc, /run/shmrpc,
 * /tmp/shmrpc-<uid>.  A server of root listens in /run/shmrpc (or
 * $SHMRPC_DIR), so that other users find it; others in the first folder that
 * can be used.  The socket is <name>[@instance].<port>.sock; next to it is a
 * lock file of the same stem, never removed, held as long as the server lives,
 * its worker processes included (os/server_lock.h).
 *
 * Threading: any thread, unless another one changes the environment.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_LOCATE_H
#define SHMRPCI_TRANSPORT_SHM_LOCATE_H

#include <stdbool.h>

#include "os/fork.h"
#include "transport/transport.h"

#define SHM_PATH_BYTES 512u

/* A listening socket and what it needs; closed by shm_place_close. A forked
 * child has neither socket nor lock, or the name would stay taken as long as it
 * lives. Must not move. */
typedef struct shm_place {
    int dir_fd;
    int lock_fd;
    int listen_fd;
    bool is_lent; /* by the process that started us (os/activation.h), which
                   * removes it */
    shmrpci_fork_fd lock_guard;
    shmrpci_fork_fd listen_guard;
    char socket_name[192];
    char path[SHM_PATH_BYTES];
} shm_place;

/* Takes the lock of an address, and listens at a socket of this mode (0666 in a
 * public folder, where it is decided later whom to serve). A socket that was
 * passed to us keeps its mode. INVALID: a bad name or $SHMRPC_DIR; EXISTS:
 * another server has it; DEADLINE: workers of a dead server still hold it
 * (os/server_lock.h); DENIED, EXHAUSTED: no folder can be used. */
int shm_place_listen(const shmrpci_address *address, uint32_t mode,
                     shm_place *out, shmrpc_error *error);

/* Makes a place from the descriptors of a running server, at `path`; takes them
 * over if it succeeds. INVALID: a server at this address would listen
 * elsewhere. */
int shm_place_adopt(const shmrpci_address *address, const char *path,
                    int lock_fd, int listen_fd, shm_place *out,
                    shmrpc_error *error);

/* Removes the socket, unless another process owns it, and releases the lock. */
void shm_place_close(shm_place *place);

/* Connects to the first place where a service listens; `path` has room for
 * SHM_PATH_BYTES and gets its name. UNAVAILABLE: none does; the message names
 * all places; DENIED, DEADLINE, EXHAUSTED. */
int shm_place_connect(const shmrpci_address *address, int64_t deadline_ns,
                      int *out_fd, char *out_path, shmrpc_error *error);

/* The transport's `find`: every socket in every folder of the search order. */
int shm_place_find(shmrpci_on_found *found, void *user, shmrpc_error *error);

/* ---- locate.c, for find.c -------------------------------------------- */

typedef struct shm_folders {
    char paths[4][SHM_PATH_BYTES];
    size_t count;
} shm_folders;

/* The search order. INVALID: $SHMRPC_DIR can't be used. */
int shm_folders_list(shm_folders *out, shmrpc_error *error);

/* Whether names of services may consist of these characters. */
bool shm_is_word(const char *text);

#endif
