/* The same entries in a file of each of two layouts, for tests of how files are mapped. */
#ifndef TESTS_API_TWO_FILES_H
#define TESTS_API_TWO_FILES_H

#include "support/entries.h"

extern char *dir, *indexed, *plain;
extern struct entries entries; /* 200,000, below 20 first bytes; the files have some 5 MiB */

/* Make and remove the folder and the files: for cmocka's groups. */
int make_two_files(void **state);
int remove_two_files(void **state);

#endif
