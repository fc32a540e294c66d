internal import CEvent

/// The process's memory, which holds tokens and keys.
enum ProcessMemory {
    /// Keeps it out of core dumps, and in a release build from other processes of the same user too. A debug build lets debuggers and
    /// the sanitizers' leak checker in.
    static func keepPrivate() {
        ce_process_keep_private(isRelease)
    }

    #if DEBUG
    private static let isRelease = false
    #else
    private static let isRelease = true
    #endif
}
