/*
 * The lock: writing it, and reading it. Each section is read as one old
 * version.
 *
 * A section has the canonical text of a service with everything that it
 * reaches, and so is a complete `.svc`: comparing needs no second format and no
 * second set of rules. Since each section must be complete, types that several
 * services reach are repeated; findings in them are reported once.
 *
 * Equal interfaces give equal bytes on every machine: there are no dates, no
 * paths, and no order that depends on a hash table. So locks can be merged and
 * compared like source text.
 */
#include "generator/check/lock.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "idl/canonical.h"

/* Comments that begin a section, before the full name and a hash. */
#define SECTION        "// service "
#define SHARED_SECTION "// shared "

/* ---- writing ---- */

/* Documentation is not part of the contract: changing it needs no approval. */
static bool is_doc(const char *line)
{
    return strncmp(line + strspn(line, " "), "///", 3) == 0;
}

static void append_without_docs(shmrpci_buf *out, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        len += text[len] == '\n';
        if (!is_doc(text)) {
            shmrpci_buf_append(out, text, len);
        }
        text += len;
    }
}

/* Appends the section of a service. Its hashes are those that programs compare
 * at connect, so a reviewer sees which methods changed. */
static shmrpc_status append_service(const idl_service *service,
                                    shmrpci_arena *arena, shmrpci_buf *out)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpci_buf_printf(out, "\n" SECTION "%s %016" PRIx64 "\n",
                       service->decl.full_name, service->hash);
    for (size_t i = 0; i < service->method_count; i++) {
        shmrpci_buf_printf(out, "//   %s %016" PRIx64 "\n",
                           service->methods[i].name, service->methods[i].hash);
    }
    shmrpc_status status =
        idl_service_text(service, IDL_CANONICAL_DOCS, arena, &text);
    const char *chars = status == SHMRPC_OK ? shmrpci_buf_text(&text) : NULL;
    if (chars != NULL) {
        append_without_docs(out, chars);
    }
    shmrpci_buf_fini(&text);
    return chars != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
}

/* Appends the section of an object that is outside of services. */
static shmrpc_status append_shared(const idl_shared *shared,
                                   shmrpci_arena *arena, shmrpci_buf *out)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpci_buf_printf(out, "\n" SHARED_SECTION "%s %016" PRIx64 "\n",
                       shared->decl.full_name, shared->hash);
    shmrpc_status status =
        idl_shared_text(shared, IDL_CANONICAL_DOCS, arena, &text);
    const char *chars = status == SHMRPC_OK ? shmrpci_buf_text(&text) : NULL;
    if (chars != NULL) {
        append_without_docs(out, chars);
    }
    shmrpci_buf_fini(&text);
    return chars != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
}

/* The last line of the header names the format and its version. */
shmrpc_status gen_lock_text(const idl_schema *schema, shmrpci_arena *arena,
                            shmrpci_buf *out)
{
    size_t count = 0;
    shmrpc_status status = SHMRPC_OK;
    shmrpci_buf_append_text(
        out,
        "// What the services of this .svc have promised.  Review the "
        "changes of this\n"
        "// file; don't edit it.  `shmrpcgen check --update-lock` writes "
        "it.\n"
        "// shmrpc lock 1\n");
    for (size_t i = 0; status == SHMRPC_OK && i < schema->service_count; i++) {
        const idl_service *service = schema->services[i];
        if (!service->decl.imported) {
            status = append_service(service, arena, out);
            count++;
        }
    }
    for (size_t i = 0; status == SHMRPC_OK && i < schema->shared_count; i++) {
        if (!schema->shared[i]->decl.imported) {
            status = append_shared(schema->shared[i], arena, out);
            count++;
        }
    }
    return status == SHMRPC_OK && count == 0 ? SHMRPC_E_INVALID : status;
}

/* ---- reading ---- */

/* A copy in which everything outside of one section is blank, so that
 * diagnostics have the lines and columns of the file. */
static char *only_section(shmrpci_arena *arena, const char *text, size_t len,
                          const char *begin, const char *end)
{
    char *copy = shmrpci_arena_strndup(arena, text, len);
    for (size_t i = 0; copy != NULL && i < len; i++) {
        bool inside = text + i >= begin && text + i < end;
        copy[i] = inside || text[i] == '\n' ? text[i] : ' ';
    }
    return copy;
}

