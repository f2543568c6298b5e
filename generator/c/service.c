/*
 * The language C: services and methods.
 *
 * The form of a call in C depends on its method. A result without pointers is
 * returned by value; any other result is returned in a reply object that owns
 * its memory. A method whose errors have details also has a reply object.
 * Streams and asynchronous calls have additional functions. Each form is
 * decided in one function here, and the templates only print it.
 *
 * Comments of generated functions state what the `.svc` promises: limits,
 * deadline, errors, and what must be released.
 */
#include <inttypes.h>
#include <string.h>

#include "generator/c/lang_c.h"
#include "idl/canonical.h"
#include "idl/largest.h"
#include "idl/layout.h"

/* Adds a parameter in two forms: as a member of the params struct that is
 * encoded, and as an argument. Arrays are passed as C passes them, structs by
 * pointer, everything else by value. */
void gen_c_add_param(gen_model *m, gen_value *object, const idl_method *method,
                     const idl_field *param)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *name = gen_c_member(m, param);
    const char *place =
        gen_c_text(m, "%s_%s", gen_c_method_place(m, method), name);
    uint32_t flags = idl_field_flags(param, true);
    gen_c_set_member(m, c, param, flags, place);
    gen_c_form form = gen_c_form_of(m, param->type, place);
    const char *argument = gen_c_argument(m, param);
    bool is_array = param->type->kind == IDL_ARRAY;
    /* Optional scalars are passed as pointers, although the params struct has a
     * has_ member for them. */
    bool is_pointer = !is_array && (flags != 0);
    gen_c_set_text(m, c, "argument", argument);
    gen_c_set_text(m, c, "argument_decl",
                   is_array     ? gen_c_text(m, "const %s %s%s", form.base,
                                             argument, form.dims)
                   : is_pointer ? gen_c_pointed(m, form.base, argument)
                                : gen_c_text(m, "%s %s", form.base, argument));
    gen_c_set_flag(m, c, "is_array", is_array);
    gen_c_set_text(m, c, "unpack",
                   flags == SHMRPC_FIELD_OPTIONAL
                       ? gen_c_text(m, "p->has_%s ? %sp->%s : NULL", name,
                                    is_array ? "" : "&", name)
                       : gen_c_text(m, "p->%s", name));
    gen_set(c, "doc", gen_c_doc(m, &param->meta));
}

/* Errors without fields have no details for a reply to hold. */
static bool throws_payload(const idl_method *method)
{
    for (size_t i = 0; i < method->throw_count; i++) {
        if (method->throws[i]->field_count > 0) {
            return true;
        }
    }
    return false;
}

/* Whether a call returns a reply object: if the result has pointers, or if
 * errors have details. A call that returns a stream has none; its stream holds
 * the details. */
static bool is_reply(const idl_method *method)
{
    return !method->result_is_stream &&
           (throws_payload(method) ||
            (method->result != NULL && !idl_is_fixed(method->result)));
}

/* The type of a pointer to a value. Arrays are passed by their first element:
 * "uint16_t (*)[3]" for u16[2][3]. */
static const char *pointer_to(gen_model *m, const idl_type *type,
                              const char *place)
{
    const char *base = gen_c_form_of(m, type, place).base;
    bool is_matrix =
        type->kind == IDL_ARRAY && type->element->kind == IDL_ARRAY;
    return is_matrix ? gen_c_text(m, "%s (*)%s", base,
                                  gen_c_form_of(m, type->element, place).dims)
                     : gen_c_text(m, "%s *", base);
}

/* Sets the parameters that the callback of an asynchronous call has after the
 * status, and the sentence about them in its comment. */
