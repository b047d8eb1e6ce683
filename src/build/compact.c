#include "build/compact.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/memory.h"
#include "os/memory.h"

enum {
    /* Of a run all beginnings are remembered; of what follows its first node, parts of so many. */
    PART_NODES_MAX = 3,
    CHUNK_NBYTES = 7, /* of a line in one pair; its length is the eighth byte */
    /* Longer lines are known by where they lie. They are not cut. */
    LINE_NBYTES_MAX = 8 * CHUNK_NBYTES,
    NODE_PAIRS_MAX = 16,   /* of a branch up to 6, of its line up to 8 */
    HEAD_NBYTES = 6,       /* child bytes in a branch's first pair */
    VALUE_INLINE = 255,    /* there, values below */
    RESERVE_NBYTES = 4096, /* for references that grow because others do */
    LATER_NBYTES_MAX = 6   /* by which a pending node may be longer than in the plain file */
};

act_status act_compact_open(struct act_compact *compact, const char *path, uint64_t share_nbytes,
                            act_error *error)
{
    memset(compact, 0, sizeof(*compact));
    uint64_t quarter = act_os_memory_available(share_nbytes, false) / 4;
    if (!act_shares_open(&compact->shares, share_nbytes < quarter ? share_nbytes : quarter))
        return act_fail_nomem(error);
    act_status status = act_plain_open(&compact->plain, path, error);
    if (status == ACT_OK)
        status = act_plain_open(&compact->other, path, error);
    compact->is_close = status == ACT_OK;
    if (status != ACT_OK)
        act_compact_close(compact);
    return status;
}

void act_compact_close(struct act_compact *compact)
{
    act_plain_close(&compact->plain);
    act_plain_close(&compact->other);
    act_shares_close(&compact->shares);
    free(compact->known);
    memset(compact, 0, sizeof(*compact));
}

/* ------------------------------------------------------------------------------- the accounts */

/*
 * By how much a reference over `distance` bytes and n more may be longer than one over n bytes,
 * for the n of the worst case: that is the largest one which still takes a single byte.
 */
static unsigned worst_extra(uint64_t distance)
{
    return act_varint_nbytes_of(distance + ACT_VARINT_INLINE_MAX) - 1;
}

/* By how much a reference is longer than one over `grown` bytes less. It leads over the nodes that
 * have grown, and so over more than what these have grown by. */
static unsigned extra(uint64_t distance, uint64_t grown)
{
    return act_varint_nbytes_of(distance) - act_varint_nbytes_of(distance - grown);
}

/* Books what saves so many bytes at least and costs so many at most, if that can be afforded. */
static bool book(struct act_compact *compact, uint64_t saved, uint64_t cost)
{
    int64_t spare = compact->spare + (int64_t)saved - (int64_t)cost;
    if (spare < (compact->is_close ? 0 : RESERVE_NBYTES))
        return false;
    compact->spare = spare;
    return true;
}

/*
 * Books what a run loses that is about to be written: where its nodes refer to what was found, they
 * are longer than need be, and so the other references from behind them lead over more bytes. So
 * does the one from the parent.
 */
static void book_run(struct act_compact *compact, const struct act_new_node *nodes,
                     const struct act_share *known, size_t count, const uint64_t *starts)
{
    uint64_t grown = 0;
    for (size_t i = 0; i < count; i++) {
        const struct act_new_node *node = &nodes[i];
        bool line = node->header & ACT_NODE_LINE;
        bool child = line ? node->header & ACT_LINE_CHILD : node->header & ACT_BRANCH_COUNT;
        unsigned more = line ? extra(starts[i] - node->line, grown) : 0;
        if (known[i].place)
            grown += act_varint_nbytes_of(starts[i] - node->child) - 1;
        else if (child)
            more += extra(starts[i] - node->child, grown);
        compact->spare -= more;
        grown += more; /* the nodes behind it lead over that too */
    }
    if (grown)
        compact->spare -= ACT_VARINT_NBYTES_MAX;
}

static uint64_t position(const struct act_compact *compact)
{
    return act_sink_position(&compact->plain.sink);
}

/* What a reference from here to `place` takes. */
static unsigned reference_nbytes(const struct act_compact *compact, uint64_t place)
{
    return act_varint_nbytes_of(position(compact) - place);
}

