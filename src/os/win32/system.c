#include "os/win32/system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/random.h"

enum {
    RANDOM_NWORDS = 8,
    TRIES = 100,
    CALL_NBYTES_MAX = 1 << 30 /* the most that is asked of one call */
};

int act_os_win32_errno(DWORD code)
{
    static const struct {
        DWORD code;
        int os_code;
    } table[] = {
        {ERROR_FILE_NOT_FOUND, ENOENT},
        {ERROR_PATH_NOT_FOUND, ENOENT},
        {ERROR_BAD_NETPATH, ENOENT},
        {ERROR_BAD_NET_NAME, ENOENT},
        {ERROR_INVALID_DRIVE, ENOENT},
        {ERROR_INVALID_NAME, ENOENT},
        {ERROR_BAD_PATHNAME, ENOENT},
        {ERROR_DIRECTORY, ENOTDIR},
        {ERROR_ACCESS_DENIED, EACCES},
        {ERROR_SHARING_VIOLATION, EACCES},
        {ERROR_LOCK_VIOLATION, EACCES},
        {ERROR_USER_MAPPED_FILE, EACCES},
        {ERROR_DELETE_PENDING, EACCES},
        {ERROR_WRITE_PROTECT, EROFS},
        {ERROR_FILE_EXISTS, EEXIST},
        {ERROR_ALREADY_EXISTS, EEXIST},
        {ERROR_TOO_MANY_OPEN_FILES, EMFILE},
        {ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
        {ERROR_OUTOFMEMORY, ENOMEM},
        {ERROR_COMMITMENT_LIMIT, ENOMEM},
        {ERROR_NO_SYSTEM_RESOURCES, ENOMEM},
        {ERROR_WORKING_SET_QUOTA, EAGAIN},
        {ERROR_DISK_FULL, ENOSPC},
        {ERROR_HANDLE_DISK_FULL, ENOSPC},
        {ERROR_FILE_TOO_LARGE, EFBIG},
        {ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG},
        {ERROR_BUFFER_OVERFLOW, ENAMETOOLONG},
        {ERROR_NO_UNICODE_TRANSLATION, EILSEQ},
        {ERROR_BROKEN_PIPE, EPIPE},
        {ERROR_NOT_SUPPORTED, ENOSYS},
        {ERROR_CALL_NOT_IMPLEMENTED, ENOSYS},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (table[i].code == code)
            return table[i].os_code;
    return EIO;
}

int act_os_win32_last(void)
{
    return act_os_win32_errno(GetLastError());
}

/* ---------------------------------------------------------------------------------------- paths */

/* In UTF-16. NULL and GetLastError. */
static wchar_t *widen(const char *path)
{
    int nwords = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
    wchar_t *wide = nwords > 0 ? malloc((size_t)nwords * sizeof(*wide)) : NULL;
    if (wide)
        MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, nwords);
    else if (nwords > 0)
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return wide;
}

/* The absolute path with room for `before` words before it. NULL and GetLastError. */
static wchar_t *make_full(const wchar_t *wide, size_t before)
{
    for (DWORD capacity = 512;;) {
        wchar_t *full = malloc((before + capacity) * sizeof(*full));
        if (!full) {
            SetLastError(ERROR_NOT_ENOUGH_MEMORY);
            return NULL;
        }
        DWORD nwords = GetFullPathNameW(wide, capacity, full + before, NULL);
        if (nwords > 0 && nwords < capacity)
            return full;
        DWORD code = nwords ? ERROR_SUCCESS : GetLastError();
        free(full);
        if (!nwords) {
            SetLastError(code);
            return NULL;
        }
        capacity = nwords + 1; /* somebody may have changed the folder: again */
    }
}

/* Drives and shares get the prefix that lifts the limit; other paths that begin with a backslash
 * have one of their own. */
static wchar_t *finish(wchar_t *full, size_t before)
{
    static const wchar_t drive[] = L"\\\\?\\", share[] = L"\\\\?\\UNC";
    wchar_t *path = full + before;
    size_t nwords = wcslen(path) + 1;
    size_t prefix_nwords = 0;
    if (path[0] != L'\\') {
        prefix_nwords = wcslen(drive);
        wmemcpy(path - prefix_nwords, drive, prefix_nwords);
    } else if (path[1] == L'\\' && path[2] != L'?' && path[2] != L'.') {
        prefix_nwords = wcslen(share) - 1; /* over one of the two backslashes */
        wmemcpy(path - prefix_nwords, share, prefix_nwords + 1);
    }
    wmemmove(full, path - prefix_nwords, nwords + prefix_nwords);
    return full;
}

/* Whether a part of the path is longer than any file system takes: what Windows says to that does
 * not tell. */
static bool has_long_part(const wchar_t *wide)
{
    size_t nwords = 0;
    for (; *wide; wide++) {
        nwords = *wide == L'\\' || *wide == L'/' ? 0 : nwords + 1;
        if (nwords > ACT_OS_WIN32_NAME_NWORDS_MAX)
            return true;
    }
    return false;
}

wchar_t *act_os_win32_path(const char *path, int *os_code_ret)
{
    enum {
        PREFIX_NWORDS = 8
    };
    wchar_t *wide = *path ? widen(path) : NULL;
    if (wide && has_long_part(wide)) {
        free(wide);
        *os_code_ret = ENAMETOOLONG;
        return NULL;
    }
    wchar_t *full = wide ? make_full(wide, PREFIX_NWORDS) : NULL;
    if (!full)
        *os_code_ret = *path ? act_os_win32_last() : ENOENT;
    free(wide);
    return full ? finish(full, PREFIX_NWORDS) : NULL;
}

/* ---------------------------------------------------------------------------------------- files */

HANDLE act_os_win32_create(const wchar_t *path, size_t folder_nwords, const wchar_t *name,
                           DWORD access, DWORD flags, wchar_t **name_ret)
{
    static const wchar_t letters[] = L"abcdefghijklmnopqrstuvwxyz234567", end[] = L".tmp";
    size_t name_nwords = wcslen(name);
    size_t capacity = folder_nwords + 1 + name_nwords + 1 + RANDOM_NWORDS + wcslen(end) + 1;
    wchar_t *made = malloc(capacity * sizeof(*made));
    *name_ret = NULL;
    if (!made) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return INVALID_HANDLE_VALUE;
    }
    wmemcpy(made, path, folder_nwords);
    wchar_t *at = made + folder_nwords;
    *at++ = L'.';
    wmemcpy(at, name, name_nwords);
    at += name_nwords;
    *at++ = L'.';
    wmemcpy(at + RANDOM_NWORDS, end, wcslen(end) + 1);
    HANDLE handle = INVALID_HANDLE_VALUE;
    for (int i = 0; i < TRIES && handle == INVALID_HANDLE_VALUE; i++) {
        uint64_t bits = act_os_random();
        for (int k = 0; k < RANDOM_NWORDS; k++, bits >>= 5)
            at[k] = letters[bits & 31];
        handle = CreateFileW(made, access, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, CREATE_NEW,
                             flags, NULL);
        if (handle == INVALID_HANDLE_VALUE && GetLastError() != ERROR_FILE_EXISTS)
            break;
    }
    DWORD code = GetLastError();
    if (handle != INVALID_HANDLE_VALUE)
        *name_ret = made;
    else
        free(made);
    SetLastError(code);
    return handle;
}

