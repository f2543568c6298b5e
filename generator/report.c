/* Report: collects diagnostics, colours them, and appends the closing line. */
#include "generator/report.h"

#include <string.h>

#include "generator/report_form.h"

#define BOLD   "\033[1m"
#define RED    "\033[1;31m"
#define YELLOW "\033[1;35m"
#define CYAN   "\033[1;36m"
#define GREEN  "\033[1;32m"
#define PLAIN  "\033[0m"

/* How a line's coloured part begins, by severity. */
static const struct {
    const char *mark;
    const char *colour;
} marks[] = {
    {": error", RED},
    {": warning", YELLOW},
    {": note", CYAN},
};

static const char *find_in_line(const char *line, const char *end,
                                const char *mark)
{
    size_t len = strlen(mark);
    for (; (size_t)(end - line) >= len; line++) {
        if (memcmp(line, mark, len) == 0) {
            return line;
        }
    }
    return NULL;
}

/* Appends `file:1:2:` in bold and `error[S0301]:` in its colour. False if the
 * line does not begin like that. */
static bool append_head(const char *line, const char *end, shmrpci_buf *out)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        const char *mark = find_in_line(line, end, marks[i].mark);
        const char *word = mark != NULL ? mark + 2 : end;
        const char *colon = memchr(word, ':', (size_t)(end - word));
        if (colon != NULL) {
            shmrpci_buf_append_text(out, BOLD);
            shmrpci_buf_append(out, line, (size_t)(word - line));
            shmrpci_buf_append_text(out, marks[i].colour);
            shmrpci_buf_append(out, word, (size_t)(colon + 1 - word));
            shmrpci_buf_append_text(out, PLAIN BOLD);
            shmrpci_buf_append(out, colon + 1, (size_t)(end - colon - 1));
            shmrpci_buf_append_text(out, PLAIN);
            return true;
        }
    }
    return false;
}

/* Whether a line consists only of the margin and the mark (`^~~`) under the
 * line of source above it. */
static bool is_mark_line(const char *line, const char *end)
{
    return line < end && strspn(line, " |^~") >= (size_t)(end - line) &&
           memchr(line, '^', (size_t)(end - line)) != NULL;
}

static void append_coloured(const char *text, shmrpci_buf *out)
{
    while (*text != '\0') {
        const char *end = text + strcspn(text, "\n");
        if (*text == ' ' || !append_head(text, end, out)) {
            bool is_mark = is_mark_line(text, end);
            shmrpci_buf_append_text(out, is_mark ? GREEN : "");
            shmrpci_buf_append(out, text, (size_t)(end - text));
            shmrpci_buf_append_text(out, is_mark ? PLAIN : "");
        }
        if (*end == '\n') {
            shmrpci_buf_append_char(out, '\n');
            end++;
        }
        text = end;
    }
}

static void append_count(shmrpci_buf *out, size_t count, const char *what)
{
    shmrpci_buf_printf(out, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

/* Appends all diagnostics, without the closing line. */
static void append_diags(const idl_diags *diags, gen_colour colour,
                         shmrpci_buf *out)
{
    if (colour == GEN_COLOUR_NEVER) {
        idl_diags_render(diags, out);
        return;
    }
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    idl_diags_render(diags, &text);
    const char *chars = shmrpci_buf_text(&text);
    append_coloured(chars != NULL ? chars : "", out);
    shmrpci_buf_fini(&text);
}

static void append_closing(size_t errors, size_t warnings, shmrpci_buf *out)
{
    if (errors > 0) {
        append_count(out, errors, "error");
        shmrpci_buf_append_text(out, warnings > 0 ? ", " : "");
    }
    if (warnings > 0) {
        append_count(out, warnings, "warning");
    }
    if (errors + warnings > 0) {
        shmrpci_buf_append_char(out, '\n');
    }
}

void gen_report(const idl_diags *diags, gen_colour colour, shmrpci_buf *out)
{
    append_diags(diags, colour, out);
    append_closing(diags->error_count, diags->warning_count, out);
}

/* ---- reports of any form ------------------------------------------------- */

const char *const gen_report_forms[GEN_REPORT_FORM_COUNT] = {"human", "json",
                                                             "sarif"};

void gen_reporter_init(gen_reporter *reporter, gen_report_form form,
                       gen_colour colour)
{
    *reporter = (gen_reporter){.form = form, .colour = colour};
    shmrpci_buf_init_heap(&reporter->text);
    gen_tree_init(&reporter->tree);
    reporter->items = gen_array(&reporter->tree);
}

void gen_reporter_fini(gen_reporter *reporter)
{
    gen_tree_fini(&reporter->tree);
    shmrpci_buf_fini(&reporter->text);
}

void gen_reporter_add(gen_reporter *reporter, const char *path,
                      const idl_diags *diags)
{
    gen_tree *tree = &reporter->tree;
    reporter->error_count += diags->error_count;
    reporter->warning_count += diags->warning_count;
    if (reporter->form == GEN_REPORT_HUMAN) {
        append_diags(diags, reporter->colour, &reporter->text);
        return;
    }
    for (const idl_diag *at = diags->first; at != NULL; at = at->next) {
        gen_push(reporter->items, reporter->form == GEN_REPORT_JSON
                                      ? gen_json_item(tree, at)
                                      : gen_sarif_item(tree, path, at));
    }
}

void gen_reporter_print(gen_reporter *reporter, shmrpci_buf *out)
{
    if (reporter->form == GEN_REPORT_HUMAN) {
        if (reporter->text.len > 0) {
            shmrpci_buf_append(out, reporter->text.data, reporter->text.len);
        }
        append_closing(reporter->error_count, reporter->warning_count, out);
        return;
    }
    gen_value *whole = reporter->items;
    if (reporter->form == GEN_REPORT_SARIF) {
        whole = gen_sarif_log(&reporter->tree, reporter->items);
    }
    gen_print_json(whole, out);
    if (gen_tree_status(&reporter->tree) != SHMRPC_OK) {
        shmrpci_buf_fail(out, SHMRPC_E_NO_MEMORY);
    }
}
