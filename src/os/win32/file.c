/*
 * Output files. What is not as on POSIX: a file that replaces another has the permissions that new
 * files have in its folder; there is no call that syncs a folder, only the file's own data are
 * synced; and a file that somebody has open is replaced where the system has renaming with POSIX
 * semantics, Windows 10 of 1809 on NTFS: elsewhere that is refused, and the old file stays.
 */
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/win32/system.h"

enum {
    TEMP_EXTRA_NWORDS = 1 + 1 + 8 + 4, /* ".NAME.XXXXXXXX.tmp" */
    MOVE_MS_MAX = 256                  /* the longest of the waits, each of twice the one before */
};

struct act_os_output {
    HANDLE handle;      /* INVALID_HANDLE_VALUE once closed */
    wchar_t *path;      /* of the file that is to appear, links followed */
    wchar_t *temp_path; /* NULL while there is no such file */
    uint64_t nbytes;
    bool temporary; /* goes when it is closed */
    char quoted[ACT_QUOTED_NBYTES];
};

static act_status fail(const struct act_os_output *output, const char *what, DWORD code,
                       act_error *error)
{
    int os_code = code == ERROR_SUCCESS ? EIO : act_os_win32_errno(code);
    return act_fail_os(error, os_code, "cannot %s %s", what, output->quoted);
}

/* ------------------------------------------------------------------------- finding the place */

/* Where an open file lies, in place of the path of a link to it. */
static void follow_links(struct act_os_output *output, HANDLE handle)
{
    DWORD nwords = GetFinalPathNameByHandleW(handle, NULL, 0, FILE_NAME_NORMALIZED);
    wchar_t *path = nwords ? malloc((nwords + 1) * sizeof(*path)) : NULL;
    if (!path)
        return;
    DWORD got = GetFinalPathNameByHandleW(handle, path, nwords + 1, FILE_NAME_NORMALIZED);
    if (got == 0 || got > nwords) {
        free(path);
        return;
    }
    free(output->path);
    output->path = path;
}

/* Checks what is at the path now, if anything. */
static act_status examine(struct act_os_output *output, act_error *error)
{
    uint64_t nbytes;
    DWORD attributes = GetFileAttributesW(output->path);
    if (attributes == INVALID_FILE_ATTRIBUTES) {
        DWORD code = GetLastError();
        if (code == ERROR_FILE_NOT_FOUND || code == ERROR_PATH_NOT_FOUND)
            return ACT_OK;
        return fail(output, "examine", code, error);
    }
    if (attributes & FILE_ATTRIBUTE_DIRECTORY)
        return act_fail(error, ACT_ERR_NOT_REGULAR, ACT_NO_OFFSET, "%s is a directory, not a file",
                        output->quoted);
    /* A file may be renamed over one that is write-protected; its owner would not expect it. */
    HANDLE handle = CreateFileW(output->path, GENERIC_WRITE,
                                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                OPEN_EXISTING, 0, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        return fail(output, "replace", GetLastError(), error);
    act_status status = act_os_win32_examine(handle, output->quoted, &nbytes, error);
    if (status == ACT_OK && attributes & FILE_ATTRIBUTE_REPARSE_POINT)
        follow_links(output, handle);
    CloseHandle(handle);
    return status;
}

static act_status create(struct act_os_output *output, act_error *error)
{
    const wchar_t *slash = wcsrchr(output->path, L'\\');
    const wchar_t *name = slash ? slash + 1 : output->path;
    size_t folder_nwords = (size_t)(name - output->path);
    size_t name_nwords = wcslen(name);
    if (name_nwords == 0)
        return act_fail_os(error, EISDIR, "cannot create %s", output->quoted);
    if (name_nwords + TEMP_EXTRA_NWORDS > ACT_OS_WIN32_NAME_NWORDS_MAX)
        name = L"actree"; /* to cut it might leave half a character */
    output->handle = act_os_win32_create(output->path, folder_nwords, name,
                                         GENERIC_READ | GENERIC_WRITE | DELETE,
                                         FILE_ATTRIBUTE_NORMAL, &output->temp_path);
    if (output->handle == INVALID_HANDLE_VALUE)
        return fail(output, "create a file beside", GetLastError(), error);
    return ACT_OK;
}

/* Whether the file goes when it is closed, be it by the end of a program that was killed. */
static bool set_temporary(struct act_os_output *output, bool temporary)
{
    FILE_DISPOSITION_INFO info = {.DeleteFile = temporary};
    if (output->temporary != temporary &&
        SetFileInformationByHandle(output->handle, FileDispositionInfo, &info, sizeof(info)))
        output->temporary = temporary;
    return output->temporary == temporary;
}

act_status act_os_output_open(const char *path, struct act_os_output **output_ret, act_error *error)
{
    *output_ret = NULL;
    struct act_os_output *output = calloc(1, sizeof(*output));
    if (!output)
        return act_fail_nomem(error);
    output->handle = INVALID_HANDLE_VALUE;
    act_quote(output->quoted, path, strlen(path));
    int os_code;
    output->path = act_os_win32_path(path, &os_code);
    act_status status = output->path
                            ? ACT_OK
                            : act_fail_os(error, os_code, "cannot find %s", output->quoted);
    if (status == ACT_OK)
        status = examine(output, error);
    if (status == ACT_OK)
        status = create(output, error);
    if (status != ACT_OK) {
        act_os_output_close(output);
        return status;
    }
    (void)set_temporary(output, true);
    *output_ret = output;
    return ACT_OK;
}

/* ------------------------------------------------------------------------------------- writing */

act_status act_os_output_write(struct act_os_output *output, const void *bytes, size_t nbytes,
                               act_error *error)
{
    size_t done = act_os_win32_write(output->handle, output->nbytes, bytes, nbytes);
    DWORD code = GetLastError();
    output->nbytes += done;
    return done == nbytes ? ACT_OK : fail(output, "write", code, error);
}

act_status act_os_output_write_at(struct act_os_output *output, uint64_t off, const void *bytes,
                                  size_t nbytes, act_error *error)
{
    if (act_os_win32_write(output->handle, off, bytes, nbytes) == nbytes)
        return ACT_OK;
    return fail(output, "write", GetLastError(), error);
}

/* ---------------------------------------------------------------------------------- committing */

/* FILE_RENAME_INFO and its flags as Windows 10 has them: older headers do not. */
enum {
    RENAME_INFO_EX = 22,
    RENAME_REPLACE = 1,
    RENAME_POSIX = 2
};

/* The file's name becomes the new one in one step, whoever has the old file open: of Windows 10 on
 * NTFS. False and GetLastError where that is not possible. */
static bool rename_open(const struct act_os_output *output)
{
    struct rename_info {
        DWORD flags;
        HANDLE root;
        DWORD name_nbytes;
        WCHAR name[1];
    };
    size_t name_nbytes = wcslen(output->path) * sizeof(WCHAR);
    size_t nbytes = sizeof(struct rename_info) + name_nbytes;
    struct rename_info *info = calloc(1, nbytes);
    if (!info) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return false;
    }
    info->flags = RENAME_REPLACE | RENAME_POSIX;
    info->name_nbytes = (DWORD)name_nbytes;
    memcpy(info->name, output->path, name_nbytes);
    bool done = SetFileInformationByHandle(
        output->handle, (FILE_INFO_BY_HANDLE_CLASS)RENAME_INFO_EX, info, (DWORD)nbytes);
    DWORD code = GetLastError();
    free(info);
    SetLastError(code);
    return done;
}

