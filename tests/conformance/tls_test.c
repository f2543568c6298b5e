/* The conformance suite over TLS; both ends present a certificate. */
#include "suite.h"

#include <ftw.h>
#include <stdio.h>

#include "pki.h"

static int forget(const char *path, const struct stat *about, int kind,
                  struct FTW *at)
{
    (void)about;
    (void)kind;
    (void)at;
    return remove(path);
}

int main(void)
{
    static char folder[] = "/tmp/shmrpc-tls-XXXXXX";
    assert_non_null(mkdtemp(folder));
    pki_make(folder);
    (void)snprintf(suite_cert_file, sizeof suite_cert_file, "%s/server.pem",
                   folder);
    (void)snprintf(suite_ca_file, sizeof suite_ca_file, "%s/ca.pem", folder);
    int failed = suite_main("tls");
    (void)nftw(folder, forget, 4, FTW_DEPTH | FTW_PHYS);
    return failed;
}
