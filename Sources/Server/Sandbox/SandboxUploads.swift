/// LFS objects that are being uploaded in parts.
struct SandboxUploads {
    struct Upload: Sendable {
        let serial: String
        let oid: String
        let size: Int
        let begun: Int64
        var parts: [Int: (content: [UInt8], etag: String)] = [:]

        var partCount: Int { (size + SandboxUploads.partBytes - 1) / SandboxUploads.partBytes }
        var content: [UInt8] { parts.sorted { $0.key < $1.key }.flatMap(\.value.content) }
    }

    /// Larger objects come in parts, each of this size but the last.
    static let partBytes = 5 << 20
    static let most = 100

    private(set) var heldBytes = 0
    /// How many there were ever: two of the same object are two.
    private(set) var count = 0
    private var begun: [String: Upload] = [:]

    subscript(_ name: String) -> Upload? { begun[name] }

    /// Forgets those whose URLs have expired, and if there is no room still the oldest.
    mutating func begin(_ name: String, _ upload: Upload, life: Int64) {
        for (old, other) in begun where upload.begun - other.begun > life { end(old) }
        if begun[name] == nil, begun.count >= Self.most, let oldest = begun.min(by: { $0.value.begun < $1.value.begun })
        {
            end(oldest.key)
        }
        end(name)
        count += 1
        begun[name] = upload
    }

    /// Keeps a part, in the place of one that came before. False if there is no such upload or part.
    mutating func put(_ content: [UInt8], etag: String, as number: Int, of name: String) -> Bool {
        guard let upload = begun[name], (1...max(1, upload.partCount)).contains(number), content.count <= Self.partBytes
        else {
            return false
        }
        heldBytes += content.count - (upload.parts[number]?.content.count ?? 0)
        begun[name]?.parts[number] = (content, etag)
        return true
    }

    mutating func end(_ name: String) {
        heldBytes -= begun.removeValue(forKey: name)?.parts.values.reduce(0) { $0 + $1.content.count } ?? 0
    }
}
