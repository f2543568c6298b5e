/*
 * PEM files of certificates and keys.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_WEB_PEM_H
#define SHMRPC_WEB_PEM_H

#include <stdbool.h>

/* Reads a file of at most 64 KiB. The caller frees the text with free().
 * Returns NULL if the file can't be read or is not PEM. */
char *web_pem_read(const char *path);

/* Whether nobody except the owner can read the file. */
bool web_pem_is_private(const char *path);

#endif
