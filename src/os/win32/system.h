/* What the files of this folder share: Windows 8 and later, paths as UTF-8, errors as errno. */
#ifndef ACT_OS_WIN32_SYSTEM_H
#define ACT_OS_WIN32_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "actree.h"

/* The most of one part of a path. */
#define ACT_OS_WIN32_NAME_NWORDS_MAX 255

/* The errno that says most nearly what a code of GetLastError says; EIO for all others. */
int act_os_win32_errno(DWORD code);

/* act_os_win32_errno(GetLastError()). */
int act_os_win32_last(void);

/*
 * The absolute path, in the form that has no limit of 260 characters, of one in UTF-8. NULL and
 * `*os_code_ret` on failure; otherwise to be freed by the caller.
 */
wchar_t *act_os_win32_path(const char *path, int *os_code_ret);

/* A new file beside: the first `folder_nwords` of `path`, which end with a backslash, and a name
 * of random letters. INVALID_HANDLE_VALUE and GetLastError on failure; otherwise `*name_ret` is its
 * path, to be freed by the caller. */
HANDLE act_os_win32_create(const wchar_t *path, size_t folder_nwords, const wchar_t *name,
                           DWORD access, DWORD flags, wchar_t **name_ret);

/* Fails unless the handle is one of a file: ACT_ERR_NOT_REGULAR, ACT_ERR_IO. */
act_status act_os_win32_examine(HANDLE handle, const char *quoted, uint64_t *nbytes_ret,
                                act_error *error);

/* Writes, or reads, all the bytes at an offset; fewer are read at the end of the file. Return how
 * many; then GetLastError tells why not all, or ERROR_SUCCESS. */
size_t act_os_win32_write(HANDLE handle, uint64_t off, const void *bytes, size_t nbytes);
size_t act_os_win32_read(HANDLE handle, uint64_t off, void *bytes, size_t nbytes);

#endif
