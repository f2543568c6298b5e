/*
 * Authentication and permissions: tokens, sessions of browsers, and the origin
 * of a request.
 *
 * Scripts send the token with each request (Authorization: Bearer). A browser
 * sends it once and gets a cookie, which no other site can make it send
 * (SameSite=Strict). The cookie alone permits no changes: a change also needs
 * the session's second secret in a header field of its own, and an Origin that
 * equals the Host. The second secret is only sent in the reply to the login. A
 * cookie is not enough, because cookies ignore ports, so that other programs on
 * this host get it too.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_WEB_AUTH_H
#define SHMRPC_WEB_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/shmrpc-web/head.h"
#include "tools/shmrpc-web/token.h"

/* The maximum number of sessions; the least recently used one is dropped
 * first. */
#define WEB_MAX_SESSIONS 32

typedef struct web_session {
    web_secret id;          /* sent as the cookie */
    web_secret csrf;        /* second secret, sent as X-CSRF-Token */
    const web_token *token; /* the token that opened the session */
    int64_t used_ns;        /* last use; 0: this place is free */
} web_session;

typedef struct web_auth {
    web_tokens tokens;
    uint16_t port;  /* part of the cookie's name, since cookies ignore ports */
    bool is_secure; /* the server uses TLS */
    web_session sessions[WEB_MAX_SESSIONS];
} web_auth;

typedef struct web_who {
    const web_token *token; /* the token of the user; NULL: a stranger */
    web_session *session;   /* the session; NULL: the request has the token
                             * itself */
    bool is_wrong;          /* the request has an invalid token */
} web_who;

web_who web_auth_who(web_auth *auth, const web_head *head);

/* Whether this request may change something. If not, `*out` receives the
 * reason. */
bool web_auth_may_change(const web_auth *auth, const web_head *head,
                         const web_who *who, web_refusal *out);

/* Whether a request was not sent by another site's page. */
bool web_auth_is_same_origin(const web_auth *auth, const web_head *head);

/* Whether the request contains the second secret of its session. */
bool web_auth_has_csrf(const web_head *head, const web_session *session);

/* Opens a session. Returns NULL if no random numbers are available. */
web_session *web_auth_open(web_auth *auth, const web_token *token);
void web_auth_close(web_session *session);

/* Writes the value of Set-Cookie for a session; NULL for a value that removes
 * the cookie. */
#define WEB_COOKIE_BYTES 192
void web_auth_cookie(const web_auth *auth, const web_session *session,
                     char out[WEB_COOKIE_BYTES]);

#endif
