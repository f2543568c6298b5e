/*
 * The grammar, for lemon.  Each action is one call that builds a node.
 *
 * Errors: before the driver (parse.c) feeds a token, it checks whether the
 * parser could shift it. If not, the driver reports an error and feeds BAD. No
 * rule contains BAD, so lemon pops its stack back to the innermost list. The
 * driver then skips to the end of the broken item and feeds SYNC.
 */
%name SvcParse
%token_prefix TK_
%token_type {idl_token}
%default_type {ast_list}
%extra_context {ast_builder *b}
%stack_size IDL_PARSER_STACK
%stack_overflow { b->overflow = true; }
%include {
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "idl/syntax/ast.h"
#include "idl/limits.h"
#include "idl/syntax/svcparse.h"
}
%token BAD.
%fallback IDENT OPTIONAL PORT NAME VERSION QUEUE TOPIC PIPE DICT VALUE STREAM
    ONEWAY THROWS RESERVED RAW JSON MSGPACK NATIVE TYPE ERROR LIST MAP PACKAGE
    IMPORT.

%type path {ast_name}
%type enumbase {ast_name}
%type pre {const ast_pre *}
%type value {ast_value *}
%type num {ast_value *}
%type tag {ast_value *}
%type dflt {ast_value *}
%type dim {ast_value *}
%type type {ast_type *}
%type bound {ast_bound *}
%type fields {ast_body *}
%type enumitems {ast_body *}
%type optlist {ast_body *}
%type opts {ast_body *}
%type field {ast_field *}
%type param {ast_field *}
%type opt {idl_token}
%type oneway {idl_token}
%type enc {idl_token}
%type ret {ast_result}
%type decl {ast_decl *}
%type item {ast_decl *}
%type shared {ast_decl *}

file ::= decls(D).                          { ast_file_end(b, D); }
decls(A) ::= .                              { A = ast_empty(); }
decls(A) ::= decls(L) pre(P) decl(D).       { A = ast_decl_add(L, P, D); }
decls(A) ::= decls(L) error SYNC.           { A = L; }

path(A) ::= IDENT(N).                       { A = ast_identifier(b, N); }
path(A) ::= path(P) DOT IDENT(N).           { A = ast_path_join(b, P, N); }

pre(A) ::= docs(D) annots(L).               { A = ast_pre_make(b, D, L); }
docs(A) ::= .                               { A = ast_empty(); }
docs(A) ::= docs(L) DOC(T).                 { A = ast_doc_add(b, L, T); }
annots(A) ::= .                             { A = ast_empty(); }
annots(A) ::= annots(L) AT(T) IDENT(N).     { A = ast_annotation_add(b, L, T, N, ast_empty()); }
annots(A) ::= annots(L) AT(T) IDENT(N) LP RP.
                                            { A = ast_annotation_add(b, L, T, N, ast_empty()); }
annots(A) ::= annots(L) AT(T) IDENT(N) LP args(V) RP.
                                            { A = ast_annotation_add(b, L, T, N, V); }
args(A) ::= value(V).                       { A = ast_arg_add(b, ast_empty(), ast_no_name(), V); }
args(A) ::= IDENT(N) COLON value(V).        { A = ast_arg_add(b, ast_empty(), ast_identifier(b, N), V); }
args(A) ::= args(L) COMMA value(V).         { A = ast_arg_add(b, L, ast_no_name(), V); }
args(A) ::= args(L) COMMA IDENT(N) COLON value(V).
                                            { A = ast_arg_add(b, L, ast_identifier(b, N), V); }

value(A) ::= INT(T).                        { A = ast_int(b, ast_no_token(), T); }
value(A) ::= MINUS(M) INT(T).               { A = ast_int(b, M, T); }
value(A) ::= FLOAT(T).                      { A = ast_float(b, ast_no_token(), T); }
value(A) ::= MINUS(M) FLOAT(T).             { A = ast_float(b, M, T); }
value(A) ::= STR(T).                        { A = ast_text(b, T); }
value(A) ::= DURATION(T).                   { A = ast_duration(b, T); }
value(A) ::= TRUE(T).                       { A = ast_bool(b, T); }
value(A) ::= FALSE(T).                      { A = ast_bool(b, T); }
value(A) ::= path(P).                       { A = ast_path_value(b, P); }

