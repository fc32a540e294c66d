#include "channel.h"

#include <errno.h>
#include <sys/socket.h>

/* How much one turn may read from a socket: two reads of the largest size. */
enum { CE_TURN_BYTES = 256 * 1024 };

void ce_channel_begin_turn(ce_channel *channel) {
    channel->budget = CE_TURN_BYTES;
    channel->drained = false;
    channel->has_more = false;
}

static bool is_for_later(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

ssize_t ce_channel_read(ce_channel *channel, uint8_t *into, size_t size) {
    if (channel->ssl != NULL) {
        return ce_channel_read_tls(channel, into, size);
    }
    if (channel->drained || channel->budget == 0) {
        return CE_CHANNEL_LATER;
    }
    size_t wanted = size < channel->budget ? size : channel->budget;
    ssize_t count = recv(channel->fd, into, wanted, 0);
    if (count < 0) {
        return is_for_later() ? CE_CHANNEL_LATER : CE_CHANNEL_BROKEN;
    }
    channel->budget -= (size_t)count;
    /* The end, if it is there too, is another event. */
    channel->drained = count > 0 && (size_t)count < wanted;
    return count;
}

ssize_t ce_channel_write(ce_channel *channel, const uint8_t *bytes, size_t count) {
    if (channel->ssl != NULL) {
        return ce_channel_write_tls(channel, bytes, count);
    }
    ssize_t sent = send(channel->fd, bytes, count, MSG_NOSIGNAL);
    if (sent < 0) {
        return is_for_later() ? CE_CHANNEL_LATER : CE_CHANNEL_BROKEN;
    }
    channel->written += (uint64_t)sent;
    return sent;
}

bool ce_channel_is_quiet(ce_channel *channel) {
    uint8_t byte;
    bool socket_is_quiet = recv(channel->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && is_for_later();
    if (channel->ssl == NULL || (socket_is_quiet && !SSL_has_pending(channel->ssl))) {
        return socket_is_quiet;
    }
    ce_channel_begin_turn(channel);
    return ce_channel_is_quiet_tls(channel);
}
