/* Files that are read and written without waiting for the disk, and SHA-256 of what comes in parts. */
#ifndef CEVENT_CE_FILES_H
#define CEVENT_CE_FILES_H

#include "ce_types.h"

/* ---- file.c ---- */

enum { CE_FILE_LATER = -1, CE_FILE_FAILED = -2 };

/* Reads what the page cache holds from `offset` on, at most `count` bytes: how many there were, 0 at the file's end. CE_FILE_LATER: the first
 * of them is not there; CE_FILE_FAILED: errno. A file system that cannot say so is read as it is, and may wait. */
int64_t ce_file_read_now(int fd, uint8_t *into, size_t count, uint64_t offset);
/* The same, and waits for the disk. Never CE_FILE_LATER. */
int64_t ce_file_read(int fd, uint8_t *into, size_t count, uint64_t offset);
/* Has the kernel read these bytes into the page cache; does not wait for them. */
void ce_file_read_ahead(int fd, uint64_t offset, size_t count);
/* Writes all of it into the page cache. False: errno. */
bool ce_file_write(int fd, const uint8_t *bytes, size_t count, uint64_t offset);
/* Has the kernel begin to write these bytes to the disk, so that none of a later writer's calls has to wait for many of them. */
void ce_file_start_writing(int fd, uint64_t offset, size_t count);

/* A claim of numbers in a file, which other processes see; it ends with the descriptor (open file description lock, fcntl(2)). False: somebody
 * else has one of them. */
bool ce_file_claim(int fd, uint64_t first, uint64_t count);
void ce_file_release(int fd, uint64_t first, uint64_t count);
/* Whether another process has one of them. */
bool ce_file_is_claimed(int fd, uint64_t first, uint64_t count);

/* ---- digest_stream.c ---- */

typedef struct ce_sha256_stream ce_sha256_stream;

ce_sha256_stream *ce_sha256_stream_new(void);
void ce_sha256_stream_free(ce_sha256_stream *stream);
void ce_sha256_stream_add(ce_sha256_stream *stream, const uint8_t *bytes, size_t count);
/* Writes the digest of all that was added, and begins anew. */
void ce_sha256_stream_end(ce_sha256_stream *stream, uint8_t out[32]);

#endif
