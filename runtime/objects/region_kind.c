/* The operations of any region for the folder's tools. They use its head, its
 * label, and the locked bytes of its file; none of them needs the engine. */
#include "objects/region_kind.h"

#include <string.h>

#include "base/utf8.h"
#include "objects/label.h"
#include "os/byte_lock.h"
#include "os/memory.h"

/* Asks the kernel about each place that was ever taken. */
static uint32_t count_open(int fd, const shmrpci_glance *glance)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < glance->high; p++) {
        count += shmrpci_byte_lock_is_held(fd, SHMRPCI_REGION_BYTE(p)) ? 1 : 0;
    }
    return count;
}

/* Like shmrpci_label_is_over(), but takes no locks: for listings, which must
 * not disturb users. */
static bool seems_over(int fd, const shmrpci_glance *glance, uint32_t open)
{
    switch (glance->lifetime) {
    case SHMRPC_LIFETIME_CREATOR:
        return !shmrpci_byte_lock_is_held(fd, SHMRPCI_OBJECT_CREATOR_BYTE);
    case SHMRPC_LIFETIME_LAST_CLOSE:
        return open == 0 &&
               !shmrpci_byte_lock_is_held(fd, SHMRPCI_OBJECT_READERS_BYTE);
    case SHMRPC_LIFETIME_DEFAULT:
    case SHMRPC_LIFETIME_FILE:
        break;
    }
    return false;
}

/* If the label can't be read, `state` stays DAMAGED, as the caller set it. */
void shmrpci_region_kind_describe(const shmrpci_object_kind *kind, int fd,
                                  shmrpc_object_info *info,
                                  char texts[SHMRPCI_KIND_NAME_BYTES])
{
    shmrpci_glance glance;
    info->kind = kind->name;
    if (shmrpci_label_look(fd, &glance, NULL) != SHMRPC_OK) {
        return;
    }
    if (glance.is_destroyed) {
        info->state = SHMRPC_OBJECT_DESTROYED;
        return;
    }
    memcpy(texts, glance.signature, sizeof glance.signature);
    info->type = texts;
    info->open_count = count_open(fd, &glance);
    info->state =
        info->open_count > 0 ? SHMRPC_OBJECT_IN_USE : SHMRPC_OBJECT_IDLE;
    if (seems_over(fd, &glance, info->open_count)) {
        info->state = SHMRPC_OBJECT_OVER;
    }
}

bool shmrpci_region_kind_read_name(int fd, char out[SHMRPCI_KIND_NAME_BYTES])
{
    shmrpci_glance glance;
    if (shmrpci_label_look(fd, &glance, NULL) != SHMRPC_OK ||
        glance.is_destroyed || glance.facts.name_len == 0) {
        return false;
    }
    size_t len = glance.facts.name_len;
    memcpy(out, glance.facts.name, len);
    out[len] = '\0';
    /* The name is untrusted, and goes to terminals and into messages, so it
     * must be valid UTF-8. */
    return strlen(out) == len && shmrpci_utf8_valid_prefix(out, len) == len;
}

void shmrpci_region_kind_destroy(int fd)
{
    shmrpci_glance glance;
    shmrpci_map map;
    if (shmrpci_label_look(fd, &glance, NULL) != SHMRPC_OK ||
        shmrpci_memory_map_part(fd, SHMRPCI_REGION_STATE_OFFSET,
                                sizeof(shmrpci_region_state),
                                SHMRPCI_ACCESS_WRITE, &map) != SHMRPC_OK) {
        return;
    }
    shmrpci_region_state *state = map.at;
    /* Nobody is woken: waiting threads notice the mark when their slice is
     * over. */
    shmrpci_store_seq(&state->destroyed, 1u);
    shmrpci_memory_unmap(&map);
}

/* Whether there is a place with a pid whose byte is free. */
bool shmrpci_region_kind_has_dead(int fd)
{
    static const shmrpci_region_kind nothing = {.user = NULL};
    shmrpci_region region;
    bool has_dead = false;
    if (shmrpci_region_attach(fd, SHMRPCI_ACCESS_READ, &nothing, &region,
                              NULL) != SHMRPC_OK) {
        return false;
    }
    uint32_t high = shmrpci_region_high(&region);
    for (uint32_t p = 0; !has_dead && p < high; p++) {
        has_dead = shmrpci_load_seq(
                       &shmrpci_region_participant(&region, p)->pid) != 0 &&
                   !shmrpci_region_is_alive(&region, p);
    }
    region.fd = -1; /* the caller keeps the descriptor */
    shmrpci_region_detach(&region);
    return has_dead;
}

void shmrpci_region_kind_bury(const shmrpci_region *region)
{
    (void)shmrpci_region_bury((shmrpci_region *)(uintptr_t)region);
}

/* Only the lifetime decides. How long the object was idle matters for locks,
 * which have no lifetime. */
bool shmrpci_region_kind_is_over(int fd, int64_t idle_ns, int64_t min_idle_ns)
{
    shmrpci_glance glance;
    (void)idle_ns;
    (void)min_idle_ns;
    return shmrpci_label_look(fd, &glance, NULL) == SHMRPC_OK &&
           shmrpci_label_is_over(fd, &glance);
}
