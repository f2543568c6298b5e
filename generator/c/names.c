/* The language C: names. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "generator/c/lang_c.h"
#include "idl/canonical.h"
#include "idl/cname.h"

const char *gen_c_text(gen_model *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = gen_print_args(m->tree, format, args);
    va_end(args);
    return text;
}

/* A copy of `text` that is ours until someone else sees it. */
static char *copy_of(gen_model *m, const char *text)
{
    return (char *)(uintptr_t)gen_print(m->tree, "%s", text);
}

const char *gen_c_upper(gen_model *m, const char *text)
{
    char *copy = copy_of(m, text);
    for (char *at = copy; *at != '\0'; at++) {
        *at = (char)toupper((unsigned char)*at);
    }
    return copy;
}

bool gen_c_enter(gen_model *m, idl_map *map, const char *name,
                 const void *object)
{
    /* The map hands it back as it was, and nobody writes to it. */
    void *entry = (void *)(uintptr_t)object;
    return idl_map_put(map, m->opts->diags->memory, name, entry) == NULL;
}

const char *gen_c_unique(gen_model *m, const char *name)
{
    const char *candidate = name;
    int number = 2;
    while (!gen_c_enter(m, &gen_c_state_of(m)->names, candidate, name)) {
        candidate = gen_c_text(m, "%s_%d", name, number++);
    }
    return candidate;
}

/* ---- names of the language, by the rule of idl/cname.h ---- */

static const char *own_prefix(gen_model *m, const idl_package *package)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    idl_cname_prefix(package, &buf);
    return gen_buf_take(m->tree, &buf);
}

/* `name` with the prefix that --prefix asks for instead of its own. */
static const char *with_prefix(gen_model *m, const idl_package *package,
                               const char *name, bool upper)
{
    const char *wanted = m->opts->prefix;
    if (wanted == NULL || package != m->schema->package) {
        return name;
    }
    size_t own = strlen(own_prefix(m, package));
    return gen_c_text(m, "%s%s%s", upper ? gen_c_upper(m, wanted) : wanted,
                      own == 0 ? "_" : "", name + own);
}

/* "fts" of the package acme.fts. */
static const char *prefix_of(gen_model *m, const idl_package *package)
{
    return with_prefix(m, package, own_prefix(m, package), false);
}

const char *gen_c_prefixed(gen_model *m, const char *name)
{
    const char *prefix = prefix_of(m, m->schema->package);
    return gen_c_text(m, "%s%s%s", prefix, *prefix != '\0' ? "_" : "", name);
}

/* Whether the guard of PREFIX and `path`, which joins their words in capitals,
 * can be made of other words too. */
static bool is_ambiguous(const char *prefix, const char *path)
{
    bool plain = true;
    for (const char *at = path; *at != '\0'; at++) {
        plain = plain && (islower((unsigned char)*at) ||
                          isdigit((unsigned char)*at) || *at == '_');
    }
    /* The first underscore must be the one between the two. */
    bool splits = *prefix != '\0' ? strchr(prefix, '_') == NULL
                                  : strchr(path, '_') == NULL;
    return !plain || !splits;
}

const char *gen_c_guard(gen_model *m, const char *path)
{
    const char *prefix = prefix_of(m, m->schema->package);
    char *copy = copy_of(m, gen_c_upper(m, gen_c_prefixed(m, path)));
    for (char *at = copy; *at != '\0'; at++) {
        *at = (char)(isalnum((unsigned char)*at) ? *at : '_');
    }
    if (!is_ambiguous(prefix, path)) {
        return copy;
    }
    const char *key = gen_c_text(m, "%s %s", prefix, path);
    uint64_t hash = idl_canonical_hash(key, strlen(key));
    return gen_c_text(m, "%s_%08" PRIX32, copy, (uint32_t)hash);
}

const char *gen_c_short(gen_model *m, const idl_decl *decl)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    const char *c_name = decl->meta.c_name;
    idl_cname_snake(c_name != NULL ? c_name : decl->name, &buf);
    return gen_buf_take(m->tree, &buf);
}

/* Without the prefix of a service of its own, where --prefix asks for one. */
static idl_decl as_wanted(const gen_model *m, const idl_decl *decl)
{
    idl_decl copy = *decl;
    if (m->opts->prefix != NULL && decl->package == m->schema->package) {
        copy.meta.c_prefix = NULL;
    }
    return copy;
}

const char *gen_c_name(gen_model *m, const idl_decl *decl)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    idl_decl wanted = as_wanted(m, decl);
    idl_cname_decl(&wanted, &buf);
    return with_prefix(m, decl->package, gen_buf_take(m->tree, &buf), false);
}

