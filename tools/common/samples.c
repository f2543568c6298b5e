/* Samples processes. */
#include "tools/common/samples.h"

#include <stdlib.h>

#include "os/clock.h"

static int64_t since(int64_t later, int64_t earlier)
{
    return later < 0 || earlier < 0 ? -1 : later - earlier;
}

/* The pid may belong to another process by now; then `began` differs. */
static void compare(tool_sample *it, const tool_sample *before)
{
    const tool_process_figures *now = &it->now;
    it->is_new = before == NULL || before->now.began != now->began;
    it->cpu_ns = now->cpu_ns;
    it->read_bytes = now->read_bytes;
    it->write_bytes = now->write_bytes;
    if (!it->is_new) {
        it->cpu_ns = since(now->cpu_ns, before->now.cpu_ns);
        it->read_bytes = since(now->read_bytes, before->now.read_bytes);
        it->write_bytes = since(now->write_bytes, before->now.write_bytes);
    }
}

const tool_sample *tool_samples_find(const tool_samples *s, int32_t pid)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].pid == pid) {
            return &s->items[i];
        }
    }
    return NULL;
}

/* Builds the new set, compares it with the previous one, and then replaces the
 * previous one. Lists are short, so a linear search for each pid is fast
 * enough. */
void tool_samples_take(tool_samples *s, const int32_t *pids, size_t count)
{
    int64_t now_ns = shmrpci_now_ns();
    tool_samples next = {.items = calloc(count + 1, sizeof *next.items),
                         .taken_ns = now_ns,
                         .span_ns =
                             s->taken_ns != 0 ? now_ns - s->taken_ns : 0};
    for (size_t i = 0; next.items != NULL && i < count; i++) {
        tool_sample *it = &next.items[next.count];
        if (tool_samples_find(&next, pids[i]) == NULL &&
            tool_process_read(pids[i], &it->now) == SHMRPC_OK) {
            it->pid = pids[i];
            compare(it, tool_samples_find(s, it->pid));
            next.count++;
        }
    }
    free(s->items);
    *s = next;
}

/* If one part is unknown, the sum stays unknown: a partial sum would be
 * wrong. */
static void add(int64_t *sum, int64_t part)
{
    *sum = part < 0 || *sum < 0 ? -1 : *sum + part;
}

tool_sample tool_samples_sum(const tool_samples *s)
{
    tool_sample sum = {.pid = 0};
    for (size_t i = 0; i < s->count; i++) {
        const tool_sample *it = &s->items[i];
        add(&sum.cpu_ns, it->cpu_ns);
        add(&sum.read_bytes, it->read_bytes);
        add(&sum.write_bytes, it->write_bytes);
        add(&sum.now.cpu_ns, it->now.cpu_ns);
        add(&sum.now.rss_bytes, it->now.rss_bytes);
        add(&sum.now.pss_bytes, it->now.pss_bytes);
        add(&sum.now.read_bytes, it->now.read_bytes);
        add(&sum.now.write_bytes, it->now.write_bytes);
        add(&sum.now.threads, it->now.threads);
        add(&sum.now.descriptors, it->now.descriptors);
    }
    return sum;
}

void tool_samples_forget(tool_samples *s)
{
    free(s->items);
    *s = (tool_samples){.items = NULL};
}
