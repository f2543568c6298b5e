/*
 * Giving up what a process that reads bytes from strangers never needs.
 *
 * Threading: one thread; it is for all that there are.
 */
#ifndef SHMRPC_TOOLS_SANDBOX_H
#define SHMRPC_TOOLS_SANDBOX_H

#include "shmrpc/status.h"

/*
 * From now on, for ever, in this process and its children: no program is
 * started, nothing is opened but folders, nobody else is traced or read, no
 * file is made, renamed or given to others, no name space, module or mount is
 * touched, no user is changed to; such calls fail with EPERM. What is open
 * stays open; sockets, memory and threads are as ever. UNIMPLEMENTED: the
 * kernel has no filters for system calls.
 */
shmrpc_status tool_sandbox_enter(void);

#endif
