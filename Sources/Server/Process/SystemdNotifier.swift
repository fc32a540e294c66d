import EventIO
import Glibc
import HTTP

/// Tells the service manager the program's state by sd_notify(3): datagrams to a socket that the environment names.
final class SystemdNotifier {
    /// The service manager's watchdog time; nil if it has none.
    let watchdogMilliseconds: UInt64?
    private let address: [UInt8]
    private let descriptor: Int32

    /// Without NOTIFY_SOCKET nothing is sent.
    init(_ environment: [String: String]) {
        address = Self.address(environment["NOTIFY_SOCKET"] ?? "")
        let isForUs = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        let microseconds = isForUs ? environment["WATCHDOG_USEC"].flatMap(UInt64.init) : nil
        // Twice as often as required, as sd_watchdog_enabled(3) advises.
        watchdogMilliseconds = address.isEmpty ? nil : microseconds.map { max(1, $0 / 2000) }
        descriptor = address.isEmpty ? -1 : socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func ready(_ status: String) {
        send("READY=1\nSTATUS=\(status)")
    }

    func alive() {
        send("WATCHDOG=1")
    }

    func reloading() {
        send("RELOADING=1\nMONOTONIC_USEC=\(MonotonicInstant.now.microseconds)\nSTATUS=Reloading")
    }

    func stopping(_ status: String) {
        send("STOPPING=1\nSTATUS=\(status)")
    }

    private func send(_ message: String) {
        guard descriptor >= 0 else { return }
        var target = sockaddr_un()
        target.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &target.sun_path) { unsafe $0.copyBytes(from: address) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + address.count)
        let text = Array(message.utf8)
        // It does not wait for a manager that does not read.
        _ = unsafe withUnsafeBytes(of: &target) { target in
            unsafe text.withUnsafeBytes { text in
                unsafe sendto(
                    descriptor, text.baseAddress, text.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT),
                    target.baseAddress?.assumingMemoryBound(to: sockaddr.self), length)
            }
        }
    }

    /// The bytes of `sun_path`: a path, or after `@` a name in Linux's abstract namespace. Empty for anything else.
    static func address(_ name: String) -> [UInt8] {
        guard name.hasPrefix("/") || name.hasPrefix("@"), name.utf8.count > 1, name.utf8.count < 108 else { return [] }
        return name.hasPrefix("@") ? [0] + name.utf8.dropFirst() : Array(name.utf8)
    }
}

/// Calls back again and again, from a timer of the loop: each call proves that the loop turns.
@EventLoop
final class Watchdog {
    private let milliseconds: UInt64
    private let turn: @EventLoop () -> Void
    private lazy var timer = Timer { [weak self] in self?.tick() }

    /// The first call comes at once.
    init(every milliseconds: UInt64, _ turn: @escaping @EventLoop () -> Void) {
        self.milliseconds = milliseconds
        self.turn = turn
        tick()
    }

    private func tick() {
        turn()
        timer.start(milliseconds: milliseconds)
    }
}
