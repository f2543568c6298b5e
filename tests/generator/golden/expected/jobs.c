/*
 * Tables of jobs.svc, made by shmrpcgen: edit that file instead.
 * Threading: constant data.
 */
#include "jobs.h"

#include <shmrpc/shared_stub.h>

static const jobs_v1_level job_level_default = JOBS_V1_LEVEL_HIGH;

static const shmrpc_enumerator level_names[] = {
    {"LOW", 0, NULL},
    {"HIGH", 7, NULL},
};

const shmrpc_type jobs_v1_level_descriptor =
    SHMRPC_TYPE_ENUM_INIT(jobs_v1_level, 1, "acme.jobs.v1.Level", NULL,
                          &shmrpc_type_u8, level_names);

static const shmrpc_type job_text_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 1000);

static const shmrpc_type jobs_v1_level_list_type =
    SHMRPC_TYPE_LIST_INIT(jobs_v1_level_list, jobs_v1_level, 0, 0, 0,
                          &jobs_v1_level_descriptor);

static const shmrpc_type key_place_type =
    SHMRPC_TYPE_ARRAY_INIT(uint32_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 8, 4,
                           2, &shmrpc_type_u32);

static const shmrpc_type quads_item_type =
    SHMRPC_TYPE_ARRAY_INIT(uint8_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 4, 1,
                           4, &shmrpc_type_u8);

static const shmrpc_type lines_item_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 64);

static const shmrpc_type jobs_v1_job_list_type =
    SHMRPC_TYPE_LIST_INIT(jobs_v1_job_list, jobs_v1_job, 0, 0, 0,
                          &jobs_v1_job_descriptor);

static const shmrpc_type maps_item_type =
    SHMRPC_TYPE_MAP_INIT(jobs_v1_maps_item, jobs_v1_maps_item_entry, 0, 0, 0,
                         &shmrpc_type_string, &shmrpc_type_u64);

static const shmrpc_type jobs_key_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 64);

static const shmrpc_type arrays_item_type =
    SHMRPC_TYPE_ARRAY_INIT(uint8_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 3, 1,
                           3, &shmrpc_type_u8);

static const shmrpc_type counts_item_type =
    SHMRPC_TYPE_MAP_INIT(jobs_v1_counts_item, jobs_v1_counts_item_entry, 0, 0,
                         0, &shmrpc_type_string, &shmrpc_type_u64);

static const shmrpc_type marks_item_type =
    SHMRPC_TYPE_LIST_INIT(shmrpc_u32_list, uint32_t, SHMRPC_TYPE_BOUNDED, 1, 4,
                          &shmrpc_type_u32);

