/* Finds out the version of NATS servers, which each server sends first: INFO
 * {"version":"2.9.10",...}. libnats does not expose it. */
#include "tools/shmrpc-nats/age.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/stream.h"

/* The first version with the fixes of nats-server#4014, #4162 and
 * GHSA-fhg8-qxh5-7q3w. */
#define LEAST      "2.10.27"
#define LEAST_CODE 2010027u

#define ANSWER_NS SHMRPCI_NS_PER_S

/* More than any server sends in this line. */
#define INFO_BYTES 8192u

/* Returns 2010027 for "2.10.27"; 0 if the text is not a version. */
static unsigned code_of(const char *text)
{
    unsigned part[3];
    return sscanf(text, "%3u.%3u.%3u", &part[0], &part[1], &part[2]) == 3
               ? part[0] * 1000000 + part[1] * 1000 + part[2]
               : 0;
}

/* Reads up to the end of the line. */
static void read_line(int fd, char out[INFO_BYTES])
{
    int64_t deadline_ns = shmrpci_deadline_after(ANSWER_NS);
    size_t len = 0;
    out[0] = '\0';
    while (strchr(out, '\n') == NULL && len + 1 < INFO_BYTES &&
           shmrpci_poll_readable(fd, deadline_ns)) {
        size_t more = 0;
        if (shmrpci_stream_receive(fd, out + len, INFO_BYTES - 1 - len,
                                   &more) != SHMRPC_OK) {
            return;
        }
        len += more;
        out[len] = '\0';
    }
}

/* Asks one server for its version. Returns false if it did not send one. */
static bool ask(const char *host, uint16_t port, char version[32])
{
    static const char key[] = "\"version\":\"";
    shmrpci_endpoint endpoints[SHMRPCI_ENDPOINTS_MAX];
    size_t count = 0;
    int fd;
    char line[INFO_BYTES];
    int64_t deadline_ns = shmrpci_deadline_after(ANSWER_NS);
    if (shmrpci_stream_resolve(host, port, deadline_ns, endpoints, &count) !=
            SHMRPC_OK ||
        count == 0 ||
        shmrpci_stream_connect(&endpoints[0], deadline_ns, &fd) != SHMRPC_OK) {
        return false;
    }
    read_line(fd, line);
    shmrpci_fd_close(&fd);
    const char *at = strstr(line, key);
    if (strncmp(line, "INFO ", 5) != 0 || at == NULL) {
        return false;
    }
    at += sizeof key - 1;
    (void)snprintf(version, 32, "%.*s", (int)strspn(at, "0123456789."), at);
    return true;
}

void age_warn(const shmrpci_address *servers)
{
    char list[sizeof servers->host];
    char version[32];
    char *rest = NULL;
    memcpy(list, servers->host, sizeof list);
    for (char *one = strtok_r(list, ",", &rest); one != NULL;
         one = strtok_r(NULL, ",", &rest)) {
        char *colon = strrchr(one, ':');
        if (colon == NULL || one[0] == '[') {
            continue;
        }
        *colon = '\0';
        uint16_t port = (uint16_t)strtoul(colon + 1, NULL, 10);
        if (ask(one, port, version) && code_of(version) < LEAST_CODE) {
            (void)fprintf(
                stderr,
                "shmrpc-nats: the nats-server at %s is old, %s: use " LEAST
                " or later outside of tests "
                "(docs/many-machines.md)\n",
                one, version);
            return;
        }
    }
}
