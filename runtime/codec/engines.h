/*
 * The engines behind the registry, and what they share. Other code uses
 * shmrpci_codec_of. Threading: as codec.h says.
 */
#ifndef SHMRPCI_CODEC_ENGINES_H
#define SHMRPCI_CODEC_ENGINES_H

#include "codec/codec.h"

extern const shmrpci_codec shmrpci_codec_raw;
extern const shmrpci_codec shmrpci_codec_json;
extern const shmrpci_codec shmrpci_codec_json_numbered;
extern const shmrpci_codec shmrpci_codec_msgpack;
extern const shmrpci_codec shmrpci_codec_native;

/* The decoder of json. */
int shmrpci_json_decode(const shmrpc_type *type, const uint8_t *data,
                        size_t len, const char *name, shmrpci_arena *arena,
                        void *value, shmrpc_error *error);

/* The decoder of msgpack, in a file of its own because only the encoder uses
 * msgpack-c. */
int shmrpci_msgpack_decode(const shmrpc_type *type, const uint8_t *data,
                           size_t len, const char *name, shmrpci_arena *arena,
                           void *value, shmrpc_error *error);

#endif
