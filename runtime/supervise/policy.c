/* The supervisor's decisions: pure functions of what it has seen. */
#include "supervise/policy.h"

#define FIRST_DELAY_NS INT64_C(10000000)
#define LAST_DELAY_NS  INT64_C(30000000000)
/* The longest pause before a service without workers tries to start one. */
#define REVIVAL_NS INT64_C(1000000000)

/* ---- workers that die ---------------------------------------------------- */

static int64_t delay_after(uint32_t deaths, int64_t most_ns)
{
    int64_t delay_ns = deaths < 2 ? 0 : FIRST_DELAY_NS;
    for (uint32_t i = 2; i < deaths && delay_ns < most_ns; i++) {
        delay_ns *= 2;
    }
    return delay_ns < most_ns ? delay_ns : most_ns;
}

void shmrpci_backoff_died(shmrpci_backoff *backoff, int64_t now_ns,
                          int64_t lived_ns)
{
    shmrpci_backoff_died_within(backoff, now_ns, lived_ns, LAST_DELAY_NS);
}

void shmrpci_backoff_died_within(shmrpci_backoff *backoff, int64_t now_ns,
                                 int64_t lived_ns, int64_t most_ns)
{
    if (lived_ns >= SHMRPCI_YOUNG_NS) {
        backoff->young_deaths = 0;
    } else if (backoff->young_deaths < UINT32_MAX) {
        backoff->young_deaths++;
    }
    int64_t next_ns = now_ns + delay_after(backoff->young_deaths, most_ns);
    if (next_ns > backoff->next_ns) {
        backoff->next_ns = next_ns;
    }
}

void shmrpci_backoff_lives(shmrpci_backoff *backoff, int64_t lived_ns)
{
    if (lived_ns >= SHMRPCI_YOUNG_NS) {
        backoff->young_deaths = 0;
    }
}

bool shmrpci_backoff_is_degraded(const shmrpci_backoff *backoff)
{
    return backoff->young_deaths >= SHMRPCI_CRASH_LOOP;
}

void shmrpci_revival_died(shmrpci_revival *revival, int64_t now_ns,
                          bool has_served)
{
    if (has_served) {
        revival->vain = 0;
    } else if (revival->vain < UINT32_MAX) {
        revival->vain++;
    }
    revival->next_ns = now_ns + delay_after(revival->vain, REVIVAL_NS);
}

/* ---- number of workers --------------------------------------------------- */

/* How many parts of grow_ns are remembered, and how many of these must be busy
 * to add a worker. */
#define PARTS       5
#define PARTS_MASK  0x1Fu
#define PARTS_WANT  3
#define SHARE_WHOLE INT64_C(100000)

/* A call that has waited this long counts as late, whatever the average wait.
 */
#define LATE_NS INT64_C(50000000)

/* Whether more than `share` of `all_ns` was busy. */
static bool is_above(int64_t busy_ns, int64_t all_ns, uint32_t share)
{
    return (double)busy_ns * (double)SHARE_WHOLE >
           (double)all_ns * (double)share;
}

static bool is_waited_for(const shmrpci_scale *scale,
                          const shmrpci_scale_rules *rules)
{
    if (scale->age_ns >
        (rules->delay_ns > LATE_NS ? rules->delay_ns : LATE_NS)) {
        return true;
    }
    double ended = scale->calls > 0 ? (double)scale->calls : 0.5;
    return (double)scale->waiting_ns > ended * (double)rules->delay_ns;
}

/* Ends the current part. */
static void end_part(shmrpci_scale *scale, const shmrpci_scale_rules *rules,
                     uint32_t workers, int64_t now_ns)
{
    int64_t part_ns = now_ns - scale->began_ns;
    bool is_hot =
        is_above(scale->busy_ns, scale->worker_ns, rules->grow_share) &&
        is_waited_for(scale, rules);
    scale->hot = (scale->hot << 1 | is_hot) & PARTS_MASK;
    if (workers < 2 || is_above(scale->busy_ns, part_ns * (workers - 1),
                                rules->grow_share / 3 * 2)) {
        scale->needed_ns = now_ns;
    }
    scale->began_ns = now_ns;
    scale->busy_ns = scale->worker_ns = scale->waiting_ns = scale->age_ns = 0;
    scale->calls = 0;
}

static void take_in(shmrpci_scale *scale, int64_t now_ns,
                    const shmrpci_scale_sample *sample)
{
    int64_t since_ns = now_ns - scale->last_ns;
    scale->last_ns = now_ns;
    scale->busy_ns += sample->busy_ns;
    scale->worker_ns += since_ns * sample->workers;
    scale->waiting_ns += since_ns * sample->waiting;
    scale->calls += sample->calls;
    if (sample->age_ns > scale->age_ns) {
        scale->age_ns = sample->age_ns;
    }
}

void shmrpci_scale_changed(shmrpci_scale *scale, int64_t now_ns)
{
    *scale = (shmrpci_scale){
        .began_ns = now_ns, .last_ns = now_ns, .needed_ns = now_ns};
}

int shmrpci_scale_look(shmrpci_scale *scale, const shmrpci_scale_rules *rules,
                       int64_t now_ns, const shmrpci_scale_sample *sample)
{
    if (scale->began_ns == 0) {
        shmrpci_scale_changed(scale, now_ns);
        return 0;
    }
    take_in(scale, now_ns, sample);
    if (now_ns - scale->began_ns < rules->grow_ns / PARTS) {
        return 0;
    }
    end_part(scale, rules, sample->workers, now_ns);
    if (__builtin_popcount(scale->hot) >= PARTS_WANT) {
        return sample->workers < rules->max_workers ? 1 : 0;
    }
    bool is_spare = now_ns - scale->needed_ns >= rules->shrink_ns;
    return is_spare && sample->workers > rules->min_workers ? -1 : 0;
}