act_status act_os_win32_examine(HANDLE handle, const char *quoted, uint64_t *nbytes_ret,
                                act_error *error)
{
    BY_HANDLE_FILE_INFORMATION info;
    DWORD type = GetFileType(handle);
    if (type == FILE_TYPE_DISK && !GetFileInformationByHandle(handle, &info))
        return act_fail_os(error, act_os_win32_last(), "cannot examine %s", quoted);
    bool folder = type == FILE_TYPE_DISK && info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY;
    if (type != FILE_TYPE_DISK || folder)
        return act_fail(error, ACT_ERR_NOT_REGULAR, ACT_NO_OFFSET, "%s is %s, not a file", quoted,
                        folder ? "a directory" : "a pipe, socket or device");
    *nbytes_ret = (uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow;
    return ACT_OK;
}

static OVERLAPPED place_at(uint64_t off)
{
    OVERLAPPED place;
    memset(&place, 0, sizeof(place));
    place.Offset = (DWORD)(off & 0xffffffff);
    place.OffsetHigh = (DWORD)(off >> 32);
    return place;
}

static DWORD part_of(size_t nbytes)
{
    return nbytes < CALL_NBYTES_MAX ? (DWORD)nbytes : CALL_NBYTES_MAX;
}

size_t act_os_win32_write(HANDLE handle, uint64_t off, const void *bytes, size_t nbytes)
{
    size_t done = 0;
    SetLastError(ERROR_SUCCESS);
    while (done < nbytes) {
        OVERLAPPED place = place_at(off + done);
        DWORD n = 0;
        if (!WriteFile(handle, (const char *)bytes + done, part_of(nbytes - done), &n, &place))
            break;
        done += n;
        if (n == 0)
            break;
    }
    return done;
}

size_t act_os_win32_read(HANDLE handle, uint64_t off, void *bytes, size_t nbytes)
{
    size_t done = 0;
    SetLastError(ERROR_SUCCESS);
    while (done < nbytes) {
        OVERLAPPED place = place_at(off + done);
        DWORD n = 0;
        if (!ReadFile(handle, (char *)bytes + done, part_of(nbytes - done), &n, &place)) {
            if (GetLastError() == ERROR_HANDLE_EOF)
                SetLastError(ERROR_SUCCESS);
            break;
        }
        done += n;
        if (n == 0)
            break;
    }
    return done;
}
