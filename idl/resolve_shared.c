/* Shared objects and their options. */
#include "idl/annotate.h"

#include <string.h>

#include "base/nearest.h"
#include "idl/option.h"

/* The separator before entry `i` of a list of `count`: "`capacity`, `overflow`
 * or `order`". */
static const char *glue(size_t i, size_t count)
{
    return i == 0 ? "" : i + 1 == count ? " or " : ", ";
}

static void report_option(idl_resolver *r, const ast_option *option,
                          const idl_shared *shared)
{
    const char *kind = idl_shared_kind_name(shared->kind);
    shmrpci_nearest nearest = {.wanted = option->name.text};
    const char *names[IDL_OPTION_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < IDL_OPTION_COUNT; i++) {
        const idl_option_row *row = idl_option_of(shared->kind, (idl_option)i);
        if (row != NULL) {
            names[count++] = row->name;
            shmrpci_nearest_offer(&nearest, row->name);
        }
    }
    const char *list = "";
    for (size_t i = 0; i < count; i++) {
        list =
            idl_printf(r->memory, "%s%s`%s`", list, glue(i, count), names[i]);
    }
    idl_diag *diag =
        idl_report(r->diags, IDL_S_BAD_OPTION, option->name.span,
                   "a %s has no option `%s`", kind, option->name.text);
    idl_expected(r->diags, diag, "%s", list);
    idl_suggest(r->diags, diag, nearest.best);
}

static bool take_word(idl_resolver *r, const idl_option_row *row,
                      const ast_value *value, int64_t *out)
{
    const char *word = value->kind == AST_VALUE_PATH ? value->u.path : "";
    shmrpci_nearest nearest = {.wanted = word};
    const char *list = "";
    for (const idl_option_word *at = row->words; at->word != NULL; at++) {
        if (strcmp(at->word, word) == 0) {
            *out = at->value;
            return true;
        }
        shmrpci_nearest_offer(&nearest, at->word);
        list = idl_printf(r->memory, "%s%s%s", list,
                          at == row->words     ? ""
                          : at[1].word == NULL ? " or "
                                               : ", ",
                          at->word);
    }
    idl_diag *diag = idl_report(r->diags, IDL_S_BAD_OPTION, value->span,
                                "`%s` can't have this value", row->name);
    idl_expected(r->diags, diag, "%s", list);
    idl_suggest(r->diags, diag, nearest.best);
    return false;
}

/* Reads permission bits as `chmod` writes them: "0660". */
static bool take_mode(idl_resolver *r, const ast_value *value, int64_t *out)
{
    int64_t mode = 0;
    bool good = value->kind == AST_VALUE_TEXT && value->u.text.len == 4 &&
                value->u.text.ptr[0] == '0';
    for (size_t i = 0; good && i < 4; i++) {
        char digit = value->u.text.ptr[i];
        good = digit >= '0' && digit <= '7';
        mode = mode * 8 + (digit - '0');
    }
    if (!good || mode == 0) {
        return idl_report_wrong(r, value->span,
                                "permission bits in quotes, as \"0660\"");
    }
    *out = mode;
    return true;
}

static bool take_value(idl_resolver *r, idl_site site,
                       const idl_option_row *row, const ast_value *value,
                       int64_t *out)
{
    switch (row->form) {
    case IDL_OPTION_IS_COUNT:
        return idl_convert_integer(r, site, value, "a number", row->min,
                                   row->max, out);
    case IDL_OPTION_IS_DURATION:
        return idl_convert_duration(r, site, value, row->min, row->max, out);
    case IDL_OPTION_IS_WORD:
        return take_word(r, row, value, out);
    case IDL_OPTION_IS_MODE:
        return take_mode(r, value, out);
    }
    return false;
}

/* Whether the object can't use this option or value, although its kind has the
 * option; reports it if so. */
static bool is_out_of_place(idl_resolver *r, const ast_option *option,
                            const idl_option_row *row, int64_t value,
                            const idl_shared *shared)
{
    const char *why = NULL;
    if (row->option == IDL_OPTION_LIFETIME && shared->service != NULL) {
        why = "objects of a service live as long as the service";
    } else if (row->option == IDL_OPTION_WRITERS &&
               value == IDL_WRITERS_SERVER && shared->service == NULL) {
        why = "there is no server outside of a service";
    }
    if (why != NULL) {
        idl_diag *diag =
            idl_report(r->diags, IDL_S_BAD_OPTION, option->name.span,
                       "`%s` is not allowed here: %s", row->name, why);
        idl_expected(r->diags, diag, "no such option");
    }
    return why != NULL;
}

static void take_option(idl_resolver *r, idl_site site,
                        const ast_option *option, idl_shared *shared)
{
    const idl_option_row *row =
        idl_option_find(shared->kind, option->name.text);
    int64_t value = 0;
    if (row == NULL) {
        report_option(r, option, shared);
    } else if (take_value(r, site, row, option->value, &value) &&
               !is_out_of_place(r, option, row, value, shared)) {
        shared->options[row->option] = value;
        shared->given |= 1u << row->option;
    }
}

/* `max_stall` limits how long a publisher waits, so it needs `overflow
 * block`. */
static void check_stall(idl_resolver *r, const ast_body *body,
                        const idl_shared *shared)
{
    bool stalls = (shared->given & 1u << IDL_OPTION_MAX_STALL) != 0;
    bool blocks = (shared->given & 1u << IDL_OPTION_OVERFLOW) != 0 &&
                  shared->options[IDL_OPTION_OVERFLOW] == IDL_OVERFLOW_BLOCK;
    AST_EACH(ast_option, option, body->items)
    {
        if (stalls && !blocks && strcmp(option->name.text, "max_stall") == 0) {
            idl_diag *diag =
                idl_report(r->diags, IDL_S_BAD_OPTION, option->name.span,
                           "publishers of this topic never wait, so "
                           "`max_stall` has no effect");
            idl_expected(r->diags, diag, "`overflow block;`");
            return;
        }
    }
}

void idl_resolve_shared(idl_resolver *r, idl_symbol *symbol)
{
    const ast_decl *ast = symbol->ast;
    idl_shared *shared = symbol->u.shared;
    idl_site site = {.unit = symbol->unit, .scope = symbol->scope};
    idl_annotate(r, ast->pre, IDL_ON_SHARED, &shared->decl.meta, NULL);
    shared->element =
        ast->type != NULL ? idl_resolve_type(r, site, ast->type) : NULL;
    shared->key = ast->key != NULL ? idl_resolve_type(r, site, ast->key) : NULL;
    if (ast->body == NULL) {
        return;
    }
    idl_map names = {.count = 0};
    AST_EACH(ast_option, option, ast->body->items)
    {
        const ast_option *first = idl_map_put(
            &names, r->memory, option->name.text, (void *)(uintptr_t)option);
        if (first != NULL) {
            idl_diag *diag =
                idl_report(r->diags, IDL_S_BAD_OPTION, option->name.span,
                           "`%s` is given twice", option->name.text);
            idl_add_note(r->diags, diag, first->name.span, "first given here");
            continue;
        }
        take_option(r, site, option, shared);
    }
    check_stall(r, ast->body, shared);
}
