/* Inspects shared objects on a thread of its own, because reading two folders,
 * and a file for each object, takes time. Each inspection builds a new list,
 * and takes the lock only to replace the previous one. */
#include "tools/shmrpc-web/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json_text.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/thread.h"
#include "tools/common/object_json.h"

#define LOOK_NS SHMRPCI_NS_PER_S
/* The interval grows if an inspection takes long, so that it uses 5 % of a CPU
 * at most. */
#define LOOK_SHARE 20

/* The stored data of one object. */
typedef struct row {
    web_object object; /* its texts point to those below */
    char kind[32];
    char name[SHMRPCI_KIND_NAME_BYTES];
    char type[SHMRPCI_KIND_NAME_BYTES];
} row;

/* One inspection of both folders. */
typedef struct look {
    row *rows; /* sorted */
    size_t count;
    size_t room;
    size_t total;
    shmrpc_status status; /* status of the first failure */
    shmrpc_scope scope;   /* scope of the folder that is being read */
} look;

struct web_objects {
    shmrpci_thread thread;
    shmrpci_mutex mutex; /* protects all that follows */
    shmrpci_cond cond;
    look latest;
    bool is_closing;
};

/* ---- one object ---------------------------------------------------------- */

static void take_figure(void *user, const char *key, uint64_t value)
{
    web_object *object = user;
    if (object->figure_count < WEB_OBJECT_FIGURES) {
        object->figures[object->figure_count++] =
            (web_object_figure){key, value};
    }
}

/* Reads the figures only if no other user can truncate the file, which could
 * kill us by SIGBUS. */
static void read_figures(web_object *object, const char *name)
{
    const shmrpci_object_kind *kind = shmrpci_kind_of(object->info.kind);
    bool is_ours = object->info.uid == shmrpci_process_uid();
    bool is_sound = object->info.state == SHMRPC_OBJECT_IN_USE ||
                    object->info.state == SHMRPC_OBJECT_IDLE;
    int fd;
    if (kind != NULL && kind->figures != NULL && is_ours && is_sound &&
        shmrpci_kind_open_file(kind, object->scope, name, &fd, NULL) ==
            SHMRPC_OK) {
        if (kind->figures(fd, take_figure, object) != SHMRPC_OK) {
            object->figure_count = 0;
        }
        shmrpci_fd_close(&fd);
    }
}

/* Returns false if the maximum is reached or memory ran out. The object is then
 * only counted. */
static bool make_room(look *of)
{
    size_t room = of->room == 0 ? 16 : of->room * 2;
    if (of->count < of->room) {
        return true;
    }
    row *rows = of->count < WEB_MAX_OBJECTS
                    ? realloc(of->rows, room * sizeof *rows)
                    : NULL;
    if (rows != NULL) {
        of->rows = rows;
        of->room = room;
    }
    return rows != NULL;
}

static bool take_object(void *user, const shmrpc_object_info *info)
{
    look *of = user;
    of->total++;
    if (make_room(of)) {
        row *at = &of->rows[of->count++];
        at->object = (web_object){.info = *info, .scope = of->scope};
        read_figures(&at->object, info->name);
        (void)snprintf(at->kind, sizeof at->kind, "%s", info->kind);
        (void)snprintf(at->name, sizeof at->name, "%s", info->name);
        (void)snprintf(at->type, sizeof at->type, "%s", info->type);
    }
    return true;
}

/* ---- all objects --------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const row *a = left;
    const row *b = right;
    int by_kind = strcmp(a->kind, b->kind);
    if (a->object.scope != b->object.scope) {
        return a->object.scope < b->object.scope ? -1 : 1;
    }
    return by_kind != 0 ? by_kind : strcmp(a->name, b->name);
}

static look take_look(void)
{
    look of = {.status = SHMRPC_OK};
    for (int scope = SHMRPC_SCOPE_USER; scope <= SHMRPC_SCOPE_ALL_USERS;
         scope++) {
        of.scope = (shmrpc_scope)scope;
        shmrpc_status status = shmrpc_objects_visit(of.scope, take_object, &of);
        of.status = of.status == SHMRPC_OK ? status : of.status;
    }
    if (of.count > 0) {
        qsort(of.rows, of.count, sizeof *of.rows, compare);
    }
    /* The rows were moved to the new list, which owns their strings. */
    for (size_t i = 0; i < of.count; i++) {
        row *at = &of.rows[i];
        at->object.info.kind = at->kind;
        at->object.info.name = at->name;
        at->object.info.type = at->type;
    }
    return of;
}

