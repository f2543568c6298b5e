/* Generate: finds and renders templates, and writes the files. */
#include "generator/generate.h"

#include <stdlib.h>
#include <string.h>

#include "generator/embedded.h"
#include "generator/mustache.h"
#include "generator/output.h"

#define MAX_FILES 16

/* A file's text in memory is moved to disk when it exceeds this size. */
#define MAX_TEXT_BYTES ((size_t)256 << 10)

/* A template in the user's folder. It is read once and kept until the end. */
typedef struct user_template {
    const char *path;
    shmrpci_buf text;
    struct user_template *next;
} user_template;

/* A file that is being written. */
typedef struct product {
    const char *path;
    gen_tidying tidying;
    shmrpci_buf text; /* text that isn't in `output` yet */
    gen_output output;
} product;

typedef struct generation {
    const gen_options *options;
    const idl_schema *schema;
    const gen_value *model;
    gen_tree tree; /* holds the paths */
    user_template *templates;
    gen_made *made;
    product products[MAX_FILES];
    size_t count; /* the last product is being rendered */
    shmrpc_error error;
    shmrpci_buf *message;
} generation;

/* Reads the file NAME.mustache of the user's folder; NULL if there is none. */
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

/* Appends the product's text to its temporary file, which is in the folder of
 * the file that it will replace. */
static shmrpc_status put_out(generation *g, product *p)
{
    const char *folder = gen_string_n(&g->tree, p->path,
                                      (size_t)(strrchr(p->path, '/') - p->path))
                             ->text;
    shmrpc_status status = gen_output_make_folder(folder, &g->error);
    if (status == SHMRPC_OK) {
        status =
            gen_output_append(&p->output, p->text.data, p->text.len, &g->error);
    }
    shmrpci_buf_reset(&p->text);
    return status;
}

/* Passes the raw text up to its last line end to the language's tidy
 * function. */
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

/* Sets the message: a template error, or, if a large file could not be written
 * while it was rendered, the error of the file. */
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

bool gen_is_wanted(const gen_options *options, const char *kind)
{
    return strcmp(kind, "client") == 0   ? options->client
           : strcmp(kind, "server") == 0 ? options->server
                                         : true;
}

static shmrpc_status render_all(generation *g)
{
    const gen_lang *lang = g->options->lang;
    const char *path = gen_text(g->model, "path");
    shmrpc_status status = SHMRPC_OK;
    for (size_t i = 0; i < lang->file_count && status == SHMRPC_OK; i++) {
        if (gen_is_wanted(g->options, lang->files[i].kind)) {
            product *p = &g->products[g->count++];
            p->path = gen_print(&g->tree, "%s/%s%s", g->options->out_dir, path,
                                lang->files[i].suffix);
            shmrpci_buf_init_heap(&p->text);
            gen_output_begin(&p->output, p->path);
            status = render(g, &lang->files[i]);
        }
    }
    return status == SHMRPC_OK ? gen_tree_status(&g->tree) : status;
}

/* ---- depfile and stamp ---- */

void gen_made_init(gen_made *made)
{
    gen_tree_init(&made->tree);
    made->targets = gen_array(&made->tree);
    made->sources = gen_array(&made->tree);
}

void gen_made_fini(gen_made *made)
{
    gen_tree_fini(&made->tree);
}

/* Skips a path that is in the list already: several files may import the same
 * one. */
static void note(gen_tree *tree, gen_value *list, const char *path)
{
    GEN_EACH(at, list)
    {
        if (strcmp(at->text, path) == 0) {
            return;
        }
    }
    gen_push(list, gen_string(tree, path));
}

static void note_all(generation *g)
{
    gen_made *made = g->made;
    for (size_t i = 0; i < g->count; i++) {
        note(&made->tree, made->targets, g->products[i].path);
    }
    /* The main file is the last one in the schema, but must be the first source
     * of the Make rule. */
    for (size_t i = g->schema->file_count; i > 0; i--) {
        note(&made->tree, made->sources, g->schema->files[i - 1]->source->path);
    }
    for (const user_template *at = g->templates; at != NULL; at = at->next) {
        note(&made->tree, made->sources, at->path);
    }
}

static const char **texts_of(gen_tree *tree, const gen_value *list)
{
    const char **texts = shmrpci_arena_calloc(
        &tree->arena, list->len + 1, sizeof *texts, _Alignof(const char *));
    size_t i = 0;
    GEN_EACH(at, list)
    {
        if (texts != NULL) {
            texts[i++] = at->text;
        }
    }
    return texts;
}

static shmrpc_status refuse_foreign(const char *path, shmrpc_error *error)
{
    return shmrpc_error_set(
        error, SHMRPC_E_EXISTS,
        "%s already exists and was not written by shmrpcgen: nothing is "
        "written (--force replaces it, --out-dir names another folder)",
        path);
}

