/*
 * Reports our state to the process that started us, and receives such reports:
 * the protocol of sd_notify(3), datagrams of lines such as READY=1 to
 * $NOTIFY_SOCKET.
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

/* Sends lines, separated by newlines; never blocks. OK also if there is no
 * receiver. UNAVAILABLE: the receiver has gone, or does not read. */
shmrpc_status shmrpci_notify_send(const char *lines);

/* Programs that we start from now on don't inherit the variable; we may still
 * send. */
void shmrpci_notify_forget(void);

/* Makes the socket `name` in a folder, replacing a former one; `path` is the
 * value for NOTIFY_SOCKET, valid while `dir_fd` is open. The caller holds a
 * lock of the name. */
shmrpc_status shmrpci_notify_listen(int dir_fd, const char *name, int *out_fd,
                                    char path[SHMRPCI_NOTIFY_PATH_BYTES]);

/* The same for programs of any user: a socket without a file, whose name the
 * kernel chooses, valid as long as the descriptor is open. */
shmrpc_status shmrpci_notify_listen_open(int *out_fd,
                                         char name[SHMRPCI_NOTIFY_PATH_BYTES]);

/* The next message, with a NUL, and its sender (0: unknown). BUSY: none;
 * TOO_LARGE: it is lost. */
shmrpc_status shmrpci_notify_receive(int fd, char text[SHMRPCI_NOTIFY_BYTES],
                                     int32_t *out_pid);

#endif
