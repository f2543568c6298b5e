/* The old version of a .svc: found and loaded. */
#include "generator/check/old_version.h"

#include <stdint.h>
#include <string.h>

#include "generator/check/git.h"
#include "generator/output.h"
#include "idl/limits.h"

#define MAX_IMPORT_DIRS 130

/* ---- from a file or a folder ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Import folders inside `folder`, then as given. */
static size_t import_dirs_in(const gen_old_version *old, const char *folder,
                             shmrpci_arena *arena, const char **dirs)
{
    size_t count = 0;
    dirs[count++] = folder;
    for (size_t i = 0; i < old->import_dir_count; i++) {
        const char *dir = old->import_dirs[i];
        const char *inside =
            dir[0] == '/' ? NULL
                          : shmrpci_arena_printf(arena, "%s/%s", folder, dir);
        if (inside != NULL && count + 2 < MAX_IMPORT_DIRS) {
            dirs[count++] = inside;
        }
        if (count + 1 < MAX_IMPORT_DIRS) {
            dirs[count++] = dir;
        }
    }
    return count;
}

static shmrpc_status load_from_folder(const gen_old_version *old,
                                      const char *path, shmrpci_arena *arena,
                                      idl_diags *diags, const idl_schema **out,
                                      shmrpci_buf *message)
{
    const char *dirs[MAX_IMPORT_DIRS];
    const char *file = shmrpci_arena_printf(arena, "%s/%s", old->against, path);
    if (file != NULL && (path[0] == '/' || !gen_output_is_file(file))) {
        file =
            shmrpci_arena_printf(arena, "%s/%s", old->against, base_name(path));
    }
    if (file == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    if (!gen_output_is_file(file)) {
        shmrpci_buf_printf(message, "there is no `%s` in the folder `%s`",
                           base_name(path), old->against);
        return SHMRPC_E_NOT_FOUND;
    }
    idl_options options = {.import_dirs = dirs};
    options.import_dir_count = import_dirs_in(old, old->against, arena, dirs);
    return idl_load(&options, file, arena, diags, out);
}

/* ---- from git ---- */

/* Sources are known by their plain paths while imports are looked for; for
 * people they get the revision in front afterwards. */
typedef struct git_reader {
    const char *revision;
    idl_source *sources[IDL_MAX_FILES];
    size_t count;
} git_reader;

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
    if (status == SHMRPC_OK && reader->count < IDL_MAX_FILES) {
        /* It was made here, for this reader alone. */
        reader->sources[reader->count++] = (idl_source *)(uintptr_t)*out;
    }
    return status;
}

static void show_revision(git_reader *reader, shmrpci_arena *arena)
{
    for (size_t i = 0; i < reader->count; i++) {
        idl_source *source = reader->sources[i];
        const char *path = shmrpci_arena_printf(arena, "%s:%s",
                                                reader->revision, source->path);
        source->path = path != NULL ? path : source->path;
    }
}

static shmrpc_status load_from_git(const gen_old_version *old, const char *path,
                                   shmrpci_arena *arena, idl_diags *diags,
                                   const idl_schema **out, shmrpci_buf *message)
{
    git_reader reader = {.revision = old->against};
    shmrpc_status status = gen_git_check(old->against, path, message);
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_INVALID ? SHMRPC_E_NOT_FOUND : status;
    }
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    status = gen_git_read(old->against, path, IDL_MAX_FILE_BYTES, &text);
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

shmrpc_status gen_old_version_load(const gen_old_version *old, const char *path,
                                   shmrpci_arena *arena, idl_diags *diags,
                                   const idl_schema **out, shmrpci_buf *message)
{
    if (gen_output_is_folder(old->against)) {
        return load_from_folder(old, path, arena, diags, out, message);
    }
    if (gen_output_is_file(old->against)) {
        idl_options options = {.import_dirs = old->import_dirs,
                               .import_dir_count = old->import_dir_count};
        return idl_load(&options, old->against, arena, diags, out);
    }
    return load_from_git(old, path, arena, diags, out, message);
}
