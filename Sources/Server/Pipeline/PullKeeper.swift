import EventIO
import Glibc
import HTTP
import Hub

/// Carries out the orders of `hubgate cache pull`, one after the other, in one of the workers. An order that a stop of the gateway interrupts is taken up
/// at the next start.
@EventLoop
final class PullKeeper {
    /// In milliseconds.
    private static let pause: UInt64 = 500
    private static let noteMicroseconds = 250_000
    /// How long an order's result is kept, in seconds.
    private static let memory: Int64 = 86_400

    /// Held, as work under way goes on for a moment when the gateway stops.
    private let pipeline: RequestPipeline
    private let files: FileCache
    /// Lines for the log.
    private let warn: (String) -> Void
    private lazy var timer = Timer { [weak self] in self?.look() }
    private var noted = MonotonicInstant.now
    private var isCancelled = false
    /// Orders that have ended, and when: they are not read again.
    private var over: [String: Int64] = [:]

    /// Nil where no files are kept.
    init?(_ pipeline: RequestPipeline, warn: @escaping (String) -> Void) {
        guard let files = pipeline.state.files else { return nil }
        self.pipeline = pipeline
        self.files = files
        self.warn = warn
        timer.start(milliseconds: Self.pause)
    }

    private var isDraining: Bool { pipeline.state.drainState.isDraining }

    private func look() {
        guard !isDraining else { return }
        EventLoop.task { [weak self] in
            await self?.work()
            self?.timer.start(milliseconds: Self.pause)
        }
    }

    private func work() async {
        let now = Int64(WallClock.now.seconds)
        var (share, seen) = (TurnShare(), Set<String>())
        for id in files.directory.orderNames() {
            await share.pause()
            seen.insert(id)
            if over[id] == nil, let order = files.directory.order(id) {
                if order.status.isOver { over[id] = order.changed } else if !isDraining { await carryOut(order) }
            }
            if let changed = over[id], changed < now - Self.memory { files.directory.removeOrder(id) }
        }
        over = over.filter { seen.contains($0.key) }
    }

    private func carryOut(_ order: PullOrder) async {
        var order = order
        (order.status, order.reason, isCancelled) = (.running, "", files.directory.isCancelled(order))
        write(order)
        let identification = pipeline.state.identification
        let act = PullAct(
            order, hub: pipeline.handlers.hub, files: files,
            principal: identification.own == nil ? .anonymous : identification.gateway,
            isEnding: { self.isCancelled || self.isDraining }, note: { self.note($0) })
        do throws(Failure) {
            order = try await act.run()
            order.status = .done
        } catch {
            order = act.order
            // It goes on at the next start.
            if isDraining, !isCancelled { return write(order) }
            order.status = isCancelled ? .cancelled : .failed
            order.reason = isCancelled ? "It was cancelled." : error.detail
            order.exitCode = isCancelled ? 1 : error.exitCode
            if !isCancelled { warn("\(order.repo.text) at \(order.revision.shown) was not pulled: \(error.detail)") }
        }
        write(order)
    }

    /// Writes the progress from time to time only: each is a file.
    private func note(_ order: PullOrder) {
        guard MonotonicInstant.now.microseconds(since: noted) >= Self.noteMicroseconds else { return }
        noted = .now
        if files.directory.isCancelled(order) { isCancelled = true }
        write(order)
    }

    private func write(_ order: PullOrder) {
        var order = order
        order.changed = Int64(WallClock.now.seconds)
        do throws(FileError) {
            try files.directory.note(order)
        } catch {
            files.stop(error)
        }
    }
}

extension Failure {
    /// The exit code of a command that the failure ends (sysexits.h).
    fileprivate var exitCode: Int32 {
        switch kind {
        case .notFound: 66
        case .payloadTooLarge: 73
        case .noToken, .denied, .unidentified: 77
        case .hubUnreachable, .hubTooSlow, .hubBroken, .budgetSpent, .tooBusy: 69
        case .hubAnswered(let refusal):
            switch refusal.status.code {
            case 401 where refusal.code == "GatedRepo", 403: 77
            case 401, 404: 66
            default: 69
            }
        default: 1
        }
    }
}
