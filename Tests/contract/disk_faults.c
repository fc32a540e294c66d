// Loaded before the C library of a gateway and of what works beside it (LD_PRELOAD): a disk that fails or is slow, for files of cache_dir alone. What
// it does is in a page that DISK_FAULTS names and that the test writes, five numbers of 32 bits.
#define _GNU_SOURCE
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
#include <sys/uio.h>
#include <unistd.h>

struct faults {
    uint32_t write_error; // errno of each write of content, and of opening to write
    uint32_t read_error;  // of each read of content
    uint32_t is_stuck;    // nothing of the content is in memory, and to read it takes until this is 0
    uint32_t is_old;      // the file system does not know RWF_NOWAIT
    uint32_t stuck;       // how many reads are, or were
};

static volatile struct faults *faults;
static ssize_t (*next_pread)(int, void *, size_t, off_t);
static ssize_t (*next_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*next_preadv2)(int, const struct iovec *, int, off_t, int);

__attribute__((constructor)) static void begin(void) {
    next_pread = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread64");
    next_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
    next_preadv2 = (ssize_t(*)(int, const struct iovec *, int, off_t, int))dlsym(RTLD_NEXT, "preadv64v2");
    int file = open(getenv("DISK_FAULTS"), O_RDWR | O_CLOEXEC);
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

// The index is read and written in pieces of 64 bytes at most, where it is.
static bool is_content(int fd, size_t count) {
    return count > 64 && is_blob(fd);
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
