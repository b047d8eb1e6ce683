/* LMDB: a memory-mapped B+tree. Built in one pass with MDB_APPEND, without syncing, which is the
 * fastest way it offers; read inside one long transaction through one cursor. VARIANT "nordahead"
 * asks the system not to read ahead, as LMDB advises for files larger than memory. */
#define _GNU_SOURCE
#include <lmdb.h>
#include <stdio.h>

#include "peer.h"

/* A transaction keeps its dirty pages in memory until it is committed. */
#define KEYS_PER_COMMIT 1000000

static MDB_env *env;
static MDB_txn *txn;
static MDB_dbi dbi;
static MDB_cursor *cursor;
static unsigned read_flags = MDB_RDONLY;

static int fail(const char *what, int rc)
{
    return peer_fail(what, mdb_strerror(rc));
}

static int start_env(const char *file, unsigned flags, size_t map_nbytes)
{
    int rc = mdb_env_create(&env);

    if (rc == 0 && map_nbytes)
        rc = mdb_env_set_mapsize(env, map_nbytes);
    if (rc == 0)
        rc = mdb_env_open(env, file, MDB_NOSUBDIR | MDB_NOLOCK | flags, 0644);
    return rc ? fail("open", rc) : 0;
}

static int start_txn(unsigned flags)
{
    int rc = mdb_txn_begin(env, NULL, flags, &txn);

    if (rc == 0)
        rc = mdb_dbi_open(txn, NULL, 0, &dbi);
    if (rc == 0)
        rc = mdb_cursor_open(txn, dbi, &cursor);
    return rc ? fail("begin", rc) : 0;
}

static int append_keys(const struct keyset *keys)
{
    const uint8_t *at = keys->first;

    for (uint64_t i = 0; i < keys->nkeys; i++) {
        size_t key_nbytes;
        const uint8_t *bytes = keyset_next(&at, &key_nbytes);
        MDB_val key = {key_nbytes, (void *)(uintptr_t)bytes};
        uint64_t number = keyset_value(keys, i);
        MDB_val value = {sizeof number, &number};
        int rc = mdb_cursor_put(cursor, &key, &value, MDB_APPEND);

        if (rc)
            return fail("put", rc);
        if ((i + 1) % KEYS_PER_COMMIT == 0) {
            rc = mdb_txn_commit(txn);
            if (rc)
                return fail("commit", rc);
            if (start_txn(0) != 0)
                return -1;
        }
    }
    return 0;
}

static int lmdb_build(const struct keyset *keys, const char *file, unsigned threads)
{
    /* Each entry: page slot, node header, key, value; pages filled to the brim by appending. */
    size_t map_nbytes = ((size_t)keys->keys_nbytes + (size_t)keys->nkeys * 48) * 2 + (64u << 20);
    int rc;

    (void)threads;
    map_nbytes = (map_nbytes + 0xffff) & ~(size_t)0xffff;
    if (start_env(file, MDB_NOSYNC, map_nbytes) != 0 || start_txn(0) != 0 || append_keys(keys) != 0)
        return -1;
    rc = mdb_txn_commit(txn);
    if (rc)
        return fail("commit", rc);
    mdb_env_close(env);
    env = NULL;
    return 0;
}

/* All in one transaction, which is synced. */
static int lmdb_rebuild(const struct keyset *keys, const char *file)
{
    size_t map_nbytes = ((size_t)keys->keys_nbytes + (size_t)keys->nkeys * 48) * 4 + (64u << 20);
    int rc;

    map_nbytes = (map_nbytes + 0xffff) & ~(size_t)0xffff;
    if (start_env(file, 0, map_nbytes) != 0 || start_txn(0) != 0)
        return -1;
    rc = mdb_drop(txn, dbi, 0);
    if (rc)
        return fail("drop", rc);
    if (append_keys(keys) != 0)
        return -1;
    rc = mdb_txn_commit(txn);
    if (rc)
        return fail("commit", rc);
    mdb_env_close(env);
    env = NULL;
    return 0;
}

static int lmdb_open(const char *file)
{
    if (start_env(file, read_flags, 0) != 0)
        return -1;
    return start_txn(MDB_RDONLY);
}

static void lmdb_close(void)
{
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(env);
}

static uint64_t value_of(const MDB_val *value)
{
    uint64_t v;

    memcpy(&v, value->mv_data, sizeof v);
    return v;
}

static int lmdb_get(const struct keyset *queries, struct answer *answer)
{
    const uint8_t *at = queries->first;

    while (at < queries->end) {
        size_t key_nbytes;
        const uint8_t *bytes = keyset_next(&at, &key_nbytes);
        MDB_val key = {key_nbytes, (void *)(uintptr_t)bytes}, value;
        int rc = mdb_get(txn, dbi, &key, &value);

        if (rc == 0) {
            answer->nhits++;
            answer->value_sum += value_of(&value);
        } else if (rc != MDB_NOTFOUND) {
            return fail("get", rc);
        }
    }
    return 0;
}

static int lmdb_scan(struct answer *answer)
{
    MDB_val key, value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);

    while (rc == 0) {
        answer->nhits++;
        answer->value_sum += value_of(&value);
        answer->keys_nbytes += key.mv_size;
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return rc == MDB_NOTFOUND ? 0 : fail("scan", rc);
}

int main(int argc, char **argv)
{
    int major, minor, patch;
    char version[64];
    int nordahead = argc > 5 && strcmp(argv[5], "nordahead") == 0;
    const struct engine engine = {
        .name = nordahead ? "lmdb-nordahead" : "lmdb",
        .version = version,
        .note = nordahead ? "opened with MDB_NORDAHEAD, otherwise the same"
                          : "MDB_APPEND with MDB_NOSYNC and no lock file; one read transaction; "
                            "values of 8 bytes",
        .build = lmdb_build,
        .rebuild = lmdb_rebuild,
        .open = lmdb_open,
        .close = lmdb_close,
        .get = lmdb_get,
        .scan = lmdb_scan,
    };

    if (nordahead)
        read_flags |= MDB_NORDAHEAD;
    mdb_version(&major, &minor, &patch);
    snprintf(version, sizeof version, "LMDB %d.%d.%d", major, minor, patch);
    return peer_main(argc, argv, &engine);
}
