/*
 * The state that the parts of a supervisor share, and the functions of each
 * part.
 *
 * Threading: the supervisor's thread.
 */
#ifndef SHMRPCI_SUPERVISE_STATE_H
#define SHMRPCI_SUPERVISE_STATE_H

#include "base/buf.h"
#include "supervise/policy.h"
#include "supervise/supervisor.h"
#include "sync/atomic.h"

/* Tags of the poll set. */
#define SHMRPCI_TAG_STOP      UINT64_C(1)
#define SHMRPCI_TAG_ZYGOTE    UINT64_C(2)
#define SHMRPCI_TAG_ORDERS    UINT64_C(3)
#define SHMRPCI_TAG_LISTENERS UINT64_C(100)
#define SHMRPCI_TAG_WORKERS   UINT64_C(200)
#define SHMRPCI_TAG_ELDERS    UINT64_C(300)

/*
 *     NONE --spawn--> ASKED --FORKED--> RUNS --retire--> LEAVES
 *     ASKED, RUNS, LEAVES --its end--> NONE
 */
typedef enum shmrpci_worker_state {
    SHMRPCI_WORKER_NONE,
    SHMRPCI_WORKER_ASKED, /* requested from the zygote; its links exist */
    SHMRPCI_WORKER_RUNS,
    SHMRPCI_WORKER_LEAVES
} shmrpci_worker_state;

typedef struct shmrpci_worker {
    shmrpci_worker_state state;
    int32_t pid;
    int watch_fd;
    int64_t started_ns;
    uint64_t calls_before; /* calls of earlier workers in its places */
    bool is_outgoing;      /* leaves as soon as its replacements have come */
    bool is_killed;        /* the supervisor killed it because it was hung */
    uint64_t first_bytes;  /* private memory at the first check; 0: not checked
                            * yet */
    uint64_t bytes;        /* at the last check */
    uint64_t measured_bytes; /* value of `bytes` when the workers' shares (PSS)
                              * were last measured; 0: not yet */
    int64_t left_ns;         /* LEAVES: when it began to leave; 0: its streams
                              * were cut */
} shmrpci_worker;

/* A call with streams that continues although its client has left, at a place.
 */
typedef struct shmrpci_abandoned {
    int64_t since_ns; /* when the client was first seen gone; 0: not seen */
    uint64_t calls;   /* number of calls that had ended at the place then, which
                       * distinguishes the call from later ones */
} shmrpci_abandoned;

/* Size of the list of methods that a worker was running. */
#define SHMRPCI_DEATH_CALLS_BYTES 160

/* How a worker ended, and which calls it was running. */
typedef struct shmrpci_death {
    int64_t at_ns;
    int32_t pid;
    bool is_unasked;
    bool is_known; /* whether `end` is known */
    shmrpci_child_end end;
    uint32_t row; /* row of its first call; SHMRPCI_STATS_NO_ROW: none */
    char calls[SHMRPCI_DEATH_CALLS_BYTES]; /* "": none */
} shmrpci_death;

/* A worker of a previous supervisor, identified by its first place. Its zygote
 * belongs to that supervisor. It leaves when its replacements have come. */
typedef struct shmrpci_elder {
    uint32_t count; /* number of its places; 0: no worker */
    int32_t pid;
    int watch_fd;
    bool is_told;    /* it was told to leave */
    int64_t left_ns; /* when it was told to leave; 0: its streams were cut */
} shmrpci_elder;

/* The last observation of the load. The sums include all workers that have ever
 * existed. */
typedef struct shmrpci_scaling {
    shmrpci_scale scale;
    int64_t next_ns;
    int64_t busy_ns[SHMRPCI_SOCKET_MAX_FDS]; /* of each outlet */
    uint64_t calls[SHMRPCI_SOCKET_MAX_FDS];
} shmrpci_scaling;

/* Observations of the memory of all workers. */
typedef struct shmrpci_recycling {
    shmrpci_backoff backoff; /* for workers that were too large from the
                              * start */
    int64_t next_ns;         /* time of the next check */
    int64_t last_ns;
    uint64_t rate;        /* growth of the workers' private memory per second */
    uint64_t share_bytes; /* their total shares (PSS) at the last measurement */
    uint64_t grown_bytes; /* sum of what each worker has grown since then */
    int64_t measure_ns;   /* when they may be measured again */
} shmrpci_recycling;

struct shmrpci_supervisor {
    shmrpci_supervise_opts opts;
    shmrpc_server *server;
    int poll_set;
    int stop_event;
    shmrpci_atomic_u32 stops; /* number of calls of stop */

    int zygote_socket; /* -1: none */
    int32_t zygote_pid;
    bool is_zygote_ready;
    int64_t zygote_started_ns;
    shmrpci_backoff zygote_backoff;
    int64_t zygote_next_ns;

