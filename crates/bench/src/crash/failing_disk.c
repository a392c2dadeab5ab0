/* A disk that fails when it is told to, and that can lose its power: loaded into the server with LD_PRELOAD.
 *
 * FAILING_DISK_FILES  the store's file; those whose names begin with it (its log) are meant too, and no others
 * FAILING_DISK_SWITCH a directory of switches, which are files:
 *   sync    about every second sync fails with EIO. As Linux has it: what it was to keep can still be read, but no later
 *           sync keeps it unless it is written again
 *   space   every write fails with ENOSPC
 *   cut     the power was cut: before the program begins, everything is lost that was not synced
 *   met     made here when one of the first two struck
 *   undo-*  made here: what stood in a file before each write since its last sync
 *   lost-*  made here: the same, of writes whose sync failed
 *
 * It is as hard as a disk may be: all that was not synced goes. A failed sync is told to its caller only; the system would
 * tell everybody who has the file open. Names of files are taken to be safe at once.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define LARGEST_WRITE (1 << 20)

/* A write: where, how many bytes, how many of them replace others, and how long the file was. Those others follow. */
struct undo { off_t at, written, length, size; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by the lock. */
static char before[sizeof(struct undo) + LARGEST_WRITE];

static void in_switches(char path[PATH_MAX], const char *prefix, const char *name) {
    const char *directory = getenv("FAILING_DISK_SWITCH");
    if (!directory || snprintf(path, PATH_MAX, "%s/%s%s", directory, prefix, name) >= PATH_MAX) abort();
}

static int switched_on(const char *what) {
    char path[PATH_MAX];
    in_switches(path, "", what);
    return access(path, F_OK) == 0;
}

static int struck(int error) {
    char path[PATH_MAX];
    in_switches(path, "", "met");
    close(open(path, O_CREAT | O_WRONLY, 0600));
    errno = error;
    return -1;
}

/* The path of a file that is meant; none of any other. */
static const char *meant(int fd, char path[PATH_MAX]) {
    char link[64];
    const char *files = getenv("FAILING_DISK_FILES");
    int saved = errno;
    ssize_t length;
    if (!files || !getenv("FAILING_DISK_SWITCH")) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, PATH_MAX - 1);
    errno = saved;
    if (length < 0) return NULL;
    path[length] = 0;
    return strncmp(path, files, strlen(files)) == 0 ? path : NULL;
}

static void path_of(char kept[PATH_MAX], const char *prefix, const char *path) {
    in_switches(kept, prefix, strrchr(path, '/') + 1);
}

static void append(const char *to, const char *from, size_t n) {
    int fd = open(to, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || NEXT(write)(fd, from, n) != (ssize_t)n) abort();
    close(fd);
}

/* Keeps what a write is about to replace. */
static void keep(int fd, const char *path, size_t n, off_t at) {
    char undo[PATH_MAX];
    struct stat now;
    struct undo head = {.at = at, .written = n};
    if (n > LARGEST_WRITE || fstat(fd, &now) != 0) abort();
    head.size = now.st_size;
    if (at < now.st_size) head.length = pread(fd, before + sizeof head, n, at);
    if (head.length < 0) abort();
    memcpy(before, &head, sizeof head);
    path_of(undo, "undo-", path);
    append(undo, before, sizeof head + head.length);
}

/* All records of a file, in memory; none if there is no such file. */
static char *read_all(const char *path, size_t *size) {
    struct stat now;
    char *all = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *size = 0;
    if (fd < 0) return NULL;
    if (fstat(fd, &now) != 0 || !(all = malloc(now.st_size + 1)) || read(fd, all, now.st_size) != now.st_size) abort();
    close(fd);
    *size = now.st_size;
    return all;
}

/* The record at that place, and the place of the next. */
static int record(const char *all, size_t size, size_t *at, struct undo *head) {
    if (*at + sizeof *head > size) return 0;
    memcpy(head, all + *at, sizeof *head);
    if (*at + sizeof *head + head->length > size) return 0;
    *at += sizeof *head + head->length;
    return 1;
}

/* Takes writes back, the latest first. */
static void undo(const char *path, const char *prefix, int shortens) {
    char kept[PATH_MAX];
    struct undo head;
    size_t size, at = 0, count = 0, *ends = NULL;
    char *all;
    int to = open(path, O_RDWR | O_CLOEXEC);
    path_of(kept, prefix, path);
    all = read_all(kept, &size);
    while (to >= 0 && record(all, size, &at, &head)) {
        if (!(ends = realloc(ends, (count + 1) * sizeof *ends))) abort();
        ends[count++] = at;
    }
    while (count-- > 0) {
        at = count ? ends[count - 1] : 0;
        memcpy(&head, all + at, sizeof head);
        /* What never came to the disk in the middle of a file reads as zeros. */
        memset(before, 0, head.written);
        memcpy(before, all + at + sizeof head, head.length);
        if (NEXT(pwrite)(to, before, head.written, head.at) != head.written) abort();
        if (shortens && ftruncate(to, head.size) != 0) abort();
    }
    free(ends);
    free(all);
    if (to >= 0) close(to);
    unlink(kept);
}

