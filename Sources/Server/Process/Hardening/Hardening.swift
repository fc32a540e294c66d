import EventIO

/// Gives up rights of the process once it has its address, its key and its log. It collects lines for the log about the result.
struct Hardening {
    private(set) var notices: [String] = []
    private(set) var warnings: [String] = []
    /// The TCP ports that connections may still go to; nil where the kernel's Landlock does not know ports.
    private var openPorts: Set<UInt16>?

    /// The first ABI of Landlock that knows TCP ports (Linux 6.7).
    private static let abiOfPorts = 4

    /// Becomes the user that the settings name. Throws where that is not possible: the gateway must not serve with root's rights by accident.
    mutating func dropPrivileges(_ settings: Settings) throws(CError) {
        makeCacheDirectory(settings)
        let user: ServiceUser
        do throws(ServiceUser.Fault) {
            user = try ServiceUser(settings.user)
        } catch {
            throw CError(error.description)
        }
        guard case .becomes(let account) = user else {
            if settings.user != nil, UserAccount.currentName == "root" {
                warnings.append("This runs as root, since user says so: a fault in it is worth the whole machine.")
            }
            return
        }
        if settings.access == .keys {
            StateDirectory(settings.stateDirectory).give(to: account.user, group: account.group)
        }
        if !settings.cacheDirectory.isEmpty {
            CacheDirectory(path: settings.cacheDirectory).give(to: account.user, group: account.group)
        }
        if !settings.auditDirectory.isEmpty {
            // Inside the state directory that user can make it, as the owner.
            let isInState = settings.auditDirectory.hasPrefix(settings.stateDirectory + "/")
            AuditDirectory(path: settings.auditDirectory).give(
                to: account.user, group: account.group, making: !isInState)
        }
        do throws(CError) {
            try account.become()
        } catch {
            throw CError(
                "user: root could not become \(account.name): \(error). Start it as that user, or set user to root "
                    + "to stay root")
        }
        notices.append(
            "Started as root, and runs as \(account.name) (uid \(account.user), gid \(account.group)) from here on.")
        try lookAtFiles(settings, for: account)
    }

    /// Makes the cache directory while that is still allowed: later this process makes none. Without it files are served, and not kept.
    private mutating func makeCacheDirectory(_ settings: Settings) {
        guard !settings.cacheDirectory.isEmpty else { return }
        do throws(FileError) {
            try CacheDirectory(path: settings.cacheDirectory).make()
        } catch {
            warnings.append(
                "cache_dir: \(settings.cacheDirectory.shown): \(error). Files are served without it; \(CacheDirectory.remedy)."
            )
        }
    }

    private mutating func lookAtFiles(_ settings: Settings, for account: UserAccount) throws(CError) {
        // Each connection to the Hub, or to a peer, reads this file.
        for (name, path) in [("ca_file", settings.authorities), ("peer_ca_file", settings.peerAuthorities)] {
            guard let path, let reason = FileAccess.denial(path) else { continue }
            throw CError("\(name): \(path.shown) cannot be read: \(reason)")
        }
        var read: [(String?, String?)] = [
            ("tls_cert", settings.tlsCertificate), ("tls_key", settings.tlsKey), ("token_file", settings.tokenFile),
            ("signing_key_file", settings.signingKeyFile), ("credentials_dir", settings.credentials?.path),
            ("upstream_proxy_file", settings.upstreamProxyFile), ("otlp_headers_file", settings.otlpHeadersFile),
            ("peer_secret_file", settings.peerSecret?.path), ("config", settings.config),
            (nil, Provenance.dotEnvPath),
        ]
        for rule in settings.logins.rules {
            if case .file(let path, _) = rule.keySource { read.append(("logins", path)) }
        }
        for path in settings.credentials?.filePaths ?? [] { read.append(("credentials_dir", path)) }
        for case (let name, let path?) in read {
            guard case let reason? = FileAccess.denial(path), SystemFiles.read(path) != .absent else { continue }
            let subject = name.map { "\($0): \(path.shown)" } ?? path
            warnings.append(
                "\(subject) was read as root; a reload will fail, since it cannot be read: \(reason). Give \(account.name) the right to read it: "
                    + "chgrp GROUP and chmod 640, of directories chmod 750, for a group that \(account.name) is in.")
        }
    }

