/*
 * Sets of CPUs, as people write them: "0-3,6".
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_BASE_CPUS_H
#define SHMRPCI_BASE_CPUS_H

#include <stdbool.h>
#include <stdint.h>

#define SHMRPCI_CPUS_WORDS 16u /* CPUs 0 to 1023 */

typedef struct shmrpci_cpus {
    uint64_t words[SHMRPCI_CPUS_WORDS];
} shmrpci_cpus;

/* Reads numbers and ranges, separated by commas. Returns false if the text is
 * malformed, or a CPU number is too large for a set. */
bool shmrpci_cpus_read(const char *text, shmrpci_cpus *out);

#endif
