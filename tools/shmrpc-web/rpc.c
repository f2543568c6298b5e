/* Turns a request of /rpc/ or /rest/ into a call, and the end of the call into
 * the reply. Each request is a journey (journey.h). Its service is found, at
 * once or after a search, then its method, its permission and its parameters.
 * Then it is a plain call, a one-way call, a download or an upload. */
#include "tools/shmrpc-web/rpc.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/nearest.h"
#include "os/clock.h"
#include "os/poll.h"
#include "shmrpc/beside.h"
#include "tools/common/error_json.h"
#include "tools/shmrpc-web/download.h"
#include "tools/shmrpc-web/token.h"
#include "tools/shmrpc-web/upload.h"

/* How long a request waits for a service that was not found yet. */
#define FIND_NS (3 * SHMRPCI_NS_PER_S)
/* The longest deadline that a request may ask for. */
#define MAX_TIMEOUT_MS 600000u

/* Waiting up to SOON_NS for a call costs less than a turn of the loop, and
 * delays nobody noticeably. If the last wait for a method timed out, only one
 * of AGAIN calls of that method is waited for. */
#define SOON_NS (100 * SHMRPCI_NS_PER_US)
#define AGAIN   32u

/* The interface that controls shmrpcd. */
#define MANAGER "shmrpc.manager.Control"

/* ---- errors ---- */

/* Retry-After has whole seconds (RFC 9110, 10.2.3). They are rounded up, so
 * that nobody retries too early. */
static unsigned retry_s(const shmrpc_error *error)
{
    return (unsigned)((error->retry_after_ns + SHMRPCI_NS_PER_S - 1) /
                      SHMRPCI_NS_PER_S);
}

/* `http` is the HTTP status; 0 stands for the one that belongs to the error's
 * code. */
static void reply_error(web_request *request, const shmrpc_error *error,
                        unsigned http, const shmrpci_buf *details,
                        const shmrpc_reply_metadata *metadata)
{
    shmrpci_buf body;
    shmrpci_buf_init_heap(&body);
    shmrpci_buf_append_char(&body, '{');
    tool_error_append(error, &body);
    if (details != NULL && details->len > 0) {
        shmrpci_json_key(&body, "details");
        shmrpci_buf_append(&body, details->data, details->len);
    }
    shmrpci_buf_append_text(&body, "}\n");
    const web_reply_head head = {
        .status = http != 0 ? http : (unsigned)shmrpc_status_http(error->code),
        .type = "application/json",
        .retry_s = retry_s(error),
        .metadata = metadata};
    web_reply(request, &head, body.data, body.len);
    shmrpci_buf_fini(&body);
}

void web_reply_error(web_request *request, const shmrpc_error *error)
{
    reply_error(request, error, 0, NULL, NULL);
}

void web_journey_fail(web_journey *j, const shmrpc_error *error)
{
    j->rpc->stats.errors++;
    reply_error(j->request, error, 0, NULL, &j->back);
}

/* Replies with an HTTP status that no status of ours corresponds to. */
static void reply_plain(web_request *request, web_reply_head head,
                        const char *code, const char *message)
{
    shmrpci_buf body;
    shmrpci_buf_init_heap(&body);
    shmrpci_buf_append_char(&body, '{');
    shmrpci_json_set_text(&body, "code", code);
    shmrpci_json_set_text(&body, "message", message);
    shmrpci_buf_append_text(&body, "}\n");
    head.type = "application/json";
    web_reply(request, &head, body.data, body.len);
    shmrpci_buf_fini(&body);
}

void web_reply_invalid(web_request *request, unsigned status, const char *allow,
                       const char *message)
{
    const web_reply_head head = {.status = status, .allow = allow};
    reply_plain(request, head, "invalid_argument", message);
}

void web_reply_later(web_request *request, unsigned wait_s)
{
    const web_reply_head head = {.status = 429, .retry_s = wait_s};
    reply_plain(request, head, "resource_exhausted",
                "too many attempts: retry after the seconds in Retry-After");
}

/* ---- the end of a call ---- */

/* Stops watching the service's client, and drops the reference that
 * find_service took. */