static const shmrpc_field job_fields[] = {
    SHMRPC_FIELD_INIT(1, "id", &shmrpc_type_u64, jobs_v1_job, id, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(2, "text", &job_text_type, jobs_v1_job, text, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(3, "levels", &jobs_v1_level_list_type, jobs_v1_job,
                      levels, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(4, "level", &jobs_v1_level_descriptor, jobs_v1_job, level,
                      0, &job_level_default, NULL),
};

const shmrpc_type jobs_v1_job_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(jobs_v1_job, 0, 32, 8, "acme.jobs.v1.Job",
                            "What is to be done.", job_fields);

static const shmrpc_field flat_fields[] = {
    SHMRPC_FIELD_INIT(1, "a", &shmrpc_type_u64, jobs_v1_flat, a, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "b", &shmrpc_type_u64, jobs_v1_flat, b, 0, NULL, NULL),
};

const shmrpc_type jobs_v1_flat_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(jobs_v1_flat, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED,
                            16, 8, "acme.jobs.v1.Flat", NULL, flat_fields);

static const shmrpc_field key_fields[] = {
    SHMRPC_FIELD_INIT(1, "id", &shmrpc_type_u64, jobs_v1_key, id, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(2, "place", &key_place_type, jobs_v1_key, place, 0, NULL,
                      NULL),
};

const shmrpc_type jobs_v1_key_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(jobs_v1_key, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED,
                            16, 8, "acme.jobs.v1.Key", NULL, key_fields);

static const shmrpc_field fixed_fields[] = {
    SHMRPC_FIELD_INIT(1, "id", &shmrpc_type_u64, jobs_v1_fixed, id, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(2, "set", &shmrpc_type_bool, jobs_v1_fixed, set, 0, NULL,
                      NULL),
};

const shmrpc_type jobs_v1_fixed_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(jobs_v1_fixed, SHMRPC_TYPE_FIXED, 16, 8,
                            "acme.jobs.v1.Fixed", NULL, fixed_fields);

/* The .svc of acme.jobs.v1.flat, which is stored in the object's file for
 * tools. */
static const char *const flat_text[] = {
    "package acme.jobs.v1;\n",
    "struct Flat {\n",
    "  1: u64 a;\n",
    "  2: u64 b;\n",
    "}\n",
    "  /// Called like what it holds.\n",
    "  queue acme.jobs.v1.Flat flat { }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.work, which is stored in the object's file for
 * tools. */
static const char *const work_text[] = {
    "package acme.jobs.v1;\n",
    "/// What is to be done.\n",
    "struct Job {\n",
    "  1: u64 id;\n",
    "  2: string(..1000) text;\n",
    "  3: list<acme.jobs.v1.Level> levels;\n",
    "  4: acme.jobs.v1.Level level = HIGH;\n",
    "}\n",
    "enum Level : u8 {\n",
    "  LOW = 0;\n",
    "  HIGH = 7;\n",
    "}\n",
    "  /// Work to do.\n",
    "  /// Nothing of it gets lost.\n",
    "  queue acme.jobs.v1.Job work { capacity 64; order ",
    "total; delivery acked; mode \"0660\"; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.points, which is stored in the object's file for
 * tools. */
static const char *const points_text[] = {
    "package acme.jobs.v1;\n",
    "struct Flat {\n",
    "  1: u64 a;\n",
    "  2: u64 b;\n",
    "}\n",
    "  queue acme.jobs.v1.Flat points { max_bytes 4194304; ",
    "overflow drop_oldest; lifetime last_close; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.things, which is stored in the object's file for
 * tools. */
static const char *const things_text[] = {
    "package acme.jobs.v1;\n",
    "  queue any things { overflow fail; encoding json; ",
    "lifetime creator; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.quads, which is stored in the object's file for
 * tools. */
static const char *const quads_text[] = {
    "package acme.jobs.v1;\n",
    "  queue u8[4] quads { }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.lines, which is stored in the object's file for
 * tools. */
static const char *const lines_text[] = {
    "package acme.jobs.v1;\n",
    "  queue string(..64) lines { overflow drop_newest; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.batches, which is stored in the object's file for
 * tools. */
static const char *const batches_text[] = {
    "package acme.jobs.v1;\n",
    "/// What is to be done.\n",
    "struct Job {\n",
    "  1: u64 id;\n",
    "  2: string(..1000) text;\n",
    "  3: list<acme.jobs.v1.Level> levels;\n",
    "  4: acme.jobs.v1.Level level = HIGH;\n",
    "}\n",
    "enum Level : u8 {\n",
    "  LOW = 0;\n",
    "  HIGH = 7;\n",
    "}\n",
    "  queue list<acme.jobs.v1.Job> batches { encoding ",
    "msgpack; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.maps, which is stored in the object's file for
 * tools. */
static const char *const maps_text[] = {
    "package acme.jobs.v1;\n",
    "  queue map<string, u64> maps { }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.blobs, which is stored in the object's file for
 * tools. */
static const char *const blobs_text[] = {
    "package acme.jobs.v1;\n",
    "  queue bytes blobs { max_bytes 67108864; encoding raw; ",
    "}\n",
    NULL,
};

/* The .svc of acme.jobs.v1.levels, which is stored in the object's file for
 * tools. */
static const char *const levels_text[] = {
    "package acme.jobs.v1;\n",
    "enum Level : u8 {\n",
    "  LOW = 0;\n",
    "  HIGH = 7;\n",
    "}\n",
    "  queue acme.jobs.v1.Level levels { }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.documents, which is stored in the object's file for
 * tools. */
static const char *const documents_text[] = {
    "package acme.jobs.v1;\n",
    "package acme.common;\n",
    "/// What other packages share.\n",
    "struct Document {\n",
    "  1: u64 id;\n",
    "  2: string title;\n",
    "}\n",
    "package acme.jobs.v1;\n",
    "  queue acme.common.Document documents { }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.jobs, which is stored in the object's file for
 * tools. */
static const char *const jobs_text[] = {
    "package acme.jobs.v1;\n",
    "/// What is to be done.\n",
    "struct Job {\n",
    "  1: u64 id;\n",
    "  2: string(..1000) text;\n",
    "  3: list<acme.jobs.v1.Level> levels;\n",
    "  4: acme.jobs.v1.Level level = HIGH;\n",
    "}\n",
    "enum Level : u8 {\n",
    "  LOW = 0;\n",
    "  HIGH = 7;\n",
    "}\n",
    "  /// Jobs by name.\n",
    "  dict<string(..64), acme.jobs.v1.Job> jobs { max_bytes ",
    "16777216; log 4096; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.fixed, which is stored in the object's file for
 * tools. */
static const char *const fixed_text[] = {
    "package acme.jobs.v1;\n",
    "struct Fixed {\n",
    "  1: u64 id;\n",
    "  2: bool set;\n",
    "}\n",
    "  dict<u64, acme.jobs.v1.Fixed> fixed { capacity 10; ",
    "mode \"0644\"; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.deep, which is stored in the object's file for
 * tools. */
static const char *const deep_text[] = {
    "package acme.jobs.v1;\n",
    "/// What is to be done.\n",
    "struct Job {\n",
    "  1: u64 id;\n",
    "  2: string(..1000) text;\n",
    "  3: list<acme.jobs.v1.Level> levels;\n",
    "  4: acme.jobs.v1.Level level = HIGH;\n",
    "}\n",
    "struct Key {\n",
    "  1: u64 id;\n",
    "  2: u32[2] place;\n",
    "}\n",
    "enum Level : u8 {\n",
    "  LOW = 0;\n",
    "  HIGH = 7;\n",
    "}\n",
    "  dict<acme.jobs.v1.Key, list<acme.jobs.v1.Job>> deep { ",
    "}\n",
    NULL,
};

/* The .svc of acme.jobs.v1.wild, which is stored in the object's file for
 * tools. */
static const char *const wild_text[] = {
    "package acme.jobs.v1;\n",
    "  dict<any, any> wild { encoding json; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.arrays, which is stored in the object's file for
 * tools. */
static const char *const arrays_text[] = {
    "package acme.jobs.v1;\n",
    "  dict<bytes, u8[3]> arrays { }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.counts, which is stored in the object's file for
 * tools. */
static const char *const counts_text[] = {
    "package acme.jobs.v1;\n",
    "enum Level : u8 {\n",
    "  LOW = 0;\n",
    "  HIGH = 7;\n",
    "}\n",
    "  dict<acme.jobs.v1.Level, map<string, u64>> counts { ",
    "encoding msgpack; snapshot 1m; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.news, which is stored in the object's file for
 * tools. */
static const char *const news_text[] = {
    "package acme.jobs.v1;\n",
    "/// What is to be done.\n",
    "struct Job {\n",
    "  1: u64 id;\n",
    "  2: string(..1000) text;\n",
    "  3: list<acme.jobs.v1.Level> levels;\n",
    "  4: acme.jobs.v1.Level level = HIGH;\n",
    "}\n",
    "enum Level : u8 {\n",
    "  LOW = 0;\n",
    "  HIGH = 7;\n",
    "}\n",
    "  /// What has happened.\n",
    "  topic acme.jobs.v1.Job news { max_bytes 16777216; ",
    "overflow block; max_stall 2s; history 5; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.levels_seen, which is stored in the object's file
 * for tools. */
static const char *const levels_seen_text[] = {
    "package acme.jobs.v1;\n",
    "enum Level : u8 {\n",
    "  LOW = 0;\n",
    "  HIGH = 7;\n",
    "}\n",
    "  topic acme.jobs.v1.Level levels_seen { overflow drop; ",
    "mode \"0664\"; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.talk, which is stored in the object's file for
 * tools. */
static const char *const talk_text[] = {
    "package acme.jobs.v1;\n",
    "  topic any talk { lifetime creator; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.sound, which is stored in the object's file for
 * tools. */
static const char *const sound_text[] = {
    "package acme.jobs.v1;\n",
    "  /// Sound, as it is.\n",
    "  pipe sound { max_bytes 1048576; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.config, which is stored in the object's file for
 * tools. */
static const char *const config_text[] = {
    "package acme.jobs.v1;\n",
    "  value any config { log 8; snapshot 1m; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.current, which is stored in the object's file for
 * tools. */
static const char *const current_text[] = {
    "package acme.jobs.v1;\n",
    "/// What is to be done.\n",
    "struct Job {\n",
    "  1: u64 id;\n",
    "  2: string(..1000) text;\n",
    "  3: list<acme.jobs.v1.Level> levels;\n",
    "  4: acme.jobs.v1.Level level = HIGH;\n",
    "}\n",
    "enum Level : u8 {\n",
    "  LOW = 0;\n",
    "  HIGH = 7;\n",
    "}\n",
    "  value acme.jobs.v1.Job current { }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.state, which is stored in the object's file for
 * tools. */
static const char *const state_text[] = {
    "package acme.jobs.v1;\n",
    "struct Fixed {\n",
    "  1: u64 id;\n",
    "  2: bool set;\n",
    "}\n",
    "  value acme.jobs.v1.Fixed state { mode \"0660\"; }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.recent, which is stored in the object's file for
 * tools. */
static const char *const recent_text[] = {
    "package acme.jobs.v1;\n",
    "/// What is to be done.\n",
    "struct Job {\n",
    "  1: u64 id;\n",
    "  2: string(..1000) text;\n",
    "  3: list<acme.jobs.v1.Level> levels;\n",
    "  4: acme.jobs.v1.Level level = HIGH;\n",
    "}\n",
    "enum Level : u8 {\n",
    "  LOW = 0;\n",
    "  HIGH = 7;\n",
    "}\n",
    "  value list<acme.jobs.v1.Job> recent { encoding json; ",
    "}\n",
    NULL,
};

/* The .svc of acme.jobs.v1.past, which is stored in the object's file for
 * tools. */
static const char *const past_text[] = {
    "package acme.jobs.v1;\n",
    "/// What is to be done.\n",
    "struct Job {\n",
    "  1: u64 id;\n",
    "  2: string(..1000) text;\n",
    "  3: list<acme.jobs.v1.Level> levels;\n",
    "  4: acme.jobs.v1.Level level = HIGH;\n",
    "}\n",
    "enum Level : u8 {\n",
    "  LOW = 0;\n",
    "  HIGH = 7;\n",
    "}\n",
    "  value list<acme.jobs.v1.Job> past { }\n",
    NULL,
};

/* The .svc of acme.jobs.v1.marks, which is stored in the object's file for
 * tools. */
static const char *const marks_text[] = {
    "package acme.jobs.v1;\n",
    "  value list<u32>(1..4) marks { }\n",
    NULL,
};

const shmrpc_shared jobs_v1_flat_queue_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_QUEUE,
    "acme.jobs.v1.flat", SHMRPC_ENCODING_NATIVE, 0,
    NULL, &jobs_v1_flat_descriptor,
    UINT64_C(0xcfcbd68ff02eba83), "queue acme.jobs.v1.Flat", flat_text,
    "Called like what it holds.",
    1024, /* capacity */
    0, /* max_bytes */
    32, /* max_item_bytes */
    0, /* history */
    0, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_BLOCK, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_work_queue_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_QUEUE,
    "acme.jobs.v1.work", SHMRPC_ENCODING_NATIVE,
    SHMRPC_SHARED_TOTAL_ORDER | SHMRPC_SHARED_ACKED,
    NULL, &jobs_v1_job_descriptor,
    UINT64_C(0xaff52c105a92b514), "queue acme.jobs.v1.Job", work_text,
    "Work to do.\nNothing of it gets lost.",
    64, /* capacity */
    0, /* max_bytes */
    262144, /* max_item_bytes */
    0, /* history */
    0, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_BLOCK, SHMRPC_LIFETIME_FILE, 0660, {0},
};

const shmrpc_shared jobs_v1_points_queue_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_QUEUE,
    "acme.jobs.v1.points", SHMRPC_ENCODING_NATIVE, 0,
    NULL, &jobs_v1_flat_descriptor,
    UINT64_C(0xcfcbd68ff02eba83), "queue acme.jobs.v1.Flat", points_text,
    NULL,
    1024, /* capacity */
    4194304, /* max_bytes */
    32, /* max_item_bytes */
    0, /* history */
    0, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DROP_OLDEST, SHMRPC_LIFETIME_LAST_CLOSE, 0600, {0},
};

const shmrpc_shared jobs_v1_things_queue_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_QUEUE,
    "acme.jobs.v1.things", SHMRPC_ENCODING_JSON, 0,
    NULL, &shmrpc_type_any,
    UINT64_C(0x2065d05203f9809f), "queue any", things_text,
    NULL,
    1024, /* capacity */
    0, /* max_bytes */
    262144, /* max_item_bytes */
    0, /* history */
    0, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_FAIL, SHMRPC_LIFETIME_CREATOR, 0600, {0},
};

const shmrpc_shared jobs_v1_quads_queue_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_QUEUE,
    "acme.jobs.v1.quads", SHMRPC_ENCODING_NATIVE, 0,
    NULL, &quads_item_type,
    UINT64_C(0x5aa55f94ca54dd02), "queue u8[4]", quads_text,
    NULL,
    1024, /* capacity */
    0, /* max_bytes */
    20, /* max_item_bytes */
    0, /* history */
    0, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_BLOCK, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_lines_queue_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_QUEUE,
    "acme.jobs.v1.lines", SHMRPC_ENCODING_NATIVE, 0,
    NULL, &lines_item_type,
    UINT64_C(0xf4ed3582f2fc4c3f), "queue string(..64)", lines_text,
    NULL,
    1024, /* capacity */
    0, /* max_bytes */
    96, /* max_item_bytes */
    0, /* history */
    0, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DROP_NEWEST, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_batches_queue_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_QUEUE,
    "acme.jobs.v1.batches", SHMRPC_ENCODING_MSGPACK, 0,
    NULL, &jobs_v1_job_list_type,
    UINT64_C(0x950ba2464bedfa71), "queue list<acme.jobs.v1.Job>", batches_text,
    NULL,
    1024, /* capacity */
    0, /* max_bytes */
    262144, /* max_item_bytes */
    0, /* history */
    0, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_BLOCK, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_maps_queue_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_QUEUE,
    "acme.jobs.v1.maps", SHMRPC_ENCODING_NATIVE, 0,
    NULL, &maps_item_type,
    UINT64_C(0xe23e43dc0ea3024f), "queue map<string, u64>", maps_text,
    NULL,
    1024, /* capacity */
    0, /* max_bytes */
    262144, /* max_item_bytes */
    0, /* history */
    0, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_BLOCK, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_blobs_queue_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_QUEUE,
    "acme.jobs.v1.blobs", SHMRPC_ENCODING_RAW, 0,
    NULL, &shmrpc_type_bytes,
    UINT64_C(0x519389e7940f5be6), "queue bytes", blobs_text,
    NULL,
    1024, /* capacity */
    67108864, /* max_bytes */
    8388544, /* max_item_bytes */
    0, /* history */
    0, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_BLOCK, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_levels_queue_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_QUEUE,
    "acme.jobs.v1.levels", SHMRPC_ENCODING_NATIVE, 0,
    NULL, &jobs_v1_level_descriptor,
    UINT64_C(0x53a92e19b5e362bc), "queue acme.jobs.v1.Level", levels_text,
    NULL,
    1024, /* capacity */
    0, /* max_bytes */
    17, /* max_item_bytes */
    0, /* history */
    0, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_BLOCK, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_documents_queue_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_QUEUE,
    "acme.jobs.v1.documents", SHMRPC_ENCODING_NATIVE, 0,
    NULL, &common_document_descriptor,
    UINT64_C(0x02148bb33d989213), "queue acme.common.Document", documents_text,
    NULL,
    1024, /* capacity */
    0, /* max_bytes */
    262144, /* max_item_bytes */
    0, /* history */
    0, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_BLOCK, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_jobs_dict_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_DICT,
    "acme.jobs.v1.jobs", SHMRPC_ENCODING_NATIVE, 0,
    &jobs_key_type, &jobs_v1_job_descriptor,
    UINT64_C(0xa34d9a05d46e19d2), "dict<string(..64), acme.jobs.v1.Job>",
    jobs_text,
    "Jobs by name.",
    0, /* capacity */
    16777216, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    4096, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_fixed_dict_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_DICT,
    "acme.jobs.v1.fixed", SHMRPC_ENCODING_NATIVE, 0,
    &shmrpc_type_u64, &jobs_v1_fixed_descriptor,
    UINT64_C(0xd4cea3c43a2d10de), "dict<u64, acme.jobs.v1.Fixed>", fixed_text,
    NULL,
    10, /* capacity */
    1073741824, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    1024, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0644, {0},
};

const shmrpc_shared jobs_v1_deep_dict_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_DICT,
    "acme.jobs.v1.deep", SHMRPC_ENCODING_NATIVE, 0,
    &jobs_v1_key_descriptor, &jobs_v1_job_list_type,
    UINT64_C(0x9a1ec599b835d6ef),
    "dict<acme.jobs.v1.Key, list<acme.jobs.v1.Job>>", deep_text,
    NULL,
    0, /* capacity */
    1073741824, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    1024, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_wild_dict_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_DICT,
    "acme.jobs.v1.wild", SHMRPC_ENCODING_JSON, 0,
    &shmrpc_type_any, &shmrpc_type_any,
    UINT64_C(0x455abe9f20bd357b), "dict<any, any>", wild_text,
    NULL,
    0, /* capacity */
    1073741824, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    1024, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_arrays_dict_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_DICT,
    "acme.jobs.v1.arrays", SHMRPC_ENCODING_NATIVE, 0,
    &shmrpc_type_bytes, &arrays_item_type,
    UINT64_C(0xc67864d941f1bc16), "dict<bytes, u8[3]>", arrays_text,
    NULL,
    0, /* capacity */
    1073741824, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    1024, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_counts_dict_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_DICT,
    "acme.jobs.v1.counts", SHMRPC_ENCODING_MSGPACK, 0,
    &jobs_v1_level_descriptor, &counts_item_type,
    UINT64_C(0x3155c8760b172ef6), "dict<acme.jobs.v1.Level, map<string, u64>>",
    counts_text,
    NULL,
    0, /* capacity */
    1073741824, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    1024, /* log */
    0, /* max_stall */
    60000000000, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_news_topic_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_TOPIC,
    "acme.jobs.v1.news", SHMRPC_ENCODING_NATIVE, 0,
    NULL, &jobs_v1_job_descriptor,
    UINT64_C(0x9cf319b350270662), "topic acme.jobs.v1.Job", news_text,
    "What has happened.",
    0, /* capacity */
    16777216, /* max_bytes */
    1048512, /* max_item_bytes */
    5, /* history */
    0, /* log */
    2000000000, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_BLOCK, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_levels_seen_topic_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_TOPIC,
    "acme.jobs.v1.levels_seen", SHMRPC_ENCODING_NATIVE, 0,
    NULL, &jobs_v1_level_descriptor,
    UINT64_C(0x05ea6e9839987a74), "topic acme.jobs.v1.Level", levels_seen_text,
    NULL,
    0, /* capacity */
    0, /* max_bytes */
    17, /* max_item_bytes */
    0, /* history */
    0, /* log */
    100000000, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DROP_NEWEST, SHMRPC_LIFETIME_FILE, 0664, {0},
};

const shmrpc_shared jobs_v1_talk_topic_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_TOPIC,
    "acme.jobs.v1.talk", SHMRPC_ENCODING_MSGPACK, 0,
    NULL, &shmrpc_type_any,
    UINT64_C(0xb5cc46b9c38522d3), "topic any", talk_text,
    NULL,
    0, /* capacity */
    0, /* max_bytes */
    262144, /* max_item_bytes */
    0, /* history */
    0, /* log */
    100000000, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_OVERWRITE, SHMRPC_LIFETIME_CREATOR, 0600, {0},
};

const shmrpc_shared jobs_v1_sound_pipe_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_PIPE,
    "acme.jobs.v1.sound", SHMRPC_ENCODING_RAW, 0,
    NULL, NULL,
    UINT64_C(0xf5652befec5ec1a0), "pipe", sound_text,
    "Sound, as it is.",
    65536, /* capacity */
    1048576, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    0, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_config_value_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_VALUE,
    "acme.jobs.v1.config", SHMRPC_ENCODING_MSGPACK, 0,
    NULL, &shmrpc_type_any,
    UINT64_C(0xc8b2907c2169f46b), "value any", config_text,
    NULL,
    0, /* capacity */
    1073741824, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    8, /* log */
    0, /* max_stall */
    60000000000, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_current_value_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_VALUE,
    "acme.jobs.v1.current", SHMRPC_ENCODING_NATIVE, 0,
    NULL, &jobs_v1_job_descriptor,
    UINT64_C(0x95579025d0867b90), "value acme.jobs.v1.Job", current_text,
    NULL,
    0, /* capacity */
    1073741824, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    1024, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_state_value_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_VALUE,
    "acme.jobs.v1.state", SHMRPC_ENCODING_NATIVE, 0,
    NULL, &jobs_v1_fixed_descriptor,
    UINT64_C(0xdf60e21bb248ad1b), "value acme.jobs.v1.Fixed", state_text,
    NULL,
    0, /* capacity */
    1073741824, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    1024, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0660, {0},
};

const shmrpc_shared jobs_v1_recent_value_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_VALUE,
    "acme.jobs.v1.recent", SHMRPC_ENCODING_JSON, 0,
    NULL, &jobs_v1_job_list_type,
    UINT64_C(0x79ffff905caabca9), "value list<acme.jobs.v1.Job>", recent_text,
    NULL,
    0, /* capacity */
    1073741824, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    1024, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_past_value_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_VALUE,
    "acme.jobs.v1.past", SHMRPC_ENCODING_MSGPACK, 0,
    NULL, &jobs_v1_job_list_type,
    UINT64_C(0x17b0251319996f69), "value list<acme.jobs.v1.Job>", past_text,
    NULL,
    0, /* capacity */
    1073741824, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    1024, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
};

const shmrpc_shared jobs_v1_marks_value_descriptor = {
    (uint32_t)sizeof(shmrpc_shared), SHMRPC_SHARED_VALUE,
    "acme.jobs.v1.marks", SHMRPC_ENCODING_MSGPACK, 0,
    NULL, &marks_item_type,
    UINT64_C(0x91c22d2a27694f3d), "value list<u32>(1..4)", marks_text,
    NULL,
    0, /* capacity */
    1073741824, /* max_bytes */
    0, /* max_item_bytes */
    0, /* history */
    1024, /* log */
    0, /* max_stall */
    0, /* snapshot */
    SHMRPC_OVERFLOW_DEFAULT, SHMRPC_LIFETIME_FILE, 0600, {0},
};

int jobs_v1_flat_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_flat_queue **out, shmrpc_error *error)
{
    shmrpc_queue *queue = NULL;
    int status = shmrpc_stub_queue_open(&jobs_v1_flat_queue_descriptor, name,
                                        opts, &queue, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_flat_queue *)queue;
    }
    return status;
}

void jobs_v1_flat_close(jobs_v1_flat_queue *queue)
{
    shmrpc_queue_close((shmrpc_queue *)queue);
}

int jobs_v1_flat_push(jobs_v1_flat_queue *queue, const jobs_v1_flat *item,
                      const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_queue_push((shmrpc_queue *)queue, item, opts, error);
}

int jobs_v1_flat_push_many(jobs_v1_flat_queue *queue, const jobs_v1_flat *items,
                           size_t count, const shmrpc_opts *opts,
                           size_t *out_pushed, shmrpc_error *error)
{
    return shmrpc_stub_queue_push_many((shmrpc_queue *)queue, items, count,
                                       opts, out_pushed, error);
}

int jobs_v1_flat_pop(jobs_v1_flat_queue *queue, const shmrpc_opts *opts,
                     const jobs_v1_flat **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_queue_pop((shmrpc_queue *)queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_flat *)item;
    }
    return status;
}

int jobs_v1_flat_pop_many(jobs_v1_flat_queue *queue, const shmrpc_opts *opts,
                          const jobs_v1_flat **out, size_t max,
                          size_t *out_count, shmrpc_error *error)
{
    return shmrpc_stub_queue_pop_many((shmrpc_queue *)queue, opts,
                                      (const void **)out, max, out_count,
                                      error);
}

int jobs_v1_flat_fd(jobs_v1_flat_queue *queue)
{
    return shmrpc_queue_fd((shmrpc_queue *)queue);
}

int jobs_v1_flat_peek(jobs_v1_flat_queue *queue, const jobs_v1_flat **out,
                      shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_queue_peek((shmrpc_queue *)queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_flat *)item;
    }
    return status;
}

void jobs_v1_flat_release(jobs_v1_flat_queue *queue, const jobs_v1_flat *item)
{
    shmrpc_stub_queue_release((shmrpc_queue *)queue, item);
}

int jobs_v1_flat_ack(jobs_v1_flat_queue *queue, const jobs_v1_flat *item)
{
    return shmrpc_stub_queue_ack((shmrpc_queue *)queue, item);
}

bool jobs_v1_flat_is_redelivered(const jobs_v1_flat *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

int jobs_v1_flat_end(jobs_v1_flat_queue *queue)
{
    return shmrpc_queue_end((shmrpc_queue *)queue);
}

int jobs_v1_flat_destroy(jobs_v1_flat_queue *queue)
{
    return shmrpc_queue_destroy((shmrpc_queue *)queue);
}

int jobs_v1_flat_stat(jobs_v1_flat_queue *queue, shmrpc_queue_stat *out)
{
    return shmrpc_queue_stat_read((shmrpc_queue *)queue, out);
}

int jobs_v1_work_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_work_queue **out, shmrpc_error *error)
{
    shmrpc_queue *queue = NULL;
    int status = shmrpc_stub_queue_open(&jobs_v1_work_queue_descriptor, name,
                                        opts, &queue, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_work_queue *)queue;
    }
    return status;
}

void jobs_v1_work_close(jobs_v1_work_queue *queue)
{
    shmrpc_queue_close((shmrpc_queue *)queue);
}

int jobs_v1_work_push(jobs_v1_work_queue *queue, const jobs_v1_job *item,
                      const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_queue_push((shmrpc_queue *)queue, item, opts, error);
}

int jobs_v1_work_push_many(jobs_v1_work_queue *queue, const jobs_v1_job *items,
                           size_t count, const shmrpc_opts *opts,
                           size_t *out_pushed, shmrpc_error *error)
{
    return shmrpc_stub_queue_push_many((shmrpc_queue *)queue, items, count,
                                       opts, out_pushed, error);
}

int jobs_v1_work_pop(jobs_v1_work_queue *queue, const shmrpc_opts *opts,
                     const jobs_v1_job **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_queue_pop((shmrpc_queue *)queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job *)item;
    }
    return status;
}

int jobs_v1_work_pop_many(jobs_v1_work_queue *queue, const shmrpc_opts *opts,
                          const jobs_v1_job **out, size_t max,
                          size_t *out_count, shmrpc_error *error)
{
    return shmrpc_stub_queue_pop_many((shmrpc_queue *)queue, opts,
                                      (const void **)out, max, out_count,
                                      error);
}

int jobs_v1_work_fd(jobs_v1_work_queue *queue)
{
    return shmrpc_queue_fd((shmrpc_queue *)queue);
}

int jobs_v1_work_peek(jobs_v1_work_queue *queue, const jobs_v1_job **out,
                      shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_queue_peek((shmrpc_queue *)queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job *)item;
    }
    return status;
}

void jobs_v1_work_release(jobs_v1_work_queue *queue, const jobs_v1_job *item)
{
    shmrpc_stub_queue_release((shmrpc_queue *)queue, item);
}

int jobs_v1_work_ack(jobs_v1_work_queue *queue, const jobs_v1_job *item)
{
    return shmrpc_stub_queue_ack((shmrpc_queue *)queue, item);
}

bool jobs_v1_work_is_redelivered(const jobs_v1_job *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

int jobs_v1_work_end(jobs_v1_work_queue *queue)
{
    return shmrpc_queue_end((shmrpc_queue *)queue);
}

int jobs_v1_work_destroy(jobs_v1_work_queue *queue)
{
    return shmrpc_queue_destroy((shmrpc_queue *)queue);
}

int jobs_v1_work_stat(jobs_v1_work_queue *queue, shmrpc_queue_stat *out)
{
    return shmrpc_queue_stat_read((shmrpc_queue *)queue, out);
}

int jobs_v1_points_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_points_queue **out, shmrpc_error *error)
{
    shmrpc_queue *queue = NULL;
    int status = shmrpc_stub_queue_open(&jobs_v1_points_queue_descriptor, name,
                                        opts, &queue, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_points_queue *)queue;
    }
    return status;
}

void jobs_v1_points_close(jobs_v1_points_queue *queue)
{
    shmrpc_queue_close((shmrpc_queue *)queue);
}

int jobs_v1_points_push(jobs_v1_points_queue *queue, const jobs_v1_flat *item,
                        const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_queue_push((shmrpc_queue *)queue, item, opts, error);
}

int jobs_v1_points_push_many(jobs_v1_points_queue *queue,
                             const jobs_v1_flat *items, size_t count,
                             const shmrpc_opts *opts, size_t *out_pushed,
                             shmrpc_error *error)
{
    return shmrpc_stub_queue_push_many((shmrpc_queue *)queue, items, count,
                                       opts, out_pushed, error);
}

int jobs_v1_points_pop(jobs_v1_points_queue *queue, const shmrpc_opts *opts,
                       const jobs_v1_flat **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_queue_pop((shmrpc_queue *)queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_flat *)item;
    }
    return status;
}

int jobs_v1_points_pop_many(jobs_v1_points_queue *queue,
                            const shmrpc_opts *opts, const jobs_v1_flat **out,
                            size_t max, size_t *out_count, shmrpc_error *error)
{
    return shmrpc_stub_queue_pop_many((shmrpc_queue *)queue, opts,
                                      (const void **)out, max, out_count,
                                      error);
}

int jobs_v1_points_fd(jobs_v1_points_queue *queue)
{
    return shmrpc_queue_fd((shmrpc_queue *)queue);
}

int jobs_v1_points_peek(jobs_v1_points_queue *queue, const jobs_v1_flat **out,
                        shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_queue_peek((shmrpc_queue *)queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_flat *)item;
    }
    return status;
}

void jobs_v1_points_release(jobs_v1_points_queue *queue,
                            const jobs_v1_flat *item)
{
    shmrpc_stub_queue_release((shmrpc_queue *)queue, item);
}

int jobs_v1_points_ack(jobs_v1_points_queue *queue, const jobs_v1_flat *item)
{
    return shmrpc_stub_queue_ack((shmrpc_queue *)queue, item);
}

bool jobs_v1_points_is_redelivered(const jobs_v1_flat *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

int jobs_v1_points_end(jobs_v1_points_queue *queue)
{
    return shmrpc_queue_end((shmrpc_queue *)queue);
}

int jobs_v1_points_destroy(jobs_v1_points_queue *queue)
{
    return shmrpc_queue_destroy((shmrpc_queue *)queue);
}

int jobs_v1_points_stat(jobs_v1_points_queue *queue, shmrpc_queue_stat *out)
{
    return shmrpc_queue_stat_read((shmrpc_queue *)queue, out);
}

int jobs_v1_things_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_things_queue **out, shmrpc_error *error)
{
    shmrpc_queue *queue = NULL;
    int status = shmrpc_stub_queue_open(&jobs_v1_things_queue_descriptor, name,
                                        opts, &queue, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_things_queue *)queue;
    }
    return status;
}

void jobs_v1_things_close(jobs_v1_things_queue *queue)
{
    shmrpc_queue_close((shmrpc_queue *)queue);
}

int jobs_v1_things_push(jobs_v1_things_queue *queue, const shmrpc_any *item,
                        const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_queue_push((shmrpc_queue *)queue, item, opts, error);
}

int jobs_v1_things_push_many(jobs_v1_things_queue *queue,
                             const shmrpc_any *items, size_t count,
                             const shmrpc_opts *opts, size_t *out_pushed,
                             shmrpc_error *error)
{
    return shmrpc_stub_queue_push_many((shmrpc_queue *)queue, items, count,
                                       opts, out_pushed, error);
}

int jobs_v1_things_pop(jobs_v1_things_queue *queue, const shmrpc_opts *opts,
                       const shmrpc_any **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_queue_pop((shmrpc_queue *)queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const shmrpc_any *)item;
    }
    return status;
}

int jobs_v1_things_pop_many(jobs_v1_things_queue *queue,
                            const shmrpc_opts *opts, const shmrpc_any **out,
                            size_t max, size_t *out_count, shmrpc_error *error)
{
    return shmrpc_stub_queue_pop_many((shmrpc_queue *)queue, opts,
                                      (const void **)out, max, out_count,
                                      error);
}

int jobs_v1_things_fd(jobs_v1_things_queue *queue)
{
    return shmrpc_queue_fd((shmrpc_queue *)queue);
}

int jobs_v1_things_peek(jobs_v1_things_queue *queue, const shmrpc_any **out,
                        shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_queue_peek((shmrpc_queue *)queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const shmrpc_any *)item;
    }
    return status;
}

void jobs_v1_things_release(jobs_v1_things_queue *queue, const shmrpc_any *item)
{
    shmrpc_stub_queue_release((shmrpc_queue *)queue, item);
}

int jobs_v1_things_ack(jobs_v1_things_queue *queue, const shmrpc_any *item)
{
    return shmrpc_stub_queue_ack((shmrpc_queue *)queue, item);
}

bool jobs_v1_things_is_redelivered(const shmrpc_any *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

int jobs_v1_things_end(jobs_v1_things_queue *queue)
{
    return shmrpc_queue_end((shmrpc_queue *)queue);
}

int jobs_v1_things_destroy(jobs_v1_things_queue *queue)
{
    return shmrpc_queue_destroy((shmrpc_queue *)queue);
}

int jobs_v1_things_stat(jobs_v1_things_queue *queue, shmrpc_queue_stat *out)
{
    return shmrpc_queue_stat_read((shmrpc_queue *)queue, out);
}

int jobs_v1_quads_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_quads_queue **out, shmrpc_error *error)
{
    shmrpc_queue *queue = NULL;
    int status = shmrpc_stub_queue_open(&jobs_v1_quads_queue_descriptor, name,
                                        opts, &queue, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_quads_queue *)queue;
    }
    return status;
}

void jobs_v1_quads_close(jobs_v1_quads_queue *queue)
{
    shmrpc_queue_close((shmrpc_queue *)queue);
}

int jobs_v1_quads_push(jobs_v1_quads_queue *queue,
                       const jobs_v1_quads_item *item, const shmrpc_opts *opts,
                       shmrpc_error *error)
{
    return shmrpc_stub_queue_push((shmrpc_queue *)queue, item, opts, error);
}

int jobs_v1_quads_push_many(jobs_v1_quads_queue *queue,
                            const jobs_v1_quads_item *items, size_t count,
                            const shmrpc_opts *opts, size_t *out_pushed,
                            shmrpc_error *error)
{
    return shmrpc_stub_queue_push_many((shmrpc_queue *)queue, items, count,
                                       opts, out_pushed, error);
}

int jobs_v1_quads_pop(jobs_v1_quads_queue *queue, const shmrpc_opts *opts,
                      const jobs_v1_quads_item **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_queue_pop((shmrpc_queue *)queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_quads_item *)item;
    }
    return status;
}

int jobs_v1_quads_pop_many(jobs_v1_quads_queue *queue, const shmrpc_opts *opts,
                           const jobs_v1_quads_item **out, size_t max,
                           size_t *out_count, shmrpc_error *error)
{
    return shmrpc_stub_queue_pop_many((shmrpc_queue *)queue, opts,
                                      (const void **)out, max, out_count,
                                      error);
}

int jobs_v1_quads_fd(jobs_v1_quads_queue *queue)
{
    return shmrpc_queue_fd((shmrpc_queue *)queue);
}

int jobs_v1_quads_peek(jobs_v1_quads_queue *queue,
                       const jobs_v1_quads_item **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_queue_peek((shmrpc_queue *)queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_quads_item *)item;
    }
    return status;
}

void jobs_v1_quads_release(jobs_v1_quads_queue *queue,
                           const jobs_v1_quads_item *item)
{
    shmrpc_stub_queue_release((shmrpc_queue *)queue, item);
}

int jobs_v1_quads_ack(jobs_v1_quads_queue *queue,
                      const jobs_v1_quads_item *item)
{
    return shmrpc_stub_queue_ack((shmrpc_queue *)queue, item);
}

bool jobs_v1_quads_is_redelivered(const jobs_v1_quads_item *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

int jobs_v1_quads_end(jobs_v1_quads_queue *queue)
{
    return shmrpc_queue_end((shmrpc_queue *)queue);
}

int jobs_v1_quads_destroy(jobs_v1_quads_queue *queue)
{
    return shmrpc_queue_destroy((shmrpc_queue *)queue);
}

int jobs_v1_quads_stat(jobs_v1_quads_queue *queue, shmrpc_queue_stat *out)
{
    return shmrpc_queue_stat_read((shmrpc_queue *)queue, out);
}

int jobs_v1_lines_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_lines_queue **out, shmrpc_error *error)
{
    shmrpc_queue *queue = NULL;
    int status = shmrpc_stub_queue_open(&jobs_v1_lines_queue_descriptor, name,
                                        opts, &queue, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_lines_queue *)queue;
    }
    return status;
}

void jobs_v1_lines_close(jobs_v1_lines_queue *queue)
{
    shmrpc_queue_close((shmrpc_queue *)queue);
}

int jobs_v1_lines_push(jobs_v1_lines_queue *queue, const shmrpc_str *item,
                       const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_queue_push((shmrpc_queue *)queue, item, opts, error);
}

int jobs_v1_lines_push_many(jobs_v1_lines_queue *queue, const shmrpc_str *items,
                            size_t count, const shmrpc_opts *opts,
                            size_t *out_pushed, shmrpc_error *error)
{
    return shmrpc_stub_queue_push_many((shmrpc_queue *)queue, items, count,
                                       opts, out_pushed, error);
}

int jobs_v1_lines_pop(jobs_v1_lines_queue *queue, const shmrpc_opts *opts,
                      const shmrpc_str **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_queue_pop((shmrpc_queue *)queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const shmrpc_str *)item;
    }
    return status;
}

int jobs_v1_lines_pop_many(jobs_v1_lines_queue *queue, const shmrpc_opts *opts,
                           const shmrpc_str **out, size_t max,
                           size_t *out_count, shmrpc_error *error)
{
    return shmrpc_stub_queue_pop_many((shmrpc_queue *)queue, opts,
                                      (const void **)out, max, out_count,
                                      error);
}

int jobs_v1_lines_fd(jobs_v1_lines_queue *queue)
{
    return shmrpc_queue_fd((shmrpc_queue *)queue);
}

int jobs_v1_lines_peek(jobs_v1_lines_queue *queue, const shmrpc_str **out,
                       shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_queue_peek((shmrpc_queue *)queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const shmrpc_str *)item;
    }
    return status;
}

