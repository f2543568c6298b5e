/* Builds the syntax tree. */
#include "idl/syntax/ast.h"

#include <string.h>

#include "grammar.h"
#include "idl/limits.h"
#include "idl/syntax/literal.h"

static ast_list append(ast_list list, ast_link *link)
{
    if (list.last != NULL) {
        list.last->next = link;
    } else {
        list.first = link;
    }
    list.last = link;
    list.count++;
    return list;
}

void ast_file_end(ast_builder *b, ast_list decls)
{
    b->file->decls = decls;
}

ast_list ast_empty(void)
{
    return (ast_list){.first = NULL};
}

ast_list ast_decl_add(ast_list list, const ast_pre *pre, ast_decl *decl)
{
    decl->pre = pre;
    return append(list, &decl->link);
}

/* ---- names ---- */

ast_name ast_identifier(ast_builder *b, idl_token token)
{
    return (ast_name){.text = idl_strndup(b->memory,
                                          b->source->text + token.span.begin,
                                          token.span.end - token.span.begin),
                      .span = token.span};
}

ast_name ast_path_join(ast_builder *b, ast_name path, idl_token token)
{
    idl_span span = idl_span_join(path.span, token.span);
    if (span.end - span.begin > IDL_MAX_PATH_BYTES) {
        idl_diag *diag =
            idl_report(b->diags, IDL_S_BAD_NAME, path.span,
                       "the name has %u bytes", span.end - span.begin);
        idl_expected(b->diags, diag, "at most %d", IDL_MAX_PATH_BYTES);
        ast_name last = ast_identifier(b, token);
        (void)idl_map_put(&b->file->lost, b->memory, last.text, b->file);
        return (ast_name){.text = last.text, .span = span};
    }
    return (ast_name){.text =
                          idl_printf(b->memory, "%s.%.*s", path.text,
                                     (int)(token.span.end - token.span.begin),
                                     b->source->text + token.span.begin),
                      .span = span};
}

ast_name ast_no_name(void)
{
    return (ast_name){.text = NULL};
}

/* ---- annotations and documentation ---- */

/* Most fields have neither documentation nor annotations: they share one
 * object. */
const ast_pre *ast_pre_make(ast_builder *b, ast_list docs, ast_list annotations)
{
    static const ast_pre none = {.docs = {.count = 0}};
    if (docs.count == 0 && annotations.count == 0) {
        return &none;
    }
    ast_pre *pre = IDL_NEW(b->memory, ast_pre);
    pre->docs = docs;
    pre->annotations = annotations;
    return pre;
}

ast_list ast_doc_add(ast_builder *b, ast_list list, idl_token token)
{
    const char *line = b->source->text + token.span.begin + strlen("///");
    const char *end = b->source->text + token.span.end;
    line += line < end && *line == ' ';
    while (end > line && (end[-1] == '\r' || end[-1] == ' ')) {
        end--;
    }
    ast_doc *doc = IDL_NEW(b->memory, ast_doc);
    doc->line = idl_strndup(b->memory, line, (size_t)(end - line));
    return append(list, &doc->link);
}

ast_list ast_annotation_add(ast_builder *b, ast_list list, idl_token at,
                            idl_token name, ast_list args)
{
    ast_annotation *annotation = IDL_NEW(b->memory, ast_annotation);
    annotation->name = ast_identifier(b, name);
    annotation->args = args;
    annotation->span = idl_span_join(at.span, name.span);
    return append(list, &annotation->link);
}

ast_list ast_arg_add(ast_builder *b, ast_list list, ast_name name,
                     const ast_value *value)
{
    ast_arg *arg = IDL_NEW(b->memory, ast_arg);
    arg->name = name;
    arg->value = value;
    return append(list, &arg->link);
}

/* ---- values ---- */

idl_token ast_no_token(void)
{
    return (idl_token){.kind = 0};
}

static ast_value *new_value(ast_builder *b, ast_value_kind kind, idl_span span)
{
    ast_value *value = IDL_NEW(b->memory, ast_value);
    value->kind = kind;
    value->span = span;
    return value;
}

static idl_span with_minus(idl_token minus, idl_token token)
{
    return minus.kind != 0 ? idl_span_join(minus.span, token.span) : token.span;
}

ast_value *ast_int(ast_builder *b, idl_token minus, idl_token token)
{
    ast_value *value = new_value(b, AST_VALUE_INT, with_minus(minus, token));
    value->u.magnitude = idl_literal_integer(b->diags, token.span);
    value->negative = minus.kind != 0 && value->u.magnitude != 0;
    return value;
}

