/*
 * The labels of shared objects, and whether objects still live.
 *
 * The label is written once, before the object has a name, and never changed:
 * so reading needs no lock. But it is not trusted: it is copied, its lengths
 * are checked against the available room, and its checksum against the copy.
 *
 * Judging whether an object still lives means taking locks that its users hold.
 * It is done by `shmrpci_label_is_over`, which leaves them taken if the answer
 * is yes: no process can begin to use the object before the caller has removed
 * it and closed the descriptor.
 */
#include "objects/label.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "os/byte_lock.h"
#include "os/memory.h"

/* A row without a type has an empty signature. */
static const char *signature_of(const shmrpc_shared *row)
{
    return row->signature != NULL ? row->signature : "";
}

static uint32_t signature_len(const shmrpc_shared *row)
{
    size_t len = strlen(signature_of(row));
    return len < SHMRPCI_LABEL_SIGNATURE ? (uint32_t)len
                                         : SHMRPCI_LABEL_SIGNATURE;
}

/* The length of the .svc text. A text that is too long is left out, since the
 * text is only for people. */
static uint32_t text_len(const shmrpc_shared *row)
{
    size_t len = 0;
    for (const char *const *at = row->text; at != NULL && *at != NULL; at++) {
        len += strlen(*at);
    }
    return len <= SHMRPCI_LABEL_MAX_TEXT ? (uint32_t)len : 0;
}

/* The texts lie before the label. Their length is rounded up, so that the
 * engine's bytes before them stay aligned. */
uint64_t shmrpci_label_bytes(const shmrpc_shared *row)
{
    uint64_t bytes = (uint64_t)signature_len(row) + text_len(row);
    return (bytes + 127) / 128 * 128 + sizeof(shmrpci_label);
}

/* The checksum covers the label after the checksum itself, then both texts. */
static uint32_t checksum(const shmrpci_label *label, const uint8_t *texts)
{
    size_t from = offsetof(shmrpci_label, lifetime);
    uint32_t crc =
        shmrpci_crc32c(0, (const uint8_t *)label + from, sizeof *label - from);
    return shmrpci_crc32c(crc, texts,
                          (size_t)label->signature_len + label->text_len);
}

/* Writes from the end backwards, as the label is found from the end of the
 * roots. */
static void write_at(uint8_t *end, const shmrpc_shared *row)
{
    shmrpci_label label = {
        .magic = SHMRPCI_LABEL_MAGIC,
        .lifetime = (uint32_t)row->lifetime,
        .signature_len = signature_len(row),
        .text_len = text_len(row),
    };
    end -= sizeof label;
    uint8_t *texts = end - label.text_len - label.signature_len;
    uint8_t *at = texts + label.signature_len;
    memcpy(texts, signature_of(row), label.signature_len);
    if (label.text_len > 0) {
        for (const char *const *piece = row->text; *piece != NULL; piece++) {
            size_t len = strlen(*piece);
            memcpy(at, *piece, len);
            at += len;
        }
    }
    label.crc = checksum(&label, texts);
    memcpy(end, &label, sizeof label);
}

shmrpc_status shmrpci_label_write(int fd, const shmrpc_shared *row,
                                  shmrpc_error *error)
{
    shmrpci_region_head head;
    shmrpci_map map;
    shmrpc_status status = shmrpci_memory_read(fd, &head, sizeof head);
    if (status == SHMRPC_OK) {
        status =
            shmrpci_memory_map_part(fd, head.roots_offset, head.roots_bytes,
                                    SHMRPCI_ACCESS_WRITE, &map);
    }
    if (status != SHMRPC_OK) {
        (void)shmrpc_error_set(error, status, "the roots can't be mapped");
        return status;
    }
    write_at((uint8_t *)map.at + head.roots_bytes, row);
    shmrpci_memory_unmap(&map);
    return SHMRPC_OK;
}

/* ---- reading ------------------------------------------------------------- */

