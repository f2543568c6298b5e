/* Chooses among the instances of a service. */
#include "transport/nats/directory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"

/* How long a report about others' calls counts. If it counted for ever, a
 * single report of a busy instance would keep us away from it, and we would
 * never get a newer report. */
#define REPORT_NS SHMRPCI_NS_PER_S

/* How long an instance that refused a call is left out: at first, and at
 * most. */
#define PAUSE_MIN_NS (50 * SHMRPCI_NS_PER_MS)
#define PAUSE_MAX_NS SHMRPCI_NS_PER_S

/* How long to wait after a link could not be opened before the next one is
 * tried. */
#define NO_LINK_NS SHMRPCI_NS_PER_S

/* A farther instance is used when the load of the near ones reaches twice its
 * own load plus this number. A difference of a few calls is no reason to leave
 * the near ones. */
#define FAR_CALLS 8u

void nats_directory_init(nats_directory *dir, const char *zone)
{
    *dir = (nats_directory){.is_far = false};
    (void)snprintf(dir->zone, sizeof dir->zone, "%s", zone);
    if (gethostname(dir->host, sizeof dir->host) != 0) {
        dir->host[0] = '\0';
    }
    dir->host[sizeof dir->host - 1] = '\0';
}

/* ---- known instances ----------------------------------------------------- */

static nats_nearness nearness_of(const nats_directory *dir, const nats_who *who)
{
    if (dir->host[0] != '\0' && strcmp(dir->host, who->host) == 0) {
        return NATS_SAME_MACHINE;
    }
    return dir->zone[0] != '\0' && strcmp(dir->zone, who->zone) == 0
               ? NATS_SAME_ZONE
               : NATS_ELSEWHERE;
}

static uint32_t index_of(const nats_directory *dir, const char *id)
{
    for (uint32_t i = 0; i < NATS_INSTANCES_MAX; i++) {
        if (dir->instances[i].is_used &&
            strcmp(dir->instances[i].who.id, id) == 0) {
            return i;
        }
    }
    return NATS_NO_INSTANCE;
}

/* Chooses the place for a new instance: a free place, or else the place of the
 * farthest instance that has no link and is farther away than the new one. An
 * instance that is equally far is replaced only by chance, so that all
 * instances that answered have the same chance to stay. Returns
 * NATS_NO_INSTANCE if there is no place. */
static uint32_t place_for(const nats_directory *dir, nats_nearness nearness,
                          uint64_t random)
{
    uint32_t place = NATS_NO_INSTANCE;
    bool is_lucky = random % (dir->answers + 1) < NATS_INSTANCES_MAX;
    nats_nearness farthest = is_lucky ? nearness : nearness + 1;
    for (uint32_t i = 0; i < NATS_INSTANCES_MAX; i++) {
        uint32_t at = (uint32_t)((random >> 32) + i) % NATS_INSTANCES_MAX;
        const nats_instance *it = &dir->instances[at];
        if (!it->is_used) {
            return at;
        }
        if (it->links == 0 && it->nearness >= farthest) {
            farthest = it->nearness + 1;
            place = at;
        }
    }
    return place;
}

void nats_directory_search(nats_directory *dir)
{
    for (uint32_t i = 0; i < NATS_INSTANCES_MAX; i++) {
        nats_instance *it = &dir->instances[i];
        it->is_used = it->is_used && (it->has_answered || it->links > 0);
        it->has_answered = false;
    }
    dir->answers = 0;
}

void nats_directory_add(nats_directory *dir, const nats_who *who, uint32_t load,
                        int64_t now_ns, uint64_t random)
{
    uint32_t at = index_of(dir, who->id);
    if (at == NATS_NO_INSTANCE) {
        nats_nearness nearness = nearness_of(dir, who);
        at = place_for(dir, nearness, random);
        if (at == NATS_NO_INSTANCE) {
            dir->answers++;
            return;
        }
        dir->instances[at] =
            (nats_instance){.is_used = true, .who = *who, .nearness = nearness};
    }
    dir->answers++;
    dir->instances[at].has_answered = true;
    dir->instances[at].is_silent = false;
    nats_directory_report(dir, at, load, now_ns);
}

void nats_directory_drop(nats_directory *dir, const char *id)
{
    uint32_t at = index_of(dir, id);
    if (at != NATS_NO_INSTANCE) {
        dir->instances[at].has_answered = false;
        dir->instances[at].is_silent = true;
        dir->instances[at].is_used = dir->instances[at].links > 0;
    }
}

void nats_directory_silence(nats_directory *dir, uint32_t index)
{
    dir->instances[index].is_silent = true;
}

/* The reported load includes our own calls, which are subtracted. */
void nats_directory_report(nats_directory *dir, uint32_t index, uint32_t load,
                           int64_t now_ns)
{
    nats_instance *it = &dir->instances[index];
    it->others = load > it->calls ? load - it->calls : 0;
    it->heard_ns = now_ns;
}

/* ---- load -------------------------------------------------------------- */

static uint32_t load_of(const nats_instance *it, int64_t now_ns)
{
    return it->calls + (now_ns - it->heard_ns < REPORT_NS ? it->others : 0);
}

static bool is_out(const nats_instance *it, int64_t now_ns)
{
    return now_ns < it->out_ns;
}

/* The instances of one kind of nearness, as indexes. */
typedef struct choice {
    uint32_t count;
    uint8_t at[NATS_INSTANCES_MAX];
} choice;

/* Returns the less loaded of two randomly chosen instances. */
static uint32_t less_loaded(const nats_directory *dir, const choice *of,
                            int64_t now_ns, uint64_t random)
{
    uint32_t one = of->at[random % of->count];
    uint32_t other = of->at[(random >> 32) % of->count];
    return load_of(&dir->instances[other], now_ns) <
                   load_of(&dir->instances[one], now_ns)
               ? other
               : one;
}

