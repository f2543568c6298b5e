/*
 * The head of an HTTP request, checked before anything else.
 *
 * libmicrohttpd accepts requests that two servers in a row could interpret
 * differently, and any Host. They are refused here, before routing.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_WEB_HEAD_H
#define SHMRPC_WEB_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of a request. */
#define WEB_MAX_HEAD_BYTES  ((size_t)8 << 10)
#define WEB_MAX_FIELDS      64
#define WEB_MAX_TARGET      2048
#define WEB_MAX_BODY_BYTES  ((size_t)1 << 20) /* default of --max-body */
#define WEB_MAX_LOGIN_BYTES ((size_t)1 << 10) /* body of a stranger */
#define WEB_MAX_HOSTS       16
#define WEB_MAX_HOST_LENGTH 255

/* A header field as received; not NUL-terminated. */
typedef struct web_field {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
} web_field;

typedef struct web_head {
    const char *verb;
    const char *version; /* "HTTP/1.1" */
    const char *target;  /* as received, with the query; NULL: too long */
    const web_field *fields;
    size_t field_count; /* all received ones, also those beyond
                         * WEB_MAX_FIELDS */
} web_head;

/* Names under which the server may be spoken to, each with its port. */
typedef struct web_hosts {
    char names[WEB_MAX_HOSTS][WEB_MAX_HOST_LENGTH + 1];
    size_t count;
} web_hosts;

/* Adds a name. False: too long, no name, or one too many. */
bool web_hosts_add(web_hosts *hosts, const char *name);

/* Why a request is refused: its HTTP status, and a sentence. */
typedef struct web_refusal {
    unsigned status;
    const char *why;
} web_refusal;

/*
 * `max_body_bytes` applies to logged-in users. ¶ True: the request may be
 * handled. False: `*out` is the reason: 400 ambiguous, 403 a Host that is not
 * ours, 405 and 501 verbs, 413, 414 and 431 sizes, 505 versions.
 */
bool web_head_check(const web_head *head, const web_hosts *hosts,
                    size_t max_body_bytes, web_refusal *out);

/* The value of the only field `name`; NULL: there is none. */
const web_field *web_head_find(const web_head *head, const char *name);

/* Whether a field's value is `text`, ignoring case. */
bool web_field_is(const web_field *field, const char *text);

#endif
