/*
 * Rows: whether the tables of generated code have this library's layout.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_RPC_ROWS_H
#define SHMRPC_RPC_ROWS_H

#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"

/* Checks the row sizes of the service's tables. Returns CONTRACT if they
 * differ, because the tables were compiled with the headers of another version.
 */
int shmrpci_rows_check(const shmrpc_service *service, shmrpc_error *error);

#endif
