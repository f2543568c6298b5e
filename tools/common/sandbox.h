/*
 * Drops rights that a process doesn't need if it only reads bytes from
 * strangers.
 *
 * Threading: called by one thread; applies to all.
 */
#ifndef SHMRPC_TOOLS_SANDBOX_H
#define SHMRPC_TOOLS_SANDBOX_H

#include "shmrpc/status.h"

/* Restricts this process and its children for ever. They can't start programs,
 * open anything but folders, trace or read other processes, create, rename or
 * give away files, change namespaces, modules or mounts, or change the user;
 * such calls fail with EPERM. Open descriptors stay open; sockets, memory and
 * threads work as before. Returns UNIMPLEMENTED if the kernel has no filters
 * for system calls. */
shmrpc_status tool_sandbox_enter(void);

#endif