/* ---- links ------------------------------------------------------------- */

void nats_directory_no_link(nats_directory *dir, uint32_t index, int64_t now_ns)
{
    dir->instances[index].no_link_ns = now_ns + NO_LINK_NS;
}

static bool may_link(const nats_instance *it, int64_t now_ns)
{
    return it->is_used && !it->is_silent && now_ns >= it->no_link_ns &&
           it->links < NATS_INSTANCE_LINKS_MAX;
}

/* Whether every instance of this nearness to which we have a link refuses
 * calls, or has a load that fills half a link. Then links to farther instances
 * should be ready. */
static bool is_tight(const nats_directory *dir, nats_nearness nearness,
                     int64_t now_ns)
{
    bool is_tight = true;
    for (uint32_t i = 0; i < NATS_INSTANCES_MAX; i++) {
        const nats_instance *it = &dir->instances[i];
        if (it->is_used && it->nearness == nearness && it->ready > 0) {
            is_tight = is_tight && (is_out(it, now_ns) ||
                                    load_of(it, now_ns) >= NATS_LINK_CALLS);
        }
    }
    return is_tight;
}

uint32_t nats_directory_wanted(const nats_directory *dir, int64_t now_ns,
                               uint64_t random)
{
    for (int n = NATS_SAME_MACHINE; n <= NATS_ELSEWHERE; n++) {
        choice first = {.count = 0};
        uint32_t further = NATS_NO_INSTANCE;
        bool has_any = false;
        for (uint32_t i = 0; i < NATS_INSTANCES_MAX; i++) {
            const nats_instance *it = &dir->instances[i];
            if (!it->is_used || it->nearness != (nats_nearness)n) {
                continue;
            }
            has_any = has_any || it->links > 0;
            if (may_link(it, now_ns) && it->links == 0) {
                first.at[first.count++] = (uint8_t)i;
            } else if (may_link(it, now_ns) &&
                       it->calls >= it->links * NATS_LINK_CALLS) {
                further = i;
            }
        }
        if (first.count > 0) {
            return less_loaded(dir, &first, now_ns, random);
        }
        if (further != NATS_NO_INSTANCE) {
            return further;
        }
        if (has_any && !is_tight(dir, (nats_nearness)n, now_ns)) {
            break;
        }
    }
    return NATS_NO_INSTANCE;
}

int64_t nats_directory_next(const nats_directory *dir, int64_t now_ns)
{
    int64_t next_ns = SHMRPCI_NEVER_NS;
    for (uint32_t i = 0; i < NATS_INSTANCES_MAX; i++) {
        const nats_instance *it = &dir->instances[i];
        if (it->is_used && !it->is_silent && it->no_link_ns > now_ns &&
            it->no_link_ns < next_ns) {
            next_ns = it->no_link_ns;
        }
    }
    return next_ns;
}

/* ---- calls ------------------------------------------------------------- */

/* Collects by nearness the instances that take calls. */
static void gather(const nats_directory *dir, int64_t now_ns, bool takes_out,
                   choice near[NATS_ELSEWHERE + 1])
{
    for (uint32_t i = 0; i < NATS_INSTANCES_MAX; i++) {
        const nats_instance *it = &dir->instances[i];
        if (it->is_used && it->ready > 0 &&
            (takes_out || !is_out(it, now_ns))) {
            choice *of = &near[it->nearness];
            of->at[of->count++] = (uint8_t)i;
        }
    }
}

static int nearest(const choice near[NATS_ELSEWHERE + 1], int from)
{
    while (from <= NATS_ELSEWHERE && near[from].count == 0) {
        from++;
    }
    return from;
}

uint32_t nats_directory_choose(nats_directory *dir, int64_t now_ns,
                               uint64_t random)
{
    choice near[NATS_ELSEWHERE + 1] = {{.count = 0}};
    gather(dir, now_ns, false, near);
    int first = nearest(near, NATS_SAME_MACHINE);
    if (first > NATS_ELSEWHERE) {
        gather(dir, now_ns, true, near);
        first = nearest(near, NATS_SAME_MACHINE);
    }
    if (first > NATS_ELSEWHERE) {
        return NATS_NO_INSTANCE;
    }
    uint32_t chosen = less_loaded(dir, &near[first], now_ns, random);
    int next = nearest(near, first + 1);
    if (next > NATS_ELSEWHERE) {
        return chosen;
    }
    uint32_t far = less_loaded(dir, &near[next], now_ns, random);
    uint32_t near_load = load_of(&dir->instances[chosen], now_ns);
    uint32_t far_load = load_of(&dir->instances[far], now_ns);
    dir->is_far = dir->is_far ? near_load > far_load
                              : near_load >= 2 * far_load + FAR_CALLS;
    return dir->is_far ? far : chosen;
}

void nats_directory_refused(nats_directory *dir, uint32_t index, int64_t now_ns)
{
    nats_instance *it = &dir->instances[index];
    if (is_out(it, now_ns)) {
        return; /* already left out: this call was sent before an earlier
                 * refusal arrived */
    }
    int64_t pause_ns = it->pause_ns == 0 ? PAUSE_MIN_NS : it->pause_ns * 2;
    it->pause_ns = pause_ns < PAUSE_MAX_NS ? pause_ns : PAUSE_MAX_NS;
    it->out_ns = now_ns + it->pause_ns;
}

void nats_directory_served(nats_directory *dir, uint32_t index)
{
    nats_instance *it = &dir->instances[index];
    it->pause_ns = it->pause_ns > PAUSE_MIN_NS ? it->pause_ns / 2 : 0;
}
