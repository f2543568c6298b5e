/* TLS 1.3 by OpenSSL. */
#include "os/tls_stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "os/clock.h"
#include "os/poll.h"
#include "os/thread.h"

/* Max data in one record, a limit of TLS; passing more at once gains
 * nothing. */
#define RECORD_BYTES ((size_t)16 << 10)

struct shmrpci_tls {
    SSL *ssl;
    shmrpci_mutex lock; /* held in each call, because an SSL object allows one
                         * thread at a time */
    int fd;
    char alert[SHMRPCI_TLS_WHY_BYTES];
};

/* A shmrpci_tls_context is an SSL_CTX, which counts its own references. */
static SSL_CTX *native(const shmrpci_tls_context *context)
{
    return (SSL_CTX *)(uintptr_t)context;
}

/* ---- the socket as a BIO; OpenSSL's own would raise SIGPIPE -------------- */

static int bio_read(BIO *bio, char *data, int size)
{
    size_t len = 0;
    const shmrpci_tls *tls = BIO_get_data(bio);
    shmrpc_status status =
        shmrpci_stream_receive(tls->fd, data, (size_t)size, &len);
    BIO_clear_retry_flags(bio);
    if (status == SHMRPC_E_BUSY) {
        BIO_set_retry_read(bio);
    } else if (status != SHMRPC_OK) {
        return len == 0 ? 0 : -1;
    }
    return status == SHMRPC_OK ? (int)len : -1;
}

static int bio_write(BIO *bio, const char *data, int size)
{
    size_t len = 0;
    const shmrpci_tls *tls = BIO_get_data(bio);
    const shmrpci_part part = {.data = data, .len = (size_t)size};
    shmrpc_status status = shmrpci_stream_send(tls->fd, &part, 1, &len);
    BIO_clear_retry_flags(bio);
    if (len > 0) {
        return (int)len;
    }
    if (status == SHMRPC_E_BUSY) {
        BIO_set_retry_write(bio);
    }
    return -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *method;
static CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
                          "shmrpc stream");
    if (method != NULL) {
        (void)BIO_meth_set_read(method, bio_read);
        (void)BIO_meth_set_write(method, bio_write);
        (void)BIO_meth_set_ctrl(method, bio_ctrl);
    }
}

/* ---- contexts ------------------------------------------------------------ */

static void say_why(char why[SHMRPCI_TLS_WHY_BYTES], const char *file,
                    const char *text)
{
    (void)snprintf(why, SHMRPCI_TLS_WHY_BYTES, "%.70s %s", file, text);
}

/* Refuses keys with a password, because programs can't type one. */
static int no_password(char *buf, int size, int rw, void *user)
{
    (void)buf;
    (void)size;
    (void)rw;
    (void)user;
    return 0;
}

static shmrpc_status check_file(const char *path, bool is_secret,
                                char why[SHMRPCI_TLS_WHY_BYTES])
{
    struct stat about;
    if (stat(path, &about) != 0) {
        say_why(why, path, errno == ENOENT ? "is not there" : "can't be read");
        return errno == ENOENT ? SHMRPC_E_NOT_FOUND : SHMRPC_E_DENIED;
    }
    if (is_secret && (about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        say_why(why, path,
                "holds a private key that others can read: chmod "
                "600");
        return SHMRPC_E_DENIED;
    }
    return SHMRPC_OK;
}

static shmrpc_status use_cert(SSL_CTX *context, const char *path,
                              char why[SHMRPCI_TLS_WHY_BYTES])
{
    shmrpc_status status = check_file(path, true, why);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (SSL_CTX_use_certificate_chain_file(context, path) != 1) {
        say_why(why, path, "holds no certificate in PEM");
        return SHMRPC_E_INVALID;
    }
    if (SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) != 1) {
        say_why(why, path,
                "lacks the private key of its certificate, in PEM "
                "without a password");
        return SHMRPC_E_INVALID;
    }
    return SHMRPC_OK;
}

