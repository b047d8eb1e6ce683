/*
 * Counting the keys below a cursor.
 *
 * A file is a DAG: a few shared runs of siblings can stand for 2^64 keys and more. So what was
 * found below a run is noted and not counted again, and the time is in proportion to the file, not
 * to the number of keys. Noting every run would take more memory than the file; it is enough to
 * note those that took many steps, since going again over fewer costs no more than that.
 */
#include "read/cursor.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "read/budget.h"
#include "read/checks.h"

/* From so many nodes on, the count below a run is noted. */
#define NOTED_STEPS 64u

/* A node whose children, a run of siblings, are being counted. */
struct counted {
    uint64_t id;
    uint64_t run;  /* its first child */
    uint64_t next; /* the child that is next */
    uint64_t own;  /* 1 if it is a key itself */
    uint64_t keys; /* below it, so far */
    uint32_t steps;
    uint16_t count; /* of the children */
    uint16_t left;  /* still to come */
};

/* What was found below a run. */
struct note {
    uint64_t run; /* 0: none */
    uint64_t keys;
    uint64_t count;
};

struct counter {
    const struct act_map *map;
    struct counted *stack;
    size_t depth;
    size_t capacity;
    struct note *notes; /* a hash table, at most half full */
    size_t notes_count;
    size_t notes_capacity; /* a power of two, or 0 */
    uint64_t highest_run;  /* of those noted */
};

