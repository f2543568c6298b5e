/* Regions: which files are refused, who participates, spans, and what remains
 * after a death. */
#include "stage.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crc32c.h"

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)

/* ---- making -------------------------------------------------------------- */

static void costs_what_is_used(void **state)
{
    (void)state;
    struct stat info;
    int fd = stage_create(1024 * MIB, 64);
    assert_int_equal(fstat(fd, &info), 0);
    assert_true((uint64_t)info.st_size > 1024 * MIB);
    assert_true((uint64_t)info.st_blocks * 512 <= 128 * KIB);
    shmrpci_region region;
    assert_int_equal(stage_attach(fd, &region, NULL), SHMRPC_OK);
    assert_int_equal(stage_put(&region, 0, 1, NULL), SHMRPC_OK);
    assert_int_equal(fstat(fd, &info), 0);
    assert_true((uint64_t)info.st_blocks * 512 <= 256 * KIB);
    shmrpci_region_detach(&region);
    shmrpci_fd_close(&fd);
}

static void refuses_a_spec_out_of_range(void **state)
{
    (void)state;
    shmrpci_region_spec good = {.max_bytes = MIB, .participants = 1};
    shmrpci_region_spec bad[] = {good, good, good, good, good};
    bad[0].max_bytes = 0;
    bad[1].max_bytes = SHMRPCI_REGION_MAX_BYTES + 1;
    bad[2].participants = 0;
    bad[3].participants = SHMRPCI_REGION_MAX_PARTICIPANTS + 1;
    bad[4].roots_bytes = SHMRPCI_REGION_MAX_ROOTS + 1;
    uint64_t bytes;
    assert_int_equal(shmrpci_region_size(&good, &bytes, NULL), SHMRPC_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        shmrpc_error error;
        assert_int_equal(shmrpci_region_size(&bad[i], &bytes, &error),
                         SHMRPC_E_INVALID);
        assert_string_not_equal(error.message, "");
    }
}

/* A process that may write to the file may have changed any byte of the
 * head. */
static void refuses_a_head_that_was_changed(void **state)
{
    (void)state;
    int fd = stage_create(MIB, 4);
    shmrpci_region region;
    for (size_t i = 0; i < sizeof(shmrpci_region_head); i++) {
        uint8_t byte;
        assert_int_equal(pread(fd, &byte, 1, (off_t)i), 1);
        uint8_t changed = byte ^ 0x10;
        assert_int_equal(pwrite(fd, &changed, 1, (off_t)i), 1);
        shmrpc_status status = stage_attach(fd, &region, NULL);
        assert_true(status == SHMRPC_E_DATA_LOSS ||
                    status == SHMRPC_E_CONTRACT);
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)i), 1);
    }
    assert_int_equal(stage_attach(fd, &region, NULL), SHMRPC_OK);
    shmrpci_region_detach(&region);
    shmrpci_fd_close(&fd);
}

/* The same changes, with a matching checksum. */
static void refuses_a_head_that_contradicts_itself(void **state)
{
    (void)state;
    int fd = stage_create(MIB, 4);
    shmrpci_region_head good;
    assert_int_equal(pread(fd, &good, sizeof good, 0), sizeof good);
    shmrpci_region_head bad[] = {good, good, good, good, good, good, good};
    bad[0].span_count += 1;
    bad[1].table_offset += 8;
    bad[2].spans_offset = 0;
    bad[3].bytes = UINT64_MAX;
    bad[4].participant_count = UINT32_MAX;
    bad[5].span_bytes = 3;
    bad[6].roots_bytes = UINT64_MAX;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        shmrpci_region region;
        bad[i].crc =
            shmrpci_crc32c(0, &bad[i], offsetof(shmrpci_region_head, crc));
        assert_int_equal(pwrite(fd, &bad[i], sizeof bad[i], 0), sizeof bad[i]);
        assert_int_equal(stage_attach(fd, &region, NULL), SHMRPC_E_DATA_LOSS);
    }
    shmrpci_fd_close(&fd);
}

static void refuses_a_file_that_is_too_short(void **state)
{
    (void)state;
    char path[] = "/tmp/shmrpc-region-XXXXXX";
    int memory = stage_create(MIB, 4);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)unlink(path);
    uint8_t head[8192];
    assert_int_equal(pread(memory, head, sizeof head, 0), sizeof head);
    for (size_t len = 0; len <= sizeof head; len += 512) {
        shmrpci_region region;
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, head, len, 0), len);
        assert_int_equal(stage_attach(fd, &region, NULL), SHMRPC_E_DATA_LOSS);
    }
    shmrpci_fd_close(&fd);
    shmrpci_fd_close(&memory);
}

