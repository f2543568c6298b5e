/*
 * The locks of a dict: one for the whole dict, and one for each key that
 * somebody locks. They are words of the hybrid lock (sync/lock_layout.h), whose
 * participants are those of the region: the same byte locks tell which of them
 * are alive.
 *
 * Layout, behind the table's roots, zeros at first:
 *
 *     offset      what                                           who writes it
 *          0      shmrpci_lock_file: `word` locks the whole;    sync/lock
 *                 holders of keys are its readers
 *       then      tags: u64[512], the hash of the key that has   who holds the
 *                 the entry; 0: no key ever had it, so that a    desk and the
 *                 search ends here                               entry
 *       then      entries[513]: word; for listings: length and   its holder
 *                 beginning of the key, since when it is held.
 *                 The first entry is the desk
 *
 * A key's entry is searched for from the key's hash on, through all entries. A
 * thread that finds no entry for its key takes the desk, which is a lock. While
 * it holds the desk it takes the first entry that was never used, or else the
 * first one that nobody holds. As the holder of that entry it writes the tag,
 * and goes on holding the entry. Another thread may have waited for the entry's
 * word because the entry had the tag of that thread's key. When that thread
 * takes the word it finds the new tag, releases the word, and searches again.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OBJECTS_DICT_LOCK_H
#define SHMRPCI_OBJECTS_DICT_LOCK_H

#include "sync/lock.h"
#include "table/table.h"

/* The most keys whose locks can be held or waited for at the same time. */
#define SHMRPCI_DICT_LOCK_COUNT 512u

/* Index into region.facts.limits: the offset of the area from the beginning of
 * the roots. */
#define SHMRPCI_DICT_LIMIT_LOCKS 3u

/* How much of a key is stored for listings. */
#define SHMRPCI_DICT_LOCK_KEY_WORDS 6u

typedef struct shmrpci_dict_lock_entry {
    _Alignas(64) shmrpci_atomic_u32 word;
    shmrpci_atomic_u32 key_len;
    shmrpci_atomic_u64 since_ns; /* in the first entry: for the whole dict */
    shmrpci_atomic_u64 key[SHMRPCI_DICT_LOCK_KEY_WORDS];
} shmrpci_dict_lock_entry;

_Static_assert(sizeof(shmrpci_dict_lock_entry) == 64, "layout");
_Static_assert(offsetof(shmrpci_dict_lock_entry, since_ns) == 8, "layout");

/* The area of the locks within a mapped region. */
typedef struct shmrpci_dict_lock_area {
    shmrpci_lock_map at;
    shmrpci_atomic_u64 *tags;
    shmrpci_dict_lock_entry *entries;
} shmrpci_dict_lock_area;

/* Finds the area. Returns false if the head's values for it are impossible. */
bool shmrpci_dict_lock_find(const shmrpci_region *region,
                            shmrpci_dict_lock_area *out);

/* Where the area ends, from the beginning of the roots; 0 if there is none. */
uint64_t shmrpci_dict_lock_end(const shmrpci_region *region);

/* A handle's private state of the locks that it used, in one process. */
typedef struct shmrpci_dict_locks shmrpci_dict_locks;

/* Adds the area to a region spec. */
void shmrpci_dict_lock_plan(shmrpci_region_spec *spec);

/* Like shmrpci_table_attach(). In addition a new participant releases the locks
 * of the dead one whose number it got, so that it does not seem to hold
 * them. */
shmrpc_status shmrpci_dict_lock_attach(int fd, shmrpci_access access,
                                       shmrpci_table *out, shmrpc_error *error);
/* Called before detaching: others see locks that this handle still holds as
 * locks of a dead owner. */
void shmrpci_dict_lock_leave(const shmrpci_region *region);

/* Destroys all locks: waiting and later callers get DESTROYED. */
void shmrpci_dict_lock_destroy(const shmrpci_region *region);

/* How many locks are held. */
uint32_t shmrpci_dict_lock_held_count(const shmrpci_region *region);

/* Frees the private state; NULL is allowed. */
void shmrpci_dict_locks_free(shmrpci_dict_locks *locks);

#endif
