import EventIO
import HTTP

/// Reads a setting that is a mapping of names, each with a mapping of members, such as `logins: {ci: {issuer: ..., role: writer}}`.
struct NamedMappings {
    /// The setting's name, which comes before the mapping in a file, and in errors.
    let setting: String
    /// What a name stands for, such as `login`.
    let noun: String
    /// An example of what has to follow a name.
    let form: String
    /// The members that a name can have.
    let fields: [String]
    /// The most names.
    let most: Int

    /// Reads the YAML after the setting's name. `begin` gets each name, then `member` each of its members with that name; neither gets one
    /// twice.
    func read(
        _ text: String, begin: (String) throws(ValueError) -> Void,
        member: (String, YAMLScalars.Entry) throws(ValueError) -> Void
    ) throws(ValueError) {
        let entries: [YAMLScalars.Entry]
        do throws(YAMLScalars.Fault) {
            entries = try YAMLScalars.read(Array("\(setting): \(text)".utf8))
        } catch {
            throw ValueError("is no YAML mapping: \(error.reason)")
        }
        guard let first = entries.first, first.kind == .mapping, entries.allSatisfy({ $0.key == setting }) else {
            throw ValueError("is no mapping of names")
        }
        var given: Set<[String]> = []
        var names = 0
        for entry in entries.dropFirst() {
            guard (2...3).contains(entry.path.count) else { throw ValueError("is more than one mapping") }
            let name = entry.path[1]
            let isNew = given.insert(entry.path).inserted
            guard entry.path.count == 2 else {
                guard isNew else { throw ValueError("gives the \(noun) \(name) \(entry.path[2].shown) twice") }
                try check(field: entry.path[2], of: name)
                try member(name, entry)
                continue
            }
            guard isNew else { throw ValueError("has the \(noun) \(name.shown) twice") }
            try check(name, entry)
            names += 1
            guard names <= most else { throw ValueError("has more than \(most) \(noun)s") }
            try begin(name)
        }
    }

    /// Reads rules that are told apart by their names alone, in their order. `take` gets each member.
    func read<Element>(
        _ text: String, as rule: (String) -> Element,
        take: (inout Element, YAMLScalars.Entry) throws(ValueError) -> Void
    ) throws(ValueError) -> [Element] {
        var rules: [Element] = []
        var last = ""
        try read(
            text,
            begin: { (name) throws(ValueError) in
                rules.append(rule(name))
                last = name
            },
            member: { (name, entry) throws(ValueError) in
                guard name == last else { throw ValueError("is more than one mapping") }
                do throws(ValueError) {
                    try take(&rules[rules.count - 1], entry)
                } catch {
                    throw ValueError("gives the \(noun) \(name) \(entry.path[2].shown), which \(error.reason)")
                }
            })
        return rules
    }

    private func check(field: String, of name: String) throws(ValueError) {
        guard !fields.contains(field) else { return }
        let suggestion = Suggestion.text(for: field, among: fields)
        let remedy = suggestion.isEmpty ? "; a \(noun) has \(fields.joined(separator: ", "))" : suggestion
        throw ValueError(sentence: "\(noun) \(name): there is no field \(field.shown)\(remedy)")
    }

    private func check(_ name: String, _ entry: YAMLScalars.Entry) throws(ValueError) {
        guard Self.isName(name) else {
            throw ValueError(
                "has the \(noun) \"\(name.shown)\", which is no name: letters, digits, ., _ and -, at most 64")
        }
        guard entry.kind == .mapping else { throw ValueError("gives the \(noun) \(name) no mapping; write \(form)") }
    }

    /// Whether it is a word for the command line that cannot be taken for a rule.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isASCIIAlphanumeric, text.utf8.count <= 64 else { return false }
        return text.utf8.allSatisfy { $0.isASCIIAlphanumeric || "._-".utf8.contains($0) }
    }
}

/// YAML in one line.
enum YAMLFlow {
    /// The entries below a mapping, as one text with the same meaning.
    static func text(_ entries: ArraySlice<YAMLScalars.Entry>, below depth: Int = 1) -> String {
        var parts: [String] = []
        var index = entries.startIndex
        while index < entries.endIndex {
            let entry = entries[index]
            let rest = entries[(index + 1)...]
            let inner = rest.prefix { $0.path.count > depth + 1 }
            let value =
                switch entry.kind {
                case .scalar: quoted(entry.value)
                case .list: "[\(entry.values.map(quoted).joined(separator: ", "))]"
                case .mapping: text(inner, below: depth + 1)
                }
            parts.append("\(quoted(entry.path[depth])): \(value)")
            index = inner.endIndex
        }
        return "{\(parts.joined(separator: ", "))}"
    }

    /// In double quotes (YAML 1.1 section 5.6.2), so that nothing in it is read as structure.
    static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
                "\\x" + String(scalar.value + 0x100, radix: 16).dropFirst()
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}
