/*
 * Listing and cleaning the folders of named objects: shmrpc/objects.h.
 *
 * Other processes may create, use and remove the files at the same time. A file
 * that vanishes meanwhile is not an error; one that can't be opened is listed
 * as UNREADABLE; one that is malformed as DAMAGED. Listing joins no object, so
 * it changes nothing.
 */
#include <string.h>

#include "objects/handle.h"
#include "os/byte_lock.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/object_find.h"

/* How long to wait for another process that is removing the same object. */
#define REMOVE_NS SHMRPCI_NS_PER_S

/* A draft with a temporary name (used where a file system has no nameless
 * files) is left alone this long: its creator may not have locked a byte of it
 * yet. */
#define DRAFT_NS (10 * SHMRPCI_NS_PER_S)

static shmrpc_status fail_named(const shmrpci_object_kind *kind,
                                const char *name, shmrpc_status status,
                                shmrpc_error *error)
{
    char text[SHMRPCI_SHORT_NAME_BYTES];
    return shmrpc_error_set(error, status, "%s \"%s\": %s", kind->name,
                            shmrpci_short_name(name == NULL ? "" : name, text),
                            shmrpc_status_text(status));
}

/* Returns NOT_FOUND if no object was ever made in this scope. */
static shmrpc_status open_folder(shmrpc_scope scope, int *out_dir)
{
    char path[SHMRPCI_OBJECT_PATH_BYTES];
    shmrpci_room room =
        scope == SHMRPC_SCOPE_USER ? SHMRPCI_ROOM_USER : SHMRPCI_ROOM_ALL_USERS;
    shmrpc_status status = shmrpci_object_folder(room, path);
    return status != SHMRPC_OK
               ? status
               : shmrpci_object_folder_open(room, path, false, out_dir);
}

/* ---- listing ------------------------------------------------------------- */

typedef struct {
    int dir_fd;
    shmrpc_object_visitor *visit;
    void *user;
} listing;

/* Takes the file system's facts first, then those that the kind knows. */
static void describe(const shmrpci_object_kind *kind, int fd,
                     shmrpc_object_info *info,
                     char texts[SHMRPCI_KIND_NAME_BYTES])
{
    shmrpci_object_facts facts;
    if (shmrpci_object_facts_of(fd, &facts) == SHMRPC_OK) {
        info->uid = facts.uid;
        info->mode = facts.mode;
        info->idle_ns = facts.age_ns > 0 ? facts.age_ns : 0;
        info->memory_bytes = facts.memory_bytes;
    }
    kind->describe(kind, fd, info, texts);
}

/* Finds the name stored in the file, or the file's own name if that can't be
 * read. */
static void find_name(const shmrpci_object_kind *kind, const char *file, int fd,
                      char name[SHMRPCI_KIND_NAME_BYTES])
{
    if (name[0] != '\0' ||
        (fd >= 0 && kind->read_name != NULL && kind->read_name(fd, name))) {
        return;
    }
    memcpy(name, file, strlen(file) + 1);
}

/* Returns true, so that the visit continues with the next file. */
static bool list_one(void *user, const char *file)
{
    const listing *of = user;
    char name[SHMRPCI_KIND_NAME_BYTES];
    char texts[SHMRPCI_KIND_NAME_BYTES];
    const shmrpci_object_kind *kind = shmrpci_kind_of_file(file, name);
    shmrpc_object_info info = {
        .name = name, .kind = "?", .type = "", .state = SHMRPC_OBJECT_DAMAGED};
    if (kind == NULL) {
        return true;
    }
    int fd = -1;
    shmrpc_status status = shmrpci_object_open(of->dir_fd, file, &fd);
    /* This process may have only read permission for an object of another
     * user. */
    if (status == SHMRPC_E_DENIED) {
        status = shmrpci_object_open_read_only(of->dir_fd, file, &fd);
    }
    if (status == SHMRPC_E_NOT_FOUND) {
        return true;
    }
    find_name(kind, file, fd, name);
    if (status == SHMRPC_OK) {
        describe(kind, fd, &info, texts);
        shmrpci_fd_close(&fd);
    } else {
        info.state = SHMRPC_OBJECT_UNREADABLE;
    }
    return of->visit(of->user, &info);
}