decl(A) ::= PACKAGE(W) path(P) SEMI.        { A = ast_package(b, W, P); }
decl(A) ::= IMPORT(W) STR(T) SEMI.          { A = ast_setting(b, AST_IMPORT, W, ast_text(b, T)); }
decl(A) ::= CONST(W) type(T) IDENT(N) EQ value(V) SEMI.
                                            { A = ast_const(b, W, T, N, V); }
decl(A) ::= TYPE(W) IDENT(N) EQ type(T) SEMI.
                                            { A = ast_alias(b, W, N, T); }
decl(A) ::= ENUM(W) IDENT(N) enumbase(B) LB enumitems(L) RB.
                                            { A = ast_enum(b, W, N, B, L); }
decl(A) ::= STRUCT(W) IDENT(N) LB fields(L) RB.
                                            { A = ast_record(b, AST_STRUCT, W, N, L); }
decl(A) ::= UNION(W) IDENT(N) LB fields(L) RB.
                                            { A = ast_record(b, AST_UNION, W, N, L); }
decl(A) ::= ERROR(W) IDENT(N) EQ value(V) LB fields(L) RB.
                                            { A = ast_error(b, W, N, V, L); }
decl(A) ::= ERROR(W) IDENT(N) EQ value(V) SEMI.
                                            { A = ast_error(b, W, N, V, NULL); }
decl(A) ::= SERVICE(W) IDENT(N) LB items(L) RB.
                                            { A = ast_service(b, W, N, L); }
decl(A) ::= shared(S).                      { A = S; }

enumbase(A) ::= .                           { A = ast_no_name(); }
enumbase(A) ::= COLON path(P).              { A = P; }
enumitems(A) ::= .                          { A = ast_body_make(b); }
enumitems(A) ::= enumitems(L) pre(P) IDENT(N) EQ value(V) SEMI.
                                            { A = ast_body_enum_item(b, L, P, N, V); }
enumitems(A) ::= enumitems(L) pre RESERVED reslist(R) SEMI.
                                            { A = ast_body_reserve(L, R); }
enumitems(A) ::= enumitems(L) error SYNC.   { A = L; }

reslist(A) ::= value(F).                    { A = ast_reserved_add(b, ast_empty(), F, F); }
reslist(A) ::= value(F) RANGE value(T).     { A = ast_reserved_add(b, ast_empty(), F, T); }
reslist(A) ::= reslist(L) COMMA value(F).   { A = ast_reserved_add(b, L, F, F); }
reslist(A) ::= reslist(L) COMMA value(F) RANGE value(T).
                                            { A = ast_reserved_add(b, L, F, T); }

fields(A) ::= .                             { A = ast_body_make(b); }
fields(A) ::= fields(L) pre(P) field(F) SEMI.
                                            { A = ast_body_field(L, P, F); }
fields(A) ::= fields(L) pre RESERVED reslist(R) SEMI.
                                            { A = ast_body_reserve(L, R); }
fields(A) ::= fields(L) error SYNC.         { A = L; }
field(A) ::= tag(G) opt(O) type(T) IDENT(N) dflt(V).
                                            { A = ast_field_make(b, G, O, T, N, V); }
tag(A) ::= .                                { A = NULL; }
tag(A) ::= INT(T) COLON.                    { A = ast_int(b, ast_no_token(), T); }
opt(A) ::= .                                { A = ast_no_token(); }
opt(A) ::= OPTIONAL(T).                     { A = T; }
dflt(A) ::= .                               { A = NULL; }
dflt(A) ::= EQ value(V).                    { A = V; }

