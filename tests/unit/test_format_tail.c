/* Where files end, and what was before, out of files made by hand. */
#include "format/tail.h"

#include <string.h>

#include "support/check.h"
#include "support/forge.h"
#include "support/random.h"

/* A leaf as the root of a file, and leaves that were merged into it, one after the other. */
struct file {
    struct forge f;
    uint64_t roots[5];
    uint64_t ends[5];
    size_t count;
};

static void add_root(struct file *file)
{
    struct forge *f = &file->f;
    uint64_t root = forge_leaf(f, 100 + file->count);
    if (file->count == 0)
        forge_bytes(f, (const uint8_t[8]){0}, 8);
    else
        forge_trailer(f, file->count > 1 ? file->ends[file->count - 1] - ACT_TRAILER_NBYTES : 0,
                      file->roots[file->count - 1]);
    forge_root(f, root);
    file->roots[file->count] = root;
    file->ends[file->count++] = forge_here(f);
}

static void make(struct file *file, size_t merges)
{
    memset(file, 0, sizeof(*file));
    forge_start(&file->f);
    for (size_t i = 0; i <= merges; i++)
        add_root(file);
}

static bool find(const struct file *file, size_t which, struct act_tail *tail)
{
    return act_tail_find(file->f.bytes, file->f.nbytes, file->roots[which], NULL, tail);
}

static void a_file_ends_after_its_root(void **state)
{
    (void)state;
    for (size_t merges = 0; merges < 4; merges++) {
        struct file file;
        struct act_tail tail;
        make(&file, merges);
        assert_true(find(&file, merges, &tail));
        assert_true(tail.at_root);
        assert_int_equal(tail.merged, merges > 0);
        assert_int_equal(tail.end, file.f.nbytes);
        for (size_t i = merges; i > 0; i--) {
            uint64_t root;
            assert_int_equal(tail.trailer.previous_root, file.roots[i - 1]);
            assert_true(act_tail_previous(file.f.bytes, NULL, &root, &tail));
            assert_int_equal(root, file.roots[i - 1]);
            assert_int_equal(tail.end, file.ends[i - 1]);
            assert_int_equal(tail.merged, i > 1);
        }
        forge_free(&file.f);
    }
}

/* What follows on the end is nobody's, whether it looks like a merge or like nothing. */
static void what_comes_after_the_end(void **state)
{
    (void)state;
    struct random r = random_of(1);
    for (size_t merges = 0; merges < 3; merges++) {
        for (size_t kind = 0; kind < 40; kind++) {
            struct file file;
            struct act_tail tail;
            uint8_t more[100] = {0};
            make(&file, merges);
            if (kind == 0) {
                add_root(&file); /* complete, but for the root */
            } else {
                if (kind % 2)
                    random_fill(&r, more, sizeof(more));
                forge_bytes(&file.f, more, kind);
            }
            assert_true(find(&file, merges, &tail));
            assert_true(tail.at_root);
            assert_int_equal(tail.end, file.ends[merges]);
            assert_int_equal(tail.merged, merges > 0);
            forge_free(&file.f);
        }
    }
}

/* Somebody has put the root elsewhere: to a former one, or into the middle of a merge. */
static void a_root_that_was_moved(void **state)
{
    (void)state;
    struct file file;
    struct act_tail tail;
    make(&file, 3);
    for (size_t i = 0; i < 2; i++) {
        assert_true(find(&file, i, &tail));
        assert_false(tail.at_root);
        assert_true(tail.merged);
        assert_int_equal(tail.end, file.f.nbytes);
    }
    file.roots[4] = file.roots[3] + 1; /* the leaf's value, as if it were a node */
    find(&file, 4, &tail);
    assert_false(tail.at_root);
    forge_free(&file.f);
}

static void ends_that_are_none(void **state)
{
    (void)state;
    struct file file;
    struct act_tail tail;
    make(&file, 0);
    file.f.bytes[file.f.nbytes - 1] = 1;
    assert_false(find(&file, 0, &tail));
    file.f.bytes[file.f.nbytes - 1] = 0;
    /* Zeros that do not follow on the root: another program's bytes are between. */
    forge_bytes(&file.f, "something else", 14);
    file.f.bytes[file.roots[0] + 2] = 1;
    assert_false(find(&file, 0, &tail));
    forge_bytes(&file.f, (const uint8_t[8]){0}, 8);
    assert_true(find(&file, 0, &tail));
    assert_false(tail.at_root);
    assert_int_equal(tail.end, file.f.nbytes);
    forge_free(&file.f);
}

