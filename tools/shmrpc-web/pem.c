/* Reads PEM files into memory, as libmicrohttpd expects them. Only the PEM
 * frame is checked: whether key and certificate are valid, and belong together,
 * is found when TLS starts. */
#include "tools/shmrpc-web/pem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_BYTES ((size_t)64 << 10)

bool web_pem_is_private(const char *path)
{
    struct stat about;
    return stat(path, &about) != 0 ||
           (about.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

char *web_pem_read(const char *path)
{
    FILE *file = fopen(path, "rbe");
    char *text = file != NULL ? malloc(MAX_BYTES + 1) : NULL;
    size_t len = text != NULL ? fread(text, 1, MAX_BYTES + 1, file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (text == NULL || len == 0 || len > MAX_BYTES) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    if (strstr(text, "-----BEGIN ") == NULL) {
        free(text);
        return NULL;
    }
    return text;
}
