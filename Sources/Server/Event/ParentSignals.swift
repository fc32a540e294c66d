internal import CEvent
internal import Glibc

/// SIGHUP, SIGINT, SIGTERM and SIGCHLD of a process without an event loop: from here on they wait until they are asked for.
struct ParentSignals: ~Copyable {
    private let descriptor: Int32

    init() throws(CError) {
        descriptor = ce_parent_signals()
        guard descriptor >= 0 else { throw CError("cannot wait for signals", errno: errno) }
    }

    deinit {
        close(descriptor)
    }

    /// The next that has come. Does not wait.
    func next() -> Int32? {
        let signal = ce_parent_next_signal(descriptor)
        return signal == 0 ? nil : signal
    }

    /// Returns at a signal, when one of `lines` can be read, or after `milliseconds`; nil: whenever that is.
    func wait(orFor lines: [Int32], milliseconds: Int?) {
        var watched = ([descriptor] + lines).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        unsafe poll(&watched, nfds_t(watched.count), milliseconds.map { Int32(clamping: $0) } ?? -1)
    }
}
