import EventIO

/// The helper processes of one that serves files from `cache_dir`. They wait for the disk in its place: one reads what is not in memory, one makes room.
/// They end with it.
struct CacheProcesses: Sendable {
    let reading: FileChannel
    /// Nil: another worker has it.
    let sweeping: FileChannel?
}
