/// The names of some fields, sorted so that each is found in a few steps, whatever names are looked for and however often: nothing is
/// copied or hashed, so no choice of names makes it slow.
struct FieldNames {
    private let bytes: [UInt8]
    private let fields: [Headers.Field]
    /// Indices of `fields`: shorter names first, those of one length by their bytes in lower case.
    private let order: [Int]

    init(of headers: Headers) {
        let (bytes, fields) = (headers.bytes, headers.fields)
        order = fields.indices.sorted {
            Self.order(bytes.span.extracting(fields[$0].name), bytes.span.extracting(fields[$1].name)) < 0
        }
        (self.bytes, self.fields) = (bytes, fields)
    }

    /// Marks the fields that have this name, by their indices.
    func mark(_ name: Span<UInt8>, in marked: inout [Bool]) {
        let all = bytes.span
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if Self.order(all.extracting(fields[order[middle]].name), name) < 0 {
                low = middle + 1
            } else {
                high = middle
            }
        }
        // A name that was looked for before has been marked, and so have the equal ones after it.
        while low < order.count, !marked[order[low]], Self.order(all.extracting(fields[order[low]].name), name) == 0 {
            marked[order[low]] = true
            low += 1
        }
    }

    /// Below 0: `one` comes first; 0: both are the same name.
    private static func order(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Int {
        guard one.count == other.count else { return one.count - other.count }
        for index in one.indices where one[index] != other[index] {
            let difference = Int(one[index].asciiLowercased) - Int(other[index].asciiLowercased)
            if difference != 0 { return difference }
        }
        return 0
    }
}
