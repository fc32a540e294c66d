import EventIO
import Glibc
import HTTP
import Hub

/// What a worker gets from its parent.
struct Worker: Sendable {
    /// Counted from 1.
    let number: Int
    /// The ports of `listen`, in its order.
    let ports: [UInt16]
    let adminPort: UInt16?
    /// Bound by the parent, for this process to listen on: one for each of `ports`.
    let sockets: [SharedSocket]
    let adminSocket: SharedSocket?
    /// Read by the parent: as another user this process may not be able to.
    let tls: TLSContext
    /// Standard output, opened by the parent.
    let output: NonblockingDescriptor
    /// Shared by all workers.
    let slots: MetricSlots
    let epochs: WriteEpochs
    let budgets: BudgetLedger
    /// Nil: there is no other worker, or no cache.
    let metadata: SharedMetadata?
    /// Nil: the Hub that the settings name.
    let sandbox: SandboxSite?
    /// The pipe to the parent.
    let line: Int32
    /// How many workers there are.
    let count: Int
    /// To the state process; nil except with `access = keys`.
    let state: PacketSocket?
    /// Shared by all workers; nil except with `access = keys`.
    let rates: KeyRates?
    let quotas: QuotaWords?

    /// One worker reports what is the same in all.
    var speaksForAll: Bool { number == 1 }

    func say(_ word: WorkerMessage) {
        var byte = word.rawValue
        // It does not wait for a parent that does not read; without a parent this process is about to end.
        _ = unsafe write(line, &byte, 1)
    }

    /// The settings by which it listens: on the ports that its parent has bound.
    func settings(_ settings: Settings) -> Settings {
        var own = settings
        own.listen = zip(settings.listen, ports).map { ListenAddress(address: $0.address, port: $1) }
        own.adminListen = settings.adminListen.flatMap { listen in
            adminPort.map { ListenAddress(address: listen.address, port: $0) }
        }
        return own
    }
}

/// The parent's record of one worker: its process, or when the next one is started.
struct WorkerSlot {
    /// Counted from 1; also the number of its metrics.
    let number: Int
    let sockets: [SharedSocket]
    let adminSocket: SharedSocket?
    var child: ChildProcess?
    var isServing = false
    /// It was told to reload, and has not answered yet.
    var owesReload = false
    var began = MonotonicInstant.now
    var heard = MonotonicInstant.now
    var delay = RestartDelay()
    /// When its successor is started, in milliseconds by `MonotonicInstant`.
    var due: Int?

    init(number: Int, sockets: [SharedSocket], adminSocket: SharedSocket?) {
        self.number = number
        self.sockets = sockets
        self.adminSocket = adminSocket
    }

    mutating func retained(by child: ChildProcess) {
        self.child = child
        (began, heard) = (.now, .now)
        due = nil
    }

    /// The worker has ended; returns the milliseconds until its successor is started.
    mutating func left() -> Int {
        let wait = delay.next(lived: MonotonicInstant.now.milliseconds - began.milliseconds)
        child = nil
        for socket in sockets { socket.quiet() }
        adminSocket?.quiet()
        (isServing, owesReload) = (false, false)
        due = MonotonicInstant.now.milliseconds + wait
        return wait
    }
}

/// Messages of a worker to its parent, a byte each.
enum WorkerMessage: UInt8 {
    /// It listens.
    case serving
    /// Its loop turns.
    case alive
    /// It has applied the changes in the files.
    case reloaded
    /// It found a fault in the files, and keeps its settings.
    case notReloaded
    /// An administrator has ordered a reload, or a stop, through it.
    case wantsReload, wantsStop
}

/// How long the successor of a dead worker waits: not at all after a long life, and longer each time when several die young, so that a
/// lasting fault does not keep the machine busy with starts.
struct RestartDelay {
    private static let first = 100
    private static let longest = 10_000
    /// A worker that has lived for so long did not die of a fault at its start.
    private static let longLife = 10_000

    private var youngDeaths = 0

    /// In milliseconds, after a life of `lived` milliseconds.
    mutating func next(lived: Int) -> Int {
        if lived >= Self.longLife { youngDeaths = 0 }
        defer { youngDeaths += 1 }
        guard youngDeaths > 0 else { return 0 }
        return min(Self.longest, Self.first << min(youngDeaths - 1, 16))
    }
}