/* Whether an existing depfile or stamp was not written by us. Our stamps are
 * empty, and our depfiles begin with a rule as gen_output_depfile writes it. */
static bool is_foreign(const char *path)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    bool exists = gen_output_exists(path);
    bool foreign = exists && !gen_output_is_file(path);
    if (exists && !foreign && gen_output_read(path, &text, NULL) == SHMRPC_OK) {
        const char *chars = shmrpci_buf_text(&text);
        const char *end = chars != NULL ? strchr(chars, '\n') : NULL;
        foreign = text.len > 0 && (end == NULL || end - chars < 2 ||
                                   memcmp(end - 2, " \\\n  ", 5) != 0);
    }
    shmrpci_buf_fini(&text);
    return foreign;
}

static shmrpc_status write_depfile(const gen_options *options, gen_made *made,
                                   shmrpc_error *error)
{
    const char **targets = texts_of(&made->tree, made->targets);
    const char **sources = texts_of(&made->tree, made->sources);
    if (targets == NULL || sources == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    if (!options->force && is_foreign(options->depfile)) {
        return refuse_foreign(options->depfile, error);
    }
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    if (options->stamp != NULL) {
        gen_output_depfile(&options->stamp, 1, sources, made->sources->len,
                           &text);
    } else {
        gen_output_depfile(targets, made->targets->len, sources,
                           made->sources->len, &text);
    }
    shmrpc_status status = text.status;
    if (status == SHMRPC_OK) {
        status = gen_output_write(options->depfile, text.data, text.len, NULL,
                                  error);
    }
    shmrpci_buf_fini(&text);
    return status;
}

shmrpc_status gen_made_write(const gen_options *options, gen_made *made,
                             shmrpci_buf *message)
{
    shmrpc_error error;
    shmrpc_error_set(&error, SHMRPC_E_NO_MEMORY, "out of memory");
    shmrpc_status status = gen_tree_status(&made->tree);
    if (status == SHMRPC_OK && options->depfile != NULL) {
        status = write_depfile(options, made, &error);
    }
    if (status == SHMRPC_OK && options->stamp != NULL) {
        status = !options->force && is_foreign(options->stamp)
                     ? refuse_foreign(options->stamp, &error)
                     : gen_output_touch(options->stamp, &error);
    }
    if (status != SHMRPC_OK) {
        shmrpci_buf_append_text(message, error.message);
    }
    return status == SHMRPC_E_INVALID ? SHMRPC_E_INTERNAL : status;
}

/* ---- writing ---- */

/* Refuses to overwrite files that belong to the user: files that are generated
 * only once, and files that we did not write. --force allows both. */
static shmrpc_status refuse_existing(generation *g)
{
    for (size_t i = 0; i < g->count && !g->options->force; i++) {
        const product *p = &g->products[i];
        if (g->options->once && gen_output_exists(p->path)) {
            return shmrpc_error_set(
                &g->error, SHMRPC_E_EXISTS,
                "%s already exists and belongs to you: nothing is written "
                "(--force replaces it, --out-dir names another folder)",
                p->path);
        }
        if (!g->options->once && gen_output_is_foreign(&p->output)) {
            return refuse_foreign(p->path, &g->error);
        }
    }
    return SHMRPC_OK;
}

static shmrpc_status write_all(generation *g)
{
    shmrpc_error_set(&g->error, SHMRPC_E_NO_MEMORY, "out of memory");
    shmrpc_status status = SHMRPC_OK;
    for (size_t i = 0; i < g->count && status == SHMRPC_OK; i++) {
        status = put_out(g, &g->products[i]);
    }
    if (status == SHMRPC_OK) {
        status = refuse_existing(g);
    }
    for (size_t i = 0; i < g->count && status == SHMRPC_OK; i++) {
        status = gen_output_commit(&g->products[i].output, NULL, &g->error);
    }
    if (status != SHMRPC_OK) {
        shmrpci_buf_append_text(g->message, g->error.message);
    } else {
        note_all(g);
    }
    return status == SHMRPC_E_INVALID ? SHMRPC_E_INTERNAL : status;
}

shmrpc_status gen_generate(const gen_options *options, const idl_schema *schema,
                           const gen_tree *tree, const gen_value *model,
                           gen_made *made, shmrpci_buf *message)
{
    generation g = {.options = options,
                    .schema = schema,
                    .model = model,
                    .made = made,
                    .message = message};
    gen_tree_init(&g.tree);
    shmrpc_status status = render_all(&g);
    if (status == SHMRPC_OK) {
        /* Rendering also creates members (gen_set_later), so the tree may have
         * run out of memory. */
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
