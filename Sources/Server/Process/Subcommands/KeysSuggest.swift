import ArgumentParser
import EventIO
import Hub

/// `hubgate keys suggest`: rules from what a key did while it was in shadow mode.
struct KeysSuggest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suggest",
        abstract: "Print the narrowest rules that allow what a key did while its policy was shadow.",
        discussion:
            "With --apply they take the place of its role and of the rules that allow, and are enforced from then on. Rules that deny stay."
    )

    @Argument(help: "The key's name.") var name: String
    @Option(help: ArgumentHelp("How far to look back: a time such as 7d.", valueName: "time")) var since = "7d"
    @Option(
        help: ArgumentHelp(
            "How many names of one owner with the same beginning are listed one by one; more become a pattern.",
            valueName: "count"))
    var globAbove = 20
    @Flag(help: "Give the key these rules, and end its shadow.") var apply = false
    @OptionGroup var state: StateOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let now = KeyInput.now
        let begin = now - (try KeyInput.seconds(since, of: "--since"))
        guard (1...10_000).contains(globAbove) else {
            throw SubcommandFailure.usage("--glob-above has to be a whole number from 1 to 10000")
        }
        let (found, uses) = try state.withKeys { table -> (KeyRecord?, [ObservedUses.Use]) in
            guard let record = try table.find(name) else { return (nil, []) }
            return (record, try ObservedTable(database: table.database).uses(of: record.publicID, since: begin))
        }
        guard let record = found else {
            throw SubcommandFailure.notThere("there is no key \(name.shown): `hubgate keys list` shows all")
        }
        guard !uses.isEmpty else {
            throw SubcommandFailure.notThere(
                "nothing was recorded of the key \(name.shown) in that time: set `hubgate keys edit \(name) --policy shadow`, "
                    + "and let it do its work")
        }
        let suggestion = KeySuggestion(uses, since: begin, globAbove: globAbove)
        if apply { try enforce(suggestion, record.publicID) }
        suggestion.show(name, isApplied: apply, json: json)
    }

    private func enforce(_ suggestion: KeySuggestion, _ publicID: Int64) throws {
        guard !suggestion.rules.isEmpty else {
            throw SubcommandFailure.usage("no rule allows what it did but one for everything: nothing is changed")
        }
        let rules: [String]
        do throws(SubcommandFailure) {
            rules = try KeyInput.rules(suggestion.rules, of: "--apply")
        } catch {
            throw SubcommandFailure.usage("\(error.reason), or a smaller --glob-above; nothing is changed")
        }
        _ = try KeyChange.change(name, "edit", state) { record in
            record.grant.role = nil
            record.grant.allow = rules
            record.grant.policy = KeyPolicy.enforce.rawValue
        }
        try state.withKeys { table in
            try table.database.transaction { () throws(DatabaseError) in
                try ObservedTable(database: table.database).forget(publicID)
            }
        }
    }
}

/// What a key did, and the rules that allow it.
struct KeySuggestion {
    private let suggested: SuggestedRules
    private let since: Int64
    /// Rights that were needed: a request may need several.
    private let uses: Int64
    private let refused: Int64
    /// There was no room to record everything.
    private let isIncomplete: Bool

    var rules: [String] { suggested.rules }

    init(_ uses: [ObservedUses.Use], since: Int64, globAbove limit: Int) {
        self.since = since
        self.uses = uses.reduce(0) { $0 &+ $1.uses }
        refused = uses.reduce(0) { $0 &+ $1.refused }
        isIncomplete = uses.contains { $0.action.isEmpty }
        suggested = SuggestedRules(
            uses.compactMap { use in
                HubAction(name: use.action).map { Observation(action: $0, pattern: use.resource) }
            }, globAbove: limit)
    }

    func show(_ name: String, isApplied: Bool, json: Bool) {
        guard !json else {
            return KeyOutput.print([
                "name": .string(name), "since": .string(WallClock.iso8601(since)), "uses": .integer(uses),
                "refused": .integer(refused), "rules": .array(rules.map { .string($0) }),
                "wide": .array(suggested.wide.map { .string($0) }),
                "beyond": .array(suggested.beyond.map { .string($0.action.name) }), "complete": .bool(!isIncomplete),
                "applied": .bool(isApplied),
            ])
        }
        // The rules alone, so that they can be piped on.
        Console.print(rules.map { $0 + "\n" }.joined())
        Console.error(
            "Since \(WallClock.iso8601(since)): \(uses) rights were asked for, of which its present rules refuse \(refused).\n"
        )
        if isIncomplete {
            Console.error(
                "hubgate: warning: it did more different things than are recorded: look at the rules before they are applied\n"
            )
        }
        for rule in suggested.wide {
            Console.error(
                "hubgate: warning: '\(rule)' is for what belongs to an owner as a whole, and allows it on all repositories of that owner\n"
            )
        }
        for one in suggested.beyond {
            Console.error(
                "hubgate: warning: no rule but one for everything allows \"\(one.action.name)\" as it was asked for: it is left out\n"
            )
        }
        if isApplied { Console.error("The key \(name) has these rules now, and they are enforced.\n") }
    }
}
