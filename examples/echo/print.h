/* Prints a value of any type as JSON, except that bytes are printed in hex. */
#ifndef ECHO_PRINT_H
#define ECHO_PRINT_H

#include <shmrpc/types.h>

void print_any(const shmrpc_any *value);

#endif
