/*
 * Finds and loads the old version of a .svc.
 *
 * Imports are the difficult part. The files that an old file imports must also
 * be of the old version. A folder of -I may be part of the versioned tree (then
 * its old version counts) or of another project (then the current one does). So
 * the two roots are found first: the folder of the old version, and the current
 * folder that corresponds to it. Every folder of -I below the current root is
 * then replaced by its old version.
 *
 * With git there are no old folders: the reader, which is called for each file,
 * asks git for the file, and reads files outside of the repository from disk.
 */
#include "generator/check/old_version.h"

#include <stdint.h>
#include <string.h>

#include "generator/check/git.h"
#include "generator/import_path.h"
#include "generator/output.h"
#include "idl/limits.h"

/* At least twice the number of import folders that a command line may have,
 * plus the old version's own folder. */
#define MAX_IMPORT_DIRS 130

/* ---- old imports ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* A folder of the old version, and the current folder that it is an old version
 * of. */
typedef struct versions {
    const char *was;
    const char *now;
} versions;

/* The folder of the old version that corresponds to `dir`; NULL if `dir` is new
 * or outside of the versioned folders. */
static const char *old_dir(gen_tree *tree, versions v, const char *dir)
{
    const char *below = gen_path_below(tree, v.now, dir);
    below = below == NULL && dir[0] != '/' ? dir : below;
    const char *was =
        below != NULL ? gen_print(tree, "%s/%s", v.was, below) : NULL;
    return was != NULL && gen_output_is_folder(was) ? was : NULL;
}

/* Loads a file of the old version; its own folder is searched first for
 * imports. */
static shmrpc_status load_file(const gen_old_version *old, gen_tree *tree,
                               versions v, const char *file,
                               shmrpci_arena *arena, idl_diags *diags,
                               const idl_schema **out)
{
    const char *dirs[MAX_IMPORT_DIRS];
    size_t count = 0;
    dirs[count++] = v.was;
    for (size_t i = 0; i < old->import_dir_count && count < MAX_IMPORT_DIRS;
         i++) {
        const char *dir = old->import_dirs[i];
        const char *was = old_dir(tree, v, dir);
        dirs[count++] = was != NULL ? was : dir;
    }
    idl_options options = {.import_dirs = dirs, .import_dir_count = count};
    return idl_load(&options, file, arena, diags, out);
}

/* ---- from a folder ---- */

/* The part of `path` before `at`, as a folder; "." if that is empty. */
static const char *head(gen_tree *tree, const char *path, const char *at)
{
    return at == path ? "."
                      : gen_string_n(tree, path, (size_t)(at - path))->text;
}

/* The start of the last part of the path before `at`. */
static const char *part_before(const char *path, const char *at)
{
    at--;
    while (at > path && at[-1] != '/') {
        at--;
    }
    return at;
}

static const char *folder_of(gen_tree *tree, const char *path)
{
    return head(tree, path, base_name(path));
}

/* The old version's file for `path` if `against` is an old version of `root`;
 * sets `*v` to the two folders. NULL if the file doesn't exist. */
static const char *try_root(const gen_old_version *old, gen_tree *tree,
                            const char *root, const char *path, versions *v)
{
    const char *below = gen_path_below(tree, root, path);
    const char *file =
        below != NULL ? gen_print(tree, "%s/%s", old->against, below) : NULL;
    if (file == NULL || !gen_output_is_file(file)) {
        return NULL;
    }
    *v = (versions){old->against, root};
    return file;
}

static const char *find_in_folder(const gen_old_version *old, gen_tree *tree,
                                  const char *path, versions *v)
{
    if (old->root != NULL) {
        return try_root(old, tree, old->root, path, v);
    }
    const char *file = try_root(old, tree, ".", path, v);
    for (size_t i = 0; file == NULL && i < old->import_dir_count; i++) {
        file = try_root(old, tree, old->import_dirs[i], path, v);
    }
    return file != NULL ? file
                        : try_root(old, tree, folder_of(tree, path), path, v);
}

static shmrpc_status load_from_folder(const gen_old_version *old,
                                      gen_tree *tree, const char *path,
                                      shmrpci_arena *arena, idl_diags *diags,
                                      const idl_schema **out,
                                      shmrpci_buf *message)
{
    versions v;
    const char *file = find_in_folder(old, tree, path, &v);
    if (gen_tree_status(tree) != SHMRPC_OK) {
        return SHMRPC_E_NO_MEMORY;
    }
    if (file == NULL) {
        shmrpci_buf_printf(message, "there is no `%s` in the folder `%s`",
                           base_name(path), old->against);
        return SHMRPC_E_NOT_FOUND;
    }
    return load_file(old, tree, v, file, arena, diags, out);
}

/* ---- from a file ---- */

/* The roots of two files: their paths without the names at the end that are
 * equal in both. The roots of a/x/y.svc and b/x/y.svc are a and b. */
