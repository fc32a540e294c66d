/* TLS records that bring no bytes of a request. OpenSSL goes on inside one call for as long as such records come: a client that sends
 * nothing else would keep the loop for itself. RFC 8446 section 6.2 lets a server end a connection that misbehaves. */
#include "connection.h"

/* A handshake takes four, or a few more where something on the way has split its messages. After it a client has to update its keys
 * (RFC 8446 section 5.5) less than once in 2^24 records. */
enum { HANDSHAKE_RECORDS = 32, SILENT_RECORDS = 32 };

/* OpenSSL reads no further record, as if the client had ended its side, and returns from its present call. */
static void stop_reading(SSL *ssl) {
    SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
}

/* Called at the header of each record, before it is decrypted. */
static void on_message(int written, int version, int type, const void *bytes, size_t count, SSL *ssl, void *context) {
    (void)version;
    (void)bytes;
    (void)count;
    (void)context;
    if (written != 0 || type != SSL3_RT_HEADER) {
        return;
    }
    ce_connection *connection = ce_connection_of(ssl);
    if (connection == NULL) {
        return;
    }
    uint32_t most = connection->state == CE_CONNECTION_HANDSHAKE ? HANDSHAKE_RECORDS : SILENT_RECORDS;
    connection->silent_records += 1;
    /* One more after the handshake: this one may yet turn out to have bytes. */
    if (connection->silent_records > most + 1 && !connection->misbehaves) {
        connection->misbehaves = true;
        connection->http->counts.cut_by_records += 1;
        stop_reading(ssl);
    }
}

void ce_connection_count_records(SSL_CTX *context) {
    SSL_CTX_set_msg_callback(context, on_message);
}