static void set_done(gen_model *m, gen_value *c, const idl_method *method)
{
    const char *function = gen_c_function(m, method);
    const char *decl = NULL;
    const char *arg = NULL;
    const char *doc = "`error` is filled unless `status` is 0.";
    if (is_reply(method)) {
        decl = gen_c_text(m, "const %s_reply *reply", function);
        arg = gen_c_text(m, "(const %s_reply *)reply", function);
        doc = gen_c_text(
            m, "`reply`, unless NULL, is valid until you release it; %s", doc);
    } else if (method->result != NULL && !method->result_is_stream) {
        const char *place =
            gen_c_text(m, "%s_result", gen_c_method_place(m, method));
        gen_c_form form = gen_c_form_of(m, method->result, place);
        bool is_array = method->result->kind == IDL_ARRAY;
        decl = gen_c_text(m, "const %s %svalue%s", form.base,
                          is_array ? "" : "*", form.dims);
        arg = gen_c_text(m, "(const %s)reply",
                         pointer_to(m, method->result, place));
        doc = gen_c_text(
            m,
            "`value` is valid until the callback returns, and NULL unless "
            "`status` is 0; %s",
            doc);
    }
    gen_c_set_flag(m, c, "is_async",
                   m->opts->async && !method->oneway &&
                       !gen_c_has_stream(method));
    gen_c_set_flag(m, c, "is_raw", method->encoding == IDL_ENCODING_RAW);
    gen_c_set_text(m, c, "done_decl", decl);
    gen_c_set_text(m, c, "done_arg", arg);
    gen_c_set_text(m, c, "done_doc", doc);
    gen_c_set_text(m, c, "end",
                   gen_c_unique(m, gen_c_text(m, "end_%s",
                                              gen_c_method_place(m, method))));
}

/* Sets how the result is returned: not at all, by value, or in a reply
 * object. */
static void set_result(gen_model *m, gen_value *c, const idl_method *method)
{
    const idl_type *type = method->result_is_stream ? NULL : method->result;
    const char *function = gen_c_function(m, method);
    bool by_value = type != NULL && !is_reply(method);
    gen_c_set_flag(m, c, "is_value", by_value);
    gen_c_set_flag(m, c, "is_reply", is_reply(method));
    gen_c_set_text(m, c, "reply", gen_c_text(m, "%s_reply", function));
    gen_c_set_text(m, c, "result_arg", by_value ? "out" : "NULL");
    set_done(m, c, method);
    gen_c_set_flag(m, c, "is_answered",
                   !method->oneway && !gen_c_has_stream(method));
    if (type == NULL) {
        gen_c_set_text(m, c, "answer_decl", NULL);
        gen_c_set_text(m, c, "result_ref", "NULL");
        gen_c_set_text(m, c, "value_decl", NULL);
        gen_c_set_text(m, c, "ret_decl", NULL);
        gen_c_set_text(m, c, "ret_type", NULL);
        return;
    }
    const char *place =
        gen_c_text(m, "%s_result", gen_c_method_place(m, method));
    gen_c_form form = gen_c_form_of(m, type, place);
    bool is_array = type->kind == IDL_ARRAY;
    const char *star = is_array ? "" : "*";
    gen_c_set_text(m, c, "out_decl",
                   gen_c_text(m, "%s %sout%s", form.base, star, form.dims));
    gen_c_set_text(m, c, "ret_decl",
                   gen_c_text(m, "%s %sret%s", form.base, star, form.dims));
    gen_c_set_text(
        m, c, "answer_decl",
        gen_c_text(m, "const %s %sresult%s", form.base, star, form.dims));
    gen_c_set_text(m, c, "value_decl",
                   gen_c_text(m, "%s value%s", form.base, form.dims));
    gen_c_set_text(m, c, "ret_type", pointer_to(m, type, place));
    gen_c_set_text(m, c, "result_ref", gen_c_table(m, type, place));
}

static void set_params(gen_model *m, gen_value *c, const idl_method *method)
{
    const char *place = gen_c_method_place(m, method);
    bool fixed = true;
    bool has_optional = false;
    for (size_t i = 0; i < method->param_count; i++) {
        const idl_field *param = &method->params[i];
        uint32_t flags = idl_field_flags(param, true);
        fixed = fixed && (flags & SHMRPC_FIELD_POINTER) == 0 &&
                idl_is_fixed(param->type);
        has_optional = has_optional || flags == SHMRPC_FIELD_OPTIONAL;
    }
    const char *params_type =
        gen_c_text(m, "%s_params", gen_c_function(m, method));
    const char *table = gen_c_unique(m, gen_c_text(m, "%s_params_type", place));
    bool any = method->param_count > 0;
    gen_c_set_flag(m, c, "has_params", any);
    gen_c_set_flag(m, c, "has_optional", has_optional);
    gen_c_set_text(m, c, "params_type", params_type);
    gen_c_set_text(m, c, "params_table", table);
    gen_c_set_text(m, c, "params_ref",
                   any ? gen_c_text(m, "&%s", table)
                       : "&shmrpc_type_no_params");
    gen_c_set_text(m, c, "params_arg", any ? "&params" : "NULL");
    gen_c_set_text(m, c, "rows_name",
                   gen_c_unique(m, gen_c_text(m, "%s_params_fields", place)));
    gen_set(c, "rows",
            gen_c_field_rows(m, method->params, method->param_count, true,
                             false, place, params_type));
    gen_c_set_text(
        m, c, "flags",
        gen_c_type_flags(m, true, false, idl_params_are_flat(method), fixed));
    gen_c_set_layout(m, c, idl_params_layout(method));
}

