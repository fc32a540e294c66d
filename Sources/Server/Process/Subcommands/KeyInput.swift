import EventIO
import HTTP

/// What the flags of `hubgate keys` take, checked.
enum KeyInput {
    /// Seconds since 1970.
    static var now: Int64 { Int64(WallClock.microseconds / 1_000_000) }

    /// A key with all its rules goes to a worker in one message.
    private static let mostRules = 100
    private static let longestRule = 256
    private static let longestNote = 1000

    static func name(_ text: String, of what: String) throws(SubcommandFailure) -> String {
        guard NamedMappings.isName(text) else {
            throw .usage("\(what) has to be 1 to 64 letters, digits, ., _ and -, and begin with a letter or a digit")
        }
        return text
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
        guard KeyPolicy(rawValue: text) != nil else { throw .usage("\(what) has to be enforce or shadow") }
        return text
    }

    static func credential(_ text: String, of what: String) throws(SubcommandFailure) -> String {
        guard CredentialsDirectory.isName(text) else {
            throw .usage("\(what) has to be the name of a file of credentials_dir")
        }
        return text
    }

    /// Nil for an empty text, which takes a value away.
    static func optional(
        _ text: String, of what: String, _ read: (String, String) throws(SubcommandFailure) -> String
    ) throws(SubcommandFailure) -> String? {
        text.isEmpty ? nil : try read(text, what)
    }

    /// Rules as people write them. An empty one takes all away.
    static func rules(_ texts: [String], of what: String) throws(SubcommandFailure) -> [String] {
        if texts == [""] { return [] }
        guard texts.count <= mostRules else { throw .usage("\(what): more than \(mostRules) rules; use a role") }
        for text in texts {
            let isPlain = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
            guard !text.isEmpty, isPlain, text.utf8.count <= longestRule else {
                throw .usage("\(what): a rule is one line of 1 to \(longestRule) characters, such as 'read acme/*'")
            }
            do throws(RuleError) {
                _ = try Rule(text, listed: what == "--deny" ? .deny : .allow)
            } catch {
                throw .usage("\(what) '\(text)': \(error)")
            }
        }
        return texts
    }

    static func note(_ text: String?) throws(SubcommandFailure) -> String {
        guard let text else { return "" }
        guard text.utf8.count <= longestNote, text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
        else {
            throw .usage("--note: one line of at most \(longestNote) characters")
        }
        return text
    }

    private static let units: [(name: String, seconds: Int64)] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)]

    /// From a second to ten years.
    static func seconds(_ text: String, of what: String) throws(SubcommandFailure) -> Int64 {
        let longest: Int64 = 3653 * 86_400
        guard let quantity = Quantity(text), let unit = units.first(where: { $0.name == quantity.unit }),
            let seconds = quantity.counted(in: Int(unit.seconds)), (1...longest).contains(Int64(seconds))
        else { throw .usage("\(what): a time is a whole number with its unit (d, h, m or s), at most ten years: 90d") }
        return Int64(seconds)
    }

    /// Nil for `never`.
    static func expiry(_ text: String, now: Int64) throws(SubcommandFailure) -> Int64? {
        text == "never" ? nil : now + (try seconds(text, of: "--expires"))
    }

    static func rate(_ text: String, of what: String) throws(SubcommandFailure) -> String {
        guard let rate = RequestRate(text) else {
            throw .usage(
                "\(what): a rate is a number from 1 to \(RequestRate.most) and a unit (d, h, m or s), such as 600/m")
        }
        return rate.description
    }

    /// Says what of a grant has no effect at present. A credential may be put there later: so it is no error.
    static func warn(of grant: KeyGrant, _ state: StateOptions) throws(SubcommandFailure) {
        if grant.policy == KeyPolicy.shadow.rawValue {
            Console.error(
                "hubgate: warning: with --policy shadow its rules refuse nothing: the key may do all that its Hub token may\n"
            )
        }
        guard let name = grant.credential else { return }
        let settings = try state.settings()
        guard settings.credentials?.tokens[name] == nil else { return }
        Console.error(
            "hubgate: warning: credentials_dir has no file \(name.shown) that can be read here; "
                + "until the gateway has one, calls with this key answer 503\n")
    }
}