static void let_go(web_rpc *rpc, web_watched *at)
{
    web_service *service = at->service;
    int fd = shmrpc_stub_fd(service->client);
    if (fd >= 0) {
        shmrpci_poll_remove(rpc->set, fd);
    }
    at->service = NULL;
    web_service_release(rpc->directory, service);
}

void web_journey_result(web_journey *j, const shmrpc_method *method,
                        const void *reply)
{
    shmrpci_buf body;
    shmrpc_error error;
    shmrpci_buf_init_heap(&body);
    int status = web_form_encode(j->form.out, method->result, reply, "result",
                                 &body, &error);
    if (status == SHMRPC_OK) {
        if (j->form.out == WEB_FORM_JSON) {
            shmrpci_buf_append_char(&body, '\n');
        }
        const web_reply_head head = {.status = 200,
                                     .type = web_form_type(j->form.out),
                                     .metadata = &j->back};
        web_reply(j->request, &head, body.data, body.len);
    } else {
        /* A result may have no form in JSON, such as bytes in an `any`. */
        error.code = SHMRPC_E_UNIMPLEMENTED;
        web_journey_fail(j, &error);
    }
    shmrpci_buf_fini(&body);
}

/* The HTTP status that @http gives a declared error; 0 if there is none. */
static unsigned http_of(const web_journey *j, const shmrpc_error *error)
{
    const idl_method *method = &j->at->service->source->methods[j->method];
    for (size_t i = 0; i < method->throw_count; i++) {
        if (method->throws[i]->number == error->code) {
            return method->throws[i]->http;
        }
    }
    return 0;
}

void web_journey_declared(web_journey *j, const shmrpc_method *method,
                          const void *reply, const shmrpc_stream *stream,
                          const shmrpc_error *error)
{
    shmrpci_buf details;
    shmrpci_buf_init_heap(&details);
    tool_details_append(method, reply, stream, error, &details);
    j->rpc->stats.errors++;
    reply_error(j->request, error, http_of(j, error), &details, &j->back);
    shmrpci_buf_fini(&details);
}

/* Ends a plain call. It counts as in progress until its reply is encoded,
 * because the service's tables describe the reply. Only then may the service be
 * released. */
static void finish(web_journey *j, int status, const void *reply,
                   const shmrpc_error *error)
{
    web_rpc *rpc = j->rpc;
    web_watched *at = j->at;
    const shmrpc_method *method = &at->service->tables->methods[j->method];
    j->call = NULL;
    j->request->pending = NULL;
    rpc->stats.in_progress--;
    if (status == SHMRPC_OK) {
        web_journey_result(j, method, reply);
    } else {
        rpc->stats.cancelled += status == SHMRPC_E_CANCELLED;
        web_journey_declared(j, method, reply, NULL, error);
    }
    at->calls--;
}

/* The stub hands over `reply`, which must be released here. */
static void on_end(shmrpc_function done, void *user, int status, void *reply,
                   const shmrpc_error *error)
{
    (void)done;
    finish(user, status, reply, error);
    shmrpc_stub_release(reply);
}

/* The stub requires a callback of the user, of any type, which it only passes
 * on to on_end. on_end doesn't use it, because the journey has everything. */
static void do_nothing(void)
{
}

/* ---- starting a call ----------------------------------------------------- */

/* The timeout of a call without Shmrpc-Timeout-Ms. 0 means the method's own, or
 * no timeout for a stream. The default of the directory's client is too short
 * for calls, because it only serves to detect hung services. */
static int64_t usual_timeout_ns(const shmrpc_method *method)
{
    bool has_stream = method->items_in != NULL || method->items_out != NULL;
    return method->timeout_ns != 0 || has_stream ? 0
                                                 : SHMRPC_DEFAULT_TIMEOUT_NS;
}

/* Reads Shmrpc-Timeout-Ms. It accepts digits only, while strtoul would accept
 * signs and blanks too. The loop stops above the maximum, before `ms` could
 * overflow. */
