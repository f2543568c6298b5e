/*
 * Gives up rights that a process that reads bytes from strangers never needs.
 *
 * Threading: called by one thread; applies to all.
 */
#ifndef SHMRPC_TOOLS_SANDBOX_H
#define SHMRPC_TOOLS_SANDBOX_H

#include "shmrpc/status.h"

/*
 * From now on, for ever, in this process and its children: no program can be
 * started, nothing but folders can be opened, no other process traced or read,
 * no file created, renamed or given away, no name space, module or mount
 * changed, no user changed; such calls fail with EPERM. Open descriptors stay
 * open; sockets, memory and threads work as before. UNIMPLEMENTED: the kernel
 * has no filters for system calls.
 */
shmrpc_status tool_sandbox_enter(void);

#endif
