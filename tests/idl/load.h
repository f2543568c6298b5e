/* Loads a text in a test, and keeps its diagnostics as text. */
#ifndef TESTS_IDL_LOAD_H
#define TESTS_IDL_LOAD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "idl/canonical.h"
#include "idl/idl.h"

typedef struct test_load {
    shmrpci_arena arena;
    idl_diags diags;
    shmrpci_buf rendered;
    const idl_schema *schema; /* NULL if there were errors */
    shmrpc_status status;
} test_load;

static inline void test_load_init(test_load *l, size_t arena_limit)
{
    shmrpci_arena_init(&l->arena, arena_limit);
    idl_diags_init(&l->diags);
    shmrpci_buf_init_heap(&l->rendered);
    l->schema = NULL;
}

static inline void test_load_text(test_load *l, const char *text)
{
    test_load_init(l, 0);
    l->status = idl_load_text(NULL, "test.svc", text, strlen(text), &l->arena,
                              &l->diags, &l->schema);
    idl_diags_render(&l->diags, &l->rendered);
}

static inline void test_load_fini(test_load *l)
{
    shmrpci_buf_fini(&l->rendered);
    shmrpci_arena_fini(&l->arena);
}

/* Loads text that must be valid; prints the diagnostics if it isn't. */
static inline void test_load_good(test_load *l, const char *text)
{
    test_load_text(l, text);
    if (l->status != SHMRPC_OK) {
        (void)printf("%s", shmrpci_buf_text(&l->rendered));
    }
    assert_int_equal(l->status, SHMRPC_OK);
}

/* Loads text that must be invalid; the diagnostics must contain `expected`. */
static inline void test_load_bad(const char *text, const char *expected)
{
    test_load l;
    test_load_text(&l, text);
    const char *got = l.rendered.len > 0 ? shmrpci_buf_text(&l.rendered) : "";
    if (strstr(got, expected) == NULL) {
        (void)printf("expected: %s\ngot: %s\n", expected, got);
    }
    assert_non_null(strstr(got, expected));
    assert_int_equal(l.status, SHMRPC_E_INVALID);
    assert_null(l.schema);
    test_load_fini(&l);
}

#endif
