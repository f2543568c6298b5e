/* The language openapi: describes how the services of a file are called over
 * HTTP. openapi.c makes the document; the template only prints it. shmrpc-web
 * also uses openapi.c, to describe running services in the same way. */
#include "generator/lang.h"

#include "generator/doc/lang_doc.h"
#include "generator/doc/openapi.h"

static const gen_lang_file files[] = {
    {"types", "document.json", ".openapi.json"}};

/* The address where shmrpc-web listens by default. A document needs one, and
 * users replace it. */
#define SERVER "http://127.0.0.1:5155"

/* OpenAPI has one version for the whole document: the highest version of the
 * services. */
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
    /* JSON has no comments, so a member names the source file. */
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

/* The text needs no tidying: gen_print_json has laid it out. */
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