void jobs_v1_lines_release(jobs_v1_lines_queue *queue, const shmrpc_str *item)
{
    shmrpc_stub_queue_release((shmrpc_queue *)queue, item);
}

int jobs_v1_lines_ack(jobs_v1_lines_queue *queue, const shmrpc_str *item)
{
    return shmrpc_stub_queue_ack((shmrpc_queue *)queue, item);
}

bool jobs_v1_lines_is_redelivered(const shmrpc_str *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

int jobs_v1_lines_end(jobs_v1_lines_queue *queue)
{
    return shmrpc_queue_end((shmrpc_queue *)queue);
}

int jobs_v1_lines_destroy(jobs_v1_lines_queue *queue)
{
    return shmrpc_queue_destroy((shmrpc_queue *)queue);
}

int jobs_v1_lines_stat(jobs_v1_lines_queue *queue, shmrpc_queue_stat *out)
{
    return shmrpc_queue_stat_read((shmrpc_queue *)queue, out);
}

int jobs_v1_batches_open(const char *name, const shmrpc_shared_opts *opts,
                         jobs_v1_batches_queue **out, shmrpc_error *error)
{
    shmrpc_queue *queue = NULL;
    int status = shmrpc_stub_queue_open(&jobs_v1_batches_queue_descriptor, name,
                                        opts, &queue, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_batches_queue *)queue;
    }
    return status;
}

void jobs_v1_batches_close(jobs_v1_batches_queue *queue)
{
    shmrpc_queue_close((shmrpc_queue *)queue);
}

int jobs_v1_batches_push(jobs_v1_batches_queue *queue,
                         const jobs_v1_job_list *item, const shmrpc_opts *opts,
                         shmrpc_error *error)
{
    return shmrpc_stub_queue_push((shmrpc_queue *)queue, item, opts, error);
}

int jobs_v1_batches_push_many(jobs_v1_batches_queue *queue,
                              const jobs_v1_job_list *items, size_t count,
                              const shmrpc_opts *opts, size_t *out_pushed,
                              shmrpc_error *error)
{
    return shmrpc_stub_queue_push_many((shmrpc_queue *)queue, items, count,
                                       opts, out_pushed, error);
}

int jobs_v1_batches_pop(jobs_v1_batches_queue *queue, const shmrpc_opts *opts,
                        const jobs_v1_job_list **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_queue_pop((shmrpc_queue *)queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job_list *)item;
    }
    return status;
}

int jobs_v1_batches_pop_many(jobs_v1_batches_queue *queue,
                             const shmrpc_opts *opts,
                             const jobs_v1_job_list **out, size_t max,
                             size_t *out_count, shmrpc_error *error)
{
    return shmrpc_stub_queue_pop_many((shmrpc_queue *)queue, opts,
                                      (const void **)out, max, out_count,
                                      error);
}

int jobs_v1_batches_fd(jobs_v1_batches_queue *queue)
{
    return shmrpc_queue_fd((shmrpc_queue *)queue);
}

int jobs_v1_batches_peek(jobs_v1_batches_queue *queue,
                         const jobs_v1_job_list **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_queue_peek((shmrpc_queue *)queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job_list *)item;
    }
    return status;
}

void jobs_v1_batches_release(jobs_v1_batches_queue *queue,
                             const jobs_v1_job_list *item)
{
    shmrpc_stub_queue_release((shmrpc_queue *)queue, item);
}

int jobs_v1_batches_ack(jobs_v1_batches_queue *queue,
                        const jobs_v1_job_list *item)
{
    return shmrpc_stub_queue_ack((shmrpc_queue *)queue, item);
}

bool jobs_v1_batches_is_redelivered(const jobs_v1_job_list *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

int jobs_v1_batches_end(jobs_v1_batches_queue *queue)
{
    return shmrpc_queue_end((shmrpc_queue *)queue);
}

int jobs_v1_batches_destroy(jobs_v1_batches_queue *queue)
{
    return shmrpc_queue_destroy((shmrpc_queue *)queue);
}

int jobs_v1_batches_stat(jobs_v1_batches_queue *queue, shmrpc_queue_stat *out)
{
    return shmrpc_queue_stat_read((shmrpc_queue *)queue, out);
}

int jobs_v1_maps_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_maps_queue **out, shmrpc_error *error)
{
    shmrpc_queue *queue = NULL;
    int status = shmrpc_stub_queue_open(&jobs_v1_maps_queue_descriptor, name,
                                        opts, &queue, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_maps_queue *)queue;
    }
    return status;
}

void jobs_v1_maps_close(jobs_v1_maps_queue *queue)
{
    shmrpc_queue_close((shmrpc_queue *)queue);
}

int jobs_v1_maps_push(jobs_v1_maps_queue *queue, const jobs_v1_maps_item *item,
                      const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_queue_push((shmrpc_queue *)queue, item, opts, error);
}

int jobs_v1_maps_push_many(jobs_v1_maps_queue *queue,
                           const jobs_v1_maps_item *items, size_t count,
                           const shmrpc_opts *opts, size_t *out_pushed,
                           shmrpc_error *error)
{
    return shmrpc_stub_queue_push_many((shmrpc_queue *)queue, items, count,
                                       opts, out_pushed, error);
}

int jobs_v1_maps_pop(jobs_v1_maps_queue *queue, const shmrpc_opts *opts,
                     const jobs_v1_maps_item **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_queue_pop((shmrpc_queue *)queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_maps_item *)item;
    }
    return status;
}

int jobs_v1_maps_pop_many(jobs_v1_maps_queue *queue, const shmrpc_opts *opts,
                          const jobs_v1_maps_item **out, size_t max,
                          size_t *out_count, shmrpc_error *error)
{
    return shmrpc_stub_queue_pop_many((shmrpc_queue *)queue, opts,
                                      (const void **)out, max, out_count,
                                      error);
}

int jobs_v1_maps_fd(jobs_v1_maps_queue *queue)
{
    return shmrpc_queue_fd((shmrpc_queue *)queue);
}

int jobs_v1_maps_peek(jobs_v1_maps_queue *queue, const jobs_v1_maps_item **out,
                      shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_queue_peek((shmrpc_queue *)queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_maps_item *)item;
    }
    return status;
}

void jobs_v1_maps_release(jobs_v1_maps_queue *queue,
                          const jobs_v1_maps_item *item)
{
    shmrpc_stub_queue_release((shmrpc_queue *)queue, item);
}

int jobs_v1_maps_ack(jobs_v1_maps_queue *queue, const jobs_v1_maps_item *item)
{
    return shmrpc_stub_queue_ack((shmrpc_queue *)queue, item);
}

