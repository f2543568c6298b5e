/*
 * Declarations shared by the files of the commands dict and value: dict.c has
 * the verbs, dict_load.c those that move all entries at once.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_DICT_H
#define SHMRPC_TOOLS_DICT_H

#include "shmrpc/dict.h"
#include "tools/shmrpc/shared.h"

/* Opens a dict, or a value as a dict without keys. Prints errors. */
cli_exit cli_dict_open(cli_shared *shared, bool reads, shmrpc_dict **out);

/* Appends an entry of a dict as an object with key and value, or only its key
 * if `with_value` is false. Of a value only the value is appended. */
cli_exit cli_dict_append_entry(const cli_shared *shared, const void *key,
                               const void *value, bool with_value,
                               shmrpci_buf *out);

/* ---- dict_load.c: verbs ---------------------------------------------------
 */

cli_exit cli_dict_load(cli_shared *shared);
cli_exit cli_dict_snapshot(cli_shared *shared);
/* dump --salvage */
cli_exit cli_dict_salvage(cli_shared *shared);

#endif
