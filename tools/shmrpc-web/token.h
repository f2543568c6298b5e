/*
 * Secrets: random ones for sessions, and tokens in a file, with which scripts
 * and people log in.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_WEB_TOKEN_H
#define SHMRPC_WEB_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "shmrpc/error.h"

/* 256 bits as hexadecimal digits. */
#define WEB_SECRET_LENGTH 64

typedef struct web_secret {
    char text[WEB_SECRET_LENGTH + 1];
} web_secret;

/* Makes a new secret with the system's random generator. Returns false if that
 * fails. */
bool web_secret_make(web_secret *out);

/* Compares in constant time. */
bool web_secret_is(const web_secret *secret, const char *text, size_t len);

/* The permissions of a token. */
enum {
    WEB_MAY_SEE = 1,    /* see figures, logs and descriptions */
    WEB_MAY_CALL = 2,   /* call methods of services */
    WEB_MAY_CHANGE = 4, /* change what the manager runs */
    WEB_MAY_ALL = WEB_MAY_SEE | WEB_MAY_CALL | WEB_MAY_CHANGE
};

/* Appends permissions as text, such as "see,call". */
void web_may_append(unsigned may, shmrpci_buf *out);

#define WEB_MAX_TOKENS       16
#define WEB_TOKEN_NAME_BYTES 32

typedef struct web_token {
    web_secret secret;
    unsigned may;
    char name[WEB_TOKEN_NAME_BYTES]; /* name for the log; "": none */
} web_token;

typedef struct web_tokens {
    web_token items[WEB_MAX_TOKENS];
    size_t count;
} web_tokens;

/* Finds the token with this text, in constant time. Returns NULL if there is
 * none. */
const web_token *web_tokens_find(const web_tokens *tokens, const char *text,
                                 size_t len);

/*
 * Reads the tokens in `path`. If the file doesn't exist, creates it and its
 * missing folders, with one token; only this user can read it (0600). The file
 * has one line for each token:
 *
 *     TOKEN [see,call,change [NAME]]      TOKEN: 64 hexadecimal digits
 *     # a comment
 *
 * If a line states no permissions, its token has all of them. Returns DENIED if
 * others may read the file or it is not ours, INVALID if the contents are
 * malformed; the message names the line.
 */
int web_token_open(const char *path, web_tokens *out, shmrpc_error *error);

/* Where the token is if no path is given: in $XDG_STATE_HOME/shmrpc, else in
 * ~/.local/state/shmrpc. Returns false if the variable and HOME are not set, or
 * the path is too long. */
bool web_token_default_path(char *out, size_t size);

#endif
