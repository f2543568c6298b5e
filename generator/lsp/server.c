/* The server: life cycle, dispatch of messages, and answers. */
#include "generator/lsp/server.h"

#include <stdlib.h>
#include <string.h>

#include "generator/lsp/feature.h"
#include "generator/lsp/frame.h"
#include "shmrpc/version.h"

/* Error codes of JSON-RPC and LSP. */
enum {
    ERROR_PARSE = -32700,
    ERROR_INVALID_REQUEST = -32600,
    ERROR_NO_METHOD = -32601,
    ERROR_PARAMS = -32602,
    ERROR_INTERNAL = -32603,
    ERROR_NOT_INITIALIZED = -32002
};

enum { MESSAGE_WARNING = 2 };
enum { SYNC_INCREMENTAL = 2 };

/* The client's messages only move the state forward. */
typedef enum state {
    WAITING,   /* for initialize */
    READY,     /* initialized */
    SHUT_DOWN, /* only exit may follow */
    ENDED
} state;

struct lsp_server {
    state state;
    bool ended_well;
    lsp_frames frames;
    lsp_workspace ws;
};

lsp_server *lsp_server_create(unsigned flags)
{
    lsp_server *server = calloc(1, sizeof *server);
    if (server != NULL) {
        lsp_frames_init(&server->frames);
        lsp_workspace_init(&server->ws);
        server->ws.no_disk = (flags & LSP_NO_DISK) != 0;
    }
    return server;
}

void lsp_server_destroy(lsp_server *server)
{
    if (server != NULL) {
        lsp_workspace_fini(&server->ws);
        lsp_frames_fini(&server->frames);
        free(server);
    }
}

void lsp_server_import_dir(lsp_server *server, const char *dir)
{
    lsp_workspace_import_dir(&server->ws, dir);
}

bool lsp_server_is_ended(const lsp_server *server)
{
    return server->state == ENDED;
}

bool lsp_server_ended_well(const lsp_server *server)
{
    return server->state == ENDED && server->ended_well;
}

/* ---- sending ---- */

typedef struct message {
    lsp_server *server;
    gen_tree *tree;
    const gen_value *id; /* NULL: a notification */
    const gen_value *params;
    shmrpci_buf *out;
} message;

static void send_value(gen_tree *tree, const gen_value *value, shmrpci_buf *out)
{
    shmrpci_buf json;
    shmrpci_buf_init_heap(&json);
    gen_print_json(value, &json);
    if (tree->out_of_memory || json.status != SHMRPC_OK) {
        shmrpci_buf_fail(out, SHMRPC_E_NO_MEMORY);
    } else {
        lsp_frame_append(out, &json);
    }
    shmrpci_buf_fini(&json);
}

static gen_value *envelope(gen_tree *tree)
{
    gen_value *value = gen_object(tree);
    gen_set(value, "jsonrpc", gen_string(tree, "2.0"));
    return value;
}

static gen_value *id_copy(const message *m)
{
    if (m->id != NULL && m->id->kind == GEN_KIND_NUMBER) {
        return gen_number(m->tree, m->id->text);
    }
    if (m->id != NULL && m->id->kind == GEN_KIND_STRING) {
        return gen_string_n(m->tree, m->id->text, m->id->len);
    }
    return gen_null(m->tree);
}

static void reply(const message *m, gen_value *result)
{
    gen_value *value = envelope(m->tree);
    gen_set(value, "id", id_copy(m));
    gen_set(value, "result", result != NULL ? result : gen_null(m->tree));
    send_value(m->tree, value, m->out);
}

static void reply_error(const message *m, int code, const char *text)
{
    gen_value *value = envelope(m->tree);
    gen_set(value, "id", id_copy(m));
    gen_value *error = gen_set(value, "error", gen_object(m->tree));
    gen_set(error, "code", gen_int(m->tree, code));
    gen_set(error, "message", gen_string(m->tree, text));
    send_value(m->tree, value, m->out);
}

static void notify(gen_tree *tree, const char *method, gen_value *params,
                   shmrpci_buf *out)
{
    gen_value *value = envelope(tree);
    gen_set(value, "method", gen_string(tree, method));
    gen_set(value, "params", params);
    send_value(tree, value, out);
}

static void warn(const message *m, const char *text)
{
    gen_value *params = gen_object(m->tree);
    gen_set(params, "type", gen_int(m->tree, MESSAGE_WARNING));
    gen_set(params, "message", gen_string(m->tree, text));
    notify(m->tree, "window/logMessage", params, m->out);
}

