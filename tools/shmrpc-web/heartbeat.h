/*
 * The heartbeat: pings each service of this machine repeatedly, on a thread of
 * its own, because a hung service blocks the ping until the timeout.
 *
 * web_directory_list returns the round trips. A service needs no code for it:
 * `_ping` is built in (shmrpc_ping), and is not counted as a call.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_WEB_HEARTBEAT_H
#define SHMRPC_WEB_HEARTBEAT_H

#include "shmrpc/error.h"
#include "tools/shmrpc-web/directory.h"

typedef struct web_heartbeat web_heartbeat;

/* Starts the thread. The directory must outlive it. Returns EXHAUSTED or
 * NO_MEMORY on failure. */
int web_heartbeat_open(web_directory *directory, web_heartbeat **out,
                       shmrpc_error *error);
/* Waits for the ping in progress, which takes half a second at most. NULL is
 * fine. */
void web_heartbeat_close(web_heartbeat *heartbeat);

#endif