/* ------------------------------------------------------------------------ what is equal to what */

/* What a branch is, or a leaf: with its value, its child bytes, and what its children are. */
static struct act_share know_branch(struct act_shares *shares, const struct act_new_node *branch,
                                    uint64_t children_id,
                                    const uint8_t child_bytes[ACT_MASK_NBYTES])
{
    bool small = branch->header & ACT_NODE_VALUE && branch->value < VALUE_INLINE;
    uint8_t head[8] = {branch->header, small ? (uint8_t)branch->value : VALUE_INLINE};
    memcpy(head + 2, child_bytes, HEAD_NBYTES);
    const struct act_share *share = act_shares_put(shares, ACT_SHARE_BRANCH, children_id,
                                                   act_load_le64(head));
    if (branch->header & ACT_NODE_VALUE && !small)
        share = act_shares_put(shares, ACT_SHARE_VALUE, share->id, branch->value);
    for (size_t i = HEAD_NBYTES; i < act_child_bytes_nbytes(branch->header); i += 8) {
        uint8_t more[8] = {0};
        memcpy(more, child_bytes + i, ACT_MASK_NBYTES - i < 8 ? ACT_MASK_NBYTES - i : 8);
        share = act_shares_put(shares, ACT_SHARE_BYTES, share->id, act_load_le64(more));
    }
    return *share;
}

/* Some bytes of a line, and how many, as one number. */
static uint64_t chunk_of(const uint8_t *bytes, size_t nbytes)
{
    return act_load_le64(bytes) << (64 - 8 * nbytes) >> (64 - 8 * nbytes) | (uint64_t)nbytes << 56;
}

/*
 * What a node is from which a line leads to `below`. `*rest_ret` is what the line without its first
 * byte makes; its place is 0 if there is none, as where `below` itself is new: its id is above
 * `last_id_before` then.
 */
static struct act_share know_line(struct act_shares *shares, const struct act_build_task *task,
                                  struct act_share below, uint64_t last_id_before,
                                  struct act_share *rest_ret)
{
    size_t left = task->line_nbytes;
    for (; left > CHUNK_NBYTES; left -= CHUNK_NBYTES)
        below = *act_shares_put(shares, ACT_SHARE_LINE, below.id,
                                chunk_of(task->line + left - CHUNK_NBYTES, CHUNK_NBYTES));
    *rest_ret = below;
    if (left > 1) {
        const struct act_share *rest = NULL;
        if (below.id <= last_id_before)
            rest = act_shares_find(shares, ACT_SHARE_LINE, below.id,
                                   chunk_of(task->line + 1, left - 1));
        rest_ret->place = rest ? rest->place : 0;
    }
    return *act_shares_put(shares, ACT_SHARE_LINE, below.id, chunk_of(task->line, left));
}

/* What a run of siblings is. */
static struct act_share know_run(struct act_shares *shares, const struct act_share *nodes,
                                 size_t count)
{
    struct act_share run = nodes[0];
    for (size_t i = 1; i < count; i++)
        run = *act_shares_put(shares, ACT_SHARE_RUN, run.id, nodes[i].id);
    return count > 1 ? run : *act_shares_again(shares, &run);
}

/* Remembers where a run lies that was written, and its parts. */
static void remember_run(struct act_shares *shares, const struct act_share *nodes, size_t count,
                         const uint64_t *starts)
{
    for (size_t i = 1; i + 1 < count; i++)
        act_shares_prefetch(shares, ACT_SHARE_RUN, nodes[i].id, nodes[i + 1].id);
    for (size_t i = 0; i < count; i++) {
        size_t end = i && count - i > PART_NODES_MAX ? i + PART_NODES_MAX : count;
        uint64_t id = nodes[i].id;
        act_shares_again(shares, &nodes[i])->place = starts[i];
        for (size_t j = i + 1; j < end; j++) {
            struct act_share *part = act_shares_put(shares, ACT_SHARE_RUN, id, nodes[j].id);
            part->place = starts[i];
            id = part->id;
        }
    }
}

/* ------------------------------------------------------------------------------ nodes and runs */

