/* Canonical text of methods and services, with everything that they can
 * reach. */
#include "idl/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "idl/names.h"

/* An enum, struct, union or error that was reached. */
typedef struct reached {
    const idl_decl *decl;
    const idl_enum *enumeration; /* or NULL */
    const idl_record *record;    /* or NULL */
    bool is_foreign;             /* belongs to another package than the
                                  * service */
} reached;

/* Everything that was reached. Entries from index `next` on have not been
 * visited yet. */
typedef struct closure {
    idl_memory *memory;
    const idl_package *home;
    idl_map seen;
    reached *items;
    size_t count;
    size_t cap;
    size_t next;
} closure;

static void reach(closure *c, const idl_decl *decl, const idl_enum *e,
                  const idl_record *record)
{
    if (idl_map_put(&c->seen, c->memory, decl->full_name, c) != NULL) {
        return;
    }
    if (c->count == c->cap) {
        c->cap = c->cap == 0 ? 16 : c->cap * 2;
        reached *items = IDL_NEW_ARRAY(c->memory, c->cap, reached);
        if (c->count > 0) {
            memcpy(items, c->items, c->count * sizeof *items);
        }
        c->items = items;
    }
    c->items[c->count++] = (reached){.decl = decl,
                                     .enumeration = e,
                                     .record = record,
                                     .is_foreign = decl->package != c->home};
}

static void reach_type(closure *c, const idl_type *type)
{
    for (; type != NULL; type = type->element) {
        if (type->enumeration != NULL) {
            reach(c, &type->enumeration->decl, type->enumeration, NULL);
        } else if (type->record != NULL) {
            reach(c, &type->record->decl, NULL, type->record);
        }
        if (type->key != NULL) {
            reach_type(c, type->key);
        }
    }
}

static void reach_fields(closure *c, const idl_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        reach_type(c, fields[i].type);
    }
}

static void reach_method(closure *c, const idl_method *method)
{
    reach_fields(c, method->params, method->param_count);
    if (method->stream_param != NULL) {
        reach_type(c, method->stream_param->type);
    }
    reach_type(c, method->result);
    for (size_t i = 0; i < method->throw_count; i++) {
        reach(c, &method->throws[i]->decl, NULL, method->throws[i]);
    }
}

/* Sorts the service's own package first, then by name. */
static int compare(const void *a, const void *b)
{
    const reached *left = a;
    const reached *right = b;
    if (left->is_foreign != right->is_foreign) {
        return left->is_foreign ? 1 : -1;
    }
    int order = strcmp(left->decl->package->name, right->decl->package->name);
    return order != 0 ? order : strcmp(left->decl->name, right->decl->name);
}

/* Visits everything that was reached, then sorts it. */
static void close_over(closure *c)
{
    while (c->next < c->count) {
        const idl_record *record = c->items[c->next++].record;
        if (record != NULL) {
            reach_fields(c, record->fields, record->field_count);
        }
    }
    if (c->count > 0) {
        qsort(c->items, c->count, sizeof *c->items, compare);
    }
}

static void append_package(const idl_package *package, unsigned flags,
                           shmrpci_buf *out)
{
    if ((flags & IDL_CANONICAL_DOCS) != 0 && package->c_prefix != NULL) {
        shmrpci_buf_printf(out, "@c_prefix(\"%s\")\n", package->c_prefix);
    }
    shmrpci_buf_printf(out, "package %s;\n", package->name);
}

/* Appends all declarations, with a `package` line where the package changes.
 * `package` is the current one; returns the current one at the end. */
static const idl_package *append_reached(const closure *c,
                                         const idl_package *package,
                                         unsigned flags, shmrpci_buf *out)
{
    for (size_t i = 0; i < c->count; i++) {
        const reached *item = &c->items[i];
        if (item->decl->package != package) {
            package = item->decl->package;
            append_package(package, flags, out);
        }
        if (item->record != NULL) {
            idl_canonical_record(item->record, flags, c->memory, out);
        } else {
            idl_canonical_enum(item->enumeration, flags, c->memory, out);
        }
    }
    return package;
}

