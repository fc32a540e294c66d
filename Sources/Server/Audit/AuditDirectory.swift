import EventIO
import Glibc

/// Where the audit is: a directory of mode 0700 with its files, of mode 0600.
struct AuditDirectory: Sendable {
    /// One file: `audit-000017-2026-11-29.jsonl`. The numbers go up by one, so that none can be missing unseen.
    struct File: Equatable, Sendable {
        let serial: Int
        /// The UTC day on which it was begun.
        let day: String

        var name: String {
            "audit-\(String(repeating: "0", count: max(0, 6 - "\(serial)".count)))\(serial)-\(day).jsonl"
        }

        init(serial: Int, day: String) {
            (self.serial, self.day) = (serial, day)
        }

        /// Nil for any other name.
        init?(name: String) {
            let parts = name.split(separator: "-", maxSplits: 2)
            guard parts.count == 3, parts[0] == "audit", parts[2].hasSuffix(".jsonl"), let serial = Int(parts[1]),
                (0..<1_000_000_000).contains(serial)
            else { return nil }
            self.init(serial: serial, day: String(parts[2].dropLast(6)))
            guard self.name == name else { return nil }
        }
    }

    let path: String

    /// What is wrong with it, as far as that can be seen from outside; nil where nothing is, or it is not there yet.
    var fault: String? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return StateDirectory(path).fault
    }

    /// Makes it where it is not there.
    func make() throws(AuditError) {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        throw AuditError("the directory \(path.shown) cannot be made: \(SystemError.text(errno))")
    }

    /// As root, gives it to the user that the gateway is about to become. `making`: makes it first, since that user may not be able to.
    func give(to user: UInt32, group: UInt32, making: Bool) {
        if making { _ = unsafe mkdir(path, 0o700) }
        OwnDirectory.give(path, to: user, group: group, isOurs: Self.isOurs)
    }

    /// Its files in the order of their numbers. Throws where the directory cannot be read.
    func files() throws(AuditError) -> [File] {
        guard let names = SystemFiles.list(path) else {
            if errno == ENOENT { throw noAudit }
            throw AuditError("the directory \(path.shown) cannot be read: \(SystemError.text(errno))")
        }
        return names.compactMap { File(name: $0) }.sorted { $0.serial < $1.serial }
    }

    /// The directory is empty, or missing.
    var noAudit: AuditError {
        AuditError(
            "there is no audit yet in \(path.shown): a gateway with access = keys begins it at its start")
    }

    func path(of file: File) -> String { path + "/" + file.name }

    /// Whether a file of this name belongs in the directory.
    static func isOurs(_ name: String) -> Bool {
        name == "audit.lock" || File(name: name) != nil || name.hasPrefix("torn-") && name.hasSuffix(".part")
    }
}

/// Why the audit cannot be read or written, as a sentence without a full stop.
struct AuditError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
