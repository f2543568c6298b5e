/* Annotations: one row each in the table, one function to unpack them. */
#include "idl/annotate.h"

#include <inttypes.h>
#include <string.h>

#include "base/nearest.h"
#include "idl/cname.h"
#include "idl/explore.h"
#include "idl/limits.h"

#define ON_ALL      0xFFF
#define ON_DECLARED (ON_ALL & ~IDL_ON_PACKAGE)
#define MAX_ARGS    4

typedef enum annotation_id {
    DOC,
    SINCE,
    DEPRECATED,
    IDEMPOTENT,
    TIMEOUT,
    WINDOW,
    IDLE,
    RETRY,
    HEDGE,
    LIMIT,
    TYPES,
    REST,
    HTTP,
    COMPACT,
    JSON,
    C_PREFIX,
    C_NAME,
    ALLOW
} annotation_id;

typedef struct param_row {
    const char *name;
    idl_value_kind kind;
    bool optional;
} param_row;

typedef struct annotation_row {
    annotation_id id;
    const char *name;
    int targets;
    const char *usage; /* how the annotation is written, for messages */
    param_row params[MAX_ARGS];
} annotation_row;

/* clang-format off */
static const annotation_row rows[] = {
    {DOC,        "doc",        ON_ALL,       "@doc(\"https://...\")", {{"url", IDL_VALUE_TEXT, false}}},
    {SINCE,      "since",      ON_DECLARED,  "@since(2)",             {{"version", IDL_VALUE_UINT, false}}},
    {DEPRECATED, "deprecated", ON_DECLARED,  "@deprecated or @deprecated(\"why\")", {{"reason", IDL_VALUE_TEXT, true}}},
    {IDEMPOTENT, "idempotent", IDL_ON_METHOD, "@idempotent",          {{NULL, IDL_VALUE_NONE, false}}},
    {TIMEOUT,    "timeout",    IDL_ON_METHOD | IDL_ON_SERVICE, "@timeout(2s)", {{"after", IDL_VALUE_DURATION, false}}},
    {WINDOW,     "window",     IDL_ON_METHOD, "@window(1M)",          {{"bytes", IDL_VALUE_UINT, false}}},
    {IDLE,       "idle",       IDL_ON_METHOD, "@idle(30s)",           {{"after", IDL_VALUE_DURATION, false}}},
    {RETRY,      "retry",      IDL_ON_METHOD, "@retry(attempts: 3, backoff: 10ms)", {{"attempts", IDL_VALUE_UINT, false}, {"backoff", IDL_VALUE_DURATION, false}}},
    {HEDGE,      "hedge",      IDL_ON_METHOD, "@hedge(after: 20ms)",  {{"after", IDL_VALUE_DURATION, false}}},
    {LIMIT,      "limit",      IDL_ON_METHOD, "@limit(at_once: 4)",   {{"at_once", IDL_VALUE_UINT, false}}},
    {TYPES,      "types",      IDL_ON_METHOD, "@types(python)",       {{"of", IDL_VALUE_WORD, false}}},
    {REST,       "rest",       IDL_ON_METHOD, "@rest(GET, \"/path/{parameter}\")", {{"verb", IDL_VALUE_WORD, false}, {"path", IDL_VALUE_TEXT, false}}},
    {HTTP,       "http",       IDL_ON_ERROR,  "@http(404)",           {{"status", IDL_VALUE_UINT, false}}},
    {COMPACT,    "compact",    IDL_ON_STRUCT | IDL_ON_UNION | IDL_ON_ERROR, "@compact", {{NULL, IDL_VALUE_NONE, false}}},
    {JSON,       "json",       IDL_ON_FIELD,  "@json(string)",        {{"as", IDL_VALUE_WORD, false}}},
    {C_PREFIX,   "c_prefix",   IDL_ON_PACKAGE | IDL_ON_SERVICE, "@c_prefix(\"fts\")", {{"prefix", IDL_VALUE_TEXT, false}}},
    {C_NAME,     "c_name",     ON_DECLARED,   "@c_name(\"name\")",    {{"name", IDL_VALUE_TEXT, false}}},
    {ALLOW,      "allow",      ON_DECLARED,   "@allow(S1003) with up to four codes of lint", {{"code", IDL_VALUE_WORD, false}, {"second", IDL_VALUE_WORD, true}, {"third", IDL_VALUE_WORD, true}, {"fourth", IDL_VALUE_WORD, true}}},
};
/* clang-format on */

#define ROW_COUNT (sizeof rows / sizeof rows[0])

