/*
 * Telling who started us how we are, and being told: the protocol of
 * sd_notify(3), datagrams of lines such as READY=1 to $NOTIFY_SOCKET.
 *
 * Threading: one thread each; sending: any thread, unless another one changes
 * the environment.
 */
#ifndef SHMRPCI_OS_NOTIFY_H
#define SHMRPCI_OS_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

#define SHMRPCI_NOTIFY_BYTES 4096u

/* Room for a path of such a socket. */
#define SHMRPCI_NOTIFY_PATH_BYTES 108u

/* Sends lines with newlines between them; never blocks. OK also when nobody
 * wants to know. UNAVAILABLE: he has gone, or does not read. */
shmrpc_status shmrpci_notify_send(const char *lines);

/* The next programs that we start are not to send; we may, as before. */
void shmrpci_notify_forget(void);

/* Makes the socket `name` in a folder, in place of a former one; `path` is
 * what to set NOTIFY_SOCKET to, valid as long as `dir_fd` is open. The caller
 * holds a lock of the name. */
shmrpc_status shmrpci_notify_listen(int dir_fd, const char *name, int *out_fd,
                                    char path[SHMRPCI_NOTIFY_PATH_BYTES]);

/* The same for programs of any user: a socket without a file, whose name the
 * kernel chooses, valid as long as the descriptor is open. */
shmrpc_status shmrpci_notify_listen_open(int *out_fd,
                                         char name[SHMRPCI_NOTIFY_PATH_BYTES]);

/* The next message, with a NUL behind it, and who sent it (0: unknown). BUSY:
 * none; TOO_LARGE: it is lost. */
shmrpc_status shmrpci_notify_receive(int fd, char text[SHMRPCI_NOTIFY_BYTES],
                                     int32_t *out_pid);

#endif
