/* Making and mapping regions, and checking offsets in them. */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "os/byte_lock.h"
#include "os/clock.h"
#include "os/fork.h"
#include "os/process.h"
#include "region/arena.h"
#include "region/inside.h"

/* ---- layout -------------------------------------------------------------- */

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* Computes the offsets from the counts. Returns the size of the whole
 * region. */
static uint64_t lay_out(shmrpci_region_head *head)
{
    uint64_t at = SHMRPCI_REGION_PARTICIPANTS_OFFSET +
                  round_up(head->participant_count *
                               (uint64_t)sizeof(shmrpci_participant_block),
                           SHMRPCI_REGION_PAGE);
    head->table_offset = at;
    at += round_up((uint64_t)head->span_count * sizeof(uint32_t),
                   SHMRPCI_REGION_PAGE);
    head->roots_offset = at;
    at += round_up(head->roots_bytes, SHMRPCI_REGION_PAGE);
    head->spans_offset = round_up(at, SHMRPCI_REGION_SPANS_ALIGN);
    return head->spans_offset + head->span_count * head->span_bytes;
}

/* Chooses the smallest size of spans for which the table is not too large. */
static void divide(shmrpci_region_head *head, uint64_t max_bytes)
{
    head->span_bytes = SHMRPCI_REGION_MIN_SPAN_BYTES;
    while (max_bytes > head->span_bytes * SHMRPCI_REGION_MAX_SPANS) {
        head->span_bytes *= 2;
    }
    head->span_count =
        (uint32_t)(round_up(max_bytes, head->span_bytes) / head->span_bytes);
}

static shmrpc_status describe(const shmrpci_region_spec *spec,
                              shmrpci_region_head *head, shmrpc_error *error)
{
    if (spec->max_bytes == 0 || spec->max_bytes > SHMRPCI_REGION_MAX_BYTES) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "max_bytes %llu, allowed 1..%llu",
                                (unsigned long long)spec->max_bytes,
                                (unsigned long long)SHMRPCI_REGION_MAX_BYTES);
    }
    if (spec->participants == 0 ||
        spec->participants > SHMRPCI_REGION_MAX_PARTICIPANTS) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID, "%u participants, allowed 1..%u",
            spec->participants, SHMRPCI_REGION_MAX_PARTICIPANTS);
    }
    if (spec->roots_bytes > SHMRPCI_REGION_MAX_ROOTS ||
        spec->name_len > SHMRPCI_REGION_NAME_MAX) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "roots of %llu bytes or a name of %zu bytes "
                                "are too long",
                                (unsigned long long)spec->roots_bytes,
                                spec->name_len);
    }
    *head = (shmrpci_region_head){
        .magic = SHMRPCI_REGION_MAGIC,
        .version = SHMRPCI_REGION_VERSION,
        .kind = spec->kind,
        .type_hash = spec->type_hash,
        .hash_seed = spec->hash_seed,
        .encoding = spec->encoding,
        .participant_count = spec->participants,
        .name_len = (uint32_t)spec->name_len,
        .roots_bytes = spec->roots_bytes,
    };
    memcpy(head->limits, spec->limits, sizeof head->limits);
    if (spec->name_len > 0) {
        memcpy(head->name, spec->name, spec->name_len);
    }
    shmrpci_process_boot(head->boot_id);
    divide(head, spec->max_bytes);
    head->bytes = lay_out(head);
    head->crc = shmrpci_crc32c(0, head, offsetof(shmrpci_region_head, crc));
    return SHMRPC_OK;
}

/* ---- making -------------------------------------------------------------- */

shmrpc_status shmrpci_region_size(const shmrpci_region_spec *spec,
                                  uint64_t *out_bytes, shmrpc_error *error)
{
    shmrpci_region_head head;
    shmrpc_status status = describe(spec, &head, error);
    if (status == SHMRPC_OK) {
        *out_bytes = head.bytes;
    }
    return status;
}

