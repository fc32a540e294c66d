import EventIO
import HTTP
import Hub

/// Finds the URLs in a JSON text that comes in pieces: each string, name or value, that is a URL and nothing else.
struct URLScanner {
    /// How much of a string is kept, in bytes as written: a URL has its host at its beginning.
    private static let longest = 4096

    private let see: (String) throws(Failure) -> Void
    private var string = StringEnd()
    private var isInString = false
    /// A string that began in an earlier piece, as written.
    private var text: [UInt8] = []

    /// `see` is called for each URL.
    init(see: @escaping (String) throws(Failure) -> Void) {
        self.see = see
    }

    /// Throws what `see` throws.
    mutating func scan(_ piece: Span<UInt8>) throws(Failure) {
        var index = 0
        while index < piece.count {
            if !isInString {
                while index < piece.count, piece[index] != UInt8(ascii: "\"") { index += 1 }
                guard index < piece.count else { return }
                isInString = true
                index += 1
            }
            let end = string.find(in: piece, from: index)
            try keep(piece.extracting(index..<(end ?? piece.count)), isLast: end != nil)
            guard let end else { return }
            isInString = false
            index = end + 1
        }
    }

    /// A part of a string; most strings are in one piece and are no URLs, and are not copied.
    private mutating func keep(_ part: Span<UInt8>, isLast: Bool) throws(Failure) {
        if text.isEmpty, isLast {
            if URLText.mayBe(part) { try look(at: Array(part.extracting(first: min(part.count, Self.longest)))) }
            return
        }
        text.append(part.extracting(first: min(part.count, Self.longest - text.count)))
        guard isLast else { return }
        if URLText.mayBe(text.span) { try look(at: text) }
        text.removeAll(keepingCapacity: true)
    }

    /// Some programs write `\/` for a slash, or letters as numbers.
    private func look(at raw: [UInt8]) throws(Failure) {
        let isEscaped = raw.contains(UInt8(ascii: "\\"))
        let url = (isEscaped ? JSON.unescaped(raw[...]) : nil) ?? String(decoding: raw, as: UTF8.self)
        if URLText.isWhole(url) { try see(url) }
    }
}
