/*
 * Numbers that people and other programs write.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_BASE_NUMBER_H
#define SHMRPCI_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Reads a whole number of `least` to `most`: decimal digits and nothing else,
 * no sign, no blanks. False: it is none. */
bool shmrpci_number_read(const char *text, uint64_t least, uint64_t most,
                         uint64_t *out);

#endif