bool jobs_v1_maps_is_redelivered(const jobs_v1_maps_item *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

int jobs_v1_maps_end(jobs_v1_maps_queue *queue)
{
    return shmrpc_queue_end((shmrpc_queue *)queue);
}

int jobs_v1_maps_destroy(jobs_v1_maps_queue *queue)
{
    return shmrpc_queue_destroy((shmrpc_queue *)queue);
}

int jobs_v1_maps_stat(jobs_v1_maps_queue *queue, shmrpc_queue_stat *out)
{
    return shmrpc_queue_stat_read((shmrpc_queue *)queue, out);
}

int jobs_v1_blobs_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_blobs_queue **out, shmrpc_error *error)
{
    shmrpc_queue *queue = NULL;
    int status = shmrpc_stub_queue_open(&jobs_v1_blobs_queue_descriptor, name,
                                        opts, &queue, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_blobs_queue *)queue;
    }
    return status;
}

void jobs_v1_blobs_close(jobs_v1_blobs_queue *queue)
{
    shmrpc_queue_close((shmrpc_queue *)queue);
}

int jobs_v1_blobs_push(jobs_v1_blobs_queue *queue, const shmrpc_bytes *item,
                       const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_queue_push((shmrpc_queue *)queue, item, opts, error);
}

int jobs_v1_blobs_push_many(jobs_v1_blobs_queue *queue,
                            const shmrpc_bytes *items, size_t count,
                            const shmrpc_opts *opts, size_t *out_pushed,
                            shmrpc_error *error)
{
    return shmrpc_stub_queue_push_many((shmrpc_queue *)queue, items, count,
                                       opts, out_pushed, error);
}

int jobs_v1_blobs_pop(jobs_v1_blobs_queue *queue, const shmrpc_opts *opts,
                      const shmrpc_bytes **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_queue_pop((shmrpc_queue *)queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const shmrpc_bytes *)item;
    }
    return status;
}

int jobs_v1_blobs_pop_many(jobs_v1_blobs_queue *queue, const shmrpc_opts *opts,
                           const shmrpc_bytes **out, size_t max,
                           size_t *out_count, shmrpc_error *error)
{
    return shmrpc_stub_queue_pop_many((shmrpc_queue *)queue, opts,
                                      (const void **)out, max, out_count,
                                      error);
}

int jobs_v1_blobs_fd(jobs_v1_blobs_queue *queue)
{
    return shmrpc_queue_fd((shmrpc_queue *)queue);
}

int jobs_v1_blobs_peek(jobs_v1_blobs_queue *queue, const shmrpc_bytes **out,
                       shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_queue_peek((shmrpc_queue *)queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const shmrpc_bytes *)item;
    }
    return status;
}

void jobs_v1_blobs_release(jobs_v1_blobs_queue *queue, const shmrpc_bytes *item)
{
    shmrpc_stub_queue_release((shmrpc_queue *)queue, item);
}

int jobs_v1_blobs_ack(jobs_v1_blobs_queue *queue, const shmrpc_bytes *item)
{
    return shmrpc_stub_queue_ack((shmrpc_queue *)queue, item);
}

bool jobs_v1_blobs_is_redelivered(const shmrpc_bytes *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

int jobs_v1_blobs_end(jobs_v1_blobs_queue *queue)
{
    return shmrpc_queue_end((shmrpc_queue *)queue);
}

int jobs_v1_blobs_destroy(jobs_v1_blobs_queue *queue)
{
    return shmrpc_queue_destroy((shmrpc_queue *)queue);
}

int jobs_v1_blobs_stat(jobs_v1_blobs_queue *queue, shmrpc_queue_stat *out)
{
    return shmrpc_queue_stat_read((shmrpc_queue *)queue, out);
}

int jobs_v1_levels_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_levels_queue **out, shmrpc_error *error)
{
    shmrpc_queue *queue = NULL;
    int status = shmrpc_stub_queue_open(&jobs_v1_levels_queue_descriptor, name,
                                        opts, &queue, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_levels_queue *)queue;
    }
    return status;
}

void jobs_v1_levels_close(jobs_v1_levels_queue *queue)
{
    shmrpc_queue_close((shmrpc_queue *)queue);
}

int jobs_v1_levels_push(jobs_v1_levels_queue *queue, const jobs_v1_level *item,
                        const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_queue_push((shmrpc_queue *)queue, item, opts, error);
}

int jobs_v1_levels_push_many(jobs_v1_levels_queue *queue,
                             const jobs_v1_level *items, size_t count,
                             const shmrpc_opts *opts, size_t *out_pushed,
                             shmrpc_error *error)
{
    return shmrpc_stub_queue_push_many((shmrpc_queue *)queue, items, count,
                                       opts, out_pushed, error);
}

int jobs_v1_levels_pop(jobs_v1_levels_queue *queue, const shmrpc_opts *opts,
                       const jobs_v1_level **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_queue_pop((shmrpc_queue *)queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_level *)item;
    }
    return status;
}

int jobs_v1_levels_pop_many(jobs_v1_levels_queue *queue,
                            const shmrpc_opts *opts, const jobs_v1_level **out,
                            size_t max, size_t *out_count, shmrpc_error *error)
{
    return shmrpc_stub_queue_pop_many((shmrpc_queue *)queue, opts,
                                      (const void **)out, max, out_count,
                                      error);
}

int jobs_v1_levels_fd(jobs_v1_levels_queue *queue)
{
    return shmrpc_queue_fd((shmrpc_queue *)queue);
}

int jobs_v1_levels_peek(jobs_v1_levels_queue *queue, const jobs_v1_level **out,
                        shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_queue_peek((shmrpc_queue *)queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_level *)item;
    }
    return status;
}

void jobs_v1_levels_release(jobs_v1_levels_queue *queue,
                            const jobs_v1_level *item)
{
    shmrpc_stub_queue_release((shmrpc_queue *)queue, item);
}

int jobs_v1_levels_ack(jobs_v1_levels_queue *queue, const jobs_v1_level *item)
{
    return shmrpc_stub_queue_ack((shmrpc_queue *)queue, item);
}

bool jobs_v1_levels_is_redelivered(const jobs_v1_level *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

int jobs_v1_levels_end(jobs_v1_levels_queue *queue)
{
    return shmrpc_queue_end((shmrpc_queue *)queue);
}

int jobs_v1_levels_destroy(jobs_v1_levels_queue *queue)
{
    return shmrpc_queue_destroy((shmrpc_queue *)queue);
}

int jobs_v1_levels_stat(jobs_v1_levels_queue *queue, shmrpc_queue_stat *out)
{
    return shmrpc_queue_stat_read((shmrpc_queue *)queue, out);
}

int jobs_v1_documents_open(const char *name, const shmrpc_shared_opts *opts,
                           jobs_v1_documents_queue **out, shmrpc_error *error)
{
    shmrpc_queue *queue = NULL;
    int status = shmrpc_stub_queue_open(&jobs_v1_documents_queue_descriptor,
                                        name, opts, &queue, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_documents_queue *)queue;
    }
    return status;
}

void jobs_v1_documents_close(jobs_v1_documents_queue *queue)
{
    shmrpc_queue_close((shmrpc_queue *)queue);
}

int jobs_v1_documents_push(jobs_v1_documents_queue *queue,
                           const common_document *item, const shmrpc_opts *opts,
                           shmrpc_error *error)
{
    return shmrpc_stub_queue_push((shmrpc_queue *)queue, item, opts, error);
}

int jobs_v1_documents_push_many(jobs_v1_documents_queue *queue,
                                const common_document *items, size_t count,
                                const shmrpc_opts *opts, size_t *out_pushed,
                                shmrpc_error *error)
{
    return shmrpc_stub_queue_push_many((shmrpc_queue *)queue, items, count,
                                       opts, out_pushed, error);
}

int jobs_v1_documents_pop(jobs_v1_documents_queue *queue,
                          const shmrpc_opts *opts, const common_document **out,
                          shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_queue_pop((shmrpc_queue *)queue, opts, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const common_document *)item;
    }
    return status;
}

int jobs_v1_documents_pop_many(jobs_v1_documents_queue *queue,
                               const shmrpc_opts *opts,
                               const common_document **out, size_t max,
                               size_t *out_count, shmrpc_error *error)
{
    return shmrpc_stub_queue_pop_many((shmrpc_queue *)queue, opts,
                                      (const void **)out, max, out_count,
                                      error);
}

int jobs_v1_documents_fd(jobs_v1_documents_queue *queue)
{
    return shmrpc_queue_fd((shmrpc_queue *)queue);
}

int jobs_v1_documents_peek(jobs_v1_documents_queue *queue,
                           const common_document **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_queue_peek((shmrpc_queue *)queue, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const common_document *)item;
    }
    return status;
}

void jobs_v1_documents_release(jobs_v1_documents_queue *queue,
                               const common_document *item)
{
    shmrpc_stub_queue_release((shmrpc_queue *)queue, item);
}

int jobs_v1_documents_ack(jobs_v1_documents_queue *queue,
                          const common_document *item)
{
    return shmrpc_stub_queue_ack((shmrpc_queue *)queue, item);
}

bool jobs_v1_documents_is_redelivered(const common_document *item)
{
    return shmrpc_stub_queue_is_redelivered(item);
}

int jobs_v1_documents_end(jobs_v1_documents_queue *queue)
{
    return shmrpc_queue_end((shmrpc_queue *)queue);
}

int jobs_v1_documents_destroy(jobs_v1_documents_queue *queue)
{
    return shmrpc_queue_destroy((shmrpc_queue *)queue);
}

int jobs_v1_documents_stat(jobs_v1_documents_queue *queue,
                           shmrpc_queue_stat *out)
{
    return shmrpc_queue_stat_read((shmrpc_queue *)queue, out);
}

int jobs_v1_jobs_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_jobs_dict **out, shmrpc_error *error)
{
    shmrpc_dict *dict = NULL;
    int status = shmrpc_stub_dict_open(&jobs_v1_jobs_dict_descriptor, name,
                                       opts, &dict, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_jobs_dict *)dict;
    }
    return status;
}

void jobs_v1_jobs_close(jobs_v1_jobs_dict *dict)
{
    shmrpc_dict_close((shmrpc_dict *)dict);
}

int jobs_v1_jobs_get(jobs_v1_jobs_dict *dict, shmrpc_str key,
                     const jobs_v1_job **out, shmrpc_error *error)
{
    const void *value = NULL;
    int status =
        shmrpc_stub_dict_get_item((shmrpc_dict *)dict, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job *)value;
    }
    return status;
}

void jobs_v1_jobs_release(jobs_v1_jobs_dict *dict, const jobs_v1_job *value)
{
    shmrpc_stub_dict_release((shmrpc_dict *)dict, value);
}

int jobs_v1_jobs_contains(jobs_v1_jobs_dict *dict, shmrpc_str key,
                          shmrpc_error *error)
{
    return shmrpc_stub_dict_contains((shmrpc_dict *)dict, &key, error);
}

int jobs_v1_jobs_len(jobs_v1_jobs_dict *dict, uint64_t *out,
                     shmrpc_error *error)
{
    return shmrpc_dict_len((shmrpc_dict *)dict, NULL, out, error);
}

int jobs_v1_jobs_put(jobs_v1_jobs_dict *dict, shmrpc_str key,
                     const jobs_v1_job *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put((shmrpc_dict *)dict, &key, value, error);
}

int jobs_v1_jobs_put_new(jobs_v1_jobs_dict *dict, shmrpc_str key,
                         const jobs_v1_job *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put_new((shmrpc_dict *)dict, &key, value, error);
}

int jobs_v1_jobs_del(jobs_v1_jobs_dict *dict, shmrpc_str key,
                     shmrpc_error *error)
{
    return shmrpc_stub_dict_del((shmrpc_dict *)dict, &key, error);
}

static int change_jobs(shmrpc_function change, void *user, const void *was,
                       void *now)
{
    jobs_v1_jobs_change *ask = (jobs_v1_jobs_change *)change;
    return ask(user, (const jobs_v1_job *)was, (jobs_v1_job *)now);
}

int jobs_v1_jobs_update(jobs_v1_jobs_dict *dict, shmrpc_str key,
                        jobs_v1_jobs_change *change, void *user,
                        shmrpc_error *error)
{
    return shmrpc_stub_dict_update((shmrpc_dict *)dict, &key, change_jobs,
                                   (shmrpc_function)change, user, error);
}

int jobs_v1_jobs_merge(jobs_v1_jobs_dict *dict,
                       const jobs_v1_jobs_entry *entries, size_t count,
                       shmrpc_error *error)
{
    const void *keys = count > 0 ? &entries->key : NULL;
    const void *values = count > 0 ? &entries->value : NULL;
    return shmrpc_stub_dict_merge((shmrpc_dict *)dict, keys, values,
                                  sizeof *entries, count, error);
}

int jobs_v1_jobs_clear(jobs_v1_jobs_dict *dict, shmrpc_error *error)
{
    return shmrpc_dict_clear((shmrpc_dict *)dict, error);
}

int jobs_v1_jobs_lock(jobs_v1_jobs_dict *dict, const shmrpc_str *key,
                      const shmrpc_lock_wait *wait, shmrpc_error *error)
{
    return shmrpc_stub_dict_lock((shmrpc_dict *)dict, key, wait, error);
}

int jobs_v1_jobs_try_lock(jobs_v1_jobs_dict *dict, const shmrpc_str *key,
                          shmrpc_error *error)
{
    return shmrpc_stub_dict_try_lock((shmrpc_dict *)dict, key, error);
}

int jobs_v1_jobs_unlock(jobs_v1_jobs_dict *dict, const shmrpc_str *key,
                        shmrpc_error *error)
{
    return shmrpc_stub_dict_unlock((shmrpc_dict *)dict, key, error);
}

int jobs_v1_jobs_lock_consistent(jobs_v1_jobs_dict *dict, const shmrpc_str *key,
                                 shmrpc_error *error)
{
    return shmrpc_stub_dict_lock_consistent((shmrpc_dict *)dict, key, error);
}

int jobs_v1_jobs_view_open(jobs_v1_jobs_dict *dict, jobs_v1_jobs_view **out,
                           shmrpc_error *error)
{
    shmrpc_view *view = NULL;
    int status = shmrpc_dict_view_open((shmrpc_dict *)dict, &view, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_jobs_view *)view;
    }
    return status;
}

int jobs_v1_jobs_view_get(jobs_v1_jobs_view *view, shmrpc_str key,
                          const jobs_v1_job **out, shmrpc_error *error)
{
    const void *value = NULL;
    int status = shmrpc_stub_view_get((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job *)value;
    }
    return status;
}

int jobs_v1_jobs_view_next(jobs_v1_jobs_view *view, const shmrpc_str **out_key,
                           const jobs_v1_job **out_value, shmrpc_error *error)
{
    const void *key = NULL;
    const void *value = NULL;
    int status =
        shmrpc_stub_view_next((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out_key = (const shmrpc_str *)key;
        *out_value = (const jobs_v1_job *)value;
    }
    return status;
}

void jobs_v1_jobs_view_close(jobs_v1_jobs_view *view)
{
    shmrpc_view_close((shmrpc_view *)view);
}

int jobs_v1_jobs_watch_open(jobs_v1_jobs_dict *dict,
                            const shmrpc_watch_opts *opts,
                            jobs_v1_jobs_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_dict_watch_open((shmrpc_dict *)dict, opts, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_jobs_watch *)watch;
    }
    return status;
}

int jobs_v1_jobs_watch_next(jobs_v1_jobs_watch *watch,
                            const jobs_v1_jobs_event **out,
                            const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_jobs_event *)event;
    }
    return status;
}

int jobs_v1_jobs_watch_fd(jobs_v1_jobs_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void jobs_v1_jobs_watch_close(jobs_v1_jobs_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int jobs_v1_jobs_snapshot(jobs_v1_jobs_dict *dict, const char *path,
                          const shmrpc_snapshot_opts *opts, shmrpc_error *error)
{
    return shmrpc_dict_snapshot((shmrpc_dict *)dict, path, opts, error);
}

int jobs_v1_jobs_load(jobs_v1_jobs_dict *dict, const char *path,
                      shmrpc_error *error)
{
    return shmrpc_dict_load((shmrpc_dict *)dict, path, error);
}

int jobs_v1_jobs_destroy(jobs_v1_jobs_dict *dict)
{
    return shmrpc_dict_destroy((shmrpc_dict *)dict);
}

int jobs_v1_jobs_stat(jobs_v1_jobs_dict *dict, shmrpc_dict_stat *out)
{
    return shmrpc_dict_stat_read((shmrpc_dict *)dict, out);
}

int jobs_v1_fixed_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_fixed_dict **out, shmrpc_error *error)
{
    shmrpc_dict *dict = NULL;
    int status = shmrpc_stub_dict_open(&jobs_v1_fixed_dict_descriptor, name,
                                       opts, &dict, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_fixed_dict *)dict;
    }
    return status;
}

void jobs_v1_fixed_close(jobs_v1_fixed_dict *dict)
{
    shmrpc_dict_close((shmrpc_dict *)dict);
}

