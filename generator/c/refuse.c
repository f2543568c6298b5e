/* The language C: reports constructs of a .svc for which no code can be
 * generated yet. Each is an error with its place in the .svc; otherwise users
 * would only notice that C code is missing. */
#include "generator/c/lang_c.h"

/* Reports the code IDL_S_NOT_GENERATED, which means that the .svc itself is
 * correct. */
static void refuse(idl_diags *diags, idl_span span, const char *what)
{
    idl_report(diags, IDL_S_NOT_GENERATED, span, "%s: not generated yet", what);
}

static void refuse_method(idl_diags *diags, const idl_method *method)
{
    /* C would pass a pointer to the first element of an array, so items must be
     * wrapped in a struct. */
    static const char what[] = "stream of arrays (wrap the array in a struct)";
    const idl_field *in = method->stream_param;
    if (in != NULL && in->type->kind == IDL_ARRAY) {
        refuse(diags, in->span, what);
    }
    if (method->result_is_stream && method->result->kind == IDL_ARRAY) {
        refuse(diags, method->result->span, what);
    }
}

static void refuse_service(idl_diags *diags, const idl_service *service)
{
    for (size_t i = 0; i < service->method_count; i++) {
        refuse_method(diags, &service->methods[i]);
    }
}

/* Skips imported services: their file is checked when code is generated from
 * it. */
void gen_c_refuse(const idl_schema *schema, idl_diags *diags)
{
    for (size_t i = 0; i < schema->service_count; i++) {
        if (!schema->services[i]->decl.imported) {
            refuse_service(diags, schema->services[i]);
        }
    }
}
