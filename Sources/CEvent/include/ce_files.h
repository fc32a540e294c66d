/* Files that are read and written without waiting for the disk, and digests of bytes that come in parts. */
#ifndef CEVENT_CE_FILES_H
#define CEVENT_CE_FILES_H

#include "ce_libraries.h"
#include "ce_types.h"

/* ---- file.c ---- */

enum { CE_FILE_LATER = -1, CE_FILE_FAILED = -2, CE_FILE_UNKNOWN = -3 };

/* Reads what the page cache holds from `offset` on, at most `count` bytes: how many there were, 0 at the file's end. CE_FILE_LATER: the first
 * of them is not there; CE_FILE_FAILED: errno; CE_FILE_UNKNOWN: this file system cannot say what is there. */
int64_t ce_file_read_now(int fd, uint8_t *into, size_t count, uint64_t offset);
/* The same, and waits for the disk. Never CE_FILE_LATER. */
int64_t ce_file_read(int fd, uint8_t *into, size_t count, uint64_t offset);
/* Writes all of it into the page cache. False: errno. */
bool ce_file_write(int fd, const uint8_t *bytes, size_t count, uint64_t offset);
/* Makes the kernel begin to write these bytes to the disk, so that no later write has to wait for many of them. */
void ce_file_start_writing(int fd, uint64_t offset, size_t count);

/* Opens a file to be read where no step of its path waits for the disk. -1: errno, ENOENT where the kernel knows that there is none; anything else
 * but that: it is not known. */
int ce_file_open_cached(const char *path);
/* Exchanges the names of two files, in one step. False: errno; EINVAL where the file system cannot. */
bool ce_file_exchange(const char *one, const char *other);

/* Claims numbers in a file, which other processes see; a claim ends with the descriptor (open file description lock, fcntl(2)). False: another
 * process has one of them. */
bool ce_file_claim(int fd, uint64_t first, uint64_t count);
/* The same, for one number that other processes may share. */
bool ce_file_share(int fd, uint64_t number);
void ce_file_release(int fd, uint64_t first, uint64_t count);
/* Whether another process has one of them. */
bool ce_file_is_claimed(int fd, uint64_t first, uint64_t count);

/* ---- file_channel.c: two processes of this program ---- */

/* Between the two ends of a SOCK_SEQPACKET pair: a message arrives whole or not at all, and nothing blocks. */
/* With an open file, or -1. False: it does not fit at present, or the other end is closed. */
bool ce_file_channel_send(int socket, const uint8_t *bytes, size_t count, int file);
/* How many bytes the next message has; *file is the receiver's own, or -1. 0: the other side has ended; CE_FILE_LATER: none has come. */
int64_t ce_file_channel_receive(int socket, uint8_t *into, size_t capacity, int *file);

/* Closes each descriptor from 3 on but `kept`. */
void ce_file_close_others(int kept);

/* ---- digest_stream.c ---- */

typedef struct ce_digest_stream ce_digest_stream;

ce_digest_stream *ce_digest_stream_new(ce_digest_algorithm algorithm);
void ce_digest_stream_free(ce_digest_stream *stream);
void ce_digest_stream_add(ce_digest_stream *stream, const uint8_t *bytes, size_t count);
/* Writes the digest of all bytes that were added (32 bytes, or 20 for SHA-1), and resets the stream. */
void ce_digest_stream_end(ce_digest_stream *stream, uint8_t *out);

#endif
