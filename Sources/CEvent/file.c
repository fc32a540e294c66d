/* Files on the loop's thread: bytes in the page cache are read at once (preadv2(2), RWF_NOWAIT), others are read by another process first. Writes
 * go into the page cache, in pieces that the caller bounds, and are sent to the disk early. */
#define _GNU_SOURCE
#include "CEvent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int64_t ce_file_read(int fd, uint8_t *into, size_t count, uint64_t offset) {
    ssize_t got;
    do {
        got = pread(fd, into, count, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? CE_FILE_FAILED : got;
}

int64_t ce_file_read_now(int fd, uint8_t *into, size_t count, uint64_t offset) {
    struct iovec part = { .iov_base = into, .iov_len = count };
    ssize_t got = preadv2(fd, &part, 1, (off_t)offset, RWF_NOWAIT);
    if (got >= 0) {
        return got;
    }
    switch (errno) {
    case EAGAIN:
    case EINTR:
        return CE_FILE_LATER;
    case EOPNOTSUPP:
    case ENOSYS:
        return CE_FILE_UNKNOWN;
    default:
        return CE_FILE_FAILED;
    }
}

bool ce_file_write(int fd, const uint8_t *bytes, size_t count, uint64_t offset) {
    while (count > 0) {
        ssize_t written = pwrite(fd, bytes, count, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            errno = written == 0 ? ENOSPC : errno;
            return false;
        }
        bytes += written;
        count -= (size_t)written;
        offset += (uint64_t)written;
    }
    return true;
}

void ce_file_start_writing(int fd, uint64_t offset, size_t count) {
    sync_file_range(fd, (off64_t)offset, (off64_t)count, SYNC_FILE_RANGE_WRITE);
}

int ce_file_open_cached(const char *path) {
    struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
                            .resolve = RESOLVE_CACHED };
    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

bool ce_file_exchange(const char *one, const char *other) {
    return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0;
}

static struct flock claim_of(short type, uint64_t first, uint64_t count) {
    return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)first, .l_len = (off_t)count };
}

bool ce_file_claim(int fd, uint64_t first, uint64_t count) {
    struct flock lock = claim_of(F_WRLCK, first, count);
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool ce_file_share(int fd, uint64_t number) {
    struct flock lock = claim_of(F_RDLCK, number, 1);
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

void ce_file_release(int fd, uint64_t first, uint64_t count) {
    struct flock lock = claim_of(F_UNLCK, first, count);
    fcntl(fd, F_OFD_SETLK, &lock);
}

bool ce_file_is_claimed(int fd, uint64_t first, uint64_t count) {
    struct flock lock = claim_of(F_WRLCK, first, count);
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
