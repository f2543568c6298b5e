/* Generate: finding templates, rendering, writing. */
#include "generator/generate.h"

#include <stdlib.h>
#include <string.h>

#include "generator/embedded.h"
#include "generator/mustache.h"
#include "generator/output.h"

#define MAX_FILES 16

/* What one file may take in memory; what is beyond goes to the disk. */
#define MAX_TEXT_BYTES ((size_t)256 << 10)

/* A template of the user's folder; read once, kept until the end. */
typedef struct user_template {
    const char *path;
    shmrpci_buf text;
    struct user_template *next;
} user_template;

/* A file on its way out. */
typedef struct product {
    const char *path;
    gen_tidying tidying;
    shmrpci_buf text; /* what isn't in `output` yet */
    gen_output output;
} product;

typedef struct generation {
    const gen_options *options;
    const idl_schema *schema;
    const gen_value *model;
    gen_tree tree; /* paths */
    user_template *templates;
    product products[MAX_FILES];
    size_t count; /* the last is being rendered */
    shmrpc_error error;
    shmrpci_buf *message;
} generation;

/* The file NAME.mustache of the user's folder, or NULL. */
static const user_template *find_user_template(generation *g, const char *name)
{
    if (g->options->templates == NULL) {
        return NULL;
    }
    const char *path =
        gen_format(&g->tree, "%s/%s.mustache", g->options->templates, name)
            ->text;
    for (user_template *at = g->templates; at != NULL; at = at->next) {
        if (strcmp(at->path, path) == 0) {
            return at;
        }
    }
    user_template *made =
        shmrpci_arena_calloc(&g->tree.arena, 1, sizeof *made, 16);
    if (made == NULL) {
        return NULL;
    }
    made->path = path;
    shmrpci_buf_init_heap(&made->text);
    if (gen_output_read(path, &made->text, NULL) != SHMRPC_OK) {
        shmrpci_buf_fini(&made->text);
        return NULL;
    }
    made->next = g->templates;
    g->templates = made;
    return made;
}

static bool find_template(void *user, const char *name, const char **text,
                          size_t *len)
{
    generation *g = user;
    const user_template *own = find_user_template(g, name);
    if (own != NULL) {
        *text = (const char *)own->text.data;
        *len = own->text.len;
        return true;
    }
    const char *path =
        gen_format(&g->tree, "%s/%s.mustache", g->options->lang->name, name)
            ->text;
    for (size_t i = 0; i < gen_embedded_count; i++) {
        if (strcmp(gen_embedded[i].name, path) == 0) {
            *text = (const char *)gen_embedded[i].data;
            *len = gen_embedded[i].len;
            return true;
        }
    }
    return false;
}

/* Moves the product's text to the disk, beside the file that it will replace.
 */
static shmrpc_status put_out(generation *g, product *p)
{
    shmrpc_status status =
        gen_output_make_folder(g->options->out_dir, &g->error);
    if (status == SHMRPC_OK) {
        status =
            gen_output_append(&p->output, p->text.data, p->text.len, &g->error);
    }
    shmrpci_buf_reset(&p->text);
    return status;
}

/* Tidies the raw text up to the end of its last line. */
static void take_lines(void *user, shmrpci_buf *raw)
{
    generation *g = user;
    product *p = &g->products[g->count - 1];
    size_t len = raw->len;
    while (len > 0 && raw->data[len - 1] != '\n') {
        len--;
    }
    if (raw->status != SHMRPC_OK || len == 0) {
        return;
    }
    g->options->lang->tidy(&p->tidying, (const char *)raw->data, len, &p->text);
    memmove(raw->data, raw->data + len, raw->len - len);
    raw->len -= len;
    shmrpci_buf_fail(raw, p->text.status);
    if (raw->status == SHMRPC_OK && p->text.len > MAX_TEXT_BYTES) {
        shmrpci_buf_fail(raw, put_out(g, p));
    }
}

/* The line for people about a template, or about a file that was too large for
 * memory and could not be written. */
static void report(generation *g, const gen_mustache_error *error)
{
    if (g->error.code != SHMRPC_OK) {
        shmrpci_buf_append_text(g->message, g->error.message);
        return;
    }
    shmrpci_buf_printf(g->message, "%s.mustache:%u:%u: error: %s", error->name,
                       error->line, error->column, error->message);
}

static shmrpc_status render(generation *g, const gen_lang_file *file)
{
    const char *text = "";
    size_t len = 0;
    if (!find_template(g, file->template, &text, &len)) {
        shmrpci_buf_printf(g->message, "there is no template `%s`",
                           file->template);
        return SHMRPC_E_INVALID;
    }
    gen_mustache_opts opts = {.escape = g->options->lang->escape,
                              .missing = GEN_MISSING_ERROR,
                              .lookup = find_template,
                              .drain = take_lines,
                              .user = g};
    gen_mustache_error error = {.line = 0};
    shmrpci_buf raw;
    shmrpci_buf_init_heap(&raw);
    shmrpc_status status = gen_mustache_render(&opts, file->template, text, len,
                                               g->model, &raw, &error);
    if (status != SHMRPC_OK) {
        report(g, &error);
    } else {
        product *p = &g->products[g->count - 1];
        take_lines(g, &raw);
        g->options->lang->tidy(&p->tidying, (const char *)raw.data, raw.len,
                               &p->text);
        status = p->text.status;
    }
    shmrpci_buf_fini(&raw);
    return status;
}

