import EventIO
import HTTP

/// What is wrong with a field of a key, as a sentence without a full stop.
struct KeyFieldFault: Error, Equatable {
    let reason: String
}

/// Checks the fields of a key that its maker may choose: on the command line and in the admin API alike. `of` names the field in messages
/// about it.
enum KeyFields {
    private static let longestNote = 1000
    private static let longestLife: Int64 = 3653 * 86_400

    static func name(_ text: String, of field: String) throws(KeyFieldFault) -> String {
        guard NamedMappings.isName(text) else {
            throw KeyFieldFault(
                reason:
                    "\(field) has to be 1 to 64 letters, digits, ., _ and -, and begin with a letter or a digit")
        }
        return text
    }

    static func role(_ text: String, of field: String, _ book: RoleBook) throws(KeyFieldFault) -> String {
        if Preset(rawValue: text) != nil || book.rules(of: text) != nil { return text }
        throw KeyFieldFault(
            reason: "\(field): there is no role \(text.shown)\(Suggestion.text(for: text, among: book.names)); roles: "
                + book.names.joined(separator: ", "))
    }

    static func policy(_ text: String, of field: String) throws(KeyFieldFault) -> String {
        guard KeyPolicy(rawValue: text) != nil else {
            throw KeyFieldFault(reason: "\(field) has to be enforce or shadow")
        }
        return text
    }

    static func credential(_ text: String, of field: String) throws(KeyFieldFault) -> String {
        guard CredentialsDirectory.isName(text) else {
            throw KeyFieldFault(reason: "\(field) has to be the name of a file of credentials_dir")
        }
        return text
    }

    static func rules(_ texts: [String], of field: String, _ effect: Rule.Effect) throws(KeyFieldFault) -> [String] {
        guard texts.count <= TeamRoles.mostRules else {
            throw KeyFieldFault(reason: "\(field): more than \(TeamRoles.mostRules) rules; use a role")
        }
        for text in texts {
            let isPlain = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
            guard !text.isEmpty, isPlain, text.utf8.count <= TeamRoles.longestRule else {
                throw KeyFieldFault(
                    reason:
                        "\(field): a rule is one line of 1 to \(TeamRoles.longestRule) characters, such as 'read acme/*'"
                )
            }
            do throws(RuleError) {
                _ = try Rule(text, listed: effect)
            } catch {
                throw KeyFieldFault(reason: "\(field) '\(text)': \(error)")
            }
        }
        return texts
    }

    static func note(_ text: String, of field: String) throws(KeyFieldFault) -> String {
        guard text.utf8.count <= longestNote, text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
        else { throw KeyFieldFault(reason: "\(field): one line of at most \(longestNote) characters") }
        return text
    }

    private static let units: [(name: String, seconds: Int64)] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)]

    /// From a second to ten years, in seconds.
    static func seconds(_ text: String, of field: String) throws(KeyFieldFault) -> Int64 {
        guard let quantity = Quantity(text), let unit = units.first(where: { $0.name == quantity.unit }),
            let seconds = quantity.counted(in: Int(unit.seconds)), (1...longestLife).contains(Int64(seconds))
        else {
            throw KeyFieldFault(
                reason: "\(field): a time is a whole number with its unit (d, h, m or s), at most ten years: 90d")
        }
        return Int64(seconds)
    }

    static func rate(_ text: String, of field: String) throws(KeyFieldFault) -> String {
        guard let rate = RequestRate(text) else {
            throw KeyFieldFault(
                reason:
                    "\(field): a rate is a number from 1 to \(RequestRate.most) and a unit (d, h, m or s), such as 600/m"
            )
        }
        return rate.description
    }
}
