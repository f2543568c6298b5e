/* Users, quotas, and a server that has run out of descriptors or memory. */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"

/* A process that connects once `go` is readable, as another user if `uid` is
 * not 0. Its exit status is the negated status of connect. It is forked before
 * this process has threads. */
typedef struct visitor {
    pid_t pid;
    int go[2];
} visitor;

static visitor fork_visitor(const shmrpci_address *address, uid_t uid)
{
    visitor v;
    char byte;
    assert_int_equal(pipe(v.go), 0);
    v.pid = service_fork();
    assert_true(v.pid >= 0);
    if (v.pid == 0) {
        shmrpci_conn *conn = NULL;
        if (read(v.go[0], &byte, 1) != 1 || (uid != 0 && setuid(uid) != 0)) {
            _exit(255);
        }
        _exit(-client_try_open(address, &conn, NULL));
    }
    return v;
}

static int visit(visitor *v)
{
    int status;
    assert_int_equal(write(v->go[1], "g", 1), 1);
    assert_int_equal(waitpid(v->pid, &status, 0), v->pid);
    (void)close(v->go[0]);
    (void)close(v->go[1]);
    return -WEXITSTATUS(status);
}

static void open_doors(const shmrpci_address *address)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s.%u.sock", folder_path(),
                   address->name, (unsigned)address->port);
    assert_int_equal(chmod(folder_path(), 0755), 0);
    assert_int_equal(chmod(path, 0666), 0);
}

static void other_users_are_DENIED_unless_listed(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("only root can become another user\n");
        skip();
    }
    service s;
    shmrpci_address address = new_address();
    visitor stranger = fork_visitor(&address, 12345);
    visitor nobody = fork_visitor(&address, 65534);
    visitor listed = fork_visitor(&address, SERVICE_ALLOWED_UID);
    visitor same = fork_visitor(&address, 0);
    service_start(&s, &address, 1);
    open_doors(&address);
    assert_int_equal(visit(&stranger), SHMRPC_E_DENIED);
    assert_int_equal(visit(&nobody), SHMRPC_E_DENIED);
    assert_int_equal(visit(&listed), SHMRPC_OK);
    assert_int_equal(visit(&same), SHMRPC_OK);
    service_stop(&s);
}

static void socket_without_permission_is_DENIED(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("only root can become another user\n");
        skip();
    }
    service s;
    shmrpci_address address = new_address();
    visitor stranger = fork_visitor(&address, 12345);
    service_start(&s, &address, 1);
    assert_int_equal(visit(&stranger), SHMRPC_E_DENIED);
    service_stop(&s);
}