ast_value *ast_float(ast_builder *b, idl_token minus, idl_token token)
{
    ast_value *value = new_value(b, AST_VALUE_FLOAT, with_minus(minus, token));
    double magnitude = idl_literal_float(b->diags, token.span);
    value->u.f = minus.kind != 0 ? -magnitude : magnitude;
    return value;
}

ast_value *ast_text(ast_builder *b, idl_token token)
{
    ast_value *value = new_value(b, AST_VALUE_TEXT, token.span);
    value->u.text = idl_literal_text(b->diags, token.span);
    return value;
}

ast_value *ast_duration(ast_builder *b, idl_token token)
{
    ast_value *value = new_value(b, AST_VALUE_DURATION, token.span);
    value->u.duration_ns = idl_literal_duration(b->diags, token.span);
    return value;
}

ast_value *ast_bool(ast_builder *b, idl_token token)
{
    ast_value *value = new_value(b, AST_VALUE_BOOL, token.span);
    value->u.b = token.kind == TK_TRUE;
    return value;
}

ast_value *ast_path_value(ast_builder *b, ast_name path)
{
    ast_value *value = new_value(b, AST_VALUE_PATH, path.span);
    value->u.path = path.text;
    return value;
}

/* ---- types ---- */

ast_type *ast_type_name(ast_builder *b, ast_name name, ast_bound *bound,
                        ast_list dims)
{
    ast_type *type = IDL_NEW(b->memory, ast_type);
    type->kind = AST_TYPE_NAME;
    type->name = name;
    type->bound = bound;
    type->dims = dims;
    type->span = name.span;
    return type;
}

ast_type *ast_type_generic(ast_builder *b, idl_token word, ast_type *key,
                           ast_type *element, ast_bound *bound, ast_list dims)
{
    ast_type *type = IDL_NEW(b->memory, ast_type);
    type->kind = word.kind == TK_MAP ? AST_TYPE_MAP : AST_TYPE_LIST;
    type->key = key;
    type->element = element;
    type->bound = bound;
    type->dims = dims;
    type->span = word.span;
    return type;
}

ast_bound *ast_bound_make(ast_builder *b, idl_token open, const ast_value *min,
                          const ast_value *max, idl_token close)
{
    ast_bound *bound = IDL_NEW(b->memory, ast_bound);
    bound->min = min;
    bound->max = max;
    bound->span = idl_span_join(open.span, close.span);
    return bound;
}

ast_list ast_dim_add(ast_builder *b, ast_list list, const ast_value *length)
{
    ast_dim *dim = IDL_NEW(b->memory, ast_dim);
    dim->length = length;
    return append(list, &dim->link);
}

/* ---- members ---- */

ast_body *ast_body_make(ast_builder *b)
{
    return IDL_NEW(b->memory, ast_body);
}

ast_body *ast_body_field(ast_body *body, const ast_pre *pre, ast_field *field)
{
    field->pre = pre;
    body->items = append(body->items, &field->link);
    return body;
}

ast_body *ast_body_enum_item(ast_builder *b, ast_body *body, const ast_pre *pre,
                             idl_token name, const ast_value *value)
{
    ast_enum_item *item = IDL_NEW(b->memory, ast_enum_item);
    item->pre = pre;
    item->name = ast_identifier(b, name);
    item->value = value;
    body->items = append(body->items, &item->link);
    return body;
}

ast_body *ast_body_reserve(ast_body *body, ast_list reserved)
{
    if (body->reserved.last != NULL) {
        body->reserved.last->next = reserved.first;
        body->reserved.last = reserved.last;
        body->reserved.count += reserved.count;
    } else {
        body->reserved = reserved;
    }
    return body;
}

ast_body *ast_body_option(ast_builder *b, ast_body *body, idl_token name,
                          const ast_value *value)
{
    ast_option *option = IDL_NEW(b->memory, ast_option);
    option->name = ast_identifier(b, name);
    option->value = value;
    body->items = append(body->items, &option->link);
    return body;
}

ast_list ast_reserved_add(ast_builder *b, ast_list list, const ast_value *first,
                          const ast_value *last)
{
    ast_reserved *reserved = IDL_NEW(b->memory, ast_reserved);
    reserved->first = first;
    reserved->last = last;
    return append(list, &reserved->link);
}

ast_field *ast_field_make(ast_builder *b, const ast_value *tag, idl_token opt,
                          const ast_type *type, idl_token name,
                          const ast_value *default_value)
{
    ast_field *field = IDL_NEW(b->memory, ast_field);
    field->tag = tag;
    field->optional = opt.kind != 0;
    field->type = type;
    field->name = ast_identifier(b, name);
    field->default_value = default_value;
    return field;
}

