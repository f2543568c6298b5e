/* Shared keys and certificates: which clients are accepted, which are refused,
 * and which errors they get. */
#include "transport/tcp/auth.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pki.h"
#include "service.h"

enum { PROVEN = TCP_NONCE_BYTES + SHMRPCI_PROOF_BYTES };

static char folder[] = "/tmp/shmrpc-auth-XXXXXX";
static char key[64];
static char other_key[64];
static service served;

static void write_key(char path[64], const char *name, const char *text,
                      mode_t mode)
{
    (void)snprintf(path, 64, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static int set_up(void **state)
{
    (void)state;
    tcp_limits limits = service_limits();
    service_start_keyed(&served, &limits, key);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    service_stop(&served);
    return 0;
}

/* ---- clients of the library -------------------------------------------- */

static void expect_refusal(const shmrpci_address *address, int status,
                           const char *text)
{
    shmrpci_conn *conn = NULL;
    shmrpc_error error = {.message = ""};
    assert_int_equal(service_connect_at(address, PATIENCE_NS, &conn, &error),
                     status);
    if (strstr(error.message, text) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", text, error.message);
    }
}

static shmrpci_address address_with(const char *key_file)
{
    shmrpci_address address = served.address;
    (void)snprintf(address.key_file, sizeof address.key_file, "%s", key_file);
    return address;
}

static void who_has_the_key_is_served(void **state)
{
    (void)state;
    shmrpci_conn *conn = service_connect(&served);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(call_echo(conn, "let in", 6), SHMRPC_OK);
    }
    shmrpci_transport_tcp.client->disconnect(conn);
}

static void who_has_none_is_told_what_to_do(void **state)
{
    (void)state;
    shmrpci_address address = address_with("");
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED,
                   "demands a key: add ?key=FILE");
    service_expect_end(&served, TCP_END_AUTH, 1);
}

static void who_has_another_is_told_so(void **state)
{
    (void)state;
    shmrpci_address address = address_with(other_key);
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "has another key");
    service_expect_empty(&served);
    assert_int_equal(atomic_load(&served.served), 0);
}

static void a_server_without_a_key_is_not_believed(void **state)
{
    (void)state;
    service_stop(&served);
    tcp_limits limits = service_limits();
    service_start(&served, &limits);
    shmrpci_address address = address_with(key);
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "has no key");
}

static void keys_that_others_can_read_are_refused(void **state)
{
    (void)state;
    char path[64];
    shmrpci_address address = address_with("/nonexistent/key");
    expect_refusal(&address, SHMRPC_E_NOT_FOUND, "the key /nonex");
    write_key(path, "open", "0123456789abcdef", 0640);
    address = address_with(path);
    expect_refusal(&address, SHMRPC_E_DENIED, "chmod 600");
    write_key(path, "short", "0123456789abcde\n", 0600);
    address = address_with(path);
    expect_refusal(&address, SHMRPC_E_INVALID, "16 to 1024 bytes");
    address = address_with(folder);
    expect_refusal(&address, SHMRPC_E_INVALID, "not a file");
    shmrpci_listener *listener;
    shmrpci_listen_opts opts = {.max_workers = 1};
    assert_int_equal(shmrpci_transport_tcp.listener->listen(&address, &opts,
                                                            &listener, NULL),
                     SHMRPC_E_INVALID);
}

/* ---- raw peers --------------------------------------------------------- */

/* Sends an opening with a nonce, and reads the server's answer. */
static int open_raw(tcp_auth *auth, uint8_t proof[SHMRPCI_PROOF_BYTES])
{
    int fd = raw_open(&served);
    assert_int_equal(tcp_auth_say(TCP_FROM_CLIENT, auth->client), SHMRPC_OK);
    assert_true(raw_send(fd, auth->client, sizeof auth->client));
    assert_true(raw_receive(fd, auth->server, sizeof auth->server));
    assert_true(raw_receive(fd, proof, SHMRPCI_PROOF_BYTES));
    return fd;
}

static void expect_end(int fd, tcp_head head, const uint8_t *body, tcp_end end)
{
    uint64_t before = service_counts(&served).ended[end];
    (void)raw_frame(fd, &head, body, head.len);
    assert_int_equal(raw_expect_end(fd), 0);
    service_expect_end(&served, end, before + 1);
}

static const tcp_head auth_head = {.type = TCP_AUTH,
                                   .len = SHMRPCI_PROOF_BYTES};

