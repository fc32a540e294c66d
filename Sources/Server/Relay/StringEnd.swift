/// Finds the end of a JSON string that comes in pieces.
struct StringEnd {
    /// The last piece ended after a backslash.
    private var isEscaped = false

    /// The index of the closing quote; nil if it is not in this piece. `start` is after the opening one, or the piece's beginning.
    mutating func find(in piece: Span<UInt8>, from start: Int) -> Int? {
        var index = start
        if isEscaped, index < piece.count {
            isEscaped = false
            index += 1
        }
        while index < piece.count {
            let byte = piece[index]
            if byte == UInt8(ascii: "\"") { return index }
            index += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        isEscaped = index > piece.count
        return nil
    }
}

extension Array<UInt8> {
    init(_ span: Span<UInt8>) {
        self.init()
        append(span)
    }

    mutating func append(_ span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