ast_field *ast_field_stream(ast_builder *b, const ast_type *type,
                            idl_token name)
{
    ast_field *field =
        ast_field_make(b, NULL, ast_no_token(), type, name, NULL);
    field->stream = true;
    return field;
}

ast_list ast_param_add(ast_builder *b, ast_list list, ast_list annotations,
                       ast_field *field)
{
    field->pre = ast_pre_make(b, ast_empty(), annotations);
    return append(list, &field->link);
}

/* ---- declarations ---- */

static ast_decl *new_decl(ast_builder *b, ast_decl_kind kind, idl_token word)
{
    ast_decl *decl = IDL_NEW(b->memory, ast_decl);
    decl->kind = kind;
    decl->span = word.span;
    return decl;
}

static ast_decl *new_named(ast_builder *b, ast_decl_kind kind, idl_token word,
                           idl_token name)
{
    ast_decl *decl = new_decl(b, kind, word);
    decl->name = ast_identifier(b, name);
    return decl;
}

ast_decl *ast_package(ast_builder *b, idl_token word, ast_name path)
{
    ast_decl *decl = new_decl(b, AST_PACKAGE, word);
    decl->name = path;
    return decl;
}

ast_decl *ast_setting(ast_builder *b, ast_decl_kind kind, idl_token word,
                      const ast_value *value)
{
    ast_decl *decl = new_decl(b, kind, word);
    decl->value = value;
    return decl;
}

ast_decl *ast_const(ast_builder *b, idl_token word, const ast_type *type,
                    idl_token name, const ast_value *value)
{
    ast_decl *decl = new_named(b, AST_CONST, word, name);
    decl->type = type;
    decl->value = value;
    return decl;
}

ast_decl *ast_alias(ast_builder *b, idl_token word, idl_token name,
                    const ast_type *type)
{
    ast_decl *decl = new_named(b, AST_ALIAS, word, name);
    decl->type = type;
    return decl;
}

ast_decl *ast_enum(ast_builder *b, idl_token word, idl_token name,
                   ast_name base, const ast_body *body)
{
    ast_decl *decl = new_named(b, AST_ENUM, word, name);
    decl->base = base;
    decl->body = body;
    return decl;
}

ast_decl *ast_record(ast_builder *b, ast_decl_kind kind, idl_token word,
                     idl_token name, const ast_body *body)
{
    ast_decl *decl = new_named(b, kind, word, name);
    decl->body = body;
    return decl;
}

ast_decl *ast_error(ast_builder *b, idl_token word, idl_token name,
                    const ast_value *number, const ast_body *body)
{
    ast_decl *decl = new_named(b, AST_ERROR, word, name);
    decl->value = number;
    decl->body = body;
    return decl;
}

ast_decl *ast_service(ast_builder *b, idl_token word, idl_token name,
                      ast_list items)
{
    ast_decl *decl = new_named(b, AST_SERVICE, word, name);
    decl->items = items;
    return decl;
}

static idl_encoding encoding_of(int kind)
{
    switch (kind) {
    case TK_RAW:
        return IDL_ENCODING_RAW;
    case TK_JSON:
        return IDL_ENCODING_JSON;
    case TK_MSGPACK:
        return IDL_ENCODING_MSGPACK;
    default:
        return IDL_ENCODING_NATIVE;
    }
}

ast_decl *ast_method_decl(ast_builder *b, idl_token oneway, idl_token encoding,
                          idl_token name, ast_list params, ast_result result,
                          ast_list throws)
{
    ast_decl *decl =
        new_named(b, AST_METHOD, oneway.kind != 0 ? oneway : encoding, name);
    ast_method *method = IDL_NEW(b->memory, ast_method);
    method->oneway = oneway.kind != 0;
    method->encoding = encoding_of(encoding.kind);
    method->params = params;
    method->result = result;
    method->throws = throws;
    decl->method = method;
    return decl;
}

ast_result ast_result_make(const ast_type *type, bool stream)
{
    return (ast_result){.type = type, .stream = stream};
}

ast_list ast_throw_add(ast_builder *b, ast_list list, ast_name name)
{
    ast_throw *item = IDL_NEW(b->memory, ast_throw);
    item->name = name;
    return append(list, &item->link);
}

ast_decl *ast_shared(ast_builder *b, ast_decl_kind kind, idl_token word,
                     const ast_type *key, const ast_type *element,
                     idl_token name, const ast_body *body)
{
    ast_decl *decl = new_named(b, kind, word, name);
    decl->key = key;
    decl->type = element;
    decl->body = body;
    return decl;
}
