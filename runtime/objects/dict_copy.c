/*
 * This machine's copy of a dict of many machines: how it is filled.
 *
 * The engine first reports all entries in a pass, and then each change. It may
 * begin another pass later. After a pass, entries that it did not report are
 * deleted. To find them, a pass notes the table's version of each reported
 * entry, whether the entry was there before or is new: versions are unique, so
 * an entry whose version was not noted was not reported.
 *
 * The data is not trusted: anything that can't be a key or a value of the dict
 * is left out.
 */
#include "objects/dict_copy.h"

#include <stdlib.h>
#include <string.h>

#include "os/byte_lock.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/waiting.h"

#define MAGIC UINT64_C(0x3179706f43685301)

/* How long opening waits for a copy that is being filled. */
#define WHOLE_NS (30 * SHMRPCI_NS_PER_S)

/* Sleepers look again this often, as the process that should wake them may have
 * died. */
#define LOOK_NS (100 * SHMRPCI_NS_PER_MS)

/* The most versions noted in one pass, in case a server reports entries without
 * end. */
#define TOLD_MAX ((size_t)1 << 26)

typedef struct copy_words {
    shmrpci_atomic_u64 magic;
    shmrpci_atomic_u64 reached;
    shmrpci_atomic_u32 is_whole;
    shmrpci_atomic_u32 bell;
    shmrpci_atomic_u32 waiters;
} copy_words;

_Static_assert(sizeof(copy_words) <= SHMRPCI_DICT_COPY_BYTES, "layout");
_Static_assert(offsetof(copy_words, bell) == 20, "layout");

/* The state of a handle. Only the engine's thread uses the members other than
 * `words`. */
struct shmrpci_dict_copy {
    shmrpc_dict *dict;
    copy_words *words;
    bool is_keeper;
    bool notes;     /* a pass over a table that is not empty has begun */
    uint64_t *told; /* versions of reported entries */
    size_t told_count;
    size_t told_room;
    shmrpci_buf was;
    shmrpci_arena arena;
    void *key; /* room for one key and one value */
    void *value;
};

/* ---- shared words -------------------------------------------------------- */

static copy_words *find_words(const shmrpci_region *region)
{
    const shmrpci_region_head *facts = &region->facts;
    uint64_t at = shmrpci_dict_lock_end(region);
    if (at == 0 || facts->roots_bytes < SHMRPCI_DICT_COPY_BYTES ||
        at > facts->roots_bytes - SHMRPCI_DICT_COPY_BYTES) {
        return NULL;
    }
    return (copy_words *)(void *)((uint8_t *)region->map.at +
                                  facts->roots_offset + at);
}

void shmrpci_dict_copy_plan(shmrpci_region_spec *spec)
{
    spec->roots_bytes =
        (spec->roots_bytes + 127) / 128 * 128 + SHMRPCI_DICT_COPY_BYTES;
}

/* Marks the file as a copy. In a file of this name that was made as an ordinary
 * dict, the label is at this place; then this fails. */
static bool claim(copy_words *words)
{
    uint64_t none = 0;
    return shmrpci_cas_seq(&words->magic, &none, MAGIC) || none == MAGIC;
}

/* Called after a change of the words. The change, the load of `waiters` here
 * and the accesses of await are sequentially consistent: either the waiting
 * thread sees the change, or we see that it waits. */
static void ring(copy_words *words)
{
    if (shmrpci_load_seq(&words->waiters) != 0) {
        (void)shmrpci_add_seq(&words->bell, 1u);
        (void)shmrpci_futex_wake(&words->bell, INT32_MAX);
    }
}

/* Sleeps until the keeper has changed something, but not for long. */
static void doze(copy_words *words, uint32_t bell, int64_t deadline_ns)
{
    int64_t until_ns = shmrpci_deadline_after(LOOK_NS);
    until_ns = until_ns < deadline_ns ? until_ns : deadline_ns;
    (void)shmrpci_futex_wait(&words->bell, bell, until_ns);
}

void shmrpci_dict_copy_await(shmrpc_dict *dict, uint64_t revision,
                             int64_t deadline_ns)
{
    copy_words *words = dict->copy->words;
    (void)shmrpci_add_seq(&words->waiters, 1u);
    for (;;) {
        uint32_t bell = shmrpci_load_seq(&words->bell);
        if (shmrpci_load_seq(&words->reached) >= revision ||
            shmrpci_region_is_destroyed(&dict->table.region) ||
            shmrpci_remaining_ns(deadline_ns) == 0) {
            break;
        }
        doze(words, bell, deadline_ns);
        deadline_ns = shmrpci_waiting_deadline(deadline_ns);
    }
    (void)shmrpci_sub_seq(&words->waiters, 1u);
}

/* ---- callbacks of the engine --------------------------------------------- */

