/* Merging figures into coarser steps, and gaps in them. */
#include "tools/shmrpc-web/past.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BEGIN_S 1700000000

/* Checks that the history's JSON contains `part`. */
static void expect(const web_past *past, web_span span, const char *part)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    shmrpci_buf_append_char(&out, '{');
    web_past_append(past, span, &out);
    shmrpci_buf_append_char(&out, '}');
    const char *text = shmrpci_buf_text(&out);
    if (text == NULL || strstr(text, part) == NULL) {
        fail_msg("expected %s in %s", part, text != NULL ? text : "(memory)");
    }
    shmrpci_buf_fini(&out);
}

/* A minute of points, each filled in by `fill`. */
static web_past *minute(void (*fill)(web_point *point, int number))
{
    web_past *past = calloc(1, sizeof *past);
    assert_non_null(past);
    for (int i = 0; i < 12; i++) {
        web_point point;
        web_point_clear(&point);
        fill(&point, i);
        web_past_add(past, BEGIN_S + 5 * (i + 1), &point);
    }
    return past;
}

static void fill_constant(web_point *point, int number)
{
    (void)number;
    for (size_t i = 0; i < WEB_RESTARTS; i++) {
        point->values[i] = 5;
    }
}

static void a_constant_stays_one(void **state)
{
    (void)state;
    web_past *past = minute(fill_constant);
    expect(past, WEB_SPAN_25_MIN,
           "\"memory\":[5,5,5,5,5,5,5,5,5,5,5,5],\"io\":[5,");
    expect(past, WEB_SPAN_DAY,
           "\"at_unix_s\":[1700000060],\"calls\":[5],\"errors\":[5],"
           "\"p50_us\":[5],\"p99_us\":[5],\"queue_p99_us\":[5],\"cpu\":[5],"
           "\"memory\":[5],\"io\":[5]");
    free(past);
}

/* Only every second point is known: 0, 2, 4 ... */
static void fill_half(web_point *point, int number)
{
    if (number % 2 == 0) {
        for (size_t i = 0; i < WEB_COLUMNS; i++) {
            point->values[i] = (float)number;
        }
        point->errors[0] = 1;
        point->errors[-SHMRPC_E_DEADLINE] = number == 4 ? 3 : 0;
    }
}

static void gaps_are_left_out_of_means(void **state)
{
    (void)state;
    web_past *past = minute(fill_half);
    expect(past, WEB_SPAN_25_MIN,
           "\"calls\":[0,null,2,null,4,null,6,null,8,null,10,null]");
    expect(past, WEB_SPAN_DAY,
           "\"calls\":[5],\"errors\":[5],\"p50_us\":[5],\"p99_us\":[10],"
           "\"queue_p99_us\":[10],\"cpu\":[5],\"memory\":[5],\"io\":[5],"
           "\"restarts\":[30],\"crashes\":[30]");
    expect(past, WEB_SPAN_25_MIN,
           "\"errors_by_status\":{"
           "\"DECLARED\":[1,null,1,null,1,null,1,null,1,null,1,null],"
           "\"DEADLINE\":[0,null,0,null,3,null,0,null,0,null,0,null]}");
    expect(past, WEB_SPAN_DAY,
           "\"errors_by_status\":{\"DECLARED\":[1],\"DEADLINE\":[0.5]}");
    free(past);
}

static void fill_nothing(web_point *point, int number)
{
    (void)point;
    (void)number;
}

static void nothing_is_known_of_what_did_not_run(void **state)
{
    (void)state;
    web_past *past = minute(fill_nothing);
    expect(past, WEB_SPAN_DAY, "\"calls\":[null]");
    expect(past, WEB_SPAN_DAY, "\"crashes\":[null],\"errors_by_status\":{}");
    expect(past, WEB_SPAN_30_DAYS, "\"at_unix_s\":[],\"calls\":[]");
    free(past);
}

static void the_oldest_go(void **state)
{
    (void)state;
    web_past *past = calloc(1, sizeof *past);
    assert_non_null(past);
    for (int i = 1; i <= 301; i++) {
        web_point point;
        web_point_clear(&point);
        web_past_add(past, BEGIN_S + i, &point);
    }
    expect(past, WEB_SPAN_25_MIN, "\"at_unix_s\":[1700000002,1700000003,");
    expect(past, WEB_SPAN_25_MIN, ",1700000301],\"calls\"");
    free(past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_stays_one),
        cmocka_unit_test(gaps_are_left_out_of_means),
        cmocka_unit_test(nothing_is_known_of_what_did_not_run),
        cmocka_unit_test(the_oldest_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