/* The next line that begins a section, or the end of the text. */
static const char *next_section(const char *at)
{
    while (*at != '\0' && strncmp(at, SECTION, strlen(SECTION)) != 0 &&
           strncmp(at, SHARED_SECTION, strlen(SHARED_SECTION)) != 0) {
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return at;
}

/* Compares one section with the current schema, which may no longer have its
 * service or object. */
static shmrpc_status check_section(const char *path, const char *section,
                                   size_t len, const idl_schema *schema,
                                   const gen_check_allow *allow,
                                   shmrpci_arena *arena, idl_diags *diags,
                                   gen_check_result *result)
{
    /* Accepts names in the lock that clash in C: the lock is only compared, and
     * no C is generated from it. */
    idl_options options = {.flags = IDL_ANY_C_NAMES};
    idl_diags own;
    idl_diags_init(&own);
    const idl_schema *locked = NULL;
    gen_check_result part = {.breaks = {0}};
    shmrpc_status status =
        idl_load_text(&options, path, section, len, arena, &own, &locked);
    if (status != SHMRPC_OK) {
        /* If the lock itself has errors, these replace the findings, which
         * would be incomplete. */
        idl_memory *memory = diags->memory;
        *diags = own;
        diags->memory = memory;
        return status;
    }
    status =
        gen_check(locked, schema, allow, GEN_CHECK_CANONICAL, diags, &part);
    for (size_t i = 0; i < GEN_BREAK_COUNT; i++) {
        result->breaks[i] += part.breaks[i];
    }
    return status;
}

/* Whether two findings have the same place and message. */
static bool is_same(const idl_diag *a, const idl_diag *b)
{
    return a->code == b->code && a->span.source == b->span.source &&
           a->span.begin == b->span.begin &&
           strcmp(a->message, b->message) == 0;
}

/* Drops repeated findings, which sections that contain the same type produce,
 * and corrects the counts. */
static void drop_repeated(idl_diags *diags, gen_check_result *result)
{
    for (idl_diag *at = diags->first; at != NULL; at = at->next) {
        idl_diag **link = &at->next;
        while (*link != NULL) {
            idl_diag *other = *link;
            if (!is_same(at, other)) {
                link = &other->next;
                continue;
            }
            *link = other->next;
            bool is_error = other->severity == IDL_ERROR;
            diags->error_count -= is_error;
            diags->warning_count -= !is_error;
            result->breaks[gen_check_rule_find((unsigned)other->code)->kind] -=
                is_error;
        }
    }
}

shmrpc_status gen_lock_check(const char *path, const char *text, size_t len,
                             const idl_schema *schema,
                             const gen_check_allow *allow, shmrpci_arena *arena,
                             idl_diags *diags, gen_check_result *result)
{
    shmrpc_status status = SHMRPC_OK;
    *result = (gen_check_result){.breaks = {0}};
    const char *begin = next_section(text);
    while (status == SHMRPC_OK && *begin != '\0') {
        const char *end = next_section(begin + strlen(SECTION));
        const char *section = only_section(arena, text, len, begin, end);
        status = section == NULL ? SHMRPC_E_NO_MEMORY
                                 : check_section(path, section, len, schema,
                                                 allow, arena, diags, result);
        begin = end;
    }
    if (status == SHMRPC_OK) {
        drop_repeated(diags, result);
    }
    return status;
}

/* ---- differences ---- */

/* A line of a text, and its number (from 1). `with_hashes` says whether
 * comments count as lines. */
typedef struct cursor {
    const char *at; /* start of the line; "" at the end of the text */
    size_t len;     /* without its newline */
    size_t line;
    bool with_hashes;
} cursor;

/* Skips comments unless `with_hashes` is set: they hold hashes, which differ
 * only because something else does. */
static bool is_shown(const cursor *c)
{
    return c->len > 0 && (c->with_hashes || strncmp(c->at, "//", 2) != 0);
}

/* At the end of the text `at` becomes "", and stays so. */
static void next_line(cursor *c)
{
    do {
        c->at += c->len + (c->at[c->len] == '\n');
        c->len = strcspn(c->at, "\n");
        c->line++;
    } while (*c->at != '\0' && !is_shown(c));
}

static cursor first_line(const char *text, bool with_hashes)
{
    cursor c = {text, 0, 0, with_hashes};
    c.len = strcspn(text, "\n");
    c.line = 1;
    if (!is_shown(&c) && *text != '\0') {
        next_line(&c);
    }
    return c;
}

static bool is_equal(const cursor *a, const cursor *b)
{
    return a->len == b->len && memcmp(a->at, b->at, a->len) == 0;
}

/* Whether `line` of the other text appears later in the declaration that `c` is
 * in. If so, lines were inserted before it rather than changed. */
static bool comes_later(const cursor *line, cursor c)
{
    while (*c.at != '\0' && *c.at != '}') {
        next_line(&c);
        if (is_equal(line, &c)) {
            return true;
        }
    }
    return false;
}

static gen_lock_line trimmed(const cursor *c)
{
    size_t blanks = strspn(c->at, " ");
    return (gen_lock_line){c->at + blanks, c->len - blanks};
}

/* Skips equal lines, and remembers the declaration that contains them. Compares
 * the first lines that differ. If one of these two has only moved down in the
 * other text, it is left out, and the other line is the change. */
static gen_lock_change first_change(const char *locked, const char *now,
                                    bool with_hashes)
{
    gen_lock_change out = {.line = 0};
    cursor a = first_line(locked, with_hashes);
    cursor b = first_line(now, with_hashes);
    while (*a.at != '\0' && is_equal(&a, &b)) {
        if (a.at[a.len - 1] == '{') {
            out.in = trimmed(&a);
            out.in.len -= strlen(" {");
        } else if (*a.at == '}') {
            out.in = (gen_lock_line){NULL, 0};
        }
        next_line(&a);
        next_line(&b);
    }
    if (*a.at == '\0' && *b.at == '\0') {
        return out;
    }
    out.line = a.line;
    if (*a.at != '\0' && !comes_later(&a, b)) {
        out.locked = trimmed(&a);
    }
    if (*b.at != '\0' && (out.locked.text == NULL || !comes_later(&b, a))) {
        out.now = trimmed(&b);
    }
    return out;
}

/* Compares without hashes first: a hash says that something changed, but not
 * what. */
gen_lock_change gen_lock_difference(const char *locked, const char *now)
{
    gen_lock_change change = first_change(locked, now, false);
    return change.line != 0 ? change : first_change(locked, now, true);
}
