/* Messages between two processes of this program, each with an open file or without (SCM_RIGHTS, unix(7)): the receiver reads the same file,
 * even if its name leads to another one by then. */
#define _GNU_SOURCE
#include "CEvent.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union ce_file_control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
} ce_file_control;

bool ce_file_channel_send(int socket, const uint8_t *bytes, size_t count, int file) {
    struct iovec part = { .iov_base = (void *)bytes, .iov_len = count };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    ce_file_control control;
    if (file >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof file);
        memcpy(CMSG_DATA(header), &file, sizeof file);
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)count;
}

int64_t ce_file_channel_receive(int socket, uint8_t *into, size_t capacity, int *file) {
    struct iovec part = { .iov_base = into, .iov_len = capacity };
    ce_file_control control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
    };
    *file = -1;
    ssize_t got;
    do {
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK ? CE_FILE_LATER : 0;
    }
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        memcpy(file, CMSG_DATA(header), sizeof *file);
    }
    return got;
}

/* Before Linux 5.9, or where a container's filter knows no close_range(2): one by one. A limit that was lowered leaves descriptors beyond it, so
 * the hard one counts. */
static void close_each(int first, int last) {
    struct rlimit limit;
    /* Some container runtimes have a thousand million for "no limit". */
    long most = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < 1 << 20 ? (long)limit.rlim_max : 1 << 20;
    for (int fd = first; fd <= last && fd < most; fd += 1) {
        close(fd);
    }
}

static void close_between(int first, int last) {
    if (first <= last && close_range((unsigned int)first, (unsigned int)last, 0) != 0) {
        close_each(first, last);
    }
}

void ce_file_close_others(int kept) {
    close_between(3, kept - 1);
    close_between(kept + 1, INT_MAX);
}