static bool read_timeout(web_journey *j, const shmrpc_method *method,
                         shmrpc_opts *opts)
{
    const web_field *field =
        web_head_find(&j->request->head, "Shmrpc-Timeout-Ms");
    uint64_t ms = 0;
    if (field == NULL) {
        opts->timeout_ns = usual_timeout_ns(method);
        return true;
    }
    for (size_t i = 0; i < field->value_len && ms <= MAX_TIMEOUT_MS; i++) {
        char c = field->value[i];
        if (c < '0' || c > '9') {
            return false;
        }
        ms = ms * 10 + (uint64_t)(c - '0');
    }
    opts->timeout_ns = (int64_t)ms * SHMRPCI_NS_PER_MS;
    return ms > 0 && ms <= MAX_TIMEOUT_MS;
}

/* Copies a text of the request and adds a NUL. The name of a key is converted
 * to lower case. */
static const char *text_of(web_request *request, const char *at, size_t len,
                           bool is_key)
{
    char *text = shmrpci_arena_strndup(&request->arena, at, len);
    for (size_t i = 0; text != NULL && is_key && i < len; i++) {
        text[i] = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] + 32) : at[i];
    }
    return text;
}

#define META "Shmrpc-Meta-"

/* Whether a field is metadata. The case of field names has no meaning (RFC
 * 9110, 5.1), so keys are converted to lower case. A field with nothing behind
 * the prefix is not metadata. */
static bool is_meta(const web_field *field)
{
    const web_field name = {.value = field->name, .value_len = sizeof META - 1};
    return field->name_len > name.value_len && web_field_is(&name, META);
}

/* Reads the metadata that is sent with the call: the fields `Shmrpc-Meta-KEY`,
 * and our own span of the request's trace. The texts live as long as the
 * request. `with` has room for the most entries that a call can have, the
 * trace, and the end. Returns TOO_LARGE if there are more entries, or
 * NO_MEMORY. */
static int read_metadata(web_journey *j, shmrpc_opts *opts, shmrpc_error *error)
{
    const web_head *head = &j->request->head;
    const char *trace = web_trace_own(&j->request->trace);
    size_t count = 0;
    if (trace != NULL) {
        j->with[count++] = (shmrpc_metadata){"traceparent", trace};
    }
    for (size_t i = 0; i < head->field_count && i < WEB_MAX_FIELDS; i++) {
        const web_field *field = &head->fields[i];
        if (!is_meta(field)) {
            continue;
        }
        if (count > SHMRPC_METADATA_MAX_ENTRIES) {
            return shmrpc_error_set(error, SHMRPC_E_TOO_LARGE,
                                    "more than %d fields " META "...",
                                    SHMRPC_METADATA_MAX_ENTRIES);
        }
        j->with[count].key = text_of(j->request, field->name + sizeof META - 1,
                                     field->name_len - (sizeof META - 1), true);
        j->with[count].value =
            text_of(j->request, field->value, field->value_len, false);
        if (j->with[count].key == NULL || j->with[count].value == NULL) {
            return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        }
        count++;
    }
    j->with[count].key = NULL;
    if (count > 0) {
        opts->metadata = j->with;
        opts->reply_metadata = &j->back;
    }
    return SHMRPC_OK;
}

/*
 * Counts the call before starting it, because the callback that decrements the
 * count may run before this returns.
 *
 * `slow` records for each method whether the last wait timed out. Methods whose
 * numbers are equal modulo 64 share a bit, which may cause a wait too many or
 * too few, but nothing worse.
 */
static int start_async(web_journey *j, const void *params,
                       const shmrpc_opts *opts, shmrpc_error *error)
{
    web_watched *at = j->at;
    uint64_t bit = UINT64_C(1) << (j->method % 64);
    bool waits = (at->slow & bit) == 0 || at->begun % AGAIN == 0;
    at->begun++;
    at->calls++;
    j->rpc->stats.in_progress++;
    j->request->pending = j;
    int status = shmrpc_stub_async_soon(at->service->client, j->method, params,
                                        opts, waits ? SOON_NS : 0, &j->call,
                                        error, on_end, do_nothing, j);
    if (status != SHMRPC_OK) {
        at->calls--;
        j->rpc->stats.in_progress--;
        j->request->pending = NULL;
    } else if (waits) {
        bool is_slow = j->call != NULL;
        at->slow = is_slow ? at->slow | bit : at->slow & ~bit;
    }
    return status;
}

/* Answers 202 Accepted (RFC 9110, 15.3.3): the call was sent, and it will never
 * be known how it ended. */
