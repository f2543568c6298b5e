/* Determines who sends a request, and whether it may change something. Secrets
 * are compared in constant time (token.h), and a search compares all of them,
 * so that its duration doesn't reveal how close a guess was. */
#include "tools/shmrpc-web/auth.h"

#include <stdio.h>
#include <string.h>

#include "os/clock.h"

#define NAME_BYTES 32

static bool begins_with(const char *text, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

/* Finding a session marks it as used: web_auth_open replaces the least recently
 * used one. */
static web_session *find_session(web_auth *auth, const char *id, size_t len)
{
    web_session *found = NULL;
    for (size_t i = 0; i < WEB_MAX_SESSIONS; i++) {
        web_session *at = &auth->sessions[i];
        if (at->used_ns != 0 && web_secret_is(&at->id, id, len)) {
            found = at;
        }
    }
    if (found != NULL) {
        found->used_ns = shmrpci_now_ns();
    }
    return found;
}

/* The name contains the port, because cookies ignore ports (RFC 6265, 8.5): two
 * servers of this host would overwrite each other's cookies. Under TLS the
 * prefix makes browsers accept the cookie from this host over TLS only. */
static void name_cookie(const web_auth *auth, char out[NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES,
                   "%sshmrpc_%u=", auth->is_secure ? "__Host-" : "",
                   auth->port);
}

/* Finds the session of a Cookie field, which may also contain cookies of other
 * servers. */
static web_session *session_of(web_auth *auth, const web_field *field)
{
    char name[NAME_BYTES];
    name_cookie(auth, name);
    for (size_t at = 0; at < field->value_len;) {
        size_t end = at;
        while (end < field->value_len && field->value[end] != ';') {
            end++;
        }
        if (begins_with(field->value + at, end - at, name)) {
            at += strlen(name);
            return find_session(auth, field->value + at, end - at);
        }
        for (at = end + 1; at < field->value_len && field->value[at] == ' ';) {
            at++;
        }
    }
    return NULL;
}

/* If a request has an Authorization field, only that counts: a wrong token is
 * wrong even together with a valid cookie. An expired cookie counts as no login
 * rather than a wrong guess, because after a restart every browser has one. */
web_who web_auth_who(web_auth *auth, const web_head *head)
{
    static const char scheme[] = "Bearer ";
    const size_t skip = sizeof scheme - 1;
    const web_field *bearer = web_head_find(head, "Authorization");
    const web_field *cookie = web_head_find(head, "Cookie");
    web_who who = {.token = NULL};
    if (bearer != NULL) {
        if (begins_with(bearer->value, bearer->value_len, scheme)) {
            who.token = web_tokens_find(&auth->tokens, bearer->value + skip,
                                        bearer->value_len - skip);
        }
        who.is_wrong = who.token == NULL;
    } else if (cookie != NULL) {
        who.session = session_of(auth, cookie);
        who.token = who.session != NULL ? who.session->token : NULL;
    }
    return who;
}

/*
 * Origin is compared with Host, which head.c has found to be ours. `Origin:
 * null`, which a sandboxed frame sends, is not our origin. Sec-Fetch-Site
 * `none` means that the user has typed the address.
 *
 * A request that has neither field is not from a browser, or is a GET, which
 * changes nothing.
 */
bool web_auth_is_same_origin(const web_auth *auth, const web_head *head)
{
    const web_field *origin = web_head_find(head, "Origin");
    const web_field *site = web_head_find(head, "Sec-Fetch-Site");
    const web_field *host = web_head_find(head, "Host");
    char expected[WEB_MAX_HOST_LENGTH + 16];
    if (site != NULL && !web_field_is(site, "same-origin") &&
        !web_field_is(site, "none")) {
        return false;
    }
    if (origin == NULL) {
        return true;
    }
    (void)snprintf(expected, sizeof expected, "http%s://%.*s",
                   auth->is_secure ? "s" : "", (int)host->value_len,
                   host->value);
    return web_field_is(origin, expected);
}

/* A token in Authorization is sufficient: another site can make a browser send
 * that field only after a preflight, which is always refused (head.c). Browsers
 * send a cookie without asking, so a session needs more proof. */
bool web_auth_may_change(const web_auth *auth, const web_head *head,
                         const web_who *who, web_refusal *out)
{
    *out = (web_refusal){.status = 403,
                         .why = "the request comes from another site"};
    if (!web_auth_is_same_origin(auth, head)) {
        return false;
    }
    if (who->session == NULL) {
        return true;
    }
    if (web_head_find(head, "Origin") == NULL) {
        out->why = "a browser's request needs the field Origin";
        return false;
    }
    out->why = "the field X-CSRF-Token is missing or not this session's";
    return web_auth_has_csrf(head, who->session);
}

bool web_auth_has_csrf(const web_head *head, const web_session *session)
{
    const web_field *csrf = web_head_find(head, "X-CSRF-Token");
    return csrf != NULL &&
           web_secret_is(&session->csrf, csrf->value, csrf->value_len);
}

/* If the table is full, the least recently used session is replaced, so logins
 * never fail for lack of room. Free places have time 0 and come first. Both
 * secrets are made before the old session is overwritten. */
web_session *web_auth_open(web_auth *auth, const web_token *token)
{
    web_session *oldest = &auth->sessions[0];
    for (size_t i = 1; i < WEB_MAX_SESSIONS; i++) {
        if (auth->sessions[i].used_ns < oldest->used_ns) {
            oldest = &auth->sessions[i];
        }
    }
    web_session made = {.used_ns = shmrpci_now_ns(), .token = token};
    if (!web_secret_make(&made.id) || !web_secret_make(&made.csrf)) {
        return NULL;
    }
    *oldest = made;
    return oldest;
}

void web_auth_close(web_session *session)
{
    memset(session, 0, sizeof *session);
}

/* HttpOnly hides the cookie from scripts. The cookie has no lifetime: it ends
 * with the browser, or with this process, which has the session in its
 * memory. */
void web_auth_cookie(const web_auth *auth, const web_session *session,
                     char out[WEB_COOKIE_BYTES])
{
    char name[NAME_BYTES];
    name_cookie(auth, name);
    (void)snprintf(out, WEB_COOKIE_BYTES,
                   "%s%s; Path=/; HttpOnly; SameSite=Strict%s%s", name,
                   session != NULL ? session->id.text : "",
                   auth->is_secure ? "; Secure" : "",
                   session != NULL ? "" : "; Max-Age=0");
}
