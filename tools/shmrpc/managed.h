/*
 * Sections of a manager's service.ini, as other names of services.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_MANAGED_H
#define SHMRPC_TOOLS_MANAGED_H

#include "base/nearest.h"
#include "tools/shmrpc/target.h"

/*
 * Asks the managers among `places` for a section of that name. OK: `*out` is
 * where its service can be called, in `arena`; UNAVAILABLE: there is one, but
 * it can't be called, and `message` says why; NOT_FOUND: there is none, and the
 * sections were offered to `search`, their texts in `arena`; NO_MEMORY.
 */
int cli_managed_find(shmrpci_arena *arena, const cli_places *places,
                     const char *name, const char **out,
                     shmrpci_nearest *search, shmrpci_buf *message);

#endif