/* "2 s", "250 ms": the largest unit that is exact. */
static const char *duration_text(gen_model *m, int64_t ns)
{
    /* From the largest unit to the smallest, which is always exact. */
    static const struct {
        int64_t ns;
        const char *name;
    } units[] = {{INT64_C(60000000000), "min"},
                 {INT64_C(1000000000), "s"},
                 {INT64_C(1000000), "ms"},
                 {INT64_C(1000), "us"},
                 {1, "ns"}};
    size_t i = 0;
    while (ns % units[i].ns != 0) {
        i++;
    }
    return gen_c_text(m, "%" PRId64 " %s", ns / units[i].ns, units[i].name);
}

/* The flags joined by " | "; the code below skips the first separator. */
static const char *method_flags(gen_model *m, const idl_method *method)
{
    const char *text = gen_c_text(
        m, "%s%s%s%s%s%s", method->oneway ? " | SHMRPC_METHOD_ONEWAY" : "",
        method->idempotent ? " | SHMRPC_METHOD_IDEMPOTENT" : "",
        method->meta.deprecated ? " | SHMRPC_METHOD_DEPRECATED" : "",
        method->stream_param != NULL ? " | SHMRPC_METHOD_STREAMS_IN" : "",
        method->result_is_stream ? " | SHMRPC_METHOD_STREAMS_OUT" : "",
        method->python_types ? " | SHMRPC_METHOD_PYTHON_TYPES" : "");
    return *text == '\0' ? "0" : text + 3;
}

/* The errors of the method as text; NULL if it throws none. */
static const char *throws_text(gen_model *m, const idl_method *method)
{
    const char *text = NULL;
    for (size_t i = 0; i < method->throw_count; i++) {
        const char *macro = gen_c_error_macro(m, &method->throws[i]->decl);
        text = text == NULL ? macro : gen_c_text(m, "%s, %s", text, macro);
    }
    return text;
}

/* Bounds and defaults of parameters, for the comment: calls with values outside
 * of the bounds return INVALID. */
static const char *limits_text(gen_model *m, const idl_method *method)
{
    const char *text = "";
    for (size_t i = 0; i < method->param_count; i++) {
        const idl_field *param = &method->params[i];
        const char *limits = gen_c_limits(m, param);
        if (limits != NULL) {
            text = gen_c_text(m, "%s`%s`: %s.  ", text,
                              gen_c_argument(m, param), limits);
        }
    }
    return text;
}

/* The sentence about the reply in the comment of a call: which function
 * releases it, and that a declared error leaves one too. */
static const char *release_text(gen_model *m, const idl_method *method)
{
    if (!is_reply(method)) {
        return "";
    }
    return gen_c_text(
        m, "  Release `*out` with %s_release%s.", gen_c_function(m, method),
        throws_payload(method) ? ", also after a declared error" : "");
}

/* The sentences that the comment of a call has after the documentation. */
static const char *promise(gen_model *m, const idl_method *method)
{
    /* A method without @timeout has the timeout that was given when the
     * connection was opened. */
    const char *deadline = method->timeout_ns > 0
                               ? duration_text(m, method->timeout_ns)
                               : "the connection's";
    const char *limits = limits_text(m, method);
    if (method->oneway) {
        return gen_c_text(
            m,
            "%sReturns when the request has been sent; the outcome of the call "
            "is not reported.  If the request could not be sent, returns BUSY, "
            "or DEADLINE (deadline: %s, or that of `opts`), if all call slots "
            "were in use, else UNAVAILABLE or INVALID.",
            limits, deadline);
    }
    const char *throws = throws_text(m, method);
    if (gen_c_has_stream(method)) {
        return gen_c_text(
            m,
            "%sOpens a stream; close it when you are done.  Deadline of the "
            "whole stream: %s, or that of `opts`.%s%s%s  Returns UNIMPLEMENTED "
            "if the server is of a version without streams.",
            limits,
            method->timeout_ns > 0 ? duration_text(m, method->timeout_ns)
                                   : "none",
            throws != NULL ? "  May end in " : "", throws != NULL ? throws : "",
            throws != NULL ? "." : "");
    }
    return gen_c_text(m, "%sDeadline: %s, or that of `opts`.%s%s%s%s", limits,
                      deadline, release_text(m, method),
                      throws != NULL ? "  May return " : "",
                      throws != NULL ? throws : "", throws != NULL ? "." : "");
}