static shmrpc_status use_ca(SSL_CTX *context, shmrpci_tls_side side,
                            const char *path, char why[SHMRPCI_TLS_WHY_BYTES])
{
    bool is_server = side == SHMRPCI_TLS_SERVER;
    if (path[0] == '\0') {
        SSL_CTX_set_verify(context,
                           is_server ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
        return is_server || SSL_CTX_set_default_verify_paths(context) == 1
                   ? SHMRPC_OK
                   : SHMRPC_E_NO_MEMORY;
    }
    shmrpc_status status = check_file(path, false, why);
    if (status == SHMRPC_OK && SSL_CTX_load_verify_file(context, path) != 1) {
        say_why(why, path, "holds no certificates in PEM");
        status = SHMRPC_E_INVALID;
    }
    if (status == SHMRPC_OK && is_server) {
        SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(path));
    }
    SSL_CTX_set_verify(context,
                       SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return status;
}

shmrpc_status shmrpci_tls_context_create(shmrpci_tls_side side,
                                         const char *cert_file,
                                         const char *ca_file,
                                         shmrpci_tls_context **out,
                                         char why[SHMRPCI_TLS_WHY_BYTES])
{
    shmrpc_status status = SHMRPC_OK;
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    why[0] = '\0';
    if (context == NULL ||
        CRYPTO_THREAD_run_once(&method_once, make_method) != 1 ||
        method == NULL ||
        SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1) {
        SSL_CTX_free(context);
        return SHMRPC_E_NO_MEMORY;
    }
    (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_default_passwd_cb(context, no_password);
    if (cert_file[0] != '\0') {
        status = use_cert(context, cert_file, why);
    }
    if (status == SHMRPC_OK) {
        status = use_ca(context, side, ca_file, why);
    }
    ERR_clear_error();
    if (status != SHMRPC_OK) {
        SSL_CTX_free(context);
        return status;
    }
    *out = (shmrpci_tls_context *)(void *)context;
    return SHMRPC_OK;
}

static uint64_t stamp_of(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        return 0;
    }
    uint64_t parts[] = {(uint64_t)about.st_ino, (uint64_t)about.st_size,
                        (uint64_t)about.st_mtim.tv_sec,
                        (uint64_t)about.st_mtim.tv_nsec};
    uint64_t stamp = UINT64_C(14695981039346656037); /* FNV-1a, by words */
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        stamp = (stamp ^ parts[i]) * UINT64_C(1099511628211);
    }
    return stamp | 1;
}

uint64_t shmrpci_tls_files_stamp(const char *cert_file, const char *ca_file)
{
    uint64_t cert = stamp_of(cert_file);
    uint64_t ca = ca_file[0] != '\0' ? stamp_of(ca_file) : 1;
    return cert != 0 && ca != 0 ? (cert ^ (ca << 1)) | 1 : 0;
}

void shmrpci_tls_context_destroy(shmrpci_tls_context *context)
{
    SSL_CTX_free(native(context));
}

/* ---- connections --------------------------------------------------------- */

shmrpci_tls *shmrpci_tls_create(const shmrpci_tls_context *context,
                                shmrpci_tls_side side, int fd)
{
    shmrpci_tls *tls = calloc(1, sizeof *tls);
    SSL *ssl = tls != NULL ? SSL_new(native(context)) : NULL;
    BIO *bio = ssl != NULL ? BIO_new(method) : NULL;
    if (bio == NULL) {
        SSL_free(ssl);
        free(tls);
        return NULL;
    }
    tls->fd = fd;
    tls->ssl = ssl;
    shmrpci_mutex_init(&tls->lock);
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    if (side == SHMRPCI_TLS_SERVER) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
    }
    return tls;
}

void shmrpci_tls_destroy(shmrpci_tls *tls)
{
    if (tls != NULL) {
        SSL_free(tls->ssl);
        shmrpci_mutex_fini(&tls->lock);
        free(tls);
    }
}

