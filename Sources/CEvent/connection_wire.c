/* The bytes under a client's TLS, from the handshake's end on: a BIO of ours on its socket. Records of one write are gathered, so that the
 * kernel is called once for four of them; what the socket does not take is kept until it does. */
#include "connection.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Records that OpenSSL has made and the socket has not taken. */
struct ce_unsent {
    struct event writable;
    size_t at, count;
    uint8_t bytes[];
};

static bool is_for_later(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static ssize_t send_some(ce_connection *connection, const uint8_t *bytes, size_t count) {
    ssize_t sent = send(bufferevent_getfd(connection->bev), bytes, count, MSG_NOSIGNAL);
    if (sent > 0) {
        connection->sent += (uint64_t)sent;
    }
    return sent;
}

static void fail(ce_connection *connection) {
    connection->write_failed = true;
    event_active(connection->work, EV_TIMEOUT, 0);
}

/* A long memcpy is `rep movsb` in the C library, which on Zen processors takes up to six times as long where the two places lie unlike within their
 * pages. It is not used for short ones. */
static void copy(uint8_t *into, const uint8_t *from, size_t count) {
    enum { PIECE = 2048 };
    while (count > 0) {
        size_t part = count < PIECE ? count : PIECE;
        memcpy(into, from, part);
        into += part;
        from += part;
        count -= part;
        /* So that the compiler makes no long one of them. */
        __asm__ volatile("" ::: "memory");
    }
}

static void on_writable(evutil_socket_t fd, short what, void *context);

static void keep(ce_connection *connection, const uint8_t *bytes, size_t count) {
    ce_unsent *unsent = malloc(sizeof *unsent + count);
    if (unsent == NULL) {
        abort();
    }
    unsent->at = 0;
    unsent->count = count;
    copy(unsent->bytes, bytes, count);
    event_assign(&unsent->writable, bufferevent_get_base(connection->bev), bufferevent_getfd(connection->bev), EV_WRITE,
                 on_writable, connection);
    event_add(&unsent->writable, NULL);
    connection->unsent = unsent;
}

void ce_wire_drop(ce_connection *connection) {
    if (connection->unsent != NULL) {
        event_del(&connection->unsent->writable);
        free(connection->unsent);
        connection->unsent = NULL;
    }
}

size_t ce_wire_unsent(const ce_connection *connection) {
    return connection->unsent == NULL ? 0 : connection->unsent->count - connection->unsent->at;
}

/* What was kept goes before all else. False: some of it is left, or the connection is broken. */
static bool send_unsent(ce_connection *connection) {
    ce_unsent *unsent = connection->unsent;
    if (unsent == NULL) {
        return true;
    }
    ssize_t sent = send_some(connection, unsent->bytes + unsent->at, unsent->count - unsent->at);
    if (sent < 0) {
        if (!is_for_later()) {
            fail(connection);
        }
        return false;
    }
    unsent->at += (size_t)sent;
    if (unsent->at < unsent->count) {
        return false;
    }
    ce_wire_drop(connection);
    if (connection->state == CE_CONNECTION_LINGERING) {
        shutdown(bufferevent_getfd(connection->bev), SHUT_WR);
        event_active(connection->work, EV_TIMEOUT, 0);
        return true;
    }
    /* Also after a response to a KeyUpdate: the bufferevent holds nothing then, and only this reports it. Later, as
     * OpenSSL may be calling. */
    bufferevent_trigger(connection->bev, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
    return true;
}

static void on_writable(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_connection *connection = context;
    if (!ce_connection_is_live(connection)) {
        return;
    }
    if (!send_unsent(connection) && !connection->write_failed) {
        event_add(&connection->unsent->writable, NULL);
    }
}

void ce_wire_gather(ce_connection *connection) {
    connection->gathers = true;
    connection->http->gathered.count = 0;
}

bool ce_wire_flush(ce_connection *connection) {
    ce_gathered_records *gathered = &connection->http->gathered;
    size_t count = gathered->count;
    gathered->count = 0;
    if (count == 0) {
        return connection->unsent == NULL;
    }
    ssize_t sent = send_some(connection, gathered->bytes, count);
    if (sent < 0 && !is_for_later()) {
        fail(connection);
        return false;
    }
    size_t gone = sent < 0 ? 0 : (size_t)sent;
    if (gone < count) {
        keep(connection, gathered->bytes + gone, count - gone);
        return false;
    }
    return true;
}

void ce_wire_gather_no_more(ce_connection *connection) {
    ce_wire_flush(connection);
    connection->gathers = false;
}

static int for_later(BIO *bio, ce_connection *connection) {
    if (!connection->write_failed) {
        BIO_set_retry_write(bio);
    }
    return -1;
}

static int bio_write(BIO *bio, const char *bytes, int size) {
    ce_connection *connection = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!send_unsent(connection)) {
        return for_later(bio, connection);
    }
    if (connection->gathers) {
        ce_gathered_records *gathered = &connection->http->gathered;
        if (gathered->count + (size_t)size > sizeof gathered->bytes && !ce_wire_flush(connection)) {
            return for_later(bio, connection);
        }
        copy(gathered->bytes + gathered->count, (const uint8_t *)bytes, (size_t)size);
        gathered->count += (size_t)size;
        return size;
    }
    ssize_t sent = send_some(connection, (const uint8_t *)bytes, (size_t)size);
    if (sent < 0 && is_for_later()) {
        BIO_set_retry_write(bio);
    }
    return (int)sent;
}

static int bio_read(BIO *bio, char *into, int size) {
    ce_connection *connection = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t count = recv(bufferevent_getfd(connection->bev), into, (size_t)size, 0);
    if (count > 0) {
        connection->received += (uint64_t)count;
    } else if (count == 0) {
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    } else if (is_for_later()) {
        BIO_set_retry_read(bio);
    }
    return (int)count;
}

/* libevent closes the descriptor that it asks for here. */
static long bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)number;
    const ce_connection *connection = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    case BIO_C_GET_FD:
        if (pointer != NULL) {
            *(int *)pointer = bufferevent_getfd(connection->bev);
        }
        return bufferevent_getfd(connection->bev);
    default:
        return 0;
    }
}

static BIO_METHOD *method(void) {
    static BIO_METHOD *made;
    if (made == NULL) {
        made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "client");
        if (made == NULL) {
            abort();
        }
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_ctrl(made, bio_control);
    }
    return made;
}

void ce_wire_take_over(ce_connection *connection) {
    BIO *before = SSL_get_wbio(connection->ssl);
    BIO *bio = BIO_new(method());
    if (bio == NULL) {
        abort();
    }
    connection->sent = BIO_number_written(before);
    connection->received = BIO_number_read(before);
    connection->wired = true;
    BIO_set_data(bio, connection);
    BIO_set_init(bio, 1);
    SSL_set_bio(connection->ssl, bio, bio);
}
