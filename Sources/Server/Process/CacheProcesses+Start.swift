import EventIO
import Glibc

extension CacheProcesses {
    enum Side {
        /// In the process that serves; nil: `cache_dir` is not set.
        case parent(CacheProcesses?)
        /// In a helper process, when it has ended.
        case child(Int32)
    }

    private enum Work { case reading, sweeping }

    /// Starts the helper processes, before there is a loop. Throws where the system cannot.
    static func start(_ settings: OneShotSettings, as worker: Worker?) throws(CError) -> Side {
        guard settings.hasFileCache else { return .parent(nil) }
        guard let reading = try fork(.reading, settings, as: worker) else { return .child(Exit.ok) }
        guard worker?.speaksForAll ?? true else {
            return .parent(CacheProcesses(reading: reading, sweeping: nil))
        }
        guard let sweeping = try fork(.sweeping, settings, as: worker) else { return .child(Exit.ok) }
        return .parent(CacheProcesses(reading: reading, sweeping: sweeping))
    }

    /// Nil in the child, when its work is done.
    private static func fork(
        _ work: Work, _ settings: OneShotSettings, as worker: Worker?
    ) throws(CError) -> FileChannel? {
        let (own, others) = try FileChannel.pair()
        switch try ChildProcess.fork() {
        case .parent: return own
        case .child: run(work, by: others, settings.take(), as: worker)
        }
        return nil
    }

    private static func run(_ work: Work, by channel: FileChannel, _ settings: Settings, as worker: Worker?) {
        channel.keepAlone()
        // The parent decides when it ends, also at a terminal.
        for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
        var hardening = Hardening()
        do throws(CError) {
            // A worker's parent has done that already.
            if worker == nil { try hardening.dropPrivileges(settings) }
        } catch {
            // The parent reports the reason for itself.
            return
        }
        let directory = settings.cacheDirectory
        switch work {
        case .reading:
            hardening.restrictCacheProcess(settings, read: [directory], written: [])
            DiskReading(channel: channel, directory: CacheDirectory(path: directory)).run()
        case .sweeping:
            hardening.restrictCacheProcess(settings, read: [], written: [directory])
            CacheSweeper(CacheDirectory(path: directory), settings.cacheSize, channel).run()
        }
    }
}
