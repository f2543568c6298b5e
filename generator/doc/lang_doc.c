/*
 * The reference: services, then every type that they or the file refer to.
 *
 * A page has to be complete, so it also shows the imported types that the file
 * can reach, but nothing else of an imported file. Reachable types are found
 * first: types form a graph that may be recursive, so each imported record is
 * put into a queue once, and its fields are visited when its turn comes. The
 * file's own declarations are always shown.
 *
 * Then one object is filled for the templates of both languages, HTML and man.
 * Everything that a template would have to decide is decided here: flags that
 * say whether a list has entries, types as pieces of text, some of which are
 * links, names as short as the page allows.
 *
 * Text of a `.svc` is untrusted data for the page: it is cleaned here, and
 * escaped by the rules of the target language when a template prints it.
 */
#include "generator/doc/lang_doc.h"

#include <inttypes.h>
#include <string.h>

#include "idl/canonical.h"
#include "idl/option.h"

/* The imported declarations of one kind, and which of them were reached. The
 * file's own declarations are not in it. It is searched linearly. */
typedef struct imports {
    const idl_decl **decls;
    bool *reached;
    size_t count;
} imports;

/* The page while it is made. Everything is allocated in the tree's arena. The
 * tree records that memory ran out, so functions here need not check. */
typedef struct doc {
    gen_tree *tree;
    const idl_schema *schema;
    imports records;
    imports enums;
    imports aliases;
    const idl_record **queue; /* imported records whose fields have not been
                               * visited yet */
    size_t queue_count;
} doc;

/* ---- texts ---- */

/* A copy of the text without characters that are invalid in XML or have no
 * meaning on a page: control characters become spaces. */
static gen_value *clean_text(doc *d, const char *text, size_t len)
{
    char *copy = shmrpci_arena_strndup(&d->tree->arena, text, len);
    if (copy == NULL) {
        d->tree->out_of_memory = true;
        return gen_null(d->tree);
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)copy[i];
        copy[i] = c < 0x20 || c == 0x7f ? ' ' : copy[i];
    }
    /* U+FFFE and U+FFFF are not characters; U+FFFD replaces them. Sources are
     * UTF-8, so three bytes are there. */
    for (char *at = copy; (at = strstr(at, "\xef\xbf")) != NULL; at += 3) {
        at[2] = at[2] == '\xbe' || at[2] == '\xbf' ? '\xbd' : at[2];
    }
    return gen_string_n(d->tree, copy, len);
}

static gen_value *text_or_null(doc *d, const char *text)
{
    return text != NULL ? clean_text(d, text, strlen(text)) : gen_null(d->tree);
}

/* Returns the contents of the buffer, and releases it. */
static gen_value *buf_value(doc *d, shmrpci_buf *buf)
{
    const char *text = shmrpci_buf_text(buf);
    /* The buffer is on the heap and only fails when out of memory. */
    d->tree->out_of_memory |= text == NULL;
    gen_value *value =
        text != NULL ? clean_text(d, text, buf->len) : gen_null(d->tree);
    shmrpci_buf_fini(buf);
    return value;
}

/* A default or a constant as the language writes it. */
static gen_value *value_text(doc *d, const idl_value *value, idl_kind kind)
{
    if (value->kind == IDL_VALUE_NONE) {
        return gen_null(d->tree);
    }
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    idl_canonical_value(value, kind, &buf);
    return buf_value(d, &buf);
}

/* A duration in the largest unit that is exact, such as "5s"; null if it was
 * not set. */
static gen_value *duration_text(doc *d, int64_t ns)
{
    idl_value value = {.kind = IDL_VALUE_DURATION, .u = {.i = ns}};
    return ns > 0 ? value_text(d, &value, IDL_I64) : gen_null(d->tree);
}

/* ---- documentation ---- */

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t")] == '\0';
}

/* Documentation as paragraphs of lines; an empty line begins a new paragraph.
 * The text has no markup. */
static gen_value *paragraphs(doc *d, const idl_docs *docs)
{
    gen_value *list = gen_array(d->tree);
    gen_value *lines = NULL;
    for (size_t i = 0; i < docs->count; i++) {
        if (is_blank(docs->lines[i])) {
            lines = NULL;
            continue;
        }
        if (lines == NULL) {
            gen_value *paragraph = gen_push(list, gen_object(d->tree));
            lines = gen_set(paragraph, "lines", gen_array(d->tree));
        }
        gen_push(lines, text_or_null(d, docs->lines[i]));
    }
    return list;
}

