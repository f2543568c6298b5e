/*
 * The open documents and their analyses by the passes of the language.
 *
 * A document has the client's contents, not those on disk. Imports are read
 * from open documents if possible. A document is analysed on request, and again
 * only after it or one of its imports has changed.
 *
 * Invariants: documents are valid UTF-8 (they came in JSON); their number and
 * sizes are limited, and only the LSP_MAX_ANALYSES most recently used analyses
 * are kept.
 * Threading: one thread at a time; reading imports blocks on the disk.
 */
#ifndef SHMRPC_GENERATOR_LSP_WORKSPACE_H
#define SHMRPC_GENERATOR_LSP_WORKSPACE_H

#include "generator/lsp/json.h"
#include "idl/explore.h"

#define LSP_MAX_DOCUMENTS   256
#define LSP_MAX_TOTAL_BYTES ((size_t)64 << 20) /* over all documents */
#define LSP_MAX_ANALYSES    8
#define LSP_MAX_IMPORT_DIRS 64
#define LSP_MAX_CHANGES     1024 /* limits the scratch memory for one message */
#define LSP_MAX_TREE_BYTES  ((size_t)512 << 20)

typedef struct lsp_analysis {
    shmrpci_arena arena;
    idl_diags diags;
    idl_exploration found; /* source is NULL if memory ran out */
    uint64_t used;         /* `clock` at the last use, for dropping the
                            * oldest */
} lsp_analysis;

typedef struct lsp_document {
    struct lsp_document *next;
    char *uri; /* as the client wrote it */
    char *path;
    const char *version; /* the text of the number, or NULL */
    char version_text[24];
    shmrpci_buf text;
    lsp_analysis *analysis; /* NULL: none, or outdated */
    bool unpublished;       /* its diagnostics may have changed since they
                             * were published */
} lsp_document;

typedef struct lsp_workspace {
    lsp_document *first;
    size_t count;
    size_t total_bytes;
    size_t analysis_count;
    uint64_t clock; /* incremented on each use of an analysis */
    lsp_encoding encoding;
    const char *import_dirs[LSP_MAX_IMPORT_DIRS];
    size_t import_dir_count;
    shmrpci_arena arena; /* holds import_dirs */
    bool no_disk;        /* imports are read from open documents only */
} lsp_workspace;

void lsp_workspace_init(lsp_workspace *ws);
void lsp_workspace_fini(lsp_workspace *ws);

/* Adds an import folder, which is copied; folders over the limit are
 * ignored. */
void lsp_workspace_import_dir(lsp_workspace *ws, const char *dir);

lsp_document *lsp_find_path(const lsp_workspace *ws, const char *path);

/* Finds a document by URI, in any spelling; `scratch` is used for the
 * comparison. */
lsp_document *lsp_find(const lsp_workspace *ws, shmrpci_arena *scratch,
                       const char *uri);

/* Opens a document, or replaces its text. Returns TOO_LARGE if a limit is
 * reached, or NO_MEMORY. */
shmrpc_status lsp_open(lsp_workspace *ws, const char *uri,
                       const gen_value *text,
                       const gen_value *version) SHMRPC_WARN_UNUSED;

/* Applies LSP's contentChanges in order. Returns INVALID if one is malformed
 * (those before it have been applied), TOO_LARGE or NO_MEMORY. */
shmrpc_status lsp_change(lsp_workspace *ws, lsp_document *document,
                         const gen_value *changes,
                         const gen_value *version) SHMRPC_WARN_UNUSED;

void lsp_close(lsp_workspace *ws, lsp_document *document);

/* Drops all analyses, because something has changed on disk. */
void lsp_forget_all(lsp_workspace *ws);

/* The analysis of a document's current text; NULL if out of memory. It is valid
 * until the next change, or until LSP_MAX_ANALYSES other documents are
 * analysed. */
const lsp_analysis *lsp_analyse(lsp_workspace *ws, lsp_document *document);

#endif