/* If there is no folder there are no objects. */
shmrpc_status shmrpc_objects_visit(shmrpc_scope scope,
                                   shmrpc_object_visitor *visit, void *user)
{
    listing of = {-1, visit, user};
    shmrpc_status status = open_folder(scope, &of.dir_fd);
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_NOT_FOUND ? SHMRPC_OK : status;
    }
    status = shmrpci_object_each(of.dir_fd, list_one, &of);
    shmrpci_fd_close(&of.dir_fd);
    return status;
}

shmrpc_status shmrpci_kind_open_file(const shmrpci_object_kind *kind,
                                     shmrpc_scope scope, const char *name,
                                     int *out_fd, shmrpc_error *error)
{
    char file[SHMRPCI_KIND_FILE_BYTES];
    int dir_fd;
    shmrpc_status status = shmrpci_kind_file_name(kind, name, file);
    if (status == SHMRPC_OK) {
        status = open_folder(scope, &dir_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_object_open_read_only(dir_fd, file, out_fd);
        shmrpci_fd_close(&dir_fd);
    }
    return status == SHMRPC_OK ? SHMRPC_OK
                               : fail_named(kind, name, status, error);
}

/* ---- removing ------------------------------------------------------------ */

/* The kind marks the object as destroyed before the name is removed, so that
 * its users notice. */
static shmrpc_status remove_file(const shmrpci_object_kind *kind, int dir_fd,
                                 const char *file)
{
    int fd;
    shmrpc_status status = dir_fd >= 0 ? shmrpci_object_open(dir_fd, file, &fd)
                                       : SHMRPC_E_NOT_FOUND;
    if (status == SHMRPC_OK) {
        status = shmrpci_object_remove(dir_fd, file, fd, kind->destroy,
                                       shmrpci_deadline_after(REMOVE_NS));
        shmrpci_fd_close(&fd);
    }
    return status;
}

/* Finds the only kind that has an object of that name. If there are several it
 * returns PRECONDITION, as removing the wrong one can't be undone. */
static shmrpc_status find_kind(int dir_fd, const char *name,
                               const shmrpci_object_kind **out,
                               shmrpc_error *error)
{
    const shmrpci_object_kind *found = NULL;
    bool is_good = false;
    for (const shmrpci_object_kind *const *at = shmrpci_kinds; *at != NULL;
         at++) {
        char file[SHMRPCI_KIND_FILE_BYTES];
        if (shmrpci_kind_file_name(*at, name, file) != SHMRPC_OK) {
            continue;
        }
        is_good = true;
        if (!shmrpci_object_is_there(dir_fd, file)) {
            continue;
        }
        if (found != NULL) {
            return shmrpc_error_set(
                error, SHMRPC_E_PRECONDITION,
                "there are a %s and a %s named \"%.64s\": say which",
                found->name, (*at)->name, name);
        }
        found = *at;
    }
    if (found == NULL) {
        return is_good ? shmrpc_error_set(error, SHMRPC_E_NOT_FOUND,
                                          "there is no object named \"%.64s\"",
                                          name)
                       : shmrpc_error_set(error, SHMRPC_E_INVALID,
                                          "\"%.64s\" is not a valid name "
                                          "(expected 1 to %d bytes of UTF-8)",
                                          name == NULL ? "" : name,
                                          SHMRPC_SHARED_NAME_MAX);
    }
    *out = found;
    return SHMRPC_OK;
}

static shmrpc_status remove_named(int dir_fd, const char *name,
                                  const char *kind_name, shmrpc_error *error)
{
    char file[SHMRPCI_KIND_FILE_BYTES];
    const shmrpci_object_kind *kind =
        kind_name == NULL ? NULL : shmrpci_kind_of(kind_name);
    if (kind_name != NULL && kind == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "there is no kind of object \"%.64s\"",
                                kind_name);
    }
    if (kind == NULL) {
        shmrpc_status status = find_kind(dir_fd, name, &kind, error);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    shmrpc_status status = shmrpci_kind_file_name(kind, name, file);
    if (status == SHMRPC_OK) {
        status = remove_file(kind, dir_fd, file);
    }
    return status == SHMRPC_OK ? SHMRPC_OK
                               : fail_named(kind, name, status, error);
}

shmrpc_status shmrpc_object_remove(shmrpc_scope scope, const char *name,
                                   const char *kind, shmrpc_error *error)
{
    int dir_fd;
    shmrpc_status status = open_folder(scope, &dir_fd);
    if (status == SHMRPC_E_NOT_FOUND) {
        dir_fd = -1; /* there is no such folder */
    } else if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, status, "the folder of objects: %s",
                                shmrpc_status_text(status));
    }
    status = remove_named(dir_fd, name, kind, error);
    shmrpci_fd_close(&dir_fd);
    return status;
}

