/*
 * Signals as a descriptor, for a process with an event loop.
 *
 * Threading: the main thread, before there are others.
 */
#ifndef SHMRPCI_OS_SIGNALS_H
#define SHMRPCI_OS_SIGNALS_H

#include <stdbool.h>

#include "shmrpc/status.h"

typedef enum shmrpci_signal {
    SHMRPCI_SIGNAL_STOP,   /* SIGTERM, SIGINT */
    SHMRPCI_SIGNAL_RELOAD, /* SIGHUP */
    SHMRPCI_SIGNAL_CHILD   /* SIGCHLD: perhaps for several children */
} shmrpci_signal;

/* Gives a descriptor that is readable when one of these signals has come; from
 * now on they have no other effect. SIGPIPE is ignored. */
shmrpc_status shmrpci_signals_open(int *out_fd);

/* Gives the next signal that has come; returns false if there is none. */
bool shmrpci_signals_next(int fd, shmrpci_signal *out);

/* For programs without such a descriptor: makes SIGTERM and SIGINT call
 * `handler`, which must be async-signal-safe. */
void shmrpci_signals_catch_stop(void (*handler)(int number));

#endif
