import Hub

/// Orders to give out nothing any more that is kept of a repository, from the command line to the gateway that runs: rows of the table of counters,
/// which the state process takes away once it has carried them out.
struct CachePurges {
    let database: Database

    private static let prefix = "purge "
    /// Of all repositories: no name is this.
    private static let all = "*"

    /// Nil: of all. `now` in seconds since 1970.
    func order(_ repository: RepoID?, now: Int64) throws(DatabaseError) {
        try database.prepare("INSERT OR REPLACE INTO counters VALUES (?1, ?2)")
            .run(.text(Self.prefix + (repository?.text ?? Self.all)), .integer(now))
    }

    /// Whether there is one that nobody has carried out.
    func isPending(_ repository: RepoID?) throws(DatabaseError) -> Bool {
        let statement = try database.prepare("SELECT 1 FROM counters WHERE name = ?1")
        try statement.bind([.text(Self.prefix + (repository?.text ?? Self.all))])
        return try statement.step()
    }

    /// Takes an order back.
    func withdraw(_ repository: RepoID?) throws(DatabaseError) {
        try database.prepare("DELETE FROM counters WHERE name = ?1")
            .run(.text(Self.prefix + (repository?.text ?? Self.all)))
    }

    /// Carries out what there is. What cannot be read is one of all: to drop too much is never wrong.
    func carryOut(on epochs: WriteEpochs) throws(DatabaseError) {
        let statement = try database.prepare("SELECT name FROM counters WHERE name >= ?1 AND name < ?2")
        // The next character behind the prefix's blank.
        try statement.bind([.text(Self.prefix), .text("purge!")])
        var names: [String] = []
        while try statement.step() { names.append(statement.text(0)) }
        let remove = try names.isEmpty ? nil : database.prepare("DELETE FROM counters WHERE name = ?1")
        for name in names {
            let text = String(name.dropFirst(Self.prefix.count))
            let id = try? RepoID(text)
            // Of a repository without an owner nobody knows whose it is.
            epochs.changed(id.flatMap { id in id.namespace.map { HubResource(kind: nil, owner: $0, name: id.name) } })
            // Who ordered it sees by this that it is done.
            try remove?.run(.text(name))
        }
    }
}