/* Only http and https: a link with another scheme, such as `javascript:`, could
 * attack the reader. */
static gen_value *url_or_null(doc *d, const char *url)
{
    bool is_web = url != NULL && (strncmp(url, "https://", 8) == 0 ||
                                  strncmp(url, "http://", 7) == 0);
    return is_web ? text_or_null(d, url) : gen_null(d->tree);
}

/* Sets the members that declarations, fields and methods all have. */
static void set_meta(doc *d, gen_value *object, const idl_meta *meta)
{
    gen_set(object, "paragraphs", paragraphs(d, &meta->docs));
    gen_set(object, "deprecated", gen_bool(d->tree, meta->deprecated));
    gen_set(object, "deprecation", text_or_null(d, meta->deprecation));
    gen_set(object, "since",
            meta->since > 0 ? gen_uint(d->tree, meta->since)
                            : gen_null(d->tree));
    gen_set(object, "doc_url", url_or_null(d, meta->doc_url));
}

/* ---- names ---- */

/* The name of a declaration, without its package if that is the page's own. */
static const char *shown(const doc *d, const idl_decl *decl)
{
    return decl->package == d->schema->package ? decl->name : decl->full_name;
}

/* Adds an entry. Its anchor is the full name, which is unique on the page and
 * stays the same if declarations move. */
static gen_value *new_entry(doc *d, gen_value *list, const idl_decl *decl)
{
    gen_value *entry = gen_push(list, gen_object(d->tree));
    gen_set(entry, "name", gen_string(d->tree, shown(d, decl)));
    gen_set(entry, "anchor", gen_format(d->tree, "%s", decl->full_name));
    set_meta(d, entry, &decl->meta);
    return entry;
}

/* ---- reachable types ---- */

/* Marks an imported declaration; true if it was not marked before. The file's
 * own declarations are never in the list. */
static bool reach(imports *list, const idl_decl *decl)
{
    for (size_t i = 0; decl->imported && i < list->count; i++) {
        if (list->decls[i] == decl) {
            bool first = !list->reached[i];
            list->reached[i] = true;
            return first;
        }
    }
    return false;
}

/* A type knows only the name of its alias, since aliases are resolved. */
static void reach_alias(doc *d, const char *full_name)
{
    for (size_t i = 0; full_name != NULL && i < d->aliases.count; i++) {
        if (strcmp(d->aliases.decls[i]->full_name, full_name) == 0) {
            d->aliases.reached[i] = true;
        }
    }
}

/* Whether a declaration is on the page. The file's own are, even if nothing
 * refers to them. */
static bool is_shown(const imports *list, const idl_decl *decl)
{
    for (size_t i = 0; decl->imported && i < list->count; i++) {
        if (list->decls[i] == decl) {
            return list->reached[i];
        }
    }
    return !decl->imported;
}

static void reach_record(doc *d, const idl_record *record)
{
    if (reach(&d->records, &record->decl)) {
        d->queue[d->queue_count++] = record;
    }
}

/* Keys and elements of containers are visited recursively, records through the
 * queue, because they may refer to themselves. */
static void reach_type(doc *d, const idl_type *type)
{
    if (type == NULL) {
        return;
    }
    /* Both an alias and its target are on the page. */
    reach_alias(d, type->alias);
    if (type->enumeration != NULL) {
        (void)reach(&d->enums, &type->enumeration->decl);
    }
    if (type->record != NULL) {
        reach_record(d, type->record);
    }
    reach_type(d, type->key);
    reach_type(d, type->element);
}

static void reach_fields(doc *d, const idl_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        reach_type(d, fields[i].type);
    }
}

/* Types that the kind of object does not have are NULL. */
static void reach_shared(doc *d, const idl_shared *shared)
{
    reach_type(d, shared->key);
    reach_type(d, shared->element);
}

/* Reaches all types that a caller needs: parameters, results, items of streams,
 * errors, and the types of shared objects. */
