/*
 * CRC-32C (Castagnoli), as in iSCSI and ext4: detects corruption of stored
 * bytes.
 *
 * Uses the processor's instruction if there is one (0.1 ns per byte), else
 * processes four bits at a time (1 ns per byte). Threading: any thread.
 */
#ifndef SHMRPCI_BASE_CRC32C_H
#define SHMRPCI_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* `crc` is 0 for the first bytes, after that the checksum of all bytes so
 * far. */
uint32_t shmrpci_crc32c(uint32_t crc, const void *data, size_t len);

/* Computes the same without the instruction; tests compare the two. */
uint32_t shmrpci_crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