static void server_out_of_descriptors_says_so_and_recovers(void **state)
{
    (void)state;
    service s;
    struct rlimit limit;
    shmrpci_address address = new_address();
    visitor early = fork_visitor(&address, 0);
    visitor late = fork_visitor(&address, 0);
    service_start(&s, &address, 1);
    shmrpci_conn *conn = client_open(&address);
    client_echoes(conn, "before");
    int next = dup(0);
    assert_int_equal(close(next), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit tight = {(rlim_t)next, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    int status = visit(&early);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(status, SHMRPC_E_EXHAUSTED);
    client_echoes(conn, "meanwhile");
    assert_int_equal(visit(&late), SHMRPC_OK);
    conn->transport->client->disconnect(conn);
    service_stop(&s);
}

static void quota_of_bytes_costs_the_call_that_exceeds_it(void **state)
{
    (void)state;
    service s;
    shmrpci_address address = new_address();
    service_start(&s, &address, 1);
    shmrpci_conn *conns[40];
    static shmrpci_call calls[40];
    size_t count = 0;
    int status = SHMRPC_OK;
    static uint8_t body[(size_t)12 << 20];
    while (status == SHMRPC_OK && count < 40) {
        conns[count] = client_open(&address);
        status = client_send(conns[count], &calls[count], METHOD_HOLD, body,
                             sizeof body, 0);
        count++;
    }
    /* Each request takes an extent of 16 MiB. The clients' blocks need memory,
     * too, so 15 extents fit into the quota of 256 MiB, and 16 don't. */
    assert_int_equal(status, SHMRPC_E_EXHAUSTED);
    assert_int_equal(count, 16);
    atomic_store(&s.released, true);
    for (size_t i = 0; i < count - 1; i++) {
        /* The server may have found no room for a reply. Then a status without
         * a body arrives instead. */
        assert_int_equal(conns[i]->transport->client->receive(
                             &calls[i], shmrpci_deadline_after(PATIENCE_NS)),
                         SHMRPC_OK);
        conns[i]->transport->client->release(&calls[i]);
    }
    /* Memory that is no longer in use is available again. */
    assert_int_equal(
        client_call(conns[count - 1], METHOD_ECHO, body, sizeof body, 0, NULL),
        SHMRPC_OK);
    client_echoes(conns[0], "small ones go on");
    for (size_t i = 0; i < count; i++) {
        conns[i]->transport->client->disconnect(conns[i]);
    }
    service_stop(&s);
}

/* ---- the system has no memory ---------------------------------------- */

/* The linker redirects the library's calls to these functions (--wrap), which
 * decides their names. */
int __real_memfd_create(const char *name, unsigned flags);
int __real_fallocate(int fd, int mode, off_t offset, off_t len);
void *__real_mmap(void *at, size_t len, int protection, int flags, int fd,
                  off_t offset);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t len);
void *__wrap_mmap(void *at, size_t len, int protection, int flags, int fd,
                  off_t offset);

typedef enum shortage { NO_SPACE, NO_DESCRIPTOR, NO_ROOM, SHORTAGES } shortage;

static atomic_int short_of = SHORTAGES; /* SHORTAGES: nothing is short */
static atomic_uint asked;               /* calls since the shortage began */
static atomic_uint first_failure;       /* number of the first call that fails,
                                         * from 1; all later ones fail, too */

static bool must_fail(shortage what)
{
    return atomic_load(&short_of) == (int)what &&
           atomic_fetch_add(&asked, 1) + 1 >= atomic_load(&first_failure);
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
    if (must_fail(NO_DESCRIPTOR)) {
        errno = EMFILE;
        return -1;
    }
    return __real_memfd_create(name, flags);
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t len)
{
    if (must_fail(NO_SPACE)) {
        errno = ENOSPC;
        return -1;
    }
    return __real_fallocate(fd, mode, offset, len);
}

void *__wrap_mmap(void *at, size_t len, int protection, int flags, int fd,
                  off_t offset)
{
    if (must_fail(NO_ROOM)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(at, len, protection, flags, fd, offset);
}

static void begin_shortage(shortage what, unsigned from)
{
    atomic_store(&asked, 0);
    atomic_store(&first_failure, from);
    atomic_store(&short_of, (int)what);
}

/* Ends the shortage; returns how often the function was called. */
static unsigned end_shortage(void)
{
    atomic_store(&short_of, SHORTAGES);
    return atomic_load(&asked);
}

/* Accepts a failure for lack of memory too: the client is in this process, and
 * may be the side that failed. */
static bool is_good(int status)
{
    if (status != SHMRPC_OK && status != SHMRPC_E_NO_MEMORY) {
        assert_int_equal(status, SHMRPC_E_EXHAUSTED);
    }
    return status == SHMRPC_OK;
}

/* A caller that can't get memory gets an error, others notice nothing, and
 * later allocations succeed again. */
static void memory_that_is_not_to_be_had_costs_its_caller_only(void **state)
{
    (void)state;
    static uint8_t body[600000]; /* needs an extent */
    service s;
    shmrpci_address address = new_address();
    service_start(&s, &address, 1);
    shmrpci_conn *other = client_open(&address);
    unsigned refused[SHORTAGES][2] = {{0}};
    for (int what = 0; what < SHORTAGES; what++) {
        unsigned count;
        unsigned from = 1;
        do {
            shmrpci_conn *conn = NULL;
            begin_shortage((shortage)what, from);
            bool opened = is_good(client_try_open(&address, &conn, NULL));
            client_echoes(other, "meanwhile");
            bool grown = opened && is_good(client_call(conn, METHOD_ECHO, body,
                                                       sizeof body, 0, NULL));
            count = end_shortage();
            refused[what][opened] += !grown;
            conn = opened ? conn : client_open(&address);
            client_echoes(conn, "again");
            assert_int_equal(
                client_call(conn, METHOD_ECHO, body, sizeof body, 0, NULL),
                SHMRPC_OK);
            conn->transport->client->disconnect(conn);
        } while (from++ <= count);
        /* Both connecting and sending were refused. */
        assert_true(refused[what][0] > 0 && refused[what][1] > 0);
    }
    other->transport->client->disconnect(other);
    service_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_users_are_DENIED_unless_listed),
        cmocka_unit_test(socket_without_permission_is_DENIED),
        cmocka_unit_test(server_out_of_descriptors_says_so_and_recovers),
        cmocka_unit_test(quota_of_bytes_costs_the_call_that_exceeds_it),
        cmocka_unit_test(memory_that_is_not_to_be_had_costs_its_caller_only),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