static void reach_service(doc *d, const idl_service *service)
{
    for (size_t i = 0; i < service->method_count; i++) {
        const idl_method *method = &service->methods[i];
        reach_fields(d, method->params, method->param_count);
        reach_type(d, method->result);
        if (method->stream_param != NULL) {
            reach_type(d, method->stream_param->type);
        }
        for (size_t k = 0; k < method->throw_count; k++) {
            reach_record(d, method->throws[k]);
        }
    }
    for (size_t i = 0; i < service->shared_count; i++) {
        reach_shared(d, service->shared[i]);
    }
}

/* The file's own declarations are all on the page, so the types that they use
 * must be too. */
static void reach_own(doc *d)
{
    const idl_schema *s = d->schema;
    for (size_t i = 0; i < s->by_value_count; i++) {
        if (!s->by_value[i]->decl.imported) {
            reach_fields(d, s->by_value[i]->fields,
                         s->by_value[i]->field_count);
        }
    }
    for (size_t i = 0; i < s->alias_count; i++) {
        reach_type(d,
                   s->aliases[i]->decl.imported ? NULL : s->aliases[i]->type);
    }
    for (size_t i = 0; i < s->const_count; i++) {
        reach_type(d, s->consts[i]->decl.imported ? NULL : s->consts[i]->type);
    }
    for (size_t i = 0; i < s->shared_count; i++) {
        if (!s->shared[i]->decl.imported) {
            reach_shared(d, s->shared[i]);
        }
    }
    for (size_t i = 0; i < s->service_count; i++) {
        if (!s->services[i]->decl.imported) {
            reach_service(d, s->services[i]);
        }
    }
}

/* Allocates room for at most `max` declarations; false if out of memory. One
 * more than needed, because an empty allocation would look like a failure. */
static bool new_imports(doc *d, imports *list, size_t max)
{
    shmrpci_arena *arena = &d->tree->arena;
    list->decls = shmrpci_arena_calloc(arena, max + 1, sizeof *list->decls,
                                       sizeof *list->decls);
    list->reached = shmrpci_arena_calloc(arena, max + 1, 1, 1);
    return list->decls != NULL && list->reached != NULL;
}

/* Adds an imported declaration to the list, not yet marked as reached. Ignores
 * the file's own declarations. */
static void note_import(imports *list, const idl_decl *decl)
{
    if (decl->imported) {
        list->decls[list->count++] = decl;
    }
}

/* Finds the reached declarations of the three lists. The queue grows while it
 * is processed and holds each record once, so by_value_count entries are
 * enough. */
static bool find_reached(doc *d)
{
    const idl_schema *s = d->schema;
    d->queue = shmrpci_arena_calloc(&d->tree->arena, s->by_value_count + 1,
                                    sizeof *d->queue, sizeof *d->queue);
    if (d->queue == NULL || !new_imports(d, &d->records, s->by_value_count) ||
        !new_imports(d, &d->enums, s->enum_count) ||
        !new_imports(d, &d->aliases, s->alias_count)) {
        d->tree->out_of_memory = true;
        return false;
    }
    for (size_t i = 0; i < s->by_value_count; i++) {
        note_import(&d->records, &s->by_value[i]->decl);
    }
    for (size_t i = 0; i < s->enum_count; i++) {
        note_import(&d->enums, &s->enums[i]->decl);
    }
    for (size_t i = 0; i < s->alias_count; i++) {
        note_import(&d->aliases, &s->aliases[i]->decl);
    }
    reach_own(d);
    /* reach_fields may add to the queue. */
    for (size_t i = 0; i < d->queue_count; i++) {
        reach_fields(d, d->queue[i]->fields, d->queue[i]->field_count);
    }
    return true;
}

/* ---- types, as pieces of which some are links ---- */

/* Adds a piece of text; a link unless `anchor` is NULL. */
static void push_piece(doc *d, gen_value *list, const char *text,
                       const char *anchor)
{
    gen_value *piece = gen_push(list, gen_object(d->tree));
    gen_set(piece, "text", gen_string(d->tree, text));
    gen_set(piece, "anchor",
            anchor != NULL ? gen_string(d->tree, anchor) : gen_null(d->tree));
}

/* Appends bounds as the language writes them: `(1..256)`, `(..8)`, or `(16)`
 * for exactly one length. */
