/*
 * The wire form of faults. A fault follows the error detail (envelope.h) in a
 * reply whose status is UNKNOWN. It is encoded in msgpack, whatever the
 * method's encoding is.
 *
 *     {"type": "ValueError", "message": "...", "args": [...], "trace": "..."}
 *
 * Readers accept any subset of the keys, and skip keys that they don't know.
 *
 * Threading: pure functions; an arena belongs to one thread at a time.
 */
#ifndef SHMRPCI_RPC_FAULT_H
#define SHMRPCI_RPC_FAULT_H

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/fault.h"

/* Describes a fault like a declared error, for the reply objects of calls that
 * ended in a fault. */
extern const shmrpc_error_type shmrpci_fault_error;

/* Appends the fault to `out`, cut to SHMRPC_FAULT_MAX_BYTES; `arena` is scratch
 * memory. If memory is short, nothing is appended. */
void shmrpci_fault_write(const shmrpc_fault *fault, bool with_trace,
                         shmrpci_arena *arena, shmrpci_buf *out);

#endif
