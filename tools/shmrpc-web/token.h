/*
 * Secrets: random ones, and the one in a file that lets scripts and people in.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_WEB_TOKEN_H
#define SHMRPC_WEB_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "shmrpc/error.h"

/* 256 bits as hexadecimal digits. */
#define WEB_SECRET_LENGTH 64

typedef struct web_secret {
    char text[WEB_SECRET_LENGTH + 1];
} web_secret;

/* A new one from the system's generator. False: there is none. */
bool web_secret_make(web_secret *out);

/* Takes the same time wherever they differ. */
bool web_secret_is(const web_secret *secret, const char *text, size_t len);

/*
 * Reads the token in `path`, or makes one there, in a file for nobody but this
 * user (0600), with the folders that lack. DENIED: others may read the file, or
 * it is not ours; INVALID: it holds no token.
 */
int web_token_open(const char *path, web_secret *out, shmrpc_error *error);

/* Where the token is unless a path is given: in $XDG_STATE_HOME/shmrpc, else
 * in ~/.local/state/shmrpc. False: neither is known, or it is too long. */
bool web_token_default_path(char *out, size_t size);

#endif
