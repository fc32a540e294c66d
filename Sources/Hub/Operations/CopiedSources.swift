import HTTP

/// The sources in a batch for a bucket: lines of JSON, in which `copyFile` copies a file of another repository.
enum CopiedSources {
    /// The most lines with a source; a client has to divide a longer batch.
    private static let mostLines = 1000
    private static let mostSources = 64
    private static let limits = JSONLimits(bytes: 64 << 10, depth: 4, values: 64)
    private static let lines = CaselessWords(["application/x-ndjson"])

    static func needs(_ headers: Headers, _ bytes: [UInt8]) throws(Failure) -> [HubNeed] {
        guard bytes.count <= JudgedBody.longest else { throw .tooLargeToJudge(limit: JudgedBody.longest) }
        guard headers.values(of: "Content-Type").count == 1, headers.isMediaType(among: lines, suffix: "\u{0}") == true,
            !headers.contains("Content-Encoding"), JudgedBody.isUTF8(headers["Content-Type"] ?? "")
        else { throw .unsupportedMediaType(accepted: "application/x-ndjson in UTF-8, not compressed") }
        var found: [HubNeed] = []
        var seen: Set<String> = []
        var (count, index) = (0, 0)
        while let line = lineWithSource(bytes.span, from: index) {
            index = line.upperBound
            count += 1
            guard count <= mostLines else {
                throw .badRequest("The batch copies more than \(mostLines) files: send several.")
            }
            guard let need = try need(Array(bytes[line])), seen.insert(need.resource.description).inserted else {
                continue
            }
            found.append(need)
            guard found.count <= mostSources else {
                throw .badRequest("The batch copies from more than \(mostSources) repositories: send several.")
            }
        }
        return found
    }

    /// The next line that may have a source, from the beginning of a line or its end on. In one pass: a body can have as many lines as
    /// bytes. Escapes can hide a name only where there is a backslash.
    private static func lineWithSource(_ bytes: Span<UInt8>, from first: Int) -> Range<Int>? {
        var (start, index) = (first, first)
        while index < bytes.count {
            let byte = bytes[index]
            if isLineEnd(byte) {
                start = index + 1
            } else if byte == UInt8(ascii: "\\")
                // "sourceRepo": its capital letter is rare.
                || (byte == UInt8(ascii: "R") && index > start && bytes[index - 1] == UInt8(ascii: "e"))
            {
                var end = index
                while end < bytes.count, !isLineEnd(bytes[end]) { end += 1 }
                return start..<end
            }
            index += 1
        }
        return nil
    }

    private static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    private static func need(_ line: [UInt8]) throws(Failure) -> HubNeed? {
        guard case .object(let members) = try JSON.parse(line, within: limits) else {
            throw .badRequest("Each line of the body must be a JSON object.")
        }
        guard let source = members["sourceRepoId"], source != .null else { return nil }
        guard let text = source.stringValue else {
            throw .badField("sourceRepoId", "must be a string, was \(source.kindName)")
        }
        let kind = members["sourceRepoType"]?.stringValue.flatMap { ResourceKind(name: $0) }
        guard let kind else { throw .badField("sourceRepoType", "must be a kind of repository, as in \"bucket\"") }
        return HubNeed(.read, HubResource(kind: kind, ownedBy: try RepoID(text, field: "sourceRepoId")))
    }
}

extension Failure {
    /// A body whose content decides what the request may do is too large; `limit` in bytes.
    package static func tooLargeToJudge(limit: Int) -> Failure {
        Failure(
            .payloadTooLarge,
            detail:
                "The body says what this request does, and is read up to \(limit) bytes for that; send less at once.")
    }
}
