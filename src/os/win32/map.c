#include "os/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/paging.h"
#include "os/win32/system.h"

enum {
    PADDING_NBYTES = 256 /* as far as wide loads near the end of a file may reach beyond it */
};

static act_status open_read(HANDLE handle, size_t nbytes, const char *quoted,
                            struct act_os_bytes *bytes, act_error *error)
{
    uint8_t *buffer = calloc(1, nbytes + PADDING_NBYTES);
    if (!buffer)
        return act_fail(error, ACT_ERR_NOMEM, ACT_NO_OFFSET, "no memory to read %s into", quoted);
    size_t done = act_os_win32_read(handle, 0, buffer, nbytes);
    DWORD code = GetLastError();
    if (done < nbytes && code != ERROR_SUCCESS) {
        free(buffer);
        return act_fail_os(error, act_os_win32_errno(code), "cannot read %s", quoted);
    }
    bytes->bytes = buffer;
    bytes->nbytes = done;
    bytes->padding_nbytes = PADDING_NBYTES;
    return ACT_OK;
}

/* A view ends with the page in which the file ends; what lies between are zeros, perhaps none. */
static uint64_t padding_of(uint64_t nbytes)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    uint64_t rest = (info.dwPageSize - nbytes % info.dwPageSize) % info.dwPageSize;
    return rest < PADDING_NBYTES ? rest : PADDING_NBYTES;
}

static act_status open_mapped(HANDLE handle, size_t nbytes, const char *quoted,
                              struct act_os_bytes *bytes, act_error *error)
{
    HANDLE section = CreateFileMappingW(handle, NULL, PAGE_READONLY, 0, 0, NULL);
    if (!section)
        return act_fail_os(error, act_os_win32_last(), "cannot map %s into memory", quoted);
    const uint8_t *view = MapViewOfFile(section, FILE_MAP_READ, 0, 0, nbytes);
    DWORD code = GetLastError();
    CloseHandle(section); /* the view keeps what it needs of it */
    if (!view)
        return act_fail_os(error, act_os_win32_errno(code), "cannot map %s into memory", quoted);
    bytes->bytes = view;
    bytes->nbytes = nbytes;
    bytes->padding_nbytes = padding_of(nbytes);
    bytes->mapped = true;
    bytes->handle = (intptr_t)handle;
    act_os_paging_set(view, nbytes, ACT_OS_PAGING_SINGLE);
    return ACT_OK;
}

static act_status open_handle(HANDLE handle, const char *quoted, act_access access,
                              uint64_t read_nbytes_max, struct act_os_bytes *bytes,
                              act_error *error)
{
    uint64_t nbytes;
    act_status status = act_os_win32_examine(handle, quoted, &nbytes, error);
    if (status != ACT_OK || nbytes == 0)
        return status;
    if (nbytes > SIZE_MAX / 2)
        return act_fail(error, ACT_ERR_NOMEM, ACT_NO_OFFSET,
                        "%s is larger than the address space of this program", quoted);
    bool read = access == ACT_ACCESS_READ ||
                (access == ACT_ACCESS_AUTO && nbytes <= read_nbytes_max);
    return read ? open_read(handle, (size_t)nbytes, quoted, bytes, error)
                : open_mapped(handle, (size_t)nbytes, quoted, bytes, error);
}

act_status act_os_bytes_open(const char *path, act_access access, act_guard guard,
                             uint64_t read_nbytes_max, struct act_os_bytes *bytes_ret,
                             act_error *error)
{
    (void)guard; /* Windows cuts no file that is mapped */
    memset(bytes_ret, 0, sizeof(*bytes_ret));
    char quoted[ACT_QUOTED_NBYTES];
    act_quote(quoted, path, strlen(path));
    int os_code;
    wchar_t *wide = act_os_win32_path(path, &os_code);
    if (!wide)
        return act_fail_os(error, os_code, "cannot open %s", quoted);
    /* With FILE_FLAG_BACKUP_SEMANTICS a folder can be opened too, and told from what is not there.
     * The file may be renamed and removed while it is open, as on other systems. */
    HANDLE handle = CreateFileW(wide, GENERIC_READ,
                                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    DWORD code = GetLastError();
    free(wide);
    if (handle == INVALID_HANDLE_VALUE)
        return act_fail_os(error, act_os_win32_errno(code), "cannot open %s", quoted);
    (void)act_os_win32_identify(handle, &bytes_ret->identity);
    act_status status = open_handle(handle, quoted, access, read_nbytes_max, bytes_ret, error);
    if (!bytes_ret->handle)
        CloseHandle(handle);
    return status;
}

/* Nobody writes through a view that is read-only, so that it makes no difference whose it is; but a
 * part of one cannot be another. */
int act_os_bytes_set_backing(const struct act_os_bytes *bytes, uint64_t off, uint64_t nbytes,
                             enum act_os_backing backing)
{
    (void)bytes;
    (void)off;
    (void)nbytes;
    return backing == ACT_OS_BACKING_COPY ? ENOSYS : 0;
}

act_status act_os_bytes_copy(struct act_os_bytes *bytes, act_error *error)
{
    size_t nbytes = (size_t)bytes->nbytes;
    uint8_t *copy = VirtualAlloc(NULL, nbytes + PADDING_NBYTES, MEM_RESERVE | MEM_COMMIT,
                                 PAGE_READWRITE);
    if (!copy)
        return act_fail_os(error, act_os_win32_last(), "no memory for a copy of the file");
    size_t done = act_os_win32_read((HANDLE)bytes->handle, 0, copy, nbytes);
    DWORD code = GetLastError();
    if (done < nbytes) {
        VirtualFree(copy, 0, MEM_RELEASE);
        return act_fail_os(error, code == ERROR_SUCCESS ? EIO : act_os_win32_errno(code),
                           "cannot read the file into a copy");
    }
    struct act_os_identity identity = bytes->identity;
    act_os_bytes_close(bytes);
    bytes->identity = identity;
    bytes->bytes = copy;
    bytes->nbytes = nbytes;
    bytes->padding_nbytes = PADDING_NBYTES;
    bytes->mapped = true;
    bytes->copied = true;
    return ACT_OK;
}

void act_os_bytes_close(struct act_os_bytes *bytes)
{
    void *address = (void *)(uintptr_t)bytes->bytes;
    if (bytes->copied)
        VirtualFree(address, 0, MEM_RELEASE);
    else if (bytes->mapped)
        UnmapViewOfFile(address);
    else
        free(address);
    if (bytes->handle)
        CloseHandle((HANDLE)bytes->handle);
    memset(bytes, 0, sizeof(*bytes));
}
