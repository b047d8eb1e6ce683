#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <stddef.h>

/*
 * A folder of its own for one test, and files in it. All of these end the
 * program with a message when the system refuses: a test that cannot write its
 * own files has nothing to say about the library.
 */

/* Ends the program so. */
_Noreturn void scratch_fail(const char *what, const char *path);

/* Makes an empty folder below $TMPDIR (or /tmp). The caller gives the path to scratch_remove(). */
char *scratch_make(void);

/* Removes the folder with all that is in it, and frees `dir`. */
void scratch_remove(char *dir);

/* `dir`/`name`, to be freed by the caller. */
char *scratch_path(const char *dir, const char *name);

/* How many files are in the folder. */
unsigned scratch_count(const char *dir);

/* Writes a whole file, replacing what was there. */
void scratch_write(const char *path, const void *bytes, size_t nbytes);

/* Reads a whole file; one more byte, zero, follows the contents. To be freed by the caller. */
unsigned char *scratch_read(const char *path, size_t *nbytes_ret);

/* A fixture of cmocka's: a folder for the tests of a program, or for one of them. */
extern char *scratch_dir;
extern char *scratch_map; /* scratch_dir/map.act, where nothing is yet */
int scratch_set_up(void **state);
int scratch_tear_down(void **state);

#endif
