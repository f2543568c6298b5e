/* Sealed memory files and their mappings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/memory.h"

static int make(size_t bytes)
{
    int fd = -1;
    assert_int_equal(shmrpci_memory_create("test", bytes, &fd), SHMRPC_OK);
    return fd;
}

static shmrpci_map mapped(int fd, size_t bytes, shmrpci_access access)
{
    shmrpci_map map = {.at = NULL};
    assert_int_equal(shmrpci_memory_map(fd, bytes, access, true, &map),
                     SHMRPC_OK);
    return map;
}

static void file_keeps_its_size_and_is_private(void **state)
{
    (void)state;
    struct stat info;
    int fd = make(5000);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_size, 8192);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_blocks * 512, 8192); /* allocated */
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 1 << 20), -1);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    shmrpci_fd_close(&fd);
    assert_int_equal(fd, -1);
    shmrpci_fd_close(&fd);
}

static void impossible_size_is_a_status(void **state)
{
    (void)state;
    int fd = -1;
    /* More than a file can have, so the call fails and reserves nothing. */
    assert_true(shmrpci_memory_create("test", (size_t)1 << 63, &fd) < 0);
    assert_int_equal(fd, -1);
}

static void mappings_of_one_file_show_the_same(void **state)
{
    (void)state;
    int fd = make(4096);
    shmrpci_map a = mapped(fd, 4096, SHMRPCI_ACCESS_WRITE);
    shmrpci_map b = mapped(fd, 4096, SHMRPCI_ACCESS_READ);
    memcpy(a.at, "hello", 6);
    assert_string_equal(b.at, "hello");
    shmrpci_memory_discard(&a);
    assert_int_equal(((const char *)b.at)[0], 0);
    shmrpci_memory_unmap(&a);
    shmrpci_memory_unmap(&a); /* the mapping was already removed */
    shmrpci_memory_unmap(&b);
    shmrpci_fd_close(&fd);
}

static void read_only_descriptor_never_writes(void **state)
{
    (void)state;
    int fd = make(4096);
    int reader = -1;
    shmrpci_map old = mapped(fd, 4096, SHMRPCI_ACCESS_WRITE);
    assert_int_equal(shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_READ, &reader),
                     SHMRPC_OK);
    memcpy(old.at, "x", 2);
    assert_ptr_equal(
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0),
        MAP_FAILED);
    assert_int_equal(write(reader, "y", 1), -1);
    assert_int_equal(shmrpci_memory_check(reader, 4096, NULL), SHMRPC_OK);
    void *readable = mmap(NULL, 4096, PROT_READ, MAP_SHARED, reader, 0);
    assert_string_equal(readable, "x");
    assert_int_equal(mprotect(readable, 4096, PROT_READ | PROT_WRITE), -1);
    (void)munmap(readable, 4096);
    shmrpci_memory_unmap(&old);
    shmrpci_fd_close(&reader);
    shmrpci_fd_close(&fd);
}

static void constant_file_never_changes(void **state)
{
    (void)state;
    int fd = -1;
    char text[6] = "";
    assert_int_equal(shmrpci_memory_create_constant("test", "fixed", 6, &fd),
                     SHMRPC_OK);
    assert_int_equal(write(fd, "y", 1), -1);
    assert_int_equal(shmrpci_memory_read(fd, text, 6), SHMRPC_OK);
    assert_string_equal(text, "fixed");
    assert_int_equal(shmrpci_memory_read(fd, text, 0), SHMRPC_OK);
    shmrpci_fd_close(&fd);
}

static void reading_past_the_end_is_DATA_LOSS(void **state)
{
    (void)state;
    static char bytes[8192];
    int fd = make(4096);
    assert_int_equal(shmrpci_memory_read(fd, bytes, sizeof bytes),
                     SHMRPC_E_DATA_LOSS);
    shmrpci_fd_close(&fd);
}

static void check_takes_sealed_files_of_the_size_only(void **state)
{
    (void)state;
    size_t bytes = 0;
    int fd = make(8192);
    assert_int_equal(shmrpci_memory_check(fd, 8192, &bytes), SHMRPC_OK);
    assert_int_equal(bytes, 8192);
    assert_int_equal(shmrpci_memory_check(fd, 8193, &bytes), SHMRPC_E_DENIED);
    shmrpci_fd_close(&fd);
    fd = memfd_create("unsealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, 8192), 0);
    assert_int_equal(shmrpci_memory_check(fd, 8192, NULL), SHMRPC_E_DENIED);
    shmrpci_fd_close(&fd);
    assert_int_equal(shmrpci_memory_check(-1, 0, NULL), SHMRPC_E_DENIED);
    assert_int_equal(shmrpci_memory_check(0, 0, NULL), SHMRPC_E_DENIED);
}

/* A child does not have its parent's mapping, and may have mapped something
 * else at that address. */
static void child_unmaps_nothing_that_was_its_parents(void **state)
{
    (void)state;
    int fd;
    int status;
    shmrpci_map map;
    assert_int_equal(shmrpci_memory_create("test", 4096, &fd), SHMRPC_OK);
    assert_int_equal(
        shmrpci_memory_map(fd, 4096, SHMRPCI_ACCESS_WRITE, true, &map),
        SHMRPC_OK);
    pid_t pid = fork();
    if (pid == 0) {
        char *own =
            mmap(map.at, 4096, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (own != map.at) {
            _exit(6);
        }
        shmrpci_memory_unmap(&map);
        *own = 7;
        _exit(map.at == NULL ? *own : 8);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    shmrpci_memory_unmap(&map);
    shmrpci_fd_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_keeps_its_size_and_is_private),
        cmocka_unit_test(impossible_size_is_a_status),
        cmocka_unit_test(mappings_of_one_file_show_the_same),
        cmocka_unit_test(read_only_descriptor_never_writes),
        cmocka_unit_test(constant_file_never_changes),
        cmocka_unit_test(reading_past_the_end_is_DATA_LOSS),
        cmocka_unit_test(check_takes_sealed_files_of_the_size_only),
        cmocka_unit_test(child_unmaps_nothing_that_was_its_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
