/*
 * The operations that all kinds made of regions share (kind.h).
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OBJECTS_REGION_KIND_H
#define SHMRPCI_OBJECTS_REGION_KIND_H

#include "objects/kind.h"
#include "region/region.h"

void shmrpci_region_kind_describe(const shmrpci_object_kind *kind, int fd,
                                  shmrpc_object_info *info,
                                  char texts[SHMRPCI_KIND_NAME_BYTES]);
bool shmrpci_region_kind_read_name(int fd, char out[SHMRPCI_KIND_NAME_BYTES]);
/* Marks the object as destroyed without joining it, for the case that no place
 * is left. */
void shmrpci_region_kind_destroy(int fd);
/* Whether a participant died and nobody has yet cleaned up what it left. */
bool shmrpci_region_kind_has_dead(int fd);
/* Finishes or frees what dead participants left. `region` is that of the
 * caller's engine. */
void shmrpci_region_kind_bury(const shmrpci_region *region);
bool shmrpci_region_kind_is_over(int fd, int64_t idle_ns, int64_t min_idle_ns);

#endif
