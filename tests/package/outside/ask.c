/* Calls the service without generated code, by asking it for its description.
 */
#include <shmrpc/interface.h>
#include <shmrpc/json.h>
#include <shmrpc/stub.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(int status, const char *what, const shmrpc_error *error)
{
    if (status != SHMRPC_OK) {
        fprintf(stderr, "ask: %s: %s: %s\n", what, error->path, error->message);
        exit(1);
    }
}

/* Returns the index of a method. */
static uint32_t find(const shmrpc_service *service, const char *name)
{
    uint32_t i = 0;
    while (i < service->method_count &&
           strcmp(service->methods[i].name, name) != 0) {
        i++;
    }
    return i;
}

int main(void)
{
    static const char note[] = "[{\"a\":[1,2.5,null]}]";
    shmrpc_interface *interface = NULL;
    shmrpc_client *client = NULL;
    shmrpc_error error = {0};
    void *params = NULL;
    const void *reply = NULL;
    char *text = NULL;
    size_t len = 0;
    expect(shmrpc_interface_ask("catalogue", NULL, &interface, &error), "ask",
           &error);
    const shmrpc_service *service = shmrpc_interface_service(interface);
    uint32_t index = find(service, "note_msgpack");
    if (index == service->method_count) {
        fprintf(stderr, "ask: no method note_msgpack\n");
        return 1;
    }
    const shmrpc_method *method = &service->methods[index];
    expect(shmrpc_stub_connect(service, shmrpc_interface_where(interface), NULL,
                               &client, &error),
           "connect", &error);
    expect(shmrpc_json_read(method->params, note, sizeof note - 1, &params,
                            &error),
           "read", &error);
    expect(shmrpc_stub_call_reply(client, index, params, NULL, &reply, &error),
           "call", &error);
    expect(shmrpc_json_write(method->result, reply, &text, &len, &error),
           "write", &error);
    if (strcmp(text, "{\"a\":[1,2.5,null]}") != 0) {
        fprintf(stderr, "ask: got %s\n", text);
        return 1;
    }
    free(text);
    shmrpc_stub_release(reply);
    shmrpc_json_free(params);
    shmrpc_stub_close(client);
    shmrpc_interface_release(interface);
    return 0;
}
