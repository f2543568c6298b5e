/* Loading libraries: dlopen. */
#include "os/plugin.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Writes the path of a file in the folder of this code. Returns false if that
 * is unknown, or too long. */
static bool path_beside_us(const char *name, char *out, size_t size)
{
    static const char here;
    Dl_info info;
    if (dladdr(&here, &info) == 0 || info.dli_fname == NULL) {
        return false;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    if (slash == NULL) {
        return false;
    }
    int len = snprintf(out, size, "%.*s%s", (int)(slash + 1 - info.dli_fname),
                       info.dli_fname, name);
    return len > 0 && (size_t)len < size;
}

/* RTLD_NOW refuses a library with missing symbols here, not in a later call. */
static void *load(const char *name)
{
    char path[4096];
    void *library = path_beside_us(name, path, sizeof path)
                        ? dlopen(path, RTLD_NOW | RTLD_LOCAL)
                        : NULL;
    return library != NULL ? library : dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

shmrpc_status shmrpci_plugin_load(const char *name, const char *symbol,
                                  void **out,
                                  char why[SHMRPCI_PLUGIN_WHY_BYTES])
{
    void *library = load(name);
    void *found = library != NULL ? dlsym(library, symbol) : NULL;
    if (found == NULL) {
        const char *text = dlerror();
        (void)snprintf(why, SHMRPCI_PLUGIN_WHY_BYTES, "%s",
                       text != NULL ? text : name);
        return SHMRPC_E_NOT_FOUND;
    }
    *out = found;
    return SHMRPC_OK;
}
