/* Report: SARIF 2.1.0. */
#include <ctype.h>
#include <string.h>

#include "generator/explain.h"
#include "generator/report_form.h"

/* ---- places ---- */

/* A path as a URI. A relative path stays relative; it refers to the folder in
 * which the program ran. */
static gen_value *make_uri(gen_tree *tree, const char *path)
{
    static const char plain[] = "/-._~!$&'()*+,;=:@";
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpci_buf_append_text(&text, *path == '/' ? "file://" : "");
    for (const char *at = path; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 0x80 && (isalnum(c) || strchr(plain, c) != NULL)) {
            shmrpci_buf_append_char(&text, *at);
        } else {
            shmrpci_buf_printf(&text, "%%%02X", c);
        }
    }
    gen_value *uri = gen_string_n(
        tree, text.len > 0 ? (const char *)text.data : "", text.len);
    shmrpci_buf_fini(&text);
    return uri;
}

static gen_value *make_artifact(gen_tree *tree, const char *path)
{
    gen_value *artifact = gen_object(tree);
    gen_set(artifact, "uri", make_uri(tree, path));
    return artifact;
}

/* The region of a span; line 1 for a diagnostic without a place. */
static gen_value *make_region(gen_tree *tree, idl_span span)
{
    gen_value *object = gen_object(tree);
    gen_region region = {.begin = {1, 1}, .end = {1, 1}};
    if (span.source != NULL) {
        region = gen_region_of(span);
    }
    gen_set(object, "startLine", gen_uint(tree, region.begin.line));
    gen_set(object, "startColumn", gen_uint(tree, region.begin.column));
    gen_set(object, "endLine", gen_uint(tree, region.end.line));
    gen_set(object, "endColumn", gen_uint(tree, region.end.column));
    return object;
}

static gen_value *make_location(gen_tree *tree, const char *path, idl_span span)
{
    gen_value *location = gen_object(tree);
    gen_value *physical =
        gen_set(location, "physicalLocation", gen_object(tree));
    gen_set(
        physical, "artifactLocation",
        make_artifact(tree, span.source != NULL ? span.source->path : path));
    gen_set(physical, "region", make_region(tree, span));
    return location;
}

/* ---- results ---- */

static gen_value *make_text(gen_tree *tree, const char *text)
{
    gen_value *object = gen_object(tree);
    gen_set(object, "text", gen_string(tree, text));
    return object;
}

static gen_value *make_message(gen_tree *tree, const idl_diag *diag)
{
    gen_value *message = gen_object(tree);
    bool expected = diag->expected != NULL;
    bool fix = diag->fix != NULL;
    gen_set(message, "text",
            gen_format(tree, "%s%s%s%s%s%s%s", diag->message,
                       expected ? " (expected " : "",
                       expected ? diag->expected : "", expected ? ")" : "",
                       fix ? "; did you mean `" : "", fix ? diag->fix : "",
                       fix ? "`?" : ""));
    return message;
}

/* The SARIF fix: text that replaces the reported span. */
static gen_value *make_fix(gen_tree *tree, const idl_diag *diag)
{
    gen_value *fix = gen_object(tree);
    gen_value *description = gen_set(fix, "description", gen_object(tree));
    gen_set(description, "text", gen_format(tree, "Write `%s`.", diag->fix));
    gen_value *changes = gen_set(fix, "artifactChanges", gen_array(tree));
    gen_value *change = gen_push(changes, gen_object(tree));
    gen_set(change, "artifactLocation",
            make_artifact(tree, diag->span.source->path));
    gen_value *replacements = gen_set(change, "replacements", gen_array(tree));
    gen_value *replacement = gen_push(replacements, gen_object(tree));
    gen_set(replacement, "deletedRegion", make_region(tree, diag->span));
    gen_set(replacement, "insertedContent", make_text(tree, diag->fix));
    return fix;
}

