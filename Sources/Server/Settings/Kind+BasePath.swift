extension Kind where Value == String {
    /// The path that stands before all others of the gateway's; empty for none.
    static var basePath: Kind {
        Kind(
            name: "/PATH",
            accepted: "a path of letters, digits, - and _ between single slashes, with no slash at its end",
            read: { (text) throws(Misfit) in
                guard text != "/" else { throw Misfit("is the root, which needs no base path; leave it out") }
                guard text.isEmpty || text.hasPrefix("/") else { throw Misfit("does not begin with a slash") }
                guard !text.hasSuffix("/") else { throw Misfit("ends with a slash") }
                guard text.utf8.count <= longest else { throw Misfit("is longer than \(longest) characters") }
                let segments = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
                // Nothing that two readers could write in two ways: no dots, no escapes, no query.
                guard segments.dropFirst().allSatisfy({ !$0.isEmpty && $0.allSatisfy(isPlain) }) else {
                    throw Misfit("has more than letters, digits, - and _ between single slashes")
                }
                guard !(text + "/").hasPrefix(Entrance.adminPrefix) else {
                    throw Misfit("begins with /-, where the gateway's own state is")
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
