/* Code that the tests of shared objects share. */
#include "stage.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

const char *stage_path(const char *file)
{
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/objects/%s", stage_folder(), file);
    return path;
}

void stage_expect(int status, int expected, const shmrpc_error *error,
                  const char *file, int line)
{
    if (status != expected) {
        char text[SHMRPC_ERROR_TEXT_BYTES] = "";
        if (error != NULL && status != SHMRPC_OK) {
            (void)shmrpc_error_text(error, text, sizeof text);
        }
        print_error("expected %s, got %s: %s\n", shmrpc_status_name(expected),
                    shmrpc_status_name(status), text);
        _fail(file, line);
    }
}

void stage_expect_here(int status, const shmrpc_error *error, const char *file,
                       int line)
{
    if (status != SHMRPC_OK) {
        char text[SHMRPC_ERROR_TEXT_BYTES];
        stage_fail(file, line, shmrpc_error_text(error, text, sizeof text));
    }
}

void stage_expect_text(const shmrpc_error *error, const char *part)
{
    if (strstr(error->message, part) == NULL) {
        print_error("expected \"%s\" in \"%s\"\n", part, error->message);
        fail();
    }
}

typedef struct {
    const char *name;
    shmrpc_object_info *out;
    char *kind;
    int count;
} search;

static bool look(void *user, const shmrpc_object_info *info)
{
    search *of = user;
    of->count++;
    if (strcmp(info->name, of->name) == 0) {
        *of->out = *info;
        (void)snprintf(of->kind, 32, "%s", info->kind);
    }
    return true;
}

int stage_find(const char *name, shmrpc_object_info *out, char kind[32])
{
    search of = {name, out, kind, 0};
    memset(out, 0, sizeof *out);
    kind[0] = '\0';
    assert_int_equal(shmrpc_objects_visit(SHMRPC_SCOPE_USER, look, &of),
                     SHMRPC_OK);
    return of.count;
}

int stage_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count;
}
