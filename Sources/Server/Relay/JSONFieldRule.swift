import HTTP
import Hub

/// Which strings of a JSON text are rewritten, and how.
struct JSONFieldRule: Sendable {
    /// The end of the path to the member: the names of objects from the outside in, without arrays.
    /// A name is `*url` for all with that ending, or `#` for a number. Empty: each string that is a URL, anywhere.
    let path: [String]
    let change: Rewrite.URLAction

    init(_ path: String..., change: Rewrite.URLAction) {
        self.path = path
        self.change = change
    }

    /// Whether the rules are only for strings that are URLs.
    static func areOfURLs(_ rules: [JSONFieldRule]) -> Bool {
        for rule in rules where !rule.path.isEmpty && !rule.isOfAuthor { return false }
        return true
    }

    /// For each string that is a URL in a member of this name, and below it.
    static func authored(_ name: String) -> JSONFieldRule { JSONFieldRule(name, change: .authored) }

    fileprivate var isOfAuthor: Bool { if case .authored = change { !path.isEmpty } else { false } }

    /// For each string that is a URL and nothing else, where no other rule applies.
    static func anyURL(_ change: Rewrite.URLAction) -> JSONFieldRule { JSONFieldRule(change: change) }
}

/// Rules in a form for one text: each name is compared once with all patterns, and the result is a set of bits.
struct MemberRules {
    private enum Pattern: Equatable {
        case number
        case suffix([UInt8])
        case exact([UInt8])

        init(_ text: String) {
            self =
                text == "#"
                ? .number
                : text.hasPrefix("*") ? .suffix(Array(text.utf8.dropFirst())) : .exact(Array(text.utf8))
        }

        func fits(_ name: Span<UInt8>) -> Bool {
            switch self {
            case .number: !name.isEmpty && name.indices.allSatisfy { (0x30...0x39).contains(name[$0]) }
            case .exact(let word): name.count == word.count && Self.ends(name, word)
            case .suffix(let word): name.count >= word.count && Self.ends(name, word)
            }
        }

        private static func ends(_ name: Span<UInt8>, _ word: [UInt8]) -> Bool {
            let start = name.count - word.count
            return word.indices.allSatisfy { name[start + $0] == word[$0] }
        }
    }

    private var patterns: [Pattern] = []
    /// From the inside out, a bit for each pattern.
    private var ways: [(way: [UInt32], change: Rewrite.URLAction)] = []
    /// The action for any other string that is a URL.
    private(set) var anyURL: Rewrite.URLAction?
    /// The patterns of members whose text an author has written, with everything below them.
    private(set) var authored: UInt32 = 0

    /// More than 32 different names would be a bug of the caller.
    init(_ rules: [JSONFieldRule]) {
        describes = rules.contains { if case .object = $0.change { true } else { false } }
        for rule in rules {
            guard !rule.path.isEmpty else {
                anyURL = anyURL ?? rule.change
                continue
            }
            guard !rule.isOfAuthor else {
                authored |= bit(Pattern(rule.path[0]))
                continue
            }
            ways.append((rule.path.reversed().map { bit(Pattern($0)) }, rule.change))
        }
    }

    private mutating func bit(_ pattern: Pattern) -> UInt32 {
        if let index = patterns.firstIndex(of: pattern) { return 1 << index }
        precondition(patterns.count < 32)
        patterns.append(pattern)
        return 1 << (patterns.count - 1)
    }

    /// Whether names have to be compared at all.
    var askForNames: Bool { !patterns.isEmpty }

    /// Whether a member may be left out, so that its name has to wait for its value.
    var canDrop: Bool {
        ways.contains { if case .drop = $0.change { true } else { false } }
    }

    /// Whether objects tell what their URLs lead to.
    let describes: Bool

    /// The patterns that `name` matches.
    func fitting(_ name: Span<UInt8>) -> UInt32 {
        var fitting: UInt32 = 0
        for index in patterns.indices where patterns[index].fits(name) { fitting |= 1 << index }
        return fitting
    }

    /// The action for a member, by the bits of the names of objects from the inside out.
    func change(_ names: some Sequence<UInt32>) -> Rewrite.URLAction? {
        ways.first { rule in
            var names = names.makeIterator()
            return rule.way.allSatisfy { wanted in names.next().map { $0 & wanted != 0 } ?? false }
        }?.change
    }
}
