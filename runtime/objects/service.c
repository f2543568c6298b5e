/*
 * Objects of a service: memory files that its server makes before it serves,
 * and that its clients and its own processes open through it.
 *
 * They live as long as the server's process, or its successor, holds the
 * creator's byte; while both exist they share the lock. They have no name in
 * any folder; a client asks for one over the connection that it has anyway, and
 * gets a descriptor. After that the object is used like any other, without the
 * server.
 *
 * A server that is replaced hands its objects to its successor, which keeps
 * those whose type is the same, and destroys the others.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "objects/handle.h"
#include "os/byte_lock.h"
#include "os/memory.h"
#include "shmrpc/shared_stub.h"
#include "shmrpc/stub.h"

/* Places for writers: each client that writes takes one, and so does each
 * process of the server. */
#define WRITERS 256u

/* Faces by kind. Kinds that only newer programs know are missing. */
static const shmrpci_face *const faces[] = {
    [SHMRPC_SHARED_QUEUE] = &shmrpci_face_queue,
    [SHMRPC_SHARED_TOPIC] = &shmrpci_face_topic,
    [SHMRPC_SHARED_PIPE] = &shmrpci_face_pipe,
    [SHMRPC_SHARED_DICT] = &shmrpci_face_dict,
    [SHMRPC_SHARED_VALUE] = &shmrpci_face_value,
};

/* Returns NULL if this library does not know the kind. */
static const shmrpci_face *face_of(shmrpc_shared_kind kind)
{
    return (size_t)kind < sizeof faces / sizeof *faces ? faces[kind] : NULL;
}

/* ---- in the server ------------------------------------------------------- */

shmrpci_handle *shmrpci_service_planner(const shmrpc_shared *row)
{
    const shmrpci_face *face = face_of(row->kind);
    shmrpci_handle *handle = face != NULL ? calloc(1, sizeof *handle) : NULL;
    if (handle != NULL) {
        handle->face = face;
        handle->creator_fd = -1;
        handle->source_fd = -1;
        memcpy(&handle->row, row,
               row->row_bytes < sizeof *row ? row->row_bytes : sizeof *row);
        handle->row.lifetime = SHMRPC_LIFETIME_CREATOR;
        handle->writers = WRITERS;
    }
    return handle;
}

/* Whether a predecessor's object can be kept: it must have the same name, type
 * and encoding, and not be destroyed. */
static bool is_the_same(const shmrpci_handle *handle, int fd)
{
    shmrpci_glance glance;
    return shmrpci_label_look(fd, &glance, NULL) == SHMRPC_OK &&
           !glance.is_destroyed &&
           shmrpci_label_is_of(&glance, &handle->row, handle->type_hash) &&
           glance.facts.name_len == strlen(handle->name) &&
           memcmp(glance.facts.name, handle->name, glance.facts.name_len) == 0;
}

/* Makes the object in memory only: in a nameless file, which ends with its last
 * descriptor. */
static shmrpc_status make_new(const shmrpci_handle *handle, int *out_fd,
                              shmrpc_error *error)
{
    shmrpci_region_spec spec;
    uint64_t bytes;
    shmrpc_status status = shmrpci_handle_plan(handle, &spec, &bytes, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_create_sparse("shmrpc-object", (size_t)bytes,
                                              out_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_region_format(*out_fd, &spec, error);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_label_write(*out_fd, &handle->row, error);
    }
    return status;
}

/* Makes the object, or keeps the one in `old_fd`. Takes ownership of `old_fd`,
 * also on failure. */
static shmrpc_status make(shmrpci_handle *handle, int old_fd, int *out_fd,
                          shmrpc_error *error)
{
    shmrpc_status status = shmrpci_handle_name(handle, handle->row.name, error);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&old_fd);
        return status;
    }
    if (old_fd >= 0 && is_the_same(handle, old_fd)) {
        *out_fd = old_fd;
    } else {
        if (old_fd >= 0) { /* it has another type, so its users must stop */
            handle->face->kind->destroy(old_fd);
            shmrpci_fd_close(&old_fd);
        }
        status = make_new(handle, out_fd, error);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_byte_lock_share(*out_fd, SHMRPCI_OBJECT_CREATOR_BYTE);
    }
    return status;
}

