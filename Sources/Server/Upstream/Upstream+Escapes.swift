internal import Hub

extension Upstream {
    /// Looks at a head that is about to go out. `gateway` is this gateway's address, as the client knows it.
    /// Throws `hubBroken` with `strict_escape`.
    func check(_ headers: Headers, gateway: String) throws(Failure) {
        guard let escape = detector.escape(in: headers, gateway: gateway) else { return }
        try found(escape)
    }

    /// Looks in the same way at JSON as it goes by; what is found there counts once.
    func scanner(gateway: String) -> URLScanner {
        var isFound = false
        return URLScanner { (url) throws(Failure) in
            guard !isFound, let host = self.detector.host(in: url, gateway: gateway) else { return }
            isFound = true
            try self.found(Escape(place: .body, host: host))
        }
    }

    private func found(_ escape: Escape) throws(Failure) {
        escapes.note(escape)
        if isStrict { throw .escape(to: escape.host, in: escape.place.words) }
    }
}
