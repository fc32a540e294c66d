import HTTP

/// How many tokens a request of a model may take, before it is asked.
package enum TokenEstimate {
    /// Of an answer, where the client does not say how long it may be.
    package static let usualAnswer: Int64 = 4096
    /// Of an image or another file in a prompt, whatever its length.
    private static let file: Int64 = 4096
    private static let mostAnswers: Int64 = 128
    private static let mostAnswer: Int64 = 1 << 32

    /// At most so many: no text has more tokens than bytes, and no answer more than the client lets it. A body that is not here counts a
    /// token for four of its `length` bytes, as most of a body that is long is files.
    package static func most(_ body: [UInt8]?, length: UInt64?) -> Int64 {
        guard let body else { return min(Int64(clamping: (length ?? 1 << 20) / 4), mostAnswer) + usualAnswer }
        var scanner = JSONMemberScanner(["max_tokens", "max_completion_tokens", "max_output_tokens", "n"])
        scanner.take(body.span)
        let answer = ["max_tokens", "max_completion_tokens", "max_output_tokens"].compactMap { scanner.integer($0) }
            .max().map { min(max($0, 0), mostAnswer) }
        let answers = min(max(scanner.integer("n") ?? 1, 1), mostAnswers)
        return prompt(body) + (answer ?? usualAnswer) * answers
    }

    /// All bytes but those of files: strings that begin with `data:`, a media type that is no text and `;base64,` (RFC 2397). Else a prompt that begins so
    /// would be taken for a file.
    private static func prompt(_ body: [UInt8]) -> Int64 {
        let begin = Array("\"data:".utf8)
        var count = Int64(body.count)
        var position = 0
        while position + begin.count <= body.count {
            guard body[position] == begin[0], body[position..<position + begin.count].elementsEqual(begin) else {
                position += 1
                continue
            }
            let end = body[(position + 1)...].firstIndex(of: begin[0]) ?? body.count
            if isFile(body[(position + begin.count)..<end]) { count += min(0, file - Int64(end - position)) }
            position = end + 1
        }
        return max(count, 0)
    }

    private static let longestMediaType = 128

    /// What stands behind `data:`. A text would be read as one, in Base64 too.
    private static func isFile(_ data: ArraySlice<UInt8>) -> Bool {
        let base64 = Array(";base64,".utf8)
        guard let comma = data.prefix(longestMediaType).firstIndex(of: UInt8(ascii: ",")) else { return false }
        let head = data[...comma]
        guard head.suffix(base64.count).elementsEqual(base64),
            ["image/", "audio/", "video/", "application/pdf"].contains(where: { head.starts(with: $0.utf8) })
        else { return false }
        return data[(comma + 1)...].allSatisfy { $0.isASCIIAlphanumeric || "+/=".utf8.contains($0) }
    }
}
