/*
 * Functions with which the library fills the error object of <shmrpc/error.h>.
 *
 * All of them accept NULL, for a caller that doesn't want the error. Threading:
 * an error object belongs to one thread at a time.
 */
#ifndef SHMRPCI_BASE_ERROR_H
#define SHMRPCI_BASE_ERROR_H

#include "shmrpc/error.h"

/* Sets the code, its name and the code's may_have_run, and marks the error as
 * detected by this process; keeps path and message. */
void shmrpci_error_code(shmrpc_error *error, int status);

/* Sets may_have_run, and appends "; it may have run" or "; it has not run" to
 * the message. Appends nothing if the status alone says that the call has not
 * run. No other function writes these words. */
void shmrpci_error_ran(shmrpc_error *error, bool may_have_run);

/* Copies a name, cut at a character boundary. */
void shmrpci_error_name(shmrpc_error *error, const char *name);

#endif