/* Keeps the text of OpenSSL's last error, which is an alert of the peer. */
static void keep_alert(shmrpci_tls *tls)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    if (reason != NULL && tls->alert[0] == '\0') {
        (void)snprintf(tls->alert, sizeof tls->alert, "%.100s", reason);
    }
    ERR_clear_error();
}

/* Gives the status after a failed call: BUSY, or UNAVAILABLE, with 0 in
 * `*out_len` if the peer ended in good order. */
static shmrpc_status status_of(shmrpci_tls *tls, int result, size_t *out_len)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return SHMRPC_E_BUSY;
    case SSL_ERROR_ZERO_RETURN:
        *out_len = 0;
        return SHMRPC_E_UNAVAILABLE;
    default:
        keep_alert(tls);
        *out_len = 1;
        return SHMRPC_E_UNAVAILABLE;
    }
}

shmrpc_status shmrpci_tls_receive(shmrpci_tls *tls, void *data, size_t size,
                                  size_t *out_len)
{
    size_t total = 0;
    shmrpc_status status = SHMRPC_OK;
    *out_len = 0;
    shmrpci_mutex_lock(&tls->lock);
    ERR_clear_error();
    while (total < size && status == SHMRPC_OK) {
        size_t got = 0;
        int result =
            SSL_read_ex(tls->ssl, (char *)data + total, size - total, &got);
        if (result == 1) {
            total += got;
        } else {
            status = status_of(tls, result, out_len);
        }
    }
    shmrpci_mutex_unlock(&tls->lock);
    if (total > 0) {
        /* The next call will report the end again. */
        *out_len = total;
        return SHMRPC_OK;
    }
    return status;
}

/* Returns the data of the next record, after the first `sent` bytes of `parts`:
 * in place if it is within one part, else copied to `room`. */
static const void *next_record(const shmrpci_part *parts, size_t count,
                               size_t sent, uint8_t room[RECORD_BYTES],
                               size_t *out_len)
{
    size_t filled = 0;
    for (size_t i = 0; i < count && filled < RECORD_BYTES; i++) {
        if (sent >= parts[i].len) {
            sent -= parts[i].len;
            continue;
        }
        const uint8_t *at = (const uint8_t *)parts[i].data + sent;
        size_t len = parts[i].len - sent;
        sent = 0;
        if (filled == 0 && len >= RECORD_BYTES) {
            *out_len = RECORD_BYTES;
            return at;
        }
        len = len < RECORD_BYTES - filled ? len : RECORD_BYTES - filled;
        memcpy(room + filled, at, len);
        filled += len;
    }
    *out_len = filled;
    return room;
}

shmrpc_status shmrpci_tls_send(shmrpci_tls *tls, const shmrpci_part *parts,
                               size_t count, size_t *out_len)
{
    uint8_t room[RECORD_BYTES];
    shmrpc_status status = SHMRPC_OK;
    size_t total = 0;
    size_t ignored;
    shmrpci_mutex_lock(&tls->lock);
    ERR_clear_error();
    while (status == SHMRPC_OK) {
        size_t len = 0;
        size_t sent = 0;
        const void *record = next_record(parts, count, total, room, &len);
        if (len == 0) {
            break;
        }
        int result = SSL_write_ex(tls->ssl, record, len, &sent);
        total += result == 1 ? sent : 0;
        status = result == 1 ? SHMRPC_OK : status_of(tls, result, &ignored);
    }
    shmrpci_mutex_unlock(&tls->lock);
    *out_len = total;
    return status;
}

void shmrpci_tls_end(shmrpci_tls *tls)
{
    shmrpci_mutex_lock(&tls->lock);
    if (SSL_is_init_finished(tls->ssl)) {
        ERR_clear_error();
        (void)SSL_shutdown(tls->ssl);
        ERR_clear_error();
    }
    shmrpci_mutex_unlock(&tls->lock);
}

bool shmrpci_tls_is_shaken(shmrpci_tls *tls)
{
    shmrpci_mutex_lock(&tls->lock);
    bool is_shaken = SSL_is_init_finished(tls->ssl) != 0;
    shmrpci_mutex_unlock(&tls->lock);
    return is_shaken;
}

