/* Import paths: computed from the path of a file and the import folders. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "generator/import_path.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Applies a ".." to the path: removes its last part. Returns false if the ".."
 * must be kept instead, because the path is relative and is empty or ends with
 * "..". */
static bool take_off(char *out, size_t *len)
{
    size_t at = *len;
    while (at > 0 && out[at - 1] != '/') {
        at--;
    }
    if (*len == 0 || strcmp(out + at, "..") == 0) {
        return out[0] == '/';
    }
    *len = at > 1 ? at - 1 : at;
    out[*len] = '\0';
    return true;
}

/* `path` without empty parts, ".", and parts that are followed by "..". */
static const char *plain(gen_tree *tree, const char *path)
{
    char *out = shmrpci_arena_alloc(&tree->arena, strlen(path) + 2, 1);
    if (out == NULL) {
        tree->out_of_memory = true;
        return path;
    }
    size_t len = path[0] == '/';
    memcpy(out, "/", 2);
    out[len] = '\0';
    while (*path != '\0') {
        size_t part = strcspn(path, "/");
        bool is_up = part == 2 && memcmp(path, "..", 2) == 0;
        bool is_here = part == 0 || (part == 1 && path[0] == '.');
        if (!is_here && !(is_up && take_off(out, &len))) {
            if (len > 0 && out[len - 1] != '/') {
                out[len++] = '/';
            }
            memcpy(out + len, path, part);
            len += part;
            out[len] = '\0';
        }
        path += part;
        path += *path == '/';
    }
    return out;
}

static const char *absolute(gen_tree *tree, const char *path)
{
    if (path[0] == '/') {
        return plain(tree, path);
    }
    char *here = realpath(".", NULL);
    const char *all =
        plain(tree, here != NULL ? gen_print(tree, "%s/%s", here, path) : path);
    free(here);
    return all;
}

const char *gen_path_below(gen_tree *tree, const char *dir, const char *path)
{
    const char *root = absolute(tree, dir);
    const char *all = absolute(tree, path);
    size_t len = strlen(root);
    len -= len == 1; /* for the root folder, whose path ends with a slash */
    if (strncmp(all, root, len) != 0 || (all[len] != '/' && all[len] != '\0')) {
        return NULL;
    }
    return all + len + (all[len] == '/');
}

const char *gen_import_path(gen_tree *tree, gen_import_dirs dirs,
                            const char *path)
{
    for (size_t i = 0; i < dirs.count; i++) {
        const char *found = gen_path_below(tree, dirs.dirs[i], path);
        if (found != NULL) {
            return found;
        }
    }
    return base_name(path);
}

const char *gen_import_path_of(gen_tree *tree, gen_import_dirs dirs,
                               const idl_import *import)
{
    const char *path = plain(tree, import->path);
    bool leaves = path[0] == '/' || strncmp(path, "../", 3) == 0;
    return leaves ? gen_import_path(tree, dirs, import->file->source->path)
                  : path;
}

const char *gen_import_stem(gen_tree *tree, const char *path)
{
    size_t len = strlen(path);
    if (len > 4 && strcmp(path + len - 4, ".svc") == 0) {
        len -= 4;
    }
    return gen_string_n(tree, path, len)->text;
}