type(A) ::= path(P) bound(B) dims(D).       { A = ast_type_name(b, P, B, D); }
type(A) ::= LIST(W) LT type(E) GT bound(B) dims(D).
                                            { A = ast_type_generic(b, W, NULL, E, B, D); }
type(A) ::= MAP(W) LT type(K) COMMA type(E) GT bound(B) dims(D).
                                            { A = ast_type_generic(b, W, K, E, B, D); }
bound(A) ::= .                              { A = NULL; }
bound(A) ::= LP(O) num(N) RP(C).            { A = ast_bound_make(b, O, N, N, C); }
bound(A) ::= LP(O) num(N) RANGE num(M) RP(C).
                                            { A = ast_bound_make(b, O, N, M, C); }
bound(A) ::= LP(O) num(N) RANGE RP(C).      { A = ast_bound_make(b, O, N, NULL, C); }
bound(A) ::= LP(O) RANGE num(M) RP(C).      { A = ast_bound_make(b, O, NULL, M, C); }
num(A) ::= INT(T).                          { A = ast_int(b, ast_no_token(), T); }
num(A) ::= MINUS(M) INT(T).                 { A = ast_int(b, M, T); }
num(A) ::= FLOAT(T).                        { A = ast_float(b, ast_no_token(), T); }
num(A) ::= MINUS(M) FLOAT(T).               { A = ast_float(b, M, T); }
num(A) ::= path(P).                         { A = ast_path_value(b, P); }
dims(A) ::= .                               { A = ast_empty(); }
dims(A) ::= dims(L) LBR dim(N) RBR.         { A = ast_dim_add(b, L, N); }
dim(A) ::= INT(T).                          { A = ast_int(b, ast_no_token(), T); }
dim(A) ::= path(P).                         { A = ast_path_value(b, P); }

items(A) ::= .                              { A = ast_empty(); }
items(A) ::= items(L) pre(P) item(D).       { A = ast_decl_add(L, P, D); }
items(A) ::= items(L) error SYNC.           { A = L; }
item(A) ::= PORT(W) INT(T) SEMI.            { A = ast_setting(b, AST_PORT, W, ast_int(b, ast_no_token(), T)); }
item(A) ::= NAME(W) STR(T) SEMI.            { A = ast_setting(b, AST_SERVICE_NAME, W, ast_text(b, T)); }
item(A) ::= VERSION(W) INT(T) SEMI.         { A = ast_setting(b, AST_VERSION, W, ast_int(b, ast_no_token(), T)); }
item(A) ::= shared(S).                      { A = S; }
item(A) ::= oneway(O) enc(E) IDENT(N) LP params(L) RP ret(R) throws(T) SEMI.
                                            { A = ast_method_decl(b, O, E, N, L, R, T); }
oneway(A) ::= .                             { A = ast_no_token(); }
oneway(A) ::= ONEWAY(T).                    { A = T; }
enc(A) ::= RAW(T).                          { A = T; }
enc(A) ::= JSON(T).                         { A = T; }
enc(A) ::= MSGPACK(T).                      { A = T; }
enc(A) ::= NATIVE(T).                       { A = T; }
params(A) ::= .                             { A = ast_empty(); }
params(A) ::= plist(L).                     { A = L; }
plist(A) ::= annots(L) param(F).            { A = ast_param_add(b, ast_empty(), L, F); }
plist(A) ::= plist(P) COMMA annots(L) param(F).
                                            { A = ast_param_add(b, P, L, F); }
param(A) ::= field(F).                      { A = F; }
param(A) ::= STREAM type(T) IDENT(N).       { A = ast_field_stream(b, T, N); }
ret(A) ::= .                                { A = ast_result_make(NULL, false); }
ret(A) ::= ARROW type(T).                   { A = ast_result_make(T, false); }
ret(A) ::= ARROW STREAM type(T).            { A = ast_result_make(T, true); }
throws(A) ::= .                             { A = ast_empty(); }
throws(A) ::= THROWS throwlist(L).          { A = L; }
throwlist(A) ::= path(P).                   { A = ast_throw_add(b, ast_empty(), P); }
throwlist(A) ::= throwlist(L) COMMA path(P).
                                            { A = ast_throw_add(b, L, P); }