/* What an index says of its own root goes before what follows on that root. */
static void an_index_tells_where_its_file_ends(void **state)
{
    (void)state;
    struct file file;
    struct act_tail tail;
    uint64_t root;
    make(&file, 0);
    /* More than a root's zeros, as the checksums of an index are; and then what was merged. */
    forge_bytes(&file.f, "checksums and so on", 20);
    file.ends[0] = forge_here(&file.f);
    add_root(&file);
    struct act_index index = {.root = file.roots[0], .file_nbytes = file.ends[0]};
    assert_true(act_tail_find(file.f.bytes, file.f.nbytes, file.roots[1], &index, &tail));
    assert_true(tail.at_root && tail.merged);
    assert_true(act_tail_previous(file.f.bytes, &index, &root, &tail));
    assert_int_equal(root, file.roots[0]);
    assert_int_equal(tail.end, file.ends[0]);
    assert_true(act_tail_find(file.f.bytes, file.f.nbytes, file.roots[0], &index, &tail));
    assert_true(tail.at_root && !tail.merged);
    assert_int_equal(tail.end, file.ends[0]);
    /* Of another root it says nothing. */
    index.root++;
    assert_true(act_tail_find(file.f.bytes, file.f.nbytes, file.roots[1], &index, &tail));
    assert_true(act_tail_previous(file.f.bytes, &index, &root, &tail));
    assert_int_equal(tail.end, file.roots[0] + 2 + ACT_TAIL_NBYTES);
    /* Nor if the merge would lie within its file. */
    index.root = file.roots[0];
    index.file_nbytes = file.ends[1] - ACT_TRAILER_NBYTES + 1;
    assert_true(act_tail_find(file.f.bytes, file.f.nbytes, file.roots[1], &index, &tail));
    assert_true(act_tail_previous(file.f.bytes, &index, &root, &tail));
    assert_int_equal(tail.end, file.roots[0] + 2 + ACT_TAIL_NBYTES);
    index.file_nbytes--;
    assert_true(act_tail_find(file.f.bytes, file.f.nbytes, file.roots[1], &index, &tail));
    assert_true(act_tail_previous(file.f.bytes, &index, &root, &tail));
    assert_int_equal(tail.end, index.file_nbytes);
    forge_free(&file.f);
}

/* The first trailer begins with zeros, as the end of a root that nobody merged into does: with
 * something behind it, only what the root before ends in tells them apart. */
static void a_first_trailer_with_something_behind(void **state)
{
    (void)state;
    struct file file;
    struct act_tail tail;
    make(&file, 1);
    forge_bytes(&file.f, "torn", 4);
    assert_true(find(&file, 1, &tail));
    assert_true(tail.at_root && tail.merged);
    /* The root before does not end in zeros: this is the end of a root, and then something else. */
    file.f.bytes[file.roots[0] + 2] = 1;
    assert_true(find(&file, 1, &tail));
    assert_true(tail.at_root && !tail.merged);
    assert_int_equal(tail.end, file.ends[1] - ACT_TRAILER_NBYTES + ACT_TAIL_NBYTES);
    /* Unless an index says of that root that it is its own. */
    struct act_index index = {.root = file.roots[0], .file_nbytes = file.ends[0]};
    assert_true(act_tail_find(file.f.bytes, file.f.nbytes, file.roots[1], &index, &tail));
    assert_true(tail.at_root && tail.merged);
    index.root++;
    assert_true(act_tail_find(file.f.bytes, file.f.nbytes, file.roots[1], &index, &tail));
    assert_false(tail.merged);
    forge_free(&file.f);
}

/* A root whose own trailer is damaged, and a merge into it that did not come to setting its root.
 */
static void the_end_of_a_merge_that_did_not_count(void **state)
{
    (void)state;
    struct file file;
    struct act_tail tail;
    make(&file, 3);
    act_store_le64(file.f.bytes + file.ends[2] - 8, 3);
    assert_true(find(&file, 2, &tail));
    assert_false(tail.at_root);
    assert_true(tail.merged);
    assert_int_equal(tail.trailer.previous_root, file.roots[2]);
    assert_int_equal(tail.end, file.ends[3]);
    forge_free(&file.f);
}

