/* A disk that can lose power, fail and fill up: preloaded into a server, for one folder of it.

   Every file of DISK_FOLDER has an image in DISK_IMAGE that holds what a power loss would leave:
   a page gets there when fsync or fdatasync of its file succeeds, and not before. Names are
   durable at once. An fsync that is made to fail forgets which pages were dirty, as Linux does: a
   second fsync will say yes and save nothing of them. SQLite's -shm is memory, and never kept.

   DISK_CONTROL is a file of eight int64 that the test maps too, to set faults while we run. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096

enum { SYNCS, WRITES, FAIL_SYNC_IN, FULL_IN, FULL, FAILED_SYNCS, REFUSED_WRITES, SYNCS_FAIL };

struct file {
    char path[PATH_MAX];
    unsigned char *dirty; /* one byte a page */
    size_t pages;
    off_t floor; /* the shortest that it was since its last sync */
    struct file *next;
};

static const char *folder, *image;
static int64_t *control;
static struct file *files;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int), (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off64_t);
static int (*real_unlink)(const char *), (*real_rename)(const char *, const char *);

__attribute__((constructor)) static void begin(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_rename = dlsym(RTLD_NEXT, "rename");
    image = getenv("DISK_IMAGE");
    int fd = open(getenv("DISK_CONTROL"), O_RDWR | O_CLOEXEC);
    control = mmap(NULL, 64, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    folder = getenv("DISK_FOLDER"); /* last: from here on we watch */
}

static int64_t add(int what) { return __atomic_add_fetch(&control[what], 1, __ATOMIC_SEQ_CST); }

/* Whether a countdown reaches its end now; one that is not set stands at 0. */
static int ends(int what) {
    if (__atomic_load_n(&control[what], __ATOMIC_SEQ_CST) <= 0) return 0;
    return __atomic_sub_fetch(&control[what], 1, __ATOMIC_SEQ_CST) == 0;
}

static int is_ours(const char *path) {
    size_t length = folder ? strlen(folder) : 0, all = strlen(path);
    if (!length || strncmp(path, folder, length) || path[length] != '/') return 0;
    return all < 4 || strcmp(path + all - 4, "-shm");
}

/* The path of an open file of ours, or NULL. */
static const char *path_of(int fd, char *path) {
    char link[64];
    struct stat about;
    if (!folder || fstat(fd, &about) || !S_ISREG(about.st_mode) || !about.st_nlink) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    return is_ours(path) ? path : NULL;
}

static struct file *file_at(const char *path) {
    for (struct file *one = files; one; one = one->next)
        if (!strcmp(one->path, path)) return one;
    struct file *made = calloc(1, sizeof *made);
    strcpy(made->path, path);
    made->floor = -1;
    made->next = files;
    return files = made;
}

static void forget(const char *path) {
    for (struct file **at = &files; *at; at = &(*at)->next)
        if (!strcmp((*at)->path, path)) {
            struct file *gone = *at;
            *at = gone->next;
            free(gone->dirty);
            free(gone);
            return;
        }
}

static void image_of(const char *path, char *found) {
    snprintf(found, PATH_MAX, "%s%s", image, path + strlen(folder));
}

static void dirty(const char *path, off_t from, ssize_t length) {
    if (length <= 0) return;
    pthread_mutex_lock(&lock);
    struct file *one = file_at(path);
    size_t first = from / PAGE, last = (from + length - 1) / PAGE;
    if (last >= one->pages) {
        one->dirty = realloc(one->dirty, last + 256);
        memset(one->dirty + one->pages, 0, last + 256 - one->pages);
        one->pages = last + 256;
    }
    memset(one->dirty + first, 1, last - first + 1);
    pthread_mutex_unlock(&lock);
}

/* -- writing ------------------------------------------------------------------------------------ */

static int refused(void) {
    add(WRITES);
    if (ends(FULL_IN)) __atomic_store_n(&control[FULL], 1, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&control[FULL], __ATOMIC_SEQ_CST)) return 0;
    add(REFUSED_WRITES);
    errno = ENOSPC;
    return 1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    char path[PATH_MAX];
    const char *ours = path_of(fd, path);
    if (ours && refused()) return -1;
    ssize_t written = real_pwrite(fd, bytes, length, at);
    if (ours) dirty(path, at, written);
    return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    return pwrite64(fd, bytes, length, at);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    char path[PATH_MAX];
    const char *ours = path_of(fd, path);
    if (ours && refused()) return -1;
    ssize_t written = real_write(fd, bytes, length);
    if (ours && written > 0) dirty(path, lseek(fd, 0, SEEK_CUR) - written, written);
    return written;
}