static void nothing_but_a_proof_is_taken_first(void **state)
{
    (void)state;
    static const uint8_t zeros[2048];
    static const struct {
        tcp_head head;
        tcp_end end;
    } table[] = {
        {{.type = TCP_HELLO, .len = 40}, TCP_END_TYPE},
        {{.type = TCP_HELLO, .len = 1040}, TCP_END_TYPE},
        {{.type = TCP_REQUEST, .method = METHOD_ECHO}, TCP_END_TYPE},
        {{.type = TCP_PING}, TCP_END_TYPE},
        {{.type = TCP_AUTH, .len = 33}, TCP_END_LENGTH},
        {{.type = TCP_AUTH, .len = 31}, TCP_END_AUTH},
        {{.type = TCP_AUTH, .len = 0}, TCP_END_AUTH},
        {{.type = TCP_AUTH, .len = 32}, TCP_END_AUTH},
        {{.type = TCP_AUTH, .len = 32, .call = 1}, TCP_END_FIELD},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        tcp_auth auth;
        uint8_t proof[SHMRPCI_PROOF_BYTES];
        expect_end(open_raw(&auth, proof), table[i].head, zeros, table[i].end);
    }
    assert_int_equal(atomic_load(&served.served), 0);
}

/* A proof that was overheard can't be replayed. */
static void proofs_are_good_once_and_from_one_side(void **state)
{
    (void)state;
    shmrpci_secret secret;
    tcp_auth auth = {.key = &secret};
    uint8_t theirs[SHMRPCI_PROOF_BYTES];
    uint8_t ours[SHMRPCI_PROOF_BYTES];
    uint8_t again[SHMRPCI_PROOF_BYTES];
    assert_int_equal(shmrpci_secret_read(key, &secret), SHMRPC_OK);
    int fd = open_raw(&auth, theirs);
    assert_true(tcp_auth_is_proof(&auth, TCP_FROM_SERVER, theirs));
    assert_int_equal(tcp_auth_prove(&auth, TCP_FROM_CLIENT, ours), SHMRPC_OK);
    expect_end(fd, auth_head, theirs, TCP_END_AUTH);
    tcp_auth next = {.key = &secret};
    expect_end(open_raw(&next, again), auth_head, ours, TCP_END_AUTH);
    assert_memory_not_equal(theirs, again, sizeof theirs);
}

static void a_good_proof_is_followed_by_hello(void **state)
{
    (void)state;
    shmrpci_secret secret;
    tcp_auth auth = {.key = &secret};
    uint8_t proof[SHMRPCI_PROOF_BYTES];
    uint8_t bytes[128];
    tcp_head head;
    assert_int_equal(shmrpci_secret_read(key, &secret), SHMRPC_OK);
    int fd = open_raw(&auth, proof);
    assert_int_equal(tcp_auth_prove(&auth, TCP_FROM_CLIENT, proof), SHMRPC_OK);
    assert_true(raw_frame(fd, &auth_head, proof, sizeof proof));
    size_t len = raw_hello_bytes(bytes);
    assert_true(
        raw_send(fd, bytes + TCP_OPENING_BYTES, len - TCP_OPENING_BYTES));
    assert_true(raw_receive(fd, bytes, TCP_HEAD_BYTES));
    tcp_head_get(bytes, &head);
    assert_int_equal(head.type, TCP_WELCOME);
    assert_true(raw_receive(fd, bytes, head.len));
    /* A second proof is not allowed at that point. */
    uint64_t before = service_counts(&served).ended[TCP_END_TYPE];
    (void)raw_frame(fd, &auth_head, proof, sizeof proof);
    (void)raw_expect_end(fd);
    service_expect_end(&served, TCP_END_TYPE, before + 1);
}

static void silence_instead_of_a_proof_is_too_slow(void **state)
{
    (void)state;
    tcp_auth auth;
    uint8_t proof[SHMRPCI_PROOF_BYTES];
    assert_int_equal(raw_expect_end(open_raw(&auth, proof)), 0);
    service_expect_end(&served, TCP_END_HANDSHAKE, 1);
}

/* ---- TLS ---------------------------------------------------------------- */

static shmrpci_address tls_address(const char *cert, const char *ca)
{
    shmrpci_address address = {.transport = &shmrpci_transport_tls,
                               .port = served.address.port};
    if (cert[0] != '\0') {
        (void)snprintf(address.cert_file, sizeof address.cert_file, "%s/%s.pem",
                       folder, cert);
    }
    if (ca[0] != '\0') {
        (void)snprintf(address.ca_file, sizeof address.ca_file, "%s/%s.pem",
                       folder, ca);
    }
    return address;
}

