/* Output: files are written only if changed, and atomically; folders and
 * depfiles. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generator/output.h"

static char folder[] = "/tmp/shmrpc-output-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[80];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void writes_only_what_changes(void **state)
{
    (void)state;
    const char *path = in_folder("a.h");
    shmrpc_error error;
    bool changed = false;
    struct stat first;
    struct stat second;
    assert_int_equal(gen_output_write(path, "one", 3, &changed, &error), 0);
    assert_true(changed);
    assert_int_equal(stat(path, &first), 0);
    assert_int_equal(first.st_mode & 0400, 0400);
    assert_int_equal(gen_output_write(path, "one", 3, &changed, &error), 0);
    assert_false(changed);
    assert_int_equal(stat(path, &second), 0);
    assert_int_equal(first.st_ino, second.st_ino);
    assert_int_equal(gen_output_write(path, "two", 3, &changed, &error), 0);
    assert_true(changed);
    assert_int_equal(gen_output_write(path, "tw", 2, &changed, &error), 0);
    assert_true(changed);
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    assert_int_equal(gen_output_read(path, &text, &error), 0);
    assert_string_equal(shmrpci_buf_text(&text), "tw");
    shmrpci_buf_fini(&text);
}

/* Appends `text` in pieces of 5,000 bytes, as a large file is rendered. */
static void append_pieces(gen_output *output, const char *text, size_t len)
{
    shmrpc_error error;
    for (size_t at = 0; at < len; at += 5000) {
        size_t part = len - at < 5000 ? len - at : 5000;
        assert_int_equal(gen_output_append(output, text + at, part, &error), 0);
    }
}

/* Compares existing files with a new text: equal, longer, shorter, and
 * different at the beginning, in the middle and at the end. */
static void compares_piece_by_piece(void **state)
{
    (void)state;
    static char text[60001];
    const char *path = in_folder("p.h");
    static const struct {
        size_t len;
        size_t differs_at; /* SIZE_MAX: does not differ */
    } cases[] = {{60000, SIZE_MAX}, {60001, SIZE_MAX}, {30000, SIZE_MAX},
                 {0, SIZE_MAX},     {60000, 0},        {60000, 20000},
                 {60000, 59999}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(text, 'a', sizeof text);
        assert_int_equal(gen_output_write(path, text, 60000, NULL, NULL), 0);
        if (cases[i].differs_at != SIZE_MAX) {
            text[cases[i].differs_at] = 'b';
        }
        gen_output output;
        gen_output_begin(&output, path);
        append_pieces(&output, text, cases[i].len);
        gen_output_abandon(&output);
        gen_output_begin(&output, path);
        append_pieces(&output, text, cases[i].len);
        bool changed = false;
        assert_int_equal(gen_output_commit(&output, &changed, NULL), 0);
        assert_int_equal(changed, i != 0);
        shmrpci_buf got;
        shmrpci_buf_init_heap(&got);
        assert_int_equal(gen_output_read(path, &got, NULL), 0);
        assert_int_equal(got.len, cases[i].len);
        if (got.len > 0) {
            assert_memory_equal(got.data, text, got.len);
        }
        shmrpci_buf_fini(&got);
    }
}

static void leaves_what_is_abandoned(void **state)
{
    (void)state;
    const char *path = in_folder("q.h");
    assert_int_equal(gen_output_write(path, "old", 3, NULL, NULL), 0);
    gen_output output;
    gen_output_begin(&output, path);
    assert_int_equal(gen_output_append(&output, "new", 3, NULL), 0);
    gen_output_abandon(&output);
    shmrpci_buf got;
    shmrpci_buf_init_heap(&got);
    assert_int_equal(gen_output_read(path, &got, NULL), 0);
    assert_string_equal(shmrpci_buf_text(&got), "old");
    shmrpci_buf_fini(&got);
}

static void leaves_nothing_behind(void **state)
{
    (void)state;
    shmrpc_error error;
    assert_int_equal(gen_output_write(in_folder("n.h"), "x", 1, NULL, &error),
                     0);
    assert_int_equal(mkdir(in_folder("n.d"), 0700), 0);
    assert_int_equal(mkdir(in_folder("n.d/full"), 0700), 0);
    assert_int_not_equal(
        gen_output_write(in_folder("n.d"), "x", 1, NULL, &error), 0);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *at = readdir(dir); at != NULL;
         at = readdir(dir)) {
        assert_true(strlen(at->d_name) <= 3);
    }
    closedir(dir);
}

static void makes_folders(void **state)
{
    (void)state;
    shmrpc_error error;
    const char *path = in_folder("x/y//z/");
    assert_int_equal(gen_output_make_folder(path, &error), 0);
    assert_int_equal(gen_output_make_folder(path, &error), 0);
    assert_int_equal(gen_output_write(in_folder("x/y/z/f"), "", 0, NULL, NULL),
                     0);
    assert_int_not_equal(gen_output_make_folder(in_folder("x/y/z/f/g"), &error),
                         0);
    assert_non_null(strstr(error.message, "x/y/z/f: Not a directory"));
}

static void says_why_it_failed(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    const char *path = in_folder("absent/f");
    assert_int_equal(gen_output_read(path, &text, &error), SHMRPC_E_NOT_FOUND);
    assert_int_equal(gen_output_write(path, "x", 1, NULL, &error),
                     SHMRPC_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "absent/f: No such file"));
    shmrpci_buf_fini(&text);
}

static void depfiles_are_escaped(void **state)
{
    (void)state;
    const char *targets[] = {"out/a.h", "out/b c.h"};
    const char *sources[] = {"a.svc", "x$y.svc", "C:#1.svc"};
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    gen_output_depfile(targets, 2, sources, 3, &out);
    assert_string_equal(shmrpci_buf_text(&out),
                        "out/a.h \\\n"
                        "  out/b\\ c.h: \\\n"
                        "  a.svc \\\n"
                        "  x$$y.svc \\\n"
                        "  C\\:\\#1.svc\n"
                        "x$$y.svc:\n"
                        "C\\:\\#1.svc:\n");
    shmrpci_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_only_what_changes),
        cmocka_unit_test(compares_piece_by_piece),
        cmocka_unit_test(leaves_what_is_abandoned),
        cmocka_unit_test(leaves_nothing_behind),
        cmocka_unit_test(makes_folders),
        cmocka_unit_test(says_why_it_failed),
        cmocka_unit_test(depfiles_are_escaped),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
