internal import Synchronization

/// Settings that are given on and not kept: a token lives as long as its last holder, and reloads replace it.
final class Handover: Sendable {
    private let settings: Mutex<Settings?>

    let files: NamedFiles
    let workers: WorkerCount

    init(_ settings: Settings) {
        self.settings = Mutex(settings)
        files = NamedFiles(settings)
        workers = settings.workers
    }

    func take() -> Settings {
        settings.withLock { settings in
            defer { settings = nil }
            return settings ?? Settings()
        }
    }
}