int shmrpc_stub_shared_make(const shmrpc_shared *row, int old_fd, int *out_fd,
                            shmrpc_error *error)
{
    shmrpc_error local;
    int fd = -1;
    shmrpci_handle *handle = shmrpci_service_planner(row);
    error = error != NULL ? error : &local;
    memset(error, 0, sizeof *error);
    if (handle == NULL) {
        shmrpci_fd_close(&old_fd);
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    shmrpc_status status = make(handle, old_fd, &fd, error);
    if (status == SHMRPC_OK) {
        *out_fd = fd;
    } else {
        shmrpci_fd_close(&fd);
        (void)shmrpci_handle_explain(handle, status, error);
    }
    free(handle);
    return status;
}

/* Called when the server ends properly: users learn of it at once. */
void shmrpc_stub_shared_end(const shmrpc_shared *row, int fd)
{
    face_of(row->kind)->kind->destroy(fd);
}

/* ---- in its users -------------------------------------------------------- */

/* From now on the engine checks the creator's byte to find out whether the
 * object is alive. */
void shmrpci_service_follow(shmrpci_handle *handle)
{
    memset(&handle->owner, 0, sizeof handle->owner);
    /* The cast is safe: the region belongs to our engine. */
    shmrpci_region_follow(
        (shmrpci_region *)(uintptr_t)handle->face->region(handle),
        &handle->owner, SHMRPCI_OBJECT_CREATOR_BYTE);
}

shmrpc_status shmrpci_service_open(shmrpci_handle *handle,
                                   const shmrpc_shared_opts *opts,
                                   shmrpc_error *error)
{
    int fd = -1;
    int watch_fd = -1;
    if (opts->mode == SHMRPC_SHARED_CREATE ||
        opts->mode == SHMRPC_SHARED_REPLACE ||
        (opts->flags & SHMRPC_SHARED_ALL_USERS) != 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "an object of a service is made by its server");
    }
    shmrpc_status status =
        shmrpc_stub_shared(opts->client, opts->service, handle->name,
                           opts->timeout_ns, &fd, &watch_fd, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    /* The server decides who may write. A client that got a read-only
     * descriptor only reads. */
    if (!shmrpci_memory_is_writable(fd) && handle->face->can_read_only) {
        handle->flags |= SHMRPC_SHARED_READ_ONLY;
    }
    status = shmrpci_memory_reopen(
        fd,
        (handle->flags & SHMRPC_SHARED_READ_ONLY) != 0 ? SHMRPCI_ACCESS_READ
                                                       : SHMRPCI_ACCESS_WRITE,
        &handle->source_fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_handle_attach(handle, fd, error);
    }
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&fd);
        shmrpci_fd_close(&watch_fd);
        return status;
    }
    shmrpci_service_follow(handle);
    shmrpci_vigil_begin(&handle->vigil, handle, watch_fd);
    return SHMRPC_OK;
}

/* The options for an object of a service; options that the caller has set
 * stay. */
static shmrpc_shared_opts of_service(shmrpc_client *client,
                                     const shmrpc_service *service,
                                     const shmrpc_shared_opts *opts)
{
    shmrpc_shared_opts own = {.service = service, .client = client};
    if (opts != NULL) {
        own = *opts;
        own.service = service;
        own.client = client;
    }
    return own;
}

#define OPEN_OF(kind)                                                     \
    int shmrpc_stub_##kind##_open_of(                                     \
        shmrpc_client *client, const shmrpc_service *service,             \
        const shmrpc_shared *row, const shmrpc_shared_opts *opts,         \
        shmrpc_##kind **out, shmrpc_error *error)                         \
    {                                                                     \
        const shmrpc_shared_opts own = of_service(client, service, opts); \
        return shmrpc_stub_##kind##_open(row, NULL, &own, out, error);    \
    }

OPEN_OF(queue)
OPEN_OF(topic)
OPEN_OF(pipe)
OPEN_OF(dict)
OPEN_OF(value)
