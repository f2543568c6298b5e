/*
 * The language C: names.
 *
 * Most follow idl/cname.h, which the checker uses as well, so that what it
 * compares is what is generated. This file adds --prefix, which replaces the
 * prefix of the file's own package, and the names that only generated code
 * needs.
 *
 * Three maps keep names apart. `names` has all static objects and what they
 * must not be called: a clash there is solved by a number. `types` has the
 * types, after which C++ lets no member be called. `claims` has everything with
 * linkage and macros: a clash there is the user's to solve, and is reported.
 */
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

/* A copy of `text` that may be modified until it is shared. */
static char *copy_of(gen_model *m, const char *text)
{
    return (char *)(uintptr_t)gen_print(m->tree, "%s", text);
}

/* ASCII alone: names are. */
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

/* Numbers are assigned in the order in which names are requested, which is that
 * of the source: the same file always gets the same numbers. */
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

/* The prefix that idl/cname.h gives to names of the package; "" without a
 * package. */
static const char *own_prefix(gen_model *m, const idl_package *package)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    idl_cname_prefix(package, &buf);
    return gen_buf_take(m->tree, &buf);
}

/* `name` with the prefix that --prefix asks for instead of its own: only for
 * the package of the file, as imported headers were made with theirs. */
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
 * could be made of other words too: "acme/echo" and "acme_echo" both give
 * ACME_ECHO. */
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
    /* Whatever isn't a letter or digit becomes an underscore. */
    char *copy = copy_of(m, gen_c_upper(m, gen_c_prefixed(m, path)));
    for (char *at = copy; *at != '\0'; at++) {
        *at = (char)(isalnum((unsigned char)*at) ? *at : '_');
    }
    if (!is_ambiguous(prefix, path)) {
        return copy;
    }
    /* A blank is in neither, so that no two pairs give one key. */
    const char *key = gen_c_text(m, "%s %s", prefix, path);
    uint64_t hash = idl_canonical_hash(key, strlen(key));
    return gen_c_text(m, "%s_%08" PRIX32, copy, (uint32_t)hash);
}

/* Within a file's static names a package is of no use. */
const char *gen_c_short(gen_model *m, const idl_decl *decl)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    const char *c_name = decl->meta.c_name;
    idl_cname_snake(c_name != NULL ? c_name : decl->name, &buf);
    return gen_buf_take(m->tree, &buf);
}

/* The declaration without the prefix of a service of its own, where --prefix
 * asks for one: the command line wins. */
static idl_decl as_wanted(const gen_model *m, const idl_decl *decl)
{
    idl_decl copy = *decl;
    if (m->opts->prefix != NULL && decl->package == m->schema->package) {
        copy.meta.c_prefix = NULL;
    }
    return copy;
}

/* The C name of the type, with which the names of all its functions begin. */
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

/* The member's name as in idl/cname.h, unless a type is called so. */
const char *gen_c_member(gen_model *m, const idl_field *field)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    idl_cname_field(field, &buf);
    return gen_c_unlike_types(m, gen_buf_take(m->tree, &buf));
}

const char *gen_c_argument(gen_model *m, const idl_field *param)
{
    /* Other names in the scope of a method's arguments, in stubs and
     * handlers. */
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

/* Without the service's name, which functions have in front. */
const char *gen_c_method(gen_model *m, const idl_method *method)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    idl_cname_method_part(method, &buf);
    return gen_buf_take(m->tree, &buf);
}

/* Templates and tables ask for a method's names many times in a row: the last
 * ones are cached. */
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

/* The owner of a name. Its text for people is only made when two owners claim
 * the same name. */
typedef struct claimant {
    const char *what;
    const char *suffix; /* NULL, or what follows the name of `what` */
} claimant;

/* With the suffix, if the name is derived from the owner's. */
static const char *claimant_text(gen_model *m, const claimant *who)
{
    return who->suffix == NULL
               ? who->what
               : gen_c_text(m, "%s with `%s`", who->what, who->suffix);
}

/* The same owner may claim twice: a view that two places need is one. */
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

/* Claims the names derived from one name: the type, its functions, its
 * macros. */
void gen_c_claim_all(gen_model *m, const char *name, const char *full_name,
                     idl_span span, const char *const *suffixes)
{
    const char *what = gen_c_text(m, "`%s`", full_name);
    claim(m, name, what, NULL, span);
    for (; *suffixes != NULL; suffixes++) {
        claim(m, gen_c_text(m, "%s%s", name, *suffixes), what, *suffixes, span);
    }
}
