/* Token buckets. The state of a bucket is a single time, at which it was empty.
 * The tokens that have accrued since then are computed when one is taken, so no
 * timer is needed. */
#include "tools/shmrpc-web/rate.h"

#include "os/clock.h"

/* FNV-1a. Two senders with the same hash share a bucket, which does no other
 * harm. */
uint64_t web_rate_of(const char *who)
{
    uint64_t hash = 14695981039346656037u;
    for (; *who != '\0'; who++) {
        hash = (hash ^ (unsigned char)*who) * 1099511628211u;
    }
    return hash;
}

/* Returns the entry of `who`. If there is none, `who` replaces the entry with
 * the earliest `empty_ns`: an unused one, or the one with the fullest bucket.
 * The bucket of the new entry is full. */
static web_rate_place *find(web_rate *rate, uint64_t who)
{
    web_rate_place *oldest = &rate->places[0];
    for (unsigned i = 0; i < WEB_RATE_PLACES; i++) {
        web_rate_place *place = &rate->places[i];
        if (place->who == who && place->empty_ns != 0) {
            return place;
        }
        oldest = place->empty_ns < oldest->empty_ns ? place : oldest;
    }
    *oldest = (web_rate_place){.who = who};
    return oldest;
}

unsigned web_rate_take(web_rate *rate, uint64_t who, int64_t now_ns)
{
    web_rate_place *place = find(rate, who);
    int64_t full_ns = (int64_t)rate->most * rate->every_ns;
    int64_t empty_ns = place->empty_ns;
    if (now_ns - empty_ns > full_ns) {
        empty_ns = now_ns - full_ns;
    }
    int64_t missing_ns = empty_ns + rate->every_ns - now_ns;
    if (missing_ns > 0) {
        return (unsigned)((missing_ns + SHMRPCI_NS_PER_S - 1) /
                          SHMRPCI_NS_PER_S);
    }
    place->empty_ns = empty_ns + rate->every_ns;
    return 0;
}
