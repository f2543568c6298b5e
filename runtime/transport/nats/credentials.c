/* Reads credentials: nsc's files, and seeds. */
#include "transport/nats/credentials.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Reads a whole file and appends a final 0. */
static bool read_all(const char *path, char *out, size_t size, char *why,
                     size_t why_size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)snprintf(why, why_size, "%s: %s", path, strerror(errno));
        return false;
    }
    size_t len = fread(out, 1, size - 1, file);
    bool is_whole = feof(file) != 0 && ferror(file) == 0;
    (void)fclose(file);
    out[len] = '\0';
    if (!is_whole || len == 0) {
        (void)snprintf(why, why_size, "%s: %s", path,
                       len == 0 ? "it is empty" : "it is too long");
    }
    return is_whole && len > 0;
}

/* Finds the marker line that contains `marker`, and copies the first line after
 * it that is not a marker line. */
static bool take_block(const char *text, const char *marker, char *out,
                       size_t size)
{
    const char *at = strstr(text, marker);
    at = at != NULL ? strchr(at, '\n') : NULL;
    while (at != NULL && (*at == '\n' || *at == '\r')) {
        at++;
    }
    size_t len = at != NULL ? strcspn(at, "\r\n") : 0;
    if (len == 0 || len >= size || at[0] == '-') {
        return false;
    }
    memcpy(out, at, len);
    out[len] = '\0';
    return true;
}

/* All seeds begin with S, seeds of users with SU. */
static bool take_seed(const char *text, char *out, size_t size)
{
    size_t len = strcspn(text, "\r\n \t");
    if (text[0] != 'S' || len < 50 || len >= size) {
        return false;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

bool nats_credentials_read(const char *path, bool is_seed,
                           nats_credentials *out, char *why, size_t why_size)
{
    char text[2 * NATS_CREDENTIALS_BYTES];
    *out = (nats_credentials){.jwt = ""};
    if (!read_all(path, text, sizeof text, why, why_size)) {
        return false;
    }
    bool good = is_seed ? take_seed(text, out->seed, sizeof out->seed)
                        : take_block(text, "BEGIN NATS USER JWT", out->jwt,
                                     sizeof out->jwt) &&
                              take_block(text, "BEGIN USER NKEY SEED",
                                         out->seed, sizeof out->seed);
    explicit_bzero(text, sizeof text);
    if (!good) {
        (void)snprintf(why, why_size, "%s: %s", path,
                       is_seed ? "it contains no seed"
                               : "it lacks a user's JWT or seed");
    }
    return good;
}

void nats_credentials_wipe(nats_credentials *credentials)
{
    explicit_bzero(credentials, sizeof *credentials);
}
