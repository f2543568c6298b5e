/* Makes certificates with OpenSSL. Their keys are on the curve P-256. */
#include "pki.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_S 86400L

typedef struct identity {
    X509 *cert;
    EVP_PKEY *key;
} identity;

static void require(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "no certificate: %s\n", what);
        exit(1);
    }
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    require(extension != NULL && X509_add_ext(cert, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

/* Makes a certificate that is valid from two days ago until `end_days` from
 * now. `names` NULL: the certificate of an authority. `by` NULL: the
 * certificate is signed with its own key. */
static identity make(const char *name, const char *names, long end_days,
                     const identity *by)
{
    static long serial = 1;
    identity made = {.cert = X509_new(), .key = EVP_EC_gen("P-256")};
    require(made.cert != NULL && made.key != NULL, "memory");
    const identity *issuer = by != NULL ? by : &made;
    X509_set_version(made.cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.cert), -2 * DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(made.cert), end_days * DAY_S);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.cert), "CN",
                               MBSTRING_ASC, (const unsigned char *)name, -1,
                               -1, 0);
    X509_set_issuer_name(made.cert, X509_get_subject_name(issuer->cert));
    X509_set_pubkey(made.cert, made.key);
    if (names == NULL) {
        extend(made.cert, made.cert, NID_basic_constraints, "critical,CA:TRUE");
    } else {
        extend(made.cert, issuer->cert, NID_subject_alt_name, names);
    }
    require(X509_sign(made.cert, issuer->key, EVP_sha256()) > 0, name);
    return made;
}

static void write_pem(const char *folder, const char *name, const identity *one)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s.pem", folder, name);
    mode_t before = umask(077);
    FILE *file = fopen(path, "wxe");
    (void)umask(before);
    require(file != NULL && PEM_write_X509(file, one->cert) == 1 &&
                PEM_write_PrivateKey(file, one->key, NULL, NULL, 0, NULL,
                                     NULL) == 1 &&
                fclose(file) == 0,
            path);
}

static void release(identity *one)
{
    X509_free(one->cert);
    EVP_PKEY_free(one->key);
}

void pki_make(const char *folder)
{
    static const char here[] = "DNS:localhost,IP:127.0.0.1,IP:::1";
    static const struct {
        const char *name;
        const char *names;
        long end_days;
        bool is_others;
    } table[] = {{"server", here, 365, false},
                 {"client", "DNS:client", 365, false},
                 {"expired", here, -1, false},
                 {"elsewhere", "DNS:example.org", 365, false},
                 {"stranger", here, 365, true}};
    identity ca = make("ca", NULL, 365, NULL);
    identity other = make("other", NULL, 365, NULL);
    write_pem(folder, "ca", &ca);
    write_pem(folder, "other", &other);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        identity made = make(table[i].name, table[i].names, table[i].end_days,
                             table[i].is_others ? &other : &ca);
        write_pem(folder, table[i].name, &made);
        release(&made);
    }
    release(&ca);
    release(&other);
}
