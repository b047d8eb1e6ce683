/* mtbl: an immutable sorted table of compressed blocks. VARIANT is the compression, "zlib" (its
 * default) or "none". */
#include <mtbl.h>
#include <stdio.h>
#include <stdlib.h>

#include "peer.h"

static struct mtbl_reader *reader;
static mtbl_compression_type compression = MTBL_COMPRESSION_ZLIB;

static int mtbl_build(const struct keyset *keys, const char *file, unsigned threads)
{
    struct mtbl_writer_options *options = mtbl_writer_options_init();
    struct mtbl_writer *writer;
    const uint8_t *at = keys->first;

    (void)threads;
    mtbl_writer_options_set_compression(options, compression);
    writer = mtbl_writer_init(file, options);
    mtbl_writer_options_destroy(&options);
    if (!writer)
        return peer_fail("build", "no writer");
    for (uint64_t i = 0; i < keys->nkeys; i++) {
        size_t key_nbytes;
        const uint8_t *key = keyset_next(&at, &key_nbytes);
        uint64_t value = keyset_value(keys, i);

        if (mtbl_writer_add(writer, key, key_nbytes, (const uint8_t *)&value, sizeof value) !=
            mtbl_res_success)
            return peer_fail("build", "a key was refused");
    }
    mtbl_writer_destroy(&writer);
    return 0;
}

static int mtbl_open(const char *file)
{
    reader = mtbl_reader_init(file, NULL);
    return reader ? 0 : peer_fail("open", file);
}

/* Checksums of blocks are compared as they are read, if that is asked for. */
static int mtbl_verify(const char *file)
{
    struct mtbl_reader_options *options = mtbl_reader_options_init();
    struct mtbl_iter *iter;
    const uint8_t *key, *value;
    size_t key_nbytes, value_nbytes;

    mtbl_reader_options_set_verify_checksums(options, true);
    reader = mtbl_reader_init(file, options);
    mtbl_reader_options_destroy(&options);
    if (!reader)
        return peer_fail("verify", file);
    iter = mtbl_source_iter(mtbl_reader_source(reader));
    while (iter &&
           mtbl_iter_next(iter, &key, &key_nbytes, &value, &value_nbytes) == mtbl_res_success)
        ;
    mtbl_iter_destroy(&iter);
    mtbl_reader_destroy(&reader);
    return 0;
}

static void mtbl_close(void)
{
    mtbl_reader_destroy(&reader);
}

static uint64_t value_of(const uint8_t *value)
{
    uint64_t v;

    memcpy(&v, value, sizeof v);
    return v;
}

/* Seeking with one iterator is faster than a new lookup with mtbl_source_get for each key. */
static int mtbl_get(const struct keyset *queries, struct answer *answer)
{
    struct mtbl_iter *iter = mtbl_source_iter(mtbl_reader_source(reader));
    const uint8_t *at = queries->first;

    if (!iter)
        return peer_fail("get", "no iterator");
    while (at < queries->end) {
        size_t query_nbytes, key_nbytes, value_nbytes;
        const uint8_t *query = keyset_next(&at, &query_nbytes), *key, *value;

        if (mtbl_iter_seek(iter, query, query_nbytes) == mtbl_res_success &&
            mtbl_iter_next(iter, &key, &key_nbytes, &value, &value_nbytes) == mtbl_res_success &&
            key_nbytes == query_nbytes && memcmp(key, query, key_nbytes) == 0) {
            answer->nhits++;
            answer->value_sum += value_of(value);
        }
    }
    mtbl_iter_destroy(&iter);
    return 0;
}

static int mtbl_scan(struct answer *answer)
{
    struct mtbl_iter *iter = mtbl_source_iter(mtbl_reader_source(reader));
    const uint8_t *key, *value;
    size_t key_nbytes, value_nbytes;

    if (!iter)
        return peer_fail("scan", "no iterator");
    while (mtbl_iter_next(iter, &key, &key_nbytes, &value, &value_nbytes) == mtbl_res_success) {
        answer->nhits++;
        answer->value_sum += value_of(value);
        answer->keys_nbytes += key_nbytes;
    }
    mtbl_iter_destroy(&iter);
    return 0;
}

int main(int argc, char **argv)
{
    int plain = argc > 5 && strcmp(argv[5], "none") == 0;
    const struct engine engine = {
        .name = plain ? "mtbl-none" : "mtbl",
        .version = "mtbl " BENCH_MTBL_VERSION,
        .note = plain ? "blocks not compressed; values of 8 bytes"
                      : "blocks compressed with zlib, its default; values of 8 bytes",
        .build = mtbl_build,
        .verify = mtbl_verify,
        .open = mtbl_open,
        .close = mtbl_close,
        .get = mtbl_get,
        .scan = mtbl_scan,
    };

    if (plain)
        compression = MTBL_COMPRESSION_NONE;
    return peer_main(argc, argv, &engine);
}
