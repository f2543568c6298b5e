#include "scribble.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/memory.h"
#include "ring/pipe.h"
#include "ring/queue.h"
#include "ring/topic.h"

enum { HANDLES = 2, MAX_LEN = 600 };

typedef enum sort { QUEUE, TOPIC, PIPE } sort;

struct scribble_ring {
    sort sort;
    int fd;
    shmrpci_map map; /* the whole ring, to be scribbled on */
    shmrpci_region_head facts;
    shmrpci_queue *queues[HANDLES];
    shmrpci_topic *topics[HANDLES];
    shmrpci_subscription *subscriptions[HANDLES];
    shmrpci_pipe *pipes[HANDLES];
    shmrpci_buf buf;
    uint64_t ticket;
};

/* ---- making -------------------------------------------------------------- */

static bool plan(uint32_t kind, sort *out_sort, shmrpci_region_spec *out)
{
    if (kind < 10) {
        shmrpci_queue_spec spec = {
            .capacity = 20,
            .item_bytes = 64,
            .max_item_bytes = MAX_LEN,
            .participants = 3,
            .overflow = (shmrpci_overflow)(kind % 4),
            .is_total = kind >= 4 && kind % 2 == 0,
            .is_acked = kind >= 6,
        };
        *out_sort = QUEUE;
        return shmrpci_queue_plan(&spec, out, NULL) == SHMRPC_OK;
    }
    if (kind < 14) {
        shmrpci_topic_spec spec = {
            .history = kind % 4 * 3,
            .item_bytes = 16,
            .max_item_bytes = MAX_LEN,
            .participants = 3,
            .seats = 3,
            .laps = (shmrpci_laps)(kind % 3),
            .max_stall_ns = kind % 2 * SHMRPCI_NS_PER_MS,
        };
        *out_sort = TOPIC;
        return shmrpci_topic_plan(&spec, out, NULL) == SHMRPC_OK;
    }
    shmrpci_pipe_spec spec = {.capacity = kind * 100, .participants = 3};
    *out_sort = PIPE;
    return shmrpci_pipe_plan(&spec, out, NULL) == SHMRPC_OK;
}

static int open_again(int fd)
{
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDWR | O_CLOEXEC);
}

static void open_handle(scribble_ring *of, uint32_t i)
{
    int fd = open_again(of->fd);
    switch (of->sort) {
    case QUEUE:
        (void)shmrpci_queue_open(fd, SHMRPC_PROFILE_POWER, &of->queues[i],
                                 NULL);
        break;
    case TOPIC:
        if (shmrpci_topic_open(fd, -1, SHMRPCI_ACCESS_WRITE,
                               SHMRPC_PROFILE_POWER, &of->topics[i],
                               NULL) == SHMRPC_OK) {
            (void)shmrpci_topic_subscribe(of->topics[i], &of->subscriptions[i],
                                          NULL);
        }
        break;
    case PIPE:
        (void)shmrpci_pipe_open(fd, SHMRPC_PROFILE_POWER, &of->pipes[i], NULL);
        break;
    }
}

static void close_handle(scribble_ring *of, uint32_t i)
{
    shmrpci_queue_close(of->queues[i]);
    shmrpci_topic_unsubscribe(of->subscriptions[i]);
    shmrpci_topic_close(of->topics[i]);
    shmrpci_pipe_close(of->pipes[i]);
    of->queues[i] = NULL;
    of->subscriptions[i] = NULL;
    of->topics[i] = NULL;
    of->pipes[i] = NULL;
}

scribble_ring *scribble_open(uint32_t kind)
{
    scribble_ring *of = calloc(1, sizeof *of);
    shmrpci_region_spec spec;
    uint64_t bytes;
    if (of == NULL || !plan(kind % SCRIBBLE_KINDS, &of->sort, &spec) ||
        shmrpci_region_size(&spec, &bytes, NULL) != SHMRPC_OK ||
        shmrpci_memory_create_sparse("scribble", bytes, &of->fd) != SHMRPC_OK) {
        free(of);
        return NULL;
    }
    if (shmrpci_region_format(of->fd, &spec, NULL) != SHMRPC_OK ||
        shmrpci_memory_map(of->fd, bytes, SHMRPCI_ACCESS_WRITE, false,
                           &of->map) != SHMRPC_OK) {
        shmrpci_fd_close(&of->fd);
        free(of);
        return NULL;
    }
    memcpy(&of->facts, of->map.at, sizeof of->facts);
    shmrpci_buf_init_heap(&of->buf);
    for (uint32_t i = 0; i < HANDLES; i++) {
        open_handle(of, i);
    }
    return of;
}

void scribble_close(scribble_ring *ring)
{
    if (ring != NULL) {
        for (uint32_t i = 0; i < HANDLES; i++) {
            close_handle(ring, i);
        }
        shmrpci_buf_fini(&ring->buf);
        shmrpci_memory_unmap(&ring->map);
        shmrpci_fd_close(&ring->fd);
        free(ring);
    }
}

/* ---- changing ------------------------------------------------------------ */

/* Chooses a place that has a word with a meaning, rather than the bytes of
 * records. */
static uint64_t choose_place(const scribble_ring *of, uint32_t number)
{
    const shmrpci_region_head *facts = &of->facts;
    uint32_t where = number / 8;
    switch (number % 8) {
    case 0: /* state, participants, span table */
        return 4096 + where % (facts->roots_offset - 4096);
    case 1:
    case 2:
        return facts->roots_offset + where % facts->roots_bytes;
    case 3: /* the words and stations of the first lanes */
    case 4:
    case 5:
        return facts->spans_offset + (uint64_t)(where % 2) * facts->span_bytes +
               where / 2 % 640;
    default:
        return facts->spans_offset + where % (4 * facts->span_bytes);
    }
}

