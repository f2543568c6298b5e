/*
 * Pins against reclaiming (runtime/region/pin.c): a reader locks the byte of a
 * change and then looks at the limit; a writer raises the limit and then looks
 * at the locks. What a pinned reader sees is never free.
 *
 * Change s replaces version s - 1, which is retired at s. Versions are never
 * used twice here; freed is freed.
 *
 * Sizes: CHANGES 4; readers 2. NO_...: a rule taken away, see checks.txt.
 */
#ifndef CHANGES
#define CHANGES 4
#endif
#define READERS 2

byte turn;                              /* the last finished change */
byte limit;
byte locks[CHANGES + 1];                /* kernel: how many share the byte */
bool freed[CHANGES + 1];                /* version s: made by change s */

proctype reader()
{
  byte e;
again:
  e = turn;
  locks[e]++;
#ifndef NO_LOOK
  if
  :: limit > e -> locks[e]--; goto again
  :: else
  fi;
#endif
  /* Pinned: the version of e stays as long as the lock does. */
  assert(!freed[e]);
  assert(!freed[e]);
  locks[e]--
}

active proctype writer()
{
  byte end, m, at;
  do
  :: turn < CHANGES ->
     turn++;
     if
     :: skip ->
        /* reclaim what was retired up to `end` */
        end = turn;
#ifdef NO_RAISE_FIRST
#else
#ifndef NO_RAISE
        limit = end;
#endif
#endif
        /* The kernel tells of one that is in the way, from below. */
        atomic {
          m = 0;
          do
          :: m < end && locks[m] == 0 -> m++
          :: else -> break
          od
        }
#ifdef NO_RAISE_FIRST
        limit = end;
#endif
        at = 0;
        do
#ifdef ONE_TOO_MANY
        :: at <= m && at < end -> freed[at] = true; at++
#else
        :: at < m -> freed[at] = true; at++     /* retired at at + 1 <= m */
#endif
        :: else -> break
        od
     :: skip
     fi
  :: else -> break
  od
}

init
{
  byte i;
  atomic {
    do
    :: i < READERS -> run reader(); i++
    :: else -> break
    od
  }
}
