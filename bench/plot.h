/*
 * A picture of the contests between calls: a panel for each contest and place,
 * a bar for each contestant, on a logarithmic axis.
 *
 * Threading: one thread.
 */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include <stdio.h>

#include "plan.h"

/* Writes an SVG of all "echo" contests that were run, for light and dark
 * displays. Returns false if none was run. */
bool bench_plot(const bench_plan *plan, FILE *out);

#endif
