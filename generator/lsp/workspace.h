/*
 * The open documents and their analyses by the passes of the language.
 *
 * A document has the client's contents, not those on disk; imports are read
 * from open documents first. It is analysed when someone asks, and again only
 * after it or something that it imports has changed.
 *
 * Invariants: documents are valid UTF-8 (they came in JSON); their number and
 * sizes have limits, and only the LSP_MAX_ANALYSES used last keep their trees.
 * Threading: one thread at a time; reading imports blocks on the disk.
 */
#ifndef SHMRPC_GENERATOR_LSP_WORKSPACE_H
#define SHMRPC_GENERATOR_LSP_WORKSPACE_H

#include "generator/lsp/json.h"
#include "idl/explore.h"

#define LSP_MAX_DOCUMENTS   256
#define LSP_MAX_TOTAL_BYTES ((size_t)64 << 20) /* of all documents */
#define LSP_MAX_ANALYSES    8
#define LSP_MAX_IMPORT_DIRS 64
#define LSP_MAX_CHANGES     1024 /* scratch memory for one message */
#define LSP_MAX_TREE_BYTES  ((size_t)512 << 20)

typedef struct lsp_analysis {
    shmrpci_arena arena;
    idl_diags diags;
    idl_exploration found; /* source is NULL when there was no memory */
    uint64_t used;         /* when last, for dropping the oldest */
} lsp_analysis;

typedef struct lsp_document {
    struct lsp_document *next;
    char *uri; /* as the client writes it */
    char *path;
    const char *version; /* the number's text, or NULL */
    char version_text[24];
    shmrpci_buf text;
    lsp_analysis *analysis; /* NULL: none, or out of date */
    bool unpublished;       /* its diagnostics may have changed */
} lsp_document;

typedef struct lsp_workspace {
    lsp_document *first;
    size_t count;
    size_t total_bytes;
    size_t analysis_count;
    uint64_t clock; /* counts uses */
    lsp_encoding encoding;
    const char *import_dirs[LSP_MAX_IMPORT_DIRS];
    size_t import_dir_count;
    shmrpci_arena arena; /* of import_dirs */
    bool no_disk;        /* read open documents only */
} lsp_workspace;

void lsp_workspace_init(lsp_workspace *ws);
void lsp_workspace_fini(lsp_workspace *ws);

/* The folder is copied; those over the limit are left out. */
void lsp_workspace_import_dir(lsp_workspace *ws, const char *dir);

lsp_document *lsp_find_path(const lsp_workspace *ws, const char *path);

/* By URI, in the client's spelling or any other; `scratch` is for the
 * comparison. */
lsp_document *lsp_find(const lsp_workspace *ws, shmrpci_arena *scratch,
                       const char *uri);

/* Opens or replaces.  TOO_LARGE: a limit is reached; NO_MEMORY. */
shmrpc_status lsp_open(lsp_workspace *ws, const char *uri,
                       const gen_value *text,
                       const gen_value *version) SHMRPC_WARN_UNUSED;

/* Applies LSP's contentChanges in order.  INVALID: they aren't such, and what
 * stands before the first bad one is applied; TOO_LARGE; NO_MEMORY. */
shmrpc_status lsp_change(lsp_workspace *ws, lsp_document *document,
                         const gen_value *changes,
                         const gen_value *version) SHMRPC_WARN_UNUSED;

void lsp_close(lsp_workspace *ws, lsp_document *document);

/* All documents may be out of date: something has changed on disk. */
void lsp_forget_all(lsp_workspace *ws);

/* The analysis of a document's present text; NULL without memory. It is valid
 * until the next change, or until LSP_MAX_ANALYSES other documents were
 * analysed. */
const lsp_analysis *lsp_analyse(lsp_workspace *ws, lsp_document *document);

#endif