/* Whether to refer to what lies at `place`, if anything does, rather than write `nbytes` again. */
static bool share(struct act_compact *compact, uint64_t place, uint64_t nbytes)
{
    return place && reference_nbytes(compact, place) < nbytes + 1 &&
           book(compact, nbytes, worst_extra(position(compact) - place));
}

/*
 * Takes the children of a node off their stack: they are referred to where they were written
 * before, or written now. What they are is `*run_ret`, and where they were found, or 0; where the
 * first one is, is `*first_id_ret`.
 */
static act_status put_children(struct act_compact *compact, size_t count,
                               uint8_t child_bytes[ACT_MASK_NBYTES], struct act_share *run_ret,
                               uint64_t *first_id_ret, act_error *error)
{
    struct act_plain *plain = &compact->plain;
    const struct act_new_node *nodes = plain->pending + (plain->pending_count - count);
    const struct act_share *known = compact->known + (plain->pending_count - count);
    uint64_t starts[256];
    uint64_t end = position(compact);
    *run_ret = know_run(&compact->shares, known, count);
    for (size_t i = 0; i < count; i++) {
        starts[i] = end;
        end += act_node_nbytes_at(end, &nodes[i]);
    }
    if (share(compact, run_ret->place, end - position(compact))) {
        act_plain_drop_children(plain, count, child_bytes);
        *first_id_ret = run_ret->place;
        compact->runs_shared++;
        return ACT_OK;
    }
    run_ret->place = 0;
    book_run(compact, nodes, known, count, starts);
    remember_run(&compact->shares, known, count, starts);
    return act_plain_put_children(plain, count, first_id_ret, child_bytes, error);
}

/* Keeps what the node is that is pushed next, and where its child was found, or 0. */
static void keep_known(struct act_compact *compact, const struct act_share *known,
                       uint64_t found_place)
{
    struct act_share *kept = &compact->known[compact->plain.pending_count];
    *kept = *known;
    kept->place = found_place;
}

/* Puts a node on the stack of those that wait, a line or a leaf. */
static void push(struct act_compact *compact, const struct act_build_task *task,
                 const struct act_new_node *node, const struct act_share *known,
                 uint64_t found_place)
{
    keep_known(compact, known, found_place);
    act_plain_push(&compact->plain, task, node);
}

static void push_branch(struct act_compact *compact, const struct act_build_task *task,
                        const struct act_new_node *node, const uint8_t *child_bytes,
                        const struct act_share *known, uint64_t found_place)
{
    keep_known(compact, known, found_place);
    act_plain_push_branch(&compact->plain, task, node, child_bytes);
}

/* A branch that leads over the first byte of a line to where the rest lies. */
static void push_first_byte(struct act_compact *compact, const struct act_build_task *task,
                            uint64_t rest_place, const struct act_share *known,
                            uint64_t found_place)
{
    uint8_t child_bytes[ACT_MASK_NBYTES] = {task->line[0]};
    struct act_new_node node = {0, rest_place, 0, 1, 0};
    push_branch(compact, task, &node, child_bytes, known, found_place);
}

/* What a reference to the task's line takes, with the line if that is not in the file. */
static uint64_t line_nbytes(struct act_compact *compact, const struct act_build_task *task,
                            uint64_t line_id)
{
    if (line_id)
        return reference_nbytes(compact, line_id);
    return act_varint_nbytes_of(task->line_nbytes) + task->line_nbytes + 1;
}

/* ------------------------------------------------------------------------------ complete nodes */

/* A node that is complete, as it is handed from step to step. */
struct complete {
    const struct act_build_task *task;
    struct act_new_node branch; /* or leaf, where the line ends */
    uint8_t child_bytes[ACT_MASK_NBYTES];
    struct act_share below;  /* what that is */
    uint64_t line_id;        /* of its line, if it is in the file */
    uint64_t last_id_before; /* the last id given before anything of this node was known */
};

/*
 * A leaf at the end of a line. Without what is known, it takes a header, the value, and a reference
 * to the line, which is not longer for being over fewer bytes.
 */
