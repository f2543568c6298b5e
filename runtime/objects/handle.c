/*
 * Opening, comparing and closing shared objects.
 *
 * An object of the folder is a file. os/object_find.h finds, makes or replaces
 * it so that all processes that open one name at the same time get the same
 * object; this file provides the callbacks: attach to an object that was found,
 * draft a new one, and drop a draft that lost a race. A failure undoes the
 * steps before it. A draft that was never named vanishes with its descriptor.
 *
 * An object of a service is memory of its server, and its descriptor comes over
 * a socket (service.c); after that everything is the same.
 *
 * Every attach compares type, encoding and name. If they differ it returns
 * CONTRACT, so that nothing crashes later on.
 */
#include "objects/handle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/reserved.h"
#include "base/utf8.h"
#include "objects/held.h"
#include "objects/remote.h"
#include "objects/snapshot_place.h"
#include "os/byte_lock.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/thread.h"
#include "os/waiting.h"

/* How long to wait for other processes that are creating, replacing or removing
 * the same object. */
#define OPEN_NS (10 * SHMRPCI_NS_PER_S)

/* How many attempts must find all places taken, with no process judging the
 * object, before EXHAUSTED is believed. One is not enough: a judge takes all
 * places for a moment, and may have come and gone between the two checks for
 * it. */
#define REFUSALS 3u

/* SHMRPC_SHARED_WAIT: the first and the longest pause between two looks. */
#define LOOK_NS      SHMRPCI_NS_PER_MS
#define LONG_LOOK_NS (20 * SHMRPCI_NS_PER_MS)

/* Default number of places of a new object. */
#define DEFAULT_WRITERS 64u
#define ALL_FLAGS                                        \
    (SHMRPC_SHARED_READ_ONLY | SHMRPC_SHARED_ALL_USERS | \
     SHMRPC_SHARED_RECURSIVE)

/* ---- messages ------------------------------------------------------------ */

/* Makes names safe for messages, as they may have any bytes of UTF-8. */
const char *shmrpci_short_name(const char *name,
                               char out[SHMRPCI_SHORT_NAME_BYTES])
{
    size_t len = strlen(name);
    size_t cut = shmrpci_utf8_cut(name, len, SHMRPCI_SHORT_NAME_BYTES - 4);
    for (size_t i = 0; i < cut; i++) {
        bool is_control = (unsigned char)name[i] < 32 || name[i] == 127;
        out[i] = is_control ? '?' : name[i];
    }
    memcpy(out + cut, cut < len ? "..." : "", cut < len ? 4 : 1);
    return out;
}

shmrpc_status shmrpci_handle_fail(const shmrpci_handle *handle,
                                  shmrpc_status status, const char *text,
                                  shmrpc_error *error)
{
    char name[SHMRPCI_SHORT_NAME_BYTES];
    (void)shmrpc_error_set(error, status, "%s \"%s\": %s",
                           handle->face->kind->name,
                           shmrpci_short_name(handle->name, name), text);
    return status;
}

/* Keeps the error's path, because formatting the message would clear it. */
shmrpc_status shmrpci_handle_explain(const shmrpci_handle *handle,
                                     shmrpc_status status, shmrpc_error *error)
{
    char text[SHMRPC_ERROR_MESSAGE_BYTES];
    char path[SHMRPC_ERROR_PATH_BYTES];
    if (status == SHMRPC_OK || error == NULL) {
        return status;
    }
    bool is_said = error->code == (int32_t)status && error->message[0] != '\0';
    memcpy(path, error->path, sizeof path);
    memcpy(text, error->message, sizeof text);
    (void)shmrpci_handle_fail(
        handle, status, is_said ? text : shmrpc_status_text(status), error);
    if (is_said) {
        memcpy(error->path, path, sizeof path);
    }
    return status;
}

static const char *encoding_name(uint32_t encoding)
{
    const shmrpci_codec *codec = shmrpci_codec_of(encoding);
    return codec != NULL ? codec->name : "an unknown encoding";
}

/* ---- options ------------------------------------------------------------- */

/* Whether the type is `any`. NULL counts as `any`: pipes have no type. */
static bool is_any(const shmrpc_type *type)
{
    return type == NULL || type->kind == SHMRPC_KIND_ANY;
}

/* The row of an object of any shape, as the declaration in a `.svc` would make
 * it. */
