/*
 * CRC-32C (Castagnoli), as in iSCSI and ext4: for stored bytes.
 *
 * Uses the processor's instruction where there is one (0.1 ns a byte), else
 * takes four bits at a time (1 ns). Threading: any thread.
 */
#ifndef SHMRPCI_BASE_CRC32C_H
#define SHMRPCI_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* `crc` is 0 for the first bytes, then the checksum of the bytes before. */
uint32_t shmrpci_crc32c(uint32_t crc, const void *data, size_t len);

/* The same without the instruction: to compare with. */
uint32_t shmrpci_crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
