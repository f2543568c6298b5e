/* The echo that all peers serve: makes payloads and addresses, and checks
 * replies. */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_BYTES = 160 };

typedef struct echo {
    const peer *who;
    char folder[BENCH_FOLDER_BYTES];
    char address[ADDRESS_BYTES];
    void *connection;
    peer_message message;
    unsigned items;   /* items that one call receives */
    uint64_t started; /* calls that a pipeline has started so far */
} echo;

void *peer_setup(const bench_case *self)
{
    echo *const e = bench_alloc(sizeof *e);
    memset(e, 0, sizeof *e);
    e->who = self->with;
    bench_folder_make(e->folder);
    const size_t len = strlen(e->who->prefix);
    if (len > 0 && e->who->prefix[len - 1] == ':' &&
        strcmp(e->who->prefix, "unix:") != 0) {
        snprintf(e->address, sizeof e->address, "%s%u", e->who->prefix,
                 bench_free_port());
    } else {
        snprintf(e->address, sizeof e->address, "%s%s/echo", e->who->prefix,
                 e->folder);
    }
    e->items = self->calls;
    e->message.size = self->payload;
    e->message.request = bench_alloc(self->payload);
    memset(e->message.request, 'x', self->payload);
    return e;
}

void peer_serve(void *state)
{
    const echo *const e = state;
    e->who->serve(e->address);
}

void peer_dial(void *state)
{
    echo *const e = state;
    e->connection = e->who->dial(e->address);
}

/* Writes the call's number into the first and the last eight bytes. */
static void stamp(peer_message *m, uint64_t sequence)
{
    m->sequence = sequence;
    memcpy(m->request, &m->sequence, sizeof m->sequence);
    memcpy(m->request + m->size - sizeof m->sequence, &m->sequence,
           sizeof m->sequence);
}

void peer_call(void *state)
{
    echo *const e = state;
    stamp(&e->message, e->message.sequence + 1);
    e->who->call(e->connection, &e->message);
}

static void start_next(echo *e)
{
    stamp(&e->message, ++e->started);
    e->who->start(e->connection, &e->message);
}

void peer_dial_pipeline(void *state)
{
    echo *const e = state;
    peer_dial(state);
    for (unsigned i = 0; i < PEER_DEPTH; i++) {
        start_next(e);
    }
}

void peer_call_pipeline(void *state)
{
    echo *const e = state;
    for (unsigned i = 0; i < PEER_DEPTH; i++) {
        e->message.sequence = e->started - PEER_DEPTH + 1;
        e->who->finish(e->connection, &e->message);
        start_next(e);
    }
}

void peer_take(void *state)
{
    echo *const e = state;
    e->who->take(e->connection, &e->message, e->items);
}

void peer_item(peer_message *message, const void *bytes, size_t size)
{
    uint64_t number = 0;
    if (size >= sizeof number) {
        memcpy(&number, bytes, sizeof number);
    }
    if (size != message->size || number != message->sequence++) {
        bench_fail("an item of %zu bytes differs", size);
    }
}

void peer_check(const peer_message *message, const void *bytes, size_t size)
{
    uint64_t ends[2];
    if (size != message->size) {
        bench_fail("an echo of %zu bytes has %zu", message->size, size);
    }
    memcpy(&ends[0], bytes, sizeof ends[0]);
    memcpy(&ends[1], (const char *)bytes + size - sizeof ends[1],
           sizeof ends[1]);
    if (ends[0] != message->sequence || ends[1] != message->sequence) {
        bench_fail("echo %llu differs", (unsigned long long)message->sequence);
    }
}

void peer_teardown(void *state)
{
    echo *const e = state;
    bench_folder_remove(e->folder);
    if (e->who->tidy != NULL) {
        e->who->tidy();
    }
    free(e->message.request);
    free(e);
}
