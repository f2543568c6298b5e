/* The table of statuses and the error object. */
#include "shmrpc/error.h"
#include "shmrpc/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/utf8.h"

static const struct {
    int number;
    const char *name;
} numbers[] = {
    {0, "OK"},
    {1, "MORE"},
    {-1, "CANCELLED"},
    {-4, "DEADLINE"},
    {-17, "CONTRACT"},
    {-18, "TOO_LARGE"},
    {-22, "SERVER_LOST"},
    {-27, "DESTROYED"},
    {100, "DECLARED"},
    {2000000000, "DECLARED"},
    {-28, "UNKNOWN"},
    {99, "UNKNOWN"},
};

static void numbers_never_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_string_equal(shmrpc_status_name(numbers[i].number),
                            numbers[i].name);
    }
}

static void every_row_is_complete_and_unlike_the_others(void **state)
{
    (void)state;
    for (int a = -27; a <= 1; a++) {
        assert_true(strlen(shmrpc_status_text(a)) > 0);
        assert_true(strlen(shmrpc_status_connect_code(a)) > 0);
        assert_in_range(shmrpc_status_http(a), 200, 599);
        for (int b = -27; b < a; b++) {
            assert_string_not_equal(shmrpc_status_name(a),
                                    shmrpc_status_name(b));
        }
    }
}

static void only_what_surely_did_not_run_may_be_retried(void **state)
{
    (void)state;
    assert_false(shmrpc_status_may_have_run(SHMRPC_E_UNAVAILABLE));
    assert_false(shmrpc_status_may_have_run(SHMRPC_E_BUSY));
    assert_false(shmrpc_status_may_have_run(SHMRPC_E_CONTRACT));
    assert_true(shmrpc_status_may_have_run(SHMRPC_E_DEADLINE));
    assert_true(shmrpc_status_may_have_run(SHMRPC_E_WORKER_DIED));
    assert_true(shmrpc_status_may_have_run(SHMRPC_E_SERVER_LOST));
    /* These errors may concern the reply: it was too large, or memory for it
     * ran out. Then the call has run. */
    assert_true(shmrpc_status_may_have_run(SHMRPC_E_TOO_LARGE));
    assert_true(shmrpc_status_may_have_run(SHMRPC_E_NO_MEMORY));
    assert_true(shmrpc_status_may_have_run(100));
    assert_true(shmrpc_status_may_have_run(-1000));
}

static void an_error_carries_code_name_and_message(void **state)
{
    (void)state;
    shmrpc_error error;
    memset(&error, 'x', sizeof error);
    assert_int_equal(
        shmrpc_error_set(&error, SHMRPC_E_INVALID, "%d of %s", 3, "hits"),
        SHMRPC_E_INVALID);
    assert_int_equal(error.code, SHMRPC_E_INVALID);
    assert_string_equal(error.name, "INVALID");
    assert_string_equal(error.path, "");
    assert_string_equal(error.message, "3 of hits");
    assert_false(error.may_have_run);
    (void)shmrpc_error_set(&error, SHMRPC_E_INTERNAL, "oh");
    assert_true(error.may_have_run);
}