int ftruncate64(int fd, off64_t length) {
    char path[PATH_MAX];
    struct stat about;
    const char *ours = path_of(fd, path);
    if (ours && !fstat(fd, &about) && length > about.st_size && refused()) return -1;
    int answer = real_ftruncate(fd, length);
    if (ours && !answer) {
        pthread_mutex_lock(&lock);
        struct file *one = file_at(path);
        if (one->floor < 0 || length < one->floor) one->floor = length;
        pthread_mutex_unlock(&lock);
    }
    return answer;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

/* -- syncing ------------------------------------------------------------------------------------ */

static void keep(int fd, struct file *one) {
    char target[PATH_MAX], bytes[PAGE];
    struct stat about;
    image_of(one->path, target);
    fstat(fd, &about);
    /* Through the same descriptor: closing another one would drop SQLite's locks. */
    int from = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY ? open(one->path, O_RDONLY) : fd;
    int to = open(target, O_RDWR | O_CREAT | O_CLOEXEC, about.st_mode & 0777);
    if (to < 0 || from < 0) abort();
    if (one->floor >= 0 && real_ftruncate(to, one->floor)) abort();
    for (size_t page = 0; page < one->pages; page++) {
        if (!one->dirty[page]) continue;
        ssize_t length = pread(from, bytes, PAGE, page * PAGE);
        if (length > 0 && real_pwrite(to, bytes, length, page * PAGE) != length) abort();
    }
    if (real_ftruncate(to, about.st_size)) abort();
    close(to);
    if (from != fd) close(from);
}

static int sync_file(int fd, int (*really)(int)) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return really(fd);
    add(SYNCS);
    int fails = ends(FAIL_SYNC_IN) || __atomic_load_n(&control[SYNCS_FAIL], __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&lock);
    struct file *one = file_at(path);
    if (!fails) keep(fd, one);
    if (one->pages) memset(one->dirty, 0, one->pages);
    one->floor = -1;
    pthread_mutex_unlock(&lock);
    if (!fails) return 0;
    add(FAILED_SYNCS);
    errno = EIO;
    return -1;
}

int fsync(int fd) { return sync_file(fd, real_fsync); }

int fdatasync(int fd) { return sync_file(fd, real_fdatasync); }

/* -- names -------------------------------------------------------------------------------------- */

int unlink(const char *path) {
    char target[PATH_MAX];
    int answer = real_unlink(path);
    if (!answer && folder && is_ours(path)) {
        pthread_mutex_lock(&lock);
        forget(path);
        pthread_mutex_unlock(&lock);
        image_of(path, target);
        real_unlink(target);
    }
    return answer;
}

int rename(const char *from, const char *to) {
    char image_from[PATH_MAX], image_to[PATH_MAX];
    int answer = real_rename(from, to);
    if (!answer && folder && is_ours(from) && is_ours(to)) {
        pthread_mutex_lock(&lock);
        forget(to);
        strcpy(file_at(from)->path, to);
        pthread_mutex_unlock(&lock);
        image_of(from, image_from);
        image_of(to, image_to);
        real_rename(image_from, image_to);
    }
    return answer;
}
