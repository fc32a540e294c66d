import Glibc
import HTTP
import Synchronization

/// The key of signed URLs, kept over restarts, where there is no Hub token to derive one from: a file of mode 0600 in the state
/// directory.
struct SigningKeyFile {
    /// The key that the process has read, for itself and the workers that it forks: later it may not be able to read it.
    private static let keptKey = Mutex<Secret?>(nil)
    static var kept: Secret? { keptKey.withLock { $0 } }
    static func keep(_ key: Secret?) { keptKey.withLock { $0 = key } }

    private let directory: StateDirectory
    private let name: String

    var path: String { "\(directory.path)/\(name)" }

    /// `name`: of the file; `session.key` is the key of sessions at the console, made in the same way.
    init(in directory: StateDirectory, name: String = "signing.key") {
        (self.directory, self.name) = (directory, name)
    }

    /// The key, made if it does not exist. Nil where the directory does not exist or is not safe, or the file cannot be read or made: signed
    /// URLs then end with the process.
    func readOrMake() -> Secret? {
        guard directory.fault == nil else { return nil }
        if let key = read() { return key }
        make()
        return read()
    }

    static let sessionKeyName = "session.key"

    /// The key of sessions at the console. Where the file cannot be read they end with this process.
    static func sessionKey(in directory: StateDirectory) -> Secret? {
        if let kept = SigningKeyFile(in: directory, name: sessionKeyName).read() { return kept }
        return try? Secret(Base62.random(43))
    }

    /// The existing key.
    func read() -> Secret? {
        guard case .bytes(let content) = SystemFiles.read(path), let key = try? Secret(file: content), key.count >= 32
        else { return nil }
        return key
    }

    /// Made under another name first: so no half key is ever read, and two processes that start at once both use the first one's. An existing key
    /// stays.
    func make() {
        var generator = SystemRandomNumberGenerator()
        // A random name, not the process's number: in a container that is the same at each start, also after one that was cut off here.
        let draft = "\(path).\(UInt64.random(in: 0...UInt64.max, using: &generator))"
        let descriptor = directory.makeFile(draft)
        guard descriptor >= 0 else { return }
        let text = Base64URL.encode((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }) + "\n"
        let bytes = Array(text.utf8)
        let isWritten = unsafe write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        if isWritten { _ = unsafe link(draft, path) }
        _ = unsafe unlink(draft)
    }
}
