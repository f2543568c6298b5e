/* The syntax tree as text: one line per node, indented. */
#include "idl/syntax/ast.h"

#include <inttypes.h>

static const char *const words[] = {
    [AST_PACKAGE] = "package", [AST_IMPORT] = "import",
    [AST_CONST] = "const",     [AST_ALIAS] = "type",
    [AST_ENUM] = "enum",       [AST_STRUCT] = "struct",
    [AST_UNION] = "union",     [AST_ERROR] = "error",
    [AST_SERVICE] = "service", [AST_QUEUE] = "queue",
    [AST_TOPIC] = "topic",     [AST_PIPE] = "pipe",
    [AST_DICT] = "dict",       [AST_VALUE] = "value",
    [AST_PORT] = "port",       [AST_SERVICE_NAME] = "name",
    [AST_VERSION] = "version", [AST_METHOD] = "method",
};

static void begin(idl_span span, int depth, const char *word, shmrpci_buf *out)
{
    idl_place place = idl_source_place(span.source, span.begin);
    shmrpci_buf_printf(out, "%*s%s @%u:%u", depth * 2, "", word, place.line,
                       place.column);
}

static void append_span(idl_span span, shmrpci_buf *out)
{
    shmrpci_buf_append(out, span.source->text + span.begin,
                       span.end - span.begin);
}

static void append_value(const char *label, const ast_value *value,
                         shmrpci_buf *out)
{
    if (value != NULL) {
        shmrpci_buf_printf(out, "%s", label);
        append_span(value->span, out);
    }
}

static void append_type(const ast_type *type, shmrpci_buf *out)
{
    if (type->kind == AST_TYPE_NAME) {
        shmrpci_buf_append_text(out, type->name.text);
    } else {
        shmrpci_buf_append_text(out,
                                type->kind == AST_TYPE_MAP ? "map<" : "list<");
        if (type->key != NULL) {
            append_type(type->key, out);
            shmrpci_buf_append_text(out, ", ");
        }
        append_type(type->element, out);
        shmrpci_buf_append_char(out, '>');
    }
    if (type->bound != NULL) {
        append_span(type->bound->span, out);
    }
    AST_EACH(ast_dim, dim, type->dims)
    {
        append_value("[", dim->length, out);
        shmrpci_buf_append_char(out, ']');
    }
}

static void dump_pre(const ast_pre *pre, int depth, shmrpci_buf *out)
{
    AST_EACH(ast_doc, doc, pre->docs)
    {
        shmrpci_buf_printf(out, "%*sdoc %s\n", depth * 2, "", doc->line);
    }
    AST_EACH(ast_annotation, annotation, pre->annotations)
    {
        begin(annotation->span, depth, "annotation", out);
        shmrpci_buf_printf(out, " %s", annotation->name.text);
        AST_EACH(ast_arg, arg, annotation->args)
        {
            shmrpci_buf_printf(out, " %s%s",
                               arg->name.text != NULL ? arg->name.text : "",
                               arg->name.text != NULL ? ":" : "");
            append_value("", arg->value, out);
        }
        shmrpci_buf_append_char(out, '\n');
    }
}

static void dump_field(const ast_field *field, int depth, shmrpci_buf *out)
{
    dump_pre(field->pre, depth, out);
    begin(field->name.span, depth, "field", out);
    append_value(" tag ", field->tag, out);
    shmrpci_buf_printf(out, "%s%s ", field->optional ? " optional" : "",
                       field->stream ? " stream" : "");
    append_type(field->type, out);
    shmrpci_buf_printf(out, " %s", field->name.text);
    append_value(" = ", field->default_value, out);
    shmrpci_buf_append_char(out, '\n');
}

static void dump_body(const ast_decl *decl, int depth, shmrpci_buf *out)
{
    if (decl->kind == AST_ENUM) {
        AST_EACH(ast_enum_item, item, decl->body->items)
        {
            dump_pre(item->pre, depth, out);
            begin(item->name.span, depth, "item", out);
            shmrpci_buf_printf(out, " %s", item->name.text);
            append_value(" = ", item->value, out);
            shmrpci_buf_append_char(out, '\n');
        }
    } else if (decl->kind == AST_STRUCT || decl->kind == AST_UNION ||
               decl->kind == AST_ERROR) {
        AST_EACH(ast_field, field, decl->body->items)
        {
            dump_field(field, depth, out);
        }
    } else {
        AST_EACH(ast_option, option, decl->body->items)
        {
            begin(option->name.span, depth, "option", out);
            shmrpci_buf_printf(out, " %s", option->name.text);
            append_value(" ", option->value, out);
            shmrpci_buf_append_char(out, '\n');
        }
    }
    AST_EACH(ast_reserved, reserved, decl->body->reserved)
    {
        begin(reserved->first->span, depth, "reserved", out);
        append_value(" ", reserved->first, out);
        append_value("..", reserved->last, out);
        shmrpci_buf_append_char(out, '\n');
    }
}

static void dump_method(const ast_method *method, int depth, shmrpci_buf *out)
{
    AST_EACH(ast_field, param, method->params)
    {
        dump_field(param, depth, out);
    }
    if (method->result.type != NULL) {
        begin(method->result.type->span, depth, "result", out);
        shmrpci_buf_append_text(out, method->result.stream ? " stream " : " ");
        append_type(method->result.type, out);
        shmrpci_buf_append_char(out, '\n');
    }
    AST_EACH(ast_throw, item, method->throws)
    {
        begin(item->name.span, depth, "throws", out);
        shmrpci_buf_printf(out, " %s\n", item->name.text);
    }
}

static void dump_decls(const ast_list *decls, int depth, shmrpci_buf *out)
{
    AST_EACH(ast_decl, decl, *decls)
    {
        dump_pre(decl->pre, depth, out);
        begin(decl->span, depth, words[decl->kind], out);
        if (decl->method != NULL) {
            shmrpci_buf_printf(out, "%s %s",
                               decl->method->oneway ? " oneway" : "",
                               idl_encoding_name(decl->method->encoding));
        }
        if (decl->name.text != NULL) {
            shmrpci_buf_printf(out, " %s", decl->name.text);
        }
        if (decl->base.text != NULL) {
            shmrpci_buf_printf(out, " : %s", decl->base.text);
        }
        if (decl->key != NULL) {
            shmrpci_buf_append_text(out, " key ");
            append_type(decl->key, out);
        }
        if (decl->type != NULL) {
            shmrpci_buf_append_text(out, " type ");
            append_type(decl->type, out);
        }
        append_value(" value ", decl->value, out);
        shmrpci_buf_append_char(out, '\n');
        if (decl->body != NULL) {
            dump_body(decl, depth + 1, out);
        }
        if (decl->method != NULL) {
            dump_method(decl->method, depth + 1, out);
        }
        dump_decls(&decl->items, depth + 1, out);
    }
}

void idl_dump_ast(const ast_file *file, shmrpci_buf *out)
{
    dump_decls(&file->decls, 0, out);
}