/* Sets the errors of a method, and the accessors of their details in a
 * reply. */
static void set_throws(gen_model *m, gen_value *c, const idl_method *method)
{
    const char *name =
        method->throw_count > 0
            ? gen_c_unique(
                  m, gen_c_text(m, "%s_throws", gen_c_method_place(m, method)))
            : NULL;
    gen_c_set_text(m, c, "throws_name", name);
    gen_c_set_text(m, c, "throws_ref", name != NULL ? name : "NULL");
    gen_set(c, "throws_count", gen_uint(m->tree, method->throw_count));
    gen_value *rows = gen_set(c, "throws", gen_array(m->tree));
    for (size_t i = 0; i < method->throw_count; i++) {
        const idl_record *error = method->throws[i];
        const char *accessor = NULL;
        if (error->field_count > 0) {
            accessor = gen_c_text(m, "%s_%s", gen_c_function(m, method),
                                  gen_c_short(m, &error->decl));
            gen_c_claim(m, accessor,
                        gen_c_text(m, "the details of `%s` from `%s`",
                                   error->decl.full_name, method->name),
                        method->span);
        }
        gen_value *row = gen_push(rows, gen_object(m->tree));
        gen_c_set_text(m, row, "name", gen_c_name(m, &error->decl));
        gen_c_set_text(m, row, "macro", gen_c_error_macro(m, &error->decl));
        gen_c_set_text(m, row, "accessor", accessor);
    }
}

/* Sets the C type of the items of one direction. Returns an expression for
 * their type table; "NULL" if that direction has no stream. */
static const char *set_items(gen_model *m, gen_value *c,
                             const idl_method *method, bool to_server)
{
    const idl_type *type = idl_stream_items(method, to_server);
    const char *key = to_server ? "in_type" : "out_type";
    if (type == NULL) {
        gen_c_set_text(m, c, key, NULL);
        return "NULL";
    }
    /* Unnamed types of items get the names that they would have in an ordinary
     * parameter or result. */
    const char *place = gen_c_text(
        m, "%s_%s", gen_c_method_place(m, method),
        to_server ? gen_c_member(m, method->stream_param) : "result");
    gen_c_set_text(m, c, key, gen_c_form_of(m, type, place).base);
    return gen_c_table(m, type, place);
}

/* Sets whether items of one direction can be lent: raw methods get `*_bytes`
 * functions, native ones with flat items `*_flat`. */
static void set_loans(gen_model *m, gen_value *c, const idl_method *method,
                      bool to_server)
{
    const idl_type *type = idl_stream_items(method, to_server);
    bool is_raw = method->encoding == IDL_ENCODING_RAW;
    bool is_flat = type != NULL && method->encoding == IDL_ENCODING_NATIVE &&
                   idl_is_flat(type);
    gen_c_set_flag(m, c, to_server ? "in_bytes" : "out_bytes",
                   type != NULL && is_raw);
    gen_c_set_flag(m, c, to_server ? "in_flat" : "out_flat", is_flat);
}

/* Sets flags for templates, and the columns for streams and policies in the
 * method's row. A method without either has SHMRPC_NO_STREAMS instead of these
 * columns. */
