/*
 * Mutations of the running source: the order of one access is weakened, or a
 * call is omitted. A case must notice that.
 */
#ifndef TESTS_RELACY_MUTATION_H
#define TESTS_RELACY_MUTATION_H

#include <stddef.h>

#include <string>

/* An access in the source. */
struct site {
    const char *file, *function, *operation, *what;
    int line;
};

/* mutated() returns this or one of C's memory_order values. */
const int as_it_is = -1;
const int omitted = -2;

extern const char *const order_names[6];

struct mutation {
    std::string function, operation, what; /* `what` is a part of the site's
                                            * text */
    int order;                             /* a memory_order, or omitted */
    bool is_on;
};

extern mutation mutant;
extern bool was_reached; /* whether the mutated place was reached */

/* Parses "function/operation/what=order", or "=omit". */
bool parse_mutation(const char *text);

/* What the mutation does to this place. */
int mutated(const site &here);

/* Places that were reached while `is_survey` was set. */
extern bool is_survey;
extern site seen[512];
extern size_t seen_count;
void note_site(const site &here);

#endif