void shmrpci_tls_subject(shmrpci_tls *tls, char *out, size_t size)
{
    out[0] = '\0';
    shmrpci_mutex_lock(&tls->lock);
    X509 *cert = SSL_get1_peer_certificate(tls->ssl);
    BIO *text = cert != NULL ? BIO_new(BIO_s_mem()) : NULL;
    if (text != NULL && X509_NAME_print_ex(text, X509_get_subject_name(cert), 0,
                                           XN_FLAG_RFC2253) >= 0) {
        int len = BIO_read(text, out, (int)size - 1);
        out[len > 0 ? len : 0] = '\0';
    }
    BIO_free(text);
    X509_free(cert);
    ERR_clear_error();
    shmrpci_mutex_unlock(&tls->lock);
}

const char *shmrpci_tls_alert(const shmrpci_tls *tls)
{
    return tls->alert;
}

shmrpc_status shmrpci_tls_binding(shmrpci_tls *tls,
                                  uint8_t out[SHMRPCI_TLS_BINDING_BYTES])
{
    static const char label[] = "EXPORTER-Channel-Binding";
    shmrpci_mutex_lock(&tls->lock);
    int done =
        SSL_export_keying_material(tls->ssl, out, SHMRPCI_TLS_BINDING_BYTES,
                                   label, sizeof label - 1, NULL, 0, 0);
    ERR_clear_error();
    shmrpci_mutex_unlock(&tls->lock);
    return done == 1 ? SHMRPC_OK : SHMRPC_E_UNAVAILABLE;
}

/* ---- the client's handshake ---------------------------------------------- */

static bool expect_host(SSL *ssl, const char *host)
{
    char name[256]; /* a copy, because OpenSSL takes a pointer to non-const */
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    (void)snprintf(name, sizeof name, "%s", host);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1) {
        return true;
    }
    ERR_clear_error();
    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

static shmrpc_status connect_failed(shmrpci_tls *tls, int error,
                                    char why[SHMRPCI_TLS_WHY_BYTES])
{
    long verified = SSL_get_verify_result(tls->ssl);
    if (verified != X509_V_OK) {
        (void)snprintf(why, SHMRPCI_TLS_WHY_BYTES, "%.100s",
                       X509_verify_cert_error_string(verified));
        ERR_clear_error();
        return SHMRPC_E_UNAUTHENTICATED;
    }
    keep_alert(tls);
    (void)snprintf(why, SHMRPCI_TLS_WHY_BYTES, "%.100s",
                   tls->alert[0] != '\0' ? tls->alert : "it hung up");
    return error == SSL_ERROR_SSL && tls->alert[0] != '\0'
               ? SHMRPC_E_CONTRACT
               : SHMRPC_E_UNAVAILABLE;
}

shmrpc_status shmrpci_tls_connect(shmrpci_tls *tls, const char *host,
                                  int64_t deadline_ns,
                                  char why[SHMRPCI_TLS_WHY_BYTES])
{
    why[0] = '\0';
    ERR_clear_error();
    if (!expect_host(tls->ssl, host)) {
        (void)snprintf(why, SHMRPCI_TLS_WHY_BYTES,
                       "not a name that a certificate can have");
        ERR_clear_error();
        return SHMRPC_E_INVALID;
    }
    for (;;) {
        ERR_clear_error();
        int result = SSL_do_handshake(tls->ssl);
        int error = SSL_get_error(tls->ssl, result);
        if (result == 1) {
            return SHMRPC_OK;
        }
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            return connect_failed(tls, error, why);
        }
        shmrpci_poll_entry entry = {.fd = tls->fd,
                                    .read = error == SSL_ERROR_WANT_READ,
                                    .write = error == SSL_ERROR_WANT_WRITE};
        if (!shmrpci_poll_entries(&entry, 1, deadline_ns)) {
            (void)snprintf(why, SHMRPCI_TLS_WHY_BYTES, "no answer in time");
            return SHMRPC_E_DEADLINE;
        }
    }
}