int jobs_v1_fixed_get(jobs_v1_fixed_dict *dict, uint64_t key,
                      jobs_v1_fixed *out, shmrpc_error *error)
{
    return shmrpc_stub_dict_get((shmrpc_dict *)dict, &key, out, error);
}

int jobs_v1_fixed_contains(jobs_v1_fixed_dict *dict, uint64_t key,
                           shmrpc_error *error)
{
    return shmrpc_stub_dict_contains((shmrpc_dict *)dict, &key, error);
}

int jobs_v1_fixed_len(jobs_v1_fixed_dict *dict, uint64_t *out,
                      shmrpc_error *error)
{
    return shmrpc_dict_len((shmrpc_dict *)dict, NULL, out, error);
}

int jobs_v1_fixed_put(jobs_v1_fixed_dict *dict, uint64_t key,
                      const jobs_v1_fixed *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put((shmrpc_dict *)dict, &key, value, error);
}

int jobs_v1_fixed_put_new(jobs_v1_fixed_dict *dict, uint64_t key,
                          const jobs_v1_fixed *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put_new((shmrpc_dict *)dict, &key, value, error);
}

int jobs_v1_fixed_del(jobs_v1_fixed_dict *dict, uint64_t key,
                      shmrpc_error *error)
{
    return shmrpc_stub_dict_del((shmrpc_dict *)dict, &key, error);
}

static int change_fixed(shmrpc_function change, void *user, const void *was,
                        void *now)
{
    jobs_v1_fixed_change *ask = (jobs_v1_fixed_change *)change;
    return ask(user, (const jobs_v1_fixed *)was, (jobs_v1_fixed *)now);
}

int jobs_v1_fixed_update(jobs_v1_fixed_dict *dict, uint64_t key,
                         jobs_v1_fixed_change *change, void *user,
                         shmrpc_error *error)
{
    return shmrpc_stub_dict_update((shmrpc_dict *)dict, &key, change_fixed,
                                   (shmrpc_function)change, user, error);
}

int jobs_v1_fixed_merge(jobs_v1_fixed_dict *dict,
                        const jobs_v1_fixed_entry *entries, size_t count,
                        shmrpc_error *error)
{
    const void *keys = count > 0 ? &entries->key : NULL;
    const void *values = count > 0 ? &entries->value : NULL;
    return shmrpc_stub_dict_merge((shmrpc_dict *)dict, keys, values,
                                  sizeof *entries, count, error);
}

int jobs_v1_fixed_clear(jobs_v1_fixed_dict *dict, shmrpc_error *error)
{
    return shmrpc_dict_clear((shmrpc_dict *)dict, error);
}

int jobs_v1_fixed_lock(jobs_v1_fixed_dict *dict, const uint64_t *key,
                       const shmrpc_lock_wait *wait, shmrpc_error *error)
{
    return shmrpc_stub_dict_lock((shmrpc_dict *)dict, key, wait, error);
}

int jobs_v1_fixed_try_lock(jobs_v1_fixed_dict *dict, const uint64_t *key,
                           shmrpc_error *error)
{
    return shmrpc_stub_dict_try_lock((shmrpc_dict *)dict, key, error);
}

int jobs_v1_fixed_unlock(jobs_v1_fixed_dict *dict, const uint64_t *key,
                         shmrpc_error *error)
{
    return shmrpc_stub_dict_unlock((shmrpc_dict *)dict, key, error);
}

int jobs_v1_fixed_lock_consistent(jobs_v1_fixed_dict *dict, const uint64_t *key,
                                  shmrpc_error *error)
{
    return shmrpc_stub_dict_lock_consistent((shmrpc_dict *)dict, key, error);
}

int jobs_v1_fixed_view_open(jobs_v1_fixed_dict *dict, jobs_v1_fixed_view **out,
                            shmrpc_error *error)
{
    shmrpc_view *view = NULL;
    int status = shmrpc_dict_view_open((shmrpc_dict *)dict, &view, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_fixed_view *)view;
    }
    return status;
}

int jobs_v1_fixed_view_get(jobs_v1_fixed_view *view, uint64_t key,
                           const jobs_v1_fixed **out, shmrpc_error *error)
{
    const void *value = NULL;
    int status = shmrpc_stub_view_get((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_fixed *)value;
    }
    return status;
}

int jobs_v1_fixed_view_next(jobs_v1_fixed_view *view, const uint64_t **out_key,
                            const jobs_v1_fixed **out_value,
                            shmrpc_error *error)
{
    const void *key = NULL;
    const void *value = NULL;
    int status =
        shmrpc_stub_view_next((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out_key = (const uint64_t *)key;
        *out_value = (const jobs_v1_fixed *)value;
    }
    return status;
}

void jobs_v1_fixed_view_close(jobs_v1_fixed_view *view)
{
    shmrpc_view_close((shmrpc_view *)view);
}

int jobs_v1_fixed_watch_open(jobs_v1_fixed_dict *dict,
                             const shmrpc_watch_opts *opts,
                             jobs_v1_fixed_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_dict_watch_open((shmrpc_dict *)dict, opts, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_fixed_watch *)watch;
    }
    return status;
}

int jobs_v1_fixed_watch_next(jobs_v1_fixed_watch *watch,
                             const jobs_v1_fixed_event **out,
                             const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_fixed_event *)event;
    }
    return status;
}

int jobs_v1_fixed_watch_fd(jobs_v1_fixed_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void jobs_v1_fixed_watch_close(jobs_v1_fixed_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int jobs_v1_fixed_snapshot(jobs_v1_fixed_dict *dict, const char *path,
                           const shmrpc_snapshot_opts *opts,
                           shmrpc_error *error)
{
    return shmrpc_dict_snapshot((shmrpc_dict *)dict, path, opts, error);
}

int jobs_v1_fixed_load(jobs_v1_fixed_dict *dict, const char *path,
                       shmrpc_error *error)
{
    return shmrpc_dict_load((shmrpc_dict *)dict, path, error);
}

int jobs_v1_fixed_destroy(jobs_v1_fixed_dict *dict)
{
    return shmrpc_dict_destroy((shmrpc_dict *)dict);
}

int jobs_v1_fixed_stat(jobs_v1_fixed_dict *dict, shmrpc_dict_stat *out)
{
    return shmrpc_dict_stat_read((shmrpc_dict *)dict, out);
}

int jobs_v1_deep_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_deep_dict **out, shmrpc_error *error)
{
    shmrpc_dict *dict = NULL;
    int status = shmrpc_stub_dict_open(&jobs_v1_deep_dict_descriptor, name,
                                       opts, &dict, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_deep_dict *)dict;
    }
    return status;
}

void jobs_v1_deep_close(jobs_v1_deep_dict *dict)
{
    shmrpc_dict_close((shmrpc_dict *)dict);
}

int jobs_v1_deep_get(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                     const jobs_v1_job_list **out, shmrpc_error *error)
{
    const void *value = NULL;
    int status =
        shmrpc_stub_dict_get_item((shmrpc_dict *)dict, key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job_list *)value;
    }
    return status;
}

void jobs_v1_deep_release(jobs_v1_deep_dict *dict,
                          const jobs_v1_job_list *value)
{
    shmrpc_stub_dict_release((shmrpc_dict *)dict, value);
}

int jobs_v1_deep_contains(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                          shmrpc_error *error)
{
    return shmrpc_stub_dict_contains((shmrpc_dict *)dict, key, error);
}

int jobs_v1_deep_len(jobs_v1_deep_dict *dict, uint64_t *out,
                     shmrpc_error *error)
{
    return shmrpc_dict_len((shmrpc_dict *)dict, NULL, out, error);
}

int jobs_v1_deep_put(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                     const jobs_v1_job_list *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put((shmrpc_dict *)dict, key, value, error);
}

int jobs_v1_deep_put_new(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                         const jobs_v1_job_list *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put_new((shmrpc_dict *)dict, key, value, error);
}

int jobs_v1_deep_del(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                     shmrpc_error *error)
{
    return shmrpc_stub_dict_del((shmrpc_dict *)dict, key, error);
}

static int change_deep(shmrpc_function change, void *user, const void *was,
                       void *now)
{
    jobs_v1_deep_change *ask = (jobs_v1_deep_change *)change;
    return ask(user, (const jobs_v1_job_list *)was, (jobs_v1_job_list *)now);
}

int jobs_v1_deep_update(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                        jobs_v1_deep_change *change, void *user,
                        shmrpc_error *error)
{
    return shmrpc_stub_dict_update((shmrpc_dict *)dict, key, change_deep,
                                   (shmrpc_function)change, user, error);
}

int jobs_v1_deep_merge(jobs_v1_deep_dict *dict,
                       const jobs_v1_deep_entry *entries, size_t count,
                       shmrpc_error *error)
{
    const void *keys = count > 0 ? &entries->key : NULL;
    const void *values = count > 0 ? &entries->value : NULL;
    return shmrpc_stub_dict_merge((shmrpc_dict *)dict, keys, values,
                                  sizeof *entries, count, error);
}

int jobs_v1_deep_clear(jobs_v1_deep_dict *dict, shmrpc_error *error)
{
    return shmrpc_dict_clear((shmrpc_dict *)dict, error);
}

int jobs_v1_deep_lock(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                      const shmrpc_lock_wait *wait, shmrpc_error *error)
{
    return shmrpc_stub_dict_lock((shmrpc_dict *)dict, key, wait, error);
}

int jobs_v1_deep_try_lock(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                          shmrpc_error *error)
{
    return shmrpc_stub_dict_try_lock((shmrpc_dict *)dict, key, error);
}

int jobs_v1_deep_unlock(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                        shmrpc_error *error)
{
    return shmrpc_stub_dict_unlock((shmrpc_dict *)dict, key, error);
}

int jobs_v1_deep_lock_consistent(jobs_v1_deep_dict *dict,
                                 const jobs_v1_key *key, shmrpc_error *error)
{
    return shmrpc_stub_dict_lock_consistent((shmrpc_dict *)dict, key, error);
}

int jobs_v1_deep_view_open(jobs_v1_deep_dict *dict, jobs_v1_deep_view **out,
                           shmrpc_error *error)
{
    shmrpc_view *view = NULL;
    int status = shmrpc_dict_view_open((shmrpc_dict *)dict, &view, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_deep_view *)view;
    }
    return status;
}

int jobs_v1_deep_view_get(jobs_v1_deep_view *view, const jobs_v1_key *key,
                          const jobs_v1_job_list **out, shmrpc_error *error)
{
    const void *value = NULL;
    int status = shmrpc_stub_view_get((shmrpc_view *)view, key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job_list *)value;
    }
    return status;
}

int jobs_v1_deep_view_next(jobs_v1_deep_view *view, const jobs_v1_key **out_key,
                           const jobs_v1_job_list **out_value,
                           shmrpc_error *error)
{
    const void *key = NULL;
    const void *value = NULL;
    int status =
        shmrpc_stub_view_next((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out_key = (const jobs_v1_key *)key;
        *out_value = (const jobs_v1_job_list *)value;
    }
    return status;
}

void jobs_v1_deep_view_close(jobs_v1_deep_view *view)
{
    shmrpc_view_close((shmrpc_view *)view);
}

int jobs_v1_deep_watch_open(jobs_v1_deep_dict *dict,
                            const shmrpc_watch_opts *opts,
                            jobs_v1_deep_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_dict_watch_open((shmrpc_dict *)dict, opts, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_deep_watch *)watch;
    }
    return status;
}

int jobs_v1_deep_watch_next(jobs_v1_deep_watch *watch,
                            const jobs_v1_deep_event **out,
                            const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_deep_event *)event;
    }
    return status;
}

int jobs_v1_deep_watch_fd(jobs_v1_deep_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void jobs_v1_deep_watch_close(jobs_v1_deep_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int jobs_v1_deep_snapshot(jobs_v1_deep_dict *dict, const char *path,
                          const shmrpc_snapshot_opts *opts, shmrpc_error *error)
{
    return shmrpc_dict_snapshot((shmrpc_dict *)dict, path, opts, error);
}

int jobs_v1_deep_load(jobs_v1_deep_dict *dict, const char *path,
                      shmrpc_error *error)
{
    return shmrpc_dict_load((shmrpc_dict *)dict, path, error);
}

int jobs_v1_deep_destroy(jobs_v1_deep_dict *dict)
{
    return shmrpc_dict_destroy((shmrpc_dict *)dict);
}

int jobs_v1_deep_stat(jobs_v1_deep_dict *dict, shmrpc_dict_stat *out)
{
    return shmrpc_dict_stat_read((shmrpc_dict *)dict, out);
}

int jobs_v1_wild_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_wild_dict **out, shmrpc_error *error)
{
    shmrpc_dict *dict = NULL;
    int status = shmrpc_stub_dict_open(&jobs_v1_wild_dict_descriptor, name,
                                       opts, &dict, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_wild_dict *)dict;
    }
    return status;
}

void jobs_v1_wild_close(jobs_v1_wild_dict *dict)
{
    shmrpc_dict_close((shmrpc_dict *)dict);
}

int jobs_v1_wild_get(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                     const shmrpc_any **out, shmrpc_error *error)
{
    const void *value = NULL;
    int status =
        shmrpc_stub_dict_get_item((shmrpc_dict *)dict, key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const shmrpc_any *)value;
    }
    return status;
}

void jobs_v1_wild_release(jobs_v1_wild_dict *dict, const shmrpc_any *value)
{
    shmrpc_stub_dict_release((shmrpc_dict *)dict, value);
}

int jobs_v1_wild_contains(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                          shmrpc_error *error)
{
    return shmrpc_stub_dict_contains((shmrpc_dict *)dict, key, error);
}

int jobs_v1_wild_len(jobs_v1_wild_dict *dict, uint64_t *out,
                     shmrpc_error *error)
{
    return shmrpc_dict_len((shmrpc_dict *)dict, NULL, out, error);
}

int jobs_v1_wild_put(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                     const shmrpc_any *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put((shmrpc_dict *)dict, key, value, error);
}

int jobs_v1_wild_put_new(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                         const shmrpc_any *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put_new((shmrpc_dict *)dict, key, value, error);
}

int jobs_v1_wild_del(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                     shmrpc_error *error)
{
    return shmrpc_stub_dict_del((shmrpc_dict *)dict, key, error);
}

static int change_wild(shmrpc_function change, void *user, const void *was,
                       void *now)
{
    jobs_v1_wild_change *ask = (jobs_v1_wild_change *)change;
    return ask(user, (const shmrpc_any *)was, (shmrpc_any *)now);
}

int jobs_v1_wild_update(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                        jobs_v1_wild_change *change, void *user,
                        shmrpc_error *error)
{
    return shmrpc_stub_dict_update((shmrpc_dict *)dict, key, change_wild,
                                   (shmrpc_function)change, user, error);
}

int jobs_v1_wild_merge(jobs_v1_wild_dict *dict,
                       const jobs_v1_wild_entry *entries, size_t count,
                       shmrpc_error *error)
{
    const void *keys = count > 0 ? &entries->key : NULL;
    const void *values = count > 0 ? &entries->value : NULL;
    return shmrpc_stub_dict_merge((shmrpc_dict *)dict, keys, values,
                                  sizeof *entries, count, error);
}

int jobs_v1_wild_clear(jobs_v1_wild_dict *dict, shmrpc_error *error)
{
    return shmrpc_dict_clear((shmrpc_dict *)dict, error);
}

int jobs_v1_wild_lock(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                      const shmrpc_lock_wait *wait, shmrpc_error *error)
{
    return shmrpc_stub_dict_lock((shmrpc_dict *)dict, key, wait, error);
}

int jobs_v1_wild_try_lock(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                          shmrpc_error *error)
{
    return shmrpc_stub_dict_try_lock((shmrpc_dict *)dict, key, error);
}

int jobs_v1_wild_unlock(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                        shmrpc_error *error)
{
    return shmrpc_stub_dict_unlock((shmrpc_dict *)dict, key, error);
}

int jobs_v1_wild_lock_consistent(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                                 shmrpc_error *error)
{
    return shmrpc_stub_dict_lock_consistent((shmrpc_dict *)dict, key, error);
}

int jobs_v1_wild_view_open(jobs_v1_wild_dict *dict, jobs_v1_wild_view **out,
                           shmrpc_error *error)
{
    shmrpc_view *view = NULL;
    int status = shmrpc_dict_view_open((shmrpc_dict *)dict, &view, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_wild_view *)view;
    }
    return status;
}

int jobs_v1_wild_view_get(jobs_v1_wild_view *view, const shmrpc_any *key,
                          const shmrpc_any **out, shmrpc_error *error)
{
    const void *value = NULL;
    int status = shmrpc_stub_view_get((shmrpc_view *)view, key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const shmrpc_any *)value;
    }
    return status;
}

