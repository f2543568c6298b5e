/* How long calls of the echo service take on this machine, now. */
#ifndef ECHO_TIMING_H
#define ECHO_TIMING_H

#include "echo_client.h"

/* Times 10,000 calls of `add`, and as many bytes sent through a pipe to
 * another process and back; prints both.  Returns 0, or 1 when it failed. */
int print_timing(demo_echo *echo);

#endif