const char *gen_c_macro(gen_model *m, const idl_decl *decl)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    idl_decl wanted = as_wanted(m, decl);
    idl_cname_decl_upper(&wanted, &buf);
    return with_prefix(m, decl->package, gen_buf_take(m->tree, &buf), true);
}

const char *gen_c_error_macro(gen_model *m, const idl_decl *decl)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    idl_cname_error(decl, &buf);
    return with_prefix(m, decl->package, gen_buf_take(m->tree, &buf), true);
}

const char *gen_c_enumerator(gen_model *m, const idl_enum_item *item)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    idl_cname_item(item, &buf);
    return with_prefix(m, item->owner->decl.package,
                       gen_buf_take(m->tree, &buf), true);
}

const char *gen_c_unlike_types(gen_model *m, const char *name)
{
    bool is_type = idl_map_get(&gen_c_state_of(m)->types, name) != NULL;
    return is_type ? gen_c_text(m, "%s_", name) : name;
}

const char *gen_c_member(gen_model *m, const idl_field *field)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    idl_cname_field(field, &buf);
    return gen_c_unlike_types(m, gen_buf_take(m->tree, &buf));
}

const char *gen_c_argument(gen_model *m, const idl_field *param)
{
    /* What stands beside a method's arguments in stubs and handlers. */
    static const char *const own[] = {
        "call", "client", "ctx",   "done", "error",  "in",   "opts",
        "out",  "params", "reply", "ret",  "status", "user",
    };
    const char *name = gen_c_member(m, param);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (strcmp(name, own[i]) == 0) {
            return gen_c_text(m, "%s_", name);
        }
    }
    return name;
}

const char *gen_c_method(gen_model *m, const idl_method *method)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    idl_cname_method_part(method, &buf);
    return gen_buf_take(m->tree, &buf);
}

static void name_method(gen_model *m, const idl_method *method)
{
    gen_c_state *c = gen_c_state_of(m);
    if (c->method == method) {
        return;
    }
    const idl_decl *service = &method->service->decl;
    const char *part = gen_c_method(m, method);
    c->function = gen_c_text(m, "%s_%s", gen_c_name(m, service), part);
    c->place = gen_c_text(m, "%s_%s", gen_c_short(m, service), part);
    c->method = method;
}

const char *gen_c_function(gen_model *m, const idl_method *method)
{
    name_method(m, method);
    return gen_c_state_of(m)->function;
}

const char *gen_c_method_place(gen_model *m, const idl_method *method)
{
    name_method(m, method);
    return gen_c_state_of(m)->place;
}

/* Who has a name: texts for people are made only when two want the same. */
typedef struct claimant {
    const char *what;
    const char *suffix; /* NULL, or what stands behind the name of `what` */
} claimant;

static const char *claimant_text(gen_model *m, const claimant *who)
{
    return who->suffix == NULL
               ? who->what
               : gen_c_text(m, "%s with `%s`", who->what, who->suffix);
}

static void claim(gen_model *m, const char *name, const char *what,
                  const char *suffix, idl_span span)
{
    gen_c_state *c = gen_c_state_of(m);
    claimant *who =
        shmrpci_arena_alloc(&m->tree->arena, sizeof *who, _Alignof(claimant));
    if (who == NULL) {
        m->tree->out_of_memory = true;
        return;
    }
    *who = (claimant){what, suffix};
    if (gen_c_enter(m, &c->claims, name, who)) {
        return;
    }
    const char *first = claimant_text(m, idl_map_get(&c->claims, name));
    const char *second = claimant_text(m, who);
    if (strcmp(first, second) != 0) {
        idl_diag *diag =
            idl_report(m->opts->diags, IDL_S_C_NAME_CLASH, span,
                       "%s and %s both become `%s` in C", first, second, name);
        idl_expected(m->opts->diags, diag, "@c_name on one of them");
    }
}

void gen_c_claim(gen_model *m, const char *name, const char *what,
                 idl_span span)
{
    claim(m, name, what, NULL, span);
}

void gen_c_claim_all(gen_model *m, const char *name, const char *full_name,
                     idl_span span, const char *const *suffixes)
{
    const char *what = gen_c_text(m, "`%s`", full_name);
    claim(m, name, what, NULL, span);
    for (; *suffixes != NULL; suffixes++) {
        claim(m, gen_c_text(m, "%s%s", name, *suffixes), what, *suffixes, span);
    }
}
