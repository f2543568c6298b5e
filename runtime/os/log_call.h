/*
 * Which call a thread serves, for the lines that it logs (shmrpc/log.h).
 *
 * A worker's loop sets the pointer once, so that a call costs nothing.
 *
 * Threading: each thread has its own.
 */
#ifndef SHMRPCI_OS_LOG_CALL_H
#define SHMRPCI_OS_LOG_CALL_H

#include <stdint.h>

/* A number of the call, unique on this machine since its start; NULL, or 0
 * there: the thread serves no call. */
extern _Thread_local const uint64_t *shmrpci_log_call;

#endif