static int start_oneway(web_journey *j, const void *params,
                        const shmrpc_opts *opts, shmrpc_error *error)
{
    int status = shmrpc_stub_call(j->at->service->client, j->method, params,
                                  opts, NULL, error);
    if (status == SHMRPC_OK) {
        const web_reply_head head = {.status = 202};
        web_reply(j->request, &head, "", 0);
    }
    return status;
}

/* Starts the kind of call that the method needs. Methods with streams in both
 * directions are refused: an HTTP/1.1 client may send its whole body before it
 * reads the reply, and two streams that depend on each other would stall. */
static int start(web_journey *j, const shmrpc_method *method,
                 const void *params, const shmrpc_opts *opts,
                 shmrpc_error *error)
{
    if (j->request->upload != NULL && method->items_in == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "`%.60s` takes no stream", method->name);
    }
    if (method->items_in != NULL && method->items_out != NULL) {
        return shmrpc_error_set(error, SHMRPC_E_UNIMPLEMENTED,
                                "streams in both directions at once can't go "
                                "over HTTP/1.1; use `shmrpc call`");
    }
    return method->items_out != NULL
               ? web_download_start(j, params, opts, error)
           : method->items_in != NULL ? web_upload_start(j, params, opts, error)
           : (method->flags & SHMRPC_METHOD_ONEWAY) != 0
               ? start_oneway(j, params, opts, error)
               : start_async(j, params, opts, error);
}

/* The permission that the request needs. Methods of the manager that are not
 * queries change what it runs. */
static unsigned need_of(const web_journey *j, const idl_method *method)
{
    bool is_safe =
        method->rest.verb != NULL && strcmp(method->rest.verb, "GET") == 0;
    return strcmp(j->at->service->tables->id, MANAGER) != 0 ? WEB_MAY_CALL
           : is_safe                                        ? WEB_MAY_SEE
                                                            : WEB_MAY_CHANGE;
}

/*
 * Prepares the audit line of a change. Changes are limited by address and by
 * actor, so neither many sessions of one machine nor one token on many machines
 * get around the limit: a script in a loop must not restart services, or fill
 * the log, faster than an operator can follow.
 *
 * Returns false if there are too many changes; the request is then answered.
 */
static bool note_change(web_journey *j)
{
    web_request *request = j->request;
    char address[WEB_PEER_BYTES];
    web_peer_text(request, address);
    unsigned wait_s = web_rate_take(&j->rpc->changes, web_rate_of(address),
                                    request->since_ns);
    if (wait_s == 0) {
        wait_s =
            web_rate_take(&j->rpc->changes, request->actor, request->since_ns);
    }
    if (wait_s > 0) {
        j->rpc->stats.errors++;
        web_reply_later(request, wait_s);
        return false;
    }
    request->change = WEB_CHANGE_CALL;
    return true;
}

/*
 * Answers the request or starts its call. The order matters: first what the
 * address means, then whether the sender may do it, and only then the
 * parameters, so that nobody can make us decode a body for a call that they may
 * not make.
 *
 * `http` is set for failures that have an HTTP status but no status of ours:
 * 405, 406 and 415.
 */
