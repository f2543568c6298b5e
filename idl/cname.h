/*
 * Names in C: the one rule by which names of the language become C names.
 *
 *   package  acme.fts -> "fts"; acme.fts.v1 -> "fts_v1"; @c_prefix overrides
 *   type     acme.fts.DocKey -> fts_doc_key
 *   item     Order.DATE -> FTS_ORDER_DATE
 *   const    MAX_HITS -> FTS_MAX_HITS
 *   error    BadQuery -> FTS_ERR_BAD_QUERY, payload fts_bad_query
 *   service  Search -> fts_search; method find -> fts_search_find
 *   field    sampleRate -> sample_rate; class -> class_
 *   shared   jobs -> fts_jobs
 *
 * Words are split where lower case or a digit meets upper case, and before the
 * last capital of a run that a small letter follows (HTTPServer ->
 * http_server). A trailing underscore is added to words that C, C++ or the C
 * library's macros use, and to methods whose C name the generator needs for a
 * function of its own; @c_name replaces the last part.
 *
 * Threading: pure functions that append to a buffer.
 */
#ifndef IDL_CNAME_H
#define IDL_CNAME_H

#include "base/buf.h"
#include "idl/schema.h"

/* "DocKey" -> "doc_key". */
void idl_cname_snake(const char *name, shmrpci_buf *out);

/* "DocKey" -> "DOC_KEY". */
void idl_cname_upper(const char *name, shmrpci_buf *out);

/* Whether `name` is a keyword of C or C++, a macro of the C library, or a name
 * that generated code uses: `shmrpc`, or anything that begins with
 * `shmrpc_`. */
bool idl_cname_is_taken(const char *name);

/* Whether `name` can be a C name unchanged: letters, digits and single
 * underscores between them, beginning with a letter, and not taken. */
bool idl_cname_is_valid(const char *name);

/* Appends the C prefix of a package, such as "fts", without an underscore after
 * it; nothing for a package without a name. */
void idl_cname_prefix(const idl_package *package, shmrpci_buf *out);

/* Appends the name of a type, service or shared object: "fts_doc_key". */
void idl_cname_decl(const idl_decl *decl, shmrpci_buf *out);

/* The same in capitals, for constants: "FTS_MAX_HITS". */
void idl_cname_decl_upper(const idl_decl *decl, shmrpci_buf *out);

/* "FTS_ERR_BAD_QUERY". */
void idl_cname_error(const idl_decl *decl, shmrpci_buf *out);

/* "FTS_ORDER_DATE". */
void idl_cname_item(const idl_enum_item *item, shmrpci_buf *out);

/* Appends the name of a field or parameter: "sample_rate", "class_". */
void idl_cname_field(const idl_field *field, shmrpci_buf *out);

/* Appends the method's name without its service, as in the table of handlers:
 * "find", "close_". */
void idl_cname_method_part(const idl_method *method, shmrpci_buf *out);

/* "fts_search_find". */
void idl_cname_method(const idl_method *method, shmrpci_buf *out);

#endif
