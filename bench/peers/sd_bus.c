/* D-Bus with sd-bus: a method call with one array of bytes ("ay"), over a
 * private connection without a daemon. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include "peer.h"

static const char interface[] = "bench.Echo";

static void must(int result, const char *what)
{
    if (result < 0) {
        bench_fail("%s: %s", what, strerror(-result));
    }
}

static int on_call(sd_bus_message *request, void *user, sd_bus_error *error)
{
    const void *bytes;
    size_t size;
    sd_bus_message *reply;
    (void)user, (void)error;
    must(sd_bus_message_read_array(request, 'y', &bytes, &size), "read_array");
    must(sd_bus_message_new_method_return(request, &reply), "method_return");
    must(sd_bus_message_append_array(reply, 'y', bytes, size), "append_array");
    must(sd_bus_send(NULL, reply, NULL), "sd_bus_send");
    sd_bus_message_unref(reply);
    return 1;
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Call", "ay", "ay", on_call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

static int accept_one(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    strncpy(at.sun_path, path, sizeof at.sun_path - 1);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(listener, 1) != 0) {
        bench_fail("cannot listen at %s", path);
    }
    bench_ready();
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void serve(const char *path)
{
    const sd_id128_t id = {{1}};
    sd_bus *bus;
    const int fd = accept_one(path);
    must(sd_bus_new(&bus), "sd_bus_new");
    must(sd_bus_set_fd(bus, fd, fd), "sd_bus_set_fd");
    must(sd_bus_set_server(bus, 1, id), "sd_bus_set_server");
    must(sd_bus_start(bus), "sd_bus_start");
    must(sd_bus_add_object_vtable(bus, NULL, "/echo", interface, vtable, NULL),
         "sd_bus_add_object_vtable");
    /* Serves until the client has disconnected. */
    for (int done = 0; done >= 0;) {
        done = sd_bus_process(bus, NULL);
        if (done == 0) {
            must(sd_bus_wait(bus, UINT64_MAX), "sd_bus_wait");
        }
    }
}

static void *dial(const char *path)
{
    char address[200];
    sd_bus *bus;
    snprintf(address, sizeof address, "unix:path=%s", path);
    must(sd_bus_new(&bus), "sd_bus_new");
    must(sd_bus_set_address(bus, address), "sd_bus_set_address");
    must(sd_bus_start(bus), "sd_bus_start");
    return bus;
}

static void call(void *bus, const peer_message *m)
{
    sd_bus_message *request;
    sd_bus_message *reply;
    const void *bytes;
    size_t size;
    must(sd_bus_message_new_method_call(bus, &request, interface, "/echo",
                                        interface, "Call"),
         "new_method_call");
    must(sd_bus_message_append_array(request, 'y', m->request, m->size),
         "append_array");
    must(sd_bus_call(bus, request, 0, NULL, &reply), "sd_bus_call");
    must(sd_bus_message_read_array(reply, 'y', &bytes, &size), "read_array");
    peer_check(m, bytes, size);
    sd_bus_message_unref(request);
    sd_bus_message_unref(reply);
}

static const peer who = {"", serve, dial, call, NULL};

static const bench_case cases[] = {
    PEER_CASES("d-bus", "D-Bus by sd-bus, a private connection", who)};

const bench_suite d_bus = {cases, sizeof cases / sizeof *cases};
