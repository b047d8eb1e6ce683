#include "actree.h"

const char *act_version(void)
{
    return ACT_VERSION_STRING;
}