static void set_notes(gen_tree *tree, gen_value *item, const char *path,
                      const idl_diag *diag)
{
    gen_value *related = gen_set(item, "relatedLocations", gen_array(tree));
    for (const idl_note *note = diag->notes; note != NULL; note = note->next) {
        gen_value *location =
            gen_push(related, make_location(tree, path, note->span));
        gen_set(location, "message", make_text(tree, note->message));
    }
}

gen_value *gen_sarif_item(gen_tree *tree, const char *path,
                          const idl_diag *diag)
{
    gen_value *item = gen_object(tree);
    gen_set(item, "ruleId", gen_format(tree, "S%04d", (int)diag->code));
    gen_set(
        item, "level",
        gen_string(tree, diag->severity == IDL_ERROR ? "error" : "warning"));
    gen_set(item, "message", make_message(tree, diag));
    gen_value *locations = gen_set(item, "locations", gen_array(tree));
    gen_push(locations, make_location(tree, path, diag->span));
    if (diag->notes != NULL) {
        set_notes(tree, item, path, diag);
    }
    if (diag->fix != NULL && diag->span.source != NULL) {
        gen_value *fixes = gen_set(item, "fixes", gen_array(tree));
        gen_push(fixes, make_fix(tree, diag));
    }
    return item;
}

/* ---- rules ---- */

static gen_value *make_meaning(gen_tree *tree, idl_code code)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    gen_explain_meaning(code, &text);
    const char *chars = shmrpci_buf_text(&text);
    gen_value *meaning = make_text(tree, chars != NULL ? chars : "");
    shmrpci_buf_fini(&text);
    return meaning;
}

static gen_value *make_rule(gen_tree *tree, idl_code code)
{
    size_t len;
    const char *markdown = gen_explain(code, &len);
    gen_value *rule = gen_object(tree);
    gen_set(rule, "id", gen_format(tree, "S%04d", (int)code));
    gen_set(rule, "shortDescription", make_text(tree, gen_explain_title(code)));
    gen_set(rule, "fullDescription", make_meaning(tree, code));
    gen_value *help = gen_set(rule, "help", gen_object(tree));
    gen_set(help, "text", gen_string_n(tree, markdown, len));
    gen_set(help, "markdown", gen_string_n(tree, markdown, len));
    gen_value *config = gen_set(rule, "defaultConfiguration", gen_object(tree));
    gen_set(config, "level",
            gen_string(tree, gen_explain_severity(code) == IDL_ERROR
                                 ? "error"
                                 : "warning"));
    return rule;
}

static bool is_used(const gen_value *items, idl_code code)
{
    GEN_EACH(at, items)
    {
        idl_code used;
        if (gen_explain_parse(gen_text(at, "ruleId"), &used) && used == code) {
            return true;
        }
    }
    return false;
}

/* The rules to which the diagnostics belong. */
static gen_value *make_rules(gen_tree *tree, const gen_value *items)
{
    gen_value *rules = gen_array(tree);
    for (size_t i = 0; i < gen_explain_count(); i++) {
        idl_code code = gen_explain_code(i);
        if (is_used(items, code)) {
            gen_push(rules, make_rule(tree, code));
        }
    }
    return rules;
}

gen_value *gen_sarif_log(gen_tree *tree, gen_value *items)
{
    gen_value *log = gen_object(tree);
    gen_set(log, "$schema",
            gen_string(tree, "https://json.schemastore.org/sarif-2.1.0.json"));
    gen_set(log, "version", gen_string(tree, "2.1.0"));
    gen_value *runs = gen_set(log, "runs", gen_array(tree));
    gen_value *run = gen_push(runs, gen_object(tree));
    gen_value *tool = gen_set(run, "tool", gen_object(tree));
    gen_value *driver = gen_set(tool, "driver", gen_object(tree));
    gen_set(driver, "name", gen_string(tree, "shmrpcgen"));
    gen_set(driver, "rules", make_rules(tree, items));
    gen_set(run, "columnKind", gen_string(tree, "unicodeCodePoints"));
    gen_set(run, "results", items);
    return log;
}
