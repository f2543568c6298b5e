/*
 * PEM files of certificates and keys.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_WEB_PEM_H
#define SHMRPC_WEB_PEM_H

#include <stdbool.h>

/* The text of a file of at most 64 KiB, for free(); NULL: it can't be read, or
 * is no PEM. */
char *web_pem_read(const char *path);

/* Whether only the owner can read it, or nobody. */
bool web_pem_is_private(const char *path);

#endif