/* Makes a private copy of both texts, with a NUL after each. */
static shmrpc_status copy(const shmrpci_region *region, shmrpci_label *label,
                          uint8_t **out, shmrpc_error *error)
{
    const shmrpci_region_head *facts = &region->facts;
    const uint8_t *end = (const uint8_t *)region->map.at + facts->roots_offset +
                         facts->roots_bytes;
    bool is_good = facts->roots_bytes >= sizeof *label;
    if (is_good) {
        end -= sizeof *label;
        memcpy(label, end, sizeof *label);
        is_good = label->magic == SHMRPCI_LABEL_MAGIC &&
                  label->signature_len <= SHMRPCI_LABEL_SIGNATURE &&
                  label->text_len <= SHMRPCI_LABEL_MAX_TEXT &&
                  facts->roots_bytes - sizeof *label >=
                      (uint64_t)label->signature_len + label->text_len;
    }
    if (is_good) {
        size_t len = (size_t)label->signature_len + label->text_len;
        uint8_t *texts = malloc(len + 1);
        if (texts == NULL) {
            (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
            return SHMRPC_E_NO_MEMORY;
        }
        memcpy(texts, end - len, len);
        texts[len] = '\0';
        if (checksum(label, texts) == label->crc) {
            *out = texts;
            return SHMRPC_OK;
        }
        free(texts);
    }
    return shmrpc_error_set(
        error, SHMRPC_E_DATA_LOSS,
        "the object is damaged: the checksum of its type does not match");
}

/* The results of one look at a file. */
typedef struct look {
    shmrpci_region_head facts;
    shmrpci_label label;
    uint8_t *texts; /* to be freed */
    uint32_t high;
    bool is_destroyed;
} look;

/* Attaches read-only, which takes no place and changes nothing. */
static shmrpc_status look_at(int fd, look *out, shmrpc_error *error)
{
    static const shmrpci_region_kind nothing = {.user = NULL};
    shmrpci_region region;
    shmrpc_status status = shmrpci_region_attach(fd, SHMRPCI_ACCESS_READ,
                                                 &nothing, &region, error);
    if (status != SHMRPC_OK && status != SHMRPC_E_DESTROYED) {
        return status;
    }
    out->is_destroyed = status == SHMRPC_E_DESTROYED;
    out->texts = NULL;
    if (out->is_destroyed) {
        return SHMRPC_OK;
    }
    out->facts = region.facts;
    out->high = shmrpci_region_high(&region);
    status = copy(&region, &out->label, &out->texts, error);
    region.fd = -1; /* the caller keeps the descriptor */
    shmrpci_region_detach(&region);
    return status;
}

shmrpc_status shmrpci_label_look(int fd, shmrpci_glance *out,
                                 shmrpc_error *error)
{
    look found = {.texts = NULL};
    shmrpc_status status = look_at(fd, &found, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    memset(out, 0, sizeof *out);
    out->is_destroyed = found.is_destroyed;
    if (!found.is_destroyed) {
        out->facts = found.facts;
        out->high = found.high;
        out->lifetime = (shmrpc_lifetime)found.label.lifetime;
        memcpy(out->signature, found.texts, found.label.signature_len);
    }
    free(found.texts);
    return SHMRPC_OK;
}

/* Types are compared by hash and also by signature, as hashes may collide. */
bool shmrpci_label_is_of(const shmrpci_glance *glance, const shmrpc_shared *row,
                         uint64_t type_hash)
{
    const char *mine = signature_of(row);
    size_t len = signature_len(row);
    if (glance->facts.type_hash != type_hash ||
        glance->facts.encoding != (uint32_t)row->encoding) {
        return false;
    }
    /* For an object of any shape the maker may have used any type name. */
    return type_hash == 0 || (strlen(glance->signature) == len &&
                              memcmp(glance->signature, mine, len) == 0);
}

/* A damaged label is not an error here: the rest may still be useful. */
shmrpc_status shmrpci_label_salvage(int fd, shmrpci_glance *out,
                                    char **out_text, shmrpc_error *error)
{
    static const shmrpci_region_kind remains = {.salvages = true};
    shmrpci_region region;
    shmrpci_label label;
    uint8_t *texts = NULL;
    shmrpc_status status = shmrpci_region_attach(fd, SHMRPCI_ACCESS_READ,
                                                 &remains, &region, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    memset(out, 0, sizeof *out);
    out->facts = region.facts;
    *out_text = NULL;
    status = copy(&region, &label, &texts, error);
    region.fd = -1; /* the caller keeps the descriptor */
    shmrpci_region_detach(&region);
    if (status == SHMRPC_OK) {
        out->lifetime = (shmrpc_lifetime)label.lifetime;
        memcpy(out->signature, texts, label.signature_len);
        memmove(texts, texts + label.signature_len, (size_t)label.text_len + 1);
        *out_text = (char *)texts;
    }
    return status == SHMRPC_E_DATA_LOSS ? SHMRPC_OK : status;
}

shmrpc_status shmrpci_label_text(int fd, char **out, shmrpc_error *error)
{
    look found = {.texts = NULL};
    shmrpc_status status = look_at(fd, &found, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (found.is_destroyed) {
        return shmrpc_error_set(error, SHMRPC_E_DESTROYED,
                                "the object has been destroyed");
    }
    memmove(found.texts, found.texts + found.label.signature_len,
            (size_t)found.label.text_len + 1);
    *out = (char *)found.texts;
    return SHMRPC_OK;
}

/* ---- lifetimes ----------------------------------------------------------- */

/* Takes the bytes of all users: each process that has the object open holds one
 * of them. The order is JUDGE, writers, readers, so that a process that finds a
 * place taken can look at JUDGE for the reason. If nobody held any of these
 * bytes, they stay taken. */
static bool seize_all(int fd, uint32_t participants)
{
    if (shmrpci_byte_lock_try(fd, SHMRPCI_OBJECT_JUDGE_BYTE, 1) != SHMRPC_OK) {
        return false;
    }
    if (shmrpci_byte_lock_try(fd, 0, participants) == SHMRPC_OK) {
        if (shmrpci_byte_lock_try(fd, SHMRPCI_OBJECT_READERS_BYTE, 1) ==
            SHMRPC_OK) {
            return true;
        }
        shmrpci_byte_lock_drop(fd, 0, participants);
    }
    shmrpci_byte_lock_drop(fd, SHMRPCI_OBJECT_JUDGE_BYTE, 1);
    return false;
}

bool shmrpci_label_is_over(int fd, const shmrpci_glance *glance)
{
    if (glance->is_destroyed) {
        return true;
    }
    switch (glance->lifetime) {
    case SHMRPC_LIFETIME_LAST_CLOSE:
        return seize_all(fd, glance->facts.participant_count);
    /* A dead creator has lost its byte. A living one holds it even while no
     * others use the object. */
    case SHMRPC_LIFETIME_CREATOR:
        return !shmrpci_byte_lock_is_held(fd, SHMRPCI_OBJECT_CREATOR_BYTE);
    case SHMRPC_LIFETIME_DEFAULT:
    case SHMRPC_LIFETIME_FILE:
        break;
    }
    return false;
}
