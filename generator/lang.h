/*
 * Target languages: an interface, and a registry. Each language has a
 * lang_<name>.c and a folder of templates.
 *
 * The model is built once, without knowledge of any language; at each entity
 * the language adds its own object.  Functions that have nothing to add may be
 * NULL.
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_LANG_H
#define SHMRPC_GENERATOR_LANG_H

#include <stddef.h>

#include "base/buf.h"
#include "generator/model.h"
#include "generator/mustache.h"
#include "generator/tidy.h"
#include "idl/diag.h"
#include "idl/schema.h"

/* A file that is generated for each .svc. */
typedef struct gen_lang_file {
    const char *kind;     /* "types" (always written), "client", "server" */
    const char *template; /* "types.h": FOLDER/types.h.mustache */
    const char *suffix;   /* appended to the stem: "_client.h" */
} gen_lang_file;

struct gen_lang {
    const char *name; /* the argument of --lang, and the folder of its
                       * templates */
    const gen_lang_file *files;
    size_t file_count;
    gen_escape escape; /* how {{x}} is escaped in its templates */

    /* Reports constructs of the schema that the language can't generate yet. */
    void (*refuse)(const idl_schema *schema, idl_diags *diags);

    /* Called before the functions below. Sets model->state. */
    void (*begin)(gen_model *model, gen_value *root);
    void (*add_const)(gen_model *model, gen_value *object,
                      const idl_const *constant);
    void (*add_enum)(gen_model *model, gen_value *object,
                     const idl_enum *enumeration);
    void (*add_enum_item)(gen_model *model, gen_value *object,
                          const idl_enum_item *item);
    void (*add_record)(gen_model *model, gen_value *object,
                       const idl_record *record);
    void (*add_field)(gen_model *model, gen_value *object,
                      const idl_record *record, const idl_field *field);
    void (*add_error)(gen_model *model, gen_value *object,
                      const idl_record *error);
    void (*add_service)(gen_model *model, gen_value *object,
                        const idl_service *service);
    void (*add_method)(gen_model *model, gen_value *object,
                       const idl_method *method);
    void (*add_param)(gen_model *model, gen_value *object,
                      const idl_method *method, const idl_field *param);
    void (*add_shared)(gen_model *model, gen_value *object,
                       const idl_shared *shared);

    /* The last pass over the text of each file; same contract as gen_tidy. */
    void (*tidy)(gen_tidying *state, const char *text, size_t len,
                 shmrpci_buf *out);
};

/* The language with this name, or NULL. */
const gen_lang *gen_lang_find(const char *name);

/* All names, for messages; the list ends with NULL. */
const char *const *gen_lang_names(void);

extern const gen_lang gen_lang_c;
extern const gen_lang gen_lang_html;
extern const gen_lang gen_lang_man;
extern const gen_lang gen_lang_openapi;
extern const gen_lang gen_lang_python;

#endif
