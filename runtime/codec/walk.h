/*
 * The state that every walk over a type table has: its position and depth, and
 * its errors.
 *
 * A path costs nothing unless there is an error: each open container has one
 * step on the C stack that points to the step above it; only an error turns
 * this list into text such as `query.filters["lang"]`.
 *
 * Threading: a walk belongs to one thread.
 */
#ifndef SHMRPCI_CODEC_WALK_H
#define SHMRPCI_CODEC_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "codec/codec.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"
#include "shmrpc/types.h"

typedef enum shmrpci_step_kind {
    SHMRPCI_STEP_NONE = 0, /* the container itself */
    SHMRPCI_STEP_FIELD,    /* .name */
    SHMRPCI_STEP_INDEX,    /* [3] */
    SHMRPCI_STEP_KEY       /* ["lang"] */
} shmrpci_step_kind;

typedef struct shmrpci_step {
    const struct shmrpci_step *up;
    shmrpci_step_kind kind;
    size_t index;
    const char *name;
    const shmrpc_type *key_type; /* type of the C value at `key` */
    const void *key;
} shmrpci_step;

typedef struct shmrpci_walk {
    const shmrpci_step *top; /* the innermost container, or NULL */
    const char *root;        /* the beginning of a path; may be "" or NULL */
    shmrpc_error *error;     /* may be NULL */
    unsigned depth;
} shmrpci_walk;

static inline void shmrpci_step_field(shmrpci_step *step, const char *name)
{
    step->kind = SHMRPCI_STEP_FIELD;
    step->name = name;
}

static inline void shmrpci_step_index(shmrpci_step *step, size_t index)
{
    step->kind = SHMRPCI_STEP_INDEX;
    step->index = index;
}

/* Sets a step to a key; `key` is a C value of type `type`. */
static inline void shmrpci_step_key(shmrpci_step *step, const shmrpc_type *type,
                                    const void *key)
{
    step->kind = SHMRPCI_STEP_KEY;
    step->key_type = type;
    step->key = key;
}

/* Records INVALID with the path and the formatted message; returns INVALID. */
int shmrpci_walk_fail(const shmrpci_walk *walk, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Records INVALID "duplicate key", with the key at the end of the path. */
int shmrpci_walk_duplicate(const shmrpci_walk *walk,
                           const shmrpc_type *key_type, const void *key);

/* Records and returns a status with its standard text. */
int shmrpci_walk_status(const shmrpci_walk *walk, int status);

/* Records INVALID "nested deeper than 64 levels". */
int shmrpci_walk_too_deep(const shmrpci_walk *walk);

/* gcc 12 warns that the link dangles; leave removes it in time. */
#if defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdangling-pointer"
#endif

/* Enters a container: counts the level and links `step`, which the caller keeps
 * on its stack until leave. After a failure there is nothing to undo. */
static inline int shmrpci_walk_enter(shmrpci_walk *walk, shmrpci_step *step)
{
    if (walk->depth >= SHMRPCI_CODEC_MAX_DEPTH) {
        return shmrpci_walk_too_deep(walk);
    }
    walk->depth++;
    step->up = walk->top;
    step->kind = SHMRPCI_STEP_NONE;
    walk->top = step;
    return SHMRPC_OK;
}

#if defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

static inline void shmrpci_walk_leave(shmrpci_walk *walk,
                                      const shmrpci_step *step)
{
    walk->depth--;
    walk->top = step->up;
}

/* Checks a C value against the bounds of its type: numbers by value, others by
 * length. Returns OK, or INVALID, as in "length 512, allowed 1..256". */
int shmrpci_walk_bounds_slow(const shmrpci_walk *walk, const shmrpc_type *type,
                             const void *value);

static inline int shmrpci_walk_bounds(const shmrpci_walk *walk,
                                      const shmrpc_type *type,
                                      const void *value)
{
    if ((type->flags & SHMRPC_TYPE_BOUNDED) == 0) {
        return SHMRPC_OK;
    }
    return shmrpci_walk_bounds_slow(walk, type, value);
}

/* Checks a length that is known before its value. */
int shmrpci_walk_bad_length(const shmrpci_walk *walk, const shmrpc_type *type,
                            uint64_t length);

static inline int shmrpci_walk_length(const shmrpci_walk *walk,
                                      const shmrpc_type *type, uint64_t length)
{
    if ((type->flags & SHMRPC_TYPE_BOUNDED) == 0 ||
        (length >= type->min && length <= type->max)) {
        return SHMRPC_OK;
    }
    return shmrpci_walk_bad_length(walk, type, length);
}

/* Checks a length for a value that is about to be written: also refuses a
 * length without data, which a caller or a handler may pass. */
int shmrpci_walk_no_data(const shmrpci_walk *walk, size_t length);

static inline int shmrpci_walk_view(const shmrpci_walk *walk,
                                    const shmrpc_type *type, const void *data,
                                    size_t length)
{
    return data == NULL && length > 0 ? shmrpci_walk_no_data(walk, length)
                                      : shmrpci_walk_length(walk, type, length);
}

/* Checks an `any` that is about to be written: only its own length, not those
 * of its contents. */
int shmrpci_walk_any(const shmrpci_walk *walk, const shmrpc_any *value);

/* Return the human-readable name of a type or kind: "u32", "list", or the name
 * of a struct. */
const char *shmrpci_type_text(const shmrpc_type *type);
const char *shmrpci_kind_text(shmrpc_kind kind);

#endif
