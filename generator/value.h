/*
 * JSON values: the model that templates see, and the data of their tests.
 *
 * A tree is built once, top down, in one arena, and then only read.  Objects
 * keep the order in which keys were set, and numbers keep their exact text, so
 * that the same schema always prints the same bytes.
 *
 * Running out of memory is sticky: the tree notes it, building goes on with
 * null values, and the builder asks gen_tree_status once at the end.
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_VALUE_H
#define SHMRPC_GENERATOR_VALUE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/status.h"

typedef enum gen_kind {
    GEN_KIND_NULL,
    GEN_KIND_BOOL,
    GEN_KIND_NUMBER,
    GEN_KIND_STRING,
    GEN_KIND_ARRAY,
    GEN_KIND_OBJECT,
    GEN_KIND_LATER /* members not requested yet; internal */
} gen_kind;

typedef struct gen_value gen_value;

/* The callback and its source that fill an object made by gen_set_later on
 * first use. */
typedef struct gen_later gen_later;

/* One element of an array, or one member of an object.  Models have millions of
 * them: 32 bytes. */
struct gen_value {
    const char *key; /* set when it is a member of an object */
    gen_value *next; /* the next sibling; the last one's is the first */
    union {
        bool truth;             /* BOOL */
        const char *text;       /* STRING and NUMBER, NUL-terminated */
        gen_value *last;        /* child of ARRAY and OBJECT, or NULL */
        const gen_later *later; /* LATER */
    };
    uint32_t len; /* of text; for ARRAY and OBJECT the count of children */
    uint8_t kind; /* gen_kind */
};

typedef struct gen_tree {
    shmrpci_arena arena;
    bool out_of_memory;
} gen_tree;

void gen_tree_init(gen_tree *tree);

/* Ends the life of every value made with the tree. */
void gen_tree_fini(gen_tree *tree);

/* OK, or NO_MEMORY when any of the functions below ran out of it. */
shmrpc_status gen_tree_status(const gen_tree *tree);

/* Constructors.  Texts are copied, but by gen_ref: its text must outlive the
 * tree.  Never NULL. */
gen_value *gen_null(gen_tree *tree);
gen_value *gen_bool(gen_tree *tree, bool truth);
gen_value *gen_number(gen_tree *tree, const char *text);
gen_value *gen_int(gen_tree *tree, int64_t number);
gen_value *gen_uint(gen_tree *tree, uint64_t number);
gen_value *gen_string(gen_tree *tree, const char *text);
gen_value *gen_string_n(gen_tree *tree, const char *text, size_t len);
gen_value *gen_format(gen_tree *tree, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
gen_value *gen_ref(gen_tree *tree, const char *text);
gen_value *gen_array(gen_tree *tree);
gen_value *gen_object(gen_tree *tree);

/* Texts of the tree that are no values.  Never NULL. */
const char *gen_print(gen_tree *tree, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *gen_print_args(gen_tree *tree, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* A buffer that grows in the tree, for a text that gen_buf_take ends. */
void gen_buf_init(gen_tree *tree, shmrpci_buf *buf);
const char *gen_buf_take(gen_tree *tree, shmrpci_buf *buf);

/* Appends `item`, which must not be anywhere in the tree yet; returns it. */
gen_value *gen_push(gen_value *array, gen_value *item);

/* Appends a member, which must not be anywhere in the tree yet; returns it.
 * The key is not copied and must be new in this object. */
gen_value *gen_set(gen_value *object, const char *key, gen_value *item);

/*
 * Appends members that `fill` sets when someone asks for a name that no other
 * member has: most of a model is never looked at.  At least one; `source` must
 * outlive the tree.
 */
typedef void gen_fill(gen_tree *tree, gen_value *object, const void *source);
void gen_set_later(gen_tree *tree, gen_value *object, gen_fill *fill,
                   const void *source);

/* The children of an array or object, from first to last; NULL behind the last
 * one, or when there are none. */
const gen_value *gen_first(const gen_value *parent);
const gen_value *gen_next(const gen_value *parent, const gen_value *child);

#define GEN_EACH(child, parent)                                     \
    for (const gen_value *child = gen_first(parent); child != NULL; \
         child = gen_next(parent, child))

/* The member, or NULL if there is none or `object` is not an object. */
const gen_value *gen_get(const gen_value *object, const char *key, size_t len);

/* The text of a string member, or "" when there is none. */
const char *gen_text(const gen_value *object, const char *key);

/* What a template's section tests: null, false, "" and [] are false, everything
 * else is true, even the number 0. */
bool gen_is_true(const gen_value *value);

/* Appends the value as JSON, indented by two spaces a level, with a newline at
 * the end.  Failures stay in `out`. */
void gen_print_json(const gen_value *value, shmrpci_buf *out);

/* Limits of the reader.  Keys are compared with those before them, so that
 * members are few; a value takes some 70 bytes. */
#define GEN_JSON_MAX_DEPTH   64
#define GEN_JSON_MAX_MEMBERS 1024
#define GEN_JSON_MAX_VALUES  (1u << 20)

/*
 * Reads strict JSON (RFC 8259) within the limits above into `tree`.  On failure
 * returns INVALID and sets `error_offset` to the byte that was not understood,
 * or NO_MEMORY.
 */
shmrpc_status gen_read_json(gen_tree *tree, const char *text, size_t len,
                            gen_value **out, size_t *error_offset);

#endif
