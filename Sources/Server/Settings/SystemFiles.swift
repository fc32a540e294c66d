import Glibc

/// The real files, read at once: settings files are small, and nothing is served yet while they are read.
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
