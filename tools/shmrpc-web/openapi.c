/* Writes one OpenAPI document of all running services. Each adds its paths, and
 * its components with a prefix, because two services may have types of the same
 * name. */
#include "tools/shmrpc-web/openapi.h"

#include <stdio.h>

#include "generator/doc/openapi.h"
#include "shmrpc/version.h"

/* Names of components may only contain letters, digits, `.`, `-` and `_`
 * (OpenAPI, Components Object), so the `@` of an instance becomes `_`. */
static void make_prefix(const char *name, char out[WEB_NAME_BYTES + 1])
{
    (void)snprintf(out, WEB_NAME_BYTES + 1, "%s.", name);
    for (char *at = out; *at != '\0'; at++) {
        bool is_good = (*at >= 'a' && *at <= 'z') ||
                       (*at >= 'A' && *at <= 'Z') ||
                       (*at >= '0' && *at <= '9') || *at == '.' || *at == '-';
        *at = is_good ? *at : '_';
    }
}

int web_openapi_append(const web_place *places, size_t count, shmrpci_buf *out)
{
    const gen_openapi_info info = {.title = "Services of this machine",
                                   .version = SHMRPC_VERSION,
                                   .server = "/"};
    char prefix[WEB_NAME_BYTES + 1];
    gen_tree tree;
    gen_openapi document;
    gen_tree_init(&tree);
    gen_openapi_begin(&document, &tree, &info);
    for (size_t i = 0; i < count; i++) {
        if (places[i].service != NULL && places[i].is_alive) {
            make_prefix(places[i].name, prefix);
            gen_openapi_add(&document, places[i].service->source,
                            places[i].name, prefix);
        }
    }
    int status = gen_tree_status(&tree);
    if (status == SHMRPC_OK) {
        gen_print_json(document.root, out);
        status = out->status;
    }
    gen_tree_fini(&tree);
    return status;
}