typedef struct {
    int dir_fd;
    int64_t min_idle_ns;
    uint32_t removed;
} collection;

/* Whether `fd` is a dead draft. A draft's creator has locked its bytes, unless
 * the creator is dead, or the draft very young. */
static bool is_dead_draft(int fd, int64_t idle_ns, int64_t min_idle_ns)
{
    return idle_ns >= (min_idle_ns < DRAFT_NS ? DRAFT_NS : min_idle_ns) &&
           shmrpci_byte_lock_try(fd, 0, SHMRPCI_OBJECT_NAME_BYTE) == SHMRPC_OK;
}

/* Does nothing, since a draft has no users to wake. */
static void leave_as_it_is(int fd)
{
    (void)fd;
}

/* Removes objects whose lifetime is over, and drafts of dead creators. In other
 * objects it frees what dead participants held. */
static bool collect_one(void *user, const char *file)
{
    collection *of = user;
    char name[SHMRPCI_KIND_NAME_BYTES];
    shmrpci_object_facts facts;
    const shmrpci_object_kind *kind = shmrpci_kind_of_file(file, name);
    bool is_draft = shmrpci_object_is_temporary(file);
    int fd;
    if ((kind == NULL && !is_draft) ||
        shmrpci_object_open(of->dir_fd, file, &fd) != SHMRPC_OK) {
        return true;
    }
    bool is_known = shmrpci_object_facts_of(fd, &facts) == SHMRPC_OK;
    if (is_known &&
        (is_draft ? is_dead_draft(fd, facts.age_ns, of->min_idle_ns)
                  : kind->is_over(fd, facts.age_ns, of->min_idle_ns))) {
        of->removed +=
            shmrpci_object_remove(
                of->dir_fd, file, fd, is_draft ? leave_as_it_is : kind->destroy,
                shmrpci_deadline_after(REMOVE_NS)) == SHMRPC_OK;
    } else if (is_known && !is_draft && kind->bury != NULL) {
        kind->bury(fd);
    }
    shmrpci_fd_close(&fd);
    return true;
}

/* May run at the same time as any other operation, also on the same folder. */
shmrpc_status shmrpc_objects_collect(shmrpc_scope scope, int64_t min_idle_ns,
                                     uint32_t *out_removed)
{
    collection of = {-1, min_idle_ns, 0};
    shmrpc_status status = open_folder(scope, &of.dir_fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_object_each(of.dir_fd, collect_one, &of);
        shmrpci_fd_close(&of.dir_fd);
    } else if (status == SHMRPC_E_NOT_FOUND) {
        status = SHMRPC_OK;
    }
    if (status == SHMRPC_OK && out_removed != NULL) {
        *out_removed = of.removed;
    }
    return status;
}
