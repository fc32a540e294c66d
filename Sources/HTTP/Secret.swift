import Glibc

/// A token. It never prints: describing, interpolating, dumping or mirroring it gives `***`. Its memory is cleared when
/// the last reference goes; copies elsewhere (the environment, a `reveal()`) are not cleared by it.
@safe
package final class Secret: @unchecked Sendable {
    /// Why bytes cannot be a token. It never contains them.
    package enum Flaw: Error, Equatable {
        case empty
        case tooLong
        case unprintable(position: Int)
    }

    package static let mask = "***"
    package static let longest = 4096

    // Written in `init` and cleared in `deinit` only, which is what makes the class safe to share.
    private let memory: UnsafeMutablePointer<UInt8>
    package let count: Int

    /// Takes printable ASCII without spaces: such a value cannot end a header line.
    package init(_ bytes: some Collection<UInt8>) throws(Flaw) {
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= Self.longest else { throw .tooLong }
        for (position, byte) in bytes.enumerated() where !(0x21...0x7e).contains(byte) {
            throw .unprintable(position: position + 1)
        }
        count = bytes.count
        unsafe memory = .allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { unsafe memory[index] = byte }
    }

    /// The content of a token file, without the line end that editors and `echo` leave.
    package convenience init(file bytes: [UInt8]) throws(Flaw) {
        var token = bytes[...]
        while let last = token.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { token.removeLast() }
        try self.init(token)
    }

    deinit {
        // The optimiser may drop an ordinary store before a free.
        unsafe explicit_bzero(memory, count)
        unsafe memory.deallocate()
    }

    package func withBytes<Answer, Fault: Error>(_ body: (Span<UInt8>) throws(Fault) -> Answer) throws(Fault) -> Answer
    {
        // Otherwise the last reference may go, and the memory with it, before `body` ends.
        defer { withExtendedLifetime(self) {} }
        return try unsafe body(UnsafeBufferPointer(start: memory, count: count).span)
    }

    /// Whether it begins with these characters, which are no secret.
    package func begins(with prefix: String) -> Bool {
        let prefix = Array(prefix.utf8)
        return withBytes { bytes in bytes.count >= prefix.count && prefix.indices.allSatisfy { bytes[$0] == prefix[$0] }
        }
    }

    /// The token in clear: for an `Authorization` field and nothing else.
    package func reveal() -> String {
        defer { withExtendedLifetime(self) {} }
        return unsafe String(decoding: UnsafeBufferPointer(start: memory, count: count), as: UTF8.self)
    }
}

extension Secret: Hashable {
    /// Takes the same time wherever the first difference is. The length is not hidden.
    package static func == (left: Secret, right: Secret) -> Bool {
        guard left.count == right.count else { return false }
        return left.withBytes { left in
            right.withBytes { right in
                left.indices.reduce(into: 0 as UInt8) { $0 |= left[$1] ^ right[$1] } == 0
            }
        }
    }
}

extension Secret {
    package func hash(into hasher: inout Hasher) {
        withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) } }
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { Self.mask }
    package var debugDescription: String { Self.mask }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Secret.Flaw: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "is empty"
        case .tooLong: "is longer than \(Secret.longest) characters"
        case .unprintable(let position): "has a blank or an unprintable character at position \(position)"
        }
    }
}
