import EventIO
import Glibc
import HTTP
import Hub

/// What a worker has from its parent.
struct Worker: Sendable {
    /// From 1.
    let number: Int
    /// Those of `listen`, in its order.
    let ports: [UInt16]
    let adminPort: UInt16?
    /// Bound by the parent, to be listened on: one for each of `ports`.
    let sockets: [SharedSocket]
    let adminSocket: SharedSocket?
    /// As the parent has read it: with another user's rights this process may not be able to.
    let tls: TLSContext
    /// Standard output, as the parent has opened it.
    let output: NonblockingDescriptor
    /// Of all workers.
    let slots: MetricSlots
    let epochs: WriteEpochs
    let budgets: BudgetLedger
    /// Nil: there is no other worker, or nothing is kept.
    let metadata: SharedMetadata?
    /// Nil: the Hub that the settings name.
    let sandbox: SandboxSite?
    /// The pipe to the parent.
    let line: Int32
    /// How many workers there are.
    let count: Int
    /// To the state process; nil but in access by keys.
    let state: PacketSocket?
    /// Of all workers; nil but in access by keys.
    let rates: KeyRates?
    let quotas: QuotaWords?

    /// One of them warns of what all would.
    var speaksForAll: Bool { number == 1 }

    func say(_ word: WorkerMessage) {
        var byte = word.rawValue
        // A parent that does not read is not waited for; without a parent this process is about to end.
        _ = unsafe write(line, &byte, 1)
    }

    /// The settings by which it listens: at the ports that its parent has found.
    func settings(_ settings: Settings) -> Settings {
        var own = settings
        own.listen = zip(settings.listen, ports).map { ListenAddress(address: $0.address, port: $1) }
        own.adminListen = settings.adminListen.flatMap { listen in
            adminPort.map { ListenAddress(address: listen.address, port: $0) }
        }
        return own
    }
}

/// A place for a worker, as the parent keeps it: who has it, or when the next one gets it.
struct WorkerSlot {
    /// From 1; also that of its counters.
    let number: Int
    let sockets: [SharedSocket]
    let adminSocket: SharedSocket?
    var child: ChildProcess?
    var isServing = false
    /// It has been told to reload, and has not said that it did.
    var owesReload = false
    var began = MonotonicInstant.now
    var heard = MonotonicInstant.now
    var delay = RestartDelay()
    /// When a successor is due, in milliseconds by `MonotonicInstant`.
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

    /// The worker has ended; returns the milliseconds until its replacement is due.
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

/// What a worker says to its parent, a byte each.
enum WorkerMessage: UInt8 {
    /// It listens.
    case serving
    /// Its loop turns.
    case alive
    /// It has taken up what changed in the files.
    case reloaded
    /// It found a fault in them, and its settings are what they were.
    case notReloaded
    /// An administrator asks for a reload, or for the end, through it.
    case wantsReload, wantsStop
}

/// How long the successor of a dead worker waits: not at all after a long life, and longer and longer when each dies young, so that a
/// fault that lasts does not keep the machine busy with starting.
struct RestartDelay {
    private static let first = 100
    private static let longest = 10_000
    /// Who has lived for so long did not die of how it starts.
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