int jobs_v1_wild_view_next(jobs_v1_wild_view *view, const shmrpc_any **out_key,
                           const shmrpc_any **out_value, shmrpc_error *error)
{
    const void *key = NULL;
    const void *value = NULL;
    int status =
        shmrpc_stub_view_next((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out_key = (const shmrpc_any *)key;
        *out_value = (const shmrpc_any *)value;
    }
    return status;
}

void jobs_v1_wild_view_close(jobs_v1_wild_view *view)
{
    shmrpc_view_close((shmrpc_view *)view);
}

int jobs_v1_wild_watch_open(jobs_v1_wild_dict *dict,
                            const shmrpc_watch_opts *opts,
                            jobs_v1_wild_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_dict_watch_open((shmrpc_dict *)dict, opts, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_wild_watch *)watch;
    }
    return status;
}

int jobs_v1_wild_watch_next(jobs_v1_wild_watch *watch,
                            const jobs_v1_wild_event **out,
                            const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_wild_event *)event;
    }
    return status;
}

int jobs_v1_wild_watch_fd(jobs_v1_wild_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void jobs_v1_wild_watch_close(jobs_v1_wild_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int jobs_v1_wild_snapshot(jobs_v1_wild_dict *dict, const char *path,
                          const shmrpc_snapshot_opts *opts, shmrpc_error *error)
{
    return shmrpc_dict_snapshot((shmrpc_dict *)dict, path, opts, error);
}

int jobs_v1_wild_load(jobs_v1_wild_dict *dict, const char *path,
                      shmrpc_error *error)
{
    return shmrpc_dict_load((shmrpc_dict *)dict, path, error);
}

int jobs_v1_wild_destroy(jobs_v1_wild_dict *dict)
{
    return shmrpc_dict_destroy((shmrpc_dict *)dict);
}

int jobs_v1_wild_stat(jobs_v1_wild_dict *dict, shmrpc_dict_stat *out)
{
    return shmrpc_dict_stat_read((shmrpc_dict *)dict, out);
}

int jobs_v1_arrays_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_arrays_dict **out, shmrpc_error *error)
{
    shmrpc_dict *dict = NULL;
    int status = shmrpc_stub_dict_open(&jobs_v1_arrays_dict_descriptor, name,
                                       opts, &dict, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_arrays_dict *)dict;
    }
    return status;
}

void jobs_v1_arrays_close(jobs_v1_arrays_dict *dict)
{
    shmrpc_dict_close((shmrpc_dict *)dict);
}

int jobs_v1_arrays_get(jobs_v1_arrays_dict *dict, shmrpc_bytes key,
                       jobs_v1_arrays_item *out, shmrpc_error *error)
{
    return shmrpc_stub_dict_get((shmrpc_dict *)dict, &key, out, error);
}

int jobs_v1_arrays_contains(jobs_v1_arrays_dict *dict, shmrpc_bytes key,
                            shmrpc_error *error)
{
    return shmrpc_stub_dict_contains((shmrpc_dict *)dict, &key, error);
}

int jobs_v1_arrays_len(jobs_v1_arrays_dict *dict, uint64_t *out,
                       shmrpc_error *error)
{
    return shmrpc_dict_len((shmrpc_dict *)dict, NULL, out, error);
}

int jobs_v1_arrays_put(jobs_v1_arrays_dict *dict, shmrpc_bytes key,
                       const jobs_v1_arrays_item *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put((shmrpc_dict *)dict, &key, value, error);
}

int jobs_v1_arrays_put_new(jobs_v1_arrays_dict *dict, shmrpc_bytes key,
                           const jobs_v1_arrays_item *value,
                           shmrpc_error *error)
{
    return shmrpc_stub_dict_put_new((shmrpc_dict *)dict, &key, value, error);
}

int jobs_v1_arrays_del(jobs_v1_arrays_dict *dict, shmrpc_bytes key,
                       shmrpc_error *error)
{
    return shmrpc_stub_dict_del((shmrpc_dict *)dict, &key, error);
}

static int change_arrays(shmrpc_function change, void *user, const void *was,
                         void *now)
{
    jobs_v1_arrays_change *ask = (jobs_v1_arrays_change *)change;
    return ask(user, (const jobs_v1_arrays_item *)was,
               (jobs_v1_arrays_item *)now);
}

int jobs_v1_arrays_update(jobs_v1_arrays_dict *dict, shmrpc_bytes key,
                          jobs_v1_arrays_change *change, void *user,
                          shmrpc_error *error)
{
    return shmrpc_stub_dict_update((shmrpc_dict *)dict, &key, change_arrays,
                                   (shmrpc_function)change, user, error);
}

int jobs_v1_arrays_merge(jobs_v1_arrays_dict *dict,
                         const jobs_v1_arrays_entry *entries, size_t count,
                         shmrpc_error *error)
{
    const void *keys = count > 0 ? &entries->key : NULL;
    const void *values = count > 0 ? &entries->value : NULL;
    return shmrpc_stub_dict_merge((shmrpc_dict *)dict, keys, values,
                                  sizeof *entries, count, error);
}

int jobs_v1_arrays_clear(jobs_v1_arrays_dict *dict, shmrpc_error *error)
{
    return shmrpc_dict_clear((shmrpc_dict *)dict, error);
}

int jobs_v1_arrays_lock(jobs_v1_arrays_dict *dict, const shmrpc_bytes *key,
                        const shmrpc_lock_wait *wait, shmrpc_error *error)
{
    return shmrpc_stub_dict_lock((shmrpc_dict *)dict, key, wait, error);
}

int jobs_v1_arrays_try_lock(jobs_v1_arrays_dict *dict, const shmrpc_bytes *key,
                            shmrpc_error *error)
{
    return shmrpc_stub_dict_try_lock((shmrpc_dict *)dict, key, error);
}

int jobs_v1_arrays_unlock(jobs_v1_arrays_dict *dict, const shmrpc_bytes *key,
                          shmrpc_error *error)
{
    return shmrpc_stub_dict_unlock((shmrpc_dict *)dict, key, error);
}

int jobs_v1_arrays_lock_consistent(jobs_v1_arrays_dict *dict,
                                   const shmrpc_bytes *key, shmrpc_error *error)
{
    return shmrpc_stub_dict_lock_consistent((shmrpc_dict *)dict, key, error);
}

int jobs_v1_arrays_view_open(jobs_v1_arrays_dict *dict,
                             jobs_v1_arrays_view **out, shmrpc_error *error)
{
    shmrpc_view *view = NULL;
    int status = shmrpc_dict_view_open((shmrpc_dict *)dict, &view, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_arrays_view *)view;
    }
    return status;
}

int jobs_v1_arrays_view_get(jobs_v1_arrays_view *view, shmrpc_bytes key,
                            const jobs_v1_arrays_item **out,
                            shmrpc_error *error)
{
    const void *value = NULL;
    int status = shmrpc_stub_view_get((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_arrays_item *)value;
    }
    return status;
}

int jobs_v1_arrays_view_next(jobs_v1_arrays_view *view,
                             const shmrpc_bytes **out_key,
                             const jobs_v1_arrays_item **out_value,
                             shmrpc_error *error)
{
    const void *key = NULL;
    const void *value = NULL;
    int status =
        shmrpc_stub_view_next((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out_key = (const shmrpc_bytes *)key;
        *out_value = (const jobs_v1_arrays_item *)value;
    }
    return status;
}

void jobs_v1_arrays_view_close(jobs_v1_arrays_view *view)
{
    shmrpc_view_close((shmrpc_view *)view);
}

int jobs_v1_arrays_watch_open(jobs_v1_arrays_dict *dict,
                              const shmrpc_watch_opts *opts,
                              jobs_v1_arrays_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_dict_watch_open((shmrpc_dict *)dict, opts, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_arrays_watch *)watch;
    }
    return status;
}

int jobs_v1_arrays_watch_next(jobs_v1_arrays_watch *watch,
                              const jobs_v1_arrays_event **out,
                              const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_arrays_event *)event;
    }
    return status;
}

int jobs_v1_arrays_watch_fd(jobs_v1_arrays_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void jobs_v1_arrays_watch_close(jobs_v1_arrays_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int jobs_v1_arrays_snapshot(jobs_v1_arrays_dict *dict, const char *path,
                            const shmrpc_snapshot_opts *opts,
                            shmrpc_error *error)
{
    return shmrpc_dict_snapshot((shmrpc_dict *)dict, path, opts, error);
}

int jobs_v1_arrays_load(jobs_v1_arrays_dict *dict, const char *path,
                        shmrpc_error *error)
{
    return shmrpc_dict_load((shmrpc_dict *)dict, path, error);
}

int jobs_v1_arrays_destroy(jobs_v1_arrays_dict *dict)
{
    return shmrpc_dict_destroy((shmrpc_dict *)dict);
}

int jobs_v1_arrays_stat(jobs_v1_arrays_dict *dict, shmrpc_dict_stat *out)
{
    return shmrpc_dict_stat_read((shmrpc_dict *)dict, out);
}

int jobs_v1_counts_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_counts_dict **out, shmrpc_error *error)
{
    shmrpc_dict *dict = NULL;
    int status = shmrpc_stub_dict_open(&jobs_v1_counts_dict_descriptor, name,
                                       opts, &dict, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_counts_dict *)dict;
    }
    return status;
}

void jobs_v1_counts_close(jobs_v1_counts_dict *dict)
{
    shmrpc_dict_close((shmrpc_dict *)dict);
}

int jobs_v1_counts_get(jobs_v1_counts_dict *dict, jobs_v1_level key,
                       const jobs_v1_counts_item **out, shmrpc_error *error)
{
    const void *value = NULL;
    int status =
        shmrpc_stub_dict_get_item((shmrpc_dict *)dict, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_counts_item *)value;
    }
    return status;
}

void jobs_v1_counts_release(jobs_v1_counts_dict *dict,
                            const jobs_v1_counts_item *value)
{
    shmrpc_stub_dict_release((shmrpc_dict *)dict, value);
}

int jobs_v1_counts_contains(jobs_v1_counts_dict *dict, jobs_v1_level key,
                            shmrpc_error *error)
{
    return shmrpc_stub_dict_contains((shmrpc_dict *)dict, &key, error);
}

int jobs_v1_counts_len(jobs_v1_counts_dict *dict, uint64_t *out,
                       shmrpc_error *error)
{
    return shmrpc_dict_len((shmrpc_dict *)dict, NULL, out, error);
}

int jobs_v1_counts_put(jobs_v1_counts_dict *dict, jobs_v1_level key,
                       const jobs_v1_counts_item *value, shmrpc_error *error)
{
    return shmrpc_stub_dict_put((shmrpc_dict *)dict, &key, value, error);
}

int jobs_v1_counts_put_new(jobs_v1_counts_dict *dict, jobs_v1_level key,
                           const jobs_v1_counts_item *value,
                           shmrpc_error *error)
{
    return shmrpc_stub_dict_put_new((shmrpc_dict *)dict, &key, value, error);
}

int jobs_v1_counts_del(jobs_v1_counts_dict *dict, jobs_v1_level key,
                       shmrpc_error *error)
{
    return shmrpc_stub_dict_del((shmrpc_dict *)dict, &key, error);
}

static int change_counts(shmrpc_function change, void *user, const void *was,
                         void *now)
{
    jobs_v1_counts_change *ask = (jobs_v1_counts_change *)change;
    return ask(user, (const jobs_v1_counts_item *)was,
               (jobs_v1_counts_item *)now);
}

int jobs_v1_counts_update(jobs_v1_counts_dict *dict, jobs_v1_level key,
                          jobs_v1_counts_change *change, void *user,
                          shmrpc_error *error)
{
    return shmrpc_stub_dict_update((shmrpc_dict *)dict, &key, change_counts,
                                   (shmrpc_function)change, user, error);
}

int jobs_v1_counts_merge(jobs_v1_counts_dict *dict,
                         const jobs_v1_counts_entry *entries, size_t count,
                         shmrpc_error *error)
{
    const void *keys = count > 0 ? &entries->key : NULL;
    const void *values = count > 0 ? &entries->value : NULL;
    return shmrpc_stub_dict_merge((shmrpc_dict *)dict, keys, values,
                                  sizeof *entries, count, error);
}

int jobs_v1_counts_clear(jobs_v1_counts_dict *dict, shmrpc_error *error)
{
    return shmrpc_dict_clear((shmrpc_dict *)dict, error);
}

int jobs_v1_counts_lock(jobs_v1_counts_dict *dict, const jobs_v1_level *key,
                        const shmrpc_lock_wait *wait, shmrpc_error *error)
{
    return shmrpc_stub_dict_lock((shmrpc_dict *)dict, key, wait, error);
}

int jobs_v1_counts_try_lock(jobs_v1_counts_dict *dict, const jobs_v1_level *key,
                            shmrpc_error *error)
{
    return shmrpc_stub_dict_try_lock((shmrpc_dict *)dict, key, error);
}

int jobs_v1_counts_unlock(jobs_v1_counts_dict *dict, const jobs_v1_level *key,
                          shmrpc_error *error)
{
    return shmrpc_stub_dict_unlock((shmrpc_dict *)dict, key, error);
}

int jobs_v1_counts_lock_consistent(jobs_v1_counts_dict *dict,
                                   const jobs_v1_level *key,
                                   shmrpc_error *error)
{
    return shmrpc_stub_dict_lock_consistent((shmrpc_dict *)dict, key, error);
}

int jobs_v1_counts_view_open(jobs_v1_counts_dict *dict,
                             jobs_v1_counts_view **out, shmrpc_error *error)
{
    shmrpc_view *view = NULL;
    int status = shmrpc_dict_view_open((shmrpc_dict *)dict, &view, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_counts_view *)view;
    }
    return status;
}

int jobs_v1_counts_view_get(jobs_v1_counts_view *view, jobs_v1_level key,
                            const jobs_v1_counts_item **out,
                            shmrpc_error *error)
{
    const void *value = NULL;
    int status = shmrpc_stub_view_get((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_counts_item *)value;
    }
    return status;
}

int jobs_v1_counts_view_next(jobs_v1_counts_view *view,
                             const jobs_v1_level **out_key,
                             const jobs_v1_counts_item **out_value,
                             shmrpc_error *error)
{
    const void *key = NULL;
    const void *value = NULL;
    int status =
        shmrpc_stub_view_next((shmrpc_view *)view, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out_key = (const jobs_v1_level *)key;
        *out_value = (const jobs_v1_counts_item *)value;
    }
    return status;
}

void jobs_v1_counts_view_close(jobs_v1_counts_view *view)
{
    shmrpc_view_close((shmrpc_view *)view);
}

int jobs_v1_counts_watch_open(jobs_v1_counts_dict *dict,
                              const shmrpc_watch_opts *opts,
                              jobs_v1_counts_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_dict_watch_open((shmrpc_dict *)dict, opts, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_counts_watch *)watch;
    }
    return status;
}

int jobs_v1_counts_watch_next(jobs_v1_counts_watch *watch,
                              const jobs_v1_counts_event **out,
                              const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_counts_event *)event;
    }
    return status;
}

int jobs_v1_counts_watch_fd(jobs_v1_counts_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void jobs_v1_counts_watch_close(jobs_v1_counts_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int jobs_v1_counts_snapshot(jobs_v1_counts_dict *dict, const char *path,
                            const shmrpc_snapshot_opts *opts,
                            shmrpc_error *error)
{
    return shmrpc_dict_snapshot((shmrpc_dict *)dict, path, opts, error);
}

int jobs_v1_counts_load(jobs_v1_counts_dict *dict, const char *path,
                        shmrpc_error *error)
{
    return shmrpc_dict_load((shmrpc_dict *)dict, path, error);
}

int jobs_v1_counts_destroy(jobs_v1_counts_dict *dict)
{
    return shmrpc_dict_destroy((shmrpc_dict *)dict);
}

int jobs_v1_counts_stat(jobs_v1_counts_dict *dict, shmrpc_dict_stat *out)
{
    return shmrpc_dict_stat_read((shmrpc_dict *)dict, out);
}

int jobs_v1_news_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_news_topic **out, shmrpc_error *error)
{
    shmrpc_topic *topic = NULL;
    int status = shmrpc_stub_topic_open(&jobs_v1_news_topic_descriptor, name,
                                        opts, &topic, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_news_topic *)topic;
    }
    return status;
}

void jobs_v1_news_close(jobs_v1_news_topic *topic)
{
    shmrpc_topic_close((shmrpc_topic *)topic);
}

int jobs_v1_news_publish(jobs_v1_news_topic *topic, const jobs_v1_job *message,
                         const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_topic_publish((shmrpc_topic *)topic, message, opts,
                                     error);
}

int jobs_v1_news_subscribe(jobs_v1_news_topic *topic, jobs_v1_news_sub **out,
                           shmrpc_error *error)
{
    shmrpc_sub *sub = NULL;
    int status = shmrpc_topic_subscribe((shmrpc_topic *)topic, &sub, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_news_sub *)sub;
    }
    return status;
}