shmrpc_status shmrpci_region_format(int fd, const shmrpci_region_spec *spec,
                                    shmrpc_error *error)
{
    shmrpci_region_head head;
    shmrpci_map map;
    shmrpc_status status = describe(spec, &head, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_memory_pay(fd, 0, SHMRPCI_REGION_PARTICIPANTS_OFFSET);
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_pay(fd, head.roots_offset,
                                    head.spans_offset - head.roots_offset);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_map(fd, SHMRPCI_REGION_PAGE,
                                    SHMRPCI_ACCESS_WRITE, false, &map);
    }
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, status,
                                "no memory for the region's first %llu bytes",
                                (unsigned long long)head.spans_offset);
    }
    memcpy(map.at, &head, sizeof head);
    shmrpci_memory_unmap(&map);
    return SHMRPC_OK;
}

/* ---- checking the head --------------------------------------------------- */

static shmrpc_status damaged(shmrpc_error *error, const char *what)
{
    return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                            "the region is damaged: %s", what);
}

/* The counts must be ones that a valid creator could have chosen; then the
 * offsets must be those that follow from the counts. */
static bool is_consistent(const shmrpci_region_head *head)
{
    shmrpci_region_head again = *head;
    return head->participant_count > 0 &&
           head->participant_count <= SHMRPCI_REGION_MAX_PARTICIPANTS &&
           head->span_count > 0 &&
           head->span_count <= SHMRPCI_REGION_MAX_SPANS &&
           head->span_bytes >= SHMRPCI_REGION_MIN_SPAN_BYTES &&
           head->span_bytes <=
               SHMRPCI_REGION_MAX_BYTES / SHMRPCI_REGION_MAX_SPANS &&
           (head->span_bytes & (head->span_bytes - 1)) == 0 &&
           head->roots_bytes <= SHMRPCI_REGION_MAX_ROOTS &&
           head->name_len <= SHMRPCI_REGION_NAME_MAX &&
           lay_out(&again) == head->bytes &&
           again.table_offset == head->table_offset &&
           again.roots_offset == head->roots_offset &&
           again.spans_offset == head->spans_offset;
}

static shmrpc_status judge(const shmrpci_region_head *head, uint64_t file_bytes,
                           bool salvages, shmrpc_error *error)
{
    uint8_t boot_id[sizeof head->boot_id];
    shmrpci_process_boot(boot_id);
    if (head->magic != SHMRPCI_REGION_MAGIC) {
        return damaged(error,
                       "it does not begin with the magic number of a region");
    }
    if (head->version != SHMRPCI_REGION_VERSION) {
        return shmrpc_error_set(
            error, SHMRPC_E_CONTRACT,
            "the region has layout %u, this program knows layout %u",
            head->version, SHMRPCI_REGION_VERSION);
    }
    if (shmrpci_crc32c(0, head, offsetof(shmrpci_region_head, crc)) !=
        head->crc) {
        return damaged(error, "its checksum does not match");
    }
    if (!is_consistent(head)) {
        return damaged(error, "fields of its head contradict each other");
    }
    if (file_bytes < (salvages ? head->spans_offset : head->bytes)) {
        return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                                "the region is truncated: %llu of %llu bytes",
                                (unsigned long long)file_bytes,
                                (unsigned long long)head->bytes);
    }
    if (!salvages && memcmp(head->boot_id, boot_id, sizeof boot_id) != 0) {
        return damaged(error, "the machine has been restarted since");
    }
    return SHMRPC_OK;
}

/* ---- attaching ----------------------------------------------------------- */

static shmrpc_status open_map(shmrpci_region *region, int fd,
                              shmrpci_access access, shmrpc_error *error)
{
    uint64_t bytes;
    shmrpc_status status = shmrpci_memory_size(fd, &bytes);
    if (status == SHMRPC_OK && bytes < SHMRPCI_REGION_PARTICIPANTS_OFFSET) {
        return damaged(error, "it is shorter than a head");
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_read(fd, &region->facts, sizeof region->facts);
    }
    if (status == SHMRPC_OK) {
        status = judge(&region->facts, bytes, region->kind.salvages, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        status = shmrpci_memory_map(fd, region->facts.bytes, access, false,
                                    &region->map);
    }
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "can't map the region: %s",
                                  shmrpc_status_text(status));
}

