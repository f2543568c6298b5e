/* Keys of service.ini, and variables in their values. */
#include "supervise/ini_parser.h"

#include <stdlib.h>
#include <string.h>

const shmrpci_ini_row shmrpci_ini_rows[SHMRPCI_INI_KEYS] = {
#define SHMRPCI_X(key, name, where, type, least, most, choices, fallback) \
    {                                                                     \
        name,                                                             \
        SHMRPCI_INI_IN_##where,                                           \
        SHMRPCI_INI_##type,                                               \
        least,                                                            \
        most,                                                             \
        choices,                                                          \
        fallback},
    SHMRPCI_INI_KEY_LIST(SHMRPCI_X)
#undef SHMRPCI_X
};

static const struct {
    const char *name;
    shmrpci_ini_key key;
} aliases[] = {
#define SHMRPCI_X(name, key) {name, SHMRPCI_INI_##key},
    SHMRPCI_INI_ALIAS_LIST(SHMRPCI_X)
#undef SHMRPCI_X
};

#define ALIASES (sizeof aliases / sizeof *aliases)

shmrpci_ini_place shmrpci_ini_place_of(const shmrpci_ini_file *file,
                                       const char *begin, const char *end)
{
    return (shmrpci_ini_place){file, (size_t)(begin - file->text),
                               (size_t)(end - file->text)};
}

/* ---- keys ---------------------------------------------------------------- */

/* Returns the key of this name, or SHMRPCI_INI_KEYS if there is none. */
static shmrpci_ini_key find_key(const char *name)
{
    for (int i = 0; i < SHMRPCI_INI_KEYS; i++) {
        if (strcmp(shmrpci_ini_rows[i].name, name) == 0) {
            return (shmrpci_ini_key)i;
        }
    }
    for (size_t i = 0; i < ALIASES; i++) {
        if (strcmp(aliases[i].name, name) == 0) {
            return aliases[i].key;
        }
    }
    return SHMRPCI_INI_KEYS;
}

static void unknown_key(shmrpci_ini_parser *p, const shmrpci_ini_section *s,
                        const char *name, shmrpci_ini_place place)
{
    const char *names[SHMRPCI_INI_KEYS + ALIASES];
    size_t count = 0;
    for (int i = 0; i < SHMRPCI_INI_KEYS; i++) {
        if ((shmrpci_ini_rows[i].where & s->where) != 0) {
            names[count++] = shmrpci_ini_rows[i].name;
        }
    }
    for (size_t i = 0; i < ALIASES; i++) {
        if ((shmrpci_ini_rows[aliases[i].key].where & s->where) != 0) {
            names[count++] = aliases[i].name;
        }
    }
    shmrpci_ini_report(p, place, "unknown key `%.64s`%s", name,
                       shmrpci_ini_nearest(p, name, names, count));
}

static void misplaced_key(shmrpci_ini_parser *p, const char *name,
                          unsigned where, shmrpci_ini_place place)
{
    shmrpci_ini_report(
        p, place, "`%s` belongs in %s", name,
        (where & SHMRPCI_INI_IN_WEB) != 0 ? "[" SHMRPCI_INI_WEB "]"
        : where == SHMRPCI_INI_IN_SERVICE ? "the section of a service"
                                          : "[" SHMRPCI_INI_DEFAULTS
                                            "] or the section of a service");
}

static shmrpci_ini_value *
values_of(shmrpci_ini_parser *p, const shmrpci_ini_section *s, size_t service)
{
    return s->where == SHMRPCI_INI_IN_DEFAULTS ? p->defaults
           : s->where == SHMRPCI_INI_IN_WEB    ? p->out->web
                                               : p->services[service].values;
}

/* ---- variables ----------------------------------------------------------- */

static const char *variable(const shmrpci_ini_parser *p, const char *name)
{
    return p->opts->variable != NULL ? p->opts->variable(p->opts->user, name)
                                     : getenv(name);
}

