/* SQLite as Swift sees it, and what a Swift caller cannot write: a macro that is a cast, and a function with `...`. */
#ifndef CSQLITE_H
#define CSQLITE_H

#include <sqlite3.h>

/* Text and blobs are copied when they are bound. */
static inline int csqlite_bind_text(sqlite3_stmt *statement, int index, const char *bytes, int count) {
    return sqlite3_bind_text(statement, index, bytes, count, SQLITE_TRANSIENT);
}

static inline int csqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}

/* No statement can damage the file, and no schema can call a function that acts. */
static inline int csqlite_be_defensive(sqlite3 *database) {
    int result = sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
    if (result == SQLITE_OK) {
        result = sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)0);
    }
    return result;
}

#endif
