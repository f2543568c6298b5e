/* Secrets by OpenSSL. */
#include "os/tls_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static shmrpc_status check_file(int fd)
{
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        return SHMRPC_E_INVALID;
    }
    return (about.st_mode & (S_IRWXG | S_IRWXO)) != 0 ? SHMRPC_E_DENIED
                                                      : SHMRPC_OK;
}

/* Reads one byte more than allowed, to detect a longer file. */
static shmrpc_status read_all(int fd, shmrpci_secret *out)
{
    uint8_t bytes[SHMRPCI_SECRET_MAX_BYTES + 2];
    size_t len = 0;
    ssize_t got;
    while (len < sizeof bytes &&
           (got = read(fd, bytes + len, sizeof bytes - len)) > 0) {
        len += (size_t)got;
    }
    len -= len > 0 && bytes[len - 1] == '\n' ? 1 : 0;
    bool fits =
        len >= SHMRPCI_SECRET_MIN_BYTES && len <= SHMRPCI_SECRET_MAX_BYTES;
    if (fits) {
        memcpy(out->bytes, bytes, len);
        out->len = len;
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    return fits ? SHMRPC_OK : SHMRPC_E_INVALID;
}

shmrpc_status shmrpci_secret_read(const char *path, shmrpci_secret *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? SHMRPC_E_NOT_FOUND : SHMRPC_E_DENIED;
    }
    shmrpc_status status = check_file(fd);
    if (status == SHMRPC_OK) {
        status = read_all(fd, out);
    }
    (void)close(fd);
    return status;
}

shmrpc_status shmrpci_secret_prove(const shmrpci_secret *secret,
                                   const uint8_t *data, size_t len,
                                   uint8_t out[SHMRPCI_PROOF_BYTES])
{
    unsigned used = SHMRPCI_PROOF_BYTES;
    return HMAC(EVP_sha256(), secret->bytes, (int)secret->len, data, len, out,
                &used) != NULL
               ? SHMRPC_OK
               : SHMRPC_E_NO_MEMORY;
}

bool shmrpci_secret_equal(const uint8_t a[SHMRPCI_PROOF_BYTES],
                          const uint8_t b[SHMRPCI_PROOF_BYTES])
{
    return CRYPTO_memcmp(a, b, SHMRPCI_PROOF_BYTES) == 0;
}

shmrpc_status shmrpci_random_fill(uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(out, len, 0);
        if (got < 0 && errno != EINTR) {
            return SHMRPC_E_UNAVAILABLE;
        }
        out += got > 0 ? got : 0;
        len -= got > 0 ? (size_t)got : 0;
    }
    return SHMRPC_OK;
}
