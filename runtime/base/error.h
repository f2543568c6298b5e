/*
 * Functions with which the library fills the error object of <shmrpc/error.h>.
 *
 * All accept NULL: the caller doesn't want it. Threading: an error object
 * belongs to one thread at a time.
 */
#ifndef SHMRPCI_BASE_ERROR_H
#define SHMRPCI_BASE_ERROR_H

#include "shmrpc/error.h"

/* Sets the code, its name and whether a call that ends in it may have run, and
 * marks it as this process's own error; keeps path and message. */
void shmrpci_error_code(shmrpc_error *error, int status);

/* Sets whether the call may have run, and appends that to the message, unless
 * it is obvious that it hasn't. The only place with this wording. */
void shmrpci_error_ran(shmrpc_error *error, bool may_have_run);

/* Copies a name, cut at a character boundary. */
void shmrpci_error_name(shmrpc_error *error, const char *name);

#endif
