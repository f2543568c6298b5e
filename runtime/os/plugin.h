/*
 * Libraries that are loaded when they are first needed, by their name.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_PLUGIN_H
#define SHMRPCI_OS_PLUGIN_H

#include <stddef.h>

#include "shmrpc/status.h"

#define SHMRPCI_PLUGIN_WHY_BYTES 200u

/*
 * Loads the library `name` ("libx.so.0"), which stays loaded: from the folder
 * of the library or program that this code is in, else from where the system
 * has libraries. *out is what it exports as `symbol`. NOT_FOUND: there is no
 * such library, or it has no such symbol, and `why` says which.
 */
shmrpc_status shmrpci_plugin_load(const char *name, const char *symbol,
                                  void **out,
                                  char why[SHMRPCI_PLUGIN_WHY_BYTES]);

#endif
