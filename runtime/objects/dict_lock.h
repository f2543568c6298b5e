/*
 * The locks of a dict: one for the whole, and one for each key that somebody
 * locks.  They are words of the hybrid lock (sync/lock_layout.h), whose
 * participants are those of the region: the same bytes show which of them live.
 *
 * Layout, behind the table's roots, zeros at first:
 *
 *     offset      what                                           who writes it
 *          0      shmrpci_lock_file: `word` is the whole's; those sync/lock
 *                 who hold a key are its readers
 *       then      tags: u64[512], the hash of the key whose lock  who holds the
 *                 an entry is; 0: nobody's yet, and none behind   desk and the
 *                 it in its row                                   entry
 *       then      entries[513]: word; length and beginning of     its holder
 *                 the key, for people; since when it is held. The first one is
 *                 the desk
 *
 * A key's row begins at its hash and goes through all entries. A thread that
 * finds no entry for its key takes the desk, which is a lock, and with it the
 * first entry that was never used, or else the first one that nobody holds; as
 * its holder it writes the tag, and keeps it. A thread that waited for that
 * word under its earlier tag then finds another tag, releases the word, and
 * looks again.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OBJECTS_DICT_LOCK_H
#define SHMRPCI_OBJECTS_DICT_LOCK_H

#include "sync/lock.h"
#include "table/table.h"

/* Limit of keys whose locks are held or waited for at the same time. */
#define SHMRPCI_DICT_LOCK_COUNT 512u

/* Index of region.facts.limits: where the area begins, from the roots. */
#define SHMRPCI_DICT_LIMIT_LOCKS 3u

/* How much of a key is stored for people to read. */
#define SHMRPCI_DICT_LOCK_KEY_WORDS 6u

typedef struct shmrpci_dict_lock_entry {
    _Alignas(64) shmrpci_atomic_u32 word;
    shmrpci_atomic_u32 key_len;
    shmrpci_atomic_u64 since_ns; /* in the first one: for the whole */
    shmrpci_atomic_u64 key[SHMRPCI_DICT_LOCK_KEY_WORDS];
} shmrpci_dict_lock_entry;

_Static_assert(sizeof(shmrpci_dict_lock_entry) == 64, "layout");
_Static_assert(offsetof(shmrpci_dict_lock_entry, since_ns) == 8, "layout");

/* The area within a mapped region. */
typedef struct shmrpci_dict_lock_area {
    shmrpci_lock_map at;
    shmrpci_atomic_u64 *tags;
    shmrpci_dict_lock_entry *entries;
} shmrpci_dict_lock_area;

/* False: the head's values for the area are impossible. */
bool shmrpci_dict_lock_find(const shmrpci_region *region,
                            shmrpci_dict_lock_area *out);

/* Where the area ends, from the beginning of the roots; 0: it has none. */
uint64_t shmrpci_dict_lock_end(const shmrpci_region *region);

/* A handle's own state of the locks that it used; for one process. */
typedef struct shmrpci_dict_locks shmrpci_dict_locks;

/* Adds the area to a region spec. */
void shmrpci_dict_lock_plan(shmrpci_region_spec *spec);

/* As shmrpci_table_attach(), which nothing else in this folder calls: a new
 * participant releases the locks of the dead one with its number. */
shmrpc_status shmrpci_dict_lock_attach(int fd, shmrpci_access access,
                                       shmrpci_table *out, shmrpc_error *error);
/* Called before detaching: locks that this handle still holds get a dead
   owner. */
void shmrpci_dict_lock_leave(const shmrpci_region *region);

/* Waiting and later callers get DESTROYED. */
void shmrpci_dict_lock_destroy(const shmrpci_region *region);

/* How many locks are held. */
uint32_t shmrpci_dict_lock_held_count(const shmrpci_region *region);

/* Frees memory of the process; NULL is allowed. */
void shmrpci_dict_locks_free(shmrpci_dict_locks *locks);

#endif
