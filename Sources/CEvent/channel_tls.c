/* TLS of a connection that libcurl made: records are read and written through a BIO of ours, which bounds what one turn reads, says
 * whether a byte has left, and asks the kernel no more often than needed. */
#include "channel.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>

/* After the handshake a server sends a few session tickets, and perhaps new keys now and then. Each costs more than a record of
 * content, and OpenSSL does not come back from reading before it finds content. */
enum { CE_TLS_MESSAGES_AT_MOST = 32, CE_TLS_TICKETS_AT_MOST = 256 };
/* Records read in a row: they may hold a byte each. */
enum { CE_RECORDS_AT_ONCE = 512 };
/* A larger piece of a body is not given to OpenSSL at once: what comes back with CE_CHANNEL_LATER comes again no shorter. */
enum { CE_WRITE_AT_MOST = 64 * 1024 };
/* A read of this size is of content that goes on: OpenSSL then reads ahead four records by one system call instead of one. */
enum { CE_LONG_READ = 64 * 1024, CE_LONG_AHEAD = 4 * (16 * 1024 + 64) };

static int bio_read(BIO *bio, char *into, int size) {
    ce_channel *channel = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (channel->drained || channel->budget == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    ssize_t count = recv(channel->fd, into, (size_t)size, 0);
    if (count < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
            channel->drained = true;
            BIO_set_retry_read(bio);
        }
        return -1;
    }
    channel->drained = count > 0 && count < size;
    channel->budget -= (size_t)count < channel->budget ? (size_t)count : channel->budget;
    return (int)count;
}

static int bio_write(BIO *bio, const char *bytes, int size) {
    ce_channel *channel = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t count = send(channel->fd, bytes, (size_t)size, MSG_NOSIGNAL);
    if (count < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
            BIO_set_retry_write(bio);
        }
        return -1;
    }
    channel->written += (uint64_t)count;
    return (int)count;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO *new_bio(ce_channel *channel) {
    static BIO_METHOD *method;
    if (method == NULL) {
        method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "upstream");
        if (method == NULL) {
            abort();
        }
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_ctrl(method, bio_control);
    }
    BIO *bio = BIO_new(method);
    if (bio == NULL) {
        abort();
    }
    BIO_set_data(bio, channel);
    BIO_set_init(bio, 1);
    return bio;
}

static void on_message(int sent, int version, int type, const void *bytes, size_t length, SSL *ssl, void *context) {
    (void)version;
    if (sent != 0 || type != SSL3_RT_HANDSHAKE || length == 0) {
        return;
    }
    ce_channel *channel = context;
    bool is_ticket = *(const uint8_t *)bytes == SSL3_MT_NEWSESSION_TICKET;
    *(is_ticket ? &channel->tickets : &channel->messages) += 1;
    if (channel->messages > CE_TLS_MESSAGES_AT_MOST || channel->tickets > CE_TLS_TICKETS_AT_MOST) {
        /* Makes OpenSSL come back from reading: it reads nothing after an end. */
        channel->flooded = true;
        SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
    }
}

void ce_channel_guard(ce_channel *channel, SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_msg_callback(context, on_message);
    SSL_CTX_set_msg_callback_arg(context, channel);
}

void ce_channel_take_tls(ce_channel *channel, SSL *ssl) {
    BIO *bio = new_bio(channel);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* One system call instead of two a record. */
    SSL_set_read_ahead(ssl, 1);
    channel->ssl = ssl;
    channel->messages = channel->tickets = 0;
    channel->first_read = true;
}

static ssize_t read_by_libcurl(ce_channel *channel, uint8_t *into, size_t size) {
    size_t count = 0;
    channel->first_read = false;
    switch (curl_easy_recv(channel->easy, into, size, &count)) {
    case CURLE_OK:
        return count == 0 && channel->flooded ? CE_CHANNEL_BROKEN : (ssize_t)count;
    case CURLE_AGAIN:
        return CE_CHANNEL_LATER;
    default:
        return CE_CHANNEL_BROKEN;
    }
}

static ssize_t read_record(ce_channel *channel, uint8_t *into, size_t size) {
    if (channel->first_read) {
        return read_by_libcurl(channel, into, size);
    }
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
    int count = SSL_read(channel->ssl, into, (int)size);
    if (count > 0) {
        return count;
    }
    switch (SSL_get_error(channel->ssl, count)) {
    case SSL_ERROR_WANT_READ:
        return CE_CHANNEL_LATER;
    case SSL_ERROR_WANT_WRITE:
        return CE_CHANNEL_BLOCKED;
    case SSL_ERROR_ZERO_RETURN:
        return channel->flooded ? CE_CHANNEL_BROKEN : CE_CHANNEL_END;
    default:
        return CE_CHANNEL_BROKEN;
    }
}

/* Joins records. What ends the reading is told by the next call, as it ends that too. */
ssize_t ce_channel_read_tls(ce_channel *channel, uint8_t *into, size_t size) {
    size_t filled = 0;
    unsigned records = 0;
    channel->has_more = false;
    SSL_set_default_read_buffer_len(channel->ssl, size >= CE_LONG_READ ? CE_LONG_AHEAD : 0);
    while (filled < size && records < CE_RECORDS_AT_ONCE) {
        ssize_t count = read_record(channel, into + filled, size - filled);
        if (count <= 0) {
            /* What is no wait for the socket makes it readable no more, either: the next call has to be made without that. */
            channel->has_more = filled > 0 && count != CE_CHANNEL_LATER;
            return filled > 0 ? (ssize_t)filled : count;
        }
        filled += (size_t)count;
        records += 1;
    }
    channel->has_more = SSL_has_pending(channel->ssl) == 1;
    return (ssize_t)filled;
}

ssize_t ce_channel_write_tls(ce_channel *channel, const uint8_t *bytes, size_t count) {
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
    int sent = SSL_write(channel->ssl, bytes, (int)(count < CE_WRITE_AT_MOST ? count : CE_WRITE_AT_MOST));
    if (sent > 0) {
        return sent;
    }
    return SSL_get_error(channel->ssl, sent) == SSL_ERROR_WANT_WRITE ? CE_CHANNEL_LATER : CE_CHANNEL_BROKEN;
}

/* A record of which only a part has come is something, too: it may be the beginning of content. */
bool ce_channel_is_quiet_tls(ce_channel *channel) {
    uint8_t byte;
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
    int count = SSL_peek(channel->ssl, &byte, 1);
    return count <= 0 && SSL_get_error(channel->ssl, count) == SSL_ERROR_WANT_READ && !channel->flooded
        && !SSL_has_pending(channel->ssl);
}
