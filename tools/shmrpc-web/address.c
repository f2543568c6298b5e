/* Reads numeric addresses only: looking up a name could block, and would let a
 * name server decide where we listen. */
#include "tools/shmrpc-web/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* All of 127.0.0.0/8 is this machine (RFC 1122, 3.2.1.3). */
static bool read_v4(const char *text, uint16_t port, web_address *out)
{
    struct sockaddr_in native = {.sin_family = AF_INET,
                                 .sin_port = htons(port)};
    if (inet_pton(AF_INET, text, &native.sin_addr) != 1) {
        return false;
    }
    memcpy(out->native, &native, sizeof native);
    out->is_loopback = ntohl(native.sin_addr.s_addr) >> 24 == 127;
    return true;
}

/* Only ::1 is loopback. ::ffff:127.0.0.1 counts as beyond this machine, which
 * is the safe side: it needs TLS. */
static bool read_v6(const char *text, uint16_t port, web_address *out)
{
    struct sockaddr_in6 native = {.sin6_family = AF_INET6,
                                  .sin6_port = htons(port)};
    _Static_assert(sizeof native <= sizeof out->native, "room for it");
    if (inet_pton(AF_INET6, text, &native.sin6_addr) != 1) {
        return false;
    }
    memcpy(out->native, &native, sizeof native);
    out->is_v6 = true;
    out->is_loopback = IN6_IS_ADDR_LOOPBACK(&native.sin6_addr);
    return true;
}

bool web_address_read(const char *text, uint16_t port, web_address *out)
{
    char bare[48];
    size_t len = strlen(text);
    memset(out, 0, sizeof *out);
    if (len > 2 && len < sizeof bare && text[0] == '[' &&
        text[len - 1] == ']') {
        memcpy(bare, text + 1, len - 2);
        bare[len - 2] = '\0';
        return read_v6(bare, port, out);
    }
    return read_v4(text, port, out) || read_v6(text, port, out);
}

void web_address_text(const void *native, char *out, size_t size)
{
    const struct sockaddr *any = native;
    const char *text = NULL;
    if (any != NULL && any->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = native;
        text = inet_ntop(AF_INET, &v4->sin_addr, out, (socklen_t)size);
    } else if (any != NULL && any->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = native;
        text = inet_ntop(AF_INET6, &v6->sin6_addr, out, (socklen_t)size);
    }
    if (text == NULL) {
        memcpy(out, "-", 2);
    }
}
