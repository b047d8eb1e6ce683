#include "actree.h"

const char *act_strerror(act_status status)
{
    switch (status) {
    case ACT_OK:
        return "success";
    case ACT_NOT_FOUND:
        return "not found";
    case ACT_END:
        return "no more entries";
    case ACT_STOPPED:
        return "stopped by the caller";
    case ACT_ERR_INVALID:
        return "invalid argument";
    case ACT_ERR_ORDER:
        return "keys out of order";
    case ACT_ERR_DUPLICATE:
        return "duplicate key";
    case ACT_ERR_LIMIT:
        return "limit exceeded";
    case ACT_ERR_OVERFLOW:
        return "sum of values overflows";
    case ACT_ERR_NOMEM:
        return "out of memory";
    case ACT_ERR_IO:
        return "input/output error";
    case ACT_ERR_NOT_REGULAR:
        return "not a regular file";
    case ACT_ERR_LOCKED:
        return "another writer has the file";
    case ACT_ERR_FORMAT:
        return "not an ACTree03 file";
    case ACT_ERR_TRUNCATED:
        return "file is too short";
    case ACT_ERR_CORRUPT:
        return "file is damaged";
    }
    return "unknown status";
}
