/*
 * Private declarations of the files that read service.ini.
 *
 *     ini_lexer.re  a line -> section or key and value; ${} in a value
 *     ini_value     a value's text -> what its type holds
 *     ini_entry     keys, and variables in their values
 *     ini           files and sections
 *     ini_check     rules that hold between keys and between services
 *     ini_nats      rules of the keys nats*
 *     ini_report    error messages for people
 *
 * Running out of memory sets the flag no_memory; missing parts are empty, and
 * load fails in the end.
 */
#ifndef SHMRPCI_SUPERVISE_INI_PARSER_H
#define SHMRPCI_SUPERVISE_INI_PARSER_H

#include "supervise/ini.h"

typedef struct shmrpci_ini_parser {
    const shmrpci_ini_opts *opts;
    shmrpci_arena *arena;
    shmrpci_buf *messages;
    size_t error_count;
    bool no_memory;
    shmrpci_ini_file *files[SHMRPCI_INI_MAX_FILES];
    size_t file_count;
    shmrpci_ini_service *services;
    size_t service_count;
    size_t service_room;
    shmrpci_ini_value defaults[SHMRPCI_INI_KEYS];
    bool has_defaults;
    shmrpci_ini_place defaults_place;
    shmrpci_ini_place web_place;
    shmrpci_ini *out;
} shmrpci_ini_parser;

/* ---- ini_report.c -------------------------------------------------------- */

/*
 * Reports what is wrong at a place:
 *
 *     service.ini:7:1: error: unknown key `prot`; did you mean `port`?
 *         7 | prot = 5
 *           | ^~~~
 */
void shmrpci_ini_report(shmrpci_ini_parser *p, shmrpci_ini_place place,
                        const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a second place to a report. */
void shmrpci_ini_note(shmrpci_ini_parser *p, shmrpci_ini_place place,
                      const char *text);

/* Returns "; did you mean `x`?" or "", in the arena. */
const char *shmrpci_ini_nearest(shmrpci_ini_parser *p, const char *wanted,
                                const char *const *names, size_t count);

/* Allocates zeroed memory in the arena. On failure sets no_memory and returns
 * NULL. */
void *shmrpci_ini_alloc(shmrpci_ini_parser *p, size_t count, size_t size);
/* Copies a text to the arena. On failure sets no_memory and returns "". */
const char *shmrpci_ini_text(shmrpci_ini_parser *p, const char *text,
                             size_t len);

/* ---- ini_lexer.re -------------------------------------------------------- */

typedef enum shmrpci_ini_line_kind {
    SHMRPCI_INI_LINE_END,     /* of the file */
    SHMRPCI_INI_LINE_BLANK,   /* empty, or a comment */
    SHMRPCI_INI_LINE_SECTION, /* [name]; the name is in `name` */
    SHMRPCI_INI_LINE_ENTRY,   /* name = value */
    SHMRPCI_INI_LINE_OPEN,    /* [name without its end */
    SHMRPCI_INI_LINE_TAIL,    /* [name] and more text, which is in `value` */
    SHMRPCI_INI_LINE_ODD      /* any other error */
} shmrpci_ini_line_kind;

typedef struct shmrpci_ini_line {
    shmrpci_ini_line_kind kind;
    const char *begin; /* the text of the line, trimmed */
    const char *end;
    const char *name; /* without blanks around */
    const char *name_end;
    const char *value; /* without blanks around */
    const char *value_end;
} shmrpci_ini_line;

/* Reads the line at `*at`, and advances `*at` behind it. The text ends with a
 * NUL. */
void shmrpci_ini_next_line(const char **at, shmrpci_ini_line *out);

typedef enum shmrpci_ini_piece_kind {
    SHMRPCI_INI_PIECE_END,
    SHMRPCI_INI_PIECE_TEXT,     /* literal text */
    SHMRPCI_INI_PIECE_DOLLAR,   /* $$ */
    SHMRPCI_INI_PIECE_VARIABLE, /* ${NAME} or ${NAME:-fallback} */
    SHMRPCI_INI_PIECE_ODD       /* ${ in neither of these forms */
} shmrpci_ini_piece_kind;

typedef struct shmrpci_ini_piece {
    shmrpci_ini_piece_kind kind;
    const char *begin;
    const char *end;
    const char *name;
    const char *name_end;
    const char *fallback; /* NULL: none */
    const char *fallback_end;
} shmrpci_ini_piece;

/* Reads the piece of a value at `*at`, and advances `*at` behind it. The value
 * ends at `end`. */
void shmrpci_ini_next_piece(const char **at, const char *end,
                            shmrpci_ini_piece *out);

/* ---- ini_entry.c --------------------------------------------------------- */

/* Section names that are not services. */
#define SHMRPCI_INI_DEFAULTS "defaults"
#define SHMRPCI_INI_WEB      "web monitor"

/* The current section, to which the lines of a file belong. */
typedef struct shmrpci_ini_section {
    unsigned where; /* SHMRPCI_INI_IN_...; 0: no section, or an unknown one */
    size_t first;   /* services [first, end) share the body */
    size_t end;
    bool is_lost; /* its header was invalid: its lines are ignored */
} shmrpci_ini_section;

shmrpci_ini_place shmrpci_ini_place_of(const shmrpci_ini_file *file,
                                       const char *begin, const char *end);

/* Returns the value of a line with its variables expanded. On failure reports
 * it and returns NULL. */
const char *shmrpci_ini_expand(shmrpci_ini_parser *p,
                               const shmrpci_ini_file *file,
                               const shmrpci_ini_line *line);

/* Reads a key and its value into the section. */
void shmrpci_ini_entry(shmrpci_ini_parser *p, const shmrpci_ini_section *s,
                       shmrpci_ini_file *file, const shmrpci_ini_line *line);

/* ---- ini_value.c --------------------------------------------------------- */

/* Reads a text as the type of `key`. On failure reports it at `place` and
 * returns false. Relative paths are relative to the folder of the place's file.
 */
bool shmrpci_ini_value_read(shmrpci_ini_parser *p, shmrpci_ini_key key,
                            const char *text, shmrpci_ini_place place,
                            shmrpci_ini_value *out);

/* Returns `path`, relative to the folder of `file` unless it is absolute. */
const char *shmrpci_ini_path(shmrpci_ini_parser *p,
                             const shmrpci_ini_file *file, const char *path);

/* ---- ini_check.c --------------------------------------------------------- */

/* Checks the rules between the keys of a service, and between services. */
void shmrpci_ini_check(shmrpci_ini_parser *p);

/* Returns the place of the key if it was given, else the place of the section.
 */
shmrpci_ini_place shmrpci_ini_key_place(const shmrpci_ini_service *service,
                                        shmrpci_ini_key key);

/* Reports a file name with a character that would end it inside an address. */
void shmrpci_ini_check_file(shmrpci_ini_parser *p,
                            const shmrpci_ini_value *values,
                            shmrpci_ini_key key);

/* ---- ini_nats.c ---------------------------------------------------------- */

void shmrpci_ini_check_nats(shmrpci_ini_parser *p);

#endif
