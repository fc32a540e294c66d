import Glibc
package import HTTP

/// Bytes that are collected and then passed on as a whole: heads and lines of the log. One allocation for all of them; an Array of
/// bytes checks at every addition that it is the only owner, and Strings cost more than the rest of a small response.
@safe package struct ByteBuffer: ~Copyable {
    @usableFromInline var memory: UnsafeMutablePointer<UInt8>
    @usableFromInline var capacity: Int
    @usableFromInline var used = 0

    @inlinable package var count: Int { used }

    @inlinable package var isEmpty: Bool { used == 0 }

    /// With room for `capacity` bytes before it has to grow.
    @inlinable package init(capacity: Int) {
        self.capacity = max(capacity, 32)
        unsafe memory = Self.allocate(self.capacity)
    }

    deinit {
        unsafe free(memory)
    }

    /// `UnsafeMutablePointer.allocate` asks the allocator for an alignment, which takes it twice as long.
    @usableFromInline static func allocate(_ capacity: Int) -> UnsafeMutablePointer<UInt8> {
        guard let memory = unsafe malloc(capacity) else { preconditionFailure("no memory for \(capacity) bytes") }
        return unsafe memory.bindMemory(to: UInt8.self, capacity: capacity)
    }

    @inlinable
    @inline(__always)
    package mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe memory[count] = byte
        used += 1
    }

    @inlinable package mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let start = bytes.baseAddress else { return }
        reserve(bytes.count)
        unsafe (memory + count).update(from: start, count: bytes.count)
        used += bytes.count
    }

    @inlinable package mutating func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append($0) }
    }

    @inlinable package mutating func append(_ text: StaticString) {
        unsafe append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inlinable package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { unsafe append($0) }
    }

    package mutating func append(_ other: borrowing ByteBuffer) {
        reserve(other.count)
        unsafe (memory + count).update(from: other.memory, count: other.count)
        used += other.count
    }

    /// Eight hexadecimal digits.
    package mutating func append(hex number: UInt32) {
        reserve(8)
        for place in 0..<8 {
            let digit = UInt8(truncatingIfNeeded: number >> UInt32(28 - 4 * place)) & 15
            unsafe memory[count + place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        }
        used += 8
    }

    package mutating func append(decimal number: Int) {
        guard number >= 0 else { return append(String(number)) }
        reserve(20)
        var digits = 1
        var rest = number
        while rest > 9 {
            rest /= 10
            digits += 1
        }
        rest = number
        for place in stride(from: count + digits - 1, through: count, by: -1) {
            unsafe memory[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        used += digits
    }

    /// Keeps the memory for the next bytes.
    package mutating func removeAll() {
        used = 0
    }

    /// The same, for bytes that contained a secret.
    package mutating func erase() {
        unsafe explicit_bzero(memory, count)
        used = 0
    }

    /// Removes the first `length` bytes.
    package mutating func removeFirst(_ length: Int) {
        precondition(length <= count)
        used -= length
        if count > 0 { unsafe memmove(memory, memory + length, count) }
    }

    @inlinable package mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(more) }
    }

    package func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        unsafe body(UnsafeBufferPointer(start: memory, count: count))
    }

    @usableFromInline
    @inline(never)
    mutating func grow(_ more: Int) {
        capacity = max(2 * capacity, count + more)
        let larger = unsafe Self.allocate(capacity)
        unsafe larger.update(from: memory, count: count)
        unsafe explicit_bzero(memory, count)
        unsafe free(memory)
        unsafe memory = larger
    }
}

extension ByteBuffer {
    /// Each field as `name: value` with `end` after it.
    package mutating func append(_ headers: Headers, end: StaticString) {
        var length = 0
        for field in headers.fields {
            length += Int(field.nameLength) + Int(field.valueLength) + 2 + end.utf8CodeUnitCount
        }
        reserve(length)
        // There is room for all of them now: only one copy each is left for name and value.
        unsafe headers.bytes.withUnsafeBufferPointer { source in
            guard let source = source.baseAddress else { return }
            for field in headers.fields {
                unsafe put(source + Int(field.nameStart), Int(field.nameLength))
                put(UInt8(ascii: ":"))
                put(UInt8(ascii: " "))
                unsafe put(source + Int(field.valueStart), Int(field.valueLength))
                for index in 0..<end.utf8CodeUnitCount { unsafe put(end.utf8Start[index]) }
            }
        }
    }

    /// How a member of a JSON object begins: `,"name":`, without the comma if it is the first.
    package mutating func append(member name: StaticString, isFirst: Bool) {
        reserve(name.utf8CodeUnitCount + 4)
        if !isFirst { put(UInt8(ascii: ",")) }
        put(UInt8(ascii: "\""))
        unsafe put(name.utf8Start, name.utf8CodeUnitCount)
        put(UInt8(ascii: "\""))
        put(UInt8(ascii: ":"))
    }

    /// Text without characters to escape, as a JSON string.
    package mutating func append(quoted text: String) {
        let bytes = text.utf8.span
        reserve(bytes.count + 2)
        put(UInt8(ascii: "\""))
        unsafe bytes.withUnsafeBufferPointer { bytes in
            if let start = bytes.baseAddress { unsafe put(start, bytes.count) }
        }
        put(UInt8(ascii: "\""))
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        unsafe memory[count] = byte
        used += 1
    }

    @inline(__always)
    private mutating func put(_ bytes: UnsafePointer<UInt8>, _ length: Int) {
        unsafe (memory + count).update(from: bytes, count: length)
        used += length
    }
}
