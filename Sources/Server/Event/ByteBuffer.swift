internal import Glibc
internal import Hub

/// Bytes that are put together to be handed on as a whole: heads and lines of the log. One allocation for all of them; an Array of
/// bytes asks at every addition whether it is the only owner, and Strings cost more than the rest of a small answer.
@safe struct ByteBuffer: ~Copyable {
    private var memory: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// With room for `capacity` bytes before it has to grow.
    init(capacity: Int) {
        self.capacity = max(capacity, 32)
        unsafe memory = .allocate(capacity: self.capacity)
    }

    deinit {
        unsafe memory.deallocate()
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe memory[count] = byte
        count += 1
    }

    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let start = bytes.baseAddress else { return }
        reserve(bytes.count)
        unsafe (memory + count).update(from: start, count: bytes.count)
        count += bytes.count
    }

    mutating func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append($0) }
    }

    mutating func append(_ text: StaticString) {
        unsafe append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { unsafe append($0) }
    }

    mutating func append(decimal number: Int) {
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
        count += digits
    }

    /// Keeps the memory for what comes next.
    mutating func removeAll() {
        count = 0
    }

    /// The same, when there was a secret among the bytes.
    mutating func erase() {
        unsafe explicit_bzero(memory, count)
        count = 0
    }

    /// Removes the first `length` bytes.
    mutating func removeFirst(_ length: Int) {
        precondition(length <= count)
        count -= length
        if count > 0 { unsafe memmove(memory, memory + length, count) }
    }

    mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(more) }
    }

    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        unsafe body(UnsafeBufferPointer(start: memory, count: count))
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        capacity = max(2 * capacity, count + more)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        unsafe larger.update(from: memory, count: count)
        unsafe explicit_bzero(memory, count)
        unsafe memory.deallocate()
        unsafe memory = larger
    }
}

extension ByteBuffer {
    /// Each field as `name: value` with `end` after it.
    mutating func append(_ headers: Headers, end: StaticString) {
        reserve(headers.bytes.count + (2 + end.utf8CodeUnitCount) * headers.count)
        for index in headers.fields.indices {
            headers.withField(at: index) { name, value in
                append(name)
                append(": ")
                append(value)
                append(end)
            }
        }
    }
}
