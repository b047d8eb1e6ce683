#include "actree.h"

const char *act_rule_name(act_rule rule)
{
    switch (rule) {
    case ACT_RULE_NONE:
        return "none";
    case ACT_RULE_NODE_BOUNDS:
        return "node-bounds";
    case ACT_RULE_CHILD_COUNT:
        return "child-count";
    case ACT_RULE_CHILD_BYTES:
        return "child-bytes";
    case ACT_RULE_CHILD_MASK:
        return "child-mask";
    case ACT_RULE_CHILD_OFFSET:
        return "child-offset";
    case ACT_RULE_SIBLING_RUN:
        return "sibling-run";
    case ACT_RULE_LINE_HEADER:
        return "line-header";
    case ACT_RULE_LINE_VALUE_CHILD:
        return "line-value-child";
    case ACT_RULE_LINE_OFFSET:
        return "line-offset";
    case ACT_RULE_LINE_LENGTH:
        return "line-length";
    case ACT_RULE_EMPTY_ROOT:
        return "empty-root";
    case ACT_RULE_TAIL:
        return "tail";
    case ACT_RULE_INDEX_HEADER:
        return "index-header";
    case ACT_RULE_JUMP_TABLE:
        return "jump-table";
    case ACT_RULE_CHECKSUM:
        return "checksum";
    }
    return "unknown";
}
