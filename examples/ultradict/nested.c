/*
 * UltraDict's nested dicts: a change deep within a value is visible to all
 * processes. No dict per level, no register and no cleanup is needed.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmrpc/dict.h>

static int failed(const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "ultra-nested: %s\n",
            shmrpc_error_text(error, text, sizeof text));
    return 1;
}

static shmrpc_dict *open_ultra(shmrpc_error *error)
{
    const shmrpc_dict_opts opts = {
        .shared = {.lifetime = SHMRPC_LIFETIME_LAST_CLOSE}};
    shmrpc_dict *ultra = NULL;
    return shmrpc_dict_open("ultra", &opts, &ultra, error) == SHMRPC_OK ? ultra
                                                                        : NULL;
}

/* ultra['nested'] = {'counter': 0, 'list': []} */
static int make(shmrpc_dict *ultra, shmrpc_error *error)
{
    const shmrpc_any key = shmrpc_any_str("nested");
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    const shmrpc_any_entry entries[] = {
        {shmrpc_any_str("counter"), shmrpc_any_i64(0)},
        {shmrpc_any_str("list"), shmrpc_any_list_of(NULL, 0)}};
    const shmrpc_any nested = shmrpc_any_map_of(entries, 2);
    return shmrpc_dict_put(ultra, &path, &nested, error);
}

/* ultra['nested']['counter'] += 1, as in Python: two steps, each of which is
 * atomic. If other processes count, too, give the counter a key of its own and
 * use `update`. */
static int add_one(shmrpc_dict *ultra, const shmrpc_path *path,
                   shmrpc_error *error)
{
    const shmrpc_any *counter;
    int status = shmrpc_dict_get(ultra, path, &counter, NULL, error);
    if (status == SHMRPC_OK) {
        const shmrpc_any more = shmrpc_any_i64(counter->u.i64 + 1);
        shmrpc_dict_release(ultra, counter);
        status = shmrpc_dict_put(ultra, path, &more, error);
    }
    return status;
}

/* Also does ultra['nested']['list'].append('hello'). */
static int change(shmrpc_dict *ultra, shmrpc_error *error)
{
    const shmrpc_any counter[] = {shmrpc_any_str("nested"),
                                  shmrpc_any_str("counter")};
    const shmrpc_any list[] = {shmrpc_any_str("nested"),
                               shmrpc_any_str("list")};
    const shmrpc_path counter_path = shmrpc_path_of(counter, 2);
    const shmrpc_path list_path = shmrpc_path_of(list, 2);
    const shmrpc_any hello = shmrpc_any_str("hello");
    int status = add_one(ultra, &counter_path, error);
    if (status == SHMRPC_OK) {
        status = shmrpc_dict_append(ultra, &list_path, &hello, error);
    }
    return status;
}

/* Runs in a process that knows only the dict's name. */
static int be_other(void)
{
    shmrpc_error error;
    shmrpc_dict *ultra = open_ultra(&error);
    if (ultra == NULL || change(ultra, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    shmrpc_dict_close(ultra);
    return 0;
}

static int show(shmrpc_dict *ultra, shmrpc_error *error)
{
    const shmrpc_any key = shmrpc_any_str("nested");
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    const shmrpc_any *nested;
    if (shmrpc_dict_get(ultra, &path, &nested, NULL, error) != SHMRPC_OK) {
        return failed(error);
    }
    const shmrpc_any *counter = shmrpc_any_find(nested, "counter");
    const shmrpc_any *list = shmrpc_any_find(nested, "list");
    printf("counter: %lld, list of %zu: %s\n", (long long)counter->u.i64,
           list->u.list.len, list->u.list.ptr[0].u.str.ptr);
    shmrpc_dict_release(ultra, nested);
    return 0;
}

int main(void)
{
    shmrpc_error error;
    shmrpc_dict *ultra = open_ultra(&error);
    if (ultra == NULL || make(ultra, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    if (fork() == 0) {
        _exit(be_other());
    }
    (void)wait(NULL);
    int status = show(ultra, &error);
    shmrpc_dict_close(ultra);
    return status;
}
