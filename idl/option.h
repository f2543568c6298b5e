/*
 * Options of shared objects: the one table that all passes read.
 *
 * It says which kind has which option, its allowed values and its default.
 * Resolving, canonical text, documentation, `check` and completion all use it.
 *
 * Threading: pure functions.
 */
#ifndef IDL_OPTION_H
#define IDL_OPTION_H

#include "base/buf.h"
#include "idl/schema.h"

typedef enum idl_option_form {
    IDL_OPTION_IS_COUNT,    /* an integer of at least `min` */
    IDL_OPTION_IS_DURATION, /* in ns */
    IDL_OPTION_IS_WORD,     /* one of `words` */
    IDL_OPTION_IS_MODE      /* permission bits, as text: "0660" */
} idl_option_form;

typedef struct idl_option_word {
    const char *word; /* NULL ends the list */
    int64_t value;
} idl_option_word;

/* An option of one or several kinds of objects. */
typedef struct idl_option_row {
    idl_option option;
    const char *name;
    unsigned kinds; /* set of bits 1 << idl_shared_kind */
    idl_option_form form;
    int64_t min;
    int64_t max;
    int64_t usual;                /* the default, before idl_option_default
                                   * adjusts it */
    const idl_option_word *words; /* NULL unless the option is a word */
} idl_option_row;

/* All rows, sorted by option; rows of the same option are adjacent. */
const idl_option_row *idl_option_rows(size_t *count);

/* The row of the option with this name for this kind; NULL if the kind has no
 * such option. */
const idl_option_row *idl_option_find(idl_shared_kind kind, const char *name);

/* The row of an option of this kind, or NULL. */
const idl_option_row *idl_option_of(idl_shared_kind kind, idl_option option);

/* The default of an option. The default of `encoding` depends on the types of
 * the object, and the default of `writers` on whether the object belongs to a
 * service. */
int64_t idl_option_default(const idl_shared *shared, const idl_option_row *row);

/* Whether the object's option differs from its default. */
bool idl_option_is_special(const idl_shared *shared, const idl_option_row *row);

/* Whether clients of the object's service may only read. */
bool idl_only_server_writes(const idl_shared *shared);

/* Appends the value in source form: "1024", "block", "60s", "\"0660\""; "none"
 * if leaving the option out is the only way to write it. */
void idl_option_append(const idl_option_row *row, int64_t value,
                       shmrpci_buf *out);

#endif