void web_journey_call(web_journey *j)
{
    const shmrpc_service *tables = j->at->service->tables;
    shmrpc_opts opts = {.flags = SHMRPC_OPT_NONBLOCK | SHMRPC_OPT_FAULTS};
    const void *params;
    shmrpc_error error;
    unsigned http = 0;
    j->request->pending = NULL;
    int status = web_target_method(&j->target, j->at->service, &j->method,
                                   &http, &error);
    if (status != SHMRPC_OK && http != 0) {
        j->rpc->stats.errors++;
        web_reply_invalid(j->request, http, http == 405 ? "POST" : NULL,
                          error.message);
        return;
    }
    const shmrpc_method *method =
        status == SHMRPC_OK ? &tables->methods[j->method] : NULL;
    unsigned need =
        method != NULL ? need_of(j, &j->at->service->source->methods[j->method])
                       : 0;
    if (need == WEB_MAY_CHANGE && (j->request->may & need) != 0 &&
        !note_change(j)) {
        return;
    }
    if ((j->request->may & need) != need) {
        status = shmrpc_error_set(
            &error, SHMRPC_E_DENIED,
            need == WEB_MAY_CALL  ? "this token may not call services"
            : need == WEB_MAY_SEE ? "this token may not see that"
                                  : "this token may not change that");
    } else if (method != NULL && j->rpc->read_only &&
               !web_target_is_safe(&j->target)) {
        status = shmrpc_error_set(&error, SHMRPC_E_DENIED,
                                  "changes are disabled (--read-only)");
    } else if (method != NULL && !read_timeout(j, method, &opts)) {
        status = shmrpc_error_set(&error, SHMRPC_E_INVALID,
                                  "Shmrpc-Timeout-Ms must be 1 to %u",
                                  MAX_TIMEOUT_MS);
    } else if (method != NULL) {
        status = web_form_read(j->request, &j->target, method, &j->form,
                               &params, &http, &error);
        if (status == SHMRPC_OK) {
            status = read_metadata(j, &opts, &error);
        }
        if (status == SHMRPC_OK) {
            status = start(j, method, params, &opts, &error);
        }
        if (status != SHMRPC_OK && http != 0) {
            j->rpc->stats.errors++;
            web_reply_invalid(j->request, http, NULL, error.message);
            return;
        }
    }
    if (status != SHMRPC_OK) {
        web_journey_fail(j, &error);
    }
}

/* ---- services ---- */

/* Finds the entry for new calls of a service. Skips a service that was
 * replaced: it keeps its entry only for the calls that it still has. */
static web_watched *find_watched(web_rpc *rpc, const char *name)
{
    for (size_t i = 0; i < sizeof rpc->services / sizeof rpc->services[0];
         i++) {
        web_watched *at = &rpc->services[i];
        if (at->service != NULL && !at->is_gone &&
            strcmp(at->service->name, name) == 0) {
            return at;
        }
    }
    return NULL;
}

/* There are twice as many entries as services, because a replaced service stays
 * until its last call has ended. Returns NULL if all entries are taken or no
 * descriptor is left; then the caller keeps the reference. */
static web_watched *watch(web_rpc *rpc, web_service *service)
{
    size_t count = sizeof rpc->services / sizeof rpc->services[0];
    for (size_t i = 0; i < count; i++) {
        web_watched *at = &rpc->services[i];
        if (at->service == NULL) {
            int fd = shmrpc_stub_fd(service->client);
            if (fd < 0 || shmrpci_poll_add(rpc->set, fd, SHMRPCI_POLL_LEVEL,
                                           rpc->first_tag + i) != SHMRPC_OK) {
                return NULL;
            }
            *at = (web_watched){.service = service};
            return at;
        }
    }
    return NULL;
}

/* Searches watched services first: a search in the directory takes a lock, and
 * a reference that let_go releases. */
static bool find_service(web_journey *j)
{
    web_rpc *rpc = j->rpc;
    j->at = find_watched(rpc, j->target.service);
    if (j->at == NULL) {
        web_service *service =
            web_directory_find(rpc->directory, j->target.service);
        j->at = service != NULL ? watch(rpc, service) : NULL;
        if (service != NULL && j->at == NULL) {
            web_service_release(rpc->directory, service);
        }
    }
    return j->at != NULL;
}

/* Explains why the service is unknown, or why it can't be called. */
static void reply_absent(web_journey *j)
{
    shmrpc_error error;
    size_t count = web_directory_list(j->rpc->directory, false, j->rpc->places,
                                      WEB_MAX_SERVICES);
    const web_place *found = NULL;
    shmrpci_nearest search = {.wanted = j->target.service};
    for (size_t i = 0; i < count; i++) {
        const web_place *place = &j->rpc->places[i];
        found = strcmp(place->name, j->target.service) == 0 ? place : found;
        if (place->is_alive) {
            shmrpci_nearest_offer(&search, place->name);
        }
    }
    if (found != NULL) {
        error = found->error;
    } else {
        (void)shmrpc_error_set(
            &error, SHMRPC_E_NOT_FOUND, "there is no service `%.60s`%s%.60s%s",
            j->target.service, search.best != NULL ? "; did you mean `" : "",
            search.best != NULL ? search.best : "",
            search.best != NULL ? "`?" : "");
    }
    web_journey_fail(j, &error);
}

