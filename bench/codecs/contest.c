/* Code that all codec cases share: memory, checking the result, calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "rival.h"

typedef struct contest {
    const rival *who;
    rival_job job;
    const void *form;
} contest;

void *rival_take(rival_job *job, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (size > RIVAL_ROOM_BYTES - job->taken) {
        bench_fail("more than %d bytes of values", (int)RIVAL_ROOM_BYTES);
    }
    void *const at = job->room + job->taken;
    job->taken += size;
    return at;
}

shmrpc_str rival_take_text(rival_job *job, const void *text, size_t len)
{
    char *const copy = rival_take(job, len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return (shmrpc_str){copy, len};
}

const void *rival_form_is_value(rival_job *job, const void *value)
{
    (void)job;
    return value;
}

void rival_drop_taken(rival_job *job, const void *form)
{
    (void)form;
    job->taken = 0;
}

void *rival_setup(const bench_case *self)
{
    const rival_entry *const entry = self->with;
    contest *const o = bench_alloc(sizeof *o);
    memset(o, 0, sizeof *o);
    o->who = entry->who;
    o->job.record = entry->record;
    o->job.bytes = bench_alloc(RIVAL_ROOM_BYTES);
    o->job.room = bench_alloc(RIVAL_ROOM_BYTES);
    return o;
}

/* Runs in the client's process. Encodes the value, decodes it, and fails the
 * case unless encoding the result gives the same bytes. The bytes are kept for
 * the decode cases. */
void rival_dial(void *state)
{
    contest *const o = state;
    o->form = o->who->form(&o->job, rival_value(o->job.record));
    o->who->encode(&o->job, o->form);
    const void *const back = o->who->decode(&o->job);
    rival_job again = o->job;
    again.bytes = bench_alloc(RIVAL_ROOM_BYTES);
    o->who->encode(&again, back);
    if (again.len != o->job.len ||
        memcmp(again.bytes, o->job.bytes, again.len) != 0) {
        bench_fail("%s: the decoded value differs", o->who->name);
    }
    o->who->drop(&o->job, back);
    free(again.bytes);
}

void rival_teardown(void *state)
{
    contest *const o = state;
    free(o->job.bytes);
    free(o->job.room);
    free(o);
}

void rival_encode(void *state)
{
    contest *const o = state;
    o->who->encode(&o->job, o->form);
}

void rival_decode(void *state)
{
    contest *const o = state;
    o->who->drop(&o->job, o->who->decode(&o->job));
}