static bool share_rest_of_leaf(struct act_compact *compact, const struct complete *node,
                               uint64_t rest_place)
{
    unsigned value_nbytes = node->branch.header & ACT_NODE_VALUE
                                ? act_varint_nbytes_of(node->branch.value)
                                : 0;
    uint64_t nbytes = 1 + value_nbytes + line_nbytes(compact, node->task, node->line_id);
    if (!rest_place || 2 + reference_nbytes(compact, rest_place) > nbytes)
        return false;
    bool nearer = node->line_id && rest_place >= node->line_id;
    return book(compact, value_nbytes,
                1 + (nearer ? 0 : worst_extra(position(compact) - rest_place)));
}

static act_status put_leaf(struct act_compact *compact, struct complete *node,
                           const struct act_share *whole, uint64_t rest_place, act_error *error)
{
    if (share_rest_of_leaf(compact, node, rest_place)) {
        push_first_byte(compact, node->task, rest_place, whole, rest_place);
        return ACT_OK;
    }
    act_status status = act_plain_put_line(&compact->plain, node->task, &node->branch.line, error);
    node->branch.header |= ACT_NODE_LINE;
    push(compact, node->task, &node->branch, whole, 0);
    return status;
}

/* Whether to refer to the rest of the line rather than to the line and the branch below it. Without
 * what is known, there would be both references and the branch. */
static bool share_rest(struct act_compact *compact, const struct complete *node,
                       uint64_t branch_nbytes, uint64_t rest_place)
{
    uint64_t place = node->below.place;
    unsigned far_nbytes = place ? reference_nbytes(compact, place) : UINT8_MAX;
    uint64_t nbytes = 1 + line_nbytes(compact, node->task, node->line_id) +
                      (far_nbytes < branch_nbytes + 1 ? far_nbytes : branch_nbytes + 1);
    return rest_place && 2 + reference_nbytes(compact, rest_place) <= nbytes &&
           book(compact, branch_nbytes, worst_extra(position(compact) - rest_place));
}

static act_status put_inner(struct act_compact *compact, struct complete *node,
                            const struct act_share *whole, uint64_t rest_place, act_error *error)
{
    const struct act_build_task *task = node->task;
    unsigned branch_nbytes = act_node_nbytes_at(position(compact), &node->branch);
    if (task->line_nbytes > 1 && share_rest(compact, node, branch_nbytes, rest_place)) {
        push_first_byte(compact, task, rest_place, whole, rest_place);
        return ACT_OK;
    }
    struct act_new_node line = {0, node->below.place, 0, ACT_NODE_LINE | ACT_LINE_CHILD, 0};
    act_status status = ACT_OK;
    if (task->line_nbytes > 1)
        status = act_plain_put_line(&compact->plain, task, &line.line, error);
    uint64_t found_place = line.child;
    if (status == ACT_OK && !share(compact, line.child, branch_nbytes)) {
        found_place = 0;
        status = act_plain_put_node(&compact->plain, &node->branch, node->child_bytes, &line.child,
                                    error);
        act_shares_again(&compact->shares, &node->below)->place = line.child;
    }
    if (task->line_nbytes > 1)
        push(compact, task, &line, whole, found_place);
    else
        push_first_byte(compact, task, line.child, whole, found_place);
    return status;
}

/* A node with a line that is too long to be cut. */
static act_status put_long(struct act_compact *compact, struct complete *node, act_error *error)
{
    act_status status = act_plain_put_line(&compact->plain, node->task, &node->line_id, error);
    if (status != ACT_OK)
        return status;
    struct act_share whole = *act_shares_put(&compact->shares, ACT_SHARE_LONG, node->below.id,
                                             node->line_id);
    return node->task->child_count ? put_inner(compact, node, &whole, 0, error)
                                   : put_leaf(compact, node, &whole, 0, error);
}

/* A node with a line. */
static act_status put_lined(struct act_compact *compact, struct complete *node, act_error *error)
{
    if (node->task->line_nbytes > LINE_NBYTES_MAX)
        return put_long(compact, node, error);
    struct act_line_slot *slot;
    struct act_share rest;
    struct act_share whole = know_line(&compact->shares, node->task, node->below,
                                       node->last_id_before, &rest);
    node->line_id = act_lines_find(&compact->plain.lines, node->task->line_hash, node->task->line,
                                   node->task->line_nbytes, &slot);
    return node->task->child_count ? put_inner(compact, node, &whole, rest.place, error)
                                   : put_leaf(compact, node, &whole, rest.place, error);
}

