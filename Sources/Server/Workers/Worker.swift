internal import Glibc

/// What a worker has from its parent.
struct Worker: Sendable {
    /// From 1.
    let number: Int
    let port: UInt16
    let adminPort: UInt16?
    /// Bound by the parent, to be listened on.
    let socket: SharedSocket
    let adminSocket: SharedSocket?
    /// As the parent has read it: with another user's rights this process may not be able to.
    let tls: TLSContext
    /// Standard output, as the parent has opened it.
    let output: OutputWay
    /// Of all workers.
    let slots: MetricSlots
    /// Nil: the Hub that the settings name.
    let sandbox: SandboxSite?
    /// The pipe to the parent.
    let line: Int32

    /// One of them warns of what all would.
    var speaksForAll: Bool { number == 1 }

    func say(_ word: WorkerWord) {
        var byte = word.rawValue
        // A parent that does not read is not waited for; without a parent this process is about to end.
        _ = unsafe write(line, &byte, 1)
    }

    /// The settings by which it listens: at the port that its parent has found.
    func settings(_ settings: Settings) -> Settings {
        var own = settings
        own.listen = ListenAddress(address: settings.listen.address, port: port)
        own.adminListen = settings.adminListen.flatMap { listen in
            adminPort.map { ListenAddress(address: listen.address, port: $0) }
        }
        return own
    }
}