static void set_streams(gen_model *m, gen_value *c, const idl_method *method)
{
    bool takes = method->stream_param != NULL;
    bool gives = method->result_is_stream;
    gen_c_set_flag(m, c, "is_stream", takes || gives);
    gen_c_set_flag(m, c, "takes", takes);
    gen_c_set_flag(m, c, "gives", gives);
    gen_c_set_flag(m, c, "is_upload", takes && !gives);
    const char *in = set_items(m, c, method, true);
    const char *out = set_items(m, c, method, false);
    gen_c_set_flag(m, c, "is_async_stream", gives && m->opts->async);
    gen_c_set_text(m, c, "on_item",
                   gen_c_unique(m, gen_c_text(m, "item_%s",
                                              gen_c_method_place(m, method))));
    gen_c_set_text(m, c, "on_end",
                   gen_c_unique(m, gen_c_text(m, "end_items_%s",
                                              gen_c_method_place(m, method))));
    set_loans(m, c, method, true);
    set_loans(m, c, method, false);
    bool has_policy =
        method->attempts != 0 || method->hedge_ns != 0 || method->at_once != 0;
    const char *policy = has_policy
                             ? gen_c_text(m,
                                          "%" PRIu32 ", INT64_C(%" PRId64
                                          "), INT64_C(%" PRId64 "), %" PRIu32,
                                          method->attempts, method->backoff_ns,
                                          method->hedge_ns, method->at_once)
                             : "0, 0, 0, 0";
    gen_c_set_text(m, c, "streams_text",
                   takes || gives || has_policy
                       ? gen_c_text(m,
                                    "%" PRIu32 ", %" PRIu32 ", INT64_C(%" PRId64
                                    "), %s, %s, {%s}",
                                    idl_stream_window(method, true),
                                    idl_stream_window(method, false),
                                    method->idle_ns, in, out, policy)
                       : "SHMRPC_NO_STREAMS");
}

/* Claims the names generated for the method. They depend on its form: with
 * streams, oneway, with --async, or plain. */
static void claim_method(gen_model *m, const idl_method *method)
{
    /* Must match the names that templates/c generates: a clash of a name
     * missing here would not be found. */
    static const char *const of_stream[] = {
        "_params",    "_reply",          "_release",
        "_stream",    "_next",           "_send",
        "_end",       "_try_send",       "_finish",
        "_close",     "_sink",           "_source",
        "_sink_send", "_source_next",    "_sink_try_send",
        "_loan",      "_commit",         "_abort",
        "_sink_loan", "_sink_commit",    "_sink_abort",
        "_delivered", "_sink_delivered", "_async",
        "_item_fn",   "_end_fn",         "_resume",
        "_step",      "_detach",         "_source_try_next",
        NULL};
    static const char *const of_async[] = {
        "_params", "_reply", "_release", "_start",  "_finish", "_async",
        "_fn",     "_loan",  "_send",    "_answer", NULL};
    static const char *const suffixes[] = {"_params", "_reply", "_release",
                                           "_answer", NULL};
    static const char *const of_oneway[] = {"_params", NULL};
    const char *function = gen_c_function(m, method);
    const char *what =
        gen_c_text(m, "%s.%s", method->service->decl.full_name, method->name);
    gen_c_claim_all(m, function, what, method->span,
                    gen_c_has_stream(method) ? of_stream
                    : method->oneway         ? of_oneway
                    : m->opts->async         ? of_async
                                             : suffixes);
}

/* The method's name as a member of the table of handlers. That table begins
 * with a member `size`, so a method named `size` gets an underscore. */
static const char *handler_member(gen_model *m, const idl_method *method)
{
    const char *name = gen_c_method(m, method);
    return strcmp(name, "size") == 0 ? "size_" : gen_c_unlike_types(m, name);
}

void gen_c_add_method(gen_model *m, gen_value *object, const idl_method *method)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *place = gen_c_method_place(m, method);
    claim_method(m, method);
    gen_c_set_text(m, c, "name", handler_member(m, method));
    gen_c_set_text(m, c, "function", gen_c_function(m, method));
    gen_c_set_text(m, c, "service", gen_c_name(m, &method->service->decl));
    gen_c_set_text(m, c, "handler",
                   gen_c_unique(m, gen_c_text(m, "handle_%s", place)));
    /* Each method has a macro with its number, for hooks, which receive the
     * number. */
    const char *number =
        gen_c_text(m, "%s_METHOD_%s", gen_c_macro(m, &method->service->decl),
                   gen_c_upper(m, gen_c_method(m, method)));
    gen_c_claim(m, number,
                gen_c_text(m, "the number of `%s.%s`",
                           method->service->decl.full_name, method->name),
                method->span);
    gen_c_set_text(m, c, "number", number);
    gen_c_set_text(m, c, "encoding",
                   gen_c_upper(m, idl_encoding_name(method->encoding)));
    gen_c_set_text(m, c, "flags_text", method_flags(m, method));
    gen_c_set_text(
        m, c, "timeout",
        method->timeout_ns > 0
            ? gen_c_text(m, "INT64_C(%" PRId64 ")", method->timeout_ns)
            : "0");
    gen_c_set_text(m, c, "promise", promise(m, method));
    /* NULL in a schema that was made only to check names */
    const char *signature = method->signature;
    gen_c_set_text(m, c, "signature",
                   signature != NULL
                       ? gen_c_literals(m, signature, strlen(signature))
                       : NULL);
    set_throws(m, c, method);
    set_params(m, c, method);
    set_result(m, c, method);
    set_streams(m, c, method);
    gen_set(c, "doc", gen_c_doc(m, &method->meta));
    gen_c_set_text(m, c, "doc_text", gen_c_doc_text(m, &method->meta.docs));
}

