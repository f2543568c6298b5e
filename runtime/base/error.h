/*
 * What the library's own code does with the error object of <shmrpc/error.h>.
 *
 * All functions take NULL for "nobody wants it".  Threading: an error object
 * belongs to one thread at a time.
 */
#ifndef SHMRPCI_BASE_ERROR_H
#define SHMRPCI_BASE_ERROR_H

#include "shmrpc/error.h"

/* Sets the code, its name, and that it is this process's own; leaves path and
 * message. */
void shmrpci_error_code(shmrpc_error *error, int status);

/* Copies a name, cut at a character boundary. */
void shmrpci_error_name(shmrpc_error *error, const char *name);

#endif