static void push_bounds(doc *d, gen_value *list, const idl_type *type)
{
    if (!type->has_min && !type->has_max) {
        return;
    }
    /* For types with a length the bounds are counts. */
    idl_kind kind = idl_kind_has_length(type->kind) ? IDL_U64 : type->kind;
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    shmrpci_buf_append_char(&buf, '(');
    /* Equal bounds of a float are written as a range. */
    bool one = type->has_min && type->has_max &&
               (idl_kind_is_float(kind) ? false : type->min.u == type->max.u);
    if (type->has_min) {
        idl_canonical_number(kind, type->min, &buf);
    }
    shmrpci_buf_append_text(&buf, one ? "" : "..");
    if (type->has_max && !one) {
        idl_canonical_number(kind, type->max, &buf);
    }
    shmrpci_buf_append_char(&buf, ')');
    push_piece(d, list, buf_value(d, &buf)->text, NULL);
}

/* The alias without its package, if that is the page's own. Only its full name
 * is known, so the package is compared as text. */
static const char *shown_alias(const doc *d, const char *full_name)
{
    const char *package = d->schema->package->name;
    size_t len = strlen(package);
    bool own = strncmp(full_name, package, len) == 0 && full_name[len] == '.' &&
               strchr(full_name + len + 1, '.') == NULL;
    return own ? full_name + len + 1 : full_name;
}

static void push_type(doc *d, gen_value *list, const idl_type *type);

/* Writes the innermost element type, then the lengths from the outermost to the
 * innermost, as declared. An alias ends the chain, because its name stands for
 * its own lengths. */
static void push_array(doc *d, gen_value *list, const idl_type *type)
{
    const idl_type *base = type;
    while (base->kind == IDL_ARRAY && base->alias == NULL) {
        base = base->element;
    }
    push_type(d, list, base);
    for (; type != base; type = type->element) {
        push_piece(d, list,
                   gen_format(d->tree, "[%" PRIu32 "]", type->length)->text,
                   NULL);
    }
}

static void push_plain_type(doc *d, gen_value *list, const idl_type *type)
{
    switch (type->kind) {
    case IDL_LIST:
        push_piece(d, list, "list<", NULL);
        push_type(d, list, type->element);
        push_piece(d, list, ">", NULL);
        break;
    case IDL_MAP:
        push_piece(d, list, "map<", NULL);
        push_type(d, list, type->key);
        push_piece(d, list, ", ", NULL);
        push_type(d, list, type->element);
        push_piece(d, list, ">", NULL);
        break;
    case IDL_ENUM:
        push_piece(d, list, shown(d, &type->enumeration->decl),
                   type->enumeration->decl.full_name);
        break;
    case IDL_STRUCT:
    case IDL_UNION:
        push_piece(d, list, shown(d, &type->record->decl),
                   type->record->decl.full_name);
        break;
    case IDL_ARRAY:
        push_array(d, list, type);
        return;
    case IDL_BOOL:
    case IDL_I8:
    case IDL_I16:
    case IDL_I32:
    case IDL_I64:
    case IDL_U8:
    case IDL_U16:
    case IDL_U32:
    case IDL_U64:
    case IDL_F32:
    case IDL_F64:
    case IDL_STRING:
    case IDL_BYTES:
    case IDL_ANY:
        push_piece(d, list, idl_kind_name(type->kind), NULL);
        break;
    }
    push_bounds(d, list, type);
}

/* Shows a type as the source names it. The target of an alias is shown only
 * where the page lists the alias. */
static void push_type(doc *d, gen_value *list, const idl_type *type)
{
    if (type->alias != NULL) {
        push_piece(d, list, shown_alias(d, type->alias), type->alias);
    } else {
        push_plain_type(d, list, type);
    }
}

/* The pieces of a type; null if there is no type, as for a method without a
 * result or an object without keys. */
static gen_value *type_pieces(doc *d, const idl_type *type)
{
    if (type == NULL) {
        return gen_null(d->tree);
    }
    gen_value *list = gen_array(d->tree);
    push_type(d, list, type);
    return list;
}

/* ---- fields and methods ---- */

/* Adds a row of a table; `tag` 0 marks the stream parameter. */
static void push_field(doc *d, gen_value *list, const idl_field *field)
{
    gen_value *row = gen_push(list, gen_object(d->tree));
    gen_set(row, "is_first", gen_bool(d->tree, list->len == 1));
    gen_set(row, "name", gen_string(d->tree, field->name));
    gen_set(row, "tag",
            field->tag > 0 ? gen_uint(d->tree, field->tag) : gen_null(d->tree));
    gen_set(row, "stream", gen_bool(d->tree, field->tag == 0));
    gen_set(row, "optional", gen_bool(d->tree, field->optional));
    gen_set(row, "type", type_pieces(d, field->type));
    gen_set(row, "default",
            value_text(d, &field->default_value, field->type->kind));
    set_meta(d, row, &field->meta);
}