static const annotation_row *find_row(const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

bool idl_explore_annotation(size_t index, const char **name, const char **usage)
{
    if (index >= ROW_COUNT) {
        return false;
    }
    *name = rows[index].name;
    *usage = rows[index].usage;
    return true;
}

static void report_unknown(idl_resolver *r, const ast_annotation *annotation)
{
    shmrpci_nearest nearest = {.wanted = annotation->name.text};
    for (size_t i = 0; i < ROW_COUNT; i++) {
        shmrpci_nearest_offer(&nearest, rows[i].name);
    }
    idl_diag *diag =
        idl_report(r->diags, IDL_S_UNKNOWN_ANNOTATION, annotation->span,
                   "unknown annotation `@%s`", annotation->name.text);
    if (nearest.best != NULL) {
        idl_suggest(r->diags, diag, idl_printf(r->memory, "@%s", nearest.best));
    }
}

/* ---- arguments ---- */

/* The value of an argument as written: a word is not looked up as a
 * constant. */
static idl_value value_of(const ast_value *ast)
{
    idl_value value = {.kind = IDL_VALUE_NONE, .span = ast->span};
    switch (ast->kind) {
    case AST_VALUE_INT:
        value.kind = ast->negative ? IDL_VALUE_INT : IDL_VALUE_UINT;
        value.u.u = ast->negative ? 0 - ast->u.magnitude : ast->u.magnitude;
        break;
    case AST_VALUE_FLOAT:
        value.kind = IDL_VALUE_FLOAT;
        value.u.f = ast->u.f;
        break;
    case AST_VALUE_TEXT:
        value.kind = IDL_VALUE_TEXT;
        value.u.text = ast->u.text;
        break;
    case AST_VALUE_DURATION:
        value.kind = IDL_VALUE_DURATION;
        value.u.i = ast->u.duration_ns;
        break;
    case AST_VALUE_BOOL:
        value.kind = IDL_VALUE_BOOL;
        value.u.b = ast->u.b;
        break;
    case AST_VALUE_PATH:
        value.kind = IDL_VALUE_WORD;
        value.u.text =
            (idl_text){.ptr = ast->u.path, .len = strlen(ast->u.path)};
        break;
    }
    return value;
}

static const char *word_of(const idl_value *value)
{
    return value->u.text.ptr;
}

static bool report_args(idl_resolver *r, const annotation_row *row,
                        idl_span span, const char *what)
{
    idl_diag *diag = idl_report(r->diags, IDL_S_ANNOTATION_ARGS, span,
                                "%s of `@%s`", what, row->name);
    idl_expected(r->diags, diag, "%s", row->usage);
    return false;
}

/* The index of the parameter that an argument is for, or MAX_ARGS if there is
 * none. */
static size_t param_index(const annotation_row *row, const ast_arg *arg,
                          size_t position)
{
    for (size_t i = 0; i < MAX_ARGS && row->params[i].name != NULL; i++) {
        if (arg->name.text == NULL
                ? i == position
                : strcmp(arg->name.text, row->params[i].name) == 0) {
            return i;
        }
    }
    return MAX_ARGS;
}

/* Texts are used as C strings, so one with a NUL inside is refused. */
static bool is_of_kind(const idl_value *value, idl_value_kind kind)
{
    return value->kind == kind &&
           (kind != IDL_VALUE_TEXT ||
            strlen(value->u.text.ptr) == value->u.text.len);
}

/* Stores the arguments in the order of the parameters. */
static bool take_args(idl_resolver *r, const annotation_row *row,
                      const ast_annotation *annotation, idl_value *values)
{
    size_t position = 0;
    AST_EACH(ast_arg, arg, annotation->args)
    {
        size_t i = param_index(row, arg, position++);
        if (i == MAX_ARGS || values[i].kind != IDL_VALUE_NONE) {
            return report_args(r, row, arg->value->span, "unexpected argument");
        }
        values[i] = value_of(arg->value);
        if (!is_of_kind(&values[i], row->params[i].kind)) {
            return report_args(r, row, arg->value->span, "bad argument");
        }
    }
    for (size_t i = 0; i < MAX_ARGS && row->params[i].name != NULL; i++) {
        if (values[i].kind == IDL_VALUE_NONE && !row->params[i].optional) {
            return report_args(r, row, annotation->span, "missing argument");
        }
    }
    return true;
}

/* ---- meanings ---- */

static bool is_verb(const char *word)
{
    static const char *const verbs[] = {"GET", "POST", "PUT", "PATCH",
                                        "DELETE"};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static void take_rest(idl_resolver *r, const annotation_row *row,
                      const idl_value *values, idl_annotated *extra)
{
    if (!is_verb(word_of(&values[0]))) {
        idl_diag *diag = idl_report(r->diags, IDL_S_BAD_REST, values[0].span,
                                    "unknown verb `%s`", word_of(&values[0]));
        idl_expected(r->diags, diag, "GET, POST, PUT, PATCH or DELETE");
        return;
    }
    if (values[1].u.text.len == 0 || values[1].u.text.ptr[0] != '/') {
        idl_diag *diag = idl_report(r->diags, IDL_S_BAD_REST, values[1].span,
                                    "the path must begin with `/`");
        idl_expected(r->diags, diag, "%s", row->usage);
        return;
    }
    extra->rest =
        (idl_rest){.verb = word_of(&values[0]), .path = values[1].u.text.ptr};
}

/* Reads the duration of @timeout, @idle or @hedge. */
static void take_time(idl_resolver *r, const annotation_row *row,
                      const idl_value *value, int64_t *out)
{
    if (value->u.i <= 0 || value->u.i > IDL_MAX_TIMEOUT_NS) {
        (void)report_args(r, row, value->span,
                          "argument out of range (over 0, at most 24h)");
        return;
    }
    *out = value->u.i;
}

static void take_window(idl_resolver *r, const annotation_row *row,
                        const idl_value *value, idl_annotated *extra)
{
    if (value->u.u < IDL_MIN_WINDOW_BYTES ||
        value->u.u > IDL_MAX_WINDOW_BYTES) {
        (void)report_args(r, row, value->span,
                          "argument out of range (4K to 64M)");
        return;
    }
    extra->window_bytes = (uint32_t)value->u.u;
}

static void take_retry(idl_resolver *r, const annotation_row *row,
                       const idl_value *values, idl_annotated *extra)
{
    if (values[0].u.u < 2 || values[0].u.u > IDL_MAX_ATTEMPTS) {
        (void)report_args(r, row, values[0].span,
                          "argument out of range (2 to 10 attempts)");
        return;
    }
    extra->attempts = (uint32_t)values[0].u.u;
    take_time(r, row, &values[1], &extra->backoff_ns);
}

static void take_limit(idl_resolver *r, const annotation_row *row,
                       const idl_value *value, idl_annotated *extra)
{
    if (value->u.u == 0 || value->u.u > IDL_MAX_AT_ONCE) {
        (void)report_args(r, row, value->span,
                          "argument out of range (1 to 64 calls)");
        return;
    }
    extra->at_once = (uint32_t)value->u.u;
}

static void take_types(idl_resolver *r, const annotation_row *row,
                       const idl_value *value, idl_annotated *extra)
{
    if (strcmp(word_of(value), "python") != 0) {
        (void)report_args(r, row, value->span, "unknown language");
        return;
    }
    extra->python_types = true;
}

static void take_since(idl_resolver *r, const annotation_row *row,
                       const idl_value *value, idl_meta *meta)
{
    if (value->u.u == 0 || value->u.u > UINT32_MAX) {
        (void)report_args(r, row, value->span, "bad version in the argument");
        return;
    }
    meta->since = (uint32_t)value->u.u;
}

static void take_http(idl_resolver *r, const annotation_row *row,
                      const idl_value *value, idl_annotated *extra)
{
    if (value->u.u < IDL_MIN_HTTP_ERROR || value->u.u > IDL_MAX_HTTP_ERROR) {
        (void)report_args(r, row, value->span,
                          "argument out of range (HTTP status 400 to 599)");
        return;
    }
    extra->http = (uint32_t)value->u.u;
}

static void take_json(idl_resolver *r, const annotation_row *row,
                      const idl_value *value, idl_annotated *extra)
{
    if (strcmp(word_of(value), "string") != 0) {
        (void)report_args(r, row, value->span, "bad argument");
        return;
    }
    extra->json_string = true;
}

static const char *take_c_name(idl_resolver *r, const idl_value *value)
{
    if (!idl_cname_is_valid(value->u.text.ptr)) {
        idl_diag *diag =
            idl_report(r->diags, IDL_S_BAD_C_NAME, value->span,
                       "`%s` can't be used as a name in C", value->u.text.ptr);
        idl_expected(r->diags, diag,
                     "letters, digits and single underscores between them");
        return NULL;
    }
    return value->u.text.ptr;
}

/* @allow takes only codes of advice: errors can't be allowed. */
static void check_allow(idl_resolver *r, const annotation_row *row,
                        const idl_value *values)
{
    for (size_t i = 0; i < MAX_ARGS && values[i].kind != IDL_VALUE_NONE; i++) {
        idl_code code;
        if (!idl_code_parse(word_of(&values[i]), &code) ||
            !idl_code_is_advice(code)) {
            (void)report_args(r, row, values[i].span, "unknown code");
        }
    }
}

static void unpack(idl_resolver *r, const annotation_row *row,
                   const idl_value *values, idl_meta *meta,
                   idl_annotated *extra)
{
    switch (row->id) {
    case DOC:
        meta->doc_url = values[0].u.text.ptr;
        break;
    case SINCE:
        take_since(r, row, &values[0], meta);
        break;
    case DEPRECATED:
        meta->deprecated = true;
        meta->deprecation =
            values[0].kind != IDL_VALUE_NONE ? values[0].u.text.ptr : NULL;
        break;
    case IDEMPOTENT:
        extra->idempotent = true;
        break;
    case TIMEOUT:
        take_time(r, row, &values[0], &extra->timeout_ns);
        break;
    case WINDOW:
        take_window(r, row, &values[0], extra);
        break;
    case IDLE:
        take_time(r, row, &values[0], &extra->idle_ns);
        break;
    case RETRY:
        take_retry(r, row, values, extra);
        break;
    case HEDGE:
        take_time(r, row, &values[0], &extra->hedge_ns);
        break;
    case LIMIT:
        take_limit(r, row, &values[0], extra);
        break;
    case TYPES:
        take_types(r, row, &values[0], extra);
        break;
    case REST:
        take_rest(r, row, values, extra);
        break;
    case HTTP:
        take_http(r, row, &values[0], extra);
        break;
    case COMPACT:
        extra->compact = true;
        break;
    case JSON:
        take_json(r, row, &values[0], extra);
        break;
    case C_PREFIX:
        extra->c_prefix = take_c_name(r, &values[0]);
        meta->c_prefix = extra->c_prefix;
        break;
    case C_NAME:
        meta->c_name = take_c_name(r, &values[0]);
        break;
    case ALLOW:
        check_allow(r, row, values);
        break;
    }
}

/* ---- all of a declaration ---- */

static void copy_annotation(idl_resolver *r, const ast_annotation *ast,
                            idl_annotation *out)
{
    idl_annotation_arg *args =
        IDL_NEW_ARRAY(r->memory, ast->args.count + 1, idl_annotation_arg);
    *out = (idl_annotation){.name = ast->name.text,
                            .args = args,
                            .arg_count = ast->args.count,
                            .span = ast->span};
    AST_EACH(ast_arg, arg, ast->args)
    {
        *args++ = (idl_annotation_arg){.name = arg->name.text,
                                       .value = value_of(arg->value)};
    }
}

static void report_place(idl_resolver *r, const annotation_row *row,
                         idl_span span)
{
    (void)idl_report(r->diags, IDL_S_ANNOTATION_PLACE, span,
                     "`@%s` is not allowed here", row->name);
}

static void take_annotation(idl_resolver *r, const ast_annotation *annotation,
                            idl_target target, const ast_annotation **seen,
                            idl_meta *meta, idl_annotated *extra)
{
    const annotation_row *row = find_row(annotation->name.text);
    if (row == NULL) {
        report_unknown(r, annotation);
        return;
    }
    if ((row->targets & (int)target) == 0) {
        report_place(r, row, annotation->span);
        return;
    }
    if (seen[row->id] != NULL) {
        idl_diag *diag =
            idl_report(r->diags, IDL_S_ANNOTATION_TWICE, annotation->span,
                       "`@%s` is given twice", row->name);
        idl_add_note(r->diags, diag, seen[row->id]->span, "first given here");
        return;
    }
    seen[row->id] = annotation;
    idl_value values[MAX_ARGS] = {{.kind = IDL_VALUE_NONE}};
    idl_annotated unused = {.compact = false};
    extra = extra != NULL ? extra : &unused;
    if (take_args(r, row, annotation, values)) {
        extra->span = annotation->span;
        unpack(r, row, values, meta, extra);
    }
}

static void copy_docs(idl_resolver *r, const ast_pre *pre, idl_meta *meta)
{
    const char **lines =
        IDL_NEW_ARRAY(r->memory, pre->docs.count + 1, const char *);
    meta->docs.lines = lines;
    meta->docs.count = pre->docs.count;
    AST_EACH(ast_doc, doc, pre->docs)
    {
        *lines++ = doc->line;
    }
}

void idl_annotate(idl_resolver *r, const ast_pre *pre, idl_target target,
                  idl_meta *meta, idl_annotated *extra)
{
    const ast_annotation *seen[ROW_COUNT] = {NULL};
    size_t count = pre->annotations.count;
    idl_annotation *copies =
        IDL_NEW_ARRAY(r->memory, count + 1, idl_annotation);
    copy_docs(r, pre, meta);
    meta->annotations = copies;
    meta->annotation_count = count;
    AST_EACH(ast_annotation, annotation, pre->annotations)
    {
        copy_annotation(r, annotation, copies++);
        take_annotation(r, annotation, target, seen, meta, extra);
    }
}