static void words_and_flag_of_a_run_agree(void **state)
{
    (void)state;
    static const struct {
        int status;
        bool may_have_run;
        const char *message;
    } rows[] = {
        {SHMRPC_E_DEADLINE, false, "late; it has not run"},
        {SHMRPC_E_DEADLINE, true, "late; it may have run"},
        {SHMRPC_E_UNAVAILABLE, true, "late; it may have run"},
        /* Nothing is appended, because UNAVAILABLE by itself means that the
         * call has not run. */
        {SHMRPC_E_UNAVAILABLE, false, "late"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        shmrpc_error error;
        (void)shmrpc_error_set(&error, rows[i].status, "late");
        shmrpci_error_ran(&error, rows[i].may_have_run);
        assert_string_equal(error.message, rows[i].message);
        assert_int_equal(error.may_have_run, rows[i].may_have_run);
    }
    shmrpci_error_ran(NULL, true);
}

/* "it may have run" is the most important part of the message. */
static void words_of_a_run_are_never_cut_off(void **state)
{
    (void)state;
    shmrpc_error error;
    (void)shmrpc_error_set(&error, SHMRPC_E_DEADLINE, "%0300d", 0);
    shmrpci_error_ran(&error, false);
    const char *words = "0; it has not run";
    size_t len = strlen(error.message);
    assert_int_equal(len, sizeof error.message - 1);
    assert_string_equal(error.message + len - strlen(words), words);
}

static void a_text_has_name_path_and_message(void **state)
{
    (void)state;
    char text[SHMRPC_ERROR_TEXT_BYTES];
    shmrpc_error error;
    (void)shmrpc_error_set(&error, SHMRPC_E_INVALID, "value 0, allowed 1..9");
    assert_string_equal(shmrpc_error_text(&error, text, sizeof text),
                        "INVALID: value 0, allowed 1..9");
    memcpy(error.path, "query.limit", sizeof "query.limit");
    assert_ptr_equal(shmrpc_error_text(&error, text, sizeof text), text);
    assert_string_equal(text, "INVALID: query.limit: value 0, allowed 1..9");
    assert_string_equal(shmrpc_error_text(&error, text, 8), "INVALID");
    assert_string_equal(shmrpc_error_text(&error, text, 1), "");
    error.message[0] = '\0';
    assert_string_equal(shmrpc_error_text(&error, text, sizeof text),
                        "INVALID: query.limit");
}

static void the_longest_text_has_room(void **state)
{
    (void)state;
    char text[SHMRPC_ERROR_TEXT_BYTES];
    shmrpc_error error;
    memset(&error, 'x', sizeof error);
    error.name[sizeof error.name - 1] = '\0';
    error.path[sizeof error.path - 1] = '\0';
    error.message[sizeof error.message - 1] = '\0';
    assert_int_equal(strlen(shmrpc_error_text(&error, text, sizeof text)),
                     strlen(error.name) + strlen(error.path) +
                         strlen(error.message) + 4);
    /* Texts are cut between characters. */
    (void)shmrpc_error_set(&error, SHMRPC_E_INVALID, "\xC3\xA4");
    assert_string_equal(shmrpc_error_text(&error, text, 11), "INVALID: ");
}

static void a_missing_error_object_is_fine(void **state)
{
    (void)state;
    assert_int_equal(shmrpc_error_set(NULL, SHMRPC_E_BUSY, "%s", "x"),
                     SHMRPC_E_BUSY);
}

static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        char text[4 * 300];
        memset(text, 'a', shift);
        size_t len = shift;
        while (len + 5 < sizeof text) {
            memcpy(text + len, "\xF0\x9F\x98\x80", 4);
            len += 4;
        }
        text[len] = '\0';
        shmrpc_error error;
        (void)shmrpc_error_set(&error, SHMRPC_E_INTERNAL, "%s", text);
        size_t kept = strlen(error.message);
        assert_in_range(kept, sizeof error.message - 4,
                        sizeof error.message - 1);
        assert_int_equal(shmrpci_utf8_valid_prefix(error.message, kept), kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_never_change),
        cmocka_unit_test(every_row_is_complete_and_unlike_the_others),
        cmocka_unit_test(only_what_surely_did_not_run_may_be_retried),
        cmocka_unit_test(an_error_carries_code_name_and_message),
        cmocka_unit_test(words_and_flag_of_a_run_agree),
        cmocka_unit_test(words_of_a_run_are_never_cut_off),
        cmocka_unit_test(a_text_has_name_path_and_message),
        cmocka_unit_test(the_longest_text_has_room),
        cmocka_unit_test(a_missing_error_object_is_fine),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