static bool may_keep(void *user)
{
    shmrpci_dict_copy *copy = user;
    if (!copy->is_keeper) {
        copy->is_keeper =
            shmrpci_byte_lock_try(copy->dict->table.region.fd,
                                  SHMRPCI_OBJECT_KEEPER_BYTE, 1) == SHMRPC_OK;
    }
    return copy->is_keeper;
}

static void begin(void *user)
{
    shmrpci_dict_copy *copy = user;
    copy->told_count = 0;
    copy->notes = shmrpci_table_len(&copy->dict->table) > 0;
    shmrpci_store_seq(&copy->words->is_whole, 0u);
    /* A server that has lost its last messages gives their revisions to other
     * changes, so the revision reached before this pass no longer counts. */
    shmrpci_store_seq(&copy->words->reached, 0u);
}

/* Notes a version. Returns false if there is no memory, or there are too
 * many. */
static bool note(shmrpci_dict_copy *copy, uint64_t version)
{
    if (!copy->notes) {
        return true;
    }
    if (copy->told_count == copy->told_room) {
        size_t room = copy->told_room > 0 ? copy->told_room * 2 : 1024;
        void *more = room <= TOLD_MAX
                         ? realloc(copy->told, room * sizeof *copy->told)
                         : NULL;
        if (more == NULL) {
            return false;
        }
        copy->told = more;
        copy->told_room = room;
    }
    copy->told[copy->told_count++] = version;
    return true;
}

static bool is_key(shmrpci_dict_copy *copy, shmrpci_table_bytes key)
{
    const shmrpc_type *type = copy->dict->handle.row.key;
    bool is_good = key.len <= SHMRPCI_KEY_MAX_BYTES &&
                   (type == NULL ||
                    shmrpci_key_decode(type, key.data, key.len, &copy->arena,
                                       copy->key, NULL) == SHMRPC_OK);
    shmrpci_arena_reset(&copy->arena);
    return is_good;
}

static bool is_value(shmrpci_dict_copy *copy, const void *data, size_t len)
{
    bool is_good =
        shmrpci_held_decode_to(&copy->dict->handle, data, len, &copy->arena,
                               copy->value, NULL) == SHMRPC_OK;
    shmrpci_arena_reset(&copy->arena);
    return is_good;
}

/* Stores an entry. One that is already there with the same value stays, so that
 * no watch on this machine reports it again. */
static shmrpc_status store(shmrpci_dict_copy *copy, shmrpci_table_bytes key,
                           shmrpci_table_bytes value, uint64_t *out_version)
{
    shmrpci_table *table = &copy->dict->table;
    if (copy->notes &&
        shmrpci_table_get(table, key, &copy->was, out_version, NULL) ==
            SHMRPC_OK &&
        copy->was.len == value.len &&
        memcmp(copy->was.data, value.data, value.len) == 0) {
        return SHMRPC_OK;
    }
    return shmrpci_table_put(table, key, value, SHMRPCI_TABLE_ANY, out_version,
                             NULL);
}

static bool apply(void *user, const void *key_data, size_t key_len,
                  const void *data, size_t len)
{
    shmrpci_dict_copy *copy = user;
    shmrpc_dict *dict = copy->dict;
    const shmrpci_table_bytes key = {key_data, key_len};
    uint64_t version = 0;
    if (!is_key(copy, key)) {
        return true;
    }
    bool is_put = data != NULL && is_value(copy, data, len);
    shmrpci_mutex_lock(&dict->mutex);
    shmrpc_status status =
        is_put ? store(copy, key, (shmrpci_table_bytes){data, len}, &version)
               : shmrpci_table_del(&dict->table, key, SHMRPCI_TABLE_ANY, NULL,
                                   NULL);
    shmrpci_mutex_unlock(&dict->mutex);
    return is_put ? status == SHMRPC_OK && note(copy, version)
                  : status == SHMRPC_OK || status == SHMRPC_E_NOT_FOUND;
}

static int compare(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one;
    uint64_t b = *(const uint64_t *)other;
    return a < b ? -1 : a > b;
}

/* Deletes the entries that the pass did not report. */
static void sweep(shmrpci_dict_copy *copy)
{
    shmrpc_dict *dict = copy->dict;
    shmrpci_table_cursor cursor = {0};
    uint64_t version;
    shmrpci_buf key;
    if (copy->told_count > 0) {
        qsort(copy->told, copy->told_count, sizeof *copy->told, compare);
    }
    shmrpci_buf_init_heap(&key);
    while (shmrpci_table_next(&dict->table, &cursor, &key, &copy->was, &version,
                              NULL) == SHMRPC_OK) {
        if (copy->told_count > 0 &&
            bsearch(&version, copy->told, copy->told_count, sizeof *copy->told,
                    compare) != NULL) {
            continue;
        }
        shmrpci_mutex_lock(&dict->mutex);
        (void)shmrpci_table_del(&dict->table, shmrpci_table_bytes_of(&key),
                                version, NULL, NULL);
        shmrpci_mutex_unlock(&dict->mutex);
    }
    shmrpci_buf_fini(&key);
}

