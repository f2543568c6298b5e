/*
 * The language C: names.
 *
 * Most names follow idl/cname.h. The checker uses idl/cname.h too, so it
 * compares the names that are generated. This file adds --prefix, which
 * replaces the prefix of the file's own package, and the names that only
 * generated code needs.
 *
 * Three maps keep names apart. `names` has all static objects and the names
 * that they must not have: a clash is resolved by adding a number. `types` has
 * the types: C++ does not allow a member with the name of a type. `claims` has
 * macros and everything with linkage: a clash is reported, and the user has to
 * resolve it.
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

/* Converts ASCII only; other characters are not in names. */
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
    /* The cast is safe: the map only returns the pointer, and nobody writes
     * through it. */
    void *entry = (void *)(uintptr_t)object;
    return idl_map_put(map, m->opts->diags->memory, name, entry) == NULL;
}

/* Numbers are assigned in the order in which names are requested, which is the
 * order of the source, so the same file always gets the same numbers. */
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

/* `name` with the prefix of --prefix instead of its own, but only for the
 * file's own package: imported headers were generated with other options. */
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

/* Whether another prefix and path would give the same guard: "acme/echo" and
 * "acme_echo" both give ACME_ECHO. */
static bool is_ambiguous(const char *prefix, const char *path)
{
    bool plain = true;
    for (const char *at = path; *at != '\0'; at++) {
        plain = plain && (islower((unsigned char)*at) ||
                          isdigit((unsigned char)*at) || *at == '_');
    }
    /* The first underscore must be the separator between prefix and path. */
    bool splits = *prefix != '\0' ? strchr(prefix, '_') == NULL
                                  : strchr(path, '_') == NULL;
    return !plain || !splits;
}

const char *gen_c_guard(gen_model *m, const char *path)
{
    const char *prefix = prefix_of(m, m->schema->package);
    /* Every character that isn't a letter or digit becomes an underscore. */
    char *copy = copy_of(m, gen_c_upper(m, gen_c_prefixed(m, path)));
    for (char *at = copy; *at != '\0'; at++) {
        *at = (char)(isalnum((unsigned char)*at) ? *at : '_');
    }
    if (!is_ambiguous(prefix, path)) {
        return copy;
    }
    /* Neither part contains a space, so different pairs give different keys. */
    const char *key = gen_c_text(m, "%s %s", prefix, path);
    uint64_t hash = idl_canonical_hash(key, strlen(key));
    return gen_c_text(m, "%s_%08" PRIX32, copy, (uint32_t)hash);
}

/* The package is left out: static names need no prefix within their file. */
const char *gen_c_short(gen_model *m, const idl_decl *decl)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    const char *c_name = decl->meta.c_name;
    idl_cname_snake(c_name != NULL ? c_name : decl->name, &buf);
    return gen_buf_take(m->tree, &buf);
}

/* Returns a copy of the declaration, from which its C names are made. If
 * --prefix is given, it replaces the @c_prefix of a service, so the copy has no
 * @c_prefix. */
static idl_decl as_wanted(const gen_model *m, const idl_decl *decl)
{
    idl_decl copy = *decl;
    if (m->opts->prefix != NULL && decl->package == m->schema->package) {
        copy.meta.c_prefix = NULL;
    }
    return copy;
}

/* The C name of the type; the names of all its functions begin with it. */
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

/* The member's name by the rule of idl/cname.h; changed if a type has that
 * name. */
const char *gen_c_member(gen_model *m, const idl_field *field)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    idl_cname_field(field, &buf);
    return gen_c_unlike_types(m, gen_buf_take(m->tree, &buf));
}

const char *gen_c_argument(gen_model *m, const idl_field *param)
{
    /* Names that stubs and handlers use themselves in the scope of a method's
     * arguments. */
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

/* The method's name without that of its service. */
const char *gen_c_method(gen_model *m, const idl_method *method)
{
    shmrpci_buf buf;
    gen_buf_init(m->tree, &buf);
    idl_cname_method_part(method, &buf);
    return gen_buf_take(m->tree, &buf);
}

/* Templates and tables ask for a method's names many times in a row, so the
 * names of the last method are cached. */
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

/* The owner of a name. It is turned into text only when two owners claim the
 * same name. */
typedef struct claimant {
    const char *what;
    const char *suffix; /* NULL, or the suffix appended to the name of `what` */
} claimant;

/* Describes the owner for a message. If the claimed name is the owner's name
 * with a suffix, the text contains the suffix. */
static const char *claimant_text(gen_model *m, const claimant *who)
{
    return who->suffix == NULL
               ? who->what
               : gen_c_text(m, "%s with `%s`", who->what, who->suffix);
}

/* The same owner may claim a name twice, such as a view that is needed at two
 * places. */
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