/* Appends a piece of a value. On failure reports it and returns false. */
static bool expand_piece(shmrpci_ini_parser *p, const shmrpci_ini_file *file,
                         const shmrpci_ini_piece *piece, shmrpci_buf *out)
{
    shmrpci_ini_place place =
        shmrpci_ini_place_of(file, piece->begin, piece->end);
    if (piece->kind == SHMRPCI_INI_PIECE_TEXT) {
        shmrpci_buf_append(out, piece->begin,
                           (size_t)(piece->end - piece->begin));
    } else if (piece->kind == SHMRPCI_INI_PIECE_DOLLAR) {
        shmrpci_buf_append_char(out, '$');
    } else if (piece->kind == SHMRPCI_INI_PIECE_ODD) {
        shmrpci_ini_report(p, place,
                           "this is not a variable (expected ${NAME} or "
                           "${NAME:-value}; $$ is a dollar)");
        return false;
    } else {
        const char *name = shmrpci_ini_text(
            p, piece->name, (size_t)(piece->name_end - piece->name));
        const char *value = variable(p, name);
        bool is_set = value != NULL && value[0] != '\0';
        if (is_set || (value != NULL && piece->fallback == NULL)) {
            shmrpci_buf_append_text(out, value);
        } else if (piece->fallback != NULL) {
            shmrpci_buf_append(out, piece->fallback,
                               (size_t)(piece->fallback_end - piece->fallback));
        } else {
            shmrpci_ini_report(p, place,
                               "the environment has no `%.64s` "
                               "(${%.64s:-value} sets a default)",
                               name, name);
            return false;
        }
    }
    return true;
}

const char *shmrpci_ini_expand(shmrpci_ini_parser *p,
                               const shmrpci_ini_file *file,
                               const shmrpci_ini_line *line)
{
    shmrpci_buf out;
    shmrpci_ini_piece piece;
    const char *at = line->value;
    bool good = true;
    shmrpci_buf_init_heap(&out);
    do {
        shmrpci_ini_next_piece(&at, line->value_end, &piece);
        good = piece.kind == SHMRPCI_INI_PIECE_END ||
               (expand_piece(p, file, &piece, &out) && good);
    } while (piece.kind != SHMRPCI_INI_PIECE_END && good);
    if (good && out.len > SHMRPCI_INI_MAX_VALUE_BYTES) {
        shmrpci_ini_report(
            p, shmrpci_ini_place_of(file, line->value, line->value_end),
            "the value is too long (%zu bytes, allowed %d)", out.len,
            SHMRPCI_INI_MAX_VALUE_BYTES);
        good = false;
    }
    p->no_memory = p->no_memory || out.status != SHMRPC_OK;
    const char *text =
        good ? shmrpci_ini_text(p, (const char *)out.data, out.len) : NULL;
    shmrpci_buf_fini(&out);
    return text;
}

/* ---- entries ------------------------------------------------------------- */

void shmrpci_ini_entry(shmrpci_ini_parser *p, const shmrpci_ini_section *s,
                       shmrpci_ini_file *file, const shmrpci_ini_line *line)
{
    shmrpci_ini_place at_key =
        shmrpci_ini_place_of(file, line->name, line->name_end);
    shmrpci_ini_place at_value =
        shmrpci_ini_place_of(file, line->value, line->value_end);
    const char *name =
        shmrpci_ini_text(p, line->name, (size_t)(line->name_end - line->name));
    shmrpci_ini_key key = find_key(name);
    if (key == SHMRPCI_INI_KEYS) {
        unknown_key(p, s, name, at_key);
        return;
    }
    const shmrpci_ini_row *row = &shmrpci_ini_rows[key];
    if ((row->where & s->where) == 0) {
        misplaced_key(p, name, row->where, at_key);
        return;
    }
    shmrpci_ini_value value = {.present = true, .place = at_key};
    shmrpci_ini_value *slot = values_of(p, s, s->first);
    if (slot[key].present) {
        shmrpci_ini_report(p, at_key, "`%s` is given twice", row->name);
        shmrpci_ini_note(p, slot[key].place, "it was given here first");
        return;
    }
    const char *text = shmrpci_ini_expand(p, file, line);
    if (text != NULL) {
        (void)shmrpci_ini_value_read(p, key, text, at_value, &value);
    }
    /* An invalid value also counts as given, so that only one error is
     * reported. */
    slot[key] = value;
    for (size_t i = s->first + 1; i < s->end; i++) {
        values_of(p, s, i)[key] = value;
    }
}
