/* The schema as text: canonical declarations, and what they leave out. */
#include "idl/dump.h"

#include <inttypes.h>

static void dump_origin(const idl_decl *decl, shmrpci_buf *out)
{
    idl_place place = idl_source_place(decl->span.source, decl->span.begin);
    shmrpci_buf_printf(out, "// %s:%u:%u%s\n", decl->span.source->path,
                       place.line, place.column,
                       decl->imported ? " (imported)" : "");
}

static void dump_files(const idl_schema *schema, shmrpci_buf *out)
{
    for (size_t i = 0; i < schema->file_count; i++) {
        const idl_file *file = schema->files[i];
        shmrpci_buf_printf(out, "// file %s, package %s%s\n",
                           file->source->path, file->package->name,
                           file->imported ? " (imported)" : "");
    }
}

static void dump_const(const idl_const *constant, shmrpci_buf *out)
{
    dump_origin(&constant->decl, out);
    shmrpci_buf_append_text(out, "const ");
    idl_canonical_type(constant->type, out);
    shmrpci_buf_printf(out, " %s = ", constant->decl.full_name);
    idl_canonical_value(&constant->value, constant->type->kind, out);
    shmrpci_buf_append_text(out, ";\n");
}

static void dump_alias(const idl_alias *alias, shmrpci_buf *out)
{
    dump_origin(&alias->decl, out);
    shmrpci_buf_printf(out, "type %s = ", alias->decl.full_name);
    idl_canonical_type(alias->type, out);
    shmrpci_buf_append_text(out, ";\n");
}

static void dump_records(const idl_record *const *records, size_t count,
                         idl_memory *memory, shmrpci_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        dump_origin(&records[i]->decl, out);
        if (records[i]->has_any) {
            shmrpci_buf_append_text(out, "// can hold any\n");
        }
        idl_canonical_record(records[i], IDL_CANONICAL_DOCS, memory, out);
    }
}

static void dump_service(const idl_service *service, idl_memory *memory,
                         shmrpci_buf *out)
{
    dump_origin(&service->decl, out);
    shmrpci_buf_printf(out,
                       "// hash %016" PRIx64
                       "\nservice %s {\n  port %u;\n"
                       "  name \"%s\";\n  version %u;\n",
                       service->hash, service->decl.full_name, service->port,
                       service->name, service->version);
    for (size_t i = 0; i < service->method_count; i++) {
        const idl_method *method = &service->methods[i];
        shmrpci_buf_printf(out, "  // method %u, hash %016" PRIx64 "\n",
                           method->index, method->hash);
        idl_canonical_method_line(method, IDL_CANONICAL_DOCS, memory, out);
    }
    for (size_t i = 0; i < service->shared_count; i++) {
        idl_canonical_shared(service->shared[i], IDL_CANONICAL_DOCS, out);
    }
    shmrpci_buf_append_text(out, "}\n");
}

void idl_dump_schema(const idl_schema *schema, idl_memory *memory,
                     shmrpci_buf *out)
{
    dump_files(schema, out);
    for (size_t i = 0; i < schema->const_count; i++) {
        dump_const(schema->consts[i], out);
    }
    for (size_t i = 0; i < schema->alias_count; i++) {
        dump_alias(schema->aliases[i], out);
    }
    for (size_t i = 0; i < schema->enum_count; i++) {
        dump_origin(&schema->enums[i]->decl, out);
        idl_canonical_enum(schema->enums[i], IDL_CANONICAL_DOCS, memory, out);
    }
    dump_records(schema->structs, schema->struct_count, memory, out);
    dump_records(schema->unions, schema->union_count, memory, out);
    dump_records(schema->errors, schema->error_count, memory, out);
    for (size_t i = 0; i < schema->shared_count; i++) {
        dump_origin(&schema->shared[i]->decl, out);
        idl_canonical_shared(schema->shared[i], IDL_CANONICAL_DOCS, out);
    }
    for (size_t i = 0; i < schema->service_count; i++) {
        dump_service(schema->services[i], memory, out);
    }
}
