/*
 * JSON values: the model that templates see, and the data of their tests.
 *
 * A tree is built once, top down, in one arena, and then only read. Objects
 * keep the order in which keys were set, and numbers keep their exact text, so
 * the same schema always prints the same bytes.
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
    GEN_KIND_LATER /* members that are not computed yet; internal */
} gen_kind;

typedef struct gen_value gen_value;

/* The arguments of gen_set_later: the callback, which sets the members on first
 * use, and its source. */
typedef struct gen_later gen_later;

/* One element of an array, or one member of an object. 32 bytes, because models
 * have millions of them. */
struct gen_value {
    const char *key; /* set for members of an object */
    gen_value *next; /* the next sibling; for the last one, the first */
    union {
        bool truth;             /* BOOL */
        const char *text;       /* STRING and NUMBER, NUL-terminated */
        gen_value *last;        /* ARRAY and OBJECT: the last child, or NULL */
        const gen_later *later; /* LATER */
    };
    uint32_t len; /* length of text; ARRAY and OBJECT: number of children */
    uint8_t kind; /* gen_kind */
};

typedef struct gen_tree {
    shmrpci_arena arena;
    bool out_of_memory;
} gen_tree;

void gen_tree_init(gen_tree *tree);

/* Frees all values made with the tree. */
void gen_tree_fini(gen_tree *tree);

/* OK, or NO_MEMORY if any of the functions below ran out of memory. */
shmrpc_status gen_tree_status(const gen_tree *tree);

/* Constructors. They copy texts, except gen_ref, whose text must outlive the
 * tree. They never return NULL. */
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

/* Texts in the tree that are not values. Never NULL. */
const char *gen_print(gen_tree *tree, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *gen_print_args(gen_tree *tree, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Initialises a buffer that grows in the tree; gen_buf_take returns its
 * text. */
void gen_buf_init(gen_tree *tree, shmrpci_buf *buf);
const char *gen_buf_take(gen_tree *tree, shmrpci_buf *buf);

/* Appends `item`, which must not be in the tree yet, and returns it. */
gen_value *gen_push(gen_value *array, gen_value *item);

/* Appends a member, which must not be in the tree yet, and returns it. The key
 * is not copied, and must not exist in this object. */
gen_value *gen_set(gen_value *object, const char *key, gen_value *item);

/*
 * Appends members that are computed only when they are needed, since most of a
 * model is never read. `fill` sets them when a lookup finds no other member
 * with the name, or when gen_first or gen_next reaches them. It must set at
 * least one member. `source` must outlive the tree.
 */
typedef void gen_fill(gen_tree *tree, gen_value *object, const void *source);
void gen_set_later(gen_tree *tree, gen_value *object, gen_fill *fill,
                   const void *source);

/* The first and the next child of an array or object; NULL after the last one,
 * or if there are none. */
const gen_value *gen_first(const gen_value *parent);
const gen_value *gen_next(const gen_value *parent, const gen_value *child);

#define GEN_EACH(child, parent)                                     \
    for (const gen_value *child = gen_first(parent); child != NULL; \
         child = gen_next(parent, child))

/* The member, or NULL if there is none, or if `object` is not an object. */
const gen_value *gen_get(const gen_value *object, const char *key, size_t len);

/* The text of a string member; "" if there is none. */
const char *gen_text(const gen_value *object, const char *key);

/* What a template's section tests: null, false, "" and [] are false, everything
 * else is true, even the number 0. */
bool gen_is_true(const gen_value *value);

/* Appends the value as JSON, indented by two spaces a level, with a newline at
 * the end. Failures are recorded in `out`. */
void gen_print_json(const gen_value *value, shmrpci_buf *out);

/* Limits of the reader. Each key is compared with the earlier ones, so objects
 * should have few members; a value takes about 70 bytes. */
#define GEN_JSON_MAX_DEPTH   64
#define GEN_JSON_MAX_MEMBERS 1024
#define GEN_JSON_MAX_VALUES  (1u << 20)

/*
 * Reads strict JSON (RFC 8259) within the limits above into `tree`. On failure
 * returns NO_MEMORY, or INVALID and the offset of the malformed byte in
 * `error_offset`.
 */
shmrpc_status gen_read_json(gen_tree *tree, const char *text, size_t len,
                            gen_value **out, size_t *error_offset);

#endif
