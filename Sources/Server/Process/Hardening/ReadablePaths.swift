import Glibc

/// The files and directories that the process needs after its start.
///
/// A file that is replaced by renaming is another file: so the rule is on its directory, unless that is the root. Links lead to
/// other directories: so the directory of the file that a link leads to is added.
struct ReadablePaths: Equatable {
    /// What libcurl, OpenSSL, c-ares and libc read: authorities, resolv.conf, hosts, time zones, randomness.
    private static let system = [
        "/etc", "/usr/lib/ssl", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/share/zoneinfo",
        "/run/systemd/resolve", "/dev/urandom", "/dev/random",
    ]

    private(set) var paths: [String] = system

    /// With `process`, also the directories where the kernel tells the process about itself, and `directories`.
    init(
        _ settings: Settings?, process: String, beside: [String] = [], realPath: (String) -> String? = RealPath.of
    ) {
        paths.append(process)
        paths += beside
        add("/etc/resolv.conf", realPath)
        add("/etc/hosts", realPath)
        guard let settings else { return }
        let named = [
            settings.tlsCertificate, settings.tlsKey, settings.tokenFile, settings.upstreamProxyFile,
            settings.signingKeyFile, settings.otlpHeadersFile,
            settings.authorities, settings.peerSecret?.path, settings.peerAuthorities,
            settings.clientAuthorities, settings.clientRevocationLists,
            settings.config, Provenance.dotEnvPath,
        ]
        // Its files come and go: so the rule is on the directory itself.
        if let credentials = settings.credentials, let found = realPath(credentials.path), !paths.contains(found) {
            paths.append(found)
        }
        let keyFiles = settings.logins.rules.compactMap { rule in
            if case .file(let path, _) = rule.keySource { path } else { nil }
        }
        for path in named.compactMap(\.self) + keyFiles + SettingsReading.defaultPaths { add(path, realPath) }
    }

    private mutating func add(_ path: String, _ realPath: (String) -> String?) {
        let directory = Self.directory(of: path)
        // Resolved, since the working directory itself may be the root.
        for found in [realPath(directory), realPath(path).map(Self.directory)] {
            guard let found else { continue }
            let rule = found == "/" ? realPath(path) : found
            if let rule, !paths.contains(rule) { paths.append(rule) }
        }
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// A path without links.
enum RealPath {
    /// Absolute; nil where there is no file.
    static func of(_ path: String) -> String? {
        guard let found = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(found) }
        return unsafe String(cString: found)
    }
}
