import ArgumentParser
import EventIO
import Hub

/// `hubgate keys`: the keys of clients, and what each may do.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make, show and change gateway keys.",
        discussion: "A running gateway applies each change within a second.",
        subcommands: [
            KeysCreate.self, KeysList.self, KeysShow.self, KeysEdit.self, KeysRotate.self, KeysRevoke.self,
            KeysExplain.self, KeysSuggest.self,
        ],
        defaultSubcommand: nil)
}

/// The rights of a key, as flags.
struct GrantOptions: ParsableArguments {
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A rule that allows, such as 'read acme/*'. May be given several times.", valueName: "rule"))
    var allow: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A rule that forbids; it takes precedence. May be given several times.", valueName: "rule"))
    var deny: [String] = []

    @Option(
        help: ArgumentHelp(
            "A set of rules by its name: reader, writer, maintainer, admin, inference, or one of the setting roles.",
            valueName: "role"))
    var role: String?

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("The Hub token to act with: a file of credentials_dir.", valueName: "credential"))
    var credential: String?

    @Option(
        help: ArgumentHelp(
            "The most requests in a time, such as 600/m: that many at once, then one each tenth of a second.",
            valueName: "rate"))
    var rate: String?

    @Option(help: ArgumentHelp("The most requests under way at once.", valueName: "count"))
    var concurrent: String?

    @Option(
        help: ArgumentHelp(
            "The most bytes of content in a day, of requests and responses, such as 50GB. Days begin at midnight in UTC.",
            valueName: "bytes"))
    var bytesADay: String?

    @Option(
        help: ArgumentHelp("The most tokens of models in a day, prompts and answers, such as 1M.", valueName: "count"))
    var tokensADay: String?

    @Option(help: ArgumentHelp("The most requests of models (/v1) in a day.", valueName: "count"))
    var inferenceADay: String?

    @Option(
        help: ArgumentHelp(
            "enforce, or shadow: its rules refuse nothing, and what they would refuse is recorded. Else what the setting policy says.",
            valueName: "policy"))
    var policy: String?

    @Option(help: ArgumentHelp("When it ends: in a time such as 90d or 12h, or never.", valueName: "time"))
    var expires: String?

    @Option(help: ArgumentHelp("For people: what the key is for.", valueName: "text"))
    var note: String?

    /// The grant that these flags give. Throws for flags that are wrong.
    func grant(_ state: StateOptions) throws(SubcommandFailure) -> KeyGrant {
        var grant = KeyGrant()
        if !allow.isEmpty { grant.allow = try KeyInput.rules(allow, of: "--allow") }
        if !deny.isEmpty { grant.deny = try KeyInput.rules(deny, of: "--deny") }
        if let role { grant.role = role.isEmpty ? nil : try KeyInput.role(role, of: "--role", state) }
        if let credential { grant.credential = try KeyInput.optional(credential, of: "--as", KeyInput.credential) }
        if let rate { grant.rate = try KeyInput.optional(rate, of: "--rate", KeyInput.rate) }
        if let policy { grant.policy = try KeyInput.optional(policy, of: "--policy", KeyInput.policy) }
        grant.limits = try limits(over: KeyLimits())
        return grant
    }

    var isEmpty: Bool {
        allow.isEmpty && deny.isEmpty && givenLimits.isEmpty
            && [role, credential, rate, policy, expires, note].allSatisfy { $0 == nil }
    }

    var givenLimits: [(limit: KeyLimit, text: String)] {
        let texts = [
            (KeyLimit.concurrent, concurrent), (.bytesADay, bytesADay), (.tokensADay, tokensADay),
            (.inferenceADay, inferenceADay),
        ]
        return texts.compactMap { limit, text in text.map { (limit, $0) } }
    }

    /// The limits of `old`, changed by these flags; nil where there are none.
    private func limits(over old: KeyLimits) throws(SubcommandFailure) -> String? {
        var limits = old
        for (limit, text) in givenLimits {
            guard text.isEmpty || limit.amount(text) != nil else {
                throw .usage("--\(limit.name) has to be \(limit.accepted), at most \(limit.text(KeyLimit.most))")
            }
            limits[limit] = limit.amount(text)
        }
        return limits.isEmpty ? nil : limits.description
    }

    /// The values of these flags over an earlier grant: a value that no flag gives stays. Given rules replace all of their kind; an empty one
    /// removes them.
    func grant(_ read: KeyGrant, over old: KeyGrant) -> KeyGrant {
        KeyGrant(
            role: role == nil ? old.role : read.role, allow: allow.isEmpty ? old.allow : read.allow,
            deny: deny.isEmpty ? old.deny : read.deny, credential: credential == nil ? old.credential : read.credential,
            rate: rate == nil ? old.rate : read.rate, policy: policy == nil ? old.policy : read.policy,
            // They were checked when `read` was made.
            limits: givenLimits.isEmpty
                ? old.limits : (try? limits(over: old.limits.flatMap { KeyLimits($0) } ?? KeyLimits())))
    }
}

