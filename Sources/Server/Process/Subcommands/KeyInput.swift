import EventIO
import HTTP

/// Checks the values of the flags of `hubgate keys`.
enum KeyInput {
    /// Seconds since 1970.
    static var now: Int64 { Int64(WallClock.microseconds / 1_000_000) }

    /// With faults in the form of this command line.
    private static func checked<Value>(
        _ check: () throws(KeyFieldFault) -> Value
    ) throws(SubcommandFailure) -> Value {
        do throws(KeyFieldFault) {
            return try check()
        } catch {
            throw .usage(error.reason)
        }
    }

    static func name(_ text: String, of what: String) throws(SubcommandFailure) -> String {
        try checked { () throws(KeyFieldFault) in try KeyFields.name(text, of: what) }
    }

    /// A preset, or a role of the settings that `state` reads.
    static func role(_ text: String, of what: String, _ state: StateOptions) throws(SubcommandFailure) -> String {
        guard Preset(rawValue: text) == nil else { return text }
        let (book, problems) = state.roles()
        if book.rules(of: text) != nil { return text }
        let names = book.names
        let trouble = problems.first.map { "; the settings have a fault: \($0)" } ?? ""
        throw .usage(
            "\(what): there is no role \(text.shown)\(Suggestion.text(for: text, among: names)); roles: "
                + names.joined(separator: ", ") + ", and others in the setting roles" + trouble)
    }

    static func policy(_ text: String, of what: String) throws(SubcommandFailure) -> String {
        try checked { () throws(KeyFieldFault) in try KeyFields.policy(text, of: what) }
    }

    static func credential(_ text: String, of what: String) throws(SubcommandFailure) -> String {
        try checked { () throws(KeyFieldFault) in try KeyFields.credential(text, of: what) }
    }

    /// Nil for an empty text, which removes a value.
    static func optional(
        _ text: String, of what: String, _ read: (String, String) throws(SubcommandFailure) -> String
    ) throws(SubcommandFailure) -> String? {
        text.isEmpty ? nil : try read(text, what)
    }

    /// Rules as people write them. An empty one removes all.
    static func rules(_ texts: [String], of what: String) throws(SubcommandFailure) -> [String] {
        if texts == [""] { return [] }
        return try checked { () throws(KeyFieldFault) in
            try KeyFields.rules(texts, of: what, what == "--deny" ? .deny : .allow)
        }
    }

    static func note(_ text: String?) throws(SubcommandFailure) -> String {
        try checked { () throws(KeyFieldFault) in try KeyFields.note(text ?? "", of: "--note") }
    }

    /// From a second to ten years.
    static func seconds(_ text: String, of what: String) throws(SubcommandFailure) -> Int64 {
        try checked { () throws(KeyFieldFault) in try KeyFields.seconds(text, of: what) }
    }

    /// Days since 1970, in UTC.
    static func days(since: String, until: String?) throws(SubcommandFailure) -> ClosedRange<Int64> {
        try checked { () throws(KeyFieldFault) in
            try KeyFields.days(since: since, until: until, as: ("--since", "--until"), now: now)
        }
    }

    /// Nil for `never`.
    static func expiry(_ text: String, now: Int64) throws(SubcommandFailure) -> Int64? {
        text == "never" ? nil : now + (try seconds(text, of: "--expires"))
    }

    static func rate(_ text: String, of what: String) throws(SubcommandFailure) -> String {
        try checked { () throws(KeyFieldFault) in try KeyFields.rate(text, of: what) }
    }

    static func warnOfShadow() {
        Console.error(
            "hubgate: warning: with --policy shadow its rules refuse nothing: the key may do all that its Hub token may\n"
        )
    }

    /// Warns of parts of a grant that have no effect at present. A credential may be added later: so that is no error.
    static func warn(of grant: KeyGrant, _ state: StateOptions) throws(SubcommandFailure) {
        if grant.policy == KeyPolicy.shadow.rawValue {
            warnOfShadow()
        }
        guard let name = grant.credential else { return }
        let settings = try state.settings()
        guard settings.credentials?.tokens[name] == nil else { return }
        Console.error(
            "hubgate: warning: credentials_dir has no file \(name.shown) that can be read here; "
                + "until the gateway has one, calls with this key answer 503\n")
    }
}