static void claim_service(gen_model *m, const idl_service *service)
{
    static const char *const suffixes[] = {
        "_impl", "_connect",    "_close",      "_serve",
        "_main", "_read_stats", "_descriptor", NULL};
    static const char *const of_async[] = {
        "_impl",  "_connect", "_close",      "_fd",         "_dispatch",
        "_serve", "_main",    "_read_stats", "_descriptor", NULL};
    const idl_decl *decl = &service->decl;
    gen_c_claim_all(m, gen_c_name(m, decl), decl->full_name, decl->span,
                    m->opts->async ? of_async : suffixes);
    gen_c_claim(m, gen_c_text(m, "%s_IMPL_INIT", gen_c_macro(m, decl)),
                gen_c_text(m, "the handlers of `%s`", decl->full_name),
                decl->span);
}

/* The service's description of itself: its `.svc` with documentation, for
 * people and tools. It is long, so it is filled in only when a template asks
 * for it. */
static void fill_text_rows(gen_tree *tree, gen_value *c, const void *service)
{
    gen_model m = {.tree = tree};
    shmrpci_arena scratch;
    shmrpci_arena_init(&scratch, 0);
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    if (idl_service_text(service, IDL_CANONICAL_DOCS, &scratch, &text) !=
        SHMRPC_OK) {
        tree->out_of_memory = true;
    }
    gen_set(c, "text_rows", gen_c_lines(&m, (const char *)text.data, text.len));
    shmrpci_buf_fini(&text);
    shmrpci_arena_fini(&scratch);
}

static bool has_async(const gen_model *m, const idl_service *service)
{
    for (size_t i = 0; m->opts->async && i < service->method_count; i++) {
        if (!service->methods[i].oneway) {
            return true;
        }
    }
    return false;
}

/* A table without rows is NULL, because ISO C has no empty arrays. */
void gen_c_add_service(gen_model *m, gen_value *object,
                       const idl_service *service)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *name = gen_c_name(m, &service->decl);
    const char *place = gen_c_short(m, &service->decl);
    claim_service(m, service);
    gen_c_set_text(m, c, "name", name);
    gen_c_set_text(m, c, "macro", gen_c_macro(m, &service->decl));
    gen_c_set_text(m, c, "service_name",
                   gen_c_literals(m, service->name, strlen(service->name)));
    gen_c_set_text(m, c, "text_name",
                   gen_c_unique(m, gen_c_text(m, "%s_text", place)));
    gen_set_later(m->tree, c, fill_text_rows, service);
    bool any = service->method_count > 0;
    const char *methods = gen_c_unique(m, gen_c_text(m, "%s_methods", place));
    const char *handlers = gen_c_unique(m, gen_c_text(m, "%s_handlers", place));
    gen_c_set_flag(m, c, "has_methods", any);
    gen_c_set_flag(m, c, "has_async", has_async(m, service));
    gen_c_set_text(m, c, "methods_name", methods);
    gen_c_set_text(m, c, "methods_ref", any ? methods : "NULL");
    gen_c_set_text(m, c, "handlers_name", handlers);
    gen_c_set_text(m, c, "handlers_ref", any ? handlers : "NULL");
    gen_c_set_text(m, c, "objects_ref",
                   service->shared_count > 0
                       ? gen_c_text(m, "&%s_objects", place)
                       : "NULL");
    gen_c_set_text(m, c, "adopt_name",
                   gen_c_unique(m, gen_c_text(m, "adopt_%s", place)));
    gen_set(c, "method_count", gen_uint(m->tree, service->method_count));
    gen_set(c, "doc", gen_c_doc(m, &service->decl.meta));
    gen_c_set_text(m, c, "doc_text",
                   gen_c_doc_text(m, &service->decl.meta.docs));
}
