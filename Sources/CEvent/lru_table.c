#include "lru_table.h"

#include <string.h>

void ce_table_init(ce_table *table) {
    memset(table, 0, sizeof *table);
    TAILQ_INIT(&table->by_use);
}

/* FNV-1a. Keys that were made to meet in one bucket cost no more than a walk over the whole table, which is small. */
static ce_entry **bucket_of(ce_table *table, const char *key, size_t length) {
    uint32_t hash = 2166136261u;
    for (size_t at = 0; at < length; at += 1) {
        hash = (hash ^ (uint8_t)key[at]) * 16777619u;
    }
    return &table->buckets[(hash ^ hash >> 16) % CE_TABLE_BUCKETS];
}

ce_entry *ce_table_find(ce_table *table, const char *key, size_t length) {
    ce_entry *entry = *bucket_of(table, key, length);
    while (entry != NULL && (entry->key_length != length || memcmp(entry->key, key, length) != 0)) {
        entry = entry->next_in_bucket;
    }
    if (entry != NULL && entry != TAILQ_FIRST(&table->by_use)) {
        TAILQ_REMOVE(&table->by_use, entry, by_use);
        TAILQ_INSERT_HEAD(&table->by_use, entry, by_use);
    }
    return entry;
}

void ce_table_add(ce_table *table, ce_entry *entry) {
    ce_entry **bucket = bucket_of(table, entry->key, entry->key_length);
    entry->next_in_bucket = *bucket;
    *bucket = entry;
    TAILQ_INSERT_HEAD(&table->by_use, entry, by_use);
    table->count += 1;
}

void ce_table_remove(ce_table *table, ce_entry *entry) {
    ce_entry **link = bucket_of(table, entry->key, entry->key_length);
    while (*link != entry) {
        link = &(*link)->next_in_bucket;
    }
    *link = entry->next_in_bucket;
    TAILQ_REMOVE(&table->by_use, entry, by_use);
    table->count -= 1;
}

ce_entry *ce_table_oldest(ce_table *table) {
    ce_entry *entry = TAILQ_LAST(&table->by_use, ce_by_use);
    while (entry != NULL && entry->uses > 0) {
        entry = TAILQ_PREV(entry, ce_by_use, by_use);
    }
    return entry;
}
