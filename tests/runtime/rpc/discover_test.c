/* Finding and describing services at run time. */
#define _POSIX_C_SOURCE 200809L
#include "shmrpc/discover.h"

#include "sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The services that discover reported in our folder, one per line. */
typedef struct told {
    char text[2048];
} told;

static void tell(void *user, const shmrpc_found *found)
{
    told *all = user;
    size_t len = strlen(all->text);
    const char *folder = getenv("SHMRPC_DIR");
    if (strncmp(found->where, folder, strlen(folder)) != 0) {
        return; /* another user's service, in a shared folder */
    }
    (void)snprintf(all->text + len, sizeof all->text - len, "%s %s %u\n",
                   found->name, found->instance, found->port);
}

static void touch(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", getenv("SHMRPC_DIR"), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
}

/* Only files with names like our sockets are reported; their servers need not
 * be alive. */
static void sockets_are_told_by_their_names(void **state)
{
    (void)state;
    told all = {.text = ""};
    sample_folder_make();
    static const char *const others[] = {
        "echo.5555.lock", "echo.sock",        "echo.99999.sock", ".a.1.sock",
        "echo.05.sock",   "echo@.5.sock",     "@two.5.sock",     "e o.5.sock",
        "echo.x.sock",    "a.b@c@d.5.sock",   "echo..sock",      "notes.txt",
        ".5.sock",        "echo.123456.sock", "echo.0.sock"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        touch(others[i]);
    }
    assert_int_equal(shmrpc_discover(NULL, tell, &all), SHMRPC_OK);
    assert_string_equal(all.text, "");
    touch("a.b-c@two.65535.sock");
    assert_int_equal(shmrpc_discover(NULL, tell, &all), SHMRPC_OK);
    assert_string_equal(all.text, "a.b-c two 65535\n");
    sample_folder_remove();
}

static void folder_that_is_unsafe_is_told(void **state)
{
    (void)state;
    told all = {.text = ""};
    shmrpc_error error;
    sample_folder_make();
    char *folder = strdup(getenv("SHMRPC_DIR"));
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(shmrpc_discover(&error, tell, &all), SHMRPC_E_DENIED);
    assert_non_null(strstr(error.message, folder));
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(setenv("SHMRPC_DIR", "relative", 1), 0);
    assert_int_equal(shmrpc_discover(&error, tell, &all), SHMRPC_E_INVALID);
    /* A missing folder is no error. */
    assert_int_equal(setenv("SHMRPC_DIR", "/nonexistent", 1), 0);
    assert_int_equal(shmrpc_discover(&error, tell, &all), SHMRPC_OK);
    assert_int_equal(setenv("SHMRPC_DIR", folder, 1), 0);
    free(folder);
    sample_folder_remove();
}

static void expect_text(const char *where)
{
    char *text = NULL;
    size_t len = 0;
    size_t at = 0;
    shmrpc_error error = {.code = 0};
    int status =
        shmrpc_describe(where, sample_service.port, NULL, &text, &len, &error);
    if (status != SHMRPC_OK) {
        fail_msg("%s: %s", where, error.message);
    }
    for (const char *const *part = sample_service.text; *part != NULL; part++) {
        assert_memory_equal(text + at, *part, strlen(*part));
        at += strlen(*part);
    }
    assert_int_equal(at, len);
    assert_int_equal(text[len], '\0');
    free(text);
}

static void describe_over(const char *scheme)
{
    sample_server s;
    char list[300];
    sample_folder_make();
    sample_start(&s, scheme, &sample_service, 1);
    expect_text(s.where);
    (void)snprintf(list, sizeof list, "inproc://nobody-here,%s", s.where);
    expect_text(list);
    sample_stop(&s);
    sample_folder_remove();
}

static void service_describes_itself(void **state)
{
    (void)state;
    describe_over("inproc");
    describe_over("shm");
}

static void found_service_can_be_asked(void **state)
{
    (void)state;
    sample_server s;
    told all = {.text = ""};
    char line[200];
    sample_folder_make();
    sample_start(&s, "shm", &sample_service, 1);
    assert_int_equal(shmrpc_discover(NULL, tell, &all), SHMRPC_OK);
    (void)snprintf(line, sizeof line, "%s %u\n", s.where + strlen("shm://"),
                   sample_service.port);
    *strchr(line, '@') = ' ';
    assert_string_equal(all.text, line);
    sample_stop(&s);
    sample_folder_remove();
}

static void failures_say_where(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len;
    shmrpc_error error;
    static const struct {
        const char *where;
        int status;
        const char *says;
    } rows[] = {
        {"inproc://nobody-here", SHMRPC_E_UNAVAILABLE, "nobody-here"},
        {"shm://", SHMRPC_E_INVALID, "name"},
        {"echo", SHMRPC_E_INVALID, "expected shm://"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(
            shmrpc_describe(rows[i].where, 1, NULL, &text, &len, &error),
            rows[i].status);
        assert_non_null(strstr(error.message, rows[i].says));
    }
    const shmrpc_opts opts = {.timeout_ns = -1};
    assert_int_equal(shmrpc_describe("shm://x", 1, &opts, &text, &len, NULL),
                     SHMRPC_E_INVALID);
    assert_null(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_are_told_by_their_names),
        cmocka_unit_test(folder_that_is_unsafe_is_told),
        cmocka_unit_test(service_describes_itself),
        cmocka_unit_test(found_service_can_be_asked),
        cmocka_unit_test(failures_say_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
