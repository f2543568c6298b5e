/* Starts nats-server, and reads its port from the ports file that it writes. */
#include "nats_server.h"

#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 60

static void die(const char *what)
{
    (void)fprintf(stderr, "nats-server: %s\n", what);
    exit(EXIT_FAILURE);
}

/* Debian installs nats-server in /usr/sbin, which only root has in PATH. */
static const char *find_program(void)
{
    static const char *const places[] = {"/usr/sbin/nats-server",
                                         "/usr/bin/nats-server",
                                         "/usr/local/bin/nats-server"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (access(places[i], X_OK) == 0) {
            return places[i];
        }
    }
    return NULL;
}

static void write_config(const nats_server *server, unsigned max_payload,
                         bool stores)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/nats.conf", server->folder);
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        die("no room for its configuration");
    }
    if (max_payload > 0) {
        (void)fprintf(file, "max_payload: %u\n", max_payload);
    }
    if (stores) {
        (void)fprintf(file, "jetstream: {store_dir: \"%s\"}\n", server->folder);
    }
    (void)fprintf(file, "host: \"127.0.0.1\"\n");
    (void)fclose(file);
}

static void start(nats_server *server)
{
    char config[96];
    char port[8];
    const char *program = find_program();
    (void)snprintf(config, sizeof config, "%s/nats.conf", server->folder);
    (void)snprintf(port, sizeof port, "%d",
                   server->port != 0 ? (int)server->port : -1);
    server->pid = fork();
    if (server->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setenv("GOMAXPROCS", "2", 1);
        (void)execl(program, "nats-server", "-c", config, "-p", port,
                    "--ports_file_dir", server->folder, "-l", "/dev/null",
                    (char *)NULL);
        _exit(127);
    }
    if (server->pid < 0) {
        die(strerror(errno));
    }
}

/* Returns the port of the first "nats://127.0.0.1:PORT" in the ports file; 0:
 * there is none yet. */
static uint16_t read_port(const nats_server *server)
{
    char path[128];
    char text[1024];
    (void)snprintf(path, sizeof path, "%s/nats-server_%d.ports", server->folder,
                   (int)server->pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    const char *at = strstr(text, "nats://127.0.0.1:");
    return at != NULL
               ? (uint16_t)strtoul(at + strlen("nats://127.0.0.1:"), NULL, 10)
               : 0;
}

static bool listens(const nats_server *server)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(server->port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = connect(fd, (struct sockaddr *)(void *)&at, sizeof at) == 0;
    (void)close(fd);
    return answers;
}

static void await(nats_server *server)
{
    time_t until = time(NULL) + PATIENCE_S;
    while (time(NULL) < until) {
        struct timespec pause = {.tv_nsec = 5000000};
        uint16_t port = read_port(server);
        server->port = port != 0 ? port : server->port;
        if (port != 0 && listens(server)) {
            return;
        }
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            die("it ended at once");
        }
        (void)nanosleep(&pause, NULL);
    }
    die("it does not listen");
}

static bool start_new(nats_server *server, unsigned max_payload, bool stores)
{
    *server = (nats_server){.folder = "/tmp/shmrpc-nats-XXXXXX"};
    if (find_program() == NULL) {
        (void)fprintf(stderr,
                      "SKIPPED: no nats-server here (Debian's package "
                      "nats-server): nats:// is not tested\n");
        return false;
    }
    if (mkdtemp(server->folder) == NULL) {
        die("no room in /tmp");
    }
    write_config(server, max_payload, stores);
    start(server);
    await(server);
    return true;
}

bool nats_server_start(nats_server *server, unsigned max_payload)
{
    return start_new(server, max_payload, false);
}

bool nats_server_start_storing(nats_server *server)
{
    return start_new(server, 0, true);
}

/* A killed server leaves its ports file, so this removes it. */
void nats_server_kill(nats_server *server)
{
    char path[128];
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
    (void)snprintf(path, sizeof path, "%s/nats-server_%d.ports", server->folder,
                   (int)server->pid);
    (void)unlink(path);
}

void nats_server_restart(nats_server *server)
{
    start(server);
    await(server);
}

static int remove_one(const char *path, const struct stat *about, int kind,
                      struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

void nats_server_end(nats_server *server)
{
    nats_server_kill(server);
    (void)nftw(server->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
