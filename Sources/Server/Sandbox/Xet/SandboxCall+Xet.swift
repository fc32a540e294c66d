import Hub

extension SandboxCall {
    /// The token's. Throws 401 without one, 403 for a read token where a write token is wanted.
    func grant(_ scope: SandboxXetGrant.Scope) throws(SandboxRefusal) -> SandboxXetGrant {
        guard let grant else { throw .noXetToken }
        guard scope == .read || grant.scope == .write else {
            throw SandboxRefusal(status: .forbidden, message: "This takes a write token of Xet")
        }
        return grant
    }

    /// The hash in the path. Throws 400 for what is none.
    func xetHash() throws(SandboxRefusal) -> String {
        guard let hash = captured["hash"], SandboxXetFile.isHash(hash) else {
            throw .badRequest("A hash of Xet has 64 hexadecimal digits in lower case")
        }
        return hash
    }

    /// Which of `count` bytes are wanted: what Range says, or all. Throws 416 if it begins behind the last.
    func range(of count: Int) throws(SandboxRefusal) -> Range<Int> {
        guard count > 0 else { throw .noSuchXetThing }
        guard let field = request.headers["Range"] else { return 0..<count }
        let ends = field.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
        guard field.hasPrefix("bytes="), ends.count == 2, let first = Int(ends[0]), first >= 0,
            let last = ends[1].isEmpty ? count - 1 : Int(ends[1])
        else { throw .badRequest("The range is malformed") }
        guard first < count, first <= last else {
            throw SandboxRefusal(
                status: .rangeNotSatisfiable, message: "The range begins behind the end of the file",
                headers: ["Content-Range": "bytes */\(count)"])
        }
        return first..<min(last, count - 1) + 1
    }
}

extension SandboxRefusal {
    static var noXetToken: Self {
        Self(
            status: .unauthorized, message: "A token of Xet is wanted, and one of the Hub is none",
            headers: ["WWW-Authenticate": "Bearer"])
    }

    static var noSuchXetThing: Self { Self(status: .notFound, message: "No such file, chunk or xorb") }
}