/* Under the name that it has; waits a while for those who have the old file open: programs that
 * look at whatever is new do not have it for long. */
static bool move(const struct act_os_output *output, bool sync)
{
    DWORD flags = MOVEFILE_REPLACE_EXISTING | (sync ? MOVEFILE_WRITE_THROUGH : 0);
    for (DWORD ms = 1;; ms *= 2) {
        if (MoveFileExW(output->temp_path, output->path, flags))
            return true;
        DWORD code = GetLastError();
        if (ms > MOVE_MS_MAX || (code != ERROR_ACCESS_DENIED && code != ERROR_SHARING_VIOLATION))
            return false;
        DWORD attributes = GetFileAttributesW(output->path);
        if (attributes == INVALID_FILE_ATTRIBUTES || attributes & FILE_ATTRIBUTE_DIRECTORY) {
            SetLastError(code);
            return false;
        }
        Sleep(ms);
        SetLastError(code);
    }
}

static bool close_handle(struct act_os_output *output)
{
    HANDLE handle = output->handle;
    output->handle = INVALID_HANDLE_VALUE;
    return CloseHandle(handle);
}

act_status act_os_output_commit(struct act_os_output *output, bool sync, act_error *error)
{
    if (sync && !FlushFileBuffers(output->handle))
        return fail(output, "write", GetLastError(), error);
    if (!set_temporary(output, false))
        return fail(output, "keep", GetLastError(), error);
    bool done = rename_open(output);
    if (!close_handle(output))
        return fail(output, "write", GetLastError(), error);
    if (!done && !move(output, sync))
        return fail(output, "put in place", GetLastError(), error);
    free(output->temp_path);
    output->temp_path = NULL;
    return ACT_OK;
}

void act_os_output_close(struct act_os_output *output)
{
    if (!output)
        return;
    if (output->handle != INVALID_HANDLE_VALUE)
        CloseHandle(output->handle);
    if (output->temp_path && !output->temporary)
        DeleteFileW(output->temp_path);
    free(output->temp_path);
    free(output->path);
    free(output);
}
