import Hub

/// What a JSON object tells about the target of its URLs, until the object ends.
struct DescribedObject {
    /// How many objects and arrays are open at its members.
    let depth: Int
    private var oid: String?
    private var size: Int?
    /// A member came twice, and readers differ in which one counts.
    private var isTwofold = false

    init(depth: Int) {
        self.depth = depth
    }

    mutating func name(_ oid: String) {
        isTwofold = isTwofold || self.oid != nil
        self.oid = oid
    }

    mutating func measure(_ size: Int) {
        isTwofold = isTwofold || self.size != nil
        self.size = size
    }

    var object: StoredObject? {
        guard let oid, let size, !isTwofold else { return nil }
        return StoredObject(oid: oid, size: size)
    }
}

/// A URL whose target is not known yet: members of JSON come in any order. The URL and the text after it wait for the end of their object.
struct WaitingURL {
    let url: String
    /// The depth of the object, as in `DescribedObject`.
    let depth: Int
    /// The text after it, from earlier pieces.
    private(set) var text: [UInt8] = []
    /// Its index in the output of the piece.
    private(set) var place = 0
    /// Its string has just been read.
    private(set) var isNew = true

    init(_ url: String, depth: Int) {
        (self.url, self.depth) = (url, depth)
    }

    mutating func begins(at place: Int) {
        (self.place, isNew) = (place, false)
    }

    fileprivate mutating func take() -> [UInt8] {
        defer { text = [] }
        return text
    }

    /// Keeps the text after it for later; returns the output.
    fileprivate mutating func keep(_ output: [UInt8]) -> [UInt8] {
        defer { place = 0 }
        text = Array(output[place...])
        return Array(output[..<place])
    }
}

extension Optional<WaitingURL> {
    mutating func takeText() -> [UInt8]? { self?.take() }

    /// The output of a piece.
    mutating func withhold(_ output: [UInt8]) -> [UInt8] { self?.keep(output) ?? output }
}

extension JSONRewriter {
    /// The most bytes that may follow a URL before its object ends. Beyond that it does not wait.
    static let mostAfterURL = 4 << 10
    /// Digits of a size that is one.
    private static let mostDigits = 18
    /// The URLs of an object may be so much deeper: `{"actions":{"download":{"href":…}}}`.
    private static let depthOfURLs = 2

    /// Notes what the present object tells about itself.
    mutating func describe(_ note: (inout DescribedObject) -> Void) {
        var object = DescribedObject(depth: frames.count)
        if let described, described.depth == object.depth { object = described }
        note(&object)
        described = object
    }

    /// Another part of a number that is a size. A text that is no size is ignored.
    mutating func addToSize(_ part: Span<UInt8>, isWhole: Bool) {
        text.append(part.extracting(first: min(part.count, Self.mostDigits + 1 - text.count)))
        guard isWhole else { return }
        let digits = text
        (isSize, text) = (false, [])
        guard digits.count <= Self.mostDigits, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.count == 1 || digits.first != 0x30, let size = Int(String(decoding: digits, as: UTF8.self))
        else { return describe { $0.measure(0) } }
        describe { $0.measure(size) }
    }

    /// The replacement for a URL in an object; nil where it waits for the rest of the object, or stays.
    mutating func replacement(ofObject url: String) throws(Failure) -> String? {
        let depth = frames.count - Self.depthOfURLs
        if described?.depth == depth, let object = described?.object { return try replace(url, .object(object)) }
        guard waiting == nil else { return try replace(url, .object(nil)) }
        waiting = WaitingURL(url, depth: depth)
        return nil
    }

    /// An object or array ends at `index`.
    mutating func endObject(_ piece: Span<UInt8>, _ index: Int) throws(Failure) {
        if waiting?.depth == frames.count {
            pass(piece, to: index)
            try endWaiting(isWhole: true)
        }
        if described?.depth == frames.count { described = nil }
    }

    /// Lets the waiting URL out. `isWhole`: its object has been read.
    mutating func endWaiting(isWhole: Bool) throws(Failure) {
        guard let ended = waiting.take() else { return }
        let object = isWhole && described?.depth == ended.depth ? described?.object : nil
        var quoted: [UInt8] = []
        JSON.append(quoted: try replace(ended.url, .object(object)) ?? ended.url, to: &quoted)
        output.insert(contentsOf: quoted, at: ended.place)
    }

    /// The output of a piece, without the part that waits.
    mutating func withoutWaiting() throws(Failure) -> [UInt8] {
        if let waiting, output.count - waiting.place > Self.mostAfterURL { try endWaiting(isWhole: false) }
        return waiting.withhold(output)
    }
}
