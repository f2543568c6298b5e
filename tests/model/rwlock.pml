/*
 * The hybrid lock with readers. A reader increments the count in its own slot,
 * then checks the word. A writer takes the word, then checks all slots.
 *
 * lock.pml checks taking the word and burying a dead owner, so these are
 * coarser here: a single step detects a death and takes the dead thread's
 * place. As in lock.pml, threads make a few rounds, waits block, and sleeps
 * time out only if somebody may die. When no thread can take a step any more,
 * `judge` demands that all living threads have ended.
 *
 * Sizes (macro, default): NR readers 2, NW writers 1, ROUNDS each 2. Events
 * (macro, default 0): KILL how many may die; DEADLINES how many waits of
 * writers for readers may be given up; DESTROY: somebody destroys it. NO_...:
 * each macro removes a rule, see checks.txt.
 */
#ifndef NR
#define NR 2
#endif
#ifndef NW
#define NW 1
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef KILL
#define KILL 0
#endif
#ifndef DEADLINES
#define DEADLINES 0
#endif

#define ALL (NR + NW)                   /* readers first */
#define OWNER(w) ((w) & 15)
#define GONE 15
#define WAITERS 16
#define DESTROYED 32
#define COUNT(r) ((r) & 7)
#define WAITING 8
#define CLOSED 16
#define HAS(w, bit) (((w) & (bit)) != 0)

byte word;
byte reads[NR];                         /* one slot for each reader */
bool on_word[ALL];                      /* kernel: sleeps on the word */
bool on_reads[ALL];                     /* kernel: sleeps on a slot */
byte slot_of[ALL];                      /* the slot that it sleeps on */
bool sliced[ALL];
bool dead[ALL];
bool finished[ALL];
byte deadlines = DEADLINES;
/* What the checks need. */
byte reading, writing;
bool in[ALL];

#if KILL
#define MAY_DIE unless { dead[me] }
#else
#define MAY_DIE
#endif

/* FUTEX_WAKE of all sleepers, at most three threads. */
inline wake_word() {
  atomic {
    on_word[0] = false; on_word[1] = false; on_word[ALL - 1] = false
  }
}

inline wake_reads(s) {
  atomic {
    on_reads[0] = on_reads[0] && slot_of[0] != s;
    on_reads[1] = on_reads[1] && slot_of[1] != s;
    on_reads[ALL - 1] = on_reads[ALL - 1] && slot_of[ALL - 1] != s
  }
}

/* FUTEX_WAIT on the word. At the end of a slice it buries a dead owner. */
inline sleep_on_word() {
  atomic {
    if
    :: word == seen && !HAS(seen, WAITERS) -> word = seen | WAITERS
    :: else
    fi
  };
  seen = seen | WAITERS;
  atomic { if :: word == seen -> on_word[me] = true :: else fi };
  if
  :: atomic { !on_word[me] -> sliced[me] = false }
  :: atomic { sliced[me] -> sliced[me] = false; on_word[me] = false };
     atomic {
       if
       :: OWNER(word) != 0 && OWNER(word) != GONE && dead[OWNER(word) - 1] ->
          word = (word - OWNER(word)) + GONE;
          wake_word()
       :: else
       fi
     }
  fi
}

/* A reader decrements its count. */
inline leave() {
  atomic {
    seen = reads[me];
    reads[me] = seen - 1;
    if
    :: COUNT(seen) == 1 -> reads[me] = reads[me] & (255 - WAITING)
    :: else
    fi
  };
  if
  :: COUNT(seen) == 1 && HAS(seen, WAITING) -> wake_reads(me)
  :: else
  fi
}

proctype reader(byte me) {
  byte seen, round;
  {
    do
    :: round < ROUNDS ->
       do
       :: seen = word;
          if
          :: HAS(seen, DESTROYED) -> break
          :: !HAS(seen, DESTROYED) && OWNER(seen) == GONE ->
             atomic { if :: word == seen -> word = seen - GONE :: else fi }
          :: !HAS(seen, DESTROYED) && OWNER(seen) == 0 ->
             reads[me] = reads[me] + 1;
#ifdef NO_SECOND_LOOK
             seen = 0;
#else
             seen = word;
#endif
             if
             :: OWNER(seen) == 0 && !HAS(seen, DESTROYED) ->
                atomic { reading++; in[me] = true; assert(writing == 0) };
                atomic { reading--; in[me] = false };
                leave();
                break
             :: else -> leave()
             fi
          :: else -> sleep_on_word()
          fi
       od;
       round++
    :: else -> break
    od;
    finished[me] = true
  } MAY_DIE
}

