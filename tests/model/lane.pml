/*
 * A lane: a producer that dies and is replaced, consumers that copy and then
 * take (runtime/ring/lane.c).
 *
 * Record n is the number n, in slot n % SIZE, and takes two steps to write and
 * two to copy. Each record must be taken once, whole, and in order. A death
 * never blocks the others, so in the end all records are taken.
 *
 * Sizes (macro, default): ITEMS 4, SIZE 2, NC consumers 2. Events: KILLP,
 * KILLC: the producer or a consumer may die at any moment; DROP: the producer
 * drops the oldest record when the ring is full; BATCH: it publishes two at
 * once, if there is room. NO_...: each macro removes a rule.
 */
#ifndef ITEMS
#define ITEMS 4
#endif
#ifndef SIZE
#define SIZE 2
#endif
#ifndef NC
#define NC 2
#endif

byte head, tail;
byte first[SIZE], second[SIZE];         /* halves of the record in a slot, + 1 */
byte came[ITEMS];                       /* how often each record was taken */
bool dropped[ITEMS];
bool dead[NC], producer_dead;

#ifdef KILLP
#define PRODUCER_MAY_DIE unless { producer_dead && !again }
#else
#define PRODUCER_MAY_DIE
#endif
#ifdef KILLC
#define CONSUMER_MAY_DIE unless { dead[me] }
#else
#define CONSUMER_MAY_DIE
#endif

inline take(h, whole, drops) {
  atomic {
    if
    :: head == h ->
       head = h + 1;
       assert(whole);
       assert(came[h] == 0 && !dropped[h]);
       if :: drops -> dropped[h] = true :: else -> came[h]++ fi
    :: else
    fi
  }
}

/* `again`: this is the producer that replaces the dead one. */
proctype producer(bool again) {
  byte t, h;
  {
    t = tail;
    do
    :: t == ITEMS -> break
    :: t < ITEMS ->
       h = head;
       if
       :: t - h < SIZE ->
#ifdef NO_TAIL_LAST
          tail = t + 1;
#endif
          first[t % SIZE] = t + 1;
          second[t % SIZE] = t + 1;
          t++;
#ifdef BATCH
          if
          :: t < ITEMS && t - h < SIZE ->
#ifdef NO_TAIL_LAST
             tail = t + 1;
#endif
             first[t % SIZE] = t + 1;
             second[t % SIZE] = t + 1;
             t++
          :: else
          fi;
#endif
          tail = t
       :: else ->
#ifdef DROP
          take(h, true, true)
#else
#ifdef NO_ROOM
          first[t % SIZE] = t + 1;
          second[t % SIZE] = t + 1;
          tail = t + 1;
          t++
#else
          head != h
#endif
#endif
       fi
    od
  } PRODUCER_MAY_DIE
}

proctype consumer(byte me) {
  byte h, a, b;
  {
    do
    :: head == ITEMS -> break
    :: head != tail ->
       h = head;
       if
       :: h != tail ->
#ifdef NO_COPY_FIRST
          atomic {
            if
            :: head == h -> head = h + 1; a = 1
            :: else -> a = 0
            fi
          };
          if
          :: a == 1 ->
             a = first[h % SIZE];
             b = second[h % SIZE];
             assert(a == h + 1 && b == h + 1);
             came[h]++
          :: else
          fi
#else
          a = first[h % SIZE];
          b = second[h % SIZE];
#ifdef NO_CAS
          head = h + 1;
          assert(came[h] == 0);
          came[h]++
#else
          take(h, (a == h + 1 && b == h + 1), false)
#endif
#endif
       :: else
       fi
    od
  } CONSUMER_MAY_DIE
}

proctype fates() {
#ifdef KILLP
  if
  :: atomic { true -> producer_dead = true }; run producer(true)
  :: true
  fi;
#endif
#ifdef KILLC
  if :: dead[0] = true :: true fi
#endif
  skip
}

proctype judge() {
  byte i;
end:
  timeout;
  assert(head == ITEMS && tail == ITEMS);
  do
  :: i < ITEMS -> assert(dropped[i] || came[i] == 1); i++
  :: else -> break
  od
}

init {
  byte i;
  atomic {
    run producer(false);
    do :: i < NC -> run consumer(i); i++ :: else -> break od;
    run fates();
    run judge()
  }
}
