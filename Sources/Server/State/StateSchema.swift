/// The schema of the database, version by version. `PRAGMA user_version` is the number of steps that were carried out.
enum StateSchema {
    /// Marks the file as hubgate's: `hgat`.
    static let applicationID: Int64 = 0x6867_6174

    /// Each step is carried out once, in order, in one transaction with its number. A released step is never changed.
    static let migrations = [
        """
        -- Rises with each change of a key: readers ask for what has changed since.
        CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        INSERT INTO counters VALUES ('change', 0);

        -- Times are seconds since 1970. A key is never removed: what it did stays named.
        CREATE TABLE keys (
            number INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            public_id INTEGER NOT NULL UNIQUE,
            secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
            previous_hash BLOB CHECK (length(previous_hash) = 32),
            previous_until INTEGER,
            role TEXT,
            allow TEXT NOT NULL,
            deny TEXT NOT NULL,
            credential TEXT,
            rate TEXT,
            note TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER,
            revoked INTEGER,
            change INTEGER NOT NULL UNIQUE
        ) STRICT;
        CREATE UNIQUE INDEX live_names ON keys (name) WHERE revoked IS NULL;

        CREATE TABLE key_use (
            number INTEGER PRIMARY KEY REFERENCES keys,
            last_used INTEGER NOT NULL,
            uses INTEGER NOT NULL
        ) STRICT;

        -- The last record of each sender that was carried out: one that is sent again is not carried out again.
        CREATE TABLE senders (
            sender INTEGER PRIMARY KEY,
            sequence INTEGER NOT NULL,
            seen INTEGER NOT NULL
        ) STRICT;
        """,
        """
        -- By which login a key was made; NULL: by hand. Those are removed a while after their end.
        ALTER TABLE keys ADD COLUMN login TEXT;
        CREATE INDEX keys_of_logins ON keys (login, expires) WHERE login IS NOT NULL;

        -- Devices that wait for a person. The device's own code is known by its SHA-256 only.
        CREATE TABLE device_logins (
            device_hash BLOB PRIMARY KEY CHECK (length(device_hash) = 32),
            user_code TEXT NOT NULL UNIQUE,
            address TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            -- When it asked last, and how long it has to wait between two times, in seconds.
            polled INTEGER NOT NULL,
            pause INTEGER NOT NULL,
            -- 0 waits, 1 confirmed, 2 denied, 3 was given its key.
            status INTEGER NOT NULL,
            -- What its key gets, once a person has said so.
            role TEXT,
            allow TEXT NOT NULL DEFAULT '',
            deny TEXT NOT NULL DEFAULT '',
            credential TEXT,
            rate TEXT,
            until INTEGER,
            confirmed_by TEXT,
            policy TEXT,
            -- The public id of the key that has confirmed it; NULL: none was needed.
            approver INTEGER
        ) STRICT;
        """,
        """
        -- The last line of the audit that is known to be on the disk: by it a cut end is found.
        CREATE TABLE audit_head (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            number INTEGER NOT NULL,
            hash BLOB NOT NULL CHECK (length(hash) = 32),
            file TEXT NOT NULL
        ) STRICT;

        -- What became of keys, until the state process has written it into the audit.
        CREATE TABLE audit_events (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            sender INTEGER NOT NULL,
            record BLOB NOT NULL
        ) STRICT;
        """,
        """
        -- What each Idempotency-Key of the last day was used for. Without an outcome: it is under way, or whoever did it is gone.
        CREATE TABLE idempotency (
            id BLOB PRIMARY KEY CHECK (length(id) = 32),
            owner INTEGER NOT NULL,
            content BLOB NOT NULL CHECK (length(content) = 32),
            sender INTEGER NOT NULL,
            nonce INTEGER NOT NULL,
            created INTEGER NOT NULL,
            outcome INTEGER,
            response BLOB
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX idempotency_created ON idempotency (created);
        CREATE INDEX idempotency_owner ON idempotency (owner);
        """,
        """
        ALTER TABLE keys ADD COLUMN policy TEXT;

        -- What keys did whose rules refuse nothing. A row without an action counts what there was no room for.
        CREATE TABLE observed (
            public_id INTEGER NOT NULL,
            action TEXT NOT NULL,
            resource TEXT NOT NULL,
            uses INTEGER NOT NULL,
            refused INTEGER NOT NULL,
            last_used INTEGER NOT NULL,
            PRIMARY KEY (public_id, action, resource)
        ) STRICT, WITHOUT ROWID;
        """,
        """
        -- Of keys that workloads have: SHA-256 of the subject, of which none has all keys of a login.
        ALTER TABLE keys ADD COLUMN subject BLOB CHECK (length(subject) = 32);
        """,
        """
        -- Repositories that were deleted and can still be restored (`delete_grace`), and for a day what became of them. `id` is owner/name before.
        CREATE TABLE trash (
            trash_name TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            serial TEXT,
            was_private INTEGER,
            credential TEXT,
            deleted_by TEXT NOT NULL,
            request_id TEXT NOT NULL,
            deleted INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            sender INTEGER NOT NULL,
            status INTEGER NOT NULL,
            -- The operator's order: 0 restore, 1 purge.
            wanted INTEGER,
            restore_as TEXT,
            ordered_by TEXT,
            attempts INTEGER NOT NULL DEFAULT 0,
            next_attempt INTEGER NOT NULL DEFAULT 0,
            trouble TEXT,
            ended INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX trash_moving ON trash (kind, lower(id)) WHERE status <= 1;
        CREATE INDEX trash_names ON trash (lower(id)) WHERE ended IS NULL;
        CREATE INDEX trash_due ON trash (next_attempt) WHERE ended IS NULL;
        CREATE INDEX trash_ended ON trash (ended) WHERE ended IS NOT NULL;
        """,
        """
        ALTER TABLE keys ADD COLUMN limits TEXT;
        ALTER TABLE device_logins ADD COLUMN limits TEXT;

        -- What was debited of the limits of keys for a day (since 1970, in UTC), before it is spent. `base` is what had been when the gateway
        -- that runs now began to spend of it.
        CREATE TABLE quotas (
            public_id INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            day INTEGER NOT NULL,
            run INTEGER NOT NULL,
            base INTEGER NOT NULL,
            debited INTEGER NOT NULL,
            PRIMARY KEY (public_id, kind, day)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX quotas_day ON quotas (day);

        -- What keys did on a day. The resource is a repository or a model; empty: none, or one of those for which there was no room.
        -- Public id 0: keys of logins that are long over.
        CREATE TABLE usage (
            day INTEGER NOT NULL,
            public_id INTEGER NOT NULL,
            action TEXT NOT NULL,
            resource TEXT NOT NULL,
            requests INTEGER NOT NULL,
            errors INTEGER NOT NULL,
            upstream_calls INTEGER NOT NULL,
            bytes_in INTEGER NOT NULL,
            bytes_out INTEGER NOT NULL,
            tokens_in INTEGER NOT NULL,
            tokens_out INTEGER NOT NULL,
            PRIMARY KEY (day, public_id, action, resource)
        ) STRICT, WITHOUT ROWID;
        """,
    ]

