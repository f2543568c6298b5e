/* Reads tokens, from files and from hellos. */
#include "rpc/token.h"

#include <string.h>

#include "os/tls_secret.h"
#include "rpc/envelope.h"

static int refuse(const char *path, int status, shmrpc_error *error)
{
    switch (status) {
    case SHMRPC_E_NOT_FOUND:
        return shmrpc_error_set(error, status,
                                "the token %.100s does not exist", path);
    case SHMRPC_E_DENIED:
        return shmrpc_error_set(
            error, status,
            "the token %.100s can't be read, or others can read it: chmod 600",
            path);
    default:
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "the token %.100s is not a file with one line "
                                "of text of %u to %u bytes",
                                path, SHMRPCI_SECRET_MIN_BYTES,
                                SHMRPCI_TOKEN_MAX_BYTES);
    }
}

int shmrpci_token_write(const char *path, shmrpci_buf *hello,
                        shmrpc_error *error)
{
    shmrpci_secret secret;
    shmrpci_metadata block;
    char text[SHMRPCI_TOKEN_MAX_BYTES + 1];
    int status = shmrpci_secret_read(path, &secret);
    if (status == SHMRPC_OK &&
        (secret.len > SHMRPCI_TOKEN_MAX_BYTES ||
         memchr(secret.bytes, '\0', secret.len) != NULL)) {
        status = SHMRPC_E_INVALID;
    }
    if (status == SHMRPC_OK) {
        memcpy(text, secret.bytes, secret.len);
        text[secret.len] = '\0';
        shmrpci_metadata_init(&block, 0);
        status =
            shmrpci_metadata_add(&block, SHMRPCI_AUTHORIZATION, text, NULL);
    }
    if (status != SHMRPC_OK) {
        return refuse(path, status, error);
    }
    size_t len = shmrpci_metadata_end(&block);
    shmrpci_buf_append(hello, block.bytes, len);
    return SHMRPC_OK;
}

const char *shmrpci_token_read(const uint8_t *hello, size_t len,
                               shmrpci_metadata *block)
{
    shmrpci_hello said;
    if (shmrpci_hello_read(hello, len, &said, NULL) != SHMRPC_OK ||
        said.block_len == 0 ||
        shmrpci_metadata_read(said.block, said.block_len, block) == 0) {
        return NULL;
    }
    return shmrpci_metadata_find(block, SHMRPCI_AUTHORIZATION);
}
