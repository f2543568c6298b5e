/*
 * Inputs: walking folders.
 *
 * Files are sorted by name, so that the same command line gives the same output
 * and the same report on every machine. Paths are joined as a person would
 * write them, without "./".
 */
#define _DEFAULT_SOURCE /* d_type */
#include "generator/command/inputs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator/output.h"

/* Maximum nesting of folders; deeper nesting is a mistake, or a loop of
 * mounts. */
#define MAX_FOLDERS 64

void gen_inputs_init(gen_inputs *inputs)
{
    *inputs = (gen_inputs){.paths = NULL};
    shmrpci_arena_init(&inputs->arena, 0);
}

void gen_inputs_fini(gen_inputs *inputs)
{
    free(inputs->paths);
    shmrpci_arena_fini(&inputs->arena);
    *inputs = (gen_inputs){.paths = NULL};
}

/* Prints the error. Always returns false, for the caller to return. */
static bool fail(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    return false;
}

/* The path itself isn't copied: it is in the arena or in argv. */
static bool push(gen_inputs *inputs, const char *path)
{
    if (inputs->count == inputs->room) {
        size_t room = inputs->room > 0 ? 2 * inputs->room : 16;
        const char **paths = realloc(inputs->paths, room * sizeof *paths);
        if (paths == NULL) {
            return fail(path, "out of memory");
        }
        inputs->paths = paths;
        inputs->room = room;
    }
    inputs->paths[inputs->count++] = path;
    return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Filters by name. Targets of links, and entries whose type the file system
 * does not report, are checked later. */
static int is_wanted(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    bool is_svc = len > 4 && strcmp(entry->d_name + len - 4, ".svc") == 0;
    bool may_be_folder = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
    return entry->d_name[0] != '.' && (is_svc || may_be_folder);
}

/* Joins a path in the arena; NULL if out of memory. */
static const char *join(gen_inputs *inputs, const char *folder,
                        const char *name)
{
    size_t len = strlen(folder);
    const char *slash = len > 0 && folder[len - 1] == '/' ? "" : "/";
    return strcmp(folder, ".") == 0
               ? shmrpci_arena_printf(&inputs->arena, "%s", name)
               : shmrpci_arena_printf(&inputs->arena, "%s%s%s", folder, slash,
                                      name);
}

static bool add_folder(gen_inputs *inputs, const char *folder, size_t depth)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_wanted, by_name);
    if (count < 0) {
        perror(folder);
        return false;
    }
    bool ok = depth < MAX_FOLDERS || fail(folder, "too many folders deep");
    for (int i = 0; i < count; i++) {
        const char *path = ok ? join(inputs, folder, entries[i]->d_name) : NULL;
        bool is_folder = entries[i]->d_type != DT_REG && path != NULL &&
                         gen_output_is_folder(path);
        /* Links to folders are not followed: they could lead to a parent
         * folder. */
        bool follows = entries[i]->d_type != DT_LNK || !is_folder;
        if (ok && path == NULL) {
            ok = fail(folder, "out of memory");
        } else if (is_folder && follows) {
            ok = add_folder(inputs, path, depth + 1);
        } else if (ok && !is_folder && gen_output_is_file(path)) {
            ok = push(inputs, path);
        }
        /* After a failure the remaining entries are only freed. */
        free(entries[i]);
    }
    free(entries);
    return ok;
}

bool gen_inputs_add(gen_inputs *inputs, const char *path)
{
    return gen_output_is_folder(path) ? add_folder(inputs, path, 0)
                                      : push(inputs, path);
}

bool gen_inputs_add_below(gen_inputs *inputs, const char *folder,
                          const char *name)
{
    const char *path = join(inputs, folder, name);
    return path != NULL ? push(inputs, path) : fail(folder, "out of memory");
}