int jobs_v1_news_next(jobs_v1_news_sub *sub, const jobs_v1_job **out,
                      const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *message = NULL;
    int status = shmrpc_stub_sub_next((shmrpc_sub *)sub, &message, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job *)message;
    }
    return status;
}

uint64_t jobs_v1_news_lost(const jobs_v1_news_sub *sub)
{
    return shmrpc_sub_lost((const shmrpc_sub *)sub);
}

int jobs_v1_news_fd(jobs_v1_news_sub *sub)
{
    return shmrpc_sub_fd((shmrpc_sub *)sub);
}

void jobs_v1_news_unsubscribe(jobs_v1_news_sub *sub)
{
    shmrpc_sub_close((shmrpc_sub *)sub);
}

int jobs_v1_news_end(jobs_v1_news_topic *topic)
{
    return shmrpc_topic_end((shmrpc_topic *)topic);
}

int jobs_v1_news_destroy(jobs_v1_news_topic *topic)
{
    return shmrpc_topic_destroy((shmrpc_topic *)topic);
}

int jobs_v1_news_stat(jobs_v1_news_topic *topic, shmrpc_topic_stat *out)
{
    return shmrpc_topic_stat_read((shmrpc_topic *)topic, out);
}

int jobs_v1_levels_seen_open(const char *name, const shmrpc_shared_opts *opts,
                             jobs_v1_levels_seen_topic **out,
                             shmrpc_error *error)
{
    shmrpc_topic *topic = NULL;
    int status = shmrpc_stub_topic_open(&jobs_v1_levels_seen_topic_descriptor,
                                        name, opts, &topic, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_levels_seen_topic *)topic;
    }
    return status;
}

void jobs_v1_levels_seen_close(jobs_v1_levels_seen_topic *topic)
{
    shmrpc_topic_close((shmrpc_topic *)topic);
}

int jobs_v1_levels_seen_publish(jobs_v1_levels_seen_topic *topic,
                                const jobs_v1_level *message,
                                const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_topic_publish((shmrpc_topic *)topic, message, opts,
                                     error);
}

int jobs_v1_levels_seen_subscribe(jobs_v1_levels_seen_topic *topic,
                                  jobs_v1_levels_seen_sub **out,
                                  shmrpc_error *error)
{
    shmrpc_sub *sub = NULL;
    int status = shmrpc_topic_subscribe((shmrpc_topic *)topic, &sub, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_levels_seen_sub *)sub;
    }
    return status;
}

int jobs_v1_levels_seen_next(jobs_v1_levels_seen_sub *sub,
                             const jobs_v1_level **out, const shmrpc_opts *opts,
                             shmrpc_error *error)
{
    const void *message = NULL;
    int status = shmrpc_stub_sub_next((shmrpc_sub *)sub, &message, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_level *)message;
    }
    return status;
}

uint64_t jobs_v1_levels_seen_lost(const jobs_v1_levels_seen_sub *sub)
{
    return shmrpc_sub_lost((const shmrpc_sub *)sub);
}

int jobs_v1_levels_seen_fd(jobs_v1_levels_seen_sub *sub)
{
    return shmrpc_sub_fd((shmrpc_sub *)sub);
}

void jobs_v1_levels_seen_unsubscribe(jobs_v1_levels_seen_sub *sub)
{
    shmrpc_sub_close((shmrpc_sub *)sub);
}

int jobs_v1_levels_seen_end(jobs_v1_levels_seen_topic *topic)
{
    return shmrpc_topic_end((shmrpc_topic *)topic);
}

int jobs_v1_levels_seen_destroy(jobs_v1_levels_seen_topic *topic)
{
    return shmrpc_topic_destroy((shmrpc_topic *)topic);
}

int jobs_v1_levels_seen_stat(jobs_v1_levels_seen_topic *topic,
                             shmrpc_topic_stat *out)
{
    return shmrpc_topic_stat_read((shmrpc_topic *)topic, out);
}

int jobs_v1_talk_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_talk_topic **out, shmrpc_error *error)
{
    shmrpc_topic *topic = NULL;
    int status = shmrpc_stub_topic_open(&jobs_v1_talk_topic_descriptor, name,
                                        opts, &topic, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_talk_topic *)topic;
    }
    return status;
}

void jobs_v1_talk_close(jobs_v1_talk_topic *topic)
{
    shmrpc_topic_close((shmrpc_topic *)topic);
}

int jobs_v1_talk_publish(jobs_v1_talk_topic *topic, const shmrpc_any *message,
                         const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_topic_publish((shmrpc_topic *)topic, message, opts,
                                     error);
}

int jobs_v1_talk_subscribe(jobs_v1_talk_topic *topic, jobs_v1_talk_sub **out,
                           shmrpc_error *error)
{
    shmrpc_sub *sub = NULL;
    int status = shmrpc_topic_subscribe((shmrpc_topic *)topic, &sub, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_talk_sub *)sub;
    }
    return status;
}

int jobs_v1_talk_next(jobs_v1_talk_sub *sub, const shmrpc_any **out,
                      const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *message = NULL;
    int status = shmrpc_stub_sub_next((shmrpc_sub *)sub, &message, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const shmrpc_any *)message;
    }
    return status;
}

uint64_t jobs_v1_talk_lost(const jobs_v1_talk_sub *sub)
{
    return shmrpc_sub_lost((const shmrpc_sub *)sub);
}

int jobs_v1_talk_fd(jobs_v1_talk_sub *sub)
{
    return shmrpc_sub_fd((shmrpc_sub *)sub);
}

void jobs_v1_talk_unsubscribe(jobs_v1_talk_sub *sub)
{
    shmrpc_sub_close((shmrpc_sub *)sub);
}

int jobs_v1_talk_end(jobs_v1_talk_topic *topic)
{
    return shmrpc_topic_end((shmrpc_topic *)topic);
}

int jobs_v1_talk_destroy(jobs_v1_talk_topic *topic)
{
    return shmrpc_topic_destroy((shmrpc_topic *)topic);
}

int jobs_v1_talk_stat(jobs_v1_talk_topic *topic, shmrpc_topic_stat *out)
{
    return shmrpc_topic_stat_read((shmrpc_topic *)topic, out);
}

int jobs_v1_sound_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_sound_pipe **out, shmrpc_error *error)
{
    shmrpc_pipe *pipe = NULL;
    int status = shmrpc_stub_pipe_open(&jobs_v1_sound_pipe_descriptor, name,
                                       opts, &pipe, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_sound_pipe *)pipe;
    }
    return status;
}

void jobs_v1_sound_close(jobs_v1_sound_pipe *pipe)
{
    shmrpc_pipe_close((shmrpc_pipe *)pipe);
}

int jobs_v1_sound_write(jobs_v1_sound_pipe *pipe, const void *data, size_t len,
                        const shmrpc_opts *opts, size_t *out_written,
                        shmrpc_error *error)
{
    return shmrpc_pipe_write((shmrpc_pipe *)pipe, data, len, opts, out_written,
                             error);
}

int jobs_v1_sound_read(jobs_v1_sound_pipe *pipe, void *data, size_t size,
                       const shmrpc_opts *opts, size_t *out_read,
                       shmrpc_error *error)
{
    return shmrpc_pipe_read((shmrpc_pipe *)pipe, data, size, opts, out_read,
                            error);
}

int jobs_v1_sound_fd(jobs_v1_sound_pipe *pipe)
{
    return shmrpc_pipe_fd((shmrpc_pipe *)pipe);
}

int jobs_v1_sound_end(jobs_v1_sound_pipe *pipe)
{
    return shmrpc_pipe_end((shmrpc_pipe *)pipe);
}

int jobs_v1_sound_destroy(jobs_v1_sound_pipe *pipe)
{
    return shmrpc_pipe_destroy((shmrpc_pipe *)pipe);
}

int jobs_v1_sound_stat(jobs_v1_sound_pipe *pipe, shmrpc_pipe_stat *out)
{
    return shmrpc_pipe_stat_read((shmrpc_pipe *)pipe, out);
}

int jobs_v1_config_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_config_value **out, shmrpc_error *error)
{
    shmrpc_value *value = NULL;
    int status = shmrpc_stub_value_open(&jobs_v1_config_value_descriptor, name,
                                        opts, &value, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_config_value *)value;
    }
    return status;
}

void jobs_v1_config_close(jobs_v1_config_value *value)
{
    shmrpc_value_close((shmrpc_value *)value);
}

int jobs_v1_config_get(jobs_v1_config_value *value, const shmrpc_any **out,
                       shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_value_get_item((shmrpc_value *)value, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const shmrpc_any *)item;
    }
    return status;
}

void jobs_v1_config_release(jobs_v1_config_value *value, const shmrpc_any *item)
{
    shmrpc_stub_value_release((shmrpc_value *)value, item);
}

int jobs_v1_config_put(jobs_v1_config_value *value, const shmrpc_any *item,
                       shmrpc_error *error)
{
    return shmrpc_stub_value_put((shmrpc_value *)value, item, error);
}

static int change_config(shmrpc_function change, void *user, const void *was,
                         void *now)
{
    jobs_v1_config_change *ask = (jobs_v1_config_change *)change;
    return ask(user, (const shmrpc_any *)was, (shmrpc_any *)now);
}

int jobs_v1_config_update(jobs_v1_config_value *value,
                          jobs_v1_config_change *change, void *user,
                          shmrpc_error *error)
{
    return shmrpc_stub_value_update((shmrpc_value *)value, change_config,
                                    (shmrpc_function)change, user, error);
}

int jobs_v1_config_lock(jobs_v1_config_value *value,
                        const shmrpc_lock_wait *wait, shmrpc_error *error)
{
    return shmrpc_value_lock((shmrpc_value *)value, wait, error);
}

int jobs_v1_config_try_lock(jobs_v1_config_value *value, shmrpc_error *error)
{
    return shmrpc_value_try_lock((shmrpc_value *)value, error);
}

int jobs_v1_config_unlock(jobs_v1_config_value *value, shmrpc_error *error)
{
    return shmrpc_value_unlock((shmrpc_value *)value, error);
}

int jobs_v1_config_lock_consistent(jobs_v1_config_value *value,
                                   shmrpc_error *error)
{
    return shmrpc_value_lock_consistent((shmrpc_value *)value, error);
}

int jobs_v1_config_watch_open(jobs_v1_config_value *value, uint32_t flags,
                              jobs_v1_config_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_value_watch_open((shmrpc_value *)value, flags, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_config_watch *)watch;
    }
    return status;
}

int jobs_v1_config_watch_next(jobs_v1_config_watch *watch,
                              const jobs_v1_config_event **out,
                              const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_config_event *)event;
    }
    return status;
}

int jobs_v1_config_watch_fd(jobs_v1_config_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void jobs_v1_config_watch_close(jobs_v1_config_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int jobs_v1_config_snapshot(jobs_v1_config_value *value, const char *path,
                            const shmrpc_snapshot_opts *opts,
                            shmrpc_error *error)
{
    return shmrpc_value_snapshot((shmrpc_value *)value, path, opts, error);
}

int jobs_v1_config_load(jobs_v1_config_value *value, const char *path,
                        shmrpc_error *error)
{
    return shmrpc_value_load((shmrpc_value *)value, path, error);
}

int jobs_v1_config_destroy(jobs_v1_config_value *value)
{
    return shmrpc_value_destroy((shmrpc_value *)value);
}

int jobs_v1_config_stat(jobs_v1_config_value *value, shmrpc_dict_stat *out)
{
    return shmrpc_value_stat_read((shmrpc_value *)value, out);
}

int jobs_v1_current_open(const char *name, const shmrpc_shared_opts *opts,
                         jobs_v1_current_value **out, shmrpc_error *error)
{
    shmrpc_value *value = NULL;
    int status = shmrpc_stub_value_open(&jobs_v1_current_value_descriptor, name,
                                        opts, &value, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_current_value *)value;
    }
    return status;
}

void jobs_v1_current_close(jobs_v1_current_value *value)
{
    shmrpc_value_close((shmrpc_value *)value);
}

int jobs_v1_current_get(jobs_v1_current_value *value, const jobs_v1_job **out,
                        shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_value_get_item((shmrpc_value *)value, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job *)item;
    }
    return status;
}

void jobs_v1_current_release(jobs_v1_current_value *value,
                             const jobs_v1_job *item)
{
    shmrpc_stub_value_release((shmrpc_value *)value, item);
}

int jobs_v1_current_put(jobs_v1_current_value *value, const jobs_v1_job *item,
                        shmrpc_error *error)
{
    return shmrpc_stub_value_put((shmrpc_value *)value, item, error);
}

static int change_current(shmrpc_function change, void *user, const void *was,
                          void *now)
{
    jobs_v1_current_change *ask = (jobs_v1_current_change *)change;
    return ask(user, (const jobs_v1_job *)was, (jobs_v1_job *)now);
}

int jobs_v1_current_update(jobs_v1_current_value *value,
                           jobs_v1_current_change *change, void *user,
                           shmrpc_error *error)
{
    return shmrpc_stub_value_update((shmrpc_value *)value, change_current,
                                    (shmrpc_function)change, user, error);
}

int jobs_v1_current_lock(jobs_v1_current_value *value,
                         const shmrpc_lock_wait *wait, shmrpc_error *error)
{
    return shmrpc_value_lock((shmrpc_value *)value, wait, error);
}

int jobs_v1_current_try_lock(jobs_v1_current_value *value, shmrpc_error *error)
{
    return shmrpc_value_try_lock((shmrpc_value *)value, error);
}

int jobs_v1_current_unlock(jobs_v1_current_value *value, shmrpc_error *error)
{
    return shmrpc_value_unlock((shmrpc_value *)value, error);
}

int jobs_v1_current_lock_consistent(jobs_v1_current_value *value,
                                    shmrpc_error *error)
{
    return shmrpc_value_lock_consistent((shmrpc_value *)value, error);
}

int jobs_v1_current_watch_open(jobs_v1_current_value *value, uint32_t flags,
                               jobs_v1_current_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_value_watch_open((shmrpc_value *)value, flags, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_current_watch *)watch;
    }
    return status;
}

int jobs_v1_current_watch_next(jobs_v1_current_watch *watch,
                               const jobs_v1_current_event **out,
                               const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_current_event *)event;
    }
    return status;
}

int jobs_v1_current_watch_fd(jobs_v1_current_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void jobs_v1_current_watch_close(jobs_v1_current_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int jobs_v1_current_snapshot(jobs_v1_current_value *value, const char *path,
                             const shmrpc_snapshot_opts *opts,
                             shmrpc_error *error)
{
    return shmrpc_value_snapshot((shmrpc_value *)value, path, opts, error);
}

int jobs_v1_current_load(jobs_v1_current_value *value, const char *path,
                         shmrpc_error *error)
{
    return shmrpc_value_load((shmrpc_value *)value, path, error);
}

int jobs_v1_current_destroy(jobs_v1_current_value *value)
{
    return shmrpc_value_destroy((shmrpc_value *)value);
}

int jobs_v1_current_stat(jobs_v1_current_value *value, shmrpc_dict_stat *out)
{
    return shmrpc_value_stat_read((shmrpc_value *)value, out);
}

int jobs_v1_state_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_state_value **out, shmrpc_error *error)
{
    shmrpc_value *value = NULL;
    int status = shmrpc_stub_value_open(&jobs_v1_state_value_descriptor, name,
                                        opts, &value, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_state_value *)value;
    }
    return status;
}

void jobs_v1_state_close(jobs_v1_state_value *value)
{
    shmrpc_value_close((shmrpc_value *)value);
}

int jobs_v1_state_get(jobs_v1_state_value *value, jobs_v1_fixed *out,
                      shmrpc_error *error)
{
    return shmrpc_stub_value_get((shmrpc_value *)value, out, error);
}

int jobs_v1_state_put(jobs_v1_state_value *value, const jobs_v1_fixed *item,
                      shmrpc_error *error)
{
    return shmrpc_stub_value_put((shmrpc_value *)value, item, error);
}

static int change_state(shmrpc_function change, void *user, const void *was,
                        void *now)
{
    jobs_v1_state_change *ask = (jobs_v1_state_change *)change;
    return ask(user, (const jobs_v1_fixed *)was, (jobs_v1_fixed *)now);
}

int jobs_v1_state_update(jobs_v1_state_value *value,
                         jobs_v1_state_change *change, void *user,
                         shmrpc_error *error)
{
    return shmrpc_stub_value_update((shmrpc_value *)value, change_state,
                                    (shmrpc_function)change, user, error);
}

int jobs_v1_state_lock(jobs_v1_state_value *value, const shmrpc_lock_wait *wait,
                       shmrpc_error *error)
{
    return shmrpc_value_lock((shmrpc_value *)value, wait, error);
}

