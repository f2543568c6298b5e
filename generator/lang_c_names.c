/* The language C: names. */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "generator/lang_c.h"
#include "idl/cname.h"

const char *gen_c_text(gen_model *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const gen_value *value = gen_format_args(m->tree, format, args);
    va_end(args);
    return value->text;
}

const char *gen_c_upper(gen_model *m, const char *text)
{
    gen_value *copy = gen_string(m->tree, text);
    /* Ours until someone else sees it. */
    char *chars = (char *)(uintptr_t)copy->text;
    for (size_t i = 0; i < copy->len; i++) {
        chars[i] = (char)toupper((unsigned char)chars[i]);
    }
    return copy->text;
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

const char *gen_c_guard(gen_model *m, const char *stem)
{
    gen_value *copy = gen_string(m->tree, gen_c_upper(m, stem));
    char *chars = (char *)(uintptr_t)copy->text;
    for (size_t i = 0; i < copy->len; i++) {
        chars[i] = (char)(isalnum((unsigned char)chars[i]) ? chars[i] : '_');
    }
    return copy->text;
}

/* ---- names of the language, by the rule of idl/cname.h ---- */

/* What a function of idl/cname.h has appended; frees the buffer. */
static const char *taken(gen_model *m, shmrpci_buf *buf)
{
    const char *text = shmrpci_buf_text(buf);
    m->tree->out_of_memory = m->tree->out_of_memory || text == NULL;
    const char *copy = gen_string(m->tree, text != NULL ? text : "")->text;
    shmrpci_buf_fini(buf);
    return copy;
}

static const char *own_prefix(gen_model *m, const idl_package *package)
{
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    idl_cname_prefix(package, &buf);
    return taken(m, &buf);
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

const char *gen_c_prefix(gen_model *m, const idl_package *package)
{
    return with_prefix(m, package, own_prefix(m, package), false);
}

const char *gen_c_prefixed(gen_model *m, const char *name)
{
    const char *prefix = gen_c_prefix(m, m->schema->package);
    return gen_c_text(m, "%s%s%s", prefix, *prefix != '\0' ? "_" : "", name);
}

const char *gen_c_short(gen_model *m, const idl_decl *decl)
{
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    const char *c_name = decl->meta.c_name;
    idl_cname_snake(c_name != NULL ? c_name : decl->name, &buf);
    return taken(m, &buf);
}

const char *gen_c_name(gen_model *m, const idl_decl *decl)
{
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    idl_cname_decl(decl, &buf);
    return with_prefix(m, decl->package, taken(m, &buf), false);
}

const char *gen_c_macro(gen_model *m, const idl_decl *decl)
{
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    idl_cname_decl_upper(decl, &buf);
    return with_prefix(m, decl->package, taken(m, &buf), true);
}

const char *gen_c_error_macro(gen_model *m, const idl_decl *decl)
{
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    idl_cname_error(decl, &buf);
    return with_prefix(m, decl->package, taken(m, &buf), true);
}

const char *gen_c_enumerator(gen_model *m, const idl_enum_item *item)
{
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    idl_cname_item(item, &buf);
    return with_prefix(m, item->owner->decl.package, taken(m, &buf), true);
}

const char *gen_c_unlike_types(gen_model *m, const char *name)
{
    bool is_type = idl_map_get(&gen_c_state_of(m)->types, name) != NULL;
    return is_type ? gen_c_text(m, "%s_", name) : name;
}

const char *gen_c_member(gen_model *m, const idl_field *field)
{
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    idl_cname_field(field, &buf);
    return gen_c_unlike_types(m, taken(m, &buf));
}

const char *gen_c_argument(gen_model *m, const idl_field *param)
{
    /* What stands beside a method's arguments in stubs and handlers. */
    static const char *const own[] = {
        "client", "ctx",   "error", "opts",   "out",
        "params", "reply", "ret",   "status", "user",
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
    shmrpci_buf_init_heap(&buf);
    idl_cname_method_part(method, &buf);
    return taken(m, &buf);
}

const char *gen_c_function(gen_model *m, const idl_method *method)
{
    return gen_c_text(m, "%s_%s", gen_c_name(m, &method->service->decl),
                      gen_c_method(m, method));
}

void gen_c_claim(gen_model *m, const char *name, const char *what,
                 idl_span span)
{
    gen_c_state *c = gen_c_state_of(m);
    if (gen_c_enter(m, &c->claims, name, what)) {
        return;
    }
    const char *first = idl_map_get(&c->claims, name);
    if (strcmp(first, what) != 0) {
        idl_diag *diag =
            idl_report(m->opts->diags, IDL_S_C_NAME_CLASH, span,
                       "%s and %s both become `%s` in C", first, what, name);
        idl_expected(m->opts->diags, diag, "@c_name on one of them");
    }
}