/* The fields in the order of declaration, which may differ from that of their
 * numbers. */
static gen_value *fields_value(doc *d, const idl_field *fields, size_t count)
{
    gen_value *list = gen_array(d->tree);
    for (size_t i = 0; i < count; i++) {
        push_field(d, list, &fields[i]);
    }
    return list;
}

/* The HTTP verb and path; null for a method without @rest. */
static gen_value *rest_value(doc *d, const idl_rest *rest)
{
    if (rest->verb == NULL) {
        return gen_null(d->tree);
    }
    gen_value *object = gen_object(d->tree);
    gen_set(object, "verb", text_or_null(d, rest->verb));
    gen_set(object, "path", text_or_null(d, rest->path));
    return object;
}

static gen_value *throws_value(doc *d, const idl_method *method)
{
    gen_value *list = gen_array(d->tree);
    for (size_t i = 0; i < method->throw_count; i++) {
        const idl_record *error = method->throws[i];
        gen_value *row = gen_push(list, gen_object(d->tree));
        gen_set(row, "is_first", gen_bool(d->tree, i == 0));
        gen_set(row, "name", gen_string(d->tree, shown(d, &error->decl)));
        gen_set(row, "anchor", gen_string(d->tree, error->decl.full_name));
        gen_set(row, "number", gen_int(d->tree, error->number));
    }
    return list;
}

/* Limits and policies that aren't set are null; the template leaves them
 * out. */
static void push_method(doc *d, gen_value *list, const idl_method *method)
{
    gen_tree *tree = d->tree;
    gen_value *row = gen_push(list, gen_object(tree));
    gen_set(row, "name", gen_string(tree, method->name));
    gen_set(row, "anchor",
            gen_format(tree, "%s.%s", method->service->decl.full_name,
                       method->name));
    gen_set(row, "encoding",
            gen_string(tree, idl_encoding_name(method->encoding)));
    gen_set(row, "oneway", gen_bool(tree, method->oneway));
    gen_set(row, "idempotent", gen_bool(tree, method->idempotent));
    gen_set(row, "timeout", duration_text(d, method->timeout_ns));
    gen_set(row, "window",
            method->window_bytes != 0 ? gen_uint(tree, method->window_bytes)
                                      : gen_null(tree));
    gen_set(row, "idle", duration_text(d, method->idle_ns));
    gen_set(row, "attempts",
            method->attempts != 0 ? gen_uint(tree, method->attempts)
                                  : gen_null(tree));
    gen_set(row, "hedge", duration_text(d, method->hedge_ns));
    gen_set(row, "at_once",
            method->at_once != 0 ? gen_uint(tree, method->at_once)
                                 : gen_null(tree));
    gen_set(row, "rest", rest_value(d, &method->rest));
    gen_value *params = gen_set(
        row, "params", fields_value(d, method->params, method->param_count));
    /* The stream parameter is declared last, and so shown last. */
    if (method->stream_param != NULL) {
        push_field(d, params, method->stream_param);
    }
    gen_set(row, "has_params", gen_bool(tree, params->len > 0));
    gen_set(row, "result", type_pieces(d, method->result));
    gen_set(row, "has_result", gen_bool(tree, method->result != NULL));
    gen_set(row, "result_is_stream", gen_bool(tree, method->result_is_stream));
    gen_set(row, "throws", throws_value(d, method));
    gen_set(row, "has_throws", gen_bool(tree, method->throw_count > 0));
    set_meta(d, row, &method->meta);
}

/* ---- entries ---- */

/* The options that the source sets, and those whose default is not the usual
 * one for this object. */
static gen_value *options_of(doc *d, const idl_shared *shared)
{
    gen_value *list = gen_array(d->tree);
    for (size_t i = 0; i < IDL_OPTION_COUNT; i++) {
        const idl_option_row *row = idl_option_of(shared->kind, (idl_option)i);
        if (row == NULL || ((shared->given & 1u << i) == 0 &&
                            shared->options[i] == row->usual)) {
            continue;
        }
        shmrpci_buf text;
        gen_buf_init(d->tree, &text);
        idl_option_append(row, shared->options[i], &text);
        gen_value *option = gen_push(list, gen_object(d->tree));
        gen_set(option, "name", gen_ref(d->tree, row->name));
        gen_set(option, "value",
                gen_ref(d->tree, gen_buf_take(d->tree, &text)));
        gen_set(option, "is_first", gen_bool(d->tree, list->len == 1));
    }
    return list;
}