static void is_destroyed_for_all(void **state)
{
    (void)state;
    int fd = stage_create(MIB, 4);
    shmrpci_region one;
    shmrpci_region two;
    assert_int_equal(stage_attach(fd, &one, NULL), SHMRPC_OK);
    assert_int_equal(stage_attach(fd, &two, NULL), SHMRPC_OK);
    shmrpci_region_destroy(&one);
    assert_true(shmrpci_region_is_destroyed(&two));
    shmrpci_region_detach(&two);
    assert_int_equal(stage_attach(fd, &two, NULL), SHMRPC_E_DESTROYED);
    /* A process that was refused does not keep a participant's place. */
    assert_false(shmrpci_region_is_alive(&one, 1));
    shmrpci_region_detach(&one);
    shmrpci_fd_close(&fd);
}

/* ---- participants -------------------------------------------------------- */

static void places_are_taken_and_given_back(void **state)
{
    (void)state;
    int fd = stage_create(MIB, 3);
    shmrpci_region regions[4];
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(stage_attach(fd, &regions[i], NULL), SHMRPC_OK);
        assert_int_equal(regions[i].me, i);
        assert_true(shmrpci_region_is_alive(&regions[0], i));
    }
    shmrpc_error error;
    assert_int_equal(stage_attach(fd, &regions[3], &error), SHMRPC_E_EXHAUSTED);
    assert_string_equal(error.message, "all 3 places for writers are taken");
    shmrpci_region_detach(&regions[1]);
    assert_false(shmrpci_region_is_alive(&regions[0], 1));
    assert_int_equal(stage_attach(fd, &regions[1], NULL), SHMRPC_OK);
    assert_int_equal(regions[1].me, 1);
    for (uint32_t i = 0; i < 3; i++) {
        shmrpci_region_detach(&regions[i]);
    }
    shmrpci_fd_close(&fd);
}

static void readers_take_no_place(void **state)
{
    (void)state;
    int fd = stage_create(MIB, 1);
    int read_only;
    shmrpci_region writer;
    shmrpci_region reader;
    assert_int_equal(stage_attach(fd, &writer, NULL), SHMRPC_OK);
    assert_int_equal(stage_put(&writer, 0, 100, NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_READ, &read_only),
                     SHMRPC_OK);
    assert_int_equal(shmrpci_region_attach(read_only, SHMRPCI_ACCESS_READ,
                                           &writer.kind, &reader, NULL),
                     SHMRPC_OK);
    assert_int_equal(stage_root(&reader, 0), stage_root(&writer, 0));
    assert_true(shmrpci_region_is_alive(&reader, 0));
    shmrpci_region_detach(&reader);
    shmrpci_region_detach(&writer);
    shmrpci_fd_close(&fd);
}

/* Runs a child that takes a run, makes it reachable or not, and is killed. */
static void take_and_die(int fd, bool is_reachable)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        shmrpci_region region;
        uint64_t offset;
        bool good =
            stage_attach(fd, &region, NULL) == SHMRPC_OK &&
            (is_reachable ? stage_put(&region, 5, 40 * KIB, NULL)
                          : shmrpci_region_take(&region, 40 * KIB, 0, &offset,
                                                NULL)) == SHMRPC_OK;
        (void)kill(getpid(), good ? SIGKILL : SIGTERM);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void the_dead_are_inherited_from(void **state)
{
    (void)state;
    int fd = stage_create(MIB, 8);
    shmrpci_region first;
    shmrpci_region heir;
    assert_int_equal(stage_attach(fd, &first, NULL), SHMRPC_OK);
    uint32_t all = first.facts.span_count;
    take_and_die(fd, false);
    assert_int_equal(stage_free_spans(&first), all - 3);
    stage_check(&first);
    assert_int_equal(stage_attach(fd, &heir, NULL), SHMRPC_OK);
    assert_int_equal(heir.me, 1);
    assert_int_equal(stage_free_spans(&first), all);
    take_and_die(fd, true);
    assert_int_equal(shmrpci_region_bury(&first), 1);
    assert_int_equal(shmrpci_region_bury(&first), 0);
    assert_int_equal(stage_free_spans(&first), all - 3);
    stage_check(&first);
    shmrpci_region_detach(&heir);
    shmrpci_region_detach(&first);
    shmrpci_fd_close(&fd);
}

