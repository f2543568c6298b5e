/* The hash of canonical text. Only this file of idl/ uses OpenSSL. */
#include <openssl/sha.h>

#include "idl/canonical.h"

uint64_t idl_canonical_hash(const char *text, size_t len)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    (void)SHA256((const unsigned char *)text, len, digest);
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof hash; i++) {
        hash = hash << 8 | digest[i];
    }
    return hash;
}