/* CPU time of this thread, so that the interval doesn't depend on how busy
 * other processes are. */
static int64_t used_ns(void)
{
    struct timespec used = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * SHMRPCI_NS_PER_S + used.tv_nsec;
}

static void run(void *user)
{
    web_objects *objects = user;
    int64_t next_ns = shmrpci_now_ns() + LOOK_NS;
    shmrpci_mutex_lock(&objects->mutex);
    while (!objects->is_closing) {
        if (shmrpci_cond_wait_until(&objects->cond, &objects->mutex, next_ns)) {
            continue;
        }
        shmrpci_mutex_unlock(&objects->mutex);
        int64_t begin_ns = used_ns();
        look now = take_look();
        int64_t pause_ns = (used_ns() - begin_ns) * LOOK_SHARE;
        next_ns = shmrpci_now_ns() + (pause_ns > LOOK_NS ? pause_ns : LOOK_NS);
        shmrpci_mutex_lock(&objects->mutex);
        free(objects->latest.rows);
        objects->latest = now;
    }
    shmrpci_mutex_unlock(&objects->mutex);
}

/* ---- queries ------------------------------------------------------------- */

size_t web_objects_see(web_objects *objects, web_object_see *see, void *user)
{
    shmrpci_mutex_lock(&objects->mutex);
    size_t total = objects->latest.total;
    for (size_t i = 0; i < objects->latest.count; i++) {
        see(&objects->latest.rows[i].object, user);
    }
    shmrpci_mutex_unlock(&objects->mutex);
    return total;
}

const char *web_object_scope(const web_object *object)
{
    return object->scope == SHMRPC_SCOPE_USER ? "user" : "all users";
}

static void append_object(const web_object *object, shmrpci_buf *out)
{
    shmrpci_json_comma(out);
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_text(out, "scope", web_object_scope(object));
    tool_object_members(&object->info, out);
    if (object->figure_count > 0) {
        shmrpci_json_key(out, "figures");
        shmrpci_buf_append_char(out, '{');
        for (size_t i = 0; i < object->figure_count; i++) {
            shmrpci_json_set_uint(out, object->figures[i].key,
                                  object->figures[i].value);
        }
        shmrpci_buf_append_char(out, '}');
    }
    shmrpci_buf_append_char(out, '}');
}

void web_objects_show(web_objects *objects, shmrpci_buf *out)
{
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_key(out, "objects");
    shmrpci_buf_append_char(out, '[');
    shmrpci_mutex_lock(&objects->mutex);
    const look *latest = &objects->latest;
    for (size_t i = 0; i < latest->count; i++) {
        append_object(&latest->rows[i].object, out);
    }
    size_t omitted = latest->total - latest->count;
    shmrpc_status status = latest->status;
    shmrpci_mutex_unlock(&objects->mutex);
    shmrpci_buf_append_char(out, ']');
    shmrpci_json_set_uint(out, "omitted", omitted);
    shmrpci_json_set_text(
        out, "error", status == SHMRPC_OK ? NULL : shmrpc_status_text(status));
    shmrpci_buf_append_char(out, '}');
}

/* ---- opening and closing ------------------------------------------------- */

int web_objects_open(web_objects **out, shmrpc_error *error)
{
    web_objects *objects = calloc(1, sizeof *objects);
    if (objects == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    shmrpci_mutex_init(&objects->mutex);
    shmrpci_cond_init(&objects->cond);
    objects->latest = take_look();
    if (shmrpci_thread_create(&objects->thread, "objects", run, objects) !=
        SHMRPC_OK) {
        free(objects->latest.rows);
        free(objects);
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED, "no thread left");
    }
    *out = objects;
    return SHMRPC_OK;
}

void web_objects_close(web_objects *objects)
{
    shmrpci_mutex_lock(&objects->mutex);
    objects->is_closing = true;
    shmrpci_cond_signal(&objects->cond);
    shmrpci_mutex_unlock(&objects->mutex);
    shmrpci_thread_join(&objects->thread);
    free(objects->latest.rows);
    shmrpci_cond_fini(&objects->cond);
    shmrpci_mutex_fini(&objects->mutex);
    free(objects);
}
