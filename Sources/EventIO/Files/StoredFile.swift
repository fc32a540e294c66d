import CEvent
import Glibc

/// A file that is read and written in bounded pieces on the loop's thread. It is closed when it is released.
///
/// Only functions that say so wait for the disk: reads take bytes that the page cache holds, and another process brings the others there.
@safe package final class StoredFile {
    package enum Access {
        case read
        case write
        /// Makes the file, of mode 0600, where there is none.
        case create
    }

    /// The result of a read.
    package enum Outcome {
        /// So many bytes; 0 at the file's end.
        case bytes(Int)
        /// Not in memory.
        case later
        /// The file system does not say whether it is in memory.
        case unknown
        case failed(FileError)
    }

    let descriptor: Int32

    /// What a path leads to, as far as the kernel has it in memory.
    package enum InMemory {
        case file(StoredFile)
        case absent
        /// Finding out would wait for the disk, or this kernel does not say.
        case unknown
    }

    package static func inMemory(_ path: String) -> InMemory {
        let found = unsafe ce_file_open_cached(path)
        if found >= 0 { return .file(StoredFile(owning: found)) }
        return errno == ENOENT ? .absent : .unknown
    }

    /// A file that another process has opened.
    init(owning descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Throws what the kernel says.
    package init(_ path: String, _ access: Access) throws(FileError) {
        let flags =
            switch access {
            // A pipe instead of a file must not block.
            case .read: O_RDONLY | O_NONBLOCK
            case .write: O_RDWR
            case .create: O_RDWR | O_CREAT
            }
        descriptor = unsafe open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0o600)
        guard descriptor >= 0 else { throw FileError() }
    }

    deinit {
        close(descriptor)
    }

    /// In bytes; nil where the kernel does not say.
    package var size: Int? {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Whether it is a file, and no directory, pipe or device.
    package var isRegular: Bool {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Whether `path` leads to this file.
    package func isAt(_ path: String) -> Bool {
        var (own, found) = (stat(), stat())
        return unsafe fstat(descriptor, &own) == 0 && lstat(path, &found) == 0
            && own.st_ino == found.st_ino && own.st_dev == found.st_dev
    }

    /// Exchanges the names of two files, in one step. False: this file system cannot, or one of them does not exist.
    package static func exchange(_ one: String, _ other: String) -> Bool { unsafe ce_file_exchange(one, other) }

    /// Sets its length in bytes; new bytes are 0 and take no room.
    package func resize(_ bytes: Int) throws(FileError) {
        guard ftruncate(descriptor, bytes) == 0 else { throw FileError() }
    }

    /// Bytes on the disk: of a sparse file, those that were written. Nil where the kernel does not say.
    package var diskBytes: Int? {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_blocks) * 512 : nil
    }

    /// Reads bytes that are in memory, and does not wait.
    package func read(into buffer: FileBuffer, at offset: Int, count: Int) -> Outcome {
        outcome(
            of: unsafe ce_file_read_now(descriptor, buffer.start, min(count, buffer.capacity), UInt64(offset)), buffer)
    }

    /// Reads, and waits for the disk.
    package func readWaiting(into buffer: FileBuffer, at offset: Int, count: Int) -> Outcome {
        outcome(of: unsafe ce_file_read(descriptor, buffer.start, min(count, buffer.capacity), UInt64(offset)), buffer)
    }

    private func outcome(of result: Int64, _ buffer: FileBuffer) -> Outcome {
        switch result {
        case Int64(CE_FILE_LATER): return .later
        case Int64(CE_FILE_UNKNOWN): return .unknown
        case Int64(CE_FILE_FAILED): return .failed(FileError())
        default:
            buffer.count = Int(result)
            return .bytes(buffer.count)
        }
    }

    /// Writes all of the bytes, into memory.
    package func write(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int) throws(FileError) {
        guard unsafe ce_file_write(descriptor, bytes.baseAddress, bytes.count, UInt64(offset)) else {
            throw FileError()
        }
    }

    /// The same.
    package func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
        let isWritten = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe ce_file_write(descriptor, bytes.baseAddress, bytes.count, UInt64(offset))
        }
        guard isWritten else { throw FileError() }
    }

    /// Makes the kernel begin to write these bytes to the disk.
    package func startWriting(at offset: Int, count: Int) {
        ce_file_start_writing(descriptor, UInt64(offset), count)
    }

    /// Claims numbers, which other processes see as long as this file is open here. False: another process has one of them.
    package func claim(_ numbers: Range<Int>) -> Bool {
        numbers.isEmpty || ce_file_claim(descriptor, UInt64(numbers.lowerBound), UInt64(numbers.count))
    }

    /// Claims a number that other processes may share. False: another process has claimed it for itself.
    package func share(_ number: Int) -> Bool { ce_file_share(descriptor, UInt64(number)) }

    package func release(_ numbers: Range<Int>) {
        guard !numbers.isEmpty else { return }
        ce_file_release(descriptor, UInt64(numbers.lowerBound), UInt64(numbers.count))
    }

    /// Whether another process has claimed one of them.
    package func isClaimedElsewhere(_ numbers: Range<Int>) -> Bool {
        ce_file_is_claimed(descriptor, UInt64(numbers.lowerBound), UInt64(numbers.count))
    }
}

/// Memory that files are read into, one after another.
@safe package final class FileBuffer {
    /// Its offset in a page. OpenSSL copies from here to 8 bytes after the beginning of a page, and on Zen processors a copy (`rep movsb`) whose
    /// destination is a little further in its page than its source takes twenty times as long.
    private static let offset = 1024

    package let capacity: Int
    private let memory: UnsafeMutableRawPointer
    let start: UnsafeMutablePointer<UInt8>
    /// How much the last read has brought.
    package internal(set) var count = 0

    package init(capacity: Int) {
        self.capacity = capacity
        unsafe memory = .allocate(byteCount: Self.offset + capacity, alignment: 4096)
        unsafe start = (memory + Self.offset).bindMemory(to: UInt8.self, capacity: capacity)
    }

    deinit {
        unsafe memory.deallocate()
    }

    /// Valid until the next read.
    package var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: start, count: count)
    }
}
