/*
 * Which call a thread serves, for the lines that it logs (shmrpc/log.h).
 *
 * A worker's loop sets the pointer once, so that it costs nothing per call.
 *
 * Threading: each thread has its own.
 */
#ifndef SHMRPCI_OS_LOG_CALL_H
#define SHMRPCI_OS_LOG_CALL_H

#include <stdint.h>

/* Points to the call's number, which is unique on this machine since its start.
 * NULL, or a number of 0, means that the thread serves no call. */
extern _Thread_local const uint64_t *shmrpci_log_call;

#endif
