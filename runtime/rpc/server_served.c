/* A service being served: its descriptor and the user's code. */
#include "rpc/server.h"

#include <stdlib.h>
#include <string.h>

#include "codec/contract.h"
#include "os/process.h"
#include "rpc/limits.h"
#include "rpc/shared.h"

void shmrpci_served_destroy(shmrpci_served *served)
{
    if (served != NULL) {
        shmrpci_shared_leave(served);
        shmrpci_shared_end(served);
        free(served->object_fds);
        shmrpci_stats_destroy(&served->stats);
        shmrpci_overload_destroy(&served->overload);
        shmrpci_relayed_destroy(served->relayed);
        shmrpci_access_destroy(served->access, served->service->method_count);
        shmrpci_buf_fini(&served->contract);
        free(served->methods);
        free(served->impl);
        free(served);
    }
}

static int encode_contract(shmrpci_served *served, shmrpc_error *error)
{
    shmrpci_arena arena;
    const shmrpci_contract *contract;
    shmrpci_arena_init(&arena, 0);
    int status = shmrpci_contract_of(served->service, &arena, &contract);
    if (status == SHMRPC_OK) {
        status = shmrpci_contract_encode(contract, &served->contract);
    }
    shmrpci_arena_fini(&arena);
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "the contract of %s: %s",
                                  served->service->name,
                                  shmrpc_status_text(status));
}

static int find_codecs(shmrpci_served *served, shmrpc_error *error)
{
    const shmrpc_service *service = served->service;
    for (uint32_t i = 0; i < service->method_count; i++) {
        const shmrpc_method *method = &service->methods[i];
        served->methods[i] = shmrpci_served_method_of(method);
        if (served->methods[i].codec == NULL) {
            return shmrpc_error_set(
                error, SHMRPC_E_UNIMPLEMENTED,
                "method %s: this library lacks its encoding", method->name);
        }
    }
    return SHMRPC_OK;
}

void shmrpci_served_count(shmrpci_served *served, uint32_t places)
{
    const shmrpc_service *service = served->service;
    shmrpci_stats *stats = &served->stats;
    if (shmrpci_stats_create(service->name, service->method_count + 1, places,
                             stats) != SHMRPC_OK) {
        shmrpci_stats_destroy(stats);
        return;
    }
    shmrpci_stats_set_name(stats, 0, 0, "(describe)");
    for (uint32_t i = 0; i < service->method_count; i++) {
        shmrpci_stats_set_name(stats, i + 1, i + 1, service->methods[i].name);
    }
}

int shmrpci_served_limit(shmrpci_served *served, const shmrpc_server_opts *opts,
                         uint32_t places, shmrpc_error *error)
{
    const shmrpci_overload_rules rules = {.client_calls = opts->client_calls,
                                          .client_rate = opts->client_rate,
                                          .shed_after_ns = opts->shed_after_ns};
    int status =
        shmrpci_overload_create(served->service, served->handlers, &rules,
                                places, &served->overload, error);
    if (served->overload.counted != NULL) {
        served->handlers = served->overload.counted;
    }
    served->is_guarded = served->is_guarded || served->overload.is_used;
    return status;
}

/* Allocates the list of the service's objects. The objects are made when the
 * service listens. */
static bool plan_objects(shmrpci_served *served)
{
    const shmrpc_objects *objects = served->service->objects;
    uint32_t count = objects != NULL ? objects->count : 0;
    served->object_fds =
        count > 0 ? malloc(count * sizeof *served->object_fds) : NULL;
    for (uint32_t i = 0; i < count && served->object_fds != NULL; i++) {
        served->object_fds[i] = -1;
    }
    return served->object_fds != NULL || count == 0;
}

int shmrpci_served_create(const shmrpc_server_opts *opts,
                          const shmrpc_service *service,
                          const shmrpc_handler *handlers, const void *impl,
                          size_t impl_size, void *user, shmrpci_served **out,
                          shmrpc_error *error)
{
    shmrpci_served *served = calloc(1, sizeof *served);
    if (served == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    *served = (shmrpci_served){
        .service = service,
        .handlers = handlers,
        .impl = malloc(impl_size + 1),
        .user = user,
        .methods =
            calloc((size_t)service->method_count + 1, sizeof *served->methods),
        .decode_limit = SHMRPCI_DECODE_LIMIT(opts->max_message_bytes),
        .streams = {.decode_limit =
                        SHMRPCI_DECODE_LIMIT(opts->max_message_bytes),
                    .max_places = opts->max_streams,
                    .stall_ns = opts->stream_stall_ns,
                    .max_age_ns = opts->max_stream_age_ns},
        .drain_ns = opts->stream_drain_ns,
        .uid = shmrpci_process_uid(),
        .stats = {.fd = -1, .read_fd = -1},
        .overload = {.fd = -1},
        .relayed = opts->disconnected != NULL ? shmrpci_relayed_create() : NULL,
    };
    shmrpci_buf_init_heap(&served->contract);
    int status = SHMRPC_E_NO_MEMORY;
    bool has_relayed = served->relayed != NULL || opts->disconnected == NULL;
    if (served->impl != NULL && served->methods != NULL && has_relayed &&
        plan_objects(served)) {
        memcpy(served->impl, impl, impl_size);
        status = find_codecs(served, error);
        if (status == SHMRPC_OK) {
            status = encode_contract(served, error);
        }
        if (status == SHMRPC_OK) {
            status = shmrpci_access_create(service, opts->method_access,
                                           opts->method_access_count,
                                           &served->access, error);
        }
        if (status == SHMRPC_OK) {
            status = shmrpci_interceptors_take(opts->interceptors,
                                               &served->interceptors, error);
        }
        served->authorize = opts->authorize;
        served->authorize_user = opts->authorize_user;
        served->disconnected = opts->disconnected;
        served->is_guarded =
            served->access != NULL || served->authorize != NULL ||
            served->interceptors.count > 0 || served->disconnected != NULL;
    } else {
        (void)shmrpc_error_set(error, status, "out of memory");
    }
    if (status != SHMRPC_OK) {
        shmrpci_served_destroy(served);
        return status;
    }
    *out = served;
    return SHMRPC_OK;
}