int jobs_v1_state_try_lock(jobs_v1_state_value *value, shmrpc_error *error)
{
    return shmrpc_value_try_lock((shmrpc_value *)value, error);
}

int jobs_v1_state_unlock(jobs_v1_state_value *value, shmrpc_error *error)
{
    return shmrpc_value_unlock((shmrpc_value *)value, error);
}

int jobs_v1_state_lock_consistent(jobs_v1_state_value *value,
                                  shmrpc_error *error)
{
    return shmrpc_value_lock_consistent((shmrpc_value *)value, error);
}

int jobs_v1_state_watch_open(jobs_v1_state_value *value, uint32_t flags,
                             jobs_v1_state_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_value_watch_open((shmrpc_value *)value, flags, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_state_watch *)watch;
    }
    return status;
}

int jobs_v1_state_watch_next(jobs_v1_state_watch *watch,
                             const jobs_v1_state_event **out,
                             const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_state_event *)event;
    }
    return status;
}

int jobs_v1_state_watch_fd(jobs_v1_state_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void jobs_v1_state_watch_close(jobs_v1_state_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int jobs_v1_state_snapshot(jobs_v1_state_value *value, const char *path,
                           const shmrpc_snapshot_opts *opts,
                           shmrpc_error *error)
{
    return shmrpc_value_snapshot((shmrpc_value *)value, path, opts, error);
}

int jobs_v1_state_load(jobs_v1_state_value *value, const char *path,
                       shmrpc_error *error)
{
    return shmrpc_value_load((shmrpc_value *)value, path, error);
}

int jobs_v1_state_destroy(jobs_v1_state_value *value)
{
    return shmrpc_value_destroy((shmrpc_value *)value);
}

int jobs_v1_state_stat(jobs_v1_state_value *value, shmrpc_dict_stat *out)
{
    return shmrpc_value_stat_read((shmrpc_value *)value, out);
}

int jobs_v1_recent_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_recent_value **out, shmrpc_error *error)
{
    shmrpc_value *value = NULL;
    int status = shmrpc_stub_value_open(&jobs_v1_recent_value_descriptor, name,
                                        opts, &value, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_recent_value *)value;
    }
    return status;
}

void jobs_v1_recent_close(jobs_v1_recent_value *value)
{
    shmrpc_value_close((shmrpc_value *)value);
}

int jobs_v1_recent_get(jobs_v1_recent_value *value,
                       const jobs_v1_job_list **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_value_get_item((shmrpc_value *)value, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job_list *)item;
    }
    return status;
}

void jobs_v1_recent_release(jobs_v1_recent_value *value,
                            const jobs_v1_job_list *item)
{
    shmrpc_stub_value_release((shmrpc_value *)value, item);
}

int jobs_v1_recent_put(jobs_v1_recent_value *value,
                       const jobs_v1_job_list *item, shmrpc_error *error)
{
    return shmrpc_stub_value_put((shmrpc_value *)value, item, error);
}

static int change_recent(shmrpc_function change, void *user, const void *was,
                         void *now)
{
    jobs_v1_recent_change *ask = (jobs_v1_recent_change *)change;
    return ask(user, (const jobs_v1_job_list *)was, (jobs_v1_job_list *)now);
}

int jobs_v1_recent_update(jobs_v1_recent_value *value,
                          jobs_v1_recent_change *change, void *user,
                          shmrpc_error *error)
{
    return shmrpc_stub_value_update((shmrpc_value *)value, change_recent,
                                    (shmrpc_function)change, user, error);
}

int jobs_v1_recent_lock(jobs_v1_recent_value *value,
                        const shmrpc_lock_wait *wait, shmrpc_error *error)
{
    return shmrpc_value_lock((shmrpc_value *)value, wait, error);
}

int jobs_v1_recent_try_lock(jobs_v1_recent_value *value, shmrpc_error *error)
{
    return shmrpc_value_try_lock((shmrpc_value *)value, error);
}

int jobs_v1_recent_unlock(jobs_v1_recent_value *value, shmrpc_error *error)
{
    return shmrpc_value_unlock((shmrpc_value *)value, error);
}

int jobs_v1_recent_lock_consistent(jobs_v1_recent_value *value,
                                   shmrpc_error *error)
{
    return shmrpc_value_lock_consistent((shmrpc_value *)value, error);
}

int jobs_v1_recent_watch_open(jobs_v1_recent_value *value, uint32_t flags,
                              jobs_v1_recent_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_value_watch_open((shmrpc_value *)value, flags, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_recent_watch *)watch;
    }
    return status;
}

int jobs_v1_recent_watch_next(jobs_v1_recent_watch *watch,
                              const jobs_v1_recent_event **out,
                              const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_recent_event *)event;
    }
    return status;
}

int jobs_v1_recent_watch_fd(jobs_v1_recent_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void jobs_v1_recent_watch_close(jobs_v1_recent_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int jobs_v1_recent_snapshot(jobs_v1_recent_value *value, const char *path,
                            const shmrpc_snapshot_opts *opts,
                            shmrpc_error *error)
{
    return shmrpc_value_snapshot((shmrpc_value *)value, path, opts, error);
}

int jobs_v1_recent_load(jobs_v1_recent_value *value, const char *path,
                        shmrpc_error *error)
{
    return shmrpc_value_load((shmrpc_value *)value, path, error);
}

int jobs_v1_recent_destroy(jobs_v1_recent_value *value)
{
    return shmrpc_value_destroy((shmrpc_value *)value);
}

int jobs_v1_recent_stat(jobs_v1_recent_value *value, shmrpc_dict_stat *out)
{
    return shmrpc_value_stat_read((shmrpc_value *)value, out);
}

int jobs_v1_past_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_past_value **out, shmrpc_error *error)
{
    shmrpc_value *value = NULL;
    int status = shmrpc_stub_value_open(&jobs_v1_past_value_descriptor, name,
                                        opts, &value, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_past_value *)value;
    }
    return status;
}

void jobs_v1_past_close(jobs_v1_past_value *value)
{
    shmrpc_value_close((shmrpc_value *)value);
}

int jobs_v1_past_get(jobs_v1_past_value *value, const jobs_v1_job_list **out,
                     shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_value_get_item((shmrpc_value *)value, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job_list *)item;
    }
    return status;
}

void jobs_v1_past_release(jobs_v1_past_value *value,
                          const jobs_v1_job_list *item)
{
    shmrpc_stub_value_release((shmrpc_value *)value, item);
}

int jobs_v1_past_put(jobs_v1_past_value *value, const jobs_v1_job_list *item,
                     shmrpc_error *error)
{
    return shmrpc_stub_value_put((shmrpc_value *)value, item, error);
}

static int change_past(shmrpc_function change, void *user, const void *was,
                       void *now)
{
    jobs_v1_past_change *ask = (jobs_v1_past_change *)change;
    return ask(user, (const jobs_v1_job_list *)was, (jobs_v1_job_list *)now);
}

int jobs_v1_past_update(jobs_v1_past_value *value, jobs_v1_past_change *change,
                        void *user, shmrpc_error *error)
{
    return shmrpc_stub_value_update((shmrpc_value *)value, change_past,
                                    (shmrpc_function)change, user, error);
}

int jobs_v1_past_lock(jobs_v1_past_value *value, const shmrpc_lock_wait *wait,
                      shmrpc_error *error)
{
    return shmrpc_value_lock((shmrpc_value *)value, wait, error);
}

int jobs_v1_past_try_lock(jobs_v1_past_value *value, shmrpc_error *error)
{
    return shmrpc_value_try_lock((shmrpc_value *)value, error);
}

int jobs_v1_past_unlock(jobs_v1_past_value *value, shmrpc_error *error)
{
    return shmrpc_value_unlock((shmrpc_value *)value, error);
}

int jobs_v1_past_lock_consistent(jobs_v1_past_value *value, shmrpc_error *error)
{
    return shmrpc_value_lock_consistent((shmrpc_value *)value, error);
}

int jobs_v1_past_append(jobs_v1_past_value *value, const jobs_v1_job *item,
                        shmrpc_error *error)
{
    return shmrpc_stub_list_append((shmrpc_value *)value, item, error);
}

int jobs_v1_past_insert(jobs_v1_past_value *value, int64_t position,
                        const jobs_v1_job *item, shmrpc_error *error)
{
    return shmrpc_stub_list_insert((shmrpc_value *)value, position, item,
                                   error);
}

int jobs_v1_past_set(jobs_v1_past_value *value, int64_t position,
                     const jobs_v1_job *item, shmrpc_error *error)
{
    return shmrpc_stub_list_set((shmrpc_value *)value, position, item, error);
}

int jobs_v1_past_pop(jobs_v1_past_value *value, int64_t position,
                     const jobs_v1_job **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_list_pop((shmrpc_value *)value, position,
                                      out != NULL ? &item : NULL, error);
    if (status == SHMRPC_OK && out != NULL) {
        *out = (const jobs_v1_job *)item;
    }
    return status;
}

int jobs_v1_past_at(jobs_v1_past_value *value, int64_t position,
                    const jobs_v1_job **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_list_at((shmrpc_value *)value, position, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_job *)item;
    }
    return status;
}

void jobs_v1_past_release_one(jobs_v1_past_value *value,
                              const jobs_v1_job *item)
{
    shmrpc_stub_value_release((shmrpc_value *)value, item);
}

int jobs_v1_past_len(jobs_v1_past_value *value, uint64_t *out,
                     shmrpc_error *error)
{
    return shmrpc_stub_list_len((shmrpc_value *)value, out, error);
}

int jobs_v1_past_watch_open(jobs_v1_past_value *value, uint32_t flags,
                            jobs_v1_past_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_value_watch_open((shmrpc_value *)value, flags, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_past_watch *)watch;
    }
    return status;
}

int jobs_v1_past_watch_next(jobs_v1_past_watch *watch,
                            const jobs_v1_past_event **out,
                            const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_past_event *)event;
    }
    return status;
}

int jobs_v1_past_watch_fd(jobs_v1_past_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void jobs_v1_past_watch_close(jobs_v1_past_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int jobs_v1_past_snapshot(jobs_v1_past_value *value, const char *path,
                          const shmrpc_snapshot_opts *opts, shmrpc_error *error)
{
    return shmrpc_value_snapshot((shmrpc_value *)value, path, opts, error);
}

int jobs_v1_past_load(jobs_v1_past_value *value, const char *path,
                      shmrpc_error *error)
{
    return shmrpc_value_load((shmrpc_value *)value, path, error);
}

int jobs_v1_past_destroy(jobs_v1_past_value *value)
{
    return shmrpc_value_destroy((shmrpc_value *)value);
}

int jobs_v1_past_stat(jobs_v1_past_value *value, shmrpc_dict_stat *out)
{
    return shmrpc_value_stat_read((shmrpc_value *)value, out);
}

int jobs_v1_marks_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_marks_value **out, shmrpc_error *error)
{
    shmrpc_value *value = NULL;
    int status = shmrpc_stub_value_open(&jobs_v1_marks_value_descriptor, name,
                                        opts, &value, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_marks_value *)value;
    }
    return status;
}

void jobs_v1_marks_close(jobs_v1_marks_value *value)
{
    shmrpc_value_close((shmrpc_value *)value);
}

int jobs_v1_marks_get(jobs_v1_marks_value *value, const shmrpc_u32_list **out,
                      shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_value_get_item((shmrpc_value *)value, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const shmrpc_u32_list *)item;
    }
    return status;
}

void jobs_v1_marks_release(jobs_v1_marks_value *value,
                           const shmrpc_u32_list *item)
{
    shmrpc_stub_value_release((shmrpc_value *)value, item);
}

int jobs_v1_marks_put(jobs_v1_marks_value *value, const shmrpc_u32_list *item,
                      shmrpc_error *error)
{
    return shmrpc_stub_value_put((shmrpc_value *)value, item, error);
}

static int change_marks(shmrpc_function change, void *user, const void *was,
                        void *now)
{
    jobs_v1_marks_change *ask = (jobs_v1_marks_change *)change;
    return ask(user, (const shmrpc_u32_list *)was, (shmrpc_u32_list *)now);
}

int jobs_v1_marks_update(jobs_v1_marks_value *value,
                         jobs_v1_marks_change *change, void *user,
                         shmrpc_error *error)
{
    return shmrpc_stub_value_update((shmrpc_value *)value, change_marks,
                                    (shmrpc_function)change, user, error);
}

int jobs_v1_marks_lock(jobs_v1_marks_value *value, const shmrpc_lock_wait *wait,
                       shmrpc_error *error)
{
    return shmrpc_value_lock((shmrpc_value *)value, wait, error);
}

int jobs_v1_marks_try_lock(jobs_v1_marks_value *value, shmrpc_error *error)
{
    return shmrpc_value_try_lock((shmrpc_value *)value, error);
}

int jobs_v1_marks_unlock(jobs_v1_marks_value *value, shmrpc_error *error)
{
    return shmrpc_value_unlock((shmrpc_value *)value, error);
}

int jobs_v1_marks_lock_consistent(jobs_v1_marks_value *value,
                                  shmrpc_error *error)
{
    return shmrpc_value_lock_consistent((shmrpc_value *)value, error);
}

int jobs_v1_marks_append(jobs_v1_marks_value *value, const uint32_t *item,
                         shmrpc_error *error)
{
    return shmrpc_stub_list_append((shmrpc_value *)value, item, error);
}

int jobs_v1_marks_insert(jobs_v1_marks_value *value, int64_t position,
                         const uint32_t *item, shmrpc_error *error)
{
    return shmrpc_stub_list_insert((shmrpc_value *)value, position, item,
                                   error);
}

int jobs_v1_marks_set(jobs_v1_marks_value *value, int64_t position,
                      const uint32_t *item, shmrpc_error *error)
{
    return shmrpc_stub_list_set((shmrpc_value *)value, position, item, error);
}

int jobs_v1_marks_pop(jobs_v1_marks_value *value, int64_t position,
                      const uint32_t **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status = shmrpc_stub_list_pop((shmrpc_value *)value, position,
                                      out != NULL ? &item : NULL, error);
    if (status == SHMRPC_OK && out != NULL) {
        *out = (const uint32_t *)item;
    }
    return status;
}

int jobs_v1_marks_at(jobs_v1_marks_value *value, int64_t position,
                     const uint32_t **out, shmrpc_error *error)
{
    const void *item = NULL;
    int status =
        shmrpc_stub_list_at((shmrpc_value *)value, position, &item, error);
    if (status == SHMRPC_OK) {
        *out = (const uint32_t *)item;
    }
    return status;
}

void jobs_v1_marks_release_one(jobs_v1_marks_value *value, const uint32_t *item)
{
    shmrpc_stub_value_release((shmrpc_value *)value, item);
}

int jobs_v1_marks_len(jobs_v1_marks_value *value, uint64_t *out,
                      shmrpc_error *error)
{
    return shmrpc_stub_list_len((shmrpc_value *)value, out, error);
}

int jobs_v1_marks_watch_open(jobs_v1_marks_value *value, uint32_t flags,
                             jobs_v1_marks_watch **out, shmrpc_error *error)
{
    shmrpc_watch *watch = NULL;
    int status =
        shmrpc_value_watch_open((shmrpc_value *)value, flags, &watch, error);
    if (status == SHMRPC_OK) {
        *out = (jobs_v1_marks_watch *)watch;
    }
    return status;
}

int jobs_v1_marks_watch_next(jobs_v1_marks_watch *watch,
                             const jobs_v1_marks_event **out,
                             const shmrpc_opts *opts, shmrpc_error *error)
{
    const void *event = NULL;
    int status =
        shmrpc_stub_watch_next((shmrpc_watch *)watch, &event, opts, error);
    if (status == SHMRPC_OK) {
        *out = (const jobs_v1_marks_event *)event;
    }
    return status;
}

int jobs_v1_marks_watch_fd(jobs_v1_marks_watch *watch)
{
    return shmrpc_watch_fd((shmrpc_watch *)watch);
}

void jobs_v1_marks_watch_close(jobs_v1_marks_watch *watch)
{
    shmrpc_watch_close((shmrpc_watch *)watch);
}

int jobs_v1_marks_snapshot(jobs_v1_marks_value *value, const char *path,
                           const shmrpc_snapshot_opts *opts,
                           shmrpc_error *error)
{
    return shmrpc_value_snapshot((shmrpc_value *)value, path, opts, error);
}

int jobs_v1_marks_load(jobs_v1_marks_value *value, const char *path,
                       shmrpc_error *error)
{
    return shmrpc_value_load((shmrpc_value *)value, path, error);
}

int jobs_v1_marks_destroy(jobs_v1_marks_value *value)
{
    return shmrpc_value_destroy((shmrpc_value *)value);
}

int jobs_v1_marks_stat(jobs_v1_marks_value *value, shmrpc_dict_stat *out)
{
    return shmrpc_value_stat_read((shmrpc_value *)value, out);
}
