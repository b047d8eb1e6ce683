#include "os/identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/win32/system.h"

enum {
    FIRST_NBYTES = 16,
    TICKS_A_SECOND = 10000000 /* times are told in tenths of a microsecond */
};

bool act_os_win32_identify(HANDLE handle, struct act_os_identity *identity_ret)
{
    BY_HANDLE_FILE_INFORMATION info;
    if (!GetFileInformationByHandle(handle, &info))
        return false;
    uint64_t written = (uint64_t)info.ftLastWriteTime.dwHighDateTime << 32 |
                       info.ftLastWriteTime.dwLowDateTime;
    identity_ret->device = info.dwVolumeSerialNumber;
    identity_ret->number = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
    identity_ret->nbytes = (uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow;
    identity_ret->written_s = (int64_t)(written / TICKS_A_SECOND);
    identity_ret->written_ns = (int64_t)(written % TICKS_A_SECOND * 100);
    return true;
}

act_status act_os_identity_at(const char *path, struct act_os_identity *identity_ret,
                              uint8_t first_ret[16], act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    act_quote(quoted, path, strlen(path));
    int os_code;
    wchar_t *wide = act_os_win32_path(path, &os_code);
    if (!wide)
        return act_fail_os(error, os_code, "cannot examine %s", quoted);
    HANDLE handle = CreateFileW(wide, GENERIC_READ,
                                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    DWORD code = GetLastError();
    free(wide);
    if (handle == INVALID_HANDLE_VALUE)
        return act_fail_os(error, act_os_win32_errno(code), "cannot examine %s", quoted);
    uint64_t nbytes;
    act_status status = act_os_win32_examine(handle, quoted, &nbytes, error);
    if (status == ACT_OK && !act_os_win32_identify(handle, identity_ret))
        status = act_fail_os(error, act_os_win32_last(), "cannot examine %s", quoted);
    if (status == ACT_OK && first_ret) {
        memset(first_ret, 0, FIRST_NBYTES);
        (void)act_os_win32_read(handle, 0, first_ret, FIRST_NBYTES);
    }
    CloseHandle(handle);
    return status;
}
