/*
 * Authentication and permissions: the token, sessions of browsers, and the
 * origin of a request.
 *
 * Scripts send the token with each request (Authorization: Bearer). A browser
 * sends it once and gets a cookie, which no other site can make it send
 * (SameSite=Strict), and which alone permits no changes: a change needs the
 * session's second secret in a header field of its own, and an Origin that
 * equals the Host. Only the reply to the login contains the second secret:
 * other programs on this host get the cookie too, since cookies ignore ports.
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
    web_secret id;          /* in the cookie */
    web_secret csrf;        /* X-CSRF-Token */
    const web_token *token; /* the token by which it was opened */
    int64_t used_ns;        /* 0: free */
} web_session;

typedef struct web_auth {
    web_tokens tokens;
    uint16_t port;  /* part of the cookie's name, since cookies ignore ports */
    bool is_secure; /* over TLS */
    web_session sessions[WEB_MAX_SESSIONS];
} web_auth;

typedef struct web_who {
    const web_token *token; /* NULL: a stranger */
    web_session *session;   /* NULL: by the token */
    bool is_wrong;          /* it presented an invalid token */
} web_who;

web_who web_auth_who(web_auth *auth, const web_head *head);

/* Whether this request may change something. False: `*out` is the reason. */
bool web_auth_may_change(const web_auth *auth, const web_head *head,
                         const web_who *who, web_refusal *out);

/* Whether a request was not sent by another site's page. */
bool web_auth_is_same_origin(const web_auth *auth, const web_head *head);

/* Whether it shows the second secret of its session. */
bool web_auth_has_csrf(const web_head *head, const web_session *session);

/* A new session; NULL: no random numbers. */
web_session *web_auth_open(web_auth *auth, const web_token *token);
void web_auth_close(web_session *session);

/* The value of Set-Cookie for a session, or, for NULL, one that removes it. */
#define WEB_COOKIE_BYTES 192
void web_auth_cookie(const web_auth *auth, const web_session *session,
                     char out[WEB_COOKIE_BYTES]);

#endif