shared(A) ::= QUEUE(W) type(T) IDENT(N) opts(O).
                                            { A = ast_shared(b, AST_QUEUE, W, NULL, T, N, O); }
shared(A) ::= TOPIC(W) type(T) IDENT(N) opts(O).
                                            { A = ast_shared(b, AST_TOPIC, W, NULL, T, N, O); }
shared(A) ::= DICT(W) LT type(K) COMMA type(T) GT IDENT(N) opts(O).
                                            { A = ast_shared(b, AST_DICT, W, K, T, N, O); }
shared(A) ::= VALUE(W) type(T) IDENT(N) opts(O).
                                            { A = ast_shared(b, AST_VALUE, W, NULL, T, N, O); }
shared(A) ::= PIPE(W) IDENT(N) opts(O).     { A = ast_shared(b, AST_PIPE, W, NULL, NULL, N, O); }
opts(A) ::= SEMI.                           { A = NULL; }
opts(A) ::= LB optlist(L) RB.               { A = L; }
optlist(A) ::= .                            { A = ast_body_make(b); }
optlist(A) ::= optlist(L) IDENT(N) value(V) SEMI.
                                            { A = ast_body_option(b, L, N, V); }
optlist(A) ::= optlist(L) error SYNC.       { A = L; }

%code {
/* A copy of the states on the parser's stack, on which tokens are tried. */
typedef struct trial {
    YYACTIONTYPE states[YYSTACKDEPTH];
    int top;
    bool fell_back; /* the last token was read as an identifier */
} trial;

/* Does what the parser would do for one token: reduces until it can shift. A
 * full stack is not an error here: the parser itself will find it. */
static bool try_token(trial *t, int kind)
{
    bool shifted = false;
    while (!shifted) {
        YYACTIONTYPE act =
            yy_find_shift_action((YYCODETYPE)kind, t->states[t->top]);
        if (act >= YY_MIN_REDUCE) {
            int rule = act - YY_MIN_REDUCE;
            t->top += yyRuleInfoNRhs[rule]; /* negative: pops the symbols */
            act = yy_find_reduce_action(t->states[t->top], yyRuleInfoLhs[rule]);
        } else if (act > YY_MAX_SHIFTREDUCE) {
            return act == YY_ACCEPT_ACTION;
        } else {
            t->fell_back =
                yy_lookahead[yy_shift_ofst[t->states[t->top]] + kind] != kind;
            if (act > YY_MAX_SHIFT) { /* as in yy_shift */
                act = (YYACTIONTYPE)(act + YY_MIN_REDUCE - YY_MIN_SHIFTREDUCE);
            }
            shifted = true;
        }
        if (t->top + 1 == YYSTACKDEPTH) {
            return true;
        }
        t->states[++t->top] = act;
    }
    return true;
}

static void begin_trial(trial *t, const yyParser *p)
{
    t->fell_back = false;
    t->top = (int)(p->yytos - p->yystack);
    for (int i = 0; i <= t->top; i++) {
        t->states[i] = p->yystack[i].stateno;
    }
}

bool svc_parse_expects(const void *parser, int kind)
{
    trial t;
    begin_trial(&t, parser);
    return try_token(&t, kind) && !t.fell_back;
}

bool svc_parse_accepts(const void *parser, const int *kinds, size_t count)
{
    trial t;
    begin_trial(&t, parser);
    for (size_t i = 0; i < count; i++) {
        if (!try_token(&t, kinds[i])) {
            return false;
        }
    }
    return true;
}

int svc_parse_kind_count(void)
{
    return YYNTOKEN;
}

size_t svc_parse_size(void)
{
    return sizeof(yyParser);
}
}