/* Where a run's note is, or would be. */
static struct note *note_of(const struct counter *counter, uint64_t run, uint64_t count)
{
    size_t mask = counter->notes_capacity - 1;
    size_t at = (size_t)((run + (count << 48)) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & mask;
    struct note *note = &counter->notes[at];
    while (note->run && (note->run != run || note->count != count)) {
        at = (at + 1) & mask;
        note = &counter->notes[at];
    }
    return note;
}

static bool grow_notes(struct counter *counter)
{
    struct counter larger = *counter;
    larger.notes_capacity = counter->notes_capacity ? 2 * counter->notes_capacity : 64;
    larger.notes = calloc(larger.notes_capacity, sizeof(*larger.notes));
    if (!larger.notes)
        return false;
    for (size_t i = 0; counter->notes && i < counter->notes_capacity; i++) {
        const struct note *note = &counter->notes[i];
        if (note->run)
            *note_of(&larger, note->run, note->count) = *note;
    }
    free(counter->notes);
    *counter = larger;
    return true;
}

static bool put_note(struct counter *counter, const struct counted *done)
{
    if ((!counter->notes || 2 * counter->notes_count >= counter->notes_capacity) &&
        !grow_notes(counter))
        return false;
    *note_of(counter, done->run, done->count) = (struct note){done->run, done->keys, done->count};
    counter->notes_count++;
    if (done->run > counter->highest_run)
        counter->highest_run = done->run;
    return true;
}

/* Whether a run was noted; then `*keys_ret` is what is below. */
static bool find_note(const struct counter *counter, const struct counted *node, uint64_t *keys_ret)
{
    /* Builders write a run after those before it in order: where nothing is shared, each one that
     * is come to lies above all that are done. */
    if (!counter->notes || node->run > counter->highest_run)
        return false;
    const struct note *note = note_of(counter, node->run, node->count);
    *keys_ret = note->keys;
    return note->run;
}

/* A sum that stays at 2^64 - 1 when it is there. */
static uint64_t add(uint64_t a, uint64_t b)
{
    return a < UINT64_MAX - b ? a + b : UINT64_MAX;
}

/* Decodes a node. `*end_ret` is where its next sibling lies. */
static act_status read_node(const struct act_map *map, uint64_t id, struct counted *node_ret,
                            uint64_t *end_ret, act_error *error)
{
    struct act_cursor_frame frame;
    struct act_cursor_line line = {0, 0};
    if (ACT_UNLIKELY(act_checks_pending(map))) {
        act_status status = act_checks_node(map, id, error);
        if (status != ACT_OK)
            return status;
    }
    if (ACT_UNLIKELY(!act_cursor_decode(&map->arena, id, &frame, &line)))
        return act_cursor_corrupt(id, error);
    bool passes = act_cursor_frame_is_line(&frame) && line.child; /* a value is its child's then */
    uint64_t run = passes ? line.child : frame.down;
    uint16_t count = passes ? 1 : frame.count;
    *node_ret = (struct counted){.id = id,
                                 .run = run,
                                 .next = run,
                                 .own = !passes && frame.header & ACT_NODE_VALUE,
                                 .steps = 1,
                                 .count = count,
                                 .left = count};
    *end_ret = id + frame.end_rel;
    return ACT_OK;
}

/* Lets a node be the top of the stack, unless it is known what is below it. */
static act_status begin(struct counter *counter, struct counted *node, act_error *error)
{
    if (node->count == 0 || find_note(counter, node, &node->keys)) {
        node->left = 0;
        return ACT_OK;
    }
    if (!act_reserve(&counter->stack, &counter->capacity, counter->depth + 1,
                     sizeof(*counter->stack)))
        return act_fail_nomem(error);
    counter->stack[counter->depth++] = *node;
    return ACT_OK;
}

/* Counts the next child of the top of the stack, which has one, or begins to. */
static act_status next_child(struct counter *counter, act_error *error)
{
    struct counted *top = &counter->stack[counter->depth - 1];
    struct counted child;
    uint64_t id = top->next;
    if (ACT_UNLIKELY(id >= top->id))
        return act_cursor_corrupt(top->id, error);
    act_status status = read_node(counter->map, id, &child, &top->next, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    top->left--;
    if (child.count == 0) {
        top->keys = add(top->keys, child.own);
        top->steps++;
        return ACT_OK;
    }
    size_t top_at = counter->depth - 1;
    status = begin(counter, &child, error);
    if (status == ACT_OK && child.left == 0) {
        top = &counter->stack[top_at];
        top->keys = add(top->keys, add(child.keys, child.own));
        top->steps++;
    }
    return status;
}

/* The top of the stack is complete: hands its count to its parent. */
static act_status leave(struct counter *counter, act_error *error)
{
    struct counted *done = &counter->stack[--counter->depth];
    act_budget_keep(counter->map);
    if (done->steps >= NOTED_STEPS) {
        if (!put_note(counter, done))
            return act_fail_nomem(error);
        done->steps = 1;
    }
    if (counter->depth > 0) {
        struct counted *parent = done - 1;
        parent->keys = add(parent->keys, add(done->keys, done->own));
        parent->steps += done->steps;
    }
    return ACT_OK;
}

static act_status count_from(struct counter *counter, uint64_t id, uint64_t *keys_ret,
                             act_error *error)
{
    struct counted root;
    uint64_t end;
    act_status status = read_node(counter->map, id, &root, &end, error);
    if (status == ACT_OK)
        status = begin(counter, &root, error);
    if (status != ACT_OK)
        return status;
    while (status == ACT_OK && counter->depth > 0) {
        if (counter->stack[counter->depth - 1].left > 0)
            status = next_child(counter, error);
        else
            status = leave(counter, error);
    }
    /* The first place of the stack still holds what was found, if it was ever used. */
    *keys_ret = add(root.own, counter->stack ? counter->stack[0].keys : 0);
    return status;
}

act_status act_cursor_val_count(const act_cursor *cursor, uint64_t *count_ret, act_error *error)
{
    uint64_t count = 0;
    if (act_cursor_is_inside(cursor)) {
        struct counter counter = {.map = cursor->map};
        /* From anywhere in a line the same keys lie below. */
        act_status status = count_from(&counter, act_cursor_top(cursor)->id, &count, error);
        free(counter.stack);
        free(counter.notes);
        status = act_guarded(cursor->map, status, error);
        if (status != ACT_OK)
            return status;
    }
    if (count_ret)
        *count_ret = count;
    return ACT_OK;
}