void idl_canonical_method(const idl_method *method, idl_memory *memory,
                          shmrpci_buf *out)
{
    closure c = {.memory = memory, .home = method->service->decl.package};
    idl_canonical_signature(method, memory, out);
    shmrpci_buf_append_char(out, '\n');
    reach_method(&c, method);
    close_over(&c);
    (void)append_reached(&c, NULL, 0, out);
}

static void append_service(const idl_service *service, unsigned flags,
                           idl_memory *memory, shmrpci_buf *out)
{
    for (size_t i = 0;
         (flags & IDL_CANONICAL_DOCS) != 0 && i < service->decl.meta.docs.count;
         i++) {
        shmrpci_buf_printf(out, "/// %s\n", service->decl.meta.docs.lines[i]);
    }
    shmrpci_buf_printf(out,
                       "service %s {\n  port %u;\n  name \"%s\";\n"
                       "  version %u;\n",
                       service->decl.name, service->port, service->name,
                       service->version);
    for (size_t i = 0; i < service->method_count; i++) {
        idl_canonical_method_line(&service->methods[i], flags, memory, out);
    }
    for (size_t i = 0; i < service->shared_count; i++) {
        idl_canonical_shared(service->shared[i], flags, out);
    }
    shmrpci_buf_append_text(out, "}\n");
}

void idl_canonical_service(const idl_service *service, unsigned flags,
                           idl_memory *memory, shmrpci_buf *out)
{
    const idl_package *home = service->decl.package;
    closure c = {.memory = memory, .home = home};
    for (size_t i = 0; i < service->method_count; i++) {
        reach_method(&c, &service->methods[i]);
    }
    for (size_t i = 0; i < service->shared_count; i++) {
        reach_type(&c, service->shared[i]->key);
        reach_type(&c, service->shared[i]->element);
    }
    close_over(&c);
    append_package(home, flags, out);
    if (append_reached(&c, home, flags, out) != home) {
        append_package(home, 0, out);
    }
    append_service(service, flags, memory, out);
}

shmrpc_status idl_service_text(const idl_service *service, unsigned flags,
                               shmrpci_arena *scratch, shmrpci_buf *out)
{
    idl_memory memory = {.arena = scratch};
    if (setjmp(memory.exhausted) != 0) {
        return SHMRPC_E_NO_MEMORY;
    }
    idl_canonical_service(service, flags, &memory, out);
    return out->status;
}

void idl_canonical_shared_contract(const idl_shared *shared, idl_memory *memory,
                                   shmrpci_buf *out)
{
    closure c = {.memory = memory, .home = shared->decl.package};
    idl_canonical_shared_type(shared, out);
    if (shared->kind != IDL_SHARED_PIPE) {
        idl_encoding encoding =
            (idl_encoding)shared->options[IDL_OPTION_ENCODING];
        shmrpci_buf_printf(out, " %s", idl_encoding_name(encoding));
    }
    shmrpci_buf_append_text(out, ";\n");
    reach_type(&c, shared->key);
    reach_type(&c, shared->element);
    close_over(&c);
    (void)append_reached(&c, NULL, 0, out);
}

static void append_shared_text(const idl_shared *shared, unsigned flags,
                               idl_memory *memory, shmrpci_buf *out)
{
    const idl_package *home = shared->decl.package;
    closure c = {.memory = memory, .home = home};
    reach_type(&c, shared->key);
    reach_type(&c, shared->element);
    close_over(&c);
    append_package(home, flags, out);
    if (append_reached(&c, home, flags, out) != home) {
        append_package(home, 0, out);
    }
    idl_canonical_shared(shared, flags, out);
}

shmrpc_status idl_shared_text(const idl_shared *shared, unsigned flags,
                              shmrpci_arena *scratch, shmrpci_buf *out)
{
    idl_memory memory = {.arena = scratch};
    /* The same object declared outside of a service, where `writers server` is
     * not allowed. */
    idl_shared alone = *shared;
    alone.service = NULL;
    alone.options[IDL_OPTION_WRITERS] = IDL_WRITERS_ALL;
    if (setjmp(memory.exhausted) != 0) {
        return SHMRPC_E_NO_MEMORY;
    }
    append_shared_text(&alone, flags, &memory, out);
    return out->status;
}
