/* Folders of tests, on Windows. Paths are UTF-8, with slashes, as elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "support/scratch.h"

enum {
    WORDS = 4096
};

static void widen(wchar_t wide[WORDS], const char *path, const char *rest)
{
    char joined[WORDS];
    snprintf(joined, sizeof(joined), "%s%s", path, rest);
    if (!MultiByteToWideChar(CP_UTF8, 0, joined, -1, wide, WORDS))
        scratch_fail("name", path);
}

char *scratch_make(void)
{
    static unsigned count;
    wchar_t parent[MAX_PATH + 2], wide[WORDS];
    char name[64], folder[WORDS];
    DWORD nwords = GetTempPathW(MAX_PATH + 2, parent);
    if (!nwords || !WideCharToMultiByte(CP_UTF8, 0, parent, -1, folder, WORDS, NULL, NULL))
        scratch_fail("find", "the folder for temporary files");
    folder[strlen(folder) - 1] = '\0'; /* the backslash at its end */
    for (char *at = folder; *at; at++)
        *at = *at == '\\' ? '/' : *at;
    for (;;) {
        snprintf(name, sizeof(name), "actree-test-%lu-%u", GetCurrentProcessId(), count++);
        char *dir = scratch_path(folder, name);
        widen(wide, dir, "");
        if (CreateDirectoryW(wide, NULL))
            return dir;
        if (GetLastError() != ERROR_ALREADY_EXISTS)
            scratch_fail("make", dir);
        free(dir);
    }
}

/* The entries of a folder but those for itself and the one above; with `remove_all`, they go. */
static unsigned walk(const char *dir, int remove_all)
{
    unsigned count = 0;
    WIN32_FIND_DATAW entry;
    wchar_t wide[WORDS];
    char name[WORDS];
    widen(wide, dir, "/*");
    HANDLE find = FindFirstFileW(wide, &entry);
    if (find == INVALID_HANDLE_VALUE)
        scratch_fail("list", dir);
    do {
        WideCharToMultiByte(CP_UTF8, 0, entry.cFileName, -1, name, WORDS, NULL, NULL);
        if (!strcmp(name, ".") || !strcmp(name, ".."))
            continue;
        count++;
        char *child = scratch_path(dir, name);
        widen(wide, child, "");
        if (remove_all && entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) {
            walk(child, 1);
            RemoveDirectoryW(wide);
        } else if (remove_all && !DeleteFileW(wide)) {
            scratch_fail("remove", child);
        }
        free(child);
    } while (FindNextFileW(find, &entry));
    FindClose(find);
    return count;
}

void scratch_remove(char *dir)
{
    wchar_t wide[WORDS];
    walk(dir, 1);
    widen(wide, dir, "");
    RemoveDirectoryW(wide); /* not while a file that was in it is open */
    free(dir);
}

unsigned scratch_count(const char *dir)
{
    return walk(dir, 0);
}
