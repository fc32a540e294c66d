#include "request_parser.h"

#include <arpa/inet.h>
#include <string.h>

enum { LONGEST_HOST = 255, LONGEST_PORT = 65535 };

/* port = *DIGIT (RFC 3986 3.2.3), so `host:` is right and gives no port. */
static bool parse_port(const uint8_t *bytes, size_t length, int32_t *port) {
    *port = -1;
    for (size_t at = 0; at < length; at++) {
        if (!parser_is(bytes[at], PARSER_DIGIT))
            return false;
        *port = (*port < 0 ? 0 : *port) * 10 + (bytes[at] - '0');
        if (*port > LONGEST_PORT)
            return false;
    }
    return true;
}

/* IPv6 without a zone: a zone means something on the sender's machine only (RFC 6874 1). IPvFuture has no users. */
static bool is_ipv6(const uint8_t *bytes, size_t length) {
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (length == 0 || length >= sizeof text || memchr(bytes, '\0', length) != NULL)
        return false;
    memcpy(text, bytes, length);
    text[length] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* host [ ":" port ] (RFC 9110 7.2, RFC 3986 3.2.2), without userinfo (RFC 9110 4.2.4). A reg-name may by grammar hold
 * sub-delims and %-escapes too. No name in the DNS does, and `a,b` is what a merging proxy makes of two Host fields;
 * so only unreserved characters pass. They are also safe wherever a URL is built from Host. */
bool parser_parse_authority(const uint8_t *bytes, size_t length, parser_authority *authority) {
    size_t host;
    if (length > 0 && bytes[0] == '[') {
        const uint8_t *closing = memchr(bytes, ']', length);
        if (closing == NULL || !is_ipv6(bytes + 1, (size_t)(closing - bytes) - 1))
            return false;
        host = (size_t)(closing - bytes) + 1;
    } else {
        host = parser_span_of(bytes, length, PARSER_HOST);
    }
    if (host == 0 || host > LONGEST_HOST)
        return false;
    authority->host = bytes;
    authority->host_length = host;
    authority->port = -1;
    if (host == length)
        return true;
    return bytes[host] == ':' && parse_port(bytes + host + 1, length - host - 1, &authority->port);
}
