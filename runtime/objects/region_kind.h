/*
 * What kinds that are regions have in common (kind.h).
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
/* Marks it without taking part in it, where there is no place left to. */
void shmrpci_region_kind_destroy(int fd);
/* Whether somebody died who took part in it, and has no heir yet. */
bool shmrpci_region_kind_has_dead(int fd);
/* Inherits from them; the region is that of an engine of the caller's. */
void shmrpci_region_kind_bury(const shmrpci_region *region);
bool shmrpci_region_kind_is_over(int fd, int64_t idle_ns, int64_t min_idle_ns);

#endif
