/*
 * Reads numbers that people and other programs write.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_BASE_NUMBER_H
#define SHMRPCI_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Reads an integer from `least` to `most`: decimal digits only, no sign, no
 * blanks. Returns false if `text` is anything else. */
bool shmrpci_number_read(const char *text, uint64_t least, uint64_t most,
                         uint64_t *out);

#endif