static versions roots_of(gen_tree *tree, const char *was, const char *now)
{
    versions v = {folder_of(tree, was), folder_of(tree, now)};
    const char *a = base_name(was);
    const char *b = base_name(now);
    while (strcmp(a, b) == 0) {
        v.was = head(tree, was, a);
        v.now = head(tree, now, b);
        if (a == was || b == now) {
            break;
        }
        a = part_before(was, a);
        b = part_before(now, b);
    }
    return v;
}

/* The file may have been renamed: then only the two folders correspond. */
static shmrpc_status load_from_file(const gen_old_version *old, gen_tree *tree,
                                    const char *path, shmrpci_arena *arena,
                                    idl_diags *diags, const idl_schema **out)
{
    versions v = roots_of(tree, old->against, path);
    return gen_tree_status(tree) == SHMRPC_OK
               ? load_file(old, tree, v, old->against, arena, diags, out)
               : SHMRPC_E_NO_MEMORY;
}

/* ---- from git ---- */

/* The state of read_from_git, and the sources that it created. While imports
 * are searched, sources have their plain paths; afterwards the revision is put
 * before each path, for messages. */
typedef struct git_reader {
    const char *revision;
    const char *top; /* top folder of the repository */
    gen_tree *tree;
    idl_source *sources[IDL_MAX_FILES];
    size_t count;
} git_reader;

/* Called by the front end for each file. A file that is in the repository now
 * but not in the revision is reported as not found, because it did not
 * exist. */
static shmrpc_status read_from_git(shmrpci_arena *arena, const char *path,
                                   const idl_source **out, size_t *bad_offset,
                                   void *user)
{
    git_reader *reader = user;
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpc_status status =
        gen_git_read(reader->revision, path, IDL_MAX_FILE_BYTES, &text);
    if (status == SHMRPC_OK) {
        const char *chars = shmrpci_buf_text(&text);
        status = chars == NULL
                     ? SHMRPC_E_NO_MEMORY
                     : idl_source_from_text(arena, path, chars, text.len, out,
                                            bad_offset);
    }
    shmrpci_buf_fini(&text);
    if (status == SHMRPC_E_NOT_FOUND &&
        gen_path_below(reader->tree, reader->top, path) == NULL) {
        /* The file belongs to another project, of which the revision is
         * unknown. */
        return idl_source_read(arena, path, out, bad_offset);
    }
    if (status == SHMRPC_OK && reader->count < IDL_MAX_FILES) {
        /* The cast is safe: this function created the source for this
         * reader. */
        reader->sources[reader->count++] = (idl_source *)(uintptr_t)*out;
    }
    return status;
}

/* Called after loading, because until then the front end finds imports by the
 * plain paths. */
static void show_revision(git_reader *reader, shmrpci_arena *arena)
{
    for (size_t i = 0; i < reader->count; i++) {
        idl_source *source = reader->sources[i];
        const char *path = shmrpci_arena_printf(arena, "%s:%s",
                                                reader->revision, source->path);
        source->path = path != NULL ? path : source->path;
    }
}

static shmrpc_status load_from_git(const gen_old_version *old, gen_tree *tree,
                                   const char *path, shmrpci_arena *arena,
                                   idl_diags *diags, const idl_schema **out,
                                   shmrpci_buf *message)
{
    git_reader reader = {.revision = old->against, .tree = tree};
    shmrpc_status status = gen_git_check(old->against, path, message);
    if (status != SHMRPC_OK) {
        /* INVALID would mean that the old version has errors. */
        return status == SHMRPC_E_INVALID ? SHMRPC_E_NOT_FOUND : status;
    }
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    status = gen_git_top(path, &text);
    reader.top = gen_string_n(tree, text.len > 0 ? (const char *)text.data : "",
                              text.len)
                     ->text;
    shmrpci_buf_reset(&text);
    if (status == SHMRPC_OK) {
        status = gen_git_read(old->against, path, IDL_MAX_FILE_BYTES, &text);
    }
    shmrpci_buf_fini(&text);
    if (status == SHMRPC_E_NOT_FOUND) {
        shmrpci_buf_printf(message, "`%s` is not in revision `%s`", path,
                           old->against);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    idl_options options = {.import_dirs = old->import_dirs,
                           .import_dir_count = old->import_dir_count,
                           .read = read_from_git,
                           .user = &reader};
    status = idl_load(&options, path, arena, diags, out);
    show_revision(&reader, arena);
    return status;
}

/* If `against` names an existing file or folder, this takes precedence over a
 * revision of the same name. */
shmrpc_status gen_old_version_load(const gen_old_version *old, const char *path,
                                   shmrpci_arena *arena, idl_diags *diags,
                                   const idl_schema **out, shmrpci_buf *message)
{
    gen_tree tree;
    gen_tree_init(&tree);
    shmrpc_status status =
        gen_output_is_folder(old->against)
            ? load_from_folder(old, &tree, path, arena, diags, out, message)
        : gen_output_is_file(old->against)
            ? load_from_file(old, &tree, path, arena, diags, out)
            : load_from_git(old, &tree, path, arena, diags, out, message);
    gen_tree_fini(&tree);
    return status;
}