shmrpc_shared shmrpci_handle_any_row(shmrpc_shared_kind kind,
                                     shmrpc_encoding encoding)
{
    static const char *const signatures[] = {
        [SHMRPC_SHARED_QUEUE] = "queue<any>",
        [SHMRPC_SHARED_TOPIC] = "topic<any>",
        [SHMRPC_SHARED_PIPE] = "pipe",
        [SHMRPC_SHARED_DICT] = "dict<any, any>",
        [SHMRPC_SHARED_VALUE] = "value<any>",
    };
    bool is_pipe = kind == SHMRPC_SHARED_PIPE;
    shmrpc_shared row;
    memset(&row, 0, sizeof row);
    row.row_bytes = sizeof row;
    row.kind = kind;
    row.encoding = encoding != 0 ? encoding
                   : is_pipe     ? SHMRPC_ENCODING_RAW
                                 : SHMRPC_ENCODING_MSGPACK;
    row.key = kind == SHMRPC_SHARED_DICT ? &shmrpc_type_any : NULL;
    row.element = is_pipe ? NULL : &shmrpc_type_any;
    row.signature = signatures[kind];
    return row;
}

static shmrpc_status refuse(shmrpc_error *error, const char *what)
{
    (void)shmrpc_error_set(error, SHMRPC_E_INVALID, "%s", what);
    return SHMRPC_E_INVALID;
}

/* Checks the options by themselves, before any file is touched. */
static shmrpc_status check_opts(const shmrpci_face *face,
                                const shmrpc_shared_opts *opts,
                                shmrpc_error *error)
{
    bool reads = (opts->flags & SHMRPC_SHARED_READ_ONLY) != 0;
    if (!shmrpci_reserved_is_zero(opts->reserved, sizeof opts->reserved /
                                                      sizeof *opts->reserved)) {
        return refuse(error, SHMRPCI_RESERVED_TEXT);
    }
    if ((opts->flags & ~(uint32_t)ALL_FLAGS) != 0 ||
        (uint32_t)opts->mode > SHMRPC_SHARED_WAIT || opts->timeout_ns < 0 ||
        (opts->permissions & ~0777u) != 0 ||
        (uint32_t)opts->lifetime > SHMRPC_LIFETIME_CREATOR ||
        opts->max_writers > SHMRPC_SHARED_MAX_WRITERS) {
        return refuse(error,
                      "mode, flags, timeout, permissions, lifetime or "
                      "max_writers are out of range");
    }
    if (opts->snapshot != NULL && face->fill == NULL) {
        return refuse(error, "only dicts and values have snapshots");
    }
    if (reads && !face->can_read_only) {
        return refuse(
            error,
            "READ_ONLY: this kind of object can't be used without changing it");
    }
    if ((opts->flags & SHMRPC_SHARED_RECURSIVE) != 0 && !face->has_locks) {
        return refuse(error, "RECURSIVE: this kind of object has no locks");
    }
    if (reads && (opts->mode == SHMRPC_SHARED_CREATE ||
                  opts->mode == SHMRPC_SHARED_REPLACE)) {
        return refuse(error,
                      "READ_ONLY can't be combined with CREATE or REPLACE");
    }
    return SHMRPC_OK;
}

/* Options override the declaration in the `.svc`, which overrides the
 * defaults. */
static void apply(shmrpci_handle *handle, const shmrpc_shared_opts *opts)
{
    shmrpc_shared *row = &handle->row;
    row->max_bytes = opts->max_bytes != 0 ? opts->max_bytes : row->max_bytes;
    row->permissions =
        opts->permissions != 0 ? opts->permissions : row->permissions;
    row->permissions = row->permissions != 0 ? row->permissions : 0600u;
    row->lifetime = opts->lifetime != SHMRPC_LIFETIME_DEFAULT ? opts->lifetime
                                                              : row->lifetime;
    row->lifetime = row->lifetime != SHMRPC_LIFETIME_DEFAULT
                        ? row->lifetime
                        : SHMRPC_LIFETIME_FILE;
    handle->writers =
        opts->max_writers != 0 ? opts->max_writers : DEFAULT_WRITERS;
    handle->flags = opts->flags;
    handle->snapshot = opts->snapshot;
    handle->room = (opts->flags & SHMRPC_SHARED_ALL_USERS) != 0
                       ? SHMRPCI_ROOM_ALL_USERS
                       : SHMRPCI_ROOM_USER;
}

shmrpc_status shmrpci_handle_name(shmrpci_handle *handle, const char *name,
                                  shmrpc_error *error)
{
    if (shmrpci_kind_file_name(handle->face->kind, name, handle->file_name) !=
        SHMRPC_OK) {
        return refuse(error, "a name must have 1 to 255 bytes of UTF-8");
    }
    memcpy(handle->name, name, strlen(name) + 1);
    return shmrpci_handle_typed(handle, error);
}

/* An object of any shape has type hash 0, so that programs with and without a
 * `.svc` can share it. */