    uint32_t target; /* the number of workers wanted */
    shmrpci_worker workers[SHMRPCI_WORKERS_MAX];
    shmrpci_elder elders[SHMRPCI_WORKERS_MAX];
    /* The abandoned calls of each outlet, by place. */
    shmrpci_abandoned abandoned[SHMRPCI_SOCKET_MAX_FDS][SHMRPCI_WORKERS_MAX];
    shmrpci_death deaths[SHMRPCI_WORKERS_MAX]; /* the last worker of each
                                                * number */
    shmrpci_death last_death;                  /* the last unasked death */
    uint64_t crashes;                          /* number of unasked deaths */
    int successor_fd;  /* connection of the process that wants to take over, or
                        * -1 */
    bool is_succeeded; /* another process has taken everything over */
    shmrpci_backoff backoffs[SHMRPCI_WORKERS_MAX]; /* of each number */
    shmrpci_revival revival;
    shmrpci_backoff series; /* counts all deaths, to decide whether the service
                             * is degraded */
    bool was_degraded;
    bool is_serving; /* a worker can serve, and this was reported */
    uint32_t start_failures;
    shmrpc_error start_error; /* error of the last failure */
    int64_t unserved_ns;   /* since when no worker lives; 0: a worker lives */
    int64_t next_start_ns; /* when the next worker is tried, if none lives;
                            * 0: unknown */
    shmrpci_scaling scaling;
    shmrpci_recycling recycling;
    int64_t watch_next_ns;
    int64_t stop_deadline_ns; /* 0: not stopping */
};

/* Reports an event, as one line of text for people. */
void shmrpci_supervisor_say(const shmrpci_supervisor *s, const char *format,
                            ...) __attribute__((format(printf, 2, 3)));

uint32_t shmrpci_supervisor_outlets(const shmrpci_supervisor *s);

/* ---- nursery.c: the zygote, as the supervisor sees it -------------------- */

shmrpc_status shmrpci_nursery_start(shmrpci_supervisor *s);
/* Tells the zygote that another supervisor has its workers, which may outlive
 * this supervisor. */
void shmrpci_nursery_release(shmrpci_supervisor *s);
/* Hangs up on the zygote, which then ends if it has not yet. */
void shmrpci_nursery_end(shmrpci_supervisor *s);
/* Kills the zygote. */
void shmrpci_nursery_kill(shmrpci_supervisor *s);
/* Waits for the end of the zygote. */
void shmrpci_nursery_bury(shmrpci_supervisor *s);
/* Starts a new zygote when it is time. */
void shmrpci_nursery_revive(shmrpci_supervisor *s);
/* Reads the messages of the zygote. */
void shmrpci_nursery_take(shmrpci_supervisor *s);
/* Waits until preload has ended. Returns its status, or CANCELLED if stop was
 * called. */
int shmrpci_nursery_await(shmrpci_supervisor *s, shmrpc_error *error);

/* ---- handover.c ---------------------------------------------------------- */

/* Hands everything over to the successor that waits, if there is one and no
 * worker is being forked. After that (is_succeeded) this supervisor can only
 * end. */
void shmrpci_handover_give(shmrpci_supervisor *s);
/* Takes everything over from the running server. Returns UNAVAILABLE if there
 * is none. After any failure that server continues. */
int shmrpci_handover_take(shmrpci_supervisor *s, shmrpc_error *error);

/* ---- elders.c ------------------------------------------------------------ */

uint32_t shmrpci_elders_count(const shmrpci_supervisor *s);
/* Whether an elder has any of these places. */
bool shmrpci_elders_have(const shmrpci_supervisor *s, uint32_t first,
                         uint32_t count);
/* Adds an elder. Takes over the descriptor, even after a failure. Returns
 * INVALID, EXHAUSTED or OK. */
shmrpc_status shmrpci_elder_add(shmrpci_supervisor *s, uint32_t first,
                                uint32_t count, int32_t pid, int watch_fd);
void shmrpci_elders_retire(shmrpci_supervisor *s);
void shmrpci_elders_kill(shmrpci_supervisor *s);
/* Closes the descriptors of all elders, whether they have ended or not. */
void shmrpci_elders_forget(shmrpci_supervisor *s);
/* Called when an elder's process has ended: repairs what it held. */
void shmrpci_elder_bury(shmrpci_supervisor *s, uint32_t first);

/* ---- hang.c -------------------------------------------------------------- */

/* Kills a worker if nobody has waited for one of its calls for `hang_ns`. To be
 * called about once a second. */
void shmrpci_hang_look(shmrpci_supervisor *s, uint32_t number, int64_t now_ns);

/* ---- drain.c ------------------------------------------------------------- */

/* Cuts the streams of workers that have had enough time to leave. Returns when
 * to check again. */
