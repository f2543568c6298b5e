#include "stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "os/memory.h"

int stage_make(const shmrpci_region_spec *spec)
{
    uint64_t bytes;
    int fd;
    assert_int_equal(shmrpci_region_size(spec, &bytes, NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_memory_create_sparse("stage", bytes, &fd),
                     SHMRPC_OK);
    assert_int_equal(shmrpci_region_format(fd, spec, NULL), SHMRPC_OK);
    return fd;
}

int stage_make_queue(const shmrpci_queue_spec *spec)
{
    shmrpci_region_spec region;
    assert_int_equal(shmrpci_queue_plan(spec, &region, NULL), SHMRPC_OK);
    return stage_make(&region);
}

static int open_again(int fd, int flags)
{
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, flags | O_CLOEXEC);
}

int stage_open_again(int fd)
{
    return open_again(fd, O_RDWR);
}

int stage_open_again_to_read(int fd)
{
    return open_again(fd, O_RDONLY);
}

shmrpci_queue *stage_open_queue(int fd)
{
    shmrpci_queue *queue = NULL;
    shmrpc_error error;
    shmrpc_status status = shmrpci_queue_open(
        stage_open_again(fd), SHMRPC_PROFILE_BALANCED, &queue, &error);
    if (status != SHMRPC_OK) {
        fail_msg("%s: %s", error.name, error.message);
    }
    return queue;
}

int64_t stage_soon(void)
{
    return shmrpci_deadline_after(30 * SHMRPCI_NS_PER_S);
}

shmrpc_status stage_push(shmrpci_queue *queue, uint64_t number)
{
    return shmrpci_queue_push(queue, &number, sizeof number, 0, NULL);
}

shmrpc_status stage_try_take(shmrpci_queue *queue, uint64_t *out,
                             shmrpci_item *item)
{
    _Alignas(16) uint8_t room[64];
    shmrpci_buf buf;
    uint32_t count;
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    shmrpc_status status =
        shmrpci_queue_pop(queue, 1, 0, &buf, item, &count, NULL);
    if (status == SHMRPC_OK) {
        assert_int_equal(count, 1);
        assert_int_equal(item->len, sizeof *out);
        memcpy(out, room + item->at, sizeof *out);
    }
    return status;
}

shmrpc_status stage_try_pop(shmrpci_queue *queue, uint64_t *out)
{
    shmrpci_item item;
    return stage_try_take(queue, out, &item);
}

uint64_t stage_pop(shmrpci_queue *queue)
{
    uint64_t number = 0;
    assert_int_equal(stage_try_pop(queue, &number), SHMRPC_OK);
    return number;
}

/* ---- contents ------------------------------------------------------------ */

uint32_t stage_length(uint64_t number, uint32_t max)
{
    uint64_t mixed = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    return 8 + (uint32_t)((mixed >> 40) % (max - 7));
}

void stage_fill(void *data, uint32_t len, uint64_t number)
{
    uint8_t *at = data;
    memcpy(at, &number, 8);
    for (uint32_t i = 8; i < len; i++) {
        at[i] = (uint8_t)(number * 31 + i);
    }
}

_Bool stage_is_whole(const void *data, uint32_t len, uint64_t *out)
{
    const uint8_t *at = data;
    if (len < 8) {
        return 0;
    }
    memcpy(out, at, 8);
    for (uint32_t i = 8; i < len; i++) {
        if (at[i] != (uint8_t)(*out * 31 + i)) {
            return 0;
        }
    }
    return 1;
}

static void show(void *user, uint64_t offset, const char *what)
{
    (void)user;
    print_error("at %llu: %s\n", (unsigned long long)offset, what);
}

void stage_check_queue(int fd)
{
    shmrpci_queue *queue = stage_open_queue(fd);
    if (shmrpci_queue_check(queue, show, NULL) != 0) {
        fail_msg("the queue is damaged");
    }
    shmrpci_queue_close(queue);
}