web_journey *web_journey_begin(web_rpc *rpc, web_request *request)
{
    web_journey *j = shmrpci_arena_calloc(&request->arena, 1, sizeof *j,
                                          _Alignof(web_journey));
    shmrpc_error error;
    rpc->stats.calls++;
    if (j == NULL) {
        (void)shmrpc_error_set(&error, SHMRPC_E_NO_MEMORY, "out of memory");
        web_reply_error(request, &error);
        return NULL;
    }
    *j = (web_journey){.rpc = rpc, .request = request};
    if (!web_target_read(request, &j->target)) {
        (void)shmrpc_error_set(&error, SHMRPC_E_NOT_FOUND,
                               "expected an address /rpc/SERVICE/METHOD");
        web_journey_fail(j, &error);
        return NULL;
    }
    return j;
}

/* An unknown service may just have been started, so the request waits for the
 * end of a new search before it is refused. */
void web_journey_go(web_journey *j)
{
    web_rpc *rpc = j->rpc;
    if (find_service(j)) {
        web_journey_call(j);
    } else {
        j->look = web_directory_ask(rpc->directory);
        j->look_until_ns = shmrpci_deadline_after(FIND_NS);
        j->next = rpc->waiting;
        rpc->waiting = j;
        j->is_waiting = true;
        j->request->pending = j;
    }
}

void web_rpc_take(web_rpc *rpc, web_request *request)
{
    if (request->upload != NULL) {
        web_upload_end(request->upload);
        return;
    }
    web_journey *j = web_journey_begin(rpc, request);
    if (j != NULL) {
        web_journey_go(j);
    }
}

/* Whether the method that a request will call takes items; false if its service
 * is not known yet. It can't wait for a search, because the request's body is
 * arriving. */
static bool takes_items(web_rpc *rpc, web_target *target)
{
    uint32_t index;
    unsigned http;
    shmrpc_error error;
    const web_watched *at = find_watched(rpc, target->service);
    web_service *found =
        at == NULL ? web_directory_find(rpc->directory, target->service) : NULL;
    const web_service *service = at != NULL ? at->service : found;
    /* Read before the release, which may free the service's tables. */
    bool takes = service != NULL &&
                 web_target_method(target, service, &index, &http, &error) ==
                     SHMRPC_OK &&
                 service->tables->methods[index].items_in != NULL;
    if (found != NULL) {
        web_service_release(rpc->directory, found);
    }
    return takes;
}

bool web_rpc_uploads(web_rpc *rpc, web_request *request)
{
    web_target target;
    bool may_be;
    bool is_stream = web_form_is_stream(request, &may_be);
    if ((!is_stream && !may_be) || web_rpc_is_safe(request) ||
        !web_target_read(request, &target)) {
        return false;
    }
    return is_stream || takes_items(rpc, &target);
}

bool web_rpc_is_safe(const web_request *request)
{
    return strcmp(request->head.verb, "GET") == 0 ||
           strcmp(request->head.verb, "HEAD") == 0;
}

/* ---- events ---- */

/* `j` must be in the list. */
static void unlink_waiting(web_rpc *rpc, web_journey *j)
{
    web_journey **link = &rpc->waiting;
    while (*link != j) {
        link = &(*link)->next;
    }
    *link = j->next;
    j->is_waiting = false;
}

/* Cancels whatever the request was waiting for, and still answers the request:
 * that is how http.h learns that nothing here points to it any more. */
void web_rpc_hung_up(web_rpc *rpc, web_request *request)
{
    web_journey *j = request->pending;
    if (j == NULL) {
        return;
    }
    if (j->call != NULL) {
        /* the callback ends the journey */
        (void)shmrpc_call_cancel(j->call);
        (void)shmrpc_stub_dispatch(j->at->service->client);
        return;
    }
    shmrpc_error error;
    if (j->is_waiting) {
        unlink_waiting(rpc, j);
    }
    web_download_drop(j->download);
    web_upload_drop(j->upload);
    request->pending = NULL;
    rpc->stats.cancelled++;
    (void)shmrpc_error_set(&error, SHMRPC_E_CANCELLED, "the client hung up");
    web_journey_fail(j, &error);
}