/* Everything is on the disk, but for what a failed sync lost and nobody wrote again. */
static void sync_went_well(const char *path) {
    char written[PATH_MAX], lost[PATH_MAX];
    size_t written_size, lost_size, at = 0, kept = 0;
    struct undo loss, head;
    char *writes, *losses;
    path_of(written, "undo-", path);
    path_of(lost, "lost-", path);
    losses = read_all(lost, &lost_size);
    if (losses) {
        writes = read_all(written, &written_size);
        for (size_t begin = 0; record(losses, lost_size, &at, &loss); begin = at) {
            int again = 0;
            for (size_t next = 0; !again && record(writes, written_size, &next, &head);)
                again = head.at <= loss.at && head.at + head.written >= loss.at + loss.written;
            if (again) continue;
            memmove(losses + kept, losses + begin, at - begin);
            kept += at - begin;
        }
        unlink(lost);
        if (kept) append(lost, losses, kept);
        free(losses);
        free(writes);
    }
    unlink(written);
}

static void sync_failed(const char *path) {
    char written[PATH_MAX], lost[PATH_MAX];
    size_t size;
    path_of(written, "undo-", path);
    path_of(lost, "lost-", path);
    char *all = read_all(written, &size);
    if (all) append(lost, all, size);
    free(all);
    unlink(written);
}

/* Cuts off a record that is not complete, since its process was killed: it belongs to a write that did not come to be. */
static void mend(const char *name) {
    char path[PATH_MAX];
    struct undo head;
    size_t size, at = 0;
    char *all;
    in_switches(path, "", name);
    all = read_all(path, &size);
    while (record(all, size, &at, &head)) {}
    if (at < size && truncate(path, at) != 0) abort();
    free(all);
}

static void take_back(const char *name, int shortens) {
    char path[PATH_MAX];
    const char *files = getenv("FAILING_DISK_FILES");
    int directory = strrchr(files, '/') - files;
    if (snprintf(path, sizeof path, "%.*s/%s", directory, files, name + 5) >= PATH_MAX) abort();
    undo(path, shortens ? "undo-" : "lost-", shortens);
}

/* A process that was killed, or ended, has lost nothing of what it wrote, unless the power was cut. */
__attribute__((constructor)) static void begin(void) {
    char cut[PATH_MAX];
    const char *directory = getenv("FAILING_DISK_SWITCH"), *files = getenv("FAILING_DISK_FILES");
    const char *prefixes[] = {"undo-", "lost-"};
    struct dirent *entry;
    DIR *all;
    if (!directory || !files || !strchr(files, '/')) return;
    for (int turn = 0; turn < 2; turn++) {
        if (!(all = opendir(directory))) abort();
        while ((entry = readdir(all))) {
            if (strncmp(entry->d_name, prefixes[turn], 5) != 0) continue;
            mend(entry->d_name);
            if (switched_on("cut")) take_back(entry->d_name, turn == 0);
        }
        closedir(all);
    }
    in_switches(cut, "", "cut");
    unlink(cut);
}

static int synced(int fd, int (*sync)(int)) {
    char path[PATH_MAX];
    struct timespec now;
    int result;
    if (!meant(fd, path)) return sync(fd);
    pthread_mutex_lock(&lock);
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (switched_on("sync") && (now.tv_nsec >> 10) & 1) {
        sync_failed(path);
        result = struck(EIO);
    } else {
        result = sync(fd);
        if (result == 0) sync_went_well(path);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static ssize_t written(int fd, const void *from, size_t n, off_t at, int moves) {
    char path[PATH_MAX];
    ssize_t result;
    if (!meant(fd, path)) return moves ? NEXT(write)(fd, from, n) : NEXT(pwrite)(fd, from, n, at);
    pthread_mutex_lock(&lock);
    if (switched_on("space")) {
        result = struck(ENOSPC);
    } else {
        if (moves) at = lseek(fd, 0, SEEK_CUR);
        /* What processes share in memory is nothing that a disk keeps. */
        if (!strstr(path, "-shm")) keep(fd, path, n, at);
        result = moves ? NEXT(write)(fd, from, n) : NEXT(pwrite)(fd, from, n, at);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int fd) { return synced(fd, NEXT(fsync)); }
int fdatasync(int fd) { return synced(fd, NEXT(fdatasync)); }
ssize_t write(int fd, const void *from, size_t n) { return written(fd, from, n, 0, 1); }
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) { return written(fd, from, n, at, 0); }
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) { return written(fd, from, n, at, 0); }

/* Of a file that is gone there is nothing to lose; another one of its name is another one. */
int unlink(const char *path) {
    char kept[PATH_MAX];
    const char *files = getenv("FAILING_DISK_FILES"), *prefixes[] = {"undo-", "lost-"};
    if (files && getenv("FAILING_DISK_SWITCH") && strncmp(path, files, strlen(files)) == 0) {
        for (int turn = 0; turn < 2; turn++) {
            path_of(kept, prefixes[turn], path);
            NEXT(unlink)(kept);
        }
    }
    return NEXT(unlink)(path);
}