/* ---- life cycle ---- */

static bool offers_utf8(const gen_value *params)
{
    const gen_value *offered =
        lsp_get(params, "capabilities.general.positionEncodings");
    if (offered == NULL || offered->kind != GEN_KIND_ARRAY) {
        return false;
    }
    GEN_EACH(at, offered)
    {
        if (at->kind == GEN_KIND_STRING && strcmp(at->text, "utf-8") == 0) {
            return true;
        }
    }
    return false;
}

static void add_folder(message *m, const char *uri)
{
    const char *path =
        uri != NULL ? lsp_path_of_uri(&m->tree->arena, uri) : NULL;
    if (path != NULL && path[0] == '/') {
        lsp_workspace_import_dir(&m->server->ws, path);
    }
}

/* Adds the import folders that the client names, then its workspace folders. */
static void take_import_dirs(message *m)
{
    const gen_value *dirs =
        lsp_get(m->params, "initializationOptions.importDirs");
    const gen_value *folders = lsp_get(m->params, "workspaceFolders");
    if (dirs != NULL && dirs->kind == GEN_KIND_ARRAY) {
        GEN_EACH(at, dirs)
        {
            const char *dir = lsp_get_text(at, "");
            if (dir != NULL) {
                lsp_workspace_import_dir(&m->server->ws, dir);
            }
        }
    }
    if (folders != NULL && folders->kind == GEN_KIND_ARRAY) {
        GEN_EACH(at, folders)
        {
            add_folder(m, lsp_get_text(at, "uri"));
        }
    } else {
        add_folder(m, lsp_get_text(m->params, "rootUri"));
    }
}

static gen_value *capabilities(const message *m)
{
    gen_tree *tree = m->tree;
    gen_value *value = gen_object(tree);
    bool utf8 = m->server->ws.encoding == LSP_UTF8;
    gen_set(value, "positionEncoding",
            gen_string(tree, utf8 ? "utf-8" : "utf-16"));
    gen_value *sync = gen_set(value, "textDocumentSync", gen_object(tree));
    gen_set(sync, "openClose", gen_bool(tree, true));
    gen_set(sync, "change", gen_int(tree, SYNC_INCREMENTAL));
    gen_set(sync, "save", gen_bool(tree, true));
    static const char *const provided[] = {
        "hoverProvider", "definitionProvider", "referencesProvider",
        "documentSymbolProvider", "documentFormattingProvider"};
    for (size_t i = 0; i < sizeof provided / sizeof provided[0]; i++) {
        gen_set(value, provided[i], gen_bool(tree, true));
    }
    gen_value *completion =
        gen_set(value, "completionProvider", gen_object(tree));
    gen_value *triggers =
        gen_set(completion, "triggerCharacters", gen_array(tree));
    gen_push(triggers, gen_string(tree, "@"));
    gen_push(triggers, gen_string(tree, "."));
    gen_value *actions = gen_set(value, "codeActionProvider", gen_object(tree));
    gen_push(gen_set(actions, "codeActionKinds", gen_array(tree)),
             gen_string(tree, "quickfix"));
    return value;
}

static void initialize(message *m)
{
    if (m->server->state != WAITING) {
        reply_error(m, ERROR_INVALID_REQUEST, "initialized already");
        return;
    }
    m->server->ws.encoding = offers_utf8(m->params) ? LSP_UTF8 : LSP_UTF16;
    take_import_dirs(m);
    m->server->state = READY;
    gen_value *result = gen_object(m->tree);
    gen_set(result, "capabilities", capabilities(m));
    gen_value *info = gen_set(result, "serverInfo", gen_object(m->tree));
    gen_set(info, "name", gen_string(m->tree, "shmrpcgen"));
    gen_set(info, "version", gen_string(m->tree, SHMRPC_VERSION));
    reply(m, result);
}

static void shut_down(message *m)
{
    m->server->state = SHUT_DOWN;
    reply(m, NULL);
}

static void end(message *m)
{
    m->server->ended_well = m->server->state == SHUT_DOWN;
    m->server->state = ENDED;
}

static void ignore(message *m)
{
    (void)m;
}

/* ---- documents ---- */

static lsp_document *find_document(const message *m)
{
    const char *uri = lsp_get_text(m->params, "textDocument.uri");
    return uri != NULL ? lsp_find(&m->server->ws, &m->tree->arena, uri) : NULL;
}

