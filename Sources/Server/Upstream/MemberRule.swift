/// Which members of a JSON text are rewritten, and how.
struct MemberRule: Sendable {
    /// The end of the way to the member: the names of objects from the outside in, arrays left out.
    /// A name is `*url` for all that end so, or `#` for a number.
    let path: [String]
    let change: Rewrite.Change

    init(_ path: String..., change: Rewrite.Change) {
        self.path = path
        self.change = change
    }

    /// Whether a member of this name could be meant.
    func fits(_ name: String) -> Bool {
        path.last.map { Self.fits(name, $0) } ?? false
    }

    func fits(_ way: some BidirectionalCollection<String>) -> Bool {
        way.count >= path.count && zip(way.suffix(path.count), path).allSatisfy { Self.fits($0, $1) }
    }

    private static func fits(_ name: String, _ pattern: String) -> Bool {
        if pattern == "#" { return !name.isEmpty && name.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        return pattern.hasPrefix("*") ? name.hasSuffix(pattern.dropFirst()) : name == pattern
    }
}
