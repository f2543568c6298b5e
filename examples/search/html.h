/*
 * HTML to text, for searching: not a browser. Tags are removed, blocks become
 * lines, entities become characters, white space is folded; scripts, styles and
 * comments are removed with their contents. Any bytes are accepted: unknown
 * entities stay as text, and an unclosed tag ends with the file.
 */
#ifndef SEARCH_HTML_H
#define SEARCH_HTML_H

#include <stddef.h>

/* Rewrites the NUL-terminated UTF-8 `html` in place. Returns the length of the
 * text, which is never longer than the HTML. `title` gets the content of
 * <title>, or "". */
size_t html_to_text(char *html, char *title, size_t title_room);

#endif
