/* Periodic snapshots of a service's objects. */
#include "rpc/saver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/fork.h"
#include "os/thread.h"
#include "shmrpc/log.h"

typedef struct saved_object {
    int64_t next_ns;
    uint64_t change; /* number of the last saved change */
    char trouble[SHMRPC_ERROR_MESSAGE_BYTES]; /* last logged error; "": none */
} saved_object;

struct shmrpci_saver {
    const shmrpci_served *served;
    uint32_t generation; /* of the process that has the thread */
    shmrpci_thread thread;
    shmrpci_mutex mutex;
    shmrpci_cond wake;
    bool is_stopping; /* under the mutex */
    char place[144];
    saved_object objects[]; /* one for each object of the service */
};

static const shmrpc_objects *objects_of(const shmrpci_saver *saver)
{
    return saver->served->service->objects;
}

static void tell(const shmrpci_saver *saver, saved_object *object, int status,
                 const shmrpc_error *error, const char *what)
{
    if (status == SHMRPC_OK) {
        if (object->trouble[0] != '\0') {
            shmrpc_log(SHMRPC_LOG_NOTICE, "%s: writing snapshots works again",
                       saver->place);
        }
        object->trouble[0] = '\0';
        return;
    }
    if (strcmp(object->trouble, error->message) != 0) {
        shmrpc_log(SHMRPC_LOG_ERROR, "%s: %s: %s: %s", saver->place, what,
                   error->name, error->message);
        memcpy(object->trouble, error->message, sizeof object->trouble);
    }
}

static void save(shmrpci_saver *saver, uint32_t index)
{
    const shmrpc_objects *objects = objects_of(saver);
    saved_object *object = &saver->objects[index];
    shmrpc_error error = {0};
    int status = objects->save(&objects->rows[index], saver->place,
                               saver->served->object_fds[index],
                               &object->change, &error);
    /* BUSY: the previous server, which is about to end, is writing it. */
    if (status != SHMRPC_E_BUSY) {
        tell(saver, object, status, &error, "snapshots can't be written");
    }
}

static void restore(shmrpci_saver *saver, uint32_t index)
{
    const shmrpc_objects *objects = objects_of(saver);
    shmrpc_error error = {0};
    int status = objects->restore(&objects->rows[index], saver->place,
                                  saver->served->object_fds[index], &error);
    if (status != SHMRPC_OK) {
        shmrpc_log(SHMRPC_LOG_ERROR,
                   "%s: begins empty; its snapshot was renamed to .old: %s: %s",
                   saver->place, error.name, error.message);
    }
}

static bool is_saved(const shmrpci_saver *saver, uint32_t index)
{
    return objects_of(saver)->rows[index].snapshot_ns > 0;
}

/* Saves the objects that are due, without holding the mutex. Returns when to
 * check again. */
static int64_t save_due(shmrpci_saver *saver)
{
    const shmrpc_objects *objects = objects_of(saver);
    int64_t next_ns = SHMRPCI_NEVER_NS;
    for (uint32_t i = 0; i < objects->count; i++) {
        saved_object *object = &saver->objects[i];
        if (!is_saved(saver, i)) {
            continue;
        }
        if (shmrpci_remaining_ns(object->next_ns) == 0) {
            save(saver, i);
            object->next_ns =
                shmrpci_deadline_after(objects->rows[i].snapshot_ns);
        }
        next_ns = object->next_ns < next_ns ? object->next_ns : next_ns;
    }
    return next_ns;
}

static void run(void *user)
{
    shmrpci_saver *saver = user;
    shmrpci_mutex_lock(&saver->mutex);
    while (!saver->is_stopping) {
        shmrpci_mutex_unlock(&saver->mutex);
        int64_t next_ns = save_due(saver);
        shmrpci_mutex_lock(&saver->mutex);
        while (!saver->is_stopping &&
               shmrpci_cond_wait_until(&saver->wake, &saver->mutex, next_ns)) {
        }
    }
    shmrpci_mutex_unlock(&saver->mutex);
}

static void name_place(shmrpci_saver *saver)
{
    const shmrpci_served *served = saver->served;
    const shmrpci_address *at = served->address;
    const char *name =
        at != NULL && at->name[0] != '\0' ? at->name : served->service->name;
    const char *instance = at != NULL ? at->instance : "";
    (void)snprintf(saver->place, sizeof saver->place, "%s%s%s", name,
                   instance[0] != '\0' ? "@" : "", instance);
}

static void prepare(shmrpci_saver *saver)
{
    const shmrpc_objects *objects = objects_of(saver);
    for (uint32_t i = 0; i < objects->count; i++) {
        if (is_saved(saver, i)) {
            restore(saver, i);
            saver->objects[i].next_ns =
                shmrpci_deadline_after(objects->rows[i].snapshot_ns);
        }
    }
}

static bool has_any(const shmrpc_objects *objects)
{
    bool has = false;
    for (uint32_t i = 0; i < objects->count; i++) {
        has = has || objects->rows[i].snapshot_ns > 0;
    }
    return has;
}

int shmrpci_saver_start(const shmrpci_served *served, shmrpci_saver **out,
                        shmrpc_error *error)
{
    const shmrpc_objects *objects = served->service->objects;
    if (!has_any(objects)) {
        *out = NULL;
        return SHMRPC_OK;
    }
    shmrpci_saver *saver =
        calloc(1, sizeof *saver + objects->count * sizeof *saver->objects);
    if (saver == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    saver->served = served;
    saver->generation = shmrpci_fork_generation();
    name_place(saver);
    prepare(saver);
    shmrpci_mutex_init(&saver->mutex);
    shmrpci_cond_init(&saver->wake);
    shmrpc_status status =
        shmrpci_thread_create(&saver->thread, "shmrpc-saver", run, saver);
    if (status != SHMRPC_OK) {
        free(saver);
        return shmrpc_error_set(error, status,
                                "can't start the snapshot thread");
    }
    *out = saver;
    return SHMRPC_OK;
}

void shmrpci_saver_stop(shmrpci_saver *saver, bool is_last)
{
    /* In a forked child the thread does not run, and it may have held the
     * mutex. So only the memory is freed. */
    if (saver == NULL || saver->generation != shmrpci_fork_generation()) {
        free(saver);
        return;
    }
    shmrpci_mutex_lock(&saver->mutex);
    saver->is_stopping = true;
    shmrpci_cond_signal(&saver->wake);
    shmrpci_mutex_unlock(&saver->mutex);
    shmrpci_thread_join(&saver->thread);
    for (uint32_t i = 0; is_last && i < objects_of(saver)->count; i++) {
        if (is_saved(saver, i) && saver->served->object_fds[i] >= 0) {
            save(saver, i);
        }
    }
    shmrpci_cond_fini(&saver->wake);
    shmrpci_mutex_fini(&saver->mutex);
    free(saver);
}
