/* The PROXY protocol's version 1: a line of text. */
#include "proxy_protocol.h"

#include <string.h>

static const uint8_t line_begins[] = "PROXY ";
enum { LINE_BEGINS_BYTES = sizeof line_begins - 1 };

/* A word of the line, and the byte after it: one space separates words. False without a word, or for one longer than an address. */
static bool next_word(const char **line, char word[46]) {
    size_t length = strcspn(*line, " ");
    if (length == 0 || length > 45) {
        return false;
    }
    memcpy(word, *line, length);
    word[length] = '\0';
    *line += length;
    return true;
}

static bool blank(const char **line) {
    bool found = **line == ' ';
    *line += found;
    return found;
}

/* Decimal without leading zeros, up to 65535. */
static bool read_port(const char *word, uint16_t *port) {
    size_t length = strspn(word, "0123456789");
    if (word[length] != '\0' || length == 0 || length > 5 || (length > 1 && word[0] == '0')) {
        return false;
    }
    uint32_t value = 0;
    for (size_t at = 0; at < length; at += 1) {
        value = value * 10 + (uint32_t)(word[at] - '0');
    }
    *port = (uint16_t)value;
    return value <= UINT16_MAX;
}

static bool read_address(const char *word, bool is_v6, ce_ip *address) {
    return (strchr(word, ':') != NULL) == is_v6 && ce_ip_read(word, address);
}

static bool read_endpoints(ce_proxy_header *header, const char *line, bool is_v6) {
    char source[46], destination[46], source_port[46], destination_port[46];
    ce_ip unused;
    uint16_t unused_port;
    return next_word(&line, source) && blank(&line) && next_word(&line, destination) && blank(&line)
        && next_word(&line, source_port) && blank(&line) && next_word(&line, destination_port) && *line == '\0'
        && read_address(source, is_v6, &header->source) && read_address(destination, is_v6, &unused)
        && read_port(source_port, &header->source_port) && read_port(destination_port, &unused_port);
}

/* Without its CR LF, which the buffer has room to replace. */
static void line_ended(ce_proxy_header *header) {
    header->bytes[header->count - 2] = '\0';
    const char *line = (const char *)header->bytes + LINE_BEGINS_BYTES;
    if (strncmp(line, "UNKNOWN", 7) == 0 && (line[7] == '\0' || line[7] == ' ')) {
        /* What follows is to be ignored. */
        header->state = PROXY_WHOLE;
        return;
    }
    bool is_v6 = strncmp(line, "TCP6 ", 5) == 0;
    if (!is_v6 && strncmp(line, "TCP4 ", 5) != 0) {
        ce_proxy_refuse(header, "the line is of neither TCP4, TCP6 nor UNKNOWN");
    } else if (!read_endpoints(header, line + 5, is_v6)) {
        ce_proxy_refuse(header, "the line does not have two addresses of its family and two ports");
    } else {
        header->has_source = true;
        header->state = PROXY_WHOLE;
    }
}

void ce_proxy_take_line(ce_proxy_header *header, uint8_t byte) {
    uint8_t last = header->count > 0 ? header->bytes[header->count - 1] : 0;
    size_t at = header->count;
    header->bytes[header->count++] = byte;
    if (at < LINE_BEGINS_BYTES && byte != line_begins[at]) {
        ce_proxy_refuse(header, "it does not begin as the PROXY protocol does");
    } else if (byte == '\n' && last == '\r') {
        line_ended(header);
    } else if (last == '\r' || (byte != '\r' && (byte < ' ' || byte > '~'))) {
        ce_proxy_refuse(header, "the line holds a byte that is no printable ASCII, or has no CR LF at its end");
    } else if (header->count == CE_PROXY_LINE_BYTES) {
        ce_proxy_refuse(header, "the line is longer than 107 bytes");
    }
}