static bool is_wanted(const gen_options *options, const char *kind)
{
    return strcmp(kind, "client") == 0   ? options->client
           : strcmp(kind, "server") == 0 ? options->server
                                         : true;
}

static shmrpc_status render_all(generation *g)
{
    const gen_lang *lang = g->options->lang;
    const char *stem = gen_text(g->model, "stem");
    shmrpc_status status = SHMRPC_OK;
    for (size_t i = 0; i < lang->file_count && status == SHMRPC_OK; i++) {
        if (is_wanted(g->options, lang->files[i].kind)) {
            product *p = &g->products[g->count++];
            p->path = gen_print(&g->tree, "%s/%s%s", g->options->out_dir, stem,
                                lang->files[i].suffix);
            shmrpci_buf_init_heap(&p->text);
            gen_output_begin(&p->output, p->path);
            status = render(g, &lang->files[i]);
        }
    }
    return status == SHMRPC_OK ? gen_tree_status(&g->tree) : status;
}

static shmrpc_status write_depfile(generation *g)
{
    const char *paths[MAX_FILES];
    for (size_t i = 0; i < g->count; i++) {
        paths[i] = g->products[i].path;
    }
    size_t count = g->schema->file_count;
    for (const user_template *at = g->templates; at != NULL; at = at->next) {
        count++;
    }
    const char **sources = shmrpci_arena_calloc(
        &g->tree.arena, count, sizeof *sources, _Alignof(const char *));
    if (sources == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    size_t used = 0;
    /* The main file is last in the schema and first in the rule. */
    for (size_t i = g->schema->file_count; i > 0; i--) {
        sources[used++] = g->schema->files[i - 1]->source->path;
    }
    for (const user_template *at = g->templates; at != NULL; at = at->next) {
        sources[used++] = at->path;
    }
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    if (g->options->stamp != NULL) {
        gen_output_depfile(&g->options->stamp, 1, sources, used, &text);
    } else {
        gen_output_depfile(paths, g->count, sources, used, &text);
    }
    shmrpc_status status = text.status;
    if (status == SHMRPC_OK) {
        status = gen_output_write(g->options->depfile, text.data, text.len,
                                  NULL, &g->error);
    }
    shmrpci_buf_fini(&text);
    return status;
}

/* What is written once belongs to the user from then on. */
static shmrpc_status refuse_existing(generation *g)
{
    for (size_t i = 0; i < g->count && g->options->once; i++) {
        if (gen_output_exists(g->products[i].path)) {
            shmrpc_error_set(&g->error, SHMRPC_E_EXISTS,
                             "%s is there already, and is yours: nothing is "
                             "written (--out-dir names another folder)",
                             g->products[i].path);
            return SHMRPC_E_EXISTS;
        }
    }
    return SHMRPC_OK;
}

static shmrpc_status write_all(generation *g)
{
    shmrpc_error_set(&g->error, SHMRPC_E_NO_MEMORY, "out of memory");
    shmrpc_status status = refuse_existing(g);
    for (size_t i = 0; i < g->count && status == SHMRPC_OK; i++) {
        status = put_out(g, &g->products[i]);
    }
    for (size_t i = 0; i < g->count && status == SHMRPC_OK; i++) {
        status = gen_output_commit(&g->products[i].output, NULL, &g->error);
    }
    if (status == SHMRPC_OK && g->options->depfile != NULL) {
        status = write_depfile(g);
    }
    if (status == SHMRPC_OK && g->options->stamp != NULL) {
        status = gen_output_touch(g->options->stamp, &g->error);
    }
    if (status != SHMRPC_OK) {
        shmrpci_buf_append_text(g->message, g->error.message);
    }
    return status == SHMRPC_E_INVALID ? SHMRPC_E_INTERNAL : status;
}

shmrpc_status gen_generate(const gen_options *options, const idl_schema *schema,
                           const gen_tree *tree, const gen_value *model,
                           shmrpci_buf *message)
{
    generation g = {.options = options,
                    .schema = schema,
                    .model = model,
                    .message = message};
    gen_tree_init(&g.tree);
    shmrpc_status status = render_all(&g);
    if (status == SHMRPC_OK) {
        /* Members that were made while the templates asked for them. */
        status = gen_tree_status(tree);
    }
    if (status == SHMRPC_OK) {
        status = write_all(&g);
    }
    for (size_t i = 0; i < g.count; i++) {
        gen_output_abandon(&g.products[i].output);
        shmrpci_buf_fini(&g.products[i].text);
    }
    for (user_template *at = g.templates; at != NULL; at = at->next) {
        shmrpci_buf_fini(&at->text);
    }
    gen_tree_fini(&g.tree);
    return status;
}
