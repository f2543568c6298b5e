/* The page. */
#include "tools/shmrpc-web/page.h"

#include <string.h>

#include "generator/embedded.h"

/* Made by cmake/Embed.cmake. */
extern const gen_embedded_file gen_site[];
extern const size_t gen_site_count;

static const char *type_of(const char *name)
{
    static const struct {
        const char *suffix;
        const char *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".svg", "image/svg+xml"}};
    const char *suffix = strrchr(name, '.');
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (suffix != NULL && strcmp(suffix, types[i].suffix) == 0) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

/* NULL: it is none of the page's files that is asked for. */
static const gen_embedded_file *find(const web_request *request)
{
    const char *name = request->path + 1;
    bool is_get = strcmp(request->head.verb, "GET") == 0 ||
                  strcmp(request->head.verb, "HEAD") == 0;
    name = *name == '\0' ? "index.html" : name;
    for (size_t i = 0; i < gen_site_count && is_get; i++) {
        if (strcmp(gen_site[i].name, name) == 0) {
            return &gen_site[i];
        }
    }
    return NULL;
}

bool web_page_has(const web_request *request)
{
    return find(request) != NULL;
}

bool web_page_take(web_request *request)
{
    const gen_embedded_file *file = find(request);
    if (file == NULL) {
        return false;
    }
    const web_reply_head head = {.status = 200, .type = type_of(file->name)};
    web_reply_constant(request, &head, file->data, file->len);
    return true;
}