bool scribble_on(scribble_ring *ring, const scribble_source *from)
{
    uint32_t place;
    uint32_t how;
    if (!from->next(from->user, &place) || !from->next(from->user, &how)) {
        return false;
    }
    uint64_t offset = choose_place(ring, place) / 8 * 8;
    if (offset > ring->facts.bytes - 8) {
        return true;
    }
    _Atomic uint64_t *word =
        (_Atomic uint64_t *)(void *)((uint8_t *)ring->map.at + offset);
    /* Atomic, since another thread may be using it. */
    uint64_t was = atomic_load_explicit(word, memory_order_relaxed);
    uint64_t will = how / 8;
    switch (how % 8) {
    case 0:
        will = was + 8 * (how / 8 % 64);
        break;
    case 1:
        will = was - 8 * (how / 8 % 64);
        break;
    case 2:
        will = was ^ (UINT64_C(1) << how / 8 % 64);
        break;
    case 3:
        will = ~UINT64_C(0);
        break;
    case 4:
        will = was << 32 | how;
        break;
    default:
        break;
    }
    atomic_store_explicit(word, will, memory_order_relaxed);
    return true;
}

/* ---- using --------------------------------------------------------------- */

static int64_t soon(uint32_t number)
{
    return number % 16 == 0 ? shmrpci_deadline_after(50 * SHMRPCI_NS_PER_US)
                            : 0;
}

static void use_queue(scribble_ring *of, shmrpci_queue *queue, uint32_t number)
{
    uint8_t data[MAX_LEN] = {0};
    shmrpci_item items[3] = {{0}};
    shmrpci_queue_stat stat;
    uint32_t count;
    uint32_t len = number / 8 % MAX_LEN;
    shmrpci_buf_reset(&of->buf);
    switch (number % 8) {
    case 0:
    case 1:
    case 2:
        (void)shmrpci_queue_push(queue, data, len, soon(number / 8), NULL);
        break;
    case 3:
    case 4:
        if (shmrpci_queue_pop(queue, 3, soon(number / 8), &of->buf, items,
                              &count, NULL) == SHMRPC_OK) {
            of->ticket = items[0].ticket;
        }
        break;
    case 5:
        (void)shmrpci_queue_peek(queue, &of->buf, items, NULL);
        (void)shmrpci_queue_check(queue, NULL, NULL);
        break;
    case 6:
        (void)shmrpci_queue_ack(queue, of->ticket);
        break;
    default:
        (void)shmrpci_queue_release(queue, of->ticket);
        shmrpci_queue_get_stat(queue, &stat);
        break;
    }
}

static void use_topic(scribble_ring *of, shmrpci_topic *topic,
                      shmrpci_subscription *subscription, uint32_t number)
{
    uint8_t data[MAX_LEN] = {0};
    shmrpci_item item;
    shmrpci_topic_stat stat;
    uint64_t lost;
    shmrpci_buf_reset(&of->buf);
    switch (number % 8) {
    case 0:
    case 1:
    case 2:
    case 3:
        (void)shmrpci_topic_publish(topic, data, number / 8 % MAX_LEN,
                                    soon(number / 8), NULL);
        break;
    case 4:
        shmrpci_topic_get_stat(topic, &stat);
        (void)shmrpci_topic_check(topic, NULL, NULL);
        break;
    default:
        if (subscription != NULL) {
            (void)shmrpci_topic_next(subscription, soon(number / 8), &of->buf,
                                     &item, &lost, NULL);
        }
        break;
    }
}

static void use_pipe(shmrpci_pipe *pipe, uint32_t number)
{
    uint8_t data[MAX_LEN] = {0};
    shmrpci_pipe_stat stat;
    size_t len;
    switch (number % 8) {
    case 0:
    case 1:
    case 2:
        (void)shmrpci_pipe_write(pipe, data, number / 8 % MAX_LEN,
                                 soon(number / 8), &len, NULL);
        break;
    case 3:
        shmrpci_pipe_get_stat(pipe, &stat);
        (void)shmrpci_pipe_check(pipe, NULL, NULL);
        break;
    case 4:
        if (number / 8 % 64 == 0) {
            (void)shmrpci_pipe_end(pipe);
        }
        break;
    default:
        (void)shmrpci_pipe_read(pipe, data, number / 8 % MAX_LEN,
                                soon(number / 8), &len, NULL);
        break;
    }
}

bool scribble_use(scribble_ring *ring, const scribble_source *from)
{
    uint32_t who;
    uint32_t what;
    if (!from->next(from->user, &who) || !from->next(from->user, &what)) {
        return false;
    }
    uint32_t i = who % HANDLES;
    bool is_open = ring->queues[i] != NULL || ring->topics[i] != NULL ||
                   ring->pipes[i] != NULL;
    if (!is_open || who / HANDLES % 32 == 0) {
        close_handle(ring, i);
        open_handle(ring, i);
    } else if (ring->queues[i] != NULL) {
        use_queue(ring, ring->queues[i], what);
    } else if (ring->topics[i] != NULL) {
        use_topic(ring, ring->topics[i], ring->subscriptions[i], what);
    } else {
        use_pipe(ring->pipes[i], what);
    }
    return true;
}
