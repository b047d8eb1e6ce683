#include "os/temp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/win32/system.h"

struct act_os_temp {
    HANDLE handle;
    uint64_t nbytes;
    char quoted[ACT_QUOTED_NBYTES]; /* the folder */
};

static act_status fail(const struct act_os_temp *temp, const char *what, DWORD code,
                       act_error *error)
{
    int os_code = code == ERROR_SUCCESS ? EIO : act_os_win32_errno(code);
    return act_fail_os(error, os_code, "cannot %s a temporary file in %s", what, temp->quoted);
}

/* Its name goes with the last handle, also that of a program that is killed. */
static act_status create(const wchar_t *path, size_t folder_nwords, const char *quoted_folder,
                         struct act_os_temp **temp_ret, act_error *error)
{
    struct act_os_temp *temp = malloc(sizeof(*temp));
    if (!temp)
        return act_fail_nomem(error);
    wchar_t *name;
    temp->nbytes = 0;
    memcpy(temp->quoted, quoted_folder, sizeof(temp->quoted));
    temp->handle = act_os_win32_create(path, folder_nwords, L"actree",
                                       GENERIC_READ | GENERIC_WRITE | DELETE,
                                       FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, &name);
    free(name);
    if (temp->handle == INVALID_HANDLE_VALUE) {
        act_status status = fail(temp, "make", GetLastError(), error);
        free(temp);
        return status;
    }
    *temp_ret = temp;
    return ACT_OK;
}

static act_status open_in_default(struct act_os_temp **temp_ret, act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    wchar_t folder[MAX_PATH + 2];
    act_quote(quoted, "%TMP%", 5);
    DWORD nwords = GetTempPathW(MAX_PATH + 2, folder);
    if (nwords == 0 || nwords >= MAX_PATH + 2)
        return act_fail_os(error, act_os_win32_last(), "cannot make a temporary file in %s",
                           quoted);
    return create(folder, nwords, quoted, temp_ret, error);
}

act_status act_os_temp_open(const char *folder, struct act_os_temp **temp_ret, act_error *error)
{
    *temp_ret = NULL;
    if (!folder)
        return open_in_default(temp_ret, error);
    char quoted[ACT_QUOTED_NBYTES];
    act_quote(quoted, folder, strlen(folder));
    int os_code;
    wchar_t *wide = act_os_win32_path(folder, &os_code);
    if (!wide)
        return act_fail_os(error, os_code, "cannot make a temporary file in %s", quoted);
    size_t nwords = wcslen(wide);
    /* The path of a root ends with a backslash already; otherwise it takes the place of the end. */
    if (nwords && wide[nwords - 1] != L'\\')
        wide[nwords++] = L'\\';
    act_status status = create(wide, nwords, quoted, temp_ret, error);
    free(wide);
    return status;
}

act_status act_os_temp_open_beside(const char *path, struct act_os_temp **temp_ret,
                                   act_error *error)
{
    size_t nbytes = strlen(path);
    while (nbytes && path[nbytes - 1] != '/' && path[nbytes - 1] != '\\' && path[nbytes - 1] != ':')
        nbytes--;
    if (nbytes == 0)
        return act_os_temp_open(".", temp_ret, error);
    char *folder = malloc(nbytes + 1);
    if (!folder)
        return act_fail_nomem(error);
    memcpy(folder, path, nbytes);
    folder[nbytes] = '\0';
    act_status status = act_os_temp_open(folder, temp_ret, error);
    free(folder);
    return status;
}

act_status act_os_temp_write(struct act_os_temp *temp, const void *bytes, size_t nbytes,
                             act_error *error)
{
    size_t done = act_os_win32_write(temp->handle, temp->nbytes, bytes, nbytes);
    DWORD code = GetLastError();
    temp->nbytes += done;
    return done == nbytes ? ACT_OK : fail(temp, "write", code, error);
}

uint64_t act_os_temp_nbytes(const struct act_os_temp *temp)
{
    return temp->nbytes;
}

act_status act_os_temp_read(const struct act_os_temp *temp, uint64_t off, void *bytes,
                            size_t nbytes, act_error *error)
{
    if (act_os_win32_read(temp->handle, off, bytes, nbytes) == nbytes)
        return ACT_OK;
    DWORD code = GetLastError();
    return code == ERROR_SUCCESS ? act_os_temp_fail_damaged(temp, error)
                                 : fail(temp, "read", code, error);
}

void act_os_temp_forget(struct act_os_temp *temp, uint64_t off, uint64_t nbytes)
{
    (void)temp;
    (void)off;
    (void)nbytes;
}

act_status act_os_temp_fail_damaged(const struct act_os_temp *temp, act_error *error)
{
    return act_fail_os(error, EIO, "a temporary file in %s is not as it was written", temp->quoted);
}

void act_os_temp_close(struct act_os_temp *temp)
{
    if (!temp)
        return;
    CloseHandle(temp->handle);
    free(temp);
}
