import EventIO
import HTTP
import Hub

/// How values of one type are written: what is accepted, and the conversions between text and value.
struct ValueCodec<Value: Equatable & Sendable>: Sendable {
    /// The placeholder for the value in `--help`.
    let name: String
    /// What is accepted, for error lines and the documentation.
    let accepted: String
    /// `--sandbox` alone means on; a value needs `=`.
    var isSwitch = false
    /// Parts with commas between them: a list in the file, or a flag that is given several times, means the same.
    var isList = false
    /// A mapping in the file; elsewhere the same text on one line.
    var isMapping = false
    let read: @Sendable (String) throws(ValueError) -> Value
    let text: @Sendable (Value) -> String

    /// The same for a setting that may be absent. An absent value is written as an empty text.
    func orNothing() -> ValueCodec<Value?> {
        let kind = self
        return ValueCodec<Value?>(
            name: name,
            accepted: accepted,
            isSwitch: isSwitch,
            isList: isList,
            isMapping: isMapping,
            read: { (text) throws(ValueError) in try kind.read(text) },
            text: { $0.map(kind.text) ?? "" }
        )
    }
}

extension ValueCodec where Value == Bool {
    static var onOff: ValueCodec {
        ValueCodec(
            name: "on|off",
            accepted: "on, off, true, false, yes, no, 1 or 0",
            isSwitch: true,
            read: { (text) throws(ValueError) in
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

extension ValueCodec where Value: CaseIterable & RawRepresentable<String> {
    static var choice: ValueCodec {
        let words = Value.allCases.map(\.rawValue)
        return ValueCodec(
            name: words.joined(separator: "|"),
            accepted: words.dropLast().joined(separator: ", ") + " or " + (words.last ?? ""),
            read: { (text) throws(ValueError) in
                guard let value = Value(rawValue: text) else { throw .unknown }
                return value
            },
            text: \.rawValue
        )
    }
}

extension ValueCodec where Value == String {
    static var path: ValueCodec { path(of: "file") }
    static var directory: ValueCodec { path(of: "directory") }

    private static func path(of what: String) -> ValueCodec {
        ValueCodec(
            name: "PATH",
            accepted: "the path of a \(what)",
            read: { (text) throws(ValueError) in
                guard !text.isEmpty else { throw ValueError("is empty") }
                guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
                    throw ValueError("has a control character")
                }
                return text
            },
            text: { $0 }
        )
    }
}

extension ValueCodec where Value == String {
    /// The path of a directory, or `off`, which is empty.
    static var pathOrOff: ValueCodec {
        ValueCodec(
            name: "PATH|off", accepted: "the path of a directory, or off",
            read: { (text) throws(ValueError) in text == "off" ? "" : try path.read(text) },
            text: { $0.isEmpty ? "off" : $0 })
    }
}

extension ValueCodec where Value == Secret {
    static var secret: ValueCodec {
        ValueCodec(
            name: "TOKEN",
            accepted: "printable ASCII without blanks",
            read: { (text) throws(ValueError) in
                do throws(Secret.Flaw) {
                    return try Secret(text.utf8)
                } catch {
                    throw ValueError(error.description)
                }
            },
            text: { $0.description }
        )
    }
}

extension ValueCodec where Value == String? {
    static var pathOrNothing: ValueCodec { ValueCodec<String>.path.orNothing() }
}

extension ValueCodec where Value == Secret? {
    static var secretOrNothing: ValueCodec { ValueCodec<Secret>.secret.orNothing() }
}

/// Why a text is not accepted: the end of a sentence that begins with the value, such as `has no unit`.
struct ValueError: Error, Equatable {
    let reason: String
    /// Whether it is a whole sentence, without the value before it.
    private(set) var isSentence = false

    init(_ reason: String) {
        self.reason = reason
    }

    init(sentence: String) {
        reason = sentence
        isSentence = true
    }

    static let unknown = ValueError("is not understood")
}

extension ValueCodec where Value == String? {
    /// The name of a user or an organisation, by the Hub's rules for names.
    static var accountNameOrNothing: ValueCodec { accountName.orNothing() }

    private static var accountName: ValueCodec<String> {
        ValueCodec<String>(
            name: "NAME",
            accepted: "the name of a user or an organisation",
            read: { (text) throws(ValueError) in
                guard let id = try? RepoID(text), id.namespace == nil else { throw ValueError("is no such name") }
                return id.name
            },
            text: { $0 }
        )
    }
}

extension ValueCodec where Value == String {
    /// The path before all others of the gateway's; empty for none.
    static var basePath: ValueCodec {
        ValueCodec(
            name: "/PATH",
            accepted: "a path of letters, digits, - and _ between single slashes, with no slash at its end",
            read: { (text) throws(ValueError) in
                guard text != "/" else { throw ValueError("is the root, which needs no base path; leave it out") }
                guard text.isEmpty || text.hasPrefix("/") else { throw ValueError("does not begin with a slash") }
                guard !text.hasSuffix("/") else { throw ValueError("ends with a slash") }
                guard text.utf8.count <= longest else { throw ValueError("is longer than \(longest) characters") }
                let segments = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
                // Nothing that can be written in two ways: no dots, no escapes, no query.
                guard segments.dropFirst().allSatisfy({ !$0.isEmpty && $0.allSatisfy(isPlain) }) else {
                    throw ValueError("has more than letters, digits, - and _ between single slashes")
                }
                guard !(text + "/").hasPrefix(ListenerRole.adminPrefix) else {
                    throw ValueError("begins with /-, where the gateway's own state is")
                }
                return text
            },
            text: { $0 }
        )
    }

    private static var longest: Int { 200 }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension ValueCodec where Value == String? {
    /// The name of a user of this machine, by the rules of useradd(8).
    static var userNameOrNothing: ValueCodec { userName.orNothing() }

    private static var userName: ValueCodec<String> {
        ValueCodec<String>(
            name: "USER",
            accepted: "the name of a user of this machine",
            read: { (text) throws(ValueError) in
                let isName = text.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
                        UInt8(ascii: "-"):
                        true
                    default: false
                    }
                }
                guard isName, (1...32).contains(text.utf8.count), !text.hasPrefix("-") else {
                    throw ValueError("is no such name")
                }
                return text
            },
            text: { $0 }
        )
    }
}