static void warn_status(message *m, shmrpc_status status, const char *what)
{
    if (status == SHMRPC_E_NO_MEMORY) {
        shmrpci_buf_fail(m->out, status);
    } else if (status != SHMRPC_OK) {
        warn(m, what);
    }
}

static void did_open(message *m)
{
    const char *uri = lsp_get_text(m->params, "textDocument.uri");
    const gen_value *text = lsp_get(m->params, "textDocument.text");
    if (uri == NULL || text == NULL || text->kind != GEN_KIND_STRING) {
        warn(m, "didOpen without uri or text");
        return;
    }
    warn_status(m,
                lsp_open(&m->server->ws, uri, text,
                         lsp_get(m->params, "textDocument.version")),
                "too many documents are open, or they are too large");
}

static void did_change(message *m)
{
    lsp_document *document = find_document(m);
    if (document == NULL) {
        warn(m, "didChange of a document that isn't open");
        return;
    }
    warn_status(m,
                lsp_change(&m->server->ws, document,
                           lsp_get(m->params, "contentChanges"),
                           lsp_get(m->params, "textDocument.version")),
                "didChange can't be applied: malformed or too large");
}

static void did_close(message *m)
{
    lsp_document *document = find_document(m);
    if (document == NULL) {
        warn(m, "didClose of a document that isn't open");
        return;
    }
    lsp_context cx = {.ws = &m->server->ws, .tree = m->tree};
    document->version = NULL;
    notify(m->tree, "textDocument/publishDiagnostics",
           lsp_diagnostics(&cx, document, NULL), m->out);
    lsp_close(&m->server->ws, document);
}

/* Imports of open documents may have changed on disk: all analyses are
 * dropped. */
static void look_again(message *m)
{
    lsp_forget_all(&m->server->ws);
}

/* ---- requests ------------------------------------------------------------ */

typedef gen_value *question(lsp_context *cx, const lsp_query *query);

/* Finds the document of a request and its analysis. If that fails, sends an
 * answer and returns false. */
static bool make_query(message *m, lsp_query *query)
{
    query->params = m->params;
    query->document = find_document(m);
    if (query->document == NULL) {
        reply_error(m, ERROR_PARAMS, "the document isn't open");
        return false;
    }
    query->analysis = lsp_analyse(&m->server->ws, query->document);
    query->unit =
        query->analysis != NULL ? lsp_main_unit(query->analysis) : NULL;
    if (query->unit == NULL) { /* the file can't be analysed: its diagnostics
                                * say why */
        reply(m, NULL);
        return false;
    }
    return true;
}

static void ask(message *m, question *answer, bool needs_position)
{
    lsp_query query;
    if (!make_query(m, &query)) {
        return;
    }
    lsp_context cx = {.ws = &m->server->ws, .tree = m->tree};
    lsp_position position = {.line = 0};
    if (needs_position && !lsp_get_position(m->params, "position", &position)) {
        reply_error(m, ERROR_PARAMS, "no position");
        return;
    }
    const lsp_lines *lines = lsp_context_lines(&cx, query.unit->source);
    query.offset =
        lines != NULL ? lsp_offset_at(lines, position, cx.ws->encoding) : 0;
    reply(m, answer(&cx, &query));
}

static void hover(message *m)
{
    ask(m, lsp_hover, true);
}

static void definition(message *m)
{
    ask(m, lsp_definition, true);
}

static void references(message *m)
{
    ask(m, lsp_references, true);
}

static void completion(message *m)
{
    ask(m, lsp_completion, true);
}

static void symbols(message *m)
{
    ask(m, lsp_symbols, false);
}

static void formatting(message *m)
{
    ask(m, lsp_formatting, false);
}

static void actions(message *m)
{
    ask(m, lsp_actions, false);
}

/* ---- dispatch ---- */

typedef struct row {
    const char *method;
    bool is_request;
    void (*handle)(message *m);
} row;

static const row rows[] = {
    {"initialize", true, initialize},
    {"initialized", false, ignore},
    {"shutdown", true, shut_down},
    {"exit", false, end},
    {"textDocument/didOpen", false, did_open},
    {"textDocument/didChange", false, did_change},
    {"textDocument/didSave", false, look_again},
    {"textDocument/didClose", false, did_close},
    {"workspace/didChangeWatchedFiles", false, look_again},
    {"textDocument/hover", true, hover},
    {"textDocument/definition", true, definition},
    {"textDocument/references", true, references},
    {"textDocument/completion", true, completion},
    {"textDocument/documentSymbol", true, symbols},
    {"textDocument/formatting", true, formatting},
    {"textDocument/codeAction", true, actions},
};