    /// Takes from the process the system calls, files and ports that it does not need, if `settings.sandboxing` is on. If the kernel or
    /// the container does not support one of these, a warning says so.
    mutating func restrict(_ settings: Settings, site: SandboxSite?, as role: ProcessRestriction.Role) {
        // Children have no more rights than their parent, so the parent keeps those that the state process needs.
        let state = role == .supervisor && settings.access == .keys ? Self.written(settings) : []
        let written = state + (settings.cacheDirectory.isEmpty ? [] : [settings.cacheDirectory])
        restrict(
            settings.sandboxing, role,
            ReadablePaths(settings, process: role == .serving ? "/proc/self" : "/proc"), written: written,
            ports: Self.ports(settings) + (site?.ports ?? []))
    }

    /// The same for the state process, which makes no connections, and reads and writes only the state.
    mutating func restrictStateProcess(_ settings: Settings) {
        restrict(
            settings.sandboxing, .state, ReadablePaths(nil, process: "/proc/self"), written: Self.written(settings),
            ports: [])
    }

    /// The same for a helper process of the file cache: it makes no connections, reads only there, and writes only there or nowhere.
    mutating func restrictCacheProcess(_ settings: Settings, read: [String], written: [String]) {
        restrict(
            settings.sandboxing, .serving, ReadablePaths(nil, process: "/proc/self", beside: read), written: written,
            ports: [])
    }

    /// The directories of the state.
    private static func written(_ settings: Settings) -> [String] {
        [settings.stateDirectory] + (settings.auditDirectory.isEmpty ? [] : [settings.auditDirectory])
    }

    /// The TCP ports of all servers that are called: content hosts by https, and by name where they have a port of their own; name servers too,
    /// which are asked by TCP where a response does not fit into a datagram (RFC 7766).
    static func ports(_ settings: Settings) -> [UInt16] {
        let origins = settings.contentHosts.origins.compactMap { try? UpstreamAddress(reading: $0) }
        let issuers = settings.logins.rules.compactMap(\.calledAddress)
        let called =
            issuers + settings.peers.addresses.filter { $0 != settings.peerSelf } + [settings.upstream]
            + (settings.inferenceUpstream.map { [$0] } ?? []) + origins
        return [443, settings.nameServer?.port ?? 53] + called.map(\.port)
            + [settings.upstreamProxy?.port, settings.otlpEndpoint?.port].compactMap(\.self)
    }

    /// A line for the log where a reload needs a port that only a restart can open: Landlock's restrictions cannot be taken back.
    func portWarning(_ settings: Settings) -> String? {
        guard let openPorts else { return nil }
        let closed = Set(Self.ports(settings)).subtracting(openPorts).sorted().map(String.init)
        guard !closed.isEmpty else { return nil }
        return
            "content_hosts, logins, peers or upstream_proxy has ports that sandboxing has closed (\(closed.joined(separator: ", "))): "
            + "restart to use them."
    }

    /// The same for the sandbox's process, which makes no connections and reads none of our files.
    mutating func restrictSandbox() {
        restrict(true, .serving, ReadablePaths(nil, process: "/proc/self"), written: [], ports: [])
    }

    private mutating func restrict(
        _ isOn: Bool, _ role: ProcessRestriction.Role, _ readable: ReadablePaths, written: [String], ports: [UInt16]
    ) {
        guard isOn else {
            warnings.append("sandboxing is off: a fault in the gateway can do all that its user can.")
            return
        }
        var parts: [String] = []
        do throws(CError) {
            switch try ProcessRestriction.keep(paths: readable.paths, written: written, ports: ports) {
            case 0: warnings.append("Sandboxing: this kernel has no Landlock, so all files of its user stay readable.")
            case let abi:
                parts.append("Landlock (ABI \(abi))")
                if abi >= Self.abiOfPorts { openPorts = Set(ports) }
            }
        } catch {
            warnings.append("Sandboxing: \(error), so all files of its user stay readable.")
        }
        do throws(CError) {
            try ProcessRestriction.keepSystemCalls(of: role, childrenWrite: !written.isEmpty)
            parts.append("seccomp")
        } catch {
            warnings.append("Sandboxing: \(error), so all system calls stay allowed.")
        }
        if !parts.isEmpty { notices.append("Sandboxing: \(parts.joined(separator: ", ")).") }
    }
}

extension SandboxSite {
    /// The ports of its origins.
    fileprivate var ports: [UInt16] {
        [hub, cdn, cas].compactMap { $0.split(separator: ":").last.flatMap { UInt16($0) } }
    }
}
