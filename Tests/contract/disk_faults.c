// Loaded before the C library of a gateway and of what works beside it (LD_PRELOAD): a disk that fails or is slow, for files of cache_dir alone. What
// it does is in a page that DISK_FAULTS names and that the test writes, numbers of 32 bits.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct faults {
    uint32_t write_error;  // errno of each write of content, and of opening to write
    uint32_t read_error;   // of each read of content
    uint32_t is_stuck;     // nothing of the content is in memory, and to read it takes until this is 0
    uint32_t is_old;       // the file system does not know RWF_NOWAIT
    uint32_t stuck;        // how many reads are, or were
    uint32_t listings;     // how often a directory of revisions was listed
    uint32_t openings;     // and a file of one was opened to be read
    uint32_t is_cold;      // no blob is in memory, and to open one takes until this is 0
    uint32_t cold;         // how many are being opened, or were
    uint32_t deletions;    // of content: how many names of a file went, or last descriptors of one without a name
    uint32_t deleters[64]; // the processes that did these
};

static volatile struct faults *faults;
static ssize_t (*next_pread)(int, void *, size_t, off_t);
static ssize_t (*next_pwrite)(int, const void *, size_t, off_t);
static int (*next_unlink)(const char *);
static int (*next_close)(int);
static DIR *(*next_opendir)(const char *);
static int (*next_open)(const char *, int, ...);
static ssize_t (*next_preadv2)(int, const struct iovec *, int, off_t, int);

// Other libraries may begin before this one.
static void find_next(void) {
    if (next_open != NULL) {
        return;
    }
    next_unlink = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
    next_close = (int (*)(int))dlsym(RTLD_NEXT, "close");
    next_opendir = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
    next_open = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
}

__attribute__((constructor)) static void begin(void) {
    next_pread = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread64");
    next_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
    next_preadv2 = (ssize_t(*)(int, const struct iovec *, int, off_t, int))dlsym(RTLD_NEXT, "preadv64v2");
    find_next();
    int file = next_open(getenv("DISK_FAULTS"), O_RDWR | O_CLOEXEC);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) {
        abort();
    }
    close(file);
    faults = page;
}

static bool is_blob(int fd) {
    char name[32], path[512];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t count = readlink(name, path, sizeof path - 1);
    path[count < 0 ? 0 : count] = 0;
    return strstr(path, "/blobs/sha256/") != NULL;
}

// The index is read and written in pieces of 80 bytes at most, where it is.
static bool is_content(int fd, size_t count) {
    return count > 80 && is_blob(fd);
}

ssize_t preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    if (is_content(fd, parts->iov_len)) {
        if (faults->is_old || faults->is_stuck) {
            errno = faults->is_old ? EOPNOTSUPP : EAGAIN;
            return -1;
        }
        if (faults->read_error) {
            errno = (int)faults->read_error;
            return -1;
        }
    }
    return next_preadv2(fd, parts, count, offset, flags);
}

ssize_t preadv64v2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    return preadv2(fd, parts, count, offset, flags);
}

ssize_t pread(int fd, void *into, size_t count, off_t offset) {
    if (is_content(fd, count)) {
        if (faults->is_stuck) {
            __atomic_add_fetch(&faults->stuck, 1, __ATOMIC_SEQ_CST);
        }
        while (faults->is_stuck) {
            usleep(1000);
        }
        if (faults->read_error) {
            errno = (int)faults->read_error;
            return -1;
        }
    }
    return next_pread(fd, into, count, offset);
}

ssize_t pread64(int fd, void *into, size_t count, off_t offset) {
    return pread(fd, into, count, offset);
}

ssize_t pwrite(int fd, const void *from, size_t count, off_t offset) {
    if (faults->write_error && is_content(fd, count)) {
        errno = (int)faults->write_error;
        return -1;
    }
    return next_pwrite(fd, from, count, offset);
}

ssize_t pwrite64(int fd, const void *from, size_t count, off_t offset) {
    return pwrite(fd, from, count, offset);
}

// Deleting a large file takes long; this notes which process does it.

static void note_deletion(void) {
    uint32_t place = __atomic_fetch_add(&faults->deletions, 1, __ATOMIC_SEQ_CST);
    faults->deleters[place % 64] = (uint32_t)getpid();
}

int unlink(const char *path) {
    find_next();
    int result = next_unlink(path);
    if (result == 0 && faults != NULL && strstr(path, "/blobs/sha256/") != NULL) {
        note_deletion();
    }
    return result;
}

int close(int fd) {
    find_next();
    struct stat status;
    if (faults != NULL && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 0 && is_blob(fd)) {
        note_deletion();
    }
    return next_close(fd);
}

DIR *opendir(const char *path) {
    find_next();
    if (faults != NULL && strstr(path, "/revisions") != NULL) {
        __atomic_add_fetch(&faults->listings, 1, __ATOMIC_SEQ_CST);
    }
    return next_opendir(path);
}

int open(const char *path, int flags, ...) {
    find_next();
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (faults != NULL && strstr(path, "/revisions/") != NULL && (flags & O_ACCMODE) == O_RDONLY) {
        __atomic_add_fetch(&faults->openings, 1, __ATOMIC_SEQ_CST);
    }
    if (faults != NULL && faults->is_cold && strstr(path, "/blobs/sha256/") != NULL) {
        __atomic_add_fetch(&faults->cold, 1, __ATOMIC_SEQ_CST);
        while (faults->is_cold) {
            usleep(1000);
        }
    }
    return next_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

// openat2(2) has no function: it is called by its number.
long syscall(long number, ...) {
    static long (*next_syscall)(long, ...);
    if (next_syscall == NULL) {
        next_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    }
    if (number == SYS_openat2 && faults != NULL && faults->is_cold) {
        errno = EAGAIN;
        return -1;
    }
    va_list more;
    va_start(more, number);
    long words[6];
    for (int index = 0; index < 6; index += 1) {
        words[index] = va_arg(more, long);
    }
    va_end(more);
    return next_syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