static void whole(void *user)
{
    shmrpci_dict_copy *copy = user;
    if (copy->notes) {
        sweep(copy);
    }
    copy->notes = false;
    free(copy->told);
    copy->told = NULL;
    copy->told_count = copy->told_room = 0;
    shmrpci_store_seq(&copy->words->is_whole, 1u);
    ring(copy->words);
}

/* Revisions grow during a pass, and after it. */
static void reached(void *user, uint64_t revision)
{
    copy_words *words = ((shmrpci_dict_copy *)user)->words;
    shmrpci_store_seq(&words->reached, revision);
    ring(words);
}

static void gone(void *user)
{
    shmrpci_dict_copy *copy = user;
    shmrpci_dict_destroy_engine(&copy->dict->handle);
    ring(copy->words);
}

/* ---- following ----------------------------------------------------------- */

static shmrpc_status make(shmrpc_dict *dict, copy_words *words)
{
    const shmrpc_shared *row = &dict->handle.row;
    shmrpci_dict_copy *copy = calloc(1, sizeof *copy);
    dict->copy = copy;
    if (copy == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    copy->dict = dict;
    copy->words = words;
    shmrpci_buf_init_heap(&copy->was);
    shmrpci_arena_init(&copy->arena, 0);
    copy->key = calloc(1, row->key != NULL ? row->key->size : 1);
    copy->value = calloc(1, row->element->size);
    return copy->key != NULL && copy->value != NULL ? SHMRPC_OK
                                                    : SHMRPC_E_NO_MEMORY;
}

/* An earlier keeper may have died meanwhile; the engine's periodic checks
 * notice that. */
static shmrpc_status await_whole(shmrpc_dict *dict, shmrpc_error *error)
{
    int64_t deadline_ns = shmrpci_deadline_after(WHOLE_NS);
    copy_words *words = dict->copy->words;
    shmrpc_status status = SHMRPC_MORE;
    (void)shmrpci_add_seq(&words->waiters, 1u);
    while (status == SHMRPC_MORE) {
        uint32_t bell = shmrpci_load_seq(&words->bell);
        if (shmrpci_load_seq(&words->is_whole) != 0) {
            status = SHMRPC_OK;
        } else if (shmrpci_region_is_destroyed(&dict->table.region)) {
            status = shmrpc_error_set(error, SHMRPC_E_DESTROYED,
                                      "it was destroyed meanwhile");
        } else if (shmrpci_remaining_ns(deadline_ns) == 0) {
            status = shmrpc_error_set(
                error, SHMRPC_E_DEADLINE,
                "this machine's copy of it is not complete yet: NATS sends "
                "nothing, there is no room in %.64s, or process %d, which "
                "keeps the copy, is stopped",
                dict->handle.folder,
                shmrpci_byte_lock_holder(dict->table.region.fd,
                                         SHMRPCI_OBJECT_KEEPER_BYTE));
        } else {
            doze(words, bell, deadline_ns);
            deadline_ns = shmrpci_waiting_deadline(deadline_ns);
        }
    }
    (void)shmrpci_sub_seq(&words->waiters, 1u);
    return status;
}

shmrpc_status shmrpci_dict_copy_follow(shmrpci_handle *handle,
                                       shmrpc_error *error)
{
    shmrpc_dict *dict = shmrpci_dict_of(handle);
    copy_words *words = find_words(&dict->table.region);
    if (words == NULL || !claim(words)) {
        return shmrpc_error_set(error, SHMRPC_E_CONTRACT,
                                "the file %.64s in %.64s has the name of this "
                                "machine's copy, but is not one: remove it",
                                handle->file_name, handle->folder);
    }
    shmrpc_status status = make(dict, words);
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, status, "out of memory");
    }
    const shmrpci_remote_copy to = {.user = dict->copy,
                                    .may_keep = may_keep,
                                    .begin = begin,
                                    .whole = whole,
                                    .apply = apply,
                                    .reached = reached,
                                    .gone = gone};
    status = shmrpci_remote_nats.follow(handle->remote, &to, error);
    return status == SHMRPC_OK ? await_whole(dict, error) : status;
}

void shmrpci_dict_copy_unfollow(shmrpci_handle *handle)
{
    shmrpci_dict_copy *copy = shmrpci_dict_of(handle)->copy;
    if (copy != NULL) {
        shmrpci_buf_fini(&copy->was);
        shmrpci_arena_fini(&copy->arena);
        free(copy->told);
        free(copy->key);
        free(copy->value);
        free(copy);
        shmrpci_dict_of(handle)->copy = NULL;
    }
}
