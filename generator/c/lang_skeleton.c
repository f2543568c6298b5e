/* The skeleton: the language C, plus the variables that calls need. Its
 * functions call those of the language C first. It never overwrites files,
 * because they belong to the user once written. */
#include "generator/c/lang_skeleton.h"

#include "generator/c/lang_c.h"

/* Sets the flag `one_service`: with a single service the templates use its
 * generated main function. */
static void begin(gen_model *m, gen_value *root)
{
    size_t count = 0;
    for (size_t i = 0; i < m->schema->service_count; i++) {
        count += !m->schema->services[i]->decl.imported;
    }
    gen_lang_c.begin(m, root);
    gen_value *start = gen_set(root, "start", gen_object(m->tree));
    gen_c_set_flag(m, start, "one_service", count == 1);
}

/* An initialiser that compiles for every type; the user replaces it. */
static const char *zero_of(idl_kind kind)
{
    bool is_number = kind != IDL_BOOL && (kind <= IDL_F64 || kind == IDL_ENUM);
    return kind == IDL_BOOL ? "false" : is_number ? "0" : "{0}";
}

/* Adds a local variable for an argument, and the expression that passes it. */
static void add_param(gen_model *m, gen_value *object, const idl_method *method,
                      const idl_field *param)
{
    gen_lang_c.add_param(m, object, method, param);
    const char *place =
        gen_c_text(m, "%s_%s_%s", gen_c_short(m, &method->service->decl),
                   gen_c_method(m, method), gen_c_member(m, param));
    gen_c_form form = gen_c_form_of(m, param->type, place);
    const char *name = gen_c_argument(m, param);
    bool is_pointer =
        param->type->kind != IDL_ARRAY && idl_field_flags(param, true) != 0;
    gen_value *start = gen_set(object, "start", gen_object(m->tree));
    /* ISO C does not convert an array of arrays to an array of const arrays. */
    bool is_array = param->type->kind == IDL_ARRAY;
    gen_c_set_text(m, start, "decl",
                   gen_c_text(m, "%s%s %s%s", is_array ? "const " : "",
                              form.base, name, form.dims));
    gen_c_set_text(m, start, "zero", zero_of(param->type->kind));
    gen_c_set_text(m, start, "ref",
                   gen_c_text(m, "%s%s", is_pointer ? "&" : "", name));
}

/* Adds a local variable for a result that is returned by value. */
static void add_method(gen_model *m, gen_value *object,
                       const idl_method *method)
{
    gen_lang_c.add_method(m, object, method);
    gen_value *start = gen_set(object, "start", gen_object(m->tree));
    const char *decl = NULL;
    const char *ref = NULL;
    if (method->result != NULL) {
        const char *place = gen_c_text(m, "%s_%s_result",
                                       gen_c_short(m, &method->service->decl),
                                       gen_c_method(m, method));
        gen_c_form form = gen_c_form_of(m, method->result, place);
        decl = gen_c_text(m, "%s result%s", form.base, form.dims);
        ref = method->result->kind == IDL_ARRAY ? "result" : "&result";
    }
    gen_c_set_text(m, start, "decl", decl);
    gen_c_set_text(m, start, "ref", ref);
}

/* These names can't clash with names of generated C files, and stay the same
 * when more files are generated into the folder. */
static const gen_lang_file files[] = {
    {"server", "server_main.c", "_server_main.c"},
    {"client", "client_main.c", "_client_main.c"},
};

/* Copies the language C and replaces a few functions. This happens at run time,
 * because C can't initialise a constant with the value of another one. */
void gen_lang_make_skeleton(gen_lang *out)
{
    *out = gen_lang_c;
    out->name = "skeleton";
    out->files = files;
    out->file_count = sizeof files / sizeof files[0];
    out->begin = begin;
    out->add_param = add_param;
    out->add_method = add_method;
}
