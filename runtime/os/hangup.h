/*
 * Detects that the peer of a socket is gone, for threads that sleep on a futex,
 * which a killed peer does not wake.
 *
 * Each watch has a thread of its own, which sleeps until the peer hangs up.
 *
 * Threading: one thread at a time, and never in a forked child.
 */
#ifndef SHMRPCI_OS_HANGUP_H
#define SHMRPCI_OS_HANGUP_H

#include <stdbool.h>

#include "os/thread.h"
#include "shmrpc/status.h"

/* In its owner's memory; zeroed: not begun. */
typedef struct shmrpci_hangup {
    bool is_begun;
    int fd;
    int stop_fd;
    void (*told)(void *user);
    void *user;
    shmrpci_thread thread;
} shmrpci_hangup;

/* Calls `told`, once, on a thread of its own, when the other end of `fd` has
 * hung up. Does nothing if the watch has begun already. Returns EXHAUSTED if no
 * thread or descriptor is left. */
shmrpc_status shmrpci_hangup_begin(shmrpci_hangup *watch, int fd,
                                   void (*told)(void *user), void *user);
/* After this, `told` has returned or will not be called. Must be called before
 * `fd` is closed. */
void shmrpci_hangup_end(shmrpci_hangup *watch);

#endif
