/* Private to CEvent: a bounded table of entries by their key, the most recently used first. */
#ifndef CE_LRU_TABLE_H
#define CE_LRU_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum { CE_TABLE_BUCKETS = 256 };

/* The first member of what is kept in a table. */
typedef struct ce_entry {
    char *key; /* ended by NUL, owned by the entry's owner */
    size_t key_length;
    unsigned uses; /* in use, it is not the one to go */
    struct ce_entry *next_in_bucket;
    TAILQ_ENTRY(ce_entry) by_use;
} ce_entry;

typedef struct ce_table {
    size_t count;
    ce_entry *buckets[CE_TABLE_BUCKETS];
    TAILQ_HEAD(ce_by_use, ce_entry) by_use;
} ce_table;

void ce_table_init(ce_table *table);
/* NULL: there is none. What is found counts as used now. */
ce_entry *ce_table_find(ce_table *table, const char *key, size_t length);
void ce_table_add(ce_table *table, ce_entry *entry);
void ce_table_remove(ce_table *table, ce_entry *entry);
/* The least recently used that is not in use; NULL: all are. */
ce_entry *ce_table_oldest(ce_table *table);

#endif
