/* Where the locks of a dict lie in the dict's file: finding this area, joining
 * and leaving it, and listing the locks. dict_lock.c takes and releases
 * them. */
#include <string.h>

#include "objects/dict_inside.h"
#include "objects/dict_lock.h"
#include "os/clock.h"

#define COUNT SHMRPCI_DICT_LOCK_COUNT

/* ---- layout -------------------------------------------------------------- */

/* Rounds up to 128, two cache lines, which processors fetch in pairs. */
static uint64_t round_up(uint64_t bytes)
{
    return (bytes + 127) / 128 * 128;
}

/* The size of the area, with the parts in the order of dict_lock.h. */
static uint64_t area_bytes(uint32_t participants)
{
    return round_up(shmrpci_lock_file_bytes(participants)) +
           COUNT * sizeof(uint64_t) +
           (COUNT + 1) * sizeof(shmrpci_dict_lock_entry);
}

void shmrpci_dict_lock_plan(shmrpci_region_spec *spec)
{
    uint64_t at = round_up(spec->roots_bytes);
    spec->limits[SHMRPCI_DICT_LIMIT_LOCKS] = at;
    spec->roots_bytes = at + area_bytes(spec->participants);
}

/* Attaching checks the head of the region, but not these `limits`: only this
 * file knows what they mean. So they are checked here. */
bool shmrpci_dict_lock_find(const shmrpci_region *region,
                            shmrpci_dict_lock_area *out)
{
    const shmrpci_region_head *facts = &region->facts;
    uint64_t from = facts->limits[SHMRPCI_DICT_LIMIT_LOCKS];
    uint64_t bytes = area_bytes(facts->participant_count);
    if (from == 0 || from % 128 != 0 || bytes > facts->roots_bytes ||
        from > facts->roots_bytes - bytes) {
        return false;
    }
    uint8_t *base = (uint8_t *)region->map.at + facts->roots_offset + from;
    uint8_t *tags =
        base + round_up(shmrpci_lock_file_bytes(facts->participant_count));
    uint8_t *entries = tags + COUNT * sizeof(uint64_t);
    *out = (shmrpci_dict_lock_area){
        .at = {.file = (shmrpci_lock_file *)(void *)base,
               .kind = SHMRPC_LOCK_SHARED,
               .slot_count = facts->participant_count,
               .words = entries,
               .word_count = COUNT + 1,
               .word_step = sizeof(shmrpci_dict_lock_entry)},
        .tags = (shmrpci_atomic_u64 *)(void *)tags,
        .entries = (shmrpci_dict_lock_entry *)(void *)entries,
    };
    return true;
}

uint64_t shmrpci_dict_lock_end(const shmrpci_region *region)
{
    const shmrpci_region_head *facts = &region->facts;
    shmrpci_dict_lock_area in;
    return shmrpci_dict_lock_find(region, &in)
               ? round_up(facts->limits[SHMRPCI_DICT_LIMIT_LOCKS] +
                          area_bytes(facts->participant_count))
               : 0;
}

/* ---- joining and leaving ------------------------------------------------- */

shmrpc_status shmrpci_dict_lock_attach(int fd, shmrpci_access access,
                                       shmrpci_table *out, shmrpc_error *error)
{
    shmrpci_dict_lock_area in;
    shmrpc_status status = shmrpci_table_attach(fd, access, out, error);
    const shmrpci_region *region = &out->region;
    if (status == SHMRPC_OK && region->me != SHMRPCI_REGION_NOBODY &&
        shmrpci_dict_lock_find(region, &in)) {
        /* Our number may have belonged to a participant that died. Its locks
         * now go to waiting threads. */
        shmrpci_lock_bury(&in.at, region->me);
        shmrpci_lock_introduce(&in.at, region->me);
    }
    return status;
}

/* If a handle is closed while it holds locks, others see them as locks of a
 * dead owner. */
void shmrpci_dict_lock_leave(const shmrpci_region *region)
{
    shmrpci_dict_lock_area in;
    if (region->me != SHMRPCI_REGION_NOBODY &&
        shmrpci_dict_lock_find(region, &in)) {
        shmrpci_lock_bury(&in.at, region->me);
    }
}

void shmrpci_dict_lock_destroy(const shmrpci_region *region)
{
    shmrpci_dict_lock_area in;
    if (region->is_writer && shmrpci_dict_lock_find(region, &in)) {
        shmrpci_lock_mark_destroyed(&in.at);
    }
}

/* Whether the word has an owner, alive or dead. */
static bool is_held(uint32_t word)
{
    return (word & SHMRPCI_LOCK_OWNER) != 0;
}

/* Entry 0 is the desk, which is not counted. */
uint32_t shmrpci_dict_lock_held_count(const shmrpci_region *region)
{
    shmrpci_dict_lock_area in;
    if (!shmrpci_dict_lock_find(region, &in)) {
        return 0;
    }
    uint32_t count = is_held(shmrpci_load_relaxed(&in.at.file->word)) ? 1 : 0;
    for (uint32_t i = 1; i <= COUNT; i++) {
        count += is_held(shmrpci_load_relaxed(&in.entries[i].word)) ? 1 : 0;
    }
    return count;
}

/* ---- listing ------------------------------------------------------------- */

/* Reports a lock. Other threads may change the entry while it is read, so the
 * key may be half of one key and half of the next. That is good enough for a
 * listing. */
static void tell(const shmrpci_lock_map *at, uint32_t word,
                 const shmrpci_dict_lock_entry *entry, bool is_whole,
                 shmrpc_dict_lock_visit *visit, void *user)
{
    uint8_t key[sizeof entry->key];
    uint32_t len = is_whole ? 0 : shmrpci_load_relaxed(&entry->key_len);
    int64_t since_ns = (int64_t)shmrpci_load_relaxed(&entry->since_ns);
    int64_t now_ns = shmrpci_now_ns();
    for (uint32_t i = 0; i < SHMRPCI_DICT_LOCK_KEY_WORDS; i++) {
        uint64_t part = shmrpci_load_relaxed(&entry->key[i]);
        memcpy(key + i * sizeof part, &part, sizeof part);
    }
    const shmrpc_dict_held held = {
        .is_whole = is_whole,
        .is_broken = (word & SHMRPCI_LOCK_BROKEN) != 0 ||
                     (word & SHMRPCI_LOCK_OWNER) == SHMRPCI_LOCK_GONE,
        .pid = shmrpci_lock_pid_of_word(at, word),
        .held_ns = since_ns > 0 && since_ns < now_ns ? now_ns - since_ns : 0,
        .key_bytes = {key, len < sizeof key ? len : sizeof key},
        .key_len = len,
    };
    visit(user, &held);
}

shmrpc_status shmrpc_dict_each_lock(shmrpc_dict *dict,
                                    shmrpc_dict_lock_visit *visit, void *user,
                                    shmrpc_error *error)
{
    shmrpci_dict_lock_area in;
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
    if (status != SHMRPC_OK ||
        !shmrpci_dict_lock_find(&dict->table.region, &in)) {
        return status;
    }
    uint32_t word = shmrpci_load_seq(&in.at.file->word);
    if (is_held(word)) {
        tell(&in.at, word, &in.entries[0], true, visit, user);
    }
    /* From 1, because the word of entry 0 is the desk, which is internal. */
    for (uint32_t i = 1; i <= COUNT; i++) {
        word = shmrpci_load_seq(&in.entries[i].word);
        if (is_held(word)) {
            tell(&in.at, word, &in.entries[i], false, visit, user);
        }
    }
    return SHMRPC_OK;
}
