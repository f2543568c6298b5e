/*
 * OpenAPI 3.1: describes services in a JSON document that web tools can read.
 *
 * It describes how a service is called through shmrpc-web: /rpc/SERVICE/METHOD
 * and the paths of @rest.  One document may hold several services.  The schema
 * of a stream is that of one of its lines. Methods with streams in both
 * directions can't be called over HTTP: the service's tag lists their
 * signatures, as `x-shmrpc-streams`.
 *
 * Anything that JSON Schema can't express is in extension members: lengths of
 * strings in bytes are in `x-shmrpc-bytes`, since JSON Schema counts
 * characters.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_OPENAPI_H
#define SHMRPC_GENERATOR_OPENAPI_H

#include "generator/value.h"
#include "idl/schema.h"

typedef struct gen_openapi {
    gen_tree *tree;
    gen_value *root; /* the document */
    gen_value *tags;
    gen_value *paths;
    gen_value *schemas;
    /* The service being added. */
    const char *prefix;
} gen_openapi;

typedef struct gen_openapi_info {
    const char *generator; /* the member that names the source file, or NULL */
    const char *title;
    const char *version;
    const idl_docs *docs; /* or NULL */
    const char *server;   /* address of shmrpc-web: "http://127.0.0.1:5155" */
} gen_openapi_info;

/* Begins a document in `tree`, which also records that memory ran out. */
void gen_openapi_begin(gen_openapi *o, gen_tree *tree,
                       const gen_openapi_info *info);

/* Adds a service that is known as `name` ("echo_serv@two"). The names of its
 * types get `prefix` in front, so that types of several services don't clash.
 * The schema must outlive the tree. */
void gen_openapi_add(gen_openapi *o, const idl_service *service,
                     const char *name, const char *prefix);

#endif