shmrpc_status shmrpci_handle_typed(shmrpci_handle *handle, shmrpc_error *error)
{
    handle->codec = shmrpci_codec_of((uint32_t)handle->row.encoding);
    if (handle->codec == NULL) {
        return refuse(error, "there is no such encoding");
    }
    handle->type_hash = is_any(handle->row.key) && is_any(handle->row.element)
                            ? 0
                            : handle->row.hash;
    return SHMRPC_OK;
}

/* Does everything that does not need the folder. */
static shmrpc_status prepare(shmrpci_handle *handle, const char *name,
                             const shmrpc_shared_opts *opts,
                             shmrpc_error *error)
{
    shmrpc_status status = check_opts(handle->face, opts, error);
    if (status == SHMRPC_OK) {
        apply(handle, opts);
        status = shmrpci_handle_name(handle, name, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    if (shmrpci_object_folder(handle->room, handle->folder) != SHMRPC_OK) {
        return refuse(error, "SHMRPC_DIR is not a short absolute path");
    }
    return SHMRPC_OK;
}

/* Computes one deadline for the whole call, however often it waits. */
shmrpc_status shmrpci_handle_deadline(const shmrpc_opts *opts,
                                      int64_t *out_deadline_ns,
                                      shmrpc_error *error)
{
    int64_t timeout_ns = SHMRPC_DEFAULT_TIMEOUT_NS;
    if (opts != NULL) {
        if (!shmrpci_reserved_is_zero(opts->reserved,
                                      sizeof opts->reserved /
                                          sizeof *opts->reserved)) {
            return refuse(error, SHMRPCI_RESERVED_TEXT);
        }
        if (opts->timeout_ns < 0) {
            return refuse(error, "timeout_ns is negative");
        }
        if ((opts->flags & SHMRPC_OPT_NONBLOCK) != 0) {
            /* NONBLOCK is deadline 0 for engines. */
            *out_deadline_ns = 0;
            return SHMRPC_OK;
        }
        timeout_ns = opts->timeout_ns != 0 ? opts->timeout_ns : timeout_ns;
    }
    *out_deadline_ns = shmrpci_deadline_after(timeout_ns);
    return SHMRPC_OK;
}

/* ---- comparing ----------------------------------------------------------- */

/* Whether the object is the expected one. The file may belong to another name
 * with the same hash, or have been renamed. */
static shmrpc_status compare(const shmrpci_handle *handle,
                             const shmrpci_glance *glance, shmrpc_error *error)
{
    const shmrpci_region_head *facts = &glance->facts;
    size_t len = strlen(handle->name);
    if (facts->name_len != len || memcmp(facts->name, handle->name, len) != 0) {
        (void)shmrpc_error_set(error, SHMRPC_E_CONTRACT,
                               "the file %.64s belongs to another name",
                               handle->file_name);
        return SHMRPC_E_CONTRACT;
    }
    if (shmrpci_label_is_of(glance, &handle->row, handle->type_hash)) {
        return SHMRPC_OK;
    }
    const char *mine =
        handle->row.signature != NULL ? handle->row.signature : "";
    bool is_same = strcmp(mine, glance->signature) == 0;
    (void)shmrpc_error_set(
        error, SHMRPC_E_CONTRACT, "it is %.48s in %s, expected %.48s in %s%s",
        glance->signature, encoding_name(facts->encoding), mine,
        handle->codec->name,
        is_same && facts->encoding == (uint32_t)handle->row.encoding
            ? ": the types of these names differ"
            : "");
    return SHMRPC_E_CONTRACT;
}

/* ---- attaching ----------------------------------------------------------- */

/* Whether the handle takes a writer's place; readers share one byte instead. */
static bool is_writer(const shmrpci_handle *handle)
{
    return (handle->flags & SHMRPC_SHARED_READ_ONLY) == 0;
}

/* Shows others that a reader uses the object. Returns DESTROYED if another
 * process has just found that nobody uses it: then the object's life is
 * over. */
static shmrpc_status show_reader(const shmrpci_handle *handle)
{
    if (is_writer(handle)) {
        return SHMRPC_OK;
    }
    shmrpc_status status = shmrpci_byte_lock_share(
        handle->face->region(handle)->fd, SHMRPCI_OBJECT_READERS_BYTE);
    return status == SHMRPC_E_BUSY ? SHMRPC_E_DESTROYED : status;
}

/* One attempt. It needs an open file description of its own, because byte locks
 * belong to descriptions, and end with them. */
static shmrpc_status try_engine(shmrpci_handle *handle, int fd,
                                shmrpc_error *error)
{
    int own;
    shmrpci_access access =
        is_writer(handle) ? SHMRPCI_ACCESS_WRITE : SHMRPCI_ACCESS_READ;
    shmrpc_status status = shmrpci_memory_reopen(fd, access, &own);
    if (status != SHMRPC_OK) {
        (void)shmrpc_error_set(error, status, "the file can't be opened");
        return status;
    }
    status = handle->face->open(handle, own, access, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = show_reader(handle);
    if (status != SHMRPC_OK) {
        handle->face->close(handle);
        (void)shmrpc_error_set(error, status,
                               status == SHMRPC_E_DESTROYED
                                   ? "its last user has closed it"
                                   : "no lock on the file is available");
    }
    return status;
}

/* EXHAUSTED may mean that a process holds all places for a moment, to judge
 * whether the object is still in use. So it is believed only after several
 * looks during which nobody judged, or at the deadline, as a judge may be
 * stopped. */
static shmrpc_status open_engine(shmrpci_handle *handle, int fd,
                                 shmrpc_error *error)
{
    int64_t deadline_ns = shmrpci_deadline_after(OPEN_NS);
    uint32_t refused = 0;
    for (;;) {
        bool is_judged =
            shmrpci_byte_lock_is_held(fd, SHMRPCI_OBJECT_JUDGE_BYTE);
        shmrpc_status status = try_engine(handle, fd, error);
        if (status != SHMRPC_E_EXHAUSTED ||
            shmrpci_remaining_ns(deadline_ns) == 0) {
            return status;
        }
        is_judged = is_judged ||
                    shmrpci_byte_lock_is_held(fd, SHMRPCI_OBJECT_JUDGE_BYTE);
        refused += is_judged ? 0 : 1;
        if (refused == REFUSALS) {
            return status;
        }
        shmrpci_sleep_until(shmrpci_deadline_after(LOOK_NS));
    }
}

/* Arguments of the callbacks of os/object_find.h. */
typedef struct opening {
    shmrpci_handle *handle;
    shmrpc_error *error;
} opening;

/* Checks the object's label, then whether its life is over, then whether it is
 * the expected object. Only then opens the engine. */
shmrpc_status shmrpci_handle_attach(shmrpci_handle *handle, int fd,
                                    shmrpc_error *error)
{
    shmrpci_glance glance;
    shmrpc_status status = shmrpci_label_look(fd, &glance, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (shmrpci_label_is_over(fd, &glance)) {
        return SHMRPC_E_DESTROYED;
    }
    status = compare(handle, &glance, error);
    if (status == SHMRPC_OK) {
        status = open_engine(handle, fd, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    handle->lifetime = glance.lifetime;
    if (is_writer(handle)) {
        /* The file's age tells collect how long no process has opened the
         * object. */
        shmrpci_object_touch(fd);
    }
    shmrpci_fd_close(&fd);
    return SHMRPC_OK;
}

/* Adapts shmrpci_handle_attach to os/object_find.h. */
static shmrpc_status attach(void *user, int fd)
{
    const opening *of = user;
    return shmrpci_handle_attach(of->handle, fd, of->error);
}

/* ---- making an object ---------------------------------------------------- */

shmrpc_status shmrpci_handle_plan(const shmrpci_handle *handle,
                                  shmrpci_region_spec *spec,
                                  uint64_t *out_bytes, shmrpc_error *error)
{
    shmrpc_status status = handle->face->plan(handle, spec, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    spec->name = handle->name;
    spec->name_len = strlen(handle->name);
    spec->type_hash = handle->type_hash;
    spec->encoding = (uint32_t)handle->row.encoding;
    /* Adds room for the label at the end of the roots. */
    spec->roots_bytes = (spec->roots_bytes + 127) / 128 * 128 +
                        shmrpci_label_bytes(&handle->row);
    return shmrpci_region_size(spec, out_bytes, error);
}

/* Completes the new object, and joins it, before it gets its name. */
static shmrpc_status fill(shmrpci_handle *handle, int fd,
                          const shmrpci_region_spec *spec, shmrpc_error *error)
{
    shmrpc_status status = shmrpci_region_format(fd, spec, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_label_write(fd, &handle->row, error);
    }
    if (status == SHMRPC_OK) {
        status = open_engine(handle, fd, error);
    }
    if (status == SHMRPC_OK && handle->snapshot != NULL) {
        status = handle->face->fill(handle, handle->snapshot, error);
    }
    handle->lifetime = handle->row.lifetime;
    if (status == SHMRPC_OK && handle->lifetime == SHMRPC_LIFETIME_CREATOR) {
        status = shmrpci_byte_lock_try(fd, SHMRPCI_OBJECT_CREATOR_BYTE, 1);
    }
    return status;
}

/* `temporary` is the draft's name if the file system has no nameless files. */
static shmrpc_status draft(void *user, int dir_fd,
                           char temporary[SHMRPCI_OBJECT_NAME_BYTES],
                           int *out_fd)
{
    const opening *of = user;
    shmrpci_handle *handle = of->handle;
    shmrpci_region_spec spec;
    uint64_t bytes;
    shmrpc_status status =
        shmrpci_handle_plan(handle, &spec, &bytes, of->error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_object_draft(dir_fd, handle->row.permissions, bytes,
                                  SHMRPCI_DRAFT_SPARSE, temporary,
                                  &handle->creator_fd);
    if (status != SHMRPC_OK) {
        (void)shmrpc_error_set(
            of->error, status,
            status == SHMRPC_E_EXHAUSTED
                ? "no file of %llu bytes can be made in %.64s: give a smaller "
                  "max_bytes, or raise the limit (ulimit -f)"
                : "no file of %llu bytes can be made in %.64s",
            (unsigned long long)bytes, handle->folder);
        return status;
    }
    status = fill(handle, handle->creator_fd, &spec, of->error);
    if (status != SHMRPC_OK && temporary[0] != '\0') {
        (void)shmrpci_object_unlink(dir_fd, temporary);
    }
    *out_fd = handle->creator_fd;
    return status;
}

/* Undoes everything, so that another attempt can begin. Called if another
 * process was first, or if the object is dead. */
static void let_go(void *user)
{
    shmrpci_handle *handle = ((const opening *)user)->handle;
    handle->face->close(handle);
    shmrpci_fd_close(&handle->creator_fd);
}

/* ---- opening ------------------------------------------------------------- */

/* Whether the object's life is over. If so, the locks taken to find out stay
 * taken; see label.h. */
static bool is_over_file(int fd)
{
    shmrpci_glance glance;
    return shmrpci_label_look(fd, &glance, NULL) == SHMRPC_OK &&
           shmrpci_label_is_over(fd, &glance);
}

/* Readers change nothing, not even a name, so an object whose life is over
 * counts as missing. */
static shmrpc_status open_to_read(const opening *of, int dir_fd)
{
    shmrpci_handle *handle = of->handle;
    int fd;
    shmrpc_status status =
        shmrpci_object_open_read_only(dir_fd, handle->file_name, &fd);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = attach((void *)(uintptr_t)of, fd);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&fd);
        return status == SHMRPC_E_DESTROYED ? SHMRPC_E_NOT_FOUND : status;
    }
    return SHMRPC_OK;
}

/* The folder is made only if an object may be made. */
static shmrpc_status find_once(const opening *of, shmrpc_shared_mode mode)
{
    shmrpci_handle *handle = of->handle;
    const shmrpci_object_ops ops = {attach,
                                    draft,
                                    let_go,
                                    is_over_file,
                                    handle->face->kind->destroy,
                                    handle->snapshot != NULL};
    bool creates = is_writer(handle) && mode != SHMRPC_SHARED_OPEN_EXISTING &&
                   mode != SHMRPC_SHARED_WAIT;
    int dir_fd;
    shmrpc_status status = shmrpci_object_folder_open(
        handle->room, handle->folder, creates, &dir_fd);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (is_writer(handle)) {
        status = shmrpci_object_find(
            dir_fd, handle->file_name,
            mode == SHMRPC_SHARED_WAIT ? SHMRPCI_OBJECT_OPEN_EXISTING
                                       : (shmrpci_object_mode)mode,
            &ops, (void *)(uintptr_t)of, shmrpci_deadline_after(OPEN_NS));
    } else {
        status = open_to_read(of, dir_fd);
    }
    shmrpci_fd_close(&dir_fd);
    return status;
}

/* WAIT polls, with growing pauses; README.md says why it doesn't use
 * notifications. */
static shmrpc_status find(const opening *of, const shmrpc_shared_opts *opts)
{
    int64_t timeout_ns =
        opts->timeout_ns != 0 ? opts->timeout_ns : SHMRPC_DEFAULT_TIMEOUT_NS;
    int64_t deadline_ns = shmrpci_deadline_after(timeout_ns);
    int64_t pause_ns = LOOK_NS;
    for (;;) {
        shmrpc_status status = find_once(of, opts->mode);
        if (status != SHMRPC_E_NOT_FOUND || opts->mode != SHMRPC_SHARED_WAIT) {
            return status;
        }
        if (shmrpci_remaining_ns(deadline_ns) == 0) {
            (void)shmrpc_error_set(of->error, SHMRPC_E_DEADLINE,
                                   "no process has made it");
            return SHMRPC_E_DEADLINE;
        }
        /* The pause never goes beyond the deadline. */
        int64_t until_ns = shmrpci_deadline_after(pause_ns);
        shmrpci_sleep_until(until_ns < deadline_ns ? until_ns : deadline_ns);
        deadline_ns = shmrpci_waiting_deadline(deadline_ns);
        pause_ns = pause_ns < LONG_LOOK_NS ? pause_ns * 2 : LONG_LOOK_NS;
    }
}

/* Fills in an error message, unless there is one. */
static void say(shmrpc_status status, const shmrpci_handle *handle,
                shmrpc_error *error)
{
    if (error == NULL || error->code == (int32_t)status) {
        return;
    }
    switch ((int)status) {
    case SHMRPC_E_NOT_FOUND:
        (void)shmrpc_error_set(error, status, "it does not exist in %.64s",
                               handle->folder);
        break;
    case SHMRPC_E_EXISTS:
        (void)shmrpc_error_set(error, status, "it already exists in %.64s",
                               handle->folder);
        break;
    case SHMRPC_E_DENIED:
        (void)shmrpc_error_set(error, status,
                               "the permissions of %.64s, or of its file "
                               "%.64s, don't allow it",
                               handle->folder, handle->file_name);
        break;
    case SHMRPC_E_EXHAUSTED:
        (void)shmrpc_error_set(error, status,
                               "no room in %.64s, or no descriptors left",
                               handle->folder);
        break;
    case SHMRPC_E_DESTROYED:
        (void)shmrpc_error_set(error, status,
                               "others are replacing or removing it, again and "
                               "again");
        break;
    default:
        (void)shmrpc_error_set(error, status, "%s", shmrpc_status_text(status));
    }
}

/* Called once the object is open: stores which file it is, and arranges what
 * forked children must not keep. */
static shmrpc_status settle(shmrpci_handle *handle)
{
    const shmrpci_region *region = handle->face->region(handle);
    shmrpc_status status =
        shmrpci_object_facts_of(region->fd, &handle->identity);
    if (handle->creator_fd >= 0 &&
        handle->lifetime != SHMRPC_LIFETIME_CREATOR) {
        shmrpci_fd_close(&handle->creator_fd);
    }
    if (status == SHMRPC_OK && handle->creator_fd >= 0) {
        status =
            shmrpci_fork_close_fd(&handle->creator_guard, &handle->creator_fd);
    }
    if (status == SHMRPC_OK) {
        shmrpci_descent_settle(&handle->descent);
    }
    return status;
}

/* Opens the object. On failure the handle is freed, in every case. */
static shmrpc_status open_it(shmrpci_handle *handle, const char *name,
                             const shmrpc_shared_opts *opts,
                             shmrpc_error *error)
{
    opening of = {handle, error};
    shmrpc_status status = prepare(handle, name, opts, error);
    if (status == SHMRPC_OK) {
        status = opts->service != NULL
                     ? shmrpci_service_open(handle, opts, error)
                     : find(&of, opts);
    }
    if (status == SHMRPC_OK) {
        status = settle(handle);
        if (status != SHMRPC_OK) {
            shmrpci_handle_close(handle);
            (void)shmrpc_error_set(error, status, "%s",
                                   shmrpc_status_text(status));
            return status;
        }
        return SHMRPC_OK;
    }
    say(status, handle, error);
    /* The error for a damaged object mentions its snapshot. */
    if (handle->face->fill != NULL && opts->service == NULL &&
        opts->snapshot == NULL) {
        const shmrpci_snapshot_of what = {
            .kind = handle->face->kind,
            .scope = handle->room == SHMRPCI_ROOM_ALL_USERS
                         ? SHMRPC_SCOPE_ALL_USERS
                         : SHMRPC_SCOPE_USER,
            .name = handle->name};
        (void)shmrpci_snapshot_hint(&what, status, error);
    }
    (void)shmrpci_handle_explain(handle, status, error);
    shmrpci_handle_unref(handle);
    return status;
}

/* The maximum size of the copy, for an object with the limit `max_bytes`. It is
 * larger than that, because an entry may take more room in the copy than at the
 * engine. */
static uint64_t copy_bytes(uint64_t max_bytes)
{
    uint64_t least = (uint64_t)1 << 30;
    return max_bytes > SHMRPCI_REGION_MAX_BYTES / 8
               ? SHMRPCI_REGION_MAX_BYTES / 2
           : max_bytes > least / 4 ? max_bytes * 4
                                   : least;
}

/* Opens or makes this machine's copy of an object that several machines share.
 * The copy is an object of its own that its last user removes. Messages still
 * name the address. */
static shmrpc_status open_copy(shmrpci_handle *handle, shmrpc_error *error)
{
    char address[sizeof handle->name];
    char name[sizeof handle->name];
    shmrpci_remote_facts facts;
    opening of = {handle, error};
    shmrpci_remote_nats.facts(handle->remote, &facts);
    const shmrpc_shared_opts opts = {.lifetime = SHMRPC_LIFETIME_LAST_CLOSE,
                                     .permissions = 0600,
                                     .max_bytes =
                                         copy_bytes(handle->row.max_bytes)};
    memcpy(address, handle->name, sizeof address);
    (void)snprintf(name, sizeof name, "%.230s.nats-%016" PRIx64, facts.name,
                   facts.identity);
    shmrpc_status status = prepare(handle, name, &opts, error);
    if (status == SHMRPC_OK) {
        status = find(&of, &opts);
        if (status != SHMRPC_OK) {
            say(status, handle, error);
        }
    }
    memcpy(handle->name, address, sizeof address);
    handle->has_copy = status == SHMRPC_OK;
    return status == SHMRPC_OK ? settle(handle) : status;
}

/* Opens an object of another machine. Messages name it by its address,
 * shortened if there is no room. */
static shmrpc_status open_remote(shmrpci_handle *handle, const char *address,
                                 const shmrpc_shared_opts *opts,
                                 shmrpc_error *error)
{
    size_t len = strnlen(address, sizeof handle->name - 1);
    memcpy(handle->name, address, len);
    shmrpc_status status = check_opts(handle->face, opts, error);
    if (status == SHMRPC_OK) {
        apply(handle, opts);
        status = shmrpci_remote_open(handle, address, opts, error);
    }
    if (status == SHMRPC_OK && handle->face->follow == NULL) {
        shmrpci_descent_settle(&handle->descent);
        return SHMRPC_OK;
    }
    if (status == SHMRPC_OK) {
        status = open_copy(handle, error);
    }
    if (status == SHMRPC_OK) {
        status = handle->face->follow(handle, error);
    }
    if (status != SHMRPC_OK) {
        (void)shmrpci_handle_explain(handle, status, error);
        shmrpci_handle_close(handle);
    }
    return status;
}

shmrpc_status shmrpci_handle_open(const shmrpci_face *face, size_t bytes,
                                  const shmrpc_shared *row, const char *name,
                                  const shmrpc_shared_opts *opts,
                                  shmrpci_handle **out, shmrpc_error *error)
{
    static const shmrpc_shared_opts defaults = {0};
    shmrpc_error local;
    error = error != NULL ? error : &local;
    memset(error, 0, sizeof *error);
    name = name != NULL ? name : row->name;
    if (name == NULL) {
        return refuse(error, "no name");
    }
    shmrpci_handle *handle = calloc(1, bytes);
    if (handle == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    handle->face = face;
    handle->creator_fd = -1;
    handle->source_fd = -1;
    /* Rows of programs that were compiled with older headers may be shorter. */
    memcpy(&handle->row, row,
           row->row_bytes < sizeof *row ? row->row_bytes : sizeof *row);
    shmrpci_store_seq(&handle->refs, 1u);
    opts = opts != NULL ? opts : &defaults;
    shmrpc_status status = shmrpci_remote_is(name)
                               ? open_remote(handle, name, opts, error)
                               : open_it(handle, name, opts, error);
    if (status == SHMRPC_OK) {
        *out = handle;
    }
    return status;
}

/* ---- forked children ----------------------------------------------------- */

/* Called in a forked child before its first use: closes the parent's engine,
 * and opens the same object again (by its identity, not its name). */
static shmrpc_status attach_anew(void *user)
{
    const opening *of = user;
    shmrpci_handle *handle = of->handle;
    int fd;
    if (handle->remote != NULL) {
        (void)shmrpc_error_set(of->error, SHMRPC_E_FORKED,
                               "a connection belongs to the process that "
                               "opened it: a forked child opens its own");
        return SHMRPC_E_FORKED;
    }
    shmrpci_vigil_end(&handle->vigil);
    handle->face->close(handle);
    if (handle->source_fd >= 0) {
        shmrpc_status again = open_engine(handle, handle->source_fd, of->error);
        if (again == SHMRPC_OK) {
            shmrpci_service_follow(handle);
        }
        return again;
    }
    shmrpc_status status =
        shmrpci_object_find_again(handle->room, handle->folder,
                                  handle->file_name, &handle->identity, &fd);
    if (status == SHMRPC_E_NOT_FOUND) {
        /* Only destroyed objects lose their names. */
        (void)shmrpc_error_set(
            of->error, SHMRPC_E_DESTROYED,
            "it was destroyed before this child process used it");
        return SHMRPC_E_DESTROYED;
    }
    if (status == SHMRPC_OK) {
        status = open_engine(handle, fd, of->error);
        shmrpci_fd_close(&fd);
    }
    return status;
}

/* One thread attaches; the others wait for it. */
shmrpc_status shmrpci_handle_ensure_slowly(shmrpci_handle *handle,
                                           shmrpc_error *error)
{
    opening of = {handle, error};
    shmrpc_status status =
        shmrpci_descent_ensure(&handle->descent, attach_anew, &of);
    return shmrpci_handle_explain(handle, status, error);
}

/* ---- destroying and closing ---------------------------------------------- */

/* Removes the name of our object, if the name still belongs to it. If `is_due`
 * is not NULL, it decides whether the name is removed. */
static shmrpc_status remove_name(const shmrpci_handle *handle,
                                 bool (*is_due)(int fd))
{
    int dir_fd;
    int fd;
    shmrpc_status status = shmrpci_object_folder_open(
        handle->room, handle->folder, false, &dir_fd);
    if (status != SHMRPC_OK) {
        return status;
    }
    status =
        shmrpci_object_find_again(handle->room, handle->folder,
                                  handle->file_name, &handle->identity, &fd);
    if (status == SHMRPC_OK) {
        if (is_due == NULL || is_due(fd)) {
            status = shmrpci_object_remove(
                dir_fd, handle->file_name, fd, handle->face->kind->destroy,
                shmrpci_deadline_after(SHMRPCI_NS_PER_S));
        }
        shmrpci_fd_close(&fd);
    }
    shmrpci_fd_close(&dir_fd);
    return status;
}

/* Users are told first, then the name is removed. A process that opens the
 * object in between finds it destroyed and makes a new one. */
shmrpc_status shmrpci_handle_destroy(shmrpci_handle *handle)
{
    if (!is_writer(handle) || handle->source_fd >= 0) {
        return SHMRPC_E_DENIED;
    }
    shmrpc_status status = shmrpci_handle_ensure(handle, NULL);
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_DESTROYED ? SHMRPC_OK : status;
    }
    if (handle->remote != NULL) {
        status = shmrpci_remote_nats.destroy(handle->remote);
        if (status != SHMRPC_OK || !handle->has_copy) {
            return status;
        }
    }
    handle->face->destroy(handle);
    status = remove_name(handle, NULL);
    return status == SHMRPC_E_NOT_FOUND ? SHMRPC_OK : status;
}

/* Closes the engine first, so that our own place doesn't keep the object alive
 * when its lifetime is judged. */
void shmrpci_handle_close(shmrpci_handle *handle)
{
    if (handle == NULL) {
        return;
    }
    bool has_file = handle->remote == NULL || handle->has_copy;
    if (handle->remote != NULL) {
        shmrpci_remote_nats.close(handle->remote);
        handle->remote = NULL;
    }
    if (handle->face->unfollow != NULL) {
        handle->face->unfollow(handle);
    }
    if (!has_file) {
        shmrpci_handle_unref(handle);
        return;
    }
    bool is_ours = shmrpci_descent_is_ours(&handle->descent);
    bool is_creator = handle->creator_fd >= 0;
    shmrpci_vigil_end(&handle->vigil);
    handle->face->close(handle);
    if (is_creator) {
        shmrpci_fork_keep_fd(&handle->creator_guard);
        shmrpci_fd_close(&handle->creator_fd);
    }
    /* The object's lifetime may end when we close it. */
    if (is_ours && handle->lifetime != SHMRPC_LIFETIME_FILE &&
        is_writer(handle) && handle->source_fd < 0) {
        (void)remove_name(handle, is_over_file);
    }
    shmrpci_handle_unref(handle);
}

void shmrpci_handle_ref(shmrpci_handle *handle)
{
    (void)shmrpci_add_seq(&handle->refs, 1u);
}

void shmrpci_handle_unref(shmrpci_handle *handle)
{
    if (shmrpci_sub_seq(&handle->refs, 1u) != 1) {
        return;
    }
    /* Nobody has items any more when the last reference is dropped. */
    shmrpci_held_free_spares(handle);
    if (handle->face->fini != NULL) {
        handle->face->fini(handle);
    }
    shmrpci_fd_close(&handle->source_fd);
    free(handle);
}

/* Asks the kernel about each place. A count could become wrong when a process
 * dies. */
uint32_t shmrpci_handle_count_open(const shmrpci_handle *handle)
{
    const shmrpci_region *region = handle->face->region(handle);
    uint32_t high = shmrpci_region_high(region);
    uint32_t count = 0;
    for (uint32_t p = 0; p < high; p++) {
        count += shmrpci_region_is_alive(region, p) ? 1 : 0;
    }
    return count;
}