/* Waits for the readers of slot s; sets `late` if it gave up. */
inline drain(s) {
  do
  :: COUNT(reads[s]) == 0 || HAS(reads[s], CLOSED) -> break
  :: else ->
#ifndef NO_WAITING
     atomic { reads[s] = reads[s] | WAITING; seen = reads[s] };
#else
     seen = reads[s];
#endif
     if
     :: COUNT(seen) == 0 -> skip
     :: COUNT(seen) != 0 && deadlines > 0 ->
        atomic { deadlines > 0 -> deadlines--; late = true }; break
     :: COUNT(seen) != 0 ->
        atomic {
          if
          :: reads[s] == seen -> on_reads[me] = true; slot_of[me] = s
          :: else
          fi
        };
        if
        :: atomic { !on_reads[me] -> sliced[me] = false }
        :: atomic { sliced[me] -> sliced[me] = false; on_reads[me] = false };
#ifndef NO_READER_BURIED
           atomic { if :: dead[s] -> reads[s] = 0; wake_reads(s) :: else fi }
#else
           skip
#endif
        fi
     fi
  od
}

inline give_back() {
  atomic {
    seen = word;
    if :: !HAS(seen, DESTROYED) -> word = 0 :: else fi
  };
  if :: HAS(seen, WAITERS) -> wake_word() :: else fi
}

proctype writer(byte me) {
  byte seen, k, s, round;
  bool late;
  {
    do
    :: round < ROUNDS ->
       do
       :: seen = word;
          if
          :: HAS(seen, DESTROYED) -> break
          :: !HAS(seen, DESTROYED) && (OWNER(seen) == 0 || OWNER(seen) == GONE) ->
#ifdef NO_WORD_FIRST
             late = false;
             s = 0;
             do :: s < NR && !late -> drain(s); s++ :: else -> break od;
#endif
             atomic {
               if
               :: word == seen -> word = (seen - OWNER(seen)) + me + 1; k = 1
               :: else -> k = 0
               fi
             };
             if
             :: k == 0
             :: else ->
                late = false;
#ifndef NO_WORD_FIRST
                s = 0;
                do :: s < NR && !late -> drain(s); s++ :: else -> break od;
#endif
                if
                :: !late && !HAS(word, DESTROYED) ->
                   atomic {
                     if
                     :: !HAS(word, DESTROYED) ->
                        writing++;
                        in[me] = true;
                        assert(writing == 1 && reading == 0);
                        writing--;
                        in[me] = false
                     :: else
                     fi
                   }
                :: else
                fi;
                give_back();
                break
             fi
          :: else -> sleep_on_word()
          fi
       od;
       round++
    :: else -> break
    od;
    finished[me] = true
  } MAY_DIE
}

#ifdef DESTROY
proctype destroyer() {
  byte k, s;
  word = word | DESTROYED;
  wake_word();
  do
  :: s < NR ->
     atomic { k = reads[s]; reads[s] = reads[s] | CLOSED };
     if :: HAS(k, WAITING) -> wake_reads(s) :: else fi;
     s++
  :: else -> break
  od
}
#endif

proctype fates() {
  byte kills = KILL, k;
  do
  :: kills > 0 ->
     d_step {
       kills--;
       k = 0
     };
     if :: k = 0 :: k = NR fi;
     d_step {
       if
       :: !finished[k] ->
          dead[k] = true;
          on_word[k] = false;
          on_reads[k] = false;
          if
          :: in[k] && k < NR -> reading--
          :: in[k] && k >= NR -> writing--
          :: else
          fi;
          in[k] = false
       :: else
       fi
     }
  :: break
  od
}

proctype judge() {
  byte i, slices;
end:
  timeout;
#if KILL
  do
  :: slices < 4 ->
     d_step {
       slices++;
       i = 0;
       do
       :: i < ALL ->
          if :: on_word[i] || on_reads[i] -> sliced[i] = true :: else fi;
          i++
       :: else -> break
       od;
       i = 0
     };
     timeout
  :: else -> break
  od;
#endif
  i = 0;
  do
  :: i < ALL -> assert(dead[i] || finished[i]); i++
  :: else -> break
  od
}

init {
  byte i;
  atomic {
    do :: i < NR -> run reader(i); i++ :: else -> break od;
    do :: i < ALL -> run writer(i); i++ :: else -> break od;
#ifdef DESTROY
    run destroyer();
#endif
    run fates();
    run judge()
  }
}