/* Makes room for what a node can add, so that its single steps need not look. */
static act_status reserve(struct act_compact *compact, size_t child_count, act_error *error)
{
    struct act_plain *plain = &compact->plain;
    size_t pairs = NODE_PAIRS_MAX + child_count * (1 + PART_NODES_MAX);
    if (!act_lines_reserve(&plain->lines, 1))
        return act_lines_fail_nomem(&plain->lines, error);
    return act_shares_reserve(&compact->shares, pairs) &&
                   act_reserve(&plain->pending, &plain->pending_capacity, plain->pending_count + 1,
                               sizeof(*plain->pending)) &&
                   act_reserve(&compact->known, &compact->known_capacity, plain->pending_count + 1,
                               sizeof(*compact->known)) &&
                   act_reserve(&plain->bytes, &plain->bytes_capacity,
                               plain->bytes_used + 2 * ACT_MASK_NBYTES, 1)
               ? ACT_OK
               : act_fail_nomem(error);
}

/* The same node for the plain file, until the compact one is smaller by what makes a reserve. */
static act_status put_other(struct act_compact *compact, const struct act_build_task *task,
                            act_error *error)
{
    int64_t later = (int64_t)compact->plain.pending_count * LATER_NBYTES_MAX;
    int64_t lead = (int64_t)(act_sink_position(&compact->other.sink) - position(compact)) - later;
    if (lead < 2 * RESERVE_NBYTES)
        return act_plain_node(&compact->other, task, error);
    compact->is_close = false;
    compact->spare = lead;
    act_plain_close(&compact->other);
    return ACT_OK;
}

act_status act_compact_node(struct act_compact *compact, const struct act_build_task *task,
                            act_error *error)
{
    struct act_build_task hashed = *task;
    struct complete node = {.task = &hashed,
                            .last_id_before = compact->shares.last_id,
                            .branch = {task->value, 0, 0, act_plain_branch_header(task), 0}};
    struct act_share run = {0, 0, 0, 0};
    act_status status = compact->is_close ? put_other(compact, task, error) : ACT_OK;
    if (status == ACT_OK)
        status = reserve(compact, task->child_count, error);
    if (status == ACT_OK && task->child_count)
        status = put_children(compact, task->child_count, node.child_bytes, &run,
                              &node.branch.child, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    node.below = know_branch(&compact->shares, &node.branch, run.id, node.child_bytes);
    if (!task->line_nbytes) {
        if (task->child_count)
            push_branch(compact, task, &node.branch, node.child_bytes, &node.below, run.place);
        else
            push(compact, task, &node.branch, &node.below, 0);
        return ACT_OK;
    }
    hashed.line_hash = act_lines_hash(&compact->plain.lines, task->line, task->line_nbytes);
    return put_lined(compact, &node, error);
}

/* An act_path_node_fn. */
static ACT_ALWAYS_INLINE act_status take_node(void *layout, const struct act_build_task *task,
                                              act_error *error)
{
    return act_compact_node(layout, task, error);
}

act_status act_compact_part(struct act_compact *compact, struct act_path *path, size_t common,
                            act_error *error)
{
    return act_path_part(path, common, take_node, compact, error);
}

act_status act_compact_end(struct act_compact *compact, struct act_path *path, act_error *error)
{
    return act_path_finish(path, false, take_node, compact, error);
}

/* Where the root will end, which is all that is left to be written. */
static uint64_t end_of(const struct act_plain *plain)
{
    uint64_t root_id = act_sink_position(&plain->sink);
    return root_id + act_node_nbytes_at(root_id, &plain->pending[0]);
}

act_status act_compact_finish(struct act_compact *compact, bool sync, act_build_report *report,
                              act_error *error)
{
    if (compact->is_close) {
        act_status status = act_plain_run(&compact->other, error);
        if (status != ACT_OK)
            return status;
        if (end_of(&compact->other) <= end_of(&compact->plain))
            return act_plain_finish(&compact->other, sync, report, error);
    }
    report->runs_shared = compact->runs_shared;
    return act_plain_put_root(&compact->plain, sync, report, error);
}
