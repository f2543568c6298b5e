/*
 * Checks the head of an HTTP request before anything else uses it.
 *
 * libmicrohttpd accepts any Host, and requests that two servers in a row could
 * interpret differently. They are refused here, before routing.
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
#define WEB_MAX_LOGIN_BYTES ((size_t)1 << 10) /* without a login */
#define WEB_MAX_GIVEN_HOSTS 12                /* number of --host */
#define WEB_MAX_HOSTS       (WEB_MAX_GIVEN_HOSTS + 3) /* and our own */
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
    const char *target;  /* as received, with the query; NULL if it was too
                          * long */
    const web_field *fields;
    size_t field_count; /* number of received fields, including those beyond
                         * WEB_MAX_FIELDS */
} web_head;

/* Host names that the server accepts, each with its port. */
typedef struct web_hosts {
    char names[WEB_MAX_HOSTS][WEB_MAX_HOST_LENGTH + 1];
    size_t count;
} web_hosts;

/* Adds a name. Returns false if it is too long, not a name, or one too many. */
bool web_hosts_add(web_hosts *hosts, const char *name);

/* Why a request is refused: an HTTP status and a sentence. */
typedef struct web_refusal {
    unsigned status;
    const char *why;
} web_refusal;

/* Checks the head. `max_body_bytes` is the limit for authenticated clients.
 * Returns true if the request may be handled. Otherwise `*out` is the reason:
 * 400 for ambiguous requests, 403 for a Host that is not ours, 405 and 501 for
 * verbs, 413, 414 and 431 for sizes, 505 for versions. */
bool web_head_check(const web_head *head, const web_hosts *hosts,
                    size_t max_body_bytes, web_refusal *out);

/* Finds the field `name`, and returns NULL if there is none. */
const web_field *web_head_find(const web_head *head, const char *name);

/* Whether a field's value is `text`, ignoring case. */
bool web_field_is(const web_field *field, const char *text);

#endif
