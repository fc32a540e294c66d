internal import Glibc

/// Tells the service manager how the program fares: sd_notify(3), which is a datagram to the socket that it names.
@EventLoop
final class Notify {
    private let address: [UInt8]
    private let watchdogMilliseconds: UInt64?
    private var descriptor: Int32 = -1
    private lazy var watchdog = Timer { self.feedWatchdog() }

    /// Without NOTIFY_SOCKET nothing is said.
    init(_ environment: [String: String]) {
        address = Self.address(environment["NOTIFY_SOCKET"] ?? "")
        let isForUs = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        let microseconds = isForUs ? environment["WATCHDOG_USEC"].flatMap(UInt64.init) : nil
        // Twice as often as asked for, as sd_watchdog_enabled(3) advises.
        watchdogMilliseconds = microseconds.map { max(1, $0 / 2000) }
        guard !address.isEmpty else { return }
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func ready(_ status: String) {
        send("READY=1\nSTATUS=\(status)")
        feedWatchdog()
    }

    func reloading() {
        send("RELOADING=1\nMONOTONIC_USEC=\(Moment.now.microseconds)\nSTATUS=Reloading")
    }

    func stopping(_ status: String) {
        send("STOPPING=1\nSTATUS=\(status)")
    }

    /// From a timer of the loop: what it proves is that the loop turns.
    private func feedWatchdog() {
        guard descriptor >= 0, let watchdogMilliseconds else { return }
        send("WATCHDOG=1")
        watchdog.start(milliseconds: watchdogMilliseconds)
    }

    private func send(_ message: String) {
        guard descriptor >= 0 else { return }
        var target = sockaddr_un()
        target.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &target.sun_path) { unsafe $0.copyBytes(from: address) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + address.count)
        let text = Array(message.utf8)
        // The loop does not wait for a manager that does not read.
        _ = unsafe withUnsafeBytes(of: &target) { target in
            unsafe text.withUnsafeBytes { text in
                unsafe sendto(
                    descriptor, text.baseAddress, text.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT),
                    target.baseAddress?.assumingMemoryBound(to: sockaddr.self), length)
            }
        }
    }

    /// The bytes of `sun_path`: a path, or after `@` a name in Linux's abstract space. Empty for what is neither.
    nonisolated static func address(_ name: String) -> [UInt8] {
        guard name.hasPrefix("/") || name.hasPrefix("@"), name.utf8.count > 1, name.utf8.count < 108 else { return [] }
        return name.hasPrefix("@") ? [0] + name.utf8.dropFirst() : Array(name.utf8)
    }
}
