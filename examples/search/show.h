/* Documents and hits on a terminal, or in a pipe. */
#ifndef SEARCH_SHOW_H
#define SEARCH_SHOW_H

#include "search_client.h"

/* Title, path, and the snippet with its matches bold, or in [brackets] when
 * the output is no terminal. */
void show_hit(unsigned long number, const search_hit *hit);

void show_document(const search_document *document);

#endif