static const row *find_row(const char *method, bool is_request)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].method, method) == 0) {
            return rows[i].is_request == is_request ? &rows[i] : NULL;
        }
    }
    return NULL;
}

/* Notifications that can't be handled are dropped, as the protocol requires. */
static void dispatch(message *m, const char *method)
{
    const row *found = find_row(method, m->id != NULL);
    state now = m->server->state;
    bool is_end = found != NULL && found->handle == end;
    bool is_begin = found != NULL && found->handle == initialize;
    if (is_end || (now == WAITING && is_begin) ||
        (now == READY && found != NULL)) {
        found->handle(m);
    } else if (m->id == NULL) {
        return;
    } else if (now == WAITING) {
        reply_error(m, ERROR_NOT_INITIALIZED, "initialize comes first");
    } else if (now == SHUT_DOWN) {
        reply_error(m, ERROR_INVALID_REQUEST, "the server was shut down");
    } else {
        reply_error(m, ERROR_NO_METHOD, "unknown method");
    }
}

static void handle(lsp_server *server, gen_tree *tree, const gen_value *value,
                   shmrpci_buf *out)
{
    message m = {.server = server,
                 .tree = tree,
                 .id = lsp_get(value, "id"),
                 .params = lsp_get(value, "params"),
                 .out = out};
    const char *method = lsp_get_text(value, "method");
    if (method != NULL) {
        dispatch(&m, method);
    } else if (lsp_get(value, "result") == NULL &&
               lsp_get(value, "error") == NULL) {
        reply_error(&m, ERROR_INVALID_REQUEST, "not a request");
    }
}

static void take_message(lsp_server *server, const char *text, size_t len,
                         shmrpci_buf *out)
{
    gen_tree tree;
    gen_value *value = NULL;
    size_t bad_offset = 0;
    gen_tree_init(&tree);
    shmrpc_status status = gen_read_json(&tree, text, len, &value, &bad_offset);
    if (status == SHMRPC_OK) {
        handle(server, &tree, value, out);
    } else if (status == SHMRPC_E_INVALID) {
        message m = {.server = server, .tree = &tree, .out = out};
        reply_error(&m, ERROR_PARSE,
                    "the message is not JSON, or it is too large");
    } else {
        shmrpci_buf_fail(out, status);
    }
    gen_tree_fini(&tree);
}

static void refuse_large(lsp_server *server, shmrpci_buf *out)
{
    gen_tree tree;
    gen_tree_init(&tree);
    message m = {.server = server, .tree = &tree, .out = out};
    reply_error(&m, ERROR_INVALID_REQUEST, "the message is too large");
    gen_tree_fini(&tree);
}

/* Runs after all received messages are handled, so that a document is analysed
 * once even if it changed several times. */
static void publish(lsp_server *server, shmrpci_buf *out)
{
    for (lsp_document *at = server->ws.first; at != NULL; at = at->next) {
        if (!at->unpublished) {
            continue;
        }
        gen_tree tree;
        gen_tree_init(&tree);
        lsp_context cx = {.ws = &server->ws, .tree = &tree};
        const lsp_analysis *analysis = lsp_analyse(&server->ws, at);
        notify(&tree, "textDocument/publishDiagnostics",
               lsp_diagnostics(&cx, at, analysis), out);
        gen_tree_fini(&tree);
        at->unpublished = false;
    }
}

shmrpc_status lsp_server_feed(lsp_server *server, const void *data, size_t len,
                              shmrpci_buf *out)
{
    const char *text = NULL;
    size_t text_len = 0;
    lsp_frame frame = LSP_FRAME_NONE;
    shmrpc_status status = lsp_frames_feed(&server->frames, data, len);
    while (status == SHMRPC_OK && server->state != ENDED &&
           (frame = lsp_frames_next(&server->frames, &text, &text_len)) !=
               LSP_FRAME_NONE) {
        if (frame == LSP_FRAME_MESSAGE) {
            take_message(server, text, text_len, out);
        } else if (frame == LSP_FRAME_TOO_LARGE) {
            refuse_large(server, out);
        } else {
            return SHMRPC_E_INVALID;
        }
        status = out->status;
    }
    if (status == SHMRPC_OK && server->state == READY) {
        publish(server, out);
        status = out->status;
    }
    return status;
}