/* ---- spans --------------------------------------------------------------- */

static void runs_are_taken_and_given(void **state)
{
    (void)state;
    int fd = stage_create(MIB, 2);
    shmrpci_region one;
    shmrpci_region two;
    assert_int_equal(stage_attach(fd, &one, NULL), SHMRPC_OK);
    assert_int_equal(stage_attach(fd, &two, NULL), SHMRPC_OK);
    uint32_t all = one.facts.span_count;
    assert_int_equal(stage_put(&one, 0, 1, NULL), SHMRPC_OK);
    assert_int_equal(stage_put(&two, 1, 100 * KIB, NULL), SHMRPC_OK);
    assert_int_equal(stage_put(&one, 2, 16 * KIB, NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_region_run_bytes(&one, stage_root(&one, 0)),
                     16 * KIB);
    assert_int_equal(shmrpci_region_run_bytes(&one, stage_root(&one, 1)),
                     112 * KIB);
    assert_int_equal(shmrpci_region_run_bytes(&one, stage_root(&one, 1) + 1),
                     0);
    assert_int_equal(stage_free_spans(&one), all - 9);
    memset(shmrpci_region_at(&two, stage_root(&two, 1), 112 * KIB), 1,
           112 * KIB);
    /* A run that another participant has taken can be freed too. */
    stage_remove(&one, 1);
    stage_check(&one);
    assert_int_equal(stage_free_spans(&one), all - 2);
    stage_remove(&one, 0);
    stage_remove(&two, 2);
    assert_int_equal(stage_free_spans(&one), all);
    shmrpci_region_detach(&one);
    shmrpci_region_detach(&two);
    shmrpci_fd_close(&fd);
}

static void a_full_region_says_what_is_free(void **state)
{
    (void)state;
    int fd = stage_create(256 * KIB, 2);
    shmrpci_region region;
    shmrpc_error error;
    assert_int_equal(stage_attach(fd, &region, NULL), SHMRPC_OK);
    for (uint32_t i = 0; i < 16; i++) {
        assert_int_equal(stage_put(&region, i, 16 * KIB, NULL), SHMRPC_OK);
    }
    assert_int_equal(stage_put(&region, 16, 1, &error), SHMRPC_E_EXHAUSTED);
    assert_string_equal(error.message,
                        "1 contiguous bytes are needed, but only 0 of "
                        "max_bytes are free");
    stage_remove(&region, 3);
    stage_remove(&region, 9);
    assert_int_equal(stage_put(&region, 16, 32 * KIB, &error),
                     SHMRPC_E_EXHAUSTED);
    assert_string_equal(error.message,
                        "32768 contiguous bytes are needed, but only 32768 of "
                        "max_bytes are free");
    stage_remove(&region, 4);
    assert_int_equal(stage_put(&region, 16, 32 * KIB, NULL), SHMRPC_OK);
    assert_int_equal(stage_put(&region, 17, UINT64_MAX, &error),
                     SHMRPC_E_EXHAUSTED);
    stage_check(&region);
    shmrpci_region_detach(&region);
    shmrpci_fd_close(&fd);
}

static void nothing_beyond_what_is_paid_for_can_be_had(void **state)
{
    (void)state;
    int fd = stage_create(MIB, 2);
    shmrpci_region region;
    assert_int_equal(stage_attach(fd, &region, NULL), SHMRPC_OK);
    uint64_t spans = region.facts.spans_offset;
    assert_null(shmrpci_region_at(&region, spans, 1));
    assert_int_equal(stage_put(&region, 0, 1, NULL), SHMRPC_OK);
    uint64_t paid = shmrpci_load_seq(&shmrpci_region_state_of(&region)->paid);
    assert_non_null(shmrpci_region_at(&region, spans, paid));
    assert_null(shmrpci_region_at(&region, spans, paid + 1));
    assert_null(shmrpci_region_at(&region, spans + paid, 1));
    assert_null(shmrpci_region_at(&region, spans + 1, UINT64_MAX));
    assert_null(shmrpci_region_at(&region, 0, 1));
    /* A damaged word is not trusted beyond the size of the file. */
    shmrpci_store_seq(&shmrpci_region_state_of(&region)->paid, UINT64_MAX);
    assert_null(shmrpci_region_at(&region, region.facts.bytes, 1));
    shmrpci_region_detach(&region);
    shmrpci_fd_close(&fd);
}

/* Runs in a mount namespace of its own, with a folder that holds 512 KiB: takes
 * spans until none are left. The exit status tells which check failed. */
static int fill_a_small_folder(void)
{
    shmrpci_region_spec spec = {.max_bytes = 16 * MIB,
                                .roots_bytes = STAGE_ROOTS * sizeof(uint64_t),
                                .participants = 4};
    uint64_t bytes;
    shmrpci_region region;
    shmrpc_error error;
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("small", "/mnt", "tmpfs", 0, "size=512k") != 0) {
        return 77;
    }
    int fd = open("/mnt/region", O_RDWR | O_CREAT | O_EXCL, 0600);
    if (shmrpci_region_size(&spec, &bytes, NULL) != SHMRPC_OK ||
        ftruncate(fd, (off_t)bytes) != 0 ||
        shmrpci_region_format(fd, &spec, NULL) != SHMRPC_OK ||
        stage_attach(fd, &region, NULL) != SHMRPC_OK) {
        return 1;
    }
    for (uint32_t i = 0; i < STAGE_ROOTS; i++) {
        shmrpc_status status = stage_put(&region, i, 16 * KIB, &error);
        if (status != SHMRPC_OK) {
            return status == SHMRPC_E_EXHAUSTED && i >= 16 &&
                           strstr(error.message,
                                  "16384 more bytes are needed") != NULL &&
                           shmrpci_region_check(&region, NULL, NULL) == 0
                       ? 0
                       : 2;
        }
        memset(shmrpci_region_at(&region, stage_root(&region, i), 16 * KIB), 1,
               16 * KIB);
    }
    return 3;
}

