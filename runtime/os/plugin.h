/*
 * Libraries that are loaded on first use, by their name.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_PLUGIN_H
#define SHMRPCI_OS_PLUGIN_H

#include <stddef.h>

#include "shmrpc/status.h"

#define SHMRPCI_PLUGIN_WHY_BYTES 200u

/*
 * Loads the library `name` ("libx.so.0") and keeps it loaded. It is looked for
 * in the folder of the library or program that contains this code, then in the
 * system's folders. `*out` is the address of `symbol` in it. Returns NOT_FOUND
 * if the library or the symbol is missing; `why` says which.
 */
shmrpc_status shmrpci_plugin_load(const char *name, const char *symbol,
                                  void **out,
                                  char why[SHMRPCI_PLUGIN_WHY_BYTES]);

#endif
