/*
 * Reads quantities that people write: "1.5G", "250ms".
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_BASE_QUANTITY_H
#define SHMRPCI_BASE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct shmrpci_unit {
    const char *name; /* "" for a number without a unit */
    uint64_t scale;   /* at most 2^42 */
} shmrpci_unit;

/* Reads a number, with or without a fraction, and one of the units; the result
 * is in units of scale 1. Only six digits of a fraction count. Returns false if
 * the text is not a number with a unit, or too large. */
bool shmrpci_quantity_read(const char *text, const shmrpci_unit *units,
                           size_t count, uint64_t *out);

/* Reads "250ms", "1.5s", "100us", "5ns", "2m", "1h"; a number without a unit is
 * in seconds. */
bool shmrpci_duration_read(const char *text, uint64_t *out_ns);

/* Returns how many ns a unit has, or 0 if there is no such unit. */
uint64_t shmrpci_duration_unit(const char *name, size_t len);

#endif
