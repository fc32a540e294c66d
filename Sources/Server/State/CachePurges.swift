import Hub

/// Orders to the running gateway, from the command line, to drop what it has kept of a repository: rows of the table of counters,
/// which the state process removes once it has carried them out.
struct CachePurges {
    let database: Database

    private static let prefix = "purge "
    /// For all repositories: it is no repository's name.
    private static let all = "*"

    /// The kind before a name does not matter: repositories of all kinds are dropped together. Throws for a text that is no repository with an owner.
    static func repository(_ text: String) throws(Failure) -> RepoID {
        let kinds = ResourceKind.allCases.map { $0.path + "/" }
        let name = kinds.first { text.hasPrefix($0) }.map { String(text.dropFirst($0.count)) } ?? text
        let id = try RepoID(name)
        guard id.namespace != nil else { throw .badField("name", "has no owner") }
        return id
    }

    /// The resource that changes with it; nil: the owner of a repository without one is not known.
    static func resource(_ id: RepoID) -> HubResource? {
        id.namespace.map { HubResource(kind: nil, owner: $0, name: id.name) }
    }

    /// Nil: for all repositories. `now` in seconds since 1970.
    func order(_ repository: RepoID?, now: Int64) throws(DatabaseError) {
        try database.prepare("INSERT OR REPLACE INTO counters VALUES (?1, ?2)")
            .run(.text(Self.prefix + (repository?.text ?? Self.all)), .integer(now))
    }

    /// Whether there is one that is not carried out yet.
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

    /// Carries out all orders. One that cannot be read counts as one for all repositories: dropping too much is never wrong.
    func carryOut(on epochs: WriteEpochs) throws(DatabaseError) {
        let statement = try database.prepare("SELECT name FROM counters WHERE name >= ?1 AND name < ?2")
        // `!` is the character after the space of the prefix.
        try statement.bind([.text(Self.prefix), .text("purge!")])
        var names: [String] = []
        while try statement.step() { names.append(statement.text(0)) }
        let remove = try names.isEmpty ? nil : database.prepare("DELETE FROM counters WHERE name = ?1")
        for name in names {
            let text = String(name.dropFirst(Self.prefix.count))
            let id = try? RepoID(text)
            epochs.changed(id.flatMap { Self.resource($0) })
            // By this the command that ordered it sees that it is done.
            try remove?.run(.text(name))
        }
    }
}
