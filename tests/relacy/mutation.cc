/* Parses and applies mutations, which name a place by what the shims report for
 * each access. */
#include "mutation.h"

#include <string.h>

const char *const order_names[6] = {"relaxed", "consume", "acquire",
                                    "release", "acq_rel", "seq_cst"};

mutation mutant;
bool was_reached;

bool is_survey;
site seen[512];
size_t seen_count;

bool parse_mutation(const char *text)
{
    const char *slash = strchr(text, '/');
    const char *second = slash != NULL ? strchr(slash + 1, '/') : NULL;
    const char *equals = strrchr(text, '=');
    if (second == NULL || equals == NULL || equals < second) {
        return false;
    }
    mutant.function.assign(text, (size_t)(slash - text));
    mutant.operation.assign(slash + 1, (size_t)(second - slash - 1));
    mutant.what.assign(second + 1, (size_t)(equals - second - 1));
    mutant.is_on = true;
    if (strcmp(equals + 1, "omit") == 0) {
        mutant.order = omitted;
        return true;
    }
    for (int i = 0; i < 6; i++) {
        if (strcmp(equals + 1, order_names[i]) == 0) {
            mutant.order = i;
            return true;
        }
    }
    return false;
}

int mutated(const site &here)
{
    if (!mutant.is_on || mutant.function != here.function ||
        mutant.operation != here.operation ||
        strstr(here.what, mutant.what.c_str()) == NULL) {
        return as_it_is;
    }
    was_reached = true;
    return mutant.order;
}

void note_site(const site &here)
{
    if (!is_survey || here.line == 0) {
        return;
    }
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].line == here.line && seen[i].what == here.what &&
            seen[i].operation == here.operation) {
            return;
        }
    }
    if (seen_count < sizeof seen / sizeof seen[0]) {
        seen[seen_count++] = here;
    }
}
