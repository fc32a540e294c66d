/// How values of one sort are written: what is accepted, and the two directions between text and value.
struct Kind<Value: Equatable & Sendable>: Sendable {
    /// The word that stands for the value in `--help`.
    let name: String
    /// What is accepted, for error lines and the documentation.
    let accepted: String
    /// `--sandbox` alone means on; its value can be given with `=` only.
    var isSwitch = false
    let read: @Sendable (String) throws(Misfit) -> Value
    let text: @Sendable (Value) -> String

    /// The same kind for a setting that may be absent. An absent value is written as nothing.
    func orNothing() -> Kind<Value?> {
        let kind = self
        return Kind<Value?>(
            name: name,
            accepted: accepted,
            isSwitch: isSwitch,
            read: { (text) throws(Misfit) in try kind.read(text) },
            text: { $0.map(kind.text) ?? "" }
        )
    }
}

extension Kind where Value == Bool {
    static var onOff: Kind {
        Kind(
            name: "on|off",
            accepted: "on, off, true, false, yes, no, 1 or 0",
            isSwitch: true,
            read: { (text) throws(Misfit) in
                switch text.lowercased() {
                case "on", "true", "yes", "1": return true
                case "off", "false", "no", "0": return false
                default: throw .unknown
                }
            },
            text: { $0 ? "on" : "off" }
        )
    }
}

extension Kind where Value: CaseIterable & RawRepresentable<String> {
    static var choice: Kind {
        let words = Value.allCases.map(\.rawValue)
        return Kind(
            name: words.joined(separator: "|"),
            accepted: words.dropLast().joined(separator: ", ") + " or " + (words.last ?? ""),
            read: { (text) throws(Misfit) in
                guard let value = Value(rawValue: text) else { throw .unknown }
                return value
            },
            text: \.rawValue
        )
    }
}

extension Kind where Value == String {
    static var path: Kind {
        Kind(
            name: "PATH",
            accepted: "the path of a file",
            read: { (text) throws(Misfit) in
                guard !text.isEmpty else { throw Misfit("is empty") }
                guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
                    throw Misfit("has a control character")
                }
                return text
            },
            text: { $0 }
        )
    }
}

extension Kind where Value == Secret {
    static var secret: Kind {
        Kind(
            name: "TOKEN",
            accepted: "printable ASCII without blanks",
            read: { (text) throws(Misfit) in
                do throws(Secret.Flaw) {
                    return try Secret(text.utf8)
                } catch {
                    throw Misfit(error.description)
                }
            },
            text: { $0.description }
        )
    }
}

extension Kind where Value == String? {
    static var pathOrNothing: Kind { Kind<String>.path.orNothing() }
}

extension Kind where Value == Secret? {
    static var secretOrNothing: Kind { Kind<Secret>.secret.orNothing() }
}
