/* Writes and reads log lines on disk. */
#include "tools/shmrpcd/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Indexed by mgr_level and by mgr_origin. The words are part of the file
 * format. */
static const char *const levels[] = {"debug",   "info",  "notice",
                                     "warning", "error", "critical"};
static const char *const origins[] = {"stdout", "stderr", "manager"};

#define LEVELS  (sizeof levels / sizeof *levels)
#define ORIGINS (sizeof origins / sizeof *origins)

/* ---- writing --------------------------------------------------------- */

/* Writes UTC, so that records sort as text, and no hour occurs twice when
 * daylight saving time ends. */
static void append_time(shmrpci_buf *out, int64_t unix_ms)
{
    char text[32] = "";
    time_t seconds = (time_t)(unix_ms / 1000);
    const struct tm *utc = gmtime(&seconds);
    if (utc != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", utc);
    }
    shmrpci_buf_printf(out, "\"%s.%03dZ\"", text, (int)(unix_ms % 1000));
}

/* Tabs are the only control characters in the text (mgr_text_inert), so JSON
 * needs only these three escapes. */
void mgr_record_append_text(shmrpci_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\t') {
            shmrpci_buf_append_text(out, "\\t");
            continue;
        }
        if (text[i] == '"' || text[i] == '\\') {
            shmrpci_buf_append_char(out, '\\');
        }
        shmrpci_buf_append_char(out, text[i]);
    }
}

/* The order of keys is fixed, because mgr_record_read relies on it. A section's
 * name has no character that JSON escapes. */
void mgr_record_append(shmrpci_buf *out, const char *service,
                       const mgr_record *record)
{
    const mgr_line *line = &record->line;
    shmrpci_buf_append_text(out, "{\"time\":");
    append_time(out, line->unix_ms);
    shmrpci_buf_printf(out,
                       ",\"service\":\"%s\",\"level\":\"%s\","
                       "\"origin\":\"%s\"",
                       service, levels[line->level], origins[line->origin]);
    if (record->pid != 0) {
        shmrpci_buf_printf(out, ",\"pid\":%d", (int)record->pid);
    }
    if (line->thread != 0) {
        shmrpci_buf_printf(out, ",\"thread\":%d", (int)line->thread);
    }
    if (line->call != 0) {
        shmrpci_buf_printf(out, ",\"call\":\"%" PRIx64 "\"", line->call);
    }
    shmrpci_buf_append_text(out, ",\"text\":\"");
    mgr_record_append_text(out, line->text, line->len);
    shmrpci_buf_append_text(out, line->truncated ? "\",\"truncated\":true}\n"
                                                 : "\"}\n");
}

/* ---- reading --------------------------------------------------------- */

/* What is left of a record to read. The reader knows only this format, not JSON
 * in general, because a search reads millions of lines. */
typedef struct reader {
    const char *at;
    const char *end;
} reader;

/* Skips `text` if it comes next. */
static bool take(reader *r, const char *text)
{
    size_t len = strlen(text);
    bool is_there =
        (size_t)(r->end - r->at) >= len && memcmp(r->at, text, len) == 0;
    r->at += is_there ? len : 0;
    return is_there;
}

/* Reads `count` digits; 0 means as many as there are. */
static bool take_number(reader *r, int count, int32_t *out)
{
    int32_t value = 0;
    int taken = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && taken < 9 &&
           (count == 0 || taken < count)) {
        value = value * 10 + (*r->at++ - '0');
        taken++;
    }
    *out = value;
    return taken > 0 && (count == 0 || taken == count);
}

/* Reads up to 16 hexadecimal digits in lower case. */
static bool take_hex(reader *r, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t value = 0;
    int taken = 0;
    while (r->at < r->end && taken < 16) {
        const char *digit = memchr(digits, *r->at, 16);
        if (digit == NULL) {
            break;
        }
        value = value << 4 | (uint64_t)(digit - digits);
        r->at++;
        taken++;
    }
    *out = value;
    return taken > 0;
}

/* Reads one of the words; the quote that follows it is not part of it. */
static bool take_word(reader *r, const char *const *words, size_t count,
                      size_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (take(r, words[i])) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* The number of days since 1970-01-01 in the Gregorian calendar (Hinnant,
 * days_from_civil). */
static int64_t days_of(int32_t year, int32_t month, int32_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}

/* Fields out of range ("month 99") give a wrong time instead of an error: the
 * file is ours, and a wrong time does no harm. */
static bool take_time(reader *r, int64_t *unix_ms)
{
    static const char *const before[] = {"", "-", "-", "T", ":", ":", "."};
    int32_t n[7]; /* year, month, day, hour, minute, second, ms */
    for (size_t i = 0; i < 7; i++) {
        int digits = i == 0 ? 4 : i == 6 ? 3 : 2;
        if (!take(r, before[i]) || !take_number(r, digits, &n[i])) {
            return false;
        }
    }
    int64_t hours = days_of(n[0], n[1], n[2]) * 24 + n[3];
    *unix_ms = ((hours * 60 + n[4]) * 60 + n[5]) * 1000 + n[6];
    return take(r, "Z");
}

/* A text that is longer than any we write means that the record is not ours. */
static bool take_text(reader *r, char text[MGR_LINE_BYTES], size_t *len)
{
    *len = 0;
    while (r->at < r->end && *r->at != '"' && *len < MGR_LINE_BYTES) {
        char c = *r->at++;
        if (c == '\\') {
            if (r->at == r->end) {
                return false;
            }
            c = *r->at == 't' ? '\t' : *r->at;
            r->at++;
        }
        text[(*len)++] = c;
    }
    return take(r, "\"");
}

/* Nothing may follow the record. If half a record was written to a full disk
 * and another one follows it, both are rejected. */
bool mgr_record_read(const char *data, size_t len, char text[MGR_LINE_BYTES],
                     mgr_record *out)
{
    reader r = {data, data + len};
    size_t level;
    size_t origin;
    mgr_line line = {.text = text};
    int32_t pid = 0;
    if (!take(&r, "{\"time\":\"") || !take_time(&r, &line.unix_ms) ||
        !take(&r, "\",\"service\":\"")) {
        return false;
    }
    while (r.at < r.end && *r.at != '"') {
        r.at++; /* skip the name, which contains no quotes */
    }
    if (!take(&r, "\",\"level\":\"") ||
        !take_word(&r, levels, LEVELS, &level) ||
        !take(&r, "\",\"origin\":\"") ||
        !take_word(&r, origins, ORIGINS, &origin) || !take(&r, "\",") ||
        (take(&r, "\"pid\":") &&
         (!take_number(&r, 0, &pid) || !take(&r, ","))) ||
        (take(&r, "\"thread\":") &&
         (!take_number(&r, 0, &line.thread) || !take(&r, ","))) ||
        (take(&r, "\"call\":\"") &&
         (!take_hex(&r, &line.call) || !take(&r, "\","))) ||
        !take(&r, "\"text\":\"") || !take_text(&r, text, &line.len)) {
        return false;
    }
    line.level = (mgr_level)level;
    line.origin = (mgr_origin)origin;
    line.truncated = take(&r, ",\"truncated\":true");
    *out = (mgr_record){.line = line, .pid = pid};
    return take(&r, "}") && r.at == r.end;
}
