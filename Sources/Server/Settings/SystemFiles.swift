import EventIO
import Glibc
import HTTP

/// Real files, read synchronously: settings files are small, and no client is served yet while they are read.
enum SystemFiles {
    static let longest = 1 << 20

    static func read(_ path: String) -> FileContent {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            return errno == ENOENT || errno == ENOTDIR ? .absent : .failed(FileAccess.reason(errno, path))
        }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        // The file may hold the token. Freed memory of this size may not be used again for long.
        defer {
            unsafe buffer.withUnsafeMutableBytes { memory in
                if let start = memory.baseAddress { unsafe explicit_bzero(start, memory.count) }
            }
        }
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .failed(FileAccess.reason(errno, path)) }
            guard count > 0 else { return .bytes(content) }
            content += buffer[..<count]
            guard content.count <= longest else { return .failed("it is longer than \(longest) bytes") }
        }
    }
}

extension SystemFiles {
    /// The names in a directory, without hidden ones; nil where it cannot be read.
    static func list(_ path: String) -> [String]? {
        guard let directory = unsafe opendir(path) else { return nil }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}

/// Whether this process can read a file with its user's rights.
enum FileAccess {
    /// Why not, in words for an operator; nil if it can.
    static func denial(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor < 0 else {
            close(descriptor)
            return nil
        }
        return reason(errno, path)
    }

    /// The meaning of `number`, the system's error for opening `path` to read it.
    static func reason(_ number: Int32, _ path: String) -> String {
        guard number == EACCES else { return SystemError.text(number) }
        // The user's rights are enough, so Landlock refuses.
        if unsafe access(path, R_OK) == 0 {
            return "it is in no directory that the settings named at the start, and sandboxing has closed all others; "
                + "restart to use it"
        }
        return "Permission denied for the user \(UserAccount.currentName)"
    }
}

/// The result of reading a file. Settings are read through a closure that returns this, so that tests need no files.
enum FileContent: Equatable, Sendable {
    case bytes([UInt8])
    case absent
    case failed(String)
}

typealias FileReader = (_ path: String) -> FileContent
/// The names in a directory; nil where it cannot be read.
typealias DirectoryReader = (_ path: String) -> [String]?
