/*
 * Reports our state to the process that started us, and receives such reports:
 * the protocol of sd_notify(3), datagrams of lines such as READY=1 to
 * $NOTIFY_SOCKET.
 *
 * Threading: one thread for each socket. Any thread may send, as long as no
 * other thread changes the environment.
 */
#ifndef SHMRPCI_OS_NOTIFY_H
#define SHMRPCI_OS_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

#define SHMRPCI_NOTIFY_BYTES 4096u

/* Room for a path of such a socket. */
#define SHMRPCI_NOTIFY_PATH_BYTES 108u

/* Sends lines, separated by newlines; never blocks. Returns OK also if there is
 * no receiver, and UNAVAILABLE if the receiver has gone or does not read. */
shmrpc_status shmrpci_notify_send(const char *lines);

/* Unsets the variable, so that programs started from now on don't inherit it;
 * we may still send. */
void shmrpci_notify_forget(void);

/* Creates the socket `name` in a folder, replacing a former one. `path` is the
 * value for NOTIFY_SOCKET, valid while `dir_fd` is open. The caller must hold a
 * lock that covers the name. */
shmrpc_status shmrpci_notify_listen(int dir_fd, const char *name, int *out_fd,
                                    char path[SHMRPCI_NOTIFY_PATH_BYTES]);

/* Like listen, but for programs of any user: a socket without a file, whose
 * name the kernel chooses, valid as long as the descriptor is open. */
shmrpc_status shmrpci_notify_listen_open(int *out_fd,
                                         char name[SHMRPCI_NOTIFY_PATH_BYTES]);

/* Receives the next message, with a NUL, and its sender (0: unknown). Returns
 * BUSY if there is none, or TOO_LARGE if the message was too long, and is
 * lost. */
shmrpc_status shmrpci_notify_receive(int fd, char text[SHMRPCI_NOTIFY_BYTES],
                                     int32_t *out_pid);

#endif