void web_rpc_ended(web_rpc *rpc, web_request *request)
{
    web_journey *j = request->pending;
    if (j != NULL && j->is_waiting) {
        unlink_waiting(rpc, j);
    }
    web_upload_drop(request->upload);
}

void web_rpc_tick(web_rpc *rpc)
{
    web_downloads_tick(rpc);
}

static void let_go_if_gone(web_rpc *rpc, web_watched *at)
{
    if (at->service != NULL && at->is_gone && at->calls == 0) {
        let_go(rpc, at);
    }
}

void web_rpc_dispatch(web_rpc *rpc, uint64_t tag)
{
    size_t index = (size_t)(tag - rpc->first_tag);
    if (tag < rpc->first_tag ||
        index >= sizeof rpc->services / sizeof rpc->services[0]) {
        return;
    }
    web_watched *at = &rpc->services[index];
    if (at->service != NULL) {
        (void)shmrpc_stub_dispatch(at->service->client);
        let_go_if_gone(rpc, at);
    }
}

/* Releases services that are no longer in the directory; those with calls in
 * progress are released later. The directory's list holds no references, so its
 * pointers are only compared. */
static void drop_gone(web_rpc *rpc)
{
    size_t count = web_directory_list(rpc->directory, false, rpc->places,
                                      WEB_MAX_SERVICES);
    for (size_t i = 0; i < sizeof rpc->services / sizeof rpc->services[0];
         i++) {
        web_watched *at = &rpc->services[i];
        bool is_there = false;
        for (size_t k = 0; k < count && at->service != NULL; k++) {
            is_there |= rpc->places[k].service == at->service;
        }
        at->is_gone = at->service != NULL && !is_there;
        let_go_if_gone(rpc, at);
    }
}

/* Waiting requests continue, give up, or wait for the next search, because the
 * one that has just ended may have begun before they arrived (`look`). The list
 * is detached and rebuilt, since each request may leave it. */
void web_rpc_changed(web_rpc *rpc)
{
    uint64_t looks = web_directory_looks(rpc->directory);
    web_journey *waiting = rpc->waiting;
    rpc->waiting = NULL;
    drop_gone(rpc);
    while (waiting != NULL) {
        web_journey *j = waiting;
        waiting = j->next;
        j->is_waiting = false;
        if (find_service(j)) {
            web_journey_call(j);
        } else if (looks >= j->look || shmrpci_now_ns() >= j->look_until_ns) {
            reply_absent(j);
        } else {
            j->next = rpc->waiting;
            j->is_waiting = true;
            rpc->waiting = j;
        }
    }
}

void web_rpc_read_stats(const web_rpc *rpc, web_rpc_stats *out)
{
    *out = rpc->stats;
}

/* ---- opening and closing ------------------------------------------------- */

int web_rpc_open(web_directory *directory, int set, uint64_t first_tag,
                 bool read_only, const web_times *times, web_rpc **out,
                 shmrpc_error *error)
{
    web_rpc *rpc = calloc(1, sizeof *rpc);
    if (rpc == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    rpc->directory = directory;
    rpc->set = set;
    rpc->first_tag = first_tag;
    rpc->read_only = read_only;
    rpc->times = *times;
    /* Allow 60 changes at once, then two a second. */
    rpc->changes = (web_rate){.most = 60, .every_ns = SHMRPCI_NS_PER_S / 2};
    *out = rpc;
    return SHMRPC_OK;
}

/* web_http_close has cancelled the calls before. Requests that still wait for a
 * service are answered here. */
void web_rpc_close(web_rpc *rpc)
{
    shmrpc_error error;
    if (rpc == NULL) {
        return;
    }
    (void)shmrpc_error_set(&error, SHMRPC_E_UNAVAILABLE, "the server stops");
    while (rpc->waiting != NULL) {
        web_journey *j = rpc->waiting;
        rpc->waiting = j->next;
        web_journey_fail(j, &error);
    }
    for (size_t i = 0; i < sizeof rpc->services / sizeof rpc->services[0];
         i++) {
        if (rpc->services[i].service != NULL) {
            let_go(rpc, &rpc->services[i]);
        }
    }
    free(rpc);
}