shmrpc_status shmrpci_region_attach(int fd, shmrpci_access access,
                                    const shmrpci_region_kind *kind,
                                    shmrpci_region *out, shmrpc_error *error)
{
    shmrpci_region region = {
        .fd = fd,
        .kind = *kind,
        .is_writer = access == SHMRPCI_ACCESS_WRITE,
        .me = SHMRPCI_REGION_NOBODY,
    };
    shmrpc_status status = open_map(&region, fd, access, error);
    if (status == SHMRPC_OK && region.is_writer) {
        status = shmrpci_region_join(&region, error);
    }
    /* Checked after joining: a process that destroys the region and then finds
     * all bytes free knows that nobody joins any more. */
    if (status == SHMRPC_OK && !kind->salvages &&
        shmrpci_region_is_destroyed(&region)) {
        status = shmrpc_error_set(error, SHMRPC_E_DESTROYED,
                                  "the region has been destroyed");
    }
    if (status != SHMRPC_OK) {
        region.fd = -1; /* the caller keeps the descriptor */
        if (region.me != SHMRPCI_REGION_NOBODY) {
            region.fd = fd;
            shmrpci_region_leave(&region);
        }
        shmrpci_memory_unmap(&region.map);
        return status;
    }
    *out = region;
    return SHMRPC_OK;
}

void shmrpci_region_detach(shmrpci_region *region)
{
    while (region->pin_count > 0) {
        region->pins[0].count = 1;
        shmrpci_unpin(region, region->pins[0].change);
    }
    free(region->pins);
    region->pins = NULL;
    region->pin_room = 0;
    /* A forked child does not have the region mapped, and the participant
     * number belongs to its parent. */
    if (region->map.at != NULL && region->me != SHMRPCI_REGION_NOBODY &&
        region->map.generation == shmrpci_fork_generation()) {
        shmrpci_region_leave(region);
    }
    shmrpci_memory_unmap(&region->map);
    shmrpci_fd_close(&region->fd);
    region->me = SHMRPCI_REGION_NOBODY;
}

/* ---- paid memory --------------------------------------------------------- */

uint64_t shmrpci_region_paid(const shmrpci_region *region)
{
    /* Acquire: pairs with the CAS in pay (span.c), which follows fallocate. */
    uint64_t paid =
        shmrpci_load_acquire(&shmrpci_region_state_of(region)->paid);
    uint64_t all = region->facts.span_count * region->facts.span_bytes;
    return paid < all ? paid : all;
}

static bool is_within(uint64_t offset, uint64_t bytes, uint64_t from,
                      uint64_t size)
{
    return offset >= from && bytes <= size && offset - from <= size - bytes;
}

void *shmrpci_region_at(const shmrpci_region *region, uint64_t offset,
                        uint64_t bytes)
{
    const shmrpci_region_head *head = &region->facts;
    if (!is_within(offset, bytes, head->spans_offset,
                   shmrpci_region_paid(region)) &&
        !is_within(offset, bytes, head->roots_offset, head->roots_bytes)) {
        return NULL;
    }
    return (uint8_t *)region->map.at + offset;
}

void shmrpci_region_destroy(shmrpci_region *region)
{
    shmrpci_store_seq(&shmrpci_region_state_of(region)->destroyed, 1u);
}

/* How often to ask the kernel whether the owner lives. A system call for each
 * use of the region would cost more than the use. */
#define LOOK_NS (10 * SHMRPCI_NS_PER_MS)

void shmrpci_region_follow(shmrpci_region *region, shmrpci_region_owner *owner,
                           int64_t byte)
{
    owner->byte = byte;
    region->owner = owner;
}

void shmrpci_region_orphan(const shmrpci_region *region)
{
    /* Relaxed: a thread that is woken after this store, or looks again, sees
     * the new value. */
    shmrpci_store_relaxed(&region->owner->is_gone, 1u);
}

bool shmrpci_region_is_orphan(const shmrpci_region *region)
{
    shmrpci_region_owner *owner = region->owner;
    uint64_t now = shmrpci_ticks();
    /* Relaxed, all: if threads look at the same time, one look is
     * superfluous. */
    uint64_t looked = shmrpci_load_relaxed(&owner->looked_ticks);
    if (now - looked > shmrpci_ticks_of_ns(LOOK_NS)) {
        shmrpci_store_relaxed(&owner->looked_ticks, now);
        if (!shmrpci_byte_lock_is_held(region->fd, owner->byte)) {
            shmrpci_store_relaxed(&owner->is_gone, 1u);
        }
    }
    return shmrpci_load_relaxed(&owner->is_gone) != 0;
}
