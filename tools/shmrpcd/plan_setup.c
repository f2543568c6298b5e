/* Copies keys that set up a program's environment into the plan. */
#include <string.h>

#include "tools/shmrpcd/plan.h"

#define NS_PER_S UINT64_C(1000000000)

/* Copies the text into the plan's memory, because a plan outlives the file that
 * it was read from. Returns NULL for an absent key; if memory runs out, `*good`
 * becomes false. */
static const char *keep_text(mgr_plan *plan, const shmrpci_ini_value *value,
                             bool *good)
{
    if (!value->present) {
        return NULL;
    }
    const char *text = shmrpci_arena_strndup(&plan->arena, value->u.text,
                                             strlen(value->u.text));
    *good = *good && text != NULL;
    return text;
}

/* Copies the lines of `environment`, each "NAME=value". After success the list
 * may be empty but is never NULL. The comparison of plans relies on this. */
static bool keep_variables(mgr_plan *plan, const shmrpci_ini_value *value)
{
    size_t count = value->present ? value->u.list.count : 0;
    char **lines =
        shmrpci_arena_calloc(&plan->arena, count + 1, sizeof *lines, 8);
    for (size_t i = 0; lines != NULL && i < count; i++) {
        const char *line = value->u.list.items[i];
        lines[i] = shmrpci_arena_strndup(&plan->arena, line, strlen(line));
        if (lines[i] == NULL) {
            return false;
        }
    }
    plan->variables = lines;
    return lines != NULL;
}

/* The file has times in nanoseconds, but setrlimit(2) counts the CPU in
 * seconds. The other limits have the same unit in both. */
static void fill_limits(shmrpci_setup *setup, const shmrpci_ini_value *values)
{
    static const shmrpci_ini_key keys[] = {
#define SHMRPCI_X(limit, name) SHMRPCI_INI_LIMIT_##limit,
        SHMRPCI_LIMIT_LIST(SHMRPCI_X)
#undef SHMRPCI_X
    };
    for (size_t i = 0; i < SHMRPCI_LIMITS; i++) {
        const shmrpci_ini_value *value = &values[keys[i]];
        uint64_t scale = i == SHMRPCI_LIMIT_CPU ? NS_PER_S : 1;
        if (value->present) {
            setup->limits[i] = value->u.number == SHMRPCI_INI_UNLIMITED
                                   ? SHMRPCI_LIMIT_NONE
                                   : (int64_t)(value->u.number / scale);
        }
    }
}

/* Users and groups are kept as names and looked up at each start, so that an
 * account may be created after the file was read. */
bool mgr_plan_fill_setup(mgr_plan *plan, const shmrpci_ini_value *values)
{
    const shmrpci_ini_value *cpus = &values[SHMRPCI_INI_CPUS];
    shmrpci_setup *setup = &plan->setup;
    bool good = true;
    plan->user = keep_text(plan, &values[SHMRPCI_INI_USER], &good);
    plan->group = keep_text(plan, &values[SHMRPCI_INI_GROUP], &good);
    setup->directory = keep_text(plan, &values[SHMRPCI_INI_DIRECTORY], &good);
    if (values[SHMRPCI_INI_UMASK].present) {
        setup->umask = (int32_t)values[SHMRPCI_INI_UMASK].u.number;
    }
    setup->has_nice = values[SHMRPCI_INI_NICE].present;
    setup->nice = (int32_t)(int64_t)values[SHMRPCI_INI_NICE].u.number;
    setup->has_cpus =
        cpus->present && shmrpci_cpus_read(cpus->u.text, &setup->cpus);
    fill_limits(setup, values);
    return good && keep_variables(plan, &values[SHMRPCI_INI_ENVIRONMENT]);
}

/* ---- comparing ------------------------------------------------------- */

/* NULL stands for an absent key, and only equals NULL. */
static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The order matters, since the last of two lines with the same name wins. */
static bool same_variables(const mgr_plan *a, const mgr_plan *b)
{
    char *const *x = a->variables;
    char *const *y = b->variables;
    if (x == NULL || y == NULL) {
        return x == y;
    }
    while (*x != NULL && *y != NULL && strcmp(*x, *y) == 0) {
        x++;
        y++;
    }
    return *x == NULL && *y == NULL;
}

bool mgr_plan_has_same_user(const mgr_plan *a, const mgr_plan *b)
{
    return same_text(a->user, b->user) && same_text(a->group, b->group);
}

/* Compares `cpus` as bytes, because shmrpci_setup_init has zeroed all of it. */
bool mgr_plan_has_same_setup(const mgr_plan *a, const mgr_plan *b)
{
    const shmrpci_setup *x = &a->setup;
    const shmrpci_setup *y = &b->setup;
    return mgr_plan_has_same_user(a, b) &&
           same_text(x->directory, y->directory) && x->umask == y->umask &&
           x->has_nice == y->has_nice && x->nice == y->nice &&
           x->has_cpus == y->has_cpus &&
           memcmp(&x->cpus, &y->cpus, sizeof x->cpus) == 0 &&
           memcmp(x->limits, y->limits, sizeof x->limits) == 0 &&
           same_variables(a, b);
}
