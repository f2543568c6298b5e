/* The language openapi: how the services of a file are called over HTTP. The
 * document is made by openapi.c, which shmrpc-web uses for running services
 * too, so that both say the same; the template only prints it. */
#include "generator/lang.h"

#include "generator/doc/lang_doc.h"
#include "generator/doc/openapi.h"

static const gen_lang_file files[] = {
    {"types", "document.json", ".openapi.json"}};

/* Where shmrpc-web listens by default: a document needs an address, and users
 * replace it. */
#define SERVER "http://127.0.0.1:5155"

/* The version of the document is the highest of its services: OpenAPI has one
 * for all. */
static void begin(gen_model *m, gen_value *root)
{
    gen_openapi o;
    const idl_schema *s = m->schema;
    uint32_t version = 1;
    for (size_t i = 0; i < s->service_count; i++) {
        const idl_service *service = s->services[i];
        if (!service->decl.imported && service->version > version) {
            version = service->version;
        }
    }
    /* JSON has no comments: a member names the source file. */
    const char *generator =
        gen_print(m->tree, "Made by shmrpcgen from %s: edit that file instead.",
                  gen_text(root, "source"));
    const gen_openapi_info info = {.generator = generator,
                                   .title = s->package->name,
                                   .version = gen_print(m->tree, "%u", version),
                                   .docs = &s->package->docs,
                                   .server = SERVER};
    gen_openapi_begin(&o, m->tree, &info);
    for (size_t i = 0; i < s->service_count; i++) {
        if (!s->services[i]->decl.imported) {
            gen_openapi_add(&o, s->services[i], s->services[i]->name, "");
        }
    }
    shmrpci_buf text;
    gen_buf_init(m->tree, &text);
    gen_print_json(o.root, &text);
    gen_set(root, "openapi", gen_ref(m->tree, gen_buf_take(m->tree, &text)));
}

/* Printed by gen_print_json, whose layout is final. */
static void tidy(gen_tidying *state, const char *text, size_t len,
                 shmrpci_buf *out)
{
    (void)state;
    shmrpci_buf_append(out, text, len);
}

const gen_lang gen_lang_openapi = {
    .name = "openapi",
    .files = files,
    .file_count = sizeof files / sizeof files[0],
    .escape = GEN_ESCAPE_NONE,
    .refuse = gen_doc_refuse,
    .begin = begin,
    .tidy = tidy,
};