int64_t shmrpci_drain_look(shmrpci_supervisor *s);

/* ---- workers.c ----------------------------------------------------------- */

/* The number of workers, including leaving ones. */
uint32_t shmrpci_workers_count(const shmrpci_supervisor *s);
/* The number of workers that take calls, or soon will, and are not to leave. */
uint32_t shmrpci_workers_active(const shmrpci_supervisor *s);
/* Whether a call of the worker is in progress. */
bool shmrpci_worker_is_busy(const shmrpci_supervisor *s, uint32_t number);
/* Whether the worker runs a handler that does not only wait in a stream. */
bool shmrpci_worker_is_running(const shmrpci_supervisor *s, uint32_t number);
/* Index of a worker's first place at each listener. */
uint32_t shmrpci_worker_place(const shmrpci_supervisor *s, uint32_t number);
/* Whether any worker takes calls, or soon will. */
bool shmrpci_workers_serve(const shmrpci_supervisor *s);
/* Whether a worker has taken its place at every listener. */
bool shmrpci_workers_have_begun(const shmrpci_supervisor *s);
/* Returns a free worker number, or SHMRPCI_WORKERS_MAX if there is none. */
uint32_t shmrpci_workers_free_number(const shmrpci_supervisor *s);
/* Forks as many workers as are wanted, unless it is too soon. */
void shmrpci_workers_spawn(shmrpci_supervisor *s);
/* Returns when to call shmrpci_workers_spawn again. */
int64_t shmrpci_workers_next_ns(const shmrpci_supervisor *s);
/* Marks a worker to be replaced: it leaves when its replacement has come. */
void shmrpci_worker_replace(shmrpci_supervisor *s, uint32_t number);
/* Retires workers whose replacements have come. Returns when to check again. */
int64_t shmrpci_workers_relieve(shmrpci_supervisor *s);
/* Tells a worker to end its calls and leave. */
void shmrpci_worker_retire(shmrpci_supervisor *s, uint32_t number);
void shmrpci_worker_kill(shmrpci_supervisor *s, uint32_t number);
/* Called when the zygote has forked a worker, or could not. Takes over the
 * packet's descriptor. */
void shmrpci_worker_forked(shmrpci_supervisor *s,
                           shmrpci_zygote_packet *packet);
/* Called when a worker's process has ended: repairs what it held before
 * anything else. */
void shmrpci_worker_bury(shmrpci_supervisor *s, uint32_t number);
/* The number of calls that the worker has ended. */
uint64_t shmrpci_worker_calls(const shmrpci_supervisor *s, uint32_t number);
/* Kills hung workers, and notes for the backoff which workers still live. */
void shmrpci_workers_watch(shmrpci_supervisor *s);

/* ---- deaths.c ------------------------------------------------------------ */

/* Lists the methods that a worker is running, for messages. */
void shmrpci_deaths_name_calls(const shmrpci_supervisor *s, uint32_t number,
                               char out[SHMRPCI_DEATH_CALLS_BYTES]);
/* Called when a worker is dead but not removed yet: counts its calls as errors.
 */
void shmrpci_deaths_note(shmrpci_supervisor *s, uint32_t number);
/* Counts a dead elder's calls as errors. How it ended is known only to the
 * previous supervisor. */
void shmrpci_deaths_note_elder(shmrpci_supervisor *s, uint32_t first);
/* Called when the cause of a death is known. Reports it, unless the end was
 * orderly. */
void shmrpci_deaths_tell(shmrpci_supervisor *s, uint32_t number, int32_t pid,
                         const shmrpci_child_end *end);
/* Appends the last death, like "the last died of SIGSEGV in echo.crash". */
void shmrpci_deaths_describe_last(const shmrpci_supervisor *s,
                                  shmrpci_buf *out);
/* Updates the gauges of the services. */
void shmrpci_deaths_show(const shmrpci_supervisor *s);

/* ---- unserved.c ---------------------------------------------------------- */

/* Refuses calls while there is no worker. Returns when to check again. */
int64_t shmrpci_unserved_look(shmrpci_supervisor *s);

/* ---- scaling.c ----------------------------------------------------------- */

/* Observes the load when it is time, and changes the number of workers. Returns
 * when to check again. */
int64_t shmrpci_scaling_look(shmrpci_supervisor *s);

/* ---- recycle.c ----------------------------------------------------------- */

/* Replaces workers that have reached the limit of calls, or use too much
 * memory. Returns when to check again. */
int64_t shmrpci_recycle(shmrpci_supervisor *s);

/* ---- orders.c: orders from a manager ------------------------------------- */

void shmrpci_orders_watch(shmrpci_supervisor *s);
void shmrpci_orders_take(shmrpci_supervisor *s);
void shmrpci_orders_close(shmrpci_supervisor *s);

#endif
