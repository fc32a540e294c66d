import EventIO
import Glibc
import HTTP

/// How many descriptors the process may have, and what that means for the number of clients.
enum DescriptorLimit {
    /// Descriptors of the program itself: its log, its files while they are read, the loop, the DNS sockets, the sandbox.
    private static let own = 32

    /// Raises the limit as far as the system allows this process.
    static func raise() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    static var current: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }

    /// For how many clients there is room in `limit` descriptors: at most `max_connections`, and so that calls to the Hub have theirs.
    static func clients(_ settings: Settings, of limit: Int) -> Int {
        let shared = max(2, limit - own)
        return max(1, min(settings.maxConnections, shared - min(settings.upstreamConnections, shared / 2)))
    }

    /// For how many calls to the Hub there is room beside the clients: at least `upstream_connections`, as far as the system has them, and at most one
    /// for each client.
    static func calls(_ settings: Settings, of limit: Int) -> Int {
        let working = min(settings.upstreamConnections, max(2, limit - own) / 2)
        return max(1, working, min(settings.maxConnections, limit - own - clients(settings, of: limit)))
    }

    /// A warning for the operator; nil when `limit` is enough.
    static func warning(_ settings: Settings, of limit: Int) -> String? {
        let needed = settings.maxConnections + settings.upstreamConnections + own
        guard limit < needed else { return nil }
        return "The limit of open files is \(limit), and max_connections \(settings.maxConnections) with "
            + "upstream_connections \(settings.upstreamConnections) needs \(needed): only "
            + "\(clients(settings, of: limit)) clients are connected at once, others wait. "
            + "Raise it (LimitNOFILE, ulimit -n), or lower these settings."
    }
}

/// The processors that this process may use.
enum Processors {
    /// As `workers = auto` counts them: the processors that the scheduler gives it, and no more than its control group has time for.
    static var count: Int {
        count(allowed: SystemProcessors.allowed, quota: quota)
    }

    /// `quota` is in processors, nil if there is none. A part of a processor counts as one: it keeps a worker busy as well.
    static func count(allowed: Int, quota: Double?) -> Int {
        let most = quota.map { max(1, Int($0.rounded(.up))) } ?? allowed
        return max(1, min(allowed, most))
    }

    /// The quota of the process's control group.
    private static var quota: Double? {
        guard case .bytes(let groups) = SystemFiles.read("/proc/self/cgroup"),
            let group = group(String(decoding: groups, as: UTF8.self)),
            case .bytes(let content) = SystemFiles.read("/sys/fs/cgroup\(group)/cpu.max")
        else { return nil }
        return quota(cpuMax: String(decoding: content, as: UTF8.self))
    }

    /// The path of the version 2 group in cgroups(7)'s /proc/PID/cgroup.
    static func group(_ groups: String) -> String? {
        groups.split(separator: "\n").first { $0.hasPrefix("0::/") }.map { String($0.dropFirst(3)) }
    }

    /// From the file cpu.max (Linux, cgroup-v2.rst): `QUOTA PERIOD` in microseconds, or `max PERIOD`.
    static func quota(cpuMax: String) -> Double? {
        let words = cpuMax.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]), quota > 0, period > 0
        else {
            return nil
        }
        return quota / period
    }
}
