/*
 * A shared object's description of itself, in addition to the head of its
 * region. It lies after the engine's roots. It is written before the object
 * gets its name, and never changed afterwards.
 *
 *     offset from the end of the roots -128          the label below
 *     -128 - text   .svc text that declares the type; may be empty
 *     before that   signature, "queue<acme.tts.Job>"
 *
 * Bytes of the file that are locked, beyond those of region/layout.h and
 * os/object.h:
 *
 *     CREATOR   by the handle that made the object, if the object lives only as
 *               long as its creator
 *     READERS   shared, by handles that only read; writers have their own bytes
 *     JUDGE     by a process that finds out whether the object is in use. To do
 *               so it takes the bytes of all writers; a process that finds
 *               those taken looks at this byte for the reason
 *     KEEPER    by the handle that fills the copy of a dict of many machines
 *
 * None of it is trusted: it is copied, checked, then used.
 */
#ifndef SHMRPCI_OBJECTS_LABEL_H
#define SHMRPCI_OBJECTS_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/object.h"
#include "region/region.h"
#include "shmrpc/descriptor.h"

#define SHMRPCI_OBJECT_CREATOR_BYTE (SHMRPCI_OBJECT_NAME_BYTE + 1)
#define SHMRPCI_OBJECT_READERS_BYTE (SHMRPCI_OBJECT_NAME_BYTE + 2)
#define SHMRPCI_OBJECT_JUDGE_BYTE   (SHMRPCI_OBJECT_NAME_BYTE + 3)
#define SHMRPCI_OBJECT_KEEPER_BYTE  (SHMRPCI_OBJECT_NAME_BYTE + 4)

#define SHMRPCI_LABEL_MAGIC     UINT64_C(0x3130636552685301)
#define SHMRPCI_LABEL_MAX_TEXT  ((uint32_t)1 << 20)
#define SHMRPCI_LABEL_SIGNATURE 255u

/* The 128 bytes at the end of the roots; `reserve` is 0. */
typedef struct shmrpci_label {
    uint64_t magic;
    uint32_t crc; /* CRC32C of everything after this word, then both texts */
    uint32_t lifetime;
    uint32_t signature_len;
    uint32_t text_len;
    uint64_t reserve[13];
} shmrpci_label;

_Static_assert(sizeof(shmrpci_label) == 128, "layout");

/* How many bytes of the roots the label of this row takes. */
uint64_t shmrpci_label_bytes(const shmrpc_shared *row);

/* Writes the label to a newly formatted region. Its roots must have
 * shmrpci_label_bytes() more bytes than the engine needs. */
shmrpc_status shmrpci_label_write(int fd, const shmrpc_shared *row,
                                  shmrpc_error *error);

/* Facts about an object that can be read without joining it. */
typedef struct shmrpci_glance {
    shmrpci_region_head facts;
    shmrpc_lifetime lifetime;
    bool is_destroyed; /* if so, only this member is valid */
    uint32_t high;     /* how many participant numbers were ever used */
    char signature[SHMRPCI_LABEL_SIGNATURE + 1];
} shmrpci_glance;

/* Reads the label of the object in `fd`, which the caller keeps. Statuses as
 * for shmrpci_region_attach() for reading; DATA_LOSS also if the label is
 * damaged. */
shmrpc_status shmrpci_label_look(int fd, shmrpci_glance *out,
                                 shmrpc_error *error);

/* Whether the object has the type and encoding of this row, with `type_hash` as
 * the hash (0: of any shape). Types with the same hash must also have the same
 * signature. */
bool shmrpci_label_is_of(const shmrpci_glance *glance, const shmrpc_shared *row,
                         uint64_t type_hash);

/* Like shmrpci_label_look(), for a damaged object, which may also be of another
 * boot, destroyed, or truncated. `*out_text` receives the .svc text, to be
 * freed. If the label is damaged too, `*out_text` is NULL, and `out` has no
 * signature and no lifetime. */
shmrpc_status shmrpci_label_salvage(int fd, shmrpci_glance *out,
                                    char **out_text, shmrpc_error *error);

/* The .svc text in `fd`, to be freed; "" if there is none. Returns DATA_LOSS or
 * NO_MEMORY. */
shmrpc_status shmrpci_label_text(int fd, char **out, shmrpc_error *error);

/* Whether the object's lifetime is over. If so, no process can begin to use it
 * while `fd` is open. */
bool shmrpci_label_is_over(int fd, const shmrpci_glance *glance);

#endif
