import EventIO
import Glibc

/// What the modes of the files that the settings name allow other users.
struct FilePermissions {
    /// The facts about a file that count.
    struct Facts {
        /// As in `st_mode`, without the type.
        var mode: UInt32
        var owner: UInt32
        var group: UInt32
        /// Only this container sees it: mode and owner are set by the platform and protect nothing.
        var isMountedSecret = false
    }

    /// The user of the process.
    struct Reader {
        var user = geteuid()
        var groups: Set<UInt32> = [getegid()]
    }

    /// Files with secret content: key, token, `.env`, the state.
    let secrets: [String]
    /// Files that decide what the gateway does.
    let others: [String]

    init(_ settings: Settings) {
        let state = settings.access == .keys ? StateDirectory(settings.stateDirectory).databasePath : nil
        secrets =
            [
                settings.tlsKey, settings.tokenFile, settings.upstreamProxyFile, settings.signingKeyFile,
                settings.otlpHeadersFile, settings.peerSecret?.path, Provenance.dotEnvPath, state,
            ]
            .compactMap(\.self) + (settings.credentials?.filePaths ?? [])
        others = [
            settings.tlsCertificate, settings.config, settings.authorities, settings.clientAuthorities,
            settings.clientRevocationLists, settings.peerAuthorities,
        ].compactMap(\.self)
    }

    /// One line for each file that others can read or change and should not.
    var warnings: [String] {
        secrets.compactMap { Self.warning($0, isSecret: true) }
            + others.compactMap { Self.warning($0, isSecret: false) }
    }

    private static func warning(_ path: String, isSecret: Bool) -> String? {
        facts(path).flatMap { warning(path, $0, isSecret: isSecret, for: Reader()) }
    }

    /// Nil where nothing is wrong. The process's group may read a secret that belongs to another user, such as root: so a
    /// service gets a file that it cannot change.
    static func warning(_ path: String, _ facts: Facts, isSecret: Bool, for reader: Reader) -> String? {
        let mode = "mode \(String(facts.mode | 0o10000, radix: 8).suffix(4))"
        let isLent = facts.owner != reader.user && reader.groups.contains(facts.group)
        let isReadable = facts.mode & 0o004 != 0 || (facts.mode & 0o040 != 0 && !isLent)
        let isWritable = facts.mode & 0o002 != 0 || (isSecret && facts.mode & 0o020 != 0)
        if isWritable {
            let remedy = isSecret ? "600" : "o-w"
            return "Others can change \(path.shown) (\(mode)): chmod \(remedy) \(path.shown)"
        }
        guard isSecret, isReadable, !facts.isMountedSecret else { return nil }
        return "Others can read \(path.shown), which is secret (\(mode)): chmod 600 \(path.shown)"
    }

    private static func facts(_ path: String) -> Facts? {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Facts(
            mode: status.st_mode & 0o7777, owner: status.st_uid, group: status.st_gid,
            isMountedSecret: RealPath.of(path).map(isMountedSecret) ?? false)
    }

    /// Kubernetes puts a Secret's files into a directory such as `..2026_11_28`, and links to them; Swarm and Podman put them below
    /// `/run/secrets`. Both are readable by all users by default, in a file system that only the container has.
    static func isMountedSecret(_ realPath: String) -> Bool {
        realPath.hasPrefix("/run/secrets/") || realPath.split(separator: "/").contains { $0.hasPrefix("..") }
    }
}
