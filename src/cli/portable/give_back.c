#include "allocate.h"

void cli_give_back(void)
{
}