/* Adds an object, whether it is in a service or outside of any. */
static void push_shared(doc *d, gen_value *list, const idl_shared *shared)
{
    gen_value *row = new_entry(d, list, &shared->decl);
    gen_set(row, "sort", gen_ref(d->tree, idl_shared_kind_name(shared->kind)));
    gen_set(row, "key", type_pieces(d, shared->key));
    gen_set(row, "has_key", gen_bool(d->tree, shared->key != NULL));
    gen_set(row, "has_type", gen_bool(d->tree, shared->element != NULL));
    gen_set(row, "type", type_pieces(d, shared->element));
    gen_value *options = gen_set(row, "options", options_of(d, shared));
    gen_set(row, "has_options", gen_bool(d->tree, options->len > 0));
}

static void push_service(doc *d, gen_value *list, const idl_service *service)
{
    gen_value *row = new_entry(d, list, &service->decl);
    gen_set(row, "service_name", text_or_null(d, service->name));
    gen_set(row, "port", gen_uint(d->tree, service->port));
    gen_set(row, "version", gen_uint(d->tree, service->version));
    gen_set(row, "timeout", duration_text(d, service->timeout_ns));
    /* In source order, which the author chose. */
    gen_value *methods = gen_set(row, "methods", gen_array(d->tree));
    for (size_t i = 0; i < service->method_count; i++) {
        push_method(d, methods, &service->methods[i]);
    }
    gen_value *shared = gen_set(row, "shared", gen_array(d->tree));
    for (size_t i = 0; i < service->shared_count; i++) {
        push_shared(d, shared, service->shared[i]);
    }
}

/* Values of a u64 enum are stored as the same bits in an int64_t. */
static void push_enum(doc *d, gen_value *list, const idl_enum *enumeration)
{
    gen_value *row = new_entry(d, list, &enumeration->decl);
    gen_set(row, "base", gen_string(d->tree, idl_kind_name(enumeration->base)));
    gen_value *items = gen_set(row, "items", gen_array(d->tree));
    for (size_t i = 0; i < enumeration->item_count; i++) {
        const idl_enum_item *item = &enumeration->items[i];
        gen_value *entry = gen_push(items, gen_object(d->tree));
        gen_set(entry, "name", gen_string(d->tree, item->name));
        gen_set(entry, "value",
                enumeration->base == IDL_U64
                    ? gen_uint(d->tree, (uint64_t)item->value)
                    : gen_int(d->tree, item->value));
        set_meta(d, entry, &item->meta);
    }
}

/* Adds structs, unions or errors, each of which has a name and a list of
 * fields. */
static void push_records(doc *d, gen_value *root, const char *key,
                         const idl_record *const *records, size_t count)
{
    gen_value *list = gen_set(root, key, gen_array(d->tree));
    for (size_t i = 0; i < count; i++) {
        const idl_record *record = records[i];
        if (!is_shown(&d->records, &record->decl)) {
            continue;
        }
        gen_value *row = new_entry(d, list, &record->decl);
        gen_set(row, "number",
                record->kind == IDL_RECORD_ERROR
                    ? gen_int(d->tree, record->number)
                    : gen_null(d->tree));
        gen_set(row, "compact", gen_bool(d->tree, record->compact));
        gen_set(row, "has_fields", gen_bool(d->tree, record->field_count > 0));
        gen_set(row, "fields",
                fields_value(d, record->fields, record->field_count));
    }
}

/* Constants of imported files are not shown: wherever they are used, their
 * values are shown. */
