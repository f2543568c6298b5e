/* Shows documents and hits on a terminal or in a pipe. */
#ifndef SEARCH_SHOW_H
#define SEARCH_SHOW_H

#include "search_client.h"

/* Shows title, path, and the snippet, with matches in bold, or in [brackets] if
 * the output is not a terminal. */
void show_hit(unsigned long number, const search_hit *hit);

void show_document(const search_document *document);

#endif
