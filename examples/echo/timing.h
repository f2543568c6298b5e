/* Measures how long calls of the echo service take on this machine. */
#ifndef ECHO_TIMING_H
#define ECHO_TIMING_H

#include "echo_client.h"

/* Times a few thousand calls of `add`, and as many bytes sent through a pipe to
 * another process and back; prints both times. Returns 0, or 1 on failure. */
int print_timing(demo_echo *echo);

#endif
