/*
 * The envelope: rpc's own messages over a transport. Little-endian.
 *
 * hello, client -> server, at connect:
 *      0  u32  magic "rpc1"
 *      4  u16  major version: must be equal
 *      6  u16  minor version: informative
 *      8  u64  hash of the service that the client was built with
 *     16  u8   length of the name, then the service's name in the .svc
 *    ...  ...  nothing, or a metadata block (rpc/metadata.h) that applies to
 *              all calls: the token, as "authorization"
 *
 * welcome, server -> client:
 *      0  u32  magic "rpc1"
 *      4  u16  major version
 *      6  u16  minor version
 *      8  u64  hash of the server's service
 *     16  ...  nothing when the hashes are equal, else the server's contract
 *              (codec/contract.h)
 *
 * error detail, the body of a reply with SHMRPCI_HEAD_DETAIL; the code itself
 * is in the head:
 *      0  u8   length of the path, below SHMRPC_ERROR_PATH_BYTES
 *      1  u8   length of the message, below SHMRPC_ERROR_MESSAGE_BYTES
 *      2  u8   length of the name, below SHMRPC_ERROR_NAME_BYTES: the declared
 *              error's name in the .svc, empty for a status
 *      3  u8   bits: 1 the handler was not called, 2 there is a retry-after
 *      4  i32  process id of the worker, in the server's pid namespace
 *      8  ...  path, message, name: UTF-8
 *    ...  u64  with bit 2: ns to wait before trying again; only for statuses
 *    ...  ...  to the end: the payload of a declared error that has one, in the
 *              method's encoding, or in msgpack if the method is raw; for
 *              UNKNOWN, a fault if there is one (fault.h)
 *
 * Readers accept any bytes. Threading: pure functions.
 */
#ifndef SHMRPCI_RPC_ENVELOPE_H
#define SHMRPCI_RPC_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/codec.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"

#define SHMRPCI_RPC_MAJOR 1u
#define SHMRPCI_RPC_MINOR 2u
/* Servers from this minor version on support peers of relays. */
#define SHMRPCI_RPC_MINOR_PEERS 1u
/* Servers from this minor version on can be told when peers of relays leave. */
#define SHMRPCI_RPC_MINOR_LEFT 2u

/* The longest detail, without its payload. */
#define SHMRPCI_DETAIL_MAX_BYTES                             \
    (8 + SHMRPC_ERROR_NAME_BYTES + SHMRPC_ERROR_PATH_BYTES + \
     SHMRPC_ERROR_MESSAGE_BYTES + 8)

typedef struct shmrpci_hello {
    uint64_t hash;
    char id[256];         /* such as "demo.Echo" */
    const uint8_t *block; /* in the data that was read */
    size_t block_len;     /* 0: there is none */
} shmrpci_hello;

/* The caller appends the metadata block, if any. */
void shmrpci_hello_write(uint64_t hash, const char *id, shmrpci_buf *out);
/* Returns INVALID if the data is not a hello, or CONTRACT if its major version
 * differs. */
int shmrpci_hello_read(const uint8_t *data, size_t len, shmrpci_hello *out,
                       shmrpc_error *error);

typedef struct shmrpci_welcome {
    uint64_t hash;
    uint32_t minor;          /* version */
    const uint8_t *contract; /* in the data that was read */
    size_t contract_len;     /* 0 when the hashes are equal */
} shmrpci_welcome;

void shmrpci_welcome_write(uint64_t hash, const uint8_t *contract, size_t len,
                           shmrpci_buf *out);
/* Returns the same statuses as shmrpci_hello_read. */
int shmrpci_welcome_read(const uint8_t *data, size_t len, shmrpci_welcome *out,
                         shmrpc_error *error);

/* Appends `error` without its code; strings are cut, if necessary, to the size
 * of their arrays. The caller appends the payload. */
void shmrpci_detail_write(const shmrpc_error *error, shmrpci_buf *out);

/* Sets pid, path, message, name and retry_after_ns of `error`. Returns how many
 * bytes these took; the rest is the payload. Returns 0, with nothing set, if
 * the detail is malformed or not UTF-8. */
size_t shmrpci_detail_read(const uint8_t *data, size_t len,
                           shmrpc_error *error);

/* Returns the codec for the error payloads of the method. */
const shmrpci_codec *shmrpci_detail_codec(const shmrpc_method *method);

#endif
