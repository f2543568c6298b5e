/* Finds the method that an address names. */
#include "tools/shmrpc-web/target.h"

#include <string.h>

#include "base/nearest.h"

bool web_target_read(const web_request *request, web_target *out)
{
    static const char rpc[] = "/rpc/";
    static const char rest[] = "/rest/";
    const char *path = request->path;
    bool is_rest = strncmp(path, rest, sizeof rest - 1) == 0;
    if (!is_rest && strncmp(path, rpc, sizeof rpc - 1) != 0) {
        return false;
    }
    path += is_rest ? sizeof rest - 1 : sizeof rpc - 1;
    size_t len = strcspn(path, "/");
    bool is_head = strcmp(request->head.verb, "HEAD") == 0;
    *out = (web_target){.is_rest = is_rest,
                        .verb = is_head ? "GET" : request->head.verb};
    if (len == 0 || len >= sizeof out->service || path[len] != '/') {
        return false;
    }
    memcpy(out->service, path, len);
    out->rest = path + len + (is_rest ? 0 : 1);
    return true;
}

bool web_target_is_safe(const web_target *target)
{
    return strcmp(target->verb, "GET") == 0;
}

/* ---- by name ---- */

static int unknown_method(const web_target *target, const web_service *service,
                          shmrpc_error *error)
{
    shmrpci_nearest search = {.wanted = target->rest};
    for (uint32_t i = 0; i < service->tables->method_count; i++) {
        shmrpci_nearest_offer(&search, service->tables->methods[i].name);
    }
    return shmrpc_error_set(error, SHMRPC_E_NOT_FOUND,
                            "%.60s has no method `%.60s`%s%s%s", service->name,
                            target->rest,
                            search.best != NULL ? "; did you mean `" : "",
                            search.best != NULL ? search.best : "",
                            search.best != NULL ? "`?" : "");
}

/* GET is allowed only for methods whose @rest says GET: links, prefetching and
 * caches may repeat it, so it must change nothing (RFC 9110, 9.2.1). */
static int find_by_name(const web_target *target, const web_service *service,
                        uint32_t *out, unsigned *http, shmrpc_error *error)
{
    for (uint32_t i = 0; i < service->tables->method_count; i++) {
        const idl_method *method = &service->source->methods[i];
        if (strcmp(method->name, target->rest) != 0) {
            continue;
        }
        const char *verb = method->rest.verb != NULL ? method->rest.verb : "";
        if (strcmp(target->verb, "POST") != 0 &&
            (strcmp(target->verb, "GET") != 0 || strcmp(verb, "GET") != 0)) {
            *http = 405;
            return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                    "`%.60s` is called by POST", target->rest);
        }
        *out = i;
        return SHMRPC_OK;
    }
    return unknown_method(target, service, error);
}

/* ---- by @rest ---- */

static const shmrpc_field *find_param(const shmrpc_type *params,
                                      const char *name, size_t len)
{
    for (uint32_t i = 0; i < params->count; i++) {
        const char *at = params->fields[i].name;
        if (strlen(at) == len && memcmp(at, name, len) == 0) {
            return &params->fields[i];
        }
    }
    return NULL;
}

/* Matches `/v2/docs/17` against `/v2/docs/{key}`. A parameter is never empty,
 * and ends at a slash. */
static bool is_match(const char *pattern, const char *path,
                     const shmrpc_type *params, web_target *target)
{
    target->param_count = 0;
    while (*pattern != '\0') {
        size_t len = *pattern == '{' ? strcspn(pattern, "}") : 0;
        if (len == 0 || pattern[len] != '}') {
            if (*pattern++ != *path++) {
                return false;
            }
            continue;
        }
        size_t value_len = strcspn(path, "/");
        const shmrpc_field *field = find_param(params, pattern + 1, len - 1);
        if (value_len == 0 || field == NULL ||
            target->param_count == WEB_MAX_PATH_PARAMS) {
            return false;
        }
        target->params[target->param_count++] =
            (web_path_param){.field = field, .text = path, .len = value_len};
        pattern += len + 1;
        path += value_len;
    }
    return *path == '\0';
}

/* Finds the first method that matches path and verb. If only the verb is wrong
 * it answers 405, so that the client learns that the address is right. */
static int find_by_path(web_target *target, const web_service *service,
                        uint32_t *out, unsigned *http, shmrpc_error *error)
{
    bool is_known = false;
    for (uint32_t i = 0; i < service->tables->method_count; i++) {
        const idl_rest *rest = &service->source->methods[i].rest;
        if (rest->verb == NULL ||
            !is_match(rest->path, target->rest,
                      service->tables->methods[i].params, target)) {
            continue;
        }
        is_known = true;
        if (strcmp(rest->verb, target->verb) == 0) {
            *out = i;
            return SHMRPC_OK;
        }
    }
    *http = is_known ? 405 : 0;
    return shmrpc_error_set(error,
                            is_known ? SHMRPC_E_INVALID : SHMRPC_E_NOT_FOUND,
                            "%.60s has no @rest(%s, \"%.80s\")", service->name,
                            target->verb, target->rest);
}

int web_target_method(web_target *target, const web_service *service,
                      uint32_t *out, unsigned *http, shmrpc_error *error)
{
    return target->is_rest ? find_by_path(target, service, out, http, error)
                           : find_by_name(target, service, out, http, error);
}
