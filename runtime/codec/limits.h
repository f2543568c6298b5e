/*
 * All limits of the codecs that outside input can reach, except
 * SHMRPCI_CODEC_MAX_DEPTH, which is in codec.h because rpc documents it, and
 * the limits of contracts, which are in contract.h.
 */
#ifndef SHMRPCI_CODEC_LIMITS_H
#define SHMRPCI_CODEC_LIMITS_H

/* Longest number in JSON text, in bytes. The longest exact decimal form of a
 * double has 767 significant digits. */
#define SHMRPCI_JSON_MAX_NUMBER_BYTES 1024

/* Longest map key shown in an error path, in bytes. */
#define SHMRPCI_PATH_MAX_KEY_BYTES 24

#endif
