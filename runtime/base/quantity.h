/*
 * Quantities that people write: "1.5G", "250ms".
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_BASE_QUANTITY_H
#define SHMRPCI_BASE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct shmrpci_unit {
    const char *name; /* "": a number alone */
    uint64_t scale;   /* at most 2^42 */
} shmrpci_unit;

/* Reads a number, with a fraction or without, and one of the units, as a
 * multiple of scale 1. At most six digits of a fraction count. False: not a
 * number with a unit, or too large. */
bool shmrpci_quantity_read(const char *text, const shmrpci_unit *units,
                           size_t count, uint64_t *out);

/* Reads "250ms", "1.5s", "100us", "5ns", "2m", "1h"; a number alone is in
 * seconds. */
bool shmrpci_duration_read(const char *text, uint64_t *out_ns);

/* How many ns a unit has; 0: there is no such unit. */
uint64_t shmrpci_duration_unit(const char *name, size_t len);

#endif