/* Between two steps somebody else writes to the file. */
static void bytes_that_change_between_two_steps(void **state)
{
    (void)state;
    struct file file;
    struct act_tail tail;
    uint64_t root;
    for (size_t merges = 1; merges < 3; merges++) {
        make(&file, merges);
        assert_true(find(&file, merges, &tail));
        /* The root before becomes one that runs over the trailer: a mask, and its distance. */
        memset(file.f.bytes + file.roots[merges - 1], 0x20, 2);
        struct act_tail kept = tail;
        assert_false(act_tail_previous(file.f.bytes, NULL, &root, &tail));
        assert_int_equal(root, file.roots[merges - 1]);
        assert_int_equal(kept.trailer.previous_root, root);
        forge_free(&file.f);
    }
}

static void trailers_that_lead_nowhere(void **state)
{
    (void)state;
    struct file file;
    make(&file, 3);
    uint64_t at = file.ends[2] - ACT_TRAILER_NBYTES; /* the second trailer */
    static const int64_t bad[] = {1, 15, -1, 0x7fffffffffffffff, -16};
    for (unsigned field = 0; field < 2; field++) {
        for (size_t i = 0; i < 5 + 4; i++) {
            struct act_tail tail;
            uint64_t root, kept = act_load_le64(file.f.bytes + at + 8 * field);
            uint64_t number = i < 5 ? (uint64_t)bad[i] : at + 16 * (i - 5) - 15;
            act_store_le64(file.f.bytes + at + 8 * field, number);
            assert_true(find(&file, 3, &tail));
            bool ok = act_tail_previous(file.f.bytes, NULL, &root, &tail);
            assert_false(ok && act_tail_previous(file.f.bytes, NULL, &root, &tail));
            act_store_le64(file.f.bytes + at + 8 * field, kept);
        }
    }
    forge_free(&file.f);
}

/* The one before may lie right below a trailer, but not over it, nor over the header. */
static void where_the_trailer_before_may_lie(void **state)
{
    (void)state;
    struct file file;
    make(&file, 2);
    uint64_t at = file.ends[2] - ACT_TRAILER_NBYTES;
    for (uint64_t before = 0; before < file.f.nbytes + 20; before++) {
        struct act_tail tail;
        act_store_le64(file.f.bytes + at, before);
        find(&file, 2, &tail);
        bool possible = !before || (before >= ACT_ARENA_OFF && before + ACT_TRAILER_NBYTES <= at);
        assert_int_equal(tail.merged, possible);
        assert_int_equal(tail.at_root, possible);
        if (possible)
            assert_int_equal(tail.trailer.previous_trailer, before);
    }
    forge_free(&file.f);
}

/* Whatever the bytes are, each step leads further down. */
static void any_bytes_come_to_an_end(void **state)
{
    (void)state;
    struct random r = random_of(7);
    for (unsigned round = 0; round < 20000; round++) {
        struct file file;
        struct act_tail tail;
        make(&file, 1 + random_below(&r, 4));
        for (unsigned i = 0; i < 3; i++) {
            uint64_t at = 16 + random_below(&r, file.f.nbytes - 24);
            act_store_le64(file.f.bytes + at, random_below(&r, file.f.nbytes + 9));
        }
        uint64_t root = file.roots[file.count - 1];
        uint64_t below = UINT64_MAX;
        if (act_tail_find(file.f.bytes, file.f.nbytes, root, NULL, &tail)) {
            while (tail.merged) {
                assert_true(tail.trailer_off < below);
                below = tail.trailer_off;
                if (!act_tail_previous(file.f.bytes, NULL, &root, &tail))
                    break;
                assert_true(tail.end <= below && root < below);
            }
        }
        forge_free(&file.f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_ends_after_its_root),
        cmocka_unit_test(what_comes_after_the_end),
        cmocka_unit_test(a_root_that_was_moved),
        cmocka_unit_test(ends_that_are_none),
        cmocka_unit_test(an_index_tells_where_its_file_ends),
        cmocka_unit_test(a_first_trailer_with_something_behind),
        cmocka_unit_test(the_end_of_a_merge_that_did_not_count),
        cmocka_unit_test(bytes_that_change_between_two_steps),
        cmocka_unit_test(trailers_that_lead_nowhere),
        cmocka_unit_test(where_the_trailer_before_may_lie),
        cmocka_unit_test(any_bytes_come_to_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
