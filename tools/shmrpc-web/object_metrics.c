/* Metrics of shared objects: each metric once, with all its samples. */
#include "tools/shmrpc-web/object_metrics.h"

#include <inttypes.h>
#include <string.h>

#include "tools/shmrpc-web/metrics.h"

typedef struct metric {
    const char *name;
    const char *type;
    const char *key; /* key of a figure; NULL: the value is in the list
                      * itself */
    const char *help;
} metric;

#define OPEN_NAME   "shmrpc_object_open"
#define MEMORY_NAME "shmrpc_object_memory_bytes"

static const metric metrics[] = {
    {OPEN_NAME, "gauge", NULL,
     "Handles of a shared object that may write to it."},
    {MEMORY_NAME, "gauge", NULL, "Memory that a shared object takes."},
    {"shmrpc_object_items", "gauge", "item_count", "Items in a queue."},
    {"shmrpc_object_waiting_bytes", "gauge", "byte_count",
     "Bytes in a queue or pipe."},
    {"shmrpc_object_capacity", "gauge", "capacity",
     "Capacity: items of each producer of a queue, or bytes of a pipe."},
    {"shmrpc_object_pushed_total", "counter", "pushed_count",
     "Items pushed to a queue, including those delivered again."},
    {"shmrpc_object_popped_total", "counter", "popped_count",
     "Items popped from a queue."},
    {"shmrpc_object_dropped_total", "counter", "dropped_count",
     "Items or messages that a full queue or topic has dropped."},
    {"shmrpc_object_redelivered_total", "counter", "redelivered_count",
     "Items of a queue that were delivered again."},
    {"shmrpc_object_unacked_items", "gauge", "unacked_count",
     "Items that were popped and are not acknowledged yet."},
    {"shmrpc_object_waiting_for_items", "gauge", "waiting_for_items",
     "Threads that wait for an item of a queue."},
    {"shmrpc_object_waiting_for_bytes", "gauge", "waiting_for_bytes",
     "Threads that wait for bytes of a pipe."},
    {"shmrpc_object_waiting_for_room", "gauge", "waiting_for_room",
     "Threads that wait for room in a queue or pipe."},
    {"shmrpc_object_published_total", "counter", "published_count",
     "Messages published on a topic."},
    {"shmrpc_object_lost_messages", "gauge", "lost_count",
     "Messages that the present subscribers have lost."},
    {"shmrpc_object_evicted_total", "counter", "evicted_count",
     "Subscribers that were evicted because they were slow."},
    {"shmrpc_object_subscribers", "gauge", "subscriber_count",
     "Subscribers of a topic."},
    {"shmrpc_object_written_bytes_total", "counter", "written_count",
     "Bytes written to a pipe."},
    {"shmrpc_object_read_bytes_total", "counter", "read_count",
     "Bytes read from a pipe."},
    {"shmrpc_object_entries", "gauge", "entry_count",
     "Entries of a dict; 1 for a value that is there."},
    {"shmrpc_object_changes_total", "counter", "change_count",
     "Changes of a dict or value."},
    {"shmrpc_object_helped_changes_total", "counter", "helped_count",
     "Changes that another process has finished."},
    {"shmrpc_object_oldest_view_changes", "gauge", "view_age",
     "Changes since the oldest open view; 0: none is open."},
    {"shmrpc_object_locks", "gauge", "lock_count",
     "Locks of a dict or value that are held."},
    {"shmrpc_object_snapshot_age_seconds", "gauge", "snapshot_age_s",
     "Time since a snapshot of a dict or value was written."},
    {"shmrpc_object_failed_snapshots_total", "counter",
     "snapshot_failure_count",
     "Snapshots of a dict or value that could not be written."},
};

typedef struct writer {
    shmrpci_buf *out;
    const metric *metric;
    const web_object *last; /* the last object that had a sample */
} writer;

/* Finds the value of an object. Returns false if it has no such figure. */
static bool find(const metric *m, const web_object *object, uint64_t *out)
{
    if (m->key == NULL) {
        *out = strcmp(m->name, OPEN_NAME) == 0 ? object->info.open_count
                                               : object->info.memory_bytes;
        return true;
    }
    for (size_t i = 0; i < object->figure_count; i++) {
        if (strcmp(object->figures[i].key, m->key) == 0) {
            *out = object->figures[i].value;
            return true;
        }
    }
    return false;
}

/* Damaged files can claim the name of another object, and two samples with the
 * same labels would make the whole output invalid. Objects are sorted, so equal
 * ones are neighbours. */
static bool is_same(const web_object *a, const web_object *b)
{
    return a->scope == b->scope && strcmp(a->info.kind, b->info.kind) == 0 &&
           strcmp(a->info.name, b->info.name) == 0;
}

static void see(const web_object *object, void *user)
{
    writer *w = user;
    uint64_t value;
    if ((w->last != NULL && is_same(w->last, object)) ||
        !find(w->metric, object, &value)) {
        return;
    }
    w->last = object;
    shmrpci_buf_printf(w->out, "%s{", w->metric->name);
    web_metrics_label(w->out, "kind", object->info.kind);
    web_metrics_label(w->out, "name", object->info.name);
    web_metrics_label(w->out, "scope", web_object_scope(object));
    shmrpci_buf_printf(w->out, "} %" PRIu64 "\n", value);
}

static void count(const web_object *object, void *user)
{
    (void)object;
    (void)user;
}

void web_object_metrics_append(web_objects *objects, shmrpci_buf *out)
{
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        writer w = {.out = out, .metric = &metrics[i]};
        web_metrics_head(out, w.metric->name, w.metric->type, w.metric->help);
        (void)web_objects_see(objects, see, &w);
    }
    web_metrics_head(out, "shmrpc_objects", "gauge",
                     "Shared objects, including locks.");
    shmrpci_buf_printf(out, "shmrpc_objects %zu\n",
                       web_objects_see(objects, count, NULL));
}
