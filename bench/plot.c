/* Panels of bars, fastest first. */
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "duo.h"
#include "report.h"

enum {
    MAX_BARS = 24,
    MAX_PANELS = 16,
    COLUMNS = 3,
    PANEL_WIDTH = 300,
    NAME_WIDTH = 72,
    VALUE_WIDTH = 62,
    BAR_HEIGHT = 17,
    TITLE_HEIGHT = 30,
    MARGIN = 16
};

/* The range of the axis, in powers of ten of nanoseconds. */
static const double axis_from = 1.5;
static const double axis_to = 7.5;

typedef struct bar {
    const char *name;
    double p50_ns;
    bool is_ours;
} bar;

typedef struct panel {
    const char *contest;
    bench_place place;
    bar bars[MAX_BARS];
    size_t count;
} panel;

static int by_time(const void *a, const void *b)
{
    const double x = ((const bar *)a)->p50_ns;
    const double y = ((const bar *)b)->p50_ns;
    return (x > y) - (x < y);
}

static panel *find_panel(panel *panels, size_t *count, const bench_run *run)
{
    for (size_t i = 0; i < *count; i++) {
        if (panels[i].place == run->place &&
            strcmp(panels[i].contest, run->c->contest) == 0) {
            return &panels[i];
        }
    }
    if (*count == MAX_PANELS) {
        return NULL;
    }
    panels[*count] = (panel){.contest = run->c->contest, .place = run->place};
    return &panels[(*count)++];
}

static size_t collect(const bench_plan *plan, panel *panels)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->run_count; i++) {
        const bench_run *const run = &plan->runs[i];
        bench_summary s;
        if (run->c->contest == NULL ||
            strncmp(run->c->contest, "echo ", 5) != 0 ||
            !bench_summarise(run, &s)) {
            continue;
        }
        panel *const p = find_panel(panels, &count, run);
        if (p != NULL && p->count < MAX_BARS) {
            p->bars[p->count++] =
                (bar){run->c->is_ours ? "shmrpc" : run->c->contestant,
                      s.figures.p50_ns, run->c->is_ours};
        }
    }
    for (size_t i = 0; i < count; i++) {
        qsort(panels[i].bars, panels[i].count, sizeof(bar), by_time);
    }
    return count;
}

static double bar_width(double ns)
{
    const double room = PANEL_WIDTH - NAME_WIDTH - VALUE_WIDTH - MARGIN;
    const double share = (log10(ns) - axis_from) / (axis_to - axis_from);
    return share < 0.01 ? 0.01 * room : share > 1 ? room : share * room;
}

static void draw_panel(const panel *p, int x, int y, FILE *out)
{
    fprintf(out, "<g transform=\"translate(%d %d)\">\n", x, y);
    fprintf(out, "<text class=\"title\" y=\"14\">%s, %s</text>\n", p->contest,
            bench_place_name(p->place));
    for (size_t i = 0; i < p->count; i++) {
        const bar *const b = &p->bars[i];
        const int at = TITLE_HEIGHT - 4 + (int)i * BAR_HEIGHT;
        const double width = bar_width(b->p50_ns);
        char text[BENCH_DURATION_BYTES];
        fprintf(out,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>"
                "<rect%s x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>"
                "<text x=\"%.1f\" y=\"%d\">%s</text>\n",
                NAME_WIDTH - 6, at + 11, b->name,
                b->is_ours ? " class=\"ours\"" : "", NAME_WIDTH, at, width,
                BAR_HEIGHT - 4, NAME_WIDTH + width + 5, at + 11,
                bench_duration(b->p50_ns, text));
    }
    fputs("</g>\n", out);
}

static int row_height(const panel *panels, size_t count, size_t first)
{
    size_t bars = 0;
    for (size_t i = first; i < count && i < first + COLUMNS; i++) {
        bars = panels[i].count > bars ? panels[i].count : bars;
    }
    return TITLE_HEIGHT + (int)bars * BAR_HEIGHT + MARGIN;
}

static void draw(const panel *panels, size_t count, FILE *out)
{
    int height = MARGIN;
    for (size_t i = 0; i < count; i += COLUMNS) {
        height += row_height(panels, count, i);
    }
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\""
            " role=\"img\" aria-label=\"Times of echo calls, shmrpc and"
            " others\">\n"
            "<style>text{font:11px sans-serif;fill:#333}"
            ".title{font-weight:bold}rect{fill:#9aa5b1}.ours{fill:#d9480f}"
            "@media(prefers-color-scheme:dark){text{fill:#ddd}"
            "rect{fill:#66707c}.ours{fill:#ff8c42}}</style>\n",
            COLUMNS * PANEL_WIDTH + MARGIN, height);
    int y = MARGIN;
    for (size_t i = 0; i < count; i++) {
        draw_panel(&panels[i], MARGIN + (int)(i % COLUMNS) * PANEL_WIDTH, y,
                   out);
        if (i % COLUMNS == COLUMNS - 1) {
            y += row_height(panels, count, i + 1 - COLUMNS);
        }
    }
    fputs("</svg>\n", out);
}

bool bench_plot(const bench_plan *plan, FILE *out)
{
    panel *const panels = bench_alloc(MAX_PANELS * sizeof *panels);
    const size_t count = collect(plan, panels);
    if (count > 0) {
        draw(panels, count, out);
    }
    free(panels);
    return count > 0;
}
