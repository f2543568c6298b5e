/* Counts declared errors by name. */
#include "tools/shmrpc-web/declared.h"

#include <string.h>

#include "idl/schema.h"

static const idl_method *find_method(const web_row *row, uint32_t index)
{
    const web_service *service = row->place->service;
    const char *name = shmrpc_snapshot_method(row->total, index)->name;
    for (size_t i = 0; service != NULL && i < service->source->method_count;
         i++) {
        if (strcmp(service->source->methods[i].name, name) == 0) {
            return &service->source->methods[i];
        }
    }
    return NULL;
}

/* `left` counts the errors whose number has no name here: the server may run a
 * newer version of its interface. */
void web_declared_each(const web_row *row, uint32_t index, web_declared_fn *see,
                       void *user)
{
    uint64_t left =
        shmrpc_snapshot_errors(row->total, index, SHMRPC_DECLARED_ERROR_MIN);
    const idl_method *method = left > 0 ? find_method(row, index) : NULL;
    for (size_t i = 0; method != NULL && i < method->throw_count; i++) {
        const idl_record *error = method->throws[i];
        uint64_t count =
            shmrpc_snapshot_declared(row->total, index, error->number);
        if (count > 0) {
            see(error->decl.full_name, count, user);
        }
        left -= count < left ? count : left;
    }
    if (left > 0) {
        see(shmrpc_status_name(SHMRPC_DECLARED_ERROR_MIN), left, user);
    }
}
