/*
 * Messages over NATS: an accepted message lies within the input, has a length
 * that its kind allows, and is written as it was read; the name of the sender
 * can be part of a subject.
 */
#include "transport/nats/parcel.h"

#include <stdlib.h>
#include <string.h>

static void need(bool good)
{
    if (!good) {
        abort();
    }
}

/* Checks that a text is a single token of a subject: a dot would end it, and
 * wildcards would match other subjects. */
static void need_subject(const char *subject, const char *start)
{
    need(strlen(subject) < NATS_SUBJECT_BYTES);
    need(strncmp(subject, start, strlen(start)) == 0);
    need(strpbrk(subject, " *>\t\r\n") == NULL);
    size_t dots = 0;
    for (const char *at = subject; *at != '\0'; at++) {
        dots += *at == '.';
        need(*at != '.' || (at[1] != '.' && at[1] != '\0'));
    }
    need(dots == 2 || dots == 3);
}

static void read_who(const nats_parcel *parcel)
{
    nats_who who;
    uint8_t again[NATS_WHO_BYTES];
    char subject[NATS_SUBJECT_BYTES];
    if (nats_who_get(parcel->data, parcel->len, &who)) {
        need(nats_who_put(&who, again) == parcel->len);
        need(memcmp(again, parcel->data, parcel->len) == 0);
        nats_subject_instance("any", who.id, subject);
        need_subject(subject, "shmrpc.any.i.");
    }
}

/* Any text may be the name of a service. */
static void name_service(const uint8_t *data, size_t size)
{
    char name[200];
    char subject[NATS_SUBJECT_BYTES];
    size_t len = size < sizeof name - 1 ? size : sizeof name - 1;
    memcpy(name, data, len);
    name[len] = '\0';
    if (name[0] != '\0') {
        nats_subject_find(name, subject);
        need_subject(subject, "shmrpc.");
    }
    (void)nats_is_inbox(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nats_parcel parcel;
    uint8_t head[NATS_PARCEL_HEAD];
    name_service(data, size);
    if (!nats_parcel_get(data, size, &parcel)) {
        return 0;
    }
    need(parcel.data == data + NATS_PARCEL_HEAD);
    need(parcel.len == size - NATS_PARCEL_HEAD);
    need(parcel.len == 0 || parcel.kind == NATS_DATA ||
         parcel.kind == NATS_FOUND);
    nats_parcel_put(&parcel, head);
    need(memcmp(head, data, sizeof head) == 0);
    if (parcel.kind == NATS_FOUND) {
        read_who(&parcel);
    }
    return 0;
}