    static var newest: Int64 { Int64(migrations.count) }

    /// Brings the database to the newest version, or to that of the first `steps`. Throws `tooNew` for one of a newer program, and
    /// `damaged` for one that is not hubgate's.
    static func migrate(_ database: Database, steps: [String] = migrations) throws(DatabaseError) {
        let wanted = Int64(steps.count)
        // The usual start takes no lock.
        if try version(of: database, newest: wanted) == wanted { return }
        try database.transaction { () throws(DatabaseError) in
            let present = try version(of: database, newest: wanted)
            for step in steps.dropFirst(Int(present)) { try database.execute(step) }
            try database.execute("PRAGMA application_id = \(applicationID)")
            try database.execute("PRAGMA user_version = \(wanted)")
        }
    }

    private static func version(of database: Database, newest: Int64) throws(DatabaseError) -> Int64 {
        let version = try database.integer("PRAGMA user_version") ?? 0
        let application = try database.integer("PRAGMA application_id") ?? 0
        let tables = try database.integer("SELECT count(*) FROM sqlite_schema") ?? 0
        guard application == applicationID || (application == 0 && version == 0 && tables == 0), version >= 0 else {
            throw DatabaseError(
                kind: .damaged,
                description: "\(database.path.shown) is no database of hubgate's: give another state_dir")
        }
        guard version <= newest else {
            throw DatabaseError(
                kind: .tooNew,
                description: "\(database.path.shown) was written by a newer hubgate (schema \(version), this one knows "
                    + "\(newest)): run that one, or restore a backup of before")
        }
        return version
    }
}
