/* Finds what a schema uses. */
#include "idl/lint_used.h"

typedef struct marker {
    idl_memory *memory;
    idl_map *used;
} marker;

/* Marks a name. True if it was not marked before. */
static bool mark(marker *m, const char *full_name)
{
    return idl_map_put(m->used, m->memory, full_name, m->used) == NULL;
}

static void mark_record(marker *m, const idl_record *record);

static void mark_type(marker *m, const idl_type *type)
{
    for (; type != NULL; type = type->element) {
        if (type->alias != NULL) {
            (void)mark(m, type->alias);
        }
        if (type->key != NULL) {
            mark_type(m, type->key);
        }
        if (type->enumeration != NULL) {
            (void)mark(m, type->enumeration->decl.full_name);
        }
        if (type->record != NULL) {
            mark_record(m, type->record);
        }
    }
}

static void mark_fields(marker *m, const idl_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mark_type(m, fields[i].type);
    }
}

static void mark_record(marker *m, const idl_record *record)
{
    if (mark(m, record->decl.full_name)) {
        mark_fields(m, record->fields, record->field_count);
    }
}

static void mark_method(marker *m, const idl_method *method)
{
    mark_fields(m, method->params, method->param_count);
    if (method->stream_param != NULL) {
        mark_type(m, method->stream_param->type);
    }
    mark_type(m, method->result);
    for (size_t i = 0; i < method->throw_count; i++) {
        mark_record(m, method->throws[i]);
    }
}

static void mark_shared(marker *m, const idl_shared *shared)
{
    mark_type(m, shared->key);
    mark_type(m, shared->element);
}

static void mark_service(marker *m, const idl_service *service)
{
    for (size_t i = 0; i < service->method_count; i++) {
        mark_method(m, &service->methods[i]);
    }
    for (size_t i = 0; i < service->shared_count; i++) {
        mark_shared(m, service->shared[i]);
    }
}

void idl_find_used(const idl_schema *schema, idl_memory *memory, idl_map *used)
{
    marker m = {.memory = memory, .used = used};
    for (size_t i = 0; i < schema->service_count; i++) {
        mark_service(&m, schema->services[i]);
    }
    for (size_t i = 0; i < schema->shared_count; i++) {
        mark_shared(&m, schema->shared[i]);
    }
    for (size_t i = 0; i < schema->const_count; i++) {
        mark_type(&m, schema->consts[i]->type);
    }
}
