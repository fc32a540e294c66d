import HTTP

/// The bytes of a prompt that a model reads as text: all of a body except files, which are strings that begin with `data:`, a media type that is no text
/// and `;base64,` (RFC 2397). A string that only begins like that is text, so that no prompt is taken as a file.
struct PromptLength {
    private enum State {
        /// So many bytes of `begin` were read.
        case text(Int)
        /// After `data:`, before the comma.
        case mediaType
        /// A string that may be a file until a byte shows that it is none.
        case data
        /// A string that is no file.
        case other
    }

    private static let begin = Array("\"data:".utf8)
    private static let base64 = Array(";base64,".utf8)
    private static let fileTypes = ["image/", "audio/", "video/", "application/pdf"].map { Array($0.utf8) }
    private static let longestMediaType = 128
    /// The most that an image or another file counts, whatever its length.
    private static let file: Int64 = 4096

    private var count: Int64 = 0
    private var state = State.text(0)
    /// The length of a string that may be a file, from its quotation mark on.
    private var length: Int64 = 0
    private var mediaType: [UInt8] = []

    mutating func take(_ bytes: Span<UInt8>) {
        count += Int64(bytes.count)
        for index in bytes.indices { take(bytes[index]) }
    }

    /// The bytes of what has passed.
    var bytes: Int64 {
        // A string without an end counts all the same.
        if case .data = state { return max(0, count + saved) }
        return max(0, count)
    }

    private var saved: Int64 { min(0, Self.file - length) }

    private mutating func take(_ byte: UInt8) {
        if case .text(let matched) = state { return look(byte, matched) }
        guard byte != UInt8(ascii: "\"") else {
            if case .data = state { count += saved }
            state = .text(0)
            return
        }
        length += 1
        switch state {
        case .mediaType:
            mediaType.append(byte)
            if byte == UInt8(ascii: ",") {
                state = isFileType ? .data : .other
            } else if mediaType.count >= Self.longestMediaType {
                state = .other
            }
        case .data: if !Self.isBase64(byte) { state = .other }
        case .text, .other: break
        }
    }

    private mutating func look(_ byte: UInt8, _ matched: Int) {
        guard byte == Self.begin[matched] else {
            let begins = byte == Self.begin[0] ? 1 : 0
            if begins != matched { state = .text(begins) }
            return
        }
        guard matched + 1 == Self.begin.count else {
            state = .text(matched + 1)
            return
        }
        state = .mediaType
        length = Int64(Self.begin.count)
        mediaType.removeAll(keepingCapacity: true)
    }

    private var isFileType: Bool {
        mediaType.suffix(Self.base64.count).elementsEqual(Self.base64)
            && Self.fileTypes.contains { mediaType.starts(with: $0) }
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        byte.isASCIIAlphanumeric || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "=")
    }
}