struct KeysCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a key. It is shown once, and kept nowhere.")

    @Argument(help: "What the key is called: the team, the job.")
    var name: String
    @OptionGroup var grant: GrantOptions
    @OptionGroup var state: StateOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let now = KeyInput.now
        let name = try KeyInput.name(name, of: "the name")
        let grant = try grant.grant(state)
        guard grant.allowsAny else { throw SubcommandFailure.uselessKey }
        try KeyInput.warn(of: grant, state)
        let expires = try self.grant.expires.flatMap { try KeyInput.expiry($0, now: now) }
        let publicID = GatewayKey.makePublicID()
        let key = GatewayKey.make(publicID: publicID)
        let record = KeyRecord(
            name: name, publicID: publicID, secretHash: key.secretHash.bytes, grant: grant,
            note: try KeyInput.note(self.grant.note), created: now, expires: expires)
        try state.withKeys(making: true) { table in
            try table.database.transaction { () throws(DatabaseError) in
                guard try table.find(name).map({ $0.revoked != nil }) ?? true else {
                    throw DatabaseError(
                        kind: .conflict,
                        description: "there is a key \(name.shown) already: `hubgate keys edit`, "
                            + "`rotate` or `revoke` it, or take another name")
                }
                try table.insert(record)
                try table.noteEvent("create", record)
            }
        }
        KeyOutput.show(secret: key.text, record, json: json)
    }
}

struct KeysRotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Give a key another secret. The old one still works for the grace period.")

    @Argument(help: "The key's name.") var name: String
    @Option(help: ArgumentHelp("How long the old secret works: a time such as 24h, or 0.", valueName: "time"))
    var grace = "24h"
    @OptionGroup var state: StateOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let now = KeyInput.now
        let grace = grace == "0" ? 0 : try KeyInput.seconds(grace, of: "--grace")
        var text = ""
        let record = try KeyChange.change(name, "rotate", state) { record in
            let key = GatewayKey.make(publicID: record.publicID)
            text = key.text
            record.previous = grace > 0 ? .init(secretHash: record.secretHash, until: now + grace) : nil
            record.secretHash = key.secretHash.bytes
        }
        KeyOutput.show(secret: text, record, json: json)
        KeyOutput.warn(ofExpired: record, now: now)
    }
}

struct KeysEdit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit",
        abstract: "Change what a key may do, for how long, its name or its note.",
        discussion:
            "What is not given stays. Rules that are given take the place of those that were; '' takes a value away.")

    @Argument(help: "The key's name.") var name: String
    @Option(help: ArgumentHelp("Another name.", valueName: "name")) var rename: String?
    @OptionGroup var grant: GrantOptions
    @OptionGroup var state: StateOptions
    @Flag(help: "Print JSON.") var json = false

    /// So that nothing is written down as a change that is none.
    func checkChange() throws(SubcommandFailure) {
        guard rename == nil, grant.isEmpty else { return }
        throw .usage(
            "nothing is to be changed: say what, such as --expires 90d; `hubgate keys edit --help` has all of it")
    }

    func run() throws {
        try checkChange()
        let now = KeyInput.now
        let rename = try rename.map { try KeyInput.name($0, of: "--rename") }
        let expires = try grant.expires.map { try KeyInput.expiry($0, now: now) }
        let note = try grant.note.map { try KeyInput.note($0) }
        // Faults of the flags are reported before the database is looked at.
        let wanted = try grant.grant(state)
        try KeyInput.warn(of: wanted, state)
        let record = try KeyChange.change(name, "edit", state) { (record) throws(DatabaseError) in
            record.name = rename ?? record.name
            let changed = grant.grant(wanted, over: record.grant)
            // A key that allows nothing may still be given another note.
            guard changed.allowsAny || !record.grant.allowsAny else {
                throw DatabaseError(kind: .conflict, description: SubcommandFailure.uselessKey.reason)
            }
            record.grant = changed
            record.expires = expires ?? record.expires
            record.note = note ?? record.note
        }
        KeyOutput.show(record, use: nil, json: json)
    }
}

struct KeysRevoke: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "End a key for good. Its name is free again.")

    @Argument(help: "The key's name.") var name: String
    @OptionGroup var state: StateOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let record = try KeyChange.change(name, "revoke", state) { $0.revoked = KeyInput.now }
        KeyOutput.show(record, use: nil, json: json)
    }
}

extension SubcommandFailure {
    fileprivate static var uselessKey: SubcommandFailure {
        .usage(
            "a key needs a role, or rules that allow something: give --role reader, or --allow 'read acme/*'; `hubgate keys revoke` ends a key"
        )
    }
}

extension KeyTable {
    /// For the audit, in the transaction of the change: both are written or neither.
    func noteEvent(_ event: String, _ record: KeyRecord, formerName: String? = nil) throws(DatabaseError) {
        var line = AuditRecord.keyEvent(
            event, record, id: GatewayKey.shown(publicID: record.publicID),
            by: "\(UserAccount.currentName) on the command line")
        if let formerName, formerName != record.name { line.set(.detail, "it was called \(formerName)") }
        try AuditTables(database: database).insert(line)
    }
}

/// A change of one live key, in one transaction, which the audit calls `event`.
enum KeyChange {
    static func change(
        _ name: String, _ event: String, _ state: StateOptions, _ body: (inout KeyRecord) throws(DatabaseError) -> Void
    ) throws -> KeyRecord {
        let found = try state.withKeys { table in
            try table.database.transaction { () throws(DatabaseError) -> KeyRecord? in
                guard var record = try table.find(name) else { return nil }
                guard record.revoked == nil else { return record }
                try body(&record)
                if record.name != name, let other = try table.find(record.name), other.revoked == nil {
                    throw DatabaseError(kind: .conflict, description: "there is a key \(record.name.shown) already")
                }
                try table.update(record)
                try table.noteEvent(event, record, formerName: name)
                record.change = 0
                return record
            }
        }
        guard let found else {
            throw SubcommandFailure.notThere("there is no key \(name.shown): `hubgate keys list` shows all")
        }
        guard found.change == 0 else {
            throw SubcommandFailure.notThere("the key \(name.shown) is revoked, and stays so: make another")
        }
        return found
    }
}
