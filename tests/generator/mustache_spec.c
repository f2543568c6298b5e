/*
 * Tests the Mustache renderer with the cases of the public specification:
 *
 *     mustache_spec FOLDER/specs/comments.json ...
 *
 * The files come from the repository mustache/spec; they are not part of this
 * tree. Prints each failure, then the totals; exits with 1 if a case failed or
 * a file could not be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "generator/mustache.h"
#include "generator/output.h"
#include "generator/value.h"

static bool find_partial(void *user, const char *name, const char **text,
                         size_t *len)
{
    const gen_value *partial = gen_get(user, name, strlen(name));
    if (partial == NULL) {
        return false;
    }
    *text = partial->text;
    *len = partial->len;
    return true;
}

static bool run_case(const gen_value *test, const char *path)
{
    const gen_value *template = gen_get(test, "template", 8);
    const gen_value *expected = gen_get(test, "expected", 8);
    const gen_value *partials = gen_get(test, "partials", 8);
    /* The cast is safe: find_partial only reads it. */
    gen_mustache_opts opts = {.lookup = find_partial,
                              .user = (void *)(uintptr_t)partials};
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    gen_mustache_error error = {.line = 0};
    shmrpc_status status =
        gen_mustache_render(&opts, "template", template->text, template->len,
                            gen_get(test, "data", 4), &out, &error);
    bool good = status == SHMRPC_OK && out.len == expected->len &&
                memcmp(shmrpci_buf_text(&out), expected->text, out.len) == 0;
    if (!good) {
        printf("FAILED %s: %s\n  expected: %s\n  got:      %s\n", path,
               gen_text(test, "name"), expected->text,
               status == SHMRPC_OK ? shmrpci_buf_text(&out) : error.message);
    }
    shmrpci_buf_fini(&out);
    return good;
}

static bool run_file(const char *path, unsigned *passed, unsigned *total)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpc_error error;
    gen_tree tree;
    gen_tree_init(&tree);
    gen_value *root = NULL;
    size_t offset = 0;
    bool good = gen_output_read(path, &text, &error) == SHMRPC_OK;
    if (!good) {
        fprintf(stderr, "mustache_spec: %s\n", error.message);
    } else if (gen_read_json(&tree, (char *)text.data, text.len, &root,
                             &offset) != SHMRPC_OK) {
        fprintf(stderr, "mustache_spec: %s is not JSON at byte %zu\n", path,
                offset);
        good = false;
    } else {
        const gen_value *tests = gen_get(root, "tests", 5);
        for (const gen_value *at = tests != NULL ? gen_first(tests) : NULL;
             at != NULL; at = gen_next(tests, at)) {
            *passed += run_case(at, path);
            *total += 1;
        }
    }
    gen_tree_fini(&tree);
    shmrpci_buf_fini(&text);
    return good;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr,
                "usage: mustache_spec FILE.json ... (from specs/ of "
                "the mustache/spec repository)\n");
        return 2;
    }
    unsigned passed = 0;
    unsigned total = 0;
    bool readable = true;
    for (int i = 1; i < argc; i++) {
        readable = run_file(argv[i], &passed, &total) && readable;
    }
    printf("mustache specification: %u of %u cases pass\n", passed, total);
    return readable && total > 0 && passed == total ? 0 : 1;
}