static void push_values(doc *d, gen_value *root)
{
    const idl_schema *s = d->schema;
    gen_value *enums = gen_set(root, "enums", gen_array(d->tree));
    for (size_t i = 0; i < s->enum_count; i++) {
        if (is_shown(&d->enums, &s->enums[i]->decl)) {
            push_enum(d, enums, s->enums[i]);
        }
    }
    gen_value *aliases = gen_set(root, "aliases", gen_array(d->tree));
    for (size_t i = 0; i < s->alias_count; i++) {
        if (is_shown(&d->aliases, &s->aliases[i]->decl)) {
            gen_value *row = new_entry(d, aliases, &s->aliases[i]->decl);
            gen_set(row, "type", type_pieces(d, s->aliases[i]->type));
        }
    }
    gen_value *consts = gen_set(root, "consts", gen_array(d->tree));
    for (size_t i = 0; i < s->const_count; i++) {
        const idl_const *constant = s->consts[i];
        if (!constant->decl.imported) {
            gen_value *row = new_entry(d, consts, &constant->decl);
            gen_set(row, "type", type_pieces(d, constant->type));
            gen_set(row, "value",
                    value_text(d, &constant->value, constant->type->kind));
        }
    }
    gen_value *shared = gen_set(root, "shared", gen_array(d->tree));
    for (size_t i = 0; i < s->shared_count; i++) {
        if (!s->shared[i]->decl.imported) {
            push_shared(d, shared, s->shared[i]);
        }
    }
}

/* ---- the whole page ------------------------------------------------------ */

/* The names of the page's lists in templates. */
static const char *const lists[] = {"services", "structs", "unions", "enums",
                                    "errors",   "aliases", "consts", "shared"};

/* Sets `has_X` for each list: templates can't test whether a list is empty, and
 * a title is printed only if there are entries. */
static void set_flags(doc *d, gen_value *root)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const gen_value *list = gen_get(root, lists[i], strlen(lists[i]));
        gen_set(root, gen_format(d->tree, "has_%s", lists[i])->text,
                gen_bool(d->tree, list != NULL && list->len > 0));
    }
}

/* Upper-case text for the header line of a manual page. Converts only ASCII
 * letters, because names have no others. */
static gen_value *upper(doc *d, const char *text)
{
    char *copy = shmrpci_arena_strndup(&d->tree->arena, text, strlen(text));
    for (char *at = copy; at != NULL && *at != '\0'; at++) {
        *at = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
    }
    d->tree->out_of_memory |= copy == NULL;
    return text_or_null(d, copy);
}

/* If the file has a single service, the page is named after it, else after the
 * file. */
static void set_head(doc *d, gen_value *object, const char *stem)
{
    const idl_schema *s = d->schema;
    const idl_service *only = NULL;
    size_t count = 0;
    for (size_t i = 0; i < s->service_count; i++) {
        if (!s->services[i]->decl.imported) {
            only = s->services[i];
            count++;
        }
    }
    const char *title = count == 1 ? only->decl.name : stem;
    gen_set(object, "title", gen_string(d->tree, title));
    gen_set(object, "title_upper", upper(d, title));
    gen_set(object, "package", gen_string(d->tree, s->package->name));
    /* The line below the title is the first line of the documentation. */
    const idl_docs *docs = count == 1 && only->decl.meta.docs.count > 0
                               ? &only->decl.meta.docs
                               : &s->package->docs;
    const char *about = docs->count > 0 ? docs->lines[0] : NULL;
    gen_set(object, "about",
            about != NULL && !is_blank(about)
                ? text_or_null(d, about)
                : gen_format(d->tree, "interface %s", s->package->name));
    gen_set(object, "paragraphs", paragraphs(d, &s->package->docs));
}

void gen_doc_begin(gen_model *m, gen_value *root)
{
    doc d = {.tree = m->tree, .schema = m->schema};
    /* The head needs no lists, so it is set even if memory runs out later. */
    gen_value *object = gen_set(root, "doc", gen_object(m->tree));
    set_head(&d, object, gen_text(root, "stem"));
    if (!find_reached(&d)) {
        return;
    }
    gen_value *services = gen_set(object, "services", gen_array(m->tree));
    for (size_t i = 0; i < m->schema->service_count; i++) {
        if (!m->schema->services[i]->decl.imported) {
            push_service(&d, services, m->schema->services[i]);
        }
    }
    push_records(&d, object, "structs", m->schema->structs,
                 m->schema->struct_count);
    push_records(&d, object, "unions", m->schema->unions,
                 m->schema->union_count);
    push_records(&d, object, "errors", m->schema->errors,
                 m->schema->error_count);
    push_values(&d, object);
    set_flags(&d, object);
}

void gen_doc_refuse(const idl_schema *schema, idl_diags *diags)
{
    (void)schema;
    (void)diags;
}