static void serve_tls(const char *cert, const char *ca, const char *key_file)
{
    tcp_limits limits = service_limits();
    limits.handshake_ns = PATIENCE_NS; /* a busy machine takes long for this */
    service_stop(&served);
    served.address.port = 0;
    shmrpci_address address = tls_address(cert, ca);
    (void)snprintf(address.key_file, sizeof address.key_file, "%s", key_file);
    service_start_at(&served, &limits, &address);
}

static void expect_served(const shmrpci_address *address)
{
    shmrpci_conn *conn = NULL;
    shmrpc_error error = {.message = ""};
    if (service_connect_at(address, PATIENCE_NS, &conn, &error) != SHMRPC_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(call_echo(conn, "let in", 6), SHMRPC_OK);
    shmrpci_transport_tls.client->disconnect(conn);
}

static void servers_are_believed_by_their_certificate(void **state)
{
    (void)state;
    serve_tls("server", "", "");
    shmrpci_address address = tls_address("", "ca");
    expect_served(&address);
    memcpy(address.host, "localhost", 10);
    expect_served(&address);
    address = tls_address("", "other");
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "issuer certificate");
    address = tls_address("", "");
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "?ca=FILE");
    serve_tls("expired", "", "");
    address = tls_address("", "ca");
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "has expired");
    serve_tls("elsewhere", "", "");
    address = tls_address("", "ca");
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "address mismatch");
    memcpy(address.host, "localhost", 10);
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "ostname mismatch");
    service_expect_end(&served, TCP_END_TLS, 2);
    assert_int_equal(atomic_load(&served.served), 0);
}

static void clients_are_let_in_by_their_certificate(void **state)
{
    (void)state;
    serve_tls("server", "ca", "");
    shmrpci_address address = tls_address("client", "ca");
    expect_served(&address);
    service_expect_subject(&served, "CN=client");
    address = tls_address("", "ca");
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "certificate required");
    address = tls_address("stranger", "ca");
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "refused this client");
    service_expect_end(&served, TCP_END_TLS, 2);
    assert_int_equal(atomic_load(&served.served), 1);
}

static void copy_cert(const char *from, size_t most)
{
    char path[2][300];
    char text[16384];
    (void)snprintf(path[0], sizeof path[0], "%s/%s.pem", folder, from);
    (void)snprintf(path[1], sizeof path[1], "%s/next.pem", folder);
    FILE *file = fopen(path[0], "rb");
    assert_non_null(file);
    size_t len = fread(text, 1, most, file);
    (void)fclose(file);
    int fd = open(path[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    (void)close(fd);
    (void)snprintf(path[0], sizeof path[0], "%s/current.pem", folder);
    assert_int_equal(rename(path[1], path[0]), 0);
}

static void new_certificates_need_no_restart(void **state)
{
    (void)state;
    copy_cert("expired", 16384);
    serve_tls("current", "", "");
    shmrpci_address address = tls_address("", "ca");
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "has expired");
    copy_cert("server", 16384);
    expect_served(&address);
    service_expect_subject(&served, "nobody");
    copy_cert("server", 100); /* an incomplete file: the server keeps the
                               * previous certificate */
    expect_served(&address);
}

static void keys_go_with_tls(void **state)
{
    (void)state;
    serve_tls("server", "", key);
    shmrpci_address address = tls_address("", "ca");
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "demands a key");
    (void)snprintf(address.key_file, sizeof address.key_file, "%s", other_key);
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "has another key");
    (void)snprintf(address.key_file, sizeof address.key_file, "%s", key);
    expect_served(&address);
}

static void plain_and_tls_are_told_apart(void **state)
{
    (void)state;
    serve_tls("server", "", "");
    shmrpci_address address = {.transport = &shmrpci_transport_tcp,
                               .port = served.address.port};
    expect_refusal(&address, SHMRPC_E_UNAUTHENTICATED, "tls:// instead of");
    service_expect_end(&served, TCP_END_AUTH, 1);
    /* The server accepts no unencrypted opening, not even one that announces
     * TLS. */
    uint8_t opening[TCP_OPENING_BYTES];
    const tcp_opening lie = {.major = TCP_MAJOR, .auth = TCP_AUTH_TLS};
    tcp_opening_put(&lie, opening);
    int fd = raw_open(&served);
    assert_true(raw_send(fd, opening, sizeof opening));
    assert_int_equal(raw_expect_end(fd), TCP_OPENING_BYTES);
    service_expect_end(&served, TCP_END_AUTH, 2);
    tcp_limits limits = service_limits();
    service_stop(&served);
    service_start(&served, &limits);
    address = tls_address("", "ca");
    expect_refusal(&address, SHMRPC_E_UNAVAILABLE, "is it at tcp:// instead?");
    service_expect_end(&served, TCP_END_MAGIC, 1);
}

