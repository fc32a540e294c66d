#include "CEvent.h"

#include <string.h>

/* A step that gives different sums for different words and for different sums before. */
static uint64_t mixed(uint64_t sum, uint64_t word) {
    sum = (sum ^ word) * 0x9e3779b97f4a7c15U;
    return sum ^ sum >> 32;
}

uint64_t ce_checksum(const uint8_t *bytes, size_t count, uint64_t seed) {
    uint64_t sum = mixed(seed, count);
    uint64_t word = 0;
    for (; count >= sizeof word; bytes += sizeof word, count -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        sum = mixed(sum, word);
    }
    word = 0;
    if (count > 0) {
        memcpy(&word, bytes, count);
    }
    return mixed(sum, word);
}
