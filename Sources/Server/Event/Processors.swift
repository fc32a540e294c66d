internal import CEvent

/// The processors that this process may use.
enum Processors {
    /// As `workers = auto` counts them: those that the scheduler gives it, and no more than its control group has time for.
    static var count: Int {
        count(allowed: Int(ce_processors()), quota: quota)
    }

    /// `quota` is in processors, nil if there is none. A part of a processor counts as one: it keeps a worker busy too.
    static func count(allowed: Int, quota: Double?) -> Int {
        let most = quota.map { max(1, Int($0.rounded(.up))) } ?? allowed
        return max(1, min(allowed, most))
    }

    /// Of the control group that the process is in.
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

    /// Of the file cpu.max (Linux, cgroup-v2.rst): `QUOTA PERIOD` in microseconds, or `max PERIOD`.
    static func quota(cpuMax: String) -> Double? {
        let words = cpuMax.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]), quota > 0, period > 0
        else {
            return nil
        }
        return quota / period
    }
}