static void other_bytes_than_tls_are_cut_off(void **state)
{
    (void)state;
    static const uint8_t silent[] = {22, 3, 1, 2, 0, 1};
    static const char http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    static const uint8_t hello_1_2[] = {
        22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3, 1, 2,    3,    4, 5, 6,
        7,  8, 9, 0, 1,  2, 3, 4, 5,  6, 7, 8, 9,    0,    1, 2, 3,
        4,  5, 6, 7, 8,  9, 0, 1, 2,  0, 0, 2, 0xc0, 0x2f, 1, 0};
    tcp_limits limits = service_limits();
    shmrpci_address address = tls_address("server", "");
    service_stop(&served);
    address.port = 0;
    service_start_at(&served, &limits, &address);
    int fd = raw_open(&served);
    assert_int_equal(raw_expect_end(fd), 0); /* no answer */
    fd = raw_open(&served);
    assert_true(raw_send(fd, silent, sizeof silent));
    assert_int_equal(raw_expect_end(fd), 0);
    service_expect_end(&served, TCP_END_HANDSHAKE, 2);
    serve_tls("server", "", "");
    fd = raw_open(&served);
    assert_true(raw_send(fd, http, sizeof http - 1));
    (void)raw_expect_end(fd);
    fd = raw_open(&served);
    assert_true(raw_send(fd, hello_1_2, sizeof hello_1_2));
    uint8_t alert[7]; /* fatal: protocol_version */
    assert_true(raw_receive(fd, alert, sizeof alert));
    assert_int_equal(alert[0], 21);
    assert_int_equal(alert[6], 70);
    (void)raw_expect_end(fd);
    service_expect_end(&served, TCP_END_TLS, 2);
    address = tls_address("", "ca");
    expect_served(&address);
    service_expect_empty(&served);
}

static void bad_files_are_told(void **state)
{
    (void)state;
    char path[64];
    shmrpci_listener *listener;
    shmrpci_listen_opts opts = {.max_workers = 1};
    shmrpc_error error;
    shmrpci_address address = tls_address("", "");
    assert_int_equal(shmrpci_transport_tls.listener->listen(&address, &opts,
                                                            &listener, &error),
                     SHMRPC_E_INVALID);
    assert_non_null(strstr(error.message, "needs ?cert=FILE"));
    write_key(path, "no.pem", "nothing\n", 0600);
    address = tls_address("no", "");
    expect_refusal(&address, SHMRPC_E_INVALID, "no certificate in PEM");
    address = tls_address("", "no");
    expect_refusal(&address, SHMRPC_E_INVALID, "no certificates in PEM");
    address = tls_address("gone", "");
    expect_refusal(&address, SHMRPC_E_NOT_FOUND, "is not there");
    (void)snprintf(path, sizeof path, "%s/client.pem", folder);
    assert_int_equal(chmod(path, 0644), 0);
    address = tls_address("client", "ca");
    expect_refusal(&address, SHMRPC_E_DENIED, "chmod 600");
    assert_int_equal(chmod(path, 0600), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(who_has_the_key_is_served),
        CASE(who_has_none_is_told_what_to_do),
        CASE(who_has_another_is_told_so),
        CASE(a_server_without_a_key_is_not_believed),
        CASE(keys_that_others_can_read_are_refused),
        CASE(nothing_but_a_proof_is_taken_first),
        CASE(proofs_are_good_once_and_from_one_side),
        CASE(a_good_proof_is_followed_by_hello),
        CASE(silence_instead_of_a_proof_is_too_slow),
        CASE(servers_are_believed_by_their_certificate),
        CASE(clients_are_let_in_by_their_certificate),
        CASE(new_certificates_need_no_restart),
        CASE(keys_go_with_tls),
        CASE(plain_and_tls_are_told_apart),
        CASE(other_bytes_than_tls_are_cut_off),
        CASE(bad_files_are_told),
    };
    char path[64];
    if (mkdtemp(folder) == NULL) {
        return EXIT_FAILURE;
    }
    pki_make(folder);
    write_key(key, "key", "correct horse battery staple\n", 0600);
    write_key(other_key, "other", "correct horse battery stapler\n", 0400);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const names[] = {
        "key",        "other",       "open",          "short",
        "no.pem",     "ca.pem",      "other.pem",     "server.pem",
        "client.pem", "expired.pem", "elsewhere.pem", "stranger.pem"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
    return failed;
}
