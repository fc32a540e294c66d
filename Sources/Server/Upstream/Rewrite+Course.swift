internal import Hub

extension Rewrite {
    /// What becomes of an answer of the Hub's, or of Xet's server: with its fields rewritten, and by `rules` its JSON.
    func course(_ head: Transfer.Head, _ rules: [MemberRule]?) throws(Failure) -> Relay.Course {
        var head = head
        try apply(to: &head.headers)
        guard let rules, try RewrittenBodies.fits(head) else { return .pass(head) }
        return .rewrite(
            head, JSONRewriter(rules) { (url, change) throws(Failure) in try replacement(for: url, change) })
    }
}