static void a_full_folder_is_a_status_and_no_signal(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(fill_a_small_folder());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("SKIPPED: this process may not mount a file system\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void findings_are_told_with_their_place(void **state)
{
    (void)state;
    int fd = stage_create(MIB, 2);
    shmrpci_region region;
    assert_int_equal(stage_attach(fd, &region, NULL), SHMRPC_OK);
    assert_int_equal(stage_put(&region, 0, 50 * KIB, NULL), SHMRPC_OK);
    shmrpci_atomic_u32 *table =
        (shmrpci_atomic_u32 *)(void *)((uint8_t *)region.map.at +
                                       region.facts.table_offset);
    static const uint32_t wrong[] = {
        SHMRPCI_SPAN_CLAIMED,          /* in nobody's journal */
        SHMRPCI_SPAN_HEAD,             /* a run to which no root leads */
        SHMRPCI_SPAN_TAIL | 1u << 2,   /* part of another participant's run */
        SHMRPCI_SPAN_FREE | 1u << 16,  /* has a note, but is not in a run */
        SHMRPCI_SPAN_HEAD | 999u << 2, /* owned by nobody */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint32_t before = shmrpci_load_seq(&table[2]);
        shmrpci_store_seq(&table[2], wrong[i]);
        assert_true(shmrpci_region_check(&region, NULL, NULL) > 0);
        shmrpci_store_seq(&table[2], before);
    }
    stage_check(&region);
    shmrpci_region_detach(&region);
    shmrpci_fd_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costs_what_is_used),
        cmocka_unit_test(refuses_a_spec_out_of_range),
        cmocka_unit_test(refuses_a_head_that_was_changed),
        cmocka_unit_test(refuses_a_head_that_contradicts_itself),
        cmocka_unit_test(refuses_a_file_that_is_too_short),
        cmocka_unit_test(is_destroyed_for_all),
        cmocka_unit_test(places_are_taken_and_given_back),
        cmocka_unit_test(readers_take_no_place),
        cmocka_unit_test(the_dead_are_inherited_from),
        cmocka_unit_test(runs_are_taken_and_given),
        cmocka_unit_test(a_full_region_says_what_is_free),
        cmocka_unit_test(nothing_beyond_what_is_paid_for_can_be_had),
        cmocka_unit_test(a_full_folder_is_a_status_and_no_signal),
        cmocka_unit_test(findings_are_told_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
